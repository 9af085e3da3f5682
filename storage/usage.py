"""Who is using something that is to be closed: it is closed when they are through.

A statement that waits while the thread of its connection ends is never answered, and a task that
waits for it can be cancelled once only: a program that closes under its tasks may never end.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AbstractContextManager
from typing import Any, Final

PATIENCE_SECONDS: Final = 2.0
LETTING_GO_SECONDS: Final = 2.0


class Usage:
    """The tasks that use something; once it is over, nobody may begin."""

    def __init__(self) -> None:
        self._tasks: Counter[asyncio.Task[Any]] = Counter()
        self._one_is_through = asyncio.Event()
        self.is_over = False

    def one(self) -> AbstractContextManager[None]:
        """Note that the running task uses it."""
        return _Use(self._tasks, self._one_is_through)

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


class _Use:
    """One use by one task, which is noted at its beginning and forgotten at its end."""

    __slots__ = ("_is_through", "_task", "_tasks")

    def __init__(self, tasks: Counter[asyncio.Task[Any]], is_through: asyncio.Event) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks, self._task, self._is_through = tasks, task, is_through

    def __enter__(self) -> None:
        self._tasks[self._task] += 1

    def __exit__(self, *_raised: object) -> None:
        self._tasks[self._task] -= 1
        if not self._tasks[self._task]:
            del self._tasks[self._task]
        self._is_through.set()
