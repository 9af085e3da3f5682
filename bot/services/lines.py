"""Statements as they stand: the draft from the stored rows, and the state of published lines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from bot.domain.bounty import hours_bounty
from bot.domain.bundle import Shown, facts_of
from bot.domain.money import parse_amount
from bot.domain.policy import Policy
from bot.domain.split import split
from bot.domain.statement import (
    Accepted,
    Adjustment,
    Facts,
    Line,
    Statement,
    Sum,
    compute,
    pools,
)
from bot.domain.states import PUBLIC_ROUND_STATES, state_of
from bot.domain.states import Line as State
from bot.services import jar, settings, votes
from storage import carries, cease, disputes, hours, payout, people, rounds
from storage.express import Runner, Through
from storage.rounds import Running
from storage.tables import Round

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


class Worth(Struct, frozen=True):
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
        frozenset(await people.declined(Through(session), round_.guild_id))
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
        voided=await disputes.voided(session, round_.id),
        carries=await carries.into(session, round_.id),
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


class Beside(Struct, frozen=True):
    """What is so beside a statement and decides about its lines; `disputed` None is the whole."""

    paid: frozenset[int] = frozenset()
    declining: frozenset[int] = frozenset()
    suspended: frozenset[int] = frozenset()
    ceased: frozenset[int] = frozenset()
    disputed: frozenset[int | None] = frozenset()

    def state(self, user_id: int, *, is_waived: bool, amount: int) -> State:
        """Return the state of a line: paid, waived, held, due or none, in this order."""
        return state_of(
            is_paid=user_id in self.paid,
            is_waived=is_waived,
            is_given_up=user_id in self.declining | self.ceased,
            is_held=user_id in self.suspended or self.is_disputed(user_id),
            amount=amount,
        )

    def is_disputed(self, user_id: int) -> bool:
        """Whether a dispute about the line, or about the whole, waits for a decision."""
        return not self.disputed.isdisjoint({user_id, None})

    def reason(self, user_id: int, state: State, *, is_voided: bool) -> str:
        """Return in a word or two why a line is held or waived, else nothing."""
        if state is State.HELD:
            disputed = ["disputed"] if self.is_disputed(user_id) else []
            return ", ".join([*disputed, *(["suspended"] if user_id in self.suspended else [])])
        if state is not State.WAIVED:
            return ""
        if is_voided:
            return "voided"
        return "ceased" if user_id in self.ceased else "declined"


async def beside(session: AsyncSession, round_: Round) -> Beside:
    """Return what decides at present about the lines of a round's published statement."""
    stops = await cease.standing(session, round_.guild_id)
    waiting = await disputes.open_of_round(session, round_.id)
    return Beside(
        paid=await payout.paid(session, round_.id),
        declining=frozenset(await people.declined(Through(session), round_.guild_id)),
        suspended=frozenset(stop.user_id for stop in stops if stop.final_at is None),
        ceased=frozenset(stop.user_id for stop in stops if stop.final_at is not None),
        disputed=frozenset(dispute.user_id for dispute in waiting),
    )


async def states(session: AsyncSession, round_: Round) -> Mapping[int, State]:
    """Return the state of every line of a round's newest published statement."""
    now = await beside(session, round_)
    return {
        user: now.state(user, is_waived=is_waived, amount=amount)
        for user, amount, is_waived in await payout.amounts(
            session, round_.id, version=round_.published_version
        )
    }


async def shown(session: AsyncSession, round_: Round, statement: Statement) -> Mapping[int, Shown]:
    """Return what stands beside the computed lines: names, states, and why they are held.

    Those of a draft are what they would be on publication.
    """
    now = await beside(session, round_)
    if round_.published_version != statement.facts.version:
        now = Beside(suspended=now.suspended, ceased=now.ceased)
    called = await names(session, statement)
    return {
        line.user_id: _shown(now, statement, line, called[line.user_id]) for line in statement.lines
    }


def _shown(now: Beside, statement: Statement, line: Line, name: str) -> Shown:
    user_id = line.user_id
    state = now.state(user_id, is_waived=line.waived, amount=line.amount)
    is_voided = user_id in statement.facts.voided
    return Shown(name, state, reason=now.reason(user_id, state, is_voided=is_voided))


async def pay_due_at(session: AsyncSession, round_: Round) -> datetime:
    """Return from when the lines of a published round are due; a later version moves nothing.

    That is its day of payment, unless the first version came later, or the time for disputes ends
    later where the policy waits for that.
    """
    if (await settings.pinned(session, round_)).policy.pay_after == "disputes":
        assert round_.dispute_until is not None
        return max(round_.dispute_until, round_.pay_at)
    first = await payout.statement(session, round_.id, version=1)
    assert first is not None, "a published round has a first version"
    return max(first.at, round_.pay_at)


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


async def worth_now(
    run: Runner, round_: Running, policy: Policy, minutes: Mapping[int, int], *, user_id: int
) -> Worth:
    """Return what would be given to somebody if a round closed now, with minutes by helper."""
    declining = await people.declined(run, round_.guild_id)
    weights = {user: count for user, count in minutes.items() if user not in declining}
    cap, thanks_pool = pools(policy)
    bounty = hours_bounty(
        weights, rate=policy.hourly_rate or 0, cap=cap, share_bp=policy.max_share_bp
    )
    for_thanks: int | None = 0
    if thanks_pool and votes.are_hidden(round_.state, policy):
        for_thanks = None
    elif thanks_pool:
        voters = await votes.stand(run, round_.id, is_counted=round_.counted_at is not None)
        entitled = {user: count for user, count in voters.items() if user not in declining}
        for_thanks = split(thanks_pool, entitled).get(user_id, 0)
    return Worth(policy.split_by, bounty.parts.get(user_id, 0), for_thanks)


def money(text: str, policy: Policy, *, signed: bool = False) -> int:
    """Read an amount in the accounting currency of a policy."""
    return parse_amount(text, decimals=policy.decimals, currency=policy.currency, signed=signed)
