"""Ceasing and resuming payments: the proposal and its buttons, announcements, answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord

from bot.domain.cease import Kind, State
from bot.ui.answers import View
from bot.ui.text import deadline, people, plain, plural, quoted, when

if TYPE_CHECKING:
    from bot.services.cease import Outcome, Poll
    from bot.services.suspensions import Stop

LONGEST_REASON = 500
LATE = "*This comes late: the bot was away.* "
_ASKS = {Kind.CEASE: "cease payments to", Kind.REINSTATE: "resume payments to"}


# ---------------------------------------------------------------- the proposal


def poll(asked: Poll) -> str:
    """Return what stands in the committee channel: the question with its votes, or its end."""
    votes = [f"{word}: {people(users)}" for word, users in (("Yes", asked.yes), ("No", asked.no))]
    given = " · ".join(
        line for line, users in zip(votes, (asked.yes, asked.no), strict=True) if users
    )
    lines = [
        f"**Proposal {asked.number}: {_ASKS[asked.kind]} <@{asked.user_id}>?** "
        f"Asked by <@{asked.proposer_id}>.",
        f"Reason: {quoted(asked.reason, longest=LONGEST_REASON) or 'erased'}",
        _end(asked) or f"**{_count(asked)}**, until {deadline(asked.ends_at)}.",
        given or "Nobody has voted.",
    ]
    if asked.state is State.OPEN:
        lines.append(
            f"`/cease vote` works too, and changes a vote. <@{asked.user_id}> has no vote; a "
            "majority is counted of all seats."
        )
    return "\n".join(lines)


def buttons(asked: Poll) -> discord.ui.View:
    """Return the two buttons; the proposal's number is in their ids."""
    view = View(timeout=None)
    colour = {Kind.CEASE: discord.ButtonStyle.danger, Kind.REINSTATE: discord.ButtonStyle.success}
    named = f"cease:{asked.number}"
    view.add_item(
        discord.ui.Button(label="Yes", style=colour[asked.kind], custom_id=f"{named}:yes")
    )
    view.add_item(discord.ui.Button(label="No", custom_id=f"{named}:no"))
    return view


def choice(asked: Poll) -> str:
    """Return one line about a proposal for a list to choose from, where mentions do not work."""
    return f"{asked.number}: {_ASKS[asked.kind]} {plain(asked.name, longest=32)}, {_count(asked)}"


def _count(asked: Poll) -> str:
    return (
        f"{len(asked.yes)} yes, {len(asked.no)} no of {plural(asked.seats, 'seat')}; "
        f"{asked.needed} yes needed"
    )


def _end(asked: Poll) -> str:
    """Return what became of a proposal, empty while it is open."""
    if asked.state is State.OPEN or asked.decided_at is None:
        return ""
    tally = f"{len(asked.yes)} yes, {len(asked.no)} no of {plural(asked.seats, 'seat')}"
    return {
        State.CARRIED: f"**Carried** {when(asked.decided_at)} with {tally}.",
        State.FAILED: f"**Failed** {when(asked.decided_at)} with {tally}: "
        f"{asked.needed} yes cannot be reached any more.",
        State.LAPSED: f"**Not carried**: it ended {when(asked.ends_at)} with {tally}; "
        f"{asked.needed} yes were needed.",
        State.MOOT: f"**Moot** since {when(asked.decided_at)}: it was decided in another way.",
    }[asked.state]


# ---------------------------------------------------------------- answers


def proposed(asked: Poll) -> str:
    """Return the answer to a proposal: nobody has voted yet, not even the proposer."""
    return (
        f"**Proposal {asked.number}** is made: {_ASKS[asked.kind]} <@{asked.user_id}>. "
        f"{_count(asked)}, until {deadline(asked.ends_at)}.\n"
        f"Your own yes is not counted by itself: `/cease vote` with {asked.number}, or the buttons "
        "in the committee channel."
    )


def voted(asked: Poll, vote: str) -> str:
    """Return the answer to a vote, and what it has decided."""
    counted = f"Your {vote.strip().lower()} on proposal {asked.number} counts"
    if asked.state is State.OPEN:
        return (
            f"{counted}: {_count(asked)}. The other vote changes it until "
            f"{deadline(asked.ends_at)}."
        )
    if asked.state is State.FAILED:
        return f"{counted}, and decides it. {_end(asked)}"
    return f"{counted}, and decides it. {_done(asked.kind, asked.user_id, asked.stop)}"


def done(outcome: Outcome) -> str:
    """Return the answer to suspending or reinstating somebody."""
    asked = outcome.poll
    if asked is None:
        return _done(outcome.kind, outcome.user_id, outcome.stop)
    return (
        f"**Proposal {asked.number}** is made: {_ASKS[asked.kind]} <@{asked.user_id}>. Your yes is "
        f"counted: {_count(asked)}, until {deadline(asked.ends_at)}.\n"
        "Nothing changes until it is carried. The others vote in the committee channel or with "
        f"`/cease vote`; with `no` you change your own vote."
    )


def _done(kind: Kind, user_id: int, stop: Stop | None) -> str:
    if kind is Kind.CEASE and stop is not None:
        return (
            f"**Payments to <@{user_id}> are held**, and that is announced. Anybody can dispute it "
            f"until {deadline(stop.disputable_until)}; then they are ceased. Hours, thanks and the "
            "board stay. `/helper reinstate` takes it back."
        )
    return (
        f"**Payments to <@{user_id}> are resumed**: what was held or ceased is due again, and that "
        "is announced. `/helper suspend` holds them again."
    )


# ---------------------------------------------------------------- in public, and to oneself


def announcement(stop: Stop, what: str, *, late: bool) -> str:
    """Return the announcement of a step: that payments `began` to be held, are final or lifted."""
    user = f"<@{stop.user_id}>"
    match what:
        case "began":
            return (
                f"**Payments to {user} are held** by a decision of the committee. Nothing else "
                "changes: hours are logged, thanks are given and the board stays as before.\n"
                f"Anybody can dispute this until {deadline(stop.disputable_until)}: "
                f"`/dispute open` with `helper` {user}. Without a dispute the payments are ceased "
                "then; the committee can resume them at any time."
            )
        case "final":
            return (
                f"{LATE if late else ''}**Payments to {user} are ceased**: the time to dispute "
                f"that they are held ended {when(stop.disputable_until)}. What was not paid stays "
                "with the funder, unless the committee resumes the payments. Hours, thanks and the "
                "board stay."
            )
    return f"**Payments to {user} are resumed**: what was held or ceased is due again."


def own(stop: Stop) -> str:
    """Return what the person concerned is told: what stops their payments, why, and what helps."""
    reason = quoted(stop.reason, longest=LONGEST_REASON)
    since = f"since {when(stop.since, 'D')} by a decision of the committee: {reason or 'erased'}"
    if stop.is_final:
        return (
            f"**Your payments are ceased** {since}\nThe committee can still resume them with "
            "`/helper reinstate`."
        )
    return (
        f"**Your payments are held** {since}\nHours and thanks count as before. With `/dispute "
        f"open` and yourself as `helper` you can object until {deadline(stop.disputable_until)}; "
        "nothing is final while such a dispute is open."
    )


def held(stop: Stop) -> str:
    """Return what the committee is told where it acts for somebody whose payments are stopped."""
    return f"Payments to <@{stop.user_id}> are {'ceased' if stop.is_final else 'held'}."
