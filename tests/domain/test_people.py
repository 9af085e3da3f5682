from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.domain.errors import Blocked, Kept, Refusal
from bot.domain.people import (
    Actor,
    is_committee,
    is_moderator,
    require_admin,
    require_committee,
    require_moderator,
)
from bot.domain.policy import read

MODERATORS, COMMITTEE = 100_000_000_000_000_001, 100_000_000_000_000_002
SET = read({"moderator_role": str(MODERATORS), "committee_role": str(COMMITTEE)})
UNSET = read({})
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def actor(*roles: int, manages_server: bool = False) -> Actor:
    return Actor(1, 2, "ada", frozenset(roles), manages_server, NOW, NOW, 3)


@pytest.mark.parametrize(
    ("person", "committee", "moderator"),
    (
        (actor(), False, False),
        (actor(COMMITTEE), True, False),
        (actor(MODERATORS), False, True),
        (actor(MODERATORS, COMMITTEE), True, True),
        (actor(manages_server=True), False, True),
    ),
)
def test_roles_say_who_is_committee_and_moderator(
    person: Actor, committee: bool, moderator: bool
) -> None:
    assert is_committee(SET, person) is committee
    assert is_moderator(SET, person) is moderator


def test_without_a_role_set_nobody_is_committee_and_only_admins_moderate() -> None:
    everything = actor(0, MODERATORS, COMMITTEE)
    assert not is_committee(UNSET, everything)
    assert not is_moderator(UNSET, everything)
    assert is_moderator(UNSET, actor(manages_server=True))


def test_who_may_passes() -> None:
    require_admin(actor(manages_server=True))
    require_committee(SET, actor(COMMITTEE))
    require_moderator(SET, actor(MODERATORS))


def test_settings_need_manage_server() -> None:
    with pytest.raises(Refusal, match="Manage Server"):
        require_admin(actor(COMMITTEE, MODERATORS))


def test_the_committee_is_named_or_still_to_be_chosen() -> None:
    with pytest.raises(Refusal, match=f"<@&{COMMITTEE}>"):
        require_committee(SET, actor(MODERATORS, manages_server=True))
    with pytest.raises(Refusal, match=r"No committee role is set yet.*`/setup`"):
        require_committee(UNSET, actor(manages_server=True))


def test_moderators_are_named_or_an_admin_does_it() -> None:
    with pytest.raises(Refusal, match=f"<@&{MODERATORS}>"):
        require_moderator(SET, actor(COMMITTEE))
    with pytest.raises(Refusal, match="moderators: an admin"):
        require_moderator(UNSET, actor())


def test_a_rule_that_blocks_somebody_is_a_refusal_after_which_the_record_is_kept() -> None:
    assert issubclass(Blocked, Kept)
    assert issubclass(Kept, Refusal)
