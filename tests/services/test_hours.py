"""Hours: what may be logged, when and by whom; the clock; correcting one's own entries."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from msgspec.structs import replace
from sqlalchemy import select

from bot.domain.duration import format_minutes, parse_minutes
from bot.domain.errors import Kept, Refusal, Repeated
from bot.services import hours, lines, outbox, roster, rounds, settlement, thanks, threads
from storage.tables import Entry
from tests.databases import same
from tests.services.world import (
    ADA,
    BEN,
    CLOSE,
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
    START,
    TOM,
    Who,
    World,
    paid_season,
    twice_at_once,
    utc,
)

WORK_SINCE = utc("2025-12-30")
LIMIT = (START - WORK_SINCE) // MINUTE
HOSTILE_NOTES = (
    "**bold** _it_ ~~no~~ `code` ||spoiler|| > quote [link](https://example.org) " * 80,
    "@everyone @here <@&300000000000000001> <@11> <t:0:R>" * 100,
    "\N{RIGHT-TO-LEFT OVERRIDE}drawkcab" * 300,
    "z" + "\N{COMBINING GRAVE ACCENT}" * 5999,
    "=cmd|' /C calc'!A0\n\r\n\t" * 250,
)


async def total(world: World, who: Who = ADA, label: str | None = None) -> int:
    listing = await world.see(hours.listing, by=world.by(who), label=label, helper=None)
    return listing.total_minutes


async def test_an_entry_is_answered_with_the_total_and_what_it_would_give_now(
    season: World,
) -> None:
    first = await season.do(hours.log, ADA, duration="2h30m", note="helped", category="Forum")
    assert (first.number, first.minutes, first.total_minutes, first.worth.for_hours) == (
        1,
        150,
        150,
        12_50,
    )
    assert (first.label, first.close_at, first.currency) == ("2026-Q1", CLOSE, "USD")
    second = await season.do(hours.log, ADA, duration="0.5", note="")
    assert (second.number, second.total_minutes, second.worth.for_hours) == (2, 180, 15_00)
    assert second.for_name is None


@pytest.mark.parametrize(
    "duration",
    (
        "", " ", "abc", "0", "0h", "0m", "0:00", "0.01", "-1h", "-30m", "+1h", "NaN", "nan", "inf",
        "1e3", "1e999", "1e999h", "1d", "٣h", "²h", "30", "1,000", "1:60", "2h90m",
        "1000000000000000000000000000000", "1000000000000000000000000000000h",
        "1000000000000000000000000000000m", "9" * 5000,
    ),
)  # fmt: skip
async def test_a_duration_that_is_not_one_is_refused_and_nothing_is_logged(
    season: World, duration: str
) -> None:
    number = await season.log(ADA, "1h")
    assert await season.refused(hours.log, ADA, duration=duration, note="x")
    assert await season.refused(hours.edit, ADA, number=str(number), duration=duration)
    assert await total(season) == 60


@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(minutes=st.lists(st.integers(1, LIMIT), min_size=1, max_size=4))
async def test_nobody_ever_has_more_minutes_than_have_passed(
    season: World, minutes: list[int]
) -> None:
    async with season.db.write() as session:
        for entry in await session.scalars(select(Entry)):
            entry.withdrawn_at = START
    stands = 0
    for wanted in minutes:
        if stands + wanted > LIMIT:
            sentence = await season.refused(hours.log, ADA, duration=f"{wanted}m", note="")
            assert format_minutes(LIMIT - stands) in sentence
        else:
            stands += wanted
            logged = await season.do(hours.log, ADA, duration=f"{wanted}m", note="")
            assert logged.total_minutes == stands
    assert await total(season) == stands <= LIMIT


async def test_exactly_the_time_that_has_passed_can_be_logged_and_not_a_minute_more(
    season: World,
) -> None:
    sentence = await season.refused(hours.log, ADA, duration=f"{LIMIT + 1}m", note="")
    assert "2026-Q1 cannot be more than the time since" in sentence
    number = await season.log(ADA, f"{LIMIT}m")
    assert "At most 0 min" in await season.refused(hours.log, ADA, duration="1m", note="")
    assert "At most" in await season.refused(
        hours.edit, ADA, number=str(number), duration=f"{LIMIT + 1}m"
    )
    assert (await season.do(hours.edit, ADA, number=str(number), duration="1h")).minutes == 60
    edited = await season.do(hours.edit, ADA, number=str(number), duration=f"{LIMIT}m")
    assert edited.total_minutes == LIMIT
    await season.log(BEN, f"{LIMIT}m")
    season.now += MINUTE
    await season.log(ADA, "1m")


# ---------------------------------------------------------------- dates


@pytest.mark.parametrize(
    ("typed", "day"),
    (
        ("2026-01-10", "2026-01-10"),
        (" Today ", "2026-01-10"),
        ("yesterday", "2026-01-09"),
        ("2026-1-2", "2026-01-02"),
        ("2025-12-30", "2025-12-30"),
        (None, None),
    ),
)
async def test_a_date_lies_within_the_time_that_the_round_takes_work_for(
    season: World, typed: str | None, day: str | None
) -> None:
    number = await season.log(ADA, "1h", work_date=typed)
    card = await season.see(hours.card, season.guild_id, number=number)
    assert card is not None
    assert (card.work_date.isoformat() if card.work_date else None) == day
    assert (await season.record())[-1].data["date"] == (day or "")


@pytest.mark.parametrize(
    ("typed", "sentence"),
    (
        ("2026-01-11", "still to come"),
        ("2027-01-01", "still to come"),
        ("9999-12-31", "still to come"),
        ("2025-12-29", "lies before it"),
        ("0001-01-01", "lies before it"),
        ("2026-02-30", "no such day"),
        ("0000-01-01", "no such day"),
        ("2026-13-01", "no such day"),
        ("10.01.2026", "`date` accepts a day from 2025-12-30 to 2026-01-10"),
        ("tomorrow", "`date` accepts"),
        ("٢٠٢٦-٠١-٠١", "`date` accepts"),
        ("", "`date` accepts"),
        ("9" * 1000, "`date` accepts"),
    ),
)
async def test_other_dates_are_refused(season: World, typed: str, sentence: str) -> None:
    assert sentence in await season.refused(hours.log, ADA, duration="1h", note="", work_date=typed)


async def test_an_entry_with_a_date_has_at_most_24_hours(season: World) -> None:
    number = await season.log(ADA, "24h", work_date="yesterday")
    sentence = await season.refused(
        hours.log, ADA, duration="24h1m", note="", work_date="yesterday"
    )
    assert "at most 24 h" in sentence
    assert "at most 24 h" in await season.refused(
        hours.edit, ADA, number=str(number), duration="24h1m"
    )
    await season.log(ADA, "24h1m")


async def test_days_are_those_of_the_servers_zone(server: World) -> None:
    server.now = utc("2026-01-10 23:30")
    season = await server.opened(timezone="Asia/Kathmandu")
    number = await season.log(ADA, "1h", work_date="2026-01-11")
    assert number == 1
    assert "still to come" in await season.refused(
        hours.log, ADA, duration="1h", note="", work_date="2026-01-12"
    )


# ---------------------------------------------------------------- notes and other texts


@pytest.mark.parametrize("note", HOSTILE_NOTES)
async def test_a_note_of_6000_characters_stays_as_it_was_written(season: World, note: str) -> None:
    text = note[:6000]
    number = await season.log(ADA, "1h")
    await season.do(hours.edit, ADA, number=str(number), note=text)
    card = await season.see(hours.card, season.guild_id, number=number)
    assert card is not None
    assert card.note == text.strip()
    assert text[:20] not in str([row.as_json() for row in await season.record()])


async def test_a_longer_note_is_refused(season: World) -> None:
    number = await season.log(ADA, "1h")
    for verb, data in (
        (hours.log, {"duration": "1h"}),
        (hours.edit, {"number": str(number)}),
        (hours.start, {}),
    ):
        assert "up to 6000 characters; this one has 6001" in await season.refused(
            verb, ADA, note="x" * 6001, **data
        )


@pytest.mark.parametrize("category", ("memes", "support", "", "other; drop table entries"))
async def test_a_category_is_one_of_the_list(season: World, category: str) -> None:
    if category:
        for verb, data in (
            (hours.log, {"duration": "1h", "note": ""}),
            (hours.edit, {"number": "1"}),
        ):
            await season.log(ADA, "1m")
            assert "`category` is one of: support channel" in await season.refused(
                verb, ADA, category=category, **data
            )
    else:
        number = await season.log(ADA, "1h", category=category)
        card = await season.see(hours.card, season.guild_id, number=number)
        assert card is not None
        assert card.category == "support channel"


@pytest.mark.parametrize("link", ("https://example.org/a?b=c#d", "http://example.org", " ", None))
async def test_evidence_is_a_link(season: World, link: str | None) -> None:
    number = await season.log(ADA, "1h", evidence=link)
    card = await season.see(hours.card, season.guild_id, number=number)
    assert card is not None
    assert card.evidence == (link or "").strip()


@pytest.mark.parametrize(
    "link",
    (
        "example.org", "javascript:alert(1)", "https://a b", "https://a|b", "https://<x>",
        "ftp://example.org", "https://" + "a" * 500,
    ),
)  # fmt: skip
async def test_other_evidence_is_refused(season: World, link: str) -> None:
    assert "`evidence` is a link" in await season.refused(
        hours.log, ADA, duration="1h", note="", evidence=link
    )


# ---------------------------------------------------------------- who


async def test_hours_are_logged_by_helpers(season: World) -> None:
    await season.do(roster.join, SAM)
    assert "is waiting" in await season.refused(hours.log, SAM, duration="1h", note="")
    for who in (KIM, MOE, ROOT):
        assert "`/helper join`" in await season.refused(hours.log, who, duration="1h", note="")
        assert "`/helper join`" in await season.refused(hours.start, who, note=None)
        assert "`/helper join`" in await season.refused(hours.done, who)


async def test_the_committee_logs_for_a_helper_and_that_is_recorded(season: World) -> None:
    logged = await season.do(hours.log, KIM, duration="2h", note="told me", helper=ADA.person)
    assert (logged.user_id, logged.for_name, logged.total_minutes) == (ADA.user_id, "Ada", 120)
    row = (await season.record())[-1]
    assert (row.actor, row.acting_for, row.data["user_id"]) == ("21", "11", "11")
    card = await season.see(hours.card, season.guild_id, number=logged.number)
    assert card is not None
    assert (card.user_id, card.actor_id, card.name) == (ADA.user_id, KIM.user_id, "Ada")
    await season.do(hours.withdraw, ADA, number="1")


async def test_who_is_named_as_helper_of_their_own_entry_acts_for_nobody(season: World) -> None:
    logged = await season.do(hours.log, ADA, duration="2h", note="", helper=ADA.person)
    assert logged.for_name is None
    assert (await season.record())[-1].acting_for == ""


@pytest.mark.parametrize("who", (BEN, MOE, ROOT, SAM))
async def test_nobody_else_logs_for_somebody(season: World, who: Who) -> None:
    sentence = await season.refused(hours.log, who, duration="2h", note="", helper=ADA.person)
    assert "for the committee" in sentence


async def test_the_committee_logs_for_helpers_only(season: World) -> None:
    assert "<@51> is not a helper here" in await season.refused(
        hours.log, KIM, duration="2h", note="", helper=SAM.person
    )
    await season.do(roster.join, SAM)
    assert "<@51> is not a helper here" in await season.refused(
        hours.log, KIM, duration="2h", note="", helper=SAM.person
    )


async def test_a_helper_sees_own_entries_and_the_committee_anybodys(season: World) -> None:
    await season.log(ADA, "1h")
    await season.log(BEN, "2h")
    await season.log(ADA, "3h")
    await season.do(hours.withdraw, ADA, number="1")
    mine = await season.see(hours.listing, by=season.by(ADA), label=None, helper=None)
    assert [(card.number, card.withdrawn) for card in mine.cards] == [(1, True), (3, False)]
    assert (mine.total_minutes, mine.worth.for_hours, mine.done) == (180, 15_00, False)
    theirs = await season.see(hours.listing, by=season.by(KIM), label="2026-q1", helper=ADA.person)
    assert theirs == replace(mine, shows_who=True)
    with pytest.raises(Refusal, match="for the committee"):
        await season.see(hours.listing, by=season.by(BEN), label=None, helper=ADA.person)
    with pytest.raises(Refusal, match="no round of that name"):
        await season.see(hours.listing, by=season.by(ADA), label="2031-Q1", helper=None)


# ---------------------------------------------------------------- edit and withdraw


async def test_an_edited_entry_counts_as_it_is_now_and_the_record_holds_both(
    season: World,
) -> None:
    number = await season.log(ADA, "1h")
    changed = await season.do(
        hours.edit, ADA, number=f" #{number} ", duration="2h", category="other", note="more"
    )
    assert (changed.minutes, changed.total_minutes) == (120, 120)
    row = (await season.record())[-1]
    assert row.action == "entry.edited"
    assert (row.data["minutes_before"], row.data["minutes"]) == (60, 120)
    card = await season.see(hours.card, season.guild_id, number=number)
    assert card is not None
    assert (card.edited, card.category, card.note) == (True, "other", "more")


async def test_an_edit_says_what_to_change(season: World) -> None:
    number = await season.log(ADA, "1h")
    assert "Say what to change" in await season.refused(hours.edit, ADA, number=str(number))


async def test_a_withdrawn_entry_stays_readable_and_counts_no_more(season: World) -> None:
    number = await season.log(ADA, "1h")
    gone = await season.do(hours.withdraw, ADA, number=str(number))
    assert (gone.minutes, gone.total_minutes, gone.worth.for_hours) == (60, 0, 0)
    card = await season.see(hours.card, season.guild_id, number=number)
    assert card is not None
    assert (card.withdrawn, card.minutes) == (True, 60)
    for verb, data in ((hours.withdraw, {}), (hours.edit, {"duration": "2h"})):
        assert "is withdrawn already" in await season.refused(verb, ADA, number=str(number), **data)


@pytest.mark.parametrize("number", ("1", "#1", "99", "abc", "", "-1", "1.0", "٣", "9" * 40))
async def test_only_ones_own_entries_are_changed(season: World, number: str) -> None:
    await season.log(ADA, "1h")
    for who in (BEN, KIM, ROOT):
        assert "not the number of an entry of yours" in await season.refused(
            hours.edit, who, number=number, duration="2h"
        )
        assert "not the number of an entry of yours" in await season.refused(
            hours.withdraw, who, number=number
        )


async def test_after_the_close_an_entry_stays_as_it_is(season: World) -> None:
    number = await season.log(ADA, "1h")
    for instant in (CLOSE, COMPUTE):
        await season.to(instant)
        for verb, data in ((hours.withdraw, {}), (hours.edit, {"duration": "2h"})):
            assert "so entry #1 stays as it is" in await season.refused(
                verb, ADA, number=str(number), **data
            )


async def test_an_entry_of_a_void_round_stays_as_it_is(season: World) -> None:
    number = await season.log(ADA, "1h")
    await season.void()
    assert await season.refused(hours.withdraw, ADA, number=str(number))
    assert await season.see(hours.own_entries, season.guild_id, user_id=ADA.user_id) == []


async def test_own_entries_of_the_open_round_are_offered_with_a_label(season: World) -> None:
    await season.log(ADA, "1h")
    await season.to(CLOSE)
    season.now += DAY
    await season.log(ADA, "2h")
    await season.log(BEN, "3h")
    cards = await season.see(hours.own_entries, season.guild_id, user_id=ADA.user_id)
    assert hours.rows_of(cards) == [("2", "#2 · 2 h · helped")]


# ---------------------------------------------------------------- which round


async def test_nothing_is_logged_where_no_round_is_open(town: World) -> None:
    for verb, data in ((hours.log, {"duration": "1h"}), (hours.start, {})):
        assert "No round is open" in await town.refused(verb, ADA, note="", **data)
    assert "No round is open" in await town.refused(hours.done, ADA)


async def test_what_is_logged_during_the_review_belongs_to_the_next_round(season: World) -> None:
    await season.to(CLOSE)
    season.now += HOUR
    assert (await season.do(hours.log, ADA, duration="1h", note="")).label == "2026-Q2"
    assert "At most 0 min" in await season.refused(hours.log, ADA, duration="1m", note="")


async def test_the_instant_on_discords_clock_decides_also_when_it_is_processed_later(
    season: World,
) -> None:
    number = await season.log(ADA, "1h")
    late = season.by(ADA, at=CLOSE - timedelta(milliseconds=1))
    in_time = season.by(ADA, at=CLOSE)
    await season.to(CLOSE + HOUR)
    logged = await season.act(hours.log, late, duration="1h", note="")
    assert (logged.label, logged.total_minutes) == ("2026-Q1", 120)
    with pytest.raises(Refusal, match="2026-Q2 cannot be more"):
        await season.act(hours.log, in_time, duration="1m", note="")
    later = season.by(ADA, at=CLOSE - MINUTE)
    await season.act(hours.edit, later, number=str(number), duration="2h")
    last = season.by(ADA, at=CLOSE - MINUTE)
    await season.to(COMPUTE)
    for verb, data in (
        (hours.log, {"duration": "1h", "note": ""}),
        (hours.edit, {"duration": "1h", "number": str(number)}),
    ):
        with pytest.raises(Refusal, match="2026-Q1 closed"):
            await season.act(verb, last, **data)
    await season.published()
    assert (await season.amounts("2026-Q1"))[ADA.user_id] == 15_00


async def test_there_is_no_gap_before_the_clockwork_has_closed_a_round(season: World) -> None:
    season.now = CLOSE + HOUR
    logged = await season.do(hours.log, ADA, duration="1h", note="")
    assert logged.label == "2026-Q2"
    assert await season.all_rounds() == [("2026-Q1", "review"), ("2026-Q2", "open")]
    assert await season.to(CLOSE + HOUR) == []


async def test_a_form_that_arrives_after_the_close_by_hand_goes_to_the_next_round(
    season: World,
) -> None:
    season.now += DAY
    before = season.by(ADA, at=season.now - MINUTE)
    await season.close()
    season.now += HOUR
    assert (await season.act(hours.log, before, duration="1h", note="")).label == "2026-Q1"
    assert (await season.do(hours.log, ADA, duration="1h", note="")).label == "2026-Q2"


async def test_what_comes_late_cannot_make_a_draft_impossible(season: World) -> None:
    number = await season.log(ADA, "1h")
    late = season.by(ADA, at=CLOSE - MINUTE)
    await season.to(CLOSE)
    await season.do(settlement.adjust, KIM, person=ADA.person, reason="too much", minutes=-60)
    for verb, data in ((hours.withdraw, {}), (hours.edit, {"duration": "30m"})):
        with pytest.raises(Refusal, match="below zero"):
            await season.act(verb, late, number=str(number), **data)
    assert "has been adjusted" in await season.refused(rounds.reopen, KIM, reason="too early")
    await season.to(COMPUTE)
    await season.published(LEE)


# ---------------------------------------------------------------- the clock


async def test_the_clock_logs_the_whole_minutes_it_ran(season: World) -> None:
    started = await season.do(hours.start, ADA, note="on call")
    assert started.at == START
    season.now += 90 * MINUTE + timedelta(seconds=59)
    logged = await season.do(hours.stop, ADA, note=None)
    assert (logged.minutes, logged.cut, logged.long_clock) == (90, 0, False)
    card = await season.see(hours.card, season.guild_id, number=logged.number)
    assert card is not None
    assert (card.note, card.category) == ("on call", "support channel")
    assert "not running" in await season.refused(hours.stop, ADA, note=None)


async def test_a_note_at_the_stop_replaces_that_of_the_start(season: World) -> None:
    await season.do(hours.start, ADA, note="on call")
    season.now += 13 * HOUR
    logged = await season.do(hours.stop, ADA, note="answered ten people")
    assert logged.long_clock
    card = await season.see(hours.card, season.guild_id, number=logged.number)
    assert card is not None
    assert card.note == "answered ten people"


async def test_one_clock_runs_at_a_time_and_survives_a_restart(season: World) -> None:
    await season.do(hours.start, ADA, note=None)
    assert "Your clock runs since" in await season.refused(hours.start, ADA, note=None)
    await season.do(hours.start, BEN, note=None)
    await season.db.close()
    season.now += HOUR
    season.db = same(season.db)
    await season.db.open(now=season.now)
    assert (await season.do(hours.stop, ADA, note=None)).minutes == 60
    await season.db.close()
    season.db = same(season.db)
    await season.db.connect()


async def test_a_clock_of_less_than_a_minute_is_stopped_and_logs_nothing(season: World) -> None:
    await season.do(hours.start, ADA, note=None)
    season.now += timedelta(seconds=59)
    with pytest.raises(Kept, match="less than a minute"):
        await season.do(hours.stop, ADA, note=None)
    assert "not running" in await season.refused(hours.stop, ADA, note=None)
    assert await total(season) == 0


async def test_a_clock_that_runs_over_the_close_logs_the_part_in_the_open_round(
    season: World,
) -> None:
    season.now = CLOSE - HOUR
    await season.do(hours.start, ADA, note=None)
    await season.to(CLOSE + 2 * HOUR)
    logged = await season.do(hours.stop, ADA, note=None)
    assert (logged.label, logged.minutes, logged.cut) == ("2026-Q2", 120, 60)


async def test_a_clock_logs_only_what_the_round_has_room_for(season: World) -> None:
    await season.do(hours.start, ADA, note=None)
    season.now += HOUR
    await season.log(ADA, f"{LIMIT + 40}m")
    logged = await season.do(hours.stop, ADA, note=None)
    assert (logged.minutes, logged.cut) == (20, 40)
    await season.do(hours.start, ADA, note=None)
    season.now += HOUR
    await season.log(ADA, "1h")
    assert "At most 0 min" in await season.refused(hours.stop, ADA, note=None)


async def test_a_clock_keeps_running_where_no_round_is_open(season: World) -> None:
    await season.do(hours.start, ADA, note=None)
    season.now += HOUR
    await season.void()
    assert "No round is open" in await season.refused(hours.stop, ADA, note=None)
    await season.do(rounds.open_by_hand, KIM)
    assert (await season.do(hours.stop, ADA, note=None)).minutes == 60


async def test_who_is_removed_does_not_stop_a_clock_into_hours(season: World) -> None:
    await season.do(hours.start, ADA, note=None)
    season.now += HOUR
    await season.do(roster.remove, MOE, user_id=ADA.user_id, reason="x")
    assert "not running" in await season.refused(hours.stop, ADA, note=None)
    await season.do(roster.add, MOE, person=ADA.person)
    assert "not running" in await season.refused(hours.stop, ADA, note=None)


async def test_who_is_removed_can_lower_but_not_raise_a_claim(season: World) -> None:
    number = str(await season.log(ADA, "2h"))
    await season.do(roster.remove, MOE, user_id=ADA.user_id, reason="x")
    assert "logged by helpers" in await season.refused(
        hours.edit, ADA, number=number, duration="20h"
    )
    assert (await season.do(hours.edit, ADA, number=number, duration="1h")).minutes == 60
    assert (await season.do(hours.edit, ADA, number=number, note="words")).minutes == 60
    await season.do(hours.withdraw, ADA, number=number)


# ---------------------------------------------------------------- done, cards, repetition


async def test_saying_done_twice_counts_once(season: World) -> None:
    await season.log(ADA, "1h")
    mine = await season.do(hours.done, ADA)
    assert (mine.done, mine.total_minutes) == (True, 60)
    assert (await season.do(hours.done, ADA)).done
    assert (await season.actions()).count("hours.done") == 1
    assert (await season.see(rounds.status, season.guild_id, label=None)).finished == 1


async def test_each_entry_has_one_card_that_follows_it(season: World) -> None:
    await season.log(ADA, "1h")
    await season.log(BEN, "1h")
    (post, _) = await season.posts("card")
    async with season.db.write() as session:
        await outbox.sent(session, post, channel_id=1, message_id=2, at=season.now)
    await season.do(hours.edit, ADA, number="1", duration="2h")
    await season.do(hours.withdraw, ADA, number="1")
    cards = await season.posts("card")
    assert [(card.name, card.state) for card in cards] == [
        ("entry:1", "pending"),
        ("entry:2", "pending"),
    ]
    assert cards[0].message_id == 2


async def test_the_answer_knows_whether_the_thread_is_there(season: World) -> None:
    round_ = await season.round("2026-Q1")
    async with season.db.write() as session:
        await threads.threaded(session, round_.id, thread_id=77)
    assert (await season.do(hours.log, ADA, duration="1h", note="")).thread_id == 77
    async with season.db.write() as session:
        await threads.lost(session, season.guild_id, thread_id=77, at=season.now)
    logged = await season.do(hours.log, ADA, duration="1h", note="")
    assert (logged.thread_id, logged.total_minutes) == (None, 120)


async def test_the_same_interaction_logs_once(season: World) -> None:
    by = season.by(ADA)
    await season.act(hours.log, by, duration="1h", note="")
    with pytest.raises(Repeated):
        await season.act(hours.log, by, duration="1h", note="")
    assert await total(season) == 60


async def test_a_refused_interaction_may_come_again(season: World) -> None:
    by = season.by(ADA)
    with pytest.raises(Refusal):
        await season.act(hours.log, by, duration="1h", note="", category="memes")
    await season.act(hours.log, by, duration="1h", note="")


async def test_two_processes_take_one_interaction_once_and_give_every_entry_a_number(
    season: World,
) -> None:
    other = World(same(season.db), now=season.now)
    await other.db.connect()
    try:
        by = season.by(ADA)
        results = await twice_at_once(
            lambda: season.act(hours.log, by, duration="1h", note=""),
            lambda: other.act(hours.log, by, duration="1h", note=""),
        )
        assert sorted(type(result).__name__ for result in results) == ["Logged", "Repeated"]
        results = await twice_at_once(
            lambda: season.do(hours.log, BEN, duration=f"{LIMIT}m", note=""),
            lambda: other.do(hours.log, BEN, duration=f"{LIMIT}m", note=""),
        )
        assert sorted(type(result).__name__ for result in results) == ["Logged", "Refusal"]
        results = await twice_at_once(
            lambda: season.do(hours.log, CYD, duration="1h", note=""),
            lambda: other.do(hours.log, CYD, duration="1h", note=""),
        )
        assert {getattr(result, "number", None) for result in results} == {3, 4}
    finally:
        await other.db.close()


async def test_entries_are_unknown_in_another_server(season: World) -> None:
    number = str(await season.log(ADA, "1h"))
    other = season.elsewhere()
    await other.opened()
    assert await other.see(hours.card, other.guild_id, number=1) is None
    for verb, data in ((hours.withdraw, {}), (hours.edit, {"duration": "2h"})):
        assert "not the number of an entry of yours" in await other.refused(
            verb, ADA, number=number, **data
        )
    assert "not running" in await other.refused(hours.stop, ADA, note=None)
    assert await total(other) == 0
    assert await other.log(ADA, "2h") == 1
    assert await total(season) == 60


async def test_a_card_of_somebody_never_seen_shows_the_id(season: World) -> None:
    async with season.db.write() as session:
        round_ = await season.round("2026-Q1")
        session.add(
            Entry(
                guild_id=season.guild_id, number=1, round_id=round_.id, user_id=77, actor_id=77,
                minutes=5, note="", category="other", at=season.now, withdrawn_at=season.now,
            )
        )  # fmt: skip
    card = await season.see(hours.card, season.guild_id, number=1)
    assert card is not None
    assert card.name == "user 77"


@pytest.mark.parametrize("typed", ("2h30m", "2:30", "2.5h", "2,5", "150m"))
async def test_the_accepted_forms_mean_the_same(season: World, typed: str) -> None:
    await season.log(ADA, typed)
    assert await total(season) == parse_minutes(typed) == 150


async def test_a_late_entry_counts_with_the_time_it_was_made_for(season: World) -> None:
    season.now += DAY
    by = season.by(ADA, at=START)
    with pytest.raises(Refusal, match="At most"):
        await season.act(hours.log, by, duration=f"{LIMIT + 1}m", note="")


async def test_dates_of_a_later_round_start_at_its_opening(season: World) -> None:
    await paid_season(season)
    assert "2026-Q2 accepts work since 2026-03-30" in await season.refused(
        hours.log, ADA, duration="1h", note="", work_date="2026-03-29"
    )
    await season.log(ADA, "1h", work_date="2026-03-30")


@pytest.mark.parametrize(
    ("rule", "worth"),
    (
        ({"split_by": "thanks"}, lines.Worth("thanks", 0, None)),
        ({"split_by": "thanks", "public_counts": "yes"}, lines.Worth("thanks", 0, 750_00)),
        ({"split_by": "mixed", "thanks_share": "40"}, lines.Worth("mixed", 5_00, None)),
        (
            {"split_by": "mixed", "thanks_share": "40", "public_counts": "yes"},
            lines.Worth("mixed", 5_00, 300_00),
        ),
    ),
)
async def test_the_part_for_thanks_is_told_where_votes_are_public(
    server: World, rule: dict[str, str], worth: lines.Worth
) -> None:
    season = await server.opened(**rule)
    for voter, helper in ((SAM, ADA), (TOM, ADA), (BEN, ADA), (SAM, BEN), (SAM, CYD)):
        await season.do(thanks.give, voter, person=helper.person)
    await season.do(roster.pay, CYD, wanted=False)
    assert (await season.do(hours.log, ADA, duration="1h", note="helped")).worth == worth
    listing = await season.see(hours.listing, by=season.by(ADA), label=None, helper=None)
    assert listing.worth == worth


async def test_the_part_for_thanks_is_known_after_the_close(server: World) -> None:
    season = await server.opened(split_by="thanks")
    await season.do(thanks.give, SAM, person=ADA.person)
    await season.to(CLOSE)
    listing = await season.see(hours.listing, by=season.by(ADA), label="2026-Q1", helper=None)
    assert listing.worth == lines.Worth("thanks", 0, 1000_00)
