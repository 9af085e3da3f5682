"""How much dearer it is to compare everybody's reactions than to build the two sets of them.

Run with the others: `make bench`. Both start from the same lists of 100,000 people, as the table
and the pages give them, in the same run, best of some by processor time; 300 were found and 40 are
gone. The limit is 1.5 times the two sets. The last column has the reading of the table in both:
the bot's query and comparison against the bare query of the standard library and two sets.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.domain.reconcile import differences
from storage.database import Database
from storage.reconciling import standing

PEOPLE, NEW, GONE = 100_000, 300, 40
LIMIT = 1.5
HELPER, BOARD, PLACE = 11, 1, 7
QUERY = (
    "SELECT voter_id FROM thanks WHERE round_id = 1 AND helper_id = 11 AND source = 1 "
    "AND origin_id = 7 AND taken_back_at IS NULL"
)


def seconds(act: Callable[[], object], *, times: int = 15) -> float:
    """Processor time of the fastest of some runs."""
    best = float("inf")
    for _ in range(times):
        start = time.process_time()
        act()
        best = min(best, time.process_time() - start)
    return best


async def with_table(stored: list[int], seen: list[int]) -> float:
    """Return the ratio of both where the table is read as well."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "stipend.db"
        database = Database(f"sqlite+aiosqlite:///{path}")
        await database.open(now=datetime(2026, 1, 1, tzinfo=UTC))
        with closing(sqlite3.connect(path)) as connection:
            connection.executemany(
                "INSERT INTO thanks (round_id, helper_id, voter_id, source, origin_id, burst, at, "
                "doubt, note, private) VALUES (1, ?, ?, ?, ?, 0, 0, '', '', 0)",
                ((HELPER, user, BOARD, PLACE) for user in stored),
            )
            connection.commit()

            def plain() -> None:
                set(seen)
                {row[0] for row in connection.execute(QUERY)}

            sets = seconds(plain, times=5)
        best = float("inf")
        for _ in range(5):
            start = time.process_time()
            async with database.read() as session:
                known = await standing(session, 1, helper_id=HELPER, source=BOARD, origin_id=PLACE)
            found, gone = differences(known.voters[0], seen)
            best = min(best, time.process_time() - start)
            assert (len(found), len(gone)) == (NEW, GONE)
        await database.close()
    return best / sets


def main() -> int:
    """Print one row of a table; return 1 above the limit."""
    source = random.Random(20_260_401)
    people = source.sample(range(1 << 58, 1 << 60), PEOPLE + NEW)
    stored, seen = people[:PEOPLE], sorted(people[GONE:])
    found, gone = differences(stored, seen)
    assert (len(found), len(gone)) == (NEW, GONE)
    compared = seconds(lambda: differences(stored, seen))
    sets = seconds(lambda: (set(stored), set(seen)))
    table = asyncio.run(with_table(stored, seen))
    is_within = compared <= LIMIT * sets
    verdict = f"within {LIMIT}" if is_within else f"ABOVE {LIMIT}"
    print("| ratio | verdict | comparing | building the two sets | people | ratio with the table |")
    print("|---|---|---|---|---|---|")
    print(
        f"| {compared / sets:.2f} | {verdict} | {compared * 1000:.1f} ms | {sets * 1000:.1f} ms "
        f"| {PEOPLE:,} | {table:.2f} |"
    )
    return 0 if is_within else 1


if __name__ == "__main__":
    sys.exit(main())
