"""/payout: from the draft to the recorded payment."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.domain import payfiles
from bot.domain.errors import Refusal
from bot.domain.people import is_committee
from bot.services import batches, payments, rounds, settings, settlement
from bot.ui import payfiles as batch_ui
from bot.ui import reviews, statements
from bot.ui.answers import add_problems, answer, put_off
from bot.ui.pager import paged
from cogs.transformers import (
    Choices,
    Interaction,
    actor,
    choices,
    count_with_role,
    person,
    words,
)

if TYPE_CHECKING:
    from bot.client import Stipend

FORMATS = (*payfiles.STATEMENT_FORMATS, *payfiles.FORMATS)


@app_commands.guild_only()
class Payout(commands.GroupCog, group_name="payout", group_description="What is paid, and why"):
    """Commands about drafts, statements and payments."""

    def __init__(self, bot: Stipend) -> None:
        self.bot = bot

    @app_commands.command()
    @app_commands.describe(round="such as 2026-Q1")
    async def preview(
        self,
        interaction: Interaction,
        round: str | None = None,  # noqa: A002 - the option's public name
    ) -> None:
        """Show the draft as it is now; changes nothing (committee)."""
        by = actor(interaction)
        preview = partial(settlement.preview_with_presence, by=by, label=round)
        draft, seen = await self.bot.db.apart(preview, writes=False)
        await put_off(interaction)
        chart = await self.bot.draw(statements.chart, draft.statement, draft.shown)
        pages = await self.bot.draw(statements.preview, draft)
        pages += reviews.presence(draft.statement, seen)
        await answer(interaction, files=[chart], **paged(pages))

    @app_commands.command()
    @app_commands.describe(
        helper="whose line",
        reason="why; the committee and the statement show it",
        minutes="minutes to add, or to take with a minus",
        amount="an amount to add, or to take with a minus: 25.00 or -25.00",
        round="such as 2026-Q1",
    )
    async def adjust(
        self,
        interaction: Interaction,
        helper: discord.User | discord.Member,
        reason: str,
        minutes: int | None = None,
        amount: str | None = None,
        round: str | None = None,  # noqa: A002 - the option's public name
    ) -> None:
        """Change a line of the draft; the original stays on record (committee)."""
        by = actor(interaction)
        adjust = partial(
            settlement.adjust,
            by=by,
            person=person(helper),
            reason=reason,
            minutes=minutes,
            amount=amount,
            label=round,
        )
        change = await self.bot.db.apart(adjust, writes=True)
        await answer(interaction, statements.adjusted(change))
        await self.bot.deliver(by.guild_id)

    @app_commands.command()
    @app_commands.describe(
        price="the price of one unit of the payment currency, such as 18.27",
        source="where the price comes from",
    )
    async def price(self, interaction: Interaction, price: str, source: str) -> None:
        """Enter the conversion price of the draft (committee)."""
        by = actor(interaction)
        set_price = partial(settlement.set_price, by=by, price=price, source=source)
        draft = await self.bot.db.apart(set_price, writes=True)
        await answer(interaction, statements.priced(draft))
        await self.bot.deliver(by.guild_id)

    @app_commands.command()
    async def approve(self, interaction: Interaction) -> None:
        """Approve the oldest draft exactly as it is now (committee)."""
        by = actor(interaction)
        seats = await self._committee_lines(interaction) if by.manages_server else None
        approve = partial(settlement.approve, by=by, committee_lines=seats)
        approval = await self.bot.db.apart(approve, writes=True)
        await answer(interaction, statements.approved(approval))
        await self.bot.deliver(by.guild_id)

    @app_commands.command()
    async def publish(self, interaction: Interaction) -> None:
        """Publish the approved draft (committee)."""
        by = actor(interaction)
        published = await self.bot.db.apart(partial(settlement.publish, by=by), writes=True)
        text = statements.publication(published)
        await answer(interaction, text)
        await add_problems(interaction, text, await self.bot.deliver(by.guild_id))

    @app_commands.command()
    @app_commands.describe(
        format="the statement, or a payment file: safe-csv, safe-json, disperse, mimir",
        round="such as 2026-Q1",
    )
    @app_commands.autocomplete(format=words(*FORMATS))
    async def export(
        self,
        interaction: Interaction,
        format: str,  # noqa: A002 - the option's public name
        round: str | None = None,  # noqa: A002 - the option's public name
    ) -> None:
        """Get a published statement, or the files that pay it (committee)."""
        wanted = format.strip().lower()
        if wanted not in FORMATS:
            raise Refusal(f"`format` is one of: {', '.join(FORMATS)}.")
        if wanted in payfiles.FORMATS:
            await self._hand_over(interaction, wanted, round)
            return
        by = actor(interaction)
        show = partial(settlement.show_with_addresses, by=by, label=round)
        found, known = await self.bot.db.apart(show, writes=False)
        if wanted == "csv":
            file = await self.bot.draw(batch_ui.committee_csv, found, known)
            await answer(interaction, batch_ui.exported_csv(found, known), files=[file])
            return
        file = await self.bot.draw(statements.export, found, wanted)
        await answer(interaction, statements.exported(found, wanted), files=[file])

    async def _hand_over(self, interaction: Interaction, wanted: str, label: str | None) -> None:
        """Answer with the open batch in a format of wallets."""
        by = actor(interaction)
        export = partial(batches.export, by=by, file_format=wanted, label=label)
        batch = await self.bot.db.apart(export, writes=True)
        await answer(interaction, batch_ui.handed(batch), files=batch_ui.files(batch))
        await self.bot.deliver(by.guild_id)

    @app_commands.command()
    @app_commands.describe(
        reference="what finds the payment again, such as a transaction hash",
        helper="one line; without it and a batch every due line",
        batch="the number of a batch: all that it pays",
        round="such as 2026-Q1",
    )
    async def paid(
        self,
        interaction: Interaction,
        reference: str,
        helper: discord.User | discord.Member | None = None,
        batch: str | None = None,
        round: str | None = None,  # noqa: A002 - the option's public name
    ) -> None:
        """Record that one line, a batch, or every due line, was paid (committee)."""
        by = actor(interaction)
        record = partial(
            payments.record,
            by=by,
            reference=reference,
            user_id=helper.id if helper else None,
            batch=batch,
            label=round,
        )
        payment = await self.bot.db.apart(record, writes=True)
        await answer(interaction, batch_ui.recorded(payment))
        await self.bot.deliver(by.guild_id)

    @app_commands.command()
    @app_commands.describe(reference="of the wrongly recorded payment", reason="what is wrong")
    async def correct(self, interaction: Interaction, reference: str, reason: str) -> None:
        """Take a wrongly recorded payment back; a second member confirms (committee)."""
        by = actor(interaction)
        correct = partial(payments.correct, by=by, reference=reference, reason=reason)
        change = await self.bot.db.apart(correct, writes=True)
        await answer(interaction, statements.taken_back(change))
        await self.bot.deliver(by.guild_id)

    @app_commands.command()
    @app_commands.describe(batch="its number", reason="why it is not paid")
    async def cancel(self, interaction: Interaction, batch: str, reason: str) -> None:
        """Give an unpaid batch up (committee)."""
        by = actor(interaction)
        async with self.bot.db.write() as session:
            given_up = await batches.cancel(session, by=by, batch=batch, reason=reason)
        await answer(interaction, batch_ui.cancelled(given_up))
        await self.bot.deliver(by.guild_id)

    @app_commands.command()
    @app_commands.describe(round="such as 2026-Q1")
    async def show(
        self,
        interaction: Interaction,
        round: str | None = None,  # noqa: A002 - the option's public name
    ) -> None:
        """Show a published statement with its files."""
        by = actor(interaction)
        show = partial(settlement.show, guild_id=by.guild_id, label=round)
        found = await self.bot.db.apart(show, writes=False)
        await put_off(interaction)
        files = await self.bot.draw(statements.files, found)
        pages = await self.bot.draw(statements.published, found)
        await answer(interaction, files=files, **paged(pages))

    @app_commands.command()
    @app_commands.describe(round="such as 2026-Q1")
    async def mine(
        self,
        interaction: Interaction,
        round: str | None = None,  # noqa: A002 - the option's public name
    ) -> None:
        """Explain your own amount, and what is still open."""
        mine = partial(payments.mine, by=actor(interaction), label=round)
        own = await self.bot.db.apart(mine, writes=False)
        await answer(interaction, statements.mine(own))

    @preview.autocomplete("round")
    @adjust.autocomplete("round")
    async def every_round(self, interaction: Interaction, typed: str) -> Choices:
        """Offer all rounds."""
        async with self.bot.db.read() as session:
            labels = await rounds.labels(session, actor(interaction).guild_id)
        return choices(((label, label) for label in labels), typed)

    @export.autocomplete("round")
    @paid.autocomplete("round")
    @show.autocomplete("round")
    @mine.autocomplete("round")
    async def published_rounds(self, interaction: Interaction, typed: str) -> Choices:
        """Offer published rounds."""
        async with self.bot.db.read() as session:
            labels = await rounds.labels(session, actor(interaction).guild_id, public=True)
        return choices(((label, label) for label in labels), typed)

    @correct.autocomplete("reference")
    async def references(self, interaction: Interaction, typed: str) -> Choices:
        """Offer recorded references to the committee."""
        by = actor(interaction)
        async with self.bot.db.read() as session:
            if not is_committee((await settings.current(session, by.guild_id)).policy, by):
                return []
            found = await payments.references(session, by.guild_id)
        return choices(((reference, reference) for reference in found), typed)

    @paid.autocomplete("batch")
    @cancel.autocomplete("batch")
    async def open_batches(self, interaction: Interaction, typed: str) -> Choices:
        """Offer open batches to the committee."""
        by = actor(interaction)
        async with self.bot.db.read() as session:
            if not is_committee((await settings.current(session, by.guild_id)).policy, by):
                return []
            found = await batches.open_numbers(session, by.guild_id)
        return choices(found, typed)

    async def _committee_lines(self, interaction: Interaction) -> int:
        """Count the committee members with a line in the draft."""
        assert interaction.guild is not None
        by = actor(interaction)
        async with self.bot.db.read() as session:
            policy = (await settings.current(session, by.guild_id)).policy
            role_id, seats = policy.committee_role, policy.committee_seats
            if role_id is None or role_id in by.role_ids or seats is None:
                return 0
        users = await self.bot.db.apart(
            partial(settlement.draft_users, guild_id=by.guild_id), writes=False
        )
        await put_off(interaction)
        return await count_with_role(interaction.guild, users, role_id=role_id, most=seats)


async def setup(bot: Stipend) -> None:
    """Load the commands."""
    await bot.add_cog(Payout(bot))
