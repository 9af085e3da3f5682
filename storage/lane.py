"""A thread in which one small piece of work is done after another.

An executor of the standard library keeps a future, a lock and a condition of its own for every
piece of work, which cost as much as some statements of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Lane:
    """The thread; it begins with the first work, and again with the first after its end."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._works: SimpleQueue[_Work[Any] | None] | None = None

    def done(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """Return what a piece of work gives when its turn has come.

        It is done also where nobody waits any more.
        """
        if self._works is None:
            works: SimpleQueue[_Work[Any] | None] = SimpleQueue()
            # It keeps no program from ending: what it commits is committed as a whole or not.
            Thread(target=_go, args=(works,), name=self._name, daemon=True).start()
            self._works = works
        given = _Work(work)
        self._works.put(given)
        return given.future

    def end(self) -> None:
        """Let the thread end when it has done what it was given."""
        if self._works is not None:
            self._works.put(None)
            self._works = None


class _Work(Generic[T]):
    """One piece of work and who waits for it."""

    __slots__ = ("_loop", "_work", "future")

    def __init__(self, work: Callable[[], T]) -> None:
        self._loop = asyncio.get_running_loop()
        self._work = work
        self.future: asyncio.Future[T] = self._loop.create_future()

    def do(self) -> None:
        """Do it, in the thread."""
        try:
            result = self._work()
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is for who waits
            self._tell(self._failed, error)
        else:
            self._tell(self._succeeded, result)

    def _tell(self, what: Callable[[Any], None], result: object) -> None:
        with suppress(RuntimeError):  # the loop is closed, and nobody waits
            self._loop.call_soon_threadsafe(what, result)

    def _succeeded(self, result: T) -> None:
        if not self.future.done():
            self.future.set_result(result)

    def _failed(self, error: BaseException) -> None:
        if not self.future.done():
            self.future.set_exception(error)


def _go(works: SimpleQueue[_Work[Any] | None]) -> None:
    while (work := works.get()) is not None:
        work.do()
        del work  # what it holds is let go before the next one comes
