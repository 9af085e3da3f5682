"""Presses behind which nothing stands: made up in a changed client, or of a form long gone.

discord.py drops them without a word, and Discord then says that the bot did not respond.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import discord

from bot.domain.errors import Refusal
from bot.ui.answers import answer_error

PRESSES = (discord.InteractionType.component, discord.InteractionType.modal_submit)
GONE = "Nothing stands behind this any more. Use the command again; `/help` shows them."


def is_press(interaction: discord.Interaction[Any]) -> bool:
    """Whether somebody used a button, menu or form, and no command."""
    return interaction.type in PRESSES


async def answer_unknown(interaction: discord.Interaction[Any]) -> None:
    """Answer a press that no part of the bot answers; nothing is changed."""
    if not interaction.response.is_done() and not _is_known(interaction):
        await answer_error(interaction, Refusal(GONE))


def _is_known(interaction: discord.Interaction[Any]) -> bool:
    """Whether discord.py hands this on, by the same look-ups as it makes itself."""
    store = interaction.client._connection._view_store  # noqa: SLF001 - there is no other way to it
    pressed = cast("Mapping[str, Any]", interaction.data)
    custom_id = pressed["custom_id"]
    if interaction.type is discord.InteractionType.modal_submit:
        return custom_id in store._modals  # noqa: SLF001
    key = (pressed["component_type"], custom_id)
    places = (interaction.message.id if interaction.message else None, None)
    if any(key in store._views.get(place, {}) for place in places):  # noqa: SLF001
        return True
    dynamic = store._dynamic_items  # noqa: SLF001
    return any(pattern.fullmatch(custom_id) for pattern in dynamic) and _is_on(interaction, key)


def _is_on(interaction: discord.Interaction[Any], key: tuple[int, str]) -> bool:
    """Whether a component is on the message under which it is said to have been pressed."""
    if interaction.message is None:
        return False
    view = discord.ui.View.from_message(interaction.message, timeout=None)
    parts = [(part.type.value, getattr(part, "custom_id", None)) for part in view.walk_children()]
    return key in parts
