"""Whatever goes wrong with a request: each post stands once, and what is refused rests."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import discord
import pytest

from bot.jobs import marks
from tests.services.world import ADA, CLOSE, DAY, HOUR, MINUTE
from tests.wire import faults
from tests.wire.fake_discord import COMMITTEE, SUPPORT
from tests.wire.faults import ALWAYS, Answer
from tests.wire.program import ROOT
from tests.wire.town import Town, a_town, until

LONGER = 10 * MINUTE
NOTHING = timedelta(0)


def waiting(town: Town) -> list[str]:
    """The kinds of what waits to be said."""
    return [kind for (kind,) in town.rows("SELECT kind FROM posts WHERE state = 'pending'")]


def cards(town: Town) -> list[str]:
    """The titles of the cards in the thread, without their marks."""
    found = (marks.unmarked(text).strip() for text in town.fake.texts(town.thread))
    return [text for text in found if text.startswith("#")]


@pytest.mark.parametrize("later", (NOTHING, LONGER, 3 * DAY), ids=("at once", "minutes", "days"))
async def test_a_post_whose_answer_is_lost_stands_once_within_and_beyond_the_nonce_window(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, later: timedelta
) -> None:
    async with a_town(tmp_path, monkeypatch) as town:
        await town.world.log(ADA, "1h")
        town.fake.loses_first_answers = True
        for _ in range(8):
            await town.tick(later)
            if later:
                town.fake.forget_nonces()
        assert waiting(town) == []
        assert town.fake.lost >= 3  # the announcement, the board and the card at least
        standing = town.marks()
        assert sorted(standing) == sorted(set(standing))
        assert cards(town) == ["#1 · 1 h"]
        ((sent,),) = town.rows("SELECT count(*) FROM posts WHERE state = 'sent'")
        assert len(standing) == sent


@pytest.mark.untraced
async def test_a_repeat_is_found_among_thousands_of_later_messages_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_town(tmp_path, monkeypatch) as town:
        await town.tick()
        lost = town.fake.fail(faults.reset, method="POST", part="/messages", is_accepted=True)
        assert "logged" in await town.log()
        await until(lambda: lost.met and waiting(town) == ["card"])
        thread = town.thread
        newest = max(town.fake.messages[thread])
        for number in range(1, 2001):
            town.fake.write(thread, newest + number, author=5000)
        town.fake.forget_nonces()
        await town.tick(DAY)
        assert waiting(town) == []
        assert cards(town) == ["#1 · 1 h"]


@pytest.mark.parametrize(
    "answer",
    (
        pytest.param(faults.rate_limited("user", 0.05), id="429 user"),
        pytest.param(faults.rate_limited("shared", 0.05), id="429 shared"),
        pytest.param(faults.rate_limited("global", 0.05), id="429 global"),
        pytest.param(faults.error(503), id="503"),
        pytest.param(faults.page(503), id="503 HTML"),
        pytest.param(faults.page(429), id="429 HTML"),
        pytest.param(faults.page(403), id="403 HTML"),
        pytest.param(faults.reset, id="reset"),
    ),
)
async def test_a_fault_of_discord_or_the_network_delays_a_post_and_nobody_is_told_to_do_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Answer
) -> None:
    async with a_town(tmp_path, monkeypatch) as town:
        await town.tick()
        fault = town.fake.fail(answer, method="POST", part=f"/channels/{town.thread}/messages")
        assert "logged" in await town.log()
        await until(lambda: fault.met)
        await town.tick()
        assert (waiting(town), cards(town)) == ([], ["#1 · 1 h"])
        assert town.rows("SELECT 1 FROM posts WHERE kind = 'notice'") == []


@pytest.mark.parametrize("status", (500, 502, 504))
async def test_what_the_library_repeats_by_itself_stands_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    async with a_town(tmp_path, monkeypatch) as town:
        await town.tick()
        town.fake.fail(
            faults.error(status), method="POST", part=f"/{town.thread}/messages", is_accepted=True
        )
        assert "logged" in await town.log()
        await until(lambda: waiting(town) == [])
        assert cards(town) == ["#1 · 1 h"]


@pytest.mark.parametrize(
    "answer",
    (
        pytest.param(faults.error(403, 50_013, "Missing Permissions"), id="forbidden"),
        pytest.param(faults.error(404, 10_003, "Unknown Channel"), id="gone"),
    ),
)
async def test_a_channel_that_refuses_is_asked_once_the_committee_told_once_and_the_rest_parked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Answer
) -> None:
    async with a_town(tmp_path, monkeypatch) as town:
        refusing = town.fake.fail(
            answer, method="POST", part=f"/channels/{SUPPORT}/messages", times=ALWAYS
        )
        for _ in range(10):
            await town.tick(MINUTE)
        assert refusing.met == 1
        assert town.rows("SELECT DISTINCT state FROM posts WHERE kind = 'announcement'") == [
            ("parked",)
        ]
        notices = [text for text in town.fake.texts(COMMITTEE) if "Discord refuses" in text]
        assert len(notices) == 1
        town.fake.faults.clear()
        await town.bot.ticker._wake()  # as after a start, or `/setup`
        await town.tick(MINUTE)
        assert town.rows("SELECT 1 FROM posts WHERE state = 'parked'") == []
        assert len(town.marks()) == len(set(town.marks()))


async def test_an_archived_thread_is_opened_again_for_edits_and_reactions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_town(tmp_path, monkeypatch) as town:
        await town.tick()
        await town.log()
        await until(lambda: cards(town))
        town.fake.archived.add(town.thread)
        number = await town.fake.press(
            "hours edit",
            {"entry": "1", "duration": "2h"},
            user=ADA.user_id,
            at=town.world.now.timestamp(),
            roles=(),
        )
        await town.fake.answer_to(number)
        await until(lambda: cards(town) == ["#1 · 2 h"])
        assert town.thread not in town.fake.archived
        await town.fake.archive(town.thread)
        await until(lambda: town.thread not in town.fake.archived)


# ---------------------------------------------------------------- clocks


async def test_three_days_asleep_over_a_close_there_is_one_close_and_each_post_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_town(tmp_path, monkeypatch) as town:
        await town.tick()
        town.world.now = CLOSE - DAY
        await town.log()
        await town.tick()
        for later in (3 * DAY, -2 * HOUR, 2 * HOUR, -DAY, DAY):  # the clock is set, too
            await town.tick(later)
        assert await town.world.all_rounds() == [("2026-Q1", "draft"), ("2026-Q2", "open")]
        for action in ("round.closed", "round.counted", "round.drafted"):
            found = town.rows(f"SELECT count(*) FROM record WHERE action = '{action}'")
            assert found == [(1,)], action
        assert waiting(town) == []
        assert len(town.marks()) == len(set(town.marks()))
        ((sent,),) = town.rows("SELECT count(*) FROM posts WHERE state = 'sent'")
        assert len(town.marks()) == sent


# ---------------------------------------------------------------- marks


def test_only_the_outbox_says_something_by_itself() -> None:
    said = re.compile(r"\.(send|reply|send_message|execute_webhook)\(")
    found = {
        f"{file.relative_to(ROOT)}: {line.strip()}"
        for folder in ("bot", "cogs")
        for file in (ROOT / folder).rglob("*.py")
        if "demo" not in file.parts
        for line in file.read_text(encoding="utf-8").splitlines()
        if said.search(line) and "response." not in line and "followup." not in line
    }
    marked = 'return await channel.send(nonce=f"stipend-{post.id}", **message.send())'
    assert {line for line in found if ".send()" not in line or "channel" in line} == {
        f"bot/jobs/delivery.py: {marked}"
    }


@pytest.mark.parametrize("number", (1, 2, 3, 1023, 123_456_789, (1 << 63) - 1))
def test_a_mark_is_read_back_and_has_no_width(number: int) -> None:
    mark = marks.mark(number)
    assert marks.numbers(f"words{mark}") == {number}
    assert marks.unmarked(f"words{mark}") == "words"
    assert set(mark) <= {"\u200b", "\u200c", "\u2060"}


def test_what_carries_no_mark_or_half_of_one_is_nobodys() -> None:
    half: Callable[[int], str] = lambda number: marks.mark(number)[:-1]  # noqa: E731
    assert marks.numbers("", "words", half(5), "\u2060\u2060", "\u200b\u200c") == frozenset()


async def test_nobody_waits_for_ever_on_a_request_that_is_never_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_town(tmp_path, monkeypatch) as town:
        await town.tick()
        fault = town.fake.fail(method="POST", part=f"/{town.thread}/messages")
        assert "logged" in await town.log()  # what is stored is answered before it is posted
        await until(lambda: fault.met)
        assert waiting(town) == ["card"]
        async with asyncio.timeout(9):
            await town.bot.close()


@pytest.mark.parametrize(
    ("content", "embed", "place"),
    (
        ("words", None, "content"),
        ("", None, "content"),
        ("words", {"title": "title"}, "content"),
        ("x" * 1999, None, ""),
        ("x" * 1999, {"title": "title"}, "title"),
        ("", {"title": "title"}, "title"),
        ("", {"title": "title", "description": "words"}, "description"),
        ("", {"title": "title", "description": "x" * 4095}, "title"),
        ("", {"description": "words", "footer": {"text": "foot"}}, "footer"),
    ),
)
def test_a_message_carries_its_mark_once_however_often_it_is_edited_and_where_there_is_room(
    content: str, embed: dict[str, Any] | None, place: str
) -> None:
    made = discord.Embed.from_dict(embed) if embed is not None else None
    for _ in range(2):
        marked = marks.marked(content, made, 77)
    found = {"content": marked, "title": "", "description": "", "footer": ""}
    if made is not None:
        found |= {"title": made.title or "", "description": made.description or ""}
        found["footer"] = made.footer.text or ""
    assert [where for where, text in found.items() if marks.numbers(text)] == [place] * bool(place)
    assert all(text.count(marks.mark(77)) <= 1 for text in found.values())
    assert len(marked) <= 2000
