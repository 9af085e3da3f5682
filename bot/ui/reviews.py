"""What a committee looks at beside a draft: how long helpers were visibly there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord

from bot.domain.statement import Line, Statement
from bot.ui.text import duration, plural, when

if TYPE_CHECKING:
    from bot.domain.sessions import Visible
    from bot.services.activity import Presence

COLOUR = discord.Colour.from_str("#b7791f")
ROWS = 15


def presence(statement: Statement, seen: Presence | None) -> list[discord.Embed]:
    """Return the visible time beside the claimed hours, in pages; none where none was seen."""
    if seen is None:
        return []
    since = f" Messages before {when(seen.since)} are not kept." if seen.since else ""
    head = (
        "From the times of messages in the support channel and its threads: an estimate, never "
        "paid, and work elsewhere does not show. A gap of 15 minutes ends a session; the range "
        f"adds 0 to 3 minutes to each.{since}"
    )
    order = sorted(statement.lines, key=lambda line: (-line.minutes, line.user_id))
    rows = [_row(line, seen.by_user[line.user_id]) for line in order]
    return [
        discord.Embed(
            title=f"Visible activity {statement.facts.label}",
            description="\n".join((head, "", *rows[at : at + ROWS])),
            colour=COLOUR,
        )
        for at in range(0, len(rows), ROWS)
    ]


def _row(line: Line, visible: Visible) -> str:
    claimed = f"<@{line.user_id}> claims {duration(line.minutes)}"
    if not visible.sessions:
        return f"{claimed} · no messages seen"
    return (
        f"{claimed} · visible activity {duration(visible.low)} to {duration(visible.high)} in "
        f"{plural(visible.sessions, 'session')}"
    )
