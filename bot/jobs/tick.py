"""The tick: everything that is due, decided from the stored facts, server by server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from bot.jobs import mirror
from bot.jobs.activity import Activity
from bot.jobs.backup import Backups
from bot.jobs.delivery import Delivery
from bot.jobs.reconcile import Reconciler
from bot.jobs.seeding import Seeding
from bot.leader import Leader
from bot.metrics import Metrics
from bot.services import boards, cease, counting, outbox, reactions, reconciling, rounds
from bot.ui.answers import incident
from storage import rounds as stored
from storage.database import Database
from storage.express import Through

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

log = logging.getLogger(__name__)


class Ticker:
    """Does what is due; a timer in memory only wakes it up."""

    def __init__(
        self,
        db: Database,
        delivery: Delivery,
        seeding: Seeding,
        reconciler: Reconciler,
        activity: Activity,
        *,
        backups: Backups,
        leader: Leader,
        clock: Callable[[], datetime],
        metrics: Metrics,
    ) -> None:
        self._db = db
        self._delivery = delivery
        self._seeding = seeding
        self._reconciler = reconciler
        self._activity = activity
        self._backups = backups
        self._leader = leader
        self._clock = clock
        self._metrics = metrics
        self._turn = asyncio.Lock()
        self._start: asyncio.TimerHandle | None = None
        self._scheduler: Any = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._awake = self._is_stopping = False
        self._saying: asyncio.Task[None] | None = None
        self._planting: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._copying: asyncio.Task[None] | None = None

    def start(self, *, seconds: int) -> None:
        """Wake up every so many seconds."""
        self._start = asyncio.get_running_loop().call_later(seconds, self._keep_time, seconds)

    def _keep_time(self, seconds: int) -> None:
        # Loaded when the first wake-up is due: the bot is connected sooner.
        from apscheduler.schedulers.asyncio import AsyncIOScheduler

        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self._scheduler.add_job(
            self._beat,
            "interval",
            seconds=seconds,
            misfire_grace_time=None,  # a late wake-up is as good as one in time
            coalesce=True,
            max_instances=1,
            next_run_time=self._clock(),
        )
        self._scheduler.start()

    async def stop(self) -> None:
        """Stop waking up, and wait until what was being done has ended.

        What is cut short is stored as due or unsaid and is done after the next start.
        """
        self._is_stopping = True
        if self._start is not None:
            self._start.cancel()
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=False)
            self._scheduler = None
        background = (self._saying, self._planting, self._looking, self._copying)
        tasks = {*self._tasks, *(task for task in background if task is not None)}
        for task in tasks - {asyncio.current_task()}:
            task.cancel()
        await asyncio.gather(*(tasks - {asyncio.current_task()}), return_exceptions=True)
        self._saying = self._planting = self._looking = self._copying = None

    @contextmanager
    def _cut_short_by_stop(self) -> Iterator[None]:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            yield
        finally:
            self._tasks.discard(task)

    async def tick(self) -> None:
        """Do everything that is due now, and say what came of it."""
        with self._cut_short_by_stop():
            closed = await self._advance_all()
            while await self._look_all() or closed:
                closed = await self._advance_all()
            await self._say_all()
            await self._seed_all()
            await self._back_up()

    async def _beat(self) -> None:
        """Do what is due; neither looking at reactions nor saying things keeps anything waiting."""
        with self._cut_short_by_stop():
            await self._advance_all()
        if self._is_stopping:
            return
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_and_go_on())
        if self._saying is None or self._saying.done():
            self._saying = asyncio.create_task(self._say_and_seed())
        if self._copying is None or self._copying.done():
            self._copying = asyncio.create_task(self._back_up())

    async def _back_up(self) -> None:
        """Make the backup of the day where it is due."""
        with self._leader.acting() as leads:
            if leads:
                await self._backups.make_due()

    async def _look_and_go_on(self) -> None:
        """Look at the reactions; what waited for a count is due then."""
        closed = False
        while await self._look_all() or closed:
            closed = await self._advance_all()

    async def _look_all(self) -> bool:
        """Compare reactions where that is due; return whether a closed round was counted.

        A fault in one server does not keep the others from being counted.
        """
        counted = False
        try:
            waiting = [each for each in await self._db.peek(counting.servers) if self._minds(each)]
            for guild_id in waiting:
                try:
                    counted = await self._count(guild_id) or counted
                except Exception:
                    log.exception("incident %s: counting in server %d", incident(), guild_id)
            await self._reconciler.reconcile_due()
        except Exception:
            log.exception("incident %s: looking at reactions", incident())
        return counted

    def _minds(self, guild_id: int) -> bool:
        """Whether a closed round of a server is looked at here, or counted."""
        return self._leader.leads or self._leader.hears(guild_id)

    async def _count(self, guild_id: int) -> bool:
        """Look at the closed rounds of a server, and count them where that is done.

        Whoever hears of the server looks, and the leader counts.
        """
        if self._leader.hears(guild_id):
            await self._reconciler.closing(guild_id)
        why = self._reconciler.obstacle(guild_id)
        with self._leader.acting() as leads:
            return leads and await self._count_closed(guild_id, why=why)
        return False

    async def _count_closed(self, guild_id: int, *, why: str) -> bool:
        now, hears = self._clock(), self._leader.hears(guild_id)

        async def count(session: AsyncSession) -> list[str]:
            if not hears and guild_id in await reactions.waiting(Through(session)):
                return []  # reactions from before the close may be among them
            counted = []
            for round_ in await counting.waiting(session, guild_id):
                if await reconciling.is_reconciled(session, round_):
                    counted.append((await counting.count(session, round_, now=now)).label)
                else:
                    await counting.say_it_waits(session, round_, why=why, now=now)
            return counted

        labels = await self._db.apart(count, writes=True)
        for label in labels:
            log.info("server %d: %s is counted", guild_id, label)
        return bool(labels)

    async def _say_and_seed(self) -> None:
        """Say what waits, then let the boards get their emoji, about four a second, meanwhile."""
        await self._say_all()
        if self._planting is None or self._planting.done():
            self._planting = asyncio.create_task(self._seed_all())

    async def _seed_all(self) -> None:
        with self._leader.acting() as leads:
            if leads:
                await self._seeding.seed_all()

    async def _advance_all(self) -> bool:
        """Do what is due in every server; a fault in one does not stop the others.

        Returns whether a round closed: its thanks are counted before anything else is done.
        """
        with self._metrics.tick():
            await self._note_activity()
            with self._leader.acting() as leads:
                return leads and await self._advance_servers()
            return False

    async def _advance_servers(self) -> bool:
        closed = False
        async with self._turn:
            if not self._awake:
                await self._wake()
            await self._end_suspensions()
            for guild_id in await self._db.peek(stored.unfinished_servers):
                try:
                    closed = await self._advance(guild_id) or closed
                    await self._build(guild_id)
                except Exception:
                    log.exception("incident %s: tick of server %d", incident(), guild_id)
        return closed

    async def _end_suspensions(self) -> None:
        """Let proposals lapse and suspensions be final, also where no round is left."""
        now = self._clock()
        if not await self._db.peek(partial(cease.servers_waiting, now=now)):
            return
        async with self._db.read() as session:
            due = await cease.servers_due(session, now=now)
        for guild_id in due:
            try:
                async with self._db.write() as session:
                    ended = await cease.advance(session, guild_id, now=now)
                log.info("server %d: %d proposals or suspensions ended", guild_id, ended)
            except Exception:
                log.exception("incident %s: suspensions of server %d", incident(), guild_id)

    async def _note_activity(self) -> None:
        """Write down who was seen writing, before a round closes, and delete what is old."""
        try:
            await self._activity.flush()
            with self._leader.acting() as leads:
                if leads:
                    await self._activity.expire()
        except Exception:
            log.exception("incident %s: activity", incident())

    async def _say_all(self) -> None:
        with self._leader.acting() as leads:
            if leads:
                await self._say_waiting()

    async def _say_waiting(self) -> None:
        try:
            await mirror.mirror_all(self._db, clock=self._clock)
            await mirror.erase_outlived(self._db)
            await self._seeding.look_all()
            await self._delivery.deliver_all()
            await self._delivery.keep_threads_open()
        except Exception:
            log.exception("incident %s: saying what waits", incident())

    async def _build(self, guild_id: int) -> None:
        """Build the board of the open round, or mend it."""
        now = self._clock()
        async with self._db.read() as session:
            if not await boards.due(session, guild_id, now=now):
                return
        async with self._db.write() as session:
            await boards.build_due(session, guild_id, now=now)

    async def _wake(self) -> None:
        """Try once more what channels refused before the start: permissions may be back."""
        await self._db.express(outbox.unpark)
        self._awake = True

    async def _advance(self, guild_id: int) -> bool:
        now = self._clock()
        async with self._db.read() as session:
            if await rounds.due(session, guild_id, now=now) is None:
                return False
        advance = partial(rounds.advance, guild_id=guild_id, now=now, stop_at_close=True)
        acts = await self._db.apart(advance, writes=True)
        for act in acts:
            log.info(
                "server %d: %s of round %d%s%s",
                guild_id,
                act.name,
                act.round_id,
                ", late" if act.late else "",
                ", skipped" if act.skipped else "",
            )
        return any(act.name == "close" for act in acts)
