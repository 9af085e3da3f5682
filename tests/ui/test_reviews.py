"""Visible time beside a draft, and what is said of entries, within Discord's limits."""

from __future__ import annotations

from datetime import UTC, datetime

import discord
import pytest
from msgspec.structs import replace

from bot.domain.opinions import Opinion, Said
from bot.domain.sessions import Visible
from bot.domain.statement import Accepted, Facts, Statement, compute
from bot.services.activity import Presence
from bot.services.hours import Card, Listing
from bot.services.lines import Worth
from bot.services.opinions import Given
from bot.ui import cards, reviews
from tests.ui.test_limits import ID, require_fit

NOW = datetime(2026, 2, 1, tzinfo=UTC)
CARD = Card(
    number=1,
    user_id=11,
    name="Ada",
    actor_id=11,
    minutes=600,
    note="answered",
    category="forum",
    evidence="",
    work_date=None,
    at=NOW,
    edited=False,
    withdrawn=False,
    label="2026-Q1",
    thread_id=None,
    takes_opinions=True,
)


def statement(people: int) -> Statement:
    policy = {"cap": "18000.00", "hourly_rate": "30.00"}
    entries = tuple(Accepted(number, ID - number, 60 * number) for number in range(1, people + 1))
    return compute(Facts(1, "2026-Q1", 1, policy, entries))


def presence(people: int, visible: Visible, since: datetime | None = None) -> list[discord.Embed]:
    users = [ID - number for number in range(1, people + 1)]
    return reviews.presence(statement(people), Presence(dict.fromkeys(users, visible), since))


def test_visible_time_stands_beside_the_claim_largest_first() -> None:
    (page,) = presence(2, Visible(65, 80, 5))
    assert page.title == "Visible activity 2026-Q1"
    assert (page.description or "").splitlines()[2:] == [
        f"<@{ID - 2}> claims 2 h · visible activity 1 h 5 min to 1 h 20 min in 5 sessions",
        f"<@{ID - 1}> claims 1 h · visible activity 1 h 5 min to 1 h 20 min in 5 sessions",
    ]
    assert "never paid" in (page.description or "")
    assert "not kept" not in (page.description or "")


def test_who_was_not_seen_and_what_is_deleted_is_said() -> None:
    (page,) = presence(1, Visible(0, 0, 0), since=NOW)
    assert f"Messages before <t:{int(NOW.timestamp())}:f> are not kept." in (page.description or "")
    assert (page.description or "").endswith("claims 1 h · no messages seen")
    assert reviews.presence(statement(1), None) == []


def test_many_helpers_are_shown_in_pages() -> None:
    pages = presence(100, Visible(10**6, 10**6, 10**5), since=NOW)
    assert len(pages) == 7
    require_fit(*pages)


def said(count: int) -> tuple[Said, ...]:
    return tuple(
        Said(ID - number, list(Opinion)[number % 3], is_claimant=number % 2 == 0)
        for number in range(count)
    )


def listing(*entries: Card, shows_who: bool = False) -> Listing:
    return Listing(
        label="2026-Q1",
        name="Ada",
        cards=entries,
        total_minutes=600,
        worth=Worth("hours", 50_00),
        currency="USD",
        decimals=2,
        done=False,
        shows_who=shows_who,
    )


@pytest.mark.parametrize("shows_who", (False, True))
@pytest.mark.parametrize("count", (0, 1, 3000))
def test_opinions_fit_under_every_entry(count: int, *, shows_who: bool) -> None:
    entry = replace(CARD, note="*" * 6000, said=said(count))
    require_fit(*cards.listing(listing(*[entry] * 40, shows_who=shows_who)), cards.card(entry))


def test_the_committee_reads_whose_an_opinion_is_and_others_are_counted() -> None:
    entry = replace(CARD, said=said(40))
    (page,) = cards.listing(listing(entry, shows_who=True))
    assert "14 too low: " in (page.description or "")
    assert "(with entries in this round); 13 fair: " in (page.description or "")
    assert "and 2 more" in (page.description or "")


@pytest.mark.parametrize(
    ("opinions", "words"),
    (
        ("h", "1 too high"),
        ("H", "1 too high (from a claimant)"),
        ("HH", "2 too high (from claimants)"),
        ("Hh", "2 too high (1 from a claimant)"),
        ("HHh", "3 too high (2 from claimants)"),
        ("lFh", "1 too low, 1 fair (from a claimant), 1 too high"),
    ),
)
def test_a_card_counts_opinions_and_labels_claimants(opinions: str, words: str) -> None:
    letters = {"l": Opinion.LOW, "f": Opinion.FAIR, "h": Opinion.HIGH}
    given = tuple(
        Said(number, letters[letter.lower()], is_claimant=letter.isupper())
        for number, letter in enumerate(opinions)
    )
    (field,) = [
        each for each in cards.card(replace(CARD, said=given)).fields if each.name == "Opinions"
    ]
    assert field.value == words


async def test_a_card_has_buttons_while_something_can_be_said_of_it() -> None:
    view = cards.opinion_buttons(CARD)
    assert view is not None
    assert [getattr(item, "custom_id", "") for item in view.children] == [
        "opinion:1:low",
        "opinion:1:fair",
        "opinion:1:high",
    ]
    assert cards.opinion_buttons(replace(CARD, takes_opinions=False)) is None


def test_an_answer_says_what_stands_and_who_sees_it() -> None:
    given = Given(1, 11, "2026-Q1", Opinion.LOW, None, is_claimant=False)
    assert "#1 of <@11> seems **too low** to you" in cards.opinion_given(given)
    changed = cards.opinion_given(replace(given, before=Opinion.HIGH))
    assert "**too low** instead of too high" in changed
    assert "said that already" in cards.opinion_given(replace(given, before=Opinion.LOW))
