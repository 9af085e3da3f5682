"""The statement of a round: every amount from the stored facts and the pinned policy.

`compute` is the only place where money is decided. It knows no clock and no database, so that
anybody who has the facts comes to the same statement, down to the hash.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from msgspec import Struct

from bot.domain.bounty import Bounty, hours_bounty
from bot.domain.canonical import sha256
from bot.domain.errors import Refusal
from bot.domain.money import convert, format_amount, parse_decimal
from bot.domain.policy import Policy, read
from bot.domain.split import split

FORMAT = 1
FULL_SHARE_BP = 10_000
CSV_FIELDS = (
    "user_id", "name", "minutes", "voters", "hours_amount", "thanks_amount", "tips_amount",
    "adjustment", "carry", "amount", "currency", "pay_amount", "pay_currency", "address", "status",
)  # fmt: skip
UNHASHED_FIELDS = frozenset({"name", "address", "status"})


class Accepted(Struct, frozen=True):
    """The minutes of one entry as they count."""

    number: int
    user_id: int
    minutes: int


class Adjustment(Struct, frozen=True):
    """A committee change: minutes enter the split, a signed amount is added to the line."""

    number: int
    user_id: int
    minutes: int = 0
    amount: int = 0


class Facts(Struct, frozen=True):
    """Everything a statement follows from; amounts in the smallest unit, `price` as entered.

    `tips` is the whole of the tip jar; `declined` are those who had declined pay at the close,
    `voided` those whose line a dispute ended with nothing.
    """

    guild_id: int
    label: str
    version: int
    policy: Mapping[str, str]
    entries: tuple[Accepted, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()
    voters: Mapping[int, int] | None = None
    declined: frozenset[int] = frozenset()
    voided: frozenset[int] = frozenset()
    carries: Mapping[int, int] | None = None
    tips: int = 0
    price: str = ""


class Line(Struct, frozen=True):
    """What one helper gets and why; `carry_left` stays with the helper for later rounds.

    `logged_minutes` are those of the entries, `minutes` those that entered the split. A `waived`
    line, declined or voided, pays nothing and takes up no carry.
    """

    user_id: int
    logged_minutes: int
    minutes: int
    voters: int
    hours_amount: int
    thanks_amount: int
    tips_amount: int
    adjustment: int
    carry: int
    amount: int
    carry_left: int
    pay_amount: int | None
    waived: bool


class Sum(Struct, frozen=True):
    """A sum of lines in the accounting currency and, where another is paid, in that."""

    amount: int
    currency: str
    decimals: int
    pay_amount: int | None = None
    pay_currency: str = ""
    pay_decimals: int = 0


class Statement(Struct, frozen=True, dict=True):
    """The computed result of a round, lines by user id, and how the bounty was scaled."""

    facts: Facts
    policy: Policy
    lines: tuple[Line, ...]
    bounty: Bounty
    hours_cap: int
    thanks_pool: int
    total: int
    sha256: str

    def sum_of(self, lines: Iterable[Line]) -> Sum:
        """Add some of the lines up, in both currencies where a price is known."""
        chosen = list(lines)
        converts = bool(self.policy.pay_currency and self.facts.price)
        return Sum(
            amount=sum(line.amount for line in chosen),
            currency=self.policy.currency,
            decimals=self.policy.decimals,
            pay_amount=sum(line.pay_amount or 0 for line in chosen) if converts else None,
            pay_currency=self.policy.pay_currency,
            pay_decimals=self.policy.pay_step[1],
        )

    @cached_property
    def pay_total(self) -> int | None:
        """The sum of the payments in the payment currency, None where they do not differ."""
        return self.sum_of(self.lines).pay_amount

    @property
    def pay_decimals(self) -> int:
        """Decimal places of payments in the payment currency."""
        return self.policy.pay_step[1]

    @cached_property
    def hour_value(self) -> int | None:
        """What an hour gave on average, in smallest units rounded down; None without hours."""
        return self.shared_hours * 60 // self.shared_minutes if self.shared_minutes else None

    @cached_property
    def shared_minutes(self) -> int:
        """The minutes among which the hours part was shared."""
        return sum(line.minutes for line in self.lines if self.counts(line))

    @cached_property
    def shared_hours(self) -> int:
        """What all hours give together."""
        return sum(line.hours_amount for line in self.lines)

    @cached_property
    def votes(self) -> int:
        """The votes among which the thanks part and the tip jar were shared."""
        return sum(line.voters for line in self.lines if self.counts(line))

    @cached_property
    def shared(self) -> int:
        """What hours, thanks and adjustments take together; the cap is for that."""
        return sum(
            line.hours_amount + line.thanks_amount + line.adjustment
            for line in self.lines
            if not line.waived
        )

    @cached_property
    def tips_given(self) -> int:
        """What the lines together receive of the tip jar; that of a voided line is not paid."""
        return sum(line.tips_amount for line in self.lines if not line.waived)

    @property
    def room(self) -> int:
        """What positive adjustments may still add before the cap is reached; never below 0."""
        assert self.policy.cap is not None
        return max(self.policy.cap - self.shared, 0)

    def counts(self, line: Line) -> bool:
        """Whether a line had weight in the split: a voided one had, a declined one had not."""
        return line.user_id not in self.facts.declined

    def line_of(self, user_id: int) -> Line | None:
        """Return the line of one helper, None where there is none."""
        return self._by_user.get(user_id)

    @cached_property
    def _by_user(self) -> Mapping[int, Line]:
        return {line.user_id: line for line in self.lines}


def compute(facts: Facts) -> Statement:
    """Compute the statement of a round.

    Hours are shared by `hours_bounty`, the thanks pool and the tip jar by `split` over voters;
    who declined pay has weight 0. A voided line keeps its weight, so that nobody else gains, and
    comes to nothing. Raises `Refusal` where adjustments take minutes or a line below zero.
    """
    policy = read(facts.policy)
    logged = _sum_by_user((entry.user_id, entry.minutes) for entry in facts.entries)
    minutes = _sum_by_user(
        [
            *logged.items(),
            *((change.user_id, change.minutes) for change in facts.adjustments),
        ]
    )
    if any(total < 0 for total in minutes.values()):
        raise Refusal(
            "That would take the minutes of a helper below zero. "
            "The most that can be taken is what the line has."
        )
    added = _sum_by_user((change.user_id, change.amount) for change in facts.adjustments)
    voters = {user: count for user, count in (facts.voters or {}).items() if count}
    carries = {user: amount for user, amount in (facts.carries or {}).items() if amount}

    def entitled(weights: Mapping[int, int]) -> dict[int, int]:
        return {user: weight for user, weight in weights.items() if user not in facts.declined}

    hours_cap, thanks_pool = pools(policy)
    bounty = hours_bounty(
        entitled(minutes),
        rate=policy.hourly_rate or 0,
        cap=hours_cap,
        share_bp=policy.max_share_bp,
    )
    thanks_parts = split(thanks_pool, entitled(voters))
    tips_parts = split(facts.tips, entitled(voters))

    lines = []
    for user in sorted({*minutes, *voters, *added, *carries}):
        parts = (bounty.parts.get(user, 0), thanks_parts.get(user, 0), tips_parts.get(user, 0))
        waived = user in facts.declined or user in facts.voided
        change = -sum(parts) if waived else added.get(user, 0)
        earned = sum(parts) + change
        if earned < 0:
            raise Refusal(
                "That would take the line below 0. The most that can be taken is what it has."
            )
        carried = earned + carries.get(user, 0)
        amount = 0 if waived else max(carried, 0)
        lines.append(
            Line(
                user_id=user,
                logged_minutes=logged.get(user, 0),
                minutes=minutes.get(user, 0),
                voters=voters.get(user, 0),
                hours_amount=parts[0],
                thanks_amount=parts[1],
                tips_amount=parts[2],
                adjustment=change,
                carry=carries.get(user, 0),
                amount=amount,
                carry_left=carried - amount,
                pay_amount=_paid(policy, facts.price, amount),
                waived=waived,
            )
        )
    total = sum(line.amount for line in lines)
    computed = Statement(
        facts, policy, tuple(lines), bounty, hours_cap, thanks_pool, total, sha256=""
    )
    return Statement(
        facts, policy, tuple(lines), bounty, hours_cap, thanks_pool, total,
        sha256=sha256(as_json(computed)),
    )  # fmt: skip


def pools(policy: Policy) -> tuple[int, int]:
    """Return the cap of the hours part and the thanks pool: `hours`, `thanks` or `mixed`."""
    cap = policy.cap or 0
    share_bp = {"hours": 0, "thanks": FULL_SHARE_BP}.get(policy.split_by, policy.thanks_share_bp)
    thanks_pool = cap * share_bp // FULL_SHARE_BP
    return cap - thanks_pool, thanks_pool


def as_json(statement: Statement) -> dict[str, Any]:
    """Return what is approved and published: everything computed, and what it follows from."""
    facts, decimals = statement.facts, statement.policy.decimals

    def money(amount: int) -> str:
        return format_amount(amount, decimals=decimals)

    return {
        "stipend": FORMAT,
        "guild_id": str(facts.guild_id),
        "round": facts.label,
        "version": facts.version,
        "currency": statement.policy.currency,
        "decimals": decimals,
        "policy": dict(facts.policy),
        "total": money(statement.total),
        "lines": [line_json(statement, line) for line in statement.lines],
        "inputs": {
            "entries": [
                {"number": e.number, "user_id": str(e.user_id), "minutes": e.minutes}
                for e in sorted(facts.entries, key=lambda entry: entry.number)
            ],
            "adjustments": [
                {
                    "number": a.number,
                    "user_id": str(a.user_id),
                    "minutes": a.minutes,
                    "amount": money(a.amount),
                }
                for a in sorted(facts.adjustments, key=lambda change: change.number)
            ],
            "voters": {str(user): n for user, n in (facts.voters or {}).items() if n},
            "declined": sorted((str(user) for user in facts.declined), key=int),
            **({"voided": sorted(map(str, facts.voided), key=int)} if facts.voided else {}),
            "carries": {str(user): money(c) for user, c in (facts.carries or {}).items() if c},
            "tips": money(facts.tips),
            "price": facts.price,
        },
    }


def line_json(statement: Statement, line: Line) -> dict[str, Any]:
    """Return the computed fields of a line, named as in the CSV."""
    decimals = statement.policy.decimals

    def money(amount: int) -> str:
        return format_amount(amount, decimals=decimals)

    return {
        "user_id": str(line.user_id),
        "minutes": line.minutes,
        "voters": line.voters,
        "hours_amount": money(line.hours_amount),
        "thanks_amount": money(line.thanks_amount),
        "tips_amount": money(line.tips_amount),
        "adjustment": money(line.adjustment),
        "carry": money(line.carry),
        "amount": money(line.amount),
        "currency": statement.policy.currency,
        "pay_amount": (
            ""
            if line.pay_amount is None
            else format_amount(line.pay_amount, decimals=statement.pay_decimals)
        ),
        "pay_currency": statement.policy.pay_currency,
    }


def require_room(statement: Statement, *, before: Statement, carried: int = 0) -> None:
    """Refuse an adjustment that lifts the sum of hours and thanks amounts above the cap.

    `before` is the statement without it: the refusal names what was left. `carried` is what
    decisions about paid lines gave beside the statement: it takes of the cap as well.
    """
    policy = statement.policy
    assert policy.cap is not None
    most = policy.cap - max(carried, 0)
    if statement.shared > before.shared and statement.shared > most:
        room = max(most - before.shared, 0)
        left = format_amount(room, decimals=policy.decimals, grouping=True)
        raise Refusal(
            f"That would lift the round above its cap. At most {left} {policy.currency}".rstrip()
            + " can still be added."
        )


def _paid(policy: Policy, price: str, amount: int) -> int | None:
    if not policy.pay_currency or not price:
        return None
    return convert(
        amount, decimals=policy.decimals, price=parse_decimal(price), step=policy.pay_step
    )


def _sum_by_user(pairs: Iterable[tuple[int, int]]) -> dict[int, int]:
    sums: dict[int, int] = defaultdict(int)
    for user, value in pairs:
        sums[user] += value
    return dict(sums)
