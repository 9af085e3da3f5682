"""A server with its people and a clock that is set by hand, on a real database file."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from inspect import signature
from itertools import count
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest
from sqlalchemy import select

from bot.domain import bundle
from bot.domain.errors import Kept, Refusal
from bot.domain.people import Actor, Person
from bot.domain.record import Row
from bot.domain.schedule import Act
from bot.domain.states import PUBLIC_ROUND_STATES, Line
from bot.services import (
    cease,
    counting,
    history,
    hours,
    lines,
    payments,
    roster,
    rounds,
    settings,
    settlement,
)
from bot.services.settlement import Published
from storage import rounds as stored_rounds
from storage.database import Database
from storage.express import Through
from storage.record import servers
from storage.tables import Post, Round

T = TypeVar("T")

GUILD = 100_000_000_000_000_001
ELSEWHERE = 100_000_000_000_000_002
SUPPORT = "200000000000000001"
COMMITTEE_CHANNEL = "200000000000000002"
COMMITTEE_ROLE = 300_000_000_000_000_001
MODERATOR_ROLE = 300_000_000_000_000_002
HELPER_ROLE = 300_000_000_000_000_003

START = datetime(2026, 1, 10, 12, tzinfo=UTC)
CALL = datetime(2026, 3, 15, tzinfo=UTC)
CLOSE = datetime(2026, 3, 30, tzinfo=UTC)
COMPUTE = datetime(2026, 3, 31, 20, tzinfo=UTC)
PAY = datetime(2026, 4, 1, tzinfo=UTC)

SETTINGS = {
    "support_channel": SUPPORT,
    "committee_channel": COMMITTEE_CHANNEL,
    "committee_role": str(COMMITTEE_ROLE),
    "moderator_role": str(MODERATOR_ROLE),
    "currency": "USD",
    "cap": "1000.00",
    "hourly_rate": "5.00",
    "reminder_hours": "0",
}


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody in the server."""

    user_id: int
    name: str
    roles: frozenset[int] = frozenset()
    manages_server: bool = False

    @property
    def person(self) -> Person:
        """The same as somebody a command is about."""
        return Person(self.user_id, self.name)


def committee(user_id: int, name: str) -> Who:
    """Make somebody with the committee role."""
    return Who(user_id, name, frozenset({COMMITTEE_ROLE}))


ADA, BEN, CYD = Who(11, "Ada"), Who(12, "Ben"), Who(13, "Cyd")
KIM, LEE, VAL = committee(21, "Kim"), committee(22, "Lee"), committee(23, "Val")
MOE = Who(31, "Moe", frozenset({MODERATOR_ROLE}))
ROOT = Who(41, "Root", manages_server=True)
SAM, TOM = Who(51, "Sam"), Who(52, "Tom")
HELPERS = (ADA, BEN, CYD)

_interactions = count(900_000_000_000_000_001)


def utc(text: str) -> datetime:
    """Read an instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def takes_runner(verb: Callable[..., Any]) -> bool:
    """Whether a verb runs also in the express lane."""
    return next(iter(signature(verb).parameters)) == "run"


def database(path: Path) -> Database:
    """Make the database of a file, as the bot does it."""
    return Database(f"sqlite+aiosqlite:///{path}", keep=(Kept,))


@dataclass
class World:
    """Runs verbs as somebody, at the time that its clock shows."""

    db: Database
    now: datetime = START
    guild_id: int = GUILD

    def by(self, who: Who, *, at: datetime | None = None, interaction_id: int = 0) -> Actor:
        """Return who acts now, with an interaction of their own; `at` is Discord's time of it."""
        return Actor(
            guild_id=self.guild_id,
            user_id=who.user_id,
            name=who.name,
            role_ids=who.roles,
            manages_server=who.manages_server,
            at=at or self.now,
            now=self.now,
            interaction_id=interaction_id or next(_interactions),
        )

    def elsewhere(self) -> World:
        """Return another server of the same database, at the same time."""
        return replace(self, guild_id=ELSEWHERE)

    async def act(self, verb: Callable[..., Awaitable[T]], by: Actor, **data: Any) -> T:
        """Run a verb as an actor: by itself, in a write session or in the express lane."""
        if takes_runner(verb):
            return await self.db.express(
                partial(cast("Callable[..., Coroutine[Any, Any, T]]", verb), by=by, **data)
            )
        async with self.db.write() as session:
            return await verb(session, by=by, **data)

    async def do(self, verb: Callable[..., Awaitable[T]], who: Who, **data: Any) -> T:
        """Run a verb as somebody, now."""
        return await self.act(verb, self.by(who), **data)

    async def see(self, query: Callable[..., Awaitable[T]], *place: Any, **data: Any) -> T:
        """Run a query in a read session."""
        async with self.db.read() as session:
            return await query(Through(session) if takes_runner(query) else session, *place, **data)

    async def refused(self, verb: Callable[..., Awaitable[Any]], who: Who, **data: Any) -> str:
        """Run a verb that is refused and return the sentence; the record stays as it was."""
        before = await self.record()
        with pytest.raises(Refusal) as refusal:
            await self.do(verb, who, **data)
        if not isinstance(refusal.value, Kept):
            assert await self.record() == before
        return str(refusal.value)

    # ------------------------------------------------------------ the usual course

    async def set_up(self, **values: str) -> None:
        """Set the server up, with three helpers."""
        await self.do(settings.change, ROOT, values={**SETTINGS, **values})
        for helper in HELPERS:
            await self.do(roster.add, MOE, person=helper.person)

    async def opened(self, **values: str) -> World:
        """Set the server up and open the first round."""
        await self.set_up(**values)
        await self.do(rounds.open_by_hand, KIM)
        return self

    async def log(self, who: Who, duration: str, **data: Any) -> int:
        """Log time and return the number of the entry."""
        return (await self.do(hours.log, who, duration=duration, note="helped", **data)).number

    async def to(self, instant: datetime) -> list[Act]:
        """Move the clock and do what is due then; Discord has nothing to add to the thanks."""
        self.now = instant
        acts: list[Act] = []
        async with self.db.write() as session:
            await cease.advance(session, self.guild_id, now=self.now)
            while True:
                for round_ in await counting.waiting(session, self.guild_id):
                    await counting.count(session, round_, now=self.now)
                done = await rounds.advance(
                    session, self.guild_id, now=self.now, stop_at_close=True
                )
                if not done:
                    return acts
                acts += done

    async def drafted(self, minutes: Mapping[Who, int] | None = None) -> World:
        """Log minutes (Ada 10 h, Ben 4 h) and move to the draft."""
        for who, spent in (minutes or {ADA: 600, BEN: 240}).items():
            await self.log(who, f"{spent}m")
        await self.to(COMPUTE)
        return self

    async def published(self, approver: Who = KIM) -> Published:
        """Approve and publish the oldest draft."""
        await self.do(settlement.approve, approver)
        return await self.do(settlement.publish, LEE)

    async def close(self, who: Who = KIM, reason: str = "now") -> rounds.Ended:
        """Close the open round by hand."""
        round_ = await self.see(rounds.may_close, by=self.by(who))
        return await self.do(rounds.close, who, round_id=round_.id, reason=reason)

    async def void(self, label: str | None = None, who: Who = KIM) -> rounds.Ended:
        """Void a round by hand."""
        round_ = await self.see(rounds.may_void, by=self.by(who), label=label)
        return await self.do(rounds.void, who, round_id=round_.id, reason="a mistake")

    # ------------------------------------------------------------ to look at

    async def round(self, label: str) -> Round:
        """Return a round as it is stored."""
        found = await self.see(stored_rounds.labelled, self.guild_id, label)
        assert found is not None
        return found

    async def all_rounds(self) -> list[tuple[str, str]]:
        """Return label and state of every round."""
        found = await self.see(stored_rounds.of_server, self.guild_id)
        return [(round_.label, round_.state) for round_ in found]

    async def states(self, label: str) -> dict[int, Line]:
        """Return the states of a published round's lines."""
        return dict(await self.see(lines.states, await self.round(label)))

    async def amounts(self, label: str | None = None) -> dict[int, int]:
        """Return what the draft gives everybody."""
        draft = await self.see(settlement.preview, by=self.by(KIM), label=label)
        return {line.user_id: line.amount for line in draft.statement.lines}

    async def record(self) -> list[Row]:
        """Return the server's record."""
        return await self.see(history.chain, self.guild_id)

    async def actions(self) -> list[str]:
        """Return what the record says was done, in order."""
        return [row.action for row in await self.record()]

    async def posts(self, kind: str | None = None) -> list[Post]:
        """Return what lies in the outbox."""
        async with self.db.read() as session:
            found = await session.scalars(
                select(Post).where(Post.guild_id == self.guild_id).order_by(Post.id)
            )
            return [post for post in found if kind in (None, post.kind)]

    async def document(self, label: str) -> dict[str, Any]:
        """Return the bundle of a published round."""
        return dict((await self.see(settlement.published_of, await self.round(label))).document)

    async def faults(self) -> list[str]:
        """Return what is wrong with any chain or bundle of any server."""
        found = []
        for guild_id in await self.see(servers):
            found += await self.see(history.faults, guild_id)
            public = [str(state) for state in PUBLIC_ROUND_STATES]
            for round_ in await self.see(stored_rounds.of_server, guild_id, states=public):
                stands = await self.see(settlement.published_of, round_)
                found += bundle.faults(stands.document)
        return found


async def paid_season(world: World, *, reference: str = "0xfirst") -> None:
    """Log, close, publish and pay the first quarter: Ada 10 h, Ben 4 h."""
    await world.drafted()
    await world.published()
    await world.do(payments.record, KIM, reference=reference)


async def twice_at_once(
    first: Callable[[], Awaitable[T]], second: Callable[[], Awaitable[T]]
) -> list[T | BaseException]:
    """Run two things at the same time and return what each of them came to."""
    return list(await asyncio.gather(first(), second(), return_exceptions=True))


DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
