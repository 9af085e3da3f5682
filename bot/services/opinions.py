"""Opinions of entries: one for each person and entry, shown, and without any effect by itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from bot.domain.errors import Refusal
from bot.domain.opinions import Opinion, Said
from bot.domain.people import Actor
from bot.domain.states import Round as State
from bot.services import history, outbox
from storage import hours, opinions, rounds
from storage.express import Through
from storage.tables import Entry, Round
from storage.tables import Opinion as Row

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

OPEN_STATES = frozenset({State.OPEN, State.REVIEW, State.DRAFT})
"""As long as nothing is published."""


class Given(Struct, frozen=True):
    """An opinion as it stands; `before` is what the same person said until now."""

    number: int
    helper_id: int
    label: str
    opinion: Opinion
    before: Opinion | None
    is_claimant: bool


async def give(session: AsyncSession, *, by: Actor, number: int, opinion: Opinion) -> Given:
    """Say of an entry that it is too low, fair or too high, until its round is published.

    Everybody but the helper of the entry may, once for each entry; another opinion replaces the
    first. It changes no amount.
    """
    await history.begin(session, by)
    entry, round_ = await _open_entry(session, by, number)
    row = await opinions.one(session, entry.id, by.user_id)
    before = Opinion(row.opinion) if row is not None else None
    if before is not opinion:
        await _store(session, by, entry, row, opinion)
        await _show(session, round_, entry)
    return Given(
        number=entry.number,
        helper_id=entry.user_id,
        label=round_.label,
        opinion=opinion,
        before=before,
        is_claimant=by.user_id in await claimants(session, round_),
    )


async def of_entry(session: AsyncSession, round_: Round, entry: Entry) -> tuple[Said, ...]:
    """Return what was said of one entry."""
    found = await opinions.of_entry(session, entry.id)
    return _said(found, await claimants(session, round_) if found else frozenset())


async def of_round(session: AsyncSession, round_: Round) -> Mapping[int, tuple[Said, ...]]:
    """Return what was said of the entries of a round, by the key of the entry."""
    found: dict[int, list[Row]] = defaultdict(list)
    for row in await opinions.of_round(session, round_.id):
        found[row.entry_id].append(row)
    claiming = await claimants(session, round_) if found else frozenset()
    return {entry_id: _said(rows, claiming) for entry_id, rows in found.items()}


async def claimants(session: AsyncSession, round_: Round) -> frozenset[int]:
    """Return who has entries that stand in a round: what others get concerns them."""
    return frozenset(await hours.minutes_by_user(Through(session), round_.id))


def are_open(round_: Round) -> bool:
    """Whether opinions of a round's entries can be given and changed."""
    return round_.state in OPEN_STATES


def _said(rows: Iterable[Row], claiming: frozenset[int]) -> tuple[Said, ...]:
    return tuple(
        Said(row.user_id, Opinion(row.opinion), is_claimant=row.user_id in claiming) for row in rows
    )


async def _open_entry(session: AsyncSession, by: Actor, number: int) -> tuple[Entry, Round]:
    entry = await hours.numbered(session, by.guild_id, number)
    if entry is None:
        raise Refusal("There is no such entry here. The cards in the thread have the buttons.")
    round_ = await rounds.get(session, entry.round_id)
    assert round_ is not None
    if entry.user_id == by.user_id:
        raise Refusal(
            f"Entry #{entry.number} is your own; what others say of it is for them. "
            "`/hours edit` corrects it until the round closes."
        )
    if entry.withdrawn_at is not None:
        raise Refusal(f"Entry #{entry.number} is withdrawn and counts no more.")
    if round_.state == State.VOID:
        raise Refusal(f"{round_.label} is void, so nothing is paid for entry #{entry.number}.")
    if not are_open(round_):
        raise Refusal(
            f"{round_.label} is published, so opinions of its entries stay as they are. "
            "`/payout show` says until when it can be disputed."
        )
    return entry, round_


async def _store(
    session: AsyncSession, by: Actor, entry: Entry, row: Row | None, opinion: Opinion
) -> None:
    before = row.opinion if row is not None else ""
    if row is None:
        row = Row(entry_id=entry.id, user_id=by.user_id, guild_id=by.guild_id)
        session.add(row)
    row.opinion, row.at = str(opinion), by.at
    await session.flush()
    # Without the person: the record is public, and who said what is for helper and committee.
    await history.append(
        session,
        guild_id=by.guild_id,
        at=by.now,
        action="opinion.given",
        subject=f"entry:{entry.number}",
        data={"opinion": str(opinion), "before": before},
    )


async def _show(session: AsyncSession, round_: Round, entry: Entry) -> None:
    """Bring the card up to date, and the warnings of a draft that waits."""
    await outbox.again(session, guild_id=entry.guild_id, name=f"entry:{entry.number}")
    if round_.state == State.DRAFT:
        name = f"round:{round_.id}:draft:compute"
        await outbox.again(session, guild_id=entry.guild_id, name=name)
