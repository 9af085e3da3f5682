"""Who is using something that is to be closed: it is closed when they are through.

A statement that waits while the thread of its connection ends is never answered, and a task that
waits for it can be cancelled once only: a program that closes under its tasks may never end.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

PATIENCE_SECONDS: Final = 2.0
LETTING_GO_SECONDS: Final = 2.0


class Usage:
    """The tasks that use something; once it is over, nobody may begin."""

    def __init__(self) -> None:
        self._tasks: Counter[asyncio.Task[Any]] = Counter()
        self._one_is_through = asyncio.Event()
        self.is_over = False

    @contextmanager
    def one(self) -> Iterator[None]:
        """Note that the running task uses it."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks[task] += 1
        try:
            yield
        finally:
            self._tasks[task] -= 1
            if not self._tasks[task]:
                del self._tasks[task]
            self._one_is_through.set()

    async def idle(self, seconds: float = PATIENCE_SECONDS) -> bool:
        """Wait for so long until nobody else uses it; return whether that is so."""
        try:
            async with asyncio.timeout(seconds):
                while self._others():
                    self._one_is_through.clear()
                    await self._one_is_through.wait()
        except TimeoutError:
            return False
        return True

    async def end(self) -> None:
        """Let nobody begin; wait for those who use it, then cancel them and wait once more."""
        self.is_over = True
        if await self.idle():
            return
        for task in self._others():
            task.cancel()
        await self.idle(LETTING_GO_SECONDS)

    def _others(self) -> list[asyncio.Task[Any]]:
        return [task for task in self._tasks if task is not asyncio.current_task()]
