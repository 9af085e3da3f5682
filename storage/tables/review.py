"""What people say of entries, and when they were seen writing; nothing of it changes an amount."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from storage.tables.base import Table


class Opinion(Table):
    """What one person says of one entry: too low, fair or too high; the newest stands."""

    __tablename__ = "opinions"

    entry_id: Mapped[int] = mapped_column(
        ForeignKey("entries.id", ondelete="RESTRICT"), primary_key=True, autoincrement=False
    )
    user_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    guild_id: Mapped[int]
    opinion: Mapped[str]
    at: Mapped[datetime]


class Activity(Table):
    """A message that was seen in a round: who, where, when, and to whom it replied; never what.

    It is kept for `activity_days` and deleted on request.
    """

    __tablename__ = "activity"
    # Clustered by person: sessions are read in the order in which they were written.
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012 - read once

    round_id: Mapped[int] = mapped_column(
        ForeignKey("rounds.id", ondelete="RESTRICT"), primary_key=True, autoincrement=False
    )
    user_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    message_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    channel_id: Mapped[int]
    reply_to: Mapped[int | None]
    at: Mapped[datetime]
