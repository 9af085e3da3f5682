"""Votes: writing thanks with their part of the record, and counting them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.canonical import canonical
from bot.domain.thanks import Key, Mark
from bot.services import history
from storage import thanks
from storage.tables import Round


@dataclass(frozen=True, slots=True)
class Changed:
    """How many thanks were given or taken back that were not before."""

    given: int = 0
    taken_back: int = 0


async def change(
    session: AsyncSession,
    round_: Round,
    *,
    given: Mapping[Key, Mark] | None = None,
    taken_back: Collection[Key] = (),
    at: datetime,
    action: str,
    data: Mapping[str, Any] | None = None,
    texts: Mapping[str, str] | None = None,
) -> Changed:
    """Store thanks that were given and taken back; what stands already is left as it is.

    The record says how many, and holds a salted digest of who thanked whom: never the pairs. No
    row is written where nothing changes.
    """
    wanted = given or {}
    known = await thanks.standing(session, round_.id, [*wanted, *taken_back])
    new = {key: mark for key, mark in wanted.items() if not known.get(key, False)}
    gone = [key for key in taken_back if known.get(key, False)]
    if not new and not gone:
        return Changed()
    if new:
        await thanks.add(session, [_row(round_.id, key, mark) for key, mark in new.items()])
    if gone:
        await thanks.take_back(session, round_.id, gone, at=at)
    pairs = [[*key, 1] for key in new] + [[*key, -1] for key in gone]
    await history.append(
        session,
        guild_id=round_.guild_id,
        at=at,
        action=action,
        subject=f"round:{round_.label}",
        data={"given": len(new), "taken_back": len(gone), **(data or {})},
        texts={"thanks": canonical(pairs).decode(), **(texts or {})},
        concerning=round_,
    )
    return Changed(len(new), len(gone))


async def voters(session: AsyncSession, round_: Round) -> Mapping[int, int]:
    """Return the voters of every helper: as counted for good, else as they stand now."""
    if round_.counted_at is not None:
        return await thanks.tallies(session, round_.id)
    return await thanks.count(session, round_.id)


def _row(round_id: int, key: Key, mark: Mark) -> dict[str, Any]:
    return {
        "round_id": round_id,
        **key._asdict(),
        **mark._asdict(),
        "taken_back_at": None,
        "kept_at": None,
    }
