"""One process per SQLite file: a lock beside it that the system lets go of when its holder dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.database import Database, DatabaseUnusable


class InUse(Exception):  # noqa: N818 - the sentence is the point
    """Another process has what is asked for; the text is one line for the operator."""


@contextmanager
def locked(database: Database) -> Iterator[None]:
    """Hold the file of a database for this process; servers and memories need none.

    Raises `InUse` where another process holds it, and `DatabaseUnusable` where no lock can be
    put beside the file.
    """
    if database.path is None:
        yield
        return
    # Two ways to one file are one lock.
    path = database.path.resolve()
    lock = path.with_name(f"{path.name}.lock")
    try:
        held = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except FileNotFoundError as error:
        message = f"database {database.path}: there is no folder {database.path.parent}"
        raise DatabaseUnusable(message) from error
    except OSError as error:
        raise DatabaseUnusable(f"{lock}: {error.strerror}") from error
    try:
        _take(held, database.path)
        yield
    finally:
        os.close(held)  # the file stays: a new one of this name would be another lock


def _take(held: int, path: Path) -> None:
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise InUse(
            f"database {path} is used by another process of Stipend; stop it first"
        ) from error
    except OSError as error:
        raise DatabaseUnusable(f"{path}.lock: {error.strerror}") from error
