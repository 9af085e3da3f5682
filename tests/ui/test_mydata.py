"""What is said before and after somebody's data is erased."""

from __future__ import annotations

from msgspec.structs import replace

from bot.domain.statement import Sum
from bot.services.mydata import Deleted, Left
from bot.ui import mydata
from storage.mydata import Erasable

NOTHING = Left(
    erasable=Erasable(0, 0, 0, 0, 0, 0, 0),
    name="",
    is_listed=False,
    has_clock=False,
    owed=(),
    batches=(),
    disputes=(),
)
EVERYTHING = Left(
    erasable=Erasable(1, 2, 3, 4, 5, 6, 7),
    name="**ada**",
    is_listed=True,
    has_clock=True,
    owed=tuple((f"2026-Q{n}", Sum(1234, "USD", 2)) for n in range(1, 11)),
    batches=(3,),
    disputes=(7, 8),
)


def test_the_question_says_what_goes_and_what_stays() -> None:
    said = mydata.question(EVERYTHING)
    for words in (
        "your name, \\*\\*ada\\*\\*",
        "notes and links of 1 entry",
        "2 notes of thanks",
        "your reason in 3 disputes",
        "4 payout addresses",
        "5 rows of activity",
        "6 opinions on entries",
        "7 texts behind digests",
        "your running clock",
        "your place on the roster",
        "12.34 USD of 2026-Q8 and 2 more",
        "your address in batch 3",
        "dispute 7, 8 itself",
    ):
        assert words in said
    assert len(said) <= 2000


def test_what_is_not_there_is_not_mentioned() -> None:
    said = mydata.question(replace(NOTHING, is_listed=True))
    assert "your place on the roster" in said
    for words in ("name", "entry", "owed", "batch", "dispute", "clock"):
        assert words not in said


def test_the_answer_says_what_is_still_due_and_where_an_address_is_left() -> None:
    said = mydata.deleted(Deleted("member-1a2b3c4d", EVERYTHING, None))
    assert "`member-1a2b3c4d`" in said
    assert "Still due to you: 12.34 USD of 2026-Q1" in said
    assert "Your address leaves batch 3" in said
    assert len(said) <= 2000
    assert "due" not in mydata.deleted(Deleted("member-1", NOTHING, None))
