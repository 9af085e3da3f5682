"""What the bot counts of its own work, for whoever watches over it.

The parts of the bot call the same small functions whether or not anybody watches: without a port
for monitoring they do nothing, and the library is never loaded.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

OK, REFUSED, INCIDENT = "ok", "refused", "incident"
WRITTEN, KEPT, FAILED = "written", "kept", "failed"

COMMAND_SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 10.0)
"""3 s is where Discord gives a command up."""
TICK_SECONDS: Final = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0)


class Metrics:
    """Counts nothing: what the parts of a bot get where nobody watches."""

    def commanded(self, command: str, result: str, seconds: float) -> None:
        """Count a command by its result (`ok`, `refused`, `incident`) and its time."""

    def reacted(self, result: str, number: int) -> None:
        """Count reactions that were `written`, `kept` in a burst, or `failed` for now."""

    def drifted(self, *, found: int, gone: int) -> None:
        """Count thanks that only a comparison with Discord found, or found gone."""

    def database_failed(self, error: str) -> None:
        """Count an error of the database by the name of its kind."""

    def leading(self, is_leader: bool) -> None:  # noqa: FBT001 - the one fact there is
        """Note whether this process is the one that does what is due by the calendar."""

    @contextmanager
    def tick(self) -> Iterator[None]:
        """Measure one tick."""
        yield


class Prometheus(Metrics):
    """Counts in a registry of its own: two bots in one process are two."""

    def __init__(self) -> None:
        import prometheus_client as client

        # It makes a second series for each, which nobody reads.
        client.disable_created_metrics()  # type: ignore[no-untyped-call]
        self._client = client
        self.registry = registry = client.CollectorRegistry()
        self._born = time.monotonic()
        self._ticked: float | None = None
        self._is_leader = False
        self._commands = client.Counter(
            "stipend_commands", "Commands used", ("command", "result"), registry=registry
        )
        self._command_seconds = client.Histogram(
            "stipend_command_seconds",
            "From a command's arrival to its answer",
            ("command",),
            buckets=COMMAND_SECONDS,
            registry=registry,
        )
        self._reactions = client.Counter(
            "stipend_reactions", "Reactions that came in", ("result",), registry=registry
        )
        self._drift = client.Counter(
            "stipend_reconciliation_drift",
            "Thanks that only a comparison with Discord showed",
            ("kind",),
            registry=registry,
        )
        self._database_errors = client.Counter(
            "stipend_database_errors", "Errors of the database", ("error",), registry=registry
        )
        self._tick_seconds = client.Histogram(
            "stipend_tick_seconds", "Time of a tick", buckets=TICK_SECONDS, registry=registry
        )
        self._gauges = {
            name: client.Gauge(f"stipend_{name}", words, registry=registry)
            for name, words in (
                ("tick_age_seconds", "Since the last complete tick, or the start"),
                ("leader", "Whether this process does what is due by the calendar"),
                ("ready", "Whether gateway, database and tick are well"),
                ("gateway_up", "Whether the gateway is connected"),
                ("gateway_latency_seconds", "From a heartbeat to its answer"),
                ("servers", "Servers the bot is in"),
                ("outbox_waiting", "New messages that wait to be posted"),
                ("outbox_updates_waiting", "Posted messages that wait to be brought up to date"),
                ("outbox_oldest_seconds", "Age of the oldest new message that waits"),
            )
        }
        for result in (WRITTEN, KEPT, FAILED):
            self._reactions.labels(result)
        for kind in ("found", "gone"):
            self._drift.labels(kind)

    # ------------------------------------------------------------ told by the parts of the bot

    def commanded(self, command: str, result: str, seconds: float) -> None:
        """Count a command by its result and its time."""
        self._commands.labels(command, result).inc()
        self._command_seconds.labels(command).observe(seconds)

    def reacted(self, result: str, number: int) -> None:
        """Count reactions by what became of them."""
        self._reactions.labels(result).inc(number)

    def drifted(self, *, found: int, gone: int) -> None:
        """Count thanks that only a comparison with Discord found, or found gone."""
        self._drift.labels("found").inc(found)
        self._drift.labels("gone").inc(gone)

    def database_failed(self, error: str) -> None:
        """Count an error of the database by the name of its kind."""
        self._database_errors.labels(error).inc()

    def leading(self, is_leader: bool) -> None:  # noqa: FBT001 - as above
        """Note whether this process is the one that does what is due by the calendar."""
        self._is_leader = is_leader

    @contextmanager
    def tick(self) -> Iterator[None]:
        """Measure one tick; one that failed was none."""
        began = time.monotonic()
        yield
        self._ticked = time.monotonic()
        self._tick_seconds.observe(self._ticked - began)

    # ------------------------------------------------------------ asked by the page

    @property
    def tick_age(self) -> float | None:
        """Seconds since the last complete tick; None where there was none yet."""
        return None if self._ticked is None else time.monotonic() - self._ticked

    def text(self, **gauges: float) -> tuple[bytes, str]:
        """Return everything as Prometheus reads it, with the type of the content.

        A gauge that is not given is unknown at present.
        """
        age = self.tick_age
        known = {"tick_age_seconds": time.monotonic() - self._born if age is None else age}
        known |= {"leader": float(self._is_leader), **gauges}
        for name, gauge in self._gauges.items():
            gauge.set(known.get(name, float("nan")))
        written = self._client.generate_latest(self.registry)
        return written, self._client.CONTENT_TYPE_LATEST


def made_for(port: int) -> Metrics:
    """Return what counts for a bot whose page for monitoring has this port; 0 for none."""
    return Prometheus() if port else Metrics()
