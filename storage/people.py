"""Queries about people and the roster."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import BigInteger, Text, bindparam, func, select, update

from storage.batches import new_row
from storage.express import Runner, same
from storage.tables import (
    Helper,
    Payment,
    Person,
    PublishedLine,
    PublishedStatement,
    Suspension,
    Vouch,
)
from storage.tables.base import core

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

_PEOPLE = core(Person)
_GUILD, _USER = bindparam("guild", type_=BigInteger), bindparam("user", type_=BigInteger)
_ADD = same(new_row(_PEOPLE))
_NAME = same(
    update(_PEOPLE)
    .where(_PEOPLE.c.guild_id == _GUILD, _PEOPLE.c.user_id == _USER)
    .values(name=bindparam("called", type_=Text), erased_at=None)
)


async def pseudonymise(
    session: AsyncSession, *, guild_id: int, user_id: int, name: str, at: datetime
) -> None:
    """Call somebody by a pseudonym, also in statements that were published."""
    known = await session.merge(Person(guild_id=guild_id, user_id=user_id, name=name))
    known.erased_at = at
    await session.execute(
        update(PublishedLine)
        .where(
            PublishedLine.user_id == user_id,
            PublishedLine.statement_id.in_(
                select(PublishedStatement.id).where(PublishedStatement.guild_id == guild_id)
            ),
        )
        .values(name=name)
        .execution_options(synchronize_session=False)
    )


async def names(
    session: AsyncSession, guild_id: int, user_ids: Collection[int]
) -> Mapping[int, str]:
    """Return names as last seen; somebody never seen is left out."""
    found = await session.execute(
        select(Person.user_id, Person.name)
        .where(Person.guild_id == guild_id)
        .order_by(Person.user_id)
    )
    wanted = set(user_ids)
    return {row.user_id: row.name for row in found if row.user_id in wanted}


async def get(session: AsyncSession, guild_id: int, user_id: int) -> Person | None:
    """Return somebody as last seen."""
    return await session.get(Person, (guild_id, user_id))


async def helper(session: AsyncSession, guild_id: int, user_id: int) -> Helper | None:
    """Return one row of the roster."""
    return await session.get(Helper, (guild_id, user_id))


class Standing(NamedTuple):
    """Where a helper stands."""

    state: str
    wants_pay: bool
    is_stopped: bool
    """Whether payments to them are held or ceased."""


_HELPERS = core(Helper)
_STANDS = (
    Helper.state,
    Helper.wants_pay,
    select(Suspension.id)
    .where(
        Suspension.guild_id == _GUILD, Suspension.user_id == _USER, Suspension.lifted_at.is_(None)
    )
    .exists(),
)
_STANDING = same(select(*_STANDS).where(Helper.guild_id == _GUILD, Helper.user_id == _USER))
_KNOWN = same(
    select(Person.name, Person.erased_at, *_STANDS)
    .select_from(
        _PEOPLE.outerjoin(
            _HELPERS,
            (_HELPERS.c.guild_id == _PEOPLE.c.guild_id) & (_HELPERS.c.user_id == _PEOPLE.c.user_id),
        )
    )
    .where(Person.guild_id == _GUILD, Person.user_id == _USER)
)


async def standing(run: Runner, guild_id: int, user_id: int) -> Standing | None:
    """Return where somebody stands; None for who is not on the roster."""
    found = await run.rows(_STANDING, {"guild": guild_id, "user": user_id})
    return Standing._make(found[0]) if found else None


class Seen(NamedTuple):
    """Somebody who was seen: whether under another name than before, and where they stand."""

    is_renamed: bool
    standing: Standing | None


async def seen(
    run: Runner, *, guild_id: int, user_id: int, name: str, is_own_act: bool = False
) -> Seen:
    """Remember somebody's present name.

    A name that was erased comes back by an act of their own only.
    """
    found = await run.rows(_KNOWN, {"guild": guild_id, "user": user_id})
    if not found:
        values = {"guild_id": guild_id, "user_id": user_id, "name": name, "erased_at": None}
        await run.rows(_ADD, values)
        return Seen(is_renamed=True, standing=await standing(run, guild_id, user_id))
    before, erased_at, *stands = found[0]
    where = None if stands[0] is None else Standing._make(stands)
    if erased_at is not None and not is_own_act:
        return Seen(is_renamed=False, standing=where)
    if before != name or erased_at is not None:
        await run.rows(_NAME, {"guild": guild_id, "user": user_id, "called": name})
    return Seen(is_renamed=before != name, standing=where)


async def was_helper(session: AsyncSession, guild_id: int, user_id: int) -> bool:
    """Whether somebody is a helper or was one; who still waits to be admitted is not."""
    row = await helper(session, guild_id, user_id)
    return row is not None and row.state != "candidate"


async def roster(session: AsyncSession, guild_id: int) -> Sequence[Helper]:
    """Return the whole roster, in the order in which people came to their state."""
    return (
        await session.scalars(
            select(Helper).where(Helper.guild_id == guild_id).order_by(Helper.since, Helper.user_id)
        )
    ).all()


_DECLINED = same(
    select(Helper.user_id)
    .where(Helper.guild_id == _GUILD, Helper.wants_pay.is_(False))
    .order_by(Helper.user_id)
)


async def declined(run: Runner, guild_id: int) -> frozenset[int]:
    """Return who declines pay at present."""
    return frozenset(row[0] for row in await run.rows(_DECLINED, {"guild": guild_id}))


async def vouches_by(
    session: AsyncSession, guild_id: int, *, voucher_id: int, round_id: int | None
) -> int:
    """Return how often somebody vouched in a round (None: before the first)."""
    return (
        await session.scalar(
            select(func.count())
            .select_from(Vouch)
            .where(
                Vouch.guild_id == guild_id,
                Vouch.voucher_id == voucher_id,
                Vouch.round_id.is_(None) if round_id is None else Vouch.round_id == round_id,
            )
        )
        or 0
    )


async def vouches_for(session: AsyncSession, guild_id: int, *, user_id: int) -> Sequence[int]:
    """Return who vouched for somebody."""
    query = select(Vouch.voucher_id).where(Vouch.guild_id == guild_id, Vouch.user_id == user_id)
    return (await session.scalars(query.order_by(Vouch.id))).all()


async def paid_helpers(session: AsyncSession, guild_id: int) -> frozenset[int]:
    """Return everybody with a standing payment."""
    found = await session.scalars(
        select(Payment.user_id)
        .where(Payment.guild_id == guild_id, Payment.taken_back_at.is_(None))
        .distinct()
    )
    return frozenset(found.all())
