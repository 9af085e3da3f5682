"""Majorities of the seats, deadlines, and what is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.cease import State, Waiting, decided, in_time, needed, over

UNTIL = datetime(2026, 7, 15, 23, 59, 59, tzinfo=UTC)
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("seats", "yes", "no", "state"),
    (
        (1, 0, 0, State.OPEN),
        (1, 1, 0, State.CARRIED),
        (1, 0, 1, State.FAILED),
        (2, 1, 0, State.OPEN),
        (2, 1, 1, State.FAILED),
        (2, 2, 0, State.CARRIED),
        (3, 1, 1, State.OPEN),
        (3, 2, 1, State.CARRIED),
        (3, 1, 2, State.FAILED),
        (9, 4, 0, State.OPEN),  # the other five recused: it is never carried
        (9, 4, 4, State.OPEN),
        (9, 4, 5, State.FAILED),
        (9, 5, 4, State.CARRIED),
        (10, 5, 4, State.OPEN),
        (10, 5, 5, State.FAILED),
        (10, 6, 0, State.CARRIED),
    ),
)
def test_a_majority_is_counted_of_the_seats(seats: int, yes: int, no: int, state: State) -> None:
    assert decided(yes=yes, no=no, seats=seats) is state


@given(st.integers(1, 1000), st.integers(0, 1000), st.integers(0, 1000))
def test_it_is_open_as_long_as_it_can_be_carried(seats: int, yes: int, no: int) -> None:
    state = decided(yes=yes, no=no, seats=seats)
    assert (state is State.CARRIED) == (yes >= needed(seats))
    if state is State.FAILED:
        assert seats - no < needed(seats)
    if state is State.OPEN:
        assert seats - no >= needed(seats)


@given(st.integers(1, 1000))
def test_two_majorities_share_a_seat(seats: int) -> None:
    assert 2 * needed(seats) > seats >= 2 * needed(seats) - 2


@pytest.mark.parametrize(
    ("at", "counts"),
    (
        (UNTIL - SECOND, True),
        (UNTIL, True),
        (UNTIL + timedelta(milliseconds=999), True),
        (UNTIL + SECOND, False),
        (UNTIL + DAY, False),
    ),
)
def test_the_last_second_counts_as_a_whole(at: datetime, counts: bool) -> None:
    assert in_time(at, UNTIL) is counts


@pytest.mark.parametrize(
    ("later", "is_over", "late"),
    (
        (-SECOND, False, False),
        (SECOND, False, False),  # something pressed in time may still arrive
        (MINUTE, True, False),
        (10 * MINUTE, True, False),
        (10 * MINUTE + SECOND, True, True),
        (3 * DAY, True, True),
    ),
)
def test_what_is_over_ends_a_minute_after_its_deadline(
    later: timedelta, is_over: bool, late: bool
) -> None:
    ended = over([Waiting(1, UNTIL)], UNTIL + later)
    assert [(one.key, one.due_at, one.late) for one in ended] == [(1, UNTIL, late)] * is_over


def test_what_is_disputed_waits_and_the_oldest_comes_first() -> None:
    waiting = [
        Waiting(1, UNTIL),
        Waiting(2, UNTIL - DAY),
        Waiting(3, UNTIL - DAY, is_disputed=True),
        Waiting(4, UNTIL + DAY),
    ]
    assert [one.key for one in over(waiting, UNTIL + MINUTE)] == [2, 1]
