"""Disputes: what they may come to, and what a decision or a new version changes."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from bot.domain.statement import Line, Statement, line_json

MOST_OPEN = 5
"""Open disputes that one person may have about one round."""


class State(StrEnum):
    """Where a dispute stands; one that is `moot` lost what it was about."""

    OPEN = "open"
    LATE = "late"
    WITHDRAWN = "withdrawn"
    RESOLVED = "resolved"
    MOOT = "moot"


class Outcome(StrEnum):
    """What a decision says: all stays, another amount, or nothing."""

    STANDS = "stands"
    MODIFY = "modify"
    VOID = "void"


def correction(statement: Statement, line: Line, amount: int | None) -> int:
    """Return the adjustment by which an unpaid line pays an amount; None stands for nothing.

    What is carried over from earlier rounds stays as it is.
    """
    mine = (change for change in statement.facts.adjustments if change.user_id == line.user_id)
    earned = line.hours_amount + line.thanks_amount + line.tips_amount
    earned += sum(change.amount for change in mine)
    return -earned if amount is None else amount - earned - line.carry


def room_for(statement: Statement, decided: Mapping[int, int]) -> int:
    """Return what decisions about paid lines may still add before the cap is reached.

    `decided` is what earlier ones carried on, by helper.
    """
    return max((statement.policy.cap or 0) - statement.shared - sum(decided.values()), 0)


def changed(before: Statement, after: Statement) -> frozenset[int]:
    """Return whose lines differ in anything between two versions; who lost theirs too."""
    return frozenset(
        user
        for user in {line.user_id for line in (*before.lines, *after.lines)}
        if _told(before, user) != _told(after, user)
    )


def _told(statement: Statement, user_id: int) -> tuple[bool, dict[str, object]] | None:
    line = statement.line_of(user_id)
    return None if line is None else (line.waived, line_json(statement, line))
