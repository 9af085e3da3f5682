"""The mirror of the record in the tick: a fault in one server stops no other."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.jobs import mirror
from bot.services import settings
from tests.services.world import ADA, ROOT, START, World, database


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(database(tmp_path / "stipend.db"))
    await made.db.open(now=START)
    for server in (made, made.elsewhere()):
        await server.opened(log_channel="200000000000000009")
        await server.do(settings.change, ROOT, values={"reminder_hours": "3"})
    yield made
    await made.db.close()


async def test_each_server_is_mirrored(world: World) -> None:
    for _ in range(2):
        await mirror.mirror_all(world.db, clock=lambda: world.now)
    assert len(await world.posts("mirror")) == 1
    assert len(await world.elsewhere().posts("mirror")) == 1


async def test_a_fault_in_one_server_stops_no_other(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await world.log(ADA, "1h")
    async with world.db.write() as session:
        await session.execute(
            text(
                "CREATE TRIGGER fault BEFORE INSERT ON mirrors WHEN NEW.guild_id = "
                f"{world.guild_id} BEGIN SELECT RAISE(ABORT, 'a fault'); END"
            )
        )
    with caplog.at_level(logging.ERROR):
        await mirror.mirror_all(world.db, clock=lambda: world.now)
    assert f"mirroring server {world.guild_id}" in caplog.text
    assert await world.posts("mirror") == []
    assert len(await world.elsewhere().posts("mirror")) == 1


async def test_nothing_outlived_is_nothing_to_erase(world: World) -> None:
    await mirror.erase_outlived(world.db)
    assert await world.record()
