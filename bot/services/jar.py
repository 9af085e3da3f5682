"""The jars of rounds: what is in one, and what moves on because nobody could receive it.

A jar is frozen at the close of its round. Its tips stay rows of that round for good; what moves
on is one more row, in the jar of a later round, that says where it comes from. The match of the
funder stays behind.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from bot.domain import tipjar
from bot.domain.money import LARGEST, format_amount
from bot.domain.policy import Policy
from bot.domain.tipjar import Jar, Match
from bot.services import history, settings
from storage import rounds, tips
from storage.tables import Round, Tip

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


async def of_round(session: AsyncSession, round_: Round) -> Jar:
    """Return the jar of a round: as it stands, or from its close on as it was frozen."""
    stored = await tips.match(session, round_.id)
    match = Match(stored.kind, stored.value, stored.limit_amount) if stored else None
    return tipjar.jar(await tips.total(session, round_.id), match)


def largest(policy: Policy) -> int:
    """Return the most that a jar can hold: cap and jar together are a sum that can be kept."""
    return LARGEST - (policy.cap or 0)


async def adopt(session: AsyncSession, round_: Round, *, at: datetime) -> None:
    """Let an open round take over every jar that nobody can receive; once each.

    What had been carried out of its own jar comes back first, for it is open (again).
    """
    await uncarry(session, round_, at=at)
    for earlier in await tips.left_over(session, round_.guild_id):
        await carry(session, earlier, round_, at=at)


async def carry(session: AsyncSession, from_round: Round, to_round: Round, *, at: datetime) -> bool:
    """Put the tips of a jar that nobody can receive into the jar of an open round, once.

    False where that jar cannot hold them, because it is in another currency or full: they wait
    for a later round.
    """
    if await tips.carried_from(session, from_round.id) is not None:
        return True
    amount = await tips.total(session, from_round.id)
    if not amount:
        return True
    pinned = await settings.pinned(session, to_round)
    before = (await settings.pinned(session, from_round)).policy
    there = _converted(amount, before, pinned.policy)
    held = await of_round(session, to_round)
    if there is None or (tipjar.jar(held.tips + there, held.match).total > largest(pinned.policy)):
        return False
    tip = Tip(
        guild_id=to_round.guild_id,
        number=await tips.next_number(session, to_round.guild_id),
        round_id=to_round.id,
        amount=there,
        day=at.astimezone(ZoneInfo(pinned.policy.timetable.zone)).date(),
        reference="",
        from_round_id=from_round.id,
        taken_back_at=None,
    )
    session.add(tip)
    await _record(session, to_round, tip, at=at, action="tipjar.carried", source=from_round)
    return True


async def uncarry(session: AsyncSession, from_round: Round, *, at: datetime) -> None:
    """Take out of a later jar what nobody could receive in this round, because it is open again.

    Where that jar was carried on in its turn, it comes back first: the tips exist once.
    """
    tip = await tips.carried_from(session, from_round.id)
    if tip is None:
        return
    to_round = await rounds.get(session, tip.round_id)
    assert to_round is not None
    await uncarry(session, to_round, at=at)
    tip.taken_back_at = at
    await _record(session, to_round, tip, at=at, action="tipjar.uncarried", source=from_round)


async def _record(
    session: AsyncSession, round_: Round, tip: Tip, *, at: datetime, action: str, source: Round
) -> None:
    decimals = (await settings.pinned(session, round_)).policy.decimals
    await history.append(
        session,
        guild_id=round_.guild_id,
        at=at,
        action=action,
        subject=f"tip:{tip.number}",
        data={"amount": format_amount(tip.amount, decimals=decimals), "from": source.label},
        concerning=round_,
    )
    await session.flush()


def _converted(amount: int, before: Policy, after: Policy) -> int | None:
    """Return an amount in the smallest unit of a later policy; None where that is not exact."""
    if before.currency != after.currency:
        return None
    whole, rest = divmod(amount * 10**after.decimals, 10**before.decimals)
    return None if rest else whole
