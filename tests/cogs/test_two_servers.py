"""Two servers with one bot: nothing that is of one is ever shown in the other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import discord
import pytest
from sqlalchemy import event

from tests.cogs.test_interface import commands
from tests.cogs.test_permissions import forget_views
from tests.cogs.town import Answer, Town, text_of
from tests.postgres import WANTED

pytestmark = pytest.mark.untraced

Options: TypeAlias = Mapping[str, Any]
Steps: TypeAlias = Sequence[tuple[str, str, Options]]

ADDRESSES = {
    "zebrafish": "0x52908400098527886E0F7030069857D2E4169EE7",
    "yakherder": "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
}
WHY = {"reason": "{word}-reason"}

# What is pressed in each server until there is something of everything; `{word}` is in every
# text, so that it would be known anywhere.
SEASON: Steps = (
    ("boss", "round open", {}),
    ("boss", "helper add", {"user": "@both"}),
    ("boss", "helper add", {"user": "@other"}),
    ("both", "address set", {"address": "{address}"}),
    ("user", "thanks", {"helper": "@both", "note": "{word}-note", "private": "yes"}),
    ("both", "hours log", {"duration": "2h", "note": "{word}-entry", "evidence": "{word}.org"}),
    ("other", "hours log", {"duration": "1h", "note": "{word}-entry"}),
    ("boss", "tipjar record", {"amount": "5", "reference": "{word}-tip"}),
)
PUBLISHED: Steps = (
    ("boss", "payout adjust", {"helper": "@both", "amount": "1", **WHY}),
    ("boss", "payout price", {"price": "2", "source": "{word}-source"}),
    ("second", "payout approve", {}),
    ("boss", "payout publish", {}),
    ("boss", "payout paid", {"reference": "{word}-paid", "helper": "@other"}),
    ("user", "dispute open", {**WHY, "helper": "@other"}),
    ("boss", "payout export", {"format": "safe-csv"}),
    ("boss", "cease propose", {"user": "@other", **WHY}),
    ("user", "thanks", {"helper": "@both", "note": "{word}-note"}),
    ("both", "hours log", {"duration": "1h", "note": "{word}-entry"}),
    ("both", "hours start", {"note": "{word}-clock"}),
    ("boss", "tipjar record", {"amount": "5", "reference": "{word}-tip"}),
)

READERS = ("boss", "both", "user")

# Every command that only shows something.
READING: Sequence[tuple[str, Options]] = (
    ("about", {}),
    ("address show", {}),
    ("audit log", {}),
    ("audit log", {"subject": "payout"}),
    ("audit verify", {}),
    ("audit voters", {"helper": "@both", "round": "{label}"}),
    ("dispute list", {}),
    ("help", {}),
    ("helper list", {}),
    ("hours list", {}),
    ("hours list", {"helper": "@both"}),
    ("hours list", {"round": "{label}"}),
    ("leaderboard", {"round": "{label}"}),
    ("mydata export", {}),
    ("payout export", {"format": "csv"}),
    ("payout export", {"format": "json"}),
    ("payout export", {"format": "markdown"}),
    ("payout export", {"format": "safe-json"}),
    ("payout export", {"format": "disperse"}),
    ("payout mine", {}),
    ("payout preview", {}),
    ("payout show", {}),
    ("round status", {}),
    ("settings show", {}),
    ("setup", {}),
    ("tipjar show", {}),
)


@dataclass(frozen=True)
class Server:
    """One of the servers; its word is in every name and text, `label` is its first round's.

    The boss is admin, moderator and of the committee, and `both` is a helper of both servers.
    """

    word: str
    label: str
    town: Town
    guild: Any
    channel: Any
    people: Mapping[str, Any]

    @classmethod
    async def of(cls, town: Town, word: str, label: str, both: Any, **settings: str) -> Server:
        """Build a server and set it up."""
        guild = town.env.create_guild(f"{word} town")
        channel, board = (
            guild.create_text_channel(f"{word}-{name}") for name in ("support", "board")
        )
        manage = discord.Permissions(manage_guild=True)
        committee, moderators = (guild.create_role(f"{word}-{name}") for name in ("c", "m"))
        admins = guild.create_role(f"{word}-admins", permissions=manage)
        roles = {"boss": [committee, moderators, admins], "second": [committee]}
        people = {
            name: guild.add_member(
                town.env.create_user(f"{word}-{name}"), roles=roles.get(name, ())
            )
            for name in ("boss", "second", "other", "user")
        }
        people["both"] = guild.add_member(both)
        server = cls(word, label, town, guild, channel, people)
        everything = {
            "support_channel": channel.mention,
            "committee_channel": board.mention,
            "committee_role": committee.mention,
            "moderator_role": moderators.mention,
            "committee_seats": "2",
            "currency": "USD",
            "cap": "1000",
            "hourly_rate": "5",
            "pay_currency": "RPL",
            "pay_step": "0.01",
            "voter_account_days": "0",
            **settings,
        }
        for name, value in everything.items():
            await server.press("boss", "settings set", {"name": name, "value": value})
        return server

    async def press(self, who: str, command: str, options: Options) -> Answer:
        """Use a command in this server."""
        known = {"word": self.word, "label": self.label, "address": ADDRESSES[self.word]}
        given = {
            name: self.people[value[1:]] if value[:1] == "@" else value.format(**known)
            for name, value in options.items()
        }
        forget_views(self.town)
        return await self.town.press(self.people[who], self.channel, command, **given)

    def marks(self) -> list[str]:
        """What would give this server away: its word, its address, and every id but of `both`."""
        alone = [who for name, who in self.people.items() if name != "both"]
        everything = [*alone, *self.guild.roles.values(), *self.guild.channels.values()]
        ids = [str(one.id) for one in (self.guild, *everything, *self.channel.threads)]
        return [self.word, ADDRESSES[self.word].lower(), *ids]

    def said(self) -> list[str]:
        """Everything that stands in its channels and threads."""
        places = [*self.guild.channels.values(), *self.channel.threads]
        return [text_of(message) for place in places for message in place.history()]


async def two_servers(town: Town) -> tuple[Server, Server]:
    """Two servers with different periods, and with something of everything in each."""
    both = town.env.create_user("both")
    zebras = await Server.of(town, "zebrafish", "2026-Q1", both)
    yaks = await Server.of(town, "yakherder", "2026-01", both, period="month")
    await town.env.advance_time(3 * 3600)
    for server in (zebras, yaks):
        for who, command, options in SEASON:
            await server.press(who, command, options)
    await town.until(2026, 3, 31, 20)
    for server in (zebras, yaks):
        for who, command, options in PUBLISHED:
            await server.press(who, command, options)
    await town.tick()
    return zebras, yaks


async def shown(answer: Answer) -> str:
    """Everything that an answer holds, with its buttons and files."""
    parts = [answer, str(answer.message.components)]
    for name, file in answer.files.items():
        parts += [name, file.description or "", (await file.read()).decode(errors="replace")]
    return "\n".join(parts)


def leaks(text: str, other: Server) -> list[str]:
    return [mark for mark in other.marks() if mark in text.lower()]


@contextmanager
def asked(town: Town) -> Iterator[set[str]]:
    """Collect every statement that the database is given."""
    statements: set[str] = set()

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.add(" ".join(statement.split()))

    engine = town.bot.db._engine
    assert engine is not None
    event.listen(engine.sync_engine, "before_cursor_execute", note)
    yield statements
    event.remove(engine.sync_engine, "before_cursor_execute", note)


# What stands in a statement itself: the wildcards of LIKE and their escape, and the writers' lock.
CONSTANTS = {"'%'", "'/'"}
OF_THE_PROGRAM = ("BEGIN", "PRAGMA", "SELECT set_config('idle_in_transaction_session_timeout'")
KEYS = re.compile(
    r"\b(guild|((from|to)_)?round|board|entry|statement|batch|proposal|suspension)_id\b\)? (=|IN) "
    r"|\bid (=|IN) "
)


OF_ALL_SERVERS = re.compile(
    r"SELECT (DISTINCT )?\w+\.guild_id(, rounds\.thread_id)? FROM "
    r"|SELECT meta\.value FROM meta WHERE meta\.name = \?$"
    r"|UPDATE posts SET state=\? WHERE posts\.state = 'parked'$"
)
"""What a tick asks and does for all: in which servers there is something, and facts of its own."""


def literals(statement: str) -> set[str]:
    """The texts and large numbers that stand in a statement, not in its parameters."""
    if statement.startswith(OF_THE_PROGRAM):
        return set()
    return set(re.findall(r"'[^']+'|\b[0-9]{4,}\b", statement)) - CONSTANTS


def is_of_one_server(statement: str) -> bool:
    """Whether a statement is about one server, or about what has a key of one server."""
    if statement.startswith((*OF_THE_PROGRAM, "INSERT")):
        return True
    return KEYS.search(statement.partition(" WHERE ")[2]) is not None


async def test_every_query_is_bound_and_those_of_people_are_of_one_server(town: Town) -> None:
    async with town.bot.db.read():
        pass  # the engine is there from now on
    with asked(town) as statements:
        zebras, yaks = await two_servers(town)
        assert [each for each in statements if literals(each)] == []
        statements.clear()
        for here, command, options in ((each, *row) for each in (zebras, yaks) for row in READING):
            await here.press("boss", command, options)
        for command, option in offering(town):
            await town.offered(yaks.people["boss"], yaks.channel, command, option)
    assert len(statements) > 50
    assert [each for each in statements if literals(each) or not is_of_one_server(each)] == []
    direct = town.bot.db._direct
    assert (direct is None) == WANTED  # on a server everything runs through the engine
    known = direct._prepared.values() if direct else ()
    prepared = {" ".join(each.text.split()) for each in known}
    of_all = {each for each in prepared if not is_of_one_server(each)}
    assert [each for each in of_all if not OF_ALL_SERVERS.match(each)] == []


async def test_no_answer_or_file_holds_anything_of_another_server(town: Town) -> None:
    zebras, yaks = await two_servers(town)
    for here, other in ((zebras, yaks), (yaks, zebras)):
        everything = ""
        for who in READERS:
            for command, options in READING:
                if command in {"setup", "settings show"} and who != "boss":
                    continue  # Discord does not show them to others
                answer = await here.press(who, command, options)
                text = await shown(answer)
                assert leaks(text, other) == [], f"/{command} {options} by {who} in {here.word}"
                everything += text
        for kind in ("entry", "note", "reason", "tip", "paid", "clock", "source"):
            assert f"{here.word}-{kind}" in everything, f"nothing shows its own {kind}"
        assert ADDRESSES[here.word] in everything
        assert leaks("\n".join(here.said()), other) == []


def offering(town: Town) -> list[tuple[str, str]]:
    """Every option that offers something while somebody types: its command, and its name."""
    return [
        (name, option["name"])
        for name, options in commands(town).items()
        for option in options
        if option.get("autocomplete")
    ]


async def test_no_option_offers_anything_of_another_server(town: Town) -> None:
    zebras, yaks = await two_servers(town)
    for here, other in ((zebras, yaks), (yaks, zebras)):
        everything = ""
        for who in READERS:
            for command, option in offering(town):
                if command == "settings set" and who != "boss":
                    continue
                filled = [{"name": name} for name in ("support_channel", "committee_role")]
                for given in filled if (command, option) == ("settings set", "value") else [{}]:
                    for typed in ("", other.word):
                        rows = await town.offered(
                            here.people[who], here.channel, command, option, typed, **given
                        )
                        text = str(rows)
                        about = f"/{command} {option} for {who} in {here.word}: {text}"
                        assert leaks(text, other) == [], about
                        assert other.label not in text, about
                        everything += text
        assert f"{here.word}-support" in everything
        assert here.label in everything
