"""The program killed with SIGKILL at random moments; `make soak` does the same for longer."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.wire.soak import fight

KILLS = 20


@pytest.mark.untraced
async def test_after_20_kills_at_random_nothing_acknowledged_is_missing_and_nothing_is_twice(
    tmp_path: Path,
) -> None:
    seed = int(os.environ.get("FAULTS_SEED", "0")) or random.SystemRandom().randrange(1 << 32)
    print(f"FAULTS_SEED={seed}")  # noqa: T201 - shown with a failure
    campaign = await fight(tmp_path, seed=seed, kills=KILLS)
    assert campaign.kills.total() == KILLS
    assert campaign.logs
