"""`backup FILE` and `restore FILE`: verified copies of the database."""

from __future__ import annotations

import itertools
import shutil
import sys
from pathlib import Path

from bot.settings import Settings
from storage.database import Database, DatabaseUnusable, copy_file, verify_file
from storage.lock import InUse, locked

OK, TEMPORARY, CONFIGURATION = 0, 75, 78


def backup(settings: Settings, target: Path) -> int:
    """Write a consistent, verified copy, also while the bot runs."""
    try:
        copy_file(Database(settings.database_url).require_file(), target)
    except DatabaseUnusable as error:
        print(f"stipend: {error}", file=sys.stderr)
        return CONFIGURATION
    print(f"{target}: a verified copy, {target.stat().st_size} bytes")
    return OK


def restore(settings: Settings, source: Path) -> int:
    """Put a copy in the place of the database; what was there is kept beside it.

    It is refused while the bot runs on that database.
    """
    try:
        database = Database(settings.database_url)
        path = database.require_file()
        with locked(database):
            kept = _replace(path, source)
    except InUse as error:
        print(f"stipend: {error}", file=sys.stderr)
        return TEMPORARY
    except (DatabaseUnusable, OSError) as error:
        print(f"stipend: {error}", file=sys.stderr)
        return CONFIGURATION
    print(f"{path}: restored from {source} (an older copy is brought up to date at the next start)")
    if kept is not None:
        print(f"What was there before is in {kept}")
    return OK


def _replace(path: Path, source: Path) -> Path | None:
    """Replace the database by a sound copy of the source; return where the old one is kept."""
    if not source.is_file():
        raise DatabaseUnusable(f"{source}: there is no such file")
    if verify_file(source) is None:
        raise DatabaseUnusable(f"{source} is no database of Stipend")
    fresh = path.with_name(f"{path.name}.restoring")
    fresh.unlink(missing_ok=True)
    copy_file(source, fresh)
    kept = _keep(path)
    fresh.replace(path)
    return kept


def _keep(path: Path) -> Path | None:
    """Set the present database aside; a journal beside it belongs to it."""
    if not path.exists():
        return None
    names = (path.with_name(f"{path.name}.replaced-{number}.bak") for number in itertools.count(1))
    kept = next(name for name in names if not name.exists())
    for suffix in ("", "-journal", "-wal", "-shm"):
        beside = path.with_name(path.name + suffix)
        if beside.exists():
            shutil.move(beside, kept.with_name(kept.name + suffix))
    return kept
