"""Batches: one open list a round, in any format, paid or given up, never paid twice."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest

from bot.domain.errors import Refusal, Repeated
from bot.domain.states import Line
from bot.services import (
    addresses,
    batches,
    checksums,
    history,
    hours,
    payments,
    roster,
    rounds,
    settings,
    settlement,
    suspensions,
)
from storage import rounds as stored_rounds
from storage import wallets
from storage.express import Through
from storage.tables import Address, Entry
from tests.services.world import (
    ADA,
    BEN,
    COMPUTE,
    CYD,
    DAY,
    HOUR,
    KIM,
    LEE,
    MINUTE,
    MOE,
    ROOT,
    SAM,
    Who,
    World,
    twice_at_once,
)

ADDRESSES = {
    ADA: "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    BEN: "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    CYD: "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
}
TOKEN = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"
GENERIC = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
POLKADOT = "15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5"
FORMATS = ("safe-csv", "safe-json", "disperse")


async def with_addresses(world: World, *people: Who) -> None:
    for who in people:
        await world.do(addresses.set_own, who, address=ADDRESSES[who])


@pytest.fixture
async def due(season: World) -> World:
    """Return a server with a published round: Ada 50.00, Ben 20.00, Cyd 10.00 without address."""
    await with_addresses(season, ADA, BEN)
    await season.drafted({ADA: 600, BEN: 240, CYD: 120})
    await season.published()
    return season


async def export(world: World, file_format: str = "safe-csv", who: Who = KIM) -> batches.Handed:
    return await world.do(batches.export, who, file_format=file_format)


async def pay(world: World, reference: str = "0x1", **data: object) -> payments.Recorded:
    return await world.do(payments.record, KIM, reference=reference, **data)


async def hold(world: World, who: Who) -> None:
    """Suspend somebody, whose lines are held then."""
    async with world.db.write() as session:
        await suspensions.begin(
            session,
            guild_id=world.guild_id,
            user_id=who.user_id,
            at=world.now,
            actor=LEE.user_id,
            reason="asked",
        )


async def state(world: World, number: int) -> str:
    batch = await world.see(wallets.numbered, world.guild_id, number)
    assert batch is not None
    return batch.state


def paid_to(batch: batches.Handed) -> dict[str, str]:
    rows = csv.DictReader(io.StringIO(batch.files[0].content.decode()))
    return {row["receiver"]: row["amount"] for row in rows}


# ---------------------------------------------------------------- export


async def test_a_batch_has_who_is_due_and_has_an_address_and_lists_the_others(due: World) -> None:
    batch = await export(due)
    assert (batch.label, batch.number, batch.version, batch.is_new) == ("2026-Q1", 1, 1, True)
    assert paid_to(batch) == {ADDRESSES[ADA]: "50.00", ADDRESSES[BEN]: "20.00"}
    assert [(file.rows, file.total) for file in batch.files] == [(2, "70.00")]
    assert (batch.total.amount, batch.total.currency) == (70_00, "USD")
    assert batch.left == batches.LeftOut(no_address=(CYD.user_id,))
    row = (await due.record())[-1]
    assert (row.action, row.subject) == ("batch.opened", "batch:1")
    assert row.data == {"version": 1, "items": 2, "total": "70.00", "round": "2026-Q1"}
    (post,) = await due.posts("batch")
    assert json.loads(post.facts) == {"number": 1}
    shown = await due.see(batches.shown, due.guild_id, 1)
    assert (shown.state, shown.users, shown.opened_by) == ("open", (11, 12), KIM.user_id)


async def test_any_format_gives_the_same_batch_with_the_same_bytes(due: World) -> None:
    first = [await export(due, name) for name in FORMATS]
    due.now += DAY
    again = [await export(due, name, LEE) for name in FORMATS]
    assert {batch.number for batch in (*first, *again)} == {1}
    assert [batch.is_new for batch in first] == [True, False, False]
    assert [batch.files for batch in again] == [batch.files for batch in first]
    assert {batch.total for batch in (*first, *again)} == {first[0].total}
    created = json.loads(first[1].files[0].content)["createdAt"]
    assert created == int(COMPUTE.timestamp() * 1000)
    assert (await due.actions()).count("batch.opened") == 1


async def test_two_exports_at_once_are_one_batch(due: World) -> None:
    results = await twice_at_once(
        lambda: export(due, "safe-csv"), lambda: export(due, "safe-json", LEE)
    )
    found = [result for result in results if isinstance(result, batches.Handed)]
    assert [batch.number for batch in found] == [1, 1]
    assert sorted(batch.is_new for batch in found) == [False, True]


async def test_the_same_press_twice_opens_one_batch(due: World) -> None:
    by = due.by(KIM)
    await due.act(batches.export, by, file_format="safe-csv")
    with pytest.raises(Repeated):
        await due.act(batches.export, by, file_format="safe-csv")


@pytest.mark.parametrize("who", (ADA, MOE, ROOT, SAM))
async def test_batches_are_for_the_committee(due: World, who: Who) -> None:
    for verb, data in (
        (batches.export, {"file_format": "safe-csv"}),
        (batches.cancel, {"batch": "1", "reason": "x"}),
        (payments.record, {"reference": "0x1", "batch": "1"}),
    ):
        assert "for the committee" in await due.refused(verb, who, **data)


async def test_a_round_without_lines_has_nothing_to_hand_over(season: World) -> None:
    await season.to(COMPUTE)
    await season.published()
    assert "No line of 2026-Q1 is due" in await season.refused(
        batches.export, KIM, file_format="safe-csv"
    )


async def test_where_nobody_can_be_paid_by_a_file_everybody_is_listed(waiting: World) -> None:
    await waiting.published()
    words = await waiting.refused(batches.export, KIM, file_format="disperse")
    assert "- no address yet (`/address set`): <@11>, <@12>" in words
    await with_addresses(waiting, ADA)
    words = await waiting.refused(batches.export, KIM, file_format="disperse")
    assert "- no address yet (`/address set`): <@12>" in words
    assert "- address set less than 24 hours ago: <@11>" in words
    waiting.now += DAY
    assert paid_to(await export(waiting)) == {ADDRESSES[ADA]: "50.00"}


async def test_who_set_an_address_too_lately_is_listed_with_the_time(due: World) -> None:
    await with_addresses(due, CYD)
    left = (await export(due)).left
    assert left.address_waits == ((CYD.user_id, COMPUTE + DAY),)
    assert left.no_address == ()


async def test_who_is_due_later_waits_for_the_next_batch(due: World) -> None:
    await export(due)
    await with_addresses(due, CYD)
    due.now += DAY
    again = await export(due)
    assert (again.files[0].rows, again.left.later) == (2, (CYD.user_id,))
    await pay(due, batch="1")
    following = await export(due)
    assert (following.number, paid_to(following)) == (2, {ADDRESSES[CYD]: "10.00"})


async def crowd(world: World, count: int) -> None:
    """Let many people have hours and an address; one by one it would take minutes."""
    round_id = (await world.round("2026-Q1")).id
    async with world.db.write() as session:
        round_ = await stored_rounds.get(session, round_id)
        for number in range(1, count + 1):
            entry = Entry(
                guild_id=world.guild_id, number=number, round_id=round_id, user_id=10_000 + number,
                actor_id=10_000 + number, minutes=60 + number, note="helped", category="other",
                evidence="", at=world.now,
            )  # fmt: skip
            address = f"0x{0xABCDEF0000 + number:040x}"
            session.add(entry)
            session.add(
                Address(
                    guild_id=world.guild_id, user_id=entry.user_id, kind="evm",
                    address=checksums.checksummed(address), public_key=address[2:],
                    set_at=world.now,
                )
            )  # fmt: skip
            await history.append(
                session,
                guild_id=world.guild_id,
                at=world.now,
                action="entry.logged",
                subject=f"entry:{number}",
                data={"user_id": str(entry.user_id), "minutes": entry.minutes},
                concerning=round_,
            )


async def test_1200_lines_are_three_files_of_a_safe(town: World) -> None:
    await town.do(settings.change, ROOT, values={"cap": "100,000.00"})
    await town.do(rounds.open_by_hand, KIM)
    await crowd(town, 1200)
    await town.to(COMPUTE)
    await town.published()
    batch = await export(town)
    assert [file.rows for file in batch.files] == [499, 499, 202]
    whole = sum((await town.amounts("2026-Q1")).values())
    assert sum(int(file.total.replace(".", "")) for file in batch.files) == whole
    assert batch.total.amount == whole
    in_json = await export(town, "safe-json")
    assert [file.total for file in in_json.files] == [file.total for file in batch.files]
    (one,) = (await export(town, "disperse")).files
    assert one.rows == 1200
    recorded = await pay(town, batch="1")
    assert (len(recorded.user_ids), recorded.still_due, recorded.is_batch_closed) == (1200, 0, True)


async def test_a_format_of_another_network_is_refused_and_nothing_opened(due: World) -> None:
    assert "What fits: `safe-csv`, `safe-json`, `disperse`" in await due.refused(
        batches.export, KIM, file_format="mimir"
    )
    assert await due.see(wallets.open_of_server, due.guild_id) == []


async def test_a_round_of_another_network_is_paid_there_by_mimir(server: World) -> None:
    await server.opened(network="polkadot", asset_id="1984", token_decimals="10")
    await server.do(addresses.set_own, ADA, address=GENERIC)
    await server.drafted()
    await server.published()
    assert "What fits: `mimir`" in await server.refused(
        batches.export, KIM, file_format="safe-json"
    )
    (file,) = (await export(server, "mimir")).files
    assert file.content.decode() == f"{POLKADOT},1984,50.00\n"


async def test_the_policy_of_the_round_decides_what_is_paid(server: World) -> None:
    await server.opened(token_address=TOKEN.lower(), token_decimals="6", chain_id="100")
    await with_addresses(server, ADA)
    await server.do(settings.change, ROOT, values={"token_address": "-", "chain_id": "5"})
    await server.drafted()
    await server.published()
    content = json.loads((await export(server, "safe-json")).files[0].content)
    assert (content["chainId"], content["meta"]["createdFromSafeAddress"]) == ("100", "")
    (transaction,) = content["transactions"]
    assert transaction["to"] == TOKEN
    assert transaction["contractInputsValues"] == {"to": ADDRESSES[ADA], "value": "50000000"}


async def test_the_payment_currency_is_what_files_and_totals_count(server: World) -> None:
    await server.opened(pay_currency="RPL", pay_step="1", token_decimals="0")
    await with_addresses(server, ADA, BEN, CYD)
    await server.drafted({ADA: 600, BEN: 240, CYD: 1})
    await server.do(settlement.set_price, KIM, price="18.27", source="the exchange")
    await server.published(LEE)
    batch = await export(server)
    assert paid_to(batch) == {ADDRESSES[ADA]: "3", ADDRESSES[BEN]: "1"}
    assert (batch.total.amount, batch.total.currency, batch.total.decimals) == (4, "RPL", 0)
    assert batch.left == batches.LeftOut(too_small=(CYD.user_id,))


async def test_what_the_token_cannot_express_is_refused_and_nothing_opened(server: World) -> None:
    await server.opened(token_decimals="0")
    await with_addresses(server, ADA)
    await server.drafted({ADA: 601})
    await server.published()
    assert "more decimals than the token (0" in await server.refused(
        batches.export, KIM, file_format="disperse"
    )
    assert await server.see(wallets.open_of_server, server.guild_id) == []


async def test_payment_is_due_as_the_policy_says(server: World) -> None:
    await server.opened(pay_after="disputes")
    await with_addresses(server, ADA)
    await server.drafted()
    published = await server.published()
    assert (await export(server)).due_at == published.dispute_until == published.pay_due_at


async def test_before_anything_is_published_nothing_is_handed_over(waiting: World) -> None:
    assert "No statement has been published" in await waiting.refused(
        batches.export, KIM, file_format="safe-csv"
    )


# ---------------------------------------------------------------- what is not payable any more


async def test_a_held_line_stays_out_and_stops_an_open_batch(due: World) -> None:
    await hold(due, BEN)
    batch = await export(due)
    assert (paid_to(batch), batch.left.held) == ({ADDRESSES[ADA]: "50.00"}, (BEN.user_id,))
    await hold(due, ADA)
    words = await due.refused(batches.export, KIM, file_format="safe-json")
    assert "Batch 1 of 2026-Q1 is open and not all of it is to be paid any more: <@11> is held" in (
        words
    )
    assert "`/payout cancel batch:1` gives it up" in words


async def test_a_payment_for_a_held_line_is_not_recorded(due: World) -> None:
    await export(due)
    await hold(due, BEN)
    assert "<@12> is held" in await due.refused(
        payments.record, KIM, reference="0x1", user_id=BEN.user_id
    )
    recorded = await pay(due, batch="1")
    assert recorded.user_ids == (ADA.user_id,)
    assert (recorded.is_batch_closed, recorded.left_in_batch) == (
        False,
        ((BEN.user_id, Line.HELD),),
    )
    assert await state(due, 1) == "open"
    assert "What is not recorded is held" in await due.refused(
        payments.record, KIM, reference="0x2", batch="1"
    )
    assert (await due.states("2026-Q1"))[BEN.user_id] is Line.HELD
    assert "<@11> is recorded as paid, <@12> is held" in await due.refused(
        batches.export, KIM, file_format="safe-csv"
    )


async def test_a_line_that_declined_stops_an_open_batch_and_does_not_keep_it_open(
    due: World,
) -> None:
    await export(due)
    await due.do(roster.pay, BEN, wanted=False)
    assert "<@12> is waived" in await due.refused(batches.export, KIM, file_format="safe-csv")
    assert (await pay(due, batch="1")).is_batch_closed
    assert await state(due, 1) == "paid"


async def test_a_line_under_correction_stays_out_and_stops_an_open_batch(due: World) -> None:
    await export(due)
    await due.do(
        settlement.adjust, KIM, person=ADA.person, reason="late", amount="1", label="2026-Q1"
    )
    assert "<@11> is being corrected" in await due.refused(
        batches.export, KIM, file_format="safe-csv"
    )
    await due.do(batches.cancel, KIM, batch="1", reason="corrected")
    batch = await export(due)
    assert paid_to(batch) == {ADDRESSES[BEN]: "20.00"}
    assert batch.left.changing == (ADA.user_id,)


async def test_nothing_but_lines_under_correction_is_nothing_to_hand_over(due: World) -> None:
    await pay(due, user_id=BEN.user_id)
    await pay(due, user_id=CYD.user_id)
    await due.do(
        settlement.adjust, KIM, person=ADA.person, reason="late", amount="1", label="2026-Q1"
    )
    assert "- being corrected: <@11>" in await due.refused(
        batches.export, KIM, file_format="safe-csv"
    )


async def test_an_address_that_was_taken_away_stops_an_open_batch(due: World) -> None:
    await with_addresses(due, CYD)
    due.now += DAY
    await export(due)
    await due.do(addresses.clear_own, ADA)  # the one of the close stays
    assert (await export(due)).number == 1
    await due.do(addresses.clear_own, CYD)
    assert "<@13> has another address or amount now" in await due.refused(
        batches.export, KIM, file_format="safe-csv"
    )


async def test_long_lists_are_counted(season: World) -> None:
    crowd = [Who(1000 + number, f"Helper {number}") for number in range(12)]
    async with season.db.write() as session:
        for who in crowd:
            await roster.add(session, by=season.by(MOE), person=who.person)
            await hours.log(Through(session), by=season.by(who), duration="1h", note="helped")
    await season.to(COMPUTE)
    await season.published()
    words = await season.refused(batches.export, KIM, file_format="safe-csv")
    assert "<@1009> and 2 more" in words
    async with season.db.write() as session:
        for number, who in enumerate(crowd):
            address = f"0x{0xABCDEF0000 + number:040x}"
            await addresses.set_own(session, by=season.by(who), address=address)
    season.now += DAY
    assert (await export(season)).files[0].rows == 12
    async with season.db.write() as session:
        for who in crowd:
            await addresses.clear_own(session, by=season.by(who))
    words = await season.refused(batches.export, KIM, file_format="safe-csv")
    assert "<@1009> has another address or amount now and 2 more. If it was sent" in words


async def test_a_published_correction_cancels_the_batch_with_a_line_that_changed(
    due: World,
) -> None:
    await export(due)
    round_ = await due.round("2026-Q1")
    async with due.db.write() as session:
        stored = await stored_rounds.get(session, round_.id)
        assert stored is not None
        by = due.by(LEE)
        assert await batches.cancel_changed(session, stored, {CYD.user_id}, by=by) is None
        assert await batches.cancel_changed(session, stored, {ADA.user_id}, by=by) == 1
        assert await batches.cancel_changed(session, stored, {ADA.user_id}, by=by) is None
    assert await state(due, 1) == "cancelled"
    assert (await due.actions())[-1] == "batch.cancelled"


async def test_a_correction_publishes_over_an_open_batch(due: World) -> None:
    await export(due)
    await due.do(
        settlement.adjust, KIM, person=ADA.person, reason="late", amount="1", label="2026-Q1"
    )
    await due.published(LEE)
    assert await state(due, 1) == "cancelled"
    batch = await export(due)
    assert (batch.number, batch.version) == (2, 2)
    assert paid_to(batch) == {ADDRESSES[ADA]: "51.00", ADDRESSES[BEN]: "20.00"}


# ---------------------------------------------------------------- paid


async def test_a_batch_is_recorded_as_a_whole(due: World) -> None:
    await export(due)
    due.now += HOUR
    recorded = await pay(due, batch=" #1 ")
    assert (recorded.user_ids, recorded.batch) == ((ADA.user_id, BEN.user_id), 1)
    assert (recorded.is_batch_closed, recorded.left_in_batch) == (True, ())
    assert recorded.still_due == 1
    assert await state(due, 1) == "paid"
    row = (await due.record())[-1]
    assert (row.action, row.subject) == ("batch.paid", "batch:1")
    (post,) = await due.posts("batch")
    assert post.revision == 1
    assert "Batch 1 is paid" in await due.refused(payments.record, KIM, reference="0x2", batch="1")


async def test_a_line_of_an_open_batch_is_not_recorded_by_itself(due: World) -> None:
    await export(due)
    words = await due.refused(payments.record, KIM, reference="0x1", user_id=ADA.user_id)
    assert "<@11> is in batch 1 of 2026-Q1, which is open" in words
    await pay(due, user_id=CYD.user_id)


async def test_recording_every_line_pays_the_batch_too(due: World) -> None:
    await export(due)
    recorded = await pay(due)
    assert (len(recorded.user_ids), recorded.batch, recorded.is_batch_closed) == (3, 1, True)
    assert await state(due, 1) == "paid"


async def test_a_batch_and_a_helper_or_another_round_do_not_go_together(due: World) -> None:
    await export(due)
    assert "not both" in await due.refused(
        payments.record, KIM, reference="0x1", batch="1", user_id=ADA.user_id
    )
    assert "Batch 1 belongs to 2026-Q1" in await due.refused(
        payments.record, KIM, reference="0x1", batch="1", label="2026-Q2"
    )
    assert (await pay(due, batch="1", label="2026-q1")).batch == 1


async def test_a_batch_whose_lines_are_all_being_corrected_is_not_recorded(due: World) -> None:
    await export(due)
    for who in (ADA, BEN):
        await due.do(
            settlement.adjust, KIM, person=who.person, reason="late", amount="1", label="2026-Q1"
        )
    assert "Nothing of this batch is due. A correction of the rest is under way." in (
        await due.refused(payments.record, KIM, reference="0x1", batch="1")
    )


async def test_payments_taken_back_are_due_again_and_the_batch_stays_paid(due: World) -> None:
    await export(due)
    await pay(due, batch="1")
    for who in (KIM, LEE):
        await due.do(payments.correct, who, reference="0x1", reason="wrong wallet")
    assert (await due.states("2026-Q1"))[ADA.user_id] is Line.DUE
    assert await state(due, 1) == "paid"
    again = await export(due)
    assert (again.number, again.files[0].rows) == (2, 2)


async def test_paying_a_batch_twice_at_once_pays_once(due: World) -> None:
    await export(due)
    results = await twice_at_once(
        lambda: pay(due, "0x1", batch="1"), lambda: pay(due, "0x2", batch="1")
    )
    assert sorted(type(result).__name__ for result in results) == ["Recorded", "Refusal"]
    assert (await due.actions()).count("payment.recorded") == 2


# ---------------------------------------------------------------- given up


async def test_a_batch_that_is_given_up_makes_room_for_another(due: World) -> None:
    await export(due)
    due.now += MINUTE
    shown = await due.do(batches.cancel, LEE, batch="1", reason="wrong chain")
    assert (shown.number, shown.state, shown.users) == (1, "cancelled", (11, 12))
    row = (await due.record())[-1]
    assert (row.action, row.actor) == ("batch.cancelled", "22")
    assert "reason_digest" in row.data
    again = await export(due)
    assert (again.number, again.is_new) == (2, True)


async def test_only_an_open_batch_is_given_up(due: World) -> None:
    assert "None is open: `/payout export`" in await due.refused(
        batches.cancel, KIM, batch="1", reason="x"
    )
    await export(due)
    for number in ("", "2", "one", "-1", "1.0", "9" * 20):
        words = await due.refused(batches.cancel, KIM, batch=number, reason="x")
        assert words == "There is no such batch here. Open: 1 (2026-Q1)."
    assert "Give a `reason`" in await due.refused(batches.cancel, KIM, batch="1", reason=" ")
    assert "Give a `reason`" in await due.refused(batches.cancel, KIM, batch="1", reason="x" * 1001)
    await due.do(batches.cancel, KIM, batch="1", reason="x")
    assert "Batch 1 is cancelled." in await due.refused(batches.cancel, KIM, batch="1", reason="x")


async def test_a_round_with_an_open_batch_is_not_voided(due: World) -> None:
    await export(due)
    with pytest.raises(Refusal, match="`/payout cancel batch:1`"):
        await due.void("2026-Q1")
    await due.do(batches.cancel, KIM, batch="1", reason="x")
    await due.void("2026-Q1")


async def test_batches_of_another_server_are_neither_seen_nor_changed(due: World) -> None:
    await export(due)
    other = due.elsewhere()
    await other.set_up()
    assert "There is no such batch here" in await other.refused(
        batches.cancel, KIM, batch="1", reason="x"
    )
    assert "There is no such batch here" in await other.refused(
        payments.record, KIM, reference="0x1", batch="1"
    )
    assert await other.see(batches.open_numbers, other.guild_id) == []
    assert await due.see(batches.open_numbers, due.guild_id) == [("1", "1 (2026-Q1)")]
    assert replace(other, guild_id=due.guild_id).guild_id == due.guild_id
