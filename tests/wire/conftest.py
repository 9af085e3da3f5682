"""The databases of the programs under test are let go of after each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.databases import let_folders_go


@pytest.fixture(autouse=True)
def _folders() -> Iterator[None]:
    yield
    let_folders_go()
