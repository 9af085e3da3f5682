"""What the bot has to say by itself: stored with the change it speaks of, sent after the commit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot.domain.canonical import canonical
from storage import posts
from storage.express import Runner, Through
from storage.tables import Post

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

PENDING, SENT, PARKED, SKIPPED = "pending", "sent", "parked", "skipped"


async def say(
    session: AsyncSession,
    *,
    guild_id: int,
    name: str,
    kind: str,
    at: datetime,
    round_id: int | None = None,
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Store a message to send; one that was sent under this name is brought up to date instead."""
    known = await posts.named(session, guild_id, name)
    if known is None:
        await say_first(
            Through(session),
            guild_id=guild_id,
            name=name,
            kind=kind,
            at=at,
            round_id=round_id,
            facts=facts,
        )
    else:
        known.facts = canonical(dict(facts or {})).decode()
        known.revision += 1
        if known.state != SKIPPED:
            known.state = PENDING


async def say_first(
    run: Runner,
    *,
    guild_id: int,
    name: str,
    kind: str,
    at: datetime,
    round_id: int | None = None,
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Store a message to send under a name that is new, also in the express lane."""
    text = canonical(dict(facts or {})).decode()
    await posts.add(
        run, guild_id=guild_id, name=name, kind=kind, at=at, round_id=round_id, facts=text
    )


async def say_once(
    session: AsyncSession,
    *,
    guild_id: int,
    name: str,
    kind: str,
    at: datetime,
    round_id: int | None = None,
    facts: Mapping[str, Any],
) -> None:
    """Store a message to send, unless one was stored under this name before."""
    if await posts.named(session, guild_id, name) is None:
        await say(
            session, guild_id=guild_id, name=name, kind=kind, at=at, round_id=round_id, facts=facts
        )


async def again(session: AsyncSession, *, guild_id: int, name: str) -> None:
    """Bring a message up to date with what it speaks of; nothing where it never was to be sent."""
    known = await posts.named(session, guild_id, name)
    if known is not None:
        known.revision += 1
        known.state = PENDING


async def sent(
    session: AsyncSession, post: Post, *, channel_id: int, message_id: int, at: datetime
) -> None:
    """Note that a message stands; it waits again where its facts have changed meanwhile."""
    row = await session.get(Post, post.id)
    assert row is not None
    row.state = SENT if row.revision == post.revision else PENDING
    row.sent_at, row.problem = at, ""
    row.channel_id, row.message_id = channel_id, message_id


async def failed(session: AsyncSession, post: Post, *, problem: str, state: str) -> None:
    """Note that a message could not be sent: `parked` until something changes, or `skipped`."""
    row = await session.get(Post, post.id)
    assert row is not None
    row.state, row.problem = state, problem
    row.attempts += 1


async def unpark(run: Runner, guild_id: int | None = None) -> None:
    """Try again what a channel refused: in one server, or everywhere."""
    await posts.unpark(run, guild_id)


async def problems(session: AsyncSession, guild_id: int) -> tuple[str, ...]:
    """Return why messages of a server are waiting, each reason once."""
    return tuple(dict.fromkeys(post.problem for post in await posts.parked(session, guild_id)))
