"""Settings of servers, in versions, and facts about the program itself."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Text

from storage.tables.base import Table, column

if TYPE_CHECKING:
    from sqlalchemy.orm import Mapped


class PolicyVersion(Table):
    """One change of one setting: the whole document as it stood after it."""

    __tablename__ = "policy_versions"

    guild_id: Mapped[int] = column(primary_key=True, autoincrement=False)
    version: Mapped[int] = column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    document: Mapped[str] = column(type_=Text)
    actor_id: Mapped[int]
    at: Mapped[datetime]


class Meta(Table):
    """A fact about this installation, such as which commands were registered last."""

    __tablename__ = "meta"

    name: Mapped[str] = column(primary_key=True)
    value: Mapped[str] = column(type_=Text)
