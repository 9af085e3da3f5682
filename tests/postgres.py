"""A PostgreSQL server of its own for each process of tests: on loopback, and nothing is kept.

With STIPEND_TEST_POSTGRES=1 the tests of storage and services, those in tests/wire, and those of
permissions and of two servers, run on it; without PostgreSQL on this machine they are skipped.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Coroutine, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import pytest

from tests.quick import MEMORY

T = TypeVar("T")

WANTED = os.environ.get("STIPEND_TEST_POSTGRES") == "1"
PLACES = "usr/lib/postgresql/*/bin"
PATIENCE = 60
UNTIL_CLOSED = '"$@" & server=$!; read -r _; kill -QUIT "$server"; wait "$server"'
"""Ends the server as soon as this process is gone, however it ended: the pipe to it closes then."""

USER = "stipend"

# English order, not that of bytes: what relies on either comes to light.
ALPHABETS = (("--locale-provider=icu", "--icu-locale=en"), ())
FAST = {
    "autovacuum": "off",
    "fsync": "off",
    "full_page_writes": "off",
    "listen_addresses": "127.0.0.1",
    "max_connections": "40",
    "max_wal_senders": "0",
    "shared_buffers": "64MB",
    "synchronous_commit": "off",
    "unix_socket_directories": "",
    "wal_level": "minimal",
}


def binaries() -> Path | None:
    """Return the folder of PostgreSQL's programs; Debian keeps them out of the PATH."""
    found = shutil.which("initdb")
    if found is not None and shutil.which("postgres") is not None:
        return Path(found).parent
    folders = [folder for folder in Path("/").glob(PLACES) if (folder / "initdb").exists()]
    return max(folders, key=lambda folder: int(folder.parent.name), default=None)


class Server:
    """A running server with any number of databases."""

    def __init__(self, programs: Path) -> None:
        """Make and start one; it ends with this process, however that ends."""
        self._programs = programs
        self._numbers = count(1)
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        memory = MEMORY if os.access(MEMORY, os.W_OK) else None
        self._folder = Path(tempfile.mkdtemp(prefix="stipend-", dir=memory))
        self._as = _somebody_else()
        if self._as:
            shutil.chown(self._folder, self._as["user"])
        self._make()
        self.port = _free_port()
        self._process = self._start()
        atexit.register(self.stop)
        self._main: asyncpg.Connection[Any] = self.run(self._connected())

    def _make(self) -> None:
        for alphabet in ALPHABETS:
            shutil.rmtree(self._folder / "data", ignore_errors=True)
            made = subprocess.run(
                [
                    self._programs / "initdb", "--no-sync", "--auth=trust", "--encoding=UTF8",
                    "--locale=C.UTF-8", f"--username={USER}", f"--pgdata={self._folder / 'data'}",
                    *alphabet,
                ],
                cwd=self._folder, capture_output=True, text=True, check=False, **self._as,
            )  # fmt: skip
            if made.returncode == 0:
                return
        raise RuntimeError(made.stderr)

    def _start(self) -> subprocess.Popen[bytes]:
        options = [word for name, value in FAST.items() for word in ("-c", f"{name}={value}")]
        return subprocess.Popen(
            [
                "/bin/sh", "-c", UNTIL_CLOSED, "sh", self._programs / "postgres",
                "-D", self._folder / "data", f"-p{self.port}", *options,
            ],
            cwd=self._folder, stdin=subprocess.PIPE, stderr=(self._folder / "log").open("wb"),
            **self._as,
        )  # fmt: skip

    async def _connected(self) -> asyncpg.Connection[Any]:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                return await self._connect("postgres")
            except (OSError, asyncpg.PostgresError):
                if self._process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError((self._folder / "log").read_text()) from None
                await asyncio.sleep(0.02)

    async def _connect(self, name: str) -> asyncpg.Connection[Any]:
        return await asyncpg.connect(host="127.0.0.1", port=self.port, user=USER, database=name)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something in the server's own thread: a test may be in its event loop already."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    def url(self, name: str) -> str:
        """Return the address of a database."""
        return f"postgresql+asyncpg://{USER}@127.0.0.1:{self.port}/{name}"

    def create(self, template: str = "template0") -> str:
        """Make a database, empty or as a copy of another, and return its name."""
        name = f"test_{next(self._numbers)}"
        self.run(self._main.execute(f"CREATE DATABASE {name} TEMPLATE {template}"))
        return name

    def drop(self, name: str) -> None:
        """Let a database go, whoever is still connected."""
        self.run(self._main.execute(f"DROP DATABASE {name} WITH (FORCE)"))

    def script(self, statement: str) -> None:
        """Run a statement about databases."""
        self.run(self._main.execute(statement))

    def outside(self, name: str) -> Outside:
        """Connect to a database from outside the program."""
        return Outside(self, self.run(self._connect(name)))

    def stop(self) -> None:
        """End the server at once and remove what it wrote."""
        atexit.unregister(self.stop)
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(PATIENCE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        shutil.rmtree(self._folder, ignore_errors=True)


class Outside:
    """A connection past the program: to look, and to change things as an accident would."""

    def __init__(self, place: Server, connection: asyncpg.Connection[Any]) -> None:
        """Take a connection of the server's own thread."""
        self._place = place
        self._connection = connection

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows."""
        return self.all_rows([statement], *values)[0]

    def all_rows(self, statements: Iterable[str], *values: object) -> list[list[tuple[Any, ...]]]:
        """Run several statements, each with the same values, and return the rows of each."""

        async def run() -> list[list[tuple[Any, ...]]]:
            found = [await self._connection.fetch(each, *values) for each in statements]
            return [[tuple(row) for row in rows] for rows in found]

        return self._place.run(run())

    def script(self, *statements: str) -> None:
        """Run statements as one transaction."""
        self._place.run(self._connection.execute(";".join(statements)))

    def close(self) -> None:
        """Let go of the connection."""
        self._place.run(self._connection.close())


@cache
def server() -> Server:
    """Return the server of this process; a test that needs it is skipped where there is none."""
    programs = binaries()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (Debian, Ubuntu: apt install postgresql)")
    return Server(programs)


@contextmanager
def database(template: str = "template0") -> Iterator[str]:
    """Make a database for a test and return its address."""
    name = server().create(template)
    try:
        yield server().url(name)
    finally:
        server().drop(name)


def name_of(url: str) -> str:
    """Return the name of a database from its address."""
    return url.rpartition("/")[2]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _somebody_else() -> dict[str, Any]:
    """Return as whom the server runs: PostgreSQL refuses to be root."""
    if os.getuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return {"user": name, "group": pwd.getpwnam(name).pw_gid, "extra_groups": []}
    pytest.skip("there is no user but root as whom PostgreSQL could run")
