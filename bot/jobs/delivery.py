"""Saying what waits in the outbox: each message once, after the change it speaks of is stored."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import discord

from bot.jobs import wording
from bot.jobs.wording import Message, Place
from bot.services import outbox
from bot.services import threads as thread_service
from bot.ui.answers import incident
from storage import posts
from storage.tables import Post

if TYPE_CHECKING:
    from storage.database import Database

log = logging.getLogger(__name__)

LONGEST_IDLE: Final = 10_080
"""Minutes after which Discord archives a silent thread; the most there is."""
THREAD_EXISTS = 160_004
UNKNOWN_MESSAGE = 10_008


@dataclass
class _Server:
    """The turn of a server, when its channels may be written to again, and which refuse."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    free_at: dict[int, float] = field(default_factory=dict)
    refusing: dict[int, str] = field(default_factory=dict)


class Delivery:
    """Sends posts; `interval_ms` is the least time between two cards in one channel."""

    def __init__(
        self,
        bot: discord.Client,
        db: Database,
        *,
        clock: Callable[[], datetime],
        interval_ms: int,
    ) -> None:
        self._bot = bot
        self._db = db
        self._clock = clock
        self._interval = interval_ms / 1000
        self._servers: dict[int, _Server] = {}

    async def deliver_all(self) -> None:
        """Say everything that waits; servers do not wait for each other."""
        async with self._db.read() as session:
            servers = list(await posts.servers(session))
        await asyncio.gather(*(self.deliver(guild_id) for guild_id in servers))

    async def deliver(self, guild_id: int) -> dict[str, str]:
        """Say what waits in a server, oldest first; return what could not be said, with reasons.

        A fault leaves the message waiting for the next time; a refusal by Discord parks it.
        """
        problems: dict[str, str] = {}
        server = self._servers.setdefault(guild_id, _Server())
        async with server.turn:
            try:
                await self._empty(server, guild_id, problems)
            except Exception:
                # What was asked for is stored and stands; only saying it has to wait.
                number = incident()
                log.exception("incident %s: delivery in server %d", number, guild_id)
                problems["delivery"] = f"Something went wrong here (incident {number}); it follows."
        return problems

    async def _empty(self, server: _Server, guild_id: int, problems: dict[str, str]) -> None:
        after = 0
        server.refusing.clear()
        while True:
            async with self._db.read() as session:
                waiting = list(await posts.pending(session, guild_id, after=after))
            if not waiting:
                return
            for post in waiting:
                after = post.id
                problem = await self._try(server, post)
                if problem:
                    problems[post.name] = problem

    async def _try(self, server: _Server, post: Post) -> str:
        """Send one post; return why it could not be sent, empty where it was."""
        try:
            return await self._send(server, post)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("post %d waits: %s", post.id, type(error).__name__)
            return "Discord cannot be reached at the moment; it follows."
        except discord.HTTPException as error:
            if error.status < HTTPStatus.INTERNAL_SERVER_ERROR:
                return await self._refused(server, post, error)
            log.warning("post %d waits: Discord answers %d", post.id, error.status)
            return "Discord has a fault at the moment; it follows."
        except Exception:
            number = incident()
            log.exception("incident %s: post %d (%s)", number, post.id, post.kind)
            await self._fail(post, f"incident {number}", outbox.PARKED)
            return f"Something went wrong here (incident {number})."

    async def _send(self, server: _Server, post: Post) -> str:
        async with self._db.read() as session:
            message = await wording.word(session, post)
        if message is None:
            await self._fail(post, "no longer needed", outbox.SKIPPED)
            return ""
        if message.channel_id is None:
            await self._fail(post, message.missing, message.unsent_state)
            return message.missing
        if message.channel_id in server.refusing:
            # One refusal is enough: many of them in a short time ban the address.
            reason = server.refusing[message.channel_id]
            await self._fail(post, reason, outbox.PARKED)
            return f"{reason}."
        await message.draw()
        if message.place is Place.ANNOUNCEMENT:
            return await self._announce(post, message)
        if post.kind == "card":
            await self._pace(server, message.channel_id)
        sent = await self._say(post, message)
        await self._sent(post, sent)
        return ""

    async def _say(self, post: Post, message: Message) -> discord.Message:
        assert message.channel_id is not None
        channel = self._bot.get_partial_messageable(message.channel_id, guild_id=post.guild_id)
        if post.message_id is not None and post.channel_id == message.channel_id:
            try:
                return await channel.get_partial_message(post.message_id).edit(**message.edit())
            except discord.NotFound as error:
                if error.code != UNKNOWN_MESSAGE:
                    raise
        # Discord drops a repeat with the same nonce for some minutes after a crash or time-out.
        return await channel.send(nonce=f"stipend-{post.id}", **message.send())

    async def _announce(self, post: Post, message: Message) -> str:
        """Announce a round: the message, its thread, the pin; each step is stored at once."""
        assert message.channel_id is not None
        assert post.round_id is not None
        channel = self._bot.get_partial_messageable(message.channel_id, guild_id=post.guild_id)
        message_id = message.announcement_id
        if message_id is None:
            sent = await channel.send(nonce=f"stipend-{post.id}", **message.send())
            message_id = sent.id
            async with self._db.write() as session:
                await thread_service.announced(
                    session, post.round_id, channel_id=message.channel_id, message_id=message_id
                )
        partial = channel.get_partial_message(message_id)
        if message.thread_id is None and not await self._create_thread(
            post.round_id, partial, name=message.thread_name
        ):
            return "The announcement was deleted; it is posted again."
        problem = await self._pin(post, partial)
        if not problem:
            await self._sent(post, partial)
        return problem

    async def _create_thread(
        self, round_id: int, partial: discord.PartialMessage, *, name: str
    ) -> bool:
        """Create the thread of an announcement; False where somebody deleted the announcement."""
        try:
            await partial.create_thread(name=name, auto_archive_duration=LONGEST_IDLE)
        except discord.HTTPException as error:
            if error.code == UNKNOWN_MESSAGE:
                async with self._db.write() as session:
                    await thread_service.unannounced(session, round_id)
                return False
            if error.code != THREAD_EXISTS:
                raise
        # A thread made from a message has the message's id.
        async with self._db.write() as session:
            await thread_service.threaded(session, round_id, thread_id=partial.id)
        return True

    async def _pin(self, post: Post, partial: discord.PartialMessage) -> str:
        """Pin the announcement; where that is refused, everything else of it stands."""
        try:
            await partial.pin()
        except (discord.Forbidden, discord.NotFound) as error:
            log.info("post %d is not pinned: %s", post.id, error.text)
            problem = f"The announcement in <#{partial.channel.id}> is not pinned: {error.text}."
            await self._fail(post, problem, outbox.PARKED)
            await self._tell_admins(
                post.guild_id,
                f"pin:{partial.channel.id}",
                f"{problem} Give the bot Pin Messages there, then use `/setup`.",
            )
            return problem
        return ""

    async def _refused(self, server: _Server, post: Post, error: discord.HTTPException) -> str:
        """Park what Discord refuses, and tell the committee once a day for each channel."""
        async with self._db.read() as session:
            message = await wording.word(session, post)
        channel_id = message.channel_id if message else None
        if isinstance(error, discord.NotFound) and message and message.place is Place.THREAD:
            async with self._db.write() as session:
                await thread_service.lost(session, post.guild_id, thread_id=channel_id or 0)
            await self._fail(post, "its thread is gone", outbox.SKIPPED)
            return "The thread of the round is gone."
        where = f"<#{channel_id}>" if channel_id else "the channel"
        reason = f"Discord refuses it in {where}: {error.text or error.status}"
        log.warning("post %d is parked: %d %s", post.id, error.code, error.text)
        await self._fail(post, reason, outbox.PARKED)
        if channel_id is not None and isinstance(error, (discord.Forbidden, discord.NotFound)):
            server.refusing[channel_id] = reason
        if message is None or message.place is not Place.COMMITTEE:
            await self._tell_admins(
                post.guild_id,
                f"refused:{channel_id}",
                f"{reason}. Check the bot's permissions there with `/setup`; "
                "what waits is sent as soon as it can be.",
            )
        return f"{reason}."

    async def _tell_admins(self, guild_id: int, subject: str, text: str) -> None:
        now = self._clock()
        async with self._db.write() as session:
            await outbox.say_once(
                session,
                guild_id=guild_id,
                name=f"notice:{subject}:{now:%Y-%m-%d}",
                kind="notice",
                at=now,
                facts={"text": text},
            )

    async def _fail(self, post: Post, problem: str, state: str) -> None:
        async with self._db.write() as session:
            await outbox.failed(session, post, problem=problem, state=state)

    async def _sent(self, post: Post, sent: discord.Message | discord.PartialMessage) -> None:
        async with self._db.write() as session:
            await outbox.sent(
                session, post, channel_id=sent.channel.id, message_id=sent.id, at=self._clock()
            )

    async def _pace(self, server: _Server, channel_id: int) -> None:
        loop = asyncio.get_running_loop()
        left = server.free_at.get(channel_id, 0.0) - loop.time()
        await asyncio.sleep(min(max(left, 0.0), self._interval))
        server.free_at[channel_id] = loop.time() + self._interval

    # ------------------------------------------------------------ threads

    async def keep_threads_open(self) -> None:
        """Unarchive the threads of open rounds; an archived one refuses reactions."""
        async with self._db.read() as session:
            wanted = await thread_service.to_keep_open(session)
        for guild_id, thread_id in wanted:
            guild = self._bot.get_guild(guild_id)
            thread = guild.get_thread(thread_id) if guild is not None else None
            if guild is not None and (thread is None or thread.archived):
                await self._reopen(guild_id, thread_id)

    async def _reopen(self, guild_id: int, thread_id: int) -> None:
        try:
            thread = await self._bot.fetch_channel(thread_id)
            if isinstance(thread, discord.Thread) and thread.archived:
                await thread.edit(archived=False)
        except discord.NotFound:
            async with self._db.write() as session:
                await thread_service.lost(session, guild_id, thread_id=thread_id)
        except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
            log.info("thread %d stays archived: %s", thread_id, type(error).__name__)

    async def thread_changed(self, payload: dict[str, Any]) -> None:
        """Unarchive a thread of an open round as soon as it is archived."""
        metadata = payload.get("thread_metadata") or {}
        if not metadata.get("archived"):
            return
        guild_id, thread_id = int(payload["guild_id"]), int(payload["id"])
        async with self._db.read() as session:
            wanted = await thread_service.to_keep_open(session)
        if (guild_id, thread_id) in wanted:
            await self._reopen(guild_id, thread_id)

    async def thread_deleted(self, guild_id: int, thread_id: int) -> None:
        """Note that a thread is gone, if it is one of ours."""
        async with self._db.write() as session:
            await thread_service.lost(session, guild_id, thread_id=thread_id)
