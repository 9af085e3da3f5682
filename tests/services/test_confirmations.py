"""Questions with a red button: answered once, in time, by whoever was asked."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.people import Actor
from bot.services import confirmations, roster
from bot.services.confirmations import ANSWER_WITHIN
from storage.tables import Confirmation
from tests.services.world import ADA, BEN, MINUTE, World


async def ask(world: World) -> int:
    return await world.do(
        confirmations.ask, ADA, act="helper.leave", facts={"reason": "\N{ROCKET} @everyone"}
    )


async def test_an_answer_carries_what_was_asked(town: World) -> None:
    number = await ask(town)
    town.now += ANSWER_WITHIN
    confirmed = await town.do(confirmations.take, ADA, number=number)
    assert confirmed == confirmations.Confirmed("helper.leave", {"reason": "\N{ROCKET} @everyone"})


async def test_a_question_is_answered_once(town: World) -> None:
    number = await ask(town)
    await town.do(confirmations.take, ADA, number=number)
    assert "has been answered or has expired" in await town.refused(
        confirmations.take, ADA, number=number
    )


async def test_a_question_expires(town: World) -> None:
    number = await ask(town)
    town.now += ANSWER_WITHIN + timedelta(microseconds=1)
    assert "has expired" in await town.refused(confirmations.take, ADA, number=number)


async def test_only_who_was_asked_answers(town: World) -> None:
    number = await ask(town)
    assert "Only the person who was asked" in await town.refused(
        confirmations.take, BEN, number=number
    )
    await town.do(confirmations.take, ADA, number=number)


async def test_a_question_stays_when_what_it_asked_is_refused(town: World) -> None:
    number = await ask(town)
    await town.do(roster.leave, ADA)

    async def press(session: AsyncSession, *, by: Actor) -> None:
        await confirmations.take(session, by=by, number=number)
        await roster.leave(session, by=by)

    assert "not on the roster" in await town.refused(press, ADA)
    await town.do(confirmations.take, ADA, number=number)


async def test_questions_nobody_can_answer_any_more_are_dropped(town: World) -> None:
    await ask(town)
    town.now += ANSWER_WITHIN + MINUTE
    await ask(town)
    async with town.db.read() as session:
        assert await session.scalar(select(func.count()).select_from(Confirmation)) == 1


async def test_a_question_of_another_server_is_unknown(town: World) -> None:
    number = await ask(town)
    other = town.elsewhere()
    for unknown in (number, 999):
        assert "has been answered" in await other.refused(confirmations.take, ADA, number=unknown)
    await town.do(confirmations.take, ADA, number=number)
