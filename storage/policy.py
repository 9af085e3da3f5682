"""Queries about settings and the installation."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.batches import inserting
from storage.tables import Meta, PolicyVersion
from storage.tables.base import core


async def newest(session: AsyncSession, guild_id: int) -> PolicyVersion | None:
    """Return the newest policy version of a server."""
    return await session.scalar(
        select(PolicyVersion)
        .where(PolicyVersion.guild_id == guild_id)
        .order_by(PolicyVersion.version.desc())
        .limit(1)
    )


async def version(session: AsyncSession, guild_id: int, number: int) -> PolicyVersion | None:
    """Return one policy version of a server."""
    return await session.get(PolicyVersion, (guild_id, number))


async def changes(session: AsyncSession, guild_id: int) -> Sequence[PolicyVersion]:
    """Return all versions of a server, oldest first."""
    return (
        await session.scalars(
            select(PolicyVersion)
            .where(PolicyVersion.guild_id == guild_id)
            .order_by(PolicyVersion.version)
        )
    ).all()


async def servers(session: AsyncSession) -> Sequence[int]:
    """Return the ids of all servers that have settings."""
    return (
        await session.scalars(
            select(_VERSIONS.c.guild_id).distinct().order_by(_VERSIONS.c.guild_id)
        )
    ).all()


_META, _VERSIONS = core(Meta), core(PolicyVersion)


async def meta(session: AsyncSession, name: str) -> str | None:
    """Return a fact about the installation."""
    return await session.scalar(select(_META.c.value).where(_META.c.name == name))


async def set_meta(session: AsyncSession, name: str, value: str) -> None:
    """Store a fact about the installation."""
    statement = inserting(session, _META).values(name=name, value=value)
    await session.execute(
        statement.on_conflict_do_update(index_elements=[_META.c.name], set_={"value": value})
    )
