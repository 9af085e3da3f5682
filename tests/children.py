"""The environment of demos that tests start as programs."""

from __future__ import annotations

import os

MEASURING = "COVERAGE_PROCESS_CONFIG"


def environment(**more: str) -> dict[str, str]:
    """Return this process's environment with `more`, without the measuring of coverage.

    A traced program needs two to three times the time, and what it runs is reached by tests in
    this process too.
    """
    return {name: value for name, value in os.environ.items() if name != MEASURING} | more
