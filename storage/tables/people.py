"""People as last seen, the roster, and who vouched for whom."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey

from storage.tables.base import Table, column, key, partial_index

if TYPE_CHECKING:
    from sqlalchemy.orm import Mapped


class Person(Table):
    """Somebody's name as last seen in a server; a pseudonym since `erased_at` where that is set."""

    __tablename__ = "people"

    guild_id: Mapped[int] = column(primary_key=True, autoincrement=False)
    user_id: Mapped[int] = column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    erased_at: Mapped[datetime | None]


class Helper(Table):
    """One row of the roster.

    `emoji` is what the board shows, `emoji_key` what it is recognised by: unique among those who
    hold it, null for those who gave it up. `dropped_by` is the round whose votes were too few.
    """

    __tablename__ = "helpers"
    __table_args__ = (
        partial_index(
            "uq_helpers_emoji",
            "guild_id",
            "emoji_key",
            unique=True,
            where="emoji_key IS NOT NULL",
        ),
    )

    guild_id: Mapped[int] = column(primary_key=True, autoincrement=False)
    user_id: Mapped[int] = column(primary_key=True, autoincrement=False)
    state: Mapped[str]
    wants_pay: Mapped[bool] = column(default=True)
    since: Mapped[datetime]
    emoji: Mapped[str] = column(default="", server_default="")
    emoji_key: Mapped[str | None]
    dropped_by: Mapped[int | None]


class Proposal(Table):
    """Somebody who was mentioned in the thread of a round, once for each; they decide."""

    __tablename__ = "proposals"

    round_id: Mapped[int] = column(
        ForeignKey("rounds.id", ondelete="RESTRICT"), primary_key=True, autoincrement=False
    )
    user_id: Mapped[int] = column(primary_key=True, autoincrement=False)
    guild_id: Mapped[int]
    proposer_id: Mapped[int]
    at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    accepted: Mapped[bool | None]


class Vouch(Table):
    """One helper's word for somebody, counted per round."""

    __tablename__ = "vouches"

    id: Mapped[int] = key()
    guild_id: Mapped[int] = column(index=True)
    round_id: Mapped[int | None]
    voucher_id: Mapped[int]
    user_id: Mapped[int]
    at: Mapped[datetime]
