"""/thanks and Thank the author, their notes in the thread, taking back, and Who thanked me."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cogs.town import Answer, Town, text_of

HOSTILE = (
    "@everyone <@1> **big** [click](https://evil.example) "
    "\N{RIGHT-TO-LEFT OVERRIDE}sdrawkcab <t:0:R>"
)
TAKEN_BACK = "*A thanks was taken back.*"


async def thank(town: Town, who: Any, helper: Any, **options: Any) -> Answer:
    return await town.press(who, town.support, "thanks", helper=helper, **options)


async def thank_author(town: Town, who: Any, message: Any, channel: Any = None) -> Answer:
    with town.env.time_context():
        channel = channel or town.support
        return town.read(await who.context_menu(channel, "Thank the author", message))


async def start(town: Town, **values: str) -> None:
    """Open a round in which the accounts, made just now, are old enough."""
    await town.open(voter_account_days="0", **values)


def notes(town: Town, label: str = "2026-Q1") -> list[str]:
    """The notes in the thread of a round."""
    said = town.said(town.thread(label))
    return [text for text in said if " thanks <@" in text or text == TAKEN_BACK]


def stands(town: Town) -> list[tuple[int, int]]:
    """Who is thanked by whom at present."""
    rows = town.sql(
        "SELECT DISTINCT helper_id, voter_id FROM thanks "
        "WHERE taken_back_at IS NULL AND doubt = '' ORDER BY 1, 2"
    )
    return [(int(helper), int(voter)) for helper, voter in rows]


def closing_post(town: Town) -> Any:
    (post,) = [
        message
        for message in town.posts(town.thread("2026-Q1"))
        if "is closed**" in message.content
    ]
    return post


# ---------------------------------------------------------------- /thanks


async def test_thanking_answers_and_the_button_takes_it_back(town: Town) -> None:
    await start(town)
    answer = await thank(town, town.stranger, town.alice)
    assert answer.splitlines() == [
        f"**Noted: you thank {town.alice.mention}** in 2026-Q1.",
        "The button takes it back until <t:1774828800:f> (<t:1774828800:R>).",
    ]
    assert answer.buttons == ["Take it back"]
    assert stands(town) == [(town.alice.id, town.stranger.id)]
    assert notes(town) == []
    done = await town.click(town.stranger, answer)
    assert done == (
        f"**Taken back**: your thanks for {town.alice.mention} in 2026-Q1. "
        "`/thanks` thanks them again."
    )
    assert done.buttons == []
    assert stands(town) == []


async def test_thanking_again_says_that_it_counts_once(town: Town) -> None:
    await start(town)
    await thank(town, town.stranger, town.alice)
    answer = await thank(town, town.stranger, town.alice, note="once more")
    assert "You have thanked them before in this round: all is kept, and you count once." in answer
    assert stands(town) == [(town.alice.id, town.stranger.id)]
    done = await town.click(town.stranger, answer)
    assert done.startswith(f"**Taken back**: everything you gave {town.alice.mention}")


async def test_a_note_is_posted_in_the_thread_and_cannot_act(town: Town) -> None:
    await start(town)
    answer = await thank(town, town.stranger, town.alice, note=HOSTILE)
    assert "Your note is posted in the thread." in answer
    (note,) = notes(town)
    assert note.startswith(f"{town.stranger.mention} thanks {town.alice.mention}:\n>>> ")
    body = note.partition(">>> ")[2]
    assert "sdrawkcab" in body
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in body
    assert "@everyone" not in body
    assert "**big**" not in body
    assert "<@1>" not in body.replace("\\<", "")
    (post,) = [post for post in town.posts(town.thread("2026-Q1")) if ">>>" in post.content]
    assert not post.mention_everyone


async def test_a_note_that_is_taken_back_is_gone_from_the_thread(town: Town) -> None:
    await start(town)
    answer = await thank(town, town.stranger, town.alice, note="so helpful")
    await thank(town, town.bob, town.alice, note="indeed")
    await town.click(town.stranger, answer)
    assert notes(town) == [
        TAKEN_BACK,
        f"{town.bob.mention} thanks {town.alice.mention}:\n>>> indeed",
    ]


async def test_a_private_note_is_seen_by_helper_and_committee_alone(town: Town) -> None:
    await start(town)
    answer = await thank(town, town.stranger, town.alice, note="a secret", private="yes")
    assert f"Your note is for {town.alice.mention} and the committee alone." in answer
    await thank(town, town.bob, town.alice, note="no secret", private="no")
    audit = await town.press(town.carol, town.committee, "audit voters", helper=town.alice)
    assert "a secret" in audit
    assert len(notes(town)) == 1
    await town.until(2026, 3, 30)
    post = closing_post(town)
    assert "a secret" in await town.click(town.alice, post, "Who thanked me")
    for who in (town.stranger, town.bob, town.carol):
        assert "a secret" not in await town.click(who, post, "Who thanked me")
    everything = [
        text for place in (town.support, *town.support.threads) for text in town.said(place)
    ]
    assert not [text for text in everything if "a secret" in text]


async def test_a_refusal_says_what_would_be_accepted(town: Town) -> None:
    await start(town)
    robot = town.guild.add_member(town.env.create_user("robot", bot=True))
    for helper, options, sentence in (
        (town.stranger, {}, "Thanks are for others. Choose somebody else who helped"),
        (robot, {}, "Bots are not thanked. Choose the person who helped"),
        (town.dave, {}, "is not on the roster, so thanks cannot count for them. They get there"),
        (town.alice, {"note": "x" * 501}, "A note can have up to 500 characters; this one has 501"),
        (
            town.alice,
            {"note": "\N{ZERO WIDTH SPACE}"},
            "Write the `note` in words, or leave it out",
        ),
    ):
        answer = await thank(town, town.stranger, helper, **options)
        assert sentence in answer
        assert answer.buttons == []
    assert stands(town) == []


async def test_nobody_is_thanked_before_a_round_is_open(town: Town) -> None:
    await town.configure(admission="open")
    await town.press(town.alice, town.support, "helper join")
    answer = await thank(town, town.stranger, town.alice)
    assert answer == "No round is open at the moment. `/round status` shows what comes next."


async def test_a_young_account_is_kept_and_shown_but_not_counted(town: Town) -> None:
    await town.open()  # the accounts were made today
    answer = await thank(town, town.stranger, town.alice)
    assert "It is kept and shown, but not counted, as your account is too young." in answer
    assert "on counts." in answer
    assert stands(town) == []
    audit = await town.press(town.carol, town.committee, "audit voters", helper=town.alice)
    assert "**does not count**" in audit
    await town.later(days=8)
    assert "not counted" not in await thank(town, town.stranger, town.alice)
    assert stands(town) == [(town.alice.id, town.stranger.id)]


async def test_a_new_member_is_not_counted_where_that_is_asked_for(town: Town) -> None:
    await start(town, voter_member_days="2")
    answer = await thank(town, town.stranger, town.alice)
    assert "not counted, as you are too new in this server." in answer


async def test_somebody_who_left_the_server_can_still_be_thanked(town: Town) -> None:
    await start(town)
    town.env.backend.remove_member(town.guild.id, town.alice.id)
    await town.env.settle()
    assert "**Noted: you thank" in await thank(town, town.stranger, town.alice.user)


async def test_a_helper_who_was_removed_cannot(town: Town) -> None:
    await start(town)
    asked = await town.press(
        town.mod, town.support, "helper remove", user=town.alice, reason="gone"
    )
    await town.click(town.mod, asked)
    assert "is not on the roster" in await thank(town, town.stranger, town.alice)


# ---------------------------------------------------------------- Thank the author


async def test_the_menu_thanks_who_wrote_a_message_once(town: Town) -> None:
    await start(town)
    message = await town.alice.send(town.support, "Have you tried turning it off and on?")
    answer = await thank_author(town, town.stranger, message)
    assert answer.startswith(f"**Noted: you thank {town.alice.mention}** in 2026-Q1.")
    again = await thank_author(town, town.stranger, message)
    assert again.startswith(f"You have thanked {town.alice.mention} for this message already")
    another = await town.alice.send(town.support, "And now?")
    assert "all is kept, and you count once" in await thank_author(town, town.stranger, another)
    assert stands(town) == [(town.alice.id, town.stranger.id)]
    done = await town.click(town.stranger, again)
    assert done.startswith("**Taken back**: everything you gave")
    assert "**Noted" in await thank_author(town, town.stranger, message)


async def test_the_menu_works_in_the_thread_too(town: Town) -> None:
    await start(town)
    thread = town.thread("2026-Q1")
    message = await town.alice.send(thread, "Here.")
    assert "**Noted" in await thank_author(town, town.bob, message, thread)


@pytest.mark.parametrize(
    ("writer", "sentence"),
    (
        ("stranger", "Thanks are for others."),
        ("dave", "is not on the roster"),
        ("robot", "Bots are not thanked."),
    ),
)
async def test_the_menu_refuses_what_the_command_refuses(
    town: Town, writer: str, sentence: str
) -> None:
    await start(town)
    robot = town.guild.add_member(town.env.create_user("robot", bot=True))
    who = robot if writer == "robot" else getattr(town, writer)
    message = await who.send(town.support, "I helped!")
    assert sentence in await thank_author(town, town.stranger, message)


async def test_a_webhook_is_nobody_even_under_a_helpers_name(town: Town) -> None:
    await start(town)
    message = await town.guild.create_webhook(town.support, "alice").send("I helped!")
    assert "Bots are not thanked." in await thank_author(town, town.stranger, message)


async def test_the_bots_own_posts_thank_nobody(town: Town) -> None:
    await start(town)
    await town.log_hours(town.alice, "1h")
    thread = town.thread("2026-Q1")
    post = town.posts(thread)[-1]
    assert "Bots are not thanked." in await thank_author(town, town.stranger, post, thread)


# ---------------------------------------------------------------- the buttons


async def test_somebody_else_who_presses_the_button_changes_nothing_for_others(town: Town) -> None:
    await start(town)
    answer = await thank(town, town.stranger, town.alice)
    copy = await town.copy_of(answer)
    for who in (town.bob, town.alice, town.carol, town.admin):
        refusal = await town.click(who, copy)
        assert refusal == (
            f"No thanks of yours for {town.alice.mention} stand in 2026-Q1. `/thanks` thanks them."
        )
    assert stands(town) == [(town.alice.id, town.stranger.id)]


async def test_the_button_works_after_a_restart(town: Town) -> None:
    await start(town)
    answer = await thank(town, town.stranger, town.alice, note="kind")
    await town.restart()
    assert "**Taken back**" in await town.click(town.stranger, answer)
    assert stands(town) == []
    assert notes(town) == [TAKEN_BACK]


async def test_after_the_close_nothing_is_taken_back(town: Town) -> None:
    await start(town)
    answer = await thank(town, town.stranger, town.alice)
    await town.until(2026, 3, 30)
    refusal = await town.click(town.stranger, answer)
    assert refusal == "2026-Q1 closed <t:1774828800:f>, so its thanks stay as they are."
    assert stands(town) == [(town.alice.id, town.stranger.id)]


async def test_pressing_twice_at_once_takes_back_once(town: Town) -> None:
    await start(town)
    answer = await thank(town, town.stranger, town.alice)
    shown = await town.click_together((town.stranger, answer), (town.stranger, answer))
    assert sorted(text.startswith("**Taken back**") for text in shown) == [False, True]


async def test_who_thanked_me_stands_under_the_closing_post(town: Town) -> None:
    await start(town)
    await thank(town, town.stranger, town.alice, note=HOSTILE)
    await thank(town, town.bob, town.alice)
    await town.until(2026, 3, 30)
    await town.restart()
    post = closing_post(town)
    answer = await town.click(town.alice, post, "Who thanked me")
    assert "Who thanked you in 2026-Q1" in answer
    assert "**2 people** thanked you" in answer
    assert f"{town.stranger.mention} (sam)" in answer
    assert "sdrawkcab" in answer
    assert "**big**" not in answer
    assert "@everyone" not in answer
    assert "Nobody thanked you" in await town.click(town.bob, post, "Who thanked me")
    assert "You are not a helper in 2026-Q1, so there are no thanks to show." in await town.click(
        town.stranger, post, "Who thanked me"
    )
    assert post.content.endswith("`/leaderboard` shows the votes.")


async def test_who_thanked_me_comes_in_pages(town: Town) -> None:
    await start(town)
    for number in range(12):
        who = town.person(f"user{number}")
        await thank(town, who, town.alice, note="*" * 500)
    await town.until(2026, 3, 30)
    page = await town.click(town.alice, closing_post(town), "Who thanked me")
    assert page.buttons == ["Next"]
    assert "page 1 of" in page
    assert "page 2 of" in await town.click(town.alice, page, "Next")


async def test_while_a_round_is_open_again_nobody_sees_who_thanked_them(town: Town) -> None:
    await start(town)
    await thank(town, town.stranger, town.alice)
    await town.until(2026, 3, 30)
    post = closing_post(town)
    await town.press(town.carol, town.committee, "round reopen", reason="a mistake")
    answer = await town.click(town.alice, post, "Who thanked me")
    assert answer.startswith("2026-Q1 is open. At the close, <t:")


# ---------------------------------------------------------------- another server


async def test_servers_are_apart(town: Town) -> None:
    await start(town)
    answer = await thank(town, town.stranger, town.alice)
    other = town.guild_of_same_people()
    refusal = await town.press_in(other, "sam", "thanks", helper=town.in_server(other, "alice"))
    assert "is not on the roster" in refusal
    message = await town.env.bot.get_partial_messageable(
        other.channels["support"].id, guild_id=other.id
    ).fetch_message(
        town.env.backend.create_message(
            other.channels["support"].id, town.me, "", components=answer.message.components
        ).id
    )
    pressed = await town.click(town.in_server(other, "sam"), message)
    assert pressed == "There is no such round here. `/thanks` thanks somebody in this server."
    assert stands(town) == [(town.alice.id, town.stranger.id)]
    assert text_of(message) == ""
