"""The tip jar: recording, matching, correcting, frozen at the close, moving on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date

import pytest

from bot.domain import bundle
from bot.domain.canonical import sha256
from bot.domain.errors import Refusal, Repeated
from bot.domain.money import LARGEST
from bot.domain.statement import compute
from bot.domain.thanks import Key, Mark, Source
from bot.domain.tipjar import Jar, Match
from bot.services import (
    counting,
    lines,
    payments,
    roster,
    rounds,
    settings,
    settlement,
    tipjar,
    votes,
)
from bot.services import jar as jar_service
from storage import tips as stored
from storage.tables import Round
from tests.services.world import (
    ADA,
    BEN,
    CLOSE,
    COMPUTE,
    CYD,
    DAY,
    KIM,
    LEE,
    MINUTE,
    MOE,
    ROOT,
    SAM,
    Who,
    World,
    twice_at_once,
    utc,
)


async def tip(world: World, amount: str, who: Who = KIM, **data: object) -> tipjar.Changed:
    return await world.do(tipjar.record, who, amount=amount, **data)


async def match(world: World, kind: str, value: str, **data: object) -> tipjar.Changed:
    return await world.do(tipjar.match, KIM, kind=kind, value=value, **data)


async def thank(world: World, label: str, voters: Mapping[Who, int]) -> None:
    """Let as many people thank each of these helpers."""
    round_ = await world.round(label)
    given = {
        Key(helper.user_id, 10**17 + voter, Source.COMMAND, 10**17 + voter): Mark(at=world.now)
        for helper, count in voters.items()
        for voter in range(count)
    }
    async with world.db.write() as session:
        await votes.change(
            session,
            await _attached(session, round_),
            given=given,
            at=world.now,
            action="thanks.given",
        )


async def _attached(session: object, round_: Round) -> Round:
    found = await session.get(Round, round_.id)  # type: ignore[attr-defined]
    assert isinstance(found, Round)
    return found


async def jar_of(world: World, label: str) -> Jar:
    return await world.see(jar_service.of_round, await world.round(label))


async def counted(world: World) -> None:
    """Count the thanks of what was closed by hand."""
    async with world.db.write() as session:
        for round_ in await counting.waiting(session, world.guild_id):
            await counting.count(session, round_, now=world.now)


async def adopt(world: World, label: str) -> None:
    """Let a round take over what nobody can receive; what did it before changes nothing."""
    round_ = await world.round(label)
    async with world.db.write() as session:
        await jar_service.adopt(session, await _attached(session, round_), at=world.now)


def said(change: tipjar.Changed) -> tuple[int, int]:
    return change.jar.tips, change.jar.total


# ---------------------------------------------------------------- recording


async def test_a_tip_is_kept_without_a_person_and_with_its_day(season: World) -> None:
    change = await tip(season, "25.00 USD", reference="  0xABCdef ")
    assert change.tip == tipjar.Tipped(1, 25_00, date(2026, 1, 10), "0xabcdef")
    assert said(change) == (25_00, 25_00)
    assert (change.label, change.close_at, change.currency) == ("2026-Q1", CLOSE, "USD")
    row = await season.see(stored.numbered, season.guild_id, 1)
    assert row is not None
    kept = {column.name: getattr(row, column.name) for column in row.__table__.columns}
    assert KIM.user_id not in kept.values()
    assert set(kept) == {
        "id", "guild_id", "number", "round_id", "amount", "day", "reference", "from_round_id",
        "taken_back_at",
    }  # fmt: skip
    last = (await season.record())[-1]
    assert (last.action, last.subject, last.actor) == ("tipjar.recorded", "tip:1", str(KIM.user_id))
    assert last.data["amount"] == "25.00"
    assert "0xabcdef" not in json.dumps(last.as_json())
    assert set(last.data) == {"amount", "day", "reference_digest", "round"}


async def test_the_day_is_that_of_the_servers_zone(town: World) -> None:
    await town.do(settings.change, ROOT, values={"timezone": "Pacific/Auckland"})
    await town.do(rounds.open_by_hand, KIM)
    change = await tip(town, "1")
    assert change.tip is not None
    assert change.tip.day == date(2026, 1, 11)


@pytest.mark.parametrize(
    ("amount", "said"),
    (
        ("0", "above zero like `25.00`"),
        ("0.00 USD", "above zero"),
        ("-5", "Amounts here are above 0"),
        ("\N{MINUS SIGN}5", "Amounts here are above 0"),
        ("+5", "Write an amount like"),
        ("5 EUR", "The currency here is USD."),
        ("NaN", "Write an amount like"),
        ("inf", "Write an amount like"),
        ("1e3", "Write an amount like"),
        ("1,00", "Write an amount like"),
        ("1.001", "two ways"),
        ("1.2345", "at most 2 decimals"),
        ("９", "Write an amount like"),
        ("", "Write an amount like"),
        ("9" * 63, "too large"),
        ("92233720368547758.07", "at most 92,233,720,368,546,758.07 USD can be kept"),
    ),
)
async def test_what_is_no_amount_of_the_rounds_currency_is_refused(
    season: World, amount: str, said: str
) -> None:
    assert said in await season.refused(tipjar.record, KIM, amount=amount)
    assert (await jar_of(season, "2026-Q1")).total == 0


async def test_cap_and_jar_together_can_always_be_kept(season: World) -> None:
    largest = LARGEST - 1000_00
    await tip(season, f"{largest // 100}.{largest % 100:02}")
    assert "too large" in await season.refused(tipjar.record, KIM, amount="0.01")
    assert "too large" in await season.refused(tipjar.match, KIM, kind="lump", value="0.01")
    assert "too large" in await season.refused(tipjar.match, KIM, kind="percent", value="1")
    await thank(season, "2026-Q1", {ADA: 1})
    await season.log(BEN, "1h")
    await season.to(COMPUTE)
    published = await season.published()
    assert published.statement.total == largest + 5_00


async def test_a_match_leaves_room_for_the_tips_that_it_multiplies(season: World) -> None:
    await match(season, "percent", "1000 %")
    eleventh = (LARGEST - 1000_00) // 11 // 100
    assert "too large" in await season.refused(tipjar.record, KIM, amount=str(eleventh + 1))
    await tip(season, str(eleventh))


@pytest.mark.parametrize("reference", (None, "", "   "))
async def test_tips_without_a_reference_are_not_repeats(
    season: World, reference: str | None
) -> None:
    for _ in range(2):
        change = await tip(season, "5", reference=reference)
    assert said(change) == (10_00, 10_00)


async def test_a_reference_is_used_once_and_the_refusal_names_the_tip(season: World) -> None:
    await tip(season, "5", reference="0xAB")
    refusal = await season.refused(tipjar.record, LEE, amount="6", reference="0XaB")
    assert refusal.startswith("Tip #1 of 2026-Q1 has this reference already")
    assert "`reference` is what" in await season.refused(
        tipjar.record, KIM, amount="6", reference="x" * 201
    )
    await season.do(tipjar.correct, KIM, tip="1", reason="typed wrong")
    assert (await tip(season, "6", reference="0xab")).tip is not None
    elsewhere = season.elsewhere()
    await elsewhere.opened()
    await tip(elsewhere, "5", reference="0xab")


async def test_a_reference_stays_used_after_its_round(season: World) -> None:
    await tip(season, "5", reference="0xab")
    await season.to(CLOSE)
    refusal = await season.refused(tipjar.record, KIM, amount="5", reference="0xab")
    assert refusal.startswith("Tip #1 of 2026-Q1 has this reference already")


async def test_the_same_tip_twice_at_once_is_one(season: World) -> None:
    results = await twice_at_once(
        lambda: tip(season, "5", KIM, reference="0x1"),
        lambda: tip(season, "5", LEE, reference="0x1"),
    )
    (refused,) = [result for result in results if isinstance(result, BaseException)]
    assert "has this reference already" in str(refused)
    by = season.by(KIM)
    again = await twice_at_once(
        lambda: season.act(tipjar.record, by, amount="5"),
        lambda: season.act(tipjar.record, by, amount="5"),
    )
    assert [type(result) for result in again if isinstance(result, BaseException)] == [Repeated]
    numbers = await twice_at_once(lambda: tip(season, "5", KIM), lambda: tip(season, "5", LEE))
    assert {
        result.tip.number
        for result in numbers
        if isinstance(result, tipjar.Changed) and result.tip
    } == {
        3, 4
    }  # fmt: skip
    assert (await jar_of(season, "2026-Q1")).total == 20_00


@pytest.mark.parametrize("who", (ADA, MOE, ROOT, SAM), ids=lambda who: who.name)
async def test_only_the_committee_changes_the_jar(season: World, who: Who) -> None:
    await tip(season, "5")
    for verb, data in (
        (tipjar.record, {"amount": "5"}),
        (tipjar.match, {"kind": "percent", "value": "50"}),
        (tipjar.correct, {"tip": "1", "reason": "x"}),
    ):
        assert "This is for the committee" in await season.refused(verb, who, **data)
    assert await season.see(tipjar.choices, by=season.by(who)) == []


async def test_without_an_open_round_there_is_no_jar(town: World) -> None:
    assert "No round is open" in await town.refused(tipjar.record, KIM, amount="5")
    assert "No round is open" in await town.refused(tipjar.match, KIM, kind="lump", value="5")
    assert await town.see(tipjar.choices, by=town.by(KIM)) == []


# ---------------------------------------------------------------- the match


@pytest.mark.parametrize(
    ("kind", "value", "limit", "wanted", "total"),
    (
        ("percent", "50", None, Match("percent", 50_00), 180_00),
        ("Percent ", "50 %", "", Match("percent", 50_00), 180_00),
        ("percent", "12.5%", None, Match("percent", 12_50), 135_00),
        ("percent", "1000 %", None, Match("percent", 1000_00), 1320_00),
        ("percent", "50", "40.00 USD", Match("percent", 50_00, 40_00), 160_00),
        ("lump", "75.50 USD", None, Match("lump", 75_50), 195_50),
    ),
)
async def test_the_funder_adds_a_percentage_or_a_lump_sum(  # noqa: PLR0917
    season: World, kind: str, value: str, limit: str | None, wanted: Match, total: int
) -> None:
    await tip(season, "120")
    change = await match(season, kind, value, limit=limit)
    assert (change.jar.match, change.jar.total, change.tip) == (wanted, total, None)
    last = (await season.record())[-1]
    assert (last.action, last.data["kind"]) == ("tipjar.matched", wanted.kind)


@pytest.mark.parametrize("nothing", ("0", "-", " - ", "0.00"))
@pytest.mark.parametrize("kind", ("percent", "lump"))
async def test_nothing_takes_the_match_away(season: World, kind: str, nothing: str) -> None:
    await tip(season, "120")
    await match(season, "lump", "10")
    change = await match(season, kind, nothing)
    assert (change.jar.match, change.jar.total) == (None, 120_00)
    assert (await match(season, kind, nothing)).jar.match is None


async def test_a_match_is_replaced_by_the_next(season: World) -> None:
    await tip(season, "120")
    await match(season, "percent", "50", limit="1")
    change = await match(season, "percent", "20")
    assert (change.jar.match, change.jar.total) == (Match("percent", 20_00), 144_00)


@pytest.mark.parametrize(
    ("kind", "value", "limit", "said"),
    (
        ("double", "1", None, "`kind` is one of: percent, lump."),
        ("", "1", None, "`kind` is one of"),
        ("percent", "1000.01", None, "It goes up to 1000 %."),
        ("percent", "5000 %", None, "It goes up to 1000 %."),
        ("percent", "-1", None, "from 0 to 1000"),
        ("percent", "NaN", None, "from 0 to 1000"),
        ("percent", "50 USD", None, "from 0 to 1000"),
        ("percent", "50", "0", "above zero"),
        ("percent", "50", "-1", "Amounts here are above 0"),
        ("percent", "50", "5 EUR", "The currency here is USD."),
        ("lump", "50 %", None, "Write an amount like"),
        ("lump", "-50", None, "Amounts here are above 0"),
        ("lump", "5 EUR", None, "The currency here is USD."),
        ("lump", "50", "60", "A `limit` goes with `percent`"),
        ("lump", "92233720368547758.07", None, "The jar would be too large"),
    ),
)
async def test_what_is_no_match_is_refused(
    season: World, kind: str, value: str, limit: str | None, said: str
) -> None:
    refusal = await season.refused(tipjar.match, KIM, kind=kind, value=value, limit=limit)
    assert said in refusal
    assert (await jar_of(season, "2026-Q1")).match is None


async def test_each_round_starts_without_a_match(season: World) -> None:
    await match(season, "percent", "50")
    await season.to(CLOSE)
    assert (await tip(season, "10")).jar == Jar(10_00, 0, 10_00)
    assert (await jar_of(season, "2026-Q1")).match == Match("percent", 50_00)


# ---------------------------------------------------------------- taking back


async def test_a_wrong_tip_is_taken_back_once_and_stays_in_the_record(season: World) -> None:
    await tip(season, "5")
    await tip(season, "7")
    change = await season.do(tipjar.correct, LEE, tip=" #1 ", reason="was a fee")
    assert change.tip is not None
    assert (change.tip.number, said(change)) == (1, (7_00, 7_00))
    refusal = await season.refused(tipjar.correct, KIM, tip="1", reason="again")
    assert refusal.startswith("Tip #1 is taken back already.")
    last = (await season.record())[-1]
    assert (last.action, last.data["amount"]) == ("tipjar.corrected", "5.00")
    assert "was a" not in json.dumps(last.as_json())


async def test_a_tip_taken_back_twice_at_once_is_taken_back_once(season: World) -> None:
    await tip(season, "5")
    results = await twice_at_once(
        lambda: season.do(tipjar.correct, KIM, tip="1", reason="x"),
        lambda: season.do(tipjar.correct, LEE, tip="1", reason="x"),
    )
    assert sum(isinstance(result, BaseException) for result in results) == 1
    assert (await jar_of(season, "2026-Q1")).total == 0


@pytest.mark.parametrize("number", ("9", "", "one", "-1", "1.0", "９", "1" * 13))
async def test_what_is_no_tip_of_this_server_is_not_found(season: World, number: str) -> None:
    await tip(season, "5")
    assert "not the number of a tip here" in await season.refused(
        tipjar.correct, KIM, tip=number, reason="x"
    )


async def test_a_tip_of_another_server_is_not_found(season: World) -> None:
    elsewhere = season.elsewhere()
    await elsewhere.opened()
    await tip(elsewhere, "5")
    assert "not the number of a tip here" in await season.refused(
        tipjar.correct, KIM, tip="1", reason="x"
    )
    assert (await jar_of(elsewhere, "2026-Q1")).total == 5_00
    assert (await jar_of(season, "2026-Q1")).total == 0


async def test_a_tip_is_taken_back_with_a_reason(season: World) -> None:
    await tip(season, "5")
    assert "Give a `reason`" in await season.refused(tipjar.correct, KIM, tip="1", reason=" ")


# ---------------------------------------------------------------- frozen at the close


async def test_the_jar_is_frozen_at_the_close(season: World) -> None:
    await tip(season, "5")
    await match(season, "lump", "1")
    await thank(season, "2026-Q1", {ADA: 1})
    await season.to(CLOSE)
    await tip(season, "7")
    assert await jar_of(season, "2026-Q1") == Jar(5_00, 1_00, 6_00, Match("lump", 1_00))
    assert (await jar_of(season, "2026-Q2")).total == 7_00
    refusal = await season.refused(tipjar.correct, KIM, tip="1", reason="x")
    assert refusal.startswith(f"2026-Q1 closed <t:{int(CLOSE.timestamp())}:f>, and its tip jar")
    assert "`/payout adjust`" in refusal


async def test_what_was_pressed_before_the_close_counts_until_the_round_was_counted(
    season: World,
) -> None:
    await tip(season, "5")
    await thank(season, "2026-Q1", {ADA: 1})
    await season.to(CLOSE - MINUTE)
    before = [season.by(KIM) for _ in range(4)]
    season.now = CLOSE + MINUTE
    async with season.db.write() as session:
        await rounds.advance(session, season.guild_id, now=season.now, stop_at_close=True)
    change = await season.act(tipjar.record, before[0], amount="3")
    assert (change.label, said(change)) == ("2026-Q1", (8_00, 8_00))
    change = await season.act(tipjar.correct, before[1], tip="1", reason="x")
    assert said(change) == (3_00, 3_00)
    await counted(season)
    with pytest.raises(Refusal, match="its tip jar stays as it was"):
        await season.act(tipjar.record, before[2], amount="3")
    with pytest.raises(Refusal, match="its tip jar stays as it was"):
        await season.act(tipjar.correct, before[3], tip="2", reason="x")
    assert (await jar_of(season, "2026-Q1")).total == 3_00


async def test_between_a_close_and_its_tick_a_tip_is_of_the_next_round(season: World) -> None:
    await tip(season, "5")
    season.now = CLOSE + MINUTE
    assert "its tip jar stays" in await season.refused(tipjar.correct, KIM, tip="1", reason="x")
    assert (await tip(season, "7")).label == "2026-Q2"
    await thank(season, "2026-Q1", {ADA: 1})
    assert (await jar_of(season, "2026-Q1")).total == 5_00


# ---------------------------------------------------------------- in the statement


async def test_the_jar_is_split_by_thanks_beside_the_cap_and_the_bundle_proves_it(
    season: World,
) -> None:
    await tip(season, "100")
    await tip(season, "60", reference="x")
    await season.do(tipjar.correct, KIM, tip="2", reason="twice")
    await match(season, "percent", "20", limit="19.99")
    await thank(season, "2026-Q1", {ADA: 3, BEN: 1, CYD: 2})
    await season.log(BEN, "250h")
    await season.do(roster.pay, CYD, wanted=False)
    await season.to(COMPUTE)
    draft = await season.see(settlement.preview, by=season.by(KIM), label=None)
    assert (draft.jar.total, draft.statement.facts.tips) == (119_99, 119_99)
    published = await season.published()
    statement = published.statement
    assert published.jar == Jar(100_00, 19_99, 119_99, Match("percent", 20_00, 19_99))
    assert {line.user_id: line.tips_amount for line in statement.lines} == {
        ADA.user_id: 89_99, BEN.user_id: 30_00, CYD.user_id: 0,
    }  # fmt: skip
    assert (statement.shared, statement.total) == (1000_00, 1119_99)
    mine = await season.see(payments.mine, by=season.by(ADA), label=None)
    assert mine.jar == published.jar


async def test_a_flipped_digit_of_the_tips_is_found_and_named(season: World) -> None:
    await tip(season, "100")
    await match(season, "lump", "10")
    await thank(season, "2026-Q1", {ADA: 1})
    await season.to(COMPUTE)
    await season.published()
    document = json.loads(json.dumps(await season.document("2026-Q1")))
    assert bundle.faults(document) == []
    document["inputs"]["tips"] = "111.00"
    document["statement_sha256"] = compute(bundle.facts_of(document)).sha256
    document.pop("sha256")
    document["sha256"] = sha256(document)
    found = bundle.faults(document)
    assert "tips: the bundle says '111.00', the record '110.00'" in found


async def test_the_draft_of_an_open_round_holds_the_jar_as_it_stands(season: World) -> None:
    await tip(season, "100")
    await thank(season, "2026-Q1", {ADA: 1})
    assert (await season.amounts())[ADA.user_id] == 100_00
    facts = await season.see(lines.draft_facts, await season.round("2026-Q1"))
    assert facts.tips == 100_00


# ---------------------------------------------------------------- nobody to receive it


async def test_tips_that_nobody_can_receive_are_in_the_jar_of_the_next_round(
    season: World,
) -> None:
    await tip(season, "20")
    await match(season, "lump", "5")
    await season.to(CLOSE)
    assert (await jar_of(season, "2026-Q1")).total == 25_00
    assert await jar_of(season, "2026-Q2") == Jar(20_00, 0, 20_00)
    shown = await season.see(tipjar.show, by=season.by(SAM))
    assert (shown.label, shown.count, shown.waiting) == ("2026-Q2", 0, ())
    assert [(one.amount, one.from_label) for one in shown.carried] == [(20_00, "2026-Q1")]
    refusal = await season.refused(tipjar.correct, KIM, tip="2", reason="x")
    assert refusal.startswith("#2 is what nobody could receive in 2026-Q1: it stays in the jar.")
    assert await season.see(tipjar.choices, by=season.by(KIM)) == []
    await season.to(COMPUTE)
    assert (await season.published()).statement.total == 0


async def test_where_everybody_thanked_declined_pay_nobody_can_receive_the_jar(
    season: World,
) -> None:
    await tip(season, "20")
    await thank(season, "2026-Q1", {ADA: 2})
    await season.do(roster.pay, ADA, wanted=False)
    await season.to(CLOSE)
    assert (await jar_of(season, "2026-Q2")).total == 20_00


async def test_a_jar_goes_on_with_what_it_took_over_until_somebody_receives_it(
    season: World,
) -> None:
    await tip(season, "20")
    await season.to(CLOSE)
    await tip(season, "3")
    await season.to(utc("2026-06-30"))
    assert (await jar_of(season, "2026-Q3")).tips == 23_00
    season.now = utc("2026-07-02")
    await thank(season, "2026-Q3", {BEN: 1})
    await season.to(utc("2026-09-30T20:00"))
    assert (await jar_of(season, "2026-Q3")).total == 23_00
    assert (await jar_of(season, "2026-Q4")).total == 0
    for _ in range(3):
        published = await season.published()
    assert published.statement.total == 23_00


async def test_taking_over_is_done_once(season: World) -> None:
    await tip(season, "20")
    await season.to(CLOSE)
    before = await season.record()
    for _ in range(2):
        await adopt(season, "2026-Q2")
    async with season.db.write() as session:
        first, second = [
            await _attached(session, await season.round(f"2026-Q{place}")) for place in (1, 2)
        ]
        assert await jar_service.carry(session, first, second, at=season.now)
    assert await season.record() == before
    assert (await jar_of(season, "2026-Q2")).tips == 20_00


async def test_an_empty_jar_does_not_move(season: World) -> None:
    await match(season, "lump", "20")
    await season.to(CLOSE)
    assert "tipjar.carried" not in await season.actions()
    assert (await jar_of(season, "2026-Q2")).total == 0


@pytest.mark.parametrize(
    ("values", "carried"),
    (
        ({"decimals": "4"}, 20_0100),
        ({"decimals": "2"}, 20_01),
        ({"decimals": "1"}, None),
        ({"currency": "EUR"}, None),
        ({"decimals": "0", "cap": str(LARGEST - 1)}, None),
    ),
)
async def test_a_jar_moves_only_where_it_can_be_held_exactly(
    season: World, values: dict[str, str], carried: int | None
) -> None:
    await tip(season, "20.01")
    await season.do(settings.change, ROOT, values=values)
    await season.to(CLOSE)
    assert (await jar_of(season, "2026-Q2")).tips == (carried or 0)
    shown = await season.see(tipjar.show, by=season.by(SAM))
    waiting = [(one.label, one.amount, one.currency) for one in shown.waiting]
    assert waiting == ([] if carried else [("2026-Q1", 20_01, "USD")])


async def test_a_full_jar_takes_over_nothing_more(season: World) -> None:
    await tip(season, "20.00")
    await season.do(
        settings.change, ROOT, values={"cap": "92,233,720,368,547,750.00", "max_share": "100"}
    )
    await season.to(CLOSE)
    assert (await jar_of(season, "2026-Q2")).tips == 0
    await season.do(settings.change, ROOT, values={"cap": "1000.00"})
    await season.to(utc("2026-06-30"))
    await adopt(season, "2026-Q3")
    assert (await jar_of(season, "2026-Q3")).tips == 20_00


# ---------------------------------------------------------------- void and reopen


async def test_the_tips_of_a_void_draft_go_into_the_open_jar(season: World) -> None:
    await tip(season, "20")
    await match(season, "lump", "5")
    await thank(season, "2026-Q1", {ADA: 1})
    await season.to(COMPUTE)
    await tip(season, "1")
    await season.void("2026-Q1")
    await adopt(season, "2026-Q2")
    assert await jar_of(season, "2026-Q2") == Jar(21_00, 0, 21_00)
    refusal = await season.refused(tipjar.correct, KIM, tip="1", reason="x")
    assert refusal.startswith("2026-Q1 is void")


async def test_the_tips_of_a_void_open_round_wait_for_the_next_one(season: World) -> None:
    await tip(season, "20")
    await season.void()
    season.now += DAY
    await season.do(rounds.open_by_hand, KIM)
    await adopt(season, "2026-Q1")
    shown = await season.see(tipjar.show, by=season.by(KIM))
    assert (shown.jar.tips, shown.waiting) == (20_00, ())
    assert [one.from_label for one in shown.listed] == ["2026-Q1"]
    await thank(season, "2026-Q1", {ADA: 1})
    await season.to(COMPUTE)
    assert (await season.published()).statement.total == 20_00


async def test_a_reopened_round_has_its_jar_back_and_that_of_the_round_that_had_followed(
    season: World,
) -> None:
    await tip(season, "20")
    await match(season, "percent", "50")
    await season.close()
    await counted(season)
    await tip(season, "4")
    assert (await jar_of(season, "2026-Q2")).tips == 24_00
    await season.do(rounds.reopen, KIM, reason="too early")
    await adopt(season, "2026-Q1")
    assert await jar_of(season, "2026-Q1") == Jar(24_00, 12_00, 36_00, Match("percent", 50_00))
    await tip(season, "2")
    await season.to(utc("2026-03-31T20:00"))
    # Nobody was thanked: everything moves on, once.
    assert (await jar_of(season, "2026-Q2")).tips == 26_00
    assert (await season.published()).jar.total == 39_00
    actions = [action for action in await season.actions() if action.startswith("tipjar.")]
    assert actions.count("tipjar.uncarried") == 1


async def test_a_jar_that_was_carried_on_twice_comes_back_once(season: World) -> None:
    await tip(season, "100")
    await season.to(CLOSE)
    season.now += MINUTE
    await season.close()  # the second round as well: its jar moves on with what it held
    await counted(season)
    assert (await jar_of(season, "2026-Q3")).tips == 100_00
    await season.void("2026-Q2")
    await season.do(rounds.reopen, KIM, reason="too early")
    assert (await jar_of(season, "2026-Q1")).tips == 100_00
    await season.to(utc("2026-03-31T20:00"))
    assert (await season.published()).jar.total == 100_00


async def test_a_jar_of_a_void_round_that_was_opened_again_comes_back_once(season: World) -> None:
    await tip(season, "100")
    await season.to(CLOSE)
    season.now += MINUTE
    await season.void()
    await season.do(rounds.open_by_hand, KIM)
    await tip(season, "7")
    assert (await jar_of(season, "2026-Q2")).tips == 107_00
    await season.do(rounds.reopen, KIM, reason="too early")
    assert (await jar_of(season, "2026-Q1")).tips == 107_00


async def test_what_was_never_carried_is_not_taken_out_again(season: World) -> None:
    before = await season.record()
    async with season.db.write() as session:
        round_ = await _attached(session, await season.round("2026-Q1"))
        await jar_service.uncarry(session, round_, at=season.now)
    assert await season.record() == before


# ---------------------------------------------------------------- to see


async def test_everybody_sees_the_jar_and_the_committee_its_tips(town: World) -> None:
    address = "0x52908400098527886E0F7030069857D2E4169EE7"
    await town.do(settings.change, ROOT, values={"tip_address": address})
    await town.do(rounds.open_by_hand, KIM)
    await tip(town, "20", reference="secret")
    await tip(town, "5")
    await match(town, "percent", "50")
    for who in (SAM, ADA):
        shown = await town.see(tipjar.show, by=town.by(who))
        assert (shown.jar, shown.count) == (
            Jar(25_00, 12_50, 37_50, Match("percent", 50_00)),
            2,
        )
        assert (shown.tip_address, shown.listed) == (address, ())
    shown = await town.see(tipjar.show, by=town.by(KIM))
    assert [(one.number, one.reference) for one in shown.listed] == [(1, "secret"), (2, "")]
    assert await town.see(tipjar.choices, by=town.by(KIM)) == [
        ("2", "#2 · 5.00 USD · 2026-01-10"),
        ("1", "#1 · 20.00 USD · 2026-01-10 · secret"),
    ]


async def test_tips_of_one_server_are_not_in_the_jar_of_another(season: World) -> None:
    elsewhere = season.elsewhere()
    await elsewhere.opened()
    await tip(season, "20")
    assert (await tip(elsewhere, "1")).tip == tipjar.Tipped(1, 1_00, date(2026, 1, 10), "")
    assert (await jar_of(elsewhere, "2026-Q1")).total == 1_00


async def test_the_jar_of_a_closed_round_is_shown_until_its_statement_is(season: World) -> None:
    await tip(season, "20")
    await thank(season, "2026-Q1", {ADA: 1})
    await season.log(ADA, "1h")
    assert (await season.see(tipjar.show, by=season.by(SAM))).closed == ()
    await season.to(COMPUTE)
    shown = await season.see(tipjar.show, by=season.by(SAM))
    assert shown.label == "2026-Q2"
    assert shown.closed == (tipjar.Waiting("2026-Q1", 20_00, "USD", 2),)
    await season.published()
    assert (await season.see(tipjar.show, by=season.by(SAM))).closed == ()


async def test_a_jar_that_moved_on_is_not_shown_as_a_closed_one(season: World) -> None:
    await tip(season, "20")
    await season.to(COMPUTE)
    shown = await season.see(tipjar.show, by=season.by(SAM))
    assert [one.from_label for one in shown.carried] == ["2026-Q1"]
    assert shown.closed == ()
