"""The tick: everything that is due, decided from the stored facts, server by server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from bot.jobs.delivery import Delivery
from bot.services import outbox, rounds
from bot.ui.answers import incident
from storage import rounds as stored
from storage.database import Database

log = logging.getLogger(__name__)


class Ticker:
    """Does what is due; a timer in memory only wakes it up."""

    def __init__(self, db: Database, delivery: Delivery, *, clock: Callable[[], datetime]) -> None:
        self._db = db
        self._delivery = delivery
        self._clock = clock
        self._turn = asyncio.Lock()
        self._scheduler: Any = None
        self._awake = False
        self._saying: asyncio.Task[None] | None = None

    def start(self, *, seconds: int) -> None:
        """Wake up every so many seconds."""
        from apscheduler.schedulers.asyncio import AsyncIOScheduler

        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self._scheduler.add_job(
            self._beat,
            "interval",
            seconds=seconds,
            misfire_grace_time=None,  # a late wake-up is as good as one in time
            coalesce=True,
            max_instances=1,
        )
        self._scheduler.start()

    def stop(self) -> None:
        """Stop waking up."""
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=False)
            self._scheduler = None
        if self._saying is not None:
            self._saying.cancel()
            self._saying = None

    async def tick(self) -> None:
        """Do everything that is due now, and say what came of it."""
        await self._advance_all()
        await self._say_all()

    async def _beat(self) -> None:
        """Do what is due; what there is to say, at most a card a second, keeps nothing waiting."""
        await self._advance_all()
        if self._saying is None or self._saying.done():
            self._saying = asyncio.create_task(self._say_all())

    async def _advance_all(self) -> None:
        """Do what is due in every server; a fault in one does not stop the others."""
        async with self._turn:
            if not self._awake:
                await self._wake()
            async with self._db.read() as session:
                servers = list(await stored.unfinished_servers(session))
            for guild_id in servers:
                try:
                    await self._advance(guild_id)
                except Exception:
                    log.exception("incident %s: tick of server %d", incident(), guild_id)

    async def _say_all(self) -> None:
        try:
            await self._delivery.deliver_all()
            await self._delivery.keep_threads_open()
        except Exception:
            log.exception("incident %s: saying what waits", incident())

    async def _wake(self) -> None:
        """Try once more what channels refused before the start: permissions may be back."""
        async with self._db.write() as session:
            await outbox.unpark(session)
        self._awake = True

    async def _advance(self, guild_id: int) -> None:
        now = self._clock()
        async with self._db.read() as session:
            if await rounds.due(session, guild_id, now=now) is None:
                return
        async with self._db.write() as session:
            acts = await rounds.advance(session, guild_id, now=now)
        for act in acts:
            log.info(
                "server %d: %s of round %d%s%s",
                guild_id,
                act.name,
                act.round_id,
                ", late" if act.late else "",
                ", skipped" if act.skipped else "",
            )
