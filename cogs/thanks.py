"""/thanks, the message menu Thank the author, their buttons, and /leaderboard."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, Self

import discord
from discord import app_commands
from discord.ext import commands

from bot.domain.people import Person
from bot.services import rounds, thanks
from bot.ui import thanks as words
from bot.ui.answers import answer, answer_error, answer_in_place, put_off
from bot.ui.pager import paged
from cogs.transformers import Choices, Interaction, Press, actor, choices, person

if TYPE_CHECKING:
    from bot.client import Stipend

MENU = "Thank the author"


class UnthankButton(
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    # A number that no id has, beyond 63 bits, does not match: no database could look it up.
    template=r"unthank:(?P<round_id>[0-9]{1,18}):(?P<helper_id>[0-9]{1,18}|[1-8][0-9]{18})",
):
    """Takes back what whoever presses it gave a helper in a round."""

    def __init__(self, round_id: int, helper_id: int) -> None:
        super().__init__(discord.ui.Button(custom_id=f"unthank:{round_id}:{helper_id}"))
        self.round_id, self.helper_id = round_id, helper_id

    @classmethod
    async def from_custom_id(
        cls, _interaction: Press, _item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Read round and helper from the id of the button."""
        return cls(int(match["round_id"]), int(match["helper_id"]))

    async def callback(self, interaction: Press) -> None:
        """Take it back."""
        try:
            by = actor(interaction)
            async with interaction.client.db.write() as session:
                change = await thanks.take_back(
                    session, by=by, round_id=self.round_id, helper_id=self.helper_id
                )
            await answer_in_place(interaction, content=words.taken_back(change), view=None)
            await interaction.client.deliver(by.guild_id)
        except Exception as error:  # noqa: BLE001 - everything is answered in one place
            await answer_error(interaction, error)


class WhoThankedButton(
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"who_thanked:(?P<round_id>[0-9]{1,18})",
):
    """Shows whoever presses it who thanked them in a round."""

    def __init__(self, round_id: int) -> None:
        super().__init__(discord.ui.Button(custom_id=f"who_thanked:{round_id}"))
        self.round_id = round_id

    @classmethod
    async def from_custom_id(
        cls, _interaction: Press, _item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Read the round from the id of the button."""
        return cls(int(match["round_id"]))

    async def callback(self, interaction: Press) -> None:
        """Show it."""
        try:
            async with interaction.client.db.read() as session:
                own = await thanks.mine(session, by=actor(interaction), round_id=self.round_id)
            await answer(interaction, **paged(words.mine(own)))
        except Exception as error:  # noqa: BLE001 - everything is answered in one place
            await answer_error(interaction, error)


class Thanks(commands.Cog):
    """Commands by which people thank, and see who was thanked."""

    def __init__(self, bot: Stipend) -> None:
        self.bot = bot
        self._menu = app_commands.ContextMenu(name=MENU, callback=self.thank_author)

    async def cog_load(self) -> None:
        """Offer the menu."""
        self.bot.tree.add_command(self._menu)

    async def cog_unload(self) -> None:
        """Take the menu away."""
        self.bot.tree.remove_command(MENU, type=self._menu.type)

    @app_commands.command(name="thanks")
    @app_commands.guild_only()
    @app_commands.describe(
        helper="who helped you",
        note="what for, in a few words; posted in the thread",
        private="yes: only the helper and the committee see the note",
    )
    async def thanks_(
        self,
        interaction: Interaction,
        helper: discord.User | discord.Member,
        note: str | None = None,
        private: Literal["yes", "no"] = "no",
    ) -> None:
        """Thank somebody who helped you; everybody counts once for each helper."""
        by = actor(interaction)
        async with self.bot.db.write() as session:
            given = await thanks.give(
                session, by=by, person=person(helper), note=note, private=private == "yes"
            )
        await self._answer(interaction, given)

    @app_commands.guild_only()
    async def thank_author(self, interaction: Interaction, message: discord.Message) -> None:
        """Thank who wrote a message."""
        by = actor(interaction)
        author = person(message.author)
        if message.webhook_id is not None:
            author = Person(author.user_id, author.name, is_bot=True)
        async with self.bot.db.write() as session:
            given = await thanks.give_for_message(
                session, by=by, person=author, message_id=message.id
            )
        await self._answer(interaction, given)

    @app_commands.command()
    @app_commands.guild_only()
    @app_commands.describe(round="such as 2026-Q1")
    async def leaderboard(
        self,
        interaction: Interaction,
        round: str | None = None,  # noqa: A002 - the option's public name
    ) -> None:
        """Show whom people thank."""
        by = actor(interaction)
        async with self.bot.db.read() as session:
            board = await thanks.leaderboard(session, by.guild_id, label=round)
        if not words.has_chart(board):
            await answer(interaction, **words.leaderboard_answer(board))
            return
        await put_off(interaction)
        chart = await self.bot.draw(words.leaderboard_chart, board)
        await answer(interaction, files=[chart], **words.leaderboard_answer(board))

    @leaderboard.autocomplete("round")
    async def rounds(self, interaction: Interaction, typed: str) -> Choices:
        """Offer the rounds there are."""
        async with self.bot.db.read() as session:
            labels = await rounds.labels(session, actor(interaction).guild_id)
        return choices(((label, label) for label in labels), typed)

    async def _answer(self, interaction: Interaction, given: thanks.Given) -> None:
        await answer(interaction, words.given(given), view=words.take_back_button(given))
        assert interaction.guild_id is not None
        await self.bot.deliver(interaction.guild_id)


async def setup(bot: Stipend) -> None:
    """Load the commands, and let the buttons work, also those of before a restart."""
    bot.add_dynamic_items(UnthankButton, WhoThankedButton)
    await bot.add_cog(Thanks(bot))
