"""The composition root: builds the parts, hands them over, opens and closes them."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from datetime import datetime

import discord
from discord import app_commands
from discord.ext import commands

from bot.domain import emoji
from bot.domain.canonical import canonical
from bot.domain.errors import Kept
from bot.jobs.activity import Activity
from bot.jobs.delivery import Delivery
from bot.jobs.reactions import Reactions
from bot.jobs.reconcile import Reconciler
from bot.jobs.seeding import Seeding
from bot.jobs.tick import Ticker
from bot.settings import Settings
from bot.ui.answers import answer_error
from storage import policy as installation
from storage.database import Database

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


class Tree(app_commands.CommandTree["Stipend"]):
    """The commands; whatever goes wrong in one is answered in one place."""

    async def on_error(
        self, interaction: discord.Interaction[Stipend], error: app_commands.AppCommandError
    ) -> None:
        """Answer an error of a command."""
        await answer_error(interaction, error)


class Stipend(commands.Bot):
    """The bot with its parts; `create_bot` builds it, `setup_hook` opens it, `close` ends it."""

    def __init__(
        self, settings: Settings, *, clock: Callable[[], datetime], schedule: bool
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
        )
        self.settings = settings
        self.clock = clock
        self.db = Database(settings.database_url, keep=(Kept,))
        self.delivery = Delivery(self, self.db, clock=clock, interval_ms=settings.post_interval_ms)
        self.seeding = Seeding(self, self.db, clock=clock, deliver=self.delivery.deliver)
        self.reactions = Reactions(
            self,
            self.db,
            clock=clock,
            deliver=self.delivery.deliver,
            seed=self.seeding.seed,
        )
        self.reconciler = Reconciler(self, self.db, self.reactions, clock=clock)
        self.traces = Activity(self.db, clock=clock)
        self.ticker = Ticker(
            self.db, self.delivery, self.seeding, self.reconciler, self.traces, clock=clock
        )
        self._schedule = schedule

    async def setup_hook(self) -> None:
        """Open the database, load the commands and start the timer."""
        await self.db.open(now=self.clock())
        await self.reactions.recover()
        for extension in EXTENSIONS:
            await self.load_extension(extension)
        await self._sync_commands()
        if self._schedule:
            self.ticker.start(seconds=self.settings.tick_seconds)

    async def close(self) -> None:
        """Stop the timer and let go of Discord and the database."""
        self.ticker.stop()
        await super().close()
        await self.reactions.close()
        await self.traces.close()
        await self.db.close()

    async def tick(self) -> None:
        """Do everything that is due now."""
        await self.ticker.tick()

    async def deliver(self, guild_id: int) -> dict[str, str]:
        """Say what is waiting to be said in a server; returns what could not be, with reasons."""
        return await self.delivery.deliver(guild_id)

    async def on_message(self, message: discord.Message, /) -> None:
        """Note who wrote where and when; there are no prefix commands."""
        self.traces.put(message)

    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        """Keep nothing of a message that was deleted."""
        self.traces.put_gone(payload.guild_id, [payload.message_id])

    async def on_raw_bulk_message_delete(self, payload: discord.RawBulkMessageDeleteEvent) -> None:
        """Keep nothing of messages that were deleted together."""
        self.traces.put_gone(payload.guild_id, payload.message_ids)

    async def on_raw_reaction_add(self, payload: discord.RawReactionActionEvent) -> None:
        """Queue a reaction; nothing may be awaited before that."""
        self.reactions.put(payload)

    async def on_raw_reaction_remove(self, payload: discord.RawReactionActionEvent) -> None:
        """Queue that a reaction was taken away; nothing may be awaited before that."""
        self.reactions.put(payload)

    async def on_raw_reaction_clear(self, payload: discord.RawReactionClearEvent) -> None:
        """Queue that somebody removed all reactions of a message."""
        self.reactions.put_cleared(payload.guild_id, payload.message_id)

    async def on_raw_reaction_clear_emoji(
        self, payload: discord.RawReactionClearEmojiEvent
    ) -> None:
        """Queue that somebody removed all reactions with one emoji."""
        self.reactions.put_cleared(
            payload.guild_id, payload.message_id, emoji.of_payload(payload.emoji)
        )

    async def on_ready(self) -> None:
        """Catch up on what was due or unsaid while the bot was away."""
        log.info("ready in %d servers", len(self.guilds))
        self.reconciler.mark_ready()
        if self._schedule:
            await self.tick()

    async def _sync_commands(self) -> None:
        """Register the commands where Discord does not have exactly these; it is rationed."""
        payload = [command.to_dict(self.tree) for command in self.tree.get_commands()]
        own = f"{self.application_id}:{hashlib.sha256(canonical(payload)).hexdigest()}"
        async with self.db.read() as session:
            known = await installation.meta(session, "commands")
        if known == own:
            registered = await self.tree.fetch_commands()
            if len(registered) == len(payload):
                return
        await self.tree.sync()
        async with self.db.write() as session:
            await installation.set_meta(session, "commands", own)
        log.info("registered %d commands", len(payload))


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
    return Stipend(settings, clock=clock, schedule=schedule)
