"""The HTML page of a published statement, read without a browser."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from msgspec.structs import replace

from bot.domain.bundle import Shown
from bot.domain.statement import Adjustment
from bot.domain.states import Line as LineState
from bot.domain.states import Round as RoundState
from bot.services.settlement import Published
from bot.ui.page import page
from tests.ui import samples

HTML_NAMESPACES = {"http://www.w3.org/2000/svg"}
EMPTY_TAGS = {"meta", "link"}


class Read(HTMLParser):
    """What a page consists of: tags with attributes, its words, its table as rows of cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words = ""
        self.rows: list[list[str]] = []
        self.style = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in EMPTY_TAGS:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, "tags are closed in order"

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            self.style += data
            return
        self.words += data
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data

    def has(self, words: str) -> bool:
        return words in " ".join(self.words.split())


@pytest.fixture(scope="module")
def real() -> Read:
    return Read(page(samples.real()))


@pytest.fixture(scope="module")
def everything() -> Read:
    return Read(page(samples.everything()))


def test_the_title_names_round_and_version(real: Read) -> None:
    assert real.words.count("Stipend 2026-Q1, version 1") == 2
    assert not real.open


def test_the_real_amounts_stand_in_the_table(real: Read) -> None:
    head, *lines, foot = real.rows
    assert head == ["Helper", "Hours", "For hours", "Amount, USD", "Status"]
    for (name, minutes, expected), (called, hours, _, amount, status) in zip(
        samples.real_rows(), lines, strict=True
    ):
        assert called == name
        assert hours == f"{minutes // 60:,} h {minutes % 60} min"
        assert amount.replace(",", "") == expected
        assert status == "due"
    assert foot == ["Total", "2,733 h 2 min", "18,000.00", "18,000.00", ""]


def test_columns_that_are_zero_for_all_are_left_out_and_others_are_not(everything: Read) -> None:
    head = everything.rows[0]
    assert head == [
        "Helper", "Hours", "For hours", "Votes", "Thanks", "Tips", "Adjustment", "Carry",
        "Paid in RPL", "Amount, USD", "Status",
    ]  # fmt: skip
    assert everything.rows[1] == [
        "Patches", "1,074 h 58 min", "5,400.00", "3", "519.23", "46.16", "0.00", "0.00",
        "326.51", "5,965.39", "paid",
    ]  # fmt: skip
    assert everything.rows[-1] == [
        "Total", "2,732 h 32 min", "13,500.00", "35", "4,500.00", "400.00", "-25.00", "-2,009.50",
        "933.16", "17,048.79", "",
    ]  # fmt: skip


def test_every_status_in_use_is_explained(real: Read, everything: Read) -> None:
    assert real.has("due: to be paid")
    assert not real.has("payment recorded")
    for status in LineState:
        assert f"{status}: " in " ".join(everything.words.split())


def test_dates_are_told_in_the_zone_of_the_policy(real: Read, everything: Read) -> None:
    assert real.has("31 March 2026, 20:42 UTC+02:00")
    assert real.has("14 April 2026, 23:59:59 UTC+02:00")
    assert real.has("1 April 2026, 00:00 UTC+02:00")
    assert real.has("Times are those of Europe/Berlin.")
    assert everything.has("31 March 2026, 14:42 UTC-04:00")
    assert ("time", {"datetime": "2026-03-31T20:42:00+02:00"}) in real.tags


def test_only_ordinary_spaces_are_written() -> None:
    assert not set(page(samples.real())) & set("\u00a0\u202f\u2009")


def test_the_rules_and_every_step_are_in_words(real: Read) -> None:
    assert real.has(
        "An hour is worth 30.00 USD before the cap; the round pays at most 18,000.00 USD (the cap)."
    )
    assert real.has("everybody is scaled by about 0.219536")
    assert real.has("1,076 h 28 min × 30.00 = 32,294.00; the cap scales everybody by")
    assert real.has("gives 7,089.71.")
    assert real.has("The cap is used in full.")


def test_what_is_left_of_the_cap_stays_with_the_funder() -> None:
    words = Read(page(samples.published(samples.statement_of([60]))))
    assert words.has("Unused: 17,970.00 USD of the cap, which stays with the funder.")


def test_adjustments_are_public_with_who_how_much_and_why(everything: Read) -> None:
    assert everything.has("Patches-1 h 30 min")
    assert everything.has("Counted twice: see #12 & <b>#13</b>.")
    assert everything.has("Adjustment 1, made by user 200000000000000001")
    assert everything.has("dEEtoo-25.00 USD")
    assert everything.has("Adjustment 2, made by Patches")
    assert everything.has("Łukasz+1 h")


def test_without_adjustments_there_is_no_heading_for_them(real: Read) -> None:
    assert not real.has("Adjustments by the committee")


def test_price_source_and_converted_total_are_told(everything: Read, real: Read) -> None:
    assert everything.has("Price: 1 RPL = 18.27 USD, from CoinGecko, 31 March 2026 18:00 UTC.")
    assert everything.has("paid as 933.16 RPL")
    assert not real.has("Price:")


def test_approvals_are_told_by_name_where_known() -> None:
    published = samples.real()
    unknown = Read(page(published))
    assert unknown.has("Approved byuser 200000000000000001, user 200000000000000002")
    known = Read(page(replace(published, names={samples.COMMITTEE: "Ada <3"})))
    assert known.has("Ada <3, user 200000000000000002")
    nobody = Read(page(replace(published, approved_by=())))
    assert nobody.has("Approved bynobody")


def test_an_approval_by_an_admin_is_told(everything: Read, real: Read) -> None:
    assert everything.has("An admin without a line gave an approval")
    assert not real.has("An admin")


def test_the_record_the_hash_and_the_check_are_there(real: Read) -> None:
    assert real.has("row 1,057")
    assert real.has(samples.HEAD)
    assert real.has(samples.real().statement.sha256)
    assert real.has("python -m bot verify stipend-2026-Q1-v1.json")


@pytest.mark.parametrize(
    ("state", "said"),
    (
        (RoundState.PUBLISHED, "Payout statement · published"),
        (RoundState.FINAL, "final: the time for disputes has passed"),
        (RoundState.SETTLED, "settled: nothing is left to be paid"),
        (RoundState.VOID, "void"),
        (RoundState.DRAFT, "Payout statement · draft"),
    ),
)
def test_the_state_of_the_round_is_in_words(state: RoundState, said: str) -> None:
    statement = samples.statement_of([60])
    assert Read(page(samples.published(statement, state=state))).has(said)


@pytest.mark.parametrize("published", (samples.real(), samples.everything(), samples.crowd()))
def test_the_page_needs_nothing_but_itself(published: Published) -> None:
    text = page(published)
    read = Read(text)
    names = {tag for tag, _ in read.tags}
    assert not names & {"script", "iframe", "object", "embed", "form", "base", "img", "a", "use"}
    for tag, attributes in read.tags:
        for name, value in attributes.items():
            assert not name.startswith("on")
            assert name not in {"style", "src", "srcset", "xlink:href"}
            if name == "href":
                assert (tag, value) == ("link", "data:,")
    assert "url(" not in read.style
    assert "@import" not in read.style
    assert set(re.findall(r"xmlns=\"([^\"]+)\"", text)) <= HTML_NAMESPACES


def test_the_security_policy_lets_in_this_style_sheet_alone(real: Read) -> None:
    policy = next(
        attributes["content"]
        for tag, attributes in real.tags
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    )
    digest = base64.b64encode(hashlib.sha256(real.style.encode()).digest()).decode()
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )
    assert sum(tag == "style" for tag, _ in real.tags) == 1


def test_hostile_names_and_reasons_are_text_alone() -> None:
    text = page(samples.crowd())
    read = Read(text)
    assert read.has("<script>alert(1)</script>")
    assert read.has("<script>alert(2)</script>")
    assert read.has('"><img src=x onerror=alert(1)>')
    assert read.has("{{ 7 * 7 }} {% raw %}")
    assert read.has("drawkcab")
    assert read.has("user 100000000000000014")
    assert not set(text) & set("\u202e\u202c\u200b\u00ad\x00")
    assert read.has("W" * 63 + "…")
    assert not read.has("W" * 64)


def test_the_table_is_marked_up_for_everybody(real: Read) -> None:
    scopes = [attributes.get("scope") for tag, attributes in real.tags if tag == "th"]
    assert scopes == ["col"] * 5 + ["row"] * 7
    assert sum(tag == "caption" for tag, _ in real.tags) == 1
    html = next(attributes for tag, attributes in real.tags if tag == "html")
    assert html == {"lang": "en"}
    chart = next(attributes for tag, attributes in real.tags if attributes.get("role") == "img")
    assert chart["aria-label"] is not None
    assert "Patches 7,089.71" in chart["aria-label"]
    headings = [tag for tag, _ in real.tags if tag in {"h1", "h2", "h3"}]
    assert headings[0] == "h1"
    assert headings.count("h1") == 1


def test_bars_beside_the_numbers_are_in_proportion(real: Read) -> None:
    widths = [
        int(attributes["width"] or "")
        for tag, attributes in real.tags
        if tag == "rect" and attributes.get("class") == "length"
    ]
    amounts = [line.amount for line in samples.real().statement.lines]
    assert widths == [amount * 1000 // max(amounts) for amount in amounts]


def thanked() -> Published:
    """A statement with thanks, tips and adjustments, paid in the currency of the cap."""
    rules = samples.document(split_by="mixed", thanks_share="25")
    first = samples.FIRST_USER
    statement = samples.statement_of(
        [66_000, 30_000, 900],
        policy=rules,
        voters={first: 12, first + 1: 3},
        tips=40_000,
        adjustments=(Adjustment(1, first, 0, -500),),
    )
    return samples.published(statement, samples.shown(statement, ("Ada", "Ben", "Cyd")))


def test_the_wider_the_numbers_the_earlier_the_table_becomes_cards() -> None:
    def width(published: Published) -> str:
        found = re.search(r'<table class="panel (\w+)"', page(published))
        assert found is not None
        return found[1]

    assert width(samples.real()) == "narrow"
    assert width(thanked()) == "wide"
    assert width(samples.everything()) == "huge"
    assert width(samples.vast()) == "huge"


def test_lines_beyond_the_chart_are_in_the_table() -> None:
    read = Read(page(samples.crowd(30)))
    assert len(read.rows) == 32
    assert read.has("The largest lines; 15 more are in the table.")


def test_a_round_of_nobody_is_a_page_too() -> None:
    statement = samples.statement_of([], policy=samples.document())
    read = Read(page(samples.published(statement)))
    assert read.has("Nobody has a line in this round.")
    assert read.has("to 0 helpers for 0 min of support")
    assert not read.rows


def test_a_line_of_nothing_says_so() -> None:
    statement = samples.statement_of([60], voters={samples.FIRST_USER + 1: 1})
    assert Read(page(samples.published(statement))).has("Nothing to compute.")


def test_a_currency_without_a_name_leaves_no_gap() -> None:
    document = {"hourly_rate": "30.00", "cap": "18000.00"}
    read = Read(page(samples.published(samples.statement_of([60], policy=document))))
    assert read.rows[0][3] == "Amount"
    assert not read.has(" .")
    assert not read.has("  ")


def test_times_in_utc_are_told_without_an_offset() -> None:
    words = Read(page(samples.published(samples.statement_of([60]))))
    assert words.has("31 March 2026, 18:42 UTC")
    assert not words.has("UTC+00:00")


def test_the_page_says_why_a_line_is_held() -> None:
    statement = samples.statement_of([60, 60])
    first, second = (line.user_id for line in statement.lines)
    beside = {
        first: Shown("Ada", LineState.HELD, reason="disputed"),
        second: Shown("Ben", LineState.DUE),
    }
    shown = page(samples.published(statement, beside))
    assert '<span class="state state-held">held</span> disputed</td>' in shown
    assert '<span class="state state-due">due</span></td>' in shown
