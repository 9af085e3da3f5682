"""People as last seen, the roster, and who vouched for whom."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from storage.tables.base import Table, key


class Person(Table):
    """Somebody's name as last seen in a server."""

    __tablename__ = "people"

    guild_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]


class Helper(Table):
    """One row of the roster."""

    __tablename__ = "helpers"

    guild_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    state: Mapped[str]
    wants_pay: Mapped[bool] = mapped_column(default=True)
    since: Mapped[datetime]


class Vouch(Table):
    """One helper's word for somebody, counted per round."""

    __tablename__ = "vouches"

    id: Mapped[int] = key()
    guild_id: Mapped[int] = mapped_column(index=True)
    round_id: Mapped[int | None]
    voucher_id: Mapped[int]
    user_id: Mapped[int]
    at: Mapped[datetime]
