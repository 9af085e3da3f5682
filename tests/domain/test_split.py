from __future__ import annotations

import csv
import random
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.money import format_amount
from bot.domain.split import largest_remainder, split

DATA = Path(__file__).parents[1] / "data"
WEIGHTS = st.dictionaries(
    st.integers(min_value=1, max_value=2**63),
    st.integers(0, 9) | st.integers(0, 10**15),
    max_size=30,
)
TOTALS = st.integers(0, 1000) | st.integers(0, 2**63 - 1)


def exact_rounding(shares: dict[int, Fraction], budget: int) -> dict[int, int]:
    """The rule word by word, with rational numbers."""
    parts = {key: share.numerator // share.denominator for key, share in shares.items()}
    in_turn = sorted(shares, key=lambda key: (parts[key] - shares[key], key))
    for key in in_turn[: budget - sum(parts.values())]:
        parts[key] += 1
    return parts


def exact_split(total: int, weights: dict[int, int]) -> dict[int, int]:
    whole = sum(weights.values())
    return exact_rounding(
        {key: Fraction(total * weight, whole) for key, weight in weights.items()}, total
    )


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    (
        (100, {1: 1, 2: 1, 3: 1}, {1: 34, 2: 33, 3: 33}),
        (100, {3: 1, 2: 1, 1: 1}, {1: 34, 2: 33, 3: 33}),
        (101, {7: 1, 5: 1, 6: 1}, {5: 34, 6: 34, 7: 33}),
        (10, {1: 1, 2: 2}, {1: 3, 2: 7}),
        (1, {1: 1, 2: 2}, {1: 0, 2: 1}),
        (10, {1: 0, 2: 5}, {1: 0, 2: 10}),
        (10, {1: 0, 2: 0}, {1: 0, 2: 0}),
        (0, {1: 3, 2: 4}, {1: 0, 2: 0}),
        (10, {}, {}),
    ),
)
def test_the_rest_goes_to_the_largest_remainders_and_ties_to_the_lower_id(
    total: int, weights: dict[int, int], parts: dict[int, int]
) -> None:
    assert split(total, weights) == parts


@pytest.mark.parametrize(("total", "weights"), ((-1, {1: 1}), (1, {1: -1, 2: 3}), (-1, {})))
def test_nothing_negative_can_be_split(total: int, weights: dict[int, int]) -> None:
    with pytest.raises(ValueError, match="negative"):
        split(total, weights)


def test_a_department_of_phala_gets_what_its_scores_say() -> None:
    rows = list(csv.DictReader((DATA / "phala_department_scores.csv").open(encoding="utf-8")))
    parts = split(21_000_00, {int(row["member"]): int(row["score"]) for row in rows})
    assert [format_amount(part, decimals=2) for part in parts.values()] == [
        row["expected"] for row in rows
    ]


@given(TOTALS, WEIGHTS)
def test_the_parts_are_the_rounded_shares_and_add_up(total: int, weights: dict[int, int]) -> None:
    parts = split(total, weights)
    assert parts.keys() == weights.keys()
    if any(weights.values()):
        assert sum(parts.values()) == total
        assert parts == exact_split(total, weights)
    assert all(parts[key] == 0 for key, weight in weights.items() if weight == 0)


@given(TOTALS, WEIGHTS, st.randoms(use_true_random=False))
def test_the_order_of_people_is_irrelevant(
    total: int, weights: dict[int, int], source: random.Random
) -> None:
    shuffled = list(weights.items())
    source.shuffle(shuffled)
    assert split(total, dict(shuffled)) == split(total, weights)


@given(TOTALS, WEIGHTS)
def test_who_has_more_weight_never_gets_less(total: int, weights: dict[int, int]) -> None:
    parts = split(total, weights)
    in_turn = sorted(weights, key=lambda key: (weights[key], parts[key]))
    assert [parts[key] for key in in_turn] == sorted(parts.values())


@pytest.mark.parametrize(
    ("total", "heaviest"),
    ((1, 3), (9_999, 1), (21_000_00, 50_000), (10**12 + 7, 3), (2**63 - 1, 10**15)),
)
def test_ten_thousand_people_are_exact(total: int, heaviest: int) -> None:
    source = random.Random(7)
    weights = {key: source.randint(0, heaviest) for key in source.sample(range(2**60), 10_000)}
    assert split(total, weights) == exact_split(total, weights)


@pytest.mark.parametrize("left", (1, 2_500, 4_999))
@pytest.mark.parametrize("sampled_are_larger", (False, True))
def test_a_sample_that_is_unlike_the_rest_misleads_nobody(
    left: int, *, sampled_are_larger: bool
) -> None:
    # Of five thousand remainders every second is looked at first: these lie apart from the others.
    numerators = {
        key: key + 1 + 20_000 * ((key % 2 == 0) == sampled_are_larger) for key in range(5_000)
    }
    shares = {key: Fraction(numerator, 40_000) for key, numerator in numerators.items()}
    assert largest_remainder(numerators, 40_000, left) == exact_rounding(shares, left)


@pytest.mark.parametrize(
    ("numerators", "denominator", "budget", "parts"),
    (
        ({1: 5, 2: 5}, 2, 5, {1: 3, 2: 2}),
        ({1: 5, 2: 5}, 2, 4, {1: 2, 2: 2}),
        ({1: 5, 2: 5}, 2, 6, {1: 3, 2: 3}),
        ({1: 4, 2: 5}, 2, 5, {1: 2, 2: 3}),
        ({1: 4, 2: 6}, 2, 5, {1: 2, 2: 3}),
        ({}, 2, 0, {}),
    ),
)
def test_exact_shares_round_to_a_budget(
    numerators: dict[int, int], denominator: int, budget: int, parts: dict[int, int]
) -> None:
    assert largest_remainder(numerators, denominator, budget) == parts


@pytest.mark.parametrize(
    ("numerators", "budget"),
    (({1: 5, 2: 5}, 3), ({1: 5, 2: 5}, 7), ({1: 4, 2: 5}, 6), ({1: 4}, 3), ({}, 1), ({}, -1)),
)
def test_a_budget_that_is_no_rounding_of_the_shares_is_an_error(
    numerators: dict[int, int], budget: int
) -> None:
    with pytest.raises(ValueError, match="not a rounding"):
        largest_remainder(numerators, 2, budget)
