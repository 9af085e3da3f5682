"""Reconciling the stored thanks with Discord's reactions: what to look at, and what came of it.

A look at one emoji of one message is applied in line with the reactions that arrive live. What it
finds was made between the look before and now; both instants stand in the record.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from bot.domain import emoji, reconcile
from bot.domain.canonical import spell
from bot.domain.states import Round as State
from bot.domain.thanks import THANKABLE, Key, Mark, Source, created_at, doubt_of
from bot.services import boards, settings, threads, votes
from bot.services.votes import Changed
from storage import people, reconciling, rounds, thanks
from storage.express import Runner
from storage.reconciling import Shown
from storage.tables import Place, Round, ThankedMessage

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

KINDS = (0, 1)
"""Discord's two kinds of reaction lists: ordinary and super reactions (burst)."""


class Found(Struct, frozen=True):
    """Who reacts with an emoji, as one look saw it: by kind, without bots and the helper.

    `began_at` is before the first page was asked for. `touched` are the users (with the kind) of
    live events since then: those events say more than the look. `place_id` is None off the board.
    """

    guild_id: int
    round_id: int
    place_id: int | None
    message_id: int
    channel_id: int
    helper_id: int
    source: Source
    users: Mapping[int, frozenset[int]]
    began_at: datetime
    touched: AbstractSet[tuple[int, int]]
    closing: bool


class Look(Struct, frozen=True):
    """One emoji of one message that is to be looked at; `emoji` is as people see it."""

    guild_id: int
    round_id: int
    place_id: int | None
    message_id: int
    channel_id: int
    helper_id: int
    source: Source
    emoji: str
    emoji_key: str
    looked_at: datetime
    closed_at: datetime | None


class Search(Struct, frozen=True):
    """A channel, and its threads, to be searched for messages that carry the thanks emoji.

    Messages count that were written from `since` on, and before the close where there was one.
    """

    guild_id: int
    round_id: int
    channel_id: int
    emoji: str
    emoji_key: str
    since: datetime
    looked_at: datetime
    closed_at: datetime | None


class _Origin(Struct, frozen=True):
    """What a look was at: its key, who is thanked by it, since when, and whether still."""

    row: Place | ThankedMessage | None
    helper_id: int
    origin_id: int
    after: datetime
    may_be_thanked: bool


# ---------------------------------------------------------------- what to look at


async def servers(run: Runner) -> list[int]:
    """Return the servers with a round whose thanks are not counted yet."""
    return await reconciling.servers(run)


async def due(
    session: AsyncSession, guild_id: int, *, now: datetime, ready_at: datetime | None
) -> list[Look | Search]:
    """Return what is to be looked at in a server now; `ready_at`: when it last connected anew."""
    targets: list[Look | Search] = []
    for round_ in await reconciling.uncounted(session, guild_id):
        targets += await _targets(session, round_)
    wanted = reconcile.due(targets, now=now, ready_at=ready_at)
    return [_reaching_back(target, ready_at) for target in wanted]


async def is_reconciled(session: AsyncSession, round_: Round) -> bool:
    """Whether everything of a closed round was looked at since its close."""
    return reconcile.is_complete(await _targets(session, round_))


async def is_complete(session: AsyncSession, guild_id: int) -> bool:
    """Whether that is so for every closed round of a server that is not counted yet."""
    return all(
        [
            await is_reconciled(session, round_)
            for round_ in await reconciling.uncounted(session, guild_id)
        ]
    )


async def unknown(
    session: AsyncSession, search: Search, channel_id: int, authors: Mapping[int, int]
) -> list[Look]:
    """Return looks at messages (with authors) that a search came upon and nobody knew of."""
    known = await reconciling.known(session, search.round_id, list(authors))
    return [
        Look(
            guild_id=search.guild_id,
            round_id=search.round_id,
            place_id=None,
            message_id=message_id,
            channel_id=channel_id,
            helper_id=author_id,
            source=Source.EMOJI,
            emoji=search.emoji,
            emoji_key=search.emoji_key,
            looked_at=created_at(message_id),
            closed_at=search.closed_at,
        )
        for message_id, author_id in authors.items()
        if message_id not in known and await _is_thankable(session, search.guild_id, author_id)
    ]


async def _targets(session: AsyncSession, round_: Round) -> list[Look | Search]:
    board = [_place(round_, shown) for shown in await reconciling.places(session, round_.id)]
    policy = (await settings.pinned(session, round_)).policy
    if not policy.thanks_emoji or policy.support_channel is None:
        return [*board]
    search = Search(
        guild_id=round_.guild_id,
        round_id=round_.id,
        channel_id=policy.support_channel,
        emoji=policy.thanks_emoji,
        emoji_key=emoji.key(policy.thanks_emoji),
        since=round_.open_at,
        looked_at=await reconciling.searched_at(session, round_.id) or round_.open_at,
        closed_at=round_.closed_at,
    )
    known = await reconciling.messages(session, round_.id)
    return [*board, *(_message(search, message) for message in known), search]


def _place(round_: Round, shown: Shown) -> Look:
    return Look(
        guild_id=round_.guild_id,
        round_id=round_.id,
        place_id=shown.place.id,
        message_id=shown.message_id,
        channel_id=shown.channel_id,
        helper_id=shown.place.user_id,
        source=Source.BOARD,
        emoji=shown.place.emoji,
        emoji_key=shown.place.emoji_key,
        looked_at=_since(shown.place, shown.posted_at),
        closed_at=round_.closed_at,
    )


def _message(search: Search, message: ThankedMessage) -> Look:
    return Look(
        guild_id=search.guild_id,
        round_id=search.round_id,
        place_id=None,
        message_id=message.message_id,
        channel_id=message.channel_id,
        helper_id=message.author_id,
        source=Source.EMOJI,
        emoji=search.emoji,
        emoji_key=search.emoji_key,
        looked_at=message.checked_at or created_at(message.message_id),
        closed_at=search.closed_at,
    )


def _since(place: Place, posted_at: datetime | None) -> datetime:
    """Return when a place was last looked at; before the first time, since when it is there."""
    return place.checked_at or max(place.added_at, posted_at or place.added_at)


def _reaching_back(target: Look | Search, ready_at: datetime | None) -> Look | Search:
    """Let the hourly search end where the one before began: live events told of older messages."""
    if isinstance(target, Look) or target.closed_at is not None:
        return target
    if ready_at is not None and target.looked_at < ready_at:
        return target
    return replace(target, since=target.looked_at)


# ---------------------------------------------------------------- what came of it


async def apply(session: AsyncSession, found: Found, *, now: datetime) -> Changed:
    """Store what a look found and take back what is gone; touched users are left alone.

    A look at a closed round counts if it began at the close or after it, and nothing does once
    the thanks are counted. What was received live after the close stays late, and what was taken
    away after it stays kept. Who left the roster or the board can only lose thanks.
    """
    round_ = await rounds.get(session, found.round_id)
    if round_ is None or not _is_countable(round_) or _is_too_early(round_, found.began_at):
        return Changed()
    origin = await _origin(session, round_, found)
    if origin is None:
        return Changed()
    given, gone = await _differences(session, round_, found, origin)
    policy = (await settings.pinned(session, round_)).policy
    marks = {
        key: Mark(
            at=now,
            doubt=doubt_of(policy, voter_id=key.voter_id, joined_at=None, at=now),
            after=origin.after,
        )
        for key in given
    }
    changed = await votes.change(
        session,
        round_,
        given=marks,
        taken_back=gone,
        at=now,
        action="thanks.reconciled",
        data={
            "source": found.source.name.lower(),
            "after": spell(origin.after),
            "until": spell(now),
            "closing": found.closing,
        },
    )
    if origin.row is None:
        if marks:
            session.add(_thanked_message(found))
    else:
        origin.row.checked_at = max(found.began_at, origin.row.checked_at or found.began_at)
    return changed


async def unreadable(session: AsyncSession, look: Look, *, began_at: datetime) -> None:
    """Note that an emoji cannot be asked for any more: what is stored of it stands."""
    if look.place_id is not None:
        there = await reconciling.shown(session, look.place_id)
        row: Place | ThankedMessage | None = there[0] if there else None
    else:
        row = await thanks.thanked_message(session, look.round_id, look.message_id)
    if row is not None:
        row.checked_at = began_at


async def lost(
    session: AsyncSession, look: Look, *, with_channel: bool = False, at: datetime
) -> None:
    """Note that a message is gone: its thanks stay, and it is never looked at again."""
    if look.source is Source.EMOJI:
        await reconciling.lose_messages(session, look.guild_id, look.message_id, at=at)
        return
    if with_channel:
        await threads.lost(session, look.guild_id, thread_id=look.channel_id, at=at)
    await boards.lost(session, look.guild_id, [look.message_id], at=at)


async def searched(session: AsyncSession, search: Search, *, began_at: datetime) -> None:
    """Note that a search was completed."""
    await reconciling.set_searched_at(session, search.round_id, at=began_at)


def _is_countable(round_: Round) -> bool:
    return round_.counted_at is None and round_.state in (State.OPEN, State.REVIEW)


def _is_too_early(round_: Round, began_at: datetime) -> bool:
    """Whether a look began before the close: what it saw may be from before or after it."""
    return round_.closed_at is not None and began_at < round_.closed_at


async def _origin(session: AsyncSession, round_: Round, found: Found) -> _Origin | None:
    """Return what a look was at, None where that is not to be compared any more."""
    if found.place_id is not None:
        there = await reconciling.shown(session, found.place_id)
        if there is None:
            return None
        place, board = there
        return _Origin(
            place,
            place.user_id,
            place.id,
            _since(place, board.posted_at),
            place.removed_at is None
            and await _is_thankable(session, round_.guild_id, place.user_id),
        )
    known = await thanks.thanked_message(session, round_.id, found.message_id)
    if known is not None and known.lost_at is not None:
        return None
    helper_id = known.author_id if known is not None else found.helper_id
    return _Origin(
        known,
        helper_id,
        found.message_id,
        (known.checked_at if known is not None else None)
        or max(created_at(found.message_id), round_.open_at),
        await _is_thankable(session, round_.guild_id, helper_id),
    )


async def _differences(
    session: AsyncSession, round_: Round, found: Found, origin: _Origin
) -> tuple[list[Key], list[Key]]:
    """Return the thanks that are new and those that are gone, smaller ids first."""
    stored = await reconciling.standing(
        session,
        round_.id,
        helper_id=origin.helper_id,
        source=found.source,
        origin_id=origin.origin_id,
    )
    elsewhere = await _in_other_rounds(session, round_, found, origin)
    given: list[Key] = []
    gone: list[Key] = []
    for burst in KINDS:
        ignore = {user for user, kind in found.touched if kind == burst} | {origin.helper_id}
        new, missing = reconcile.differences(
            stored.voters[burst], found.users.get(burst, frozenset()), ignore
        )
        keys = (origin.helper_id, found.source, origin.origin_id, burst)
        if origin.may_be_thanked:
            given += _keys(new - elsewhere[burst], *keys)
        gone += _keys(missing.difference(stored.kept[burst]), *keys)
    return given, gone


async def _in_other_rounds(
    session: AsyncSession, round_: Round, found: Found, origin: _Origin
) -> Mapping[int, set[int]]:
    """Return whose reactions to a message were thanks in another round already, by kind."""
    users: dict[int, set[int]] = defaultdict(set)
    if found.source is Source.EMOJI:
        for voter_id, burst in await reconciling.in_other_rounds(
            session,
            round_,
            helper_id=origin.helper_id,
            source=found.source,
            origin_id=origin.origin_id,
        ):
            users[burst].add(voter_id)
    return users


def _keys(users: set[int], helper_id: int, source: Source, origin_id: int, burst: int) -> list[Key]:
    return [Key(helper_id, user, source, origin_id, burst) for user in sorted(users)]


def _thanked_message(found: Found) -> ThankedMessage:
    return ThankedMessage(
        round_id=found.round_id,
        message_id=found.message_id,
        guild_id=found.guild_id,
        channel_id=found.channel_id,
        author_id=found.helper_id,
        checked_at=found.began_at,
    )


async def _is_thankable(session: AsyncSession, guild_id: int, user_id: int) -> bool:
    row = await people.helper(session, guild_id, user_id)
    return row is not None and row.state in THANKABLE
