"""Every command and button as every kind of person: carried out, or refused with the reason."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import discord
import pytest

from bot.ui.presses import GONE
from tests.cogs.test_interface import commands
from tests.cogs.town import Answer, Town
from tests.databases import TABLES, copy_of

pytestmark = pytest.mark.untraced

# ---------------------------------------------------------------- who, and what they are told

KINDS = {
    "stranger": "sam",  # never used the bot
    "member": "mia",  # thanked somebody, and asked to become a helper
    "helper": "alice",
    "own line": "dave",  # of the committee, with a line
    "committee": "carol",
    "moderator": "mo",
    "admin": "ada",
}
EVERYBODY = frozenset(KINDS)
ROSTER = frozenset({"helper", "own line"})
LISTED = ROSTER | {"member"}
COMMITTEE = frozenset({"own line", "committee"})
MODERATORS = frozenset({"moderator", "admin"})
ADMINS = frozenset({"admin"})
ALICE = frozenset({"helper"})

REASONS = {
    COMMITTEE: "This is for the committee",
    MODERATORS: "This is for moderators: members with <@&",
    ADMINS: "This needs the permission Manage Server. An admin of the server can do it.",
    EVERYBODY: "everybody may",
}
NO_HELPER = "Hours are logged by helpers. `/helper join` says how to become one."
WAITING = {"member": "Your request to become a helper is waiting: `/helper join` shows what"}
NOT_YOURS = "That is not the number of an entry of yours. `/hours list` shows them."
NO_LINE = "You are not a helper, so you have no line in 2026-Q1."
NOT_LISTED = "You are not on the roster. `/helper join` puts you there."
NOT_PAID = "Only helpers who were paid before can vouch. A moderator can add people with"
NO_CLOCK = "Your clock is not running."

ADDRESSES = {
    "alice": "0x52908400098527886E0F7030069857D2E4169EE7",
    "gus": "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
}
NEW_ADDRESS = "0xde709f2102306220921060314715629080e2fb77"

MENU = "Thank the author"

Options: TypeAlias = Mapping[str, Any]
Step: TypeAlias = tuple[str, str, Options]


@dataclass(frozen=True)
class Row:
    """A command, who may use it, and what they are told; the others are told why not.

    `@name` is a person of the scene. `but` is what one kind is told otherwise, `blocked` what a
    two-person rule tells one, which the record keeps. `first` is pressed before, by somebody or
    by the same person. What only `reads` changes nothing.
    """

    command: str
    options: Options
    may: frozenset[str]
    says: str
    refused: str = ""
    but: Mapping[str, str] = field(default_factory=dict)
    blocked: Mapping[str, str] = field(default_factory=dict)
    reads: bool = False
    scene: str = "published"
    first: tuple[Step, ...] = ()

    def told(self, kind: str) -> str:
        """How the answer to a kind of person begins."""
        if kind in self.but:
            return self.but[kind]
        if kind in self.blocked:
            return self.blocked[kind]
        return self.says if kind in self.may else self.refused or REASONS[self.may]


WHY = {"reason": "because"}
BOB = {"user": "@bob", **WHY}
PRICE = {"price": "2", "source": "the market"}
STANDS = {"outcome": "stands", **WHY}
ONE_MINUTE = {"minutes": 1, **WHY}
NO_SEAT = "This is for the committee. An admin may"

TABLE = (
    Row("help", {}, EVERYBODY, "Stipend\n", reads=True),
    Row("about", {}, EVERYBODY, "Stipend 0", reads=True),
    Row("setup", {}, ADMINS, "Setup, step 1 of 2", reads=True),
    Row("settings show", {}, ADMINS, "Settings\n", reads=True),
    Row("settings set", {"name": "call_day", "value": "14"}, ADMINS, "`call_day` is now **14**"),
    Row("round open", {}, COMMITTEE, "**2026-Q1 is open.**", scene="start"),
    Row("round status", {}, EVERYBODY, "Round 2026-Q2\n**Open**", reads=True),
    Row("round close", WHY, COMMITTEE, "Close 2026-Q2 now?"),
    Row("round reopen", WHY, COMMITTEE, "**2026-Q1 is open again**", scene="review"),
    Row("round void", WHY, COMMITTEE, "Void 2026-Q2?"),
    Row(
        "hours log", {"duration": "1h", "note": "x"}, ROSTER, "**#8: 1 h** logged in 2026-Q2.",
        NO_HELPER, WAITING,
    ),
    Row(
        "hours log", {"duration": "1h", "note": "x", "helper": "@bob"}, COMMITTEE,
        "**#8: 1 h** logged for bob",
    ),
    Row("hours start", {}, ROSTER, "Your clock runs since", NO_HELPER, WAITING),
    Row(
        "hours stop", {}, ROSTER, "The clock ran for less than a minute", NO_CLOCK,
        first=(("", "hours start", {}),),
    ),
    Row("hours list", {}, EVERYBODY, "Hours of ", reads=True),
    Row("hours list", {"helper": "@bob"}, COMMITTEE, "Hours of bob\n", reads=True),
    Row("hours edit", {"entry": "6", "note": "y"}, ALICE, "**#6** is now 1 h.", NOT_YOURS),
    Row("hours withdraw", {"entry": "6"}, ALICE, "**#6** is withdrawn", NOT_YOURS),
    Row("hours done", {}, ROSTER, "Noted: your hours of 2026-Q2 are", NO_HELPER, WAITING),
    Row(
        "helper join", {}, EVERYBODY, "**You are on the list.** Still needed:",
        but=dict.fromkeys(ROSTER, "You are a helper already.") | {"member": "You have asked"},
    ),
    Row("helper leave", {}, LISTED, "Leave the roster?", NOT_LISTED),
    Row(
        "helper vouch", {"user": "@mia"}, ALICE, "<@{mia}> is a helper now.", NOT_PAID,
        {"member": "Somebody else has to vouch for you."},
    ),
    Row("helper add", {"user": "@new"}, MODERATORS, "<@{new}> is a helper now"),
    Row("helper remove", BOB, MODERATORS, "Take <@{bob}> off the roster?"),
    Row("helper suspend", {"user": "@gus", **WHY}, COMMITTEE, "**Proposal 3** is made: cease"),
    Row(
        "helper suspend", {"user": "@dave", **WHY}, COMMITTEE, "**Proposal 3** is made: cease",
        blocked={"own line": "Your own payments are for the other members"},
    ),
    Row("helper reinstate", {"user": "@erin", **WHY}, COMMITTEE, "**Proposal 3** is made: resume"),
    Row("helper list", {}, EVERYBODY, "Roster: 6 people", reads=True),
    Row("helper pay", {"wanted": False}, ROSTER, "You decline pay", "Pay is for helpers."),
    Row("thanks", {"helper": "@bob"}, EVERYBODY, "**Noted: you thank <@{bob}>** in 2026-Q2."),
    Row(MENU, {}, EVERYBODY, "**Noted: you thank <@{bob}>** in 2026-Q2."),
    Row("leaderboard", {}, EVERYBODY, "Thanks 2026-Q2", reads=True),
    Row("payout preview", {}, COMMITTEE, "2026-Q2 as it would be now", reads=True),
    Row("payout preview", {}, COMMITTEE, "Draft 2026-Q1", reads=True, scene="draft"),
    Row(
        "payout adjust", {"helper": "@bob", **ONE_MINUTE}, COMMITTEE, "Adjustment 1 in 2026-Q1",
        scene="draft",
    ),
    Row(
        "payout adjust", {"helper": "@dave", **ONE_MINUTE}, COMMITTEE, "Adjustment 1 in 2026-Q1",
        blocked={"own line": "Your own line is adjusted by another"}, scene="draft",
    ),
    Row("payout price", PRICE, COMMITTEE, "2026-Q1: 1 RPL = 2 USD", scene="draft"),
    Row(
        "payout approve", {}, COMMITTEE, "Approved: **2026-Q1", but={"admin": NO_SEAT},
        blocked={"own line": "You have a line in 2026-Q1, so one approval"}, scene="draft",
        first=(("fay", "payout price", PRICE),),
    ),
    Row(
        "payout publish", {}, COMMITTEE, "**2026-Q1, version 1 is published**", scene="draft",
        first=(("fay", "payout price", PRICE), ("carol", "payout approve", {})),
    ),
    Row(
        "payout export", {"format": "csv"}, COMMITTEE, "2026-Q1, version 1, as csv", reads=True
    ),
    Row("payout export", {"format": "disperse"}, COMMITTEE, "**Batch 1 of 2026-Q1**, the one"),
    Row("payout paid", {"reference": "0x2"}, COMMITTEE, "Recorded as paid in 2026-Q1: <@{gus}>"),
    Row(
        "payout correct", {"reference": "0xpaid", **WHY}, COMMITTEE,
        "Proposed to take back <@{alice}>",
    ),
    Row("payout cancel", {"batch": "1", **WHY}, COMMITTEE, "Batch 1 of 2026-Q1 is cancelled"),
    Row("payout show", {}, EVERYBODY, "Statement 2026-Q1, version 1", reads=True),
    Row("payout mine", {}, ROSTER, "**2026-Q1: 50.00 USD**", NO_LINE, reads=True),
    Row("tipjar show", {}, EVERYBODY, "Tip jar 2026-Q2", reads=True),
    Row("tipjar record", {"amount": "5"}, COMMITTEE, "**Tip #2: 5.00 USD**"),
    Row("tipjar match", {"kind": "percent", "value": "50"}, COMMITTEE, "The funder adds **2.50"),
    Row("tipjar correct", {"tip": "1", **WHY}, COMMITTEE, "Tip #1, 5.00 USD, is taken back"),
    Row(
        "address set", {"address": NEW_ADDRESS}, LISTED, "**Your payout address is**",
        "Payout addresses are for helpers",
    ),
    Row(
        "address show", {}, ALICE, "**Your payout address**", "You have no payout address",
        reads=True,
    ),
    Row(
        "address clear", {}, ALICE, "**You have no payout address any more.**",
        "You have no address here",
    ),
    Row("dispute open", WHY, EVERYBODY, "**Dispute 3** about the whole statement of 2026-Q1"),
    Row("dispute list", {}, EVERYBODY, "Disputes\n", reads=True),
    Row(
        "dispute withdraw", {"dispute": "1"}, ALICE, "Dispute 1 about the line of <@{bob}>",
        "Dispute 1 is not yours: who opened it can withdraw it.",
    ),
    Row(
        "dispute resolve", {"dispute": "1", **STANDS}, COMMITTEE,
        "Dispute 1 about the line of <@{bob}> in 2026-Q1 is decided", but={"admin": NO_SEAT},
    ),
    Row(
        "dispute resolve", {"dispute": "2", **STANDS}, COMMITTEE,
        "Dispute 2 about the line of <@{dave}> in 2026-Q1 is decided", but={"admin": NO_SEAT},
        blocked={"own line": "This concerns your own payment"},
    ),
    Row("cease propose", {"user": "@gus", **WHY}, COMMITTEE, "**Proposal 3** is made"),
    Row(
        "cease vote", {"proposal": "2", "vote": "yes"}, COMMITTEE, "Your yes on proposal 2 counts"
    ),
    Row(
        "audit voters", {"helper": "@alice", "round": "2026-Q1"}, COMMITTEE, "Voters in 2026-Q1",
        reads=True,
    ),
    Row("audit log", {}, COMMITTEE, "Record: ", reads=True),
    Row("audit verify", {}, EVERYBODY, "Record\n**The record is sound**", reads=True),
    Row(
        "mydata export", {}, EVERYBODY, "**Everything that is stored about you", reads=True,
        but={"stranger": "**Nothing is stored about you in this server.**"},
    ),
    Row(
        "mydata delete", {}, EVERYBODY - {"stranger"}, "**Erase your data in this server?**",
        "Nothing is stored about you here that can be erased.",
    ),
)  # fmt: skip


# ---------------------------------------------------------------- the scenes


class Scene:
    """A town at some point of its season, to which it can be put back after each press."""

    def __init__(self, town: Town) -> None:
        """Bring in everybody there is."""
        self.town = town
        here = (town.admin, town.carol, town.dave, town.mod, town.alice, town.bob, town.stranger)
        self.people = {who.name: who for who in here}
        self.people["fay"] = town.person("fay", town.members_of_committee)
        for name in ("mia", "erin", "gus", "new"):
            self.people[name] = town.person(name)
        self.copy = copy_of(town.url)
        self.before: dict[str, list[Any]] = {}
        self.message: Any = None  # of Bob

    def keep(self) -> None:
        """Remember how everything is."""
        self.copy.keep()
        self.before = self.stored()

    def put_back(self) -> None:
        """Make everything in the database as it was."""
        self.copy.put_back()

    def close(self) -> None:
        """Let go of the database."""
        self.copy.close()

    def stored(self, guild_id: int | None = None) -> dict[str, list[Any]]:
        """Every row of every table, or of those of one server."""
        queries = [f"SELECT * FROM {table.name} {_of_server(table, guild_id)}" for table in TABLES]
        rows = self.copy.all_rows(queries)
        return {table.name: found for table, found in zip(TABLES, rows, strict=True)}

    def changed(self, before: Mapping[str, list[Any]] | None = None) -> set[str]:
        """The tables in which something is different."""
        after = self.stored()
        return {name for name, rows in (before or self.before).items() if after[name] != rows}

    async def press(self, who: str, command: str, options: Options) -> Answer:
        """Use a command or the menu in the support channel."""
        person, channel = self.people[who], self.town.support
        given = {
            name: self.people[value[1:]] if isinstance(value, str) and value[:1] == "@" else value
            for name, value in options.items()
        }
        forget_views(self.town)
        if command == MENU:
            with self.town.env.time_context():
                return self.town.read(await person.context_menu(channel, command, self.message))
        return await self.town.press(person, channel, command, **given)

    def words(self, text: str) -> str:
        """Put the ids of people into a text."""
        return text.format(**{name: who.id for name, who in self.people.items()})


def forget_views(town: Town) -> None:
    """Let the buttons of earlier answers go: looking through them takes a third of the time."""
    for view in list(town.bot._connection._view_store._synced_message_views.values()):
        view.stop()


def _of_server(table: Any, guild_id: int | None) -> str:
    """Return the condition that a row of a table is of a server."""
    if guild_id is None:
        return ""
    if "guild_id" in table.c:
        return f"WHERE guild_id = {guild_id}"
    for column in table.c:
        for key in column.foreign_keys:
            return (
                f"WHERE {column.name} IN "
                f"(SELECT id FROM {key.column.table.name} WHERE guild_id = {guild_id})"
            )
    return "WHERE 1 = 0"  # of the program itself, or about interactions


async def start(scene: Scene) -> None:
    """Everything is set, and no round is open."""
    await scene.town.configure(committee_seats="3", pay_currency="RPL", pay_step="0.01")
    await scene.town.show_commands_to_everybody("setup", "settings")


async def review(scene: Scene) -> None:
    """2026-Q1 has closed with ten hours of each helper; a draft of it is not made yet."""
    town = scene.town
    await start(scene)
    await scene.press("carol", "round open", {})
    await town.add(*(scene.people[name] for name in ("alice", "bob", "dave", "erin", "gus")))
    for name, address in ADDRESSES.items():
        await scene.press(name, "address set", {"address": address})
    await scene.press("mia", "thanks", {"helper": "@alice"})
    await scene.press("mia", "helper join", {})
    await town.until(2026, 1, 20)
    for name in ("alice", "bob", "dave", "erin", "gus"):
        await town.log_hours(scene.people[name], "10h")
    await town.until(2026, 3, 30, 1)


async def draft(scene: Scene) -> None:
    """The draft of 2026-Q1 is made."""
    await review(scene)
    await scene.town.until(2026, 3, 31, 20)


async def published(scene: Scene) -> None:
    """2026-Q1 is published, with something of everything; 2026-Q2 is open."""
    await draft(scene)
    steps: tuple[Step, ...] = (
        ("fay", "payout price", PRICE),
        ("carol", "payout approve", {}),
        ("fay", "payout publish", {}),
        ("carol", "payout paid", {"reference": "0xpaid", "helper": "@alice"}),
        ("alice", "dispute open", {"reason": "too much", "helper": "@bob"}),
        ("mia", "dispute open", {"reason": "too much", "helper": "@dave"}),
        ("carol", "helper suspend", {"user": "@erin", **WHY}),
        ("fay", "cease vote", {"proposal": "1", "vote": "yes"}),
        ("carol", "payout export", {"format": "safe-csv"}),
        ("fay", "cease propose", BOB),
        ("fay", "tipjar record", {"amount": "5", "reference": "0xtip"}),
        ("alice", "hours log", {"duration": "1h", "note": "answered"}),
        ("dave", "hours log", {"duration": "1h", "note": "answered"}),
    )
    for who, command, options in steps:
        await scene.press(who, command, options)
    scene.message = await scene.people["bob"].send(scene.town.support, "turn it off and on")
    await scene.town.tick()


SCENES = {build.__name__: build for build in (start, review, draft, published)}


@asynccontextmanager
async def scene_of(town: Town, name: str) -> AsyncIterator[Scene]:
    """Build a scene in a town."""
    scene = Scene(town)
    try:
        await SCENES[name](scene)
        scene.keep()
        yield scene
    finally:
        scene.close()


# ---------------------------------------------------------------- the table


async def complaint(scene: Scene, row: Row, kind: str) -> str | None:
    """Let a kind of person use a command, and say what is not as the table wants it."""
    who = KINDS[kind]
    for somebody, command, options in row.first:
        await scene.press(somebody or who, command, options)
    before = scene.stored() if row.first else scene.before
    answer = await scene.press(who, row.command, row.options)
    changed = scene.changed(before)
    if changed or row.first:
        scene.put_back()
    about = f"/{row.command} {dict(row.options)} by {kind}"
    if not answer.startswith(scene.words(row.told(kind))):
        return f"{about}: {answer}"
    if kind in row.blocked:
        ok = "record" in changed <= {"record", "claims", "people"}
    else:
        ok = bool(changed) is (kind in row.may and kind not in row.but and not row.reads)
    return None if ok or row.told(kind) == "You have asked" else f"{about} changes {changed}"


@pytest.mark.parametrize("name", ("start", "review", "draft", "published", "published too"))
async def test_everybody_may_what_the_table_says(town: Town, name: str) -> None:
    scene_name, _, too = name.partition(" ")
    rows = [row for row in TABLE if row.scene == scene_name]
    if scene_name == "published":  # the most by far: two processes take a half each
        rows = rows[1::2] if too else rows[::2]
    async with scene_of(town, scene_name) as scene:
        complaints = [await complaint(scene, row, kind) for row in rows for kind in KINDS]
    assert [found for found in complaints if found] == []


async def test_the_table_has_every_command(town: Town) -> None:
    assert {row.command for row in TABLE} == {*commands(town), MENU}


# ---------------------------------------------------------------- numbers

NUMBERS: tuple[tuple[str, str, Options, str], ...] = (
    ("alice", "hours edit", {"note": "y"}, "entry"),
    ("alice", "hours withdraw", {}, "entry"),
    ("alice", "dispute withdraw", {}, "dispute"),
    ("carol", "dispute resolve", STANDS, "dispute"),
    ("carol", "cease vote", {"vote": "yes"}, "proposal"),
    ("carol", "payout paid", {"reference": "0x3"}, "batch"),
    ("carol", "payout cancel", WHY, "batch"),
    ("carol", "tipjar correct", WHY, "tip"),
    ("carol", "payout correct", WHY, "reference"),
    ("carol", "round void", WHY, "round"),
    ("carol", "payout paid", {"reference": "0x3"}, "round"),
    ("mia", "dispute open", WHY, "round"),
    ("mia", "payout show", {}, "round"),
    ("mia", "leaderboard", {}, "round"),
    ("carol", "audit log", {}, "subject"),
)
WRONG = (
    "0",
    "-1",
    "\x00",
    "x\x00",
    "99999",
    "9" * 19,
    "9" * 20,
    "9" * 60,
    "1.5",
    "²",
    "١",
    "x",
    "' OR 1=1 --",
)


async def test_what_is_no_number_of_anything_is_refused_and_changes_nothing(town: Town) -> None:
    async with scene_of(town, "published") as scene:
        for who, command, options, option in NUMBERS:
            for value in WRONG:
                answer = await scene.press(who, command, {**options, option: value})
                assert scene.changed() == set(), f"/{command} {option}:{value}: {answer}"
                assert len(answer) > 20, f"/{command} {option}:{value}: {answer}"


# ---------------------------------------------------------------- buttons

# The id of each button, the people who may press it, and what the others are told.
BUTTONS = (
    ("proposal:2:{new}:yes", {"new"}, "Only <@{new}> can answer this."),
    ("proposal:2:{new}:no", {"new"}, "Only <@{new}> can answer this."),
    ("take_back:1", {"dave", "carol", "fay"}, REASONS[COMMITTEE]),
    ("confirm:1", {"alice"}, "Only the person who was asked can press this."),
    ("cease:2:yes", {"dave", "carol", "fay"}, REASONS[COMMITTEE]),
    ("cease:2:no", {"dave", "carol", "fay"}, REASONS[COMMITTEE]),
    ("unthank:2:{bob}", {"mia"}, "No thanks of yours for <@{bob}> stand in 2026-Q2."),
    (
        "who_thanked:1",
        {"alice", "bob", "dave", "erin", "gus"},
        "Who thanked you in 2026-Q1\nYou are not a",
    ),
    ("setup:step:1", {"ada"}, REASONS[ADMINS]),
    ("setup:step:2", {"ada"}, REASONS[ADMINS]),
    ("setup:money", {"ada"}, REASONS[ADMINS]),
)
# What one is told of a row that is of another server, or that does not exist.
NO_SUCH = {
    "proposal": "There is no such proposal here.",
    "take_back": "There is no such proposal here.",
    "confirm": "This question has been answered or has expired.",
    "cease": "There is no proposal of that number here.",
    "unthank": "There is no such round here.",
    "who_thanked": "There is no such round here.",
    "opinion": "There is no such entry here.",
}
IN_TOWN = (
    "proposal:2:{new}:yes", "take_back:1", "confirm:1", "cease:2:yes", "unthank:2:{bob}",
    "who_thanked:1", "opinion:6:low",
)  # fmt: skip
NOWHERE = (
    "proposal:999999999999999999:{carol}:yes", "proposal:2:{carol}:no", "proposal:0:1:yes",
    "proposal:2:8999999999999999999:yes", "take_back:999999999999999999", "take_back:0",
    "confirm:999999999999999999", "confirm:0", "cease:999999999:yes", "cease:0:no",
    "unthank:999999999999999999:{bob}", "unthank:0:0", "who_thanked:999999999999999999",
    "who_thanked:0", "opinion:999999999999:low", "opinion:0:high",
)  # fmt: skip
GARBAGE = (
    "confirm:", "confirm:x", "confirm:-1", "confirm:1 ", "take_back:1.0", "cease:2:maybe",
    "opinion:6:", "proposal:2:{new}", "proposal:2:9999999999999999999:yes", "who_thanked:²",
    "unthank:2:9999999999999999999", "unthank:1", "nonsense", "setup:step:3", "x" * 100,
)  # fmt: skip


async def press_button(scene: Scene, who: Any, channel: Any, custom_id: str) -> Answer | None:
    """Press a button of any id on a message of the bot."""
    button = {"type": 2, "style": 2, "label": "Press", "custom_id": scene.words(custom_id)}
    row = [{"type": 1, "components": [button]}]
    backend = scene.town.env.backend
    stored = backend.create_message(channel.id, scene.town.me, "", components=row)
    guild_id = backend.get_channel(channel.id).guild_id
    place = scene.town.env.bot.get_partial_messageable(channel.id, guild_id=guild_id)
    with scene.town.env.time_context():
        shown = await place.fetch_message(stored.id)
        result = await who.click(shown, custom_id=button["custom_id"])
    return scene.town.read(result) if result.response is not None else None


async def with_buttons(scene: Scene) -> None:
    """Ask every question of which there are buttons, and bring in the people of another server."""
    await scene.press("fay", "payout correct", {"reference": "0xpaid", **WHY})
    await scene.press("alice", "helper leave", {})
    await scene.press("mia", "thanks", {"helper": "@bob"})
    new = scene.people["new"].mention
    await scene.people["dave"].send(scene.town.thread("2026-Q2"), f"{new} helped me")
    await scene.town.tick()
    scene.keep()


async def test_buttons_refuse_whom_they_are_not_for(town: Town) -> None:
    async with scene_of(town, "published") as scene:
        await with_buttons(scene)
        for custom_id, may, told in BUTTONS:
            for name in sorted(scene.people.keys() - may):
                answer = await press_button(scene, scene.people[name], town.support, custom_id)
                about = f"{custom_id} by {name}"
                assert (answer or "").startswith(scene.words(told)), f"{about}: {answer}"
                assert scene.changed() == set(), about
        alice, fay = scene.people["alice"], scene.people["fay"]
        answer = await press_button(scene, alice, town.support, "opinion:6:low")
        assert (answer or "").startswith("Entry #6 is your own")
        assert scene.changed() == set()
        answer = await press_button(scene, fay, town.support, "take_back:1")
        assert (answer or "").startswith("You proposed this, so another committee member has to")
        assert scene.changed() == {"claims", "record"}


async def test_buttons_of_what_is_not_here_refuse_everybody(town: Town) -> None:
    items = town.bot._connection._view_store._dynamic_items
    assert {pattern.pattern.partition(":")[0] for pattern in items} == NO_SUCH.keys()
    assert {custom_id.partition(":")[0] for custom_id in IN_TOWN} == NO_SUCH.keys()
    async with scene_of(town, "published") as scene:
        await with_buttons(scene)
        elsewhere = await Elsewhere.of(scene)
        pressed = [(scene.people["carol"], town.support, custom_id) for custom_id in NOWHERE]
        pressed += [(elsewhere.boss, elsewhere.channel, custom_id) for custom_id in IN_TOWN]
        for who, channel, custom_id in pressed:
            answer = await press_button(scene, who, channel, custom_id)
            told = NO_SUCH[custom_id.partition(":")[0]]
            assert (answer or "").startswith(told), f"{custom_id}: {answer}"
            assert scene.changed() == set(), custom_id


async def test_buttons_that_nobody_made_are_answered_and_do_nothing(town: Town) -> None:
    async with scene_of(town, "published") as scene:
        await with_buttons(scene)
        for custom_id in GARBAGE:
            for name in ("sam", "carol"):
                answer = await press_button(scene, scene.people[name], town.support, custom_id)
                assert answer == GONE, custom_id
                assert scene.changed() == set(), custom_id


# ---------------------------------------------------------------- another server


@dataclass(frozen=True)
class Elsewhere:
    """Another server: the boss is everything there, and Dave has come in without any role."""

    channel: Any
    boss: Any
    visitor: Any

    @classmethod
    async def of(cls, scene: Scene) -> Elsewhere:
        """Build it, set it up, open a round there, and forget what was before."""
        town = scene.town
        guild = town.env.create_guild("Elsewhere")
        channel, board = (guild.create_text_channel(name) for name in ("support", "board"))
        manage = discord.Permissions(manage_guild=True)
        roles = [guild.create_role(name) for name in ("Committee", "Moderators")]
        admins = guild.create_role("Admins", permissions=manage)
        boss = guild.add_member(town.env.create_user("boss"), roles=[*roles, admins])
        visitor = guild.add_member(scene.people["dave"].user)
        for name in ("setup", "settings"):
            guild.set_command_permissions(town.command_id(name), {guild.default_role: True})
        for name, value in {
            "support_channel": channel.mention,
            "committee_channel": board.mention,
            "committee_role": roles[0].mention,
            "moderator_role": roles[1].mention,
            "committee_seats": "3",
            "currency": "USD",
            "cap": "1000",
            "hourly_rate": "5",
        }.items():
            await town.press(boss, channel, "settings set", name=name, value=value)
        assert "is open" in await town.press(boss, channel, "round open")
        scene.keep()
        return cls(channel, boss, visitor)


NOTHING_PUBLISHED = "No statement has been published yet."
NO_DISPUTE = "That is not the number of a dispute here."
NO_MEMBER = "That person is not in this server."

# What a visitor without roles is told otherwise than a stranger of the town, and what the boss
# is told where numbers, rounds and people are those of the town.
VISITOR = {
    "helper vouch": NO_MEMBER,
    "payout mine": NOTHING_PUBLISHED,
    "dispute withdraw": NO_DISPUTE,
}
BOSS = {
    "hours edit": NOT_YOURS,
    "hours withdraw": NOT_YOURS,
    "helper add": NO_MEMBER,
    "helper remove": "<@{bob}> is not on the roster.",
    "helper reinstate": "Payments to <@{erin}> are neither held nor ceased.",
    "helper vouch": NO_MEMBER,
    "thanks": "<@{bob}> is not on the roster, so thanks cannot count for them.",
    "payout export": NOTHING_PUBLISHED,
    "payout paid": NOTHING_PUBLISHED,
    "payout correct": "No payment is recorded under that reference.",
    "payout cancel": "There is no such batch here.",
    "payout show": NOTHING_PUBLISHED,
    "payout mine": NOTHING_PUBLISHED,
    "tipjar correct": "That is not the number of a tip here.",
    "address show": "You have no payout address",
    "address clear": "You have no address here",
    "dispute open": NOTHING_PUBLISHED,
    "dispute withdraw": NO_DISPUTE,
    "dispute resolve": NO_DISPUTE,
    "cease propose": "<@{gus}> never was a helper here",
    "cease vote": NO_SUCH["cease"],
    "audit voters": "There is no round of that name. Rounds here: 2026-Q2.",
}


async def test_another_server_knows_neither_the_roles_nor_the_rows(town: Town) -> None:
    """Dave has every role in the town, and none where he visits; the boss is the reverse."""
    async with scene_of(town, "published") as scene:
        for role in (town.moderators, town.guild.roles["Admins"]):
            await town.give_role(town.dave, role)
        there = await Elsewhere.of(scene)
        in_town = scene.stored(town.guild.id)
        for row in (row for row in TABLE if row.scene == "published" and row.command != MENU):
            given = {
                name: scene.people[value[1:]].user if str(value)[:1] == "@" else value
                for name, value in row.options.items()
            }
            refused = "" if "stranger" in row.may else row.told("stranger")
            for who, told in (
                (there.visitor, VISITOR.get(row.command, refused)),
                (there.boss, BOSS.get(row.command, "")),
            ):
                answer = await town.press(who, there.channel, row.command, **given)
                about = f"/{row.command} {given} by {who.name}: {answer}"
                assert answer.startswith(scene.words(told)), about
                assert scene.stored(town.guild.id) == in_town, about
                assert not (told and scene.changed() - {"people", "claims"}), about
                scene.put_back()
