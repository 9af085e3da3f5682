"""Counting for good: what is kept, who leaves the board, what waits, and how it is undone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.domain import bundle, emoji
from bot.domain.canonical import sha256
from bot.domain.states import Helper
from bot.domain.thanks import Doubt, Key, Mark, Source
from bot.jobs import wording
from bot.services import boards, counting, roster, rounds, settlement, tipjar, votes
from bot.ui import files, page, statements
from storage import boards as stored_boards
from storage import people, thanks
from storage import rounds as stored_rounds
from storage.tables import Place, Round
from tests.services.world import (
    ADA,
    BEN,
    CLOSE,
    COMPUTE,
    CYD,
    DAY,
    HOUR,
    KIM,
    LEE,
    MINUTE,
    MOE,
    SAM,
    START,
    TOM,
    Who,
    World,
    utc,
)

FIRST, SECOND, THIRD = "2026-Q1", "2026-Q2", "2026-Q3"
CLOSE_OF_SECOND = utc("2026-06-29")
MICROSECOND = timedelta(microseconds=1)
VOTER = 5000
LATE_WORDS = "The thanks were counted late, on 2026-03-30 00:10 UTC: a reaction carries no time"


@pytest.fixture
async def board(season: World) -> World:
    """Return a server whose board of the first round stands since the opening."""
    await post_board(season)
    return season


async def post_board(world: World, *, at: datetime | None = None) -> None:
    """Let the board of the open round stand, as if it was posted at an instant."""
    async with world.db.write() as session:
        await boards.build_due(session, world.guild_id, now=world.now)
        (round_,) = await stored_rounds.of_server(session, world.guild_id, states=("open",))
        for one in await stored_boards.of_round(session, round_.id):
            await boards.posted(
                session, one.id, channel_id=7, message_id=7000 + one.id, at=at or world.now
            )


async def thank(world: World, voters: Mapping[Who, int], label: str = FIRST) -> None:
    """Let so many people thank each helper."""
    async with world.db.write() as session:
        round_ = await session.get(Round, (await world.round(label)).id)
        assert round_ is not None
        given = {
            Key(helper.user_id, VOTER + number, Source.COMMAND, 1): Mark(world.now)
            for helper, count in voters.items()
            for number in range(count)
        }
        await votes.change(session, round_, given=given, at=world.now, action="thanks.given")


async def close(world: World, at: datetime = CLOSE) -> None:
    """Let the round close; nothing is counted yet."""
    world.now = at
    async with world.db.write() as session:
        await rounds.advance(session, world.guild_id, now=at, stop_at_close=True)


async def count(world: World, label: str = FIRST) -> counting.Counted:
    async with world.db.write() as session:
        round_ = await session.get(Round, (await world.round(label)).id)
        assert round_ is not None
        return await counting.count(session, round_, now=world.now)


async def voters(world: World, label: str = FIRST) -> dict[int, int]:
    return dict(await world.see(votes.voters, await world.round(label)))


async def helper(world: World, who: Who) -> Any:
    return await world.see(people.helper, world.guild_id, who.user_id)


async def listed(world: World, label: str) -> dict[int, str]:
    """Who stands on the board of a round by which emoji."""
    round_ = await world.round(label)
    places: list[Place] = list(await world.see(stored_boards.places, round_.id))
    return {place.user_id: place.emoji for place in places if place.removed_at is None}


async def word(world: World, kind: str) -> list[wording.Message | None]:
    """What the posts of a kind say at present."""
    async with world.db.read() as session:
        return [await wording.word(session, post) for post in await world.posts(kind)]


# ---------------------------------------------------------------- the count


async def test_a_count_is_kept_for_good_and_recorded_without_pairs(board: World) -> None:
    await thank(board, {ADA: 6, BEN: 5})
    await close(board)
    counted = await count(board)
    assert counted == counting.Counted(FIRST, {ADA.user_id: 6, BEN.user_id: 5}, {CYD.user_id: 0})
    round_ = await board.round(FIRST)
    assert round_.counted_at == CLOSE
    assert await board.see(thanks.tallies, round_.id) == {ADA.user_id: 6, BEN.user_id: 5}
    (row,) = [row for row in await board.record() if row.action == "round.counted"]
    assert (row.subject, row.actor) == (f"round:{FIRST}", "")
    assert row.data == {"round": FIRST, "voters": {"11": 6, "12": 5}, "late": False}
    assert round_.record_first <= row.number <= round_.record_last


async def test_the_tally_stays_whatever_becomes_of_the_thanks(board: World) -> None:
    await thank(board, {ADA: 5})
    await close(board)
    await count(board)
    async with board.db.write() as session:
        round_ = await session.get(Round, (await board.round(FIRST)).id)
        assert round_ is not None
        gone = [Key(ADA.user_id, VOTER, Source.COMMAND, 1)]
        changed = await votes.change(
            session, round_, taken_back=gone, at=board.now, action="thanks.taken_back"
        )
        assert changed == votes.Changed(0, 1)
    assert await voters(board) == {ADA.user_id: 5}


async def test_a_round_without_thanks_is_counted_all_the_same(board: World) -> None:
    await close(board)
    assert await count(board) == counting.Counted(FIRST, {}, {})
    assert await voters(board) == {}
    assert await board.posts("dropped") == []


async def test_what_waits_is_known_until_it_is_counted(board: World) -> None:
    assert await board.see(counting.servers) == []
    await close(board)
    assert await board.see(counting.servers) == [board.guild_id]
    assert [one.label for one in await board.see(counting.waiting, board.guild_id)] == [FIRST]
    await count(board)
    assert await board.see(counting.servers) == []
    assert await board.see(counting.waiting, board.guild_id) == []


async def test_no_draft_is_made_before_the_count(board: World) -> None:
    await board.log(ADA, "10h")
    await thank(board, {ADA: 5})
    await close(board)
    board.now = COMPUTE + 2 * DAY
    async with board.db.write() as session:
        assert await rounds.advance(session, board.guild_id, now=board.now) == []
    assert (await board.round(FIRST)).state == "review"
    await count(board)
    async with board.db.write() as session:
        acts = await rounds.advance(session, board.guild_id, now=board.now)
    assert (acts[0].name, acts[0].late) == ("compute", True)
    assert (await board.round(FIRST)).state == "draft"


async def test_counts_are_hidden_while_a_round_is_open_unless_they_are_public(
    server: World,
) -> None:
    await server.opened()
    await thank(server, {ADA: 1})
    assert await server.see(votes.public, await server.round(FIRST)) is None
    await close(server)
    assert await server.see(votes.public, await server.round(FIRST)) == {ADA.user_id: 1}


async def test_public_counts_are_seen_from_the_start(server: World) -> None:
    await server.opened(public_counts="yes")
    await thank(server, {ADA: 1})
    await thank(server, {ADA: 1})  # the same thanks: nothing changes
    assert await server.see(votes.public, await server.round(FIRST)) == {ADA.user_id: 1}


# ---------------------------------------------------------------- who leaves the board


async def test_exactly_min_votes_stays_and_one_fewer_leaves(board: World) -> None:
    emojis = await listed(board, FIRST)
    await thank(board, {ADA: 5, BEN: 4, CYD: 6})
    await close(board)
    board.now += MINUTE
    assert (await count(board)).dropped == {BEN.user_id: 4}
    row = await helper(board, BEN)
    assert (row.state, row.emoji, row.emoji_key) == (Helper.DROPPED, emojis[BEN.user_id], None)
    assert (row.since, row.dropped_by) == (board.now, (await board.round(FIRST)).id)
    (recorded,) = [row for row in await board.record() if row.action == "helper.dropped"]
    assert recorded.subject == "user:12"
    assert recorded.data == {
        "state": "dropped", "voters": 4, "min_votes": 5, "round": FIRST,
    }  # fmt: skip
    await post_board(board)
    assert await listed(board, SECOND) == {
        ADA.user_id: emojis[ADA.user_id], CYD.user_id: emojis[CYD.user_id],
    }  # fmt: skip


async def test_whoever_leaves_the_board_is_told_in_the_next_thread_how_to_come_back(
    board: World,
) -> None:
    await thank(board, {ADA: 5, BEN: 4})
    await close(board)
    await count(board)
    (post,) = await board.posts("dropped")
    assert post.round_id == (await board.round(SECOND)).id
    (message,) = await word(board, "dropped")
    assert message is not None
    assert message.place is wording.Place.THREAD
    assert "fewer than 5 people thanked them in 2026-Q1" in message.content
    assert "<@12> (4), <@13> (0)" in message.content
    assert "Your hours count and are paid as before" in message.content
    assert "`/helper join` puts you there at once" in message.content
    # They are mentioned, and nobody else is.
    mentioned = message.mentions
    assert [user.id for user in mentioned.users] == [BEN.user_id, CYD.user_id]  # type: ignore[union-attr]
    assert (mentioned.everyone, mentioned.roles) == (False, False)


async def test_hours_go_on_and_are_paid(board: World) -> None:
    await thank(board, {ADA: 5})
    await close(board)
    await count(board)
    assert (await helper(board, BEN)).state == Helper.DROPPED
    board.now += DAY
    await board.log(BEN, "4h")
    await board.to(utc("2026-06-30 20:00"))
    assert (await board.amounts(SECOND))[BEN.user_id] == 20_00


async def test_coming_back_is_one_command_and_the_next_count_leaves_them_alone(
    board: World,
) -> None:
    emojis = await listed(board, FIRST)
    await thank(board, {ADA: 5, CYD: 5})
    await close(board)
    await count(board)
    await post_board(board)
    board.now += DAY
    standing = await board.do(roster.join, BEN)
    assert (standing.state, standing.emoji) == (Helper.ACTIVE, emojis[BEN.user_id])
    assert BEN.user_id in await listed(board, SECOND)
    await thank(board, {ADA: 5}, SECOND)
    await close(board, CLOSE_OF_SECOND)
    # Ben was not there for the whole round, Cyd was.
    assert (await count(board, SECOND)).dropped == {CYD.user_id: 0}


async def test_a_late_count_takes_them_off_the_board_that_stands_already(board: World) -> None:
    await thank(board, {ADA: 5})
    await close(board)
    board.now += boards.WAITS_FOR_COUNT
    await post_board(board)
    assert set(await listed(board, SECOND)) == {ADA.user_id, BEN.user_id, CYD.user_id}
    board.now += HOUR
    await count(board)
    assert set(await listed(board, SECOND)) == {ADA.user_id}


async def test_nobody_leaves_who_was_not_there_all_the_time(board: World) -> None:
    board.now += DAY
    await board.do(roster.add, MOE, person=SAM.person)  # came later
    await board.do(roster.leave, BEN)  # was away for a while
    await board.do(roster.join, BEN)
    await thank(board, {ADA: 5})
    await close(board)
    assert (await count(board)).dropped == {CYD.user_id: 0}


async def test_nobody_leaves_because_of_a_board_that_came_late(season: World) -> None:
    await post_board(season, at=START + DAY + MICROSECOND)
    await thank(season, {ADA: 5})
    await close(season)
    assert (await count(season)).dropped == {}


async def test_nobody_leaves_a_round_without_any_counted_vote(board: World) -> None:
    async with board.db.write() as session:
        round_ = await session.get(Round, (await board.round(FIRST)).id)
        assert round_ is not None
        key = Key(ADA.user_id, VOTER, Source.COMMAND, 1)
        young = Mark(board.now, Doubt.ACCOUNT)
        await votes.change(session, round_, given={key: young}, at=board.now, action="thanks.given")
    await close(board)
    assert await count(board) == counting.Counted(FIRST, {}, {})


async def test_whoever_left_or_was_removed_meanwhile_is_not_dropped_too(board: World) -> None:
    await thank(board, {ADA: 5})
    await close(board)
    await board.do(roster.leave, BEN)
    await board.do(roster.remove, MOE, user_id=CYD.user_id, reason="gone")
    assert (await count(board)).dropped == {}
    assert await board.posts("dropped") == []
    assert (await helper(board, BEN)).state == Helper.LEFT
    assert (await helper(board, CYD)).state == Helper.REMOVED


async def test_with_min_votes_zero_everybody_stays(server: World) -> None:
    await server.opened(min_votes="0")
    await post_board(server)
    await thank(server, {ADA: 1})
    await close(server)
    assert (await count(server)).dropped == {}


async def test_where_no_round_follows_they_leave_in_silence(board: World) -> None:
    await thank(board, {ADA: 5})
    await close(board)
    await board.void(SECOND)
    assert (await count(board)).dropped == {BEN.user_id: 0, CYD.user_id: 0}
    assert await board.posts("dropped") == []


# ---------------------------------------------------------------- opened again


async def test_reopening_takes_the_count_back_and_whoever_was_dropped_is_as_before(
    board: World,
) -> None:
    emojis = await listed(board, FIRST)
    await thank(board, {ADA: 5, BEN: 4})
    await board.close()
    board.now += HOUR
    await count(board)
    assert (await helper(board, BEN)).state == Helper.DROPPED
    await board.do(rounds.reopen, KIM, reason="too early")
    round_ = await board.round(FIRST)
    assert (round_.state, round_.counted_at) == ("open", None)
    assert await board.see(thanks.tallies, round_.id) == {}
    for who in (BEN, CYD):
        row = await helper(board, who)
        assert (row.state, row.dropped_by) == (Helper.ACTIVE, None)
        assert row.emoji_key == emoji.key(emojis[who.user_id])
    assert await listed(board, FIRST) == emojis
    restored = [row.subject for row in await board.record() if row.action == "helper.restored"]
    assert restored == ["user:12", "user:13"]
    # They were there all the time: what counts is what they have at the next close.
    await thank(board, {BEN: 5})
    await close(board, COMPUTE)
    assert (await count(board)).dropped == {CYD.user_id: 0}
    assert len(await board.posts("dropped")) == 2


async def test_whoever_came_back_by_themselves_is_left_alone(board: World) -> None:
    await thank(board, {ADA: 5})
    await board.close()
    await count(board)
    await board.do(roster.join, BEN, emoji="🐌")
    await board.do(roster.leave, CYD)
    await board.do(rounds.reopen, KIM, reason="too early")
    assert (await helper(board, BEN)).emoji_key == "🐌"
    assert (await helper(board, CYD)).state == Helper.LEFT
    assert "helper.restored" not in await board.actions()


async def test_an_emoji_that_somebody_else_took_meanwhile_stays_theirs(board: World) -> None:
    emojis = await listed(board, FIRST)
    await thank(board, {ADA: 5, CYD: 5})
    await board.close()
    await count(board)
    await board.do(roster.add, MOE, person=TOM.person, emoji=emojis[BEN.user_id])
    await board.do(rounds.reopen, KIM, reason="too early")
    row = await helper(board, BEN)
    assert row.state == Helper.ACTIVE
    assert row.emoji_key
    assert row.emoji_key != emoji.key(emojis[BEN.user_id])
    # On the board of that round they stand where they stood, and both can be thanked.
    shown = await listed(board, FIRST)
    assert shown[BEN.user_id] == emojis[BEN.user_id]
    assert set(shown) == {ADA.user_id, BEN.user_id, CYD.user_id, TOM.user_id}


async def test_only_what_this_count_did_is_taken_back(board: World) -> None:
    await thank(board, {ADA: 5, CYD: 5})
    await close(board)
    await count(board)
    await post_board(board)
    board.now += DAY
    await thank(board, {ADA: 5}, SECOND)
    await board.close()
    assert (await count(board, SECOND)).dropped == {CYD.user_id: 0}
    await board.do(rounds.reopen, KIM, reason="too early")
    assert (await helper(board, CYD)).state == Helper.ACTIVE
    assert (await helper(board, BEN)).state == Helper.DROPPED


# ---------------------------------------------------------------- counted late


@pytest.mark.parametrize(
    ("after", "is_late"),
    ((0 * MINUTE, False), (10 * MINUTE, False), (10 * MINUTE + MICROSECOND, True)),
)
async def test_a_count_long_after_the_close_is_called_late(
    board: World,
    after: timedelta,
    *,
    is_late: bool,
) -> None:
    assert counting.late_at(await board.round(FIRST)) is None
    await thank(board, {ADA: 5})
    await close(board)
    assert counting.late_at(await board.round(FIRST)) is None
    board.now = CLOSE + after
    await count(board)
    assert (await board.record())[-1].action == "helper.dropped"
    (row,) = [row for row in await board.record() if row.action == "round.counted"]
    assert row.data["late"] is is_late
    expected = board.now if is_late else None
    assert counting.late_at(await board.round(FIRST)) == expected


async def test_preview_statement_page_and_files_say_that_it_was_late(server: World) -> None:
    await server.opened(split_by="thanks")
    await server.log(ADA, "10h")
    await thank(server, {ADA: 3, BEN: 1})
    await close(server)
    before = await server.see(settlement.preview, by=server.by(KIM), label=FIRST)
    assert LATE_WORDS not in str(statements.preview(before)[0].description)
    server.now = CLOSE + 10 * MINUTE + MICROSECOND
    await count(server)
    await server.to(COMPUTE)
    draft = await server.see(settlement.preview, by=server.by(KIM), label=FIRST)
    assert draft.counted_late_at == CLOSE + 10 * MINUTE + MICROSECOND
    assert LATE_WORDS in str(statements.preview(draft)[0].description)
    published = await server.published()
    assert LATE_WORDS in str(statements.published(published)[0].description)
    assert LATE_WORDS in page.page(published)
    assert LATE_WORDS.split(":", maxsplit=1)[0] in files.statement_markdown(published).decode()
    (row,) = [
        row
        for row in json.loads(files.statement_json(published.document))["record"]["rows"]
        if row["action"] == "round.counted"
    ]
    assert row["data"]["late"] is True


async def test_a_count_in_time_is_no_word_anywhere(server: World) -> None:
    await server.opened(split_by="thanks")
    await thank(server, {ADA: 3, BEN: 1})
    await server.to(CLOSE)
    await server.to(COMPUTE)
    published = await server.published()
    assert published.counted_late_at is None
    for words in (
        str(statements.published(published)[0].description),
        page.page(published),
        files.statement_markdown(published).decode(),
    ):
        assert "counted late" not in words


# ---------------------------------------------------------------- notices


async def test_the_committee_hears_of_a_count_that_waits_once_a_day_and_three_times(
    board: World,
) -> None:
    await close(board)

    async def heard(at: datetime) -> int:
        async with board.db.write() as session:
            for round_ in await counting.waiting(session, board.guild_id):
                await counting.say_it_waits(session, round_, why="Discord does not answer", now=at)
        return len(await board.posts("count-waits"))

    assert await heard(CLOSE) == 0
    assert await heard(COMPUTE - MICROSECOND) == 0
    assert await heard(COMPUTE) == 1
    assert await heard(COMPUTE) == 1
    assert await heard(COMPUTE + DAY - MICROSECOND) == 1
    assert await heard(COMPUTE + DAY) == 2
    assert await heard(COMPUTE + 2 * DAY) == 3
    for day in range(3, 12):
        assert await heard(COMPUTE + day * DAY) == 3
    (first, *_) = await word(board, "count-waits")
    assert first is not None
    assert first.place is wording.Place.COMMITTEE
    assert "The draft of **2026-Q1** waits" in first.content
    assert "(Discord does not answer)" in first.content
    # What is not said yet is not said any more once it is counted.
    await count(board)
    assert await word(board, "count-waits") == [None, None, None]
    assert await heard(COMPUTE + 20 * DAY) == 3


# ---------------------------------------------------------------- the tip jar


async def test_a_jar_that_nobody_can_receive_moves_on_at_the_count(server: World) -> None:
    await server.opened()
    await server.do(tipjar.record, KIM, amount="120.00")
    await close(server)
    assert "tipjar.carried" not in await server.actions()
    await count(server)
    assert (await server.actions())[-1] == "tipjar.carried"
    jar = await server.see(tipjar.show, by=server.by(ADA))
    assert jar.jar.tips == 120_00


async def test_a_jar_whose_thanked_helpers_all_declined_moves_on_too(server: World) -> None:
    await server.opened()
    await server.do(tipjar.record, KIM, amount="120.00")
    await thank(server, {ADA: 2})
    await server.do(roster.pay, ADA, wanted=False)
    await close(server)
    await count(server)
    assert (await server.actions())[-1] == "tipjar.carried"


async def test_a_jar_that_somebody_receives_stays(server: World) -> None:
    await server.opened()
    await server.do(tipjar.record, KIM, amount="120.00")
    await thank(server, {ADA: 2, BEN: 1})
    await server.do(roster.pay, ADA, wanted=False)
    await close(server)
    await count(server)
    assert "tipjar.carried" not in await server.actions()


async def test_a_jar_that_moved_on_comes_back_when_the_round_is_opened_again(
    server: World,
) -> None:
    await server.opened()
    await server.do(tipjar.record, KIM, amount="120.00")
    await server.close()
    await count(server)
    await server.do(rounds.reopen, KIM, reason="too early")
    assert (await server.see(tipjar.show, by=server.by(ADA))).jar.tips == 120_00
    await thank(server, {ADA: 1})
    await server.to(COMPUTE)
    await server.published()
    document = await server.document(FIRST)
    assert [(line["user_id"], line["tips_amount"]) for line in document["lines"]] == [
        ("11", "120.00")
    ]


# ---------------------------------------------------------------- what verify checks


def sealed(document: Mapping[str, Any]) -> dict[str, Any]:
    """Seal a changed bundle anew, as whoever changed it would."""
    content = {name: value for name, value in document.items() if name != "sha256"}
    return {**content, "sha256": sha256(content)}


async def settled(world: World, **values: str) -> dict[str, Any]:
    """Publish a round with hours (Ada 100 h, Ben 50 h) and thanks (Ada 3, Ben 1)."""
    await world.opened(**values)
    world.now += 30 * DAY
    for who, duration in ((ADA, "100h"), (BEN, "50h")):
        await world.log(who, duration)
    await thank(world, {ADA: 3, BEN: 1})
    await world.to(COMPUTE)
    await world.published()
    return json.loads(json.dumps(await world.document(FIRST)))  # type: ignore[no-any-return]


SPLITS = (
    ({"split_by": "hours"}, {11: 500_00, 12: 250_00}),
    ({"split_by": "thanks"}, {11: 750_00, 12: 250_00}),
    # 20 % of the cap by thanks; below 800.00 the hours are paid in full.
    ({"split_by": "mixed", "thanks_share": "20%"}, {11: 650_00, 12: 300_00}),
)


@pytest.mark.parametrize(("values", "expected"), SPLITS)
async def test_every_split_is_what_the_rules_say_and_verifies(
    server: World, values: dict[str, str], expected: dict[int, int]
) -> None:
    document = await settled(server, **values)
    assert bundle.faults(document) == []
    got = {int(line["user_id"]): round(float(line["amount"]) * 100) for line in document["lines"]}
    assert {user: got[user] for user in expected} == expected
    assert {int(line["user_id"]): line["voters"] for line in document["lines"]} == {11: 3, 12: 1}
    assert document["inputs"]["voters"] == {"11": 3, "12": 1}


@pytest.mark.parametrize("values", [values for values, _ in SPLITS])
@pytest.mark.parametrize("flipped", (2, 4, 30))
async def test_a_flipped_voter_count_is_found_and_named(
    server: World, values: dict[str, str], flipped: int
) -> None:
    document = await settled(server, **values)
    inputs = {**document["inputs"], "voters": {"11": flipped, "12": 1}}
    found = bundle.faults(sealed({**document, "inputs": inputs}))
    assert any(fault.startswith("voters of 11:") for fault in found), found
    lines = [dict(line) for line in document["lines"]]
    lines[0]["voters"] = flipped
    found = bundle.faults(sealed({**document, "lines": lines}))
    assert any("line 11: voters" in fault for fault in found), found


async def test_voters_that_are_added_or_left_out_are_named(server: World) -> None:
    document = await settled(server, split_by="thanks")
    for others in ({"11": 3}, {"11": 3, "12": 1, "13": 1}):
        inputs = {**document["inputs"], "voters": others}
        found = bundle.faults(sealed({**document, "inputs": inputs}))
        (odd,) = {"12", "13"} & ({"12"} - others.keys() | others.keys() - {"11", "12"})
        assert any(fault.startswith(f"voters of {odd}:") for fault in found), found


async def test_a_count_that_is_changed_in_the_record_breaks_the_chain(server: World) -> None:
    document = await settled(server, split_by="thanks")
    rows = document["record"]["rows"] if isinstance(document["record"], dict) else None
    assert rows is not None
    row = next(row for row in rows if row["action"] == "round.counted")
    row["data"]["voters"]["11"] = 4
    document["inputs"]["voters"]["11"] = 4
    found = bundle.faults(sealed(document))
    assert any(f"record row {row['number']}" in fault for fault in found), found


async def test_a_round_that_was_counted_twice_holds_the_second_count(server: World) -> None:
    await server.opened(split_by="thanks")
    await thank(server, {ADA: 1})
    await server.close()
    await count(server)
    await server.do(rounds.reopen, KIM, reason="too early")
    await thank(server, {ADA: 3, BEN: 1})
    await server.to(COMPUTE)
    await server.published(LEE)
    document = await server.document(FIRST)
    assert bundle.faults(document) == []
    assert document["inputs"]["voters"] == {"11": 3, "12": 1}
