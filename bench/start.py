"""What a start costs until READY, and what the idle program keeps in memory.

Run with the others: `make bench`. The program, over a database that exists, and a bare discord.py
bot with a command tree connect to the same small fake Discord, each as a process of its own.
Processor time of the process until it is connected and its commands are registered, at most 2.2
times that of the bare bot; resident memory 3 seconds later, at most 1.7 times. The same with a
server whose round is open, for comparison: looking after it loads what sessions need, which an
idle program does not. Needs Linux.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path

from bench.reactions import prepare
from bot.client import Stipend, create_bot
from bot.settings import Settings
from tests.wire.fake_discord import FakeDiscord
from tests.wire.program import Program

CPU_LIMIT, MEMORY_LIMIT = 2.2, 1.7
IDLE_SECONDS = 3
RUNS = 5


BARE = """
import os, discord, yarl
from discord.ext import commands

port = os.environ["FAKE_DISCORD_PORT"]
discord.http.Route.BASE = f"http://127.0.0.1:{port}/api/v10"
discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(f"ws://127.0.0.1:{port}/ws")

class Bot(commands.Bot):
    async def setup_hook(self):
        await self.tree.sync()

intents = discord.Intents(guilds=True, guild_messages=True, guild_reactions=True)
Bot("!", intents=intents, max_messages=None).run("MTExMTExMTExMTExMTExMTEx.x.y")
"""


OURS = """
import os, discord, yarl
from bot.__main__ import main

port = os.environ["FAKE_DISCORD_PORT"]
discord.http.Route.BASE = f"http://127.0.0.1:{port}/api/v10"
discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(f"ws://127.0.0.1:{port}/ws")
raise SystemExit(main([]))
"""


class Script(Program):
    """A bot as a child process, loaded by nothing but itself."""

    text = OURS

    async def start(self, *command: str, ready: bool = True) -> asyncio.subprocess.Process:  # noqa: ARG002
        """Start it, and wait until it has connected."""
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            self.text,
            cwd=self.folder,
            env=self.environ,
            stderr=asyncio.subprocess.DEVNULL,
        )
        await self.fake.until_ready()
        return self.process


class Bare(Script):
    """The bare bot."""

    text = BARE


def seconds(pid: int) -> float:
    """Return the processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def megabytes(pid: int) -> float:
    """Return the resident memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    (line,) = (line for line in lines if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


async def measure(kind: type[Program], *, with_round: bool = False) -> tuple[float, float]:
    """Start one kind of bot, the second time over the same files."""
    with tempfile.TemporaryDirectory() as name:
        for run in range(2):
            async with FakeDiscord() as fake:
                program = kind(fake, Path(name), is_traced=False)
                if run and with_round:
                    await open_round(program.url)
                process = await program.start()
                spent = seconds(process.pid)
                await asyncio.sleep(IDLE_SECONDS)
                kept = megabytes(process.pid)
                await program.end()
    return spent, kept


async def open_round(url: str) -> None:
    """Let one server have an open round with a board."""
    bot = create_bot(Settings(database_url=url), schedule=False)
    assert isinstance(bot, Stipend)
    await bot.db.open(now=bot.clock())
    await prepare(bot)
    await bot.db.close()


def main() -> None:
    """Print one row a figure; fail above the limits."""
    ours = [asyncio.run(measure(Script)) for _ in range(RUNS)]
    busy = [asyncio.run(measure(Script, with_round=True)) for _ in range(RUNS)]
    theirs = [asyncio.run(measure(Bare)) for _ in range(RUNS)]
    print("| figure | ratio | verdict | Stipend | bare bot | with an open round: ratio |")
    print("|---|---|---|---|---|---|")
    is_sound = True
    for place, name, limit, unit in (
        (0, "processor time to READY", CPU_LIMIT, "s"),
        (1, "idle memory", MEMORY_LIMIT, "MB"),
    ):
        mine, more, floor = (min(run[place] for run in runs) for runs in (ours, busy, theirs))
        ratio = mine / floor
        is_sound = is_sound and ratio <= limit
        verdict = f"{'within' if ratio <= limit else 'ABOVE'} {limit}"
        print(
            f"| {name} | {ratio:.2f} | {verdict} | {mine:.2f} {unit} | {floor:.2f} {unit} "
            f"| {more:.2f} {unit}: {more / floor:.2f} |"
        )
    raise SystemExit(not is_sound)


if __name__ == "__main__":
    main()
