"""A disk that is full and a database that somebody else holds: told honestly, over by itself."""

from __future__ import annotations

import asyncio
import re
import socket
import sqlite3
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from bot.ui.answers import BUSY
from storage import postgres
from storage.express import Runner
from storage.passing import is_busy, may_pass
from tests.databases import held, on_a_file
from tests.services.world import ADA, MINUTE
from tests.wire.fake_discord import OWNER, SERVER, FakeDiscord
from tests.wire.program import Program
from tests.wire.town import Town, a_town, until

INCIDENT = re.compile(r"incident `?[0-9a-f]{8}")
PLENTY = 1 << 30


class Disk:
    """A disk whose size can be set, in pages, for all connections of a bot."""

    def __init__(self, town: Town) -> None:
        self.pages = PLENTY
        self._town = town
        assert town.bot.db._engine is not None
        event.listen(town.bot.db._engine.sync_engine, "begin", self._limit)

    def _limit(self, connection: Connection) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {self.pages}")

    async def fill(self) -> None:
        """Leave no page free."""
        ((count,),) = self._town.rows("PRAGMA page_count")
        assert isinstance(count, int)
        await self.resize(count)

    async def resize(self, pages: int) -> None:
        """Set the size, also for the connection of the express lane."""
        self.pages = pages
        db = self._town.bot.db
        await db.express(_nothing)  # it is there now
        assert db._direct is not None
        limit = f"PRAGMA max_page_count = {pages}"
        await db._lane.done(partial(db._direct._connection.execute, limit))


async def _nothing(_run: Runner) -> None:
    """Write nothing."""


def note(number: int) -> str:
    return f"{number} " + "x" * 900


@on_a_file
async def test_on_a_full_disk_a_command_is_answered_with_an_incident_and_works_again_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_town(tmp_path, monkeypatch) as town:
        await town.tick()
        disk = Disk(town)
        await disk.fill()
        answers: list[str] = []
        for number in range(40):
            answers.append(await town.log(note=note(number)))
            if INCIDENT.search(answers[-1]):
                break
        stored = len([text for text in answers if "logged" in text])
        assert INCIDENT.search(answers[-1]), answers[-1]
        assert town.rows("SELECT count(*) FROM entries") == [(stored,)]
        await town.tick(MINUTE)  # nothing breaks that cannot be stored
        assert town.rows("PRAGMA integrity_check") == [("ok",)]
        await disk.resize(PLENTY)
        assert "logged" in await town.log(note=note(99))
        await town.tick(MINUTE)
        await until(lambda: not town.rows("SELECT 1 FROM posts WHERE state = 'pending'"))
        assert len(town.marks()) == len(set(town.marks()))


@pytest.mark.threads
async def test_a_database_held_for_longer_than_it_is_waited_for_delays_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("storage.database.BUSY_SECONDS", 0.2)
    monkeypatch.setitem(postgres.LIMITS, "lock_timeout", "200ms")
    async with a_town(tmp_path, monkeypatch) as town:
        await town.tick()
        place = town.place
        with held(town.url):
            assert await town.log() == BUSY
            for user in range(5001, 5006):
                await town.fake.react(*place, user)
            await town.tick(MINUTE)
        assert "logged" in await town.log()
        await until(lambda: town.thanked() == {*range(5001, 5006)})
        assert town.rows("SELECT count(*) FROM entries") == [(1,)]
        (line,) = [line for line in caplog.messages if "waited too long" in line]
        assert line.startswith("hours log waited too long for the database: ")


@pytest.mark.threads
async def test_whoever_has_to_wait_for_the_database_is_told_so_before_discord_gives_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.ui.answers.SOON", 0.2)
    async with a_town(tmp_path, monkeypatch) as town:
        await town.tick()
        town.fake.gives_up_after = 1.0
        with held(town.url):
            asking = asyncio.create_task(town.log())
            await asyncio.sleep(1.5)
            assert not asking.done()
        assert "logged" in await asking


@pytest.mark.threads
@pytest.mark.parametrize(
    "kind",
    # A form only reads.
    ("opinion", "confirm", "refused", "fault", pytest.param("form", marks=on_a_file)),
)
async def test_whoever_presses_a_button_meanwhile_is_answered_when_the_database_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr("bot.ui.answers.SOON", 0.2)
    async with a_town(tmp_path, monkeypatch) as town:
        await town.tick()
        await town.log()
        who: dict[str, Any] = {"user": OWNER, "at": town.world.now.timestamp(), "roles": ()}
        for command in ("helper join", "mydata delete"):
            await town.fake.answer_to(await town.fake.press(command, {}, **who))
        await town.tick()
        await town.bot.db.idle()
        pressed, told, answers = {
            "opinion": ("opinion:1:fair", "fair", ["POST"]),
            "confirm": ("confirm:1", "erased", ["PATCH"]),
            "form": ("setup:money", "Press the button once more", ["POST"]),
            "refused": ("opinion:9:fair", "There is no such entry", ["POST"]),
            "fault": ("opinion:1:fair", "Something went wrong", ["POST", "PATCH"]),
        }[kind]
        if kind == "fault":
            monkeypatch.setattr(town.bot, "deliver", fails)
        town.fake.gives_up_after = 1.0
        with held(town.url, from_readers=True) if kind == "form" else held(town.url):
            number = await town.fake.click(pressed, **who)
            await asyncio.sleep(1.5)
            assert town.fake.answers[number] == {}  # put off: the message stays as it is
        await until(lambda: told in (town.fake.answers[number].get("content") or ""))
        said = [(how, path) for how, path, _ in town.fake.journal if f"token{number}" in path]
        assert [how for how, _ in said] == ["POST", *answers]  # once put off, then answered
        assert ("@original" in said[-1][1]) == (kind == "confirm")  # no other message is changed


async def test_a_press_that_is_answered_at_once_is_not_put_off_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("bot.ui.answers.SOON", 0.2)
    async with a_town(tmp_path, monkeypatch) as town:
        town.fake.is_slow_for = 0.5
        at = town.world.now.timestamp()
        number = await town.fake.click("pager:next", user=OWNER, at=at)
        assert "too old to turn" in await town.fake.answer_to(number)
        await asyncio.sleep(1.2)
        said = [how for how, path, _ in town.fake.journal if f"token{number}" in path]
        assert said == ["POST"]
    assert "incident" not in caplog.text


async def fails(_guild_id: int) -> dict[str, str]:
    """Fail after the answer, as no delivery should."""
    raise RuntimeError("a bug")


@pytest.mark.threads
async def test_what_cannot_be_noted_while_the_database_is_held_is_neither_parked_nor_said_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.database.BUSY_SECONDS", 0.2)
    monkeypatch.setitem(postgres.LIMITS, "lock_timeout", "200ms")
    async with a_town(tmp_path, monkeypatch) as town:
        await town.tick()
        await town.world.log(ADA, "1h")
        with ExitStack() as holding:

            def hold(_method: str, _path: str) -> None:
                town.fake.after_accepting = None
                holding.enter_context(held(town.url))

            town.fake.after_accepting = hold
            problems = await town.bot.deliver(SERVER)
            assert list(problems.values()) == ["The database is busy right now; it follows."]
        await town.tick()
        assert town.rows("SELECT DISTINCT state FROM posts") == [("sent",)]
        assert len(town.marks()) == len(set(town.marks()))


@on_a_file
async def test_a_start_on_a_full_disk_ends_with_one_line_and_a_later_one_works(
    tmp_path: Path,
) -> None:
    async with FakeDiscord() as fake:
        program = Program(fake, tmp_path, is_traced=False, FILE_BYTES="20000")
        code, said = await program.run("run")
        lines = [line for line in said.splitlines() if line.startswith("stipend:")]
        assert code == 75, said  # a service manager tries again, slowly
        assert len(lines) == 1, said
        assert "Traceback" not in said
        program = Program(fake, tmp_path, is_traced=False)
        await program.start()
        assert await program.stop() == 0


def _sqlite(code: int) -> DBAPIError:
    error = sqlite3.OperationalError("no")
    error.sqlite_errorcode = code
    return DBAPIError("SELECT 1", {}, error)


@pytest.mark.parametrize(
    ("error", "passes"),
    (
        (_sqlite(sqlite3.SQLITE_BUSY), True),
        (_sqlite(sqlite3.SQLITE_FULL), True),
        (_sqlite(sqlite3.SQLITE_IOERR_WRITE), True),
        (_sqlite(sqlite3.SQLITE_CORRUPT), False),
        (_sqlite(sqlite3.SQLITE_READONLY), False),
        (DBAPIError("SELECT 1", {}, ValueError("no")), False),
        (ConnectionRefusedError(111, "refused"), True),
        (OSError("Multiple exceptions: refused, refused"), True),
        (socket.gaierror(-3, "no name yet"), True),
        (PermissionError(13, "denied"), False),
        (ValueError("no"), False),
    ),
    ids=lambda value: repr(value) if isinstance(value, Exception) else "",
)
def test_what_may_pass_is_tried_again_and_the_rest_is_for_the_operator(
    error: Exception, passes: bool
) -> None:
    assert may_pass(error) == passes


class _ServerError(Exception):
    """What PostgreSQL's driver raises, with the state that it names."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__(sqlstate)
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("error", "busy"),
    (
        (_sqlite(sqlite3.SQLITE_BUSY), True),
        (_sqlite(sqlite3.SQLITE_LOCKED), True),
        (_sqlite(sqlite3.SQLITE_BUSY).orig, True),
        (_sqlite(sqlite3.SQLITE_FULL), False),
        (_sqlite(sqlite3.SQLITE_CORRUPT), False),
        (DBAPIError("SELECT 1", {}, _ServerError("55P03")), True),
        (DBAPIError("SELECT 1", {}, _ServerError("57014")), True),
        (DBAPIError("SELECT 1", {}, _ServerError("57P01")), False),
        (PoolTimeoutError("all connections are in use"), True),
        (ValueError("no"), False),
    ),
    ids=lambda value: repr(value) if isinstance(value, Exception) else "",
)
def test_only_who_waited_in_vain_is_told_that_nothing_was_changed(
    error: Exception, busy: bool
) -> None:
    assert is_busy(error) == busy
