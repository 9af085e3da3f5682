"""Hours: logging, the clock, correcting one's own entries before the close."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from bot.domain import people
from bot.domain.calendar import instant
from bot.domain.canonical import spell
from bot.domain.duration import format_minutes, parse_minutes
from bot.domain.errors import Kept, Refusal
from bot.domain.opinions import Said
from bot.domain.people import Actor, Person
from bot.domain.states import LOGGING_HELPER_STATES, Helper
from bot.domain.states import Round as State
from bot.services import history, lines, opinions, outbox, settings, suspensions
from bot.services import rounds as round_service
from bot.services.lines import Worth
from bot.services.suspensions import Stop
from storage import hours, rounds
from storage import people as stored_people
from storage.express import Runner, Through
from storage.hours import New
from storage.people import Standing
from storage.rounds import Running
from storage.tables import Clock, Done, Entry, Round

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

CATEGORIES = (
    "support channel", "forum", "social media", "direct messages", "documentation", "other",
)  # fmt: skip
LONGEST_NOTE = 6000
LONGEST_LINK = 500
LONGEST_DATED = 24 * 60
LONG_CLOCK = 12 * 60


class Logged(Struct, frozen=True):
    """An entry as it stands now, with the helper's total and what it would give now.

    `cut` are minutes of a clock that the round has no room for; `for_name` is set where somebody
    acted for the helper, `after_close_of` where the round before has only just closed.
    """

    number: int
    user_id: int
    minutes: int
    label: str
    close_at: datetime
    total_minutes: int
    worth: Worth
    currency: str
    decimals: int
    declines_pay: bool
    thread_id: int | None
    for_name: str | None = None
    after_close_of: str | None = None
    cut: int = 0
    long_clock: bool = False
    stop: Stop | None = None
    """What stops the helper's payments, where they are held or ceased."""


class Card(Struct, frozen=True):
    """One entry as others see it, with what is said of it; that can be changed while it is open."""

    number: int
    user_id: int
    name: str
    actor_id: int
    minutes: int
    note: str
    category: str
    evidence: str
    work_date: date | None
    at: datetime
    edited: bool
    withdrawn: bool
    label: str
    thread_id: int | None
    said: tuple[Said, ...] = ()
    takes_opinions: bool = False


class Listing(Struct, frozen=True):
    """Somebody's entries in a round; `shows_who` lets the committee see whose an opinion is."""

    label: str
    name: str
    cards: tuple[Card, ...]
    total_minutes: int
    worth: Worth
    currency: str
    decimals: int
    done: bool
    shows_who: bool = False


class Started(Struct, frozen=True):
    """A running clock."""

    at: datetime


async def log(
    run: Runner,
    *,
    by: Actor,
    duration: str,
    note: str,
    category: str | None = None,
    work_date: str | None = None,
    evidence: str | None = None,
    helper: Person | None = None,
) -> Logged:
    """Add an entry to the round that is open at the moment of the interaction.

    The sum of one's entries may not exceed the time since the round began accepting work; an
    entry with a date covers at most 24 hours of a day within the round. The committee may act
    for a helper: that is recorded and shown.
    """
    minutes = parse_minutes(duration)
    found = await history.take_on(run, by)
    subject = helper or Person(by.user_id, by.name)
    acts_for = subject.user_id != by.user_id
    if acts_for:
        await settings.require_committee(run.session(), by)
        _, found = await stored_people.seen(
            run, guild_id=by.guild_id, user_id=subject.user_id, name=subject.name
        )
    standing = _require_helper(found, subject.user_id, is_self=not acts_for)
    round_ = await _round_at(run, by)
    day = _day(work_date, round_, by, zone=settings.parsed(round_.policy).timetable.zone)
    if day is not None and minutes > LONGEST_DATED:
        raise Refusal(
            "An entry with a date can have at most 24 h. "
            "Log more days one by one, or leave the date out."
        )
    logged = await hours.minutes_by_user(run, round_.id)
    _require_room(round_, by, logged=logged.get(subject.user_id, 0), minutes=minutes)
    entry = New(
        guild_id=by.guild_id,
        number=await hours.next_number(run, by.guild_id),
        round_id=round_.id,
        user_id=subject.user_id,
        actor_id=by.user_id,
        minutes=minutes,
        note=_note(note),
        category=_category(category),
        evidence=_link(evidence),
        work_date=day,
        at=by.at,
    )
    now = await _add(run, round_, entry, by=by, logged=logged, standing=standing)
    return replace(now, for_name=subject.name) if acts_for else now


async def start(session: AsyncSession, *, by: Actor, note: str | None) -> Started:
    """Start the clock; one at a time."""
    standing = await history.begin(session, by)
    run = Through(session)
    _require_helper(standing, by.user_id, is_self=True)
    await _round_at(run, by)
    running = await hours.clock(session, by.guild_id, by.user_id)
    if running is not None:
        stamp = int(running.started_at.timestamp())
        raise Refusal(f"Your clock runs since <t:{stamp}:f>. `/hours stop` logs the time.")
    session.add(
        Clock(guild_id=by.guild_id, user_id=by.user_id, started_at=by.at, note=_note(note or ""))
    )
    return Started(by.at)


async def stop(session: AsyncSession, *, by: Actor, note: str | None) -> Logged:
    """Stop the clock and log the time, as far as the open round has room for it."""
    found = await history.begin(session, by)
    running = await hours.clock(session, by.guild_id, by.user_id)
    if running is None:
        raise Refusal(
            "Your clock is not running. `/hours start` starts it, `/hours log` logs time."
        )
    run = Through(session)
    standing = _require_helper(found, by.user_id, is_self=True)
    round_ = await _round_at(run, by)
    elapsed = (by.at - running.started_at) // timedelta(minutes=1)
    if elapsed < 1:
        await session.delete(running)
        raise Kept("The clock ran for less than a minute, so nothing is logged. It is stopped.")
    logged = await hours.minutes_by_user(run, round_.id)
    room = _room(round_, by, logged=logged.get(by.user_id, 0))
    in_round = (by.at - max(running.started_at, round_.work_since)) // timedelta(minutes=1)
    minutes = min(elapsed, room, in_round)
    if minutes < 1:
        raise Refusal(_no_room(round_, room))
    entry = New(
        guild_id=by.guild_id,
        number=await hours.next_number(run, by.guild_id),
        round_id=round_.id,
        user_id=by.user_id,
        actor_id=by.user_id,
        minutes=minutes,
        note=_note(note or running.note),
        category=CATEGORIES[0],
        evidence="",
        work_date=None,
        at=by.at,
    )
    await session.delete(running)
    now = await _add(run, round_, entry, by=by, logged=logged, standing=standing)
    return replace(now, cut=elapsed - minutes, long_clock=minutes > LONG_CLOCK)


async def edit(
    session: AsyncSession,
    *,
    by: Actor,
    number: str,
    duration: str | None = None,
    note: str | None = None,
    category: str | None = None,
) -> Logged:
    """Change one's own entry before the close; what it was stays in the record."""
    if duration is None and note is None and category is None:
        raise Refusal("Say what to change: `duration`, `note` or `category`.")
    minutes = None if duration is None else parse_minutes(duration)
    standing = await history.begin(session, by)
    round_, entry = await _own(session, by=by, number=number)
    was = entry.minutes
    if minutes is not None and minutes > was:
        _require_helper(standing, by.user_id, is_self=True)
    if minutes is not None:
        before = (await hours.minutes_by_user(Through(session), round_.id)).get(entry.user_id, 0)
        _require_room(round_, by, logged=before - was, minutes=minutes)
        if entry.work_date is not None and minutes > LONGEST_DATED:
            raise Refusal("An entry with a date can have at most 24 h.")
        entry.minutes = minutes
    if note is not None:
        entry.note = _note(note)
    if category is not None:
        entry.category = _category(category)
    entry.edited_at = by.now
    await history.append(
        session,
        guild_id=by.guild_id,
        at=by.now,
        actor=by.user_id,
        action="entry.edited",
        subject=f"entry:{entry.number}",
        data={
            "user_id": str(entry.user_id),
            "minutes": entry.minutes,
            "minutes_before": was,
            "category": entry.category,
        },
        texts={"note": entry.note},
        concerning=round_,
    )
    await _show_card(session, round_, entry, at=by.now)
    return await _changed(session, round_, entry)


async def withdraw(session: AsyncSession, *, by: Actor, number: str) -> Logged:
    """Withdraw one's own entry before the close; it stays readable and counts no more."""
    await history.begin(session, by)
    round_, entry = await _own(session, by=by, number=number)
    entry.withdrawn_at = by.now
    await history.append(
        session,
        guild_id=by.guild_id,
        at=by.now,
        actor=by.user_id,
        action="entry.withdrawn",
        subject=f"entry:{entry.number}",
        data={"user_id": str(entry.user_id), "minutes": entry.minutes},
        concerning=round_,
    )
    await session.flush()
    await _show_card(session, round_, entry, at=by.now)
    return await _changed(session, round_, entry)


async def done(session: AsyncSession, *, by: Actor) -> Listing:
    """Note that somebody's hours of the open round are complete."""
    standing = await history.begin(session, by)
    run = Through(session)
    _require_helper(standing, by.user_id, is_self=True)
    round_ = await rounds.get(session, (await _round_at(run, by)).id)
    assert round_ is not None
    if await session.get(Done, (round_.id, by.user_id)) is None:
        session.add(Done(round_id=round_.id, user_id=by.user_id, at=by.at))
        await history.append(
            session,
            guild_id=by.guild_id,
            at=by.now,
            actor=by.user_id,
            action="hours.done",
            subject=f"user:{by.user_id}",
            concerning=round_,
        )
        await session.flush()
    return await _listing(session, round_, Person(by.user_id, by.name))


async def listing(
    session: AsyncSession, *, by: Actor, label: str | None, helper: Person | None
) -> Listing:
    """Return somebody's entries in a round: one's own, or anybody's for the committee."""
    subject = helper or Person(by.user_id, by.name)
    if subject.user_id != by.user_id:
        people.require_committee((await settings.current(session, by.guild_id)).policy, by)
    round_ = await round_service.named(session, by.guild_id, label)
    found = await _listing(session, round_, subject)
    return replace(found, shows_who=subject.user_id != by.user_id)


async def card(session: AsyncSession, guild_id: int, *, number: int) -> Card | None:
    """Return one entry as others see it."""
    entry = await hours.numbered(session, guild_id, number)
    if entry is None:
        return None
    round_ = await rounds.get(session, entry.round_id)
    assert round_ is not None
    known = await stored_people.names(session, guild_id, [entry.user_id])
    said = await opinions.of_entry(session, round_, entry)
    return _card(round_, entry, known.get(entry.user_id, f"user {entry.user_id}"), said)


async def own_entries(session: AsyncSession, guild_id: int, *, user_id: int) -> list[Card]:
    """Return somebody's newest entries, to choose one of them."""
    cards = []
    for entry in await hours.newest_of(session, guild_id, user_id=user_id):
        round_ = await rounds.get(session, entry.round_id)
        assert round_ is not None
        if round_.state == State.OPEN:
            cards.append(_card(round_, entry, ""))
    return cards


# ---------------------------------------------------------------- parts


def _require_helper(standing: Standing | None, user_id: int, *, is_self: bool) -> Standing:
    if standing is not None and standing.state in LOGGING_HELPER_STATES:
        return standing
    if not is_self:
        raise Refusal(
            f"<@{user_id}> is not a helper here. A moderator can add them with `/helper add`."
        )
    if standing is not None and standing.state == Helper.CANDIDATE:
        raise Refusal(
            "Your request to become a helper is waiting: `/helper join` shows what is needed. "
            "You can log hours as soon as you are admitted, also for the days before."
        )
    raise Refusal("Hours are logged by helpers. `/helper join` says how to become one.")


async def _round_at(run: Runner, by: Actor) -> Running:
    """Return the round that was open at the moment on Discord's clock, if its draft waits."""
    round_ = await rounds.running_at(run, by.guild_id, by.at)
    if round_ is None:
        due = await round_service.at_moment(run.session(), by)
        round_ = await rounds.running(run, due.id)
    if round_.state not in (State.OPEN, State.REVIEW):
        stamp = int((round_.closed_at or round_.close_at).timestamp())
        raise Refusal(f"{round_.label} closed <t:{stamp}:f> and its draft is made.")
    return round_


def _day(text: str | None, round_: Running, by: Actor, *, zone: str) -> date | None:
    if text is None:
        return None
    here = ZoneInfo(zone)
    today = by.at.astimezone(here).date()
    first = round_.work_since.astimezone(here).date()
    word = text.strip().lower()
    accepted = f"a day from {first} to {today}, such as `{today}`, `today` or `yesterday`"
    match = re.fullmatch(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})", word)
    if word in {"today", "yesterday"}:
        day = today - timedelta(days=word == "yesterday")
    elif match:
        try:
            day = date(int(match[1]), int(match[2]), int(match[3]))
        except ValueError:
            raise Refusal(f"There is no such day in the calendar. Accepted: {accepted}.") from None
    else:
        raise Refusal(f"`date` accepts {accepted}.")
    if day > today:
        raise Refusal(f"That day is still to come. Accepted: {accepted}.")
    # The day counts where its last instant lies within the round's time for work.
    after = day + timedelta(days=1)
    if instant(zone, after.year, after.month, after.day) <= round_.work_since:
        raise Refusal(
            f"{round_.label} accepts work since {first}, so that day lies before it. "
            f"Accepted: {accepted}. For an earlier round the committee can adjust the draft."
        )
    return day


def _room(round_: Running | Round, by: Actor, *, logged: int) -> int:
    """Return how many minutes somebody can still log at this moment, beside those logged."""
    passed = (by.at - round_.work_since) // timedelta(minutes=1)
    return max(passed - logged, 0)


def _require_room(round_: Running | Round, by: Actor, *, logged: int, minutes: int) -> None:
    room = _room(round_, by, logged=logged)
    if minutes > room:
        raise Refusal(_no_room(round_, room))


def _no_room(round_: Running | Round, room: int) -> str:
    since = int(round_.work_since.timestamp())
    return (
        f"The hours of {round_.label} cannot be more than the time since <t:{since}:f>. "
        f"At most {format_minutes(room)} can be added now."
    )


def _note(text: str) -> str:
    note = text.strip()
    if len(note) > LONGEST_NOTE:
        raise Refusal(f"A note can have up to {LONGEST_NOTE} characters; this one has {len(note)}.")
    return note


def _category(text: str | None) -> str:
    word = (text or CATEGORIES[0]).strip().lower()
    if word not in CATEGORIES:
        raise Refusal(f"`category` is one of: {', '.join(CATEGORIES)}.")
    return word


def _link(text: str | None) -> str:
    link = (text or "").strip()
    if link and (len(link) > LONGEST_LINK or not re.fullmatch(r"https?://[^\s<>|`]+", link)):
        raise Refusal(
            f"`evidence` is a link that starts with https://, up to {LONGEST_LINK} characters."
        )
    return link


async def _own(session: AsyncSession, *, by: Actor, number: str) -> tuple[Round, Entry]:
    digits = number.strip().lstrip("#")
    entry = None
    if re.fullmatch(r"[0-9]{1,12}", digits):
        entry = await hours.numbered(session, by.guild_id, int(digits))
    if entry is None or entry.user_id != by.user_id:
        raise Refusal("That is not the number of an entry of yours. `/hours list` shows them.")
    round_ = await rounds.get(session, entry.round_id)
    assert round_ is not None
    if entry.withdrawn_at is not None:
        raise Refusal(f"Entry #{entry.number} is withdrawn already. `/hours log` adds a new one.")
    closed_at = round_.closed_at or round_.close_at
    if by.at >= closed_at or round_.state not in (State.OPEN, State.REVIEW):
        raise Refusal(
            f"{round_.label} closed <t:{int(closed_at.timestamp())}:f>, so entry #{entry.number} "
            "stays as it is. The committee can adjust the draft."
        )
    return round_, entry


async def _add(
    run: Runner,
    round_: Running,
    entry: New,
    *,
    by: Actor,
    logged: dict[int, int],
    standing: Standing,
) -> Logged:
    """Add an entry to the minutes that were logged in its round before."""
    await hours.add(run, entry)
    await history.write(
        run,
        guild_id=by.guild_id,
        at=by.now,
        actor=by.user_id,
        acting_for=None if entry.user_id == by.user_id else entry.user_id,
        action="entry.logged",
        subject=f"entry:{entry.number}",
        data={
            "user_id": str(entry.user_id),
            "minutes": entry.minutes,
            "category": entry.category,
            "date": entry.work_date.isoformat() if entry.work_date else "",
            "logged_at": spell(entry.at),
            "round": round_.label,
        },
        texts={"note": entry.note, "evidence": entry.evidence},
    )
    await outbox.say_first(run, at=by.now, **_card_of(entry, round_.id))
    own = logged.get(entry.user_id, 0) + entry.minutes
    now = {**logged, entry.user_id: own}
    return await _logged(run, round_, entry, logged=now, standing=standing)


async def _show_card(session: AsyncSession, round_: Round, entry: Entry, *, at: datetime) -> None:
    await outbox.say(session, at=at, **_card_of(entry, round_.id))


def _card_of(entry: Entry | New, round_id: int) -> dict[str, Any]:
    """Return under which name the card of an entry is said, and what it speaks of."""
    return {
        "guild_id": entry.guild_id,
        "name": f"entry:{entry.number}",
        "kind": "card",
        "round_id": round_id,
        "facts": {"entry": entry.number},
    }


async def _changed(session: AsyncSession, round_: Round, entry: Entry) -> Logged:
    run = Through(session)
    return await _logged(
        run,
        await rounds.running(run, round_.id),
        entry,
        logged=await hours.minutes_by_user(run, round_.id),
        standing=await stored_people.standing(run, entry.guild_id, entry.user_id),
    )


async def _logged(
    run: Runner,
    round_: Running,
    entry: Entry | New,
    *,
    logged: Mapping[int, int],
    standing: Standing | None,
) -> Logged:
    """Say what an entry would give, with the minutes of all helpers that stand in its round."""
    if round_.is_adjusted:
        await _require_draft(run.session(), round_.id)
    policy = settings.parsed(round_.policy)
    worth = await lines.worth_now(run, round_, policy, logged, user_id=entry.user_id)
    is_stopped = standing is None or standing.is_stopped
    return Logged(
        number=entry.number,
        user_id=entry.user_id,
        minutes=entry.minutes,
        label=round_.label,
        close_at=round_.close_at,
        total_minutes=logged.get(entry.user_id, 0),
        worth=worth,
        currency=policy.currency,
        decimals=policy.decimals,
        declines_pay=standing is not None and not standing.wants_pay,
        thread_id=None if round_.thread_lost else round_.thread_id,
        after_close_of=round_.in_review if round_.state != State.REVIEW else None,
        stop=await suspensions.stop_of(run, entry.guild_id, entry.user_id) if is_stopped else None,
    )


async def _require_draft(session: AsyncSession, round_id: int) -> None:
    """Refuse what would take an adjusted line below zero: no draft could be made of it."""
    round_ = await rounds.get(session, round_id)
    assert round_ is not None
    await lines.draft(session, round_)


async def _listing(session: AsyncSession, round_: Round, person: Person) -> Listing:
    pinned = await settings.pinned(session, round_)
    entries = await hours.of_round(session, round_.id, user_id=person.user_id)
    said = await opinions.of_round(session, round_)
    run = Through(session)
    logged = await hours.minutes_by_user(run, round_.id)
    running = await rounds.running(run, round_.id)
    worth = await lines.worth_now(run, running, pinned.policy, logged, user_id=person.user_id)
    return Listing(
        label=round_.label,
        name=person.name,
        cards=tuple(_card(round_, entry, person.name, said.get(entry.id, ())) for entry in entries),
        total_minutes=logged.get(person.user_id, 0),
        worth=worth,
        currency=pinned.policy.currency,
        decimals=pinned.policy.decimals,
        done=person.user_id in await hours.done(session, round_.id),
    )


def _card(round_: Round, entry: Entry, name: str, said: tuple[Said, ...] = ()) -> Card:
    return Card(
        number=entry.number,
        user_id=entry.user_id,
        name=name,
        actor_id=entry.actor_id,
        minutes=entry.minutes,
        note=entry.note,
        category=entry.category,
        evidence=entry.evidence,
        work_date=entry.work_date,
        at=entry.at.astimezone(UTC),
        edited=entry.edited_at is not None,
        withdrawn=entry.withdrawn_at is not None,
        label=round_.label,
        thread_id=None if round_.thread_lost else round_.thread_id,
        said=said,
        takes_opinions=entry.withdrawn_at is None and opinions.are_open(round_),
    )


def rows_of(cards: Sequence[Card]) -> list[tuple[str, str]]:
    """Return entry numbers and a short label each, to choose from."""
    return [
        (str(card.number), f"#{card.number} · {format_minutes(card.minutes)} · {card.note}")
        for card in cards
    ]
