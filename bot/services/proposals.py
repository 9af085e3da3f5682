"""Proposals by mention: whoever is mentioned in the thread of a round may join with a button.

Each person is proposed once in a round, and decides alone: nobody is listed without their own act.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from bot.domain.errors import Kept, Refusal
from bot.domain.people import Actor
from bot.domain.states import Helper
from bot.domain.states import Round as State
from bot.services import history, outbox, roster, settings
from bot.services.roster import Standing
from storage import people, proposals, rounds
from storage.tables import Proposal, Round

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

MOST_OF_A_MESSAGE = 5
MOST_OF_A_PROPOSER = 10
ELSEWHERE = "`/helper join` works at any time."


class Proposed(Struct, frozen=True):
    """A proposal as everybody in the thread sees it; `state` is where the person stands now."""

    round_id: int
    user_id: int
    proposer_id: int
    is_open: bool
    accepted: bool | None
    state: Helper | None
    admission: str


class Decided(Struct, frozen=True):
    """What somebody decided; a standing where they joined, `is_listed` where they were before."""

    standing: Standing | None = None
    is_listed: bool = False


async def concerns(session: AsyncSession, guild_id: int, *, thread_id: int) -> bool:
    """Whether a mention in this channel may propose somebody: it is the thread of an open round."""
    round_ = await rounds.with_thread(session, guild_id, thread_id)
    return round_ is not None and round_.state == State.OPEN


async def propose(
    session: AsyncSession,
    *,
    guild_id: int,
    thread_id: int,
    proposer_id: int,
    users: Sequence[int],
    message_id: int,
    now: datetime,
) -> tuple[int, ...]:
    """Propose whoever a message in the thread of an open round mentions; return whom.

    Left out without a word are people on the roster, those a moderator removed, those proposed in
    this round before, and what goes beyond 5 people of a message or 10 of a proposer in a round.
    """
    round_ = await rounds.with_thread(session, guild_id, thread_id)
    if round_ is None or round_.state != State.OPEN or now >= round_.close_at:
        return ()
    made = await proposals.made_by(session, round_.id, proposer_id=proposer_id)
    room = min(MOST_OF_A_MESSAGE, MOST_OF_A_PROPOSER - made)
    proposed: list[int] = []
    for user_id in dict.fromkeys(users):
        if len(proposed) == room:
            break
        if user_id != proposer_id and await _may_be_proposed(session, round_, user_id):
            proposed.append(user_id)
            session.add(
                Proposal(
                    round_id=round_.id,
                    user_id=user_id,
                    guild_id=guild_id,
                    proposer_id=proposer_id,
                    at=now,
                )
            )
            await history.append(
                session,
                guild_id=guild_id,
                at=now,
                actor=proposer_id,
                action="helper.proposed",
                subject=f"user:{user_id}",
                data={"message": str(message_id)},
            )
            await outbox.say(
                session,
                guild_id=guild_id,
                name=_post_name(round_.id, user_id),
                kind="proposal",
                at=now,
                round_id=round_.id,
                facts={"user": user_id},
            )
    return tuple(proposed)


async def decide(
    session: AsyncSession, *, by: Actor, round_id: int, user_id: int, accept: bool
) -> Decided:
    """Let whoever was proposed join, as `/helper join` does, or decline; nobody else may."""
    proposal = await _waiting(session, by, round_id=round_id, user_id=user_id)
    row = await people.helper(session, by.guild_id, by.user_id)
    if not accept:
        await history.begin(session, by)
        await _decided(session, proposal, by, accepted=False)
        await history.append(
            session,
            guild_id=by.guild_id,
            at=by.now,
            actor=by.user_id,
            action="helper.declined_proposal",
            subject=f"user:{by.user_id}",
        )
        return Decided(is_listed=row is not None and row.state in _LISTED_STATES)
    if row is not None and row.state == Helper.ACTIVE:
        await history.begin(session, by)
        await _decided(session, proposal, by, accepted=True)
        raise Kept("You are a helper already. `/hours log` logs your time.")
    standing = await roster.join(session, by=by)
    await _decided(session, proposal, by, accepted=True)
    return Decided(standing)


async def proposed(session: AsyncSession, round_: Round, *, user_id: int) -> Proposed:
    """Return a proposal as it is shown now."""
    proposal = await proposals.get(session, round_.id, user_id)
    assert proposal is not None
    row = await people.helper(session, round_.guild_id, user_id)
    return Proposed(
        round_id=round_.id,
        user_id=user_id,
        proposer_id=proposal.proposer_id,
        is_open=proposal.decided_at is None and round_.state == State.OPEN,
        accepted=proposal.accepted,
        state=Helper(row.state) if row is not None else None,
        admission=(await settings.current(session, round_.guild_id)).policy.admission,
    )


_PROPOSABLE_STATES = frozenset({Helper.LEFT, Helper.DROPPED})
_LISTED_STATES = frozenset(set(Helper) - {Helper.LEFT, Helper.REMOVED})


def _post_name(round_id: int, user_id: int) -> str:
    return f"proposal:{round_id}:{user_id}"


async def _may_be_proposed(session: AsyncSession, round_: Round, user_id: int) -> bool:
    row = await people.helper(session, round_.guild_id, user_id)
    if row is not None and row.state not in _PROPOSABLE_STATES:
        return False
    return await proposals.get(session, round_.id, user_id) is None


async def _waiting(session: AsyncSession, by: Actor, *, round_id: int, user_id: int) -> Proposal:
    """Return a proposal that waits for the actor, refuse whoever has nothing to decide here."""
    round_ = await rounds.get(session, round_id)
    proposal = await proposals.get(session, round_id, user_id)
    if round_ is None or proposal is None or round_.guild_id != by.guild_id:
        raise Refusal(f"There is no such proposal here. {ELSEWHERE}")
    if user_id != by.user_id:
        raise Refusal(f"Only <@{user_id}> can answer this. Want to help too? {ELSEWHERE}")
    if proposal.decided_at is not None:
        answered = "yes" if proposal.accepted else "no"
        raise Refusal(f"You answered {answered} already. {ELSEWHERE}")
    if round_.state != State.OPEN or by.at >= round_.close_at:
        await _update_post(session, proposal)  # the buttons go
        raise Kept(f"{round_.label} has closed, and this proposal with it. {ELSEWHERE}")
    return proposal


async def _decided(session: AsyncSession, proposal: Proposal, by: Actor, *, accepted: bool) -> None:
    proposal.decided_at, proposal.accepted = by.now, accepted
    await _update_post(session, proposal)


async def _update_post(session: AsyncSession, proposal: Proposal) -> None:
    name = _post_name(proposal.round_id, proposal.user_id)
    await outbox.again(session, guild_id=proposal.guild_id, name=name)
