"""Proposals by mention: who is proposed, who decides, and what comes of it."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.errors import Kept, Repeated
from bot.domain.states import Helper
from bot.services import proposals, roster, rounds, threads
from bot.services.proposals import Decided, Proposed
from storage import people
from storage import proposals as stored
from tests.services.world import (
    ADA,
    BEN,
    CLOSE,
    CYD,
    DAY,
    ELSEWHERE,
    GUILD,
    KIM,
    MOE,
    SAM,
    START,
    TOM,
    Who,
    World,
)

THREAD = 700_000_000_000_000_001
NEWCOMERS = [Who(1000 + number, f"New {number}") for number in range(14)]


@pytest.fixture
async def talk(season: World) -> World:
    """A server whose open round has its thread."""
    async with season.db.write() as session:
        await threads.threaded(session, (await season.round("2026-Q1")).id, thread_id=THREAD)
    return season


async def mention(
    world: World, by: Who, *users: Who, thread_id: int = THREAD, guild_id: int = GUILD
) -> tuple[int, ...]:
    async with world.db.write() as session:
        return await proposals.propose(
            session,
            guild_id=guild_id,
            thread_id=thread_id,
            proposer_id=by.user_id,
            users=[user.user_id for user in users],
            message_id=77,
            now=world.now,
        )


async def answer(world: World, who: Who, *, accept: bool, label: str = "2026-Q1") -> Decided:
    round_ = await world.round(label)
    return await world.do(
        proposals.decide, who, round_id=round_.id, user_id=who.user_id, accept=accept
    )


async def refused(world: World, who: Who, *, about: Who, accept: bool = True, **data: Any) -> str:
    round_id = data.get("round_id") or (await world.round("2026-Q1")).id
    return await world.refused(
        proposals.decide, who, round_id=round_id, user_id=about.user_id, accept=accept
    )


async def shown(world: World, who: Who) -> Proposed:
    round_ = await world.round("2026-Q1")
    return await world.see(proposals.proposed, round_, user_id=who.user_id)


async def state(world: World, who: Who) -> str | None:
    row = await world.see(people.helper, world.guild_id, who.user_id)
    return row.state if row is not None else None


# ---------------------------------------------------------------- proposing


async def test_a_mention_proposes_a_person_and_lists_nobody(talk: World) -> None:
    assert await mention(talk, TOM, SAM) == (SAM.user_id,)
    assert await state(talk, SAM) is None
    row = (await talk.record())[-1]
    assert (row.action, row.actor, row.subject) == (
        "helper.proposed",
        str(TOM.user_id),
        f"user:{SAM.user_id}",
    )
    assert row.data == {"message": "77"}
    (post,) = await talk.posts("proposal")
    round_ = await talk.round("2026-Q1")
    assert (post.name, post.round_id) == (f"proposal:{round_.id}:{SAM.user_id}", round_.id)
    assert await shown(talk, SAM) == Proposed(
        round_.id, SAM.user_id, TOM.user_id, True, None, None, "vouched"
    )


async def test_a_person_is_proposed_once_in_a_round_whoever_mentions_them(talk: World) -> None:
    assert await mention(talk, TOM, SAM, SAM) == (SAM.user_id,)
    assert await mention(talk, TOM, SAM) == ()
    assert await mention(talk, ADA, SAM) == ()
    await answer(talk, SAM, accept=False)
    assert await mention(talk, ADA, SAM) == ()
    assert len(await talk.posts("proposal")) == 1


async def test_nobody_proposes_themselves_or_whoever_is_on_the_roster(talk: World) -> None:
    await talk.do(roster.join, SAM)  # a candidate
    before = await talk.record()
    assert await mention(talk, TOM, TOM, ADA, SAM) == ()
    assert await talk.record() == before


async def test_whoever_a_moderator_removed_is_not_proposed_and_who_left_is(talk: World) -> None:
    await talk.do(roster.remove, MOE, user_id=ADA.user_id, reason="spam")
    await talk.do(roster.leave, BEN)
    assert await mention(talk, TOM, ADA, BEN) == (BEN.user_id,)


async def test_five_of_a_message_and_ten_of_a_proposer_are_proposed_in_a_round(
    talk: World,
) -> None:
    ids = [who.user_id for who in NEWCOMERS]
    assert await mention(talk, TOM, ADA, *NEWCOMERS[:7]) == tuple(ids[:5])
    assert await mention(talk, TOM, *NEWCOMERS[:3]) == ()
    assert await mention(talk, TOM, *NEWCOMERS[:8]) == tuple(ids[5:8])
    assert await mention(talk, TOM, *NEWCOMERS[8:]) == tuple(ids[8:10])
    assert await mention(talk, TOM, *NEWCOMERS[10:]) == ()
    assert await mention(talk, SAM, *NEWCOMERS[10:]) == tuple(ids[10:])


async def test_only_the_thread_of_an_open_round_of_this_server_counts(talk: World) -> None:
    async def concerns(guild_id: int, thread_id: int) -> bool:
        return await talk.see(proposals.concerns, guild_id, thread_id=thread_id)

    assert await concerns(GUILD, THREAD)
    assert not await concerns(GUILD, THREAD + 1)
    assert not await concerns(ELSEWHERE, THREAD)
    assert await mention(talk, TOM, SAM, thread_id=THREAD + 1) == ()
    assert await mention(talk, TOM, SAM, guild_id=ELSEWHERE) == ()
    talk.now = CLOSE  # the tick that closes has not come yet
    assert await mention(talk, TOM, SAM) == ()
    await talk.to(CLOSE)
    assert not await concerns(GUILD, THREAD)
    assert await mention(talk, TOM, SAM) == ()
    assert await talk.posts("proposal") == []


# ---------------------------------------------------------------- deciding


@pytest.mark.parametrize(
    ("admission", "expected"),
    (("open", Helper.ACTIVE), ("vouched", Helper.CANDIDATE), ("moderated", Helper.CANDIDATE)),
)
async def test_yes_is_joining_by_the_rules_of_admission(
    server: World, admission: str, expected: Helper
) -> None:
    await server.opened(admission=admission)
    async with server.db.write() as session:
        await threads.threaded(session, (await server.round("2026-Q1")).id, thread_id=THREAD)
    await mention(server, TOM, SAM)
    decided = await answer(server, SAM, accept=True)
    assert decided.standing is not None
    assert decided.standing.state is expected
    assert await state(server, SAM) == expected
    assert (await server.actions())[-1] == "helper.joined"
    after = await shown(server, SAM)
    assert (after.is_open, after.accepted, after.state) == (False, True, expected)
    assert after.admission == admission


async def test_one_who_was_vouched_for_is_listed_at_once(talk: World) -> None:
    await mention(talk, TOM, SAM)
    await talk.do(roster.vouch, ADA, person=SAM.person)
    decided = await answer(talk, SAM, accept=True)
    assert decided.standing is not None
    assert decided.standing.state is Helper.ACTIVE


async def test_no_leaves_somebody_unlisted_and_is_in_the_record(talk: World) -> None:
    await mention(talk, TOM, SAM)
    assert await answer(talk, SAM, accept=False) == Decided()
    assert await state(talk, SAM) is None
    row = (await talk.record())[-1]
    assert (row.action, row.actor) == ("helper.declined_proposal", str(SAM.user_id))
    assert row.subject == f"user:{SAM.user_id}"
    after = await shown(talk, SAM)
    assert (after.is_open, after.accepted) == (False, False)


async def test_the_post_is_brought_up_to_date_with_the_answer(talk: World) -> None:
    await mention(talk, TOM, SAM, NEWCOMERS[0])
    await answer(talk, SAM, accept=True)
    assert [post.revision for post in await talk.posts("proposal")] == [1, 0]


@pytest.mark.parametrize("accept", (True, False))
async def test_nobody_answers_for_another_person(talk: World, accept: bool) -> None:
    await mention(talk, TOM, SAM)
    for who in (TOM, ADA, KIM, MOE):
        sentence = await refused(talk, who, about=SAM, accept=accept)
        assert sentence.startswith(f"Only <@{SAM.user_id}> can answer this.")
        assert "`/helper join`" in sentence
    assert (await shown(talk, SAM)).is_open


async def test_an_answer_is_given_once(talk: World) -> None:
    await mention(talk, TOM, SAM, NEWCOMERS[0])
    await answer(talk, SAM, accept=False)
    assert "You answered no already" in await refused(talk, SAM, about=SAM)
    await answer(talk, NEWCOMERS[0], accept=True)
    sentence = await refused(talk, NEWCOMERS[0], about=NEWCOMERS[0], accept=False)
    assert "You answered yes already" in sentence


async def test_the_same_press_twice_is_one(talk: World) -> None:
    await mention(talk, TOM, SAM, NEWCOMERS[0])
    round_id = (await talk.round("2026-Q1")).id
    for who, accept in ((SAM, True), (NEWCOMERS[0], False)):
        by = talk.by(who)
        data = {"round_id": round_id, "user_id": who.user_id, "accept": accept}
        await talk.act(proposals.decide, by, **data)
        async with talk.db.write() as session:
            proposal = await stored.get(session, round_id, who.user_id)
            assert proposal is not None
            proposal.decided_at = None
        with pytest.raises(Repeated):
            await talk.act(proposals.decide, by, **data)


async def test_who_joined_in_another_way_meanwhile_answers_all_the_same(talk: World) -> None:
    await mention(talk, TOM, SAM, *NEWCOMERS[:2])
    for who in (SAM, *NEWCOMERS[:2]):
        await talk.do(roster.add, MOE, person=who.person)
    with pytest.raises(Kept, match="You are a helper already"):
        await answer(talk, SAM, accept=True)
    assert (await shown(talk, SAM)).accepted is True
    assert await answer(talk, NEWCOMERS[0], accept=False) == Decided(is_listed=True)
    assert await state(talk, NEWCOMERS[0]) == Helper.ACTIVE
    await talk.do(roster.leave, NEWCOMERS[1])
    assert await answer(talk, NEWCOMERS[1], accept=False) == Decided(is_listed=False)


async def test_who_was_removed_meanwhile_needs_a_moderator(talk: World) -> None:
    await mention(talk, TOM, SAM)
    await talk.do(roster.add, MOE, person=SAM.person)
    await talk.do(roster.remove, MOE, user_id=SAM.user_id, reason="spam")
    assert "a moderator has to add you" in await refused(talk, SAM, about=SAM)
    assert (await shown(talk, SAM)).is_open


async def test_a_proposal_ends_with_its_round_and_joining_does_not(talk: World) -> None:
    await mention(talk, TOM, SAM)
    round_id = (await talk.round("2026-Q1")).id
    talk.now = CLOSE  # the tick that closes has not come yet
    assert "2026-Q1 has closed" in await refused(talk, SAM, about=SAM)
    await talk.to(CLOSE)
    for accept in (True, False):
        sentence = await refused(talk, SAM, about=SAM, accept=accept)
        assert "2026-Q1 has closed" in sentence
        assert "`/helper join` works at any time" in sentence
    assert not (await shown(talk, SAM)).is_open
    assert (await talk.posts("proposal"))[0].revision == 3
    await talk.do(roster.join, SAM)
    assert await state(talk, SAM) == Helper.CANDIDATE
    async with talk.db.write() as session:
        second = await talk.round("2026-Q2")
        await threads.threaded(session, second.id, thread_id=THREAD + 5)
    assert second.id != round_id
    assert await mention(talk, TOM, NEWCOMERS[0], thread_id=THREAD + 5)


async def test_a_round_that_is_open_again_takes_answers_again(talk: World) -> None:
    await mention(talk, TOM, SAM)
    await talk.close()
    talk.now += DAY
    await talk.do(rounds.reopen, KIM, reason="too early")
    assert (await answer(talk, SAM, accept=True)).standing is not None


async def test_a_proposal_that_is_not_there_or_elsewhere_is_refused(talk: World) -> None:
    await mention(talk, TOM, SAM)
    round_id = (await talk.round("2026-Q1")).id
    assert "no such proposal" in await refused(talk, CYD, about=CYD)
    assert "no such proposal" in await refused(talk, SAM, about=SAM, round_id=round_id + 99)
    other = talk.elsewhere()
    sentence = await other.refused(
        proposals.decide, SAM, round_id=round_id, user_id=SAM.user_id, accept=True
    )
    assert "no such proposal" in sentence
    assert await state(other, SAM) is None
    assert talk.now == START
