"""What grows with the lines of a statement is never done in the thread of the event loop."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from bot.domain import bundle, statement, warnings
from bot.services import settlement
from bot.ui import chart, files, page, statements
from tests.cogs.town import Town

LARGE = {
    function.__code__
    for function in (
        statement.compute, statement.as_json, bundle.bundle, bundle.facts_of, warnings.warn,
        chart.png, chart.svg, files.statement_csv, files.statement_json, files.statement_markdown,
        page.page, statements.files, statements.preview, statements.published,
    )
}  # fmt: skip


@contextmanager
def watched() -> Iterator[list[str]]:
    """Note what of the large things is done in this thread."""
    seen: list[str] = []

    def note(frame: FrameType, event: str, _argument: Any) -> None:
        if event == "call" and frame.f_code in LARGE:
            seen.append(frame.f_code.co_name)

    sys.setprofile(note)
    try:
        yield seen
    finally:
        sys.setprofile(None)


async def test_a_statement_is_made_and_published_beside_the_event_loop(town: Town) -> None:
    answers: list[str] = []
    await town.open()
    with watched() as seen:
        await town.draft()
        for who, command, options in (
            (town.carol, "preview", {}),
            (town.carol, "adjust", {"helper": town.bob, "reason": "forgot", "minutes": 60}),
            (town.dave, "approve", {}),
            (town.dave, "publish", {}),
            (town.alice, "show", {}),
            (town.alice, "mine", {}),
            (town.carol, "export", {"format": "csv"}),
            (town.carol, "export", {"format": "json"}),
            (town.carol, "export", {"format": "markdown"}),
            (town.carol, "paid", {"reference": "0xabc"}),
        ):
            answers.append(await town.press(who, town.committee, f"payout {command}", **options))
        await town.press(town.alice, town.support, "round status")
        await town.press(town.alice, town.support, "dispute open", reason="wrong")
    assert seen == []
    for said in ("is published", "Statement 2026-Q1", "as json", "as markdown", "Recorded as paid"):
        assert any(said in answer for answer in answers), answers
    with watched() as seen:  # so it would be seen
        async with town.bot.db.read() as session:
            await settlement.show(session, guild_id=town.guild.id, label=None)
    assert seen
