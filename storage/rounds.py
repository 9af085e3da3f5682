"""Queries about rounds and the timed acts of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, bindparam, delete, func, or_, select, type_coerce

from storage.express import Runner, firsts, same
from storage.tables import ActDone, Adjustment, Decline, Entry, PolicyVersion, Round
from storage.tables.base import Instant, core

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

UNFINISHED = ("open", "review", "draft", "published", "final")
"""States of rounds in which something may still be due."""

_ROUNDS = core(Round)


def _covers(instant: Any) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions for a round that was open at an instant."""
    return (
        Round.state != "void",
        Round.open_at <= instant,
        (Round.closed_at > instant) | ((Round.closed_at.is_(None)) & (Round.close_at > instant)),
    )


async def get(session: AsyncSession, round_id: int) -> Round | None:
    """Return a round by its key."""
    return await session.get(Round, round_id)


class Ballot(NamedTuple):
    """What decides about the thanks of a round; instants in microseconds since 1970."""

    id: int
    label: str
    state: str
    close_at: int
    closed_at: int | None
    counted_at: int | None
    policy: str


_BALLOT = same(
    select(
        Round.id,
        Round.label,
        Round.state,
        type_coerce(Round.close_at, BigInteger),
        type_coerce(Round.closed_at, BigInteger),
        type_coerce(Round.counted_at, BigInteger),
        PolicyVersion.document,
    )
    .join(
        core(PolicyVersion),
        (PolicyVersion.guild_id == Round.guild_id)
        & (PolicyVersion.version == Round.policy_version),
    )
    .where(Round.id == bindparam("round", type_=BigInteger)),
)


async def ballot(run: Runner, round_id: int) -> Ballot:
    """Return what decides about the thanks of a round."""
    return Ballot._make((await run.rows(_BALLOT, {"round": round_id}))[0])


class Running(NamedTuple):
    """A round that takes work, with the policy that it pinned."""

    id: int
    guild_id: int
    label: str
    state: str
    work_since: datetime
    close_at: datetime
    closed_at: datetime | None
    thread_id: int | None
    thread_lost: bool
    counted_at: datetime | None
    policy: str
    is_adjusted: bool
    in_review: str | None
    """The label of the round of the server that closed last and waits for its draft."""


_WAITING = _ROUNDS.alias("waiting")
_RUNNING = select(
    Round.id,
    Round.guild_id,
    Round.label,
    Round.state,
    Round.work_since,
    Round.close_at,
    Round.closed_at,
    Round.thread_id,
    Round.thread_lost,
    Round.counted_at,
    PolicyVersion.document,
    select(Adjustment.id).where(Adjustment.round_id == Round.id).exists(),
    select(_WAITING.c.label)
    .where(_WAITING.c.guild_id == Round.guild_id, _WAITING.c.state == "review")
    .order_by(_WAITING.c.number.desc())
    .limit(1)
    .scalar_subquery(),
).join(
    core(PolicyVersion),
    (PolicyVersion.guild_id == Round.guild_id) & (PolicyVersion.version == Round.policy_version),
)
_RUNNING_OF = same(_RUNNING.where(Round.id == bindparam("round", type_=BigInteger)))
_RUNNING_AT = same(
    _RUNNING.where(
        Round.guild_id == bindparam("guild", type_=BigInteger),
        *_covers(bindparam("instant", type_=Instant)),
    )
    .order_by(Round.number.desc())
    .limit(1)
)


async def running(run: Runner, round_id: int) -> Running:
    """Return a round with the policy that it pinned."""
    return Running._make((await run.rows(_RUNNING_OF, {"round": round_id}))[0])


async def running_at(run: Runner, guild_id: int, instant: datetime) -> Running | None:
    """Return the round that was open at an instant, as `at` does."""
    found = await run.rows(_RUNNING_AT, {"guild": guild_id, "instant": instant})
    return Running._make(found[0]) if found else None


async def of_server(
    session: AsyncSession, guild_id: int, *, states: Collection[str] = ()
) -> Sequence[Round]:
    """Return a server's rounds, oldest first; only those in `states` where given."""
    query = select(Round).where(Round.guild_id == guild_id)
    if states:
        query = query.where(Round.state.in_(states))
    return (await session.scalars(query.order_by(Round.number))).all()


async def labelled(session: AsyncSession, guild_id: int, label: str) -> Round | None:
    """Return the round of a label, a void one only where no other has it."""
    return await session.scalar(
        select(Round)
        .where(Round.guild_id == guild_id, Round.label == label)
        .order_by((Round.state == "void"), Round.number.desc())
        .limit(1)
    )


async def at(session: AsyncSession, guild_id: int, instant: datetime) -> Round | None:
    """Return the round that was open at an instant; a closed one covers up to its close."""
    return await session.scalar(
        select(Round)
        .where(Round.guild_id == guild_id, *_covers(instant))
        .order_by(Round.number.desc())
        .limit(1)
    )


_SERVERS = select(_ROUNDS.c.guild_id).distinct().order_by(_ROUNDS.c.guild_id)
_UNFINISHED = same(_SERVERS.where(or_(*(_ROUNDS.c.state == each for each in UNFINISHED))))
_UNCOUNTED = same(_SERVERS.where(_ROUNDS.c.state == "review", _ROUNDS.c.counted_at.is_(None)))


async def unfinished_servers(run: Runner) -> list[int]:
    """Return the servers with a round in which something may still be due."""
    return await firsts(run, _UNFINISHED)


async def servers_waiting(run: Runner) -> list[int]:
    """Return the servers with a closed round whose thanks are not counted."""
    return await firsts(run, _UNCOUNTED)


async def acts_done(session: AsyncSession, round_id: int) -> frozenset[str]:
    """Return the names of the acts that were carried out or skipped."""
    found = await session.scalars(select(ActDone.name).where(ActDone.round_id == round_id))
    return frozenset(found.all())


async def declined(session: AsyncSession, round_id: int) -> frozenset[int]:
    """Return who had declined pay when the round closed."""
    found = await session.scalars(select(Decline.user_id).where(Decline.round_id == round_id))
    return frozenset(found.all())


async def next_number(session: AsyncSession, guild_id: int) -> int:
    """Return the number of a server's next round."""
    highest = await session.scalar(select(func.max(Round.number)).where(Round.guild_id == guild_id))
    return (highest or 0) + 1


async def has_entries(session: AsyncSession, round_id: int) -> bool:
    """Whether anything stands logged in a round."""
    found = await session.scalar(
        select(Entry.id).where(Entry.round_id == round_id, Entry.withdrawn_at.is_(None)).limit(1)
    )
    return found is not None


async def forget_close(session: AsyncSession, round_id: int) -> None:
    """Drop what closing a round left behind, so that it can close again."""
    await forget_act(session, round_id, "close")
    await session.execute(delete(Decline).where(Decline.round_id == round_id))


async def forget_act(session: AsyncSession, round_id: int, name: str) -> None:
    """Let an act be due again, because what it did was taken back by hand."""
    await session.execute(delete(ActDone).where(ActDone.round_id == round_id, ActDone.name == name))


async def with_thread(session: AsyncSession, guild_id: int, thread_id: int) -> Round | None:
    """Return the round that a thread belongs to."""
    return await session.scalar(
        select(Round).where(Round.guild_id == guild_id, Round.thread_id == thread_id)
    )


_OPEN_THREADS = same(
    select(_ROUNDS.c.guild_id, _ROUNDS.c.thread_id).where(
        _ROUNDS.c.state == "open",
        _ROUNDS.c.thread_id.is_not(None),
        _ROUNDS.c.thread_lost.is_(False),
    )
)


async def open_threads(run: Runner) -> list[tuple[int, int]]:
    """Return server and thread of every open round that has one."""
    return [(guild_id, thread_id) for guild_id, thread_id in await run.rows(_OPEN_THREADS, {})]
