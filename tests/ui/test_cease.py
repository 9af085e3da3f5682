"""What is said about ceasing payments, also at its longest."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from bot.domain.cease import Kind, State
from bot.services.cease import Outcome, Poll
from bot.services.suspensions import Stop
from bot.ui import cease

ID = 10**19 - 1
NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
STOP = Stop(ID, NOW, NOW, is_final=False, reason="<@1> **x** @everyone " * 47)
CROWD = tuple(range(ID - 500, ID))
POLL = Poll(
    number=10**9, kind=Kind.CEASE, user_id=ID, name="*" * 32, proposer_id=ID,
    reason="*`_~|" * 200, state=State.OPEN, ends_at=NOW, decided_at=None, seats=1000, needed=501,
    yes=CROWD, no=CROWD, stop=STOP,
)  # fmt: skip


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("state", State)
def test_every_proposal_fits_a_message_and_a_choice(kind: Kind, state: State) -> None:
    decided_at = None if state is State.OPEN else NOW
    asked = replace(POLL, kind=kind, state=state, decided_at=decided_at)
    assert 0 < len(cease.poll(asked)) <= 2000
    assert "no vote" in cease.poll(asked) or state is not State.OPEN
    for text in (cease.proposed(asked), cease.voted(asked, "yes")):
        assert 0 < len(text) <= 2000
    assert 0 < len(cease.done(Outcome(kind, ID, asked, STOP))) <= 2000


@pytest.mark.parametrize("is_final", (True, False))
def test_nobodys_reason_pings_or_formats(is_final: bool) -> None:
    text = cease.own(replace(STOP, is_final=is_final))
    assert len(text) <= 2000
    assert "@everyone" not in text
    assert text.count("<@1>") == text.count("\\<@1>")
    assert "**x**" not in text


def test_a_reason_that_was_erased_is_said_to_be() -> None:
    assert "of the committee: erased" in cease.own(replace(STOP, reason=""))
    assert "Reason: erased" in cease.poll(replace(POLL, reason=""))


@pytest.mark.parametrize("what", ("began", "final", "lifted"))
def test_announcements_name_the_person_and_never_the_reason(what: str) -> None:
    text = cease.announcement(STOP, what, late=True)
    assert f"Payments to <@{ID}> are" in text
    assert "everyone" not in text


def test_the_colour_of_yes_says_what_it_does() -> None:
    def colours(kind: Kind) -> list[str]:
        return [item.style.name for item in cease.buttons(replace(POLL, kind=kind)).children]  # type: ignore[attr-defined]

    assert colours(Kind.CEASE) == ["danger", "secondary"]
    assert colours(Kind.REINSTATE) == ["success", "secondary"]
