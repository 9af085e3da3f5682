"""The board on a Discord that keeps its limits: 20 emoji a message, nonces, one edit at a time."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.wire.fake_discord import BOT, OWNER
from tests.wire.program import Program
from tests.wire.test_kill import a_server_with_an_open_round, assert_record_is_sound

MEMBER = 777777777777777771
FIRST_HELPER = 666666666666666601


async def add_helpers(program: Program, count: int, *, expected: str = "is a helper now") -> None:
    for number in range(count):
        pressed = await program.fake.press(
            "helper add", {"user": FIRST_HELPER + number}, user=OWNER, at=time.time(), roles=()
        )
        assert expected in await program.fake.answer_to(pressed)


async def until(program: Program, is_so: Callable[[], bool]) -> None:
    for _ in range(300):
        if is_so():
            return
        await asyncio.sleep(0.1)
    pytest.fail(f"not in time: {program.rows('SELECT * FROM boards')}")


def stands(program: Program, helpers: int) -> Callable[[], bool]:
    """Whether so many helpers stand on posted and pinned boards with their emoji."""

    def is_so() -> bool:
        rows = program.rows(
            "SELECT count(*) FROM places JOIN boards ON boards.id = board_id WHERE pinned "
            "AND seeded_at IS NOT NULL AND removed_at IS NULL AND lost_at IS NULL"
        )
        waiting = program.rows("SELECT 1 FROM posts WHERE state = 'pending'")
        return rows == [(helpers,)] and not waiting

    return is_so


def own_emoji(program: Program) -> dict[int, list[str]]:
    """What the bot put under each message, in order."""
    found: dict[int, list[str]] = {}
    for (message, emoji), kinds in program.fake.reactors.items():
        if BOT in kinds[0]:
            found.setdefault(message, []).append(emoji)
    return found


def requests(program: Program, method: str, part: str) -> Counter[str]:
    return Counter(
        path for verb, path, _ in program.fake.journal if verb == method and part in path
    )


async def test_a_restart_in_the_middle_goes_on_seeding_where_it_ended(tmp_path: Path) -> None:
    async with a_server_with_an_open_round(tmp_path) as program:
        fake = program.fake
        accepted = 0

        def is_tenth(method: str, path: str) -> bool:
            nonlocal accepted
            accepted += method == "PUT" and "/reactions/" in path
            return accepted == 10

        fake.after_accepting = program.kill_on(is_tenth)
        adding = asyncio.create_task(add_helpers(program, 24))
        await program.died()
        before = len(program.rows("SELECT 1 FROM places WHERE seeded_at IS NOT NULL"))
        assert before < 25

        await program.start()
        if not adding.done():  # a slow machine seeds while it adds
            adding.cancel()
            await add_helpers(program, 24, expected="helper")
        await until(program, stands(program, 25))
        placed = own_emoji(program)
        assert [len(emoji) for emoji in placed.values()] == [20, 5]
        assert len({each for emoji in placed.values() for each in emoji}) == 25
        seeded = requests(program, "PUT", "/reactions/")
        assert len(seeded) == 25
        # Only the one whose answer was lost is put again, which changes nothing.
        assert sum(seeded.values()) <= 26
        assert len(requests(program, "PUT", "/pins/")) == 3  # the announcement and two boards
        boards = [row for (row,) in program.rows("SELECT message_id FROM boards ORDER BY position")]
        assert list(placed) == boards
        await asyncio.sleep(2.5)  # further ticks have nothing to do
        assert sum(requests(program, "PUT", "/reactions/").values()) == sum(seeded.values())
        assert await program.stop() == 0
        await assert_record_is_sound(program)


async def test_what_members_added_takes_room_and_the_rest_goes_to_another_message(
    tmp_path: Path,
) -> None:
    async with a_server_with_an_open_round(tmp_path) as program:
        fake = program.fake
        await until(program, stands(program, 1))
        ((thread, message),) = program.rows("SELECT channel_id, message_id FROM boards")
        assert isinstance(thread, int)
        assert isinstance(message, int)
        for emoji in ("💩", "😀", "😁"):
            await fake.react(thread, message, emoji, MEMBER)
        await add_helpers(program, 19)
        await until(program, stands(program, 20))
        assert [len(emoji) for emoji in own_emoji(program).values()] == [17, 3]
        assert program.rows("SELECT capacity FROM boards ORDER BY position") == [(17,), (20,)]
        refused = requests(program, "PUT", "/reactions/")
        assert sum(refused.values()) == 20 + 1  # one refusal was enough


async def test_a_deleted_board_comes_again_as_another_message_and_an_unpinned_one_is_pinned(
    tmp_path: Path,
) -> None:
    async with a_server_with_an_open_round(tmp_path) as program:
        fake = program.fake
        await until(program, stands(program, 1))
        ((thread, message),) = program.rows("SELECT channel_id, message_id FROM boards")
        assert isinstance(thread, int)
        assert isinstance(message, int)
        await fake.delete(thread, message)
        await until(program, lambda: len(program.rows("SELECT 1 FROM boards")) == 2)
        await until(program, stands(program, 1))
        ((new,),) = program.rows("SELECT message_id FROM boards WHERE lost_at IS NULL")
        assert isinstance(new, int)
        assert list(fake.messages[thread]) == [new]
        await fake.unpin(thread, new)
        await until(program, lambda: bool(fake.messages[thread][new]["pinned"]))
        assert list(fake.messages[thread]) == [new]
