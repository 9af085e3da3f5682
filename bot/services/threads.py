"""Where a round is announced and discussed: its message, its thread, and whether it is gone."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from bot.domain.canonical import spell
from bot.domain.states import Round as State
from bot.services import boards, outbox
from storage import rounds
from storage.express import Runner, Through

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


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
    """Note the thread of a round; what waited for one is said now."""
    round_ = await rounds.get(session, round_id)
    assert round_ is not None
    round_.thread_id, round_.thread_lost = thread_id, False
    await outbox.unpark(Through(session), round_.guild_id)


async def lost(session: AsyncSession, guild_id: int, *, thread_id: int, at: datetime) -> None:
    """Note that a thread is gone, if it belongs to a round; an open one is announced anew.

    The new announcement has a thread and a board of its own; the thanks on the old one stay.
    """
    round_ = await rounds.with_thread(session, guild_id, thread_id)
    if round_ is None or round_.thread_lost:
        return
    if round_.state == State.OPEN:
        replaced = [round_.channel_id, round_.announcement_id]
        round_.announcement_id = round_.thread_id = None
        # Another post: under the nonce of the first Discord would return that for some minutes.
        await outbox.say(
            session,
            guild_id=guild_id,
            name=f"round:{round_.id}:announcement:{thread_id}",
            kind="announcement",
            at=at,
            round_id=round_.id,
            facts={"late": False, "due": spell(round_.open_at), "replaces": replaced},
        )
    else:
        round_.thread_lost = True
    await boards.thread_lost(session, round_, at=at)


async def to_keep_open(run: Runner) -> list[tuple[int, int]]:
    """Return server and thread of every open round that has one."""
    return await rounds.open_threads(run)
