"""Ceasing somebody's payments: when a vote is decided, and when what was decided is final.

A majority is counted of the seats that the committee has, whoever votes: somebody who is
concerned, or stays silent, takes nothing from it. With 9 seats 5 yes are needed, and 4 never do.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

LAST_SECOND = timedelta(seconds=1)
STILL_ARRIVING = timedelta(minutes=1)
"""For how long after a deadline something pressed in time may still be on its way."""
LATE_AFTER = timedelta(minutes=10)


class Kind(StrEnum):
    """What the committee is asked: to cease somebody's payments, or to resume them."""

    CEASE = "cease"
    REINSTATE = "reinstate"


class State(StrEnum):
    """What became of a proposal; one is moot where its end was reached in another way."""

    OPEN = "open"
    CARRIED = "carried"
    FAILED = "failed"
    LAPSED = "lapsed"
    MOOT = "moot"


class Waiting(Struct, frozen=True):
    """A proposal or suspension that ends after `until`; not while a dispute about it is open."""

    key: int
    until: datetime
    is_disputed: bool = False


class Ended(Struct, frozen=True):
    """A proposal or suspension whose time is over, and whether that is noticed late."""

    key: int
    due_at: datetime
    late: bool


def needed(seats: int) -> int:
    """Return how many yes make a majority of the seats."""
    return seats // 2 + 1


def decided(*, yes: int, no: int, seats: int) -> State:
    """Return what the votes come to: carried, failed once it cannot be carried, else open."""
    if yes * 2 > seats:
        return State.CARRIED
    return State.FAILED if (seats - no) * 2 <= seats else State.OPEN


def in_time(at: datetime, until: datetime) -> bool:
    """Whether something was pressed by a deadline, the whole of its last second included."""
    return at < until + LAST_SECOND


def over(waiting: Sequence[Waiting], now: datetime) -> list[Ended]:
    """Return what has ended, oldest first, once nothing pressed in time can arrive any more."""
    ended = [
        Ended(one.key, one.until, now - one.until > LATE_AFTER)
        for one in waiting
        if not one.is_disputed and now >= one.until + STILL_ARRIVING
    ]
    return sorted(ended, key=lambda one: (one.due_at, one.key))
