"""The roster: admission, vouching, leaving, and declining pay."""

from __future__ import annotations

import pytest

from bot.domain.errors import Repeated
from bot.domain.people import Person
from bot.domain.states import Helper, Line
from bot.services import hours, lines, payments, roster, rounds, settings, settlement
from tests.services.world import (
    ADA,
    BEN,
    CLOSE,
    COMPUTE,
    CYD,
    DAY,
    HELPER_ROLE,
    KIM,
    LEE,
    MOE,
    ROOT,
    SAM,
    TOM,
    Who,
    World,
    paid_season,
)


async def listed(world: World) -> dict[int, Helper]:
    return {row.user_id: row.state for row in await world.see(roster.listing, world.guild_id)}


@pytest.mark.parametrize(
    ("admission", "state"),
    (
        ("open", Helper.ACTIVE),
        ("vouched", Helper.CANDIDATE),
        ("moderated", Helper.CANDIDATE),
    ),
)
async def test_joining_follows_the_admission(town: World, admission: str, state: Helper) -> None:
    await town.do(
        settings.change, ROOT, values={"admission": admission, "helper_role": str(HELPER_ROLE)}
    )
    standing = await town.do(roster.join, SAM)
    assert (standing.state, standing.admission, standing.is_new) == (state, admission, True)
    assert standing.role_id == HELPER_ROLE
    assert (await listed(town))[SAM.user_id] is state


async def test_asking_twice_changes_nothing_and_says_what_is_missing(town: World) -> None:
    await town.do(roster.join, SAM)
    before = await town.record()
    again = await town.do(roster.join, SAM)
    assert (again.state, again.is_new, again.can_vouch) == (Helper.CANDIDATE, False, True)
    assert await town.record() == before


async def test_a_helper_cannot_join_again(town: World) -> None:
    assert "a helper already" in await town.refused(roster.join, ADA)


async def test_a_vouched_candidate_is_a_helper_at_once(town: World) -> None:
    await town.do(roster.join, SAM)
    standing = await town.do(roster.vouch, ADA, person=SAM.person)
    assert (standing.state, standing.is_new, standing.vouches_left) == (Helper.ACTIVE, True, 2)
    assert (await listed(town))[SAM.user_id] is Helper.ACTIVE
    assert (await town.actions())[-2:] == ["helper.vouched", "helper.admitted"]


async def test_who_is_vouched_for_first_becomes_a_helper_on_joining_and_not_before(
    town: World,
) -> None:
    standing = await town.do(roster.vouch, ADA, person=SAM.person)
    assert (standing.state, standing.is_new) == (Helper.CANDIDATE, False)
    assert SAM.user_id not in await listed(town)
    assert "only have to `/helper join`" in await town.refused(roster.vouch, ADA, person=SAM.person)
    assert (await town.do(roster.join, SAM)).state is Helper.ACTIVE


@pytest.mark.parametrize("admission", ("vouched", "moderated"))
async def test_leaving_while_waiting_does_not_get_around_the_admission(
    town: World, admission: str
) -> None:
    await town.do(settings.change, ROOT, values={"admission": admission})
    await town.do(roster.join, SAM)
    await town.do(roster.leave, SAM)
    assert SAM.user_id not in await listed(town)
    assert (await town.do(roster.join, SAM)).state is Helper.CANDIDATE
    assert (await listed(town))[SAM.user_id] is Helper.CANDIDATE


async def test_who_left_comes_back_by_their_own_act_alone(town: World) -> None:
    await town.do(roster.leave, ADA)
    standing = await town.do(roster.vouch, BEN, person=ADA.person)
    assert standing.state is not Helper.ACTIVE
    assert not standing.is_new
    assert ADA.user_id not in await listed(town)
    assert (await town.do(roster.join, ADA)).state is Helper.ACTIVE


async def test_who_left_is_not_on_the_roster(town: World) -> None:
    gone = await town.do(roster.leave, ADA)
    assert gone.state is Helper.LEFT
    assert "not on the roster" in await town.refused(roster.leave, ADA)
    assert "not on the roster" in await town.refused(roster.leave, SAM)


async def test_who_was_removed_comes_back_by_a_moderator_only(town: World) -> None:
    await town.do(roster.remove, MOE, user_id=ADA.user_id, reason="spam")
    assert "removed you" in await town.refused(roster.join, ADA)
    assert "was removed" in await town.refused(roster.vouch, BEN, person=ADA.person)
    await town.do(roster.add, MOE, person=ADA.person)
    assert (await listed(town))[ADA.user_id] is Helper.ACTIVE


@pytest.mark.parametrize("who", (MOE, ROOT))
async def test_moderators_and_admins_keep_the_roster(town: World, who: Who) -> None:
    assert (await town.do(roster.add, who, person=SAM.person)).state is Helper.ACTIVE
    gone = await town.do(roster.remove, who, user_id=SAM.user_id, reason="a mistake")
    assert gone.state is Helper.REMOVED


@pytest.mark.parametrize("who", (ADA, KIM, SAM))
async def test_nobody_else_keeps_the_roster(town: World, who: Who) -> None:
    assert "for moderators" in await town.refused(roster.add, who, person=SAM.person)
    assert "for moderators" in await town.refused(
        roster.remove, who, user_id=BEN.user_id, reason="x"
    )


async def test_what_cannot_be_added_or_removed_is_refused(town: World) -> None:
    for verb, who in ((roster.add, MOE), (roster.vouch, ADA)):
        bot = Person(99, "Bot", is_bot=True)
        assert "Bots cannot" in await town.refused(verb, who, person=bot)
        absent = Person(98, "Gone", is_member=False)
        assert "not in this server" in await town.refused(verb, who, person=absent)
        assert "a helper already" in await town.refused(verb, who, person=BEN.person)
    assert "not on the roster" in await town.refused(
        roster.remove, MOE, user_id=SAM.user_id, reason="x"
    )


async def test_the_roster_lists_active_helpers_first_and_nobody_who_is_gone(town: World) -> None:
    await town.do(roster.join, SAM)
    town.now += DAY
    await town.do(roster.add, MOE, person=TOM.person)
    await town.do(roster.leave, BEN)
    await town.do(roster.pay, CYD, wanted=False)
    rows = await town.see(roster.listing, town.guild_id)
    assert [row.user_id for row in rows] == [ADA.user_id, CYD.user_id, TOM.user_id, SAM.user_id]
    assert [row.user_id for row in rows if row.declines_pay] == [CYD.user_id]
    assert rows[2].since == town.now


# ---------------------------------------------------------------- vouching


async def test_three_people_a_round_can_be_vouched_for(season: World) -> None:
    left = [
        (await season.do(roster.vouch, ADA, person=Person(60 + i, f"New {i}"))).vouches_left
        for i in range(3)
    ]
    assert left == [2, 1, 0]
    assert "3 times in this round" in await season.refused(
        roster.vouch, ADA, person=Person(64, "New")
    )
    await season.do(roster.vouch, BEN, person=Person(64, "New"))
    await season.to(CLOSE)
    assert (await season.do(roster.vouch, ADA, person=Person(65, "Next"))).vouches_left == 2


async def test_nobody_vouches_for_themselves_or_without_being_a_helper(town: World) -> None:
    await town.do(roster.join, SAM)
    assert "Somebody else" in await town.refused(roster.vouch, SAM, person=SAM.person)
    assert "Only active helpers" in await town.refused(roster.vouch, SAM, person=TOM.person)
    assert "Only active helpers" in await town.refused(roster.vouch, KIM, person=TOM.person)


async def test_after_the_first_payout_only_paid_helpers_vouch(season: World) -> None:
    await paid_season(season)
    sentence = await season.refused(roster.vouch, CYD, person=SAM.person)
    assert "Only helpers who were paid before" in sentence
    await season.do(roster.join, SAM)
    assert (await season.do(roster.vouch, ADA, person=SAM.person)).state is Helper.ACTIVE


async def test_where_nobody_is_entitled_a_moderator_adds(season: World) -> None:
    await paid_season(season)
    await season.do(roster.leave, ADA)
    await season.do(roster.leave, BEN)
    assert not (await season.do(roster.join, SAM)).can_vouch
    assert "`/helper add`" in await season.refused(roster.vouch, CYD, person=SAM.person)
    assert (await season.do(roster.add, MOE, person=SAM.person)).state is Helper.ACTIVE


@pytest.mark.parametrize(
    ("admission", "sentence"), (("open", "is enough"), ("moderated", "a moderator adds helpers"))
)
async def test_vouching_is_for_the_vouched_admission(
    town: World, admission: str, sentence: str
) -> None:
    await town.do(settings.change, ROOT, values={"admission": admission})
    assert sentence in await town.refused(roster.vouch, ADA, person=SAM.person)


# ---------------------------------------------------------------- declining pay


async def test_pay_is_for_helpers(town: World) -> None:
    await town.do(roster.join, SAM)
    for who in (SAM, TOM):
        assert "Pay is for helpers" in await town.refused(roster.pay, who, wanted=False)


async def test_who_declines_before_the_close_has_a_waived_line_that_others_gain_from(
    season: World,
) -> None:
    # 150 h and 150 h at 5.00 under a cap of 1000.00: 500.00 each, 750.00 for one alone.
    for who in (ADA, BEN):
        await season.log(who, "150h")
    assert await season.amounts() == {ADA.user_id: 500_00, BEN.user_id: 500_00}
    wish = await season.do(roster.pay, BEN, wanted=False)
    assert (wish.wanted, wish.open_label, wish.closed_labels) == (False, "2026-Q1", ())
    assert await season.amounts() == {ADA.user_id: 750_00, BEN.user_id: 0}
    await season.to(COMPUTE)
    await season.published()
    assert await season.states("2026-Q1") == {ADA.user_id: Line.DUE, BEN.user_id: Line.WAIVED}
    wish = await season.do(roster.pay, BEN, wanted=True)
    assert wish.closed_labels == ()  # what was shared among the others stays so
    assert (await season.states("2026-Q1"))[BEN.user_id] is Line.WAIVED


@pytest.mark.parametrize("moment", ("review", "draft", "published", "final"))
async def test_who_declines_after_the_close_leaves_the_amount_with_the_funder(
    season: World, moment: str
) -> None:
    for who in (ADA, BEN):
        await season.log(who, "150h")
    await season.to(CLOSE)
    if moment == "review":
        wish = await season.do(roster.pay, BEN, wanted=False)
    await season.to(COMPUTE)
    if moment == "draft":
        wish = await season.do(roster.pay, BEN, wanted=False)
    await season.published()
    if moment == "final":
        await season.to(COMPUTE + 20 * DAY)
    if moment in {"published", "final"}:
        wish = await season.do(roster.pay, BEN, wanted=False)
    assert wish.closed_labels == ("2026-Q1",)
    assert await season.states("2026-Q1") == {ADA.user_id: Line.DUE, BEN.user_id: Line.WAIVED}
    assert (await season.document("2026-Q1"))["lines"][1]["amount"] == "500.00"
    assert await season.faults() == []

    assert (await season.do(roster.pay, BEN, wanted=True)).closed_labels == ("2026-Q1",)
    assert await season.states("2026-Q1") == {ADA.user_id: Line.DUE, BEN.user_id: Line.DUE}
    assert await season.faults() == []


async def test_declining_without_hours_concerns_no_closed_round(season: World) -> None:
    await season.log(ADA, "10h")
    await season.to(CLOSE)
    assert (await season.do(roster.pay, BEN, wanted=False)).closed_labels == ()
    await season.to(COMPUTE)
    await season.published()
    assert (await season.do(roster.pay, BEN, wanted=True)).closed_labels == ()


async def test_a_wish_changed_between_two_closes_of_a_round_counts_as_at_the_last(
    season: World,
) -> None:
    await season.log(ADA, "10h")
    await season.to(CLOSE)
    await season.do(roster.pay, ADA, wanted=False)
    await season.do(rounds.reopen, KIM, reason="too early")
    await season.do(roster.pay, ADA, wanted=True)
    await season.to(COMPUTE)
    await season.published()
    assert await season.states("2026-Q1") == {ADA.user_id: Line.DUE}


async def test_what_is_taken_back_from_somebody_who_declines_by_now_stays_with_the_funder(
    season: World,
) -> None:
    await paid_season(season)
    await season.do(roster.pay, ADA, wanted=False)
    assert (await season.states("2026-Q1"))[ADA.user_id] is Line.PAID
    await season.do(payments.correct, KIM, reference="0xfirst", reason="never arrived")
    await season.do(payments.correct, LEE, reference="0xfirst", reason="never arrived")
    assert await season.states("2026-Q1") == {ADA.user_id: Line.WAIVED, BEN.user_id: Line.DUE}


async def test_who_declined_has_nothing_due_in_a_later_version_either(season: World) -> None:
    await season.log(ADA, "10h")
    await season.to(COMPUTE)
    await season.published()
    await season.do(roster.pay, CYD, wanted=False)
    await season.do(
        settlement.adjust, KIM, person=CYD.person, reason="late claim", amount="5.00",
        label="2026-Q1",
    )  # fmt: skip
    await season.do(settlement.approve, LEE)
    await season.do(settlement.publish, LEE)
    assert (await season.states("2026-Q1"))[CYD.user_id] is Line.WAIVED


async def test_who_wants_pay_again_makes_a_settled_round_wait_for_the_payment(
    season: World,
) -> None:
    await season.log(ADA, "10h")
    await season.to(COMPUTE)
    await season.published()
    await season.do(roster.pay, ADA, wanted=False)
    await season.to(COMPUTE + 20 * DAY)
    assert (await season.round("2026-Q1")).state == "settled"
    await season.do(roster.pay, ADA, wanted=True)
    assert (await season.round("2026-Q1")).state == "final"
    await season.do(payments.record, KIM, reference="0xlate")
    await season.to(COMPUTE + 21 * DAY)
    assert (await season.round("2026-Q1")).state == "settled"


async def test_declining_changes_neither_the_listing_nor_what_may_be_logged(season: World) -> None:
    await season.do(roster.pay, ADA, wanted=False)
    logged = await season.do(hours.log, ADA, duration="2h", note="helped")
    assert (logged.declines_pay, logged.worth.for_hours, logged.total_minutes) == (True, 0, 120)


async def test_who_leaves_or_is_removed_is_paid_for_what_was_logged(season: World) -> None:
    await season.log(ADA, "10h")
    await season.log(BEN, "10h")
    await season.do(roster.leave, ADA)
    await season.do(roster.remove, MOE, user_id=BEN.user_id, reason="rude")
    for who in (ADA, BEN):
        assert "Hours are logged by helpers" in await season.refused(
            hours.log, who, duration="1h", note=""
        )
    await season.to(COMPUTE)
    await season.published()
    assert await season.states("2026-Q1") == {ADA.user_id: Line.DUE, BEN.user_id: Line.DUE}


async def test_reasons_enter_the_record_as_digests_only(town: World) -> None:
    await town.do(roster.remove, MOE, user_id=ADA.user_id, reason="a very private matter")
    row = (await town.record())[-1]
    assert (row.action, row.actor, row.subject) == ("helper.removed", "31", "user:11")
    assert set(row.data) == {"state", "reason_digest"}
    assert "private" not in str(row.as_json())


async def test_the_same_interaction_joins_once(town: World) -> None:
    by = town.by(SAM)
    await town.act(roster.join, by)
    await town.do(roster.leave, SAM)
    with pytest.raises(Repeated):
        await town.act(roster.join, by)


async def test_a_roster_belongs_to_one_server(town: World) -> None:
    other = town.elsewhere()
    assert await other.see(roster.listing, other.guild_id) == []
    assert "not on the roster" in await other.refused(roster.leave, ADA)
    await other.do(settings.change, ROOT, values={"admission": "vouched"})
    assert "Only active helpers" in await other.refused(roster.vouch, ADA, person=SAM.person)
    assert "not on the roster" in await other.refused(
        roster.remove, ROOT, user_id=ADA.user_id, reason="x"
    )
    assert (await listed(town))[ADA.user_id] is Helper.ACTIVE


async def test_names_are_kept_of_everybody_who_acted_or_was_acted_for(season: World) -> None:
    await season.log(ADA, "1h")
    draft = await season.see(lines.draft, await season.round("2026-Q1"))
    assert await season.see(lines.names, draft) == {ADA.user_id: "Ada"}
