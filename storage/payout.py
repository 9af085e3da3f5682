"""Queries about drafts, statements and payments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select

from storage.tables import (
    Adjustment,
    Approval,
    Payment,
    Price,
    PublishedLine,
    PublishedStatement,
    Round,
    TakeBack,
)

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


async def adjustments(session: AsyncSession, round_id: int) -> Sequence[Adjustment]:
    """Return a round's adjustments in order."""
    return (
        await session.scalars(
            select(Adjustment).where(Adjustment.round_id == round_id).order_by(Adjustment.number)
        )
    ).all()


async def next_adjustment(session: AsyncSession, guild_id: int) -> int:
    """Return the number of a server's next adjustment."""
    highest = await session.scalar(
        select(func.max(Adjustment.number)).where(Adjustment.guild_id == guild_id)
    )
    return (highest or 0) + 1


async def price(session: AsyncSession, round_id: int, *, until: int | None = None) -> Price | None:
    """Return the newest conversion price of a round, of versions up to `until` where given."""
    query = select(Price).where(Price.round_id == round_id)
    if until is not None:
        query = query.where(Price.version <= until)
    return await session.scalar(query.order_by(Price.id.desc()).limit(1))


async def pricers(session: AsyncSession, round_id: int, *, version: int) -> frozenset[int]:
    """Return who adjusted or priced a version of a draft."""
    adjusted = await session.scalars(
        select(Adjustment.actor_id).where(
            Adjustment.round_id == round_id, Adjustment.version == version
        )
    )
    priced = await session.scalars(
        select(Price.actor_id).where(Price.round_id == round_id, Price.version == version)
    )
    return frozenset(adjusted.all()) | frozenset(priced.all())


async def approvals(session: AsyncSession, round_id: int, *, sha256: str) -> Sequence[Approval]:
    """Return the approvals of one exact draft."""
    return (
        await session.scalars(
            select(Approval)
            .where(Approval.round_id == round_id, Approval.sha256 == sha256)
            .order_by(Approval.at)
        )
    ).all()


async def forget_approvals(session: AsyncSession, round_id: int, *, sha256: str) -> None:
    """Drop the approvals of one exact draft; the record keeps that they were given."""
    await session.execute(
        delete(Approval).where(Approval.round_id == round_id, Approval.sha256 == sha256)
    )


async def any_approval(session: AsyncSession, round_id: int, *, version: int) -> bool:
    """Whether some draft of a version was approved, whatever has changed since."""
    found = await session.scalar(
        select(Approval.user_id)
        .where(Approval.round_id == round_id, Approval.version == version)
        .limit(1)
    )
    return found is not None


async def statement(
    session: AsyncSession, round_id: int, *, version: int | None = None
) -> PublishedStatement | None:
    """Return a published version of a round, the newest by default."""
    query = select(PublishedStatement).where(PublishedStatement.round_id == round_id)
    if version is not None:
        query = query.where(PublishedStatement.version == version)
    return await session.scalar(query.order_by(PublishedStatement.version.desc()).limit(1))


async def last_published(session: AsyncSession, guild_id: int) -> PublishedStatement | None:
    """Return what was published last in a server, None where nothing was."""
    return await session.scalar(
        select(PublishedStatement)
        .where(PublishedStatement.guild_id == guild_id)
        .order_by(PublishedStatement.id.desc())
        .limit(1)
    )


async def lines(session: AsyncSession, statement_id: int) -> Mapping[int, PublishedLine]:
    """Return the lines of a published version by helper."""
    found = await session.scalars(
        select(PublishedLine)
        .where(PublishedLine.statement_id == statement_id)
        .order_by(PublishedLine.user_id)
    )
    return {line.user_id: line for line in found}


async def amounts(
    session: AsyncSession, round_id: int, *, version: int
) -> Sequence[tuple[int, int, bool]]:
    """Return helper, amount and whether it is waived of every line of a published version."""
    found = await session.execute(
        select(PublishedLine.user_id, PublishedLine.amount, PublishedLine.waived)
        .join(PublishedStatement, PublishedStatement.id == PublishedLine.statement_id)
        .where(PublishedStatement.round_id == round_id, PublishedStatement.version == version)
        .order_by(PublishedLine.user_id)
    )
    return [(row[0], row[1], row[2]) for row in found]


async def lines_of(session: AsyncSession, guild_id: int, *, user_id: int) -> Sequence[Round]:
    """Return the published rounds in which somebody has a line, oldest first."""
    return (
        await session.scalars(
            select(Round)
            .join(PublishedStatement, PublishedStatement.round_id == Round.id)
            .join(PublishedLine, PublishedLine.statement_id == PublishedStatement.id)
            .where(
                Round.guild_id == guild_id,
                Round.state.in_(("published", "final", "settled")),
                PublishedStatement.version == Round.published_version,
                PublishedLine.user_id == user_id,
            )
            .order_by(Round.number)
        )
    ).all()


async def payments(
    session: AsyncSession, round_id: int, *, standing: bool = True
) -> Sequence[Payment]:
    """Return the recorded payments of a round; `standing` leaves out those taken back."""
    query = select(Payment).where(Payment.round_id == round_id)
    if standing:
        query = query.where(Payment.taken_back_at.is_(None))
    return (await session.scalars(query.order_by(Payment.id))).all()


async def paid(session: AsyncSession, round_id: int) -> frozenset[int]:
    """Return whose lines of a round are paid."""
    found = await session.scalars(
        select(Payment.user_id).where(Payment.round_id == round_id, Payment.taken_back_at.is_(None))
    )
    return frozenset(found)


async def by_reference(session: AsyncSession, guild_id: int, reference: str) -> Sequence[Payment]:
    """Return the standing payments of a reference."""
    return (
        await session.scalars(
            select(Payment)
            .where(
                Payment.guild_id == guild_id,
                Payment.reference == reference,
                Payment.taken_back_at.is_(None),
            )
            .order_by(Payment.id)
        )
    ).all()


async def references(session: AsyncSession, guild_id: int) -> Sequence[str]:
    """Return the newest references with a standing payment, at most 25."""
    found = await session.scalars(
        select(Payment.reference)
        .where(Payment.guild_id == guild_id, Payment.taken_back_at.is_(None))
        .group_by(Payment.reference)
        .order_by(func.max(Payment.id).desc())
        .limit(25)
    )
    return found.all()


async def open_take_back(session: AsyncSession, guild_id: int, reference: str) -> TakeBack | None:
    """Return the proposal to take a reference back that waits for a second member."""
    return await session.scalar(
        select(TakeBack)
        .where(
            TakeBack.guild_id == guild_id,
            TakeBack.reference == reference,
            TakeBack.confirmed_at.is_(None),
        )
        .order_by(TakeBack.id.desc())
        .limit(1)
    )


async def take_back(session: AsyncSession, guild_id: int, number: int) -> TakeBack | None:
    """Return a proposal to take payments back."""
    return await session.scalar(
        select(TakeBack).where(TakeBack.guild_id == guild_id, TakeBack.id == number)
    )
