"""The buttons under the cards of entries: pressed, changed, refused, and after a restart."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cogs.town import Town, text_of

LABELS = ["Too low", "Fair", "Too high"]


def card(town: Town, number: int = 1) -> Any:
    """The card of an entry in the thread of the round."""
    (found,) = [
        post
        for post in town.posts(town.thread("2026-Q1"))
        if post.embeds and f"#{number} · " in (post.embeds[0].title or "")
    ]
    return found


def labels(post: Any) -> list[str]:
    return [button.label for row in post.components for button in row.children]


def opinions(town: Town, number: int = 1) -> str:
    """What the card says of opinions, empty where it says nothing."""
    fields = card(town, number).embeds[0].fields
    return next((field.value for field in fields if field.name == "Opinions"), "")


async def logged(town: Town) -> Any:
    await town.open()
    await town.log_hours(town.alice, "10h")
    return card(town)


async def test_every_card_has_three_buttons(town: Town) -> None:
    post = await logged(town)
    assert labels(post) == LABELS
    assert opinions(town) == ""


async def test_an_opinion_is_counted_on_the_card_and_answered_to_its_giver_alone(
    town: Town,
) -> None:
    post = await logged(town)
    answer = await town.click(town.stranger, post, "Too high")
    assert answer == (
        f"Noted: #1 of {town.alice.mention} seems **too high** to you.\n"
        "The card counts it; the committee also sees that it is yours. No amount changes by it. "
        "Another button changes it until 2026-Q1 is published."
    )
    assert opinions(town) == "1 too high"
    assert town.stranger.mention not in text_of(card(town))


async def test_an_opinion_is_changed_by_another_button(town: Town) -> None:
    post = await logged(town)
    await town.click(town.stranger, post, "Too high")
    assert "seems **fair** instead of too high to you" in await town.click(
        town.stranger, post, "Fair"
    )
    await town.click(town.carol, post, "Fair")
    assert "said that already" in await town.click(town.carol, post, "Fair")
    assert opinions(town) == "2 fair"


async def test_opinions_of_claimants_are_labelled(town: Town) -> None:
    post = await logged(town)
    await town.log_hours(town.bob, "1h")
    answer = await town.click(town.bob, post, "Too high")
    assert "The card counts it, and that you have entries in this round yourself;" in answer
    assert opinions(town) == "1 too high (from a claimant)"
    await town.click(town.stranger, post, "Too high")
    await town.click(town.carol, post, "Too low")
    assert opinions(town) == "1 too low, 2 too high (1 from a claimant)"


async def test_the_helper_of_an_entry_is_refused(town: Town) -> None:
    post = await logged(town)
    assert "is your own" in await town.click(town.alice, post, "Too low")
    assert opinions(town) == ""


async def test_the_buttons_survive_a_restart(town: Town) -> None:
    post = await logged(town)
    await town.click(town.stranger, post, "Too high")
    await town.restart()
    await town.click(town.stranger, card(town), "Fair")
    await town.click(town.bob, card(town), "Too low")
    assert opinions(town) == "1 too low, 1 fair"
    assert labels(card(town)) == LABELS


async def test_a_card_that_was_edited_keeps_its_opinions(town: Town) -> None:
    post = await logged(town)
    await town.click(town.stranger, post, "Too high")
    await town.press(town.alice, town.support, "hours edit", entry="1", duration="5h")
    assert opinions(town) == "1 too high"
    assert labels(card(town)) == LABELS


async def test_a_withdrawn_entry_has_no_buttons_and_an_old_card_refuses(town: Town) -> None:
    post = await logged(town)
    old = await town.copy_of_post(post)
    await town.press(town.alice, town.support, "hours withdraw", entry="1")
    assert labels(card(town)) == []
    assert "is withdrawn" in await town.click(town.stranger, old, "Fair")


async def test_opinions_are_given_until_the_statement_is_published(town: Town) -> None:
    await town.open()
    await town.draft()
    await town.click(town.stranger, card(town), "Too high")
    (draft,) = [
        post for post in town.posts(town.committee) if post.embeds and "Draft" in text_of(post)
    ]
    assert 'alice has 1 opinion "too high" on 1 entry.' in text_of(draft)
    await town.publish()
    assert "is published" in await town.click(town.stranger, card(town), "Fair")
    assert opinions(town) == "1 too high"


async def test_a_helper_sees_how_many_and_the_committee_sees_who(town: Town) -> None:
    post = await logged(town)
    await town.log_hours(town.bob, "1h")
    for who, label in ((town.stranger, "Too high"), (town.bob, "Too high"), (town.dave, "Fair")):
        await town.click(who, post, label)
    own = await town.press(town.alice, town.support, "hours list")
    assert "> 1 fair, 2 too high (1 from a claimant)" in own
    assert town.stranger.mention not in own
    theirs = await town.press(town.carol, town.committee, "hours list", helper=town.alice)
    assert (
        f"> 1 fair: {town.dave.mention}; 2 too high: {town.stranger.mention}, "
        f"{town.bob.mention} (with entries in this round)"
    ) in theirs


async def test_an_opinion_changes_no_amount(town: Town) -> None:
    await town.open()
    await town.draft()
    before = await town.press(town.carol, town.committee, "payout preview")
    for who in (town.stranger, town.bob, town.dave):
        await town.click(who, card(town), "Too high")
    after = await town.press(town.carol, town.committee, "payout preview")
    hashes = [
        next(line for line in text.splitlines() if line.startswith("Hash"))
        for text in (before, after)
    ]
    assert hashes[0] == hashes[1]


@pytest.mark.parametrize("custom_id", ("opinion:999:fair", "opinion:999999999999:high"))
async def test_a_made_up_button_is_refused(town: Town, custom_id: str) -> None:
    post = await logged(town)
    stored = town.env.backend.get_message(post.channel.id, post.id)
    stored.components[0]["components"][0]["custom_id"] = custom_id
    assert "no such entry" in await town.click(town.stranger, card(town), "Too low")


async def test_the_card_is_brought_up_to_date_in_a_thread_that_is_archived(town: Town) -> None:
    await town.open()
    await town.draft()
    await town.archive_unnoticed(town.thread("2026-Q1"))
    await town.click(town.stranger, card(town), "Too high")
    assert opinions(town) == "1 too high"
    assert not any("refuses" in text for text in town.said(town.committee))
