"""Where SQLite and PostgreSQL speak differently: insertions with conflicts, and packed rows.

Many rows are one bound value, a JSON array of arrays that the database unpacks: one statement
without a parameter for each field costs a fraction of a list of parameters, may say which rows it
changed, and knows no limit of parameters.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Table,
    bindparam,
    cast,
    column,
    func,
    insert,
    type_coerce,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.types import Text, TypeEngine

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

WHOLE, TEXT, FLAG = BigInteger(), Text(), Boolean()


def pack(rows: Iterable[Sequence[Any]]) -> str:
    """Write rows of integers, texts, booleans and nulls down as one value."""
    return json.dumps(list(rows), separators=(",", ":"))


def unpacked(
    name: str, types: Sequence[TypeEngine[Any]], *, dialect: str
) -> tuple[Any, list[ColumnElement[Any]]]:
    """Return the rows of a packed parameter as something to select from, and their fields."""
    if dialect == "postgresql":
        from sqlalchemy.dialects.postgresql import JSONB  # only where it is used

        rows = func.jsonb_array_elements(cast(bindparam(name, type_=Text()), JSONB)).table_valued(
            column("value", JSONB), name=f"{name}_rows"
        )
        return rows, [cast(rows.c.value[number].astext, kind) for number, kind in enumerate(types)]
    rows = func.json_each(bindparam(name, type_=Text())).table_valued("value", name=f"{name}_rows")
    return rows, [
        type_coerce(func.json_extract(rows.c.value, f"$[{number}]"), kind)
        for number, kind in enumerate(types)
    ]


def inserting(session: AsyncSession, table: Table) -> Any:
    """Return an INSERT that may say what happens on a conflict."""
    return insert_into(table, session.get_bind().dialect.name)


def insert_into(table: Table, dialect: str) -> Any:
    """Return an INSERT of one kind of database that may say what happens on a conflict."""
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql  # only where it is used

        return postgresql.insert(table)
    return sqlite.insert(table)


def new_row(table: Table, *generated: str) -> Any:
    """Return the statement that adds a row: each column by its name, but for those `generated`."""
    columns = [column for column in table.columns if column.name not in generated]
    return insert(table).values({c.name: bindparam(c.name, type_=c.type) for c in columns})
