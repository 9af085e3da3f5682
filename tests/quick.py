"""What makes thousands of tests on real database files fit into minutes.

Nothing of the program is replaced. A statement of aiosqlite goes from the event loop to a thread
and back four times, and every new engine compiles its SQL anew; both together were more than half
of the time of all tests. The program as it runs in a service, with its threads, is tested in
tests/wire, and by tests marked `threads`.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiosqlite
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite
from sqlalchemy.engine import Engine
from sqlalchemy.util import LRUCache, concurrency

MEMORY = Path("/dev/shm")
ROOM = 4 << 30
"""Free bytes from which on the files of tests lie in memory, where fsync costs nothing."""

PATIENCE = 100_000
"""How often a statement is tried while another connection has the file."""

_through_threads = aiosqlite.Connection._execute
_make = Engine.__init__
_compiled: LRUCache[Any, Any] = LRUCache(4000)
_DIALECTS: tuple[Any, ...] = (SQLiteDialect_aiosqlite, PGDialect_asyncpg)


async def _at_once(
    self: aiosqlite.Connection, fn: Callable[..., Any], *args: Any, **options: Any
) -> Any:
    if not self._running or self._connection is None:
        raise ValueError("Connection closed")
    if args and str(args[0]).startswith("PRAGMA busy_timeout"):
        args = ("PRAGMA busy_timeout = 0", *args[1:])  # the waiting is done here
    for attempt in range(PATIENCE):
        if attempt or not self._connection.in_transaction:
            await asyncio.sleep(0)  # others get their turn here, as they do while a thread works
        try:
            return fn(*args, **options)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
    return fn(*args, **options)


def _sharing(self: Engine, *args: Any, **options: Any) -> None:
    _make(self, *args, **options)
    if isinstance(self.dialect, _DIALECTS):
        self._compiled_cache = _compiled


def _untraced(enter: Callable[..., Any]) -> Callable[..., Any]:
    """Let a switch into a greenlet of SQLAlchemy happen without the tracer of the coverage.

    Nothing of ours but column types runs there, and the tracer, which is called for every step of
    every module, loses its place when a greenlet is left in the middle.
    """

    def entered(*args: Any, **options: Any) -> Any:
        tracer = sys.gettrace()
        if tracer is None:
            return enter(*args, **options)
        sys.settrace(None)
        try:
            return enter(*args, **options)
        finally:
            sys.settrace(tracer)
            _called()

    return entered


def _called() -> None:
    """Let the tracer take its fast way again: it does so with the next call."""


def set_up() -> None:
    """Share compiled statements between engines, and keep the files of tests in memory."""
    greenlet = concurrency._concurrency_shim._AsyncIoGreenlet
    quick = {name: _untraced(getattr(greenlet, name)) for name in ("switch", "throw")}
    untraced: Any = type("Untraced", (greenlet,), quick)
    concurrency._concurrency_shim._AsyncIoGreenlet = untraced
    Engine.__init__ = _sharing  # type: ignore[method-assign]
    # Compiled statements are found by their dialect; those of all test databases are alike.
    for dialect in _DIALECTS:
        dialect.__eq__ = lambda self, other: type(self) is type(other)
        dialect.__hash__ = lambda self: hash(type(self))
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


@contextmanager
def without_threads() -> Iterator[None]:
    """Let statements run in the thread of their event loop."""
    aiosqlite.Connection._execute = _at_once  # type: ignore[method-assign]
    yield
    aiosqlite.Connection._execute = _through_threads  # type: ignore[method-assign]
