"""/payout: the way from the draft to the recorded payment, as each kind of person goes it."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

from bot.domain.bundle import faults
from tests.cogs.town import Answer, Town, text_of

STEM = "stipend-2026-Q1-v1"
PNG = b"\x89PNG\r\n"


async def press(town: Town, who: Any, command: str, **options: Any) -> Answer:
    return await town.press(who, town.committee, f"payout {command}", **options)


async def content(attachment: Any) -> bytes:
    data = await attachment.read()
    assert isinstance(data, bytes)
    return data


def rows_of(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode())))


def amounts(data: bytes) -> dict[str, str]:
    return {row["user_id"]: row["amount"] for row in rows_of(data)}


# ---------------------------------------------------------------- the whole quarter


async def test_a_quarter_from_the_first_hour_to_the_last_payment(  # noqa: PLR0915 - a long way
    town: Town,
) -> None:
    await town.open()
    await town.draft()
    (ready,) = town.posts(town.committee)
    assert "**The draft of 2026-Q1 is ready.**" in ready.content
    assert [file.filename for file in ready.attachments] == [f"{STEM}.png"]

    preview = await press(town, town.carol, "preview")
    assert "Draft 2026-Q1, version 1" in preview
    assert "**300.00 USD** of a cap of 1,000.00 USD; 700.00 USD stay with the funder." in preview
    assert "60 h; an hour gives 5.00 USD on average (5.00 USD before the cap)." in preview
    assert "Approvals of exactly this draft: 0 of 1" in preview
    picture = preview.files[f"{STEM}.png"]
    assert (await content(picture)).startswith(PNG)
    assert "alice" in picture.description
    assert "200.00" in picture.description

    answer = await press(town, town.carol, "adjust", helper=town.bob, reason="forgot", minutes=60)
    assert f"{town.bob.mention} **100.00 USD → 105.00 USD**, 20 h → 21 h." in answer
    said = town.said(town.committee)[-1]
    assert f"{town.bob.mention} 100.00 USD → 105.00 USD, 20 h → 21 h" in said
    assert f"by {town.carol.mention}" in said
    assert "Reason: forgot" in said

    answer = await press(town, town.carol, "approve")
    assert answer == (
        "You adjusted or priced this draft, so another committee member has to approve it too."
    )
    answer = await press(town, town.dave, "approve")
    assert "Approved: **2026-Q1, version 1, 305.00 USD**" in answer
    digest = re.search(r"Hash `([0-9a-f]{64})`", answer)
    assert digest

    answer = await press(town, town.carol, "publish")
    assert "**2026-Q1, version 1 is published**: 2 lines, 305.00 USD." in answer
    assert "Not everything" not in answer
    in_channel = town.posts(town.support)[-1]
    in_thread = town.posts(town.thread("2026-Q1"))[-1]
    for post in (in_channel, in_thread):
        assert post.embeds[0].title == "Statement 2026-Q1, version 1"
        assert digest[1] in text_of(post)
        assert town.dave.mention in text_of(post)
        assert [file.filename for file in post.attachments] == [
            f"{STEM}.png", f"{STEM}.html", f"{STEM}.csv", f"{STEM}.json",
        ]  # fmt: skip

    shown = await press(town, town.stranger, "show")
    assert "Statement 2026-Q1, version 1" in shown
    for suffix in ("html", "csv", "json"):
        name = f"{STEM}.{suffix}"
        published = next(file for file in in_channel.attachments if file.filename == name)
        assert await content(shown.files[name]) == await content(published)

    mine = await press(town, town.alice, "mine")
    assert mine.startswith("**2026-Q1: 200.00 USD** (due)")
    assert "Hours: 40 h × 5.00 = 200.00." in mine
    assert "**Still open**" in mine
    mine = await press(town, town.bob, "mine")
    assert "Adjustment 1: forgot" in mine

    answer = await press(town, town.carol, "paid", reference="0xabc", helper=town.alice)
    assert f"Recorded as paid in 2026-Q1: {town.alice.mention}, **200.00 USD**" in answer
    assert "1 line of 2026-Q1 still due." in answer
    answer = await press(town, town.dave, "paid", reference="0xdef")
    assert "Nothing of 2026-Q1 is due any more." in answer
    said = town.said(town.thread("2026-Q1"))[-1]
    assert f"**Paid in 2026-Q1**: {town.bob.mention} (105.00 USD" in said
    mine = await press(town, town.alice, "mine")
    assert "(paid, reference 0xabc)" in mine
    assert "Still open" not in mine


async def test_reminders_come_while_a_draft_or_a_payment_waits(town: Town) -> None:
    await town.open(notify_helpers="yes", helper_role=town.helpers.mention)
    await town.draft()
    assert town.helpers.mention in town.said(town.thread("2026-Q1"))[-2]  # the call
    await town.later(days=1)
    await town.later(days=1)
    await town.later(days=1)
    await town.later(days=1)
    notes = [text for text in town.said(town.committee) if "still waits" in text]
    assert notes == [
        "The draft of 2026-Q1 still waits: "
        "`/payout preview`, `/payout approve`, `/payout publish`."
    ] * 3  # fmt: skip
    await town.publish()
    await town.tick()
    assert "**Payment of 2026-Q1 is due**: 2 lines, 300.00 USD." in town.said(town.committee)[-1]
    post = town.posts(town.thread("2026-Q1"))[-1]
    assert "The payments of 2026-Q1 are due now." in post.content
    assert [role.id for role in post.role_mentions] == [town.helpers.id]
    await town.later(days=1)
    assert "2 payments of 2026-Q1 still wait" in town.said(town.committee)[-1]


# ---------------------------------------------------------------- who sees a draft


async def test_members_never_see_a_draft(town: Town) -> None:
    await town.open()
    await town.draft()
    for who in (town.stranger, town.alice, town.mod, town.admin):
        assert (await press(town, who, "preview")).startswith("This is for the committee")
        for command in ("show", "mine"):
            answer = await press(town, who, command)
            assert answer.startswith("No statement has been published yet.")
            answer = await press(town, who, command, round="2026-Q1")
            assert answer.startswith("No statement has been published yet.")
        assert await town.offered(who, town.committee, "payout show", "round") == {}
    assert "305" not in "".join(town.said(town.support) + town.said(town.thread("2026-Q1")))
    assert (await press(town, town.carol, "export", format="csv")).startswith(
        "No statement has been published yet."
    )


async def test_only_published_rounds_are_shown(town: Town) -> None:
    await town.open()
    await town.draft()
    await town.publish()
    answer = await press(town, town.stranger, "show", round="2026-Q2")
    assert answer == "2026-Q2 is not published. Published: 2026-Q1."
    answer = await press(town, town.stranger, "show", round="1999-Q1")
    assert "There is no round of that name." in answer
    found = await town.offered(town.stranger, town.committee, "payout mine", "round")
    assert list(found) == ["2026-Q1"]
    found = await town.offered(town.carol, town.committee, "payout preview", "round")
    assert list(found) == ["2026-Q2", "2026-Q1"]


async def test_who_has_no_line_is_told_so(town: Town) -> None:
    await town.open()
    await town.draft()
    await town.publish()
    await town.add(town.stranger)
    answer = await press(town, town.stranger, "mine")
    assert "You have no line in 2026-Q1." in answer


# ---------------------------------------------------------------- preview


async def test_the_open_round_can_be_previewed(town: Town) -> None:
    await town.open()
    await town.log_hours(town.alice, "10h")
    answer = await press(town, town.carol, "preview")
    assert "2026-Q1" in answer
    assert "**50.00 USD** of a cap of 1,000.00 USD" in answer
    assert "It will be made <t:1774987200:f>" in answer


async def test_an_empty_round_is_approved_and_published_like_any_other(town: Town) -> None:
    await town.open()
    await town.until(2026, 3, 31, 20)
    assert "Nobody has a line." in await press(town, town.carol, "preview")
    await town.publish()
    assert "Nobody has a line." in await press(town, town.stranger, "show")


async def test_many_lines_come_in_pages(town: Town) -> None:
    await town.open(admission="open")
    people = [town.person(f"helper{number:02}") for number in range(25)]
    for number, somebody in enumerate(people):
        await town.press(somebody, town.support, "helper join")
        await town.log_hours(somebody, f"{25 - number}h")
    await town.until(2026, 3, 31, 20)
    page = await press(town, town.carol, "preview")
    assert "and 5 more lines" in page
    assert "files" not in page
    assert people[0].mention in page
    assert people[24].mention not in page
    assert people[24].mention in await town.click(town.carol, page, "Next")
    assert "files" not in town.said(town.committee)[0]
    await town.publish()
    page = await press(town, town.stranger, "show")
    assert "and 5 more lines: all are in the files" in page
    page = await town.click(town.stranger, page, "Next")
    assert people[24].mention in page
    assert set(page.files) == {f"{STEM}.{kind}" for kind in ("png", "html", "csv", "json")}


# ---------------------------------------------------------------- adjust


REFUSED: tuple[tuple[dict[str, Any], str], ...] = (
    ({}, "Say by how much: `minutes` such as -30, or `amount` such as 25.00."),
    ({"minutes": 0}, "Say by how much"),
    ({"amount": "0.00"}, "Say by how much"),
    ({"minutes": -1201}, "The most that can be taken is what the line has."),
    ({"amount": "-100.01"}, "The most that can be taken is what it has."),
    ({"amount": "700.01"}, "At most 700.00 USD can still be added."),
    ({"amount": "1e999"}, "`-25.00`"),
    ({"amount": "25 EUR"}, "The currency here is USD"),
    ({"minutes": 10**9}, "`minutes` can be from -527040 to 527040."),
    ({"minutes": 60, "reason": " "}, "Give a `reason` in words"),
    ({"minutes": 60, "reason": "x" * 1001}, "`reason` can have up to 1000 characters."),
    ({"minutes": 60, "round": "2026-Q2"}, "2026-Q2 is still open"),
    ({"minutes": 60, "round": "2025-Q1"}, "There is no round of that name."),
)


async def test_an_adjustment_that_is_refused_says_what_is_accepted(town: Town) -> None:
    await town.open()
    await town.draft()
    before = len(town.said(town.committee))
    for options, accepted in REFUSED:
        answer = await press(
            town, town.carol, "adjust", **{"helper": town.bob, "reason": "why", **options}
        )
        assert accepted in answer, (options, answer)
        assert "Adjustment 1" not in answer
    assert len(town.said(town.committee)) == before
    assert "**300.00 USD**" in await press(town, town.carol, "preview")


async def test_nobody_adjusts_their_own_line(town: Town) -> None:
    await town.open()
    await town.add(town.carol)
    await town.draft()
    answer = await press(town, town.carol, "adjust", helper=town.carol, reason="x", minutes=60)
    assert answer == "Your own line is adjusted by another committee member."


async def test_only_helpers_and_people_with_a_line_are_adjusted(town: Town) -> None:
    await town.open()
    await town.press(town.alice, town.support, "helper pay", wanted=False)
    await town.draft()
    answer = await press(town, town.carol, "adjust", helper=town.stranger, reason="x", minutes=60)
    assert "has no line in 2026-Q1 and never was a helper" in answer
    answer = await press(town, town.carol, "adjust", helper=town.alice, reason="x", minutes=60)
    assert "has declined pay, so there is no amount to adjust" in answer


async def test_an_adjustment_for_somebody_without_a_line_gives_them_one(town: Town) -> None:
    await town.open()
    await town.add(town.stranger)
    await town.draft()
    answer = await press(
        town, town.carol, "adjust", helper=town.stranger, reason="x", amount="12.34 usd"
    )
    assert "**0.00 USD → 12.34 USD**" in answer


async def test_there_is_nothing_to_adjust_before_a_close(town: Town) -> None:
    await town.open()
    answer = await press(town, town.carol, "adjust", helper=town.alice, reason="x", minutes=1)
    assert "No round is in review or draft." in answer


# ---------------------------------------------------------------- approve and publish


async def test_a_change_after_the_approval_voids_it(town: Town) -> None:
    await town.open()
    await town.draft()
    await press(town, town.dave, "approve")
    answer = await press(town, town.carol, "adjust", helper=town.bob, reason="x", amount="1")
    assert "Approvals given before do not count any more." in answer
    answer = await press(town, town.carol, "publish")
    assert "The draft has changed since it was approved." in answer
    assert "2026-Q1 needs 1 more approval" in answer
    assert town.said(town.support)[-1].startswith("Support 2026-Q2")


async def test_approving_twice_counts_once(town: Town) -> None:
    await town.open(approvals="2")
    await town.draft()
    assert "1 more approval needed from others." in await press(town, town.dave, "approve")
    answer = await press(town, town.dave, "approve")
    assert answer.startswith("You have approved exactly this draft of 2026-Q1")
    assert "1 more to go." in answer
    answer = await press(town, town.dave, "publish")
    assert "2026-Q1 needs 1 more approval of exactly this draft" in answer
    assert "`/payout publish` publishes it." in await press(town, town.carol, "approve")
    assert "is published" in await press(town, town.dave, "publish")


async def test_who_has_a_line_cannot_be_the_only_approver(town: Town) -> None:
    await town.open()
    await town.add(town.carol)
    await town.until(2026, 1, 20)
    await town.log_hours(town.carol, "5h")
    await town.until(2026, 3, 31, 20)
    answer = await press(town, town.carol, "approve")
    assert "You have a line in 2026-Q1" in answer
    assert "a committee member without one" in answer
    assert "Approved" in await press(town, town.dave, "approve")


async def test_an_admin_without_a_line_approves_where_every_seat_has_one(town: Town) -> None:
    await town.open(committee_seats="2")
    await town.add(town.carol, town.dave)
    await town.until(2026, 1, 20)
    await town.log_hours(town.carol, "5h")
    answer = await press(town, town.admin, "approve")
    assert "There is no draft" in answer
    await town.until(2026, 3, 31, 20)
    answer = await press(town, town.admin, "approve")
    assert "An admin may approve only where every one of its 2 seats" in answer


async def test_an_admin_of_the_committee_approves_as_its_member(town: Town) -> None:
    await town.open(committee_seats="2")
    await town.give_role(town.admin, town.members_of_committee)
    await town.draft()
    assert "Approved: **2026-Q1, version 1" in await press(town, town.admin, "approve")


async def test_the_approval_of_an_admin_is_named_in_the_statement(town: Town) -> None:
    await town.open(committee_seats="2")
    await town.add(town.carol, town.dave)
    await town.until(2026, 1, 20)
    await town.log_hours(town.carol, "5h")
    await town.log_hours(town.dave, "5h")
    await town.log_hours(town.alice, "5h")
    town.guild.remove_member(town.alice)
    await town.env.settle()
    await town.until(2026, 3, 31, 20)
    answer = await press(town, town.admin, "approve")
    assert "Approved as an admin without a line" in answer
    assert "is published" in await press(town, town.dave, "publish")
    assert (
        f"{town.admin.mention}, one of them an admin without a line" in town.said(town.support)[-1]
    )


async def test_an_admin_is_no_committee_otherwise(town: Town) -> None:
    await town.open()
    await town.draft()
    answer = await press(town, town.admin, "approve")
    assert answer.startswith("This is for the committee")
    assert (await press(town, town.admin, "publish")).startswith("This is for the committee")


async def test_a_committee_member_who_lost_the_role_publishes_nothing(town: Town) -> None:
    await town.open()
    await town.draft()
    await press(town, town.carol, "preview")
    await press(town, town.dave, "approve")
    await town.take_role(town.carol, town.members_of_committee)
    answer = await press(town, town.carol, "publish")
    assert answer.startswith("This is for the committee")
    assert "No statement has been published yet." in await press(town, town.stranger, "show")


async def test_publishing_twice_publishes_once(town: Town) -> None:
    await town.open()
    await town.draft()
    await town.publish()
    answer = await press(town, town.dave, "publish")
    assert answer.startswith("There is no draft.")
    assert f"\n2026-Q1, version 1, was published by {town.carol.mention} <t:" in answer
    assert answer.endswith(": `/payout show` has it.")
    assert "You are not a helper, so you have no line in 2026-Q1. `/helper join`" in await press(
        town, town.stranger, "mine"
    )
    assert sum("Statement 2026-Q1" in text for text in town.said(town.support)) == 1


async def test_what_could_not_be_posted_is_said_and_follows(town: Town) -> None:
    await town.open()
    await town.draft()
    await press(town, town.dave, "approve")
    await town.forbid(town.support, send_messages=True)
    answer = await press(town, town.carol, "publish")
    assert "is published" in answer
    assert "Not everything could be posted:" in answer
    assert "Statement 2026-Q1" in town.said(town.thread("2026-Q1"))[-1]
    await town.permit(town.support)
    await town.press(town.admin, town.support, "setup")
    assert "Statement 2026-Q1" in town.said(town.support)[-1]


async def test_a_published_version_is_corrected_by_the_next(town: Town) -> None:
    await town.open()
    await town.draft()
    await town.publish()
    await press(town, town.carol, "paid", reference="0x1", helper=town.alice)
    answer = await press(
        town, town.carol, "adjust", helper=town.alice, reason="x", minutes=60, round="2026-Q1"
    )
    assert "That would change what was already paid to" in answer
    answer = await press(
        town, town.carol, "adjust", helper=town.bob, reason="late", minutes=60, round="2026-Q1"
    )
    assert "**100.00 USD → 105.00 USD**" in answer
    answer = await press(town, town.carol, "paid", reference="0x2")
    assert "A correction of the rest is under way." in answer
    answer = await press(town, town.carol, "paid", reference="0x2", helper=town.bob)
    assert "is being corrected: publish the correction first" in answer
    await town.publish()
    shown = await press(town, town.stranger, "show")
    assert "Statement 2026-Q1, version 2" in shown
    assert "**305.00 USD**" in shown
    assert "Nothing of 2026-Q1 is due" in await press(town, town.carol, "paid", reference="0x2")


# ---------------------------------------------------------------- another currency


async def test_a_draft_in_another_currency_needs_a_price_with_its_source(town: Town) -> None:
    await town.open(pay_currency="RPL", pay_step="0.01")
    await town.draft()
    assert "`/payout price` is still needed" in await press(town, town.carol, "preview")
    answer = await press(town, town.dave, "approve")
    assert answer == "2026-Q1 is paid in RPL, so it needs a price first: `/payout price`."
    for price in ("0", "-1", "NaN", "1e9", "18,27"):
        answer = await press(town, town.carol, "price", price=price, source="CoinGecko")
        assert "like `18.27`" in answer
    answer = await press(town, town.carol, "price", price="18.27", source="  ")
    assert "Give a `source` in words" in answer
    answer = await press(town, town.carol, "price", price="18.270 USD", source="CoinGecko, noon")
    assert "1 RPL = 18.27 USD" in answer
    assert "300.00 USD become **16.42 RPL**" in answer
    assert "source CoinGecko, noon" in await press(town, town.carol, "preview")
    assert "You adjusted or priced this draft" in await press(town, town.carol, "approve")
    await town.publish()
    assert "16.42 RPL" in await press(town, town.stranger, "show")
    assert "at 18.27 USD" in await press(town, town.alice, "mine")
    csv_ = (await press(town, town.carol, "export", format="csv")).files[f"{STEM}.csv"]
    assert [row["pay_amount"] for row in rows_of(await content(csv_))] == ["10.95", "5.47"]


async def test_no_price_is_needed_without_another_currency(town: Town) -> None:
    await town.open()
    await town.draft()
    answer = await press(town, town.carol, "price", price="1", source="me")
    assert answer.startswith("2026-Q1 is paid in USD, so no price is needed.")


# ---------------------------------------------------------------- export


async def test_every_export_says_the_same_as_what_was_published(town: Town) -> None:
    await town.open()
    await town.draft()
    await town.publish()
    published = {file.filename: file for file in town.posts(town.support)[-1].attachments}
    wanted = {str(town.alice.id): "200.00", str(town.bob.id): "100.00"}
    for kind in ("csv", "JSON ", "markdown"):
        answer = await press(town, town.carol, "export", format=kind)
        assert f"as {kind.strip().lower()}: **2 lines, 300.00 USD**." in answer
        (name,) = answer.files
        data = await content(answer.files[name])
        if name in published:
            assert data == await content(published[name])
        if name.endswith("csv"):
            assert amounts(data) == wanted
            assert {row["address"] for row in rows_of(data)} == {""}
        elif name.endswith("json"):
            document = json.loads(data)
            assert faults(document) == []
            assert {line["user_id"]: line["amount"] for line in document["lines"]} == wanted
        else:
            for user, amount in wanted.items():
                assert re.search(rf"\| {user} \|.*\| {amount} \|", data.decode())
    assert list(
        await town.offered(town.carol, town.committee, "payout export", "format", "js")
    ) == ["json", "safe-json"]


async def test_an_unknown_format_is_refused_with_those_there_are(town: Town) -> None:
    await town.open()
    answer = await press(town, town.carol, "export", format="xlsx")
    assert answer == (
        "`format` is one of: csv, json, markdown, safe-csv, safe-json, disperse, mimir."
    )


# ---------------------------------------------------------------- paid and correct


async def test_nothing_is_paid_twice(town: Town) -> None:
    await town.open()
    await town.draft()
    await town.publish()
    assert "Recorded" in await press(town, town.carol, "paid", reference="0x1", helper=town.alice)
    answer = await press(town, town.dave, "paid", reference="0x2", helper=town.alice)
    assert "is recorded as paid already in 2026-Q1, so nothing is recorded." in answer
    answer = await press(town, town.dave, "paid", reference="0x2", helper=town.stranger)
    assert "has no line in 2026-Q1" in answer
    assert "Recorded" in await press(town, town.dave, "paid", reference="0x1")  # another payee
    answer = await press(town, town.dave, "paid", reference="0x3")
    assert answer == "No line of 2026-Q1 is due. Everything is recorded."


async def test_a_reference_must_find_the_payment_again(town: Town) -> None:
    await town.open()
    await town.draft()
    await town.publish()
    for reference in ("", "   ", "x" * 201, "a\u202eb"):
        answer = await press(town, town.carol, "paid", reference=reference)
        assert answer.startswith("`reference` is what finds the payment again"), reference


async def test_a_reference_stands_once_for_each_payee_in_whatever_round(town: Town) -> None:
    await town.open()
    await town.draft()
    await town.publish()
    await press(town, town.carol, "paid", reference="0x1")
    await town.until(2026, 4, 20)
    await town.log_hours(town.alice, "10h")
    await town.until(2026, 6, 30, 20)
    await town.publish()
    answer = await press(town, town.carol, "paid", reference="0x1", helper=town.alice)
    assert "This reference already stands for a payment to" in answer
    assert "in 2026-Q1. A reference is used once per payee; nothing is recorded." in answer
    assert "Recorded" in await press(town, town.carol, "paid", reference="0x2", round="2026-Q2")


async def test_a_wrong_payment_is_taken_back_by_a_second_member_with_the_button(town: Town) -> None:
    await town.open()
    await town.draft()
    await town.publish()
    await press(town, town.carol, "paid", reference="0xbad")
    found = await town.offered(town.carol, town.committee, "payout correct", "reference", "bad")
    assert list(found) == ["0xbad"]
    answer = await press(town, town.carol, "correct", reference="0xbad", reason="wrong chain")
    assert "Another committee member confirms it in the committee channel" in answer
    question = town.posts(town.committee)[-1]
    assert "Reason: wrong chain" in question.content
    answer = await press(town, town.carol, "correct", reference="0xbad", reason="again")
    assert answer == "You proposed this already. Another committee member has to confirm it."

    answer = await town.click(town.carol, question)
    assert answer == "You proposed this, so another committee member has to confirm it."
    assert (await town.click(town.stranger, question)).startswith("This is for the committee")
    await town.restart()
    seen_before = await town.copy_of_post(question)
    answer = await town.click(town.dave, question)
    assert answer.startswith("Taken back:")
    assert "The lines are open again" in answer
    said = town.said(town.thread("2026-Q1"))[-1]
    assert said.startswith("**Correction in 2026-Q1**")
    assert "0xbad" in said
    answer = await town.click(town.dave, seen_before)
    assert answer == "This was confirmed already; the payment is taken back."
    assert "(due)" in await press(town, town.alice, "mine")
    assert "Recorded" in await press(town, town.carol, "paid", reference="0xgood")


async def test_the_command_of_a_second_member_confirms_too(town: Town) -> None:
    await town.open()
    await town.draft()
    await town.publish()
    await press(town, town.carol, "paid", reference="0xbad")
    await town.until(2026, 4, 20)
    assert "**Settled**" in await town.press(
        town.stranger, town.support, "round status", round="2026-Q1"
    )
    await press(town, town.carol, "correct", reference="0xbad", reason="wrong")
    answer = await press(town, town.dave, "correct", reference="0xbad", reason="yes")
    assert answer.startswith("Taken back:")
    assert "**Final**" in await town.press(
        town.stranger, town.support, "round status", round="2026-Q1"
    )


async def test_nobody_corrects_their_own_payment(town: Town) -> None:
    await town.open()
    await town.add(town.carol)
    await town.until(2026, 1, 20)
    await town.log_hours(town.carol, "5h")
    await town.until(2026, 3, 31, 20)
    await town.publish()
    await press(town, town.dave, "paid", reference="0x1")
    answer = await press(town, town.carol, "correct", reference="0x1", reason="x")
    assert answer == "This payment is your own, so two other committee members correct it."
    answer = await press(town, town.dave, "correct", reference="0x9", reason="x")
    assert answer.startswith("No payment is recorded under that reference.")


async def test_references_are_offered_to_the_committee_only(town: Town) -> None:
    await town.open()
    await town.draft()
    await town.publish()
    await press(town, town.carol, "paid", reference="0x1")
    assert await town.offered(town.stranger, town.committee, "payout correct", "reference") == {}
