"""/audit: who thanked whom, the record, and whether it is whole."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.domain.people import Actor
from bot.services import audit, rounds, thanks
from bot.ui import audit as record_words
from bot.ui import thanks as words
from bot.ui.answers import answer, incident, put_off
from bot.ui.pager import paged
from cogs.transformers import Choices, Interaction, actor, choices

if TYPE_CHECKING:
    from bot.client import Stipend


log = logging.getLogger(__name__)


@app_commands.guild_only()
class Audit(commands.GroupCog, group_name="audit", group_description="Check what was done"):
    """Commands that show who did what."""

    def __init__(self, bot: Stipend) -> None:
        self.bot = bot

    @app_commands.command()
    @app_commands.describe(helper="who was thanked", round="such as 2026-Q1")
    async def voters(
        self,
        interaction: Interaction,
        helper: discord.User | discord.Member,
        round: str | None = None,  # noqa: A002 - the option's public name
    ) -> None:
        """Show who thanked a helper, how and when (committee)."""
        by = actor(interaction)
        async with self.bot.db.read() as session:
            found = await thanks.voters(session, by=by, user_id=helper.id, label=round)
        await answer(interaction, **paged(words.voters(found)))

    @app_commands.command(name="log")
    @app_commands.describe(
        subject="a person (mention or id), a round, or an action such as payout; without: all"
    )
    async def log_(self, interaction: Interaction, subject: str | None = None) -> None:
        """Show who did what and when (committee)."""
        by = actor(interaction)
        await put_off(interaction)
        async with self.bot.db.read() as session:
            found = await audit.log(session, by=by, subject=subject)
        pages = record_words.log(found)
        file = await asyncio.to_thread(record_words.log_file, found)
        await answer(interaction, files=[file] if file else [], **paged(pages))

    @log_.autocomplete("subject")
    async def subjects(self, interaction: Interaction, typed: str) -> Choices:
        """Offer what the record can be filtered by."""
        async with self.bot.db.read() as session:
            offered = await audit.offered(session, by=actor(interaction))
        return choices(offered, typed)

    @app_commands.command()
    async def verify(self, interaction: Interaction) -> None:
        """Check that nobody changed the record of this server."""
        by = actor(interaction)
        await put_off(interaction)
        async with self.bot.db.read() as session:
            found = await audit.verify(session, by.guild_id)
        number = incident() if found.faults else ""
        if found.faults:
            await self._report(found, number, by=by)
        await answer(interaction, embed=record_words.verdict(found, incident=number))

    async def _report(self, found: audit.Verdict, number: str, *, by: Actor) -> None:
        faults = "; ".join(found.faults[:5])
        log.error("incident %s: the record of server %d: %s", number, by.guild_id, faults)
        text = record_words.unsound_notice(found, incident=number)
        async with self.bot.db.write() as session:
            await audit.report(session, by.guild_id, text=text, at=by.now)
        await self.bot.deliver(by.guild_id)

    @voters.autocomplete("round")
    async def rounds(self, interaction: Interaction, typed: str) -> Choices:
        """Offer the rounds there are."""
        async with self.bot.db.read() as session:
            labels = await rounds.labels(session, actor(interaction).guild_id)
        return choices(((label, label) for label in labels), typed)


async def setup(bot: Stipend) -> None:
    """Load the commands."""
    await bot.add_cog(Audit(bot))
