"""What is stored about oneself: the file, the question before erasing, and the answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import discord
import orjson

from bot.ui import files
from bot.ui.text import plural, quoted, safe_json, total

if TYPE_CHECKING:
    from bot.services.mydata import Deleted, Export, Left

MOST_OWED = 8


def export_file(found: Export) -> discord.File:
    """Return everything as one JSON file."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    data = orjson.dumps(dict(found.document), option=options)
    return files.attachment(f"stipend-mydata-{found.user_id}.json", safe_json(data))


def exported(found: Export) -> str:
    """Return the answer that comes with the file."""
    if not found.is_known:
        return (
            "**Nothing is stored about you in this server.** The file says so, too. `/about` says "
            "what is stored of whoever uses the bot."
        )
    kinds = [
        plural(len(found.document[part]), one, many)
        for part, one, many in (
            ("entries", "entry", "entries"),
            ("thanks_given", "thanks given", "thanks given"),
            ("thanks_received", "thanks received", "thanks received"),
            ("lines", "line", "lines"),
            ("record", "row of the record", "rows of the record"),
        )
        if found.document[part]
    ]
    among = f", among it {', '.join(kinds)}" if kinds else ""
    return (
        f"**Everything that is stored about you in this server**{among}. Only you see this. "
        "`/mydata delete` erases what may be erased; other servers have their own data."
    )


def question(left: Left) -> str:
    """Return what is asked before anything is erased."""
    goes = "\n".join(f"- {line}" for line in _goes(left))
    stays = "\n".join(f"- {line}" for line in _stays(left))
    return (
        f"**Erase your data in this server?** It cannot be taken back.\n**Erased:**\n{goes}\n"
        f"**Kept**, under your id, because others' amounts follow from it:\n{stays}"
    )


def _goes(left: Left) -> Iterator[str]:
    found = left.erasable
    if left.name:
        yield f"your name, {quoted(left.name, longest=32)}: a pseudonym takes its place"
    for count, words in (
        (found.entries, f"notes and links of {plural(found.entries, 'entry', 'entries')}"),
        (found.notes, f"{plural(found.notes, 'note')} of thanks that you wrote or were given"),
        (found.disputes, f"your reason in {plural(found.disputes, 'dispute')}"),
        (found.addresses, plural(found.addresses, "payout address", "payout addresses")),
        (found.activity, f"{plural(found.activity, 'row')} of activity"),
        (found.opinions, f"{plural(found.opinions, 'opinion')} on entries"),
        (found.texts, f"{plural(found.texts, 'text')} behind digests of the record"),
    ):
        if count:
            yield words
    if left.has_clock:
        yield "your running clock, without logging its time: `/hours stop` logs it before"
    if left.is_listed:
        yield "your place on the roster and the board; `/helper join` brings you back"


def _stays(left: Left) -> Iterator[str]:
    yield "minutes, votes, amounts, payments, and the record, whose digests tell nothing any more"
    owed = ", ".join(f"{total(amount)} of {label}" for label, amount in left.owed[:MOST_OWED])
    if left.owed:
        more = len(left.owed) - MOST_OWED
        yield (
            f"what you are owed: {owed}{f' and {more} more' if more > 0 else ''}. It stays due; "
            "without an address it is paid once you `/address set` a new one, or by the committee"
        )
    if left.batches:
        which = ", ".join(map(str, left.batches))
        yield (
            f"your address in batch {which}, which is on its way to a wallet: it is erased when "
            "the batch is paid or cancelled"
        )
    if left.disputes:
        which = ", ".join(map(str, left.disputes))
        yield f"dispute {which} itself, which stays open; `/dispute withdraw` ends it"


def deleted(done: Deleted) -> str:
    """Return what was done."""
    left = done.left
    lines = [
        f"**Your data here is erased.** You are called `{done.name}` now, in messages and files "
        "made from now on; messages of the bot that showed more are being changed.",
        "Files that were downloaded before, and what you wrote yourself on Discord, are beyond the "
        "bot. Your name comes back only when you use a command that does something.",
    ]
    if left.owed:
        owed = ", ".join(f"{total(amount)} of {label}" for label, amount in left.owed[:MOST_OWED])
        lines.append(f"Still due to you: {owed}. `/address set` sets where to.")
    if left.batches:
        which = ", ".join(map(str, left.batches))
        lines.append(f"Your address leaves batch {which} when that is paid or cancelled.")
    lines.append("`/mydata export` shows what is left, `/audit verify` that the record is whole.")
    return "\n".join(lines)
