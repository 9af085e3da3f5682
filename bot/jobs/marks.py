"""Marks that nobody sees: by them a message that was said already is found again in its channel.

Discord drops a repeat by its nonce for some minutes only, and history does not show nonces. A
crash between Discord's acceptance and our note of it, and a start after a longer time, would say
the same twice: so each message carries the number of its post, in characters without width.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import discord

if TYPE_CHECKING:
    from storage.tables import Post

NONCE_HOLDS: Final = timedelta(minutes=2)
"""As long as this after it was stored, a repeat of a message is surely dropped by its nonce."""
PAGE: Final = 100
LONGEST_CONTENT: Final = 2000
LONGEST_DESCRIPTION: Final = 4096
MOST_PAGES: Final = 5
"""Pages read from where the message was due on; then one of the newest messages."""

_FRAME, _BITS = "\u2060", "\u200b\u200c"
_MARK = re.compile(f"{_FRAME}([{_BITS}]{{1,64}}){_FRAME}")


def mark(number: int) -> str:
    """Return the mark of a post."""
    return _FRAME + "".join(_BITS[int(bit)] for bit in f"{number:b}") + _FRAME


def unmarked(text: str) -> str:
    """Return a text without marks."""
    return _MARK.sub("", text)


def marked(content: str, embed: discord.Embed | None, number: int) -> str:
    """Return the content with the mark of a post; what has no content carries it in its embed.

    Where nothing has room for it there is none, and the nonce alone stands against a repeat.
    """
    own = mark(number)
    if (content or embed is None) and len(content) + len(own) <= LONGEST_CONTENT:
        return content + own
    if embed is not None:
        _mark_embed(embed, own)
    return content


def _mark_embed(embed: discord.Embed, own: str) -> None:
    footer, description = embed.footer.text, embed.description
    if footer:
        embed.set_footer(text=unmarked(footer) + own, icon_url=embed.footer.icon_url)
    elif description and len(unmarked(description) + own) <= LONGEST_DESCRIPTION:
        embed.description = unmarked(description) + own
    else:
        embed.title = unmarked(embed.title or "") + own


def numbers(*texts: str) -> frozenset[int]:
    """Return the numbers of the posts whose marks some texts carry."""
    return frozenset(
        int("".join(str(_BITS.index(bit)) for bit in found), 2)
        for text in texts
        for found in _MARK.findall(text)
    )


def _of(message: discord.Message) -> frozenset[int]:
    texts = [message.content]
    for embed in message.embeds:
        texts += [embed.footer.text or "", embed.description or "", embed.title or ""]
    return numbers(*texts)


async def said(
    bot: discord.Client, post: Post, channel_id: int, *, now: datetime, after: int = 0
) -> discord.PartialMessage | None:
    """Return the message by which a post was said already, the newest there is; None for none.

    `after` is a message that is known not to be it, nor any before. A channel that cannot be
    read is answered with None: then the nonce alone stands against a repeat.
    """
    if now - post.created_at < NONCE_HOLDS:
        return None
    assert bot.user is not None
    channel = bot.get_partial_messageable(channel_id, guild_id=post.guild_id)
    since = discord.Object(max(after, discord.utils.time_snowflake(post.created_at - NONCE_HOLDS)))
    own = bot.user.id
    try:
        found = [
            each.id
            async for each in channel.history(limit=PAGE * MOST_PAGES, after=since)
            if each.author.id == own and post.id in _of(each)
        ] or [
            each.id
            async for each in channel.history(limit=PAGE)
            if each.id > since.id and each.author.id == own and post.id in _of(each)
        ]
    except (discord.Forbidden, discord.NotFound):
        return None
    return channel.get_partial_message(max(found)) if found else None
