"""Dividing a whole number of units among people, exactly: the method of largest remainders."""

from __future__ import annotations

from collections.abc import Mapping

_SAMPLE = 2048
_MARGIN = 128


def split(total: int, weights: Mapping[int, int]) -> dict[int, int]:
    """Divide `total` units by weight: floors first, then the rest one each by larger remainder.

    Ties go to the lower id, so the order of `weights` is irrelevant. Every id of `weights` is in
    the result, weight 0 with 0. The parts add up to `total`, except that nobody gets anything
    where all weights are 0. ValueError if the total or a weight is negative.
    """
    if total < 0 or min(weights.values(), default=0) < 0:
        raise ValueError("a total and weights cannot be negative")
    whole = sum(weights.values())
    if not whole:
        return dict.fromkeys(weights, 0)
    return _round(weights, [total * weight for weight in weights.values()], whole, total)


def largest_remainder(
    numerators: Mapping[int, int], denominator: int, budget: int
) -> dict[int, int]:
    """Round the exact shares numerator/denominator to whole units that add up to `budget`.

    Each part is its share's floor or ceiling; larger remainders go up first, ties by lower id.
    ValueError where the budget is below the sum of the floors or above that of the ceilings.
    """
    return _round(numerators, list(numerators.values()), denominator, budget)


def _round(
    ids: Mapping[int, int], numerators: list[int], denominator: int, budget: int
) -> dict[int, int]:
    """Lists beside the ids, in their order: a dictionary per step would double the time."""
    floors = [numerator // denominator for numerator in numerators]
    left = budget - sum(floors)
    if left == 0:
        return dict(zip(ids, floors, strict=True))
    remainders = [numerator % denominator for numerator in numerators]
    last = _nth_largest(remainders, left) if 0 < left <= len(remainders) else 0
    if last == 0:
        raise ValueError("the budget is not a rounding of these shares")
    parts = {
        key: floor + 1 if remainder > last else floor
        for key, floor, remainder in zip(ids, floors, remainders, strict=True)
    }
    ties = sorted(key for key, remainder in zip(ids, remainders, strict=True) if remainder == last)
    for key in ties[: budget - sum(parts.values())]:
        parts[key] += 1
    return parts


def _nth_largest(values: list[int], rank: int) -> int:
    """The value at `rank` (from 1) of the descending order.

    Sorting a million remainders costs more than computing them: a sorted sample tells between
    which two values the wanted one should be, and only those are sorted. Where the sample
    misleads, all are: it decides the time, never the result.
    """
    step = len(values) // _SAMPLE
    if step > 1:
        sample = sorted(values[::step], reverse=True)
        middle = rank // step
        high = sample[middle - _MARGIN] if middle >= _MARGIN else max(values)
        low = sample[middle + _MARGIN] if middle + _MARGIN < len(sample) else 0
        above = sum([1 for value in values if value > high])
        band = [value for value in values if low <= value <= high]
        if above < rank <= above + len(band):
            values, rank = band, rank - above
    return sorted(values)[-rank]
