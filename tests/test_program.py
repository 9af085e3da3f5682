"""The program as an operator starts it: child processes, exit codes, one line for each refusal."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from bot import __version__
from bot.domain.canonical import sha256
from bot.domain.errors import Kept
from bot.domain.people import Actor, Person
from bot.services import counting, hours, payments, roster, rounds, settings, settlement
from bot.settings import ConfigurationError, Settings
from storage import policy as stored
from storage.database import Database, verify_file
from storage.express import Through
from tests.children import environment

ROOT = Path(__file__).parents[1]
SOUND, BAD, CONFIGURATION = 0, 1, 78
NOTHING_KNOWN = ("DISCORD_TOKEN", "DATABASE_URL")
APPLICATION = 123456789012345678
TOKEN = f"{base64.b64encode(str(APPLICATION).encode()).decode().rstrip('=')}.AAAAAA.secret"

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Start `python -m bot` with these arguments and settings, in a folder of its own."""

    def start(*arguments: str | Path, **configured: str) -> subprocess.CompletedProcess[str]:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name not in NOTHING_KNOWN and not name.startswith("STIPEND_")
        }
        return subprocess.run(  # noqa: PLW1510 - the exit code is what is tested
            [sys.executable, "-m", "bot", *map(str, arguments)],
            cwd=tmp_path,
            env={**inherited, "PYTHONPATH": str(ROOT), **configured},
            capture_output=True,
            text=True,
            timeout=60,
        )

    return start


def one_line(done: subprocess.CompletedProcess[str], code: int = CONFIGURATION) -> str:
    """The single line on standard error with which the program ended."""
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("stipend: ")
    return done.stderr


# ---------------------------------------------------------------- a quarter, as it is stored

GUILD, COMMITTEE_ROLE, CHANNEL = 77, "100000000000000001", "100000000000000002"
START = datetime(2026, 1, 10, 12, tzinfo=UTC)
ADA, BEN, CAT, CHAIR, SECOND = 11, 22, 33, 91, 92
_INTERACTIONS = count(1)


def actor(user: int, now: datetime, *, admin: bool = False) -> Actor:
    roles = frozenset({int(COMMITTEE_ROLE)} if user in {CHAIR, SECOND} else ())
    return Actor(GUILD, user, f"user {user}", roles, admin, now, now, next(_INTERACTIONS))


async def play_a_quarter(path: Path) -> dict[str, Any]:
    """Store a round from its opening to its payments and return its bundle."""
    db = Database(f"sqlite+aiosqlite:///{path}", keep=(Kept,))
    await db.open(now=START)
    values = {
        "support_channel": CHANNEL,
        "committee_channel": CHANNEL,
        "committee_role": COMMITTEE_ROLE,
        "currency": "USD",
        "cap": "1000",
        "hourly_rate": "5",
        "admission": "open",
    }
    end = datetime(2026, 4, 2, 9, tzinfo=UTC)
    async with db.write() as session:
        await settings.change(session, by=actor(1, START, admin=True), values=values)
        await rounds.open_by_hand(session, by=actor(CHAIR, START))
        for user in (ADA, BEN, CAT):
            await roster.join(session, by=actor(user, START))
    for day, (user, duration) in enumerate(
        ((ADA, "130h"), (BEN, "47.5h"), (CAT, "61h 15m"), (ADA, "1h"), (BEN, "2h")), 1
    ):
        async with db.write() as session:
            by = actor(user, START + timedelta(days=day * 10))
            await hours.log(Through(session), by=by, duration=duration, note="answered questions")
    async with db.write() as session:
        late = START + timedelta(days=60)
        await hours.withdraw(session, by=actor(ADA, late), number="4")
        await hours.edit(session, by=actor(BEN, late), number="5", duration="1h")
    async with db.write() as session:
        while await rounds.advance(session, GUILD, now=end, stop_at_close=True):
            for round_ in await counting.waiting(session, GUILD):
                await counting.count(session, round_, now=end)
        # Between the close and the publication: Cat does without, Ada's line is adjusted.
        await roster.pay(session, by=actor(CAT, end), wanted=False)
        await settlement.adjust(
            session, by=actor(SECOND, end), person=Person(ADA, "Ada"), reason="slow", minutes=-60
        )
        await settlement.approve(session, by=actor(CHAIR, end))
        await settlement.publish(session, by=actor(CHAIR, end))
        await payments.record(session, by=actor(CHAIR, end), reference="0xaa", user_id=ADA)
        await payments.record(session, by=actor(CHAIR, end), reference="0xbb", user_id=BEN)
        await payments.correct(
            session, by=actor(CHAIR, end), reference="0xbb", reason="sent to nobody"
        )
        await payments.correct(session, by=actor(SECOND, end), reference="0xbb", reason="yes")
    async with db.read() as session:
        published = await settlement.show(session, guild_id=GUILD, label=None)
    await db.close()
    document: dict[str, Any] = json.loads(json.dumps(published.document))
    return document


@pytest.fixture(scope="module")
def quarter(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    path = tmp_path_factory.mktemp("quarter") / "stipend.db"
    return path, asyncio.run(play_a_quarter(path))


def written(path: Path, document: object) -> Path:
    path.write_text(json.dumps(document, indent=2), encoding="utf-8")
    return path


# ---------------------------------------------------------------- verify


def test_what_the_bot_published_verifies(
    run: Run, quarter: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    document = quarter[1]
    assert [line["status"] for line in document["lines"]] == ["paid", "due", "waived"]
    done = run("verify", written(tmp_path / "bundle.json", document))
    assert (done.returncode, done.stderr) == (SOUND, "")
    assert (
        "bundle.json: sound. Round 2026-Q1, version 1: 3 lines, total 1000.00 USD." in done.stdout
    )
    assert document["statement_sha256"] in done.stdout


def test_a_flipped_digit_is_found_and_named_also_under_a_new_hash(
    run: Run, quarter: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    document = json.loads(json.dumps(quarter[1]))
    document["inputs"]["entries"][1]["minutes"] += 1
    del document["sha256"]
    document["sha256"] = sha256(document)
    done = run("verify", written(tmp_path / "bundle.json", document))
    assert (done.returncode, done.stderr) == (BAD, "")
    assert "bundle.json: NOT SOUND" in done.stdout
    assert "- entry 2: the bundle says ('22', 2851), the record ('22', 2850)" in done.stdout
    assert "- line 22: minutes says 2910, recomputed 2911" in done.stdout


@pytest.mark.parametrize(
    ("text", "told"),
    (
        ("not json", "not a statement bundle"),
        ("", "not a statement bundle"),
        ("[" * 100_000, "not a statement bundle"),
        ('{"stipend": 1, "total": "1.00", "total": "2.00"}', "not one value each for total"),
        ("\udcff", "not a statement bundle"),
    ),
    ids=("words", "nothing", "depth", "twice", "bytes"),
)
def test_what_cannot_be_read_is_told_in_one_line(
    run: Run, tmp_path: Path, text: str, told: str
) -> None:
    file = tmp_path / "bundle.json"
    file.write_text(text, encoding="utf-8", errors="surrogateescape")
    line = one_line(run("verify", file))
    assert "bundle.json" in line
    assert told in line


def test_a_bundle_that_is_not_there_or_not_one_is_told(run: Run, tmp_path: Path) -> None:
    assert "missing.json" in one_line(run("verify", "missing.json"))
    done = run("verify", written(tmp_path / "list.json", [1, 2]))
    assert done.returncode == BAD
    assert "this is not a bundle" in done.stdout


# ---------------------------------------------------------------- what a start loads

START_AND_TICK = """
import asyncio, sys
from bot.client import EXTENSIONS, create_bot
from bot.settings import Settings

async def main():
    bot = create_bot(Settings(database_url=sys.argv[1]), schedule=False)
    await bot._async_setup_hook()
    await bot.db.open(now=bot.clock())
    await bot.reactions.recover()
    for extension in EXTENSIONS:
        await bot.load_extension(extension)
    await bot.tick()
    print(*sorted({"sqlalchemy.orm", "sqlalchemy.ext.asyncio", "aiosqlite"} & set(sys.modules)))
    async with bot.db.read():
        print("sqlalchemy.orm" in sys.modules)
    await bot.db.close()

asyncio.run(main())
"""


def test_a_start_and_a_tick_with_nothing_to_do_load_no_sessions(tmp_path: Path) -> None:
    path = tmp_path / "stipend.db"
    set_meta(path, "known")  # migrated: a migration needs a session
    done = subprocess.run(
        [sys.executable, "-c", START_AND_TICK, f"sqlite+aiosqlite:///{path}"],
        env=environment(PYTHONPATH=str(ROOT)), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr, done.returncode) == ("\nTrue\n", "", 0)


# ---------------------------------------------------------------- backup and restore


def set_meta(path: Path, value: str) -> None:
    async def store() -> None:
        db = Database(f"sqlite+aiosqlite:///{path}")
        await db.open(now=START)
        async with db.write() as session:
            await stored.set_meta(Through(session), "greeting", value)
        await db.close()

    asyncio.run(store())


def get_meta(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        (value,) = connection.execute("SELECT value FROM meta WHERE name = 'greeting'").fetchone()
    return str(value)


def test_a_backup_is_restored_and_what_was_there_is_kept(run: Run, tmp_path: Path) -> None:
    path, copy = tmp_path / "stipend.db", tmp_path / "copy.db"
    set_meta(path, "first")
    done = run("backup", copy)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{copy}: a verified copy, {copy.stat().st_size} bytes" in done.stdout

    set_meta(path, "second")
    done = run("restore", copy)
    assert (done.returncode, done.stderr) == (0, "")
    assert get_meta(path) == get_meta(copy) == "first"
    kept = tmp_path / "stipend.db.replaced-1.bak"
    assert f"What was there before is in {kept.name}" in done.stdout
    assert get_meta(kept) == "second"

    # Also once more, and from what was set aside.
    assert run("restore", kept).returncode == 0
    assert get_meta(path) == "second"
    assert get_meta(tmp_path / "stipend.db.replaced-2.bak") == "first"
    assert not list(tmp_path.glob("*.restoring"))


def test_a_backup_is_restored_where_there_was_nothing(run: Run, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    set_meta(copy, "first")
    elsewhere = tmp_path / "elsewhere.db"
    done = run("restore", copy, STIPEND_DATABASE_URL=f"sqlite+aiosqlite:///{elsewhere}")
    assert (done.returncode, done.stderr) == (0, "")
    assert "before" not in done.stdout
    assert get_meta(elsewhere) == "first"


def test_a_database_restored_from_itself_is_still_there(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "stipend.db"
    set_meta(path, "first")
    assert run("restore", path).returncode == 0
    assert get_meta(path) == "first"


def foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE mine (a)")


def noise(path: Path) -> None:
    path.write_bytes(random.Random(3).randbytes(9000))


def cut_off(path: Path) -> None:
    set_meta(path, "whole")
    path.write_bytes(path.read_bytes()[:20_000])


@pytest.mark.parametrize(
    ("make", "told"),
    (
        (foreign, "is no database of Stipend"),
        (noise, "file is not a database"),
        (cut_off, "copy.db"),
        (lambda path: path.mkdir(), "there is no such file"),
        (lambda _: None, "there is no such file"),
    ),
    ids=("foreign", "noise", "cut off", "folder", "missing"),
)
def test_a_foreign_or_damaged_file_is_not_restored(
    run: Run, tmp_path: Path, make: Callable[[Path], None], told: str
) -> None:
    path, copy = tmp_path / "stipend.db", tmp_path / "copy.db"
    set_meta(path, "mine")
    make(copy)
    assert told in one_line(run("restore", copy))
    assert get_meta(path) == "mine"
    beside = {file.name for file in tmp_path.iterdir()} - {"copy.db", "copy.db-journal"}
    assert beside <= {"stipend.db", "stipend.db-journal", "stipend.db.lock"}


def test_a_backup_needs_a_database_and_never_overwrites(run: Run, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    assert "no database at stipend.db" in one_line(run("backup", copy))
    assert not (tmp_path / "stipend.db").exists()
    set_meta(tmp_path / "stipend.db", "mine")
    copy.write_text("mine")
    assert "exists already" in one_line(run("backup", copy))
    assert copy.read_text() == "mine"


@pytest.mark.parametrize("command", ("backup", "restore"))
def test_only_a_file_is_copied(run: Run, tmp_path: Path, command: str) -> None:
    foreign(tmp_path / "file.db")
    memory = "sqlite+aiosqlite:///:memory:"
    assert "SQLite file" in one_line(run(command, "file.db", STIPEND_DATABASE_URL=memory))
    assert "like sqlite+aiosqlite" in one_line(run(command, "file.db", STIPEND_DATABASE_URL="x"))


def test_a_backup_of_a_quarter_holds_its_record(
    run: Run, quarter: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    copy = tmp_path / "copy.db"
    url = f"sqlite+aiosqlite:///{quarter[0]}"
    assert run("backup", copy, STIPEND_DATABASE_URL=url).returncode == 0
    assert verify_file(copy) is not None
    with closing(sqlite3.connect(copy)) as connection:
        heads = connection.execute("SELECT hash FROM record ORDER BY number DESC LIMIT 1")
        assert heads.fetchone()[0] == quarter[1]["record"]["rows"][-1]["hash"]


# ---------------------------------------------------------------- the others


def test_the_invite_asks_for_the_least_permissions(run: Run) -> None:
    done = run("invite", STIPEND_DISCORD_TOKEN=TOKEN)
    assert (done.returncode, done.stderr) == (0, "")
    asked = parse_qs(urlsplit(done.stdout.splitlines()[0]).query)
    assert asked["client_id"] == [str(APPLICATION)]
    assert asked["permissions"] == ["2252126231317568"]
    assert set(asked["scope"][0].replace("+", " ").split()) == {"bot", "applications.commands"}
    assert "secret" not in done.stdout


@pytest.mark.parametrize("token", ("", "no token", "....", "ä.b.c"))
def test_an_invite_without_a_token_is_told_in_one_line(run: Run, token: str) -> None:
    assert "set STIPEND_DISCORD_TOKEN" in one_line(run("invite", STIPEND_DISCORD_TOKEN=token))


def test_without_a_token_the_program_explains_itself_and_offers_the_demo(run: Run) -> None:
    done = run()
    assert (done.returncode, done.stdout) == (CONFIGURATION, "")
    assert "none is configured" in done.stderr
    assert "python -m bot demo" in done.stderr
    assert run("run").stderr == done.stderr


def test_settings_are_read_from_a_file_and_the_environment_goes_first(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "config.env").write_text("STIPEND_TICK_SECONDS=soon\n", encoding="utf-8")
    assert "STIPEND_TICK_SECONDS needs a whole number" in one_line(run("invite"))
    assert run("invite", STIPEND_TICK_SECONDS="5", DISCORD_TOKEN=TOKEN).returncode == 0
    (tmp_path / "config.env").write_text("STIPEND_TOKEN=x\n", encoding="utf-8")
    assert "STIPEND_TOKEN is not a setting" in one_line(run("invite"))


def test_a_log_level_that_is_none_is_told(run: Run) -> None:
    assert "LOUD" in one_line(run("invite", STIPEND_LOG_LEVEL="loud"))


def test_version_and_help(run: Run) -> None:
    assert run("--version").stdout == f"stipend {__version__}\n"
    told = run("--help").stdout
    assert all(word in told for word in ("demo", "check", "backup", "restore", "verify", "invite"))
    assert run("dance").returncode == 2


# ---------------------------------------------------------------- settings of the program


@pytest.mark.parametrize(
    ("environ", "made"),
    (
        ({}, Settings()),
        ({"HOME": "/", "PATH": ""}, Settings()),
        ({"STIPEND_DISCORD_TOKEN": " a.b.c "}, Settings(discord_token="a.b.c")),
        ({"DISCORD_TOKEN": " a.b.c "}, Settings(discord_token="a.b.c")),
        (
            {"DISCORD_TOKEN": "other", "STIPEND_DISCORD_TOKEN": "a.b.c"},
            Settings(discord_token="a.b.c"),
        ),
        ({"DISCORD_TOKEN": "a.b.c", "STIPEND_DISCORD_TOKEN": " "}, Settings(discord_token="a.b.c")),
        ({"DISCORD_TOKEN": "", "DATABASE_URL": " ", "STIPEND_TICK_SECONDS": ""}, Settings()),
        ({"DATABASE_URL": "sqlite+aiosqlite:///a.db"}, Settings(database_url="sqlite+aiosqlite:///a.db")),
        ({"STIPEND_DATABASE_URL": "x"}, Settings(database_url="x")),
        ({"STIPEND_TICK_SECONDS": "60"}, Settings(tick_seconds=60)),
        ({"STIPEND_POST_INTERVAL_MS": "0"}, Settings(post_interval_ms=0)),
        ({"STIPEND_LOG_LEVEL": "debug"}, Settings(log_level="debug")),
        ({"STIPEND_SOURCE_URL": "https://example.org"}, Settings(source_url="https://example.org")),
    ),
)  # fmt: skip
def test_settings_come_from_the_environment(environ: dict[str, str], made: Settings) -> None:
    assert Settings.from_env(environ) == made


@pytest.mark.parametrize(
    "name", ("STIPEND_TOKEN", "STIPEND_DATABASE", "STIPEND_DISCORD_TOKENS", "STIPEND_")
)
def test_an_unknown_setting_is_named_with_the_known_ones(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{name} is not a setting") as refused:
        Settings.from_env({name: "a.secret.value"})
    assert "STIPEND_DISCORD_TOKEN, STIPEND_DATABASE_URL" in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("name", ("STIPEND_TICK_SECONDS", "STIPEND_POST_INTERVAL_MS"))
@pytest.mark.parametrize(
    "text", ("soon", "-1", "1.5", "1e9", "NaN", "+5", "٥", "²", "9" * 8, "5 s")
)
def test_a_setting_that_is_a_number_needs_one(name: str, text: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{name} needs a whole number, not "):
        Settings.from_env({name: text})
