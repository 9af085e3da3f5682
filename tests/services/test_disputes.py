"""Disputes: opened in time by anyone, decided by people without a concern."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from bot.domain.disputes import State
from bot.domain.errors import Blocked, Refusal
from bot.domain.states import Line
from bot.services import cease, disputes, payments, settings, settlement
from bot.services.disputes import Decided, Opened
from storage import disputes as stored
from storage.tables import Dispute
from tests.services.world import (
    ADA,
    BEN,
    COMMITTEE_ROLE,
    COMPUTE,
    CYD,
    DAY,
    KIM,
    LEE,
    MINUTE,
    ROOT,
    SAM,
    TOM,
    VAL,
    Who,
    World,
    twice_at_once,
    utc,
)

UNTIL = utc("2026-04-14 23:59:59")
ADA_IN_COMMITTEE = Who(ADA.user_id, ADA.name, frozenset({COMMITTEE_ROLE}))


@pytest.fixture
async def public(waiting: World) -> World:
    """Return a server with the published statement of 2026-Q1: Ada 50.00, Ben 20.00."""
    await waiting.published()
    return waiting


async def dispute(
    world: World,
    who: Who = SAM,
    about: Who | None = ADA,
    *,
    at: datetime | None = None,
    **data: str,
) -> Opened:
    by = world.by(who, at=at)
    user_id = about.user_id if about else None
    return await world.act(
        disputes.submit, by, **{"reason": "too much", "user_id": user_id, **data}
    )


async def resolve(
    world: World, outcome: str, who: Who = KIM, *, number: str = "1", **data: object
) -> Decided:
    return await world.do(
        disputes.resolve, who, **{"number": number, "outcome": outcome, "reason": "checked", **data}
    )


async def refused(world: World, outcome: str, who: Who = KIM, /, **data: object) -> str:
    return await world.refused(
        disputes.resolve, who, **{"number": "1", "outcome": outcome, "reason": "checked", **data}
    )


async def row(world: World, number: int = 1) -> Dispute:
    found = await world.see(stored.numbered, world.guild_id, number)
    assert found is not None
    return found


# ---------------------------------------------------------------- opening


async def test_a_dispute_about_a_line_holds_that_line_alone(public: World) -> None:
    opened = await dispute(public)
    assert (opened.told.number, opened.told.label, opened.told.version) == (1, "2026-Q1", 1)
    assert (opened.told.state, opened.told.valid_until) == (State.OPEN, UNTIL)
    assert (opened.line, opened.held, opened.committee_role) == (Line.HELD, 1, COMMITTEE_ROLE)
    assert await public.states("2026-Q1") == {ADA.user_id: Line.HELD, BEN.user_id: Line.DUE}
    assert "is held" in await public.refused(
        payments.record, KIM, reference="0x1", user_id=ADA.user_id
    )
    await public.do(payments.record, KIM, reference="0x1")
    assert await public.states("2026-Q1") == {ADA.user_id: Line.HELD, BEN.user_id: Line.PAID}


async def test_a_dispute_about_the_whole_holds_every_line_that_is_not_paid(public: World) -> None:
    await public.do(payments.record, KIM, reference="0x1", user_id=BEN.user_id)
    opened = await dispute(public, about=None)
    assert (opened.line, opened.held) == (None, 1)
    assert await public.states("2026-Q1") == {ADA.user_id: Line.HELD, BEN.user_id: Line.PAID}
    assert "No line of 2026-Q1 is due" in await public.refused(
        payments.record, KIM, reference="0x2"
    )


async def test_a_dispute_about_a_paid_line_holds_nothing(public: World) -> None:
    await public.do(payments.record, KIM, reference="0x1")
    opened = await dispute(public)
    assert (opened.line, opened.held) == (Line.PAID, 0)


@pytest.mark.parametrize(
    ("published", "until"),
    ((utc("2026-07-01 12:00"), utc("2026-07-15 23:59:59")),),
)
async def test_the_deadline_is_the_end_of_the_fourteenth_day(
    season: World, published: datetime, until: datetime
) -> None:
    await season.drafted()
    await season.published()
    await season.log(ADA, "1h")
    await season.to(published)
    await season.published()
    opened = await dispute(season)
    assert (opened.told.label, opened.told.valid_until) == ("2026-Q2", until)


@pytest.mark.parametrize(
    ("at", "state"),
    (
        (UNTIL, State.OPEN),
        (UNTIL.replace(microsecond=999_000), State.OPEN),
        (utc("2026-04-15"), State.LATE),
    ),
)
async def test_the_moment_of_the_press_decides_and_the_last_second_counts(
    public: World, at: datetime, state: State
) -> None:
    await public.to(utc("2026-04-15 00:05"))
    assert (await public.round("2026-Q1")).state == "final"
    opened = await dispute(public, at=at)
    assert opened.told.state == state
    is_open = state is State.OPEN
    assert (await public.round("2026-Q1")).state == ("published" if is_open else "final")
    assert (await public.states("2026-Q1"))[ADA.user_id] == (Line.HELD if is_open else Line.DUE)
    assert (await public.actions())[-1] == ("dispute.opened" if is_open else "dispute.late")
    kinds = {post.kind for post in await public.posts()}
    assert ("dispute-public" in kinds) is is_open
    assert "dispute-committee" in kinds


async def test_a_settled_round_is_settled_anew_after_a_dispute_that_arrived_late(
    public: World,
) -> None:
    await public.do(payments.record, KIM, reference="0x1")
    await public.to(UNTIL)
    assert (await public.round("2026-Q1")).state == "settled"
    await dispute(public, about=None)
    await public.to(UNTIL + DAY)
    assert (await public.round("2026-Q1")).state == "published"
    await resolve(public, "stands")
    await public.to(UNTIL + 2 * DAY)
    assert (await public.round("2026-Q1")).state == "settled"


async def test_one_that_is_late_is_on_record_once_and_cannot_be_decided(public: World) -> None:
    await public.to(UNTIL + DAY)
    await dispute(public)
    assert "is on record as out of time" in await public.refused(
        disputes.submit, SAM, reason="again", user_id=ADA.user_id
    )
    assert "came out of time" in await refused(public, "stands")
    assert "came out of time" in await public.refused(disputes.withdraw, SAM, number="1")


async def test_somebody_disputes_the_same_once_and_others_may_too(public: World) -> None:
    await dispute(public)
    assert "Your dispute 1 about this is open already" in await public.refused(
        disputes.submit, SAM, reason="again", user_id=ADA.user_id
    )
    await dispute(public, TOM)
    await dispute(public, SAM, BEN)
    await dispute(public, SAM, None)
    await resolve(public, "stands")
    assert (await public.states("2026-Q1"))[ADA.user_id] is Line.HELD


async def test_two_presses_at_once_open_one_dispute(public: World) -> None:
    one, other = await twice_at_once(lambda: dispute(public), lambda: dispute(public))
    assert sorted([type(one), type(other)], key=str) == sorted([Opened, Refusal], key=str)


async def test_at_most_five_are_open_of_one_person_about_a_round(season: World) -> None:
    people = [Who(70 + number, f"H{number}") for number in range(6)]
    from bot.services import roster
    from tests.services.world import MOE

    for who in people:
        await season.do(roster.add, MOE, person=who.person)
    await season.drafted(dict.fromkeys(people, 60))
    await season.published()
    for who in people[:5]:
        await dispute(season, SAM, who)
    assert "5 open disputes" in await season.refused(
        disputes.submit, SAM, reason="more", user_id=people[5].user_id
    )
    await season.do(disputes.withdraw, SAM, number="2")
    await dispute(season, SAM, people[5])


async def test_a_line_that_does_not_exist_or_is_not_published_cannot_be_disputed(
    waiting: World,
) -> None:
    assert "No statement has been published yet" in await waiting.refused(
        disputes.submit, SAM, reason="no", user_id=ADA.user_id
    )
    await waiting.published()
    assert "has no line in the statement of 2026-Q1" in await waiting.refused(
        disputes.submit, SAM, reason="no", user_id=CYD.user_id
    )
    assert "2026-Q2 is not published" in await waiting.refused(
        disputes.submit, SAM, reason="no", label="2026-Q2"
    )
    assert "Give a `reason`" in await waiting.refused(disputes.submit, SAM, reason=" ")


async def test_a_line_of_nothing_can_be_disputed(season: World) -> None:
    await season.drafted({ADA: 600})
    await season.do(
        settlement.adjust, KIM, person=BEN.person, reason="on record", minutes=0, amount="1.00"
    )
    await season.do(settlement.adjust, KIM, person=BEN.person, reason="off", amount="-1.00")
    await season.published(VAL)
    opened = await dispute(season, BEN, BEN)
    assert (opened.line, opened.held) == (Line.NONE, 0)
    decided = await resolve(season, "modify", amount="12.00")
    assert decided.amounts == (0, 12_00)


# ---------------------------------------------------------------- withdrawing


async def test_who_opened_it_withdraws_it_and_the_line_is_due_again(public: World) -> None:
    await dispute(public)
    assert "Dispute 1 is not yours" in await public.refused(disputes.withdraw, TOM, number="1")
    told = await public.do(disputes.withdraw, SAM, number=" #1 ")
    assert told.state is State.WITHDRAWN
    assert await public.states("2026-Q1") == {ADA.user_id: Line.DUE, BEN.user_id: Line.DUE}
    assert "was withdrawn" in await public.refused(disputes.withdraw, SAM, number="1")
    assert "was withdrawn" in await refused(public, "stands")
    await dispute(public)


@pytest.mark.parametrize("number", ("2", "one", "", "9" * 13))
async def test_what_is_no_number_of_a_dispute_is_refused(public: World, number: str) -> None:
    await dispute(public)
    told = "That is not the number of a dispute here"
    assert told in await public.refused(disputes.withdraw, SAM, number=number)
    assert told in await refused(public, "stands", number=number)
    assert await public.see(disputes.concern, public.guild_id, number=number) is None


async def test_the_number_of_another_server_is_no_number_here(public: World) -> None:
    await dispute(public)
    other = public.elsewhere()
    await other.opened()
    assert "not the number of a dispute here" in await refused(other, "stands")
    assert "not the number of a dispute here" in await other.refused(
        disputes.withdraw, SAM, number="1"
    )


# ---------------------------------------------------------------- deciding


async def test_what_stands_is_due_again_and_told_in_public(public: World) -> None:
    await dispute(public)
    decided = await resolve(public, "stands")
    assert (decided.version, decided.carried, decided.told.decided_by) == (None, None, KIM.user_id)
    assert (await public.states("2026-Q1"))[ADA.user_id] is Line.DUE
    (post,) = await public.posts("dispute-decided")
    assert post.round_id == (await public.round("2026-Q1")).id
    assert "is decided already" in await refused(public, "stands")


@pytest.mark.parametrize(("amount", "after"), (("30.00", 30_00), ("0", 0), ("70.00", 70_00)))
async def test_another_amount_of_an_unpaid_line_comes_with_the_next_version(
    public: World, amount: str, after: int
) -> None:
    await dispute(public)
    decided = await resolve(public, "modify", amount=amount)
    assert (decided.version, decided.amounts) == (2, (50_00, after))
    assert await public.amounts("2026-Q1") == {ADA.user_id: after, BEN.user_id: 20_00}
    # Nothing is paid by the old amount meanwhile; the other line is.
    recorded = await public.do(payments.record, KIM, reference="0x1")
    assert recorded.user_ids == (BEN.user_id,)
    assert "is being corrected" in await public.refused(
        payments.record, KIM, reference="0x2", user_id=ADA.user_id
    )
    with pytest.raises(Blocked):
        await public.do(settlement.approve, KIM)  # who decided it is not its only approver
    published = await public.published(VAL)
    assert published.statement.facts.version == 2
    states = await public.states("2026-Q1")
    assert states[ADA.user_id] is (Line.DUE if after else Line.NONE)
    assert published.adjustments[-1].reason == "Dispute 1: checked"


async def test_a_void_line_is_waived_by_the_next_version_and_can_be_disputed_again(
    public: World,
) -> None:
    await dispute(public)
    decided = await resolve(public, "void")
    assert (decided.version, decided.amounts) == (2, (50_00, 0))
    published = await public.published(VAL)
    assert published.statement.facts.voided == {ADA.user_id}
    assert (await public.states("2026-Q1"))[ADA.user_id] is Line.WAIVED
    assert published.shown[ADA.user_id].reason == "voided"
    assert "A dispute ended the line" in await public.refused(
        settlement.adjust, KIM, person=ADA.person, reason="no", amount="1.00", label="2026-Q1"
    )
    await dispute(public, ADA)
    assert "comes to that already" in await refused(public, "void", number="2")
    decided = await resolve(public, "modify", number="2", amount="45.00")
    assert (decided.version, decided.amounts) == (3, (0, 45_00))
    published = await public.published(VAL)
    assert published.statement.facts.voided == frozenset()
    assert (await public.states("2026-Q1"))[ADA.user_id] is Line.DUE


async def test_two_decisions_share_the_next_version(public: World) -> None:
    await dispute(public)
    await dispute(public, SAM, BEN)
    await resolve(public, "modify", amount="40.00")
    decided = await resolve(public, "void", number="2")
    assert decided.version == 2
    assert await public.amounts("2026-Q1") == {ADA.user_id: 40_00, BEN.user_id: 0}
    published = await public.published(VAL)
    assert published.statement.total == 40_00


async def test_another_dispute_about_the_line_goes_on_holding_the_next_version(
    public: World,
) -> None:
    await dispute(public)
    await dispute(public, TOM)
    await resolve(public, "modify", amount="40.00")
    await public.published(VAL)
    assert (await public.states("2026-Q1"))[ADA.user_id] is Line.HELD
    await resolve(public, "stands", number="2")
    assert (await public.states("2026-Q1"))[ADA.user_id] is Line.DUE


async def test_a_new_version_gives_new_days_to_the_lines_it_changed_alone(public: World) -> None:
    await dispute(public)
    await public.to(utc("2026-04-10 12:00"))
    await resolve(public, "modify", amount="40.00")
    await public.published(VAL)
    later = utc("2026-04-24 23:59:59")
    assert (await public.round("2026-Q1")).dispute_until == later
    await public.to(utc("2026-04-15"))
    assert (await dispute(public, TOM, ADA)).told.valid_until == later
    late = await dispute(public, TOM, BEN)
    assert (late.told.state, late.told.valid_until) == (State.LATE, UNTIL)
    assert (await dispute(public, TOM, None)).told.valid_until == later
    # A third version changes nothing for the other line either.
    await resolve(public, "modify", number="2", amount="41.00")
    await public.published(VAL)
    assert (await dispute(public, SAM, BEN)).told.valid_until == UNTIL


async def test_a_correction_that_changes_no_line_gives_no_new_days(public: World) -> None:
    await public.to(utc("2026-04-10 12:00"))
    for amount in ("1.00", "-1.00"):
        await public.do(
            settlement.adjust, KIM, person=ADA.person, reason="x", amount=amount, label="2026-Q1"
        )
    await public.published(VAL)
    assert (await public.round("2026-Q1")).dispute_until == UNTIL


async def test_a_disputed_round_becomes_final_after_the_last_decision(public: World) -> None:
    await dispute(public)
    await public.to(UNTIL + DAY)
    assert (await public.round("2026-Q1")).state == "published"
    await resolve(public, "stands")
    await public.to(UNTIL + DAY + MINUTE)
    assert (await public.round("2026-Q1")).state == "final"


async def test_payment_after_disputes_is_due_when_they_are_over(server: World) -> None:
    town = await server.opened(pay_after="disputes")
    await town.drafted()
    published = await town.published()
    assert published.pay_due_at == UNTIL
    await dispute(town, SAM, BEN)
    await town.to(UNTIL - MINUTE)
    assert await town.posts("pay") == []
    await town.to(UNTIL)
    assert len(await town.posts("pay")) == 1
    assert await town.states("2026-Q1") == {ADA.user_id: Line.DUE, BEN.user_id: Line.HELD}


@pytest.mark.parametrize(
    ("who", "opener", "about", "words"),
    (
        (KIM, KIM, ADA, "You opened this dispute"),
        (KIM, KIM, None, "You opened this dispute"),
        (ADA_IN_COMMITTEE, SAM, ADA, "This concerns your own payment"),
        (ADA_IN_COMMITTEE, SAM, None, "This concerns your own payment"),
    ),
)
async def test_nobody_decides_what_concerns_them_and_the_record_says_so(
    public: World, who: Who, opener: Who, about: Who | None, words: str
) -> None:
    await dispute(public, opener, about)
    with pytest.raises(Blocked, match=words):
        await resolve(public, "stands", who)
    assert (await public.actions())[-1] == "rule.blocked"
    await resolve(public, "stands", LEE)


async def test_who_has_no_line_in_question_decides_about_another_line(public: World) -> None:
    await dispute(public, SAM, BEN)
    await resolve(public, "stands", ADA_IN_COMMITTEE)


async def test_members_do_not_decide(public: World) -> None:
    await dispute(public)
    assert "This is for the committee" in await refused(public, "stands", TOM)


async def test_an_admin_decides_where_every_seat_is_concerned(public: World) -> None:
    await dispute(public, KIM)
    assert "This is for the committee" in await refused(
        public, "stands", ROOT, committee_concerned=1
    )
    await public.do(settings.change, ROOT, values={"committee_seats": "2"})
    assert "every one of its 2 seats" in await refused(
        public, "stands", ROOT, committee_concerned=1
    )
    assert "every one of its 2 seats" in await refused(public, "stands", ROOT)
    concern = await public.see(disputes.concern, public.guild_id, number="1")
    assert concern is not None
    assert concern.everybody == {KIM.user_id, ADA.user_id}
    decided = await resolve(public, "stands", ROOT, committee_concerned=2)
    assert decided.told.decided_by == ROOT.user_id


async def test_an_admin_who_opened_it_does_not_decide(public: World) -> None:
    await public.do(settings.change, ROOT, values={"committee_seats": "1"})
    await dispute(public, ROOT)
    with pytest.raises(Blocked):
        await resolve(public, "stands", ROOT, committee_concerned=1)


@pytest.mark.parametrize(
    ("outcome", "data", "words"),
    (
        ("perhaps", {}, "`outcome` is one of: `stands`, `modify`, `void`."),
        ("modify", {}, "`modify` needs the new `amount`"),
        ("stands", {"amount": "1.00"}, "`stands` and `void` take none"),
        ("void", {"amount": "1.00"}, "`stands` and `void` take none"),
        ("modify", {"amount": "-1.00"}, "amount"),
        ("modify", {"amount": "1.001"}, "Write an amount like"),
        ("modify", {"amount": "50.00"}, "comes to that already"),
        ("modify", {"amount": "981.00"}, "At most 930.00 USD can still be added"),
        ("stands", {"reason": " "}, "Give a `reason`"),
    ),
)
async def test_a_decision_that_makes_no_sense_is_refused(
    public: World, outcome: str, data: dict[str, str], words: str
) -> None:
    await dispute(public)
    assert words in await refused(public, outcome, **data)
    assert (await row(public)).state == "open"


@pytest.mark.parametrize(("outcome", "data"), (("modify", {"amount": "1.00"}), ("void", {})))
async def test_a_dispute_about_the_whole_can_only_stand(
    public: World, outcome: str, data: dict[str, str]
) -> None:
    await dispute(public, about=None)
    assert "`/payout adjust` changes lines" in await refused(public, outcome, **data)
    await resolve(public, "stands")
    assert await public.states("2026-Q1") == {ADA.user_id: Line.DUE, BEN.user_id: Line.DUE}


async def test_the_line_of_who_declined_pay_has_no_amount_to_decide(season: World) -> None:
    from bot.services import roster

    await season.do(roster.pay, ADA, wanted=False)
    await season.drafted()
    await season.published()
    opened = await dispute(season)
    assert (opened.line, opened.held) == (Line.WAIVED, 0)
    for outcome, data in (("modify", {"amount": "5.00"}), ("void", {})):
        assert "declined pay before 2026-Q1 closed" in await refused(season, outcome, **data)
    await resolve(season, "stands")


async def test_a_void_round_leaves_nothing_to_decide(public: World) -> None:
    await dispute(public)
    await public.void("2026-Q1")
    assert (await row(public)).state == "moot"
    assert "was about a round that is void now" in await refused(public, "stands")


# ---------------------------------------------------------------- paid lines


async def test_paid_120_modified_to_90_takes_30_from_the_next_rounds(season: World) -> None:
    await season.drafted({ADA: 24 * 60})
    await season.published()
    await season.do(payments.record, KIM, reference="0x1")
    await dispute(season)
    decided = await resolve(season, "modify", amount="90.00")
    assert (decided.version, decided.amounts) == (None, (120_00, 90_00))
    assert (decided.carried, decided.carried_to) == (-30_00, "2026-Q2")
    assert (await season.states("2026-Q1"))[ADA.user_id] is Line.PAID
    assert "comes to that already" in await refused_again(season)

    await season.log(ADA, "5h")
    await season.to(utc("2026-06-30 20:00"))
    second = await season.published()
    (line,) = second.statement.lines
    assert (line.hours_amount, line.carry, line.amount, line.carry_left) == (
        25_00,
        -30_00,
        0,
        -5_00,
    )
    await season.log(ADA, "2h")
    await season.to(utc("2026-09-30 20:00"))
    third = await season.published()
    (line,) = third.statement.lines
    assert (line.hours_amount, line.carry, line.amount, line.carry_left) == (10_00, -5_00, 5_00, 0)


async def refused_again(season: World) -> str:
    await dispute(season, TOM)
    return await refused(season, "modify", number="2", amount="90.00")


async def test_a_later_decision_about_a_paid_line_counts_what_was_carried(public: World) -> None:
    await public.do(payments.record, KIM, reference="0x1")
    await dispute(public)
    await resolve(public, "modify", amount="30.00")
    await dispute(public, ADA)
    decided = await resolve(public, "void", number="2")
    assert (decided.amounts, decided.carried) == ((30_00, 0), -30_00)
    await dispute(public, TOM)
    assert "comes to that already" in await refused(public, "void", number="3")
    decided = await resolve(public, "modify", number="3", amount="60.00")
    assert (decided.amounts, decided.carried) == ((0, 60_00), 60_00)
    assert (await public.amounts("2026-Q2")) == {ADA.user_id: 10_00}
    # Nothing of a paid line is void: it keeps its amount, and the statement its version.
    assert (await public.round("2026-Q1")).draft_version is None


async def test_a_decision_about_a_paid_line_keeps_to_the_cap(public: World) -> None:
    await public.do(payments.record, KIM, reference="0x1")
    await dispute(public)
    assert "At most 930.00 USD can still be added" in await refused(
        public, "modify", amount="980.01"
    )
    assert (await resolve(public, "modify", amount="980.00")).carried == 930_00


@pytest.mark.parametrize(
    ("outcome", "amount", "before", "after"),
    (
        ("modify", "25.00", 30_00, 25_00),
        ("modify", "50.00", 30_00, 50_00),
        ("void", None, 30_00, 0),
    ),
)
async def test_a_decision_after_the_payment_was_taken_back_stands_alone(
    public: World, outcome: str, amount: str | None, before: int, after: int
) -> None:
    await public.do(payments.record, KIM, reference="0x1", user_id=ADA.user_id)
    await dispute(public)
    assert (await resolve(public, "modify", amount="30.00")).carried == -20_00
    for who in (KIM, LEE):
        await public.do(payments.correct, who, reference="0x1", reason="not sent")
    await dispute(public)
    decided = await resolve(public, outcome, number="2", amount=amount)
    # What was carried is taken back: it would lower what is not paid yet a second time.
    assert (decided.version, decided.amounts, decided.carried) == (2, (before, after), None)
    assert (await public.amounts("2026-Q1"))[ADA.user_id] == after
    assert await public.amounts("2026-Q2") == {}
    published = await public.published(VAL)
    assert published.statement.total == after + 20_00


async def test_decisions_about_paid_lines_and_adjustments_share_the_cap(public: World) -> None:
    await public.do(payments.record, KIM, reference="0x1", user_id=ADA.user_id)
    await dispute(public)
    await resolve(public, "modify", amount="950.00")
    raised = {"person": BEN.person, "reason": "forgotten", "label": "2026-Q1"}
    assert "At most 30.00 USD can still be added" in await public.refused(
        settlement.adjust, KIM, amount="30.01", **raised
    )
    await public.do(settlement.adjust, KIM, amount="29.99", **raised)
    # A correction under way counts as well.
    await dispute(public, TOM)
    assert "At most 0.01 USD can still be added" in await refused(
        public, "modify", number="2", amount="950.02"
    )
    assert (await resolve(public, "modify", number="2", amount="950.01")).carried == 1


@pytest.mark.parametrize("passed", (0 * DAY, -DAY))
async def test_the_decision_made_last_stands_whatever_the_clock_says(
    public: World, passed: timedelta
) -> None:
    await dispute(public)
    await dispute(public, TOM)
    await resolve(public, "void", number="2")
    public.now += passed
    await resolve(public, "modify", number="1", amount="10.00")
    assert (await public.amounts("2026-Q1"))[ADA.user_id] == 10_00
    await public.published(VAL)


# ---------------------------------------------------------------- suspensions


async def suspended(public: World) -> None:
    await public.do(settings.change, ROOT, values={"committee_seats": "1"})
    await public.do(cease.suspend, KIM, user_id=ADA.user_id, reason="spam")


async def test_a_suspension_is_disputed_in_its_time_and_lifted(public: World) -> None:
    await suspended(public)
    opened = await dispute(public, ADA)
    assert (opened.told.label, opened.told.user_id) == ("", ADA.user_id)
    assert (opened.line, opened.held) == (None, 0)
    assert (await public.states("2026-Q1"))[ADA.user_id] is Line.HELD
    await public.to(UNTIL + DAY)
    assert (await public.states("2026-Q1"))[ADA.user_id] is Line.HELD  # not final while disputed
    assert (await public.round("2026-Q1")).state == "final"  # its own lines are not disputed
    assert "has no amount to modify" in await refused(public, "modify", amount="1.00")
    with pytest.raises(Blocked):
        await resolve(public, "void", ADA_IN_COMMITTEE)
    decided = await resolve(public, "void", LEE)
    assert decided.told.label == ""
    assert (await public.states("2026-Q1"))[ADA.user_id] is Line.DUE
    (post,) = await public.posts("dispute-decided")
    assert post.round_id == (await public.round("2026-Q2")).id


async def test_a_suspension_that_stands_becomes_final(public: World) -> None:
    await suspended(public)
    await dispute(public)
    await dispute(public, TOM)
    await resolve(public, "stands", LEE)
    await resolve(public, "stands", LEE, number="2")
    await public.to(UNTIL + DAY)
    assert (await public.states("2026-Q1"))[ADA.user_id] is Line.WAIVED
    # From then on a dispute is about the line again.
    assert (await dispute(public, ADA)).told.label == "2026-Q1"


async def test_a_dispute_about_a_suspension_that_was_lifted_meanwhile_is_decided_all_the_same(
    public: World,
) -> None:
    await suspended(public)
    await dispute(public)
    await public.do(cease.reinstate, LEE, user_id=ADA.user_id, reason="sorry")
    await resolve(public, "void", VAL)
    assert (await public.states("2026-Q1"))[ADA.user_id] is Line.DUE


async def test_with_a_round_it_is_the_line_that_is_disputed(public: World) -> None:
    await suspended(public)
    assert (await dispute(public, label="2026-Q1")).told.label == "2026-Q1"
    shown = (await public.see(settlement.show, guild_id=public.guild_id, label=None)).shown
    assert shown[ADA.user_id].reason == "disputed, suspended"


async def test_a_suspension_without_an_open_round_is_told_in_the_channel(town: World) -> None:
    await suspended(town)
    opened = await dispute(town, ADA)
    assert opened.told.label == ""
    assert [post.round_id for post in await town.posts("dispute-public")] == [None]
    choices = await town.see(disputes.own_open, by=town.by(ADA))
    assert choices == [("1", "1: suspension of Ada")]


# ---------------------------------------------------------------- looking


async def test_the_list_shows_reasons_to_the_committee_and_to_who_wrote_them(
    public: World,
) -> None:
    await dispute(public)
    await dispute(public, TOM, None, reason="all of it")
    await resolve(public, "stands")

    async def reasons(who: Who) -> dict[int, str]:
        found = await public.see(disputes.listing, by=public.by(who))
        return {told.number: told.reason for told in found}

    assert await reasons(KIM) == {2: "all of it", 1: "too much"}
    assert await reasons(SAM) == {2: "", 1: "too much"}
    assert await reasons(BEN) == {2: "", 1: ""}
    assert list(await reasons(KIM)) == [2, 1]  # open ones first


async def test_open_disputes_are_offered_to_those_who_can_do_something(public: World) -> None:
    await dispute(public)
    await dispute(public, TOM, None)

    async def offered(query: object, who: Who) -> list[tuple[str, str]]:
        assert callable(query)
        found: list[tuple[str, str]] = await public.see(query, by=public.by(who))
        return found

    every = [("1", "1: 2026-Q1, Ada"), ("2", "2: 2026-Q1, the whole")]
    assert await offered(disputes.to_decide, KIM) == every
    assert await offered(disputes.to_decide, ROOT) == every
    assert await offered(disputes.to_decide, SAM) == []
    assert await offered(disputes.own_open, SAM) == every[:1]
    assert await offered(disputes.own_open, BEN) == []


async def test_reasons_enter_the_record_as_digests_only(public: World) -> None:
    await dispute(public)
    await resolve(public, "stands")
    rows = [row for row in await public.record() if row.action.startswith("dispute.")]
    assert [set(row.data) for row in rows] == [
        {"round", "version", "user_id", "reason_digest"},
        {"round", "version", "user_id", "outcome", "amount", "reason_digest"},
    ]
    assert "too much" not in str(rows)


async def test_the_statement_names_why_a_line_is_held(public: World) -> None:
    await dispute(public)
    own = await public.see(payments.mine, by=public.by(ADA), label=None)
    assert (own.state, own.reason) == (Line.HELD, "disputed")
    own = await public.see(payments.mine, by=public.by(BEN), label=None)
    assert (own.state, own.reason) == (Line.DUE, "")


async def test_a_draft_shows_who_is_suspended(waiting: World) -> None:
    assert waiting.now == COMPUTE
    await suspended(waiting)
    draft = await waiting.see(settlement.preview, by=waiting.by(LEE), label=None)
    assert draft.shown[ADA.user_id].status is Line.HELD
    await waiting.published(LEE)
    assert (await waiting.states("2026-Q1"))[ADA.user_id] is Line.HELD
    await waiting.to(UNTIL + DAY)
    assert (await waiting.states("2026-Q1"))[ADA.user_id] is Line.WAIVED
    shown = (await waiting.see(settlement.show, guild_id=waiting.guild_id, label=None)).shown
    assert shown[ADA.user_id].reason == "ceased"


async def test_a_final_suspension_is_in_the_publication_of_the_next_round(public: World) -> None:
    await suspended(public)
    await public.log(ADA, "1h")
    await public.to(utc("2026-06-30 20:00"))
    await public.published(LEE)
    assert (await public.states("2026-Q2"))[ADA.user_id] is Line.WAIVED
    await public.do(cease.reinstate, LEE, user_id=ADA.user_id, reason="sorry")
    assert (await public.states("2026-Q2"))[ADA.user_id] is Line.DUE
