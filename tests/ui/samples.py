"""Published statements to show, computed by the domain from real and from hostile figures."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from bot.domain import policy
from bot.domain.bundle import Shown, bundle
from bot.domain.record import GENESIS
from bot.domain.statement import Accepted, Adjustment, Facts, Statement, compute
from bot.domain.states import Line as LineState
from bot.domain.states import Round as RoundState
from bot.services.settlement import Change, Preview, Published

FIGURES = Path(__file__).parent.parent / "data" / "rocketpool_support_hours.csv"
FIRST_USER = 100_000_000_000_000_001
COMMITTEE = 200_000_000_000_000_001
OTHER_COMMITTEE = 200_000_000_000_000_002
HEAD = "c0ffee" * 10 + "beef"
HOSTILE_NAMES = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "\N{RIGHT-TO-LEFT OVERRIDE}drawkcab\N{POP DIRECTIONAL FORMATTING}",
    "=cmd|' /C calc'!A0",
    "-5.00",
    "@everyone",
    "W" * 80,
    "a|b\nc | d",
    "e\N{COMBINING ACUTE ACCENT}" + "\N{COMBINING ACUTE ACCENT}" * 60,
    "東方紅太陽升東方紅太陽升東方紅太陽升東方紅太陽升",
    "\N{ROCKET}" * 30,
    "{{ 7 * 7 }} {% raw %}",
    "مرحبا بالعالم",
    "\N{ZERO WIDTH SPACE}\N{SOFT HYPHEN}",
    "]]> &amp; --> `code` **bold** [link](https://example.org)",
)

RULES = {"currency": "USD", "hourly_rate": "30.00", "cap": "18,000.00"}


def document(**settings: str) -> dict[str, str]:
    """A policy with the rate and the cap of the real figures and further settings as typed."""
    made: dict[str, str] = {}
    first = {"decimals": settings.pop("decimals", "2")}  # amounts are read by it
    for name, value in {**first, **RULES, **settings}.items():
        made = policy.change(made, name, value)
    return made


def real_rows() -> list[tuple[str, int, str]]:
    """Helper, minutes and the amount that the exact split gives."""
    with FIGURES.open(newline="", encoding="utf-8") as file:
        return [
            (row["helper"], int(row["minutes"]), row["expected_payout"])
            for row in csv.DictReader(file)
        ]


def statement_of(minutes: Mapping[int, int] | list[int], **facts: object) -> Statement:
    """A statement of these minutes; the other facts as `Facts` takes them."""
    if isinstance(minutes, list):
        minutes = {FIRST_USER + place: spent for place, spent in enumerate(minutes)}
    entries = tuple(
        Accepted(number, user, spent) for number, (user, spent) in enumerate(minutes.items(), 1)
    )
    given: dict[str, object] = {
        "guild_id": 1,
        "label": "2026-Q1",
        "version": 1,
        "policy": document(),
        "entries": entries,
        **facts,
    }
    return compute(Facts(**given))  # type: ignore[arg-type]


def real_statement(**facts: object) -> Statement:
    """The statement of the real figures."""
    return statement_of([minutes for _, minutes, _ in real_rows()], **facts)


def shown(
    statement: Statement, names: tuple[str, ...] = (), **states: LineState
) -> dict[int, Shown]:
    """Names in the order of the lines, over and over; lines are due where they pay something."""
    called = names or tuple(name for name, _, _ in real_rows())
    return {
        line.user_id: Shown(
            called[place % len(called)],
            states.get(f"line{place}")
            or (
                LineState.WAIVED
                if line.waived
                else LineState.DUE
                if line.amount
                else LineState.NONE
            ),
        )
        for place, line in enumerate(statement.lines)
    }


def published(
    statement: Statement,
    beside: Mapping[int, Shown] | None = None,
    *,
    adjustments: tuple[Change, ...] = (),
    admin_approval: bool = False,
    price_source: str = "",
    state: RoundState = RoundState.PUBLISHED,
) -> Published:
    """A published statement, as the service returns it."""
    beside = beside if beside is not None else shown(statement)
    return Published(
        statement=statement,
        shown=beside,
        names={},
        state=state,
        published_at=datetime(2026, 3, 31, 18, 42, tzinfo=UTC),
        dispute_until=datetime(2026, 4, 14, 21, 59, 59, tzinfo=UTC),
        pay_due_at=datetime(2026, 3, 31, 22, 0, tzinfo=UTC),
        record_head=HEAD,
        record_number=1057,
        approved_by=(COMMITTEE, OTHER_COMMITTEE),
        admin_approval=admin_approval,
        adjustments=adjustments,
        price_source=price_source,
        document=bundle(statement, shown=beside, rows=[], before=GENESIS),
        thread_id=None,
    )


def real(**settings: str) -> Published:
    """The real figures, published."""
    return published(real_statement(policy=document(timezone="Europe/Berlin", **settings)))


def preview(statement: Statement, beside: Mapping[int, Shown] | None = None) -> Preview:
    """A draft, as the service returns it."""
    return Preview(
        statement=statement,
        shown=beside if beside is not None else shown(statement),
        state=RoundState.DRAFT,
        warnings=(),
        approved_by=(),
        approvals_needed=1,
        adjustments=(),
        price_source="",
        compute_at=datetime(2026, 3, 31, 18, 0, tzinfo=UTC),
    )


def everything() -> Published:
    """A statement in which every part, column and status occurs."""
    rules = document(
        split_by="mixed",
        thanks_share="25",
        max_share="40",
        pay_currency="RPL",
        pay_step="0.01",
        timezone="America/New_York",
    )
    minutes = [minutes for _, minutes, _ in real_rows()]
    users = [FIRST_USER + place for place in range(len(minutes) + 2)]
    statement = statement_of(
        minutes,
        policy=rules,
        voters={user: 3 + 2 * place for place, user in enumerate(users[:5])},
        carries={users[1]: 2050, users[5]: -200_000, users[6]: -3000},
        tips=40_000,
        price="18.27",
        declined=frozenset({users[3]}),
        adjustments=(
            Adjustment(1, users[0], -90, 0),
            Adjustment(2, users[2], 0, -2500),
            Adjustment(3, users[7], 60, 0),
        ),
    )
    beside = shown(
        statement,
        (*(name for name, _, _ in real_rows()), "Zoë", "Łukasz"),
        line0=LineState.PAID,
        line1=LineState.HELD,
    )
    changes = (
        Change(1, users[0], -90, 0, "Counted twice:\nsee #12 & <b>#13</b>.", COMMITTEE),
        Change(2, users[2], 0, -2500, "Agreed with dEEtoo in the thread.", users[0]),
        Change(3, users[7], 60, 0, "Logged after the close; the thread shows the work.", COMMITTEE),
    )
    return published(
        statement,
        beside,
        adjustments=changes,
        admin_approval=True,
        price_source="CoinGecko, 31 March 2026 18:00 UTC",
    )


def crowd(count: int = 30) -> Published:
    """Many helpers, all with hostile names, and every column."""
    rules = document(split_by="mixed", thanks_share="50", pay_currency="RPL")
    users = [FIRST_USER + place for place in range(count)]
    statement = statement_of(
        [60_000 - 1111 * place for place in range(count)],
        policy=rules,
        voters={user: place + 1 for place, user in enumerate(users)},
        tips=12_345_678,
        carries={users[0]: 5, users[1]: -99},
        adjustments=(Adjustment(1, users[0], 0, -1),),
        price="0.000123",
    )
    change = Change(1, users[0], 0, -1, "<script>alert(2)</script> " + "w" * 300, COMMITTEE)
    return published(statement, shown(statement, HOSTILE_NAMES), adjustments=(change,))


def vast() -> Published:
    """Amounts as large as they can be kept, in every column."""
    rules = document(
        decimals="0",
        hourly_rate="900,000,000,000,000,000",
        cap="2,000,000,000,000,000,000",
        split_by="mixed",
        thanks_share="50",
        pay_currency="RPLRPLRPLR",
        pay_step="0.01",
    )
    users = [FIRST_USER, FIRST_USER + 1]
    statement = statement_of(
        {users[0]: 500_000, users[1]: 100},
        policy=rules,
        voters={users[0]: 3, users[1]: 4},
        tips=10**18,
        carries={users[1]: -(10**18)},
        price="100",
    )
    return published(statement, shown(statement, HOSTILE_NAMES[6:8]))
