"""Queries about batches of payments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from storage.tables import Batch, BatchItem

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


async def open_batch(session: AsyncSession, round_id: int) -> Batch | None:
    """Return the batch of a round that was neither paid nor cancelled; there is at most one."""
    return await session.scalar(
        select(Batch).where(Batch.round_id == round_id, Batch.state == "open")
    )


async def numbered(session: AsyncSession, guild_id: int, number: int) -> Batch | None:
    """Return a batch by its number in a server."""
    return await session.scalar(
        select(Batch).where(Batch.guild_id == guild_id, Batch.number == number)
    )


async def items(session: AsyncSession, batch_id: int) -> Sequence[BatchItem]:
    """Return what a batch pays, in the order of people's ids."""
    return (
        await session.scalars(
            select(BatchItem).where(BatchItem.batch_id == batch_id).order_by(BatchItem.user_id)
        )
    ).all()


async def open_of_server(session: AsyncSession, guild_id: int) -> Sequence[Batch]:
    """Return the open batches of a server, newest first."""
    return (
        await session.scalars(
            select(Batch)
            .where(Batch.guild_id == guild_id, Batch.state == "open")
            .order_by(Batch.number.desc())
        )
    ).all()


async def next_number(session: AsyncSession, guild_id: int) -> int:
    """Return the number of a server's next batch."""
    highest = await session.scalar(select(func.max(Batch.number)).where(Batch.guild_id == guild_id))
    return (highest or 0) + 1
