"""/round: opening, watching and ending rounds; and the threads they live in."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.domain.errors import Refusal
from bot.services import confirmations, rounds
from bot.ui import overviews
from bot.ui.answers import add_problems, answer
from bot.ui.buttons import confirm_button
from cogs.transformers import Choices, Interaction, actor, choices

if TYPE_CHECKING:
    from bot.client import Stipend


@app_commands.guild_only()
class Rounds(commands.GroupCog, group_name="round", group_description="Reward periods"):
    """Commands about rounds."""

    def __init__(self, bot: Stipend) -> None:
        self.bot = bot

    @app_commands.command()
    async def open(self, interaction: Interaction) -> None:
        """Open the first round; later ones open by themselves (committee)."""
        by = actor(interaction)
        async with self.bot.db.write() as session:
            opened = await rounds.open_by_hand(session, by=by)
        text = overviews.opened(opened)
        await answer(interaction, text)
        await add_problems(interaction, text, await self.bot.deliver(by.guild_id))

    @app_commands.command()
    @app_commands.describe(round="such as 2026-Q1")
    async def status(
        self,
        interaction: Interaction,
        round: str | None = None,  # noqa: A002 - the option's public name
    ) -> None:
        """Show dates, hours and how much of the cap is used."""
        status = partial(rounds.status, guild_id=actor(interaction).guild_id, label=round)
        found = await self.bot.db.apart(status, writes=False)
        await answer(interaction, embed=overviews.status(found))

    @app_commands.command()
    @app_commands.describe(reason="why it ends now; shown in the thread")
    async def close(self, interaction: Interaction, reason: str) -> None:
        """End the open round now (committee)."""
        by = actor(interaction)
        async with self.bot.db.write() as session:
            round_ = await rounds.may_close(session, by=by)
            facts = {"round_id": round_.id, "reason": _words(reason)}
            number = await confirmations.ask(session, by=by, act="round.close", facts=facts)
        await answer(
            interaction,
            f"Close {round_.label} now? No more hours go into it; the next round opens at once.",
            view=confirm_button(number, f"Close {round_.label}"),
        )

    @app_commands.command()
    @app_commands.describe(reason="why it opens again")
    async def reopen(self, interaction: Interaction, reason: str) -> None:
        """Open the newest closed round again, until its draft is due (committee)."""
        by = actor(interaction)
        async with self.bot.db.write() as session:
            opened = await rounds.reopen(session, by=by, reason=_words(reason))
        await answer(interaction, overviews.reopened(opened))
        await self.bot.deliver(by.guild_id)

    @app_commands.command()
    @app_commands.describe(reason="why it is not paid", round="such as 2026-Q1")
    async def void(
        self,
        interaction: Interaction,
        reason: str,
        round: str | None = None,  # noqa: A002 - the option's public name
    ) -> None:
        """Void a round: nothing of it is paid (committee)."""
        by = actor(interaction)
        async with self.bot.db.write() as session:
            round_ = await rounds.may_void(session, by=by, label=round)
            facts = {"round_id": round_.id, "reason": _words(reason)}
            number = await confirmations.ask(session, by=by, act="round.void", facts=facts)
        await answer(
            interaction,
            f"Void {round_.label}? Its entries stay readable and nobody is paid for them. "
            "This cannot be undone.",
            view=confirm_button(number, f"Void {round_.label}"),
        )

    @status.autocomplete("round")
    @void.autocomplete("round")
    async def rounds(self, interaction: Interaction, typed: str) -> Choices:
        """Offer the rounds there are."""
        async with self.bot.db.read() as session:
            labels = await rounds.labels(session, actor(interaction).guild_id)
        return choices(((label, label) for label in labels), typed)

    @commands.Cog.listener()
    async def on_raw_thread_update(self, payload: discord.RawThreadUpdateEvent) -> None:
        """Keep the thread of an open round out of the archive."""
        await self.bot.delivery.thread_changed(dict(payload.data))

    @commands.Cog.listener()
    async def on_raw_thread_delete(self, payload: discord.RawThreadDeleteEvent) -> None:
        """Remember that a thread is gone."""
        await self.bot.delivery.thread_deleted(payload.guild_id, payload.thread_id)

    @commands.Cog.listener()
    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        """Rebuild a board that somebody deleted."""
        if payload.guild_id is not None:
            await self.bot.delivery.messages_deleted(payload.guild_id, [payload.message_id])

    @commands.Cog.listener()
    async def on_raw_bulk_message_delete(self, payload: discord.RawBulkMessageDeleteEvent) -> None:
        """Rebuild a board that somebody deleted among others."""
        if payload.guild_id is not None:
            await self.bot.delivery.messages_deleted(payload.guild_id, payload.message_ids)

    @commands.Cog.listener()
    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        """Pin a board again that somebody unpinned."""
        await self.bot.delivery.message_changed(payload.data)


def _words(reason: str) -> str:
    words = reason.strip()
    if not words:
        raise Refusal("Give a `reason` in words: others will read it.")
    return words[:1000]


async def setup(bot: Stipend) -> None:
    """Load the commands."""
    await bot.add_cog(Rounds(bot))
