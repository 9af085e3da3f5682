"""Sessions: how long somebody was visibly there, from the times of their messages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.sessions import Visible, sessions, visible, worked

DAY = datetime(2026, 2, 1, tzinfo=UTC)
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)


def at(*clock: str) -> list[datetime]:
    """Instants of a day: `10:24`, `10:24:59`."""
    return [datetime.fromisoformat(f"2026-02-01T{time}").replace(tzinfo=UTC) for time in clock]


@pytest.mark.parametrize(
    ("times", "base", "minutes"),
    (
        (("10:00", "10:10", "10:24", "10:50", "11:00"), 5, 44),
        (("10:00", "10:20", "10:40", "11:00"), 5, 20),
        (("10:00", "10:15"), 5, 10),
        (("10:00", "10:14:59"), 0, 14),
        (("10:00", "10:14:59"), 1, 15),
        (("11:00", "10:50", "10:24", "10:10", "10:00"), 5, 44),
        (("10:00", "10:00", "10:00"), 3, 3),
        (("10:00",), 0, 0),
        ((), 5, 0),
    ),
)
def test_sessions_last_from_the_first_to_the_last_message_and_a_base(
    times: tuple[str, ...], base: int, minutes: int
) -> None:
    assert worked(at(*times), base=base * MINUTE) // MINUTE == minutes


def test_a_gap_of_exactly_a_quarter_of_an_hour_opens_a_session_with_its_message() -> None:
    first, second, third = at("10:00", "10:15", "10:29:59")
    assert sessions([first, second, third]) == [(first, first), (second, third)]
    assert len(sessions([first, second - SECOND])) == 1


def test_the_base_is_three_minutes_unless_another_is_given() -> None:
    times = at("10:00", "10:10", "10:24", "10:50", "11:00")
    assert worked(times) == 40 * MINUTE
    assert visible(times) == Visible(34, 40, 2)
    assert visible(times, base=5 * MINUTE) == Visible(34, 44, 2)
    assert visible([]) == Visible(0, 0, 0)


moments = st.lists(st.integers(0, 100_000).map(lambda seconds: DAY + seconds * SECOND))


@given(moments, st.randoms(use_true_random=False))
def test_the_order_in_which_messages_are_known_changes_nothing(
    times: list[datetime], order: object
) -> None:
    shuffled = list(times)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert sessions(shuffled) == sessions(times)


@given(moments)
def test_every_message_lies_in_one_session_and_sessions_lie_apart(times: list[datetime]) -> None:
    found = sessions(times)
    for time in times:
        assert sum(first <= time <= last for first, last in found) == 1
    for (_, last), (first, _) in pairwise(found):
        assert first - last >= 15 * MINUTE


@given(moments.filter(bool), st.integers(0, 30))
def test_a_base_adds_to_each_session_and_time_never_exceeds_the_span(
    times: list[datetime], base: int
) -> None:
    count = len(sessions(times))
    assert (
        worked(times, base=base * MINUTE) - worked(times, base=0 * MINUTE) == count * base * MINUTE
    )
    assert worked(times, base=0 * MINUTE) <= max(times) - min(times)
    assert visible(times).low <= visible(times).high
