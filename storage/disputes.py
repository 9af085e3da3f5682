"""Queries about disputes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from storage.tables import Carry, Dispute

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


async def open_of_round(session: AsyncSession, round_id: int) -> Sequence[Dispute]:
    """Return the disputes about a round's statement that wait for a decision."""
    return (
        await session.scalars(
            select(Dispute)
            .where(Dispute.round_id == round_id, Dispute.state == "open")
            .order_by(Dispute.id)
        )
    ).all()


async def of_server(session: AsyncSession, guild_id: int) -> Sequence[Dispute]:
    """Return every dispute of a server, newest first."""
    return (
        await session.scalars(
            select(Dispute).where(Dispute.guild_id == guild_id).order_by(Dispute.number.desc())
        )
    ).all()


async def open_of_server(session: AsyncSession, guild_id: int) -> Sequence[Dispute]:
    """Return the disputes of a server that wait for a decision, oldest first."""
    return (
        await session.scalars(
            select(Dispute)
            .where(Dispute.guild_id == guild_id, Dispute.state == "open")
            .order_by(Dispute.number)
        )
    ).all()


async def by_opener(
    session: AsyncSession, guild_id: int, *, opener_id: int, states: Sequence[str]
) -> Sequence[Dispute]:
    """Return somebody's disputes in some states, oldest first."""
    return (
        await session.scalars(
            select(Dispute)
            .where(
                Dispute.guild_id == guild_id,
                Dispute.opener_id == opener_id,
                Dispute.state.in_(states),
            )
            .order_by(Dispute.number)
        )
    ).all()


async def numbered(session: AsyncSession, guild_id: int, number: int) -> Dispute | None:
    """Return a dispute by its number in a server."""
    return await session.scalar(
        select(Dispute).where(Dispute.guild_id == guild_id, Dispute.number == number)
    )


async def next_number(session: AsyncSession, guild_id: int) -> int:
    """Return the number of a server's next dispute."""
    highest = await session.scalar(
        select(func.max(Dispute.number)).where(Dispute.guild_id == guild_id)
    )
    return (highest or 0) + 1


async def last_decided(session: AsyncSession, guild_id: int) -> datetime | None:
    """Return when the newest decision of a server was made, None where there is none."""
    return await session.scalar(
        select(func.max(Dispute.decided_at)).where(Dispute.guild_id == guild_id)
    )


async def voided(session: AsyncSession, round_id: int) -> frozenset[int]:
    """Return whose unpaid line of a round the newest decision about it ended with nothing.

    A decision about a paid line is a carry and leaves the line as it is.
    """
    decided = await session.execute(
        select(Dispute.user_id, Dispute.outcome)
        .where(
            Dispute.round_id == round_id,
            Dispute.user_id.is_not(None),
            Dispute.state == "resolved",
            Dispute.outcome.in_(("modify", "void")),
            Dispute.id.not_in(select(Carry.dispute_id).where(Carry.dispute_id.is_not(None))),
        )
        .order_by(Dispute.decided_at, Dispute.id)
    )
    newest = {row.user_id: row.outcome for row in decided}
    return frozenset(user for user, outcome in newest.items() if outcome == "void")
