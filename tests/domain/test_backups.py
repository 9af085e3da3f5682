"""When a backup is due, and which copies may go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.backups import is_due, name_of, surplus

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("newest", "failed", "due"),
    (
        (None, None, True),
        (NOON - HOUR, None, False),
        (datetime(2026, 3, 31, tzinfo=UTC), None, False),
        (datetime(2026, 3, 30, 23, 59, 59, tzinfo=UTC), None, True),
        (NOON - timedelta(days=40), None, True),
        (NOON + timedelta(days=400), None, True),  # a clock that was wrong
        (None, NOON, False),
        (None, NOON - HOUR + timedelta(seconds=1), False),
        (None, NOON - HOUR, True),
        (None, NOON + HOUR, True),  # a clock that was set back
        (NOON - HOUR, NOON - 2 * HOUR, False),
    ),
)
def test_one_a_day_and_an_hour_after_a_failure(
    newest: datetime | None, failed: datetime | None, *, due: bool
) -> None:
    assert is_due(newest=newest, failed=failed, now=NOON) is due


def test_names_are_in_order_of_time() -> None:
    names = [name_of(NOON + timedelta(days=days)) for days in (0, 1, 300, 4000)]
    assert names == sorted(names)
    assert names[0] == "stipend-20260331T120000Z.db"


def test_the_newest_stay_and_other_files_are_none_of_the_copies() -> None:
    copies = [name_of(NOON + timedelta(days=days)) for days in range(5)]
    others = ["stipend.db", "notes.txt", f"{copies[0]}.unfinished", "stipend-2026.db", "a.bak"]
    assert surplus([*others, *copies], keep=3) == [copies[1], copies[0]]
    assert surplus([*others, *copies], keep=5) == []
    assert surplus(others, keep=1) == []


@pytest.mark.parametrize("keep", (0, -3))
def test_the_newest_is_never_deleted(keep: int) -> None:
    copies = [name_of(NOON + timedelta(days=days)) for days in range(2)]
    assert surplus(copies, keep=keep) == [copies[0]]
