from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.calendar import (
    Dates,
    Period,
    Timetable,
    dates,
    dispute_until,
    instant,
    is_label,
    last_close_before,
    period_closing_after,
    previous,
)

QUARTERS = Timetable()
MONTHS = Timetable(period="month")
FROM_DECEMBER = Timetable(quarter_starts=12)
FROM_MARCH = Timetable(quarter_starts=3)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Africa/Cairo", "Asia/Kathmandu")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("timetable", "period", "instants"),
    (
        (
            QUARTERS,
            Period("2026-Q1", 2026, 3),
            ("2026-03-15", "2026-03-30", "2026-03-31 20:00", "2026-04-01"),
        ),
        (
            QUARTERS,
            Period("2026-Q2", 2026, 6),
            ("2026-06-15", "2026-06-30", "2026-06-30 20:00", "2026-07-01"),
        ),
        (
            QUARTERS,
            Period("2025-Q4", 2025, 12),
            ("2025-12-15", "2025-12-30", "2025-12-31 20:00", "2026-01-01"),
        ),
        (
            FROM_DECEMBER,
            Period("2026-Q1", 2026, 2),
            ("2026-02-15", "2026-02-28", "2026-02-28 20:00", "2026-03-01"),
        ),
        (
            FROM_DECEMBER,
            Period("2028-Q1", 2028, 2),
            ("2028-02-15", "2028-02-29", "2028-02-29 20:00", "2028-03-01"),
        ),
        (
            MONTHS,
            Period("2026-11", 2026, 11),
            ("2026-11-15", "2026-11-30", "2026-11-30 20:00", "2026-12-01"),
        ),
        (
            Timetable(zone="Europe/Berlin"),
            Period("2026-Q1", 2026, 3),
            ("2026-03-14 23:00", "2026-03-29 22:00", "2026-03-31 18:00", "2026-03-31 22:00"),
        ),
        (
            Timetable(call_day=31, close_day=31, compute_hour=0, pay_day=31),
            Period("2026-Q1", 2026, 3),
            ("2026-03-30", "2026-03-31", "2026-03-31", "2026-04-30"),
        ),
        (
            Timetable(call_day=1, close_day=1, compute_hour=23, pay_day=10),
            Period("2026-Q1", 2026, 3),
            ("2026-03-01", "2026-03-02", "2026-03-31 23:00", "2026-04-10"),
        ),
    ),
)
def test_a_period_has_its_dates(
    timetable: Timetable, period: Period, instants: tuple[str, str, str, str]
) -> None:
    call, close, compute, pay = map(utc, instants)
    assert dates(timetable, period) == Dates(
        label=period.label, call_at=call, close_at=close, compute_at=compute, pay_at=pay
    )


@pytest.mark.parametrize(
    ("timetable", "after", "period"),
    (
        (QUARTERS, "2026-01-10", Period("2026-Q1", 2026, 3)),
        (QUARTERS, "2025-12-29 23:59:59", Period("2025-Q4", 2025, 12)),
        (QUARTERS, "2025-12-30", Period("2026-Q1", 2026, 3)),
        (QUARTERS, "2026-03-29 23:59:59", Period("2026-Q1", 2026, 3)),
        (QUARTERS, "2026-03-30", Period("2026-Q2", 2026, 6)),
        (QUARTERS, "2026-12-31 12:00", Period("2027-Q1", 2027, 3)),
        (FROM_DECEMBER, "2025-12-05", Period("2026-Q1", 2026, 2)),
        (FROM_DECEMBER, "2026-02-28", Period("2026-Q2", 2026, 5)),
        (FROM_DECEMBER, "2026-10-05", Period("2026-Q4", 2026, 11)),
        (FROM_MARCH, "2026-01-05", Period("2026-Q4", 2026, 2)),
        (FROM_MARCH, "2026-03-05", Period("2027-Q1", 2026, 5)),
        (MONTHS, "2026-11-05", Period("2026-11", 2026, 11)),
        (MONTHS, "2026-11-30", Period("2026-12", 2026, 12)),
        (MONTHS, "2026-12-30", Period("2027-01", 2027, 1)),
        (Timetable(zone="Pacific/Kiritimati"), "2025-12-29 10:00", Period("2026-Q1", 2026, 3)),
        (Timetable(zone="Etc/GMT+12"), "2026-03-30 11:59", Period("2026-Q1", 2026, 3)),
        (
            Timetable(zone="Pacific/Kiritimati", period="month", close_day=1),
            "2026-03-31 12:00",
            Period("2026-04", 2026, 4),
        ),
    ),
)
def test_a_round_runs_to_the_end_of_the_period_it_falls_in(
    timetable: Timetable, after: str, period: Period
) -> None:
    assert period_closing_after(timetable, utc(after)) == period


def test_a_label_that_is_used_is_not_given_again() -> None:
    after = utc("2026-02-10")
    assert period_closing_after(QUARTERS, after, used={"2026-Q1"}).label == "2026-Q2"
    assert period_closing_after(QUARTERS, after, used=["2026-Q1", "2026-Q2"]).label == "2026-Q3"


def test_after_a_change_of_period_the_next_round_ends_with_the_period_it_falls_in() -> None:
    closed = dates(QUARTERS, Period("2026-Q1", 2026, 3)).close_at
    assert period_closing_after(MONTHS, closed, used={"2026-Q1"}).label == "2026-04"
    closed = dates(MONTHS, Period("2026-04", 2026, 4)).close_at
    assert period_closing_after(QUARTERS, closed, used={"2026-04"}).label == "2026-Q2"


@pytest.mark.parametrize(
    ("timetable", "period", "before", "close"),
    (
        (QUARTERS, Period("2026-Q1", 2026, 3), "2025-Q4", "2025-12-30"),
        (QUARTERS, Period("2026-Q2", 2026, 6), "2026-Q1", "2026-03-30"),
        (FROM_DECEMBER, Period("2026-Q1", 2026, 2), "2025-Q4", "2025-11-30"),
        (FROM_DECEMBER, Period("2026-Q2", 2026, 5), "2026-Q1", "2026-02-28"),
        (MONTHS, Period("2026-01", 2026, 1), "2025-12", "2025-12-30"),
        (MONTHS, Period("2026-Q1", 2026, 3), "2026-02", "2026-02-28"),
        (QUARTERS, Period("2026-05", 2026, 5), "2026-Q1", "2026-03-30"),
    ),
)
def test_the_period_before_ends_in_an_earlier_month(
    timetable: Timetable, period: Period, before: str, close: str
) -> None:
    assert previous(timetable, period).label == before
    assert last_close_before(timetable, period) == utc(close)


@pytest.mark.parametrize(
    ("zone", "wall", "expected"),
    (
        # Ordinary, on both sides of summer time.
        ("UTC", (2026, 3, 30), "2026-03-30 00:00"),
        ("Europe/Berlin", (2026, 1, 1), "2025-12-31 23:00"),
        ("Europe/Berlin", (2026, 7, 1, 12, 30, 15), "2026-07-01 10:30:15"),
        # Skipped: the moment of the jump, whichever of the skipped times was asked for.
        ("Europe/Berlin", (2026, 3, 29, 2), "2026-03-29 01:00"),
        ("Europe/Berlin", (2026, 3, 29, 2, 30), "2026-03-29 01:00"),
        ("Europe/Berlin", (2026, 3, 29, 2, 59, 59), "2026-03-29 01:00"),
        ("Europe/Berlin", (2026, 3, 29, 3), "2026-03-29 01:00"),
        # A midnight that does not exist.
        ("Africa/Cairo", (2026, 4, 24), "2026-04-23 22:00"),
        ("Africa/Cairo", (2026, 4, 24, 0, 30), "2026-04-23 22:00"),
        ("Asia/Beirut", (2026, 3, 29), "2026-03-28 22:00"),
        # A jump of half an hour, and a whole day left out.
        ("Australia/Lord_Howe", (2026, 10, 4, 2, 10), "2026-10-03 15:30"),
        ("Pacific/Apia", (2011, 12, 30, 12), "2011-12-30 10:00"),
        # Doubled: the earlier.
        ("Europe/Berlin", (2026, 10, 25, 2, 30), "2026-10-25 00:30"),
        ("America/New_York", (2026, 11, 1, 1), "2026-11-01 05:00"),
        ("Africa/Cairo", (2026, 10, 29, 23, 30), "2026-10-29 20:30"),
    ),
)
def test_a_wall_time_is_the_first_instant_not_before_it(
    zone: str, wall: tuple[int, ...], expected: str
) -> None:
    year, month, day, *time = wall
    assert instant(zone, year, month, day, *time) == utc(expected)


@pytest.mark.parametrize(
    ("timetable", "published", "until"),
    (
        (QUARTERS, "2026-07-01 12:00", "2026-07-15 23:59:59"),
        (Timetable(dispute_days=0), "2026-07-01 00:00", "2026-07-01 23:59:59"),
        (Timetable(zone="Europe/Berlin"), "2026-07-01 12:00", "2026-07-15 21:59:59"),
        (Timetable(zone="Europe/Berlin"), "2026-07-01 22:30", "2026-07-16 21:59:59"),
        (Timetable(zone="Europe/Berlin"), "2026-10-20 12:00", "2026-11-03 22:59:59"),
    ),
)
def test_disputes_are_open_to_the_end_of_a_local_day(
    timetable: Timetable, published: str, until: str
) -> None:
    assert dispute_until(timetable, utc(published)) == utc(until)


@pytest.mark.parametrize("text", ("2026-Q1", "2026-Q4", "2026-01", "2026-12"))
def test_labels_have_two_forms(text: str) -> None:
    assert is_label(text)


@pytest.mark.parametrize(
    "text",
    (
        "",
        "2026",
        "2026-Q0",
        "2026-Q5",
        "2026-13",
        "2026-00",
        "2026-1",
        "2026-q1",
        "26-Q1",
        "2026-Q1\n",
        "２０２６-Q1",
    ),
)
def test_anything_else_is_no_label(text: str) -> None:
    assert not is_label(text)


TIMETABLES = st.builds(
    Timetable,
    zone=st.sampled_from(ZONES),
    period=st.sampled_from(("quarter", "month")),
    quarter_starts=st.integers(1, 12),
    call_day=st.integers(1, 31),
    close_day=st.integers(1, 31),
    compute_hour=st.integers(0, 23),
    pay_day=st.integers(1, 31),
)
INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))


@given(TIMETABLES, INSTANTS)
def test_rounds_leave_no_gap_and_no_overlap(timetable: Timetable, now: datetime) -> None:
    period = period_closing_after(timetable, now)
    found = dates(timetable, period)
    assert last_close_before(timetable, period) <= now < found.close_at
    assert period_closing_after(timetable, last_close_before(timetable, period)) == period
    following = period_closing_after(timetable, found.close_at)
    assert previous(timetable, following) == period
    assert is_label(period.label)


@given(TIMETABLES, INSTANTS)
def test_the_dates_of_a_period_are_in_order(timetable: Timetable, now: datetime) -> None:
    found = dates(timetable, period_closing_after(timetable, now))
    assert found.call_at < found.close_at <= found.compute_at < found.pay_at


@given(TIMETABLES, INSTANTS)
def test_four_quarters_or_twelve_months_have_different_labels(
    timetable: Timetable, now: datetime
) -> None:
    labels: list[str] = []
    for _ in range(12):
        labels.append(period_closing_after(timetable, now, used=labels).label)
    assert sorted(set(labels)) == labels


@given(
    st.sampled_from((*ZONES, "Asia/Beirut", "Australia/Lord_Howe", "America/Havana")),
    st.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1)).map(
        lambda t: t.replace(microsecond=0)
    ),
)
def test_no_instant_before_the_result_has_reached_the_wall_time(zone: str, wall: datetime) -> None:
    found = instant(zone, wall.year, wall.month, wall.day, wall.hour, wall.minute, wall.second)
    tz = ZoneInfo(zone)
    assert found.astimezone(tz).replace(tzinfo=None) >= wall
    assert (found - timedelta(seconds=1)).astimezone(tz).replace(tzinfo=None) < wall
