"""The record as people see it: rows as sentences, the whole as a table, and whether it is sound."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import discord

from bot.domain.canonical import canonical
from bot.domain.record import Row
from bot.ui import files
from bot.ui.text import bullets, number, plain, plural, quoted, when

if TYPE_CHECKING:
    from bot.services.audit import Log, Noted, Verdict

COLOUR = discord.Colour.from_str("#2f6f6b")
RED = discord.Colour.from_str("#a33a2c")
PAGE = 10
MOST_SHOWN = 600
LONGEST_ROW = 380
LONGEST_MIRRORED = 190
LONGEST_VALUE = 60
LONGEST_TEXT = 120
LISTED = 5
FIELDS = (
    "number", "time", "actor", "acting_for", "action", "subject", "data", "texts", "erased",
    "previous", "hash",
)  # fmt: skip
_PEOPLE = frozenset(
    {"user_id", "suspension", "held", "waived", "helper_id", "declined", "ceased", "voters"}
)
_UNNAMED = frozenset(
    {"opinion.given", "thanks.given", "thanks.taken_back", "thanks.received", "thanks.late"}
)
"""What the record keeps without the person who did it."""
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_DIGEST = "_digest"


# ---------------------------------------------------------------- the log


def log(found: Log) -> list[discord.Embed]:
    """Return the newest rows in pages; the file beside them has all."""
    rows = found.rows[:MOST_SHOWN]
    lines = [sentence(noted.row, noted) for noted in rows]
    if not lines:
        lines = ["Nothing in the record fits. Without `subject`, all of it is shown."]
    title = f"Record{_wanted(found)}: {plural(len(found.rows), 'row')}"
    pages = [
        discord.Embed(title=title, description="\n".join(lines[at : at + PAGE]), colour=COLOUR)
        for at in range(0, len(lines), PAGE)
    ]
    if len(found.rows) > len(rows):
        for page in pages:
            page.set_footer(text=f"the newest {number(len(rows))} rows; the file has all")
    return pages


def log_file(found: Log) -> discord.File | None:
    """Return the whole list as a table; None where there is nothing in it."""
    if not found.rows:
        return None
    return files.attachment("stipend-record.csv", log_csv(found.rows))


def log_csv(rows: Iterable[Noted]) -> bytes:
    """Return rows as a table in which no cell is a formula."""
    return files.table_csv(FIELDS, (_cells(noted) for noted in rows))


def sentence(row: Row, noted: Noted | None = None, *, longest: int = LONGEST_ROW) -> str:
    """Return a row as a sentence: number, when, who, for whom, what, and its data in short.

    What does not fit is left out in whole parts, so that no mention or quotation is cut.
    """
    said = f"`#{row.number}` {when(datetime.fromisoformat(row.time))} "
    said += f"{_who(row)}{f' for <@{row.acting_for}>' if row.acting_for else ''}: "
    said += f"**{_words(row.action)}** {_subject(row.subject)}"
    parts = [*_data(row), *(_texts(noted) if noted else ())]
    for place, part in enumerate(parts):
        more = f" · {part}"
        rest = f" · and {len(parts) - place} more"
        if len(said) + len(more) + len(rest) > longest:
            return said + rest
        said += more
    return said


def _wanted(found: Log) -> str:
    wanted = found.wanted
    words = str(wanted.user_id or "") or wanted.label or wanted.subject or wanted.action
    return f", {words}" if words else ""


def _who(row: Row) -> str:
    if row.actor:
        return f"<@{row.actor}>"
    return "somebody" if row.action in _UNNAMED else "the bot"


def _words(action: str) -> str:
    return quoted(action.replace(".", " ").replace("_", " "), longest=LONGEST_VALUE)


def _subject(subject: str) -> str:
    kind, _, which = subject.partition(":")
    if kind == "user":
        return f"<@{which}>"
    return which if kind == "round" else quoted(f"{kind} {which}", longest=LONGEST_VALUE)


def _data(row: Row) -> Iterator[str]:
    for field, value in row.data.items():
        known = row.subject in {f"user:{value}", f"round:{value}"}
        if not field.endswith(_DIGEST) and not known and value not in ("", []):
            yield f"{field.removesuffix('_id').replace('_', ' ')} {_value(field, value)}"


def _value(field: str, value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case str() if field in _PEOPLE and value.isdecimal():
            return f"<@{value}>"
        case str() if _INSTANT.fullmatch(value):
            return when(datetime.fromisoformat(value))
        case list() | tuple():
            return _first([_value(field, item) for item in value])
        case dict():
            document = quoted(canonical(value).decode(), longest=LONGEST_VALUE)
            return _counts(value) if field in _PEOPLE else document
    return quoted(" ".join(str(value).split()), longest=LONGEST_VALUE)


def _counts(by_user: Mapping[str, int]) -> str:
    return _first([f"<@{user}> {count}" for user, count in by_user.items()])


def _first(parts: Sequence[str]) -> str:
    more = f" and {len(parts) - LISTED} more" if len(parts) > LISTED else ""
    return f"{', '.join(parts[:LISTED])}{more}"


def _texts(noted: Noted) -> Iterator[str]:
    for field, text in noted.texts.items():
        words = quoted(" ".join(plain(text).split()), longest=LONGEST_TEXT)
        yield f"{field}: \N{LEFT DOUBLE QUOTATION MARK}{words}\N{RIGHT DOUBLE QUOTATION MARK}"
    for field in noted.erased:
        yield f"{field} erased"


def _cells(noted: Noted) -> tuple[str | int, ...]:
    row = noted.row
    return (
        row.number,
        row.time,
        row.actor,
        row.acting_for,
        row.action,
        row.subject,
        canonical(row.data).decode(),
        _joined(noted.texts),
        " ".join(noted.erased),
        row.previous,
        row.hash,
    )


def _joined(texts: Mapping[str, str]) -> str:
    return "; ".join(f"{field}: {text}" for field, text in texts.items())


# ---------------------------------------------------------------- the mirror


def mirrored(rows: Sequence[Row]) -> discord.Embed:
    """Return some rows for the log channel, without anybody's texts."""
    embed = discord.Embed(
        title=f"Record {rows[0].number} to {rows[-1].number}",
        description="\n".join(sentence(row, longest=LONGEST_MIRRORED) for row in rows),
        colour=COLOUR,
    )
    embed.set_footer(text=f"head {rows[-1].hash}")
    return embed


# ---------------------------------------------------------------- the chain


def verdict(found: Verdict, *, incident: str = "") -> discord.Embed:
    """Return whether the chain of a server is whole, and where its head can be compared."""
    if found.faults:
        return _unsound(found, incident)
    if not found.length:
        words = "**The record is empty.** It begins with the first thing that is done here."
        return discord.Embed(title="Record", description=words, colour=COLOUR)
    lines = [
        f"**The record is sound**: {plural(found.length, 'row')}, each tied to the one before it.",
        f"Head, row {number(found.length)}: `{found.head}`",
    ]
    if found.published is None:
        lines.append("Note the head down to compare it later: it changes with every new row only.")
    else:
        label, row, head = found.published
        lines.append(
            f"{label} was published with row {number(row)} as its head, and that row is in this "
            f"chain: `{head}`. Compare it with `/payout show`, with the page and the JSON of the "
            "statement, or with a copy that somebody kept."
        )
    return discord.Embed(title="Record", description="\n".join(lines), colour=COLOUR)


def _unsound(found: Verdict, incident: str) -> discord.Embed:
    listed = bullets([plain(fault, longest=200) for fault in found.faults], longest=2000)
    return discord.Embed(
        title="Record",
        description=f"**The record is not sound** ({plural(found.length, 'row')}):\n{listed}\n"
        f"The committee was told, and the log of the bot has it as incident {incident}. Until an "
        "operator has found out why, do not rely on what follows the first row that is named.",
        colour=RED,
    )


def unsound_notice(found: Verdict, *, incident: str) -> str:
    """Return the note to the committee that somebody found the record broken."""
    listed = bullets([plain(fault, longest=200) for fault in found.faults], longest=1200)
    return (
        f"**The record of this server is not sound** (incident {incident}):\n{listed}\n"
        "Somebody changed the database past the bot, or it was damaged. Ask an operator to compare "
        "it with a backup; `/audit verify` checks again."
    )
