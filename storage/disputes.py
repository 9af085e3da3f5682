"""Queries about disputes."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.tables import Dispute


async def open_of_round(session: AsyncSession, round_id: int) -> Sequence[Dispute]:
    """Return the disputes about a round's statement that wait for a decision."""
    return (
        await session.scalars(
            select(Dispute)
            .where(Dispute.round_id == round_id, Dispute.state == "open")
            .order_by(Dispute.id)
        )
    ).all()
