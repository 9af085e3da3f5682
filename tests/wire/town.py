"""The whole bot in this process against the fake Discord, with a clock that is set by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import discord
import pytest
import yarl

from bot.client import Stipend
from bot.jobs.marks import numbers
from bot.settings import Settings
from tests.databases import address_of, database_of, sql
from tests.services.world import ADA, START, World
from tests.wire.fake_discord import BOT, COMMITTEE, SERVER, SUPPORT, FakeDiscord

TOKEN = "MTExMTExMTExMTExMTExMTEx.x.y"
CHANNELS = {"support_channel": str(SUPPORT), "committee_channel": str(COMMITTEE)}


@dataclass
class Town:
    """A server with an open round, its bot and its Discord."""

    world: World
    fake: FakeDiscord
    bot: Stipend
    url: str

    async def tick(self, later: timedelta = timedelta(0)) -> None:
        """Move the clock and let the bot do what is due."""
        self.world.now += later
        await self.bot.tick()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Read from the database, past the bot."""
        return sql(self.url, query)

    async def log(self, duration: str = "1h", note: str = "helped") -> str:
        """Let Ada log hours; return the answer."""
        options = {"duration": duration, "note": note}
        number = await self.fake.press(
            "hours log", options, user=ADA.user_id, at=self.world.now.timestamp(), roles=()
        )
        return await self.fake.answer_to(number)

    @property
    def thread(self) -> int:
        """The thread of the round."""
        ((thread,),) = self.rows("SELECT thread_id FROM rounds")
        return int(thread)

    @property
    def place(self) -> tuple[int, int, str]:
        """Channel, message and emoji of Ada's place on the board."""
        ((channel, message, emoji),) = self.rows(
            "SELECT channel_id, message_id, emoji FROM places JOIN boards ON boards.id = board_id "
            f"WHERE user_id = {ADA.user_id} AND lost_at IS NULL"
        )
        return int(channel), int(message), str(emoji)

    def thanked(self) -> set[int]:
        """Return who thanked Ada, as it is stored."""
        query = f"SELECT voter_id FROM thanks WHERE helper_id = {ADA.user_id}"
        return {voter for (voter,) in self.rows(f"{query} AND taken_back_at IS NULL")}

    def marks(self) -> list[int]:
        """Return the number of each post that stands on Discord, once for each message."""
        return [
            number
            for channel in self.fake.messages.values()
            for message in channel.values()
            if message["author"]["id"] == str(BOT)
            for number in numbers(
                message["content"] or "",
                *(text for embed in message["embeds"] for text in _texts(embed)),
            )
        ]


def _texts(embed: dict[str, Any]) -> list[str]:
    footer = embed.get("footer") or {}
    return [embed.get("title") or "", embed.get("description") or "", footer.get("text") or ""]


async def until(is_so: Callable[[], object], seconds: float = 20) -> None:
    """Wait until something has come about."""
    async with asyncio.timeout(seconds):
        while not is_so():  # noqa: ASYNC110 - what is waited for may lie in a file
            await asyncio.sleep(0.02)


@asynccontextmanager
async def a_connected_bot(
    folder: Path, monkeypatch: pytest.MonkeyPatch, fake: FakeDiscord, world: World
) -> AsyncIterator[Town]:
    """Connect a bot to a fake Discord that runs, over the database of a world."""
    gateway = yarl.URL(f"ws://127.0.0.1:{fake.port}/ws")
    monkeypatch.setattr(discord.http.Route, "BASE", f"http://127.0.0.1:{fake.port}/api/v10")
    monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", gateway)
    url = address_of(folder)
    settings = Settings(discord_token=TOKEN, database_url=url, post_interval_ms=0)
    bot = Stipend(settings, clock=lambda: world.now, schedule=False)
    running = asyncio.create_task(bot.start(TOKEN))
    try:
        yield Town(world, fake, bot, url)
    finally:
        await bot.close()
        await asyncio.gather(running, return_exceptions=True)


@asynccontextmanager
async def a_town(
    folder: Path, monkeypatch: pytest.MonkeyPatch, **values: str
) -> AsyncIterator[Town]:
    """Open a round and connect the bot; nothing is posted before the first tick."""
    world = World(database_of(folder), guild_id=SERVER)
    await world.db.open(now=START)
    await world.opened(**CHANNELS, **values)
    async with (
        FakeDiscord() as fake,
        a_connected_bot(folder, monkeypatch, fake, world) as town,
    ):
        await fake.until_ready()
        await town.bot.wait_until_ready()
        yield town
    assert await world.faults() == []
    await world.db.close()
