"""The express lane: the same statements with and without a session, and nothing is lost."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
import threading
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Dialect, literal, select
from sqlalchemy.dialects import postgresql, sqlite

from storage import (
    activity,
    boards,
    cease,
    hours,
    inbox,
    mydata,
    people,
    policy,
    posts,
    reconciling,
    record,
    rounds,
    thanks,
)
from storage.database import Database
from storage.express import DIALECTS, Both, Direct, NeedsSession, Runner, Through, _prepare, finish
from storage.tables import (
    Batch,
    BatchItem,
    Board,
    Helper,
    Place,
    PolicyVersion,
    Post,
    Round,
    Suspension,
    Thanks,
)
from storage.tables.base import instant, microseconds
from tests import databases
from tests.databases import on_a_file
from tests.postgres import WANTED

pytestmark = pytest.mark.threads

NOW = datetime(2026, 1, 1, 12, 30, 59, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
GUILD, ROUND, PLACE, MESSAGE = 10**17, 1, 1, 2**62
ADA, BEN = 2**63 - 1, 12
MEMORY = "sqlite+aiosqlite://"

Work = Callable[[Runner], Coroutine[Any, Any, Any]]
Way = Callable[[Database, Work], Awaitable[Any]]


opened = partial(databases.opened, now=NOW)


@pytest.fixture
async def db(where: str) -> AsyncIterator[Database]:
    async with opened(where) as made:
        yield made


async def by_session(db: Database, work: Work) -> Any:
    async with db.write() as session:
        return await work(Through(session))


async def by_express(db: Database, work: Work) -> Any:
    return await db.express(work)


def a_row(number: int, guild_id: int = GUILD) -> dict[str, Any]:
    """Make a row of a record; the hash is its number."""
    texts = dict.fromkeys(("time", "actor", "acting_for", "action", "subject", "previous"), "x")
    return {**texts, "guild_id": guild_id, "number": number, "data": "{}", "hash": str(number)}


async def append(run: Runner, guild_id: int = GUILD) -> int:
    """Read the last row and add the next one: what loses rows where two of them overlap."""
    last = await record.last(run, guild_id)
    number = last[0] + 1 if last else 1
    await record.add(run, **a_row(number, guild_id))
    return number


async def numbers(db: Database, guild_id: int = GUILD) -> list[int]:
    async with db.read() as session:
        return [row.number for row in await record.rows(session, guild_id)]


# ---------------------------------------------------------------- one transaction


async def test_what_runs_in_the_express_lane_is_committed(db: Database) -> None:
    assert await db.express(append) == 1
    assert await db.express(append) == 2
    assert await numbers(db) == [1, 2]


async def test_an_error_takes_everything_back_and_the_lane_goes_on(db: Database) -> None:
    async def fails(run: Runner) -> None:
        await append(run)
        await append(run)
        raise ValueError("in the middle")

    with pytest.raises(ValueError, match="in the middle"):
        await db.express(fails)
    assert await numbers(db) == []
    assert await db.express(append) == 1


async def test_a_statement_that_fails_takes_everything_back(db: Database) -> None:
    async def twice(run: Runner) -> None:
        await record.add(run, **a_row(1))
        await record.add(run, **a_row(1))

    with pytest.raises(Exception, match=r"append-only|duplicate key"):
        await db.express(twice)
    assert await numbers(db) == []
    assert await db.express(append) == 1


@pytest.mark.skipif(WANTED, reason="only the lane of a file has a thread of its own")
async def test_the_lane_may_not_wait_for_anything(db: Database) -> None:
    finished = []

    async def waits(run: Runner) -> None:
        await append(run)
        try:
            await asyncio.sleep(0)
        finally:
            finished.append(True)
        await append(run)

    with pytest.raises(RuntimeError, match="may not wait"):
        await db.express(waits)
    assert finished == [True]  # what was left half-way is ended, not forgotten
    assert await numbers(db) == []
    assert await db.express(append) == 1


async def test_a_closed_lane_is_opened_again(where: str) -> None:
    async with opened(where) as db:
        await db.express(append)
        await db.close()
        await db.open(now=NOW)
        assert await db.express(append) == 2


# ---------------------------------------------------------------- the same rows


async def seed(db: Database) -> None:
    """Store a round with its board, and two helpers of whom one stands there."""
    async with db.write() as session:
        for row in (
            PolicyVersion(
                guild_id=GUILD, version=3, name="cap", document="{}", actor_id=1, at=NOW
            ),
            Round(
                id=ROUND, guild_id=GUILD, number=1, label="2026-Q1", state="open",
                policy_version=3, work_since=NOW, open_at=NOW, call_at=NOW, close_at=LATER,
                compute_at=LATER, pay_at=LATER,
            ),
            Board(
                id=1, guild_id=GUILD, round_id=ROUND, position=1, capacity=20, channel_id=7,
                message_id=MESSAGE, posted_at=NOW,
            ),
            Helper(guild_id=GUILD, user_id=ADA, state="active", since=NOW, emoji="🦊"),
            Helper(guild_id=GUILD, user_id=BEN, state="left", since=NOW),
            Place(
                id=PLACE, guild_id=GUILD, round_id=ROUND, board_id=1, user_id=ADA, emoji="🦊",
                emoji_key="🦊", from_start=True, added_at=NOW,
            ),
            Place(
                id=2, guild_id=GUILD, round_id=ROUND, board_id=1, user_id=BEN, emoji="🐌",
                emoji_key="🐌", from_start=True, added_at=NOW, removed_at=NOW,
            ),
        ):  # fmt: skip
            session.add(row)
            await session.flush()


KEYS = [(ADA, voter, 1, PLACE, burst) for voter in (2**62, 21, 22) for burst in (0, 1)]


async def course(run: Runner) -> list[Any]:
    """Go through every prepared statement and return what those gave that give rows."""
    given: list[thanks.NewRow] = [
        (*key, NOW, "late" if key[1] == 22 else "", NOW if key[4] else None, 'a "note" 🦊', True)
        for key in KEYS
    ]
    again: thanks.NewRow = (*KEYS[0], LATER, "", None, "again", False)
    came: list[Any] = [await record.last(run, GUILD), await append(run)]
    words = "';--🦊"
    await record.add_opening(run, guild_id=GUILD, number=1, field="note", salt="s", text=words)
    await record.touch(run, ROUND, 1)
    await record.touch(run, ROUND, await append(run))
    came += [
        await record.last(run, GUILD),
        await rounds.ballot(run, ROUND),
        await thanks.spots(run, GUILD, {MESSAGE, 5}),
        await thanks.spots(run, GUILD + 1, {MESSAGE}),
        await thanks.spots(run, GUILD, set()),
        await thanks.standing(run, ROUND, KEYS),
        await thanks.standing(run, ROUND, []),
        sorted(await thanks.add(run, ROUND, given)),
        await thanks.add(run, ROUND, given),
        await thanks.add(run, ROUND, []),
        await thanks.standing(run, ROUND, [*KEYS[:3], (BEN, 21, 1, PLACE, 0)]),
        await thanks.standing(run, ROUND + 1, KEYS),
        await thanks.take_back(run, ROUND, KEYS[:1], at=LATER),
        await thanks.take_back(run, ROUND, KEYS[:1], at=LATER),
        await thanks.take_back(run, ROUND, [], at=LATER),
    ]
    await thanks.keep(run, ROUND, KEYS[1:3], at=LATER)
    await thanks.keep(run, ROUND, KEYS[2:3], at=None)
    await thanks.keep(run, ROUND, [], at=LATER)
    came += [
        await thanks.add(run, ROUND, [again]),
        sorted(await thanks.standing(run, ROUND, KEYS)),
    ]
    for guild_id, events in ((GUILD, "first"), (GUILD + 1, "x"), (GUILD, "second")):
        await inbox.put(run, guild_id, events)
    came.append(await inbox.waiting(run, GUILD))
    await inbox.empty(run, GUILD)
    return [*came, await inbox.waiting(run, GUILD)]


async def stored(db: Database) -> list[Any]:
    """What the course left in the tables."""
    async with db.read() as session:
        found = [await thanks.one(session, ROUND, key) for key in KEYS]
        round_ = await rounds.get(session, ROUND)
        assert round_ is not None
        return [
            (round_.record_first, round_.record_last),
            await thanks.count(Through(session), ROUND),
            *[
                (row.at, row.after, row.doubt, row.taken_back_at, row.kept_at, row.note,
                 row.private)
                for row in found
                if row is not None
            ],
        ]  # fmt: skip


EXPECTED_STORED = [
    (1, 2),
    {ADA: 2},
    (LATER, None, "", None, None, "again", False),
    (NOW, NOW, "", None, LATER, 'a "note" 🦊', True),
    (NOW, None, "", None, None, 'a "note" 🦊', True),
    (NOW, NOW, "", None, None, 'a "note" 🦊', True),
    (NOW, None, "late", None, None, 'a "note" 🦊', True),
    (NOW, NOW, "late", None, None, 'a "note" 🦊', True),
]


@pytest.mark.parametrize("way", (by_session, by_express))
@pytest.mark.parametrize("in_memory", (False, True))
async def test_every_statement_gives_the_same_rows_in_every_way(
    where: str,
    way: Way,
    in_memory: bool,
) -> None:
    async with opened(MEMORY if in_memory else where) as db:
        await seed(db)
        came = await way(db, course)
        ballot = (
            ROUND, "2026-Q1", "open", microseconds(LATER), None, None, "{}",
        )  # fmt: skip
        spots = {
            (MESSAGE, "🦊"): (MESSAGE, "🦊", PLACE, ROUND, ADA, False, "active"),
            (MESSAGE, "🐌"): (MESSAGE, "🐌", 2, ROUND, BEN, True, "left"),
        }
        assert came == [
            None, 1, (2, "2"), ballot, spots, {}, {},
            {}, {}, sorted(KEYS), [], [],
            dict.fromkeys(KEYS[:3], ""), {}, [KEYS[0]], [], [],
            [KEYS[0]], sorted(KEYS), ["first", "second"], [],
        ]  # fmt: skip
        assert await stored(db) == EXPECTED_STORED
        assert instant(came[3].close_at) == LATER


LOGGED = hours.New(
    guild_id=GUILD, number=1, round_id=ROUND, user_id=ADA, actor_id=BEN, minutes=61,
    note="a 'note' 🦊", category="other", evidence="", work_date=date(2026, 1, 1), at=NOW,
)  # fmt: skip
POST: dict[str, Any] = {
    "guild_id": GUILD, "name": "entry:1", "kind": "card", "at": NOW, "round_id": ROUND,
    "facts": "{}",
}  # fmt: skip
RUNNING = rounds.Running(
    ROUND, GUILD, "2026-Q1", "open", NOW, LATER, None, None, False, None, "{}", False, None
)  # fmt: skip


STANDS = ("active", True, True)


async def of_logging(run: Runner) -> list[Any]:
    """Go through every statement of a command that logs time."""
    person: dict[str, Any] = {"guild_id": GUILD, "user_id": ADA}
    came: list[Any] = [
        await record.claim(run, 5, at=NOW),
        await record.claim(run, 5, at=NOW),
        await people.seen(run, **person, name="Ada"),
        await people.seen(run, **person, name="Ada"),
        await people.seen(run, **person, name="Ada L."),
        await people.seen(run, guild_id=GUILD, user_id=1, name="Eve"),
        await people.seen(run, guild_id=GUILD, user_id=1, name="Eve"),
        await people.standing(run, GUILD, ADA),
        await people.standing(run, GUILD, 1),
        await people.declined(run, GUILD),
        await rounds.running_at(run, GUILD, NOW),
        await rounds.running_at(run, GUILD, LATER),
        await rounds.running_at(run, GUILD + 1, NOW),
        await rounds.running(run, ROUND),
        await hours.next_number(run, GUILD),
    ]
    await hours.add(run, LOGGED)
    await posts.add(run, **POST)
    return [
        *came,
        await hours.next_number(run, GUILD),
        await hours.minutes_by_user(run, ROUND),
        await cease.stop_of(run, GUILD, ADA),
        await cease.stop_of(run, GUILD, BEN),
        await thanks.count(run, ROUND),
        await thanks.tallies(run, ROUND),
    ]


@pytest.mark.parametrize("way", (by_session, by_express))
async def test_what_is_logged_reads_and_stands_the_same_in_every_way(
    db: Database, way: Way
) -> None:
    await seed(db)
    async with db.write() as session:
        await thanks.add_tallies(session, ROUND, {ADA: 3})
        session.add(
            Suspension(
                guild_id=GUILD, user_id=ADA, actor_id=1, reason="why", since=NOW,
                disputable_until=LATER, final_at=LATER,
            )
        )  # fmt: skip
        ben = await people.helper(session, GUILD, BEN)
        assert ben is not None
        ben.wants_pay = False
    assert await way(db, of_logging) == [
        True, False, (True, STANDS), (False, STANDS), (True, STANDS), (True, None), (False, None),
        STANDS, None, {BEN}, RUNNING, None, None, RUNNING, 1,
        2, {ADA: 61}, (NOW, LATER, LATER, "why"), None, {}, {ADA: 3},
    ]  # fmt: skip
    async with db.read() as session:
        entry = await hours.numbered(session, GUILD, 1)
        assert entry is not None
        assert {name: getattr(entry, name) for name in LOGGED._fields} == LOGGED._asdict()
        assert (entry.edited_at, entry.withdrawn_at) == (None, None)
        (post,) = await posts.pending(session, GUILD)
        assert (post.name, post.kind, post.round_id, post.facts) == ("entry:1", "card", ROUND, "{}")
        assert (post.state, post.created_at, post.sent_at, post.attempts, post.revision) == (
            "pending", NOW, None, 0, 0,
        )  # fmt: skip
        assert await people.names(session, GUILD, [ADA]) == {ADA: "Ada L."}


async def of_watching(run: Runner) -> list[Any]:
    """Go through what a start and a tick ask, for all servers."""
    return [
        await inbox.servers(run),
        await policy.servers(run),
        await posts.servers(run),
        await posts.waiting(run),
        await boards.servers(run),
        await rounds.unfinished_servers(run),
        await rounds.servers_waiting(run),
        await rounds.open_threads(run),
        await reconciling.servers(run),
        await activity.servers(run),
        await mydata.has_outlived_addresses(run),
        await cease.servers_waiting(run, until=LATER),
        await cease.servers_waiting(run, until=NOW),
        await policy.meta(run, "commands"),
        await policy.meta(run, "nothing"),
    ]


async def by_peek(db: Database, work: Work) -> Any:
    return await db.peek(work)


@pytest.mark.parametrize("way", (by_session, by_express, by_peek))
@pytest.mark.parametrize("in_memory", (False, True))
async def test_a_tick_finds_the_same_in_every_way(where: str, way: Way, in_memory: bool) -> None:
    async with opened(MEMORY if in_memory else where) as db:
        nothing: list[Any] = []
        assert await way(db, of_watching) == [
            nothing, nothing, nothing, (0, None, 0), nothing, nothing, nothing, nothing, nothing,
            nothing, False, nothing, nothing, None, None,
        ]  # fmt: skip
        await seed(db)
        await db.express(waiting_work)
        async with db.write() as session:
            round_ = await rounds.get(session, ROUND)
            assert round_ is not None
            round_.thread_id = 77
            session.add(
                Round(
                    id=2, guild_id=GUILD + 1, number=1, label="2026-Q1", state="review",
                    policy_version=1, work_since=NOW, open_at=NOW, call_at=NOW, close_at=NOW,
                    compute_at=LATER, pay_at=LATER, closed_at=NOW, thread_id=78,
                )
            )  # fmt: skip
            session.add(
                Suspension(
                    guild_id=GUILD, user_id=ADA, actor_id=1, reason="why", since=NOW,
                    disputable_until=LATER,
                )
            )  # fmt: skip
            session.add(
                Batch(
                    id=1, guild_id=GUILD, number=1, round_id=ROUND, version=1, state="paid",
                    actor_id=1, at=NOW,
                )
            )  # fmt: skip
            await session.flush()
            session.add(BatchItem(batch_id=1, user_id=ADA, amount=1, decimals=2, address="0x1"))
            await activity.add(session, [activity.Row(ROUND, ADA, 5, 6, None, NOW)])
        assert await way(db, of_watching) == [
            [GUILD + 1], [GUILD], [GUILD], (2, NOW, 0), [GUILD], [GUILD, GUILD + 1], [GUILD + 1],
            [(GUILD, 77)], [GUILD, GUILD + 1], [GUILD], True, [GUILD], [], "second", None,
        ]  # fmt: skip


async def waiting_work(run: Runner) -> None:
    """Leave something to be taken in, something to be said, and what channels refused."""
    await inbox.put(run, GUILD + 1, "events")
    await policy.set_meta(run, "commands", "first")
    await policy.set_meta(run, "commands", "second")
    for number in range(2):
        await posts.add(run, **{**POST, "name": f"entry:{number}"})


async def refused(db: Database) -> None:
    """Let a channel have refused the posts of two servers."""
    async with db.write() as session:
        for guild_id in (GUILD, GUILD + 1):
            session.add(
                Post(
                    guild_id=guild_id, name="card", kind="card", facts="{}", state="parked",
                    created_at=NOW,
                )
            )  # fmt: skip


@pytest.mark.parametrize("way", (by_session, by_express))
async def test_what_was_refused_waits_again_in_one_server_or_in_all(db: Database, way: Way) -> None:
    await refused(db)
    await way(db, partial(posts.unpark, guild_id=GUILD))
    assert await db.peek(posts.servers) == [GUILD]
    await way(db, partial(posts.unpark, guild_id=None))
    assert await db.peek(posts.servers) == [GUILD, GUILD + 1]


async def test_a_peek_that_needs_a_session_gets_one(db: Database) -> None:
    async def work(run: Runner) -> int:
        return len((await run.session().scalars(select(Round))).all())

    await seed(db)
    assert await db.peek(work) == 1


@on_a_file
async def test_a_text_that_cannot_be_read_keeps_nobody_from_writing(db: Database) -> None:
    assert db.path is not None
    with closing(sqlite3.connect(db.path, timeout=0)) as other:
        other.execute("INSERT INTO meta (name, value) VALUES ('bad', CAST(x'ff' AS TEXT))")
        other.commit()
        with pytest.raises(sqlite3.OperationalError, match="decode"):
            await db.peek(partial(policy.meta, name="bad"))
        other.execute("DELETE FROM meta WHERE name = 'bad'")
        other.commit()


@on_a_file
async def test_the_minutes_of_a_round_are_added_up_without_reading_its_entries(
    db: Database,
) -> None:
    query = str(_prepare(hours._MINUTES["sqlite"]).text)
    assert db.path is not None
    with closing(sqlite3.connect(db.path)) as file:
        plan = [row[3] for row in file.execute(f"EXPLAIN QUERY PLAN {query}", (ROUND,))]
    assert plan == ["SEARCH entries USING COVERING INDEX ix_entries_minutes (round_id=?)"]


async def test_what_needs_a_session_is_done_again_in_one_and_only_once(db: Database) -> None:
    ways: list[str] = []

    async def work(run: Runner) -> int:
        number = await append(run)
        try:
            run.session()
        except NeedsSession:
            ways.append("lane")
            raise
        ways.append("session")
        return number

    assert await db.express(work) == 1
    assert ways == (["lane", "session"] if db.path is not None else ["session"])
    assert await db.express(append) == 2  # what the lane had written was taken back


async def test_a_prepared_statement_lives_on_so_that_no_other_is_taken_for_it() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        run = Direct(connection)
        statements = Both(lambda _dialect: select(literal(1)))
        kept = weakref.ref(statements["sqlite"])
        assert finish(run.rows(statements, {})) == [(1,)]
        statements.clear()
        gc.collect()
        assert kept() is not None


def test_two_threads_that_need_a_statement_first_get_the_same() -> None:
    both_make = threading.Barrier(2)

    def make(_dialect: str) -> object:
        both_make.wait(10)
        return select(literal(1))

    statements = Both(make)
    with ThreadPoolExecutor(2) as threads:
        one, other = threads.map(statements.__getitem__, ("sqlite", "sqlite"))
    assert one is other is statements["sqlite"]


async def test_a_session_sees_in_its_own_transaction_what_a_runner_wrote(db: Database) -> None:
    await seed(db)
    async with db.write() as session:
        # What the session has not written down yet is there for the runner, and the reverse.
        session.add(
            Thanks(
                round_id=ROUND, helper_id=ADA, voter_id=5, source=2, origin_id=9, burst=0, at=NOW,
                doubt="", note="", private=False,
            )
        )  # fmt: skip
        run = Through(session)
        assert await thanks.standing(run, ROUND, [(ADA, 5, 2, 9, 0)]) == {(ADA, 5, 2, 9, 0): ""}
        await thanks.add(run, ROUND, [(*KEYS[0], NOW, "", None, "", False)])
        assert await thanks.count(Through(session), ROUND) == {ADA: 2}


# ---------------------------------------------------------------- both kinds of database

SPEAKING: dict[str, Dialect] = {"sqlite": sqlite.dialect()}
SPEAKING["postgresql"] = postgresql.dialect()  # type: ignore[no-untyped-call]


def _prepared() -> Iterator[tuple[str, Mapping[str, Any]]]:
    for module in (
        activity, boards, cease, hours, inbox, mydata, people, policy, posts, reconciling, record,
        rounds, thanks,
    ):  # fmt: skip
        for name, value in vars(module).items():
            if isinstance(value, Both) or (
                isinstance(value, dict) and value.keys() == set(DIALECTS)
            ):
                yield f"{module.__name__}.{name}", value


PREPARED = dict(_prepared())


def test_the_prepared_statements_are_those_that_are_known_here() -> None:
    assert sorted(PREPARED) == [
        "storage.activity._SERVERS", "storage.boards._SERVERS", "storage.cease._SERVERS_WAITING",
        "storage.cease._STOP", "storage.hours._ADD", "storage.hours._HIGHEST",
        "storage.hours._MINUTES", "storage.inbox._EMPTY", "storage.inbox._PUT",
        "storage.inbox._SERVERS", "storage.inbox._WAITING", "storage.mydata._HAS_OUTLIVED",
        "storage.people._ADD",
        "storage.people._DECLINED", "storage.people._KNOWN", "storage.people._NAME",
        "storage.people._STANDING", "storage.policy._FACT", "storage.policy._SERVERS",
        "storage.policy._SET_FACT", "storage.posts._ADD", "storage.posts._SERVERS",
        "storage.posts._UNPARK_ALL", "storage.posts._UNPARK_SERVER", "storage.posts._WAITING",
        "storage.reconciling._SERVERS", "storage.record._ADD",
        "storage.record._ADD_OPENING", "storage.record._CLAIM", "storage.record._LAST",
        "storage.record._TOUCH", "storage.rounds._BALLOT", "storage.rounds._OPEN_THREADS",
        "storage.rounds._RUNNING_AT", "storage.rounds._RUNNING_OF", "storage.rounds._UNCOUNTED",
        "storage.rounds._UNFINISHED", "storage.thanks._ADD",
        "storage.thanks._COUNT", "storage.thanks._KEEP", "storage.thanks._SPOTS",
        "storage.thanks._STANDING", "storage.thanks._TAKE_BACK", "storage.thanks._TALLIES",
    ]  # fmt: skip


OF_EVERY_SERVER = {
    "storage.activity._SERVERS", "storage.boards._SERVERS", "storage.inbox._SERVERS",
    "storage.mydata._HAS_OUTLIVED", "storage.policy._SERVERS", "storage.posts._SERVERS",
    "storage.posts._UNPARK_ALL", "storage.posts._WAITING", "storage.reconciling._SERVERS",
    "storage.rounds._OPEN_THREADS", "storage.rounds._UNCOUNTED", "storage.rounds._UNFINISHED",
}  # fmt: skip


@pytest.mark.parametrize("name", PREPARED)
def test_each_statement_compiles_for_both_with_the_same_parameters(name: str) -> None:
    compiled = {
        dialect: PREPARED[name][dialect].compile(dialect=SPEAKING[dialect]) for dialect in DIALECTS
    }
    texts = {dialect: str(found) for dialect, found in compiled.items()}
    given = {
        dialect: {key for key, value in found.params.items() if value is None}
        for dialect, found in compiled.items()
    }
    assert given["sqlite"] == given["postgresql"]
    assert bool(given["sqlite"]) == (name not in OF_EVERY_SERVER)
    assert "json_each" not in texts["postgresql"]
    assert "json_extract" not in texts["postgresql"]
    assert "jsonb" not in texts["sqlite"].lower()
    for text in texts.values():  # one value for any number of rows
        assert "POSTCOMPILE" not in text


@pytest.mark.parametrize(
    ("name", "parts"),
    (
        ("_ADD", ("ON CONFLICT (round_id, helper_id, voter_id, source, origin_id, burst)",
                  "DO UPDATE SET", "WHERE thanks.taken_back_at IS NOT NULL", "RETURNING")),
        ("_TAKE_BACK", ("UPDATE thanks SET taken_back_at=", "taken_back_at IS NULL", "RETURNING")),
        ("_KEEP", ("UPDATE thanks SET kept_at=", "taken_back_at IS NULL", "RETURNING")),
        ("_STANDING", ("SELECT", "(thanks.helper_id, thanks.voter_id, thanks.source, "
                       "thanks.origin_id, thanks.burst) IN (SELECT")),
        ("_SPOTS", ("JOIN boards", "JOIN places", "JOIN helpers", "boards.guild_id =")),
    ),
)  # fmt: skip
def test_what_postgresql_is_told(name: str, parts: tuple[str, ...]) -> None:
    text = str(PREPARED[f"storage.thanks.{name}"]["postgresql"].compile(
        dialect=SPEAKING["postgresql"]
    ))  # fmt: skip
    flat = " ".join(text.split())
    for part in (*parts, "jsonb_array_elements(CAST("):
        assert part in flat


# ---------------------------------------------------------------- together


async def test_twenty_writers_in_both_ways_lose_nothing(db: Database) -> None:
    ways: list[Way] = [by_session, by_express] * 10
    numbered = await asyncio.gather(*(way(db, append) for way in ways for _ in range(5)))
    assert sorted(numbered) == list(range(1, 101))
    assert await numbers(db) == list(range(1, 101))


async def test_two_programs_on_one_file_lose_nothing_in_either_way(where: str) -> None:
    async with opened(where) as one, opened(where) as other:
        ways: list[tuple[Database, Way]] = [
            (program, way) for way in (by_session, by_express) for program in (one, other)
        ]
        await asyncio.gather(*(way(program, append) for program, way in ways * 5))
        assert await numbers(one) == list(range(1, 21))


async def test_reads_go_on_beside_the_express_lane(db: Database) -> None:
    seen: list[list[int]] = []

    async def watch() -> None:
        while len(seen) < 30:
            seen.append(await numbers(db))

    await asyncio.gather(watch(), *(db.express(append) for _ in range(10)))
    assert all(found == list(range(1, len(found) + 1)) for found in seen)


async def test_servers_do_not_share_their_numbers(db: Database) -> None:
    def for_server(guild_id: int) -> Work:
        return lambda run: append(run, guild_id)

    await asyncio.gather(*(db.express(for_server(guild_id)) for guild_id in (1, 2) * 5))
    assert await numbers(db, 1) == await numbers(db, 2) == [1, 2, 3, 4, 5]
