from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.calendar import Timetable
from bot.domain.errors import Refusal
from bot.domain.money import LARGEST
from bot.domain.policy import (
    KEPT_WHILE_OPEN,
    MONTHS,
    REQUIRED,
    SETTINGS,
    change,
    problems,
    read,
    setting,
    value_of,
    zones,
)

ID = "123456789012345678"
MONEY = {"currency": "USD", "decimals": "2"}
READY = {
    "support_channel": ID,
    "committee_channel": ID,
    "committee_role": ID,
    "cap": "18000.00",
    "hourly_rate": "30.00",
}

DEFAULTS = {
    "support_channel": "",
    "committee_channel": "",
    "log_channel": "",
    "moderator_role": "",
    "committee_role": "",
    "committee_seats": "",
    "helper_role": "",
    "timezone": "UTC",
    "period": "quarter",
    "quarter_starts": "January",
    "call_day": "15",
    "close_day": "29",
    "compute_hour": "20",
    "pay_day": "1",
    "dispute_days": "14",
    "currency": "",
    "decimals": "2",
    "cap": "",
    "hourly_rate": "",
    "max_share": "100",
    "split_by": "hours",
    "thanks_share": "0",
    "pay_currency": "",
    "pay_step": "0.01",
    "min_votes": "5",
    "reminder_hours": "2",
    "thanks_emoji": "",
    "voter_account_days": "7",
    "voter_member_days": "0",
    "admission": "vouched",
    "approvals": "1",
    "pay_after": "publication",
    "public_counts": "no",
    "notify_helpers": "no",
    "activity_days": "90",
    "tip_address": "",
    "network": "evm",
    "chain_id": "1",
    "token_address": "",
    "token_decimals": "18",
    "safe_address": "",
    "asset_id": "native",
}

CHANNELS = ("support_channel", "committee_channel", "log_channel")
ROLES = ("moderator_role", "committee_role", "helper_role")
NUMBERS = {
    "committee_seats": (1, 1000),
    "call_day": (1, 28),
    "close_day": (1, 31),
    "compute_hour": (0, 23),
    "pay_day": (1, 28),
    "dispute_days": (1, 90),
    "decimals": (0, 8),
    "min_votes": (0, 10_000),
    "reminder_hours": (0, 168),
    "voter_account_days": (0, 3650),
    "voter_member_days": (0, 3650),
    "approvals": (1, 25),
    "activity_days": (1, 3650),
    "chain_id": (1, 999_999_999),
    "token_decimals": (0, 36),
}
WORDS = {
    "period": ("quarter", "month"),
    "split_by": ("hours", "thanks", "mixed"),
    "admission": ("open", "vouched", "moderated"),
    "pay_after": ("publication", "disputes"),
    "network": ("evm", "polkadot", "kusama", "phala", "substrate"),
}
SWITCHES = ("public_counts", "notify_helpers")
CURRENCIES = ("currency", "pay_currency")
ADDRESSES = ("tip_address", "token_address", "safe_address")


def typed(name: str, text: str, **document: str) -> str:
    """What a setting becomes when a person types this text."""
    return change(document, name, text)[name]


def test_every_setting_has_its_default() -> None:
    assert {name: value_of({}, name) for name in SETTINGS} == DEFAULTS


def test_the_defaults_as_typed_values() -> None:
    policy = read({})
    assert policy.timetable == Timetable()
    assert (policy.cap, policy.hourly_rate, policy.decimals) == (None, None, 2)
    assert (policy.max_share_bp, policy.thanks_share_bp) == (10_000, 0)
    assert (policy.pay_step, policy.public_counts, policy.notify_helpers) == ((1, 2), False, False)
    assert (policy.support_channel, policy.committee_role) == (None, None)


def test_every_setting_is_covered_here() -> None:
    others = {"timezone", "quarter_starts", "cap", "hourly_rate", "max_share", "thanks_share"}
    others |= {"pay_step", "thanks_emoji", "asset_id"}
    groups = {*CHANNELS, *ROLES, *NUMBERS, *WORDS, *SWITCHES, *CURRENCIES, *ADDRESSES}
    assert groups | others == set(SETTINGS)


@pytest.mark.parametrize("name", CHANNELS)
@pytest.mark.parametrize("text", (f"<#{ID}>", ID, f"  {ID} "))
def test_a_channel_is_a_mention_or_an_id(name: str, text: str) -> None:
    assert typed(name, text) == ID


@pytest.mark.parametrize("name", ROLES)
@pytest.mark.parametrize("text", (f"<@&{ID}>", ID))
def test_a_role_is_a_mention_or_an_id(name: str, text: str) -> None:
    assert typed(name, text) == ID


@pytest.mark.parametrize(
    ("names", "texts"),
    (
        (
            CHANNELS,
            ("", "#support", "support", f"<@&{ID}>", f"<@{ID}>", "12", f"{ID}9999", "١" * 18),
        ),
        (ROLES, ("", "@committee", f"<#{ID}>", f"<@{ID}>", "@everyone", "-1")),
    ),
)
def test_what_is_neither_mention_nor_id_is_refused(
    names: tuple[str, ...], texts: tuple[str, ...]
) -> None:
    for name in names:
        for text in texts:
            with pytest.raises(Refusal, match=rf"`{name}` accepts .* as a mention or an id\."):
                change({}, name, text)


@pytest.mark.parametrize(("name", "low", "high"), [(n, *bounds) for n, bounds in NUMBERS.items()])
def test_a_number_is_whole_and_within_its_bounds(name: str, low: int, high: int) -> None:
    assert typed(name, str(low)) == str(low)
    assert typed(name, str(high)) == str(high)
    assert typed(name, f"0{low}") == str(low)
    for text in (str(low - 1), str(high + 1), *BAD_NUMBERS, "2.5", "1,000", "５"):
        with pytest.raises(Refusal, match=f"`{name}` accepts a whole number from {low} to {high}"):
            change({}, name, text)


BAD_NUMBERS = ("", "NaN", "nan", "-5", "+5", "1e999", "1e3", "inf", "Infinity", "9" * 60, "many")


@pytest.mark.parametrize(("name", "words"), WORDS.items())
def test_a_choice_takes_its_words_in_any_case(name: str, words: tuple[str, ...]) -> None:
    for word in words:
        assert typed(name, word.upper()) == word
        assert read({name: word})
    for text in ("", "other", "yes", "1", words[0] + "x"):
        with pytest.raises(Refusal, match=f"`{name}` accepts one of {', '.join(words)}"):
            change({}, name, text)


@pytest.mark.parametrize("name", SWITCHES)
def test_a_switch_is_yes_or_no_as_people_write_it(name: str) -> None:
    assert {typed(name, text) for text in ("yes", "Y", "on", "TRUE")} == {"yes"}
    assert {typed(name, text) for text in ("no", "N", "off", "False")} == {"no"}
    for text in ("", "maybe", "1", "0", "yes please", "nein"):
        with pytest.raises(Refusal, match=f"`{name}` accepts yes or no"):
            change({}, name, text)
    assert read(change({}, name, "yes")) != read(change({}, name, "no"))


@pytest.mark.parametrize(
    ("text", "zone"),
    (
        ("UTC", "UTC"),
        ("utc", "UTC"),
        ("europe/berlin", "Europe/Berlin"),
        ("America/New York", "America/New_York"),
        ("asia/kathmandu", "Asia/Kathmandu"),
    ),
)
def test_a_time_zone_is_written_by_its_name(text: str, zone: str) -> None:
    assert typed("timezone", text) == zone
    assert read({"timezone": zone}).timetable.zone == zone


@pytest.mark.parametrize(
    ("text", "near"),
    (("Europe/Berlim", "Europe/Berlin"), ("+02:00", ""), ("", ""), ("../etc/passwd", "")),
)
def test_another_zone_is_refused_and_a_near_one_named(text: str, near: str) -> None:
    with pytest.raises(Refusal, match=f"such as UTC or Europe/Berlin.*{near}"):
        change({}, "timezone", text)


def test_zones_are_found_by_a_part_of_their_name() -> None:
    assert zones("berlin") == ["Europe/Berlin"]
    assert zones(" new york ") == ["America/New_York"]
    assert len(zones("a")) == 25
    assert zones("") == zones("nowhere") == []


@pytest.mark.parametrize(
    ("text", "month"),
    (
        *((month, month) for month in MONTHS),
        *(("dec", "December"), ("SEPT", "September"), ("3", "March"), ("01", "January")),
    ),
)
def test_the_first_quarter_starts_in_a_month_by_name(text: str, month: str) -> None:
    assert typed("quarter_starts", text) == month
    assert read({"quarter_starts": month}).timetable.quarter_starts == MONTHS.index(month) + 1


@pytest.mark.parametrize("text", ("", "ma", "j", "0", "13", "1.5", "-1", "Januarius", "Jän", "٣"))
def test_another_month_is_refused(text: str) -> None:
    with pytest.raises(Refusal, match="`quarter_starts` accepts a month by its name"):
        change({}, "quarter_starts", text)


@pytest.mark.parametrize("name", CURRENCIES)
def test_a_currency_is_a_code(name: str) -> None:
    assert typed(name, "usd") == "USD"
    assert typed(name, "RPL2") == "RPL2"
    for text in ("", "$", "U", "a dollar", "2USD", "TWELVELETTERS", "@everyone", "=USD", "USD\n1"):
        with pytest.raises(Refusal, match=f"`{name}` accepts a currency code of 2 to 10"):
            change({}, name, text)


@pytest.mark.parametrize(
    ("text", "value"),
    (
        ("18000", "18000.00"),
        ("18,000.50", "18000.50"),
        ("18000.5 usd", "18000.50"),
        ("0", "0.00"),
        ("92233720368547758.07", "92233720368547758.07"),
    ),
)
def test_a_cap_is_an_amount_in_the_currency(text: str, value: str) -> None:
    assert typed("cap", text, **MONEY) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    (
        *(
            (text, "Write an amount like")
            for text in ("", "NaN", "-5", "+5", "1e999", "inf", "ten")
        ),
        ("1,00", "Write an amount like"),
        ("1.000", "read in two ways"),
        ("1.234567", "at most 2 decimals"),
        ("92233720368547758.08", "too large"),
        ("9" * 60, "too large"),
        ("5 EUR", "The currency here is USD"),
        ("5 $", "1,000.50 USD"),
    ),
)
@pytest.mark.parametrize("name", ("cap", "hourly_rate"))
def test_what_is_no_amount_is_refused_with_an_accepted_form(
    name: str, text: str, reason: str
) -> None:
    with pytest.raises(Refusal, match=reason) as refused:
        change(MONEY, name, text)
    assert str(refused.value).startswith(f"`{name}` accepts an amount such as ")


@pytest.mark.parametrize(
    "text", ("30", "30.00", "30 USD/h", "30 / h", "30 per hour", "30 usd per hour")
)
def test_a_rate_is_an_amount_per_hour(text: str) -> None:
    assert typed("hourly_rate", text, **MONEY) == "30.00"


@pytest.mark.parametrize("text", ("0", "0.00 USD", "0.000"))
def test_a_rate_of_zero_is_refused(text: str) -> None:
    with pytest.raises(Refusal, match="`hourly_rate` accepts an"):
        change(MONEY, "hourly_rate", text)


@pytest.mark.parametrize(
    ("text", "value", "bp"),
    (("20", "20", 2000), ("20 %", "20", 2000), ("12.50%", "12.5", 1250), ("100", "100", 10_000)),
)
def test_shares_are_percentages(text: str, value: str, bp: int) -> None:
    for name in ("max_share", "thanks_share"):
        assert typed(name, text) == value
    assert read({"max_share": value}).max_share_bp == bp
    assert read({"thanks_share": value}).thanks_share_bp == bp


@pytest.mark.parametrize("text", ("", "NaN", "-1", "101", "1e999", "half", "20 percent", "12.345"))
def test_what_is_no_percentage_is_refused(text: str) -> None:
    for name in ("max_share", "thanks_share"):
        with pytest.raises(Refusal, match=rf"`{name}` accepts .* `12\.5%`"):
            change({}, name, text)


def test_the_largest_share_cannot_be_nothing_but_that_of_thanks_can() -> None:
    assert typed("thanks_share", "0 %") == "0"
    with pytest.raises(Refusal, match="`max_share` accepts a percentage above 0"):
        change({}, "max_share", "0 %")


@pytest.mark.parametrize(
    ("text", "value", "pair"),
    (
        ("1", "1", (1, 0)),
        ("0.01", "0.01", (1, 2)),
        ("0.50", "0.5", (5, 1)),
        ("1,000", "1000", (1000, 0)),
        ("0.00000001", "0.00000001", (1, 8)),
    ),
)
def test_payments_are_rounded_to_a_step(text: str, value: str, pair: tuple[int, int]) -> None:
    assert typed("pay_step", text) == value
    assert read({"pay_step": value}).pay_step == pair


@pytest.mark.parametrize("text", ("", "0", "-1", "NaN", "1e999", "0.000000001", "1 RPL", "9" * 60))
def test_what_is_no_step_is_refused(text: str) -> None:
    with pytest.raises(Refusal, match=r"`pay_step` accepts a step such as 0\.01\. .*`18\.27`"):
        change({}, "pay_step", text)


@pytest.mark.parametrize(
    "text", ("🙏", "👍🏽", "❤️", "🏴‍☠️", "1️⃣", "#⃣", f"<:thanks:{ID}>", f"<a:party_2:{ID}>")
)
def test_an_emoji_thanks(text: str) -> None:
    assert typed("thanks_emoji", text) == text


@pytest.mark.parametrize(
    "text",
    (
        "",
        "5",
        "123",
        "thanks",
        ":pray:",
        "!",
        "...",
        "🙏 🙏",
        "<:x:1>",
        "🙏" * 17,
        "@everyone",
        "مرحبا",
    ),
)
def test_what_is_no_emoji_is_refused(text: str) -> None:
    with pytest.raises(Refusal, match="`thanks_emoji` accepts one emoji, such as 🙏"):
        change({}, "thanks_emoji", text)


@pytest.mark.parametrize("name", ADDRESSES)
def test_an_address_has_the_form_of_one(name: str) -> None:
    for text in ("0x" + "aB" * 20, "12xtAYsRUrmbniiWQqJtECiBQrMn8AypQcXhnQAc6RB6XkLW"):
        assert typed(name, text) == text
    for text in ("", "0x12", "0x" + "g" * 40, "0" * 47, "vitalik.eth", "@everyone", "-1"):
        with pytest.raises(Refusal, match=f"`{name}` accepts an address: 0x and 40"):
            change({}, name, text)


def test_the_asset_is_a_word() -> None:
    assert typed("asset_id", "1984") == "1984"
    for text in ("", "a b", "=1", "x" * 41, "@everyone"):
        with pytest.raises(Refusal, match="`asset_id` accepts a word of letters and digits"):
            change({}, "asset_id", text)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_value_that_is_a_novel_is_refused(name: str) -> None:
    with pytest.raises(Refusal, match=rf"`{name}` accepts .* The value given is too long\."):
        change({}, name, "x" * 6000)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_dash_clears_every_setting(name: str) -> None:
    document = {**READY, name: READY.get(name, DEFAULTS[name])}
    cleared = change(document, name, " - ")
    assert name not in cleared
    assert value_of(cleared, name) == DEFAULTS[name]
    assert change({}, name, "-") == {}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_default_is_itself_accepted_and_the_document_given_stays(name: str) -> None:
    assert setting(f" {name.upper()} ") is SETTINGS[name]
    assert SETTINGS[name].meaning
    assert SETTINGS[name].accepts
    if DEFAULTS[name]:
        document: dict[str, str] = {}
        assert change(document, name, DEFAULTS[name]) == {name: DEFAULTS[name]}
        assert document == {}
    assert not SETTINGS[name].choices or DEFAULTS[name] in SETTINGS[name].choices


@pytest.mark.parametrize(
    ("text", "near"),
    (
        ("hourly", "hourly_rate"),
        ("max share", "max_share"),
        ("time_zone", "timezone"),
        ("moderators_role", "moderator_role"),
    ),
)
def test_an_unknown_name_suggests_near_ones(text: str, near: str) -> None:
    with pytest.raises(Refusal, match=f"no setting of that name. Did you mean .*`{near}`"):
        change({}, text, "1")


def test_a_name_unlike_any_points_to_the_list() -> None:
    with pytest.raises(Refusal) as refused:
        setting("zzzzzzzz")
    assert str(refused.value) == (
        "There is no setting of that name. `/settings show` lists them all."
    )


@pytest.mark.parametrize(
    ("before", "decimals", "after"),
    (
        ({"cap": "18000.00", "hourly_rate": "30.00"}, "0", {"cap": "18000", "hourly_rate": "30"}),
        ({"cap": "18000.50"}, "8", {"cap": "18000.50000000"}),
        ({"decimals": "3", "cap": "100.000"}, "2", {"cap": "100.00"}),
        ({"decimals": "3", "hourly_rate": "0.250"}, "2", {"hourly_rate": "0.25"}),
        ({"decimals": "3", "cap": "100.000"}, "-", {"cap": "100.00"}),
        ({"decimals": "0", "cap": "100"}, "-", {"cap": "100.00"}),
        ({"cap": "0.00"}, "0", {"cap": "0"}),
    ),
)
def test_a_change_of_decimals_writes_the_amounts_anew(
    before: dict[str, str], decimals: str, after: dict[str, str]
) -> None:
    changed = change(before, "decimals", decimals)
    if decimals != "-":
        assert changed.pop("decimals") == decimals
    assert changed == after
    assert read({**changed, "decimals": decimals if decimals != "-" else "2"})


@pytest.mark.parametrize(
    ("document", "decimals", "named"),
    (
        ({"cap": "18000.50"}, "0", "cap of 18000.50"),
        ({"hourly_rate": "30.25"}, "1", "hourly_rate of 30.25"),
        ({"cap": "92233720368547758.07"}, "3", "cap of 92233720368547758.07"),
        ({"decimals": "3", "cap": "0.125"}, "-", "cap of 0.125"),
        ({"decimals": "3", "cap": "0.125"}, "2", "cap of 0.125"),
    ),
)
def test_decimals_that_cannot_hold_an_amount_are_refused(
    document: dict[str, str], decimals: str, named: str
) -> None:
    with pytest.raises(Refusal) as refused:
        change(document, "decimals", decimals)
    name, *_ = named.split()
    assert str(refused.value) == (
        f"`decimals` accepts decimals that can hold the {named}; change {name} first."
    )


@given(st.integers(0, 8), st.integers(0, 8), st.integers(0, LARGEST))
def test_a_change_of_decimals_keeps_the_amount_or_is_refused(
    before: int, after: int, amount: int
) -> None:
    document = change({"decimals": str(before)}, "cap", str(amount // 10**before))
    worth = (amount // 10**before) * 10**after
    if worth > LARGEST:
        with pytest.raises(Refusal, match="change cap first"):
            change(document, "decimals", str(after))
    else:
        assert read(change(document, "decimals", str(after))).cap == worth


@given(st.sampled_from(sorted(SETTINGS)), st.text(max_size=220))
def test_whatever_is_typed_is_refused_in_words_or_read_back(name: str, text: str) -> None:
    try:
        document = change({}, name, text)
    except Refusal as refused:
        assert str(refused).startswith(f"`{name}` accepts ")  # noqa: PT017 - either is right
        return
    read(document)
    if name in document:
        assert change(document, name, document[name]) == document


def test_nothing_keeps_a_round_from_opening_once_everything_is_set() -> None:
    assert problems(READY) == []
    assert set(KEPT_WHILE_OPEN) < set(REQUIRED)


def test_problems_name_everything_that_is_missing() -> None:
    assert [problem.split("`")[1] for problem in problems({})] == list(REQUIRED)
    assert problems({**READY, "cap": ""}) == ["`cap` is not set: the most that a round pays."]


@pytest.mark.parametrize(
    ("settings", "problem"),
    (
        ({"split_by": "mixed"}, "`thanks_share` needs a percentage above 0"),
        ({"call_day": "20", "close_day": "19"}, "`call_day` comes after `close_day`"),
    ),
)
def test_combinations_are_checked_when_a_round_opens(
    settings: dict[str, str], problem: str
) -> None:
    (found,) = problems({**READY, **settings})
    assert problem in found


def test_combinations_that_fit_are_no_problem() -> None:
    assert not problems({**READY, "split_by": "mixed", "thanks_share": "20"})
    assert not problems({**READY, "call_day": "19", "close_day": "19"})


def test_reading_a_document_names_unknown_settings() -> None:
    with pytest.raises(ValueError, match="unknown settings: colour, size"):
        read({"size": "1", "cap": "1.00", "colour": "2"})


def test_reading_a_document_takes_no_number_of_decimals_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="decimals of 999999999"):
        read({"decimals": "999999999", "cap": "1.00"})


def test_a_whole_document_is_read_into_typed_values() -> None:
    document = {
        **READY,
        "committee_seats": "5",
        "currency": "USD",
        "pay_currency": "RPL",
        "pay_step": "1",
        "max_share": "12.5",
        "public_counts": "yes",
        "period": "month",
        "asset_id": "1984",
    }
    policy = read(document)
    assert (policy.support_channel, policy.committee_seats) == (int(ID), 5)
    assert (policy.cap, policy.hourly_rate) == (18_000_00, 30_00)
    assert (policy.currency, policy.pay_currency, policy.pay_step) == ("USD", "RPL", (1, 0))
    assert (policy.max_share_bp, policy.public_counts) == (1250, True)
    assert (policy.timetable.period, policy.asset_id) == ("month", "1984")
