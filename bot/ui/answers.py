"""The one place where a person is answered, and where errors become words."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import discord
from discord.http import Route
from discord.webhook.async_ import async_context

from bot.domain.errors import Refusal, Repeated
from bot.ui.text import guard, guarded

log = logging.getLogger(__name__)

LONGEST_CONTENT = 2000
SOON: Final = 2.0
"""Seconds within which a command or a press is answered, or Discord is told that it takes longer:
it waits for three."""
_PUT_OFF: Final = "stipend.put off"
_FOLLOWED: Final = "stipend.followed"
"""Where an interaction holds the message that answered a press which was put off."""
_A_MESSAGE: Final = discord.InteractionResponseType.channel_message
_EPHEMERAL: Final = discord.MessageFlags(ephemeral=True).value
TOO_LONG: Final = "That took too long to open here. Press the button once more."
_UNDER_THE_PRESS: Final = discord.InteractionResponseType.deferred_message_update
BUSY: Final = "The database is busy right now, so nothing was changed. Try again in a minute."


def incident() -> str:
    """Return a new incident id; it goes into the answer and into the log."""
    return secrets.token_hex(4)


def promise(interaction: discord.Interaction[Any]) -> None:
    """See to it that Discord does not give up a command or a press that takes longer than usual."""
    loop = asyncio.get_running_loop()
    interaction.extras[_PUT_OFF] = loop.call_later(SOON, _put_off_now, interaction)


def _put_off_now(interaction: discord.Interaction[Any]) -> None:
    interaction.extras[_PUT_OFF] = asyncio.create_task(_defer(interaction))


async def _defer(interaction: discord.Interaction[Any]) -> None:
    """Put an answer off: a command is seen to wait, the message of a press stays as it is."""
    if not interaction.response.is_done():
        with suppress(discord.HTTPException, OSError):  # then the answer itself is tried
            await interaction.response.defer(ephemeral=True)


async def put_off(interaction: discord.Interaction[Any]) -> None:
    """Tell Discord that the answer of a command takes a moment."""
    await _settle(interaction)
    await _defer(interaction)


async def _settle(interaction: discord.Interaction[Any]) -> None:
    """Let nothing but the caller respond from here on."""
    promised = interaction.extras.pop(_PUT_OFF, None)
    if isinstance(promised, asyncio.Task):
        await asyncio.wait({promised})
    elif promised is not None:
        promised.cancel()


async def answer(
    interaction: discord.Interaction[Any],
    content: str = "",
    *,
    embed: discord.Embed | None = None,
    view: discord.ui.View | None = None,
    files: Sequence[discord.File] = (),
) -> None:
    """Answer the person who pressed or typed, visible to nobody else.

    A deferred answer is edited into place: a follow-up could be sent twice. Only a press that was
    put off gets one, for its place is the message that was pressed.
    """
    text = guarded(content)
    text = text if len(text) <= LONGEST_CONTENT else f"{text[: LONGEST_CONTENT - 1]}…"
    embed = guard(embed) if embed is not None else None
    await _settle(interaction)
    sent = interaction.extras.get(_FOLLOWED)
    if sent is not None:
        await sent.edit(content=text or None, embed=embed, view=view, attachments=list(files))
        return
    is_put_off = interaction.response.type is _UNDER_THE_PRESS
    if interaction.response.is_done() and not is_put_off:
        await interaction.edit_original_response(
            content=text or None, embed=embed, view=view, attachments=list(files)
        )
        return
    given: dict[str, Any] = {"content": text, "embed": embed, "files": list(files), "view": view}
    arguments = {key: value for key, value in given.items() if value}
    if is_put_off:
        interaction.extras[_FOLLOWED] = await interaction.followup.send(
            ephemeral=True, wait=True, **arguments
        )
    elif view or files:
        await interaction.response.send_message(ephemeral=True, **arguments)
    else:
        await _respond(interaction, **arguments)


async def _respond(
    interaction: discord.Interaction[Any], *, content: str = "", embed: discord.Embed | None = None
) -> None:
    """Answer as `send_message` does, but do not have the message sent back.

    discord.py asks for that with every answer and makes objects of it, at a twentieth of what a
    short command costs; what has a view or files is left to it.
    """
    state, http = interaction._state, interaction.client.http  # noqa: SLF001
    message: dict[str, Any] = {"content": content, "flags": _EPHEMERAL}
    if state.allowed_mentions is not None:
        message["allowed_mentions"] = state.allowed_mentions.to_dict()
    if embed is not None:
        message["embeds"] = [embed.to_dict()]
    await async_context.get().request(
        Route(
            "POST",
            "/interactions/{webhook_id}/{webhook_token}/callback",
            webhook_id=interaction.id,
            webhook_token=interaction.token,
        ),
        interaction._session,  # noqa: SLF001
        payload={"type": _A_MESSAGE.value, "data": message},
        proxy=http.proxy,
        proxy_auth=http.proxy_auth,
    )
    interaction.response._response_type = _A_MESSAGE  # noqa: SLF001


async def answer_in_place(interaction: discord.Interaction[Any], **changes: Any) -> None:
    """Answer a press by changing the message that was pressed."""
    await _settle(interaction)
    if interaction.response.is_done():
        await interaction.edit_original_response(**changes)
    else:
        await interaction.response.edit_message(**changes)


async def answer_with_form(interaction: discord.Interaction[Any], form: discord.ui.Modal) -> None:
    """Answer a press with a form; Discord opens none where the answer was put off."""
    await _settle(interaction)
    if interaction.response.is_done():
        raise Refusal(TOO_LONG)
    await interaction.response.send_modal(form)


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
    """Answer whatever went wrong: what passes by a sentence, anything else by an incident id.

    Returns whether it was an incident.
    discord.py hands errors over wrapped, differently for commands, options, buttons and forms.
    """
    cause = _cause(error)
    if isinstance(cause, Repeated):
        await _settle(interaction)
        return False
    if isinstance(cause, Refusal):
        await _say(interaction, str(cause))
        return False
    if interaction.client.is_busy(cause):
        log.warning("%s waited too long for the database: %s", _place(interaction), cause)
        await _say(interaction, BUSY)
        return False
    if isinstance(cause, discord.RateLimited):
        log.warning("%s was given up: %s", _place(interaction), cause)
        await _say(interaction, _asked_to_wait(cause))
        return False
    number = incident()
    log.error(
        "incident %s: %s in server %s",
        number,
        _place(interaction),
        interaction.guild_id,
        exc_info=cause,
    )
    await _say(
        interaction,
        f"Something went wrong on the bot's side (incident {number}). Try again in a minute; if it "
        "stays, give the incident's number to an operator of the bot, who finds it in the log.",
    )
    return True


def _asked_to_wait(error: discord.RateLimited) -> str:
    minutes = max(round(error.retry_after / 60), 1)
    return f"Discord asks the bot to wait, so this was not done. Try again in {minutes} min."


def _place(interaction: discord.Interaction[Any]) -> str:
    return interaction.command.qualified_name if interaction.command else "a button or form"


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
