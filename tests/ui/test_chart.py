"""The chart of a statement as data, as SVG, as PNG and in words."""

from __future__ import annotations

import re
import struct
from xml.etree import ElementTree as ET

import pytest

from bot.domain.bundle import Shown
from bot.domain.states import Line as LineState
from bot.ui import chart
from tests.ui import samples


def drawn(names: tuple[str, ...], minutes: list[int], **facts: object) -> chart.Bars:
    statement = samples.statement_of(minutes, **facts)
    return chart.bars(statement, samples.shown(statement, names))


def words_in(picture: bytes) -> list[str]:
    texts = ET.fromstring(picture).iterfind(".//{*}text")
    return [element.text or "" for element in texts]


def size_of(picture: bytes) -> tuple[int, int]:
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", picture[16:24])
    return width, height


def test_bars_hold_the_real_amounts_the_longest_first() -> None:
    statement = samples.real_statement()
    bars = chart.bars(statement, samples.shown(statement))
    assert bars.title == "Stipend 2026-Q1, version 1"
    assert bars.subtitle == "18,000.00 USD to 6 helpers"
    assert list(bars.labels) == [name for name, _, _ in samples.real_rows()]
    assert [said.replace(",", "") for said in bars.formatted] == [
        expected for _, _, expected in samples.real_rows()
    ]
    assert bars.values == (708971, 369161, 215178, 181052, 174235, 151403)
    assert bars.rest == 0


def test_more_lines_than_fit_are_counted_as_the_rest() -> None:
    statement = samples.statement_of([60 * place for place in range(1, 21)])
    bars = chart.bars(statement, samples.shown(statement), most=15)
    assert len(bars.values) == len(bars.labels) == len(bars.formatted) == 15
    assert bars.rest == 5
    assert bars.values[0] == max(line.amount for line in statement.lines)
    assert bars.subtitle.endswith("to 20 helpers: the largest 15 of 20")
    assert chart.alt_text(bars).endswith("and 5 more.")


def test_ties_keep_the_order_of_ids() -> None:
    assert drawn(("first", "second", "third"), [60, 60, 60]).labels == ("first", "second", "third")


def test_the_drawing_says_what_the_bars_say() -> None:
    bars = drawn((), [120, 60])
    assert words_in(chart.svg(bars)) == [
        bars.labels[1],
        bars.labels[0],
        bars.title,
        bars.subtitle,
        bars.formatted[1],
        bars.formatted[0],
    ]


def test_bars_are_as_long_as_their_amounts() -> None:
    tree = ET.fromstring(chart.svg(drawn(("a", "b"), [180, 60])))
    short, long = (
        float(bar.get("width", "")) for bar in tree.iterfind(".//{*}g[@class='bar']/{*}rect")
    )
    assert long / short == pytest.approx(3)


def test_the_drawing_may_leave_the_titles_to_the_page_around() -> None:
    bars = drawn(("a",), [60])
    assert words_in(chart.svg(bars, titled=False)) == ["a", "30.00"]


def test_equal_content_gives_equal_bytes() -> None:
    first, second = drawn((), [120, 60]), drawn((), [120, 60])
    assert chart.svg(first) == chart.svg(second)
    assert chart.png(chart.svg(first)) == chart.png(chart.svg(second))
    assert chart.svg(first) != chart.svg(drawn((), [121, 60]))


@pytest.mark.parametrize("names", ((), samples.HOSTILE_NAMES))
def test_the_drawing_refers_to_nothing_outside_itself(names: tuple[str, ...]) -> None:
    picture = chart.svg(drawn(names, [60 * place for place in range(1, 16)]))
    tree = ET.fromstring(picture)
    tags = {element.tag.rpartition("}")[2] for element in tree.iter()}
    assert tags <= {"svg", "defs", "style", "g", "rect", "path", "text"}
    attributes = {name for element in tree.iter() for name in element.attrib}
    assert not [name for name in attributes if "href" in name or name.startswith("on")]
    assert b"<!--" not in picture
    assert b"url(" not in picture
    assert b"@import" not in picture
    assert re.findall(rb"https?://[^\"]*", picture.split(b">", 1)[0]) == [
        b"http://www.w3.org/2000/svg"
    ]


def test_hostile_names_stay_text_and_lose_what_hides() -> None:
    bars = drawn(samples.HOSTILE_NAMES, [60 * place for place in range(1, 16)])
    written = words_in(chart.svg(bars))
    assert any(word.startswith("<script>alert(1)") for word in written)
    assert "drawkcab" in written
    assert "user 100000000000000014" in written
    assert "a|b c | d" in written
    assert not set("".join(written)) & set("\u202e\u202c\u200b\u00ad\n")


@pytest.mark.parametrize("letter", ("W", "a", "東", "i"))
def test_a_long_name_ends_in_an_ellipsis(letter: str) -> None:
    label = drawn((letter * 80,), [60]).labels[0]
    assert label.endswith("…")
    assert 8 < len(label) < 40


def test_a_name_that_fits_is_kept_whole() -> None:
    assert drawn(("yorickdowne the helpful",), [60]).labels == ("yorickdowne the helpful",)


@pytest.mark.parametrize(
    ("minutes", "facts"),
    (
        ([60], {}),
        ([], {}),
        ([60, 120, 30], {"policy": samples.document(cap="0")}),
        ([60_000] * 40, {}),
    ),
    ids=["one", "none", "all zero", "many"],
)
def test_every_number_of_lines_becomes_a_picture(
    minutes: list[int], facts: dict[str, object]
) -> None:
    picture = chart.png(chart.svg(drawn(samples.HOSTILE_NAMES, minutes, **facts)))
    width, height = size_of(picture)
    assert width == 900
    assert 90 < height < 700
    assert len(picture) < 200_000


def test_without_lines_the_drawing_says_so() -> None:
    bars = drawn((), [])
    assert "Nobody has a line in this round." in words_in(chart.svg(bars))
    assert chart.alt_text(bars) == ("Bar chart. Stipend 2026-Q1, version 1: 0.00 USD to 0 helpers.")


def test_amounts_of_zero_are_written_beside_bars_of_no_length() -> None:
    bars = drawn(("a", "b"), [60, 60], policy=samples.document(cap="0"))
    assert words_in(chart.svg(bars)).count("0.00") == 2


def test_the_largest_amounts_leave_room_for_their_numbers() -> None:
    vast = samples.vast()
    picture = chart.svg(chart.bars(vast.statement, vast.shown))
    tree = ET.fromstring(picture)
    bars = [float(bar.get("width", "")) for bar in tree.iterfind(".//{*}g[@class='bar']/{*}rect")]
    assert 100 < max(bars) < 450
    assert len(chart.png(picture)) < 200_000


def test_the_font_is_shipped_with_its_licence() -> None:
    assert chart.FONT.stat().st_size < 300_000
    licence = chart.FONT.with_suffix(".txt").read_text(encoding="utf-8")
    assert "SIL OPEN FONT LICENSE" in licence
    assert "Copyright (c) 2016-2020 The Inter Project Authors" in licence


def test_the_picture_has_letters() -> None:
    bars = drawn(("Ελένη Жук Łódź",), [60])
    blank = chart.Bars(bars.title, bars.subtitle, ("",), bars.values, bars.formatted, 0)
    assert len(chart.png(chart.svg(bars))) > len(chart.png(chart.svg(blank))) + 500


@pytest.mark.parametrize(
    ("name", "like"),
    (("\N{ROCKET} Zoë \N{ROCKET}", "Zoë"), ("\N{ROCKET}", "□"), ("東方", "□□")),
)
def test_signs_that_the_font_lacks_go_and_letters_become_squares(name: str, like: str) -> None:
    def picture(label: str) -> bytes:
        return chart.png(chart.svg(chart.Bars("T", "S", (label,), (1,), ("1",), 0), titled=False))

    def texts(label: str) -> str:
        found = chart._LABEL.sub(chart._drawable, f"<text>{label}</text>")
        return found.removeprefix("<text>").removesuffix("</text>")

    assert texts(name) == like
    assert len(picture(name)) > 500


def test_the_alternative_text_names_the_largest_lines_and_the_total() -> None:
    statement = samples.real_statement()
    words = chart.alt_text(chart.bars(statement, samples.shown(statement)))
    assert words == (
        "Bar chart. Stipend 2026-Q1, version 1: 18,000.00 USD to 6 helpers. Patches 7,089.71, "
        "object Object 3,691.61, dEEtoo 2,151.78, poupas 1,810.52, yorickdowne 1,742.35, "
        "0xFornax 1,514.03."
    )


def test_the_alternative_text_stays_within_what_discord_takes() -> None:
    labels, numbers = ("i" * 60,) * 15, ("9,223,372,036,854,775,807",) * 15
    bars = chart.Bars("T", "S", labels, (1,) * 15, numbers, 7)
    words = chart.alt_text(bars)
    assert len(words) <= 1000
    assert words.endswith("more.")
    assert words.count("i" * 60) == 11
    assert "and 11 more." in words


def test_the_alternative_text_falls_back_to_the_total_alone() -> None:
    bars = chart.Bars("T", "S", ("i" * 1000,), (1,), ("1",), 0)
    assert chart.alt_text(bars) == "Bar chart. T: S."


def test_a_state_changes_nothing_in_the_drawing() -> None:
    statement = samples.statement_of([60])
    user = statement.lines[0].user_id
    paid = chart.bars(statement, {user: Shown("a", LineState.PAID)})
    assert paid == chart.bars(statement, {user: Shown("a", LineState.DUE)})
