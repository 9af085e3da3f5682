"""Whether two people were seen with each other, from who wrote where, when, and to whom."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

NEAR = timedelta(minutes=30)


class Message(NamedTuple):
    """A message that was seen; `reply_to` is whose message it answers."""

    user_id: int
    channel_id: int
    at: datetime
    reply_to: int | None = None


def met(
    messages: Iterable[Message], *, voters: Mapping[int, Collection[int]]
) -> dict[int, frozenset[int]]:
    """Return for every helper which of their voters they met.

    Two people met when one replied to the other, or when both wrote in the same channel within
    30 minutes.
    """
    seen = sorted(messages, key=lambda message: message.at)
    wrote = {message.user_id for message in seen}
    others: dict[int, set[int]] = defaultdict(set)
    for helper, thanking in voters.items():
        for voter in thanking:
            others[helper].add(voter)
            others[voter].add(helper)
    # Whom somebody has still to be found near to: smaller with every one who is found.
    missing = {user: others[user] & wrote for user in wrote}
    pairs: set[tuple[int, int]] = set()
    last: dict[int, dict[int, datetime]] = defaultdict(dict)
    for user, channel, at, reply_to in seen:
        here = last[channel]
        near = {other for other in missing[user] if other in here and at - here[other] <= NEAR}
        here[user] = at
        if reply_to in others[user]:
            near.add(reply_to)
        for other in near:
            pairs |= {(user, other), (other, user)}
            missing[user].discard(other)
            missing.get(other, set()).discard(user)
    return {
        helper: frozenset(voter for voter in thanking if (helper, voter) in pairs)
        for helper, thanking in voters.items()
    }
