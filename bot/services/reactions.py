"""Reactions as they arrive: many at a time, in their order, into thanks.

A reaction carries no time; the moment at which it was received is taken for it. What arrives after
the close of a round and before its count is kept apart: it changes nothing, and the closing
reconciliation must not take it for an earlier one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import orjson
from msgspec import Struct, field

from bot.domain import emoji
from bot.domain.states import Round as State
from bot.domain.thanks import THANKABLE, Doubt, Key, Mark, Source, doubt_of
from bot.services import boards, outbox, settings, votes
from bot.services import rounds as round_service
from storage import inbox, people, record, rounds, thanks
from storage.express import Runner, Through
from storage.rounds import Ballot
from storage.tables import Round, ThankedMessage
from storage.tables.base import instant, microseconds

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


class Event(NamedTuple):
    """One reaction that was added or taken away, as Discord told it.

    `emoji_key` is the id of a custom emoji, else the emoji without its variation selector;
    `author_id` that of the message's author, 0 where it is unknown or of no concern.
    """

    channel_id: int
    message_id: int
    emoji_key: str
    user_id: int
    burst: int
    added: bool
    at: datetime
    joined_at: datetime | None = None
    author_id: int = 0


class Cleared(NamedTuple):
    """All reactions of a message, or of one emoji on it, that somebody removed at once."""

    message_id: int
    emoji_key: str
    at: datetime


class Received(NamedTuple):
    """How many thanks reactions gave and took back."""

    given: int = 0
    taken_back: int = 0


_CLEARED = (
    "Somebody with Manage Messages removed reactions from the board: {count} thanks are gone with "
    "them, as if everybody had taken theirs back. The emoji come back by themselves; people can "
    "click again. The record says when it was."
)


class Thankful(Struct, frozen=True):
    """Where the thanks emoji works: reacting with it to a message thanks the author."""

    emoji_key: str
    support_channel: int | None


async def thankful(session: AsyncSession, guild_id: int) -> Thankful | None:
    """Return where the thanks emoji of the open round works, None where there is none."""
    found = await rounds.of_server(session, guild_id, states=("open",))
    if not found:
        return None
    policy = (await settings.pinned(session, found[0])).policy
    if not policy.thanks_emoji:
        return None
    return Thankful(emoji.key(policy.thanks_emoji), policy.support_channel)


async def keep(run: Runner, guild_id: int, events: Sequence[Event]) -> None:
    """Make reactions durable in one row; `take_in` puts them where they belong.

    In a burst that is a fraction of the price: thanks lie all over their table.
    """
    rows = [
        (*event[:6], microseconds(event.at), event.joined_at and microseconds(event.joined_at))
        for event in events
    ]
    await inbox.put(run, guild_id, orjson.dumps(rows).decode())


async def take_in(run: Runner, guild_id: int) -> Received:
    """Put what was kept where it belongs, in its order."""
    events = [
        Event._make([*row[:6], instant(row[6]), row[7] and instant(row[7]), 0])
        for packed in await inbox.waiting(run, guild_id)
        for row in orjson.loads(packed)
    ]
    came = await receive(run, guild_id, events)
    await inbox.empty(run, guild_id)
    return came


async def waiting(run: Runner) -> list[int]:
    """Return the servers of which something was kept and is not where it belongs."""
    return await inbox.servers(run)


async def receive(run: Runner, guild_id: int, events: Sequence[Event]) -> Received:
    """Turn reactions to a board into thanks, in their order; the last word on each counts.

    Ignored are emoji that stand for nobody, thanks for oneself, for people who are not on the
    roster, and rounds that are counted already.
    """
    spots = await thanks.spots(run, guild_id, {event.message_id for event in events})
    box = _Box(run, guild_id)
    for event in events:
        spot = spots.get((event.message_id, event.emoji_key))
        if (
            spot is not None
            and spot.helper_id != event.user_id
            and (not event.added or (not spot.is_removed and spot.helper_state in THANKABLE))
        ):
            key = Key(spot.helper_id, event.user_id, Source.BOARD, spot.place_id, event.burst)
            await box.put(spot.round_id, key, event)
    return await box.store()


async def receive_emoji(session: AsyncSession, guild_id: int, events: Sequence[Event]) -> Received:
    """Turn the thanks emoji on messages, whose authors are known, into thanks.

    It belongs to the round at present, for a reaction has no time; one that is taken away between
    the close of a round and its count was there at the close.
    """
    box = _Box(Through(session), guild_id)
    thankable: dict[int, bool] = {}
    for event in events:
        if not event.author_id or event.author_id == event.user_id:
            continue
        key = Key(event.author_id, event.user_id, Source.EMOJI, event.message_id, event.burst)
        if not event.added:
            for round_ in await rounds.of_server(
                session, guild_id, states=(State.OPEN, State.REVIEW)
            ):
                await box.put(round_.id, key, event)
            continue
        if event.author_id not in thankable:
            row = await people.helper(session, guild_id, event.author_id)
            thankable[event.author_id] = row is not None and row.state in THANKABLE
        now_open = await _round_at(session, guild_id, event.at)
        if now_open is not None and thankable[event.author_id]:
            await _remember(session, now_open, event)
            await box.put(now_open.id, key, event)
    return await box.store()


async def clear(session: AsyncSession, guild_id: int, cleared: Cleared) -> Received:
    """Take back what was removed at once from a board; whose messages are thanked stay thanked."""
    run = Through(session)
    events = []
    for spot in (await thanks.spots(run, guild_id, {cleared.message_id})).values():
        if cleared.emoji_key in ("", spot.emoji_key):
            standing = await thanks.of_origin(
                session,
                spot.round_id,
                helper_id=spot.helper_id,
                source=Source.BOARD,
                origin_id=spot.place_id,
            )
            events += [
                Event(0, spot.message_id, spot.emoji_key, voter, burst, added=False, at=cleared.at)
                for voter, burst, _, _ in standing
            ]
    came = await receive(run, guild_id, events)
    await boards.reseed(
        session,
        guild_id,
        cleared.message_id,
        keys={cleared.emoji_key} if cleared.emoji_key else None,
    )
    if came.taken_back:
        await outbox.say(
            session,
            guild_id=guild_id,
            name=f"cleared:{cleared.message_id}:{cleared.emoji_key}:{microseconds(cleared.at)}",
            kind="notice",
            at=cleared.at,
            facts={"text": _CLEARED.format(count=came.taken_back)},
        )
    return came


async def _round_at(session: AsyncSession, guild_id: int, at: datetime) -> Round | None:
    found = await rounds.at(session, guild_id, at)
    if found is None:
        # Between a close and the tick that carries it out there is no gap either.
        await round_service.advance(session, guild_id, now=at)
        found = await rounds.at(session, guild_id, at)
    return found


async def _remember(session: AsyncSession, round_: Round, event: Event) -> None:
    """Keep a message, so that it is looked at again."""
    if await thanks.thanked_message(session, round_.id, event.message_id) is None:
        message = ThankedMessage(
            round_id=round_.id,
            message_id=event.message_id,
            guild_id=round_.guild_id,
            channel_id=event.channel_id,
            author_id=event.author_id,
        )
        session.add(message)
        await session.flush()


class _Fold(Struct):
    """The last word on each thanks of one round: in time, and after the close."""

    ballot: Ballot
    closes_at: datetime
    in_time: dict[Key, Event] = field(default_factory=dict)
    late: dict[Key, Event] = field(default_factory=dict)


class _Box:
    """Sorts reactions by the round that they belong to, and writes them down."""

    def __init__(self, run: Runner, guild_id: int) -> None:
        self._run = run
        self._guild_id = guild_id
        self._folds: dict[int, _Fold | None] = {}

    async def put(self, round_id: int, key: Key, event: Event) -> None:
        """Take one reaction down, unless its round is over."""
        fold = self._folds[round_id] if round_id in self._folds else await self._fold(round_id)
        if fold is not None:
            (fold.in_time if event.at < fold.closes_at else fold.late)[key] = event

    async def store(self) -> Received:
        """Write everything down, each round with its part of the record."""
        given = taken_back = 0
        for fold in self._folds.values():
            if fold is not None:
                for changed in (await self._in_time(fold), await self._late(fold)):
                    given, taken_back = given + changed.given, taken_back + changed.taken_back
        return Received(given, taken_back)

    async def _fold(self, round_id: int) -> _Fold | None:
        ballot = await rounds.ballot(self._run, round_id)
        is_countable = ballot.counted_at is None and ballot.state in (State.OPEN, State.REVIEW)
        closes_at = instant(ballot.closed_at or ballot.close_at)
        self._folds[round_id] = fold = _Fold(ballot, closes_at) if is_countable else None
        return fold

    async def _in_time(self, fold: _Fold) -> votes.Changed:
        if not fold.in_time:
            return votes.Changed()
        given = _given(fold, fold.in_time)
        taken_back = [key for key in fold.in_time if key not in given]
        at = max(event.at for event in fold.in_time.values())
        return await self._write(fold, given, taken_back, at, "thanks.received")

    async def _late(self, fold: _Fold) -> votes.Changed:
        """Note what came after the close, so that the closing reconciliation knows it as late."""
        if not fold.late:
            return votes.Changed()
        run, round_id = self._run, fold.ballot.id
        at = max(event.at for event in fold.late.values())
        doubts = await thanks.standing(run, round_id, fold.late)
        gone = {
            key: doubts[key]
            for key, event in fold.late.items()
            if not event.added and key in doubts
        }
        back = [key for key, event in fold.late.items() if event.added and key in doubts]
        await thanks.keep(run, round_id, back, at=None)
        kept = [key for key, doubt in gone.items() if doubt != Doubt.LATE]
        await thanks.keep(run, round_id, kept, at=at)
        # Who is too young stays so if the round is opened again.
        given = {
            key: mark._replace(doubt=mark.doubt or Doubt.LATE)
            for key, mark in _given(fold, fold.late).items()
        }
        taken_back = [key for key, doubt in gone.items() if doubt == Doubt.LATE]
        return await self._write(fold, given, taken_back, at, "thanks.late")

    async def _write(
        self,
        fold: _Fold,
        given: dict[Key, Mark],
        taken_back: list[Key],
        at: datetime,
        action: str,
    ) -> votes.Changed:
        where = votes.Where(fold.ballot.id, self._guild_id, fold.ballot.label)
        changed, row = await votes.write(
            self._run, where, given=given, taken_back=taken_back, at=at, action=action
        )
        if row is not None:
            await record.touch(self._run, fold.ballot.id, row.number)
        return changed


def _given(fold: _Fold, events: Mapping[Key, Event]) -> dict[Key, Mark]:
    """Return the thanks that were added, each judged at its moment."""
    policy = settings.parsed(fold.ballot.policy)
    return {
        key: Mark(
            event.at,
            doubt_of(policy, voter_id=event.user_id, joined_at=event.joined_at, at=event.at),
        )
        for key, event in events.items()
        if event.added
    }
