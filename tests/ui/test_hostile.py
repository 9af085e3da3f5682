"""Names and notes that would turn amounts around, act, or calculate: nowhere do they."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from typing import Any

import discord
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.bundle import Shown, full_lines
from bot.domain.record import Row
from bot.domain.states import Line as LineState
from bot.services.audit import Log, Noted, Verdict
from bot.ui import audit, chart, files, page, text
from storage.record import Filter
from tests.ui import samples

BIDI = "".join(map(chr, [0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]))
CONTROLS = "".join(map(chr, [*range(10), *range(11, 32), *range(0x7F, 0xA0), 0x2028, 0x2029]))
FORMULAS = ('=HYPERLINK("https://evil.example")', "+1", "-1", "@x", "\t=1", "\r=1", f"{BIDI}=1")
HOSTILE = f"{BIDI}00.005 {CONTROLS}evil"


def published_with(name: str) -> Any:
    statement = samples.statement_of([60, 120])
    beside = {
        line.user_id: Shown(name, LineState.DUE, address) for line, address in
        zip(statement.lines, ("", "0xabc"), strict=True)
    }  # fmt: skip
    return samples.published(statement, beside)


def row(number: int = 1, **values: Any) -> Row:
    return Row(
        **{
            "number": number, "time": "2026-03-30T00:00:00.000000Z", "actor": "11",
            "acting_for": "", "action": "payout.adjusted", "subject": "adjustment:1",
            "data": {}, "previous": "0" * 64, "hash": "a" * 64, **values,
        }
    )  # fmt: skip


def noted(of: Row | None = None, **texts: str) -> Noted:
    return Noted(of or row(), texts, ())


def is_clean(said: str) -> bool:
    return not set(said) & set(BIDI + CONTROLS)


def assert_embed_is_clean(embed: discord.Embed) -> None:
    assert is_clean(json.dumps(embed.to_dict(), ensure_ascii=False))


# ---------------------------------------------------------------- direction and control


def test_no_file_page_or_chart_holds_a_character_that_turns_or_hides() -> None:
    published = published_with(HOSTILE)
    lines = full_lines(published.statement, published.shown)
    for data in (
        files.statement_csv(lines),
        files.statement_json({**published.document, "lines": lines}),
        files.statement_markdown(published),
        page.page(published).encode(),
        chart.svg(chart.bars(published.statement, published.shown)),
        audit.log_csv([noted(note=HOSTILE)]),
    ):
        assert is_clean(data.decode().replace("\n", "")), data
    assert is_clean(chart.alt_text(chart.bars(published.statement, published.shown)))


def test_json_spells_out_what_it_holds_and_says_the_same() -> None:
    document = {"name": f"{HOSTILE}\N{ROCKET}\U000e0041", "amount": "5.00"}
    written = files.statement_json(document)
    assert json.loads(written) == document
    assert "\N{ROCKET}" in written.decode()
    assert "\U000e0041" not in written.decode()
    assert text.safe_json(b'{"a":1}') == b'{"a":1}'


@given(st.text())
def test_json_is_the_same_whatever_it_holds(words: str) -> None:
    document = json.dumps([words], ensure_ascii=False)
    try:
        encoded = document.encode()
    except UnicodeEncodeError:
        return
    assert json.loads(text.safe_json(encoded)) == [words]


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
def test_whatever_somebody_is_called_amounts_stand_as_they_are(name: str) -> None:
    assert is_clean(text.plain(name).replace("\n", ""))
    assert is_clean(text.cell(name))
    assert not text.cell(name).startswith(text.FORMULA_STARTS)
    assert "\n" not in text.name(name)


@pytest.mark.parametrize("name", ("דוד", "مرحبا", "x דוד", "١٢"))
def test_letters_from_right_to_left_pull_no_amount_along(name: str) -> None:
    assert text.name(name) == f"\N{FIRST STRONG ISOLATE}{name}\N{POP DIRECTIONAL ISOLATE}"
    assert text.quoted(f"a\n{name}") == f"a\n{text.isolated(name)}"
    bars = chart.bars(published_with(name).statement, published_with(name).shown)
    assert text.isolated(name) in chart.alt_text(bars)


def test_letters_from_left_to_right_are_left_alone() -> None:
    assert text.isolated("Zoë 12") == "Zoë 12"


def test_the_last_gate_takes_out_what_nobody_cleaned() -> None:
    assert text.guarded(f"a{BIDI[:8]}b\nc{CONTROLS}") == "ab\nc"
    embed = discord.Embed(title=HOSTILE, description=HOSTILE)
    embed.add_field(name=HOSTILE, value=HOSTILE)
    embed.set_footer(text=HOSTILE)
    guarded = json.dumps(text.guard(embed).to_dict(), ensure_ascii=False)
    left = {"\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"}
    assert not set(guarded) & (set(BIDI + CONTROLS) - left)
    assert text.guard(discord.Embed()).title is None


def test_a_link_hides_no_other() -> None:
    hidden = f"https://a.example/[x](https://evil.example){BIDI[:8]}"
    assert text.link(hidden) == "https://a.example/%5Bx%5D(https://evil.example)"


# ---------------------------------------------------------------- formulas


def cells(table: bytes) -> list[str]:
    return [cell for line in csv.reader(io.StringIO(table.decode())) for cell in line]


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_cell_of_any_table_starts_a_formula(formula: str) -> None:
    published = published_with(formula)
    table = files.statement_csv(full_lines(published.statement, published.shown))
    record = audit.log_csv(
        [noted(row(subject=formula, action=formula, actor=formula), note=formula)]
    )
    other = files.table_csv(("a",), [(formula,)])
    markdown = [
        part.strip()
        for line in files.statement_markdown(published).decode().splitlines()
        if line.startswith("|")
        for part in line.strip("|").split("|")
    ]
    for cell in (*cells(table), *cells(record), *cells(other)):
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert not [cell for cell in markdown if cell.startswith(("=", "+", "@", "-1"))]


def test_numbers_of_a_table_stay_numbers() -> None:
    assert files.table_csv(("n", "t"), [(-5, "-5")]) == b"n,t\n-5,'-5\n"


# ---------------------------------------------------------------- the record in messages


def test_a_row_is_a_sentence_in_which_nothing_acts() -> None:
    said = audit.sentence(
        row(
            acting_for="12",
            data={
                "user_id": "13", "note_digest": "ab", "minutes": -5, "waived": ["1", "2"],
                "is_late": True, "empty": "", "value": f"{HOSTILE} @everyone <t:0>",
                "many": [str(n) for n in range(7)], "inner": {"a": 1}, "round": "2026-Q1",
            },
        ),
        noted(note="**bold** [x](https://evil.example)\nnext"),
        longest=2000,
    )  # fmt: skip
    assert said.startswith(
        "`#1` <t:1774828800:f> <@11> for <@12>: **payout adjusted** adjustment 1"
    )
    assert "user <@13>" in said
    assert "waived <@1>, <@2>" in said
    assert "is late yes" in said
    assert "0, 1, 2, 3, 4 and 2 more" in said
    assert "note: “\\*\\*bold\\*\\*" in said
    assert "digest" not in said
    assert "empty" not in said
    assert "@everyone" not in said
    assert "\n" not in said
    assert is_clean(said)


def test_subjects_people_and_the_bot_are_named() -> None:
    assert "the bot: **round closed** 2026-Q1" in audit.sentence(
        row(actor="", action="round.closed", subject="round:2026-Q1", data={"round": "2026-Q1"})
    )
    said = audit.sentence(row(subject="user:9", data={"user_id": "9"}))
    assert said.endswith("<@9>")
    erased = audit.sentence(row(), Noted(row(), {}, ("note",)))
    assert erased.endswith("note erased")


def test_a_long_row_leaves_out_whole_parts() -> None:
    data = {f"field{n}": "x" * 50 for n in range(9)}
    said = audit.sentence(row(data=data), longest=190)
    assert len(said) <= 190
    assert said.endswith("more")
    embed = audit.mirrored([row(n, data=data) for n in range(1, 21)])
    assert len(embed.description or "") <= 4096
    assert_embed_is_clean(embed)


def test_of_a_very_long_record_the_newest_rows_are_shown() -> None:
    pages = audit.log(Log(Filter(label="2026-Q1"), tuple(noted(row(n)) for n in range(700))))
    assert len(pages) == audit.MOST_SHOWN // audit.PAGE
    assert pages[0].title == "Record, 2026-Q1: 700 rows"
    assert "the file has all" in (pages[0].footer.text or "")


def test_a_large_file_is_packed() -> None:
    data = b"x" * (files.LARGEST_FILE + 1)
    packed = files.attachment("record.csv", data)
    assert packed.filename == "record.csv.zip"
    with zipfile.ZipFile(packed.fp) as archive:
        assert archive.read("record.csv") == data


def test_faults_are_listed_as_far_as_they_fit() -> None:
    faults = tuple(f"record row {n}: {HOSTILE}" for n in range(50))
    found = Verdict(50, "a" * 64, faults, None)
    assert_embed_is_clean(audit.verdict(found, incident="12345678"))
    assert len(audit.unsound_notice(found, incident="12345678")) <= 2000
