"""Amounts that move to another round: what a line could not take up, and decisions come too late.

A carry is in at most one round, that of its currency which is published next, or waits for one. It
changes only the helper it belongs to. What is taken back is one more row with the opposite amount.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from bot.domain.money import format_amount
from bot.domain.policy import Policy
from bot.domain.record import Row
from bot.domain.statement import Statement
from bot.domain.states import Round as State
from bot.services import history, outbox, settings
from storage import carries, rounds
from storage.tables import Carry, Dispute, Round

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

UNPUBLISHED = (State.OPEN, State.REVIEW, State.DRAFT)


async def of_decisions(session: AsyncSession, round_: Round) -> dict[int, int]:
    """Return what decisions about paid lines of a round have carried on so far, by helper."""
    return _sums(row for row in await carries.out_of(session, round_.id) if row.dispute_id)


async def decided(
    session: AsyncSession,
    round_: Round,
    *,
    dispute: Dispute,
    user_id: int,
    amount: int,
    at: datetime,
    actor: int,
) -> Round | None:
    """Carry what a decision about a paid line comes to; return the round that it enters."""
    policy = (await settings.pinned(session, round_)).policy
    place = await _place(session, round_, policy)
    carry = _carry(round_, policy, user_id, amount, at=at, dispute_id=dispute.id)
    return await _add(session, carry, round_, place, actor=actor)


async def undo(
    session: AsyncSession, round_: Round, *, user_id: int, at: datetime, actor: int
) -> int:
    """Take back what decisions about a line carried on, and return what that was.

    The payment that they followed was taken back: the next decision is about the line itself.
    """
    decisions = [
        row
        for row in await carries.out_of(session, round_.id)
        if row.dispute_id is not None and row.user_id == user_id
    ]
    amount = sum(row.amount for row in decisions)
    if amount:
        policy = (await settings.pinned(session, round_)).policy
        dispute_id = decisions[-1].dispute_id
        carry = _carry(round_, policy, user_id, -amount, at=at, dispute_id=dispute_id)
        await _add(session, carry, round_, await _place(session, round_, policy), actor=actor)
    return amount


async def settle(
    session: AsyncSession, round_: Round, statement: Statement, *, at: datetime, actor: int
) -> None:
    """Carry what the lines of a published version could not take up, less what was before."""
    policy = statement.policy
    left = {line.user_id: line.carry_left for line in statement.lines}
    before = _sums(row for row in await carries.out_of(session, round_.id) if not row.dispute_id)
    place = await _place(session, round_, policy)
    for user_id in sorted({*left, *before}):
        change = left.get(user_id, 0) - before.get(user_id, 0)
        if change:
            carry = _carry(round_, policy, user_id, change, at=at)
            await _add(session, carry, round_, place, actor=actor)


async def adopt(session: AsyncSession, round_: Round, *, at: datetime) -> None:
    """Let an open round take up what waited for a round of its currency."""
    policy = (await settings.pinned(session, round_)).policy
    for carry in await carries.waiting(session, round_.guild_id):
        source = await _round(session, carry.from_round_id)
        if source.number < round_.number and _fits(carry, policy):
            await _move(session, carry, round_, at=at)


async def withdraw(session: AsyncSession, round_: Round, *, at: datetime) -> None:
    """Empty a round that was voided: what is in it moves on, what came out of it is taken back."""
    for carry in await carries.rows_into(session, round_.id):
        source = await _round(session, carry.from_round_id)
        policy = (await settings.pinned(session, source)).policy
        await _move(session, carry, await _place(session, source, policy), at=at)
    policy = (await settings.pinned(session, round_)).policy
    place = await _place(session, round_, policy)
    waiting = await rounds.of_server(session, round_.guild_id, states=UNPUBLISHED)
    places: dict[int | None, Round | None] = {one.id: one for one in waiting}
    for (user_id, to_id), amount in _by_place(await carries.out_of(session, round_.id)).items():
        # What a published round took up is taken back in the next one.
        await _add(
            session,
            _carry(round_, policy, user_id, -amount, at=at),
            round_,
            None if to_id is None else places.get(to_id, place),
        )


# ---------------------------------------------------------------- parts


async def _place(session: AsyncSession, source: Round, policy: Policy) -> Round | None:
    """Return the earliest round after one that is not published and has the same currency."""
    for round_ in await rounds.of_server(session, source.guild_id, states=UNPUBLISHED):
        there = (await settings.pinned(session, round_)).policy
        if round_.number > source.number and _unit(there) == _unit(policy):
            return round_
    return None


def _carry(
    source: Round,
    policy: Policy,
    user_id: int,
    amount: int,
    *,
    at: datetime,
    dispute_id: int | None = None,
) -> Carry:
    return Carry(
        guild_id=source.guild_id,
        user_id=user_id,
        amount=amount,
        currency=policy.currency,
        decimals=policy.decimals,
        from_round_id=source.id,
        dispute_id=dispute_id,
        at=at,
    )


async def _add(
    session: AsyncSession,
    carry: Carry,
    source: Round,
    place: Round | None,
    *,
    actor: int | None = None,
) -> Round | None:
    carry.number = await carries.next_number(session, carry.guild_id)
    carry.to_round_id = place.id if place is not None else None
    session.add(carry)
    await session.flush()
    await history.append(
        session,
        guild_id=carry.guild_id,
        at=carry.at,
        actor=actor,
        action="carry.added",
        subject=f"carry:{carry.number}",
        data={"round": "", "from": source.label, **_told(carry)},
        concerning=place,
    )
    return await _show(session, place)


async def _move(session: AsyncSession, carry: Carry, place: Round | None, *, at: datetime) -> None:
    was = await rounds.get(session, carry.to_round_id) if carry.to_round_id is not None else None
    carry.to_round_id = place.id if place is not None else None
    await session.flush()
    _touch(
        was,
        await history.append(
            session,
            guild_id=carry.guild_id,
            at=at,
            action="carry.moved",
            subject=f"carry:{carry.number}",
            data={"round": "", "was": was.label if was is not None else "", **_told(carry)},
            concerning=place,
        ),
    )
    await _show(session, place)


def _touch(was: Round | None, row: Row) -> None:
    """Let the round that a carry leaves hold the row of that too."""
    if was is not None:
        history.touch(was, row)


async def _show(session: AsyncSession, place: Round | None) -> Round | None:
    """Bring a draft that a carry changes up to date; its approvals do not count any more."""
    if place is not None:
        name = f"round:{place.id}:draft:compute"
        await outbox.again(session, guild_id=place.guild_id, name=name)
    return place


def _told(carry: Carry) -> dict[str, str]:
    return {
        "user_id": str(carry.user_id),
        "amount": format_amount(carry.amount, decimals=carry.decimals),
    }


def _unit(policy: Policy) -> tuple[str, int]:
    return policy.currency, policy.decimals


def _fits(carry: Carry, policy: Policy) -> bool:
    return (carry.currency, carry.decimals) == _unit(policy)


def _by_place(rows: Iterable[Carry]) -> dict[tuple[int, int | None], int]:
    """Add carries up by helper and round; what comes to nothing is left out."""
    sums: dict[tuple[int, int | None], int] = {}
    for row in rows:
        where = (row.user_id, row.to_round_id)
        sums[where] = sums.get(where, 0) + row.amount
    return {where: amount for where, amount in sums.items() if amount}


def _sums(rows: Iterable[Carry]) -> dict[int, int]:
    sums: dict[int, int] = {}
    for row in rows:
        sums[row.user_id] = sums.get(row.user_id, 0) + row.amount
    return sums


async def _round(session: AsyncSession, round_id: int) -> Round:
    round_ = await rounds.get(session, round_id)
    assert round_ is not None, "a carry comes from a round"
    return round_
