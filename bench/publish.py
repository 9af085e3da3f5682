"""How long the event loop stands still while a statement of 10,000 lines is published.

Run with the others: `make bench`. A round with 10,000 helpers is closed, computed, approved and
published as the commands do it, and everything the bot says of it is worded; meanwhile a task that
does nothing is woken every millisecond. The limit is 100 ms between two of its turns. The chart is
drawn beside the loop, in at most 150 ms.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.client import Stipend, create_bot
from bot.domain.people import Actor
from bot.jobs import wording
from bot.services import counting, rounds, settings, settlement
from bot.settings import Settings
from bot.ui import statements
from storage import posts
from storage.tables import Round

LINES = 10_000
LIMIT_MS, CHART_MS = 100.0, 150.0
GUILD = 10**18
START = datetime(2026, 1, 10, 12, tzinfo=UTC)
VALUES = {
    "support_channel": f"{GUILD + 1}", "committee_channel": f"{GUILD + 2}",
    "committee_role": f"{GUILD + 3}", "currency": "USD", "cap": "1000000", "hourly_rate": "30",
    "min_votes": "0",
}  # fmt: skip


class Pulse:
    """A task that notes how long it was kept waiting for its turn."""

    def __init__(self) -> None:
        self.longest: dict[str, float] = {}
        self.step = ""

    async def beat(self) -> None:
        """Wake up every millisecond."""
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            late = (time.perf_counter() - before) * 1000 - 1
            self.longest[self.step] = max(late, self.longest.get(self.step, 0.0))


def fill(path: Path, round_id: int) -> None:
    """Put helpers with an entry each into a round."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany(
            "INSERT INTO people (guild_id, user_id, name) VALUES (?, ?, ?)",
            ((GUILD, GUILD + 100 + number, f"helper {number}") for number in range(LINES)),
        )
        connection.executemany(
            "INSERT INTO entries (guild_id, number, round_id, user_id, actor_id, minutes, note, "
            "category, evidence, at) VALUES (?, ?, ?, ?, ?, ?, 'helped', 'other', '', 0)",
            (
                (GUILD, number + 1, round_id, GUILD + 100 + number, 1, 60 + number % 600)
                for number in range(LINES)
            ),
        )


async def season(bot: Stipend, pulse: Pulse) -> None:
    """Take a round to its publication."""
    numbers = iter(range(1, 100))
    now = START

    def by(user_id: int) -> Actor:
        return Actor(
            GUILD, user_id, f"member {user_id}", frozenset({GUILD + 3}), manages_server=True,
            at=now, now=now, interaction_id=next(numbers),
        )  # fmt: skip

    async with bot.db.write() as session:
        await settings.change(session, by=by(1), values=VALUES)
        await rounds.open_by_hand(session, by=by(1))
        round_ = await rounds.named(session, GUILD, None)
    assert bot.db.path is not None
    fill(bot.db.path, round_.id)
    now = datetime(2026, 3, 31, 20, tzinfo=UTC) + timedelta(hours=1)

    pulse.step = "close"
    async with bot.db.write() as session:
        await rounds.advance(session, GUILD, now=now, stop_at_close=True)
    pulse.step = "count"
    async with bot.db.write() as session:
        stored = await session.get(Round, round_.id)
        assert stored is not None
        await counting.count(session, stored, now=now)
    pulse.step = "compute"
    await bot.apart(lambda session: rounds.advance(session, GUILD, now=now), writes=True)
    pulse.step = "approve"
    await bot.apart(lambda session: settlement.approve(session, by=by(1)), writes=True)
    pulse.step = "publish"
    published = await bot.apart(lambda session: settlement.publish(session, by=by(2)), writes=True)
    assert len(published.statement.lines) == LINES
    pulse.step = "answer"
    statements.publication(published)
    pulse.step = "say"
    async with bot.db.read() as session:
        waiting = list(await posts.pending(session, GUILD, after=0))
    for post in waiting:
        message = await bot.apart(lambda session, post=post: wording.word(session, post))
        if message is not None:
            await message.draw()
    pulse.step = "chart"
    begun = time.perf_counter()
    await asyncio.to_thread(statements.chart, published.statement, published.shown)
    pulse.longest["drawing"] = (time.perf_counter() - begun) * 1000
    pulse.step = ""


async def measure() -> dict[str, float]:
    """Return the longest wait of each step, in milliseconds."""
    pulse = Pulse()
    with tempfile.TemporaryDirectory() as name:
        url = f"sqlite+aiosqlite:///{Path(name) / 'bench.db'}"
        bot = create_bot(Settings(database_url=url), schedule=False)
        assert isinstance(bot, Stipend)
        await bot.db.open(now=START)
        beating = asyncio.create_task(pulse.beat())
        await season(bot, pulse)
        beating.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await beating
        await bot.db.close()
    return pulse.longest


def main() -> None:
    """Print one row a step; fail above the limits."""
    runs = [asyncio.run(measure()) for _ in range(2)]
    best = {step: min(run[step] for run in runs) for step in runs[0] if step}
    print("| step | the loop stood still at most | limit |")
    print("|---|---|---|")
    is_sound = True
    for step, milliseconds in best.items():
        limit = CHART_MS if step == "drawing" else LIMIT_MS
        is_sound = is_sound and milliseconds <= limit
        verdict = "within" if milliseconds <= limit else "ABOVE"
        print(f"| {step} | {milliseconds:.0f} ms | {verdict} {limit:.0f} ms |")
    raise SystemExit(not is_sound)


if __name__ == "__main__":
    main()
