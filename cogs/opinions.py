"""The buttons under the card of an entry: too low, fair, too high."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Self

import discord

from bot.domain.opinions import Opinion
from bot.services import opinions
from bot.ui import cards
from bot.ui.answers import answer, answer_error
from cogs.transformers import Press, actor

if TYPE_CHECKING:
    from bot.client import Stipend


class OpinionButton(
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"opinion:(?P<entry>[0-9]{1,12}):(?P<opinion>low|fair|high)",
):
    """What whoever presses it thinks of an entry; both are in its id."""

    def __init__(self, number: int, opinion: Opinion) -> None:
        super().__init__(discord.ui.Button(custom_id=f"opinion:{number}:{opinion}"))
        self.number, self.opinion = number, opinion

    @classmethod
    async def from_custom_id(
        cls, _interaction: Press, _item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Read entry and opinion from the id of the button."""
        return cls(int(match["entry"]), Opinion(match["opinion"]))

    async def callback(self, interaction: Press) -> None:
        """Store the opinion."""
        try:
            by = actor(interaction)
            async with interaction.client.db.write() as session:
                given = await opinions.give(
                    session, by=by, number=self.number, opinion=self.opinion
                )
            await answer(interaction, cards.opinion_given(given))
            await interaction.client.deliver(by.guild_id)
        except Exception as error:  # noqa: BLE001 - everything is answered in one place
            await answer_error(interaction, error)


async def setup(bot: Stipend) -> None:
    """Let the buttons work, also those of before a restart."""
    bot.add_dynamic_items(OpinionButton)
