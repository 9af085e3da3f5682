"""A statement as files: CSV, the JSON bundle, a Markdown table. Amounts have no grouping."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import discord
import orjson

from bot.domain.bundle import full_lines
from bot.domain.money import format_amount
from bot.domain.statement import CSV_FIELDS
from bot.ui import text
from bot.ui.explain import rules

if TYPE_CHECKING:
    from bot.domain.statement import Statement
    from bot.services.settlement import Preview, Published

# Computed by us, so a minus in front is a sign and not the start of a formula.
NUMBERS = frozenset(
    {
        "minutes", "voters", "hours_amount", "thanks_amount", "tips_amount",
        "adjustment", "carry", "amount", "pay_amount",
    }
)  # fmt: skip
LARGEST_FILE = 8 * 1024 * 1024
"""Discord takes 10 MiB for all files of a message together."""
_MARKDOWN = re.compile(r"([\\`*_~\[\]()|#!<>&])")


def names(label: str, version: int) -> str:
    """Return the name of a statement's files without what follows the point."""
    return f"stipend-{label}-v{version}"


def statement_csv(lines: Iterable[Mapping[str, Any]]) -> bytes:
    """Return lines as `full_lines` gives them, a header and a row for each."""
    out = io.StringIO(newline="")
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(CSV_FIELDS)
    rows.writerows([_field(field, line[field]) for field in CSV_FIELDS] for line in lines)
    return out.getvalue().encode()


def table_csv(header: Sequence[str], rows: Iterable[Sequence[str | int]]) -> bytes:
    """Return a table in which no text is a formula; whole numbers stay numbers."""
    out = io.StringIO(newline="")
    table = csv.writer(out, lineterminator="\n")
    table.writerow(header)
    table.writerows(
        [value if isinstance(value, int) else text.cell(value) for value in row] for row in rows
    )
    return out.getvalue().encode()


def attachment(name: str, data: bytes) -> discord.File:
    """Return a file to attach, packed where it is larger than Discord takes."""
    if len(data) <= LARGEST_FILE:
        return discord.File(io.BytesIO(data), filename=name)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    packed.seek(0)
    return discord.File(packed, filename=f"{name}.zip")


def statement_json(document: Mapping[str, object]) -> bytes:
    """Return the bundle so that people can read it too; `verify` compares content, not spacing."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    return text.safe_json(orjson.dumps(dict(document), option=options))


def statement_markdown(statement_of: Published | Preview) -> bytes:
    """Return a statement as a Markdown table, with the rules and the hash below it."""
    statement = statement_of.statement
    policy, facts = statement.policy, statement.facts
    draft = "" if hasattr(statement_of, "published_at") else " (draft)"
    total = f"{format_amount(statement.total, decimals=policy.decimals)} {policy.currency}"
    fields = [field for field in CSV_FIELDS if field != "address"]
    rows = [
        [str(line[field]) if field in NUMBERS else _escaped(line[field]) for field in fields]
        for line in full_lines(statement, statement_of.shown)
    ]
    parts = [
        f"# Stipend {facts.label}, version {facts.version}{draft}",
        f"Total: {total.rstrip()} in {text.plural(len(rows), 'line')}.",
        "\n".join(
            [
                _row(fields),
                _row(["---:" if field in NUMBERS else "---" for field in fields]),
                *map(_row, rows),
                _row(_sums(statement, fields)),
            ]
        ),
        "\n".join(
            f"- {rule}"
            for rule in rules(
                statement, statement_of.jar, counted_late_at=statement_of.counted_late_at
            )
        ),
        f"`statement_sha256`: `{statement.sha256}`",
    ]
    return ("\n\n".join(parts) + "\n").encode()


def _sums(statement: Statement, fields: Sequence[str]) -> list[str]:
    """The last row of the table: the sums of the columns of numbers."""
    lines, decimals = statement.lines, statement.policy.decimals
    sums = {"user_id": "**Total**"}
    for field in NUMBERS - {"pay_amount"}:
        whole = sum(getattr(line, field) for line in lines)
        is_count = field in {"minutes", "voters"}
        sums[field] = str(whole) if is_count else format_amount(whole, decimals=decimals)
    if statement.pay_total is not None:
        sums["pay_amount"] = format_amount(statement.pay_total, decimals=statement.pay_decimals)
    return [sums.get(field, "") for field in fields]


def _field(field: str, value: str | int) -> str | int:
    return value if field in NUMBERS else text.cell(str(value))


def _escaped(words: str) -> str:
    """One line of text with everything escaped that could be markup or a mention."""
    line = _MARKDOWN.sub(r"\\\1", " ".join(text.plain(words).split()))
    line = line.replace("@", "@\N{ZERO WIDTH SPACE}")
    return text.isolated(f"'{line}" if line.startswith(text.FORMULA_STARTS) else line)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
