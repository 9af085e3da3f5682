"""Statements without ceremony: the same Core statements, on a session or straight on SQLite.

A session costs more than the statements of a small batch. What runs through a `Runner` uses
prepared Core statements only, with and without a session, so that it exists once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias, TypeVar

from sqlalchemy import BindParameter, literal_column
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.visitors import replacement_traverse

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

T = TypeVar("T")
Statements = Mapping[str, Any]
"""One statement for each kind of database, `sqlite` and `postgresql`."""

DIALECTS = ("sqlite", "postgresql")
_DIALECT = sqlite.dialect()


class Both(dict[str, Any]):
    """Statements that differ: each is made when a database of its kind first needs it."""

    def __init__(self, make: Callable[[str], Any]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, dialect: str) -> Any:
        """Make the statement for a kind of database, once."""
        return self.setdefault(dialect, self._make(dialect))  # whichever thread was first


def same(statement: Any) -> Statements:
    """Return a statement that is the same for every kind of database."""
    return dict.fromkeys(DIALECTS, statement)


class NeedsSession(Exception):  # noqa: N818 - no error: the work is done again in a session
    """Raised by work in the express lane that came upon a case which only a session can do."""


class Runner(Protocol):
    """Runs prepared statements; parameters and rows are as the columns' types have them."""

    async def rows(self, statements: Statements, parameters: Mapping[str, Any]) -> Sequence[Any]:
        """Run a statement and return its rows, empty where it gives none."""

    def session(self) -> AsyncSession:
        """Return the session it runs in, for what is rare; `NeedsSession` where there is none."""


async def firsts(
    run: Runner, statements: Statements, parameters: Mapping[str, Any] | None = None
) -> list[Any]:
    """Return the first value of each row that a statement gives."""
    return [row[0] for row in await run.rows(statements, parameters or {})]


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

    def session(self) -> AsyncSession:
        """Return the session."""
        return self._session


Conversions: TypeAlias = tuple[tuple[int, Callable[[Any], Any]], ...]
"""Places in a row, and the function that converts what is there."""


class Prepared(NamedTuple):
    """A compiled statement: what puts its parameters in order and turns them into stored ones.

    `binds` and `columns` are the places of which the type needs it.
    """

    text: str
    ordered: Callable[[Mapping[str, Any]], Sequence[Any]]
    binds: Conversions
    columns: Conversions


class Direct:
    """A runner on a connection of the standard library, in a thread of its own.

    It never waits, so that what it is given can be run to its end with `finish`.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._cursor = connection.cursor()  # one for all: each statement is read to its end
        self._prepared: dict[Any, Prepared] = {}

    def transaction(
        self, work: Callable[[Runner], Coroutine[Any, Any, T]], *, writes: bool = True
    ) -> T:
        """Run something to its end as one transaction."""
        self._connection.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
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
        known = self._prepared.get(statement)
        if known is None:
            known = self._prepared[statement] = _prepare(statement)
        text, ordered, binds, columns = known
        values = ordered(parameters)
        if binds:
            values = _converted(list(values), binds)
        try:
            found = self._cursor.execute(text, values).fetchall()
        except BaseException:
            self._cursor.close()  # a statement that is not read to its end keeps its lock
            self._cursor = self._connection.cursor()
            raise
        return [_converted(list(row), columns) for row in found] if columns else found

    def session(self) -> AsyncSession:
        """Raise `NeedsSession`."""
        raise NeedsSession


def _converted(values: list[Any], conversions: Conversions) -> list[Any]:
    for place, convert in conversions:
        values[place] = convert(values[place])
    return values


def _prepare(statement: Any) -> Prepared:
    """Compile a statement, once."""
    dialect = _DIALECT
    # SQLite plans a statement anew whenever a parameter is bound on which a partial index may
    # depend; values that never change are part of the text instead.
    written_out: Any = replacement_traverse(statement, {}, _as_literal)
    compiled = written_out.compile(dialect=dialect)
    names = tuple(compiled.positiontup)
    binds = (compiled.binds[name].type.dialect_impl(dialect) for name in names)
    columns = (
        column.type.dialect_impl(dialect) for column in getattr(statement, "exported_columns", ())
    )
    return Prepared(
        compiled.string,
        _ordered(names, compiled),
        _conversions(kind.bind_processor(dialect) for kind in binds),
        _conversions(kind.result_processor(dialect, None) for kind in columns),
    )


def _ordered(names: Sequence[str], compiled: Any) -> Callable[[Mapping[str, Any]], Sequence[Any]]:
    """Return what takes the values of a statement out of its parameters, in order."""
    fixed = {name: compiled.params[name] for name in names if not compiled.binds[name].required}
    if not fixed and len(names) > 1:
        return itemgetter(*names)  # at once, in the same order

    def ordered(parameters: Mapping[str, Any]) -> Sequence[Any]:
        return [parameters[name] if name in parameters else fixed[name] for name in names]

    return ordered


def _as_literal(element: Any, **_options: Any) -> Any:
    """Return what takes the place of a part of a statement, None where it stays."""
    if not isinstance(element, BindParameter) or element.required or element.value is None:
        return None
    write = element.type.dialect_impl(_DIALECT).literal_processor(_DIALECT)
    return literal_column(write(element.value), element.type) if write else None


def _conversions(found: Iterable[Callable[[Any], Any] | None]) -> Conversions:
    return tuple((place, convert) for place, convert in enumerate(found) if convert is not None)


def finish(work: Coroutine[Any, Any, T]) -> T:
    """Run to its end what never waits."""
    try:
        work.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    work.close()
    raise RuntimeError("what runs in the express lane may not wait for anything")
