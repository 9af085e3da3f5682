"""Looking into the record: who did what, and whether the chain is whole; mirroring it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from bot.domain import people as rights
from bot.domain.canonical import digest
from bot.domain.errors import Refusal
from bot.domain.people import Actor
from bot.domain.record import GENESIS, Row, chain_faults
from bot.services import history, outbox, rounds, settings
from storage import people, posts, record
from storage import policy as stored_policy
from storage.express import Runner
from storage.record import Filter

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

KIND = "mirror"
MIRROR_ROWS = 20
MIRROR_POSTS = 5
"""Rows in one post of the mirror, and posts made at a time: what is left follows."""
NEVER_SHOWN = frozenset({"address", "thanks"})
"""Texts that nobody is shown here: addresses are their owner's, pairs are for `/audit voters`."""
_SUFFIX = "_digest"
_MENTION = re.compile(r"<@!?([0-9]{1,20})>|([0-9]{15,20})")
_SUBJECT = re.compile(r"[a-z_]+:\S{1,40}")
_NUMBERED = re.compile(r"([a-z_]+)[ :]#?([0-9]{1,9})")
_ACTION = re.compile(r"[a-z_]+(\.[a-z_]+)?")


class Noted(Struct, frozen=True):
    """A row of the record with the texts behind its digests; `erased` names those that are gone."""

    row: Row
    texts: Mapping[str, str]
    erased: tuple[str, ...]


class Log(Struct, frozen=True):
    """Rows of a record, newest first; `wanted` is what they were filtered by."""

    wanted: Filter
    rows: tuple[Noted, ...]


class Verdict(Struct, frozen=True):
    """Whether a chain is whole; `published` is label, row and head of the newest statement."""

    length: int
    head: str
    faults: tuple[str, ...]
    published: tuple[str, int, str] | None


# ---------------------------------------------------------------- the log


async def log(session: AsyncSession, *, by: Actor, subject: str | None = None) -> Log:
    """Return the rows of the record that concern a person, a round or an action; committee."""
    await settings.require_committee(session, by)
    labels = await rounds.labels(session, by.guild_id)
    wanted = read_filter(subject or "", labels=labels)
    found = await record.filtered(session, by.guild_id, wanted)
    return Log(wanted, await _noted(session, by.guild_id, [history.as_row(row) for row in found]))


def read_filter(typed: str, *, labels: Sequence[str]) -> Filter:
    """Read what somebody wants to see: a person, a round, an action, or a subject."""
    words = typed.strip()
    if not words:
        return Filter()
    if match := _MENTION.fullmatch(words):
        return Filter(user_id=int(match[1] or match[2]))
    if words.upper() in labels:
        return Filter(label=words.upper())
    if match := _NUMBERED.fullmatch(words.lower()):  # as the log prints it
        return Filter(subject=f"{match[1]}:{match[2]}")
    if _SUBJECT.fullmatch(words):
        return Filter(subject=words)
    if _ACTION.fullmatch(words.lower()):
        return Filter(action=words.lower())
    raise Refusal(
        "`subject` accepts a person (a mention or an id), a round such as `2026-Q1`, an action "
        "such as `payout` or `payout.adjusted`, or a subject such as `entry 12`."
    )


async def offered(session: AsyncSession, *, by: Actor) -> list[tuple[str, str]]:
    """Return what the log can be filtered by, value and label; for the committee only."""
    policy = (await settings.current(session, by.guild_id)).policy
    if not rights.is_committee(policy, by):
        return []
    actions = await record.actions(session, by.guild_id)
    groups = dict.fromkeys(action.partition(".")[0] for action in actions)
    roster = await people.roster(session, by.guild_id)
    names = await people.names(session, by.guild_id, [row.user_id for row in roster])
    return [
        *((label, label) for label in await rounds.labels(session, by.guild_id)),
        *((group, group) for group in groups),
        *((str(user), f"{name} ({user})") for user, name in names.items()),
        *((action, action) for action in actions),
    ]


async def _noted(session: AsyncSession, guild_id: int, rows: Sequence[Row]) -> tuple[Noted, ...]:
    texts = await history.texts(session, guild_id, [row.number for row in rows])
    return tuple(_note(row, texts.get(row.number, {})) for row in rows)


def _note(row: Row, texts: Mapping[str, str]) -> Noted:
    fields = [field.removesuffix(_SUFFIX) for field in row.data if field.endswith(_SUFFIX)]
    return Noted(
        row,
        {field: text for field, text in texts.items() if field not in NEVER_SHOWN},
        tuple(field for field in fields if field not in texts),
    )


# ---------------------------------------------------------------- the chain


async def verify(session: AsyncSession, guild_id: int) -> Verdict:
    """Check a server's whole chain: row after row, the heads that were published, and the texts.

    A chain that was rewritten as a whole, or cut, does not lead to the heads of the statements
    that were published before.
    """
    rows = await history.chain(session, guild_id)
    heads = [
        (stored.record_number, stored.record_head)
        for stored in await record.published_heads(session, guild_id)
    ]
    texts = [
        (text.number, text.field, digest(text.salt, text.text))
        for text in await record.opened(session, guild_id)
    ]
    found = await asyncio.to_thread(_faults, rows, heads, texts)
    return Verdict(
        length=len(rows),
        head=rows[-1].hash if rows else GENESIS,
        faults=tuple(found),
        published=await _published(session, guild_id),
    )


def _faults(
    rows: Sequence[Row],
    heads: Sequence[tuple[int, str]],
    texts: Sequence[tuple[int, str, str]],
) -> list[str]:
    found = chain_faults(rows, GENESIS)
    if rows and rows[0].number != 1:
        found.append(f"record row {rows[0].number}: it is the first, and rows before it are gone")
    by_number = {row.number: row for row in rows}
    for number, head in heads:
        if number not in by_number:
            found.append(f"record row {number}: it is gone, though a statement was published by it")
        elif by_number[number].hash != head:
            found.append(f"record row {number}: a statement was published with another hash of it")
    for number, field, of_text in texts:
        row = by_number.get(number)
        if row is None or row.data.get(f"{field}{_SUFFIX}") != of_text:
            found.append(f"record row {number}: the stored {field} does not give its digest")
    return found


async def _published(session: AsyncSession, guild_id: int) -> tuple[str, int, str] | None:
    stored = await record.published_heads(session, guild_id)
    if not stored:
        return None
    labels = await record.labels(session, guild_id)
    newest = stored[-1]
    return labels[newest.round_id], newest.record_number, newest.record_head


async def report(session: AsyncSession, guild_id: int, *, text: str, at: datetime) -> None:
    """Tell the admins, once a day, that the record is not sound."""
    await outbox.say_once(
        session,
        guild_id=guild_id,
        name=f"notice:record:{at:%Y-%m-%d}",
        kind="notice",
        at=at,
        facts={"text": text},
    )


# ---------------------------------------------------------------- the mirror


async def servers(run: Runner) -> list[int]:
    """Return the servers whose record may have to be mirrored."""
    return await stored_policy.servers(run)


async def is_behind(session: AsyncSession, guild_id: int) -> bool:
    """Whether the record has rows that the log channel should have and has not."""
    if (await settings.current(session, guild_id)).policy.log_channel is None:
        return False
    if await posts.is_parked(session, guild_id, KIND):
        return False  # the channel refuses: what waits is enough
    return await record.newest(session, guild_id) > await _begin(session, guild_id)


async def mirror(session: AsyncSession, guild_id: int, *, now: datetime) -> None:
    """Say the new rows of the record in the log channel, some at a time, each once.

    It begins with the row after the one by which the channel was set.
    """
    if not await is_behind(session, guild_id):
        return
    begin = await _begin(session, guild_id)
    newest = min(await record.newest(session, guild_id), begin + MIRROR_ROWS * MIRROR_POSTS)
    for first in range(begin + 1, newest + 1, MIRROR_ROWS):
        last = min(first + MIRROR_ROWS - 1, newest)
        await outbox.say_once(
            session,
            guild_id=guild_id,
            name=f"{KIND}:{first}-{last}",
            kind=KIND,
            at=now,
            facts={"first": first, "last": last},
        )
    await record.set_mirrored(session, guild_id, newest)


async def mirrored(
    session: AsyncSession, guild_id: int, *, first: int, last: int
) -> tuple[Row, ...]:
    """Return the rows of one post of the mirror; their texts are not told there."""
    found = await record.rows(session, guild_id, first=first, until=last)
    return tuple(history.as_row(row) for row in found)


async def _begin(session: AsyncSession, guild_id: int) -> int:
    return max(
        await record.mirrored(session, guild_id),
        await record.newest_setting(session, guild_id, "log_channel"),
    )
