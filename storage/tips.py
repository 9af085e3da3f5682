"""Queries about the tip jar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from storage.tables import Decline, Match, Round, Tally, Tip
from storage.tables.base import core

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

_STANDS = Tip.taken_back_at.is_(None)


async def numbered(session: AsyncSession, guild_id: int, number: int) -> Tip | None:
    """Return a server's tip by its number."""
    return await session.scalar(select(Tip).where(Tip.guild_id == guild_id, Tip.number == number))


async def next_number(session: AsyncSession, guild_id: int) -> int:
    """Return the number of a server's next tip."""
    highest = await session.scalar(select(func.max(Tip.number)).where(Tip.guild_id == guild_id))
    return (highest or 0) + 1


async def of_round(session: AsyncSession, round_id: int) -> Sequence[Tip]:
    """Return what stands in the jar of a round, in order."""
    return (
        await session.scalars(
            select(Tip).where(Tip.round_id == round_id, _STANDS).order_by(Tip.number)
        )
    ).all()


async def total(session: AsyncSession, round_id: int) -> int:
    """Return the sum of what stands in the jar of a round."""
    found = await session.scalar(
        select(func.sum(Tip.amount)).where(Tip.round_id == round_id, _STANDS)
    )
    return int(found or 0)


async def by_reference(session: AsyncSession, guild_id: int, reference: str) -> Tip | None:
    """Return the standing tip of a reference."""
    return await session.scalar(
        select(Tip).where(Tip.guild_id == guild_id, Tip.reference == reference, _STANDS)
    )


async def carried_from(session: AsyncSession, round_id: int) -> Tip | None:
    """Return what stands in a later jar because nobody could receive it in this round."""
    return await session.scalar(select(Tip).where(Tip.from_round_id == round_id, _STANDS))


async def match(session: AsyncSession, round_id: int) -> Match | None:
    """Return what the funder adds to the tips of a round."""
    return await session.get(Match, round_id)


async def left_over(session: AsyncSession, guild_id: int) -> Sequence[Round]:
    """Return the rounds whose tips nobody can receive and no other jar holds, oldest first.

    They are void, or were counted and have no voters for anybody who wants pay.
    """
    later = core(Tip).alias().c
    is_tipped = select(Tip.id).where(Tip.round_id == Round.id, _STANDS).exists()
    is_carried = (
        select(later.id)
        .where(later.from_round_id == Round.id, later.taken_back_at.is_(None))
        .exists()
    )
    has_entitled = (
        select(Tally.user_id)
        .where(
            Tally.round_id == Round.id,
            Tally.voters > 0,
            ~select(Decline.user_id)
            .where(Decline.round_id == Round.id, Decline.user_id == Tally.user_id)
            .exists(),
        )
        .exists()
    )
    return (
        await session.scalars(
            select(Round)
            .where(
                Round.guild_id == guild_id,
                is_tipped,
                ~is_carried,
                Round.state != "open",
                (Round.state == "void") | (Round.counted_at.is_not(None) & ~has_entitled),
            )
            .order_by(Round.number)
        )
    ).all()
