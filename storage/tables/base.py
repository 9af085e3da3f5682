"""Column types and the base of all tables.

Annotations of tables are no texts: SQLAlchemy reads them at every start, and would evaluate each.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Dialect, Index, Integer, MetaData, TypeDecorator, text
from sqlalchemy import Table as CoreTable
from sqlalchemy.orm import DeclarativeBase, mapped_column

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

Key = BigInteger().with_variant(Integer, "sqlite")
"""A generated number: SQLite generates only for its own INTEGER."""


WHERE = "where"
"""Under which name an index keeps its condition."""


def microseconds(instant: datetime) -> int:
    """Return an aware instant as it is stored."""
    return (instant - EPOCH) // MICROSECOND


def instant(stored: int) -> datetime:
    """Return a stored instant as an aware one."""
    return EPOCH + stored * MICROSECOND


class Instant(TypeDecorator[datetime]):
    """An aware instant, stored as microseconds since 1970 in UTC: exact on every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Turn an aware instant into microseconds."""
        return None if value is None else microseconds(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Turn microseconds into an aware UTC instant."""
        return None if value is None else instant(value)


class Table(DeclarativeBase):
    """The base of all tables."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {int: BigInteger, datetime: Instant}  # noqa: RUF012 - read once


def core(table: type[Table]) -> CoreTable:
    """Return a table without its objects, for statements about many rows."""
    found = table.__table__
    assert isinstance(found, CoreTable)
    return found


def partial_index(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """Return an index of the rows for which a condition holds.

    To name PostgreSQL here would load what speaks to it into every program: see `complete`.
    """
    options: dict[str, Any] = {"sqlite_where": text(where)}
    return Index(name, *columns, unique=unique, info={WHERE: where}, **options)


def complete(metadata: MetaData) -> MetaData:
    """Give partial indexes their condition on PostgreSQL too, and return what they belong to."""
    for table in metadata.tables.values():
        for index in table.indexes:
            if WHERE in index.info:
                index.dialect_options["postgresql"]["where"] = text(index.info[WHERE])
    return metadata


def key() -> Any:
    """Return a generated primary key."""
    return mapped_column(Key, primary_key=True, autoincrement=True)
