from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.reconcile import differences, due, is_complete, is_due

NOON = datetime(2026, 2, 1, 12, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
people = st.sets(st.integers(min_value=1, max_value=40))


@dataclass(frozen=True)
class Thing:
    name: str
    looked_at: datetime
    closed_at: datetime | None = None


@given(stored=people, seen=people, ignore=people)
def test_what_was_found_and_what_is_gone_make_the_stored_the_seen_but_for_the_ignored(
    stored: set[int], seen: set[int], ignore: set[int]
) -> None:
    before = (set(stored), set(seen), set(ignore))
    found, gone = differences(stored, seen, ignore)
    assert (stored, seen, ignore) == before
    assert not (found | gone) & ignore
    assert found <= seen - stored
    assert gone <= stored - seen
    assert ((stored | found) - gone) - ignore == seen - ignore


@given(stored=people, seen=people)
def test_lists_are_as_good_as_sets(stored: set[int], seen: set[int]) -> None:
    assert differences(sorted(stored), sorted(seen)) == differences(stored, seen)
    assert differences(stored, seen) == (seen - stored, stored - seen)


@pytest.mark.parametrize(
    ("looked", "closed", "ready", "is_it"),
    (
        pytest.param(-59 * MINUTE, None, None, False, id="within the hour"),
        pytest.param(-HOUR, None, None, True, id="an hour later"),
        pytest.param(-10 * MINUTE, None, -5 * MINUTE, True, id="connected anew since"),
        pytest.param(-5 * MINUTE, None, -5 * MINUTE, False, id="looked as it connected"),
        pytest.param(-5 * MINUTE, None, -10 * MINUTE, False, id="connected before"),
        pytest.param(-5 * MINUTE, -MINUTE, None, True, id="closed since"),
        pytest.param(-MINUTE, -MINUTE, None, False, id="looked as it closed"),
        pytest.param(-3 * HOUR, -4 * HOUR, None, False, id="closed rounds are looked at once"),
        pytest.param(-3 * HOUR, -4 * HOUR, -HOUR, False, id="also after connecting anew"),
    ),
)
def test_when_to_look(
    looked: timedelta, closed: timedelta | None, ready: timedelta | None, is_it: bool
) -> None:
    thing = Thing("", NOON + looked, None if closed is None else NOON + closed)
    ready_at = None if ready is None else NOON + ready
    assert is_due(thing, now=NOON, ready_at=ready_at) is is_it
    assert due([thing], now=NOON, ready_at=ready_at) == ([thing] if is_it else [])


def test_closed_rounds_come_first_then_what_waited_for_longest() -> None:
    things = [
        Thing("waits", NOON - 2 * HOUR),
        Thing("just seen", NOON - MINUTE),
        Thing("waits longest", NOON - 3 * HOUR),
        Thing("closed", NOON - HOUR, NOON - MINUTE),
        Thing("closed, waits longer", NOON - 2 * HOUR, NOON - MINUTE),
    ]
    ordered = [thing.name for thing in due(things, now=NOON, ready_at=None)]
    assert ordered == ["closed, waits longer", "closed", "waits longest", "waits"]


def test_a_closed_round_is_complete_when_all_of_it_was_looked_at_since() -> None:
    still_open, seen = Thing("", NOON - HOUR), Thing("", NOON, NOON)
    assert is_complete([])
    assert is_complete([still_open, seen])
    assert not is_complete([still_open, seen, Thing("", NOON - MINUTE, NOON)])
