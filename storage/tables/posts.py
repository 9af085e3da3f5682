"""The outbox: what the bot has to say by itself, stored before it is said."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Index, Text

from storage.tables.base import Table, column, key, partial_index

if TYPE_CHECKING:
    from sqlalchemy.orm import Mapped


class Post(Table):
    """One message to send or to bring up to date; `name` is unique per server.

    `kind` says how it is worded and where it goes, `facts` is the JSON it is worded from.
    `revision` counts how often it had to be brought up to date.
    States: pending, sent, parked (the channel refuses; see `problem`), skipped.
    """

    __tablename__ = "posts"
    __table_args__ = (
        Index("uq_posts_name", "guild_id", "name", unique=True),
        partial_index(
            "ix_posts_pending",
            "guild_id",
            "id",
            where="state = 'pending'",
        ),
    )

    id: Mapped[int] = key()
    guild_id: Mapped[int]
    name: Mapped[str]
    kind: Mapped[str]
    round_id: Mapped[int | None]
    facts: Mapped[str] = column(type_=Text)
    state: Mapped[str]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    channel_id: Mapped[int | None]
    message_id: Mapped[int | None]
    attempts: Mapped[int] = column(default=0)
    revision: Mapped[int] = column(default=0)
    problem: Mapped[str] = column(default="")
