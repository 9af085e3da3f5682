"""The reminder in the support channel: one at a time, quiet where nobody speaks."""

from __future__ import annotations

from typing import Any

import discord
import pytest

from tests.cogs.town import Town

HOUR = 3600
START = "**Did somebody help you?**"


async def opened(town: Town, **values: str) -> None:
    await town.open(**{"reminder_hours": "2", **values})
    await town.tick()


def standing(town: Town, channel: Any = None) -> list[str]:
    """The reminders that stand in the support channel."""
    return [text for text in town.said(channel or town.support) if text.startswith(START)]


async def speak(town: Town, channel: Any = None) -> None:
    await town.stranger.send(channel or town.support, "My node is stuck, can somebody help?")


def asked(town: Town, method: str, ending: str) -> int:
    return sum(
        request.method == method and request.path.endswith(ending)
        for request in town.env.http_requests
    )


async def test_a_reminder_points_to_the_board_after_somebody_spoke(town: Town) -> None:
    await opened(town)
    await speak(town)
    await town.later(2 * HOUR - 60)
    assert standing(town) == []
    await town.later(60)
    thread = town.thread("2026-Q1")
    assert standing(town) == [
        f"{START} One click on their emoji in {thread.mention} says thanks, "
        "until <t:1774828800:f> (<t:1774828800:R>)."
    ]
    (reminder,) = [post for post in town.posts(town.support) if post.content.startswith(START)]
    stored = town.env.backend.get_message(town.support.id, reminder.id)
    assert (stored.ping_user_ids, stored.ping_role_ids, stored.mention_everyone) == ([], [], False)
    assert "<@" not in reminder.content


async def test_a_quiet_channel_stays_quiet(town: Town) -> None:
    await opened(town)
    for _ in range(3):
        await town.later(2 * HOUR)
    assert standing(town) == []
    await speak(town)
    await town.later(2 * HOUR)
    (first,) = [post for post in town.posts(town.support) if post.content.startswith(START)]
    for _ in range(3):
        await town.later(2 * HOUR)
    (still,) = [post for post in town.posts(town.support) if post.content.startswith(START)]
    assert still.id == first.id


async def test_what_the_bot_says_and_notices_of_pins_are_not_talk(town: Town) -> None:
    await opened(town)
    await town.bot.get_partial_messageable(town.support.id).send("by the bot itself")
    notices = [message.type for message in town.support.history()]
    assert discord.MessageType.pins_add in notices
    await speak(town, town.thread("2026-Q1"))
    await speak(town, town.committee)
    await town.later(2 * HOUR)
    assert standing(town) == []


async def test_a_new_reminder_takes_the_place_of_the_one_before(town: Town) -> None:
    await opened(town)
    seen = set()
    for _ in range(4):
        await speak(town)
        await town.later(2 * HOUR)
        (reminder,) = [p for p in town.posts(town.support) if p.content.startswith(START)]
        seen.add(reminder.id)
    assert len(seen) == 4
    assert len(town.sql("SELECT id FROM posts WHERE kind = 'reminder'")) <= 2


async def test_reminders_are_counted_from_the_opening(town: Town) -> None:
    await opened(town)
    await speak(town)
    await town.later(2 * HOUR + 1800)  # half an hour late
    assert len(standing(town)) == 1
    await speak(town)
    before = [message.id for message in town.posts(town.support)]
    await town.later(1800 + 600)
    assert [message.id for message in town.posts(town.support)] == before
    await town.later(HOUR - 600)
    assert [message.id for message in town.posts(town.support)] != before
    assert len(standing(town)) == 1


async def test_days_of_absence_bring_one_reminder(town: Town) -> None:
    await opened(town)
    await town.bot.close()
    await speak(town)
    await town.env.advance_time(3 * 24 * HOUR)
    await town.restart()
    for _ in range(3):
        await town.tick()
    assert len(standing(town)) == 1
    assert asked(town, "POST", f"/channels/{town.support.id}/messages") == 2


async def test_a_restart_keeps_the_one_that_stands(town: Town) -> None:
    await opened(town)
    await speak(town)
    await town.later(2 * HOUR)
    before = [message.id for message in town.posts(town.support)]
    for _ in range(2):
        await town.restart()
        await town.tick()
        assert [message.id for message in town.posts(town.support)] == before
    await speak(town)
    await town.later(2 * HOUR)
    assert len(standing(town)) == 1
    assert [message.id for message in town.posts(town.support)] != before


async def test_a_closed_round_has_none_and_the_next_has_its_own(town: Town) -> None:
    await opened(town)
    await speak(town)
    await town.later(2 * HOUR)
    assert len(standing(town)) == 1
    await town.click(
        town.carol, await town.press(town.carol, town.committee, "round close", reason="early")
    )
    await town.tick()
    assert standing(town) == []
    await speak(town)
    await town.later(HOUR)
    assert standing(town) == []
    await town.later(HOUR)
    (text,) = standing(town)
    assert town.thread("2026-Q2").mention in text


async def test_a_void_round_has_none(town: Town) -> None:
    await opened(town)
    await speak(town)
    await town.later(2 * HOUR)
    await town.click(
        town.carol, await town.press(town.carol, town.committee, "round void", reason="a test")
    )
    await speak(town)
    await town.later(2 * HOUR)
    assert standing(town) == []


async def test_0_hours_switch_it_off(town: Town) -> None:
    await opened(town, reminder_hours="0")
    await speak(town)
    await town.later(days=2)
    assert standing(town) == []
    assert asked(town, "GET", f"/channels/{town.support.id}/messages") == 0


async def test_one_that_was_deleted_by_hand_is_not_missed(town: Town) -> None:
    await opened(town)
    await speak(town)
    await town.later(2 * HOUR)
    (reminder,) = [p for p in town.posts(town.support) if p.content.startswith(START)]
    town.env.backend.delete_message(town.support.id, reminder.id)
    await town.later(2 * HOUR)
    assert standing(town) == []  # nobody spoke since
    await speak(town)
    await town.later(2 * HOUR)
    assert len(standing(town)) == 1


async def test_without_a_thread_it_is_skipped_quietly(town: Town) -> None:
    await opened(town)
    await speak(town)
    said = town.said(town.committee)
    town.sql("UPDATE rounds SET thread_lost = 1")
    await town.later(2 * HOUR)
    assert standing(town) == []
    assert town.said(town.committee) == said
    assert town.sql("SELECT state FROM posts WHERE kind = 'reminder'") == [("skipped",)]


@pytest.mark.parametrize("permission", ("view_channel", "read_message_history"))
async def test_a_channel_that_cannot_be_read_is_left_alone(town: Town, permission: str) -> None:
    await opened(town)
    await speak(town)
    await town.forbid(town.support, **{permission: True})
    said = town.said(town.committee)
    await town.later(2 * HOUR)
    assert town.sql("SELECT state FROM posts WHERE kind = 'reminder'") == [("skipped",)]
    told = town.said(town.committee)[len(said) :]
    assert all("it cannot be seen who thanked there" in text for text in told)
    await town.permit(town.support)
    await town.later(2 * HOUR)
    assert len(standing(town)) == 1


async def test_a_channel_that_refuses_messages_is_told_of_once(town: Town) -> None:
    await opened(town)
    await speak(town)
    await town.forbid(town.support, send_messages=True)
    for _ in range(4):
        await town.later(2 * HOUR)
    (notice,) = [text for text in town.said(town.committee) if "Discord refuses it" in text]
    assert town.support.mention in notice
    await town.permit(town.support)
    await town.press(town.admin, town.support, "setup")
    assert len(standing(town)) == 1


async def test_a_fault_of_discord_leaves_it_waiting(town: Town) -> None:
    await opened(town)
    await speak(town)
    town.env.inject_error("GET", f"/channels/{town.support.id}/messages", status=503, times=None)
    await town.later(2 * HOUR)
    assert standing(town) == []
    town.env.backend.faults.clear()
    await town.tick()
    assert len(standing(town)) == 1


async def test_a_crash_before_the_earlier_one_was_deleted_is_cleaned_up(town: Town) -> None:
    await opened(town)
    await speak(town)
    await town.later(2 * HOUR)
    await speak(town)
    town.env.inject_error("DELETE", "/channels/*/messages/*", status=503, times=None)
    await town.later(2 * HOUR)
    assert len(standing(town)) == 2
    town.env.backend.faults.clear()
    await town.restart()
    await town.tick()
    assert len(standing(town)) == 1


async def test_one_that_a_crash_kept_from_being_stored_is_found_again(town: Town) -> None:
    await opened(town)
    await speak(town)
    await town.later(2 * HOUR)
    town.sql("UPDATE posts SET state = 'pending', message_id = NULL WHERE kind = 'reminder'")
    await town.restart()
    await town.tick()
    assert len(standing(town)) == 1
    assert asked(town, "POST", f"/channels/{town.support.id}/messages") == 2
    await speak(town)
    await town.later(2 * HOUR)
    assert len(standing(town)) == 1


async def test_one_that_was_not_stored_goes_where_somebody_spoke_since(town: Town) -> None:
    await opened(town)
    await speak(town)
    await town.later(2 * HOUR)
    town.sql("UPDATE posts SET state = 'skipped', message_id = NULL WHERE kind = 'reminder'")
    await speak(town)
    await town.later(2 * HOUR)
    assert len(standing(town)) == 1


async def test_a_deletion_that_is_refused_is_let_go(town: Town) -> None:
    await opened(town)
    await speak(town)
    await town.later(2 * HOUR)
    await speak(town)
    town.env.inject_error("DELETE", "/channels/*/messages/*", status=403, times=None)
    await town.later(2 * HOUR)
    town.env.backend.faults.clear()
    await town.tick()
    assert len(standing(town)) == 2
    assert town.sql("SELECT state FROM posts WHERE kind = 'reminder' ORDER BY id") == [
        ("skipped",),
        ("sent",),
    ]
    assert "Discord refuses" not in "".join(town.said(town.committee))
