"""The lanes: what the gateway tells is written down in its order, whatever the database does."""

from __future__ import annotations

import asyncio
import logging
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import discord
import pytest
from sqlalchemy.exc import OperationalError

from bot.domain.thanks import Source
from bot.jobs import reactions as job
from bot.jobs.reactions import MOST_AT_ONCE, Reactions
from bot.services import boards, reactions, settings, votes
from bot.services.reconciling import Found
from bot.services.votes import Changed
from storage import boards as stored_boards
from storage import people, thanks
from storage import rounds as stored_rounds
from tests.services.world import ADA, CLOSE, ELSEWHERE, MINUTE, ROOT, START, World, database

CHANNEL, BOARD, BOARD_ELSEWHERE = 500_000_000_000_000_001, 7001, 7002
VOTER = 500_000_000_000_005_001
INCIDENT = re.compile(r"incident [0-9a-f]{8}")


def told(emoji: str) -> Any:
    """Return an emoji as the gateway tells it."""
    return discord.PartialEmoji.from_str(emoji).to_dict()


@dataclass
class Scene:
    """A server with a board, and the lane that its reactions go through."""

    world: World
    lanes: Reactions
    emoji: str
    told: list[tuple[str, int]]
    is_mended: asyncio.Event

    def hear(
        self,
        user: int = VOTER,
        *,
        added: bool = True,
        burst: bool = False,
        emoji: str = "",
        message: int = BOARD,
        guild: int | None = None,
        member: Any = None,
    ) -> None:
        """Let the gateway tell of a reaction."""
        data: Any = {
            "user_id": f"{user}", "channel_id": f"{CHANNEL}", "message_id": f"{message}",
            "guild_id": f"{guild or self.world.guild_id}", "burst": burst, "type": int(burst),
            "emoji": told(emoji or self.emoji),
        }  # fmt: skip
        if member is not None:
            data |= {"member": member, "message_author_id": f"{ADA.user_id}"}
        (self.lanes.put_added if added else self.lanes.put_removed)(data)

    def hear_cleared(self, emoji: str = "") -> None:
        """Let the gateway tell that reactions to the board were removed."""
        data: Any = {
            "channel_id": f"{CHANNEL}", "message_id": f"{BOARD}",
            "guild_id": f"{self.world.guild_id}",
        }  # fmt: skip
        if emoji:
            self.lanes.put_emoji_cleared(data | {"emoji": told(emoji)})
        else:
            self.lanes.put_cleared(data)

    async def written(self) -> None:
        """Wait until everything is written down."""
        await self.lanes.close()

    async def voters(self) -> set[int]:
        """Whose thanks stand for Ada."""
        round_ = await self.world.round("2026-Q1")
        rows = await self.world.see(thanks.of_helper, round_.id, ADA.user_id)
        return {row.voter_id for row in rows}

    async def look(self, *seen: int) -> Changed:
        """Look at what Discord shows with Ada's emoji, and wait until that is applied."""
        round_ = await self.world.round("2026-Q1")
        places = await self.world.see(stored_boards.places, round_.id)
        (place,) = [place for place in places if place.user_id == ADA.user_id]
        found = Found(
            guild_id=self.world.guild_id, round_id=round_.id, place_id=place.id, message_id=BOARD,
            channel_id=CHANNEL, helper_id=ADA.user_id, source=Source.BOARD,
            users={0: frozenset(seen), 1: frozenset()}, began_at=self.world.now,
            touched=frozenset(), closing=False,
        )  # fmt: skip
        return await self.lanes.submit(self.world.guild_id, found)

    @asynccontextmanager
    async def without_table(self, name: str) -> AsyncIterator[None]:
        """Let a table of the database be gone for a while."""
        await self._rename(name, f"{name}_gone")
        yield
        await self._rename(f"{name}_gone", name)

    async def _rename(self, name: str, called: str) -> None:
        """Rename a table in a thread: whoever holds the file can go on meanwhile and free it."""
        assert self.world.db.path is not None
        path = self.world.db.path

        def rename() -> None:
            with closing(sqlite3.connect(path, timeout=60)) as file:
                file.execute(f"ALTER TABLE {name} RENAME TO {called}")

        await asyncio.to_thread(rename)


async def post_board(world: World, message_id: int) -> None:
    async with world.db.write() as session:
        await boards.build_due(session, world.guild_id, now=world.now)
        (round_,) = await stored_rounds.of_server(session, world.guild_id, states=("open",))
        (one,) = await stored_boards.of_round(session, round_.id)
        await boards.posted(
            session, one.id, channel_id=CHANNEL, message_id=message_id, at=world.now
        )


@pytest.fixture
async def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    """Return a server with an open round and its board; after a fault there is hardly a wait."""
    monkeypatch.setattr(job, "SECONDS_BETWEEN", 0.02)
    world = World(database(tmp_path / "stipend.db"))
    await world.db.open(now=START)
    await world.opened()
    await post_board(world, BOARD)
    row = await world.see(people.helper, world.guild_id, ADA.user_id)
    assert row is not None
    told: list[tuple[str, int]] = []
    is_mended = asyncio.Event()

    async def deliver(guild_id: int) -> None:
        told.append(("deliver", guild_id))

    async def seed(guild_id: int) -> None:
        told.append(("seed", guild_id))
        is_mended.set()

    client = discord.Client(intents=discord.Intents.none())
    lanes = Reactions(client, world.db, clock=lambda: world.now, deliver=deliver, seed=seed)
    yield Scene(world, lanes, row.emoji, told, is_mended)
    await lanes.close()
    assert await world.faults() == []
    await world.db.close()


class Incidents(logging.Handler):
    """Waits for errors in the log, and keeps them."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[logging.LogRecord] = []
        self._came = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep an error, and wake whoever waits."""
        self.records.append(record)
        self._came.set()

    async def until(self, words: str) -> None:
        """Wait until an error says this."""
        async with asyncio.timeout(20):
            while not any(words in record.getMessage() for record in self.records):
                self._came.clear()
                await self._came.wait()


@pytest.fixture
async def incidents() -> AsyncIterator[Incidents]:
    """Return what the lanes log as errors."""
    handler = Incidents()
    job.log.addHandler(handler)
    yield handler
    job.log.removeHandler(handler)


# ---------------------------------------------------------------- order


@pytest.mark.parametrize("clicks", (499, 500))
async def test_what_is_put_in_order_is_written_down_in_order(scene: Scene, clicks: int) -> None:
    for number in range(clicks):
        scene.hear(added=number % 2 == 0)
        if number % 50 == 0:
            await asyncio.sleep(0.002)
    await scene.written()
    assert await scene.voters() == ({VOTER} if clicks % 2 else set())


async def test_more_than_fits_into_one_commit_is_written_down_to_the_last(scene: Scene) -> None:
    count = 2 * MOST_AT_ONCE + 7
    for number in range(count):
        scene.hear(VOTER + number)
    await scene.written()
    assert await scene.voters() == {VOTER + number for number in range(count)}
    given = [row.data["given"] for row in await scene.world.record() if "given" in row.data]
    assert sum(given) == count


async def test_a_burst_is_durable_before_it_is_sorted_and_a_crash_in_between_loses_nothing(
    scene: Scene,
) -> None:
    async with scene.without_table("thanks"):  # what came in can be kept, and not be sorted
        for number in range(200):
            scene.hear(VOTER + number)
        scene.hear(VOTER, added=False)
        await scene.written()
    assert await scene.voters() == set()
    restarted = Reactions(
        discord.Client(intents=discord.Intents.none()),
        scene.world.db,
        clock=lambda: scene.world.now,
        deliver=scene.lanes._deliver,
        seed=scene.lanes._seed,
    )
    await restarted.recover()
    assert await scene.voters() == {VOTER + number for number in range(1, 200)}
    await restarted.recover()
    assert len(await scene.voters()) == 199


async def test_what_was_kept_comes_before_what_follows_it(
    scene: Scene, incidents: Incidents
) -> None:
    async with scene.without_table("thanks"):
        for number in range(50):
            scene.hear(VOTER + number)
        await incidents.until("reactions kept")
    scene.hear(VOTER, added=False)
    await scene.written()
    assert await scene.voters() == {VOTER + number for number in range(1, 50)}


async def test_a_long_burst_is_sorted_now_and_then(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "KEPT_SECONDS", 0.0)
    for number in range(600):
        scene.hear(VOTER + number)
        if number % 100 == 0:
            await asyncio.sleep(0.03)
    await scene.lanes.settle(scene.world.guild_id)
    assert len(await scene.voters()) == 600
    await scene.lanes.settle(ELSEWHERE)


async def test_a_burst_is_sorted_when_it_is_over_and_not_when_it_pauses_for_breath(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "GATHER_SECONDS", 0.4)
    loop, kept, keep = asyncio.get_running_loop(), asyncio.Event(), reactions.keep

    async def keeping(*args: Any) -> None:
        await keep(*args)
        loop.call_soon_threadsafe(kept.set)

    monkeypatch.setattr(reactions, "keep", keeping)
    for number in range(20):
        scene.hear(VOTER + number)
    await asyncio.wait_for(kept.wait(), timeout=20)
    for number in range(20, 40):
        scene.hear(VOTER + number)
    await scene.written()
    assert len(await scene.voters()) == 40
    rows = [row for row in await scene.world.record() if row.action == "thanks.received"]
    assert [row.data["given"] for row in rows] == [40]


async def test_what_comes_during_a_commit_goes_into_the_next(scene: Scene) -> None:
    async with scene.world.db.write():
        for number in range(30):
            scene.hear(VOTER + number)
            await asyncio.sleep(0.001)
    await scene.written()
    assert len(await scene.voters()) == 30
    given = [row for row in await scene.world.record() if row.action == "thanks.received"]
    assert len(given) < 10


async def test_clearing_and_looking_keep_their_place_in_the_line(scene: Scene) -> None:
    scene.hear(VOTER)
    scene.hear(VOTER + 1)
    scene.hear_cleared(scene.emoji)
    scene.hear(VOTER + 2)
    # Whoever looks sees the one who came last, and somebody nobody told of.
    assert await scene.look(VOTER + 2, VOTER + 3) == Changed(1, 0)
    scene.hear(VOTER + 2, added=False)
    scene.hear(VOTER + 4)
    scene.hear_cleared()
    scene.hear(VOTER + 5)
    await scene.written()
    assert await scene.voters() == {VOTER + 5}


async def test_who_reacts_while_somebody_looks_is_noted(scene: Scene) -> None:
    scene.hear(VOTER)
    with scene.lanes.watching(BOARD, scene.emoji) as watched:
        scene.hear(VOTER + 1)
        scene.hear(VOTER + 2, burst=True)
        scene.hear(VOTER + 3, emoji="🧨")
        scene.hear(VOTER + 4, message=BOARD + 1)
        scene.hear(VOTER + 1, added=False)
    scene.hear(VOTER + 5)
    assert watched == {(VOTER + 1, 0), (VOTER + 2, 1)}


async def test_servers_do_not_wait_for_each_other(scene: Scene) -> None:
    other = World(scene.world.db, guild_id=ELSEWHERE)
    await other.opened()
    await post_board(other, BOARD_ELSEWHERE)
    for number in range(20):
        scene.hear(VOTER + number)
        scene.hear(VOTER + number, message=BOARD_ELSEWHERE, guild=ELSEWHERE)
    await scene.written()
    for world in (scene.world, other):
        found = await world.see(votes.voters, await world.round("2026-Q1"))
        assert found == {ADA.user_id: 20}


# ---------------------------------------------------------------- what is none


async def test_direct_messages_are_left_alone(scene: Scene) -> None:
    data: Any = {
        "user_id": f"{VOTER}", "channel_id": f"{CHANNEL}", "message_id": f"{BOARD}", "type": 0,
        "emoji": told(scene.emoji), "burst": False,
    }  # fmt: skip
    scene.lanes.put_added(data)
    scene.lanes.put_removed(data)
    scene.lanes.put_cleared(data)
    scene.lanes.put_emoji_cleared(data)
    await scene.written()
    assert await scene.voters() == set()


@pytest.mark.parametrize(
    "odd",
    (
        {"user_id": None}, {"emoji": None}, {"message_id": "x"}, {"member": {"user": None}},
        {"member": {"user": {}, "joined_at": "x"}}, {"guild_id": "x"},
    ),
)  # fmt: skip
async def test_what_nobody_understands_is_an_incident_and_the_rest_goes_on(
    scene: Scene, incidents: Incidents, odd: dict[str, Any]
) -> None:
    parse = scene.lanes.parsers["MESSAGE_REACTION_ADD"]
    data = {
        "user_id": f"{VOTER}", "channel_id": f"{CHANNEL}", "message_id": f"{BOARD}", "type": 0,
        "guild_id": f"{scene.world.guild_id}", "burst": None, "emoji": told(scene.emoji),
        "member": {}, "message_author_id": None,
    }  # fmt: skip
    parse(data | odd)
    parse(data)
    await scene.written()
    assert await scene.voters() == {VOTER}
    assert len(incidents.records) == 1


async def test_what_bots_do_is_of_no_concern(scene: Scene) -> None:
    scene.hear(VOTER, member={"user": {"bot": True}, "joined_at": None})
    scene.hear(VOTER + 1, member={"user": {}, "joined_at": None})
    await scene.written()
    assert await scene.voters() == {VOTER + 1}


async def test_who_joined_when_comes_with_the_reaction_also_in_a_burst(scene: Scene) -> None:
    other = World(scene.world.db, guild_id=ELSEWHERE)
    await other.opened(voter_member_days="3")
    await post_board(other, BOARD_ELSEWHERE)
    old, young = "2024-05-01T12:00:00+00:00", (other.now - MINUTE).isoformat()
    for count in (1, job.BURST):
        for user in range(VOTER + 100 * count, VOTER + 102 * count):
            member = {"user": {"bot": False}, "joined_at": young if user % 2 else old}
            scene.hear(user, message=BOARD_ELSEWHERE, guild=ELSEWHERE, member=member)
        await scene.written()
    round_ = await other.round("2026-Q1")
    rows = await other.see(thanks.of_helper, round_.id, ADA.user_id)
    assert len(rows) == 2 + 2 * job.BURST
    assert {row.doubt for row in rows if row.voter_id % 2} == {"member"}
    assert {row.doubt for row in rows if not row.voter_id % 2} == {""}


async def test_a_reaction_with_nothing_is_nothing(scene: Scene) -> None:
    """Of a custom emoji that is deleted Discord tells neither name nor id."""
    data: Any = {
        "user_id": f"{VOTER}", "channel_id": f"{CHANNEL}", "message_id": f"{BOARD}", "type": 0,
        "guild_id": f"{scene.world.guild_id}", "emoji": {"id": None, "name": None},
    }  # fmt: skip
    scene.lanes.put_removed(data)
    scene.hear(VOTER + 1)
    await scene.written()
    assert await scene.voters() == {VOTER + 1}


# ---------------------------------------------------------------- faults


async def test_a_fault_of_the_database_loses_nothing_and_is_an_incident(
    scene: Scene, incidents: Incidents
) -> None:
    async with scene.without_table("thanks"):
        scene.hear(VOTER)
        scene.hear(VOTER + 1)
        await incidents.until("incident")
        # What comes meanwhile waits behind it.
        scene.hear(VOTER + 1, added=False)
        scene.hear(VOTER + 2)
    await scene.written()
    assert await scene.voters() == {VOTER, VOTER + 2}
    (first, *_) = incidents.records
    assert INCIDENT.search(first.getMessage())
    assert str(VOTER) not in first.getMessage()
    assert first.exc_info is not None


async def test_a_burst_that_cannot_be_put_where_it_belongs_waits_and_stays_in_front(
    scene: Scene, incidents: Incidents
) -> None:
    burst = [VOTER + number for number in range(2 * job.BURST)]
    async with scene.without_table("thanks"):
        for user in burst:
            scene.hear(user)
        await incidents.until("incident")
        await scene.written()
    # One that comes later is the last word.
    scene.hear(VOTER, added=False)
    await scene.written()
    assert await scene.voters() == set(burst[1:])


async def test_what_comes_just_when_a_burst_cannot_be_put_where_it_belongs_is_kept_too(
    scene: Scene, incidents: Incidents
) -> None:
    class Late(logging.Handler):
        def emit(self, _record: logging.LogRecord) -> None:
            job.log.removeHandler(self)
            scene.hear(VOTER + 99)

    async with scene.without_table("thanks"):
        for number in range(job.BURST):
            scene.hear(VOTER + 100 + number)
        job.log.addHandler(Late(logging.ERROR))
        await incidents.until("incident")
    await scene.written()
    assert await scene.voters() == {VOTER + 99 + number for number in range(job.BURST + 1)}


async def test_a_burst_that_waits_is_counted_with_its_round(
    scene: Scene, incidents: Incidents
) -> None:
    burst = [VOTER + number for number in range(2 * job.BURST)]
    async with scene.without_table("thanks"):
        for user in burst:
            scene.hear(user)
        await incidents.until("incident")
        await scene.written()
        with pytest.raises(RuntimeError, match="wait"):
            await scene.lanes.settle(scene.world.guild_id)
    await scene.lanes.settle(scene.world.guild_id)
    assert await scene.voters() == set(burst)
    await scene.lanes.settle(ELSEWHERE)


async def test_a_burst_that_was_kept_before_a_crash_is_found_at_the_next_start(
    scene: Scene, incidents: Incidents
) -> None:
    burst = [VOTER + number for number in range(2 * job.BURST)]
    async with scene.without_table("thanks"):
        for user in burst:
            scene.hear(user)
        await incidents.until("incident")
        await scene.written()
    client = discord.Client(intents=discord.Intents.none())
    anew = Reactions(
        client, scene.world.db, clock=lambda: scene.world.now, deliver=asyncio.sleep,
        seed=asyncio.sleep,
    )  # fmt: skip
    await anew.recover()
    assert await scene.voters() == set(burst)
    before = await scene.world.record()
    await anew.recover()
    assert await scene.world.record() == before


async def test_a_database_that_somebody_else_holds_is_waited_for(scene: Scene) -> None:
    assert scene.world.db.path is not None
    with closing(sqlite3.connect(scene.world.db.path, isolation_level=None)) as file:
        file.execute("BEGIN IMMEDIATE")
        scene.hear(VOTER)
        await asyncio.sleep(0.1)
        scene.hear(VOTER + 1)
        file.execute("ROLLBACK")
    await scene.written()
    assert await scene.voters() == {VOTER, VOTER + 1}


async def test_a_fault_that_lasts_is_given_up_aloud_and_the_lane_goes_on(
    scene: Scene, incidents: Incidents
) -> None:
    async with scene.without_table("thanks"):
        scene.hear(VOTER)
        await incidents.until("wait to be found again")
    assert sum("incident" in record.getMessage() for record in incidents.records) == job.TRIES
    scene.hear(VOTER + 1)
    await scene.written()
    assert await scene.voters() == {VOTER + 1}
    # The next look finds what was lost.
    assert await scene.look(VOTER, VOTER + 1) == Changed(1, 0)


async def test_a_fault_while_clearing_is_an_incident_and_the_lane_goes_on(
    scene: Scene, incidents: Incidents
) -> None:
    scene.hear(VOTER)
    await scene.written()
    async with scene.without_table("places"):
        scene.hear_cleared()
        await incidents.until("incident")
    scene.hear(VOTER + 1)
    await scene.written()
    assert await scene.voters() == {VOTER, VOTER + 1}
    assert scene.told == []


async def test_whoever_looks_is_told_of_a_fault(scene: Scene) -> None:
    async with scene.without_table("thanks"):
        look = asyncio.create_task(scene.look(VOTER))
        await asyncio.wait([look])
    with pytest.raises(OperationalError):
        await look
    assert await scene.look(VOTER) == Changed(1, 0)


async def test_whoever_gave_up_looking_disturbs_nobody(scene: Scene, incidents: Incidents) -> None:
    scene.hear(VOTER)
    async with scene.world.db.write():
        look = asyncio.create_task(scene.look(VOTER, VOTER + 1))
        await asyncio.sleep(0.05)
        scene.hear(VOTER + 2)
        look.cancel()
        await asyncio.wait([look])
    await scene.written()
    assert await scene.voters() >= {VOTER, VOTER + 2}
    async with scene.without_table("thanks"):
        scene.hear(VOTER + 3)
        look = asyncio.create_task(scene.look(VOTER))
        await incidents.until("incident")
        look.cancel()
        await incidents.until("wait to be found again")
        await scene.written()
    scene.hear(VOTER + 4)
    await scene.written()
    assert VOTER + 4 in await scene.voters()


# ---------------------------------------------------------------- cleared, closed


async def test_after_clearing_the_committee_is_told_and_the_emoji_come_back(scene: Scene) -> None:
    scene.hear(VOTER)
    scene.hear_cleared()
    await scene.written()
    await asyncio.wait_for(scene.is_mended.wait(), timeout=5)
    guild_id = scene.world.guild_id
    assert scene.told == [("deliver", guild_id), ("seed", guild_id)]
    assert len(await scene.world.posts("notice")) == 1


async def test_the_moment_of_a_reaction_is_that_at_which_it_came(scene: Scene) -> None:
    scene.world.now = CLOSE - MINUTE
    async with scene.world.db.write():
        scene.hear(VOTER)
        scene.world.now = CLOSE + MINUTE  # the database was busy for two minutes
        scene.hear(VOTER + 1)
    await scene.written()
    round_ = await scene.world.round("2026-Q1")
    rows = await scene.world.see(thanks.of_helper, round_.id, ADA.user_id)
    assert {row.voter_id: (row.at, row.doubt) for row in rows} == {
        VOTER: (CLOSE - MINUTE, ""), VOTER + 1: (CLOSE + MINUTE, "late"),
    }  # fmt: skip


async def test_closing_the_bot_writes_down_what_waits(scene: Scene) -> None:
    for number in range(300):
        scene.hear(VOTER + number)
    await scene.lanes.close()
    assert len(await scene.voters()) == 300
    await scene.lanes.close()


async def test_a_thanks_emoji_that_is_set_now_is_one_from_the_next_round_on(
    scene: Scene,
) -> None:
    await scene.world.do(settings.change, ROOT, values={"thanks_emoji": "🙏"})
    scene.hear(VOTER, emoji="🙏", message=5)
    scene.hear(VOTER)
    await scene.written()
    assert await scene.voters() == {VOTER}
