"""Working time: whole minutes, from what people write and back."""

from __future__ import annotations

import re

from bot.domain.errors import Refusal

LONGEST_HOURS = 366 * 24
"""Nobody logs more than a leap year at once: beyond it, the figure is a slip of the keyboard."""

_LONGEST_TEXT = 64
_HOUR = 60
_ACCEPTED = "Write a duration like `2h30m`, `2:30`, `2.5h` or `150m`."

# Digits are spelled out: \d also takes other scripts' digits.
_H = "(?:h|hrs?|hours?)"
_M = "(?:m|mins?|minutes?)"
_UNITS = re.compile(
    rf"(?P<hours>[0-9]+) ?{_H}(?: ?(?P<past>[0-9]+) ?{_M})?|(?P<minutes>[0-9]+) ?{_M}"
)
_CLOCK = re.compile(r"(?P<hours>[0-9]+):(?P<past>[0-9]{2})")
_DECIMAL = re.compile(rf"(?P<hours>[0-9]+)(?P<point>[.,])(?P<fraction>[0-9]+)(?: ?{_H})?")
_BARE = re.compile(r"[0-9]+")
_GROUPED = re.compile(r"[1-9][0-9]{0,2},[0-9]{3}")


def parse_minutes(text: str) -> int:
    """Read a duration as people write it, in whole minutes, at least 1.

    `2h30m`, `2h 30m`, `2:30`, `2.5`, `2,5`, `2.5h`, `2h`, `150m`, and the units as words. Decimal
    hours round down to the minute. Refused, with an accepted form: a whole number without unit
    (both readings are offered), 60 or more minutes beside hours, `1,000` (a group or decimals),
    days, signs, exponents, other digits than 0-9, and more than `LONGEST_HOURS`.
    """
    if len(text) > _LONGEST_TEXT:
        raise Refusal(_ACCEPTED)
    words = " ".join(text.lower().split())
    if _BARE.fullmatch(words) and 0 < int(words) <= LONGEST_HOURS:
        number = int(words)
        raise Refusal(
            f"Minutes or hours? Write `{number}m` for {format_minutes(number)} "
            f"or `{number}h` for {format_minutes(number * _HOUR)}."
        )
    minutes = _read(words)
    if minutes is None:
        raise Refusal(_ACCEPTED)
    if minutes < 1:
        raise Refusal(f"The shortest time that counts is one minute. {_ACCEPTED}")
    if minutes > LONGEST_HOURS * _HOUR:
        raise Refusal(f"At most {LONGEST_HOURS} hours fit into one duration. {_ACCEPTED}")
    return minutes


def format_minutes(minutes: int) -> str:
    """Write minutes as `3 h 20 min`, `3 h` or `20 min`, with a sign below zero."""
    hours, past = divmod(abs(minutes), _HOUR)
    sign = "-" if minutes < 0 else ""
    parts = [f"{hours} h"] if hours else []
    if past or not hours:
        parts.append(f"{past} min")
    return sign + " ".join(parts)


def _read(words: str) -> int | None:
    """Minutes of any accepted form, unbounded, or None where the form is not accepted."""
    if match := _DECIMAL.fullmatch(words):
        if _GROUPED.match(words) and len(match["fraction"]) == 3:  # noqa: PLR2004 - a group
            raise Refusal(f"A comma before three digits can be read in two ways. {_ACCEPTED}")
        one_hour: int = 10 ** len(match["fraction"])
        return int(match["hours"] + match["fraction"]) * _HOUR // one_hour
    match = _UNITS.fullmatch(words) or _CLOCK.fullmatch(words)
    if match is None:
        # A bare number that gets here is zero or beyond every limit.
        return int(words) * _HOUR if _BARE.fullmatch(words) else None
    found = match.groupdict(default="0")
    past = int(found["past"])
    if past >= _HOUR:
        raise Refusal(f"Beside hours, minutes go from 0 to 59. {_ACCEPTED}")
    return int(found["hours"]) * _HOUR + past + int(found.get("minutes", "0"))
