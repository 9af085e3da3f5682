"""Characters that a database cannot keep come from nowhere: they are left out at the way in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.ui.text import storable
from tests.services.world import ADA
from tests.wire.town import Town, a_town


async def press(town: Town, command: str, **options: Any) -> str:
    """Let Ada use a command; return the answer."""
    number = await town.fake.press(
        command, options, user=ADA.user_id, at=town.world.now.timestamp(), roles=()
    )
    return await town.fake.answer_to(number)


async def test_no_text_and_no_name_brings_a_character_in_that_no_database_keeps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_town(tmp_path, monkeypatch) as town:
        town.fake.called = "A\x00da"
        logged = await press(
            town, "hours log", duration="1\x00h", note="an\x00swered", category="\x00"
        )
        assert "logged" in logged
        assert town.rows("SELECT note, minutes FROM entries") == [("answered", 60)]
        names = {name for (name,) in town.rows("SELECT name FROM people")}
        assert "Ada" in names
        assert not any("\x00" in name for name in names)
        for command, options in (
            ("hours log", {"duration": "\x00", "note": "x"}),
            ("hours log", {"duration": "1h", "note": "x", "evidence": "\x00x"}),
            ("hours edit", {"entry": "\x00", "note": "\x00"}),
            ("hours list", {"round": "2026\x00"}),
            ("dispute open", {"reason": "\x00", "round": "\x00"}),
            ("payout show", {"round": "x\x00"}),
        ):
            answer = await press(town, command, **options)
            assert len(answer) > 20, command
            assert "incident" not in answer, command


def test_only_what_no_database_keeps_is_left_out() -> None:
    kept = "a\n\t\x01\x7f\u202e\U0001f389\uffff"
    is_kept = storable(f"\x00{kept}\ud83c") == kept
    assert is_kept  # half a character cannot be shown where this fails
    sent = {"type": 2, "options": [{"name": "note", "value": "\x00x"}], "nick": None, "on": True}
    assert storable(sent) == {**sent, "options": [{"name": "note", "value": "x"}]}
