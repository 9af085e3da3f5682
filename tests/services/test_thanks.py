"""Thanks by command and menu: what counts, what is refused, taking back, and who sees whose."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot.domain.errors import Refusal, Repeated
from bot.domain.people import Person
from bot.domain.thanks import DISCORD_EPOCH, Doubt, Key, Mark, Source, Standing
from bot.jobs import wording
from bot.services import counting, roster, rounds, settings, thanks, votes
from storage.tables import Board, Helper, Place, Post, Round, ThankedMessage
from storage.tables import Thanks as Row
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
    MOE,
    ROOT,
    SAM,
    START,
    TOM,
    Who,
    World,
    twice_at_once,
)

LABEL = "2026-Q1"
JUST_BEFORE = CLOSE - timedelta(milliseconds=1)
MESSAGE = 700_000_000_000_000_001


def born(at: datetime, name: str = "New") -> Who:
    """Somebody whose account was made at an instant."""
    return Who((at - DISCORD_EPOCH) // timedelta(milliseconds=1) << 22, name)


async def give(world: World, who: Who, helper: Who = ADA, **data: Any) -> thanks.Given:
    return await world.do(thanks.give, who, person=helper.person, **data)


async def menu(world: World, who: Who, helper: Who = ADA, message: int = MESSAGE) -> thanks.Given:
    return await world.do(thanks.give_for_message, who, person=helper.person, message_id=message)


async def counts(world: World, label: str = LABEL) -> dict[int, int]:
    return dict(await world.see(votes.voters, await world.round(label)))


async def take_back(world: World, who: Who, helper: Who = ADA, label: str = LABEL) -> Any:
    round_id = (await world.round(label)).id
    return await world.do(thanks.take_back, who, round_id=round_id, helper_id=helper.user_id)


async def not_taken_back(world: World, who: Who, helper: Who = ADA, label: str = LABEL) -> str:
    round_id = (await world.round(label)).id
    return await world.refused(thanks.take_back, who, round_id=round_id, helper_id=helper.user_id)


async def audit(world: World, helper: Who = ADA, label: str | None = None) -> thanks.Voters:
    return await world.see(thanks.voters, by=world.by(KIM), user_id=helper.user_id, label=label)


async def own(world: World, helper: Who = ADA, label: str = LABEL) -> thanks.Voters:
    round_id = (await world.round(label)).id
    return await world.see(thanks.mine, by=world.by(helper), round_id=round_id)


async def board(world: World, label: str | None = None) -> thanks.Leaderboard:
    return await world.see(thanks.leaderboard, world.guild_id, label=label)


async def close_uncounted(world: World, at: datetime = CLOSE) -> None:
    """Let the round close; its reactions are still being compared."""
    world.now = at
    async with world.db.write() as session:
        await rounds.advance(session, world.guild_id, now=at, stop_at_close=True)


async def count_for_good(world: World, label: str = LABEL) -> None:
    async with world.db.write() as session:
        round_ = await session.get(Round, (await world.round(label)).id)
        assert round_ is not None
        await counting.count(session, round_, now=world.now)


async def store(world: World, *rows: object) -> None:
    async with world.db.write() as session:
        for row in rows:
            session.add(row)
            await session.flush()


async def react(world: World, who: Who, key: Key, mark: Mark) -> None:
    """Store a reaction as it arrives from Discord."""
    del who
    async with world.db.write() as session:
        round_ = await session.get(Round, (await world.round(LABEL)).id)
        assert round_ is not None
        await votes.change(
            session, round_, given={key: mark}, at=world.now, action="thanks.received"
        )


async def a_board(world: World, helper: Who = ADA, *, lost: bool = False) -> Place:
    """Store a board message with one place."""
    round_id = (await world.round(LABEL)).id
    message = Board(
        guild_id=world.guild_id, round_id=round_id, position=1, capacity=20, channel_id=5,
        message_id=600 + lost, posted_at=world.now, pinned=True,
        lost_at=world.now if lost else None,
    )  # fmt: skip
    await store(world, message)
    place = Place(
        guild_id=world.guild_id, round_id=round_id, board_id=message.id,
        user_id=helper.user_id, emoji="x", emoji_key="x", from_start=True, added_at=world.now,
    )  # fmt: skip
    await store(world, place)
    return place


async def said(world: World) -> list[str | None]:
    """What the posts about thanks say now, None where there is nothing to say."""
    async with world.db.read() as session:
        words = [await wording.word(session, post) for post in await world.posts("thanks")]
    return [message.content if message else None for message in words]


async def sent(world: World) -> None:
    """Let every post stand in the thread."""
    async with world.db.write() as session:
        for known in await world.posts("thanks"):
            post = await session.get(Post, known.id)
            assert post is not None
            post.message_id, post.state = post.id, "sent"


# ---------------------------------------------------------------- giving


async def test_thanks_are_answered_with_what_they_mean(season: World) -> None:
    given = await give(season, SAM)
    assert (given.helper_id, given.label, given.closes_at) == (ADA.user_id, LABEL, CLOSE)
    assert given.round_id == (await season.round(LABEL)).id
    assert given.is_new
    assert given.is_first
    assert given.counts
    assert given.is_open
    assert given.note is thanks.Fate.NONE
    assert await counts(season) == {ADA.user_id: 1}
    assert await season.posts("thanks") == []


async def test_every_thanks_is_kept_and_a_voter_counts_once_for_each_helper(season: World) -> None:
    assert (await give(season, SAM)).is_first
    again = await give(season, SAM)
    assert again.is_new
    assert not again.is_first
    assert (await menu(season, SAM)).is_new
    assert (await give(season, SAM, BEN)).is_first
    assert (await give(season, TOM)).is_first
    assert await counts(season) == {ADA.user_id: 2, BEN.user_id: 1}
    (sam, _) = (await audit(season)).voters
    assert [way.source for way in sam.ways] == [Source.COMMAND, Source.COMMAND, Source.MENU]


async def test_one_message_is_thanked_for_once(season: World) -> None:
    assert (await menu(season, SAM)).is_new
    again = await menu(season, SAM)
    assert not again.is_new
    assert not again.is_first
    assert again.counts
    assert (await menu(season, SAM, message=MESSAGE + 1)).is_new
    assert (await menu(season, TOM)).is_new
    assert await counts(season) == {ADA.user_id: 2}
    (sam, _) = (await audit(season)).voters
    assert len(sam.ways) == 2


async def test_helpers_and_committee_thank_too_and_each_other(season: World) -> None:
    await give(season, BEN)
    await give(season, ADA, BEN)
    await give(season, KIM)
    assert await counts(season) == {ADA.user_id: 2, BEN.user_id: 1}


async def test_the_record_holds_counts_and_digests_and_never_who_thanked_whom(
    season: World,
) -> None:
    await give(season, SAM, note="thank you, Ada")
    await menu(season, TOM)
    await take_back(season, TOM)
    rows = [row for row in await season.record() if row.action.startswith("thanks")]
    assert [row.action for row in rows] == ["thanks.given", "thanks.given", "thanks.taken_back"]
    assert [row.data.get("source") for row in rows] == ["command", "menu", None]
    for row in rows:
        assert not row.actor
        assert row.subject == f"round:{LABEL}"
        assert "thanks_digest" in row.data
        assert not {str(ADA.user_id), str(SAM.user_id)} & {str(v) for v in row.data.values()}
    assert "note_digest" in rows[0].data
    assert "thank you" not in str(rows)


async def test_an_interaction_counts_once_however_often_it_arrives(season: World) -> None:
    by = season.by(SAM)
    await season.act(thanks.give, by, person=ADA.person, note="hello")
    with pytest.raises(Repeated):
        await season.act(thanks.give, by, person=ADA.person, note="hello")
    assert len((await audit(season)).voters[0].ways) == 1
    assert len(await season.posts("thanks")) == 1


async def test_of_one_interaction_in_two_processes_one_is_carried_out(season: World) -> None:
    by = season.by(SAM)
    outcomes = await twice_at_once(
        lambda: season.act(thanks.give, by, person=ADA.person),
        lambda: season.act(thanks.give, by, person=ADA.person),
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Given", "Repeated"]
    assert await counts(season) == {ADA.user_id: 1}


async def test_two_at_once_are_both_kept(season: World) -> None:
    outcomes = await twice_at_once(lambda: give(season, SAM), lambda: give(season, SAM))
    assert sorted(outcome.is_first for outcome in outcomes) == [False, True]  # type: ignore[union-attr]
    await twice_at_once(lambda: menu(season, TOM), lambda: menu(season, TOM))
    (sam, tom) = (await audit(season)).voters
    assert (len(sam.ways), len(tom.ways)) == (2, 1)
    assert await counts(season) == {ADA.user_id: 2}


REFUSED = (
    (SAM.person, "Thanks are for others."),
    (Person(99, "Robot", is_bot=True), "Bots are not thanked. Choose the person who helped"),
    (TOM.person, "not on the roster, so thanks cannot count for them. They get there with"),
    (Person(98, "Gone", is_member=False), "`/helper join`, or a moderator uses `/helper add`"),
)


@pytest.mark.parametrize(("person", "sentence"), REFUSED)
async def test_a_refusal_says_who_can_be_thanked(
    season: World, person: Person, sentence: str
) -> None:
    assert sentence in await season.refused(thanks.give, SAM, person=person)
    assert sentence in await season.refused(
        thanks.give_for_message, SAM, person=person, message_id=MESSAGE
    )
    assert await counts(season) == {}


@pytest.mark.parametrize(
    ("note", "sentence"),
    (
        ("x" * 501, "up to 500 characters; this one has 501"),
        ("", "in words, or leave it out"),
        (" \n\t", "in words, or leave it out"),
        ("\N{ZERO WIDTH SPACE}\N{RIGHT-TO-LEFT OVERRIDE}", "in words, or leave it out"),
        ("\N{COMBINING ACUTE ACCENT}", "in words, or leave it out"),
    ),
)
async def test_a_note_is_words_and_not_too_many(season: World, note: str, sentence: str) -> None:
    for private in (True, False):
        refusal = await season.refused(
            thanks.give, SAM, person=ADA.person, note=note, private=private
        )
        assert sentence in refusal
    assert (await give(season, SAM, note=f" {'x' * 500} ")).note is thanks.Fate.POSTED
    assert (await give(season, SAM, note="\N{ROCKET}")).note is thanks.Fate.POSTED


async def test_thankable_is_who_left_the_board_but_not_who_left_the_roster(season: World) -> None:
    await season.do(roster.leave, ADA)
    assert "not on the roster" in await season.refused(thanks.give, SAM, person=ADA.person)
    await season.do(roster.remove, MOE, user_id=BEN.user_id, reason="x")
    assert "not on the roster" in await season.refused(thanks.give, SAM, person=BEN.person)
    async with season.db.write() as session:
        from_roster = await session.get(Helper, (season.guild_id, CYD.user_id))
        assert from_roster is not None
        from_roster.state = "dropped"
    assert (await give(season, SAM, CYD)).counts
    await season.do(roster.join, TOM)  # waits to be admitted
    assert "not on the roster" in await season.refused(thanks.give, SAM, person=TOM.person)


async def test_thanks_stay_with_who_is_removed_later(season: World) -> None:
    await give(season, SAM)
    await season.do(roster.remove, MOE, user_id=ADA.user_id, reason="x")
    assert await counts(season) == {ADA.user_id: 1}
    assert (await take_back(season, SAM)).count == 1


async def test_a_roster_is_of_one_server(season: World) -> None:
    await give(season, SAM)
    elsewhere = season.elsewhere()
    assert "not on the roster" in await elsewhere.refused(thanks.give, SAM, person=ADA.person)
    await elsewhere.set_up()
    assert "No round is open" in await elsewhere.refused(thanks.give, SAM, person=ADA.person)
    await elsewhere.do(rounds.open_by_hand, KIM)
    await give(elsewhere, TOM)
    assert await counts(season) == await counts(elsewhere) == {ADA.user_id: 1}
    assert [voter.user_id for voter in (await audit(season)).voters] == [SAM.user_id]
    round_id = (await season.round(LABEL)).id
    for verb, data in (
        (thanks.take_back, {"helper_id": ADA.user_id}),
        (thanks.mine, {}),
    ):
        refusal = await elsewhere.refused(verb, SAM, round_id=round_id, **data)
        assert refusal.startswith("There is no such round here.")
        refusal = await elsewhere.refused(verb, SAM, round_id=10**9, **data)
        assert refusal.startswith("There is no such round here.")


async def test_without_an_open_round_nobody_is_thanked(town: World) -> None:
    refusal = await town.refused(thanks.give, SAM, person=ADA.person)
    assert refusal == "No round is open at the moment. `/round status` shows what comes next."


# ---------------------------------------------------------------- who is too young


@pytest.mark.parametrize(
    ("age", "member_for", "counts_for_ada", "doubt"),
    (
        (7 * DAY, None, True, Doubt.NONE),
        (7 * DAY - timedelta(seconds=1), None, False, Doubt.ACCOUNT),
        (30 * DAY, 3 * DAY, True, Doubt.NONE),
        (30 * DAY, 3 * DAY - timedelta(seconds=1), False, Doubt.MEMBER),
        (30 * DAY, None, True, Doubt.NONE),
    ),
)
async def test_who_is_too_young_is_kept_and_shown_but_not_counted(
    town: World, age: timedelta, member_for: timedelta | None, counts_for_ada: bool, doubt: Doubt
) -> None:
    await town.do(settings.change, ROOT, values={"voter_member_days": "3"})
    await town.do(rounds.open_by_hand, KIM)
    who = born(START - age)
    by = town.by(who)
    joined = None if member_for is None else START - member_for
    by = replace(by, joined_at=joined)
    given = await town.act(thanks.give, by, person=ADA.person)
    assert (given.counts, given.doubt) == (counts_for_ada, doubt)
    assert await counts(town) == ({ADA.user_id: 1} if counts_for_ada else {})
    (voter,) = (await audit(town)).voters
    assert voter.counts is counts_for_ada
    assert voter.ways[0].doubt is doubt
    if doubt is Doubt.ACCOUNT:
        assert abs(given.counts_from - (START + timedelta(seconds=1))) < timedelta(seconds=1)
    if doubt is Doubt.MEMBER:
        assert given.counts_from == START + timedelta(seconds=1)


async def test_what_was_judged_stays_and_later_thanks_count(season: World) -> None:
    young = born(START - 6 * DAY)
    first = await menu(season, young)
    assert not first.counts
    season.now = first.counts_from
    again = await menu(season, young)  # the same message: what stands was judged before
    assert not again.is_new
    assert not again.counts
    assert again.doubt is Doubt.ACCOUNT
    assert await counts(season) == {}
    later = await give(season, young)
    assert later.counts
    assert not later.is_first
    assert await counts(season) == {ADA.user_id: 1}
    assert (await menu(season, young)).counts  # somebody counts, if not by this


# ---------------------------------------------------------------- around the close


async def test_thanks_before_the_close_count_though_processed_after_it(season: World) -> None:
    await close_uncounted(season)
    season.now = CLOSE + HOUR
    given = await season.act(
        thanks.give, season.by(SAM, at=JUST_BEFORE), person=ADA.person, note="in time"
    )
    assert (given.label, given.is_open, given.counts) == (LABEL, False, True)
    assert await counts(season) == {ADA.user_id: 1}
    following = await season.act(thanks.give, season.by(SAM, at=CLOSE), person=ADA.person)
    assert (following.label, following.is_first) == ("2026-Q2", True)
    assert await counts(season, "2026-Q2") == {ADA.user_id: 1}


async def test_the_close_has_no_gap_before_the_tick_that_carries_it_out(season: World) -> None:
    season.now = CLOSE + timedelta(seconds=20)
    given = await season.act(thanks.give, season.by(SAM, at=JUST_BEFORE), person=ADA.person)
    assert (given.label, given.is_open) == (LABEL, False)
    given = await season.act(thanks.give, season.by(SAM, at=CLOSE), person=ADA.person)
    assert given.label == "2026-Q2"


async def test_after_the_count_nothing_of_a_round_changes(season: World) -> None:
    await give(season, SAM)
    await close_uncounted(season)
    season.now = CLOSE + HOUR
    await count_for_good(season)
    with pytest.raises(Refusal, match="its thanks are counted"):
        await season.act(thanks.give, season.by(TOM, at=JUST_BEFORE), person=ADA.person)
    round_id = (await season.round(LABEL)).id
    with pytest.raises(Refusal, match="so its thanks stay as they are"):
        await season.act(
            thanks.take_back,
            season.by(SAM, at=JUST_BEFORE),
            round_id=round_id,
            helper_id=ADA.user_id,
        )
    assert await counts(season) == {ADA.user_id: 1}
    assert (await give(season, TOM)).label == "2026-Q2"


async def test_taking_back_ends_with_the_round(season: World) -> None:
    await give(season, SAM)
    await give(season, TOM)
    await close_uncounted(season)
    refusal = await not_taken_back(season, SAM)
    assert (
        refusal == f"{LABEL} closed <t:{int(CLOSE.timestamp())}:f>, so its thanks stay as they are."
    )
    round_id = (await season.round(LABEL)).id
    change = await season.act(
        thanks.take_back, season.by(TOM, at=JUST_BEFORE), round_id=round_id, helper_id=ADA.user_id
    )
    assert change.count == 1
    assert await counts(season) == {ADA.user_id: 1}


async def test_a_void_round_takes_no_thanks(season: World) -> None:
    await give(season, SAM)
    await season.void()
    assert "No round is open" in await season.refused(thanks.give, SAM, person=ADA.person)
    assert "so its thanks stay as they are" in await not_taken_back(season, SAM)
    assert (await board(season, LABEL)).is_shown


# ---------------------------------------------------------------- notes


async def test_a_note_is_posted_in_the_thread_and_a_private_one_is_not(season: World) -> None:
    assert (await give(season, SAM, note=" so helpful ")).note is thanks.Fate.POSTED
    assert (await give(season, TOM, note="a secret", private=True)).note is thanks.Fate.PRIVATE
    assert (await give(season, LEE, private=True)).note is thanks.Fate.NONE
    assert await said(season) == [f"<@{SAM.user_id}> thanks <@{ADA.user_id}>:\n>>> so helpful"]
    (post,) = await season.posts("thanks")
    assert "helpful" not in post.facts
    assert all("secret" not in post.facts for post in await season.posts())


async def test_a_private_note_is_for_helper_and_committee_alone(season: World) -> None:
    await give(season, TOM, note="a secret", private=True)
    (voter,) = (await audit(season)).voters
    assert (voter.ways[0].note, voter.ways[0].is_private) == ("a secret", True)
    for who in (SAM, TOM, MOE, ROOT, ADA):
        refusal = await season.refused(thanks.voters, who, user_id=ADA.user_id, label=None)
        assert "This is for the committee" in refusal
    await season.to(CLOSE)
    assert (await own(season)).voters[0].ways[0].note == "a secret"
    for who in (SAM, TOM, BEN, KIM):
        assert (await own(season, who)).voters == ()
    assert "secret" not in str(await board(season, LABEL))


async def test_a_note_that_is_taken_back_before_it_was_posted_is_not(season: World) -> None:
    await give(season, SAM, note="helpful")
    await take_back(season, SAM)
    assert await said(season) == [None]


async def test_a_posted_note_is_brought_up_to_date(season: World) -> None:
    await give(season, SAM, note="helpful")
    await give(season, SAM, note="again")
    await give(season, TOM, note="kind")
    await sent(season)
    await take_back(season, SAM)
    assert [post.state for post in await season.posts("thanks")] == ["pending", "pending", "sent"]
    gone = "*A thanks was taken back.*"
    assert await said(season) == [
        gone,
        gone,
        f"<@{TOM.user_id}> thanks <@{ADA.user_id}>:\n>>> kind",
    ]


async def test_an_erased_note_leaves_the_thanks(season: World) -> None:
    given = await give(season, SAM, note="helpful")
    await sent(season)
    async with season.db.write() as session:
        (post,) = await season.posts("thanks")
        origin = int(post.name.removeprefix("thanks:"))
        key = (given.round_id, ADA.user_id, SAM.user_id, Source.COMMAND, origin, 0)
        row = await session.get(Row, key)
        assert row is not None
        row.note = ""
    assert await said(season) == [f"<@{SAM.user_id}> thanks <@{ADA.user_id}>."]


async def test_a_note_is_kept_where_there_is_no_thread(season: World) -> None:
    async with season.db.write() as session:
        round_ = await session.get(Round, (await season.round(LABEL)).id)
        assert round_ is not None
        round_.thread_lost = True
    assert (await give(season, SAM, note="helpful")).note is thanks.Fate.KEPT


# ---------------------------------------------------------------- taking back


async def test_taking_back_takes_everything_of_one_pair_and_nothing_else(season: World) -> None:
    await give(season, SAM)
    await give(season, SAM, note="more")
    await menu(season, SAM)
    await give(season, SAM, BEN)
    await give(season, TOM)
    change = await take_back(season, SAM)
    assert (change.count, change.label, change.helper_id) == (3, LABEL, ADA.user_id)
    assert change.reactions == ()
    assert await counts(season) == {ADA.user_id: 1, BEN.user_id: 1}
    refusal = await not_taken_back(season, SAM)
    assert f"No thanks of yours for <@{ADA.user_id}> stand in {LABEL}." in refusal


async def test_whoever_presses_takes_back_their_own_only(season: World) -> None:
    await give(season, SAM)
    for who in (TOM, ADA, KIM, ROOT):
        assert "No thanks of yours" in await not_taken_back(season, who)
    assert await counts(season) == {ADA.user_id: 1}
    await give(season, TOM)
    await take_back(season, TOM)
    assert await counts(season) == {ADA.user_id: 1}


async def test_what_was_taken_back_can_be_given_again(season: World) -> None:
    await menu(season, SAM)
    await take_back(season, SAM)
    again = await menu(season, SAM)
    assert again.is_new
    assert again.is_first
    assert await counts(season) == {ADA.user_id: 1}


async def test_one_press_that_arrives_twice_is_one(season: World) -> None:
    await give(season, SAM)
    by, round_id = season.by(SAM), (await season.round(LABEL)).id
    await season.act(thanks.take_back, by, round_id=round_id, helper_id=ADA.user_id)
    await give(season, SAM)
    with pytest.raises(Repeated):
        await season.act(thanks.take_back, by, round_id=round_id, helper_id=ADA.user_id)
    assert await counts(season) == {ADA.user_id: 1}


async def test_a_reaction_that_stands_is_removed_where_it_is(season: World) -> None:
    place = await a_board(season)
    await react(
        season, SAM, Key(ADA.user_id, SAM.user_id, Source.BOARD, place.id), Mark(at=season.now)
    )
    link = f"https://discord.com/channels/{season.guild_id}/5/600"
    refusal = await not_taken_back(season, SAM)
    assert f"is a reaction of yours [on the board]({link}): remove it there" in refusal
    await give(season, SAM)
    change = await take_back(season, SAM)
    assert (change.count, change.reactions) == (1, (Standing(Source.BOARD, link),))
    assert await counts(season) == {ADA.user_id: 1}


async def test_a_reaction_that_nobody_can_remove_is_taken_back_by_the_button(
    season: World,
) -> None:
    place = await a_board(season, lost=True)
    for burst in (0, 1):
        key = Key(ADA.user_id, SAM.user_id, Source.BOARD, place.id, burst)
        await react(season, SAM, key, Mark(at=season.now))
    change = await take_back(season, SAM)
    assert (change.count, change.reactions) == (2, ())
    assert await counts(season) == {}


@pytest.mark.parametrize("lost", (True, False))
async def test_the_thanks_emoji_is_removed_where_it_is_unless_the_message_is_gone(
    season: World, lost: bool
) -> None:
    round_id = (await season.round(LABEL)).id
    lost_at = season.now if lost else None
    known = ThankedMessage(
        round_id=round_id, message_id=MESSAGE, guild_id=season.guild_id, channel_id=8,
        author_id=ADA.user_id, lost_at=lost_at,
    )  # fmt: skip
    await store(season, known)
    key = Key(ADA.user_id, SAM.user_id, Source.EMOJI, MESSAGE)
    await react(season, SAM, key, Mark(at=season.now))
    await give(season, SAM)
    change = await take_back(season, SAM)
    assert change.count == (2 if lost else 1)
    link = f"https://discord.com/channels/{season.guild_id}/8/{MESSAGE}"
    assert change.reactions == (() if lost else (Standing(Source.EMOJI, link),))


# ---------------------------------------------------------------- to see


async def test_the_committee_sees_who_how_when_and_what_counts(season: World) -> None:
    place = await a_board(season)
    young = born(START - DAY)
    await give(season, SAM, note="kind", private=True)
    await give(season, young)
    key = Key(ADA.user_id, TOM.user_id, Source.BOARD, place.id, 1)
    await react(season, TOM, key, Mark(at=START, after=START - HOUR))
    await give(season, BEN)
    await give(season, ADA, BEN)
    found = await audit(season)
    assert (found.label, found.helper_id, found.counted, found.is_open) == (
        LABEL, ADA.user_id, 3, True,
    )  # fmt: skip
    by_id = {voter.user_id: voter for voter in found.voters}
    assert set(by_id) == {SAM.user_id, young.user_id, TOM.user_id, BEN.user_id}
    (way,) = by_id[TOM.user_id].ways
    assert (way.source, way.is_burst, way.at, way.after) == (
        Source.BOARD, True, START, START - HOUR,
    )  # fmt: skip
    assert by_id[TOM.user_id].name == ""  # was never seen in a command
    assert by_id[SAM.user_id].name == "Sam"
    assert not by_id[young.user_id].counts
    assert [user for user, voter in by_id.items() if voter.is_mutual] == [BEN.user_id]
    assert (await audit(season, CYD)).voters == ()


async def test_mutual_thanks_are_those_that_stand(season: World) -> None:
    await give(season, BEN)
    await give(season, ADA, BEN)
    await take_back(season, ADA, BEN)
    (ben,) = (await audit(season)).voters
    assert not ben.is_mutual


async def test_what_was_taken_away_after_the_close_is_marked(season: World) -> None:
    place = await a_board(season)
    key = Key(ADA.user_id, SAM.user_id, Source.BOARD, place.id)
    await react(season, SAM, key, Mark(at=START))
    await season.to(CLOSE)
    async with season.db.write() as session:
        row = await session.get(Row, ((await season.round(LABEL)).id, *key))
        assert row is not None
        row.kept_at = CLOSE + HOUR
    found = await audit(season, label=LABEL)
    assert found.voters[0].ways[0].kept_at == CLOSE + HOUR
    assert (found.counted, found.is_open) == (1, False)


async def test_helpers_see_who_thanked_them_once_the_round_has_closed(season: World) -> None:
    await give(season, SAM, note="kind")
    round_id = (await season.round(LABEL)).id
    refusal = await season.refused(thanks.mine, ADA, round_id=round_id)
    assert refusal == (
        f"{LABEL} is open. At the close, <t:{int(CLOSE.timestamp())}:f>, you see here who thanked "
        "you."
    )
    await season.to(CLOSE)
    found = await own(season)
    assert (found.label, found.counted, found.voters[0].ways[0].note) == (LABEL, 1, "kind")
    assert not found.voters[0].is_mutual
    assert (await own(season, SAM)).voters == ()
    helpers = [(await own(season, who)).is_helper for who in (ADA, BEN, SAM)]
    assert helpers == [True, True, False]
    await season.do(roster.join, SAM)
    assert not (await own(season, SAM)).is_helper, "who waits to be admitted is none yet"


async def test_public_counts_show_everything_while_the_round_is_open(town: World) -> None:
    await town.do(settings.change, ROOT, values={"public_counts": "yes"})
    await town.do(rounds.open_by_hand, KIM)
    await give(town, SAM, BEN)
    assert (await own(town, BEN)).counted == 1
    shown = await board(town)
    assert shown.is_shown
    assert [(rank.name, rank.voters, rank.minutes) for rank in shown.ranks] == [
        ("Ben", 1, None),
        ("Ada", 0, None),
        ("Cyd", 0, None),
    ]
    status = await town.see(rounds.status, town.guild_id, label=None)
    assert status.thanks == 1


async def test_counts_are_hidden_while_the_round_is_open_and_then_shown_with_hours(
    season: World,
) -> None:
    for who in (SAM, TOM):
        await give(season, who, CYD)
    await give(season, SAM, ADA)
    await give(season, SAM, BEN)
    await season.log(BEN, "2h")
    hidden = await board(season)
    assert not hidden.is_shown
    assert [(rank.name, rank.voters, rank.minutes) for rank in hidden.ranks] == [
        ("Ada", None, None),
        ("Ben", None, None),
        ("Cyd", None, None),
    ]
    assert hidden.closes_at == CLOSE
    assert (await season.see(rounds.status, season.guild_id, label=None)).thanks is None
    await a_board(season, MOE)
    await close_uncounted(season)
    shown = await board(season, LABEL)
    assert [(rank.name, rank.voters, rank.minutes) for rank in shown.ranks] == [
        ("Cyd", 2, 0),
        ("Ada", 1, 0),
        ("Ben", 1, 120),
        ("Moe", 0, 0),
    ]
    assert (shown.is_shown, shown.is_counted, str(shown.state)) == (True, False, "review")
    season.now = COMPUTE - HOUR
    await count_for_good(season)
    counted = await board(season, LABEL)
    assert counted.is_counted
    assert counted.ranks == shown.ranks
    status = await season.see(rounds.status, season.guild_id, label=LABEL)
    assert status.thanks == 4


async def test_equals_stand_in_the_order_of_names_and_then_of_ids(season: World) -> None:
    for user_id, name in ((77, "ada"), (76, "Ada"), (75, "Zoe")):
        await season.do(roster.add, MOE, person=Person(user_id, name))
    await give(season, SAM, Who(75, "Zoe"))
    hidden = [rank.user_id for rank in (await board(season)).ranks]
    assert hidden == [ADA.user_id, 76, 77, BEN.user_id, CYD.user_id, 75]
    await season.to(CLOSE)
    assert [rank.user_id for rank in (await board(season, LABEL)).ranks] == [75]


async def test_who_left_keeps_the_place_in_the_table(season: World) -> None:
    await give(season, SAM)
    await season.do(roster.leave, ADA)
    assert ADA.user_id not in {rank.user_id for rank in (await board(season)).ranks}
    await season.to(CLOSE)
    assert [rank.user_id for rank in (await board(season, LABEL)).ranks] == [ADA.user_id]


async def test_the_leaderboard_of_no_round_is_refused(town: World) -> None:
    with pytest.raises(Refusal, match="No round is open"):
        await board(town)
    with pytest.raises(Refusal, match="There is no round of that name"):
        await board(town, "2020-Q1")


async def test_the_cap_used_tells_nothing_of_thanks_while_they_are_hidden(server: World) -> None:
    season = await server.opened(split_by="thanks")
    await season.do(thanks.give, SAM, person=ADA.person)
    assert (await season.see(rounds.status, season.guild_id, label=None)).used == 0
    await season.close()
    status = await season.see(rounds.status, season.guild_id, label="2026-Q1")
    assert status.used == status.cap


async def test_the_cap_used_is_shown_where_counts_are_public(server: World) -> None:
    season = await server.opened(split_by="thanks", public_counts="yes")
    await season.do(thanks.give, SAM, person=ADA.person)
    status = await season.see(rounds.status, season.guild_id, label=None)
    assert status.used == status.cap
