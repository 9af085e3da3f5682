"""Suspensions: somebody's payments held since a decision, ceased once it is final, or resumed.

They concern payments only: hours, thanks and the board stay as they are.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from bot.domain import calendar, cease
from bot.domain.states import Line
from bot.services import history, lines, outbox, settings
from bot.services import rounds as round_service
from storage import cease as stored
from storage import payout, rounds
from storage.express import Runner
from storage.tables import CeaseProposal, Suspension

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

BEGAN, FINAL, LIFTED = "began", "final", "lifted"


class Stop(Struct, frozen=True):
    """Payments to somebody that are held or, where the decision is final, ceased.

    `reason` is for the person concerned and for the committee only.
    """

    user_id: int
    since: datetime
    disputable_until: datetime
    is_final: bool
    reason: str


async def stop_of(run: Runner, guild_id: int, user_id: int) -> Stop | None:
    """Return what stops the payments to somebody, None where nothing does."""
    row = await stored.stop_of(run, guild_id, user_id)
    return None if row is None else _stop(user_id, row)


async def stops(session: AsyncSession, guild_id: int) -> dict[int, Stop]:
    """Return whose payments are held or ceased in a server."""
    return {
        row.user_id: _stop(row.user_id, row) for row in await stored.standing(session, guild_id)
    }


async def announced(session: AsyncSession, suspension_id: int) -> Stop:
    """Return what an announcement speaks of, lifted or not."""
    row = await stored.suspension(session, suspension_id)
    assert row is not None, "suspensions are never deleted"
    return _stop(row.user_id, row)


async def disputable(
    session: AsyncSession, guild_id: int, *, user_id: int, at: datetime
) -> Suspension | None:
    """Return the suspension of somebody that could be disputed at a moment on Discord's clock."""
    row = await stored.standing_of(session, guild_id, user_id)
    return row if row is not None and cease.in_time(at, row.disputable_until) else None


async def begin(
    session: AsyncSession,
    *,
    guild_id: int,
    user_id: int,
    at: datetime,
    actor: int,
    reason: str,
    proposal: CeaseProposal | None = None,
) -> Suspension:
    """Hold somebody's payments from now on; it is announced and can be disputed for some days."""
    timetable = (await settings.current(session, guild_id)).policy.timetable
    row = Suspension(
        guild_id=guild_id,
        user_id=user_id,
        proposal_id=proposal.id if proposal is not None else None,
        actor_id=actor,
        reason=reason,
        since=at,
        disputable_until=calendar.dispute_until(timetable, at),
    )
    session.add(row)
    await session.flush()
    await _tell(session, row, BEGAN, at=at, actor=actor, reason=reason)
    return row


async def finish(
    session: AsyncSession, suspension: Suspension, *, at: datetime, late: bool = False
) -> None:
    """Let a suspension be final: what was held stays with the funder."""
    suspension.final_at = at
    await session.flush()
    await _tell(session, suspension, FINAL, at=at, late=late)


async def lift(
    session: AsyncSession,
    suspension: Suspension,
    *,
    guild_id: int,
    at: datetime,
    actor: int | None,
    reason: str,
) -> None:
    """Resume somebody's payments: what was held or ceased is due again."""
    assert suspension.guild_id == guild_id, "a suspension is of one server"
    suspension.lifted_at = at
    await session.flush()
    await _tell(session, suspension, LIFTED, at=at, actor=actor, reason=reason)
    for round_ in await payout.lines_of(session, guild_id, user_id=suspension.user_id):
        state = (await lines.states(session, round_))[suspension.user_id]
        if state in (Line.DUE, Line.HELD):
            await round_service.unsettle(session, round_)


def _stop(user_id: int, row: Suspension | stored.Stop) -> Stop:
    is_final = row.final_at is not None
    return Stop(user_id, row.since, row.disputable_until, is_final, row.reason)


async def _tell(
    session: AsyncSession,
    suspension: Suspension,
    what: str,
    *,
    at: datetime,
    actor: int | None = None,
    reason: str = "",
    late: bool = False,
) -> None:
    """Put a step of a suspension on record, also for every round it concerns, and announce it."""
    await _record(session, suspension, what, at=at, actor=actor, reason=reason)
    await _make_moot(session, suspension, what, at=at)
    guild_id = suspension.guild_id
    drafts = await rounds.of_server(session, guild_id, states=("draft",))
    open_rounds = await rounds.of_server(session, guild_id, states=("open",))
    for draft in drafts:
        await outbox.again(session, guild_id=guild_id, name=f"round:{draft.id}:draft:compute")
    places = [("channel", None), *(("thread", round_.id) for round_ in open_rounds)]
    for place, round_id in places:
        await outbox.say(
            session,
            guild_id=guild_id,
            name=f"suspension:{suspension.id}:{what}:{place}",
            kind=f"suspension-{place}",
            at=at,
            round_id=round_id,
            facts={"suspension": suspension.id, "what": what, "late": late},
        )


async def _record(
    session: AsyncSession,
    suspension: Suspension,
    what: str,
    *,
    at: datetime,
    actor: int | None,
    reason: str,
) -> None:
    """Append the row of a step; the bundle of each published round with their line holds it."""
    user_id = suspension.user_id
    concerned = await payout.lines_of(session, suspension.guild_id, user_id=user_id)
    row = await history.append(
        session,
        guild_id=suspension.guild_id,
        at=at,
        actor=actor,
        action=f"suspension.{what}",
        subject=f"user:{user_id}",
        data={"user_id": str(user_id), "rounds": [round_.label for round_ in concerned]},
        texts={"reason": reason},
    )
    for round_ in concerned:
        history.touch(round_, row)


async def _make_moot(
    session: AsyncSession, suspension: Suspension, what: str, *, at: datetime
) -> None:
    """End a proposal about somebody that asks for what has come about in another way."""
    guild_id, user_id = suspension.guild_id, suspension.user_id
    waiting = await stored.open_about(session, guild_id, user_id)
    if waiting is None or what == FINAL:  # a final suspension may still be lifted
        return
    waiting.state, waiting.decided_at = cease.State.MOOT, at
    await history.append(
        session,
        guild_id=guild_id,
        at=at,
        action="cease.moot",
        subject=f"cease:{waiting.number}",
        data={"user_id": str(user_id)},
    )
    await outbox.again(session, guild_id=guild_id, name=f"cease:{waiting.number}")
