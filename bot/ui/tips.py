"""The tip jar as people see it: how it came about, what is in it, what was changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord

from bot.domain.money import WHOLE_BP, format_share
from bot.domain.tipjar import LUMP, Jar
from bot.ui import text

if TYPE_CHECKING:
    from bot.services.tipjar import Changed, Shown, Tipped, Waiting

COLOUR = discord.Colour.from_str("#2f6f6b")
PAGE = 15
LISTED = 5
"""Jars of earlier rounds that the first page has room for."""


def came_about(jar: Jar, *, decimals: int, currency: str = "") -> str:
    """Return how a jar came about: `tips 120.00 + 60.00 (50 % of the tips) = 180.00 USD`."""

    def amount(units: int) -> str:
        return text.money(units, decimals=decimals)

    total = text.money(jar.total, decimals=decimals, currency=currency)
    if jar.match is None:
        return f"tips {total}"
    if jar.match.kind == LUMP:
        how = "a lump sum"
    else:
        how = f"{format_share(jar.match.value)} % of the tips"
        if jar.match.limit is not None:
            how += f", at most {amount(jar.match.limit)}"
        if jar.match_amount * WHOLE_BP < jar.tips * jar.match.value and (
            jar.match_amount != jar.match.limit
        ):
            how += ", rounded down"
    return f"tips {amount(jar.tips)} + {amount(jar.match_amount)} ({how}) = {total}"


def show(jar: Shown) -> list[discord.Embed]:
    """Return the jar of the open round; the committee sees its single tips on further pages."""
    sums = came_about(jar.jar, decimals=jar.decimals, currency=jar.currency)
    total = text.money(jar.jar.total, decimals=jar.decimals, currency=jar.currency)
    lines = [
        f"**{total}** so far, {text.plural(jar.count, 'tip')} in this round.",
        f"How it came about: {sums}.",
        f"At the close, {text.deadline(jar.close_at)}, it is shared among the helpers by the "
        "people who thanked them, beside the bounty. Tips are kept without a name.",
    ]
    embed = discord.Embed(title=f"Tip jar {jar.label}", description="\n".join(lines), colour=COLOUR)
    if jar.tip_address:
        embed.add_field(
            name="Tip here",
            value=f"`{text.plain(jar.tip_address)}`\n"
            "Recommended: 10 % of the money or time that you saved.",
            inline=False,
        )
    earlier = [
        f"{_money(jar, tip.amount)} that nobody could receive in {tip.from_label}"
        for tip in jar.carried
    ]
    if earlier:
        embed.add_field(name="Of it from earlier rounds", value=text.bullets(earlier), inline=False)
    if jar.closed:
        closed = [
            f"{one.label} closed with {_amount(one)}, shown with its statement"
            for one in jar.closed
        ]
        embed.add_field(name="Before", value=text.bullets(closed, most=LISTED), inline=False)
    if jar.waiting:
        waiting = [_waiting(one) for one in jar.waiting]
        embed.add_field(
            name="Waiting for a round that can hold it",
            value=text.bullets(waiting, most=LISTED),
            inline=False,
        )
    return [embed, *_listed(jar)]


def recorded(change: Changed) -> str:
    """Return the answer to a recorded tip."""
    assert change.tip is not None
    tip = change.tip
    under = f", reference {text.quoted(tip.reference, longest=80)}" if tip.reference else ""
    return (
        f"**Tip #{tip.number}: {_money(change, tip.amount)}** is in the jar of {change.label}, "
        f"without a name, on {tip.day}{under}.\n{_now(change)}\n"
        f"`/tipjar correct` takes a mistake back until {text.when(change.close_at)}; then the jar "
        "is shared by thanks."
    )


def corrected(change: Changed) -> str:
    """Return the answer to a tip that was taken back."""
    assert change.tip is not None
    return (
        f"Tip #{change.tip.number}, {_money(change, change.tip.amount)}, is taken back; the record "
        f"keeps both.\n{_now(change)}\n`/tipjar record` records the right one."
    )


def matched(change: Changed) -> str:
    """Return the answer to a match that was set or taken away."""
    if change.jar.match is None:
        return (
            f"Nothing is added to the tips of {change.label}.\n{_now(change)}\n"
            "`/tipjar match` adds something."
        )
    again = "`/tipjar match` again changes it, with the value 0 it is taken away"
    return (
        f"The funder adds **{_money(change, change.jar.match_amount)}** to the tips of "
        f"{change.label} as they are now.\n{_now(change)}\n"
        f"{again}, until {text.when(change.close_at)}. The next round starts without."
    )


def _now(change: Changed) -> str:
    sums = came_about(change.jar, decimals=change.decimals, currency=change.currency)
    return f"The jar now: {sums}."


def _money(where: Shown | Changed, amount: int) -> str:
    return text.money(amount, decimals=where.decimals, currency=where.currency)


def _waiting(one: Waiting) -> str:
    return f"{_amount(one)} of {one.label}"


def _amount(one: Waiting) -> str:
    return text.money(one.amount, decimals=one.decimals, currency=one.currency)


def _listed(jar: Shown) -> list[discord.Embed]:
    rows = [_row(jar, tip) for tip in reversed(jar.listed)]
    return [
        discord.Embed(
            title=f"Tips of {jar.label}, newest first",
            description="\n".join(rows[at : at + PAGE]),
            colour=COLOUR,
        )
        for at in range(0, len(rows), PAGE)
    ]


def _row(jar: Shown, tip: Tipped) -> str:
    what = f"#{tip.number} · {_money(jar, tip.amount)} · {tip.day}"
    if tip.from_label:
        return f"{what} · from {tip.from_label}"
    return f"{what} · {text.quoted(tip.reference, longest=80)}" if tip.reference else what
