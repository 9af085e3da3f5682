"""Queries about the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import BigInteger, Text, bindparam, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.express import Runner, same
from storage.tables import Post
from storage.tables.base import core


async def named(session: AsyncSession, guild_id: int, name: str) -> Post | None:
    """Return a post by its name."""
    return await session.scalar(select(Post).where(Post.guild_id == guild_id, Post.name == name))


_POSTS = core(Post)
_ADD = same(
    insert(_POSTS).values(
        guild_id=bindparam("guild", type_=BigInteger),
        name=bindparam("called", type_=Text),
        kind=bindparam("kind", type_=Text),
        round_id=bindparam("round", type_=BigInteger),
        facts=bindparam("facts", type_=Text),
        created_at=bindparam("at", type_=Post.created_at.type),
        state="pending",
        attempts=0,
        revision=0,
        problem="",
    )
)


async def add(
    run: Runner,
    *,
    guild_id: int,
    name: str,
    kind: str,
    at: datetime,
    round_id: int | None,
    facts: str,
) -> None:
    """Store a message to send whose name is new."""
    await run.rows(
        _ADD,
        {
            "guild": guild_id, "called": name, "kind": kind, "round": round_id, "facts": facts,
            "at": at,
        },
    )  # fmt: skip


async def pending(
    session: AsyncSession, guild_id: int, *, after: int = 0, limit: int = 50
) -> Sequence[Post]:
    """Return what is still to be said in a server, oldest first."""
    return (
        await session.scalars(
            select(Post)
            .where(Post.guild_id == guild_id, Post.state == "pending", Post.id > after)
            .order_by(Post.id)
            .limit(limit)
        )
    ).all()


async def servers(session: AsyncSession) -> Sequence[int]:
    """Return the servers in which something is still to be said."""
    return (
        await session.scalars(
            select(_POSTS.c.guild_id)
            .where(_POSTS.c.state == "pending")
            .distinct()
            .order_by(_POSTS.c.guild_id)
        )
    ).all()


class Waiting(NamedTuple):
    """How much is still to be said: new messages, the oldest one's instant, and updates."""

    new: int
    oldest_at: datetime | None
    updates: int


async def waiting(session: AsyncSession) -> Waiting:
    """Return how much is still to be said in all servers.

    When a message began to wait for an update is not known: only new ones have an age.
    """
    is_new = Post.sent_at.is_(None)
    query = select(
        func.count().filter(is_new),
        func.min(Post.created_at).filter(is_new),
        func.count(Post.sent_at),
    ).where(Post.state == "pending")
    return Waiting(*(await session.execute(query)).one())


async def parked(session: AsyncSession, guild_id: int | None) -> Sequence[Post]:
    """Return what could not be said because a channel refused it; None: in every server."""
    query = select(Post).where(Post.state == "parked")
    if guild_id is not None:
        query = query.where(Post.guild_id == guild_id)
    return (await session.scalars(query.order_by(Post.id))).all()


async def unpark(session: AsyncSession, guild_id: int | None) -> None:
    """Let what a channel refused wait to be said again; None: in every server."""
    statement = update(_POSTS).where(_POSTS.c.state == "parked").values(state="pending")
    if guild_id is not None:
        statement = statement.where(_POSTS.c.guild_id == guild_id)
    await session.execute(statement)


async def is_parked(session: AsyncSession, guild_id: int, kind: str) -> bool:
    """Whether a channel refuses posts of this kind at present."""
    query = select(Post.id).where(
        Post.guild_id == guild_id, Post.state == "parked", Post.kind == kind
    )
    return await session.scalar(query.limit(1)) is not None


async def reminders(session: AsyncSession, guild_id: int) -> Sequence[Post]:
    """Return the reminders of a server that are kept, oldest first: a handful at most."""
    query = select(Post).where(Post.guild_id == guild_id, Post.kind == "reminder")
    return (await session.scalars(query.order_by(Post.id))).all()


async def forget(session: AsyncSession, post: Post) -> None:
    """Drop a post that nobody needs to know of any more."""
    await session.delete(post)
