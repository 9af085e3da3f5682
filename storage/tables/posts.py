"""The outbox: what the bot has to say by itself, stored before it is said."""

from datetime import datetime

from sqlalchemy import Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from storage.tables.base import Table, key, partial_index


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
    facts: Mapped[str] = mapped_column(Text)
    state: Mapped[str]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    channel_id: Mapped[int | None]
    message_id: Mapped[int | None]
    attempts: Mapped[int] = mapped_column(default=0)
    revision: Mapped[int] = mapped_column(default=0)
    problem: Mapped[str] = mapped_column(default="")
