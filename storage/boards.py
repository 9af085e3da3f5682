"""Queries about the messages of boards and the places on them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import select

from storage.express import Runner, firsts, same
from storage.tables import Board, Place, Round
from storage.tables.base import core

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

_BOARDS, _ROUNDS = core(Board), core(Round)


class Seed(NamedTuple):
    """One emoji that the bot still has to put on a board (`wanted`), or to take off it."""

    place_id: int
    board_id: int
    channel_id: int
    message_id: int
    emoji: str
    wanted: bool


def post_name(board_id: int) -> str:
    """Return the name of the post that shows a message of a board."""
    return f"board:{board_id}"


async def get(session: AsyncSession, board_id: int) -> Board | None:
    """Return one message of a board."""
    return await session.get(Board, board_id)


async def place(session: AsyncSession, place_id: int) -> Place | None:
    """Return one place."""
    return await session.get(Place, place_id)


async def of_round(session: AsyncSession, round_id: int) -> Sequence[Board]:
    """Return all messages of a round's board, also lost ones, in their order."""
    query = select(Board).where(Board.round_id == round_id).order_by(Board.position, Board.id)
    return (await session.scalars(query)).all()


async def places(session: AsyncSession, round_id: int) -> Sequence[Place]:
    """Return all places of a round, also those given up, in the order in which they came."""
    query = select(Place).where(Place.round_id == round_id).order_by(Place.id)
    return (await session.scalars(query)).all()


async def with_messages(
    session: AsyncSession, guild_id: int, message_ids: Collection[int]
) -> Sequence[Board]:
    """Return the boards that these messages are, but for those known to be lost."""
    query = select(Board).where(
        Board.guild_id == guild_id, Board.message_id.in_(message_ids), Board.lost_at.is_(None)
    )
    return (await session.scalars(query.order_by(Board.id))).all()


async def standing(session: AsyncSession, guild_id: int) -> Sequence[Board]:
    """Return the posted boards of a server's open round, in their order."""
    query = (
        select(Board)
        .join(Round, Round.id == Board.round_id)
        .where(
            Board.guild_id == guild_id,
            Round.state == "open",
            Board.message_id.is_not(None),
            Board.lost_at.is_(None),
        )
        .order_by(Board.position, Board.id)
    )
    return (await session.scalars(query)).all()


_SERVERS = same(
    select(_BOARDS.c.guild_id)
    .join(_ROUNDS, _ROUNDS.c.id == _BOARDS.c.round_id)
    .where(
        _ROUNDS.c.state == "open",
        _BOARDS.c.message_id.is_not(None),
        _BOARDS.c.lost_at.is_(None),
    )
    .distinct()
    .order_by(_BOARDS.c.guild_id)
)


async def servers(run: Runner) -> list[int]:
    """Return the servers that have a posted board in their open round."""
    return await firsts(run, _SERVERS)


async def showing(session: AsyncSession, guild_id: int, user_id: int) -> Sequence[int]:
    """Return the boards of the open round on which somebody stands."""
    query = (
        select(Board.id)
        .join(Place, Place.board_id == Board.id)
        .join(Round, Round.id == Board.round_id)
        .where(
            Board.guild_id == guild_id,
            Round.state == "open",
            Board.lost_at.is_(None),
            Place.user_id == user_id,
            Place.removed_at.is_(None),
        )
        .order_by(Board.id)
    )
    return (await session.scalars(query)).all()


async def custom(session: AsyncSession, guild_id: int) -> Sequence[Place]:
    """Return the places on the standing boards of the open round that have a custom emoji."""
    query = (
        select(Place)
        .join(Board, Board.id == Place.board_id)
        .join(Round, Round.id == Board.round_id)
        .where(
            Board.guild_id == guild_id,
            Round.state == "open",
            Board.lost_at.is_(None),
            Place.removed_at.is_(None),
            Place.emoji.startswith("<"),
        )
        .order_by(Place.id)
    )
    return (await session.scalars(query)).all()


async def to_seed(session: AsyncSession, guild_id: int) -> list[Seed]:
    """Return what is to be put on or taken off the boards of the open round, in their order."""
    found = await session.execute(
        select(
            Place.id,
            Board.id,
            Board.channel_id,
            Board.message_id,
            Place.emoji,
            Place.removed_at.is_(None),
        )
        .join(Board, Board.id == Place.board_id)
        .join(Round, Round.id == Board.round_id)
        .where(
            Board.guild_id == guild_id,
            Round.state == "open",
            Board.message_id.is_not(None),
            Board.lost_at.is_(None),
            Place.seeded_at.is_(None) == Place.removed_at.is_(None),
        )
        .order_by(Board.position, Board.id, Place.id)
    )
    return [Seed._make(row) for row in found]
