"""The record: looked through by the committee, checked by anybody, mirrored where that is set."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from bot.domain.errors import Refusal
from bot.services import audit, history, hours, payments, roster, settings, settlement
from storage import record
from storage.record import Filter
from storage.tables import Post
from tests.databases import guards_off
from tests.services.world import (
    ADA,
    BEN,
    COMPUTE,
    CYD,
    DAY,
    GUILD,
    KIM,
    LEE,
    ROOT,
    SAM,
    World,
    paid_season,
)

LABELS = ("2026-Q1",)
LOG_CHANNEL = "200000000000000009"


async def log(world: World, subject: str | None = None) -> audit.Log:
    return await world.see(audit.log, by=world.by(KIM), subject=subject)


# ---------------------------------------------------------------- the log


@pytest.mark.parametrize(
    ("typed", "wanted"),
    (
        ("", Filter()),
        ("  ", Filter()),
        ("<@12>", Filter(user_id=12)),
        ("<@!12>", Filter(user_id=12)),
        ("100000000000000012", Filter(user_id=100000000000000012)),
        ("2026-q1", Filter(label="2026-Q1")),
        ("entry:12", Filter(subject="entry:12")),
        ("round:2026-Q1", Filter(subject="round:2026-Q1")),
        ("Payout", Filter(action="payout")),
        (" payout.adjusted ", Filter(action="payout.adjusted")),
    ),
)
def test_what_a_filter_accepts(typed: str, wanted: Filter) -> None:
    assert audit.read_filter(typed, labels=LABELS) == wanted


@pytest.mark.parametrize("typed", ("2026-Q9", "%", "a b", "payout.adjusted.x", "<@x>", "@ada"))
def test_what_it_does_not_says_what_it_would(typed: str) -> None:
    with pytest.raises(Refusal, match="accepts a person"):
        audit.read_filter(typed, labels=LABELS)


async def test_everything_newest_first_with_the_texts(season: World) -> None:
    await season.do(hours.log, ADA, duration="1h", note="met in the forum")
    found = await log(season)
    rows = await season.record()
    assert [noted.row for noted in found.rows] == rows[::-1]
    assert found.rows[0].texts == {"note": "met in the forum"}
    assert found.rows[0].erased == ()
    async with season.db.write() as session:
        await session.execute(text("DELETE FROM openings"))
    assert (await log(season)).rows[0].erased == ("note",)


async def test_rows_by_person_round_subject_and_action(season: World) -> None:
    await paid_season(season)
    await season.do(hours.log, CYD, duration="1h", note="x")

    async def actions(subject: str) -> list[str]:
        return [noted.row.action for noted in (await log(season, subject)).rows]

    assert await actions(f"<@{ADA.user_id}>") == [
        "payment.recorded", "entry.logged", "helper.added",
    ]  # fmt: skip
    assert await actions("entry:1") == ["entry.logged"]
    assert await actions("payment") == ["payment.recorded"] * 2
    assert await actions("pay") == []
    assert await actions("2026-Q2") == ["entry.logged", "round.opened"]
    assert len(await actions("2026-Q1")) > 5


async def test_wildcards_match_nothing_but_themselves(season: World) -> None:
    found = await season.see(record.filtered, GUILD, Filter(action="helper_added"))
    assert found == []
    assert await season.see(record.filtered, GUILD, Filter(label="2026_Q1")) == []


async def test_addresses_and_pairs_are_not_told(season: World) -> None:
    async with season.db.write() as session:
        await history.append(
            session, guild_id=GUILD, at=season.now, action="address.set", subject="user:11",
            actor=11, texts={"address": "0xsecret", "thanks": "[[1,2]]"},
        )  # fmt: skip
    newest = (await log(season)).rows[0]
    assert newest.texts == {}
    assert newest.erased == ()


async def test_it_is_for_the_committee_of_this_server(season: World) -> None:
    for who in (ADA, SAM, ROOT):
        assert "for the committee" in await season.refused(audit.log, who)
    assert await season.see(audit.offered, by=season.by(ADA)) == []
    there = season.elsewhere()
    await there.set_up()
    assert all(noted.row.data.get("round") is None for noted in (await log(there)).rows)


async def test_what_is_offered_is_what_filters(season: World) -> None:
    offered = dict(await season.see(audit.offered, by=season.by(KIM)))
    assert offered["2026-Q1"] == "2026-Q1"
    assert offered["helper"] == "helper"
    assert offered["helper.added"] == "helper.added"
    assert offered[str(ADA.user_id)] == f"Ada ({ADA.user_id})"


# ---------------------------------------------------------------- the chain


async def test_a_sound_record_says_its_length_head_and_where_to_compare(season: World) -> None:
    before = await season.see(audit.verify, GUILD)
    assert before.published is None
    await paid_season(season)
    found = await season.see(audit.verify, GUILD)
    rows = await season.record()
    assert (found.length, found.head, found.faults) == (len(rows), rows[-1].hash, ())
    published = next(row for row in rows if row.action == "payout.published")
    assert found.published == ("2026-Q1", published.number, published.hash)


async def test_an_empty_record_is_sound(server: World) -> None:
    found = await server.see(audit.verify, GUILD)
    assert (found.length, found.head, found.faults) == (0, "0" * 64, ())


async def broken(world: World, *statements: str) -> tuple[str, ...]:
    """Change the database past its guards, check, and take it back."""
    async with world.db.write() as session:
        for statement in (*guards_off(world.db), *statements):
            await session.execute(text(statement))
        session.expire_all()
        found = await audit.verify(session, GUILD)
        await session.rollback()
    return found.faults


async def test_every_kind_of_tampering_is_named(season: World) -> None:
    await paid_season(season)
    rows = await season.record()
    head = next(row.number for row in rows if row.action == "payout.published")
    assert await broken(season, "UPDATE record SET actor = '9' WHERE number = 3") == (
        "record row 3: its content does not give its hash",
    )
    (gone,) = await broken(season, "DELETE FROM record WHERE number > 20", "SELECT 1")
    assert gone == f"record row {head}: it is gone, though a statement was published by it"
    found = await broken(season, "DELETE FROM record WHERE number = 1")
    assert "record row 2: it is the first, and rows before it are gone" in found
    (changed,) = await broken(season, "UPDATE openings SET text = 'other' WHERE field = 'note' "
                              "AND number = (SELECT min(number) FROM openings "
                              "WHERE field = 'note')")  # fmt: skip
    assert changed.endswith("the stored note does not give its digest")
    (moved,) = await broken(season, "UPDATE statements SET record_head = 'x'")
    assert moved == f"record row {head}: a statement was published with another hash of it"


async def test_a_broken_record_is_reported_once_a_day(season: World) -> None:
    async def report() -> None:
        async with season.db.write() as session:
            await audit.report(session, GUILD, text="broken", at=season.now)

    await report()
    await report()
    assert len(await season.posts("notice")) == 1
    season.now += DAY
    await report()
    assert len(await season.posts("notice")) == 2


# ---------------------------------------------------------------- the mirror


async def mirror(world: World) -> list[str]:
    async with world.db.write() as session:
        await audit.mirror(session, world.guild_id, now=world.now)
    return [post.name for post in await world.posts("mirror")]


async def test_without_a_log_channel_nothing_is_mirrored(season: World) -> None:
    assert not await season.see(audit.is_behind, GUILD)
    assert await mirror(season) == []
    assert list(await season.see(audit.servers)) == [GUILD]


async def test_the_mirror_begins_after_the_row_that_set_it_and_says_each_row_once(
    season: World,
) -> None:
    await season.do(settings.change, ROOT, values={"log_channel": LOG_CHANNEL})
    begun = len(await season.record())
    assert not await season.see(audit.is_behind, GUILD)
    assert await mirror(season) == []
    for _ in range(3):
        await season.log(ADA, "1h")
    assert await mirror(season) == [f"mirror:{begun + 1}-{begun + 3}"]
    assert len(await mirror(season)) == 1
    await season.log(ADA, "1h")
    assert (await mirror(season))[1:] == [f"mirror:{begun + 4}-{begun + 4}"]
    rows = await season.see(audit.mirrored, GUILD, first=begun + 1, last=begun + 3)
    assert [row.action for row in rows] == ["entry.logged"] * 3


async def test_many_rows_come_in_posts_of_twenty_some_at_a_time(season: World) -> None:
    await season.do(settings.change, ROOT, values={"log_channel": LOG_CHANNEL})
    begun = len(await season.record())
    for _ in range(110):
        await season.log(ADA, "1m")
    first = await mirror(season)
    assert len(first) == 5
    assert first[0] == f"mirror:{begun + 1}-{begun + 20}"
    assert len(await mirror(season)) == 6
    assert not await season.see(audit.is_behind, GUILD)


async def test_what_happened_without_a_channel_is_not_said_later(season: World) -> None:
    for value in (LOG_CHANNEL, "-"):
        await season.do(settings.change, ROOT, values={"log_channel": value})
    await season.log(ADA, "1h")
    await season.do(settings.change, ROOT, values={"log_channel": LOG_CHANNEL})
    assert await mirror(season) == []


async def test_a_channel_that_refuses_is_left_in_peace(season: World) -> None:
    await season.do(settings.change, ROOT, values={"log_channel": LOG_CHANNEL})
    await season.log(ADA, "1h")
    assert len(await mirror(season)) == 1
    async with season.db.write() as session:
        post = await session.get(Post, (await season.posts("mirror"))[0].id)
        assert post is not None
        post.state = "parked"
    await season.log(BEN, "1h")
    assert not await season.see(audit.is_behind, GUILD)
    assert len(await mirror(season)) == 1


async def test_adjustments_and_payments_show_their_texts_to_the_committee(waiting: World) -> None:
    await waiting.do(settlement.adjust, KIM, person=ADA.person, reason="a slip", minutes=-5)
    await waiting.published(LEE)
    await waiting.do(payments.record, KIM, reference="0x1")
    await waiting.do(roster.remove, ROOT, user_id=CYD.user_id, reason="long gone")
    assert waiting.now == COMPUTE
    texts = [noted.texts for noted in (await log(waiting)).rows if noted.texts]
    assert {"reason": "a slip"} in texts
    assert {"reason": "long gone"} in texts
