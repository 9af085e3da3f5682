"""What is played: a server is set up, helpers log a quarter's hours and are thanked, the committee
pays them, and a dispute about what was paid changes the next round.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from bot.demo.figures import CAP, CURRENCY, RATE, Figure, figures
from bot.demo.world import World
from bot.jobs.marks import unmarked

if TYPE_CHECKING:
    import simcord


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

# Who clicks whose emoji on the board; everybody counts once for each helper.
CLICKS = {
    "Patches": ("Lena", "Tariq", "Ines", "Olek", "Ada", "Milo", "Noor", "dEEtoo", "poupas"),
    "object Object": ("Ines", "Lena", "Jonas", "Patches", "yorickdowne", "Sam"),
    "dEEtoo": ("Tariq", "Sam", "Milo", "Patches", "Noor"),
    "poupas": ("Olek", "Lena", "Ines", "dEEtoo", "Ada"),
    "yorickdowne": ("Priya", "Lena", "Patches", "object Object", "Jonas"),
    "0xFornax": ("Olek", "Ines", "Priya", "Sam"),
}
# Whom a visitor can thank, in the name of somebody who was helped and has not said so yet.
HELPED, HELPED_BY = "Sam", "yorickdowne"
CHANGED_THEIR_MIND = ("Sam", "0xFornax")
# With /thanks: who, whom, what for, and whether only the helper and the committee see it. Two of
# them have clicked before, and count once all the same.
NOTES = (
    ("Lena", "Patches", "Stayed with me until my node was synced, past midnight.", False),
    ("Priya", "Patches", "Found the one missing port in my router.", False),
    ("Priya", "dEEtoo", "The table of disks saved me a week.", False),
    ("Olek", "object Object", "You know what for. I owe you one.", True),
    ("Tariq", "dEEtoo", "", False),
)
NEWCOMER, THANKED_BY_NEWCOMER = "Nia", "0xFornax"
MENTION = (
    "Lena",
    "Tariq",
    "answers in my own language at any hour. Should they not be on the board?",
)
THANKS_EMOJI = "\N{PERSON WITH FOLDED HANDS}"
TIPS = (("120.00", "0x9b71d224bd62"), ("80.00", "0xf3c1e7a05d18"))
MATCH = {"kind": "percent", "value": "50", "limit": "150.00"}
# All addresses but the token's are the published examples of EIP-55: never pay them. The token is
# the USDC of the test network Sepolia, which is worth nothing.
ADDRESSES = {
    "Patches": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "object Object": "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "dEEtoo": "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "poupas": "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
    "yorickdowne": "0x52908400098527886E0F7030069857D2E4169EE7",
}
WITHOUT_ADDRESS, THEIR_ADDRESS = "0xFornax", "0x8617E340B3D01FA5F11F306F4090FD50E238070D"
TIP_ADDRESS = "0xde709f2102306220921060314715629080e2fb77"
PAYMENT = {
    "network": "evm",
    "chain_id": "11155111",
    "token_address": "0x1c7D4B196Cb0C7B01d743Fbc6116a902379C7238",
    "token_decimals": "6",
    "safe_address": "0x27b1fdb04752bbc536007a920d24acb045561c26",
}

# What is said of an entry of one helper: by somebody who has entries too, and by somebody who has
# none. A visitor may press a button as well.
JUDGED = "Patches"
OPINIONS = (("poupas", "Too high"), ("Lena", "Fair"))


def at(month: int, day: int, hour: int = 0) -> datetime:
    """Return an instant of 2026, the year in which the simulated time starts."""
    return datetime(2026, month, day, hour, tzinfo=UTC)


ROUND, NEXT_ROUND = "2026-Q1", "2026-Q2"
WHOLE_QUARTER = (at(1, 18, 18), at(2, 1, 19), at(2, 15, 17), at(3, 1, 20), at(3, 20, 18))
BEFORE_THE_CALL = (at(1, 18, 18), at(2, 1, 19), at(2, 15, 17), at(3, 1, 20), at(3, 8, 18))
VISITORS_ARRIVE = at(3, 9, 10)
REMINDED_EVERY = 2
DRAFTED, PAID = at(3, 31, 20), at(4, 1, 9)
REFERENCE, SECOND_REFERENCE = "0x5f1c0de", "0x8c2b71d"
WARNED_OF = ("too high", "No payout address")
SAFE_FORMAT = "safe-json"
DISPUTED, DECIDED = at(4, 3, 10), at(4, 4, 18)
DISPUTE = {"reason": "The evening of the outage is counted twice in two of the entries."}
DISPUTED_BY, DISPUTED_LINE = "Lena", "poupas"
DECISION = {
    "dispute": "1",
    "outcome": "modify",
    "amount": "1801.06",
    "reason": "One of the two entries was a copy of the other.",
}
NEXT_HOURS = {"duration": "4h", "note": "First questions about the spring update"}


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
        "thanks_emoji": THANKS_EMOJI,
        "tip_address": TIP_ADDRESS,
        "reminder_hours": str(REMINDED_EVERY),
        **PAYMENT,
    }
    for name, value in values.items():
        await world.press("Ada", world.committee, "settings set", name=name, value=value)
    await _fill_roster(world)
    await world.move(at(1, 1, 18))
    await world.press("Noor", world.committee, "round open")
    await world.move(at(1, 1, 18))


async def _fill_roster(world: World) -> None:
    """Let moderators add the first helpers, and these vouch for the others."""
    first, *others = figures()
    await world.press(first.name, world.support, "helper join", emoji="\N{PAW PRINTS}")
    await world.press("Milo", world.support, "helper add", user=world.people[first.name].actor)
    for place, figure in enumerate(others):
        await world.wait(60)
        await world.press(figure.name, world.support, "helper join")
        command, by = ("helper vouch", first.name) if place < 3 else ("helper add", "Milo")  # noqa: PLR2004
        await world.press(by, world.support, command, user=world.people[figure.name].actor)
    for name, address in ADDRESSES.items():
        await world.press(name, world.support, "address set", address=address)


async def play_quarter(world: World, days: Sequence[datetime]) -> None:
    """Let every helper log their minutes of the file, an entry on each of the days.

    Between the days they are thanked on the board.
    """
    plans = [(figure, parts(figure.minutes, shift)) for shift, figure in enumerate(figures())]
    for number, day in enumerate(days):
        await world.move(day)
        for place, (figure, minutes) in enumerate(plans):
            await world.wait(17)
            await _log(world, figure, minutes[number], TASKS[(number + 2 * place) % len(TASKS)])
        await world.wait(3)
        for helper, voters in CLICKS.items():
            for voter in voters[number :: len(days)]:
                await world.click(voter, helper, ROUND)


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


async def talk_and_thank(world: World) -> None:
    """Let people talk in the support channel, which the bot does not read, and thank in all ways.

    Some say what they think of an entry. In the end a reminder points to the board.
    """
    said = {}
    for name, words in CHAT:
        await world.wait(7)
        said[name] = await world.people[name].actor.send(world.support, words)
    await world.thank_author("Lena", said["Patches"])
    await world.react("Tariq", said["yorickdowne"], THANKS_EMOJI)
    for voter, helper, note, is_private in NOTES:
        await world.wait(7)
        await _thank(world, voter, helper, note, is_private=is_private)
    await world.click(*CHANGED_THEIR_MIND, ROUND)
    world.arrive(NEWCOMER)
    await world.wait(7)
    await world.click(NEWCOMER, THANKED_BY_NEWCOMER, ROUND)
    proposer, proposed, why = MENTION
    words = f"{world.people[proposed].actor.mention} {why}"
    await world.people[proposer].actor.send(world.thread(ROUND), words)
    for name, opinion in OPINIONS:
        await world.push(name, world.card(ROUND, JUDGED), opinion)
    await _fill_the_jar(world)
    slots = (world.now - at(1, 1)) // timedelta(hours=REMINDED_EVERY) + 1
    await world.move(at(1, 1) + slots * timedelta(hours=REMINDED_EVERY))


async def _thank(world: World, voter: str, helper: str, note: str, *, is_private: bool) -> None:
    options = {"note": note} if note else {}
    if is_private:
        options["private"] = "yes"
    thanked = world.people[helper].actor
    await world.press(voter, world.support, "thanks", helper=thanked, **options)


async def _fill_the_jar(world: World) -> None:
    """Let the committee record what users tipped, and what the funder adds."""
    for amount, reference in TIPS:
        await world.press(
            "Noor", world.committee, "tipjar record", amount=amount, reference=reference
        )
    await world.press("Jonas", world.committee, "tipjar match", **MATCH)


async def play_until_visitors_arrive(world: World) -> None:
    """Play the season up to early March: all hours are logged, the call is a week away."""
    await found(world)
    await play_quarter(world, BEFORE_THE_CALL)
    await talk_and_thank(world)
    await world.move(VISITORS_ARRIVE)


async def wait_for_the_draft(world: World) -> None:
    """Let the helpers say that they are done; the bot then closes the round by itself."""
    for figure in figures():
        await world.press(figure.name, world.support, "hours done")
    await world.move(DRAFTED)


def dropped(world: World) -> list[str]:
    """Return what the bot has told those who leave the board for too few thanks."""
    said = [unmarked(message.content) for message in world.thread(NEXT_ROUND).history()]
    return [words for words in said if words.startswith("Not on this board")]


async def approve_and_publish(world: World) -> list[str]:
    """Let one committee member look and approve, and the other publish.

    Returns what the first was warned of.
    """
    await world.move(DRAFTED + timedelta(minutes=25))
    draft = await world.press("Noor", world.committee, "payout preview")
    warnings = await _to_look_at(world, draft)
    await world.press("Noor", world.committee, "payout approve")
    await world.move(DRAFTED + timedelta(minutes=40))
    await world.press("Jonas", world.committee, "payout publish")
    return warnings


async def _to_look_at(world: World, draft: simcord.ResponseMessage) -> list[str]:
    """Turn the pages of a preview, and return all that it warns of."""
    found: list[str] = []
    for _ in range(int((draft.embeds[0].footer.text or "").split()[-1]) - 1):
        await world.push("Noor", draft, "Next")
        (page,) = draft.embeds
        if page.title == "To look at":
            found += (page.description or "").splitlines()
    return [warning.removeprefix("- ") for warning in found]


async def hand_over(world: World) -> tuple[str, str, bytes]:
    """Export a batch for a Safe on the day payment is due: the answer, and the file's name."""
    await world.move(PAID)
    answer = await _export(world)
    (file,) = answer.attachments
    return answer.content, file.filename, await file.read()


async def pay(world: World) -> str:
    """Record the batch as paid; the bot's answer says what was recorded."""
    answer = await world.press(
        "Jonas", world.committee, "payout paid", reference=REFERENCE, batch="1"
    )
    return answer.content


async def pay_whoever_was_left_out(world: World) -> str:
    """Let somebody set their first address after the close, which serves a day later."""
    await world.press(WITHOUT_ADDRESS, world.support, "address set", address=THEIR_ADDRESS)
    await world.move(world.now + timedelta(hours=24))
    await _export(world)
    answer = await world.press(
        "Jonas", world.committee, "payout paid", reference=SECOND_REFERENCE, batch="2"
    )
    return answer.content


async def _export(world: World) -> simcord.ResponseMessage:
    return await world.press("Jonas", world.committee, "payout export", format=SAFE_FORMAT)


async def dispute(world: World) -> str:
    """Let a member dispute a paid line, and a committee member without a line decide it."""
    await world.move(DISPUTED)
    line = world.people[DISPUTED_LINE].actor
    await world.press(DISPUTED_BY, world.support, "dispute open", helper=line, **DISPUTE)
    await world.move(DECIDED)
    answer = await world.press("Noor", world.committee, "dispute resolve", **DECISION)
    return answer.content


async def look_ahead(world: World) -> str:
    """Let the helper log time in the next round; returns their row in its preview."""
    await world.press(DISPUTED_LINE, world.support, "hours log", **NEXT_HOURS)
    answer = await world.press("Noor", world.committee, "payout preview", round=NEXT_ROUND)
    mention = world.people[DISPUTED_LINE].actor.mention
    rows = (answer.embeds[0].description or "").splitlines()
    return next(row for row in rows if row.startswith(mention))
