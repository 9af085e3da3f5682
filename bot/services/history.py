"""The record of a server: appending to it, and reading it back as a chain."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot.domain.canonical import canonical, digest
from bot.domain.errors import Repeated
from bot.domain.people import Actor
from bot.domain.record import GENESIS, Row, chain_faults, next_row
from bot.services import outbox
from storage import boards, people, record
from storage.express import Runner, Through
from storage.people import Standing
from storage.tables import RecordRow, Round

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


async def begin(session: AsyncSession, by: Actor) -> Standing | None:
    """Take an interaction on: once only, whatever number of processes received it.

    Returns where who acts stands on the roster; raises `Repeated` for what was carried out before.
    """
    return await take_on(Through(session), by)


async def take_on(run: Runner, by: Actor) -> Standing | None:
    """Do what `begin` does, also in the express lane."""
    await claim(run, by)
    seen = await people.seen(
        run, guild_id=by.guild_id, user_id=by.user_id, name=by.name, is_own_act=True
    )
    if seen.is_renamed:
        # The board shows the name.
        session = run.session()
        for board_id in await boards.showing(session, by.guild_id, by.user_id):
            await outbox.again(session, guild_id=by.guild_id, name=boards.post_name(board_id))
    return seen.standing


async def claim(run: Runner, by: Actor) -> None:
    """Take an interaction on as `begin` does, without remembering the name of who acts."""
    if not await record.claim(run, by.interaction_id, at=by.now):
        raise Repeated


async def append(
    session: AsyncSession,
    *,
    guild_id: int,
    at: datetime,
    action: str,
    subject: str,
    actor: int | None = None,
    acting_for: int | None = None,
    data: Mapping[str, Any] | None = None,
    texts: Mapping[str, str] | None = None,
    concerning: Round | None = None,
) -> Row:
    """Append one row to a server's record.

    `texts` may have to be erased one day: they enter the chain as salted digests only. A row
    `concerning` a round carries its label and belongs to the part of the chain that the round's
    bundle holds.
    """
    content = dict(data or {})
    if concerning is not None:
        content["round"] = concerning.label
    row = await write(
        Through(session),
        guild_id=guild_id,
        at=at,
        action=action,
        subject=subject,
        actor=actor,
        acting_for=acting_for,
        data=content,
        texts=texts,
    )
    if concerning is not None:
        touch(concerning, row)
    return row


async def write(
    run: Runner,
    *,
    guild_id: int,
    at: datetime,
    action: str,
    subject: str,
    actor: int | None = None,
    acting_for: int | None = None,
    data: Mapping[str, Any],
    texts: Mapping[str, str] | None = None,
) -> Row:
    """Append one row as `append` does, also without a session."""
    content = dict(data)
    salts = {field: (secrets.token_hex(16), text) for field, text in (texts or {}).items() if text}
    content |= {f"{field}_digest": digest(salt, text) for field, (salt, text) in salts.items()}
    row = next_row(
        await record.last(run, guild_id),
        at=at,
        actor=actor,
        acting_for=acting_for,
        action=action,
        subject=subject,
        data=content,
    )
    await record.add(
        run,
        guild_id=guild_id,
        **{**row.as_json(), "data": canonical(row.data).decode()},
    )
    for field, (salt, text) in salts.items():
        await record.add_opening(
            run, guild_id=guild_id, number=row.number, field=field, salt=salt, text=text
        )
    return row


def touch(concerning: Round, row: Row) -> None:
    """Let a row belong to the part of the chain that the round's bundle holds.

    The row of logged time lies in it without that: a round's opening comes before it, and what a
    bundle is made of, the published statement, after it.
    """
    concerning.record_first = concerning.record_first or row.number
    concerning.record_last = row.number


async def part(session: AsyncSession, round_: Round) -> tuple[list[Row], str]:
    """Return a round's part of the chain and the hash before it."""
    rows = await record.rows(
        session, round_.guild_id, first=round_.record_first, until=round_.record_last
    )
    return [as_row(row) for row in rows], rows[0].previous if rows else GENESIS


async def chain(session: AsyncSession, guild_id: int) -> list[Row]:
    """Return the whole chain of a server."""
    return [as_row(row) for row in await record.rows(session, guild_id)]


async def faults(session: AsyncSession, guild_id: int) -> list[str]:
    """Return what is wrong with a server's chain; an empty list is sound."""
    return chain_faults(await chain(session, guild_id), GENESIS)


async def texts(
    session: AsyncSession, guild_id: int, numbers: Collection[int]
) -> dict[int, dict[str, str]]:
    """Return the texts behind the digests of some rows, by row and field."""
    found: dict[int, dict[str, str]] = {}
    for opening in await record.opened(session, guild_id, numbers):
        found.setdefault(opening.number, {})[opening.field] = opening.text
    return found


def as_row(stored: RecordRow) -> Row:
    """Turn a stored row into one of the chain."""
    return Row(
        number=stored.number,
        time=stored.time,
        actor=stored.actor,
        acting_for=stored.acting_for,
        action=stored.action,
        subject=stored.subject,
        data=json.loads(stored.data),
        previous=stored.previous,
        hash=stored.hash,
    )
