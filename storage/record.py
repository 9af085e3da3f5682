"""Queries about the record; rows are only ever added."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    Select,
    bindparam,
    case,
    delete,
    func,
    or_,
    select,
    text,
    update,
)

from storage.batches import insert_into, new_row
from storage.express import Both, Runner, same
from storage.tables import (
    Claim,
    Confirmation,
    Mirror,
    Opening,
    PublishedStatement,
    RecordRow,
    Round,
)
from storage.tables.base import core

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

_ROUNDS = core(Round)
_LAST = same(
    select(RecordRow.number, RecordRow.hash)
    .where(RecordRow.guild_id == bindparam("guild", type_=BigInteger))
    .order_by(RecordRow.number.desc())
    .limit(1),
)
_ADD = same(new_row(core(RecordRow)))
_ADD_OPENING = same(new_row(core(Opening)))


def _claim(dialect: str) -> Any:
    columns = core(Claim).c
    values = {
        "interaction_id": bindparam("interaction", type_=columns.interaction_id.type),
        "at": bindparam("at", type_=columns.at.type),
    }
    statement = insert_into(core(Claim), dialect).values(values)
    return statement.on_conflict_do_nothing().returning(columns.interaction_id)


_CLAIM = Both(_claim)
_TOUCH = same(
    update(_ROUNDS)
    .where(_ROUNDS.c.id == bindparam("round", type_=BigInteger))
    .values(
        record_first=case(
            (_ROUNDS.c.record_first == 0, bindparam("row", type_=BigInteger)),
            else_=_ROUNDS.c.record_first,
        ),
        record_last=bindparam("row", type_=BigInteger),
    ),
)


async def last(run: Runner, guild_id: int) -> tuple[int, str] | None:
    """Return number and hash of a server's last row, None where there is none."""
    found = await run.rows(_LAST, {"guild": guild_id})
    return (found[0][0], found[0][1]) if found else None


async def add(run: Runner, **values: str | int) -> None:
    """Append one row."""
    await run.rows(_ADD, values)


async def add_opening(
    run: Runner, *, guild_id: int, number: int, field: str, salt: str, text: str
) -> None:
    """Keep the text behind a digest."""
    values = {"guild_id": guild_id, "number": number, "field": field, "salt": salt, "text": text}
    await run.rows(_ADD_OPENING, values)


async def touch(run: Runner, round_id: int, number: int) -> None:
    """Let a row belong to the part of the record that the bundle of a round holds."""
    await run.rows(_TOUCH, {"round": round_id, "row": number})


async def rows(
    session: AsyncSession, guild_id: int, *, first: int = 1, until: int | None = None
) -> Sequence[RecordRow]:
    """Return a server's rows from `first` to `until`, both included."""
    query = select(RecordRow).where(RecordRow.guild_id == guild_id, RecordRow.number >= first)
    if until is not None:
        query = query.where(RecordRow.number <= until)
    return (await session.scalars(query.order_by(RecordRow.number))).all()


class Filter(Struct, frozen=True):
    """Which rows of a record somebody wants to see; empty fields ask for nothing."""

    user_id: int | None = None
    label: str = ""
    subject: str = ""
    action: str = ""


async def filtered(session: AsyncSession, guild_id: int, wanted: Filter) -> Sequence[RecordRow]:
    """Return a server's rows that fit, newest first; an action includes those below it."""
    query = select(RecordRow).where(RecordRow.guild_id == guild_id)
    if wanted.user_id is not None:
        query = _of_person(query, str(wanted.user_id))
    if wanted.label:
        query = query.where(
            or_(
                RecordRow.subject == f"round:{wanted.label}",
                RecordRow.data.contains(f'"{wanted.label}"', autoescape=True),
            )
        )
    if wanted.subject:
        query = query.where(RecordRow.subject == wanted.subject)
    if wanted.action:
        below = RecordRow.action.startswith(f"{wanted.action}.", autoescape=True)
        query = query.where(or_(RecordRow.action == wanted.action, below))
    return (await session.scalars(query.order_by(RecordRow.number.desc()))).all()


def _of_person(query: Select[RecordRow], user_id: str) -> Select[RecordRow]:
    return query.where(
        or_(
            RecordRow.actor == user_id,
            RecordRow.acting_for == user_id,
            RecordRow.subject == f"user:{user_id}",
            RecordRow.data.contains(f'"{user_id}"', autoescape=True),
        )
    )


async def actions(session: AsyncSession, guild_id: int) -> Sequence[str]:
    """Return the words for what was done in a server, in order of the alphabet."""
    query = select(RecordRow.action).where(RecordRow.guild_id == guild_id).distinct()
    return sorted(await session.scalars(query))  # servers differ in their alphabets


async def opened(
    session: AsyncSession, guild_id: int, numbers: Collection[int] | None = None
) -> Sequence[Opening]:
    """Return the texts that stand behind digests, of some rows or of all; erased ones are gone."""
    query = select(Opening).where(Opening.guild_id == guild_id)
    if numbers is not None:
        if not numbers:
            return ()
        query = query.where(Opening.number.between(min(numbers), max(numbers)))
    found = sorted(await session.scalars(query), key=lambda row: (row.number, row.field))
    wanted = None if numbers is None else frozenset(numbers)
    return [opening for opening in found if wanted is None or opening.number in wanted]


async def published_heads(session: AsyncSession, guild_id: int) -> Sequence[PublishedStatement]:
    """Return the published statements of a server, each with the head it was published with."""
    query = select(PublishedStatement).where(PublishedStatement.guild_id == guild_id)
    return (await session.scalars(query.order_by(PublishedStatement.record_number))).all()


async def labels(session: AsyncSession, guild_id: int) -> dict[int, str]:
    """Return the labels of a server's rounds by their key."""
    found = await session.execute(
        select(Round.id, Round.label).where(Round.guild_id == guild_id).order_by(Round.id)
    )
    return {row.id: row.label for row in found}


async def newest(session: AsyncSession, guild_id: int) -> int:
    """Return the number of a server's newest row, 0 where there is none."""
    query = select(func.max(RecordRow.number)).where(RecordRow.guild_id == guild_id)
    return await session.scalar(query) or 0


async def newest_setting(session: AsyncSession, guild_id: int, name: str) -> int:
    """Return the number of the row by which a setting was changed last, 0 where it never was."""
    query = select(func.max(RecordRow.number)).where(
        RecordRow.guild_id == guild_id,
        RecordRow.action == "settings.changed",
        RecordRow.subject == f"setting:{name}",
    )
    return await session.scalar(query) or 0


async def mirrored(session: AsyncSession, guild_id: int) -> int:
    """Return up to which row a server's record was mirrored."""
    known = await session.get(Mirror, guild_id)
    return known.number if known else 0


async def set_mirrored(session: AsyncSession, guild_id: int, number: int) -> None:
    """Remember up to which row a server's record was mirrored."""
    await session.merge(Mirror(guild_id=guild_id, number=number))


async def servers(session: AsyncSession) -> Sequence[int]:
    """Return the ids of all servers with a record."""
    return (
        await session.scalars(select(RecordRow.guild_id).distinct().order_by(RecordRow.guild_id))
    ).all()


async def claim(run: Runner, interaction_id: int, *, at: datetime) -> bool:
    """Note that an interaction is being carried out; False where it already was."""
    return bool(await run.rows(_CLAIM, {"interaction": interaction_id, "at": at}))


async def confirmation(session: AsyncSession, guild_id: int, number: int) -> Confirmation | None:
    """Return a question that waits for its button."""
    return await session.scalar(
        select(Confirmation).where(Confirmation.guild_id == guild_id, Confirmation.id == number)
    )


async def forget_confirmations(session: AsyncSession, *, before: datetime) -> None:
    """Drop questions nobody can answer any more."""
    await session.execute(delete(Confirmation).where(Confirmation.at < before))


async def missing_guards(session: AsyncSession) -> list[str]:
    """Return which of the triggers that keep the record append-only are not there."""
    if session.get_bind().dialect.name == "sqlite":
        query = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        wanted = {"record_no_update", "record_no_delete", "record_no_replace"}
    else:
        query = (
            "SELECT tgname::text FROM pg_trigger "
            "WHERE tgrelid = 'record'::regclass AND tgenabled <> 'D' AND NOT tgisinternal"
        )
        wanted = {"record_append_only"}
    present = set((await session.scalars(text(query))).all())
    return [f"the trigger {name} is missing" for name in sorted(wanted - present)]
