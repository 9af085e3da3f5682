"""Other people's texts in messages: nothing hides in them, and nothing of them acts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.ui import text

RLO, PDF, ZWSP = "\N{RIGHT-TO-LEFT OVERRIDE}", "\N{POP DIRECTIONAL FORMATTING}", "\u200b"
ACUTE = "\N{COMBINING ACUTE ACCENT}"


@pytest.mark.parametrize(
    ("given", "plain"),
    (
        ("  answered questions \n", "answered questions"),
        ("one\r\ntwo", "one\ntwo"),
        (f"{RLO}gpj.exe{PDF}", "gpj.exe"),
        (f"a{ZWSP}b\N{SOFT HYPHEN}c\ufeff", "abc"),
        ("bell\x07tab\tnull\x00", "belltabnull"),
        (f"e{ACUTE}", f"e{ACUTE}"),
        (f"e{ACUTE * 40}x", f"e{ACUTE * 2}x"),
        ("\N{FAMILY}\N{ZERO WIDTH JOINER}\N{ROCKET}", "\N{FAMILY}\N{ZERO WIDTH JOINER}\N{ROCKET}"),
        ("مرحبا بالعالم", "مرحبا بالعالم"),
        ("line\N{LINE SEPARATOR}paragraph\N{PARAGRAPH SEPARATOR}", "lineparagraph"),
        ("", ""),
    ),
)
def test_what_cannot_be_seen_is_taken_out(given: str, plain: str) -> None:
    assert text.plain(given) == plain


def test_what_is_too_long_ends_in_an_ellipsis() -> None:
    assert text.plain("x" * 10, longest=10) == "x" * 10
    assert text.plain("x" * 11, longest=10) == "x" * 9 + "…"
    assert text.plain("one two three", longest=5) == "one…"


@pytest.mark.parametrize(
    "hostile",
    (
        "@everyone",
        "@here",
        "<@1456074443980800013>",
        "<@!1456074443980800013>",
        "<@&1456074443980800013>",
        "<#1456074443980800013>",
        "<t:0>",
        "<t:0:R>",
        "</hours log:1456074443980800013>",
        "<:x:1456074443980800013>",
        "<a:x:1456074443980800013>",
        "<id:customize>",
        "<https://evil.example>",
    ),
)
def test_nothing_in_a_quoted_text_mentions_or_acts(hostile: str) -> None:
    quoted = text.quoted(f"before {hostile} after").replace("\\<", "")
    assert hostile not in quoted
    assert "<" not in quoted


def test_a_backslash_before_it_does_not_help() -> None:
    assert text.quoted("\\<t:0>") == "\\\\\\<t:0>"


@pytest.mark.parametrize("mark", ("*", "_", "~", "`", "|"))
def test_markup_is_shown_as_it_was_written(mark: str) -> None:
    assert text.quoted(f"{mark}{mark}big{mark}{mark}") == f"\\{mark}\\{mark}big\\{mark}\\{mark}"


@pytest.mark.parametrize("start", ("# big", "## big", "-# small", "> quote", ">>> all", "- item"))
def test_a_line_cannot_become_a_heading_a_quote_or_a_list(start: str) -> None:
    for words in (start, f"first\n{start}"):
        assert f"\n{start}" not in f"\n{text.quoted(words)}"


def test_a_link_cannot_hide_where_it_leads() -> None:
    assert text.quoted("[click](https://evil.example)") == "\\[click](https://evil.example)"


@pytest.mark.parametrize(
    ("given", "shown"),
    (
        ("alice", "alice"),
        ("two\nlines", "two lines"),
        ("W" * 80, "W" * 31 + "…"),
        ("", "somebody"),
        (f"{ZWSP}\N{SOFT HYPHEN}{RLO}", "somebody"),
        ("**", "\\*\\*"),
    ),
)
def test_a_name_fits_one_line(given: str, shown: str) -> None:
    assert text.name(given) == shown


@pytest.mark.parametrize(
    ("given", "cell"),
    (
        ("alice", "alice"),
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'=1"),
        (f"{ZWSP}=1", "'=1"),
        ("two\nlines", "two lines"),
    ),
)
def test_a_cell_of_a_table_starts_no_formula(given: str, cell: str) -> None:
    assert text.cell(given) == cell


def test_amounts_counts_and_times_use_ordinary_characters() -> None:
    assert text.money(100_050, decimals=2, currency="RPL") == "1,000.50 RPL"
    assert text.money(-5, decimals=2) == "-0.05"
    assert text.money(5, decimals=2, signed=True) == "+0.05"
    assert text.money(0, decimals=2, signed=True) == "0.00"
    assert text.number(1_234_567) == "1,234,567"
    assert text.duration(64_588) == "1,076 h 28 min"
    assert text.plural(1, "entry", "entries") == "1 entry"
    assert text.plural(0, "entry", "entries") == "0 entries"
    assert text.plural(2_000, "line") == "2,000 lines"


def test_instants_are_shown_in_the_zone_of_the_reader() -> None:
    moment = datetime(2026, 3, 30, tzinfo=UTC)
    assert text.when(moment, "D") == "<t:1774828800:D>"
    assert text.deadline(moment) == "<t:1774828800:f> (<t:1774828800:R>)"


def test_of_many_people_the_first_are_named() -> None:
    assert text.people([1, 2]) == "<@1>, <@2>"
    assert text.people(range(12)).endswith("<@9> and 2 more")
    assert text.people([]) == ""


def test_a_list_counts_what_does_not_fit() -> None:
    assert text.bullets(["one", "two"]) == "- one\n- two"
    assert text.bullets(["x"] * 8, most=2) == "- x\n- x\n- and 6 more"
    long = text.bullets(["y" * 300] * 5)
    assert long == "\n".join(["- " + "y" * 300] * 3 + ["- and 2 more"])
