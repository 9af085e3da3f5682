from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.duration import LONGEST_HOURS, format_minutes, parse_minutes
from bot.domain.errors import Refusal


@pytest.mark.parametrize(
    ("text", "minutes"),
    (
        ("2h30m", 150),
        ("2h 30m", 150),
        ("2 h 30 min", 150),
        ("2H30M", 150),
        ("2 hours 30 minutes", 150),
        ("1 hr 1 minute", 61),
        ("2h\u00a030m", 150),
        ("2:30", 150),
        ("02:05", 125),
        ("0:01", 1),
        ("2.5", 150),
        ("2,5", 150),
        ("2.5h", 150),
        ("2,5 hours", 150),
        ("2.0", 120),
        ("1.99", 119),
        ("1.333", 79),
        ("0,333", 19),
        ("0.017", 1),
        ("2h", 120),
        ("2 h", 120),
        ("2 hours", 120),
        ("1 hour", 60),
        ("3 hrs", 180),
        ("2h0m", 120),
        ("0h 5m", 5),
        ("150m", 150),
        ("90 min", 90),
        ("90 mins", 90),
        ("1 minute", 1),
        ("  45m \n", 45),
        ("8784h", 8784 * 60),
        ("527040m", 8784 * 60),
    ),
)
def test_durations_are_read_as_people_write_them(text: str, minutes: int) -> None:
    assert parse_minutes(text) == minutes


@pytest.mark.parametrize(
    ("text", "as_minutes", "as_hours"),
    (
        ("30", "`30m` for 30 min", "`30h` for 30 h"),
        ("1", "`1m` for 1 min", "`1h` for 1 h"),
        (" 090 ", "`90m` for 1 h 30 min", "`90h` for 90 h"),
        ("8784", "`8784m` for 146 h 24 min", "`8784h` for 8784 h"),
    ),
)
def test_a_whole_number_without_unit_is_refused_with_both_readings(
    text: str, as_minutes: str, as_hours: str
) -> None:
    with pytest.raises(Refusal) as refusal:
        parse_minutes(text)
    assert as_minutes in str(refusal.value)
    assert as_hours in str(refusal.value)


@pytest.mark.parametrize(
    "text",
    (
        *("", " ", "abc", "h", "m", ":", ":30", "2:", "2:5", "2:300", "1:2:3", "2:30h", "2h:30m"),
        *("2:75", "2:60", "2h 75m", "2h60m", "2h30", "30m2h", "2h 2h", "2.5h30m", "2.5m", "2.5:30"),
        *(
            "NaN",
            "inf",
            "infinity",
            "1e5",
            "1e999",
            "1e999h",
            "2d",
            "1d 2h",
            "1 week",
            "3s",
            "0x1h",
        ),
        *("-2h", "+2h", "−2h", "-2.5", "- 2:30", "2h -30m", "(2h)", "~2h", "2h?", "2h and 30m"),
        *("1,000", "1,000h", "12,500", "1,000.5", "1.000.000", ".5", "5.", "5,", "2. 5"),
        *("0", "00", "0m", "0h", "0h0m", "0:00", "0.0", "0.01", "0,016h"),
        *("٢h", "２h", "2²h", "½h", "2.５", "2h\x00", "2\u200bh", "2 hourſ"),
        *("8785h", "8784h1m", "527041m", "8784:01", "8784.5", "8785", "1" + "0" * 30),
        *("1" + "0" * 30 + "h", "9" * 64, "9" * 100_000, "2h" + " " * 100, "0" * 100 + "2h"),
    ),
)
def test_anything_else_is_refused_with_an_accepted_form(text: str) -> None:
    with pytest.raises(Refusal, match=r"`2h30m`, `2:30`, `2.5h` or `150m`"):
        parse_minutes(text)


@pytest.mark.parametrize(
    ("text", "said"),
    (
        ("2:75", "0 to 59"),
        ("2h 75m", "0 to 59"),
        ("1,000", "two ways"),
        ("0m", "one minute"),
        ("0.01", "one minute"),
        ("9000h", "8784 hours"),
    ),
)
def test_a_refusal_says_what_is_the_matter(text: str, said: str) -> None:
    with pytest.raises(Refusal, match=said):
        parse_minutes(text)


@pytest.mark.parametrize(
    ("minutes", "text"),
    (
        (200, "3 h 20 min"),
        (180, "3 h"),
        (20, "20 min"),
        (0, "0 min"),
        (-90, "-1 h 30 min"),
        (-5, "-5 min"),
        (64_588, "1076 h 28 min"),
    ),
)
def test_durations_are_written_in_hours_and_minutes(minutes: int, text: str) -> None:
    assert format_minutes(minutes) == text


@given(st.integers(min_value=1, max_value=LONGEST_HOURS * 60))
def test_a_written_duration_is_read_back(minutes: int) -> None:
    assert parse_minutes(format_minutes(minutes)) == minutes


@given(st.integers(min_value=0, max_value=LONGEST_HOURS - 1), st.integers(0, 99))
def test_decimal_hours_round_down_to_the_minute(hours: int, hundredths: int) -> None:
    exact = hours * 60 + hundredths * 60 // 100
    if exact:
        assert parse_minutes(f"{hours}.{hundredths:02}") == exact
        assert parse_minutes(f"{hours},{hundredths:02}h") == exact


@given(st.text(max_size=80))
def test_no_text_breaks_the_reading_of_durations(text: str) -> None:
    try:
        minutes = parse_minutes(text)
    except Refusal:
        return
    assert 1 <= minutes <= LONGEST_HOURS * 60
