"""Settings of a server: reading, changing in versions, and what a round pinned."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from bot.domain import people, policy
from bot.domain.canonical import canonical
from bot.domain.errors import Refusal
from bot.domain.people import Actor
from bot.domain.policy import Policy
from bot.services import checksums, history, outbox
from storage import policy as stored
from storage import rounds
from storage.express import Through
from storage.tables import PolicyVersion, Round

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

ADDRESSES = ("tip_address", "token_address", "safe_address")


class Current(Struct, frozen=True):
    """A policy, the document it was read from, and the document's version."""

    version: int
    document: Mapping[str, str]
    policy: Policy


class Changed(Struct, frozen=True):
    """A setting that was changed; `open_label` names the round that keeps the old value.

    `problems` keep the next round from opening with the settings as they are now.
    """

    name: str
    value: str
    before: str
    version: int
    open_label: str | None
    problems: tuple[str, ...] = ()


class Origin(Struct, frozen=True):
    """One setting as it stands and where that comes from; `at` is None for a default."""

    name: str
    meaning: str
    accepts: str
    value: str
    version: int | None = None
    actor_id: int | None = None
    at: datetime | None = None


async def current(session: AsyncSession, guild_id: int) -> Current:
    """Return a server's present policy; before the first change everything is at its default."""
    newest = await stored.newest(session, guild_id)
    return _read(newest) if newest else Current(0, {}, policy.read({}))


async def pinned(session: AsyncSession, round_: Round) -> Current:
    """Return the policy with which a round opened."""
    version = await stored.version(session, round_.guild_id, round_.policy_version)
    assert version is not None, "a round pins a version that exists"
    return _read(version)


async def overview(session: AsyncSession, guild_id: int) -> list[Origin]:
    """Return every setting with its value and its origin."""
    changes = await stored.changes(session, guild_id)
    document = json.loads(changes[-1].document) if changes else {}
    last = {change.name: change for change in changes}
    rows = []
    for name, spec in policy.SETTINGS.items():
        change = last.get(name) if name in document else None
        rows.append(
            Origin(
                name=name,
                meaning=spec.meaning,
                accepts=spec.accepts,
                value=policy.value_of(document, name),
                version=change.version if change else None,
                actor_id=change.actor_id if change else None,
                at=change.at if change else None,
            )
        )
    return rows


async def change(session: AsyncSession, *, by: Actor, values: Mapping[str, str]) -> list[Changed]:
    """Set settings to what a person typed, all or none; each makes a new version.

    An open round keeps the version with which it opened. What no channel would take is tried
    again, since a setting may have been the reason.
    """
    people.require_admin(by)
    await history.begin(session, by)
    before = await current(session, by.guild_id)
    open_rounds = await rounds.of_server(session, by.guild_id, states=("open",))
    label = open_rounds[0].label if open_rounds else None
    document, version, results = dict(before.document), before.version, []
    for typed_name, text in values.items():
        name = policy.setting(typed_name).name
        changed = _verified(policy.change(document, name, text), name)
        if label and name in policy.KEPT_WHILE_OPEN and name not in changed:
            raise Refusal(
                f"`{name}` cannot be cleared while {label} is open. "
                "Set another value: it applies to the next round."
            )
        policy.read(changed)
        version += 1
        session.add(
            PolicyVersion(
                guild_id=by.guild_id,
                version=version,
                name=name,
                document=canonical(changed).decode(),
                actor_id=by.user_id,
                at=by.now,
            )
        )
        await history.append(
            session,
            guild_id=by.guild_id,
            at=by.now,
            actor=by.user_id,
            action="settings.changed",
            subject=f"setting:{name}",
            data={"version": version, "value": policy.value_of(changed, name)},
        )
        results.append(
            Changed(
                name=name,
                value=policy.value_of(changed, name),
                before=policy.value_of(document, name),
                version=version,
                open_label=label,
            )
        )
        document = changed
    await outbox.unpark(Through(session), by.guild_id)
    problems = await _problems(session, by.guild_id, document)
    return [replace(result, problems=problems) for result in results]


def _verified(document: dict[str, str], name: str) -> dict[str, str]:
    """Return a document in which a new address has its checksum; refuse one with a wrong one."""
    if name not in ADDRESSES or not document.get(name):
        return document
    return {**document, name: checksums.verified(name, document[name])}


async def _problems(
    session: AsyncSession, guild_id: int, document: Mapping[str, str]
) -> tuple[str, ...]:
    """Return what keeps a round from opening; before the first one, only what does not fit."""
    began = bool(await rounds.of_server(session, guild_id))
    return tuple(policy.problems(document) if began else policy.conflicts(document))


def _read(version: PolicyVersion) -> Current:
    return Current(version.version, json.loads(version.document), parsed(version.document))


@lru_cache(maxsize=64)
def parsed(document: str) -> Policy:
    """Read the stored document of a policy; many ask, and what a version says never changes."""
    return policy.read(json.loads(document))


async def require_committee(session: AsyncSession, by: Actor) -> None:
    """Refuse whoever does not hold the committee role."""
    people.require_committee((await current(session, by.guild_id)).policy, by)
