"""The board of a round: which helper stands where, by which emoji, and what became of it.

A board is made of messages with up to 20 emoji each. A place stays where it is until the round
ends: who leaves gives it up and nobody else gets it. A message that is deleted is followed by
another; the thanks on the old one stay.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from bot.domain import emoji
from bot.domain.canonical import spell
from bot.domain.errors import Refusal
from bot.domain.policy import Policy
from bot.domain.states import Helper
from bot.domain.states import Round as State
from bot.domain.thanks import WHOLE_ROUND_WITHIN
from bot.services import history, outbox, settings
from storage import boards as stored
from storage import people, posts, rounds, thanks
from storage.tables import Board, Place, Round
from storage.tables import Helper as Row

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

MOST_EMOJI: Final = 20
"""Different emoji on one message; one more is Discord's error 30010."""
WAITS_FOR_COUNT: Final = timedelta(minutes=10)
"""The board waits so long for the count of the round before, which says who leaves it."""
OFFERED: Final = 5
_HOLDING_STATES = frozenset({Helper.ACTIVE})


class Listed(Struct, frozen=True):
    """One line of a board; the name is empty where it was never seen."""

    user_id: int
    emoji: str
    name: str


class Shown(Struct, frozen=True):
    """One message of a board as it is to be shown.

    The first one explains how to thank; `others` is whether more messages list somebody.
    """

    board_id: int
    label: str
    policy: Policy
    until: datetime
    is_open: bool
    is_void: bool
    is_first: bool
    is_pinned: bool
    others: bool
    rows: tuple[Listed, ...]


# ---------------------------------------------------------------- whose emoji


async def hold(session: AsyncSession, row: Row, *, wish: str = "", spoiled: str = "") -> None:
    """Give somebody an emoji of their own: the wished one, the one they had, else a free one.

    Refuses a wish that is taken. Where the whole palette is taken, somebody stays without. The
    key `spoiled` is not to be given.
    """
    taken = await _taken(session, row.guild_id, besides=row.user_id)
    if spoiled:
        taken[spoiled] = row.user_id
    if wish:
        _require_free(taken, wish, row)
        row.emoji = wish
    elif not row.emoji or emoji.key(row.emoji) in taken:
        row.emoji = emoji.choose(taken)
    row.emoji_key = emoji.key(row.emoji) or None


async def require_free(session: AsyncSession, row: Row, wish: str) -> None:
    """Refuse an emoji that somebody else has; the sentence offers free ones."""
    _require_free(await _taken(session, row.guild_id, besides=row.user_id), wish, row)


def _require_free(taken: Mapping[str, int | None], wish: str, row: Row) -> None:
    wished = emoji.key(wish)
    if wished not in taken:
        return
    holder = taken[wished]
    why = f"is the emoji of <@{holder}>" if holder else "thanks the author of a message here"
    offered = " ".join(emoji.free(taken, most=OFFERED))
    raise Refusal(
        f"{wish} {why}, so another one is needed.{_without_wish(taken, row)}"
        + (f" Free are {offered}" if offered else "")
    )


def _without_wish(taken: Mapping[str, int | None], row: Row) -> str:
    """Return which emoji somebody has, or is given where none is asked for."""
    if row.emoji_key is not None:
        return f" Yours stays {row.emoji} until then."
    own = row.emoji if row.emoji and emoji.key(row.emoji) not in taken else emoji.choose(taken)
    return f" Without `emoji` it is {own}." if own else ""


async def _taken(session: AsyncSession, guild_id: int, *, besides: int) -> dict[str, int | None]:
    """Return the keys that others hold or that stand for them on the present board, with them."""
    taken: dict[str, int | None] = {}
    thanks_emoji = (await settings.current(session, guild_id)).policy.thanks_emoji
    if thanks_emoji:
        taken[emoji.key(thanks_emoji)] = None
    for row in await people.roster(session, guild_id):
        if row.emoji_key is not None and row.user_id != besides:
            taken[row.emoji_key] = row.user_id
    for round_ in await rounds.of_server(session, guild_id, states=(State.OPEN,)):
        layout = await _layout(session, round_)
        for place in layout.places:
            if place.user_id != besides and place.board_id in layout.standing:
                taken.setdefault(place.emoji_key, place.user_id)
    return taken


async def emoji_shown(session: AsyncSession, guild_id: int, user_id: int) -> str:
    """Return the emoji by which somebody stands on the present board, empty where they do not."""
    for round_ in await rounds.of_server(session, guild_id, states=(State.OPEN,)):
        layout = await _layout(session, round_)
        for place in layout.places:
            if place.user_id == user_id and layout.is_listing(place):
                return place.emoji
    return ""


# ---------------------------------------------------------------- who stands where


class _Layout(Struct):
    """The standing messages of a round's board in their order, and every place of the round."""

    session: AsyncSession
    round: Round
    boards: list[Board]
    places: list[Place]

    @property
    def standing(self) -> frozenset[int]:
        return frozenset(board.id for board in self.boards)

    def is_listing(self, place: Place) -> bool:
        return place.removed_at is None and place.board_id in self.standing

    def on(self, board: Board) -> list[Place]:
        """Return the places that a message has room for no more, also those given up."""
        return [place for place in self.places if place.board_id == board.id]

    def listed(self, board: Board) -> list[Place]:
        return [place for place in self.on(board) if place.removed_at is None]

    async def put(
        self, user_id: int, shown: str, *, at: datetime, from_start: bool = False
    ) -> None:
        """Give somebody a place: the one they gave up, else one where there is room."""
        key = emoji.key(shown)
        for place in self.places:
            mine = (place.user_id, place.emoji_key) == (user_id, key)
            if mine and place.board_id in self.standing:
                place.removed_at, place.from_start = None, False
                return
        stayed = any(
            place.from_start and place.removed_at is None
            for place in self.places
            if place.user_id == user_id
        )
        place = Place(
            guild_id=self.round.guild_id,
            round_id=self.round.id,
            board_id=(await self.room(key)).id,
            user_id=user_id,
            emoji=shown,
            emoji_key=key,
            from_start=from_start or stayed,
            added_at=at,
        )
        self.session.add(place)
        self.places.append(place)

    async def put_elsewhere(self, place: Place, *, at: datetime) -> None:
        """Give the helper of a place a second one elsewhere; the first keeps its thanks."""
        second = Place(
            guild_id=place.guild_id,
            round_id=place.round_id,
            board_id=(await self.room(place.emoji_key)).id,
            user_id=place.user_id,
            emoji=place.emoji,
            emoji_key=place.emoji_key,
            from_start=place.from_start,
            added_at=at,
        )
        place.removed_at = at
        self.session.add(second)
        self.places.append(second)

    async def room(self, key: str) -> Board:
        """Return the first message with room for an emoji, a new one where there is none."""
        for board in self.boards:
            here = self.on(board)
            if len(here) < board.capacity and key not in {place.emoji_key for place in here}:
                return board
        return await self.extend()

    async def extend(self) -> Board:
        """Add a message."""
        board = Board(
            guild_id=self.round.guild_id,
            round_id=self.round.id,
            position=max((board.position for board in self.boards), default=0) + 1,
            capacity=MOST_EMOJI,
            pinned=False,
        )
        self.session.add(board)
        await self.session.flush()
        self.boards.append(board)
        return board

    def facts(self, board: Board) -> dict[str, Any]:
        """Return what is to be seen on a message; it is edited where this changes."""
        return {
            "board": board.id,
            "first": board is self.boards[0],
            "open": self.round.state == State.OPEN,
            "void": self.round.state == State.VOID,
            "until": spell(self.round.closed_at or self.round.close_at),
            "others": any(self.listed(other) for other in self.boards if other is not board),
            "rows": [[place.user_id, place.emoji] for place in self.listed(board)],
        }

    async def show(self, *, at: datetime) -> None:
        """Say every message anew on which something changed that can be seen."""
        await self.session.flush()
        for board in self.boards:
            facts = self.facts(board)
            known = await posts.named(self.session, board.guild_id, stored.post_name(board.id))
            if known is None or json.loads(known.facts) != facts:
                await outbox.say(
                    self.session,
                    guild_id=board.guild_id,
                    name=stored.post_name(board.id),
                    kind="board",
                    at=at,
                    round_id=board.round_id,
                    facts=facts,
                )


async def _layout(session: AsyncSession, round_: Round) -> _Layout:
    boards = await stored.of_round(session, round_.id)
    places = await stored.places(session, round_.id)
    standing = [board for board in boards if board.lost_at is None]
    return _Layout(session, round_, standing, list(places))


async def _helpers(session: AsyncSession, guild_id: int) -> list[Row]:
    roster = await people.roster(session, guild_id)
    return [row for row in roster if row.state in _HOLDING_STATES]


# ---------------------------------------------------------------- building


async def due(session: AsyncSession, guild_id: int, *, now: datetime) -> bool:
    """Whether the board of the open round is to be built, or is not what the roster demands."""
    found = await rounds.of_server(session, guild_id, states=(State.OPEN,))
    if not found:
        return False
    if not await stored.of_round(session, found[0].id):
        return await _may_build(session, found[0], now=now)
    layout = await _layout(session, found[0])
    listed = {place.user_id for place in layout.places if layout.is_listing(place)}
    wanted = {row.user_id for row in await _helpers(session, guild_id)}
    return listed != wanted or not layout.boards


async def build_due(session: AsyncSession, guild_id: int, *, now: datetime) -> None:
    """Build the board of the open round as soon as the round before is counted, or mend it."""
    for round_ in await rounds.of_server(session, guild_id, states=(State.OPEN,)):
        if await stored.of_round(session, round_.id):
            await refresh(session, round_, at=now)
        elif await _may_build(session, round_, now=now):
            await _build(session, round_, now=now)


async def refresh(session: AsyncSession, round_: Round, *, at: datetime) -> None:
    """Make the board of an open round what the roster demands; one not built yet stays so."""
    if round_.state == State.OPEN and await stored.of_round(session, round_.id):
        await _arrange(session, round_, at=at)


async def refresh_open(session: AsyncSession, guild_id: int, *, at: datetime) -> None:
    """Make the board of the open round, where there is one, what the roster demands."""
    for round_ in await rounds.of_server(session, guild_id, states=(State.OPEN,)):
        await refresh(session, round_, at=at)


async def closed(session: AsyncSession, round_: Round, *, at: datetime) -> None:
    """Say on the board of a round that it is closed."""
    await (await _layout(session, round_)).show(at=at)


async def _earlier(session: AsyncSession, round_: Round) -> Round | None:
    found = [
        other
        for other in await rounds.of_server(session, round_.guild_id)
        if other.number < round_.number and other.state != State.VOID
    ]
    return found[-1] if found else None


async def _may_build(session: AsyncSession, round_: Round, *, now: datetime) -> bool:
    earlier = await _earlier(session, round_)
    is_counted = earlier is None or earlier.counted_at is not None
    return is_counted or now >= round_.open_at + WAITS_FOR_COUNT


async def _build(session: AsyncSession, round_: Round, *, now: datetime) -> None:
    await _arrange(session, round_, at=now, first_build=True)
    await history.append(
        session,
        guild_id=round_.guild_id,
        at=now,
        action="board.built",
        subject=f"round:{round_.label}",
        data={"helpers": len((await _layout(session, round_)).places)},
        concerning=round_,
    )
    earlier = await _earlier(session, round_)
    if earlier is not None:
        await closed(session, earlier, at=now)


async def _arrange(
    session: AsyncSession, round_: Round, *, at: datetime, first_build: bool = False
) -> None:
    layout = await _layout(session, round_)
    helpers = await _helpers(session, round_.guild_id)
    wanted = {row.user_id for row in helpers}
    for place in layout.places:
        if place.removed_at is None and place.user_id not in wanted:
            place.removed_at = at
    listed = {place.user_id for place in layout.places if layout.is_listing(place)}
    for row in helpers:
        if row.user_id in listed:
            continue
        if row.emoji_key is None:
            await hold(session, row)
            await session.flush()
        if row.emoji_key is not None:
            from_start = first_build and row.since <= round_.open_at
            await layout.put(row.user_id, row.emoji, at=at, from_start=from_start)
    if not layout.boards:
        await layout.extend()
    await layout.show(at=at)


# ---------------------------------------------------------------- what became of it


async def shown(session: AsyncSession, board_id: int) -> Shown | None:
    """Return a message of a board as it is to be shown, None where it is lost."""
    board = await stored.get(session, board_id)
    assert board is not None
    if board.lost_at is not None:
        return None
    round_ = await rounds.get(session, board.round_id)
    assert round_ is not None
    layout = await _layout(session, round_)
    facts = layout.facts(board)
    users = [user_id for user_id, _ in facts["rows"]]
    names = await people.names(session, board.guild_id, users)
    return Shown(
        board_id=board.id,
        label=round_.label,
        policy=(await settings.pinned(session, round_)).policy,
        until=round_.closed_at or round_.close_at,
        is_open=facts["open"],
        is_void=facts["void"],
        is_first=facts["first"],
        is_pinned=board.pinned,
        others=facts["others"],
        rows=tuple(Listed(user, each, names.get(user, "")) for user, each in facts["rows"]),
    )


async def posted(
    session: AsyncSession, board_id: int, *, channel_id: int, message_id: int, at: datetime
) -> None:
    """Note the message that a board became."""
    board = await stored.get(session, board_id)
    assert board is not None
    board.channel_id, board.message_id, board.posted_at = channel_id, message_id, at


async def pinned(session: AsyncSession, board_id: int) -> None:
    """Note that a message is pinned."""
    board = await stored.get(session, board_id)
    assert board is not None
    board.pinned = True


async def unpinned(session: AsyncSession, guild_id: int, message_id: int) -> bool:
    """Let a message of the open round's board be pinned again; whether it was one."""
    for board in await stored.with_messages(session, guild_id, [message_id]):
        round_ = await rounds.get(session, board.round_id)
        assert round_ is not None
        if board.pinned and round_.state == State.OPEN:
            board.pinned = False
            await outbox.again(session, guild_id=guild_id, name=stored.post_name(board.id))
            return True
    return False


async def lost(
    session: AsyncSession, guild_id: int, message_ids: Collection[int], *, at: datetime
) -> bool:
    """Note that messages are deleted, as far as they are boards; whether any was one.

    Others follow while the round is open. The thanks stay.
    """
    found = await stored.with_messages(session, guild_id, message_ids)
    await _lose(session, found, at=at)
    return bool(found)


async def thread_lost(session: AsyncSession, round_: Round, *, at: datetime) -> None:
    """Note that the thread of a round is deleted with every board in it."""
    layout = await _layout(session, round_)
    await _lose(session, [board for board in layout.boards if board.message_id], at=at)


async def _lose(session: AsyncSession, boards: Sequence[Board], *, at: datetime) -> None:
    concerned: dict[int, Round] = {}
    for board in boards:
        round_ = await rounds.get(session, board.round_id)
        assert round_ is not None
        concerned[round_.id] = round_
        board.lost_at = at
        await history.append(
            session,
            guild_id=board.guild_id,
            at=at,
            action="board.lost",
            subject=f"round:{round_.label}",
            data={"board": board.position},
        )
    for round_ in concerned.values():
        await refresh(session, round_, at=at)


async def seeded(session: AsyncSession, place_id: int, *, at: datetime | None) -> None:
    """Note that the bot's own emoji stands at a place, or (None) that it does not."""
    place = await stored.place(session, place_id)
    assert place is not None
    place.seeded_at = at


async def reseed(
    session: AsyncSession,
    guild_id: int,
    message_id: int,
    *,
    keys: Collection[str] | None = None,
) -> bool:
    """Let the bot's own emoji be put on a board again, where somebody took them away.

    `keys` says which; None means all. Returns whether there is anything to be put on.
    """
    missing = False
    for board in await stored.with_messages(session, guild_id, [message_id]):
        for place in await stored.places(session, board.round_id):
            if place.board_id == board.id and (keys is None or place.emoji_key in keys):
                missing = missing or place.removed_at is None
                place.seeded_at = None
    return missing


async def full(session: AsyncSession, place_id: int, *, at: datetime) -> None:
    """Note that no more emoji fit on a message, because members put their own there.

    What is not on it yet moves to another one; a place that has thanks stays, for its emoji is
    there already. If it is the one that does not fit, it keeps them and its helper gets a second.
    """
    refused = await stored.place(session, place_id)
    assert refused is not None
    board = await stored.get(session, refused.board_id)
    assert board is not None
    round_ = await rounds.get(session, board.round_id)
    assert round_ is not None
    layout = await _layout(session, round_)
    thanked = await thanks.places_with_thanks(session, round_.id)
    unseeded = [place for place in layout.listed(board) if place.seeded_at is None]
    moving = [place for place in unseeded if place.id not in thanked]
    board.capacity = len(layout.on(board)) - len(moving)
    for place in moving:
        place.board_id = (await layout.room(place.emoji_key)).id
    if refused.id in thanked:
        await layout.put_elsewhere(refused, at=at)
    await layout.show(at=at)


async def bad_emoji(session: AsyncSession, place_id: int, *, at: datetime) -> None:
    """Give a helper another emoji, because Discord does not know theirs (any more).

    The place stays with its thanks; they get a second one, and the committee is told.
    """
    place = await stored.place(session, place_id)
    assert place is not None
    if place.removed_at is not None:
        place.seeded_at = None  # nothing of it can be taken off
        return
    round_ = await rounds.get(session, place.round_id)
    row = await people.helper(session, place.guild_id, place.user_id)
    assert round_ is not None
    assert row is not None
    place.seeded_at = None
    if row.emoji_key == place.emoji_key:
        await hold(session, row, spoiled=place.emoji_key)
        await history.append(
            session,
            guild_id=place.guild_id,
            at=at,
            action="helper.emoji",
            subject=f"user:{place.user_id}",
            data={"emoji": row.emoji_key},
        )
    layout = await _layout(session, round_)
    if row.emoji_key is not None:
        await layout.put(place.user_id, row.emoji, at=at)
    place.removed_at = at
    await layout.show(at=at)
    await outbox.say_once(
        session,
        guild_id=place.guild_id,
        name=f"notice:emoji:{place.id}",
        kind="notice",
        at=at,
        facts={
            "text": f"The emoji of <@{place.user_id}> does not exist any more. They stand on the "
            f"board of {round_.label} by {row.emoji or 'none'} now, and keep the thanks that they "
            "have. `/helper join` with another `emoji` changes it for the next round."
        },
    )


async def there_all_the_time(session: AsyncSession, round_: Round) -> frozenset[int]:
    """Return who stood on the board for the whole round.

    They stood on it when it was built and never left, and it was posted soon after the opening. A
    message that was rebuilt, or an emoji that was replaced, is no absence.
    """
    in_time = {
        board.id
        for board in await stored.of_round(session, round_.id)
        if board.posted_at is not None and board.posted_at <= round_.open_at + WHOLE_ROUND_WITHIN
    }
    from_start = [place for place in await stored.places(session, round_.id) if place.from_start]
    stayed = {place.user_id for place in from_start if place.removed_at is None}
    return frozenset(place.user_id for place in from_start if place.board_id in in_time) & stayed
