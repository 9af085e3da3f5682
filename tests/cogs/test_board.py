"""The board as people see it: posted, pinned, with an emoji to click for every helper."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from simcord.backend import serializers

from bot.domain import emoji
from tests.cogs.town import Answer, Town, text_of

FIRST, SECOND, THIRD = emoji.PALETTE[:3]
HOUR = 3600


async def opened(town: Town, **settings: str) -> Any:
    """Open a round with its board; return the thread."""
    await town.open(**settings)
    await town.tick()
    return town.thread("2026-Q1")


def board(town: Town, label: str = "2026-Q1") -> Any:
    (found,) = town.boards(town.thread(label))
    return found


def to_click(message: Any) -> list[str]:
    """The emoji that stand under a message."""
    return [str(reaction.emoji) for reaction in message.reactions]


def listed(message: Any) -> list[str]:
    return [line for line in message.embeds[0].description.splitlines() if line][-20:]


def thanks(town: Town) -> int:
    """How many thanks stand."""
    # The simulation tells normal reactions as super reactions once more.
    ((count,),) = town.sql(
        "SELECT count(*) FROM (SELECT DISTINCT helper_id, voter_id, origin_id FROM thanks "
        "WHERE taken_back_at IS NULL)"
    )
    assert isinstance(count, int)
    return count


async def join(town: Town, who: Any, **options: Any) -> Answer:
    return await town.press(who, town.support, "helper join", **options)


async def crowd(town: Town, count: int) -> None:
    await town.add(*[town.person(f"helper{number}") for number in range(count)])


async def leave(town: Town, who: Any) -> None:
    question = await town.press(who, town.support, "helper leave")
    assert "You are off the roster" in await town.click(who, question)


async def restart_and_look(town: Town) -> None:
    await town.restart()
    await town.tick()


# ---------------------------------------------------------------- as it should be


async def test_the_board_stands_in_the_thread_pinned_and_ready_to_click(town: Town) -> None:
    await town.open(tip_address="0x" + "ab" * 20, thanks_emoji="🙏")
    thread = town.thread("2026-Q1")
    assert town.boards(thread) == []
    await town.tick()
    message = board(town)
    assert message.pinned
    assert to_click(message) == [FIRST, SECOND]
    text = text_of(message)
    assert "**Click the emoji of the person who helped you.**" in text
    assert "10 %" in text
    assert "react to it with 🙏" in text
    assert listed(message)[-2:] == [f"{FIRST} alice", f"{SECOND} bob"]
    assert "on the board in the thread below" in town.said(town.support)[0]
    before = town.sql("SELECT id, revision, state FROM posts")
    await town.tick()
    assert town.sql("SELECT id, revision, state FROM posts") == before  # nothing to say


async def test_joining_and_leaving_show_at_once_and_the_thanks_stay(town: Town) -> None:
    await opened(town)
    await town.carol.react(board(town), SECOND)
    assert thanks(town) == 1
    await town.add(town.stranger)
    assert listed(board(town))[-1] == f"{THIRD} sam"
    await town.tick()
    assert to_click(board(town)) == [FIRST, SECOND, THIRD]
    await leave(town, town.bob)
    assert "bob" not in text_of(board(town))
    await town.tick()
    assert to_click(board(town)) == [FIRST, SECOND, THIRD]  # Carol's own is still there
    assert (
        not town.env.backend.get_message(board(town).channel.id, board(town).id)
        .reaction_for(SECOND)
        .user_ids.count(town.me)
    )
    assert thanks(town) == 1
    assert "You are a helper" in await join(town, town.bob)
    await town.tick()
    assert f"{SECOND} bob" in text_of(board(town))
    assert len(town.boards(town.thread("2026-Q1"))) == 1


async def test_forty_five_helpers_stand_on_three_messages(town: Town) -> None:
    await town.open()
    await crowd(town, 43)
    await town.tick()
    messages = town.boards(town.thread("2026-Q1"))
    assert [len(message.reactions) for message in messages] == [20, 20, 5]
    assert all(message.pinned for message in messages)
    assert len({each for message in messages for each in to_click(message)}) == 45


async def test_an_empty_roster_says_how_to_join(town: Town) -> None:
    await town.configure()
    await town.press(town.carol, town.committee, "round open")
    await town.tick()
    assert "Nobody is on the board yet. `/helper join`" in text_of(board(town))


async def test_the_next_round_has_a_board_of_its_own_and_the_old_one_closes(town: Town) -> None:
    await opened(town, min_votes="0")
    await town.carol.react(board(town), FIRST)
    await town.until(2026, 3, 30)
    await town.later(15 * 60)
    assert to_click(board(town, "2026-Q2")) != []
    assert "This board closed <t:1774828800:f>" in text_of(board(town))
    assert "Click the emoji" not in text_of(board(town))


# ---------------------------------------------------------------- choosing an emoji


async def test_a_helper_chooses_an_emoji_on_joining(town: Town) -> None:
    await opened(town, admission="open")
    assert "you are 🐌" in await join(town, town.stranger, emoji=" 🐌 ")
    assert listed(board(town))[-1] == "🐌 sam"
    answer = await town.press(town.stranger, town.support, "helper list")
    assert f"🐌 {town.stranger.mention} · helper since" in answer
    answer = await join(town, town.carol, emoji="🐌")
    assert answer.startswith(f"🐌 is the emoji of {town.stranger.mention}")
    assert "Free are" in answer
    assert "more than one emoji" in await join(town, town.carol, emoji="🐌🐌")
    answer = await join(town, town.stranger, emoji="🐢")
    assert "Your emoji is 🐢 now. The board that is posted keeps 🐌 until the next round" in answer
    assert listed(board(town))[-1] == "🐌 sam"


async def test_a_moderator_chooses_for_somebody(town: Town) -> None:
    await opened(town)
    answer = await town.press(town.mod, town.support, "helper add", user=town.stranger, emoji="🐌")
    assert "is a helper now" in answer
    assert "On the board they are 🐌." in answer


async def test_who_joins_when_every_emoji_is_taken_is_told(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emoji, "PALETTE", emoji.PALETTE[:2])
    monkeypatch.setattr(emoji, "LETTERS", ())
    await opened(town, admission="open")
    answer = await join(town, town.stranger)
    assert "Every emoji that the bot would choose is taken" in answer
    answer = await town.press(town.mod, town.support, "helper add", user=town.carol)
    assert answer.endswith("can use `/hours log`. `/helper remove` undoes it.")


async def test_a_custom_emoji_of_this_server_may_be_chosen_and_of_no_other(town: Town) -> None:
    await opened(town, admission="open")
    own = town.guild.create_emoji("party")
    answer = await join(town, town.stranger, emoji=f"<:anything:{own.id}>")
    assert f"you are <:party:{own.id}>" in answer
    await town.tick()
    assert f"<:party:{own.id}> sam" in text_of(board(town))
    assert any(str(own.id) in each for each in to_click(board(town)))
    answer = await join(town, town.carol, emoji="<:foreign:123456789012345678>")
    assert answer.startswith("That emoji is not of this server")
    assert "one emoji, a standard one such as 🦊" in answer


async def test_an_emoji_kept_for_some_roles_is_refused(town: Town) -> None:
    await opened(town, admission="open")
    own = town.guild.create_emoji("party")
    own.role_ids = [town.moderators.id]
    assert "kept for some roles" in await join(town, town.stranger, emoji=f"<:party:{own.id}>")


async def test_a_custom_emoji_deleted_in_the_middle_of_the_round_is_replaced(town: Town) -> None:
    await opened(town, admission="open")
    own = town.guild.create_emoji("party")
    await join(town, town.stranger, emoji=f"<:party:{own.id}>")
    await town.tick()
    (custom,) = [each for each in to_click(board(town)) if str(own.id) in each]
    await town.carol.react(board(town), custom.strip("<:>"))
    assert thanks(town) == 1
    town.env.backend.delete_emoji(town.guild.id, own.id)
    await town.later(HOUR)
    assert f"{THIRD} sam" in text_of(board(town))
    assert THIRD in to_click(board(town))
    assert thanks(town) == 1
    (told,) = town.said(town.committee)
    assert f"The emoji of {town.stranger.mention} does not exist any more." in told


async def test_an_emoji_that_discord_does_not_know_is_replaced_while_seeding(town: Town) -> None:
    await town.open()
    town.env.inject_error(
        "PUT", "/channels/*/messages/*/reactions/*", status=400, code=10014,
        message="Unknown Emoji",
    )  # fmt: skip
    await town.tick()
    assert to_click(board(town)) == [SECOND, THIRD]
    assert listed(board(town))[-2:] == [f"{SECOND} bob", f"{THIRD} alice"]
    assert "does not exist any more" in town.said(town.committee)[0]


# ---------------------------------------------------------------- deleted, unpinned, cleared


@pytest.mark.parametrize("how", ("alone", "among others", "while the bot was away"))
async def test_a_deleted_board_is_rebuilt_and_the_thanks_stay(town: Town, how: str) -> None:
    thread = await opened(town)
    old = board(town)
    await town.carol.react(old, FIRST)
    await town.stranger.react(old, SECOND)
    assert thanks(town) == 2
    if how == "alone":
        town.env.backend.delete_message(thread.id, old.id)
    elif how == "among others":
        town.env.backend.bulk_delete_messages(thread.id, [old.id, 1])
    else:
        await town.bot.close()
        subscribers, town.env.backend.subscribers = town.env.backend.subscribers, []
        town.env.backend.delete_message(thread.id, old.id)
        town.env.backend.subscribers = subscribers
        await town.restart()
    await town.env.settle()
    await town.tick()
    new = board(town)
    assert new.id != old.id
    assert new.pinned
    assert to_click(new) == [FIRST, SECOND]
    assert thanks(town) == 2
    await town.carol.react(new, FIRST)
    assert thanks(town) == 3  # kept beside the earlier one; it is one voter


async def test_a_board_deleted_between_posting_and_pinning_comes_again(town: Town) -> None:
    await town.open()
    town.env.inject_error(
        "PUT", "/channels/*/messages/pins/*", status=404, code=10008, message="Unknown Message"
    )
    await town.tick()
    lost, stands = town.boards(town.thread("2026-Q1"))
    assert (lost.pinned, stands.pinned) == (False, True)
    assert to_click(stands) == [FIRST, SECOND]


async def test_a_board_deleted_before_it_is_edited_comes_again(town: Town) -> None:
    await opened(town)
    town.env.inject_error(
        "PATCH", f"/channels/*/messages/{board(town).id}", status=404, code=10008,
        message="Unknown Message",
    )  # fmt: skip
    await town.add(town.stranger)
    await town.tick()
    assert to_click(town.boards(town.thread("2026-Q1"))[-1]) == [FIRST, SECOND, THIRD]


async def test_a_board_deleted_while_it_is_seeded_comes_again(town: Town) -> None:
    await town.open()
    town.env.inject_error(
        "PUT", "/channels/*/messages/*/reactions/*", status=404, code=10008,
        message="Unknown Message",
    )  # fmt: skip
    await town.tick()
    assert [to_click(each) for each in town.boards(town.thread("2026-Q1"))] == [
        [], [FIRST, SECOND],
    ]  # fmt: skip


@pytest.mark.parametrize("away", (False, True))
async def test_an_unpinned_board_is_pinned_again(town: Town, *, away: bool) -> None:
    thread = await opened(town)
    if away:
        await town.bot.close()
        subscribers, town.env.backend.subscribers = town.env.backend.subscribers, []
        town.env.backend.set_pinned(thread.id, board(town).id, False)
        town.env.backend.subscribers = subscribers
        await restart_and_look(town)
    else:
        town.env.backend.set_pinned(thread.id, board(town).id, False)
        # Discord tells it in this way too.
        stored = town.env.backend.get_message(thread.id, board(town).id)
        data = dict(serializers.message_payload(town.env.backend, stored))
        town.env.backend.emit("MESSAGE_UPDATE", {**data, "guild_id": str(town.guild.id)})
        await town.env.settle()
    assert board(town).pinned


async def test_other_messages_may_be_deleted_edited_and_unpinned(town: Town) -> None:
    thread = await opened(town)
    backend = town.env.backend
    other = backend.create_message(thread.id, town.alice.id, "hello")
    backend.set_pinned(thread.id, other.id, True)
    backend.set_pinned(thread.id, other.id, False)
    backend.edit_message(thread.id, other.id, {"content": "bye"})
    backend.delete_message(thread.id, other.id)
    await town.env.settle()
    assert board(town).pinned


async def test_an_emoji_that_somebody_took_off_while_the_bot_was_away_comes_again(
    town: Town,
) -> None:
    thread = await opened(town)
    await town.bot.close()
    subscribers, town.env.backend.subscribers = town.env.backend.subscribers, []
    town.env.backend.clear_reaction(thread.id, board(town).id, FIRST)
    town.env.backend.subscribers = subscribers
    await restart_and_look(town)
    assert sorted(to_click(board(town))) == sorted([FIRST, SECOND])


async def test_a_deleted_thread_is_announced_anew_with_its_board(town: Town) -> None:
    thread = await opened(town)
    await town.carol.react(board(town), FIRST)
    (old,) = town.posts(town.support)
    await town.delete(thread)
    (announcement,) = town.posts(town.support)
    assert announcement.id != old.id
    assert announcement.pinned
    new = town.thread("2026-Q1")
    assert new.id == announcement.id
    await town.tick()
    assert to_click(board(town)) == [FIRST, SECOND]
    assert thanks(town) == 1
    await town.log_hours(town.alice, "1h")
    assert len(town.posts(new)) == 1
    assert "Thread:" in await town.press(town.stranger, town.support, "round status")


async def test_a_thread_deleted_while_the_bot_was_away_is_announced_anew(town: Town) -> None:
    thread = await opened(town)
    await town.bot.close()
    subscribers, town.env.backend.subscribers = town.env.backend.subscribers, []
    town.env.backend.delete_channel(thread.id)
    town.env.backend.subscribers = subscribers
    await restart_and_look(town)
    await town.tick()
    assert to_click(board(town)) == [FIRST, SECOND]


async def test_a_thread_that_is_gone_when_the_board_is_seeded_is_announced_anew(
    town: Town,
) -> None:
    await town.open()
    town.env.inject_error(
        "PUT", "/channels/*/messages/*/reactions/*", status=404, code=10003,
        message="Unknown Channel",
    )  # fmt: skip
    await town.tick()
    assert len(town.posts(town.support)) == 1
    threads = [each for each in town.support.threads if each.name == "Support 2026-Q1"]
    assert to_click(town.boards(threads[-1])[0]) == [FIRST, SECOND]


async def test_the_old_announcement_may_be_gone_as_well(town: Town) -> None:
    thread = await opened(town)
    town.env.backend.delete_message(town.support.id, thread.id)
    await town.delete(thread)
    assert len(town.posts(town.support)) == 1


async def test_the_deleted_thread_of_a_closed_round_is_let_be(town: Town) -> None:
    thread = await opened(town)
    await town.until(2026, 3, 30)
    await town.delete(thread)
    await town.tick()
    assert [each.name for each in town.support.threads] == ["Support 2026-Q2"]


async def test_the_board_of_another_server_is_untouched(town: Town) -> None:
    await opened(town)
    other = town.guild_of_same_people()
    elsewhere = other.channels["support"]
    stored = town.env.backend.create_message(elsewhere.id, town.me, "no board")
    before = town.sql("SELECT id, revision, state FROM posts")
    town.env.backend.delete_message(elsewhere.id, stored.id)
    await town.env.settle()
    await town.tick()
    assert town.sql("SELECT id, revision, state FROM posts") == before


# ---------------------------------------------------------------- what Discord refuses


async def test_without_the_right_to_react_the_committee_is_told_once_and_it_is_tried_hourly(
    town: Town,
) -> None:
    await town.open()
    await town.forbid(town.support, add_reactions=True)
    await town.tick()
    message = board(town)
    assert message.pinned
    (told,) = town.said(town.committee)
    assert "Discord refuses the bot's reactions in" in told
    assert "`/setup`" in told
    await town.permit(town.support)
    await town.later(30 * 60)
    assert to_click(board(town)) == []  # no storm: it rests
    await town.later(30 * 60)
    assert to_click(board(town)) == [FIRST, SECOND]
    assert len(town.said(town.committee)) == 1


async def test_after_a_restart_a_refused_reaction_is_tried_at_once(town: Town) -> None:
    await town.open()
    await town.forbid(town.support, add_reactions=True)
    await town.tick()
    await town.permit(town.support)
    await restart_and_look(town)
    assert to_click(board(town)) == [FIRST, SECOND]


async def test_a_board_that_may_not_be_pinned_stands_and_is_pinned_later(town: Town) -> None:
    await town.open()
    await town.forbid(town.support, manage_messages=True)
    await town.tick()
    assert not board(town).pinned
    assert to_click(board(town)) == [FIRST, SECOND]
    (told,) = town.said(town.committee)
    assert "The board in" in told
    assert "is not pinned" in told
    await town.permit(town.support)
    await town.press(town.admin, town.support, "setup")
    assert board(town).pinned


async def test_where_history_may_not_be_read_the_look_is_left_out(town: Town) -> None:
    await opened(town)
    await town.forbid(town.support, read_message_history=True)
    await town.later(HOUR)
    assert town.boards(town.thread("2026-Q1"))


async def test_where_nothing_may_be_posted_the_board_follows(town: Town) -> None:
    await town.open()
    await town.forbid(town.support, send_messages_in_threads=True)
    await town.tick()
    assert town.boards(town.thread("2026-Q1")) == []
    await town.permit(town.support)
    await town.press(town.admin, town.support, "setup")
    await town.tick()
    assert to_click(board(town)) == [FIRST, SECOND]


async def test_a_board_without_a_thread_waits_for_it(town: Town) -> None:
    await town.configure()
    await town.forbid(town.support, create_public_threads=True)
    await town.press(town.carol, town.committee, "round open")
    await town.add(town.alice)
    await town.tick()
    await town.permit(town.support)
    await town.press(town.admin, town.support, "setup")
    await town.tick()
    assert to_click(board(town)) == [FIRST]


async def test_emoji_that_do_not_fit_because_members_added_their_own_stand_on_another_message(
    town: Town,
) -> None:
    await town.open()
    await crowd(town, 18)
    await town.forbid(town.support, add_reactions=True)
    await town.tick()
    (first,) = town.boards(town.thread("2026-Q1"))
    await town.permit(town.support)
    for number in (17, 18, 19):
        town.env.inject_error(
            "PUT", f"/channels/*/messages/{first.id}/reactions/{quote(emoji.PALETTE[number])}/@me",
            status=400, code=30010, message="Maximum number of reactions reached (20)",
            times=None,
        )  # fmt: skip
    await town.later(HOUR)
    first, second = town.boards(town.thread("2026-Q1"))
    assert to_click(first) == list(emoji.PALETTE[:17])
    assert to_click(second) == list(emoji.PALETTE[17:20])
    assert len(listed(first)) == 20
    assert second.pinned
    await town.add(town.stranger)
    await town.tick()
    assert to_click(town.boards(town.thread("2026-Q1"))[1])[-1] == emoji.PALETTE[20]


async def test_a_fault_of_discord_delays_the_emoji_until_the_next_tick(town: Town) -> None:
    await town.open()
    town.env.inject_error(
        "PUT", "/channels/*/messages/*/reactions/*", status=400, code=50083,
        message="Thread is archived",
    )  # fmt: skip
    await town.tick()
    assert to_click(board(town)) == []
    assert town.said(town.committee) == []
    await town.tick()
    assert to_click(board(town)) == [FIRST, SECOND]


async def test_what_is_not_there_need_not_be_taken_off(town: Town) -> None:
    thread = await opened(town)
    await leave(town, town.bob)
    town.env.backend.remove_reaction(thread.id, board(town).id, SECOND, town.me)
    await town.tick()
    assert to_click(board(town)) == [FIRST]
    await town.tick()
    assert town.boards(thread) != []


async def test_a_fault_of_the_database_stops_nothing_else(town: Town) -> None:
    await town.open()
    with town.without_table("places"):
        await town.tick()
    _, faults = town.take_incidents()
    assert faults
    await town.tick()
    assert to_click(board(town)) == [FIRST, SECOND]
