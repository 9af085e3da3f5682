"""The published statement as one HTML page that needs nothing but itself."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from bot.domain.statement import Line, Statement
from bot.domain.states import Line as LineState
from bot.domain.states import Round as RoundState
from bot.ui import chart, text
from bot.ui.explain import line_arithmetic, rules
from bot.ui.files import names as file_name

if TYPE_CHECKING:
    from bot.services.settlement import Change, Published

STATUS_WORDS = {
    LineState.DUE: "to be paid",
    LineState.HELD: "held back while it is disputed or the payee suspended",
    LineState.PAID: "payment recorded",
    LineState.WAIVED: "declined, voided or ceased, stays with the funder",
    LineState.NONE: "nothing to pay",
}
ROUND_WORDS = {
    RoundState.PUBLISHED: "published",
    RoundState.FINAL: "final: the time for disputes has passed",
    RoundState.SETTLED: "settled: nothing is left to be paid",
    RoundState.VOID: "void",
}
OPTIONAL_COLUMNS = {
    "thanks_amount": "Thanks",
    "tips_amount": "Tips",
    "adjustment": "Adjustment",
    "carry": "Carry",
}
LONGEST_NAME = 64
_BAR_LENGTH = 1000
# Pixels of the table, as the style sheet sets them.
_NAME_AND_STATUS, _PADDING, _DIGIT = 250, 24, 8
_NARROW, _WIDE = 690, 1000
_STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)


class Cell(Struct, frozen=True):
    """One number of a line; its kind is a class of the style sheet."""

    heading: str
    value: str
    kind: str = ""


class Row(Struct, frozen=True):
    """A line as the page shows it; `bar` is its length in thousandths of the longest."""

    name: str
    cells: tuple[Cell, ...]
    amount: str
    bar: int
    status: str
    reason: str
    arithmetic: tuple[str, ...]


def page(published: Published) -> str:
    """Return the page of a published statement; people nobody has a name for are their ids."""
    statement = published.statement
    policy, facts = statement.policy, statement.facts
    called = {
        **published.names,
        **{user: beside.name for user, beside in published.shown.items()},
    }
    bars = chart.bars(statement, published.shown)
    rows = list(_rows(published, called))
    columns = [cell.heading for cell in rows[0].cells] if rows else []
    totals = _totals(statement, columns)
    zone = ZoneInfo(policy.timetable.zone)
    stem = file_name(facts.label, facts.version)
    return str(
        _template().render(
            title=f"Stipend {facts.label}, version {facts.version}",
            total=text.money(statement.total, decimals=policy.decimals),
            currency=policy.currency,
            pay_total=_pay_total(statement),
            helpers=text.plural(sum(line.amount > 0 for line in statement.lines), "helper"),
            hours=text.duration(statement.shared_minutes),
            state=ROUND_WORDS.get(published.state, str(published.state)),
            dates=[
                ("Published", _instant(published.published_at, zone)),
                ("Disputes until", _instant(published.dispute_until, zone)),
                ("Payment due from", _instant(published.pay_due_at, zone)),
            ],
            zone=policy.timetable.zone,
            chart=_STYLE.sub("", chart.svg(bars, titled=False).decode()) if rows else "",
            rest=bars.rest,
            rows=rows,
            columns=columns,
            totals=totals,
            amount_heading=f"Amount, {policy.currency}" if policy.currency else "Amount",
            width=_width(rows, totals),
            statuses=_statuses(published),
            rules=rules(statement, published.jar, counted_late_at=published.counted_late_at),
            tips=_tips(statement),
            price=_price(published),
            unused=_unused(statement),
            adjustments=[
                _adjustment(change, statement, called) for change in published.adjustments
            ],
            approvers=[_person(user, called) for user in published.approved_by],
            has_admin_approval=published.admin_approval,
            record_number=text.number(published.record_number),
            record_head=published.record_head,
            sha256=statement.sha256,
            guild_id=facts.guild_id,
            bundle_name=f"{stem}.json",
        )
    )


def _rows(published: Published, called: Mapping[int, str]) -> Iterator[Row]:
    statement = published.statement
    decimals = statement.policy.decimals
    lines = sorted(statement.lines, key=lambda line: (-line.amount, line.user_id))
    longest = max([line.amount for line in lines], default=0) or 1
    optional = {
        field: heading
        for field, heading in OPTIONAL_COLUMNS.items()
        if any(getattr(line, field) for line in lines)
    }
    has_votes = any(line.voters for line in lines)
    for line in lines:
        cells = [
            Cell("Hours", text.duration(line.minutes), "hours"),
            Cell("For hours", text.money(line.hours_amount, decimals=decimals)),
        ]
        if has_votes:
            cells.append(Cell("Votes", text.number(line.voters), "" if line.voters else "zero"))
        for field, heading in optional.items():
            amount, is_signed = getattr(line, field), field in {"adjustment", "carry"}
            value = text.money(amount, decimals=decimals, signed=is_signed)
            cells.append(Cell(heading, value, "" if amount else "zero"))
        if statement.pay_total is not None:
            cells.append(Cell(f"Paid in {statement.policy.pay_currency}", _paid(statement, line)))
        yield Row(
            name=_person(line.user_id, called),
            cells=tuple(cells),
            amount=text.money(line.amount, decimals=decimals),
            bar=line.amount * _BAR_LENGTH // longest,
            status=str(published.shown[line.user_id].status),
            reason=published.shown[line.user_id].reason,
            arithmetic=tuple(line_arithmetic(statement, line)) or ("Nothing to compute.",),
        )


def _totals(statement: Statement, columns: Sequence[str]) -> list[Cell]:
    """The sums under the columns that the table has."""
    decimals, lines = statement.policy.decimals, statement.lines
    sums = {
        "Hours": text.duration(sum(line.minutes for line in lines)),
        "For hours": text.money(sum(line.hours_amount for line in lines), decimals=decimals),
        "Votes": text.number(sum(line.voters for line in lines)),
    }
    for field, heading in OPTIONAL_COLUMNS.items():
        whole = sum(getattr(line, field) for line in lines)
        is_signed = field in {"adjustment", "carry"}
        sums[heading] = text.money(whole, decimals=decimals, signed=is_signed)
    if statement.pay_total is not None:
        paid = text.money(statement.pay_total, decimals=statement.pay_decimals)
        sums[f"Paid in {statement.policy.pay_currency}"] = paid
    return [Cell(heading, sums[heading]) for heading in columns]


def _width(rows: list[Row], totals: list[Cell]) -> str:
    """How early the table turns into cards, from about how many pixels its widest cells need."""
    values = [[*(cell.value for cell in row.cells), row.amount] for row in rows]
    if values:
        values.append([*(cell.value for cell in totals), ""])
    cells = zip(*values, strict=True)
    pixels = _NAME_AND_STATUS + sum(_PADDING + _DIGIT * max(map(len, column)) for column in cells)
    return "narrow" if pixels <= _NARROW else "wide" if pixels <= _WIDE else "huge"


def _adjustment(
    change: Change, statement: Statement, called: Mapping[int, str]
) -> dict[str, str | int]:
    policy = statement.policy
    parts = []
    if change.minutes:
        parts.append(f"{'+' if change.minutes > 0 else ''}{text.duration(change.minutes)}")
    if change.amount:
        parts.append(
            text.money(
                change.amount, decimals=policy.decimals, currency=policy.currency, signed=True
            )
        )
    return {
        "number": change.number,
        "name": _person(change.user_id, called),
        "by": _person(change.actor_id, called),
        "change": ", ".join(parts),
        "reason": text.plain(change.reason),
    }


def _person(user_id: int, called: Mapping[int, str]) -> str:
    """A name on one line, or the id of somebody who has none."""
    line = " ".join(text.plain(called.get(user_id, "")).split())
    return text.plain(line, longest=LONGEST_NAME) or f"user {user_id}"


def _paid(statement: Statement, line: Line) -> str:
    return text.money(line.pay_amount or 0, decimals=statement.pay_decimals)


def _pay_total(statement: Statement) -> str:
    if statement.pay_total is None:
        return ""
    return text.money(
        statement.pay_total,
        decimals=statement.pay_decimals,
        currency=statement.policy.pay_currency,
    )


def _tips(statement: Statement) -> str:
    """The sum that the lines get of the tip jar, empty where that is nothing."""
    given = statement.tips_given
    return text.money(given, decimals=statement.policy.decimals) if given else ""


def _price(published: Published) -> dict[str, str] | None:
    statement = published.statement
    if not statement.facts.price or not statement.policy.pay_currency:
        return None
    policy = statement.policy
    return {
        "price": f"1 {policy.pay_currency} = {statement.facts.price} {policy.currency}".rstrip(),
        "source": text.plain(published.price_source),
    }


def _unused(statement: Statement) -> str:
    policy = statement.policy
    if not statement.room:
        return "The cap is used in full."
    unused = text.money(statement.room, decimals=policy.decimals, currency=policy.currency)
    return f"Unused: {unused} of the cap, which stays with the funder."


def _statuses(published: Published) -> list[tuple[str, str]]:
    used = {published.shown[line.user_id].status for line in published.statement.lines}
    return [(str(status), words) for status, words in STATUS_WORDS.items() if status in used]


def _instant(instant: datetime, zone: ZoneInfo) -> dict[str, str]:
    """An instant in the zone of the policy, for people and for programs."""
    from babel.dates import format_datetime  # noqa: PLC0415 - heavy, on first use

    local = instant.astimezone(zone)
    clock = "HH:mm:ss" if local.second else "HH:mm"
    words = format_datetime(local, f"d MMMM y, {clock} 'UTC'xxx", tzinfo=zone, locale="en")
    words = " ".join(words.split()).removesuffix("+00:00")
    return {"words": words, "iso": local.isoformat(timespec="seconds")}


@cache
def _template() -> Any:
    import jinja2  # noqa: PLC0415 - heavy, on first use

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["csp_source"] = _csp_source
    return environment.get_template("page.html")


def _csp_source(style: str) -> str:
    """The one style sheet that the page's security policy lets in."""
    digest = hashlib.sha256(style.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
