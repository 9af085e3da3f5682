"""/audit: what the committee may check."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.services import rounds, thanks
from bot.ui import thanks as words
from bot.ui.answers import answer
from bot.ui.pager import paged
from cogs.transformers import Choices, Interaction, actor, choices

if TYPE_CHECKING:
    from bot.client import Stipend


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

    @voters.autocomplete("round")
    async def rounds(self, interaction: Interaction, typed: str) -> Choices:
        """Offer the rounds there are."""
        async with self.bot.db.read() as session:
            labels = await rounds.labels(session, actor(interaction).guild_id)
        return choices(((label, label) for label in labels), typed)


async def setup(bot: Stipend) -> None:
    """Load the commands."""
    await bot.add_cog(Audit(bot))
