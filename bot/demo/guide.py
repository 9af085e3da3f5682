"""What our page tells a newcomer: what to try, what comes next, and what has just happened."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Any

from bot.demo.figures import compare, mistakes
from bot.demo.season import (
    DECISION,
    DISPUTE,
    DISPUTED_BY,
    DISPUTED_LINE,
    HELPED,
    HELPED_BY,
    JUDGED,
    NEXT_ROUND,
    OPINIONS,
    REFERENCE,
    ROUND,
    SAFE_FORMAT,
    THEIR_ADDRESS,
    WITHOUT_ADDRESS,
)
from bot.demo.world import MENU, Event, Posted, World
from bot.domain.disputes import State as DisputeState
from bot.domain.states import PUBLIC_ROUND_STATES, Line
from bot.domain.states import Round as State
from bot.domain.thanks import Source
from bot.services import rounds, settlement
from storage import disputes, opinions, thanks
from storage import rounds as stored

if TYPE_CHECKING:
    import discord
    import simcord
    from sqlalchemy.ext.asyncio import AsyncSession

    from storage.tables import Round

FIRST_PERSON = "Patches"
MORE_HOURS = {"duration": "2h30m", "note": "Helped with a stuck validator"}


class Place(Enum):
    """Where a suggestion is followed, or something is to be seen."""

    SUPPORT = "support"
    THREAD = "thread"
    NEXT_THREAD = "next thread"
    COMMITTEE = "committee"


class Kind(Enum):
    """How a suggestion is followed: typed, by the menu of a message, or by looking at one."""

    TYPE = "type"
    MENU = "menu"
    LOOK = "look"


class Landmark(Enum):
    """A message to look at: the board, what the helper to be thanked wrote last, or a card."""

    BOARD = "board"
    MESSAGE = "message"
    CARD = "card"


@dataclass(frozen=True, slots=True)
class Act:
    """What the bot does by itself: named before, told after, and seen by somebody somewhere."""

    before: str
    after: str
    place: Place
    person: str


@dataclass(frozen=True, slots=True)
class Command:
    """Something to try, as somebody, somewhere; with options it is filled in, but not sent."""

    person: str
    place: Place
    text: str
    options: Mapping[str, str] = field(default_factory=dict)
    kind: Kind = Kind.TYPE
    landmark: Landmark | None = None


@dataclass(slots=True)
class Visit:
    """What somebody at the page has done: thanked in every way, and let time pass."""

    has_thanked: bool = False
    has_moved: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One suggestion; `extra` is a control that belongs to it: the time, or the files."""

    title: str
    text: str
    commands: tuple[Command, ...] = field(default=())
    extra: str = ""


class Stage(IntEnum):
    """How far the round is, as the number of the step that comes next."""

    THANKING = 1
    TAKING_BACK = 2
    JUDGING = 3
    LOGGING = 4
    WAITING = 5
    DRAFT = 6
    PUBLISHED = 7
    DUE = 8
    PAID = 9
    DISPUTED = 10


ACTS: Mapping[str, Act] = {
    "call": Act(
        "call for claims",
        "The bot called for the last hours of {label}.",
        Place.THREAD,
        FIRST_PERSON,
    ),
    "close": Act(
        "{label} closes",
        "The bot closed {label}, counted its thanks, and opened the next round with a new board.",
        Place.NEXT_THREAD,
        "0xFornax",
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
        "The time for disputes is over: {label} is final.",
        Place.THREAD,
        FIRST_PERSON,
    ),
    "settle": Act(
        "{label} is settled",
        "Nothing of {label} is left to be paid: it is settled.",
        Place.THREAD,
        FIRST_PERSON,
    ),
    "suspension-final": Act(
        "ceased payments of {label} are final",
        "Nobody disputed it in time: the payments of {label} are ceased for good.",
        Place.SUPPORT,
        FIRST_PERSON,
    ),
    "cease-lapsed": Act(
        "the vote about {label} ends",
        "The vote about the payments of {label} found no majority in time and has ended.",
        Place.COMMITTEE,
        "Noor",
    ),
}

WAYS: Mapping[Source, str] = {
    Source.BOARD: "the board",
    Source.EMOJI: "the folded hands",
    Source.MENU: "the menu",
    Source.COMMAND: "/thanks",
}

LOOK_AT_BOARD = Command(
    HELPED, Place.THREAD, "Go to the board", kind=Kind.LOOK, landmark=Landmark.BOARD
)
LOOK_AT_MESSAGE = Command(
    HELPED, Place.SUPPORT, "Go to their message", kind=Kind.LOOK, landmark=Landmark.MESSAGE
)
LOOK_AT_CARD = Command(HELPED, Place.THREAD, "Go to a card", kind=Kind.LOOK, landmark=Landmark.CARD)
WHO_COUNTS = Command("Noor", Place.COMMITTEE, "/audit voters", {"helper": HELPED_BY})

STEPS = (
    Step(
        "Say thanks",
        f"{HELPED_BY} has just helped {HELPED}. There are four ways to say so: click their emoji on"
        " the board, click the folded hands under their message, use that message's menu, or"
        " /thanks. All are kept and make one vote. Until the quarter ends the bot shows votes"
        " to the committee alone: ask as Noor. The numbers on the board are Discord's, of clicks.",
        (
            LOOK_AT_BOARD,
            LOOK_AT_MESSAGE,
            Command(HELPED, Place.SUPPORT, MENU, kind=Kind.MENU),
            Command(HELPED, Place.SUPPORT, "/thanks", {"helper": HELPED_BY}),
            WHO_COUNTS,
        ),
    ),
    Step(
        "Take it back",
        "Click an emoji once more and that thanks is gone; a button under the bot's answer takes"
        " the others back. With the last one the vote goes, and Noor sees that too.",
        (LOOK_AT_BOARD, LOOK_AT_MESSAGE, WHO_COUNTS),
    ),
    Step(
        "Have a say",
        f"Every entry has a card. Press a button under this one of {JUDGED}: it counts beside that"
        " of poupas, who has entries too and is marked as a claimant. No amount changes by it;"
        " the committee sees who said what, and you can change yours.",
        (
            LOOK_AT_CARD,
            Command("Noor", Place.COMMITTEE, "/hours list", {"helper": JUDGED}),
        ),
    ),
    Step(
        "Be a helper",
        "Patches has logged hours all quarter. Ask the bot for them, or log some more: it says at"
        " once what they would give. More hours change everybody's amount, because the cap is"
        " reached; /hours withdraw takes an entry back. And everybody can have all that is stored"
        " about them.",
        (
            Command(FIRST_PERSON, Place.THREAD, "/hours list"),
            Command(FIRST_PERSON, Place.THREAD, "/hours log", MORE_HOURS),
            Command(FIRST_PERSON, Place.THREAD, "/mydata export"),
        ),
    ),
    Step(
        "Let the quarter end",
        "The bot calls for claims, closes the round, counts the thanks, opens the next one and"
        " makes the draft, each at its time and by itself. You only move the time. The new board"
        " is without 0xFornax, whom fewer than five people thanked: the bot says how to come back.",
        (
            Command("0xFornax", Place.NEXT_THREAD, "/helper join"),
            Command(FIRST_PERSON, Place.THREAD, "/leaderboard", {"round": ROUND}),
        ),
        extra="time",
    ),
    Step(
        "Be the committee",
        "Noor looks at the draft and at what the bot warns of; Next shows all of that, and it"
        " changes no amount. She approves exactly this draft: any change would void the approval."
        " Then it can be published.",
        (
            Command("Noor", Place.COMMITTEE, "/payout preview"),
            Command("Noor", Place.COMMITTEE, "/payout approve"),
            Command("Jonas", Place.COMMITTEE, "/payout publish"),
        ),
    ),
    Step(
        "Read the statement",
        "The bot has posted a page, a table and a bundle from which anybody can recompute every"
        " amount. Every helper can ask how their own came about, and anybody can check that the"
        " record was not changed.",
        (
            Command(FIRST_PERSON, Place.THREAD, "/payout mine"),
            Command(DISPUTED_BY, Place.SUPPORT, "/audit verify"),
        ),
        extra="files",
    ),
    Step(
        "Pay it",
        "Stipend keeps no keys and moves no money. The committee gets a file for its wallet, here"
        f" a Safe on a test network, pays, and records the batch. {WITHOUT_ADDRESS} has no address"
        " and is left out: one that is set now serves 24 hours later, in a batch of its own.",
        (
            Command("Jonas", Place.COMMITTEE, "/payout export", {"format": SAFE_FORMAT}),
            Command(
                "Jonas",
                Place.COMMITTEE,
                "/payout paid",
                {"reference": REFERENCE, "batch": "1"},
            ),
            Command(WITHOUT_ADDRESS, Place.SUPPORT, "/address set", {"address": THEIR_ADDRESS}),
        ),
    ),
    Step(
        "Dispute it",
        "Until 14 days after the publication anybody can dispute a line. What is not paid waits"
        " until the committee has decided; here it is paid, so Noor's decision is carried to the"
        f" next round: look at the line of {DISPUTED_LINE} in {NEXT_ROUND}.",
        (
            Command(
                DISPUTED_BY, Place.SUPPORT, "/dispute open", {**DISPUTE, "helper": DISPUTED_LINE}
            ),
            Command("Noor", Place.COMMITTEE, "/dispute resolve", DECISION),
            Command("Noor", Place.COMMITTEE, "/payout preview", {"round": NEXT_ROUND}),
        ),
    ),
)


def where(world: World, place: Place) -> simcord.ChannelHandle:
    """Return the channel of a place; where there is no such thread, the support channel."""
    if place is Place.COMMITTEE:
        return world.committee
    label = {Place.THREAD: ROUND, Place.NEXT_THREAD: NEXT_ROUND}.get(place)
    threads = [thread for thread in world.support.threads if label and label in (thread.name or "")]
    return (threads or [world.support])[0]


def message_at(world: World, landmark: Landmark) -> discord.Message:
    """Return the message of a landmark."""
    match landmark:
        case Landmark.BOARD:
            return world.board(ROUND)
        case Landmark.CARD:
            return world.card(ROUND, JUDGED)
        case Landmark.MESSAGE:
            author = world.people[HELPED_BY].actor
            said = reversed(world.support.history())
            return next(each for each in said if each.author.id == author.id)


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
    # Reminders and corrections are numbered: draft-note-1, draft-2-note-1.
    return ACTS[re.sub(r"-[0-9]+", "", event.name)]


async def steps(world: World, visit: Visit) -> list[dict[str, Any]]:
    """Return the suggestions with how far the visitor is."""
    used = await _ways(world)
    visit.has_thanked = visit.has_thanked or len(used) == len(Source)
    stage = await _stage(world, visit, has_thanks=bool(used))
    return [
        {
            "title": step.title,
            "text": step.text,
            "extra": step.extra,
            "state": _state(number, stage),
            "note": _note(used) if number in (Stage.THANKING, Stage.TAKING_BACK) else "",
            "commands": [
                {
                    "kind": command.kind.value,
                    "text": command.text,
                    "options": dict(command.options),
                    "person": command.person,
                    "channel": str(where(world, command.place).id),
                    "look": command.landmark.value if command.landmark else "",
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


def _note(used: frozenset[Source]) -> str:
    ways = [words for source, words in WAYS.items() if source in used]
    if not ways:
        return f"{HELPED} does not thank {HELPED_BY} at present: no vote."
    return f"{HELPED} thanks {HELPED_BY} by {', '.join(ways)}: one vote."


async def _ways(world: World) -> frozenset[Source]:
    """Return in which ways the visitor thanks at present."""
    async with world.bot.db.read() as session:
        round_ = await _round(session, world)
        rows = await thanks.of_pair(
            session,
            round_.id,
            helper_id=world.people[HELPED_BY].actor.id,
            voter_id=world.people[HELPED].actor.id,
        )
    return frozenset(Source(row.source) for row in rows)


async def _stage(world: World, visit: Visit, *, has_thanks: bool) -> Stage:
    async with world.bot.db.read() as session:
        status = await rounds.status(session, world.guild.id, label=ROUND)
        if status.state not in PUBLIC_ROUND_STATES:
            return {State.DRAFT: Stage.DRAFT, State.REVIEW: Stage.WAITING}.get(
                status.state,
                await _before_the_end(session, world, visit, has_thanks=has_thanks),
            )
        shown = (await settlement.show(session, guild_id=world.guild.id, label=ROUND)).shown
        given = await disputes.of_server(session, world.guild.id)
    if not any(line.status is Line.PAID for line in shown.values()):
        return Stage.DUE if world.now >= status.pay_at else Stage.PUBLISHED
    is_decided = any(one.state == DisputeState.RESOLVED for one in given)
    is_over = status.state is not State.PUBLISHED
    return Stage.DISPUTED if is_decided or is_over else Stage.PAID


async def _before_the_end(
    session: AsyncSession, world: World, visit: Visit, *, has_thanks: bool
) -> Stage:
    if visit.has_moved:
        return Stage.WAITING
    if not visit.has_thanked:
        return Stage.THANKING
    if has_thanks:
        return Stage.TAKING_BACK
    said = await opinions.of_round(session, (await _round(session, world)).id)
    return Stage.LOGGING if len(said) > len(OPINIONS) else Stage.JUDGING


async def _round(session: AsyncSession, world: World) -> Round:
    round_ = await stored.labelled(session, world.guild.id, ROUND)
    assert round_ is not None
    return round_


async def verdict(posted: Posted) -> str:
    """Say whether a posted statement is that of the published hours."""
    rows = compare((await posted.files["csv"].read()).decode())
    if mistakes(rows):
        return "Hours or amounts were changed on the way: not the published hours any more."
    return "Every bounty equals the exact split of the published hours, to the cent."
