"""Starts the program over and over without loading it anew: each start is a fork of this process.

A line on standard input starts it; its process id and, when it has ended, its exit code are lines
on standard output. What is started is the unmodified program, as a process that can be killed.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import alembic.command  # noqa: F401 - what a first start loads
import apscheduler.schedulers.asyncio  # noqa: F401 - what each start loads

from bot.client import EXTENSIONS

ERRORS = "errors.log"
"""What all starts wrote to standard error."""


def serve() -> int:
    """Fork for each line; in the forks, run the program and return its exit code."""
    child = importlib.import_module("tests.wire.child")
    for extension in EXTENSIONS:
        importlib.import_module(extension)
    for _ in sys.stdin:
        number = os.fork()
        if not number:
            nothing = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1):
                os.dup2(nothing, stream)
            code: int = child.main([])
            return code
        print(number, flush=True)  # noqa: T201 - the other side reads it
        print(os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]), flush=True)  # noqa: T201
    return 0


class Fork:
    """One start of the program."""

    def __init__(self, pid: int, lines: asyncio.StreamReader) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._lines = lines
        self._turn = asyncio.Lock()

    async def wait(self) -> int:
        """Wait for the end; return the exit code."""
        async with self._turn:
            if self.returncode is None:
                self.returncode = int(await self._lines.readline())
        return self.returncode

    def kill(self) -> None:
        """End it at once."""
        self._send(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self._send(signal.SIGTERM)

    def _send(self, number: signal.Signals) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)


class Loaded:
    """A process that has the program loaded and starts it when asked."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def make(cls, folder: Path, environ: Mapping[str, str]) -> Loaded:
        """Load the program, to be started in a folder with an environment."""
        with (folder / ERRORS).open("ab") as errors:
            return cls(
                await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    "tests.wire.warm",
                    cwd=folder,
                    env=dict(environ),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=errors,
                )
            )

    async def start(self) -> Fork:
        """Start the program once; the start before has ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"\n")
        return Fork(int(await self._process.stdout.readline()), self._process.stdout)

    async def end(self) -> None:
        """Start nothing more."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()


if __name__ == "__main__":
    sys.exit(serve())
