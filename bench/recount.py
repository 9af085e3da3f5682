"""What counting a large round and writing its statement costs, beside reading its rows.

Run with the others: `make bench`. A round with 1,000 helpers, 1,000,000 thanks and 100,000
entries: voters are counted, the statement is computed, hashed and stored. The reference reads the
same rows with the standard library and does nothing with them, in the same run. Processor time;
the limit is 4 times the reference.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from bot.domain.canonical import canonical
from bot.domain.people import Actor
from bot.domain.statement import as_json
from bot.services import counting, lines, rounds, settings
from storage.database import Database
from storage.tables import PublishedStatement, Round

HELPERS, THANKS, ENTRIES = 1_000, 1_000_000, 100_000
LIMIT = 4
GUILD = 10**18
NOW = datetime(2026, 2, 1, tzinfo=UTC)
VALUES = {
    "support_channel": f"{GUILD + 1}", "committee_channel": f"{GUILD + 2}",
    "committee_role": f"{GUILD + 3}", "currency": "USD", "cap": "1000000", "hourly_rate": "30",
    "split_by": "mixed", "thanks_share": "20", "min_votes": "0",
}  # fmt: skip


def fill(path: Path, round_id: int) -> None:
    """Put thanks and entries into a round."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany(
            "INSERT INTO thanks (round_id, helper_id, voter_id, source, origin_id, burst, at, "
            "doubt, note, private) VALUES (?, ?, ?, 1, ?, 0, 0, '', '', 0)",
            (
                (
                    round_id,
                    GUILD + number % HELPERS,
                    2 * GUILD + number // HELPERS * 7919,
                    number % HELPERS,
                )
                for number in range(THANKS)
            ),
        )
        connection.executemany(
            "INSERT INTO entries (guild_id, number, round_id, user_id, actor_id, minutes, note, "
            "category, evidence, at) VALUES (?, ?, ?, ?, ?, ?, 'helped', 'other', '', 0)",
            (
                (GUILD, number + 1, round_id, GUILD + number % HELPERS, 1, 5 + number % 50)
                for number in range(ENTRIES)
            ),
        )


def scan(path: Path, round_id: int) -> float:
    """Read every row of the round and return the processor time."""
    with closing(sqlite3.connect(path)) as connection:
        begun = time.process_time()
        for table in ("thanks", "entries"):
            for _ in connection.execute(f"SELECT * FROM {table} WHERE round_id = ?", (round_id,)):
                pass
        return time.process_time() - begun


class Undo(Exception):  # noqa: N818 - nothing went wrong
    """Leaves a session without storing anything."""


async def recount(db: Database, round_id: int) -> float:
    """Count, compute and store; return the processor time, and leave everything as it was."""
    begun = time.process_time()
    try:
        async with db.write() as session:
            round_ = await session.get_one(Round, round_id)
            await counting.count(session, round_, now=NOW)
            statement = await lines.draft(session, round_)
            session.add(
                PublishedStatement(
                    guild_id=GUILD, round_id=round_.id, version=1, sha256=statement.sha256,
                    document=canonical(as_json(statement)).decode(), total=statement.total,
                    record_number=1, record_head="", actor_id=1, at=NOW,
                )
            )  # fmt: skip
            await session.flush()
            spent = time.process_time() - begun
            raise Undo
    except Undo:
        return spent


async def measure(folder: Path) -> tuple[float, float]:
    """Return the processor time of the recount and that of the scans."""
    path = folder / "bench.db"
    db = Database(f"sqlite+aiosqlite:///{path}")
    await db.open(now=NOW)

    def by(number: int) -> Actor:
        role = frozenset({GUILD + 3})
        return Actor(
            GUILD, 1, "root", role, manages_server=True, at=NOW, now=NOW, interaction_id=number
        )

    async with db.write() as session:
        await settings.change(session, by=by(1), values=VALUES)
        await rounds.open_by_hand(session, by=by(2))
        round_id = (await rounds.named(session, GUILD, None)).id
    fill(path, round_id)
    async with db.write() as session:
        round_ = await rounds.named(session, GUILD, None)
        await rounds.close(session, by=by(3), round_id=round_.id, reason="bench")
    spent = min([await recount(db, round_id) for _ in range(2)])
    read = min(scan(path, round_id) for _ in range(3))
    await db.close()
    return spent, read


def main() -> None:
    """Print one row of a table; fail above the limit."""
    with tempfile.TemporaryDirectory() as name:
        spent, read = asyncio.run(measure(Path(name)))
    ratio = spent / read
    verdict = f"within {LIMIT}" if ratio <= LIMIT else f"ABOVE {LIMIT}"
    print("| ratio | verdict | count, compute, store | read the rows | thanks | entries |")
    print("|---|---|---|---|---|---|")
    print(f"| {ratio:.2f} | {verdict} | {spent:.2f} s | {read:.2f} s | {THANKS:,} | {ENTRIES:,} |")
    raise SystemExit(ratio > LIMIT)


if __name__ == "__main__":
    main()
