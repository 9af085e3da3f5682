"""/helper: joining, vouching, adding, leaving, removing, declining pay, and the list."""

from __future__ import annotations

import pytest

from tests.cogs.town import Answer, Town


async def join(town: Town, who: object) -> Answer:
    return await town.press(who, town.support, "helper join")


async def vouch(town: Town, who: object, user: object) -> Answer:
    return await town.press(who, town.support, "helper vouch", user=user)


async def roster(town: Town) -> Answer:
    return await town.press(town.stranger, town.support, "helper list")


# ---------------------------------------------------------------- admission


async def test_where_admission_is_open_joining_is_enough(town: Town) -> None:
    await town.configure(admission="open")
    assert "You are a helper" in await join(town, town.alice)
    assert "You are a helper already. `/hours log` logs your time." in await join(town, town.alice)
    answer = await vouch(town, town.alice, town.bob)
    assert answer == "Vouching is not needed here: `/helper join` is enough."


async def test_where_admission_is_moderated_a_moderator_adds(town: Town) -> None:
    await town.configure(admission="moderated")
    answer = await join(town, town.alice)
    assert "Still needed: a moderator uses `/helper add`" in answer
    assert "You have asked already." in await join(town, town.alice)
    assert "waits to be admitted" in await roster(town)
    answer = await town.press(town.mod, town.support, "helper add", user=town.alice)
    assert f"{town.alice.mention} is a helper now" in answer
    answer = await vouch(town, town.alice, town.bob)
    assert answer == "Vouching is not needed here: a moderator adds helpers."


async def test_where_nobody_can_vouch_yet_the_answer_sends_to_a_moderator(town: Town) -> None:
    await town.configure()
    answer = await join(town, town.alice)
    assert "Nobody can vouch yet, so a moderator has to use `/helper add`." in answer


async def test_a_helper_vouches_for_somebody_who_asked(town: Town) -> None:
    await town.open()
    assert "a helper who knows you uses `/helper vouch`" in await join(town, town.stranger)
    answer = await vouch(town, town.alice, town.stranger)
    assert f"{town.stranger.mention} is a helper now." in answer
    assert "2 more times in this round" in answer
    assert "is a helper already" in await vouch(town, town.bob, town.stranger)


async def test_somebody_vouched_for_beforehand_is_listed_on_joining(town: Town) -> None:
    await town.open()
    answer = await vouch(town, town.alice, town.stranger)
    assert "is listed as soon as they use `/helper join`" in answer
    assert "they only have to `/helper join`" in await vouch(town, town.alice, town.stranger)
    assert "You are a helper" in await join(town, town.stranger)


async def test_nobody_vouches_for_themselves_or_without_being_a_helper(town: Town) -> None:
    await town.open()
    assert "Somebody else has to vouch for you" in await vouch(town, town.alice, town.alice)
    answer = await vouch(town, town.stranger, town.carol)
    assert "Only active helpers can vouch" in answer
    assert "`/helper add`" in answer


async def test_three_vouches_a_round(town: Town) -> None:
    await town.open()
    for number in range(3):
        assert "vouch" in await vouch(town, town.alice, town.person(f"new{number}"))
    answer = await vouch(town, town.alice, town.person("new3"))
    assert answer == (
        "You have vouched 3 times in this round, the most there is. "
        "Somebody else can vouch, or a moderator uses `/helper add`."
    )


async def test_after_a_payout_only_those_paid_can_vouch(town: Town) -> None:
    await town.open()
    await town.draft()
    await town.publish()
    await town.press(town.carol, town.committee, "payout paid", reference="0x1", helper=town.alice)
    assert "Only helpers who were paid before can vouch" in await vouch(
        town, town.bob, town.stranger
    )
    assert "Noted." in await vouch(town, town.alice, town.stranger)


async def test_bots_and_people_elsewhere_cannot_be_helpers(town: Town) -> None:
    await town.open()
    robot = town.guild.add_member(town.env.create_user("robot", bot=True))
    answer = await town.press(town.mod, town.support, "helper add", user=robot)
    assert answer == "Bots cannot be helpers. Choose a person."
    gone = town.env.create_user("gone")
    answer = await town.press(town.mod, town.support, "helper add", user=gone)
    assert answer == "That person is not in this server. Choose a member."
    assert "Choose a member" in await vouch(town, town.alice, gone)


async def test_adding_twice_is_refused(town: Town) -> None:
    await town.open()
    answer = await town.press(town.mod, town.support, "helper add", user=town.alice)
    assert answer == f"{town.alice.mention} is a helper already."


# ---------------------------------------------------------------- leaving and removing


async def test_leaving_asks_first_and_joining_brings_back(town: Town) -> None:
    await town.open()
    question = await town.press(town.alice, town.support, "helper leave")
    assert question.startswith("Leave the roster?")
    assert question.buttons == ["Leave the roster"]
    assert town.alice.mention in await roster(town)  # nothing has happened yet
    answer = await town.click(town.alice, question)
    assert "You are off the roster" in answer
    assert answer.buttons == []
    assert town.alice.mention not in await roster(town)
    assert "You are not on the roster" in await town.press(town.alice, town.support, "helper leave")
    assert "You are a helper" in await join(town, town.alice)


async def test_a_question_is_answered_once(town: Town) -> None:
    await town.open()
    first = await town.press(town.alice, town.support, "helper leave")
    second = await town.press(town.alice, town.support, "helper leave")
    assert "You are off the roster" in await town.click(town.alice, first)
    assert "You are not on the roster" in await town.click(town.alice, second)
    await join(town, town.alice)
    answer = await town.click(town.alice, second)
    assert "You are off the roster" in answer


async def test_only_who_was_asked_can_answer(town: Town) -> None:
    await town.open()
    question = await town.press(town.alice, town.support, "helper leave")
    answer = await town.click(town.bob, await town.copy_of(question))
    assert answer == "Only the person who was asked can press this. Use the command yourself."
    assert town.alice.mention in await roster(town)
    assert "You are off the roster" in await town.click(town.alice, question)


async def test_a_question_survives_a_restart_of_the_bot(town: Town) -> None:
    await town.open()
    question = await town.press(town.alice, town.support, "helper leave")
    await town.restart()
    assert "You are off the roster" in await town.click(town.alice, question)


async def test_a_question_expires_after_fifteen_minutes(town: Town) -> None:
    await town.open()
    question = await town.press(town.alice, town.support, "helper leave")
    await town.env.advance_time(15 * 60 + 1)
    answer = await town.click(town.alice, question)
    assert answer == ("This question has been answered or has expired. Use the command again.")
    assert town.alice.mention in await roster(town)


async def test_a_moderator_removes_with_a_reason_and_can_add_again(town: Town) -> None:
    await town.open()
    question = await town.press(
        town.mod, town.support, "helper remove", user=town.alice, reason="  spam  "
    )
    assert f"Take {town.alice.mention} off the roster?" in question
    assert question.buttons == ["Remove the helper"]
    answer = await town.click(town.mod, question)
    assert f"{town.alice.mention} is off the roster" in answer
    assert "`/helper add` brings them back" in answer
    answer = await town.press(
        town.mod, town.support, "helper remove", user=town.alice, reason="again"
    )
    assert "is not on the roster. `/helper list` shows who is." in answer
    assert "a moderator has to add you again" in await join(town, town.alice)
    assert "a moderator has to add them again" in await vouch(town, town.bob, town.alice)
    assert "Hours are logged by helpers" in await town.press(
        town.alice, town.support, "hours log", duration="1h", note="x"
    )
    await town.add(town.alice)


async def test_removing_needs_a_reason_in_words(town: Town) -> None:
    await town.open()
    answer = await town.press(
        town.mod, town.support, "helper remove", user=town.alice, reason="   "
    )
    assert answer == "Give a `reason` in words."


async def test_somebody_who_left_the_server_can_still_be_removed(town: Town) -> None:
    await town.open()
    town.guild.remove_member(town.alice)
    await town.env.settle()
    question = await town.press(
        town.mod, town.support, "helper remove", user=town.alice.user, reason="left"
    )
    assert "is off the roster" in await town.click(town.mod, question)


async def test_a_moderator_who_lost_the_role_before_pressing_is_refused(town: Town) -> None:
    await town.open()
    question = await town.press(
        town.mod, town.support, "helper remove", user=town.alice, reason="spam"
    )
    await town.take_role(town.mod, town.moderators)
    assert "This is for moderators" in await town.click(town.mod, question)
    assert town.alice.mention in await roster(town)


async def test_the_reason_of_a_removal_may_be_as_long_as_discord_lets_it_be(town: Town) -> None:
    await town.open()
    question = await town.press(
        town.mod, town.support, "helper remove", user=town.alice, reason="x" * 6000
    )
    assert "off the roster" in await town.click(town.mod, question)


# ---------------------------------------------------------------- role


async def test_the_helper_role_is_given_and_taken(town: Town) -> None:
    await town.open(helper_role=town.helpers.mention)
    assert town.helpers.id in town.role_ids(town.alice)
    question = await town.press(town.alice, town.support, "helper leave")
    await town.click(town.alice, question)
    assert town.helpers.id not in town.role_ids(town.alice)
    await join(town, town.alice)
    assert town.helpers.id in town.role_ids(town.alice)


async def test_a_candidate_gets_no_role_until_admitted(town: Town) -> None:
    await town.open(helper_role=town.helpers.mention)
    await join(town, town.stranger)
    assert town.helpers.id not in town.role_ids(town.stranger)
    await vouch(town, town.alice, town.stranger)
    assert town.helpers.id in town.role_ids(town.stranger)


async def test_a_role_that_cannot_be_given_is_said_and_the_rest_is_done(town: Town) -> None:
    high = town.guild.create_role("High", position=90)
    await town.configure(helper_role=high.mention)
    answer = await town.press(town.mod, town.support, "helper add", user=town.alice)
    assert "is a helper now" in answer
    assert f"The role {high.mention} could not be given: the bot needs Manage Roles" in answer
    assert "Everything else is done." in answer
    question = await town.press(town.alice, town.support, "helper leave")
    assert "could not be taken" in await town.click(town.alice, question)


async def test_a_role_that_is_gone_is_said_and_the_rest_is_done(town: Town) -> None:
    await town.configure(helper_role=town.helpers.mention)
    town.env.backend.delete_role(town.guild.id, town.helpers.id)
    await town.env.settle()
    answer = await town.press(town.mod, town.support, "helper add", user=town.alice)
    assert "is a helper now" in answer
    assert "is not there any more, so no role was changed" in answer


# ---------------------------------------------------------------- pay


async def test_declining_pay_is_shown_and_can_be_taken_back(town: Town) -> None:
    await town.open()
    answer = await town.press(town.alice, town.support, "helper pay", wanted=False)
    assert "You decline pay" in answer
    assert "Others gain from it only where the cap binds" in answer
    assert "declines pay" in await roster(town)
    assert "Pay is declined" in await town.log_hours(town.alice, "1h")
    answer = await town.press(town.alice, town.support, "helper pay", wanted=True)
    assert answer == (
        "You are paid for your hours in 2026-Q1 and later rounds. "
        "`/helper pay` with False declines."
    )
    assert "declines pay" not in await roster(town)


async def test_declining_after_the_close_leaves_the_amount_with_the_funder(town: Town) -> None:
    await town.open()
    await town.draft()
    await town.publish()
    answer = await town.press(town.alice, town.support, "helper pay", wanted=False)
    assert "For 2026-Q1 the amount stays with the funder." in answer
    answer = await town.press(town.alice, town.support, "helper pay", wanted=True)
    assert "For 2026-Q1 your amount is due again." in answer


async def test_pay_is_for_helpers(town: Town) -> None:
    await town.open()
    answer = await town.press(town.stranger, town.support, "helper pay", wanted=False)
    assert answer == "Pay is for helpers. `/helper join` says how to become one."


# ---------------------------------------------------------------- list


async def test_the_list_is_empty_at_first(town: Town) -> None:
    assert "Nobody is on the roster yet. `/helper join` asks to be." in await roster(town)


async def test_forty_five_helpers_come_in_pages(town: Town) -> None:
    await town.configure(admission="open")
    people = [town.person(f"helper{number}") for number in range(45)]
    for somebody in people:
        await join(town, somebody)
    page = await roster(town)
    assert "Roster: 45 people" in page
    assert "page 1 of 3" in page
    assert page.buttons == ["Next"]
    seen = str(page)
    for number in (2, 3):
        page = await town.click(town.stranger, page, "Next")
        assert page.count("page ") == 1  # turning does not pile the places up
        assert f"page {number} of 3" in page
        seen += page
    assert page.buttons == ["Back"]
    assert all(somebody.mention in seen for somebody in people)
    assert "page 2 of 3" in await town.click(town.stranger, page, "Back")


@pytest.mark.parametrize("ended_by", ("restart", "time"))
async def test_pages_that_cannot_be_turned_any_more_say_so(town: Town, ended_by: str) -> None:
    page = await town.press(town.admin, town.support, "settings show")
    if ended_by == "restart":
        await town.restart()
    else:
        await town.env.advance_time(601)
    answer = await town.click(town.admin, page, "Next")
    assert "Use the command again" in answer
