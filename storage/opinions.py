"""Queries about what people say of entries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import select

from storage.tables import Entry, Opinion

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


async def one(session: AsyncSession, entry_id: int, user_id: int) -> Opinion | None:
    """Return one person's opinion of an entry."""
    return await session.get(Opinion, (entry_id, user_id))


async def of_entry(session: AsyncSession, entry_id: int) -> Sequence[Opinion]:
    """Return the opinions of an entry, in the order of people."""
    query = select(Opinion).where(Opinion.entry_id == entry_id).order_by(Opinion.user_id)
    return (await session.scalars(query)).all()


async def of_round(session: AsyncSession, round_id: int) -> Sequence[Opinion]:
    """Return the opinions of all entries of a round, by entry."""
    query = (
        select(Opinion)
        .join(Entry, Entry.id == Opinion.entry_id)
        .where(Entry.round_id == round_id)
        .order_by(Opinion.entry_id, Opinion.user_id)
    )
    return (await session.scalars(query)).all()
