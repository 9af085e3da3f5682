"""Queries about people who were proposed for the board."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from storage.tables import Proposal

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


async def get(session: AsyncSession, round_id: int, user_id: int) -> Proposal | None:
    """Return the proposal of a person in a round."""
    return await session.get(Proposal, (round_id, user_id))


async def made_by(session: AsyncSession, round_id: int, *, proposer_id: int) -> int:
    """Return how many people somebody proposed in a round."""
    query = (
        select(func.count())
        .select_from(Proposal)
        .where(Proposal.round_id == round_id, Proposal.proposer_id == proposer_id)
    )
    return await session.scalar(query) or 0
