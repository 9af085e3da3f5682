"""The board: who can be thanked, by which emoji, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord

from bot.ui.text import deadline, name, plural, when

if TYPE_CHECKING:
    from bot.services.boards import Listed, Shown

COLOUR = discord.Colour.from_str("#2f6f6b")


def board(shown: Shown) -> discord.Embed:
    """Return one message of a board; the first explains how to thank."""
    if shown.is_first:
        title, lines = f"Who helped you? {shown.label}", [*_instructions(shown), ""]
    else:
        title, lines = f"More helpers of {shown.label}", []
    lines += [_line(row) for row in shown.rows] or [_nobody(shown)]
    return discord.Embed(title=title, description="\n".join(lines), colour=COLOUR)


def _instructions(shown: Shown) -> list[str]:
    if shown.is_void:
        return [
            f"{shown.label} is void: thanks for it do not count. The open round has its own board."
        ]
    if not shown.is_open:
        return [f"This board closed {when(shown.until)}; what was thanked until then counts."]
    policy = shown.policy
    lines = [
        "**Click the emoji of the person who helped you.** "
        "You can thank as many people as you like, until " + deadline(shown.until) + ".",
    ]
    if policy.tip_address:
        lines.append(
            "A tip is welcome: we recommend 10 % of the money or time that you saved, sent to "
            f"`{policy.tip_address}`."
        )
    lines.append(_voters(shown))
    emoji = f", or react to it with {policy.thanks_emoji}" if policy.thanks_emoji else ""
    lines += [
        "Other ways: `/thanks`, or right-click a message of theirs and choose Apps, "
        f"**Thank the author**{emoji}.",
        "Do you help here too? `/helper join` says how you get on this board.",
    ]
    return lines


def _voters(shown: Shown) -> str:
    """Return who may vote, in one line."""
    needed = [
        f"{what} {plural(days, 'day')}"
        for what, days in (
            ("your account is older than", shown.policy.voter_account_days),
            ("you have been in this server for", shown.policy.voter_member_days),
        )
        if days
    ]
    where = f" It counts if {' and '.join(needed)}." if needed else ""
    return f"Everybody can thank everybody but themselves.{where}"


def _nobody(shown: Shown) -> str:
    if not shown.is_first:
        return "Nobody is listed here at the moment."
    if shown.others:
        return "The helpers are listed in the message below."
    return "*Nobody is on the board yet. `/helper join` puts you there.*"


def _line(row: Listed) -> str:
    return f"{row.emoji} {name(row.name) if row.name else f'<@{row.user_id}>'}"
