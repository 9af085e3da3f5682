"""The arithmetic of lines and the rules of a round in words."""

from __future__ import annotations

import pytest

from bot.domain.statement import Adjustment
from bot.ui.explain import line_arithmetic, rules
from tests.ui import samples

FIRST, SECOND, THIRD = (samples.FIRST_USER + place for place in range(3))


def arithmetic(place: int, minutes: list[int], **facts: object) -> list[str]:
    statement = samples.statement_of(minutes, **facts)
    return line_arithmetic(statement, statement.lines[place])


def test_a_line_of_the_real_figures_is_explained() -> None:
    statement = samples.real_statement()
    assert line_arithmetic(statement, statement.lines[0]) == [
        (
            "Hours: 1,076 h 28 min × 30.00 = 32,294.00; "
            "the cap scales everybody by about 0.219536; gives 7,089.71."
        )
    ]


@pytest.mark.parametrize(
    ("minutes", "settings", "said"),
    (
        ([200], {}, "Hours: 3 h 20 min × 30.00 = 100.00."),
        (
            [50, 50, 50],
            {"hourly_rate": "5"},
            "Hours: 50 min × 5.00 = about 4.166666; gives 4.17.",
        ),
        (
            [60, 60],
            {"cap": "30"},
            "Hours: 1 h × 30.00 = 30.00; the cap scales everybody by 0.5; gives 15.00.",
        ),
        (
            [60, 1],
            {"cap": "100", "max_share": "20"},
            "Hours: 1 h × 30.00 = 30.00; the largest share is 20.00; gives 20.00.",
        ),
        (
            [60],
            {"cap": "0"},
            "Hours: 1 h × 30.00 = 30.00; the cap is 0.00; gives 0.00.",
        ),
        (
            [400_000, 300_000],
            {"hourly_rate": "900000", "cap": "1"},
            (
                "Hours: 6,666 h 40 min × 900,000.00 = 6,000,000,000.00; the cap scales "
                "everybody by less than 0.000001; gives 0.57."
            ),
        ),
    ),
)
def test_hours_are_multiplied_scaled_and_limited(
    minutes: list[int], settings: dict[str, str], said: str
) -> None:
    assert arithmetic(0, minutes, policy=samples.document(**settings)) == [said]


def test_below_the_largest_share_the_others_are_scaled() -> None:
    rules_of = samples.document(cap="100", max_share="50")
    assert arithmetic(1, [600, 120, 120], policy=rules_of) == [
        (
            "Hours: 2 h × 30.00 = 60.00; the cap scales everybody below the largest share by "
            "about 0.416666; gives 25.00."
        )
    ]


def test_parts_from_thanks_tips_adjustment_and_carry_are_explained_and_added() -> None:
    published = samples.everything()
    statement = published.statement
    assert line_arithmetic(statement, statement.lines[2]) == [
        (
            "Hours: 326 h 43 min × 30.00 = 9,801.50; the cap scales everybody below the largest "
            "share by about 0.195274; gives 1,913.99."
        ),
        "Thanks: 7 of 26 votes × 4,500.00 = about 1,211.538461; gives 1,211.54.",
        "Tip jar: 7 of 26 votes × 400.00 = about 107.692307; gives 107.69.",
        "Adjustment by the committee: -25.00.",
        "Together: 1,913.99 + 1,211.54 + 107.69 - 25.00 = 3,208.22.",
        "Paid: 3,208.22 USD at 18.27 USD per RPL gives 175.60 RPL.",
    ]
    assert line_arithmetic(statement, statement.lines[3]) == [
        "Pay was declined before the close, so hours and thanks have no weight here."
    ]


def test_exact_shares_of_thanks_are_no_estimates() -> None:
    said = arithmetic(
        0, [60], policy=samples.document(split_by="thanks"), voters={FIRST: 1, SECOND: 3}
    )
    assert said == ["Thanks: 1 of 4 votes × 18,000.00 = 4,500.00."]


def test_adjusted_minutes_show_what_was_logged() -> None:
    said = arithmetic(0, [120], adjustments=(Adjustment(1, FIRST, -30),))
    assert said == [
        "Logged: 2 h; adjusted by -30 min to 1 h 30 min.",
        "Hours: 1 h 30 min × 30.00 = 45.00.",
    ]
    more = arithmetic(0, [120], adjustments=(Adjustment(1, FIRST, 30),))
    assert more[0] == "Logged: 2 h; adjusted by +30 min to 2 h 30 min."


def test_what_a_negative_carry_leaves_stays_for_later() -> None:
    assert arithmetic(0, [50], carries={FIRST: -3000}) == [
        "Hours: 50 min × 30.00 = 25.00.",
        "Carried over from earlier rounds: -30.00.",
        "Together: 25.00 - 30.00 = -5.00.",
        "Pays 0.00 USD; -5.00 USD stays for later rounds.",
    ]


def test_a_line_that_a_dispute_voided_shows_what_it_was_and_keeps_its_carry() -> None:
    given = {"adjustments": (Adjustment(1, FIRST, 0, -2500),), "voided": frozenset({FIRST})}
    assert arithmetic(0, [50, 50], carries={FIRST: 3000}, **given) == [
        "Hours: 50 min × 30.00 = 25.00.",
        "A dispute ended with nothing for this line: -25.00.",
        "Carried over from earlier rounds: +30.00.",
        "Together: 25.00 - 25.00 + 30.00 = 30.00.",
        "Pays 0.00 USD; 30.00 USD stays for later rounds.",
    ]
    assert arithmetic(1, [50, 50], **given) == ["Hours: 50 min × 30.00 = 25.00."]
    assert "A dispute ended with nothing for this line." in arithmetic(0, [0, 50], **given)


def test_the_votes_of_a_voided_line_count_among_all_votes() -> None:
    rules_of = samples.document(split_by="thanks")
    given = {"voters": {FIRST: 1, SECOND: 3}, "voided": frozenset({SECOND}), "tips": 4_00}
    assert arithmetic(0, [60], policy=rules_of, **given)[:2] == [
        "Thanks: 1 of 4 votes × 18,000.00 = 4,500.00.",
        "Tip jar: 1 of 4 votes × 4.00 = 1.00.",
    ]


def test_a_line_of_nothing_has_nothing_to_explain() -> None:
    assert arithmetic(1, [60], voters={SECOND: 1}) == []


def test_the_rules_of_the_real_figures() -> None:
    assert rules(samples.real_statement())[:2] == [
        "An hour is worth 30.00 USD before the cap; "
        "the round pays at most 18,000.00 USD (the cap).",
        (
            "All hours together: 2,733 h 2 min × 30.00 = 81,991.00 USD, more than the cap, so "
            "everybody is scaled by about 0.219536. An hour gave about 6.58 USD on average."
        ),
    ]
    assert samples.real_statement().hour_value == 658


@pytest.mark.parametrize(
    ("minutes", "settings", "said"),
    (
        ([60], {}, "30.00 USD, within the cap, so every hour counts in full."),
        ([], {}, "No hours count in this round."),
        ([60], {"split_by": "thanks"}, "shared by thanks: every person who thanked"),
        ([60, 60], {"max_share": "0.1"}, "60.00 USD; the largest share limits 2 helpers. An hour"),
        ([60], {"cap": "20"}, "30.00 USD, more than the cap. An hour gave about 20.00 USD"),
        (
            [60],
            {"max_share": "12.5"},
            "Nobody gets more than 12.5 % of the cap for hours, 2,250.00",
        ),
        (
            [60],
            {"split_by": "mixed", "thanks_share": "25"},
            "25 % of it, 4,500.00 USD, are shared by thanks; up to 13,500.00 USD go to hours",
        ),
        ([60], {"pay_currency": "RPL"}, "paid in RPL, in steps of 0.01 RPL; no price is set yet"),
    ),
)
def test_every_kind_of_rule_has_its_words(
    minutes: list[int], settings: dict[str, str], said: str
) -> None:
    statement = samples.statement_of(minutes, policy=samples.document(**settings))
    assert said in " ".join(rules(statement))


def test_tips_price_and_scale_below_the_largest_share_are_told() -> None:
    said = " ".join(rules(samples.everything().statement))
    assert "Beside the cap, the tip jar of 400.00 USD is shared by thanks." in said
    assert "at 18.27 USD per RPL, and rounded half up to steps of 0.01 RPL." in said
    assert "everybody below the largest share is scaled by about 0.195274" in said


def test_people_who_declined_pay_do_not_count_in_the_value_of_an_hour() -> None:
    statement = samples.statement_of([60, 60], declined=frozenset({SECOND}))
    assert statement.hour_value == 3000
    assert samples.statement_of([]).hour_value is None
