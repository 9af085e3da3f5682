"""The program as a child process against the fake Discord."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from tests.wire.fake_discord import FakeDiscord

ROOT = Path(__file__).parents[2]


class Program:
    """The bot as a child process over one database file."""

    def __init__(self, fake: FakeDiscord, folder: Path) -> None:
        self.fake = fake
        self.database = folder / "stipend.db"
        self.folder = folder
        self.process: asyncio.subprocess.Process | None = None

    async def start(self, *command: str, ready: bool = True) -> asyncio.subprocess.Process:
        """Start the program, and wait until it has connected."""
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(ROOT / "tests" / "wire" / "child.py"),
            *command,
            cwd=self.folder,
            env={
                **os.environ,
                "FAKE_DISCORD_PORT": str(self.fake.port),
                "STIPEND_DISCORD_TOKEN": "MTExMTExMTExMTExMTExMTEx.x.y",
                "STIPEND_DATABASE_URL": f"sqlite+aiosqlite:///{self.database}",
                "STIPEND_POST_INTERVAL_MS": "0",
                "STIPEND_TICK_SECONDS": "1",
                "PYTHONPATH": str(ROOT),
            },
            stdout=asyncio.subprocess.PIPE if command else None,
            stderr=asyncio.subprocess.PIPE,
        )
        if ready:
            await self.fake.until_ready()
        return self.process

    async def stop(self) -> int:
        """Ask the program to end, as a service manager does."""
        assert self.process is not None
        self.process.terminate()
        return await asyncio.wait_for(self.process.wait(), 20)

    async def died(self) -> None:
        """Wait for the end of a killed program."""
        assert self.process is not None
        assert await asyncio.wait_for(self.process.wait(), 20) == -signal.SIGKILL

    def kill_on(self, wanted: Callable[[str, str], bool]) -> Callable[[str, str], None]:
        """Return a hook that kills the program when a request like this arrives, once."""
        armed = [True]

        def hook(method: str, path: str) -> None:
            if armed and wanted(method, path):
                armed.clear()
                assert self.process is not None
                self.process.kill()

        return hook

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """Read from the database file."""
        with closing(sqlite3.connect(self.database)) as connection:
            return connection.execute(query).fetchall()

    async def run(self, *command: str) -> tuple[int, str]:
        """Run a subcommand to its end; return its exit code and what it printed."""
        process = await self.start(*command, ready=False)
        out, err = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode is not None
        return process.returncode, (out + err).decode()
