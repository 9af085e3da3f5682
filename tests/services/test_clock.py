"""Clocks that jump, zones that skip a midnight: what is due is done once, and in its time."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest

from bot.services import payments
from tests.services.world import (
    ADA,
    CALL,
    CLOSE,
    COMPUTE,
    DAY,
    HOUR,
    KIM,
    PAY,
    START,
    World,
    utc,
)

LATER = PAY + 30 * DAY


async def done(world: World) -> list[tuple[str, object]]:
    """Return what the record says was done by the clock, in its order."""
    return [
        (row.action, row.subject)
        for row in await world.record()
        if row.action.startswith("round.") and row.action != "round.published"
    ]


@pytest.mark.parametrize("seed", range(3))
async def test_a_clock_that_jumps_back_and_forth_does_nothing_twice(
    season: World, seed: int
) -> None:
    chance = random.Random(seed)
    await season.log(ADA, "10h")
    for instant in (CALL, CLOSE, COMPUTE):
        await season.to(instant)
        for _ in range(4):
            await season.to(START + chance.random() * (instant - START))
    await season.published()
    await season.to(START)
    await season.to(PAY)
    await season.to(CLOSE - HOUR)
    await season.do(payments.record, KIM, reference="0x1")
    await season.to(LATER)
    actions = [action for action, subject in await done(season) if subject == "round:1"]
    assert len(actions) == len(set(actions))
    posts = await season.posts()
    assert len({post.name for post in posts}) == len(posts)
    assert (await season.round("2026-Q1")).state == "settled"


async def test_hours_logged_while_the_clock_stands_back_count_in_the_open_round(
    season: World,
) -> None:
    await season.to(CALL)
    season.now = START + HOUR
    await season.log(ADA, "2h")
    await season.to(COMPUTE)
    published = await season.published()
    assert [line.minutes for line in published.statement.lines] == [120]


@pytest.mark.parametrize(
    ("zone", "close_day", "month", "close"),
    (
        # The last day for hours ends at a midnight that does not exist.
        pytest.param("Africa/Cairo", 23, 4, "2026-04-23 22:00", id="Cairo"),
        pytest.param("America/Santiago", 5, 9, "2026-09-06 04:00", id="Santiago"),
        # The hour before it comes twice.
        pytest.param("America/Santiago", 4, 4, "2026-04-05 04:00", id="Santiago, out of"),
        # On the days of summer time, at the ordinary one.
        pytest.param("Europe/Berlin", 28, 3, "2026-03-28 23:00", id="Berlin, into"),
        pytest.param("Europe/Berlin", 24, 10, "2026-10-24 22:00", id="Berlin, out of"),
        # On the leap day and before it.
        pytest.param("UTC", 28, 2, "2028-02-29 00:00", id="leap day"),
    ),
)
async def test_a_round_closes_once_at_the_end_of_a_day_in_every_zone(
    server: World, zone: str, close_day: int, month: int, close: str
) -> None:
    at = utc(close)
    server.now = datetime(at.year, month, 1, 12, tzinfo=at.tzinfo)
    await server.opened(
        timezone=zone, call_day=str(close_day), close_day=str(close_day), period="month"
    )
    label = f"{at.year}-{month:02}"
    round_ = await server.round(label)
    assert round_.close_at == at
    assert "close" not in [act.name for act in await server.to(at - timedelta(microseconds=1))]
    closed = await server.to(at)
    assert [act.name for act in closed].count("close") == 1
    assert await server.to(at + HOUR) == []
