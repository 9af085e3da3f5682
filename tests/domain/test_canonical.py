from __future__ import annotations

import hashlib
import json
import random
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.canonical import SLICE, canonical, digest, sha256, spell

SCALARS = st.none() | st.booleans() | st.integers() | st.text()
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


class Text(str):
    """A text of a type of its own, which says something else of itself."""

    __slots__ = ()

    def __str__(self) -> str:
        return "else"


class Number(int):
    """A number of a type of its own."""


class Items(list[object]):
    """A list of a type of its own."""


class Named(dict[str, object]):
    """An object of a type of its own."""


class Pair(NamedTuple):
    """A tuple of a type of its own."""

    one: int
    other: int


class Word(StrEnum):
    """One of some words."""

    ONE = "one"


@pytest.mark.parametrize(
    ("value", "text"),
    (
        ({"b": 1, "a": [True, None, "é"]}, '{"a":[true,null,"é"],"b":1}'),
        ((1, (2,)), "[1,[2]]"),
        ({"\N{ROCKET}": 1, "～": 2, "z": 3}, '{"z":3,"～":2,"\N{ROCKET}":1}'),
        ('line\nbreak "quoted" / \\ \x7f', '"line\\nbreak \\"quoted\\" / \\\\ \x7f"'),
        (2**70, "1180591620717411303424"),
        ({}, "{}"),
        (Text("\N{ROCKET}"), '"\N{ROCKET}"'),
        ({Text("b"): Number(2**70), "a": Word.ONE}, '{"a":"one","b":1180591620717411303424}'),
        ({Word.ONE: None}, '{"one":null}'),
        ([Pair(1, 2), Named(a=Items([True]))], '[[1,2],{"a":[true]}]'),
    ),
)
def test_a_value_has_one_spelling(value: object, text: str) -> None:
    assert canonical(value) == text.encode()


@pytest.mark.parametrize(
    "value",
    (1.0, float("nan"), [1, {"a": 0.5}], {1: "a"}, {"a": {2, 3}}, b"a", "\ud800", {"\ud800": 1}),
)
def test_what_has_no_single_spelling_is_an_error(value: object) -> None:
    with pytest.raises(ValueError, match=r"no canonical form|no text|surrogates"):
        canonical(value)


@pytest.mark.parametrize("count", (0, 1, SLICE, SLICE + 1, 2 * SLICE, 2 * SLICE + 1))
def test_what_is_large_is_spelled_in_pieces_as_it_is_in_one(count: int) -> None:
    table = {f"{number}é": number for number in range(count)}
    rows = [{"b": number, "a": "x,y"} for number in range(count)]
    value = {"rows": rows, "in": {"it": [*rows, {"deep": table}], "table": table}, "": tuple(rows)}
    whole = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert canonical(value) == whole.encode()


def test_a_hash_and_a_digest_are_those_that_anybody_can_compute() -> None:
    text = b'{"a":"x","b":1}'
    assert sha256({"b": 1, "a": "x"}) == hashlib.sha256(text).hexdigest()
    assert digest("salt", "text") == hashlib.sha256(b"salt\ntext").hexdigest()


@given(VALUES, st.randoms(use_true_random=False))
def test_the_order_of_keys_and_the_program_that_wrote_it_are_irrelevant(
    value: object, source: random.Random
) -> None:
    spelled = canonical(value)
    again = json.loads(json.dumps(value, indent=3))
    assert canonical(_shuffled(again, source)) == spelled
    assert canonical(json.loads(spelled)) == spelled


@given(VALUES)
def test_the_standard_library_spells_everything_the_same(value: object) -> None:
    whole = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert canonical(value) == whole.encode()


@given(VALUES, VALUES)
def test_different_values_have_different_spellings(one: object, other: object) -> None:
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (canonical(one) == canonical(other)) is same


@pytest.mark.parametrize(
    ("instant", "text"),
    (
        (datetime(2026, 3, 30, tzinfo=UTC), "2026-03-30T00:00:00.000000Z"),
        (
            datetime(2026, 3, 30, 1, 59, 59, 7, tzinfo=timezone(timedelta(hours=2))),
            "2026-03-29T23:59:59.000007Z",
        ),
    ),
)
def test_an_instant_is_spelled_in_utc_to_the_microsecond(instant: datetime, text: str) -> None:
    assert spell(instant) == text


def _shuffled(value: Any, source: random.Random) -> Any:
    if isinstance(value, list):
        return [_shuffled(item, source) for item in value]
    if isinstance(value, dict):
        items = [(key, _shuffled(item, source)) for key, item in value.items()]
        source.shuffle(items)
        return dict(items)
    return value
