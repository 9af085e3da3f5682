"""What goes wrong: a refusal is its sentence, anything else an incident, wherever it happens."""

from __future__ import annotations

import json
from typing import Any

import pytest
import simcord
from simcord.backend.models import Overwrite
from simcord.enums import OverwriteType

from tests.cogs.town import INCIDENT, Answer, Town


def require_incident(town: Town, answer: str, where: str) -> None:
    """The answer and the log carry one and the same id, and the log says where it was."""
    (number,) = INCIDENT.findall(answer)
    answered, logged = town.take_incidents()
    assert answered == [number]
    (line,) = [line for line in logged if number in line]
    assert where in line
    assert str(town.guild.id) in line
    for secret in ("SELECT", "INSERT", "sqlite", "Traceback", ".py"):
        assert secret not in answer


# ---------------------------------------------------------------- refusals


async def test_a_refusal_of_a_command_is_its_sentence(town: Town) -> None:
    answer = await town.press(town.alice, town.support, "hours log", duration="1h", note="x")
    assert answer.startswith("Hours are logged by helpers. `/helper join`")


async def test_a_refusal_of_a_button_is_its_sentence(town: Town) -> None:
    await town.open()
    question = await town.press(town.alice, town.support, "helper leave")
    await town.env.advance_time(3600)
    answer = await town.click(town.alice, question)
    assert answer == "This question has been answered or has expired. Use the command again."


async def test_a_refusal_of_a_form_is_its_sentence(town: Town) -> None:
    answer = await submit_money(town, cap="much")
    assert answer.startswith("`cap` accepts an amount such as 18,000.00.")


async def submit_money(town: Town, *, cap: str) -> Answer:
    shown = await town.press(town.admin, town.support, "setup")
    await town.click(town.admin, shown, "Next: time zone and money")
    with town.env.time_context():
        form = await town.admin.click(shown.message, label="Currency, cap and rate")
        ids = [row["components"][0]["custom_id"] for row in form.modal["components"]]
        values = dict(zip(ids, ("USD", cap, "5"), strict=True))
        return town.read(await town.admin.submit_modal(form, values))


# ---------------------------------------------------------------- incidents


async def test_a_fault_in_a_command_becomes_an_incident_and_nothing_is_half_done(
    town: Town,
) -> None:
    await town.open()
    with town.without_table("record"):  # the entry is written before its row in the record
        answer = await town.press(town.alice, town.support, "hours log", duration="1h", note="x")
    assert answer.startswith("Something went wrong on the bot's side")
    require_incident(town, answer, "hours log")
    assert town.sql("SELECT count(*) FROM entries") == [(0,)]
    assert town.sql("SELECT count(*) FROM posts WHERE kind = 'card'") == [(0,)]
    assert "**#1: 1 h** logged" in await town.log_hours(town.alice, "1h")


async def test_a_fault_in_a_button_becomes_an_incident_and_can_be_pressed_again(
    town: Town,
) -> None:
    await town.open()
    question = await town.press(town.carol, town.committee, "round close", reason="x")
    with town.without_table("record"):
        answer = await town.click(town.carol, question)
    require_incident(town, answer, "button")
    assert town.sql("SELECT state FROM rounds") == [("open",)]
    assert "**2026-Q1 is closed**" in await town.click(town.carol, question)


async def test_a_fault_in_the_button_of_the_committee_becomes_an_incident(town: Town) -> None:
    await town.open()
    await town.draft()
    await town.publish()
    await town.press(town.carol, town.committee, "payout paid", reference="0x1")
    await town.press(town.carol, town.committee, "payout correct", reference="0x1", reason="x")
    question = town.posts(town.committee)[-1]
    with town.without_table("record"):
        answer = await town.click(town.dave, question)
    require_incident(town, answer, "button")
    assert "Taken back" in await town.click(town.dave, question)


async def test_a_fault_in_a_menu_and_in_a_form_becomes_an_incident(town: Town) -> None:
    shown = await town.press(town.admin, town.support, "setup")
    with town.without_table("record"):
        answer = await town.choose(town.admin, shown, "setup:support_channel", town.support)
        require_incident(town, answer, "button")
        answer = await submit_money(town, cap="5")
        require_incident(town, answer, "form")
    assert town.sql("SELECT count(*) FROM policy_versions") == [(0,)]


async def test_a_fault_after_the_answer_was_put_off_replaces_it(town: Town) -> None:
    await town.open(committee_seats="2")
    await town.draft()
    town.env.inject_error("GET", "/guilds/*/members/*", status=500, times=None)
    answer = await town.press(town.admin, town.committee, "payout approve")
    assert answer.startswith("Something went wrong on the bot's side")
    require_incident(town, answer, "payout approve")
    assert town.sql("SELECT count(*) FROM approvals") == [(0,)]


async def test_an_answer_that_cannot_be_given_leaves_what_was_done(town: Town) -> None:
    await town.open()
    town.env.inject_error("POST", "/interactions/*/*/callback", status=404, code=10062, times=2)
    with town.env.time_context():
        result = await town.alice.slash(town.support, "hours log", duration="1h", note="x")
    assert result.response is None
    _, logged = town.take_incidents()
    assert [bool(INCIDENT.search(line)) for line in logged] == [True]
    assert "`#1` 1 h" in await town.press(town.alice, town.support, "hours list")
    await town.tick()
    assert len(town.posts(town.thread("2026-Q1"))) == 1  # the card follows


async def test_a_fault_while_posting_leaves_the_answer_and_is_said_later(town: Town) -> None:
    await town.open()
    town.sql("CREATE TRIGGER broken BEFORE UPDATE ON posts BEGIN SELECT RAISE(ABORT, 'no'); END")
    answer = await town.press(town.alice, town.support, "hours log", duration="1h", note="x")
    assert "**#1: 1 h** logged" in answer
    assert "nothing was changed" not in answer
    answered, logged = town.take_incidents()
    assert answered == []
    assert "incident" in "".join(logged)
    town.sql("DROP TRIGGER broken")
    await town.tick()
    assert town.posts(town.thread("2026-Q1"))


async def test_a_message_that_cannot_be_worded_is_parked_and_the_others_are_sent(
    town: Town,
) -> None:
    await town.configure()
    await town.forbid(town.support, send_messages=True)
    await town.press(town.carol, town.committee, "round open")
    town.sql("UPDATE posts SET facts = '{}' WHERE kind = 'notice'")
    town.sql("UPDATE posts SET state = 'pending'")
    await town.permit(town.support)
    await town.tick()
    _, logged = town.take_incidents()
    assert "post 2 (notice)" in logged[0]
    assert "Support 2026-Q1" in town.said(town.support)[0]
    assert "incident" in await town.press(town.stranger, town.support, "round status")
    town.take_incidents()


async def test_a_fault_in_one_server_does_not_stop_the_others(town: Town) -> None:
    await town.open()
    other = await second_server(town)
    await town.press_in(other, "carol", "round open")
    town.sql(
        "UPDATE policy_versions SET document = ? WHERE guild_id = ?",
        json.dumps({"nonsense": "1"}),
        town.guild.id,
    )
    await town.until(2026, 3, 30)
    _, logged = town.take_incidents()
    assert any(f"tick of server {town.guild.id}" in line for line in logged)
    assert "2026-Q2" in await town.press_in(other, "carol", "round status")
    town.take_incidents()


async def test_an_interaction_that_arrives_twice_is_carried_out_once(town: Town) -> None:
    """Two processes with one token by mistake both get every event."""
    await town.open()
    await town.log_hours(town.alice, "1h")
    payload = [row[2] for row in town.env.backend.transcript if row[1] == "INTERACTION_CREATE"][-1]
    town.env.backend.emit("INTERACTION_CREATE", payload)
    await town.env.settle()
    assert town.sql("SELECT count(*) FROM entries") == [(1,)]
    assert town.log.faults == []


# ---------------------------------------------------------------- elsewhere


async def second_server(town: Town) -> Any:
    """The same people in another server that is set up the same way, Carol as its committee."""
    other = town.guild_of_same_people()
    channel = other.channels["support"]
    for name, value in {
        "support_channel": channel.mention,
        "committee_channel": channel.mention,
        "committee_role": other.roles["Committee"].mention,
        "cap": "10",
        "hourly_rate": "1",
    }.items():
        assert "is now" in await town.press_in(other, "ada", "settings set", name=name, value=value)
    return other


async def test_commands_are_not_offered_in_direct_messages(town: Town) -> None:
    for command in ("help", "about", "hours list", "round status"):
        with pytest.raises(simcord.SetupError, match="not visible"):
            await town.alice.user.slash(command)


async def test_a_command_that_reaches_direct_messages_all_the_same_is_refused(town: Town) -> None:
    for registered in town.env.backend.commands[None].values():
        registered.update(dm_permission=True, contexts=[0, 1, 2])
    for command, options in (
        ("help", {}),
        ("hours log", {"duration": "1h", "note": "x"}),
        ("payout mine", {}),
        ("helper join", {}),
    ):
        with town.env.time_context():
            answer = town.read(await town.alice.user.slash(command, **options))
        assert answer.startswith("This works in a server only.")


async def test_the_same_person_has_nothing_in_another_server(town: Town) -> None:
    await town.open()
    await town.log_hours(town.alice, "2h")
    other = await second_server(town)
    answer = await town.press_in(other, "alice", "hours log", duration="1h", note="x")
    assert "Hours are logged by helpers" in answer
    assert "No round is open" in await town.press_in(other, "alice", "hours list")
    assert "Nobody is on the roster" in await town.press_in(other, "alice", "helper list")
    answer = await town.press_in(other, "alice", "hours withdraw", entry="1")
    assert "That is not the number of an entry of yours." in answer
    answer = await town.press_in(other, "dave", "round close", reason="x")
    assert answer.startswith("This is for the committee")


async def test_a_question_of_one_server_is_not_answered_in_another(town: Town) -> None:
    await town.open()
    other = await second_server(town)
    question = await town.press(town.carol, town.committee, "round close", reason="x")
    stored = town.env.backend.create_message(
        other.channels["support"].id, town.me, "", components=question.message.components
    )
    shown = town.env.bot.get_partial_messageable(stored.channel_id, guild_id=other.id)
    with town.env.time_context():
        message = await shown.fetch_message(stored.id)
    answer = await town.click(town.in_server(other, "carol"), message)
    assert answer == "This question has been answered or has expired. Use the command again."
    assert town.sql("SELECT state FROM rounds") == [("open",)]


async def test_a_proposal_of_one_server_is_not_confirmed_in_another(town: Town) -> None:
    await town.open()
    await town.draft()
    await town.publish()
    await town.press(town.carol, town.committee, "payout paid", reference="0x1")
    await town.press(town.carol, town.committee, "payout correct", reference="0x1", reason="x")
    question = town.posts(town.committee)[-1]
    other = await second_server(town)
    components = town.env.backend.get_message(town.committee.id, question.id).components
    stored = town.env.backend.create_message(
        other.channels["support"].id, town.me, "", components=components
    )
    shown = town.env.bot.get_partial_messageable(stored.channel_id, guild_id=other.id)
    with town.env.time_context():
        message = await shown.fetch_message(stored.id)
    answer = await town.click(town.in_server(other, "carol"), message)
    assert answer == "There is no such proposal here. `/payout correct` makes one."


async def test_the_bot_says_nothing_to_ordinary_messages(town: Town) -> None:
    await town.alice.send(town.support, f"<@{town.me}> help !hours")
    assert town.said(town.support) == []


async def test_a_bot_that_cannot_see_a_channel_still_answers_there(town: Town) -> None:
    await town.open()
    rule = Overwrite(town.me, OverwriteType.MEMBER, 0, 1 << 10)  # View Channel
    town.env.backend.set_overwrite(town.committee.id, rule)
    await town.env.settle()
    assert "Round 2026-Q1" in await town.press(town.carol, town.committee, "round status")
