"""What the bot has to say by itself, and where a round is announced."""

from __future__ import annotations

import json

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.people import Actor
from bot.services import outbox, threads
from storage import posts
from storage.express import Through
from storage.tables import Post
from tests.services.world import ADA, CLOSE, GUILD, World


async def say(world: World, name: str, **facts: object) -> None:
    async with world.db.write() as session:
        await outbox.say(
            session, guild_id=world.guild_id, name=name, kind="notice", at=world.now, facts=facts
        )


async def named(world: World, name: str) -> Post:
    found = await world.see(posts.named, world.guild_id, name)
    assert found is not None
    return found


async def test_what_is_said_twice_under_a_name_is_one_message_with_the_newer_facts(
    town: World,
) -> None:
    await say(town, "greeting", text="hello")
    await say(town, "greeting", text="good morning")
    (post,) = await town.posts()
    assert (post.state, json.loads(post.facts)) == ("pending", {"text": "good morning"})
    assert (post.created_at, post.attempts, post.problem) == (town.now, 0, "")


async def test_what_is_said_once_stays_as_it_was_first_said(town: World) -> None:
    for text in ("hello", "good morning"):
        async with town.db.write() as session:
            await outbox.say_once(
                session, guild_id=GUILD, name="x", kind="notice", at=town.now, facts={"text": text}
            )
    (post,) = await town.posts()
    assert json.loads(post.facts) == {"text": "hello"}


async def test_what_changed_while_it_was_sent_is_brought_up_to_date(town: World) -> None:
    await say(town, "greeting", text="hello")
    being_sent = await named(town, "greeting")
    await say(town, "greeting", text="good morning")
    async with town.db.write() as session:
        await outbox.sent(session, being_sent, channel_id=1, message_id=2, at=town.now)
    post = await named(town, "greeting")
    assert (post.state, post.message_id) == ("pending", 2)


async def test_a_sent_message_is_brought_up_to_date_where_it_stands(town: World) -> None:
    await say(town, "greeting", text="hello")
    async with town.db.write() as session:
        await outbox.sent(
            session, await named(town, "greeting"), channel_id=1, message_id=2, at=town.now
        )
    post = await named(town, "greeting")
    assert (post.state, post.sent_at, post.channel_id, post.message_id) == (
        "sent", town.now, 1, 2,
    )  # fmt: skip
    await say(town, "greeting", text="good morning")
    post = await named(town, "greeting")
    assert (post.state, post.message_id) == ("pending", 2)


async def test_a_skipped_message_stays_skipped(town: World) -> None:
    await say(town, "greeting", text="hello")
    async with town.db.write() as session:
        await outbox.failed(
            session, await named(town, "greeting"), problem="no thread", state=outbox.SKIPPED
        )
    await say(town, "greeting", text="good morning")
    post = await named(town, "greeting")
    assert (post.state, post.attempts, post.problem) == ("skipped", 1, "no thread")


async def test_what_a_channel_refused_waits_with_its_reason_until_tried_again(
    town: World,
) -> None:
    for name in ("a", "b", "c"):
        await say(town, name)
        async with town.db.write() as session:
            await outbox.failed(
                session,
                await named(town, name),
                problem="missing permission" if name != "c" else "no channel",
                state=outbox.PARKED,
            )
    assert await town.see(posts.pending, GUILD) == []
    assert await town.see(outbox.problems, GUILD) == ("missing permission", "no channel")
    assert await town.see(outbox.problems, town.elsewhere().guild_id) == ()
    async with town.db.write() as session:
        await outbox.unpark(Through(session), town.elsewhere().guild_id)
    assert await town.see(outbox.problems, GUILD) != ()
    async with town.db.write() as session:
        await outbox.unpark(Through(session), GUILD)
    assert [post.name for post in await town.see(posts.pending, GUILD)] == ["a", "b", "c"]
    assert await town.see(outbox.problems, GUILD) == ()


async def test_nothing_is_said_of_what_was_rolled_back(town: World) -> None:
    async def fail(session: AsyncSession, *, by: Actor) -> None:
        await outbox.say(session, guild_id=by.guild_id, name="x", kind="notice", at=by.now)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await town.do(fail, ADA)
    assert await town.posts() == []


async def test_servers_have_messages_of_their_own(town: World) -> None:
    other = town.elsewhere()
    await say(town, "greeting", text="here")
    await say(other, "greeting", text="there")
    assert json.loads((await named(town, "greeting")).facts) == {"text": "here"}
    assert json.loads((await named(other, "greeting")).facts) == {"text": "there"}


async def test_a_round_knows_its_announcement_and_its_thread(season: World) -> None:
    round_ = await season.round("2026-Q1")
    assert await season.see(threads.to_keep_open) == []
    async with season.db.write() as session:
        await threads.announced(session, round_.id, channel_id=5, message_id=6)
        await threads.threaded(session, round_.id, thread_id=6)
    found = await season.round("2026-Q1")
    assert (found.channel_id, found.announcement_id, found.thread_id) == (5, 6, 6)
    assert await season.see(threads.to_keep_open) == [(GUILD, 6)]
    async with season.db.write() as session:
        await threads.unannounced(session, round_.id)
    assert (await season.round("2026-Q1")).announcement_id is None


async def test_a_lost_thread_is_not_kept_open_and_a_new_one_is(season: World) -> None:
    round_ = await season.round("2026-Q1")
    async with season.db.write() as session:
        await threads.threaded(session, round_.id, thread_id=6)
        await threads.lost(session, GUILD, thread_id=999, at=season.now)
        await threads.lost(session, season.elsewhere().guild_id, thread_id=6, at=season.now)
    assert await season.see(threads.to_keep_open) == [(GUILD, 6)]
    async with season.db.write() as session:
        await threads.lost(session, GUILD, thread_id=6, at=season.now)
    assert await season.see(threads.to_keep_open) == []
    async with season.db.write() as session:
        await threads.threaded(session, round_.id, thread_id=7)
    assert await season.see(threads.to_keep_open) == [(GUILD, 7)]
    await season.to(CLOSE)
    assert await season.see(threads.to_keep_open) == []
