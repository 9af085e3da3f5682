"""The board, the thanks, what they came to, and messages that were thanked for."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Index, SmallInteger, Text

from storage.tables.base import Table, column, key, partial_index

if TYPE_CHECKING:
    from sqlalchemy.orm import Mapped


class Board(Table):
    """One message of a round's board; one that was deleted stays as `lost_at`, another follows.

    `capacity` is how many emoji the message can hold: fewer than Discord's where members added
    their own before the bot did.
    """

    __tablename__ = "boards"
    __table_args__ = (
        Index("ix_boards_round", "round_id"),
        partial_index(
            "uq_boards_message",
            "message_id",
            unique=True,
            where="message_id IS NOT NULL",
        ),
    )

    id: Mapped[int] = key()
    guild_id: Mapped[int]
    round_id: Mapped[int] = column(ForeignKey("rounds.id", ondelete="RESTRICT"))
    position: Mapped[int]
    capacity: Mapped[int]
    channel_id: Mapped[int | None]
    message_id: Mapped[int | None]
    posted_at: Mapped[datetime | None]
    pinned: Mapped[bool] = column(default=False)
    lost_at: Mapped[datetime | None]


class Place(Table):
    """One helper's emoji on one message of the board.

    `from_start` tells who stood there when the round opened; `seeded_at` when the bot put the
    emoji there; `checked_at` when the reactions were last compared with Discord's.
    """

    __tablename__ = "places"
    __table_args__ = (
        Index("uq_places_emoji", "board_id", "emoji_key", unique=True),
        Index("ix_places_round", "round_id", "user_id"),
    )

    id: Mapped[int] = key()
    guild_id: Mapped[int]
    round_id: Mapped[int] = column(ForeignKey("rounds.id", ondelete="RESTRICT"))
    board_id: Mapped[int] = column(ForeignKey("boards.id", ondelete="RESTRICT"))
    user_id: Mapped[int]
    emoji: Mapped[str]
    emoji_key: Mapped[str]
    from_start: Mapped[bool]
    added_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]
    seeded_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]


class Thanks(Table, with_rowid=False):
    """One person thanking one helper in one way; all are kept, also those taken back.

    `source` and `origin_id` say how: a place on the board, an interaction, or a message. `burst`
    is 1 for a super reaction. `doubt` is why it does not count, empty where it does. `after` is
    set for a reaction found later: it was made between then and `at`. `kept_at` is when a reaction
    was taken away after the close: it counts all the same.
    """

    __tablename__ = "thanks"
    # Clustered by its key: counting is one ordered scan, adding one insert into one tree.

    round_id: Mapped[int] = column(
        ForeignKey("rounds.id", ondelete="RESTRICT"), primary_key=True, autoincrement=False
    )
    helper_id: Mapped[int] = column(primary_key=True, autoincrement=False)
    voter_id: Mapped[int] = column(primary_key=True, autoincrement=False)
    source: Mapped[int] = column(type_=SmallInteger, primary_key=True, autoincrement=False)
    origin_id: Mapped[int] = column(primary_key=True, autoincrement=False)
    burst: Mapped[int] = column(type_=SmallInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    after: Mapped[datetime | None]
    doubt: Mapped[str]
    taken_back_at: Mapped[datetime | None]
    kept_at: Mapped[datetime | None]
    note: Mapped[str] = column(type_=Text)
    private: Mapped[bool]


class Inbox(Table):
    """Reactions of a burst as they came in, durable before each is put where it belongs."""

    __tablename__ = "inbox"

    id: Mapped[int] = key()
    guild_id: Mapped[int]
    events: Mapped[str] = column(type_=Text)


class ThankedMessage(Table):
    """A message whose author was thanked by the thanks emoji in a round, to be looked at again."""

    __tablename__ = "thanked_messages"

    round_id: Mapped[int] = column(
        ForeignKey("rounds.id", ondelete="RESTRICT"), primary_key=True, autoincrement=False
    )
    message_id: Mapped[int] = column(primary_key=True, autoincrement=False)
    guild_id: Mapped[int]
    channel_id: Mapped[int]
    author_id: Mapped[int]
    checked_at: Mapped[datetime | None]
    lost_at: Mapped[datetime | None]


class Tally(Table):
    """How many voters a helper had when a round was counted; it never changes."""

    __tablename__ = "tallies"

    round_id: Mapped[int] = column(
        ForeignKey("rounds.id", ondelete="RESTRICT"), primary_key=True, autoincrement=False
    )
    user_id: Mapped[int] = column(primary_key=True, autoincrement=False)
    voters: Mapped[int]
