"""Emoji: what is one, which spellings are the same, and which are given away."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import emoji
from bot.domain.errors import Refusal

ID = "123456789012345678"
SEQUENCES = {
    "🦊": "🦊",
    "👍🏽": "👍🏽",
    "❤️": "❤",
    "❤": "❤",
    "☀\ufe0e": "☀",
    "🏴‍☠️": "🏴\u200d☠",
    "🏳️‍🌈": "🏳\u200d🌈",
    "1️⃣": "1⃣",
    "#⃣": "#⃣",
    "🇩🇪": "🇩🇪",
    "🇦": "🇦",
    "🏴󠁧󠁢󠁥󠁮󠁧󠁿": "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "👩🏽‍💻": "👩🏽\u200d💻",
    "👁️‍🗨️": "👁\u200d🗨",
    "👨‍👩‍👧‍👦": "👨\u200d👩\u200d👧\u200d👦",
    "🧑🏻‍❤️‍💋‍🧑🏿": "🧑🏻\u200d❤\u200d💋\u200d🧑🏿",
    f"<:thanks:{ID}>": ID,
    f"<a:party_2:{ID}>": ID,
}


@pytest.mark.parametrize(("text", "key"), SEQUENCES.items())
def test_one_emoji_is_accepted_and_has_one_key_in_every_spelling(text: str, key: str) -> None:
    assert emoji.key(emoji.parse(f" {text}\n")) == key
    assert emoji.key(key) == key


@pytest.mark.parametrize(
    ("text", "why"),
    (
        ("🙏🙏", "more than one emoji"),
        ("🙏 🦊", "more than one emoji"),
        ("🇩🇪🇫🇷", "more than one emoji"),
        (f"<:ab:{ID}>🦊", "more than one emoji"),
        ("🦊" * 40, "more than one emoji"),
        (":fox:", "the name of an emoji"),
        ("", "Type one emoji"),
        ("fox", "Type one emoji"),
        ("🦊!", "Type one emoji"),
        ("5", "Type one emoji"),
        ("🏽", "Type one emoji"),
        ("\u200d", "Type one emoji"),
        ("\ufe0f", "Type one emoji"),
        ("👍\u200d", "Type one emoji"),
        ("🦊" + "\u200d🦊" * 30, "Type one emoji"),
        ("<:x:1>", "Type one emoji"),
        (f"<:x y:{ID}>", "Type one emoji"),
        (f"<@{ID}>", "Type one emoji"),
        ("@everyone", "Type one emoji"),
        ("مرحبا", "Type one emoji"),
        ("🏴󠁧󠁢󠁿󠁿", "Type one emoji"),
    ),
)
def test_everything_else_is_refused_with_what_is_accepted(text: str, why: str) -> None:
    with pytest.raises(Refusal, match=why) as refusal:
        emoji.parse(text)
    assert "one emoji, a standard one such as 🦊 or one of this server's own" in str(refusal.value)


@given(st.text(max_size=12))
def test_no_text_gets_through_as_an_emoji(text: str) -> None:
    try:
        parsed = emoji.parse(text)
    except Refusal:
        return
    plain = {character for character in parsed if unicodedata.category(character)[0] in "LZC"}
    assert plain <= {"\u200d"} | {chr(code) for code in range(0xE0030, 0xE0080)}
    assert emoji.parse(parsed) == parsed


def test_the_emoji_of_a_reaction_has_the_same_key() -> None:
    assert emoji.of_payload({"id": None, "name": "❤️"}) == emoji.key("❤")
    assert emoji.of_payload({"name": "❤️"}) == emoji.key("❤")
    assert emoji.of_payload({"id": ID, "name": "gone"}) == ID
    assert emoji.of_payload({"id": ID, "name": None}) == ID
    assert emoji.of_payload({"id": None, "name": None}) == ""


def test_a_custom_emoji_has_an_id() -> None:
    assert emoji.custom_id(f"<a:party:{ID}>") == int(ID)
    assert emoji.custom_id("🦊") is None


def test_the_palette_is_large_and_everything_in_it_is_one_coloured_emoji_of_its_own() -> None:
    assert len(emoji.PALETTE) >= 80
    keys = [emoji.key(each) for each in (*emoji.PALETTE, *emoji.LETTERS)]
    assert len(set(keys)) == len(keys)
    for each in emoji.PALETTE:
        assert emoji.parse(each) == each
        assert len(each) == 1  # no variation: Discord knows it in this very spelling
        name = unicodedata.name(each)
        assert not any(word in name for word in ("FLAG", "HEART", "CIRCLE", "SQUARE", "PERSON"))
        assert not 0x1F600 <= ord(each) <= 0x1F64F  # smileys differ by a detail


def test_the_first_free_emoji_is_given_then_letters_then_none() -> None:
    assert emoji.choose(()) == emoji.PALETTE[0]
    assert emoji.choose({emoji.PALETTE[0]}) == emoji.PALETTE[1]
    assert emoji.free({emoji.PALETTE[1]}, most=2) == [emoji.PALETTE[0], emoji.PALETTE[2]]
    assert emoji.choose(emoji.PALETTE) == emoji.LETTERS[0]
    assert emoji.choose((*emoji.PALETTE, *emoji.LETTERS)) == ""
