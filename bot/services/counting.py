"""Counting the thanks of a round for good, and what follows: who leaves the board, what is told.

It happens once the closing reconciliation has looked at every reaction; nothing is computed
before it, and nothing is counted after it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from bot.domain import thanks as rules
from bot.domain.canonical import spell
from bot.domain.schedule import LATE_AFTER, NOTES
from bot.domain.states import Helper
from bot.domain.states import Round as State
from bot.domain.thanks import Doubt
from bot.services import boards, history, jar, outbox, settings, votes
from storage import people, rounds, thanks
from storage.express import Runner, Through
from storage.tables import Round

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

NOTE_INTERVAL = timedelta(days=1)


class Counted(Struct, frozen=True):
    """What a count came to: voters by helper, and who left the board with how many."""

    label: str
    voters: dict[int, int]
    dropped: dict[int, int]


def late_at(round_: Round) -> datetime | None:
    """Return when the thanks of a round were counted, if long after its close; else None.

    A reaction has no time: what was found so late may have been made after the close, and the
    statement says so.
    """
    if round_.counted_at is None or round_.closed_at is None:
        return None
    return round_.counted_at if round_.counted_at - round_.closed_at > LATE_AFTER else None


async def servers(run: Runner) -> list[int]:
    """Return the servers with a closed round whose thanks are still to be counted."""
    return await rounds.servers_waiting(run)


async def waiting(session: AsyncSession, guild_id: int) -> list[Round]:
    """Return the closed rounds whose thanks are still to be counted, oldest first."""
    found = await rounds.of_server(session, guild_id, states=(State.REVIEW,))
    return [round_ for round_ in found if round_.counted_at is None]


async def count(session: AsyncSession, round_: Round, *, now: datetime) -> Counted:
    """Count the thanks of a closed round for good."""
    voters = await thanks.count(Through(session), round_.id)
    await thanks.add_tallies(session, round_.id, voters)
    round_.counted_at = now
    await history.append(
        session,
        guild_id=round_.guild_id,
        at=now,
        action="round.counted",
        subject=f"round:{round_.label}",
        data={
            "voters": {str(user): count for user, count in voters.items()},
            "late": late_at(round_) is not None,
        },
        concerning=round_,
    )
    dropped = await _drop(session, round_, voters, now=now)
    following = await rounds.of_server(session, round_.guild_id, states=(State.OPEN,))
    entitled = set(voters) - await rounds.declined(session, round_.id)
    if following and not entitled:
        await jar.carry(session, round_, following[0], at=now)
    return Counted(round_.label, voters, dropped)


async def undo(session: AsyncSession, round_: Round, *, at: datetime) -> None:
    """Make a round that is opened again countable again, and take back what its count did."""
    late, kept = await thanks.reopen(session, round_.id, doubts=(Doubt.LATE, Doubt.NONE))
    if late or kept:
        await history.append(
            session,
            guild_id=round_.guild_id,
            at=at,
            action="thanks.reopened",
            subject=f"round:{round_.label}",
            data={"late_no_more": len(late), "taken_back": len(kept)},
            texts={"thanks": votes.pairs(late, kept)},
            concerning=round_,
        )
    round_.counted_at = None
    await jar.uncarry(session, round_, at=at)
    await restore(session, round_, at=at)


async def restore(session: AsyncSession, round_: Round, *, at: datetime) -> None:
    """Put back who left the board for a round that does not count (any more)."""
    for row in await people.roster(session, round_.guild_id):
        if row.state == Helper.DROPPED and row.dropped_by == round_.id:
            row.state, row.dropped_by = Helper.ACTIVE, None
            await boards.hold(session, row)
            await history.append(
                session,
                guild_id=round_.guild_id,
                at=at,
                action="helper.restored",
                subject=f"user:{row.user_id}",
                data={"state": str(Helper.ACTIVE), "emoji": row.emoji_key},
                concerning=round_,
            )


async def say_it_waits(session: AsyncSession, round_: Round, *, why: str, now: datetime) -> None:
    """Tell the committee that a count waits: once a day from the draft's time on, three times."""
    day = (now - round_.compute_at) // NOTE_INTERVAL + 1
    if day >= 1:
        await outbox.say_once(
            session,
            guild_id=round_.guild_id,
            name=f"round:{round_.id}:count-note-{min(day, NOTES)}",
            kind="count-waits",
            at=now,
            round_id=round_.id,
            facts={"why": why},
        )


async def _drop(
    session: AsyncSession, round_: Round, voters: dict[int, int], *, now: datetime
) -> dict[int, int]:
    """Let helpers with too few voters leave the next board; their hours go on."""
    pinned = await settings.pinned(session, round_)
    dropped = rules.drops(
        voters,
        there_all_the_time=await boards.there_all_the_time(session, round_),
        min_votes=pinned.policy.min_votes,
    )
    left = {}
    for user_id, count_ in dropped.items():
        row = await people.helper(session, round_.guild_id, user_id)
        if row is None or row.state != Helper.ACTIVE:
            continue
        row.state, row.since = Helper.DROPPED, now
        row.dropped_by, row.emoji_key = round_.id, None
        left[user_id] = count_
        await history.append(
            session,
            guild_id=round_.guild_id,
            at=now,
            action="helper.dropped",
            subject=f"user:{user_id}",
            data={
                "state": str(Helper.DROPPED),
                "voters": count_,
                "min_votes": pinned.policy.min_votes,
                "round": round_.label,
            },
        )
    following = await rounds.of_server(session, round_.guild_id, states=(State.OPEN,))
    if left and following:
        await boards.refresh(session, following[0], at=now)
        await outbox.say(
            session,
            guild_id=round_.guild_id,
            name=f"round:{round_.id}:dropped:{spell(now)}",
            kind="dropped",
            at=now,
            round_id=following[0].id,
            facts={
                "label": round_.label,
                "min_votes": pinned.policy.min_votes,
                "voters": {str(user): count_ for user, count_ in left.items()},
            },
        )
    return left
