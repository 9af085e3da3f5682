"""Who acts, and what their roles allow; judged on the member in the payload of the event."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from bot.domain.errors import Refusal
from bot.domain.policy import Policy


class Actor(Struct, frozen=True):
    """A person pressing something in a server: ids, roles and the moment on Discord's clock.

    `at` is the time of the interaction itself (from its snowflake), `now` that of processing,
    both aware UTC. `interaction_id` makes what is done idempotent. `joined_at` is when they came
    into the server, None where Discord does not say.
    """

    guild_id: int
    user_id: int
    name: str
    role_ids: frozenset[int]
    manages_server: bool
    at: datetime
    now: datetime
    interaction_id: int
    joined_at: datetime | None = None


class Person(Struct, frozen=True):
    """Somebody a command is about."""

    user_id: int
    name: str
    is_bot: bool = False
    is_member: bool = True


def is_committee(policy: Policy, actor: Actor) -> bool:
    """Whether the actor holds the committee role."""
    return policy.committee_role is not None and policy.committee_role in actor.role_ids


def is_moderator(policy: Policy, actor: Actor) -> bool:
    """Whether the actor keeps the roster: the moderator role, or Manage Server."""
    return actor.manages_server or (
        policy.moderator_role is not None and policy.moderator_role in actor.role_ids
    )


def require_admin(actor: Actor) -> None:
    """Refuse whoever may not change settings."""
    if not actor.manages_server:
        raise Refusal("This needs the permission Manage Server. An admin of the server can do it.")


def require_committee(policy: Policy, actor: Actor) -> None:
    """Refuse whoever does not hold the committee role."""
    if is_committee(policy, actor):
        return
    if policy.committee_role is None:
        raise Refusal("No committee role is set yet. An admin can choose it with `/setup`.")
    raise Refusal(f"This is for the committee: members with <@&{policy.committee_role}> can do it.")


def require_moderator(policy: Policy, actor: Actor) -> None:
    """Refuse whoever may not keep the roster."""
    if is_moderator(policy, actor):
        return
    who = f"members with <@&{policy.moderator_role}>" if policy.moderator_role else "an admin"
    raise Refusal(f"This is for moderators: {who} can do it.")
