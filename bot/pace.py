"""How long to wait before connecting: Discord takes a token away that connects too often.

1000 identifications in 24 hours and the token is reset; the library itself connects again at once
where Discord asks for it or calls a session invalid, however often that happens.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

HOUR: Final = 3600.0
AT_ONCE: Final = 3
"""So many connections in an hour need no wait: a cut is mended while the session still lives."""
FIRST_WAIT: Final = 5.0
LONGEST_WAIT: Final = 60.0
LONGEST_HELD: Final = 60.0
"""Seconds for which a request may be held back where Discord asks for it; what has to wait longer
is given up, with `RateLimited`, and asked for again when Discord permits it."""


def wait_before(recent: int, *, shards: int = 1) -> float:
    """Return the seconds to wait before one more connection after `recent` ones in an hour.

    Each shard connects for itself, so each brings its share.
    """
    over = recent // max(shards, 1) - AT_ONCE
    if over < 0:
        return 0.0
    return min(FIRST_WAIT * 2.0 ** min(over, 10), LONGEST_WAIT) / max(shards, 1)


class Pace:
    """Remembers the connections of the last hour and holds up the next one."""

    def __init__(
        self,
        *,
        shards: int = 1,
        time: Callable[[], float] | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._shards = shards
        self._time = time
        self._sleep = sleep
        self._connected: list[float] = []

    async def keep(self) -> None:
        """Wait as long as the rule says, and remember the connection."""
        time = self._time or asyncio.get_running_loop().time
        now = time()
        self._connected = [at for at in self._connected if now - at < HOUR]
        wait = wait_before(len(self._connected), shards=self._shards)
        self._connected.append(now + wait)
        if wait:
            await self._sleep(wait)


def after_failure(waits: Sequence[float], lived: float, *, first: float, longest: float) -> float:
    """Return the seconds to wait after a run that `lived` so long; `waits` came before it."""
    if not waits or lived > longest:
        return first
    return min(waits[-1] * 2, longest)


def paced(connect: Callable[..., Awaitable[Any]], pace: Pace) -> Callable[..., Awaitable[Any]]:
    """Return a way to connect that keeps the pace."""

    async def connected(*positional: Any, **named: Any) -> Any:
        await pace.keep()
        return await connect(*positional, **named)

    return connected
