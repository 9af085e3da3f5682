"""The record: every change of state is a row of one chain, and people's words are not in it."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from bot.domain.canonical import digest
from bot.domain.errors import Repeated
from bot.domain.record import GENESIS
from bot.services import history, hours, payments, roster, rounds, settlement
from storage.tables import Claim, Opening, Person
from tests.databases import guards_off, same
from tests.services.world import (
    ADA,
    BEN,
    CLOSE,
    COMPUTE,
    CYD,
    DAY,
    GUILD,
    KIM,
    LEE,
    MINUTE,
    MOE,
    SAM,
    SETTINGS,
    Who,
    World,
    paid_season,
    twice_at_once,
    utc,
)


async def test_every_verb_adds_the_rows_of_what_it_changed(town: World) -> None:
    begun = len(await town.record())
    await town.do(rounds.open_by_hand, KIM)
    await town.do(roster.join, SAM)
    await town.do(roster.vouch, ADA, person=SAM.person)
    await town.do(roster.leave, SAM)
    number = str(await town.log(ADA, "10h"))
    await town.do(hours.edit, ADA, number=number, note="more")
    await town.log(BEN, "1h")
    await town.do(hours.withdraw, BEN, number="2")
    await town.do(hours.done, ADA)
    await town.do(roster.pay, CYD, wanted=False)
    await town.to(COMPUTE)
    await town.do(settlement.adjust, KIM, person=ADA.person, reason="x", minutes=-5)
    await town.published(LEE)
    await town.do(payments.record, KIM, reference="0x1")
    for who in (KIM, LEE):
        await town.do(payments.correct, who, reference="0x1", reason="x")
    await town.do(roster.remove, MOE, user_id=BEN.user_id, reason="x")
    await town.void()
    actions = await town.actions()
    assert actions[:begun] == ["settings.changed"] * len(SETTINGS) + ["helper.added"] * 3
    assert actions[begun:] == [
        "round.opened", "helper.joined", "helper.vouched", "helper.admitted", "helper.left",
        "entry.logged", "entry.edited", "entry.logged", "entry.withdrawn", "hours.done",
        "helper.pay", "round.called", "round.closed", "round.opened", "round.counted",
        "round.drafted", "payout.adjusted", "payout.approved", "payout.published",
        "payment.recorded",
        "payment.correction_proposed", "payment.taken_back", "helper.removed", "round.voided",
    ]  # fmt: skip
    rows = await town.record()
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert rows[0].previous == GENESIS


async def test_the_words_of_people_stand_beside_the_chain_with_their_salt(season: World) -> None:
    note, link = "met in the forum", "https://example.org/thread"
    await season.do(hours.log, ADA, duration="1h", note=note, evidence=link)
    row = (await season.record())[-1]
    assert note not in str(row.as_json())
    assert link not in str(row.as_json())
    async with season.db.read() as session:
        found = await session.scalars(
            select(Opening).where(Opening.guild_id == GUILD, Opening.number == row.number)
        )
        openings = {opening.field: opening for opening in found}
    assert openings["note"].text == note
    for field in ("note", "evidence"):
        opened = openings[field]
        assert row.data[f"{field}_digest"] == digest(opened.salt, opened.text)


async def test_equal_words_have_unequal_digests_and_no_words_have_none(season: World) -> None:
    for note in ("same", "same", ""):
        await season.do(hours.log, ADA, duration="1h", note=note)
    first, second, third = (row.data for row in (await season.record())[-3:])
    assert first["note_digest"] != second["note_digest"]
    assert not [field for field in third if field.endswith("_digest")]


async def test_erasing_the_words_leaves_the_chain_intact(season: World) -> None:
    await season.log(ADA, "1h")
    async with season.db.write() as session:
        await session.execute(text("DELETE FROM openings"))
    assert await season.see(history.faults, GUILD) == []


@pytest.mark.parametrize(
    "change", ("UPDATE record SET actor = '99' WHERE number = 3", "DELETE FROM record")
)
async def test_the_database_refuses_to_change_the_record(season: World, change: str) -> None:
    with pytest.raises(DatabaseError):
        async with season.db.write() as session:
            await session.execute(text(change))


async def test_a_row_changed_behind_the_databases_back_is_found_and_named(town: World) -> None:
    change = "UPDATE record SET actor = '99' WHERE guild_id = 100000000000000002 AND number = 1"
    other = town.elsewhere()
    await other.set_up()
    before = await other.see(history.chain, other.guild_id)
    async with town.db.write() as session:
        for statement in (*guards_off(town.db), change):
            await session.execute(text(statement))
    found = await other.see(history.faults, other.guild_id)
    assert found == ["record row 1: its content does not give its hash"]
    assert await town.see(history.faults, town.guild_id) == []
    async with town.db.write() as session:
        await session.execute(text(change.replace("99", before[0].actor)))


async def test_a_rounds_part_of_the_chain_begins_with_its_opening(season: World) -> None:
    await paid_season(season)
    round_ = await season.round("2026-Q1")
    rows, before = await season.see(history.part, round_)
    whole = await season.record()
    assert rows[0].action == "round.opened"
    assert rows[-1].action == "payment.recorded"
    assert before == whole[rows[0].number - 2].hash
    assert rows == whole[rows[0].number - 1 : rows[-1].number]


async def test_a_rounds_part_of_the_chain_holds_its_time_also_what_came_after_the_close(
    season: World,
) -> None:
    await season.log(ADA, "2h")
    late = season.by(BEN, at=CLOSE - MINUTE)
    await season.to(CLOSE)
    await season.act(hours.log, late, duration="3h", note="in time, by Discord's clock")
    await season.to(COMPUTE)
    await season.published()
    rows, _ = await season.see(history.part, await season.round("2026-Q1"))
    logged = [row.data["minutes"] for row in rows if row.action == "entry.logged"]
    assert logged == [120, 180]
    assert rows[-1].action == "payout.published"


async def test_the_record_of_each_server_is_a_chain_of_its_own(town: World) -> None:
    other = town.elsewhere()
    await other.set_up()
    first, second = (await town.record())[0], (await other.record())[0]
    assert first.number == second.number == 1
    assert first.previous == second.previous == GENESIS
    assert await other.see(history.chain, 12345) == []
    assert await other.see(history.faults, 12345) == []


async def test_an_interaction_is_taken_on_once_and_remembers_the_name(town: World) -> None:
    by = town.by(Who(77, "Old name"))
    await town.act(begin, by)
    with pytest.raises(Repeated):
        await town.act(begin, by)
    await town.act(begin, town.by(Who(77, "New name")))
    async with town.db.read() as session:
        person = await session.get(Person, (GUILD, 77))
        assert person is not None
        assert person.name == "New name"
        claim = await session.get(Claim, by.interaction_id)
        assert claim is not None
        assert claim.at == town.now


async def begin(session: object, *, by: object) -> None:
    await history.begin(session, by)  # type: ignore[arg-type]


async def test_rows_written_at_once_by_two_processes_make_one_chain(season: World) -> None:
    other = World(same(season.db), now=season.now)
    await other.db.connect()
    try:
        for _ in range(5):
            results = await twice_at_once(
                lambda: season.log(ADA, "1h"), lambda: other.log(BEN, "1h")
            )
            assert all(isinstance(result, int) for result in results)
    finally:
        await other.db.close()
    assert (await season.actions()).count("entry.logged") == 10
    assert await season.see(history.faults, GUILD) == []


async def test_a_bundle_of_a_round_with_others_in_between_is_sound(season: World) -> None:
    await season.log(ADA, "10h")
    await season.to(COMPUTE)
    await season.log(BEN, "1h")
    season.now += DAY
    await season.do(settlement.adjust, KIM, person=CYD.person, reason="x", amount="1")
    await season.published(LEE)
    await season.to(utc("2026-06-30 20:00"))
    await season.published()
    await season.do(payments.record, KIM, reference="0x1", label="2026-Q1")
    await season.do(payments.record, KIM, reference="0x2", label="2026-Q2")
    assert await season.faults() == []
