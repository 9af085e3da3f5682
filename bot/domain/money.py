"""Amounts of money: integers of a currency's smallest unit, exact from input to output."""

from __future__ import annotations

import re

from bot.domain.errors import Refusal

LARGEST = 2**63 - 1
"""The largest amount, in smallest units: what a 64-bit database column holds."""

WHOLE_BP = 10_000
"""A whole, 100 %, in basis points."""

_LONGEST_TEXT = 64
_GROUP = 3

# Digits are spelled out: \d and isdigit() also take other scripts' digits and superscripts.
_NUMBER = re.compile(
    r"(?P<sign>[-−+]?)"
    r"(?P<whole>[1-9][0-9]{0,2}(?:,[0-9]{3})+|[0-9]+)"
    r"(?:\.(?P<fraction>[0-9]+))?"
    r"(?:(?:\s+|(?![0-9.,]))(?P<word>\S.*))?"
)
_SHARE = re.compile(r"([0-9]+)(?:\.([0-9]+))?\s*%?")


def parse_amount(text: str, *, decimals: int, currency: str = "", signed: bool = False) -> int:
    """Read an amount as people write it, in smallest units.

    `1000`, `1,000.50`, and `1000.50 RPL` where RPL is the currency. A comma groups exactly three
    digits and a point starts the decimals; what could be read in two ways (`1,00`, or `1.000` in a
    currency with two decimals) is refused, as are signs (except one in front where `signed`),
    exponents, other digits than 0-9 and amounts above `LARGEST`.
    """
    plain, grouped = ("1000", "1,000.50") if decimals else ("1000", "1,000")
    forms = [f"`{plain}`", f"`{grouped}`"]
    if currency:
        forms.append(f"`{grouped} {currency}`")
    if signed:
        forms.append(f"`{format_amount(-25 * 10**decimals, decimals=decimals)}`")
    accepted = f"Write an amount like {', '.join(forms[:-1])} or {forms[-1]}"

    match = _match(text)
    if match is None or (match["sign"] and not signed):
        raise Refusal(f"{accepted}; a comma groups three digits, a point starts the decimals.")
    word = match["word"]
    if word is not None and (not currency or word.casefold() != currency.casefold()):
        if currency and word.isalpha():
            raise Refusal(f"The currency here is {currency}. {accepted}.")
        raise Refusal(f"{accepted}{'' if currency else ', without a currency'}.")

    fraction = match["fraction"] or ""
    if decimals < _GROUP == len(fraction) and len(match["whole"].lstrip("0")) in range(1, 4):
        raise Refusal(f"A point before three digits can be read in two ways. {accepted}.")
    fraction = fraction.rstrip("0")
    if len(fraction) > decimals:
        places = f"at most {decimals}" if decimals else "no"
        raise Refusal(f"An amount has {places} decimals here. {accepted}.")
    amount = int(match["whole"].replace(",", "") + fraction.ljust(decimals, "0"))
    if amount > LARGEST:
        most = format_amount(LARGEST, decimals=decimals, grouping=True)
        raise Refusal(f"This amount is too large: at most {most} can be kept.")
    return -amount if match["sign"] in {"-", "−"} else amount


def format_amount(amount: int, *, decimals: int, grouping: bool = False) -> str:
    """Write smallest units with all decimals, `7089.71`, or `7,089.71` for people; never for files.

    The plain form is read back by `parse_amount`, the negative one where it takes signs.
    """
    whole, fraction = divmod(abs(amount), 10**decimals)
    sign = "-" if amount < 0 else ""
    point = f".{fraction:0{decimals}}" if decimals else ""
    return f"{sign}{whole:{',' if grouping else ''}}{point}"


def parse_decimal(text: str, *, largest_decimals: int = 18) -> tuple[int, int]:
    """Read a number above zero, such as a price or a step, exactly: (unscaled, scale).

    `18.27` is (1827, 2). Trailing zeros change nothing, so equal numbers give equal pairs. Commas
    and refusals are those of `parse_amount`.
    """
    accepted = "Write a number above zero like `18.27`, `1,250` or `0.01`"
    match = _match(text)
    if match is None or match["sign"] or match["word"] is not None:
        raise Refusal(f"{accepted}, without sign or currency.")
    fraction = (match["fraction"] or "").rstrip("0")
    if len(fraction) > largest_decimals:
        raise Refusal(f"{accepted}, with at most {largest_decimals} decimals.")
    whole = int(match["whole"].replace(",", ""))
    if whole > LARGEST:
        raise Refusal(f"This number is too large. {accepted}.")
    unscaled = int(f"{whole}{fraction}")
    if not unscaled:
        raise Refusal(f"{accepted}.")
    return unscaled, len(fraction)


def convert(amount: int, *, decimals: int, price: tuple[int, int], step: tuple[int, int]) -> int:
    """Turn an amount of the accounting currency into the payment currency, half up to `step`.

    `price` is that of one unit of the payment currency in the accounting currency; it and `step`
    are pairs as `parse_decimal` gives them. The result counts units of 10**-scale of the step:
    500.00 at 18.27 in steps of 1 is 27, in steps of 0.01 it is 2737. Refused above `LARGEST`.
    """
    unscaled_price, price_scale = price
    unscaled_step, step_scale = step
    numerator: int = amount * 10 ** (price_scale + step_scale)
    denominator: int = unscaled_price * unscaled_step * 10**decimals
    converted = (2 * numerator + denominator) // (2 * denominator) * unscaled_step
    if converted > LARGEST:
        raise Refusal("At this price an amount becomes too large to be kept: a higher one fits.")
    return converted


def parse_share_bp(text: str, *, most_percent: int = 100) -> int:
    """Read a percentage from 0 to 100, `20`, `20 %` or `12.5%`, in basis points (0..10000)."""
    match = _SHARE.fullmatch(text.strip()) if len(text) <= _LONGEST_TEXT else None
    why = ""
    if match is not None:
        fraction = (match[2] or "").rstrip("0")
        bp = int(match[1] + fraction.ljust(2, "0"))
        if len(fraction) <= 2 and bp <= most_percent * 100:  # noqa: PLR2004 - two decimals
            return bp
        why = f"It goes up to {most_percent} %. " if int(match[1]) >= most_percent else ""
    accepted = f"Write a percentage from 0 to {most_percent} like `20`, `20 %` or `12.5%`."
    raise Refusal(f"{why}{accepted}")


def format_share(bp: int) -> str:
    """Write basis points as a percentage without its sign and without idle zeros: `20`, `12.5`."""
    plain = format_amount(bp, decimals=2)
    return plain.rstrip("0").rstrip(".")


def _match(text: str) -> re.Match[str] | None:
    # The length comes first: neither the expression nor int() shall see a novel.
    return _NUMBER.fullmatch(text.strip()) if len(text) <= _LONGEST_TEXT else None
