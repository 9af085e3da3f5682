"""Words, amounts, instants and other people's texts, spelled so that nothing can hide in them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import discord
import orjson

from bot.domain.duration import format_minutes
from bot.domain.money import format_amount
from bot.domain.statement import Sum

MOST_MARKS = 2
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
_ISOLATE, _POP = "\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"
# Marks, embeddings, overrides and isolates of a direction, but for the pair that `isolated` adds.
_CONTROLS = re.compile(
    "[\\x00-\\x09\\x0b-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066\\u2067\\ufff9-\\ufffb]"
)
_UNSTORABLE = re.compile("[\\x00\\ud800-\\udfff]")
_BEYOND_ASCII = re.compile("[^\\x00-\\x7e]")
_KEPT = frozenset("\n\N{ZERO WIDTH JOINER}")
_GROUPED_FROM = 1000 * 60
"""So many minutes have hours of four digits."""


def plain(text: str, *, longest: int | None = None) -> str:
    """Return somebody's text without control, bidirectional and piled-up combining characters.

    Line breaks stay; what is too long ends in an ellipsis.
    """
    kept, marks = [], 0
    for character in text.replace("\r\n", "\n"):
        category = unicodedata.category(character)
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        if (category in _INVISIBLE and character not in _KEPT) or marks > MOST_MARKS:
            continue
        kept.append(character)
    cleaned = "".join(kept).strip()
    if longest is not None and len(cleaned) > longest:
        return cleaned[: longest - 1].rstrip() + ELLIPSIS
    return cleaned


def storable(value: Any) -> Any:
    """Return what Discord sent without the characters that no database keeps: NUL, half ones."""
    try:
        is_storable = b"\\u0000" not in orjson.dumps(value)
    except TypeError:  # half a character
        is_storable = False
    return value if is_storable else _without_unstorable(value)


def _without_unstorable(value: Any) -> Any:
    if isinstance(value, str):
        return _UNSTORABLE.sub("", value)
    if isinstance(value, list):
        return [_without_unstorable(each) for each in value]
    if isinstance(value, dict):
        return {name: _without_unstorable(each) for name, each in value.items()}
    return value


def quoted(text: str, *, longest: int | None = None) -> str:
    """Return somebody's text for a Discord message: plain, without markdown and mentions."""
    escaped = discord.utils.escape_markdown(plain(text, longest=longest))
    return isolated(discord.utils.escape_mentions(escaped).replace("<", "\\<"))


def link(url: str) -> str:
    """Return somebody's link for a message: no part of it can be shown as another link."""
    return plain(url).replace("[", "%5B").replace("]", "%5D")


def name(text: str) -> str:
    """Return a person's name for one line of a message."""
    return quoted(" ".join(text.split()), longest=32) or "somebody"


def isolated(text: str) -> str:
    """Return a text whose direction cannot reorder what stands beside it.

    Letters that are written from right to left pull numbers next to them along; only texts with
    such letters are set apart, each line by itself.
    """
    return "\n".join(
        f"{_ISOLATE}{line}{_POP}" if _is_reordering(line) else line for line in text.split("\n")
    )


def _is_reordering(line: str) -> bool:
    return any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in line)


def guarded(text: str) -> str:
    """Return a message without a character that could turn the direction of it or act unseen.

    The last gate of everything that is said: what came through `plain` passes unchanged.
    """
    return _CONTROLS.sub("", text)


def guard(embed: discord.Embed) -> discord.Embed:
    """Return an embed with every text of it `guarded`."""
    for text in ("title", "description"):
        setattr(embed, text, guarded(getattr(embed, text) or "") or None)
    for place, field in enumerate(embed.fields):
        embed.set_field_at(
            place,
            name=guarded(field.name or ""),
            value=guarded(field.value or ""),
            inline=field.inline,
        )
    if embed.footer.text:
        embed.set_footer(text=guarded(embed.footer.text), icon_url=embed.footer.icon_url)
    return embed


def safe_json(document: bytes) -> bytes:
    """Return the same JSON with every invisible character spelled out, so that none acts.

    JSON itself escapes only the first 32; strings can hold the others as they are.
    """
    return _BEYOND_ASCII.sub(_spelled_out, document.decode()).encode()


def _spelled_out(found: re.Match[str]) -> str:
    character = found[0]
    if unicodedata.category(character) not in _INVISIBLE:
        return character
    units = character.encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def cell(text: str) -> str:
    """Return a text for a cell of a table file: one line that no program takes for a formula."""
    line = " ".join(plain(text).split())
    return f"'{line}" if line.startswith(FORMULA_STARTS) else line


def money(amount: int, *, decimals: int, currency: str = "", signed: bool = False) -> str:
    """Return an amount for people, grouped, with its currency: `1,000.50 RPL`."""
    sign = "+" if signed and amount > 0 else ""
    return f"{sign}{format_amount(amount, decimals=decimals, grouping=True)} {currency}".rstrip()


def total(amounts: Sum) -> str:
    """Return a sum for people, in both currencies where they differ: `500.00 USD = 27 RPL`."""
    spelled = money(amounts.amount, decimals=amounts.decimals, currency=amounts.currency)
    if amounts.pay_amount is None:
        return spelled
    pays = money(amounts.pay_amount, decimals=amounts.pay_decimals, currency=amounts.pay_currency)
    return f"{spelled} = {pays}"


def number(count: int) -> str:
    """Return a count for people: `12,345`."""
    from babel.numbers import format_decimal  # noqa: PLC0415 - heavy, on first use

    return str(format_decimal(count, locale="en"))


def duration(minutes: int) -> str:
    """Return a time for people, hours grouped: `3 h 20 min`, `1,076 h 28 min`."""
    spelled = format_minutes(minutes)
    if abs(minutes) < _GROUPED_FROM:
        return spelled
    return re.sub(r"[0-9]{4,}", lambda digits: number(int(digits[0])), spelled)


def when(instant: datetime, style: str = "f") -> str:
    """Return an instant that Discord shows in the reader's own zone."""
    return f"<t:{int(instant.timestamp())}:{style}>"


def deadline(instant: datetime) -> str:
    """Return an instant with the time left to it."""
    return f"{when(instant)} ({when(instant, 'R')})"


def people(user_ids: Iterable[int], *, most: int = 10) -> str:
    """Return mentions of some people; they notify nobody."""
    users = list(user_ids)
    rest = len(users) - most
    listed = ", ".join(f"<@{user}>" for user in users[:most])
    return f"{listed} and {rest} more" if rest > 0 else listed


def bullets(lines: Sequence[str], *, most: int = 6, longest: int = 1024) -> str:
    """Return lines as a list that fits a field of an embed; those left out are counted."""
    kept: list[str] = []
    room = longest - len("\n- and 999,999 more")
    for line in lines[:most]:
        room -= len(f"- {line}\n")
        if room < 0:
            break
        kept.append(f"- {line}")
    if len(kept) < len(lines):
        kept.append(f"- and {number(len(lines) - len(kept))} more")
    return "\n".join(kept)


def plural(count: int, singular: str, many: str | None = None) -> str:
    """Return a count with its noun: `1 entry`, `3 entries`."""
    return f"{number(count)} {singular if count == 1 else many or f'{singular}s'}"
