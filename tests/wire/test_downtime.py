"""Reactions that nobody told of: the real client over real HTTP and websocket loses none."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import discord
import pytest
import yarl

from bot.client import Stipend
from bot.domain.thanks import Doubt
from bot.services import votes
from bot.settings import Settings
from storage import reconciling, thanks
from storage.tables import Round
from tests.databases import address_of, database_of
from tests.services.world import (
    ADA,
    CLOSE,
    COMPUTE,
    HELPERS,
    HOUR,
    MINUTE,
    START,
    World,
)
from tests.wire.fake_discord import COMMITTEE, SERVER, SUPPORT, FakeDiscord, Refused
from tests.wire.program import Program

CHANNELS = {"support_channel": str(SUPPORT), "committee_channel": str(COMMITTEE)}
TOKEN = "MTExMTExMTExMTExMTExMTEx.x.y"
BEFORE, CAME = range(5001, 5101), range(6001, 6301)


async def until(met: Callable[[], Awaitable[bool]], seconds: float = 40) -> None:
    """Wait until something has come about."""
    async with asyncio.timeout(seconds):
        while not await met():  # noqa: ASYNC110 - what is waited for lies in a file
            await asyncio.sleep(0.05)


@dataclass
class Board:
    """The place of one helper as Discord has it."""

    fake: FakeDiscord
    channel: int
    message: int
    emoji: str

    @property
    def reactors(self) -> dict[int, set[int]]:
        """Who reacts, by kind."""
        return self.fake.reactors.setdefault((self.message, self.emoji), {0: set(), 1: set()})

    async def react(self, user: int, *, burst: bool = False) -> None:
        """Let somebody react; whoever is connected is told."""
        await self.fake.react(self.channel, self.message, self.emoji, user, burst=burst)

    def on_discord(self) -> set[tuple[int, int]]:
        """Return who reacts with which kind, without the bot and the helper."""
        return {
            (user, burst)
            for burst, users in self.reactors.items()
            for user in users
            if user >= BEFORE[0] and user < 10_000
        }


def stored(program: Program) -> set[tuple[object, ...]]:
    """Return which thanks for the first helper stand."""
    return set(
        program.rows(
            "SELECT voter_id, burst FROM thanks "
            f"WHERE helper_id = {ADA.user_id} AND taken_back_at IS NULL"
        )
    )


def board_of(program: Program) -> Board | None:
    """Return the place of the first helper, None while the board is not posted."""
    found = program.rows(
        "SELECT channel_id, message_id, emoji FROM places JOIN boards ON boards.id = board_id "
        f"WHERE user_id = {ADA.user_id} AND message_id IS NOT NULL"
    )
    if not found:
        return None
    ((channel, message, emoji),) = found
    assert isinstance(channel, int)
    assert isinstance(message, int)
    return Board(program.fake, channel, message, str(emoji))


@asynccontextmanager
async def a_program_with_a_board(folder: Path) -> AsyncIterator[tuple[Program, Board]]:
    """Start the program with an open round and wait for its board."""
    async with FakeDiscord() as fake:
        program = Program(fake, folder, is_traced=False)
        world = World(database_of(folder), now=datetime.now(UTC), guild_id=SERVER)
        await world.db.open(now=world.now)
        await world.opened(**CHANNELS)
        await world.db.close()
        await program.start()
        try:

            async def posted() -> bool:
                return board_of(program) is not None

            await until(posted)
            board = board_of(program)
            assert board is not None
            yield program, board
        finally:
            if program.process is not None and program.process.returncode is None:
                assert await program.stop() == 0
        await world.db.connect()
        assert await world.faults() == []
        await world.db.close()


@pytest.mark.parametrize("count", (None, 1), ids=lambda count: f"count {count}")
async def test_after_two_days_away_there_is_no_drift(tmp_path: Path, count: int | None) -> None:
    async with a_program_with_a_board(tmp_path) as (program, board):
        for user in BEFORE:
            await board.react(user)
        await board.react(BEFORE[0], burst=True)

        async def as_on_discord() -> bool:
            return stored(program) == board.on_discord()

        await until(as_on_discord)
        assert len(board.on_discord()) == 101
        assert await program.stop() == 0
        program.fake.count_shown, program.fake.repeats_boundary = count, True
        board.reactors[0].update(CAME)
        board.reactors[1].update(CAME[:50])
        board.reactors[0].difference_update(BEFORE[:40])
        board.reactors[1].discard(BEFORE[0])
        await program.start()
        await until(as_on_discord)
        assert len(board.on_discord()) == 100 - 40 + 300 + 50
        (row,) = program.rows(
            "SELECT data FROM record WHERE action = 'thanks.reconciled' AND data LIKE '%350%'"
        )
        assert '"taken_back":41' in str(row[0])
        assert '"after":"' in str(row[0])
        assert '"until":"' in str(row[0])


async def test_what_happens_while_the_connection_is_cut_is_found_when_it_is_back(
    tmp_path: Path,
) -> None:
    async with a_program_with_a_board(tmp_path) as (program, board):
        fake = program.fake
        for user in BEFORE:
            await board.react(user)

        async def as_on_discord() -> bool:
            return stored(program) == board.on_discord()

        await until(as_on_discord)
        await fake.cut()
        assert fake.sockets == 0
        for user in CAME:
            await board.react(user)
        for user in BEFORE[:40]:
            await fake.unreact(board.channel, board.message, board.emoji, user)
        assert stored(program) != board.on_discord()
        fake.is_cut = False
        await until(as_on_discord)
        assert len(stored(program)) == 100 - 40 + 300


# ---------------------------------------------------------------- the close


@dataclass
class Town:
    """The whole bot in this process, connected, with a clock that is set by hand."""

    world: World
    fake: FakeDiscord
    bot: Stipend
    board: Board

    async def tick(self, at: datetime) -> None:
        """Move the clock and let the bot do what is due."""
        self.world.now = at
        await self.bot.tick()

    async def round(self) -> Round:
        """Return the first round."""
        return await self.world.round("2026-Q1")

    async def voters(self) -> int:
        """Return the voters of the first helper in the first round."""
        found = await self.world.see(votes.voters, await self.round())
        return found.get(ADA.user_id, 0)


@asynccontextmanager
async def a_town(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Town]:
    world = World(database_of(folder), guild_id=SERVER)
    await world.db.open(now=START)
    await world.opened(**CHANNELS)
    async with FakeDiscord() as fake:
        gateway = yarl.URL(f"ws://127.0.0.1:{fake.port}/ws")
        monkeypatch.setattr(discord.http.Route, "BASE", f"http://127.0.0.1:{fake.port}/api/v10")
        monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", gateway)
        url = address_of(folder)
        settings = Settings(discord_token=TOKEN, database_url=url, post_interval_ms=0)
        bot = Stipend(settings, clock=lambda: world.now, schedule=False)
        running = asyncio.create_task(bot.start(TOKEN))
        await fake.until_ready()
        await bot.wait_until_ready()
        await bot.tick()
        async with world.db.read() as session:
            found = await place_of_ada(session, world)
        yield Town(world, fake, bot, Board(fake, *found))
        await bot.close()
        await asyncio.gather(running, return_exceptions=True)
    assert await world.faults() == []
    await world.db.close()


async def place_of_ada(session: Any, world: World) -> tuple[int, int, str]:
    """Return channel, message and emoji of the first helper's place."""
    round_ = await world.round("2026-Q1")
    shown = await reconciling.places(session, round_.id)
    assert len(shown) == len(HELPERS)
    (mine,) = (each for each in shown if each.place.user_id == ADA.user_id)
    return mine.channel_id, mine.message_id, mine.place.emoji


def refuse_with(status: int, code: int, part: str = "/reactions/") -> Callable[[str, str], None]:
    """Return a hook that answers what asks for something with an error."""

    def refuse(method: str, path: str) -> None:
        if method == "GET" and part in path:
            raise Refused(status, code, "No")

    return refuse


async def test_nothing_is_computed_while_discord_cannot_be_reached_at_the_close(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    async with a_town(tmp_path, monkeypatch) as town:
        town.board.reactors[0].update(BEFORE)
        await town.tick(START + HOUR)
        assert await town.voters() == 100
        town.board.reactors[0].update(CAME)
        town.fake.before_accepting = refuse_with(503, 0)
        await town.tick(CLOSE)
        await town.tick(COMPUTE)
        round_ = await town.round()
        assert (round_.state, round_.counted_at, round_.drafted_at) == ("review", None, None)
        town.fake.before_accepting = None
        said = " ".join(town.fake.texts(COMMITTEE))
        assert "The draft of **2026-Q1** waits" in said
        assert "Discord answers 503" in said
        await town.tick(COMPUTE + HOUR)
        round_ = await town.round()
        assert (round_.state, round_.counted_at) == ("draft", COMPUTE + HOUR)
        assert await town.voters() == 400


async def test_the_close_counts_what_was_there_and_not_what_came_live_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_town(tmp_path, monkeypatch) as town:
        town.board.reactors[0].update(BEFORE)
        town.world.now = CLOSE + MINUTE
        await town.board.react(CAME[0])
        await until(lambda: _has_late(town))
        await town.tick(CLOSE + MINUTE)
        assert (await town.round()).counted_at == CLOSE + MINUTE
        assert await town.voters() == 100


async def _has_late(town: Town) -> bool:
    await town.bot.reactions.close()
    round_ = await town.round()
    found = await town.world.see(thanks.of_helper, round_.id, ADA.user_id)
    return [(row.voter_id, row.doubt) for row in found] == [(CAME[0], Doubt.LATE)]


async def test_without_permission_the_count_waits_and_the_committee_is_told_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_town(tmp_path, monkeypatch) as town:
        town.board.reactors[0].update(BEFORE)
        town.fake.before_accepting = refuse_with(403, 50_001)
        await town.tick(CLOSE)
        assert (await town.round()).counted_at is None
        assert any("Read Message History" in text for text in town.fake.texts(COMMITTEE))
        town.fake.before_accepting = None
        await town.tick(CLOSE + MINUTE)
        assert (await town.round()).counted_at == CLOSE + MINUTE
        assert await town.voters() == 100
