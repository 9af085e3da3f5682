"""Servers on a database file of their own; whatever happened, the record is sound at the end."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.services.world import COMPUTE, START, World, database


def _made(path: Path, *steps: Callable[[World], Awaitable[Any]]) -> Path:
    """Make a file to copy: what every test begins with takes longer than most tests."""

    async def make() -> None:
        db = database(path)
        await db.open(now=START)
        world = World(db)
        for step in steps:
            await step(world)
        await db.close()

    asyncio.run(make())
    return path


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a migrated file."""
    return _made(tmp_path_factory.mktemp("empty") / "stipend.db")


@pytest.fixture(scope="session")
def town_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a server that is set up."""
    return _made(tmp_path_factory.mktemp("town") / "stipend.db", World.set_up)


@pytest.fixture(scope="session")
def season_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a server with an open round."""
    return _made(tmp_path_factory.mktemp("season") / "stipend.db", World.opened)


@pytest.fixture(scope="session")
def waiting_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a server whose first draft waits."""
    path = tmp_path_factory.mktemp("waiting") / "stipend.db"
    return _made(path, World.opened, World.drafted)


@asynccontextmanager
async def _world(path: Path, folder: Path, *, now: datetime = START) -> AsyncIterator[World]:
    world = World(database(Path(shutil.copy(path, folder))), now=now)
    await world.db.open(now=now)
    yield world
    assert await world.faults() == []
    await world.db.close()


@pytest.fixture
async def server(empty_file: Path, tmp_path: Path) -> AsyncIterator[World]:
    """Return a server that nobody has set up."""
    async with _world(empty_file, tmp_path) as world:
        yield world


@pytest.fixture
async def town(town_file: Path, tmp_path: Path) -> AsyncIterator[World]:
    """Return a server that is set up and has three helpers, without a round."""
    async with _world(town_file, tmp_path) as world:
        yield world


@pytest.fixture
async def season(season_file: Path, tmp_path: Path) -> AsyncIterator[World]:
    """Return a server whose first round, 2026-Q1, is open since 10 January 2026, noon."""
    async with _world(season_file, tmp_path) as world:
        yield world


@pytest.fixture
async def waiting(waiting_file: Path, tmp_path: Path) -> AsyncIterator[World]:
    """Return a server whose draft of 2026-Q1 waits: Ada 10 h, Ben 4 h."""
    async with _world(waiting_file, tmp_path, now=COMPUTE) as world:
        yield world
