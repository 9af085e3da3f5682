"""/round, the announcement, the thread, and what a round does by itself."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.cogs.town import Answer, Town


async def press(town: Town, who: Any, command: str, **options: Any) -> Answer:
    return await town.press(who, town.committee, command, **options)


async def close(town: Town, who: Any = None) -> Answer:
    who = who or town.carol
    return await town.click(who, await press(town, who, "round close", reason="early"))


# ---------------------------------------------------------------- opening


async def test_opening_announces_the_round_pinned_with_its_thread(town: Town) -> None:
    await town.open()
    (pinned,) = town.support.pinned_messages()
    embed = pinned.embeds[0]
    assert embed.title == "Support 2026-Q1"
    assert "`/hours log`" in embed.description
    assert "**Pays** 5.00 USD an hour, up to 1,000.00 USD for everybody together." in (
        embed.description
    )
    thread = town.thread("2026-Q1")
    assert thread.id == pinned.id  # the thread hangs on the announcement
    assert [channel.id for channel in town.support.threads] == [thread.id]


async def test_the_next_round_opens_by_itself_with_all_of_that(town: Town) -> None:
    await town.open(max_share="40")
    await town.until(2026, 3, 15)
    await town.until(2026, 3, 30)
    titles = [message.embeds[0].title for message in town.support.pinned_messages()]
    assert titles == ["Support 2026-Q1", "Support 2026-Q2"]
    assert "Nobody gets more than 40 % of that." in town.said(town.support)[1]
    said = town.said(town.thread("2026-Q1"))
    assert "**Last call for the hours of 2026-Q1.**" in said[0]
    assert "**2026-Q1 is closed**." in said[1]
    assert f"New hours go to {town.thread('2026-Q2').mention}." in said[1]
    assert "late" not in "".join(said)


async def test_opening_refuses_with_everything_that_is_missing(town: Town) -> None:
    await town.configure(split_by="mixed")
    for name in ("cap", "support_channel"):
        await town.press(town.admin, town.support, "settings set", name=name, value="-")
    answer = await press(town, town.carol, "round open")
    assert answer.startswith("The round cannot open yet:")
    assert "`cap` is not set: the most that a round pays." in answer
    assert "`support_channel` is not set" in answer
    assert "`split_by` is mixed, so `thanks_share` needs a percentage above 0." in answer
    assert "An admin sets these with `/setup` or `/settings set`." in answer


async def test_opening_twice_is_refused(town: Town) -> None:
    await town.open()
    answer = await press(town, town.dave, "round open")
    assert "2026-Q1 is open already, until <t:1774828800:f>" in answer


async def test_without_a_committee_role_the_answer_sends_to_setup(town: Town) -> None:
    answer = await press(town, town.carol, "round open")
    assert answer == "No committee role is set yet. An admin can choose it with `/setup`."


async def test_opening_hints_at_a_missing_currency(town: Town) -> None:
    await town.configure(currency="-", hourly_rate="5")
    answer = await press(town, town.carol, "round open")
    assert "No `currency` is set: amounts stand alone." in answer


# ---------------------------------------------------------------- status


async def test_a_member_sees_dates_hours_and_the_cap(town: Town) -> None:
    answer = await press(town, town.stranger, "round status")
    assert answer == "There is no round yet. The committee opens the first with `/round open`."
    await town.open()
    await town.log_hours(town.alice, "10h")
    answer = await press(town, town.stranger, "round status")
    assert "Round 2026-Q1" in answer
    assert "**Open** until <t:1774828800:f>" in answer
    assert town.thread("2026-Q1").mention in answer
    assert "**1 helper** with 10 h" in answer
    assert "Cap used: **50.00 of 1,000.00 USD** (5 %)" in answer
    assert "Call for claims <t:1773532800:f>" in answer
    answer = await press(town, town.stranger, "round status", round="2019-Q1")
    assert "There is no round of that name. Rounds here: 2026-Q1." in answer
    assert list(await town.offered(town.stranger, town.support, "round status", "round")) == [
        "2026-Q1"
    ]


async def test_the_status_follows_a_round_to_its_end(town: Town) -> None:
    await town.open()
    await town.until(2026, 1, 20)
    await town.log_hours(town.alice, "40h")

    async def status(label: str = "2026-Q1") -> Answer:
        return await press(town, town.stranger, "round status", round=label)

    await town.until(2026, 3, 30)
    assert "**In review**: the draft is made <t:1774987200:R>." in await status()
    await town.until(2026, 3, 31, 20)
    assert "**Draft**: the committee checks and approves it." in await status()
    await town.publish()
    assert "**Published**" in await status()
    assert "disputes count until <t:1776211199:f>" in await status()
    later = await status("2026-Q2")
    assert "2026-Q1: 800.00 USD" in later
    await press(town, town.carol, "payout paid", reference="0x1")
    await town.until(2026, 4, 16)
    assert "**Settled**" in await status()


# ---------------------------------------------------------------- closing by hand


async def test_closing_asks_first_then_opens_the_next(town: Town) -> None:
    await town.open()
    question = await press(town, town.carol, "round close", reason="a *good* reason @everyone")
    assert question.startswith("Close 2026-Q1 now? No more hours go into it")
    assert question.buttons == ["Close 2026-Q1"]
    answer = await town.click(town.carol, question)
    assert "**2026-Q1 is closed**, 2026-Q2 is open." in answer
    assert "`/round reopen` undoes it" in answer
    (said,) = town.said(town.thread("2026-Q1"))
    assert "by the committee: a \\*good\\* reason @\u200beveryone" in said
    assert town.thread("2026-Q2")


async def test_two_people_close_at_once_and_one_round_is_closed(town: Town) -> None:
    await town.open()
    first = await press(town, town.carol, "round close", reason="early")
    second = await press(town, town.dave, "round close", reason="early")
    answers = await town.click_together((town.carol, first), (town.dave, second))
    assert sorted(answers) == [
        "**2026-Q1 is closed**, 2026-Q2 is open. As long as nothing is logged there, "
        "`/round reopen` undoes it.",
        "2026-Q1 is not open any more. See `/round status`.",
    ]
    assert "2026-Q2" in await press(town, town.stranger, "round status")
    labels = await town.offered(town.carol, town.committee, "round void", "round")
    assert list(labels) == ["2026-Q2", "2026-Q1"]
    assert len(town.said(town.support)) == 2


async def test_the_same_button_pressed_twice_closes_once(town: Town) -> None:
    await town.open()
    question = await press(town, town.carol, "round close", reason="early")
    number = question.message.components[0]["components"][0]["custom_id"]
    copy = await town.copy_of(question)
    assert number.startswith("confirm:")
    assert "2026-Q2 is open" in await town.click(town.carol, question)
    answer = await town.click(town.carol, copy)
    assert answer == "This question has been answered or has expired. Use the command again."


async def test_a_question_from_before_the_clock_closed_the_round_is_refused(town: Town) -> None:
    await town.open()
    await town.until(2026, 3, 29, 23, 55)
    question = await press(town, town.carol, "round close", reason="early")
    await town.until(2026, 3, 30)
    answer = await town.click(town.carol, question)
    assert answer == "2026-Q1 is not open any more. See `/round status`."
    assert "2026-Q2" in await press(town, town.stranger, "round status")


async def test_closing_needs_a_reason_and_an_open_round(town: Town) -> None:
    await town.configure()
    answer = await press(town, town.carol, "round close", reason="x")
    assert "No round is open" in answer
    await press(town, town.carol, "round open")
    answer = await press(town, town.carol, "round close", reason=" \n ")
    assert answer == "Give a `reason` in words: others will read it."


async def test_a_very_long_reason_is_kept_short(town: Town) -> None:
    await town.open()
    question = await press(town, town.carol, "round close", reason="*" * 6000)
    assert "is closed" in await town.click(town.carol, question)
    (said,) = town.said(town.thread("2026-Q1"))
    assert len(said) < 2000


# ---------------------------------------------------------------- reopening


async def test_reopening_gives_the_round_back_until_its_draft(town: Town) -> None:
    await town.open()
    await town.log_hours(town.alice, "1h")
    await close(town)
    answer = await press(town, town.dave, "round reopen", reason="too early")
    assert answer.startswith("**2026-Q1 is open again** until <t:1774987200:f>")
    assert "is open again" in town.said(town.thread("2026-Q1"))[-1]
    assert "logged in 2026-Q1" in await town.log_hours(town.alice, "2h")
    await town.until(2026, 3, 31, 20)
    labels = await town.offered(town.carol, town.committee, "round status", "round")
    assert next(iter(labels)) == "2026-Q2"  # the label was used again


async def test_reopening_is_refused_where_the_next_round_has_entries(town: Town) -> None:
    await town.open()
    await close(town)
    await town.env.advance_time(90)
    await town.log_hours(town.alice, "1m")
    answer = await press(town, town.carol, "round reopen", reason="x")
    assert "2026-Q2 has entries already, so 2026-Q1 stays closed." in answer
    assert "`/payout adjust`" in answer


async def test_reopening_is_refused_where_nothing_is_in_review(town: Town) -> None:
    await town.open()
    answer = await press(town, town.carol, "round reopen", reason="x")
    assert answer == "No round is in review, so none can be reopened. See `/round status`."
    await town.until(2026, 3, 31, 20)
    assert "No round is in review" in await press(town, town.carol, "round reopen", reason="x")


# ---------------------------------------------------------------- voiding


async def test_voiding_asks_first_and_pays_nobody(town: Town) -> None:
    await town.open()
    await town.log_hours(town.alice, "1h")
    question = await press(town, town.carol, "round void", reason="a mistake")
    assert "Void 2026-Q1?" in question
    assert "This cannot be undone." in question
    answer = await town.click(town.carol, question)
    assert "**2026-Q1 is void**" in answer
    assert "`/round open`" in answer
    assert "**2026-Q1 is void**: a mistake" in town.said(town.thread("2026-Q1"))[-1]
    listed = await town.press(town.alice, town.support, "hours list", round="2026-Q1")
    assert "`#1` 1 h" in listed  # stays readable
    answer = await press(town, town.carol, "round void", reason="again", round="2026-Q1")
    assert answer == "2026-Q1 is void already."
    assert "2026-Q1 is open" in await press(town, town.carol, "round open")  # label used again


async def test_voiding_takes_the_oldest_draft_first(town: Town) -> None:
    await town.open()
    await town.draft()
    question = await press(town, town.carol, "round void", reason="wrong figures")
    assert "Void 2026-Q1?" in question
    assert "is void" in await town.click(town.carol, question)
    assert "There is no draft" in await press(town, town.dave, "payout approve")


async def test_what_is_paid_cannot_be_voided(town: Town) -> None:
    await town.open()
    await town.draft()
    await town.publish()
    await press(town, town.carol, "payout paid", reference="0x1", helper=town.alice)
    answer = await press(town, town.carol, "round void", reason="x", round="2026-Q1")
    assert "Something of 2026-Q1 is paid, so it cannot be voided." in answer
    assert "`/payout correct`" in answer


# ---------------------------------------------------------------- the thread


async def test_an_archived_thread_comes_back_at_once(town: Town) -> None:
    await town.open()
    thread = town.thread("2026-Q1")
    town.env.backend.edit_channel(thread.id, {}, thread_metadata={"archived": True})
    await town.env.settle()
    assert not thread._channel.thread_metadata.archived
    assert town.said(thread) == []  # without a filler message


async def test_a_thread_archived_while_the_bot_was_away_comes_back(town: Town) -> None:
    await town.open()
    thread = town.thread("2026-Q1")
    await town.bot.close()
    await town.archive_unnoticed(thread)
    await town.restart()
    await town.tick()
    assert not thread._channel.thread_metadata.archived


async def test_the_thread_of_a_round_in_review_may_be_archived(town: Town) -> None:
    await town.open()
    thread = town.thread("2026-Q1")
    await close(town)
    town.env.backend.edit_channel(thread.id, {}, thread_metadata={"archived": True})
    await town.env.settle()
    assert thread._channel.thread_metadata.archived


async def test_a_thread_that_cannot_be_unarchived_is_let_be(town: Town) -> None:
    await town.open()
    thread = town.thread("2026-Q1")
    town.env.inject_error("PATCH", f"/channels/{thread.id}", status=403, message="no", times=None)
    town.env.backend.edit_channel(thread.id, {}, thread_metadata={"archived": True})
    await town.env.settle()
    await town.tick()
    assert thread._channel.thread_metadata.archived


async def test_other_threads_are_let_be(town: Town) -> None:
    await town.open()
    other = town.env.backend.create_thread(town.support.id, "chat", town.alice.id)
    town.env.backend.edit_channel(other.id, {}, thread_metadata={"archived": True})
    await town.env.settle()
    assert other.thread_metadata.archived
    town.env.backend.delete_channel(other.id)
    await town.env.settle()


async def test_an_announcement_deleted_before_its_thread_was_made_is_posted_again(
    town: Town,
) -> None:
    await town.configure()
    await town.forbid(town.support, create_public_threads=True)
    await press(town, town.carol, "round open")
    (lonely,) = town.posts(town.support)
    town.env.backend.delete_message(town.support.id, lonely.id)
    await town.permit(town.support)
    await town.press(town.admin, town.support, "setup")
    await town.tick()
    (announcement,) = town.support.pinned_messages()
    assert announcement.id != lonely.id
    assert town.thread("2026-Q1").id == announcement.id


# ---------------------------------------------------------------- missing permissions

LACKS = {
    "send": {"send_messages": True},
    "thread": {"create_public_threads": True},
    "pin": {"manage_messages": True},
}


@pytest.mark.parametrize("again", ("settings", "setup", "restart"))
@pytest.mark.parametrize("lack", list(LACKS))
async def test_without_a_permission_the_round_opens_and_is_announced_later(
    town: Town, lack: str, again: str
) -> None:
    await town.configure()
    await town.forbid(town.support, **LACKS[lack])
    answer = await press(town, town.carol, "round open")
    assert "**2026-Q1 is open.**" in answer
    assert "Not everything could be posted:" in answer
    assert town.support.mention in answer
    assert "`/setup` shows which permission is missing where." in answer
    assert "Messages that wait" in await press(town, town.stranger, "round status")
    (told,) = town.said(town.committee)
    assert town.support.mention in told
    await town.add(town.alice)
    assert "logged in 2026-Q1" in await town.log_hours(town.alice, "1h")

    await town.tick()
    await town.tick()
    assert len(town.said(town.committee)) == 1  # told once

    await town.permit(town.support)
    if again == "settings":
        await town.press(
            town.admin,
            town.support,
            "settings set",
            name="support_channel",
            value=town.support.mention,
        )
    elif again == "setup":
        await town.press(town.admin, town.support, "setup")
    else:
        await town.restart()
        await town.tick()
    assert len(town.said(town.support)) == 1
    assert [card.embeds[0].title for card in town.posts(town.thread("2026-Q1"))] == ["#1 · 1 h"]
    assert len(town.support.pinned_messages()) == 1
    assert len(town.said(town.committee)) == 1


async def test_a_support_channel_that_is_gone_is_said_to_the_committee(town: Town) -> None:
    await town.configure()
    await town.delete(town.support)
    answer = await press(town, town.carol, "round open")
    assert "**2026-Q1 is open.**" in answer
    assert "Not everything could be posted:" in answer
    (told,) = town.said(town.committee)
    assert "`/setup`" in told
    other = town.guild.create_text_channel("new-support")
    await town.press(
        town.admin, town.committee, "settings set", name="support_channel", value=other.mention
    )
    assert "Support 2026-Q1" in town.said(other)[0]


async def test_a_committee_channel_that_is_gone_stops_nothing(town: Town) -> None:
    await town.open()
    await town.draft_without_committee_channel()
    answer = await town.press(town.carol, town.support, "payout preview")
    assert "Draft 2026-Q1" in answer
    other = town.guild.create_text_channel("new-committee")
    await town.press(
        town.admin, town.support, "settings set", name="committee_channel", value=other.mention
    )
    assert "**The draft of 2026-Q1 is ready.**" in "\n".join(town.said(other))


@pytest.mark.parametrize("status", (500, 503))
async def test_a_fault_of_discord_delays_a_message_until_the_next_tick(
    town: Town, status: int
) -> None:
    await town.configure()
    path = f"/channels/{town.support.id}/messages"
    town.env.inject_error("POST", path, status=status, times=None)
    answer = await press(town, town.carol, "round open")
    assert "Discord has a fault at the moment; it follows." in answer
    assert town.said(town.committee) == []
    town.env.backend.faults.clear()
    await town.tick()
    assert "Support 2026-Q1" in town.said(town.support)[0]


async def test_what_nobody_needs_to_hear_any_more_is_not_said(town: Town) -> None:
    await town.open()
    await town.forbid(town.committee, send_messages=True)
    await town.draft()
    answer = await town.press(town.stranger, town.support, "round status")
    assert f"- Discord refuses it in {town.committee.mention}: Missing Permissions" in answer
    await town.publish()
    await town.permit(town.committee)
    await town.press(town.admin, town.support, "setup")
    assert "is ready" not in "".join(town.said(town.committee))
    answer = await town.press(town.stranger, town.support, "round status")
    assert "Messages that wait" not in answer


async def test_a_statement_that_was_replaced_before_it_could_be_posted_is_not(town: Town) -> None:
    await town.open()
    await town.draft()
    await town.forbid(town.support, send_messages=True)
    await town.publish()
    await press(
        town, town.carol, "payout adjust", helper=town.bob, reason="x", amount="1", round="2026-Q1"
    )
    await town.publish()
    await town.permit(town.support)
    await town.press(town.admin, town.support, "setup")
    (statement,) = [text for text in town.said(town.support) if "Statement" in text]
    assert "Statement 2026-Q1, version 2" in statement


async def test_the_status_of_a_void_round_says_so(town: Town) -> None:
    await town.open()
    await town.click(town.carol, await press(town, town.carol, "round void", reason="x"))
    answer = await press(town, town.stranger, "round status", round="2026-Q1")
    assert "**Void**: entries stay readable and are paid by nobody." in answer
    assert "Round 2026-Q1" in await press(town, town.stranger, "round status")


async def test_settings_that_became_incomplete_do_not_leave_a_gap(town: Town) -> None:
    await town.open()
    await town.press(town.admin, town.support, "settings set", name="split_by", value="mixed")
    await town.until(2026, 3, 30)
    assert "2026-Q2" in await press(town, town.stranger, "round status")
    (told,) = town.said(town.committee)
    assert "The settings are incomplete" in told
    assert "`thanks_share`" in told


async def test_deliveries_at_the_same_time_post_once(town: Town) -> None:
    await town.configure()
    await press(town, town.carol, "round open")
    with town.env.time_context():
        await asyncio.gather(*(town.bot.deliver(town.guild.id) for _ in range(5)), town.tick())
    assert len(town.said(town.support)) == 1


# ---------------------------------------------------------------- what hours and thanks decide


PUBLIC = {"public_counts": "yes", "voter_account_days": "0"}


async def told(town: Town) -> tuple[str, Answer, str]:
    """Return announcement, status and the answer to logging an hour."""
    (pinned,) = town.support.pinned_messages()
    status = await press(town, town.alice, "round status")
    return pinned.embeds[0].description, status, await town.log_hours(town.alice, "1h")


async def test_a_round_by_thanks_says_that_hours_pay_nothing(town: Town) -> None:
    await town.open(split_by="thanks")
    announced, status, logged = await told(town)
    assert (
        "**Pays by thanks**: 1,000.00 USD shared by how many people each helper was thanked by."
        in announced
    )
    assert "an hour" not in announced
    assert "Thanks decide who gets how much of the cap of **1,000.00 USD**." in status
    assert (
        "Total in 2026-Q1: 1 h. Hours pay nothing in this round; thanks decide, shown after the "
        "close." in logged
    )
    listed = await press(town, town.alice, "hours list")
    assert "**1 h** in 2026-Q1. Hours pay nothing in this round; thanks decide" in listed


async def test_a_mixed_round_names_both_parts(town: Town) -> None:
    await town.open(split_by="mixed", thanks_share="25", max_share="40")
    announced, _, logged = await told(town)
    lines = announced.splitlines()
    start = lines.index("**Pays** 5.00 USD an hour, up to 750.00 USD for everybody together.")
    assert lines[start + 1 : start + 3] == [
        "Nobody gets more than 40 % of that.",
        "**And by thanks**: 250.00 USD shared by how many people each helper was thanked by.",
    ]
    assert (
        "which would give **5.00 USD** for hours now; the part for thanks is shown after the close."
        in logged
    )
    status = await press(town, town.alice, "round status")
    assert (
        "Cap for hours used: **5.00 of 750.00 USD** (0 %); 250.00 USD more are shared by thanks, "
        "shown after the close." in status
    )


async def test_where_counts_are_public_both_parts_are_shown_as_they_are(town: Town) -> None:
    await town.open(split_by="mixed", thanks_share="25", **PUBLIC)
    await town.press(town.stranger, town.support, "thanks", helper=town.alice)
    _, status, logged = await told(town)
    assert "which would give **5.00 USD** for hours and **250.00 USD** for thanks now." in logged
    assert "**1 vote**: `/leaderboard` shows for whom." in status
    assert "Cap used: **250.00 of 1,000.00 USD** (25 %)" in status


async def test_a_public_round_by_thanks_tells_what_they_would_give(town: Town) -> None:
    await town.open(split_by="thanks", **PUBLIC)
    await town.press(town.stranger, town.support, "thanks", helper=town.alice)
    _, status, logged = await told(town)
    assert "thanks decide, and would give **1,000.00 USD** now." in logged
    assert "Cap used: **1,000.00 of 1,000.00 USD** (100 %)" in status
