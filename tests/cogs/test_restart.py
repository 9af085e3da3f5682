"""Stopping and starting: nothing is lost, nothing is said twice, what is late is done once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cogs.town import LATE, Town, database_url, new_bot, running

pytestmark = pytest.mark.untraced


def everything_said(town: Town) -> dict[str, list[str]]:
    places = [town.support, town.committee, *town.support.threads]
    return {place.name: town.said(place) for place in places}


async def test_a_restart_says_nothing_twice(town: Town) -> None:
    await town.open()
    await town.draft()
    await town.publish()
    await town.press(town.carol, town.committee, "payout paid", reference="0x1")
    said = everything_said(town)
    for _ in range(2):
        await town.restart()
        await town.tick()
        await town.tick()
        assert everything_said(town) == said


async def test_a_restart_registers_no_commands_again_and_they_work(town: Town) -> None:
    await town.open()

    def registrations() -> int:
        return sum(
            request.method == "PUT" and request.path.endswith("/commands")
            for request in town.env.http_requests
        )

    assert registrations() == 1
    await town.restart()
    assert registrations() == 1
    assert "**#1: 1 h** logged" in await town.log_hours(town.alice, "1h")


async def test_commands_that_discord_lost_are_registered_again(town: Town) -> None:
    town.env.backend.register_commands(None, [])
    await town.restart()
    assert "Stipend" in await town.press(town.stranger, town.support, "about")


async def test_forty_days_over_the_end_of_a_quarter_are_made_up_for_once_and_in_order(
    town: Town,
) -> None:
    await town.open()
    await town.until(2026, 3, 10)
    await town.log_hours(town.alice, "40h")
    await town.bot.close()
    await town.env.advance_time(40 * 86_400)
    await town.restart()
    for _ in range(3):
        await town.tick()

    thread = town.said(town.thread("2026-Q1"))[1:]  # after the card
    assert [text.startswith(LATE) for text in thread] == [True, True]
    assert "This was the call for the hours of 2026-Q1" in thread[0]
    assert "**2026-Q1 is closed**" in thread[1]
    announced = town.said(town.support)
    assert [text.splitlines()[0] for text in announced] == ["Support 2026-Q1", "Support 2026-Q2"]
    assert LATE.strip() in announced[1]
    (draft,) = town.said(town.committee)  # the notes of days long past are skipped
    assert draft.startswith(LATE)
    assert "**The draft of 2026-Q1 is ready.**" in draft
    assert town.sql("SELECT name, late, skipped FROM acts ORDER BY due_at, name") == [
        ("call", 1, 0),
        ("close", 1, 0),
        ("compute", 1, 0),
    ]
    assert "logged in 2026-Q2" in await town.log_hours(town.alice, "1h")
    await town.publish()
    assert "**200.00 USD**" in await town.press(town.stranger, town.support, "payout show")


async def test_what_waits_in_the_outbox_is_said_after_the_start(town: Town) -> None:
    await town.open()
    town.env.inject_error("POST", "/channels/*/messages", status=503, times=None)
    await town.log_hours(town.alice, "1h")
    assert town.posts(town.thread("2026-Q1")) == []
    town.env.backend.faults.clear()
    await town.restart()
    await town.tick()
    assert len(town.posts(town.thread("2026-Q1"))) == 1


async def test_a_channel_that_refuses_is_asked_once_after_a_start(town: Town) -> None:
    await town.open()
    await town.forbid(town.support, send_messages_in_threads=True)
    for who in (town.alice, town.bob, town.alice):
        await town.log_hours(who, "1h")
    await town.restart()
    before = len(town.env.http_requests)
    await town.tick()
    thread = town.thread("2026-Q1")
    asked = [
        request
        for request in town.env.http_requests[before:]
        if request.method == "POST" and request.path.endswith(f"/channels/{thread.id}/messages")
    ]
    assert len(asked) == 1
    assert len(town.said(town.committee)) == 1
    await town.permit(town.support)
    await town.press(town.admin, town.support, "setup")
    assert len(town.posts(thread)) == 3


async def test_a_bot_with_a_schedule_catches_up_when_it_is_ready(town: Town) -> None:
    await town.open()
    await town.bot.close()
    await town.env.advance_time(80 * 86_400)
    town.bot = new_bot(town.url, schedule=True)
    await town.env.restart_bot(town.bot)
    await town.env.settle()
    (said,) = town.said(town.thread("2026-Q1"))
    assert said.startswith("*This comes late: the bot was away.* **Last call for the hours")


async def test_the_same_database_works_with_a_discord_that_has_forgotten_everything(
    tmp_path: Path,
) -> None:
    url = database_url(tmp_path)
    async with running(url) as town:
        await town.open()
        await town.until(2026, 1, 20)
        await town.log_hours(town.alice, "40h")
    async with running(url) as town:  # same ids, but no messages and no threads
        await town.env.advance_time(30 * 86_400)
        answer = await town.press(town.alice, town.support, "hours list")
        assert "`#1` 40 h" in answer
        logged = await town.log_hours(town.alice, "2h")
        assert "**#2: 2 h** logged" in logged
        assert "The entry counts all the same." in logged
        await town.until(2026, 3, 31, 20)
        assert town.thread("2026-Q2")
        assert "**210.00 USD**" in await town.press(town.carol, town.committee, "payout preview")
        await town.publish()
        assert "Statement 2026-Q1" in town.said(town.support)[-1]


async def test_two_bots_over_one_database_do_everything_once(town: Town) -> None:
    """A second process by mistake: it has its own connection and does the same acts."""
    await town.open()
    other: Any = new_bot(town.url)
    await other.db.open(now=town.now)
    await town.env.advance_time(90 * 86_400)
    with town.env.time_context():
        await other.ticker._advance(town.guild.id)
    await town.tick()
    await other.db.close()
    assert town.sql("SELECT name, count(*) FROM acts GROUP BY name HAVING count(*) > 1") == []
    assert [text.splitlines()[0] for text in town.said(town.support)] == [
        "Support 2026-Q1",
        "Support 2026-Q2",
    ]
