"""Help by role, and what the program says about itself."""

from __future__ import annotations

import discord

COLOUR = discord.Colour.from_str("#2f6f6b")

MEMBER = (
    ("/thanks", "thank somebody who helped; on a message: Apps, Thank the author"),
    ("/leaderboard", "whom people thank; counts as the server has set"),
    ("/round status", "dates, hours, votes, and how much of the cap is used"),
    ("/helper list", "who helps here"),
    ("/helper join", "become a helper"),
    ("/tipjar show", "what was tipped in this round, and where to tip"),
    ("/payout show", "the published statement with its files"),
    ("/help · /about", "this list; version, privacy and source"),
)
HELPER = (
    ("/hours log", "log time: `2h30m`, `2:30`, `2.5h`, `150m`"),
    ("/hours start · stop", "let a clock run instead"),
    ("/hours list · edit · withdraw", "see and correct your entries until the round closes"),
    ("/hours done", "say that your hours are complete"),
    ("/payout mine", "your amount, explained"),
    ("/helper vouch · pay · leave", "vouch for somebody, decline pay, leave"),
)
MODERATOR = (("/helper add · remove", "keep the roster"),)
COMMITTEE = (
    ("/round open · close · reopen · void", "the rounds"),
    ("/payout preview · adjust · price", "check and correct the draft"),
    ("/payout approve · publish", "approve exactly this draft, then publish it"),
    ("/payout export · paid · correct", "hand over, record, and take back payments"),
    ("/hours log helper:", "log time for a helper"),
    ("/tipjar record · match · correct", "tips, and what the funder adds to them"),
    ("/audit voters", "who thanked a helper, how and when"),
)
ADMIN = (("/setup", "guided first run"), ("/settings show · set", "everything that can be set"))


def commands_for(*, moderator: bool, committee: bool, admin: bool) -> discord.Embed:
    """Return the commands that somebody can use, by role."""
    embed = discord.Embed(
        title="Stipend",
        description="Helpers log hours, the committee publishes what they get, and everybody can "
        "recompute every amount.",
        colour=COLOUR,
    )
    groups = (
        ("Everybody", MEMBER, True),
        ("Helpers", HELPER, True),
        ("Moderators", MODERATOR, moderator),
        ("Committee", COMMITTEE, committee),
        ("Admins", ADMIN, admin),
    )
    for title, rows, is_shown in groups:
        if is_shown:
            text = "\n".join(f"`{command}` {words}" for command, words in rows)
            embed.add_field(name=title, value=text, inline=False)
    return embed


def about(version: str, *, source: str) -> discord.Embed:
    """Return version, privacy and source."""
    embed = discord.Embed(
        title=f"Stipend {version}",
        description="Tracks and pays the people who support this community. It keeps no keys and "
        "moves no money: it produces the statement that people pay.",
        colour=COLOUR,
    )
    embed.add_field(
        name="What is stored",
        value="Names as last seen, logged hours with their notes, committee decisions and "
        "payments. Who thanked whom, how and when: reactions on the board, reactions with the "
        "thanks emoji and the message under which they stand, `/thanks` and its notes. What "
        "messages say is not read. The permanent record holds of thanks their number, and of texts "
        "and pairs only salted digests. Tips are kept without a person.",
        inline=False,
    )
    embed.add_field(
        name="Licence and source", value=f"MIT{f', {source}' if source else ''}", inline=False
    )
    return embed
