"""PostgreSQL holds what SQLite holds: one writer, whole transactions, a record nobody changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.schema import CreateIndex, CreateTable

from bot.domain.errors import Kept
from bot.services import audit, payments
from storage import database, policy, postgres, record
from storage.database import Database, DatabaseUnusable
from storage.express import Runner, Through
from storage.tables import Table
from tests import databases
from tests.databases import outside
from tests.postgres import Server, name_of, server
from tests.postgres import database as a_database
from tests.services.world import GUILD, KIM, START, World

NOW = datetime(2026, 1, 1, 12, 30, 59, tzinfo=UTC)


@pytest.fixture(scope="module")
def running() -> Server:
    return server()


@pytest.fixture(scope="module")
def template(running: Server) -> Iterator[str]:
    async def migrate(where: str) -> None:
        async with opened(where):
            pass

    with a_database() as where:
        asyncio.run(migrate(where))
        yield name_of(where)


@pytest.fixture
def where(template: str) -> Iterator[str]:
    with a_database(template) as url:
        yield url


opened = partial(databases.opened, now=NOW, keep=(Kept,))


@pytest.fixture
async def db(where: str) -> AsyncIterator[Database]:
    async with opened(where) as made:
        yield made


async def refused(where: str) -> str:
    """The one line with which a database is refused."""
    with pytest.raises(DatabaseUnusable) as found:
        async with opened(where):
            raise AssertionError
    line = str(found.value)
    assert "\n" not in line
    return line


async def count_up(db: Database) -> None:
    """Read, wait, write: what loses updates wherever two of them may overlap."""
    async with db.write() as session:
        count = int(await policy.meta(Through(session), "count") or 0)
        await asyncio.sleep(0)
        await policy.set_meta(Through(session), "count", str(count + 1))


async def counted(db: Database) -> int:
    async with db.read() as session:
        return int(await policy.meta(Through(session), "count") or 0)


def a_row(number: int) -> dict[str, Any]:
    texts = dict.fromkeys(("time", "actor", "acting_for", "action", "subject", "previous"), "x")
    return {**texts, "guild_id": GUILD, "number": number, "data": "{}", "hash": str(number)}


async def append(run: Runner) -> int:
    """Read the last row and add the next one."""
    last = await record.last(run, GUILD)
    await record.add(run, **a_row(last[0] + 1 if last else 1))
    return last[0] + 1 if last else 1


# ---------------------------------------------------------------- migrations

COLUMNS = """
    SELECT table_name::text, column_name::text, data_type::text, is_nullable::text,
        column_default::text
    FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name <> 'alembic_version'
"""
CONSTRAINTS = """
    SELECT conrelid::regclass::text, conname::text, pg_get_constraintdef(oid)
    FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND conrelid <> 'alembic_version'::regclass
"""
INDEXES = """
    SELECT indexname::text, indexdef FROM pg_indexes
    WHERE schemaname = 'public' AND tablename <> 'alembic_version'
"""


def test_the_models_and_the_migrations_make_the_same_tables(where: str) -> None:
    dialect = Database(where)._made().dialect
    with a_database() as other, closing(outside(other)) as models, closing(outside(where)) as made:
        models.script("CREATE TABLE alembic_version ()")
        for table in Table.metadata.sorted_tables:
            models.script(str(CreateTable(table).compile(dialect=dialect)))
            for index in table.indexes:
                models.script(str(CreateIndex(index).compile(dialect=dialect)))
        for query in (COLUMNS, CONSTRAINTS, INDEXES):
            assert sorted(made.rows(query), key=repr) == sorted(models.rows(query), key=repr)


async def test_programs_that_start_at_once_migrate_once(running: Server) -> None:
    async def start(where: str) -> None:
        async with opened(where) as db:
            await count_up(db)

    with a_database() as where:
        await asyncio.gather(*(start(where) for _ in range(3)))
        async with opened(where) as db:
            assert await counted(db) == 3


async def test_a_database_of_a_newer_program_is_refused(where: str, db: Database) -> None:
    async with db.write() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = 'ffff'"))
    line = await refused(where)
    assert f"(migration ffff, this program knows up to {database.HEAD})" in line


# ---------------------------------------------------------------- the record


@pytest.mark.parametrize(
    "statement",
    (
        "UPDATE record SET actor = '3'",
        "UPDATE record SET hash = hash WHERE number = 99",
        "DELETE FROM record",
        "TRUNCATE record",
        "INSERT INTO record TABLE record ON CONFLICT (guild_id, number) DO UPDATE SET actor = '3'",
    ),
)
async def test_the_record_can_only_be_added_to(db: Database, statement: str) -> None:
    assert await db.express(append) == 1

    async def change() -> None:
        async with db.write() as session:
            await session.execute(text(statement))

    with pytest.raises(IntegrityError, match="append-only"):
        await change()
    async with db.read() as session:
        assert [row.actor for row in await record.rows(session, GUILD)] == ["x"]


@pytest.mark.parametrize(
    "change",
    (
        "DROP TRIGGER record_append_only ON record",
        "ALTER TABLE record DISABLE TRIGGER record_append_only",
    ),
)
async def test_a_guard_that_does_not_stand_is_named(db: Database, change: str) -> None:
    async with db.write() as session:
        assert await record.missing_guards(session) == []
        await session.execute(text(change))
        missing = await record.missing_guards(session)
    assert missing == ["the trigger record_append_only is missing"]


async def test_an_interaction_is_claimed_once_and_what_follows_goes_on(db: Database) -> None:
    async with db.write() as session:
        assert await record.claim(Through(session), 1, at=NOW)
        assert not await record.claim(Through(session), 1, at=NOW)
        await policy.set_meta(Through(session), "count", "7")
    assert await counted(db) == 7


# ---------------------------------------------------------------- one writer, whole transactions


async def test_programs_that_write_at_once_lose_nothing(db: Database, where: str) -> None:
    async with opened(where) as other:
        await asyncio.gather(*(count_up(each) for each in (db, other) for _ in range(10)))
        numbers = await asyncio.gather(*(each.express(append) for each in (db, other) * 5))
    assert await counted(db) == 20
    assert sorted(numbers) == list(range(1, 11))


async def test_a_reader_sees_one_moment_and_writes_nothing(db: Database) -> None:
    await count_up(db)
    async with db.read() as session:
        assert await policy.meta(Through(session), "count") == "1"
        await count_up(db)
        session.expire_all()
        assert await policy.meta(Through(session), "count") == "1"
        with pytest.raises(DBAPIError, match="read-only transaction"):
            await session.execute(text("DELETE FROM meta"))
    assert await counted(db) == 2


async def test_a_writer_that_waits_too_long_fails_and_frees_its_turn(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(postgres.LIMITS, "lock_timeout", "100ms")
    async with opened(where) as db, opened(where) as other:
        async with other.write() as session:
            assert await policy.meta(Through(session), "count") is None
            with pytest.raises(DBAPIError, match="lock timeout"):
                await count_up(db)
        await count_up(db)
        assert await counted(db) == 1


async def test_a_writer_that_is_stopped_in_the_middle_does_not_stop_all_others(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "STOPPED_AFTER", "100ms")
    async with opened(where) as db, opened(where) as stopped:

        async def stop() -> None:
            async with stopped.write() as session:
                await policy.set_meta(Through(session), "count", "7")
                await session.flush()
                await count_up(db)  # waits until the server has ended the other

        with pytest.raises(DBAPIError):
            await stop()
        assert await counted(db) == 1
        await count_up(stopped)
        assert await counted(db) == 2


async def test_a_lost_connection_is_replaced(db: Database, where: str) -> None:
    await count_up(db)
    end_connections(where)
    await count_up(db)
    assert await counted(db) == 2


async def test_what_the_server_broke_off_is_done_again_and_once(db: Database, where: str) -> None:
    tried = []

    async def work(run: Runner) -> int:
        number = await append(run)
        tried.append(number)
        if len(tried) == 1:
            end_connections(where)
        return await append(run)

    assert await db.express(work) == 2
    assert tried == [1, 1]


async def test_what_fails_for_another_reason_is_not_tried_again(db: Database) -> None:
    tried = []

    async def work(run: Runner) -> None:
        tried.append(True)
        await record.add(run, **a_row(1))
        await record.add(run, **a_row(1))

    with pytest.raises(IntegrityError):
        await db.express(work)
    assert tried == [True]
    assert await db.express(append) == 1


async def test_what_never_succeeds_is_tried_three_times(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "SECONDS_BETWEEN", 0)
    deadlock = {"postgresql": text("DO $$ BEGIN RAISE deadlock_detected; END $$")}
    tried = []

    async def work(run: Runner) -> None:
        tried.append(True)
        await run.rows(deadlock, {})

    with pytest.raises(DBAPIError):
        await db.express(work)
    assert len(tried) == 3


def end_connections(where: str) -> None:
    with closing(outside(where)) as connection:
        connection.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


# ---------------------------------------------------------------- a season


async def test_a_season_is_published_paid_and_verified(db: Database) -> None:
    world = World(db, now=START)
    await world.opened()
    await world.drafted()
    await world.published()
    await world.do(payments.record, KIM, reference="0xfirst")
    verdict = await world.see(audit.verify, GUILD)
    assert verdict.length == len(await world.record())
    assert verdict.faults == ()
    assert await world.faults() == []


# ---------------------------------------------------------------- addresses and refusals


@pytest.mark.parametrize(
    ("given", "read"),
    (
        ("postgres://ada@db.example/stipend", "postgresql+asyncpg://ada@db.example/stipend"),
        ("postgresql://db.example/stipend", "postgresql+asyncpg://db.example/stipend"),
        (
            "postgresql+asyncpg://db.example/stipend?sslmode=require",
            "postgresql+asyncpg://db.example/stipend?ssl=require",
        ),
    ),
)
def test_addresses_as_people_write_them(given: str, read: str) -> None:
    assert Database(given).url.render_as_string(hide_password=False) == read


async def test_what_cannot_be_reached_is_named_without_the_password(running: Server) -> None:
    nobody = "postgresql://ada:secret@127.0.0.1:1/stipend"
    nowhere = running.url("nowhere").replace("stipend@", "stipend:secret@")
    for where, told in (
        (nobody, "Connect call failed ('127.0.0.1', 1)"),
        (nowhere, 'database "nowhere" does not exist'),
        (running.url("postgres") + "?colour=red", "unexpected keyword argument 'colour'"),
    ):
        line = await refused(where)
        assert line.startswith("database postgresql+asyncpg://")
        assert told in line
        assert "secret" not in line


async def test_a_database_that_cannot_hold_every_letter_is_refused(running: Server) -> None:
    running.script(
        "CREATE DATABASE ascii ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C' "
        "TEMPLATE template0"
    )
    try:
        assert "its encoding is SQL_ASCII; create it with ENCODING 'UTF8'" in await refused(
            running.url("ascii")
        )
    finally:
        running.drop("ascii")


async def test_a_database_that_cannot_be_written_is_refused(where: str) -> None:
    with closing(outside(where)) as connection:
        name = name_of(where)
        connection.script(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    assert "it is read-only, as a standby is; name the primary server" in await refused(where)


async def test_copies_are_made_with_the_tools_of_the_server(db: Database) -> None:
    with pytest.raises(DatabaseUnusable, match="use pg_dump and pg_restore"):
        db.require_file()
