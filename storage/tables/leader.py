"""Who does what one process does for all."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from storage.tables.base import Table, column

if TYPE_CHECKING:
    from sqlalchemy.orm import Mapped


class Leader(Table):
    """One leadership: its newest term, whose it is, and when that one was last seen.

    Each new leader has a higher term; what is written in the name of an older one is refused.
    """

    __tablename__ = "leaders"

    name: Mapped[str] = column(primary_key=True)
    term: Mapped[int]
    holder: Mapped[str]
    seen_at: Mapped[datetime]
