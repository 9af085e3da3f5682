"""Messages as they come in: noted at once without their content, written down together.

What is noted and not yet written is lost in a crash: it is an estimate that pays nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import discord
from msgspec import Struct, field

from bot.services import activity
from bot.services.activity import Seen
from bot.ui.answers import incident
from storage import activity as stored

if TYPE_CHECKING:
    from storage.database import Database

log = logging.getLogger(__name__)

ENOUGH: Final = 200
"""So many new messages are not kept waiting for the next tick."""
MOST: Final = 20_000
"""What is kept where nothing can be written; the newest are left out."""
EXPIRE_EVERY: Final = timedelta(days=1)


class _Server(Struct):
    """What was noted in a server; `held` of it wait for the next round to open."""

    seen: list[Seen] = field(default_factory=list)
    gone: set[int] = field(default_factory=set)
    held: int = 0


class Activity:
    """Takes messages from the gateway to the database."""

    def __init__(self, db: Database, *, clock: Callable[[], datetime]) -> None:
        self._db = db
        self._clock = clock
        self._servers: dict[int, _Server] = {}
        self._turn = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._expired_at: datetime | None = None

    def put(self, message: discord.Message) -> None:
        """Note a message of a person; nothing is awaited."""
        if message.guild is None or message.author.bot or message.webhook_id is not None:
            return
        if message.is_system():
            return
        server = self._servers.setdefault(message.guild.id, _Server())
        if len(server.seen) >= MOST:
            return
        server.seen.append(_seen(message))
        if len(server.seen) - server.held >= ENOUGH and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self.flush())

    def put_gone(self, guild_id: int | None, message_ids: Collection[int]) -> None:
        """Note that messages were deleted: nothing of them is kept either."""
        if guild_id is not None:
            self._servers.setdefault(guild_id, _Server()).gone |= set(message_ids)

    async def flush(self) -> None:
        """Write down what was noted so far; a fault in one server keeps its messages waiting."""
        async with self._turn:
            for guild_id, server in list(self._servers.items()):
                try:
                    await self._flush(guild_id, server)
                except Exception:
                    log.exception("incident %s: activity in server %d", incident(), guild_id)

    async def forget(self, guild_id: int, user_id: int) -> None:
        """Drop what was noted of somebody and is not written down yet."""
        async with self._turn:
            server = self._servers.get(guild_id, _Server())
            waits = [seen.user_id != user_id for seen in server.seen]
            server.held = sum(waits[: server.held])
            server.seen = [
                seen for seen, is_kept in zip(server.seen, waits, strict=True) if is_kept
            ]

    async def expire(self) -> None:
        """Delete what is older than its server keeps it, once a day."""
        now = self._clock()
        if self._expired_at is not None and (
            self._expired_at <= now < self._expired_at + EXPIRE_EVERY
        ):
            return
        for guild_id in await self._db.peek(stored.servers):
            try:
                async with self._db.write() as session:
                    count = await activity.expire(session, guild_id, now=now)
                log.info("server %d: the traces of %d messages are deleted", guild_id, count)
            except Exception:
                log.exception("incident %s: old activity in server %d", incident(), guild_id)
        self._expired_at = now

    async def close(self) -> None:
        """Write down what waits."""
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
        await self.flush()

    async def _flush(self, guild_id: int, server: _Server) -> None:
        seen, gone = list(server.seen), set(server.gone)
        if not seen and not gone:
            return
        async with self._db.read() as session:
            kept = await activity.sift(session, guild_id, seen, gone=gone)
        if kept.rows or kept.gone:
            async with self._db.write() as session:
                await activity.store(session, guild_id, kept)
        # What came in meanwhile stands behind what is written now.
        server.seen[: len(seen)] = kept.waiting
        server.gone -= gone
        server.held = len(kept.waiting)


def _seen(message: discord.Message) -> Seen:
    channel, original = message.channel, None
    if message.type is discord.MessageType.reply and message.reference is not None:
        original = message.reference.resolved
    return Seen(
        message_id=message.id,
        user_id=message.author.id,
        channel_id=channel.id,
        parent_id=channel.parent_id if isinstance(channel, discord.Thread) else None,
        reply_to=original.author.id if isinstance(original, discord.Message) else None,
    )
