"""Statements as they stand: the draft from the stored rows, and the state of published lines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.bounty import hours_bounty
from bot.domain.bundle import Shown, facts_of
from bot.domain.money import parse_amount
from bot.domain.policy import Policy
from bot.domain.split import split
from bot.domain.statement import (
    Accepted,
    Adjustment,
    Facts,
    Statement,
    Sum,
    compute,
    pools,
)
from bot.domain.states import PUBLIC_ROUND_STATES
from bot.domain.states import Line as State
from bot.services import jar, settings, votes
from storage import hours, payout, people, rounds
from storage.tables import Round


@dataclass(frozen=True, slots=True)
class Worth:
    """What somebody's time and votes would give if the round closed now; `split_by` is its rule.

    `for_thanks` is None while votes decide about money and are hidden.
    """

    split_by: str
    for_hours: int
    for_thanks: int | None = 0


async def draft_facts(session: AsyncSession, round_: Round) -> Facts:
    """Return what a round's statement follows from at present."""
    pinned = await settings.pinned(session, round_)
    price = await payout.price(session, round_.id)
    is_running = round_.closed_at is None
    declined = (
        frozenset(await people.declined(session, round_.guild_id))
        if is_running
        else await rounds.declined(session, round_.id)
    )
    return Facts(
        guild_id=round_.guild_id,
        label=round_.label,
        version=round_.draft_version or round_.published_version + 1,
        policy=pinned.document,
        entries=tuple(
            Accepted(entry.number, entry.user_id, entry.minutes)
            for entry in await hours.of_round(session, round_.id)
            if entry.withdrawn_at is None
        ),
        adjustments=tuple(
            Adjustment(change.number, change.user_id, change.minutes, change.amount)
            for change in await payout.adjustments(session, round_.id)
        ),
        voters=await votes.voters(session, round_),
        declined=declined,
        tips=(await jar.of_round(session, round_)).total,
        price=price.price if price and pinned.policy.pay_currency else "",
    )


async def draft(session: AsyncSession, round_: Round) -> Statement:
    """Compute a round's statement from what is stored at present."""
    return compute(await draft_facts(session, round_))


async def published(session: AsyncSession, round_: Round) -> Statement:
    """Return the newest published statement of a round, recomputed from its own inputs."""
    stored = await payout.statement(session, round_.id, version=round_.published_version)
    assert stored is not None, "a published round has a statement"
    return compute(facts_of(json.loads(stored.document)))


async def names(session: AsyncSession, statement: Statement) -> Mapping[int, str]:
    """Return a name for every line; somebody never seen is called by the id."""
    users = [line.user_id for line in statement.lines]
    known = await people.names(session, statement.facts.guild_id, users)
    return {user: known.get(user, f"user {user}") for user in users}


async def states(session: AsyncSession, round_: Round) -> Mapping[int, State]:
    """Return the state of every line of a round's newest published statement."""
    stored = await payout.statement(session, round_.id, version=round_.published_version)
    assert stored is not None, "a published round has a statement"
    paid = {payment.user_id for payment in await payout.payments(session, round_.id)}
    declining = set(await people.declined(session, round_.guild_id))
    return {
        user: _state(
            is_paid=user in paid,
            is_waived=line.waived or (user in declining and line.amount > 0),
            amount=line.amount,
        )
        for user, line in (await payout.lines(session, stored.id)).items()
    }


def draft_states(statement: Statement) -> Mapping[int, State]:
    """Return the states that the lines of a draft would have on publication."""
    return {
        line.user_id: _state(is_paid=False, is_waived=line.waived, amount=line.amount)
        for line in statement.lines
    }


def _state(*, is_paid: bool, is_waived: bool, amount: int) -> State:
    if is_paid:
        return State.PAID
    if is_waived:
        return State.WAIVED
    return State.DUE if amount else State.NONE


async def shown(session: AsyncSession, round_: Round, statement: Statement) -> Mapping[int, Shown]:
    """Return what stands beside the computed lines: names, and states where published."""
    is_published = round_.published_version == statement.facts.version
    now = await states(session, round_) if is_published else draft_states(statement)
    called = await names(session, statement)
    return {user: Shown(called[user], now[user]) for user in called}


async def used(session: AsyncSession, round_: Round) -> int:
    """Return how much of the cap a round takes; adjustments only once they are published."""
    if round_.state in PUBLIC_ROUND_STATES:
        return (await published(session, round_)).shared
    facts = replace(await draft_facts(session, round_), adjustments=())
    if await votes.public(session, round_) is None:
        facts = replace(facts, voters={})  # what they take would tell that there are some
    return compute(facts).shared


async def unused_before(session: AsyncSession, round_: Round) -> tuple[tuple[str, Sum], ...]:
    """Return what the published rounds before this one left of their caps, newest first."""
    left = []
    for earlier in await rounds.of_server(
        session, round_.guild_id, states=[str(state) for state in PUBLIC_ROUND_STATES]
    ):
        if earlier.number < round_.number:
            statement = await published(session, earlier)
            policy = statement.policy
            unused = (policy.cap or 0) - statement.shared
            left.append((earlier.label, Sum(unused, policy.currency, policy.decimals)))
    return tuple(reversed(left[-4:]))


async def hours_now(
    session: AsyncSession, round_: Round, policy: Policy, *, user_id: int
) -> tuple[int, Worth]:
    """Return somebody's minutes of a round, and what would be given if it closed now."""
    minutes = dict(await hours.minutes_by_user(session, round_.id))
    own = minutes.get(user_id, 0)
    declining = set(await people.declined(session, round_.guild_id))
    weights = {user: count for user, count in minutes.items() if user not in declining}
    cap, thanks_pool = pools(policy)
    bounty = hours_bounty(
        weights, rate=policy.hourly_rate or 0, cap=cap, share_bp=policy.max_share_bp
    )
    for_thanks: int | None = 0
    if thanks_pool:
        votes_now = await votes.public(session, round_)
        for_thanks = _for_thanks(votes_now, thanks_pool, declining, user_id)
    return own, Worth(policy.split_by, bounty.parts.get(user_id, 0), for_thanks)


def _for_thanks(
    voters: Mapping[int, int] | None, pool: int, declining: set[int], user_id: int
) -> int | None:
    if voters is None:
        return None
    entitled = {user: count for user, count in voters.items() if user not in declining}
    return split(pool, entitled).get(user_id, 0)


def money(text: str, policy: Policy, *, signed: bool = False) -> int:
    """Read an amount in the accounting currency of a policy."""
    return parse_amount(text, decimals=policy.decimals, currency=policy.currency, signed=signed)
