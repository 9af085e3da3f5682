from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.domain.schedule import (
    LATE_AFTER,
    NOTES,
    Act,
    RoundFacts,
    next_act,
    next_instant,
    payment_due_at,
)
from bot.domain.states import Round

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


CALL, CLOSE = at("2026-03-15"), at("2026-03-30")
COMPUTE, PAY = at("2026-03-31 20:00"), at("2026-04-01")
DRAFTED, PUBLISHED = at("2026-03-31 20:00:05"), at("2026-04-03 09:00")
UNTIL = at("2026-04-17 23:59:59")
LONG_AFTER = at("2027-01-01")

OPEN = RoundFacts(1, Round.OPEN, CALL, CLOSE, COMPUTE, PAY)
REVIEW = replace(OPEN, state=Round.REVIEW, done=frozenset({"call", "close"}))
DRAFT = replace(REVIEW, state=Round.DRAFT, drafted_at=DRAFTED)
PUBLIC = replace(
    DRAFT, state=Round.PUBLISHED, published_at=PUBLISHED, dispute_until=UNTIL, due_lines=2
)
FINAL = replace(PUBLIC, state=Round.FINAL)


def all_acts(facts: RoundFacts, now: datetime) -> list[Act]:
    """What is done one after the other, where nothing but the acts themselves is stored."""
    acts = []
    while (act := next_act([facts], now)) is not None:
        acts.append(act)
        facts = replace(facts, done=facts.done | {act.name})
    return acts


@pytest.mark.parametrize(
    ("facts", "name", "due_at"),
    (
        (OPEN, "call", CALL),
        (replace(OPEN, done=frozenset({"call"})), "close", CLOSE),
        (REVIEW, "compute", COMPUTE),
        (DRAFT, "draft-note-1", DRAFTED + DAY),
        (replace(DRAFT, done=frozenset({"draft-note-1"})), "draft-note-2", DRAFTED + 2 * DAY),
        (PUBLIC, "pay", PUBLISHED),
        (replace(PUBLIC, done=frozenset({"pay"})), "pay-note-1", PUBLISHED + DAY),
        (replace(PUBLIC, due_lines=0), "final", UNTIL),
        (replace(FINAL, due_lines=0), "settle", UNTIL),
        (replace(PUBLIC, published_at=DRAFTED), "pay", PAY),
        (replace(PUBLIC, pays_after_disputes=True, due_lines=1), "final", UNTIL),
    ),
)
def test_an_act_is_due_at_its_instant_and_not_before(
    facts: RoundFacts, name: str, due_at: datetime
) -> None:
    assert next_act([facts], due_at - SECOND) is None
    assert next_instant([facts], due_at - SECOND) == due_at
    assert next_act([facts], due_at) == Act(name, 1, due_at)


def test_an_act_that_was_done_is_not_due_again() -> None:
    for facts in (OPEN, REVIEW, DRAFT, PUBLIC, FINAL):
        acts = all_acts(facts, LONG_AFTER)
        assert len({act.name for act in acts}) == len(acts)
        everything = replace(facts, done=facts.done | {act.name for act in acts})
        assert next_act([everything], LONG_AFTER) is None
        assert next_instant([everything], CALL) is None


@pytest.mark.parametrize(
    ("late_by", "late"),
    ((timedelta(0), False), (LATE_AFTER, False), (LATE_AFTER + SECOND, True), (40 * DAY, True)),
)
def test_an_act_is_late_after_ten_minutes_and_done_all_the_same(
    late_by: timedelta, late: bool
) -> None:
    for facts, name in ((OPEN, "call"), (REVIEW, "compute")):
        act = next_act([facts], {"call": CALL, "compute": COMPUTE}[name] + late_by)
        assert act is not None
        assert (act.name, act.late, act.skipped) == (name, late, False)


@pytest.mark.parametrize(
    ("late_by", "skipped"), ((timedelta(0), False), (DAY, False), (DAY + SECOND, True))
)
def test_a_note_that_is_late_by_more_than_a_day_is_skipped(
    late_by: timedelta, skipped: bool
) -> None:
    draft = next_act([DRAFT], DRAFTED + DAY + late_by)
    pay = next_act([replace(PUBLIC, done=frozenset({"pay"}))], PUBLISHED + DAY + late_by)
    assert draft is not None
    assert pay is not None
    assert (draft.skipped, pay.skipped) == (skipped, skipped)


def test_a_draft_or_a_due_payment_is_noted_at_most_three_times() -> None:
    assert [act.name for act in all_acts(DRAFT, LONG_AFTER)] == [
        f"draft-note-{day}" for day in range(1, NOTES + 1)
    ]
    acts = all_acts(PUBLIC, LONG_AFTER)
    assert [act.name for act in acts] == ["pay", "pay-note-1", "pay-note-2", "pay-note-3", "final"]
    assert [act.skipped for act in acts] == [False, True, True, True, False]
    assert NOTES == 3


@pytest.mark.parametrize("state", (Round.VOID, Round.SETTLED))
def test_nothing_is_due_in_a_round_that_is_void_or_settled(state: Round) -> None:
    assert all_acts(replace(PUBLIC, state=state), LONG_AFTER) == []
    assert next_instant([replace(OPEN, state=state)], CALL - DAY) is None


def test_nothing_is_due_in_a_draft_before_it_was_made_and_where_there_is_no_round() -> None:
    assert next_act([replace(DRAFT, drafted_at=None)], LONG_AFTER) is None
    assert next_act([], LONG_AFTER) is None
    assert next_instant([], CALL) is None


def test_a_call_that_falls_on_the_close_or_later_is_left_out() -> None:
    closed_early = replace(OPEN, close_at=CALL)
    assert [act.name for act in all_acts(closed_early, LONG_AFTER)] == ["close"]


def test_a_reopened_round_closes_when_its_draft_is_due() -> None:
    reopened = replace(OPEN, close_at=COMPUTE, done=frozenset({"call"}))
    assert next_act([reopened], COMPUTE) == Act("close", 1, COMPUTE)


@pytest.mark.parametrize(
    ("facts", "names"),
    (
        (replace(PUBLIC, held_lines=1, due_lines=0, disputed=True), []),
        (replace(PUBLIC, held_lines=1, due_lines=0), ["final"]),
        (replace(PUBLIC, due_lines=0, disputed=True), []),
        (replace(FINAL, due_lines=0, disputed=True), []),
        (replace(FINAL, held_lines=1, due_lines=0), []),
        (replace(FINAL, held_lines=1), ["pay", "pay-note-1", "pay-note-2", "pay-note-3"]),
        (replace(PUBLIC, due_lines=0), ["final"]),
        (replace(FINAL, due_lines=0), ["settle"]),
        (
            replace(FINAL, due_lines=0, correction=2),
            ["draft-2-note-1", "draft-2-note-2", "draft-2-note-3"],
        ),
    ),
)  # fmt: skip
def test_a_round_ends_only_when_nothing_is_held_or_due(facts: RoundFacts, names: list[str]) -> None:
    assert [act.name for act in all_acts(facts, LONG_AFTER)] == names


@pytest.mark.parametrize(
    ("published_at", "after_disputes", "due_at"),
    (
        (PUBLISHED, False, PUBLISHED),
        (DRAFTED, False, PAY),
        (PUBLISHED, True, UNTIL),
        (None, False, None),
    ),
)
def test_payment_is_called_due_on_the_pay_day_or_from_publication_or_after_disputes(
    published_at: datetime | None, after_disputes: bool, due_at: datetime | None
) -> None:
    facts = replace(PUBLIC, published_at=published_at, pays_after_disputes=after_disputes)
    assert payment_due_at(facts) == due_at


def test_no_payment_is_due_while_the_end_of_disputes_is_unknown() -> None:
    assert payment_due_at(replace(PUBLIC, dispute_until=None)) is None


def test_what_is_due_for_longest_comes_first_whatever_the_round() -> None:
    later = replace(OPEN, round_id=2, call_at=at("2026-06-15"), close_at=at("2026-06-30"))
    rounds = [later, PUBLIC]
    done = []
    while (act := next_act(rounds, LONG_AFTER)) is not None:
        done.append((act.round_id, act.name))
        rounds = [
            replace(facts, done=facts.done | {act.name})
            if facts.round_id == act.round_id
            else facts
            for facts in rounds
        ]
    assert done == [
        (1, "pay"),
        (1, "pay-note-1"),
        (1, "pay-note-2"),
        (1, "pay-note-3"),
        (1, "final"),
        (2, "call"),
        (2, "close"),
    ]


def test_acts_of_one_instant_come_by_round_then_name() -> None:
    other = replace(OPEN, round_id=2)
    assert next_act([other, OPEN], CALL) == Act("call", 1, CALL)
    both = replace(PUBLIC, dispute_until=PUBLISHED)
    assert next_act([both], PUBLISHED) == Act("final", 1, PUBLISHED)


def test_the_next_instant_is_the_first_ahead() -> None:
    assert next_instant([OPEN, DRAFT], CALL - DAY) == CALL
    assert next_instant([OPEN, DRAFT], CALL) == CLOSE
    assert next_instant([OPEN, DRAFT], CLOSE) == DRAFTED + DAY
    assert next_instant([OPEN, DRAFT], DRAFTED + 3 * DAY) is None


@given(
    st.lists(st.sampled_from((OPEN, REVIEW, DRAFT, PUBLIC, FINAL)), max_size=5),
    st.datetimes(at("2026-03-01").replace(tzinfo=None), at("2026-06-01").replace(tzinfo=None)),
    st.randoms(use_true_random=False),
)
def test_the_order_of_rounds_is_irrelevant(
    states: list[RoundFacts], naive: datetime, source: random.Random
) -> None:
    now = naive.replace(tzinfo=UTC)
    rounds = [replace(facts, round_id=number) for number, facts in enumerate(states)]
    act, ahead = next_act(rounds, now), next_instant(rounds, now)
    source.shuffle(rounds)
    assert (next_act(rounds, now), next_instant(rounds, now)) == (act, ahead)
    assert act is None or act.due_at <= now
    assert ahead is None or ahead > now
