"""Mirroring the record into the log channel, and erasing what a closed batch need not keep."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from bot.services import audit, mydata
from bot.ui.answers import incident
from storage.database import Database

log = logging.getLogger(__name__)


async def mirror_all(db: Database, *, clock: Callable[[], datetime]) -> None:
    """Prepare what the log channels do not have yet; a fault in one server stops no other."""
    known = await db.peek(audit.servers)
    if not known:
        return
    async with db.read() as session:
        servers = [each for each in known if await audit.is_behind(session, each)]
    for guild_id in servers:
        try:
            async with db.write() as session:
                await audit.mirror(session, guild_id, now=clock())
        except Exception:
            log.exception("incident %s: mirroring server %d", incident(), guild_id)


async def erase_outlived(db: Database) -> None:
    """Erase the addresses that were kept for a batch only, once that is closed."""
    if not await db.peek(mydata.has_outlived):
        return
    async with db.write() as session:
        await mydata.erase_outlived(session)
