"""/helper: the roster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.domain.errors import Refusal
from bot.services import confirmations, roster
from bot.services.roster import Standing
from bot.ui import overviews
from bot.ui.answers import answer
from bot.ui.buttons import confirm_button
from bot.ui.pager import paged
from bot.ui.roles import with_role
from cogs.transformers import Interaction, actor, person

if TYPE_CHECKING:
    from bot.client import Stipend


@app_commands.guild_only()
class Helpers(commands.GroupCog, group_name="helper", group_description="Who helps here"):
    """Commands that keep the roster."""

    def __init__(self, bot: Stipend) -> None:
        self.bot = bot

    @app_commands.command()
    async def join(self, interaction: Interaction) -> None:
        """Ask to become a helper."""
        async with self.bot.db.write() as session:
            standing = await roster.join(session, by=actor(interaction))
        await self._answer(interaction, standing, overviews.joined(standing))

    @app_commands.command()
    async def leave(self, interaction: Interaction) -> None:
        """Leave the roster."""
        by = actor(interaction)
        async with self.bot.db.write() as session:
            await roster.may_leave(session, by=by)
            number = await confirmations.ask(session, by=by, act="helper.leave", facts={})
        await answer(
            interaction,
            "Leave the roster? What you logged is paid all the same.",
            view=confirm_button(number, "Leave the roster"),
        )

    @app_commands.command()
    @app_commands.describe(user="who shall become a helper")
    async def vouch(self, interaction: Interaction, user: discord.User | discord.Member) -> None:
        """Give your word that somebody is a good helper."""
        async with self.bot.db.write() as session:
            standing = await roster.vouch(session, by=actor(interaction), person=person(user))
        await self._answer(interaction, standing, overviews.vouched(standing))

    @app_commands.command()
    @app_commands.describe(user="who shall be a helper")
    async def add(self, interaction: Interaction, user: discord.User | discord.Member) -> None:
        """Put somebody on the roster (moderators)."""
        async with self.bot.db.write() as session:
            standing = await roster.add(session, by=actor(interaction), person=person(user))
        await self._answer(interaction, standing, overviews.added(standing))

    @app_commands.command()
    @app_commands.describe(user="who shall not be a helper any more", reason="why")
    async def remove(
        self, interaction: Interaction, user: discord.User | discord.Member, reason: str
    ) -> None:
        """Take somebody off the roster (moderators)."""
        by = actor(interaction)
        if not reason.strip():
            raise Refusal("Give a `reason` in words.")
        async with self.bot.db.write() as session:
            await roster.may_remove(session, by=by, user_id=user.id)
            facts = {"user_id": user.id, "reason": reason.strip()}
            number = await confirmations.ask(session, by=by, act="helper.remove", facts=facts)
        await answer(
            interaction,
            f"Take <@{user.id}> off the roster? What was logged is paid all the same.",
            view=confirm_button(number, "Remove the helper"),
        )

    @app_commands.command(name="list")
    async def list_(self, interaction: Interaction) -> None:
        """Show who helps here."""
        async with self.bot.db.read() as session:
            rows = await roster.listing(session, actor(interaction).guild_id)
        await answer(interaction, **paged(overviews.roster(rows)))

    @app_commands.command()
    @app_commands.describe(wanted="False declines pay for your hours")
    async def pay(self, interaction: Interaction, wanted: bool) -> None:  # noqa: FBT001 - an option
        """Decline pay, or accept it again."""
        async with self.bot.db.write() as session:
            wish = await roster.pay(session, by=actor(interaction), wanted=wanted)
        await answer(interaction, overviews.wish(wish))

    async def _answer(self, interaction: Interaction, standing: Standing, text: str) -> None:
        await answer(interaction, await with_role(interaction, standing, text))


async def setup(bot: Stipend) -> None:
    """Load the commands."""
    await bot.add_cog(Helpers(bot))
