"""Rounds, the timed acts that were carried out, and who had declined pay at a close."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, UniqueConstraint

from storage.tables.base import Table, column, key, partial_index

if TYPE_CHECKING:
    from sqlalchemy.orm import Mapped


class Round(Table):
    """One reward period; `closed_at` is null while it is open, `close_at` is the calendar's.

    `counted_at` is when its thanks were counted for good, after the closing reconciliation;
    `reminders` is the number of the last interval for which a reminder was due.
    """

    __tablename__ = "rounds"
    __table_args__ = (
        partial_index(
            "uq_rounds_open",
            "guild_id",
            unique=True,
            where="state = 'open'",
        ),
        partial_index(
            "uq_rounds_label",
            "guild_id",
            "label",
            unique=True,
            where="state <> 'void'",
        ),
        UniqueConstraint("guild_id", "number"),
    )

    id: Mapped[int] = key()
    guild_id: Mapped[int]
    number: Mapped[int]
    label: Mapped[str]
    state: Mapped[str]
    policy_version: Mapped[int]
    work_since: Mapped[datetime]
    open_at: Mapped[datetime]
    call_at: Mapped[datetime]
    close_at: Mapped[datetime]
    compute_at: Mapped[datetime]
    pay_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    drafted_at: Mapped[datetime | None]
    draft_version: Mapped[int | None]
    published_at: Mapped[datetime | None]
    published_version: Mapped[int] = column(default=0)
    dispute_until: Mapped[datetime | None]
    channel_id: Mapped[int | None]
    announcement_id: Mapped[int | None]
    thread_id: Mapped[int | None]
    thread_lost: Mapped[bool] = column(default=False)
    record_first: Mapped[int] = column(default=0)
    record_last: Mapped[int] = column(default=0)
    counted_at: Mapped[datetime | None]
    reminders: Mapped[int] = column(default=0, server_default="0")


class ActDone(Table):
    """A timed act that was carried out or skipped: its key makes it happen at most once."""

    __tablename__ = "acts"

    round_id: Mapped[int] = column(
        ForeignKey("rounds.id", ondelete="RESTRICT"), primary_key=True, autoincrement=False
    )
    name: Mapped[str] = column(primary_key=True)
    guild_id: Mapped[int]
    due_at: Mapped[datetime]
    done_at: Mapped[datetime]
    late: Mapped[bool]
    skipped: Mapped[bool]


class Decline(Table):
    """Somebody who had declined pay when a round closed."""

    __tablename__ = "declines"

    round_id: Mapped[int] = column(
        ForeignKey("rounds.id", ondelete="RESTRICT"), primary_key=True, autoincrement=False
    )
    user_id: Mapped[int] = column(primary_key=True, autoincrement=False)
