"""Proposals by mention: what is mentioned in a round's thread, and the buttons of the person."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Self

import discord
from discord.ext import commands

from bot.services import proposals
from bot.ui import overviews
from bot.ui import proposals as words
from bot.ui.answers import answer, answer_error
from bot.ui.roles import with_role
from cogs.transformers import Interaction, Press, actor

if TYPE_CHECKING:
    from bot.client import Stipend


class ProposalButton(
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    # A number that no id has, beyond 63 bits, does not match: no database could look it up.
    template=r"proposal:(?P<round>[0-9]{1,18}):(?P<user>[0-9]{1,18}|[1-8][0-9]{18})"
    r":(?P<answer>yes|no)",
):
    """The answer of whoever was proposed; round and person are in its id."""

    def __init__(self, *, round_id: int, user_id: int, accept: bool) -> None:
        word = "yes" if accept else "no"
        super().__init__(discord.ui.Button(custom_id=f"proposal:{round_id}:{user_id}:{word}"))
        self.round_id, self.user_id, self.accept = round_id, user_id, accept

    @classmethod
    async def from_custom_id(
        cls, _interaction: Press, _item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Read what is answered from the id of the button."""
        return cls(
            round_id=int(match["round"]),
            user_id=int(match["user"]),
            accept=match["answer"] == "yes",
        )

    async def callback(self, interaction: Press) -> None:
        """Join or decline."""
        try:
            await self._decide(interaction)
        except Exception as error:  # noqa: BLE001 - everything is answered in one place
            await answer_error(interaction, error)
        # Also after a refusal: the question may have been answered otherwise.
        if interaction.guild_id is not None:
            await interaction.client.deliver(interaction.guild_id)

    async def _decide(self, interaction: Interaction) -> None:
        async with interaction.client.db.write() as session:
            decided = await proposals.decide(
                session,
                by=actor(interaction),
                round_id=self.round_id,
                user_id=self.user_id,
                accept=self.accept,
            )
        if decided.standing is None:
            text = words.declined(decided)
        else:
            joined = overviews.joined(decided.standing)
            text = await with_role(interaction, decided.standing, joined)
        await answer(interaction, text)


class Proposals(commands.Cog):
    """Watches the threads of rounds for people who are mentioned."""

    def __init__(self, bot: Stipend) -> None:
        self.bot = bot

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        """Propose whoever is mentioned; every message of a server passes here, so look once."""
        if not message.mentions or message.guild is None:
            return
        users = _mentioned(message)
        if not users:
            return
        guild_id, thread_id = message.guild.id, message.channel.id
        async with self.bot.db.read() as session:
            if not await proposals.concerns(session, guild_id, thread_id=thread_id):
                return
        async with self.bot.db.write() as session:
            proposed = await proposals.propose(
                session,
                guild_id=guild_id,
                thread_id=thread_id,
                proposer_id=message.author.id,
                users=users,
                message_id=message.id,
                now=self.bot.clock(),
            )
        if proposed:
            await self.bot.deliver(guild_id)


def _mentioned(message: discord.Message) -> list[int]:
    """Return the people whom somebody mentioned, without the one they replied to.

    The name of whoever is replied to comes with the mentions, and the text is not there to tell
    the two apart; a reply to a message that is not known mentions nobody for that reason.
    """
    if message.author.bot or message.is_system():
        return []
    replied_to = None
    if message.type is discord.MessageType.reply:
        original = message.reference.resolved if message.reference is not None else None
        if not isinstance(original, discord.Message):
            return []
        replied_to = original.author.id
    return [user.id for user in message.mentions if not user.bot and user.id != replied_to]


async def setup(bot: Stipend) -> None:
    """Listen, and let the buttons work, also those of before a restart."""
    bot.add_dynamic_items(ProposalButton)
    await bot.add_cog(Proposals(bot))
