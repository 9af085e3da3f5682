"""Queries about payout addresses."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from storage.tables import Address

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


async def of_user(session: AsyncSession, guild_id: int, user_id: int) -> Sequence[Address]:
    """Return every address that somebody set in a server, oldest first."""
    return (
        await session.scalars(
            select(Address)
            .where(Address.guild_id == guild_id, Address.user_id == user_id)
            .order_by(Address.set_at, Address.id)
        )
    ).all()


async def of_users(
    session: AsyncSession, guild_id: int, user_ids: Collection[int]
) -> Sequence[Address]:
    """Return every address that some people set in a server, oldest first."""
    wanted = set(user_ids)
    found = await session.scalars(
        select(Address).where(Address.guild_id == guild_id).order_by(Address.set_at, Address.id)
    )
    return [address for address in found if address.user_id in wanted]


async def clear(session: AsyncSession, guild_id: int, user_id: int, *, at: datetime) -> None:
    """Let every address that somebody set end at an instant."""
    await session.execute(
        update(Address)
        .where(
            Address.guild_id == guild_id,
            Address.user_id == user_id,
            Address.cleared_at.is_(None),
        )
        .values(cleared_at=at)
    )
