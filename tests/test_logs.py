"""What the program writes down of itself: nothing of it is a secret, whatever went wrong."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
import sqlite3
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from bot import logs
from bot.__main__ import main
from bot.settings import JSON, LOG_FORMATS, TEXT, Settings
from storage.database import Database
from tests.children import environment
from tests.wire.fake_discord import OWNER, SUPPORT, FakeDiscord

ROOT = Path(__file__).parents[1]
TOKEN = "MTExMTExMTExMTExMTExMTEx.Canary.tokentokentokentokentoken12345"
PASSWORD = "canary/pass w\"ord'é\\"
DSN = "postgresql+asyncpg://stipend:canary%2Fpass%20w%22ord%27%C3%A9%5C@db.example/stipend"
INTERACTION = "aW50ZXJhY3Rpb246MTIz_canary-interaction"
NOTE = "canary of somebody"
OTHER_TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4OQ.GaBcDe.another_token_of_somebody_else"

log = logging.getLogger("tests.logs")


class Written:
    """What is logged, as standard error gets it."""

    def __init__(self, settings: Settings) -> None:
        root = logging.getLogger()
        before, self.level = list(root.handlers), root.level
        self.redact = logs.configure(settings)
        (self.output,) = [each for each in root.handlers if each not in before]
        assert isinstance(self.output, logs.Output)
        self.stream = io.StringIO()
        self.output.setStream(self.stream)

    def close(self) -> None:
        logging.getLogger().removeHandler(self.output)
        logging.getLogger().setLevel(self.level)

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def lines(self) -> list[dict[str, str]]:
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
def written(request: pytest.FixtureRequest) -> Iterator[Written]:
    """What is logged at DEBUG, in the format that the test asks for."""
    levels = {name: logging.getLogger(name).level for name in logs.QUIET}
    form = getattr(request, "param", JSON)
    made = Written(
        Settings(discord_token=TOKEN, database_url=DSN, log_level="debug", log_format=form)
    )
    yield made
    made.close()
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


both = pytest.mark.parametrize("written", LOG_FORMATS, indirect=True)

SECRETS = (
    TOKEN,
    f"Authorization: Bot {TOKEN}",
    repr({"token": TOKEN}),
    f"DISCORD_TOKEN={TOKEN}",
    OTHER_TOKEN,
    DSN,
    PASSWORD,
    repr({"password": PASSWORD}),
    json.dumps({"password": PASSWORD}),
    f"https://discord.com/api/v10/webhooks/123/{INTERACTION}/messages/@original",
    f"https://discord.com/api/v10/webhooks/123/{INTERACTION}",
    f"https://discord.com/api/v10/webhooks/123/{INTERACTION}?wait=true",
    f"POST /interactions/123/{INTERACTION}/callback",
    repr({"id": "123", "token": INTERACTION, "version": 1}),
    json.dumps({"id": "123", "token": INTERACTION}),
    json.dumps(json.dumps({"token": INTERACTION})),
    "postgresql://somebody:canary-of-another@elsewhere/x",
    "postgresql://elsewhere/x?user=somebody&password=canary-of-another",
)


def require_no_canary(text: str) -> None:
    canaries = ("canary", "tokentoken", "another_token", "pass w", "%2fpass")
    found = [line for line in text.splitlines() if any(each in line.lower() for each in canaries)]
    assert found == []


def refuse(secret: str) -> None:
    raise ConnectionError(secret)


def fail(secret: str) -> None:
    try:
        refuse(secret)
    except ConnectionError as error:
        raise RuntimeError(f"after {secret}") from error


@both
@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_hidden_wherever_it_stands(written: Written, secret: str) -> None:
    logger = logging.getLogger("bot.somewhere")
    logger.info("said %s in %d", secret, 3)
    logger.info(f"said {secret} itself")  # noqa: G004 - as libraries do
    logger.warning("in a mapping: %(secret)s", {"secret": secret})
    logger.info("in a list: %s", [secret])
    try:
        fail(secret)
    except RuntimeError:
        logger.exception("failed")
    logger.debug("below", stack_info=True)
    assert "RuntimeError: after" in written.text
    assert "in a mapping" in written.text
    assert written.text.count(logs.HIDDEN) >= 6
    require_no_canary(written.text)


def test_what_is_no_secret_stays(written: Written) -> None:
    said = (
        "server 222222222222222222: act close of round 7, late; see "
        "https://discord.com/channels/1/2/3, post 5 (card) waits: v1.2.3, 2026-03-30T00:00:00"
    )
    logging.getLogger("bot").info("%s", said)
    assert written.lines[0]["message"] == said


def test_a_short_password_is_hidden_as_a_word_only() -> None:
    redact = logs.redaction(Settings(database_url="postgresql://stipend:post@h/x"))
    assert redact("password 'post' for post 5") == "password '[hidden]' for [hidden] 5"
    assert redact("posted") == "posted"
    assert logs.redaction(Settings())("nothing: to hide") == "nothing: to hide"


def test_settings_show_no_secret() -> None:
    require_no_canary(repr(Settings(discord_token=TOKEN, database_url=DSN)))


# ---------------------------------------------------------------- the two formats


def test_a_line_of_json_says_when_what_and_which_incident(written: Written) -> None:
    try:
        fail("all")
    except RuntimeError:
        log.exception("incident %s: tick of server %d", "0123abcd", 5)
    log.info("two\nlines, %s", "ünïcödé")
    first, second = written.lines
    assert set(first) == {"time", "level", "logger", "message", "exception", "incident"}
    assert first["level"] == "ERROR"
    assert first["logger"] == "tests.logs"
    assert first["message"] == "incident 0123abcd: tick of server 5"
    assert first["incident"] == "0123abcd"
    assert first["exception"].startswith("Traceback (most recent call last):\n")
    assert first["exception"].endswith("RuntimeError: after all")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", first["time"])
    assert set(second) == {"time", "level", "logger", "message"}
    assert second["message"] == "two\nlines, ünïcödé"


@pytest.mark.parametrize("written", (TEXT,), indirect=True)
def test_a_readable_line_is_for_people(written: Written) -> None:
    log.warning("post %d waits", 5)
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} WARNING tests.logs: post 5 waits\n", written.text
    )


def test_half_a_character_does_not_cost_the_line(written: Written) -> None:
    # Past the capture of the tests, which cannot hand such a text on to another process.
    words = "name \ud800 of somebody"
    written.output.handle(log.makeRecord(log.name, logging.WARNING, "", 0, words, (), None))
    assert written.lines[0]["message"] == "name ? of somebody"


@both
def test_a_line_that_cannot_be_written_is_not_shown_raw(
    written: Written, capsys: pytest.CaptureFixture[str]
) -> None:
    record = log.makeRecord(log.name, logging.INFO, "", 0, "%d", (TOKEN,), None)
    written.output.handle(record)
    assert "a line could not be written: TypeError" in written.text
    require_no_canary(written.text)
    assert capsys.readouterr().err == ""


def test_nobody_is_troubled_when_nobody_reads_any_more(
    written: Written, capsys: pytest.CaptureFixture[str]
) -> None:
    written.stream.close()
    written.output.handle(log.makeRecord(log.name, logging.INFO, "", 0, "hello", (), None))
    assert capsys.readouterr().err == ""


def test_what_people_write_is_logged_at_no_level(written: Written) -> None:
    for name in ("discord.http", "discord.gateway", "discord.webhook.async_", "aiosqlite.core"):
        logging.getLogger(name).debug("a note of somebody")
    logging.getLogger("sqlalchemy.engine").info("a note of somebody")
    assert written.text == ""


@both
async def test_nor_does_an_error_of_the_database_repeat_it(
    written: Written, tmp_path: Path
) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'stipend.db'}")
    await database.connect()
    try:
        async with database.write() as session:
            await session.execute(text("INSERT INTO nowhere VALUES (:note)"), {"note": NOTE})
    except OperationalError:
        log.exception("incident 0123abcd: a fault")
    await database.close()
    log.error("unique violation\nDETAIL:  Key (note)=(%s) already exists.", NOTE)
    assert "no such table: nowhere" in written.text
    require_no_canary(written.text)


# ---------------------------------------------------------------- what nothing catches


@pytest.fixture
def caught(written: Written, monkeypatch: pytest.MonkeyPatch) -> Iterator[Written]:
    """What is logged, also of errors that nothing catches."""
    for owner, name in ((sys, "excepthook"), (threading, "excepthook"), (sys, "unraisablehook")):
        monkeypatch.setattr(owner, name, getattr(owner, name))
    with warnings.catch_warnings():
        logs.catch_everything()
        yield written
    logging.captureWarnings(capture=False)


def test_an_error_that_nothing_catches_is_a_line_without_secrets(caught: Written) -> None:
    try:
        fail(TOKEN)
    except RuntimeError as error:
        sys.excepthook(type(error), error, error.__traceback__)
    (line,) = caught.lines
    assert (line["level"], line["message"]) == ("CRITICAL", "the program has a bug")
    require_no_canary(caught.text)


def test_nor_does_one_of_a_thread_or_of_an_end_show_them(caught: Written) -> None:
    thread = threading.Thread(target=fail, args=(TOKEN,))
    thread.start()
    thread.join()

    class Ending:
        def __del__(self) -> None:
            fail(TOKEN)

    Ending()
    assert [line["message"] for line in caught.lines] == ["the program has a bug"] * 2
    require_no_canary(caught.text)


# ---------------------------------------------------------------- the last line


def test_a_token_in_the_place_of_another_setting_is_not_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STIPEND_LOG_FORMAT", TOKEN)
    assert main(["run"]) == 78
    assert capsys.readouterr().err == (
        "stipend: STIPEND_LOG_FORMAT is text or json, not '[hidden]'\n"
    )


def test_a_missing_token_is_a_line_for_a_collector_too(
    written: Written,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STIPEND_LOG_FORMAT", JSON)
    assert main(["run"]) == 78
    (line,) = capsys.readouterr().err.splitlines()
    assert "STIPEND_DISCORD_TOKEN" in json.loads(line)["message"]


# ---------------------------------------------------------------- the program itself

LOUD = """
import runpy, sys
from bot import logs
if sys.argv[1] == "loud":
    logs.QUIET.clear()
sys.argv = ["bot", *sys.argv[2:]]
runpy.run_path(sys.argv[0] and {child!r}, run_name="__main__")
"""


async def start(
    folder: Path, *arguments: str, port: int = 1, loud: bool = True, **settings: str
) -> asyncio.subprocess.Process:
    """Start the program at DEBUG; a loud one holds back nothing but secrets."""
    script = LOUD.format(child=str(ROOT / "tests" / "wire" / "child.py"))
    given = {
        "FAKE_DISCORD_PORT": str(port),
        "STIPEND_DISCORD_TOKEN": TOKEN,
        "STIPEND_DATABASE_URL": f"sqlite+aiosqlite:///{folder / 'stipend.db'}",
        "STIPEND_POST_INTERVAL_MS": "0",
        "STIPEND_TICK_SECONDS": "1",
        "STIPEND_LOG_LEVEL": "DEBUG",
        "PYTHONPATH": str(ROOT),
    }
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        script,
        "loud" if loud else "quiet",
        *arguments,
        cwd=folder,
        env=environment(**{**given, **settings}),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


def tamper(database: Path, statement: str) -> None:
    with closing(sqlite3.connect(database, timeout=10)) as connection:
        connection.execute(statement)


async def use(fake: FakeDiscord, command: str, **options: Any) -> str:
    number = await fake.press(command, options, user=OWNER, at=time.time(), roles=())
    return await fake.answer_to(number)


@pytest.mark.parametrize("form", LOG_FORMATS)
async def test_the_program_at_debug_tells_no_secret(tmp_path: Path, form: str) -> None:
    async with FakeDiscord() as fake:
        process = await start(tmp_path, port=fake.port, STIPEND_LOG_FORMAT=form)
        reading = asyncio.create_task(process.communicate())
        try:
            await fake.until_ready()
            answer = await use(fake, "settings set", name="support_channel", value=str(SUPPORT))
            assert "support_channel" in answer
            tamper(tmp_path / "stipend.db", "ALTER TABLE record RENAME TO elsewhere")
            answer = await use(fake, "settings set", name="cap", value="1000")
            assert "incident" in answer
            tamper(tmp_path / "stipend.db", "ALTER TABLE elsewhere RENAME TO record")
        finally:
            process.terminate()
            out, err = await asyncio.wait_for(reading, 30)
        assert process.returncode == 0
    told = (out + err).decode()
    assert "Traceback" in told  # the fault is told as a whole
    assert re.search(r"interactions/\d+/\[hidden\]", told)  # and so is what carries tokens
    assert "INTERACTION_CREATE" in told
    assert re.search(r"token\d{10,}", told) is None
    require_no_canary(told)
    if form == JSON:
        lines = [json.loads(line) for line in told.splitlines()]
        (fault,) = [line for line in lines if line.get("incident")]
        assert fault["incident"] in answer
        assert "no such table" in fault["exception"]


SECRET_URL = "://stipend:canary-password@127.0.0.1"


@pytest.mark.parametrize("form", LOG_FORMATS)
@pytest.mark.parametrize(
    "url", (f"{SECRET_URL}:1/x", "://127.0.0.1:1/x?user=a&password=canary-password")
)
async def test_a_database_that_cannot_be_had_is_told_without_its_password(
    tmp_path: Path, url: str, form: str
) -> None:
    process = await start(
        tmp_path,
        loud=False,
        STIPEND_DATABASE_URL=f"postgresql+asyncpg{url}",
        STIPEND_LOG_FORMAT=form,
    )
    out, err = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode in {75, 78}
    told = (out + err).decode()
    assert "Traceback" not in told
    require_no_canary(told)
    last = told.splitlines()[-1]
    if form == JSON:
        assert all(json.loads(line)["time"] for line in told.splitlines())
        assert json.loads(last)["level"] == "CRITICAL"
        assert json.loads(last)["message"].startswith("database postgresql+asyncpg://")
    else:
        assert last.startswith("stipend: database postgresql+asyncpg://")


@pytest.mark.parametrize(
    "url",
    (
        f"postgresql{SECRET_URL}:port/x",
        f"postgresql{SECRET_URL}@127.0.0.1/x",
        f"my+none{SECRET_URL}/x",
    ),
)
def test_nor_is_it_told_of_an_address_that_cannot_be_read(
    written: Written,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    url: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STIPEND_DATABASE_URL", url)
    assert main(["backup", "copy.db"]) == 78
    told = capsys.readouterr().err
    assert told
    require_no_canary(told)
