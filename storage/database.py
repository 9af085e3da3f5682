"""The engine, its read and write sessions, migrations and copies.

There is one writer at a time, so that a read-modify-write sees what the one before it wrote: write
sessions take their turn at one asyncio lock, and begin with BEGIN IMMEDIATE on SQLite and with one
advisory lock on PostgreSQL (`storage.postgres`).
"""

from __future__ import annotations

import asyncio
import importlib
import re
import sqlite3
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import (
    AbstractContextManager,
    asynccontextmanager,
    closing,
    contextmanager,
    nullcontext,
    suppress,
)
from datetime import datetime
from functools import cached_property, partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from sqlalchemy import Connection, ExceptionContext, NullPool, Pool, text
from sqlalchemy.exc import ArgumentError, DBAPIError, InvalidRequestError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from storage import postgres
from storage.apart import Unit
from storage.express import DIALECTS, Direct, NeedsSession, Runner, Through
from storage.lane import Lane
from storage.passing import may_pass
from storage.usage import Usage

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

    Sessions = dict[bool, async_sessionmaker[AsyncSession]]

T = TypeVar("T")

HEAD = "0006"
"""The newest migration; a test compares it with the scripts, so that a start needs no alembic."""

WAL_IS_SAFE_SINCE = (3, 51, 3)
"""Earlier SQLite can corrupt a file in WAL mode with two connections (the WAL-reset bug)."""

BUSY_SECONDS = 10

SESSIONS = "storage.sessions"
"""What is loaded when the first session begins."""

TRIES, SECONDS_BETWEEN = 3, 0.2
"""How often a unit of work is tried where the server failed and nothing was committed."""

APART = 2
"""How many units of work go on apart at a time; each has a thread and a connection."""

UNREACHABLE = (DBAPIError, OSError, PoolTimeoutError, TypeError, ValueError)
"""What a connection that cannot be made raises; the last two come from options nobody knows."""


class DatabaseUnusable(Exception):  # noqa: N818 - the sentence is the point
    """The database cannot be used as it is; the text is one line for the operator."""


class DatabaseBusy(DatabaseUnusable):
    """The database cannot be used now; it may be later, with nothing changed."""


class Database:
    """One database; `open` makes it ready, `close` lets it go.

    `keep` names exceptions after which a write session is committed all the same; `on_error` is
    told the kind of every error of the database.
    """

    def __init__(
        self,
        url: str,
        *,
        keep: tuple[type[Exception], ...] = (),
        on_error: Callable[[str], None] | None = None,
    ) -> None:
        self.url = postgres.address(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.name = postgres.application()
        """By which a server knows this program's connections."""
        self._keep = keep
        self._on_error = on_error or _ignore
        self._turn = asyncio.Lock()
        self._beginning = asyncio.Lock()
        self._usage = Usage()
        self._engine: AsyncEngine | None = None
        self._lane = Lane("express")
        self._direct: Direct | None = None
        self._sessions: Sessions = {}
        self._threads = ThreadPoolExecutor(APART, thread_name_prefix="apart")
        self._apart: Sessions = {}
        self.guard: Callable[[AsyncSession], Awaitable[None]] | None = None
        """Asked at the start of every write session; it raises where nothing may be written."""

    @cached_property
    def path(self) -> Path | None:
        """The file of a SQLite database; None for memory and servers."""
        name = self.url.database or ""
        if "uri" in self.url.query:  # file:stipend.db?mode=ro&uri=true
            name = "" if "memory" in self.url.query.get("mode", "") else name.removeprefix("file:")
        return Path(name) if self.is_sqlite and name not in {"", ":memory:"} else None

    async def open(self, *, now: datetime) -> None:
        """Connect, check the file, and migrate it after a backup where it is older.

        Raises `DatabaseUnusable` where it cannot be reached, is read-only, corrupt or newer than
        this program.
        """
        await self.connect()
        async with self._usable_or_closed(DBAPIError, sqlite3.Error, OSError):
            revision = await self._check()
            if revision != HEAD:
                await self._migrate(revision, now)

    async def connect(self) -> None:
        """Make sessions possible, and nothing else: no migration, no check but whether one may."""
        self._usage = Usage()
        self._engine, self._sessions, self._apart = None, {}, {}
        if self.path is not None:
            self._place()  # a file needs no engine before its first session
            return
        engine = await self._begun()
        if not self.is_sqlite:
            async with self._usable_or_closed(*UNREACHABLE), engine.connect() as connection:
                refused = await postgres.unusable(connection)
                if refused is not None:
                    raise DatabaseUnusable(f"database {self._name}: {refused}")

    async def _begun(self) -> AsyncEngine:
        """Return the engine; what sessions are made of is loaded once, beside the event loop."""
        if self._engine is None:
            async with self._beginning:
                if SESSIONS not in sys.modules:
                    await asyncio.to_thread(importlib.import_module, SESSIONS)
                self._engine = self._engine or self._made()
                self._sessions = self._sessions or _sessions_of(self._engine)
        return self._engine

    async def _begun_apart(self) -> Sessions:
        """Return the sessions for work apart, after a first connection in this loop.

        SQLAlchemy does something once with the first connection of an engine, behind a lock that
        belongs to one event loop: two units of work that were first together hung for good.
        """
        if not self._apart:
            await self._begun()
            async with self._beginning:
                if not self._apart:
                    engine = self._made(NullPool)
                    async with engine.connect():
                        pass
                    self._apart = _sessions_of(engine)
        return self._apart

    def _made(self, pool: type[Pool] | None = None) -> AsyncEngine:
        from storage.sessions import engine_of

        with self._spoken():
            return engine_of(
                self.url, name=self.name, prepare=_prepare_sqlite, failed=self._note, pool=pool
            )

    def _place(self) -> tuple[str, dict[str, Any]]:
        """Return where a file lies, as the driver takes it."""
        with self._spoken():
            dialect = self.url.get_dialect()()
            if not dialect.is_async:
                raise InvalidRequestError("a SQLite file requires an async driver, aiosqlite")
            (where,), options = dialect.create_connect_args(self.url)
        return str(where), dict(options)

    @contextmanager
    def _spoken(self) -> Iterator[None]:
        """Say in one line what is wrong with an address."""
        if self.url.get_backend_name() not in DIALECTS:
            raise DatabaseUnusable(
                f"database {self._name}: Stipend runs on SQLite and PostgreSQL, and on no other"
            )
        try:
            yield
        except ModuleNotFoundError as error:
            raise DatabaseUnusable(
                f"database {self._name}: {_one_line(error)}; for PostgreSQL, install "
                "requirements/postgres.txt"
            ) from error
        except (ArgumentError, InvalidRequestError, TypeError) as error:
            raise DatabaseUnusable(f"database {self._name}: {_one_line(error)}") from error

    @asynccontextmanager
    async def _usable_or_closed(self, *unusable: type[Exception]) -> AsyncIterator[None]:
        """Let everything go on an error, and say in one line what is unusable."""
        try:
            yield
        except unusable as error:
            await self.close()
            kind = DatabaseBusy if may_pass(error) else DatabaseUnusable
            raise kind(f"database {self._name}: {_reason(error)}") from error
        except DatabaseUnusable:
            await self.close()
            raise

    def _note(self, failed: ExceptionContext) -> None:
        self._on_error(type(failed.original_exception).__name__)

    async def close(self) -> None:
        """Let go of every connection, once nobody uses one; who begins later is refused."""
        await self._usage.end()
        if self._engine is not None:
            await self._engine.dispose()
            self._engine = None
        if self.path is not None:
            # In its turn there: a first connection may be under way.
            await self._lane.done(self._close_directly)
            self._lane.end()

    async def idle(self) -> None:
        """Wait a moment for what is being read and written to come to its end."""
        await self._usage.idle()

    def _used(self) -> AbstractContextManager[None]:
        if self._usage.is_over:
            raise DatabaseUnusable(f"database {self._name} is closed: the program is ending")
        return self._usage.one()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """Open a session for reading; keep it short and wait for nothing else inside."""
        with self._used():
            await self._begun()
            if self.is_sqlite and self.path is None:
                async with self._turn, self._sessions[False]() as session:
                    yield session
            else:
                async with self._sessions[False]() as session:
                    yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """Open a session that is committed at the end, or rolled back as a whole on an error."""
        with self._used():
            await self._begun()
            async with self._turn, self._sessions[True]() as session, self._committed(session):
                yield session

    @asynccontextmanager
    async def _committed(self, session: AsyncSession) -> AsyncIterator[None]:
        if self.guard is not None:
            await self.guard(session)
        try:
            yield
        except self._keep:
            await session.commit()
            raise
        await session.commit()

    async def apart(
        self, work: Callable[[AsyncSession], Coroutine[Any, Any, T]], *, writes: bool
    ) -> T:
        """Do a large piece of work with a session, in a thread where it keeps nobody waiting.

        It is one session for reading or writing as `read` and `write` open them, and it waits for
        nothing but that: what belongs to the loop of the program is out of reach. A task that is
        cancelled meanwhile ends when the work has ended. A database in memory has one connection,
        so that there it is an ordinary session.
        """
        if self.is_sqlite and self.path is None:
            async with self.write() if writes else self.read() as session:
                return await work(session)
        with self._used():
            opened = await self._begun_apart()
            async with self._turn if writes else nullcontext():
                unit = Unit(partial(self._work, opened[writes], work, writes=writes))
                return await unit.done(self._threads)

    async def _work(
        self,
        opened: async_sessionmaker[AsyncSession],
        work: Callable[[AsyncSession], Coroutine[Any, Any, T]],
        *,
        writes: bool,
    ) -> T:
        async with opened() as session, self._committed(session) if writes else nullcontext():
            return await work(session)

    async def express(self, work: Callable[[Runner], Coroutine[Any, Any, T]]) -> T:
        """Run a write that uses prepared statements only, as one transaction.

        On a SQLite file it runs in one go in a thread of its own: `work` may wait for nothing
        but the runner. Elsewhere, and where it asks for a session, it is an ordinary write session,
        which is tried again where the server failed before anything was committed. So `work` may
        begin more than once, and have no effect but its statements.
        """
        if self.path is not None:
            with suppress(NeedsSession):
                return await self._run_in_lane(work, writes=True)
        return await self._run_in_session(work)

    async def peek(self, work: Callable[[Runner], Coroutine[Any, Any, T]]) -> T:
        """Read with prepared statements only, where one often looks for what is seldom there.

        On a SQLite file it runs in the thread of `express`, and needs nothing of what sessions
        are made of.
        """
        if self.path is not None:
            with suppress(NeedsSession):
                return await self._run_in_lane(work, writes=False)
        async with self.read() as session:
            return await work(Through(session))

    async def _run_in_lane(
        self, work: Callable[[Runner], Coroutine[Any, Any, T]], *, writes: bool
    ) -> T:
        run = partial(self._run_directly, work, writes=writes)
        with self._used():
            async with self._turn if writes else nullcontext():
                return await self._lane.done(run)

    async def _run_in_session(self, work: Callable[[Runner], Coroutine[Any, Any, T]]) -> T:
        for attempt in count(1):
            is_done = False  # from here on an error may come from the commit
            try:
                async with self.write() as session:
                    result = await work(Through(session))
                    is_done = True
            except DBAPIError as error:
                if is_done or attempt == TRIES or not postgres.is_passing(error):
                    raise
                await asyncio.sleep(attempt * SECONDS_BETWEEN)
            else:
                return result
        raise AssertionError

    def _run_directly(self, work: Callable[[Runner], Coroutine[Any, Any, T]], *, writes: bool) -> T:
        if self._direct is None:
            self._direct = Direct(self._connected())
        try:
            return self._direct.transaction(work, writes=writes)
        except sqlite3.Error as error:
            self._on_error(type(error).__name__)
            raise

    def _close_directly(self) -> None:
        if self._direct is not None:
            self._direct.close()
            self._direct = None

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
        return str(self.path or postgres.shown(self.url))

    async def _check(self) -> str | None:
        """Make sure that what is there can be used; return its migration, None where none is."""
        if self.path is not None:
            if not self.path.parent.is_dir():
                missing = f"there is no folder {self.path.parent}"
                raise DatabaseUnusable(f"database {self._name}: {missing}")
            return await asyncio.to_thread(self._check_file)
        assert self._engine is not None
        async with self._engine.connect() as connection:
            return await connection.run_sync(_revision)

    def _check_file(self) -> str | None:
        """Check a file, in one go: it is whole, and it can be written."""
        with closing(self._connected()) as connection:
            connection.execute("BEGIN IMMEDIATE")
            (result,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if result != "ok":
                raise DatabaseUnusable(f"database {self._name} is damaged: {_one_line(result)}")
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            connection.execute(f"PRAGMA user_version = {int(version)}")
            connection.execute("COMMIT")
            return _revision_of(connection)

    def _connected(self) -> sqlite3.Connection:
        """Connect to a file without ceremony."""
        where, options = self._place()
        connection: sqlite3.Connection = sqlite3.connect(
            where, **cast("Any", {**options, "check_same_thread": False})
        )
        _prepare_sqlite(connection, None)
        return connection

    async def _migrate(self, revision: str | None, now: datetime) -> None:
        await asyncio.to_thread(_require_known, revision, self._name)
        if revision is not None and self.path is not None:
            target = self.path.with_name(f"{self.path.name}.{now:%Y%m%dT%H%M%S}.before-{HEAD}.bak")
            if not await asyncio.to_thread(_is_copy, target):
                await self.copy_to(target)
        if not self.is_sqlite:
            await self._migrate_on_server()
            return
        writing = (await self._begun()).execution_options(stipend_writes=True)
        async with self._turn, writing.connect() as connection:
            await connection.exec_driver_sql("ROLLBACK")
            await connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
            await connection.exec_driver_sql("BEGIN EXCLUSIVE")
            await connection.run_sync(_upgrade)
            await connection.commit()
            # The connection goes on to be used: a memory has no other.
            await connection.exec_driver_sql("ROLLBACK")
            await connection.exec_driver_sql("PRAGMA foreign_keys = ON")

    async def _migrate_on_server(self) -> None:
        """Migrate with the lock of the writers: of several programs, one does it."""
        engine = postgres.patient_engine(self.url)
        try:
            async with engine.execution_options(**postgres.options(writes=True)).begin() as it:
                await it.run_sync(_upgrade)
        finally:
            await engine.dispose()


def copy_file(source: Path, target: Path) -> None:
    """Copy a SQLite file with VACUUM INTO, then verify the copy; never overwrites.

    Raises `DatabaseUnusable` where that fails, and leaves no part of a copy behind.
    """
    if not source.is_file():
        raise DatabaseUnusable(f"there is no database at {source}")
    if target.exists():
        raise DatabaseUnusable(f"{target} exists already; choose another name")
    part = target.with_name(f"{target.name}.part")
    try:
        part.unlink(missing_ok=True)
        with closing(sqlite3.connect(source)) as connection:
            connection.execute("VACUUM INTO ?", (str(part),))
        verify_file(part)
        part.rename(target)  # a name without `.part` is a whole copy, whoever is killed here
    except (OSError, sqlite3.Error, DatabaseUnusable) as error:
        part.unlink(missing_ok=True)
        raise DatabaseUnusable(f"{source} cannot be copied to {target}: {error}") from error


def _is_copy(target: Path) -> bool:
    """Whether a whole copy lies there, from a start in the same second that was killed."""
    try:
        return target.is_file() and verify_file(target) is not None
    except DatabaseUnusable:
        return False


def verify_file(path: Path) -> str | None:
    """Check a SQLite file as a whole and return its migration.

    Raises `DatabaseUnusable` where it is damaged or no database.
    """
    try:
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        ) as connection:
            (result,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            revision = _revision_of(connection)
    except sqlite3.Error as error:
        raise DatabaseUnusable(f"{path}: {error}") from error
    if result != "ok":
        raise DatabaseUnusable(f"{path} is damaged: {_one_line(result)}")
    return revision


def _revision_of(connection: sqlite3.Connection) -> str | None:
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    if "alembic_version" not in tables:
        return None
    found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return found[0] if found else None


def _sessions_of(engine: AsyncEngine) -> Sessions:
    from storage.sessions import sessions_of

    return sessions_of(engine)


def _ignore(_kind: str) -> None:
    pass


def _one_line(reason: object) -> str:
    return " ".join(str(reason).split())


def _reason(error: Exception) -> str:
    """Return what the database or the network said, without the driver's words around it."""
    said = str(getattr(error, "orig", None) or error) or type(error).__name__
    return _one_line(re.sub(r"^<class '[\w.]+'>: ", "", said))


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
