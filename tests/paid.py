"""A season that came to its end: logged, closed, published, paid, disputed, and going on."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bot.services import disputes, thanks
from tests.services.world import ADA, BEN, DAY, PAY, SAM, START, World, database, paid_season


def play(path: Path) -> Path:
    """Store the season in a file: 2026-Q1 is paid, 2026-Q2 is open with an entry."""

    async def played() -> None:
        world = World(database(path))
        await world.db.open(now=START)
        await world.opened()
        await world.do(thanks.give, SAM, person=ADA.person)
        await paid_season(world)
        await world.to(PAY + DAY)
        await world.do(disputes.submit, SAM, reason="too much", user_id=BEN.user_id)
        await world.log(BEN, "2h")
        await world.db.close()

    asyncio.run(played())
    return path
