"""The role of helpers: given and taken where it is set and Discord permits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import discord

from bot.domain.states import Helper

if TYPE_CHECKING:
    from bot.services.roster import Standing


async def with_role(interaction: discord.Interaction[Any], standing: Standing, text: str) -> str:
    """Give or take the helper role, and return the answer with what came of it."""
    if standing.role_id is None or standing.state is Helper.CANDIDATE or interaction.guild is None:
        return text
    member = discord.Object(standing.user_id)
    gives = standing.state in (Helper.ACTIVE, Helper.DROPPED)
    change = interaction.client.http.add_role if gives else interaction.client.http.remove_role
    try:
        await change(interaction.guild.id, member.id, standing.role_id, reason="roster")
    except discord.NotFound:
        return (
            f"{text}\nThe helper role or the member is not there any more, so no role was changed."
        )
    except discord.RateLimited:
        return (
            f"{text}\nDiscord lets the bot change no roles for a while, so <@&{standing.role_id}> "
            "is as it was: change it by hand. Everything else is done."
        )
    except discord.HTTPException:
        what = "given" if gives else "taken"
        return (
            f"{text}\nThe role <@&{standing.role_id}> could not be {what}: the bot needs Manage "
            "Roles and a role above it. Everything else is done."
        )
    return text
