"""What an error of Discord's says: about what was asked for, or about Discord itself."""

from __future__ import annotations

from http import HTTPStatus

import discord


def is_fault(error: discord.HTTPException) -> bool:
    """Whether Discord, or what stands before it, failed or is overrun: ask again later.

    A page of HTML is no answer of Discord's, whatever its status: a proxy sent it.
    """
    return (
        error.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        or error.status == HTTPStatus.TOO_MANY_REQUESTS
        or (error.code == 0 and error.text.lstrip().startswith("<"))
    )
