"""Servers on a database of their own; whatever happened, the record is sound at the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from bot.domain.errors import Kept
from storage.database import Database
from tests.databases import made
from tests.services.world import COMPUTE, START, World

Folders: TypeAlias = pytest.TempPathFactory


@contextmanager
def _filled(folder: Path, *steps: Callable[[World], Awaitable[Any]]) -> Iterator[str]:
    """Make a database to copy: what every test begins with takes longer than most tests."""

    async def fill(url: str) -> None:
        db = Database(url, keep=(Kept,))
        await db.open(now=START)
        world = World(db)
        for step in steps:
            await step(world)
        await db.close()

    with made(folder) as url:
        asyncio.run(fill(url))
        yield url


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: Folders) -> Iterator[str]:
    """Return a migrated database."""
    with _filled(tmp_path_factory.mktemp("empty")) as url:
        yield url


@pytest.fixture(scope="session")
def town_database(tmp_path_factory: Folders) -> Iterator[str]:
    """Return the database of a server that is set up."""
    with _filled(tmp_path_factory.mktemp("town"), World.set_up) as url:
        yield url


@pytest.fixture(scope="session")
def season_database(tmp_path_factory: Folders) -> Iterator[str]:
    """Return the database of a server with an open round."""
    with _filled(tmp_path_factory.mktemp("season"), World.opened) as url:
        yield url


@pytest.fixture(scope="session")
def waiting_database(tmp_path_factory: Folders) -> Iterator[str]:
    """Return the database of a server whose first draft waits."""
    with _filled(tmp_path_factory.mktemp("waiting"), World.opened, World.drafted) as url:
        yield url


@asynccontextmanager
async def _world(template: str, folder: Path, *, now: datetime = START) -> AsyncIterator[World]:
    with made(folder, template) as url:
        world = World(Database(url, keep=(Kept,)), now=now)
        await world.db.open(now=now)
        yield world
        assert await world.faults() == []
        await world.db.close()


@pytest.fixture
async def server(empty_database: str, tmp_path: Path) -> AsyncIterator[World]:
    """Return a server that nobody has set up."""
    async with _world(empty_database, tmp_path) as world:
        yield world


@pytest.fixture
async def town(town_database: str, tmp_path: Path) -> AsyncIterator[World]:
    """Return a server that is set up and has three helpers, without a round."""
    async with _world(town_database, tmp_path) as world:
        yield world


@pytest.fixture
async def season(season_database: str, tmp_path: Path) -> AsyncIterator[World]:
    """Return a server whose first round, 2026-Q1, is open since 10 January 2026, noon."""
    async with _world(season_database, tmp_path) as world:
        yield world


@pytest.fixture
async def waiting(waiting_database: str, tmp_path: Path) -> AsyncIterator[World]:
    """Return a server whose draft of 2026-Q1 waits: Ada 10 h, Ben 4 h."""
    async with _world(waiting_database, tmp_path, now=COMPUTE) as world:
        yield world
