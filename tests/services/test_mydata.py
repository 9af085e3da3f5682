"""One's own data: all of it handed out, what may be erased erased, and every amount as it was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Date, String, func, insert, select, text
from sqlalchemy.types import Boolean

from bot.domain import bundle
from bot.domain.errors import Repeated
from bot.domain.opinions import Opinion as Opinion_
from bot.jobs import mirror
from bot.services import (
    addresses,
    audit,
    batches,
    boards,
    confirmations,
    disputes,
    history,
    hours,
    mydata,
    opinions,
    payments,
    roster,
    settlement,
    thanks,
)
from storage import mydata as stored
from storage import rounds
from storage.mydata import COUNTED, PARTS
from storage.tables import (
    Activity,
    Address,
    Batch,
    BatchItem,
    Clock,
    Dispute,
    Entry,
    Helper,
    Opening,
    Opinion,
    Person,
    Place,
    Post,
    PublishedLine,
    Suspension,
    Table,
    Thanks,
)
from storage.tables.base import Instant, core
from tests.databases import keys_off
from tests.services.world import (
    ADA,
    BEN,
    CLOSE,
    COMPUTE,
    CYD,
    DAY,
    ELSEWHERE,
    GUILD,
    HOUR,
    KIM,
    LEE,
    MINUTE,
    MOE,
    SAM,
    START,
    Who,
    World,
    paid_season,
    twice_at_once,
)

SECRET = "what only I know"
ADDRESS = "0x52908400098527886E0F7030069857D2E4169EE7"
OTHER = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"
PEOPLE = frozenset(
    {"user_id", "actor_id", "voter_id", "helper_id", "voucher_id", "proposer_id", "opener_id",
     "author_id", "decided_by", "confirmed_by", "reply_to"}
)  # fmt: skip
ME = 77


async def export(world: World, who: Who = ADA) -> mydata.Export:
    return await world.see(mydata.export, by=world.by(who))


async def delete(world: World, who: Who = ADA) -> mydata.Deleted:
    return await world.do(mydata.delete, who)


async def count(world: World, table: type[Table], *where: Any) -> int:
    async with world.db.read() as session:
        found = await session.scalar(select(func.count()).select_from(table).where(*where))
    assert found is not None
    return found


async def add(world: World, *rows: Table) -> None:
    async with world.db.write() as session:
        for row in rows:
            session.add(row)
            await session.flush()


def address(**values: Any) -> Address:
    return Address(
        **{
            "guild_id": GUILD, "user_id": ADA.user_id, "kind": "evm", "address": ADDRESS,
            "public_key": "ab", "set_at": START, **values,
        }
    )  # fmt: skip


def dispute(round_id: int, **values: Any) -> Dispute:
    return Dispute(
        **{
            "guild_id": GUILD, "number": 1, "round_id": round_id, "version": 1,
            "user_id": ADA.user_id, "opener_id": ADA.user_id, "reason": SECRET, "at": COMPUTE,
            "valid_until": COMPUTE + 14 * DAY, "state": "open", **values,
        }
    )  # fmt: skip


async def opened_dispute(world: World, **values: Any) -> None:
    """Let a dispute stand as if it had been opened by the command."""
    async with world.db.write() as session:
        round_ = await rounds.labelled(session, GUILD, "2026-Q1")
        assert round_ is not None
        row = dispute(round_.id, **values)
        session.add(row)
        await history.append(
            session, guild_id=GUILD, at=world.now, actor=row.opener_id, action="dispute.opened",
            subject=f"dispute:{row.number}",
            data={"version": 1, "user_id": str(row.user_id)},
            texts={"reason": row.reason}, concerning=round_,
        )  # fmt: skip


async def everywhere(world: World) -> str:
    """Return the whole database as text, but for the chain, which holds digests only."""
    parts = []
    async with world.db.read() as session:
        for table in Table.metadata.sorted_tables:
            found = await session.execute(select(table))
            parts += [str(tuple(row)) for row in found]
    return "\n".join(parts)


# ---------------------------------------------------------------- export


def columns_of_people() -> set[str]:
    return {
        f"{table.name}.{column.name}"
        for table in Table.metadata.sorted_tables
        for column in table.columns
        if column.name in PEOPLE or column.name.endswith(("_user", "_person", "_by_id"))
    }


def test_every_column_that_names_a_person_is_in_the_export() -> None:
    told = {f"{core(part.table).name}.{column}" for part in PARTS for column in part.columns}
    assert columns_of_people() - told == set(COUNTED)
    assert told <= columns_of_people()


def value_for(column: Any, number: int) -> Any:
    kinds: Mapping[type, Any] = {
        Instant: START, Date: date(2026, 1, 2), Boolean: True, String: f"word {number}",
    }  # fmt: skip
    for kind, value in kinds.items():
        if isinstance(column.type, kind):
            return value
    return 1000 + number


async def test_each_row_about_somebody_is_in_their_export_and_in_nobody_elses(
    season: World,
) -> None:
    expected = []
    async with season.db.write() as session:
        await session.execute(text(keys_off(season.db)))
        for number, part in enumerate(PARTS):
            table = core(part.table)
            for place, of_person in enumerate(part.columns):
                nth = 10 * number + place
                values = {column.name: value_for(column, nth) for column in table.columns}
                values |= dict.fromkeys(set(part.columns) & set(values), 500 + nth)
                values |= {"guild_id": GUILD} if "guild_id" in values else {}
                values |= {"id": 1 + place} if "id" in values else {}
                for key in table.foreign_keys:
                    values[key.parent.name] = 1
                values[of_person] = ME
                if part.name == "settings_changed":
                    values["document"] = "{}"
                await session.execute(insert(table).values(values))
                expected.append(part.name)
        who = Who(ME, "Me")
        found = await mydata.export(session, by=season.by(who))
        other = await mydata.export(session, by=season.elsewhere().by(who))
        assert {part.name: len(found.document[part.name]) for part in PARTS} == {
            name: expected.count(name) for name in expected
        }
        assert not other.is_known
        json.dumps(dict(found.document))
        await session.rollback()


async def test_an_export_holds_what_was_done_and_said(season: World) -> None:
    await season.do(hours.log, ADA, duration="2h", note=SECRET, evidence="https://example.org/x")
    await season.do(thanks.give, ADA, person=BEN.person, note="for the forum", private=True)
    await season.do(thanks.give, BEN, person=ADA.person, note="for the chat", private=False)
    await add(season, address(), Opinion(
        entry_id=1, user_id=BEN.user_id, guild_id=GUILD, opinion="high", at=START,
    ))  # fmt: skip
    found = (await export(season)).document
    assert found["entries"][0]["note"] == SECRET
    assert found["entries"][0]["round"] == "2026-Q1"
    assert found["entries"][0]["user_id"] == str(ADA.user_id)
    assert found["thanks_given"][0]["note"] == "for the forum"
    assert found["addresses"][0]["address"] == ADDRESS
    assert found["opinions_on_my_entries"] == [{"entry": 1, "opinion": "high", "people": 1}]
    logged = next(row for row in found["record"] if row["action"] == "entry.logged")
    assert logged["texts"] == {"note": SECRET, "evidence": "https://example.org/x"}
    assert [post["name"] for post in found["messages_of_the_bot"]]
    # Who thanked one is shown from the close on.
    assert found["thanks_received"] == []
    await season.to(CLOSE)
    received = (await export(season)).document["thanks_received"]
    assert [(row["voter_id"], row["note"]) for row in received] == [
        (str(BEN.user_id), "for the chat")
    ]


async def test_an_export_keeps_what_others_said_in_confidence(waiting: World) -> None:
    await waiting.published()
    await opened_dispute(waiting, opener_id=BEN.user_id)
    await opened_dispute(waiting, number=2, reason="mine")
    async with waiting.db.write() as session:
        await history.append(
            session, guild_id=GUILD, at=COMPUTE, action="cease.voted", subject="cease:1",
            actor=BEN.user_id, data={"user_id": str(ADA.user_id)},
        )  # fmt: skip
    found = (await export(waiting)).document
    assert SECRET not in json.dumps(found)
    assert [row.get("reason") for row in found["disputes"]] == [None, "mine"]
    assert "cease.voted" not in [row["action"] for row in found["record"]]
    assert SECRET in json.dumps((await export(waiting, BEN)).document)


async def test_an_export_of_somebody_unknown_says_so(season: World) -> None:
    found = await export(season, SAM)
    assert not found.is_known
    assert found.document["user_id"] == str(SAM.user_id)
    assert found.document["entries"] == []


async def test_in_another_server_nothing_is_shown_or_erased(season: World) -> None:
    await season.log(ADA, "1h")
    there = season.elsewhere()
    assert not (await export(there)).is_known
    assert "Nothing is stored about you here" in await there.refused(mydata.delete, ADA)
    await there.set_up()
    await delete(there)
    assert await count(season, Entry, Entry.note == "helped") == 1
    name = await season.see(stored_name, ADA.user_id)
    assert name == "Ada"
    assert (await there.see(stored_name, ADA.user_id, ELSEWHERE)).startswith("member-")


async def stored_name(session: Any, user_id: int, guild_id: int = GUILD) -> str:
    person = await session.get(Person, (guild_id, user_id))
    assert person is not None
    return str(person.name)


# ---------------------------------------------------------------- delete


async def test_texts_address_activity_and_name_go_and_amounts_stay(waiting: World) -> None:
    await waiting.published()
    round_ = await waiting.round("2026-Q1")
    before = await waiting.document("2026-Q1")
    await waiting.do(hours.log, ADA, duration="1h", note=SECRET, evidence="https://example.org/x")
    await waiting.do(thanks.give, ADA, person=BEN.person, note=SECRET, private=False)
    await waiting.do(thanks.give, BEN, person=ADA.person, note=SECRET, private=True)
    await opened_dispute(waiting)
    await add(
        waiting,
        address(),
        Activity(
            round_id=round_.id, user_id=ADA.user_id, message_id=1, channel_id=1, at=START
        ),
        Activity(
            round_id=round_.id, user_id=BEN.user_id, message_id=2, channel_id=1, at=START,
            reply_to=ADA.user_id,
        ),
        Opinion(entry_id=2, user_id=ADA.user_id, guild_id=GUILD, opinion="high", at=START),
    )  # fmt: skip
    done = await delete(waiting)
    assert done.left.owed[0][0] == "2026-Q1"
    assert done.left.disputes == (1,)
    assert done.name.startswith("member-")
    everything = await everywhere(waiting)
    assert SECRET not in everything
    assert ADDRESS not in everything
    assert "Ada" not in everything
    assert "example.org" not in everything
    assert await count(waiting, Activity, Activity.user_id == ADA.user_id) == 0
    assert await count(waiting, Activity, Activity.reply_to == ADA.user_id) == 0
    assert await count(waiting, Opinion) == 0
    assert await count(waiting, Dispute) == 1
    assert await count(waiting, Thanks) == 2
    after = await waiting.document("2026-Q1")
    assert after["lines"][0]["name"] == done.name
    assert after["statement_sha256"] == before["statement_sha256"]
    assert [line["amount"] for line in after["lines"]] == [
        line["amount"] for line in before["lines"]
    ]
    assert bundle.faults(before) == bundle.faults(after) == []
    verdict = await waiting.see(audit.verify, GUILD)
    assert verdict.faults == ()
    assert (await waiting.record())[-1].action == "mydata.deleted"
    assert await waiting.states("2026-Q1") == {ADA.user_id: "held", BEN.user_id: "due"}


async def test_who_is_owed_money_is_still_paid(waiting: World) -> None:
    await waiting.published()
    await delete(waiting)
    recorded = await waiting.do(payments.record, KIM, reference="0x1", user_id=ADA.user_id)
    assert recorded.user_ids == (ADA.user_id,)
    assert (await waiting.see(audit.verify, GUILD)).faults == ()


async def test_a_draft_pays_somebody_who_erased_their_data(season: World) -> None:
    await season.log(ADA, "10h")
    await delete(season)
    await season.to(COMPUTE)
    assert await season.amounts() == {ADA.user_id: 5000}
    published = await season.published()
    assert published.shown[ADA.user_id].name.startswith("member-")


async def test_a_running_clock_ends_and_the_place_on_the_board_is_free(season: World) -> None:
    async with season.db.write() as session:
        await boards.build_due(session, GUILD, now=season.now)
    await season.do(hours.start, ADA, note=SECRET)
    emoji = await season.see(boards.emoji_shown, GUILD, ADA.user_id)
    done = await delete(season)
    assert done.left.has_clock
    assert done.standing is not None
    assert done.standing.state == "left"
    assert await count(season, Clock) == 0
    assert await count(season, Place, Place.user_id == ADA.user_id, Place.removed_at.is_(None)) == 0
    async with season.db.read() as session:
        row = await session.get(Helper, (GUILD, ADA.user_id))
    assert row is not None
    assert row.emoji_key is None
    assert emoji
    assert (await season.actions())[-2:] == ["helper.left", "mydata.deleted"]
    assert SECRET not in await everywhere(season)


async def test_a_clock_of_somebody_off_the_roster_ends_too(season: World) -> None:
    await add(season, Clock(guild_id=GUILD, user_id=SAM.user_id, started_at=START, note=SECRET))
    done = await delete(season, SAM)
    assert done.standing is None
    assert await count(season, Clock) == 0


async def test_a_candidate_is_not_waiting_any_more(season: World) -> None:
    await season.do(roster.join, SAM)
    assert (await delete(season, SAM)).standing is not None
    assert await count(season, Helper, Helper.user_id == SAM.user_id) == 0


async def test_the_second_time_nothing_is_left(season: World) -> None:
    await season.log(ADA, "1h")
    first = await delete(season)
    assert "Nothing is stored about you here" in await season.refused(mydata.delete, ADA)
    assert await season.see(stored_name, ADA.user_id) == first.name
    assert (await season.actions()).count("mydata.deleted") == 1


async def test_one_press_counts_once(season: World) -> None:
    by = season.by(ADA)
    await season.act(mydata.delete, by)
    with pytest.raises(Repeated):
        await season.act(mydata.delete, by)


async def test_two_presses_at_once_erase_once(season: World) -> None:
    await season.log(ADA, "1h")

    async def press() -> mydata.Deleted:
        return await delete(season)

    outcomes = await twice_at_once(press, press)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Deleted", "Refusal"]
    assert (await season.actions()).count("mydata.deleted") == 1


async def test_two_questions_end_with_the_first_answer(season: World) -> None:
    for _ in range(2):
        await season.do(confirmations.ask, ADA, act="mydata.delete", facts={})
    await delete(season)
    assert "has been answered" in await season.refused(confirmations.take, ADA, number=2)


async def test_an_open_batch_keeps_the_address_until_it_is_closed(waiting: World) -> None:
    await waiting.published()
    round_ = await waiting.round("2026-Q1")
    await add(
        waiting,
        address(),
        address(user_id=BEN.user_id, address="0xben"),
        Batch(
            id=1, guild_id=GUILD, number=1, round_id=round_.id, version=1, state="open",
            actor_id=KIM.user_id, at=COMPUTE,
        ),
        BatchItem(batch_id=1, user_id=ADA.user_id, amount=1, decimals=2, address=ADDRESS),
        BatchItem(batch_id=1, user_id=BEN.user_id, amount=1, decimals=2, address="0xben"),
    )  # fmt: skip
    assert (await delete(waiting)).left.batches == (1,)
    assert await count(waiting, BatchItem, BatchItem.address == ADDRESS) == 1
    assert not await waiting.see(mydata.has_outlived)
    async with waiting.db.write() as session:
        batch = await session.get(Batch, 1)
        assert batch is not None
        batch.state = "paid"
    assert await waiting.see(mydata.has_outlived)
    async with waiting.db.write() as session:
        await mydata.erase_outlived(session)
    assert ADDRESS not in await everywhere(waiting)
    assert await count(waiting, BatchItem, BatchItem.address == "0xben") == 1
    assert not await waiting.see(mydata.has_outlived)


async def test_what_a_closed_batch_holds_goes_at_once(waiting: World) -> None:
    await waiting.published()
    round_ = await waiting.round("2026-Q1")
    await add(
        waiting,
        address(),
        Batch(
            id=1, guild_id=GUILD, number=1, round_id=round_.id, version=1, state="paid",
            actor_id=KIM.user_id, at=COMPUTE, closed_at=COMPUTE,
        ),
        BatchItem(batch_id=1, user_id=ADA.user_id, amount=1, decimals=2, address=ADDRESS),
    )  # fmt: skip
    await delete(waiting)
    assert ADDRESS not in await everywhere(waiting)


async def test_a_suspension_stands_and_coming_back_does_not_lift_it(season: World) -> None:
    await add(
        season,
        Suspension(
            guild_id=GUILD, user_id=ADA.user_id, actor_id=KIM.user_id, reason="a decision",
            since=START, disputable_until=START + 14 * DAY,
        ),
    )  # fmt: skip
    await delete(season)
    await season.do(roster.join, ADA)
    assert await count(season, Suspension, Suspension.lifted_at.is_(None)) == 1


async def test_a_removal_stands(season: World) -> None:
    await season.do(roster.remove, MOE, user_id=ADA.user_id, reason=SECRET)
    assert (await delete(season)).standing is None
    assert SECRET not in await everywhere(season)
    assert "A moderator removed you" in await season.refused(roster.join, ADA)


async def test_the_name_comes_back_by_an_act_of_ones_own_only(season: World) -> None:
    await season.log(BEN, "1h")
    first = await delete(season, BEN)
    await season.do(roster.add, MOE, person=BEN.person)
    assert await season.see(stored_name, BEN.user_id) == first.name
    await season.do(hours.log, BEN, duration="1h", note="again")
    assert await season.see(stored_name, BEN.user_id) == "Ben"
    second = await delete(season, BEN)
    assert second.name != first.name


async def test_messages_that_showed_it_are_brought_up_to_date(waiting: World) -> None:
    await waiting.published()
    await waiting.do(hours.log, ADA, duration="1h", note=SECRET)
    await waiting.do(thanks.give, ADA, person=BEN.person, note=SECRET, private=False)
    round_ = await waiting.round("2026-Q1")
    facts = json.dumps({"dispute": 1, "reason": SECRET})
    post = {"guild_id": GUILD, "kind": "dispute", "state": "sent", "created_at": START}
    await opened_dispute(waiting)
    await add(
        waiting,
        Post(name="dispute:1", facts=facts, **post),
        Post(name="dispute:2", facts=json.dumps({"dispute": 2}), **post),
    )
    async with waiting.db.write() as session:
        await session.execute(text("UPDATE posts SET state = 'sent', message_id = id"))
    await delete(waiting)
    changed = {post.name for post in await waiting.posts() if post.state == "pending"}
    assert {"entry:1", "entry:3", "dispute:1"} <= changed
    assert f"round:{round_.id}:published:1:thread" in changed
    assert f"round:{round_.id}:published:1:channel" in changed
    assert any(name.startswith("thanks:") for name in changed)
    assert "entry:2" not in changed
    assert "dispute:2" not in changed
    assert SECRET not in await everywhere(waiting)


async def test_who_was_in_the_committee_leaves_decisions_readable(waiting: World) -> None:
    await waiting.do(settlement.adjust, KIM, person=ADA.person, reason="a slip", minutes=-5)
    await waiting.published(LEE)
    await delete(waiting, KIM)
    published = await waiting.see(settlement.published_of, await waiting.round("2026-Q1"))
    assert [change.reason for change in published.adjustments] == ["a slip"]
    assert published.names[KIM.user_id].startswith("member-")
    assert await count(waiting, Opening, Opening.text == "a slip") == 0


async def test_the_season_of_somebody_who_left_data_behind_stays_as_it_was(season: World) -> None:
    await paid_season(season)
    before = await season.document("2026-Q1")
    await delete(season)
    await delete(season, BEN)
    after = await season.document("2026-Q1")
    for field in ("inputs", "total", "statement_sha256", "policy"):
        assert after[field] == before[field]
    async with season.db.read() as session:
        names = set(await session.scalars(select(PublishedLine.name)))
    assert all(name.startswith("member-") for name in names)


async def test_what_can_be_erased_is_counted(season: World) -> None:
    await season.log(CYD, "1h")
    left = await season.see(mydata.may_delete, by=season.by(CYD))
    assert (left.name, left.is_listed, left.has_clock) == ("Cyd", True, False)
    assert left.erasable == stored.Erasable(
        entries=1, notes=0, disputes=0, addresses=0, activity=0, opinions=0, texts=1
    )
    assert left.erasable.anything


# ---------------------------------------------------------------- with everything else


async def test_a_batch_is_not_handed_out_again_but_can_be_recorded_as_paid(season: World) -> None:
    await season.do(addresses.set_own, ADA, address=ADDRESS)
    await season.do(addresses.set_own, BEN, address=OTHER)
    await season.drafted()
    await season.published()
    handed = await season.do(batches.export, KIM, file_format="safe-csv")
    done = await delete(season)
    assert done.left.batches == (handed.number,)
    assert f"<@{ADA.user_id}>" in await season.refused(batches.export, KIM, file_format="safe-csv")
    assert await count(season, BatchItem, BatchItem.address == ADDRESS) == 1
    await season.do(payments.record, KIM, reference="0x1", batch=str(handed.number))
    assert set((await season.states("2026-Q1")).values()) == {"paid"}
    await mirror.erase_outlived(season.db)
    assert ADDRESS not in await everywhere(season)
    assert await count(season, BatchItem, BatchItem.address == OTHER) == 1
    assert (await season.see(audit.verify, GUILD)).faults == ()


async def test_a_new_address_after_it_is_another_one(season: World) -> None:
    await season.do(addresses.set_own, ADA, address=ADDRESS)
    await season.drafted({ADA: 600})
    await season.published()
    await season.do(batches.export, KIM, file_format="safe-csv")
    await delete(season)
    season.now += HOUR
    await season.do(addresses.set_own, ADA, address=OTHER)
    await season.do(batches.cancel, KIM, batch="1", reason="erased")
    await mirror.erase_outlived(season.db)
    assert ADDRESS not in await everywhere(season)
    season.now += DAY + MINUTE
    handed = await season.do(batches.export, KIM, file_format="safe-csv")
    assert OTHER in str(handed.files)


async def test_an_open_dispute_stays_without_its_reason(waiting: World) -> None:
    await waiting.published()
    await waiting.do(disputes.submit, ADA, reason=SECRET)
    await delete(waiting)
    assert SECRET not in await everywhere(waiting)
    assert set((await waiting.states("2026-Q1")).values()) == {"held"}
    await waiting.do(disputes.withdraw, ADA, number="1")
    assert set((await waiting.states("2026-Q1")).values()) == {"due"}


async def test_an_opinion_is_erased_and_the_card_follows(season: World) -> None:
    await season.log(ADA, "1h")
    await season.do(opinions.give, BEN, number=1, opinion=Opinion_.HIGH)
    assert len((await export(season, BEN)).document["opinions_given"]) == 1
    await delete(season, BEN)
    assert await count(season, Opinion) == 0
    assert "entry:1" in {post.name for post in await season.posts() if post.state == "pending"}
