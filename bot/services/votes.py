"""Votes: writing thanks with their part of the record, and counting them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
from msgspec import Struct

from bot.domain.policy import Policy
from bot.domain.record import Row
from bot.domain.states import Round as State
from bot.domain.thanks import Key, Mark
from bot.services import history, settings
from storage import thanks
from storage.express import Runner, Through
from storage.tables import Round
from storage.thanks import KeyRow

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


class Changed(Struct, frozen=True):
    """How many thanks were given or taken back that were not before."""

    given: int = 0
    taken_back: int = 0


class Where(NamedTuple):
    """The round that thanks belong to."""

    round_id: int
    guild_id: int
    label: str


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
    changed, row = await write(
        Through(session),
        Where(round_.id, round_.guild_id, round_.label),
        given=given,
        taken_back=taken_back,
        at=at,
        action=action,
        data=data,
        texts=texts,
    )
    if row is not None:
        history.touch(round_, row)
    return changed


async def write(
    run: Runner,
    where: Where,
    *,
    given: Mapping[Key, Mark] | None = None,
    taken_back: Collection[Key] = (),
    at: datetime,
    action: str,
    data: Mapping[str, Any] | None = None,
    texts: Mapping[str, str] | None = None,
) -> tuple[Changed, Row | None]:
    """Do what `change` does, also without a session; return the row of the record, if any.

    The caller makes the row part of the round (`history.touch`, `record.touch`).
    """
    rows = [(*key, *mark) for key, mark in (given or {}).items()]
    new = await thanks.add(run, where.round_id, rows) if rows else []
    gone = await thanks.take_back(run, where.round_id, taken_back, at=at)
    if not new and not gone:
        return Changed(), None
    row = await history.write(
        run,
        guild_id=where.guild_id,
        at=at,
        action=action,
        subject=f"round:{where.label}",
        data={
            "round": where.label, "given": len(new), "taken_back": len(gone), **(data or {}),
        },
        texts={"thanks": pairs(new, gone), **(texts or {})},
    )  # fmt: skip
    return Changed(len(new), len(gone)), row


def pairs(given: Iterable[KeyRow], gone: Iterable[KeyRow]) -> str:
    """Write down who thanked whom and who no longer does, to stand in the record as a digest."""
    rows = [[*key, 1] for key in given] + [[*key, -1] for key in gone]
    return orjson.dumps(rows).decode()


async def voters(session: AsyncSession, round_: Round) -> Mapping[int, int]:
    """Return the voters of every helper: as counted for good, else as they stand now."""
    return await stand(Through(session), round_.id, is_counted=round_.counted_at is not None)


async def stand(run: Runner, round_id: int, *, is_counted: bool) -> Mapping[int, int]:
    """Return what `voters` does, also in the express lane."""
    return await (thanks.tallies if is_counted else thanks.count)(run, round_id)


async def public(session: AsyncSession, round_: Round) -> Mapping[int, int] | None:
    """Return the voters of every helper as everybody may see them; None while they are hidden."""
    pinned = await settings.pinned(session, round_)
    return None if are_hidden(round_.state, pinned.policy) else await voters(session, round_)


def are_hidden(state: str, policy: Policy) -> bool:
    """Whether nobody may see the votes of a round yet."""
    return state == State.OPEN and not policy.public_counts
