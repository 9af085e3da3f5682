"""Turning the pages of a long list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import discord

from bot.ui.answers import View, answer, answer_in_place

LASTS_SECONDS = 600
BACK, NEXT = "pager:back", "pager:next"


class Pager(View):
    """Two buttons under a list that is longer than one message."""

    def __init__(self, pages: Sequence[discord.Embed]) -> None:
        super().__init__(timeout=LASTS_SECONDS)
        self._pages = pages
        self._at = 0
        for number, page in enumerate(pages, start=1):
            place = f"page {number} of {len(pages)}"
            page.set_footer(text=f"{page.footer.text}  ·  {place}" if page.footer.text else place)
        self._show_place()

    @discord.ui.button(label="Back", custom_id=BACK, style=discord.ButtonStyle.secondary)
    async def back(
        self, interaction: discord.Interaction[Any], _button: discord.ui.Button[Self]
    ) -> None:
        """Turn one page back."""
        await self._turn(interaction, self._at - 1)

    @discord.ui.button(label="Next", custom_id=NEXT, style=discord.ButtonStyle.secondary)
    async def next(
        self, interaction: discord.Interaction[Any], _button: discord.ui.Button[Self]
    ) -> None:
        """Turn one page on."""
        await self._turn(interaction, self._at + 1)

    async def _turn(self, interaction: discord.Interaction[Any], to: int) -> None:
        self._at = min(max(to, 0), len(self._pages) - 1)
        self._show_place()
        await answer_in_place(interaction, embed=self._pages[self._at], view=self)

    def _show_place(self) -> None:
        self.back.disabled = self._at == 0
        self.next.disabled = self._at == len(self._pages) - 1


class OldPages(View):
    """Answers for lists that are forgotten: older than `LASTS_SECONDS`, or than the last start."""

    def __init__(self) -> None:
        super().__init__(timeout=None)

    @discord.ui.button(custom_id=BACK, label="Back")
    async def back(
        self, interaction: discord.Interaction[Any], _button: discord.ui.Button[Self]
    ) -> None:
        """Say what to do instead."""
        await self._say(interaction)

    @discord.ui.button(custom_id=NEXT, label="Next")
    async def next(
        self, interaction: discord.Interaction[Any], _button: discord.ui.Button[Self]
    ) -> None:
        """Say what to do instead."""
        await self._say(interaction)

    async def _say(self, interaction: discord.Interaction[Any]) -> None:
        await answer(interaction, "This list is too old to turn its pages. Use the command again.")


def paged(pages: Sequence[discord.Embed]) -> dict[str, Any]:
    """Return the arguments that answer with pages, with buttons where there are several."""
    if len(pages) == 1:
        return {"embed": pages[0]}
    return {"view": Pager(pages), "embed": pages[0]}
