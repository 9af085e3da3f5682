"""The daily backup, and the drill: the file is lost, a copy takes its place, and all is there."""

from __future__ import annotations

import logging
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import simcord

from bot import check, copies
from bot.client import Stipend, create_bot
from bot.jobs.backup import Backups
from bot.services import audit, hours
from bot.settings import Settings
from storage.database import Database, verify_file
from storage.tables import Table
from tests.paid import play
from tests.services.world import BEN, DAY, GUILD, HOUR, PAY, World, database

NIGHT = datetime(2026, 4, 2, 23, 59, tzinfo=UTC)


@pytest.fixture(scope="module")
def season(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return play(tmp_path_factory.mktemp("season") / "stipend.db")


class Installation:
    """A database with a season, a folder for backups, and a clock that is set by hand."""

    def __init__(self, file: Path, *, keep: int = 3, folder: str = "backups") -> None:
        self.file, self.folder = file, file.parent / folder
        self.settings = Settings(
            database_url=f"sqlite+aiosqlite:///{file}",
            backup_folder=str(self.folder),
            backup_keep=keep,
            post_interval_ms=0,
            tick_seconds=86_400,
        )
        self.now = NIGHT
        self.failures: list[str] = []
        self.db = database(file)
        self.backups = Backups(
            self.db, self.settings, clock=lambda: self.now, failed=self.failures.append
        )

    async def at(self, instant: datetime) -> Path | None:
        """Make what is due at an instant."""
        self.now = instant
        return await self.backups.make_due()

    @property
    def names(self) -> list[str]:
        """The files in the folder for backups."""
        return sorted(path.name for path in self.folder.iterdir())


@pytest.fixture
async def here(season: Path, tmp_path: Path) -> AsyncIterator[Installation]:
    made = Installation(Path(shutil.copy(season, tmp_path)))
    await made.db.connect()
    yield made
    await made.db.close()


def everything(path: Path) -> dict[str, list[object]]:
    """Every row of every table, but what the installation remembers of itself."""
    with closing(sqlite3.connect(path)) as connection:
        return {
            table.name: connection.execute(f"SELECT * FROM {table.name}").fetchall()
            for table in Table.metadata.sorted_tables
            if table.name != "meta"
        }


async def test_a_copy_a_day_is_made_and_verified(here: Installation) -> None:
    first = await here.at(NIGHT)
    assert first is not None
    assert first.name == "stipend-20260402T235900Z.db"
    assert verify_file(first) is not None
    assert everything(first) == everything(here.file)
    assert await here.at(NIGHT + timedelta(seconds=59)) is None
    second = await here.at(NIGHT + timedelta(seconds=60))
    assert second is not None
    assert here.names == [first.name, second.name]
    assert here.failures == []


async def test_only_its_owner_may_read_a_copy(here: Installation) -> None:
    copy = await here.at(NIGHT)
    assert copy is not None
    assert copy.stat().st_mode & 0o777 == 0o600
    assert copy.parent.stat().st_mode & 0o777 == 0o700


async def test_a_restart_makes_no_second_copy_of_a_day(here: Installation) -> None:
    await here.at(NIGHT)
    again = Installation(here.file)
    await again.db.connect()
    assert await again.at(NIGHT + timedelta(seconds=30)) is None
    assert again.names == here.names
    await again.db.close()


async def test_the_newest_are_kept_and_other_files_are_left_alone(here: Installation) -> None:
    here.folder.mkdir()
    others = ("by-hand.db", "stipend.db", "stipend-20200101T000000Z.db.gz")
    for name in others:
        (here.folder / name).touch()
    leftover = here.folder / "stipend-20260101T000000Z.db.unfinished"
    leftover.write_text("the power went out")
    made = [await here.at(NIGHT + days * DAY) for days in range(5)]
    assert here.names == sorted([*others, *(path.name for path in made[2:] if path)])


async def test_without_a_folder_nothing_is_made(season: Path, tmp_path: Path) -> None:
    file = Path(shutil.copy(season, tmp_path))
    db = database(file)  # never connected: it is not even asked
    clock = [NIGHT]
    backups = Backups(db, Settings(), clock=clock.pop, failed=pytest.fail)
    assert await backups.make_due() is None
    assert clock == [NIGHT]


async def test_what_is_no_file_is_for_other_tools_and_that_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(backup_folder=str(tmp_path))
    db = Database("sqlite+aiosqlite://")
    backups = Backups(db, settings, clock=lambda: NIGHT, failed=pytest.fail)
    for _ in range(3):
        assert await backups.make_due() is None
    assert [record.getMessage() for record in caplog.records] == [
        "backup_folder is for a SQLite file: use pg_dump for this database"
    ]


async def test_a_failure_is_one_line_and_is_tried_again_after_an_hour(
    season: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    here = Installation(Path(shutil.copy(season, tmp_path)), folder="mounted/backups")
    await here.db.connect()
    assert await here.at(NIGHT) is None
    assert await here.at(NIGHT + HOUR / 2) is None
    assert here.failures == ["backup"]
    (record,) = caplog.records
    words = record.getMessage()
    assert words.startswith("incident ")
    assert "no backup in" in words
    assert "No such file or directory" in words
    assert "\n" not in words
    assert record.exc_info is None
    here.folder.parent.mkdir()
    assert await here.at(NIGHT + HOUR) is not None
    await here.db.close()


async def test_a_copy_that_is_not_sound_counts_for_nothing_and_deletes_nothing(
    here: Installation,
) -> None:
    good = [await here.at(NIGHT + days * DAY) for days in range(3)]
    with closing(sqlite3.connect(here.file)) as connection:
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'record'"
        ).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with here.file.open("r+b") as damaged:
        damaged.seek((page - 1) * size)
        damaged.write(b"\xff" * size)
    assert await here.at(NIGHT + 3 * DAY) is None
    assert here.failures == ["backup"]
    assert here.names == [path.name for path in good if path]


async def test_the_tick_makes_the_backup(season: Path, tmp_path: Path) -> None:
    here = Installation(Path(shutil.copy(season, tmp_path)))
    async with started(here) as bot:
        await bot.tick()
        await bot.tick()
        assert len(here.names) == 1
    assert everything(here.folder / here.names[0]).keys() == everything(here.file).keys()


# ---------------------------------------------------------------- the drill


@asynccontextmanager
async def started(here: Installation) -> AsyncIterator[Stipend]:
    """Run the bot over the present file, on a simulated Discord."""
    bot = create_bot(here.settings, clock=lambda: here.now, schedule=False)
    assert isinstance(bot, Stipend)
    env = simcord.Env(bot, check_errors=False)
    try:
        await env.start()
        yield bot
        await bot.close()
    finally:
        await env.shutdown()


async def test_the_drill(here: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    """A quarter is paid, a copy is made, the file is lost, the copy is put in place, all is there.

    What was done after the copy is what is lost: at most a day.
    """
    copy = await here.at(NIGHT)
    assert copy is not None
    before = everything(here.file)
    world = World(here.db, now=PAY + 2 * DAY)
    await world.log(BEN, "1h")  # after the copy
    await here.db.close()

    here.file.write_bytes(b"the disk is broken" * 5000)
    said: list[str] = []
    assert await check.run(here.settings, say=said.append) == 78
    assert copies.restore(here.settings, copy) == 0
    assert "restored from" in capsys.readouterr().out
    assert everything(here.file) == before

    said.clear()
    assert await check.run(here.settings, say=said.append) == 0, said
    assert "all is well" in said

    async with started(here) as bot:
        await bot.tick()
        async with bot.db.read() as session:
            verdict = await audit.verify(session, GUILD)
        assert verdict.faults == ()
        assert verdict.length >= len(before["record"])
        after = World(bot.db, now=PAY + 3 * DAY)
        entry = await after.do(hours.log, BEN, duration="1h", note="again")
        assert entry.number == len(before["entries"]) + 1
        assert await after.faults() == []
