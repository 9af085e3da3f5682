from __future__ import annotations

import csv
import random
from fractions import Fraction
from math import ceil, floor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.bounty import hours_bounty, largest_part, needed
from bot.domain.money import format_amount

DATA = Path(__file__).parents[1] / "data"
MINUTES = st.dictionaries(
    st.integers(min_value=1, max_value=2**63),
    st.integers(0, 200) | st.integers(0, 10**6),
    max_size=20,
)
RATES = st.integers(0, 100) | st.integers(0, 10**6)
CAPS = st.integers(0, 1000) | st.integers(0, 10**9)
SHARES = st.sampled_from((0, 1, 2_000, 3_333, 5_000, 10_000)) | st.integers(0, 10_000)


def exact_parts(
    minutes: dict[int, int], *, rate: int, cap: int, share_bp: int
) -> tuple[dict[int, int], Fraction]:
    """The rule word by word, with rational numbers: parts and scale."""
    limit = floor(Fraction(share_bp, 10_000) * cap)
    needs = {key: Fraction(rate * spent, 60) for key, spent in minutes.items()}
    scale = Fraction(1)
    if sum(min(Fraction(limit), need) for need in needs.values()) > cap:
        # The sum bends where a need reaches the limit: between two bends it is a straight line.
        money, rest = Fraction(cap), sum(needs.values(), Fraction())
        for need in sorted(needs.values(), reverse=True):
            scale = money / rest
            if scale * need <= limit:
                break
            money, rest = money - limit, rest - need
    shares = {key: min(Fraction(limit), scale * need) for key, need in needs.items()}
    parts = {key: floor(share) for key, share in shares.items()}
    in_turn = sorted(shares, key=lambda key: (parts[key] - shares[key], key))
    for key in in_turn[: floor(sum(shares.values())) - sum(parts.values())]:
        parts[key] += 1
    return parts, scale


@pytest.mark.parametrize(
    ("minutes", "parts", "scaled"),
    (
        ((7800, 2850, 3675, 2025), (477_07, 174_31, 224_77, 123_85), True),
        ((3600, 1800), (300_00, 150_00), False),
        ((50, 50, 50), (4_17, 4_17, 4_16), False),
        ((12_000,), (1000_00,), False),
        ((12_001,), (1000_00,), False),
        ((0, 60), (0, 5_00), False),
        ((0,), (0,), False),
        ((), (), False),
    ),
)
def test_a_cap_of_1000_at_5_an_hour(
    minutes: tuple[int, ...], parts: tuple[int, ...], scaled: bool
) -> None:
    bounty = hours_bounty(dict(enumerate(minutes, 1)), rate=5_00, cap=1000_00)
    assert tuple(bounty.parts.values()) == parts
    assert bounty.budget == sum(parts)
    assert bounty.scaled is scaled


def test_the_hours_of_rocket_pool_support_give_the_published_split() -> None:
    rows = list(csv.DictReader((DATA / "rocketpool_support_hours.csv").open(encoding="utf-8")))
    minutes = {number: int(row["minutes"]) for number, row in enumerate(rows)}
    bounty = hours_bounty(minutes, rate=30_00, cap=18_000_00)
    assert [format_amount(part, decimals=2) for part in bounty.parts.values()] == [
        row["expected_payout"] for row in rows
    ]
    assert bounty.budget == 18_000_00
    assert Fraction(*bounty.scale) == Fraction(18_000_00 * 60, 30_00 * sum(minutes.values()))


def test_the_largest_share_holds_one_person_back_and_the_others_gain() -> None:
    minutes = {1: 6_000, 2: 600, 3: 600}
    whole = hours_bounty(minutes, rate=10_00, cap=500_00)
    held = hours_bounty(minutes, rate=10_00, cap=500_00, share_bp=5_000)
    assert whole.parts == {1: 416_67, 2: 41_67, 3: 41_66}
    assert whole.capped == frozenset()
    assert held.parts == {1: 250_00, 2: 100_00, 3: 100_00}
    assert (held.largest_part, held.capped) == (250_00, frozenset({1}))
    assert (held.budget, held.scaled, held.scale) == (450_00, False, (1, 1))


def test_what_the_largest_share_withholds_goes_to_the_others_while_the_cap_binds() -> None:
    bounty = hours_bounty({1: 6_000, 2: 4_000, 3: 3_000}, rate=60, cap=9_000, share_bp=4_000)
    assert bounty.parts == {1: 3_600, 2: 3_086, 3: 2_314}
    assert bounty.capped == frozenset({1})
    assert bounty.scale == (27, 35)


def test_two_people_may_reach_the_largest_share() -> None:
    bounty = hours_bounty({1: 500, 2: 400, 3: 50, 4: 50}, rate=60, cap=450, share_bp=4_000)
    assert bounty.parts == {1: 180, 2: 180, 3: 45, 4: 45}
    assert bounty.capped == frozenset({1, 2})
    assert bounty.scale == (9, 10)


def test_who_reaches_the_largest_share_exactly_is_not_held_back() -> None:
    bounty = hours_bounty({1: 100, 2: 50, 3: 50}, rate=60, cap=100, share_bp=5_000)
    assert bounty.parts == {1: 50, 2: 25, 3: 25}
    assert bounty.capped == frozenset()


@pytest.mark.parametrize(
    ("rate", "cap", "share_bp", "capped"),
    ((5_00, 0, 10_000, {1, 2}), (0, 1000_00, 10_000, set()), (5_00, 1000_00, 0, {1, 2})),
)
def test_without_money_nobody_gets_anything(
    rate: int, cap: int, share_bp: int, capped: set[int]
) -> None:
    bounty = hours_bounty({1: 60, 2: 120}, rate=rate, cap=cap, share_bp=share_bp)
    assert bounty.parts == {1: 0, 2: 0}
    assert (bounty.budget, bounty.scaled) == (0, False)
    assert bounty.capped == capped


@pytest.mark.parametrize(
    ("minutes", "rate", "cap", "share_bp"),
    (
        ({1: -1}, 1, 1, 1),
        ({1: 1}, -1, 1, 1),
        ({1: 1}, 1, -1, 1),
        ({}, 1, 1, -1),
        ({}, 1, 1, 10_001),
    ),
)
def test_figures_out_of_range_are_errors(
    minutes: dict[int, int], rate: int, cap: int, share_bp: int
) -> None:
    with pytest.raises(ValueError, match="negative"):
        hours_bounty(minutes, rate=rate, cap=cap, share_bp=share_bp)


@pytest.mark.parametrize(
    ("cap", "share_bp", "most"), ((1000_00, 10_000, 1000_00), (999, 3_333, 332), (1, 9_999, 0))
)
def test_the_largest_part_rounds_down(cap: int, share_bp: int, most: int) -> None:
    assert largest_part(cap, share_bp) == most


@pytest.mark.parametrize(("minutes", "amount"), ((50, 4_16), (60, 5_00), (0, 0), (1, 8)))
def test_a_need_for_the_explanation_rounds_down(minutes: int, amount: int) -> None:
    assert needed(minutes, rate=5_00) == amount


@given(MINUTES, RATES, CAPS, SHARES)
def test_parts_add_up_to_the_budget_and_stay_below_need_limit_and_cap(
    minutes: dict[int, int], rate: int, cap: int, share_bp: int
) -> None:
    bounty = hours_bounty(minutes, rate=rate, cap=cap, share_bp=share_bp)
    assert bounty.parts.keys() == minutes.keys()
    assert sum(bounty.parts.values()) == bounty.budget <= cap
    for key, part in bounty.parts.items():
        assert 0 <= part <= min(bounty.largest_part, ceil(Fraction(rate * minutes[key], 60)))


@given(MINUTES, RATES, CAPS, SHARES)
def test_parts_and_scale_are_those_of_exact_rationals(
    minutes: dict[int, int], rate: int, cap: int, share_bp: int
) -> None:
    bounty = hours_bounty(minutes, rate=rate, cap=cap, share_bp=share_bp)
    parts, scale = exact_parts(minutes, rate=rate, cap=cap, share_bp=share_bp)
    assert bounty.parts == parts
    assert bounty.scale == (scale.numerator, scale.denominator)
    assert bounty.scaled is (scale < 1)
    assert bounty.capped == {
        key for key, spent in minutes.items() if scale * rate * spent > 60 * bounty.largest_part
    }


@given(MINUTES, RATES, CAPS, SHARES)
def test_the_scale_is_the_largest_that_the_cap_allows(
    minutes: dict[int, int], rate: int, cap: int, share_bp: int
) -> None:
    bounty = hours_bounty(minutes, rate=rate, cap=cap, share_bp=share_bp)
    scale = Fraction(*bounty.scale)
    limit = bounty.largest_part
    total = sum(min(Fraction(limit), scale * rate * spent / 60) for spent in minutes.values())
    assert 0 < scale <= 1
    assert total == cap if bounty.scaled else total <= cap
    assert floor(total) == bounty.budget


@given(MINUTES, RATES, CAPS, SHARES, st.randoms(use_true_random=False))
def test_the_order_of_people_is_irrelevant(
    minutes: dict[int, int], rate: int, cap: int, share_bp: int, source: random.Random
) -> None:
    shuffled = list(minutes.items())
    source.shuffle(shuffled)
    assert hours_bounty(dict(shuffled), rate=rate, cap=cap, share_bp=share_bp) == hours_bounty(
        minutes, rate=rate, cap=cap, share_bp=share_bp
    )


@given(MINUTES, RATES, CAPS, SHARES)
def test_who_has_more_minutes_never_gets_less(
    minutes: dict[int, int], rate: int, cap: int, share_bp: int
) -> None:
    parts = hours_bounty(minutes, rate=rate, cap=cap, share_bp=share_bp).parts
    in_turn = sorted(minutes, key=lambda key: (minutes[key], parts[key]))
    assert [parts[key] for key in in_turn] == sorted(parts.values())


@given(MINUTES, RATES, CAPS, SHARES)
def test_who_logged_nothing_changes_nothing(
    minutes: dict[int, int], rate: int, cap: int, share_bp: int
) -> None:
    bounty = hours_bounty(minutes | {0: 0}, rate=rate, cap=cap, share_bp=share_bp)
    assert bounty.parts.pop(0) == 0
    minutes.pop(0, None)
    assert bounty.parts == hours_bounty(minutes, rate=rate, cap=cap, share_bp=share_bp).parts


@pytest.mark.parametrize(("cap", "share_bp"), ((1000_00, 10_000), (10**9, 3), (7, 10_000)))
def test_ten_thousand_people_are_exact(cap: int, share_bp: int) -> None:
    source = random.Random(11)
    minutes = {key: source.randint(0, 100_000) for key in source.sample(range(2**60), 10_000)}
    bounty = hours_bounty(minutes, rate=30_00, cap=cap, share_bp=share_bp)
    parts, scale = exact_parts(minutes, rate=30_00, cap=cap, share_bp=share_bp)
    assert bounty.parts == parts
    assert Fraction(*bounty.scale) == scale
