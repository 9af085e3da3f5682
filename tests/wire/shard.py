"""Runs the unmodified program, impatient: what takes a leader seconds takes it a fraction."""

from __future__ import annotations

import sys

from bot import leader
from bot.__main__ import main
from storage import postgres
from tests.wire import child
from tests.wire.two_servers import SESSIONS_EVERY

leader.EVERY, leader.LEASE, leader.PATIENCE = 0.2, 1.5, 1.5  # type: ignore[misc]
leader.SESSIONS_EVERY = SESSIONS_EVERY  # type: ignore[misc]
postgres.STOPPED_AFTER = "1500ms"
assert child.PORT  # importing it was the point: from then on Discord is the fake one

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
