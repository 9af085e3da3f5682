"""`health`: asks the running program whether it is ready, as a container or a service does."""

from __future__ import annotations

import http.client
import sys
from http import HTTPStatus
from typing import Final

from bot.settings import Settings

READY, TEMPORARY, CONFIGURATION = 0, 75, 78
PATIENCE_SECONDS: Final = 10.0
MOST_BYTES: Final = 1000


def ask(settings: Settings) -> int:
    """Ask and return the exit code: 0 ready, 75 not ready or not running, 78 not configured."""
    port = settings.health_port
    if not port:
        print(
            "stipend: STIPEND_HEALTH_PORT is not set, so there is nothing to ask; set it to a free "
            "port and start the program again",
            file=sys.stderr,
        )
        return CONFIGURATION
    try:
        status, words = _readyz(port)
    except (OSError, http.client.HTTPException) as error:
        reason = str(error) or type(error).__name__
        print(f"stipend: no answer on port {port} ({reason}); is it running?", file=sys.stderr)
        return TEMPORARY
    if status != HTTPStatus.OK:
        print(f"stipend: not ready: {words}", file=sys.stderr)
        return TEMPORARY
    print("ready")
    return READY


def _readyz(port: int) -> tuple[int, str]:
    # Not through a proxy of the environment, which would not find this machine's loopback.
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        said = answer.read(MOST_BYTES).decode(errors="replace")
    finally:
        connection.close()
    return answer.status, "; ".join(line for line in said.splitlines() if not line.endswith(": ok"))
