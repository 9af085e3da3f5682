"""Which process does what is done for all, and which servers a process hears of.

On SQLite there is one process, and it does everything. On PostgreSQL several may share the
servers by shards. One of them leads: it closes and computes, posts what is due and reminds, for
all servers. What it writes as the leader is refused as soon as another one leads (`Fenced`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from bot.settings import ConfigurationError, Settings
from storage import leader as stored
from storage.database import Database
from storage.leader import Seat, Unreachable

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

log = logging.getLogger(__name__)

EVERY: Final = 5.0
"""Seconds between two signs of life, and between two tries to lead."""
LEASE: Final = 20.0
"""Seconds without a sign of life after which a leader is replaced."""
PATIENCE: Final = 5.0
"""Seconds without an answer of the database after which it is taken for gone."""
LONGEST_WRITE: Final = 75
"""Seconds after which a writing statement is stalled: the server lets none go on for so long."""
TURN_WITHIN: Final = 10.0
"""Seconds to wait for the turn in a server; whoever has it says what waits there."""
TURN_ASKED_EVERY: Final = 0.2

SESSIONS_EVERY: Final = 5.5
"""Seconds between two sessions that the processes begin: Discord takes one in five."""
BEGINS_WITHIN: Final = 30.0
"""Seconds to wait for that; one that begins too early is refused, and tried again."""

_acting: ContextVar[int | None] = ContextVar("acting", default=None)
"""The term in whose name something is done; tasks begun there act in it too."""


class Fenced(BaseException):
    """Another process leads by now: nothing is written, and what was under way ends.

    As with a cancellation, no part may take it for a fault of one server and go on.
    """


class Shards(Struct, frozen=True):
    """The shards of a process among all: `ids` are empty where it has every one."""

    ids: tuple[int, ...] = ()
    count: int = 1

    @property
    def is_many(self) -> bool:
        """Whether this process needs more than one connection to the gateway."""
        return (len(self.ids) or self.count) > 1

    @property
    def options(self) -> dict[str, Any]:
        """Return what the client is told, by the names that discord.py has for it."""
        if self.count == 1:
            return {}
        if self.is_many:
            return {"shard_ids": self.ids or None, "shard_count": self.count}
        return {"shard_id": self.ids[0], "shard_count": self.count}

    @classmethod
    def of(cls, settings: Settings) -> Shards:
        """Read them; a SQLite file has one process, which must have them all."""
        if settings.shards and Database(settings.database_url).is_sqlite:
            raise ConfigurationError("STIPEND_SHARD_IDS needs PostgreSQL (STIPEND_DATABASE_URL)")
        return cls(settings.shards, max(settings.shard_count, 1))

    def shard_of(self, guild_id: int) -> int:
        """Return the shard on which Discord tells of a server."""
        return (guild_id >> 22) % self.count

    def has(self, guild_id: int) -> bool:
        """Whether this process is told what happens in a server."""
        return not self.ids or self.shard_of(guild_id) in self.ids


ONE: Final = Shards()
"""One connection, which is told of every server."""


class _Acting:
    """What is done inside is done in the term of the leader that was asked."""

    def __init__(self, leader: Leader) -> None:
        self._leader = leader

    def __enter__(self) -> bool:
        """Give whether this process leads."""
        self._token = _acting.set(self._leader.term)
        return self._leader.leads

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        """End what another process's leadership put an end to."""
        _acting.reset(self._token)
        if isinstance(error, Fenced):
            log.warning("another process leads by now; what was begun here is left to it")
            return True
        return False


class Leader:
    """Leads or follows: `open` makes a first try, `keep` goes on trying, `close` resigns."""

    def __init__(
        self, db: Database, *, shards: Shards, changed: Callable[[bool], None] | None = None
    ) -> None:
        """`changed` is told whether this process leads, each time that changes."""
        self.shards = shards
        self._changed = changed or (lambda leads: None)  # noqa: ARG005 - nobody asked
        self._seat = None
        if not db.is_sqlite:
            self._seat = Seat(db.url, holder=db.name, patience=PATIENCE)
            db.guard = self.guard
        self.term: int | None = None
        """The term in which this process leads, as far as it knows."""
        self._valid_until = 0.0
        self._held: frozenset[int] = frozenset()
        self._beginning = asyncio.Lock()
        self._begun: set[asyncio.Task[None]] = set()

    @property
    def is_alone(self) -> bool:
        """Whether there is one process only."""
        return self._seat is None

    @property
    def leads(self) -> bool:
        """Whether this process leads, as far as it knows without asking."""
        return self.is_alone or (self.term is not None and self._is_valid)

    @property
    def _is_valid(self) -> bool:
        """Whether the seat is there and the last sign of life recent.

        A process that was stopped for a while finds that it is not.
        """
        assert self._seat is not None
        return self._seat.is_taken and time.monotonic() < self._valid_until

    def hears(self, guild_id: int) -> bool:
        """Whether nobody hears better than this process what happens in a server.

        The leader stands in where nobody has the shard: nobody is told anything then.
        """
        if self.shards.has(guild_id):
            return True
        return self.leads and self.shards.shard_of(guild_id) not in self._held

    # ------------------------------------------------------------ acting

    def acting(self) -> _Acting:
        """Give whether this process leads, and let what is done inside be done as the leader.

        Where another process leads by the time of a write, everything inside ends there.
        """
        return _Acting(self)

    async def guard(self, session: AsyncSession) -> None:
        """Raise `Fenced` where a session is about to write as a leader who is none any more."""
        self.require()
        term = _acting.get()
        if term is not None and not await stored.leads(session, term):
            raise Fenced

    def require(self) -> None:
        """Raise `Fenced` where this process acts as a leader and knows that it is none."""
        term = _acting.get()
        if term is not None and not (term == self.term and self._is_valid):
            raise Fenced

    @asynccontextmanager
    async def turn(self, guild_id: int) -> AsyncIterator[Callable[[], bool] | None]:
        """Wait for the turn in a server, and give what says whether it is still had.

        None where another process has it all the time. Raises `Unreachable` without a database.
        """
        seat = self._seat
        if seat is None:
            yield lambda: True
            return
        if not await self._has_turn(seat, guild_id):
            yield None
            return
        number = seat.number
        try:
            yield lambda: seat.number == number and self._is_valid
        finally:
            if seat.is_taken and seat.number == number:
                with suppress(Unreachable):  # the turn ends with the seat
                    await seat.end_turn(guild_id)

    async def _has_turn(self, seat: Seat, guild_id: int) -> bool:
        until = time.monotonic() + TURN_WITHIN
        while not await seat.try_turn(guild_id):
            if time.monotonic() >= until:
                return False
            await asyncio.sleep(TURN_ASKED_EVERY)
        return True

    # ------------------------------------------------------------ sessions

    async def begin_session(self) -> None:
        """Wait until Discord takes a session more: all processes are one application to it."""
        if self._seat is None:
            return
        await self._beginning.acquire()  # the seat's lock is of all shards of this process
        try:
            with suppress(Unreachable):
                await self._may_begin(self._seat)
        finally:
            begun = asyncio.create_task(self._end_beginning(self._seat))
            self._begun.add(begun)
            begun.add_done_callback(self._begun.discard)

    async def _may_begin(self, seat: Seat) -> None:
        until = time.monotonic() + BEGINS_WITHIN
        while not await seat.try_beginning():
            if time.monotonic() >= until:
                return
            await asyncio.sleep(TURN_ASKED_EVERY)

    async def _end_beginning(self, seat: Seat) -> None:
        await asyncio.sleep(SESSIONS_EVERY)
        with suppress(Unreachable):
            await seat.end_beginning()
        self._beginning.release()

    # ------------------------------------------------------------ leading

    async def open(self) -> None:
        """Take the shards, and lead where nobody does.

        Raises `InUse` where another process has one of the shards.
        """
        if self._seat is None:
            self._changed(True)
            return
        await self._step(self._seat)
        if not self._seat.is_taken:
            raise Unreachable("the database does not answer")
        if not self.leads:
            self._changed(False)

    async def keep(self) -> None:
        """Go on for ever; raises `InUse` where another process took the shards meanwhile."""
        while True:
            await asyncio.sleep(EVERY)
            if self._seat is not None:
                await self._step(self._seat)

    async def close(self) -> None:
        """Let another process lead at once."""
        for begun in self._begun:
            begun.cancel()
        self._resign()
        if self._seat is not None:
            await self._seat.leave()

    async def _step(self, seat: Seat) -> None:
        """Give a sign of life and lead where nobody does."""
        began = time.monotonic()
        try:
            if not seat.is_taken:
                self._resign()
                await seat.take(self.shards.ids)
            if self.term is not None and not await seat.be_seen(self.term):
                self._resign()
                await seat.leave()  # its lock is worth nothing
                await seat.take(self.shards.ids)
            self._held = await seat.shards_held()
            term = self.term or await self._seek(seat)
            if term is not None and await seat.end_stalled(seconds=LONGEST_WRITE):
                log.warning("a process that was stopped in the middle of a write is cut off")
        except Unreachable as error:
            log.warning("the database is lost, so nobody leads here: %s", error)
            self._resign()
            return
        self._valid_until = began + LEASE
        if term is not None and self.term is None:
            self.term = term
            log.info("leads from now on, in term %d", term)
            self._changed(True)

    async def _seek(self, seat: Seat) -> int | None:
        term = await seat.lead()
        if term is None and await seat.oust(silent_seconds=LEASE):
            log.warning("the leader was silent for %.0f s and is replaced", LEASE)
            term = await seat.lead()
        return term

    def _resign(self) -> None:
        """Lead no more, if this process did."""
        if self.term is not None:
            log.warning("leads no more")
            self.term = None
            self._changed(False)
