"""Settings of servers, in versions, and facts about the program itself."""

from datetime import datetime

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from storage.tables.base import Table


class PolicyVersion(Table):
    """One change of one setting: the whole document as it stood after it."""

    __tablename__ = "policy_versions"

    guild_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    document: Mapped[str] = mapped_column(Text)
    actor_id: Mapped[int]
    at: Mapped[datetime]


class Meta(Table):
    """A fact about this installation, such as which commands were registered last."""

    __tablename__ = "meta"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(Text)
