"""Queries about thanks: in batches, for there may be thousands a second."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    and_,
    bindparam,
    delete,
    func,
    insert,
    select,
    true,
    tuple_,
    update,
)

from storage.batches import FLAG, TEXT, WHOLE, insert_into, pack, unpacked
from storage.express import Both, Runner, same
from storage.tables import Board, Helper, Place, Tally, ThankedMessage, Thanks
from storage.tables.base import core, microseconds

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

_TABLE = core(Thanks)
_KEY_NAMES = ("helper_id", "voter_id", "source", "origin_id", "burst")
_KEY = tuple(_TABLE.c[name] for name in _KEY_NAMES)
_STANDS = _TABLE.c.taken_back_at.is_(None)
_COUNTS = _TABLE.c.doubt == ""

BOARD = 1
"""The source of thanks whose origin is a place."""

KeyRow = tuple[int, int, int, int, int]
"""helper, voter, source, origin, burst."""

NewRow = tuple[int, int, int, int, int, datetime, str, datetime | None, str, bool]
"""The key, then at, doubt, after, note, private."""


def _among(dialect: str) -> ColumnElement[bool]:
    """Return the condition for standing thanks of a round with one of the packed keys.

    As a row value: from the keys to the thanks, each is one search in the tree.
    """
    rows, fields = unpacked("thanks_keys", [WHOLE] * len(_KEY), dialect=dialect)
    return and_(
        _TABLE.c.round_id == bindparam("round", type_=WHOLE),
        tuple_(*_KEY).in_(select(*fields).select_from(rows)),
        _STANDS,
    )


def _standing(dialect: str) -> Any:
    return select(*_KEY, _TABLE.c.doubt).where(_among(dialect))


def _add(dialect: str) -> Any:
    rows, fields = unpacked("thanks_rows", [WHOLE] * (len(_KEY) + 1), dialect=dialect)
    alike = [
        bindparam("doubt", type_=TEXT),
        bindparam("after", type_=WHOLE),
        bindparam("note", type_=TEXT),
        bindparam("private", type_=FLAG),
    ]
    names = ("round_id", *_KEY_NAMES, "at", "doubt", "after", "note", "private")
    round_id = bindparam("round", type_=WHOLE)
    source = select(round_id, *fields, *alike).select_from(rows).where(true())
    statement = insert_into(_TABLE, dialect).from_select(names, source, include_defaults=False)
    renewed = {name: statement.excluded[name] for name in names[6:]}
    return statement.on_conflict_do_update(
        index_elements=["round_id", *_KEY_NAMES],
        set_={**renewed, "taken_back_at": None, "kept_at": None},
        where=_TABLE.c.taken_back_at.is_not(None),
    ).returning(*_KEY)


def _change(dialect: str, name: str) -> Any:
    """Return the statement that sets an instant of standing thanks."""
    instant = bindparam("instant", type_=WHOLE)
    return update(_TABLE).where(_among(dialect)).values({name: instant}).returning(*_KEY)


_STANDING = Both(_standing)
_ADD = Both(_add)
_TAKE_BACK = Both(partial(_change, name="taken_back_at"))
_KEEP = Both(partial(_change, name="kept_at"))


class Spot(NamedTuple):
    """Where on a board an emoji stands, whose it is, and where that helper stands at present."""

    message_id: int
    emoji_key: str
    place_id: int
    round_id: int
    helper_id: int
    is_removed: bool
    helper_state: str


def _spots(dialect: str) -> Any:
    rows, (wanted,) = unpacked("message_ids", [WHOLE], dialect=dialect)
    return (
        select(
            Board.message_id,
            Place.emoji_key,
            Place.id,
            Place.round_id,
            Place.user_id,
            Place.removed_at.is_not(None),
            Helper.state,
        )
        .select_from(rows)
        .join(Board, Board.message_id == wanted)
        .join(Place, Place.board_id == Board.id)
        .join(Helper, (Helper.guild_id == Place.guild_id) & (Helper.user_id == Place.user_id))
        .where(Board.guild_id == bindparam("guild", type_=WHOLE))
    )


_SPOTS = Both(_spots)


async def spots(
    run: Runner, guild_id: int, message_ids: Collection[int]
) -> dict[tuple[int, str], Spot]:
    """Return what stands on these messages, as far as they are boards of the server."""
    packed = pack([message_id] for message_id in message_ids)
    found = await run.rows(_SPOTS, {"guild": guild_id, "message_ids": packed})
    return {(row[0], row[1]): Spot._make(row) for row in found}


async def thanked_message(
    session: AsyncSession, round_id: int, message_id: int
) -> ThankedMessage | None:
    """Return a message whose author was thanked with the thanks emoji in a round."""
    return await session.get(ThankedMessage, (round_id, message_id))


async def standing(run: Runner, round_id: int, keys: Collection[KeyRow]) -> dict[KeyRow, str]:
    """Return which of these thanks stand, and why each does not count, empty where it does."""
    if not keys:
        return {}
    found = await run.rows(_STANDING, {"round": round_id, "thanks_keys": pack(keys)})
    return {tuple(row[:5]): row[5] for row in found}


async def add(run: Runner, round_id: int, rows: Iterable[NewRow]) -> list[KeyRow]:
    """Store thanks and return the new ones; one that was taken back stands again as it is now."""
    # Unpacking has its price for each field: what many rows share is not packed.
    alike: dict[tuple[str, datetime | None, str, bool], list[list[int]]] = {}
    for row in rows:
        alike.setdefault(row[6:], []).append([*row[:5], microseconds(row[5])])
    new: list[KeyRow] = []
    for (doubt, after, note, private), some in alike.items():
        shared = {
            "doubt": str(doubt),
            "after": after and microseconds(after),
            "note": note,
            "private": private,
        }
        found = await run.rows(_ADD, {"round": round_id, "thanks_rows": pack(some), **shared})
        new += [tuple(row) for row in found]
    return new


async def take_back(
    run: Runner, round_id: int, keys: Collection[KeyRow], *, at: datetime
) -> list[KeyRow]:
    """Take thanks back and return those that stood; the rows stay."""
    if not keys:
        return []
    parameters = {"round": round_id, "thanks_keys": pack(keys), "instant": microseconds(at)}
    return [tuple(row) for row in await run.rows(_TAKE_BACK, parameters)]


async def keep(
    run: Runner, round_id: int, keys: Collection[KeyRow], *, at: datetime | None
) -> None:
    """Note that reactions were taken away after the close, or (None) that they are back."""
    if keys:
        instant = at and microseconds(at)
        await run.rows(_KEEP, {"round": round_id, "thanks_keys": pack(keys), "instant": instant})


async def reopen(
    session: AsyncSession, round_id: int, *, doubts: tuple[str, str]
) -> tuple[list[KeyRow], list[KeyRow]]:
    """Undo what only the close of a round made of its thanks: late ones count, kept ones go.

    Returns those that count now and those that are taken back.
    """
    late, none = doubts
    gone = await session.execute(
        update(_TABLE)
        .where(_TABLE.c.round_id == round_id, _TABLE.c.kept_at.is_not(None))
        .values(taken_back_at=_TABLE.c.kept_at, kept_at=None)
        .returning(*_KEY)
    )
    counting = await session.execute(
        update(_TABLE)
        .where(_TABLE.c.round_id == round_id, _TABLE.c.doubt == late, _STANDS)
        .values(doubt=none)
        .returning(*_KEY)
    )
    await session.execute(delete(Tally).where(Tally.round_id == round_id))
    return sorted(map(tuple, counting)), sorted(map(tuple, gone))


# The key's order serves both steps: no sorting, no set of voters in memory.
_PAIRS = (
    select(_TABLE.c.helper_id, _TABLE.c.voter_id)
    .where(_TABLE.c.round_id == bindparam("round", type_=WHOLE), _STANDS, _COUNTS)
    .distinct()
    .subquery()
)
_COUNT = same(select(_PAIRS.c.helper_id, func.count()).group_by(_PAIRS.c.helper_id))
_TALLIES = same(
    select(Tally.user_id, Tally.voters)
    .where(Tally.round_id == bindparam("round", type_=WHOLE))
    .order_by(Tally.user_id)
)


async def count(run: Runner, round_id: int) -> dict[int, int]:
    """Return the number of distinct voters of every helper, from the thanks that stand."""
    return dict(sorted((row[0], row[1]) for row in await run.rows(_COUNT, {"round": round_id})))


async def voters(session: AsyncSession, round_id: int) -> int:
    """Return how many people thanked somebody in a round."""
    query = select(func.count(Thanks.voter_id.distinct())).where(
        Thanks.round_id == round_id, _STANDS, _COUNTS
    )
    return (await session.scalar(query)) or 0


async def has_any(session: AsyncSession, round_id: int) -> bool:
    """Whether any thanks stands in a round."""
    query = select(Thanks.voter_id).where(Thanks.round_id == round_id, _STANDS).limit(1)
    return await session.scalar(query) is not None


async def of_helper(session: AsyncSession, round_id: int, helper_id: int) -> Sequence[Thanks]:
    """Return every standing thanks of a helper, by voter, oldest first."""
    return (
        await session.scalars(
            select(Thanks)
            .where(Thanks.round_id == round_id, Thanks.helper_id == helper_id, _STANDS)
            .order_by(Thanks.voter_id, Thanks.at, Thanks.source)
        )
    ).all()


async def of_pair(
    session: AsyncSession, round_id: int, *, helper_id: int, voter_id: int
) -> Sequence[Thanks]:
    """Return every standing thanks of one person for one helper, oldest first."""
    return (
        await session.scalars(
            select(Thanks)
            .where(
                Thanks.round_id == round_id,
                Thanks.helper_id == helper_id,
                Thanks.voter_id == voter_id,
                _STANDS,
            )
            .order_by(Thanks.at, Thanks.source)
        )
    ).all()


async def places_with_thanks(session: AsyncSession, round_id: int) -> frozenset[int]:
    """Return the places on the board of a round with at least one standing thanks."""
    found = await session.scalars(
        select(Thanks.origin_id)
        .where(Thanks.round_id == round_id, Thanks.source == BOARD, _STANDS)
        .distinct()
    )
    return frozenset(found.all())


async def of_origin(
    session: AsyncSession, round_id: int, *, helper_id: int, source: int, origin_id: int
) -> Sequence[tuple[int, int, bool, str]]:
    """Return what stands from one place or message: voter, burst, kept after the close, doubt."""
    found = await session.execute(
        select(Thanks.voter_id, Thanks.burst, Thanks.kept_at, Thanks.doubt)
        .where(
            Thanks.round_id == round_id,
            Thanks.helper_id == helper_id,
            Thanks.source == source,
            Thanks.origin_id == origin_id,
            _STANDS,
        )
        .order_by(Thanks.voter_id, Thanks.burst)
    )
    return [(row[0], row[1], row[2] is not None, row[3]) for row in found]


async def mutual(session: AsyncSession, round_id: int, helper_id: int) -> frozenset[int]:
    """Return who thanked a helper and was thanked by them in the same round."""
    back = _TABLE.alias()
    found = await session.scalars(
        select(Thanks.voter_id)
        .join(
            back,
            (back.c.round_id == Thanks.round_id)
            & (back.c.helper_id == Thanks.voter_id)
            & (back.c.voter_id == Thanks.helper_id),
        )
        .where(
            Thanks.round_id == round_id,
            Thanks.helper_id == helper_id,
            _STANDS,
            back.c.taken_back_at.is_(None),
        )
        .distinct()
    )
    return frozenset(found.all())


async def pairs(session: AsyncSession, round_id: int) -> Sequence[tuple[int, int, str, datetime]]:
    """Return who thanked whom: helper, voter, doubt, and the last time, once for each doubt."""
    found = await session.execute(
        select(Thanks.helper_id, Thanks.voter_id, Thanks.doubt, func.max(Thanks.at))
        .where(Thanks.round_id == round_id, _STANDS)
        .group_by(Thanks.helper_id, Thanks.voter_id, Thanks.doubt)
        .order_by(Thanks.helper_id, Thanks.voter_id, Thanks.doubt)
    )
    return [(row[0], row[1], row[2], row[3]) for row in found]


async def one(session: AsyncSession, round_id: int, key: KeyRow) -> Thanks | None:
    """Return one thanks, also one that was taken back."""
    return await session.get(Thanks, (round_id, *key))


async def placed(session: AsyncSession, round_id: int) -> frozenset[int]:
    """Return who stood on the board of a round at any time."""
    found = await session.scalars(
        select(Place.user_id).where(Place.round_id == round_id).distinct()
    )
    return frozenset(found.all())


async def board_of(session: AsyncSession, place_id: int) -> Board | None:
    """Return the board on which a place is."""
    return await session.scalar(
        select(Board).join(Place, Place.board_id == Board.id).where(Place.id == place_id)
    )


async def tallies(run: Runner, round_id: int) -> dict[int, int]:
    """Return the voters of every helper as they were counted for good."""
    return {row[0]: row[1] for row in await run.rows(_TALLIES, {"round": round_id})}


async def add_tallies(session: AsyncSession, round_id: int, voters: Mapping[int, int]) -> None:
    """Keep the voters of every helper for good."""
    rows = [
        {"round_id": round_id, "user_id": user, "voters": count} for user, count in voters.items()
    ]
    if rows:
        await session.execute(insert(Tally), rows)
