"""The hours bounty: time at a rate, under a cap and a largest share for one person."""

from __future__ import annotations

from collections.abc import Mapping
from math import gcd

from msgspec import Struct

from bot.domain.split import largest_remainder

_HOUR = 60
_WHOLE_BP = 10_000


class Bounty(Struct, frozen=True):
    """What each person gets, in smallest units, and the figures that explain it.

    A person's exact share is min(largest_part, scale x need). `scale` is (numerator, denominator)
    in lowest terms, (1, 1) unless `scaled`; `capped` are those who would get more than
    `largest_part` without it.
    """

    parts: dict[int, int]
    budget: int
    largest_part: int
    scaled: bool
    scale: tuple[int, int]
    capped: frozenset[int]


def largest_part(cap: int, share_bp: int) -> int:
    """The most that one person may get: the share (basis points) of the cap, rounded down."""
    return cap * share_bp // _WHOLE_BP


def needed(minutes: int, *, rate: int) -> int:
    """What the time alone would give at `rate` per hour, rounded down; for explanations."""
    return rate * minutes // _HOUR


def hours_bounty(
    minutes: Mapping[int, int], *, rate: int, cap: int, share_bp: int = _WHOLE_BP
) -> Bounty:
    """Divide at most `cap` among people by their minutes, nobody above the largest part L.

    A need is rate x minutes / 60, exact. The scale s is the largest in (0, 1] for which the sum of
    min(L, s x need) is at most the cap; that sum, rounded down, is the budget, and the parts are
    those shares rounded by largest remainder. So s is 1 below the cap, a cap of 0 pays 0, and what
    L withholds from some goes to the others only while the cap binds. All amounts are smallest
    units. ValueError for negative input or a share above 100 %.
    """
    if min(rate, cap, share_bp, *minutes.values()) < 0 or share_bp > _WHOLE_BP:
        raise ValueError("minutes, rate and cap cannot be negative; a share is at most 10000")
    limit = largest_part(cap, share_bp)
    # In sixtieths of the smallest unit everything is whole until the scale comes in.
    needs = {key: rate * spent for key, spent in minutes.items()}
    shares = {key: min(limit * _HOUR, need) for key, need in needs.items()}
    total = sum(shares.values())
    if total <= cap * _HOUR:
        budget = total // _HOUR
        return Bounty(
            parts=largest_remainder(shares, _HOUR, budget),
            budget=budget,
            largest_part=limit,
            scaled=False,
            scale=(1, 1),
            capped=frozenset(key for key, need in needs.items() if need > limit * _HOUR),
        )
    money, need_of_rest = _scale(sorted(needs.values(), reverse=True), cap=cap, limit=limit)
    shares = {key: min(limit * need_of_rest, money * need) for key, need in needs.items()}
    common = gcd(money * _HOUR, need_of_rest)
    return Bounty(
        parts=largest_remainder(shares, need_of_rest, cap),
        budget=cap,
        largest_part=limit,
        scaled=True,
        scale=(money * _HOUR // common, need_of_rest // common),
        capped=frozenset(key for key, need in needs.items() if money * need > limit * need_of_rest),
    )


def _scale(descending: list[int], *, cap: int, limit: int) -> tuple[int, int]:
    """What is left for those below the limit, and their needs together (in sixtieths).

    The largest needs are set to the limit one by one; each raises the scale of the others, so the
    first that stays within the limit ends it. One always does: if nobody did, the limits together
    would fit into the cap, and nothing would be scaled.
    """
    money, needs, held = cap, sum(descending), 0
    while money * descending[held] > limit * needs:
        money -= limit
        needs -= descending[held]
        held += 1
    return money, needs
