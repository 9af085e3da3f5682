"""Words about payout addresses: in full to their owner only, never in what others see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.states import Line
from bot.ui.text import deadline, when

if TYPE_CHECKING:
    from bot.services.addresses import Changed, Own, Usage

MOST_ROUNDS = 8


def changed(change: Changed) -> str:
    """Return the answer to setting one's address: how it is kept, and where it counts."""
    if not change.is_new:
        return f"This is your address already: `{change.address}`. Nothing was changed."
    same = ""
    if change.typed:
        same = f"It is the same key as `{change.typed}`, as {change.network} spells it. "
    lines = [
        f"**Your payout address is** `{change.address}`",
        f"{same}Compare it with your wallet. Nobody else is shown it but the committee, when it "
        "makes the payment files; the thread says only that it changed.",
        *_usages(change.usages),
        "`/address set` again replaces it, `/address clear` takes it away.",
    ]
    return "\n".join(lines)


def cleared(change: Changed) -> str:
    """Return the answer to clearing one's address."""
    return "\n".join(
        [
            "**You have no payout address any more.** What is due to you stays due; without an "
            "address it is in no payment file.",
            *_usages(change.usages),
            "`/address set` sets another one.",
        ]
    )


def own(shown: Own) -> str:
    """Return one's own addresses in full, and what every unpaid line will use."""
    if shown.addresses:
        lines = [
            f"**Your payout address**: `{address}`, set {when(set_at)}"
            for _, address, set_at in shown.addresses
        ]
    elif not shown.is_payee:
        lines = [
            "You have no payout address and need none: they are for helpers. "
            "`/helper join` says how to become one."
        ]
    else:
        lines = [
            f"You have no payout address. `/address set` sets one; payments here are made on "
            f"{shown.network}."
        ]
    return "\n".join([*lines, *_usages(shown.usages)])


def notice(user_id: int, what: str) -> str:
    """Return the public notice of a change, without the address."""
    if what == "set":
        return (
            f"<@{user_id}> set a new payout address. Rounds that have closed keep the one of "
            "their close. If that was not you, tell the committee now."
        )
    return f"<@{user_id}> took their payout address away. If that was not you, tell the committee."


def _usages(usages: tuple[Usage, ...]) -> list[str]:
    if not usages:
        return []
    rows = [f"- {_usage(usage)}" for usage in usages[:MOST_ROUNDS]]
    if len(usages) > MOST_ROUNDS:
        rows.append(f"- and {len(usages) - MOST_ROUNDS} earlier ones")
    return ["", "**What is not paid yet**", *rows]


def _usage(usage: Usage) -> str:
    held = ", held" if usage.line is Line.HELD else ""
    where = f"{usage.label}{held}"
    if usage.closed_at is None:
        now = f"now `{usage.address}`" if usage.address else "now none"
        return f"{where} is open: the address that stands when it closes counts, {now}."
    if not usage.address:
        return (
            f"{where}: no address stood when it closed. The first one you set serves it, 24 hours "
            "later."
        )
    if usage.waits_until is not None:
        return (
            f"{where}: `{usage.address}`, the first one set after its close; it can be paid to "
            f"from {deadline(usage.waits_until)}."
        )
    return f"{where}: `{usage.address}`; a later change does not reach it."
