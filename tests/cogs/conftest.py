"""A running bot in a server with its people."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from storage.database import Database
from tests.cogs.town import Town, running
from tests.databases import made


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return a migrated database, to be copied."""

    async def migrate(url: str) -> None:
        database = Database(url)
        await database.open(now=datetime(2026, 1, 1, tzinfo=UTC))
        await database.close()

    with made(tmp_path_factory.mktemp("empty")) as url:
        asyncio.run(migrate(url))
        yield url


@pytest.fixture
async def town(tmp_path: Path, empty_database: str) -> AsyncIterator[Town]:
    """Return a town with a bot that is not set up; no incident may be answered or logged."""
    with made(tmp_path, empty_database) as url:
        async with running(url) as town:
            yield town
