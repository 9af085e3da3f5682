"""Ceasing payments: proposals, votes, suspensions and what is due by the clock."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from bot.domain.cease import Kind, State
from bot.domain.errors import Refusal, Repeated
from bot.domain.states import Line
from bot.services import (
    cease,
    disputes,
    hours,
    payments,
    roster,
    rounds,
    settings,
    settlement,
    suspensions,
)
from bot.services.cease import Outcome, Poll
from storage import cease as stored
from tests.services.world import (
    ADA,
    BEN,
    COMMITTEE_ROLE,
    COMPUTE,
    CYD,
    DAY,
    HELPER_ROLE,
    KIM,
    LEE,
    MINUTE,
    MOE,
    ROOT,
    SAM,
    START,
    VAL,
    Who,
    World,
    committee,
    twice_at_once,
    utc,
)

ENDS = utc("2026-01-24 23:59:59")  # fourteen days after the START, end of the day
OVER = ENDS + MINUTE
NINE = [committee(60 + number, f"Seat {number}") for number in range(9)]
KIM_HELPS = Who(ADA.user_id, "Ada", frozenset({COMMITTEE_ROLE}))


async def seats(world: World, count: int | str) -> World:
    await world.do(settings.change, ROOT, values={"committee_seats": str(count)})
    return world


async def propose(world: World, user: Who = ADA, who: Who = KIM) -> Poll:
    return await world.do(cease.propose, who, user_id=user.user_id, reason="false hours")


async def vote(world: World, who: Who, vote: str = "yes", number: int = 1) -> Poll:
    return await world.do(cease.vote, who, number=str(number), vote=vote)


async def suspend(world: World, user: Who = ADA, who: Who = KIM) -> Outcome:
    return await world.do(cease.suspend, who, user_id=user.user_id, reason="false hours")


async def reinstate(world: World, user: Who = ADA, who: Who = KIM) -> Outcome:
    return await world.do(cease.reinstate, who, user_id=user.user_id, reason="cleared up")


async def poll(world: World, number: int = 1) -> Poll:
    return await world.see(cease.poll, world.guild_id, number=number)


async def stopped(world: World) -> dict[int, bool]:
    """Return whose payments are stopped, and whether that is final."""
    found = await world.see(suspensions.stops, world.guild_id)
    return {user: stop.is_final for user, stop in found.items()}


async def rows(world: World, start: str) -> list[tuple[str, str, dict[str, Any]]]:
    found = [row for row in await world.record() if row.action.startswith(start)]
    return [(row.action, row.subject, _bare(row.data)) for row in found]


def _bare(data: Any) -> dict[str, Any]:
    return {key: value for key, value in data.items() if not key.endswith("_digest")}


async def said(world: World, kind: str) -> list[tuple[str, str]]:
    return [(post.name, post.state) for post in await world.posts(kind)]


# ---------------------------------------------------------------- proposing


async def test_a_proposal_carries_nobodys_vote_and_is_posted(season: World) -> None:
    await seats(season, 3)
    made = await propose(season)
    assert made == Poll(
        number=1, kind=Kind.CEASE, user_id=ADA.user_id, name="Ada", proposer_id=KIM.user_id,
        reason="false hours", state=State.OPEN, ends_at=ENDS, decided_at=None, seats=3, needed=2,
        yes=(), no=(),
    )  # fmt: skip
    assert await poll(season) == made
    assert await stopped(season) == {}
    assert await said(season, "cease") == [("cease:1", "pending")]
    (row,) = await rows(season, "cease")
    assert row == (
        "cease.proposed",
        "cease:1",
        {"kind": "cease", "user_id": "11", "seats": 3, "ends_at": "2026-01-24T23:59:59.000000Z"},
    )


async def test_the_reason_is_in_the_record_as_a_digest_only(season: World) -> None:
    await seats(season, 1)
    await propose(season)
    await vote(season, LEE)
    texts = [row.data for row in await season.record()]
    assert not [data for data in texts if "false hours" in str(data)]
    assert [row.action for row in await season.record() if "reason_digest" in row.data] == [
        "cease.proposed",
        "suspension.began",
    ]


VERBS = (cease.propose, cease.suspend, cease.reinstate)


@pytest.mark.parametrize("verb", VERBS)
async def test_it_is_for_the_committee(season: World, verb: Any) -> None:
    await seats(season, 3)
    for who in (BEN, MOE, ROOT):
        said = await season.refused(verb, who, user_id=ADA.user_id, reason="x")
        assert said.startswith("This is for the committee")


@pytest.mark.parametrize("verb", VERBS)
async def test_without_a_number_of_seats_it_is_said_who_sets_it(season: World, verb: Any) -> None:
    said = await season.refused(verb, KIM, user_id=ADA.user_id, reason="x")
    assert "`committee_seats`" in said
    assert "An admin sets it with `/settings set`" in said


@pytest.mark.parametrize("verb", VERBS)
async def test_a_committee_role_that_is_not_set_is_named(season: World, verb: Any) -> None:
    await seats(season, 3)
    await season.do(settings.change, ROOT, values={"committee_role": "-"})
    said = await season.refused(verb, KIM, user_id=ADA.user_id, reason="x")
    assert said.startswith("No committee role is set yet.")


@pytest.mark.parametrize("verb", VERBS)
async def test_nobody_decides_about_their_own_payments(season: World, verb: Any) -> None:
    await seats(season, 1)
    said = await season.refused(verb, KIM_HELPS, user_id=ADA.user_id, reason="x")
    assert said == "Your own payments are for the other members of the committee."
    assert (await rows(season, "rule"))[-1] == (
        "rule.blocked",
        "user:11",
        {"rule": "own payments"},
    )
    assert await stopped(season) == {}


@pytest.mark.parametrize("verb", VERBS)
async def test_it_needs_a_reason(season: World, verb: Any) -> None:
    await seats(season, 1)
    said = await season.refused(verb, KIM, user_id=ADA.user_id, reason="  ")
    assert said.startswith("Give a `reason`")


@pytest.mark.parametrize("verb", (cease.propose, cease.suspend))
async def test_somebody_who_never_helped_has_nothing_to_hold(season: World, verb: Any) -> None:
    await seats(season, 1)
    await season.do(roster.join, SAM)  # a candidate
    for who in (SAM, VAL):
        said = await season.refused(verb, KIM, user_id=who.user_id, reason="x")
        assert "never was a helper here and has no line" in said


async def test_somebody_with_a_line_can_be_suspended_without_ever_having_helped(
    waiting: World,
) -> None:
    await seats(waiting, 1)
    await waiting.do(roster.join, SAM)
    await waiting.do(settlement.adjust, KIM, person=SAM.person, reason="a gift", amount="5")
    await waiting.do(settlement.approve, LEE)
    await waiting.do(settlement.publish, LEE)
    await suspend(waiting, SAM)
    assert (await waiting.states("2026-Q1"))[SAM.user_id] is Line.HELD


async def test_somebody_who_left_can_be_suspended(season: World) -> None:
    await seats(season, 1)
    await season.do(roster.leave, ADA)
    await suspend(season)
    assert await stopped(season) == {ADA.user_id: False}


async def test_one_proposal_about_a_person_at_a_time(season: World) -> None:
    await seats(season, 3)
    await propose(season)
    for verb in (cease.propose, cease.suspend):
        said = await season.refused(verb, LEE, user_id=ADA.user_id, reason="x")
        assert said == (
            "Proposal 1 to cease payments to <@11> is open: `/cease vote` with 1 votes on it."
        )
    assert (await propose(season, BEN)).number == 2


@pytest.mark.parametrize("verb", (cease.propose, cease.suspend))
async def test_somebody_suspended_is_not_suspended_again(season: World, verb: Any) -> None:
    await seats(season, 1)
    await suspend(season)
    said = await season.refused(verb, LEE, user_id=ADA.user_id, reason="x")
    assert said.startswith("Payments to <@11> are held already, since <t:")
    await season.to(OVER)
    said = await season.refused(verb, LEE, user_id=ADA.user_id, reason="x")
    assert said.startswith("Payments to <@11> are ceased already")


async def test_two_at_once_make_one_proposal(season: World) -> None:
    await seats(season, 3)
    results = await twice_at_once(lambda: propose(season), lambda: propose(season, who=LEE))
    assert len([result for result in results if isinstance(result, Refusal)]) == 1
    assert len(await season.posts("cease")) == 1


async def test_an_interaction_that_arrives_twice_proposes_once(season: World) -> None:
    await seats(season, 3)
    by = season.by(KIM)
    await season.act(cease.suspend, by, user_id=ADA.user_id, reason="x")
    with pytest.raises(Repeated):
        await season.act(cease.suspend, by, user_id=ADA.user_id, reason="x")
    assert (await poll(season)).yes == (KIM.user_id,)


# ---------------------------------------------------------------- voting


async def test_a_majority_of_the_seats_holds_the_payments_at_once(season: World) -> None:
    await seats(season, 3)
    await propose(season)
    first = await vote(season, KIM)
    assert (first.state, first.yes, first.stop) == (State.OPEN, (KIM.user_id,), None)
    season.now += DAY
    carried = await vote(season, LEE)
    assert (carried.state, carried.decided_at) == (State.CARRIED, season.now)
    assert carried.yes == (KIM.user_id, LEE.user_id)
    assert carried.stop is not None
    assert carried.stop.disputable_until == ENDS + DAY
    assert (carried.stop.reason, carried.stop.is_final) == ("false hours", False)
    assert await rows(season, "suspension") == [
        ("suspension.began", "user:11", {"user_id": "11", "rounds": []})
    ]
    assert [row[0] for row in await rows(season, "cease")] == [
        "cease.proposed",
        "cease.voted",
        "cease.voted",
        "cease.carried",
    ]
    assert (await rows(season, "cease"))[-1][2] == {"yes": 2, "no": 0, "seats": 3}
    said_ = [await said(season, f"suspension-{place}") for place in ("channel", "thread")]
    assert said_ == [
        [("suspension:1:began:channel", "pending")],
        [("suspension:1:began:thread", "pending")],
    ]


async def test_recusal_does_not_shrink_the_base(season: World) -> None:
    await seats(season, 9)
    await propose(season)
    for who in NINE[:4]:
        assert (await vote(season, who)).state is State.OPEN
    await season.to(OVER)  # the other five recused themselves
    lapsed = await poll(season)
    assert (lapsed.state, lapsed.decided_at, len(lapsed.yes)) == (State.LAPSED, OVER, 4)
    assert await stopped(season) == {}
    assert (await rows(season, "cease"))[-1] == (
        "cease.lapsed",
        "cease:1",
        {"yes": 4, "no": 0, "seats": 9},
    )


async def test_five_no_of_nine_end_it_at_once(season: World) -> None:
    await seats(season, 9)
    await propose(season)
    for who in NINE[:4]:
        await vote(season, who, "no")
    assert (await vote(season, NINE[4], "no")).state is State.FAILED
    said = await season.refused(cease.vote, NINE[5], number="1", vote="yes")
    assert said.startswith("Proposal 1 has failed <t:")
    assert (await propose(season)).number == 2  # it can be asked again


async def test_a_vote_can_be_changed_while_it_is_open(season: World) -> None:
    await seats(season, 3)
    await propose(season)
    await vote(season, KIM, " YES ")
    said = await season.refused(cease.vote, KIM, number="1", vote="yes")
    assert said.startswith("You have voted yes already.")
    changed = await vote(season, KIM, "no")
    assert (changed.yes, changed.no) == ((), (KIM.user_id,))
    said = await season.refused(cease.vote, KIM, number="1", vote="no")
    assert said.startswith("You have voted no already.")
    await vote(season, LEE)
    await vote(season, KIM)
    assert await stopped(season) == {ADA.user_id: False}


async def test_only_the_committee_votes_and_not_who_lost_the_role(season: World) -> None:
    await seats(season, 3)
    await propose(season)
    await vote(season, KIM)
    lost = Who(KIM.user_id, "Kim")
    said = await season.refused(cease.vote, lost, number="1", vote="no")
    assert said.startswith("This is for the committee")
    for who in (BEN, ADA, ROOT):
        assert await season.refused(cease.vote, who, number="1", vote="no")
    assert (await poll(season)).yes == (KIM.user_id,)  # an earlier vote stands
    assert (await vote(season, LEE)).state is State.CARRIED


async def test_the_person_concerned_has_no_vote(season: World) -> None:
    await seats(season, 2)
    await propose(season)
    for word in ("yes", "no"):
        said = await season.refused(cease.vote, KIM_HELPS, number="1", vote=word)
        assert said == "This is about your own payments, so the other members vote."
    assert [row[0] for row in await rows(season, "rule")] == ["rule.blocked"] * 2
    assert (await vote(season, KIM)).state is State.OPEN
    await season.to(OVER)
    assert (await poll(season)).state is State.LAPSED  # their seat counts all the same


async def test_a_committee_of_one(season: World) -> None:
    await seats(season, 1)
    await propose(season)
    assert (await vote(season, KIM)).state is State.CARRIED


async def test_a_committee_of_one_says_no(season: World) -> None:
    await seats(season, 1)
    await propose(season)
    assert (await vote(season, KIM, "no")).state is State.FAILED


async def test_a_committee_role_that_nobody_has_lets_a_proposal_lapse(season: World) -> None:
    await seats(season, 1)
    await propose(season)
    await season.do(settings.change, ROOT, values={"committee_role": str(HELPER_ROLE)})
    for who in (KIM, LEE):
        said = await season.refused(cease.vote, who, number="1", vote="yes")
        assert said.startswith("This is for the committee")
    await season.to(OVER)
    assert (await poll(season)).state is State.LAPSED


async def test_the_seats_are_those_of_when_it_was_asked(season: World) -> None:
    await seats(season, 3)
    await propose(season)
    await seats(season, 1)
    assert (await vote(season, KIM)).state is State.OPEN


@pytest.mark.parametrize("number", ("2", "0", "-1", "x", "", "1.0", "٣", "9" * 30))
async def test_a_number_that_is_none_is_refused(season: World, number: str) -> None:
    await seats(season, 3)
    await propose(season)
    said = await season.refused(cease.vote, KIM, number=number, vote="yes")
    assert said.startswith("There is no proposal of that number here.")
    assert (await season.do(cease.vote, KIM, number=" #1 ", vote="yes")).yes


async def test_a_vote_is_yes_or_no(season: World) -> None:
    await seats(season, 3)
    await propose(season)
    assert await season.refused(cease.vote, KIM, number="1", vote="maybe") == (
        "`vote` is yes or no."
    )


async def test_a_number_of_another_server_is_none_here(season: World) -> None:
    await seats(season, 1)
    await propose(season)
    other = season.elsewhere()
    await other.do(
        settings.change,
        ROOT,
        values={"committee_role": str(COMMITTEE_ROLE), "committee_seats": "1"},
    )
    said = await other.refused(cease.vote, KIM, number="1", vote="yes")
    assert said.startswith("There is no proposal of that number here.")
    assert await other.see(cease.open_polls, by=other.by(KIM)) == []
    await suspend(season, BEN)
    assert await stopped(other) == {}
    assert "neither held nor ceased" in await other.refused(
        cease.reinstate, KIM, user_id=BEN.user_id, reason="x"
    )


async def test_two_votes_at_once_carry_it_once(season: World) -> None:
    await seats(season, 3)
    await propose(season)
    await vote(season, KIM)
    results = await twice_at_once(lambda: vote(season, LEE), lambda: vote(season, VAL))
    refusals = [str(result) for result in results if isinstance(result, Refusal)]
    assert len(refusals) == 1
    assert refusals[0].startswith("Proposal 1 was carried <t:")
    assert [row[0] for row in await rows(season, "suspension")] == ["suspension.began"]


async def test_the_press_decides_and_not_when_it_arrives(season: World) -> None:
    await seats(season, 1)
    await propose(season)
    season.now = ENDS + MINUTE - MINUTE / 2
    late = season.by(KIM, at=ENDS + MINUTE / 60)
    with pytest.raises(Refusal, match="has ended without a majority"):
        await season.act(cease.vote, late, number="1", vote="yes")
    await season.to(season.now)
    counted = await season.act(cease.vote, season.by(KIM, at=ENDS), number="1", vote="yes")
    assert counted.state is State.CARRIED


async def test_a_lapsed_proposal_takes_no_vote(season: World) -> None:
    await seats(season, 1)
    await propose(season)
    await season.to(OVER)
    said = await season.refused(cease.vote, KIM, number="1", vote="yes")
    assert said.startswith(f"Proposal 1 has ended without a majority <t:{int(ENDS.timestamp())}")


async def test_open_proposals_are_offered_to_the_committee(season: World) -> None:
    await seats(season, 3)
    for who in (ADA, BEN, CYD):
        await propose(season, who)
    for who in (KIM, LEE):
        await vote(season, who, number=2)
    offered = await season.see(cease.open_polls, by=season.by(KIM))
    assert [(poll.number, poll.name) for poll in offered] == [(3, "Cyd"), (1, "Ada")]
    assert await season.see(cease.open_polls, by=season.by(ADA)) == []


# ---------------------------------------------------------------- suspend and reinstate


async def test_one_seat_suspends_and_reinstates_at_once(season: World) -> None:
    await seats(season, 1)
    done = await suspend(season)
    assert (done.poll, done.stop is not None) == (None, True)
    assert await stopped(season) == {ADA.user_id: False}
    done = await reinstate(season)
    assert (done.poll, done.stop) == (None, None)
    assert await stopped(season) == {}
    assert [row[0] for row in await rows(season, "suspension")] == [
        "suspension.began",
        "suspension.lifted",
    ]
    await suspend(season)  # again, as a suspension of its own
    assert len(await season.posts("suspension-channel")) == 3


async def test_with_more_seats_both_open_a_proposal_with_ones_own_yes(season: World) -> None:
    await seats(season, 3)
    asked = await suspend(season)
    assert asked.poll is not None
    assert (asked.poll.kind, asked.poll.yes, asked.stop) == (Kind.CEASE, (KIM.user_id,), None)
    assert (await vote(season, LEE)).state is State.CARRIED
    asked = await reinstate(season)
    assert asked.poll is not None
    assert (asked.poll.kind, asked.poll.number) == (Kind.REINSTATE, 2)
    assert await stopped(season) == {ADA.user_id: False}
    said = await season.refused(cease.reinstate, LEE, user_id=ADA.user_id, reason="x")
    assert said.startswith("Proposal 2 to resume payments to <@11> is open")
    carried = await vote(season, VAL, number=2)
    assert (carried.state, carried.stop) == (State.CARRIED, None)
    assert await stopped(season) == {}


async def test_somebody_whose_payments_run_is_not_reinstated(season: World) -> None:
    await seats(season, 1)
    said = await season.refused(cease.reinstate, KIM, user_id=ADA.user_id, reason="x")
    assert said.startswith("Payments to <@11> are neither held nor ceased.")


async def test_what_was_decided_in_another_way_is_moot(season: World) -> None:
    await seats(season, 3)
    await propose(season)
    await seats(season, 1)
    await suspend(season)
    assert (await poll(season)).state is State.MOOT
    said = await season.refused(cease.vote, LEE, number="1", vote="yes")
    assert said.startswith("Proposal 1 has become moot <t:")
    await seats(season, 3)
    await reinstate(season)
    await lift(season)
    assert (await poll(season, 2)).state is State.MOOT
    assert [row[0] for row in await rows(season, "cease.moot")] == ["cease.moot"] * 2


async def lift(world: World, user: Who = ADA) -> None:
    """Lift a suspension as the outcome of a dispute does."""
    async with world.db.write() as session:
        row = await stored.standing_of(session, world.guild_id, user.user_id)
        assert row is not None
        await suspensions.lift(
            session, row, guild_id=world.guild_id, at=world.now, actor=LEE.user_id, reason="void"
        )


async def test_a_suspended_person_goes_on_as_before(season: World) -> None:
    await seats(season, 1)
    await suspend(season)
    entry = await season.do(hours.log, ADA, duration="1h", note="helped")
    assert entry.stop is not None
    assert entry.stop.reason == "false hours"
    assert (await season.do(hours.log, BEN, duration="1h", note="helped")).stop is None
    listed = {row.user_id: row.stop for row in await season.see(roster.listing, season.guild_id)}
    assert [user for user, stop in listed.items() if stop is not None] == [ADA.user_id]


async def test_coming_back_never_lifts_it(season: World) -> None:
    await seats(season, 1)
    await suspend(season)
    await season.do(roster.leave, ADA)
    await season.do(roster.join, ADA)
    assert await stopped(season) == {ADA.user_id: False}


async def test_it_is_announced_in_the_channel_where_no_round_is_open(town: World) -> None:
    await seats(town, 1)
    await suspend(town)
    assert await said(town, "suspension-channel") == [("suspension:1:began:channel", "pending")]
    assert await said(town, "suspension-thread") == []


# ---------------------------------------------------------------- by the clock


async def test_a_suspension_is_final_once_when_its_days_are_over(season: World) -> None:
    await seats(season, 1)
    await suspend(season)
    await season.to(ENDS)
    assert await stopped(season) == {ADA.user_id: False}
    await season.to(OVER)
    await season.to(OVER)
    assert await stopped(season) == {ADA.user_id: True}
    (row,) = await rows(season, "suspension.final")
    assert row == ("suspension.final", "user:11", {"user_id": "11", "rounds": []})
    assert len(await season.posts("suspension-channel")) == 2


async def test_after_a_downtime_it_is_final_late_and_once(season: World) -> None:
    await seats(season, 1)
    await suspend(season)
    season.now = ENDS + 5 * DAY
    async with season.db.read() as session:
        assert await cease.servers_due(session, now=season.now) == [season.guild_id]
    await season.to(season.now)
    async with season.db.read() as session:
        assert await cease.servers_due(session, now=season.now) == []
    assert await stopped(season) == {ADA.user_id: True}
    post = (await season.posts("suspension-channel"))[-1]
    assert json.loads(post.facts)["late"] is True


async def test_two_processes_end_it_once(season: World) -> None:
    await seats(season, 1)
    await suspend(season)
    await propose(season, BEN)

    async def advance() -> int:
        async with season.db.write() as session:
            return await cease.advance(session, season.guild_id, now=OVER)

    assert sorted(await twice_at_once(advance, advance)) == [0, 2]  # type: ignore[type-var]


async def test_it_can_be_disputed_until_the_last_second(season: World) -> None:
    await seats(season, 1)
    await suspend(season)

    async def disputable(pressed: datetime, who: Who = ADA) -> bool:
        found = await season.see(
            suspensions.disputable, season.guild_id, user_id=who.user_id, at=pressed
        )
        return found is not None

    assert await disputable(START)
    assert await disputable(ENDS)
    assert not await disputable(ENDS + MINUTE / 60)
    assert not await disputable(START, BEN)
    await lift(season)
    assert not await disputable(START)


async def test_the_days_are_those_of_the_settings_in_the_servers_zone(season: World) -> None:
    await season.do(
        settings.change, ROOT, values={"dispute_days": "3", "timezone": "Europe/Vienna"}
    )
    await seats(season, 1)
    done = await suspend(season)
    assert done.stop is not None
    assert done.stop.disputable_until == utc("2026-01-13 22:59:59")


# ---------------------------------------------------------------- disputes about it


async def dispute(world: World, who: Who = ADA) -> str:
    opened = await world.do(disputes.submit, who, reason="I was there", user_id=ADA.user_id)
    assert opened.told.label == ""
    return str(opened.told.number)


async def test_a_disputed_suspension_is_not_final_before_the_decision(season: World) -> None:
    await seats(season, 1)
    await suspend(season)
    number = await dispute(season, SAM)
    await season.to(OVER + DAY)
    assert await stopped(season) == {ADA.user_id: False}
    async with season.db.read() as session:
        assert await cease.servers_due(session, now=season.now) == []
    await season.do(disputes.resolve, LEE, number=number, outcome="stands", reason="looked at")
    assert await stopped(season) == {ADA.user_id: False}
    await season.to(OVER + 2 * DAY)
    assert await stopped(season) == {ADA.user_id: True}


async def test_a_dispute_that_is_won_lifts_it_and_the_line_is_paid(waiting: World) -> None:
    await seats(waiting, 1)
    await waiting.published()
    await suspend(waiting)
    number = await dispute(waiting)
    assert await waiting.states("2026-Q1") == {11: Line.HELD, 12: Line.DUE}
    await waiting.refused(disputes.resolve, LEE, number=number, outcome="modify", reason="x")
    await waiting.do(disputes.resolve, LEE, number=number, outcome="void", reason="it was true")
    assert await stopped(waiting) == {}
    await waiting.do(payments.record, KIM, reference="0x1")
    assert await waiting.states("2026-Q1") == {11: Line.PAID, 12: Line.PAID}


async def test_a_dispute_that_is_withdrawn_holds_nothing_up(season: World) -> None:
    await seats(season, 1)
    await suspend(season)
    await season.do(disputes.withdraw, ADA, number=await dispute(season))
    await season.to(OVER)
    assert await stopped(season) == {ADA.user_id: True}


# ---------------------------------------------------------------- lines of statements


async def test_lines_are_held_then_waived_then_due_again(waiting: World) -> None:
    await seats(waiting, 1)
    await waiting.published()
    await suspend(waiting)
    assert await waiting.states("2026-Q1") == {11: Line.HELD, 12: Line.DUE}
    assert await waiting.faults() == []
    row = (await rows(waiting, "suspension"))[-1]
    assert row[2] == {"user_id": "11", "rounds": ["2026-Q1"]}
    await waiting.to(COMPUTE + 20 * DAY)
    assert await waiting.states("2026-Q1") == {11: Line.WAIVED, 12: Line.DUE}
    assert await waiting.faults() == []
    await reinstate(waiting)
    assert await waiting.states("2026-Q1") == {11: Line.DUE, 12: Line.DUE}
    await waiting.do(payments.record, KIM, reference="0x1")
    assert await waiting.states("2026-Q1") == {11: Line.PAID, 12: Line.PAID}


async def test_nothing_is_paid_of_what_is_held_or_ceased(waiting: World) -> None:
    await seats(waiting, 1)
    await waiting.published()
    await suspend(waiting)
    said = await waiting.refused(payments.record, KIM, reference="0x1", user_id=ADA.user_id)
    assert "is held" in said
    await waiting.do(payments.record, KIM, reference="0x1")
    assert await waiting.states("2026-Q1") == {11: Line.HELD, 12: Line.PAID}
    await waiting.to(COMPUTE + 20 * DAY)
    await waiting.refused(payments.record, KIM, reference="0x2", user_id=ADA.user_id)
    assert await waiting.states("2026-Q1") == {11: Line.WAIVED, 12: Line.PAID}


async def test_a_settled_round_has_a_due_line_again(waiting: World) -> None:
    await seats(waiting, 1)
    await waiting.published()
    await suspend(waiting)
    await waiting.do(payments.record, KIM, reference="0x1")
    await waiting.to(COMPUTE + 20 * DAY)
    assert (await waiting.round("2026-Q1")).state == "settled"
    await reinstate(waiting)
    assert (await waiting.round("2026-Q1")).state == "final"
    await waiting.do(payments.record, KIM, reference="0x2", user_id=ADA.user_id)
    await waiting.to(COMPUTE + 21 * DAY)
    assert (await waiting.round("2026-Q1")).state == "settled"


async def test_a_round_published_later_holds_or_waives_from_the_start(waiting: World) -> None:
    await seats(waiting, 1)
    (post,) = await waiting.posts("draft")
    await suspend(waiting)
    (again,) = await waiting.posts("draft")
    assert again.revision == post.revision + 1  # the committee sees it in the draft
    draft = await waiting.see(drafted_states, waiting)
    assert draft == {11: Line.HELD, 12: Line.DUE}
    await waiting.published()
    assert await waiting.states("2026-Q1") == {11: Line.HELD, 12: Line.DUE}
    row = next(row for row in await waiting.record() if row.action == "payout.published")
    assert row.data["held"] == ["11"]
    assert await waiting.faults() == []


async def test_a_round_published_after_it_is_final_waives(season: World) -> None:
    await seats(season, 1)
    await suspend(season)
    await season.to(OVER)
    await season.drafted()
    assert await season.see(drafted_states, season) == {11: Line.WAIVED, 12: Line.DUE}
    await season.published()
    assert await season.states("2026-Q1") == {11: Line.WAIVED, 12: Line.DUE}
    row = next(row for row in await season.record() if row.action == "payout.published")
    assert row.data["ceased"] == ["11"]
    await reinstate(season)
    assert await season.states("2026-Q1") == {11: Line.DUE, 12: Line.DUE}


async def drafted_states(session: Any, world: World) -> dict[int, Line]:
    preview = await settlement.preview(session, by=world.by(KIM), label="2026-Q1")
    return {user: shown.status for user, shown in preview.shown.items()}


async def test_declining_and_being_ceased_are_two_things(waiting: World) -> None:
    await seats(waiting, 1)
    await waiting.published()
    await waiting.do(roster.pay, ADA, wanted=False)
    await suspend(waiting)
    assert (await waiting.states("2026-Q1"))[11] is Line.WAIVED
    await waiting.to(COMPUTE + 20 * DAY)
    await waiting.do(roster.pay, ADA, wanted=True)
    assert (await waiting.states("2026-Q1"))[11] is Line.WAIVED
    assert await waiting.faults() == []
    await waiting.do(roster.pay, ADA, wanted=False)
    await reinstate(waiting)
    assert (await waiting.states("2026-Q1"))[11] is Line.WAIVED
    assert await waiting.faults() == []
    await waiting.do(roster.pay, ADA, wanted=True)
    assert (await waiting.states("2026-Q1"))[11] is Line.DUE


async def test_a_payment_taken_back_is_held_where_payments_are_held(waiting: World) -> None:
    await seats(waiting, 1)
    await waiting.published()
    await waiting.do(payments.record, KIM, reference="0x1")
    await suspend(waiting)
    assert (await waiting.states("2026-Q1"))[11] is Line.PAID
    await waiting.do(payments.correct, KIM, reference="0x1", reason="wrong")
    await waiting.do(payments.correct, LEE, reference="0x1", reason="wrong")
    assert await waiting.states("2026-Q1") == {11: Line.HELD, 12: Line.DUE}


async def test_one_sees_why_ones_payments_are_held(waiting: World) -> None:
    await seats(waiting, 1)
    await waiting.published()
    await suspend(waiting)
    mine = await waiting.see(payments.mine, by=waiting.by(ADA), label=None)
    assert mine.stop is not None
    assert mine.stop.reason == "false hours"
    assert [one.state for one in mine.open_amounts] == [Line.HELD]
    assert (await waiting.see(payments.mine, by=waiting.by(BEN), label=None)).stop is None


async def test_voiding_a_round_changes_no_suspension(waiting: World) -> None:
    await seats(waiting, 1)
    await suspend(waiting)
    await waiting.void("2026-Q1")
    assert await stopped(waiting) == {ADA.user_id: False}
    assert await waiting.see(rounds.labels, waiting.guild_id, public=True) == []
