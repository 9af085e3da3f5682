"""/mydata: a file with everything, and a red button that erases what may be erased."""

from __future__ import annotations

import json
from typing import Any

from simcord.backend.errors import BackendError

from tests.cogs.town import Answer, Town

SECRET = "what only I know"


async def document(answer: Answer) -> dict[str, Any]:
    ((name, file),) = answer.files.items()
    assert name.startswith("stipend-mydata-")
    found: dict[str, Any] = json.loads(await file.read())
    return found


async def ask(town: Town, who: Any = None) -> Answer:
    return await town.press(who or town.alice, town.support, "mydata delete")


async def test_a_file_with_everything_about_oneself(town: Town) -> None:
    await town.open()
    await town.log_hours(town.alice, "2h", note=SECRET)
    answer = await town.press(town.alice, town.support, "mydata export")
    assert "Everything that is stored about you in this server" in answer
    assert "1 entry" in answer
    found = await document(answer)
    assert found["entries"][0]["note"] == SECRET
    assert found["names"][0]["name"] == "alice"


async def test_what_was_seen_a_moment_ago_is_in_it(town: Town) -> None:
    await town.open()
    await town.alice.send(town.support, "Look here.")
    found = await document(await town.press(town.alice, town.support, "mydata export"))
    assert len(found["activity"]) == 1
    assert "Look here" not in json.dumps(found)


async def test_somebody_unknown_gets_an_empty_one(town: Town) -> None:
    await town.open()
    answer = await town.press(town.stranger, town.support, "mydata export")
    assert "Nothing is stored about you in this server" in answer
    assert (await document(answer))["entries"] == []
    answer = await ask(town, town.stranger)
    assert answer.startswith("Nothing is stored about you here that can be erased.")
    assert not answer.buttons


async def test_in_another_server_nothing_is_shown(town: Town) -> None:
    await town.open()
    await town.log_hours(town.alice, "2h", note=SECRET)
    other = town.guild_of_same_people()
    answer = await town.press_in(other, "alice", "mydata export")
    assert "Nothing is stored about you in this server" in answer
    assert SECRET not in json.dumps(await document(answer))
    assert "Nothing is stored" in await town.press_in(other, "alice", "mydata delete")


async def test_it_asks_first_and_then_erases(town: Town) -> None:
    await town.open()
    await town.tick()
    await town.log_hours(town.alice, "2h", note=SECRET, evidence="https://example.org/x")
    await town.press(town.alice, town.support, "hours start", note=SECRET)
    await town.alice.send(town.support, "Look here.")
    question = await ask(town)
    assert "It cannot be taken back" in question
    assert "your name, alice" in question
    assert "notes and links of 1 entry" in question
    assert "1 row of activity" in question
    assert "your running clock" in question
    assert question.buttons == ["Erase my data"]
    done = await town.click(town.alice, question)
    assert "Your data here is erased." in done
    await town.tick()
    thread = town.thread("2026-Q1")
    assert not [words for words in town.said(thread) if SECRET in words or "example" in words]
    assert not [board for board in town.boards(thread) if "alice" in str(board.embeds[0].to_dict())]
    for table in ("entries", "openings", "clocks", "activity", "people", "posts"):
        assert SECRET not in str(town.sql(f"SELECT * FROM {table}"))
    assert town.sql("SELECT count(*) FROM activity") == [(0,)]
    verdict = await town.press(town.stranger, town.support, "audit verify")
    assert "The record is sound" in verdict
    again = await ask(town)
    assert again.startswith("Nothing is stored about you here that can be erased.")


async def test_who_is_owed_money_is_told_and_paid(town: Town) -> None:
    await town.open()
    await town.draft()
    await town.publish()
    question = await ask(town)
    assert "what you are owed: 200.00 USD of 2026-Q1" in question
    done = await town.click(town.alice, question)
    assert "Still due to you: 200.00 USD of 2026-Q1" in done
    paid = await town.press(
        town.carol, town.committee, "payout paid", reference="0x1", helper=town.alice
    )
    assert "200.00 USD" in paid
    await town.tick()
    for post in [*town.posts(town.support), *town.posts(town.thread("2026-Q1"))]:
        for file in post.attachments:
            assert b"alice" not in await file.read(), file.filename
    assert "The record is sound" in await town.press(town.bob, town.support, "audit verify")


async def test_only_whoever_was_asked_can_press(town: Town) -> None:
    await town.open()
    await town.log_hours(town.alice, "2h", note=SECRET)
    shown = await town.copy_of(await ask(town))
    assert "Only the person who was asked" in await town.click(town.bob, shown)
    assert SECRET in str(town.sql("SELECT note FROM entries"))


async def test_two_questions_pressed_at_once_erase_once(town: Town) -> None:
    await town.open()
    await town.log_hours(town.alice, "2h", note=SECRET)
    first, second = await ask(town), await ask(town)
    shown = await town.click_together((town.alice, first), (town.alice, second))
    assert sum("Your data here is erased" in words for words in shown) == 1
    assert town.sql("SELECT count(*) FROM record WHERE action = 'mydata.deleted'") == [(1,)]


async def test_the_button_works_after_a_restart(town: Town) -> None:
    await town.open()
    await town.log_hours(town.alice, "2h", note=SECRET)
    question = await ask(town)
    await town.restart()
    assert "Your data here is erased" in await town.click(town.alice, question)
    assert SECRET not in str(town.sql("SELECT * FROM entries"))


async def test_what_waits_to_be_written_down_is_forgotten(town: Town) -> None:
    await town.open()
    await town.alice.send(town.support, "one")
    await town.bob.send(town.support, "two")
    question = await ask(town)
    await town.alice.send(town.support, "three")
    traces = town.bot.traces
    await traces.forget(town.guild.id, town.alice.id)
    await traces.forget(1, town.alice.id)
    assert [seen.user_id for seen in traces._servers[town.guild.id].seen] == []
    await town.alice.send(town.support, "four")
    await town.click(town.alice, question)
    await town.tick()
    assert town.sql("SELECT DISTINCT user_id FROM activity") == [(town.bob.id,)]


async def test_the_helper_role_is_taken(town: Town) -> None:
    await town.open(helper_role=town.helpers.mention)
    await town.give_role(town.alice, town.helpers)
    done = await town.click(town.alice, await ask(town))
    assert "Your data here is erased" in done
    assert "could not be taken" in done or town.helpers.id not in town.role_ids(town.alice)


async def test_an_earlier_version_loses_its_files_where_a_name_in_it_is_erased(
    town: Town,
) -> None:
    await town.open()
    await town.draft()
    await town.publish()
    await town.press(
        town.carol, town.committee, "payout adjust", helper=town.bob, reason="a slip",
        minutes=-60, round="2026-Q1",
    )  # fmt: skip
    await town.publish()
    await town.click(town.alice, await ask(town))
    await town.tick()
    (earlier,) = [words for words in town.said(town.support) if "Version 1 of 2026-Q1" in words]
    assert "version 2 replaced it" in earlier
    for post in town.posts(town.support):
        for file in post.attachments:
            assert b"alice" not in await file.read(), file.filename


def refuse_in_archived_threads(town: Town) -> None:
    """Let the simulation refuse what Discord refuses: editing in an archived thread."""
    backend = town.env.backend
    edit = backend.edit_message

    def edit_message(channel_id: int, *arguments: Any) -> Any:
        metadata = backend.get_channel(channel_id).thread_metadata
        if metadata and metadata.archived:
            raise BackendError(400, 50_083, "Thread is archived")
        return edit(channel_id, *arguments)

    backend.edit_message = edit_message


async def test_messages_in_an_archived_thread_are_changed_too(town: Town) -> None:
    await town.open()
    await town.log_hours(town.alice, "2h", note=SECRET)
    await town.draft()
    await town.publish()
    thread = town.thread("2026-Q1")
    assert [board for board in town.boards(thread) if "alice" in str(board.embeds[0].to_dict())]
    refuse_in_archived_threads(town)
    await town.archive_unnoticed(thread)
    await town.click(town.alice, await ask(town))
    await town.tick()
    assert not [words for words in town.said(thread) if SECRET in words]
    assert not [board for board in town.boards(thread) if "alice" in str(board.embeds[0].to_dict())]
    assert town.sql("SELECT count(*) FROM posts WHERE state = 'parked'") == [(0,)]
    for post in town.posts(thread):
        for file in post.attachments:
            assert b"alice" not in await file.read(), file.filename
