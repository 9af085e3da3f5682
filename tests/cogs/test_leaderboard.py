"""/leaderboard: who was thanked, as a picture with words and as a table."""

from __future__ import annotations

from tests.cogs.town import Town


async def season(town: Town, **values: str) -> None:
    """Open a round in which Alice has two voters and Bob one."""
    await town.open(voter_account_days="0", **values)
    for who, helper in (
        (town.stranger, town.alice),
        (town.stranger, town.bob),
        (town.carol, town.alice),
    ):
        await town.press(who, town.support, "thanks", helper=helper)


async def test_counts_are_hidden_while_the_round_is_open(town: Town) -> None:
    await season(town)
    answer = await town.press(town.alice, town.support, "leaderboard")
    assert "Votes are counted, and shown when the round has closed: <t:1774828800:f>" in answer
    assert f"- {town.alice.mention}\n- {town.bob.mention}" in answer
    assert "vote" not in answer.replace("Votes are counted", "")
    assert answer.files == {}
    assert answer.buttons == []
    status = await town.press(town.alice, town.support, "round status")
    assert "Votes are shown when the round has closed." in status


async def test_after_the_close_everybody_sees_picture_table_and_hours(town: Town) -> None:
    await season(town)
    await town.log_hours(town.bob, "1h30m")
    await town.until(2026, 3, 30)
    answer = await town.press(town.stranger, town.support, "leaderboard", round="2026-Q1")
    assert "**3 votes**. Closed <t:1774828800:f>" in answer
    assert "Equal numbers stand in the order of names." in answer
    assert f"`1` {town.alice.mention} · **2 votes** · 0 min" in answer
    assert f"`2` {town.bob.mention} · **1 vote** · 1 h 30 min" in answer
    own = await town.click(town.stranger, answer, "Who thanked me")
    assert "You are not a helper in 2026-Q1, so there are no thanks to show." in own
    (picture,) = answer.files.values()
    assert picture.filename == "thanks-2026-Q1.png"
    assert picture.description == (
        "Bar chart. Thanks 2026-Q1: 3 votes for 2 helpers. alice 2, bob 1."
    )
    status = await town.press(town.alice, town.support, "round status", round="2026-Q1")
    assert "**3 votes**: `/leaderboard` shows for whom." in status


async def test_public_counts_are_shown_at_once(town: Town) -> None:
    await season(town, public_counts="yes")
    answer = await town.press(town.alice, town.support, "leaderboard")
    assert "**3 votes**. The round is open until" in answer
    assert f"`1` {town.alice.mention} · **2 votes**" in answer
    assert " min" not in answer
    assert len(answer.files) == 1
    status = await town.press(town.alice, town.support, "round status")
    assert "**3 votes**" in status


async def test_a_round_without_thanks_has_no_picture(town: Town) -> None:
    await town.open(public_counts="yes")
    answer = await town.press(town.alice, town.support, "leaderboard")
    assert "**0 votes**" in answer
    assert f"`1` {town.alice.mention} · **0 votes**" in answer
    assert answer.files == {}


async def test_forty_five_helpers_are_all_in_the_table(town: Town) -> None:
    await town.open(voter_account_days="0", public_counts="yes")
    crowd = [town.person(f"helper{number:02}") for number in range(43)]
    await town.add(*crowd)
    for helper in crowd:
        await town.press(town.stranger, town.support, "thanks", helper=helper)
    pages = [await town.press(town.alice, town.support, "leaderboard")]
    for _ in range(2):
        pages.append(await town.click(town.alice, pages[-1], "Next"))
    text = "\n".join(pages)
    assert all(text.count(who.mention) == 1 for who in (*crowd, town.alice, town.bob))
    assert "page 3 of 3" in pages[-1]
    assert pages[-1].buttons == ["Back", "Who thanked me"]
    (picture,) = pages[0].files.values()
    assert "the first 15 of 43" in picture.description


async def test_rounds_are_offered_and_a_wrong_one_is_refused(town: Town) -> None:
    await town.open()
    assert await town.offered(town.alice, town.support, "leaderboard", "round") == {
        "2026-Q1": "2026-Q1"
    }
    answer = await town.press(town.alice, town.support, "leaderboard", round="2020-Q1")
    assert answer == "There is no round of that name. Rounds here: 2026-Q1."


async def test_without_a_round_there_is_no_leaderboard(town: Town) -> None:
    await town.configure()
    answer = await town.press(town.alice, town.support, "leaderboard")
    assert answer == "No round is open. The committee opens one with `/round open`."


async def test_the_draft_shows_voters_beside_hours(town: Town) -> None:
    await season(town)
    await town.draft()
    preview = await town.press(town.carol, town.committee, "payout preview")
    assert "40 h · 2 votes · due" in preview
    assert "20 h · 1 vote · due" in preview


async def test_help_names_the_commands(town: Town) -> None:
    await town.open()
    everybody = await town.press(town.stranger, town.support, "help")
    assert "`/thanks`" in everybody
    assert "`/leaderboard`" in everybody
    assert "/audit voters" not in everybody
    assert "`/audit voters`" in await town.press(town.carol, town.support, "help")
