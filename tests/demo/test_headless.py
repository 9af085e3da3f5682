"""`python -m bot demo --headless`: the real figures, and what happens when they are missed."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from bot import verify
from bot.__main__ import main
from bot.demo import figures, headless, run, season
from bot.demo.world import open_world
from bot.domain.errors import Refusal

ROOT = Path(__file__).parents[2]
FIGURES = ROOT / "tests" / "data" / "rocketpool_support_hours.csv"
NAME = "stipend-2026-Q1-v1"


def expected() -> dict[str, tuple[int, Decimal]]:
    with FIGURES.open(encoding="utf-8", newline="") as file:
        return {
            row["helper"]: (int(row["minutes"]), Decimal(row["expected_payout"]))
            for row in csv.DictReader(file)
        }


def test_the_quarter_ends_with_the_files_last_column(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    started = time.monotonic()
    code = main(["demo", "--headless", "--out", str(tmp_path / "out")])
    assert time.monotonic() - started < 20

    said = capsys.readouterr().out
    assert code == 0, said
    with (tmp_path / "out" / f"{NAME}.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert {
        line["name"]: (int(line["minutes"]), Decimal(line["amount"])) for line in lines
    } == expected()

    for amount in ("7,089.71", "3,691.61", "2,151.78", "1,810.52", "1,742.35", "1,514.03"):
        assert said.count(amount) == 2  # what the bot pays, and what the file says
    assert "to the cent" in said
    assert "NOT SOUND" not in said
    assert ": sound. Round 2026-Q1, version 1: 6 lines, total 18000.00 USD." in said
    assert "reference 0x5f1c0de" in said


def test_the_written_files_are_the_bots_own(tmp_path: Path) -> None:
    assert run.run(headless=True, folder=tmp_path, port=0) == 0

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"{NAME}.csv",
        f"{NAME}.html",
        f"{NAME}.json",
    ]
    page = (tmp_path / f"{NAME}.html").read_text(encoding="utf-8")
    bundle = json.loads((tmp_path / f"{NAME}.json").read_text(encoding="utf-8"))
    assert bundle["statement_sha256"] in page
    assert "<script" not in page
    assert verify.run(tmp_path / f"{NAME}.json") == 0


def test_a_child_process_writes_below_the_present_folder_and_leaves_nothing_else(
    tmp_path: Path,
) -> None:
    here, temporary = tmp_path / "here", tmp_path / "temporary"
    here.mkdir()
    temporary.mkdir()
    finished = subprocess.run(
        [sys.executable, "-m", "bot", "demo", "--headless"],
        cwd=here,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (finished.returncode, finished.stderr) == (0, "")
    assert [path.name for path in here.iterdir()] == ["stipend-demo"]
    assert list(temporary.iterdir()) == []


def test_a_wrong_amount_ends_with_70_and_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = tmp_path / "changed.csv"
    changed.write_text(FIGURES.read_text(encoding="utf-8").replace("7089.71", "7089.72"))
    monkeypatch.setattr(figures, "FILE", changed)

    assert run.run(headless=True, folder=tmp_path / "out", port=0) == 70
    said = capsys.readouterr().out
    assert "WRONG: Patches gets 7,089.71, the file says 7,089.72." in said
    assert "to the cent" not in said


def test_people_beyond_the_file_and_people_left_out_are_mistakes() -> None:
    statement = "name,minutes,amount\nPatches,64588,7089.71\nSomebody,1,0.50\n"
    sentences = figures.mistakes(figures.compare(statement))
    assert "WRONG: Somebody gets 0.50, the file says nothing." in sentences
    assert "WRONG: poupas has no line, the file says 1,810.52." in sentences
    assert not any("Patches" in sentence for sentence in sentences)


def test_somebody_unknown_has_a_row_in_the_table() -> None:
    (row,) = figures.compare("name,minutes,amount\nSomebody,1,0.50\n")
    assert row.expected is None
    assert any(line.rstrip().endswith("-") for line in headless._table([row]) if "Some" in line)


def test_the_demo_carries_the_same_figures_as_the_tests() -> None:
    assert figures.FILE.read_bytes() == FIGURES.read_bytes()


@pytest.mark.parametrize("shift", range(6))
def test_the_entries_of_a_helper_add_up_to_their_minutes(shift: int) -> None:
    for figure in figures.figures():
        entries = season.parts(figure.minutes, shift)
        assert sum(entries) == figure.minutes
        assert len(entries) == len(season.WHOLE_QUARTER)
        assert min(entries) > 0


async def test_a_refusal_in_the_season_is_not_overlooked() -> None:
    async with open_world() as world:
        with pytest.raises(Exception, match=r"helper") as caught:
            await world.press("Lena", world.support, "hours log", duration="1h", note="x")
        cause = getattr(caught.value, "original", caught.value)
        assert isinstance(cause, Refusal)


async def test_time_passes_from_event_to_event_and_each_comes_in_time() -> None:
    async with open_world() as world:
        assert await world.next_event() is None
        await season.found(world)
        event = await world.next_event()
        assert event is not None
        assert (event.name, event.label, event.at) == ("call", "2026-Q1", season.at(3, 15))

        passed = await world.move(season.at(4, 1) + timedelta(days=91))
        assert [event.name for event in passed][:3] == ["call", "close", "compute"]
        said = [message.content for message in world.support.threads[0].history()]
        assert not any("comes late" in words for words in said)
