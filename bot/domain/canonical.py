"""One spelling of every value: what is hashed, signed off and compared.

Canonical JSON: UTF-8, keys sorted by code point, no spaces, integers only. Two documents with the
same content have the same bytes, whatever program wrote them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

SLICE = 500
"""So much of a list or an object is spelled at once: other threads stand still meanwhile."""

_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def canonical(value: object) -> bytes:
    """Return the canonical JSON of a value made of objects, lists, strings, integers and null.

    Raises `ValueError` for a float or anything else without one spelling.
    """
    is_small = _size(value) <= SLICE
    return (_ENCODER.encode(value) if is_small else "".join(_pieces(value))).encode()


def sha256(value: object) -> str:
    """Return the SHA-256 of the canonical JSON of a value, in hexadecimal."""
    return hashlib.sha256(canonical(value)).hexdigest()


def digest(salt: str, text: str) -> str:
    """Return the salted digest under which an erasable text enters the record."""
    return hashlib.sha256(f"{salt}\n{text}".encode()).hexdigest()


def spell(instant: datetime) -> str:
    """Spell an aware instant in UTC with microseconds: `2026-03-30T00:00:00.000000Z`."""
    return f"{instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def _pieces(value: object, *, levels: int = 3) -> Iterator[str]:
    """The canonical JSON in pieces; `levels` is how far down large parts are looked for."""
    match value:
        case list() | tuple() if len(value) > SLICE:
            yield from _sliced("[", map(list, _slices(value)), "]")
        case dict() if len(value) > SLICE:
            yield from _sliced("{", map(dict, _slices(sorted(value.items()))), "}")
        case dict() if value and levels:
            before = "{"
            for key, item in sorted(value.items()):
                yield f"{before}{_ENCODER.encode(key)}:"
                yield from _pieces(item, levels=levels - 1)
                before = ","
            yield "}"
        case _:
            yield _ENCODER.encode(value)


def _sliced(opening: str, parts: Iterable[object], closing: str) -> Iterator[str]:
    for part in parts:
        yield f"{opening}{_ENCODER.encode(part)[1:-1]}"
        opening = ","
    yield closing


def _slices(items: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while part := list(islice(rest, SLICE)):
        yield part


def _size(value: object) -> int:
    """Return how many parts a value has; `ValueError` for what has no one spelling.

    Half a character has no UTF-8 and is a `ValueError` where the text is encoded.
    """
    match value:
        case str() | None | bool() | int():
            return 1
        case list() | tuple():
            return 1 + sum(map(_size, value))
        case dict():
            for key in value:
                if not isinstance(key, str):
                    raise ValueError(f"a key that is no text: {key!r}")  # noqa: TRY004
            return 1 + sum(map(_size, value.values()))
        case _:
            raise ValueError(f"no canonical form for {type(value).__name__}")
