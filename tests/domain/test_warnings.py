from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain import warnings
from bot.domain.statement import Accepted, Facts, Statement, compute
from bot.domain.warnings import warn

CALL = datetime(2026, 3, 15, tzinfo=UTC)
EARLY, LATE = CALL - timedelta(seconds=1), CALL
QUARTER = timedelta(days=90)
ADA, BEN = 11, 22


def statement(
    minutes: dict[int, int], *, cap: str = "18000.00", max_share: str = "100"
) -> Statement:
    entries = tuple(Accepted(number, *entry) for number, entry in enumerate(minutes.items(), 1))
    policy = {"cap": cap, "hourly_rate": "30.00", "max_share": max_share}
    return compute(Facts(1, "2026-Q1", 1, policy, entries))


def texts(
    draft: Statement,
    *,
    logged_at: list[tuple[int, datetime]] | None = None,
    lasted: timedelta = QUARTER,
    last: Statement | None = None,
) -> list[str]:
    found = warn(draft, logged_at=logged_at or [], call_at=CALL, lasted=lasted, last=last)
    return [warning.sentence({ADA: "Ada", BEN: "Ben"}[warning.user_id]) for warning in found]


@pytest.mark.parametrize(
    ("minutes", "lasted", "found"),
    (
        (12 * 60 * 90, QUARTER, []),
        (12 * 60 * 90 + 1, QUARTER, ["Ada claims 12 h 1 min a day on average over 90 days."]),
        (13 * 60, timedelta(hours=1), ["Ada claims 13 h a day on average over 1 day."]),
        (13 * 60, timedelta(0), ["Ada claims 13 h a day on average over 1 day."]),
        (24 * 60, timedelta(days=1, seconds=1), []),
        (24 * 60 + 1, timedelta(days=2), ["Ada claims 12 h 1 min a day on average over 2 days."]),
    ),
)
def test_more_than_twelve_hours_a_day_are_warned_of(
    minutes: int, lasted: timedelta, found: list[str]
) -> None:
    assert texts(statement({ADA: minutes}, cap="99999999.00"), lasted=lasted) == found


@pytest.mark.parametrize(
    ("instants", "is_warned"),
    (([], False), ([LATE], True), ([LATE, LATE], True), ([LATE, EARLY], False), ([EARLY], False)),
)
def test_entries_after_the_claim_call_only_are_warned_of(
    instants: list[datetime], is_warned: bool
) -> None:
    found = texts(statement({ADA: 60, BEN: 60}), logged_at=[(ADA, at) for at in instants])
    assert found == (["Ada logged everything after the call for claims."] if is_warned else [])


@pytest.mark.parametrize(
    ("before", "now", "is_warned"),
    (
        ({ADA: 60}, 120, False),
        ({ADA: 60}, 121, True),
        ({ADA: 0}, 999, False),
        ({BEN: 60}, 999, False),
    ),
)
def test_a_jump_against_the_last_round_is_warned_of(
    before: dict[int, int], now: int, is_warned: bool
) -> None:
    found = texts(statement({ADA: now}), last=statement(before))
    assert found == (
        ["Ada claims 2 h 1 min, more than twice the 1 h of the last round."] if is_warned else []
    )


def test_the_largest_share_is_warned_of() -> None:
    draft = statement({ADA: 600, BEN: 60}, cap="300.00", max_share="50")
    assert texts(draft) == ["Ada reaches the largest share that one helper can get."]
    assert texts(statement({ADA: 0}, cap="0.00")) == []


@pytest.mark.parametrize(
    ("minutes", "found"),
    (
        ((100, 50, 50, 50), ["Ada gets 40 % of what is paid for hours."]),
        ((50, 50, 25, 25), []),
        ((60, 60, 60, 0), []),
        ((200, 50, 50), []),
    ),
)
def test_more_than_a_third_among_several_is_warned_of(
    minutes: tuple[int, ...], found: list[str]
) -> None:
    draft = statement(dict(zip((ADA, BEN, 13, 14), minutes, strict=False)), cap="99999.00")
    assert texts(draft) == found


def test_warnings_come_line_by_line_and_change_nothing() -> None:
    draft = statement({BEN: 9000, ADA: 9000}, cap="9000.00", max_share="50")
    hash_before = draft.sha256
    found = warn(
        draft, logged_at=[(BEN, LATE), (ADA, LATE)], call_at=CALL, lasted=timedelta(days=1)
    )
    assert [warning.user_id for warning in found] == [ADA, ADA, ADA, BEN, BEN, BEN]
    assert found[1] == warnings.Warning(ADA, "logged everything after the call for claims.")
    assert draft.sha256 == hash_before == compute(draft.facts).sha256
