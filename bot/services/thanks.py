"""Thanks by command and menu: giving them, taking them back, and who may see whose."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from bot.domain.errors import Refusal
from bot.domain.people import Actor, Person
from bot.domain.states import Round as State
from bot.domain.thanks import (
    THANKABLE,
    Doubt,
    Key,
    Mark,
    Source,
    Standing,
    counts_from,
    doubt_of,
)
from bot.services import activity, history, outbox, settings, votes
from bot.services import rounds as round_service
from bot.services.activity import Met
from storage import hours, people, rounds, thanks
from storage.express import Through
from storage.tables import Round
from storage.tables import Thanks as Row

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

LONGEST_NOTE = 500
POST = "thanks"


class Fate(StrEnum):
    """What becomes of a note: said in the thread, shown to helper and committee alone, or kept
    for the helper where there is no thread to say it in.
    """

    NONE = ""
    POSTED = "posted"
    PRIVATE = "private"
    KEPT = "kept"


class Given(Struct, frozen=True):
    """A thanks as it stands.

    `is_new` is false for the same message a second time, `is_first` true for the first thanks of
    this voter for this helper in the round; `counts` tells whether the voter counts for the helper,
    and `counts_from` from when their thanks do where this one does not.
    """

    helper_id: int
    round_id: int
    label: str
    closes_at: datetime
    is_open: bool
    is_new: bool
    is_first: bool
    counts: bool
    doubt: Doubt
    counts_from: datetime
    note: Fate = Fate.NONE


class TakenBack(Struct, frozen=True):
    """Thanks that were taken back; `reactions` are the voter's own that still stand."""

    helper_id: int
    label: str
    count: int
    reactions: tuple[Standing, ...]


class Way(Struct, frozen=True):
    """One thanks: `after` is set where it was found later, `kept_at` where the reaction was taken
    away after the close.
    """

    source: Source
    is_burst: bool
    at: datetime
    after: datetime | None
    doubt: Doubt
    note: str
    is_private: bool
    kept_at: datetime | None


class Voter(Struct, frozen=True):
    """Somebody who thanked, in all their ways; the name is empty for who was never seen.

    `met` tells whether they and the helper were seen writing near each other; None: not known.
    """

    user_id: int
    name: str
    ways: tuple[Way, ...]
    is_mutual: bool
    met: bool | None = None

    @property
    def counts(self) -> bool:
        """Whether any of the thanks counts; together they count once."""
        return any(way.doubt is Doubt.NONE for way in self.ways)


class Voters(Struct, frozen=True):
    """Everybody who thanked one helper in a round.

    `is_observed` is set where messages of the round are kept, `since` where only newer ones are.
    """

    label: str
    helper_id: int
    voters: tuple[Voter, ...]
    is_open: bool
    is_helper: bool = True
    is_observed: bool = False
    since: datetime | None = None

    @property
    def counted(self) -> int:
        """The number of voters that count."""
        return sum(voter.counts for voter in self.voters)


class Note(Struct, frozen=True):
    """A note for the thread; `is_standing` is false when its thanks was taken back."""

    helper_id: int
    voter_id: int
    text: str
    is_standing: bool


class Rank(Struct, frozen=True):
    """One helper of a round; None is what is not shown yet."""

    user_id: int
    name: str
    voters: int | None
    minutes: int | None


class Leaderboard(Struct, frozen=True):
    """The helpers of a round, most thanked first, equals by name; by name where it is hidden."""

    round_id: int
    label: str
    closes_at: datetime
    state: State
    is_counted: bool
    is_shown: bool
    ranks: tuple[Rank, ...]


# ---------------------------------------------------------------- giving


async def give(
    session: AsyncSession,
    *,
    by: Actor,
    person: Person,
    note: str | None = None,
    private: bool = False,
) -> Given:
    """Thank a helper in the round that is open at the moment of the interaction.

    Every thanks is kept, a voter counts once for a helper; the note is posted in the thread unless
    it is private. Who is too young to vote is kept and shown, but not counted.
    """
    text = _note(note)
    key = Key(person.user_id, by.user_id, Source.COMMAND, by.interaction_id)
    return await _give(session, by=by, person=person, key=key, note=text, private=private)


async def give_for_message(
    session: AsyncSession, *, by: Actor, person: Person, message_id: int
) -> Given:
    """Thank the author of a message; the same message twice is one thanks."""
    key = Key(person.user_id, by.user_id, Source.MENU, message_id)
    return await _give(session, by=by, person=person, key=key)


async def _give(
    session: AsyncSession,
    *,
    by: Actor,
    person: Person,
    key: Key,
    note: str = "",
    private: bool = False,
) -> Given:
    await history.begin(session, by)
    await _require_thankable(session, by, person)
    round_ = await round_service.at_moment(session, by)
    closes_at = round_.closed_at or round_.close_at
    if round_.counted_at is not None or round_.state not in (State.OPEN, State.REVIEW):
        raise Refusal(
            f"{round_.label} closed <t:{int(closes_at.timestamp())}:f> and its thanks are counted. "
            "Thank again now: it counts for the round that is open."
        )
    policy = (await settings.pinned(session, round_)).policy
    doubt = doubt_of(policy, voter_id=by.user_id, joined_at=by.joined_at, at=by.at)
    before = await thanks.of_pair(session, round_.id, helper_id=person.user_id, voter_id=by.user_id)
    # What was judged when it was made stays.
    judged = next((Doubt(row.doubt) for row in before if _key(row) == key), doubt)
    counts = Doubt.NONE in {judged, *(row.doubt for row in before)}
    changed = await votes.change(
        session,
        round_,
        given={key: Mark(at=by.at, doubt=doubt, note=note, private=private)},
        at=by.now,
        action="thanks.given",
        data={"source": Source(key.source).name.lower()},
        texts={"note": note},
    )
    if note and not private:
        await outbox.say(
            session,
            guild_id=by.guild_id,
            name=_post_name(key.origin_id),
            kind=POST,
            at=by.now,
            round_id=round_.id,
            facts={"helper": key.helper_id, "voter": key.voter_id, "origin": key.origin_id},
        )
    return Given(
        helper_id=person.user_id,
        round_id=round_.id,
        label=round_.label,
        closes_at=closes_at,
        is_open=by.now < closes_at,
        is_new=bool(changed.given),
        is_first=not before,
        counts=counts,
        doubt=judged,
        counts_from=counts_from(policy, voter_id=by.user_id, joined_at=by.joined_at),
        note=_fate(round_, note=note, private=private),
    )


async def note(
    session: AsyncSession, round_id: int, *, helper_id: int, voter_id: int, origin_id: int
) -> Note:
    """Return the note of a thanks by command as it stands now."""
    key = Key(helper_id, voter_id, Source.COMMAND, origin_id)
    row = await thanks.one(session, round_id, key)
    assert row is not None, "thanks are kept"
    return Note(helper_id, voter_id, row.note, is_standing=row.taken_back_at is None)


# ---------------------------------------------------------------- taking back


async def take_back(
    session: AsyncSession, *, by: Actor, round_id: int, helper_id: int
) -> TakenBack:
    """Take back what the presser gave a helper by command and menu, while the round is open.

    Reactions that nobody can remove any more, as their message is gone, are taken back with it;
    one that still stands is taken back by removing it.
    """
    await history.begin(session, by)
    round_ = await rounds.get(session, round_id)
    if round_ is None or round_.guild_id != by.guild_id:
        raise Refusal("There is no such round here. `/thanks` thanks somebody in this server.")
    closes_at = round_.closed_at or round_.close_at
    if by.at >= closes_at or round_.counted_at is not None:
        raise Refusal(
            f"{round_.label} closed <t:{int(closes_at.timestamp())}:f>, so its thanks stay as they "
            "are."
        )
    own = await thanks.of_pair(session, round_.id, helper_id=helper_id, voter_id=by.user_id)
    links = {_key(row): await _link(session, round_, row) for row in own}
    taken = [row for row in own if not links[_key(row)]]
    left = tuple(dict.fromkeys(Standing(key.source, link) for key, link in links.items() if link))
    if not taken and left:
        raise Refusal(
            f"What stands for <@{helper_id}> in {round_.label} is a reaction of yours {left[0]}: "
            "remove it there to take it back."
        )
    if not taken:
        raise Refusal(
            f"No thanks of yours for <@{helper_id}> stand in {round_.label}. `/thanks` thanks them."
        )
    await votes.change(
        session,
        round_,
        taken_back=[_key(row) for row in taken],
        at=by.now,
        action="thanks.taken_back",
    )
    for row in taken:
        if row.source == Source.COMMAND:
            await outbox.again(session, guild_id=by.guild_id, name=_post_name(row.origin_id))
    return TakenBack(helper_id, round_.label, len(taken), left)


# ---------------------------------------------------------------- to see


async def voters(session: AsyncSession, *, by: Actor, user_id: int, label: str | None) -> Voters:
    """Return who thanked a helper in a round, by default the open one; for the committee."""
    await settings.require_committee(session, by)
    round_ = await round_service.named(session, by.guild_id, label)
    mutual = await thanks.mutual(session, round_.id, user_id)
    found = await _voters(session, round_, user_id, mutual=mutual)
    users = [voter.user_id for voter in found.voters]
    met = await activity.met(session, round_, {user_id: users})
    return found if met is None else _with_meetings(found, met)


async def mine(session: AsyncSession, *, by: Actor, round_id: int) -> Voters:
    """Return who thanked oneself in a round, once it has closed."""
    round_ = await rounds.get(session, round_id)
    if round_ is None or round_.guild_id != by.guild_id:
        raise Refusal("There is no such round here. `/leaderboard` shows a round of this server.")
    if await votes.public(session, round_) is None:
        raise Refusal(
            f"{round_.label} is open. At the close, <t:{int(round_.close_at.timestamp())}:f>, you "
            "see here who thanked you."
        )
    found = await _voters(session, round_, by.user_id, mutual=())
    return replace(found, is_helper=await people.was_helper(session, by.guild_id, by.user_id))


async def leaderboard(session: AsyncSession, guild_id: int, *, label: str | None) -> Leaderboard:
    """Return the helpers of a round with their voters, and their hours once it has closed.

    While the round is open and its counts are hidden, who is there to be thanked.
    """
    round_ = await round_service.named(session, guild_id, label)
    counts = await votes.public(session, round_)
    minutes = None
    if round_.state == State.OPEN:
        on_roster = await people.roster(session, guild_id)
        users = {row.user_id for row in on_roster if row.state in THANKABLE}
    else:
        minutes = await hours.minutes_by_user(Through(session), round_.id)
        users = {*await thanks.placed(session, round_.id), *minutes}
    users |= set(counts or ())
    names = await people.names(session, guild_id, users)
    ranks = [
        Rank(
            user_id=user,
            name=names.get(user, f"user {user}"),
            voters=None if counts is None else counts.get(user, 0),
            minutes=None if minutes is None else minutes.get(user, 0),
        )
        for user in users
    ]
    ranks.sort(key=lambda rank: (-(rank.voters or 0), rank.name.casefold(), rank.user_id))
    return Leaderboard(
        round_id=round_.id,
        label=round_.label,
        closes_at=round_.closed_at or round_.close_at,
        state=State(round_.state),
        is_counted=round_.counted_at is not None,
        is_shown=counts is not None,
        ranks=tuple(ranks),
    )


# ---------------------------------------------------------------- parts


def _note(text: str | None) -> str:
    if text is None:
        return ""
    words = text.strip()
    if len(words) > LONGEST_NOTE:
        raise Refusal(
            f"A note can have up to {LONGEST_NOTE} characters; this one has {len(words)}."
        )
    # Letters, digits and signs: what is left of a text when everything invisible is gone.
    if not any(unicodedata.category(character)[0] in "LNPS" for character in words):
        raise Refusal("Write the `note` in words, or leave it out: thanks count without one.")
    return words


async def _require_thankable(session: AsyncSession, by: Actor, person: Person) -> None:
    if person.is_bot:
        raise Refusal("Bots are not thanked. Choose the person who helped: `/thanks`.")
    if person.user_id == by.user_id:
        raise Refusal("Thanks are for others. Choose somebody else who helped: `/helper list`.")
    row = await people.helper(session, by.guild_id, person.user_id)
    if row is None or row.state not in THANKABLE:
        raise Refusal(
            f"<@{person.user_id}> is not on the roster, so thanks cannot count for them. "
            "They get there with `/helper join`, or a moderator uses `/helper add`."
        )
    await people.seen(
        Through(session), guild_id=by.guild_id, user_id=person.user_id, name=person.name
    )


def _post_name(origin_id: int) -> str:
    return f"{POST}:{origin_id}"


def _fate(round_: Round, *, note: str, private: bool) -> Fate:
    if not note:
        return Fate.NONE
    if private:
        return Fate.PRIVATE
    return Fate.KEPT if round_.thread_lost else Fate.POSTED


def _key(row: Row) -> Key:
    return Key(row.helper_id, row.voter_id, row.source, row.origin_id, row.burst)


async def _link(session: AsyncSession, round_: Round, row: Row) -> str:
    """Return where a reaction can be removed; empty for what only the button takes back."""
    channel_id = message_id = None
    if row.source == Source.BOARD:
        board = await thanks.board_of(session, row.origin_id)
        if board is not None and board.lost_at is None:
            channel_id, message_id = board.channel_id, board.message_id
    elif row.source == Source.EMOJI:
        message = await thanks.thanked_message(session, round_.id, row.origin_id)
        if message is not None and message.lost_at is None:
            channel_id, message_id = message.channel_id, message.message_id
    if message_id is None:
        return ""
    return f"https://discord.com/channels/{round_.guild_id}/{channel_id}/{message_id}"


async def _voters(
    session: AsyncSession, round_: Round, user_id: int, *, mutual: Collection[int]
) -> Voters:
    rows: Sequence[Row] = await thanks.of_helper(session, round_.id, user_id)
    by_voter = [(voter, _ways(own)) for voter, own in groupby(rows, key=lambda row: row.voter_id)]
    names = await people.names(session, round_.guild_id, [voter for voter, _ in by_voter])
    return Voters(
        label=round_.label,
        helper_id=user_id,
        voters=tuple(
            Voter(voter, names.get(voter, ""), ways, is_mutual=voter in mutual)
            for voter, ways in by_voter
        ),
        is_open=round_.state == State.OPEN,
    )


def _with_meetings(found: Voters, met: Met) -> Voters:
    """Say of every voter whether they met the helper, unless messages of then are deleted."""
    near = met.by_helper[found.helper_id]

    def judged(voter: Voter) -> bool | None:
        if voter.user_id in near:
            return True
        last = max(way.at for way in voter.ways)
        return False if met.since is None or last >= met.since else None

    return replace(
        found,
        voters=tuple(replace(voter, met=judged(voter)) for voter in found.voters),
        is_observed=True,
        since=met.since,
    )


def _ways(rows: Iterable[Row]) -> tuple[Way, ...]:
    return tuple(
        Way(
            source=Source(row.source),
            is_burst=bool(row.burst),
            at=row.at,
            after=row.after,
            doubt=Doubt(row.doubt),
            note=row.note,
            is_private=row.private,
            kept_at=row.kept_at,
        )
        for row in rows
    )
