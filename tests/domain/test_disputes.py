from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.domain.disputes import changed, correction, room_for
from bot.domain.errors import Refusal
from bot.domain.statement import Accepted, Adjustment, Facts, Statement, compute

POLICY = {"currency": "USD", "cap": "1000.00", "hourly_rate": "5.00"}
ADA, BEN, CAT = 11, 22, 33


def facts(minutes: dict[int, int], **more: Any) -> Facts:
    entries = tuple(
        Accepted(number, user, spent) for number, (user, spent) in enumerate(minutes.items(), 1)
    )
    return Facts(1, "2026-Q1", 1, POLICY, entries=entries, **more)


def decided(statement: Statement, user: int, amount: int | None) -> Statement:
    line = statement.line_of(user)
    assert line is not None
    change = Adjustment(99, user, 0, correction(statement, line, amount))
    before = statement.facts
    voided = before.voided - {user} | (frozenset({user}) if amount is None else frozenset())
    return compute(
        replace(before, version=2, adjustments=(*before.adjustments, change), voided=voided)
    )


def amount_of(statement: Statement, user: int = ADA) -> int:
    line = statement.line_of(user)
    assert line is not None
    return line.amount


@given(
    st.integers(0, 6000),
    st.integers(-2000, 2000),
    st.integers(-3000, 3000),
    st.integers(0, 20_000),
    st.booleans(),
)
def test_a_modified_line_pays_exactly_what_was_decided_also_after_it_was_void(
    minutes: int, change: int, carry: int, goal: int, was_void: bool
) -> None:
    try:
        before = compute(
            facts(
                {ADA: minutes, BEN: 60},
                adjustments=(Adjustment(1, ADA, 0, change),),
                carries={ADA: carry},
                voters={ADA: 1, BEN: 1},
                tips=1_00,
            )
        )
        if was_void:
            before = decided(before, ADA, None)
            assert amount_of(before) == 0
        after = decided(before, ADA, goal)
    except Refusal:
        return  # more than a line has cannot be taken from it
    assert amount_of(after) == goal
    assert amount_of(after, BEN) == amount_of(before, BEN)


def test_a_void_line_gives_all_back_and_leaves_the_carry() -> None:
    before = compute(facts({ADA: 600, BEN: 60}, carries={ADA: -5_00}))
    after = decided(before, ADA, None)
    line = after.line_of(ADA)
    assert line is not None
    assert (line.amount, line.adjustment, line.carry_left) == (0, -50_00, -5_00)
    assert amount_of(after, BEN) == 5_00


@pytest.mark.parametrize(
    ("given_on", "room"),
    (({}, 945_00), ({ADA: 45_00}, 900_00), ({ADA: -5_00}, 950_00), ({ADA: 2000_00}, 0)),
)
def test_what_decisions_may_add_is_what_the_cap_has_left(
    given_on: dict[int, int], room: int
) -> None:
    assert room_for(compute(facts({ADA: 600, BEN: 60})), given_on) == room


def test_a_line_has_changed_where_anything_of_it_has() -> None:
    before = compute(facts({ADA: 600, BEN: 60}))

    def against(**more: Any) -> frozenset[int]:
        return changed(before, compute(replace(before.facts, version=2, **more)))

    assert against() == frozenset()
    assert against(adjustments=(Adjustment(1, ADA, 0, 1),)) == {ADA}
    assert against(voided=frozenset({BEN})) == {BEN}
    assert against(voters={BEN: 1}) == {BEN}
    assert against(carries={CAT: 1}) == {CAT}
    assert against(entries=before.facts.entries[:1]) == {BEN}
    # The parts have changed, though the amount has not.
    swapped = (Adjustment(1, ADA, -60, 0), Adjustment(2, ADA, 0, 5_00))
    assert against(adjustments=swapped) == {ADA}
