"""Rounds: opening, the timed acts, closing by hand, reopening, voiding."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from bot.domain import calendar, people, policy
from bot.domain.canonical import spell
from bot.domain.disputes import State as Dispute
from bot.domain.errors import Refusal
from bot.domain.people import Actor
from bot.domain.schedule import Act, RoundFacts, next_act
from bot.domain.statement import Sum, pools
from bot.domain.states import PUBLIC_ROUND_STATES, Line, may_follow
from bot.domain.states import Round as State
from bot.services import (
    boards,
    carries,
    counting,
    history,
    jar,
    lines,
    outbox,
    reminders,
    settings,
    votes,
)
from bot.services.settings import Current
from storage import disputes, hours, payout, rounds, thanks, wallets
from storage import people as roster
from storage.express import Through
from storage.tables import ActDone, Decline, Round

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

LIVE_STATES = ("open", "review", "draft", "published", "final")


class Opened(Struct, frozen=True):
    """A round that was opened, and what an admin may still want to set."""

    label: str
    work_since: datetime
    call_at: datetime
    close_at: datetime
    hints: tuple[str, ...] = ()


class Status(Struct, frozen=True):
    """A round as everybody may see it; amounts in the smallest unit of `currency`."""

    label: str
    state: State
    work_since: datetime
    call_at: datetime
    close_at: datetime
    compute_at: datetime
    pay_at: datetime
    closed_at: datetime | None
    published_at: datetime | None
    dispute_until: datetime | None
    thread_id: int | None
    helpers: int
    minutes: int
    finished: int
    cap: int
    used: int
    unused_before: tuple[tuple[str, Sum], ...]
    currency: str
    decimals: int
    parked: tuple[str, ...]
    split_by: str = "hours"
    hours_cap: int = 0
    thanks_pool: int = 0
    thanks: int | None = None
    """Votes for all helpers together; None while they are hidden."""


class Ended(Struct, frozen=True):
    """A round that was closed or voided by hand; `next_label` is the one that opened."""

    label: str
    next_label: str | None = None


# ---------------------------------------------------------------- which round


async def named(session: AsyncSession, guild_id: int, label: str | None) -> Round:
    """Return the round of a label, else the open one."""
    if label is not None:
        found = await rounds.labelled(session, guild_id, label.strip().upper())
        if found is None:
            known = [round_.label for round_ in await rounds.of_server(session, guild_id)]
            listed = f"Rounds here: {', '.join(known[-10:])}." if known else "There is none yet."
            raise Refusal(f"There is no round of that name. {listed}")
        return found
    found_open = await rounds.of_server(session, guild_id, states=("open",))
    if not found_open:
        raise Refusal("No round is open. The committee opens one with `/round open`.")
    return found_open[0]


async def at_moment(session: AsyncSession, by: Actor) -> Round:
    """Return the round that was open at the moment on Discord's clock."""
    round_ = await rounds.at(session, by.guild_id, by.at)
    if round_ is None:
        # Between a close and the tick that carries it out there is no gap either.
        await advance(session, by.guild_id, now=by.now)
        round_ = await rounds.at(session, by.guild_id, by.at)
    if round_ is None:
        raise Refusal("No round is open at the moment. `/round status` shows what comes next.")
    return round_


async def open_label(session: AsyncSession, guild_id: int) -> str | None:
    """Return the label of the open round, None where none is."""
    found = await rounds.of_server(session, guild_id, states=("open",))
    return found[0].label if found else None


async def newest_published(session: AsyncSession, guild_id: int, label: str | None) -> Round:
    """Return a published round: that of the label, else the newest. Drafts are not found."""
    public = await rounds.of_server(
        session, guild_id, states=[str(state) for state in PUBLIC_ROUND_STATES]
    )
    if not public:
        raise Refusal("No statement has been published yet. `/round status` shows what comes next.")
    if label is None:
        return public[-1]
    wanted = await named(session, guild_id, label)
    if wanted not in public:
        listed = ", ".join(round_.label for round_ in public[-10:])
        raise Refusal(f"{wanted.label} is not published. Published: {listed}.")
    return wanted


async def oldest_draft(session: AsyncSession, guild_id: int) -> Round:
    """Return the oldest round with a draft, first or corrected."""
    for round_ in await rounds.of_server(session, guild_id, states=("draft", "published", "final")):
        if round_.draft_version is not None:
            return round_
    review = await rounds.of_server(session, guild_id, states=("review",))
    if review:
        stamp = int(review[0].compute_at.timestamp())
        raise Refusal(f"There is no draft yet: that of {review[0].label} is made <t:{stamp}:R>.")
    raise Refusal("There is no draft. One is made when a round has closed: see `/round status`.")


async def in_review_or_draft(
    session: AsyncSession, guild_id: int, label: str | None, *, or_open: bool = False
) -> Round:
    """Return the round a preview or adjustment is about: the oldest in review or draft.

    A published round whose correction waits is in draft too: it is approved before later ones.
    """
    if label is not None:
        return await named(session, guild_id, label)
    states = ("review", "draft", "published", "final")
    for round_ in await rounds.of_server(session, guild_id, states=states):
        if round_.state in {"review", "draft"} or round_.draft_version is not None:
            return round_
    if or_open:
        return await named(session, guild_id, None)
    raise Refusal(
        "No round is in review or draft. Name one, or wait until the open one has closed."
    )


async def labels(session: AsyncSession, guild_id: int, *, public: bool = False) -> list[str]:
    """Return the labels of a server's rounds, newest first; `public`: of published ones."""
    found = await rounds.of_server(session, guild_id)
    wanted = [
        round_.label
        for round_ in reversed(found)
        if not public or State(round_.state) in PUBLIC_ROUND_STATES
    ]
    return list(dict.fromkeys(wanted))  # the label of a void round is used again


# ---------------------------------------------------------------- by hand


async def open_by_hand(session: AsyncSession, *, by: Actor) -> Opened:
    """Open the first round, or the next one where none followed by itself.

    The first round carries the label of the period that closes next and accepts work since the
    close that the calendar gives the period before. Refuses with everything that is missing.
    """
    await history.begin(session, by)
    now_policy = await settings.current(session, by.guild_id)
    people.require_committee(now_policy.policy, by)
    existing = await rounds.of_server(session, by.guild_id, states=("open",))
    if existing:
        stamp = int(existing[0].close_at.timestamp())
        raise Refusal(
            f"{existing[0].label} is open already, until <t:{stamp}:f>. "
            "The next one opens by itself."
        )
    missing = policy.problems(now_policy.document)
    if missing:
        raise Refusal(
            "The round cannot open yet:\n"
            + "\n".join(f"- {problem}" for problem in missing)
            + "\nAn admin sets these with `/setup` or `/settings set`."
        )
    round_ = await _open(session, by.guild_id, now_policy, at=by.now, now=by.now, actor=by.user_id)
    hints = () if now_policy.policy.currency else ("No `currency` is set: amounts stand alone.",)
    return Opened(round_.label, round_.work_since, round_.call_at, round_.close_at, hints)


async def may_close(session: AsyncSession, *, by: Actor) -> Round:
    """Return the open round that the actor may close."""
    people.require_committee((await settings.current(session, by.guild_id)).policy, by)
    return await named(session, by.guild_id, None)


async def close(session: AsyncSession, *, by: Actor, round_id: int, reason: str) -> Ended:
    """End an open round now; the next one opens at the same instant."""
    await history.begin(session, by)
    people.require_committee((await settings.current(session, by.guild_id)).policy, by)
    round_ = await rounds.get(session, round_id)
    if round_ is None or round_.guild_id != by.guild_id or round_.state != State.OPEN:
        label = f"{round_.label} is" if round_ and round_.guild_id == by.guild_id else "It is"
        raise Refusal(f"{label} not open any more. See `/round status`.")
    # What the calendar has closed already, closed then: nothing was logged since.
    ended_at = min(by.now, round_.close_at)
    following = await _close(
        session, round_, at=ended_at, now=by.now, actor=by.user_id, reason=reason
    )
    await _mark(session, round_, Act("close", round_.id, by.now), now=by.now)
    return Ended(round_.label, following.label)


async def reopen(session: AsyncSession, *, by: Actor, reason: str) -> Opened:
    """Open the newest round in review again, until its draft is due.

    The round that followed must be without entries; it is voided and its label used again.
    """
    await history.begin(session, by)
    people.require_committee((await settings.current(session, by.guild_id)).policy, by)
    waiting = await rounds.of_server(session, by.guild_id, states=("review",))
    if not waiting:
        raise Refusal("No round is in review, so none can be reopened. See `/round status`.")
    round_ = waiting[-1]
    if by.now >= round_.compute_at:
        raise Refusal(
            f"The draft of {round_.label} is due: it cannot be reopened. Adjust the draft."
        )
    if await payout.adjustments(session, round_.id):
        raise Refusal(
            f"{round_.label} has been adjusted, so it stays closed. "
            "Missing hours can be added with `/payout adjust`."
        )
    for follower in await rounds.of_server(session, by.guild_id):
        if follower.number < round_.number or follower.state == State.VOID or follower is round_:
            continue
        begun = await _begun(session, follower)
        if begun:
            why = begun
            raise Refusal(
                f"{follower.label} {why}, so {round_.label} stays closed. "
                "Missing hours can be added with `/payout adjust`."
            )
        await _void(session, follower, by=by, reason=reason)
    await session.flush()
    round_.state = State.OPEN
    round_.close_at, round_.closed_at = round_.compute_at, None
    await rounds.forget_close(session, round_.id)
    await counting.undo(session, round_, at=by.now)
    await jar.adopt(session, round_, at=by.now)
    await carries.adopt(session, round_, at=by.now)
    await boards.refresh(session, round_, at=by.now)
    await history.append(
        session,
        guild_id=by.guild_id,
        at=by.now,
        actor=by.user_id,
        action="round.reopened",
        subject=f"round:{round_.label}",
        data={"close_at": spell(round_.close_at)},
        texts={"reason": reason},
        concerning=round_,
    )
    await outbox.say(
        session,
        guild_id=by.guild_id,
        name=f"round:{round_.id}:reopened:{by.interaction_id}",
        kind="reopened",
        at=by.now,
        round_id=round_.id,
    )
    return Opened(round_.label, round_.work_since, round_.call_at, round_.close_at)


async def _begun(session: AsyncSession, round_: Round) -> str:
    """Return why a round cannot be undone by reopening the one before it, empty where it can."""
    if round_.state != State.OPEN:
        return "has followed and closed"
    if await rounds.has_entries(session, round_.id):
        return "has entries already"
    return "has thanks already" if await thanks.has_any(session, round_.id) else ""


async def may_void(session: AsyncSession, *, by: Actor, label: str | None) -> Round:
    """Return the round that the actor may void: the named, else the oldest draft, else the open."""
    people.require_committee((await settings.current(session, by.guild_id)).policy, by)
    if label is not None:
        round_ = await named(session, by.guild_id, label)
    else:
        drafts = await rounds.of_server(session, by.guild_id, states=("draft",))
        round_ = drafts[0] if drafts else await named(session, by.guild_id, None)
    await _require_voidable(session, round_)
    return round_


async def _require_voidable(session: AsyncSession, round_: Round) -> None:
    if round_.state == State.VOID:
        raise Refusal(f"{round_.label} is void already.")
    if await payout.payments(session, round_.id):
        raise Refusal(
            f"Something of {round_.label} is paid, so it cannot be voided. "
            "Take the payment back first with `/payout correct` if it was recorded wrongly."
        )
    batch = await wallets.open_batch(session, round_.id)
    if batch is not None:
        raise Refusal(
            f"Batch {batch.number} of {round_.label} was handed over and may be paid already, so "
            f"the round cannot be voided. `/payout cancel batch:{batch.number}` gives the batch up "
            "if nothing of it was sent."
        )
    if not may_follow(State(round_.state), State.VOID):
        raise Refusal(f"{round_.label} is settled: nothing of it is left to be paid.")


async def void(session: AsyncSession, *, by: Actor, round_id: int, reason: str) -> Ended:
    """Void a round: its entries stay readable and are paid by nobody."""
    await history.begin(session, by)
    people.require_committee((await settings.current(session, by.guild_id)).policy, by)
    round_ = await rounds.get(session, round_id)
    if round_ is None or round_.guild_id != by.guild_id:
        raise Refusal("There is no such round here. `/round status` lists what there is.")
    await _require_voidable(session, round_)
    await _void(session, round_, by=by, reason=reason)
    await session.flush()
    for now_open in await rounds.of_server(session, by.guild_id, states=(State.OPEN,)):
        await jar.adopt(session, now_open, at=by.now)
        await carries.adopt(session, now_open, at=by.now)
        await boards.refresh(session, now_open, at=by.now)
    return Ended(round_.label)


async def unsettle(session: AsyncSession, round_: Round) -> None:
    """Let a round in which a line is due again be settled anew; one that is not, stays."""
    if round_.state == State.SETTLED:
        round_.state = State.FINAL
        await rounds.forget_act(session, round_.id, "settle")


async def reconsider(session: AsyncSession, round_: Round) -> None:
    """Let a round be final anew: it was disputed in time, though that arrived after the fact."""
    if round_.state in (State.FINAL, State.SETTLED):
        round_.state = State.PUBLISHED
        await rounds.forget_act(session, round_.id, "final")
        await rounds.forget_act(session, round_.id, "settle")


# ---------------------------------------------------------------- by the clock


async def due(
    session: AsyncSession, guild_id: int, *, now: datetime, with_reminders: bool = True
) -> Act | None:
    """Return what has been due for longest in a server, None where nothing is."""
    facts = [await _facts(session, round_) for round_ in await _live(session, guild_id)]
    if not with_reminders:
        facts = [replace(each, reminder_every=None) for each in facts]
    return next_act(facts, now)


async def advance(
    session: AsyncSession, guild_id: int, *, now: datetime, stop_at_close: bool = False
) -> list[Act]:
    """Carry out everything that is due in a server, oldest first, each act once.

    Only the database is changed; what is to be said lies in the outbox afterwards. With
    `stop_at_close` a close is the last act: the thanks of that round are to be counted first.
    """
    carried_out = []
    while (act := await due(session, guild_id, now=now)) is not None:
        round_ = await rounds.get(session, act.round_id)
        assert round_ is not None
        await _mark(session, round_, act, now=now)
        if not act.skipped:
            await _carry_out(session, round_, act, now=now)
        await session.flush()
        carried_out.append(act)
        if stop_at_close and act.name == "close":
            break
    return carried_out


async def _live(session: AsyncSession, guild_id: int) -> Sequence[Round]:
    return await rounds.of_server(session, guild_id, states=LIVE_STATES)


async def _facts(session: AsyncSession, round_: Round) -> RoundFacts:
    due_lines = held_lines = 0
    if round_.state in (State.PUBLISHED, State.FINAL):
        states = await lines.states(session, round_)
        due_lines = sum(state is Line.DUE for state in states.values())
        held_lines = sum(state is Line.HELD for state in states.values())
    pinned = await settings.pinned(session, round_)
    return RoundFacts(
        round_id=round_.id,
        state=State(round_.state),
        call_at=round_.call_at,
        close_at=round_.close_at,
        compute_at=round_.compute_at,
        pay_at=round_.pay_at,
        drafted_at=round_.drafted_at,
        published_at=round_.published_at,
        dispute_until=round_.dispute_until,
        pays_after_disputes=pinned.policy.pay_after == "disputes",
        due_lines=due_lines,
        held_lines=held_lines,
        disputed=bool(await disputes.open_of_round(session, round_.id)),
        correction=round_.draft_version if round_.published_version else None,
        counted=round_.counted_at is not None,
        done=await rounds.acts_done(session, round_.id),
        open_at=round_.open_at,
        reminder_every=timedelta(hours=pinned.policy.reminder_hours) or None,
        reminders=round_.reminders,
    )


async def _mark(session: AsyncSession, round_: Round, act: Act, *, now: datetime) -> None:
    if act.slot is not None:
        round_.reminders = act.slot  # there may be thousands a year: the last one says it all
        return
    session.add(
        ActDone(
            round_id=round_.id,
            name=act.name,
            guild_id=round_.guild_id,
            due_at=act.due_at,
            done_at=now,
            late=act.late,
            skipped=act.skipped,
        )
    )


async def _carry_out(session: AsyncSession, round_: Round, act: Act, *, now: datetime) -> None:
    if act.name == "close":
        await _close(session, round_, at=act.due_at, now=now, late=act.late)
        return
    if act.slot is not None:
        await reminders.say(session, round_, slot=act.slot, at=now)
        return
    moved = {"compute": State.DRAFT, "final": State.FINAL, "settle": State.SETTLED}.get(act.name)
    if moved is not None:
        round_.state = moved
    if act.name == "compute":
        round_.drafted_at, round_.draft_version = now, 1
    await history.append(
        session,
        guild_id=round_.guild_id,
        at=now,
        action=f"round.{_DONE_WORDS.get(act.name, 'reminded')}",
        subject=f"round:{round_.label}",
        data={"act": act.name, "due": spell(act.due_at), "late": act.late},
        concerning=round_,
    )
    kinds = {"call": ("call",), "compute": ("draft",), "pay": ("pay", "pay-notice")}
    for kind in kinds.get(act.name, ("note",) if "note" in act.name else ()):
        await outbox.say(
            session,
            guild_id=round_.guild_id,
            name=f"round:{round_.id}:{kind}:{act.name}",
            kind=kind,
            at=now,
            round_id=round_.id,
            facts={"late": act.late, "due": spell(act.due_at)},
        )


_DONE_WORDS = {
    "call": "called",
    "compute": "drafted",
    "pay": "payment_due",
    "final": "final",
    "settle": "settled",
}


async def _open(
    session: AsyncSession,
    guild_id: int,
    now_policy: Current,
    *,
    at: datetime,
    now: datetime,
    actor: int | None = None,
    late: bool = False,
) -> Round:
    past = [
        round_ for round_ in await rounds.of_server(session, guild_id) if round_.state != State.VOID
    ]
    timetable = now_policy.policy.timetable
    period = calendar.period_closing_after(
        timetable, at, used=frozenset(round_.label for round_ in past)
    )
    dates = calendar.dates(timetable, period)
    before = max((round_.closed_at for round_ in past if round_.closed_at), default=None)
    round_ = Round(
        guild_id=guild_id,
        number=await rounds.next_number(session, guild_id),
        label=dates.label,
        state=State.OPEN,
        policy_version=now_policy.version,
        work_since=before or calendar.last_close_before(timetable, period),
        open_at=at,
        call_at=dates.call_at,
        close_at=dates.close_at,
        compute_at=dates.compute_at,
        pay_at=dates.pay_at,
        published_version=0,
        thread_lost=False,
        record_first=0,
        record_last=0,
        channel_id=now_policy.policy.support_channel,
    )
    session.add(round_)
    await session.flush()
    await history.append(
        session,
        guild_id=guild_id,
        at=now,
        actor=actor,
        action="round.opened",
        subject=f"round:{round_.label}",
        data={
            "policy_version": now_policy.version,
            "policy": dict(now_policy.document),
            "open_at": spell(at),
            "work_since": spell(round_.work_since),
            "close_at": spell(round_.close_at),
            "late": late,
        },
        concerning=round_,
    )
    await outbox.say(
        session,
        guild_id=guild_id,
        name=f"round:{round_.id}:announcement",
        kind="announcement",
        at=now,
        round_id=round_.id,
        facts={"late": late, "due": spell(at)},
    )
    await jar.adopt(session, round_, at=now)
    await carries.adopt(session, round_, at=now)
    return round_


async def _close(
    session: AsyncSession,
    round_: Round,
    *,
    at: datetime,
    now: datetime,
    actor: int | None = None,
    reason: str = "",
    late: bool = False,
) -> Round:
    """Close a round at an instant and open the next one at the same."""
    round_.state, round_.closed_at = State.REVIEW, at
    await reminders.withdraw(session, round_)
    declined = await roster.declined(Through(session), round_.guild_id)
    session.add_all(Decline(round_id=round_.id, user_id=user_id) for user_id in sorted(declined))
    await history.append(
        session,
        guild_id=round_.guild_id,
        at=now,
        actor=actor,
        action="round.closed",
        subject=f"round:{round_.label}",
        data={
            "closed_at": spell(at),
            "declined": [str(user_id) for user_id in declined],
            "late": late,
        },
        texts={"reason": reason},
        concerning=round_,
    )
    await session.flush()
    now_policy = await settings.current(session, round_.guild_id)
    problems = policy.problems(now_policy.document)
    if problems:
        # There is never a gap: the next round opens as this one did, and the committee is told.
        now_policy = await settings.pinned(session, round_)
        await outbox.say(
            session,
            guild_id=round_.guild_id,
            name=f"round:{round_.id}:settings",
            kind="settings",
            at=now,
            round_id=round_.id,
            facts={"problems": problems},
        )
    following = await _open(
        session, round_.guild_id, now_policy, at=at, now=now, actor=actor, late=late
    )
    # Said after the announcement of the next round, so that it can point to its thread.
    await outbox.say(
        session,
        guild_id=round_.guild_id,
        name=f"round:{round_.id}:closed:{int(at.timestamp())}",
        kind="closed",
        at=now,
        round_id=round_.id,
        facts={"late": late, "due": spell(at), "reason": reason},
    )
    return following


async def _void(session: AsyncSession, round_: Round, *, by: Actor, reason: str) -> None:
    round_.state, round_.draft_version = State.VOID, None
    round_.closed_at = round_.closed_at or by.now
    await reminders.withdraw(session, round_)
    await history.append(
        session,
        guild_id=by.guild_id,
        at=by.now,
        actor=by.user_id,
        action="round.voided",
        subject=f"round:{round_.label}",
        texts={"reason": reason},
        concerning=round_,
    )
    await outbox.say(
        session,
        guild_id=by.guild_id,
        name=f"round:{round_.id}:voided",
        kind="voided",
        at=by.now,
        round_id=round_.id,
        facts={"reason": reason},
    )
    await session.flush()
    await carries.withdraw(session, round_, at=by.now)
    for dispute in await disputes.open_of_round(session, round_.id):
        dispute.state, dispute.decided_at = Dispute.MOOT, by.now
        for place in ("committee", "public"):
            name = f"dispute:{dispute.id}:{place}"
            await outbox.again(session, guild_id=by.guild_id, name=name)
    await counting.restore(session, round_, at=by.now)
    await boards.closed(session, round_, at=by.now)


# ---------------------------------------------------------------- to see


async def status(session: AsyncSession, guild_id: int, *, label: str | None) -> Status:
    """Return a round as everybody may see it, by default the open one."""
    if label is None:
        found = await rounds.of_server(session, guild_id, states=("open",))
        every = await rounds.of_server(session, guild_id)
        if not found and not every:
            raise Refusal(
                "There is no round yet. The committee opens the first with `/round open`."
            )
        round_ = found[0] if found else every[-1]
    else:
        round_ = await named(session, guild_id, label)
    pinned = await settings.pinned(session, round_)
    minutes = await hours.minutes_by_user(Through(session), round_.id)
    parked = await outbox.problems(session, guild_id)
    counts = await votes.public(session, round_)
    hours_cap, thanks_pool = pools(pinned.policy)
    return Status(
        label=round_.label,
        state=State(round_.state),
        work_since=round_.work_since,
        call_at=round_.call_at,
        close_at=round_.close_at,
        compute_at=round_.compute_at,
        pay_at=round_.pay_at,
        closed_at=round_.closed_at,
        published_at=round_.published_at,
        dispute_until=round_.dispute_until,
        thread_id=None if round_.thread_lost else round_.thread_id,
        helpers=len(minutes),
        minutes=sum(minutes.values()),
        finished=len(await hours.done(session, round_.id)),
        cap=pinned.policy.cap or 0,
        used=await lines.used(session, round_),
        unused_before=await lines.unused_before(session, round_),
        currency=pinned.policy.currency,
        decimals=pinned.policy.decimals,
        parked=parked,
        split_by=pinned.policy.split_by,
        hours_cap=hours_cap,
        thanks_pool=thanks_pool,
        thanks=None if counts is None else sum(counts.values()),
    )
