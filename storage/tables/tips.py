"""The tip jar: tips without a person, and what the funder adds to them."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Text, UniqueConstraint

from storage.tables.base import Table, column, key, partial_index

if TYPE_CHECKING:
    from sqlalchemy.orm import Mapped


class Tip(Table):
    """One amount put into the jar of a round, on a day; numbered per server.

    `from_round_id` is the round whose jar nobody could receive, null for a tip.
    """

    __tablename__ = "tips"
    __table_args__ = (
        UniqueConstraint("guild_id", "number"),
        partial_index(
            "uq_tips_reference",
            "guild_id",
            "reference",
            unique=True,
            where="reference <> '' AND taken_back_at IS NULL",
        ),
        partial_index(
            "uq_tips_from_round",
            "from_round_id",
            unique=True,
            where="from_round_id IS NOT NULL AND taken_back_at IS NULL",
        ),
    )

    id: Mapped[int] = key()
    guild_id: Mapped[int]
    number: Mapped[int]
    round_id: Mapped[int] = column(ForeignKey("rounds.id", ondelete="RESTRICT"), index=True)
    amount: Mapped[int]
    day: Mapped[date]
    reference: Mapped[str] = column(type_=Text)
    from_round_id: Mapped[int | None] = column(ForeignKey("rounds.id", ondelete="RESTRICT"))
    taken_back_at: Mapped[datetime | None]


class Match(Table):
    """What the funder adds to the tips of a round: `percent` (basis points) or a `lump` sum."""

    __tablename__ = "matches"

    round_id: Mapped[int] = column(
        ForeignKey("rounds.id", ondelete="RESTRICT"), primary_key=True, autoincrement=False
    )
    kind: Mapped[str]
    value: Mapped[int]
    limit_amount: Mapped[int | None]
