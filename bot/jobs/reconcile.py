"""Comparing the stored thanks with Discord's reactions: hourly, after each connect, at the close.

One server after the other and one look at a time. Pages are asked for by ourselves: the count of
a reaction can stick, so nothing is ended because of a number.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import discord
from msgspec import Struct, field

from bot.domain import emoji
from bot.domain.thanks import created_at
from bot.jobs.answered import is_fault
from bot.metrics import Metrics
from bot.services import outbox, reconciling
from bot.services.reconciling import KINDS, Found, Look, Search
from bot.ui.answers import incident

if TYPE_CHECKING:
    from bot.jobs.reactions import Reactions
    from storage.database import Database

log = logging.getLogger(__name__)

PAGE: Final = 100
NORMAL, BURST = KINDS
MOST_PAGES_OF_HISTORY: Final = 10
AGAIN_CLOSING: Final = timedelta(seconds=60)
"""How long a closed round waits after a fault before Discord is asked again."""
AGAIN: Final = timedelta(minutes=5)
REFUSED_AGAIN: Final = timedelta(hours=1)

UNKNOWN_CHANNEL, UNKNOWN_MESSAGE, UNKNOWN_EMOJI = 10_003, 10_008, 10_014
UNREACHABLE = (aiohttp.ClientError, TimeoutError, OSError)


class _Server(Struct):
    """The turn of a server, and what stood in the way: since when, and what it was."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    failed_at: datetime | None = None
    asked_to_wait: timedelta = timedelta(0)
    refused_at: dict[int, datetime] = field(default_factory=dict)
    obstacle: str = ""


class Reconciler:
    """Looks at what is due and hands it to those who write reactions down, in their order."""

    def __init__(
        self,
        bot: discord.Client,
        db: Database,
        reactions: Reactions,
        *,
        clock: Callable[[], datetime],
        hears: Callable[[int], bool] = lambda _: True,
        metrics: Metrics | None = None,
    ) -> None:
        """`hears` says of a server whether this process is told what happens there.

        A look must know of the events that come meanwhile, so it is taken where they come.
        """
        self._bot = bot
        self._hears = hears
        self._db = db
        self._reactions = reactions
        self._clock = clock
        self._metrics = metrics or Metrics()
        self._ready_at: datetime | None = None
        self._servers: dict[int, _Server] = {}

    def mark_ready(self) -> None:
        """Let everything be compared again: what happened before this was not heard of."""
        self._ready_at = self._clock()
        for server in self._servers.values():
            server.failed_at = None
            server.refused_at.clear()

    async def reconcile_due(self) -> None:
        """Look at everything that is due, one server after the other."""
        servers = await self._db.peek(reconciling.servers)
        for guild_id in servers:
            if self._hears(guild_id):
                await self._pass(guild_id, only_closed=False)

    async def closing(self, guild_id: int) -> bool:
        """Look at what closed rounds still need; return whether all of it has been looked at."""
        await self._reactions.settle(guild_id)
        if await self._is_complete(guild_id):
            return True
        await self._pass(guild_id, only_closed=True)
        return await self._is_complete(guild_id)

    def obstacle(self, guild_id: int) -> str:
        """Return what stood in the way of the last pass through a server, empty for nothing."""
        return self._server(guild_id).obstacle

    async def _is_complete(self, guild_id: int) -> bool:
        async with self._db.read() as session:
            return await reconciling.is_complete(session, guild_id)

    def _server(self, guild_id: int) -> _Server:
        return self._servers.setdefault(guild_id, _Server())

    # ------------------------------------------------------------ a pass through one server

    async def _pass(self, guild_id: int, *, only_closed: bool) -> None:
        server = self._server(guild_id)
        async with server.turn:
            try:
                wanted = await self._wanted(server, guild_id, only_closed=only_closed)
                if not wanted:
                    return
                server.obstacle, server.failed_at = "", None
                server.asked_to_wait = timedelta(0)
                await self._work_off(server, wanted)
            except UNREACHABLE as error:
                log.warning("server %d: Discord cannot be reached: %r", guild_id, error)
                server.obstacle = "Discord cannot be reached"
                server.failed_at = self._clock()
            except discord.RateLimited as error:
                log.warning("server %d: %s", guild_id, error)
                server.obstacle = "Discord asks the bot to wait"
                server.failed_at = self._clock()
                server.asked_to_wait = timedelta(seconds=error.retry_after)
            except discord.HTTPException as error:
                log.warning("server %d: Discord answers %d", guild_id, error.status)
                server.obstacle = f"Discord answers {error.status}"
                server.failed_at = self._clock()
            except Exception:
                number = incident()
                log.exception("incident %s: reconciling server %d", number, guild_id)
                server.obstacle = f"something went wrong (incident {number})"
                server.failed_at = self._clock()

    async def _wanted(
        self, server: _Server, guild_id: int, *, only_closed: bool
    ) -> list[Look | Search]:
        """Return what is due in a server, but for what has to rest after a fault."""
        now = self._clock()
        async with self._db.read() as session:
            wanted = await reconciling.due(session, guild_id, now=now, ready_at=self._ready_at)
        return [
            item
            for item in wanted
            if not _rests(server, item, now) and (item.closed_at or not only_closed)
        ]

    async def _work_off(self, server: _Server, wanted: list[Look | Search]) -> None:
        """Look at one thing after the other; a channel that refuses is left for later."""
        refusing: set[int] = set()
        gone: set[int] = set()
        for item in wanted:
            if item.channel_id in refusing:
                continue
            try:
                if isinstance(item, Search):
                    await self._search(item)
                elif item.message_id not in gone and not await self._look(item):
                    gone.add(item.message_id)
            except discord.HTTPException as error:
                if is_fault(error):
                    raise
                refusing.add(item.channel_id)
                await self._refused(server, item, error)
            else:
                server.refused_at.pop(item.channel_id, None)

    async def _refused(
        self, server: _Server, item: Look | Search, error: discord.HTTPException
    ) -> None:
        """Leave a channel that refuses alone for a while, and say so once a day."""
        now = self._clock()
        server.refused_at[item.channel_id] = now
        server.obstacle = f"Discord refuses in <#{item.channel_id}>: {error.text or error.status}"
        log.info("channel %d refuses: %d %s", item.channel_id, error.code, error.text)
        async with self._db.write() as session:
            await outbox.say_once(
                session,
                guild_id=item.guild_id,
                name=f"notice:unseen:{item.channel_id}:{now:%Y-%m-%d}",
                kind="notice",
                at=now,
                facts={
                    "text": f"{server.obstacle}. So it cannot be seen who thanked there while the "
                    "bot was away, and a round that has closed is not counted. Give the bot View "
                    "Channel and Read Message History there; what was missed is found then."
                },
            )

    # ------------------------------------------------------------ one emoji

    async def _look(self, look: Look) -> bool:
        """Look at one emoji and hand over what was seen; False where its message is gone."""
        with self._reactions.watching(look.message_id, look.emoji_key) as touched:
            began_at = self._clock()
            try:
                users = {burst: await self._reactors(look, burst) for burst in KINDS}
                if users[NORMAL] == users[BURST]:
                    # The same people in both: the kind was not heeded, or each counts once anyway.
                    users[BURST] = frozenset()
            except discord.HTTPException as error:
                if error.code == UNKNOWN_EMOJI:
                    async with self._db.write() as session:
                        await reconciling.unreadable(session, look, began_at=began_at)
                    return True
                if not _is_gone(error):
                    raise
                log.info("message %d is gone; its thanks stay", look.message_id)
                with_channel = error.code == UNKNOWN_CHANNEL
                async with self._db.write() as session:
                    await reconciling.lost(
                        session, look, with_channel=with_channel, at=self._clock()
                    )
                return False
            found = Found(
                guild_id=look.guild_id,
                round_id=look.round_id,
                place_id=look.place_id,
                message_id=look.message_id,
                channel_id=look.channel_id,
                helper_id=look.helper_id,
                source=look.source,
                users=users,
                began_at=began_at,
                touched=touched,
                closing=look.closed_at is not None,
            )
            changed = await self._reactions.submit(look.guild_id, found)
        if changed.given or changed.taken_back:
            self._metrics.drifted(found=changed.given, gone=changed.taken_back)
            log.info(
                "message %d: %d thanks found, %d gone",
                look.message_id,
                changed.given,
                changed.taken_back,
            )
        return True

    async def _reactors(self, look: Look, burst: int) -> frozenset[int]:
        """Return who reacts in one way, without bots and the helper.

        A page that brings nobody new is the end; a short one is not, nor is any count.
        """
        seen: set[int] = set()
        people: set[int] = set()
        while True:
            page = await self._bot.http.get_reaction_users(
                look.channel_id,
                look.message_id,
                _for_route(look.emoji),
                PAGE,
                max(seen, default=None),
                burst,  # type: ignore[arg-type]  # 0 or 1, as Discord documents it
            )
            ids = {int(user["id"]) for user in page}
            if ids <= seen:
                return frozenset(people - {look.helper_id})
            seen |= ids
            people.update(int(user["id"]) for user in page if not user.get("bot"))

    # ------------------------------------------------------------ messages nobody told of

    async def _search(self, search: Search) -> None:
        """Look for messages with the thanks emoji in a channel and its threads."""
        began_at = self._clock()
        threads = await self._bot.http.get_active_threads(search.guild_id)
        channels = [
            int(thread["id"])
            for thread in threads["threads"]
            if int(thread["parent_id"]) == search.channel_id
        ]
        for channel_id in (search.channel_id, *channels):
            authors = await self._authors(search, channel_id)
            async with self._db.read() as session:
                looks = await reconciling.unknown(session, search, channel_id, authors)
            for look in looks:
                await self._look(look)
        async with self._db.write() as session:
            await reconciling.searched(session, search, began_at=began_at)

    async def _authors(self, search: Search, channel_id: int) -> dict[int, int]:
        """Return the messages of a channel that carry the emoji, with their authors."""
        try:
            return {
                int(message["id"]): int(message["author"]["id"])
                async for message in self._history(search, channel_id)
                if not message["author"].get("bot") and _carries(message, search.emoji_key)
            }
        except discord.HTTPException as error:
            if not _is_gone(error):
                raise
            return {}

    async def _history(self, search: Search, channel_id: int) -> AsyncIterator[Mapping[str, Any]]:
        """Read a channel back, newest first; not further than a thousand messages."""
        before = None
        if search.closed_at is not None:
            before = discord.utils.time_snowflake(search.closed_at)
        for _ in range(MOST_PAGES_OF_HISTORY):
            page = await self._bot.http.logs_from(channel_id, PAGE, before=before)
            oldest = min((int(message["id"]) for message in page), default=None)
            if oldest is None or (before is not None and oldest >= before):
                return
            for message in page:
                if created_at(int(message["id"])) >= search.since:
                    yield message
            if created_at(oldest) < search.since:
                return
            before = oldest


def _rests(server: _Server, item: Look | Search, now: datetime) -> bool:
    """Whether something is left alone for now, because Discord failed or refused just before."""
    is_closing = item.closed_at is not None
    failed_at, refused_at = server.failed_at, server.refused_at.get(item.channel_id)
    # A clock that was set back makes nothing rest until it has caught up.
    if failed_at is not None and failed_at <= now < failed_at + max(
        AGAIN_CLOSING if is_closing else AGAIN, server.asked_to_wait
    ):
        return True
    return refused_at is not None and refused_at <= now < refused_at + (
        AGAIN_CLOSING if is_closing else REFUSED_AGAIN
    )


def _is_gone(error: discord.HTTPException) -> bool:
    return error.code in (UNKNOWN_CHANNEL, UNKNOWN_MESSAGE)


def _for_route(shown: str) -> str:
    """Return an emoji as an address of Discord's has it: `name:id`, or the character itself."""
    if not shown.startswith("<"):
        return shown
    return shown.strip("<>").removeprefix("a:").removeprefix(":")


def _carries(message: Mapping[str, Any], emoji_key: str) -> bool:
    """Whether anybody reacts with an emoji, whatever number is given."""
    return any(
        (reaction["emoji"].get("id") or emoji.key(reaction["emoji"].get("name") or "")) == emoji_key
        for reaction in message.get("reactions") or ()
    )
