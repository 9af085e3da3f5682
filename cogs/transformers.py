"""From Discord's objects to the plain values that services take."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

import discord
from discord import app_commands

from bot.domain.errors import Refusal
from bot.domain.people import Actor, Person
from bot.ui.text import plain, storable

if TYPE_CHECKING:
    from bot.client import Stipend

Interaction: TypeAlias = "discord.Interaction[Stipend]"
Press: TypeAlias = "discord.Interaction[Any]"
"""The interaction of a button, menu or form: discord.py does not say of which client."""
User: TypeAlias = discord.User | discord.Member
Choices: TypeAlias = list[app_commands.Choice[str]]

MOST_CHOICES = 25
LONGEST_CHOICE = 100


def actor(interaction: Interaction) -> Actor:
    """Return who acts, judged on the member in the payload of this very interaction."""
    member = interaction.user
    if interaction.guild_id is None or not isinstance(member, discord.Member):
        raise Refusal("This works in a server only. Use it in the server whose helper you are.")
    return Actor(
        guild_id=interaction.guild_id,
        user_id=member.id,
        name=member.display_name,
        # The ids come from the payload: a role missing from the cache counts all the same.
        role_ids=frozenset(member._roles),  # noqa: SLF001
        manages_server=interaction.permissions.manage_guild,
        at=interaction.created_at,
        now=interaction.client.clock(),
        interaction_id=interaction.id,
        joined_at=member.joined_at,
    )


def person(user: User) -> Person:
    """Return somebody a command is about; who left is no member."""
    return Person(
        user_id=user.id,
        name=storable(user.display_name),
        is_bot=user.bot,
        is_member=isinstance(user, discord.Member),
    )


def choices(rows: Iterable[tuple[str, str]], typed: str) -> Choices:
    """Return the rows (value, label) that contain what was typed, at most 25."""
    wanted = typed.strip().lower()
    return [
        app_commands.Choice(name=plain(label)[:LONGEST_CHOICE] or value, value=value)
        for value, label in rows
        if wanted in label.lower() or wanted in value.lower()
    ][:MOST_CHOICES]


def words(*options: str) -> Callable[[Interaction, str], Coroutine[Any, Any, Choices]]:
    """Return an autocomplete for a fixed list of words."""

    async def complete(_interaction: Interaction, typed: str) -> Choices:
        return choices(((word, word) for word in options), typed)

    return complete


async def count_with_role(
    guild: discord.Guild, user_ids: Iterable[int], *, role_id: int, most: int
) -> int:
    """Count those of some people who have a role, up to `most`.

    They are asked for one by one: member lists need a privileged intent.
    """
    count = 0
    for user_id in user_ids:
        if count >= most:
            break
        try:
            member = await guild.fetch_member(user_id)
        except discord.NotFound:
            continue
        count += any(role.id == role_id for role in member.roles)
    return count
