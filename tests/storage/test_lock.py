"""One process per SQLite file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bot import copies
from bot.settings import Settings
from storage.database import Database, DatabaseUnusable
from storage.lock import InUse, locked

TEMPORARY = 75


def database(path: Path) -> Database:
    return Database(f"sqlite+aiosqlite:///{path}")


def test_a_file_has_one_process_until_that_lets_go_of_it(tmp_path: Path) -> None:
    path = tmp_path / "stipend.db"
    with locked(database(path)):
        with pytest.raises(InUse, match=r"stipend\.db is used by another process"):
            locked(database(path)).__enter__()
        with locked(database(tmp_path / "other.db")):
            pass
    with locked(database(path)):
        pass


def test_another_way_to_the_same_file_is_the_same_file(tmp_path: Path) -> None:
    path, link = tmp_path / "stipend.db", tmp_path / "link.db"
    path.touch()
    link.symlink_to(path)
    with locked(database(path)), pytest.raises(InUse):
        locked(database(link)).__enter__()


def test_a_database_that_is_in_use_is_not_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "stipend.db"
    with locked(database(path)):
        settings = Settings(database_url=f"sqlite+aiosqlite:///{path}")
        assert copies.restore(settings, tmp_path / "copy.db") == TEMPORARY
    assert "is used by another process of Stipend; stop it first" in capsys.readouterr().err


@pytest.mark.parametrize("url", ("sqlite+aiosqlite://", "postgresql+asyncpg://host/stipend"))
def test_memories_and_servers_need_no_lock(url: str) -> None:
    with locked(Database(url)), locked(Database(url)):
        pass


def test_where_no_lock_can_be_put_the_reason_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnusable, match="there is no folder"):
        locked(database(tmp_path / "nowhere" / "stipend.db")).__enter__()
    path = tmp_path / "stipend.db"
    os.mkdir(f"{path}.lock")  # noqa: PTH102 - a name, not a path, is in the way
    with pytest.raises(DatabaseUnusable, match="Is a directory"):
        locked(database(path)).__enter__()
