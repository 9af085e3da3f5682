"""Disputes in words: within Discord's limits, whatever people write."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from bot.domain.disputes import Outcome, State
from bot.domain.states import Line
from bot.services.disputes import Decided, Opened, Told
from bot.ui import disputes as words

USER = 1_456_074_443_980_800_032
AT = datetime(2026, 4, 14, 23, 59, 59, tzinfo=UTC)
TEXTS = ("*" * 1000, "<@&1> @everyone " * 62, "w" * 1000, "\n" * 1000, "short", "")
TOLD = Told(
    number=999_999,
    label="2026-Q1",
    version=12,
    user_id=USER,
    opener_id=USER,
    reason="",
    at=AT,
    valid_until=AT,
    state=State.OPEN,
    outcome=None,
    amount=None,
    answer="",
    decided_by=None,
    currency="WWWWWWWWWW",
    decimals=8,
)


def decided(text: str) -> Told:
    return replace(
        TOLD,
        state=State.RESOLVED,
        outcome=Outcome.MODIFY,
        amount=2**62,
        reason=text,
        answer=text,
        decided_by=USER,
    )


@pytest.mark.parametrize("text", TEXTS)
def test_posts_and_lists_keep_to_the_limits(text: str) -> None:
    facts = {"version": None, "amounts": (2**62, 0), "carried": -(2**62), "carried_to": "2026-Q2"}
    told = decided(text)
    posts = [
        words.committee_post(replace(TOLD, reason=text)),
        words.committee_post(told),
        words.decided_post(told, facts),
        words.decided(Decided(told, **facts)),  # type: ignore[arg-type]
    ]
    assert max(map(len, posts)) <= 2000
    assert not any("@everyone" in post for post in posts)
    pages = words.listing([told] * 20)
    assert [len(page.description or "") <= 4096 for page in pages] == [True] * 3


def test_a_text_that_was_erased_is_told_as_erased() -> None:
    assert words.committee_post(decided("")).count("(erased)") == 2


@pytest.mark.parametrize("state", list(State))
def test_every_state_has_its_words(state: State) -> None:
    outcome = Outcome.STANDS if state is State.RESOLVED else None
    told = replace(TOLD, state=state, outcome=outcome)
    assert words.committee_post(told).startswith("**Dispute 999999** about the line of")
    assert words.public_post(told).startswith("**Dispute 999999** about the line of")
    (page,) = words.listing([told])
    assert "**999999** about the line of" in (page.description or "")


@pytest.mark.parametrize(
    ("line", "said"),
    (
        (Line.HELD, "This line is held"),
        (Line.PAID, "This line is paid, so nothing is held"),
        (Line.WAIVED, "Nothing is to be paid for this line at present"),
        (Line.NONE, "Nothing is to be paid for this line at present"),
    ),
)
def test_the_receipt_says_what_is_held(line: Line, said: str) -> None:
    assert said in words.receipt(Opened(TOLD, line, 1, None))


def test_without_a_committee_role_the_receipt_names_the_committee() -> None:
    late = Opened(replace(TOLD, state=State.LATE), Line.DUE, 0, None)
    assert "Talk to the committee" in words.receipt(late)


def test_a_carry_that_no_round_can_take_waits() -> None:
    told = replace(decided("x"), currency="USD", decimals=2)
    said = words.decided(Decided(told, amounts=(120_00, 90_00), carried=-30_00))
    assert "as it is paid, -30.00 USD waits for the next round in this currency." in said
