"""The gateway cut, resumed, invalid or gone: no event is lost, and nobody storms Discord."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import discord
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import pace, supervisor
from bot.pace import HOUR, Pace, after_failure, wait_before
from storage.database import DatabaseBusy, DatabaseUnusable
from storage.lock import InUse
from tests.databases import database_of
from tests.services.world import HOUR as AN_HOUR
from tests.services.world import START, World
from tests.wire import faults
from tests.wire.fake_discord import SERVER, FakeDiscord
from tests.wire.program import Program
from tests.wire.town import a_connected_bot, a_town, until

BEFORE, MEANWHILE, CROWD = range(5001, 5021), range(6001, 6051), range(20_001, 24_001)
FEW = 100
"""Connections in an hour: a hundredth of what makes Discord take a token away in a day is a lot."""


# ---------------------------------------------------------------- cuts


async def test_after_a_cut_the_session_is_resumed_and_no_event_is_lost_or_taken_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_town(tmp_path, monkeypatch) as town:
        await town.tick()
        town.fake.keeps_session = True
        for user in BEFORE:
            await town.fake.react(*town.place, user)
        await town.fake.drop()
        for user in MEANWHILE:
            await town.fake.react(*town.place, user)
        await town.fake.unreact(*town.place, BEFORE[0])
        await until(lambda: town.thanked() == {*BEFORE[1:], *MEANWHILE})
        assert (town.fake.identifies, town.fake.resumes) == (1, 1)
        assert town.rows("SELECT 1 FROM record WHERE action = 'thanks.reconciled'") == []


async def test_asked_to_connect_again_the_bot_resumes_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_town(tmp_path, monkeypatch) as town:
        await town.tick()
        town.fake.keeps_session = True
        await town.fake.reconnect()
        for user in MEANWHILE:
            await town.fake.react(*town.place, user)
        await until(lambda: town.thanked() == {*MEANWHILE})
        await town.fake.invalidate(is_resumable=True)
        for user in BEFORE:
            await town.fake.react(*town.place, user)
        await until(lambda: town.thanked() == {*BEFORE, *MEANWHILE})
        assert (town.fake.identifies, town.fake.resumes) == (1, 2)


@pytest.mark.untraced
async def test_4000_reactions_given_while_the_session_was_invalid_are_all_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_town(tmp_path, monkeypatch) as town:
        await town.tick()
        town.fake.count_shown = 1  # the count of a reaction can stick
        _, message, emoji = town.place
        town.fake.reactors.setdefault((message, emoji), {0: set(), 1: set()})[0].update(CROWD)
        await town.fake.invalidate(is_resumable=False)
        await until(lambda: town.fake.identifies == 2)
        await town.fake.until_ready()
        await town.tick(AN_HOUR)
        assert town.thanked() == {*CROWD}


# ---------------------------------------------------------------- the first connection


@pytest.fixture
def free_port() -> int:
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


async def test_refused_reset_and_503_at_first_the_bot_is_there_as_soon_as_discord_is(
    tmp_path: Path, free_port: int
) -> None:
    fake = FakeDiscord(port=free_port)
    program = Program(fake, tmp_path, is_traced=False, FIRST_WAIT="0.1")
    process = await program.start(ready=False)
    assert process.stderr is not None
    while b"connecting again" not in await asyncio.wait_for(process.stderr.readline(), 30):
        pass
    going_wrong = [
        fake.fail(answer, part="/users/@me", method="GET")
        for answer in (faults.reset, faults.error(503), faults.page(503))
    ]
    async with fake:
        await fake.until_ready()
        assert [fault.met for fault in going_wrong] == [1, 1, 1]
        assert await program.stop() == 0


@pytest.mark.parametrize("code", (4004, 4010, 4011, 4012, 4013, 4014))
def test_a_permanent_close_code_is_a_fault_of_the_configuration(
    code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    class Closed:
        close_code = code

    error = discord.ConnectionClosed(Closed(), shard_id=None)  # type: ignore[arg-type]
    assert supervisor._verdict(error) == supervisor.CONFIGURATION
    told = capsys.readouterr().err
    assert told.startswith(f"stipend: Discord closed the connection for good (code {code}): ")
    assert told.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "code"),
    (
        (None, supervisor.OK),
        (InUse("in use"), supervisor.TEMPORARY),
        (DatabaseUnusable("damaged"), supervisor.CONFIGURATION),
        (DatabaseBusy("locked"), None),
        (discord.LoginFailure("no"), supervisor.CONFIGURATION),
        (discord.PrivilegedIntentsRequired(None), supervisor.CONFIGURATION),
        (ConnectionResetError(104, "reset"), None),
        (AttributeError("#10520"), None),
        (KeyError("bug"), supervisor.BUG),
    ),
    ids=repr,
)
def test_every_other_end_is_a_reason_to_try_again_or_to_stop(
    error: Exception | None, code: int | None
) -> None:
    assert supervisor._verdict(error) == code


async def test_a_permanent_close_code_ends_the_program_for_good(tmp_path: Path) -> None:
    async with FakeDiscord(close_with=4011) as fake:
        program = Program(fake, tmp_path, is_traced=False)
        process = await program.start(ready=False)
        assert process.stderr is not None
        assert await asyncio.wait_for(process.wait(), 30) == 78
        told = (await process.stderr.read()).decode()
        assert "stipend: Discord closed the connection for good (code 4011): the bot is in " in told
        assert "set STIPEND_SHARD_COUNT to 2 or more" in told
        assert fake.identifies == 1


# ---------------------------------------------------------------- storms


def failures(lives: Iterator[float]) -> Iterator[float]:
    """Give the instant of each start of a program whose runs live so long."""
    now, waits = 0.0, list[float]()
    for lived in lives:
        yield now
        wait = after_failure(
            waits[-1:],
            lived,
            first=supervisor.FIRST_WAIT_SECONDS,
            longest=supervisor.LONGEST_WAIT_SECONDS,
        )
        waits.append(wait)
        now += lived + wait


def test_while_discord_is_away_for_an_hour_it_is_asked_less_than_a_dozen_times() -> None:
    def lives() -> Iterator[float]:
        while True:
            yield 0.0

    starts = []
    for at in failures(lives()):
        if at > HOUR:
            break
        starts.append(at)
    assert [round(at) for at in starts] == [0, 5, 15, 35, 75, 155, 315, 635, 1275, 2175, 3075]


@given(
    lives=st.lists(st.floats(0, 2000), min_size=1, max_size=40),
    gaps=st.lists(st.floats(0, 30), min_size=1, max_size=10),
)
def test_no_storm_makes_100_connections_in_an_hour(lives: list[float], gaps: list[float]) -> None:
    """Each run connects as often as the pace lets it, until it ends and the next one begins."""
    connects = []
    runs = [*lives, *[HOUR] * 3]
    for start, lived in zip(failures(iter(runs)), runs, strict=False):
        now, own = start, list[float]()
        while now <= start + lived and len(own) < 2 * FEW:
            recent = [at for at in own if now - at < HOUR]
            now += wait_before(len(recent))
            own.append(now)
            now += gaps[len(own) % len(gaps)]
        connects += [at for at in own if at <= start + lived or at == start]
    connects.sort()
    for first in connects:
        assert sum(first <= at < first + HOUR for at in connects) < FEW


def test_the_first_three_connections_of_an_hour_need_no_wait_and_each_shard_has_its_share() -> None:
    assert [wait_before(recent) for recent in range(8)] == [0, 0, 0, 5, 10, 20, 40, 60]
    assert [wait_before(recent, shards=4) for recent in (11, 12, 16, 28)] == [0, 1.25, 2.5, 15]
    assert wait_before(10_000) == 60


async def test_an_hour_later_everything_is_as_at_first() -> None:
    now, slept = 0.0, list[float]()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    keeper = Pace(time=lambda: now, sleep=sleep)
    for _ in range(4):
        await keeper.keep()
    now += HOUR + pace.FIRST_WAIT
    await keeper.keep()
    assert slept == [5]


@pytest.mark.untraced
async def test_a_gateway_that_sends_everybody_away_at_once_is_not_stormed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(database_of(tmp_path), guild_id=SERVER)
    await world.db.open(now=START)
    async with (
        FakeDiscord(sends_away=True) as fake,
        a_connected_bot(tmp_path, monkeypatch, fake, world),
    ):
        await until(lambda: fake.connects == pace.AT_ONCE)
        await asyncio.sleep(1)
        assert fake.connects == pace.AT_ONCE
    await world.db.close()
