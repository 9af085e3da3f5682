"""Rounds: opening, the acts by the clock also after a long absence, and ending them by hand."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import select

from bot.domain.errors import Refusal, Repeated
from bot.domain.schedule import Act
from bot.domain.statement import Sum
from bot.domain.states import Line
from bot.services import (
    hours,
    lines,
    outbox,
    payments,
    roster,
    rounds,
    settings,
    settlement,
    threads,
)
from storage.tables import ActDone
from tests.databases import same
from tests.services.world import (
    ADA,
    BEN,
    CALL,
    CLOSE,
    COMPUTE,
    DAY,
    HOUR,
    KIM,
    LEE,
    MINUTE,
    MOE,
    PAY,
    ROOT,
    SAM,
    START,
    Who,
    World,
    paid_season,
    twice_at_once,
    utc,
)


def names(acts: list[Act]) -> list[str]:
    return [act.name for act in acts]


async def acts_of(world: World) -> list[tuple[str, datetime, bool, bool]]:
    async with world.db.read() as session:
        found = await session.scalars(
            select(ActDone)
            .where(ActDone.guild_id == world.guild_id)
            .order_by(ActDone.due_at, ActDone.round_id, ActDone.name)
        )
        return [(act.name, act.due_at, act.late, act.skipped) for act in found]


# ---------------------------------------------------------------- opening


async def test_the_first_round_carries_the_label_of_the_quarter_that_closes_next(
    town: World,
) -> None:
    opened = await town.do(rounds.open_by_hand, KIM)
    assert opened == rounds.Opened(
        "2026-Q1", work_since=utc("2025-12-30"), call_at=CALL, close_at=CLOSE
    )
    round_ = await town.round("2026-Q1")
    assert (round_.open_at, round_.compute_at, round_.pay_at) == (START, COMPUTE, PAY)


@pytest.mark.parametrize(
    ("now", "values", "label", "work_since"),
    (
        ("2026-03-29 23:59:59", {}, "2026-Q1", "2025-12-30"),
        ("2026-03-30", {}, "2026-Q2", "2026-03-30"),
        ("2026-01-10", {"quarter_starts": "December"}, "2026-Q1", "2025-11-30"),
        ("2026-01-10", {"period": "month"}, "2026-01", "2025-12-30"),
        ("2026-01-10", {"timezone": "Europe/Berlin"}, "2026-Q1", "2025-12-29 23:00"),
    ),
)
async def test_the_first_round_follows_the_calendar(
    server: World, now: str, values: dict[str, str], label: str, work_since: str
) -> None:
    server.now = utc(now)
    await server.set_up(**values)
    opened = await server.do(rounds.open_by_hand, KIM)
    assert (opened.label, opened.work_since) == (label, utc(work_since))


async def test_instants_of_a_zone_with_summer_time_are_stored_in_utc(server: World) -> None:
    season = await server.opened(timezone="Europe/Berlin")
    round_ = await season.round("2026-Q1")
    assert (round_.call_at, round_.close_at) == (utc("2026-03-14 23:00"), utc("2026-03-29 22:00"))
    assert (round_.compute_at, round_.pay_at) == (
        utc("2026-03-31 18:00"),
        utc("2026-03-31 22:00"),
    )
    assert names(await season.to(utc("2026-03-29 21:59:59"))) == ["call"]
    assert names(await season.to(utc("2026-03-29 22:00"))) == ["close"]


async def test_a_round_does_not_open_while_something_is_missing(server: World) -> None:
    await server.do(
        settings.change, ROOT, values={"committee_role": "300000000000000001", "split_by": "mixed"}
    )
    sentence = await server.refused(rounds.open_by_hand, KIM)
    for name in ("support_channel", "committee_channel", "cap", "hourly_rate", "thanks_share"):
        assert f"`{name}`" in sentence


async def test_the_first_round_may_open_without_a_currency_and_that_is_said(server: World) -> None:
    await server.set_up()
    await server.do(settings.change, ROOT, values={"currency": "-"})
    assert "currency" in (await server.do(rounds.open_by_hand, KIM)).hints[0]


async def test_one_round_is_open_at_a_time(season: World) -> None:
    assert "2026-Q1 is open already" in await season.refused(rounds.open_by_hand, LEE)


@pytest.mark.parametrize("who", (ADA, MOE, ROOT, SAM))
async def test_rounds_are_the_committees(season: World, who: Who) -> None:
    round_ = await season.round("2026-Q1")
    for verb, data in (
        (rounds.open_by_hand, {}),
        (rounds.may_close, {}),
        (rounds.close, {"round_id": round_.id, "reason": "x"}),
        (rounds.reopen, {"reason": "x"}),
        (rounds.may_void, {"label": None}),
        (rounds.void, {"round_id": round_.id, "reason": "x"}),
    ):
        assert "for the committee" in await season.refused(verb, who, **data)


async def test_the_record_holds_the_policy_with_which_a_round_opened(season: World) -> None:
    row = (await season.record())[-1]
    assert (row.action, row.actor, row.data["round"]) == ("round.opened", "21", "2026-Q1")
    assert row.data["policy"]["cap"] == "1000.00"
    assert row.data["work_since"] == "2025-12-30T00:00:00.000000Z"


# ---------------------------------------------------------------- by the clock


async def test_a_quarter_runs_by_itself(season: World) -> None:
    await season.log(ADA, "10h")
    assert await season.to(CALL - MINUTE) == []
    assert names(await season.to(CALL)) == ["call"]
    assert names(await season.to(CLOSE - timedelta(microseconds=1))) == []
    assert names(await season.to(CLOSE)) == ["close"]
    assert await season.all_rounds() == [("2026-Q1", "review"), ("2026-Q2", "open")]
    first, second = await season.round("2026-Q1"), await season.round("2026-Q2")
    assert first.closed_at == second.open_at == second.work_since == CLOSE
    assert names(await season.to(COMPUTE)) == ["compute"]
    await season.published()
    assert names(await season.to(PAY)) == ["pay"]
    await season.do(payments.record, KIM, reference="0x1")
    assert names(await season.to(utc("2026-04-14 23:59:59"))) == ["final", "settle"]
    assert (await season.round("2026-Q1")).state == "settled"
    assert not any(late or skipped for _, _, late, skipped in await acts_of(season))
    kinds = [post.kind for post in await season.posts() if post.kind != "card"]
    assert kinds == [
        "announcement", "call", "announcement", "closed", "draft",
        "published-thread", "published-channel", "pay", "pay-notice", "paid",
    ]  # fmt: skip


async def test_everything_due_in_40_days_of_absence_is_done_once_in_order_and_marked_late(
    season: World,
) -> None:
    await season.log(ADA, "10h")
    season.now = utc("2026-03-10")
    acts = await season.to(season.now + 40 * DAY)
    assert [(act.name, act.due_at) for act in acts] == [
        ("call", CALL),
        ("close", CLOSE),
        ("compute", COMPUTE),
    ]
    assert all(act.late for act in acts)
    assert await season.to(season.now) == []
    assert await season.all_rounds() == [("2026-Q1", "draft"), ("2026-Q2", "open")]
    second = await season.round("2026-Q2")
    assert second.open_at == second.work_since == CLOSE
    rows = (await season.record())[-5:]
    assert [row.action for row in rows] == [
        "round.called", "round.closed", "round.opened", "round.counted", "round.drafted",
    ]  # fmt: skip
    assert all(row.data["late"] for row in rows)
    assert rows[1].data["closed_at"] == "2026-03-30T00:00:00.000000Z"
    late = [json.loads(post.facts)["late"] for post in await season.posts() if post.kind != "card"]
    assert late == [False, True, True, True, True]


async def test_a_year_of_absence_leaves_every_quarter_behind_in_order(season: World) -> None:
    acts = await season.to(START + 365 * DAY)
    assert names(acts) == ["call", "close", "compute"] * 4
    assert [act.due_at for act in acts] == sorted(act.due_at for act in acts)
    assert await season.all_rounds() == [
        ("2026-Q1", "draft"), ("2026-Q2", "draft"), ("2026-Q3", "draft"), ("2026-Q4", "draft"),
        ("2027-Q1", "open"),
    ]  # fmt: skip
    found = [await season.round(label) for label, _ in await season.all_rounds()]
    for before, after in pairwise(found):
        assert before.closed_at == after.open_at == before.close_at
    assert await season.to(season.now) == []
    for label in ("2026-Q1", "2026-Q2", "2026-Q3", "2026-Q4"):
        assert (await season.published()).statement.facts.label == label


async def test_ten_minutes_are_not_late(season: World) -> None:
    assert [act.late for act in await season.to(CALL + 10 * MINUTE)] == [False]
    assert [act.late for act in await season.to(CLOSE + 10 * MINUTE + timedelta(seconds=1))] == [
        True
    ]


async def test_a_waiting_draft_is_noted_once_a_day_and_three_times_at_most(season: World) -> None:
    await season.to(COMPUTE)
    noted = [names(await season.to(COMPUTE + day * DAY)) for day in range(1, 8)]
    assert noted == [["draft-note-1"], ["draft-note-2"], ["draft-note-3"], [], [], [], []]
    assert len(await season.posts("note")) == 3


async def test_notes_that_are_late_by_more_than_a_day_are_skipped(season: World) -> None:
    await season.to(COMPUTE)
    acts = await season.to(COMPUTE + 3 * DAY + HOUR)
    assert [(act.name, act.skipped) for act in acts] == [
        ("draft-note-1", True),
        ("draft-note-2", True),
        ("draft-note-3", False),
    ]
    assert len(await season.posts("note")) == 1


async def test_notes_about_payment_stop_when_everything_is_paid(season: World) -> None:
    await season.log(ADA, "10h")
    await season.log(BEN, "10h")
    await season.to(COMPUTE)
    await season.published()
    assert names(await season.to(PAY + DAY)) == ["pay", "pay-note-1"]
    await season.do(payments.record, KIM, reference="0x1", user_id=ADA.user_id)
    assert names(await season.to(PAY + 2 * DAY)) == ["pay-note-2"]
    await season.do(payments.record, KIM, reference="0x2")
    assert names(await season.to(PAY + 3 * DAY)) == []


async def test_payment_is_called_due_only_where_something_is_due(season: World) -> None:
    await season.to(COMPUTE)
    await season.published()
    assert names(await season.to(PAY + 5 * DAY)) == []
    assert names(await season.to(PAY + 20 * DAY)) == ["final", "settle"]


async def test_payment_after_disputes_is_called_due_after_them_and_may_be_recorded_before(
    server: World,
) -> None:
    season = await server.opened(pay_after="disputes")
    await season.log(ADA, "10h")
    await season.log(BEN, "10h")
    await season.to(COMPUTE)
    published = await season.published()
    assert published.pay_due_at == published.dispute_until == utc("2026-04-14 23:59:59")
    await season.do(payments.record, KIM, reference="0x1", user_id=ADA.user_id)
    assert names(await season.to(utc("2026-04-14 23:59:58"))) == []
    assert names(await season.to(utc("2026-04-14 23:59:59"))) == ["final", "pay"]
    assert (await season.round("2026-Q1")).state == "final"


async def test_a_round_with_something_due_is_final_and_not_settled(season: World) -> None:
    await season.log(ADA, "10h")
    await season.to(COMPUTE)
    await season.published()
    await season.to(COMPUTE + 30 * DAY)
    assert (await season.round("2026-Q1")).state == "final"
    await season.do(roster.pay, ADA, wanted=False)
    assert names(await season.to(COMPUTE + 31 * DAY)) == ["settle"]


@pytest.mark.threads
async def test_two_processes_do_what_is_due_once(season: World) -> None:
    other = World(same(season.db), now=season.now)
    await other.db.connect()
    try:
        both = await twice_at_once(lambda: season.to(COMPUTE), lambda: other.to(COMPUTE))
        done = [names(acts) for acts in both if isinstance(acts, list)]
        assert sorted(done) == [[], ["call", "close", "compute"]]
    finally:
        await other.db.close()


async def test_what_is_due_first_is_known_before_it_is_done(season: World) -> None:
    assert await season.see(rounds.due, season.guild_id, now=CALL - MINUTE) is None
    act = await season.see(rounds.due, season.guild_id, now=CLOSE)
    assert act is not None
    assert act.name == "call"
    assert await season.see(rounds.due, 12345, now=CLOSE) is None


# ---------------------------------------------------------------- settings and rounds


@pytest.mark.parametrize(
    ("before", "after", "labels"),
    (
        ("quarter", "month", ["2026-Q1", "2026-04", "2026-05"]),
        ("month", "quarter", ["2026-01", "2026-Q1", "2026-Q2"]),
    ),
)
async def test_a_change_of_period_applies_after_the_open_round(
    server: World, before: str, after: str, labels: list[str]
) -> None:
    season = await server.opened(period=before)
    await season.do(settings.change, ROOT, values={"period": after})
    for _ in range(2):
        opened = await season.see(rounds.named, season.guild_id, None)
        await season.to(opened.close_at)
    found = [label for label, _ in await season.all_rounds()]
    assert found == labels


async def test_where_settings_are_incomplete_at_a_close_the_next_round_opens_with_the_old_ones(
    season: World,
) -> None:
    await season.do(settings.change, ROOT, values={"committee_channel": "-", "split_by": "mixed"})
    await season.to(CLOSE)
    first, second = await season.round("2026-Q1"), await season.round("2026-Q2")
    assert second.policy_version == first.policy_version
    (told,) = await season.posts("settings")
    assert len(json.loads(told.facts)["problems"]) == 2
    await season.to(second.close_at)
    assert (await season.round("2026-Q3")).policy_version == first.policy_version
    assert len(await season.posts("settings")) == 2


# ---------------------------------------------------------------- by hand


async def test_closing_by_hand_opens_the_next_round_at_the_same_instant(season: World) -> None:
    season.now = utc("2026-02-01 10:00")
    ended = await season.close()
    assert ended == rounds.Ended("2026-Q1", "2026-Q2")
    first, second = await season.round("2026-Q1"), await season.round("2026-Q2")
    assert first.closed_at == second.open_at == second.work_since == season.now
    assert (first.compute_at, first.pay_at) == (COMPUTE, PAY)
    assert second.close_at == utc("2026-06-30")
    assert names(await season.to(COMPUTE)) == ["compute"]


async def test_two_people_close_a_round_once(season: World) -> None:
    asked = [await season.see(rounds.may_close, by=season.by(who)) for who in (KIM, LEE)]
    results = await twice_at_once(
        lambda: season.do(rounds.close, KIM, round_id=asked[0].id, reason="x"),
        lambda: season.do(rounds.close, LEE, round_id=asked[1].id, reason="y"),
    )
    assert sorted(type(result).__name__ for result in results) == ["Ended", "Refusal"]
    assert "2026-Q1 is not open any more" in str([r for r in results if isinstance(r, Refusal)])
    assert await season.all_rounds() == [("2026-Q1", "review"), ("2026-Q2", "open")]


async def test_closing_by_hand_after_the_calendars_close_takes_that_instant(
    season: World,
) -> None:
    asked = await season.see(rounds.may_close, by=season.by(KIM))
    season.now = CLOSE + HOUR
    await season.do(rounds.close, KIM, round_id=asked.id, reason="x")
    first, second = await season.round("2026-Q1"), await season.round("2026-Q2")
    assert first.closed_at == second.open_at == CLOSE
    assert (await season.do(hours.log, ADA, duration="1h", note="")).label == "2026-Q2"


async def test_a_reason_is_for_people_and_enters_the_record_as_a_digest(season: World) -> None:
    await season.close(reason="the budget is used up")
    row = next(row for row in await season.record() if row.action == "round.closed")
    assert "reason_digest" in row.data
    assert "budget" not in str(row.as_json())
    (post,) = await season.posts("closed")
    assert json.loads(post.facts)["reason"] == "the budget is used up"


async def test_a_round_in_review_is_reopened_until_its_draft_is_due(season: World) -> None:
    await season.log(ADA, "10h")
    await season.to(CLOSE)
    season.now += HOUR
    opened = await season.do(rounds.reopen, KIM, reason="too early")
    assert (opened.label, opened.close_at) == ("2026-Q1", COMPUTE)
    assert await season.all_rounds() == [("2026-Q1", "open"), ("2026-Q2", "void")]
    await season.log(ADA, "1h")
    assert names(await season.to(COMPUTE)) == ["close", "compute"]
    assert await season.all_rounds() == [
        ("2026-Q1", "draft"),
        ("2026-Q2", "void"),
        ("2026-Q2", "open"),
    ]
    assert (await season.round("2026-Q2")).open_at == COMPUTE
    published = await season.published()
    assert published.statement.lines[0].minutes == 660
    assert await season.see(rounds.labels, season.guild_id) == ["2026-Q2", "2026-Q1"]


async def test_a_round_closed_early_by_hand_can_be_reopened_and_still_calls_for_claims(
    season: World,
) -> None:
    await season.close()
    season.now += DAY
    await season.do(rounds.reopen, LEE, reason="a mistake")
    assert names(await season.to(CALL)) == ["call"]
    await season.close()
    assert (await season.actions()).count("round.closed") == 2
    assert len(await season.posts("closed")) == 2


async def test_only_a_round_in_review_whose_successor_is_empty_can_be_reopened(
    season: World,
) -> None:
    assert "No round is in review" in await season.refused(rounds.reopen, KIM, reason="x")
    await season.to(CLOSE)
    season.now += HOUR
    number = await season.log(ADA, "1h")
    assert "2026-Q2 has entries already" in await season.refused(rounds.reopen, KIM, reason="x")
    await season.do(hours.withdraw, ADA, number=str(number))
    season.now = COMPUTE
    assert "The draft of 2026-Q1 is due" in await season.refused(rounds.reopen, KIM, reason="x")
    season.now = COMPUTE - MINUTE
    await season.do(rounds.reopen, KIM, reason="x")


async def test_a_round_can_be_reopened_where_the_later_one_is_void(season: World) -> None:
    await season.to(CLOSE)
    await season.void()
    await season.do(rounds.reopen, KIM, reason="x")
    assert await season.all_rounds() == [("2026-Q1", "open"), ("2026-Q2", "void")]


async def test_a_void_open_round_leaves_its_label_to_the_next(season: World) -> None:
    number = await season.log(ADA, "10h")
    assert await season.void() == rounds.Ended("2026-Q1")
    assert await season.to(CLOSE) == []
    season.now = utc("2026-02-01")
    opened = await season.do(rounds.open_by_hand, KIM)
    assert (opened.label, opened.work_since) == ("2026-Q1", utc("2025-12-30"))
    assert await season.all_rounds() == [("2026-Q1", "void"), ("2026-Q1", "open")]
    card = await season.see(hours.card, season.guild_id, number=number)
    assert card is not None
    assert card.minutes == 600
    await season.log(ADA, "1h")
    await season.to(COMPUTE)
    await season.published()
    assert await season.states("2026-Q1") == {ADA.user_id: Line.DUE}
    assert (await season.document("2026-Q1"))["total"] == "5.00"


async def test_voiding_takes_the_oldest_draft_before_the_open_round(season: World) -> None:
    await season.to(COMPUTE)
    await season.void()
    assert await season.all_rounds() == [("2026-Q1", "void"), ("2026-Q2", "open")]
    assert "2026-Q1 is void already" in await season.refused(rounds.may_void, KIM, label="2026-Q1")


async def test_a_published_round_can_be_voided_until_something_of_it_is_paid(
    season: World,
) -> None:
    await paid_season(season)
    round_ = await season.round("2026-Q1")
    assert "is paid, so it cannot be voided" in await season.refused(
        rounds.void, KIM, round_id=round_.id, reason="x"
    )
    for who in (KIM, LEE):
        await season.do(payments.correct, who, reference="0xfirst", reason="wrong")
    await season.void("2026-Q1")
    with pytest.raises(Refusal, match="No statement has been published"):
        await season.see(settlement.show, guild_id=season.guild_id, label=None)


async def test_a_question_about_a_void_round_does_not_void_the_next_of_its_label(
    season: World,
) -> None:
    asked = await season.see(rounds.may_void, by=season.by(KIM), label=None)
    await season.void(who=LEE)
    await season.do(rounds.open_by_hand, KIM)
    assert "2026-Q1 is void already" in await season.refused(
        rounds.void, KIM, round_id=asked.id, reason="x"
    )
    assert await season.all_rounds() == [("2026-Q1", "void"), ("2026-Q1", "open")]


async def test_a_settled_round_stays(season: World) -> None:
    await season.to(COMPUTE)
    await season.published()
    await season.to(COMPUTE + 20 * DAY)
    assert "2026-Q1 is settled" in await season.refused(rounds.may_void, KIM, label="2026-Q1")


# ---------------------------------------------------------------- which round


async def test_a_published_round_that_nobody_corrects_is_not_in_review(waiting: World) -> None:
    await waiting.published()
    await waiting.close()
    found = await waiting.see(rounds.in_review_or_draft, waiting.guild_id, None)
    assert found.label == "2026-Q2"


async def test_rounds_are_found_by_label_or_by_what_they_wait_for(season: World) -> None:
    assert (await season.see(rounds.named, season.guild_id, " 2026-q1 ")).label == "2026-Q1"
    with pytest.raises(Refusal, match="Rounds here: 2026-Q1"):
        await season.see(rounds.named, season.guild_id, "2026-Q9")
    with pytest.raises(Refusal, match="No round is in review or draft"):
        await season.see(rounds.in_review_or_draft, season.guild_id, None)
    found = await season.see(rounds.in_review_or_draft, season.guild_id, None, or_open=True)
    assert found.label == "2026-Q1"
    with pytest.raises(Refusal, match="One is made when a round has closed"):
        await season.see(rounds.oldest_draft, season.guild_id)
    await season.to(CLOSE)
    assert (await season.see(rounds.in_review_or_draft, season.guild_id, None)).label == "2026-Q1"
    with pytest.raises(Refusal, match="that of 2026-Q1 is made"):
        await season.see(rounds.oldest_draft, season.guild_id)
    await season.to(COMPUTE)
    assert (await season.see(rounds.oldest_draft, season.guild_id)).label == "2026-Q1"


async def test_drafts_are_never_shown_as_published(season: World) -> None:
    with pytest.raises(Refusal, match="No statement has been published yet"):
        await season.see(rounds.newest_published, season.guild_id, None)
    await season.to(COMPUTE)
    with pytest.raises(Refusal, match="No statement has been published yet"):
        await season.see(rounds.newest_published, season.guild_id, "2026-Q1")
    await season.published()
    assert (await season.see(rounds.newest_published, season.guild_id, None)).label == "2026-Q1"
    with pytest.raises(Refusal, match="2026-Q2 is not published"):
        await season.see(rounds.newest_published, season.guild_id, "2026-Q2")
    assert await season.see(rounds.labels, season.guild_id, public=True) == ["2026-Q1"]
    assert await season.see(rounds.labels, season.guild_id) == ["2026-Q2", "2026-Q1"]


async def test_the_status_shows_dates_hours_and_how_much_of_the_cap_is_used(
    season: World,
) -> None:
    await season.log(ADA, "10h")
    await season.log(BEN, "2h")
    await season.do(hours.done, ADA)
    round_ = await season.round("2026-Q1")
    async with season.db.write() as session:
        await threads.threaded(session, round_.id, thread_id=7)
    status = await season.see(rounds.status, season.guild_id, label=None)
    assert (status.helpers, status.minutes, status.finished) == (2, 720, 1)
    assert (status.cap, status.used, status.currency) == (1000_00, 60_00, "USD")
    assert (status.thread_id, status.unused_before, status.parked) == (7, (), ())
    async with season.db.write() as session:
        await threads.lost(session, season.guild_id, thread_id=7, at=season.now)
    status = await season.see(rounds.status, season.guild_id, label="2026-Q1")
    assert status.thread_id is None
    await season.to(COMPUTE)
    await season.published()
    status = await season.see(rounds.status, season.guild_id, label=None)
    assert status.label == "2026-Q2"
    assert status.unused_before == (("2026-Q1", Sum(940_00, "USD", 2)),)
    assert (await season.see(rounds.status, season.guild_id, label="2026-Q1")).used == 60_00


async def test_the_status_tells_the_unused_caps_of_four_rounds_newest_first(
    server: World,
) -> None:
    season = await server.opened(period="month")
    for month in range(1, 7):
        await season.log(ADA, f"{month}h")
        await season.to((await season.see(rounds.named, season.guild_id, None)).compute_at)
        await season.published()
        season.now += DAY
    status = await season.see(rounds.status, season.guild_id, label=None)
    assert tuple((label, left.amount) for label, left in status.unused_before) == (
        ("2026-06", 970_00),
        ("2026-05", 975_00),
        ("2026-04", 980_00),
        ("2026-03", 985_00),
    )


async def test_the_status_says_why_messages_wait(season: World) -> None:
    (post,) = await season.posts()
    async with season.db.write() as session:
        await outbox.failed(session, post, problem="missing Send Messages", state=outbox.PARKED)
    status = await season.see(rounds.status, season.guild_id, label=None)
    assert status.parked == ("missing Send Messages",)


async def test_without_an_open_round_the_status_shows_the_newest(town: World) -> None:
    with pytest.raises(Refusal, match="There is no round yet"):
        await town.see(rounds.status, town.guild_id, label=None)
    with pytest.raises(Refusal, match="There is none yet"):
        await town.see(rounds.named, town.guild_id, "2026-Q1")
    with pytest.raises(Refusal, match="No round is open"):
        await town.see(rounds.named, town.guild_id, None)
    await town.do(rounds.open_by_hand, KIM)
    await town.void()
    status = await town.see(rounds.status, town.guild_id, label=None)
    assert (status.label, status.state) == ("2026-Q1", "void")


# ---------------------------------------------------------------- repetition, other servers


async def test_the_same_interaction_opens_closes_reopens_and_voids_once(town: World) -> None:
    by = town.by(KIM)
    await town.act(rounds.open_by_hand, by)
    round_ = await town.round("2026-Q1")
    for verb, data in (
        (rounds.open_by_hand, {}),
        (rounds.close, {"round_id": round_.id, "reason": "x"}),
        (rounds.reopen, {"reason": "x"}),
        (rounds.void, {"round_id": round_.id, "reason": "x"}),
    ):
        with pytest.raises(Repeated):
            await town.act(verb, by, **data)
    assert await town.all_rounds() == [("2026-Q1", "open")]


async def test_rounds_of_another_server_are_neither_seen_nor_changed(season: World) -> None:
    round_ = await season.round("2026-Q1")
    other = season.elsewhere()
    await other.set_up()
    for label in ("2026-Q1", None):
        with pytest.raises(Refusal):
            await other.see(rounds.status, other.guild_id, label=label)
        with pytest.raises(Refusal):
            await other.see(rounds.may_void, by=other.by(KIM), label=label)
    for verb in (rounds.close, rounds.void):
        assert await other.refused(verb, KIM, round_id=round_.id, reason="x")
        assert await other.refused(verb, KIM, round_id=999, reason="x")
    assert await other.to(CLOSE) == []
    assert await other.see(rounds.labels, other.guild_id) == []
    assert await season.all_rounds() == [("2026-Q1", "open")]
    await other.do(rounds.open_by_hand, KIM)
    assert await other.all_rounds() == [("2026-Q2", "open")]
    assert await season.see(lines.used, await season.round("2026-Q1")) == 0


async def test_a_round_stays_closed_once_the_one_after_it_has_closed_too(season: World) -> None:
    await season.do(settings.change, ROOT, values={"period": "month"})
    first = await season.round("2026-Q1")
    await season.do(rounds.close, KIM, round_id=first.id, reason="months from now on")
    season.now += DAY
    await season.log(ADA, "1h")
    await season.to(utc("2026-02-01"))
    assert ("2026-Q1", "review") in await season.all_rounds()
    assert "2026-01 has followed and closed" in await season.refused(
        rounds.reopen, KIM, reason="too early"
    )


async def test_who_left_can_be_removed_for_good(season: World) -> None:
    await season.do(roster.leave, ADA)
    await season.do(roster.remove, MOE, user_id=ADA.user_id, reason="x")
    assert "a moderator has to add you again" in await season.refused(roster.join, ADA)
