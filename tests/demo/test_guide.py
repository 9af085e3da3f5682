"""What our page says: every act of the bot has words, and wrong figures are not praised."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.demo import guide, season
from bot.demo.world import Event, Posted, open_world

CSV = """\
name,minutes,amount
Patches,64588,{amount}
object Object,33631,3691.61
dEEtoo,19603,2151.78
poupas,16494,1810.52
yorickdowne,15873,1742.35
0xFornax,13793,1514.03
"""


@dataclass
class File:
    content: str

    async def read(self) -> bytes:
        return self.content.encode()


@pytest.mark.parametrize(
    ("name", "words"),
    (
        ("call", "call for claims"),
        ("close", "2026-Q1 closes"),
        ("compute", "draft of 2026-Q1"),
        ("draft-note-1", "reminder to the committee"),
        ("draft-note-3", "reminder to the committee"),
        ("pay", "payment of 2026-Q1 is due"),
        ("pay-note-2", "reminder to pay"),
        ("final", "2026-Q1 becomes final"),
        ("settle", "2026-Q1 is settled"),
    ),
)
def test_everything_the_bot_does_by_itself_has_a_name(name: str, words: str) -> None:
    assert guide.before(Event(name, "2026-Q1", datetime(2026, 3, 15, tzinfo=UTC))) == words


@pytest.mark.parametrize(
    ("amount", "words"),
    (("7089.71", "of the published hours, to the cent"), ("7089.72", "were changed")),
)
async def test_only_the_real_figures_are_called_so(amount: str, words: str) -> None:
    files: Any = {"csv": File(CSV.format(amount=amount))}
    assert words in await guide.verdict(Posted("Statement", files))


async def test_the_suggestions_follow_the_round_to_its_end() -> None:
    async with open_world() as world:
        await season.play_until_visitors_arrive(world)

        async def current(*, has_moved: bool = True) -> int:
            states = [step["state"] for step in await guide.steps(world, has_moved=has_moved)]
            return states.index("now") + 1 if "now" in states else 0

        assert await current(has_moved=False) == 1
        assert await current() == 2
        await world.move(season.at(3, 30, 1))
        assert await current(has_moved=False) == 2
        await season.wait_for_the_draft(world)
        assert await current() == 3
        await season.approve_and_publish(world)
        assert await current() == 4
        await world.move(season.PAID)
        assert await current() == 5
        await season.pay(world)
        assert await current() == 0
        passed = await world.move(season.at(5, 1))
        assert [event.name for event in passed] == ["final"]  # and settled in the same moment
        event = await world.next_event()
        assert event is not None
        assert (event.name, event.label) == ("call", "2026-Q2")
