"""Thanks: who may thank, what counts, and who has too few voters to stay on the board.

All thanks are kept; a voter counts once per helper and round, however often and in whatever way
they thank. Whether a thanks counts is judged when it is made, and stays.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from enum import IntEnum, StrEnum
from typing import NamedTuple

from bot.domain.policy import Policy
from bot.domain.states import Helper

DISCORD_EPOCH = datetime(2015, 1, 1, tzinfo=UTC)
WHOLE_ROUND_WITHIN = timedelta(days=1)
"""A board that was posted later than this after its round opened was not there all the time."""


THANKABLE = frozenset({Helper.ACTIVE, Helper.DROPPED})
"""Who is on the roster as far as thanks go: leaving the board is not leaving the roster."""


class Source(IntEnum):
    """How somebody thanked; the origin beside it is the id of a place, interaction or message."""

    BOARD = 1
    COMMAND = 2
    MENU = 3
    EMOJI = 4


class Standing(NamedTuple):
    """A reaction that still stands, and the link to the message where it can be removed."""

    source: int
    link: str

    def __str__(self) -> str:
        """Return the link with words for what is there, as Discord shows it."""
        place = "on the board" if self.source == Source.BOARD else "on a message"
        return f"[{place}]({self.link})"


class Doubt(StrEnum):
    """Why a thanks does not count; it is shown all the same."""

    NONE = ""
    ACCOUNT = "account"
    MEMBER = "member"
    LATE = "late"


class Key(NamedTuple):
    """What makes one thanks: the same act twice is one. `burst` is 1 for a super reaction."""

    helper_id: int
    voter_id: int
    source: int
    origin_id: int
    burst: int = 0


class Mark(NamedTuple):
    """What is kept with a thanks: `at` is when it was made or found, `after` the earliest it can
    have been made where it was found, `note` what the voter wrote.
    """

    at: datetime
    doubt: Doubt = Doubt.NONE
    after: datetime | None = None
    note: str = ""
    private: bool = False


def created_at(snowflake: int) -> datetime:
    """Return when an account or message was made, from its id (Discord's documented form)."""
    return DISCORD_EPOCH + timedelta(milliseconds=snowflake >> 22)


def doubt_of(policy: Policy, *, voter_id: int, joined_at: datetime | None, at: datetime) -> Doubt:
    """Judge a voter at the moment of the thanks; an unknown join date is not young."""
    if _is_young(created_at(voter_id), days=policy.voter_account_days, at=at):
        return Doubt.ACCOUNT
    if joined_at is not None and _is_young(joined_at, days=policy.voter_member_days, at=at):
        return Doubt.MEMBER
    return Doubt.NONE


def _is_young(since: datetime, *, days: int, at: datetime) -> bool:
    # Discord's clock may be ahead of this one: 0 days are none all the same.
    return days > 0 and at - since < timedelta(days=days)


def counts_from(policy: Policy, *, voter_id: int, joined_at: datetime | None) -> datetime:
    """Return from when the thanks of somebody count."""
    since_account = created_at(voter_id) + timedelta(days=policy.voter_account_days)
    if joined_at is None:
        return since_account
    return max(since_account, joined_at + timedelta(days=policy.voter_member_days))


def drops(
    voters: Mapping[int, int], *, there_all_the_time: Collection[int], min_votes: int
) -> dict[int, int]:
    """Return who leaves the next board, with their voters: those below `min_votes`.

    Only who stood on the board for the whole round can be dropped, and nobody is from a round
    without any counted vote. Exactly `min_votes` stays.
    """
    if not any(voters.values()):
        return {}
    return {
        user: voters.get(user, 0)
        for user in sorted(there_all_the_time)
        if voters.get(user, 0) < min_votes
    }
