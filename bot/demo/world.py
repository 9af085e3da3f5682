"""The simulated server: its people and channels, its time, and what the bot has posted there."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import discord

from bot.client import Stipend, create_bot
from bot.demo.figures import figures
from bot.domain.cease import STILL_ARRIVING
from bot.domain.schedule import Act
from bot.jobs.marks import unmarked
from bot.services import rounds
from bot.settings import Settings
from storage import cease

if TYPE_CHECKING:
    import simcord
    from sqlalchemy.ext.asyncio import AsyncSession

ADMIN, MODERATOR, COMMITTEE, HELPER, MEMBER = "admin", "moderator", "committee", "helper", "member"
STAFF = {"Ada": ADMIN, "Milo": MODERATOR, "Noor": COMMITTEE, "Jonas": COMMITTEE}
MEMBERS = ("Lena", "Sam", "Tariq", "Ines", "Olek", "Priya")
IN_COMMITTEE_CHANNEL = frozenset({ADMIN, MODERATOR, COMMITTEE})
MENU = "Thank the author"
FAR = timedelta(days=3660)
# Seconds that the bot may take for one command or one step in time.
PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in the server; `kind` is what they are there."""

    name: str
    kind: str
    actor: simcord.MemberActor


@dataclass(frozen=True, slots=True)
class Event:
    """The next thing that the bot does by itself; `at` is never in the past."""

    name: str
    label: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Posted:
    """A published statement as the bot posted it: its files by suffix, such as `html`."""

    title: str
    files: Mapping[str, discord.Attachment]


class World:
    """The server and everybody in it. One operation at a time: simcord does not overlap them."""

    def __init__(self, env: simcord.Env, bot: Stipend) -> None:
        self.env = env
        self.bot = bot
        self.guild = env.create_guild("Harbour")
        roles = {
            ADMIN: self.guild.create_role(
                "Admin", permissions=discord.Permissions(manage_guild=True)
            ),
            MODERATOR: self.guild.create_role("Moderator"),
            COMMITTEE: self.guild.create_role("Committee"),
        }
        self.roles = roles
        self.support = self.guild.create_text_channel(
            "support", topic="Ask here. Helpers log their time with /hours log."
        )
        hidden = discord.PermissionOverwrite(view_channel=False)
        seen = discord.PermissionOverwrite(view_channel=True)
        assert self.guild.me is not None
        self.committee = self.guild.create_text_channel(
            "committee",
            topic="Drafts and payments. Hidden from helpers and members.",
            overwrites={
                self.guild.default_role: hidden,
                self.guild.me: seen,
                **dict.fromkeys(roles.values(), seen),
            },
        )
        kinds = {
            **STAFF,
            **{figure.name: HELPER for figure in figures()},
            **dict.fromkeys(MEMBERS, MEMBER),
        }
        # Ties go to the lower id: helpers come in the order of the file.
        self.people = {name: self._person(name, kind) for name, kind in kinds.items()}

    def _person(self, name: str, kind: str) -> Person:
        user = self.env.create_user(name.lower().replace(" ", "_"), global_name=name)
        roles = [self.roles[kind]] if kind in self.roles else []
        return Person(name, kind, self.guild.add_member(user, roles=roles))

    @property
    def channels(self) -> list[simcord.ChannelHandle]:
        """The channels as a client lists them: threads below the channel they belong to."""
        return [self.support, *self.support.threads, self.committee]

    def thread(self, label: str) -> simcord.ChannelHandle:
        """Return the thread of a round."""
        return next(thread for thread in self.support.threads if label in (thread.name or ""))

    def board(self, label: str) -> discord.Message:
        """Return the first message of a round's board, which is pinned in its thread."""
        return next(message for message in self.thread(label).history() if _is_board(message))

    def card(self, label: str, helper: str) -> discord.Message:
        """Return the newest card of a helper's entries in a round's thread."""
        mention = self.people[helper].actor.mention
        return next(
            message
            for message in reversed(self.thread(label).history())
            if any(field.value == mention for embed in message.embeds for field in embed.fields)
        )

    def arrive(self, name: str) -> None:
        """Let somebody come into the server whose account was made just now."""
        self.people[name] = self._person(name, MEMBER)

    def who_sees(self, channel: simcord.ChannelHandle) -> list[Person]:
        """Return everybody who can read a channel."""
        is_open = channel.id != self.committee.id
        return [
            person
            for person in self.people.values()
            if is_open or person.kind in IN_COMMITTEE_CHANNEL
        ]

    def names(self) -> dict[str, str]:
        """Return what a client shows for each mention."""
        return {
            **{person.actor.mention: f"@{person.name}" for person in self.people.values()},
            **{role.mention: f"@{role.name}" for role in self.roles.values()},
            **{channel.mention: f"#{channel.name}" for channel in self.channels},
        }

    async def press(
        self, who: str, channel: simcord.ChannelHandle, command: str, /, **options: Any
    ) -> simcord.ResponseMessage:
        """Use a command as a person would; the bot's answer comes back, a refusal is raised."""
        with self._heard():
            result = await self.people[who].actor.slash(channel, command, **options)
        assert result.response is not None
        return result.response

    async def thank_author(self, who: str, message: discord.Message) -> simcord.ResponseMessage:
        """Use the menu of a message as a person would; a refusal is raised."""
        channel = next(each for each in self.channels if each.id == message.channel.id)
        with self._heard():
            result = await self.people[who].actor.context_menu(channel, MENU, message)
        assert result.response is not None
        return result.response

    async def click(self, who: str, helper: str, label: str) -> None:
        """Click the emoji beside a helper's name on the board, or click it once more to undo."""
        board = self.board(label)
        lines = unmarked(board.embeds[0].description or "").splitlines()
        emoji = next(line.split()[0] for line in lines if line.endswith(f" {helper}"))
        await self.react(who, board, emoji)

    async def react(self, who: str, message: discord.Message, emoji: str) -> None:
        """React to a message, or take one's reaction away where it stands."""
        person = self.people[who].actor
        stored = self.env.backend.get_message(message.channel.id, message.id)
        reaction = stored.reaction_for(emoji)
        is_there = reaction is not None and person.id in reaction.user_ids
        with self._heard():
            await person.set_reaction(message, emoji, reacted=not is_there)

    async def push(
        self, who: str, message: discord.Message | simcord.ResponseMessage, label: str
    ) -> simcord.ResponseMessage:
        """Press a button under a message as a person would; the answer may be a refusal."""
        with self._heard():
            result = await self.people[who].actor.click(message, label=label)
        assert result.response is not None
        return result.response

    @contextmanager
    def _heard(self) -> Iterator[None]:
        """Raise what the bot refused or did wrong meanwhile."""
        before = self.env.error_cursor
        yield
        for error in self.env.errors_since(before):
            raise error

    @property
    def now(self) -> datetime:
        """The simulated instant."""
        return self.env.now()

    async def next_event(self) -> Event | None:
        """Return what the bot does next by itself, from what it has stored."""
        async with self.bot.db.read() as session:
            events = [*await self._of_rounds(session), *await self._of_suspensions(session)]
        return min(events, key=lambda event: event.at, default=None)

    async def _of_rounds(self, session: AsyncSession) -> list[Event]:
        # Reminders come and go every two hours: nobody waits for one.
        act: Act | None = await rounds.due(
            session, self.guild.id, now=self.now + FAR, with_reminders=False
        )
        if act is None:
            return []
        labels = await rounds.labels(session, self.guild.id)
        # Labels come newest first; rounds are numbered from 1 in a database of their own.
        return [Event(act.name, labels[-act.round_id], max(act.due_at, self.now))]

    async def _of_suspensions(self, session: AsyncSession) -> list[Event]:
        """Return when votes about somebody's payments lapse, and when ceasing them is final."""
        called = {person.actor.id: person.name for person in self.people.values()}
        disputed = await cease.disputed(session, self.guild.id)
        ends = [
            ("cease-lapsed", vote.user_id, vote.ends_at)
            for vote in await cease.open_proposals(session, self.guild.id)
        ] + [
            ("suspension-final", held.user_id, held.disputable_until)
            for held in await cease.standing(session, self.guild.id)
            if held.final_at is None and held.id not in disputed
        ]
        return [
            Event(name, called[user_id], max(until + STILL_ARRIVING, self.now))
            for name, user_id, until in ends
        ]

    async def move(self, until: datetime) -> list[Event]:
        """Let time pass; the bot does what is due at the very moment it is due."""
        passed: list[Event] = []
        while (event := await self.next_event()) is not None and event.at <= until:
            if passed and (event.name, event.label) == (passed[-1].name, passed[-1].label):
                break
            await self._step(event.at)
            passed.append(event)
        await self._step(until)
        return passed

    async def wait(self, minutes: int) -> None:
        """Let minutes pass in which nothing of the bot is due."""
        await self.env.advance_time(minutes * 60)

    async def _step(self, until: datetime) -> None:
        seconds = (until - self.now).total_seconds()
        if seconds > 0:
            await self.env.advance_time(seconds)
        await self.bot.tick()
        await self.env.settle()

    def statements(self) -> list[Posted]:
        """Return the statements that the bot has posted in the support channel, newest first."""
        found = []
        for message in reversed(self.support.history()):
            files = {file.filename.rsplit(".", 1)[-1]: file for file in message.attachments}
            if "html" in files and message.embeds:
                found.append(Posted(unmarked(message.embeds[0].title or "Statement"), files))
        return found


def _is_board(message: discord.Message) -> bool:
    return bool(message.embeds) and (message.embeds[0].title or "").startswith("Who helped you?")


class _Clock:
    """The bot is built before its environment: the clock is set as soon as there is one."""

    env: simcord.Env

    def __call__(self) -> datetime:
        return self.env.now()


def _know_no_super_reactions(bot: Stipend) -> None:
    """Let the simulation name nobody there; by itself it names all who react, as for normal ones.

    Everybody would be found to react twice, and a reaction taken away to stand.
    """
    ask = bot.http.get_reaction_users

    async def answer(*args: Any) -> list[Any]:
        is_super = args[-1] == 1
        return [] if is_super else await ask(*args)

    bot.http.get_reaction_users = answer  # type: ignore[assignment,method-assign]


@asynccontextmanager
async def open_world() -> AsyncIterator[World]:
    """Start the bot in a new simulated server; afterwards nothing is left of it."""
    import simcord  # noqa: PLC0415 - an extra: without it the demo says how to install it

    clock = _Clock()
    with tempfile.TemporaryDirectory(prefix="stipend-demo-") as folder:
        database = f"sqlite+aiosqlite:///{Path(folder, 'demo.db').as_posix()}"
        bot = create_bot(
            Settings(database_url=database, post_interval_ms=0), clock=clock, schedule=False
        )
        assert isinstance(bot, Stipend)
        # Refusals that the bot has answered count as errors for simcord.
        clock.env = env = simcord.Env(bot, check_errors=False, settle_timeout=PATIENCE)
        try:
            await env.start()
            _know_no_super_reactions(bot)
            with env.time_context():
                assert bot.user is not None
                await bot.user.edit(username="Stipend")
                yield World(env, bot)
        finally:
            await env.shutdown()
            await bot.close()
