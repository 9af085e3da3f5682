"""The real figures: what the helpers of the file logged, and what each of them must get."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.domain.money import format_amount, parse_amount

FILE = Path(__file__).with_name("rocketpool_support_hours.csv")
RATE, CAP, CURRENCY, DECIMALS = "30.00", "18,000.00", "USD", 2


@dataclass(frozen=True, slots=True)
class Figure:
    """One helper of the file; `expected` is in the smallest unit."""

    name: str
    minutes: int
    expected: int


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a statement beside the amount of the file, in the smallest unit.

    `bounty` is what the hours give, which the file foretells; tips come beside it.
    """

    name: str
    minutes: int
    bounty: int
    expected: int | None
    voters: int
    tips: int
    amount: int


def figures() -> tuple[Figure, ...]:
    """Return the figures in the order of the file."""
    with FILE.open(encoding="utf-8", newline="") as file:
        return tuple(
            Figure(
                row["helper"],
                int(row["minutes"]),
                parse_amount(row["expected_payout"], decimals=DECIMALS),
            )
            for row in csv.DictReader(file)
        )


def compare(statement_csv: str) -> list[Row]:
    """Put every line of a statement beside its figure, the largest first."""
    expected = {figure.name: figure.expected for figure in figures()}
    rows = [
        Row(
            line["name"],
            int(line["minutes"]),
            parse_amount(line["hours_amount"], decimals=DECIMALS),
            expected.get(line["name"]),
            int(line["voters"]),
            parse_amount(line["tips_amount"], decimals=DECIMALS),
            parse_amount(line["amount"], decimals=DECIMALS),
        )
        for line in csv.DictReader(io.StringIO(statement_csv))
    ]
    return sorted(rows, key=lambda row: -row.amount)


def mistakes(rows: Sequence[Row]) -> list[str]:
    """Return a sentence for each bounty that is not the file's, and for each that is missing."""
    listed = {row.name for row in rows}
    return [
        f"WRONG: {row.name} gets {money(row.bounty)} for hours, the file says "
        f"{'nothing' if row.expected is None else money(row.expected)}."
        for row in rows
        if row.bounty != row.expected
    ] + [
        f"WRONG: {figure.name} has no line, the file says {money(figure.expected)}."
        for figure in figures()
        if figure.name not in listed
    ]


def money(amount: int) -> str:
    """Return an amount as people read it."""
    return format_amount(amount, decimals=DECIMALS, grouping=True)
