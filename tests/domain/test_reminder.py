"""When a reminder is due: counted from the opening, the newest alone, never at or after a close."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.domain.schedule import LATE_AFTER, Act, RoundFacts, next_act, next_instant
from bot.domain.states import Round

HOUR, DAY, SECOND = timedelta(hours=1), timedelta(days=1), timedelta(seconds=1)
EVERY = 2 * HOUR


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# The clocks go forward in between in most of Europe: an interval is time that passes, not a wall.
OPENED, CALL, CLOSE = at("2026-03-27 21:30"), at("2026-03-29 12:00"), at("2026-03-31 00:00")
OPEN = RoundFacts(
    1,
    Round.OPEN,
    CALL,
    CLOSE,
    CLOSE + DAY,
    CLOSE + 2 * DAY,
    done=frozenset({"call"}),
    open_at=OPENED,
    reminder_every=EVERY,
)
LAST = 37  # 31 March, 23:30 of the day before


def acts(facts: RoundFacts, now: datetime) -> Iterator[Act]:
    """What is done one after the other, stored as the program does it."""
    while (act := next_act([facts], now)) is not None:
        yield act
        if act.slot is None:
            facts = replace(facts, done=facts.done | {act.name})
        else:
            facts = replace(facts, reminders=act.slot)


def slots(facts: RoundFacts, now: datetime) -> list[tuple[int, bool]]:
    """The intervals whose reminder is due, and whether it is skipped."""
    return [(act.slot, act.skipped) for act in acts(facts, now) if act.slot is not None]


@pytest.mark.parametrize(
    ("now", "stored", "expected"),
    (
        (OPENED, 0, []),
        (OPENED - DAY, 0, []),
        (OPENED + EVERY - SECOND, 0, []),
        (OPENED + EVERY, 0, [(1, False)]),
        (OPENED + EVERY, 1, []),
        (OPENED + EVERY + HOUR, 0, [(1, False)]),
        (OPENED + 2 * EVERY, 1, [(2, False)]),
        (OPENED + 2 * EVERY, 0, [(2, False)]),  # the first was missed and is nobody's loss
        (OPENED + 30 * HOUR + SECOND, 3, [(15, False)]),  # away for a day
        (OPENED + EVERY, 5, []),  # a clock that was set back
        (CLOSE - SECOND, LAST - 1, [(LAST, False)]),
        (CLOSE, LAST, []),
        (CLOSE, LAST - 1, [(LAST, False)]),  # the tick that closes comes second
        (OPENED + (LAST + 1) * EVERY, LAST - 1, [(LAST, False)]),
        (OPENED + (LAST + 1) * EVERY + SECOND, LAST - 1, [(LAST, True)]),
        (CLOSE + 5 * DAY, 3, [(LAST, True)]),
    ),
)
def test_only_the_newest_interval_is_due_and_not_when_it_is_over(
    now: datetime, stored: int, expected: list[tuple[int, bool]]
) -> None:
    assert slots(replace(OPEN, reminders=stored), now) == expected


def test_intervals_are_counted_from_the_opening_however_late_each_one_comes() -> None:
    facts = OPEN
    for slot in range(1, LAST + 1):
        now = OPENED + slot * EVERY + 50 * timedelta(minutes=1)
        (act,) = [act for act in acts(facts, now) if act.slot is not None]
        assert act == Act("reminder", 1, OPENED + slot * EVERY, late=True, slot=slot)
        facts = replace(facts, reminders=slot)


@pytest.mark.parametrize(
    ("late_by", "late"), ((timedelta(0), False), (LATE_AFTER, False), (LATE_AFTER + SECOND, True))
)
def test_a_reminder_is_late_after_ten_minutes(late_by: timedelta, late: bool) -> None:
    act = next_act([OPEN], OPENED + EVERY + late_by)
    assert act is not None
    assert (act.name, act.late) == ("reminder", late)


@pytest.mark.parametrize("length", (EVERY, EVERY - SECOND, EVERY + SECOND, 3 * EVERY))
def test_none_is_due_at_the_close_itself(length: timedelta) -> None:
    facts = replace(OPEN, close_at=OPENED + length)
    found = slots(facts, OPENED + length)
    assert all(OPENED + slot * EVERY < facts.close_at for slot, _ in found)
    assert found == {EVERY + SECOND: [(1, False)], 3 * EVERY: [(2, False)]}.get(length, [])


@pytest.mark.parametrize("state", [state for state in Round if state is not Round.OPEN])
def test_none_is_due_in_a_round_that_is_not_open(state: Round) -> None:
    facts = replace(OPEN, state=state, drafted_at=CLOSE, published_at=CLOSE, dispute_until=CLOSE)
    assert slots(facts, CLOSE - SECOND) == []


@pytest.mark.parametrize("facts", (replace(OPEN, reminder_every=None), replace(OPEN, open_at=None)))
def test_none_is_due_where_they_are_off(facts: RoundFacts) -> None:
    assert slots(facts, CLOSE - SECOND) == []
    assert next_instant([facts], OPENED) == CLOSE


@pytest.mark.parametrize(
    ("now", "stored", "ahead"),
    (
        (OPENED - DAY, 0, OPENED + EVERY),
        (OPENED, 0, OPENED + EVERY),
        (OPENED + EVERY, 0, OPENED + 2 * EVERY),
        (OPENED + EVERY, 1, OPENED + 2 * EVERY),
        (OPENED + EVERY, 2, OPENED + 3 * EVERY),  # a clock that was set back
        (OPENED + LAST * EVERY - SECOND, LAST - 1, OPENED + LAST * EVERY),
        (OPENED + LAST * EVERY, LAST, CLOSE),
    ),
)
def test_the_next_instant_is_that_of_the_next_interval(
    now: datetime, stored: int, ahead: datetime
) -> None:
    assert next_instant([replace(OPEN, reminders=stored)], now) == ahead


def test_what_was_due_before_comes_first() -> None:
    facts = replace(OPEN, done=frozenset())
    assert [act.name for act in acts(facts, CALL + EVERY)] == ["call", "reminder"]
    assert [act.name for act in acts(facts, CLOSE + EVERY)] == ["call", "reminder", "close"]


@given(
    st.lists(st.integers(0, 10 * 24 * 60), max_size=60),
    st.integers(1, 168),
    st.integers(1, 9 * 24 * 60),
)
def test_no_interval_is_reminded_of_twice_whatever_ticks_happen(
    minutes: list[int], hours: int, length: int
) -> None:
    """Ticks at any time, in any order: clocks are set back, too."""
    minute = timedelta(minutes=1)
    every = timedelta(hours=hours)
    facts = replace(OPEN, reminder_every=every, close_at=OPENED + length * minute)
    said: list[int] = []
    for each in minutes:
        now = OPENED + each * minute
        ahead = next_instant([facts], now)
        assert ahead is None or ahead > now
        for slot, skipped in slots(facts, now):
            due_at = OPENED + slot * every
            assert due_at <= now
            assert due_at < facts.close_at
            assert skipped == (now - due_at > every)
            said.append(slot)
            facts = replace(facts, reminders=slot)
        if "close" in {act.name for act in acts(facts, now)}:
            facts = replace(facts, state=Round.REVIEW)
    assert said == sorted(set(said))
