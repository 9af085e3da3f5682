"""Reminders as they are stored: one interval at a time, one message that stands."""

from __future__ import annotations

import json

import pytest

from bot.services import outbox, reminders, roster, rounds, settings, threads
from storage import rounds as stored
from tests.databases import same
from tests.services.world import (
    CALL,
    CLOSE,
    DAY,
    GUILD,
    HELPERS,
    HOUR,
    KIM,
    MINUTE,
    MOE,
    ROOT,
    START,
    World,
    twice_at_once,
)

THREAD = 700_000_000_000_000_001


async def opened(town: World, **values: str) -> World:
    """A round that is announced, with its thread, and a reminder every two hours."""
    await town.opened(**{"reminder_hours": "2", **values})
    round_ = await town.round("2026-Q1")
    async with town.db.write() as session:
        await threads.announced(session, round_.id, channel_id=1, message_id=THREAD)
        await threads.threaded(session, round_.id, thread_id=THREAD)
    return town


async def say(world: World, message_id: int) -> None:
    """Note that the newest reminder stands under an id, as delivery does it."""
    newest = (await world.posts("reminder"))[-1]
    async with world.db.write() as session:
        await outbox.sent(session, newest, channel_id=1, message_id=message_id, at=world.now)
        await reminders.replaced(session, newest)


async def skip(world: World) -> None:
    """Note that the newest reminder was not said."""
    async with world.db.write() as session:
        newest = (await world.posts("reminder"))[-1]
        await outbox.failed(session, newest, problem="nobody spoke", state=outbox.SKIPPED)


async def kept(world: World) -> list[tuple[int, str]]:
    return [(json.loads(post.facts)["slot"], post.state) for post in await world.posts("reminder")]


async def is_needed(world: World, *, slot: int, label: str = "2026-Q1") -> bool:
    return await world.see(reminders.is_needed, await world.round(label), slot=slot)


async def last_said(world: World) -> int:
    return await world.see(reminders.last_said, await world.round("2026-Q1"))


async def test_a_reminder_is_stored_for_every_interval_and_for_nothing_else(server: World) -> None:
    await opened(server)
    assert await server.to(START + 2 * HOUR - MINUTE) == []
    (act,) = await server.to(START + 2 * HOUR)
    assert (act.name, act.slot) == ("reminder", 1)
    assert await server.to(START + 3 * HOUR) == []
    assert await kept(server) == [(1, "pending")]
    (post,) = await server.posts("reminder")
    round_ = await server.round("2026-Q1")
    assert (post.name, post.round_id) == (f"reminder:{round_.id}:1", round_.id)
    assert round_.reminders == 1


async def test_what_comes_next_can_be_asked_without_reminders(server: World) -> None:
    await opened(server)
    soon = CALL - HOUR
    act = await server.see(rounds.due, GUILD, now=soon)
    assert act is not None
    assert act.name == "reminder"
    assert await server.see(rounds.due, GUILD, now=soon, with_reminders=False) is None
    act = await server.see(rounds.due, GUILD, now=CALL, with_reminders=False)
    assert act is not None
    assert act.name == "call"


async def test_it_leaves_neither_a_record_row_nor_an_act(server: World) -> None:
    await opened(server)
    before = await server.record()
    for slot in range(1, 6):
        await server.to(START + slot * 2 * HOUR)
    assert await server.record() == before
    round_ = await server.round("2026-Q1")
    assert await server.see(stored.acts_done, round_.id) == frozenset()


async def test_three_days_of_absence_bring_one_reminder(server: World) -> None:
    await opened(server)
    (act,) = await server.to(START + 3 * DAY + HOUR)
    assert (act.slot, act.late, act.skipped) == (36, True, False)
    assert await kept(server) == [(36, "pending")]


async def test_absence_over_the_close_brings_only_one_of_the_new_round(server: World) -> None:
    await opened(server)
    await server.to(CLOSE + DAY + HOUR)
    second = await server.round("2026-Q2")
    (post,) = await server.posts("reminder")
    assert post.name == f"reminder:{second.id}:12"


@pytest.mark.parametrize("hours", (0, 5))
async def test_the_interval_is_that_of_the_pinned_policy_and_0_switches_it_off(
    server: World, hours: int
) -> None:
    await opened(server, reminder_hours=str(hours))
    async with server.db.write() as session:
        await settings.change(session, by=server.by(ROOT), values={"reminder_hours": "1"})
    acts = await server.to(START + 5 * HOUR)
    assert [act.slot for act in acts] == ([1] if hours else [])


async def test_what_was_never_said_is_forgotten_and_what_stands_is_kept(server: World) -> None:
    await opened(server)
    await server.to(START + 2 * HOUR)
    await say(server, THREAD + 1)
    for slot in (2, 3, 4):
        await server.to(START + slot * 2 * HOUR)
        await skip(server)
    assert await kept(server) == [(1, "sent"), (4, "skipped")]
    assert await last_said(server) == THREAD + 1


async def test_the_announcement_counts_as_the_last_word_before_the_first(server: World) -> None:
    await opened(server)
    await server.to(START + 2 * HOUR)
    assert await last_said(server) == THREAD


async def test_the_one_before_is_withdrawn_when_the_next_stands(server: World) -> None:
    await opened(server)
    await server.to(START + 2 * HOUR)
    await say(server, THREAD + 1)
    assert await server.see(reminders.withdrawn, GUILD) == []
    await server.to(START + 4 * HOUR)
    assert await kept(server) == [(1, "sent"), (2, "pending")]
    await say(server, THREAD + 2)
    assert await kept(server) == [(1, "pending"), (2, "sent")]
    (earlier,) = await server.see(reminders.withdrawn, GUILD)
    assert earlier.message_id == THREAD + 1
    assert not await is_needed(server, slot=1)
    assert await is_needed(server, slot=2)


@pytest.mark.parametrize("how", ("close", "void"))
async def test_none_stands_when_its_round_ends_even_one_that_is_being_said(
    server: World, how: str
) -> None:
    await opened(server)
    await server.to(START + 2 * HOUR)
    being_said = (await server.posts("reminder"))[0]
    await (server.close() if how == "close" else server.void())
    async with server.db.write() as session:
        await outbox.sent(session, being_said, channel_id=1, message_id=5, at=server.now)
    (post,) = await server.see(reminders.withdrawn, GUILD)
    assert post.message_id == 5
    assert not await is_needed(server, slot=1)


async def test_the_one_that_stands_is_withdrawn_at_the_close(server: World) -> None:
    await opened(server)
    await server.to(START + 2 * HOUR)
    await say(server, THREAD + 1)
    await server.to(START + 4 * HOUR)
    await skip(server)
    await server.close()
    assert await kept(server) == [(1, "pending"), (2, "skipped")]


async def test_a_round_that_is_open_again_goes_on_counting(server: World) -> None:
    await opened(server)
    await server.to(START + 2 * HOUR)
    await server.close()
    server.now += HOUR
    await server.do(rounds.reopen, KIM, reason="too early")
    assert await server.to(START + 4 * HOUR - MINUTE) == []
    (act,) = await server.to(START + 4 * HOUR)
    assert act.slot == 2


async def test_none_is_needed_without_a_thread_or_without_anybody_on_the_board(
    server: World,
) -> None:
    await opened(server)
    await server.to(START + 2 * HOUR)
    assert await is_needed(server, slot=1)
    async with server.db.write() as session:
        await threads.lost(session, GUILD, thread_id=THREAD, at=server.now)
    assert not await is_needed(server, slot=1)
    async with server.db.write() as session:
        await threads.threaded(session, (await server.round("2026-Q1")).id, thread_id=THREAD)
    assert await is_needed(server, slot=1)
    for helper in HELPERS:
        await server.do(roster.remove, MOE, user_id=helper.user_id, reason="a test")
    assert not await is_needed(server, slot=1)


async def test_none_is_needed_while_the_thread_is_not_there_yet(server: World) -> None:
    await server.opened(reminder_hours="2")
    await server.to(START + 2 * HOUR)
    assert not await is_needed(server, slot=1)


async def test_other_servers_are_left_alone(server: World) -> None:
    await opened(server)
    other = server.elsewhere()
    await other.opened(reminder_hours="2")
    for world in (server, other):
        await world.to(START + 2 * HOUR)
    await say(server, THREAD + 1)
    await other.close()
    assert await kept(server) == [(1, "sent")]
    assert await kept(other) == [(1, "pending")]


async def test_two_processes_store_one_reminder(server: World) -> None:
    await opened(server)
    other = World(same(server.db), now=server.now)
    await other.db.connect()
    try:
        both = await twice_at_once(
            lambda: server.to(START + 2 * HOUR), lambda: other.to(START + 2 * HOUR)
        )
    finally:
        await other.db.close()
    assert sorted(len(acts) for acts in both if isinstance(acts, list)) == [0, 1]
    assert await kept(server) == [(1, "pending")]
