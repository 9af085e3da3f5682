"""Where a round is announced and discussed: its message, its thread, and whether it is gone."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from storage import rounds


async def announced(
    session: AsyncSession, round_id: int, *, channel_id: int, message_id: int
) -> None:
    """Note the message that announces a round."""
    round_ = await rounds.get(session, round_id)
    assert round_ is not None
    round_.channel_id, round_.announcement_id = channel_id, message_id


async def unannounced(session: AsyncSession, round_id: int) -> None:
    """Note that the announcement of a round is gone, so that it is posted again."""
    round_ = await rounds.get(session, round_id)
    assert round_ is not None
    round_.announcement_id = None


async def threaded(session: AsyncSession, round_id: int, *, thread_id: int) -> None:
    """Note the thread of a round."""
    round_ = await rounds.get(session, round_id)
    assert round_ is not None
    round_.thread_id, round_.thread_lost = thread_id, False


async def lost(session: AsyncSession, guild_id: int, *, thread_id: int) -> None:
    """Note that a thread is gone, if it belongs to a round."""
    round_ = await rounds.with_thread(session, guild_id, thread_id)
    if round_ is not None:
        round_.thread_lost = True


async def to_keep_open(session: AsyncSession) -> Sequence[tuple[int, int]]:
    """Return server and thread of every open round that has one."""
    return await rounds.open_threads(session)
