"""/dispute: objections to a published statement, and the committee's decisions."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.domain.disputes import Outcome
from bot.services import disputes, rounds, settings
from bot.ui import disputes as words
from bot.ui.answers import answer, put_off
from bot.ui.pager import paged
from cogs.transformers import Choices, Interaction, actor, choices, count_with_role

if TYPE_CHECKING:
    from bot.client import Stipend


@app_commands.guild_only()
class Disputes(commands.GroupCog, group_name="dispute", group_description="Something is wrong"):
    """Commands about disputes."""

    def __init__(self, bot: Stipend) -> None:
        self.bot = bot

    @app_commands.command(name="open")
    @app_commands.describe(
        reason="what is wrong; for the committee only",
        helper="whose line; without it the whole statement",
        round="such as 2026-Q1",
    )
    async def submit(
        self,
        interaction: Interaction,
        reason: str,
        helper: discord.User | discord.Member | None = None,
        round: str | None = None,  # noqa: A002 - the option's public name
    ) -> None:
        """Dispute a line of a published statement, or all of it; you get a receipt."""
        by = actor(interaction)
        submit = partial(
            disputes.submit,
            by=by,
            reason=reason,
            user_id=helper.id if helper else None,
            label=round,
        )
        opened = await self.bot.db.apart(submit, writes=True)
        await answer(interaction, words.receipt(opened))
        await self.bot.deliver(by.guild_id)

    @app_commands.command(name="list")
    async def listing(self, interaction: Interaction) -> None:
        """Show the disputes and what became of them."""
        async with self.bot.db.read() as session:
            found = await disputes.listing(session, by=actor(interaction))
        await answer(interaction, **paged(words.listing(found)))

    @app_commands.command()
    @app_commands.describe(dispute="its number")
    async def withdraw(self, interaction: Interaction, dispute: str) -> None:
        """Take your own dispute back while it is open."""
        by = actor(interaction)
        async with self.bot.db.write() as session:
            told = await disputes.withdraw(session, by=by, number=dispute)
        await answer(interaction, words.withdrawn(told))
        await self.bot.deliver(by.guild_id)

    @app_commands.command()
    @app_commands.describe(
        dispute="its number",
        outcome="stands: nothing changes; modify: another amount; void: nothing for this line",
        reason="why; it is posted in public",
        amount="with modify: the new amount of the line, such as 90.00",
    )
    @app_commands.choices(
        outcome=[app_commands.Choice(name=each.value, value=each.value) for each in Outcome]
    )
    async def resolve(
        self,
        interaction: Interaction,
        dispute: str,
        outcome: str,
        reason: str,
        amount: str | None = None,
    ) -> None:
        """Decide a dispute that does not concern yourself (committee)."""
        by = actor(interaction)
        seats = await self._committee_concerned(interaction, dispute)
        resolve = partial(
            disputes.resolve,
            by=by,
            number=dispute,
            outcome=outcome,
            reason=reason,
            amount=amount,
            committee_concerned=seats,
        )
        decided = await self.bot.db.apart(resolve, writes=True)
        await answer(interaction, words.decided(decided))
        await self.bot.deliver(by.guild_id)

    @submit.autocomplete("round")
    async def published_rounds(self, interaction: Interaction, typed: str) -> Choices:
        """Offer published rounds."""
        async with self.bot.db.read() as session:
            labels = await rounds.labels(session, actor(interaction).guild_id, public=True)
        return choices(((label, label) for label in labels), typed)

    @withdraw.autocomplete("dispute")
    async def own(self, interaction: Interaction, typed: str) -> Choices:
        """Offer one's own open disputes."""
        async with self.bot.db.read() as session:
            rows = await disputes.own_open(session, by=actor(interaction))
        return choices(rows, typed)

    @resolve.autocomplete("dispute")
    async def to_decide(self, interaction: Interaction, typed: str) -> Choices:
        """Offer the open disputes to those who decide."""
        async with self.bot.db.read() as session:
            rows = await disputes.to_decide(session, by=actor(interaction))
        return choices(rows, typed)

    async def _committee_concerned(self, interaction: Interaction, number: str) -> int | None:
        """Count the committee members whom a dispute concerns, for an admin who is none."""
        assert interaction.guild is not None
        by = actor(interaction)
        async with self.bot.db.read() as session:
            policy = (await settings.current(session, by.guild_id)).policy
            role_id, seats = policy.committee_role, policy.committee_seats
            if role_id is None or role_id in by.role_ids or seats is None or not by.manages_server:
                return None
        concern = await self.bot.db.apart(
            partial(disputes.concern, guild_id=by.guild_id, number=number), writes=False
        )
        if concern is None or by.user_id in concern.everybody:
            return None
        await put_off(interaction)
        users = sorted(concern.everybody)
        return await count_with_role(interaction.guild, users, role_id=role_id, most=seats)


async def setup(bot: Stipend) -> None:
    """Load the commands."""
    await bot.add_cog(Disputes(bot))
