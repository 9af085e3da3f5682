"""What is played: a server is set up, helpers log a quarter's hours, the committee pays them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.demo.figures import CAP, CURRENCY, RATE, Figure, figures
from bot.demo.world import World


@dataclass(frozen=True, slots=True)
class Task:
    """What somebody did, in their own words."""

    category: str
    note: str


TASKS = (
    Task("support channel", "Set-up questions after the client update, most of them missing ports"),
    Task("support channel", "Walked three people through a stuck withdrawal"),
    Task("documentation", "Rewrote the guide for moving a node to a new machine"),
    Task("support channel", "Missed attestations: clock drift, full disks, one bad cable"),
    Task("direct messages", "Helped to recover a node whose disk had failed, nothing lost"),
    Task("forum", "Answered the open questions about fee recipients"),
    Task("support channel", "Evening shifts during the outage, kept the list of known problems"),
    Task("social media", "Replies about the outage, and where to ask for help"),
    Task("support channel", "First steps with new operators, hardware and wallets"),
    Task("other", "Test run of the release candidate and notes for other helpers"),
    Task("documentation", "Collected the ten most asked questions with answers"),
)
# What part of the quarter's work each entry is, in thousandths; it differs from helper to helper.
PARTS = (212, 178, 243, 161, 206)
ROUNDED_TO = 5

CHAT = (
    ("Lena", "Since the update my node says the beacon client is syncing. Is that normal?"),
    ("Patches", "Yes, for an hour or two. If it still does tomorrow, post the log here."),
    ("Tariq", "Which disk size is safe for the next year?"),
    ("dEEtoo", "2 TB works, 4 TB lets you sleep. The guide has a table."),
    ("Lena", "Synced. Thank you, Patches!"),
    ("Sam", "My withdrawal address still shows the old one after two days..."),
    ("yorickdowne", "Then the change was not confirmed. I will go through it with you."),
)


def at(month: int, day: int, hour: int = 0) -> datetime:
    """Return an instant of 2026, the year in which the simulated time starts."""
    return datetime(2026, month, day, hour, tzinfo=UTC)


WHOLE_QUARTER = (at(1, 18, 18), at(2, 1, 19), at(2, 15, 17), at(3, 1, 20), at(3, 20, 18))
BEFORE_THE_CALL = (at(1, 18, 18), at(2, 1, 19), at(2, 15, 17), at(3, 1, 20), at(3, 8, 18))
VISITORS_ARRIVE = at(3, 9, 10)
DRAFTED, PAID = at(3, 31, 20), at(4, 1, 9)
REFERENCE = "0x5f1c0de"


async def found(world: World) -> None:
    """Set the server up, open the first round and fill the roster."""
    await world.move(at(1, 1, 9))
    values = {
        "support_channel": world.support.mention,
        "committee_channel": world.committee.mention,
        "moderator_role": world.roles["moderator"].mention,
        "committee_role": world.roles["committee"].mention,
        "committee_seats": "2",
        "currency": CURRENCY,
        "hourly_rate": RATE,
        "cap": CAP,
    }
    for name, value in values.items():
        await world.press("Ada", world.committee, "settings set", name=name, value=value)
    await world.move(at(1, 1, 10))
    await world.press("Noor", world.committee, "round open")
    await _fill_roster(world)


async def _fill_roster(world: World) -> None:
    """Let moderators add the first helpers, and these vouch for the others."""
    first, *others = figures()
    await world.move(at(1, 2, 9))
    await world.press(first.name, world.support, "helper join")
    await world.press("Milo", world.support, "helper add", user=world.people[first.name].actor)
    for place, figure in enumerate(others):
        await world.move(world.now + timedelta(hours=3))
        await world.press(figure.name, world.support, "helper join")
        command, by = ("helper vouch", first.name) if place < 3 else ("helper add", "Milo")  # noqa: PLR2004
        await world.press(by, world.support, command, user=world.people[figure.name].actor)


async def log_hours(world: World, days: Sequence[datetime]) -> None:
    """Let every helper log their minutes of the file, an entry on each of the days."""
    plans = [(figure, parts(figure.minutes, shift)) for shift, figure in enumerate(figures())]
    for number, day in enumerate(days):
        for place, (figure, minutes) in enumerate(plans):
            await world.move(day + timedelta(minutes=37 * place))
            await _log(world, figure, minutes[number], TASKS[(number + 2 * place) % len(TASKS)])


async def _log(world: World, figure: Figure, minutes: int, task: Task) -> None:
    hours, rest = divmod(minutes, 60)
    await world.press(
        figure.name,
        world.support,
        "hours log",
        duration=f"{hours}h{rest}m",
        note=task.note,
        category=task.category,
    )


def parts(minutes: int, shift: int) -> list[int]:
    """Cut somebody's minutes into entries that add up to exactly these minutes."""
    weights = [PARTS[(place + shift) % len(PARTS)] for place in range(len(PARTS))]
    cut = [minutes * weight // sum(weights) // ROUNDED_TO * ROUNDED_TO for weight in weights[:-1]]
    return [*cut, minutes - sum(cut)]


async def chat(world: World) -> None:
    """Let people talk in the support channel; the bot does not read it."""
    for name, words in CHAT:
        await world.move(world.now + timedelta(minutes=11))
        await world.people[name].actor.send(world.support, words)


async def play_until_visitors_arrive(world: World) -> None:
    """Play the season up to early March: all hours are logged, the call is a week away."""
    await found(world)
    await log_hours(world, BEFORE_THE_CALL)
    await chat(world)
    await world.move(VISITORS_ARRIVE)


async def wait_for_the_draft(world: World) -> None:
    """Let the helpers say that they are done; the bot then closes the round by itself."""
    for figure in figures():
        await world.press(figure.name, world.support, "hours done")
    await world.move(DRAFTED)


async def approve_and_publish(world: World) -> None:
    """Let one committee member look and approve, and the other publish."""
    await world.move(DRAFTED + timedelta(minutes=25))
    await world.press("Noor", world.committee, "payout preview")
    await world.press("Noor", world.committee, "payout approve")
    await world.move(DRAFTED + timedelta(minutes=40))
    await world.press("Jonas", world.committee, "payout publish")


async def export(world: World, kind: str) -> bytes:
    """Return a file as the committee gets it from the bot."""
    answer = await world.press("Jonas", world.committee, "payout export", format=kind)
    return await answer.attachments[0].read()


async def pay(world: World) -> str:
    """Record the payment on the day it is due; the bot's answer says what was recorded."""
    await world.move(PAID)
    answer = await world.press("Jonas", world.committee, "payout paid", reference=REFERENCE)
    return answer.content
