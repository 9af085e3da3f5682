"""Stopping: in order, within ten seconds whatever hangs, with nothing lost."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.client import Stipend
from bot.settings import Settings
from storage import policy as installation
from storage.database import Database, DatabaseUnusable
from storage.express import Through
from tests.databases import address_of, held
from tests.services.world import utc
from tests.wire.fake_discord import FakeDiscord
from tests.wire.program import Program
from tests.wire.soak import Campaign, a_campaign

NOW = utc("2026-01-05")
LONGEST_SECONDS = 10.0
SLOW = text(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count) "
    "SELECT count(*) FROM n"
)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(address_of(tmp_path))


async def stop_within_bounds(program: Program) -> int:
    """Stop the program with SIGTERM; return its exit code."""
    began = time.monotonic()
    code = await program.stop()
    assert time.monotonic() - began < LONGEST_SECONDS
    program.fake.is_left()
    return code


# ---------------------------------------------------------------- the program


async def test_sigterm_while_discord_never_answers_ends_in_time_and_loses_nothing(
    tmp_path: Path,
) -> None:
    async with a_campaign(tmp_path, seed=1) as campaign:
        program = campaign.program
        await program.start()
        hanging = campaign.fake.fail(method="POST", part="/messages", times=1000)
        await campaign.log_hours()
        (log,) = campaign.logs
        assert "logged" in await campaign.fake.answer_to(log.interaction)
        await until_met(campaign, hanging.met)
        assert await stop_within_bounds(program) == 0
        campaign.fake.faults.clear()
        await campaign.settle()
        assert program.rows("SELECT count(*) FROM entries WHERE note = 'note 0'") == [(1,)]


async def until_met(campaign: Campaign, before: int) -> None:
    """Wait until a request that goes wrong is under way."""
    async with asyncio.timeout(20):
        while sum(fault.met for fault in campaign.fake.faults) <= before:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_sigterm_in_the_middle_of_a_command_is_answered_or_nothing_was_stored(
    tmp_path: Path,
) -> None:
    async with a_campaign(tmp_path, seed=2) as campaign:
        await campaign.program.start()
        for _ in range(6):
            await campaign.log_hours()
        assert await stop_within_bounds(campaign.program) == 0
        campaign.check()
        told = [log for log in campaign.logs if campaign.is_logged(log)]
        assert campaign.program.rows("SELECT count(*) FROM entries WHERE note LIKE 'note%'") == [
            (len(told),)
        ]


async def test_sigterm_while_another_program_holds_the_database_ends_in_time(
    tmp_path: Path,
) -> None:
    async with a_campaign(tmp_path, seed=3) as campaign:
        await campaign.program.start()
        with held(campaign.program.url, from_readers=True):
            await campaign.log_hours()
            await asyncio.sleep(0.5)
            assert await stop_within_bounds(campaign.program) in {0, 75}
        await campaign.settle()


async def test_sigterm_while_the_program_starts_ends_in_time(tmp_path: Path) -> None:
    async with FakeDiscord() as fake:
        program = Program(fake, tmp_path, is_traced=False)
        fake.fail(method="GET", part="/users/@me")
        process = await program.start(ready=False)
        async with asyncio.timeout(20):
            while not fake.faults[0].met:  # noqa: ASYNC110 - the other side is a process
                await asyncio.sleep(0.02)
        assert await stop_within_bounds(program) == 0
        assert process.returncode == 0


async def test_what_never_ends_is_left_behind_by_a_last_resort(tmp_path: Path) -> None:
    async with FakeDiscord() as fake:
        program = Program(fake, tmp_path, LAST_RESORT="1", NEVER_ENDS="1")
        process = await program.start()
        assert await stop_within_bounds(program) == 75
        assert b"stopping took longer than 1 s: the process ends now" in await process.stderr.read()


# ---------------------------------------------------------------- the parts


@pytest.mark.threads
async def test_closing_waits_for_what_is_being_written(database: Database) -> None:
    await database.open(now=NOW)
    has_begun = asyncio.Event()

    async def write() -> None:
        async with database.write() as session:
            has_begun.set()
            await session.execute(SLOW, {"count": 300_000})
            await installation.set_meta(Through(session), "written", "yes")

    writing = asyncio.create_task(write())
    await has_begun.wait()
    await database.close()
    await writing
    await database.connect()
    async with database.read() as session:
        assert await installation.meta(Through(session), "written") == "yes"
    await database.close()


@pytest.mark.threads
async def test_closing_cancels_what_goes_on_for_too_long_and_nobody_begins_after_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.usage.Usage.idle.__defaults__", (0.2,))
    await database.open(now=NOW)
    count = 0

    async def write_for_ever() -> None:
        nonlocal count
        while True:
            async with database.write() as session:
                await installation.set_meta(Through(session), "count", str(count))
                count += 1
                await asyncio.sleep(60)

    writing = asyncio.create_task(write_for_ever())
    while not count:  # noqa: ASYNC110
        await asyncio.sleep(0)
    await database.close()
    assert writing.cancelled()
    with pytest.raises(DatabaseUnusable, match="is closed: the program is ending"):
        async with database.read():
            pass


@pytest.mark.threads
async def test_a_tick_in_the_middle_of_a_slow_statement_keeps_no_thread_and_no_task(
    tmp_path: Path,
) -> None:
    bot = Stipend(Settings(database_url=address_of(tmp_path)), clock=lambda: NOW, schedule=False)
    await bot.db.open(now=NOW)
    threads = {thread for thread in threading.enumerate() if not thread.daemon}
    has_begun = asyncio.Event()

    async def slow_then_on() -> None:
        """Go on after a cancellation, as what cleans up behind itself does."""
        with bot.ticker._cut_short_by_stop():
            try:
                async with bot.db.write() as session:
                    has_begun.set()
                    await session.execute(SLOW, {"count": 1_000_000})
            finally:
                async with bot.db.read() as session:
                    await installation.meta(Through(session), "count")

    ticking = asyncio.create_task(slow_then_on())
    await has_begun.wait()
    await bot.close()
    assert ticking.done()
    left = {thread for thread in threading.enumerate() if not thread.daemon} - threads
    for thread in left:
        thread.join(2)
    assert not [thread for thread in left if thread.is_alive() and "express" not in thread.name]
