"""When a backup is due, and which copies are more than enough."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

NAME = re.compile(r"stipend-[0-9]{8}T[0-9]{6}Z\.db")
RETRY = timedelta(hours=1)


def is_due(*, newest: datetime | None, failed: datetime | None, now: datetime) -> bool:
    """Whether a backup is due: there is none yet of this day in UTC.

    `newest` is when the newest copy was verified, `failed` when the last try came to nothing: the
    next one follows an hour later. Instants in the future are of a clock that was wrong.
    """
    if failed is not None and timedelta() <= now - failed < RETRY:
        return False
    return newest is None or newest.date() != now.date()


def name_of(at: datetime) -> str:
    """Return the name of a copy; in order of the alphabet they are in order of time."""
    return f"stipend-{at:%Y%m%dT%H%M%SZ}.db"


def surplus(names: Iterable[str], *, keep: int) -> list[str]:
    """Return the copies that are older than the newest `keep`; other files are none of them."""
    copies = sorted((name for name in names if NAME.fullmatch(name)), reverse=True)
    return copies[max(keep, 1) :]
