"""Queries about proposals to cease payments, votes and suspensions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import BigInteger, bindparam, func, select

from storage.express import Runner, firsts, same
from storage.tables import CeaseProposal, CeaseVote, Dispute, Suspension
from storage.tables.base import Instant, core

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

_PROPOSALS, _SUSPENSIONS = core(CeaseProposal), core(Suspension)


async def standing(session: AsyncSession, guild_id: int) -> Sequence[Suspension]:
    """Return the suspensions of a server that were not lifted, final or not."""
    return (
        await session.scalars(
            select(Suspension)
            .where(Suspension.guild_id == guild_id, Suspension.lifted_at.is_(None))
            .order_by(Suspension.id)
        )
    ).all()


async def standing_of(session: AsyncSession, guild_id: int, user_id: int) -> Suspension | None:
    """Return the suspension of somebody that was not lifted, final or not."""
    return await session.scalar(
        select(Suspension).where(
            Suspension.guild_id == guild_id,
            Suspension.user_id == user_id,
            Suspension.lifted_at.is_(None),
        )
    )


class Stop(NamedTuple):
    """What stops the payments to somebody."""

    since: datetime
    disputable_until: datetime
    final_at: datetime | None
    reason: str


_STOP = same(
    select(
        Suspension.since, Suspension.disputable_until, Suspension.final_at, Suspension.reason
    ).where(
        Suspension.guild_id == bindparam("guild", type_=BigInteger),
        Suspension.user_id == bindparam("user", type_=BigInteger),
        Suspension.lifted_at.is_(None),
    )
)


async def stop_of(run: Runner, guild_id: int, user_id: int) -> Stop | None:
    """Return what stops the payments to somebody, None where nothing does."""
    found = await run.rows(_STOP, {"guild": guild_id, "user": user_id})
    return Stop._make(found[0]) if found else None


async def suspension(session: AsyncSession, suspension_id: int) -> Suspension | None:
    """Return a suspension by its key."""
    return await session.get(Suspension, suspension_id)


async def disputed(session: AsyncSession, guild_id: int) -> frozenset[int]:
    """Return the keys of the suspensions about which a dispute waits for a decision."""
    found = await session.scalars(
        select(Dispute.suspension_id).where(
            Dispute.guild_id == guild_id,
            Dispute.suspension_id.is_not(None),
            Dispute.state == "open",
        )
    )
    return frozenset(key for key in found if key is not None)


async def proposal(session: AsyncSession, guild_id: int, number: int) -> CeaseProposal | None:
    """Return a proposal by its number in a server."""
    return await session.scalar(
        select(CeaseProposal).where(
            CeaseProposal.guild_id == guild_id, CeaseProposal.number == number
        )
    )


async def open_proposals(session: AsyncSession, guild_id: int) -> Sequence[CeaseProposal]:
    """Return the proposals that wait for votes, newest first."""
    return (
        await session.scalars(
            select(CeaseProposal)
            .where(CeaseProposal.guild_id == guild_id, CeaseProposal.state == "open")
            .order_by(CeaseProposal.number.desc())
        )
    ).all()


async def open_about(session: AsyncSession, guild_id: int, user_id: int) -> CeaseProposal | None:
    """Return the proposal about somebody that waits for votes."""
    return await session.scalar(
        select(CeaseProposal).where(
            CeaseProposal.guild_id == guild_id,
            CeaseProposal.user_id == user_id,
            CeaseProposal.state == "open",
        )
    )


async def next_number(session: AsyncSession, guild_id: int) -> int:
    """Return the number of a server's next proposal."""
    highest = await session.scalar(
        select(func.max(CeaseProposal.number)).where(CeaseProposal.guild_id == guild_id)
    )
    return (highest or 0) + 1


async def votes(session: AsyncSession, proposal_id: int) -> Sequence[CeaseVote]:
    """Return the votes on a proposal, in the order in which they stand."""
    return (
        await session.scalars(
            select(CeaseVote)
            .where(CeaseVote.proposal_id == proposal_id)
            .order_by(CeaseVote.at, CeaseVote.voter_id)
        )
    ).all()


async def vote_of(session: AsyncSession, proposal_id: int, voter_id: int) -> CeaseVote | None:
    """Return somebody's vote on a proposal."""
    return await session.get(CeaseVote, (proposal_id, voter_id))


_UNTIL = bindparam("until", type_=Instant)
_SERVERS_WAITING = same(
    select(_PROPOSALS.c.guild_id)
    .where(_PROPOSALS.c.state == "open", _PROPOSALS.c.ends_at <= _UNTIL)
    .union(
        select(_SUSPENSIONS.c.guild_id).where(
            _SUSPENSIONS.c.lifted_at.is_(None),
            _SUSPENSIONS.c.final_at.is_(None),
            _SUSPENSIONS.c.disputable_until <= _UNTIL,
        )
    )
)


async def servers_waiting(run: Runner, *, until: datetime) -> list[int]:
    """Return the servers with a proposal or a suspension whose time ended up to an instant."""
    return await firsts(run, _SERVERS_WAITING, {"until": until})
