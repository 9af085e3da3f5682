"""/tipjar: show, record, match and correct, as members, helpers and the committee meet them."""

from __future__ import annotations

from typing import Any

import pytest

from bot.services import counting
from tests.cogs.town import Answer, Town

HOSTILE = (
    "@everyone <@1> **bold** `code` [click](https://evil.example) ||spoiler|| "
    "\N{RIGHT-TO-LEFT OVERRIDE}sdrawkcab\N{POP DIRECTIONAL FORMATTING}"
)
ADDRESS = "0x52908400098527886E0F7030069857D2E4169EE7"


async def record(town: Town, amount: str, who: Any = None, **options: str) -> Answer:
    who = who or town.carol
    return await town.press(who, town.committee, "tipjar record", amount=amount, **options)


async def show(town: Town, who: Any) -> Answer:
    return await town.press(who, town.support, "tipjar show")


def tips(town: Town) -> list[Any]:
    return town.sql("SELECT number, amount, taken_back_at IS NOT NULL FROM tips ORDER BY number")


async def draft(town: Town) -> None:
    """Go to the first draft; what is not counted by then is."""
    await town.until(2026, 3, 30)
    async with town.bot.db.write() as session:
        for round_ in await counting.waiting(session, town.guild.id):
            await counting.count(session, round_, now=town.now)
    await town.until(2026, 3, 31, 20)


# ---------------------------------------------------------------- the course


async def test_a_jar_from_the_first_tip_to_the_published_statement(town: Town) -> None:
    await town.open(tip_address=ADDRESS, voter_account_days="0")
    answer = await record(town, "100", reference="0xAB")
    assert answer.startswith(
        "**Tip #1: 100.00 USD** is in the jar of 2026-Q1, without a name, on 2026-"
    )
    assert "The jar now: tips 100.00 USD." in answer
    assert "`/tipjar correct` takes a mistake back until <t:1774828800:f>" in answer
    answer = await town.press(
        town.dave, town.committee, "tipjar match", kind="percent", value="20 %", limit="15"
    )
    assert "The funder adds **15.00 USD** to the tips of 2026-Q1 as they are now." in answer
    assert "tips 100.00 + 15.00 (20 % of the tips, at most 15.00) = 115.00 USD" in answer
    for who in (town.stranger, town.alice):
        answer = await show(town, who)
        assert "**115.00 USD** so far, 1 tip in this round." in answer
        assert f"`{ADDRESS}`" in answer
        assert "Recommended: 10 % of the money or time that you saved." in answer
        assert not answer.buttons
    await thank(town, town.alice, town.bob, by=town.stranger)
    await thank(town, town.alice, by=town.dave)
    await town.log_hours(town.bob, "20h")
    await draft(town)
    preview = await town.press(town.carol, town.committee, "payout preview")
    assert "**215.00 USD**: bounty 100.00 USD of a cap of 1,000.00 USD, tip jar 115.00" in preview
    await town.publish()
    statement = await town.press(town.stranger, town.support, "payout show")
    assert "Beside the cap, the tip jar of 115.00 USD is shared by thanks." in statement
    page = statement.files["stipend-2026-Q1-v1.csv"]
    assert page.size
    mine = await town.press(town.alice, town.support, "payout mine")
    assert mine.startswith("**2026-Q1: 76.67 USD** (due): bounty 0.00, tip jar 76.67")
    assert "- Tip jar: 2 of 3 votes × 115.00 = about 76.666666; gives 76.67." in mine
    assert "How it came about: tips 100.00 + 15.00 (20 % of the tips, at most 15.00)" in mine


async def thank(town: Town, *helpers: Any, by: Any) -> None:
    for helper in helpers:
        await town.press(by, town.support, "thanks", helper=helper)


async def test_nothing_about_the_jar_is_posted(town: Town) -> None:
    await town.open()
    await town.tick()
    channels = (town.support, town.committee, town.thread("2026-Q1"))
    before = [len(channel.history()) for channel in channels]
    await record(town, "5")
    await town.press(town.carol, town.committee, "tipjar match", kind="lump", value="5")
    await town.press(town.carol, town.committee, "tipjar correct", tip="1", reason="x")
    await show(town, town.stranger)
    await town.tick()
    assert [len(channel.history()) for channel in channels] == before


async def test_the_committee_sees_single_tips_and_chooses_among_them(town: Town) -> None:
    await town.open()
    assert "`reference` is what finds" in await record(town, "5", reference=HOSTILE)
    await record(town, "5", reference=HOSTILE.encode("ascii", "ignore").decode())
    await record(town, "7")
    first = await show(town, town.carol)
    assert first.buttons == ["Next"]
    listed = await town.click(town.carol, first, "Next")
    assert "#2 · 7.00 USD · 2026-" in listed
    assert listed.index("#2") < listed.index("#1")
    assert "**bold**" not in listed
    assert "@everyone" not in listed
    offered = await town.offered(town.carol, town.committee, "tipjar correct", "tip", "7.00")
    assert list(offered) == ["2"]
    assert offered["2"].startswith("#2 · 7.00 USD · 2026-")
    for who in (town.alice, town.stranger, town.mod, town.admin):
        assert await town.offered(who, town.support, "tipjar correct", "tip") == {}


async def test_a_correction_is_told_and_done_once(town: Town) -> None:
    await town.open()
    await record(town, "5")
    correct = {"tip": "1", "reason": HOSTILE}
    answer = await town.press(town.dave, town.committee, "tipjar correct", **correct)
    assert answer.startswith("Tip #1, 5.00 USD, is taken back; the record keeps both.")
    answer = await town.press(town.carol, town.committee, "tipjar correct", **correct)
    assert answer.startswith("Tip #1 is taken back already.")
    assert tips(town) == [(1, 500, 1)]


# ---------------------------------------------------------------- refused


@pytest.mark.parametrize("kind", ("helper", "stranger", "moderator", "admin"))
async def test_only_the_committee_changes_the_jar(town: Town, kind: str) -> None:
    await town.open()
    await record(town, "5")
    who = {
        "helper": town.alice,
        "stranger": town.stranger,
        "moderator": town.mod,
        "admin": town.admin,
    }[kind]
    for command, options in (
        ("tipjar record", {"amount": "5"}),
        ("tipjar match", {"kind": "percent", "value": "50"}),
        ("tipjar correct", {"tip": "1", "reason": "x"}),
    ):
        answer = await town.press(who, town.support, command, **options)
        assert answer.startswith("This is for the committee: members with <@&"), command
    assert tips(town) == [(1, 500, 0)]


async def test_every_wrong_input_is_answered_with_what_is_accepted(town: Town) -> None:
    await town.open()
    for amount in ("-5", "0", "NaN", "inf", "5 EUR", "1e9", "9" * 40, HOSTILE, "１"):
        answer = await record(town, amount)
        assert "`25.00`" in answer or "`1,000.50 USD`" in answer or "too large" in answer, answer
    for kind, value, said in (
        ("percent", "1001", "from 0 to 1000"),
        ("percent", "-5", "from 0 to 1000"),
        ("percent", HOSTILE, "from 0 to 1000"),
        ("lump", "5 EUR", "The currency here is USD."),
    ):
        answer = await town.press(
            town.carol, town.committee, "tipjar match", kind=kind, value=value
        )
        assert said in answer
    answer = await town.press(
        town.carol, town.committee, "tipjar match", kind="lump", value="5", limit="6"
    )
    assert "A `limit` goes with `percent`" in answer
    answer = await town.press(town.carol, town.committee, "tipjar correct", tip=HOSTILE, reason="x")
    assert "not the number of a tip here" in answer
    assert tips(town) == []


async def test_a_repeated_reference_names_the_tip(town: Town) -> None:
    await town.open()
    await record(town, "5", reference="0xab")
    answer = await record(town, "5", town.dave, reference="0xAB")
    assert answer.startswith("Tip #1 of 2026-Q1 has this reference already")
    assert len(tips(town)) == 1


async def test_without_a_round_every_command_says_so(town: Town) -> None:
    await town.configure()
    for command, options in (
        ("tipjar show", {}),
        ("tipjar record", {"amount": "5"}),
        ("tipjar match", {"kind": "lump", "value": "5"}),
    ):
        answer = await town.press(town.carol, town.committee, command, **options)
        assert answer.startswith("No round is open"), command


async def test_after_the_close_the_jar_of_the_round_stays(town: Town) -> None:
    await town.open(voter_account_days="0")
    await record(town, "5")
    await thank(town, town.alice, by=town.stranger)
    await town.until(2026, 3, 30)
    answer = await town.press(
        town.carol, town.committee, "tipjar correct", tip="1", reason="too late"
    )
    assert answer.startswith("2026-Q1 closed <t:1774828800:f>, and its tip jar stays as it was")
    assert "in the jar of 2026-Q2" in await record(town, "7")
    assert "**7.00 USD** so far, 1 tip" in await show(town, town.stranger)


async def test_what_nobody_could_receive_is_shown_in_the_next_jar(town: Town) -> None:
    await town.open()
    await record(town, "5")
    await draft(town)
    answer = await show(town, town.stranger)
    assert "Tip jar 2026-Q2" in answer
    assert "- 5.00 USD that nobody could receive in 2026-Q1" in answer
    preview = await town.press(town.carol, town.committee, "payout preview")
    assert "Nobody could receive it: it stays in the jar of the next round." in preview


async def test_a_tip_of_another_server_cannot_be_taken_back(town: Town) -> None:
    await town.open()
    await record(town, "5")
    other = town.guild_of_same_people()
    answer = await town.press_in(other, "carol", "tipjar show")
    assert answer.startswith("No round is open")
    answer = await town.press_in(other, "carol", "tipjar correct", tip="1", reason="x")
    assert answer.startswith("No committee role is set yet.")
    assert tips(town) == [(1, 500, 0)]
