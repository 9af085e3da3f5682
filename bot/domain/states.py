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


def state_of(
    *, is_paid: bool, is_waived: bool, is_given_up: bool, is_held: bool, amount: int
) -> Line:
    """Return the state of a line: what comes first in the order of these words decides.

    `is_waived` says that its statement waives it, `is_given_up` that pay was declined or ceased
    since, `is_held` that it is disputed or its payee suspended.
    """
    if is_paid:
        return Line.PAID
    if is_waived or (is_given_up and amount):
        return Line.WAIVED
    if not amount:
        return Line.NONE
    return Line.HELD if is_held else Line.DUE
