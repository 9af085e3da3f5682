"""`check`: configuration, database and, with a token, what Discord says; a line each."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import aiohttp
import discord

from bot.domain import policy
from bot.services import history, settings
from bot.settings import Settings
from bot.ui import setup
from storage import policy as stored
from storage import record
from storage.database import Database, DatabaseUnusable, verify_file

OK, FAULTY = 0, 78


async def run(program: Settings, *, say: Callable[[str], None] = print) -> int:
    """Check everything that can be checked without changing anything; 0 where all is well."""
    found = [*await _database(program, say), *await _discord(program, say)]
    for fault in found:
        say(f"FAULT  {fault}")
    say("all is well" if not found else f"{len(found)} fault(s)")
    return FAULTY if found else OK


async def _database(program: Settings, say: Callable[[str], None]) -> list[str]:
    database = Database(program.database_url)
    if database.path is not None and not database.path.exists():
        say(f"ok     database {database.path}: not there yet, the first start makes it")
        return []
    try:
        if database.path is not None:
            verify_file(database.path)
        await database.connect()
    except DatabaseUnusable as error:
        return [str(error)]
    try:
        return await _contents(database, say)
    finally:
        await database.close()


async def _contents(database: Database, say: Callable[[str], None]) -> list[str]:
    faults = []
    async with database.read() as session:
        faults += [f"the record: {fault}" for fault in await record.missing_guards(session)]
        for guild_id in await record.servers(session):
            broken = await history.faults(session, guild_id)
            faults += [f"server {guild_id}: {fault}" for fault in broken]
            if not broken:
                last = await record.last(session, guild_id)
                assert last is not None
                say(f"ok     server {guild_id}: record of {last[0]} rows, head {last[1][:16]}")
        for guild_id in await stored.servers(session):
            document = (await settings.current(session, guild_id)).document
            for problem in policy.problems(document):
                say(f"note   server {guild_id}: {problem}")
    say("ok     database readable")
    return faults


async def _discord(program: Settings, say: Callable[[str], None]) -> list[str]:
    """Log in without connecting, and compare what each server needs with what is there."""
    if not program.discord_token:
        say("note   no token is configured: `python -m bot demo` works without one")
        return []
    faults = []
    client = discord.Client(intents=discord.Intents(guilds=True))
    documents = await _documents(program)
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


async def _documents(program: Settings) -> Mapping[int, Mapping[str, str]]:
    database = Database(program.database_url)
    if database.path is not None and not database.path.exists():
        return {}
    try:
        await database.connect()
        async with database.read() as session:
            return {
                guild_id: (await settings.current(session, guild_id)).document
                for guild_id in await stored.servers(session)
            }
    except DatabaseUnusable:
        return {}  # the check of the database has named it
    finally:
        await database.close()
