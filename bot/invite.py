"""`invite`: the link that invites the bot with the least permissions."""

from __future__ import annotations

import base64
import binascii
import sys

import discord

from bot.settings import Settings

NEEDED = discord.Permissions(
    view_channel=True,
    send_messages=True,
    embed_links=True,
    attach_files=True,
    read_message_history=True,
    add_reactions=True,
    create_public_threads=True,
    send_messages_in_threads=True,
    manage_threads=True,
    pin_messages=True,
)
"""Never Administrator, and no privileged intent."""


def link(application_id: int) -> str:
    """Return the invite link of an application."""
    return discord.utils.oauth_url(
        application_id, permissions=NEEDED, scopes=("bot", "applications.commands")
    )


def run(settings: Settings) -> int:
    """Print the link; the application's id is the first part of the token."""
    try:
        first = settings.discord_token.split(".")[0]
        number = int(base64.b64decode(first + "=" * (-len(first) % 4)))
    except (ValueError, binascii.Error):
        print(
            "stipend: set STIPEND_DISCORD_TOKEN to the bot's token first; the link needs its "
            "application id",
            file=sys.stderr,
        )
        return 78
    print(link(number))
    print("If `helper_role` is to be given by the bot, also give it Manage Roles.")
    return 0
