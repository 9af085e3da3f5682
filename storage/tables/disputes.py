"""Disputes, and amounts that move to another round."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint

from storage.tables.base import Table, column, key

if TYPE_CHECKING:
    from sqlalchemy.orm import Mapped


class Dispute(Table):
    """An objection to a line, to a whole statement, or to a suspension, and what became of it.

    `user_id` is null where it is about a whole statement; `round_id` where it is about a
    suspension. `amount` is the new amount of the line where the outcome is `modify`.
    """

    __tablename__ = "disputes"
    __table_args__ = (
        UniqueConstraint("guild_id", "number"),
        Index("ix_disputes_round", "round_id"),
    )

    id: Mapped[int] = key()
    guild_id: Mapped[int]
    number: Mapped[int]
    round_id: Mapped[int | None] = column(ForeignKey("rounds.id", ondelete="RESTRICT"))
    version: Mapped[int | None]
    user_id: Mapped[int | None]
    suspension_id: Mapped[int | None] = column(ForeignKey("suspensions.id", ondelete="RESTRICT"))
    opener_id: Mapped[int]
    reason: Mapped[str] = column(type_=Text)
    at: Mapped[datetime]
    valid_until: Mapped[datetime]
    state: Mapped[str]
    outcome: Mapped[str] = column(default="", server_default="")
    amount: Mapped[int | None]
    answer: Mapped[str] = column(type_=Text, default="", server_default="")
    decided_by: Mapped[int | None]
    decided_at: Mapped[datetime | None]


class Carry(Table):
    """An amount, positive or negative, that enters somebody's line of another round.

    It follows from a dispute about a paid line, or is what a line of `from_round_id` could not
    take up. `to_round_id` is null while no round of its currency can take it.
    """

    __tablename__ = "carries"
    __table_args__ = (
        UniqueConstraint("guild_id", "number"),
        Index("ix_carries_to_round", "to_round_id"),
        Index("ix_carries_from_round", "from_round_id"),
    )

    id: Mapped[int] = key()
    guild_id: Mapped[int]
    number: Mapped[int]
    user_id: Mapped[int]
    amount: Mapped[int]
    currency: Mapped[str]
    decimals: Mapped[int]
    from_round_id: Mapped[int] = column(ForeignKey("rounds.id", ondelete="RESTRICT"))
    to_round_id: Mapped[int | None] = column(ForeignKey("rounds.id", ondelete="RESTRICT"))
    dispute_id: Mapped[int | None] = column(ForeignKey("disputes.id", ondelete="RESTRICT"))
    at: Mapped[datetime]
