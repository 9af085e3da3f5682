"""What our page tells a newcomer: what to try, what comes next, and what has just happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Any

from bot.demo.figures import compare, mistakes
from bot.demo.season import REFERENCE
from bot.demo.world import Event, Posted, World
from bot.domain.states import PUBLIC_ROUND_STATES, Line
from bot.domain.states import Round as State
from bot.services import rounds, settlement

if TYPE_CHECKING:
    import simcord

ROUND = "2026-Q1"
FIRST_PERSON = "Patches"
MORE_HOURS = {"duration": "2h30m", "note": "Helped with a stuck validator"}


class Place(Enum):
    """Where a suggestion is followed, or something is to be seen."""

    THREAD = "thread"
    COMMITTEE = "committee"


@dataclass(frozen=True, slots=True)
class Act:
    """What the bot does by itself: named before, told after, and seen by somebody somewhere."""

    before: str
    after: str
    place: Place
    person: str


@dataclass(frozen=True, slots=True)
class Command:
    """A command to try, as somebody, somewhere; with options it is filled in, but not sent."""

    person: str
    place: Place
    text: str
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """One suggestion; `extra` is a control that belongs to it: the time, or the files."""

    title: str
    text: str
    commands: tuple[Command, ...] = field(default=())
    extra: str = ""


class Stage(IntEnum):
    """How far the round is, as the number of the step that comes next."""

    LOGGING = 1
    WAITING = 2
    DRAFT = 3
    PUBLISHED = 4
    DUE = 5
    PAID = 6


ACTS: Mapping[str, Act] = {
    "call": Act(
        "call for claims",
        "The bot called for the last hours of {label}.",
        Place.THREAD,
        FIRST_PERSON,
    ),
    "close": Act(
        "{label} closes",
        "The bot closed {label}, and opened the next round at the same instant.",
        Place.THREAD,
        FIRST_PERSON,
    ),
    "compute": Act(
        "draft of {label}",
        "The bot computed the draft of {label} and posted it for the committee.",
        Place.COMMITTEE,
        "Noor",
    ),
    "draft-note": Act(
        "reminder to the committee",
        "The bot reminded the committee that the draft of {label} waits.",
        Place.COMMITTEE,
        "Noor",
    ),
    "pay": Act(
        "payment of {label} is due",
        "The bot told committee and helpers that the payment of {label} is due.",
        Place.COMMITTEE,
        "Jonas",
    ),
    "pay-note": Act(
        "reminder to pay",
        "The bot reminded the committee that the payment of {label} waits.",
        Place.COMMITTEE,
        "Jonas",
    ),
    "final": Act(
        "{label} becomes final",
        "The time for objections is over: {label} is final.",
        Place.THREAD,
        FIRST_PERSON,
    ),
    "settle": Act(
        "{label} is settled",
        "Nothing of {label} is left to be paid: it is settled.",
        Place.THREAD,
        FIRST_PERSON,
    ),
}

STEPS = (
    Step(
        "Be a helper",
        "Patches has logged hours all quarter. Ask the bot for them, or log some more: it says at"
        " once what they would give. More hours change everybody's amount, because the cap is"
        " reached; /hours withdraw takes an entry back.",
        (
            Command(FIRST_PERSON, Place.THREAD, "/hours list"),
            Command(FIRST_PERSON, Place.THREAD, "/hours log", MORE_HOURS),
        ),
    ),
    Step(
        "Let the quarter end",
        "The bot calls for claims, closes the round, opens the next one and makes the draft, each"
        " at its time and by itself. You only move the time.",
        extra="time",
    ),
    Step(
        "Be the committee",
        "Noor looks at the draft and approves exactly this one: any change would void the"
        " approval. Then it can be published.",
        (
            Command("Noor", Place.COMMITTEE, "/payout preview"),
            Command("Noor", Place.COMMITTEE, "/payout approve"),
            Command("Jonas", Place.COMMITTEE, "/payout publish"),
        ),
    ),
    Step(
        "Read the statement",
        "The bot has posted a page, a table and a bundle from which anybody can recompute every"
        " amount. Every helper can ask how their own came about.",
        (Command(FIRST_PERSON, Place.THREAD, "/payout mine"),),
        extra="files",
    ),
    Step(
        "Record the payment",
        "Stipend keeps no keys and moves no money: the committee pays, and records what finds the"
        " payment again.",
        (
            Command("Jonas", Place.COMMITTEE, "/payout paid", {"reference": REFERENCE}),
            Command(FIRST_PERSON, Place.THREAD, "/payout mine"),
        ),
    ),
)


def where(world: World, place: Place) -> simcord.ChannelHandle:
    """Return the channel of a place."""
    threads = [thread for thread in world.support.threads if ROUND in (thread.name or "")]
    return world.committee if place is Place.COMMITTEE else (threads or [world.support])[0]


def before(event: Event) -> str:
    """Return how the page calls what comes next."""
    return _act(event).before.format(label=event.label)


def news(world: World, event: Event) -> dict[str, str]:
    """Return what happened, and as whom and where it is to be seen."""
    act = _act(event)
    return {
        "text": act.after.format(label=event.label),
        "channel": str(where(world, act.place).id),
        "person": act.person,
    }


def _act(event: Event) -> Act:
    # Reminders are numbered: draft-note-1, draft-note-2.
    return ACTS[event.name.rstrip("-0123456789")]


async def steps(world: World, *, has_moved: bool) -> list[dict[str, Any]]:
    """Return the suggestions with how far the visitor is."""
    stage = await _stage(world, has_moved=has_moved)
    return [
        {
            "title": step.title,
            "text": step.text,
            "extra": step.extra,
            "state": _state(number, stage),
            "commands": [
                {
                    "text": command.text,
                    "options": dict(command.options),
                    "person": command.person,
                    "channel": str(where(world, command.place).id),
                }
                for command in step.commands
            ],
        }
        for number, step in enumerate(STEPS, start=1)
    ]


def _state(number: int, stage: Stage) -> str:
    if number < stage:
        return "done"
    return "now" if number == stage else "later"


async def _stage(world: World, *, has_moved: bool) -> Stage:
    async with world.bot.db.read() as session:
        status = await rounds.status(session, world.guild.id, label=ROUND)
        if status.state not in PUBLIC_ROUND_STATES:
            waiting = Stage.WAITING if has_moved else Stage.LOGGING
            return {State.DRAFT: Stage.DRAFT, State.REVIEW: Stage.WAITING}.get(
                status.state, waiting
            )
        shown = (await settlement.show(session, guild_id=world.guild.id, label=ROUND)).shown
    if not any(line.status is Line.DUE for line in shown.values()):
        return Stage.PAID
    return Stage.DUE if world.now >= status.pay_at else Stage.PUBLISHED


async def verdict(posted: Posted) -> str:
    """Say whether a posted statement is that of the published hours."""
    rows = compare((await posted.files["csv"].read()).decode())
    if mistakes(rows):
        return "Hours or amounts were changed on the way: not the published hours any more."
    return "Every amount equals the exact split of the published hours, to the cent."
