"""/settings: everything a server can set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.domain import policy
from bot.domain.errors import Refusal
from bot.domain.people import require_admin
from bot.services import settings
from bot.ui import overviews
from bot.ui.answers import answer
from bot.ui.pager import paged
from cogs.transformers import Choices, Interaction, actor, choices

if TYPE_CHECKING:
    from bot.client import Stipend

ZONES_FIRST = ("UTC", "Europe/Berlin", "Europe/London", "America/New_York", "Asia/Singapore")


@app_commands.guild_only()
@app_commands.default_permissions(manage_guild=True)
class SettingsCog(
    commands.GroupCog, group_name="settings", group_description="How Stipend works in this server"
):
    """Commands of admins."""

    def __init__(self, bot: Stipend) -> None:
        self.bot = bot

    @app_commands.command()
    async def show(self, interaction: Interaction) -> None:
        """Show all settings, what they mean and who set them."""
        by = actor(interaction)
        require_admin(by)
        async with self.bot.db.read() as session:
            rows = await settings.overview(session, by.guild_id)
        await answer(interaction, **paged(overviews.settings(rows)))

    @app_commands.command(name="set")
    @app_commands.describe(name="which setting", value="the new value; - clears it")
    async def set_(self, interaction: Interaction, name: str, value: str) -> None:
        """Change one setting."""
        by = actor(interaction)
        require_admin(by)
        _require_here(interaction, name, value)
        async with self.bot.db.write() as session:
            (change,) = await settings.change(session, by=by, values={name: value})
        await answer(interaction, overviews.changed(change))
        await self.bot.deliver(by.guild_id)

    @set_.autocomplete("name")
    async def names(self, _interaction: Interaction, typed: str) -> Choices:
        """Offer the settings with their meaning."""
        rows = [(name, f"{name} · {spec.meaning}") for name, spec in policy.SETTINGS.items()]
        return choices(rows, typed)

    @set_.autocomplete("value")
    async def values(self, interaction: Interaction, typed: str) -> Choices:
        """Offer what the chosen setting accepts."""
        spec = policy.SETTINGS.get(str(getattr(interaction.namespace, "name", "")).strip().lower())
        if spec is None:
            return []
        if spec.name == "timezone":
            return choices(((zone, zone) for zone in policy.zones(typed) or ZONES_FIRST), "")
        if interaction.guild is not None and spec.kind == "channel":
            channels = interaction.guild.text_channels
            return choices(((str(c.id), f"#{c.name}") for c in channels), typed)
        if interaction.guild is not None and spec.kind == "role":
            roles = [role for role in interaction.guild.roles if not role.is_default()]
            return choices(((str(role.id), f"@{role.name}") for role in roles), typed)
        return choices(((word, word) for word in spec.choices), typed)


def _require_here(interaction: Interaction, name: str, value: str) -> None:
    """Refuse a channel or role that this server does not have."""
    spec = policy.setting(name)
    if spec.kind not in {"channel", "role"} or value.strip() == policy.CLEAR:
        return
    assert interaction.guild is not None
    found = int(policy.change({}, spec.name, value)[spec.name])
    if spec.kind == "channel":
        if not isinstance(interaction.guild.get_channel(found), discord.TextChannel):
            raise Refusal(f"`{spec.name}` accepts a text channel of this server, such as #support.")
    elif interaction.guild.get_role(found) is None or found == interaction.guild.id:
        raise Refusal(f"`{spec.name}` accepts a role of this server, such as @Committee.")


async def setup(bot: Stipend) -> None:
    """Load the commands."""
    await bot.add_cog(SettingsCog(bot))
