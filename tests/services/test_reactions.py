"""Reactions as they arrive: the last word counts, nobody counts twice, and the close is a close."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, text

from bot.domain.canonical import spell
from bot.domain.thanks import DISCORD_EPOCH, Doubt
from bot.services import boards, counting, reactions, roster, rounds, votes
from bot.services import thanks as commands
from bot.services.reactions import Cleared, Event, Received, Thankful
from storage import boards as stored_boards
from storage import people, thanks
from storage import rounds as stored_rounds
from storage.tables import Helper, Place, RecordRow, Round, Thanks
from tests.services.world import (
    ADA,
    BEN,
    CLOSE,
    COMPUTE,
    CYD,
    DAY,
    HOUR,
    KIM,
    MINUTE,
    MOE,
    SAM,
    SUPPORT,
    TOM,
    Who,
    World,
)

BOARD, MESSAGE = 700_000_000_000_000_001, 700_000_000_000_000_002
CHANNEL, MILLISECOND = 500_000_000_000_000_001, timedelta(milliseconds=1)
VOTER, OTHER = 500_000_000_000_005_001, 500_000_000_000_005_002
PRAY = "🙏"


def account(made_at: datetime) -> int:
    """Return the id of an account that was made at an instant."""
    return (made_at - DISCORD_EPOCH) // MILLISECOND << 22


@pytest.fixture
async def board(season: World) -> World:
    """Return a server with an open round whose board is posted."""
    await post_board(season)
    return season


@pytest.fixture
async def thankful(server: World) -> World:
    """Return a server where 🙏 on a message thanks its author."""
    return await server.opened(thanks_emoji=PRAY)


async def post_board(world: World, message_id: int = BOARD) -> None:
    async with world.db.write() as session:
        await boards.build_due(session, world.guild_id, now=world.now)
        (round_,) = await stored_rounds.of_server(session, world.guild_id, states=("open",))
        (one,) = await stored_boards.of_round(session, round_.id)
        await boards.posted(
            session, one.id, channel_id=CHANNEL, message_id=message_id, at=world.now
        )
        for place in await stored_boards.places(session, round_.id):
            await boards.seeded(session, place.id, at=world.now)


async def key_of(world: World, helper: Who = ADA) -> str:
    """Return the emoji of a helper, also of one who gave it up."""
    row = await world.see(people.helper, world.guild_id, helper.user_id)
    assert row is not None
    return row.emoji


async def an_event(
    world: World,
    user: int = VOTER,
    helper: Who = ADA,
    *,
    added: bool = True,
    burst: int = 0,
    message_id: int = BOARD,
    at: datetime | None = None,
    joined_at: datetime | None = None,
) -> Event:
    """Make a reaction with the emoji of a helper."""
    key = await key_of(world, helper)
    return Event(
        CHANNEL, message_id, key, user, burst, added=added, at=at or world.now, joined_at=joined_at
    )


async def receive(world: World, *events: Event) -> Received:
    """Let reactions arrive together."""
    return await world.db.express(lambda run: reactions.receive(run, world.guild_id, events))


async def react(world: World, user: int = VOTER, helper: Who = ADA, **data: object) -> Received:
    """Let one reaction arrive."""
    return await receive(world, await an_event(world, user, helper, **data))  # type: ignore[arg-type]


def under(
    world: World,
    user: int = VOTER,
    author: Who | None = ADA,
    *,
    added: bool = True,
    message_id: int = MESSAGE,
    at: datetime | None = None,
) -> Event:
    """Make a reaction with the thanks emoji on a message of somebody."""
    author_id = author.user_id if author else 0
    return Event(
        int(SUPPORT), message_id, PRAY, user, 0, added=added, at=at or world.now,
        author_id=author_id,
    )  # fmt: skip


async def pray(world: World, *events: Event) -> Received:
    async with world.db.write() as session:
        return await reactions.receive_emoji(session, world.guild_id, events)


async def clear(world: World, message_id: int = BOARD, key: str = "") -> Received:
    async with world.db.write() as session:
        return await reactions.clear(
            session, world.guild_id, Cleared(message_id, key, at=world.now)
        )


async def voters(world: World, helper: Who = ADA, label: str = "2026-Q1") -> int:
    found = await world.see(votes.voters, await world.round(label))
    return found.get(helper.user_id, 0)


async def rows(world: World, helper: Who = ADA, label: str = "2026-Q1") -> list[Thanks]:
    round_ = await world.round(label)
    return list(await world.see(thanks.of_helper, round_.id, helper.user_id))


async def close(world: World, at: datetime = CLOSE) -> None:
    """Let the round close; nothing is counted yet."""
    world.now = at
    async with world.db.write() as session:
        await rounds.advance(session, world.guild_id, now=at, stop_at_close=True)


async def count(world: World, label: str = "2026-Q1") -> counting.Counted:
    async with world.db.write() as session:
        round_ = await session.get(Round, (await world.round(label)).id)
        assert round_ is not None
        return await counting.count(session, round_, now=world.now)


async def seeds(world: World) -> list[str]:
    """The emoji that the bot is to put on the board."""
    return sorted(
        seed.emoji for seed in await world.see(stored_boards.to_seed, world.guild_id) if seed.wanted
    )


# ---------------------------------------------------------------- the last word


async def test_a_reaction_is_one_thanks_and_taking_it_away_takes_it_back(board: World) -> None:
    before = len(await board.record())
    assert await react(board) == Received(1, 0)
    assert await voters(board) == 1
    board.now += MINUTE
    assert await react(board, added=False) == Received(0, 1)
    assert await voters(board) == 0
    assert await rows(board) == []
    given, taken = (await board.record())[before:]
    assert (given.action, given.subject, given.actor) == ("thanks.received", "round:2026-Q1", "")
    assert (given.data["given"], given.data["taken_back"]) == (1, 0)
    assert (taken.data["given"], taken.data["taken_back"]) == (0, 1)
    assert taken.time == spell(board.now)


@pytest.mark.parametrize("together", (True, False))
@pytest.mark.parametrize("first", (True, False))
async def test_of_five_hundred_clicks_a_millisecond_apart_the_last_counts(
    board: World, *, together: bool, first: bool
) -> None:
    event = await an_event(board)
    clicks = [
        event._replace(added=(number % 2 == 0) == first, at=board.now + number * MILLISECOND)
        for number in range(500)
    ]
    groups = [clicks] if together else [clicks[at : at + 7] for at in range(0, 500, 7)]
    for group in groups:
        await receive(board, *group)
    assert await voters(board) == (0 if first else 1)
    assert len(await rows(board)) == (0 if first else 1)
    # One more word is the last one.
    await receive(board, event._replace(added=first, at=board.now + DAY))
    assert await voters(board) == (1 if first else 0)


async def test_whatever_comes_in_whatever_groups_ends_as_the_last_word_on_each(
    board: World,
) -> None:
    dice = random.Random(7)
    keys = {who: await key_of(board, who) for who in (ADA, BEN, CYD)}
    last: dict[tuple[int, int, int], bool] = {}
    events = []
    for number in range(600):
        who, user = dice.choice([ADA, BEN, CYD]), VOTER + dice.randrange(8)
        burst, added = dice.randrange(2), dice.random() < 0.55
        at = board.now + number * MILLISECOND
        events.append(Event(CHANNEL, BOARD, keys[who], user, burst, added=added, at=at))
        last[who.user_id, user, burst] = added
    while events:
        group = [events.pop(0) for _ in range(min(len(events), dice.randrange(1, 40)))]
        await receive(board, *group)
    for who in (ADA, BEN, CYD):
        expected = {(user, kind) for (helper, user, kind), added in last.items() if added and
                    helper == who.user_id}  # fmt: skip
        assert {(row.voter_id, row.burst) for row in await rows(board, who)} == expected
        assert await voters(board, who) == len({user for user, _ in expected})


async def test_the_same_event_twice_is_one(board: World) -> None:
    event = await an_event(board)
    assert await receive(board, event, event) == Received(1, 0)
    before = await board.record()
    assert await receive(board, event) == Received()
    assert await board.record() == before
    gone = event._replace(added=False)
    assert await receive(board, gone, gone) == Received(0, 1)
    assert await receive(board, gone) == Received()


async def test_thanking_again_after_taking_back_is_a_thanks_of_now(board: World) -> None:
    await react(board)
    await react(board, added=False)
    board.now += DAY
    assert await react(board) == Received(1, 0)
    (row,) = await rows(board)
    assert (row.at, row.after, row.doubt) == (board.now, None, Doubt.NONE)


async def test_a_normal_and_a_super_reaction_count_once_and_go_one_by_one(board: World) -> None:
    await react(board)
    assert await react(board, burst=1) == Received(1, 0)
    assert await voters(board) == 1
    await react(board, added=False)
    assert [(row.voter_id, row.burst) for row in await rows(board)] == [(VOTER, 1)]
    assert await voters(board) == 1
    await react(board, burst=1, added=False)
    assert await voters(board) == 0


async def test_one_person_thanks_as_many_helpers_as_they_like(board: World) -> None:
    events = [await an_event(board, helper=helper) for helper in (ADA, BEN, CYD)]
    assert await receive(board, *events) == Received(3, 0)
    assert [await voters(board, helper) for helper in (ADA, BEN, CYD)] == [1, 1, 1]
    assert (await board.record())[-1].data["given"] == 3


async def test_a_batch_is_recorded_with_the_moment_of_its_newest_event(board: World) -> None:
    first, second = await an_event(board), await an_event(board, OTHER)
    newest = board.now + 3 * MILLISECOND
    await receive(board, first, second, first._replace(at=newest))
    assert (await board.record())[-1].time == spell(newest)


# ---------------------------------------------------------------- who does not count


async def test_nobody_thanks_themselves(board: World) -> None:
    assert await react(board, ADA.user_id) == Received()
    assert await react(board, ADA.user_id, BEN) == Received(1, 0)
    assert await voters(board) == 0
    assert await voters(board, BEN) == 1


async def test_a_young_account_is_shown_and_does_not_count_also_when_it_is_older(
    board: World,
) -> None:
    young = account(board.now - 7 * DAY + MILLISECOND)
    old_enough = account(board.now - 7 * DAY)
    assert await receive(
        board, await an_event(board, young), await an_event(board, old_enough)
    ) == Received(2, 0)
    assert {row.voter_id: row.doubt for row in await rows(board)} == {
        young: Doubt.ACCOUNT, old_enough: Doubt.NONE,
    }  # fmt: skip
    assert await voters(board) == 1
    board.now += DAY
    assert await react(board, young) == Received()  # the same event again
    assert await voters(board) == 1
    await react(board, young, added=False)
    await react(board, young)
    assert await voters(board) == 2


async def test_a_new_member_does_not_count_where_that_is_asked_for(server: World) -> None:
    await server.opened(voter_member_days="2")
    await post_board(server)
    joined = server.now - 2 * DAY
    await react(server, VOTER, joined_at=joined + MILLISECOND)
    await react(server, OTHER, joined_at=joined)
    await react(server, OTHER + 1)
    assert {row.voter_id: row.doubt for row in await rows(server)} == {
        VOTER: Doubt.MEMBER, OTHER: Doubt.NONE, OTHER + 1: Doubt.NONE,
    }  # fmt: skip


async def test_reactions_that_mean_nothing_leave_nothing_behind(board: World) -> None:
    known = await an_event(board)
    before = await board.record()
    for changed in (
        {"message_id": BOARD + 1},
        {"emoji_key": "🧨"},
        {"emoji_key": ""},
        {"emoji_key": "600000000000000001"},
    ):
        for added in (True, False):
            assert await receive(board, known._replace(added=added, **changed)) == Received()
    assert await receive(board) == Received()
    assert await board.record() == before


async def test_a_board_of_another_server_is_none(board: World) -> None:
    event, other = await an_event(board), board.elsewhere()
    assert await receive(other, event) == Received()
    assert await other.record() == []
    assert await voters(board) == 0


@pytest.mark.parametrize("how", ("removed", "left"))
async def test_whoever_left_the_roster_gets_no_thanks_but_can_lose_them(
    board: World, how: str
) -> None:
    await react(board)
    if how == "removed":
        await board.do(roster.remove, MOE, user_id=ADA.user_id, reason="gone")
    else:
        await board.do(roster.leave, ADA)
    assert await react(board, OTHER) == Received()
    assert await voters(board) == 1
    assert await react(board, added=False) == Received(0, 1)
    assert await react(board) == Received()
    assert await voters(board) == 0


async def test_whoever_dropped_off_the_board_is_still_thanked_where_they_stand(
    board: World,
) -> None:
    async with board.db.write() as session:
        row = await session.get(Helper, (board.guild_id, ADA.user_id))
        assert row is not None
        row.state = "dropped"
    assert await react(board) == Received(1, 0)


async def test_a_place_that_was_given_up_takes_no_thanks_and_loses_them(board: World) -> None:
    await react(board)
    old = await an_event(board, OTHER)
    await board.do(roster.join, ADA, emoji="🐌")
    async with board.db.write() as session:
        for place in await session.scalars(select(Place).where(Place.user_id == ADA.user_id)):
            place.removed_at = board.now
    assert await receive(board, old) == Received()
    assert await receive(board, old._replace(user_id=VOTER, added=False)) == Received(0, 1)


async def test_whoever_was_thanked_and_who_thanked_may_leave_and_it_counts(board: World) -> None:
    await board.do(roster.add, MOE, person=SAM.person)
    await react(board, SAM.user_id)
    await board.do(roster.leave, SAM)
    await board.do(roster.leave, ADA)
    assert await voters(board) == 1


# ---------------------------------------------------------------- the close


async def test_up_to_the_close_everything_counts_and_from_it_on_nothing_does(
    board: World,
) -> None:
    in_time = await an_event(board, VOTER, at=CLOSE - MILLISECOND)
    late = await an_event(board, OTHER, at=CLOSE)
    # The close is on the calendar; the tick that carries it out comes a little later.
    assert await receive(board, in_time, late) == Received(2, 0)
    assert {row.voter_id: row.doubt for row in await rows(board)} == {
        VOTER: Doubt.NONE, OTHER: Doubt.LATE,
    }  # fmt: skip
    assert await voters(board) == 1
    assert [row.action for row in (await board.record())[-2:]] == [
        "thanks.received", "thanks.late",
    ]  # fmt: skip
    await close(board, CLOSE + MINUTE)
    assert (await count(board)).voters == {ADA.user_id: 1}


async def test_a_close_by_hand_is_a_close(board: World) -> None:
    await react(board)
    board.now += DAY
    await board.close()
    await react(board, OTHER, at=board.now - MILLISECOND)
    await react(board, OTHER + 1)
    assert await voters(board) == 2


async def test_what_is_taken_away_after_the_close_stands(board: World) -> None:
    await react(board)
    await close(board)
    before = await board.record()
    assert await react(board, added=False) == Received()
    assert await board.record() == before
    (row,) = await rows(board)
    assert (row.kept_at, row.taken_back_at) == (board.now, None)
    assert await voters(board) == 1
    # And back again: it is as it was.
    board.now += MINUTE
    assert await react(board) == Received()
    (row,) = await rows(board)
    assert (row.kept_at, row.doubt) == (None, Doubt.NONE)


async def test_what_comes_and_goes_after_the_close_never_was(board: World) -> None:
    await close(board)
    assert await react(board) == Received(1, 0)
    assert await react(board, added=False) == Received(0, 1)
    assert await rows(board) == []
    # Both within one batch leave no trace at all.
    event = await an_event(board, OTHER)
    before = await board.record()
    assert await receive(board, event, event._replace(added=False)) == Received()
    assert await board.record() == before
    # Nor does taking away what never was.
    assert await react(board, OTHER + 1, added=False) == Received()


async def test_taken_back_in_time_and_given_again_too_late_does_not_count(board: World) -> None:
    await react(board)
    await react(board, added=False)
    await close(board)
    assert await react(board) == Received(1, 0)
    (row,) = await rows(board)
    assert row.doubt == Doubt.LATE
    assert await voters(board) == 0


async def test_one_batch_over_the_close_keeps_the_word_before_it(board: World) -> None:
    before, after = CLOSE - MILLISECOND, CLOSE + MILLISECOND
    event = await an_event(board)
    await receive(
        board,
        event._replace(at=before),
        event._replace(user_id=OTHER, at=before),
        event._replace(user_id=OTHER, at=before, added=False),
        event._replace(at=after, added=False),
        event._replace(user_id=OTHER, at=after),
    )
    standing = {row.voter_id: (row.doubt, row.kept_at) for row in await rows(board)}
    assert standing == {VOTER: (Doubt.NONE, after), OTHER: (Doubt.LATE, None)}
    assert await voters(board) == 1


async def test_once_the_round_is_counted_nothing_changes_any_more(board: World) -> None:
    await react(board)
    await react(board, OTHER)
    await close(board)
    await react(board, OTHER + 1)
    await count(board)
    before = await board.record()
    tables = [row.taken_back_at for row in await rows(board)]
    for user, added in ((VOTER, False), (OTHER, False), (OTHER + 1, False), (OTHER + 2, True)):
        assert await react(board, user, added=added) == Received()
        assert await react(board, user, added=added, at=CLOSE - HOUR) == Received()
    assert await board.record() == before
    assert [row.taken_back_at for row in await rows(board)] == tables
    assert await voters(board) == 2


async def test_a_void_round_takes_nothing(board: World) -> None:
    event = await an_event(board)
    await board.void()
    assert await receive(board, event) == Received()


async def test_a_round_that_is_open_again_takes_what_came_late_and_lets_go_what_went(
    board: World,
) -> None:
    await react(board)
    await react(board, OTHER)
    await board.close()
    board.now += HOUR
    await react(board, OTHER, added=False)
    await react(board, OTHER + 1)
    await react(board, OTHER + 2)
    await react(board, OTHER + 2, added=False)
    assert await voters(board) == 2
    await count(board)
    await board.do(rounds.reopen, KIM, reason="too early")
    assert {row.voter_id: row.doubt for row in await rows(board)} == {
        VOTER: Doubt.NONE, OTHER + 1: Doubt.NONE,
    }  # fmt: skip
    assert await voters(board) == 2
    (row,) = [row for row in await board.record() if row.action == "thanks.reopened"]
    assert (row.data["late_no_more"], row.data["taken_back"]) == (1, 1)
    assert len(row.data["thanks_digest"]) == 64
    assert await react(board, VOTER, added=False) == Received(0, 1)
    await close(board, COMPUTE)
    assert (await count(board)).voters == {ADA.user_id: 1}


async def test_a_young_account_that_came_late_does_not_count_in_a_round_that_is_open_again(
    board: World,
) -> None:
    await board.close()
    young = account(board.now - DAY)
    assert await react(board, young) == Received(1, 0)
    (row,) = await rows(board)
    assert row.doubt == Doubt.ACCOUNT
    await board.do(rounds.reopen, KIM, reason="too early")
    assert "thanks.reopened" not in await board.actions()
    assert await voters(board) == 0
    assert [row.doubt for row in await rows(board)] == [Doubt.ACCOUNT]


# ---------------------------------------------------------------- removed all at once


async def test_a_board_that_is_cleared_takes_all_back_and_is_seeded_again(board: World) -> None:
    for user in (VOTER, OTHER):
        await react(board, user)
    await react(board, VOTER, BEN, burst=1)
    assert await seeds(board) == []
    before = len(await board.record())
    assert await clear(board) == Received(0, 3)
    assert (await voters(board), await voters(board, BEN)) == (0, 0)
    (row,) = (await board.record())[before:]
    assert (row.data["given"], row.data["taken_back"]) == (0, 3)
    (notice,) = await board.posts("notice")
    assert "3 thanks are gone with them" in json.loads(notice.facts)["text"]
    assert await seeds(board) == sorted([await key_of(board, who) for who in (ADA, BEN, CYD)])
    # People click again.
    board.now += MINUTE
    await react(board)
    assert await voters(board) == 1
    await clear(board)
    assert len(await board.posts("notice")) == 2


async def test_one_emoji_that_is_cleared_leaves_the_others(board: World) -> None:
    await react(board)
    await react(board, VOTER, BEN)
    assert await clear(board, key=await key_of(board, BEN)) == Received(0, 1)
    assert (await voters(board), await voters(board, BEN)) == (1, 0)
    assert await seeds(board) == [await key_of(board, BEN)]


async def test_a_board_without_thanks_is_seeded_again_without_a_word(board: World) -> None:
    before = await board.record()
    assert await clear(board) == Received()
    assert len(await seeds(board)) == 3
    assert await board.record() == before
    assert await board.posts("notice") == []


async def test_clearing_anything_else_changes_nothing(board: World) -> None:
    await react(board)
    assert await clear(board, BOARD + 1) == Received()
    assert await clear(board, key="🧨") == Received()
    async with board.db.write() as session:
        there = board.elsewhere()
        cleared = Cleared(BOARD, "", at=board.now)
        assert await reactions.clear(session, there.guild_id, cleared) == Received()
    assert await voters(board) == 1
    assert await seeds(board) == []


async def test_what_is_cleared_after_the_close_stands(board: World) -> None:
    await react(board)
    await close(board)
    await react(board, OTHER)
    assert await clear(board) == Received(0, 1)  # the late one is gone
    (row,) = await rows(board)
    assert (row.voter_id, row.kept_at) == (VOTER, board.now)
    assert await voters(board) == 1


async def test_thanks_in_other_ways_stay_when_a_board_is_cleared(board: World) -> None:
    await board.do(commands.give, SAM, person=ADA.person)
    await react(board, SAM.user_id)
    await clear(board)
    assert await voters(board) == 1


# ---------------------------------------------------------------- the thanks emoji


async def test_where_the_thanks_emoji_works_is_what_the_open_round_says(
    thankful: World,
) -> None:
    assert await thankful.see(reactions.thankful, thankful.guild_id) == Thankful(PRAY, int(SUPPORT))
    await thankful.void()
    assert await thankful.see(reactions.thankful, thankful.guild_id) is None


async def test_without_the_setting_no_emoji_thanks(season: World) -> None:
    assert await season.see(reactions.thankful, season.guild_id) is None


async def test_the_thanks_emoji_thanks_the_author_once_per_message_and_counts_once(
    thankful: World,
) -> None:
    assert await pray(thankful, under(thankful)) == Received(1, 0)
    assert await pray(thankful, under(thankful)) == Received()
    assert await pray(thankful, under(thankful, message_id=MESSAGE + 1)) == Received(1, 0)
    assert len(await rows(thankful)) == 2
    assert await voters(thankful) == 1
    assert await pray(thankful, under(thankful, added=False)) == Received(0, 1)
    assert await voters(thankful) == 1
    gone = under(thankful, message_id=MESSAGE + 1, added=False)
    assert await pray(thankful, gone) == Received(0, 1)
    assert await voters(thankful) == 0


async def test_the_message_is_remembered_so_that_it_is_looked_at_again(thankful: World) -> None:
    event = under(thankful)
    await pray(thankful, event, event._replace(user_id=OTHER))
    round_ = await thankful.round("2026-Q1")
    message = await thankful.see(thanks.thanked_message, round_.id, MESSAGE)
    assert message is not None
    assert (message.channel_id, message.author_id) == (int(SUPPORT), ADA.user_id)


@pytest.mark.parametrize("author", (SAM, ADA, None))
async def test_whom_the_thanks_emoji_does_not_thank(thankful: World, author: Who | None) -> None:
    """Somebody who is not on the roster, oneself, and nobody knows whom."""
    user = ADA.user_id if author is ADA else VOTER
    before = await thankful.record()
    event = under(thankful, user, author)
    assert await pray(thankful, event, event._replace(added=False)) == Received()
    assert await thankful.record() == before
    round_ = await thankful.round("2026-Q1")
    assert await thankful.see(thanks.thanked_message, round_.id, MESSAGE) is None


async def test_a_candidate_and_somebody_removed_are_not_thanked_by_it(thankful: World) -> None:
    await thankful.do(roster.join, TOM)
    await thankful.do(roster.remove, MOE, user_id=ADA.user_id, reason="gone")
    assert await pray(thankful, under(thankful, author=TOM), under(thankful)) == Received()


async def test_a_young_account_is_shown_and_does_not_count_here_either(thankful: World) -> None:
    await pray(thankful, under(thankful, account(thankful.now - DAY)))
    assert [row.doubt for row in await rows(thankful)] == [Doubt.ACCOUNT]
    assert await voters(thankful) == 0


async def test_between_a_close_and_its_tick_the_next_round_takes_it(thankful: World) -> None:
    assert await pray(thankful, under(thankful, at=CLOSE - MILLISECOND)) == Received(1, 0)
    thankful.now = CLOSE
    assert await pray(thankful, under(thankful, OTHER)) == Received(1, 0)
    assert await voters(thankful) == 1
    assert await voters(thankful, label="2026-Q2") == 1


async def test_in_two_rounds_the_same_message_thanks_in_each_and_is_taken_back_in_the_open_one(
    thankful: World,
) -> None:
    await pray(thankful, under(thankful))
    await close(thankful)
    thankful.now += MINUTE
    assert await pray(thankful, under(thankful, OTHER)) == Received(1, 0)
    assert await pray(thankful, under(thankful, added=False)) == Received()
    (row,) = await rows(thankful)
    assert row.kept_at == thankful.now  # it was there at the close
    assert await pray(thankful, under(thankful, OTHER, added=False)) == Received(0, 1)
    await count(thankful)
    assert await voters(thankful) == 1
    assert await voters(thankful, label="2026-Q2") == 0
    assert await pray(thankful, under(thankful, added=False)) == Received()


async def test_where_no_round_is_open_nobody_is_thanked(thankful: World) -> None:
    await thankful.void()
    assert await pray(thankful, under(thankful)) == Received()
    assert await pray(thankful, under(thankful, added=False)) == Received()


async def test_everything_in_one_batch_is_one_row_of_the_record(thankful: World) -> None:
    before = len(await thankful.record())
    events = [under(thankful, VOTER + number) for number in range(50)]
    events += [under(thankful, VOTER + number, BEN) for number in range(50)]
    assert await pray(thankful, *events) == Received(100, 0)
    (row,) = (await thankful.record())[before:]
    assert row.data["given"] == 100


# ---------------------------------------------------------------- the record


async def test_the_record_counts_and_never_names_a_pair(thankful: World) -> None:
    await post_board(thankful)
    used = [VOTER + number for number in range(5)]
    for user in used:
        await react(thankful, user)
        await pray(thankful, under(thankful, user))
    await react(thankful, used[0], added=False)
    await clear(thankful, key=await key_of(thankful))
    await close(thankful)
    await react(thankful, used[1])
    await count(thankful)
    async with thankful.db.read() as session:
        stored = list(await session.scalars(select(RecordRow)))
        openings = (await session.execute(text("SELECT number, text FROM openings"))).all()
    named = {str(user) for user in used}
    for row in stored:
        everything = (row.actor, row.acting_for, row.subject, row.data, row.action)
        assert not [user for user in named if any(user in part for part in everything)]
    about = [row for row in stored if row.action.startswith("thanks.")]
    assert len(about) == 13
    for row in about:
        assert not row.actor
        assert row.subject == "round:2026-Q1"
        assert str(ADA.user_id) not in json.loads(row.data).values()
        assert len(json.loads(row.data)["thanks_digest"]) == 64
    # Who looks into the words beside the chain finds the pairs, and each row's are its own.
    pairs = {number: json.loads(words) for number, words in openings if words.startswith("[[")}
    assert [pair[1] for pair in pairs[about[0].number]] == [used[0]]
    assert [pair[-1] for pair in pairs[about[0].number]] == [1]


async def test_a_rounds_part_of_the_record_holds_its_thanks(board: World) -> None:
    await react(board)
    last = (await board.record())[-1].number
    assert (await board.round("2026-Q1")).record_last == last
    await close(board)
    await react(board, OTHER)
    first, following = await board.round("2026-Q1"), await board.round("2026-Q2")
    assert first.record_last == (await board.record())[-1].number
    assert following.record_last < first.record_last


def all_of(found: Iterable[Received]) -> Received:
    """Add up what several batches came to."""
    parts = list(found)
    return Received(sum(part.given for part in parts), sum(part.taken_back for part in parts))


async def test_a_burst_of_thousands_is_written_down_to_the_last(board: World) -> None:
    event = await an_event(board)
    came = [
        await receive(
            board, *(event._replace(user_id=VOTER + number) for number in range(at, at + 1000))
        )
        for at in range(0, 5000, 1000)
    ]
    assert all_of(came) == Received(5000, 0)
    assert await voters(board) == 5000
