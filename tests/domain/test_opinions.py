"""Opinions: how many say what."""

from __future__ import annotations

from bot.domain.opinions import Count, Opinion, Said, tally


def test_opinions_are_counted_from_low_to_high_with_their_claimants() -> None:
    said = (
        Said(1, Opinion.HIGH, is_claimant=True),
        Said(2, Opinion.LOW, is_claimant=False),
        Said(3, Opinion.HIGH, is_claimant=False),
    )
    assert tally(said) == (Count(Opinion.LOW, 1, 0), Count(Opinion.HIGH, 2, 1))
    assert tally(()) == ()


def test_opinions_have_words() -> None:
    assert [opinion.words for opinion in Opinion] == ["too low", "fair", "too high"]
