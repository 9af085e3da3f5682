"""Disputes: opened by anyone in time, held until they are decided by people without a concern.

A decision about an unpaid line begins the next version of the statement; about a paid line it is
carried to the next round, as nothing that was paid is changed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from bot.domain import disputes as rules
from bot.domain import people
from bot.domain.cease import in_time
from bot.domain.disputes import Outcome, State
from bot.domain.errors import Blocked, Refusal
from bot.domain.money import format_amount
from bot.domain.people import Actor
from bot.domain.policy import Policy
from bot.domain.states import Line
from bot.services import (
    batches,
    carries,
    history,
    lines,
    outbox,
    settings,
    settlement,
    suspensions,
)
from bot.services import rounds as round_service
from storage import cease, payout, rounds
from storage import disputes as stored
from storage import people as stored_people
from storage.tables import Dispute, Payment, Round

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

SHORTEST = timedelta(microseconds=1)


class Told(Struct, frozen=True):
    """A dispute as it is shown; `reason` is empty for those who may not read it.

    `label` is empty where it is about the suspension of `user_id`, `user_id` None where it is
    about the whole statement. `amount` is what the line was decided to be.
    """

    number: int
    label: str
    version: int | None
    user_id: int | None
    opener_id: int
    reason: str
    at: datetime
    valid_until: datetime
    state: State
    outcome: Outcome | None
    amount: int | None
    answer: str
    decided_by: int | None
    currency: str = ""
    decimals: int = 0
    batch: int | None = None
    """The open batch that pays what is disputed; for the committee."""


class Opened(Struct, frozen=True):
    """A dispute that was taken on; `line` is the state of the line that it is about.

    `held` counts the lines that wait because of it, `committee_role` is whom to talk to.
    """

    told: Told
    line: Line | None
    held: int
    committee_role: int | None


class Decided(Struct, frozen=True):
    """A decision and what follows: a next version, or an amount carried to another round.

    `amounts` are those of the line before and after, `carried` is what moves; `carried_to` is
    empty while no round can take it.
    """

    told: Told
    version: int | None = None
    amounts: tuple[int, int] | None = None
    carried: int | None = None
    carried_to: str = ""


class Concern(Struct, frozen=True):
    """Whom a dispute concerns: its opener, and everybody whose line or payments it is about."""

    opener_id: int
    user_ids: frozenset[int]

    @property
    def everybody(self) -> frozenset[int]:
        """Return all who do not decide it."""
        return self.user_ids | {self.opener_id}


# ---------------------------------------------------------------- opening and withdrawing


async def submit(
    session: AsyncSession,
    *,
    by: Actor,
    reason: str,
    user_id: int | None = None,
    label: str | None = None,
) -> Opened:
    """Dispute a line, the whole of a published statement, or a suspension in its time.

    The moment of the press decides whether it is in time. One that is late is put on record and
    changes nothing.
    """
    await history.begin(session, by)
    why = settlement.require_reason(reason)
    if user_id is not None and label is None:
        suspension = await suspensions.disputable(session, by.guild_id, user_id=user_id, at=by.at)
        if suspension is not None:
            dispute = await _dispute(
                session, by, why, valid_until=suspension.disputable_until, user_id=user_id
            )
            dispute.suspension_id = suspension.id
            return await _open(session, by, dispute, None)
    round_ = await round_service.newest_published(session, by.guild_id, label)
    valid_until = await _valid_until(session, round_, user_id)
    dispute = await _dispute(session, by, why, valid_until=valid_until, user_id=user_id)
    dispute.round_id, dispute.version = round_.id, round_.published_version
    return await _open(session, by, dispute, round_)


async def withdraw(session: AsyncSession, *, by: Actor, number: str) -> Told:
    """Take one's own dispute back while it is open; what it held is due again."""
    await history.begin(session, by)
    dispute = await _numbered(session, by.guild_id, number)
    if dispute.opener_id != by.user_id:
        raise Refusal(
            f"Dispute {dispute.number} is not yours: who opened it can withdraw it. "
            "`/dispute list` shows them."
        )
    _require_open(dispute)
    dispute.state, dispute.decided_at = State.WITHDRAWN, by.now
    await _record(session, by, dispute, "withdrawn")
    await _show(session, dispute)
    return await _told(session, dispute)


# ---------------------------------------------------------------- deciding


async def concern(session: AsyncSession, guild_id: int, *, number: str) -> Concern | None:
    """Return whom an open dispute concerns, None where there is none of that number."""
    digits = _digits(number)
    dispute = await stored.numbered(session, guild_id, digits) if digits is not None else None
    return await _concern(session, dispute) if dispute is not None else None


async def resolve(
    session: AsyncSession,
    *,
    by: Actor,
    number: str,
    outcome: str,
    reason: str,
    amount: str | None = None,
    committee_concerned: int | None = None,
) -> Decided:
    """Decide a dispute: it stands, the line is modified to an amount, or it is void.

    Nobody decides what they opened or what concerns their own line. `committee_concerned` says,
    for an admin outside the committee, how many of its members are concerned: where that is every
    seat, the admin may decide.
    """
    await history.begin(session, by)
    policy = (await settings.current(session, by.guild_id)).policy
    if not people.is_committee(policy, by) and not by.manages_server:
        people.require_committee(policy, by)
    dispute = await _numbered(session, by.guild_id, number)
    _require_open(dispute)
    await _require_unconcerned(session, by, policy, dispute, committee_concerned)
    decision = _outcome(outcome)
    why = settlement.require_reason(reason)
    if (amount is not None) != (decision is Outcome.MODIFY):
        raise Refusal(
            "`modify` needs the new `amount` of the line, such as 90.00; "
            "`stands` and `void` take none."
        )
    if dispute.suspension_id is not None:
        decided = await _decide_suspension(session, by, dispute, decision, why)
    else:
        decided = await _decide_statement(
            session, by, dispute, outcome=decision, amount=amount, reason=why
        )
    await _say_decided(session, by, dispute, decided)
    return decided


# ---------------------------------------------------------------- looking


async def told(session: AsyncSession, guild_id: int, *, number: int) -> Told:
    """Return a dispute with its reason and the batch it stops, for the committee's post."""
    dispute = await stored.numbered(session, guild_id, number)
    assert dispute is not None, "disputes are never deleted"
    shown = await _told(session, dispute)
    if dispute.round_id is None:
        return shown
    batch = await batches.paying(session, dispute.round_id, dispute.user_id)
    return replace(shown, batch=batch)


async def listing(session: AsyncSession, *, by: Actor) -> list[Told]:
    """Return the disputes of a server, open ones first; reasons for the committee and openers."""
    policy = (await settings.current(session, by.guild_id)).policy
    sees_all = people.is_committee(policy, by)
    rows = sorted(await stored.of_server(session, by.guild_id), key=_is_closed)
    return [
        await _told(session, row, with_reason=sees_all or row.opener_id == by.user_id)
        for row in rows
    ]


async def own_open(session: AsyncSession, *, by: Actor) -> list[tuple[str, str]]:
    """Return one's own open disputes to choose from: number and what they are about."""
    rows = await stored.by_opener(session, by.guild_id, opener_id=by.user_id, states=(State.OPEN,))
    return await _choices(session, by.guild_id, rows)


async def to_decide(session: AsyncSession, *, by: Actor) -> list[tuple[str, str]]:
    """Return the open disputes to choose from; nothing for those who decide none."""
    policy = (await settings.current(session, by.guild_id)).policy
    if not people.is_committee(policy, by) and not by.manages_server:
        return []
    rows = await stored.open_of_server(session, by.guild_id)
    return await _choices(session, by.guild_id, rows)


async def _choices(
    session: AsyncSession, guild_id: int, rows: Sequence[Dispute]
) -> list[tuple[str, str]]:
    users = {row.user_id for row in rows if row.user_id is not None}
    names = await stored_people.names(session, guild_id, users)
    return [(str(row.number), await _label(session, row, names)) for row in rows]


async def _label(session: AsyncSession, dispute: Dispute, names: Mapping[int, str]) -> str:
    name = names.get(dispute.user_id or 0, f"user {dispute.user_id}")
    if dispute.round_id is None:
        return f"{dispute.number}: suspension of {name}"
    whose = "the whole" if dispute.user_id is None else name
    return f"{dispute.number}: {(await _round(session, dispute)).label}, {whose}"


# ---------------------------------------------------------------- parts of opening


async def _valid_until(session: AsyncSession, round_: Round, user_id: int | None) -> datetime:
    """Return until when a line, or the whole, can be disputed; refuse where there is no line."""
    assert round_.dispute_until is not None
    if user_id is None:
        return round_.dispute_until
    statement = await payout.statement(session, round_.id, version=round_.published_version)
    assert statement is not None, "a published round has a statement"
    line = (await payout.lines(session, statement.id)).get(user_id)
    if line is None:
        raise Refusal(
            f"<@{user_id}> has no line in the statement of {round_.label}. `/payout show` lists "
            "the lines; without `helper` a dispute is about the whole."
        )
    return line.dispute_until or round_.dispute_until


async def _dispute(
    session: AsyncSession, by: Actor, reason: str, *, valid_until: datetime, user_id: int | None
) -> Dispute:
    return Dispute(
        guild_id=by.guild_id,
        number=await stored.next_number(session, by.guild_id),
        user_id=user_id,
        opener_id=by.user_id,
        reason=reason,
        at=by.at,
        valid_until=valid_until,
        state=State.OPEN if in_time(by.at, valid_until) else State.LATE,
        outcome="",
        answer="",
    )


async def _open(session: AsyncSession, by: Actor, dispute: Dispute, round_: Round | None) -> Opened:
    await _require_new(session, by, dispute)
    session.add(dispute)
    await session.flush()
    if dispute.state == State.OPEN and round_ is not None:
        await round_service.reconsider(session, round_)
    action = "opened" if dispute.state == State.OPEN else "late"
    await _record(session, by, dispute, action, texts={"reason": dispute.reason})
    await _say_opened(session, by, dispute, round_)
    policy = (await settings.current(session, by.guild_id)).policy
    line, held = await _effect(session, dispute, round_)
    return Opened(await _told(session, dispute), line, held, policy.committee_role)


async def _require_new(session: AsyncSession, by: Actor, dispute: Dispute) -> None:
    """Refuse a second dispute of one person about the same, and too many about one round."""
    given = await stored.by_opener(
        session, by.guild_id, opener_id=by.user_id, states=(State.OPEN, State.LATE)
    )
    same = [
        one
        for one in given
        if (one.round_id, one.suspension_id, one.user_id, one.state)
        == (dispute.round_id, dispute.suspension_id, dispute.user_id, dispute.state)
    ]
    if same:
        what = "is open" if dispute.state == State.OPEN else "is on record as out of time"
        raise Refusal(
            f"Your dispute {same[0].number} about this {what} already. "
            "`/dispute list` shows it; others may dispute the same."
        )
    waiting = [one for one in given if one.state == State.OPEN]
    if sum(one.round_id == dispute.round_id for one in waiting) >= rules.MOST_OPEN:
        raise Refusal(
            f"You have {rules.MOST_OPEN} open disputes about this round, the most there are. "
            "`/dispute withdraw` takes one back; without `helper` one is about the whole."
        )


async def _effect(
    session: AsyncSession, dispute: Dispute, round_: Round | None
) -> tuple[Line | None, int]:
    """Return the state of the disputed line, and how many lines the dispute holds."""
    if round_ is None:
        return None, 0
    states = await lines.states(session, round_)
    line = states[dispute.user_id] if dispute.user_id is not None else None
    concerned = [line] if line is not None else list(states.values())
    held = dispute.state == State.OPEN
    return line, sum(state is Line.HELD for state in concerned) if held else 0


async def _say_opened(
    session: AsyncSession, by: Actor, dispute: Dispute, round_: Round | None
) -> None:
    """Tell the committee with the reason, and everybody without it; what is late stays there."""
    places = ["committee", *(["public"] if dispute.state == State.OPEN else [])]
    for place in places:
        await outbox.say(
            session,
            guild_id=by.guild_id,
            name=f"dispute:{dispute.id}:{place}",
            kind=f"dispute-{place}",
            at=by.now,
            round_id=await _thread_round(session, by.guild_id, round_),
            facts={"number": dispute.number},
        )


async def _show(session: AsyncSession, dispute: Dispute) -> None:
    """Bring what was said of a dispute up to date."""
    for place in ("committee", "public"):
        name = f"dispute:{dispute.id}:{place}"
        await outbox.again(session, guild_id=dispute.guild_id, name=name)


async def _thread_round(session: AsyncSession, guild_id: int, round_: Round | None) -> int | None:
    """Return the round in whose thread a dispute is told: for a suspension, the open one."""
    if round_ is not None:
        return round_.id
    found = await rounds.of_server(session, guild_id, states=("open",))
    return found[0].id if found else None


# ---------------------------------------------------------------- parts of deciding


async def _concern(session: AsyncSession, dispute: Dispute) -> Concern:
    if dispute.user_id is not None:
        return Concern(dispute.opener_id, frozenset({dispute.user_id}))
    statement = await lines.published(session, await _round(session, dispute))
    return Concern(dispute.opener_id, frozenset(line.user_id for line in statement.lines))


async def _require_unconcerned(
    session: AsyncSession,
    by: Actor,
    policy: Policy,
    dispute: Dispute,
    committee_concerned: int | None,
) -> None:
    """Refuse, and record, who decides what they opened or what is about them."""
    found = await _concern(session, dispute)
    subject = f"dispute:{dispute.number}"
    if by.user_id == found.opener_id:
        await settlement.block(session, by=by, rule="own dispute", subject=subject)
        raise Blocked("You opened this dispute, so another committee member decides it.")
    if by.user_id in found.user_ids:
        await settlement.block(session, by=by, rule="own line", subject=subject)
        raise Blocked(
            "This concerns your own payment, so a committee member without a concern decides it. "
            "Where there is none, set `committee_seats` and an admin without one may decide."
        )
    if people.is_committee(policy, by):
        return
    if policy.committee_seats is None:
        people.require_committee(policy, by)
    assert policy.committee_seats is not None
    if (committee_concerned or 0) < policy.committee_seats:
        raise Refusal(
            "This is for the committee. An admin may decide only where the dispute concerns every "
            f"one of its {policy.committee_seats} seats (`committee_seats`)."
        )


def _outcome(text: str) -> Outcome:
    try:
        return Outcome(text.strip().lower())
    except ValueError as error:
        listed = ", ".join(f"`{outcome}`" for outcome in Outcome)
        raise Refusal(f"`outcome` is one of: {listed}.") from error


async def _decide_suspension(
    session: AsyncSession, by: Actor, dispute: Dispute, outcome: Outcome, reason: str
) -> Decided:
    assert dispute.suspension_id is not None
    if outcome is Outcome.MODIFY:
        raise Refusal("A suspension has no amount to modify: `stands` keeps it, `void` lifts it.")
    suspension = await cease.suspension(session, dispute.suspension_id)
    assert suspension is not None, "suspensions are never deleted"
    await _close(session, by, dispute, outcome, reason)
    if outcome is Outcome.VOID and suspension.lifted_at is None:
        await suspensions.lift(
            session,
            suspension,
            guild_id=by.guild_id,
            at=by.now,
            actor=by.user_id,
            reason=reason,
        )
    return Decided(await _told(session, dispute))


async def _decide_statement(
    session: AsyncSession,
    by: Actor,
    dispute: Dispute,
    *,
    outcome: Outcome,
    amount: str | None,
    reason: str,
) -> Decided:
    round_ = await _round(session, dispute)
    if outcome is Outcome.STANDS:
        await _close(session, by, dispute, outcome, reason)
        return Decided(await _told(session, dispute))
    if dispute.user_id is None:
        raise Refusal(
            "A dispute about the whole changes no line by itself. `/payout adjust` changes lines "
            "that are not paid, `/round void` voids everything; then it is decided as `stands`."
        )
    policy = (await settings.pinned(session, round_)).policy
    goal = lines.money(amount, policy) if amount is not None else None
    payments = await payout.payments(session, round_.id)
    paid = next((one for one in payments if one.user_id == dispute.user_id), None)
    if paid is not None:
        return await _carry(session, by, dispute, paid, outcome=outcome, goal=goal, reason=reason)
    undone = await carries.undo(
        session, round_, user_id=dispute.user_id, at=by.now, actor=by.user_id
    )
    adjusted = await settlement.decide(
        session,
        round_,
        by=by,
        user_id=dispute.user_id,
        amount=goal,
        reason=f"Dispute {dispute.number}: {reason}",
        is_new=bool(undone),
    )
    await _close(session, by, dispute, outcome, reason, amount=goal)
    before, after = adjusted.amount
    return Decided(
        await _told(session, dispute), version=adjusted.version, amounts=(before + undone, after)
    )


async def _carry(
    session: AsyncSession,
    by: Actor,
    dispute: Dispute,
    paid: Payment,
    *,
    outcome: Outcome,
    goal: int | None,
    reason: str,
) -> Decided:
    """Carry the difference to what was paid, less what earlier decisions carried already."""
    round_ = await _round(session, dispute)
    before = await carries.of_decisions(session, round_)
    worth = paid.amount + before.get(paid.user_id, 0)
    change = (goal or 0) - worth
    statement = await lines.draft(session, round_)  # with a correction that is under way
    policy = statement.policy
    if not change:
        raise Refusal(
            f"What <@{paid.user_id}> was paid in {round_.label} comes to that already. "
            "The outcome `stands` ends the dispute."
        )
    room = rules.room_for(statement, before)
    if change > room:
        left = format_amount(room, decimals=policy.decimals, grouping=True)
        left = f"{left} {policy.currency}".rstrip()
        raise Refusal(
            f"That would lift {round_.label} above its cap. At most {left} can still be added."
        )
    place = await carries.decided(
        session,
        round_,
        dispute=dispute,
        user_id=paid.user_id,
        amount=change,
        at=by.now,
        actor=by.user_id,
    )
    await _close(session, by, dispute, outcome, reason, amount=goal)
    return Decided(
        await _told(session, dispute),
        amounts=(worth, goal or 0),
        carried=change,
        carried_to=place.label if place is not None else "",
    )


async def _close(
    session: AsyncSession,
    by: Actor,
    dispute: Dispute,
    outcome: Outcome,
    reason: str,
    *,
    amount: int | None = None,
) -> None:
    dispute.state, dispute.outcome, dispute.answer = State.RESOLVED, outcome, reason
    dispute.amount = amount
    # The newest decision about a line stands: the order is theirs, whatever the clock does.
    last = await stored.last_decided(session, by.guild_id)
    after = by.now if last is None else max(by.now, last + SHORTEST)
    dispute.decided_by, dispute.decided_at = by.user_id, after
    await session.flush()
    now = await _told(session, dispute)
    spelled = "" if amount is None else format_amount(amount, decimals=now.decimals)
    data = {"outcome": str(outcome), "amount": spelled}
    await _record(session, by, dispute, "resolved", data=data, texts={"reason": reason})


async def _say_decided(
    session: AsyncSession, by: Actor, dispute: Dispute, decided: Decided
) -> None:
    round_ = await rounds.get(session, dispute.round_id) if dispute.round_id else None
    await _show(session, dispute)
    await outbox.say(
        session,
        guild_id=by.guild_id,
        name=f"dispute:{dispute.id}:decided",
        kind="dispute-decided",
        at=by.now,
        round_id=await _thread_round(session, by.guild_id, round_),
        facts={
            "number": dispute.number,
            "version": decided.version,
            "amounts": list(decided.amounts) if decided.amounts else None,
            "carried": decided.carried,
            "carried_to": decided.carried_to,
        },
    )


# ---------------------------------------------------------------- parts


def _digits(number: str) -> int | None:
    digits = number.strip().lstrip("#")
    return int(digits) if re.fullmatch(r"[0-9]{1,12}", digits) else None


async def _numbered(session: AsyncSession, guild_id: int, number: str) -> Dispute:
    digits = _digits(number)
    dispute = await stored.numbered(session, guild_id, digits) if digits is not None else None
    if dispute is None:
        raise Refusal("That is not the number of a dispute here. `/dispute list` shows them.")
    return dispute


def _require_open(dispute: Dispute) -> None:
    if dispute.state == State.OPEN:
        return
    why = {
        State.LATE: "came out of time, so there is nothing to decide",
        State.WITHDRAWN: "was withdrawn",
        State.RESOLVED: "is decided already",
        State.MOOT: "was about a round that is void now",
    }[State(dispute.state)]
    raise Refusal(f"Dispute {dispute.number} {why}. `/dispute list` shows those that are open.")


def _is_closed(dispute: Dispute) -> bool:
    return dispute.state != State.OPEN


async def _round(session: AsyncSession, dispute: Dispute) -> Round:
    assert dispute.round_id is not None
    round_ = await rounds.get(session, dispute.round_id)
    assert round_ is not None
    return round_


async def _record(
    session: AsyncSession,
    by: Actor,
    dispute: Dispute,
    what: str,
    *,
    data: dict[str, str] | None = None,
    texts: dict[str, str] | None = None,
) -> None:
    """Put a step on record: in the bundle of its round, or of all with the line of a suspended."""
    round_ = await rounds.get(session, dispute.round_id) if dispute.round_id else None
    user = str(dispute.user_id or "")
    about: dict[str, object] = {"version": dispute.version, "user_id": user}
    concerned = []
    if round_ is None:
        assert dispute.user_id is not None
        concerned = list(await payout.lines_of(session, by.guild_id, user_id=dispute.user_id))
        about = {"suspension": user, "rounds": [one.label for one in concerned]}
    row = await history.append(
        session,
        guild_id=by.guild_id,
        at=by.now,
        actor=by.user_id,
        action=f"dispute.{what}",
        subject=f"dispute:{dispute.number}",
        data={**about, **(data or {})},
        texts=texts,
        concerning=round_,
    )
    for one in concerned:
        history.touch(one, row)


async def _told(session: AsyncSession, dispute: Dispute, *, with_reason: bool = True) -> Told:
    round_ = await rounds.get(session, dispute.round_id) if dispute.round_id else None
    policy = (await settings.pinned(session, round_)).policy if round_ is not None else None
    return Told(
        number=dispute.number,
        label=round_.label if round_ is not None else "",
        version=dispute.version,
        user_id=dispute.user_id,
        opener_id=dispute.opener_id,
        reason=dispute.reason if with_reason else "",
        at=dispute.at,
        valid_until=dispute.valid_until,
        state=State(dispute.state),
        outcome=Outcome(dispute.outcome) if dispute.outcome else None,
        amount=dispute.amount,
        answer=dispute.answer,
        decided_by=dispute.decided_by,
        currency=policy.currency if policy is not None else "",
        decimals=policy.decimals if policy is not None else 0,
    )
