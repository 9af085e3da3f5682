"""Queries about thanks: in batches, for there may be thousands a second."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from storage.tables import Tally, Thanks

MOST_AT_ONCE = 500
_KEY = (Thanks.helper_id, Thanks.voter_id, Thanks.source, Thanks.origin_id, Thanks.burst)
_KEY_NAMES = ("helper_id", "voter_id", "source", "origin_id", "burst")
_STANDS = Thanks.taken_back_at.is_(None)
_COUNTS = Thanks.doubt == ""

KeyRow = tuple[int, int, int, int, int]
"""helper, voter, source, origin, burst."""


async def standing(
    session: AsyncSession, round_id: int, keys: Collection[KeyRow]
) -> dict[KeyRow, bool]:
    """Return which of these thanks are known, and whether each stands."""
    known: dict[KeyRow, bool] = {}
    for some in _chunks(list(keys)):
        found = await session.execute(
            select(*_KEY, Thanks.taken_back_at).where(
                Thanks.round_id == round_id, tuple_(*_KEY).in_(some)
            )
        )
        known |= {tuple(row[:5]): row[5] is None for row in found}  # type: ignore[misc]
    return known


async def add(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store thanks; one that was taken back stands again, as it is made now."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    statement: Any = dialect.insert(Thanks)
    renewed = ("at", "after", "doubt", "taken_back_at", "kept_at", "note", "private")
    statement = statement.on_conflict_do_update(
        index_elements=["round_id", *_KEY_NAMES],
        set_={name: statement.excluded[name] for name in renewed},
        where=Thanks.taken_back_at.is_not(None),
    )
    await session.execute(statement, [dict(row) for row in rows])


async def take_back(
    session: AsyncSession, round_id: int, keys: Collection[KeyRow], *, at: datetime
) -> None:
    """Take thanks back; the rows stay."""
    for some in _chunks(list(keys)):
        await session.execute(
            update(Thanks)
            .where(Thanks.round_id == round_id, tuple_(*_KEY).in_(some), _STANDS)
            .values(taken_back_at=at)
        )


async def keep(
    session: AsyncSession, round_id: int, keys: Collection[KeyRow], *, at: datetime | None
) -> None:
    """Note that reactions were taken away after the close, or (None) that they are back."""
    for some in _chunks(list(keys)):
        await session.execute(
            update(Thanks)
            .where(Thanks.round_id == round_id, tuple_(*_KEY).in_(some), _STANDS)
            .values(kept_at=at)
        )


async def reopen(session: AsyncSession, round_id: int, *, doubts: tuple[str, str]) -> None:
    """Undo what only the close of a round made of its thanks: late ones count, kept ones go."""
    late, none = doubts
    await session.execute(
        update(Thanks)
        .where(Thanks.round_id == round_id, Thanks.kept_at.is_not(None))
        .values(taken_back_at=Thanks.kept_at, kept_at=None)
    )
    await session.execute(
        update(Thanks).where(Thanks.round_id == round_id, Thanks.doubt == late).values(doubt=none)
    )
    await session.execute(delete(Tally).where(Tally.round_id == round_id))


async def count(session: AsyncSession, round_id: int) -> dict[int, int]:
    """Return the number of distinct voters of every helper, from the thanks that stand."""
    # The key's order serves both steps: no sorting, no set of voters in memory.
    pairs = (
        select(Thanks.helper_id, Thanks.voter_id)
        .where(Thanks.round_id == round_id, _STANDS, _COUNTS)
        .distinct()
        .subquery()
    )
    found = await session.execute(
        select(pairs.c.helper_id, func.count()).group_by(pairs.c.helper_id)
    )
    return {row[0]: row[1] for row in found}


async def voters(session: AsyncSession, round_id: int) -> int:
    """Return how many people thanked somebody in a round."""
    query = select(func.count(Thanks.voter_id.distinct())).where(
        Thanks.round_id == round_id, _STANDS, _COUNTS
    )
    return (await session.scalar(query)) or 0


async def has_any(session: AsyncSession, round_id: int) -> bool:
    """Whether any thanks stands in a round."""
    query = select(Thanks.voter_id).where(Thanks.round_id == round_id, _STANDS).limit(1)
    return await session.scalar(query) is not None


async def of_helper(session: AsyncSession, round_id: int, helper_id: int) -> Sequence[Thanks]:
    """Return every standing thanks of a helper, by voter, oldest first."""
    return (
        await session.scalars(
            select(Thanks)
            .where(Thanks.round_id == round_id, Thanks.helper_id == helper_id, _STANDS)
            .order_by(Thanks.voter_id, Thanks.at, Thanks.source)
        )
    ).all()


async def of_pair(
    session: AsyncSession, round_id: int, *, helper_id: int, voter_id: int
) -> Sequence[Thanks]:
    """Return every standing thanks of one person for one helper, oldest first."""
    return (
        await session.scalars(
            select(Thanks)
            .where(
                Thanks.round_id == round_id,
                Thanks.helper_id == helper_id,
                Thanks.voter_id == voter_id,
                _STANDS,
            )
            .order_by(Thanks.at, Thanks.source)
        )
    ).all()


async def of_origin(
    session: AsyncSession, round_id: int, *, helper_id: int, source: int, origin_id: int
) -> Sequence[tuple[int, int, bool, str]]:
    """Return what stands from one place or message: voter, burst, kept after the close, doubt."""
    found = await session.execute(
        select(Thanks.voter_id, Thanks.burst, Thanks.kept_at, Thanks.doubt).where(
            Thanks.round_id == round_id,
            Thanks.helper_id == helper_id,
            Thanks.source == source,
            Thanks.origin_id == origin_id,
            _STANDS,
        )
    )
    return [(row[0], row[1], row[2] is not None, row[3]) for row in found]


async def tallies(session: AsyncSession, round_id: int) -> dict[int, int]:
    """Return the voters of every helper as they were counted for good."""
    found = await session.execute(
        select(Tally.user_id, Tally.voters).where(Tally.round_id == round_id)
    )
    return {row[0]: row[1] for row in found}


async def add_tallies(session: AsyncSession, round_id: int, voters: Mapping[int, int]) -> None:
    """Keep the voters of every helper for good."""
    rows = [
        {"round_id": round_id, "user_id": user, "voters": count} for user, count in voters.items()
    ]
    if rows:
        await session.execute(insert(Tally), rows)


def _chunks(keys: list[KeyRow]) -> Iterable[list[KeyRow]]:
    for start in range(0, len(keys), MOST_AT_ONCE):
        yield keys[start : start + MOST_AT_ONCE]
