"""Work apart: the rules of sessions hold, and the loop of the program goes on meanwhile."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Coroutine
from contextlib import AbstractAsyncContextManager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from storage import policy
from storage.apart import drawn, quiet
from storage.database import APART, Database, DatabaseUnusable
from storage.express import Through
from tests import databases

pytestmark = pytest.mark.threads

NOW = datetime(2026, 1, 1, 12, 30, 59, tzinfo=UTC)
MEMORY = "sqlite+aiosqlite://"
mood: ContextVar[str] = ContextVar("mood")


class Forgiven(Exception):  # noqa: N818 - it is an answer in this test
    """After it, what was written is kept."""


def opened(where: str, errors: list[str] | None = None) -> AbstractAsyncContextManager[Database]:
    on_error = None if errors is None else errors.append
    return databases.opened(where, now=NOW, keep=(Forgiven,), on_error=on_error)


@pytest.fixture
async def db(where: str) -> AsyncIterator[Database]:
    async with opened(where) as made_db:
        yield made_db


async def counted(session: AsyncSession) -> int:
    return int(await policy.meta(Through(session), "count") or 0)


async def count_up(session: AsyncSession, *, error: Exception | None = None) -> int:
    """Read, wait, write: what loses updates wherever two of them may overlap."""
    count = await counted(session) + 1
    await asyncio.sleep(0)
    await policy.set_meta(Through(session), "count", str(count))
    await session.flush()
    if error is not None:
        raise error
    return count


async def stored(db: Database) -> int:
    async with db.read() as session:
        return await counted(session)


async def by_session(db: Database) -> None:
    async with db.write() as session:
        await count_up(session)


async def test_what_is_done_apart_is_committed_and_its_result_comes_back(db: Database) -> None:
    assert await db.apart(count_up, writes=True) == 1
    assert await db.apart(counted, writes=False) == await stored(db) == 1


async def test_writers_apart_in_sessions_and_in_other_programs_lose_nothing(
    db: Database, where: str
) -> None:
    async with opened(where) as other:
        every: list[Coroutine[Any, Any, Any]] = []
        for each in (db, other):
            every += [each.apart(count_up, writes=True) for _ in range(5)]
            every += [by_session(each) for _ in range(5)]
        await asyncio.gather(*every)
    assert await stored(db) == 20


@pytest.mark.threads
@pytest.mark.parametrize("writes", (False, True))
async def test_units_that_are_the_first_at_the_same_time_all_end(where: str, writes: bool) -> None:
    async with opened(where) as db:
        assert await stored(db) == 0
        async with asyncio.timeout(10):
            await asyncio.gather(
                db.apart(count_up if writes else counted, writes=writes),
                db.apart(counted, writes=False),
            )
        assert await stored(db) == int(writes)


async def test_work_that_only_reads_changes_nothing(db: Database) -> None:
    with suppress(DBAPIError):  # a server says so
        await db.apart(count_up, writes=False)
    assert await stored(db) == 0


@pytest.mark.parametrize(("error", "kept"), ((ValueError("our own"), 0), (Forgiven("so"), 1)))
async def test_an_error_comes_through_as_it_is(db: Database, error: Exception, kept: int) -> None:
    with pytest.raises(type(error)) as raised:
        await db.apart(partial(count_up, error=error), writes=True)
    assert raised.value is error
    assert await stored(db) == kept
    await asyncio.wait_for(by_session(db), timeout=5)


async def test_errors_of_the_database_are_noted_by_their_kind(where: str) -> None:
    async def fail(session: AsyncSession) -> None:
        await session.execute(text("SELECT 1 FROM nowhere"))

    errors: list[str] = []
    async with opened(where, errors) as db:
        with pytest.raises(DBAPIError, match="nowhere"):
            await db.apart(fail, writes=False)
    assert len(errors) == 1


async def test_a_guard_is_asked_before_anything_is_written(db: Database) -> None:
    async def guard(session: AsyncSession) -> None:
        raise PermissionError(await counted(session))

    await db.apart(count_up, writes=True)
    db.guard = guard
    assert await db.apart(counted, writes=False) == 1
    with pytest.raises(PermissionError, match="1"):
        await db.apart(count_up, writes=True)
    assert await stored(db) == 1


async def test_the_loop_of_the_program_goes_on_and_the_context_comes_along(db: Database) -> None:
    goes_on = threading.Event()

    async def wait(_session: AsyncSession) -> tuple[bool, bool, str]:
        is_apart = threading.current_thread() is not threading.main_thread()
        return is_apart, goes_on.wait(timeout=30), mood.get()

    mood.set("fine")
    work = asyncio.create_task(db.apart(wait, writes=True))
    for _ in range(10):
        await asyncio.sleep(0.001)
    assert not work.done()
    goes_on.set()
    assert await work == (True, True, "fine")


async def test_there_is_no_search_for_garbage_until_the_last_work_is_done(db: Database) -> None:
    async def searches(_session: AsyncSession) -> bool:
        return gc.isenabled()

    with quiet.kept():
        assert await db.apart(searches, writes=False) is False
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.disable()
    try:
        await db.apart(searches, writes=False)
        assert not gc.isenabled()
    finally:
        gc.enable()


async def test_what_is_drawn_is_drawn_in_a_thread_without_that_search() -> None:
    def draw(what: str, *, size: int) -> tuple[str, bool, bool]:
        is_apart = threading.current_thread() is not threading.main_thread()
        return what * size, is_apart, gc.isenabled()

    assert await drawn(draw, "-", size=3) == ("---", True, False)
    assert gc.isenabled()


# ---------------------------------------------------------------- cut short


class Slow:
    """Work that writes and goes on until it is let go."""

    def __init__(self) -> None:
        self.begun, self.let_go = threading.Event(), threading.Event()

    async def __call__(self, session: AsyncSession) -> int:
        count = await count_up(session)
        self.begun.set()
        self.let_go.wait(timeout=30)
        await asyncio.sleep(0)
        return count


async def set_by_others(event: threading.Event) -> None:
    assert await asyncio.to_thread(event.wait, 30)


@pytest.mark.parametrize("times", (1, 2))
async def test_cancelled_work_comes_to_its_end_before_the_next_one_writes(
    db: Database, times: int
) -> None:
    slow = Slow()
    work = asyncio.create_task(db.apart(slow, writes=True))
    await set_by_others(slow.begun)
    following = asyncio.create_task(db.apart(count_up, writes=True))
    for _ in range(times):
        work.cancel()
        await asyncio.sleep(0.01)
    assert not work.done()
    assert not following.done()
    slow.let_go.set()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert await following == await stored(db) == 1


async def test_work_that_waits_is_cancelled_where_it_waits(db: Database) -> None:
    entered = threading.Event()

    async def hang(session: AsyncSession) -> None:
        await count_up(session)
        entered.set()
        await asyncio.Event().wait()

    work = asyncio.create_task(db.apart(hang, writes=True))
    await set_by_others(entered)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(work, timeout=10)
    await asyncio.wait_for(by_session(db), timeout=5)
    assert await stored(db) == 1


async def test_what_is_cancelled_before_it_begins_does_not_begin(db: Database) -> None:
    begun, let_go = threading.Barrier(APART + 1), threading.Event()
    ran: list[int] = []

    async def wait(_session: AsyncSession, number: int) -> None:
        ran.append(number)
        if number < APART:
            begun.wait(timeout=30)
            let_go.wait(timeout=30)

    works = [
        asyncio.create_task(db.apart(partial(wait, number=number), writes=False))
        for number in range(APART + 1)
    ]
    await asyncio.to_thread(begun.wait, 30)
    works[-1].cancel()
    await asyncio.sleep(0.01)
    let_go.set()
    *others, last = await asyncio.gather(*works, return_exceptions=True)
    assert others == [None] * APART
    assert isinstance(last, asyncio.CancelledError)
    assert sorted(ran) == list(range(APART))


async def test_closing_waits_for_work_and_refuses_what_comes_later(where: str) -> None:
    async with opened(where) as db:
        slow = Slow()
        work = asyncio.create_task(db.apart(slow, writes=True))
        await set_by_others(slow.begun)
        closing = asyncio.create_task(db.close())
        await asyncio.sleep(0.01)
        assert not closing.done()
        with pytest.raises(DatabaseUnusable, match="is closed"):
            await db.apart(counted, writes=False)
        slow.let_go.set()
        await closing
        assert await work == 1
        await db.open(now=NOW)
        assert await db.apart(counted, writes=False) == 1


# ---------------------------------------------------------------- in memory


async def test_a_database_in_memory_works_in_its_one_connection() -> None:
    async def where_it_runs(session: AsyncSession) -> tuple[int, threading.Thread]:
        return await counted(session), threading.current_thread()

    async with opened(MEMORY) as db:
        works = [db.apart(count_up, writes=True) for _ in range(5)]
        await asyncio.gather(*works, *(by_session(db) for _ in range(5)))
        assert await db.apart(where_it_runs, writes=False) == (10, threading.current_thread())
        with pytest.raises(Forgiven):
            await db.apart(partial(count_up, error=Forgiven()), writes=True)
        assert await stored(db) == 11
