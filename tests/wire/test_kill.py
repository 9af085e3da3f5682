"""The program killed with SIGKILL between its commit and its answer, then started again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.services import history
from tests.databases import assert_whole, database_of, on_a_file
from tests.wire.fake_discord import (
    COMMITTEE,
    COMMITTEE_ROLE,
    OWNER,
    SERVER,
    SUPPORT,
    FakeDiscord,
)
from tests.wire.program import Program

CAROL, ALICE = 555555555555555551, 555555555555555552


@asynccontextmanager
async def a_server_with_an_open_round(tmp_path: Path) -> AsyncIterator[Program]:
    async with FakeDiscord() as fake:
        program = Program(fake, tmp_path, is_traced=False)
        await program.start()
        now = time.time()
        for name, value in (
            ("support_channel", str(SUPPORT)),
            ("committee_channel", str(COMMITTEE)),
            ("committee_role", str(COMMITTEE_ROLE)),
            ("cap", "1000"),
            ("hourly_rate", "5"),
        ):
            number = await fake.press(
                "settings set", {"name": name, "value": value}, user=OWNER, at=now, roles=()
            )
            await fake.answer_to(number)
        number = await fake.press("round open", {}, user=CAROL, at=now, roles=(COMMITTEE_ROLE,))
        assert "is open" in await fake.answer_to(number)
        number = await fake.press("helper add", {"user": ALICE}, user=OWNER, at=now, roles=())
        assert "is a helper now" in await fake.answer_to(number)
        try:
            yield program
        finally:
            if program.process is not None and program.process.returncode is None:
                await program.stop()


async def settled(program: Program) -> None:
    """Wait until nothing waits in the outbox."""
    for _ in range(200):
        if not program.rows("SELECT 1 FROM posts WHERE state = 'pending'"):
            return
        await asyncio.sleep(0.1)
    pytest.fail("posts are still waiting")


async def assert_record_is_sound(program: Program) -> None:
    database = database_of(program.folder)
    await database.connect()
    async with database.read() as session:
        assert await history.faults(session, SERVER) == []
    await database.close()
    assert_whole(program.url)


@pytest.mark.parametrize(
    "moment",
    (
        pytest.param("answer", id="between commit and answer"),
        pytest.param("card", id="before the card is accepted"),
        pytest.param("card accepted", id="after the card is accepted, before that is known"),
    ),
)
async def test_killed_while_logging_hours_nothing_is_lost_or_doubled(
    tmp_path: Path, moment: str
) -> None:
    async with a_server_with_an_open_round(tmp_path) as program:
        fake = program.fake
        await settled(program)
        ((thread,),) = program.rows("SELECT thread_id FROM rounds")
        assert isinstance(thread, int)

        def is_moment(method: str, path: str) -> bool:
            if moment == "answer":
                return path.endswith("/callback")
            return method == "POST" and path == f"/channels/{thread}/messages"

        hook = program.kill_on(is_moment)
        if moment == "card accepted":
            fake.after_accepting = hook
        else:
            fake.before_accepting = hook
        await fake.press(
            "hours log",
            {"duration": "2h", "note": "answered questions"},
            user=ALICE,
            at=time.time(),
            roles=(),
        )
        await program.died()
        assert program.rows("SELECT number, minutes FROM entries") == [(1, 120)]

        await program.start()
        await settled(program)
        assert program.rows("SELECT number, minutes FROM entries") == [(1, 120)]
        cards = [text.strip() for text in fake.texts(thread) if "helped you" not in text]
        assert cards == ["#1 · 2 h"]
        number = await fake.press("hours list", {}, user=ALICE, at=time.time(), roles=())
        await fake.answer_to(number)
        assert "2 h" in str(fake.answers[number])
        assert await program.stop() == 0
        await assert_record_is_sound(program)


async def test_a_wrong_token_stops_the_program_for_good(tmp_path: Path) -> None:
    async with FakeDiscord(refuse_token=True) as fake:
        program = Program(fake, tmp_path)
        process = await program.start(ready=False)
        assert await asyncio.wait_for(process.wait(), 30) == 78
        assert process.stderr is not None
        assert "stipend: Improper token" in (await process.stderr.read()).decode()


async def test_an_unreachable_discord_is_tried_again_and_the_program_can_be_stopped(
    tmp_path: Path,
) -> None:
    fake = FakeDiscord(port=1)
    program = Program(fake, tmp_path)
    process = await program.start(ready=False)
    assert process.stderr is not None
    while b"connecting again" not in await asyncio.wait_for(process.stderr.readline(), 30):
        pass
    assert await program.stop() == 0


@on_a_file
async def test_a_damaged_database_stops_the_program_before_it_logs_in(tmp_path: Path) -> None:
    async with FakeDiscord() as fake:
        program = Program(fake, tmp_path)
        program.database.write_bytes(b"this is no database" * 1000)
        process = await program.start(ready=False)
        assert await asyncio.wait_for(process.wait(), 30) == 78
        assert process.stderr is not None
        lines = (await process.stderr.read()).decode().splitlines()
        assert [line for line in lines if line.startswith("stipend: database")] == lines
        assert fake.journal == []
