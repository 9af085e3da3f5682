"""/hours: logging time and correcting it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.services import hours, rounds
from bot.ui import cards
from bot.ui.answers import answer
from bot.ui.pager import paged
from cogs.transformers import Choices, Interaction, actor, choices, person, words

if TYPE_CHECKING:
    from bot.client import Stipend


@app_commands.guild_only()
class Hours(commands.GroupCog, group_name="hours", group_description="Log the time you helped"):
    """Commands of helpers for their own time."""

    def __init__(self, bot: Stipend) -> None:
        self.bot = bot

    @app_commands.command()
    @app_commands.describe(
        duration="2h30m, 2:30, 2.5h or 150m",
        note="what you did",
        category="where you helped",
        date="the day, if not today: 2026-03-14 or yesterday",
        evidence="a link",
        helper="committee only: log for somebody else",
    )
    @app_commands.autocomplete(category=words(*hours.CATEGORIES))
    async def log(
        self,
        interaction: Interaction,
        duration: str,
        note: str,
        category: str | None = None,
        date: str | None = None,
        evidence: str | None = None,
        helper: discord.User | discord.Member | None = None,
    ) -> None:
        """Log time you helped, in the round that is open."""
        entry = await self.bot.db.express(
            partial(
                hours.log,
                by=actor(interaction),
                duration=duration,
                note=note,
                category=category,
                work_date=date,
                evidence=evidence,
                helper=person(helper) if helper else None,
            )
        )
        await self._answer(interaction, cards.logged(entry), entry.number)

    @app_commands.command()
    @app_commands.describe(note="what you are doing")
    async def start(self, interaction: Interaction, note: str | None = None) -> None:
        """Start your clock."""
        async with self.bot.db.write() as session:
            clock = await hours.start(session, by=actor(interaction), note=note)
        await answer(interaction, cards.started(clock))

    @app_commands.command()
    @app_commands.describe(note="what you did")
    async def stop(self, interaction: Interaction, note: str | None = None) -> None:
        """Stop your clock and log the time."""
        async with self.bot.db.write() as session:
            entry = await hours.stop(session, by=actor(interaction), note=note)
        await self._answer(interaction, cards.logged(entry), entry.number)

    @app_commands.command(name="list")
    @app_commands.describe(round="such as 2026-Q1", helper="committee only: somebody else's")
    async def list_(
        self,
        interaction: Interaction,
        round: str | None = None,  # noqa: A002 - the option's public name
        helper: discord.User | discord.Member | None = None,
    ) -> None:
        """Show your entries with their numbers."""
        async with self.bot.db.read() as session:
            found = await hours.listing(
                session,
                by=actor(interaction),
                label=round,
                helper=person(helper) if helper else None,
            )
        await answer(interaction, **paged(cards.listing(found)))

    @app_commands.command()
    @app_commands.describe(
        entry="its number",
        duration="the new duration: 2h30m, 2:30, 2.5h or 150m",
        note="the new note",
        category="the new category",
    )
    @app_commands.autocomplete(category=words(*hours.CATEGORIES))
    async def edit(
        self,
        interaction: Interaction,
        entry: str,
        duration: str | None = None,
        note: str | None = None,
        category: str | None = None,
    ) -> None:
        """Correct one of your entries before the round closes."""
        async with self.bot.db.write() as session:
            changed = await hours.edit(
                session,
                by=actor(interaction),
                number=entry,
                duration=duration,
                note=note,
                category=category,
            )
        await self._answer(interaction, cards.edited(changed), changed.number)

    @app_commands.command()
    @app_commands.describe(entry="its number")
    async def withdraw(self, interaction: Interaction, entry: str) -> None:
        """Withdraw one of your entries before the round closes."""
        async with self.bot.db.write() as session:
            gone = await hours.withdraw(session, by=actor(interaction), number=entry)
        await self._answer(interaction, cards.withdrawn(gone), gone.number)

    @app_commands.command()
    async def done(self, interaction: Interaction) -> None:
        """Say that your hours of this round are complete."""
        async with self.bot.db.write() as session:
            mine = await hours.done(session, by=actor(interaction))
        await answer(interaction, cards.done(mine))

    @edit.autocomplete("entry")
    @withdraw.autocomplete("entry")
    async def own_entries(self, interaction: Interaction, typed: str) -> Choices:
        """Offer one's own entries of the open round."""
        by = actor(interaction)
        async with self.bot.db.read() as session:
            entries = await hours.own_entries(session, by.guild_id, user_id=by.user_id)
        return choices(hours.rows_of(entries), typed)

    @list_.autocomplete("round")
    async def rounds(self, interaction: Interaction, typed: str) -> Choices:
        """Offer the rounds there are."""
        async with self.bot.db.read() as session:
            labels = await rounds.labels(session, actor(interaction).guild_id)
        return choices(((label, label) for label in labels), typed)

    async def _answer(self, interaction: Interaction, text: str, number: int) -> None:
        """Answer, then bring the card up to date; where that fails, the answer says so."""
        await answer(interaction, text)
        assert interaction.guild_id is not None
        problems = await self.bot.deliver(interaction.guild_id)
        problem = problems.get(f"entry:{number}")
        if problem:
            note = f"The card could not be shown: {problem} The entry counts all the same."
            await interaction.edit_original_response(content=f"{text}\n{note}")


async def setup(bot: Stipend) -> None:
    """Load the commands."""
    await bot.add_cog(Hours(bot))
