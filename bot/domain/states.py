"""States of rounds, lines and helpers, and which may follow which."""

from __future__ import annotations

from enum import StrEnum


class Round(StrEnum):
    """The life of a round; payment is a state of its lines, not of the round."""

    OPEN = "open"
    REVIEW = "review"
    DRAFT = "draft"
    PUBLISHED = "published"
    FINAL = "final"
    SETTLED = "settled"
    VOID = "void"


class Line(StrEnum):
    """What is to happen with one line of a statement."""

    DUE = "due"
    HELD = "held"
    PAID = "paid"
    WAIVED = "waived"
    NONE = "none"


class Helper(StrEnum):
    """Where somebody stands on the roster."""

    CANDIDATE = "candidate"
    ACTIVE = "active"
    DROPPED = "dropped"
    LEFT = "left"
    REMOVED = "removed"


NEXT_ROUND_STATES: dict[Round, frozenset[Round]] = {
    Round.OPEN: frozenset({Round.REVIEW, Round.VOID}),
    Round.REVIEW: frozenset({Round.DRAFT, Round.OPEN, Round.VOID}),
    Round.DRAFT: frozenset({Round.PUBLISHED, Round.VOID}),
    Round.PUBLISHED: frozenset({Round.FINAL, Round.VOID}),
    Round.FINAL: frozenset({Round.SETTLED, Round.PUBLISHED, Round.VOID}),
    Round.SETTLED: frozenset({Round.FINAL}),
    Round.VOID: frozenset(),
}

PUBLIC_ROUND_STATES = frozenset({Round.PUBLISHED, Round.FINAL, Round.SETTLED})
LOGGING_HELPER_STATES = frozenset({Helper.ACTIVE, Helper.DROPPED})


def may_follow(state: Round, following: Round) -> bool:
    """Whether a round in one state may go to the other."""
    return following in NEXT_ROUND_STATES[state]
