"""The tip jar: what users tipped in a round, and what the funder adds to it.

Amounts are integers of the smallest unit; a match of tips rounds down.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from bot.domain.money import (
    WHOLE_BP,
    format_amount,
    format_share,
    parse_amount,
    parse_share_bp,
)

PERCENT, LUMP = "percent", "lump"
KINDS = (PERCENT, LUMP)
MOST_PERCENT = 1000


class Match(Struct, frozen=True):
    """What the funder adds: `percent` of the tips (basis points) up to a limit, or a `lump` sum."""

    kind: str
    value: int
    limit: int | None = None


class Jar(Struct, frozen=True):
    """The jar of a round: what was tipped, what the funder adds by which match, and their sum."""

    tips: int
    match_amount: int
    total: int
    match: Match | None = None


NO_JAR = Jar(0, 0, 0)
"""The jar of a round in which nobody tipped."""


def jar(tips: int, match: Match | None = None) -> Jar:
    """Return the jar of some tips: with a lump sum, or with min(limit, floor(tips x percent))."""
    if tips < 0:
        raise ValueError("tips cannot be negative")
    if match is None:
        added = 0
    elif match.kind == LUMP:
        added = match.value
    else:
        added = tips * match.value // WHOLE_BP
        added = added if match.limit is None else min(match.limit, added)
    return Jar(tips, added, tips + added, match)


def spell_match(match: Match | None, *, decimals: int) -> dict[str, str]:
    """Return a match as the record holds it, all empty where there is none; `50` is 50 %."""
    if match is None:
        return {"kind": "", "value": "", "limit": ""}
    is_percent = match.kind == PERCENT
    limit = match.limit
    return {
        "kind": match.kind,
        "value": (
            format_share(match.value)
            if is_percent
            else format_amount(match.value, decimals=decimals)
        ),
        "limit": "" if limit is None else format_amount(limit, decimals=decimals),
    }


def read_match(spelled: Mapping[str, str], *, decimals: int) -> Match | None:
    """Read back what `spell_match` gives; another kind is a `ValueError`."""
    kind, value, limit = spelled["kind"], spelled["value"], spelled["limit"]
    match kind:
        case "":
            return None
        case "percent":
            most = parse_amount(limit, decimals=decimals) if limit else None
            return Match(PERCENT, parse_share_bp(value, most_percent=MOST_PERCENT), most)
        case "lump":
            return Match(LUMP, parse_amount(value, decimals=decimals))
    raise ValueError(f"a match is {' or '.join(KINDS)}, not {kind!r}")
