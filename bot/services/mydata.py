"""What is stored about somebody in a server: handing it out, and erasing what may be erased."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from bot.domain.canonical import canonical, spell
from bot.domain.errors import Refusal
from bot.domain.people import Actor
from bot.domain.statement import Sum
from bot.domain.states import Helper, Line
from bot.services import history, lines, outbox, roster, votes
from bot.services.roster import Standing
from storage import boards, hours, mydata, payout, people, rounds, thanks
from storage.express import Runner, Through
from storage.mydata import Erasable
from storage.tables import RecordRow

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

FORMAT = 1
GONE = frozenset({Helper.LEFT, Helper.REMOVED})
OWED = frozenset({Line.DUE, Line.HELD})


class Export(Struct, frozen=True):
    """Everything about one person in one server; `is_known` where there is anything at all."""

    user_id: int
    document: Mapping[str, Any]
    is_known: bool


class Left(Struct, frozen=True):
    """What erasing would take away, and what stays: amounts owed, open batches and disputes."""

    erasable: Erasable
    name: str
    is_listed: bool
    has_clock: bool
    owed: tuple[tuple[str, Sum], ...]
    batches: tuple[int, ...]
    disputes: tuple[int, ...]


class Deleted(Struct, frozen=True):
    """What was erased; `name` is the pseudonym, `standing` is set for who left the roster."""

    name: str
    left: Left
    standing: Standing | None


# ---------------------------------------------------------------- handing out


async def export(session: AsyncSession, *, by: Actor) -> Export:
    """Return everything that is stored about the actor in this server, and nobody else's secrets.

    Of others it holds what the actor may see anyway: who thanked them once that is shown,
    opinions and votes about them as counts, and no reasons of disputes that others opened.
    """
    labels = {round_.id: round_.label for round_ in await rounds.of_server(session, by.guild_id)}
    parts: dict[str, Any] = {}
    for part in mydata.PARTS:
        rows = await mydata.of_person(session, part, by.guild_id, by.user_id)
        parts[part.name] = [_shown(row, labels) for row in rows]
    parts["disputes"] = [_without_others(row, by.user_id) for row in parts["disputes"]]
    parts["thanks_received"] = await _received(session, by, labels)
    parts["opinions_on_my_entries"] = await mydata.opinions_on(session, by.guild_id, by.user_id)
    parts["votes_on_cease_proposals"] = await mydata.votes_on_cease(
        session, by.guild_id, by.user_id
    )
    parts["replies_to_me"] = await mydata.replies_to(session, by.guild_id, by.user_id)
    parts["messages_of_the_bot"] = [
        _shown(
            {
                "name": post.name,
                "channel_id": post.channel_id,
                "message_id": post.message_id,
                "sent_at": post.sent_at,
            },
            labels,
        )
        for post in await mydata.posts_naming(session, by.guild_id, by.user_id)
    ]
    parts["record"] = await _record(session, by)
    document = {
        "stipend_mydata": FORMAT,
        "guild_id": str(by.guild_id),
        "user_id": str(by.user_id),
        "exported_at": spell(by.now),
        **parts,
    }
    return Export(by.user_id, document, is_known=any(parts.values()))


async def _received(
    session: AsyncSession, by: Actor, labels: Mapping[int, str]
) -> list[dict[str, Any]]:
    """Return who thanked the actor, of the rounds in which helpers may see that."""
    found = []
    for round_ in await rounds.of_server(session, by.guild_id):
        if await votes.public(session, round_) is None:
            continue
        for row in await thanks.of_helper(session, round_.id, by.user_id):
            values = {
                "round_id": row.round_id,
                "voter_id": row.voter_id,
                "source": row.source,
                "at": row.at,
                "note": row.note,
                "private": row.private,
            }
            found.append(_shown(values, labels))
    return found


async def _record(session: AsyncSession, by: Actor) -> list[dict[str, Any]]:
    """Return the rows of the record about the actor, with their texts where those are theirs."""
    rows = await mydata.record_rows(session, by.guild_id, by.user_id)
    texts = await history.texts(session, by.guild_id, [row.number for row in rows])
    return [
        {
            **history.as_row(row).as_json(),
            "texts": texts.get(row.number, {}) if _may_read(row, by.user_id) else {},
        }
        for row in rows
        if not _is_vote_of_another(row, by.user_id)
    ]


def _is_vote_of_another(row: RecordRow, user_id: int) -> bool:
    return row.action.startswith("cease.") and "vote" in row.action and row.actor != str(user_id)


def _may_read(row: RecordRow, user_id: int) -> bool:
    is_own = str(user_id) in {row.actor, row.acting_for}
    return is_own or not row.action.startswith("dispute.")


def _without_others(row: dict[str, Any], user_id: int) -> dict[str, Any]:
    """Leave out what others wrote in a dispute: the committee alone reads that."""
    if str(user_id) in {row["opener_id"], row["decided_by"]}:
        return row
    return {key: value for key, value in row.items() if key not in {"reason", "opener_id"}}


def _shown(row: Mapping[str, Any], labels: Mapping[int, str]) -> dict[str, Any]:
    """Return a row as JSON holds it: rounds by their label, ids as text, instants in UTC."""
    shown: dict[str, Any] = {}
    for column, value in row.items():
        if column.endswith("round_id"):
            shown[column.removesuffix("_id")] = labels.get(value)
        else:
            shown[column] = _value(column, value)
    return shown


_PEOPLE = frozenset({"confirmed_by", "decided_by", "reply_to"})


def _value(column: str, value: Any) -> Any:
    match value:
        case datetime():
            return spell(value)
        case date():
            return value.isoformat()
        case bool():
            return value
        case int() if column.endswith("_id") or column in _PEOPLE:
            return str(value)
    return value


# ---------------------------------------------------------------- erasing


async def may_delete(session: AsyncSession, *, by: Actor) -> Left:
    """Return what erasing would take away; refused where nothing is left."""
    person = await people.get(session, by.guild_id, by.user_id)
    row = await people.helper(session, by.guild_id, by.user_id)
    has_name = person is not None and person.erased_at is None
    left = Left(
        erasable=await mydata.erasable(session, by.guild_id, by.user_id),
        name=person.name if person is not None and has_name else "",
        is_listed=row is not None and row.state not in GONE,
        has_clock=await hours.clock(session, by.guild_id, by.user_id) is not None,
        owed=await _owed(session, by),
        batches=tuple(await mydata.open_batches(session, by.guild_id, by.user_id)),
        disputes=tuple(await mydata.open_disputes(session, by.guild_id, by.user_id)),
    )
    if not (has_name or left.is_listed or left.has_clock or left.erasable.anything):
        raise Refusal(
            "Nothing is stored about you here that can be erased. "
            "`/mydata export` shows what there is."
        )
    return left


async def delete(session: AsyncSession, *, by: Actor) -> Deleted:
    """Erase the actor's texts, addresses, activity, opinions and name in this server.

    Amounts, times, votes and the record stay, under their number: what is owed is owed, and every
    statement can be verified as before. An address in an open batch stays there until the batch
    is closed.
    """
    await history.claim(Through(session), by)
    left = await may_delete(session, by=by)
    standing = await roster.depart(session, by=by) if left.is_listed else None
    clock = await hours.clock(session, by.guild_id, by.user_id)
    if clock is not None:
        await session.delete(clock)
    await session.flush()
    touched = await mydata.erase(session, by.guild_id, by.user_id)
    await mydata.forget_outlived_addresses(session)
    pseudonym = f"member-{secrets.token_hex(4)}"
    await people.pseudonymise(
        session, guild_id=by.guild_id, user_id=by.user_id, name=pseudonym, at=by.now
    )
    await history.append(
        session,
        guild_id=by.guild_id,
        at=by.now,
        actor=by.user_id,
        action="mydata.deleted",
        subject=f"user:{by.user_id}",
    )
    await session.flush()
    await _show_again(session, by, touched)
    return Deleted(pseudonym, left, standing)


async def has_outlived(run: Runner) -> bool:
    """Whether a closed batch of any server keeps an address that its owner erased."""
    return await mydata.has_outlived_addresses(run)


async def erase_outlived(session: AsyncSession) -> None:
    """Erase the addresses in closed batches whose owners erased their data meanwhile."""
    await mydata.forget_outlived_addresses(session)


async def _owed(session: AsyncSession, by: Actor) -> tuple[tuple[str, Sum], ...]:
    found = []
    for round_ in await payout.lines_of(session, by.guild_id, user_id=by.user_id):
        if (await lines.states(session, round_))[by.user_id] in OWED:
            statement = await lines.published(session, round_)
            line = statement.line_of(by.user_id)
            assert line is not None
            found.append((round_.label, statement.sum_of([line])))
    return tuple(found)


async def _show_again(session: AsyncSession, by: Actor, touched: mydata.Touched) -> None:
    """Bring every message up to date that showed what was erased."""
    names = [
        *(f"entry:{number}" for number in sorted(touched.entries)),
        *(f"thanks:{origin_id}" for origin_id in sorted(touched.notes)),
        *await mydata.statement_posts(session, by.guild_id, by.user_id),
        *(
            boards.post_name(board_id)
            for board_id in await mydata.boards_naming(session, by.guild_id, by.user_id)
        ),
    ]
    for post in await mydata.dispute_posts(session, by.guild_id):
        facts = json.loads(post.facts)
        numbers = {facts.get("dispute"), facts.get("number")}
        if touched.disputes & numbers:
            if facts.get("reason"):
                post.facts = canonical({**facts, "reason": ""}).decode()
            names.append(post.name)
    for name in names:
        await outbox.again(session, guild_id=by.guild_id, name=name)
