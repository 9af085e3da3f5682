"""What a committee should look at in a draft before it approves; nothing here changes an amount."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from bot.domain import warnings as rules
from bot.domain.opinions import Opinion
from bot.domain.statement import Statement
from bot.domain.states import PUBLIC_ROUND_STATES, Line
from bot.domain.thanks import Doubt
from bot.domain.warnings import High, Votes
from bot.services import activity, addresses, lines, opinions
from bot.services.activity import Presence
from storage import hours, rounds, thanks
from storage.tables import Entry, Round

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

YOUNG = frozenset({Doubt.ACCOUNT, Doubt.MEMBER})


class _Thanked(Struct, frozen=True):
    """Who thanked a helper: voters that count with the last time, and those too young for it."""

    counted: Mapping[int, datetime]
    young: frozenset[int]

    def __contains__(self, voter: int) -> bool:
        """Whether somebody thanked the helper, counted or not."""
        return voter in self.counted or voter in self.young


async def warnings(session: AsyncSession, round_: Round, statement: Statement) -> tuple[str, ...]:
    """Return the warnings of a draft as sentences: what is missing first, then line by line."""
    entries = [
        entry for entry in await hours.of_round(session, round_.id) if entry.withdrawn_at is None
    ]
    called = await lines.names(session, statement)
    found = rules.warn(
        statement,
        logged_at=[(entry.user_id, entry.at) for entry in entries],
        call_at=round_.call_at,
        lasted=(round_.closed_at or round_.close_at) - round_.work_since,
        last=await _last(session, round_),
        high=await _high(session, round_, entries),
        votes=await _votes(session, round_, called),
    )
    sentences = [warning.sentence(called[warning.user_id]) for warning in found]
    shown = await lines.shown(session, round_, statement)
    to_pay = [user for user, beside in shown.items() if beside.status in (Line.DUE, Line.HELD)]
    lacking = await addresses.missing(session, round_, to_pay)
    if lacking:
        who = [called[user] for user in to_pay if user in lacking]
        sentences.insert(0, rules.without_address(who, lines=len(to_pay)))
    return tuple(sentences)


async def presence(session: AsyncSession, *, statement: Statement) -> Presence | None:
    """Return how long the people of a draft were visibly there; None where nothing is known."""
    facts = statement.facts
    round_ = await rounds.labelled(session, facts.guild_id, facts.label)
    assert round_ is not None
    return await activity.presence(session, round_, [line.user_id for line in statement.lines])


async def _last(session: AsyncSession, round_: Round) -> Statement | None:
    earlier = [
        past
        for past in await rounds.of_server(
            session, round_.guild_id, states=[str(state) for state in PUBLIC_ROUND_STATES]
        )
        if past.number < round_.number
    ]
    return await lines.published(session, earlier[-1]) if earlier else None


async def _high(
    session: AsyncSession, round_: Round, entries: Sequence[Entry]
) -> Mapping[int, High]:
    said = await opinions.of_round(session, round_)
    found: dict[int, High] = {}
    for entry in entries:
        high = [each for each in said.get(entry.id, ()) if each.opinion is Opinion.HIGH]
        if high:
            before = found.get(entry.user_id, High())
            found[entry.user_id] = High(
                before.opinions + len(high),
                before.claimants + sum(each.is_claimant for each in high),
                before.on_entries + 1,
            )
    return found


async def _votes(
    session: AsyncSession, round_: Round, users: Collection[int]
) -> Mapping[int, Votes]:
    thanked = await _thanked(session, round_)
    of_lines = {user: thanked[user] for user in users if user in thanked}
    met = await activity.met(session, round_, {user: of_lines[user].counted for user in of_lines})
    found = {}
    for user, own in of_lines.items():
        back = [voter for voter in own.counted if voter in thanked and user in thanked[voter]]
        judged = [
            voter
            for voter, last in own.counted.items()
            if met is not None and (met.since is None or last >= met.since)
        ]
        near = met.by_helper[user] if met is not None else frozenset()
        found[user] = Votes(
            counted=len(own.counted),
            young=len(own.young),
            mutual=len(back),
            judged=len(judged),
            apart=len(set(judged) - near),
        )
    return found


async def _thanked(session: AsyncSession, round_: Round) -> Mapping[int, _Thanked]:
    """Return who thanked whom in a round, by helper."""
    counted: dict[int, dict[int, datetime]] = defaultdict(dict)
    young: dict[int, set[int]] = defaultdict(set)
    for helper, voter, doubt, last in await thanks.pairs(session, round_.id):
        if doubt == Doubt.NONE:
            counted[helper][voter] = last
        elif doubt in YOUNG:
            young[helper].add(voter)
    return {
        helper: _Thanked(counted[helper], frozenset(young[helper] - counted[helper].keys()))
        for helper in {*counted, *young}
    }
