"""/address: where somebody is paid; nobody else is shown it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from discord import app_commands
from discord.ext import commands

from bot.services import addresses
from bot.ui import addresses as words
from bot.ui.answers import answer
from cogs.transformers import Interaction, actor

if TYPE_CHECKING:
    from bot.client import Stipend


@app_commands.guild_only()
class Address(commands.GroupCog, group_name="address", group_description="Where you are paid"):
    """Commands about one's own payout address."""

    def __init__(self, bot: Stipend) -> None:
        self.bot = bot

    @app_commands.command(name="set")
    @app_commands.describe(address="0x and 40 hexadecimal digits, or SS58; names are not accepted")
    async def set_(self, interaction: Interaction, address: str) -> None:
        """Set your own payout address."""
        by = actor(interaction)
        async with self.bot.db.write() as session:
            change = await addresses.set_own(session, by=by, address=address)
        await answer(interaction, words.changed(change))
        await self.bot.deliver(by.guild_id)

    @app_commands.command()
    async def show(self, interaction: Interaction) -> None:
        """Show your own payout address, and what unpaid rounds will use."""
        async with self.bot.db.read() as session:
            own = await addresses.own(session, by=actor(interaction))
        await answer(interaction, words.own(own))

    @app_commands.command()
    async def clear(self, interaction: Interaction) -> None:
        """Take your own payout address away."""
        by = actor(interaction)
        async with self.bot.db.write() as session:
            change = await addresses.clear_own(session, by=by)
        await answer(interaction, words.cleared(change))
        await self.bot.deliver(by.guild_id)


async def setup(bot: Stipend) -> None:
    """Load the commands."""
    await bot.add_cog(Address(bot))
