"""Queries about what is compared with Discord, and when that last happened."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import Text, cast, func, select, update

from storage.express import Runner, firsts, same
from storage.tables import Board, Meta, Place, Round, ThankedMessage, Thanks
from storage.tables.base import core

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

_ROUNDS = core(Round)


class Shown(NamedTuple):
    """A place with the message of the board that it stands on."""

    place: Place
    channel_id: int
    message_id: int
    posted_at: datetime | None


class Standing(NamedTuple):
    """Who thanks, ordinarily and with a super reaction, and whose thanks the close keeps."""

    voters: tuple[list[int], list[int]]
    kept: tuple[list[int], list[int]]


_SERVERS = same(
    select(_ROUNDS.c.guild_id)
    .where(
        (_ROUNDS.c.state == "open") | (_ROUNDS.c.state == "review"),
        _ROUNDS.c.counted_at.is_(None),
    )
    .distinct()
    .order_by(_ROUNDS.c.guild_id)
)


async def servers(run: Runner) -> list[int]:
    """Return the servers with a round whose thanks are not counted yet."""
    return await firsts(run, _SERVERS)


async def uncounted(session: AsyncSession, guild_id: int) -> Sequence[Round]:
    """Return a server's rounds whose thanks are not counted yet, oldest first."""
    return (
        await session.scalars(
            select(Round)
            .where(
                Round.guild_id == guild_id,
                Round.state.in_(("open", "review")),
                Round.counted_at.is_(None),
            )
            .order_by(Round.number)
        )
    ).all()


async def places(session: AsyncSession, round_id: int) -> list[Shown]:
    """Return the places of a round that can be looked at: not those on a lost message."""
    found = await session.execute(
        select(Place, Board.channel_id, Board.message_id, Board.posted_at)
        .join(Board, Board.id == Place.board_id)
        .where(
            Place.round_id == round_id,
            Board.lost_at.is_(None),
            Board.message_id.is_not(None),
            Board.channel_id.is_not(None),
        )
        .order_by(Place.id)
    )
    return [Shown._make(row) for row in found]


async def shown(session: AsyncSession, place_id: int) -> tuple[Place, Board] | None:
    """Return a place and the board that it stands on, None where that was lost."""
    found = await session.execute(
        select(Place, Board)
        .join(Board, Board.id == Place.board_id)
        .where(Place.id == place_id, Board.lost_at.is_(None))
    )
    row = found.one_or_none()
    return (row[0], row[1]) if row is not None else None


async def messages(session: AsyncSession, round_id: int) -> Sequence[ThankedMessage]:
    """Return the thanked messages of a round that are still there."""
    return (
        await session.scalars(
            select(ThankedMessage)
            .where(ThankedMessage.round_id == round_id, ThankedMessage.lost_at.is_(None))
            .order_by(ThankedMessage.message_id)
        )
    ).all()


async def known(
    session: AsyncSession, round_id: int, message_ids: Collection[int]
) -> frozenset[int]:
    """Return which of these messages are known as thanked in a round."""
    found = await session.scalars(
        select(ThankedMessage.message_id).where(
            ThankedMessage.round_id == round_id, ThankedMessage.message_id.in_(message_ids)
        )
    )
    return frozenset(found.all())


async def standing(
    session: AsyncSession, round_id: int, *, helper_id: int, source: int, origin_id: int
) -> Standing:
    """Return the voters of what stands from one place or message, and whose is kept, by kind.

    Each list comes as one value: fetching a hundred thousand rows costs more than comparing them.
    """
    dialect = session.get_bind().dialect.name
    gather = func.json_agg if dialect == "postgresql" else func.json_group_array
    lists = [
        cast(gather(Thanks.voter_id).filter(Thanks.burst == burst, *only), Text)
        for only in ((), (Thanks.kept_at.is_not(None),))
        for burst in (0, 1)
    ]
    found = await session.execute(
        select(*lists).where(
            Thanks.round_id == round_id,
            Thanks.helper_id == helper_id,
            Thanks.source == source,
            Thanks.origin_id == origin_id,
            Thanks.taken_back_at.is_(None),
        )
    )
    ordinary, burst, kept, kept_burst = (json.loads(each or "[]") for each in found.one())
    return Standing((ordinary, burst), (kept, kept_burst))


async def in_other_rounds(
    session: AsyncSession, round_: Round, *, helper_id: int, source: int, origin_id: int
) -> frozenset[tuple[int, int]]:
    """Return who (voter, burst) thanked for a message in another round, and still does."""
    others = select(Round.id).where(Round.guild_id == round_.guild_id, Round.id != round_.id)
    found = await session.execute(
        select(Thanks.voter_id, Thanks.burst).where(
            Thanks.round_id.in_(others),
            Thanks.helper_id == helper_id,
            Thanks.source == source,
            Thanks.origin_id == origin_id,
            Thanks.taken_back_at.is_(None),
            Thanks.kept_at.is_(None),
        )
    )
    return frozenset((row[0], row[1]) for row in found)


async def lose_messages(
    session: AsyncSession, guild_id: int, message_id: int, *, at: datetime
) -> None:
    """Note that a thanked message is gone, in whatever round it was thanked for."""
    await session.execute(
        update(ThankedMessage)
        .where(
            ThankedMessage.guild_id == guild_id,
            ThankedMessage.message_id == message_id,
            ThankedMessage.lost_at.is_(None),
        )
        .values(lost_at=at)
    )


async def searched_at(session: AsyncSession, round_id: int) -> datetime | None:
    """Return when the last complete search for messages thanked in a round began."""
    row = await session.get(Meta, _searched(round_id))
    return datetime.fromisoformat(row.value) if row is not None else None


async def set_searched_at(session: AsyncSession, round_id: int, *, at: datetime) -> None:
    """Keep when a complete search for messages thanked in a round began."""
    await session.merge(Meta(name=_searched(round_id), value=at.isoformat()))


def _searched(round_id: int) -> str:
    return f"searched:{round_id}"
