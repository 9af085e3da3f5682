"""/cease: asking the committee to cease somebody's payments, and the votes on it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Self

import discord
from discord import app_commands
from discord.ext import commands

from bot.services import cease
from bot.ui import cease as words
from bot.ui.answers import add_problems, answer, answer_error
from cogs.transformers import Choices, Interaction, Press, actor, choices

if TYPE_CHECKING:
    from bot.client import Stipend


@app_commands.guild_only()
class Cease(commands.GroupCog, group_name="cease", group_description="Ceasing somebody's payments"):
    """Commands by which the committee decides about somebody's payments."""

    def __init__(self, bot: Stipend) -> None:
        self.bot = bot

    @app_commands.command()
    @app_commands.describe(
        user="whose payments", reason="why; the committee and the person concerned read it"
    )
    async def propose(
        self, interaction: Interaction, user: discord.User | discord.Member, reason: str
    ) -> None:
        """Ask the committee to cease somebody's payments (committee)."""
        by = actor(interaction)
        async with self.bot.db.write() as session:
            poll = await cease.propose(session, by=by, user_id=user.id, reason=reason)
        text = words.proposed(poll)
        await answer(interaction, text)
        await add_problems(interaction, text, await self.bot.deliver(by.guild_id))

    @app_commands.command()
    @app_commands.describe(proposal="its number", vote="yes or no; can be changed while it is open")
    @app_commands.choices(vote=[app_commands.Choice(name=vote, value=vote) for vote in cease.VOTES])
    async def vote(self, interaction: Interaction, proposal: str, vote: str) -> None:
        """Vote on ceasing or resuming somebody's payments (committee)."""
        await _vote(interaction, number=proposal, vote=vote)

    @vote.autocomplete("proposal")
    async def open_proposals(self, interaction: Interaction, typed: str) -> Choices:
        """Offer the open proposals to the committee."""
        async with self.bot.db.read() as session:
            polls = await cease.open_polls(session, by=actor(interaction))
        return choices(((str(poll.number), words.choice(poll)) for poll in polls), typed)


class VoteButton(
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"cease:(?P<number>[0-9]{1,9}):(?P<vote>yes|no)",
):
    """A vote on the proposal under which it stands; its number is in the id."""

    def __init__(self, *, number: str, vote: str) -> None:
        super().__init__(discord.ui.Button(custom_id=f"cease:{number}:{vote}"))
        self.number, self.vote = number, vote

    @classmethod
    async def from_custom_id(
        cls, _interaction: Press, _item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Read proposal and vote from the id of the button."""
        return cls(number=match["number"], vote=match["vote"])

    async def callback(self, interaction: Press) -> None:
        """Vote."""
        try:
            await _vote(interaction, number=self.number, vote=self.vote)
        except Exception as error:  # noqa: BLE001 - everything is answered in one place
            await answer_error(interaction, error)


async def _vote(interaction: Interaction, *, number: str, vote: str) -> None:
    by = actor(interaction)
    async with interaction.client.db.write() as session:
        poll = await cease.vote(session, by=by, number=number, vote=vote)
    text = words.voted(poll, vote)
    await answer(interaction, text)
    await add_problems(interaction, text, await interaction.client.deliver(by.guild_id))


async def setup(bot: Stipend) -> None:
    """Load the commands, and let the buttons work, also those of before a restart."""
    bot.add_dynamic_items(VoteButton)
    await bot.add_cog(Cease(bot))
