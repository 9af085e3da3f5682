"""Hours as people see them: the card of an entry, answers, lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord

from bot.domain.opinions import Count, Opinion, tally
from bot.ui.answers import View
from bot.ui.cease import held, own
from bot.ui.text import deadline, duration, link, money, name, people, plural, quoted, when

if TYPE_CHECKING:
    from bot.services.hours import Card, Listing, Logged, Started
    from bot.services.opinions import Given

COLOUR = discord.Colour.from_str("#2f6f6b")
GREY = discord.Colour.from_str("#8a8f98")
LONGEST_CARD_NOTE = 900
LISTED = 15
LONGEST_PAGE = 3800
MOST_NAMED = 5
A_DAY = 24 * 60


def card(entry: Card) -> discord.Embed:
    """Return the card of an entry for the thread of its round."""
    title = f"#{entry.number} · {duration(entry.minutes)}"
    if entry.withdrawn:
        title = f"~~{title}~~ withdrawn"
    embed = discord.Embed(
        title=title,
        description=quoted(entry.note, longest=LONGEST_CARD_NOTE) or None,
        colour=GREY if entry.withdrawn else COLOUR,
    )
    embed.add_field(name="Helper", value=f"<@{entry.user_id}>")
    embed.add_field(name="Where", value=entry.category)
    if entry.work_date is not None:
        embed.add_field(name="Day", value=entry.work_date.isoformat())
    if entry.evidence:
        embed.add_field(name="Evidence", value=link(entry.evidence), inline=False)
    if entry.actor_id != entry.user_id:
        embed.add_field(name="Logged by", value=f"<@{entry.actor_id}> for the helper", inline=False)
    if entry.said:
        embed.add_field(name="Opinions", value=_counts(entry), inline=False)
    embed.set_footer(text=f"{entry.label}{' · edited' if entry.edited else ''}")
    embed.timestamp = entry.at
    return embed


def opinion_buttons(entry: Card) -> discord.ui.View | None:
    """Return the buttons under a card; none where nothing can be said of the entry any more."""
    if not entry.takes_opinions:
        return None
    view = View(timeout=None)
    for opinion in Opinion:
        view.add_item(
            discord.ui.Button(
                label=opinion.words.capitalize(),
                style=discord.ButtonStyle.secondary,
                custom_id=f"opinion:{entry.number}:{opinion}",
            )
        )
    return view


def opinion_given(given: Given) -> str:
    """Return the answer to an opinion: what stands, who sees it, and that it changes nothing."""
    entry = f"#{given.number} of <@{given.helper_id}>"
    if given.before is given.opinion:
        return f"You have said that already: {entry} seems **{given.opinion.words}** to you."
    changed = f" instead of {given.before.words}" if given.before is not None else ""
    label = ", and that you have entries in this round yourself" if given.is_claimant else ""
    return (
        f"Noted: {entry} seems **{given.opinion.words}**{changed} to you.\n"
        f"The card counts it{label}; the committee also sees that it is yours. No amount changes "
        f"by it. Another button changes it until {given.label} is published."
    )


def _counts(entry: Card) -> str:
    return ", ".join(map(_count, tally(entry.said)))


def _count(count: Count) -> str:
    said = f"{count.count} {count.opinion.words}"
    if not count.claimants:
        return said
    if count.claimants == count.count:
        return f"{said} (from {'a claimant' if count.count == 1 else 'claimants'})"
    return (
        f"{said} ({count.claimants} from {'a claimant' if count.claimants == 1 else 'claimants'})"
    )


def logged(entry: Logged) -> str:
    """Return the answer to logging time: what happened, what it means, what can be done."""
    whose = f" for {name(entry.for_name)}" if entry.for_name else ""
    lines = [
        f"**#{entry.number}: {duration(entry.minutes)}** logged{whose} in {entry.label}.",
        _standing(entry),
        f"`/hours edit` and `/hours withdraw` correct it until {deadline(entry.close_at)}.",
    ]
    if entry.after_close_of:
        lines.insert(1, f"{entry.after_close_of} has closed, so this counts for {entry.label}.")
    if entry.cut:
        lines.insert(
            1,
            f"The clock ran {duration(entry.cut)} longer than the open round has room for; "
            "that part is not logged. For an earlier round the committee can adjust the draft.",
        )
    if entry.minutes > A_DAY and not entry.long_clock:
        lines.insert(1, "That is more than a day in one entry. If it is a slip, edit it.")
    if entry.long_clock:
        lines.insert(1, "That is a long time for a clock. If it was left running, edit the entry.")
    if entry.stop is not None:
        lines.append(own(entry.stop) if entry.for_name is None else held(entry.stop))
    if entry.thread_id is None:
        lines.append(
            "The round has no thread at the moment, so there is no card; the entry counts."
        )
    return "\n".join(lines)


def edited(entry: Logged) -> str:
    """Return the answer to editing an entry."""
    return (
        f"**#{entry.number}** is now {duration(entry.minutes)}. {_standing(entry)}\n"
        f"It can be changed until {deadline(entry.close_at)}."
    )


def withdrawn(entry: Logged) -> str:
    """Return the answer to withdrawing an entry."""
    return (
        f"**#{entry.number}** is withdrawn: it stays readable and counts no more. "
        f"{_standing(entry)}\n`/hours log` adds it again."
    )


def started(clock: Started) -> str:
    """Return the answer to starting the clock."""
    return f"Your clock runs since {when(clock.at, 't')}. `/hours stop` logs the time."


def listing(hours: Listing) -> list[discord.Embed]:
    """Return somebody's entries of a round, newest first, in pages."""
    total = f"**{duration(hours.total_minutes)}** in {hours.label}"
    head = f"{total}{_worth(hours)}{' Marked as complete.' if hours.done else ''}"
    rows = [_row(entry, shows_who=hours.shows_who) for entry in reversed(hours.cards)]
    if not rows:
        rows = ["Nothing is logged. `/hours log` adds time."]
    title = f"Hours of {name(hours.name)}"
    return [
        discord.Embed(title=title, description="\n".join((head, "", *page)), colour=COLOUR)
        for page in _pages(rows)
    ]


def _pages(rows: list[str]) -> list[list[str]]:
    """Return the rows of every page: as many as can be read, and as fit."""
    pages: list[list[str]] = [[]]
    for row in rows:
        if len(pages[-1]) == LISTED or sum(map(len, pages[-1])) + len(row) > LONGEST_PAGE:
            pages.append([])
        pages[-1].append(row)
    return pages


def _row(entry: Card, *, shows_who: bool) -> str:
    struck = "~~" if entry.withdrawn else ""
    note = quoted(" ".join(entry.note.split()), longest=80)
    day = entry.work_date.isoformat() if entry.work_date else when(entry.at, "d")
    row = f"{struck}`#{entry.number}` {duration(entry.minutes)} · {day} · {note}{struck}"
    if not entry.said:
        return row
    return f"{row}\n> {_who(entry) if shows_who else _counts(entry)}"


def _who(entry: Card) -> str:
    """Return who says what of an entry, claimants marked."""
    parts = []
    for count in tally(entry.said):
        users = [each for each in entry.said if each.opinion is count.opinion]
        claiming = people((each.user_id for each in users if each.is_claimant), most=MOST_NAMED)
        others = people((each.user_id for each in users if not each.is_claimant), most=MOST_NAMED)
        named = [others] if others else []
        named += [f"{claiming} (with entries in this round)"] if claiming else []
        parts.append(f"{count.count} {count.opinion.words}: {', '.join(named)}")
    return "; ".join(parts)


def done(hours: Listing) -> str:
    """Return the answer to marking one's hours as complete."""
    standing = sum(not entry.withdrawn for entry in hours.cards)
    return (
        f"Noted: your hours of {hours.label} are complete, "
        f"{plural(standing, 'entry', 'entries')} with {duration(hours.total_minutes)}. "
        "Until the round closes you can still log and edit."
    )


def _standing(entry: Logged) -> str:
    total = duration(entry.total_minutes)
    if entry.declines_pay:
        return f"Total in {entry.label}: {total}. Pay is declined, so nothing is paid for it."
    return f"Total in {entry.label}: {total}{_worth(entry)}"


def _worth(of: Logged | Listing) -> str:
    """Return the end of a sentence about somebody's time: what would be given for it now."""
    worth = of.worth

    def amount(units: int) -> str:
        return money(units, decimals=of.decimals, currency=of.currency)

    match worth.split_by, worth.for_thanks:
        case "thanks", None:
            return ". Hours pay nothing in this round; thanks decide, shown after the close."
        case "thanks", int(given):
            return (
                ". Hours pay nothing in this round; thanks decide, and would give "
                f"**{amount(given)}** now."
            )
        case "mixed", None:
            return (
                f", which would give **{amount(worth.for_hours)}** for hours now; the part for "
                "thanks is shown after the close."
            )
        case "mixed", int(given):
            return (
                f", which would give **{amount(worth.for_hours)}** for hours and "
                f"**{amount(given)}** for thanks now."
            )
    return f", which would give **{amount(worth.for_hours)}** now."
