"""One spelling of every value: what is hashed, signed off and compared.

Canonical JSON: UTF-8, keys sorted by code point, no spaces, integers only. Two documents with the
same content have the same bytes, whatever program wrote them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypeVar

from msgspec.json import Encoder

T = TypeVar("T")

SLICE = 500
"""So much of a list or an object is spelled at once: other threads stand still meanwhile."""

_SCALARS = (str, int, type(None))


def _as_built_in(value: Any) -> str | int:
    """Return a text or number without what a type of its own adds to it."""
    return str.__str__(value) if isinstance(value, str) else int.__int__(value)


_ENCODER = Encoder(order="sorted", enc_hook=_as_built_in)


def canonical(value: object) -> bytes:
    """Return the canonical JSON of a value made of objects, lists, strings, integers and null.

    Raises `ValueError` for a float or anything else without one spelling.
    """
    is_small = _size(value) <= SLICE
    return _ENCODER.encode(value) if is_small else b"".join(_pieces(value))


def sha256(value: object) -> str:
    """Return the SHA-256 of the canonical JSON of a value, in hexadecimal."""
    return hashlib.sha256(canonical(value)).hexdigest()


def digest(salt: str, text: str) -> str:
    """Return the salted digest under which an erasable text enters the record."""
    return hashlib.sha256(f"{salt}\n{text}".encode()).hexdigest()


def spell(instant: datetime) -> str:
    """Spell an aware instant in UTC with microseconds: `2026-03-30T00:00:00.000000Z`."""
    return f"{instant.astimezone(UTC).isoformat(timespec='microseconds')[: -len('+00:00')]}Z"


def _pieces(value: object, *, levels: int = 3) -> Iterator[bytes]:
    """The canonical JSON in pieces; `levels` is how far down large parts are looked for."""
    match value:
        case list() | tuple() if len(value) > SLICE:
            yield from _sliced(b"[", map(list, _slices(value)), b"]")
        case dict() if len(value) > SLICE:
            yield from _sliced(b"{", map(dict, _slices(sorted(value.items()))), b"}")
        case dict() if value and levels:
            before = b"{"
            for key, item in sorted(value.items()):
                yield b"%b%b:" % (before, _ENCODER.encode(key))
                yield from _pieces(item, levels=levels - 1)
                before = b","
            yield b"}"
        case _:
            yield _ENCODER.encode(value)


def _sliced(opening: bytes, parts: Iterable[object], closing: bytes) -> Iterator[bytes]:
    for part in parts:
        yield opening + _ENCODER.encode(part)[1:-1]
        opening = b","
    yield closing


def _slices(items: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while part := list(islice(rest, SLICE)):
        yield part


def _size(value: object) -> int:
    """Return how many parts a value has; `ValueError` for what has no one spelling.

    Half a character has no UTF-8 and is a `ValueError` where the text is encoded.
    """
    if isinstance(value, _SCALARS):
        return 1
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise ValueError(f"a key that is no text: {key!r}")  # noqa: TRY004
        parts: Iterable[object] = value.values()
    elif isinstance(value, (list, tuple)):
        parts = value
    else:
        raise ValueError(f"no canonical form for {type(value).__name__}")  # noqa: TRY004
    return 1 + sum([1 if isinstance(part, _SCALARS) else _size(part) for part in parts])
