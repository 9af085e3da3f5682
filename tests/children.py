"""The environment of what tests start as programs."""

from __future__ import annotations

import os

MEASURING = "COVERAGE_PROCESS_CONFIG"
OF_TESTS = ("STIPEND_TEST_POSTGRES",)


def environment(**more: str) -> dict[str, str]:
    """Return this process's environment with `more`, without the measuring of coverage.

    A traced program needs two to three times the time, and what it runs is reached by tests in
    this process too.
    """
    measured = traced(**more)
    measured.pop(MEASURING, None)
    return measured


def traced(**more: str) -> dict[str, str]:
    """Return this process's environment with `more`: the settings of tests are none of it."""
    return {name: value for name, value in os.environ.items() if name not in OF_TESTS} | more
