from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import Refusal
from bot.domain.money import (
    LARGEST,
    convert,
    format_amount,
    format_share,
    parse_amount,
    parse_decimal,
    parse_share_bp,
)

AMOUNTS = st.integers(min_value=0, max_value=LARGEST)
DECIMALS = st.integers(min_value=0, max_value=8)


@pytest.mark.parametrize(
    ("text", "decimals", "amount"),
    (
        ("1000", 2, 1000_00),
        ("1,000.50", 2, 1000_50),
        ("1000.5", 2, 1000_50),
        ("1000.50", 2, 1000_50),
        ("1000.500", 2, 1000_50),
        ("0.500", 2, 50),
        ("0.50000000", 2, 50),
        ("12.3000", 2, 12_30),
        ("  7089.71\n", 2, 7089_71),
        ("1,234,567.89", 2, 1_234_567_89),
        ("007", 0, 7),
        ("1,000", 0, 1000),
        ("1,000.000", 0, 1000),
        ("1.125", 3, 1125),
        ("0.00000001", 8, 1),
        ("0", 2, 0),
        ("92,233,720,368,547,758.07", 2, LARGEST),
        ("9223372036854775807", 0, LARGEST),
    ),
)
def test_amounts_are_read_as_people_write_them(text: str, decimals: int, amount: int) -> None:
    assert parse_amount(text, decimals=decimals) == amount


@pytest.mark.parametrize(
    "text",
    ("1000.50 RPL", "1,000.50 rpl", "1000.50RPL", "1000.50\u00a0RPL", "1000.50   Rpl ", "1000.5"),
)
def test_the_currency_may_follow_an_amount(text: str) -> None:
    assert parse_amount(text, decimals=2, currency="RPL") == 1000_50


def test_a_currency_may_start_with_a_digit_where_a_space_comes_first() -> None:
    assert parse_amount("1000 1INCH", decimals=0, currency="1inch") == 1000
    with pytest.raises(Refusal):
        parse_amount("10001INCH", decimals=0, currency="1INCH")


@pytest.mark.parametrize(
    ("text", "amount"),
    (("-25.00", -25_00), ("−25", -25_00), ("+25", 25_00), ("25", 25_00), ("-1,000.5", -1000_50)),
)
def test_a_signed_amount_may_have_one_sign_in_front(text: str, amount: int) -> None:
    assert parse_amount(text, decimals=2, signed=True) == amount


@pytest.mark.parametrize(
    "text",
    (
        *("", " ", "abc", "RPL", ".", "1.", ".5", "1..5", "1.5.5", "--5", "- 5", "5-", "(5)"),
        *("NaN", "inf", "Infinity", "-inf", "1e5", "1E5", "1e999", "0x10", "1_000", "1000 e5"),
        *("1,00", "1,0000", "10,00,000", "1,000,00", ",100", "1,,000", "0,500", "0,5", "1,000,"),
        *("1.000", "1.500", "999.000", "1.000,50", "1.000.000", "1 000", "1'000", "1,000 .50"),
        *("1.005", "0.001", "1000.505"),
        *("١٠٠", "１００", "1０", "²", "1²", "½", "Ⅷ", "1\u200b0"),
        *("$5", "5 $", "5 USD", "5 RPL RPL", "5 %", "1/2", "1000\x00"),
        *("9" * 64, "9" * 65, "0" * 65, "1" * 100_000, " " * 100_000, "1" + "0" * 30),
        "92,233,720,368,547,758.08",
    ),
)
@pytest.mark.parametrize("signed", (False, True))
@pytest.mark.parametrize("currency", ("", "RPL"))
def test_anything_else_is_refused(text: str, currency: str, *, signed: bool) -> None:
    with pytest.raises(Refusal):
        parse_amount(text, decimals=2, currency=currency, signed=signed)


@pytest.mark.parametrize("text", ("-5", "−5", "+5"))
def test_a_sign_is_refused_where_only_positive_amounts_make_sense(text: str) -> None:
    with pytest.raises(Refusal, match=r"`1,000\.50`"):
        parse_amount(text, decimals=2)


@pytest.mark.parametrize(
    ("text", "options", "said"),
    (
        ("much", {"decimals": 2}, ("`1000`", "`1,000.50`")),
        ("much", {"decimals": 0}, ("`1000`", "`1,000`")),
        ("much", {"decimals": 2, "signed": True}, ("`1,000.50`", "`-25.00`")),
        ("much", {"decimals": 2, "currency": "RPL"}, ("`1,000.50 RPL`",)),
        ("5 ETH", {"decimals": 2, "currency": "RPL"}, ("The currency here is RPL", "`1000`")),
        ("5 RPL", {"decimals": 2}, ("without a currency", "`1,000.50`")),
        ("1.000", {"decimals": 2}, ("two ways", "`1,000.50`")),
        ("1.5", {"decimals": 0}, ("no decimals", "`1000`")),
        ("1.5001", {"decimals": 2}, ("at most 2 decimals", "`1,000.50`")),
        ("1" + "0" * 30, {"decimals": 2}, ("at most 92,233,720,368,547,758.07",)),
    ),
)
def test_a_refusal_says_what_is_accepted(
    text: str, options: dict[str, object], said: tuple[str, ...]
) -> None:
    with pytest.raises(Refusal) as refusal:
        parse_amount(text, **options)  # type: ignore[arg-type]
    for words in said:
        assert words in str(refusal.value)


@pytest.mark.parametrize(
    ("amount", "decimals", "plain", "grouped"),
    (
        (7089_71, 2, "7089.71", "7,089.71"),
        (-5_00, 2, "-5.00", "-5.00"),
        (-5, 2, "-0.05", "-0.05"),
        (0, 2, "0.00", "0.00"),
        (1000, 0, "1000", "1,000"),
        (1, 8, "0.00000001", "0.00000001"),
        (LARGEST, 2, "92233720368547758.07", "92,233,720,368,547,758.07"),
    ),
)
def test_amounts_are_written_with_all_decimals(
    amount: int, decimals: int, plain: str, grouped: str
) -> None:
    assert format_amount(amount, decimals=decimals) == plain
    assert format_amount(amount, decimals=decimals, grouping=True) == grouped


@given(AMOUNTS, DECIMALS, st.booleans(), st.booleans())
def test_a_written_amount_is_read_back(
    amount: int, decimals: int, grouping: bool, negative: bool
) -> None:
    amount = -amount if negative else amount
    written = format_amount(amount, decimals=decimals, grouping=grouping)
    assert parse_amount(written, decimals=decimals, signed=True) == amount


@given(st.text(max_size=80), DECIMALS)
def test_no_text_breaks_the_reading_of_amounts(text: str, decimals: int) -> None:
    try:
        amount = parse_amount(text, decimals=decimals, currency="RPL", signed=True)
    except Refusal:
        return
    assert abs(amount) <= LARGEST


@pytest.mark.parametrize(
    ("text", "number"),
    (
        ("18.27", (1827, 2)),
        ("18.270", (1827, 2)),
        ("1", (1, 0)),
        ("1000", (1000, 0)),
        ("1,234.5", (12345, 1)),
        ("0.01", (1, 2)),
        (" 0.000000000000000001 ", (1, 18)),
        ("9223372036854775807", (LARGEST, 0)),
    ),
)
def test_a_price_is_read_exactly(text: str, number: tuple[int, int]) -> None:
    assert parse_decimal(text) == number


@pytest.mark.parametrize(
    "text",
    (
        *("", "0", "0.00", "-1", "+1", "1e3", "NaN", "inf", "18,27", "1,00", "18.27 USD", "1%"),
        *("0." + "0" * 18 + "1", "9223372036854775808", "1" * 65, "１８"),
    ),
)
def test_what_is_no_price_is_refused(text: str) -> None:
    with pytest.raises(Refusal, match=r"`18\.27`"):
        parse_decimal(text)


def test_a_price_may_be_held_to_fewer_decimals() -> None:
    assert parse_decimal("0.0100", largest_decimals=2) == (1, 2)
    with pytest.raises(Refusal, match="at most 2 decimals"):
        parse_decimal("0.001", largest_decimals=2)


@pytest.mark.parametrize(
    ("amount", "decimals", "price", "step", "converted"),
    (
        (500_00, 2, "18.27", "1", 27),
        (500_00, 2, "18.27", "0.01", 2737),
        (500_00, 2, "18.27", "5", 25),
        (500_00, 2, "18.27", "0.25", 2725),
        (0, 2, "18.27", "1", 0),
        (1_50, 2, "1", "1", 2),
        (1_49, 2, "1", "1", 1),
        (2_50, 2, "1", "1", 3),
        (5, 2, "0.5", "0.01", 10),
        (1000, 0, "3", "0.001", 333_333),
        (1, 8, "0.00000001", "1", 1),
    ),
)
def test_a_conversion_rounds_half_up_to_the_step(
    amount: int, decimals: int, price: str, step: str, converted: int
) -> None:
    price_pair, step_pair = parse_decimal(price), parse_decimal(step)
    assert convert(amount, decimals=decimals, price=price_pair, step=step_pair) == converted


def test_a_conversion_beyond_the_largest_amount_is_refused() -> None:
    with pytest.raises(Refusal, match="too large"):
        convert(LARGEST, decimals=2, price=(1, 18), step=(1, 0))


@given(
    AMOUNTS,
    st.integers(min_value=1, max_value=10**9),
    st.integers(min_value=0, max_value=6),
    st.integers(min_value=1, max_value=10**6),
    st.integers(min_value=0, max_value=2),
)
def test_a_conversion_is_off_by_half_a_step_at_most(
    amount: int, price: int, price_scale: int, step: int, step_scale: int
) -> None:
    try:
        paid = convert(amount, decimals=2, price=(price, price_scale), step=(step, step_scale))
    except Refusal:
        return
    assert paid % step == 0
    # All in units of 10 ** -(2 + price_scale + step_scale) of the accounting currency.
    worth = paid * price * 10**2
    owed = amount * 10 ** (price_scale + step_scale)
    half = step * price * 10**2
    assert -half < 2 * (owed - worth) <= half or 2 * (worth - owed) == half


@pytest.mark.parametrize(
    ("text", "bp", "written"),
    (
        ("20", 2000, "20"),
        ("20 %", 2000, "20"),
        ("12.5%", 1250, "12.5"),
        ("12.50", 1250, "12.5"),
        ("12.25 %", 1225, "12.25"),
        ("0", 0, "0"),
        ("0.01", 1, "0.01"),
        (" 100% ", 10_000, "100"),
        ("100.000", 10_000, "100"),
    ),
)
def test_shares_are_percentages(text: str, bp: int, written: str) -> None:
    assert parse_share_bp(text) == bp
    assert format_share(bp) == written


@pytest.mark.parametrize(
    "text",
    (
        *("", "%", "100.01", "101", "-1", "+1", "1e1", "NaN", "12,5", "12.345", ".5", "5.", "5%%"),
        *("half", "１０", "0" * 65, "9" * 64),
    ),
)
def test_what_is_no_percentage_is_refused(text: str) -> None:
    with pytest.raises(Refusal, match=r"`12\.5%`"):
        parse_share_bp(text)


@given(st.integers(min_value=0, max_value=10_000))
def test_a_written_share_is_read_back(bp: int) -> None:
    assert parse_share_bp(format_share(bp)) == bp
