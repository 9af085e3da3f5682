"""The roster, the state of a round, settings and help as people see them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import discord

from bot.domain.states import Helper, Round
from bot.ui.text import (
    bullets,
    deadline,
    duration,
    money,
    number,
    plain,
    plural,
    quoted,
    total,
    when,
)

if TYPE_CHECKING:
    from bot.services.roster import Listed, Standing, Wish
    from bot.services.rounds import Ended, Opened, Status
    from bot.services.settings import Changed, Origin

COLOUR = discord.Colour.from_str("#2f6f6b")
PAGE = 20
SETTINGS_PAGE = 12


# ---------------------------------------------------------------- rounds


def opened(round_: Opened) -> str:
    """Return the answer to opening a round."""
    lines = [
        f"**{round_.label} is open.** It accepts work since {when(round_.work_since, 'D')} and "
        f"closes {deadline(round_.close_at)}.",
        "The next rounds open by themselves. Helpers log with `/hours log`.",
        *round_.hints,
    ]
    return "\n".join(lines)


def reopened(round_: Opened) -> str:
    """Return the answer to reopening a round."""
    until = deadline(round_.close_at)
    return f"**{round_.label} is open again** until {until}, then its draft is made."


def closed(ended: Ended) -> str:
    """Return the answer to closing a round."""
    return (
        f"**{ended.label} is closed**, {ended.next_label} is open. As long as nothing is logged "
        "there, `/round reopen` undoes it."
    )


def voided(ended: Ended) -> str:
    """Return the answer to voiding a round."""
    return (
        f"**{ended.label} is void**: its entries stay readable and are paid by nobody. "
        "`/round open` opens the next one where none is open."
    )


def status(round_: Status) -> discord.Embed:
    """Return the state of a round."""
    lines = [_state_line(round_)]
    if round_.thread_id is not None:
        lines.append(f"Thread: <#{round_.thread_id}>")
    lines.append(
        f"**{plural(round_.helpers, 'helper')}** with {duration(round_.minutes)} logged; "
        f"{number(round_.finished)} said their hours are complete."
    )
    lines.append(
        "Votes are shown when the round has closed."
        if round_.thanks is None
        else f"**{plural(round_.thanks, 'vote')}**: `/leaderboard` shows for whom."
    )
    lines.append(_cap_line(round_))
    embed = discord.Embed(
        title=f"Round {round_.label}", description="\n".join(lines), colour=COLOUR
    )
    embed.add_field(
        name="Dates",
        value="\n".join(
            (
                f"Work since {when(round_.work_since)}",
                f"Call for claims {when(round_.call_at)}",
                f"Closes {when(round_.closed_at or round_.close_at)}",
                f"Draft {when(round_.compute_at)}",
                f"Payment from {when(round_.pay_at)}",
            )
        ),
        inline=False,
    )
    if round_.unused_before:
        left = "\n".join(f"{label}: {total(unused)}" for label, unused in round_.unused_before)
        embed.add_field(name="Unused before", value=left, inline=False)
    if round_.parked:
        problems = bullets([plain(problem, longest=180) for problem in round_.parked])
        embed.add_field(name="Messages that wait", value=problems, inline=False)
    return embed


def _cap_line(round_: Status) -> str:
    """Return how much of the cap is used; while votes are hidden, only what hours use of theirs."""

    def amount(units: int) -> str:
        return money(units, decimals=round_.decimals, currency=round_.currency)

    is_hidden = round_.thanks is None and round_.thanks_pool > 0
    if is_hidden and round_.split_by == "thanks":
        return f"Thanks decide who gets how much of the cap of **{amount(round_.cap)}**."
    cap = round_.hours_cap if is_hidden else round_.cap
    share = f" ({round_.used * 100 // cap} %)" if cap else ""
    used = f"**{money(round_.used, decimals=round_.decimals)} of {amount(cap)}**{share}"
    if not is_hidden:
        return f"Cap used: {used}"
    return (
        f"Cap for hours used: {used}; {amount(round_.thanks_pool)} more are shared by thanks, "
        "shown after the close."
    )


def _state_line(round_: Status) -> str:
    match round_.state:
        case Round.OPEN:
            return f"**Open** until {deadline(round_.close_at)}. `/hours log` adds time."
        case Round.REVIEW:
            return f"**In review**: the draft is made {when(round_.compute_at, 'R')}."
        case Round.DRAFT:
            return "**Draft**: the committee checks and approves it."
        case Round.VOID:
            return "**Void**: entries stay readable and are paid by nobody."
    assert round_.published_at is not None
    assert round_.dispute_until is not None
    words = {Round.PUBLISHED: "Published", Round.FINAL: "Final", Round.SETTLED: "Settled"}
    return (
        f"**{words[round_.state]}** {when(round_.published_at)}; disputes count until "
        f"{when(round_.dispute_until)}. `/payout show` has the statement."
    )


# ---------------------------------------------------------------- roster


def joined(standing: Standing) -> str:
    """Return the answer to asking to be a helper."""
    if standing.state is Helper.ACTIVE:
        return (
            "**You are a helper.** `/hours log` logs time, `/hours start` runs a clock."
            f"{_own_emoji(standing)}"
        )
    already = "" if standing.is_new else "You have asked already. "
    if standing.admission == "moderated":
        return f"{already}**You are on the list.** Still needed: a moderator uses `/helper add`."
    if not standing.can_vouch:
        return (
            f"{already}**You are on the list.** Nobody can vouch yet, so a moderator has to use "
            "`/helper add`."
        )
    return (
        f"{already}**You are on the list.** Still needed: a helper who knows you uses "
        "`/helper vouch`, or a moderator `/helper add`. `/helper list` shows who is a helper."
    )


def _own_emoji(standing: Standing) -> str:
    """Return by which emoji somebody stands on the board, now and later."""
    if not standing.emoji:
        return (
            " Every emoji that the bot would choose is taken: `/helper join` with `emoji` puts "
            "you on the board."
        )
    if standing.kept_emoji:
        return (
            f" Your emoji is {standing.emoji} now. The board that is posted keeps "
            f"{standing.kept_emoji} until the next round."
        )
    return (
        f" On the board you are {standing.emoji}; `/helper join` with another `emoji` changes it."
    )


def vouched(standing: Standing) -> str:
    """Return the answer to vouching."""
    left = f"You can vouch {plural(standing.vouches_left, 'more time')} in this round."
    if standing.is_new:
        return f"<@{standing.user_id}> is a helper now. {left}"
    return f"Noted. <@{standing.user_id}> is listed as soon as they use `/helper join`. {left}"


def added(standing: Standing) -> str:
    """Return the answer to adding somebody."""
    return (
        f"<@{standing.user_id}> is a helper now and can use `/hours log`."
        f"{f' On the board they are {standing.emoji}.' if standing.emoji else ''} "
        "`/helper remove` undoes it."
    )


def gone(standing: Standing) -> str:
    """Return the answer to leaving or removing."""
    if standing.state is Helper.LEFT:
        return (
            "You are off the roster. What you logged is paid all the same; "
            "`/helper join` brings you back."
        )
    return (
        f"<@{standing.user_id}> is off the roster. What was logged is paid all the same; "
        "`/helper add` brings them back."
    )


def wish(change: Wish) -> str:
    """Return the answer to declining or accepting pay."""
    closed = f" For {', '.join(change.closed_labels)} " if change.closed_labels else ""
    if change.wanted:
        now = f" in {change.open_label} and later rounds" if change.open_label else ""
        again = f"{closed}your amount is due again." if closed else ""
        return f"You are paid for your hours{now}.{again} `/helper pay` with False declines."
    kept = f"{closed}the amount stays with the funder." if closed else ""
    return (
        "You decline pay: your hours count with nothing to pay, and you stay listed and thanked. "
        "Others gain from it only where the cap binds."
        f"{kept} `/helper pay` with True takes it back."
    )


def roster(rows: Sequence[Listed]) -> list[discord.Embed]:
    """Return the roster in pages."""
    words = {
        Helper.ACTIVE: "helper",
        Helper.DROPPED: "helper, not on the board",
        Helper.CANDIDATE: "waits to be admitted",
    }
    lines = [
        f"{row.emoji} <@{row.user_id}> · ".lstrip()
        + f"{words.get(row.state, str(row.state))} since {when(row.since, 'd')}"
        f"{' · declines pay' if row.declines_pay else ''}{_stopped(row)}"
        for row in rows
    ]
    if not rows:
        lines = ["Nobody is on the roster yet. `/helper join` asks to be."]
    title = f"Roster: {plural(len(rows), 'person', 'people')}"
    return [
        discord.Embed(
            title=title, description="\n".join(lines[start : start + PAGE]), colour=COLOUR
        )
        for start in range(0, len(lines), PAGE)
    ]


def _stopped(row: Listed) -> str:
    if row.stop is None:
        return ""
    return " · payments ceased" if row.stop.is_final else " · payments held"


# ---------------------------------------------------------------- settings


def changed(change: Changed) -> str:
    """Return the answer to setting something."""
    value = setting_value(change.name, change.value)
    later = (
        f"\n{change.open_label} keeps its rules; new amounts and dates apply to the next round."
        if change.open_label
        else ""
    )
    if change.problems:
        later = f"\n{_incomplete(change)}"
    before = setting_value(change.name, change.before)
    return (
        f"`{change.name}` is now **{value}** (before: {before}; version {change.version}).{later}\n"
        f"`/settings set` corrects it; `-` clears it."
    )


def _incomplete(change: Changed) -> str:
    """Return what is missing, and what happens until it is set."""
    until = (
        f"the rounds after {change.open_label} open with the settings of {change.open_label}"
        if change.open_label
        else "no round can open"
    )
    missing = bullets(change.problems)
    return f"**The settings are incomplete; until this is set, {until}:**\n{missing}"


def settings(rows: Sequence[Origin]) -> list[discord.Embed]:
    """Return the settings with meaning and origin, in pages."""
    return [
        _settings_page(rows[start : start + SETTINGS_PAGE])
        for start in range(0, len(rows), SETTINGS_PAGE)
    ]


def _settings_page(rows: Sequence[Origin]) -> discord.Embed:
    embed = discord.Embed(title="Settings", colour=COLOUR)
    for row in rows:
        if row.at is None:
            origin = "default"
        else:
            origin = f"version {row.version}, <@{row.actor_id}> {when(row.at, 'd')}"
        embed.add_field(
            name=row.name,
            value=f"**{setting_value(row.name, row.value)}** · {origin}\n{row.meaning}",
            inline=False,
        )
    return embed


def setting_value(name: str, value: str) -> str:
    """Return the value of a setting, channels and roles as mentions."""
    if not value:
        return "not set"
    if name.endswith("_channel"):
        return f"<#{value}>"
    if name.endswith("_role"):
        return f"<@&{value}>"
    whole, point, rest = value.partition(".")
    if name in {"cap", "hourly_rate"} and whole.isdecimal():
        return f"{int(whole):,}{point}{rest}"
    return quoted(value)
