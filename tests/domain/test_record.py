from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import fields, replace

from bot.domain.record import GENESIS, Row, chain_faults, next_row, read_row, row_hash

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
TEXTS = st.text(max_size=8)
ACTS = st.lists(
    st.tuples(
        st.none() | st.integers(1, 2**63),
        TEXTS,
        st.dictionaries(TEXTS, st.integers() | TEXTS | st.booleans(), max_size=3),
    ),
    min_size=3,
    max_size=6,
)


def chain(acts: list[tuple[int | None, str, dict[str, Any]]]) -> list[Row]:
    rows: list[Row] = []
    for place, (actor, action, data) in enumerate(acts):
        last = (rows[-1].number, rows[-1].hash) if rows else None
        rows.append(
            next_row(
                last,
                at=NOON + timedelta(minutes=place),
                actor=actor,
                action=action,
                subject=f"entry:{place}",
                data=data,
            )
        )
    return rows


FOUR = chain([(7, f"act.{place}", {"place": place}) for place in range(4)])


def test_the_first_row_follows_nothing_and_each_next_one_its_hash() -> None:
    assert [row.number for row in FOUR] == [1, 2, 3, 4]
    assert [row.previous for row in FOUR] == [GENESIS, *(row.hash for row in FOUR[:-1])]
    assert chain_faults(FOUR, GENESIS) == []
    assert chain_faults(FOUR[2:], FOUR[1].hash) == []
    assert chain_faults([], GENESIS) == []


def test_a_row_says_when_who_and_for_whom() -> None:
    row = next_row(
        None,
        at=NOON,
        actor=7,
        acting_for=8,
        action="entry.logged",
        subject="entry:1",
        data={"a": 1},
    )
    assert (row.time, row.actor, row.acting_for) == ("2026-01-01T12:00:00.000000Z", "7", "8")
    by_itself = next_row(None, at=NOON, actor=None, action="a", subject="s", data={})
    assert (by_itself.actor, by_itself.acting_for) == ("", "")


def test_a_row_is_read_back_as_it_stands_in_a_bundle() -> None:
    document = FOUR[1].as_json()
    assert read_row(document) == FOUR[1]
    assert row_hash(document) == FOUR[1].hash


@pytest.mark.parametrize("field", [field.name for field in fields(Row)])
def test_a_row_without_a_field_or_with_another_is_no_row(field: str) -> None:
    document = FOUR[0].as_json()
    with pytest.raises(ValueError, match="a record row has the fields"):
        read_row({**document, f"{field}s": ""})
    del document[field]
    with pytest.raises(ValueError, match="a record row has the fields"):
        read_row(document)


CHANGES: dict[str, Callable[[Any], Any]] = {
    "number": lambda value: value + 1,
    "time": lambda value: value.replace("2026", "2027"),
    "actor": lambda value: value + "1",
    "acting_for": lambda _: "9",
    "action": lambda value: value + "x",
    "subject": lambda value: value.replace(":", ";"),
    "data": lambda value: {**value, "place": True},
    "previous": lambda value: value[::-1],
    "hash": lambda value: value[::-1],
}


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("field", [field.name for field in fields(Row)])
def test_a_change_of_any_field_is_found_and_its_row_named(place: int, field: str) -> None:
    row = FOUR[place]
    forged = replace(row, **{field: CHANGES[field](getattr(row, field))})
    faults = chain_faults([*FOUR[:place], forged, *FOUR[place + 1 :]], GENESIS)
    named = f"record row {forged.number}: its content does not give its hash"
    if field == "previous" and place == 0:
        # The genesis reads the same in both directions.
        assert faults == []
    else:
        assert named in faults


def test_a_row_with_a_new_hash_of_its_own_breaks_the_one_after_it() -> None:
    forged = replace(FOUR[1], actor="8")
    forged = replace(forged, hash=row_hash(forged.as_json()))
    assert chain_faults([FOUR[0], forged, *FOUR[2:]], GENESIS) == [
        "record row 3: it does not follow the row before it"
    ]


@pytest.mark.parametrize(
    ("rows", "named"),
    (
        ([FOUR[0], FOUR[2], FOUR[3]], "record row 3: it comes after row 1"),
        ([FOUR[0], FOUR[1], FOUR[1], FOUR[2]], "record row 2: it comes after row 2"),
        ([FOUR[0], FOUR[2], FOUR[1], FOUR[3]], "record row 3: it does not follow"),
        (FOUR[1:], "record row 2: it does not follow the row before it"),
    ),
)
def test_rows_that_are_missing_doubled_or_swapped_are_found(rows: list[Row], named: str) -> None:
    assert any(fault.startswith(named) for fault in chain_faults(rows, GENESIS))


@given(ACTS, st.data())
def test_no_row_can_be_changed_or_taken_out_without_a_trace(
    acts: list[tuple[int | None, str, dict[str, Any]]], data: st.DataObject
) -> None:
    rows = chain(acts)
    assert chain_faults(rows, GENESIS) == []
    place = data.draw(st.integers(0, len(rows) - 1))
    field = data.draw(st.sampled_from(("time", "actor", "acting_for", "action", "subject", "hash")))
    text = data.draw(TEXTS.filter(lambda text: text != getattr(rows[place], field)))
    change: dict[str, Any] = {field: text}
    forged = replace(rows[place], **change)
    assert chain_faults([*rows[:place], forged, *rows[place + 1 :]], GENESIS)
    if place < len(rows) - 1:
        assert chain_faults(rows[:place] + rows[place + 1 :], GENESIS)
