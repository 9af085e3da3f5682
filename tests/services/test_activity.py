"""Messages that were seen: what is kept of them, for how long, and what they tell."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from bot.domain.opinions import Opinion
from bot.domain.sessions import Visible
from bot.domain.thanks import DISCORD_EPOCH, Doubt
from bot.services import activity, opinions, review, rounds, settings, settlement, thanks
from bot.services.activity import Kept, Seen
from storage import thanks as stored_thanks
from storage.tables import Address
from tests.services.world import (
    ADA,
    BEN,
    CLOSE,
    COMPUTE,
    CYD,
    DAY,
    HOUR,
    KIM,
    MINUTE,
    ROOT,
    SAM,
    START,
    SUPPORT,
    TOM,
    Who,
    World,
    utc,
)

HERE, ELSEWHERE_CHANNEL, THREAD = int(SUPPORT), 666, 777
LABEL = "2026-Q1"
MILLISECOND = timedelta(milliseconds=1)


def message(
    who: Who,
    at: datetime,
    *,
    channel: int = HERE,
    parent: int | None = None,
    reply_to: Who | None = None,
    number: int = 0,
) -> Seen:
    """A message with the id that Discord gives at an instant."""
    snowflake = ((at - DISCORD_EPOCH) // MILLISECOND << 22) + number
    return Seen(snowflake, who.user_id, channel, parent, reply_to.user_id if reply_to else None)


async def see(world: World, *seen: Seen, gone: tuple[int, ...] = ()) -> Kept:
    """Take messages in as the job does."""
    kept = await world.see(activity.sift, world.guild_id, seen, gone=gone)
    async with world.db.write() as session:
        await activity.store(session, world.guild_id, kept)
    return kept


async def presence(world: World, *people: Who, label: str = LABEL) -> activity.Presence | None:
    users = [who.user_id for who in people]
    return await world.see(activity.presence, await world.round(label), users)


async def low(world: World, who: Who, label: str = LABEL) -> int:
    found = await presence(world, who, label=label)
    assert found is not None
    return found.by_user[who.user_id].low


async def met(world: World, helper: Who, *voters: Who) -> set[int] | None:
    wanted = {helper.user_id: [voter.user_id for voter in voters]}
    found = await world.see(activity.met, await world.round(LABEL), wanted)
    return None if found is None else set(found.by_helper[helper.user_id])


async def expire(world: World) -> int:
    async with world.db.write() as session:
        return await activity.expire(session, world.guild_id, now=world.now)


async def warned(world: World) -> tuple[str, ...]:
    draft = await world.see(settlement.preview, by=world.by(KIM), label=None)
    return draft.warnings


# ---------------------------------------------------------------- what is kept


async def test_messages_where_people_are_supported_are_kept_once(season: World) -> None:
    first = message(ADA, START + HOUR)
    second = message(ADA, START + HOUR + 10 * MINUTE, channel=THREAD, parent=HERE)
    await see(season, first, second)
    await see(season, second)
    found = await presence(season, ADA, BEN)
    assert found is not None
    assert found.since is None
    assert found.by_user == {ADA.user_id: Visible(10, 13, 1), BEN.user_id: Visible(0, 0, 0)}


async def test_other_channels_are_not_kept(season: World) -> None:
    kept = await see(
        season,
        message(ADA, START + HOUR, channel=ELSEWHERE_CHANNEL),
        message(ADA, START + HOUR, channel=THREAD, parent=ELSEWHERE_CHANNEL),
        message(ADA, START + HOUR, channel=THREAD, parent=None),
    )
    assert kept == Kept()
    assert await presence(season, ADA) is None


async def test_the_thread_of_the_round_is_known_without_its_channel(season: World) -> None:
    async with season.db.write() as session:
        found = await rounds.named(session, season.guild_id, LABEL)
        found.thread_id = THREAD
    kept = await see(season, message(ADA, START + HOUR, channel=THREAD))
    assert len(kept.rows) == 1


async def test_a_support_channel_that_is_set_later_counts_beside_that_of_the_round(
    season: World,
) -> None:
    await season.do(settings.change, ROOT, values={"support_channel": str(10**17)})
    kept = await see(
        season, message(ADA, START + HOUR, channel=10**17), message(ADA, START + 2 * HOUR)
    )
    assert [row.channel_id for row in kept.rows] == [10**17, HERE]


async def test_nothing_is_kept_without_an_open_round(town: World) -> None:
    assert await see(town, message(ADA, START + HOUR)) == Kept()


async def test_a_message_belongs_to_the_round_of_its_own_time(season: World) -> None:
    early = message(ADA, START - HOUR)
    last = message(ADA, CLOSE - MILLISECOND)
    next_ = message(ADA, CLOSE)
    await season.to(CLOSE)
    kept = await see(season, early, last, next_)
    by_label = {label: (await season.round(label)).id for label in (LABEL, "2026-Q2")}
    assert [(row.message_id, row.round_id) for row in kept.rows] == [
        (last.message_id, by_label[LABEL]),
        (next_.message_id, by_label["2026-Q2"]),
    ]
    assert kept.waiting == ()


async def test_messages_after_a_close_that_is_still_to_be_done_wait_for_the_next_round(
    season: World,
) -> None:
    season.now = CLOSE + HOUR
    after = message(ADA, CLOSE + MINUTE)
    assert await see(season, after) == Kept(waiting=(after,))
    await season.to(CLOSE + HOUR)
    assert [row.message_id for row in (await see(season, after)).rows] == [after.message_id]


async def test_a_void_round_takes_none(season: World) -> None:
    await season.void()
    assert await see(season, message(ADA, START + HOUR)) == Kept()


async def test_a_deleted_message_leaves_no_trace(season: World) -> None:
    first, second, third = (message(ADA, START + number * MINUTE) for number in (1, 5, 9))
    await see(season, first, second)
    kept = await see(season, third, gone=(second.message_id, third.message_id, 12345))
    assert kept == Kept(gone=(second.message_id,))
    assert await low(season, ADA) == 0
    found = await presence(season, ADA)
    assert found is not None
    assert found.by_user[ADA.user_id].sessions == 1


async def test_five_hundred_messages_are_kept_together(season: World) -> None:
    seen = [message(ADA, START + HOUR, number=number) for number in range(700)]
    assert len((await see(season, *seen)).rows) == 700
    gone = tuple(each.message_id for each in seen[:699])
    assert len((await see(season, gone=gone)).gone) == 699
    found = await presence(season, ADA)
    assert found is not None
    assert found.by_user[ADA.user_id] == Visible(0, 3, 1)


async def test_nothing_of_it_stands_in_the_record(season: World) -> None:
    before = await season.record()
    await see(season, message(ADA, START + HOUR, reply_to=SAM))
    await expire(season)
    assert await season.record() == before


# ---------------------------------------------------------------- for how long


async def test_what_is_old_is_deleted_and_that_is_known(season: World) -> None:
    await season.do(settings.change, ROOT, values={"activity_days": "10"})
    await see(season, message(ADA, START + HOUR), message(ADA, START + 5 * DAY))
    season.now = START + 10 * DAY + HOUR
    assert await expire(season) == 0
    season.now += MILLISECOND
    assert await expire(season) == 1
    assert await expire(season) == 0
    found = await presence(season, ADA)
    assert found is not None
    assert (found.by_user[ADA.user_id].sessions, found.since) == (1, START + HOUR + MILLISECOND)
    season.now = START + 30 * DAY
    assert await expire(season) == 1
    assert await presence(season, ADA) is None


async def test_a_round_that_opened_after_the_deletion_misses_nothing(season: World) -> None:
    await season.do(settings.change, ROOT, values={"activity_days": "1"})
    await see(season, message(ADA, START + HOUR))
    await season.to(CLOSE)
    assert await expire(season) == 1
    await see(season, message(ADA, CLOSE + HOUR))
    found = await presence(season, ADA, label="2026-Q2")
    assert found is not None
    assert found.since is None


async def test_one_server_deletes_its_own_only(season: World) -> None:
    other = season.elsewhere()
    await other.opened()
    for world in (season, other):
        await see(world, message(ADA, START + HOUR))
    season.now = START + 100 * DAY
    assert await expire(season) == 1
    assert await low(other, ADA) == 0


# ---------------------------------------------------------------- who met whom


async def test_people_meet_by_replies_and_by_writing_near_each_other(season: World) -> None:
    assert await met(season, ADA, SAM) is None
    at = START + HOUR
    await see(
        season,
        message(SAM, at),
        message(ADA, at + 30 * MINUTE),
        message(ADA, at + 5 * HOUR, reply_to=TOM, channel=THREAD, parent=HERE),
        message(BEN, at + 9 * HOUR),
    )
    assert await met(season, ADA, SAM, TOM, CYD, BEN) == {SAM.user_id, TOM.user_id}


async def audit(world: World, helper: Who = ADA) -> thanks.Voters:
    return await world.see(thanks.voters, by=world.by(KIM), user_id=helper.user_id, label=None)


async def test_the_committee_sees_with_whom_no_exchange_was_seen(season: World) -> None:
    for voter in (SAM, TOM):
        await season.do(thanks.give, voter, person=ADA.person)
    found = await audit(season)
    assert (found.is_observed, [voter.met for voter in found.voters]) == (False, [None, None])
    await see(season, message(SAM, START + HOUR, reply_to=ADA))
    found = await audit(season)
    assert (found.is_observed, found.since) == (True, None)
    assert [(voter.user_id, voter.met) for voter in found.voters] == [
        (SAM.user_id, True),
        (TOM.user_id, False),
    ]


async def test_nobody_is_judged_by_messages_that_are_deleted(season: World) -> None:
    await season.do(settings.change, ROOT, values={"activity_days": "1"})
    await see(season, message(TOM, START + HOUR, reply_to=ADA))
    await season.do(thanks.give, TOM, person=ADA.person)
    season.now = START + 5 * DAY
    await season.do(thanks.give, SAM, person=ADA.person)
    await expire(season)
    await see(season, message(ADA, season.now - HOUR))
    found = await audit(season)
    assert found.since == START + 4 * DAY
    assert {voter.user_id: voter.met for voter in found.voters} == {
        SAM.user_id: False, TOM.user_id: None,
    }  # fmt: skip
    await season.log(ADA, "1h")
    assert "Ada has 2 voters: 1 of 1 never seen writing nearby." in await warned(season)


# ---------------------------------------------------------------- warnings


def born(at: datetime) -> Who:
    """Somebody whose account was made at an instant."""
    return Who((at - DISCORD_EPOCH) // MILLISECOND << 22, "New")


async def test_a_draft_warns_of_votes(season: World) -> None:
    for voter in (SAM, TOM, BEN, born(season.now - DAY), born(season.now - 2 * DAY)):
        await season.do(thanks.give, voter, person=ADA.person)
    await season.do(thanks.give, ADA, person=BEN.person)
    await season.log(ADA, "1h")
    ada = "Ada has 3 voters: 2 more too young, 1 thanked back"
    ben = "Ben has 1 voter: 1 thanked back"
    address = "No payout address for 1 of 1 line: Ada."
    assert await warned(season) == (address, f"{ada}.", f"{ben}.")
    await see(season, message(SAM, season.now, reply_to=ADA))
    assert await warned(season) == (
        address,
        f"{ada}, 2 of 3 never seen writing nearby.",
        f"{ben}, 1 of 1 never seen writing nearby.",
    )


async def test_thanks_that_came_too_late_are_nobodys_youth(season: World) -> None:
    await season.do(thanks.give, SAM, person=ADA.person)
    await season.log(ADA, "1h")
    await season.to(CLOSE)
    async with season.db.write() as session:
        for row in await stored_thanks.of_helper(
            session, (await season.round(LABEL)).id, ADA.user_id
        ):
            row.doubt = str(Doubt.LATE)
    await season.to(COMPUTE)
    assert not any("young" in warning for warning in await warned(season))


async def test_a_draft_warns_of_entries_that_seem_too_high(season: World) -> None:
    for duration in ("1h", "2h", "3h"):
        await season.log(ADA, duration)
    await season.log(BEN, "1h")
    for who, number, opinion in (
        (SAM, 1, Opinion.HIGH),
        (BEN, 1, Opinion.HIGH),
        (BEN, 2, Opinion.HIGH),
        (TOM, 3, Opinion.FAIR),
        (TOM, 4, Opinion.LOW),
    ):
        await season.do(opinions.give, who, number=number, opinion=opinion)
    assert (await warned(season))[1:] == (
        'Ada has 3 opinions "too high" (2 from other claimants) on 2 entries.',
    )


async def test_lines_that_are_not_paid_need_no_address(season: World) -> None:
    await season.log(ADA, "1h")
    await season.do(thanks.give, SAM, person=BEN.person)
    assert await warned(season) == ("No payout address for 1 of 1 line: Ada.",)


async def test_visible_time_stands_beside_the_draft_and_changes_nothing(waiting: World) -> None:
    before = await waiting.see(settlement.preview, by=waiting.by(KIM), label=None)
    statement = before.statement
    assert await waiting.see(review.presence, statement=statement) is None
    at = utc("2026-02-01 10:00")
    await see(waiting, *(message(ADA, at + minutes * MINUTE) for minutes in (0, 10, 24, 50, 60)))
    seen = await waiting.see(review.presence, statement=statement)
    assert seen is not None
    assert seen.by_user == {ADA.user_id: Visible(34, 40, 2), BEN.user_id: Visible(0, 0, 0)}
    after = await waiting.see(settlement.preview, by=waiting.by(KIM), label=None)
    assert after.statement == statement


@pytest.mark.parametrize("who", (ADA, SAM))
async def test_who_met_whom_is_for_the_committee(season: World, who: Who) -> None:
    verb = thanks.voters
    assert "for the committee" in await season.refused(verb, who, user_id=ADA.user_id, label=None)


async def test_an_address_is_looked_for_among_those_of_the_close(season: World) -> None:
    def address(who: Who, at: datetime) -> Address:
        return Address(
            guild_id=season.guild_id,
            user_id=who.user_id,
            kind="evm",
            address=f"0x{who.user_id:040x}",
            public_key=f"{who.user_id:040x}",
            set_at=at,
        )

    for who in (ADA, BEN):
        await season.log(who, "1h")
    async with season.db.write() as session:
        session.add(address(ADA, START))
    assert await warned(season) == ("No payout address for 1 of 2 lines: Ben.",)
    async with season.db.write() as session:
        session.add(address(BEN, START))
    assert await warned(season) == ()
