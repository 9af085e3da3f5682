"""Looking before a reminder is said: did anybody speak since the last one?"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import discord
from msgspec import Struct

from bot.jobs import marks

if TYPE_CHECKING:
    from bot.jobs.wording import Message
    from storage.tables import Post

log = logging.getLogger(__name__)

LOOKED_AT: Final = 50
"""Messages that are read: only where the bot alone filled them, talk before them is not seen."""


class Seen(Struct, frozen=True):
    """Whether somebody spoke, and reminders of the same words that a crash kept from being stored.

    `spoke` is about the time since the newest reminder, stored or not.
    """

    spoke: bool = False
    unstored: tuple[int, ...] = ()


async def look(bot: discord.Client, post: Post, message: Message) -> Seen:
    """Read the last messages of the channel; where that is refused, nobody is seen to speak.

    What the bot said itself and Discord's own notices, such as pins, are not talk.
    """
    assert bot.user is not None
    assert message.channel_id is not None
    assert message.since is not None
    channel = bot.get_partial_messageable(message.channel_id, guild_id=post.guild_id)
    try:
        found = [each async for each in channel.history(limit=LOOKED_AT)]
    except (discord.Forbidden, discord.NotFound) as error:
        log.info("no reminder in channel %d, it cannot be read: %s", channel.id, error.text)
        return Seen()
    own = bot.user.id
    unstored = sorted(
        each.id
        for each in found
        if each.author.id == own
        and marks.unmarked(each.content) == message.content
        and each.id > message.since
    )
    since = max([message.since, *unstored])
    spoke = any(
        each.id > since and each.author.id != own and not each.is_system() for each in found
    )
    return Seen(spoke, tuple(unstored))


async def delete(
    bot: discord.Client, guild_id: int, *, channel_id: int | None, message_id: int
) -> None:
    """Delete a reminder; one that is gone or cannot be reached is left alone."""
    assert channel_id is not None
    channel = bot.get_partial_messageable(channel_id, guild_id=guild_id)
    try:
        await channel.get_partial_message(message_id).delete()
    except discord.RateLimited as error:
        log.info("reminder %d is not deleted: %s", message_id, error)
    except discord.HTTPException as error:
        if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise
        log.info("reminder %d is not deleted: %s", message_id, error.text or error.status)
