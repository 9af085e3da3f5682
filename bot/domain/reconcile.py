"""Reconciliation: what Discord shows against what is stored, and what to look at when.

Missed events are never told again, so every emoji of an open round is looked at once an hour and
whenever the bot has connected anew. Once a round has closed, one look that began at the close or
after it decides; there is no other after that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

EVERY = timedelta(hours=1)


class Target(Protocol):
    """Something to look at: when a look at it last began, and when its round closed."""

    @property
    def looked_at(self) -> datetime:
        """When the last look began; before the first, since when there was something to see."""

    @property
    def closed_at(self) -> datetime | None:
        """When the round closed, None while it is open."""


T = TypeVar("T", bound=Target)


def differences(
    stored: Collection[int], seen: Collection[int], ignore: Collection[int] = ()
) -> tuple[set[int], set[int]]:
    """Return who was found and who is gone, without those to ignore.

    Beside two sets it costs one look-up for each of them: Python's own loops do the rest.
    """
    gone = set(stored)
    gone.difference_update(seen)
    found = set(seen)
    found.difference_update(stored)
    found.difference_update(ignore)
    gone.difference_update(ignore)
    return found, gone


def is_due(target: Target, *, now: datetime, ready_at: datetime | None) -> bool:
    """Whether to look at something now; `ready_at` is when the bot last connected anew."""
    if target.closed_at is not None:
        return target.looked_at < target.closed_at
    if ready_at is not None and target.looked_at < ready_at:
        return True
    return now - target.looked_at >= EVERY


def due(targets: Iterable[T], *, now: datetime, ready_at: datetime | None) -> list[T]:
    """Return what is to be looked at: closed rounds first, then what waited for longest."""
    wanted = [target for target in targets if is_due(target, now=now, ready_at=ready_at)]
    return sorted(wanted, key=lambda target: (target.closed_at is None, target.looked_at))


def is_complete(targets: Iterable[Target]) -> bool:
    """Whether everything of closed rounds was looked at since their close."""
    return all(
        target.closed_at is None or target.looked_at >= target.closed_at for target in targets
    )
