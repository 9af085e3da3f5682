"""The page for monitoring, on loopback: whether the program lives, is ready, and what it counts.

Ready means that the gateway is connected, that the database takes a write, and that what is due
was done not long ago. Nothing here says what people wrote, or in which server.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from msgspec import Struct
from msgspec.structs import asdict

from bot.metrics import Prometheus
from storage import policy as installation
from storage import posts

if TYPE_CHECKING:
    from bot.client import Stipend

log = logging.getLogger(__name__)

LOOPBACK: Final = "127.0.0.1"
PROBED_AGAIN_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 3.0
"""How long the database may take for a tiny write, others waiting before it included."""
STOPPED_WITHIN_SECONDS: Final = 1.0
LONGEST_TICK_SECONDS: Final = 60.0
INTERVALS: Final = 4


class State(Struct, frozen=True):
    """What is not well, in words; empty where it is."""

    gateway: str = ""
    database: str = ""
    tick: str = ""

    @property
    def is_ready(self) -> bool:
        """Whether everything is well."""
        return not (self.gateway or self.database or self.tick)

    def words(self) -> dict[str, str]:
        """Return each part with what is to be said of it."""
        return {name: text or "ok" for name, text in asdict(self).items()}


class Health:
    """How one bot is."""

    def __init__(self, bot: Stipend, metrics: Prometheus) -> None:
        self._bot = bot
        self.metrics = metrics
        seconds = bot.settings.tick_seconds
        self._longest = max(LONGEST_TICK_SECONDS, float(INTERVALS * seconds))
        self._probe: asyncio.Task[str] | None = None
        self._probed_at = -math.inf
        self._is_closed = False

    async def close(self) -> None:
        """Write no more, and wait for what is being written: the database is closed next."""
        self._is_closed = True
        if self._probe is not None:
            await asyncio.wait({self._probe}, timeout=ANSWER_SECONDS)

    async def state(self) -> State:
        """Return how it is now; what the database said holds for some seconds."""
        return State(self._gateway(), await self._database(), self._tick())

    async def gauges(self) -> dict[str, float]:
        """Return what is measured only when somebody asks."""
        state = await self.state()
        found = {
            "ready": float(state.is_ready),
            "gateway_up": float(not state.gateway),
            "servers": float(len(self._bot.guilds)),
        }
        if not state.gateway:
            found["gateway_latency_seconds"] = self._bot.latency
        if not state.database:
            found |= await self._outbox()
        return found

    def _gateway(self) -> str:
        # Without a living connection there is no latency, on any of the shards.
        if self._bot.is_ready() and math.isfinite(self._bot.latency):
            return ""
        return "not connected"

    def _tick(self) -> str:
        age = self.metrics.tick_age
        if age is None:
            return "there was none yet"
        return "" if age < self._longest else f"the last one was {age:.0f} s ago"

    async def _database(self) -> str:
        """Return what a tiny write said; there is never a second one at the same time."""
        if self._is_closed:
            return "closed"
        now = asyncio.get_running_loop().time()
        is_old = now - self._probed_at > PROBED_AGAIN_SECONDS
        if self._probe is None or (self._probe.done() and is_old):
            self._probed_at = now
            self._probe = asyncio.create_task(self._write())
        # Not cancelled: a statement that is given up half-way costs the connection.
        await asyncio.wait({self._probe}, timeout=ANSWER_SECONDS)
        return self._probe.result() if self._probe.done() else "a write takes too long"

    async def _write(self) -> str:
        try:
            now = self._bot.clock().isoformat()
            await self._bot.db.express(partial(installation.set_meta, name="alive", value=now))
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing can be written
            log.warning("the database takes no write: %s", type(error).__name__)
            return f"takes no write ({type(error).__name__})"
        return ""

    async def _outbox(self) -> dict[str, float]:
        try:
            waiting = await self._bot.db.peek(posts.waiting)
        except Exception as error:  # noqa: BLE001 - the other figures are still worth reading
            log.warning("the outbox cannot be read: %s", type(error).__name__)
            return {}
        age = 0.0
        if waiting.oldest_at is not None:
            age = max((self._bot.clock() - waiting.oldest_at).total_seconds(), 0.0)
        return {
            "outbox_waiting": waiting.new,
            "outbox_updates_waiting": waiting.updates,
            "outbox_oldest_seconds": age,
        }


class Page:
    """`/healthz`, `/readyz` and `/metrics`; it outlives the bots that follow each other."""

    def __init__(self) -> None:
        self.health: Health | None = None
        self.port = 0
        self._runner: Any = None

    def show(self, bot: object) -> None:
        """Speak of a bot from here on."""
        health = getattr(bot, "health", None)
        self.health = health if isinstance(health, Health) else None

    async def open(self, port: int) -> None:
        """Listen on loopback; 0 for any free port. Raises `OSError` where that is taken."""
        # Loaded where somebody watches only.
        from aiohttp import web

        app = web.Application()
        for path, answer in (
            ("/healthz", self._healthz),
            ("/readyz", self._readyz),
            ("/metrics", self._metrics),
        ):
            app.router.add_get(path, _handler(web, answer))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=STOPPED_WITHIN_SECONDS)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, LOOPBACK, port).start()
        except OSError:
            await self.close()
            raise
        self.port = self._runner.addresses[0][1]

    async def close(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()

    async def _healthz(self) -> Answer:
        return Answer(HTTPStatus.OK, b"ok\n")

    async def _readyz(self) -> Answer:
        if self.health is None:
            return STARTING
        state = await self.health.state()
        lines = "".join(f"{name}: {words}\n" for name, words in state.words().items())
        status = HTTPStatus.OK if state.is_ready else HTTPStatus.SERVICE_UNAVAILABLE
        return Answer(status, lines.encode())

    async def _metrics(self) -> Answer:
        if self.health is None:
            return STARTING
        text, kind = self.health.metrics.text(**await self.health.gauges())
        return Answer(HTTPStatus.OK, text, kind)


class Answer(NamedTuple):
    """What the page says."""

    status: HTTPStatus
    body: bytes
    kind: str = "text/plain; charset=utf-8"


STARTING: Final = Answer(HTTPStatus.SERVICE_UNAVAILABLE, b"starting\n")


def _handler(web: Any, answer: Callable[[], Awaitable[Answer]]) -> Any:
    async def handle(_request: Any) -> Any:
        said = await answer()
        headers = {"Content-Type": said.kind, "Cache-Control": "no-store"}
        return web.Response(status=said.status, body=said.body, headers=headers)

    return handle
