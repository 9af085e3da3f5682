"""The tip jar of the open round: what is in it, recording tips, and what the funder adds.

Nobody's id is kept with a tip, and of its time only the day.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from msgspec import Struct

from bot.domain import people, tipjar
from bot.domain.errors import Refusal
from bot.domain.money import format_amount, parse_share_bp
from bot.domain.people import Actor
from bot.domain.policy import CLEAR, Policy
from bot.domain.tipjar import KINDS, LUMP, MOST_PERCENT, PERCENT, Jar, Match
from bot.services import history, lines, payments, settings, settlement
from bot.services import jar as jar_service
from bot.services import rounds as round_service
from storage import rounds, tips
from storage.tables import Match as MatchRow
from storage.tables import Round, Tip

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


class Tipped(Struct, frozen=True):
    """One amount in the jar; `from_label` names the round in which nobody could receive it."""

    number: int
    amount: int
    day: date
    reference: str
    from_label: str = ""


class Waiting(Struct, frozen=True):
    """A jar that waits: for its statement, or, as nobody could receive it, for a later jar."""

    label: str
    amount: int
    currency: str
    decimals: int


class Shown(Struct, frozen=True):
    """The jar of the open round and how many tips are in it.

    `carried` came from earlier rounds; `listed` is all that is in it, for the committee alone.
    """

    label: str
    jar: Jar
    count: int
    close_at: datetime
    currency: str
    decimals: int
    tip_address: str
    carried: tuple[Tipped, ...]
    waiting: tuple[Waiting, ...]
    listed: tuple[Tipped, ...]
    closed: tuple[Waiting, ...] = ()
    """Jars of rounds that closed and whose statement is not published yet."""


class Changed(Struct, frozen=True):
    """A jar after a tip was recorded or taken back (`tip`), or after its match was set."""

    label: str
    jar: Jar
    close_at: datetime
    currency: str
    decimals: int
    tip: Tipped | None = None


async def show(session: AsyncSession, *, by: Actor) -> Shown:
    """Return the jar of the open round as everybody may see it."""
    round_ = await round_service.named(session, by.guild_id, None)
    policy = (await settings.pinned(session, round_)).policy
    present = (await settings.current(session, by.guild_id)).policy
    standing = await _standing(session, round_)
    return Shown(
        label=round_.label,
        jar=await jar_service.of_round(session, round_),
        count=sum(not tip.from_label for tip in standing),
        close_at=round_.close_at,
        currency=policy.currency,
        decimals=policy.decimals,
        tip_address=policy.tip_address,
        carried=tuple(tip for tip in standing if tip.from_label),
        waiting=await _waiting(session, by.guild_id),
        listed=standing if people.is_committee(present, by) else (),
        closed=await _closed(session, by.guild_id),
    )


async def record(
    session: AsyncSession, *, by: Actor, amount: str, reference: str | None = None
) -> Changed:
    """Put a tip into the jar of the round that was open at the moment on Discord's clock.

    A reference stands for one tip only: a repeat is refused and names the tip.
    """
    await history.begin(session, by)
    await settings.require_committee(session, by)
    round_ = await _round_at(session, by)
    policy = (await settings.pinned(session, round_)).policy
    units = _positive(amount, policy)
    word = payments.require_reference(reference) if reference and reference.strip() else ""
    await _require_new(session, by.guild_id, word)
    before = await jar_service.of_round(session, round_)
    _require_room(tipjar.jar(before.tips + units, before.match), policy)
    tip = Tip(
        guild_id=by.guild_id,
        number=await tips.next_number(session, by.guild_id),
        round_id=round_.id,
        amount=units,
        day=by.at.astimezone(ZoneInfo(policy.timetable.zone)).date(),
        reference=word,
        from_round_id=None,
        taken_back_at=None,
    )
    session.add(tip)
    await history.append(
        session,
        guild_id=by.guild_id,
        at=by.now,
        actor=by.user_id,
        action="tipjar.recorded",
        subject=f"tip:{tip.number}",
        data={
            "amount": format_amount(units, decimals=policy.decimals),
            "day": tip.day.isoformat(),
        },
        texts={"reference": word},
        concerning=round_,
    )
    return await _changed(session, round_, policy, _tipped(tip))


async def correct(session: AsyncSession, *, by: Actor, tip: str, reason: str) -> Changed:
    """Take a wrongly recorded tip back while its round is open; the record keeps both."""
    await history.begin(session, by)
    await settings.require_committee(session, by)
    why = settlement.require_reason(reason)
    stored, round_ = await _own(session, by, tip)
    policy = (await settings.pinned(session, round_)).policy
    stored.taken_back_at = by.now
    await history.append(
        session,
        guild_id=by.guild_id,
        at=by.now,
        actor=by.user_id,
        action="tipjar.corrected",
        subject=f"tip:{stored.number}",
        data={"amount": format_amount(stored.amount, decimals=policy.decimals)},
        texts={"reason": why},
        concerning=round_,
    )
    return await _changed(session, round_, policy, _tipped(stored))


async def match(
    session: AsyncSession, *, by: Actor, kind: str, value: str, limit: str | None = None
) -> Changed:
    """Set what the funder adds to the tips of the open round; `0` or `-` takes it away.

    `kind` is percent (of the tips, with a limit where one is given) or lump (a sum).
    """
    await history.begin(session, by)
    await settings.require_committee(session, by)
    round_ = await _round_at(session, by)
    policy = (await settings.pinned(session, round_)).policy
    wanted = _match(kind, value, limit, policy)
    before = await jar_service.of_round(session, round_)
    _require_room(tipjar.jar(before.tips, wanted), policy)
    await _store(session, round_, wanted)
    await history.append(
        session,
        guild_id=by.guild_id,
        at=by.now,
        actor=by.user_id,
        action="tipjar.matched",
        subject=f"round:{round_.label}",
        data=tipjar.spell_match(wanted, decimals=policy.decimals),
        concerning=round_,
    )
    return await _changed(session, round_, policy)


async def choices(session: AsyncSession, *, by: Actor) -> list[tuple[str, str]]:
    """Return the tips that can be taken back, newest first, to choose from: for the committee."""
    present = (await settings.current(session, by.guild_id)).policy
    if not people.is_committee(present, by):
        return []
    found = await rounds.of_server(session, by.guild_id, states=("open",))
    if not found:
        return []
    policy = (await settings.pinned(session, found[0])).policy
    return [
        (
            str(tip.number),
            f"#{tip.number} · {format_amount(tip.amount, decimals=policy.decimals, grouping=True)} "
            f"{policy.currency} · {tip.day} · {tip.reference}".rstrip(" ·"),
        )
        for tip in reversed(await _standing(session, found[0]))
        if not tip.from_label
    ]


# ---------------------------------------------------------------- parts


async def _round_at(session: AsyncSession, by: Actor) -> Round:
    """Return the round of a tip: its jar is frozen once its thanks were counted."""
    round_ = await round_service.at_moment(session, by)
    if round_.closed_at is not None and (round_.state != "review" or round_.counted_at):
        raise Refusal(_frozen(round_))
    return round_


def _frozen(round_: Round) -> str:
    stamp = int((round_.closed_at or round_.close_at).timestamp())
    return (
        f"{round_.label} closed <t:{stamp}:f>, and its tip jar stays as it was then. "
        "The committee can adjust the draft with `/payout adjust`."
    )


async def _own(session: AsyncSession, by: Actor, number: str) -> tuple[Tip, Round]:
    """Return a tip that can be taken back, with its round."""
    digits = number.strip().lstrip("#")
    tip = None
    if re.fullmatch(r"[0-9]{1,12}", digits):
        tip = await tips.numbered(session, by.guild_id, int(digits))
    if tip is None:
        raise Refusal("That is not the number of a tip here. `/tipjar show` lists them.")
    if tip.from_round_id is not None:
        earlier = await rounds.get(session, tip.from_round_id)
        assert earlier is not None
        raise Refusal(
            f"#{tip.number} is what nobody could receive in {earlier.label}: it stays in the jar. "
            "Tips of the open round can be taken back; `/tipjar show` lists them."
        )
    if tip.taken_back_at is not None:
        raise Refusal(
            f"Tip #{tip.number} is taken back already. `/tipjar record` records the right one."
        )
    round_ = await rounds.get(session, tip.round_id)
    assert round_ is not None
    if round_.state == "void":
        raise Refusal(
            f"{round_.label} is void, and what was in its jar has moved on as one amount. "
            "The committee can adjust the draft with `/payout adjust`."
        )
    is_counted = round_.state != "open" and (round_.state != "review" or round_.counted_at)
    if by.at >= (round_.closed_at or round_.close_at) or is_counted:
        raise Refusal(_frozen(round_))
    return tip, round_


async def _require_new(session: AsyncSession, guild_id: int, reference: str) -> None:
    known = await tips.by_reference(session, guild_id, reference) if reference else None
    if known is not None:
        round_ = await rounds.get(session, known.round_id)
        assert round_ is not None
        raise Refusal(
            f"Tip #{known.number} of {round_.label} has this reference already, so it is in the "
            "jar. Use another one, or leave it out; `/tipjar correct` takes a wrong tip back."
        )


def _positive(text: str, policy: Policy) -> int:
    units = _not_negative(text, policy)
    if not units:
        raise Refusal(_above_zero(policy))
    return units


def _not_negative(text: str, policy: Policy) -> int:
    if text.strip()[:1] in {"-", "\N{MINUS SIGN}"}:
        raise Refusal(_above_zero(policy))
    return lines.money(text, policy)


def _above_zero(policy: Policy) -> str:
    form = format_amount(25 * 10**policy.decimals, decimals=policy.decimals)
    return (
        f"Amounts here are above 0: write one above zero like `{form}`. `/tipjar correct` takes a "
        "recorded tip back."
    )


def _match(kind: str, value: str, limit: str | None, policy: Policy) -> Match | None:
    word, most = kind.strip().lower(), (limit or "").strip()
    if word not in KINDS:
        raise Refusal(f"`kind` is one of: {', '.join(KINDS)}.")
    if most and word == LUMP:
        raise Refusal("A `limit` goes with `percent`; a lump sum is what it is. Leave it out.")
    if value.strip() == CLEAR:
        return None
    if word == LUMP:
        amount = _not_negative(value, policy)
        return Match(LUMP, amount) if amount else None
    share_bp = parse_share_bp(value, most_percent=MOST_PERCENT)
    limit_amount = _positive(most, policy) if most else None
    return Match(PERCENT, share_bp, limit_amount) if share_bp else None


def _require_room(after: Jar, policy: Policy) -> None:
    """Refuse what lifts cap and jar together above what can be kept."""
    largest = jar_service.largest(policy)
    if after.total > largest:
        most = format_amount(largest, decimals=policy.decimals, grouping=True)
        raise Refusal(
            f"The jar would be too large: with its match at most {most} {policy.currency}".rstrip()
            + " can be kept beside the cap. A smaller amount fits."
        )


async def _store(session: AsyncSession, round_: Round, wanted: Match | None) -> None:
    row = await tips.match(session, round_.id)
    if row is not None:
        await session.delete(row)
        await session.flush()
    if wanted is not None:
        session.add(
            MatchRow(
                round_id=round_.id,
                kind=wanted.kind,
                value=wanted.value,
                limit_amount=wanted.limit,
            )
        )


async def _standing(session: AsyncSession, round_: Round) -> tuple[Tipped, ...]:
    found = await tips.of_round(session, round_.id)
    return tuple([await _named(session, tip) for tip in found])


async def _named(session: AsyncSession, tip: Tip) -> Tipped:
    earlier = await rounds.get(session, tip.from_round_id) if tip.from_round_id else None
    return _tipped(tip, from_label=earlier.label if earlier else "")


def _tipped(tip: Tip, *, from_label: str = "") -> Tipped:
    return Tipped(tip.number, tip.amount, tip.day, tip.reference, from_label)


async def _waiting(session: AsyncSession, guild_id: int) -> tuple[Waiting, ...]:
    found: Sequence[Round] = await tips.left_over(session, guild_id)
    waiting = []
    for round_ in found:
        policy = (await settings.pinned(session, round_)).policy
        amount = await tips.total(session, round_.id)
        waiting.append(Waiting(round_.label, amount, policy.currency, policy.decimals))
    return tuple(waiting)


async def _closed(session: AsyncSession, guild_id: int) -> tuple[Waiting, ...]:
    """Return the jars that go to helpers with statements which are not published yet."""
    left_over = {round_.id for round_ in await tips.left_over(session, guild_id)}
    found = []
    for round_ in await rounds.of_server(session, guild_id, states=("review", "draft")):
        total = (await jar_service.of_round(session, round_)).total
        moved = round_.id in left_over or await tips.carried_from(session, round_.id) is not None
        if total and not moved:
            policy = (await settings.pinned(session, round_)).policy
            found.append(Waiting(round_.label, total, policy.currency, policy.decimals))
    return tuple(found)


async def _changed(
    session: AsyncSession, round_: Round, policy: Policy, tip: Tipped | None = None
) -> Changed:
    await session.flush()
    return Changed(
        label=round_.label,
        jar=await jar_service.of_round(session, round_),
        close_at=round_.close_at,
        currency=policy.currency,
        decimals=policy.decimals,
        tip=tip,
    )
