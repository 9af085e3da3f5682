"""Payments: recorded once, taken back by two people, and what is still open."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from bot.domain import people
from bot.domain.errors import Blocked, Refusal
from bot.domain.money import format_amount
from bot.domain.people import Actor
from bot.domain.statement import Line, Statement, Sum
from bot.domain.states import Line as LineState
from bot.domain.tipjar import NO_JAR, Jar
from bot.services import (
    addresses,
    batches,
    carries,
    history,
    lines,
    outbox,
    settings,
    settlement,
    suspensions,
)
from bot.services import jar as jar_service
from bot.services import rounds as round_service
from bot.services.settlement import Change
from bot.services.suspensions import Stop
from storage import payout, rounds
from storage import people as stored_people
from storage.express import Through
from storage.tables import Batch, Payment, Round, TakeBack

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

LONGEST_REFERENCE = 200
FREED = "First `/dispute resolve` decides a dispute, or `/helper reinstate` resumes payments."


class Recorded(Struct, frozen=True):
    """Payments that were recorded."""

    label: str
    reference: str
    user_ids: tuple[int, ...]
    total: Sum
    still_due: int
    left_out: tuple[int, ...] = ()
    batch: int | None = None
    """The batch that was recorded, or that these payments brought to its end."""
    is_batch_closed: bool = False
    left_in_batch: tuple[tuple[int, LineState], ...] = ()
    """Whom the batch still has to pay, with the states of their lines."""


class TakenBack(Struct, frozen=True):
    """A proposal to take payments back, or one that was confirmed."""

    number: int
    label: str
    reference: str
    user_ids: tuple[int, ...]
    total: Sum
    confirmed: bool


class OpenAmount(Struct, frozen=True):
    """What is still to be paid to somebody from one round."""

    label: str
    amount: Sum
    state: LineState
    is_changing: bool = False


class Mine(Struct, frozen=True):
    """One's own line, with everything its explanation needs."""

    statement: Statement
    line: Line | None
    state: LineState | None
    reference: str
    changes: tuple[Change, ...]
    open_amounts: tuple[OpenAmount, ...]
    jar: Jar = NO_JAR
    is_helper: bool = True
    reason: str = ""
    """Why one's line is held or waived, in a word or two."""
    stop: Stop | None = None
    """What stops one's payments, where they are held or ceased."""
    needs_address: bool = False
    """Whether something is due and there is no address to pay it to."""
    is_changing: bool = False
    """Whether a correction under way changes one's line, which waits for it."""
    carried: int = 0
    """What decisions after the payment of this line carry to later rounds."""


async def record(
    session: AsyncSession,
    *,
    by: Actor,
    reference: str,
    user_id: int | None = None,
    label: str | None = None,
    batch: str | None = None,
) -> Recorded:
    """Record that one line, a batch, or every due line, of a published round was paid.

    A line is paid at most once and a reference is used once per payee, in whatever round. Lines
    that a correction under way would change are left out, and one that an open batch pays is not
    recorded by itself. A batch is paid once nothing of it is due or held.
    """
    await history.begin(session, by)
    people.require_committee((await settings.current(session, by.guild_id)).policy, by)
    word = require_reference(reference)
    if batch is not None and user_id is not None:
        raise Refusal("Name a `helper` or a `batch`, not both: a batch is recorded as a whole.")
    taken = await batches.require_open(session, by.guild_id, batch) if batch is not None else None
    round_ = await _round_of(session, by.guild_id, taken, label)
    statement = await lines.published(session, round_)
    states = await lines.states(session, round_)
    changing = await batches.changing(session, round_, statement)
    items = await batches.users_of(session, taken) if taken else None
    chosen = _chosen(round_, states, changing, user_id=user_id, items=items)
    if user_id is not None:
        await batches.require_outside(session, round_, user_id)
    await _require_new(session, by.guild_id, word, chosen)
    paid = [line for line in statement.lines if line.user_id in set(chosen)]
    for line in paid:
        await _store(session, round_, statement, line, by=by, reference=word)
    await session.flush()
    after = await lines.states(session, round_)
    closed = await batches.close_paid(session, round_, by=by)
    await outbox.say(
        session,
        guild_id=by.guild_id,
        name=f"round:{round_.id}:paid:{by.interaction_id}",
        kind="paid",
        at=by.now,
        round_id=round_.id,
        facts={"reference": word, "users": chosen},
    )
    return Recorded(
        label=round_.label,
        reference=word,
        user_ids=tuple(chosen),
        total=statement.sum_of(paid),
        still_due=sum(state is LineState.DUE for state in after.values()),
        left_out=tuple(user for user in changing if states.get(user) is LineState.DUE),
        batch=taken.number if taken else closed,
        is_batch_closed=closed is not None,
        left_in_batch=tuple(
            (user, after[user]) for user in items or () if after[user] is not LineState.PAID
        ),
    )


async def correct(session: AsyncSession, *, by: Actor, reference: str, reason: str) -> TakenBack:
    """Propose to take a wrongly recorded payment back, or confirm somebody else's proposal."""
    await history.begin(session, by)
    people.require_committee((await settings.current(session, by.guild_id)).policy, by)
    word = require_reference(reference)
    why = settlement.require_reason(reason)
    waiting = await payout.open_take_back(session, by.guild_id, word)
    if waiting is not None and waiting.actor_id != by.user_id:
        return await _confirm(session, by, waiting)
    standing = await payout.by_reference(session, by.guild_id, word)
    if not standing:
        raise Refusal("No payment is recorded under that reference. Check it in `/payout show`.")
    # A reference may stand in several rounds: the newest is corrected, then the one before.
    newest = max(payment.round_id for payment in standing)
    payments = [payment for payment in standing if payment.round_id == newest]
    await _require_unconcerned(session, by, payments)
    if waiting is not None:
        raise Refusal("You proposed this already. Another committee member has to confirm it.")
    proposal = TakeBack(
        guild_id=by.guild_id,
        round_id=newest,
        reference=word,
        reason=why,
        actor_id=by.user_id,
        at=max(by.now, *(payment.at for payment in payments)),  # after them on any clock
    )
    session.add(proposal)
    await session.flush()
    round_ = await rounds.get(session, payments[0].round_id)
    assert round_ is not None
    await history.append(
        session,
        guild_id=by.guild_id,
        at=by.now,
        actor=by.user_id,
        action="payment.correction_proposed",
        subject=f"take_back:{proposal.id}",
        data={"reference": word},
        texts={"reason": why},
        concerning=round_,
    )
    await outbox.say(
        session,
        guild_id=by.guild_id,
        name=f"take_back:{proposal.id}",
        kind="take-back",
        at=by.now,
        round_id=round_.id,
        facts={
            "number": proposal.id,
            "reference": word,
            "reason": why,
            "actor": by.user_id,
            "users": [payment.user_id for payment in payments],
        },
    )
    return await _taken_back(session, proposal, payments, confirmed=False)


async def confirm(session: AsyncSession, *, by: Actor, number: int) -> TakenBack:
    """Confirm a proposal to take payments back, as a second committee member."""
    await history.begin(session, by)
    people.require_committee((await settings.current(session, by.guild_id)).policy, by)
    proposal = await payout.take_back(session, by.guild_id, number)
    if proposal is None:
        raise Refusal("There is no such proposal here. `/payout correct` makes one.")
    if proposal.confirmed_at is not None:
        raise Refusal("This was confirmed already; the payment is taken back.")
    return await _confirm(session, by, proposal)


async def mine(session: AsyncSession, *, by: Actor, label: str | None) -> Mine:
    """Return one's own line of a published round, and without a label all open amounts."""
    round_ = await round_service.newest_published(session, by.guild_id, label)
    statement = await lines.published(session, round_)
    shown = (await lines.shown(session, round_, statement)).get(by.user_id)
    state = shown.status if shown is not None else None
    own = [
        payment
        for payment in await payout.payments(session, round_.id)
        if payment.user_id == by.user_id
    ]
    open_amounts = () if label else await _open_amounts(session, by)
    changes = await settlement.changes_of(session, round_, until=round_.published_version)
    return Mine(
        statement=statement,
        line=statement.line_of(by.user_id),
        state=state,
        reason=shown.reason if shown is not None else "",
        reference=own[0].reference if own else "",
        changes=tuple(change for change in changes if change.user_id == by.user_id),
        open_amounts=open_amounts,
        jar=await jar_service.of_round(session, round_),
        is_helper=await stored_people.was_helper(session, by.guild_id, by.user_id),
        stop=await suspensions.stop_of(Through(session), by.guild_id, by.user_id),
        needs_address=state is LineState.DUE
        and by.user_id in await addresses.missing(session, round_, [by.user_id]),
        is_changing=by.user_id in await batches.changing(session, round_, statement),
        carried=(await carries.of_decisions(session, round_)).get(by.user_id, 0),
    )


async def references(session: AsyncSession, guild_id: int) -> list[str]:
    """Return the newest references with a standing payment."""
    return list(await payout.references(session, guild_id))


# ---------------------------------------------------------------- parts


def require_reference(text: str) -> str:
    """Return a reference in one spelling; refuse what finds nothing again."""
    word = " ".join(text.split())
    if not word or len(word) > LONGEST_REFERENCE or not word.isprintable():
        raise Refusal(
            "`reference` is what finds the payment again, such as a transaction hash: "
            f"up to {LONGEST_REFERENCE} characters."
        )
    # A transaction hash is the same in either case.
    return word.lower() if re.fullmatch(r"0[xX][0-9a-fA-F]+", word) else word


def _chosen(
    round_: Round,
    states: Mapping[int, LineState],
    changing: frozenset[int],
    *,
    user_id: int | None,
    items: Collection[int] | None,
) -> list[int]:
    """Return whose lines are to be recorded: one that is due, those of a batch, or every one."""
    if user_id is not None:
        _require_due(round_, states.get(user_id), user_id, changing)
        return [user_id]
    every = [
        user
        for user, state in states.items()
        if state is LineState.DUE and (items is None or user in items)
    ]
    chosen = [user for user in every if user not in changing]
    if not chosen:
        where = f"No line of {round_.label}" if items is None else "Nothing of this batch"
        held = any(states[user] is LineState.HELD for user in items or states)
        why = "Everything is recorded."
        if every:
            why = "A correction of the rest is under way."
        elif held:
            why = f"What is not recorded is held. {FREED}"
        raise Refusal(f"{where} is due. {why}")
    return chosen


async def _round_of(
    session: AsyncSession, guild_id: int, batch: Batch | None, label: str | None
) -> Round:
    """Return the round that payments are recorded in: that of the batch, else the asked one."""
    if batch is None:
        return await round_service.newest_published(session, guild_id, label)
    round_ = await rounds.get(session, batch.round_id)
    assert round_ is not None
    if label is not None and label.strip().upper() != round_.label:
        raise Refusal(f"Batch {batch.number} belongs to {round_.label}. Leave `round` out.")
    return round_


async def _store(
    session: AsyncSession,
    round_: Round,
    statement: Statement,
    line: Line,
    *,
    by: Actor,
    reference: str,
) -> None:
    version = statement.facts.version
    session.add(
        Payment(
            guild_id=by.guild_id,
            round_id=round_.id,
            version=version,
            user_id=line.user_id,
            amount=line.amount,
            pay_amount=line.pay_amount,
            reference=reference,
            actor_id=by.user_id,
            at=by.now,
        )
    )
    await history.append(
        session,
        guild_id=by.guild_id,
        at=by.now,
        actor=by.user_id,
        action="payment.recorded",
        subject=f"user:{line.user_id}",
        data={
            "version": version,
            "user_id": str(line.user_id),
            "amount": format_amount(line.amount, decimals=statement.policy.decimals),
            "reference": reference,
        },
        concerning=round_,
    )


def _require_due(
    round_: Round, state: LineState | None, user_id: int, changing: frozenset[int]
) -> None:
    if state is LineState.DUE and user_id not in changing:
        return
    why = {
        None: "has no line",
        LineState.PAID: "is recorded as paid already",
        LineState.WAIVED: "has declined pay, or is not paid by a decision,",
        LineState.HELD: "is held",
        LineState.NONE: "gets 0",
        LineState.DUE: "is being corrected: publish the correction first",
    }[state]
    freed = f" {FREED}" if state is LineState.HELD else ""
    raise Refusal(f"<@{user_id}> {why} in {round_.label}, so nothing is recorded.{freed}")


async def _require_new(
    session: AsyncSession, guild_id: int, reference: str, users: list[int]
) -> None:
    used = {
        payment.user_id: payment
        for payment in await payout.by_reference(session, guild_id, reference)
        if payment.user_id in users
    }
    for user, payment in used.items():
        round_ = await rounds.get(session, payment.round_id)
        assert round_ is not None
        raise Refusal(
            f"This reference already stands for a payment to <@{user}> in {round_.label}. "
            "A reference is used once per payee; nothing is recorded."
        )


async def _require_unconcerned(
    session: AsyncSession, by: Actor, payments: Sequence[Payment]
) -> None:
    if any(payment.user_id == by.user_id for payment in payments):
        await settlement.block(session, by=by, rule="own line", subject=f"user:{by.user_id}")
        raise Blocked("This payment is your own, so two other committee members correct it.")


async def _confirm(session: AsyncSession, by: Actor, proposal: TakeBack) -> TakenBack:
    standing = await payout.by_reference(session, by.guild_id, proposal.reference)
    payments = [
        payment
        for payment in standing
        if payment.round_id == proposal.round_id and payment.at <= proposal.at
    ]
    assert payments, "what a proposal is about stands until it is confirmed"
    if proposal.actor_id == by.user_id:
        await settlement.block(
            session, by=by, rule="second person", subject=f"take_back:{proposal.id}"
        )
        raise Blocked("You proposed this, so another committee member has to confirm it.")
    await _require_unconcerned(session, by, payments)
    proposal.confirmed_by, proposal.confirmed_at = by.user_id, by.now
    declining = set(await stored_people.declined(Through(session), by.guild_id))
    for payment in payments:
        payment.taken_back_at = by.now
        round_ = await rounds.get(session, payment.round_id)
        assert round_ is not None
        await round_service.unsettle(session, round_)
        await history.append(
            session,
            guild_id=by.guild_id,
            at=by.now,
            actor=by.user_id,
            action="payment.taken_back",
            subject=f"user:{payment.user_id}",
            data={
                "user_id": str(payment.user_id),
                "reference": proposal.reference,
                "waived": payment.user_id in declining,
            },
            concerning=round_,
        )
    await outbox.again(session, guild_id=by.guild_id, name=f"take_back:{proposal.id}")
    await outbox.say(
        session,
        guild_id=by.guild_id,
        name=f"take_back:{proposal.id}:done",
        kind="taken-back",
        at=by.now,
        round_id=payments[0].round_id,
        facts={
            "reference": proposal.reference,
            "users": [payment.user_id for payment in payments],
        },
    )
    return await _taken_back(session, proposal, payments, confirmed=True)


async def _taken_back(
    session: AsyncSession, proposal: TakeBack, payments: Sequence[Payment], *, confirmed: bool
) -> TakenBack:
    round_ = await rounds.get(session, payments[0].round_id)
    assert round_ is not None
    policy = (await settings.pinned(session, round_)).policy
    pays = [payment.pay_amount for payment in payments if payment.pay_amount is not None]
    return TakenBack(
        number=proposal.id,
        label=round_.label,
        reference=proposal.reference,
        user_ids=tuple(payment.user_id for payment in payments),
        total=Sum(
            amount=sum(payment.amount for payment in payments),
            currency=policy.currency,
            decimals=policy.decimals,
            pay_amount=sum(pays) if pays else None,
            pay_currency=policy.pay_currency,
            pay_decimals=policy.pay_step[1],
        ),
        confirmed=confirmed,
    )


async def _open_amounts(session: AsyncSession, by: Actor) -> tuple[OpenAmount, ...]:
    found = []
    for round_ in await payout.lines_of(session, by.guild_id, user_id=by.user_id):
        state = (await lines.states(session, round_))[by.user_id]
        if state in (LineState.DUE, LineState.HELD):
            statement = await lines.published(session, round_)
            line = statement.line_of(by.user_id)
            assert line is not None
            waits = by.user_id in await batches.changing(session, round_, statement)
            found.append(OpenAmount(round_.label, statement.sum_of([line]), state, waits))
    return tuple(found)
