"""The settings of a server: what each means, what it accepts, and the policy they make up.

A policy document maps the name of a setting to its canonical text, for the settings that were
set; everything else has its default. Canonical texts are what is stored, hashed and exported;
`read` turns a document into typed values.
"""

from __future__ import annotations

import difflib
import re
import zoneinfo
from collections.abc import Callable, Mapping

from msgspec import Struct

from bot.domain import emoji
from bot.domain.calendar import Timetable
from bot.domain.errors import Refusal
from bot.domain.money import (
    format_amount,
    format_share,
    parse_amount,
    parse_decimal,
    parse_share_bp,
)

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
CLEAR = "-"
LONGEST_VALUE = 200
MOST_DECIMALS = 8
REQUIRED = ("support_channel", "committee_channel", "committee_role", "cap", "hourly_rate")
KEPT_WHILE_OPEN = ("cap", "hourly_rate")


class Setting(Struct, frozen=True):
    """One setting: its meaning, the accepted form in words, its default and its parser.

    `parse` takes what a person typed and the document so far, and returns the canonical text.
    """

    name: str
    meaning: str
    accepts: str
    parse: Callable[[str, Mapping[str, str]], str]
    default: str = ""
    choices: tuple[str, ...] = ()
    kind: str = "text"


class Policy(Struct, frozen=True):
    """The settings of a server as typed values; amounts in the smallest unit, shares in bp."""

    support_channel: int | None
    committee_channel: int | None
    log_channel: int | None
    moderator_role: int | None
    committee_role: int | None
    committee_seats: int | None
    helper_role: int | None
    timetable: Timetable
    currency: str
    decimals: int
    cap: int | None
    hourly_rate: int | None
    max_share_bp: int
    split_by: str
    thanks_share_bp: int
    pay_currency: str
    pay_step: tuple[int, int]
    min_votes: int
    reminder_hours: int
    thanks_emoji: str
    voter_account_days: int
    voter_member_days: int
    admission: str
    approvals: int
    pay_after: str
    public_counts: bool
    notify_helpers: bool
    activity_days: int
    tip_address: str
    network: str
    chain_id: int
    token_address: str
    token_decimals: int
    safe_address: str
    asset_id: str


def _whole(low: int, high: int) -> Callable[[str, Mapping[str, str]], str]:
    def parse(text: str, _document: Mapping[str, str]) -> str:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise Refusal(f"a whole number from {low} to {high}")
        return str(int(text))

    return parse


def _choice(*choices: str) -> Callable[[str, Mapping[str, str]], str]:
    def parse(text: str, _document: Mapping[str, str]) -> str:
        if text.lower() not in choices:
            raise Refusal(f"one of {', '.join(choices)}")
        return text.lower()

    return parse


def _yes_no(text: str, _document: Mapping[str, str]) -> str:
    word = text.lower()
    if word in {"yes", "y", "on", "true"}:
        return "yes"
    if word in {"no", "n", "off", "false"}:
        return "no"
    raise Refusal("yes or no")


def _mention(sigil: str, form: str) -> Callable[[str, Mapping[str, str]], str]:
    pattern = re.compile(rf"<{re.escape(sigil)}([0-9]{{15,20}})>|([0-9]{{15,20}})")

    def parse(text: str, _document: Mapping[str, str]) -> str:
        match = pattern.fullmatch(text)
        if match is None:
            raise Refusal(f"{form}, as a mention or an id")
        return match[1] or match[2]

    return parse


def zones(typed: str) -> list[str]:
    """Return the time zones whose name contains what was typed, at most 25; none for nothing."""
    wanted = typed.strip().replace(" ", "_").lower()
    if not wanted:
        return []
    return sorted(name for name in zoneinfo.available_timezones() if wanted in name.lower())[:25]


def _zone(text: str, _document: Mapping[str, str]) -> str:
    known = {name.lower(): name for name in zoneinfo.available_timezones()}
    wanted = text.replace(" ", "_").lower()
    if wanted in known:
        return known[wanted]
    near = difflib.get_close_matches(wanted, known, n=3, cutoff=0.5)
    hint = f", for example {', '.join(known[name] for name in near)}" if near else ""
    raise Refusal(f"a time zone such as UTC or Europe/Berlin{hint}")


def _month(text: str, _document: Mapping[str, str]) -> str:
    word = text.lower()
    if re.fullmatch(r"[0-9]{1,2}", word) and 1 <= int(word) <= len(MONTHS):
        return MONTHS[int(word) - 1]
    found = [
        month for month in MONTHS if len(word) >= len("jan") and month.lower().startswith(word)
    ]
    if len(found) == 1:
        return found[0]
    raise Refusal("a month by its name, such as January")


def _currency(text: str, _document: Mapping[str, str]) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]{1,9}", text):
        raise Refusal("a currency code of 2 to 10 letters or digits, such as USD or RPL")
    return text.upper()


def _amount(text: str, document: Mapping[str, str]) -> str:
    decimals = int(value_of(document, "decimals"))
    currency = value_of(document, "currency")
    amount = parse_amount(text, decimals=decimals, currency=currency)
    return format_amount(amount, decimals=decimals)


def _rate(text: str, document: Mapping[str, str]) -> str:
    amount = _amount(re.sub(r"\s*(/\s*h|per hour)$", "", text), document)
    if not re.search(r"[1-9]", amount):
        raise Refusal("an hourly rate above zero, such as 30.00")
    return amount


def _percent(text: str, _document: Mapping[str, str]) -> str:
    return format_share(parse_share_bp(text))


def _positive_percent(text: str, _document: Mapping[str, str]) -> str:
    share_bp = parse_share_bp(text)
    if not share_bp:
        raise Refusal("a percentage above 0 and up to 100, such as 20")
    return format_share(share_bp)


def _step(text: str, _document: Mapping[str, str]) -> str:
    unscaled, scale = parse_decimal(text, largest_decimals=MOST_DECIMALS)
    return format_amount(unscaled, decimals=scale)


def _without_idle_zeros(amount: str) -> str:
    """`100.000` as `100`: with fewer decimals the long form could be read in two ways."""
    return amount.rstrip("0").rstrip(".") if "." in amount else amount


def _decimals(text: str, document: Mapping[str, str]) -> str:
    decimals = _whole(0, MOST_DECIMALS)(text, document)
    for name in ("cap", "hourly_rate"):
        if name in document:
            try:
                parse_amount(_without_idle_zeros(document[name]), decimals=int(decimals))
            except Refusal:
                raise Refusal(
                    f"decimals that can hold the {name} of {document[name]}; change {name} first"
                ) from None
    return decimals


def _emoji(text: str, _document: Mapping[str, str]) -> str:
    try:
        return emoji.parse(text)
    except Refusal as refusal:
        raise Refusal("one emoji, such as 🙏") from refusal


def _address(text: str, _document: Mapping[str, str]) -> str:
    if re.fullmatch(r"0x[0-9a-fA-F]{40}|[1-9A-HJ-NP-Za-km-z]{46,50}", text):
        return text
    raise Refusal("an address: 0x and 40 hexadecimal digits, or an SS58 address")


def _word(text: str, _document: Mapping[str, str]) -> str:
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}", text):
        return text
    raise Refusal("a word of letters and digits")


def _setting(
    name: str,
    meaning: str,
    parse: Callable[[str, Mapping[str, str]], str],
    accepts: str,
    default: str = "",
    **extra: object,
) -> tuple[str, Setting]:
    choices = extra.get("choices", ())
    kind = extra.get("kind", "text")
    assert isinstance(choices, tuple)
    return name, Setting(name, meaning, accepts, parse, default, choices, str(kind))


def _one_of(name: str, meaning: str, default: str, choices: tuple[str, ...]) -> tuple[str, Setting]:
    return _setting(
        name, meaning, _choice(*choices), " or ".join(choices), default, choices=choices
    )


def _switch(name: str, meaning: str) -> tuple[str, Setting]:
    return _setting(name, meaning, _yes_no, "yes or no", "no", choices=("yes", "no"))


def _number(name: str, meaning: str, default: str, low: int, high: int) -> tuple[str, Setting]:
    return _setting(name, meaning, _whole(low, high), f"{low} to {high}", default)


def _channel(name: str, meaning: str) -> tuple[str, Setting]:
    return _setting(name, meaning, _mention("#", "a channel"), "a channel", kind="channel")


def _role(name: str, meaning: str) -> tuple[str, Setting]:
    return _setting(name, meaning, _mention("@&", "a role"), "a role", kind="role")


SETTINGS: Mapping[str, Setting] = dict(
    (
        _channel("support_channel", "where rounds are announced and their threads live"),
        _channel("committee_channel", "where drafts and notes for the committee go"),
        _channel("log_channel", "where the record is mirrored"),
        _role("moderator_role", "who keeps the roster"),
        _role("committee_role", "who reviews, approves, publishes and records payments"),
        _number("committee_seats", "how many seats the committee has", "", 1, 1000),
        _role("helper_role", "given to active helpers"),
        _setting("timezone", "the zone of all dates", _zone, "a zone such as Europe/Berlin", "UTC"),
        _one_of("period", "how long a round lasts", "quarter", ("quarter", "month")),
        _setting(
            "quarter_starts", "the month in which the first quarter starts",
            _month, "a month", "January", choices=MONTHS,
        ),
        _number("call_day", "day of the last month on which claims are called for", "15", 1, 28),
        _number("close_day", "last day for hours, at most the month's last but one", "29", 1, 31),
        _number("compute_hour", "hour of the last day at which the draft is made", "20", 0, 23),
        _number("pay_day", "day of the next month on which payment is called due", "1", 1, 28),
        _number("dispute_days", "days after publication in which a dispute counts", "14", 1, 90),
        _setting("currency", "the currency of rate and cap", _currency, "a code such as USD"),
        _setting("decimals", "decimal places of amounts", _decimals, "0 to 8", "2"),
        _setting("cap", "the most that a round pays", _amount, "an amount such as 18,000.00"),
        _setting("hourly_rate", "what an hour is worth", _rate, "an amount such as 30.00"),
        _setting(
            "max_share", "the most that one helper can get of the cap, in percent",
            _positive_percent, "above 0 to 100 percent", "100",
        ),
        _one_of("split_by", "what is shared by", "hours", ("hours", "thanks", "mixed")),
        _setting(
            "thanks_share", "the part of the cap that is shared by thanks (mixed), in percent",
            _percent, "0 to 100 percent", "0",
        ),
        _setting("pay_currency", "the currency that is paid, if another", _currency, "a code"),
        _setting(
            "pay_step", "the step a payment is rounded to",
            _step, "a step such as 0.01", "0.01",
        ),
        _number("min_votes", "voters that keep a helper on the board", "5", 0, 10_000),
        _number("reminder_hours", "hours between reminders, 0 for none", "2", 0, 168),
        _setting("thanks_emoji", "reacting with it thanks the author", _emoji, "one emoji"),
        _number("voter_account_days", "age of an account whose thanks count", "7", 0, 3650),
        _number("voter_member_days", "days in the server before thanks count", "0", 0, 3650),
        _one_of(
            "admission", "how one becomes a helper", "vouched", ("open", "vouched", "moderated")
        ),
        _number("approvals", "committee members who approve a draft", "1", 1, 25),
        _one_of(
            "pay_after", "from when lines are due", "publication", ("publication", "disputes")
        ),
        _switch("public_counts", "whether counts are shown while a round is open"),
        _switch("notify_helpers", "whether claim call and payment notice mention the helper role"),
        _number("activity_days", "days that observed activity is kept", "90", 1, 3650),
        _setting("tip_address", "where tips are sent", _address, "an address"),
        _one_of(
            "network", "the network of addresses and payments", "evm",
            ("evm", "polkadot", "kusama", "phala", "substrate"),
        ),
        _number("chain_id", "the chain of payment files", "1", 1, 999_999_999),
        _setting("token_address", "the token that is paid; empty: the native coin",
            _address, "an address"),
        _number("token_decimals", "decimals of the token", "18", 0, 36),
        _setting("safe_address", "the Safe that pays", _address, "an address"),
        _setting("asset_id", "the asset of Mimir files", _word, "a word or number", "native"),
    )
)  # fmt: skip


def value_of(document: Mapping[str, str], name: str) -> str:
    """Return the canonical text of a setting, its default where it was not set."""
    return document.get(name, SETTINGS[name].default)


def setting(name: str) -> Setting:
    """Find a setting by its name; the refusal names the nearest ones."""
    known = SETTINGS.get(name.strip().lower())
    if known is None:
        near = difflib.get_close_matches(name.strip().lower(), SETTINGS, n=3, cutoff=0.4)
        hint = f" Did you mean {' or '.join(f'`{found}`' for found in near)}?" if near else ""
        raise Refusal(f"There is no setting of that name.{hint} `/settings show` lists them all.")
    return known


def change(document: Mapping[str, str], name: str, text: str) -> dict[str, str]:
    """Return the document with one setting changed to what a person typed, `-` clears it.

    Raises `Refusal` with the accepted form. Settings that depend on each other only by their
    combination are checked when a round opens (`problems`).
    """
    spec = setting(name)
    typed = text.strip()
    changed = dict(document)
    if typed == CLEAR:
        changed.pop(spec.name, None)
        if spec.name == "decimals":
            _parsed(spec, spec.default, document)
    elif len(typed) > LONGEST_VALUE:
        raise Refusal(f"`{spec.name}` accepts {spec.accepts}. The value given is too long.")
    else:
        changed[spec.name] = _parsed(spec, typed, document)
    return _restated(changed) if spec.name == "decimals" else changed


def _parsed(spec: Setting, text: str, document: Mapping[str, str]) -> str:
    try:
        return spec.parse(text, document)
    except Refusal as refusal:
        sentence = str(refusal)
        form = sentence if sentence[:1].islower() else f"{spec.accepts}. {sentence}"
        raise Refusal(f"`{spec.name}` accepts {form.rstrip('.')}.") from refusal


def _restated(document: Mapping[str, str]) -> dict[str, str]:
    """Write the amounts with the document's own number of decimals."""
    restated = dict(document)
    for name in ("cap", "hourly_rate"):
        if name in restated:
            restated[name] = _amount(_without_idle_zeros(restated[name]), document)
    return restated


def problems(document: Mapping[str, str]) -> list[str]:
    """Return what keeps a round from opening with these settings, a sentence each."""
    found = [
        f"`{name}` is not set: {SETTINGS[name].meaning}."
        for name in REQUIRED
        if not value_of(document, name)
    ]
    return found + conflicts(document)


def conflicts(document: Mapping[str, str]) -> list[str]:
    """Return which settings do not go together, a sentence each."""
    found = []
    mixed = value_of(document, "split_by") == "mixed"
    if mixed and value_of(document, "thanks_share") == "0":
        found.append("`split_by` is mixed, so `thanks_share` needs a percentage above 0.")
    if read(document).timetable.call_day > read(document).timetable.close_day:
        found.append(
            "`call_day` comes after `close_day`: claims must be called for before the end."
        )
    return found


def read(document: Mapping[str, str]) -> Policy:
    """Turn a document into typed values.

    An unknown name is a `ValueError` that names it: the document was written by a newer program
    or changed by hand.
    """
    unknown = sorted(set(document) - set(SETTINGS))
    if unknown:
        raise ValueError(f"unknown settings: {', '.join(unknown)}")

    def text(name: str) -> str:
        return value_of(document, name)

    def number(name: str) -> int:
        return int(text(name))

    if number("decimals") > MOST_DECIMALS:
        raise ValueError(f"decimals of {text('decimals')}")

    def optional(name: str) -> int | None:
        return int(text(name)) if text(name) else None

    def money(name: str) -> int | None:
        return parse_amount(text(name), decimals=number("decimals")) if text(name) else None

    return Policy(
        support_channel=optional("support_channel"),
        committee_channel=optional("committee_channel"),
        log_channel=optional("log_channel"),
        moderator_role=optional("moderator_role"),
        committee_role=optional("committee_role"),
        committee_seats=optional("committee_seats"),
        helper_role=optional("helper_role"),
        timetable=Timetable(
            zone=text("timezone"),
            period=text("period"),
            quarter_starts=MONTHS.index(text("quarter_starts")) + 1,
            call_day=number("call_day"),
            close_day=number("close_day"),
            compute_hour=number("compute_hour"),
            pay_day=number("pay_day"),
            dispute_days=number("dispute_days"),
        ),
        currency=text("currency"),
        decimals=number("decimals"),
        cap=money("cap"),
        hourly_rate=money("hourly_rate"),
        max_share_bp=parse_share_bp(text("max_share")),
        split_by=text("split_by"),
        thanks_share_bp=parse_share_bp(text("thanks_share")),
        pay_currency=text("pay_currency"),
        pay_step=parse_decimal(text("pay_step"), largest_decimals=MOST_DECIMALS),
        min_votes=number("min_votes"),
        reminder_hours=number("reminder_hours"),
        thanks_emoji=text("thanks_emoji"),
        voter_account_days=number("voter_account_days"),
        voter_member_days=number("voter_member_days"),
        admission=text("admission"),
        approvals=number("approvals"),
        pay_after=text("pay_after"),
        public_counts=text("public_counts") == "yes",
        notify_helpers=text("notify_helpers") == "yes",
        activity_days=number("activity_days"),
        tip_address=text("tip_address"),
        network=text("network"),
        chain_id=number("chain_id"),
        token_address=text("token_address"),
        token_decimals=number("token_decimals"),
        safe_address=text("safe_address"),
        asset_id=text("asset_id"),
    )
