"""Column types and the base of all tables.

A table is described once, by the annotations of its class. That makes a Core table, which is all
that a start and prepared statements need; objects of rows come with `storage.sessions`, when the
first session begins.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    TypeDecorator,
    text,
)
from sqlalchemy import Table as CoreTable

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


TYPES = {
    f"Mapped[{kind.__name__}{optional}]": (stored, bool(optional))
    for kind, stored in (
        (int, BigInteger()),
        (str, String()),
        (bool, Boolean()),
        (date, Date()),
        (datetime, Instant()),
    )
    for optional in ("", " | None")
}
"""What an annotation says of a column: its type, and whether it may be null."""


class Described(NamedTuple):
    """What the annotation of a column does not say."""

    kind: Any
    rules: tuple[Any, ...]
    options: dict[str, Any]


def column(*rules: Any, type_: Any = None, **options: Any) -> Any:
    """Say of a column what its annotation does not, in the words of `sqlalchemy.Column`."""
    return Described(type_, rules, options)


class Table:
    """The base of all tables.

    Each annotation `Mapped[...]` of a subclass is a column. Until there are objects, the attributes
    of the class are the columns of the Core table.
    """

    metadata: ClassVar[MetaData] = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    __tablename__: ClassVar[str]
    __table_args__: ClassVar[tuple[Any, ...]] = ()
    __table__: ClassVar[CoreTable]
    if TYPE_CHECKING:

        def __init__(self, **values: Any) -> None: ...

    def __init_subclass__(cls, *, with_rowid: bool = True) -> None:
        """Make the Core table; without rowid it is clustered by its key on SQLite."""
        options: dict[str, Any] = {} if with_rowid else {"sqlite_with_rowid": False}
        table = cls.__table__ = CoreTable(
            cls.__tablename__, Table.metadata, *_columns(cls), *cls.__table_args__, **options
        )
        for each in table.columns:
            setattr(cls, each.key, each)


def _columns(cls: type[Table]) -> Iterator[Column[Any]]:
    for name, said in cls.__annotations__.items():
        kind, is_optional = TYPES[said]
        given, rules, options = cls.__dict__.get(name) or Described(None, (), {})
        if given is None and not any(isinstance(rule, ForeignKey) for rule in rules):
            given = kind  # a reference is of the type of what it refers to
        made = Column(given, *rules, nullable=is_optional, **options)
        made.key = made.name = name  # plain strings, so that they are keys of JSON too
        yield made


def core(table: type[Table]) -> CoreTable:
    """Return a table without its objects, for statements about many rows."""
    return table.__table__


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
    return column(type_=Key, primary_key=True, autoincrement=True)
