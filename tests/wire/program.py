"""The program as a child process against the fake Discord."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.children import environment, traced
from tests.databases import address_of, sql
from tests.wire.fake_discord import FakeDiscord
from tests.wire.warm import ERRORS, Loaded

ROOT = Path(__file__).parents[2]


class Program:
    """The bot as a child process over one database."""

    def __init__(
        self, fake: FakeDiscord, folder: Path, *, is_traced: bool = True, **environ: str
    ) -> None:
        """`environ` is added to the environment; untraced it runs at its own speed."""
        self._is_traced, self._environ = is_traced, environ
        self.fake = fake
        self.url = address_of(folder)
        self.database = folder / "stipend.db"
        """Where it is a SQLite file."""
        self.folder = folder
        self.process: Any = None

    @property
    def environ(self) -> dict[str, str]:
        """The environment in which it runs."""
        return {
            **(traced() if self._is_traced else environment()),
            **self._environ,
            "FAKE_DISCORD_PORT": str(self.fake.port),
            "STIPEND_DISCORD_TOKEN": "MTExMTExMTExMTExMTExMTEx.x.y",
            "STIPEND_DATABASE_URL": self.url,
            "STIPEND_POST_INTERVAL_MS": "0",
            "STIPEND_TICK_SECONDS": "1",
            "PYTHONPATH": str(ROOT),
        }

    async def start(self, *command: str, ready: bool = True) -> Any:
        """Start the program, and wait until it has connected."""
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(ROOT / "tests" / "wire" / "child.py"),
            *command,
            cwd=self.folder,
            env=self.environ,
            stdout=asyncio.subprocess.PIPE if command else None,
            stderr=asyncio.subprocess.PIPE,
        )
        if ready:
            await self.fake.until_ready()
        return self.process

    async def end(self) -> None:
        """Let it not live on."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    async def stop(self) -> int:
        """Ask the program to end, as a service manager does."""
        assert self.process is not None
        self.process.terminate()
        return await asyncio.wait_for(self.process.wait(), 20)

    async def died(self) -> None:
        """Wait for the end of a killed program."""
        assert self.process is not None
        assert await asyncio.wait_for(self.process.wait(), 20) == -signal.SIGKILL
        self.fake.is_left()

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
        """Read from the database, past the program."""
        return sql(self.url, query)

    async def run(self, *command: str) -> tuple[int, str]:
        """Run a subcommand to its end; return its exit code and what it printed."""
        process = await self.start(*command, ready=False)
        out, err = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode is not None
        return process.returncode, (out + err).decode()


class Often(Program):
    """The bot as a process that is started over and over, and loaded only once."""

    def __init__(self, fake: FakeDiscord, folder: Path, **environ: str) -> None:
        super().__init__(fake, folder, is_traced=False, **environ)
        self._loaded: Loaded | None = None

    async def start(self, *command: str, ready: bool = True) -> Any:
        """Start the program, and wait until it has connected."""
        assert not command
        if self._loaded is None:
            self._loaded = await Loaded.make(self.folder, self.environ)
        self.process = await self._loaded.start()
        if ready:
            await self._until_ready()
        return self.process

    async def _until_ready(self) -> None:
        """Wait until it has connected; fail at once where it ended instead."""
        ends = {
            asyncio.create_task(self.fake.until_ready()),
            asyncio.create_task(self.process.wait()),
        }
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()
        await asyncio.gather(*ends, return_exceptions=True)
        assert self.process.returncode is None, (
            f"it ended with {self.process.returncode}: "
            f"{(self.folder / ERRORS).read_text(encoding='utf-8')[-4000:]}"
        )

    async def end(self) -> None:
        """Let nothing of it live on."""
        await super().end()
        if self._loaded is not None:
            await self._loaded.end()
            self._loaded = None
