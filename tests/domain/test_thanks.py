"""Thanks: whose count, from when on, and who leaves the board of the next round."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.policy import Policy, read
from bot.domain.states import Helper
from bot.domain.thanks import (
    DISCORD_EPOCH,
    THANKABLE,
    Doubt,
    counts_from,
    created_at,
    doubt_of,
    drops,
)

NOW = datetime(2026, 2, 1, 12, tzinfo=UTC)
DAY, MILLISECOND = timedelta(days=1), timedelta(milliseconds=1)
JUST_NOW, LONG_AGO = NOW - MILLISECOND, NOW - 1000 * DAY
ADA, BEN, CYD = 11, 12, 13


def account(made_at: datetime) -> int:
    """Return the id of an account that was made at an instant, to the millisecond."""
    return ((made_at - DISCORD_EPOCH) // MILLISECOND << 22) + 4_194_303


def policy(*, account_days: int = 7, member_days: int = 0) -> Policy:
    days = {"voter_account_days": account_days, "voter_member_days": member_days}
    return read({name: str(value) for name, value in days.items()})


@pytest.mark.parametrize(
    ("snowflake", "expected"),
    (
        # The example in Discord's own documentation.
        (175928847299117063, datetime(2016, 4, 30, 11, 18, 25, 796000, tzinfo=UTC)),
        (0, DISCORD_EPOCH),
        (account(NOW), NOW),
        (account(JUST_NOW), JUST_NOW),
    ),
)
def test_an_id_tells_when_it_was_made(snowflake: int, expected: datetime) -> None:
    assert created_at(snowflake) == expected


# account_days, member_days, account made, joined, doubt
JUDGED = (
    (7, 0, NOW - 7 * DAY, None, Doubt.NONE),
    (7, 0, NOW - 7 * DAY + MILLISECOND, None, Doubt.ACCOUNT),
    (7, 0, NOW - 7 * DAY - MILLISECOND, None, Doubt.NONE),
    (0, 0, NOW, None, Doubt.NONE),
    (1, 0, NOW, None, Doubt.ACCOUNT),
    (0, 2, NOW, NOW - 2 * DAY, Doubt.NONE),
    (0, 2, NOW, NOW - 2 * DAY + MILLISECOND, Doubt.MEMBER),
    (0, 2, NOW, NOW - 2 * DAY - MILLISECOND, Doubt.NONE),
    (0, 2, NOW, None, Doubt.NONE),  # an unknown join date is not young
    (7, 2, LONG_AGO, JUST_NOW, Doubt.MEMBER),
    (7, 2, JUST_NOW, LONG_AGO, Doubt.ACCOUNT),
    (7, 2, JUST_NOW, JUST_NOW, Doubt.ACCOUNT),
    (7, 2, LONG_AGO, LONG_AGO, Doubt.NONE),
    (7, 0, LONG_AGO, JUST_NOW, Doubt.NONE),
    # Discord's clock may be ahead of this one.
    (0, 0, NOW + DAY, NOW + DAY, Doubt.NONE),
    (7, 7, NOW + DAY, LONG_AGO, Doubt.ACCOUNT),
    (7, 7, LONG_AGO, NOW + DAY, Doubt.MEMBER),
)


@pytest.mark.parametrize(("account_days", "member_days", "made", "joined", "expected"), JUDGED)
def test_a_voter_counts_from_the_day_on_that_the_policy_names(
    account_days: int,
    member_days: int,
    made: datetime,
    joined: datetime | None,
    expected: Doubt,
) -> None:
    rules = policy(account_days=account_days, member_days=member_days)
    judged = doubt_of(rules, voter_id=account(made), joined_at=joined, at=NOW)
    assert judged is expected


@pytest.mark.parametrize(
    ("account_days", "member_days", "made", "joined", "expected"),
    (
        (7, 0, NOW, None, NOW + 7 * DAY),
        (0, 0, NOW, None, NOW),
        (7, 30, NOW, None, NOW + 7 * DAY),
        (7, 2, NOW, LONG_AGO, NOW + 7 * DAY),
        (7, 2, LONG_AGO, NOW, NOW + 2 * DAY),
        (7, 7, NOW - DAY, NOW, NOW + 7 * DAY),
    ),
)
def test_a_voter_is_told_from_when_on_they_count(
    account_days: int,
    member_days: int,
    made: datetime,
    joined: datetime | None,
    expected: datetime,
) -> None:
    rules = policy(account_days=account_days, member_days=member_days)
    assert counts_from(rules, voter_id=account(made), joined_at=joined) == expected


days = st.integers(0, 400)
ages = st.integers(0, 500 * 86_400_000).map(lambda age: NOW - age * MILLISECOND)


@given(account_days=days, member_days=days, made=ages, joined=st.none() | ages)
def test_nobody_counts_before_the_moment_they_are_told_and_everybody_from_it_on(
    account_days: int, member_days: int, made: datetime, joined: datetime | None
) -> None:
    rules = policy(account_days=account_days, member_days=member_days)
    voter = account(made)
    since = counts_from(rules, voter_id=voter, joined_at=joined)
    assert not doubt_of(rules, voter_id=voter, joined_at=joined, at=since)
    is_young = bool(doubt_of(rules, voter_id=voter, joined_at=joined, at=NOW))
    assert is_young == (since > NOW)


def test_leaving_the_board_is_not_leaving_the_roster() -> None:
    assert set(Helper) - THANKABLE == {Helper.CANDIDATE, Helper.LEFT, Helper.REMOVED}


# voters, who was there all the time, min_votes, who is dropped with how many
DROPPED: tuple[tuple[dict[int, int], set[int], int, dict[int, int]], ...] = (
    ({ADA: 5}, {ADA}, 5, {}),
    ({ADA: 4}, {ADA}, 5, {ADA: 4}),
    ({ADA: 6}, {ADA}, 5, {}),
    ({ADA: 5, BEN: 4}, {ADA, BEN}, 5, {BEN: 4}),
    ({ADA: 9}, {ADA, BEN, CYD}, 5, {BEN: 0, CYD: 0}),
    ({ADA: 1}, {CYD, BEN, ADA}, 5, {ADA: 1, BEN: 0, CYD: 0}),
    # Nobody is dropped from a round without any counted vote.
    ({}, {ADA, BEN}, 5, {}),
    ({ADA: 0, BEN: 0}, {ADA, BEN}, 5, {}),
    # Only who stood there all the time is.
    ({ADA: 9, BEN: 1}, {ADA}, 5, {}),
    ({ADA: 1, BEN: 1}, set(), 5, {}),
    ({BEN: 9}, {ADA}, 5, {ADA: 0}),
    ({ADA: 1, BEN: 0}, {ADA, BEN, CYD}, 0, {}),
    ({ADA: 1, BEN: 0}, {ADA, BEN}, 1, {BEN: 0}),
)


@pytest.mark.parametrize(("voters", "there", "min_votes", "expected"), DROPPED)
def test_who_has_too_few_voters_leaves_the_next_board(
    voters: dict[int, int], there: set[int], min_votes: int, expected: dict[int, int]
) -> None:
    dropped = drops(voters, there_all_the_time=there, min_votes=min_votes)
    assert dropped == expected
    assert list(dropped) == sorted(dropped)


@given(
    voters=st.dictionaries(st.integers(1, 9), st.integers(0, 9)),
    there=st.sets(st.integers(1, 9)),
    min_votes=st.integers(0, 9),
)
def test_everybody_who_is_dropped_was_there_and_has_fewer_and_nobody_else_has(
    voters: dict[int, int], there: set[int], min_votes: int
) -> None:
    dropped = drops(voters, there_all_the_time=there, min_votes=min_votes)
    assert dropped.keys() <= there
    assert all(count < min_votes for count in dropped.values())
    assert all(voters.get(user, 0) == count for user, count in dropped.items())
    if any(voters.values()):
        assert all(voters.get(user, 0) >= min_votes for user in there - dropped.keys())
    else:
        assert not dropped
