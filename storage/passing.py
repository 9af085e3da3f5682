"""Which faults of a database pass by themselves, or with the one who frees a disk."""

from __future__ import annotations

import sqlite3
from socket import gaierror
from typing import Final

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from storage import postgres

_SQLITE: Final = frozenset(
    {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}
)
_HELD: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_WAITED: Final = frozenset({"40001", "40P01", "53300", "55P03", "57014"})
"""PostgreSQL's states for what waited too long, stood in another's way, or found no room."""
_PRIMARY: Final = 0xFF
"""SQLite's extended codes carry the plain one in their lowest byte."""


def may_pass(error: Exception) -> bool:
    """Whether the same may succeed later, with nothing changed in the configuration."""
    code = getattr(getattr(error, "orig", error), "sqlite_errorcode", None)
    if code is not None:
        return code & _PRIMARY in _SQLITE
    if isinstance(error, DBAPIError):
        return postgres.is_passing(error)
    if isinstance(error, OSError) and error.errno is None:
        return True  # several addresses of a server were tried, each with its own error
    return isinstance(error, (ConnectionError, TimeoutError, gaierror, PoolTimeoutError))


def is_busy(error: BaseException) -> bool:
    """Whether others only held the database for too long: what was begun is rolled back."""
    cause = getattr(error, "orig", None) or error
    if getattr(cause, "sqlite_errorcode", 0) & _PRIMARY in _HELD:
        return True
    return isinstance(error, PoolTimeoutError) or getattr(cause, "sqlstate", None) in _WAITED
