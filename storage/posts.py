"""Queries about the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import BigInteger, Text, bindparam, func, insert, select, update

from storage.express import Runner, firsts, same
from storage.tables import Post
from storage.tables.base import core

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


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


_SERVERS = same(
    select(_POSTS.c.guild_id)
    .where(_POSTS.c.state == "pending")
    .distinct()
    .order_by(_POSTS.c.guild_id)
)


async def servers(run: Runner) -> list[int]:
    """Return the servers in which something is still to be said."""
    return await firsts(run, _SERVERS)


class Waiting(NamedTuple):
    """How much is still to be said: new messages, the oldest one's instant, and updates."""

    new: int
    oldest_at: datetime | None
    updates: int


_IS_NEW = _POSTS.c.sent_at.is_(None)
_WAITING = same(
    select(
        func.count().filter(_IS_NEW),
        func.min(_POSTS.c.created_at).filter(_IS_NEW),
        func.count(_POSTS.c.sent_at),
    ).where(_POSTS.c.state == "pending")
)


async def waiting(run: Runner) -> Waiting:
    """Return how much is still to be said in all servers.

    When a message began to wait for an update is not known: only new ones have an age.
    """
    return Waiting._make((await run.rows(_WAITING, {}))[0])


async def parked(session: AsyncSession, guild_id: int | None) -> Sequence[Post]:
    """Return what could not be said because a channel refused it; None: in every server."""
    query = select(Post).where(Post.state == "parked")
    if guild_id is not None:
        query = query.where(Post.guild_id == guild_id)
    return (await session.scalars(query.order_by(Post.id))).all()


_UNPARK = update(_POSTS).where(_POSTS.c.state == "parked").values(state="pending")
_UNPARK_ALL = same(_UNPARK)
_UNPARK_SERVER = same(_UNPARK.where(_POSTS.c.guild_id == bindparam("guild", type_=BigInteger)))


async def unpark(run: Runner, guild_id: int | None) -> None:
    """Let what a channel refused wait to be said again; None: in every server."""
    if guild_id is None:
        await run.rows(_UNPARK_ALL, {})
    else:
        await run.rows(_UNPARK_SERVER, {"guild": guild_id})


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
