"""Opinions of entries: who may give them, until when, and that they change no amount."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.errors import Repeated
from bot.domain.opinions import Opinion, Said
from bot.services import hours, opinions, settlement
from tests.services.world import (
    ADA,
    BEN,
    CLOSE,
    COMPUTE,
    CYD,
    HELPERS,
    KIM,
    SAM,
    TOM,
    Who,
    World,
    twice_at_once,
)

FAIR, HIGH, LOW = Opinion.FAIR, Opinion.HIGH, Opinion.LOW


async def give(world: World, who: Who, opinion: Opinion, number: int = 1) -> opinions.Given:
    return await world.do(opinions.give, who, number=number, opinion=opinion)


async def refused(world: World, who: Who = SAM, number: int = 1) -> str:
    return await world.refused(opinions.give, who, number=number, opinion=HIGH)


async def said(world: World, number: int = 1) -> list[tuple[int, Opinion, bool]]:
    card = await world.see(hours.card, world.guild_id, number=number)
    assert card is not None
    return [(each.user_id, each.opinion, each.is_claimant) for each in card.said]


async def revision(world: World, name: str) -> int:
    return next(post.revision for post in await world.posts() if post.name == name)


async def test_anybody_says_what_they_think_of_an_entry(season: World) -> None:
    await season.log(ADA, "10h")
    given = await give(season, SAM, HIGH)
    assert given == opinions.Given(1, ADA.user_id, "2026-Q1", HIGH, None, is_claimant=False)
    assert await said(season) == [(SAM.user_id, HIGH, False)]
    row = (await season.record())[-1]
    assert (row.action, row.subject, row.actor) == ("opinion.given", "entry:1", "")
    assert row.data == {"opinion": "high", "before": ""}


async def test_an_opinion_can_be_changed_and_is_one_at_any_time(season: World) -> None:
    await season.log(ADA, "10h")
    await give(season, SAM, HIGH)
    assert (await give(season, SAM, FAIR)).before is HIGH
    assert (await give(season, TOM, LOW)).before is None
    assert await said(season) == [(SAM.user_id, FAIR, False), (TOM.user_id, LOW, False)]
    opined = [row.data["opinion"] for row in await season.record() if row.action == "opinion.given"]
    assert opined == ["high", "fair", "low"]


async def test_the_same_opinion_again_changes_nothing(season: World) -> None:
    await season.log(ADA, "10h")
    await give(season, SAM, HIGH)
    record, card = await season.record(), await revision(season, "entry:1")
    assert (await give(season, SAM, HIGH)).before is HIGH
    assert (await season.record(), await revision(season, "entry:1")) == (record, card)


async def test_one_press_is_one_opinion(season: World) -> None:
    await season.log(ADA, "10h")
    by = season.by(SAM)
    await season.act(opinions.give, by, number=1, opinion=HIGH)
    with pytest.raises(Repeated):
        await season.act(opinions.give, by, number=1, opinion=FAIR)
    assert await said(season) == [(SAM.user_id, HIGH, False)]


async def test_two_presses_at_once_leave_one_opinion(season: World) -> None:
    await season.log(ADA, "10h")
    await twice_at_once(lambda: give(season, SAM, HIGH), lambda: give(season, SAM, LOW))
    assert len(await said(season)) == 1


async def test_opinions_of_other_claimants_are_labelled_as_they_are_now(season: World) -> None:
    await season.log(ADA, "10h")
    assert not (await give(season, BEN, HIGH)).is_claimant
    number = await season.log(BEN, "1h")
    assert await said(season) == [(BEN.user_id, HIGH, True)]
    assert (await give(season, BEN, FAIR)).is_claimant
    await season.do(hours.withdraw, BEN, number=str(number))
    assert await said(season) == [(BEN.user_id, FAIR, False)]


async def test_the_card_is_brought_up_to_date_and_the_draft_that_waits(waiting: World) -> None:
    round_ = await waiting.round("2026-Q1")
    draft = f"round:{round_.id}:draft:compute"
    before = [await revision(waiting, name) for name in ("entry:1", draft)]
    await give(waiting, SAM, HIGH)
    assert [await revision(waiting, name) for name in ("entry:1", draft)] == [
        number + 1 for number in before
    ]


async def test_an_opinion_voids_no_approval_and_changes_no_amount(waiting: World) -> None:
    await waiting.do(settlement.approve, KIM)
    before = await waiting.see(settlement.preview, by=waiting.by(KIM), label=None)
    for who in (SAM, TOM, BEN):
        await give(waiting, who, HIGH)
    after = await waiting.see(settlement.preview, by=waiting.by(KIM), label=None)
    assert after.statement == before.statement
    assert after.approved_by == (KIM.user_id,)
    await waiting.do(settlement.publish, KIM)


async def test_a_helper_has_no_opinion_of_an_own_entry(season: World) -> None:
    await season.log(ADA, "10h")
    assert "is your own" in await refused(season, ADA)
    await season.do(hours.log, KIM, duration="1h", note="for Ben", helper=BEN.person)
    assert "is your own" in await refused(season, BEN, 2)
    assert (await give(season, KIM, FAIR, 2)).number == 2


async def test_withdrawn_and_unknown_entries_take_none(season: World) -> None:
    await season.log(ADA, "10h")
    await season.do(hours.withdraw, ADA, number="1")
    assert "is withdrawn" in await refused(season)
    assert "no such entry" in await refused(season, number=99)
    assert "no such entry" in await refused(season.elsewhere())


async def test_opinions_end_with_publication(season: World) -> None:
    await season.log(ADA, "10h")
    await season.to(CLOSE)
    await give(season, SAM, LOW)
    await season.to(COMPUTE)
    await give(season, SAM, HIGH)
    card = await season.see(hours.card, season.guild_id, number=1)
    assert card is not None
    assert card.takes_opinions
    await season.published()
    assert "is published" in await refused(season)
    assert "is published" in await refused(season, TOM)
    card = await season.see(hours.card, season.guild_id, number=1)
    assert card is not None
    assert (card.takes_opinions, card.said) == (
        False, (Said(SAM.user_id, HIGH, is_claimant=False),),
    )  # fmt: skip


async def test_entries_of_a_void_round_take_none(season: World) -> None:
    await season.log(ADA, "10h")
    await season.void()
    assert "is void" in await refused(season)


async def test_a_helper_sees_how_many_and_the_committee_sees_who(season: World) -> None:
    await season.log(ADA, "10h")
    await season.log(ADA, "1h")
    await give(season, SAM, HIGH)

    async def listed(who: Who, **data: Any) -> hours.Listing:
        by = season.by(who)
        return await season.see(hours.listing, by=by, label=None, **{"helper": None, **data})

    mine, theirs = await listed(ADA), await listed(KIM, helper=ADA.person)
    expected = ((Said(SAM.user_id, HIGH, is_claimant=False),), ())
    assert tuple(card.said for card in mine.cards) == expected
    assert tuple(card.said for card in theirs.cards) == expected
    assert (mine.shows_who, theirs.shows_who) == (False, True)


async def test_opinions_of_two_servers_stay_apart(season: World) -> None:
    other = season.elsewhere()
    await other.opened()
    await season.log(ADA, "10h")
    await other.log(CYD, "1h")
    await give(season, SAM, HIGH)
    assert await said(other) == []
    await give(other, ADA, LOW)
    assert await said(season) == [(SAM.user_id, HIGH, False)]
    assert await said(other) == [(ADA.user_id, LOW, False)]


async def test_everybody_may_have_one(season: World) -> None:
    await season.log(ADA, "10h")
    for number, who in enumerate((*HELPERS[1:], KIM, SAM, TOM)):
        await give(season, who, list(Opinion)[number % 3])
    assert len(await said(season)) == 5
