"""From the draft to the published statement: preview, adjust, price, approve, publish."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from bot.domain import calendar, disputes, people
from bot.domain.bundle import Shown, bundle
from bot.domain.canonical import canonical
from bot.domain.errors import Blocked, Refusal
from bot.domain.money import format_amount, parse_decimal
from bot.domain.people import Actor, Person
from bot.domain.policy import Policy
from bot.domain.record import Row
from bot.domain.statement import Adjustment, Statement, as_json, compute, require_room
from bot.domain.states import PUBLIC_ROUND_STATES
from bot.domain.states import Round as State
from bot.domain.tipjar import NO_JAR, Jar
from bot.services import (
    addresses,
    batches,
    carries,
    counting,
    history,
    lines,
    outbox,
    review,
    settings,
)
from bot.services import jar as jar_service
from bot.services import rounds as round_service
from bot.services.activity import Presence
from storage import payout, rounds
from storage import people as stored_people
from storage.express import Through
from storage.tables import Adjustment as AdjustmentRow
from storage.tables import Approval, Price, PublishedLine, PublishedStatement, Round

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

LONGEST_REASON = 1000
MOST_MINUTES = 366 * 24 * 60


class Preview(Struct, frozen=True):
    """A statement that is not published: what it would pay now, and who has approved it."""

    statement: Statement
    shown: Mapping[int, Shown]
    state: State
    warnings: tuple[str, ...]
    approved_by: tuple[int, ...]
    approvals_needed: int
    adjustments: tuple[Change, ...]
    price_source: str
    compute_at: datetime
    jar: Jar = NO_JAR
    counted_late_at: datetime | None = None


class Change(Struct, frozen=True):
    """An adjustment of a line, with its reason."""

    number: int
    user_id: int
    minutes: int
    amount: int
    reason: str
    actor_id: int


class Adjusted(Struct, frozen=True):
    """An adjustment that was made: the line before and after, amounts in the smallest unit."""

    label: str
    version: int
    number: int
    user_id: int
    minutes: tuple[int, int]
    amount: tuple[int, int]
    total: tuple[int, int]
    currency: str
    decimals: int
    voided_approvals: bool


class Priced(Struct, frozen=True):
    """A draft with its conversion price."""

    label: str
    price: str
    total: int
    pay_total: int
    policy: Policy


class Approved(Struct, frozen=True):
    """An approval of one exact draft, and what is still needed."""

    label: str
    version: int
    sha256: str
    total: int
    currency: str
    decimals: int
    count: int
    needed: int
    as_admin: bool


class Published(Struct, frozen=True):
    """A published version with everything the public files are made from.

    `names` are those of the committee members who approved or adjusted it, `counted_late_at` is
    set where the thanks were counted long after the close, `cancelled_batch` in the moment that
    publishing it cancelled one.
    """

    statement: Statement
    shown: Mapping[int, Shown]
    names: Mapping[int, str]
    state: State
    published_at: datetime
    dispute_until: datetime
    pay_due_at: datetime
    record_head: str
    record_number: int
    approved_by: tuple[int, ...]
    admin_approval: bool
    adjustments: tuple[Change, ...]
    price_source: str
    document: Mapping[str, object]
    thread_id: int | None
    jar: Jar = NO_JAR
    counted_late_at: datetime | None = None
    cancelled_batch: int | None = None


# ---------------------------------------------------------------- the draft


async def preview(session: AsyncSession, *, by: Actor, label: str | None) -> Preview:
    """Return the statement of a round as it would be now; nothing is changed."""
    people.require_committee((await settings.current(session, by.guild_id)).policy, by)
    round_ = await round_service.in_review_or_draft(session, by.guild_id, label, or_open=True)
    return await preview_of(session, round_)


async def preview_with_presence(
    session: AsyncSession, *, by: Actor, label: str | None
) -> tuple[Preview, Presence | None]:
    """Return what `preview` does, and where the helpers of its lines were seen."""
    draft = await preview(session, by=by, label=label)
    return draft, await review.presence(session, statement=draft.statement)


async def preview_of(session: AsyncSession, round_: Round) -> Preview:
    """Return the preview of one round."""
    statement = await lines.draft(session, round_)
    approvals = await payout.approvals(session, round_.id, sha256=statement.sha256)
    price = await payout.price(session, round_.id)
    return Preview(
        statement=statement,
        shown=await lines.shown(session, round_, statement),
        state=State(round_.state),
        warnings=await review.warnings(session, round_, statement),
        approved_by=tuple(approval.user_id for approval in approvals),
        approvals_needed=statement.policy.approvals,
        adjustments=await changes_of(session, round_),
        price_source=price.source if price and statement.facts.price else "",
        compute_at=round_.compute_at,
        jar=await jar_service.of_round(session, round_),
        counted_late_at=counting.late_at(round_),
    )


async def adjust(
    session: AsyncSession,
    *,
    by: Actor,
    person: Person,
    reason: str,
    minutes: int | None = None,
    amount: str | None = None,
    label: str | None = None,
) -> Adjusted:
    """Change a line by minutes (they enter the split) or by a signed amount; the original stays.

    Refused on one's own line, below zero, above the cap, and where it would change a line that is
    already paid. On a published round it begins the next version.
    """
    await history.begin(session, by)
    people.require_committee((await settings.current(session, by.guild_id)).policy, by)
    round_ = await round_service.in_review_or_draft(session, by.guild_id, label)
    why = require_reason(reason)
    if person.user_id == by.user_id:
        await block(session, by=by, rule="own line", subject=f"round:{round_.label}")
        raise Blocked("Your own line is adjusted by another committee member.")
    _require_adjustable(round_)
    before = await lines.draft(session, round_)
    change = await _change(session, by, before, person=person, minutes=minutes, amount=amount)
    version = round_.draft_version or round_.published_version + 1
    facts = replace(before.facts, adjustments=(*before.facts.adjustments, change), version=version)
    after = compute(facts)
    await stored_people.seen(
        Through(session), guild_id=by.guild_id, user_id=person.user_id, name=person.name
    )
    return await _adjust(session, round_, before, after, change, by=by, reason=why)


async def decide(
    session: AsyncSession,
    round_: Round,
    *,
    by: Actor,
    user_id: int,
    amount: int | None,
    reason: str,
    is_new: bool = False,
) -> Adjusted:
    """Let an unpaid line of a published round pay another amount, or nothing (None).

    It begins the next version, or continues the one under way; the cap holds as for adjustments.
    `is_new` says that the amount is a change even where the line comes to it already.
    """
    before = await lines.draft(session, round_)
    line = before.line_of(user_id)
    assert line is not None, "a line of a closed round stays"
    if user_id in before.facts.declined:
        raise Refusal(
            f"<@{user_id}> declined pay before {round_.label} closed, so there is no amount to "
            "change. The outcome `stands` ends the dispute."
        )
    is_voided = user_id in before.facts.voided
    if (amount is None and is_voided) or (amount == line.amount and not is_new):
        raise Refusal(
            f"The line of <@{user_id}> in {round_.label} comes to that already. "
            "The outcome `stands` ends the dispute."
        )
    number = await payout.next_adjustment(session, by.guild_id)
    change = Adjustment(number, user_id, 0, disputes.correction(before, line, amount))
    voided = before.facts.voided - {user_id} | ({user_id} if amount is None else frozenset())
    after = compute(
        replace(
            before.facts,
            adjustments=(*before.facts.adjustments, change),
            voided=voided,
            version=round_.draft_version or round_.published_version + 1,
        )
    )
    return await _adjust(session, round_, before, after, change, by=by, reason=reason)


async def _adjust(
    session: AsyncSession,
    round_: Round,
    before: Statement,
    after: Statement,
    change: Adjustment,
    *,
    by: Actor,
    reason: str,
) -> Adjusted:
    """Store an adjustment that is in order; on a published round it begins the next version."""
    version = after.facts.version
    carried = sum((await carries.of_decisions(session, round_)).values())
    require_room(after, before=before, carried=carried)
    await _require_unpaid(
        session,
        round_,
        after,
        hint=" An `amount` for an unpaid line leaves the others as they are.",
    )
    voided = await payout.any_approval(session, round_.id, version=version)
    if round_.state in PUBLIC_ROUND_STATES and round_.draft_version is None:
        round_.draft_version, round_.drafted_at = version, by.now
    await _store_adjustment(session, round_, change, by=by, version=version, reason=reason)
    old, new = before.line_of(change.user_id), after.line_of(change.user_id)
    assert new is not None
    adjusted = Adjusted(
        label=round_.label,
        version=version,
        number=change.number,
        user_id=change.user_id,
        minutes=(old.minutes if old else 0, new.minutes),
        amount=(old.amount if old else 0, new.amount),
        total=(before.total, after.total),
        currency=before.policy.currency,
        decimals=before.policy.decimals,
        voided_approvals=voided,
    )
    await _say_adjusted(session, round_, adjusted, by=by, reason=reason)
    await _show_draft(session, round_)
    return adjusted


async def set_price(session: AsyncSession, *, by: Actor, price: str, source: str) -> Priced:
    """Enter the price of one unit of the payment currency in the accounting currency."""
    await history.begin(session, by)
    people.require_committee((await settings.current(session, by.guild_id)).policy, by)
    round_ = await round_service.oldest_draft(session, by.guild_id)
    policy = (await settings.pinned(session, round_)).policy
    if not policy.pay_currency:
        raise Refusal(
            f"{round_.label} is paid in {policy.currency or 'its own currency'}, so no price is "
            "needed. `pay_currency` sets another one for later rounds."
        )
    where = require_reason(source, what="source")
    text = _bare(price, policy)
    unscaled, scale = parse_decimal(text)
    canonical_price = format_amount(unscaled, decimals=scale)
    session.add(
        Price(
            round_id=round_.id,
            version=round_.draft_version or 1,
            price=canonical_price,
            source=where,
            actor_id=by.user_id,
            at=by.now,
        )
    )
    await session.flush()
    statement = await lines.draft(session, round_)
    # The same price from another source has the same hash; it is approved anew all the same.
    await payout.forget_approvals(session, round_.id, sha256=statement.sha256)
    await _require_unpaid(session, round_, statement)
    await history.append(
        session,
        guild_id=by.guild_id,
        at=by.now,
        actor=by.user_id,
        action="payout.priced",
        subject=f"round:{round_.label}",
        data={"price": canonical_price, "pay_currency": policy.pay_currency},
        texts={"source": where},
        concerning=round_,
    )
    await _show_draft(session, round_)
    return Priced(round_.label, canonical_price, statement.total, statement.pay_total or 0, policy)


# ---------------------------------------------------------------- approve and publish


async def draft_users(session: AsyncSession, guild_id: int) -> tuple[int, ...]:
    """Return who has a line in the oldest draft."""
    round_ = await round_service.oldest_draft(session, guild_id)
    return tuple(line.user_id for line in (await lines.draft(session, round_)).lines)


async def approve(
    session: AsyncSession, *, by: Actor, committee_lines: int | None = None
) -> Approved:
    """Approve the oldest draft exactly as it is now.

    Who adjusted or priced it cannot be its only approver, and one approval must come from
    somebody without a line. `committee_lines` says, for an admin outside the committee, how many
    committee members have a line: where that is every seat, the admin may give that approval.
    """
    await history.begin(session, by)
    present = (await settings.current(session, by.guild_id)).policy
    is_committee = people.is_committee(present, by)
    if not is_committee and not by.manages_server:
        people.require_committee(present, by)
    round_ = await _require_draft(session, by.guild_id)
    statement = await lines.draft(session, round_)
    policy = statement.policy
    if not is_committee:
        _require_conflicted_committee(present, statement, by, committee_lines)
    if policy.pay_currency and not statement.facts.price:
        raise Refusal(
            f"{round_.label} is paid in {policy.pay_currency}, so it needs a price first: "
            "`/payout price`."
        )
    if statement.shared > (policy.cap or 0):
        raise Refusal(
            f"Hours logged at the last moment lift {round_.label} with its adjustments above the "
            "cap. A negative `/payout adjust` brings it down."
        )
    given = await payout.approvals(session, round_.id, sha256=statement.sha256)
    if not is_committee and any(approval.as_admin for approval in given):
        raise Refusal(
            "An admin has given the one approval an admin may give. "
            "The others come from the committee."
        )
    approvers = {approval.user_id for approval in given}
    if by.user_id in approvers:
        raise Refusal(
            f"You have approved exactly this draft of {round_.label} "
            f"({statement.sha256[:12]}). {_next_step(len(approvers), policy.approvals)}"
        )
    together = approvers | {by.user_id}
    touched = await payout.pricers(session, round_.id, version=statement.facts.version)
    # Where several changed the draft, one of them may begin: another has to approve it too.
    begins = together <= touched and len(together) == 1 and len(touched) > 1
    if len(together) >= policy.approvals and not begins:
        await _require_two_people(session, round_, statement, together, by=by)
    role = "committee" if is_committee else "admin"
    await _store_approval(session, round_, statement, by=by, role=role)
    await _show_draft(session, round_)
    return Approved(
        label=round_.label,
        version=statement.facts.version,
        sha256=statement.sha256,
        total=statement.total,
        currency=policy.currency,
        decimals=policy.decimals,
        count=len(together),
        needed=max(policy.approvals, 2) if begins else policy.approvals,
        as_admin=not is_committee,
    )


async def publish(session: AsyncSession, *, by: Actor) -> Published:
    """Publish the oldest draft as it was approved; from then on it never changes."""
    await history.begin(session, by)
    people.require_committee((await settings.current(session, by.guild_id)).policy, by)
    round_ = await _require_draft(session, by.guild_id)
    statement = await lines.draft(session, round_)
    approvers = await _require_approvals(session, round_, statement)
    await _require_two_people(session, round_, statement, approvers, by=by)
    version = statement.facts.version
    until = calendar.dispute_until(statement.policy.timetable, by.now)
    deadlines, changed = await _deadlines(session, round_, statement, until=until)
    round_.state = State.PUBLISHED
    round_.published_at, round_.published_version = by.now, version
    round_.draft_version = None
    round_.dispute_until = max(deadlines.values(), default=until)
    await rounds.forget_act(session, round_.id, "final")  # a correction opens a final round again
    row = await history.append(
        session,
        guild_id=by.guild_id,
        at=by.now,
        actor=by.user_id,
        action="payout.published",
        subject=f"round:{round_.label}",
        data={
            "version": version,
            "statement_sha256": statement.sha256,
            "total": format_amount(statement.total, decimals=statement.policy.decimals),
            **await _beside(session, round_, statement),
        },
        concerning=round_,
    )
    await _store_statement(session, round_, statement, by=by, row=row, deadlines=deadlines)
    await carries.settle(session, round_, statement, at=by.now, actor=by.user_id)
    cancelled = await batches.cancel_changed(session, round_, changed, by=by)
    await _show_draft(session, round_)
    for where in ("thread", "channel"):
        await outbox.say(
            session,
            guild_id=by.guild_id,
            name=f"round:{round_.id}:published:{version}:{where}",
            kind=f"published-{where}",
            at=by.now,
            round_id=round_.id,
            facts={"version": version},
        )
    await session.flush()
    return replace(await published_of(session, round_), cancelled_batch=cancelled)


async def show(session: AsyncSession, *, guild_id: int, label: str | None) -> Published:
    """Return a published statement, by default the newest; drafts are never shown."""
    return await published_of(
        session, await round_service.newest_published(session, guild_id, label)
    )


async def show_with_addresses(
    session: AsyncSession, *, by: Actor, label: str | None
) -> tuple[Published, Mapping[int, str]]:
    """Return what `show` does, and where the lines are paid to; committee."""
    await settings.require_committee(session, by)
    found = await show(session, guild_id=by.guild_id, label=label)
    return found, await addresses.of_statement(session, found.statement, now=by.now)


async def published_of(session: AsyncSession, round_: Round) -> Published:
    """Return the newest published version of a round with what stands beside it."""
    stored = await payout.statement(session, round_.id, version=round_.published_version)
    assert stored is not None, "a published round has a statement"
    assert round_.published_at is not None
    assert round_.dispute_until is not None
    statement = await lines.published(session, round_)
    shown = await lines.shown(session, round_, statement)
    rows, before = await history.part(session, round_)
    approvals = await payout.approvals(session, round_.id, sha256=stored.sha256)
    price = await payout.price(session, round_.id, until=stored.version)
    changes = await changes_of(session, round_, until=stored.version)
    people_named = {approval.user_id for approval in approvals} | {c.actor_id for c in changes}
    return Published(
        statement=statement,
        shown=shown,
        names=await stored_people.names(session, round_.guild_id, people_named),
        state=State(round_.state),
        published_at=round_.published_at,
        dispute_until=round_.dispute_until,
        pay_due_at=await lines.pay_due_at(session, round_),
        record_head=stored.record_head,
        record_number=stored.record_number,
        approved_by=tuple(approval.user_id for approval in approvals),
        admin_approval=any(approval.as_admin for approval in approvals),
        adjustments=changes,
        price_source=price.source if price and statement.facts.price else "",
        document=bundle(statement, shown=shown, rows=rows, before=before),
        thread_id=None if round_.thread_lost else round_.thread_id,
        jar=await jar_service.of_round(session, round_),
        counted_late_at=counting.late_at(round_),
    )


async def _show_draft(session: AsyncSession, round_: Round) -> None:
    """Bring the draft in the committee channel up to date."""
    await session.flush()
    name = f"round:{round_.id}:draft:compute"
    await outbox.again(session, guild_id=round_.guild_id, name=name)


async def block(session: AsyncSession, *, by: Actor, rule: str, subject: str) -> None:
    """Let the record say that a two-person rule stopped somebody."""
    await history.append(
        session,
        guild_id=by.guild_id,
        at=by.now,
        actor=by.user_id,
        action="rule.blocked",
        subject=subject,
        data={"rule": rule},
    )


# ---------------------------------------------------------------- parts


async def _require_draft(session: AsyncSession, guild_id: int) -> Round:
    """Return the oldest draft; where there is none, say who published the last one and when."""
    try:
        return await round_service.oldest_draft(session, guild_id)
    except Refusal as refusal:
        last = await payout.last_published(session, guild_id)
        if last is None:
            raise
        round_ = await rounds.get(session, last.round_id)
        assert round_ is not None
        raise Refusal(
            f"{refusal}\n{round_.label}, version {last.version}, was published by "
            f"<@{last.actor_id}> <t:{int(last.at.timestamp())}:R>: `/payout show` has it."
        ) from refusal


async def _change(
    session: AsyncSession,
    by: Actor,
    before: Statement,
    *,
    person: Person,
    minutes: int | None,
    amount: str | None,
) -> Adjustment:
    """Return the adjustment that was asked for, by itself in order."""
    signed = 0 if amount is None else lines.money(amount, before.policy, signed=True)
    if not minutes and not signed:
        raise Refusal("Say by how much: `minutes` such as -30, or `amount` such as 25.00.")
    if abs(minutes or 0) > MOST_MINUTES:
        raise Refusal(f"`minutes` can be from -{MOST_MINUTES} to {MOST_MINUTES}.")
    if person.user_id in before.facts.declined:
        raise Refusal(f"<@{person.user_id}> has declined pay, so there is no amount to adjust.")
    if person.user_id in before.facts.voided:
        raise Refusal(
            f"A dispute ended the line of <@{person.user_id}> with nothing. "
            "Only the decision of another dispute changes that."
        )
    await _require_known(session, by.guild_id, person, before)
    number = await payout.next_adjustment(session, by.guild_id)
    return Adjustment(number, person.user_id, minutes or 0, signed)


async def _store_adjustment(
    session: AsyncSession,
    round_: Round,
    change: Adjustment,
    *,
    by: Actor,
    version: int,
    reason: str,
) -> None:
    decimals = (await settings.pinned(session, round_)).policy.decimals
    session.add(
        AdjustmentRow(
            guild_id=by.guild_id,
            number=change.number,
            round_id=round_.id,
            version=version,
            user_id=change.user_id,
            minutes=change.minutes,
            amount=change.amount,
            reason=reason,
            actor_id=by.user_id,
            at=by.now,
        )
    )
    await history.append(
        session,
        guild_id=by.guild_id,
        at=by.now,
        actor=by.user_id,
        action="payout.adjusted",
        subject=f"adjustment:{change.number}",
        data={
            "version": version,
            "user_id": str(change.user_id),
            "minutes": change.minutes,
            "amount": format_amount(change.amount, decimals=decimals),
        },
        texts={"reason": reason},
        concerning=round_,
    )


async def _say_adjusted(
    session: AsyncSession, round_: Round, adjusted: Adjusted, *, by: Actor, reason: str
) -> None:
    await outbox.say(
        session,
        guild_id=by.guild_id,
        name=f"adjustment:{adjusted.number}",
        kind="adjusted",
        at=by.now,
        round_id=round_.id,
        facts={
            "number": adjusted.number,
            "actor": by.user_id,
            "user": adjusted.user_id,
            "minutes": list(adjusted.minutes),
            "amount": list(adjusted.amount),
            "version": adjusted.version,
            "reason": reason,
        },
    )


async def _store_approval(
    session: AsyncSession, round_: Round, statement: Statement, *, by: Actor, role: str
) -> None:
    version = statement.facts.version
    session.add(
        Approval(
            round_id=round_.id,
            sha256=statement.sha256,
            user_id=by.user_id,
            version=version,
            as_admin=role == "admin",
            at=by.now,
        )
    )
    await history.append(
        session,
        guild_id=by.guild_id,
        at=by.now,
        actor=by.user_id,
        action="payout.approved",
        subject=f"round:{round_.label}",
        data={"version": version, "statement_sha256": statement.sha256, "as": role},
        concerning=round_,
    )


async def _require_approvals(
    session: AsyncSession, round_: Round, statement: Statement
) -> set[int]:
    """Return who approved exactly this draft; refuse where that is not enough."""
    approvals = await payout.approvals(session, round_.id, sha256=statement.sha256)
    missing = statement.policy.approvals - len(approvals)
    if missing > 0:
        stale = not approvals and await payout.any_approval(
            session, round_.id, version=statement.facts.version
        )
        changed = "The draft has changed since it was approved. " if stale else ""
        raise Refusal(
            f"{changed}{round_.label} needs {missing} more approval{'s' if missing > 1 else ''} of "
            f"exactly this draft ({statement.sha256[:12]}): see `/payout preview`, "
            "then `/payout approve`."
        )
    return {approval.user_id for approval in approvals}


async def _store_statement(
    session: AsyncSession,
    round_: Round,
    statement: Statement,
    *,
    by: Actor,
    row: Row,
    deadlines: Mapping[int, datetime],
) -> None:
    """Keep a published version as it stands; the record row says that it was published."""
    stored = PublishedStatement(
        guild_id=by.guild_id,
        round_id=round_.id,
        version=statement.facts.version,
        document=canonical(as_json(statement)).decode(),
        sha256=statement.sha256,
        total=statement.total,
        record_number=row.number,
        record_head=row.hash,
        actor_id=by.user_id,
        at=by.now,
    )
    session.add(stored)
    await session.flush()
    called = await lines.names(session, statement)
    session.add_all(
        PublishedLine(
            statement_id=stored.id,
            user_id=line.user_id,
            name=called[line.user_id],
            amount=line.amount,
            pay_amount=line.pay_amount,
            waived=line.waived,
            dispute_until=deadlines[line.user_id],
        )
        for line in statement.lines
    )


def _require_adjustable(round_: Round) -> None:
    if round_.state in (State.REVIEW, State.DRAFT, State.PUBLISHED, State.FINAL):
        return
    why = {
        State.OPEN: "is still open: helpers log and edit their hours themselves until it closes",
        State.VOID: "is void",
    }.get(State(round_.state), "is settled")
    raise Refusal(f"{round_.label} {why}. Rounds in review or draft can be adjusted.")


async def _require_known(
    session: AsyncSession, guild_id: int, person: Person, statement: Statement
) -> None:
    if statement.line_of(person.user_id) is not None:
        return
    if await stored_people.helper(session, guild_id, person.user_id) is None:
        raise Refusal(
            f"<@{person.user_id}> has no line in {statement.facts.label} and never was a helper. "
            "`/helper list` shows who is."
        )


async def _require_unpaid(
    session: AsyncSession, round_: Round, after: Statement, *, hint: str = ""
) -> None:
    paid = {
        payment.user_id: (payment.amount, payment.pay_amount)
        for payment in await payout.payments(session, round_.id)
    }
    changed = [
        line.user_id
        for line in after.lines
        if line.user_id in paid and (line.amount, line.pay_amount) != paid[line.user_id]
    ]
    if changed:
        listed = ", ".join(f"<@{user}>" for user in changed[:5])
        raise Refusal(f"That would change what was already paid to {listed}.{hint}")


def _require_conflicted_committee(
    policy: Policy, statement: Statement, by: Actor, committee_lines: int | None
) -> None:
    if statement.line_of(by.user_id) is not None:
        raise Refusal("You have a line in this draft, so somebody without one has to approve it.")
    if policy.committee_seats is None:
        people.require_committee(policy, by)
    assert policy.committee_seats is not None
    if (committee_lines or 0) < policy.committee_seats:
        raise Refusal(
            "This is for the committee. An admin may approve only where every one of its "
            f"{policy.committee_seats} seats (`committee_seats`) has a line in the draft."
        )


async def _require_two_people(
    session: AsyncSession, round_: Round, statement: Statement, approvers: set[int], *, by: Actor
) -> None:
    """Refuse approvals that would stand against the two-person rules, and record that."""
    subject = f"round:{round_.label}"
    if all(statement.line_of(user) is not None for user in approvers):
        await block(session, by=by, rule="own line", subject=subject)
        raise Blocked(
            f"You have a line in {round_.label}, so one approval must come from a committee "
            "member without one. Where every member has a line, set `committee_seats` and an "
            "admin without a line may approve."
        )
    touched = await payout.pricers(session, round_.id, version=statement.facts.version)
    if len(approvers) == 1 and approvers <= touched:
        await block(session, by=by, rule="only approver changed the draft", subject=subject)
        who = "You" if by.user_id in approvers else "Its only approver"
        raise Blocked(
            f"{who} adjusted or priced this draft, so another committee member has to approve it "
            "too."
        )


async def _beside(
    session: AsyncSession, round_: Round, statement: Statement
) -> dict[str, list[str]]:
    """Return whose lines are not simply due at publication, for the record.

    `waived` are those who declined pay since the close: their amounts stay with the funder. `held`
    are those suspended, `ceased` those whose suspension is final.
    """
    now = await lines.beside(session, round_)
    users = [line.user_id for line in statement.lines if line.amount and not line.waived]

    def among(chosen: frozenset[int]) -> list[str]:
        return [str(user) for user in users if user in chosen]

    more = {"held": among(now.suspended), "ceased": among(now.ceased)}
    return {
        "waived": among(now.declining),
        **{name: chosen for name, chosen in more.items() if chosen},
    }


async def _deadlines(
    session: AsyncSession, round_: Round, statement: Statement, *, until: datetime
) -> tuple[dict[int, datetime], frozenset[int]]:
    """Return until when each line of a version can be disputed, and which lines it changes.

    A later version opens new days only for those; the others keep what they had.
    """
    users = [line.user_id for line in statement.lines]
    if not round_.published_version:
        return dict.fromkeys(users, until), frozenset()
    changed = disputes.changed(await lines.published(session, round_), statement)
    stored = await payout.statement(session, round_.id, version=round_.published_version)
    assert stored is not None, "a published round has a statement"
    assert round_.dispute_until is not None
    before = {
        user: line.dispute_until or round_.dispute_until
        for user, line in (await payout.lines(session, stored.id)).items()
    }
    return {user: until if user in changed else before[user] for user in users}, changed


def _next_step(count: int, needed: int) -> str:
    if count >= needed:
        return "`/payout publish` publishes it."
    return f"{needed - count} more to go."


async def changes_of(
    session: AsyncSession, round_: Round, *, until: int | None = None
) -> tuple[Change, ...]:
    """Return the adjustments of a round with their reasons."""
    return tuple(
        Change(row.number, row.user_id, row.minutes, row.amount, row.reason, row.actor_id)
        for row in await payout.adjustments(session, round_.id)
        if until is None or row.version <= until
    )


def require_reason(text: str, *, what: str = "reason") -> str:
    """Return a reason that others will read; the refusal names the option it was missing in."""
    words = text.strip()
    if not words:
        raise Refusal(f"Give a `{what}` in words: others will read it.")
    if len(words) > LONGEST_REASON:
        raise Refusal(f"`{what}` can have up to {LONGEST_REASON} characters.")
    return words


def _bare(price: str, policy: Policy) -> str:
    words = price.strip().split()
    if len(words) > 1 and words[-1].upper() in {
        policy.currency,
        f"{policy.currency}/{policy.pay_currency}",
    }:
        words.pop()
    return " ".join(words)
