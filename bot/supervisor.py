"""Runs the bot for years: waits longer after each failure, and stops where trying is useless.

Stopping is orderly and bounded: the gateway first, then the jobs, the commands under way, Discord
and the database. What does not end in time is left behind by a last resort, a thread of its own.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import aiohttp
import discord
from discord.ext import commands

from bot import logs
from bot.client import create_bot, discord_clock
from bot.pace import after_failure
from bot.settings import Settings
from storage.database import Database, DatabaseBusy, DatabaseUnusable
from storage.lock import InUse, locked

log = logging.getLogger(__name__)

OK, BUG, TEMPORARY, CONFIGURATION = 0, 70, 75, 78
CLOSED_FOR_GOOD = {
    4004: "it does not take the token; set STIPEND_DISCORD_TOKEN to a new one",
    4010: "it does not know this shard; see STIPEND_SHARD_COUNT and STIPEND_SHARD_IDS",
    4011: "the bot is in too many servers for one connection; set STIPEND_SHARD_COUNT to 2 or more",
    4012: "it does not speak with this version any more; update Stipend",
    4013: "it does not know what is asked of it; update Stipend",
    4014: "it does not allow what is asked of it; update Stipend",
}
"""What Discord's codes say; trying again would not help."""
FIRST_WAIT_SECONDS = 5.0
LONGEST_WAIT_SECONDS = 900.0
"""At most some 100 connections a day: 1000 in 24 hours and Discord resets the token."""
LAST_RESORT_SECONDS = 9.0
FLUSH_SECONDS = 0.5
LETTING_GO_SECONDS = 2.0


async def run(
    settings: Settings,
    *,
    build: Callable[[Settings], commands.Bot] = create_bot,
    give_up: Callable[[int], object] = lambda _code: None,
) -> int:
    """Run until stopped; return the exit code.

    `give_up` is called with an exit code once the end has begun, so that the process ends in any
    case; `give_up_later` does that.
    """
    stopping = asyncio.Event()
    _stop_on_signals(stopping, give_up)
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
    try:
        with locked(Database(settings.database_url)):
            opened = await _unless(stopping, _open(settings))
            code = await _keep_running(settings, build, stopping) if opened else OK
    except (DatabaseUnusable, InUse) as error:
        code = _told(error)
    give_up(code)
    return code


async def _keep_running(
    settings: Settings, build: Callable[[Settings], commands.Bot], stopping: asyncio.Event
) -> int:
    loop = asyncio.get_running_loop()
    waits: list[float] = []
    while not stopping.is_set():
        started = loop.time()
        code = await _once(build(settings), settings.discord_token, stopping)
        if code is not None:
            return code
        wait = after_failure(
            waits[-1:],
            loop.time() - started,
            first=FIRST_WAIT_SECONDS,
            longest=LONGEST_WAIT_SECONDS,
        )
        waits.append(wait)
        log.warning("connecting again in %.0f s", wait)
        await _unless(stopping, asyncio.sleep(wait))
    return OK


def _stop_on_signals(stopping: asyncio.Event, give_up: Callable[[int], object]) -> None:
    """Set `stopping` on SIGINT and SIGTERM, also while the event loop is busy."""
    loop = asyncio.get_running_loop()

    def stop(_number: int, _frame: object) -> None:
        give_up(TEMPORARY)
        with suppress(RuntimeError):  # the loop is closed: it has ended already
            loop.call_soon_threadsafe(stopping.set)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)


_ending = threading.Lock()
"""Of the process: it ends once."""


def give_up_later(code: int) -> None:
    """End the process with this code where it has not ended by itself in time."""
    timer = threading.Timer(LAST_RESORT_SECONDS, _give_up, (code,))
    timer.daemon = True
    timer.start()


def _give_up(code: int) -> None:
    """End the process at once; whoever holds the lock of a log does not hold this up.

    The first that is called ends it: its code says why.
    """
    if not _ending.acquire(blocking=False):
        return
    told = threading.Thread(target=_tell_and_flush, daemon=True)
    told.start()
    told.join(FLUSH_SECONDS)
    os._exit(code)


def _tell_and_flush() -> None:
    log.error("stopping took longer than %.0f s: the process ends now", LAST_RESORT_SECONDS)
    for handler in logging.getLogger().handlers:
        handler.flush()
    sys.stdout.flush()
    sys.stderr.flush()


async def _unless(stopping: asyncio.Event, work: Coroutine[Any, Any, Any]) -> Any:
    """Return what some work returns, or None where the program is stopped before that."""
    working, stop = asyncio.create_task(work), asyncio.create_task(stopping.wait())
    await asyncio.wait({working, stop}, return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    if working.done():
        return working.result()
    working.cancel()
    await asyncio.wait({working}, timeout=LETTING_GO_SECONDS)
    return None


async def _open(settings: Settings) -> bool:
    """Open the database before Discord is bothered: it is migrated, or refused with one line."""
    database = Database(settings.database_url)
    await database.open(now=discord_clock())
    await database.close()
    return True


def _told(error: Exception) -> int:
    """Say what keeps the program from running; return its exit code."""
    logs.tell(str(error))
    return TEMPORARY if isinstance(error, (InUse, DatabaseBusy)) else CONFIGURATION


async def _once(bot: commands.Bot, token: str, stopping: asyncio.Event) -> int | None:
    """Run one bot to its end; None where another try makes sense."""
    bot.add_listener(_settle, "on_ready")
    running = asyncio.create_task(bot.start(token))
    stop = asyncio.create_task(stopping.wait())
    await asyncio.wait({running, stop}, return_when=asyncio.FIRST_COMPLETED)
    # Nothing more comes from Discord, and a start that is under way has come to an end.
    running.cancel()
    await asyncio.wait({running}, timeout=LETTING_GO_SECONDS)
    try:
        await bot.close()
    except Exception:
        log.exception("closing failed")
    if stop.done():
        return OK
    stop.cancel()
    return _verdict(running.exception())


async def _settle() -> None:
    """Take what is loaded by now out of every later search for garbage.

    Such a search stops the program for as long as it takes, and most of what it looked at stays.
    """
    gc.collect()
    gc.freeze()


def _verdict(error: BaseException | None) -> int | None:
    cause = getattr(error, "original", None) or error
    match cause:
        case None:
            return OK
        case DatabaseBusy():
            log.warning("%s", cause)
            return None
        case (
            DatabaseUnusable()
            | InUse()
            | discord.LoginFailure()
            | discord.PrivilegedIntentsRequired()
        ):
            return _told(cause)
        case discord.ConnectionClosed(code=code) if code in CLOSED_FOR_GOOD:
            why = CLOSED_FOR_GOOD[code]
            logs.tell(f"Discord closed the connection for good (code {code}): {why}")
            return CONFIGURATION
        case aiohttp.ClientError() | OSError() | discord.DiscordException() | AttributeError():
            # discord.py answers a failed first connection with an AttributeError (its #10520).
            log.warning("the connection failed: %s: %s", type(cause).__name__, cause)
            return None
        case _:
            log.error("the program has a bug", exc_info=cause)
            return BUG
