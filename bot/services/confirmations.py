"""Questions before something that cannot simply be taken back; a red button answers them."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from bot.domain.errors import Refusal
from bot.domain.people import Actor
from storage import record
from storage.tables import Confirmation

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

ANSWER_WITHIN = timedelta(minutes=15)


class Confirmed(Struct, frozen=True):
    """What a person confirmed: the act and the facts it was asked with."""

    act: str
    facts: Mapping[str, Any]


async def ask(session: AsyncSession, *, by: Actor, act: str, facts: Mapping[str, Any]) -> int:
    """Store a question and return its number, which the button carries."""
    await record.forget_confirmations(session, before=by.now - ANSWER_WITHIN)
    question = Confirmation(
        guild_id=by.guild_id, user_id=by.user_id, act=act, facts=json.dumps(dict(facts)), at=by.now
    )
    session.add(question)
    await session.flush()
    return question.id


async def take(session: AsyncSession, *, by: Actor, number: int) -> Confirmed:
    """Take an answer: once, in time, and only from the person who was asked."""
    question = await record.confirmation(session, by.guild_id, number)
    if question is None or by.now - question.at > ANSWER_WITHIN:
        raise Refusal("This question has been answered or has expired. Use the command again.")
    if question.user_id != by.user_id:
        raise Refusal("Only the person who was asked can press this. Use the command yourself.")
    confirmed = Confirmed(question.act, json.loads(question.facts))
    await session.delete(question)
    return confirmed


async def carry_out(
    session: AsyncSession,
    *,
    by: Actor,
    number: int,
    acts: Mapping[str, Callable[..., Awaitable[Any]]],
) -> tuple[str, Any]:
    """Do what was asked, as `take` permits it; return its name and what came of it."""
    confirmed = await take(session, by=by, number=number)
    return confirmed.act, await acts[confirmed.act](session, by=by, **confirmed.facts)
