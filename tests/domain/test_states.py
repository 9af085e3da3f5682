from __future__ import annotations

from itertools import pairwise

import pytest

from bot.domain.states import (
    LOGGING_HELPER_STATES,
    NEXT_ROUND_STATES,
    PUBLIC_ROUND_STATES,
    Helper,
    Line,
    Round,
    may_follow,
)


@pytest.mark.parametrize(
    ("state", "following"),
    (
        ("open", {"review", "void"}),
        ("review", {"draft", "open", "void"}),
        ("draft", {"published", "void"}),
        ("published", {"final", "void"}),
        ("final", {"settled", "published", "void"}),
        ("settled", {"final"}),
        ("void", set()),
    ),
)
def test_a_round_goes_from_one_state_only_to_these(state: str, following: set[str]) -> None:
    assert {other for other in Round if may_follow(Round(state), other)} == following


def test_the_way_of_a_round_leads_from_open_to_settled() -> None:
    way = [Round(name) for name in ("open", "review", "draft", "published", "final", "settled")]
    assert all(may_follow(state, after) for state, after in pairwise(way))


def test_a_void_round_is_the_end_and_nothing_paid_is_voided_from_settled() -> None:
    assert not NEXT_ROUND_STATES[Round.VOID]
    assert not may_follow(Round.SETTLED, Round.VOID)
    assert set(NEXT_ROUND_STATES) == set(Round)


def test_members_see_what_is_published_and_the_dropped_may_still_log() -> None:
    assert {str(state) for state in PUBLIC_ROUND_STATES} == {"published", "final", "settled"}
    assert {str(state) for state in LOGGING_HELPER_STATES} == {"active", "dropped"}
    assert {str(state) for state in Helper} == {"candidate", "active", "dropped", "left", "removed"}


def test_the_states_of_a_line() -> None:
    assert [str(state) for state in Line] == ["due", "held", "paid", "waived", "none"]
