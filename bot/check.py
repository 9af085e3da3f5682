"""`check`: configuration, database and, with a token, what Discord says; a line each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import aiohttp
import discord
from msgspec import Struct, field
from sqlalchemy.exc import SQLAlchemyError

from bot import logs
from bot.domain import policy
from bot.pace import LONGEST_HELD
from bot.services import invariants, settings
from bot.settings import Settings
from bot.ui import setup
from storage import invariants as queries
from storage import policy as stored
from storage import record
from storage.database import HEAD, Database, DatabaseUnusable, verify_file
from storage.express import Through

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

OK, FAULTY = 0, 78


class _Stored(Struct):
    """What the database holds: its faults, and the settings of each server."""

    faults: list[str] = field(default_factory=list)
    documents: dict[int, Mapping[str, str]] = field(default_factory=dict)


async def run(program: Settings, *, say: Callable[[str], None] = print) -> int:
    """Check everything that can be checked without changing anything; 0 where all is well."""
    redact = logs.redaction(program)
    held = await _database(program, say)
    found = [*held.faults, *await _discord(program, held.documents, say)]
    for fault in found:
        say(redact(f"FAULT  {fault}"))
    say("all is well" if not found else f"{len(found)} fault(s)")
    return FAULTY if found else OK


async def _database(program: Settings, say: Callable[[str], None]) -> _Stored:
    database = Database(program.database_url)
    if database.path is not None and not database.path.exists():
        say(f"ok     database {database.path}: not there yet, the first start makes it")
        return _Stored()
    try:
        if database.path is not None:
            verify_file(database.path)
        await database.connect()
        return await _contents(database, say)
    except DatabaseUnusable as error:
        return _Stored(faults=[str(error)])
    except (SQLAlchemyError, OSError) as error:
        return _Stored(faults=[f"the database: {' '.join(str(error).split())}"])
    finally:
        await database.close()


async def _contents(database: Database, say: Callable[[str], None]) -> _Stored:
    found = _Stored()
    async with database.read() as session:
        migration = await queries.migration(session)
        if migration is not None and migration > HEAD:
            newer = f"the database was written by a newer version (migration {migration})"
            return _Stored(faults=[newer])
        if migration == HEAD:
            found.faults += await _invariants(session, say)
        elif migration is None:
            say("note   database empty: the first start makes its tables")
        else:
            say(f"note   database at migration {migration}: the next start brings it to {HEAD}")
        if migration is not None:
            found.documents |= await _documents(session, say)
    say("ok     database readable")
    return found


async def _documents(
    session: AsyncSession, say: Callable[[str], None]
) -> dict[int, Mapping[str, str]]:
    """Return the settings of each server, and say what is missing in them."""
    found = {}
    for guild_id in await stored.servers(Through(session)):
        found[guild_id] = (await settings.current(session, guild_id)).document
        for problem in policy.problems(found[guild_id]):
            say(f"note   server {guild_id}: {problem}")
    return found


async def _invariants(session: AsyncSession, say: Callable[[str], None]) -> list[str]:
    """Check what holds of the data at any time."""
    faults = [*await invariants.guards(session), *await invariants.references(session)]
    for guild_id in await record.servers(session):
        faults += await _server(session, guild_id, say)
    return faults


async def _server(session: AsyncSession, guild_id: int, say: Callable[[str], None]) -> list[str]:
    """Check everything of one server; what is sound is said with its size."""
    broken = await invariants.of_server(session, guild_id)
    last = await record.last(Through(session), guild_id)
    if not broken and last is not None:
        statements = len(await queries.statements(session, guild_id))
        paid = len(await queries.payments(session, guild_id))
        say(f"ok     server {guild_id}: record of {last[0]} rows, head {last[1][:16]}")
        say(f"ok     server {guild_id}: statements recomputed: {statements}, payments: {paid}")
    return [f"server {guild_id}: {fault}" for fault in broken]


async def _discord(
    program: Settings,
    documents: Mapping[int, Mapping[str, str]],
    say: Callable[[str], None],
) -> list[str]:
    """Log in without connecting, and compare what each server needs with what is there."""
    if not program.discord_token:
        say("note   no token is configured: `python -m bot demo` works without one")
        return []
    faults = []
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
    client = discord.Client(
        intents=discord.Intents(guilds=True), max_ratelimit_timeout=LONGEST_HELD
    )
    try:
        await client.login(program.discord_token)
        say(f"ok     token of {client.user}")
        async for guild in client.fetch_guilds():
            if guild.id not in documents:
                say(f"note   server {guild.name}: not set up yet, use /setup there")
                continue
            lacking = await _lacking(client, guild.id, documents[guild.id])
            faults += [f"server {guild.name}: {lack.setting}: {lack.what}" for lack in lacking]
            if not lacking:
                say(f"ok     server {guild.name}: every permission is there")
    except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
        faults.append(f"Discord: {error}")
    finally:
        await client.close()
    return faults


async def _lacking(
    client: discord.Client, guild_id: int, document: Mapping[str, str]
) -> list[setup.Lack]:
    guild = await client.fetch_guild(guild_id)
    assert client.user is not None
    return setup.lacks(
        document,
        channels={channel.id: channel for channel in await guild.fetch_channels()},
        roles={role.id: role for role in guild.roles},
        me=await guild.fetch_member(client.user.id),
    )
