"""What the bot says by itself, in the support channel, the thread and the committee channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import discord

from bot.domain.money import format_share
from bot.domain.policy import Policy
from bot.domain.statement import FULL_SHARE_BP, pools
from bot.domain.states import Line
from bot.ui.answers import View
from bot.ui.text import deadline, duration, money, people, plural, quoted, total, when

if TYPE_CHECKING:
    from bot.services.settlement import Published

COLOUR = discord.Colour.from_str("#2f6f6b")
LONGEST_LIST = 1200
LONGEST_REASON = 500
LATE = "*This comes late: the bot was away.* "


def announcement(
    *, label: str, policy: Policy, work_since: datetime, close_at: datetime, late: bool
) -> discord.Embed:
    """Return the announcement of a round."""
    lines = [
        f"{LATE if late else ''}The round for support given since {when(work_since, 'D')} is open.",
        "",
        "**Helpers**: `/hours log` takes five seconds, `/hours start` runs a clock.",
        "**Were you helped?** Thank the helpers with one click on the board in the thread below.",
        f"**Until** {deadline(close_at)}. Then the committee checks the draft and publishes it.",
        *_pays(policy),
        "Not a helper yet? `/helper join` says what is needed.",
    ]
    return discord.Embed(title=f"Support {label}", description="\n".join(lines), colour=COLOUR)


def _pays(policy: Policy) -> list[str]:
    """Return what a round pays for: hours, thanks, or a part of the cap for each."""

    def amount(units: int) -> str:
        return money(units, decimals=policy.decimals, currency=policy.currency)

    hours_cap, thanks_pool = pools(policy)
    by_thanks = "shared by how many people each helper was thanked by"
    if policy.split_by == "thanks":
        return [f"**Pays by thanks**: {amount(thanks_pool)} {by_thanks}."]
    lines = [
        f"**Pays** {amount(policy.hourly_rate or 0)} an hour, up to {amount(hours_cap)} for "
        "everybody together."
    ]
    if policy.max_share_bp < FULL_SHARE_BP:
        lines.append(f"Nobody gets more than {format_share(policy.max_share_bp)} % of that.")
    if thanks_pool:
        lines.append(f"**And by thanks**: {amount(thanks_pool)} {by_thanks}.")
    return lines


def call(*, label: str, close_at: datetime, closed_at: datetime | None, late: bool) -> str:
    """Return the call for claims; one that comes after the close says what can still be done."""
    if closed_at is not None:
        return (
            f"{LATE}This was the call for the hours of {label}, which closed {when(closed_at)}. "
            "If hours of yours are missing, tell the committee: it can adjust the draft."
        )
    return (
        f"{LATE if late else ''}**Last call for the hours of {label}.** Log what is missing with "
        f"`/hours log` until {deadline(close_at)}; `/hours done` says that yours are complete."
    )


def closed(
    *, label: str, compute_at: datetime, next_thread_id: int | None, late: bool, reason: str
) -> str:
    """Return the notice that a round has closed."""
    why = f" by the committee: {quoted(reason, longest=LONGEST_REASON)}" if reason else ""
    further = (
        f" New hours go to <#{next_thread_id}>." if next_thread_id else " The next round is open."
    )
    return (
        f"{LATE if late else ''}**{label} is closed**{why}.{further} "
        f"The committee gets the draft {when(compute_at, 'R')}. `/leaderboard` shows the votes."
    )


def reopened(*, label: str, close_at: datetime) -> str:
    """Return the notice that a round was opened again."""
    return f"**{label} is open again** until {deadline(close_at)}. `/hours log` adds missing hours."


def voided(*, label: str, reason: str) -> str:
    """Return the notice that a round was voided."""
    return (
        f"**{label} is void**: {quoted(reason, longest=LONGEST_REASON)}\n"
        "Its entries stay readable and are not paid. Questions go to the committee."
    )


def draft(*, label: str, late: bool) -> str:
    """Return the line above a draft for the committee."""
    return (
        f"{LATE if late else ''}**The draft of {label} is ready.** Look at it with "
        "`/payout preview`, correct it with `/payout adjust`, then `/payout approve` and "
        "`/payout publish`."
    )


def draft_ended(*, label: str, state: str) -> str:
    """Return what stands in the place of a draft that is one no more."""
    if state == "void":
        return f"The draft of {label} is void with its round."
    return f"The draft of {label} was approved and published: `/payout show` has the statement."


def draft_waits(*, label: str) -> str:
    """Return the daily note while a draft waits."""
    return (
        f"The draft of {label} still waits: "
        "`/payout preview`, `/payout approve`, `/payout publish`."
    )


def payment_waits(*, label: str, due: int) -> str:
    """Return the daily note while payments wait."""
    return (
        f"{plural(due, 'payment')} of {label} still {'waits' if due == 1 else 'wait'}: "
        "`/payout export` gives the list, `/payout paid` records them."
    )


def payment_due(published: Published) -> str:
    """Return the note to the committee that payment is due."""
    statement = published.statement
    due = [line for line in statement.lines if published.shown[line.user_id].status is Line.DUE]
    return (
        f"**Payment of {statement.facts.label} is due**: {plural(len(due), 'line')}, "
        f"{total(statement.sum_of(due))}. "
        "`/payout export` gives the list; record it with `/payout paid` and the reference."
    )


def payment_notice(*, label: str) -> str:
    """Return the notice to helpers that payment is due."""
    return f"The payments of {label} are due now. `/payout mine` shows yours and how it came about."


def paid(published: Published, users: Sequence[int], reference: str) -> str:
    """Return the notice that payments were recorded."""
    statement = published.statement
    lines = [line for user in users if (line := statement.line_of(user)) is not None]
    together = f"{total(statement.sum_of(lines))}{' together' if len(lines) > 1 else ''}"
    return (
        f"**Paid in {statement.facts.label}**: {people(users)} ({together}). "
        f"Reference: {quoted(reference)}. `/payout mine` explains one's own amount."
    )


def replaced(*, label: str, version: int, newest: int) -> str:
    """Return what stands in the place of an earlier version that named somebody who is erased."""
    return (
        f"Version {version} of {label} was published here; version {newest} replaced it. Its files "
        "are taken away because somebody in it erased their name. `/payout show` has the newest."
    )


def adjusted(label: str, policy: Policy, facts: Mapping[str, Any]) -> str:
    """Return the note to the committee about an adjustment, with old and new."""
    old, new = (
        money(amount, decimals=policy.decimals, currency=policy.currency)
        for amount in facts["amount"]
    )
    before, after = (duration(minutes) for minutes in facts["minutes"])
    hours = f", {before} → {after}" if before != after else ""
    return (
        f"**Adjustment {facts['number']}** in {label}: <@{facts['user']}> {old} → {new}{hours}, by "
        f"<@{facts['actor']}>.\nReason: {quoted(facts['reason'], longest=LONGEST_REASON)}\n"
        "Earlier approvals of the draft do not count any more."
    )


def take_back(label: str, facts: Mapping[str, Any], *, confirmed_by: int | None = None) -> str:
    """Return the question to the committee whether a recorded payment was wrong."""
    following = (
        f"Confirmed by <@{confirmed_by}>: the lines are due again."
        if confirmed_by
        else "Another committee member confirms it here; the lines are due again then."
    )
    return (
        f"<@{facts['actor']}> says that a payment in {label} was recorded wrongly: "
        f"{people(facts['users'])}, reference {quoted(facts['reference'])}.\n"
        f"Reason: {quoted(facts['reason'], longest=LONGEST_REASON)}\n"
        f"{following}"
    )


def taken_back(label: str, facts: Mapping[str, Any]) -> str:
    """Return the public notice that payments were recorded wrongly."""
    return (
        f"**Correction in {label}**: the payment to {people(facts['users'])} with reference "
        f"{quoted(facts['reference'])} was recorded wrongly. "
        "It is due again and will be recorded anew."
    )


def take_back_buttons(number: int) -> discord.ui.View:
    """Return the button under such a question; its state is in its id."""
    view = View(timeout=None)
    view.add_item(
        discord.ui.Button(
            label="Take the payment back",
            style=discord.ButtonStyle.danger,
            custom_id=f"take_back:{number}",
        )
    )
    return view


def reminder(*, thread_id: int, close_at: datetime) -> str:
    """Return the one line that points to the board."""
    return (
        f"**Did somebody help you?** One click on their emoji in <#{thread_id}> says thanks, "
        f"until {deadline(close_at)}."
    )


def dropped(*, label: str, min_votes: int, voters: Mapping[int, int]) -> str:
    """Return what becomes of helpers with few thanks, and how they come back."""
    listed = ", ".join(f"<@{user}> ({count})" for user, count in voters.items())
    shown = listed if len(listed) <= LONGEST_LIST else people(voters)
    few = f"fewer than {min_votes} people" if min_votes > 1 else "nobody"
    return (
        f"Not on this board, because {few} thanked them in {label}: {shown}. "
        "Who joined during the round stays.\n"
        "Your hours count and are paid as before, and you can still be thanked with `/thanks`. "
        "Want your emoji back on the board? `/helper join` puts you there at once."
    )


def count_waits(*, label: str, why: str) -> str:
    """Return the note that the draft waits because the reactions cannot be compared."""
    reason = f" ({why})" if why else ""
    return (
        f"The draft of **{label}** waits: the reactions of its board have to be compared with "
        f"Discord's first, so that no thanks is missed, and that is not possible yet{reason}. "
        "It follows by itself. If it lasts, check with `/setup` that the bot may view the thread "
        "and read its message history."
    )


def settings_incomplete(label: str, problems: Sequence[str]) -> str:
    """Return the note that the next round opened with the settings of the last."""
    listed = "\n".join(f"- {problem}" for problem in problems)
    return (
        f"The settings are incomplete, so the round after {label} opened with those of {label}:\n"
        f"{listed}\nWhat an admin sets now applies to the round after that."
    )
