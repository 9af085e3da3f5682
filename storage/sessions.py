"""Engines and their sessions, and the objects of rows; loaded when the first session begins.

Tables are known without this (`storage.tables`), and prepared statements run without it
(`storage.express`): what takes longest to load is loaded when it is used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, ExceptionContext, Pool, event
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import registry

from storage import postgres
from storage.tables import Table

_objects = registry(metadata=Table.metadata)
for _table in Table.__subclasses__():
    _objects.map_imperatively(_table, _table.__table__)


def engine_of(
    url: URL,
    *,
    name: str,
    prepare: Callable[[Any, Any], None],
    failed: Callable[[ExceptionContext], None],
    pool: type[Pool] | None = None,
) -> AsyncEngine:
    """Return the engine of a database.

    `name` is by what a server knows its connections, `prepare` is done with each new one to a
    SQLite file, and `failed` is told every error.
    """
    if url.get_backend_name() == "sqlite":
        engine = create_async_engine(url, poolclass=pool)
        event.listen(engine.sync_engine, "connect", prepare)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
    else:
        engine = postgres.engine(url, name=name, pool=pool)
    event.listen(engine.sync_engine, "handle_error", failed)
    return engine


def sessions_of(engine: AsyncEngine) -> dict[bool, async_sessionmaker[AsyncSession]]:
    """Return how sessions for reading (False) and writing (True) begin."""
    is_sqlite = engine.dialect.name == "sqlite"
    sessions = {}
    for writes in (False, True):
        options = {"stipend_writes": writes} if is_sqlite else postgres.options(writes=writes)
        bound = engine.execution_options(**options)
        sessions[writes] = async_sessionmaker(bound, expire_on_commit=False)
    return sessions


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("stipend_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
