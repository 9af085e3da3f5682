"""A small server with its people, on a simulated Discord, and ways to press what they press."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import discord
import simcord
from simcord.backend import serializers
from simcord.backend.models import Overwrite
from simcord.enums import OverwriteType
from simcord.interactions import base_payload

from bot.client import Stipend, create_bot
from bot.domain.errors import Refusal, Repeated
from bot.domain.people import Actor
from bot.jobs.marks import unmarked
from bot.services import settings
from bot.settings import Settings
from tests import databases

INCIDENT = re.compile(r"incident ([0-9a-f]{8})")
LATE = "*This comes late: the bot was away.* "
BUTTON, MESSAGE_COMPONENT = 2, 3


class Answer(str):
    """The text of an answer, content and embeds, with the message it came in."""

    __slots__ = ("message", "result")
    message: Any
    result: Any

    @property
    def files(self) -> dict[str, Any]:
        """The attachments by name."""
        return {file.filename: file for file in self.message.attachments}

    @property
    def buttons(self) -> list[str]:
        """The labels of the buttons that can be pressed."""
        return [
            part["label"]
            for row in self.message.components
            for part in row["components"]
            if part["type"] == BUTTON and not part.get("disabled")
        ]


class Log(logging.Handler):
    """Keeps what was logged as an error or under an incident id."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record that an operator would have to look at."""
        words = record.getMessage()
        if record.levelno >= logging.ERROR or INCIDENT.search(words):
            self.faults.append(words)


class Town:
    """A server with two channels, roles and people; everything is pressed through `press`."""

    def __init__(self, env: Any, url: str, log: Log) -> None:
        """Build the server in a running simulation."""
        self.env, self.url, self.log = env, url, log
        self.bot: Stipend = env.bot
        self.answered: list[str] = []
        self.forgiven = 0
        self.me: int = env.backend.bot_user.id
        self.guild = env.create_guild("Town")
        self.support = self.guild.create_text_channel("support")
        self.committee = self.guild.create_text_channel("committee")
        self.moderators = self.guild.create_role("Moderators")
        self.members_of_committee = self.guild.create_role("Committee")
        self.helpers = self.guild.create_role("Helpers")
        admins = self.guild.create_role(
            "Admins", permissions=discord.Permissions(manage_guild=True)
        )
        self.admin = self.person("ada", admins)
        self.carol = self.person("carol", self.members_of_committee)
        self.dave = self.person("dave", self.members_of_committee)
        self.mod = self.person("mo", self.moderators)
        self.alice, self.bob = self.person("alice"), self.person("bob")
        self.stranger = self.person("sam")

    def person(self, name: str, *roles: Any) -> Any:
        """Let somebody come into the server."""
        return self.guild.add_member(self.env.create_user(name), roles=roles)

    # ------------------------------------------------------------ pressing

    async def press(self, who: Any, channel: Any, command: str, /, **options: Any) -> Answer:
        """Use a command and return the text of the answer, which only `who` may see."""
        with self.env.time_context():
            return self.read(await who.slash(channel, command, **options))

    async def click(self, who: Any, answer: Any, label: str | None = None) -> Answer:
        """Press a button, by default the only one, and return the text of the answer."""
        message = getattr(answer, "message", answer)
        with self.env.time_context():
            return self.read(await who.click(message, label=label))

    async def copy_of(self, answer: Answer) -> Any:
        """Return a message with the same buttons, seen by all: a changed client could press it."""
        return await self._with_buttons(answer.message.channel_id, answer.message.components)

    async def copy_of_post(self, post: Any) -> Any:
        """Return a message with the same buttons as a post, as somebody still has it on screen."""
        stored = self.env.backend.get_message(post.channel.id, post.id)
        return await self._with_buttons(stored.channel_id, stored.components)

    async def _with_buttons(self, channel_id: int, components: list[Any]) -> Any:
        stored = self.env.backend.create_message(channel_id, self.me, "", components=components)
        shown = self.env.bot.get_partial_messageable(stored.channel_id, guild_id=self.guild.id)
        with self.env.time_context():
            return await shown.fetch_message(stored.id)

    async def click_together(self, *presses: tuple[Any, Answer]) -> list[str]:
        """Press several buttons at the same moment and return what each then shows."""
        backend = self.env.backend
        for who, question in presses:
            stored = backend.get_message(question.message.channel_id, question.message.id)
            button = question.message.components[0]["components"][0]
            record, payload = base_payload(
                backend,
                type=MESSAGE_COMPONENT,
                channel_id=stored.channel_id,
                guild_id=self.guild.id,
                user_id=who.id,
                data={"custom_id": button["custom_id"], "component_type": BUTTON},
            )
            payload["message"] = dict(serializers.message_payload(backend, stored))
            record.source_message_id = stored.id
            backend.emit("INTERACTION_CREATE", payload)
        await self.env.settle()
        newest = list(backend.interactions.values())[-len(presses) :]
        shown: list[Any] = [simcord.InteractionResult(self.env, record) for record in newest]
        return [text_of(result.response.message) for result in shown]

    async def choose(self, who: Any, answer: Any, menu: str, *values: Any) -> Answer:
        """Choose in a menu and return the text of the answer."""
        with self.env.time_context():
            return self.read(await who.select(answer.message, list(values), custom_id=menu))

    async def offered(
        self, who: Any, channel: Any, command: str, option: str, typed: str = "", /, **filled: Any
    ) -> dict[str, str]:
        """Return what the autocomplete of an option offers: label by value."""
        with self.env.time_context():
            rows = await who.autocomplete(channel, command, option, typed, **filled)
        return {row["value"]: row["name"] for row in rows}

    def read(self, result: Any) -> Answer:
        """Return the text of an answer after checking that nobody else sees it."""
        message = result.response
        assert message is not None, f"no answer: {result!r} {self.log.faults}"
        assert message.ephemeral, f"everybody sees: {message.content}"
        text = Answer(text_of(message))
        text.message, text.result = message, result
        self.answered += INCIDENT.findall(text)
        check_limits(message)
        return text

    # ------------------------------------------------------------ time and restarts

    @property
    def now(self) -> datetime:
        """The present instant of the simulation."""
        moment = self.env.now()
        assert isinstance(moment, datetime)
        return moment

    async def until(self, *wall: int) -> None:
        """Let time go on to an instant in UTC, and do what is due then."""
        seconds = (datetime(*wall, tzinfo=UTC) - self.now).total_seconds()  # type: ignore[arg-type,misc]
        await self.later(seconds)

    async def later(self, seconds: float = 0, *, days: float = 0) -> None:
        """Let time go on, and do what is due then."""
        await self.env.advance_time(seconds + days * 86_400)
        await self.tick()

    async def tick(self) -> None:
        """Do what is due."""
        with self.env.time_context():
            await self.bot.tick()
        await self.env.settle()

    async def restart(self) -> None:
        """Stop the bot and start a new one over the same database."""
        await self.bot.close()
        self.bot = new_bot(self.url)
        await self.env.restart_bot(self.bot)
        keep_leading(self.bot)

    # ------------------------------------------------------------ arranging

    async def configure(self, **values: str) -> None:
        """Set everything that a round needs, and what is given."""
        everything = {
            "support_channel": self.support.mention,
            "committee_channel": self.committee.mention,
            "moderator_role": self.moderators.mention,
            "committee_role": self.members_of_committee.mention,
            "currency": "USD",
            "cap": "1,000.00",
            "hourly_rate": "5.00",
            **values,
        }
        async with self.bot.db.write() as session:
            await settings.change(session, by=self.actor(self.admin), values=everything)

    def actor(self, who: Any) -> Actor:
        """Return somebody as the commands pass them on, with Manage Server."""
        return Actor(
            guild_id=self.guild.id,
            user_id=who.id,
            name=who.name,
            role_ids=frozenset(self.role_ids(who)),
            manages_server=True,
            at=self.now,
            now=self.now,
            interaction_id=self.env.backend.snowflake(),
        )

    async def open(self, **values: str) -> None:
        """Set everything, open the first round, and put Alice and Bob on the roster."""
        await self.configure(**values)
        assert "is open" in await self.press(self.carol, self.committee, "round open")
        await self.add(self.alice, self.bob)

    async def add(self, *people: Any) -> None:
        """Put people on the roster."""
        for somebody in people:
            answer = await self.press(self.mod, self.support, "helper add", user=somebody)
            assert "is a helper now" in answer, answer

    async def log_hours(
        self, who: Any, duration: str, note: str = "answered", **options: Any
    ) -> str:
        """Log time, which must be accepted."""
        answer = await self.press(
            who, self.support, "hours log", duration=duration, note=note, **options
        )
        assert "logged" in answer, answer
        return answer

    async def draft(self) -> None:
        """Go to the first draft: Alice has 40 h and Bob 20 h, which give 200.00 and 100.00."""
        await self.until(2026, 1, 20)
        await self.log_hours(self.alice, "40h")
        await self.log_hours(self.bob, "20h")
        await self.until(2026, 3, 15)
        await self.until(2026, 3, 30)
        await self.until(2026, 3, 31, 20)

    async def publish(self) -> None:
        """Let Dave approve the draft and Carol publish it."""
        assert "Approved" in await self.press(self.dave, self.committee, "payout approve")
        assert "is published" in await self.press(self.carol, self.committee, "payout publish")

    def guild_of_same_people(self) -> Any:
        """Return another server in which the same people are, with roles of the same names."""
        other = self.env.create_guild("Other Town")
        other.create_text_channel("support")
        manage = discord.Permissions(manage_guild=True)
        committee = other.create_role("Committee")
        admins = other.create_role("Admins", permissions=manage)
        moderators = other.create_role("Moderators")
        roles = {"ada": [admins], "carol": [committee], "mo": [moderators]}
        for who in (self.admin, self.carol, self.dave, self.mod, self.alice, self.stranger):
            other.add_member(who.user, roles=roles.get(who.name, ()))
        return other

    def in_server(self, guild: Any, name: str) -> Any:
        """Return somebody as a member of another server."""
        people = (self.admin, self.carol, self.dave, self.mod, self.alice, self.stranger)
        (user,) = [who.user for who in people if who.name == name]
        return simcord.MemberActor(self.env, guild, user)

    async def press_in(self, guild: Any, name: str, command: str, /, **options: Any) -> Answer:
        """Use a command in another server."""
        who = self.in_server(guild, name)
        return await self.press(who, guild.channels["support"], command, **options)

    async def forbid(self, channel: Any, **permissions: bool) -> None:
        """Take permissions from the bot in a channel."""
        flags = discord.Permissions(**permissions).value
        rule = Overwrite(self.me, OverwriteType.MEMBER, 0, flags)
        self.env.backend.set_overwrite(channel.id, rule)
        await self.env.settle()

    async def permit(self, channel: Any) -> None:
        """Give the permissions back."""
        self.env.backend.delete_overwrite(channel.id, self.me)
        await self.env.settle()

    async def take_role(self, who: Any, role: Any) -> None:
        """Take a role from somebody."""
        self.env.backend.remove_member_role(self.guild.id, who.id, role.id)
        await self.env.settle()

    async def give_role(self, who: Any, role: Any) -> None:
        """Give somebody a role."""
        self.env.backend.add_member_role(self.guild.id, who.id, role.id)
        await self.env.settle()

    def command_id(self, name: str) -> int:
        """Return the id under which a command is registered."""
        return int(self.env.backend.find_command(name, None)["id"])

    async def show_commands_to_everybody(self, *names: str) -> None:
        """Show commands to everybody by an override of the server."""
        for name in names:
            everybody = {self.guild.default_role: True}
            self.guild.set_command_permissions(self.command_id(name), everybody)
        await self.env.settle()

    async def show_commands_to(self, who: Any, *names: str) -> None:
        """Show commands to somebody by an override of the server, whatever their permissions."""
        for name in names:
            self.guild.set_command_permissions(self.command_id(name), {who: True})
        await self.env.settle()

    async def archive_unnoticed(self, thread: Any) -> None:
        """Archive a thread without telling the bot."""
        subscribers, self.env.backend.subscribers = self.env.backend.subscribers, []
        self.env.backend.edit_channel(thread.id, {}, thread_metadata={"archived": True})
        self.env.backend.subscribers = subscribers

    async def draft_without_committee_channel(self) -> None:
        """Go to the first draft after the committee's channel was deleted."""
        await self.delete(self.committee)
        self.committee = self.support
        await self.draft()

    async def delete(self, channel: Any) -> None:
        """Delete a channel or thread by hand."""
        self.env.backend.delete_channel(channel.id)
        await self.env.settle()

    def sql(self, statement: str, *values: object) -> list[Any]:
        """Change or read the database from outside, as an accident would."""
        return databases.sql(self.url, statement, *values)

    @contextmanager
    def without_table(self, name: str) -> Iterator[None]:
        """Let a table of the database be gone for a while."""
        self.sql(f"ALTER TABLE {name} RENAME TO {name}_gone")
        try:
            yield
        finally:
            self.sql(f"ALTER TABLE {name}_gone RENAME TO {name}")

    # ------------------------------------------------------------ looking

    def thread(self, label: str) -> Any:
        """Return the thread of a round."""
        (found,) = [thread for thread in self.support.threads if thread.name == f"Support {label}"]
        return found

    def said(self, channel: Any) -> list[str]:
        """Return what the bot said in a channel, without Discord's own notices."""
        return [text_of(message) for message in self.posts(channel)]

    def posts(self, channel: Any) -> list[Any]:
        """Return the messages that the bot posted in a channel, but for the board."""
        boards = {message.id for message in self.boards(channel)}
        return [message for message in self._own(channel) if message.id not in boards]

    def boards(self, channel: Any) -> list[Any]:
        """Return the messages of the board in a thread."""
        titles = ("Who helped you?", "More helpers")
        return [
            message
            for message in self._own(channel)
            if message.embeds and (message.embeds[0].title or "").startswith(titles)
        ]

    def _own(self, channel: Any) -> list[Any]:
        return [
            as_seen(message)
            for message in channel.history()
            if message.author.id == self.me
            and message.type is discord.MessageType.default
            and not message.flags.ephemeral
        ]

    def role_ids(self, who: Any) -> list[int]:
        """Return the roles that somebody has."""
        return list(self.env.backend.get_member(self.guild.id, who.id).role_ids)

    def take_incidents(self) -> tuple[list[str], list[str]]:
        """Return the incident ids that were answered and the faults logged, and forget them."""
        found = self.answered, self.log.faults
        self.answered, self.log.faults = [], []
        self.forgiven = len(self.env.errors)
        return found

    def faults(self) -> list[BaseException]:
        """Return what was raised and is no answer to a person."""
        errors = self.env.errors[self.forgiven :]
        return [error for error in errors if not isinstance(root(error), Refusal | Repeated)]


def root(error: BaseException) -> BaseException:
    """Return what was raised, out of discord.py's wrappers."""
    while (inner := getattr(error, "original", None) or error.__cause__) is not None:
        if isinstance(error, Refusal):
            break
        error = inner
    return error


def as_seen(message: Any) -> Any:
    """Return a message without the mark by which the bot knows it again: it has no width."""
    message.content = unmarked(message.content)
    for embed in message.embeds:
        embed.title = unmarked(embed.title) if embed.title else None
        embed.description = unmarked(embed.description) if embed.description else None
        if embed.footer.text:
            embed.set_footer(text=unmarked(embed.footer.text), icon_url=embed.footer.icon_url)
    return message


def text_of(message: Any) -> str:
    """Return everything that a message says."""
    parts = [message.content]
    for embed in message.embeds:
        parts += [embed.title or "", embed.description or ""]
        parts += [f"{field.name}: {field.value}" for field in embed.fields]
        parts.append(embed.footer.text or "")
    return "\n".join(part for part in parts if part)


def check_limits(message: Any) -> None:
    """Check what Discord refuses: contents and embeds that are too long."""
    assert len(message.content) <= 2000
    for embed in message.embeds:
        assert len(embed.title or "") <= 256
        assert len(embed.description or "") <= 4096
        assert len(embed.fields) <= 25
        assert len(embed.footer.text or "") <= 2048
        for field in embed.fields:
            assert 0 < len(field.name or "") <= 256
            assert 0 < len(field.value or "") <= 1024
    assert sum(map(len, message.embeds)) <= 6000


def new_bot(url: str, *, schedule: bool = False) -> Stipend:
    """Build a bot that posts at once and, without a schedule, does what is due when told to."""
    configuration = Settings(database_url=url, post_interval_ms=0, tick_seconds=86_400)
    bot = create_bot(configuration, schedule=schedule)
    assert isinstance(bot, Stipend)
    return bot


def keep_leading(bot: Stipend) -> None:
    """Let a bot lead for good: simulated months go by between two of its signs of life."""
    bot.leader._valid_until = math.inf


def database_url(folder: Path) -> str:
    """Return the address of a database in a folder."""
    return f"sqlite+aiosqlite:///{folder / 'stipend.db'}"


@asynccontextmanager
async def running(url: str) -> AsyncIterator[Town]:
    """Run a bot in a new town; at the end nothing may be left that an operator has to look at."""
    log = Log()
    logging.getLogger().addHandler(log)
    env = simcord.Env(new_bot(url), check_errors=False, settle_timeout=30)
    try:
        await env.start()
        town = Town(env, url, log)
        keep_leading(town.bot)
        await env.settle()
        yield town
        await env.settle()
        await town.bot.close()
    finally:
        await env.shutdown()
        logging.getLogger().removeHandler(log)
    assert town.answered == []
    assert town.log.faults == []
    assert town.faults() == []
