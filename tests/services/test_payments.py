"""Payments: recorded once, taken back by two people, and what is still open."""

from __future__ import annotations

import json

import pytest

from bot.domain.errors import Blocked, Refusal, Repeated
from bot.domain.statement import Sum
from bot.domain.states import Line
from bot.services import payments, roster, settlement
from tests.services.world import (
    ADA,
    BEN,
    COMMITTEE_ROLE,
    COMPUTE,
    CYD,
    DAY,
    KIM,
    LEE,
    MINUTE,
    MOE,
    ROOT,
    SAM,
    VAL,
    Who,
    World,
    paid_season,
    twice_at_once,
    utc,
)

ADA_IN_COMMITTEE = Who(ADA.user_id, ADA.name, frozenset({COMMITTEE_ROLE}))


@pytest.fixture
async def due(waiting: World) -> World:
    """Return a server with a published round: Ada 50.00 and Ben 20.00 are due, Cyd gets 0."""
    for amount in ("5", "-5"):
        await waiting.do(
            settlement.adjust, KIM, person=CYD.person, reason="logged elsewhere", amount=amount
        )
    await waiting.published(LEE)
    return waiting


async def pay(world: World, reference: str, who: Who = KIM, **data: object) -> payments.Recorded:
    return await world.do(payments.record, who, reference=reference, **data)


async def take_back(world: World, reference: str = "0x1") -> payments.TakenBack:
    for who in (KIM, LEE):
        taken = await world.do(payments.correct, who, reference=reference, reason="wrong")
    return taken


# ---------------------------------------------------------------- recording


async def test_every_due_line_is_recorded_at_once(due: World) -> None:
    recorded = await pay(due, "  0x1\n abc ")
    assert recorded == payments.Recorded(
        label="2026-Q1", reference="0x1 abc", user_ids=(ADA.user_id, BEN.user_id),
        total=Sum(70_00, "USD", 2, pay_decimals=2), still_due=0,
    )  # fmt: skip
    assert await due.states("2026-Q1") == {
        ADA.user_id: Line.PAID,
        BEN.user_id: Line.PAID,
        CYD.user_id: Line.NONE,
    }
    row = (await due.record())[-1]
    assert (row.action, row.subject, row.data["amount"]) == (
        "payment.recorded",
        "user:12",
        "20.00",
    )
    (post,) = await due.posts("paid")
    assert json.loads(post.facts) == {"reference": "0x1 abc", "users": [11, 12]}


async def test_one_line_is_recorded_and_the_others_stay_due(due: World) -> None:
    recorded = await pay(due, "0x1", user_id=ADA.user_id, label="2026-q1")
    assert (recorded.user_ids, recorded.still_due) == ((ADA.user_id,), 1)
    assert recorded.total.amount == 50_00


@pytest.mark.parametrize("who", (ADA, MOE, ROOT, SAM))
async def test_payments_are_recorded_by_the_committee(due: World, who: Who) -> None:
    for verb, data in (
        (payments.record, {"reference": "0x1"}),
        (payments.correct, {"reference": "0x1", "reason": "x"}),
        (payments.confirm, {"number": 1}),
    ):
        assert "for the committee" in await due.refused(verb, who, **data)


@pytest.mark.parametrize(
    "reference", ("", "  ", "x" * 201, "a\x00b", "a\N{RIGHT-TO-LEFT OVERRIDE}b")
)
async def test_a_reference_finds_the_payment_again(due: World, reference: str) -> None:
    assert "`reference` is what finds" in await due.refused(
        payments.record, KIM, reference=reference
    )
    assert "`reference` is what finds" in await due.refused(
        payments.correct, KIM, reference=reference, reason="x"
    )


async def test_nothing_is_paid_twice(due: World) -> None:
    await pay(due, "0x1")
    assert "Everything is recorded" in await due.refused(payments.record, KIM, reference="0x2")
    assert "<@11> is recorded as paid already" in await due.refused(
        payments.record, KIM, reference="0x2", user_id=ADA.user_id
    )


async def test_two_people_recording_at_once_record_once(due: World) -> None:
    results = await twice_at_once(lambda: pay(due, "0x1"), lambda: pay(due, "0x2", LEE))
    assert sorted(type(result).__name__ for result in results) == ["Recorded", "Refusal"]
    assert (await due.actions()).count("payment.recorded") == 2


@pytest.mark.parametrize(
    ("who", "why"), ((CYD, "gets 0"), (SAM, "has no line"), (BEN, "has declined pay"))
)
async def test_only_a_due_line_is_recorded(due: World, who: Who, why: str) -> None:
    await due.do(roster.pay, BEN, wanted=False)
    assert f"<@{who.user_id}> {why}" in await due.refused(
        payments.record, KIM, reference="0x1", user_id=who.user_id
    )


async def test_a_reference_is_used_once_per_payee_in_whatever_round(due: World) -> None:
    await pay(due, "0x1", user_id=ADA.user_id)
    await pay(due, "0x1", user_id=BEN.user_id)  # one transaction for two people
    await due.log(CYD, "1h")
    await due.to(utc("2026-04-02"))
    await due.log(ADA, "10h")
    await due.to(utc("2026-06-30 20:00"))
    await due.published()
    for data in ({}, {"user_id": ADA.user_id}):
        sentence = await due.refused(payments.record, KIM, reference="0x1", **data)
        assert "already stands for a payment to <@11> in 2026-Q1" in sentence
    await pay(due, "0x1", user_id=CYD.user_id)
    await pay(due, "0x2")


async def test_nothing_is_recorded_before_the_publication(season: World) -> None:
    await season.log(ADA, "1h")
    await season.to(COMPUTE)
    for label in (None, "2026-Q1"):
        assert "No statement has been published" in await season.refused(
            payments.record, KIM, reference="0x1", label=label
        )


async def test_what_a_correction_under_way_would_change_is_left_out(due: World) -> None:
    await due.do(settlement.adjust, KIM, person=ADA.person, reason="x", amount="1", label="2026-Q1")
    assert "is being corrected" in await due.refused(
        payments.record, KIM, reference="0x1", user_id=ADA.user_id
    )
    recorded = await pay(due, "0x1")
    assert (recorded.user_ids, recorded.left_out, recorded.still_due) == (
        (BEN.user_id,),
        (ADA.user_id,),
        1,
    )
    assert "A correction of the rest is under way" in await due.refused(
        payments.record, KIM, reference="0x2"
    )
    await due.published(LEE)
    assert (await pay(due, "0x2")).total.amount == 51_00


async def test_what_is_paid_in_another_currency_is_kept_with_the_payment(server: World) -> None:
    season = await server.opened(pay_currency="RPL", pay_step="0.1")
    await paid_in_rpl(season)
    mine = await season.see(payments.mine, by=season.by(ADA), label=None)
    assert mine.line is not None
    assert (mine.line.pay_amount, mine.reference) == (27, "0x1")


async def paid_in_rpl(season: World) -> None:
    await season.log(ADA, "10h")
    await season.to(COMPUTE)
    await season.do(settlement.set_price, KIM, price="18.27", source="an exchange")
    await season.published(LEE)
    recorded = await pay(season, "0x1")
    assert (recorded.total.pay_amount, recorded.total.pay_currency) == (27, "RPL")


# ---------------------------------------------------------------- taking back


async def test_a_second_member_takes_a_recorded_payment_back(due: World) -> None:
    await pay(due, "0x1")
    proposal = await due.do(payments.correct, KIM, reference=" 0x1 ", reason="never arrived")
    assert (proposal.confirmed, proposal.label) == (False, "2026-Q1")
    assert proposal.total == Sum(70_00, "USD", 2, pay_decimals=2)
    assert (await due.states("2026-Q1"))[ADA.user_id] is Line.PAID
    (post,) = await due.posts("take-back")
    assert json.loads(post.facts)["number"] == proposal.number
    assert "You proposed this already" in await due.refused(
        payments.correct, KIM, reference="0x1", reason="never arrived"
    )
    taken = await due.do(payments.confirm, LEE, number=proposal.number)
    assert (taken.confirmed, taken.user_ids) == (True, (ADA.user_id, BEN.user_id))
    assert (await due.states("2026-Q1"))[ADA.user_id] is Line.DUE
    assert "confirmed already" in await due.refused(payments.confirm, VAL, number=proposal.number)
    assert "No payment is recorded" in await due.refused(
        payments.correct, KIM, reference="0x1", reason="x"
    )
    assert (await pay(due, "0x1")).total.amount == 70_00


async def test_the_second_member_may_use_the_command_as_well(due: World) -> None:
    await pay(due, "0x1")
    assert (await take_back(due)).confirmed
    assert (await due.actions())[-3:] == [
        "payment.correction_proposed",
        "payment.taken_back",
        "payment.taken_back",
    ]


async def test_who_proposed_cannot_confirm_and_the_record_says_who_tried(due: World) -> None:
    await pay(due, "0x1")
    proposal = await due.do(payments.correct, KIM, reference="0x1", reason="x")
    with pytest.raises(Blocked, match="another committee member has to confirm"):
        await due.do(payments.confirm, KIM, number=proposal.number)
    assert (await due.record())[-1].data == {"rule": "second person"}
    assert (await due.states("2026-Q1"))[ADA.user_id] is Line.PAID


async def test_nobody_corrects_their_own_payment(due: World) -> None:
    await pay(due, "0x1")
    with pytest.raises(Blocked, match="two other committee members"):
        await due.do(payments.correct, ADA_IN_COMMITTEE, reference="0x1", reason="x")
    assert (await due.record())[-1].data == {"rule": "own line"}
    proposal = await due.do(payments.correct, KIM, reference="0x1", reason="x")
    for verb, data in (
        (payments.correct, {"reference": "0x1", "reason": "x"}),
        (payments.confirm, {"number": proposal.number}),
    ):
        with pytest.raises(Blocked, match="two other committee members"):
            await due.do(verb, ADA_IN_COMMITTEE, **data)
    assert (await due.states("2026-Q1"))[ADA.user_id] is Line.PAID


async def test_a_confirmation_covers_what_was_proposed_and_nothing_later(due: World) -> None:
    await pay(due, "0x1", user_id=ADA.user_id)
    proposal = await due.do(payments.correct, KIM, reference="0x1", reason="x")
    due.now += DAY
    await pay(due, "0x1", user_id=BEN.user_id)
    taken = await due.do(payments.confirm, LEE, number=proposal.number)
    assert taken.user_ids == (ADA.user_id,)
    assert (await due.states("2026-Q1"))[BEN.user_id] is Line.PAID


async def test_a_proposal_whose_payments_are_gone_is_refused(due: World) -> None:
    await pay(due, "0x1")
    results = await twice_at_once(
        lambda: due.do(payments.correct, KIM, reference="0x1", reason="x"),
        lambda: due.do(payments.correct, KIM, reference="0x1", reason="x"),
    )
    assert sorted(type(result).__name__ for result in results) == ["Refusal", "TakenBack"]
    first = await due.do(payments.confirm, LEE, number=1)
    assert first.confirmed
    assert "There is no such proposal" in await due.refused(payments.confirm, LEE, number=99)


async def test_a_reason_is_needed_and_enters_the_record_as_a_digest(due: World) -> None:
    await pay(due, "0x1")
    assert "Give a `reason`" in await due.refused(payments.correct, KIM, reference="0x1", reason="")
    await due.do(payments.correct, KIM, reference="0x1", reason="sent to a private wallet")
    assert "private" not in str([row.as_json() for row in await due.record()])


async def test_a_settled_round_waits_again_when_its_payment_is_taken_back(season: World) -> None:
    await paid_season(season)
    await season.to(COMPUTE + 20 * DAY)
    assert (await season.round("2026-Q1")).state == "settled"
    await take_back(season, "0xfirst")
    assert (await season.round("2026-Q1")).state == "final"
    await pay(season, "0xsecond")
    assert [act.name for act in await season.to(COMPUTE + 21 * DAY)] == ["settle"]


async def test_the_newest_references_are_offered(due: World) -> None:
    await pay(due, "0x1", user_id=BEN.user_id)
    await pay(due, "0x2", user_id=ADA.user_id)
    assert await due.see(payments.references, due.guild_id) == ["0x2", "0x1"]
    await take_back(due)
    assert await due.see(payments.references, due.guild_id) == ["0x2"]


# ---------------------------------------------------------------- one's own line


async def test_a_helper_sees_their_own_line_and_everything_that_is_open(due: World) -> None:
    mine = await due.see(payments.mine, by=due.by(ADA), label=None)
    assert mine.line is not None
    assert (mine.line.amount, mine.state, mine.reference) == (50_00, Line.DUE, "")
    owed = Sum(50_00, "USD", 2, pay_decimals=2)
    assert mine.open_amounts == (payments.OpenAmount("2026-Q1", owed, Line.DUE),)
    await due.to(utc("2026-04-02"))
    await due.log(ADA, "2h")
    await due.to(utc("2026-06-30 20:00"))
    await due.published()
    mine = await due.see(payments.mine, by=due.by(ADA), label=None)
    assert [(one.label, one.amount.amount) for one in mine.open_amounts] == [
        ("2026-Q1", 50_00),
        ("2026-Q2", 10_00),
    ]
    await pay(due, "0x1", label="2026-Q1")
    mine = await due.see(payments.mine, by=due.by(ADA), label="2026-Q1")
    assert (mine.state, mine.reference, mine.open_amounts) == (Line.PAID, "0x1", ())
    mine = await due.see(payments.mine, by=due.by(ADA), label=None)
    assert [amount.label for amount in mine.open_amounts] == ["2026-Q2"]


async def test_ones_own_adjustments_come_with_the_line(due: World) -> None:
    mine = await due.see(payments.mine, by=due.by(CYD), label="2026-Q1")
    assert [(change.amount, change.reason) for change in mine.changes] == [
        (5_00, "logged elsewhere"),
        (-5_00, "logged elsewhere"),
    ]
    assert (await due.see(payments.mine, by=due.by(ADA), label="2026-Q1")).changes == ()


async def test_somebody_without_a_line_is_told_so(due: World) -> None:
    mine = await due.see(payments.mine, by=due.by(SAM), label=None)
    assert (mine.line, mine.state, mine.open_amounts) == (None, None, ())
    assert not mine.is_helper
    assert (await due.see(payments.mine, by=due.by(CYD), label=None)).is_helper


# ---------------------------------------------------------------- repetition, other servers


async def test_the_same_interaction_does_nothing_a_second_time(due: World) -> None:
    for who, verb, data in (
        (KIM, payments.record, {"reference": "0x1"}),
        (KIM, payments.correct, {"reference": "0x1", "reason": "x"}),
        (LEE, payments.confirm, {"number": 1}),
    ):
        by = due.by(who)
        await due.act(verb, by, **data)
        before = await due.record()
        with pytest.raises(Repeated):
            await due.act(verb, by, **data)
        assert await due.record() == before


async def test_payments_of_another_server_are_neither_seen_nor_changed(due: World) -> None:
    await pay(due, "0x1", user_id=ADA.user_id)
    proposal = await due.do(payments.correct, KIM, reference="0x1", reason="x")
    other = due.elsewhere()
    await other.set_up()
    for label in (None, "2026-Q1"):
        assert "No statement" in await other.refused(
            payments.record, LEE, reference="0x2", label=label
        )
        with pytest.raises(Refusal, match="No statement"):
            await other.see(payments.mine, by=other.by(ADA), label=label)
    assert "No payment is recorded" in await other.refused(
        payments.correct, LEE, reference="0x1", reason="x"
    )
    assert "There is no such proposal" in await other.refused(
        payments.confirm, LEE, number=proposal.number
    )
    assert await other.see(payments.references, other.guild_id) == []
    assert (await due.states("2026-Q1"))[ADA.user_id] is Line.PAID


async def test_a_reference_of_two_rounds_is_corrected_round_by_round(due: World) -> None:
    await pay(due, "0xAB", user_id=ADA.user_id)
    await due.to(utc("2026-04-02"))
    await due.log(BEN, "2h")
    await due.to(utc("2026-06-30 20:00"))
    await due.published()
    await pay(due, "0xab", user_id=BEN.user_id, label="2026-Q2")
    taken = await take_back(due, "0xaB")
    assert (taken.label, taken.user_ids) == ("2026-Q2", (BEN.user_id,))
    assert (await due.states("2026-Q1"))[ADA.user_id] is Line.PAID
    assert (await due.states("2026-Q2"))[BEN.user_id] is Line.DUE
    assert (await take_back(due, "0xab")).label == "2026-Q1"


async def test_a_clock_that_was_set_back_keeps_no_payment_from_being_taken_back(due: World) -> None:
    await pay(due, "0x1", user_id=ADA.user_id)
    due.now -= MINUTE
    assert (await take_back(due, "0x1")).user_ids == (ADA.user_id,)
