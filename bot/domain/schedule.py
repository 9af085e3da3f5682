"""What is due: every timed act, decided from stored facts and the present instant.

An act is carried out at most once per server and round. What comes late is done once and marked
late; a note that is late by more than its interval is skipped.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec import Struct

from bot.domain.states import Round

LATE_AFTER = timedelta(minutes=10)
NOTE_INTERVAL = timedelta(days=1)
NOTES = 3


class RoundFacts(Struct, frozen=True):
    """What the schedule needs to know of one round; instants are aware UTC.

    `counted` tells whether its thanks were counted for good: no draft is made before that.
    `due_lines` counts lines that wait for payment, `held_lines` those that are disputed or whose
    payee is suspended, `disputed` tells whether a dispute waits for a decision, `correction` is
    the version of a correction that waits as a draft, `done` names the acts that were carried out
    or skipped. Reminders are due at `open_at` and every `reminder_every` after it (None: never);
    `reminders` is the number of the last interval for which one was due.
    """

    round_id: int
    state: Round
    call_at: datetime
    close_at: datetime
    compute_at: datetime
    pay_at: datetime
    drafted_at: datetime | None = None
    published_at: datetime | None = None
    dispute_until: datetime | None = None
    pays_after_disputes: bool = False
    due_lines: int = 0
    held_lines: int = 0
    disputed: bool = False
    correction: int | None = None
    counted: bool = True
    done: frozenset[str] = frozenset()
    open_at: datetime | None = None
    reminder_every: timedelta | None = None
    reminders: int = 0


class Act(Struct, frozen=True):
    """Something to do now: `due_at` is when it should have happened.

    `slot` is the number of a reminder's interval; everything else happens once.
    """

    name: str
    round_id: int
    due_at: datetime
    late: bool = False
    skipped: bool = False
    slot: int | None = None


def next_act(rounds: list[RoundFacts], now: datetime) -> Act | None:
    """Return the act that has been due for longest, None where nothing is due.

    The caller carries it out, stores it as done and asks again: a closed round makes the next.
    """
    due = [act for facts in rounds for act in _acts(facts, now) if act.due_at <= now]
    return min(due, key=lambda act: (act.due_at, act.round_id, act.name), default=None)


def next_instant(rounds: list[RoundFacts], now: datetime) -> datetime | None:
    """Return when the next act after now is due, None where none is in sight."""
    ahead = [act.due_at for facts in rounds for act in _acts(facts, now) if act.due_at > now]
    return min(ahead, default=None)


def payment_due_at(facts: RoundFacts) -> datetime | None:
    """Return from when the lines of a published round are called due."""
    if facts.published_at is None or facts.dispute_until is None:
        return None
    earliest = facts.dispute_until if facts.pays_after_disputes else facts.published_at
    return max(earliest, facts.pay_at)


def _acts(facts: RoundFacts, now: datetime) -> Iterator[Act]:
    for name, due_at in _instants(facts):
        if name in facts.done:
            continue
        skipped = "note" in name and now - due_at > NOTE_INTERVAL
        yield Act(name, facts.round_id, due_at, now - due_at > LATE_AFTER, skipped)
    if facts.state is Round.OPEN:
        yield from _reminders(facts, now)


def _reminders(facts: RoundFacts, now: datetime) -> Iterator[Act]:
    """Yield the newest reminder that is due and the first ahead; older ones are nobody's loss.

    Each is counted from the opening, so that lateness does not add up, and none is due at the
    close or after it.
    """
    every, open_at = facts.reminder_every, facts.open_at
    if every is None or open_at is None:
        return
    last = -((open_at - facts.close_at) // every) - 1
    newest = min((now - open_at) // every, last)
    for slot in (newest, max(newest, facts.reminders) + 1):
        if facts.reminders < slot <= last:
            due_at = open_at + slot * every
            late = now - due_at
            yield Act("reminder", facts.round_id, due_at, late > LATE_AFTER, late > every, slot)


def _instants(facts: RoundFacts) -> Iterator[tuple[str, datetime]]:
    match facts.state:
        case Round.OPEN:
            if facts.call_at < facts.close_at:
                yield "call", facts.call_at
            yield "close", facts.close_at
        case Round.REVIEW if facts.counted:
            yield "compute", facts.compute_at
        case Round.DRAFT if facts.drafted_at is not None:
            yield from _notes("draft", facts.drafted_at)
        case Round.PUBLISHED | Round.FINAL:
            yield from _after_publication(facts)
        case _:
            return


def _after_publication(facts: RoundFacts) -> Iterator[tuple[str, datetime]]:
    due_at = payment_due_at(facts)
    assert due_at is not None
    assert facts.dispute_until is not None
    if facts.due_lines:
        yield "pay", due_at
        yield from _notes("pay", due_at)
    if facts.correction and facts.drafted_at is not None:
        yield from _notes(f"draft-{facts.correction}", facts.drafted_at)
    if facts.state is Round.PUBLISHED and not facts.disputed:
        yield "final", facts.dispute_until
    waits = facts.due_lines or facts.held_lines or facts.correction or facts.disputed
    if facts.state is Round.FINAL and not waits:
        yield "settle", facts.dispute_until


def _notes(what: str, since: datetime) -> Iterator[tuple[str, datetime]]:
    for day in range(1, NOTES + 1):
        yield f"{what}-note-{day}", since + day * NOTE_INTERVAL
