"""The thread of small works: their order, their errors, and who no longer waits."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from functools import partial
from threading import Event, Thread

import pytest

from storage.lane import Lane

NAME = "a lane under test"


def threads() -> list[Thread]:
    return [thread for thread in threading.enumerate() if thread.name == NAME]


@pytest.fixture
def lane() -> Iterator[Lane]:
    made = Lane(NAME)
    yield made
    made.end()
    for thread in threads():
        thread.join(5)


def fail() -> None:
    raise ValueError("in the thread")


async def test_works_are_done_in_the_order_they_came_in_one_thread(lane: Lane) -> None:
    done: list[int] = []
    given = await asyncio.gather(*(lane.done(partial(done.append, n)) for n in range(100)))
    assert done == list(range(100))
    assert given == [None] * 100
    assert len(threads()) == 1
    assert await lane.done(threading.current_thread) is threads()[0]


async def test_an_error_is_for_who_waits_and_the_lane_goes_on(lane: Lane) -> None:
    first, second = lane.done(fail), lane.done(lambda: "done")
    with pytest.raises(ValueError, match="in the thread"):
        await first
    assert await second == "done"


async def test_who_waits_no_longer_keeps_nobody_waiting(lane: Lane) -> None:
    begun, go_on, done = Event(), Event(), []

    def work() -> None:
        begun.set()
        go_on.wait(5)
        done.append("first")

    waiting = asyncio.create_task(asyncio.wait_for(lane.done(work), 10))
    await asyncio.to_thread(begun.wait, 5)
    waiting.cancel()
    go_on.set()
    failed = lane.done(fail)
    failed.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await lane.done(lambda: [*done, "next"]) == ["first", "next"]


async def test_it_ends_with_what_it_was_given_and_begins_again(lane: Lane) -> None:
    lane.end()  # nothing to end
    assert threads() == []
    given = lane.done(threading.current_thread)
    lane.end()
    thread = await given
    await asyncio.to_thread(thread.join, 5)
    assert not thread.is_alive()
    assert await lane.done(threading.current_thread) is not thread


def test_a_loop_that_is_over_gets_nothing_and_the_next_one_is_served(lane: Lane) -> None:
    go_on = Event()

    async def leave() -> None:
        lane.done(partial(go_on.wait, 5))

    async def ask() -> str:
        return await lane.done(lambda: "served")

    asyncio.run(leave())
    go_on.set()
    assert asyncio.run(ask()) == "served"
