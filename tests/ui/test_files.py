"""A statement as CSV, JSON and Markdown."""

from __future__ import annotations

import csv
import io
import json

import pytest

from bot.domain.bundle import Shown, full_lines
from bot.domain.statement import CSV_FIELDS
from bot.domain.states import Line as LineState
from bot.ui import files
from tests.ui import samples


def read(table: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(table.decode(), newline="")))


def lines_of(names: tuple[str, ...] = (), **addresses: str) -> list[dict[str, object]]:
    statement = samples.real_statement()
    beside = samples.shown(statement, names)
    for place, line in enumerate(statement.lines):
        address = addresses.get(f"line{place}", "")
        beside[line.user_id] = Shown(beside[line.user_id].name, LineState.DUE, address)
    return full_lines(statement, beside)


def test_files_are_named_by_round_and_version() -> None:
    assert files.names("2026-Q1", 1) == "stipend-2026-Q1-v1"
    assert files.names("2026-11", 12) == "stipend-2026-11-v12"


def test_the_csv_has_the_real_amounts_without_grouping() -> None:
    table = files.statement_csv(lines_of())
    assert table.startswith(",".join(CSV_FIELDS).encode() + b"\n")
    assert b"\r" not in table
    assert [(row["name"], int(row["minutes"]), row["amount"]) for row in read(table)] == (
        samples.real_rows()
    )
    assert {(row["currency"], row["status"], row["address"]) for row in read(table)} == {
        ("USD", "due", "")
    }


def test_the_csv_of_no_lines_is_its_header() -> None:
    assert files.statement_csv([]) == ",".join(CSV_FIELDS).encode() + b"\n"


@pytest.mark.parametrize("name", ("=1+1", "+1", "-5.00", "@SUM(A1)", "=cmd|' /C calc'!A0"))
def test_names_that_start_a_formula_are_neutralised(name: str) -> None:
    assert read(files.statement_csv(lines_of((name,))))[0]["name"] == f"'{name}"


def test_an_address_that_starts_a_formula_is_neutralised() -> None:
    assert read(files.statement_csv(lines_of(line0="=1")))[0]["address"] == "'=1"


def test_negative_amounts_stay_numbers() -> None:
    everything = samples.everything()
    rows = read(files.statement_csv(full_lines(everything.statement, everything.shown)))
    assert [row["adjustment"] for row in rows if row["adjustment"] != "0.00"] == ["-25.00"]
    assert sorted(row["carry"] for row in rows if row["carry"] != "0.00") == [
        "-2000.00",
        "-30.00",
        "20.50",
    ]


def test_names_with_commas_quotes_and_lines_stay_in_their_cell() -> None:
    row = read(files.statement_csv(lines_of(('a,"b"\nc;\td\x00\u202e',))))[0]
    assert row["name"] == 'a,"b" c;d'
    assert row["status"] == "due"


def test_the_json_file_is_the_bundle_for_people_too() -> None:
    published = samples.everything()
    written = files.statement_json(published.document)
    assert json.loads(written) == published.document
    assert written == files.statement_json(dict(reversed(list(published.document.items()))))
    assert written.startswith(b'{\n  "currency"')
    assert written.endswith(b"}\n")


def test_the_markdown_table_has_every_number_and_the_hash() -> None:
    published = samples.everything()
    written = files.statement_markdown(published).decode()
    lines = full_lines(published.statement, published.shown)
    table = [line for line in written.splitlines() if line.startswith("|")]
    assert table[0].count("|") == len(CSV_FIELDS)
    assert "address" not in table[0]
    assert len(table) == len(lines) + 3
    assert table[-1] == (
        "| **Total** |  | 163952 | 35 | 13500.00 | 4500.00 | 400.00 | -25.00 | -2009.50 | 17048.79 "
        "|  | 933.16 |  |  |"
    )
    for line, row in zip(lines, table[2:-1], strict=True):
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        fields = [field for field in CSV_FIELDS if field != "address"]
        assert cells == [str(line[field]) for field in fields]
    assert f"`{published.statement.sha256}`" in written
    assert "Total: 17048.79 USD in 8 lines." in written
    assert written.startswith("# Stipend 2026-Q1, version 1\n")


def test_a_draft_is_marked_as_one() -> None:
    written = files.statement_markdown(samples.preview(samples.real_statement())).decode()
    assert written.startswith("# Stipend 2026-Q1, version 1 (draft)\n")


@pytest.mark.parametrize(
    ("name", "cell"),
    (
        ("a|b\nc", r"a\|b c"),
        ("<script>", r"\<script\>"),
        ("**x** _y_ `z`", r"\*\*x\*\* \_y\_ \`z\`"),
        ("[a](https://example.org|b)", r"\[a\]\(https://example.org\|b\)"),
        ("back\\slash", r"back\\slash"),
        ("@everyone", "'@\u200beveryone"),
        ("\u202egnp", "gnp"),
        ("=1+1", "'=1+1"),
        ("-5.00", "'-5.00"),
        ("דוד", "\u2068דוד\u2069"),
    ),
)
def test_names_are_no_markdown(name: str, cell: str) -> None:
    statement = samples.statement_of([60])
    beside = {statement.lines[0].user_id: Shown(name, LineState.DUE)}
    written = files.statement_markdown(samples.published(statement, beside)).decode()
    assert f"| {cell} | 60 | 0 | 30.00 |" in written
