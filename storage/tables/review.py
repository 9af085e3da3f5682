"""What people say of entries, and when they were seen writing; nothing of it changes an amount."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey

from storage.tables.base import Table, column

if TYPE_CHECKING:
    from sqlalchemy.orm import Mapped


class Opinion(Table):
    """What one person says of one entry: too low, fair or too high; the newest stands."""

    __tablename__ = "opinions"

    entry_id: Mapped[int] = column(
        ForeignKey("entries.id", ondelete="RESTRICT"), primary_key=True, autoincrement=False
    )
    user_id: Mapped[int] = column(primary_key=True, autoincrement=False)
    guild_id: Mapped[int]
    opinion: Mapped[str]
    at: Mapped[datetime]


class Activity(Table, with_rowid=False):
    """A message that was seen in a round: who, where, when, and to whom it replied; never what.

    It is kept for `activity_days` and deleted on request.
    """

    __tablename__ = "activity"
    # Clustered by person: sessions are read in the order in which they were written.

    round_id: Mapped[int] = column(
        ForeignKey("rounds.id", ondelete="RESTRICT"), primary_key=True, autoincrement=False
    )
    user_id: Mapped[int] = column(primary_key=True, autoincrement=False)
    message_id: Mapped[int] = column(primary_key=True, autoincrement=False)
    channel_id: Mapped[int]
    reply_to: Mapped[int | None]
    at: Mapped[datetime]
