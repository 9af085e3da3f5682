from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import warnings
from bot.domain.statement import Accepted, Facts, Statement, compute
from bot.domain.warnings import High, Votes, warn, without_address

CALL = datetime(2026, 3, 15, tzinfo=UTC)
EARLY, LATE = CALL - timedelta(seconds=1), CALL
QUARTER = timedelta(days=90)
ADA, BEN = 11, 22


def statement(
    minutes: dict[int, int], *, cap: str = "18000.00", max_share: str = "100"
) -> Statement:
    entries = tuple(Accepted(number, *entry) for number, entry in enumerate(minutes.items(), 1))
    policy = {"cap": cap, "hourly_rate": "30.00", "max_share": max_share}
    return compute(Facts(1, "2026-Q1", 1, policy, entries))


def texts(
    draft: Statement,
    *,
    logged_at: list[tuple[int, datetime]] | None = None,
    lasted: timedelta = QUARTER,
    last: Statement | None = None,
    high: dict[int, High] | None = None,
    votes: dict[int, Votes] | None = None,
) -> list[str]:
    found = warn(
        draft,
        logged_at=logged_at or [],
        call_at=CALL,
        lasted=lasted,
        last=last,
        high=high,
        votes=votes,
    )
    return [warning.sentence({ADA: "Ada", BEN: "Ben"}[warning.user_id]) for warning in found]


@pytest.mark.parametrize(
    ("minutes", "lasted", "found"),
    (
        (12 * 60 * 90, QUARTER, []),
        (12 * 60 * 90 + 1, QUARTER, ["Ada claims 12 h 1 min a day on average over 90 days."]),
        (13 * 60, timedelta(hours=1), ["Ada claims 13 h a day on average over 1 day."]),
        (13 * 60, timedelta(0), ["Ada claims 13 h a day on average over 1 day."]),
        (24 * 60, timedelta(days=1, seconds=1), []),
        (24 * 60 + 1, timedelta(days=2), ["Ada claims 12 h 1 min a day on average over 2 days."]),
    ),
)
def test_more_than_twelve_hours_a_day_are_warned_of(
    minutes: int, lasted: timedelta, found: list[str]
) -> None:
    assert texts(statement({ADA: minutes}, cap="99999999.00"), lasted=lasted) == found


@pytest.mark.parametrize(
    ("instants", "is_warned"),
    (([], False), ([LATE], True), ([LATE, LATE], True), ([LATE, EARLY], False), ([EARLY], False)),
)
def test_entries_after_the_claim_call_only_are_warned_of(
    instants: list[datetime], is_warned: bool
) -> None:
    found = texts(statement({ADA: 60, BEN: 60}), logged_at=[(ADA, at) for at in instants])
    entries = "1 entry" if len(instants) == 1 else f"{len(instants)} entries"
    expected = f"Ada logged everything after the call for claims: {entries}."
    assert found == ([expected] if is_warned else [])


@pytest.mark.parametrize(
    ("before", "now", "is_warned"),
    (
        ({ADA: 60}, 120, False),
        ({ADA: 60}, 121, True),
        ({ADA: 0}, 999, False),
        ({BEN: 60}, 999, False),
    ),
)
def test_a_jump_against_the_last_round_is_warned_of(
    before: dict[int, int], now: int, is_warned: bool
) -> None:
    found = texts(statement({ADA: now}), last=statement(before))
    assert found == (
        ["Ada claims 2 h 1 min, more than twice the 1 h of the last round."] if is_warned else []
    )


def test_the_largest_share_is_warned_of() -> None:
    draft = statement({ADA: 600, BEN: 60}, cap="300.00", max_share="50")
    assert texts(draft) == ["Ada reaches the largest share of one helper: 150.00."]
    assert texts(statement({ADA: 0}, cap="0.00")) == []


@pytest.mark.parametrize(
    ("minutes", "found"),
    (
        ((100, 50, 50, 50), ["Ada gets 40 % of what is paid for hours."]),
        ((50, 50, 25, 25), []),
        ((60, 60, 60, 0), []),
        ((200, 50, 50), []),
    ),
)
def test_more_than_a_third_among_several_is_warned_of(
    minutes: tuple[int, ...], found: list[str]
) -> None:
    draft = statement(dict(zip((ADA, BEN, 13, 14), minutes, strict=False)), cap="99999.00")
    assert texts(draft) == found


def test_warnings_come_line_by_line_and_change_nothing() -> None:
    draft = statement({BEN: 9000, ADA: 9000}, cap="9000.00", max_share="50")
    hash_before = draft.sha256
    found = warn(
        draft, logged_at=[(BEN, LATE), (ADA, LATE)], call_at=CALL, lasted=timedelta(days=1)
    )
    assert [warning.user_id for warning in found] == [ADA, ADA, ADA, BEN, BEN, BEN]
    assert found[1] == warnings.Warning(
        ADA, "logged everything after the call for claims: 1 entry."
    )
    assert draft.sha256 == hash_before == compute(draft.facts).sha256


@pytest.mark.parametrize(
    ("high", "found"),
    (
        (High(), []),
        (High(1, 0, 1), ['Ada has 1 opinion "too high" on 1 entry.']),
        (High(3, 0, 2), ['Ada has 3 opinions "too high" on 2 entries.']),
        (
            High(3, 2, 2),
            ['Ada has 3 opinions "too high" (2 from other claimants) on 2 entries.'],
        ),
    ),
)
def test_opinions_that_entries_are_too_high_are_warned_of(high: High, found: list[str]) -> None:
    assert texts(statement({ADA: 60, BEN: 60}), high={ADA: high}) == found


@pytest.mark.parametrize(
    ("votes", "found"),
    (
        (Votes(), []),
        (Votes(counted=5, judged=5), []),
        (
            Votes(counted=5, young=2),
            ["Ada has 5 voters: 2 more too young."],
        ),
        (
            Votes(young=1),
            ["Ada has 0 voters: 1 more too young."],
        ),
        (Votes(counted=5, mutual=3), ["Ada has 5 voters: 3 thanked back."]),
        (Votes(counted=1, mutual=1), ["Ada has 1 voter: 1 thanked back."]),
        (
            Votes(counted=5, judged=4, apart=2),
            ["Ada has 5 voters: 2 of 4 never seen writing nearby."],
        ),
    ),
)
def test_who_thanked_is_warned_of(votes: Votes, found: list[str]) -> None:
    assert texts(statement({ADA: 60, BEN: 60}), votes={ADA: votes}) == found


@pytest.mark.parametrize(
    ("names", "found"),
    (
        (["Ada"], "No payout address for 1 of 9 lines: Ada."),
        (["Ada", "Ben", "Cyd"], "No payout address for 3 of 9 lines: Ada, Ben, Cyd."),
        (
            ["Ada", "Ben", "Cyd", "Dan"],
            "No payout address for 4 of 9 lines: Ada, Ben, Cyd and 1 more.",
        ),
        (["x" * 40], f"No payout address for 1 of 9 lines: {'x' * 24}."),
    ),
)
def test_lines_without_address_are_warned_of_together(names: list[str], found: str) -> None:
    assert without_address(names, lines=9) == found


def test_every_warning_fits_the_place_where_it_is_shown() -> None:
    many = 123_456
    draft = statement({ADA: 10_000_000, BEN: 1}, cap="999999999.00", max_share="50")
    found = warn(
        draft,
        logged_at=[(ADA, LATE)] * 1000,
        call_at=CALL,
        lasted=QUARTER,
        last=statement({ADA: 4_000_000}),
        high={ADA: High(many, many, many)},
        votes={ADA: Votes(many, many, many, many, many)},
    )
    sentences = [warning.sentence("x" * 32) for warning in found]
    sentences.append(without_address(["x" * 32] * many, lines=many))
    assert len(sentences) == 6
    assert max(map(len, sentences)) <= 150


@given(
    minutes=st.dictionaries(st.integers(1, 6), st.integers(0, 50_000), min_size=1),
    numbers=st.lists(st.integers(0, 99), min_size=5, max_size=5),
    opinions=st.lists(st.integers(0, 99), min_size=3, max_size=3),
    share=st.integers(1, 100),
)
def test_warnings_never_change_a_statement(
    minutes: dict[int, int], numbers: list[int], opinions: list[int], share: int
) -> None:
    draft = statement(minutes, cap="1000.00", max_share=str(share))
    before, amounts = draft.sha256, [line.amount for line in draft.lines]
    found = warn(
        draft,
        logged_at=[(user, LATE) for user in minutes],
        call_at=CALL,
        lasted=timedelta(days=1),
        last=statement(dict.fromkeys(minutes, 1)),
        high=dict.fromkeys(minutes, High(*opinions)),
        votes=dict.fromkeys(minutes, Votes(*numbers)),
    )
    assert {warning.user_id for warning in found} <= set(minutes)
    assert [line.amount for line in draft.lines] == amounts
    assert draft.sha256 == before == compute(draft.facts).sha256
