"""Work in a thread with an event loop of its own, so that the loop of the program goes on."""

from __future__ import annotations

import asyncio
import contextvars
import gc
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from threading import Lock
from typing import Any, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Quiet:
    """Time in which nobody searches for garbage.

    A search stops every thread for as long as it takes to go through all that a large piece of
    work holds, again and again; what is in no circle is let go all the same.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._works = 0
        self._searched = False

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Let there be no search until the last work that asked for it is done."""
        with self._lock:
            self._works += 1
            if self._works == 1:
                self._searched = gc.isenabled()
                gc.disable()
        try:
            yield
        finally:
            with self._lock:
                self._works -= 1
                if not self._works and self._searched:
                    gc.enable()


quiet = Quiet()


async def drawn(draw: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
    """Do in a thread what needs no database: drawing, and writing files."""

    def work() -> T:
        with quiet.kept():
            return draw(*args, **options)

    return await asyncio.to_thread(work)


class Unit(Generic[T]):
    """One piece of work; it may wait for nothing that belongs to another event loop.

    A simulated clock (simcord's) holds in its thread too, for the context of the caller is that of
    the work: a timer in it would stand still, so that it sleeps for nothing.
    """

    def __init__(self, work: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._work = work
        self._lock = Lock()
        self._task: asyncio.Task[T] | None = None
        self._is_cancelled = False

    async def done(self, threads: Executor) -> T:
        """Do the work in another thread, and wait for its very end.

        Where the waiting task is cancelled, so is the work, once; its end is waited for all the
        same, so that nothing of it overlaps with what follows.
        """
        context = contextvars.copy_context()
        future = asyncio.get_running_loop().run_in_executor(threads, context.run, self._run)
        cancelled: asyncio.CancelledError | None = None
        while not future.done():
            try:
                await asyncio.wait((future,))
            except asyncio.CancelledError as error:
                cancelled = cancelled or error
                self._cancel()
        if cancelled is None:
            return future.result()
        future.exception()  # an error on the way out is nobody's any more
        raise cancelled

    def _run(self) -> T:
        with quiet.kept():
            return asyncio.run(self._begun())

    async def _begun(self) -> T:
        with self._lock:
            if self._is_cancelled:
                raise asyncio.CancelledError
            self._task = asyncio.current_task()
        try:
            return await self._work()
        finally:
            with self._lock:
                self._task = None

    def _cancel(self) -> None:
        with self._lock:
            if self._task is not None and not self._is_cancelled:
                self._task.get_loop().call_soon_threadsafe(self._task.cancel)
            self._is_cancelled = True
