"""Buttons whose state is in their id, so that they work after a restart."""

from __future__ import annotations

import discord

from bot.ui.answers import View


def confirm_button(number: int, label: str) -> discord.ui.View:
    """Return the one red button under a question; its number finds what was asked."""
    view = View(timeout=None)
    view.add_item(
        discord.ui.Button(
            label=label, style=discord.ButtonStyle.danger, custom_id=f"confirm:{number}"
        )
    )
    return view
