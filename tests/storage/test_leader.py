"""Several processes over one PostgreSQL database: one leads, and no two do the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from bot import leader as leading
from bot.leader import Fenced, Leader, Shards
from bot.settings import ConfigurationError, Settings
from storage import leader as stored
from storage import policy as installation
from storage import tables
from storage.database import Database
from storage.express import Through
from storage.leader import Unreachable
from storage.lock import InUse
from storage.postgres import WRITERS
from tests import postgres
from tests.databases import sql
from tests.services.world import START

SERVER = 222222222222222222
Joins = Callable[..., Awaitable["Process"]]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Return the address of a migrated database."""

    async def migrate(url: str) -> None:
        db = Database(url)
        await db.open(now=START)
        await db.close()

    with postgres.database() as made:
        asyncio.run(migrate(made))
        yield made


class Process:
    """What a process has of its own: connections, and an opinion on who leads."""

    def __init__(self, url: str, *shards: int, count: int = 2) -> None:
        self.url = url
        self.told: list[bool] = []
        self.db = Database(url)
        self.leader = Leader(self.db, shards=Shards(shards, count), changed=self.told.append)

    async def step(self) -> bool:
        """Do what is done every few seconds; return whether this process leads then."""
        await self.leader._step(self.seat)
        return self.leader.leads

    @property
    def seat(self) -> stored.Seat:
        """The connection of its claims."""
        assert self.leader._seat is not None
        return self.leader._seat

    def unseat(self) -> None:
        """End the connection of its claims from outside, as when the process dies."""
        (held,) = sql(
            self.url,
            "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity "
            "WHERE pid = (SELECT pid FROM pg_locks WHERE locktype = 'advisory' "
            f"AND classid = {stored.SHARDS} AND objid = {self.leader.shards.ids[0]} "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))",
        )
        assert tuple(held) == (1,)

    def is_silent(self, seconds: int = 60) -> None:
        """Let the last sign of life of the leader be this old."""
        sql(self.url, f"UPDATE leaders SET seen_at = seen_at - {seconds * 1_000_000}")

    async def write(self, name: str) -> None:
        """Write something down."""
        async with self.db.write() as session:
            await installation.set_meta(Through(session), name, "written")

    async def wrote(self, name: str) -> bool:
        """Whether anybody wrote that down."""
        async with self.db.read() as session:
            return await installation.meta(Through(session), name) is not None


@pytest.fixture
async def joins(url: str) -> AsyncIterator[Joins]:
    """Let processes with given shards join."""
    async with AsyncExitStack() as stack:

        async def join(*shards: int, count: int = 2) -> Process:
            process = Process(url, *shards, count=count)
            await process.db.connect()
            stack.push_async_callback(process.db.close)
            stack.push_async_callback(process.leader.close)
            await process.leader.open()
            return process

        yield join


# ---------------------------------------------------------------- leading


async def test_one_leads_and_another_follows_until_it_resigns(joins: Joins) -> None:
    first, second = await joins(0), await joins(1)
    assert [await first.step(), await second.step()] == [True, False]
    term = first.leader.term
    assert (first.told, second.told) == ([True], [False])
    await first.leader.close()
    assert first.told[-1] is False
    assert await second.step()
    assert second.leader.term == (term or 0) + 1


async def test_a_leader_that_dies_is_replaced_and_follows_when_it_is_back(joins: Joins) -> None:
    first, second = await joins(0), await joins(1)
    first.unseat()
    assert await second.step()
    assert not await first.step()
    assert not first.leader.leads
    assert not await first.step()
    assert await second.step()
    assert first.told[-1] is False


async def test_a_leader_that_is_silent_for_too_long_is_replaced(joins: Joins) -> None:
    first, second = await joins(0), await joins(1)
    first.is_silent(int(leading.LEASE) - 5)
    assert not await second.step()
    first.is_silent()
    assert await second.step()
    assert first.leader.leads  # as far as it knows
    await first.step()
    assert not first.leader.leads


async def test_what_an_outdated_leader_writes_as_such_is_refused(joins: Joins) -> None:
    first, second = await joins(0), await joins(1)
    with first.leader.acting() as leads:
        assert leads
        await first.write("leading")
        first.is_silent()
        assert await second.step()
        await first.write("outdated")
        pytest.fail("it was written")
    assert await second.wrote("leading")
    assert not await second.wrote("outdated")
    # What somebody asks for in a command is no matter of leading.
    await first.write("command")
    assert await second.wrote("command")


async def test_no_part_takes_the_end_of_leading_for_a_fault_of_its_own(joins: Joins) -> None:
    first, second = await joins(0), await joins(1)

    async def each(name: str) -> None:
        try:
            await first.write(name)
        except Exception:  # noqa: BLE001 - as in every loop over servers
            pytest.fail("it was taken for a fault")

    with first.leader.acting():
        first.is_silent()
        assert await second.step()
        await asyncio.gather(*(each(f"server {number}") for number in range(3)))
        pytest.fail("it went on")
    assert not await second.wrote("server 2")


async def test_a_process_that_was_stopped_for_a_while_leads_no_more_before_it_asks(
    joins: Joins, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await joins(0)
    with first.leader.acting() as leads:
        assert leads
        monkeypatch.setattr(leading, "LEASE", 0.0)
        await first.step()
        with pytest.raises(Fenced):
            first.leader.require()
    assert not first.leader.leads
    with first.leader.acting() as leads:
        assert not leads


async def test_without_a_database_nobody_leads_and_somebody_does_when_it_is_back(
    joins: Joins,
) -> None:
    first = await joins(0)
    first.unseat()
    assert not await first.step()
    assert first.told[-1] is False
    with pytest.raises(Unreachable):
        async with first.leader.turn(SERVER):
            pytest.fail("nobody can know whose turn it is")
    assert await first.step()


async def test_it_goes_on_by_itself(joins: Joins, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leading, "EVERY", 0.02)
    first, second = await joins(0), await joins(1)
    keeping = asyncio.create_task(second.leader.keep())
    first.unseat()
    async with asyncio.timeout(20):
        while not second.leader.leads:  # noqa: ASYNC110 - another process is waited for
            await asyncio.sleep(0.01)
    keeping.cancel()


async def test_a_server_that_cannot_be_reached_is_no_fault_of_the_program(url: str) -> None:
    process = Process(url.replace(str(postgres.server().port), "1"), 0)
    with pytest.raises(Unreachable):
        await process.leader.open()
    assert process.told == []


async def test_a_process_that_is_stopped_in_the_middle_of_a_write_does_not_stop_all_others(
    joins: Joins, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    leader, writer = await joins(0), await joins(1)
    # Between two messages of one statement the server waits without a limit of its own.
    stopped = await asyncpg.connect(
        url.replace("+asyncpg", ""), server_settings={"application_name": writer.db.name}
    )
    await stopped.execute(f"BEGIN; SELECT pg_advisory_xact_lock({WRITERS})")
    await stopped.prepare("SELECT 1")
    assert await leader.step()
    assert not stopped.is_closed()
    monkeypatch.setattr(leading, "LONGEST_WRITE", 0)
    assert await leader.step()
    await writer.write("after it")
    assert await leader.wrote("after it")
    stopped.terminate()


# ---------------------------------------------------------------- shards


@pytest.mark.parametrize(
    ("first", "second"),
    (
        pytest.param((0,), (0,), id="the same one"),
        pytest.param((0, 1), (1, 2), id="one of several"),
        pytest.param((), (1,), id="all, and one"),
        pytest.param((1,), (), id="one, and all"),
        pytest.param((), (), id="all twice"),
    ),
)
async def test_a_shard_has_one_process(
    joins: Joins,
    monkeypatch: pytest.MonkeyPatch,
    first: tuple[int, ...],
    second: tuple[int, ...],
) -> None:
    monkeypatch.setattr(stored, "TRIES", 1)
    holder = await joins(*first, count=3)
    with pytest.raises(InUse, match="another process of Stipend runs shard"):
        await joins(*second, count=3)
    await holder.leader.close()
    await joins(*second, count=3)


async def test_a_process_whose_shard_somebody_else_took_meanwhile_ends(
    joins: Joins, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "TRIES", 1)
    monkeypatch.setattr(leading, "EVERY", 0.01)
    first = await joins(0)
    first.unseat()
    await joins(0)
    with pytest.raises(InUse):
        await asyncio.wait_for(first.leader.keep(), 20)


async def test_the_leader_listens_where_nobody_else_does(joins: Joins) -> None:
    first, second = await joins(0), await joins(1)
    of_first, of_second = 2 << 22, 3 << 22
    await first.step()
    assert [first.leader.hears(each) for each in (of_first, of_second)] == [True, False]
    assert [second.leader.hears(each) for each in (of_first, of_second)] == [False, True]
    await second.leader.close()
    await first.step()
    assert first.leader.hears(of_second)


# ---------------------------------------------------------------- turns


async def test_a_turn_in_a_server_is_had_by_one_process_at_a_time(joins: Joins) -> None:
    first, second = await joins(0), await joins(1)
    order = []

    async def waits() -> None:
        async with second.leader.turn(SERVER) as stands:
            assert stands is not None
            assert stands()
            order.append("second")

    async with first.leader.turn(SERVER) as stands:
        assert stands is not None
        waiting = asyncio.create_task(waits())
        async with second.leader.turn(SERVER + 1) as elsewhere:
            assert elsewhere is not None
        order.append("first")
    await waiting
    assert order == ["first", "second"]


async def test_a_turn_that_does_not_come_is_left_to_who_has_it(
    joins: Joins, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leading, "TURN_WITHIN", 0.0)
    first, second = await joins(0), await joins(1)
    async with first.leader.turn(SERVER), second.leader.turn(SERVER) as stands:
        assert stands is None


async def test_a_turn_ends_with_the_seat(joins: Joins) -> None:
    first, second = await joins(0), await joins(1)
    async with first.leader.turn(SERVER) as stands:
        assert stands is not None
        first.unseat()
        await first.step()
        await first.step()
        assert not stands()
        async with second.leader.turn(SERVER) as other:
            assert other is not None


# ---------------------------------------------------------------- one process


@asynccontextmanager
async def alone(path: Path) -> AsyncIterator[Process]:
    process = Process(f"sqlite+aiosqlite:///{path}")
    await process.db.open(now=START)
    await process.leader.open()
    yield process
    await process.leader.close()
    await process.db.close()


async def test_over_a_file_there_is_one_process_and_it_leads(tmp_path: Path) -> None:
    async with alone(tmp_path / "stipend.db") as process:
        assert process.told == [True]
        assert process.leader.is_alone
        assert process.leader.hears(SERVER)
        with process.leader.acting() as leads:
            assert leads
            await process.write("leading")
        assert await process.wrote("leading")
        async with process.leader.turn(SERVER) as stands:
            assert stands is not None
            assert stands()
        async with process.db.read() as session:
            assert await session.get(tables.Leader, stored.NAME) is None


@pytest.mark.parametrize(
    ("ids", "count", "options"),
    (
        ("", 0, {}),
        ("", 1, {}),
        ("0", 1, {}),
        ("1", 2, {"shard_id": 1, "shard_count": 2}),
        ("0,2", 3, {"shard_ids": (0, 2), "shard_count": 3}),
        ("", 2, {"shard_ids": None, "shard_count": 2}),
    ),
)
def test_the_client_is_told_its_shards(ids: str, count: int, options: dict[str, object]) -> None:
    settings = Settings(shard_ids=ids, shard_count=count, database_url="postgresql://host/stipend")
    assert Shards.of(settings).options == options


def test_a_file_cannot_be_shared_by_processes() -> None:
    with pytest.raises(ConfigurationError, match="needs PostgreSQL"):
        Shards.of(Settings(shard_ids="0", shard_count=2))
