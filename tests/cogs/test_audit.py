"""/audit voters: who thanked a helper, for the committee."""

from __future__ import annotations

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
