"""The record chain, the texts behind its digests, and which interactions were carried out."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Text

from storage.tables.base import Key, Table, column, key

if TYPE_CHECKING:
    from sqlalchemy.orm import Mapped


class RecordRow(Table):
    """One row of a server's record; `data` is canonical JSON."""

    __tablename__ = "record"

    guild_id: Mapped[int] = column(primary_key=True, autoincrement=False)
    number: Mapped[int] = column(primary_key=True, autoincrement=False)
    time: Mapped[str]
    actor: Mapped[str]
    acting_for: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    data: Mapped[str] = column(type_=Text)
    previous: Mapped[str]
    hash: Mapped[str]


class Opening(Table):
    """The salt and text behind a digest in the record; erasing it leaves the chain intact."""

    __tablename__ = "openings"

    guild_id: Mapped[int] = column(primary_key=True, autoincrement=False)
    number: Mapped[int] = column(primary_key=True, autoincrement=False)
    field: Mapped[str] = column(primary_key=True)
    salt: Mapped[str]
    text: Mapped[str] = column(type_=Text)


class Mirror(Table):
    """Up to which number a server's record was posted to its log channel."""

    __tablename__ = "mirrors"

    guild_id: Mapped[int] = column(primary_key=True, autoincrement=False)
    number: Mapped[int]


class Claim(Table):
    """An interaction that was carried out; a second process with the same token does nothing."""

    __tablename__ = "claims"

    interaction_id: Mapped[int] = column(type_=Key, primary_key=True, autoincrement=False)
    at: Mapped[datetime]


class Confirmation(Table):
    """A question put to one person before something that cannot simply be taken back."""

    __tablename__ = "confirmations"

    id: Mapped[int] = key()
    guild_id: Mapped[int]
    user_id: Mapped[int]
    act: Mapped[str]
    facts: Mapped[str] = column(type_=Text)
    at: Mapped[datetime]
