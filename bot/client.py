"""The composition root: builds the parts, hands them over, opens and closes them."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable, Coroutine
from datetime import datetime
from functools import partial
from typing import Any, ParamSpec, TypeVar

import discord
from discord import app_commands
from discord.ext import commands

from bot.domain.canonical import canonical
from bot.domain.errors import Kept
from bot.jobs.activity import Activity
from bot.jobs.backup import Backups
from bot.jobs.delivery import Delivery
from bot.jobs.reactions import Reactions
from bot.jobs.reconcile import Reconciler
from bot.jobs.seeding import Seeding
from bot.jobs.tick import Ticker
from bot.leader import ONE, Leader, Shards
from bot.metrics import INCIDENT, OK, REFUSED, Prometheus, made_for
from bot.monitoring import Health
from bot.pace import LONGEST_HELD, Pace, paced
from bot.settings import Settings
from bot.ui.answers import answer_error, incident, promise
from bot.ui.presses import answer_unknown, is_press
from bot.ui.text import storable
from storage import policy as installation
from storage.apart import drawn
from storage.database import Database
from storage.passing import is_busy

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger(__name__)

EXTENSIONS = (
    "cogs.about",
    "cogs.address",
    "cogs.audit",
    "cogs.cease",
    "cogs.confirmations",
    "cogs.disputes",
    "cogs.helpers",
    "cogs.hours",
    "cogs.mydata",
    "cogs.opinions",
    "cogs.payout",
    "cogs.proposals",
    "cogs.rounds",
    "cogs.settings",
    "cogs.setup",
    "cogs.thanks",
    "cogs.tipjar",
)


discord_clock: Callable[[], datetime] = discord.utils.utcnow
"""The one clock of the program; everything else is handed the present instant."""


STOPPING_SECONDS = 7.0
REGISTER_AGAIN_SECONDS = 600.0
UNDER_WAY = ("CommandTree-", "discord-ui-")
"""How discord.py names the tasks of commands, and of buttons, menus and forms."""


async def _by(until: float, work: Coroutine[Any, Any, object], what: str) -> None:
    """Wait for some work until an instant, and a moment in any case; then let it go."""
    left = max(until - asyncio.get_running_loop().time(), 0.5)
    try:
        await asyncio.wait_for(work, left)
    except TimeoutError:
        log.warning("%s did not come to an end in %.1f s and is cut short", what, left)
    except Exception:
        log.exception("incident %s: ending %s", incident(), what)


def _storable(parse: Callable[[Any], None]) -> Callable[[Any], None]:
    """Return the way in for everything that people type, choose and are called."""

    def parse_storable(data: Any) -> None:
        parse(storable(data))

    return parse_storable


EVERY_FRAME = "socket_event_type"
"""The event with which discord.py tells of each frame that there was one; nobody asks."""

BEGAN = "stipend.began"
"""Where an interaction holds the instant at which its command arrived."""


class Tree(app_commands.CommandTree["Stipend"]):
    """The commands: counted in one place, and whatever goes wrong is answered in one place."""

    async def interaction_check(self, interaction: discord.Interaction[Stipend], /) -> bool:
        """Note when a command arrived; whether it is allowed is decided further down."""
        interaction.extras[BEGAN] = time.perf_counter()
        if interaction.type is discord.InteractionType.application_command:
            promise(interaction)
        return True

    def count(self, interaction: discord.Interaction[Stipend], result: str) -> None:
        """Count a command that has been answered."""
        if interaction.command is not None:
            seconds = time.perf_counter() - interaction.extras.get(BEGAN, time.perf_counter())
            name = interaction.command.qualified_name
            interaction.client.metrics.commanded(name, result, seconds)

    async def on_error(
        self, interaction: discord.Interaction[Stipend], error: app_commands.AppCommandError
    ) -> None:
        """Answer an error of a command."""
        is_incident = await answer_error(interaction, error)
        self.count(interaction, INCIDENT if is_incident else REFUSED)


class Stipend(commands.Bot):
    """The bot with its parts; `create_bot` builds it, `setup_hook` opens it, `close` ends it."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], datetime],
        schedule: bool,
        shards: Shards = ONE,
    ) -> None:
        intents = discord.Intents.none()
        intents.guilds = intents.guild_messages = intents.guild_reactions = True
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            intents=intents,
            tree_cls=Tree,
            allowed_mentions=discord.AllowedMentions.none(),
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            max_messages=None,
            max_ratelimit_timeout=LONGEST_HELD,
            **shards.options,
        )
        self.settings = settings
        self.clock = clock
        self.metrics = metrics = made_for(settings.health_port)
        self.db = Database(settings.database_url, keep=(Kept,), on_error=metrics.database_failed)
        self.leader = leader = Leader(self.db, shards=shards, changed=metrics.leading)
        self.delivery = Delivery(
            self, self.db, leader, clock=clock, interval_ms=settings.post_interval_ms
        )
        self.seeding = Seeding(
            self, self.db, clock=clock, deliver=self.delivery.deliver, has=shards.has
        )
        self.reactions = Reactions(
            self,
            self.db,
            clock=clock,
            deliver=self.delivery.deliver,
            seed=self.seeding.seed,
            metrics=metrics,
        )
        self.reconciler = Reconciler(
            self, self.db, self.reactions, clock=clock, hears=leader.hears, metrics=metrics
        )
        self.traces = Activity(self.db, clock=clock)
        self.ticker = Ticker(
            self.db,
            self.delivery,
            self.seeding,
            self.reconciler,
            self.traces,
            backups=Backups(self.db, settings, clock=clock, failed=metrics.database_failed),
            leader=leader,
            clock=clock,
            metrics=metrics,
        )
        self.health: Health | None = None
        if isinstance(metrics, Prometheus):
            self.health = Health(self, metrics)
            # Each event is a task: only where somebody counts.
            self.add_listener(self._completed, "on_app_command_completion")
        pace = Pace(shards=len(shards.ids) or shards.count)
        self.http.ws_connect = paced(self.http.ws_connect, pace)  # type: ignore[method-assign,assignment]
        parsers = self._connection.parsers
        parsers["INTERACTION_CREATE"] = _storable(parsers["INTERACTION_CREATE"])
        parsers.update(self.reactions.parsers)
        self._schedule = schedule
        self._registering: asyncio.Task[None] | None = None

    async def setup_hook(self) -> None:
        """Open the database, load the commands and start the timer."""
        await self.db.open(now=self.clock())
        await self.leader.open()
        await self.reactions.recover()
        for extension in EXTENSIONS:
            await self.load_extension(extension)
        await self._register()
        if self._schedule:
            self.ticker.start(seconds=self.settings.tick_seconds)

    async def close(self) -> None:
        """Stop the jobs, let commands under way be answered, and let go of everything.

        All of it is done within `STOPPING_SECONDS`; what takes longer is cut short.
        """
        until = asyncio.get_running_loop().time() + STOPPING_SECONDS
        if self._registering is not None:
            self._registering.cancel()
        await _by(until - 4, self.ticker.stop(), "the jobs")
        await _by(until - 3, self._end_commands(), "the commands")
        await _by(until - 2, super().close(), "Discord")
        await _by(until - 2, self.http.close(), "Discord")
        if self.health is not None:
            await _by(until - 2, self.health.close(), "the figures")
        await _by(until - 1, self.reactions.close(), "the reactions")
        await _by(until - 1, self.traces.close(), "what was seen")
        await _by(until, self.leader.close(), "the leader")
        await _by(until, self.db.close(), "the database")

    async def _end_commands(self) -> None:
        """Wait until the commands under way are answered, and nothing is written any more."""
        under_way = {
            task
            for task in asyncio.all_tasks() - {asyncio.current_task()}
            if task.get_name().startswith(UNDER_WAY)
        }
        if under_way:
            await asyncio.wait(under_way)
        await self.db.idle()

    async def connect(self, *, reconnect: bool = True) -> None:
        """Stay connected for as long as this process may have its shards."""
        if self.leader.is_alone:
            await super().connect(reconnect=reconnect)
            return
        connecting = asyncio.create_task(super().connect(reconnect=reconnect))
        keeping = asyncio.create_task(self.leader.keep())
        try:
            await asyncio.wait({connecting, keeping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (connecting, keeping):
                task.cancel()
            ends = await asyncio.gather(connecting, keeping, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception):
                raise end

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Begin no session before Discord takes one more."""
        if self.leader.is_alone:
            await super().before_identify_hook(shard_id, initial=initial)
        else:
            await self.leader.begin_session()

    async def tick(self) -> None:
        """Do everything that is due now."""
        await self.ticker.tick()

    async def deliver(self, guild_id: int) -> dict[str, str]:
        """Say what is waiting to be said in a server; returns what could not be, with reasons."""
        return await self.delivery.deliver(guild_id)

    def is_busy(self, error: BaseException) -> bool:
        """Whether an error says that the database was held by others for too long."""
        return is_busy(error)

    async def draw(self, draw: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
        """Draw something, or write a file, beside the event loop."""
        return await drawn(draw, *args, **options)

    def dispatch(self, event_name: str, /, *args: Any, **kwargs: Any) -> None:
        """Hand an event on; the tree answers commands, so that none of them is a task here too."""
        if event_name == EVERY_FRAME:
            return
        if event_name == "interaction":
            if not is_press(*args):
                return
            promise(*args)  # before the task of a button or form begins
        super().dispatch(event_name, *args, **kwargs)

    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        """Answer a button or form behind which nothing stands; all others are answered by it."""
        await answer_unknown(interaction)

    async def on_message(self, message: discord.Message, /) -> None:
        """Note who wrote where and when; there are no prefix commands."""
        self.traces.put(message)

    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        """Keep nothing of a message that was deleted."""
        self.traces.put_gone(payload.guild_id, [payload.message_id])

    async def on_raw_bulk_message_delete(self, payload: discord.RawBulkMessageDeleteEvent) -> None:
        """Keep nothing of messages that were deleted together."""
        self.traces.put_gone(payload.guild_id, payload.message_ids)

    async def on_ready(self) -> None:
        """Catch up on what was due or unsaid while the bot was away."""
        log.info("ready in %d servers", len(self.guilds))
        self.reconciler.mark_ready()
        if self._schedule:
            await self.tick()

    async def _completed(self, interaction: discord.Interaction[Stipend], _command: object) -> None:
        """Count a command that came to its end."""
        tree = self.tree
        assert isinstance(tree, Tree)
        tree.count(interaction, OK)

    async def _register(self) -> None:
        """Register the commands now, or as soon as Discord permits it."""
        try:
            await self._sync_commands()
        except discord.RateLimited as error:
            log.warning("the commands are registered in %.0f s: %s", error.retry_after, error)
            self._registering = asyncio.create_task(self._register_in(error.retry_after))

    async def _register_in(self, seconds: float) -> None:
        """Register the commands later; a fault then does not stop a bot that works."""
        while True:
            await asyncio.sleep(seconds)
            try:
                await self._sync_commands()
            except discord.RateLimited as error:
                seconds = error.retry_after
            except Exception:
                seconds = REGISTER_AGAIN_SECONDS
                log.exception("incident %s: registering the commands", incident())
            else:
                return

    async def _sync_commands(self) -> None:
        """Register the commands where Discord does not have exactly these; it is rationed."""
        payload = [command.to_dict(self.tree) for command in self.tree.get_commands()]
        own = f"{self.application_id}:{hashlib.sha256(canonical(payload)).hexdigest()}"
        if await self.db.peek(partial(installation.meta, name="commands")) == own:
            registered = await self.tree.fetch_commands()
            if len(registered) == len(payload):
                return
        await self.tree.sync()
        await self.db.express(partial(installation.set_meta, name="commands", value=own))
        log.info("registered %d commands", len(payload))


class Sharded(Stipend, discord.AutoShardedClient):
    """The bot with more than one connection to the gateway."""


def create_bot(
    settings: Settings,
    *,
    clock: Callable[[], datetime] = discord_clock,
    schedule: bool = True,
) -> commands.Bot:
    """Build the bot; nothing is opened before it starts.

    `clock` returns an aware UTC datetime. With `schedule=False` nothing happens by itself: what
    is due is done by `await bot.tick()` alone.
    """
    shards = Shards.of(settings)
    made_of = Sharded if shards.is_many else Stipend
    return made_of(settings, clock=clock, schedule=schedule, shards=shards)
