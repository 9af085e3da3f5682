"""/audit: who thanked a helper, the record, whether it is whole, and its mirror."""

from __future__ import annotations

import csv
import io

import pytest

from tests.cogs.town import Town

HOSTILE = "@everyone **bold** \N{RIGHT-TO-LEFT OVERRIDE}x"


async def test_the_committee_sees_who_thanked_how_and_when(town: Town) -> None:
    await town.open(voter_account_days="0")
    await town.press(town.stranger, town.support, "thanks", helper=town.alice, note="kind")
    await town.press(town.bob, town.support, "thanks", helper=town.alice)
    await town.press(town.alice, town.support, "thanks", helper=town.bob)
    message = await town.alice.send(town.support, "Look here.")
    with town.env.time_context():
        await town.dave.context_menu(town.support, "Thank the author", message)
    answer = await town.press(town.carol, town.committee, "audit voters", helper=town.alice)
    assert "Voters in 2026-Q1" in answer
    assert f"{town.alice.mention}: **3 voters** so far. 1 of them was thanked back" in answer
    assert f"{town.bob.mention} (bob) · counts · was thanked back" in answer
    assert f"{town.stranger.mention} (sam) · counts\n- `/thanks`, <t:" in answer
    assert "> kind" in answer
    assert "- Thank the author, <t:" in answer


async def test_it_is_for_the_committee(town: Town) -> None:
    await town.open()
    for who in (town.stranger, town.alice, town.mod, town.admin):
        answer = await town.press(who, town.support, "audit voters", helper=town.alice)
        assert answer.startswith("This is for the committee")


async def test_an_earlier_round_can_be_named(town: Town) -> None:
    await town.open(voter_account_days="0")
    await town.press(town.stranger, town.support, "thanks", helper=town.alice)
    await town.until(2026, 3, 30)
    answer = await town.press(town.carol, town.committee, "audit voters", helper=town.alice)
    assert f"Nobody thanked {town.alice.mention} in 2026-Q2 so far." in answer
    answer = await town.press(
        town.carol, town.committee, "audit voters", helper=town.alice, round="2026-q1"
    )
    assert f"{town.alice.mention}: **1 voter**." in answer
    offered = await town.offered(
        town.carol, town.committee, "audit voters", "round", helper=town.alice
    )
    assert list(offered) == ["2026-Q2", "2026-Q1"]
    answer = await town.press(
        town.carol, town.committee, "audit voters", helper=town.alice, round="x"
    )
    assert answer.startswith("There is no round of that name.")


async def test_names_and_notes_cannot_act_and_many_come_in_pages(town: Town) -> None:
    await town.open(voter_account_days="0")
    for number in range(22):
        who = town.person(f"user{number}")
        await town.press(who, town.support, "thanks", helper=town.alice, note=HOSTILE)
    page = await town.press(town.carol, town.committee, "audit voters", helper=town.alice)
    assert "page 1 of 4" in page
    assert "@everyone" not in page
    assert "**bold**" not in page
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in page
    assert "page 2 of 4" in await town.click(town.carol, page, "Next")


# ---------------------------------------------------------------- the record


async def test_the_record_comes_in_pages_and_as_a_file(town: Town) -> None:
    await town.open()
    await town.log_hours(town.alice, "2h", note='=HYPERLINK("https://evil.example")')
    answer = await town.press(town.carol, town.committee, "audit log")
    assert "page 1 of 2" in answer
    assert f"{town.alice.mention}: **entry logged** entry 1" in answer
    assert "minutes 120" in answer
    assert "=HYPERLINK" in answer
    rows = list(
        csv.DictReader(io.StringIO((await answer.files["stipend-record.csv"].read()).decode()))
    )
    assert [int(row["number"]) for row in rows] == list(range(len(rows), 0, -1))
    assert rows[0]["texts"].startswith("note: =HYPERLINK")
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "@"))]
    assert "page 2 of 2" in await town.click(town.carol, answer, "Next")


async def test_the_record_is_filtered_by_person_round_and_action(town: Town) -> None:
    await town.open()
    await town.log_hours(town.alice, "2h")
    await town.log_hours(town.bob, "1h")
    for subject, many in ((town.alice.mention, 2), ("entry", 2), ("2026-Q1", 3), ("entry:2", 1)):
        answer = await town.press(town.carol, town.committee, "audit log", subject=subject)
        assert f": {many} row" in answer, answer
    answer = await town.press(town.carol, town.committee, "audit log", subject="payout")
    assert "Nothing in the record fits." in answer
    assert not answer.files
    answer = await town.press(town.carol, town.committee, "audit log", subject="?")
    assert answer.startswith("`subject` accepts a person")
    offered = await town.offered(town.carol, town.committee, "audit log", "subject", "entry")
    assert list(offered) == ["entry", "entry.logged"]
    assert await town.offered(town.alice, town.support, "audit log", "subject", "entry") == {}


async def test_the_record_is_for_the_committee(town: Town) -> None:
    await town.open()
    for who in (town.stranger, town.alice, town.mod, town.admin):
        answer = await town.press(who, town.support, "audit log")
        assert answer.startswith("This is for the committee")


async def test_anybody_can_check_the_chain(town: Town) -> None:
    answer = await town.press(town.stranger, town.support, "audit verify")
    assert "The record is empty." in answer
    await town.open()
    answer = await town.press(town.stranger, town.support, "audit verify")
    assert "The record is sound" in answer
    assert "Note the head down" in answer
    await town.draft()
    await town.publish()
    answer = await town.press(town.stranger, town.support, "audit verify")
    assert "2026-Q1 was published with row" in answer


async def test_a_broken_chain_is_named_and_the_committee_is_told(town: Town) -> None:
    await town.open()
    town.sql("DROP TRIGGER record_no_update")
    town.sql("UPDATE record SET actor = '9' WHERE number = 3")
    for _ in range(2):
        answer = await town.press(town.stranger, town.support, "audit verify")
        assert "record row 3: its content does not give its hash" in answer
        assert "The record is not sound" in answer
    told = [words for words in town.said(town.committee) if "is not sound" in words]
    assert len(told) == 1
    answered, logged = town.take_incidents()
    assert len(answered) == len(logged) == 2
    assert "record row 3" in logged[0]


# ---------------------------------------------------------------- the mirror


async def test_new_rows_are_mirrored_without_texts(town: Town) -> None:
    channel = town.guild.create_text_channel("log")
    await town.open()
    await town.log_hours(town.alice, "2h", note="before")
    await town.tick()
    await town.configure(log_channel=channel.mention)
    await town.tick()
    assert town.said(channel) == []
    await town.log_hours(town.alice, "3h", note="what I did")
    await town.tick()
    await town.tick()
    (post,) = town.said(channel)
    assert f"{town.alice.mention}: **entry logged** entry 2" in post
    assert "what I did" not in post
    assert "head " in post


@pytest.mark.parametrize("is_gone", (True, False))
async def test_a_channel_that_refuses_is_reported_once_and_not_polled(
    town: Town, is_gone: bool
) -> None:
    channel = town.guild.create_text_channel("log")
    await town.open()
    await town.configure(log_channel=channel.mention)
    if is_gone:
        await town.delete(channel)
    else:
        await town.forbid(channel, send_messages=True)
    for _ in range(3):
        await town.log_hours(town.alice, "1h")
        await town.tick()
    refused = [words for words in town.said(town.committee) if "Discord refuses it" in words]
    assert len(refused) == 1
    assert town.sql("SELECT count(*) FROM posts WHERE kind = 'mirror'") == [(1,)]
    if is_gone:
        return
    await town.permit(channel)
    await town.configure(reminder_hours="3")
    await town.tick()
    await town.tick()
    assert "**entry logged** entry 1" in town.said(channel)[0]


async def test_the_record_names_people_and_instants_and_finds_what_it_prints(town: Town) -> None:
    await town.open(voter_account_days="0")
    await town.log_hours(town.alice, "2h")
    await town.press(town.stranger, town.support, "thanks", helper=town.alice)
    await town.press(town.bob, town.support, "helper pay", wanted=False)
    await town.until(2026, 3, 30)
    answer = await town.press(town.carol, town.committee, "audit log", subject="2026-Q1")
    assert f"voters {town.alice.mention} 1" in answer
    assert f"declined {town.bob.mention}" in answer
    assert "closed at <t:1774828800:f>" in answer
    assert "somebody: **thanks given**" in answer
    answer = await town.press(town.carol, town.committee, "audit log", subject="entry 1")
    assert f"{town.alice.mention}: **entry logged** entry 1" in answer
