"""Two processes: over one SQLite file the second is refused, over PostgreSQL one of them leads."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.domain.errors import Kept
from storage.database import Database
from storage.leader import SHARDS
from storage.lock import locked
from storage.tables.base import microseconds
from tests import postgres
from tests.children import traced
from tests.databases import on_a_file, sql
from tests.services.world import World
from tests.wire.fake_discord import COMMITTEE, SERVER, SUPPORT, FakeDiscord
from tests.wire.program import ROOT, Program
from tests.wire.two_servers import OTHERS, SECOND, SESSIONS_EVERY, TwoServers

TEMPORARY = 75
TAKEN_OVER = 30.0
"""Within so many seconds another leads: that is promised."""
TOKEN = "MTExMTExMTExMTExMTExMTEx.x.y"


@on_a_file
async def test_a_second_process_on_a_file_is_refused_until_the_first_is_gone(
    tmp_path: Path,
) -> None:
    async with FakeDiscord() as fake:
        program = Program(fake, tmp_path, is_traced=False)
        line = f"stipend: database {program.database} is used by another process of Stipend; "
        with locked(Database(f"sqlite+aiosqlite:///{program.database}")):
            assert await program.run("run") == (TEMPORARY, f"{line}stop it first\n")
        assert fake.journal == []
        await program.start()
        assert await program.stop() == 0


# ---------------------------------------------------------------- shards


@dataclass
class Shard:
    """A process that has one of the two shards."""

    fake: TwoServers
    url: str
    number: int
    log: Path
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it and wait until it is connected."""
        await self.launch()
        await until(lambda: self.number in self.fake.shards, self.said)

    async def launch(self) -> asyncio.subprocess.Process:
        """Start it."""
        with self.log.open("wb") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "tests.wire.shard"),
                cwd=self.log.parent,
                env={
                    **traced(),
                    "FAKE_DISCORD_PORT": str(self.fake.port),
                    "STIPEND_DISCORD_TOKEN": TOKEN,
                    "STIPEND_DATABASE_URL": self.url,
                    "STIPEND_SHARD_IDS": str(self.number),
                    "STIPEND_SHARD_COUNT": "2",
                    "STIPEND_POST_INTERVAL_MS": "0",
                    "STIPEND_TICK_SECONDS": "1",
                    "PYTHONPATH": str(ROOT),
                },
                stderr=log,
            )
        return self.process

    def said(self) -> str:
        """Return what it logged."""
        return self.log.read_text()

    async def stop(self) -> int:
        """Ask it to end."""
        assert self.process is not None
        self.process.terminate()
        return await asyncio.wait_for(self.process.wait(), 20)


@dataclass
class Community:
    """Two servers with an open round each, and a process for each of them; the first leads."""

    fake: TwoServers
    url: str
    worlds: tuple[World, World]
    first: Shard
    second: Shard

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Read from the database."""
        return sql(self.url, query)

    def closes_now(self) -> None:
        """Let the open rounds of both servers be over."""
        self.rows(
            f"UPDATE rounds SET close_at = {microseconds(datetime.now(UTC))} WHERE state = 'open'"
        )

    def everything(self) -> tuple[object, ...]:
        """Return the record, the outbox, and what stands in Discord."""
        return (
            self.rows("SELECT guild_id, number, action, hash FROM record ORDER BY 1, 2"),
            self.rows("SELECT name, state, message_id FROM posts ORDER BY guild_id, name"),
            {channel: self.fake.texts(channel) for channel in self.fake.messages},
        )

    def is_seated(self, shard: int) -> bool:
        """Whether a process has a shard."""
        query = f"SELECT 1 FROM pg_locks WHERE classid = {SHARDS} AND objid = {shard} AND granted"
        return bool(self.rows(query))

    def is_said(self) -> bool:
        """Whether nothing waits to be said."""
        return not self.rows("SELECT 1 FROM posts WHERE state = 'pending'")

    def is_closed(self) -> bool:
        """Whether the first rounds are closed and counted, the next begun, and all of it said."""
        closed = self.rows("SELECT 1 FROM rounds WHERE number = 1 AND counted_at IS NOT NULL")
        boards = self.actions("board.built")
        return len(closed) == len(self.worlds) == len(boards) / 2 and self.is_said()

    def actions(self, action: str) -> list[int]:
        """Return the servers in whose records something stands, once for each time."""
        found = self.rows(f"SELECT guild_id FROM record WHERE action = '{action}' ORDER BY 1")
        return [row[0] for row in found]

    def said_in_threads(self) -> dict[int, list[str]]:
        """Return what was said in the thread of each server's first round."""
        threads = self.rows("SELECT guild_id, thread_id FROM rounds WHERE number = 1")
        return {guild_id: sorted(self.fake.texts(thread)) for guild_id, thread in threads}

    def on_closing(self, happens: Callable[[], None]) -> None:
        """Let something happen when Discord has accepted that a round is closed, once."""
        armed = [True]

        def hook(method: str, path: str) -> None:
            if armed and method == "POST" and path.endswith("/messages") and self._told_of(path):
                armed.clear()
                happens()

        self.fake.after_accepting = hook

    def _told_of(self, path: str) -> bool:
        channel = int(path.split("/")[-2])
        return any("is closed" in text for text in self.fake.texts(channel))


async def until(
    met: Callable[[], bool], why: Callable[[], object] = lambda: "", seconds: float = 30
) -> float:
    """Wait until something has come about; return the seconds that it took."""
    began = time.monotonic()
    while not met():
        if time.monotonic() - began > seconds:
            pytest.fail(f"it did not come about\n{why()}")
        await asyncio.sleep(0.05)
    return time.monotonic() - began


async def worlds(url: str) -> tuple[World, World]:
    """Set two servers up with an open round each."""
    first = World(Database(url, keep=(Kept,)), now=datetime.now(UTC), guild_id=SERVER)
    await first.db.open(now=first.now)
    second = replace(first, guild_id=SECOND)
    await first.opened(support_channel=str(SUPPORT), committee_channel=str(COMMITTEE))
    await second.opened(
        support_channel=str(OTHERS[SUPPORT]), committee_channel=str(OTHERS[COMMITTEE])
    )
    return first, second


@pytest.fixture
async def community(tmp_path: Path) -> AsyncIterator[Community]:
    """Return two servers whose rounds are announced, with a process for each."""
    with postgres.database() as url:
        made = await worlds(url)
        async with TwoServers() as fake:
            shards = [Shard(fake, url, number, tmp_path / f"log{number}") for number in (0, 1)]
            for shard in shards:
                await shard.start()
            town = Community(fake, url, made, *shards)
            try:
                await until(lambda: _is_announced(town), shards[0].said)
                yield town
            finally:
                for shard in shards:
                    if shard.process is not None and shard.process.returncode is None:
                        shard.process.kill()
                        await shard.process.wait()
        for world in made:
            assert await world.faults() == []
        await made[0].db.close()


def _is_announced(town: Community) -> bool:
    threads = town.rows("SELECT 1 FROM rounds WHERE thread_id IS NOT NULL")
    return len(threads) == len(town.worlds) and town.is_said()


def assert_once(town: Community) -> None:
    """Assert that the rounds closed once, and that it was said once."""
    both = sorted(world.guild_id for world in town.worlds)
    for action in ("round.closed", "round.counted"):
        assert town.actions(action) == both
    for texts in town.said_in_threads().values():
        assert sum("is closed" in text for text in texts) == 1
        assert len(set(texts)) == len(texts)


async def _refused(town: Community, number: int) -> bool:
    """Start another process for a shard that has one; return whether it is refused."""
    again = Shard(town.fake, town.url, number, town.second.log.with_name("again"))
    process = await again.launch()
    assert await asyncio.wait_for(process.wait(), 20) == TEMPORARY
    line = f"another process of Stipend runs shard {number} on this database; stop it first"
    return f"stipend: {line}" in again.said().splitlines()


async def test_a_leader_that_is_killed_during_a_close_is_replaced_and_nothing_happens_twice(
    community: Community,
) -> None:
    leader, follower = community.first, community.second
    assert await _refused(community, follower.number)
    assert community.rows("SELECT term FROM leaders") == [(1,)]
    assert leader.process is not None
    community.on_closing(leader.process.kill)
    community.closes_now()
    assert await asyncio.wait_for(leader.process.wait(), 20) == -signal.SIGKILL
    await until(community.is_closed, follower.said, seconds=TAKEN_OVER)
    assert community.rows("SELECT term FROM leaders") == [(2,)]
    assert_once(community)
    assert await follower.stop() == 0


async def test_processes_that_start_at_once_begin_their_sessions_one_after_the_other(
    tmp_path: Path,
) -> None:
    with postgres.database() as url:
        async with TwoServers(takes_every=SESSIONS_EVERY - 0.1) as fake:
            shards = [Shard(fake, url, number, tmp_path / f"log{number}") for number in (0, 1)]
            await asyncio.gather(*(shard.start() for shard in shards))
            assert fake.refused == 0
            assert [await shard.stop() for shard in shards] == [0, 0]


async def test_a_leader_that_was_stopped_for_longer_than_its_lease_writes_nothing_as_leader(
    community: Community,
) -> None:
    leader, follower = community.first, community.second
    assert leader.process is not None
    stop = leader.process.send_signal
    community.on_closing(lambda: stop(signal.SIGSTOP))
    community.closes_now()
    await until(community.is_closed, follower.said, seconds=TAKEN_OVER)
    assert_once(community)
    before = community.everything()
    stop(signal.SIGCONT)
    await until(lambda: "leads no more" in leader.said(), leader.said)
    await until(lambda: community.is_seated(leader.number), leader.said)
    assert community.everything() == before
    assert_once(community)
    assert await leader.stop() == 0
    assert await follower.stop() == 0
    assert community.rows("SELECT term FROM leaders") == [(2,)]
