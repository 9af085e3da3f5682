"""One spelling of every value: what is hashed, signed off and compared.

Canonical JSON: UTF-8, keys sorted by code point, no spaces, integers only. Two documents with the
same content have the same bytes, whatever program wrote them.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime


def canonical(value: object) -> bytes:
    """Return the canonical JSON of a value made of objects, lists, strings, integers and null.

    Raises `ValueError` for a float or anything else without one spelling.
    """
    _require_exact(value)
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode()


def sha256(value: object) -> str:
    """Return the SHA-256 of the canonical JSON of a value, in hexadecimal."""
    return hashlib.sha256(canonical(value)).hexdigest()


def digest(salt: str, text: str) -> str:
    """Return the salted digest under which an erasable text enters the record."""
    return hashlib.sha256(f"{salt}\n{text}".encode()).hexdigest()


def spell(instant: datetime) -> str:
    """Spell an aware instant in UTC with microseconds: `2026-03-30T00:00:00.000000Z`."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _require_exact(value: object) -> None:
    match value:
        case None | bool() | int():
            return
        case str():
            value.encode()  # a lone surrogate has no UTF-8 and raises a ValueError
        case list() | tuple():
            for item in value:
                _require_exact(item)
        case dict():
            for key, item in value.items():
                if not isinstance(key, str):
                    raise ValueError(f"a key that is no text: {key!r}")  # noqa: TRY004
                _require_exact(key)
                _require_exact(item)
        case _:
            raise ValueError(f"no canonical form for {type(value).__name__}")
