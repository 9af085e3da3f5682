"""Queries about reactions that wait to be put where they belong: one row for each commit."""

from __future__ import annotations

from sqlalchemy import BigInteger, bindparam, delete, insert, select

from storage.express import Runner, firsts, same
from storage.tables import Inbox
from storage.tables.base import core

_INBOX = core(Inbox)
_OF_SERVER = _INBOX.c.guild_id == bindparam("guild", type_=BigInteger)
_PUT = same(
    insert(_INBOX).values(guild_id=bindparam("guild"), events=bindparam("events")),
)
_WAITING = same(select(_INBOX.c.events).where(_OF_SERVER).order_by(_INBOX.c.id))
_SERVERS = same(select(_INBOX.c.guild_id).distinct().order_by(_INBOX.c.guild_id))
_EMPTY = same(delete(_INBOX).where(_OF_SERVER))


async def put(run: Runner, guild_id: int, events: str) -> None:
    """Keep what came in."""
    await run.rows(_PUT, {"guild": guild_id, "events": events})


async def waiting(run: Runner, guild_id: int) -> list[str]:
    """Return what came in, in its order."""
    return await firsts(run, _WAITING, {"guild": guild_id})


async def empty(run: Runner, guild_id: int) -> None:
    """Forget what came in; it is where it belongs."""
    await run.rows(_EMPTY, {"guild": guild_id})


async def servers(run: Runner) -> list[int]:
    """Return the servers of which something waits."""
    return await firsts(run, _SERVERS)
