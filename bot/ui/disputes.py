"""Disputes in words: receipts, lists, and what is said of them in public and to the committee."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import discord

from bot.domain.disputes import Outcome, State
from bot.domain.states import Line
from bot.ui.text import deadline, money, plural, quoted, when

if TYPE_CHECKING:
    from bot.services.disputes import Decided, Opened, Told

COLOUR = discord.Colour.from_str("#b7791f")
PAGE = 8
REASON_ROOM, BOTH_ROOM, LISTED_ROOM = 1000, 650, 150
"""Characters that a reason may take up in a post, beside an answer, and in a list."""
STATES = {
    State.OPEN: "open",
    State.LATE: "out of time, changes nothing",
    State.WITHDRAWN: "withdrawn",
    State.RESOLVED: "decided",
    State.MOOT: "ended: its round is void",
}


def about(told: Told) -> str:
    """Return what a dispute is about, for the middle of a sentence."""
    if not told.label:
        return f"the suspension of <@{told.user_id}>"
    if told.user_id is None:
        return f"the whole statement of {told.label}"
    return f"the line of <@{told.user_id}> in {told.label}"


def receipt(opened: Opened) -> str:
    """Return the receipt of a dispute: what it concerns, what it holds, and what follows."""
    told = opened.told
    head = f"**Dispute {told.number}** about {about(told)}, version {told.version},"
    if not told.label:
        head = f"**Dispute {told.number}** about {about(told)}"
    if told.state is State.LATE:
        whom = f"<@&{opened.committee_role}>" if opened.committee_role else "the committee"
        return (
            f"{head} is on record, but **out of time**: disputes counted until "
            f"{when(told.valid_until)}. It changes nothing by itself. Talk to {whom}: an "
            "adjustment in the next round may still be possible."
        )
    return (
        f"{head} is open. You opened it {when(told.at)}; disputes about this count until "
        f"{deadline(told.valid_until)}.\n"
        f"{_held(opened)}\n"
        "The committee decides it, without you and without anybody whose own payment it is about. "
        "The decision and its reason are public; your reason is for the committee only.\n"
        f"`/dispute withdraw` with `{told.number}` takes it back while it is open."
    )


def withdrawn(told: Told) -> str:
    """Return the answer to a withdrawal."""
    return (
        f"Dispute {told.number} about {about(told)} is withdrawn; it holds nothing any more. "
        f"`/dispute open` opens another one until {when(told.valid_until)}."
    )


def listing(disputes: Sequence[Told]) -> list[discord.Embed]:
    """Return disputes in pages, open ones first."""
    rows = [_row(told) for told in disputes] or [
        "There is none. `/dispute open` opens one about a published statement."
    ]
    return [
        discord.Embed(title="Disputes", description="\n".join(rows[at : at + PAGE]), colour=COLOUR)
        for at in range(0, len(rows), PAGE)
    ]


def decided(decision: Decided) -> str:
    """Return the answer to a decision."""
    told = decision.told
    facts = {
        "version": decision.version,
        "amounts": decision.amounts,
        "carried": decision.carried,
        "carried_to": decision.carried_to,
    }
    following = ""
    if decision.version is not None:
        following = (
            " Next: another committee member approves it with `/payout approve`, then "
            "`/payout publish`. Until then nothing is paid for this line."
        )
    return (
        f"Dispute {told.number} about {about(told)} is decided: {_outcome(told, facts)}"
        f"{following} The decision is posted in public with its reason."
    )


def committee_post(told: Told) -> str:
    """Return the post for the committee, which follows what becomes of the dispute."""
    room = BOTH_ROOM if told.answer else REASON_ROOM
    reason = _fit(told.reason, room) or "(erased)"
    head = (
        f"**Dispute {told.number}** about {about(told)}, by <@{told.opener_id}>.\nReason: {reason}"
    )
    match told.state:
        case State.OPEN:
            end = (
                f"`/dispute resolve` with `{told.number}` decides it: `stands`, `modify` or "
                "`void`. Whoever opened it or whose own payment it is about does not decide it."
            )
            if told.batch is not None:
                end = (
                    f"**Batch {told.batch} pays this and was handed over: do not sign it** before "
                    f"the decision; `/payout cancel batch:{told.batch}` gives it up.\n{end}"
                )
        case State.LATE:
            end = (
                f"It came out of time (until {when(told.valid_until)}), is on record, and holds "
                "nothing."
            )
        case State.RESOLVED:
            end = f"Decided by <@{told.decided_by}>: {told.outcome}. {_answer(told, BOTH_ROOM)}"
        case _:
            end = f"It is {STATES[told.state]}."
    return f"{head}\n{end}"


def public_post(told: Told) -> str:
    """Return the public post about a dispute; its reason is for the committee."""
    head = f"**Dispute {told.number}** about {about(told)}, opened by <@{told.opener_id}>."
    if told.state is State.RESOLVED:
        return f"{head} The committee has decided; the decision is posted below."
    if told.state is not State.OPEN:
        return f"{head} It is {STATES[told.state]} and holds nothing any more."
    if not told.label:
        held = "Payments stay held until the committee has decided."
    elif told.user_id is None:
        held = "Lines that are not paid wait until the committee has decided."
    else:
        held = "If it is not paid, this line waits until the committee has decided; others do not."
    return (
        f"{head} {held} Others may dispute the same with `/dispute open` until "
        f"{when(told.valid_until)}."
    )


def decided_post(told: Told, facts: Mapping[str, Any]) -> str:
    """Return the public post about a decision: who decided, what, and why."""
    return (
        f"**Dispute {told.number}** about {about(told)}, opened by <@{told.opener_id}>, is decided "
        f"by <@{told.decided_by}>: {_outcome(told, facts)}\n{_answer(told)}"
    )


def _answer(told: Told, room: int = REASON_ROOM) -> str:
    return f"Reason: {_fit(told.answer, room) or '(erased)'}"


def _fit(text: str, room: int) -> str:
    """Return somebody's text, safe for Discord, in so many characters at most."""
    longest = room
    while len(spelled := quoted(text, longest=longest)) > room:
        longest -= len(spelled) - room
    return spelled


def _held(opened: Opened) -> str:
    told = opened.told
    if not told.label:
        return "Until it is decided, their payments stay held and the suspension is not final."
    if told.user_id is None:
        held = plural(opened.held, "line is", "lines are")
        return f"{held} held until it is decided; what is paid stays paid."
    return {
        Line.HELD: "This line is held until it is decided; all others are paid as planned.",
        Line.PAID: "This line is paid, so nothing is held. What the decision changes is carried "
        "to the next round.",
    }.get(
        opened.line or Line.NONE,
        "Nothing is to be paid for this line at present, so nothing is held.",
    )


def _outcome(told: Told, facts: Mapping[str, Any]) -> str:
    """Return a decision with what follows from it."""
    if not told.label:
        lifted = "the suspension is lifted and payments are due again."
        return (
            f"**void**, {lifted}" if told.outcome is Outcome.VOID else "**the suspension stands**."
        )
    if told.outcome is Outcome.STANDS:
        return "**it stands** as published, nothing changes."
    before, after = (_money(told, amount) for amount in facts["amounts"])
    change = (
        f"**{before} → {after}**" if told.outcome is Outcome.MODIFY else f"**void**, {before} → 0"
    )
    if facts["carried"] is None:
        return f"{change}, with version {facts['version']} of the statement."
    where = (
        f"is carried to {facts['carried_to']}"
        if facts["carried_to"]
        else ("waits for the next round in this currency")
    )
    carried = money(facts["carried"], decimals=told.decimals, currency=told.currency, signed=True)
    return f"{change}; as it is paid, {carried} {where}."


def _row(told: Told) -> str:
    end = STATES[told.state]
    if told.state is State.OPEN:
        end = f"open; others can dispute it until {when(told.valid_until)}"
    elif told.outcome is not None:
        amount = f" to {_money(told, told.amount)}" if told.amount is not None else ""
        answer = _one_line(told.answer)
        end = f"decided: {told.outcome}{amount}{f' ({answer})' if answer else ''}"
    reason = f"\n> {_one_line(told.reason)}" if told.reason else ""
    return f"**{told.number}** about {about(told)}, by <@{told.opener_id}>: {end}{reason}"


def _one_line(text: str) -> str:
    return _fit(" ".join(text.split()), LISTED_ROOM)


def _money(told: Told, amount: int) -> str:
    return money(amount, decimals=told.decimals, currency=told.currency)
