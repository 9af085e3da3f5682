"""What goes over the wire when somebody is answered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.services.world import ADA
from tests.wire import faults
from tests.wire.fake_discord import OWNER
from tests.wire.town import Town, a_town


async def use(town: Town, command: str, *, user: int, **options: Any) -> int:
    """Use a command, wait for its answer, and return the interaction's number."""
    number = await town.fake.press(
        command, options, user=user, at=town.world.now.timestamp(), roles=()
    )
    await town.fake.answer_to(number)
    return number


async def test_only_an_answer_with_buttons_is_sent_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_town(tmp_path, monkeypatch) as town:
        words = await use(town, "hours log", user=ADA.user_id, duration="1h", note="@everyone")
        buttons = await use(town, "setup", user=OWNER)
        assert town.fake.answers[words]["flags"] == 64  # for nobody else to see
        assert town.fake.answers[words]["allowed_mentions"] == {"parse": []}
        assert "components" in town.fake.answers[buttons]
        assert town.fake.sent_back == {buttons}


async def test_an_answer_that_discord_refuses_for_a_moment_is_given_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with a_town(tmp_path, monkeypatch) as town:
        await use(town, "hours log", user=ADA.user_id, duration="1h", note="warm")
        refused = town.fake.fail(faults.rate_limited("user", 0.1), method="POST", part="/callback")
        number = await use(town, "hours log", user=ADA.user_id, duration="1h", note="helped")
        assert refused.met == 1
        assert "logged" in town.fake.answers[number]["content"]
        said = [how for how, path, _ in town.fake.journal if f"token{number}" in path]
        assert said == ["POST"]
        assert town.rows("SELECT count(*) FROM entries") == [(2,)]
    assert "incident" not in caplog.text
