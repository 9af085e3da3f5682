"""Payout addresses, and batches of payments that were handed to a wallet."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Index, UniqueConstraint

from storage.tables.base import Table, column, key, partial_index

if TYPE_CHECKING:
    from sqlalchemy.orm import Mapped


class Address(Table):
    """An address that somebody set; earlier ones stay, as a line keeps the one of its close.

    `kind` is `evm` or `ss58`, `public_key` what two spellings of one address share, in hex.
    """

    __tablename__ = "addresses"
    __table_args__ = (Index("ix_addresses_user", "guild_id", "user_id"),)

    id: Mapped[int] = key()
    guild_id: Mapped[int]
    user_id: Mapped[int]
    kind: Mapped[str]
    address: Mapped[str]
    public_key: Mapped[str]
    set_at: Mapped[datetime]
    cleared_at: Mapped[datetime | None]


class Batch(Table):
    """A numbered list of payments of one published version: open, paid or cancelled."""

    __tablename__ = "batches"
    __table_args__ = (
        UniqueConstraint("guild_id", "number"),
        partial_index(
            "uq_batches_open",
            "round_id",
            unique=True,
            where="state = 'open'",
        ),
    )

    id: Mapped[int] = key()
    guild_id: Mapped[int]
    number: Mapped[int]
    round_id: Mapped[int] = column(ForeignKey("rounds.id", ondelete="RESTRICT"))
    version: Mapped[int]
    state: Mapped[str]
    actor_id: Mapped[int]
    at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class BatchItem(Table):
    """One payment of a batch, with the amount and address as they were handed over.

    `amount` is in the smallest unit of the currency that is paid, `decimals` its decimal places.
    """

    __tablename__ = "batch_items"

    batch_id: Mapped[int] = column(
        ForeignKey("batches.id", ondelete="RESTRICT"), primary_key=True, autoincrement=False
    )
    user_id: Mapped[int] = column(primary_key=True, autoincrement=False)
    amount: Mapped[int]
    decimals: Mapped[int]
    address: Mapped[str]
