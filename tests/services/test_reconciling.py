"""Reconciling: what a look found is given, what is gone is taken back, and when that counts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TypeGuard

import pytest
from msgspec.structs import replace

from bot.domain.canonical import spell
from bot.domain.thanks import DISCORD_EPOCH, Doubt, Key, Mark, Source
from bot.services import counting, reactions, reconciling, roster, rounds, votes
from bot.services.reactions import Event
from bot.services.reconciling import Found, Look, Search
from bot.services.votes import Changed
from storage import rounds as stored_rounds
from storage import thanks
from storage.tables import Board, Place, Round, Thanks
from tests.services.world import (
    ADA,
    BEN,
    CLOSE,
    COMPUTE,
    DAY,
    HOUR,
    KIM,
    MINUTE,
    MOE,
    SAM,
    START,
    SUPPORT,
    Who,
    World,
)

CHANNEL = 500_000_000_000_000_001
VOTERS = range(5001, 5301)
FOX, OWL = "🦊", "<:owl:600000000000000001>"


def snowflake(instant: datetime, number: int = 0) -> int:
    return (((instant - DISCORD_EPOCH) // (MINUTE / 60_000)) << 22) + number


BOARD_MESSAGE, OTHER_BOARD = snowflake(START, 1), snowflake(START, 2)
MESSAGE = snowflake(START + HOUR, 3)


async def current(world: World, label: str = "2026-Q1") -> Round:
    return await world.round(label)


async def post_board(
    world: World, *helpers: tuple[Who, str], message_id: int | None = BOARD_MESSAGE
) -> list[int]:
    """Let a board stand since the opening of the round; returns the places."""
    round_ = (await world.see(stored_rounds.of_server, world.guild_id))[-1]
    async with world.db.write() as session:
        board = Board(
            guild_id=world.guild_id,
            round_id=round_.id,
            position=1,
            capacity=20,
            channel_id=CHANNEL,
            message_id=message_id,
            posted_at=world.now if message_id else None,
        )
        session.add(board)
        await session.flush()
        places = [
            Place(
                guild_id=world.guild_id,
                round_id=round_.id,
                board_id=board.id,
                user_id=helper.user_id,
                emoji=emoji,
                emoji_key=emoji.split(":")[-1].strip(">"),
                from_start=True,
                added_at=world.now,
                seeded_at=world.now,
            )
            for helper, emoji in helpers
        ]
        session.add_all(places)
        await session.flush()
        return [place.id for place in places]


async def a_look(
    world: World, place_id: int | None, seen: Iterable[int] = (), **changed: object
) -> Found:
    """Make what a look that begins now would see on a place, or on a message."""
    round_ = await current(world)
    found = Found(
        guild_id=world.guild_id,
        round_id=round_.id,
        place_id=place_id,
        message_id=BOARD_MESSAGE if place_id else MESSAGE,
        channel_id=CHANNEL,
        helper_id=ADA.user_id,
        source=Source.BOARD if place_id else Source.EMOJI,
        users={0: frozenset(seen), 1: frozenset()},
        began_at=world.now,
        touched=frozenset(),
        closing=round_.closed_at is not None,
    )
    return replace(found, **changed)


async def look(
    world: World, place_id: int | None, seen: Iterable[int] = (), **changed: object
) -> Changed:
    """Look at a place or a message now and apply what is seen."""
    found = await a_look(world, place_id, seen, **changed)
    async with world.db.write() as session:
        return await reconciling.apply(session, found, now=world.now)


async def react(
    world: World, user: int, *, added: bool = True, message_id: int = BOARD_MESSAGE, key: str = FOX
) -> None:
    """Let the bot hear of a reaction now."""
    event = Event(
        CHANNEL, message_id, key, user, 0, added=added, at=world.now, author_id=ADA.user_id
    )
    if message_id == MESSAGE:
        async with world.db.write() as session:
            await reactions.receive_emoji(session, world.guild_id, [event])
    else:
        await world.db.express(lambda run: reactions.receive(run, world.guild_id, [event]))


async def voters(world: World, helper: Who = ADA, label: str = "2026-Q1") -> int:
    return (await world.see(votes.voters, await current(world, label))).get(helper.user_id, 0)


async def rows(world: World, helper: Who = ADA, label: str = "2026-Q1") -> list[Thanks]:
    round_ = await current(world, label)
    return list(await world.see(thanks.of_helper, round_.id, helper.user_id))


async def due(world: World, *, ready_at: datetime | None = None) -> list[Look | Search]:
    return await world.see(reconciling.due, world.guild_id, now=world.now, ready_at=ready_at)


def _is_search(item: Look | Search) -> TypeGuard[Search]:
    return isinstance(item, Search)


async def close(world: World, at: datetime = CLOSE) -> Round:
    """Move to the close, and stop there: nothing is counted yet."""
    world.now = at
    async with world.db.write() as session:
        await rounds.advance(session, world.guild_id, now=at, stop_at_close=True)
    return await current(world)


# ---------------------------------------------------------------- one look


async def test_after_two_days_away_what_came_and_what_went_is_caught_up_in_one_look(
    season: World,
) -> None:
    (place,) = await post_board(season, (ADA, FOX))
    before = list(VOTERS)[:100]
    for user in before:
        await react(season, user)
    await look(season, place, before)
    checked, season.now = season.now, season.now + 2 * DAY
    present = [*before[40:], *range(6001, 6301)]
    assert await look(season, place, present) == Changed(300, 40)
    assert {row.voter_id for row in await rows(season)} == set(present)
    assert await voters(season) == 360
    assert await look(season, place, present) == Changed()

    found = [row for row in await rows(season) if row.voter_id > 6000]
    assert {(row.after, row.at) for row in found} == {(checked, season.now)}
    *_, row = await season.record()
    assert (row.action, row.subject) == ("thanks.reconciled", "round:2026-Q1")
    assert not row.actor
    assert (row.data["given"], row.data["taken_back"]) == (300, 40)
    assert (row.data["after"], row.data["until"]) == (spell(checked), spell(season.now))
    assert (row.data["source"], row.data["closing"]) == ("board", False)
    assert str(ADA.user_id) not in str(row.data.keys())


async def test_a_look_without_differences_leaves_no_row_but_is_remembered(season: World) -> None:
    (place,) = await post_board(season, (ADA, FOX))
    before = await season.record()
    season.now += HOUR
    assert [item.looked_at for item in await due(season)] == [START]
    assert await look(season, place) == Changed()
    assert await season.record() == before
    assert await due(season) == []
    # A look that began earlier and is applied later does not set it back.
    await look(season, place, began_at=START)
    assert await due(season) == []


async def test_both_kinds_of_a_reaction_are_kept_and_one_voter_counts_once(season: World) -> None:
    (place,) = await post_board(season, (ADA, FOX))
    both = {0: frozenset({5001, 5002}), 1: frozenset({5002, 5003})}
    assert await look(season, place, users=both) == Changed(4, 0)
    assert [(row.voter_id, row.burst) for row in await rows(season)] == [
        (5001, 0), (5002, 0), (5002, 1), (5003, 1),
    ]  # fmt: skip
    assert await voters(season) == 3
    only_super = {0: frozenset[int](), 1: frozenset({5002})}
    assert await look(season, place, users=only_super) == Changed(0, 3)
    assert await voters(season) == 1


async def test_whoever_reacted_while_somebody_looked_is_left_to_the_live_events(
    season: World,
) -> None:
    (place,) = await post_board(season, (ADA, FOX))
    await react(season, 5001)
    await react(season, 5003)
    # 5001 is not in the pages any more, 5002 is: both events are still on their way.
    seen = {0: frozenset({5002, 5003}), 1: frozenset({5002})}
    touched = {(5001, 0), (5002, 0)}
    assert await look(season, place, users=seen, touched=touched) == Changed(1, 0)
    assert [(row.voter_id, row.burst) for row in await rows(season)] == [
        (5001, 0), (5002, 1), (5003, 0),
    ]  # fmt: skip


async def test_one_cannot_thank_oneself_by_being_found(season: World) -> None:
    (place,) = await post_board(season, (ADA, FOX))
    assert await look(season, place, [ADA.user_id, BEN.user_id]) == Changed(1, 0)
    assert [row.voter_id for row in await rows(season)] == [BEN.user_id]


async def test_a_young_account_is_found_and_does_not_count(season: World) -> None:
    (place,) = await post_board(season, (ADA, FOX))
    young, old_enough = snowflake(START - 6 * DAY), snowflake(START - 7 * DAY)
    assert await look(season, place, [young, old_enough]) == Changed(2, 0)
    assert {row.voter_id: row.doubt for row in await rows(season)} == {
        young: Doubt.ACCOUNT,
        old_enough: Doubt.NONE,
    }
    assert await voters(season) == 1


async def test_whoever_left_the_board_or_the_roster_can_only_lose_thanks(season: World) -> None:
    place, other = await post_board(season, (ADA, FOX), (BEN, OWL))
    await react(season, 5001)
    await look(season, other, [5001], helper_id=BEN.user_id)
    async with season.db.write() as session:
        stored = await session.get(Place, place)
        assert stored is not None
        stored.removed_at = season.now
    assert await look(season, place, [5002]) == Changed(0, 1)
    await season.do(roster.remove, MOE, user_id=BEN.user_id, reason="gone")
    assert await look(season, other, [5001, 5002], helper_id=BEN.user_id) == Changed()
    assert await look(season, other, [], helper_id=BEN.user_id) == Changed(0, 1)


async def test_what_stood_on_a_lost_board_stays_and_is_not_looked_at(season: World) -> None:
    (place,) = await post_board(season, (ADA, FOX))
    await react(season, 5001)
    season.now += HOUR
    (target,) = await due(season)
    assert isinstance(target, Look)
    async with season.db.write() as session:
        await reconciling.lost(session, target, at=season.now)
    assert await due(season, ready_at=season.now) == []
    assert await look(season, place, []) == Changed()
    async with season.db.write() as session:
        await reconciling.lost(session, target, at=season.now + HOUR)
        await reconciling.unreadable(session, target, began_at=season.now)
    assert await voters(season) == 1
    assert await season.see(reconciling.is_reconciled, await close(season))


async def test_an_emoji_that_nobody_can_ask_for_any_more_keeps_what_is_stored(
    season: World,
) -> None:
    await post_board(season, (ADA, OWL))
    await react(season, 5001, key="600000000000000001")
    season.now += HOUR
    (target,) = await due(season)
    assert isinstance(target, Look)
    async with season.db.write() as session:
        await reconciling.unreadable(session, target, began_at=season.now)
    assert await due(season) == []
    assert await voters(season) == 1


async def test_a_board_that_is_not_posted_yet_is_not_looked_at(season: World) -> None:
    await post_board(season, (ADA, FOX), message_id=None)
    season.now += 2 * HOUR
    assert await due(season, ready_at=season.now) == []


# ---------------------------------------------------------------- the close


async def test_what_the_closing_look_finds_counts_but_for_what_came_live_after_the_close(
    season: World,
) -> None:
    (place,) = await post_board(season, (ADA, FOX))
    season.now = CLOSE - HOUR
    for user in (5001, 5002, 5003):
        await react(season, user)
    round_ = await close(season)
    assert not await season.see(reconciling.is_reconciled, round_)
    season.now = CLOSE + MINUTE
    await react(season, 5004)  # late
    await react(season, 5005)
    await react(season, 5005, added=False)  # late, and gone again
    await react(season, 5001, added=False)  # too late to be taken back
    # 5002 took it back while the bot was not there, 5006 came.
    season.now += MINUTE
    assert await look(season, place, [5003, 5004, 5006]) == Changed(1, 1)
    assert await season.see(reconciling.is_reconciled, await current(season))
    standing = {row.voter_id: (row.doubt, row.kept_at) for row in await rows(season)}
    assert standing == {
        5001: (Doubt.NONE, CLOSE + MINUTE),
        5003: (Doubt.NONE, None),
        5004: (Doubt.LATE, None),
        5006: (Doubt.NONE, None),
    }
    assert (await season.record())[-1].data["closing"] is True
    async with season.db.write() as session:
        stored = await stored_rounds.get(session, round_.id)
        assert stored is not None
        counted = await counting.count(session, stored, now=season.now)
    assert counted.voters == {ADA.user_id: 3}

    # From now on nothing changes any more.
    assert await look(season, place, [5007]) == Changed()
    assert await voters(season) == 3
    assert await due(season, ready_at=season.now) == []
    assert await season.see(reconciling.is_complete, season.guild_id)


async def test_a_look_that_began_before_the_close_says_nothing_once_it_has_closed(
    season: World,
) -> None:
    (place,) = await post_board(season, (ADA, FOX))
    await react(season, 5001)
    season.now = CLOSE - MINUTE
    begun = await a_look(season, place, [5002])
    await close(season)
    async with season.db.write() as session:
        assert await reconciling.apply(session, begun, now=season.now) == Changed()
    assert not await season.see(reconciling.is_complete, season.guild_id)
    (again,) = await due(season)
    assert again.closed_at == CLOSE
    assert await look(season, place, [5001], began_at=CLOSE) == Changed()
    assert await season.see(reconciling.is_complete, season.guild_id)
    # One look is all there is: what is there now may have come since.
    assert await due(season, ready_at=season.now + DAY) == []


async def test_a_round_that_is_reopened_is_looked_at_again_when_it_closes_again(
    season: World,
) -> None:
    (place,) = await post_board(season, (ADA, FOX))
    await close(season)
    await look(season, place, [5001])
    await season.do(rounds.reopen, KIM, reason="too early")
    season.now += HOUR
    assert place in {item.place_id for item in await due(season) if isinstance(item, Look)}
    await look(season, place, [5001, 5002])
    round_ = await close(season, COMPUTE)
    assert round_.closed_at is not None
    assert not await season.see(reconciling.is_reconciled, round_)


async def test_the_places_of_a_closed_round_come_before_those_of_the_next(season: World) -> None:
    await post_board(season, (ADA, FOX))
    await close(season)
    await post_board(season, (ADA, FOX), message_id=OTHER_BOARD)
    season.now += 2 * HOUR
    found = await due(season)
    assert [isinstance(item, Look) and item.message_id for item in found] == [
        BOARD_MESSAGE,
        OTHER_BOARD,
    ]


async def test_a_void_round_is_nobodys_concern(season: World) -> None:
    (place,) = await post_board(season, (ADA, FOX))
    found = await a_look(season, place, [5001])
    await season.void()
    assert await due(season, ready_at=season.now + HOUR) == []
    assert await season.see(reconciling.servers) == []
    async with season.db.write() as session:
        assert await reconciling.apply(session, found, now=season.now) == Changed()
        nowhere = replace(found, round_id=999)
        assert await reconciling.apply(session, nowhere, now=season.now) == Changed()


# ---------------------------------------------------------------- the thanks emoji


@pytest.fixture
async def thankful(server: World) -> World:
    """Return a server where 🙏 on a message thanks its author."""
    return await server.opened(thanks_emoji="🙏")


async def test_a_message_that_nobody_told_of_is_found_and_compared_from_then_on(
    thankful: World,
) -> None:
    thankful.now += 2 * HOUR
    (search,) = await due(thankful)
    assert isinstance(search, Search)
    assert (search.channel_id, search.emoji_key) == (int(SUPPORT), "🙏")
    assert (search.since, search.looked_at) == (START, START)
    authors = {MESSAGE: ADA.user_id, MESSAGE + 1: SAM.user_id}
    (found,) = await thankful.see(reconciling.unknown, search, CHANNEL, authors)
    assert (found.message_id, found.helper_id, found.place_id) == (MESSAGE, ADA.user_id, None)
    assert await look(thankful, None, [5001, 5002, ADA.user_id]) == Changed(2, 0)
    assert (await thankful.record())[-1].data["after"] == spell(START + HOUR)
    assert await thankful.see(reconciling.unknown, search, CHANNEL, authors) == []
    async with thankful.db.write() as session:
        await reconciling.searched(session, search, began_at=thankful.now)
    assert await due(thankful) == []

    thankful.now += HOUR
    message, again = sorted(await due(thankful), key=_is_search)
    assert isinstance(message, Look)
    assert isinstance(again, Search)
    assert (message.message_id, message.emoji, message.source) == (MESSAGE, "🙏", Source.EMOJI)
    assert again.since == thankful.now - HOUR  # live events told of older ones
    # After a gap the search goes back to the opening.
    anew = [item.since for item in await due(thankful, ready_at=thankful.now) if _is_search(item)]
    assert anew == [START]
    assert await look(thankful, None, [5002]) == Changed(0, 1)


async def test_nothing_is_kept_of_a_message_that_only_its_author_reacted_to(
    thankful: World,
) -> None:
    assert await look(thankful, None, [ADA.user_id]) == Changed()
    round_ = await current(thankful)
    assert await thankful.see(thanks.thanked_message, round_.id, MESSAGE) is None


async def test_a_deleted_message_keeps_its_thanks(thankful: World) -> None:
    await react(thankful, 5001, message_id=MESSAGE, key="🙏")
    thankful.now += 2 * HOUR
    target = next(item for item in await due(thankful) if isinstance(item, Look))
    async with thankful.db.write() as session:
        await reconciling.lost(session, target, at=thankful.now)
        await reconciling.unreadable(session, target, began_at=thankful.now)
    assert await look(thankful, None, []) == Changed()
    assert await voters(thankful) == 1
    assert not [item for item in await due(thankful) if isinstance(item, Look)]


async def test_an_emoji_that_cannot_be_asked_for_under_a_message_is_left_for_an_hour(
    thankful: World,
) -> None:
    await react(thankful, 5001, message_id=MESSAGE, key="🙏")
    thankful.now += 2 * HOUR
    target = next(item for item in await due(thankful) if isinstance(item, Look))
    async with thankful.db.write() as session:
        await reconciling.unreadable(session, target, began_at=thankful.now)
    assert not [item for item in await due(thankful) if isinstance(item, Look)]
    # Before anybody was found there is nothing to note it on.
    unknown = replace(target, message_id=MESSAGE + 1)
    async with thankful.db.write() as session:
        await reconciling.unreadable(session, unknown, began_at=thankful.now)


async def test_a_reaction_that_thanked_in_one_round_does_not_thank_again_in_the_next(
    thankful: World,
) -> None:
    await react(thankful, 5001, message_id=MESSAGE, key="🙏")
    await react(thankful, 5002, message_id=MESSAGE, key="🙏")
    await close(thankful)
    thankful.now += HOUR
    await react(thankful, 5002, message_id=MESSAGE, key="🙏", added=False)
    await react(thankful, 5003, message_id=MESSAGE, key="🙏")
    # The closing look at the first round does not take what came in the second.
    assert await look(thankful, None, [5001, 5003, 5004]) == Changed(1, 0)
    # 5002 took it away and is there again: that is a new one. 5001's has stood since.
    following = (await current(thankful, "2026-Q2")).id
    seen = [5001, 5002, 5003, 5004]
    changed = await look(thankful, None, seen, round_id=following, closing=False)
    assert changed == Changed(1, 0)
    assert {row.voter_id for row in await rows(thankful)} == {5001, 5002, 5004}
    assert {row.voter_id for row in await rows(thankful, label="2026-Q2")} == {5002, 5003}


async def test_a_closed_round_waits_for_its_messages_and_for_the_search(thankful: World) -> None:
    await react(thankful, 5001, message_id=MESSAGE, key="🙏")
    round_ = await close(thankful)
    message, search = sorted(await due(thankful), key=_is_search)
    assert isinstance(search, Search)
    assert search.since == START
    assert await look(thankful, None, [5001]) == Changed()
    assert not await thankful.see(reconciling.is_reconciled, round_)
    async with thankful.db.write() as session:
        await reconciling.searched(session, search, began_at=thankful.now)
    assert await thankful.see(reconciling.is_reconciled, round_)
    assert isinstance(message, Look)


async def test_the_origin_of_other_thanks_is_not_touched(thankful: World) -> None:
    (place,) = await post_board(thankful, (ADA, FOX))
    async with thankful.db.write() as session:
        stored = await stored_rounds.get(session, (await current(thankful)).id)
        assert stored is not None
        await votes.change(
            session,
            stored,
            given={Key(ADA.user_id, 5001, Source.COMMAND, 77): Mark(at=thankful.now)},
            at=thankful.now,
            action="thanks.given",
        )
    assert await look(thankful, place, [5001]) == Changed(1, 0)
    assert await look(thankful, place, []) == Changed(0, 1)
    assert await voters(thankful) == 1
