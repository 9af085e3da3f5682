"""`python -m bot demo --headless`: the real figures, and what happens when they are missed."""

from __future__ import annotations

import csv
import json
import resource
import subprocess
import sys
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from bot import verify
from bot.demo import figures, headless, run, season
from bot.demo.world import open_world
from bot.domain.errors import Refusal
from tests.children import environment

ROOT = Path(__file__).parents[2]
FIGURES = ROOT / "tests" / "data" / "rocketpool_support_hours.csv"
NAME = "stipend-2026-Q1-v1"
SAFE = "stipend-2026-Q1-batch-1-safe.json"
HEAD = "name,minutes,voters,hours_amount,tips_amount,amount\n"


def expected() -> dict[str, tuple[int, Decimal]]:
    with FIGURES.open(encoding="utf-8", newline="") as file:
        return {
            row["helper"]: (int(row["minutes"]), Decimal(row["expected_payout"]))
            for row in csv.DictReader(file)
        }


@dataclass
class Played:
    """The demo as a program of its own: what it said, where it wrote, and its processor time."""

    finished: subprocess.CompletedProcess[str]
    here: Path
    temporary: Path
    seconds: float

    @property
    def out(self) -> Path:
        return self.here / "stipend-demo"


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    here, temporary = tmp_path_factory.mktemp("here"), tmp_path_factory.mktemp("temporary")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    finished = subprocess.run(
        [sys.executable, "-m", "bot", "demo", "--headless"],
        cwd=here,
        env=environment(PYTHONPATH=str(ROOT), TMPDIR=str(temporary)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Played(finished, here, temporary, seconds)


def test_it_takes_seconds_writes_below_the_present_folder_and_leaves_nothing_else(
    played: Played,
) -> None:
    assert (played.finished.returncode, played.finished.stderr) == (0, "")
    assert [path.name for path in played.here.iterdir()] == ["stipend-demo"]
    assert list(played.temporary.iterdir()) == []
    assert played.seconds < 20  # of the processor: the machine may be busy with something else


def test_the_quarter_ends_with_the_files_last_column(played: Played) -> None:
    said = played.finished.stdout
    with (played.out / f"{NAME}.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert {
        line["name"]: (int(line["minutes"]), Decimal(line["hours_amount"])) for line in lines
    } == expected()
    # 120.00 and 80.00, and half of that, by voters: 300.00 in parts of 37.
    assert {line["name"]: (int(line["voters"]), line["tips_amount"]) for line in lines} == {
        "Patches": (10, "81.08"),
        "object Object": (7, "56.76"),
        "dEEtoo": (6, "48.65"),
        "poupas": (5, "40.54"),
        "yorickdowne": (6, "48.65"),
        "0xFornax": (3, "24.32"),
    }
    for line in lines:
        parts = (line["hours_amount"], line["tips_amount"])
        assert Decimal(line["amount"]) == sum(map(Decimal, parts))
        assert line["thanks_amount"] == "0.00"

    for amount in ("7,089.71", "3,691.61", "2,151.78", "1,810.52", "1,742.35", "1,514.03"):
        assert said.count(amount) == 2  # what the bot pays, and what the file says
    assert "to the cent" in said
    assert "NOT SOUND" not in said
    assert ": sound. Round 2026-Q1, version 1: 6 lines, total 18300.00 USD." in said
    assert "fewer than 5 people thanked them in 2026-Q1: 0xFornax (3)." in said
    assert "reference 0x5f1c0de" in said
    for told in (
        'Patches has 1 opinion "too high" (1 from other claimants) on 1 entry',
        "No payout address for 1 of 6 lines: 0xFornax.",
        "Batch 1 of 2026-Q1, opened now: 5 payments, 16,761.65 USD, as safe-json.",
        "0xFornax, 1,538.35 USD, reference 0x8c2b71d.",
        "1,851.06 USD → 1,801.06 USD; as it is paid, -50.00 USD is carried to 2026-Q2.",
        "2026-Q2 so far: poupas 70.00 (-50.00 carried over)",
    ):
        assert sum(told in line for line in said.splitlines()) == 1, told
    assert "<@" not in said


def test_the_written_files_are_the_bots_own(played: Played) -> None:
    folder = played.out
    assert sorted(path.name for path in folder.iterdir()) == [
        SAFE,
        f"{NAME}.csv",
        f"{NAME}.html",
        f"{NAME}.json",
    ]
    page = (folder / f"{NAME}.html").read_text(encoding="utf-8")
    bundle = json.loads((folder / f"{NAME}.json").read_text(encoding="utf-8"))
    assert bundle["statement_sha256"] in page
    assert "<script" not in page
    assert verify.run(folder / f"{NAME}.json") == 0
    batch = json.loads((folder / SAFE).read_text(encoding="utf-8"))
    paid = {
        entry["contractInputsValues"]["to"]: int(entry["contractInputsValues"]["value"])
        for entry in batch["transactions"]
    }
    assert set(paid) == set(season.ADDRESSES.values())
    assert sum(paid.values()) == 16_761_650_000  # the token has six decimals
    assert not any(address in page for address in paid)


def test_a_wrong_amount_ends_with_70_and_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = tmp_path / "changed.csv"
    changed.write_text(FIGURES.read_text(encoding="utf-8").replace("7089.71", "7089.72"))
    monkeypatch.setattr(figures, "FILE", changed)

    assert run.run(headless=True, folder=tmp_path / "out", port=0) == 70
    said = capsys.readouterr().out
    assert "WRONG: Patches gets 7,089.71 for hours, the file says 7,089.72." in said
    assert "to the cent" not in said


def test_people_beyond_the_file_and_people_left_out_are_mistakes() -> None:
    statement = f"{HEAD}Patches,64588,3,7089.71,5.00,7094.71\nSomebody,1,0,0.50,0.00,0.50\n"
    sentences = figures.mistakes(figures.compare(statement))
    assert "WRONG: Somebody gets 0.50 for hours, the file says nothing." in sentences
    assert "WRONG: poupas has no line, the file says 1,810.52." in sentences
    assert not any("Patches" in sentence for sentence in sentences)


def test_somebody_unknown_has_a_row_in_the_table() -> None:
    (row,) = figures.compare(f"{HEAD}Somebody,1,0,0.50,0.00,0.50\n")
    assert row.expected is None
    assert any(" - " in line for line in headless._table([row]) if "Some" in line)


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


async def test_the_season_thanks_in_every_way_and_says_so_once() -> None:
    async with open_world() as world:
        await season.play_until_visitors_arrive(world)

        async def voters(helper: str) -> str:
            user = world.people[helper].actor
            answer = await world.press("Noor", world.committee, "audit voters", helper=user)
            return answer.embeds[0].description or ""

        thanked = await voters("Patches")
        assert "**10 voters** so far" in thanked
        assert thanked.count("(Lena) · counts") == 1
        ways = thanked.partition("(Lena)")[2].partition("<@")[0]
        for way in ("reaction on the board", "`/thanks`", "Thank the author"):
            assert way in ways
        assert "(super)" not in thanked
        assert "thanks emoji on a message" in await voters("yorickdowne")
        assert "You know what for." in await voters("object Object")

        few = await voters("0xFornax")
        assert "**3 voters** so far; 1 more does not count" in few
        young, who_took_back = world.people["Nia"].actor, world.people["Sam"].actor
        assert f"{young.mention} · **does not count**" in few
        assert who_took_back.mention not in few

        board = world.board(season.ROUND)
        assert board.pinned
        assert [reaction.count for reaction in board.reactions] == [10, 7, 6, 6, 6, 5]
        in_thread = [message.content for message in world.thread(season.ROUND).history()]
        assert any("Would you like to be on the board" in words for words in in_thread)
        assert any("Found the one missing port" in words for words in in_thread)
        assert not any("You know what for." in words for words in in_thread)
        in_support = [message.content for message in world.support.history()]
        assert sum("Did somebody help you?" in words for words in in_support) == 1


async def test_the_board_turns_over_and_whoever_left_it_comes_back() -> None:
    async with open_world() as world:
        await season.play_until_visitors_arrive(world)
        await world.move(season.at(3, 30))
        (told,) = season.dropped(world)
        assert f"{world.people['0xFornax'].actor.mention} (3)" in told
        assert "`/helper join` puts you there at once" in told
        board = world.board(season.NEXT_ROUND)
        assert "0xFornax" not in (board.embeds[0].description or "")
        assert "poupas" in (board.embeds[0].description or "")  # five are enough
        assert [reaction.count for reaction in board.reactions] == [1] * 5

        await world.press("0xFornax", world.support, "helper join")
        await world.move(world.now)
        board = world.board(season.NEXT_ROUND)
        assert "0xFornax" in (board.embeds[0].description or "")
        assert [reaction.count for reaction in board.reactions] == [1] * 6


async def test_opinions_stand_on_the_card_and_claimants_are_marked() -> None:
    async with open_world() as world:
        await season.play_until_visitors_arrive(world)
        (card,) = world.card(season.ROUND, season.JUDGED).embeds
        said = {field.name: field.value for field in card.fields}
        assert said["Opinions"] == "1 fair, 1 too high (from a claimant)"
        refused = await world.push("Patches", world.card(season.ROUND, "Patches"), "Too low")
        assert "your own" in refused.content


async def test_a_decided_dispute_is_public_and_holds_nothing_that_is_paid() -> None:
    async with open_world() as world:
        await season.play_until_visitors_arrive(world)
        await season.wait_for_the_draft(world)
        warnings = await season.approve_and_publish(world)
        assert warnings[0] == "No payout address for 1 of 6 lines: 0xFornax."
        _, name, _ = await season.hand_over(world)
        assert name == SAFE
        await season.pay(world)
        assert "**1,538.35 USD**" in await season.pay_whoever_was_left_out(world)
        await season.dispute(world)
        told = [message.content for message in world.thread(season.ROUND).history()]
        decided = next(words for words in told if "is decided" in words)
        assert season.DECISION["reason"] in decided
        assert not any(season.DISPUTE["reason"] in words for words in told)
        posted = [message.content for message in world.committee.history()]
        assert any(season.DISPUTE["reason"] in words for words in posted)
        assert "(-50.00 carried over)" in await season.look_ahead(world)


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
