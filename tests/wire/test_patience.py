"""Discord asks for more patience than a request has: what waits is asked for when it permits it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot import client
from bot.jobs.delivery import RESTS
from tests.databases import database_of
from tests.services.world import ADA, CLOSE, HOUR, MINUTE, START, World
from tests.wire import faults
from tests.wire.fake_discord import COMMITTEE, COMMITTEE_ROLE, OWNER, SERVER, FakeDiscord
from tests.wire.faults import ALWAYS, Fault
from tests.wire.test_delivery import cards, waiting
from tests.wire.town import Town, a_connected_bot, a_town, until

LONG = 2 * HOUR


def patience(town: Town, method: str, part: str, scope: str = "user") -> Fault:
    """Let Discord ask for two hours of patience with every request of a kind."""
    answer = faults.rate_limited(scope, LONG.total_seconds())
    return town.fake.fail(answer, method=method, part=part, times=ALWAYS)


async def ticks(town: Town, until: timedelta = LONG, every: timedelta = 30 * MINUTE) -> None:
    """Let so much time go by, less a minute."""
    for _ in range(until // every - 1):
        await town.tick(every)
    await town.tick(every - MINUTE)


async def press(town: Town, command: str, options: dict[str, Any], *, user: int) -> str:
    """Use a command and return its answer."""
    number = await town.fake.press(
        command, options, user=user, at=town.world.now.timestamp(), roles=()
    )
    return await town.fake.answer_to(number)


# ---------------------------------------------------------------- posts


async def test_a_channel_that_discord_closes_for_hours_is_asked_once_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_town(tmp_path, monkeypatch) as town:
        await town.tick()
        asked = patience(town, "POST", f"/channels/{town.thread}/messages", "global")
        assert "logged" in await town.log()
        await until(lambda: asked.met)
        assert "logged" in await town.log("2h")
        assert await town.bot.deliver(SERVER) == dict.fromkeys(("entry:1", "entry:2"), RESTS)
        await town.bot.delivery._tell_admins(SERVER, "x", "said elsewhere")
        await ticks(town)
        assert asked.met == 1
        assert waiting(town) == ["card", "card"]
        assert any("said elsewhere" in text for text in town.fake.texts(COMMITTEE))
        town.fake.faults.clear()
        await town.tick(MINUTE)
        assert (waiting(town), cards(town)) == ([], ["#1 · 1 h", "#2 · 2 h"])
        assert town.rows("SELECT count(*) FROM posts WHERE kind = 'notice'") == [(1,)]


async def test_changes_that_have_to_wait_keep_no_new_message_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_town(tmp_path, monkeypatch) as town:
        await town.tick()
        await town.log()
        await until(lambda: cards(town))
        asked = patience(town, "PATCH", f"/channels/{town.thread}/messages")
        await press(town, "hours edit", {"entry": "1", "duration": "3h"}, user=ADA.user_id)
        await until(lambda: asked.met)
        assert "logged" in await town.log("2h")
        await until(lambda: cards(town) == ["#1 · 1 h", "#2 · 2 h"])
        town.fake.faults.clear()
        await town.tick(LONG)
        assert cards(town) == ["#1 · 3 h", "#2 · 2 h"]


async def test_a_thread_that_may_not_be_opened_for_hours_is_opened_after_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_town(tmp_path, monkeypatch) as town:
        await town.tick()
        asked = patience(town, "PATCH", f"/channels/{town.thread}")
        await town.fake.archive(town.thread)
        await until(lambda: asked.met)
        await ticks(town)
        assert asked.met == 1
        town.fake.faults.clear()
        await town.tick(MINUTE)
        assert town.thread not in town.fake.archived


# ---------------------------------------------------------------- reactions


async def test_emoji_that_have_to_wait_for_hours_are_put_on_the_board_after_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_town(tmp_path, monkeypatch) as town:
        asked = patience(town, "PUT", "/reactions/")
        await town.tick()
        await ticks(town)
        assert asked.met <= 2  # once an hour
        assert town.rows("SELECT 1 FROM places WHERE seeded_at IS NOT NULL") == []
        town.fake.faults.clear()
        await town.tick(HOUR)
        assert town.rows("SELECT 1 FROM places WHERE seeded_at IS NULL") == []
        assert town.rows("SELECT 1 FROM posts WHERE kind = 'notice'") == []


async def test_a_count_that_has_to_wait_for_hours_is_made_after_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_town(tmp_path, monkeypatch) as town:
        await town.tick()
        _, message, emoji = town.place
        town.fake.reactors[message, emoji][0].add(5001)
        asked = patience(town, "GET", "/reactions/")
        town.world.now = CLOSE
        await town.tick()
        await ticks(town)
        assert asked.met == 1
        assert town.rows("SELECT 1 FROM rounds WHERE counted_at IS NOT NULL") == []
        town.fake.faults.clear()
        await town.tick(MINUTE)
        assert town.rows("SELECT label FROM rounds WHERE counted_at IS NOT NULL") == [("2026-Q1",)]
        assert town.thanked() == {5001}


# ---------------------------------------------------------------- commands


async def test_a_command_that_discord_keeps_waiting_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_town(tmp_path, monkeypatch, helper_role=str(COMMITTEE_ROLE)) as town:
        patience(town, "GET", "/emojis/")
        patience(town, "PUT", f"/roles/{COMMITTEE_ROLE}")
        joining = {"emoji": "<:ada:123456789012345678>"}
        told = "Discord asks the bot to wait, so this was not done. Try again in 120 min."
        assert await press(town, "helper join", joining, user=ADA.user_id) == told
        answer = await press(town, "helper add", {"user": 77}, user=OWNER)
        assert "Discord lets the bot change no roles for a while" in answer
        assert "is a helper now" in answer


async def test_commands_that_may_not_be_registered_for_hours_are_registered_after_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(database_of(tmp_path), guild_id=SERVER)
    await world.db.open(now=START)
    async with FakeDiscord() as fake:
        asked = fake.fail(faults.rate_limited("user", 7200), part="/commands", method="PUT")
        async with a_connected_bot(tmp_path, monkeypatch, fake, world) as town:
            await fake.until_ready()
            await town.bot.wait_until_ready()
            assert (asked.met, fake.commands) == (1, [])
            await town.bot._register_in(0)
            assert fake.commands
    await world.db.close()


async def test_a_fault_while_commands_are_registered_late_is_told_and_they_are_registered_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(client, "REGISTER_AGAIN_SECONDS", 0.0)
    world = World(database_of(tmp_path), guild_id=SERVER)
    await world.db.open(now=START)
    async with FakeDiscord() as fake:
        fake.fail(faults.rate_limited("user", 7200), part="/commands", method="PUT")
        async with a_connected_bot(tmp_path, monkeypatch, fake, world) as town:
            await fake.until_ready()
            await town.bot.wait_until_ready()
            refused = fake.fail(faults.error(403), part="/commands", method="PUT")
            await town.bot._register_in(0)
            assert (refused.met, bool(fake.commands)) == (1, True)
    assert "registering the commands" in caplog.text
    await world.db.close()
