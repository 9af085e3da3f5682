"""Adjustments, prices, approvals, published statements and payments."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint

from storage.tables.base import Table, column, key, partial_index

if TYPE_CHECKING:
    from sqlalchemy.orm import Mapped


class Adjustment(Table):
    """A committee change to one helper's line; the original stays as it is."""

    __tablename__ = "adjustments"
    __table_args__ = (UniqueConstraint("guild_id", "number"),)

    id: Mapped[int] = key()
    guild_id: Mapped[int]
    number: Mapped[int]
    round_id: Mapped[int] = column(ForeignKey("rounds.id", ondelete="RESTRICT"), index=True)
    version: Mapped[int]
    user_id: Mapped[int]
    minutes: Mapped[int]
    amount: Mapped[int]
    reason: Mapped[str] = column(type_=Text)
    actor_id: Mapped[int]
    at: Mapped[datetime]


class Price(Table):
    """A conversion price for a draft; the newest counts."""

    __tablename__ = "prices"

    id: Mapped[int] = key()
    round_id: Mapped[int] = column(ForeignKey("rounds.id", ondelete="RESTRICT"), index=True)
    version: Mapped[int]
    price: Mapped[str]
    source: Mapped[str] = column(type_=Text)
    actor_id: Mapped[int]
    at: Mapped[datetime]


class Approval(Table):
    """One person's yes to one exact draft."""

    __tablename__ = "approvals"

    round_id: Mapped[int] = column(
        ForeignKey("rounds.id", ondelete="RESTRICT"), primary_key=True, autoincrement=False
    )
    sha256: Mapped[str] = column(primary_key=True)
    user_id: Mapped[int] = column(primary_key=True, autoincrement=False)
    version: Mapped[int]
    as_admin: Mapped[bool]
    at: Mapped[datetime]


class PublishedStatement(Table):
    """A published version; it never changes."""

    __tablename__ = "statements"
    __table_args__ = (UniqueConstraint("round_id", "version"),)

    id: Mapped[int] = key()
    guild_id: Mapped[int]
    round_id: Mapped[int] = column(ForeignKey("rounds.id", ondelete="RESTRICT"))
    version: Mapped[int]
    document: Mapped[str] = column(type_=Text)
    sha256: Mapped[str]
    total: Mapped[int]
    record_number: Mapped[int]
    record_head: Mapped[str]
    actor_id: Mapped[int]
    at: Mapped[datetime]


class PublishedLine(Table):
    """One helper's line of a published version, for look-ups.

    `dispute_until` is the end of its own days to dispute: a later version opens new ones only for
    the lines it changed. Where it is null, that of the round holds.
    """

    __tablename__ = "lines"
    __table_args__ = (Index("ix_lines_user", "user_id"),)

    statement_id: Mapped[int] = column(
        ForeignKey("statements.id", ondelete="RESTRICT"), primary_key=True, autoincrement=False
    )
    user_id: Mapped[int] = column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    amount: Mapped[int]
    pay_amount: Mapped[int | None]
    waived: Mapped[bool]
    dispute_until: Mapped[datetime | None]


class Payment(Table):
    """A recorded payment of one line; at most one stands, and a reference once per payee."""

    __tablename__ = "payments"
    __table_args__ = (
        partial_index(
            "uq_payments_line",
            "round_id",
            "user_id",
            unique=True,
            where="taken_back_at IS NULL",
        ),
        partial_index(
            "uq_payments_reference",
            "guild_id",
            "reference",
            "user_id",
            unique=True,
            where="taken_back_at IS NULL",
        ),
    )

    id: Mapped[int] = key()
    guild_id: Mapped[int]
    round_id: Mapped[int] = column(ForeignKey("rounds.id", ondelete="RESTRICT"))
    version: Mapped[int]
    user_id: Mapped[int]
    amount: Mapped[int]
    pay_amount: Mapped[int | None]
    reference: Mapped[str]
    actor_id: Mapped[int]
    at: Mapped[datetime]
    taken_back_at: Mapped[datetime | None]


class TakeBack(Table):
    """A proposal to take recorded payments back; somebody else confirms it."""

    __tablename__ = "take_backs"

    id: Mapped[int] = key()
    guild_id: Mapped[int]
    round_id: Mapped[int] = column(ForeignKey("rounds.id", ondelete="RESTRICT"))
    reference: Mapped[str]
    reason: Mapped[str] = column(type_=Text)
    actor_id: Mapped[int]
    at: Mapped[datetime]
    confirmed_by: Mapped[int | None]
    confirmed_at: Mapped[datetime | None]
