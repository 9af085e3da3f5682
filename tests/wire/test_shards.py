"""Bots with a shard each over one database: who does what, and nothing falls between them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import discord
import pytest
import yarl

from bot import leader as leading
from bot.client import Stipend, create_bot
from bot.domain.errors import Kept
from bot.services import reactions
from bot.settings import Settings
from storage import boards
from storage.database import Database
from storage.leader import Unreachable
from storage.tables import Round
from tests import postgres
from tests.databases import address_of, sql
from tests.services.world import ADA, CLOSE, COMPUTE, HOUR, MINUTE, START, World
from tests.wire.fake_discord import COMMITTEE, SERVER, SUPPORT
from tests.wire.two_servers import OTHERS, SECOND, TwoServers

TOKEN = "MTExMTExMTExMTExMTExMTEx.x.y"
VOTERS = range(6001, 6011)
FIRST, OTHER = 0, 1
"""The shards; the first is told of the server SECOND, the other of SERVER."""


@dataclass
class Towns:
    """Two servers, and a bot in this process for each of them."""

    fake: TwoServers
    url: str
    here: World
    there: World
    bots: list[Stipend]

    @property
    def leader(self) -> Stipend:
        """The bot that leads; it is told of `here`."""
        return self.bots[0]

    @property
    def follower(self) -> Stipend:
        """The bot that follows; it is told of `there`."""
        return self.bots[1]

    def at(self, instant: datetime) -> None:
        """Set the clock."""
        self.here.now = self.there.now = instant

    async def rounds(self) -> tuple[Round, Round]:
        """Return the first round of each server."""
        return await self.here.round("2026-Q1"), await self.there.round("2026-Q1")


async def _two_worlds(url: str) -> tuple[World, World]:
    there = World(Database(url, keep=(Kept,)), guild_id=SERVER)
    await there.db.open(now=START)
    here = replace(there, guild_id=SECOND)
    await there.opened(support_channel=str(SUPPORT), committee_channel=str(COMMITTEE))
    await here.opened(
        support_channel=str(OTHERS[SUPPORT]), committee_channel=str(OTHERS[COMMITTEE])
    )
    return here, there


async def _connected(fake: TwoServers, settings: Settings, world: World, shards: int) -> Stipend:
    bot = create_bot(settings, clock=lambda: world.now, schedule=False)
    assert isinstance(bot, Stipend)
    running = asyncio.create_task(bot.start(TOKEN))
    async with asyncio.timeout(30):
        while len(fake.shards) < shards:
            await asyncio.sleep(0.01)
            assert not running.done(), running.result()
        await bot.wait_until_ready()
    bot.running = running  # type: ignore[attr-defined]  # a task that nobody holds may vanish
    return bot


def _discord_is(fake: TwoServers, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = yarl.URL(f"ws://127.0.0.1:{fake.port}/ws")
    monkeypatch.setattr(discord.http.Route, "BASE", f"http://127.0.0.1:{fake.port}/api/v10")
    monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", gateway)

    async def at_once(*_: object, **__: object) -> None:
        """Identify without the five seconds between two shards."""

    monkeypatch.setattr(discord.Client, "before_identify_hook", at_once)
    monkeypatch.setattr(leading, "SESSIONS_EVERY", 0.0)


async def _notice(bot: Stipend) -> None:
    """Let a bot notice now who is there, as it does every few seconds."""
    assert bot.leader._seat is not None
    await bot.leader._step(bot.leader._seat)


@pytest.fixture
async def towns(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Towns]:
    """Return two servers whose boards are posted, with a bot for each."""
    async with AsyncExitStack() as stack:
        url = stack.enter_context(postgres.database())
        here, there = await _two_worlds(url)
        fake = await stack.enter_async_context(TwoServers())
        _discord_is(fake, monkeypatch)
        town = Towns(fake, url, here, there, [])
        for shard in (FIRST, OTHER):
            settings = Settings(
                discord_token=TOKEN,
                database_url=url,
                post_interval_ms=0,
                shard_ids=str(shard),
                shard_count=2,
            )
            town.bots.append(await _connected(fake, settings, here, shard + 1))
            stack.push_async_callback(town.bots[-1].close)
        await _notice(town.leader)
        await town.leader.tick()
        yield town
        for bot in town.bots:
            await bot.close()
        assert await there.faults() == []
        await there.db.close()


async def test_only_the_leader_does_what_is_due_and_for_all_servers(towns: Towns) -> None:
    assert [bot.leader.leads for bot in towns.bots] == [True, False]
    assert [len(bot.guilds) for bot in towns.bots] == [1, 1]
    for round_ in await towns.rounds():
        assert round_.thread_id is not None
        assert len(towns.fake.texts(round_.thread_id)) > 0
    towns.at(CLOSE)
    await towns.follower.tick()
    assert [round_.state for round_ in await towns.rounds()] == ["open", "open"]
    await towns.leader.tick()
    assert [round_.state for round_ in await towns.rounds()] == ["review", "review"]


async def test_a_round_is_counted_when_whoever_is_told_of_the_server_has_looked(
    towns: Towns,
) -> None:
    async with towns.there.db.read() as session:
        places = await boards.places(session, (await towns.rounds())[1].id)
        standing = await boards.standing(session, SERVER)
    (place,) = (each for each in places if each.user_id == ADA.user_id)
    (board,) = (each for each in standing if each.id == place.board_id)
    towns.fake.reactors[board.message_id or 0, place.emoji][0].update(VOTERS)
    towns.at(CLOSE)
    await towns.leader.tick()
    here, there = await towns.rounds()
    assert (here.counted_at, there.counted_at) == (CLOSE, None)
    await towns.follower.tick()
    # What came in before the close and is not where it belongs yet is waited for.
    event = reactions.Event(
        board.channel_id or 0, board.message_id or 0, place.emoji_key, VOTERS[0], 0, True, CLOSE,
        None, 0,
    )  # fmt: skip
    await towns.follower.db.express(lambda run: reactions.keep(run, SERVER, [event]))
    await towns.leader.tick()
    assert (await towns.rounds())[1].counted_at is None
    await towns.follower.db.express(lambda run: reactions.take_in(run, SERVER))
    await towns.leader.tick()
    assert (await towns.rounds())[1].counted_at == CLOSE
    towns.at(COMPUTE)
    await towns.leader.tick()
    assert [round_.state for round_ in await towns.rounds()] == ["draft", "draft"]


async def test_the_leader_looks_where_nobody_is_told(towns: Towns) -> None:
    await towns.follower.close()
    await _notice(towns.leader)
    towns.at(CLOSE)
    await towns.leader.tick()
    assert [round_.counted_at for round_ in await towns.rounds()] == [CLOSE, CLOSE]


async def test_what_is_looked_at_every_hour_is_looked_at_elsewhere_too(towns: Towns) -> None:
    thread = (await towns.rounds())[1].thread_id or 0
    towns.fake.archived.add(thread)
    for table in ("places", "helpers"):
        changed = f"UPDATE {table} SET emoji = '<:ada:77>', emoji_key = '77'"
        sql(towns.url, f"{changed} WHERE user_id = {ADA.user_id}")
    towns.at(START + MINUTE)
    await towns.leader.tick()
    assert thread in towns.fake.archived
    towns.at(START + HOUR)
    await towns.leader.tick()
    assert thread not in towns.fake.archived
    assert "helper.emoji" in await towns.there.actions()


async def test_what_another_process_is_saying_is_left_to_it_and_without_a_database_it_waits(
    towns: Towns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leading, "TURN_WITHIN", 0.0)
    sql(towns.url, "UPDATE posts SET state = 'pending' WHERE kind = 'announcement'")
    before = len(towns.fake.journal)
    async with towns.leader.leader.turn(SERVER):
        assert await towns.follower.deliver(SERVER) == {}
        assert len(towns.fake.journal) == before
    assert await towns.follower.deliver(SERVER) == {}
    waiting = f"SELECT 1 FROM posts WHERE state = 'pending' AND guild_id = {SERVER}"
    assert sql(towns.url, waiting) == []

    async def gone(_guild_id: int) -> bool:
        raise Unreachable

    assert towns.follower.leader._seat is not None
    monkeypatch.setattr(towns.follower.leader._seat, "try_turn", gone)
    problems = await towns.follower.deliver(SERVER)
    assert list(problems.values()) == ["The database cannot be reached at the moment; it follows."]


async def test_one_process_may_have_several_shards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = address_of(tmp_path)
    here, there = await _two_worlds(url)
    async with TwoServers() as fake:
        _discord_is(fake, monkeypatch)
        settings = Settings(
            discord_token=TOKEN, database_url=url, post_interval_ms=0, shard_count=2
        )
        bot = await _connected(fake, settings, here, 2)
        assert {guild.id for guild in bot.guilds} == {SERVER, SECOND}
        await bot.tick()
        for world in (here, there):
            assert (await world.round("2026-Q1")).thread_id is not None
        await bot.close()
    await here.db.close()
