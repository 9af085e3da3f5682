"""Queries about amounts that move to another round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from storage.tables import Carry

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


async def into(session: AsyncSession, round_id: int) -> Mapping[int, int]:
    """Return what enters the lines of a round, by helper; what comes to nothing is left out."""
    total = func.sum(Carry.amount)
    found = await session.execute(
        select(Carry.user_id, total)
        .where(Carry.to_round_id == round_id)
        .group_by(Carry.user_id)
        .having(total != 0)
        .order_by(Carry.user_id)
    )
    return {row[0]: int(row[1]) for row in found}


async def rows_into(session: AsyncSession, round_id: int) -> Sequence[Carry]:
    """Return the carries that are in a round."""
    return (
        await session.scalars(
            select(Carry).where(Carry.to_round_id == round_id).order_by(Carry.number)
        )
    ).all()


async def out_of(session: AsyncSession, round_id: int) -> Sequence[Carry]:
    """Return the carries that come from a round."""
    return (
        await session.scalars(
            select(Carry).where(Carry.from_round_id == round_id).order_by(Carry.number)
        )
    ).all()


async def waiting(session: AsyncSession, guild_id: int) -> Sequence[Carry]:
    """Return the carries of a server that are in no round."""
    return (
        await session.scalars(
            select(Carry)
            .where(Carry.guild_id == guild_id, Carry.to_round_id.is_(None))
            .order_by(Carry.number)
        )
    ).all()


async def next_number(session: AsyncSession, guild_id: int) -> int:
    """Return the number of a server's next carry."""
    highest = await session.scalar(select(func.max(Carry.number)).where(Carry.guild_id == guild_id))
    return (highest or 0) + 1
