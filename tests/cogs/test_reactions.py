"""Thanking as people do it: four ways and one vote, taken back one by one, and none is lost."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.cogs.town import INCIDENT, Answer, Town

PRAY, LABEL = "🙏", "2026-Q1"


async def start(town: Town, **values: str) -> Any:
    """Open a round with its board, in which accounts made just now are old enough."""
    await town.open(voter_account_days="0", thanks_emoji=PRAY, **values)
    await town.tick()
    return board(town)


def board(town: Town, label: str = LABEL) -> Any:
    (found,) = town.boards(town.thread(label))
    return found


def emoji_of(town: Town, who: Any) -> str:
    """The emoji of somebody on the board."""
    ((found,),) = town.sql("SELECT emoji FROM helpers WHERE user_id = ?", who.id)
    assert isinstance(found, str)
    return found


def ways(town: Town, helper: Any) -> list[str]:
    """In which ways a helper is thanked at present, those that count."""
    names = {1: "board", 2: "command", 3: "menu", 4: "emoji"}
    rows = town.sql(
        "SELECT source FROM thanks WHERE helper_id = ? AND taken_back_at IS NULL AND doubt = ''",
        helper.id,
    )
    return sorted(names[source] for (source,) in rows)


def voters(town: Town, helper: Any) -> int:
    """How many people thank a helper at present."""
    ((count,),) = town.sql(
        "SELECT count(DISTINCT voter_id) FROM thanks "
        "WHERE helper_id = ? AND taken_back_at IS NULL AND doubt = ''",
        helper.id,
    )
    assert isinstance(count, int)
    return count


def tallies(town: Town) -> dict[int, int]:
    """What the first round was counted to."""
    rows = town.sql("SELECT user_id, voters FROM tallies WHERE round_id = 1")
    return {int(user): int(count) for user, count in rows}


async def thank(town: Town, who: Any, helper: Any) -> Answer:
    answer = await town.press(who, town.support, "thanks", helper=helper)
    assert "**Noted" in answer
    return answer


async def thank_author(town: Town, who: Any, message: Any) -> Answer:
    with town.env.time_context():
        answer = town.read(await who.context_menu(town.support, "Thank the author", message))
    assert "**Noted" in answer
    return answer


async def in_four_ways(town: Town, message: Any) -> Answer:
    """Let Sam thank Alice in every way there is; return the last answer."""
    await town.stranger.react(board(town), emoji_of(town, town.alice))
    await thank(town, town.stranger, town.alice)
    answer = await thank_author(town, town.stranger, message)
    await town.stranger.react(message, PRAY)
    return answer


# ---------------------------------------------------------------- four ways, one vote


async def test_somebody_who_thanks_in_four_ways_is_one_voter(town: Town) -> None:
    await start(town)
    message = await town.alice.send(town.support, "Have you tried turning it off and on?")
    await in_four_ways(town, message)
    assert ways(town, town.alice) == ["board", "command", "emoji", "menu"]
    assert voters(town, town.alice) == 1
    audit = await town.press(town.carol, town.committee, "audit voters", helper=town.alice)
    assert "sam" in audit
    await town.until(2026, 3, 30)
    assert tallies(town) == {town.alice.id: 1}
    answer = await town.press(town.bob, town.support, "leaderboard", round=LABEL)
    assert f"{town.alice.mention}" in answer


async def test_taking_the_reaction_away_leaves_the_others_and_taking_all_back_leaves_none(
    town: Town,
) -> None:
    await start(town)
    message = await town.alice.send(town.support, "Here is how.")
    answer = await in_four_ways(town, message)
    await town.stranger.unreact(board(town), emoji_of(town, town.alice))
    assert ways(town, town.alice) == ["command", "emoji", "menu"]
    assert voters(town, town.alice) == 1
    await town.stranger.unreact(message, PRAY)
    assert ways(town, town.alice) == ["command", "menu"]
    assert "**Taken back**" in await town.click(town.stranger, answer)
    assert ways(town, town.alice) == []
    await town.until(2026, 3, 30)
    assert tallies(town) == {}


async def test_the_button_leaves_the_reactions_which_are_taken_back_on_discord(
    town: Town,
) -> None:
    await start(town)
    message = await town.alice.send(town.support, "Here is how.")
    answer = await in_four_ways(town, message)
    done = await town.click(town.stranger, answer)
    assert "**Taken back**" in done
    assert ways(town, town.alice) == ["board", "emoji"]
    assert voters(town, town.alice) == 1
    await town.stranger.unreact(board(town), emoji_of(town, town.alice))
    await town.stranger.unreact(message, PRAY)
    assert voters(town, town.alice) == 0


async def test_everybody_has_one_vote_for_each_helper(town: Town) -> None:
    message = await start(town)
    for who in (town.stranger, town.carol, town.dave, town.bob):
        await who.react(message, emoji_of(town, town.alice))
    for who in (town.stranger, town.alice):
        await who.react(message, emoji_of(town, town.bob))
    await town.until(2026, 3, 30)
    assert tallies(town) == {town.alice.id: 4, town.bob.id: 2}


async def test_counts_are_hidden_while_the_round_is_open(town: Town) -> None:
    message = await start(town)
    await town.stranger.react(message, emoji_of(town, town.alice))
    assert "alice" not in await town.press(town.bob, town.support, "leaderboard")


# ---------------------------------------------------------------- who is none


async def test_oneself_the_bot_and_apps_are_no_voters(town: Town) -> None:
    message = await start(town)
    app = town.guild.add_member(town.env.create_user("robot", bot=True))
    await town.alice.react(message, emoji_of(town, town.alice))
    await app.react(message, emoji_of(town, town.alice))
    assert voters(town, town.alice) == 0
    # The bot's own stands there from the start.
    assert emoji_of(town, town.alice) in [str(each.emoji) for each in board(town).reactions]


async def test_an_emoji_that_members_put_there_is_nobodys(town: Town) -> None:
    message = await start(town)
    await town.stranger.react(message, "🧨")
    other = await town.alice.send(town.support, "Have a look.")
    await town.stranger.react(other, emoji_of(town, town.bob))
    assert (voters(town, town.alice), voters(town, town.bob)) == (0, 0)


async def test_a_young_account_is_shown_and_does_not_count(town: Town) -> None:
    await town.open()  # the accounts were made today
    await town.tick()
    await town.stranger.react(board(town), emoji_of(town, town.alice))
    assert voters(town, town.alice) == 0
    audit = await town.press(town.carol, town.committee, "audit voters", helper=town.alice)
    assert "**does not count**" in audit


# ---------------------------------------------------------------- the thanks emoji


async def test_the_thanks_emoji_works_in_the_support_channel_and_its_threads_alone(
    town: Town,
) -> None:
    await start(town)
    thread = town.thread(LABEL)
    for channel, expected in ((town.committee, 0), (thread, 1), (town.support, 2)):
        message = await town.alice.send(channel, "Here.")
        await town.stranger.react(message, PRAY)
        assert len(ways(town, town.alice)) == expected
    assert voters(town, town.alice) == 1


async def test_the_thanks_emoji_thanks_helpers_alone_and_never_oneself(town: Town) -> None:
    await start(town)
    for writer, voter in ((town.dave, town.stranger), (town.alice, town.alice)):
        message = await writer.send(town.support, "Here.")
        await voter.react(message, PRAY)
    hook = await town.guild.create_webhook(town.support, "alice").send("Here.")
    await town.stranger.react(hook, PRAY)
    await town.stranger.react(board(town), PRAY)
    assert town.sql("SELECT count(*) FROM thanks") == [(0,)]


async def test_another_emoji_under_a_message_thanks_nobody(town: Town) -> None:
    await start(town)
    message = await town.alice.send(town.support, "Here.")
    await town.stranger.react(message, "👍")
    assert ways(town, town.alice) == []


async def test_a_message_whose_author_cannot_be_asked_for_thanks_nobody(town: Town) -> None:
    await start(town)
    message = await town.alice.send(town.support, "Here.")
    town.env.inject_error(
        "GET", f"/channels/*/messages/{message.id}", status=404, code=10008,
        message="Unknown Message",
    )  # fmt: skip
    await town.stranger.react(message, PRAY)
    assert ways(town, town.alice) == []
    # With the next reaction it is asked for again.
    await town.bob.react(message, PRAY)
    assert voters(town, town.alice) == 1


async def test_taking_the_thanks_emoji_away_after_a_restart_takes_it_back(town: Town) -> None:
    await start(town)
    message = await town.alice.send(town.support, "Here.")
    await town.stranger.react(message, PRAY)
    await town.restart()
    await town.stranger.unreact(message, PRAY)
    assert ways(town, town.alice) == []


async def test_authors_are_remembered_and_forgotten_without_harm(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.jobs.reactions.AUTHORS_KEPT", 2)
    await start(town)
    messages = [await town.alice.send(town.support, f"Here {number}.") for number in range(4)]
    for message in (*messages, *messages):
        for who in (town.stranger, town.carol):
            await who.set_reaction(message, PRAY, reacted=True)
    assert len(ways(town, town.alice)) == 8
    for message in messages:
        await town.stranger.unreact(message, PRAY)
    assert voters(town, town.alice) == 1


# ---------------------------------------------------------------- nothing is lost


async def test_of_a_hundred_clicks_in_one_breath_the_last_counts(town: Town) -> None:
    message = await start(town)
    channel, shown = town.thread(LABEL).id, emoji_of(town, town.alice)
    for number in range(101):
        town.env.backend.set_reaction(channel, message.id, shown, town.stranger.id, number % 2 == 0)
        town.env.backend.set_reaction(channel, message.id, shown, town.carol.id, number % 2 == 1)
    await town.env.settle()
    rows = town.sql("SELECT voter_id FROM thanks WHERE taken_back_at IS NULL")
    assert rows == [(town.stranger.id,)]


async def test_a_restart_between_reaction_and_close_loses_nothing(town: Town) -> None:
    message = await start(town)
    await town.stranger.react(message, emoji_of(town, town.alice))
    await town.carol.react(message, emoji_of(town, town.alice))
    await town.restart()
    await town.carol.unreact(message, emoji_of(town, town.alice))
    await town.until(2026, 3, 29, 23, 59)
    await town.restart()
    await town.until(2026, 3, 30)
    assert tallies(town) == {town.alice.id: 1}


async def test_a_reaction_just_before_the_bot_stops_is_written_down(town: Town) -> None:
    message = await start(town)
    channel, shown = town.thread(LABEL).id, emoji_of(town, town.alice)
    town.env.backend.set_reaction(channel, message.id, shown, town.stranger.id, reacted=True)
    await town.restart()
    await town.tick()
    assert voters(town, town.alice) == 1


async def test_a_fault_of_the_database_is_an_incident_and_loses_nothing(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.jobs.reactions.SECONDS_BETWEEN", 0.3)
    message = await start(town)
    channel, shown = town.thread(LABEL).id, emoji_of(town, town.alice)
    with town.without_table("thanks"):
        for who, reacted in ((town.stranger, True), (town.carol, True), (town.carol, False)):
            town.env.backend.set_reaction(channel, message.id, shown, who.id, reacted)
        await asyncio.sleep(0.2)  # it is tried once meanwhile
    await town.env.settle()
    answered, logged = town.take_incidents()
    assert answered == []
    assert logged
    assert all(INCIDENT.search(line) for line in logged)
    assert ways(town, town.alice) == ["board"]
    assert voters(town, town.alice) == 1


async def test_after_the_close_a_click_on_the_old_board_changes_nothing(town: Town) -> None:
    message = await start(town)
    await town.stranger.react(message, emoji_of(town, town.alice))
    await town.until(2026, 3, 30)
    await town.later(15 * 60)
    await town.carol.react(message, emoji_of(town, town.alice))
    await town.stranger.unreact(message, emoji_of(town, town.alice))
    await town.until(2026, 3, 31, 20)
    assert tallies(town) == {town.alice.id: 1}
    assert voters(town, town.alice) == 1


async def test_a_round_opened_again_takes_what_comes_now(town: Town) -> None:
    message = await start(town)
    shown = emoji_of(town, town.alice)
    await town.stranger.react(message, shown)
    await town.until(2026, 3, 30)
    assert tallies(town) == {town.alice.id: 1}
    answer = await town.press(town.carol, town.committee, "round reopen", reason="a mistake")
    assert "2026-Q1 is open again" in answer
    await town.carol.react(message, shown)
    assert voters(town, town.alice) == 2
    await town.stranger.unreact(message, shown)
    await town.until(2026, 3, 31, 20)
    assert tallies(town) == {town.alice.id: 1}


async def test_a_fault_in_one_server_does_not_keep_the_others_from_being_counted(
    town: Town,
) -> None:
    await start(town)
    other = town.guild_of_same_people()
    values = {
        "support_channel": other.channels["support"].mention,
        "committee_channel": other.channels["support"].mention,
        "moderator_role": other.roles["Moderators"].mention,
        "committee_role": other.roles["Committee"].mention,
        "cap": "10",
        "hourly_rate": "1",
    }
    for name, value in values.items():
        await town.press_in(other, "ada", "settings set", name=name, value=value)
    assert "is open" in await town.press_in(other, "carol", "round open")
    await town.until(2026, 3, 30)
    town.sql("UPDATE rounds SET counted_at = NULL WHERE closed_at IS NOT NULL")
    town.sql(
        "UPDATE policy_versions SET document = ? WHERE guild_id = ?",
        json.dumps({"nonsense": "1"}),
        town.guild.id,
    )
    await town.tick()
    _, logged = town.take_incidents()
    assert any(f"counting in server {town.guild.id}" in line for line in logged), logged
    counted = town.sql("SELECT guild_id FROM rounds WHERE counted_at IS NOT NULL")
    assert counted == [(other.id,)]


# ---------------------------------------------------------------- cleared


async def test_a_moderator_who_clears_the_board_takes_all_back_and_the_committee_hears_of_it(
    town: Town,
) -> None:
    message = await start(town)
    thread = town.thread(LABEL)
    await town.stranger.react(message, emoji_of(town, town.alice))
    await town.carol.react(message, emoji_of(town, town.bob))
    town.env.backend.clear_reactions(thread.id, message.id)
    await town.env.settle()
    assert (voters(town, town.alice), voters(town, town.bob)) == (0, 0)
    said = town.said(town.committee)
    assert any("2 thanks are gone with them" in words for words in said), said
    shown = [str(each.emoji) for each in board(town).reactions]
    assert sorted(shown) == sorted(emoji_of(town, who) for who in (town.alice, town.bob))
    await town.stranger.react(board(town), emoji_of(town, town.alice))
    assert voters(town, town.alice) == 1


async def test_one_emoji_that_is_cleared_leaves_the_others_alone(town: Town) -> None:
    message = await start(town)
    thread = town.thread(LABEL)
    await town.stranger.react(message, emoji_of(town, town.alice))
    await town.stranger.react(message, emoji_of(town, town.bob))
    town.env.backend.clear_reaction(thread.id, message.id, emoji_of(town, town.alice))
    await town.env.settle()
    assert (voters(town, town.alice), voters(town, town.bob)) == (0, 1)
