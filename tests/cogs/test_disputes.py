"""/dispute: objections from the receipt to the public decision, as each kind of person has them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cogs.town import Answer, Town

COUNT_UNTIL = "<t:1776211199:f>"  # 14 April 2026, 23:59:59 UTC


async def press(town: Town, who: Any, command: str, /, **options: Any) -> Answer:
    return await town.press(who, town.support, f"dispute {command}", **options)


@pytest.fixture
async def public(town: Town) -> Town:
    """Return a town with a published statement: Alice 200.00, Bob 100.00."""
    await town.open()
    await town.draft()
    await town.publish()
    return town


async def opened(town: Town, who: Any | None = None, **options: Any) -> Answer:
    who = who or town.stranger
    return await press(town, who, "open", **{"reason": "too much", **options})


def thread(town: Town) -> list[str]:
    return town.said(town.thread("2026-Q1"))


async def test_a_dispute_from_the_receipt_to_the_next_version(public: Town) -> None:
    town = public
    alice = town.alice.mention
    receipt = await opened(town, helper=town.alice)
    assert f"**Dispute 1** about the line of {alice} in 2026-Q1, version 1, is open." in receipt
    assert f"count until {COUNT_UNTIL}" in receipt
    assert "This line is held until it is decided; all others are paid as planned." in receipt
    assert "The decision and its reason are public; your reason is for the committee" in receipt
    assert "`/dispute withdraw` with `1`" in receipt

    said = town.said(town.committee)[-1]
    assert f"**Dispute 1** about the line of {alice} in 2026-Q1" in said
    assert "Reason: too much" in said
    assert "`/dispute resolve` with `1` decides it" in said
    assert "opened by" in thread(town)[-1]
    assert "too much" not in thread(town)[-1]

    answer = await town.press(town.dave, town.committee, "payout paid", reference="0xabc")
    assert town.bob.mention in answer
    assert alice not in answer
    mine = await town.press(town.alice, town.support, "payout mine")
    assert "**2026-Q1: 200.00 USD** (held: disputed)" in mine
    shown = await town.press(town.alice, town.support, "payout show")
    assert "held: disputed" in shown
    assert "`/dispute open` until" in shown

    answer = await press(
        town, town.carol, "resolve", dispute="1", outcome="modify", amount="150", reason="2 twice"
    )
    assert "is decided: **200.00 USD → 150.00 USD**, with version 2 of the statement." in answer
    assert "`/payout approve`" in answer
    said = thread(town)[-1]
    assert f"decided by {town.carol.mention}: **200.00 USD → 150.00 USD**" in said
    assert "Reason: 2 twice" in said
    posts = "\n".join(town.said(town.committee))
    assert f"Decided by {town.carol.mention}: modify." in posts
    assert "The committee has decided; the decision is posted below." in "\n".join(thread(town))

    await town.publish()
    mine = await town.press(town.alice, town.support, "payout mine")
    assert "**2026-Q1: 150.00 USD** (due)" in mine
    assert "Adjustment 1: Dispute 1: 2 twice" in mine


async def test_a_paid_line_carries_the_difference_to_the_next_round(public: Town) -> None:
    town = public
    await town.press(town.dave, town.committee, "payout paid", reference="0xabc")
    receipt = await opened(town, helper=town.bob)
    assert "This line is paid, so nothing is held." in receipt
    answer = await press(
        town, town.carol, "resolve", dispute="#1", outcome="void", reason="never happened"
    )
    told = "**void**, 100.00 USD → 0; as it is paid, -100.00 USD is carried to 2026-Q2."
    assert told in answer
    assert told in thread(town)[-1]
    await town.until(2026, 4, 20)
    await town.log_hours(town.bob, "10h")
    preview = await town.press(town.carol, town.committee, "payout preview", round="2026-Q2")
    assert "**0.00** (-100.00 carried over, -50.00 carried on)" in preview
    assert "**0.00 USD**: bounty 50.00 USD of a cap of 1,000.00 USD, carried over -50.00 USD" in (
        preview
    )


async def test_a_void_line_is_explained(public: Town) -> None:
    town = public
    await opened(town, helper=town.bob)
    answer = await press(town, town.carol, "resolve", dispute="1", outcome="void", reason="copied")
    assert "**void**, 100.00 USD → 0, with version 2 of the statement." in answer
    await town.publish()
    mine = await town.press(town.bob, town.support, "payout mine")
    assert "**2026-Q1: 0.00 USD** (not paid: voided)" in mine
    assert "A dispute ended with nothing for this line: -100.00." in mine


async def test_a_dispute_about_the_whole_stands_or_is_withdrawn(public: Town) -> None:
    town = public
    receipt = await opened(town)
    assert "about the whole statement of 2026-Q1, version 1," in receipt
    assert "2 lines are held until it is decided; what is paid stays paid." in receipt
    assert "Lines that are not paid wait" in thread(town)[-1]
    refused = await press(town, town.mod, "withdraw", dispute="1")
    assert "Dispute 1 is not yours" in refused
    answer = await press(town, town.stranger, "withdraw", dispute="1")
    assert "is withdrawn; it holds nothing any more." in answer
    assert "It is withdrawn and holds nothing any more." in thread(town)[-1]
    assert "It is withdrawn." in town.said(town.committee)[-1]
    await opened(town)
    answer = await press(town, town.dave, "resolve", dispute="2", outcome="stands", reason="fine")
    assert "**it stands** as published, nothing changes." in answer


async def test_one_that_is_late_is_on_record(public: Town) -> None:
    town = public
    await town.until(2026, 4, 15)
    receipt = await opened(town, helper=town.alice)
    assert "is on record, but **out of time**" in receipt
    assert town.members_of_committee.mention in receipt
    assert "It came out of time" in town.said(town.committee)[-1]
    assert "Dispute" not in thread(town)[-1]


async def test_the_list_shows_what_became_of_them(public: Town) -> None:
    town = public
    assert "There is none." in await press(town, town.stranger, "list")
    await opened(town, helper=town.alice)
    await opened(town, town.bob, helper=town.alice, reason="mine\nis more")
    await press(
        town, town.carol, "resolve", dispute="1", outcome="modify", amount="1", reason="so be it"
    )
    listed = await press(town, town.stranger, "list")
    assert f"**2** about the line of {town.alice.mention} in 2026-Q1" in listed
    assert "open; others can dispute it until" in listed
    assert "decided: modify to 1.00 USD (so be it)" in listed
    assert "> too much" in listed
    assert "mine is more" not in listed
    assert "> mine is more" in await press(town, town.dave, "list")


async def test_long_lists_turn_their_pages(public: Town) -> None:
    town = public
    for _ in range(9):
        await opened(town, helper=town.alice)
        number = max(await town.offered(town.stranger, town.support, "dispute withdraw", "dispute"))
        await press(town, town.stranger, "withdraw", dispute=number)
    listed = await press(town, town.stranger, "list")
    assert "page 1 of 2" in listed
    assert "**9**" in listed
    assert "**1** about" in await town.click(town.stranger, listed, "Next")


async def test_refusals_say_why(public: Town) -> None:
    town = public
    assert "has no line in the statement of 2026-Q1" in await opened(town, helper=town.stranger)
    assert "2026-Q2 is not published" in await opened(town, round="2026-Q2")
    await opened(town, helper=town.alice)
    assert "is open already" in await opened(town, helper=town.alice)
    resolve = {"dispute": "1", "outcome": "stands", "reason": "x"}
    assert "This is for the committee" in await press(town, town.bob, "resolve", **resolve)
    assert "not the number" in await press(
        town, town.carol, "resolve", **{**resolve, "dispute": "9"}
    )
    await opened(town, town.carol, helper=town.bob)
    own = await press(town, town.carol, "resolve", **{**resolve, "dispute": "2"})
    assert own == "You opened this dispute, so another committee member decides it."


async def test_another_server_has_numbers_of_its_own(public: Town) -> None:
    town = public
    await opened(town, helper=town.alice)
    other = town.guild_of_same_people()
    await town.env.settle()
    answer = await town.press_in(other, "ada", "dispute withdraw", dispute="1")
    assert "not the number of a dispute here" in answer
    assert "There is none." in await town.press_in(other, "ada", "dispute list")


async def test_disputes_and_rounds_are_offered(public: Town) -> None:
    town = public
    await opened(town, helper=town.alice)
    one = {"1": "1: 2026-Q1, alice"}
    assert await town.offered(town.carol, town.support, "dispute resolve", "dispute") == one
    assert await town.offered(town.bob, town.support, "dispute resolve", "dispute") == {}
    assert await town.offered(town.stranger, town.support, "dispute withdraw", "dispute") == one
    assert await town.offered(town.bob, town.support, "dispute open", "round") == {
        "2026-Q1": "2026-Q1"
    }


async def test_an_admin_decides_where_the_whole_committee_is_concerned(public: Town) -> None:
    town = public
    resolve = {"dispute": "1", "outcome": "stands", "reason": "looked at it"}
    await opened(town, town.carol, helper=town.alice)
    assert "This is for the committee" in await press(town, town.admin, "resolve", **resolve)
    await town.configure(committee_seats="1")
    assert "not the number" in await press(
        town, town.admin, "resolve", **{**resolve, "dispute": "9"}
    )
    answer = await press(town, town.admin, "resolve", **resolve)
    assert "**it stands** as published" in answer
    await town.configure(committee_seats="2")
    await opened(town, town.carol, helper=town.alice)
    answer = await press(town, town.admin, "resolve", **{**resolve, "dispute": "2"})
    assert "every one of its 2 seats" in answer
    await opened(town, town.admin, helper=town.alice)
    answer = await press(town, town.admin, "resolve", **{**resolve, "dispute": "3"})
    assert answer == "You opened this dispute, so another committee member decides it."


async def test_who_left_the_server_is_not_counted(public: Town) -> None:
    town = public
    await town.configure(committee_seats="1")
    await opened(town, helper=town.alice)
    town.env.backend.remove_member(town.guild.id, town.alice.id)
    await town.env.settle()
    answer = await press(
        town, town.admin, "resolve", dispute="1", outcome="stands", reason="looked"
    )
    assert "every one of its 1 seats" in answer


async def test_a_suspension_is_disputed_and_lifted(public: Town) -> None:
    town = public
    await town.configure(committee_seats="1")
    await town.press(town.carol, town.committee, "helper suspend", user=town.alice, reason="spam")
    receipt = await opened(town, town.alice, helper=town.alice)
    assert f"**Dispute 1** about the suspension of {town.alice.mention} is open." in receipt
    assert "the suspension is not final" in receipt
    q2 = "\n".join(town.said(town.thread("2026-Q2")))
    assert "Payments stay held until the committee has decided." in q2
    answer = await press(town, town.dave, "resolve", dispute="1", outcome="void", reason="a mix-up")
    assert "**void**, the suspension is lifted and payments are due again." in answer
    await opened(town, town.alice, helper=town.bob)
    assert f"suspension of {town.alice.mention}" in await press(town, town.bob, "list")


async def test_a_suspension_that_stands_is_said_to_stand(public: Town) -> None:
    town = public
    await town.configure(committee_seats="1")
    await town.press(town.carol, town.committee, "helper suspend", user=town.alice, reason="spam")
    await opened(town, helper=town.alice)
    assert await town.offered(town.carol, town.support, "dispute resolve", "dispute") == {
        "1": "1: suspension of alice"
    }
    answer = await press(town, town.dave, "resolve", dispute="1", outcome="stands", reason="no")
    assert "**the suspension stands**." in answer


async def test_a_dispute_of_a_void_round_has_ended(public: Town) -> None:
    town = public
    await opened(town, helper=town.alice)
    question = await town.press(
        town.carol, town.committee, "round void", reason="all wrong", round="2026-Q1"
    )
    await town.click(town.carol, question)
    assert "ended: its round is void" in await press(town, town.stranger, "list")
    assert "It is ended: its round is void and holds nothing any more." in "\n".join(thread(town))


async def test_texts_of_others_cannot_hide_anything(public: Town) -> None:
    town = public
    await opened(town, reason="@everyone **bold** [x](https://example.org)\u202e")
    said = town.said(town.committee)[-1]
    assert "\\*\\*bold\\*\\*" in said
    assert "@everyone" not in said
    assert "\u202e" not in said


async def test_what_a_decision_means_for_ones_own_line_is_said_until_it_is_paid(
    public: Town,
) -> None:
    town = public
    await opened(town, helper=town.alice)
    resolve = {"outcome": "modify", "reason": "counted twice"}
    await press(town, town.carol, "resolve", dispute="1", amount="150", **resolve)
    mine = await town.press(town.alice, town.support, "payout mine")
    assert "**2026-Q1: 200.00 USD** (being corrected: the next version says what is paid)" in mine
    assert "- 2026-Q1: 200.00 USD (being corrected)" in mine
    preview = await town.press(town.carol, town.committee, "payout preview")
    assert "Draft 2026-Q1, version 2" in preview
    await town.publish()
    assert "others keep theirs" in await town.press(town.bob, town.support, "payout show")
    await town.press(town.dave, town.committee, "payout paid", reference="0xabc")
    shown = await town.press(town.bob, town.support, "payout show")
    assert "Payment: nothing waits" in shown
    await opened(town, helper=town.bob)
    await press(town, town.carol, "resolve", dispute="2", amount="90", **resolve)
    mine = await town.press(town.bob, town.support, "payout mine")
    assert "- Decided after the payment: -10.00 USD, carried to the next round." in mine
