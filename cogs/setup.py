"""/setup: the guided first run. Every choice is stored at once, so it can be left and resumed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import discord
from discord import app_commands
from discord.ext import commands

from bot.domain import policy
from bot.domain.people import require_admin
from bot.services import outbox, rounds, settings
from bot.ui import setup as guide
from bot.ui.answers import Modal, View, answer, answer_in_place, answer_with_form
from cogs.transformers import Interaction, Press, actor

if TYPE_CHECKING:
    from bot.client import Stipend


FORM_SECONDS = 3600
"""How long the form waits for whoever opened it."""


async def store(interaction: Interaction, values: Mapping[str, str], *, step: int) -> None:
    """Store what was chosen and show where things stand."""
    by = actor(interaction)
    async with interaction.client.db.write() as session:
        await settings.change(session, by=by, values=values)
    await show(interaction, step=step, in_place=True)
    await interaction.client.deliver(by.guild_id)


async def show(interaction: Interaction, *, step: int, in_place: bool) -> None:
    """Show a step with what is set and what is missing."""
    by = actor(interaction)
    require_admin(by)
    assert interaction.guild is not None
    async with interaction.client.db.read() as session:
        document = (await settings.current(session, by.guild_id)).document
        open_label = await rounds.open_label(session, by.guild_id)
    lacking = guide.lacks(
        document,
        channels={channel.id: channel for channel in interaction.guild.channels},
        roles={role.id: role for role in interaction.guild.roles},
        me=interaction.guild.me,
    )
    embed = guide.overview(document, lacking, step=step, open_label=open_label)
    view = Places(present(document, interaction.guild)) if step == 1 else Money(document)
    if in_place:
        await answer_in_place(interaction, embed=embed, view=view)
    else:
        await answer(interaction, embed=embed, view=view)


def present(document: Mapping[str, str], guild: discord.Guild) -> dict[str, str]:
    """Leave out what was deleted meanwhile: Discord refuses menus that preselect it."""
    there = {str(channel.id) for channel in guild.channels} | {str(r.id) for r in guild.roles}
    kinds = {name: spec.kind for name, spec in policy.SETTINGS.items()}
    return {
        name: value
        for name, value in document.items()
        if kinds[name] not in {"channel", "role"} or value in there
    }


class ChannelPicker(discord.ui.ChannelSelect[View]):
    """Chooses the channel of one setting."""

    def __init__(self, name: str, placeholder: str, document: Mapping[str, str]) -> None:
        chosen = policy.value_of(document, name)
        defaults = (
            [discord.SelectDefaultValue.from_channel(discord.Object(int(chosen)))] if chosen else []
        )
        super().__init__(
            custom_id=f"setup:{name}",
            channel_types=[discord.ChannelType.text],
            placeholder=placeholder,
            default_values=defaults,
        )
        self.name = name

    async def callback(self, interaction: Press) -> None:
        """Store the choice."""
        await store(interaction, {self.name: str(self.values[0].id)}, step=1)


class RolePicker(discord.ui.RoleSelect[View]):
    """Chooses the role of one setting."""

    def __init__(self, name: str, placeholder: str, document: Mapping[str, str]) -> None:
        chosen = policy.value_of(document, name)
        defaults = (
            [discord.SelectDefaultValue.from_role(discord.Object(int(chosen)))] if chosen else []
        )
        super().__init__(
            custom_id=f"setup:{name}", placeholder=placeholder, default_values=defaults
        )
        self.name = name

    async def callback(self, interaction: Press) -> None:
        """Store the choice."""
        await store(interaction, {self.name: str(self.values[0].id)}, step=1)


class StepButton(discord.ui.Button[View]):
    """Goes to another step."""

    def __init__(self, label: str, step: int) -> None:
        super().__init__(
            label=label, style=discord.ButtonStyle.primary, custom_id=f"setup:step:{step}"
        )
        self.step = step

    async def callback(self, interaction: Press) -> None:
        """Show the other step."""
        await show(interaction, step=self.step, in_place=True)


class Places(View):
    """Step 1: channels and roles."""

    def __init__(self, document: Mapping[str, str]) -> None:
        super().__init__(timeout=None)
        self.add_item(ChannelPicker("support_channel", "Support channel", document))
        self.add_item(ChannelPicker("committee_channel", "Committee channel", document))
        self.add_item(RolePicker("moderator_role", "Role of moderators", document))
        self.add_item(RolePicker("committee_role", "Role of the committee", document))
        self.add_item(StepButton("Next: time zone and money", 2))


class ZonePicker(discord.ui.Select[View]):
    """Chooses the time zone from common ones; `/settings set` takes any other."""

    def __init__(self, document: Mapping[str, str]) -> None:
        chosen = policy.value_of(document, "timezone")
        zones = guide.ZONES if chosen in guide.ZONES else (chosen, *guide.ZONES)
        super().__init__(
            custom_id="setup:timezone",
            placeholder="Time zone of all dates",
            options=[discord.SelectOption(label=zone, default=zone == chosen) for zone in zones],
        )

    async def callback(self, interaction: Press) -> None:
        """Store the choice."""
        await store(interaction, {"timezone": self.values[0]}, step=2)


class MoneyButton(discord.ui.Button[View]):
    """Opens the form for currency, cap and rate."""

    def __init__(self) -> None:
        super().__init__(
            label="Currency, cap and rate",
            style=discord.ButtonStyle.success,
            custom_id="setup:money",
        )

    async def callback(self, interaction: Press) -> None:
        """Open the form with what is set."""
        by = actor(interaction)
        require_admin(by)
        async with interaction.client.db.read() as session:
            document = (await settings.current(session, by.guild_id)).document
        await answer_with_form(interaction, MoneyForm(document))


class Money(View):
    """Step 2: time zone, currency, cap and rate."""

    def __init__(self, document: Mapping[str, str]) -> None:
        super().__init__(timeout=None)
        self.add_item(ZonePicker(document))
        self.add_item(MoneyButton())
        self.add_item(StepButton("Back: channels and roles", 1))


class MoneyForm(Modal, title="Currency, cap and rate"):
    """The form; all three or none are stored."""

    currency: discord.ui.TextInput[Self] = discord.ui.TextInput(
        label="Currency", placeholder="USD", max_length=10
    )
    cap: discord.ui.TextInput[Self] = discord.ui.TextInput(
        label="Cap: the most a round pays", placeholder="18,000.00", max_length=40
    )
    hourly_rate: discord.ui.TextInput[Self] = discord.ui.TextInput(
        label="Hourly rate", placeholder="30.00", max_length=40
    )

    def __init__(self, document: Mapping[str, str]) -> None:
        # Each opening has an id of its own: two admins may fill it in at the same time.
        super().__init__(timeout=FORM_SECONDS)
        for name in guide.MONEY:
            field: discord.ui.TextInput[Any] = getattr(self, name)
            field.default = policy.value_of(document, name) or None

    async def on_submit(self, interaction: Press) -> None:
        """Store what was typed."""
        values = {name: str(getattr(self, name).value) for name in guide.MONEY}
        await store(interaction, values, step=2)


class Setup(commands.Cog):
    """The command that starts or resumes the guided run."""

    def __init__(self, bot: Stipend) -> None:
        self.bot = bot

    @app_commands.command()
    @app_commands.guild_only()
    @app_commands.default_permissions(manage_guild=True)
    async def setup(self, interaction: Interaction) -> None:
        """Set Stipend up, step by step; leave and come back at any time."""
        await show(interaction, step=1, in_place=False)
        by = actor(interaction)
        await self.bot.db.express(partial(outbox.unpark, guild_id=by.guild_id))
        await self.bot.deliver(by.guild_id)


async def setup(bot: Stipend) -> None:
    """Load the command, and let its menus work after a restart."""
    bot.add_view(Places({}))
    bot.add_view(Money({}))
    await bot.add_cog(Setup(bot))
