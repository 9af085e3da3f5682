"""The record: an append-only chain of rows, each holding the hash of the one before.

A row's hash is the SHA-256 over the canonical JSON of everything else in it, so that no row can be
changed, removed or put in between without changing every hash after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from bot.domain.canonical import sha256, spell

GENESIS = "0" * 64


class Row(Struct, frozen=True):
    """One act: who did what to what, when, and the hash that ties it to the row before."""

    number: int
    time: str
    actor: str
    acting_for: str
    action: str
    subject: str
    data: Mapping[str, Any]
    previous: str
    hash: str

    def as_json(self) -> dict[str, Any]:
        """Return the row as it stands in a bundle."""
        return {**_content(self), "hash": self.hash}


def next_row(
    last: tuple[int, str] | None,
    *,
    at: datetime,
    actor: int | None,
    action: str,
    subject: str,
    data: Mapping[str, Any],
    acting_for: int | None = None,
) -> Row:
    """Return the row that follows the last one (its number and hash; None at the beginning)."""
    number, previous = last or (0, GENESIS)
    content: dict[str, Any] = {
        "number": number + 1,
        "time": spell(at),
        "actor": "" if actor is None else str(actor),
        "acting_for": "" if acting_for is None else str(acting_for),
        "action": action,
        "subject": subject,
        "data": data,
        "previous": previous,
    }
    return Row(**content, hash=sha256(content))


def row_hash(content: Mapping[str, Any]) -> str:
    """Return the hash of a row from its content, whatever it says its own hash is."""
    return sha256({key: value for key, value in content.items() if key != "hash"})


def read_row(document: Mapping[str, Any]) -> Row:
    """Read a row of a bundle; an odd shape is a `ValueError`."""
    expected = set(Row.__struct_fields__)
    if set(document) != expected:
        raise ValueError(f"a record row has the fields {', '.join(sorted(expected))}")
    return Row(**document)


def chain_faults(rows: Iterable[Row], before: str) -> list[str]:
    """Return what is wrong with a part of the chain that follows the hash `before`."""
    faults = []
    previous, number = before, None
    for row in rows:
        if row_hash(_content(row)) != row.hash:
            faults.append(f"record row {row.number}: its content does not give its hash")
        if row.previous != previous:
            faults.append(f"record row {row.number}: it does not follow the row before it")
        if number is not None and row.number != number + 1:
            faults.append(f"record row {row.number}: it comes after row {number}")
        previous, number = row.hash, row.number
    return faults


def _content(row: Row) -> dict[str, Any]:
    return {
        "number": row.number,
        "time": row.time,
        "actor": row.actor,
        "acting_for": row.acting_for,
        "action": row.action,
        "subject": row.subject,
        "data": row.data,
        "previous": row.previous,
    }
