"""Runs the bot for years: waits longer after each failure, and stops where trying is useless."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Callable

import aiohttp
import discord
from discord.ext import commands

from bot.client import create_bot, discord_clock
from bot.settings import Settings
from storage.database import Database, DatabaseUnusable

log = logging.getLogger(__name__)

OK, BUG, CONFIGURATION = 0, 70, 78
PERMANENT_CLOSE_CODES = frozenset({4004, 4010, 4011, 4012, 4013, 4014})
FIRST_WAIT_SECONDS = 5
LONGEST_WAIT_SECONDS = 900
"""At most some 100 connections a day: 1000 in 24 hours and Discord resets the token."""


async def run(
    settings: Settings,
    *,
    build: Callable[[Settings], commands.Bot] = create_bot,
    first_wait: float = FIRST_WAIT_SECONDS,
) -> int:
    """Run until stopped; return the exit code."""
    if not await _database_is_usable(settings):
        return CONFIGURATION
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stopping.set)
    wait = first_wait
    while not stopping.is_set():
        started = loop.time()
        code = await _once(build(settings), settings.discord_token, stopping)
        if code is not None:
            return code
        if loop.time() - started > LONGEST_WAIT_SECONDS:
            wait = first_wait
        log.warning("connecting again in %.0f s", wait)
        try:
            await asyncio.wait_for(stopping.wait(), timeout=wait)
        except TimeoutError:
            wait = min(wait * 2, LONGEST_WAIT_SECONDS)
    return OK


async def _database_is_usable(settings: Settings) -> bool:
    """Open the database before Discord is bothered: it is migrated, or refused with one line."""
    database = Database(settings.database_url)
    try:
        await database.open(now=discord_clock())
    except DatabaseUnusable as error:
        print(f"stipend: {error}", file=sys.stderr)
        return False
    await database.close()
    return True


async def _once(bot: commands.Bot, token: str, stopping: asyncio.Event) -> int | None:
    """Run one bot to its end; None where another try makes sense."""
    running = asyncio.create_task(bot.start(token))
    stop = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({running, stop}, return_when=asyncio.FIRST_COMPLETED)
        if stop.done():
            return OK
        return _verdict(running.exception())
    finally:
        await bot.close()
        stop.cancel()
        running.cancel()
        await asyncio.gather(running, stop, return_exceptions=True)


def _verdict(error: BaseException | None) -> int | None:
    cause = getattr(error, "original", None) or error
    match cause:
        case None:
            return OK
        case DatabaseUnusable() | discord.LoginFailure() | discord.PrivilegedIntentsRequired():
            print(f"stipend: {cause}", file=sys.stderr)
            return CONFIGURATION
        case discord.ConnectionClosed(code=code) if code in PERMANENT_CLOSE_CODES:
            print(f"stipend: Discord closed the connection for good (code {code})", file=sys.stderr)
            return CONFIGURATION
        case aiohttp.ClientError() | OSError() | discord.DiscordException() | AttributeError():
            # discord.py answers a failed first connection with an AttributeError (its #10520).
            log.warning("the connection failed: %s: %s", type(cause).__name__, cause)
            return None
        case _:
            log.error("the program has a bug", exc_info=cause)
            return BUG
