"""Databases for tests: files, or databases of a server where tests are to run on PostgreSQL."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from bot.domain.errors import Kept
from storage.database import Database
from storage.postgres import WRITERS
from storage.tables import Leader, Table
from tests import postgres
from tests.postgres import Outside

SQLITE = "sqlite+aiosqlite:///"

TABLES = [table for table in Table.metadata.sorted_tables if table.name != Leader.__tablename__]
"""Every table but that of the program itself, which changes with the clock."""


def path_of(url: str) -> Path:
    """Return the file of a SQLite database."""
    return Path(url.removeprefix(SQLITE))


on_a_file = pytest.mark.skipif(postgres.WANTED, reason="it is about a SQLite file")

_of_folders: dict[Path, str] = {}


@contextmanager
def made(folder: Path, template: str = "") -> Iterator[str]:
    """Make a database, empty or as a copy of another, and return its address."""
    if postgres.WANTED:
        with postgres.database(postgres.name_of(template) if template else "template0") as url:
            yield url
        return
    path = folder / "stipend.db"
    if template:
        shutil.copyfile(path_of(template), path)
    yield f"{SQLITE}{path}"


def address_of(folder: Path) -> str:
    """Return the address of the database that belongs to a folder; it may not be there yet."""
    if not postgres.WANTED:
        return f"{SQLITE}{folder / 'stipend.db'}"
    if folder not in _of_folders:
        _of_folders[folder] = postgres.server().url(postgres.server().create())
    return _of_folders[folder]


def database_of(folder: Path) -> Database:
    """Return the database that belongs to a folder, as the bot makes it."""
    return Database(address_of(folder), keep=(Kept,))


def let_folders_go() -> None:
    """Drop what `address_of` made on the server."""
    while _of_folders:
        postgres.server().drop(postgres.name_of(_of_folders.popitem()[1]))


@contextmanager
def held(url: str, *, from_readers: bool = False) -> Iterator[None]:
    """Keep everybody else from writing, as another program does that was stopped meanwhile.

    Nobody can keep PostgreSQL from reading.
    """
    if url.startswith(SQLITE):
        with closing(sqlite3.connect(path_of(url))) as file:
            file.execute("BEGIN EXCLUSIVE" if from_readers else "BEGIN IMMEDIATE")
            yield
        return
    with closing(outside(url)) as connection:
        connection.rows(f"SELECT pg_advisory_lock({WRITERS})")
        yield


def assert_whole(url: str) -> None:
    """Assert that a file is whole; a server whose client was killed goes on as it was."""
    if url.startswith(SQLITE):
        assert sql(url, "PRAGMA integrity_check") == [("ok",)]
        assert sql(url, "PRAGMA foreign_key_check") == []


@asynccontextmanager
async def opened(
    where: str,
    *,
    now: datetime,
    keep: tuple[type[Exception], ...] = (),
    on_error: Callable[[str], None] | None = None,
) -> AsyncIterator[Database]:
    """Open a database, and close it in the end."""
    db = Database(where, keep=keep, on_error=on_error)
    await db.open(now=now)
    try:
        yield db
    finally:
        await db.close()


def same(db: Database) -> Database:
    """Return the database again, as another process opens it."""
    return Database(db.url.render_as_string(hide_password=False), keep=db._keep)


def guards_off(db: Database) -> list[str]:
    """Return the statements that let the record be changed, as nobody but an intruder would."""
    if db.is_sqlite:
        return [f"DROP TRIGGER record_no_{guard}" for guard in ("update", "delete", "replace")]
    return ["DROP TRIGGER record_append_only ON record"]


def keys_off(db: Database) -> str:
    """Return the statement by which a transaction may refer to rows that are not there."""
    return (
        "PRAGMA defer_foreign_keys = ON"
        if db.is_sqlite
        else "SET LOCAL session_replication_role = replica"
    )


def sql(url: str, statement: str, *values: object) -> list[Any]:
    """Change or read a database from outside; `?` is a place of a value."""
    if url.startswith(SQLITE):
        with closing(sqlite3.connect(path_of(url))) as file:
            rows = file.execute(statement, values).fetchall()
            file.commit()
        return rows
    numbers = count(1)
    with closing(outside(url)) as connection:
        return connection.rows(re.sub(r"\?", lambda _: f"${next(numbers)}", statement), *values)


CLAIMS_BEFORE = (
    "ALTER TABLE claims RENAME TO newer_claims",
    "CREATE TABLE claims (interaction_id BIGINT NOT NULL, at BIGINT NOT NULL, "
    "CONSTRAINT pk_claims PRIMARY KEY (interaction_id))",
    "INSERT INTO claims SELECT * FROM newer_claims",
    "DROP TABLE newer_claims",
)
"""On SQLite their key had an index of its own up to migration 0005."""


def set_back(url: str) -> None:
    """Turn a database into one of an older program, migration 0003, with everything in it."""
    for statement in (
        "DROP TABLE IF EXISTS leaders",
        "DROP INDEX IF EXISTS ix_entries_minutes",
        "CREATE INDEX IF NOT EXISTS ix_entries_round_user ON entries (round_id, user_id)",
        *(CLAIMS_BEFORE if url.startswith(SQLITE) else ()),
        "UPDATE alembic_version SET version_num = '0003'",
    ):
        sql(url, statement)


def outside(url: str) -> Outside:
    """Connect to a database of the server of this process."""
    return postgres.server().outside(postgres.name_of(url))


class FileCopy:
    """A SQLite file as it was, and how it is."""

    def __init__(self, url: str) -> None:
        """Open the file beside the program."""
        self._file = sqlite3.connect(path_of(url))
        self._copy = sqlite3.connect(":memory:")

    def keep(self) -> None:
        """Remember how everything is."""
        self._file.backup(self._copy)

    def put_back(self) -> None:
        """Make everything as it was."""
        self._copy.backup(self._file)

    def all_rows(self, statements: Iterable[str]) -> list[list[Any]]:
        """Return the rows of several statements."""
        return [self._file.execute(statement).fetchall() for statement in statements]

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
        self._copy.close()


class ServerCopy:
    """A PostgreSQL database as it was, and how it is: the rows and numbers of every table."""

    def __init__(self, url: str) -> None:
        """Connect beside the program."""
        self._connection = outside(url)
        self._numbers: list[Any] = []

    def keep(self) -> None:
        """Remember how everything is."""
        self._connection.script(
            "SET client_min_messages = error",
            "DROP SCHEMA IF EXISTS kept CASCADE",
            "CREATE SCHEMA kept",
            *(f"CREATE TABLE kept.{table.name} AS TABLE public.{table.name}" for table in TABLES),
        )
        self._numbers = self._connection.rows("SELECT sequencename, last_value FROM pg_sequences")

    def put_back(self) -> None:
        """Make everything as it was, past keys and guards."""
        self._connection.script(
            "SET LOCAL session_replication_role = replica",
            *(f"DELETE FROM public.{table.name}" for table in TABLES),
            *(f"INSERT INTO public.{each.name} TABLE kept.{each.name}" for each in TABLES),
            *(
                f"SELECT setval('public.{name}', {last or 1}, {last is not None})"
                for name, last in self._numbers
            ),
        )

    def all_rows(self, statements: Iterable[str]) -> list[list[Any]]:
        """Return the rows of several statements, each in an order of its own."""
        return [sorted(rows, key=repr) for rows in self._connection.all_rows(statements)]

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()


def copy_of(url: str) -> FileCopy | ServerCopy:
    """Return how a database is, to be put back after a change."""
    return FileCopy(url) if url.startswith(SQLITE) else ServerCopy(url)
