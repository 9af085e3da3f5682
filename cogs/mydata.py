"""/mydata: everything that is stored about oneself, and erasing it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from discord import app_commands
from discord.ext import commands

from bot.services import confirmations, mydata
from bot.ui import mydata as words
from bot.ui.answers import answer, put_off
from bot.ui.buttons import confirm_button
from cogs.transformers import Interaction, actor

if TYPE_CHECKING:
    from bot.client import Stipend


@app_commands.guild_only()
class MyData(commands.GroupCog, group_name="mydata", group_description="What is stored about you"):
    """Commands about one's own data."""

    def __init__(self, bot: Stipend) -> None:
        self.bot = bot

    @app_commands.command()
    async def export(self, interaction: Interaction) -> None:
        """Get everything that is stored about you in this server, as a file."""
        by = actor(interaction)
        await put_off(interaction)
        await self.bot.traces.flush()
        async with self.bot.db.read() as session:
            found = await mydata.export(session, by=by)
        file = await asyncio.to_thread(words.export_file, found)
        await answer(interaction, words.exported(found), files=[file])

    @app_commands.command()
    async def delete(self, interaction: Interaction) -> None:
        """Erase your texts, addresses, activity and name here; amounts stay."""
        by = actor(interaction)
        await self.bot.traces.flush()
        async with self.bot.db.write() as session:
            left = await mydata.may_delete(session, by=by)
            number = await confirmations.ask(session, by=by, act="mydata.delete", facts={})
        await answer(
            interaction, words.question(left), view=confirm_button(number, "Erase my data")
        )


async def setup(bot: Stipend) -> None:
    """Load the commands."""
    await bot.add_cog(MyData(bot))
