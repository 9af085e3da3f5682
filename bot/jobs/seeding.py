"""Putting the emoji on the boards, and looking whether the boards stand as they should.

Every emoji that stands is stored at once, so that a restart goes on where the last run ended. The
pace is that of Discord's own limit, which discord.py keeps.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import aiohttp
import discord

from bot.domain import emoji as emojis
from bot.jobs.answered import is_fault
from bot.services import boards, outbox
from bot.services import threads as thread_service
from bot.ui.answers import incident
from storage import boards as stored
from storage.boards import Seed
from storage.tables import Board

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from storage.database import Database

log = logging.getLogger(__name__)

UNKNOWN_CHANNEL: Final = 10_003
UNKNOWN_MESSAGE: Final = 10_008
UNKNOWN_EMOJI: Final = 10_014
TOO_MANY_EMOJI: Final = 30_010
ARCHIVED: Final = 50_083
LOOKS_EVERY: Final = timedelta(hours=1)
RESTS_FOR: Final = timedelta(hours=1)
"""How long a channel that refuses reactions is left alone."""
WAITS: Final = (
    discord.HTTPException,
    discord.RateLimited,
    aiohttp.ClientError,
    TimeoutError,
    OSError,
)
"""After these the board waits for the next time."""
MOST_CHANGES: Final = 50
"""Changes of the board in one run; what is left comes with the next."""


class Seeding:
    """Seeds the boards of open rounds; `deliver` says what changed on them on the way."""

    def __init__(
        self,
        bot: discord.Client,
        db: Database,
        *,
        clock: Callable[[], datetime],
        deliver: Callable[[int], Awaitable[object]],
        has: Callable[[int], bool],
    ) -> None:
        """`has` says of a server whether it is on the shards of this process."""
        self._bot = bot
        self._has = has
        self._db = db
        self._clock = clock
        self._deliver = deliver
        self._turns: dict[int, asyncio.Lock] = {}
        self._rests_until: dict[int, datetime] = {}
        self._looked_at: datetime | None = None

    async def seed_all(self) -> None:
        """Put what is missing on every board; servers do not wait for each other."""
        await self._each(self._seed)

    async def seed(self, guild_id: int) -> None:
        """Put what is missing on the boards of a server, in their order, one after the other."""
        await self._turn(guild_id, self._seed)

    async def look_all(self) -> None:
        """Look once an hour whether every board is there, pinned, and carries its emoji."""
        now = self._clock()
        if self._looked_at is None or not self._looked_at <= now < self._looked_at + LOOKS_EVERY:
            self._looked_at = now
            await self._each(self._look)

    async def _each(self, work: Callable[[int], Awaitable[None]]) -> None:
        servers = await self._db.peek(stored.servers)
        await asyncio.gather(*(self._turn(guild_id, work) for guild_id in servers))

    async def _turn(self, guild_id: int, work: Callable[[int], Awaitable[None]]) -> None:
        """Let one thing be done in a server at a time; a fault leaves the rest for later."""
        async with self._turns.setdefault(guild_id, asyncio.Lock()):
            try:
                await work(guild_id)
            except WAITS as error:
                log.warning("the board in server %d waits: %s", guild_id, error)
            except Exception:
                log.exception("incident %s: the board in server %d", incident(), guild_id)

    # ------------------------------------------------------------ emoji

    async def _seed(self, guild_id: int) -> None:
        for _ in range(MOST_CHANGES):
            if not await self._work_off(guild_id):
                return
            await self._deliver(guild_id)

    async def _work_off(self, guild_id: int) -> bool:
        """Seed until all is done or the board itself changes, which is said first."""
        async with self._db.read() as session:
            seeds = await stored.to_seed(session, guild_id)
        for seed in seeds:
            rests_until = self._rests_until.get(seed.channel_id)
            if rests_until is not None and timedelta(0) < rests_until - self._clock() <= RESTS_FOR:
                continue
            try:
                await self._put(guild_id, seed)
            except discord.RateLimited as error:
                rest = min(timedelta(seconds=error.retry_after), RESTS_FOR)
                self._rests_until[seed.channel_id] = self._clock() + rest
                log.warning("channel %d takes reactions in %s: %s", seed.channel_id, rest, error)
            except discord.HTTPException as error:
                if await self._refused(guild_id, seed, error):
                    return True
        return False

    async def _put(self, guild_id: int, seed: Seed) -> None:
        channel = self._bot.get_partial_messageable(seed.channel_id, guild_id=guild_id)
        message = channel.get_partial_message(seed.message_id)
        emoji = discord.PartialEmoji.from_str(seed.emoji)
        if seed.wanted:
            await message.add_reaction(emoji)
        else:
            assert self._bot.user is not None
            await message.remove_reaction(emoji, self._bot.user)
        async with self._db.write() as session:
            await boards.seeded(session, seed.place_id, at=self._clock() if seed.wanted else None)

    async def _refused(self, guild_id: int, seed: Seed, error: discord.HTTPException) -> bool:
        """Take in what Discord refuses; True where the board is another one now."""
        if is_fault(error) or error.code == ARCHIVED:
            raise error
        log.info("place %d: %d %s", seed.place_id, error.code, error.text)
        now = self._clock()
        if error.code == UNKNOWN_CHANNEL:
            async with self._db.write() as session:
                await thread_service.lost(session, guild_id, thread_id=seed.channel_id, at=now)
            return True
        if not seed.wanted and not isinstance(error, discord.Forbidden):
            # What is not there need not be taken away.
            async with self._db.write() as session:
                await boards.seeded(session, seed.place_id, at=None)
            return False
        async with self._db.write() as session:
            if error.code == UNKNOWN_MESSAGE:
                await boards.lost(session, guild_id, [seed.message_id], at=now)
            elif error.code == UNKNOWN_EMOJI:
                await boards.bad_emoji(session, seed.place_id, at=now)
            elif error.code == TOO_MANY_EMOJI:
                await boards.full(session, seed.place_id, at=now)
            else:
                self._rests_until[seed.channel_id] = now + RESTS_FOR
                await _tell_admins(session, guild_id, seed.channel_id, error, now=now)
        return True

    # ------------------------------------------------------------ looking

    async def _look(self, guild_id: int) -> None:
        await self._look_for_emoji(guild_id)
        async with self._db.read() as session:
            standing = await stored.standing(session, guild_id)
        for board in standing:
            try:
                await self._look_at(guild_id, board)
            except discord.Forbidden as error:
                log.info("board %d cannot be read: %s", board.id, error.text)

    async def _look_at(self, guild_id: int, board: Board) -> None:
        assert board.channel_id is not None
        assert board.message_id is not None
        channel = self._bot.get_partial_messageable(board.channel_id, guild_id=guild_id)
        now = self._clock()
        try:
            message = await channel.fetch_message(board.message_id)
        except discord.NotFound as error:
            async with self._db.write() as session:
                if error.code == UNKNOWN_CHANNEL:
                    await thread_service.lost(session, guild_id, thread_id=board.channel_id, at=now)
                else:
                    await boards.lost(session, guild_id, [board.message_id], at=now)
            return
        own = {emojis.key(str(reaction.emoji)) for reaction in message.reactions if reaction.me}
        async with self._db.read() as session:
            places = await stored.places(session, board.round_id)
        missing = {
            place.emoji_key
            for place in places
            if place.board_id == board.id and place.seeded_at and place.emoji_key not in own
        }
        if not missing and (message.pinned or not board.pinned):
            return
        async with self._db.write() as session:
            if not message.pinned:
                await boards.unpinned(session, guild_id, board.message_id)
            await boards.reseed(session, guild_id, board.message_id, keys=missing)

    async def _look_for_emoji(self, guild_id: int) -> None:
        """Find custom emoji that were deleted: their places need others."""
        async with self._db.read() as session:
            custom = await stored.custom(session, guild_id)
        is_elsewhere = not self._has(guild_id)  # on another process's shards, so not known here
        if not custom or (self._bot.get_guild(guild_id) is None and not is_elsewhere):
            return
        known = {str(each["id"]) for each in await self._bot.http.get_all_custom_emojis(guild_id)}
        async with self._db.write() as session:
            for place in custom:
                if place.emoji_key not in known:
                    await boards.bad_emoji(session, place.id, at=self._clock())


async def _tell_admins(
    session: AsyncSession,
    guild_id: int,
    channel_id: int,
    error: discord.HTTPException,
    *,
    now: datetime,
) -> None:
    await outbox.say_once(
        session,
        guild_id=guild_id,
        name=f"notice:react:{channel_id}:{now:%Y-%m-%d}",
        kind="notice",
        at=now,
        facts={
            "text": f"Discord refuses the bot's reactions in <#{channel_id}>: "
            f"{error.text or error.status}. Without them the board there has no emoji to "
            "click. Check Add Reactions and Read Message History there with `/setup`; the bot "
            "tries again every hour."
        },
    )
