"""Messages where people are supported: noted without their content, compared, forgotten."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.jobs import activity as job
from tests.cogs.town import Town, text_of

MINUTE, HOUR = 60, 3600


def kept(town: Town) -> list[tuple[int, int, int | None]]:
    """Author, channel and whom it answers, of every message that is kept."""
    rows = town.sql("SELECT user_id, channel_id, reply_to FROM activity ORDER BY message_id")
    return [(row[0], row[1], row[2]) for row in rows]


async def opened(town: Town, **values: str) -> Any:
    """Open a round and return its thread; nothing is kept yet."""
    await town.open(**{"reminder_hours": "0", **values})
    await town.tick()
    assert kept(town) == []
    return town.thread("2026-Q1")


async def test_messages_are_kept_without_what_they_say(town: Town) -> None:
    thread = await opened(town)
    question = await town.stranger.send(town.support, "My secret node is stuck.")
    await town.alice.send(town.support, "Restart it.", reply_to=question)
    await town.bob.send(thread, "Good morning.")
    await town.tick()
    assert kept(town) == [
        (town.stranger.id, town.support.id, None),
        (town.alice.id, town.support.id, town.stranger.id),
        (town.bob.id, thread.id, None),
    ]
    assert b"secret" not in open_file(town)


def open_file(town: Town) -> bytes:
    return Path(town.url.removeprefix("sqlite+aiosqlite:///")).read_bytes()


async def test_other_channels_bots_webhooks_and_notices_are_not_kept(town: Town) -> None:
    await opened(town)
    robot = town.guild.add_member(town.env.create_user("robot", bot=True))
    await robot.send(town.support, "I am here.")
    await town.guild.create_webhook(town.support, "alice").send("I helped!")
    await town.alice.send(town.committee, "Between us.")
    await town.tick()
    assert kept(town) == []


async def test_nothing_is_kept_before_the_first_round(town: Town) -> None:
    await town.alice.send(town.support, "Hello.")
    await town.tick()
    await opened(town)
    await town.tick()
    assert kept(town) == []


async def test_an_edited_message_is_one_and_a_deleted_one_is_none(town: Town) -> None:
    await opened(town)
    first = await town.alice.send(town.support, "One.")
    await town.alice.edit(first, "One, better.")
    second = await town.alice.send(town.support, "Two.")
    await town.tick()
    assert len(kept(town)) == 2
    third = await town.alice.send(town.support, "Three.")
    await town.alice.delete(second)
    await town.alice.delete(third)
    await town.tick()
    assert [row[0] for row in town.sql("SELECT message_id FROM activity")] == [first.id]


async def test_messages_deleted_together_leave_no_trace(town: Town) -> None:
    await opened(town)
    messages = [await town.alice.send(town.support, f"{number}") for number in range(3)]
    await town.tick()
    town.env.backend.bulk_delete_messages(town.support.id, [each.id for each in messages[:2]])
    await town.env.settle()
    await town.tick()
    assert len(kept(town)) == 1


async def test_five_hundred_messages_at_once_are_kept(town: Town) -> None:
    await opened(town)
    for number in range(500):
        town.env.backend.create_message(town.support.id, town.alice.id, f"message {number}")
    await town.env.settle()
    assert len(kept(town)) >= 200, "so many are not kept waiting"
    await town.tick()
    assert len(kept(town)) == 500


async def test_what_was_noted_is_written_at_the_end(town: Town) -> None:
    await opened(town)
    await town.alice.send(town.support, "Good night.")
    assert kept(town) == []
    await town.restart()
    assert [row[0] for row in kept(town)] == [town.alice.id]
    await town.alice.send(town.support, "Good morning.")
    await town.tick()
    assert len(kept(town)) == 2


async def test_messages_around_the_close_belong_to_the_round_of_their_time(town: Town) -> None:
    await opened(town)
    await town.until(2026, 3, 29, 23, 59)
    await town.alice.send(town.support, "Just before.")
    await town.env.advance_time(2 * MINUTE)
    await town.alice.send(town.support, "Just after.")
    await town.tick()
    await town.tick()
    rows = town.sql(
        "SELECT label FROM activity JOIN rounds ON rounds.id = round_id ORDER BY message_id"
    )
    assert [row[0] for row in rows] == ["2026-Q1", "2026-Q2"]


async def test_what_is_older_than_the_setting_is_deleted_once_a_day(town: Town) -> None:
    await opened(town, activity_days="2")
    await town.alice.send(town.support, "Day 0.")
    await town.later(days=1)
    await town.bob.send(town.support, "Day 1.")
    await town.later(HOUR)
    assert len(kept(town)) == 2
    await town.later(days=1)
    assert [row[0] for row in kept(town)] == [town.bob.id]
    await town.later(days=1)
    assert kept(town) == []


async def test_the_preview_shows_visible_time_beside_what_is_claimed(town: Town) -> None:
    await opened(town)
    await town.log_hours(town.alice, "10h")
    answer = await town.press(town.carol, town.committee, "payout preview")
    assert answer.buttons == []
    for pause in (0, 10, 14, 26, 10):
        await town.env.advance_time(pause * MINUTE)
        await town.alice.send(town.support, "Have you tried turning it off and on?")
    await town.tick()
    answer = await town.press(town.carol, town.committee, "payout preview")
    assert answer.buttons == ["Next"]
    await town.click(town.carol, answer, "Next")
    page = town.env.backend.get_message(answer.message.channel_id, answer.message.id)
    text = "\n".join(embed["description"] for embed in page.embeds)
    assert (
        f"{town.alice.mention} claims 10 h · visible activity 34 min to 40 min in 2 sessions"
        in text
    )


async def test_the_audit_says_with_whom_no_exchange_was_seen(town: Town) -> None:
    await opened(town)
    for who in (town.stranger, town.dave):
        await town.press(who, town.support, "thanks", helper=town.alice)
    unknown = await town.press(town.carol, town.committee, "audit voters", helper=town.alice)
    assert "whether they met is not known" in unknown
    question = await town.stranger.send(town.support, "Help!")
    await town.alice.send(town.support, "Here.", reply_to=question)
    await town.tick()
    known = await town.press(town.carol, town.committee, "audit voters", helper=town.alice)
    assert "No exchange seen with 1 of them" in known
    rows = {line.split()[0]: line for line in known.splitlines() if line.startswith("<@")}
    assert rows[town.stranger.mention].endswith("wrote near each other")
    assert rows[town.dave.mention].endswith("**no exchange seen**")


async def test_a_fault_keeps_messages_waiting_and_everything_else_goes_on(town: Town) -> None:
    await opened(town)
    await town.alice.send(town.support, "Hello.")
    with town.without_table("activity"):
        await town.tick()
        await town.later(days=1)
        answered, faults = town.take_incidents()
        assert answered == []
        assert len(faults) == 3
        assert all("activity" in fault for fault in faults)
    await town.tick()
    assert len(kept(town)) == 1


async def test_old_messages_that_cannot_be_deleted_wait_for_another_day(town: Town) -> None:
    await opened(town, activity_days="2")
    await town.alice.send(town.support, "Hello.")
    await town.tick()
    town.sql("CREATE TRIGGER keep BEFORE DELETE ON activity BEGIN SELECT RAISE(ABORT, 'no'); END")
    await town.later(days=3)
    answered, faults = town.take_incidents()
    assert (answered, len(faults)) == ([], 1)
    assert "old activity" in faults[0]
    town.sql("DROP TRIGGER keep")
    await town.later(days=1)
    assert kept(town) == []


async def test_what_cannot_be_written_has_a_limit(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    await opened(town)
    monkeypatch.setattr(job, "MOST", 3)
    for number in range(5):
        await town.alice.send(town.support, f"{number}")
    await town.tick()
    assert len(kept(town)) == 3


@pytest.mark.parametrize("kind", ("reply to a deleted message", "forward"))
async def test_whom_a_message_answers_is_known_from_the_message_alone(
    town: Town, kind: str
) -> None:
    await opened(town)
    question = await town.stranger.send(town.support, "Help!")
    if kind == "forward":
        await town.alice.forward(question, town.support)
    else:
        answer = await town.alice.send(town.support, "Here.", reply_to=question)
        await town.stranger.delete(question)
        assert text_of(answer) == "Here."
    await town.tick()
    expected = None if kind == "forward" else town.stranger.id
    assert kept(town)[-1] == (town.alice.id, town.support.id, expected)
