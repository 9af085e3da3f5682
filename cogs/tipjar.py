"""/tipjar: what users tipped, and what the funder adds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from discord import app_commands
from discord.ext import commands

from bot.domain.tipjar import KINDS
from bot.services import tipjar
from bot.ui import tips
from bot.ui.answers import answer
from bot.ui.pager import paged
from cogs.transformers import Choices, Interaction, actor, choices

if TYPE_CHECKING:
    from bot.client import Stipend


@app_commands.guild_only()
class TipJar(commands.GroupCog, group_name="tipjar", group_description="Tips, shared by thanks"):
    """Commands about the tip jar of the open round."""

    def __init__(self, bot: Stipend) -> None:
        self.bot = bot

    @app_commands.command()
    async def show(self, interaction: Interaction) -> None:
        """Show what is in the tip jar, and where to tip."""
        async with self.bot.db.read() as session:
            jar = await tipjar.show(session, by=actor(interaction))
        await answer(interaction, **paged(tips.show(jar)))

    @app_commands.command()
    @app_commands.describe(
        amount="what came in, such as 25.00",
        reference="what finds the tip again, such as a transaction hash; used once",
    )
    async def record(
        self, interaction: Interaction, amount: str, reference: str | None = None
    ) -> None:
        """Put a tip into the jar, without a name (committee)."""
        async with self.bot.db.write() as session:
            change = await tipjar.record(
                session, by=actor(interaction), amount=amount, reference=reference
            )
        await answer(interaction, tips.recorded(change))

    @app_commands.command()
    @app_commands.describe(
        kind="percent of the tips, or a lump sum",
        value="such as 50 for 50 %, or an amount; 0 takes the match away",
        limit="the most that a percentage adds, such as 500.00",
    )
    @app_commands.choices(kind=[app_commands.Choice(name=kind, value=kind) for kind in KINDS])
    async def match(
        self, interaction: Interaction, kind: str, value: str, limit: str | None = None
    ) -> None:
        """Say what the funder adds to the tips of this round (committee)."""
        async with self.bot.db.write() as session:
            change = await tipjar.match(
                session, by=actor(interaction), kind=kind, value=value, limit=limit
            )
        await answer(interaction, tips.matched(change))

    @app_commands.command()
    @app_commands.describe(tip="its number", reason="what is wrong with it")
    async def correct(self, interaction: Interaction, tip: str, reason: str) -> None:
        """Take a wrongly recorded tip back before the round closes (committee)."""
        async with self.bot.db.write() as session:
            change = await tipjar.correct(session, by=actor(interaction), tip=tip, reason=reason)
        await answer(interaction, tips.corrected(change))

    @correct.autocomplete("tip")
    async def standing_tips(self, interaction: Interaction, typed: str) -> Choices:
        """Offer the tips of the open round to the committee."""
        async with self.bot.db.read() as session:
            rows = await tipjar.choices(session, by=actor(interaction))
        return choices(rows, typed)


async def setup(bot: Stipend) -> None:
    """Load the commands."""
    await bot.add_cog(TipJar(bot))
