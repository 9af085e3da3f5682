"""Emoji: reading the one that a person typed, telling them apart, and choosing one for somebody.

Two spellings are one emoji where they have the same key: the id of a custom emoji, or the standard
emoji without variation selectors, which Discord adds and drops as it likes. Which sequences have a
picture only Discord knows; what it does not know it refuses when the emoji is put on the board.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any, Final

from bot.domain.errors import Refusal

ACCEPTED: Final = "one emoji, a standard one such as 🦊 or one of this server's own"
LONGEST: Final = 24
"""Code points; the longest sequence of the standard is a family of people of 10."""

_TEXT_STYLE, _EMOJI_STYLE, _JOINER = "\ufe0e", "\ufe0f", "\u200d"
_TONE = "\U0001f3fb-\U0001f3ff"

# The code points of Unicode 16 that can be shown as emoji by themselves, but for skin tones.
_BASE = (
    "\xa9\xae\u203c\u2049\u2122\u2139\u2194-\u2199\u21a9\u21aa\u231a\u231b\u2328\u23cf"
    "\u23e9-\u23f3\u23f8-\u23fa\u24c2\u25aa\u25ab\u25b6\u25c0\u25fb-\u25fe\u2600-\u2604\u260e"
    "\u2611\u2614\u2615\u2618\u261d\u2620\u2622\u2623\u2626\u262a\u262e\u262f\u2638-\u263a\u2640"
    "\u2642\u2648-\u2653\u265f\u2660\u2663\u2665\u2666\u2668\u267b\u267e\u267f\u2692-\u2697\u2699"
    "\u269b\u269c\u26a0\u26a1\u26a7\u26aa\u26ab\u26b0\u26b1\u26bd\u26be\u26c4\u26c5\u26c8\u26ce"
    "\u26cf\u26d1\u26d3\u26d4\u26e9\u26ea\u26f0-\u26f5\u26f7-\u26fa\u26fd\u2702\u2705\u2708-\u270d"
    "\u270f\u2712\u2714\u2716\u271d\u2721\u2728\u2733\u2734\u2744\u2747\u274c\u274e\u2753-\u2755"
    "\u2757\u2763\u2764\u2795-\u2797\u27a1\u27b0\u27bf\u2934\u2935\u2b05-\u2b07\u2b1b\u2b1c\u2b50"
    "\u2b55\u3030\u303d\u3297\u3299\U0001f004\U0001f0cf\U0001f170\U0001f171\U0001f17e\U0001f17f"
    "\U0001f18e\U0001f191-\U0001f19a\U0001f201\U0001f202\U0001f21a\U0001f22f\U0001f232-\U0001f23a"
    "\U0001f250\U0001f251\U0001f300-\U0001f321\U0001f324-\U0001f393\U0001f396\U0001f397"
    "\U0001f399-\U0001f39b\U0001f39e-\U0001f3f0\U0001f3f3-\U0001f3f5\U0001f3f7-\U0001f3fa"
    "\U0001f400-\U0001f4fd\U0001f4ff-\U0001f53d\U0001f549-\U0001f54e\U0001f550-\U0001f567"
    "\U0001f56f\U0001f570\U0001f573-\U0001f57a\U0001f587\U0001f58a-\U0001f58d\U0001f590"
    "\U0001f595\U0001f596\U0001f5a4\U0001f5a5\U0001f5a8\U0001f5b1\U0001f5b2\U0001f5bc"
    "\U0001f5c2-\U0001f5c4\U0001f5d1-\U0001f5d3\U0001f5dc-\U0001f5de\U0001f5e1\U0001f5e3"
    "\U0001f5e8\U0001f5ef\U0001f5f3\U0001f5fa-\U0001f64f\U0001f680-\U0001f6c5"
    "\U0001f6cb-\U0001f6d2\U0001f6d5-\U0001f6d7\U0001f6dc-\U0001f6e5\U0001f6e9\U0001f6eb"
    "\U0001f6ec\U0001f6f0\U0001f6f3-\U0001f6fc\U0001f7e0-\U0001f7eb\U0001f7f0"
    "\U0001f90c-\U0001f93a\U0001f93c-\U0001f945\U0001f947-\U0001f9ff\U0001fa70-\U0001fa7c"
    "\U0001fa80-\U0001fa89\U0001fa8f-\U0001fac6\U0001face-\U0001fadc\U0001fadf-\U0001fae9"
    "\U0001faf0-\U0001faf8"
)
_LETTER = "\U0001f1e6-\U0001f1ff"
_ONE = f"[{_BASE}](?:{_EMOJI_STYLE}|[{_TONE}])?"
_STANDARD = re.compile(
    f"[0-9#*]{_EMOJI_STYLE}?\u20e3"  # a key: 1 in a box
    f"|[{_LETTER}]{{1,2}}"  # a flag, or one letter
    # The flag of a part of a country: black flag, its code in tags, end of tags.
    "|\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f"
    f"|{_ONE}(?:{_JOINER}{_ONE})*"
)
_CUSTOM = re.compile(r"<(a?):([A-Za-z0-9_]{2,32}):([0-9]{15,20})>")
_BY_NAME = re.compile(r":[^\s:]+:")


def parse(text: str) -> str:
    """Return the one emoji that a person typed; the refusal says what is accepted."""
    typed = text.strip().replace(_TEXT_STYLE, "")
    if _CUSTOM.fullmatch(typed) or (len(typed) <= LONGEST and _STANDARD.fullmatch(typed)):
        return typed
    if _BY_NAME.fullmatch(typed):
        raise Refusal(f"That is the name of an emoji. Type {ACCEPTED}.")
    if len(_found(typed)) > 1:
        raise Refusal(f"That is more than one emoji. Type {ACCEPTED}.")
    raise Refusal(f"Type {ACCEPTED}.")


def _found(typed: str) -> list[str]:
    return [match[0] for match in re.finditer(f"{_CUSTOM.pattern}|{_STANDARD.pattern}", typed)]


@lru_cache(maxsize=1024)
def key(text: str) -> str:
    """Return what an emoji is recognised by, whichever way it is spelled."""
    custom = _CUSTOM.fullmatch(text)
    return custom[3] if custom else text.replace(_EMOJI_STYLE, "").replace(_TEXT_STYLE, "")


def of_payload(data: Mapping[str, Any]) -> str:
    """Return the key of a reaction's emoji as Discord tells it: a custom one has an id."""
    return str(data["id"]) if data.get("id") else key(data.get("name") or "")


def custom_id(text: str) -> int | None:
    """Return the id of a custom emoji, None for a standard one."""
    custom = _CUSTOM.fullmatch(text)
    return int(custom[3]) if custom else None


def choose(taken: Collection[str]) -> str:
    """Return the first free emoji of the palette, empty where all are taken."""
    return next(iter(free(taken, most=1)), "")


def free(taken: Collection[str], *, most: int) -> list[str]:
    """Return some free emoji of the palette; letters come where the pictures are used up."""
    return [each for each in (*PALETTE, *LETTERS) if key(each) not in taken][:most]


PALETTE: Final = tuple(
    "🦊🌵🚀🍋🎸🐙🌻⚓🍓🦉"
    "🎈🐢🔥🥕🎩🦋🍕🔭🐘🌈"
    "🍉🚲🐝💎🌽🦒🎨🍄🐧⏰"
    "🍍🦁🌲🥁🧀🐳🔑🍁🦓🎁"
    "🥑🚁🐸⭐🍩🐊🎯🍇🦀📷"
    "🌴🦄🥐🚂🐼🏆🌮🦇⚡🍎"
    "🎺🦚🍿⛵🐞👑🥨🌙🦘🧭"
    "🍔🐫🧲🍀🦔📚🍭🛸🦩☔"
    "🎹🥥🐉💡🍣⛄🚜🌹🪐🧦"
    "🥦🏰🎤🐇🧶🔔🎲🌋⛺🧩"
    "🥚🎃🚕🪁🦜🔨📌🍯🎂🦕"
    "🎡👟🌊🔋🧸📦🎬🎒⚽🔬"
)
"""Clearly different in shape and colour, shown in colour everywhere, and without a second meaning:
no flags, no people or faces, nothing that differs by a detail. The order mixes kinds.
"""

LETTERS: Final = tuple(chr(0x1F1E6 + number) for number in range(26))
