"""How long the event loop stands still while a statement of 10,000 lines is published.

Run with the others: `make bench`. A round with 10,000 helpers, an entry, a row of the record and
three voters each, goes its way in the real client object of this program: the tick closes, counts
and drafts it, commands preview, approve and publish it as the gateway hands them over, and every
message goes with its files over real HTTP to a server in a process of its own. Meanwhile a task
that does nothing wants its turn every 5 ms; how late it gets it is what is measured, and the limit
is 100 ms. The chart is drawn in at most 150 ms, and never in the thread of the loop. Of two runs
the better figure counts: other programs on the machine keep a turn waiting, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import multiprocessing
import sqlite3
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import discord
import orjson
from aiohttp import web
from discord.gateway import DiscordWebSocket

from bench.reactions import plug, settle
from bot.client import EXTENSIONS, UNDER_WAY, Stipend, create_bot
from bot.domain import bundle
from bot.domain.canonical import canonical, spell
from bot.domain.people import Actor
from bot.domain.record import next_row
from bot.services import rounds, settings, settlement
from bot.settings import Settings
from bot.ui import statements
from storage import posts
from storage.tables import Round

LINES, VOTERS, RUNS = 10_000, 3, 2
LIMIT_MS, CHART_MS = 100.0, 150.0
WAKING_MS = 5.0
GUILD, CHANNEL, COMMITTEE, ROLE = (10**18 + number for number in (0, 1, 2, 10))
START = datetime(2026, 1, 10, 12, tzinfo=UTC)
VALUES = {
    "support_channel": f"{CHANNEL}", "committee_channel": f"{COMMITTEE}",
    "committee_role": f"{ROLE}", "currency": "USD", "cap": "1000000", "hourly_rate": "30",
    "split_by": "mixed", "thanks_share": "20", "min_votes": "0",
}  # fmt: skip
CARLA, DAVID = 11, 12
DRAWING = "drawing the chart"


@dataclass
class Pulse:
    """A task that notes how late it gets its turn, by what is done meanwhile, in milliseconds."""

    longest: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    step: str = ""

    async def beat(self) -> None:
        """Want a turn every few milliseconds."""
        while True:
            before = time.perf_counter()
            await asyncio.sleep(WAKING_MS / 1000)
            late = (time.perf_counter() - before) * 1000 - WAKING_MS
            self.longest[self.step] = max(late, self.longest.get(self.step, 0.0))

    async def during(self, step: str, work: Awaitable[object]) -> None:
        """Wait for some work, and note how the loop fares meanwhile."""
        self.step, begun = step, time.perf_counter()
        await work
        await asyncio.sleep(2 * WAKING_MS / 1000)  # the turn that was late, too
        self.seconds[step] = time.perf_counter() - begun
        self.step = ""


def fill(path: Path, round_id: int) -> None:
    """Put helpers into a round, with an entry, its row of the record, and voters each."""
    users = [GUILD + 100 + number for number in range(LINES)]
    with closing(sqlite3.connect(path)) as file, file:
        file.executemany(
            "INSERT INTO people (guild_id, user_id, name) VALUES (?, ?, ?)",
            ((GUILD, user, f"Helper with a name {number}") for number, user in enumerate(users)),
        )
        file.executemany(
            "INSERT INTO entries (guild_id, number, round_id, user_id, actor_id, minutes, note, "
            "category, evidence, at) VALUES (?, ?, ?, ?, ?, ?, 'helped', 'other', '', 0)",
            (
                (GUILD, number + 1, round_id, user, user, _minutes(number))
                for number, user in enumerate(users)
            ),
        )
        file.executemany(
            "INSERT INTO thanks (round_id, helper_id, voter_id, source, origin_id, burst, at, "
            "doubt, note, private) VALUES (?, ?, ?, 1, ?, 0, 0, '', '', 0)",
            (
                (round_id, user, 2 * GUILD + number * 7 + voter, number)
                for number, user in enumerate(users)
                for voter in range(number % (2 * VOTERS + 1))
            ),
        )
        _fill_record(file, round_id, users)


def _minutes(number: int) -> int:
    return 60 + number % 600


def _fill_record(file: sqlite3.Connection, round_id: int, users: list[int]) -> None:
    (label,) = file.execute("SELECT label FROM rounds WHERE id = ?", (round_id,)).fetchone()
    last = file.execute("SELECT number, hash FROM record ORDER BY number DESC LIMIT 1").fetchone()
    rows = []
    for number, user in enumerate(users):
        row = next_row(
            last, at=START, actor=user, action="entry.logged", subject=f"entry:{number + 1}",
            data={
                "user_id": str(user), "minutes": _minutes(number), "category": "other", "date": "",
                "logged_at": spell(START), "round": label,
            },
        )  # fmt: skip
        last = row.number, row.hash
        rows.append((GUILD, *{**row.as_json(), "data": canonical(row.data).decode()}.values()))
    file.executemany(f"INSERT INTO record VALUES ({', '.join('?' * 10)})", rows)
    file.execute("UPDATE rounds SET record_last = ? WHERE id = ?", (last[0], round_id))


def serve(pipe: Connection) -> None:
    """Answer every request as Discord does."""
    numbers = itertools.count(10**18 + 10**6)

    def message(channel_id: str) -> dict[str, Any]:
        return {
            "id": f"{next(numbers)}", "channel_id": channel_id, "type": 0, "content": "",
            "embeds": [], "attachments": [], "mentions": [], "mention_roles": [], "pinned": False,
            "mention_everyone": False, "tts": False, "timestamp": "2026-01-01T00:00:00+00:00",
            "flags": 0, "edited_timestamp": None, "components": [],
            "author": {"id": "2", "username": "Stipend", "discriminator": "0", "avatar": None},
        }  # fmt: skip

    def thread(channel_id: str) -> dict[str, Any]:
        return {
            "id": channel_id, "type": 11, "guild_id": f"{GUILD}", "parent_id": f"{CHANNEL}",
            "owner_id": "2", "name": "Support", "message_count": 0, "member_count": 1,
            "thread_metadata": {
                "archived": False, "auto_archive_duration": 10_080, "locked": False,
                "archive_timestamp": "2026-01-01T00:00:00+00:00",
            },
        }  # fmt: skip

    async def respond(request: web.Request) -> web.Response:
        await request.read()
        parts = request.path.split("/")[3:]
        answer: Any = message(parts[1])
        if request.method == "GET":
            is_message = "messages" in parts
            answer = message(parts[1]) | {"id": parts[-1]} if is_message else thread(parts[1])
        elif parts[-1] == "callback":
            answer = {"interaction": {"id": parts[1], "type": 2}}
        elif request.method == "PUT":
            return web.Response(status=204)
        return web.Response(body=orjson.dumps(answer), headers={"Content-Type": "application/json"})

    async def run() -> None:
        app = web.Application(client_max_size=1 << 28)
        app.router.add_route("*", "/{path:.*}", respond)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        pipe.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(run())


def frame(number: int, user_id: int, now: datetime, name: str, **options: str) -> str:
    """Return a `/payout` command of somebody of the committee as the gateway sends it."""
    return orjson.dumps(
        {
            "t": "INTERACTION_CREATE", "s": number, "op": 0,
            "d": {
                "version": 1, "type": 2, "token": f"token{number}", "application_id": "2",
                "id": f"{discord.utils.time_snowflake(now) + number}", "locale": "en-US",
                "guild_locale": "en-US", "guild_id": f"{GUILD}", "channel_id": f"{COMMITTEE}",
                "context": 0, "authorizing_integration_owners": {"0": f"{GUILD}"},
                "entitlements": [], "app_permissions": "2147483647",
                "attachment_size_limit": 10_485_760,
                "channel": {
                    "id": f"{COMMITTEE}", "type": 0, "name": "committee", "permissions": "0",
                    "position": 0, "nsfw": False, "parent_id": None, "flags": 0,
                },
                "guild": {"id": f"{GUILD}", "locale": "en-US", "features": []},
                "member": {
                    "user": {
                        "username": "member", "id": f"{user_id}", "global_name": "Member",
                        "discriminator": "0", "avatar": None, "public_flags": 0,
                    },
                    "roles": [f"{ROLE}"], "permissions": "32", "joined_at":
                    "2024-05-01T12:00:00.000000+00:00", "deaf": False, "mute": False, "flags": 0,
                    "nick": None, "avatar": None, "pending": False,
                },
                "data": {
                    "id": "77", "name": "payout", "type": 1,
                    "options": [
                        {
                            "name": name, "type": 1,
                            "options": [
                                {"name": option, "type": 3, "value": value}
                                for option, value in options.items()
                            ],
                        }
                    ],
                },
            },
        }
    ).decode()  # fmt: skip


class Season:
    """A bot with a large round, and the ways to move it on."""

    def __init__(self, folder: Path) -> None:
        self.now = START
        url = f"sqlite+aiosqlite:///{folder / 'bench.db'}"
        made = create_bot(Settings(database_url=url), clock=lambda: self.now, schedule=False)
        assert isinstance(made, Stipend)
        self.bot = made
        self.ws: DiscordWebSocket
        self.round_id = 0
        self.faults: list[object] = []
        self._numbers = itertools.count(1)

    async def begin(self) -> None:
        """Open the round, and let everybody help."""
        bot, self.ws = self.bot, plug(self.bot)
        bot.http._HTTPClient__session = discord.http.aiohttp.ClientSession()  # type: ignore[attr-defined]
        bot.http._global_over = asyncio.Event()
        bot.http._global_over.set()
        bot.http.token = ""
        bot._connection.application_id = 2  # type: ignore[attr-defined]

        async def failed(_interaction: object, error: Exception) -> None:
            self.faults.append(error)

        bot.tree.on_error = failed  # type: ignore[method-assign,assignment]
        await bot.db.open(now=self.now)
        for extension in EXTENSIONS:
            await bot.load_extension(extension)
        by = Actor(
            GUILD, CARLA, "Carla", frozenset({ROLE}), manages_server=True, at=START, now=START,
            interaction_id=1,
        )  # fmt: skip
        async with bot.db.write() as session:
            await settings.change(session, by=by, values=VALUES)
            by = Actor(
                GUILD, CARLA, "Carla", frozenset({ROLE}), manages_server=True, at=START,
                now=START, interaction_id=2,
            )  # fmt: skip
            await rounds.open_by_hand(session, by=by)
            self.round_id = (await rounds.named(session, GUILD, None)).id
        await bot.tick()
        assert bot.db.path is not None
        await asyncio.to_thread(fill, bot.db.path, self.round_id)

    async def when(self, name: str) -> None:
        """Let it be a moment after an instant of the round, and do what is due."""
        async with self.bot.db.read() as session:
            round_ = await session.get_one(Round, self.round_id)
            self.now = max(self.now, getattr(round_, name)) + timedelta(minutes=1)
        await self.bot.tick()

    async def press(self, user_id: int, name: str, **options: str) -> None:
        """Let somebody use a command, and wait until it is through."""
        self.now += timedelta(minutes=1)
        number = next(self._numbers)
        await self.ws.received_message(frame(number, user_id, self.now, name, **options))
        await asyncio.sleep(0)
        while tasks := [task for task in asyncio.all_tasks() if _is_command(task)]:
            await asyncio.wait(tasks)

    async def verdict(self) -> list[str]:
        """Return what did not come out as it should."""
        async with self.bot.db.read() as session:
            shown = await settlement.show(session, guild_id=GUILD, label=None)
            waiting = await posts.pending(session, GUILD, after=0)
        wrong = [repr(fault) for fault in self.faults]
        wrong += [f"post {post.name}: {post.problem}" for post in waiting]
        if len(shown.statement.lines) != LINES:
            wrong.append(f"{len(shown.statement.lines)} lines")
        return wrong + bundle.faults(shown.document)[:5]

    async def end(self) -> None:
        """Let go of everything."""
        await self.bot.http._HTTPClient__session.close()  # type: ignore[attr-defined]
        await self.bot.db.close()


def _is_command(task: asyncio.Task[Any]) -> bool:
    return task.get_name().startswith(UNDER_WAY)


def timed_charts(pulse: Pulse, faults: list[object]) -> Callable[[], None]:
    """Note how long each chart takes to draw, and where one is drawn in the loop's thread."""
    draw, loop_thread = statements.chart, threading.get_ident()

    def timed(*args: Any) -> discord.File:
        if threading.get_ident() == loop_thread:
            faults.append("a chart was drawn in the thread of the event loop")
        begun = time.perf_counter()
        drawn = draw(*args)
        took = (time.perf_counter() - begun) * 1000
        pulse.longest[DRAWING] = max(took, pulse.longest.get(DRAWING, 0.0))
        return drawn

    statements.chart = timed
    return lambda: setattr(statements, "chart", draw)


async def measure(folder: Path) -> tuple[dict[str, float], dict[str, float], list[str]]:
    """Return the longest wait of each step, how long the steps took, and what went wrong."""
    season, pulse = Season(folder), Pulse()
    await season.begin()
    settle()
    steps: dict[str, Callable[[], Awaitable[None]]] = {
        "the tick closes and counts": lambda: season.when("close_at"),
        "the tick drafts and posts it": lambda: season.when("compute_at"),
        "`/payout preview`": lambda: season.press(CARLA, "preview"),
        "`/payout approve`": lambda: season.press(CARLA, "approve"),
        "`/payout publish`, and its posts": lambda: season.press(DAVID, "publish"),
        "the next tick": lambda: season.when("published_at"),
        "`/payout show`": lambda: season.press(DAVID, "show"),
        "`/payout export`, as CSV": lambda: season.press(DAVID, "export", format="csv"),
        "`/payout export`, as JSON": lambda: season.press(DAVID, "export", format="json"),
        "`/payout mine`": lambda: season.press(DAVID, "mine"),
    }
    put_back = timed_charts(pulse, season.faults)
    beating = asyncio.create_task(pulse.beat())
    for step, work in steps.items():
        await pulse.during(step, work())
    beating.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await beating
    put_back()
    wrong = await season.verdict()
    await season.end()
    pulse.longest.pop("", None)
    return pulse.longest, pulse.seconds, wrong


def run() -> tuple[dict[str, float], dict[str, float], list[str]]:
    """Measure in a folder of its own."""
    with tempfile.TemporaryDirectory() as name:
        return asyncio.run(measure(Path(name)))


def main() -> None:
    """Print one row for each step; fail above the limits."""
    logging.basicConfig(level=logging.WARNING)
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    discord.http.Route.BASE = f"http://127.0.0.1:{ours.recv()}/api/v10"
    runs = [run() for _ in range(RUNS)]
    server.kill()
    longest = {step: min(each[0][step] for each in runs) for step in runs[0][0]}
    seconds = {step: min(each[1][step] for each in runs) for step in runs[0][1]}
    wrong = [fault for each in runs for fault in each[2]]
    print("| the longest the loop stood still | measured | limit | verdict | the whole took |")
    print("|---|---|---|---|---|")
    is_sound = not wrong
    for step, milliseconds in longest.items():
        limit = CHART_MS if step == DRAWING else LIMIT_MS
        is_sound = is_sound and milliseconds <= limit
        verdict = "within" if milliseconds <= limit else "ABOVE"
        took = f"{seconds[step]:.1f} s" if step in seconds else ""
        print(f"| {step} | {milliseconds:.0f} ms | {limit:.0f} ms | {verdict} | {took} |")
    for fault in wrong:
        print(f"WRONG: {fault}")
    raise SystemExit(not is_sound)


if __name__ == "__main__":
    main()
