"""Thanks as people see them: answers, notes in the thread, who thanked whom, the leaderboard."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import discord

from bot.domain.states import Round
from bot.domain.thanks import Doubt, Source
from bot.ui import chart
from bot.ui.answers import View
from bot.ui.pager import paged
from bot.ui.text import deadline, duration, name, number, plural, quoted, when

if TYPE_CHECKING:
    from bot.services.thanks import Given, Leaderboard, Note, Rank, TakenBack, Voter, Voters, Way

COLOUR = discord.Colour.from_str("#2f6f6b")
PAGE = 20
LONGEST_PAGE = 3800
MOST_LINKS = 5

TOO_YOUNG = {
    Doubt.ACCOUNT: "your account is too young",
    Doubt.MEMBER: "you are too new in this server",
    Doubt.LATE: "it came after the close",
}
WHY_NOT = {
    Doubt.ACCOUNT: "account too young",
    Doubt.MEMBER: "too new in the server",
    Doubt.LATE: "after the close",
}
MET = {None: "", True: " · wrote near each other", False: " · **no exchange seen**"}
HOW = {
    Source.BOARD: "reaction on the board",
    Source.COMMAND: "`/thanks`",
    Source.MENU: "Thank the author",
    Source.EMOJI: "thanks emoji on a message",
}


# ---------------------------------------------------------------- answers and posts


def given(thanks: Given) -> str:
    """Return the answer to a thanks: what happened, what it means, how it is taken back."""
    helper = f"<@{thanks.helper_id}>"
    if not thanks.is_new:
        lines = [
            f"You have thanked {helper} for this message already: that stands in {thanks.label}, "
            "once."
        ]
    else:
        lines = [f"**Noted: you thank {helper}** in {thanks.label}."]
        if not thanks.is_first:
            lines.append(
                "You have thanked them before in this round: all is kept, and you count once."
            )
    if not thanks.counts:
        lines.append(
            f"It is kept and shown, but not counted, as {TOO_YOUNG[thanks.doubt]}. "
            f"What you give from {when(thanks.counts_from)} on counts."
        )
    if thanks.note:
        lines.append(
            {
                "posted": "Your note is posted in the thread.",
                "private": f"Your note is for {helper} and the committee alone.",
                "kept": f"The round has no thread at the moment: {helper} sees your note when the "
                "round has closed.",
            }[thanks.note]
        )
    lines.append(
        f"The button takes it back until {deadline(thanks.closes_at)}."
        if thanks.is_open
        else f"{thanks.label} has closed meanwhile; your thanks came in time."
    )
    return "\n".join(lines)


def take_back_button(thanks: Given) -> discord.ui.View | None:
    """Return the button under such an answer; none where nothing can be taken back any more."""
    if not thanks.is_open:
        return None
    return _button("Take it back", f"unthank:{thanks.round_id}:{thanks.helper_id}")


def taken_back(change: TakenBack) -> str:
    """Return the answer to taking thanks back, and what is left to be taken back elsewhere."""
    helper = f"<@{change.helper_id}>"
    what = f"everything you gave {helper}" if change.count > 1 else f"your thanks for {helper}"
    done = f"**Taken back**: {what} in {change.label}."
    if not change.reactions:
        return f"{done} `/thanks` thanks them again."
    if len(change.reactions) == 1:
        return (
            f"{done} Your reaction {change.reactions[0]} still stands and counts; remove it there "
            "to take it back."
        )
    links = ", ".join(map(str, change.reactions[:MOST_LINKS]))
    left = len(change.reactions) - MOST_LINKS
    more = f" and {number(left)} more" if left > 0 else ""
    return (
        f"{done} {number(len(change.reactions))} reactions of yours still stand and count; remove "
        f"them there to take them back: {links}{more}."
    )


def note(thanks: Note) -> str | None:
    """Return the note for the thread; None where there is nothing to post any more."""
    if not thanks.is_standing or not thanks.text:
        return None
    return f"<@{thanks.voter_id}> thanks <@{thanks.helper_id}>:\n>>> {quoted(thanks.text)}"


def note_gone(thanks: Note) -> str:
    """Return what stands in the place of a note that was posted and is gone."""
    if thanks.is_standing:
        return f"<@{thanks.voter_id}> thanks <@{thanks.helper_id}>."
    return "*A thanks was taken back.*"


def who_thanked_button(round_id: int) -> discord.ui.View:
    """Return the button under the notice that a round has closed."""
    return _button("Who thanked me", f"who_thanked:{round_id}")


def _button(label: str, custom_id: str) -> discord.ui.View:
    view = View(timeout=None)
    view.add_item(
        discord.ui.Button(label=label, style=discord.ButtonStyle.secondary, custom_id=custom_id)
    )
    return view


# ---------------------------------------------------------------- who thanked


def mine(thanks: Voters) -> list[discord.Embed]:
    """Return who thanked the reader, with the notes, in pages."""
    left_out = len(thanks.voters) - thanks.counted
    are = "is" if left_out == 1 else "are"
    head = f"**{plural(thanks.counted, 'person', 'people')}** thanked you"
    if not thanks.counted:
        head = f"{plural(left_out, 'person', 'people')} thanked you and {are} not counted."
    elif left_out:
        head += f"; {number(left_out)} more {are} not counted."
    else:
        head += "."
    if not thanks.voters:
        head = "Nobody thanked you in this round. `/thanks` is for others to use; hours count too."
        if not thanks.is_helper:
            head = (
                f"You are not a helper in {thanks.label}, so there are no thanks to show. "
                "`/helper join` says how to become one."
            )
    rows = []
    for voter in thanks.voters:
        not_counted = "" if voter.counts else f" · not counted: {_why_not(voter)}"
        rows.append(f"{_person(voter)}{not_counted}")
        rows += [f"> {_quote(way.note)}" for way in voter.ways if way.note]
    return _pages(f"Who thanked you in {thanks.label}", head, rows)


def voters(thanks: Voters) -> list[discord.Embed]:
    """Return who thanked a helper, how and when, and what counts, in pages."""
    left_out = len(thanks.voters) - thanks.counted
    also = f"; {number(left_out)} more {'does' if left_out == 1 else 'do'} not count"
    now = " so far" if thanks.is_open else ""
    head = (
        f"<@{thanks.helper_id}>: **{plural(thanks.counted, 'voter')}**{now}"
        f"{also if left_out else ''}."
    )
    mutual = sum(voter.is_mutual for voter in thanks.voters)
    if mutual:
        head += f" {plural(mutual, 'of them was', 'of them were')} thanked back."
    if thanks.voters:
        head += f"\n{_exchanges(thanks)}"
    if not thanks.voters:
        head = f"Nobody thanked <@{thanks.helper_id}> in {thanks.label}{now}."
    rows = []
    for voter in thanks.voters:
        counts = "counts" if voter.counts else "**does not count**"
        both = " · was thanked back" if voter.is_mutual else ""
        rows.append(f"{_person(voter)} · {counts}{both}{MET[voter.met]}")
        for way in voter.ways:
            rows.append(f"- {_way(way)}")
            if way.note:
                rows.append(f"> {_quote(way.note)}")
    return _pages(f"Voters in {thanks.label}", head, rows)


def _exchanges(thanks: Voters) -> str:
    """Return what is known of exchanges between the voters and the helper."""
    if not thanks.is_observed:
        return "No messages of this round are kept, so whether they met is not known."
    apart = sum(voter.met is False for voter in thanks.voters)
    since = f" since {when(thanks.since)}; older messages are not kept" if thanks.since else ""
    return (
        f"No exchange seen with {number(apart)} of them{since}: no reply, and no message within "
        "30 minutes in the same channel."
    )


def _person(voter: Voter) -> str:
    return f"<@{voter.user_id}>{f' ({name(voter.name)})' if voter.name else ''}"


def _quote(text: str) -> str:
    return quoted(" ".join(text.split()))


def _why_not(voter: Voter) -> str:
    return ", ".join(dict.fromkeys(WHY_NOT[way.doubt] for way in voter.ways))


def _way(way: Way) -> str:
    made = f"between {when(way.after)} and {when(way.at)}" if way.after else when(way.at)
    parts = [f"{HOW[way.source]}{' (super)' if way.is_burst else ''}, {made}"]
    if way.doubt is not Doubt.NONE:
        parts.append(f"not counted: {WHY_NOT[way.doubt]}")
    if way.kept_at is not None:
        parts.append(f"taken away {when(way.kept_at)}, after the close")
    if way.note and way.is_private:
        parts.append("private note")
    return " · ".join(parts)


# ---------------------------------------------------------------- leaderboard


def leaderboard(board: Leaderboard) -> list[discord.Embed]:
    """Return the helpers of a round as a table, in pages."""
    ending = deadline(board.closes_at)
    if not board.is_shown:
        head = [
            f"Votes are counted, and shown when the round has closed: {ending}.",
            "Until then, who can be thanked with `/thanks`, in the order of names:",
        ]
    else:
        total = sum(rank.voters or 0 for rank in board.ranks)
        head = [f"**{plural(total, 'vote')}**. {_standing(board, ending)}"]
        if board.ranks:
            head.append("Equal numbers stand in the order of names.")
    if not board.ranks:
        head.append("No helper is in this round. `/helper join` puts people on the roster.")
    rows = [_rank(board, rank) for rank in board.ranks]
    return _pages(f"Thanks {board.label}", "\n".join(head), rows)


def leaderboard_answer(board: Leaderboard) -> dict[str, Any]:
    """Return the arguments that answer with a leaderboard: the table, and Who thanked me under it
    where that may be seen.
    """
    arguments = paged(leaderboard(board))
    if board.is_shown:
        view = arguments.setdefault("view", View(timeout=None))
        for item in who_thanked_button(board.round_id).children:
            view.add_item(item)
    return arguments


def leaderboard_chart(board: Leaderboard) -> discord.File:
    """Return the leaderboard as a picture with its text alternative; draw it away from the loop."""
    bars = chart.thanks(board)
    return discord.File(
        io.BytesIO(chart.png(chart.svg(bars))),
        filename=f"thanks-{board.label}.png",
        description=chart.alt_text(bars),
    )


def has_chart(board: Leaderboard) -> bool:
    """Whether there is anything to draw."""
    return any(rank.voters for rank in board.ranks)


def _standing(board: Leaderboard, ending: str) -> str:
    if board.state is Round.OPEN:
        return f"The round is open until {ending}."
    if board.state is Round.VOID:
        return "The round is void."
    if board.state is Round.REVIEW and not board.is_counted:
        return f"Closed {when(board.closes_at)}; the reactions are still being compared."
    return f"Closed {when(board.closes_at)}."


def _rank(board: Leaderboard, rank: Rank) -> str:
    if rank.voters is None:
        return f"- <@{rank.user_id}>"
    place = 1 + sum((other.voters or 0) > rank.voters for other in board.ranks)
    hours = f" · {duration(rank.minutes)}" if rank.minutes is not None else ""
    return f"`{place}` <@{rank.user_id}> · **{plural(rank.voters, 'vote')}**{hours}"


def _pages(title: str, head: str, rows: Iterable[str]) -> list[discord.Embed]:
    """Return rows under a head, as many on each page as fit and as can be read."""
    pages, kept, room = [], [head, ""], LONGEST_PAGE - len(head)
    for row in rows:
        if len(kept) - 2 == PAGE or room < len(row) + 1:
            pages.append(kept)
            kept, room = [head, ""], LONGEST_PAGE - len(head)
        kept.append(row)
        room -= len(row) + 1
    pages.append(kept)
    return [
        discord.Embed(title=title, description="\n".join(page).strip(), colour=COLOUR)
        for page in pages
    ]
