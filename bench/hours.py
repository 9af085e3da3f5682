"""What `/hours log` costs from the frame of the gateway to the committed answer.

Run with the others: `make bench`. The same frames go through the real client object of this
program and through those of two bare discord.py bots with the same command, which keep one row and
commit it just as durably before they answer: one through a session of the same libraries, as bots
on them are written, the other with the standard library alone. All answer over real HTTP to a
server in a process of its own. Processor time of all threads; the limit is 1.4 times the bare bot
with the standard library, the other is there to compare with. A machine is not equally fast for a
minute, so they take turns of a quarter of a second, each in a process of its own, and all begin
again some times: the ratio is the median of those of each time.

At 200 commands a second, 99 of 100 are answered within 15 ms, or three times the measured fsync of
the same folder where that is more.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any

import discord
import orjson
from aiohttp import web
from discord import app_commands
from discord.ext import commands
from discord.gateway import DiscordWebSocket
from discord.webhook.async_ import AsyncWebhookAdapter
from sqlalchemy import BigInteger, event
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from bench.reactions import GUILD, ROLE, THREAD, fsync_ms, plug, prepare, settle
from bot.client import EXTENSIONS, Stipend, create_bot
from bot.settings import Settings
from storage.tables import Entry

WARM, FRAMES, A_SECOND = 40, 50, 200
TURNS, TIMES = 8, 7
LIMIT, LIMIT_MS = 1.4, 15.0
SPAWN = multiprocessing.get_context("spawn")
HELPER = 100


def frame(number: int) -> str:
    """Return one `/hours log duration:1m note:...` as the gateway sends it."""
    moment = discord.utils.time_snowflake(discord.utils.utcnow()) + number
    return orjson.dumps(
        {
            "t": "INTERACTION_CREATE", "s": number + 1, "op": 0,
            "d": {
                "version": 1, "type": 2, "token": f"token{number}", "application_id": "2",
                "id": str(moment), "locale": "en-US", "guild_locale": "en-US",
                "guild_id": str(GUILD), "channel_id": str(THREAD), "context": 0,
                "authorizing_integration_owners": {"0": str(GUILD)}, "entitlements": [],
                "app_permissions": "2147483647", "attachment_size_limit": 10_485_760,
                "channel": {
                    "id": str(THREAD), "type": 0, "name": "support", "permissions": "0",
                    "position": 0, "nsfw": False, "parent_id": None, "flags": 0,
                },
                "guild": {"id": str(GUILD), "locale": "en-US", "features": []},
                "member": {
                    "user": {
                        "username": "helper", "id": str(HELPER), "global_name": "Helper",
                        "discriminator": "0", "avatar": None, "public_flags": 0,
                    },
                    "roles": [str(ROLE)], "permissions": "0", "joined_at":
                    "2024-05-01T12:00:00.000000+00:00", "deaf": False, "mute": False, "flags": 0,
                    "nick": None, "avatar": None, "pending": False,
                },
                "data": {
                    "id": "77", "name": "hours", "type": 1,
                    "options": [
                        {
                            "name": "log", "type": 1,
                            "options": [
                                {"name": "duration", "type": 3, "value": "1m"},
                                {"name": "note", "type": 3, "value": f"helped with sync {number}"},
                            ],
                        }
                    ],
                },
            },
        }
    ).decode()  # fmt: skip


def serve(pipe: Connection) -> None:
    """Answer every request as Discord answers a response to an interaction."""

    async def respond(request: web.Request) -> web.Response:
        await request.read()
        kind = {"Content-Type": "application/json"}  # exactly, as Discord has it
        if request.method == "PATCH":  # who is too late for the answer changes its promise
            return web.Response(body=orjson.dumps(_message("1")), headers=kind)
        if "with_response" in request.query_string:
            number = str(discord.utils.time_snowflake(discord.utils.utcnow()))
            told = {
                "interaction": {"id": number, "type": 2},
                "resource": {"type": 4, "message": _message(number)},
            }
            return web.Response(body=orjson.dumps(told), headers=kind)
        return web.Response(status=204)

    async def run() -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", respond)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        pipe.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(run())


def _message(number: str) -> dict[str, Any]:
    return {
        "id": number, "channel_id": str(THREAD), "type": 20, "content": "", "embeds": [],
        "attachments": [], "mentions": [], "mention_roles": [], "mention_everyone": False,
        "tts": False, "pinned": False, "timestamp": "2026-01-01T00:00:00+00:00", "flags": 64,
        "edited_timestamp": None, "components": [],
        "author": {"id": "2", "username": "Stipend", "discriminator": "0", "avatar": None},
    }  # fmt: skip


class OneCommand(commands.Bot):
    """A bot with one command that keeps one row."""

    keep: Callable[[int, int, str], Awaitable[None]]
    """Commits it."""

    def __init__(self) -> None:
        super().__init__("!", intents=discord.Intents(guilds=True), max_messages=None)
        group = app_commands.Group(name="hours", description="Log the time you helped")

        @group.command(name="log", description="Log time you helped")
        async def log(interaction: discord.Interaction, duration: str, note: str) -> None:
            await self.keep(interaction.user.id, int(duration.rstrip("m")), note)
            await interaction.response.send_message("1 min logged", ephemeral=True)

        self.tree.add_command(group)


class Plain(OneCommand):
    """One that keeps it with the standard library, in a thread."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.lane = ThreadPoolExecutor(1)
        self.rows = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.rows.execute("PRAGMA synchronous = FULL")
        self.rows.execute("PRAGMA journal_mode = TRUNCATE")
        self.rows.execute("CREATE TABLE entries (id INTEGER PRIMARY KEY, user, minutes, note)")

    async def keep(self, user: int, minutes: int, note: str) -> None:
        """Commit one row."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self.lane, self._insert, (user, minutes, note))

    def _insert(self, row: tuple[int, int, str]) -> None:
        self.rows.execute("BEGIN IMMEDIATE")
        self.rows.execute("INSERT INTO entries (user, minutes, note) VALUES (?, ?, ?)", row)
        self.rows.execute("COMMIT")


class Usual(OneCommand):
    """One that keeps it through a session."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        engine = create_async_engine(f"sqlite+aiosqlite:///{path}")
        event.listen(engine.sync_engine, "connect", self._prepare)
        self.sessions = async_sessionmaker(engine)
        self.engine = engine

    @staticmethod
    def _prepare(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA journal_mode = TRUNCATE")

    async def started(self) -> None:
        """Make the table."""
        async with self.engine.begin() as connection:
            await connection.run_sync(Rows.metadata.create_all)

    async def keep(self, user: int, minutes: int, note: str) -> None:
        """Commit one row."""
        async with self.sessions.begin() as session:
            session.add(Kept(user=user, minutes=minutes, note=note))


class Rows(DeclarativeBase):
    """The one table of the usual bot."""


class Kept(Rows):
    """One row of it."""

    __tablename__ = "entries"

    id: Mapped[int] = mapped_column(primary_key=True)
    user: Mapped[int] = mapped_column(BigInteger)
    minutes: Mapped[int]
    note: Mapped[str]


async def feed(ws: DiscordWebSocket, burst: list[str], pace: float) -> tuple[float, list[float]]:
    """Hand the frames over at a pace; return processor time and milliseconds to each answer."""
    answered: dict[int, float] = {}
    received: dict[int, float] = {}
    done = asyncio.Event()
    request = AsyncWebhookAdapter.request

    async def timed(self: AsyncWebhookAdapter, route: Any, *args: Any, **options: Any) -> Any:
        result = await request(self, route, *args, **options)
        answered[int(route.webhook_id)] = time.perf_counter()
        if len(answered) == len(burst):
            done.set()
        return result

    AsyncWebhookAdapter.request = timed  # type: ignore[method-assign]
    ids = [int(orjson.loads(text)["d"]["id"]) for text in burst]
    gc.collect()
    spent = time.process_time()
    begun = time.perf_counter()
    for number, text in enumerate(burst):
        ahead = begun + number * pace - time.perf_counter()
        if ahead > 0:
            await asyncio.sleep(ahead)
        received[ids[number]] = time.perf_counter()
        await ws.received_message(text)
        await asyncio.sleep(0)
    await asyncio.wait_for(done.wait(), 60)
    spent = time.process_time() - spent
    AsyncWebhookAdapter.request = request  # type: ignore[method-assign]
    return spent, [(answered[one] - received[one]) * 1000 for one in ids]


async def run(build: Callable[[Path], Awaitable[commands.Bot]], turns: Connection) -> None:
    """Measure one bot in a folder of its own, turn by turn for as long as it is told to go on."""
    with tempfile.TemporaryDirectory() as name:
        bot = await build(Path(name))
        ws = plug(bot)
        bot.http._HTTPClient__session = discord.http.aiohttp.ClientSession()  # type: ignore[attr-defined]
        bot.http.token = ""
        bot._connection.application_id = 2  # type: ignore[attr-defined]
        start = getattr(bot, "started", None)
        if start is not None:
            await start()
        await feed(ws, [frame(number) for number in range(WARM)], 1 / A_SECOND)
        settle()
        count = WARM
        turns.send(None)
        while turns.recv():  # nothing else goes on meanwhile
            burst = [frame(count + number) for number in range(FRAMES)]
            count += FRAMES
            turns.send(await feed(ws, burst, 1 / A_SECOND))
        if isinstance(bot, Stipend):
            async with bot.db.read() as session:
                rows = len((await session.scalars(discord_entries())).all())
            assert rows == count, rows
            await bot.db.close()
        if isinstance(bot, Usual):
            await bot.engine.dispose()
        await bot.http._HTTPClient__session.close()  # type: ignore[attr-defined]
        turns.send(None)


def discord_entries() -> Any:
    """Select every entry."""
    from sqlalchemy import select  # noqa: PLC0415 - only here

    return select(Entry)


async def plain(folder: Path) -> commands.Bot:
    """Build the bare bot with the standard library."""
    return Plain(folder / "plain.db")


async def usual(folder: Path) -> commands.Bot:
    """Build the bare bot on the same libraries."""
    return Usual(folder / "usual.db")


async def complete(folder: Path) -> commands.Bot:
    """Build Stipend with an open round that has room for the entries."""
    settings = Settings(database_url=f"sqlite+aiosqlite:///{folder / 'bench.db'}")
    bot = create_bot(settings, schedule=False)
    assert isinstance(bot, Stipend)

    async def started() -> None:
        await bot.db.open(now=bot.clock())
        await prepare(bot)
        for extension in EXTENSIONS:
            await bot.load_extension(extension)
        async with bot.db.write() as session:
            from sqlalchemy import update  # noqa: PLC0415

            from storage.tables import Round  # noqa: PLC0415

            since = discord.utils.utcnow().replace(year=2025)
            await session.execute(update(Round).values(work_since=since))

    async def deliver(_guild_id: int) -> dict[str, str]:
        return {}  # the card comes after the answer

    bot.started = started  # type: ignore[attr-defined]
    bot.deliver = deliver  # type: ignore[method-assign,assignment]
    return bot


class Turns:
    """A bot in a process of its own, which waits for its turns; what they cost together."""

    def __init__(self, build: Callable[[Path], Awaitable[commands.Bot]], base: str) -> None:
        self._turns, theirs = multiprocessing.Pipe()
        self._process = SPAWN.Process(target=_take, args=(build, base, theirs), daemon=True)
        self._process.start()
        theirs.close()  # so that its end is noticed
        self._turns.recv()
        self.seconds = 0.0
        self.times: list[float] = []

    def take(self) -> None:
        """Let it take one."""
        self._turns.send(True)
        seconds, times = self._turns.recv()
        self.seconds += seconds
        self.times += times

    def end(self) -> None:
        """Let it look at what it kept, and end."""
        self._turns.send(False)
        self._turns.recv()
        self._process.join()


def _take(build: Callable[[Path], Awaitable[commands.Bot]], base: str, turns: Connection) -> None:
    discord.http.Route.BASE = base
    asyncio.run(run(build, turns))


def time_through(base: str) -> list[Turns]:
    """Measure all bots once, in turn."""
    bots = [Turns(build, base) for build in (plain, usual, complete)]
    for _ in range(TURNS):
        for bot in bots:
            bot.take()
    for bot in bots:
        bot.end()
    return bots


def main() -> None:
    """Print one row of a table; fail above the limit."""
    ours, theirs = multiprocessing.Pipe()
    server = SPAWN.Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    base = f"http://127.0.0.1:{ours.recv()}/api/v10"
    found = [time_through(base) for _ in range(TIMES)]
    server.kill()
    with tempfile.TemporaryDirectory() as name:
        most_ms = max(LIMIT_MS, 3 * fsync_ms(Path(name)))
    floor, usual_one, spent = (
        median(bots[number].seconds for bots in found) / TURNS / FRAMES for number in range(3)
    )
    ratio, to_usual = (
        median(bots[2].seconds / bots[other].seconds for bots in found) for other in range(2)
    )
    times = sorted(time for bots in found for time in bots[2].times)
    p99 = times[len(times) * 99 // 100]
    is_sound = ratio <= LIMIT and p99 <= most_ms
    verdict = f"within {LIMIT}" if is_sound else f"ABOVE {LIMIT}"
    print(
        "| ratio | verdict | Stipend | bare bot | p99 | limit | bare bot, same libraries: ratio |"
    )
    print("|---|---|---|---|---|---|---|")
    print(
        f"| {ratio:.2f} | {verdict} | {spent * 1e3:.2f} ms | {floor * 1e3:.2f} ms | {p99:.1f} ms | "
        f"{most_ms:.1f} ms | {usual_one * 1e3:.2f} ms: {to_usual:.2f} |"
    )
    raise SystemExit(not is_sound)


if __name__ == "__main__":
    main()
