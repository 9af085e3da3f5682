"""/helper: the roster."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.domain import emoji as emojis
from bot.domain.errors import Refusal
from bot.services import cease, confirmations, roster
from bot.services.roster import Standing
from bot.ui import cease as cease_words
from bot.ui import overviews
from bot.ui.answers import add_problems, answer
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
    @app_commands.describe(emoji="the one that stands for you on the board; also to change it")
    async def join(self, interaction: Interaction, emoji: str | None = None) -> None:
        """Ask to become a helper."""
        chosen = await own_emoji(interaction, emoji)
        async with self.bot.db.write() as session:
            standing = await roster.join(session, by=actor(interaction), emoji=chosen)
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
    @app_commands.describe(
        user="who shall be a helper", emoji="the one that stands for them on the board"
    )
    async def add(
        self,
        interaction: Interaction,
        user: discord.User | discord.Member,
        emoji: str | None = None,
    ) -> None:
        """Put somebody on the roster (moderators)."""
        chosen = await own_emoji(interaction, emoji)
        async with self.bot.db.write() as session:
            standing = await roster.add(
                session, by=actor(interaction), person=person(user), emoji=chosen
            )
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

    @app_commands.command()
    @app_commands.describe(
        user="whose payments shall be held",
        reason="why; the committee and the person concerned read it",
    )
    async def suspend(
        self, interaction: Interaction, user: discord.User | discord.Member, reason: str
    ) -> None:
        """Hold somebody's payments; hours and thanks stay (committee)."""
        by = actor(interaction)
        async with self.bot.db.write() as session:
            outcome = await cease.suspend(session, by=by, user_id=user.id, reason=reason)
        await self._say_decided(interaction, cease_words.done(outcome))

    @app_commands.command()
    @app_commands.describe(
        user="whose payments shall be resumed",
        reason="why; the committee reads it",
    )
    async def reinstate(
        self, interaction: Interaction, user: discord.User | discord.Member, reason: str
    ) -> None:
        """Resume payments that are held or ceased (committee)."""
        by = actor(interaction)
        async with self.bot.db.write() as session:
            outcome = await cease.reinstate(session, by=by, user_id=user.id, reason=reason)
        await self._say_decided(interaction, cease_words.done(outcome))

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
        pay = partial(roster.pay, by=actor(interaction), wanted=wanted)
        wish = await self.bot.db.apart(pay, writes=True)
        await answer(interaction, overviews.wish(wish))

    async def _say_decided(self, interaction: Interaction, text: str) -> None:
        await answer(interaction, text)
        problems = await self.bot.deliver(actor(interaction).guild_id)
        await add_problems(interaction, text, problems)

    async def _answer(self, interaction: Interaction, standing: Standing, text: str) -> None:
        await answer(interaction, await with_role(interaction, standing, text))
        await self.bot.deliver(actor(interaction).guild_id)


async def own_emoji(interaction: Interaction, typed: str | None) -> str | None:
    """Return the emoji that somebody typed as Discord spells it; a custom one is of this server."""
    if typed is None:
        return None
    chosen = emojis.parse(typed)
    number = emojis.custom_id(chosen)
    guild = interaction.guild
    if number is None or guild is None:
        return chosen
    try:
        # Asked for: without a privilege more, Discord does not tell of new and deleted ones.
        found = await guild.fetch_emoji(number)
    except discord.NotFound:
        raise Refusal(
            "That emoji is not of this server, so it cannot stand for a helper here. "
            f"Type {emojis.ACCEPTED}."
        ) from None
    if found.roles or not found.available:
        raise Refusal(
            f"The bot may not use that emoji: it is kept for some roles. Type {emojis.ACCEPTED}."
        )
    return str(found)


async def setup(bot: Stipend) -> None:
    """Load the commands."""
    await bot.add_cog(Helpers(bot))
