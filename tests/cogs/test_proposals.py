"""A mention in the thread of a round: the question, its buttons, and who may press them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cogs.town import Town


async def mention(town: Town, who: Any, *people: Any, channel: Any = None, **options: Any) -> Any:
    """Let somebody write a message that mentions people, in the thread of the round."""
    text = f"{' '.join(person.mention for person in people)} helped me all night"
    return await who.send(channel or town.thread("2026-Q1"), text, **options)


def proposals(town: Town) -> list[Any]:
    """The posts about proposals in the thread."""
    posts = town.posts(town.thread("2026-Q1"))
    words = ("Would you like to be on the board", "for the board", "join the board")
    return [post for post in posts if any(word in post.content for word in words)]


async def proposal(town: Town) -> Any:
    (post,) = proposals(town)
    return post


async def proposed(town: Town, who: Any = None, **settings: str) -> Any:
    """Open a round in which Dave mentions somebody, by default the stranger."""
    await town.open(**settings)
    await mention(town, town.dave, who or town.stranger)
    return await proposal(town)


def labels(post: Any) -> list[str]:
    return [button.label for row in post.components for button in row.children]


def people_named(town: Town, count: int) -> list[Any]:
    return [town.person(f"new{number}") for number in range(count)]


async def test_a_mention_in_the_thread_asks_the_person_without_another_ping(town: Town) -> None:
    post = await proposed(town)
    assert post.content == (
        f"{town.dave.mention} mentioned {town.stranger.mention}. Would you like to be on the "
        f"board, {town.stranger.mention}, so that people can thank you? Only you can answer."
    )
    assert labels(post) == ["Join the board", "No, thanks"]
    assert town.env.backend.get_message(post.channel.id, post.id).ping_user_ids == []
    assert town.sql("SELECT state FROM helpers WHERE user_id = ?", town.stranger.id) == []


async def test_nobody_is_asked_twice_in_a_round(town: Town) -> None:
    await proposed(town)
    await mention(town, town.dave, town.stranger, town.stranger)
    await mention(town, town.carol, town.stranger)
    assert len(proposals(town)) == 1


async def test_only_people_who_are_not_on_the_roster_are_asked(town: Town) -> None:
    await town.open()
    bot = town.guild.add_member(town.env.create_user("robot", bot=True))
    await mention(town, town.dave, bot, town.dave, town.alice)
    await mention(town, town.dave)
    thread = town.thread("2026-Q1")
    await town.dave.send(thread, f"@everyone @here {town.helpers.mention} thank you")
    assert proposals(town) == []


async def test_what_a_bot_writes_asks_nobody(town: Town) -> None:
    await town.open()
    bot = town.guild.add_member(town.env.create_user("robot", bot=True))
    await mention(town, bot, town.stranger)
    assert proposals(town) == []


async def test_the_person_replied_to_is_not_asked_and_others_are(town: Town) -> None:
    await town.open()
    thread = town.thread("2026-Q1")
    original = await town.stranger.send(thread, "Set the port and restart.")
    await town.dave.send(thread, "Thanks, that was it!", reply_to=original)
    assert proposals(town) == []
    newcomer = town.person("nora")
    await mention(town, town.dave, newcomer, reply_to=original)
    assert newcomer.mention in (await proposal(town)).content


async def test_a_reply_to_a_message_that_is_gone_asks_nobody(town: Town) -> None:
    await town.open()
    thread = town.thread("2026-Q1")
    original = await town.stranger.send(thread, "Set the port and restart.")
    backend = town.env.backend
    create = backend.create_message
    reference = {"channel_id": str(thread.id), "message_id": str(original.id)}
    reference = backend.normalize_message_reference(thread.id, reference)
    backend.delete_message(thread.id, original.id)
    create(thread.id, town.dave.id, f"{town.stranger.mention} thanks", reference=reference)
    await town.env.settle()
    assert proposals(town) == []


async def test_elsewhere_a_mention_is_a_mention(town: Town) -> None:
    await town.open()
    await mention(town, town.dave, town.stranger, channel=town.support)
    await mention(town, town.dave, town.stranger, channel=town.committee)
    other = town.guild_of_same_people()
    dave = town.in_server(other, "dave")
    await dave.send(other.channels["support"], f"{town.stranger.mention} hello")
    assert town.sql("SELECT * FROM proposals") == []
    assert proposals(town) == []


async def test_five_of_one_message_and_ten_of_one_person_are_asked(town: Town) -> None:
    await town.open()
    newcomers = people_named(town, 13)
    await mention(town, town.dave, *newcomers[:7])
    assert len(proposals(town)) == 5
    await mention(town, town.dave, *newcomers[5:10])
    await mention(town, town.dave, *newcomers[10:])
    assert len(proposals(town)) == 10
    await mention(town, town.carol, *newcomers[10:])
    assert len(proposals(town)) == 13


@pytest.mark.parametrize("label", ("Join the board", "No, thanks"))
async def test_nobody_else_may_press(town: Town, label: str) -> None:
    post = await proposed(town)
    for who in (town.dave, town.mod, town.admin, town.alice):
        answer = await town.click(who, post, label)
        assert answer == (
            f"Only {town.stranger.mention} can answer this. Want to help too? "
            "`/helper join` works at any time."
        )
    assert labels(await proposal(town)) == ["Join the board", "No, thanks"]


async def test_with_open_admission_one_click_is_enough(town: Town) -> None:
    post = await proposed(town, admission="open", helper_role=town.helpers.mention)
    answer = await town.click(town.stranger, post, "Join the board")
    assert answer.startswith("**You are a helper.**")
    after = await proposal(town)
    assert after.content == f"{town.stranger.mention} was proposed for the board and joined."
    assert labels(after) == []
    assert town.role_ids(town.stranger) == [town.helpers.id]
    assert "logged" in await town.log_hours(town.stranger, "1h")


@pytest.mark.parametrize(
    ("admission", "needed"),
    (("vouched", "uses `/helper vouch`"), ("moderated", "a moderator uses `/helper add`.")),
)
async def test_otherwise_the_answer_says_what_is_still_needed(
    town: Town, admission: str, needed: str
) -> None:
    post = await proposed(town, admission=admission, helper_role=town.helpers.mention)
    answer = await town.click(town.stranger, post, "Join the board")
    assert answer.startswith("**You are on the list.** Still needed:")
    after = await proposal(town)
    assert f"{town.stranger.mention} would like to join the board." in after.content
    for text in (answer, after.content):
        assert needed in text
    assert labels(after) == []
    assert town.role_ids(town.stranger) == []


async def test_one_who_was_vouched_for_is_on_the_board_at_once(town: Town) -> None:
    post = await proposed(town)
    await town.press(town.alice, town.support, "helper vouch", user=town.stranger)
    assert "You are a helper" in await town.click(town.stranger, post, "Join the board")


async def test_no_thanks_is_kept_to_and_joining_stays_possible(town: Town) -> None:
    post = await proposed(town, admission="open")
    copy = await town.copy_of_post(post)
    answer = await town.click(town.stranger, post, "No, thanks")
    assert answer.startswith("Noted: you are not listed.")
    after = await proposal(town)
    assert after.content == (
        f"{town.stranger.mention} was proposed for the board and is not joining for now."
    )
    assert labels(after) == []
    again = await town.click(town.stranger, copy, "Join the board")
    assert again == "You answered no already. `/helper join` works at any time."
    assert "You are a helper" in await town.press(town.stranger, town.support, "helper join")


async def test_who_was_added_meanwhile_is_told_so(town: Town) -> None:
    post = await proposed(town)
    copy = await town.copy_of_post(post)
    await town.add(town.stranger)
    assert "You are a helper already." in await town.click(town.stranger, post, "Join the board")
    assert (await proposal(town)).content.endswith("was proposed for the board and joined.")
    assert "You answered yes already" in await town.click(town.stranger, copy, "No, thanks")


async def test_no_of_somebody_on_the_roster_changes_nothing_there(town: Town) -> None:
    post = await proposed(town)
    await town.add(town.stranger)
    answer = await town.click(town.stranger, post, "No, thanks")
    assert answer.startswith("Noted. You are on the roster all the same;")


async def test_the_buttons_work_after_a_restart(town: Town) -> None:
    post = await proposed(town, admission="open")
    await town.restart()
    assert "Only" in await town.click(town.dave, post, "Join the board")
    assert "You are a helper" in await town.click(town.stranger, post, "Join the board")
    assert len(proposals(town)) == 1


async def test_a_proposal_ends_with_its_round(town: Town) -> None:
    post = await proposed(town, admission="open")
    await town.until(2026, 3, 30)
    await mention(town, town.dave, town.person("late"))
    answer = await town.click(town.stranger, post, "Join the board")
    assert answer == (
        "2026-Q1 has closed, and this proposal with it. `/helper join` works at any time."
    )
    after = await proposal(town)
    assert after.content.endswith("was proposed for the board of a round that has closed.")
    assert labels(after) == []
    assert "You are a helper" in await town.press(town.stranger, town.support, "helper join")


async def test_the_button_is_worth_nothing_in_another_server(town: Town) -> None:
    post = await proposed(town, admission="open")
    other = town.guild_of_same_people()
    stored = town.env.backend.get_message(post.channel.id, post.id)
    copy = town.env.backend.create_message(
        other.channels["support"].id, town.me, "", components=stored.components
    )
    shown = town.bot.get_partial_messageable(copy.channel_id, guild_id=other.id)
    with town.env.time_context():
        message = await shown.fetch_message(copy.id)
    answer = await town.click(town.in_server(other, "sam"), message, "Join the board")
    assert answer == "There is no such proposal here. `/helper join` works at any time."
    assert town.sql("SELECT * FROM helpers WHERE user_id = ?", town.stranger.id) == []


async def test_a_thread_that_refuses_the_question_loses_nothing(town: Town) -> None:
    await town.open()
    await town.forbid(town.support, send_messages_in_threads=True)
    await mention(town, town.dave, town.stranger)
    assert proposals(town) == []
    await town.permit(town.support)
    await town.press(town.admin, town.support, "setup")
    assert len(proposals(town)) == 1


async def test_a_question_that_comes_after_the_close_is_not_asked(town: Town) -> None:
    await town.open()
    thread = town.thread("2026-Q1")
    path = f"/channels/{thread.id}/messages"
    town.env.inject_error("POST", path, status=503, times=None)
    await mention(town, town.dave, town.stranger)
    town.env.backend.faults.clear()
    await town.until(2026, 3, 30)
    assert proposals(town) == []
