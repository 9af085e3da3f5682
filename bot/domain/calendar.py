"""When rounds close, and what is due around it.

Every window is half-open: a round takes what happens from its opening up to, and not at, its
close, and the next one opens at that same instant. Instants are aware UTC datetimes; days and
hours are those of the server's time zone.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from msgspec import Struct

_YEAR = 12
_QUARTER = 3
_LABEL = re.compile(r"[0-9]{4}-(?:Q[1-4]|0[1-9]|1[0-2])")


class Timetable(Struct, frozen=True):
    """The settings that place a round's dates; days count within the last month of the period.

    `period` is `quarter` or `month`, `quarter_starts` the month (1..12) of the first quarter.
    """

    zone: str = "UTC"
    period: str = "quarter"
    quarter_starts: int = 1
    call_day: int = 15
    close_day: int = 29
    compute_hour: int = 20
    pay_day: int = 1
    dispute_days: int = 14


class Period(Struct, frozen=True):
    """A calendar quarter or month: its label, and the year and month in which it ends.

    The label's year may be a later one: it is that in which the four quarters end.
    """

    label: str
    year: int
    month: int


class Dates(Struct, frozen=True):
    """The instants of the round that carries this label."""

    label: str
    call_at: datetime
    close_at: datetime
    compute_at: datetime
    pay_at: datetime


def instant(  # noqa: PLR0917 - the order of datetime itself
    zone: str, year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0
) -> datetime:
    """The first instant that is not before a wall time, in UTC.

    A wall time that exists twice is the earlier one; one that the clocks skip is the moment at
    which they jump.
    """
    tz = ZoneInfo(zone)
    wall = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - the zone follows
    # Fold 0 reads the time with the offset before a change of clocks, fold 1 with the one after.
    high = wall.replace(tzinfo=tz).astimezone(UTC)
    low = wall.replace(tzinfo=tz, fold=1).astimezone(UTC)
    # Skipped where they cross: the clocks jump between the two, on a whole second.
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
        if middle.astimezone(tz).replace(tzinfo=None) < wall:
            low = middle
        else:
            high = middle
    return high


def dates(timetable: Timetable, period: Period) -> Dates:
    """The instants of a period: call, close, compute and pay.

    The close is the midnight after `close_day`, and leaves the last day of the month free where
    the month is too short for that; the call comes on the closing day at the latest. `pay_day`
    counts in the month after.
    """
    zone, year, month = timetable.zone, period.year, period.month
    last = monthrange(year, month)[1]
    close_day = min(timetable.close_day, last - 1)
    pay_year, pay_month = _year_and_month(_ordinal(year, month) + 1)
    pay_day = min(timetable.pay_day, monthrange(pay_year, pay_month)[1])
    return Dates(
        label=period.label,
        call_at=instant(zone, year, month, min(timetable.call_day, close_day)),
        close_at=instant(zone, year, month, close_day + 1),
        compute_at=instant(zone, year, month, last, timetable.compute_hour),
        pay_at=instant(zone, pay_year, pay_month, pay_day),
    )


def period_closing_after(
    timetable: Timetable, after: datetime, *, used: Collection[str] = ()
) -> Period:
    """The first period that closes later than `after` and whose label is not among `used`.

    This is the period of a round that opens at `after`, also when the settings changed in between:
    it runs to the end of the period it falls in.
    """
    # One earlier than `after`: its UTC month may be ahead of the server's.
    earliest = _ordinal(after.year, after.month) - _step(timetable)
    candidates = (_ending(timetable, month) for month in count(earliest, _step(timetable)))
    return next(
        period
        for period in candidates
        if period.label not in used and dates(timetable, period).close_at > after
    )


def previous(timetable: Timetable, period: Period) -> Period:
    """The last period of the timetable that ends in an earlier month than this one."""
    return _ending(timetable, _ordinal(period.year, period.month) - _step(timetable))


def last_close_before(timetable: Timetable, period: Period) -> datetime:
    """The close that the calendar gives the period before; the first round takes work since."""
    return dates(timetable, previous(timetable, period)).close_at


def dispute_until(timetable: Timetable, published_at: datetime) -> datetime:
    """The last second of the day that comes `dispute_days` after the day of publication."""
    local = published_at.astimezone(ZoneInfo(timetable.zone))
    day = local.date() + timedelta(days=timetable.dispute_days)
    return instant(timetable.zone, day.year, day.month, day.day, 23, 59, 59)


def is_label(text: str) -> bool:
    """Whether the text has the form of a round's label: `2026-Q4`, or `2026-11` for a month."""
    return _LABEL.fullmatch(text) is not None


def _ordinal(year: int, month: int) -> int:
    return year * _YEAR + month - 1


def _year_and_month(ordinal: int) -> tuple[int, int]:
    return ordinal // _YEAR, ordinal % _YEAR + 1


def _step(timetable: Timetable) -> int:
    return 1 if timetable.period == "month" else _QUARTER


def _ending(timetable: Timetable, ordinal: int) -> Period:
    """The period to which a month belongs."""
    if timetable.period == "month":
        year, month = _year_and_month(ordinal)
        return Period(label=f"{year:04}-{month:02}", year=year, month=month)
    in_year = (ordinal - (timetable.quarter_starts - 1)) % _YEAR
    quarter = in_year // _QUARTER
    label_year, _ = _year_and_month(ordinal - in_year + _YEAR - 1)
    year, month = _year_and_month(ordinal - in_year % _QUARTER + _QUARTER - 1)
    return Period(label=f"{label_year:04}-Q{quarter + 1}", year=year, month=month)
