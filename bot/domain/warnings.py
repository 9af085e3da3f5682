"""What a committee should look at before it approves; no warning changes an amount."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from bot.domain.duration import format_minutes
from bot.domain.money import format_amount
from bot.domain.statement import Line, Statement

LONG_DAY = 12 * 60
JUMP = 2
HIGH_SHARE = 3
"""One third: somebody who gets more than that of what is paid for hours is worth a look."""
SEVERAL = 4
"""Among fewer helpers a third is nothing to wonder about."""
NAMED = 3
LONGEST_NAME = 24


class Warning(Struct, frozen=True):  # noqa: A001 - it is what the committee calls it
    """Something to look at in one helper's line; `text` completes the sentence after the name."""

    user_id: int
    text: str

    def sentence(self, name: str) -> str:
        """Return the warning with the name of its helper."""
        return f"{name} {self.text}"


class High(Struct, frozen=True):
    """Opinions that a helper's entries are too high: how many of `entries` have one."""

    opinions: int = 0
    claimants: int = 0
    on_entries: int = 0


class Votes(Struct, frozen=True):
    """Who thanked a helper: voters that count, and those too young for it.

    `mutual` of the voters were thanked back. `apart` of `judged` were never seen writing near the
    helper; nobody is judged where no messages were seen.
    """

    counted: int = 0
    young: int = 0
    mutual: int = 0
    judged: int = 0
    apart: int = 0


def warn(
    statement: Statement,
    *,
    logged_at: Iterable[tuple[int, datetime]],
    call_at: datetime,
    lasted: timedelta,
    last: Statement | None = None,
    high: Mapping[int, High] | None = None,
    votes: Mapping[int, Votes] | None = None,
) -> list[Warning]:
    """Return the warnings of a draft, line by line: first those of claims, then those of votes.

    `logged_at` holds helper and instant of every entry that counts, `lasted` the time the round
    accepted work, `last` the published statement before it, `high` and `votes` what was said of
    every helper's entries and who thanked them.
    """
    opinions, thanks = high or {}, votes or {}
    instants: dict[int, list[datetime]] = defaultdict(list)
    for user, at in logged_at:
        instants[user].append(at)
    claims = [
        Warning(line.user_id, text)
        for line in statement.lines
        for text in (
            *_long_days(line, lasted),
            *_late_logging(instants[line.user_id], call_at),
            *_jump(line, last),
            *_largest_share(statement, line),
            *_too_high(opinions.get(line.user_id, High())),
        )
    ]
    return claims + [
        Warning(line.user_id, text)
        for line in statement.lines
        for text in _votes(thanks.get(line.user_id, Votes()))
    ]


def _long_days(line: Line, lasted: timedelta) -> Iterator[str]:
    days = max(-(-lasted // timedelta(days=1)), 1)
    if line.minutes > LONG_DAY * days:
        average = format_minutes(-(-line.minutes // days))
        yield f"claims {average} a day on average over {days} {'day' if days == 1 else 'days'}."


def _late_logging(logged: list[datetime], call_at: datetime) -> Iterator[str]:
    if logged and min(logged) >= call_at:
        entries = _plural(len(logged), "entry", "entries")
        yield f"logged everything after the call for claims: {entries}."


def _jump(line: Line, last: Statement | None) -> Iterator[str]:
    before = last.line_of(line.user_id) if last else None
    if before and before.minutes and line.minutes > JUMP * before.minutes:
        yield (
            f"claims {format_minutes(line.minutes)}, more than twice the "
            f"{format_minutes(before.minutes)} of the last round."
        )


def _largest_share(statement: Statement, line: Line) -> Iterator[str]:
    shared = statement.shared_hours
    if line.hours_amount and line.hours_amount == statement.bounty.largest_part:
        policy = statement.policy
        share = format_amount(line.hours_amount, decimals=policy.decimals, grouping=True)
        yield f"reaches the largest share of one helper: {share} {policy.currency}".rstrip() + "."
    elif len(statement.lines) >= SEVERAL and line.hours_amount * HIGH_SHARE > shared:
        yield f"gets {line.hours_amount * 100 // shared} % of what is paid for hours."


def _too_high(high: High) -> Iterator[str]:
    if high.opinions:
        apart = f" ({high.claimants} from other claimants)" if high.claimants else ""
        yield (
            f'has {_plural(high.opinions, "opinion")} "too high"{apart} on '
            f"{_plural(high.on_entries, 'entry', 'entries')}."
        )


def _votes(votes: Votes) -> Iterator[str]:
    """One sentence for each helper, so that many votes do not hide other warnings."""
    found = []
    if votes.young:
        found.append(f"{votes.young} more too young")
    if votes.mutual:
        found.append(f"{votes.mutual} thanked back")
    if votes.apart:
        found.append(f"{votes.apart} of {votes.judged} never seen writing nearby")
    if found:
        yield f"has {_plural(votes.counted, 'voter')}: {', '.join(found)}."


def without_address(names: Sequence[str], *, lines: int) -> str:
    """Return the warning that some of the lines to be paid have no payout address."""
    listed = ", ".join(name[:LONGEST_NAME] for name in names[:NAMED])
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"No payout address for {len(names)} of {_plural(lines, 'line')}: {listed}{more}."


def _plural(count: int, singular: str, many: str = "") -> str:
    return f"{count} {singular if count == 1 else many or f'{singular}s'}"
