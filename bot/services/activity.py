"""Who was seen writing where people are supported: kept for a while, compared, never paid.

Of a message only author, channel, time and whom it answers are kept, never what it says. None of
it changes what the record speaks of, so it leaves no row there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from bot.domain import meetings, sessions
from bot.domain.meetings import Message
from bot.domain.sessions import Visible
from bot.domain.states import Round as State
from bot.domain.thanks import created_at
from bot.services import settings
from storage import activity, rounds
from storage import policy as installation
from storage.activity import Row
from storage.express import Through
from storage.tables import Round

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


class Seen(NamedTuple):
    """A message as it came in; `parent_id` is the channel of a thread, where that is known."""

    message_id: int
    user_id: int
    channel_id: int
    parent_id: int | None
    reply_to: int | None


class Kept(Struct, frozen=True):
    """What is to become of messages: rows to store, stored ones that were deleted, and those that
    came too early for their round.
    """

    rows: tuple[Row, ...] = ()
    gone: tuple[int, ...] = ()
    waiting: tuple[Seen, ...] = ()


class Met(Struct, frozen=True):
    """Which voters of every helper met them, and since when messages are still kept, if not all."""

    by_helper: Mapping[int, frozenset[int]]
    since: datetime | None


class Presence(Struct, frozen=True):
    """Visible time of some people in a round; `since` is set where older messages are deleted."""

    by_user: Mapping[int, Visible]
    since: datetime | None


async def sift(
    session: AsyncSession, guild_id: int, seen: Sequence[Seen], *, gone: Collection[int] = ()
) -> Kept:
    """Return what of a server's messages belongs to a round: in the support channel and its
    threads, at a time when the round was open. What was deleted (`gone`) is not kept.

    Messages after the close of a round whose successor is not open yet wait for it.
    """
    channel = (await settings.current(session, guild_id)).policy.support_channel
    found = [
        round_ for round_ in await rounds.of_server(session, guild_id) if round_.state != State.VOID
    ]
    rows, waiting = [], []
    for each in seen:
        if each.message_id in gone:
            continue
        at = created_at(each.message_id)
        round_ = _round_at(found, at)
        if round_ is not None:
            if _is_there(each, {channel, round_.channel_id, round_.thread_id}):
                rows.append(_row(round_, each, at))
        elif found and found[-1].state == State.OPEN and at >= found[-1].close_at:
            waiting.append(each)
    known = await activity.known(session, [round_.id for round_ in found], sorted(gone))
    return Kept(tuple(rows), tuple(known), tuple(waiting))


def _is_there(seen: Seen, channels: Collection[int | None]) -> bool:
    return seen.channel_id in channels or (
        seen.parent_id is not None and seen.parent_id in channels
    )


def _row(round_: Round, seen: Seen, at: datetime) -> Row:
    return Row(round_.id, seen.user_id, seen.message_id, seen.channel_id, seen.reply_to, at)


def _round_at(found: Sequence[Round], at: datetime) -> Round | None:
    for round_ in reversed(found):
        if round_.open_at <= at < (round_.closed_at or round_.close_at):
            return round_
    return None


async def store(session: AsyncSession, guild_id: int, kept: Kept) -> None:
    """Keep messages, what comes twice once, and forget those that were deleted."""
    if kept.rows:
        await activity.add(session, kept.rows)
    if kept.gone:
        found = await rounds.of_server(session, guild_id)
        await activity.forget(session, [round_.id for round_ in found], kept.gone)


async def expire(session: AsyncSession, guild_id: int, *, now: datetime) -> int:
    """Delete what is older than `activity_days`; return how many messages that were."""
    days = (await settings.current(session, guild_id)).policy.activity_days
    instant = now - timedelta(days=days)
    count = await activity.forget_before(session, guild_id, instant)
    if count:
        await installation.set_meta(Through(session), _meta(guild_id), instant.isoformat())
    return count


async def presence(session: AsyncSession, round_: Round, users: Collection[int]) -> Presence | None:
    """Return how long some people were visibly there; None where no message of it is kept."""
    if not await activity.has_any(session, round_.id):
        return None
    times: dict[int, list[datetime]] = defaultdict(list)
    for row in await activity.of_users(session, round_.id, users):
        times[row.user_id].append(row.at)
    return Presence(
        {user: sessions.visible(times[user]) for user in users}, await _since(session, round_)
    )


async def met(
    session: AsyncSession, round_: Round, voters: Mapping[int, Collection[int]]
) -> Met | None:
    """Return which voters of each helper met them; None where no message of the round is kept."""
    if not await activity.has_any(session, round_.id):
        return None
    users = {*voters, *(voter for thanking in voters.values() for voter in thanking)}
    messages = [
        Message(row.user_id, row.channel_id, row.at, row.reply_to)
        for row in await activity.of_users(session, round_.id, users)
    ]
    return Met(meetings.met(messages, voters=voters), await _since(session, round_))


async def _since(session: AsyncSession, round_: Round) -> datetime | None:
    """Return since when messages of a round are kept, where older ones were deleted."""
    text = await installation.meta(Through(session), _meta(round_.guild_id))
    since = datetime.fromisoformat(text) if text else None
    return since if since is not None and since > round_.open_at else None


def _meta(guild_id: int) -> str:
    return f"activity:{guild_id}"
