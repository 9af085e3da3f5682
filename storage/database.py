"""The engine, its read and write sessions, migrations and copies.

SQLite is driven so that nothing is lost: write sessions begin with BEGIN IMMEDIATE and take their
turn at one asyncio lock, so that a read-modify-write sees what the one before it wrote.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, event, make_url, text
from sqlalchemy.exc import ArgumentError, DatabaseError, InvalidRequestError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from storage.express import Direct, Runner, Through

T = TypeVar("T")

HEAD = "0003"
"""The newest migration; a test compares it with the scripts, so that a start needs no alembic."""

WAL_IS_SAFE_SINCE = (3, 51, 3)
"""Earlier SQLite can corrupt a file in WAL mode with two connections (the WAL-reset bug)."""

BUSY_SECONDS = 10


class DatabaseUnusable(Exception):  # noqa: N818 - the sentence is the point
    """The database cannot be used as it is; the text is one line for the operator."""


class Database:
    """One database; `open` makes it ready, `close` lets it go.

    `keep` names exceptions after which a write session is committed all the same.
    """

    def __init__(self, url: str, *, keep: tuple[type[Exception], ...] = ()) -> None:
        try:
            self.url = make_url(url)
        except ArgumentError as error:
            raise ValueError(
                "the database URL cannot be read: write one like sqlite+aiosqlite:///stipend.db"
            ) from error
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._keep = keep
        self._turn = asyncio.Lock()
        self._engine: AsyncEngine | None = None
        self._lane = ThreadPoolExecutor(1, thread_name_prefix="express")
        self._direct: Direct | None = None
        self._sessions: dict[bool, async_sessionmaker[AsyncSession]] = {}

    @property
    def path(self) -> Path | None:
        """The file of a SQLite database; None for memory and servers."""
        name = self.url.database or ""
        if "uri" in self.url.query:  # file:stipend.db?mode=ro&uri=true
            name = "" if "memory" in self.url.query.get("mode", "") else name.removeprefix("file:")
        return Path(name) if self.is_sqlite and name not in {"", ":memory:"} else None

    async def open(self, *, now: datetime) -> None:
        """Connect, check the file, and migrate it after a backup where it is older.

        Raises `DatabaseUnusable` where it is read-only, corrupt or newer than this program.
        """
        await self.connect()
        try:
            await self._check()
            await self._migrate(now)
        except (DatabaseError, OSError) as error:
            await self.close()
            reason = _one_line(getattr(error, "orig", None) or error)
            raise DatabaseUnusable(f"database {self._name}: {reason}") from error
        except DatabaseUnusable:
            await self.close()
            raise

    async def connect(self) -> None:
        """Make sessions possible, and nothing else: no check, no migration."""
        try:
            engine = create_async_engine(self.url)
        except (ArgumentError, InvalidRequestError, ImportError) as error:
            raise DatabaseUnusable(f"database {self._name}: {_one_line(error)}") from error
        if self.is_sqlite:
            event.listen(engine.sync_engine, "connect", _prepare_sqlite)
            event.listen(engine.sync_engine, "begin", _begin_sqlite)
        self._engine = engine
        for writes in (False, True):
            bound = engine.execution_options(stipend_writes=writes)
            self._sessions[writes] = async_sessionmaker(bound, expire_on_commit=False)

    async def close(self) -> None:
        """Let go of every connection."""
        if self._engine is not None:
            await self._engine.dispose()
            self._engine = None
        if self._direct is not None:
            await asyncio.get_running_loop().run_in_executor(self._lane, self._direct.close)
            self._direct = None

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """Open a session for reading; keep it short and wait for nothing else inside."""
        if self.is_sqlite and self.path is None:
            async with self._turn, self._sessions[False]() as session:
                yield session
        else:
            async with self._sessions[False]() as session:
                yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """Open a session that is committed at the end, or rolled back as a whole on an error."""
        async with self._turn, self._sessions[True]() as session:
            try:
                yield session
            except self._keep:
                await session.commit()
                raise
            await session.commit()

    async def express(self, work: Callable[[Runner], Coroutine[Any, Any, T]]) -> T:
        """Run a write that uses prepared statements only, as one transaction.

        On a SQLite file it runs in one go in a thread of its own: `work` may wait for nothing
        but the runner. Elsewhere it is an ordinary write session.
        """
        if self.path is None:
            async with self.write() as session:
                return await work(Through(session))
        async with self._turn:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._lane, self._run_express, work)

    def _run_express(self, work: Callable[[Runner], Coroutine[Any, Any, T]]) -> T:
        if self._direct is None:
            connection = sqlite3.connect(
                self.url.database or "", uri="uri" in self.url.query, check_same_thread=False
            )
            _prepare_sqlite(connection, None)
            self._direct = Direct(connection)
        return self._direct.transaction(work)

    async def copy_to(self, target: Path) -> None:
        """Write a consistent copy of a SQLite file and verify it; never overwrites."""
        await asyncio.to_thread(copy_file, self.require_file(), target)

    def require_file(self) -> Path:
        """Return the file of a SQLite database; other databases are copied with their own tools."""
        if self.path is None:
            raise DatabaseUnusable(
                "this works on a SQLite file; use pg_dump and pg_restore for PostgreSQL"
            )
        return self.path

    @property
    def _name(self) -> str:
        return str(self.path or self.url.render_as_string(hide_password=True))

    async def _check(self) -> None:
        if not self.is_sqlite:
            return
        if self.path is not None and not self.path.parent.is_dir():
            raise DatabaseUnusable(f"database {self._name}: there is no folder {self.path.parent}")
        async with self._sessions[True]() as session:
            result = (await session.execute(text("PRAGMA quick_check(1)"))).scalar_one()
            if result != "ok":
                raise DatabaseUnusable(f"database {self._name} is damaged: {_one_line(result)}")
            version = (await session.execute(text("PRAGMA user_version"))).scalar_one()
            await session.execute(text(f"PRAGMA user_version = {int(version)}"))
            await session.commit()

    async def _migrate(self, now: datetime) -> None:
        assert self._engine is not None
        async with self._engine.connect() as connection:
            revision = await connection.run_sync(_revision)
        if revision == HEAD:
            return
        await asyncio.to_thread(_require_known, revision, self._name)
        if revision is not None and self.path is not None:
            target = self.path.with_name(f"{self.path.name}.{now:%Y%m%dT%H%M%S}.before-{HEAD}.bak")
            await self.copy_to(target)
        writing = self._engine.execution_options(stipend_writes=True)
        async with self._turn, writing.connect() as connection:
            if self.is_sqlite:
                await connection.exec_driver_sql("ROLLBACK")
                await connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
                await connection.exec_driver_sql("BEGIN EXCLUSIVE")
            await connection.run_sync(_upgrade)
            await connection.commit()
            if self.is_sqlite:  # the connection goes on to be used: a memory has no other
                await connection.exec_driver_sql("ROLLBACK")
                await connection.exec_driver_sql("PRAGMA foreign_keys = ON")


def copy_file(source: Path, target: Path) -> None:
    """Copy a SQLite file with VACUUM INTO, then verify the copy; never overwrites.

    Raises `DatabaseUnusable` where that fails, and leaves no part of a copy behind.
    """
    if not source.is_file():
        raise DatabaseUnusable(f"there is no database at {source}")
    if target.exists():
        raise DatabaseUnusable(f"{target} exists already; choose another name")
    try:
        with closing(sqlite3.connect(source)) as connection:
            connection.execute("VACUUM INTO ?", (str(target),))
        verify_file(target)
    except (sqlite3.Error, DatabaseUnusable) as error:
        target.unlink(missing_ok=True)
        raise DatabaseUnusable(f"{source} cannot be copied to {target}: {error}") from error


def verify_file(path: Path) -> str | None:
    """Check a SQLite file as a whole and return its migration.

    Raises `DatabaseUnusable` where it is damaged or no database.
    """
    try:
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        ) as connection:
            (result,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
            revision = None
            if "alembic_version" in tables:
                (revision,) = connection.execute(
                    "SELECT version_num FROM alembic_version"
                ).fetchone()
    except sqlite3.Error as error:
        raise DatabaseUnusable(f"{path}: {error}") from error
    if result != "ok":
        raise DatabaseUnusable(f"{path} is damaged: {_one_line(result)}")
    return revision


def _one_line(reason: object) -> str:
    return " ".join(str(reason).split())


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # Without this the driver begins transactions by itself, deferred: updates get lost.
    connection.isolation_level = None
    mode = "WAL" if sqlite3.sqlite_version_info >= WAL_IS_SAFE_SINCE else "TRUNCATE"
    try:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
        cursor.execute(f"PRAGMA journal_mode = {mode}")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()
    except sqlite3.Error:
        connection.close()  # the pool does not know it yet, and its thread would live on
        raise


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("stipend_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _revision(connection: Connection) -> str | None:
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _alembic_config() -> Any:
    # alembic is only needed when a database is not at the newest migration.
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    return config


def _require_known(revision: str | None, name: str) -> None:
    from alembic.script import ScriptDirectory

    script = ScriptDirectory.from_config(_alembic_config())
    if revision is not None and revision not in {
        known.revision for known in script.walk_revisions()
    }:
        raise DatabaseUnusable(
            f"database {name} was written by a newer version (migration {revision}, this program "
            f"knows up to {HEAD}); install that version or restore an older backup"
        )


def _upgrade(connection: Connection) -> None:
    from alembic import command

    config = _alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
