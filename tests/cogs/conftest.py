"""A running bot in a server with its people."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from storage.database import Database
from tests.cogs.town import Town, database_url, running


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a migrated database, to be copied."""
    folder = tmp_path_factory.mktemp("empty")

    async def migrate() -> None:
        database = Database(database_url(folder))
        await database.open(now=datetime(2026, 1, 1, tzinfo=UTC))
        await database.close()

    asyncio.run(migrate())
    return folder / "stipend.db"


@pytest.fixture
async def town(tmp_path: Path, empty_database: Path) -> AsyncIterator[Town]:
    """Return a town with a bot that is not set up; no incident may be answered or logged."""
    shutil.copyfile(empty_database, tmp_path / empty_database.name)
    async with running(database_url(tmp_path)) as made:
        yield made
