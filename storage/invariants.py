"""Queries that find what no rule of the program lets come about; they change nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Select, and_, exists, func, inspect, select, text
from sqlalchemy import Table as CoreTable

from storage.tables import (
    Address,
    Batch,
    Entry,
    Helper,
    Payment,
    Person,
    Place,
    PolicyVersion,
    Post,
    Proposal,
    PublishedStatement,
    Round,
    Table,
    Tally,
    Thanks,
    Vouch,
)
from storage.tables.base import core

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


class Reference(Struct, frozen=True):
    """Columns of a table whose values are to be found in another; a null refers to nothing.

    `guild_id` is that of the round where the table has none of its own.
    """

    table: type[Table]
    columns: tuple[str, ...]
    other: type[Table]
    keys: tuple[str, ...]


class Astray(Struct, frozen=True):
    """How many rows of a table, in one server, refer to something that is not there."""

    guild_id: int
    table: str
    to: str
    rows: int


_HELPER = ("guild_id", "user_id")
REFERENCES = (
    Reference(Helper, _HELPER, Person, _HELPER),
    Reference(Helper, ("guild_id", "dropped_by"), Round, ("guild_id", "id")),
    Reference(Entry, _HELPER, Helper, _HELPER),
    Reference(Address, _HELPER, Helper, _HELPER),
    Reference(Place, _HELPER, Helper, _HELPER),
    Reference(Thanks, ("guild_id", "helper_id"), Helper, _HELPER),
    Reference(Tally, _HELPER, Helper, _HELPER),
    Reference(Round, ("guild_id", "policy_version"), PolicyVersion, ("guild_id", "version")),
    Reference(Post, ("guild_id", "round_id"), Round, ("guild_id", "id")),
    Reference(Vouch, ("guild_id", "round_id"), Round, ("guild_id", "id")),
    Reference(Proposal, ("guild_id", "round_id"), Round, ("guild_id", "id")),
    Reference(Payment, ("round_id", "version"), PublishedStatement, ("round_id", "version")),
    Reference(Batch, ("round_id", "version"), PublishedStatement, ("round_id", "version")),
)
"""Those that no foreign key holds."""


async def migration(session: AsyncSession) -> str | None:
    """Return at which migration the database is, None where it is empty."""

    def found(sync: Any) -> str | None:
        if not inspect(sync.connection()).has_table("alembic_version"):
            return None
        return str(sync.execute(text("SELECT version_num FROM alembic_version")).scalar())

    return await session.run_sync(found)


async def open_rounds(session: AsyncSession, guild_id: int) -> Sequence[str]:
    """Return the labels of a server's open rounds."""
    query = select(Round.label).where(Round.guild_id == guild_id, Round.state == "open")
    return (await session.scalars(query.order_by(Round.number))).all()


async def statements(session: AsyncSession, guild_id: int) -> Sequence[PublishedStatement]:
    """Return every published version of a server, oldest first."""
    query = select(PublishedStatement).where(PublishedStatement.guild_id == guild_id)
    return (await session.scalars(query.order_by(PublishedStatement.id))).all()


async def payments(session: AsyncSession, guild_id: int) -> Sequence[Payment]:
    """Return the standing payments of a server."""
    query = select(Payment).where(Payment.guild_id == guild_id, Payment.taken_back_at.is_(None))
    return (await session.scalars(query.order_by(Payment.id))).all()


async def broken_keys(session: AsyncSession) -> list[str]:
    """Return what SQLite's own check of foreign keys finds; other databases never let it happen."""
    if session.get_bind().dialect.name != "sqlite":
        return []
    found: dict[tuple[str, str], int] = {}
    for table, _, parent, _ in await session.execute(text("PRAGMA foreign_key_check")):
        found[table, parent] = found.get((table, parent), 0) + 1
    return [
        f"{number} rows of {table} refer to a row of {parent} that is not there"
        for (table, parent), number in sorted(found.items())
    ]


async def astray(session: AsyncSession) -> list[Astray]:
    """Return rows that refer to what is not there, and rows of one server under another's."""
    found = []
    for reference in REFERENCES:
        for guild_id, number in await session.execute(_missing(reference)):
            found.append(
                Astray(
                    guild_id, reference.table.__tablename__, reference.other.__tablename__, number
                )
            )
    for table, parent, query in _elsewhere():
        for guild_id, number in await session.execute(query):
            found.append(Astray(guild_id, table, f"{parent} of this server", number))
    return found


def _missing(reference: Reference) -> Select[Any]:
    child, other = core(reference.table), core(reference.other).alias("other")
    rounds = core(Round).alias("its_round")
    has_server = "guild_id" in child.c
    guild = child.c.guild_id if has_server else rounds.c.guild_id
    columns = [guild if name == "guild_id" else child.c[name] for name in reference.columns]
    pairs: list[ColumnElement[bool]] = [
        other.c[key] == column for key, column in zip(reference.keys, columns, strict=True)
    ]
    query = select(guild, func.count()).select_from(child)
    if not has_server:
        query = query.join(rounds, rounds.c.id == child.c.round_id)
    given = [column.is_not(None) for column in columns]
    return query.where(*given, ~exists().where(and_(*pairs))).group_by(guild)


def _elsewhere() -> Iterator[tuple[str, str, Select[Any]]]:
    """Yield a query for each foreign key between tables that both say of which server they are."""
    for table in Table.metadata.sorted_tables:
        for key in (key for column in table.c for key in column.foreign_keys):
            parent = key.column.table
            if "guild_id" in table.c and "guild_id" in parent.c:
                yield table.name, parent.name, _of_another(table, key.parent, parent)


def _of_another(table: CoreTable, column: ColumnElement[Any], parent: Any) -> Select[Any]:
    above = parent.alias("above")
    return (
        select(table.c.guild_id, func.count())
        .select_from(table.join(above, above.c.id == column))
        .where(above.c.guild_id != table.c.guild_id)
        .group_by(table.c.guild_id)
    )
