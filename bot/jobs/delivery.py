"""Saying what waits in the outbox: each message once, after the change it speaks of is stored."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import discord
from msgspec import Struct, field

from bot.jobs import marks, reminding, wording
from bot.jobs.answered import is_fault
from bot.jobs.wording import Message, Place
from bot.services import boards, outbox, reminders
from bot.services import threads as thread_service
from bot.ui.answers import incident
from storage import boards as stored_boards
from storage import posts
from storage.leader import Unreachable
from storage.passing import is_busy, may_pass
from storage.tables import Post

if TYPE_CHECKING:
    from bot.leader import Leader
    from storage.database import Database

log = logging.getLogger(__name__)

LONGEST_IDLE: Final = 10_080
"""Minutes after which Discord archives a silent thread; the most there is."""
THREAD_EXISTS = 160_004
UNKNOWN_MESSAGE = 10_008
THREAD_ARCHIVED = 50_083
ELSEWHERE_EVERY: Final = timedelta(hours=1)
RESTS: Final = "Discord lets the bot write no more there for a while; it follows."
PACED: Final = frozenset({"card", "mirror", "thanks"})
"""What people may make many of at once: one a second in a channel."""


class _Server(Struct):
    """The turn of a server, when its channels may be written to again, and which refuse."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    free_at: dict[int, float] = field(default_factory=dict)
    refusing: dict[int, str] = field(default_factory=dict)
    resting: dict[tuple[int, bool], tuple[datetime, datetime]] = field(default_factory=dict)
    """Since and until when Discord wants no new messages in a channel, or no changes."""

    def rests(self, channel_id: int, *, is_new: bool, now: datetime) -> bool:
        """Whether Discord is to be asked for nothing of this kind now.

        A clock that was set back makes nothing rest until it has caught up.
        """
        since, until = self.resting.get((channel_id, is_new), (now, now))
        return since <= now < until

    def rest(self, channel_id: int, *, is_new: bool, now: datetime, seconds: float) -> None:
        """Leave a channel alone for as long as Discord asks."""
        log.warning("channel %d rests for %.0f s: Discord asks for it", channel_id, seconds)
        self.resting[channel_id, is_new] = now, now + timedelta(seconds=seconds)


class Delivery:
    """Sends posts; `interval_ms` is the least time between two cards in one channel."""

    def __init__(
        self,
        bot: discord.Client,
        db: Database,
        leader: Leader,
        *,
        clock: Callable[[], datetime],
        interval_ms: int,
    ) -> None:
        self._bot = bot
        self._db = db
        self._leader = leader
        self._looked_elsewhere_at: datetime | None = None
        self._clock = clock
        self._interval = interval_ms / 1000
        self._servers: dict[int, _Server] = {}

    async def deliver_all(self) -> None:
        """Say everything that waits; servers do not wait for each other."""
        servers = await self._db.peek(posts.servers)
        await asyncio.gather(*(self.deliver(guild_id) for guild_id in servers))

    async def deliver(self, guild_id: int) -> dict[str, str]:
        """Say what waits in a server, oldest first; return what could not be said, with reasons.

        A fault leaves the message waiting for the next time; a refusal by Discord parks it.
        """
        problems: dict[str, str] = {}
        server = self._servers.setdefault(guild_id, _Server())
        async with server.turn:
            try:
                async with self._leader.turn(guild_id) as stands:
                    if stands is not None:
                        await self._empty(server, guild_id, problems, stands)
            except Exception as error:  # noqa: BLE001 - only saying it has to wait
                problems["delivery"] = _obstacle(guild_id, error)
        return problems

    async def _empty(
        self,
        server: _Server,
        guild_id: int,
        problems: dict[str, str],
        stands: Callable[[], bool],
    ) -> None:
        """Send what waits, for as long as it is this process's turn."""
        after = 0
        server.refusing.clear()
        while True:
            async with self._db.read() as session:
                waiting = list(await posts.pending(session, guild_id, after=after))
            if not waiting:
                return
            for post in waiting:
                self._leader.require()
                if not stands():
                    return
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
            if not is_fault(error):
                return await self._refused(server, post, error)
            log.warning("post %d waits: Discord answers %d", post.id, error.status)
            return "Discord has a fault at the moment; it follows."
        except Exception as error:
            if is_busy(error) or may_pass(error):
                raise  # nothing can be noted of it now, so it waits
            number = incident()
            log.exception("incident %s: post %d (%s)", number, post.id, post.kind)
            await self._fail(post, f"incident {number}", outbox.PARKED)
            return f"Something went wrong here (incident {number})."

    async def _word(self, post: Post) -> Message | None:
        if post.kind in wording.LARGE:
            return await self._db.apart(partial(wording.word, post=post), writes=False)
        async with self._db.read() as session:
            return await wording.word(session, post)

    async def _send(self, server: _Server, post: Post) -> str:
        message = await self._word(post)
        if message is None:
            if post.kind == reminders.KIND and post.message_id is not None:
                await reminding.delete(
                    self._bot,
                    post.guild_id,
                    channel_id=post.channel_id,
                    message_id=post.message_id,
                )
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
        is_new, now = post.message_id is None, self._clock()
        if server.rests(message.channel_id, is_new=is_new, now=now):
            return RESTS
        await message.draw()
        try:
            return await self._put(server, post, message)
        except discord.RateLimited as error:
            server.rest(message.channel_id, is_new=is_new, now=now, seconds=error.retry_after)
            return RESTS

    async def _put(self, server: _Server, post: Post, message: Message) -> str:
        """Put a message where it belongs, in the way of its kind; return why not, as `_try`."""
        assert message.channel_id is not None
        if message.place is Place.ANNOUNCEMENT:
            return await self._announce(post, message)
        if message.board_id is not None:
            return await self._put_up(post, message)
        if message.since is not None and post.message_id is None:
            return await self._remind(server, post, message)
        if post.kind in PACED:
            await self._pace(server, message.channel_id)
        sent = await self._say(post, message)
        await self._sent(post, sent)
        return ""

    async def _say(self, post: Post, message: Message) -> discord.Message:
        assert message.channel_id is not None
        channel = self._bot.get_partial_messageable(message.channel_id, guild_id=post.guild_id)
        if post.message_id is not None and post.channel_id == message.channel_id:
            try:
                return await self._edit(channel.get_partial_message(post.message_id), message)
            except discord.NotFound as error:
                if error.code != UNKNOWN_MESSAGE:
                    raise
        return await self._post(channel, post, message, after=post.message_id or 0)

    async def _post(
        self,
        channel: discord.PartialMessageable,
        post: Post,
        message: Message,
        *,
        after: int = 0,
    ) -> discord.Message:
        """Post a message, unless it stands already since a crash or a time-out.

        Discord drops a repeat with the same nonce for some minutes; later on the message is
        found by its mark, and brought up to date. `after` is one that is known to be gone.
        """
        found = await marks.said(self._bot, post, channel.id, now=self._clock(), after=after)
        if found is not None:
            log.info("post %d stands already as message %d", post.id, found.id)
            return await self._edit(found, message)
        return await channel.send(nonce=f"stipend-{post.id}", **message.send())

    async def _edit(self, partial: discord.PartialMessage, message: Message) -> discord.Message:
        """Bring a message up to date; a thread that is archived takes that only when it is not."""
        try:
            return await partial.edit(**message.edit())
        except discord.HTTPException as error:
            if error.code != THREAD_ARCHIVED:
                raise
        await self._bot.http.edit_channel(partial.channel.id, archived=False)
        await message.draw()  # files that were sent cannot be sent again
        return await partial.edit(**message.edit())

    async def _remind(self, server: _Server, post: Post, message: Message) -> str:
        """Say a reminder where somebody spoke since the last one, and delete that."""
        seen = await reminding.look(self._bot, post, message)
        if seen.spoke:
            sent: discord.Message | discord.PartialMessage = await self._say(post, message)
        elif seen.unstored:
            # Said before a crash that kept it from being stored.
            channel = self._bot.get_partial_messageable(
                message.channel_id or 0, guild_id=post.guild_id
            )
            sent = channel.get_partial_message(seen.unstored[-1])
        else:
            await self._fail(post, "nobody spoke since the last", outbox.SKIPPED)
            return ""
        async with self._db.write() as session:
            await outbox.sent(
                session, post, channel_id=sent.channel.id, message_id=sent.id, at=self._clock()
            )
            await reminders.replaced(session, post)
        for message_id in {*seen.unstored} - {sent.id}:
            await reminding.delete(
                self._bot, post.guild_id, channel_id=sent.channel.id, message_id=message_id
            )
        async with self._db.read() as session:
            withdrawn = await reminders.withdrawn(session, post.guild_id)
        for earlier in withdrawn:
            await self._try(server, earlier)
        return ""

    async def _announce(self, post: Post, message: Message) -> str:
        """Announce a round: the message, its thread, the pin; each step is stored at once."""
        assert message.channel_id is not None
        assert post.round_id is not None
        channel = self._bot.get_partial_messageable(message.channel_id, guild_id=post.guild_id)
        message_id = message.announcement_id
        if message_id is None:
            replaced = message.replaces[1] if message.replaces is not None else 0
            message_id = (await self._post(channel, post, message, after=replaced)).id
            async with self._db.write() as session:
                await thread_service.announced(
                    session, post.round_id, channel_id=message.channel_id, message_id=message_id
                )
            await self._withdraw(post, message)
        partial = channel.get_partial_message(message_id)
        if message.thread_id is None and not await self._create_thread(
            post.round_id, partial, name=message.thread_name
        ):
            return "The announcement was deleted; it is posted again."
        problem = await self._pin(post, partial, what="announcement", setting_at=partial.channel.id)
        if not problem:
            await self._sent(post, partial)
        return problem

    async def _withdraw(self, post: Post, message: Message) -> None:
        """Delete the announcement that another one follows, because its thread is gone."""
        if message.replaces is not None:
            channel_id, message_id = message.replaces
            channel = self._bot.get_partial_messageable(channel_id, guild_id=post.guild_id)
            try:
                await channel.get_partial_message(message_id).delete()
            except (discord.HTTPException, discord.RateLimited) as error:
                log.info("announcement %d stays: %s", message_id, error)

    async def _create_thread(
        self, round_id: int, partial: discord.PartialMessage, *, name: str
    ) -> bool:
        """Create the thread of an announcement; False where somebody deleted the announcement."""
        try:
            # By its number: a server on another process's shards is not known here.
            await self._bot.http.start_thread_with_message(
                partial.channel.id, partial.id, name=name, auto_archive_duration=LONGEST_IDLE
            )
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

    async def _put_up(self, post: Post, message: Message) -> str:
        """Post a message of the board or bring it up to date, and pin it; one that somebody
        deleted is followed by another.
        """
        assert message.channel_id is not None
        assert message.board_id is not None
        channel = self._bot.get_partial_messageable(message.channel_id, guild_id=post.guild_id)
        message_id = post.message_id
        try:
            if message_id is None:
                # A post of its own for each: the nonce of a deleted one would bring that back.
                message_id = (await self._post(channel, post, message)).id
                async with self._db.write() as session:
                    await boards.posted(
                        session,
                        message.board_id,
                        channel_id=channel.id,
                        message_id=message_id,
                        at=self._clock(),
                    )
                partial = channel.get_partial_message(message_id)
            else:
                partial = channel.get_partial_message(message_id)
                await self._edit(partial, message)
            await self._sent(post, partial)
            if message.is_pinned:
                return ""
            problem = await self._pin(
                post, partial, what="board", setting_at=message.parent_id or channel.id
            )
        except discord.NotFound as error:
            if error.code != UNKNOWN_MESSAGE or message_id is None:
                raise
            async with self._db.write() as session:
                await boards.lost(session, post.guild_id, [message_id], at=self._clock())
            await self._fail(post, "it was deleted", outbox.SKIPPED)
            return ""
        if not problem:
            async with self._db.write() as session:
                await boards.pinned(session, message.board_id)
        return problem

    async def _pin(
        self, post: Post, partial: discord.PartialMessage, *, what: str, setting_at: int
    ) -> str:
        """Pin a message; where that is refused, everything else of it stands.

        `setting_at` is the channel whose permissions decide.
        """
        try:
            await partial.pin()
        except (discord.Forbidden, discord.NotFound) as error:
            if what == "board" and error.code == UNKNOWN_MESSAGE:
                raise
            log.info("post %d is not pinned: %s", post.id, error.text)
            problem = f"The {what} in <#{partial.channel.id}> is not pinned: {error.text}."
            await self._fail(post, problem, outbox.PARKED)
            await self._tell_admins(
                post.guild_id,
                f"pin:{setting_at}",
                f"{problem} Give the bot Pin Messages there, then use `/setup`.",
            )
            return problem
        return ""

    async def _refused(self, server: _Server, post: Post, error: discord.HTTPException) -> str:
        """Park what Discord refuses, and tell the committee once a day for each channel."""
        message = await self._word(post)
        channel_id = message.channel_id if message else None
        if isinstance(error, discord.NotFound) and message and message.place is Place.THREAD:
            async with self._db.write() as session:
                await thread_service.lost(
                    session, post.guild_id, thread_id=channel_id or 0, at=self._clock()
                )
            state = outbox.PENDING if message.can_wait else outbox.SKIPPED
            await self._fail(post, "its thread is gone", state)
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
        """Unarchive the threads of open rounds; an archived one refuses reactions.

        Those on another process's shards are asked for once an hour: it is told of changes.
        """
        wanted = await self._db.peek(thread_service.to_keep_open)
        looks_elsewhere = self._looks_elsewhere()
        for guild_id, thread_id in wanted:
            if not self._leader.shards.has(guild_id):
                if looks_elsewhere:
                    await self._reopen(guild_id, thread_id)
                continue
            guild = self._bot.get_guild(guild_id)
            thread = guild.get_thread(thread_id) if guild is not None else None
            if guild is not None and (thread is None or thread.archived):
                await self._reopen(guild_id, thread_id)

    def _looks_elsewhere(self) -> bool:
        now, last = self._clock(), self._looked_elsewhere_at
        if last is not None and now - last < ELSEWHERE_EVERY:
            return False
        self._looked_elsewhere_at = now
        return True

    async def _reopen(self, guild_id: int, thread_id: int) -> None:
        server, now = self._servers.setdefault(guild_id, _Server()), self._clock()
        if server.rests(thread_id, is_new=False, now=now):
            return
        try:
            thread = await self._bot.fetch_channel(thread_id)
            if isinstance(thread, discord.Thread) and thread.archived:
                await thread.edit(archived=False)
        except discord.NotFound:
            await self.thread_deleted(guild_id, thread_id)
        except discord.RateLimited as error:
            server.rest(thread_id, is_new=False, now=now, seconds=error.retry_after)
        except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
            log.info("thread %d stays archived: %s", thread_id, type(error).__name__)

    async def thread_changed(self, payload: dict[str, Any]) -> None:
        """Unarchive a thread of an open round as soon as it is archived."""
        metadata = payload.get("thread_metadata") or {}
        if not metadata.get("archived"):
            return
        guild_id, thread_id = int(payload["guild_id"]), int(payload["id"])
        wanted = await self._db.peek(thread_service.to_keep_open)
        if (guild_id, thread_id) in wanted:
            await self._reopen(guild_id, thread_id)

    async def thread_deleted(self, guild_id: int, thread_id: int) -> None:
        """Note that a thread is gone, if it is one of ours; an open round gets another one."""
        async with self._db.write() as session:
            await thread_service.lost(session, guild_id, thread_id=thread_id, at=self._clock())
        await self.deliver(guild_id)

    # ------------------------------------------------------------ boards

    async def messages_deleted(self, guild_id: int, message_ids: Collection[int]) -> None:
        """Rebuild the board of an open round where somebody deleted messages of it."""
        async with self._db.read() as session:
            if not await stored_boards.with_messages(session, guild_id, message_ids):
                return
        async with self._db.write() as session:
            await boards.lost(session, guild_id, message_ids, at=self._clock())
        await self.deliver(guild_id)

    async def message_changed(self, payload: Mapping[str, Any]) -> None:
        """Pin a message of the board again as soon as somebody unpins it."""
        if payload.get("pinned", True) or "guild_id" not in payload:
            return
        guild_id, message_id = int(payload["guild_id"]), int(payload["id"])
        async with self._db.read() as session:
            if not await stored_boards.with_messages(session, guild_id, [message_id]):
                return
        async with self._db.write() as session:
            is_ours = await boards.unpinned(session, guild_id, message_id)
        if is_ours:
            await self.deliver(guild_id)


def _obstacle(guild_id: int, error: Exception) -> str:
    """Log what keeps posts waiting, and return it for whoever brought them about."""
    if isinstance(error, Unreachable) or is_busy(error):
        log.warning("posts in server %d wait: %s", guild_id, error)
        state = "is busy right now" if is_busy(error) else "cannot be reached at the moment"
        return f"The database {state}; it follows."
    number = incident()
    log.error("incident %s: delivery in server %d", number, guild_id, exc_info=error)
    return f"Something went wrong here (incident {number}); it follows."
