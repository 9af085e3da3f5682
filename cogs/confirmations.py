"""The red buttons: what was asked is carried out by whoever was asked, once."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import discord

from bot.services import confirmations, mydata, payments, roster, rounds
from bot.services.roster import Standing
from bot.ui import mydata as mydata_words
from bot.ui import overviews, statements
from bot.ui.answers import answer, answer_error, answer_in_place
from bot.ui.pager import OldPages
from bot.ui.roles import with_role
from cogs.transformers import Interaction, Press, actor

if TYPE_CHECKING:
    from bot.client import Stipend

ACTS: Mapping[str, tuple[Callable[..., Awaitable[Any]], Callable[[Any], str]]] = {
    "helper.leave": (roster.leave, overviews.gone),
    "helper.remove": (roster.remove, overviews.gone),
    "mydata.delete": (mydata.delete, mydata_words.deleted),
    "round.close": (rounds.close, overviews.closed),
    "round.void": (rounds.void, overviews.voided),
}


class ConfirmButton(
    discord.ui.DynamicItem[discord.ui.Button[Any]], template=r"confirm:(?P<number>[0-9]{1,18})"
):
    """The answer to a question; its number finds what was asked."""

    def __init__(self, number: int) -> None:
        super().__init__(discord.ui.Button(custom_id=f"confirm:{number}"))
        self.number = number

    @classmethod
    async def from_custom_id(
        cls, _interaction: Press, _item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Read the number from the id of the button."""
        return cls(int(match["number"]))

    async def callback(self, interaction: Press) -> None:
        """Carry out what was asked."""
        try:
            await self._carry_out(interaction)
        except Exception as error:  # noqa: BLE001 - everything is answered in one place
            await answer_error(interaction, error)

    async def _carry_out(self, interaction: Interaction) -> None:
        by = actor(interaction)
        # What was seen and not yet written down is to be erased, too.
        await interaction.client.traces.flush()
        acts = {name: act for name, (act, _) in ACTS.items()}
        carry_out = partial(confirmations.carry_out, by=by, number=self.number, acts=acts)
        name, outcome = await interaction.client.db.apart(carry_out, writes=True)
        _, words = ACTS[name]
        text = words(outcome)
        if isinstance(outcome, mydata.Deleted):
            await interaction.client.traces.forget(by.guild_id, by.user_id)
        standing = outcome.standing if isinstance(outcome, mydata.Deleted) else outcome
        if isinstance(standing, Standing):
            text = await with_role(interaction, standing, text)
        await answer_in_place(interaction, content=text, view=None)
        await interaction.client.deliver(by.guild_id)


class TakeBackButton(
    discord.ui.DynamicItem[discord.ui.Button[Any]], template=r"take_back:(?P<number>[0-9]{1,18})"
):
    """The second member's yes to taking a recorded payment back."""

    def __init__(self, number: int) -> None:
        super().__init__(discord.ui.Button(custom_id=f"take_back:{number}"))
        self.number = number

    @classmethod
    async def from_custom_id(
        cls, _interaction: Press, _item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Read the number from the id of the button."""
        return cls(int(match["number"]))

    async def callback(self, interaction: Press) -> None:
        """Confirm the proposal."""
        try:
            by = actor(interaction)
            confirm = partial(payments.confirm, by=by, number=self.number)
            done = await interaction.client.db.apart(confirm, writes=True)
            await answer(interaction, statements.taken_back(done))
            await interaction.client.deliver(by.guild_id)
        except Exception as error:  # noqa: BLE001 - everything is answered in one place
            await answer_error(interaction, error)


async def setup(bot: Stipend) -> None:
    """Let the buttons work, also those of before a restart."""
    bot.add_dynamic_items(ConfirmButton, TakeBackButton)
    bot.add_view(OldPages())
