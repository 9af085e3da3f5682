"""The tip jar: tips with a lump sum or a match of them."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import Refusal
from bot.domain.money import LARGEST
from bot.domain.tipjar import KINDS, NO_JAR, Jar, Match, jar, read_match, spell_match

AMOUNTS = st.integers(min_value=0, max_value=LARGEST)
SHARES = st.integers(min_value=0, max_value=100_000)
MATCHES = st.one_of(
    st.none(),
    st.builds(Match, st.just("percent"), SHARES, st.none() | AMOUNTS),
    st.builds(Match, st.just("lump"), AMOUNTS),
)


@pytest.mark.parametrize(
    ("tips", "match", "added", "total"),
    (
        (0, None, 0, 0),
        (120_00, None, 0, 120_00),
        (120_00, Match("lump", 50_00), 50_00, 170_00),
        (0, Match("lump", 50_00), 50_00, 50_00),
        (0, Match("percent", 50_00), 0, 0),
        (120_00, Match("percent", 50_00), 60_00, 180_00),
        (120_00, Match("percent", 100_00), 120_00, 240_00),
        (120_00, Match("percent", 1000_00), 1200_00, 1320_00),
        (120_00, Match("percent", 50_00, 100_00), 60_00, 180_00),
        (120_00, Match("percent", 50_00, 60_00), 60_00, 180_00),
        (120_00, Match("percent", 50_00, 59_99), 59_99, 179_99),
        (120_00, Match("percent", 1000_00, 1), 1, 120_01),
        # What is no whole unit is rounded down.
        (1, Match("percent", 50_00), 0, 1),
        (3, Match("percent", 50_00), 1, 4),
        (33_33, Match("percent", 12_50), 4_16, 37_49),
        (1, Match("percent", 99_99), 0, 1),
        (10_000, Match("percent", 1), 1, 10_001),
        (LARGEST, Match("percent", 1000_00), 10 * LARGEST, 11 * LARGEST),
    ),
)
def test_a_jar_is_tips_and_what_the_funder_adds(
    tips: int, match: Match | None, added: int, total: int
) -> None:
    assert jar(tips, match) == Jar(tips, added, total, match)


def test_nobody_tipped_is_an_empty_jar() -> None:
    assert jar(0) == NO_JAR


def test_tips_below_zero_are_no_tips() -> None:
    with pytest.raises(ValueError, match="cannot be negative"):
        jar(-1)


@given(AMOUNTS, MATCHES)
def test_the_total_is_the_sum_and_never_less_than_the_tips(tips: int, match: Match | None) -> None:
    made = jar(tips, match)
    assert made.total == made.tips + made.match_amount >= tips
    assert made.tips == tips


@given(AMOUNTS, SHARES, st.none() | AMOUNTS)
def test_a_percentage_is_exact_rounded_down_and_below_its_limit(
    tips: int, share_bp: int, limit: int | None
) -> None:
    added = jar(tips, Match("percent", share_bp, limit)).match_amount
    exact = Fraction(tips * share_bp, 10_000)
    if limit is not None and exact > limit:
        assert added == limit
    else:
        assert exact - 1 < added <= exact


@given(AMOUNTS, AMOUNTS, MATCHES)
def test_another_tip_never_makes_a_jar_smaller(tips: int, more: int, match: Match | None) -> None:
    assert jar(tips + more, match).total >= jar(tips, match).total + more


@given(MATCHES, st.integers(min_value=0, max_value=8))
def test_a_match_is_read_back_from_the_record(match: Match | None, decimals: int) -> None:
    spelled = spell_match(match, decimals=decimals)
    assert read_match(spelled, decimals=decimals) == match
    assert all(isinstance(value, str) for value in spelled.values())


def test_the_record_spells_a_match_as_people_do() -> None:
    assert spell_match(Match("percent", 12_50, 100_00), decimals=2) == {
        "kind": "percent", "value": "12.5", "limit": "100.00",
    }  # fmt: skip
    assert spell_match(Match("lump", 100_00), decimals=2) == {
        "kind": "lump", "value": "100.00", "limit": "",
    }  # fmt: skip
    assert spell_match(None, decimals=2) == {"kind": "", "value": "", "limit": ""}


@pytest.mark.parametrize(
    "spelled",
    (
        {"kind": "percents", "value": "1", "limit": ""},
        {"kind": "percent", "value": "1000.01", "limit": ""},
        {"kind": "percent", "value": "-1", "limit": ""},
        {"kind": "percent", "value": "1", "limit": "-1.00"},
        {"kind": "lump", "value": "", "limit": ""},
        {"kind": "lump", "value": "-1.00", "limit": ""},
        {"kind": "lump", "value": "1e3", "limit": ""},
    ),
)
def test_what_is_no_match_is_not_read(spelled: dict[str, str]) -> None:
    with pytest.raises((ValueError, Refusal)):
        read_match(spelled, decimals=2)


def test_there_are_two_kinds_of_match() -> None:
    assert KINDS == ("percent", "lump")
