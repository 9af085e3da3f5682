"""The database that a test of storage works on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import made


@pytest.fixture
def where(tmp_path: Path) -> Iterator[str]:
    """Return the address of an empty database of the kind that tests run on."""
    with made(tmp_path) as url:
        yield url
