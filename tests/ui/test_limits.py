"""Whatever is shown fits into what Discord takes, and no line of it is cut in the middle."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import discord
import pytest
from discord.webhook.async_ import async_context
from msgspec.structs import replace

from bot.domain.policy import SETTINGS
from bot.domain.statement import Sum
from bot.domain.states import Helper, Round
from bot.services.hours import LONGEST_LINK, LONGEST_NOTE, Card, Listing
from bot.services.lines import Worth
from bot.services.rounds import Status
from bot.services.settings import Origin
from bot.services.settlement import Change, Preview
from bot.ui import answers, cards, guide, notices, overviews, setup, statements
from bot.ui.pager import Pager
from tests.ui import samples

NOW = datetime(2026, 3, 31, 20, tzinfo=UTC)
ID = 2**63 - 1
WORST = ("x", "*", "<", "@everyone", "\N{ROCKET}", "\\", "`", "|| ")


def require_fit(*embeds: discord.Embed) -> None:
    """Discord's limits: title 256, description 4096, 25 fields of 1024, 6000 in a message."""
    for embed in embeds:
        assert len(embed.title or "") <= 256
        assert len(embed.description or "") <= 4096
        assert len(embed.fields) <= 25
        assert all(0 < len(field.value or "") <= 1024 for field in embed.fields)
        assert len(embed) <= 6000
        Pager([embed, discord.Embed()])  # the number of the page must fit too
        assert len(embed) <= 6000


def large_preview(worst: str) -> Preview:
    """25 lines, adjustments and warnings, each as long as it can be."""
    statement = samples.crowd(25).statement
    longest = (worst * 1000)[:1000]
    changes = tuple(
        Change(number, ID - number, 500_000, 9 * 10**18, longest, ID) for number in range(25)
    )
    return replace(
        samples.preview(statement),
        warnings=tuple(f"{(worst * 32)[:32]} logged a lot: {longest}" for _ in range(25)),
        adjustments=changes,
        approved_by=tuple(range(ID - 25, ID)),
        approvals_needed=25,
        price_source=longest,
    )


@pytest.mark.parametrize("worst", WORST)
def test_the_largest_draft_fits(worst: str) -> None:
    embeds = statements.preview(large_preview(worst))
    require_fit(*embeds)
    fields = {field.name: field.value or "" for field in embeds[0].fields}
    for name in ("To look at", "Adjustments"):
        lines = fields[name].splitlines()
        assert all(line.startswith("- ") for line in lines)
        assert lines[-1] == f"- and {25 - len(lines) + 1} more"


def test_a_name_in_a_warning_cannot_act() -> None:
    draft = replace(
        samples.preview(samples.real_statement()),
        warnings=("<@1> [free](https://evil.example) **big** @everyone: 13 h a day",),
    )
    (field,) = [f for f in statements.preview(draft)[0].fields if f.name == "To look at"]
    assert field.value is not None
    assert "<@1>" not in field.value.replace("\\<", "")
    assert "**big**" not in field.value
    assert "@everyone" not in field.value


@pytest.mark.parametrize("worst", WORST)
def test_the_largest_statement_fits(worst: str) -> None:
    published = samples.published(
        samples.crowd(50).statement, price_source=(worst * 1000)[:1000], admin_approval=True
    )
    embeds = statements.published(replace(published, approved_by=tuple(range(ID - 25, ID))))
    assert len(embeds) == 3
    require_fit(*embeds)
    require_fit(*statements.published(samples.vast()))


@pytest.mark.parametrize("worst", WORST)
def test_the_largest_card_and_list_fit(worst: str) -> None:
    card = Card(
        number=10**12,
        user_id=ID,
        name=(worst * 32)[:32],
        actor_id=ID - 1,
        minutes=8784 * 60 - 1,
        note=(worst * LONGEST_NOTE)[:LONGEST_NOTE],
        category="direct messages",
        evidence="https://" + "*" * (LONGEST_LINK - 8),
        work_date=NOW.date(),
        at=NOW,
        edited=True,
        withdrawn=True,
        label="2026-Q1",
        thread_id=ID,
    )
    require_fit(cards.card(card))
    listing = Listing(
        label="2026-Q1",
        name=(worst * 32)[:32],
        cards=(card,) * 40,
        total_minutes=10**9,
        worth=Worth("mixed", 9 * 10**18, 9 * 10**18),
        currency="ABCDEFGHIJ",
        decimals=8,
        done=True,
    )
    pages = cards.listing(listing)
    assert len(pages) == 3
    require_fit(*pages)


@pytest.mark.parametrize("worst", WORST)
def test_the_largest_settings_status_and_setup_fit(worst: str) -> None:
    value = (worst * 60)[:60]  # no setting accepts more
    largest = {"cap": f"{2**63}.00", "hourly_rate": f"{2**63}.00"}
    rows = [
        Origin(
            name,
            spec.meaning,
            spec.accepts,
            largest.get(name, value),
            version=10**6,
            actor_id=ID,
            at=NOW,
        )
        for name, spec in SETTINGS.items()
    ]
    require_fit(*overviews.settings(rows))
    status = Status(
        label="2026-Q1", state=Round.PUBLISHED, work_since=NOW, call_at=NOW, close_at=NOW,
        compute_at=NOW, pay_at=NOW, closed_at=NOW, published_at=NOW, dispute_until=NOW,
        thread_id=ID, helpers=10_000, minutes=10**9, finished=10_000, cap=9 * 10**18,
        used=9 * 10**18, currency="ABCDEFGHIJ",
        unused_before=(("2025-Q4", Sum(9 * 10**18, "ABCDEFGHIJ", 8)),) * 4,
        decimals=8, parked=((worst * 1000)[:1000],) * 25,
    )  # fmt: skip
    require_fit(overviews.status(status))
    document = {"currency": value, **largest} | dict.fromkeys(setup.PLACES, str(ID))
    lacking = [setup.Lack("support_channel", "x" * 200)] * 9
    for step in (1, 2):
        require_fit(setup.overview(document, lacking, step=step, open_label=None))


def test_help_and_about_fit() -> None:
    for moderator, committee, admin in itertools.product((False, True), repeat=3):
        require_fit(guide.commands_for(moderator=moderator, committee=committee, admin=admin))
    require_fit(guide.about("1.2.3", source="https://example.org/" + "x" * 200))


def test_the_roster_of_two_hundred_fits() -> None:
    rows: Any = [
        SimpleNamespace(
            user_id=ID, state=state, since=NOW, declines_pay=True, emoji="🦊",
            stop=SimpleNamespace(is_final=True),
        )
        for state in (Helper.ACTIVE, Helper.CANDIDATE, Helper.DROPPED) * 67
    ]  # fmt: skip
    pages = overviews.roster(rows)
    assert pages[0].title == "Roster: 201 people"
    require_fit(*pages)


@pytest.mark.parametrize("worst", WORST)
def test_every_notice_fits(worst: str) -> None:
    longest = (worst * 6000)[:6000]
    facts = {
        "number": 10**9, "actor": ID, "user": ID, "minutes": [0, 10**6],
        "amount": [0, 9 * 10**18], "reason": longest, "users": list(range(ID - 100, ID)),
        "reference": longest[:200],
    }  # fmt: skip
    statement = samples.everything()
    notes = (
        notices.adjusted("2026-Q1", statement.statement.policy, facts),
        notices.take_back("2026-Q1", facts),
        notices.taken_back("2026-Q1", facts),
        notices.voided(label="2026-Q1", reason=longest),
        notices.closed(
            label="2026-Q1", compute_at=NOW, next_thread_id=ID, late=True, reason=longest
        ),
        notices.paid(statement, list(range(ID - 100, ID)), longest[:200]),
        notices.settings_incomplete("2026-Q1", ["x" * 120] * 6),
    )
    for note in notes:
        assert len(note) <= 2000


class Sent:
    """What an answer was sent with; stands for an interaction, and for what carries its answer."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.extras: dict[str, Any] = {}
        self.id, self.token, self.type = 1, "token", None
        self.proxy = self.proxy_auth = self.allowed_mentions = self._session = None
        self.response = self.client = self.http = self._state = self

    def is_done(self) -> bool:
        """Nothing was answered before."""
        return False

    async def request(self, _route: object, _session: object, **options: Any) -> None:
        """Keep the message."""
        self.messages.append(options["payload"]["data"])


async def test_an_answer_of_more_than_two_thousand_characters_is_shortened() -> None:
    sent = Sent()
    before = async_context.set(cast("Any", sent))
    for length in (2001, 2000):
        await answers.answer(cast("discord.Interaction[Any]", sent), "x" * length)
    async_context.reset(before)
    assert sent.messages == [
        {"flags": 64, "content": "x" * 1999 + "…"}, {"flags": 64, "content": "x" * 2000},
    ]  # fmt: skip
