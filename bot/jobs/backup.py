"""The daily backup: a verified copy of a SQLite file, and an end to the oldest ones.

A copy is made under another name, verified, and on the disk before it counts; only then are older
ones deleted. What goes wrong is logged and tried again, and keeps nothing else waiting.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path

from bot.domain import backups
from bot.settings import Settings
from bot.ui.answers import incident
from storage import policy as installation
from storage.database import Database, DatabaseUnusable, copy_file

log = logging.getLogger(__name__)

META = "backup"
UNFINISHED = ".unfinished"


class Backups:
    """Makes a copy a day, and remembers in the database when one was verified."""

    def __init__(
        self,
        db: Database,
        settings: Settings,
        *,
        clock: Callable[[], datetime],
        failed: Callable[[str], None],
    ) -> None:
        self._db = db
        self._folder = settings.backup_folder
        self._keep = settings.backup_keep
        self._clock = clock
        self._count_failure = failed
        self._failed: datetime | None = None
        self._told = False

    async def make_due(self) -> Path | None:
        """Make the copy of the day where it is due; return it, None where nothing was made."""
        if not self._folder or not self._can_copy():
            return None
        now = self._clock()
        try:
            newest = await self._db.peek(partial(installation.meta, name=META))
            if not backups.is_due(newest=_instant(newest), failed=self._failed, now=now):
                return None
            return await self._make(now)
        except Exception as error:  # noqa: BLE001 - whatever it is, the tick goes on
            self._failed = now
            self._count_failure(META)
            log.error(  # noqa: TRY400 - one line, as for every fault of a disk
                "incident %s: no backup in %s: %s", incident(), self._folder, _one_line(error)
            )
            return None

    async def _make(self, now: datetime) -> Path:
        copy = await asyncio.to_thread(
            _copy, self._db.require_file(), Path(self._folder), backups.name_of(now)
        )
        made = partial(installation.set_meta, name=META, value=now.isoformat())
        await self._db.express(made)
        gone = await asyncio.to_thread(_delete_surplus, copy.parent, self._keep)
        log.info("backup %s: %d bytes, %d older deleted", copy, copy.stat().st_size, gone)
        self._failed = None
        return copy

    def _can_copy(self) -> bool:
        if self._db.path is not None:
            return True
        if not self._told:
            log.warning("backup_folder is for a SQLite file: use pg_dump for this database")
            self._told = True
        return False


def _copy(source: Path, folder: Path, name: str) -> Path:
    """Copy, verify, and bring to the disk; only then does it have the name of a copy."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for leftover in folder.glob(f"stipend-*{UNFINISHED}*"):
        leftover.unlink()
    target, unfinished = folder / name, folder / f"{name}{UNFINISHED}"
    if target.exists():
        raise DatabaseUnusable(f"{target} exists already")
    copy_file(source, unfinished)
    unfinished.chmod(0o600)
    _to_disk(unfinished)
    unfinished.replace(target)
    _to_disk(folder)
    return target


def _to_disk(path: Path) -> None:
    """Wait until it survives a power cut: SQLite does not wait for that when it copies."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _delete_surplus(folder: Path, keep: int) -> int:
    surplus = backups.surplus((path.name for path in folder.iterdir()), keep=keep)
    for name in surplus:
        (folder / name).unlink(missing_ok=True)
    return len(surplus)


def _instant(stored: str | None) -> datetime | None:
    """Read the stored instant; what cannot be read is none."""
    with contextlib.suppress(ValueError):
        return datetime.fromisoformat(stored or "")
    return None


def _one_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
