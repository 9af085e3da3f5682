from __future__ import annotations

import csv
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.domain.canonical import canonical, sha256
from bot.domain.errors import Refusal
from bot.domain.money import format_amount
from bot.domain.policy import read
from bot.domain.statement import (
    CSV_FIELDS,
    UNHASHED_FIELDS,
    Accepted,
    Adjustment,
    Facts,
    Line,
    Statement,
    as_json,
    compute,
    line_json,
    pools,
    require_room,
)

DATA = Path(__file__).parents[1] / "data"
POLICY = {"currency": "USD", "cap": "1000.00", "hourly_rate": "5.00"}
ADA, BEN, CAT, DAN = 11, 22, 33, 44


def facts(minutes: dict[int, int] | None = None, **more: Any) -> Facts:
    entries = tuple(
        Accepted(number, user, spent)
        for number, (user, spent) in enumerate((minutes or {}).items(), 1)
    )
    policy = {**POLICY, **more.pop("policy", {})}
    given = {"guild_id": 1, "label": "2026-Q1", "version": 1, "entries": entries, **more}
    return Facts(policy=policy, **given)


def amounts(statement: Statement, field: str = "amount") -> list[str]:
    return [line_json(statement, line)[field] for line in statement.lines]


def line_of(statement: Statement, user: int) -> Line:
    line = statement.line_of(user)
    assert line is not None
    return line


FOUR = facts({ADA: 7800, BEN: 2850, CAT: 3675, DAN: 2025})


@pytest.mark.parametrize(
    ("minutes", "paid", "total"),
    (
        ((7800, 2850, 3675, 2025), ["477.07", "174.31", "224.77", "123.85"], 1000_00),
        ((3600, 1800), ["300.00", "150.00"], 450_00),
        ((50, 50, 50), ["4.17", "4.17", "4.16"], 12_50),
        ((), [], 0),
    ),
)
def test_hours_are_paid_at_the_rate_and_scaled_to_the_cap(
    minutes: tuple[int, ...], paid: list[str], total: int
) -> None:
    statement = compute(facts(dict(enumerate(minutes, 1))))
    assert amounts(statement) == paid
    assert statement.total == total
    assert statement.room == 1000_00 - total
    assert statement.pay_total is None


def test_the_hours_of_rocket_pool_support_give_the_published_split() -> None:
    rows = list(csv.DictReader((DATA / "rocketpool_support_hours.csv").open(encoding="utf-8")))
    minutes = {number: int(row["minutes"]) for number, row in enumerate(rows, 1)}
    policy = {"cap": "18000.00", "hourly_rate": "30.00"}
    statement = compute(facts(minutes, policy=policy))
    assert amounts(statement) == [row["expected_payout"] for row in rows]
    assert as_json(statement)["total"] == "18000.00"
    assert statement.bounty.scaled


def test_entries_of_one_helper_add_up_and_zero_minutes_are_still_a_line() -> None:
    entries = (Accepted(1, ADA, 30), Accepted(2, BEN, 0), Accepted(3, ADA, 30))
    statement = compute(replace(facts(), entries=entries))
    assert [(line.user_id, line.minutes, line.amount) for line in statement.lines] == [
        (ADA, 60, 5_00),
        (BEN, 0, 0),
    ]


def test_nobody_gets_more_than_the_largest_share() -> None:
    statement = compute(facts({ADA: 60_000, BEN: 600}, policy={"max_share": "40"}))
    assert amounts(statement) == ["400.00", "50.00"]
    assert statement.bounty.capped == {ADA}


@pytest.mark.parametrize("policy", ({"cap": "0.00"}, {"cap": ""}, {"hourly_rate": ""}))
def test_without_cap_or_rate_nothing_is_paid(policy: dict[str, str]) -> None:
    assert amounts(compute(facts({ADA: 600}, policy=policy))) == ["0.00"]


# ---------------------------------------------------------------- hours and thanks


@pytest.mark.parametrize(
    ("split_by", "share", "parts"),
    (
        ("hours", "20", (1000_00, 0)),
        ("thanks", "20", (0, 1000_00)),
        ("mixed", "20", (800_00, 200_00)),
        ("mixed", "0.01", (999_90, 10)),
    ),
)
def test_the_cap_is_shared_by_hours_thanks_or_both(
    split_by: str, share: str, parts: tuple[int, int]
) -> None:
    assert pools(read({**POLICY, "split_by": split_by, "thanks_share": share})) == parts
    assert sum(pools(read({"split_by": split_by, "thanks_share": share}))) == 0


def test_a_mixed_round_has_hours_a_thanks_pool_and_tips_apart() -> None:
    statement = compute(
        facts(
            {ADA: 60_000, BEN: 600},
            policy={"split_by": "mixed", "thanks_share": "20", "max_share": "50"},
            voters={BEN: 3, CAT: 1, DAN: 0},
            tips=10_01,
        )
    )
    assert (statement.hours_cap, statement.thanks_pool) == (800_00, 200_00)
    assert amounts(statement, "hours_amount") == ["400.00", "50.00", "0.00"]
    assert amounts(statement, "thanks_amount") == ["0.00", "150.00", "50.00"]
    assert amounts(statement, "tips_amount") == ["0.00", "7.51", "2.50"]
    assert amounts(statement) == ["400.00", "207.51", "52.50"]
    assert statement.total == 660_01
    # What is left in one part does not flow to the other; tips are beside the cap.
    assert statement.room == 1000_00 - 400_00 - 50_00 - 200_00


def test_a_pool_that_nobody_can_receive_stays_undistributed() -> None:
    policy = {"split_by": "thanks"}
    statement = compute(facts({ADA: 60}, policy=policy, tips=5_00, voters={}))
    assert (statement.total, statement.thanks_pool) == (0, 1000_00)
    alone = compute(facts(policy=policy, tips=5_00, voters={ADA: 4}, declined=frozenset({ADA})))
    assert (alone.total, line_of(alone, ADA).waived) == (0, True)


def test_who_declined_pay_has_weight_zero_and_a_waived_line() -> None:
    before = compute(FOUR)
    after = compute(replace(FOUR, declined=frozenset({ADA}), voters={ADA: 2, BEN: 2}, tips=4_00))
    ada = line_of(after, ADA)
    assert (ada.waived, ada.minutes, ada.voters, ada.amount) == (True, 7800, 2, 0)
    assert line_of(after, BEN).tips_amount == 4_00
    # While the cap binds the others gain.
    assert line_of(after, CAT).hours_amount == 306_25 > line_of(before, CAT).hours_amount
    assert not line_of(after, CAT).waived


def test_below_the_cap_nobody_gains_from_what_was_declined() -> None:
    below = facts({ADA: 600, BEN: 600})
    after = compute(replace(below, declined=frozenset({ADA})))
    assert amounts(compute(below)) == ["50.00", "50.00"]
    assert amounts(after) == ["0.00", "50.00"]


# ---------------------------------------------------------------- adjustments


def test_minutes_enter_the_split_and_an_amount_is_added_to_the_line() -> None:
    changes = (
        Adjustment(1, ADA, minutes=-60),
        Adjustment(2, BEN, amount=25_00),
        Adjustment(3, CAT, 60),
    )
    statement = compute(facts({ADA: 120, BEN: 60}, adjustments=changes))
    assert [
        (line.user_id, line.logged_minutes, line.minutes, line.adjustment, line.amount)
        for line in statement.lines
    ] == [(ADA, 120, 60, 0, 5_00), (BEN, 60, 60, 25_00, 30_00), (CAT, 0, 60, 0, 5_00)]
    assert statement.room == 1000_00 - 40_00


def test_adjustments_of_one_line_add_up() -> None:
    changes = (Adjustment(1, ADA, 30, 5_00), Adjustment(2, ADA, 30, -2_00))
    line = line_of(compute(facts({ADA: 60}, adjustments=changes)), ADA)
    assert (line.minutes, line.adjustment, line.amount) == (120, 3_00, 13_00)


@pytest.mark.parametrize(
    ("change", "reason"),
    (
        (Adjustment(1, ADA, minutes=-61), "minutes of a helper below zero"),
        (Adjustment(1, CAT, minutes=-1), "minutes of a helper below zero"),
        (Adjustment(1, ADA, amount=-5_01), "line below 0"),
        (Adjustment(1, CAT, amount=-1), "line below 0"),
        (Adjustment(1, ADA, minutes=-30, amount=-2_51), "line below 0"),
    ),
)
def test_nothing_goes_below_zero(change: Adjustment, reason: str) -> None:
    with pytest.raises(Refusal, match=reason):
        compute(facts({ADA: 60}, adjustments=(change,)))


def test_everything_of_a_line_can_be_taken() -> None:
    taken = compute(facts({ADA: 60}, adjustments=(Adjustment(1, ADA, amount=-5_00),)))
    assert amounts(taken) == ["0.00"]


def test_an_amount_for_somebody_who_declined_changes_nothing() -> None:
    changes = (Adjustment(1, ADA, amount=-500_00),)
    statement = compute(facts({ADA: 60}, adjustments=changes, declined=frozenset({ADA})))
    assert (line_of(statement, ADA).adjustment, statement.total) == (0, 0)


def adjusted(before: Facts, *changes: Adjustment) -> None:
    after = replace(before, adjustments=(*before.adjustments, *changes))
    require_room(compute(after), before=compute(before))


def test_an_amount_may_fill_the_cap_and_the_refusal_names_what_is_left() -> None:
    before = facts({ADA: 600, BEN: 600})
    adjusted(before, Adjustment(1, ADA, amount=900_00))
    with pytest.raises(Refusal, match=r"At most 900\.00 USD can still be added\."):
        adjusted(before, Adjustment(1, ADA, amount=900_01))


def test_the_refusal_groups_what_is_left_and_leaves_out_an_unset_currency() -> None:
    before = facts({ADA: 60}, policy={"cap": "12000.00", "currency": ""})
    with pytest.raises(Refusal, match=r"At most 11,995\.00 can still be added\."):
        adjusted(before, Adjustment(1, ADA, amount=12_000_00))


def test_where_the_cap_binds_nothing_can_be_added_but_taken_and_moved() -> None:
    with pytest.raises(Refusal, match=r"At most 0\.00 USD"):
        adjusted(FOUR, Adjustment(1, ADA, amount=1))
    adjusted(FOUR, Adjustment(1, ADA, amount=-77_07))
    adjusted(FOUR, Adjustment(1, ADA, minutes=600))
    lowered = replace(FOUR, adjustments=(Adjustment(1, ADA, amount=-77_07),))
    assert compute(lowered).room == 77_07
    adjusted(lowered, Adjustment(2, BEN, amount=77_07))


def test_minutes_may_not_lift_the_round_above_the_cap_either_once_amounts_were_added() -> None:
    full = facts({ADA: 60}, adjustments=(Adjustment(1, BEN, amount=995_00),))
    assert compute(full).room == 0
    with pytest.raises(Refusal, match=r"At most 0\.00 USD"):
        adjusted(full, Adjustment(2, ADA, minutes=60))


def test_tips_and_carries_are_beside_the_cap() -> None:
    rich = facts({ADA: 12_000}, voters={ADA: 1}, tips=500_00, carries={ADA: 100_00})
    statement = compute(rich)
    assert (statement.room, statement.total) == (0, 1600_00)
    adjusted(replace(rich, entries=()), Adjustment(1, ADA, amount=1000_00))


# ---------------------------------------------------------------- voided lines


def test_a_voided_line_comes_to_nothing_and_nobody_else_gains() -> None:
    changes = (Adjustment(1, BEN, 0, -100_00), Adjustment(2, CAT, 0, 5))
    before = compute(replace(FOUR, voters={BEN: 1, CAT: 1}, tips=4_00))
    after = compute(replace(before.facts, adjustments=changes, voided=frozenset({BEN})))
    voided = line_of(after, BEN)
    assert (voided.amount, voided.waived, voided.hours_amount) == (0, True, 174_31)
    assert voided.adjustment == -(174_31 + 2_00)
    assert after.shared == 1000_00 - 174_31 + 5
    assert after.room == 174_31 - 5
    assert after.total == before.total - 174_31 - 2_00 + 5
    assert [line_of(after, user).hours_amount for user in (ADA, CAT, DAN)] == [
        line_of(before, user).hours_amount for user in (ADA, CAT, DAN)
    ]
    assert (after.hour_value, after.shared_minutes) == (before.hour_value, before.shared_minutes)
    assert [after.counts(line) for line in after.lines] == [True] * 4


@pytest.mark.parametrize("waived", ("declined", "voided"))
@pytest.mark.parametrize("carry", (-30_00, 30_00))
def test_a_waived_line_takes_up_no_carry(waived: str, carry: int) -> None:
    more = {waived: frozenset({ADA})}
    line = line_of(compute(facts({ADA: 60}, carries={ADA: carry}, **more)), ADA)
    assert (line.amount, line.carry, line.carry_left) == (0, carry, carry)


def test_inputs_name_voided_lines_only_where_there_are_some() -> None:
    assert "voided" not in as_json(compute(FOUR))["inputs"]
    both = as_json(compute(replace(FOUR, voided=frozenset({BEN, 111}))))["inputs"]
    assert both["voided"] == ["22", "111"]


# ---------------------------------------------------------------- carries


@pytest.mark.parametrize(
    ("minutes", "carry", "amount", "left"),
    (
        (300, -120_00 + 90_00, 0, -5_00),
        (300, -25_00, 0, 0),
        (300, -10_00, 15_00, 0),
        (300, 10_00, 35_00, 0),
        (0, 10_00, 10_00, 0),
        (0, -10_00, 0, -10_00),
    ),
)
def test_a_carry_changes_only_its_helper_and_the_rest_of_a_negative_one_stays(
    minutes: int, carry: int, amount: int, left: int
) -> None:
    entries = {ADA: minutes, BEN: 60} if minutes else {BEN: 60}
    statement = compute(facts(entries, carries={ADA: carry, CAT: 0}))
    ada = line_of(statement, ADA)
    assert (ada.carry, ada.amount, ada.carry_left) == (carry, amount, left)
    assert line_of(statement, BEN).amount == 5_00
    assert statement.line_of(CAT) is None
    assert statement.total == amount + 5_00


# ---------------------------------------------------------------- the payment currency


@pytest.mark.parametrize(
    ("step", "paid"), (("1", "27"), ("0.01", "27.37"), ("0.5", "27.5"), ("5", "25"))
)
def test_a_line_is_converted_once_half_up_to_the_step(step: str, paid: str) -> None:
    policy = {"pay_currency": "RPL", "pay_step": step}
    statement = compute(facts({ADA: 6000}, policy=policy, price="18.27"))
    assert amounts(statement) == ["500.00"]
    assert amounts(statement, "pay_amount") == [paid]
    assert amounts(statement, "pay_currency") == ["RPL"]
    assert statement.pay_decimals == len(step.partition(".")[2])
    assert statement.pay_total == line_of(statement, ADA).pay_amount


def test_the_payments_are_added_up_in_their_own_currency() -> None:
    policy = {"pay_currency": "RPL", "pay_step": "1"}
    statement = compute(facts({ADA: 6000, BEN: 60}, policy=policy, price="18.27"))
    assert (statement.pay_total, statement.total) == (27, 505_00)
    empty = compute(facts(policy=policy, price="18.27"))
    assert empty.pay_total == 0


@pytest.mark.parametrize("more", ({"policy": {"pay_currency": "RPL"}}, {"price": "18.27"}))
def test_without_a_price_or_another_currency_nothing_is_converted(more: dict[str, Any]) -> None:
    statement = compute(facts({ADA: 60}, **more))
    assert amounts(statement, "pay_amount") == [""]
    assert statement.pay_total is None


def test_a_price_at_which_an_amount_becomes_too_large_is_refused() -> None:
    policy = {"pay_currency": "RPL", "pay_step": "0.00000001"}
    with pytest.raises(Refusal, match="becomes too large"):
        compute(facts({ADA: 6000}, policy=policy, price="0.000000000000000001"))


# ---------------------------------------------------------------- the hash

FULL = facts(
    {ADA: 600, BEN: 300},
    policy={"pay_currency": "RPL"},
    adjustments=(Adjustment(1, BEN, 30, 5_00), Adjustment(2, ADA, 0, -1_00)),
    voters={ADA: 2, CAT: 1},
    declined=frozenset({DAN}),
    carries={BEN: -3_00, CAT: 2_00},
    tips=10_00,
    price="18.27",
)


@pytest.mark.parametrize(
    "change",
    (
        {"guild_id": 2},
        {"label": "2026-Q2"},
        {"version": 2},
        {"policy": {**FULL.policy, "close_day": "28"}},
        {"policy": {**FULL.policy, "decimals": "2"}},
        {"entries": FULL.entries[:1]},
        {"entries": (replace(FULL.entries[0], number=9), FULL.entries[1])},
        {"entries": (replace(FULL.entries[0], user_id=CAT), FULL.entries[1])},
        {"entries": (replace(FULL.entries[0], minutes=601), FULL.entries[1])},
        {"adjustments": FULL.adjustments[:1]},
        {"adjustments": (replace(FULL.adjustments[0], number=3), FULL.adjustments[1])},
        {"adjustments": (replace(FULL.adjustments[0], user_id=ADA), FULL.adjustments[1])},
        {"adjustments": (replace(FULL.adjustments[0], minutes=29), FULL.adjustments[1])},
        {"adjustments": (replace(FULL.adjustments[0], amount=5_01), FULL.adjustments[1])},
        {"voters": {ADA: 2, CAT: 2}},
        {"voters": {ADA: 2, DAN: 1}},
        {"declined": frozenset()},
        {"declined": frozenset({DAN, 55})},
        {"voided": frozenset({55})},
        {"voided": frozenset({BEN})},
        {"carries": {BEN: -3_01, CAT: 2_00}},
        {"tips": 10_01},
        {"price": "18.28"},
    ),
)
def test_the_hash_depends_on_every_input(change: dict[str, Any]) -> None:
    assert compute(replace(FULL, **change)).sha256 != compute(FULL).sha256


def test_the_hash_is_that_of_everything_computed_without_name_address_and_status() -> None:
    statement = compute(FULL)
    document = as_json(statement)
    assert statement.sha256 == sha256(document)
    assert set(document["lines"][0]) == set(CSV_FIELDS) - UNHASHED_FIELDS
    assert document["inputs"] == {
        "entries": [
            {"number": 1, "user_id": "11", "minutes": 600},
            {"number": 2, "user_id": "22", "minutes": 300},
        ],
        "adjustments": [
            {"number": 1, "user_id": "22", "minutes": 30, "amount": "5.00"},
            {"number": 2, "user_id": "11", "minutes": 0, "amount": "-1.00"},
        ],
        "voters": {"11": 2, "33": 1},
        "declined": ["44"],
        "carries": {"22": "-3.00", "33": "2.00"},
        "tips": "10.00",
        "price": "18.27",
    }


USERS = st.integers(1, 6)
SOME = st.builds(
    lambda entries, changes, voters, declined, voided, carries, tips: facts(
        entries=tuple(Accepted(n, *entry) for n, entry in enumerate(entries, 1)),
        adjustments=tuple(Adjustment(n, *change) for n, change in enumerate(changes, 1)),
        voters=voters,
        declined=declined,
        voided=voided,
        carries=carries,
        tips=tips,
        policy={"split_by": "mixed", "thanks_share": "12.5", "max_share": "40", "cap": "100.00"},
    ),
    st.lists(st.tuples(USERS, st.integers(0, 2000)), max_size=8),
    st.lists(st.tuples(USERS, st.integers(0, 100), st.integers(0, 500)), max_size=4),
    st.dictionaries(USERS, st.integers(0, 9)),
    st.frozensets(USERS, max_size=2),
    st.frozensets(USERS, max_size=2),
    st.dictionaries(USERS, st.integers(-500, 500)),
    st.integers(0, 10_000),
)


@given(SOME, st.randoms(use_true_random=False))
def test_the_order_of_the_inputs_is_irrelevant(given: Facts, source: random.Random) -> None:
    def shuffled(items: Any) -> list[Any]:
        mixed = list(items)
        source.shuffle(mixed)
        return mixed

    mixed = replace(
        given,
        policy=dict(shuffled(given.policy.items())),
        entries=tuple(shuffled(given.entries)),
        adjustments=tuple(shuffled(given.adjustments)),
        voters=dict(shuffled((given.voters or {}).items())),
        carries=dict(shuffled((given.carries or {}).items())),
    )
    one, other = compute(given), compute(mixed)
    assert (one.lines, one.total, one.sha256) == (other.lines, other.total, other.sha256)
    assert canonical(as_json(one)) == canonical(as_json(other))


@given(SOME)
def test_the_figures_of_a_statement_agree_with_each_other(given: Facts) -> None:
    statement = compute(given)
    assert [line.user_id for line in statement.lines] == sorted(
        {line.user_id for line in statement.lines}
    )
    assert statement.total == sum(line.amount for line in statement.lines)
    assert sum(line.hours_amount for line in statement.lines) == statement.bounty.budget
    for part, pool in (("thanks_amount", statement.thanks_pool), ("tips_amount", given.tips)):
        given_out = sum(getattr(line, part) for line in statement.lines)
        assert given_out == (pool if any(
            count for user, count in (given.voters or {}).items() if user not in given.declined
        ) else 0)  # fmt: skip
    for line in statement.lines:
        parts = line.hours_amount + line.thanks_amount + line.tips_amount
        assert line.amount + line.carry_left == parts + line.adjustment + line.carry
        assert line.amount >= 0
        assert line.waived is (line.user_id in given.declined | given.voided)
        if line.waived:
            assert (line.amount, line.carry_left) == (0, line.carry)
            assert line.adjustment == -parts
            assert parts == 0 or line.user_id not in given.declined
        else:
            assert line.carry_left <= 0
    assert as_json(statement)["total"] == format_amount(statement.total, decimals=2)


def test_an_hour_is_worth_what_it_gave_on_average() -> None:
    assert compute(FOUR).hour_value == 100_000 * 60 // 16_350 == 366
    waived = compute(facts({ADA: 60, BEN: 60}, declined=frozenset({ADA})))
    assert waived.hour_value == 5_00
    assert compute(facts()).hour_value is None
