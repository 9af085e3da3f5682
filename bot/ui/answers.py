"""The one place where a person is answered, and where errors become words."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import discord

from bot.domain.errors import Refusal, Repeated
from bot.ui.text import guard, guarded

log = logging.getLogger(__name__)

LONGEST_CONTENT = 2000


def incident() -> str:
    """Return a new incident id; it goes into the answer and into the log."""
    return secrets.token_hex(4)


async def answer(
    interaction: discord.Interaction[Any],
    content: str = "",
    *,
    embed: discord.Embed | None = None,
    view: discord.ui.View | None = None,
    files: Sequence[discord.File] = (),
) -> None:
    """Answer the person who pressed or typed, visible to nobody else.

    A deferred answer is edited into place: a follow-up could be sent twice.
    """
    text = guarded(content)
    text = text if len(text) <= LONGEST_CONTENT else f"{text[: LONGEST_CONTENT - 1]}…"
    embed = guard(embed) if embed is not None else None
    if interaction.response.is_done():
        await interaction.edit_original_response(
            content=text or None, embed=embed, view=view, attachments=list(files)
        )
        return
    arguments: dict[str, Any] = {"content": text or None, "embed": embed, "files": list(files)}
    if view is not None:
        arguments["view"] = view
    await interaction.response.send_message(
        ephemeral=True, **{key: value for key, value in arguments.items() if value}
    )


async def add_problems(
    interaction: discord.Interaction[Any], text: str, problems: Mapping[str, str]
) -> None:
    """Add to an answer what could not be posted, each reason once."""
    if problems:
        reasons = "\n".join(f"- {reason}" for reason in dict.fromkeys(problems.values()))
        await answer(
            interaction,
            f"{text}\nNot everything could be posted:\n{reasons}\n"
            "`/setup` shows which permission is missing where.",
        )


async def answer_error(interaction: discord.Interaction[Any], error: BaseException) -> bool:
    """Answer whatever went wrong: a refusal by its sentence, anything else by an incident id.

    Returns whether it was an incident.
    discord.py hands errors over wrapped, differently for commands, options, buttons and forms.
    """
    cause = _cause(error)
    if isinstance(cause, Repeated):
        return False
    if isinstance(cause, Refusal):
        await _say(interaction, str(cause))
        return False
    number = incident()
    log.error(
        "incident %s: %s in server %s",
        number,
        interaction.command.qualified_name if interaction.command else "a button or form",
        interaction.guild_id,
        exc_info=cause,
    )
    await _say(
        interaction,
        f"Something went wrong on the bot's side (incident {number}). Try again in a minute; if it "
        "stays, give the incident's number to an operator of the bot, who finds it in the log.",
    )
    return True


def _cause(error: BaseException) -> BaseException:
    """Return what was raised, out of discord.py's wrappers."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, (Refusal, Repeated)):
            return seen
        seen = getattr(seen, "original", None) or seen.__cause__
    return getattr(error, "original", None) or error


async def _say(interaction: discord.Interaction[Any], text: str) -> None:
    try:
        await answer(interaction, text)
    except discord.HTTPException as error:
        # Too late or gone: what was asked for stands refused in any case.
        log.info("an answer could not be sent: %d", error.status)


class View(discord.ui.View):
    """A view whose errors are answered like those of commands."""

    async def on_error(
        self,
        interaction: discord.Interaction[Any],
        error: Exception,
        _item: discord.ui.Item[Any],
        /,
    ) -> None:
        """Answer an error of a button or menu."""
        await answer_error(interaction, error)


class Modal(discord.ui.Modal):
    """A form whose errors are answered like those of commands."""

    # A form has no item, so discord.py too overrides this with one parameter less.
    async def on_error(  # type: ignore[override]
        self, interaction: discord.Interaction[Any], error: Exception, /
    ) -> None:
        """Answer an error of a form."""
        await answer_error(interaction, error)
