"""Reactions as they come in: queued at once, written down together, one server one line.

They come straight from the gateway (`parsers`): nothing else wants them, and of each discord.py
would make objects and a task. Taking one in is synchronous, so the order of the queue is the order
of the gateway. What arrives during a commit goes into the next one.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import discord
from msgspec import Struct, field

from bot.domain import emoji
from bot.metrics import FAILED, KEPT, WRITTEN, Metrics
from bot.services import reactions, reconciling
from bot.services.reactions import Cleared, Event, Thankful
from bot.services.reconciling import Found
from bot.services.votes import Changed
from bot.ui.answers import incident

if TYPE_CHECKING:
    from discord.types.gateway import (
        MessageReactionAddEvent,
        MessageReactionRemoveAllEvent,
        MessageReactionRemoveEmojiEvent,
        MessageReactionRemoveEvent,
    )

    from storage.database import Database

log = logging.getLogger(__name__)

MOST_AT_ONCE: Final = 1000
GATHER_SECONDS: Final = 0.008
"""The least time between two commits: each has its price, whatever it holds."""
ENOUGH: Final = 64
BURST: Final = 16
"""From so many at once on they are kept first: durable at a fraction of the price."""
KEPT_SECONDS: Final = 5.0
TRIES: Final = 5
SECONDS_BETWEEN: Final = 2.0
AUTHORS_KEPT: Final = 1000
ASKED_AGAIN_AFTER: Final = timedelta(seconds=5)

Watched = set[tuple[int, int]]
"""User and kind (1: super reaction) of the live events that came while somebody looked."""


class _Look(Struct):
    """A look at the reactions of Discord, in line with the events."""

    found: Found
    done: asyncio.Future[Changed]


class _Lane(Struct):
    """What waits in one server, and the task that works it off."""

    guild_id: int
    items: list[Event | Cleared | _Look] = field(default_factory=list)
    task: asyncio.Task[None] | None = None
    authors: dict[int, int] = field(default_factory=dict)
    free_at: float = 0.0
    kept_at: float | None = None
    thankful: Thankful | None = None
    thankful_until: datetime | None = None


def _guarded(take_in: Callable[[Any], None]) -> Callable[[Any], None]:
    """Return a parser that outlives what nobody understands: an error in one ends the bot."""

    def parse(data: Any) -> None:
        try:
            take_in(data)
        except Exception:
            log.exception("incident %s: a reaction that nobody understands", incident())

    return parse


class Reactions:
    """Takes reactions from the gateway to the database."""

    def __init__(
        self,
        bot: discord.Client,
        db: Database,
        *,
        clock: Callable[[], datetime],
        deliver: Callable[[int], Awaitable[object]],
        seed: Callable[[int], Awaitable[object]],
        metrics: Metrics | None = None,
    ) -> None:
        """`deliver` says what waits in a server, `seed` puts the emoji on its board."""
        self._deliver, self._seed = deliver, seed
        self._bot = bot
        self._db = db
        self._clock = clock
        self._metrics = metrics or Metrics()
        self._is_closing = False
        self._mending: asyncio.Task[None] | None = None
        self._lanes: dict[int, _Lane] = {}
        self._watched: dict[tuple[int, str], Watched] = {}

    @property
    def parsers(self) -> Mapping[str, Callable[[Any], None]]:
        """What takes in each event of the gateway, by its name; none of them ever raises."""
        return {
            "MESSAGE_REACTION_ADD": _guarded(self.put_added),
            "MESSAGE_REACTION_REMOVE": _guarded(self.put_removed),
            "MESSAGE_REACTION_REMOVE_ALL": _guarded(self.put_cleared),
            "MESSAGE_REACTION_REMOVE_EMOJI": _guarded(self.put_emoji_cleared),
        }

    def put_added(self, data: MessageReactionAddEvent) -> None:
        """Queue that somebody reacted; what bots do is of no concern."""
        member = data.get("member")
        if member and member["user"].get("bot"):
            return
        joined_at = member.get("joined_at") if member else None
        self._put(
            data,
            added=True,
            joined_at=datetime.fromisoformat(joined_at) if joined_at else None,
            author_id=int(data.get("message_author_id") or 0),
        )

    def put_removed(self, data: MessageReactionRemoveEvent) -> None:
        """Queue that somebody took a reaction away."""
        self._put(data, added=False)

    def put_cleared(self, data: MessageReactionRemoveAllEvent, emoji_key: str = "") -> None:
        """Queue that somebody removed all reactions of a message, or of one emoji on it."""
        if "guild_id" in data:
            cleared = Cleared(int(data["message_id"]), emoji_key, self._clock())
            self._append(int(data["guild_id"]), cleared)

    def put_emoji_cleared(self, data: MessageReactionRemoveEmojiEvent) -> None:
        """Queue that somebody removed all reactions with one emoji of a message."""
        self.put_cleared(data, emoji.of_payload(data["emoji"]))

    def _put(
        self,
        data: MessageReactionAddEvent | MessageReactionRemoveEvent,
        *,
        added: bool,
        joined_at: datetime | None = None,
        author_id: int = 0,
    ) -> None:
        if "guild_id" not in data:
            return
        event = Event(
            int(data["channel_id"]),
            int(data["message_id"]),
            emoji.of_payload(data["emoji"]),
            int(data["user_id"]),
            int(data.get("burst") or False),
            added,
            self._clock(),
            joined_at,
            author_id,
        )
        if self._watched:
            watched = self._watched.get((event.message_id, event.emoji_key))
            if watched is not None:
                watched.add((event.user_id, event.burst))
        self._append(int(data["guild_id"]), event)

    @contextmanager
    def watching(self, message_id: int, emoji_key: str) -> Iterator[Watched]:
        """Note who reacts with an emoji while somebody looks at its reactions."""
        key = (message_id, emoji_key)
        watched = self._watched.setdefault(key, set())
        try:
            yield watched
        finally:
            self._watched.pop(key, None)

    async def submit(self, guild_id: int, found: Found) -> Changed:
        """Queue what a look found behind the events that came before; return what it changed."""
        look = _Look(found, asyncio.get_running_loop().create_future())
        self._append(guild_id, look)
        return await look.done

    async def recover(self) -> None:
        """Put what was kept before a crash where it belongs."""
        servers = await self._db.peek(reactions.waiting)
        for guild_id in servers:
            try:
                await self._db.express(partial(reactions.take_in, guild_id=guild_id))
            except Exception:
                log.exception("incident %s: reactions kept in %d", incident(), guild_id)

    async def settle(self, guild_id: int) -> None:
        """Wait until everything that came in so far is where it belongs.

        Raises `RuntimeError` where that is not possible yet: nothing may be counted then.
        """
        lane = self._lanes.get(guild_id)
        if lane is None:
            return
        if lane.task is None and lane.kept_at is not None:
            lane.task = asyncio.create_task(self._work_off(lane))
        if lane.task is not None:
            await asyncio.gather(lane.task, return_exceptions=True)
        if lane.task is None and lane.kept_at is not None:
            raise RuntimeError(f"reactions in server {guild_id} wait to be put where they belong")

    async def close(self) -> None:
        """Write down what waits; what the database does not take now is found again later."""
        self._is_closing = True
        lanes = self._lanes.values()
        # One that was cancelled before it began never took itself off its lane.
        while tasks := [lane.task for lane in lanes if lane.task and not lane.task.done()]:
            await asyncio.gather(*tasks, return_exceptions=True)

    def _append(self, guild_id: int, item: Event | Cleared | _Look) -> None:
        lane = self._lanes.get(guild_id)
        if lane is None:
            lane = self._lanes[guild_id] = _Lane(guild_id)
        lane.items.append(item)
        if lane.task is None:
            lane.task = asyncio.create_task(self._work_off(lane))

    # ------------------------------------------------------------ one server

    async def _work_off(self, lane: _Lane) -> None:
        """Work off what waits, and end: a task that waits for ever keeps nothing going."""
        loop = asyncio.get_running_loop()
        try:
            while lane.items or lane.kept_at is not None:
                early = min(lane.free_at - loop.time(), GATHER_SECONDS)
                if early > 0 and len(lane.items) < ENOUGH:
                    # In a thread: the time of the loop may stand still in a simulation.
                    await asyncio.to_thread(time.sleep, early)
                if not lane.items:
                    # The burst is over; during a pause for breath this would hold up what follows.
                    if not await self._tried_to_take_in(lane) and not lane.items:
                        return
                    continue
                lane.free_at = loop.time() + GATHER_SECONDS
                items = lane.items[:MOST_AT_ONCE]
                del lane.items[: len(items)]
                await self._work(lane, items)
        finally:
            lane.task = None
            for item in lane.items:
                if isinstance(item, _Look):
                    item.done.cancel()  # whoever waits for it goes on

    async def _work(self, lane: _Lane, items: list[Event | Cleared | _Look]) -> None:
        own_id = self._bot.user.id if self._bot.user is not None else 0
        run: list[Event] = []
        for item in items:
            if isinstance(item, Event):
                if item.user_id != own_id:
                    run.append(item)
                continue
            await self._write(lane, run)
            await self._tried_to_take_in(lane)
            run = []
            if isinstance(item, Cleared):
                await self._clear(lane, item)
            else:
                await self._look(item)
        await self._write(lane, run)

    async def _write(self, lane: _Lane, events: list[Event]) -> None:
        """Write a run of events down in one commit; a fault of the database is outwaited."""
        if not events:
            return
        for attempt in range(TRIES):
            try:
                await self._store(lane, events)
            except Exception:
                number = incident()
                log.exception("incident %s: reactions in server %d", number, lane.guild_id)
                if self._is_closing:
                    break
                await asyncio.sleep(SECONDS_BETWEEN * (attempt + 1))
            else:
                return
        # They are found again by the next reconciliation.
        self._metrics.reacted(FAILED, len(events))
        log.error("%d reactions in server %d wait to be found again", len(events), lane.guild_id)

    async def _take_in(self, lane: _Lane) -> None:
        """Put what was kept during a burst where it belongs, before anything that came later."""
        if lane.kept_at is not None:
            await self._db.express(lambda run: reactions.take_in(run, lane.guild_id))
            lane.kept_at = None

    async def _tried_to_take_in(self, lane: _Lane) -> bool:
        """Do that; where it fails it stays kept for the next reaction or the next start."""
        try:
            await self._take_in(lane)
        except Exception:
            log.exception("incident %s: reactions kept in %d", incident(), lane.guild_id)
            return False
        return True

    async def _store(self, lane: _Lane, events: list[Event]) -> None:
        where = await self._thankful(lane)
        if where is not None:
            thanking = [event for event in events if event.emoji_key == where.emoji_key]
            thanking = [
                event._replace(author_id=await self._author(lane, event, where))
                for event in thanking
            ]
            if any(event.author_id for event in thanking):
                async with self._db.write() as session:
                    await reactions.receive_emoji(session, lane.guild_id, thanking)
        now = asyncio.get_running_loop().time()
        if len(events) < BURST or now - (lane.kept_at or now) > KEPT_SECONDS:
            await self._take_in(lane)
        if len(events) < BURST:
            await self._db.express(lambda run: reactions.receive(run, lane.guild_id, events))
        else:
            await self._db.express(lambda run: reactions.keep(run, lane.guild_id, events))
            lane.kept_at = lane.kept_at or now
        self._metrics.reacted(WRITTEN if len(events) < BURST else KEPT, len(events))

    async def _clear(self, lane: _Lane, item: Cleared) -> None:
        try:
            async with self._db.write() as session:
                await reactions.clear(session, lane.guild_id, item)
            self._mending = asyncio.create_task(self._mend(lane.guild_id))
        except Exception:
            log.exception("incident %s: cleared reactions in %d", incident(), lane.guild_id)

    async def _look(self, look: _Look) -> None:
        try:
            async with self._db.write() as session:
                changed = await reconciling.apply(session, look.found, now=self._clock())
        except Exception as error:  # noqa: BLE001 - whoever looked is told
            if not look.done.cancelled():
                look.done.set_exception(error)
        else:
            if not look.done.cancelled():
                look.done.set_result(changed)

    async def _mend(self, guild_id: int) -> None:
        """Say that a board was cleared, and put its emoji back."""
        await self._deliver(guild_id)
        await self._seed(guild_id)

    # ------------------------------------------------------------ whose message it is

    async def _thankful(self, lane: _Lane) -> Thankful | None:
        """Return where the thanks emoji works; pinned for a round, so asked for now and then."""
        now = self._clock()
        if lane.thankful_until is None or now >= lane.thankful_until:
            async with self._db.read() as session:
                lane.thankful = await reactions.thankful(session, lane.guild_id)
            lane.thankful_until = now + ASKED_AGAIN_AFTER
        return lane.thankful

    async def _author(self, lane: _Lane, event: Event, where: Thankful) -> int:
        """Return whose message it is; 0 outside the support channel and its threads."""
        if not await self._is_support(lane, event.channel_id, where):
            return 0
        author_id = event.author_id or lane.authors.get(event.message_id, 0)
        if not author_id:
            channel = self._bot.get_partial_messageable(event.channel_id, guild_id=lane.guild_id)
            try:
                author_id = (await channel.fetch_message(event.message_id)).author.id
            except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
                log.info("message %d stays unknown: %s", event.message_id, type(error).__name__)
                return 0
        if len(lane.authors) >= AUTHORS_KEPT:
            lane.authors.clear()
        lane.authors[event.message_id] = author_id
        return author_id

    async def _is_support(self, lane: _Lane, channel_id: int, where: Thankful) -> bool:
        if channel_id == where.support_channel:
            return True
        guild = self._bot.get_guild(lane.guild_id)
        channel = guild.get_channel_or_thread(channel_id) if guild is not None else None
        if channel is None:
            return False
        return isinstance(channel, discord.Thread) and channel.parent_id == where.support_channel
