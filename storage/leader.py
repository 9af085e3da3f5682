"""What several processes over one PostgreSQL database agree on: shards, one leader, turns.

Every claim is an advisory lock of one connection that a process keeps for this alone, its seat: a
process that dies loses them all at once. A leader that hangs keeps its lock, so it also says every
few seconds that it is there; one that was silent for too long loses its seat to a follower. Each
leader has a term of its own, and what is written in an older one's name is refused (`leads`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import URL, CursorResult, NullPool, select, text
from sqlalchemy.exc import DBAPIError

from storage.lock import InUse
from storage.postgres import WRITERS, connecting
from storage.tables import Leader

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

NAME: Final = "tick"
SHARDS, ALL, LEADING, BEGINNING = 0x53_74_01, 0x53_74_02, 0x53_74_03, 0x53_74_04
"""Kinds of advisory locks with two numbers; those with one number are turns in a server."""

SECONDS_BETWEEN_TRIES: Final = 0.25
TRIES: Final = 12
"""How often a shard is asked for: the locks of a process that died live a moment longer."""

_SETTINGS = {
    # Where the machine of a process vanishes, its locks are free after half a minute.
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
_NOW = "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)"
_LEAD = text(f"""
    WITH seat AS (SELECT pg_try_advisory_lock({LEADING}, 0) AS is_mine)
    INSERT INTO leaders (name, term, holder, seen_at)
    SELECT '{NAME}', 1, :holder, {_NOW} FROM seat WHERE is_mine
    ON CONFLICT (name) DO UPDATE
    SET term = leaders.term + 1, holder = excluded.holder, seen_at = excluded.seen_at
    RETURNING term
""")  # noqa: S608 - constants of this file
_BE_SEEN = text(
    f"UPDATE leaders SET seen_at = {_NOW} WHERE name = '{NAME}' AND term = :term"  # noqa: S608
)
_OUST = text(f"""
    SELECT pg_terminate_backend(its.pid, 1000)
    FROM pg_stat_activity AS its
    JOIN leaders ON leaders.name = '{NAME}' AND leaders.holder = its.application_name
    AND leaders.seen_at < {_NOW} - :lease
    WHERE its.datname = current_database()
""")  # noqa: S608 - constants of this file
_END_STALLED = text(f"""
    SELECT pg_terminate_backend(held.pid)
    FROM pg_locks AS held
    JOIN pg_database AS here ON here.oid = held.database AND here.datname = current_database()
    JOIN pg_stat_activity AS its ON its.pid = held.pid AND its.application_name LIKE 'stipend %'
    AND its.state_change < clock_timestamp() - INTERVAL '1 second' * :seconds
    WHERE held.locktype = 'advisory' AND held.granted AND held.objsubid = 1
    AND held.classid = {WRITERS >> 32} AND held.objid = {WRITERS & 0xFFFF_FFFF}
""")  # noqa: S608 - constants of this file
_SHARDS_HELD = text(f"""
    SELECT held.objid
    FROM pg_locks AS held
    JOIN pg_database AS here ON here.oid = held.database AND here.datname = current_database()
    WHERE held.locktype = 'advisory' AND held.granted AND held.objsubid = 2
    AND held.classid = {SHARDS}
""")  # noqa: S608 - constants of this file


class Unreachable(ConnectionError):  # noqa: N818 - a state of affairs
    """The seat is lost: the server does not answer, or has ended the connection."""


async def leads(session: AsyncSession, term: int) -> bool:
    """Whether the leader of a term still leads, asked inside the transaction that it writes in."""
    return await session.scalar(select(Leader.term).where(Leader.name == NAME)) == term


class Seat:
    """The connection that holds what a process has claimed; lost, it can be taken anew."""

    def __init__(self, url: URL, *, holder: str, patience: float) -> None:
        """`holder`: the name of all connections of the process, which end with its leadership.

        `patience`: after so many seconds without an answer the seat is lost.
        """
        self._url = url
        self._holder = holder
        self._patience = patience
        self._turn = asyncio.Lock()
        self._engine: AsyncEngine | None = None
        self._connection: AsyncConnection | None = None
        self.number = 0
        """Counts the seats: what was claimed on an earlier one is claimed no more."""

    @property
    def is_taken(self) -> bool:
        """Whether there is a connection, as far as is known."""
        return self._connection is not None

    async def take(self, shards: Collection[int]) -> None:
        """Connect, and claim some shards, or all of them where none are named.

        Raises `InUse` where another process has one of them.
        """
        settings = {**_SETTINGS, "application_name": self._holder}
        arguments = {"timeout": self._patience, "server_settings": settings}
        self._engine = connecting(
            self._url, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args=arguments
        )
        try:
            async with asyncio.timeout(self._patience):
                self._connection = await self._engine.connect()
        except (DBAPIError, OSError) as error:
            await self.leave()
            raise Unreachable(str(error)) from error
        self.number += 1
        try:
            await self._claim(shards)
        except InUse:
            await self.leave()
            raise

    async def leave(self) -> None:
        """Let go of everything; the server may already have done so."""
        connection, self._connection = self._connection, None
        engine, self._engine = self._engine, None
        if connection is not None:
            try:
                async with asyncio.timeout(self._patience):
                    await connection.invalidate()  # a broken one would be waited for
                    await connection.close()
            except (DBAPIError, OSError):
                pass
        if engine is not None:
            await engine.dispose()

    async def lead(self) -> int | None:
        """Become the leader where there is none; return the term."""
        found = await self._run(_LEAD, holder=self._holder)
        row = found.first()
        return None if row is None else int(row[0])

    async def be_seen(self, term: int) -> bool:
        """Say that the leader of a term is there; False where it is the leader no more."""
        return (await self._run(_BE_SEEN, term=term)).rowcount == 1

    async def oust(self, *, silent_seconds: float) -> bool:
        """End all connections of a leader that was silent for so long; return whether it had any.

        One that was stopped in the middle of a write would keep everybody from writing.
        """
        lease = int(silent_seconds * 1_000_000)
        return bool((await self._run(_OUST, lease=lease)).all())

    async def end_stalled(self, *, seconds: int) -> int:
        """End writers whose statement goes on for so long; return how many there were.

        The server itself ends neither a statement that waits for its client to send the rest, nor
        the transaction around it: a process stopped there would keep everybody from writing.
        """
        return len((await self._run(_END_STALLED, seconds=seconds)).all())

    async def shards_held(self) -> frozenset[int]:
        """Return the shards that processes have claimed one by one."""
        return frozenset(int(row[0]) for row in (await self._run(_SHARDS_HELD)).all())

    async def try_turn(self, guild_id: int) -> bool:
        """Claim the turn in a server, where nobody has it."""
        return await self._locked("pg_try_advisory_lock(:id)", id=guild_id)

    async def end_turn(self, guild_id: int) -> None:
        """Let others have their turn in a server."""
        await self._locked("pg_advisory_unlock(:id)", id=guild_id)

    async def try_beginning(self) -> bool:
        """Claim to be the one that begins a session with Discord, where nobody else does."""
        return await self._locked(f"pg_try_advisory_lock({BEGINNING}, :id)", id=0)

    async def end_beginning(self) -> None:
        """Let others begin a session."""
        await self._locked(f"pg_advisory_unlock({BEGINNING}, :id)", id=0)

    async def _claim(self, shards: Collection[int]) -> None:
        kind = "pg_try_advisory_lock_shared" if shards else "pg_try_advisory_lock"
        await self._claim_one(f"{kind}({ALL}, :id)", 0, what="shards")
        for shard in sorted(shards):
            what = f"shard {shard}"
            await self._claim_one(f"pg_try_advisory_lock({SHARDS}, :id)", shard, what=what)

    async def _claim_one(self, function: str, number: int, *, what: str) -> None:
        for _ in range(TRIES):
            if await self._locked(function, id=number):
                return
            await asyncio.sleep(SECONDS_BETWEEN_TRIES)
        raise InUse(f"another process of Stipend runs {what} on this database; stop it first")

    async def _locked(self, function: str, **values: Any) -> bool:
        return bool((await self._run(text(f"SELECT {function}"), **values)).scalar())

    async def _run(self, statement: Any, **values: Any) -> CursorResult[Any]:
        """Run a statement alone, in a transaction of its own; the seat is lost where it fails."""
        async with self._turn:
            connection = self._connection
            if connection is None:
                raise Unreachable("there is no seat")
            try:
                async with asyncio.timeout(self._patience):
                    found: CursorResult[Any] = await connection.execute(statement, values)
                    return found
            except (DBAPIError, OSError) as error:
                await self.leave()
                raise Unreachable(str(error)) from error
            except asyncio.CancelledError:
                await self.leave()  # it may have claimed what nobody would let go of
                raise
