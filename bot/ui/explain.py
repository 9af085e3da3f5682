"""The arithmetic of a statement in words: the rules of its round, and how a line came about.

Numbers are exact. What has no end is cut off after some places, never rounded, and called `about`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from bot.domain.money import format_amount, format_share
from bot.domain.statement import Line, Statement
from bot.domain.tipjar import NO_JAR, Jar
from bot.ui import text
from bot.ui.tips import came_about

_HOUR = 60
_WHOLE_BP = 10_000
_SCALE_PLACES = 6
_MORE_PLACES = 4
_ROUNDING = (
    "Every amount is exact; the smallest units that are left over by rounding go one each to "
    "the largest remainders, so that the parts add up to the total."
)


def line_arithmetic(statement: Statement, line: Line, jar: Jar = NO_JAR) -> list[str]:
    """Return how a line came about, a short sentence for each part of it that is not zero.

    With `jar`, the part of the tip jar says how the jar came about.
    """
    return [
        *_hours(statement, line),
        *_thanks(statement, line, jar),
        *_committee(statement, line),
        *_together(statement, line),
        *_conversion(statement, line),
    ]


def rules(
    statement: Statement, jar: Jar = NO_JAR, *, counted_late_at: datetime | None = None
) -> list[str]:
    """Return the rules of the round in words, and what they came to; `jar` is its tip jar."""
    return [
        *_split_rules(statement),
        *counted_late(counted_late_at),
        *tip_jar(statement, jar),
        *_scale_rules(statement),
        *_payment_rules(statement),
        _ROUNDING,
    ]


def counted_late(at: datetime | None) -> list[str]:
    """Return that thanks were counted long after the close; nothing where they were not."""
    if at is None:
        return []
    return [
        f"The thanks were counted late, on {at:%Y-%m-%d %H:%M} UTC: a reaction carries no time, so "
        "one found then counts, unless it was seen to come after the close."
    ]


def tip_jar(statement: Statement, jar: Jar = NO_JAR) -> list[str]:
    """Return how the tip jar came about and who gets it; nothing where there is none."""
    tips = statement.facts.tips
    if not tips:
        return []
    came = _came(statement, jar)
    if any(line.tips_amount for line in statement.lines):
        who = f"Beside the cap, the tip jar of {_money(statement, tips)} is shared by thanks."
        return [f"{who}{came}"]
    stays = "it stays" if jar.match is None else "the tips stay"
    match = "" if jar.match is None else "; what the funder adds stays with the funder"
    return [
        f"Beside the cap, the tip jar holds {_money(statement, tips)}.{came} Nobody could receive "
        f"it: {stays} in the jar of the next round{match}."
    ]


def _came(statement: Statement, jar: Jar) -> str:
    if jar.match is None:
        return ""
    policy = statement.policy
    sums = came_about(jar, decimals=policy.decimals, currency=policy.currency)
    return f" How it came about: {sums}."


def scale(statement: Statement) -> str:
    """Return the factor by which the cap scales hours: `0.5`, or cut off: `about 0.219536`."""
    numerator, denominator = statement.bounty.scale
    cut, rest = divmod(numerator * 10**_SCALE_PLACES, denominator)
    if not rest:
        return format_amount(cut, decimals=_SCALE_PLACES).rstrip("0").rstrip(".")
    if not cut:
        return f"less than {format_amount(1, decimals=_SCALE_PLACES)}"
    return f"about {format_amount(cut, decimals=_SCALE_PLACES)}"


# ---------------------------------------------------------------- a line


def _hours(statement: Statement, line: Line) -> Iterator[str]:
    bounty, policy = statement.bounty, statement.policy
    if line.minutes != line.logged_minutes:
        change = line.minutes - line.logged_minutes
        yield (
            f"Logged: {text.duration(line.logged_minutes)}; adjusted by "
            f"{'+' if change > 0 else ''}{text.duration(change)} "
            f"to {text.duration(line.minutes)}."
        )
    if not statement.counts(line):
        yield "Pay was declined before the close, so hours and thanks have no weight here."
        return
    if not line.minutes or policy.split_by == "thanks":
        return
    rate = policy.hourly_rate or 0
    product = _product(rate * line.minutes, _HOUR, decimals=policy.decimals)
    steps = [f"{text.duration(line.minutes)} × {_amount(statement, rate)} {product}"]
    given = f"gives {_amount(statement, line.hours_amount)}"
    if line.user_id in bounty.capped:
        limit = "cap" if bounty.largest_part == statement.hours_cap else "largest share"
        steps += [f"the {limit} is {_amount(statement, bounty.largest_part)}", given]
    elif bounty.scaled:
        whom = "everybody below the largest share" if bounty.capped else "everybody"
        steps += [f"the cap scales {whom} by {scale(statement)}", given]
    elif "about" in product:
        steps += [given]
    yield f"Hours: {'; '.join(steps)}."


def _thanks(statement: Statement, line: Line, jar: Jar) -> Iterator[str]:
    if not statement.counts(line):
        return
    votes = statement.votes
    for name, pool, given, came in (
        ("Thanks", statement.thanks_pool, line.thanks_amount, ""),
        ("Tip jar", statement.facts.tips, line.tips_amount, _came(statement, jar)),
    ):
        if given:
            product = _product(pool * line.voters, votes, decimals=statement.policy.decimals)
            end = f"; gives {_amount(statement, given)}" if "about" in product else ""
            yield (
                f"{name}: {text.number(line.voters)} of {text.plural(votes, 'vote')} × "
                f"{_amount(statement, pool)} {product}{end}.{came}"
            )


def _committee(statement: Statement, line: Line) -> Iterator[str]:
    if line.user_id in statement.facts.voided:
        taken = f": {_signed(statement, line.adjustment)}" if line.adjustment else ""
        yield f"A dispute ended with nothing for this line{taken}."
    elif line.adjustment:
        yield f"Adjustment by the committee: {_signed(statement, line.adjustment)}."
    if line.carry:
        yield f"Carried over from earlier rounds: {_signed(statement, line.carry)}."


def _together(statement: Statement, line: Line) -> Iterator[str]:
    parts = [
        part
        for part in (
            line.hours_amount,
            line.thanks_amount,
            line.tips_amount,
            line.adjustment,
            line.carry,
        )
        if part
    ]
    if len(parts) > 1:
        added = " + ".join(_amount(statement, part) for part in parts).replace("+ -", "- ")
        yield f"Together: {added} = {_amount(statement, sum(parts))}."
    if line.carry_left:
        yield (
            f"Pays {_money(statement, line.amount)}; "
            f"{_money(statement, line.carry_left)} stays for later rounds."
        )


def _conversion(statement: Statement, line: Line) -> Iterator[str]:
    policy = statement.policy
    if line.pay_amount is None or not line.amount:
        return
    paid = text.money(
        line.pay_amount, decimals=statement.pay_decimals, currency=policy.pay_currency
    )
    yield f"Paid: {_money(statement, line.amount)} at {_price(statement)} gives {paid}."


# ---------------------------------------------------------------- the rules


def _split_rules(statement: Statement) -> Iterator[str]:
    policy = statement.policy
    cap, rate = _money(statement, policy.cap or 0), _money(statement, policy.hourly_rate or 0)
    match policy.split_by:
        case "thanks":
            yield (
                f"The round pays at most {cap} (the cap), shared by thanks: "
                "every person who thanked a helper counts once for that helper."
            )
        case "mixed":
            share = format_share(policy.thanks_share_bp)
            yield (
                f"The round pays at most {cap} (the cap): {share} % of it, "
                f"{_money(statement, statement.thanks_pool)}, are shared by thanks; "
                f"up to {_money(statement, statement.hours_cap)} go to hours at {rate} an hour."
            )
        case _:
            yield f"An hour is worth {rate} before the cap; the round pays at most {cap} (the cap)."
    if policy.max_share_bp < _WHOLE_BP and policy.split_by != "thanks":
        share, largest = format_share(policy.max_share_bp), statement.bounty.largest_part
        yield (
            f"Nobody gets more than {share} % of the cap for hours, "
            f"{_money(statement, largest)} (the largest share)."
        )


def _scale_rules(statement: Statement) -> Iterator[str]:
    policy, bounty = statement.policy, statement.bounty
    if policy.split_by == "thanks":
        return
    minutes, average = statement.shared_minutes, statement.hour_value
    if average is None:
        yield "No hours count in this round."
        return
    needed = _product((policy.hourly_rate or 0) * minutes, _HOUR, decimals=policy.decimals)
    rate = _amount(statement, policy.hourly_rate or 0)
    hours = f"All hours together: {text.duration(minutes)} × {rate} {needed} {policy.currency}"
    hours = hours.rstrip()
    worth = f"An hour gave about {_money(statement, average)} on average."
    if bounty.scaled:
        whom = "everybody below the largest share" if bounty.capped else "everybody"
        yield f"{hours}, more than the cap, so {whom} is scaled by {scale(statement)}. {worth}"
    elif bounty.capped and bounty.largest_part == statement.hours_cap:
        yield f"{hours}, more than the cap. {worth}"
    elif bounty.capped:
        limited = text.plural(len(bounty.capped), "helper")
        yield f"{hours}; the largest share limits {limited}. {worth}"
    else:
        yield f"{hours}, within the cap, so every hour counts in full."


def _payment_rules(statement: Statement) -> Iterator[str]:
    policy = statement.policy
    if not policy.pay_currency:
        return
    unscaled, places = policy.pay_step
    step = f"{format_amount(unscaled, decimals=places, grouping=True)} {policy.pay_currency}"
    if statement.facts.price:
        yield (
            f"Each line is converted once, at {_price(statement)}, "
            f"and rounded half up to steps of {step}."
        )
    else:
        yield f"Lines are paid in {policy.pay_currency}, in steps of {step}; no price is set yet."


# ---------------------------------------------------------------- numbers


def _product(numerator: int, denominator: int, *, decimals: int) -> str:
    """An amount that is a fraction of smallest units: `= 32,294.00`, or `= about 4.166666`."""
    whole, rest = divmod(numerator, denominator)
    if not rest:
        return f"= {text.money(whole, decimals=decimals)}"
    cut: int = numerator * 10**_MORE_PLACES // denominator
    return f"= about {text.money(cut, decimals=decimals + _MORE_PLACES)}"


def _price(statement: Statement) -> str:
    policy = statement.policy
    return f"{statement.facts.price} {policy.currency} per {policy.pay_currency}"


def _amount(statement: Statement, amount: int) -> str:
    return text.money(amount, decimals=statement.policy.decimals)


def _signed(statement: Statement, amount: int) -> str:
    return text.money(amount, decimals=statement.policy.decimals, signed=True)


def _money(statement: Statement, amount: int) -> str:
    policy = statement.policy
    return text.money(amount, decimals=policy.decimals, currency=policy.currency)
