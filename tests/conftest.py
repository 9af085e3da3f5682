"""What holds for all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import nullcontext

import coverage
import hypothesis
import pytest

from tests import quick

quick.set_up()

WAITING = ("tests/demo/test_browser", "tests/wire/")
"""Tests that wait for other programs most of their time."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: many tests wait for a browser or another program."""
    return (os.cpu_count() or 1) + 1


# A slow machine is no fault of the rule under test.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let what waits longest begin first, so that it is not what is waited for at the end."""
    items.sort(key=lambda item: not item.nodeid.startswith(WAITING))


@pytest.fixture(autouse=True)
def _quick(request: pytest.FixtureRequest) -> Iterator[None]:
    threads = request.node.get_closest_marker("threads") is not None
    with nullcontext() if threads else quick.without_threads():
        yield


@pytest.fixture(autouse=True)
def _measured(request: pytest.FixtureRequest) -> Iterator[None]:
    """Measure coverage, except of tests marked `untraced`: tracing takes more than half the time.

    They go once more, as a person or as an attacker, through what others have measured.
    """
    measuring = coverage.Coverage.current()
    if measuring is None or request.node.get_closest_marker("untraced") is None:
        yield
        return
    measuring.stop()
    yield
    measuring.start()
