"""What a committee should look at before it approves; no warning changes an amount."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.duration import format_minutes
from bot.domain.statement import Line, Statement

LONG_DAY = 12 * 60
JUMP = 2
HIGH_SHARE = 3
"""One third: somebody who gets more than that of what is paid for hours is worth a look."""
SEVERAL = 4
"""Among fewer helpers a third is nothing to wonder about."""


@dataclass(frozen=True, slots=True)
class Warning:  # noqa: A001 - it is what the committee calls it
    """Something to look at in one helper's line; `text` completes the sentence after the name."""

    user_id: int
    text: str

    def sentence(self, name: str) -> str:
        """Return the warning with the name of its helper."""
        return f"{name} {self.text}"


def warn(
    statement: Statement,
    *,
    logged_at: Iterable[tuple[int, datetime]],
    call_at: datetime,
    lasted: timedelta,
    last: Statement | None = None,
) -> list[Warning]:
    """Return the warnings of a draft, line by line.

    `logged_at` holds helper and instant of every entry that counts, `lasted` the time the round
    accepted work, `last` the published statement before it.
    """
    instants: dict[int, list[datetime]] = defaultdict(list)
    for user, at in logged_at:
        instants[user].append(at)
    return [
        Warning(line.user_id, text)
        for line in statement.lines
        for text in (
            *_long_days(line, lasted),
            *_late_logging(instants[line.user_id], call_at),
            *_jump(line, last),
            *_largest_share(statement, line),
        )
    ]


def _long_days(line: Line, lasted: timedelta) -> Iterator[str]:
    days = max(-(-lasted // timedelta(days=1)), 1)
    if line.minutes > LONG_DAY * days:
        average = format_minutes(-(-line.minutes // days))
        yield f"claims {average} a day on average over {days} {'day' if days == 1 else 'days'}."


def _late_logging(logged: list[datetime], call_at: datetime) -> Iterator[str]:
    if logged and min(logged) >= call_at:
        yield "logged everything after the call for claims."


def _jump(line: Line, last: Statement | None) -> Iterator[str]:
    before = last.line_of(line.user_id) if last else None
    if before and before.minutes and line.minutes > JUMP * before.minutes:
        yield (
            f"claims {format_minutes(line.minutes)}, more than twice the "
            f"{format_minutes(before.minutes)} of the last round."
        )


def _largest_share(statement: Statement, line: Line) -> Iterator[str]:
    shared = sum(other.hours_amount for other in statement.lines)
    if line.hours_amount and line.hours_amount == statement.bounty.largest_part:
        yield "reaches the largest share that one helper can get."
    elif len(statement.lines) >= SEVERAL and line.hours_amount * HIGH_SHARE > shared:
        yield f"gets {line.hours_amount * 100 // shared} % of what is paid for hours."
