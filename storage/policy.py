"""Queries about settings and the installation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Text, bindparam, select

from storage.batches import insert_into
from storage.express import Both, Runner, firsts, same
from storage.tables import Meta, PolicyVersion
from storage.tables.base import core

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


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


async def servers(run: Runner) -> list[int]:
    """Return the ids of all servers that have settings."""
    return await firsts(run, _SERVERS)


_META, _VERSIONS = core(Meta), core(PolicyVersion)
_SERVERS = same(select(_VERSIONS.c.guild_id).distinct().order_by(_VERSIONS.c.guild_id))
_FACT = same(select(_META.c.value).where(_META.c.name == bindparam("called", type_=Text)))


async def meta(run: Runner, name: str) -> str | None:
    """Return a fact about the installation."""
    return next(iter(await firsts(run, _FACT, {"called": name})), None)


def _set_fact(dialect: str) -> Any:
    value = bindparam("fact", type_=Text)
    statement = insert_into(_META, dialect)
    return statement.values(
        name=bindparam("called", type_=Text), value=value
    ).on_conflict_do_update(index_elements=[_META.c.name], set_={"value": value})


_SET_FACT = Both(_set_fact)


async def set_meta(run: Runner, name: str, value: str) -> None:
    """Store a fact about the installation."""
    await run.rows(_SET_FACT, {"called": name, "fact": value})
