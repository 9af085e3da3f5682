"""Proposals by mention: the question in the thread, its two buttons, and the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord

from bot.domain.states import Helper
from bot.ui.answers import View

if TYPE_CHECKING:
    from bot.services.proposals import Decided, Proposed

STILL_NEEDED = {
    "vouched": "Still needed: a helper who knows them uses `/helper vouch`, or a moderator "
    "`/helper add`.",
    "moderated": "Still needed: a moderator uses `/helper add`.",
}


def proposal(proposed: Proposed) -> str:
    """Return what stands in the thread: the question, or what came of it."""
    who = f"<@{proposed.user_id}>"
    if proposed.is_open:
        return (
            f"<@{proposed.proposer_id}> mentioned {who}. Would you like to be on the board, "
            f"{who}, so that people can thank you? Only you can answer."
        )
    if proposed.accepted is None:
        return f"{who} was proposed for the board of a round that has closed."
    if not proposed.accepted:
        return f"{who} was proposed for the board and is not joining for now."
    if proposed.state is Helper.CANDIDATE:
        needed = STILL_NEEDED.get(proposed.admission, STILL_NEEDED["moderated"])
        return f"{who} would like to join the board. {needed}"
    return f"{who} was proposed for the board and joined."


def buttons(proposed: Proposed) -> discord.ui.View:
    """Return the two buttons; round and person are in their ids."""
    view = View(timeout=None)
    named = f"proposal:{proposed.round_id}:{proposed.user_id}"
    view.add_item(
        discord.ui.Button(
            label="Join the board", style=discord.ButtonStyle.success, custom_id=f"{named}:yes"
        )
    )
    view.add_item(discord.ui.Button(label="No, thanks", custom_id=f"{named}:no"))
    return view


def declined(decided: Decided) -> str:
    """Return the answer to somebody who does not want to join."""
    if decided.is_listed:
        return "Noted. You are on the roster all the same; `/helper leave` takes you off it."
    return "Noted: you are not listed. `/helper join` works at any time, should you want to."
