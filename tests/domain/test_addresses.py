"""Which address a line is paid to: the one of the close, else the first one after it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.addresses import NETWORKS, WAIT, Held, Use, of_line, standing

CLOSE = datetime(2026, 3, 30, tzinfo=UTC)
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


def held(key: str, set_at: datetime, cleared_at: datetime | None = None) -> Held:
    return Held("evm", f"0x{key}", key, set_at, cleared_at)


OLD = held("old", CLOSE - 30 * 24 * HOUR)


def used(*history: Held, closed_at: datetime | None = CLOSE) -> str | None:
    use = of_line(history, closed_at)
    return use.held.public_key if use else None


def test_an_address_changed_one_second_before_the_close_counts_for_it() -> None:
    assert used(OLD, held("new", CLOSE - SECOND)) == "new"
    assert used(OLD, held("new", CLOSE)) == "new"


def test_an_address_changed_one_second_after_the_close_does_not() -> None:
    assert used(OLD, held("new", CLOSE + SECOND)) == "old"


def test_an_address_cleared_one_second_before_the_close_is_gone_and_one_after_it_stays() -> None:
    assert used(held("old", OLD.set_at, CLOSE - SECOND)) is None
    assert used(held("old", OLD.set_at, CLOSE)) is None
    assert used(held("old", OLD.set_at, CLOSE + SECOND)) == "old"


def test_what_is_cleared_does_not_bring_an_earlier_address_back() -> None:
    cleared = CLOSE - HOUR
    assert used(held("a", OLD.set_at, cleared), held("b", CLOSE - 2 * HOUR, cleared)) is None


def test_where_there_was_none_the_first_one_set_later_serves_a_day_after_it_was_set() -> None:
    first, second = held("first", CLOSE + HOUR), held("second", CLOSE + 2 * HOUR)
    assert of_line([first, second], CLOSE) == Use(first, CLOSE + HOUR + WAIT)
    assert of_line([second, first], CLOSE) == Use(first, CLOSE + HOUR + WAIT)


def test_the_first_one_set_later_gives_way_only_when_it_is_cleared() -> None:
    gone = held("gone", CLOSE + HOUR, CLOSE + 2 * HOUR)
    following = held("next", CLOSE + 3 * HOUR)
    assert used(gone) is None
    assert of_line([gone, following], CLOSE) == Use(following, following.set_at + WAIT)


def test_while_the_round_is_open_the_address_that_stands_counts() -> None:
    assert used(OLD, held("new", CLOSE), closed_at=None) == "new"
    assert used(held("old", OLD.set_at, CLOSE - HOUR), closed_at=None) is None
    assert standing([], None) is None


def test_there_is_a_network_for_each_choice_of_the_setting() -> None:
    assert {name: network.prefix for name, network in NETWORKS.items()} == {
        "evm": None,
        "polkadot": 0,
        "kusama": 2,
        "phala": 30,
        "substrate": 42,
    }


hours = st.integers(-1000, 1000).map(lambda count: CLOSE + count * HOUR)


@given(
    st.lists(st.tuples(hours, st.none() | st.integers(1, 500)), max_size=6),
    st.integers(1, 1000),
)
def test_nothing_that_is_set_after_the_close_replaces_the_address_of_it(
    known: list[tuple[datetime, int | None]], later: int
) -> None:
    history = [
        held(str(number), at, None if lasted is None else at + lasted * HOUR)
        for number, (at, lasted) in enumerate(known)
    ]
    before = standing(history, CLOSE)
    after = of_line([*history, held("thief", CLOSE + later * HOUR)], CLOSE)
    assert after is not None
    if before is not None:
        assert after.held == before
    else:
        assert after.since >= CLOSE + WAIT
