"""Whether two people were seen with each other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.meetings import Message, met

NOON = datetime(2026, 2, 1, 12, tzinfo=UTC)
ADA, BEN, SAM, TOM = 11, 12, 51, 52
HERE, THERE = 1, 2


def message(user: int, minutes: float, channel: int = HERE, reply_to: int | None = None) -> Message:
    return Message(user, channel, NOON + timedelta(minutes=minutes), reply_to)


@pytest.mark.parametrize(
    ("messages", "is_met"),
    (
        ((), False),
        ((message(SAM, 0),), False),
        ((message(ADA, 0), message(SAM, 30)), True),
        ((message(SAM, 0), message(ADA, 30)), True),
        ((message(ADA, 30), message(SAM, 0)), True),
        ((message(ADA, 0), message(SAM, 30.01)), False),
        ((message(ADA, 0), message(SAM, 0)), True),
        ((message(ADA, 0), message(SAM, 1, THERE)), False),
        ((message(ADA, 0, reply_to=SAM),), True),
        ((message(SAM, 0, reply_to=ADA),), True),
        ((message(SAM, 0, reply_to=TOM), message(ADA, 0, THERE, reply_to=BEN)), False),
        ((message(ADA, 0), message(SAM, 900, THERE, reply_to=ADA)), True),
        ((message(ADA, 0), message(TOM, 15), message(SAM, 31)), False),
        ((message(ADA, 0), message(ADA, 20), message(SAM, 40)), True),
        ((message(SAM, 0), message(TOM, 1), message(TOM, 2)), False),
    ),
)
def test_people_meet_by_a_reply_or_by_writing_near_each_other(
    messages: tuple[Message, ...], is_met: bool
) -> None:
    found = met(messages, voters={ADA: [SAM]})
    assert found == {ADA: frozenset({SAM} if is_met else ())}


def test_helpers_who_thank_each_other_are_looked_at_both_ways() -> None:
    found = met([message(ADA, 0), message(BEN, 5)], voters={ADA: [BEN, SAM], BEN: [ADA], TOM: []})
    assert found == {ADA: {BEN}, BEN: {ADA}, TOM: frozenset()}


people = st.sampled_from((ADA, BEN, SAM, TOM))
messages = st.lists(
    st.builds(
        message, people, st.integers(0, 200), st.sampled_from((HERE, THERE)), st.none() | people
    ),
    max_size=25,
)


def is_near(one: Message, other: Message) -> bool:
    together = one.channel_id == other.channel_id and abs(one.at - other.at) <= timedelta(
        minutes=30
    )
    return together or one.reply_to == other.user_id


@given(messages)
def test_the_rule_is_that_of_comparing_every_pair_of_messages(seen: list[Message]) -> None:
    voters = {ADA: [BEN, SAM, TOM], BEN: [ADA, TOM]}

    def ever(helper: int, voter: int) -> bool:
        theirs = [each for each in seen if each.user_id in (helper, voter)]
        replied = any(
            each.reply_to in (helper, voter) and each.reply_to != each.user_id for each in theirs
        )
        return replied or any(
            is_near(one, other)
            for one in theirs
            for other in theirs
            if (one.user_id, other.user_id) == (helper, voter)
        )

    assert met(seen, voters=voters) == {
        helper: frozenset(voter for voter in thanking if ever(helper, voter))
        for helper, thanking in voters.items()
    }
