"""The board: who stands where by which emoji, and what becomes of it until the round ends."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from bot.domain import emoji
from bot.domain.errors import Refusal
from bot.domain.people import Person
from bot.domain.states import Helper
from bot.services import boards, outbox, reactions, roster, rounds, settings, threads, votes
from bot.services.boards import Shown
from bot.services.reactions import Event
from storage import boards as stored
from storage import people
from storage.tables import Board, Place, Post
from storage.tables import Person as Seen
from tests.services.world import (
    ADA,
    BEN,
    CLOSE,
    CYD,
    DAY,
    HOUR,
    KIM,
    MINUTE,
    MOE,
    ROOT,
    SAM,
    TOM,
    Who,
    World,
    twice_at_once,
)

CUSTOM = "<:party:123456789012345678>"


async def build(world: World) -> None:
    """Build or mend the board, as every tick does it."""
    if await world.see(boards.due, world.guild_id, now=world.now):
        async with world.db.write() as session:
            await boards.build_due(session, world.guild_id, now=world.now)
    assert not await world.see(boards.due, world.guild_id, now=world.now)


async def write(world: World, verb: Any, *place: Any, **data: Any) -> Any:
    async with world.db.write() as session:
        return await verb(session, *place, **data)


async def standing(world: World, label: str = "2026-Q1") -> list[Board]:
    round_ = await world.round(label)
    return [board for board in await world.see(stored.of_round, round_.id) if board.lost_at is None]


async def places(world: World, label: str = "2026-Q1") -> list[Place]:
    return list(await world.see(stored.places, (await world.round(label)).id))


async def show(world: World, number: int = 0, label: str = "2026-Q1") -> Shown:
    found = await world.see(boards.shown, (await standing(world, label))[number].id)
    assert found is not None
    return found


async def listed(world: World, label: str = "2026-Q1") -> dict[int, str]:
    """Who stands on the board by which emoji."""
    return {
        row.user_id: row.emoji
        for number in range(len(await standing(world, label)))
        for row in (await show(world, number, label)).rows
    }


async def put_up(world: World, *, at: Any = None) -> list[int]:
    """Note that all boards are posted, pinned and seeded; return the ids of their messages."""
    messages = []
    for board in await standing(world):
        if board.message_id is None:
            message_id = 7000 + board.id
            await write(
                world, boards.posted, board.id, channel_id=7, message_id=message_id,
                at=at or world.now,
            )  # fmt: skip
            await write(world, boards.pinned, board.id)
        messages.append(board.message_id or message_id)
    async with world.db.write() as session:
        for post in await world.posts("board"):
            if post.state == "pending":
                await outbox.sent(session, post, channel_id=7, message_id=1, at=world.now)
    for seed in await world.see(stored.to_seed, world.guild_id):
        await write(world, boards.seeded, seed.place_id, at=world.now if seed.wanted else None)
    return messages


async def waiting(world: World) -> list[int]:
    """The boards that are to be said or brought up to date."""
    return [
        json.loads(post.facts)["board"]
        for post in await world.posts("board")
        if post.state == "pending"
    ]


async def crowd(world: World, count: int) -> list[Who]:
    made = [Who(1000 + number, f"Helper {number}") for number in range(count)]
    for who in made:
        await world.do(roster.add, MOE, person=who.person)
    return made


# ---------------------------------------------------------------- emoji


async def test_every_helper_gets_an_emoji_of_their_own(town: World) -> None:
    rows = await town.see(roster.listing, town.guild_id)
    assert [row.emoji for row in rows] == list(emoji.PALETTE[:3])


async def test_a_helper_chooses_an_emoji_in_whatever_spelling(town: World) -> None:
    await town.do(settings.change, ROOT, values={"admission": "open"})
    standing = await town.do(roster.join, SAM, emoji=" ❤️ ")
    assert (standing.emoji, standing.kept_emoji) == ("❤️", "")
    assert "is the emoji of <@51>" in await town.refused(roster.join, TOM, emoji="❤")
    assert (await town.do(roster.add, MOE, person=TOM.person, emoji=CUSTOM)).emoji == CUSTOM


async def test_what_is_taken_is_refused_with_free_ones(town: World) -> None:
    first = emoji.PALETTE[0]
    sentence = await town.refused(roster.add, MOE, person=SAM.person, emoji=first)
    assert sentence == (
        f"{first} is the emoji of <@11>, so another one is needed. "
        f"Without `emoji` it is {emoji.PALETTE[3]}. Free are {' '.join(emoji.PALETTE[3:8])}"
    )
    assert "more than one emoji" in await town.refused(roster.join, SAM, emoji="🙏🙏")


async def test_who_wishes_for_a_taken_emoji_hears_which_is_theirs(town: World) -> None:
    first, second = emoji.PALETTE[:2]
    assert f" Yours stays {second} until then. Free are " in await town.refused(
        roster.join, BEN, emoji=first
    )
    await town.do(roster.leave, CYD)
    own = emoji.PALETTE[2]
    assert f" Without `emoji` it is {own}. " in await town.refused(roster.join, CYD, emoji=first)
    await town.do(roster.join, SAM)
    assert f" Without `emoji` it is {own}. " in await town.refused(roster.join, SAM, emoji=first)


async def test_the_thanks_emoji_stands_for_nobody(town: World) -> None:
    await town.do(settings.change, ROOT, values={"thanks_emoji": emoji.PALETTE[3]})
    assert (await town.do(roster.add, MOE, person=SAM.person)).emoji == emoji.PALETTE[4]
    sentence = await town.refused(roster.join, ADA, emoji=emoji.PALETTE[3])
    assert "thanks the author of a message here" in sentence


async def test_two_helpers_choose_the_same_emoji_at_once_and_one_has_it(season: World) -> None:
    await build(season)
    answers = await twice_at_once(
        lambda: season.do(roster.join, ADA, emoji="🙏"),
        lambda: season.do(roster.join, BEN, emoji="🙏"),
    )
    (refused,) = [answer for answer in answers if isinstance(answer, BaseException)]
    assert isinstance(refused, Refusal)
    assert "🙏 is the emoji of <@1" in str(refused)
    rows = await season.see(roster.listing, season.guild_id)
    assert sorted(row.emoji for row in rows).count("🙏") == 1


async def test_who_leaves_gives_the_emoji_up_and_has_it_again_if_it_is_free(town: World) -> None:
    await town.do(roster.join, ADA, emoji="🙏")
    await town.do(roster.leave, ADA)
    row = await town.see(people.helper, town.guild_id, ADA.user_id)
    assert row is not None
    assert (row.emoji, row.emoji_key) == ("🙏", None)
    assert (await town.do(roster.join, ADA)).emoji == "🙏"
    await town.do(roster.remove, MOE, user_id=ADA.user_id, reason="x")
    await town.do(roster.join, BEN, emoji="🙏")
    assert (await town.do(roster.add, MOE, person=ADA.person)).emoji == emoji.PALETTE[0]


async def test_a_candidate_wishes_for_an_emoji_and_holds_none(town: World) -> None:
    assert (await town.do(roster.join, SAM, emoji="🙏")).emoji == "🙏"
    again = await town.do(roster.join, SAM, emoji="🐌")
    assert (again.is_new, again.emoji) == (False, "🐌")
    assert "is the emoji of <@11>" in await town.refused(roster.join, SAM, emoji=emoji.PALETTE[0])
    await town.do(roster.join, BEN, emoji="🐌")
    admitted = await town.do(roster.vouch, ADA, person=SAM.person)
    assert (admitted.state, admitted.emoji) == (Helper.ACTIVE, emoji.PALETTE[1])
    rows = await town.see(roster.listing, town.guild_id)
    assert [row.emoji for row in rows if row.user_id == BEN.user_id] == ["🐌"]


async def test_where_everything_is_taken_somebody_stays_off_the_board_until_they_choose(
    season: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emoji, "PALETTE", emoji.PALETTE[:3])
    monkeypatch.setattr(emoji, "LETTERS", ())
    await build(season)
    assert (await season.do(roster.add, MOE, person=SAM.person)).emoji == ""
    assert SAM.user_id not in await listed(season)
    sentence = await season.refused(roster.join, SAM, emoji=emoji.PALETTE[0])
    assert sentence.endswith("so another one is needed.")
    await season.do(roster.join, SAM, emoji="🙏")
    assert (await listed(season))[SAM.user_id] == "🙏"


async def test_a_changed_emoji_shows_on_the_next_board_and_the_old_one_stays_taken(
    season: World,
) -> None:
    await build(season)
    old = (await listed(season))[ADA.user_id]
    assert "is your emoji already" in await season.refused(roster.join, ADA, emoji=old)
    await put_up(season)
    changed = await season.do(roster.join, ADA, emoji="🙏")
    assert (changed.emoji, changed.kept_emoji) == ("🙏", old)
    assert (await season.actions())[-1] == "helper.emoji"
    assert (await listed(season))[ADA.user_id] == old
    assert await waiting(season) == []
    assert "is the emoji of <@11>" in await season.refused(roster.join, BEN, emoji=old)
    back = await season.do(roster.join, ADA, emoji=old)
    assert (back.emoji, back.kept_emoji) == (old, "")
    await season.do(roster.join, ADA, emoji="🙏")
    await season.to(CLOSE)
    await build(season)
    assert (await listed(season, "2026-Q2"))[ADA.user_id] == "🙏"
    await season.do(roster.join, BEN, emoji=old)


async def test_emoji_of_another_server_are_of_no_concern(season: World) -> None:
    other = season.elsewhere()
    await other.set_up()
    rows = await other.see(roster.listing, other.guild_id)
    assert [row.emoji for row in rows] == list(emoji.PALETTE[:3])
    await build(season)
    await build(other)
    assert await other.posts("board") == []
    assert len(await season.posts("board")) == 1


# ---------------------------------------------------------------- building


async def test_the_first_board_is_built_at_once_with_everybody_on_it(season: World) -> None:
    await build(season)
    assert await listed(season) == dict(
        zip([ADA.user_id, BEN.user_id, CYD.user_id], emoji.PALETTE, strict=False)
    )
    board = await show(season)
    assert [row.name for row in board.rows] == ["Ada", "Ben", "Cyd"]
    assert (board.is_first, board.is_open, board.is_pinned, board.others) == (
        True, True, False, False,
    )  # fmt: skip
    assert board.label == "2026-Q1"
    row = (await season.record())[-1]
    assert (row.action, row.subject, row.data["helpers"]) == (
        "board.built", "round:2026-Q1", 3,
    )  # fmt: skip
    before = await season.posts()
    await build(season)
    assert len(await season.posts()) == len(before)


async def test_nothing_is_built_without_a_round(town: World) -> None:
    await build(town)
    assert await town.posts("board") == []


async def test_the_next_board_waits_for_the_count_but_not_for_ever(season: World) -> None:
    await build(season)
    await put_up(season)
    season.now = CLOSE
    async with season.db.write() as session:
        await rounds.advance(session, season.guild_id, now=season.now)
    await build(season)
    assert await standing(season, "2026-Q2") == []
    assert await waiting(season) == []
    season.now = CLOSE + 10 * MINUTE
    await build(season)
    assert len(await listed(season, "2026-Q2")) == 3
    # The old board says that it is closed, and nothing of it changes any more.
    closed = await show(season)
    assert (closed.is_open, closed.until, len(closed.rows)) == (False, CLOSE, 3)
    assert (await standing(season))[0].id in await waiting(season)
    await season.do(roster.leave, ADA)
    assert ADA.user_id in await listed(season)
    assert ADA.user_id not in await listed(season, "2026-Q2")


async def test_after_the_count_the_next_board_is_built_without_who_was_dropped(
    season: World,
) -> None:
    async with season.db.write() as session:
        row = await people.helper(session, season.guild_id, ADA.user_id)
        assert row is not None
        row.state, row.emoji_key = Helper.DROPPED, None
    await season.to(CLOSE)
    await build(season)
    assert set(await listed(season, "2026-Q2")) == {BEN.user_id, CYD.user_id}
    await season.do(roster.join, ADA)
    assert set(await listed(season, "2026-Q2")) == {ADA.user_id, BEN.user_id, CYD.user_id}


async def test_a_void_round_before_does_not_count_and_its_board_closes(season: World) -> None:
    await build(season)
    await put_up(season)
    season.now += DAY
    (old,) = await standing(season)
    await season.void("2026-Q1")
    assert old.id in await waiting(season)
    closed = await season.see(boards.shown, old.id)
    assert closed is not None
    assert (closed.is_open, closed.is_void) == (False, True)
    await season.do(rounds.open_by_hand, KIM)
    await build(season)
    assert len(await listed(season)) == 3


async def test_a_reopened_round_has_its_board_again(season: World) -> None:
    await build(season)
    await put_up(season)
    await season.to(CLOSE)
    await build(season)
    await put_up(season)
    await season.do(roster.leave, ADA)
    await season.do(rounds.reopen, KIM, reason="too early")
    board = await show(season)
    assert board.is_open
    assert board.until > CLOSE
    assert ADA.user_id not in {row.user_id for row in board.rows}
    assert board.board_id in await waiting(season)


async def test_forty_five_helpers_need_three_messages(season: World) -> None:
    await crowd(season, 42)
    await build(season)
    assert [len((await show(season, number)).rows) for number in range(3)] == [20, 20, 5]
    assert [(await show(season, number)).is_first for number in range(3)] == [True, False, False]
    assert len({*(await listed(season)).values()}) == 45
    assert len(await waiting(season)) == 3
    await put_up(season)
    await season.do(roster.add, MOE, person=SAM.person)
    assert await waiting(season) == [(await standing(season))[2].id]


async def test_an_empty_roster_has_a_board_that_says_so(season: World) -> None:
    for who in (ADA, BEN, CYD):
        await season.do(roster.leave, who)
    await build(season)
    board = await show(season)
    assert (board.rows, board.is_first, board.others) == ((), True, False)
    await put_up(season)
    await season.do(roster.join, ADA)
    assert [row.user_id for row in (await show(season)).rows] == [ADA.user_id]
    assert len(await standing(season)) == 1


async def test_helpers_of_before_there_were_emoji_get_one_with_the_board(season: World) -> None:
    async with season.db.write() as session:
        for row in await people.roster(session, season.guild_id):
            row.emoji, row.emoji_key = "", None
    await build(season)
    assert list((await listed(season)).values()) == list(emoji.PALETTE[:3])


# ---------------------------------------------------------------- few edits


async def test_only_what_can_be_seen_is_said(season: World) -> None:
    await build(season)
    await put_up(season)
    await season.do(roster.join, SAM)  # a candidate
    await season.do(roster.pay, ADA, wanted=False)
    await season.do(roster.vouch, ADA, person=TOM.person)
    await write(season, boards.refresh, await season.round("2026-Q1"), at=season.now)
    assert await waiting(season) == []
    await season.do(roster.leave, BEN)
    assert len(await waiting(season)) == 1


async def test_a_new_name_shows_on_the_board(season: World) -> None:
    await build(season)
    await put_up(season)
    await season.do(roster.pay, Who(ADA.user_id, "Ada the Great"), wanted=False)
    assert len(await waiting(season)) == 1
    assert (await show(season)).rows[0].name == "Ada the Great"
    await put_up(season)
    await season.do(roster.pay, Who(ADA.user_id, "Ada the Great"), wanted=True)
    await season.do(roster.join, SAM)
    assert await waiting(season) == []


async def test_who_was_never_seen_has_no_name(season: World) -> None:
    await build(season)
    async with season.db.write() as session:
        person = await session.get(Seen, (season.guild_id, ADA.user_id))
        await session.delete(person)
    assert (await show(season)).rows[0].name == ""


# ---------------------------------------------------------------- coming and going


async def test_who_leaves_gives_the_place_up_and_nobody_else_gets_it(season: World) -> None:
    await crowd(season, 17)
    await build(season)
    await put_up(season)
    old = (await listed(season))[ADA.user_id]
    await season.do(roster.leave, ADA)
    (seed,) = await season.see(stored.to_seed, season.guild_id)
    assert (seed.emoji, seed.wanted) == (old, False)  # the bot takes its own emoji off
    assert "is the emoji of <@11>" in await season.refused(roster.join, BEN, emoji=old)
    newcomer = await season.do(roster.add, MOE, person=SAM.person)
    assert newcomer.emoji != old
    assert [len((await show(season, number)).rows) for number in range(2)] == [19, 1]


async def test_who_comes_back_has_the_same_place(season: World) -> None:
    await build(season)
    await put_up(season)
    before = {place.id for place in await places(season)}
    await season.do(roster.leave, ADA)
    await put_up(season)
    season.now += DAY
    await season.do(roster.join, ADA)
    assert {place.id for place in await places(season)} == before
    (seed,) = await season.see(stored.to_seed, season.guild_id)
    assert (seed.emoji, seed.wanted) == ((await listed(season))[ADA.user_id], True)


async def test_who_comes_back_with_another_emoji_has_another_place(season: World) -> None:
    await build(season)
    await season.do(roster.leave, ADA)
    await season.do(roster.join, ADA, emoji="🙏")
    assert (await listed(season))[ADA.user_id] == "🙏"
    assert len(await places(season)) == 4


# ---------------------------------------------------------------- lost and found


async def test_a_deleted_message_is_followed_by_another_and_nobody_was_away(
    season: World,
) -> None:
    await build(season)
    (message,) = await put_up(season)
    (old,) = await standing(season)
    season.now += 5 * DAY
    assert await write(season, boards.lost, season.guild_id, [message, 99], at=season.now)
    (new,) = await standing(season)
    assert new.id != old.id
    assert set(await listed(season)) == {ADA.user_id, BEN.user_id, CYD.user_id}
    assert await season.see(boards.shown, old.id) is None
    assert len(await places(season)) == 6
    assert (await season.actions())[-1] == "board.lost"
    assert not await write(season, boards.lost, season.guild_id, [message], at=season.now)
    everybody = frozenset({ADA.user_id, BEN.user_id, CYD.user_id})
    round_ = await season.round("2026-Q1")
    assert await season.see(boards.there_all_the_time, round_) == everybody
    await season.do(roster.leave, ADA)
    assert await season.see(boards.there_all_the_time, round_) == everybody - {ADA.user_id}
    await season.do(roster.join, ADA)
    assert await season.see(boards.there_all_the_time, round_) == everybody - {ADA.user_id}


async def test_of_three_messages_the_first_may_be_lost(season: World) -> None:
    await crowd(season, 42)
    await build(season)
    messages = await put_up(season)
    await write(season, boards.lost, season.guild_id, messages[:1], at=season.now)
    assert len(await listed(season)) == 45
    assert len({*(await listed(season)).values()}) == 45
    assert (await show(season, 0)).is_first  # what was the second explains now
    assert [len((await show(season, number)).rows) for number in range(3)] == [20, 20, 5]


async def test_messages_of_other_servers_and_closed_rounds_are_not_rebuilt(season: World) -> None:
    await build(season)
    (message,) = await put_up(season)
    other = season.elsewhere()
    assert not await write(season, boards.lost, other.guild_id, [message], at=season.now)
    assert not await write(season, boards.unpinned, other.guild_id, message)
    await season.to(CLOSE)
    assert not await write(season, boards.unpinned, season.guild_id, message)
    assert await write(season, boards.lost, season.guild_id, [message], at=season.now)
    assert await standing(season) == []


async def test_an_unpinned_message_is_pinned_again(season: World) -> None:
    await build(season)
    (message,) = await put_up(season)
    assert await write(season, boards.unpinned, season.guild_id, message)
    assert len(await waiting(season)) == 1
    assert not (await show(season)).is_pinned
    assert not await write(season, boards.unpinned, season.guild_id, message)


async def test_a_deleted_thread_of_the_open_round_is_announced_anew_with_its_board(
    season: World,
) -> None:
    round_ = await season.round("2026-Q1")
    async with season.db.write() as session:
        await threads.announced(session, round_.id, channel_id=5, message_id=6)
        await threads.threaded(session, round_.id, thread_id=6)
    await build(season)
    await put_up(season)
    await season.do(roster.add, MOE, person=SAM.person)
    await write(season, threads.lost, season.guild_id, thread_id=6, at=season.now)
    await write(season, threads.lost, season.guild_id, thread_id=6, at=season.now)
    round_ = await season.round("2026-Q1")
    assert (round_.announcement_id, round_.thread_id, round_.thread_lost) == (None, None, False)
    first, second = await season.posts("announcement")
    assert json.loads(second.facts)["replaces"] == [5, 6]
    assert first.id != second.id
    (board,) = await standing(season)
    assert board.message_id is None
    assert len(await listed(season)) == 4


async def test_a_board_that_is_not_posted_yet_waits_for_the_next_thread(season: World) -> None:
    round_ = await season.round("2026-Q1")
    async with season.db.write() as session:
        await threads.threaded(session, round_.id, thread_id=6)
    await build(season)
    (board,) = await standing(season)
    await write(season, threads.lost, season.guild_id, thread_id=6, at=season.now)
    assert [each.id for each in await standing(season)] == [board.id]


async def test_the_deleted_thread_of_a_closed_round_stays_deleted(season: World) -> None:
    round_ = await season.round("2026-Q1")
    async with season.db.write() as session:
        await threads.threaded(session, round_.id, thread_id=6)
    await build(season)
    await put_up(season)
    await season.to(CLOSE)
    await write(season, threads.lost, season.guild_id, thread_id=6, at=season.now)
    assert (await season.round("2026-Q1")).thread_lost
    assert await standing(season) == []
    assert len(await season.posts("announcement")) == 2  # one for each round


async def test_what_waited_for_a_thread_is_said_when_there_is_one(season: World) -> None:
    async with season.db.write() as session:
        for post in await world_posts(session, season):
            await outbox.failed(session, post, problem="no thread", state=outbox.PARKED)
    await write(season, threads.threaded, (await season.round("2026-Q1")).id, thread_id=6)
    assert {post.state for post in await season.posts()} == {"pending"}


async def world_posts(_session: Any, world: World) -> list[Post]:
    return await world.posts()


# ---------------------------------------------------------------- emoji on Discord


async def test_emoji_are_seeded_in_the_order_of_the_board_once(season: World) -> None:
    await crowd(season, 22)
    await build(season)
    assert await season.see(stored.to_seed, season.guild_id) == []  # nothing is posted yet
    for board in await standing(season):
        await write(
            season, boards.posted, board.id, channel_id=7, message_id=board.id, at=season.now
        )
    seeds = await season.see(stored.to_seed, season.guild_id)
    assert [seed.emoji for seed in seeds] == list((await listed(season)).values())
    await write(season, boards.seeded, seeds[0].place_id, at=season.now)
    assert await season.see(stored.to_seed, season.guild_id) == seeds[1:]
    assert await season.see(stored.servers) == [season.guild_id]
    await season.to(CLOSE)
    assert await season.see(stored.to_seed, season.guild_id) == []
    assert await season.see(stored.servers) == []


async def test_what_somebody_took_off_is_put_on_again(season: World) -> None:
    await build(season)
    (message,) = await put_up(season)
    await season.do(roster.leave, CYD)
    gone = (await listed(season))[ADA.user_id]
    reseed = boards.reseed
    assert await write(season, reseed, season.guild_id, message, keys={emoji.key(gone)})
    wanted = [s.emoji for s in await season.see(stored.to_seed, season.guild_id) if s.wanted]
    assert wanted == [gone]
    assert await write(season, reseed, season.guild_id, message)
    seeds = await season.see(stored.to_seed, season.guild_id)
    assert [seed.wanted for seed in seeds] == [True, True]  # Cyd's is gone without the bot
    assert not await write(season, reseed, season.guild_id, message, keys={"x"})
    assert not await write(season, reseed, season.guild_id, 99)


async def too_many(world: World) -> None:
    """Let Discord refuse the next emoji, because members added their own."""
    seeds = await world.see(stored.to_seed, world.guild_id)
    seeds = seeds or await unposted(world)
    refused = next(seed.place_id for seed in seeds if seed.wanted)
    await write(world, boards.full, refused, at=world.now)


async def unposted(world: World) -> list[stored.Seed]:
    (board,) = await standing(world)
    await write(world, boards.posted, board.id, channel_id=7, message_id=70, at=world.now)
    return await world.see(stored.to_seed, world.guild_id)


async def vote(world: World, helper: Who, message: int) -> None:
    """Let somebody click a helper's emoji before the bot has put it there."""
    shown = (await listed(world))[helper.user_id]
    event = Event(7, message, emoji.key(shown), 10**15, 0, added=True, at=world.now)
    await world.db.express(lambda run: reactions.receive(run, world.guild_id, [event]))


async def test_a_place_that_was_clicked_before_the_bot_seeded_it_does_not_move(
    season: World,
) -> None:
    helpers = await crowd(season, 17)
    await build(season)
    (board,) = await standing(season)
    await write(season, boards.posted, board.id, channel_id=7, message_id=70, at=season.now)
    await vote(season, helpers[-1], 70)
    for seed in (await season.see(stored.to_seed, season.guild_id))[:17]:
        await write(season, boards.seeded, seed.place_id, at=season.now)
    await too_many(season)
    assert [len((await show(season, number)).rows) for number in range(2)] == [18, 2]
    stays = [row.user_id for row in (await show(season, 0)).rows]
    assert helpers[-1].user_id in stays
    # It is refused all the same: the click is gone. What was given stays, and a second follows.
    await too_many(season)
    assert [len((await show(season, number)).rows) for number in range(2)] == [17, 3]
    own = [place for place in await places(season) if place.user_id == helpers[-1].user_id]
    assert [place.removed_at is None for place in own] == [False, True]
    round_ = await season.round("2026-Q1")
    assert (await season.see(votes.voters, round_))[helpers[-1].user_id] == 1
    assert helpers[-1].user_id in await season.see(boards.there_all_the_time, round_)


async def test_what_does_not_fit_because_members_added_their_own_moves_on(season: World) -> None:
    await crowd(season, 17)
    await build(season)
    (board,) = await standing(season)
    await write(season, boards.posted, board.id, channel_id=7, message_id=70, at=season.now)
    for seed in (await season.see(stored.to_seed, season.guild_id))[:12]:
        await write(season, boards.seeded, seed.place_id, at=season.now)
    await season.do(roster.leave, ADA)
    await too_many(season)
    first, second = await standing(season)
    assert (first.capacity, second.capacity) == (12, 20)
    assert [len((await show(season, number)).rows) for number in range(2)] == [11, 8]
    assert len(await listed(season)) == 19
    await season.do(roster.add, MOE, person=SAM.person)
    assert [len((await show(season, number)).rows) for number in range(2)] == [11, 9]
    round_ = await season.round("2026-Q1")
    await write(season, boards.posted, second.id, channel_id=7, message_id=71, at=season.now)
    there = await season.see(boards.there_all_the_time, round_)
    assert BEN.user_id in there
    assert ADA.user_id not in there


async def test_a_board_on_which_nothing_fits_says_that_the_list_follows(season: World) -> None:
    await build(season)
    await too_many(season)
    first, second = await show(season, 0), await show(season, 1)
    assert (first.rows, first.others, first.is_first) == ((), True, True)
    assert (len(second.rows), second.others) == (3, False)


async def test_an_emoji_that_does_not_exist_any_more_is_replaced_and_the_committee_told(
    season: World,
) -> None:
    await season.do(roster.join, ADA, emoji=CUSTOM)
    await build(season)
    await put_up(season)
    (place,) = await season.see(stored.custom, season.guild_id)
    season.now += 5 * DAY
    await write(season, boards.bad_emoji, place.id, at=season.now)
    assert (await listed(season))[ADA.user_id] == emoji.PALETTE[0]
    rows = await season.see(roster.listing, season.guild_id)
    assert rows[0].emoji == emoji.PALETTE[0]
    old, *_ = [each for each in await places(season) if each.user_id == ADA.user_id]
    assert (old.removed_at, old.seeded_at) == (season.now, None)
    (notice,) = await season.posts("notice")
    assert "The emoji of <@11> does not exist any more" in notice.facts
    assert len(await waiting(season)) == 1
    there = await season.see(boards.there_all_the_time, await season.round("2026-Q1"))
    assert ADA.user_id in there
    await write(season, boards.bad_emoji, place.id, at=season.now)  # found once more
    assert len(await season.posts("notice")) == 1
    assert len(await places(season)) == 4


async def test_a_palette_emoji_that_discord_refuses_is_not_given_again(season: World) -> None:
    await build(season)
    await put_up(season)
    place = (await places(season))[0]
    await write(season, boards.bad_emoji, place.id, at=season.now)
    assert (await listed(season))[ADA.user_id] == emoji.PALETTE[3]


async def test_who_changed_a_deleted_emoji_meanwhile_stands_by_the_new_one(season: World) -> None:
    await season.do(roster.join, ADA, emoji=CUSTOM)
    await build(season)
    await put_up(season)
    await season.do(roster.join, ADA, emoji="🙏")
    (place,) = await season.see(stored.custom, season.guild_id)
    await write(season, boards.bad_emoji, place.id, at=season.now)
    assert (await listed(season))[ADA.user_id] == "🙏"


async def test_without_any_free_emoji_the_place_of_a_deleted_one_is_given_up(
    season: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await season.do(roster.join, ADA, emoji=CUSTOM)
    await build(season)
    await put_up(season)
    monkeypatch.setattr(emoji, "PALETTE", ())
    monkeypatch.setattr(emoji, "LETTERS", ())
    (place,) = await season.see(stored.custom, season.guild_id)
    await write(season, boards.bad_emoji, place.id, at=season.now)
    assert ADA.user_id not in await listed(season)
    (notice,) = await season.posts("notice")
    assert "by none now" in notice.facts


# ---------------------------------------------------------------- the whole round


@pytest.mark.parametrize(
    ("after", "is_there"), ((HOUR, True), (DAY, True), (DAY + timedelta(seconds=1), False))
)
async def test_who_stood_on_a_board_posted_in_time_was_there(
    season: World, after: timedelta, *, is_there: bool
) -> None:
    await build(season)
    round_ = await season.round("2026-Q1")
    assert await season.see(boards.there_all_the_time, round_) == frozenset()
    await put_up(season, at=round_.open_at + after)
    there = await season.see(boards.there_all_the_time, round_)
    assert (there == {ADA.user_id, BEN.user_id, CYD.user_id}) is is_there


async def test_who_came_after_the_opening_was_not_there_from_the_start(season: World) -> None:
    season.now += MINUTE
    await season.do(roster.add, MOE, person=SAM.person)
    await build(season)
    await put_up(season)
    await season.do(roster.add, MOE, person=TOM.person)
    await put_up(season)
    there = await season.see(boards.there_all_the_time, await season.round("2026-Q1"))
    assert there == {ADA.user_id, BEN.user_id, CYD.user_id}


async def test_people_can_be_put_on_the_board_who_nobody_has_seen(season: World) -> None:
    await build(season)
    await season.do(roster.add, MOE, person=Person(77, "New"))
    assert (await show(season)).rows[-1].name == "New"


async def test_a_board_that_the_roster_went_away_from_is_mended_and_never_built_too_early(
    season: World,
) -> None:
    await build(season)
    async with season.db.write() as session:
        row = await people.helper(session, season.guild_id, ADA.user_id)
        assert row is not None
        row.state = Helper.DROPPED
    await build(season)
    assert set(await listed(season)) == {BEN.user_id, CYD.user_id}
    season.now = CLOSE
    async with season.db.write() as session:
        await rounds.advance(session, season.guild_id, now=season.now)
        await boards.build_due(session, season.guild_id, now=season.now)
    assert await standing(season, "2026-Q2") == []
