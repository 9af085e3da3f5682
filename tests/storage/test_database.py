from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DatabaseError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.schema import CreateIndex

import storage
from storage import database, policy, record
from storage.database import Database, DatabaseUnusable, copy_file, verify_file
from storage.express import DIALECTS, Through
from storage.tables import Clock, Meta, RecordRow, Table
from storage.tables.base import complete
from tests import databases
from tests.postgres import WANTED

pytestmark = pytest.mark.threads

NOW = datetime(2026, 1, 1, 12, 30, 59, tzinfo=UTC)
ROW: dict[str, str | int] = {
    "guild_id": 1,
    "number": 1,
    "time": "2026-01-01T00:00:00.000000Z",
    "actor": "2",
    "acting_for": "",
    "action": "entry.logged",
    "subject": "entry:1",
    "data": "{}",
    "previous": "0" * 64,
    "hash": "1" * 64,
}


class Forgiven(Exception):  # noqa: N818 - it is an answer in this test
    """After it, what was written is kept."""


def url(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


def opened(where: Path | str) -> AbstractAsyncContextManager[Database]:
    at = where if isinstance(where, str) else url(where)
    return databases.opened(at, now=NOW, keep=(Forgiven,))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "stipend.db"


@pytest.fixture
async def db(where: str) -> AsyncIterator[Database]:
    async with opened(where) as opened_db:
        yield opened_db


@pytest.fixture
async def file_db(path: Path) -> AsyncIterator[Database]:
    async with opened(path) as opened_db:
        yield opened_db


async def count_up(db: Database, name: str = "count") -> None:
    """Read, wait, write: what loses updates wherever two of them may overlap."""
    async with db.write() as session:
        count = int(await policy.meta(Through(session), name) or 0)
        await asyncio.sleep(0)
        await policy.set_meta(Through(session), name, str(count + 1))


async def counted(db: Database, name: str = "count") -> int:
    async with db.read() as session:
        return int(await policy.meta(Through(session), name) or 0)


async def refused(where: Path | str) -> str:
    """The one line with which a database is refused."""
    with pytest.raises(DatabaseUnusable) as found:
        async with opened(where):
            raise AssertionError
    line = str(found.value)
    assert "\n" not in line
    assert len(line) < 300
    return line


def files_beside(path: Path) -> list[str]:
    """What lies in the folder of a database beside it and its (empty) journal."""
    own = {path.name, f"{path.name}-journal"}
    return [file.name for file in path.parent.iterdir() if file.name not in own]


def contents(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def spoil(path: Path, *, kept: int | None = None) -> None:
    """Cut a database off, or put noise in the place of its third page."""
    whole = path.read_bytes()
    noisy = whole[:8192] + random.Random(4).randbytes(4096) + whole[12_288:]
    path.write_bytes(whole[:kept] if kept else noisy)


# ---------------------------------------------------------------- reading and writing


async def test_twenty_concurrent_read_modify_writes_lose_nothing(db: Database) -> None:
    await asyncio.gather(*(count_up(db) for _ in range(20)))
    assert await counted(db) == 20


async def test_two_programs_on_one_database_lose_nothing(db: Database, where: str) -> None:
    async with opened(where) as other:
        await asyncio.gather(*(count_up(each) for each in (db, other) for _ in range(10)))
        assert await counted(db) == await counted(other) == 20


async def test_reads_go_on_beside_a_write_and_see_what_is_committed(db: Database) -> None:
    await count_up(db)
    async with db.write() as session:
        await policy.set_meta(Through(session), "count", "100")
        await session.flush()
        assert await asyncio.wait_for(counted(db), timeout=5) == 1
    assert await counted(db) == 100


async def test_an_error_takes_everything_back(db: Database) -> None:
    async def fail() -> None:
        async with db.write() as session:
            await policy.set_meta(Through(session), "count", "7")
            await session.flush()
            raise ValueError("our own")

    with pytest.raises(ValueError, match="own"):
        await fail()
    assert await counted(db) == 0
    await count_up(db)
    assert await counted(db) == 1


async def test_a_cancelled_write_takes_everything_back_and_frees_its_turn(db: Database) -> None:
    entered = asyncio.Event()

    async def hang() -> None:
        async with db.write() as session:
            await policy.set_meta(Through(session), "count", "7")
            await session.flush()
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hang())
    await entered.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.wait_for(count_up(db), timeout=5)
    assert await counted(db) == 1


async def test_an_exception_that_is_to_be_kept_commits_and_is_still_raised(db: Database) -> None:
    async def answer() -> None:
        async with db.write() as session:
            await policy.set_meta(Through(session), "count", "7")
            raise Forgiven

    with pytest.raises(Forgiven):
        await answer()
    assert await counted(db) == 7


async def test_objects_can_be_read_after_the_commit(db: Database) -> None:
    async with db.write() as session:
        row = Meta(name="greeting", value="hello")
        session.add(row)
    assert row.value == "hello"


@pytest.mark.parametrize("where", ("sqlite+aiosqlite://", "sqlite+aiosqlite:///:memory:"))
async def test_a_database_in_memory_works(where: str) -> None:
    async with opened(where) as db:
        assert db.path is None
        await asyncio.gather(*(count_up(db) for _ in range(20)), *(counted(db) for _ in range(20)))
        assert await counted(db) == 20
        await refuses_orphans(db)
        with pytest.raises(DatabaseUnusable, match="works on a SQLite file"):
            await db.copy_to(Path("copy.db"))


@pytest.mark.parametrize(
    "at",
    (
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2026, 3, 30, 0, 0, 0, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2026, 3, 30, 1, 2, 3, 123_457, tzinfo=timezone(timedelta(hours=5, minutes=45))),
    ),
)
async def test_an_instant_comes_back_exact_and_aware(db: Database, at: datetime) -> None:
    async with db.write() as session:
        session.add(Clock(guild_id=1, user_id=2, started_at=at, note=""))
    async with db.read() as session:
        clock = await session.get(Clock, (1, 2))
        assert clock is not None
        assert clock.started_at == at
        assert clock.started_at.tzinfo is UTC


async def test_ids_as_large_as_they_can_be_come_back_exact(db: Database) -> None:
    async with db.write() as session:
        session.add(Clock(guild_id=2**63 - 1, user_id=2**63 - 2, started_at=NOW, note=""))
    async with db.read() as session:
        assert await session.get(Clock, (2**63 - 1, 2**63 - 2)) is not None


async def refuses_orphans(db: Database) -> None:
    async def add_orphan() -> None:
        async with db.write() as session:
            await session.execute(text("INSERT INTO done (round_id, user_id, at) VALUES (9, 1, 0)"))

    with pytest.raises(IntegrityError, match=r"(?i)foreign key"):
        await add_orphan()


async def test_what_refers_to_nothing_is_refused(db: Database) -> None:
    await refuses_orphans(db)
    await db.close()
    await db.open(now=NOW)
    await refuses_orphans(db)


# ---------------------------------------------------------------- the record


async def test_the_record_can_be_added_to_and_read(db: Database) -> None:
    async with db.write() as session:
        await record.add(Through(session), **ROW)
        await record.add(Through(session), **{**ROW, "number": 2, "hash": "2" * 64})
    async with db.read() as session:
        assert await record.last(Through(session), 1) == (2, "2" * 64)
        assert await record.last(Through(session), 2) is None
        assert [row.number for row in await record.rows(session, 1, first=2)] == [2]
        assert await record.servers(session) == [1]
        assert await record.missing_guards(session) == []


@pytest.mark.parametrize(
    "statement",
    (
        "UPDATE record SET actor = '3'",
        "UPDATE record SET hash = hash WHERE number = 1",
        "DELETE FROM record",
        "DELETE FROM record WHERE number = 1",
        "TRUNCATE record" if WANTED else "REPLACE INTO record SELECT * FROM record",
        "INSERT INTO record SELECT * FROM record WHERE true "
        "ON CONFLICT (guild_id, number) DO UPDATE SET actor = '3'",
    ),
)
async def test_the_record_cannot_be_updated_or_deleted(db: Database, statement: str) -> None:
    async with db.write() as session:
        await record.add(Through(session), **ROW)

    async def change() -> None:
        async with db.write() as session:
            await session.execute(text(statement))

    with pytest.raises(DatabaseError, match="append-only"):
        await change()
    async with db.read() as session:
        assert (await record.rows(session, 1))[0].actor == "2"


async def test_the_record_cannot_be_changed_by_another_program_either(
    db: Database, where: str
) -> None:
    async with db.write() as session:
        await record.add(Through(session), **ROW)
    await db.close()
    for statement in ("UPDATE record SET data = '[]'", "DELETE FROM record"):
        with pytest.raises(Exception, match="append-only"):
            databases.sql(where, statement)


async def test_a_missing_guard_is_named(db: Database) -> None:
    async with db.write() as session:
        await session.execute(text(databases.guards_off(db)[-1]))
    async with db.read() as session:
        (missing,) = await record.missing_guards(session)
    assert missing in {
        "the trigger record_no_replace is missing", "the trigger record_append_only is missing"
    }  # fmt: skip


async def test_an_interaction_is_claimed_once(db: Database) -> None:
    async def claim(interaction: int) -> bool:
        async with db.write() as session:
            return await record.claim(Through(session), interaction, at=NOW)

    assert [await claim(1), await claim(1), await claim(2)] == [True, False, True]


# ---------------------------------------------------------------- migrations


def scripts() -> ScriptDirectory:
    config = Config()
    folder = Path(storage.__file__).with_name("migrations")
    config.set_main_option("script_location", str(folder))
    return ScriptDirectory.from_config(config)


def test_there_is_one_newest_migration_and_the_program_knows_it() -> None:
    assert scripts().get_heads() == [database.HEAD]


async def differences(db: Database) -> list[object]:
    """What of a database is not as the models say."""

    def compared(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, complete(Table.metadata)))

    async with db.read() as session:
        return await (await session.connection()).run_sync(compared)


async def test_a_migrated_schema_equals_the_models(db: Database) -> None:
    assert await differences(db) == []


async def test_what_an_older_program_wrote_is_there_after_the_migrations(where: str) -> None:
    async with opened(where) as db:
        await count_up(db)
        async with db.write() as session:
            await record.add(Through(session), **ROW)
            assert await record.claim(Through(session), 2**62, at=NOW)
    databases.set_back(where)
    async with opened(where) as db:
        assert await differences(db) == []
        async with db.write() as session:
            assert not await record.claim(Through(session), 2**62, at=NOW)
        assert await counted(db) == 1
        async with db.read() as session:
            assert [row.hash for row in await record.rows(session, 1)] == [ROW["hash"]]
            assert await record.missing_guards(session) == []


def test_partial_indexes_have_the_same_condition_on_both_kinds_of_database() -> None:
    found = [
        index
        for table in complete(Table.metadata).tables.values()
        for index in table.indexes
        if index.dialect_options["sqlite"]["where"] is not None
    ]
    assert len(found) == 12
    for index in found:
        conditions = {index.dialect_options[kind]["where"].text for kind in DIALECTS}
        assert len(conditions) == 1
        made = str(CreateIndex(index).compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]
        assert made.endswith(f" WHERE {conditions.pop()}")


async def test_the_models_and_the_migrations_make_the_same_columns(
    file_db: Database, tmp_path: Path
) -> None:
    # Beside names and types: keys, NULL, defaults, and partial indexes word by word.
    other = tmp_path / "models.db"
    engine = create_engine(f"sqlite:///{other}")
    Table.metadata.create_all(engine)
    engine.dispose()
    assert file_db.path is not None
    assert _schema(file_db.path) == _schema(other)


def _schema(path: Path) -> dict[str, object]:
    with closing(sqlite3.connect(path)) as connection:
        tables = [
            name
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if name != "alembic_version"
        ]
        found: dict[str, object] = {
            table: (
                sorted(connection.execute(f"PRAGMA table_info({table})")),
                sorted(row[2:] for row in connection.execute(f"PRAGMA foreign_key_list({table})")),
            )
            for table in tables
        }
        found["indexes"] = sorted(
            connection.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql > ''"
            )
        )
    return found


async def test_two_programs_that_start_at_once_migrate_once(where: str) -> None:
    async def start() -> None:
        async with opened(where) as db:
            await count_up(db)

    await asyncio.gather(*(start() for _ in range(4)))
    async with opened(where) as db:
        assert await counted(db) == 4


async def test_an_up_to_date_file_is_opened_without_a_backup(path: Path) -> None:
    for _ in range(2):
        async with opened(path) as db:
            await count_up(db)
    assert files_beside(path) == []
    assert verify_file(path) == database.HEAD


async def test_a_file_of_an_older_program_is_copied_before_it_is_migrated(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(path) as db:
        await count_up(db)
    # To a program with one migration more, what this one writes is an older file.
    monkeypatch.setattr(database, "HEAD", "9999")
    async with opened(path) as db:
        assert await counted(db) == 1
    backup = path.with_name("stipend.db.20260101T123059.before-9999.bak")
    assert files_beside(path) == [backup.name]
    async with opened(backup) as db:
        assert await counted(db) == 1


async def test_a_migration_that_cannot_be_backed_up_does_not_begin(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(path):
        pass
    monkeypatch.setattr(database, "HEAD", "9999")
    path.with_name("stipend.db.20260101T123059.before-9999.bak").write_text("mine")
    assert "exists already" in await refused(path)


# ---------------------------------------------------------------- refusals


async def test_a_file_of_a_newer_program_is_refused_and_left_as_it_is(path: Path) -> None:
    async with opened(path) as db:
        await count_up(db)
        async with db.write() as session:
            await session.execute(text("UPDATE alembic_version SET version_num = 'ffff'"))
    before = contents(path)
    line = await refused(path)
    assert "written by a newer version (migration ffff" in line
    assert f"up to {database.HEAD}" in line
    assert contents(path) == before
    assert files_beside(path) == []


def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(path: Path) -> None:
    noise = random.Random(3).randbytes(20_000)
    path.write_bytes(noise)
    assert asyncio.run(refused(path)) == f"database {path}: file is not a database"
    assert path.read_bytes() == noise


@pytest.mark.parametrize("kept", (1000, 4096, 20_000, -4096))
async def test_a_truncated_file_is_refused(path: Path, kept: int) -> None:
    async with opened(path):
        pass
    spoil(path, kept=kept)
    line = await refused(path)
    assert line.startswith(f"database {path}")


async def test_a_file_with_a_page_of_noise_is_refused(path: Path) -> None:
    async with opened(path):
        pass
    spoil(path)
    assert (await refused(path)).startswith(f"database {path}")
    with pytest.raises(DatabaseUnusable, match=r"stipend\.db"):
        verify_file(path)


@pytest.mark.parametrize("mode", ("mode=ro", "immutable=1"))
async def test_a_file_that_cannot_be_written_is_refused(path: Path, mode: str) -> None:
    async with opened(path):
        pass
    where = f"sqlite+aiosqlite:///file:{path}?{mode}&uri=true"
    assert Database(where).path == path
    assert await refused(where) == f"database {path}: attempt to write a readonly database"


@pytest.mark.parametrize(
    "name", ("file:cache?mode=memory&cache=shared&uri=true", "file::memory:?uri=true")
)
def test_a_memory_named_as_a_file_has_no_path(name: str) -> None:
    assert Database(f"sqlite+aiosqlite:///{name}").path is None


async def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    line = await refused(tmp_path / "nowhere" / "stipend.db")
    assert line.endswith(f"there is no folder {tmp_path / 'nowhere'}")
    assert not (tmp_path / "nowhere").exists()


async def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    assert "unable to open database file" in await refused(tmp_path)
    await asyncio.sleep(0.05)  # the driver's thread takes leave of the loop a moment later


@pytest.mark.parametrize(
    ("where", "told"),
    (
        ("sqlite:///stipend.db", "requires an async driver"),
        ("mysql+aiomysql://ada:secret@db.example/stipend", "runs on SQLite and PostgreSQL"),
        ("postgresql+nothing://ada:secret@db.example/stipend", "Can't load plugin"),
    ),
)
async def test_a_driver_that_is_not_there_is_refused_without_telling_the_password(
    where: str, told: str
) -> None:
    line = await refused(where)
    assert told in line
    assert "secret" not in line


@pytest.mark.parametrize("where", ("", "stipend.db", "a token by mistake"))
def test_what_is_no_url_is_an_error_that_shows_one(where: str) -> None:
    with pytest.raises(ValueError, match=r"like sqlite\+aiosqlite:///stipend\.db"):
        Database(where)


SERVER = "postgresql+asyncpg://ada:secret@db.example"


@pytest.mark.parametrize("port", ("port", "secret", "0", "65536", "99999"))
def test_a_port_that_is_none_is_refused_with_what_would_be_one(port: str) -> None:
    with pytest.raises(ValueError, match="from 1 to 65535 as its port, or none: write one") as told:
        Database(f"{SERVER}:{port}/stipend")
    assert "secret" not in str(told.value)


@pytest.mark.parametrize(
    "where",
    (
        "postgresql://ada:a@secret@db.example/stipend",
        "postgres://ada:a@secret/more@db.example/stipend",
        "postgresql://ada:a@b?secret@db.example/stipend",
    ),
)
def test_an_unescaped_password_is_refused_before_a_part_of_it_is_taken_for_the_host(
    where: str,
) -> None:
    with pytest.raises(ValueError, match=r"more than one @: .* write %40 for it") as told:
        Database(where)
    assert "secret" not in str(told.value)


def test_an_escaped_password_and_a_file_with_any_name_are_taken() -> None:
    assert Database("postgresql://ada:a%40b%2Fc@db.example:1/x").url.password == "a@b/c"
    assert Database("sqlite+aiosqlite:///a@b@c.db").path == Path("a@b@c.db")


async def test_a_password_among_the_options_is_not_told_either() -> None:
    line = await refused("mysql://db.example/stipend?password=secret&sslpassword=secret&a=b")
    assert "a=b" in line
    assert "secret" not in line


# ---------------------------------------------------------------- copies


async def test_a_copy_is_whole_and_verified_also_while_others_write(
    file_db: Database, tmp_path: Path
) -> None:
    await count_up(file_db)
    copy = tmp_path / "copy.db"
    await asyncio.gather(file_db.copy_to(copy), *(count_up(file_db) for _ in range(5)))
    assert verify_file(copy) == database.HEAD
    async with opened(copy) as again:
        assert 1 <= await counted(again) <= 6


async def test_a_copy_never_overwrites(file_db: Database, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    copy.write_text("mine")
    with pytest.raises(DatabaseUnusable, match=r"copy\.db exists already; choose another name"):
        await file_db.copy_to(copy)
    assert copy.read_text() == "mine"


async def test_a_copy_of_a_damaged_file_fails_and_leaves_nothing(
    path: Path, tmp_path: Path
) -> None:
    async with opened(path):
        pass
    spoil(path)
    copy = tmp_path / "copy.db"
    with pytest.raises(DatabaseUnusable, match=r"stipend\.db cannot be copied to .*copy\.db"):
        copy_file(path, copy)
    assert not copy.exists()


async def test_a_copy_to_a_folder_that_is_not_there_fails_in_words(
    file_db: Database, tmp_path: Path
) -> None:
    with pytest.raises(DatabaseUnusable, match="cannot be copied"):
        await file_db.copy_to(tmp_path / "nowhere" / "copy.db")


def test_a_foreign_database_has_no_migration(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.db"
    with closing(sqlite3.connect(foreign)) as connection:
        connection.execute("CREATE TABLE mine (a)")
    assert verify_file(foreign) is None


async def test_generated_numbers_and_rows_as_objects(db: Database) -> None:
    async def add(session: AsyncSession) -> None:
        session.add(RecordRow(**ROW))

    async with db.write() as session:
        await add(session)
    async with db.read() as session:
        stored = await session.get(RecordRow, (1, 1))
        assert stored is not None
        assert {name: getattr(stored, name) for name in ROW} == ROW
