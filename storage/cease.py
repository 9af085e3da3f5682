"""Queries about proposals to cease payments, votes and suspensions."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.tables import Suspension


async def standing(session: AsyncSession, guild_id: int) -> Sequence[Suspension]:
    """Return the suspensions of a server that were not lifted, final or not."""
    return (
        await session.scalars(
            select(Suspension)
            .where(Suspension.guild_id == guild_id, Suspension.lifted_at.is_(None))
            .order_by(Suspension.id)
        )
    ).all()
