"""/help and /about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from discord import app_commands
from discord.ext import commands

import bot as program
from bot.domain import people
from bot.services import settings
from bot.ui import guide
from bot.ui.answers import answer
from cogs.transformers import Interaction, actor

if TYPE_CHECKING:
    from bot.client import Stipend


class About(commands.Cog):
    """What there is, and for whom."""

    def __init__(self, bot: Stipend) -> None:
        self.bot = bot

    @app_commands.command(name="help")
    @app_commands.guild_only()
    async def help_(self, interaction: Interaction) -> None:
        """Show what you can do here."""
        by = actor(interaction)
        async with self.bot.db.read() as session:
            policy = (await settings.current(session, by.guild_id)).policy
        embed = guide.commands_for(
            moderator=people.is_moderator(policy, by),
            committee=people.is_committee(policy, by),
            admin=by.manages_server,
        )
        await answer(interaction, embed=embed)

    @app_commands.command()
    @app_commands.guild_only()
    async def about(self, interaction: Interaction) -> None:
        """Show the version, what is stored, and where the source is."""
        embed = guide.about(program.__version__, source=self.bot.settings.source_url)
        await answer(interaction, embed=embed)


async def setup(bot: Stipend) -> None:
    """Load the commands."""
    await bot.add_cog(About(bot))
