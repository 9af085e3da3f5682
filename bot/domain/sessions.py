"""Sessions of writing: how long somebody was visibly there, from the times of their messages.

It is an estimate beside what is claimed, and pays nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec import Struct

GAP = timedelta(minutes=15)
"""A message that comes so long after the one before it opens a new session."""
BASE = timedelta(minutes=3)
"""What a session is worth beyond its first and last message: reading, and writing the first."""


class Visible(Struct, frozen=True):
    """Time that somebody was visibly there, in whole minutes: without and with a base."""

    low: int
    high: int
    sessions: int


def sessions(instants: Iterable[datetime]) -> list[tuple[datetime, datetime]]:
    """Return first and last message of every session, in order.

    A gap of less than 15 minutes continues a session; the message that breaks one opens the next.
    """
    found: list[tuple[datetime, datetime]] = []
    for at in sorted(instants):
        if found and at - found[-1][1] < GAP:
            found[-1] = found[-1][0], at
        else:
            found.append((at, at))
    return found


def worked(instants: Iterable[datetime], *, base: timedelta = BASE) -> timedelta:
    """Return the time of all sessions: last - first + base for each."""
    return sum((last - first + base for first, last in sessions(instants)), timedelta(0))


def visible(instants: Iterable[datetime], *, base: timedelta = BASE) -> Visible:
    """Return the range between no base and this one, rounded down to the minute."""
    times = list(instants)
    minute = timedelta(minutes=1)
    return Visible(
        low=worked(times, base=timedelta(0)) // minute,
        high=worked(times, base=base) // minute,
        sessions=len(sessions(times)),
    )
