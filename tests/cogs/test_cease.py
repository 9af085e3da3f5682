"""/cease, /helper suspend and reinstate: proposals, buttons, announcements, and what one sees."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cogs.town import LATE, Answer, Town


async def propose(town: Town, who: Any = None, user: Any = None) -> Answer:
    return await town.press(
        who or town.carol, town.committee, "cease propose",
        user=user or town.alice, reason="false hours",
    )  # fmt: skip


async def vote(town: Town, who: Any, word: str = "yes", number: str = "1") -> Answer:
    return await town.press(who, town.committee, "cease vote", proposal=number, vote=word)


async def suspend(town: Town, who: Any = None, user: Any = None) -> Answer:
    return await town.press(
        who or town.carol, town.committee, "helper suspend",
        user=user or town.alice, reason="false hours",
    )  # fmt: skip


async def reinstate(town: Town, who: Any = None, user: Any = None) -> Answer:
    return await town.press(
        who or town.carol, town.committee, "helper reinstate",
        user=user or town.alice, reason="cleared up",
    )  # fmt: skip


def asked(town: Town) -> Any:
    """The newest proposal in the committee channel."""
    return [post for post in town.posts(town.committee) if "**Proposal " in post.content][-1]


def announced(town: Town, channel: Any = None) -> list[str]:
    said = town.said(channel or town.support)
    return [text for text in said if "**Payments to" in text]


def labels(post: Any) -> list[str]:
    return [button.label for row in post.components for button in row.children]


async def committee_of(town: Town, count: int) -> list[Any]:
    """Open a round with a committee of so many seats; Carol and Dave hold the first two."""
    await town.open(committee_seats=str(count))
    more = [town.person(f"seat{n}", town.members_of_committee) for n in range(count - 2)]
    return [town.carol, town.dave, *more]


# ---------------------------------------------------------------- the proposal


async def test_a_proposal_stands_in_the_committee_channel_with_its_votes(town: Town) -> None:
    members = await committee_of(town, 3)
    answer = await propose(town)
    assert answer.startswith(f"**Proposal 1** is made: cease payments to {town.alice.mention}.")
    assert "Your own yes is not counted by itself" in answer
    post = asked(town)
    assert labels(post) == ["Yes", "No"]
    assert "Reason: false hours" in post.content
    assert "**0 yes, 0 no of 3 seats; 2 yes needed**, until <t:" in post.content
    assert "Nobody has voted." in post.content
    answer = await town.click(members[2], post, "No")
    assert answer.startswith("Your no on proposal 1 counts: 0 yes, 1 no of 3 seats; 2 yes needed.")
    await vote(town, town.dave)
    assert "**1 yes, 1 no of 3 seats; 2 yes needed**" in asked(town).content
    assert f"Yes: {town.dave.mention} · No: {members[2].mention}" in asked(town).content
    assert announced(town) == []
    answer = await town.click(town.carol, asked(town), "Yes")
    assert answer.startswith(
        f"Your yes on proposal 1 counts, and decides it. **Payments to {town.alice.mention} are "
        "held**"
    )
    after = asked(town)
    assert labels(after) == []
    assert "**Carried** <t:" in after.content
    assert "with 2 yes, 1 no of 3 seats." in after.content


async def test_it_is_announced_in_public_without_the_reason(town: Town) -> None:
    await committee_of(town, 2)
    await propose(town)
    await vote(town, town.carol)
    await vote(town, town.dave)
    thread = town.thread("2026-Q1")
    for channel in (town.support, thread):
        (text,) = announced(town, channel)
        assert text.startswith(f"**Payments to {town.alice.mention} are held** by a decision")
        assert "hours are logged, thanks are given and the board stays" in text
        assert "`/dispute open`" in text
        assert "false hours" not in text
    (post,) = [post for post in town.posts(town.support) if "**Payments to" in post.content]
    stored = town.env.backend.get_message(post.channel.id, post.id)
    assert stored.ping_user_ids == [town.alice.id]
    (post,) = [post for post in town.posts(thread) if "**Payments to" in post.content]
    assert town.env.backend.get_message(post.channel.id, post.id).ping_user_ids == []


async def test_a_vote_is_changed_by_the_other_button_and_given_once(town: Town) -> None:
    await committee_of(town, 3)
    await propose(town)
    await town.click(town.carol, asked(town), "No")
    assert "You have voted no already." in await town.click(town.carol, asked(town), "No")
    await town.click(town.carol, asked(town), "Yes")
    assert "**1 yes, 0 no of 3 seats" in asked(town).content


async def test_five_of_nine_are_needed_and_five_no_end_it(town: Town) -> None:
    members = await committee_of(town, 9)
    await propose(town)
    for who in members[:4]:
        assert "5 yes needed" in await vote(town, who)
    for who in members[4:8]:
        await vote(town, who, "no")
    answer = await vote(town, members[8], "no")
    assert "and decides it. **Failed** <t:" in answer
    assert "with 4 yes, 5 no of 9 seats: 5 yes cannot be reached any more." in asked(town).content
    assert announced(town) == []


async def test_somebody_who_lost_the_role_votes_no_more_by_command_or_button(town: Town) -> None:
    await committee_of(town, 3)
    await propose(town)
    await vote(town, town.dave)
    post = asked(town)
    await town.take_role(town.dave, town.members_of_committee)
    for answer in (await town.click(town.dave, post, "No"), await vote(town, town.dave, "no")):
        assert answer.startswith("This is for the committee: members with")
    assert "**1 yes, 0 no" in asked(town).content
    for who in (town.alice, town.mod, town.admin, town.stranger):
        assert (await town.click(who, post, "Yes")).startswith("This is for the committee")


async def test_the_person_concerned_is_refused_and_everybody_else_told_nothing(town: Town) -> None:
    await committee_of(town, 3)
    await town.give_role(town.alice, town.members_of_committee)
    await propose(town)
    answer = await town.click(town.alice, asked(town), "No")
    assert answer == "This is about your own payments, so the other members vote."
    answer = await propose(town, town.alice)
    assert answer == "Your own payments are for the other members of the committee."
    assert "Nobody has voted." in asked(town).content


async def test_two_who_press_at_once_decide_it_once(town: Town) -> None:
    await committee_of(town, 2)
    await propose(town)
    await vote(town, town.carol, "no")
    post = asked(town)
    assert "Failed" in post.content
    await suspend(town)  # a second proposal, with Carol's yes
    copy = await town.copy_of_post(asked(town))
    answer = await town.click(town.dave, asked(town), "Yes")
    assert "decides it" in answer
    answer = await town.click(town.dave, copy, "Yes")
    assert answer.startswith("Proposal 2 was carried <t:")
    assert len(announced(town)) == 1


async def test_the_buttons_work_after_a_restart(town: Town) -> None:
    await committee_of(town, 2)
    await propose(town)
    await town.restart()
    await town.click(town.carol, asked(town), "Yes")
    assert "decides it" in await town.click(town.dave, asked(town), "Yes")
    assert len(announced(town)) == 1


async def test_the_button_is_worth_nothing_in_another_server(town: Town) -> None:
    await committee_of(town, 2)
    await propose(town)
    post = asked(town)
    other = town.guild_of_same_people()
    stored = town.env.backend.get_message(post.channel.id, post.id)
    copy = town.env.backend.create_message(
        other.channels["support"].id, town.me, "", components=stored.components
    )
    shown = town.bot.get_partial_messageable(copy.channel_id, guild_id=other.id)
    with town.env.time_context():
        message = await shown.fetch_message(copy.id)
    answer = await town.click(town.in_server(other, "carol"), message, "Yes")
    assert answer == "No committee role is set yet. An admin can choose it with `/setup`."
    assert "Nobody has voted." in asked(town).content


async def test_open_proposals_are_offered_to_the_committee_with_names(town: Town) -> None:
    await committee_of(town, 3)
    await propose(town)
    offered = await town.offered(town.carol, town.committee, "cease vote", "proposal")
    assert offered == {"1": "1: cease payments to alice, 0 yes, 0 no of 3 seats; 2 yes needed"}
    assert await town.offered(town.alice, town.support, "cease vote", "proposal") == {}


async def test_a_proposal_lapses_and_its_post_says_so(town: Town) -> None:
    await committee_of(town, 3)
    await propose(town)
    copy = await town.copy_of_post(asked(town))
    await vote(town, town.carol)
    await town.later(days=20)
    after = asked(town)
    assert labels(after) == []
    assert "**Not carried**: it ended <t:" in after.content
    assert "with 1 yes, 0 no of 3 seats; 2 yes were needed." in after.content
    answer = await town.click(town.dave, copy, "Yes")
    assert answer.startswith("Proposal 1 has ended without a majority <t:")


async def test_a_long_reason_full_of_marks_fits_into_the_post(town: Town) -> None:
    await committee_of(town, 9)
    await town.press(
        town.carol, town.committee, "cease propose", user=town.alice, reason="*@everyone_" * 90
    )
    for number in range(4):
        await vote(town, town.person(f"m{number}", town.members_of_committee))
    post = asked(town)
    assert len(post.content) <= 2000
    stored = town.env.backend.get_message(post.channel.id, post.id)
    assert stored.ping_user_ids == []
    assert await town.press(
        town.carol, town.committee, "cease propose", user=town.bob, reason="x" * 1001
    ) == ("`reason` can have up to 1000 characters.")


async def test_without_a_committee_channel_the_answer_says_it_was_not_posted(town: Town) -> None:
    await committee_of(town, 3)
    await town.delete(town.committee)
    answer = await town.press(
        town.carol, town.support, "cease propose", user=town.alice, reason="x"
    )
    assert "Not everything could be posted:" in answer
    answer = await town.press(town.dave, town.support, "cease vote", proposal="1", vote="yes")
    assert "Your yes on proposal 1 counts" in answer


# ---------------------------------------------------------------- suspend and reinstate


@pytest.mark.parametrize("command", ("helper suspend", "helper reinstate", "cease propose"))
async def test_without_a_number_of_seats_it_is_said_who_sets_it(town: Town, command: str) -> None:
    await town.open()
    answer = await town.press(town.carol, town.committee, command, user=town.alice, reason="x")
    assert "An admin sets it with `/settings set` and the name `committee_seats`." in answer


async def test_one_seat_suspends_at_once_and_takes_it_back(town: Town) -> None:
    await town.open(committee_seats="1")
    answer = await suspend(town)
    assert answer.startswith(f"**Payments to {town.alice.mention} are held**")
    assert "`/helper reinstate` takes it back." in answer
    roster = await town.press(town.stranger, town.support, "helper list")
    (line,) = [line for line in roster.splitlines() if town.alice.mention in line]
    assert line.endswith(" · payments held")
    answer = await reinstate(town)
    assert answer.startswith(f"**Payments to {town.alice.mention} are resumed**")
    assert announced(town)[-1].startswith(f"**Payments to {town.alice.mention} are resumed**")
    assert "payments" not in await town.press(town.stranger, town.support, "helper list")
    assert "neither held nor ceased" in await reinstate(town)


async def test_with_more_seats_both_are_proposals_with_ones_own_yes(town: Town) -> None:
    await committee_of(town, 2)
    answer = await suspend(town)
    assert answer.startswith("**Proposal 1** is made: cease payments to")
    assert "Your yes is counted: 1 yes, 0 no of 2 seats; 2 yes needed" in answer
    assert announced(town) == []
    assert "Proposal 1 to cease payments to" in await suspend(town, town.dave)
    assert "decides it" in await town.click(town.dave, asked(town), "Yes")
    answer = await reinstate(town)
    assert answer.startswith("**Proposal 2** is made: resume payments to")
    assert "resume payments to" in asked(town).content
    answer = await town.click(town.dave, asked(town), "Yes")
    assert f"decides it. **Payments to {town.alice.mention} are resumed**" in answer


async def test_what_a_single_seat_decides_makes_an_open_proposal_moot(town: Town) -> None:
    await committee_of(town, 3)
    await propose(town)
    await town.configure(committee_seats="1")
    await suspend(town)
    assert "**Moot** since <t:" in asked(town).content
    assert labels(asked(town)) == []


async def test_the_suspended_log_hours_and_learn_why_they_are_not_paid(town: Town) -> None:
    await town.open(committee_seats="1")
    await suspend(town)
    await town.until(2026, 1, 15)
    answer = await town.log_hours(town.alice, "1h")
    assert "**Your payments are held** since <t:" in answer
    assert "by a decision of the committee: false hours" in answer
    assert "`/dispute open` and yourself as `helper`" in answer
    answer = await town.log_hours(town.carol, "1h", helper=town.alice)
    assert f"Payments to {town.alice.mention} are held." in answer
    assert "payments" not in await town.log_hours(town.bob, "1h")


async def test_it_is_final_after_its_days_and_said_once(town: Town) -> None:
    await town.open(committee_seats="1")
    await suspend(town)
    await town.later(days=16)
    await town.later(days=1)
    final = [text for text in announced(town) if "are ceased**" in text]
    assert len(final) == 1
    assert "What was not paid stays with the funder" in final[0]
    roster = await town.press(town.stranger, town.support, "helper list")
    assert " · payments ceased" in roster
    answer = await town.log_hours(town.alice, "1h")
    assert "**Your payments are ceased** since" in answer


async def test_after_a_downtime_it_is_said_late(town: Town) -> None:
    await town.open(committee_seats="1")
    await suspend(town)
    await town.bot.close()
    await town.env.advance_time(20 * 86_400)
    await town.restart()
    await town.tick()
    final = [text for text in announced(town) if "are ceased**" in text]
    assert len(final) == 1
    assert final[0].startswith(LATE)


async def test_a_fault_in_one_server_keeps_nothing_else_from_its_end(town: Town) -> None:
    await town.open(committee_seats="1")
    await suspend(town)
    await town.env.advance_time(20 * 86_400)
    with town.without_table("cease_votes"):
        town.sql(
            "INSERT INTO cease_proposals (guild_id, number, kind, user_id, proposer_id, reason, "
            "seats, at, ends_at, state) VALUES (5, 1, 'cease', 1, 2, 'x', 1, 0, 0, 'open')"
        )
        await town.tick()
    _, faults = town.take_incidents()
    assert [fault.split(": ", 1)[1] for fault in faults] == ["suspensions of server 5"]
    assert [text for text in announced(town) if "are ceased**" in text]
    town.sql("DELETE FROM cease_proposals WHERE guild_id = 5")


async def test_one_finds_ones_held_line_explained(town: Town) -> None:
    await town.open(committee_seats="1")
    await town.draft()
    await town.publish()
    await suspend(town)
    answer = await town.press(town.alice, town.support, "payout mine")
    assert "(held" in answer
    assert "**Your payments are held** since" in answer
    answer = await town.press(town.bob, town.support, "payout mine")
    assert "payments are held" not in answer
