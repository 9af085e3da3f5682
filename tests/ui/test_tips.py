"""The tip jar in words: how it came about, what is in it, and apart from the bounty."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import discord
import pytest
from msgspec.structs import replace

from bot.domain.money import LARGEST
from bot.domain.states import Line as LineState
from bot.domain.states import Round as RoundState
from bot.domain.tipjar import NO_JAR, Jar, Match, jar
from bot.services.payments import Mine
from bot.services.settlement import Published
from bot.services.tipjar import Changed, Shown, Tipped, Waiting
from bot.ui import chart, explain, files, statements, tips
from bot.ui.page import page
from bot.ui.pager import Pager
from tests.ui import samples

CLOSE = datetime(2026, 3, 30, tzinfo=UTC)
DAY = date(2026, 1, 10)
FIRST, SECOND = samples.FIRST_USER, samples.FIRST_USER + 1
HOSTILE = "@everyone <@1> **b** [x](https://evil.example) `c` ||s||\N{RIGHT-TO-LEFT OVERRIDE}"


def shown(made: Jar = NO_JAR, **more: object) -> Shown:
    given: dict[str, object] = {
        "label": "2026-Q1",
        "jar": made,
        "count": 0,
        "close_at": CLOSE,
        "currency": "USD",
        "decimals": 2,
        "tip_address": "",
        "carried": (),
        "waiting": (),
        "listed": (),
        **more,
    }
    return Shown(**given)  # type: ignore[arg-type]


def changed(made: Jar, tip: Tipped | None = None) -> Changed:
    return Changed("2026-Q1", made, CLOSE, "USD", 2, tip)


def text_of(*embeds: discord.Embed) -> str:
    parts = []
    for embed in embeds:
        parts += [embed.title or "", embed.description or ""]
        parts += [f"{field.name}: {field.value}" for field in embed.fields]
    return "\n".join(parts)


# ---------------------------------------------------------------- how it came about


@pytest.mark.parametrize(
    ("made", "said"),
    (
        (jar(120_00), "tips 120.00 USD"),
        (jar(0), "tips 0.00 USD"),
        (jar(120_00, Match("lump", 50_00)), "tips 120.00 + 50.00 (a lump sum) = 170.00 USD"),
        (
            jar(120_00, Match("percent", 50_00)),
            "tips 120.00 + 60.00 (50 % of the tips) = 180.00 USD",
        ),
        (
            jar(300_00, Match("percent", 50_00, 100_00)),
            "tips 300.00 + 100.00 (50 % of the tips, at most 100.00) = 400.00 USD",
        ),
        (
            jar(33_33, Match("percent", 12_50)),
            "tips 33.33 + 4.16 (12.5 % of the tips, rounded down) = 37.49 USD",
        ),
        (
            jar(33_33, Match("percent", 12_50, 4_00)),
            "tips 33.33 + 4.00 (12.5 % of the tips, at most 4.00) = 37.33 USD",
        ),
        (
            jar(1_000_000_00, Match("percent", 1000_00)),
            "tips 1,000,000.00 + 10,000,000.00 (1000 % of the tips) = 11,000,000.00 USD",
        ),
    ),
)
def test_a_jar_says_how_it_came_about(made: Jar, said: str) -> None:
    assert tips.came_about(made, decimals=2, currency="USD") == said


# ---------------------------------------------------------------- the commands


def test_an_empty_jar_is_told_as_such() -> None:
    (embed,) = tips.show(shown())
    said = text_of(embed)
    assert "**0.00 USD** so far, 0 tips in this round." in said
    assert "Recommended" not in said
    assert not embed.fields


def test_the_jar_says_what_is_in_it_where_to_tip_and_who_gets_it() -> None:
    address = "0x52908400098527886E0F7030069857D2E4169EE7"
    made = jar(120_00, Match("lump", 50_00))
    (embed,) = tips.show(
        shown(
            made,
            count=1,
            tip_address=address,
            carried=(Tipped(2, 20_00, DAY, "", "2025-Q4"),),
            waiting=(Waiting("2025-Q3", 5_00, "EUR", 2),),
        )
    )
    said = text_of(embed)
    assert "**170.00 USD** so far, 1 tip in this round." in said
    assert "tips 120.00 + 50.00 (a lump sum) = 170.00 USD" in said
    assert f"<t:{int(CLOSE.timestamp())}:f>" in said
    assert "the people who thanked them, beside the bounty" in said
    assert f"`{address}`" in said
    assert "Recommended: 10 % of the money or time that you saved." in said
    assert "- 20.00 USD that nobody could receive in 2025-Q4" in said
    assert "- 5.00 EUR of 2025-Q3" in said


def test_the_committee_sees_single_tips_in_pages_the_newest_first() -> None:
    listed = tuple(
        Tipped(number, 5_00, DAY, HOSTILE * 4, "2025-Q4" if number == 1 else "")
        for number in range(1, 41)
    )
    first, *others = tips.show(shown(jar(200_00), count=39, listed=listed))
    assert len(others) == 3
    assert "#40" not in text_of(first)
    rows = text_of(*others).splitlines()
    assert rows[1].startswith("#40 · 5.00 USD · 2026-01-10 · ")
    assert rows[-1] == "#1 · 5.00 USD · 2026-01-10 · from 2025-Q4"
    Pager([first, *others])
    for embed in (first, *others):
        assert len(embed) <= 6000
        assert len(embed.description or "") <= 4096


@pytest.mark.parametrize("worst", (HOSTILE * 4, "\\" * 200, "*" * 200, "<" * 200))
def test_the_fullest_jar_fits_and_hostile_references_stay_text(worst: str) -> None:
    largest = jar(LARGEST, Match("percent", 99_999, LARGEST))
    one = Tipped(10**12, LARGEST, DAY, worst)
    embeds = tips.show(
        shown(
            largest,
            count=10**9,
            carried=(Tipped(1, LARGEST, DAY, "", "2026-Q1"),) * 40,
            waiting=(Waiting("2026-Q1", LARGEST, "RPLRPLRPLR", 8),) * 40,
            listed=(one,) * 40,
        )
    )
    Pager(embeds)
    for embed in embeds:
        assert len(embed) <= 6000
        assert len(embed.description or "") <= 4096
        assert all(len(field.value or "") <= 1024 for field in embed.fields)
    for said in (text_of(*embeds), tips.recorded(changed(largest, one))):
        assert len(said) > 0
        for sign in ("@everyone", "**b**", "||s||", "\N{RIGHT-TO-LEFT OVERRIDE}"):
            assert sign not in said
        assert "<@1>" not in said.replace("\\<", "")
    assert len(tips.recorded(changed(largest, one))) <= 2000


def test_a_recorded_tip_says_what_it_means_and_how_it_is_corrected() -> None:
    tip = Tipped(3, 25_00, DAY, "0xab")
    said = tips.recorded(changed(jar(75_00, Match("lump", 10_00)), tip))
    assert said.startswith(
        "**Tip #3: 25.00 USD** is in the jar of 2026-Q1, without a name, on 2026-01-10, "
        "reference 0xab."
    )
    assert "The jar now: tips 75.00 + 10.00 (a lump sum) = 85.00 USD." in said
    assert "`/tipjar correct` takes a mistake back until <t:1774828800:f>" in said
    assert "reference" not in tips.recorded(changed(jar(75_00), replace(tip, reference="")))


def test_a_tip_taken_back_and_a_match_are_told() -> None:
    tip = Tipped(3, 25_00, DAY, "0xab")
    said = tips.corrected(changed(jar(50_00), tip))
    assert said.startswith("Tip #3, 25.00 USD, is taken back; the record keeps both.")
    said = tips.matched(changed(jar(50_00, Match("percent", 50_00))))
    assert said.startswith("The funder adds **25.00 USD** to the tips of 2026-Q1")
    assert tips.matched(changed(jar(50_00))).startswith("Nothing is added to the tips of 2026-Q1.")


# ---------------------------------------------------------------- in the statement


def tipped(made: Jar, **facts: object) -> Published:
    """Two helpers with an hour each, and three thanks of four for the first."""
    voters = facts.pop("voters", {FIRST: 3, SECOND: 1})
    statement = samples.statement_of([60, 60], tips=made.total, voters=voters, **facts)
    return replace(samples.published(statement), jar=made)


MATCHED = jar(100_00, Match("percent", 20_00, 19_99))
SHARED = (
    "Beside the cap, the tip jar of 119.99 USD is shared by thanks. How it came about: "
    "tips 100.00 + 19.99 (20 % of the tips, at most 19.99) = 119.99 USD."
)


def test_every_share_of_the_jar_has_its_line_of_arithmetic() -> None:
    statement = tipped(MATCHED).statement
    first, second = (explain.line_arithmetic(statement, line) for line in statement.lines)
    assert first[1:] == [
        "Tip jar: 3 of 4 votes × 119.99 = about 89.992500; gives 89.99.",
        "Together: 30.00 + 89.99 = 119.99.",
    ]
    assert second[1] == "Tip jar: 1 of 4 votes × 119.99 = about 29.997500; gives 30.00."
    assert [line.tips_amount for line in statement.lines] == [89_99, 30_00]


def test_the_rules_say_how_the_jar_came_about() -> None:
    made = tipped(MATCHED)
    assert SHARED in explain.rules(made.statement, made.jar)
    assert SHARED.split(" How it came", maxsplit=1)[0] in explain.rules(made.statement)
    plain = tipped(jar(100_00))
    said = "Beside the cap, the tip jar of 100.00 USD is shared by thanks."
    assert explain.tip_jar(plain.statement, plain.jar) == [said]


@pytest.mark.parametrize(
    ("made", "said"),
    (
        (
            jar(100_00),
            "Beside the cap, the tip jar holds 100.00 USD. Nobody could receive it: it stays in "
            "the jar of the next round.",
        ),
        (
            jar(100_00, Match("lump", 5_00)),
            "Beside the cap, the tip jar holds 105.00 USD. How it came about: tips 100.00 + "
            "5.00 (a lump sum) = 105.00 USD. Nobody could receive it: the tips stay in the jar of "
            "the next round; what the funder adds stays with the funder.",
        ),
    ),
)
def test_where_nobody_could_receive_the_jar_that_is_told(made: Jar, said: str) -> None:
    ways: tuple[dict[str, object], ...] = (
        {"voters": {}},
        {"declined": frozenset({FIRST, SECOND})},
    )
    for facts in ways:
        nobody = tipped(made, **facts)
        assert explain.tip_jar(nobody.statement, nobody.jar) == [said]
        assert said in text_of(*statements.published(nobody))
        assert said in explain.rules(nobody.statement, nobody.jar)


def test_without_tips_nothing_is_said_of_a_jar() -> None:
    none = tipped(NO_JAR)
    assert explain.tip_jar(none.statement, none.jar) == []
    said = text_of(*statements.published(none)) + page(none) + chart.alt_text(
        chart.bars(none.statement, none.shown)
    )  # fmt: skip
    assert not re.search(r"\btips?\b", said.lower())


def test_the_statement_shows_the_jar_apart_from_the_bounty() -> None:
    made = tipped(MATCHED)
    said = text_of(*statements.published(made))
    assert (
        "**179.99 USD**: bounty 60.00 USD of a cap of 18,000.00 USD, tip jar 119.99 USD; "
        "17,940.00 USD of the cap stay with the funder." in said
    )
    assert SHARED in said
    assert f"<@{FIRST}> **119.99** incl. 89.99 tips · 1 h · " in said


def test_where_nothing_of_the_cap_is_left_nothing_is_said_of_it() -> None:
    said = text_of(*statements.published(samples.real()))
    assert "**18,000.00 USD** of a cap of 18,000.00 USD.\n" in said
    assert "2,733 h 2 min; an hour gives 6.58 USD on average (30.00 USD before the cap)." in said
    assert "stay with the funder" not in said
    by_thanks = samples.document(split_by="thanks")
    statement = samples.statement_of([600], policy=by_thanks, voters={samples.FIRST_USER: 1})
    said = text_of(*statements.preview(samples.preview(statement)))
    assert "10 h; hours pay nothing in this round." in said


def test_a_jar_that_waits_for_its_statement_is_shown() -> None:
    waiting = Waiting("2025-Q4", 180_00, "USD", 2)
    (page,) = tips.show(shown(closed=(waiting,)))
    assert "Before: - 2025-Q4 closed with 180.00 USD, shown with its statement" in text_of(page)


def test_the_preview_shows_the_jar_of_the_draft() -> None:
    made = tipped(MATCHED)
    draft = replace(samples.preview(made.statement), jar=made.jar, state=RoundState.OPEN)
    assert SHARED in text_of(*statements.preview(draft))


def test_the_chart_shows_what_comes_from_the_jar() -> None:
    made = tipped(MATCHED)
    bars = chart.bars(made.statement, made.shown)
    assert bars.subtitle == "179.99 USD incl. 119.99 tips to 2 helpers"
    assert bars.formatted == ("119.99 incl. 89.99 tips", "60.00 incl. 30.00 tips")
    assert bars.values == (119_99, 60_00)
    assert "incl. 89.99 tips" in chart.alt_text(bars)


def test_the_page_and_the_markdown_table_show_the_jar_apart() -> None:
    made = tipped(MATCHED)
    words = " ".join(page(made).split())
    assert "of support, 119.99 of it from the tip jar" in words
    assert SHARED in words
    assert "Tip jar: 3 of 4 votes × 119.99" in words
    assert SHARED in files.statement_markdown(made).decode()


def test_ones_own_line_has_bounty_and_jar_apart() -> None:
    made = tipped(MATCHED)
    own = Mine(
        statement=made.statement,
        line=made.statement.lines[0],
        state=LineState.DUE,
        reference="",
        changes=(),
        open_amounts=(),
        jar=made.jar,
    )
    said = statements.mine(own)
    assert said.startswith("**2026-Q1: 119.99 USD** (due): bounty 30.00, tip jar 89.99\n")
    assert (
        "- Tip jar: 3 of 4 votes × 119.99 = about 89.992500; gives 89.99. How it came about: tips "
        "100.00 + 19.99 (20 % of the tips, at most 19.99) = 119.99 USD." in said
    )
    assert said.lower().count("tip jar") == 2, "once in the head and once with its arithmetic"
    unthanked = replace(made.statement.lines[0], tips_amount=0)
    assert f"- {SHARED}" in statements.mine(replace(own, line=unthanked))
    assert "tip" not in statements.mine(replace(own, statement=tipped(NO_JAR).statement,
        line=tipped(NO_JAR).statement.lines[0], jar=NO_JAR)).lower()  # fmt: skip
