# ruff: noqa: T201 - it tells its figures on the terminal
"""Kills the program at random moments, over and over: `python -m tests.wire.soak --kills 200`.

A campaign is one server with a draft to publish and an open round. In each turn people do a few
things at once and the program is killed (SIGKILL): at a random instant, or with a random request
of it, before Discord has accepted that or after. Everything random comes from a printed seed.
With STIPEND_TEST_POSTGRES=1 the database is on a PostgreSQL server of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.jobs.marks import numbers
from bot.services import history, rounds
from tests import postgres
from tests.databases import assert_whole, database_of, let_folders_go, set_back
from tests.services.world import ADA, HELPERS, Who, World
from tests.wire.fake_discord import BOT, COMMITTEE, COMMITTEE_ROLE, SERVER, SUPPORT, FakeDiscord
from tests.wire.program import Often, Program

KIM = Who(21, "Kim", frozenset({COMMITTEE_ROLE}))
VOTERS = 10_000
AWAY = timedelta(days=110)
"""How long ago the server was set up: a quarter has ended since then, and its draft is made."""
KILLS_A_CAMPAIGN = 20
SETTLED_SECONDS = 40.0

TURNS = ("time", "request", "accepted", "start")
WEIGHTS = (3, 3, 4, 2)


@dataclass
class Log:
    """Hours that somebody logged, and whether they were told that it is done."""

    note: str
    minutes: int
    interaction: int


@dataclass
class Campaign:
    """A server, its program, and what its people were told."""

    program: Program
    random: random.Random
    logs: list[Log] = field(default_factory=list)
    given: dict[str, int] = field(default_factory=dict)
    kills: Counter[str] = field(default_factory=Counter)
    voter: int = VOTERS

    @property
    def fake(self) -> FakeDiscord:
        """The Discord that outlives every kill."""
        return self.program.fake

    # ------------------------------------------------------------ what people do

    async def _press(self, command: str, user: int, **options: object) -> int:
        roles = (COMMITTEE_ROLE,) if user == KIM.user_id else ()
        return await self.fake.press(command, options, user=user, at=time.time(), roles=roles)

    async def log_hours(self) -> None:
        """Let somebody log hours with a note of its own."""
        minutes = self.random.randint(1, 90)
        note = f"note {len(self.logs)}"
        who = self.random.choice(HELPERS)
        number = await self._press("hours log", who.user_id, duration=f"{minutes}m", note=note)
        self.logs.append(Log(note, minutes, number))

    async def thank(self) -> None:
        """Let a few people react with the emoji of a helper on the board."""
        places = self.program.rows(
            "SELECT channel_id, message_id, emoji FROM places JOIN boards ON boards.id = board_id "
            "WHERE message_id IS NOT NULL AND removed_at IS NULL AND lost_at IS NULL"
        )
        if places:
            channel, message, emoji = self.random.choice(places)
            assert isinstance(channel, int)
            assert isinstance(message, int)
            for _ in range(self.random.randint(1, 12)):
                self.voter += 1
                await self.fake.react(channel, message, str(emoji), self.voter)

    async def settle_up(self) -> None:
        """Let the committee approve or publish the draft."""
        command = "payout publish" if self.acknowledged("payout approve") else "payout approve"
        if not self.acknowledged("payout publish"):
            self.given[command] = await self._press(command, KIM.user_id)

    async def act(self) -> None:
        """Let people do a few things at once."""
        for _ in range(self.random.randint(1, 4)):
            (what,) = self.random.choices(
                (self.log_hours, self.thank, self.settle_up), weights=(5, 3, 2)
            )
            await what()

    # ------------------------------------------------------------ what goes wrong

    async def kill(self) -> None:
        """Start the program, let people act, and kill it."""
        (turn,) = self.random.choices(TURNS, weights=WEIGHTS)
        self.kills[turn] += 1
        if turn == "start":
            await self._kill_in(self.random.uniform(0.02, 0.7), ready=False)
            return
        await self.program.start()
        if turn == "time":
            await self.act()
            await self._kill_in(self.random.uniform(0, 0.4))
            return
        hook = self._countdown(self.random.randint(1, 5))
        if turn == "request":
            self.fake.before_accepting = hook
        else:
            self.fake.after_accepting = hook
        await self.act()
        await self._kill_in(1.0)

    def _countdown(self, count: int) -> Callable[[str, str], None]:
        """Return a hook that kills the program with one of its next requests that change things."""
        left = [count]

        def hook(method: str, _path: str) -> None:
            left[0] -= method != "GET"
            if left[0] <= 0 and self.program.process is not None:
                with suppress(ProcessLookupError):
                    self.program.process.kill()

        return hook

    async def _kill_in(self, seconds: float, *, ready: bool = True) -> None:
        if not ready:
            await self.program.start(ready=False)
        assert self.program.process is not None
        try:
            await asyncio.wait_for(self.program.process.wait(), seconds)
        except TimeoutError:
            with suppress(ProcessLookupError):
                self.program.process.kill()
        self.fake.before_accepting = self.fake.after_accepting = None
        await self.program.died()

    # ------------------------------------------------------------ what has to hold

    def acknowledged(self, command: str) -> bool:
        """Whether a command of the committee was answered with success."""
        told = self.fake.answers.get(self.given.get(command, 0), {}).get("content") or ""
        return any(word in told for word in ("Approved", "approved", "Published", "published"))

    def is_logged(self, log: Log) -> bool:
        return "logged" in (self.fake.answers.get(log.interaction, {}).get("content") or "")

    def check(self) -> None:
        """Check that nothing acknowledged is missing, and that nothing is there twice."""
        assert_whole(self.program.url)
        stored = Counter(self.program.rows("SELECT note, minutes FROM entries"))
        for log in self.logs:
            found = stored[log.note, log.minutes]
            assert found == 1 if self.is_logged(log) else found <= 1, (log, found)
        self._check_rounds()
        standing = self.standing()
        assert [number for number, count in standing.items() if count > 1] == []

    def _check_rounds(self) -> None:
        first = "SELECT id FROM rounds ORDER BY id LIMIT 1"
        ((state,),) = self.program.rows(f"SELECT state FROM rounds WHERE id = ({first})")
        if self.acknowledged("payout publish"):
            assert state == "published"
            assert self.program.rows("SELECT count(*) FROM statements") == [(1,)]
        if self.acknowledged("payout approve"):
            assert self.program.rows("SELECT count(*) FROM approvals") == [(1,)]

    def standing(self) -> Counter[int]:
        """Return which posts stand on Discord how often, by their marks."""
        return Counter(
            number
            for messages in self.fake.messages.values()
            for message in messages.values()
            if message["author"]["id"] == str(BOT)
            for number in numbers(json.dumps(message, ensure_ascii=False))
        )

    def is_settled(self) -> bool:
        """Whether everything is said, and every reaction is known."""
        if self.program.rows("SELECT 1 FROM posts WHERE state = 'pending'"):
            return False
        known = {user for (user,) in self.program.rows("SELECT voter_id FROM thanks")}
        return {*range(VOTERS + 1, self.voter + 1)} <= known

    async def settle(self) -> None:
        """Start once more and check everything when all has been caught up with."""
        await self.program.start()
        try:
            async with asyncio.timeout(SETTLED_SECONDS):
                while not self.is_settled():  # noqa: ASYNC110 - what is waited for lies in a file
                    await asyncio.sleep(0.1)
            assert await self.program.stop() == 0
        finally:
            await self.program.end()
        self.check()
        sent = self.program.rows(
            "SELECT id, channel_id, message_id FROM posts WHERE state = 'sent'"
        )
        standing = self.standing()
        for number, channel, message in sent:
            assert isinstance(channel, int)
            assert message in self.fake.messages[channel], number
            assert standing[number] == 1 if isinstance(number, int) else False, number
        await check_record(self.program)


async def check_record(program: Program) -> None:
    """Check that the chain of the record verifies."""
    world = World(database_of(program.folder), guild_id=SERVER)
    await world.db.connect()
    async with world.db.read() as session:
        assert await history.faults(session, SERVER) == []
    await world.db.close()


async def set_up(folder: Path) -> None:
    """Make a server with a draft and an open round, as it is stored."""
    world = World(database_of(folder), now=datetime.now(UTC) - AWAY, guild_id=SERVER)
    await world.db.open(now=world.now)
    await world.set_up(
        support_channel=str(SUPPORT),
        committee_channel=str(COMMITTEE),
        committee_role=str(COMMITTEE_ROLE),
    )
    await world.do(rounds.open_by_hand, KIM)
    await world.log(ADA, "10h")
    await world.to(datetime.now(UTC))
    await world.db.close()


@asynccontextmanager
async def a_campaign(folder: Path, seed: int) -> AsyncIterator[Campaign]:
    """Open a server whose database is of an older program."""
    async with FakeDiscord() as fake:
        program = Often(fake, folder, STIPEND_LOG_LEVEL="ERROR")
        await set_up(folder)
        set_back(program.url)
        try:
            yield Campaign(program, random.Random(seed))
        finally:
            await program.end()


async def kill_while_migrating(campaign: Campaign, times: int) -> None:
    """Kill the program in the first moments after its start, when it migrates."""
    for _ in range(times):
        campaign.kills["migration"] += 1
        await campaign._kill_in(campaign.random.uniform(0.02, 0.5), ready=False)
        assert_whole(campaign.program.url)


async def fight(folder: Path, *, seed: int, kills: int) -> Campaign:
    """Kill so many times, check after each, and at the end check everything."""
    async with a_campaign(folder, seed) as campaign:
        migrating = max(kills // 7, 1)
        await kill_while_migrating(campaign, migrating)
        for _ in range(kills - migrating):
            await campaign.kill()
            campaign.check()
        await campaign.settle()
        return campaign


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime + time.process_time()


def main(arguments: list[str]) -> int:
    """Run campaigns until there were enough kills, and tell the figures of each."""
    parser = argparse.ArgumentParser(prog="python -m tests.wire.soak", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args(arguments)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    done: Counter[str] = Counter()
    logged = posts = 0
    while done.total() < options.kills:
        count = min(KILLS_A_CAMPAIGN, options.kills - done.total())
        print(f"seed {seed}: {count} kills", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            campaign = asyncio.run(fight(Path(folder), seed=seed, kills=count))
        let_folders_go()
        done += campaign.kills
        logged += len(campaign.logs)
        posts += campaign.standing().total()
        seed += 1
    place = "PostgreSQL" if postgres.WANTED else "SQLite"
    moments = ", ".join(f"{count} {name}" for name, count in sorted(done.items()))
    print(f"{place}: {done.total()} kills ({moments}): {logged} hours logged, {posts} posts once")
    print(f"nothing acknowledged is missing, nothing is there twice; {_cpu_seconds():.0f} s CPU")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
