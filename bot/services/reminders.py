"""Reminders: one at a time points to the board, where people talk, and goes when its round closes.

A reminder changes nothing that the record speaks of, neither money nor people, so it leaves no row
there. At two hours there are thousands of them a year: what is kept is the number of the last
interval in its round, the message that stands, and what became of the newest.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from bot.domain.states import Helper
from bot.domain.states import Round as State
from bot.services import outbox
from storage import people, posts
from storage.tables import Post, Round

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

KIND = "reminder"


async def say(session: AsyncSession, round_: Round, *, slot: int, at: datetime) -> None:
    """Store the reminder of an interval; earlier ones that were never said are forgotten."""
    for post in await posts.reminders(session, round_.guild_id):
        if post.state in (outbox.PARKED, outbox.SKIPPED):
            await posts.forget(session, post)
    await outbox.say(
        session,
        guild_id=round_.guild_id,
        name=f"{KIND}:{round_.id}:{slot}",
        kind=KIND,
        at=at,
        round_id=round_.id,
        facts={"slot": slot},
    )


async def withdraw(session: AsyncSession, round_: Round) -> None:
    """Let no reminder of a round stand, nor one that is just being said."""
    for post in await posts.reminders(session, round_.guild_id):
        if post.round_id == round_.id and post.state != outbox.SKIPPED:
            await outbox.again(session, guild_id=post.guild_id, name=post.name)


async def replaced(session: AsyncSession, newest: Post) -> None:
    """Withdraw whatever stood before the newest reminder, which now stands."""
    for post in await posts.reminders(session, newest.guild_id):
        if post.id < newest.id and post.state == outbox.SENT:
            await outbox.again(session, guild_id=post.guild_id, name=post.name)


async def withdrawn(session: AsyncSession, guild_id: int) -> list[Post]:
    """Return the reminders whose message is still to be deleted."""
    found = await posts.reminders(session, guild_id)
    return [post for post in found if post.state == outbox.PENDING and post.message_id is not None]


async def is_needed(session: AsyncSession, round_: Round, *, slot: int) -> bool:
    """Whether a reminder is that of the newest interval of an open round with a board to show."""
    if round_.state != State.OPEN or round_.reminders != slot:
        return False
    if round_.thread_id is None or round_.thread_lost:
        return False
    roster = await people.roster(session, round_.guild_id)
    return any(row.state == Helper.ACTIVE for row in roster)


async def last_said(session: AsyncSession, round_: Round) -> int:
    """Return the message after which somebody must have spoken: the last reminder, or the
    announcement of the round. Ids of messages grow with time.
    """
    said = [
        each.message_id
        for each in await posts.reminders(session, round_.guild_id)
        if each.message_id is not None
    ]
    return max([*said, round_.announcement_id or 0])
