"""Queries about who was seen writing in a round, where and when."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import CursorResult, delete, select

from storage.batches import inserting
from storage.express import Runner, firsts, same
from storage.tables import Activity, Round
from storage.tables.base import core

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

_TABLE, _ROUNDS = core(Activity), core(Round)
AT_ONCE = 500
"""As many values as every database takes in one statement."""


class Row(NamedTuple):
    """A message that was seen; `reply_to` is whose message it answers."""

    round_id: int
    user_id: int
    message_id: int
    channel_id: int
    reply_to: int | None
    at: datetime


async def add(session: AsyncSession, rows: Iterable[Row]) -> None:
    """Store messages; one that is stored stays as it is, for Discord may send it twice."""
    statement = inserting(session, _TABLE).on_conflict_do_nothing()
    await session.execute(statement, [row._asdict() for row in rows])


async def known(
    session: AsyncSession, round_ids: Collection[int], message_ids: Sequence[int]
) -> list[int]:
    """Return which of these messages are kept."""
    found: list[int] = []
    for start in range(0, len(message_ids), AT_ONCE):
        some = message_ids[start : start + AT_ONCE]
        found += await session.scalars(
            select(Activity.message_id).where(
                Activity.round_id.in_(round_ids), Activity.message_id.in_(some)
            )
        )
    return found


async def forget(
    session: AsyncSession, round_ids: Collection[int], message_ids: Sequence[int]
) -> None:
    """Delete what is kept of some messages, as many as are known at once."""
    for start in range(0, len(message_ids), AT_ONCE):
        some = message_ids[start : start + AT_ONCE]
        await session.execute(
            delete(Activity).where(Activity.round_id.in_(round_ids), Activity.message_id.in_(some))
        )


async def forget_before(session: AsyncSession, guild_id: int, instant: datetime) -> int:
    """Delete what was kept of a server's messages before an instant; return how many."""
    rounds = select(Round.id).where(Round.guild_id == guild_id)
    result = await session.execute(
        delete(Activity).where(Activity.round_id.in_(rounds), Activity.at < instant)
    )
    assert isinstance(result, CursorResult)
    return int(result.rowcount)


_SERVERS = same(
    select(_ROUNDS.c.guild_id)
    .where(select(_TABLE.c.round_id).where(_TABLE.c.round_id == _ROUNDS.c.id).exists())
    .distinct()
    .order_by(_ROUNDS.c.guild_id)
)


async def servers(run: Runner) -> list[int]:
    """Return the servers of which messages are kept."""
    return await firsts(run, _SERVERS)


async def has_any(session: AsyncSession, round_id: int) -> bool:
    """Whether any message of a round is kept."""
    query = select(Activity.user_id).where(Activity.round_id == round_id).limit(1)
    return await session.scalar(query) is not None


async def of_users(
    session: AsyncSession, round_id: int, user_ids: Collection[int]
) -> Sequence[Row]:
    """Return the messages of some people in a round, by person and in order."""
    wanted = sorted(user_ids)
    found: list[Row] = []
    for start in range(0, len(wanted), AT_ONCE):
        rows = await session.execute(
            select(*(_TABLE.c[name] for name in Row._fields))
            .where(
                _TABLE.c.round_id == round_id,
                _TABLE.c.user_id.in_(wanted[start : start + AT_ONCE]),
            )
            .order_by(_TABLE.c.user_id, _TABLE.c.message_id)
        )
        found += [Row._make(row) for row in rows]
    return found
