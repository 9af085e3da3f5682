"""Queries about logged time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import BigInteger, bindparam, func, select

from storage.batches import new_row
from storage.express import Runner, same
from storage.tables import Clock, Done, Entry
from storage.tables.base import core

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


async def numbered(session: AsyncSession, guild_id: int, number: int) -> Entry | None:
    """Return a server's entry by its number."""
    return await session.scalar(
        select(Entry).where(Entry.guild_id == guild_id, Entry.number == number)
    )


_HIGHEST = same(
    select(func.max(Entry.number)).where(Entry.guild_id == bindparam("guild", type_=BigInteger))
)
_ADD = same(new_row(core(Entry), "id", "edited_at", "withdrawn_at"))
_MINUTES = same(
    select(Entry.user_id, func.sum(Entry.minutes))
    .where(Entry.round_id == bindparam("round", type_=BigInteger), Entry.withdrawn_at.is_(None))
    .group_by(Entry.user_id)
    .order_by(Entry.user_id)
)


class New(NamedTuple):
    """Time to be added to a round."""

    guild_id: int
    number: int
    round_id: int
    user_id: int
    actor_id: int
    minutes: int
    note: str
    category: str
    evidence: str
    work_date: date | None
    at: datetime


async def next_number(run: Runner, guild_id: int) -> int:
    """Return the number of a server's next entry."""
    ((highest,),) = await run.rows(_HIGHEST, {"guild": guild_id})
    return (highest or 0) + 1


async def add(run: Runner, entry: New) -> None:
    """Add an entry."""
    await run.rows(_ADD, entry._asdict())


async def of_round(
    session: AsyncSession, round_id: int, *, user_id: int | None = None
) -> Sequence[Entry]:
    """Return the entries of a round in order, withdrawn ones included."""
    query = select(Entry).where(Entry.round_id == round_id)
    if user_id is not None:
        query = query.where(Entry.user_id == user_id)
    return (await session.scalars(query.order_by(Entry.number))).all()


async def minutes_by_user(run: Runner, round_id: int) -> dict[int, int]:
    """Return the sum of minutes that stand in a round, by helper."""
    return {row[0]: int(row[1]) for row in await run.rows(_MINUTES, {"round": round_id})}


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
