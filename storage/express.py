"""Statements without ceremony: the same Core statements, on a session or straight on SQLite.

A session costs more than the statements of a small batch. What runs through a `Runner` uses
prepared Core statements only, with and without a session, so that it exists once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from sqlalchemy import Executable
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.asyncio import AsyncSession

T = TypeVar("T")
Statements = Mapping[str, Any]
"""One statement for each kind of database, `sqlite` and `postgresql`."""

DIALECTS = ("sqlite", "postgresql")


class Runner(Protocol):
    """Runs prepared statements; parameters and rows are integers, texts and nulls."""

    async def rows(self, statements: Statements, parameters: Mapping[str, Any]) -> Sequence[Any]:
        """Run a statement and return its rows, empty where it gives none."""


class Through:
    """A runner inside a session, as part of its transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._dialect = session.get_bind().dialect.name

    async def rows(self, statements: Statements, parameters: Mapping[str, Any]) -> Sequence[Any]:
        """Run a statement and return its rows."""
        await self._session.flush()
        connection = await self._session.connection()
        found = await connection.execute(statements[self._dialect], dict(parameters))
        return found.all() if found.returns_rows else ()


class Direct:
    """A runner on a connection of the standard library, in a thread of its own.

    It never waits, so that what it is given can be run to its end with `finish`.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._prepared: dict[int, tuple[str, list[str], dict[str, Any]]] = {}

    def transaction(self, work: Callable[[Runner], Coroutine[Any, Any, T]]) -> T:
        """Run something to its end as one transaction."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            result = finish(work(self))
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        return result

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()

    async def rows(self, statements: Statements, parameters: Mapping[str, Any]) -> Sequence[Any]:
        """Run a statement and return its rows."""
        statement = statements["sqlite"]
        known = self._prepared.get(id(statement))
        if known is None:
            known = self._prepared[id(statement)] = _prepare(statement)
        text, names, fixed = known
        values = [parameters[name] if name in parameters else fixed[name] for name in names]
        return self._connection.execute(text, values).fetchall()


def _prepare(statement: Executable) -> tuple[str, list[str], dict[str, Any]]:
    """Compile a statement, once: its text, the order of its parameters, and those it brings."""
    compiled: Any = statement.compile(dialect=sqlite.dialect())  # type: ignore[attr-defined]
    return compiled.string, list(compiled.positiontup), dict(compiled.params)


def finish(work: Coroutine[Any, Any, T]) -> T:
    """Run to its end what never waits."""
    try:
        work.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    work.close()
    raise RuntimeError("what runs in the express lane may not wait for anything")
