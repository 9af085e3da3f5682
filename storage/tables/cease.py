"""Proposals to cease or resume somebody's payments, the votes on them, and suspensions."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Text, UniqueConstraint

from storage.tables.base import Table, column, key, partial_index

if TYPE_CHECKING:
    from sqlalchemy.orm import Mapped


class CeaseProposal(Table):
    """A question to the committee: `cease` or `reinstate` somebody's payments.

    `seats` is how many the committee had when it was made: what a majority is counted of.
    """

    __tablename__ = "cease_proposals"
    __table_args__ = (
        UniqueConstraint("guild_id", "number"),
        partial_index(
            "uq_cease_proposals_open",
            "guild_id",
            "user_id",
            unique=True,
            where="state = 'open'",
        ),
    )

    id: Mapped[int] = key()
    guild_id: Mapped[int]
    number: Mapped[int]
    kind: Mapped[str]
    user_id: Mapped[int]
    proposer_id: Mapped[int]
    reason: Mapped[str] = column(type_=Text)
    seats: Mapped[int]
    at: Mapped[datetime]
    ends_at: Mapped[datetime]
    state: Mapped[str]
    decided_at: Mapped[datetime | None]


class CeaseVote(Table):
    """One committee member's yes or no."""

    __tablename__ = "cease_votes"

    proposal_id: Mapped[int] = column(
        ForeignKey("cease_proposals.id", ondelete="RESTRICT"), primary_key=True, autoincrement=False
    )
    voter_id: Mapped[int] = column(primary_key=True, autoincrement=False)
    vote: Mapped[bool]
    at: Mapped[datetime]


class Suspension(Table):
    """Somebody whose payments are held since a decision, waived once it is final.

    It can be disputed until `disputable_until`; `lifted_at` is when payments were resumed.
    """

    __tablename__ = "suspensions"
    __table_args__ = (
        partial_index(
            "uq_suspensions_standing",
            "guild_id",
            "user_id",
            unique=True,
            where="lifted_at IS NULL",
        ),
    )

    id: Mapped[int] = key()
    guild_id: Mapped[int]
    user_id: Mapped[int]
    proposal_id: Mapped[int | None] = column(ForeignKey("cease_proposals.id", ondelete="RESTRICT"))
    actor_id: Mapped[int]
    reason: Mapped[str] = column(type_=Text)
    since: Mapped[datetime]
    disputable_until: Mapped[datetime]
    final_at: Mapped[datetime | None]
    lifted_at: Mapped[datetime | None]
