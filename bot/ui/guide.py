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
    ("/dispute open · list · withdraw", "say that a published statement is wrong"),
    ("/audit verify", "check that nobody changed the record"),
    ("/mydata export · delete", "what is stored about you; erase it"),
    ("/help · /about", "this list; version, privacy and source"),
)
HELPER = (
    ("/hours log", "log time: `2h30m`, `2:30`, `2.5h`, `150m`"),
    ("/hours start · stop", "let a clock run instead"),
    ("/hours list · edit · withdraw", "see and correct your entries until the round closes"),
    ("/hours done", "say that your hours are complete"),
    ("/payout mine", "your amount, explained"),
    ("/address set · show · clear", "where you are paid; nobody but you sees it in full"),
    ("/helper vouch · pay · leave", "vouch for somebody, decline pay, leave"),
)
MODERATOR = (("/helper add · remove", "keep the roster"),)
COMMITTEE = (
    ("/round open · close · reopen · void", "the rounds"),
    ("/payout preview · adjust · price", "check and correct the draft"),
    ("/payout approve · publish", "approve exactly this draft, then publish it"),
    ("/payout export · paid · cancel", "hand a batch over, record it, or give it up"),
    ("/payout correct", "take a wrongly recorded payment back"),
    ("/dispute resolve", "decide a dispute that does not concern you"),
    ("/hours log helper:", "log time for a helper"),
    ("/helper suspend · reinstate", "hold somebody's payments, resume them"),
    ("/cease propose · vote", "decide about that together: a majority of the seats"),
    ("/tipjar record · match · correct", "tips, and what the funder adds to them"),
    ("/audit voters", "who thanked a helper, how and when, and did they meet"),
    ("/audit log", "who did what, with a filter and a file"),
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
        "thanks emoji and the message under which they stand, `/thanks` and its notes. While a "
        "round is open, who wrote when in the support channel and to whom they replied; never "
        "what. Payout addresses, which their owner and the committee's payment files have. The "
        "permanent record holds of thanks their number, and of texts, addresses and pairs only "
        "salted digests. Tips are kept without a person.",
        inline=False,
    )
    embed.add_field(
        name="Your data",
        value="`/mydata export` gives you everything about you in this server. `/mydata delete` "
        "erases your texts, addresses, activity, opinions and name; amounts, times, votes and the "
        "record stay under your id, so that everybody's amounts can still be recomputed. Activity "
        "is deleted by itself after `activity_days`. Nobody outside this server is told anything. "
        f"All of it: PRIVACY.md{f' at {source}' if source else ' beside the source'}.",
        inline=False,
    )
    embed.add_field(
        name="Licence and source", value=f"MIT{f', {source}' if source else ''}", inline=False
    )
    return embed
