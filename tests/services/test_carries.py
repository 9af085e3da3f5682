"""Amounts that move to another round: where they go, and what takes them back."""

from __future__ import annotations

import pytest

from bot.services import disputes, payments, roster, rounds, settings, settlement
from storage import carries as stored
from storage import rounds as stored_rounds
from storage.tables import Carry, Round
from tests.services.world import ADA, BEN, KIM, LEE, ROOT, SAM, VAL, World, utc

SECOND_DRAFT = utc("2026-06-30 20:00")
THIRD_DRAFT = utc("2026-09-30 20:00")


async def owing(world: World, amount: str = "20.00") -> None:
    """Let Ada be paid 50.00 in the first round, and a dispute find that it should be less."""
    await world.published()
    await world.do(payments.record, KIM, reference="0x1")
    await world.do(disputes.submit, SAM, reason="too much", user_id=ADA.user_id)
    await world.do(
        disputes.resolve, KIM, number="1", outcome="modify", reason="checked", amount=amount
    )


async def where(world: World) -> list[tuple[int, str, int]]:
    """Return each carry with helper, the label of its round (or nothing), and amount."""
    labels = {round_.id: round_.label for round_ in await every(world)}
    found: list[Carry] = []
    for round_ in await every(world):
        found += await world.see(stored.out_of, round_.id)
    found.sort(key=lambda row: row.number)
    return [
        (row.user_id, labels[row.to_round_id] if row.to_round_id else "", row.amount)
        for row in found
    ]


async def every(world: World) -> list[Round]:
    return list(await world.see(stored_rounds.of_server, world.guild_id))


def sums(rows: list[tuple[int, str, int]]) -> dict[tuple[int, str], int]:
    """Return what each helper has in each place, without what comes to nothing."""
    found: dict[tuple[int, str], int] = {}
    for user_id, label, amount in rows:
        found[user_id, label] = found.get((user_id, label), 0) + amount
    return {place: amount for place, amount in found.items() if amount}


async def test_what_a_line_cannot_take_up_goes_on_until_it_is_paid_off(waiting: World) -> None:
    await owing(waiting)
    assert await where(waiting) == [(ADA.user_id, "2026-Q2", -30_00)]
    await waiting.log(ADA, "1h")
    await waiting.to(SECOND_DRAFT)
    assert await waiting.amounts() == {ADA.user_id: 0}
    await waiting.published()
    assert (await where(waiting))[1:] == [(ADA.user_id, "2026-Q3", -25_00)]
    # A quarter without hours: the line shows the carry alone, and it goes on.
    await waiting.to(THIRD_DRAFT)
    third = await waiting.published()
    (line,) = third.statement.lines
    assert (line.user_id, line.minutes, line.amount, line.carry_left) == (ADA.user_id, 0, 0, -25_00)
    assert (await where(waiting))[2:] == [(ADA.user_id, "2026-Q4", -25_00)]


async def test_a_carry_into_a_draft_voids_its_approvals(waiting: World) -> None:
    await waiting.published()
    await waiting.do(payments.record, KIM, reference="0x1")
    await waiting.log(ADA, "10h")
    await waiting.to(SECOND_DRAFT)
    # In time when it was pressed, though it arrives now.
    by = waiting.by(SAM, at=utc("2026-04-10"))
    await waiting.act(disputes.submit, by, reason="late", user_id=ADA.user_id, label="2026-Q1")
    await waiting.do(settlement.approve, KIM)
    decided = await waiting.do(
        disputes.resolve, KIM, number="1", outcome="modify", reason="x", amount="40.00"
    )
    assert decided.carried_to == "2026-Q2"
    assert "The draft has changed since it was approved" in await waiting.refused(
        settlement.publish, LEE
    )
    await waiting.published()
    assert (await waiting.states("2026-Q2"))[ADA.user_id] == "due"
    await waiting.do(payments.record, KIM, reference="0x2")


async def test_a_waived_line_passes_its_carry_on_whole(waiting: World) -> None:
    await owing(waiting, "80.00")
    await waiting.do(roster.pay, ADA, wanted=False)
    await waiting.log(ADA, "1h")
    await waiting.to(SECOND_DRAFT)
    second = await waiting.published()
    (line,) = second.statement.lines
    assert (line.waived, line.amount, line.carry_left) == (True, 0, 30_00)
    await waiting.do(roster.pay, ADA, wanted=True)
    await waiting.to(THIRD_DRAFT)
    assert await waiting.amounts() == {ADA.user_id: 30_00}


async def test_a_correction_carries_only_the_difference(waiting: World) -> None:
    await owing(waiting)
    await waiting.log(ADA, "1h")
    await waiting.to(SECOND_DRAFT)
    await waiting.published()
    for amount, rest in (("5.00", -20_00), ("-8.00", -28_00), ("30.00", 0)):
        await waiting.do(
            settlement.adjust,
            KIM,
            person=ADA.person,
            reason="more",
            amount=amount,
            label="2026-Q2",
        )
        await waiting.published(VAL)
        left = sums(await where(waiting)).get((ADA.user_id, "2026-Q3"), 0)
        assert left == rest
    assert await waiting.states("2026-Q2") == {ADA.user_id: "due"}


async def test_a_correction_after_the_next_round_was_published_goes_to_the_one_after(
    waiting: World,
) -> None:
    await owing(waiting)
    await waiting.log(BEN, "1h")  # stays due, so that the round is not settled
    await waiting.log(ADA, "1h")
    await waiting.to(SECOND_DRAFT)
    await waiting.published()
    await waiting.log(ADA, "1h")
    await waiting.to(THIRD_DRAFT)
    await waiting.published()
    await waiting.do(
        settlement.adjust, KIM, person=ADA.person, reason="x", amount="-2.00", label="2026-Q2"
    )
    await waiting.published(VAL)
    assert sums(await where(waiting)) == {
        (ADA.user_id, "2026-Q2"): -30_00,
        (ADA.user_id, "2026-Q3"): -25_00,
        (ADA.user_id, "2026-Q4"): -20_00 - 2_00,
    }


@pytest.mark.parametrize(
    ("changed", "back"),
    (({"currency": "EUR"}, {"currency": "USD"}), ({"decimals": "3"}, {"decimals": "2"})),
)
async def test_a_carry_waits_for_a_round_of_its_currency(
    waiting: World, changed: dict[str, str], back: dict[str, str]
) -> None:
    await waiting.do(settings.change, ROOT, values=changed)
    await waiting.to(SECOND_DRAFT)  # 2026-Q2 still has the old settings, 2026-Q3 the new
    await waiting.published()
    await waiting.do(payments.record, KIM, reference="0x1")
    await waiting.do(settlement.approve, KIM)
    await waiting.do(settlement.publish, KIM)
    await waiting.do(disputes.submit, SAM, reason="x", user_id=ADA.user_id, label="2026-Q1")
    decided = await waiting.do(
        disputes.resolve, KIM, number="1", outcome="modify", reason="x", amount="45.00"
    )
    assert decided.carried_to == ""
    assert await where(waiting) == [(ADA.user_id, "", -5_00)]
    await waiting.do(settings.change, ROOT, values=back)
    await waiting.close()
    assert await where(waiting) == [(ADA.user_id, "2026-Q4", -5_00)]
    assert "carry.moved" in await waiting.actions()


async def test_a_carry_that_fits_no_open_round_goes_on_waiting(waiting: World) -> None:
    await waiting.do(settings.change, ROOT, values={"currency": "EUR"})
    await waiting.close()  # 2026-Q2 was opened before the change
    await waiting.to(SECOND_DRAFT)
    await waiting.published()
    await waiting.do(payments.record, KIM, reference="0x1")
    await waiting.do(settlement.approve, KIM)
    await waiting.do(settlement.publish, KIM)
    await waiting.do(disputes.submit, SAM, reason="x", user_id=ADA.user_id, label="2026-Q1")
    await waiting.do(disputes.resolve, KIM, number="1", outcome="void", reason="x")
    await waiting.close()
    assert await where(waiting) == [(ADA.user_id, "", -50_00)]


async def test_voiding_a_round_lets_its_carries_move_on(waiting: World) -> None:
    await owing(waiting)
    await waiting.void("2026-Q2")
    assert await where(waiting) == [(ADA.user_id, "", -30_00)]
    await waiting.do(rounds.open_by_hand, KIM)
    assert await where(waiting) == [(ADA.user_id, "2026-Q2", -30_00)]
    assert (await every(waiting))[-1].state == "open"
    await waiting.to(SECOND_DRAFT)
    await waiting.published()


async def test_voiding_a_published_round_takes_back_what_came_out_of_it(waiting: World) -> None:
    await owing(waiting)
    await waiting.log(ADA, "1h")
    await waiting.to(SECOND_DRAFT)
    await waiting.published()
    await waiting.void("2026-Q2")
    # What was in it is in the open round now, what it passed on is taken back there.
    assert sums(await where(waiting)) == {(ADA.user_id, "2026-Q3"): -30_00}


async def test_what_a_published_round_took_up_is_taken_back_in_the_next_one(
    waiting: World,
) -> None:
    await owing(waiting)
    await waiting.log(BEN, "1h")  # stays due, so that the round is not settled
    await waiting.log(ADA, "1h")
    await waiting.to(SECOND_DRAFT)
    await waiting.published()
    await waiting.log(ADA, "1h")
    await waiting.to(THIRD_DRAFT)
    await waiting.published()
    before = await waiting.document("2026-Q3")
    await waiting.void("2026-Q2")
    assert sums(await where(waiting)) == {
        (ADA.user_id, "2026-Q3"): -25_00,
        # -20.00 left of 2026-Q3, -30.00 back from 2026-Q2, +25.00 that 2026-Q3 took up already.
        (ADA.user_id, "2026-Q4"): -25_00,
    }
    assert (await waiting.document("2026-Q3"))["inputs"] == before["inputs"]


async def test_reopening_a_round_takes_over_the_carries_of_the_one_that_is_voided(
    season: World,
) -> None:
    await season.drafted()
    await owing(season)
    await season.close()
    assert (await where(season)) == [(ADA.user_id, "2026-Q2", -30_00)]
    assert await season.all_rounds() == [
        ("2026-Q1", "published"),
        ("2026-Q2", "review"),
        ("2026-Q3", "open"),
    ]
    await season.do(rounds.reopen, KIM, reason="too early")
    assert await where(season) == [(ADA.user_id, "2026-Q2", -30_00)]
    await season.to(SECOND_DRAFT)
    await season.published()
    assert sums(await where(season))[ADA.user_id, "2026-Q3"] == -30_00


async def test_a_reopened_round_gets_what_waited_for_it(waiting: World) -> None:
    await waiting.do(settings.change, ROOT, values={"currency": "EUR"})
    await waiting.close()  # 2026-Q2 (USD) is in review, 2026-Q3 (EUR) is open
    await waiting.published()
    await waiting.do(payments.record, KIM, reference="0x1")
    await waiting.do(disputes.submit, SAM, reason="x", user_id=ADA.user_id)
    decided = await waiting.do(disputes.resolve, KIM, number="1", outcome="void", reason="x")
    assert decided.carried_to == "2026-Q2"
    await waiting.void("2026-Q2")
    assert await where(waiting) == [(ADA.user_id, "", -50_00)]


async def test_a_carry_shows_in_the_draft_that_waits(waiting: World) -> None:
    await owing(waiting)
    await waiting.log(ADA, "1h")
    await waiting.to(SECOND_DRAFT)
    draft = await waiting.see(settlement.preview, by=waiting.by(KIM), label=None)
    (line,) = draft.statement.lines
    assert (line.carry, line.carry_left) == (-30_00, -25_00)
    bundle = await waiting.document("2026-Q1")
    assert any(row["action"] == "dispute.resolved" for row in bundle["record"]["rows"])
