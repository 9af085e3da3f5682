"""Batches: numbered lists of payments that are handed to a wallet, one open list a round."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from bot.domain import payfiles
from bot.domain.addresses import EVM, Network
from bot.domain.errors import Refusal
from bot.domain.money import format_amount
from bot.domain.payfiles import File, Order, Payment
from bot.domain.people import Actor
from bot.domain.policy import Policy
from bot.domain.statement import Line as StatementLine
from bot.domain.statement import Statement, Sum
from bot.domain.states import Line
from bot.services import addresses, checksums, history, lines, outbox, settings
from bot.services import rounds as round_service
from storage import rounds, wallets
from storage.tables import Batch, BatchItem, Round
from storage.tables.base import microseconds

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

OPEN, PAID, CANCELLED = "open", "paid", "cancelled"
LONGEST_REASON = 1000
MICROSECONDS_PER_MILLISECOND = 1000
LISTED = 10


class LeftOut(Struct, frozen=True):
    """Who is due or held and not in a batch, by the reason."""

    no_address: tuple[int, ...] = ()
    address_waits: tuple[tuple[int, datetime], ...] = ()
    held: tuple[int, ...] = ()
    changing: tuple[int, ...] = ()
    later: tuple[int, ...] = ()
    """Due since the batch was opened: they come into the next one."""
    too_small: tuple[int, ...] = ()
    """Nothing in the steps of the currency that is paid."""


class Handed(Struct, frozen=True):
    """A batch in one format, to be compared with the wallet; `is_new` where it was opened now."""

    label: str
    version: int
    number: int
    is_new: bool
    opened_by: int
    opened_at: datetime
    file_format: str
    files: tuple[File, ...]
    total: Sum
    network: Network
    policy: Policy
    left: LeftOut
    due_at: datetime


class Shown(Struct, frozen=True):
    """A batch as the committee sees it."""

    label: str
    number: int
    state: str
    opened_by: int
    users: tuple[int, ...]
    total: Sum


class Standing(Struct, frozen=True):
    """The published lines of a round as they stand for payment."""

    statement: Statement
    states: Mapping[int, Line]
    changing: frozenset[int]
    payable: Mapping[int, Payment]
    waiting: Mapping[int, datetime]
    missing: frozenset[int]


# ---------------------------------------------------------------- for the committee


async def export(
    session: AsyncSession, *, by: Actor, file_format: str, label: str | None = None
) -> Handed:
    """Return the open batch of a published round in one format; where none is open, open one.

    A new batch has every line that is due, has an address and is not being corrected. An open one
    is handed out again, whatever the format, as long as all of it is still to be paid.
    """
    await history.begin(session, by)
    await settings.require_committee(session, by)
    round_ = await round_service.newest_published(session, by.guild_id, label)
    policy = (await settings.pinned(session, round_)).policy
    network = await addresses.network_of(session, round_)
    payfiles.require_format(file_format, network, label=round_.label)
    now = await _standing(session, round_, now=by.now)
    known = await wallets.open_batch(session, round_.id)
    if known is not None:
        await _require_payable(session, known, round_, now)
    batch = known or await _open(session, round_, now, by=by)
    order = await _order(session, batch, round_, policy, network)
    return Handed(
        label=round_.label,
        version=batch.version,
        number=batch.number,
        is_new=known is None,
        opened_by=batch.actor_id,
        opened_at=batch.at,
        file_format=file_format,
        files=payfiles.files(order, file_format, keccak=checksums.keccak),
        total=_sum(order.payments, policy),
        network=network,
        policy=policy,
        left=_left_out(now, frozenset(payment.user_id for payment in order.payments)),
        due_at=await lines.pay_due_at(session, round_),
    )


async def cancel(session: AsyncSession, *, by: Actor, batch: str, reason: str) -> Shown:
    """Give an open batch up: what of it is not recorded as paid can come into another one."""
    await history.begin(session, by)
    await settings.require_committee(session, by)
    found = await require_open(session, by.guild_id, batch)
    why = reason.strip()
    if not why or len(why) > LONGEST_REASON:
        raise Refusal(
            f"Give a `reason` in words, up to {LONGEST_REASON} characters: the record keeps it."
        )
    round_ = await rounds.get(session, found.round_id)
    assert round_ is not None
    await _close(session, found, round_, by=by, state=CANCELLED, reason=why)
    return await _shown(session, found)


async def open_numbers(session: AsyncSession, guild_id: int) -> list[tuple[str, str]]:
    """Return number and label of the open batches of a server, newest first."""
    found = []
    for batch in await wallets.open_of_server(session, guild_id):
        shown = await _shown(session, batch)
        found.append((str(batch.number), f"{batch.number} ({shown.label})"))
    return found


async def shown(session: AsyncSession, guild_id: int, number: int) -> Shown:
    """Return a batch for the committee's post about it."""
    batch = await wallets.numbered(session, guild_id, number)
    assert batch is not None, "batches stay"
    return await _shown(session, batch)


# ---------------------------------------------------------------- for other services


async def require_open(session: AsyncSession, guild_id: int, number: str) -> Batch:
    """Return an open batch by the number somebody typed; else say which ones are open."""
    word = number.strip().removeprefix("#")
    batch = None
    if re.fullmatch(r"[0-9]{1,9}", word):
        batch = await wallets.numbered(session, guild_id, int(word))
    if batch is not None and batch.state == OPEN:
        return batch
    listed = ", ".join(label for _, label in await open_numbers(session, guild_id))
    why = f"Batch {batch.number} is {batch.state}." if batch else "There is no such batch here."
    hint = f"Open: {listed}." if listed else "None is open: `/payout export` opens one."
    raise Refusal(f"{why} {hint}")


async def users_of(session: AsyncSession, batch: Batch) -> tuple[int, ...]:
    """Return whom a batch pays."""
    return tuple(item.user_id for item in await wallets.items(session, batch.id))


async def paying(session: AsyncSession, round_id: int, user_id: int | None) -> int | None:
    """Return the number of a round's open batch where it pays somebody (None: anybody)."""
    batch = await wallets.open_batch(session, round_id)
    if batch is None or user_id not in (None, *await users_of(session, batch)):
        return None
    return batch.number


async def require_outside(session: AsyncSession, round_: Round, user_id: int) -> None:
    """Refuse to record one line by itself that an open batch pays: it could be paid twice."""
    number = await paying(session, round_.id, user_id)
    if number is not None:
        raise Refusal(
            f"<@{user_id}> is in batch {number} of {round_.label}, which is open, so nothing "
            f"is recorded. `/payout paid batch:{number}` records all of it, "
            f"`/payout cancel batch:{number}` gives it up."
        )


async def close_paid(session: AsyncSession, round_: Round, *, by: Actor) -> int | None:
    """Let a round's open batch be paid where nothing of it is left; returns its number then."""
    batch = await wallets.open_batch(session, round_.id)
    if batch is None:
        return None
    states = await lines.states(session, round_)
    mine = [states.get(user) for user in await users_of(session, batch)]
    if Line.PAID not in mine or Line.DUE in mine or Line.HELD in mine:
        return None
    await _close(session, batch, round_, by=by, state=PAID)
    return batch.number


async def cancel_changed(
    session: AsyncSession, round_: Round, changed: Collection[int], *, by: Actor
) -> int | None:
    """Cancel a round's open batch where a line in it changed; returns the number of the batch."""
    batch = await wallets.open_batch(session, round_.id)
    if batch is None or set(await users_of(session, batch)).isdisjoint(changed):
        return None
    await _close(session, batch, round_, by=by, state=CANCELLED)
    return batch.number


async def changing(session: AsyncSession, round_: Round, statement: Statement) -> frozenset[int]:
    """Return whose amounts a correction under way would change."""
    if round_.draft_version is None:
        return frozenset()
    draft = await lines.draft(session, round_)
    users = {line.user_id for line in (*draft.lines, *statement.lines)}

    def amounts(of: Statement, user: int) -> tuple[int, int]:
        line = of.line_of(user)
        return (line.amount, line.pay_amount or 0) if line else (0, 0)

    return frozenset(user for user in users if amounts(draft, user) != amounts(statement, user))


# ---------------------------------------------------------------- parts


async def _standing(session: AsyncSession, round_: Round, *, now: datetime) -> Standing:
    """Return what of a round can be paid, and what waits for an address."""
    statement = await lines.published(session, round_)
    states = await lines.states(session, round_)
    users = [line.user_id for line in statement.lines]
    found = await addresses.usable(session, round_, users, now=now)
    uses = await addresses.uses(session, round_, users)
    changes = await changing(session, round_, statement)
    payments = {
        line.user_id: _payment(statement, line, found[line.user_id])
        for line in statement.lines
        if line.user_id in found and states[line.user_id] is Line.DUE
    }
    return Standing(
        statement=statement,
        states=states,
        changing=changes,
        payable={
            user: payment
            for user, payment in payments.items()
            if payment.amount and user not in changes
        },
        waiting={user: use.since for user, use in uses.items() if user not in found},
        missing=frozenset(users) - frozenset(uses),
    )


def _payment(statement: Statement, line: StatementLine, address: str) -> Payment:
    if statement.policy.pay_currency:
        return Payment(line.user_id, line.pay_amount or 0, statement.pay_decimals, address)
    return Payment(line.user_id, line.amount, statement.policy.decimals, address)


async def _open(session: AsyncSession, round_: Round, now: Standing, *, by: Actor) -> Batch:
    if not now.payable:
        raise Refusal(_nothing(round_, _left_out(now, frozenset())))
    batch = Batch(
        guild_id=by.guild_id,
        number=await wallets.next_number(session, by.guild_id),
        round_id=round_.id,
        version=now.statement.facts.version,
        state=OPEN,
        actor_id=by.user_id,
        at=by.now,
    )
    session.add(batch)
    await session.flush()
    session.add_all(
        BatchItem(
            batch_id=batch.id,
            user_id=payment.user_id,
            amount=payment.amount,
            decimals=payment.decimals,
            address=payment.address,
        )
        for payment in now.payable.values()
    )
    await session.flush()
    await _append(session, batch, round_, by=by, action="batch.opened")
    await outbox.say(
        session,
        guild_id=by.guild_id,
        name=post_name(batch),
        kind="batch",
        at=by.now,
        round_id=round_.id,
        facts={"number": batch.number},
    )
    return batch


async def _require_payable(
    session: AsyncSession, batch: Batch, round_: Round, now: Standing
) -> None:
    """Refuse to hand out a batch of which something is not to be paid as it stands there."""
    faults = []
    for item in await wallets.items(session, batch.id):
        stands = Payment(item.user_id, item.amount, item.decimals, item.address)
        if now.payable.get(item.user_id) != stands:
            faults.append(f"<@{item.user_id}> {_why_not(item, now)}")
    if not faults:
        return
    rest = f" and {len(faults) - LISTED} more" if len(faults) > LISTED else ""
    raise Refusal(
        f"Batch {batch.number} of {round_.label} is open and not all of it is to be paid any more: "
        f"{', '.join(faults[:LISTED])}{rest}. If it was sent, `/payout paid batch:{batch.number}` "
        f"records the rest; if not, `/payout cancel batch:{batch.number}` gives it up, and the "
        "next export opens another."
    )


def _why_not(item: BatchItem, now: Standing) -> str:
    state = now.states.get(item.user_id)
    if state is not Line.DUE:
        return (
            {
                Line.PAID: "is recorded as paid",
                Line.HELD: "is held",
                Line.WAIVED: "is waived",
            }.get(state, "gets nothing")
            if state
            else "has no line"
        )
    if item.user_id in now.changing:
        return "is being corrected"
    return "has another address or amount now"


async def _order(
    session: AsyncSession, batch: Batch, round_: Round, policy: Policy, network: Network
) -> Order:
    return Order(
        label=round_.label,
        number=batch.number,
        created_at=microseconds(batch.at) // MICROSECONDS_PER_MILLISECOND,
        network=network,
        chain_id=policy.chain_id,
        token_address=_spelled(policy.token_address, network),
        token_decimals=policy.token_decimals,
        safe_address=_spelled(policy.safe_address, network),
        asset_id=policy.asset_id,
        payments=tuple(
            Payment(item.user_id, item.amount, item.decimals, item.address)
            for item in await wallets.items(session, batch.id)
        ),
    )


def _left_out(now: Standing, inside: frozenset[int]) -> LeftOut:
    outside = [(user, state) for user, state in now.states.items() if user not in inside]
    due = [user for user, state in outside if state is Line.DUE]
    settled = [user for user in due if user not in now.changing]
    waits = [user for user in settled if user in now.waiting]
    without = [user for user in settled if user in now.missing]
    with_address = [user for user in settled if user not in {*waits, *without}]
    return LeftOut(
        no_address=tuple(without),
        address_waits=tuple((user, now.waiting[user]) for user in waits),
        held=tuple(user for user, state in outside if state is Line.HELD),
        changing=tuple(user for user in due if user in now.changing),
        later=tuple(user for user in with_address if user in now.payable),
        too_small=tuple(user for user in with_address if user not in now.payable),
    )


def _nothing(round_: Round, left: LeftOut) -> str:
    """Return why there is nothing to pay by a file, and what would help."""
    reasons = [
        f"{words}: {', '.join(f'<@{user}>' for user in users[:LISTED])}"
        + (f" and {len(users) - LISTED} more" if len(users) > LISTED else "")
        for words, users in (
            ("no address yet (`/address set`)", left.no_address),
            ("address set less than 24 hours ago", [user for user, _ in left.address_waits]),
            ("held", left.held),
            ("being corrected", left.changing),
            ("too small for a payment", left.too_small),
        )
        if users
    ]
    if not reasons:
        return f"No line of {round_.label} is due, so there is nothing to hand over."
    listed = "\n".join(f"- {reason}" for reason in reasons)
    return (
        f"Nothing of {round_.label} can be paid by a file now:\n{listed}\n"
        "Lines without an address stay due; `/payout paid` records what was paid by other means."
    )


async def _shown(session: AsyncSession, batch: Batch) -> Shown:
    round_ = await rounds.get(session, batch.round_id)
    assert round_ is not None
    policy = (await settings.pinned(session, round_)).policy
    items = await wallets.items(session, batch.id)
    return Shown(
        label=round_.label,
        number=batch.number,
        state=batch.state,
        opened_by=batch.actor_id,
        users=tuple(item.user_id for item in items),
        total=_sum(items, policy),
    )


def _spelled(address: str, network: Network) -> str:
    """Return an address of the settings as payment files have it, empty where it is not set."""
    return checksums.require_evm(address) if address and network.kind == EVM else address


def _sum(payments: Sequence[Payment | BatchItem], policy: Policy) -> Sum:
    """Return what some payments come to, in the currency that is paid."""
    return Sum(
        amount=sum(payment.amount for payment in payments),
        currency=policy.pay_currency or policy.currency,
        decimals=policy.pay_step[1] if policy.pay_currency else policy.decimals,
    )


async def _close(
    session: AsyncSession,
    batch: Batch,
    round_: Round,
    *,
    by: Actor,
    state: str,
    reason: str = "",
) -> None:
    """Let a batch be paid or cancelled; the record and the committee's post say so."""
    batch.state, batch.closed_at = state, by.now
    await _append(session, batch, round_, by=by, action=f"batch.{state}", reason=reason)
    await outbox.again(session, guild_id=by.guild_id, name=post_name(batch))


async def _append(
    session: AsyncSession, batch: Batch, round_: Round, *, by: Actor, action: str, reason: str = ""
) -> None:
    items = await wallets.items(session, batch.id)
    await history.append(
        session,
        guild_id=by.guild_id,
        at=by.now,
        actor=by.user_id,
        action=action,
        subject=f"batch:{batch.number}",
        data={
            "version": batch.version,
            "items": len(items),
            "total": format_amount(sum(item.amount for item in items), decimals=items[0].decimals),
        },
        texts={"reason": reason},
        concerning=round_,
    )


def post_name(batch: Batch) -> str:
    """Return the name of the post that tells the committee about a batch."""
    return f"batch:{batch.id}"
