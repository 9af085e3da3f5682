"""What holds of the stored data at any time, whatever happened; looking changes nothing.

Each check returns what is wrong, a sentence each; an empty list is sound.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from bot.domain import bundle
from bot.domain.errors import Refusal
from bot.domain.statement import Statement, as_json, compute
from bot.domain.states import PUBLIC_ROUND_STATES
from bot.services import audit, settlement
from storage import invariants, payout, record
from storage import rounds as stored_rounds
from storage.tables import Payment, PublishedLine, PublishedStatement

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

Check: TypeAlias = "Callable[[AsyncSession, int], Awaitable[list[str]]]"

_DAMAGED = (ArithmeticError, AssertionError, AttributeError, LookupError, Refusal, TypeError)
_UNREADABLE = (*_DAMAGED, ValueError, RecursionError)
"""What reading damaged rows may raise; one broken row hides nothing found in another place."""


async def chain(session: AsyncSession, guild_id: int) -> list[str]:
    """Check the record: its hashes, the heads that were published, and the texts behind digests."""
    return list((await audit.verify(session, guild_id)).faults)


async def open_rounds(session: AsyncSession, guild_id: int) -> list[str]:
    """Check that at most one round is open."""
    labels = await invariants.open_rounds(session, guild_id)
    return [f"{len(labels)} rounds are open at once: {', '.join(labels)}"] if labels[1:] else []


async def sums(session: AsyncSession, guild_id: int) -> list[str]:
    """Check every published version: it follows from its inputs, and its lines are its sum."""
    labels, found = await record.labels(session, guild_id), []
    for stored in await invariants.statements(session, guild_id):
        lines = await payout.lines(session, stored.id)
        about = f"{labels.get(stored.round_id, 'a round')}, version {stored.version}"
        try:
            found += [f"{about}: {fault}" for fault in _sum_faults(stored, lines)]
        except _UNREADABLE as error:
            found.append(f"{about}: its document cannot be read ({type(error).__name__})")
    return found


def _sum_faults(stored: PublishedStatement, lines: Mapping[int, PublishedLine]) -> list[str]:
    found = []
    added = sum(line.amount for line in lines.values())
    if added != stored.total:
        found.append(f"its lines add up to {added}, and its total is {stored.total}")
    document = json.loads(stored.document)
    statement = compute(bundle.facts_of(document))
    if as_json(statement) != document or statement.total != stored.total:
        found.append("its document does not follow from its inputs")
    if statement.sha256 != stored.sha256:
        found.append("its hash is not that of its content")
    if _stored_amounts(lines) != _amounts(statement):
        found.append("its lines are not those of its document")
    return found


def _stored_amounts(lines: Mapping[int, PublishedLine]) -> dict[int, tuple[Any, ...]]:
    return {user: (line.amount, line.pay_amount, line.waived) for user, line in lines.items()}


def _amounts(statement: Statement) -> dict[int, tuple[Any, ...]]:
    return {line.user_id: (line.amount, line.pay_amount, line.waived) for line in statement.lines}


async def bundles(session: AsyncSession, guild_id: int) -> list[str]:
    """Check that the bundle of every published round verifies, as anybody would do it."""
    found = []
    public = [str(state) for state in PUBLIC_ROUND_STATES]
    for round_ in await stored_rounds.of_server(session, guild_id, states=public):
        try:
            document = (await settlement.published_of(session, round_)).document
            faults = bundle.faults(json.loads(json.dumps(document)))
        except _UNREADABLE as error:
            faults = [f"it cannot be made ({type(error).__name__})"]
        found += [f"the bundle of {round_.label}: {fault}" for fault in faults]
    return found


async def payments(session: AsyncSession, guild_id: int) -> list[str]:
    """Check that what was paid was due: each line at most once, and not more than it says."""
    labels = await record.labels(session, guild_id)
    found, paid = [], set[tuple[int, int]]()
    for payment in await invariants.payments(session, guild_id):
        fault = await _payment_fault(session, payment)
        if (payment.round_id, payment.user_id) in paid:
            fault = "this line is paid twice"
        paid.add((payment.round_id, payment.user_id))
        if fault:
            label = labels.get(payment.round_id, "a round")
            found.append(f"payment {payment.id} to {payment.user_id} in {label}: {fault}")
    return found


async def _payment_fault(session: AsyncSession, payment: Payment) -> str:
    stored = await payout.statement(session, payment.round_id, version=payment.version)
    line = (await payout.lines(session, stored.id)).get(payment.user_id) if stored else None
    if line is None:
        return f"version {payment.version} has no such line"
    if payment.amount > line.amount:
        return f"{payment.amount} were paid, and {line.amount} were due"
    if (payment.pay_amount or 0) > (line.pay_amount or 0):
        return f"{payment.pay_amount} were paid in its currency, and {line.pay_amount} were due"
    return "it was paid although it is waived" if line.waived else ""


async def references(session: AsyncSession) -> list[str]:
    """Check, over all servers, that every row stands under what it belongs to."""
    return [
        *await invariants.broken_keys(session),
        *(
            f"server {lost.guild_id}: {lost.rows} rows of {lost.table} have no row of {lost.to}"
            for lost in await invariants.astray(session)
        ),
    ]


async def guards(session: AsyncSession) -> list[str]:
    """Check that the database still refuses to alter the record."""
    return [f"the record: {gap}" for gap in await record.missing_guards(session)]


OF_SERVER: Mapping[str, Check] = {
    "the record": chain,
    "its rounds": open_rounds,
    "its statements": sums,
    "its bundles": bundles,
    "its payments": payments,
}
"""What is checked of each server, by the word for what cannot be checked."""


async def of_server(session: AsyncSession, guild_id: int) -> list[str]:
    """Check a server in every way; what one check cannot read does not stop the others."""
    found = []
    for name, check in OF_SERVER.items():
        try:
            found += await check(session, guild_id)
        except _UNREADABLE as error:
            found.append(f"{name} cannot be checked: {type(error).__name__}: {error}")
    return found
