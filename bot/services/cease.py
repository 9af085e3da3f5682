"""Ceasing and resuming payments: proposals, votes of the committee, and what is due by the clock.

With one seat the committee's word counts at once; with more, a majority of the seats decides.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from bot.domain import calendar, cease, people
from bot.domain.canonical import spell
from bot.domain.cease import Ended, Kind, State, Waiting
from bot.domain.errors import Blocked, Refusal
from bot.domain.people import Actor
from bot.services import history, outbox, settings, settlement, suspensions
from bot.services.suspensions import Stop
from storage import cease as stored
from storage import payout
from storage import people as stored_people
from storage.express import Runner, Through
from storage.tables import CeaseProposal, CeaseVote

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

VOTES = ("yes", "no")


class Poll(Struct, frozen=True):
    """A proposal with its votes; `needed` yes of `seats` carry it.

    `stop` is what was decided with it and stands now.
    """

    number: int
    kind: Kind
    user_id: int
    name: str
    proposer_id: int
    reason: str
    state: State
    ends_at: datetime
    decided_at: datetime | None
    seats: int
    needed: int
    yes: tuple[int, ...]
    no: tuple[int, ...]
    stop: Stop | None = None


class Outcome(Struct, frozen=True):
    """What came of a wish to suspend or reinstate somebody: a poll, or, without one, done."""

    kind: Kind
    user_id: int
    poll: Poll | None = None
    stop: Stop | None = None


# ---------------------------------------------------------------- proposing


async def propose(session: AsyncSession, *, by: Actor, user_id: int, reason: str) -> Poll:
    """Ask the committee to cease somebody's payments; the proposer votes like everybody else."""
    await history.begin(session, by)
    wish = await _wish(session, by, Kind.CEASE, user_id=user_id, reason=reason)
    await _require_suspendable(session, by.guild_id, user_id)
    return await _poll(session, await _propose(session, wish, by=by))


async def suspend(session: AsyncSession, *, by: Actor, user_id: int, reason: str) -> Outcome:
    """Hold somebody's payments: at once with one seat, else by a proposal with one's own yes."""
    await history.begin(session, by)
    wish = await _wish(session, by, Kind.CEASE, user_id=user_id, reason=reason)
    await _require_suspendable(session, by.guild_id, user_id)
    if wish.seats > 1:
        return await _propose_with_yes(session, wish, by=by)
    await suspensions.begin(
        session,
        guild_id=by.guild_id,
        user_id=user_id,
        at=by.now,
        actor=by.user_id,
        reason=wish.reason,
    )
    return await _outcome(session, by, wish)


async def reinstate(session: AsyncSession, *, by: Actor, user_id: int, reason: str) -> Outcome:
    """Resume somebody's payments: at once with one seat, else by a proposal with one's own yes."""
    await history.begin(session, by)
    wish = await _wish(session, by, Kind.REINSTATE, user_id=user_id, reason=reason)
    standing = await stored.standing_of(session, by.guild_id, user_id)
    if standing is None:
        raise Refusal(
            f"Payments to <@{user_id}> are neither held nor ceased. `/helper list` marks whose are."
        )
    if wish.seats > 1:
        return await _propose_with_yes(session, wish, by=by)
    await suspensions.lift(
        session,
        standing,
        guild_id=by.guild_id,
        at=by.now,
        actor=by.user_id,
        reason=wish.reason,
    )
    return await _outcome(session, by, wish)


# ---------------------------------------------------------------- voting


async def vote(session: AsyncSession, *, by: Actor, number: str, vote: str) -> Poll:
    """Vote on a proposal, or change one's vote; a majority of the seats carries it at once.

    It needs the committee role at the press; votes of those who lost the role since stand. The
    person concerned has no vote.
    """
    await history.begin(session, by)
    people.require_committee((await settings.current(session, by.guild_id)).policy, by)
    proposal = await _open(session, by, number)
    choice = _choice(vote)
    if proposal.user_id == by.user_id:
        await _block(session, by)
        raise Blocked("This is about your own payments, so the other members vote.")
    given = await stored.vote_of(session, proposal.id, by.user_id)
    if given is not None and given.vote is choice:
        raise Refusal(
            f"You have voted {VOTES[not choice]} already. The other vote changes it while the "
            "proposal is open."
        )
    await _store_vote(session, proposal, by=by, choice=choice)
    await _decide(session, proposal, by=by)
    return await _poll(session, proposal)


async def poll(session: AsyncSession, guild_id: int, *, number: int) -> Poll:
    """Return a proposal as it is shown now."""
    proposal = await stored.proposal(session, guild_id, number)
    assert proposal is not None, "proposals are never deleted"
    return await _poll(session, proposal)


async def open_polls(session: AsyncSession, *, by: Actor) -> list[Poll]:
    """Return the proposals that wait for votes, newest first; for the committee only."""
    policy = (await settings.current(session, by.guild_id)).policy
    if not people.is_committee(policy, by):
        return []
    waiting = await stored.open_proposals(session, by.guild_id)
    return [await _poll(session, proposal) for proposal in waiting]


# ---------------------------------------------------------------- by the clock


async def servers_due(session: AsyncSession, *, now: datetime) -> list[int]:
    """Return the servers in which the time of a proposal or of a suspension is over."""
    waiting = await servers_waiting(Through(session), now=now)
    return [guild_id for guild_id in waiting if any(await due(session, guild_id, now=now))]


async def servers_waiting(run: Runner, *, now: datetime) -> list[int]:
    """Return the servers in which something ended by the clock; a dispute may still hold it."""
    return await stored.servers_waiting(run, until=now - cease.STILL_ARRIVING)


async def due(
    session: AsyncSession, guild_id: int, *, now: datetime
) -> tuple[list[Ended], list[Ended]]:
    """Return the proposals and the suspensions of a server whose time is over."""
    proposals = [
        Waiting(proposal.number, proposal.ends_at)
        for proposal in await stored.open_proposals(session, guild_id)
    ]
    disputed = await stored.disputed(session, guild_id)
    held = [
        Waiting(row.id, row.disputable_until, is_disputed=row.id in disputed)
        for row in await stored.standing(session, guild_id)
        if row.final_at is None
    ]
    return cease.over(proposals, now), cease.over(held, now)


async def advance(session: AsyncSession, guild_id: int, *, now: datetime) -> int:
    """Let proposals lapse and suspensions be final, each once; return how many."""
    lapsed, final = await due(session, guild_id, now=now)
    for ended in lapsed:
        proposal = await stored.proposal(session, guild_id, ended.key)
        assert proposal is not None
        await _end(session, proposal, State.LAPSED, at=now)
    for ended in final:
        suspension = await stored.suspension(session, ended.key)
        assert suspension is not None
        await suspensions.finish(session, suspension, at=now, late=ended.late)
    return len(lapsed) + len(final)


# ---------------------------------------------------------------- parts


class _Wish(Struct, frozen=True):
    """What a committee member asks for, once they may; votes on it end at `ends_at`."""

    kind: Kind
    user_id: int
    reason: str
    seats: int
    ends_at: datetime


async def _wish(
    session: AsyncSession, by: Actor, kind: Kind, *, user_id: int, reason: str
) -> _Wish:
    """Return what is asked for; refuse whoever may not, and where nobody can count a majority."""
    policy = (await settings.current(session, by.guild_id)).policy
    people.require_committee(policy, by)
    if policy.committee_seats is None:
        raise Refusal(
            "A majority is counted of the seats of the committee, and how many it has is not set. "
            "An admin sets it with `/settings set` and the name `committee_seats`."
        )
    why = settlement.require_reason(reason)
    if user_id == by.user_id:
        await _block(session, by)
        raise Blocked("Your own payments are for the other members of the committee.")
    ends_at = calendar.dispute_until(policy.timetable, by.now)
    return _Wish(kind, user_id, why, policy.committee_seats, ends_at)


async def _block(session: AsyncSession, by: Actor) -> None:
    await settlement.block(session, by=by, rule="own payments", subject=f"user:{by.user_id}")


async def _require_suspendable(session: AsyncSession, guild_id: int, user_id: int) -> None:
    """Refuse somebody whose payments are stopped, or who never can have had one."""
    standing = await suspensions.stop_of(Through(session), guild_id, user_id)
    if standing is not None:
        how = "ceased" if standing.is_final else "held"
        raise Refusal(
            f"Payments to <@{user_id}> are {how} already, since "
            f"<t:{int(standing.since.timestamp())}:f>. `/helper reinstate` resumes them."
        )
    if await stored_people.was_helper(session, guild_id, user_id):
        return
    if not await payout.lines_of(session, guild_id, user_id=user_id):
        raise Refusal(
            f"<@{user_id}> never was a helper here and has no line in a statement, so there is "
            "nothing to hold. `/helper list` shows who is."
        )


async def _require_none_open(session: AsyncSession, guild_id: int, user_id: int) -> None:
    waiting = await stored.open_about(session, guild_id, user_id)
    if waiting is not None:
        raise Refusal(
            f"Proposal {waiting.number} to {_ASKS[Kind(waiting.kind)]} payments to <@{user_id}> is "
            f"open: `/cease vote` with {waiting.number} votes on it."
        )


_ASKS = {Kind.CEASE: "cease", Kind.REINSTATE: "resume"}


async def _propose_with_yes(session: AsyncSession, wish: _Wish, *, by: Actor) -> Outcome:
    proposal = await _propose(session, wish, by=by)
    await _store_vote(session, proposal, by=by, choice=True)
    return await _outcome(session, by, wish, poll=await _poll(session, proposal))


async def _outcome(
    session: AsyncSession, by: Actor, wish: _Wish, *, poll: Poll | None = None
) -> Outcome:
    stop = await suspensions.stop_of(Through(session), by.guild_id, wish.user_id)
    return Outcome(wish.kind, wish.user_id, poll, stop)


async def _propose(session: AsyncSession, wish: _Wish, *, by: Actor) -> CeaseProposal:
    await _require_none_open(session, by.guild_id, wish.user_id)
    proposal = CeaseProposal(
        guild_id=by.guild_id,
        number=await stored.next_number(session, by.guild_id),
        kind=wish.kind,
        user_id=wish.user_id,
        proposer_id=by.user_id,
        reason=wish.reason,
        seats=wish.seats,
        at=by.now,
        ends_at=wish.ends_at,
        state=State.OPEN,
    )
    session.add(proposal)
    await session.flush()
    await history.append(
        session,
        guild_id=by.guild_id,
        at=by.now,
        actor=by.user_id,
        action="cease.proposed",
        subject=f"cease:{proposal.number}",
        data={
            "kind": str(wish.kind),
            "user_id": str(wish.user_id),
            "seats": wish.seats,
            "ends_at": spell(wish.ends_at),
        },
        texts={"reason": wish.reason},
    )
    await outbox.say(
        session,
        guild_id=by.guild_id,
        name=f"cease:{proposal.number}",
        kind="cease",
        at=by.now,
        facts={"number": proposal.number},
    )
    return proposal


async def _open(session: AsyncSession, by: Actor, number: str) -> CeaseProposal:
    """Return the proposal of a number that can be voted on at the moment on Discord's clock."""
    digits = number.strip().removeprefix("#")
    known = digits.isascii() and digits.isdecimal() and len(digits) <= _LONGEST_NUMBER
    proposal = await stored.proposal(session, by.guild_id, int(digits)) if known else None
    if proposal is None:
        raise Refusal(
            "There is no proposal of that number here. `proposal` offers those that are open; "
            "`/cease propose` makes one."
        )
    if proposal.state == State.OPEN and cease.in_time(by.at, proposal.ends_at):
        return proposal
    became = _BECAME.get(State(proposal.state))
    if became is None or proposal.decided_at is None:
        became, ended_at = "has ended without a majority", proposal.ends_at
    else:
        ended_at = proposal.decided_at
    raise Refusal(
        f"Proposal {proposal.number} {became} <t:{int(ended_at.timestamp())}:f>, so no vote counts "
        "any more."
    )


_LONGEST_NUMBER = 9
_BECAME = {
    State.CARRIED: "was carried",
    State.FAILED: "has failed",
    State.MOOT: "has become moot",
}


def _choice(vote: str) -> bool:
    word = vote.strip().lower()
    if word not in VOTES:
        raise Refusal("`vote` is yes or no.")
    return word == VOTES[0]


async def _store_vote(
    session: AsyncSession, proposal: CeaseProposal, *, by: Actor, choice: bool
) -> None:
    given = await stored.vote_of(session, proposal.id, by.user_id)
    if given is None:
        session.add(CeaseVote(proposal_id=proposal.id, voter_id=by.user_id, vote=choice, at=by.now))
    else:
        given.vote, given.at = choice, by.now
    await session.flush()
    await history.append(
        session,
        guild_id=by.guild_id,
        at=by.now,
        actor=by.user_id,
        action="cease.voted",
        subject=f"cease:{proposal.number}",
        data={"vote": VOTES[not choice]},
    )
    await _show(session, proposal)


async def _decide(session: AsyncSession, proposal: CeaseProposal, *, by: Actor) -> None:
    """Carry out what the votes come to, where that is decided."""
    yes, no = await _counted(session, proposal)
    state = cease.decided(yes=len(yes), no=len(no), seats=proposal.seats)
    if state is State.OPEN:
        return
    await _end(session, proposal, state, at=by.now, actor=by.user_id)
    if state is State.FAILED:
        return
    user_id, reason = proposal.user_id, proposal.reason
    if proposal.kind == Kind.CEASE:
        await suspensions.begin(
            session,
            guild_id=by.guild_id,
            user_id=user_id,
            at=by.now,
            actor=by.user_id,
            reason=reason,
            proposal=proposal,
        )
        return
    standing = await stored.standing_of(session, by.guild_id, user_id)
    assert standing is not None, "a proposal to resume is moot once nothing is suspended"
    await suspensions.lift(
        session, standing, guild_id=by.guild_id, at=by.now, actor=by.user_id, reason=reason
    )


async def _end(
    session: AsyncSession,
    proposal: CeaseProposal,
    state: State,
    *,
    at: datetime,
    actor: int | None = None,
) -> None:
    yes, no = await _counted(session, proposal)
    proposal.state, proposal.decided_at = state, at
    await session.flush()
    await history.append(
        session,
        guild_id=proposal.guild_id,
        at=at,
        actor=actor,
        action=f"cease.{state}",
        subject=f"cease:{proposal.number}",
        data={"yes": len(yes), "no": len(no), "seats": proposal.seats},
    )
    await _show(session, proposal)


async def _show(session: AsyncSession, proposal: CeaseProposal) -> None:
    await outbox.again(session, guild_id=proposal.guild_id, name=f"cease:{proposal.number}")


async def _counted(
    session: AsyncSession, proposal: CeaseProposal
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return who said yes and who said no."""
    votes = await stored.votes(session, proposal.id)
    yes = tuple(vote.voter_id for vote in votes if vote.vote)
    return yes, tuple(vote.voter_id for vote in votes if not vote.vote)


async def _poll(session: AsyncSession, proposal: CeaseProposal) -> Poll:
    yes, no = await _counted(session, proposal)
    called = await stored_people.names(session, proposal.guild_id, [proposal.user_id])
    return Poll(
        number=proposal.number,
        kind=Kind(proposal.kind),
        user_id=proposal.user_id,
        name=called.get(proposal.user_id, f"user {proposal.user_id}"),
        proposer_id=proposal.proposer_id,
        reason=proposal.reason,
        state=State(proposal.state),
        ends_at=proposal.ends_at,
        decided_at=proposal.decided_at,
        seats=proposal.seats,
        needed=cease.needed(proposal.seats),
        yes=yes,
        no=no,
        stop=await suspensions.stop_of(Through(session), proposal.guild_id, proposal.user_id),
    )
