"""What people say of an entry: too low, fair or too high. It is shown, and changes no amount."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct


class Opinion(StrEnum):
    """What somebody thinks of the time that an entry claims."""

    LOW = "low"
    FAIR = "fair"
    HIGH = "high"

    @property
    def words(self) -> str:
        """The opinion as people read it."""
        return {"low": "too low", "fair": "fair", "high": "too high"}[self.value]


class Said(Struct, frozen=True):
    """One person's opinion; a claimant has entries in the same round."""

    user_id: int
    opinion: Opinion
    is_claimant: bool


class Count(Struct, frozen=True):
    """How many say the same of an entry, and how many of them are claimants."""

    opinion: Opinion
    count: int
    claimants: int


def tally(said: Iterable[Said]) -> tuple[Count, ...]:
    """Return how many say what, from too low to too high; what nobody says is left out."""
    opinions = list(said)
    counts = (
        Count(
            opinion,
            sum(each.opinion is opinion for each in opinions),
            sum(each.opinion is opinion and each.is_claimant for each in opinions),
        )
        for opinion in Opinion
    )
    return tuple(count for count in counts if count.count)
