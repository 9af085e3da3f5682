"""How PostgreSQL is driven, so that the rules hold on it as they do on SQLite.

A write transaction begins with one advisory lock, in whatever process it runs: there is one writer
at a time, and each of its statements sees all that is committed. A read transaction sees one
moment throughout and can write nothing.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from itertools import count
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, NullPool, Pool, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

WRITERS = 0x5374_6970_656E_6431
"""The number of the advisory lock of writers, in the database it protects."""

LIKE = "sqlite+aiosqlite:///stipend.db or postgresql+asyncpg://user:PASSWORD@host/stipend"
HIGHEST_PORT = 65_535
NAMES = frozenset({"postgres", "postgresql", "postgresql+asyncpg"})
CONNECT_SECONDS = 10
ANSWER_SECONDS = 90
"""After so long without an answer the server is taken for gone."""

LIMITS = {
    "application_name": "stipend",
    "jit": "off",
    "lock_timeout": "10s",
    "statement_timeout": "60s",
    "idle_in_transaction_session_timeout": "5min",
}
UNLIMITED = {
    **LIMITS,
    "lock_timeout": "10min",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}

STOPPED_AFTER = "20s"
"""A writer that is stopped in the middle must not stop all others: the server ends it."""

_POOL = {
    "pool_size": 5,
    "max_overflow": 5,
    "pool_timeout": CONNECT_SECONDS,
    "pool_pre_ping": True,
}

_programs = count(1)

_BEGIN = text(
    "SELECT set_config('idle_in_transaction_session_timeout', :stopped, true), "
    f"pg_advisory_xact_lock({WRITERS})"
)

PASSING = frozenset({"40001", "40P01", "53300", "57P01", "57P02", "57P03"})
"""States after which the same may succeed, beside those of a lost connection (class 08)."""

USABLE = text(
    "SELECT current_setting('server_encoding'), current_setting('transaction_read_only') = 'on'"
)


def address(written: str) -> URL:
    """Return an address as the driver takes it: PostgreSQL's own spelling differs a little.

    Raises `ValueError` for what is none, with a line that shows nothing of it: whatever is wrong
    may be a part of the password.
    """
    url = _parsed(written)
    if url.get_backend_name() != "sqlite" and written.count("@") > 1:
        raise ValueError(
            "the database URL has more than one @: within a name or a password write %40 for it, "
            "%2F for a slash, %3A for a colon and %25 for a percent sign"
        )
    if url.drivername not in NAMES:
        return url
    query = {("ssl" if name == "sslmode" else name): value for name, value in url.query.items()}
    return url.set(drivername="postgresql+asyncpg", query=query)


def _parsed(written: str) -> URL:
    url: URL | None = None
    try:
        url = make_url(written)
    except ArgumentError as error:
        raise ValueError(f"the database URL cannot be read: write one like {LIKE}") from error
    except ValueError:
        pass  # its text repeats what stands in the place of the port
    if url is None or (url.port is not None and not 0 < url.port <= HIGHEST_PORT):
        raise ValueError(
            f"the database URL needs a number from 1 to {HIGHEST_PORT} as its port, or none: "
            f"write one like {LIKE}"
        )
    return url


def shown(url: URL) -> str:
    """Return an address for people, without the password, wherever in it that stands."""
    secret = {name: "***" for name in url.query if "password" in name.lower()}
    return url.update_query_dict(secret).render_as_string(hide_password=True)


def application() -> str:
    """Return a name for the connections of one program, which the server shows and can end."""
    return f"stipend {socket.gethostname()[:24]}:{os.getpid()}:{next(_programs)}"


def connecting(url: URL, **options: Any) -> AsyncEngine:
    """Return an engine that is nothing but what is asked for."""
    from sqlalchemy.ext.asyncio import create_async_engine

    return create_async_engine(url, **options)


def engine(url: URL, *, name: str, pool: type[Pool] | None = None) -> AsyncEngine:
    """Return the engine of the program: at most ten connections, each tried before it is used.

    With another `pool` how many there are is its own matter.
    """
    made = connecting(
        url,
        **(_POOL if pool is None else {"poolclass": pool}),
        connect_args=_arguments({**LIMITS, "application_name": name}, ANSWER_SECONDS),
    )
    event.listen(made.sync_engine, "begin", _begin)
    return made


def patient_engine(url: URL) -> AsyncEngine:
    """Return an engine for migrations: a long one may take its time, and the others wait for it."""
    made = connecting(url, poolclass=NullPool, connect_args=_arguments(UNLIMITED, None))
    event.listen(made.sync_engine, "begin", _begin)
    return made


def options(*, writes: bool) -> dict[str, Any]:
    """Return what the transactions of readers and writers are."""
    if writes:
        return {"stipend_writes": True, "isolation_level": "READ COMMITTED"}
    return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


async def unusable(connection: AsyncConnection) -> str | None:
    """Return why a database that can be reached cannot be used, None where it can."""
    encoding, is_read_only = (await connection.execute(USABLE)).one()
    if encoding != "UTF8":
        return f"its encoding is {encoding}; create it with ENCODING 'UTF8' TEMPLATE template0"
    if is_read_only:
        return "it is read-only, as a standby is; name the primary server"
    return None


def is_passing(error: DBAPIError) -> bool:
    """Whether the same may succeed a moment later: a lost connection, a deadlock, a full server."""
    state = str(getattr(error.orig, "sqlstate", None) or "")
    return error.connection_invalidated or state in PASSING or state.startswith("08")


def _arguments(settings: Mapping[str, str], answer: float | None) -> dict[str, Any]:
    return {
        "timeout": CONNECT_SECONDS,
        "command_timeout": answer,
        "server_settings": dict(settings),
    }


def _begin(connection: Connection) -> None:
    if connection.get_execution_options().get("stipend_writes", False):
        connection.execute(_BEGIN, {"stopped": STOPPED_AFTER})
