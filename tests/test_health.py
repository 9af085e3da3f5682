"""Watching over a running bot: whether it lives, is ready, and what it counts."""

from __future__ import annotations

import asyncio
import math
import re
import socket
import sqlite3
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import fields
from pathlib import Path
from typing import Any

import aiohttp
import discord
import pytest
import yarl
from prometheus_client.parser import text_string_to_metric_families

from bot import health, monitoring
from bot.client import Stipend, create_bot
from bot.metrics import Metrics, Prometheus, made_for
from bot.monitoring import Page
from bot.settings import ConfigurationError, Settings
from tests.children import environment
from tests.wire.fake_discord import (
    COMMITTEE,
    COMMITTEE_ROLE,
    OWNER,
    SUPPORT,
    FakeDiscord,
    Refused,
)

ROOT = Path(__file__).parents[1]
TOKEN = "MTExMTExMTExMTExMTExMTEx.x.y"
CAROL, HELPER, VOTERS = 555555555555555551, 555555555555555552, range(700, 703)
MESSAGE = 888888888888888881


class Watched:
    """A bot in this process, connected to a fake Discord, and its page."""

    def __init__(self, fake: FakeDiscord, bot: Stipend, page: Page, database: Path) -> None:
        self.fake, self.bot, self.page, self.database = fake, bot, page, database

    async def ask(self, path: str) -> tuple[int, str]:
        """Ask the page; return its status and words."""
        url = f"http://127.0.0.1:{self.page.port}{path}"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return answer.status, await answer.text()

    async def counted(self, name: str, **labels: str) -> float:
        """Return a figure as a monitoring system reads it."""
        status, text = await self.ask("/metrics")
        assert status == 200
        found = {
            (sample.name, *sorted(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
        return float(found[name, *sorted(labels.items())])

    async def use(
        self, command: str, options: dict[str, Any], *, user: int = OWNER, role: int = 0
    ) -> str:
        """Use a command and return its answer."""
        number = await self.fake.press(command, options, user=user, at=time.time(), roles=(role,))
        return await self.fake.answer_to(number)

    async def set(self, **settings: str) -> str:
        """Change settings and return the last answer."""
        for name, value in settings.items():
            answer = await self.use("settings set", {"name": name, "value": value})
        return answer

    def tamper(self, statement: str) -> None:
        """Change the database behind the bot's back."""
        with closing(sqlite3.connect(self.database, timeout=10)) as connection:
            connection.execute(statement)


async def until(met: Callable[[], Awaitable[bool]], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not await met():  # noqa: ASYNC110 - it is heard of over the wire
            await asyncio.sleep(0.05)


@asynccontextmanager
async def watched_bot(
    folder: Path, monkeypatch: pytest.MonkeyPatch, **changed: Any
) -> AsyncIterator[Watched]:
    async with FakeDiscord() as fake:
        gateway = yarl.URL(f"ws://127.0.0.1:{fake.port}/ws")
        monkeypatch.setattr(discord.http.Route, "BASE", f"http://127.0.0.1:{fake.port}/api/v10")
        monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", gateway)
        database = folder / "stipend.db"
        settings = Settings(
            discord_token=TOKEN,
            database_url=f"sqlite+aiosqlite:///{database}",
            post_interval_ms=0,
            health_port=1,
            **changed,
        )
        bot = create_bot(settings, schedule=False)
        assert isinstance(bot, Stipend)
        page = Page()
        await page.open(0)
        running = asyncio.create_task(bot.start(TOKEN))
        try:
            await fake.until_ready()
            await bot.wait_until_ready()
            page.show(bot)
            yield Watched(fake, bot, page, database)
        finally:
            await bot.close()
            await asyncio.gather(running, return_exceptions=True)
            await page.close()


@pytest.fixture
async def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Watched]:
    """A bot whose database is asked anew each time."""
    monkeypatch.setattr(monitoring, "PROBED_AGAIN_SECONDS", -1.0)
    async with watched_bot(tmp_path, monkeypatch) as made:
        yield made


# ---------------------------------------------------------------- ready


async def test_a_bot_is_ready_once_it_is_connected_and_has_done_what_was_due(
    watched: Watched,
) -> None:
    assert await watched.ask("/healthz") == (200, "ok\n")
    assert await watched.ask("/readyz") == (
        503,
        "gateway: ok\ndatabase: ok\ntick: there was none yet\n",
    )
    assert await watched.counted("stipend_ready") == 0
    await watched.bot.tick()
    assert await watched.ask("/readyz") == (200, "gateway: ok\ndatabase: ok\ntick: ok\n")
    assert await watched.counted("stipend_ready") == 1
    assert await watched.counted("stipend_tick_seconds_count") >= 1
    assert 0 <= await watched.counted("stipend_tick_age_seconds") < 30
    assert (await watched.ask("/"))[0] == 404
    assert await watched.counted("stipend_leader") == 1
    watched.bot.metrics.leading(False)
    assert await watched.counted("stipend_leader") == 0


async def test_before_there_is_a_bot_the_program_lives_and_is_not_ready() -> None:
    page = Page()
    await page.open(0)
    asked = Watched(FakeDiscord(), None, page, Path())  # type: ignore[arg-type]
    assert await asked.ask("/healthz") == (200, "ok\n")
    assert await asked.ask("/readyz") == (503, "starting\n")
    assert await asked.ask("/metrics") == (503, "starting\n")
    await page.close()


async def test_a_bot_that_lost_its_connection_is_not_ready_until_it_is_back(
    watched: Watched, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(health_port=watched.page.port)
    assert await asyncio.to_thread(health.ask, settings) == 75
    assert capsys.readouterr().err == "stipend: not ready: tick: there was none yet\n"
    await watched.bot.tick()
    assert await asyncio.to_thread(health.ask, settings) == 0
    assert capsys.readouterr().out == "ready\n"
    assert await watched.counted("stipend_gateway_up") == 1
    assert 0 <= await watched.counted("stipend_gateway_latency_seconds") < 10
    assert await watched.counted("stipend_servers") == 1
    await watched.fake.cut()

    async def is_ready() -> bool:
        return (await watched.ask("/readyz"))[0] == 200

    async def is_not_ready() -> bool:
        return not await is_ready()

    await until(is_not_ready)
    assert (await watched.ask("/readyz"))[1].startswith("gateway: not connected\n")
    assert await watched.counted("stipend_gateway_up") == 0
    watched.fake.is_cut = False
    await until(is_ready)

    await watched.bot.close()
    status, words = await watched.ask("/readyz")
    assert status == 503
    assert "database: closed\n" in words  # nothing is written any more


async def test_a_database_that_takes_no_write_is_not_ready(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    await watched.bot.tick()
    watched.tamper("ALTER TABLE meta RENAME TO elsewhere")
    status, words = await watched.ask("/readyz")
    assert status == 503
    assert "database: takes no write (OperationalError)\n" in words
    errors = await watched.counted("stipend_database_errors_total", error="OperationalError")
    assert errors >= 1
    watched.tamper("ALTER TABLE elsewhere RENAME TO meta")
    assert (await watched.ask("/readyz"))[0] == 200

    monkeypatch.setattr(monitoring, "ANSWER_SECONDS", 0.2)
    with closing(sqlite3.connect(watched.database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        status, words = await watched.ask("/readyz")
        assert (status, "database: a write takes too long\n" in words) == (503, True)
        # One write waits, however often somebody asks.
        assert (await watched.ask("/readyz"))[0] == 503
        other.execute("ROLLBACK")

    async def is_ready() -> bool:
        return (await watched.ask("/readyz"))[0] == 200

    await until(is_ready)

    # An outbox that cannot be read costs no other figure.
    watched.tamper("ALTER TABLE posts RENAME TO posts_elsewhere")
    assert await watched.counted("stipend_gateway_up") == 1
    assert math.isnan(await watched.counted("stipend_outbox_waiting"))

    # What the database said holds for some seconds.
    monkeypatch.setattr(monitoring, "PROBED_AGAIN_SECONDS", 60.0)
    watched.tamper("ALTER TABLE meta RENAME TO elsewhere")
    assert (await watched.ask("/readyz"))[0] == 200


@pytest.mark.parametrize(
    ("tick_seconds", "fresh"), ((15, True), (1, True), (0, False)), ids=("long", "short", "over")
)
async def test_a_bot_that_does_nothing_any_more_is_not_ready(
    monkeypatch: pytest.MonkeyPatch, tick_seconds: int, fresh: bool
) -> None:
    monkeypatch.setattr(monitoring, "LONGEST_TICK_SECONDS", 0.0)
    bot = create_bot(
        Settings(
            database_url="sqlite+aiosqlite:///:memory:", health_port=1, tick_seconds=tick_seconds
        )
    )
    assert isinstance(bot, Stipend)
    assert bot.health is not None
    with bot.metrics.tick():
        pass
    state = await bot.health.state()
    assert state.tick == ("" if fresh else "the last one was 0 s ago")
    assert state.gateway == "not connected"
    assert state.database.startswith("takes no write")  # it was never opened
    await bot.close()


# ---------------------------------------------------------------- counted


async def test_commands_are_counted_by_name_result_and_time(watched: Watched) -> None:
    await watched.set(cap="1000")
    await watched.set(cap="2000")
    assert "accepts" in await watched.set(cap="much")
    watched.tamper("ALTER TABLE record RENAME TO elsewhere")
    assert "incident" in await watched.set(cap="3000")

    async def are_counted() -> bool:
        return await watched.counted("stipend_command_seconds_count", command="settings set") == 4

    await until(are_counted)
    for result, number in (("ok", 2), ("refused", 1), ("incident", 1)):
        counted = await watched.counted(
            "stipend_commands_total", command="settings set", result=result
        )
        assert counted == number
    seconds = await watched.counted("stipend_command_seconds_sum", command="settings set")
    assert 0 < seconds < 60
    errors = await watched.counted("stipend_database_errors_total", error="OperationalError")
    assert errors == 1


async def test_reactions_drift_and_the_outbox_are_counted(watched: Watched) -> None:
    fake, bot = watched.fake, watched.bot
    await watched.set(
        support_channel=str(SUPPORT),
        committee_channel=str(COMMITTEE),
        committee_role=str(COMMITTEE_ROLE),
        cap="1000",
        hourly_rate="5",
    )
    fake.before_accepting = refuse_posts
    assert "is open" in await watched.use("round open", {}, user=CAROL, role=COMMITTEE_ROLE)
    await watched.use("helper add", {"user": HELPER})
    assert await watched.counted("stipend_outbox_waiting") >= 1
    assert 0 < await watched.counted("stipend_outbox_oldest_seconds") < 60
    fake.before_accepting = None
    await bot.tick()
    assert await watched.counted("stipend_outbox_waiting") == 0
    assert await watched.counted("stipend_outbox_updates_waiting") == 0
    assert await watched.counted("stipend_outbox_oldest_seconds") == 0

    with closing(sqlite3.connect(watched.database)) as connection:
        query = (
            "SELECT channel_id, message_id, emoji FROM places JOIN boards ON boards.id = board_id "
            f"WHERE user_id = {HELPER}"
        )
        ((channel, message, emoji),) = connection.execute(query).fetchall()
    await fake.react(channel, message, emoji, VOTERS[0])

    async def is_written() -> bool:
        return await watched.counted("stipend_reactions_total", result="written") == 1

    await until(is_written)
    fake.reactors[message, emoji][0].update(VOTERS[1:])
    bot.reconciler.mark_ready()
    await bot.tick()
    assert await watched.counted("stipend_reconciliation_drift_total", kind="found") == 2
    assert await watched.counted("stipend_reconciliation_drift_total", kind="gone") == 0


def refuse_posts(method: str, path: str) -> None:
    if method == "POST" and path.endswith("/messages"):
        raise Refused(503, 0, "overrun")


def test_two_bots_count_for_themselves() -> None:
    first, second = Prometheus(), Prometheus()
    first.commanded("hours log", "ok", 0.1)
    assert b'command="hours log"' in first.text()[0]
    assert b'command="hours log"' not in second.text()[0]


def test_where_nobody_watches_nothing_is_counted() -> None:
    counts = made_for(0)
    assert type(counts) is Metrics
    counts.commanded("hours log", "ok", 0.1)
    counts.reacted("written", 1)
    counts.drifted(found=1, gone=0)
    counts.database_failed("OperationalError")
    counts.leading(True)
    with counts.tick():
        pass


def test_a_tick_that_fails_is_none() -> None:
    counts = Prometheus()
    with pytest.raises(ZeroDivisionError), counts.tick():
        _ = 1 / 0
    assert counts.tick_age is None


# ---------------------------------------------------------------- health


def test_health_without_a_port_or_a_program_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert health.ask(Settings()) == 78
    assert "STIPEND_HEALTH_PORT is not set" in capsys.readouterr().err
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # bound, but nobody listens
        port = free.getsockname()[1]
        assert health.ask(Settings(health_port=port)) == 75
    told = capsys.readouterr().err
    assert told.startswith(f"stipend: no answer on port {port} (")
    assert told.count("\n") == 1


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Callable[..., Awaitable[Process]]]:
    """Start the program, or a subcommand, with these settings."""
    started: list[Process] = []

    async def make(*command: str, port: int, fake: int = 1) -> Process:
        given = {
            "FAKE_DISCORD_PORT": str(fake),
            "STIPEND_DISCORD_TOKEN": TOKEN,
            "STIPEND_DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path / 'stipend.db'}",
            "STIPEND_TICK_SECONDS": "1",
            "STIPEND_HEALTH_PORT": str(port),
            "PYTHONPATH": str(ROOT),
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(ROOT / "tests" / "wire" / "child.py"),
            *command,
            cwd=tmp_path,
            env=environment(**given),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        started.append(process)
        return process

    yield make
    for process in started:
        if process.returncode is None:
            process.kill()
            await process.communicate()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


async def test_the_program_answers_health_while_it_runs(
    start: Callable[..., Awaitable[Process]],
) -> None:
    port = free_port()
    async with FakeDiscord() as fake:
        program = await start(port=port, fake=fake.port)
        reading = asyncio.create_task(program.communicate())
        await fake.until_ready()

        async def is_ready() -> bool:
            return await asyncio.to_thread(health.ask, Settings(health_port=port)) == 0

        await until(is_ready)
        asking = await start("health", port=port)
        assert (await asking.communicate(), asking.returncode) == ((b"ready\n", b""), 0)
        program.terminate()
        await asyncio.wait_for(reading, 30)
        assert program.returncode == 0


async def test_a_port_that_is_taken_stops_the_program_for_now(
    start: Callable[..., Awaitable[Process]],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        program = await start(port=port)
        _, err = await asyncio.wait_for(program.communicate(), 30)
    assert program.returncode == 75
    assert err.decode().startswith(f"stipend: no page for monitoring on port {port} (")
    assert err.count(b"\n") == 1


async def test_without_a_port_nothing_of_this_is_loaded(tmp_path: Path) -> None:
    script = (
        "import sys, bot.client, bot.supervisor; from bot.settings import Settings\n"
        "bot.client.create_bot(Settings())\n"
        "print(*({'prometheus_client', 'aiohttp.web'} & set(sys.modules)))"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, env=environment(PYTHONPATH=str(ROOT)), cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await process.communicate()
    assert (out.strip(), process.returncode) == (b"", 0)


# ---------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("environ", "told"),
    (
        ({"LOG_FORMAT": "xml"}, "^STIPEND_LOG_FORMAT is text or json, not 'xml'$"),
        ({"HEALTH_PORT": "65536"}, "^STIPEND_HEALTH_PORT is at most 65535$"),
        ({"BACKUP_KEEP": "0"}, "^STIPEND_BACKUP_KEEP is at least 1$"),
        ({"SHARD_IDS": "one"}, "^STIPEND_SHARD_IDS needs numbers such as 0,1$"),
        ({"SHARD_IDS": "0,", "SHARD_COUNT": "2"}, "^STIPEND_SHARD_IDS needs numbers such as 0,1$"),
        ({"SHARD_IDS": "0,1"}, "^STIPEND_SHARD_IDS needs STIPEND_SHARD_COUNT"),
        ({"SHARD_IDS": "2", "SHARD_COUNT": "2"}, "^STIPEND_SHARD_IDS needs STIPEND_SHARD_COUNT"),
    ),
)
def test_a_setting_that_makes_no_sense_is_told(environ: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        Settings.from_env({f"STIPEND_{name}": value for name, value in environ.items()})


def test_settings_of_operation_are_read() -> None:
    environ = {
        "STIPEND_LOG_FORMAT": "json",
        "STIPEND_HEALTH_PORT": "8080",
        "STIPEND_BACKUP_FOLDER": "/backups",
        "STIPEND_BACKUP_KEEP": "30",
        "STIPEND_SHARD_COUNT": "4",
        "STIPEND_SHARD_IDS": "3, 1",
    }
    assert Settings.from_env(environ) == Settings(
        log_format="json",
        health_port=8080,
        backup_folder="/backups",
        backup_keep=30,
        shard_count=4,
        shard_ids="3, 1",
    )
    assert Settings.from_env(environ).shards == (1, 3)
    assert Settings().shards == ()


def test_the_example_names_every_setting() -> None:
    text = (ROOT / "config.example.env").read_text(encoding="utf-8")
    named = set(re.findall(r"^#?STIPEND_([A-Z_]+)=", text, re.MULTILINE))
    assert named == {field.name.upper() for field in fields(Settings)}
