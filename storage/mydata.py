"""Everything that is stored about one person in one server, and erasing what may be erased."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    delete,
    exists,
    func,
    not_,
    or_,
    select,
    update,
)

from storage.express import Runner, firsts, same
from storage.tables import (
    Activity,
    Address,
    Adjustment,
    Approval,
    Batch,
    BatchItem,
    Board,
    Carry,
    CeaseProposal,
    CeaseVote,
    Clock,
    Confirmation,
    Decline,
    Dispute,
    Done,
    Entry,
    Helper,
    Opening,
    Opinion,
    Payment,
    Person,
    Place,
    PolicyVersion,
    Post,
    Price,
    Proposal,
    PublishedLine,
    PublishedStatement,
    RecordRow,
    Round,
    Suspension,
    Table,
    TakeBack,
    Tally,
    ThankedMessage,
    Thanks,
    Vouch,
)
from storage.tables.base import core

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


class Part(Struct, frozen=True):
    """The rows of a table that are somebody's: those with the person in one of the `columns`.

    A table that does not say its server is reached `via` a column with the key of one that does.
    `hidden` columns speak of everybody, not of this person.
    """

    name: str
    table: type[Table]
    columns: tuple[str, ...] = ("user_id",)
    via: tuple[str, Any] | None = None
    hidden: tuple[str, ...] = ()


_ROUND = ("round_id", Round)
PARTS = (
    Part("names", Person),
    Part("roster", Helper),
    Part("proposals_to_join", Proposal, ("user_id", "proposer_id")),
    Part("vouches", Vouch, ("voucher_id", "user_id")),
    Part("entries", Entry, ("user_id", "actor_id")),
    Part("clocks", Clock),
    Part("hours_complete", Done, via=_ROUND),
    Part("declined_pay", Decline, via=_ROUND),
    Part("votes_counted", Tally, via=_ROUND),
    Part("places_on_boards", Place),
    Part("messages_thanked_for", ThankedMessage, ("author_id",)),
    Part("thanks_given", Thanks, ("voter_id",), via=_ROUND),
    Part("opinions_given", Opinion),
    Part("activity", Activity, via=_ROUND),
    Part("lines", PublishedLine, via=("statement_id", PublishedStatement)),
    Part("payments", Payment, ("user_id", "actor_id")),
    Part("take_backs", TakeBack, ("actor_id", "confirmed_by")),
    Part("adjustments", Adjustment, ("user_id", "actor_id")),
    Part("prices", Price, ("actor_id",), via=_ROUND),
    Part("approvals", Approval, via=_ROUND),
    Part("statements_published", PublishedStatement, ("actor_id",), hidden=("document",)),
    Part("disputes", Dispute, ("opener_id", "user_id", "decided_by")),
    Part("carries", Carry),
    Part("cease_proposals", CeaseProposal, ("user_id", "proposer_id")),
    Part("cease_votes", CeaseVote, ("voter_id",), via=("proposal_id", CeaseProposal)),
    Part("suspensions", Suspension, ("user_id", "actor_id")),
    Part("addresses", Address),
    Part("batches", Batch, ("actor_id",)),
    Part("batch_items", BatchItem, via=("batch_id", Batch)),
    Part("settings_changed", PolicyVersion, ("actor_id",), hidden=("document",)),
    Part("questions_waiting", Confirmation),
)


async def of_person(
    session: AsyncSession, part: Part, guild_id: int, user_id: int
) -> list[dict[str, Any]]:
    """Return somebody's rows of one part, in the order of their keys."""
    table = core(part.table)
    query = select(*(column for column in table.c if column.name not in part.hidden)).where(
        or_(*(table.c[column] == user_id for column in part.columns))
    )
    if part.via is None:
        query = query.where(table.c.guild_id == guild_id)
    else:
        column, parent = part.via
        owners = select(parent.id).where(parent.guild_id == guild_id)
        query = query.where(table.c[column].in_(owners))
    found = await session.execute(query.order_by(*table.primary_key.columns))
    return [dict(row) for row in found.mappings()]


async def opinions_on(session: AsyncSession, guild_id: int, user_id: int) -> list[dict[str, Any]]:
    """Return how many gave which opinion on somebody's entries."""
    found = await session.execute(
        select(Entry.number.label("entry"), Opinion.opinion, func.count().label("people"))
        .join(Opinion, Opinion.entry_id == Entry.id)
        .where(Entry.guild_id == guild_id, Entry.user_id == user_id)
        .group_by(Entry.number, Opinion.opinion)
    )
    return sorted(map(dict, found.mappings()), key=lambda row: (row["entry"], row["opinion"]))


async def votes_on_cease(
    session: AsyncSession, guild_id: int, user_id: int
) -> list[dict[str, Any]]:
    """Return how the committee voted on proposals about somebody, as counts."""
    found = await session.execute(
        select(CeaseProposal.number.label("proposal"), CeaseVote.vote, func.count().label("votes"))
        .join(CeaseVote, CeaseVote.proposal_id == CeaseProposal.id)
        .where(CeaseProposal.guild_id == guild_id, CeaseProposal.user_id == user_id)
        .group_by(CeaseProposal.number, CeaseVote.vote)
        .order_by(CeaseProposal.number, CeaseVote.vote)
    )
    return [dict(row) for row in found.mappings()]


async def replies_to(session: AsyncSession, guild_id: int, user_id: int) -> int:
    """Return how many replies to somebody were seen."""
    query = select(func.count()).select_from(Activity).where(_replies(guild_id, user_id))
    return await session.scalar(query) or 0


async def record_rows(session: AsyncSession, guild_id: int, user_id: int) -> Sequence[RecordRow]:
    """Return the rows of the record that somebody caused, or that are about them."""
    query = select(RecordRow).where(RecordRow.guild_id == guild_id, _concerns(user_id))
    return (await session.scalars(query.order_by(RecordRow.number))).all()


async def posts_naming(session: AsyncSession, guild_id: int, user_id: int) -> Sequence[Post]:
    """Return the bot's own messages that are made from somebody's id."""
    query = select(Post).where(Post.guild_id == guild_id, Post.facts.contains(str(user_id)))
    return (await session.scalars(query.order_by(Post.id))).all()


# ---------------------------------------------------------------- erasing


class Erasable(Struct, frozen=True):
    """How much of each kind is stored that may be erased."""

    entries: int
    notes: int
    disputes: int
    addresses: int
    activity: int
    opinions: int
    texts: int

    @property
    def anything(self) -> bool:
        """Whether there is anything to erase."""
        return any(getattr(self, kind) for kind in self.__struct_fields__)


class Touched(Struct, frozen=True):
    """What was erased and is shown somewhere: numbers of entries and disputes, notes of thanks."""

    entries: frozenset[int]
    disputes: frozenset[int]
    notes: frozenset[int]


async def erasable(session: AsyncSession, guild_id: int, user_id: int) -> Erasable:
    """Count what may be erased of somebody."""

    async def count(table: type[Table], *where: ColumnElement[bool]) -> int:
        query = select(func.count()).select_from(core(table)).where(*where)
        return await session.scalar(query) or 0

    return Erasable(
        entries=await count(Entry, _written_entries(guild_id, user_id)),
        notes=await count(Thanks, _notes(guild_id, user_id)),
        disputes=await count(Dispute, _own_reasons(guild_id, user_id)),
        addresses=await count(Address, _addresses(guild_id, user_id)),
        activity=await count(
            Activity, or_(_activity(guild_id, user_id), _replies(guild_id, user_id))
        ),
        opinions=await count(Opinion, _opinions(guild_id, user_id)),
        texts=len(await _openings(session, guild_id, user_id)),
    )


async def erase(session: AsyncSession, guild_id: int, user_id: int) -> Touched:
    """Erase somebody's texts, addresses, activity and opinions; amounts and times stay."""
    judged = (
        select(Entry.number)
        .join(Opinion, Opinion.entry_id == Entry.id)
        .where(_opinions(guild_id, user_id))
    )
    written = select(Entry.number).where(_written_entries(guild_id, user_id))
    touched = Touched(
        entries=frozenset((await session.scalars(written.union(judged))).all()),
        disputes=frozenset(
            (
                await session.scalars(select(Dispute.number).where(_own_reasons(guild_id, user_id)))
            ).all()
        ),
        notes=frozenset(
            (await session.scalars(select(Thanks.origin_id).where(_notes(guild_id, user_id)))).all()
        ),
    )
    for number, field in await _openings(session, guild_id, user_id):
        await session.execute(
            delete(Opening)
            .where(Opening.guild_id == guild_id, Opening.number == number, Opening.field == field)
            .execution_options(synchronize_session=False)
        )
    for statement in (
        update(Entry).where(_written_entries(guild_id, user_id)).values(note="", evidence=""),
        update(Thanks).where(_notes(guild_id, user_id)).values(note=""),
        update(Dispute).where(_own_reasons(guild_id, user_id)).values(reason=""),
        update(Activity).where(_replies(guild_id, user_id)).values(reply_to=None),
        delete(Activity).where(_activity(guild_id, user_id)),
        delete(Address).where(_addresses(guild_id, user_id)),
        delete(Opinion).where(_opinions(guild_id, user_id)),
        delete(Confirmation).where(
            Confirmation.guild_id == guild_id, Confirmation.user_id == user_id
        ),
    ):
        await session.execute(statement.execution_options(synchronize_session=False))
    return touched


async def open_batches(session: AsyncSession, guild_id: int, user_id: int) -> Sequence[int]:
    """Return the numbers of the open batches that would pay somebody."""
    query = (
        select(Batch.number)
        .join(BatchItem, BatchItem.batch_id == Batch.id)
        .where(Batch.guild_id == guild_id, Batch.state == "open", BatchItem.user_id == user_id)
    )
    return (await session.scalars(query.order_by(Batch.number))).all()


async def open_disputes(session: AsyncSession, guild_id: int, user_id: int) -> Sequence[int]:
    """Return the numbers of somebody's own disputes that wait for a decision."""
    query = select(Dispute.number).where(
        Dispute.guild_id == guild_id, Dispute.opener_id == user_id, Dispute.state == "open"
    )
    return (await session.scalars(query.order_by(Dispute.number))).all()


def _outlived() -> ColumnElement[bool]:
    """Items of closed batches whose payee has no address left from before the batch.

    Nothing but erasing deletes addresses: what was set later is another one.
    """
    batch, item, address = core(Batch).c, core(BatchItem).c, core(Address).c
    closed = select(batch.id).where(batch.state != "open")
    known = (
        select(address.id)
        .join(core(Batch), batch.guild_id == address.guild_id)
        .where(
            batch.id == item.batch_id, address.user_id == item.user_id, address.set_at <= batch.at
        )
        .correlate(core(BatchItem))
    )
    return and_(item.address != "", item.batch_id.in_(closed), not_(known.exists()))


_HAS_OUTLIVED = same(select(exists().where(_outlived())))


async def has_outlived_addresses(run: Runner) -> bool:
    """Whether a closed batch still holds an address that its owner erased."""
    return bool((await firsts(run, _HAS_OUTLIVED))[0])


async def forget_outlived_addresses(session: AsyncSession) -> None:
    """Erase the addresses in closed batches whose owners erased them meanwhile."""
    await session.execute(update(core(BatchItem)).where(_outlived()).values(address=""))


async def statement_posts(session: AsyncSession, guild_id: int, user_id: int) -> Sequence[str]:
    """Return the names of posts whose words or files name somebody with a line of their own."""
    rounds = (
        select(PublishedStatement.round_id)
        .join(PublishedLine, PublishedLine.statement_id == PublishedStatement.id)
        .where(PublishedStatement.guild_id == guild_id, PublishedLine.user_id == user_id)
    )
    logged = select(Entry.round_id).where(Entry.guild_id == guild_id, Entry.user_id == user_id)
    query = select(Post.name).where(
        Post.guild_id == guild_id,
        Post.state.in_(("sent", "pending", "parked")),
        or_(
            and_(
                Post.kind.in_(("published-thread", "published-channel")), Post.round_id.in_(rounds)
            ),
            and_(Post.kind == "draft", or_(Post.round_id.in_(rounds), Post.round_id.in_(logged))),
        ),
    )
    return (await session.scalars(query.order_by(Post.id))).all()


async def boards_naming(session: AsyncSession, guild_id: int, user_id: int) -> Sequence[int]:
    """Return the boards on which somebody stands or stood, also of rounds that have closed."""
    query = (
        select(Board.id)
        .join(Place, Place.board_id == Board.id)
        .where(Board.guild_id == guild_id, Board.lost_at.is_(None), Place.user_id == user_id)
        .distinct()
    )
    return (await session.scalars(query.order_by(Board.id))).all()


async def dispute_posts(session: AsyncSession, guild_id: int) -> Sequence[Post]:
    """Return the posts about disputes."""
    query = select(Post).where(Post.guild_id == guild_id, Post.kind.startswith("dispute"))
    return (await session.scalars(query.order_by(Post.id))).all()


async def _openings(session: AsyncSession, guild_id: int, user_id: int) -> list[tuple[int, str]]:
    """Return number and field of the texts behind digests that somebody wrote or is told of in.

    Rows about thanks name nobody; of them, the note is theirs where the digest of the same row is
    about thanks from or to them. What others wrote in disputes about a line is theirs.
    """
    own = (
        select(Opening.number, Opening.field)
        .join(
            RecordRow,
            and_(RecordRow.guild_id == Opening.guild_id, RecordRow.number == Opening.number),
        )
        .where(Opening.guild_id == guild_id, _erased(user_id))
    )
    found = [(number, field) for number, field in await session.execute(own)]
    return found + await _notes_in_record(session, guild_id, user_id)


async def _notes_in_record(
    session: AsyncSession, guild_id: int, user_id: int
) -> list[tuple[int, str]]:
    pairs = core(Opening).alias()
    query = (
        select(Opening.number, Opening.field, pairs.c.text)
        .join(pairs, and_(pairs.c.guild_id == Opening.guild_id, pairs.c.number == Opening.number))
        .where(
            Opening.guild_id == guild_id,
            Opening.field == "note",
            pairs.c.field == "thanks",
            pairs.c.text.contains(str(user_id)),
        )
    )
    return [
        (number, field)
        for number, field, text in await session.execute(query)
        # The first two of each are the helper and the voter.
        if any(user_id in key[:2] for key in json.loads(text))
    ]


def _in_guild(guild_id: int) -> Select[int]:
    return select(Round.id).where(Round.guild_id == guild_id)


def _written_entries(guild_id: int, user_id: int) -> ColumnElement[bool]:
    return and_(
        Entry.guild_id == guild_id,
        Entry.user_id == user_id,
        or_(Entry.note != "", Entry.evidence != ""),
    )


def _notes(guild_id: int, user_id: int) -> ColumnElement[bool]:
    return and_(
        Thanks.round_id.in_(_in_guild(guild_id)),
        or_(Thanks.voter_id == user_id, Thanks.helper_id == user_id),
        Thanks.note != "",
    )


def _own_reasons(guild_id: int, user_id: int) -> ColumnElement[bool]:
    return and_(Dispute.guild_id == guild_id, Dispute.opener_id == user_id, Dispute.reason != "")


def _addresses(guild_id: int, user_id: int) -> ColumnElement[bool]:
    return and_(Address.guild_id == guild_id, Address.user_id == user_id)


def _activity(guild_id: int, user_id: int) -> ColumnElement[bool]:
    return and_(Activity.round_id.in_(_in_guild(guild_id)), Activity.user_id == user_id)


def _replies(guild_id: int, user_id: int) -> ColumnElement[bool]:
    return and_(Activity.round_id.in_(_in_guild(guild_id)), Activity.reply_to == user_id)


def _opinions(guild_id: int, user_id: int) -> ColumnElement[bool]:
    return and_(Opinion.guild_id == guild_id, Opinion.user_id == user_id)


def _acts(user_id: int) -> ColumnElement[bool]:
    return or_(RecordRow.actor == str(user_id), RecordRow.acting_for == str(user_id))


def _about(user_id: int) -> ColumnElement[bool]:
    return or_(
        RecordRow.subject == f"user:{user_id}",
        RecordRow.data.contains(f'"user_id":"{user_id}"', autoescape=True),
    )


def _concerns(user_id: int) -> ColumnElement[bool]:
    return or_(_acts(user_id), _about(user_id))


def _erased(user_id: int) -> ColumnElement[bool]:
    by_others = and_(RecordRow.action.startswith("dispute."), not_(_acts(user_id)))
    return and_(_concerns(user_id), not_(by_others))


COUNTED: Mapping[str, str] = {
    "thanks.helper_id": "thanks_received, as the helper may see them",
    "activity.reply_to": "replies_to_me, a count",
}
"""Columns with a person whose rows belong to somebody else: how they are told of instead."""
