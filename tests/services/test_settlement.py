"""From the draft to the published statement: preview, adjust, price, approve, publish."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from msgspec import structs

from bot.domain.bundle import faults
from bot.domain.errors import Blocked, Refusal, Repeated
from bot.domain.people import Person
from bot.domain.states import Line
from bot.services import hours, payments, roster, rounds, settings, settlement
from tests.services.world import (
    ADA,
    BEN,
    CLOSE,
    COMMITTEE_ROLE,
    COMPUTE,
    CYD,
    DAY,
    KIM,
    LEE,
    MINUTE,
    MOE,
    PAY,
    ROOT,
    SAM,
    VAL,
    Who,
    World,
    committee,
    paid_season,
    twice_at_once,
    utc,
)

FIGURES = Path(__file__).parent.parent / "data" / "rocketpool_support_hours.csv"
ADA_IN_COMMITTEE = Who(ADA.user_id, ADA.name, frozenset({COMMITTEE_ROLE}))
BEN_IN_COMMITTEE = Who(BEN.user_id, BEN.name, frozenset({COMMITTEE_ROLE}))


async def adjust(season: World, who: Who = KIM, **data: object) -> settlement.Adjusted:
    return await season.do(
        settlement.adjust, who, **{"person": ADA.person, "reason": "checked", **data}
    )


async def approvals(season: World) -> tuple[int, ...]:
    return (await season.see(settlement.preview, by=season.by(KIM), label=None)).approved_by


async def shown(season: World) -> settlement.Published:
    """Return the newest statement without its bundle, whose record goes on."""
    found = await season.see(settlement.show, guild_id=season.guild_id, label=None)
    return structs.replace(found, document={})


# ---------------------------------------------------------------- the real figures


async def test_the_real_figures_come_out_to_the_cent(server: World) -> None:
    await server.set_up(cap="18,000.00", hourly_rate="30.00")
    with FIGURES.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    people = {row["helper"]: Who(1000 + n, row["helper"]) for n, row in enumerate(rows)}
    for person in people.values():
        await server.do(roster.add, MOE, person=person.person)
    await server.do(rounds.open_by_hand, KIM)
    await server.to(utc("2026-03-29"))
    for row in rows:
        await server.log(people[row["helper"]], f"{row['minutes']}m")
    await server.to(COMPUTE)
    published = await server.published()
    assert {
        line["name"]: line["amount"] for line in (await server.document("2026-Q1"))["lines"]
    } == {row["helper"]: row["expected_payout"] for row in rows}
    assert published.document["currency"] == "USD"


# ---------------------------------------------------------------- preview


async def test_a_preview_shows_what_is_now_and_changes_nothing(season: World) -> None:
    await season.log(ADA, "10h")
    before = await season.record()
    draft = await season.see(settlement.preview, by=season.by(KIM), label=None)
    assert (draft.state, draft.statement.total, draft.compute_at) == ("open", 50_00, COMPUTE)
    assert (draft.approved_by, draft.approvals_needed, draft.adjustments) == ((), 1, ())
    assert draft.shown[ADA.user_id].name == "Ada"
    assert draft.shown[ADA.user_id].status is Line.DUE
    assert await season.record() == before


@pytest.mark.parametrize("who", (ADA, MOE, ROOT, SAM))
async def test_drafts_are_the_committees(waiting: World, who: Who) -> None:
    for verb, data in (
        (settlement.preview, {"label": None}),
        (settlement.adjust, {"person": BEN.person, "reason": "x", "minutes": 5}),
        (settlement.set_price, {"price": "1", "source": "x"}),
        (settlement.approve, {}),
        (settlement.publish, {}),
    ):
        assert "for the committee" in await waiting.refused(verb, who, **data)


async def test_a_preview_warns_of_what_to_look_at(season: World) -> None:
    await paid_season(season)
    await season.to(utc("2026-06-16"))
    await season.log(ADA, "40h")
    await season.to(utc("2026-06-30 20:00"))
    draft = await season.see(settlement.preview, by=season.by(KIM), label=None)
    assert draft.warnings == (
        "No payout address for 1 of 1 line: Ada.",
        "Ada logged everything after the call for claims: 1 entry.",
        "Ada claims 40 h, more than twice the 10 h of the last round.",
    )


async def test_withdrawn_entries_count_nowhere(season: World) -> None:
    number = await season.log(ADA, "10h")
    await season.log(BEN, "1h")
    await season.do(hours.withdraw, ADA, number=str(number))
    await season.to(COMPUTE)
    assert await season.amounts() == {BEN.user_id: 5_00}
    await season.published()


# ---------------------------------------------------------------- adjust


async def test_an_adjustment_keeps_the_original_and_is_told_to_the_committee(
    waiting: World,
) -> None:
    change = await adjust(waiting, minutes=-60, amount="2.50", reason="one hour was logged twice")
    assert (change.label, change.version, change.number) == ("2026-Q1", 1, 1)
    assert (change.minutes, change.amount) == ((600, 540), (50_00, 47_50))
    assert (change.total, change.voided_approvals) == ((70_00, 67_50), False)
    draft = await waiting.see(settlement.preview, by=waiting.by(LEE), label="2026-Q1")
    line = draft.statement.line_of(ADA.user_id)
    assert line is not None
    assert (line.logged_minutes, line.minutes, line.adjustment) == (600, 540, 2_50)
    assert draft.adjustments == (
        settlement.Change(1, ADA.user_id, -60, 2_50, "one hour was logged twice", KIM.user_id),
    )
    (post,) = await waiting.posts("adjusted")
    told = json.loads(post.facts)
    assert (told["minutes"], told["amount"], told["actor"]) == ([600, 540], [5000, 4750], 21)
    row = (await waiting.record())[-1]
    assert row.data["amount"] == "2.50"
    assert "logged twice" not in str(row.as_json())
    await waiting.published(LEE)


async def test_adjusting_works_during_the_review_too(season: World) -> None:
    await season.log(ADA, "10h")
    await season.to(CLOSE)
    assert (await adjust(season, minutes=30)).amount == (50_00, 52_50)
    await season.to(COMPUTE)
    await season.published(LEE)


async def test_somebody_without_hours_can_get_a_line(waiting: World) -> None:
    change = await adjust(waiting, person=CYD.person, amount="5")
    assert (change.minutes, change.amount) == ((0, 0), (0, 5_00))
    await waiting.do(roster.leave, BEN)
    await adjust(waiting, person=BEN.person, minutes=5)
    stranger = Person(SAM.user_id, "Sam", is_member=False)
    assert "never was a helper" in await waiting.refused(
        settlement.adjust, KIM, person=stranger, reason="x", amount="5"
    )
    await waiting.published(LEE)


@pytest.mark.parametrize(
    ("data", "sentence"),
    (
        ({"minutes": -601}, "minutes of a helper below zero"),
        ({"amount": "-50.01"}, "below 0"),
        ({"minutes": -600, "amount": "-0.01"}, "below 0"),
        ({"amount": "930.01"}, "At most 930.00 USD can still be added"),
        ({"amount": "1e999"}, "Write an amount"),
        ({"amount": "NaN"}, "Write an amount"),
        ({"amount": "9" * 30}, "too large"),
        ({"amount": "٥"}, "Write an amount"),
        ({"amount": "0.00"}, "Say by how much"),
        ({"minutes": 0}, "Say by how much"),
        ({}, "Say by how much"),
        ({"minutes": 10**12}, "`minutes` can be from"),
        ({"minutes": -(10**12)}, "`minutes` can be from"),
        ({"minutes": 5, "reason": "  "}, "Give a `reason`"),
        ({"minutes": 5, "reason": "x" * 1001}, "up to 1000 characters"),
        ({"minutes": 5, "label": "2026-Q2"}, "2026-Q2 is still open"),
        ({"minutes": 5, "label": "2020-Q1"}, "no round of that name"),
    ),
)
async def test_what_cannot_be_adjusted_is_refused(
    waiting: World, data: dict[str, object], sentence: str
) -> None:
    data = {"reason": "x", **data}
    assert sentence in await waiting.refused(settlement.adjust, KIM, person=ADA.person, **data)
    assert await waiting.amounts() == {ADA.user_id: 50_00, BEN.user_id: 20_00}


async def test_everything_that_is_there_can_be_taken_and_all_that_is_left_given(
    waiting: World,
) -> None:
    assert (await adjust(waiting, amount="-50.00")).amount == (50_00, 0)
    assert (await adjust(waiting, person=BEN.person, amount="980.00")).total == (20_00, 1000_00)
    await waiting.published(LEE)
    assert await waiting.states("2026-Q1") == {ADA.user_id: Line.NONE, BEN.user_id: Line.DUE}


@hypothesis_settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    changes=st.lists(
        st.tuples(
            st.sampled_from((ADA, BEN, CYD)),
            st.integers(-700, 20_000),
            st.integers(-6_000, 100_000).map(lambda cents: f"{cents / 100:.2f}"),
        ),
        max_size=4,
    )
)
async def test_whatever_is_adjusted_stays_between_zero_and_the_cap(
    season: World, changes: list[tuple[Who, int, str]]
) -> None:
    if (await season.round("2026-Q1")).state == "open":
        await season.drafted()
    for who, minutes, amount in changes:
        try:
            await adjust(season, person=who.person, minutes=minutes, amount=amount)
        except Refusal:
            continue
        draft = await season.see(settlement.preview, by=season.by(LEE), label=None)
        assert min(line.amount for line in draft.statement.lines) >= 0
        assert min(line.minutes for line in draft.statement.lines) >= 0
        assert draft.statement.total <= 1000_00


async def test_nobody_adjusts_their_own_line_and_the_record_says_who_tried(
    waiting: World,
) -> None:
    with pytest.raises(Blocked, match="another committee member"):
        await waiting.do(
            settlement.adjust, ADA_IN_COMMITTEE, person=ADA.person, reason="more", minutes=60
        )
    row = (await waiting.record())[-1]
    assert (row.action, row.actor, row.data) == ("rule.blocked", "11", {"rule": "own line"})
    assert (await waiting.amounts())[ADA.user_id] == 50_00


async def test_who_declined_has_no_amount_to_adjust(season: World) -> None:
    await season.do(roster.pay, BEN, wanted=False)
    await season.drafted()
    assert "has declined pay" in await season.refused(
        settlement.adjust, KIM, person=BEN.person, reason="x", amount="5"
    )
    await season.published()


async def test_void_and_settled_rounds_are_not_adjusted(season: World) -> None:
    await paid_season(season)
    await season.to(COMPUTE + 20 * DAY)
    assert "2026-Q1 is settled" in await season.refused(
        settlement.adjust, KIM, person=ADA.person, reason="x", minutes=5, label="2026-Q1"
    )
    await season.void()
    assert "2026-Q2 is void" in await season.refused(
        settlement.adjust, KIM, person=ADA.person, reason="x", minutes=5, label="2026-Q2"
    )
    assert "No round is in review or draft" in await season.refused(
        settlement.adjust, KIM, person=ADA.person, reason="x", minutes=5
    )


# ---------------------------------------------------------------- price


async def test_a_draft_in_another_currency_needs_a_price_before_it_is_approved(
    server: World,
) -> None:
    season = await (await server.opened(pay_currency="RPL", pay_step="1")).drafted()
    assert "is paid in RPL, so it needs a price" in await season.refused(settlement.approve, LEE)
    priced = await season.do(
        settlement.set_price, KIM, price="18.270 USD/RPL", source="exchange, 20:00 UTC"
    )
    # 50.00 / 18.27 = 2.74 -> 3, 20.00 / 18.27 = 1.09 -> 1
    assert (priced.price, priced.total, priced.pay_total) == ("18.27", 70_00, 4)
    draft = await season.see(settlement.preview, by=season.by(LEE), label=None)
    assert draft.price_source == "exchange, 20:00 UTC"
    published = await season.published(LEE)
    assert published.price_source == "exchange, 20:00 UTC"
    document = await season.document("2026-Q1")
    assert [line["pay_amount"] for line in document["lines"]] == ["3", "1"]
    assert document["inputs"]["price"] == "18.27"
    await season.do(payments.record, KIM, reference="0x1")
    assert "exchange" not in str([row.as_json() for row in await season.record()])


@pytest.mark.parametrize(
    ("price", "sentence"),
    (
        ("0", "above zero"),
        ("-1", "above zero"),
        ("NaN", "above zero"),
        ("1e999", "above zero"),
        ("18.27 EUR", "above zero"),
        ("", "above zero"),
        ("9" * 30, "too large"),
        ("0." + "0" * 17 + "1", "too large to be kept"),
    ),
)
async def test_a_price_that_is_none_is_refused(server: World, price: str, sentence: str) -> None:
    season = await (await server.opened(pay_currency="RPL")).drafted()
    assert sentence in await season.refused(
        settlement.set_price, KIM, price=price, source="somewhere"
    )
    assert "Give a `source`" in await season.refused(
        settlement.set_price, KIM, price="18", source=" "
    )


async def test_a_new_price_voids_approvals(server: World) -> None:
    season = await (await server.opened(pay_currency="RPL")).drafted()
    await season.do(settlement.set_price, KIM, price="18.27 USD", source="x")
    await season.do(settlement.approve, LEE)
    await season.do(settlement.set_price, VAL, price="20", source="y")
    assert "has changed since it was approved" in await season.refused(settlement.publish, KIM)
    await season.do(settlement.approve, LEE)
    assert (await season.do(settlement.publish, KIM)).statement.facts.price == "20"


async def test_where_the_currency_is_the_same_no_price_is_taken(waiting: World) -> None:
    assert "2026-Q1 is paid in USD, so no price is needed" in await waiting.refused(
        settlement.set_price, KIM, price="18", source="x"
    )


# ---------------------------------------------------------------- approve


async def test_an_approval_is_answered_with_hash_and_total(waiting: World) -> None:
    draft = await waiting.see(settlement.preview, by=waiting.by(KIM), label=None)
    approved = await waiting.do(settlement.approve, KIM)
    assert approved == settlement.Approved(
        label="2026-Q1", version=1, sha256=draft.statement.sha256, total=70_00, currency="USD",
        decimals=2, count=1, needed=1, as_admin=False,
    )  # fmt: skip
    assert await approvals(waiting) == (KIM.user_id,)
    row = (await waiting.record())[-1]
    assert row.data["statement_sha256"] == draft.statement.sha256


async def test_nobody_approves_the_same_draft_twice(server: World) -> None:
    season = await (await server.opened(approvals="2")).drafted()
    await season.do(settlement.approve, KIM)
    assert "1 more to go" in await season.refused(settlement.approve, KIM)
    await season.do(settlement.approve, LEE)
    assert "`/payout publish` publishes it" in await season.refused(settlement.approve, LEE)
    assert await approvals(season) == (KIM.user_id, LEE.user_id)


async def test_one_person_approving_twice_at_once_counts_once(server: World) -> None:
    season = await (await server.opened(approvals="2")).drafted()
    results = await twice_at_once(
        lambda: season.do(settlement.approve, KIM), lambda: season.do(settlement.approve, KIM)
    )
    assert sorted(type(result).__name__ for result in results) == ["Approved", "Refusal"]
    assert await approvals(season) == (KIM.user_id,)


async def test_several_approvals_are_of_different_people(server: World) -> None:
    season = await (await server.opened(approvals="2")).drafted()
    first = await season.do(settlement.approve, KIM)
    assert (first.count, first.needed) == (1, 2)
    assert "needs 1 more approval of" in await season.refused(settlement.publish, KIM)
    await season.do(settlement.approve, LEE)
    published = await season.do(settlement.publish, KIM)
    assert published.approved_by == (KIM.user_id, LEE.user_id)


async def test_a_member_with_a_line_cannot_approve_alone(waiting: World) -> None:
    with pytest.raises(Blocked, match="You have a line in 2026-Q1"):
        await waiting.do(settlement.approve, ADA_IN_COMMITTEE)
    row = (await waiting.record())[-1]
    assert (row.action, row.data["rule"], row.subject) == (
        "rule.blocked",
        "own line",
        "round:2026-Q1",
    )
    assert await approvals(waiting) == ()
    await waiting.published()


async def test_a_member_with_a_line_approves_beside_one_without(server: World) -> None:
    season = await (await server.opened(approvals="2")).drafted()
    await season.do(settlement.approve, ADA_IN_COMMITTEE)
    with pytest.raises(Blocked):
        await season.do(settlement.approve, BEN_IN_COMMITTEE)
    await season.do(settlement.approve, KIM)
    published = await season.do(settlement.publish, ADA_IN_COMMITTEE)
    assert published.approved_by == (ADA.user_id, KIM.user_id)


async def test_who_adjusted_cannot_be_the_only_approver(waiting: World) -> None:
    await adjust(waiting, minutes=30)
    with pytest.raises(Blocked, match="You adjusted or priced this draft"):
        await waiting.do(settlement.approve, KIM)
    assert (await waiting.record())[-1].data == {"rule": "only approver changed the draft"}
    await waiting.published(LEE)


async def test_who_priced_cannot_be_the_only_approver(server: World) -> None:
    season = await (await server.opened(pay_currency="RPL")).drafted()
    await season.do(settlement.set_price, KIM, price="18", source="x")
    with pytest.raises(Blocked, match="You adjusted or priced this draft"):
        await season.do(settlement.approve, KIM)
    await season.published(LEE)


async def test_the_same_price_entered_by_the_only_approver_stops_the_publication(
    server: World,
) -> None:
    season = await (await server.opened(pay_currency="RPL")).drafted()
    await season.do(settlement.set_price, KIM, price="18", source="x")
    await season.do(settlement.approve, LEE)
    await season.do(settlement.set_price, LEE, price="18.0", source="y")
    # The same price from another source is the same draft by its hash, and approved anew.
    assert "needs 1 more approval" in await season.refused(settlement.publish, KIM)
    await season.do(settlement.approve, VAL)
    await season.do(settlement.publish, KIM)


@pytest.mark.parametrize("needed", ("1", "2"))
async def test_a_committee_of_two_who_both_adjusted_approve_it_together(
    server: World, needed: str
) -> None:
    season = await (await server.opened(approvals=needed)).drafted()
    await adjust(season, KIM, minutes=30)
    await adjust(season, LEE, minutes=30)
    first = await season.do(settlement.approve, KIM)
    assert (first.count, first.needed) == (1, 2)
    with pytest.raises(Refusal):
        await season.do(settlement.publish, KIM)
    second = await season.do(settlement.approve, LEE)
    assert second.count == 2
    assert (await season.do(settlement.publish, KIM)).approved_by == (KIM.user_id, LEE.user_id)


async def test_an_admin_gives_at_most_one_approval(server: World) -> None:
    season = await (await server.opened(committee_seats="2", approvals="2")).drafted()
    await season.do(settlement.approve, ROOT, committee_lines=2)
    other = replace(ROOT, user_id=ROOT.user_id + 50)
    assert "An admin has given the one approval" in await season.refused(
        settlement.approve, other, committee_lines=2
    )


async def test_the_status_shows_no_figures_of_a_draft(waiting: World) -> None:
    before = await waiting.see(rounds.status, waiting.guild_id, label="2026-Q1")
    await adjust(waiting, minutes=30)
    after = await waiting.see(rounds.status, waiting.guild_id, label="2026-Q1")
    assert after.used == before.used


async def test_an_admin_approves_where_every_committee_seat_has_a_line(server: World) -> None:
    season = await (await server.opened(committee_seats="2")).drafted()
    for count in (None, 0, 1):
        assert "every one of its 2 seats" in await season.refused(
            settlement.approve, ROOT, committee_lines=count
        )
    approved = await season.do(settlement.approve, ROOT, committee_lines=2)
    assert approved.as_admin
    published = await season.do(settlement.publish, ADA_IN_COMMITTEE)
    assert (published.admin_approval, published.approved_by) == (True, (ROOT.user_id,))
    assert [row.data["as"] for row in await season.record() if row.action == "payout.approved"] == [
        "admin"
    ]


async def test_an_admin_approves_only_without_a_line_and_with_seats_set(server: World) -> None:
    season = await (await server.opened()).drafted()
    assert "for the committee" in await season.refused(settlement.approve, ROOT, committee_lines=9)
    await season.do(settings.change, ROOT, values={"committee_seats": "2"})
    concerned = Who(ADA.user_id, ADA.name, manages_server=True)
    assert "You have a line in this draft" in await season.refused(
        settlement.approve, concerned, committee_lines=2
    )
    assert await season.see(settlement.draft_users, season.guild_id) == (ADA.user_id, BEN.user_id)
    await season.do(settlement.approve, ROOT, committee_lines=2)


async def test_there_is_nothing_to_approve_before_the_draft(season: World) -> None:
    for verb in (settlement.approve, settlement.publish):
        assert "There is no draft" in await season.refused(verb, KIM)
    await season.to(CLOSE)
    for verb in (settlement.approve, settlement.publish):
        assert "There is no draft yet" in await season.refused(verb, KIM)


async def test_after_a_publication_the_refusal_says_whose_it_was(waiting: World) -> None:
    await waiting.published()
    for verb in (settlement.approve, settlement.publish):
        assert (await waiting.refused(verb, VAL)).endswith(
            f"\n2026-Q1, version 1, was published by <@{LEE.user_id}> "
            f"<t:{int(waiting.now.timestamp())}:R>: `/payout show` has it."
        )


# ---------------------------------------------------------------- publish


async def test_a_published_statement_carries_hash_record_and_dates(waiting: World) -> None:
    await waiting.do(settlement.approve, KIM)
    published = await waiting.do(settlement.publish, LEE)
    assert published.published_at == COMPUTE
    assert published.dispute_until == utc("2026-04-14 23:59:59")
    assert (published.pay_due_at, published.thread_id) == (PAY, None)
    assert (published.approved_by, published.admin_approval) == ((KIM.user_id,), False)
    last = (await waiting.record())[-1]
    assert (published.record_head, published.record_number) == (last.hash, last.number)
    assert (last.action, last.data["total"]) == ("payout.published", "70.00")
    assert last.data["statement_sha256"] == published.statement.sha256
    assert faults(published.document) == []
    assert await waiting.see(settlement.show, guild_id=waiting.guild_id, label=None) == published


async def test_only_an_approved_draft_is_published(waiting: World) -> None:
    sentence = await waiting.refused(settlement.publish, KIM)
    assert "needs 1 more approval of exactly this draft" in sentence
    assert "changed" not in sentence


async def test_an_approval_is_stale_once_the_draft_has_changed(waiting: World) -> None:
    await waiting.do(settlement.approve, LEE)
    assert (await adjust(waiting, minutes=30)).voided_approvals
    assert "has changed since it was approved" in await waiting.refused(settlement.publish, LEE)
    await adjust(waiting, minutes=-30)
    assert "has changed since it was approved" in await waiting.refused(settlement.publish, LEE)
    await waiting.published(VAL)


async def test_who_lost_the_role_since_the_preview_publishes_nothing(waiting: World) -> None:
    kim = committee(KIM.user_id, KIM.name)
    await waiting.see(settlement.preview, by=waiting.by(kim), label=None)
    await waiting.do(settlement.approve, LEE)
    former = Who(KIM.user_id, KIM.name)
    for verb in (settlement.approve, settlement.publish):
        assert "for the committee" in await waiting.refused(verb, former)
    assert (await waiting.round("2026-Q1")).state == "draft"


async def test_two_people_publish_a_draft_once(waiting: World) -> None:
    await waiting.do(settlement.approve, VAL)
    results = await twice_at_once(
        lambda: waiting.do(settlement.publish, KIM), lambda: waiting.do(settlement.publish, LEE)
    )
    assert sorted(type(result).__name__ for result in results) == ["Published", "Refusal"]
    assert (await waiting.actions()).count("payout.published") == 1
    assert len(await waiting.posts("published-thread")) == 1


async def test_an_empty_draft_is_approved_and_published_like_any_other(season: World) -> None:
    await season.to(COMPUTE)
    published = await season.published()
    assert (published.statement.lines, published.statement.total) == ((), 0)
    assert faults(published.document) == []


async def test_the_bundle_is_sound_at_every_step(season: World) -> None:
    await season.drafted({ADA: 600, BEN: 240, CYD: 60})
    await season.published()
    assert faults(await season.document("2026-Q1")) == []
    await season.do(payments.record, KIM, reference="0x1", user_id=ADA.user_id)
    assert [line["status"] for line in (await season.document("2026-Q1"))["lines"]] == [
        "paid", "due", "due",
    ]  # fmt: skip
    assert faults(await season.document("2026-Q1")) == []
    for who in (KIM, LEE):
        await season.do(payments.correct, who, reference="0x1", reason="wrong")
    assert faults(await season.document("2026-Q1")) == []
    await season.do(roster.pay, CYD, wanted=False)
    document = await season.document("2026-Q1")
    assert [line["status"] for line in document["lines"]] == ["due", "due", "waived"]
    assert faults(document) == []
    document["lines"][0]["amount"] = "50.01"
    assert faults(document)


async def test_drafts_of_several_rounds_are_published_oldest_first(season: World) -> None:
    await season.to(utc("2026-06-30 20:00"))
    assert (await season.published()).statement.facts.label == "2026-Q1"
    assert (await season.published()).statement.facts.label == "2026-Q2"
    shown = await season.see(settlement.show, guild_id=season.guild_id, label="2026-Q1")
    assert shown.statement.facts.label == "2026-Q1"


# ---------------------------------------------------------------- corrections of a published round


async def test_a_correction_is_the_next_version_with_approvals_of_its_own(waiting: World) -> None:
    await waiting.published()
    first = await shown(waiting)
    waiting.now += DAY
    change = await adjust(waiting, person=CYD.person, amount="5", label="2026-Q1")
    assert (change.version, change.voided_approvals) == (2, False)
    assert await shown(waiting) == first
    assert "needs 1 more approval" in await waiting.refused(settlement.publish, KIM)
    with pytest.raises(Blocked):
        await waiting.do(settlement.approve, KIM)
    second = await waiting.published(LEE)
    assert (second.statement.facts.version, second.statement.total) == (2, 75_00)
    assert second.dispute_until == utc("2026-04-15 23:59:59")
    assert [change.user_id for change in second.adjustments] == [CYD.user_id]
    assert second.document["version"] == 2
    assert faults(second.document) == []
    assert len(await waiting.posts("published-channel")) == 2
    assert "There is no draft" in await waiting.refused(settlement.publish, KIM)


async def test_a_correction_changes_only_lines_that_are_not_paid(waiting: World) -> None:
    await waiting.published()
    await waiting.do(payments.record, KIM, reference="0x1", user_id=ADA.user_id)
    assert "change what was already paid to <@11>" in await waiting.refused(
        settlement.adjust, KIM, person=ADA.person, reason="x", amount="1", label="2026-Q1"
    )
    await adjust(waiting, person=BEN.person, minutes=60, label="2026-Q1")
    await waiting.published(LEE)
    assert await waiting.states("2026-Q1") == {ADA.user_id: Line.PAID, BEN.user_id: Line.DUE}


async def test_where_the_cap_binds_minutes_of_one_line_change_what_others_were_paid(
    season: World,
) -> None:
    await season.drafted({ADA: 12_000, BEN: 12_000})
    await season.published()
    await season.do(payments.record, KIM, reference="0x1", user_id=ADA.user_id)
    assert "change what was already paid" in await season.refused(
        settlement.adjust, KIM, person=BEN.person, reason="x", minutes=-60, label="2026-Q1"
    )
    await adjust(season, person=BEN.person, amount="-1.00", label="2026-Q1")
    await season.published(LEE)


async def test_a_correction_under_way_is_not_shown_before_it_is_published(server: World) -> None:
    season = await (await server.opened(pay_currency="RPL")).drafted()
    await season.do(settlement.set_price, KIM, price="18", source="first source")
    await season.published(LEE)
    first = await shown(season)
    await adjust(season, person=CYD.person, amount="5", label="2026-Q1")
    await season.do(settlement.set_price, KIM, price="20", source="second source")
    assert await shown(season) == first
    assert (await season.see(payments.mine, by=season.by(CYD), label=None)).changes == ()
    second = await season.published(LEE)
    assert (second.price_source, len(second.adjustments)) == ("second source", 1)
    assert (await season.see(payments.mine, by=season.by(CYD), label=None)).changes != ()


async def test_a_new_price_leaves_what_was_paid_as_it_is(server: World) -> None:
    season = await (await server.opened(pay_currency="RPL")).drafted()
    await season.do(settlement.set_price, KIM, price="18", source="x")
    await season.published(LEE)
    await season.do(payments.record, KIM, reference="0x1", user_id=ADA.user_id)
    await adjust(season, person=CYD.person, amount="5", label="2026-Q1")
    assert "change what was already paid to <@11>" in await season.refused(
        settlement.set_price, KIM, price="20", source="y"
    )
    await season.published(LEE)


async def test_what_a_new_price_would_change_is_not_paid_meanwhile(server: World) -> None:
    season = await (await server.opened(pay_currency="RPL")).drafted()
    await season.do(settlement.set_price, KIM, price="18", source="x")
    await season.published(LEE)
    await adjust(season, person=CYD.person, amount="5", label="2026-Q1")
    await season.do(settlement.set_price, KIM, price="20", source="y")
    assert "A correction of the rest is under way" in await season.refused(
        payments.record, KIM, reference="0x1"
    )
    await season.published(LEE)
    assert len((await season.do(payments.record, KIM, reference="0x1")).user_ids) == 3


async def test_a_corrected_final_round_becomes_final_and_settled_again(waiting: World) -> None:
    await waiting.published()
    await waiting.to(COMPUTE + 20 * DAY)
    assert (await waiting.round("2026-Q1")).state == "final"
    await adjust(waiting, person=CYD.person, amount="5", label="2026-Q1")
    await waiting.published(LEE)
    assert (await waiting.round("2026-Q1")).state == "published"
    await waiting.do(payments.record, KIM, reference="0x1")
    await waiting.to(COMPUTE + 40 * DAY)
    assert (await waiting.round("2026-Q1")).state == "settled"


async def test_a_later_version_moves_no_payment(waiting: World) -> None:
    first = await waiting.published()
    due = utc("2026-04-01")
    assert first.pay_due_at == due
    await waiting.to(due + 5 * DAY)
    await adjust(waiting, person=CYD.person, amount="5", label="2026-Q1")
    assert (await waiting.published(LEE)).pay_due_at == due


async def test_a_round_is_not_settled_while_a_correction_waits(season: World) -> None:
    await paid_season(season)
    season.now += DAY
    await adjust(season, person=CYD.person, amount="5", label="2026-Q1")
    await season.to(COMPUTE + 20 * DAY)
    assert (await season.round("2026-Q1")).state == "final"
    await season.published(LEE)
    await season.do(payments.record, KIM, reference="0x2")
    await season.to(COMPUTE + 50 * DAY)
    assert (await season.round("2026-Q1")).state == "settled"


async def test_one_correction_can_follow_another(waiting: World) -> None:
    await waiting.published()
    for version in (2, 3):
        await adjust(waiting, person=BEN.person, minutes=30, label="2026-Q1")
        await adjust(waiting, person=BEN.person, amount="1", label="2026-Q1")
        published = await waiting.published(LEE)
        assert published.statement.facts.version == version
        assert faults(published.document) == []
    assert len(published.adjustments) == 4


# ---------------------------------------------------------------- repetition, other servers


async def test_the_same_interaction_does_nothing_a_second_time(server: World) -> None:
    season = await (await server.opened(pay_currency="RPL")).drafted()
    for who, verb, data in (
        (KIM, settlement.adjust, {"person": ADA.person, "reason": "x", "minutes": 5}),
        (KIM, settlement.set_price, {"price": "18", "source": "x"}),
        (LEE, settlement.approve, {}),
        (LEE, settlement.publish, {}),
    ):
        by = season.by(who)
        await season.act(verb, by, **data)
        before = await season.record()
        with pytest.raises(Repeated):
            await season.act(verb, by, **data)
        assert await season.record() == before


async def test_an_interaction_that_a_rule_stopped_is_not_tried_again(waiting: World) -> None:
    by = waiting.by(ADA_IN_COMMITTEE)
    with pytest.raises(Blocked):
        await waiting.act(settlement.approve, by)
    with pytest.raises(Repeated):
        await waiting.act(settlement.approve, by)
    assert (await waiting.actions()).count("rule.blocked") == 1


async def test_drafts_and_statements_of_another_server_are_neither_seen_nor_changed(
    waiting: World,
) -> None:
    other = waiting.elsewhere()
    await other.set_up()
    before = await waiting.record()
    for label in ("2026-Q1", None):
        assert await other.refused(settlement.preview, KIM, label=label)
        assert await other.refused(
            settlement.adjust, KIM, person=ADA.person, reason="x", minutes=5, label=label
        )
    for verb in (settlement.approve, settlement.publish):
        assert "There is no draft" in await other.refused(verb, KIM)
    await waiting.published()
    for label in ("2026-Q1", None):
        with pytest.raises(Refusal, match="No statement"):
            await other.see(settlement.show, guild_id=other.guild_id, label=label)
    assert (await waiting.record())[: len(before)] == before


async def test_names_are_those_last_seen(waiting: World) -> None:
    await waiting.do(roster.pay, Who(ADA.user_id, "Ada Lovelace"), wanted=True)
    published = await waiting.published()
    assert published.shown[ADA.user_id].name == "Ada Lovelace"


async def test_hours_of_the_last_moment_cannot_lift_an_adjusted_draft_above_the_cap(
    season: World,
) -> None:
    await season.log(ADA, "10h")
    late = season.by(BEN, at=CLOSE - MINUTE)
    await season.to(CLOSE)
    await season.do(
        settlement.adjust, KIM, person=ADA.person, reason="a year of work", amount="950.00"
    )
    await season.act(hours.log, late, duration="2h", note="at the very end")
    await season.to(COMPUTE)
    assert "above the cap" in await season.refused(settlement.approve, LEE)
    await season.do(settlement.adjust, KIM, person=ADA.person, reason="room", amount="-10.00")
    await season.published(LEE)
