"""What our page says: every act of the bot has words, and wrong figures are not praised."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from bot.demo import guide, season
from bot.demo.world import Event, Posted, open_world
from bot.domain import schedule
from bot.domain.schedule import RoundFacts
from bot.domain.states import Round as State

CSV = """\
name,minutes,voters,hours_amount,tips_amount,amount
Patches,64588,10,{amount},81.08,7170.79
object Object,33631,7,3691.61,56.76,3748.37
dEEtoo,19603,6,2151.78,48.65,2200.43
poupas,16494,5,1810.52,40.54,1851.06
yorickdowne,15873,6,1742.35,48.65,1791.00
0xFornax,13793,3,1514.03,24.32,1538.35
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
        ("draft-2-note-1", "reminder to the committee"),
        ("suspension-final", "ceased payments of 2026-Q1 are final"),
        ("cease-lapsed", "the vote about 2026-Q1 ends"),
    ),
)
def test_everything_the_bot_does_by_itself_has_a_name(name: str, words: str) -> None:
    assert guide.before(Event(name, "2026-Q1", datetime(2026, 3, 15, tzinfo=UTC))) == words


def test_every_act_of_the_schedule_has_a_name() -> None:
    now = season.at(3, 1)
    facts = RoundFacts(
        1, State.OPEN, season.at(2, 1), now, now, now, drafted_at=now, published_at=now,
        dispute_until=now, due_lines=1, correction=2,
    )  # fmt: skip
    later = [replace(facts, state=state) for state in State]
    settled = replace(facts, state=State.FINAL, due_lines=0, correction=None)
    names = {name for each in (*later, settled) for name, _ in schedule._instants(each)}
    assert {"call", "close", "compute", "pay", "final", "settle", "draft-2-note-1"} <= names
    for name in names:
        assert guide.before(Event(name, "2026-Q1", now))


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
        visit = guide.Visit()

        async def current(*, has_moved: bool = True) -> int:
            visit.has_moved = has_moved
            states = [step["state"] for step in await guide.steps(world, visit)]
            return states.index("now") + 1 if "now" in states else 0

        assert await current(has_moved=False) == 1
        assert await current() == 5
        await world.move(season.at(3, 30, 1))
        assert await current(has_moved=False) == 5
        await season.wait_for_the_draft(world)
        assert await current() == 6
        await season.approve_and_publish(world)
        assert await current() == 7
        await season.hand_over(world)
        assert await current() == 8
        await season.pay(world)
        assert await current() == 9
        await season.pay_whoever_was_left_out(world)
        assert await current() == 9
        await season.dispute(world)
        assert await current() == 0
        passed = await world.move(season.at(5, 1))
        assert [event.name for event in passed] == ["final"]  # and settled in the same moment
        event = await world.next_event()
        assert event is not None
        assert (event.name, event.label) == ("call", "2026-Q2")


async def test_four_ways_are_one_vote_and_taking_all_back_is_none() -> None:
    async with open_world() as world:
        await season.play_until_visitors_arrive(world)
        visit, who, helper = guide.Visit(), season.HELPED, season.HELPED_BY
        message = guide.message_at(world, guide.Landmark.MESSAGE)
        assert message.content.startswith("Then the change was not confirmed.")
        assert guide.message_at(world, guide.Landmark.BOARD) == world.board(season.ROUND)

        async def step() -> tuple[int, str]:
            steps = await guide.steps(world, visit)
            states = [step["state"] for step in steps]
            return states.index("now") + 1, steps[0]["note"]

        async def votes() -> str:
            user = world.people[helper].actor
            answer = await world.press("Noor", world.committee, "audit voters", helper=user)
            return (answer.embeds[0].description or "").split("**")[1]

        assert (await step(), await votes()) == (
            (1, "Sam does not thank yorickdowne at present: no vote."),
            "6 voters",
        )
        await world.click(who, helper, season.ROUND)
        await world.react(who, message, season.THANKS_EMOJI)
        await world.thank_author(who, message)
        assert (await step(), await votes()) == (
            (1, "Sam thanks yorickdowne by the board, the folded hands, the menu: one vote."),
            "7 voters",
        )
        answer = await world.press(who, world.support, "thanks", helper=world.people[helper].actor)
        assert (await step(), await votes()) == (
            (
                2,
                "Sam thanks yorickdowne by the board, the folded hands, the menu, /thanks: "
                "one vote.",
            ),
            "7 voters",
        )
        await world.click(who, helper, season.ROUND)
        await world.people[who].actor.click(answer, label="Take it back")
        assert (await step(), await votes()) == (
            (2, "Sam thanks yorickdowne by the folded hands: one vote."),
            "7 voters",
        )
        await world.react(who, message, season.THANKS_EMOJI)
        assert (await step(), await votes()) == (
            (3, "Sam does not thank yorickdowne at present: no vote."),
            "6 voters",
        )
        await world.push(who, guide.message_at(world, guide.Landmark.CARD), "Fair")
        assert (await step())[0] == 4


async def test_who_disputes_too_late_to_be_heard_is_not_asked_to() -> None:
    async with open_world() as world:
        await season.play_until_visitors_arrive(world)
        await season.wait_for_the_draft(world)
        await season.approve_and_publish(world)
        await season.hand_over(world)
        await season.pay(world)
        await world.move(season.at(4, 15, 1))
        steps = await guide.steps(world, guide.Visit(has_moved=True))
        assert {step["state"] for step in steps} == {"done"}


async def test_ceased_payments_come_up_as_the_next_event() -> None:
    async with open_world() as world:
        await season.play_until_visitors_arrive(world)
        about = {"user": world.people["poupas"].actor, "reason": "The hours of two others."}
        await world.press("Noor", world.committee, "cease propose", **about)
        await world.move(season.at(3, 15))
        event = await world.next_event()
        assert event is not None
        assert (event.name, event.label) == ("cease-lapsed", "poupas")
        passed = await world.move(event.at)
        assert [guide.before(each) for each in passed] == ["the vote about poupas ends"]

        await world.press("Noor", world.committee, "cease propose", **about)
        for who in ("Noor", "Jonas"):
            await world.press(who, world.committee, "cease vote", proposal="2", vote="yes")
        await world.move(season.at(4, 5))
        event = await world.next_event()
        assert event is not None
        assert (event.name, event.label) == ("suspension-final", "poupas")
        (final,) = await world.move(event.at)
        news = guide.news(world, final)
        assert news["text"].endswith("the payments of poupas are ceased for good.")
        said = world.support.history()[-1].content
        assert "are ceased" in said
