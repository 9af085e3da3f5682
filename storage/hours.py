"""Queries about logged time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.tables import Clock, Done, Entry


async def numbered(session: AsyncSession, guild_id: int, number: int) -> Entry | None:
    """Return a server's entry by its number."""
    return await session.scalar(
        select(Entry).where(Entry.guild_id == guild_id, Entry.number == number)
    )


async def next_number(session: AsyncSession, guild_id: int) -> int:
    """Return the number of a server's next entry."""
    highest = await session.scalar(select(func.max(Entry.number)).where(Entry.guild_id == guild_id))
    return (highest or 0) + 1


async def of_round(
    session: AsyncSession, round_id: int, *, user_id: int | None = None
) -> Sequence[Entry]:
    """Return the entries of a round in order, withdrawn ones included."""
    query = select(Entry).where(Entry.round_id == round_id)
    if user_id is not None:
        query = query.where(Entry.user_id == user_id)
    return (await session.scalars(query.order_by(Entry.number))).all()


async def minutes_by_user(session: AsyncSession, round_id: int) -> Mapping[int, int]:
    """Return the sum of minutes that stand in a round, by helper."""
    found = await session.execute(
        select(Entry.user_id, func.sum(Entry.minutes).label("minutes"))
        .where(Entry.round_id == round_id, Entry.withdrawn_at.is_(None))
        .group_by(Entry.user_id)
        .order_by(Entry.user_id)
    )
    return {row.user_id: int(row.minutes) for row in found}


async def newest_of(session: AsyncSession, guild_id: int, *, user_id: int) -> Sequence[Entry]:
    """Return somebody's newest entries that stand, at most 25."""
    return (
        await session.scalars(
            select(Entry)
            .where(
                Entry.guild_id == guild_id,
                Entry.user_id == user_id,
                Entry.withdrawn_at.is_(None),
            )
            .order_by(Entry.number.desc())
            .limit(25)
        )
    ).all()


async def clock(session: AsyncSession, guild_id: int, user_id: int) -> Clock | None:
    """Return somebody's running clock."""
    return await session.get(Clock, (guild_id, user_id))


async def done(session: AsyncSession, round_id: int) -> frozenset[int]:
    """Return who said that their hours are complete."""
    found = await session.scalars(select(Done.user_id).where(Done.round_id == round_id))
    return frozenset(found.all())
