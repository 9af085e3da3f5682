"""Logged time, running clocks, and who said that their hours are complete."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint

from storage.tables.base import Table, column, key

if TYPE_CHECKING:
    from sqlalchemy.orm import Mapped


class Entry(Table):
    """Logged time with a note; numbered per server."""

    __tablename__ = "entries"
    __table_args__ = (
        UniqueConstraint("guild_id", "number"),
        Index("ix_entries_minutes", "round_id", "user_id", "withdrawn_at", "minutes"),
    )

    id: Mapped[int] = key()
    guild_id: Mapped[int]
    number: Mapped[int]
    round_id: Mapped[int] = column(ForeignKey("rounds.id", ondelete="RESTRICT"))
    user_id: Mapped[int]
    actor_id: Mapped[int]
    minutes: Mapped[int]
    note: Mapped[str] = column(type_=Text)
    category: Mapped[str]
    evidence: Mapped[str] = column(type_=Text, default="")
    work_date: Mapped[date | None]
    at: Mapped[datetime]
    edited_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]


class Clock(Table):
    """A running clock; one at a time for each person and server."""

    __tablename__ = "clocks"

    guild_id: Mapped[int] = column(primary_key=True, autoincrement=False)
    user_id: Mapped[int] = column(primary_key=True, autoincrement=False)
    started_at: Mapped[datetime]
    note: Mapped[str] = column(type_=Text)


class Done(Table):
    """Somebody's word that their hours of a round are complete."""

    __tablename__ = "done"

    round_id: Mapped[int] = column(
        ForeignKey("rounds.id", ondelete="RESTRICT"), primary_key=True, autoincrement=False
    )
    user_id: Mapped[int] = column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
