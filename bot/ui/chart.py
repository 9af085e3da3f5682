"""The charts of a statement and of a round's thanks: one bar for each line, as SVG and as PNG.

What is drawn (`bars`, `thanks`) and the drawing (`svg`, `png`) are two things. Equal content
gives equal bytes, and neither file refers to anything outside itself.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from bot.domain.bundle import Shown
from bot.domain.statement import Statement
from bot.ui import text

if TYPE_CHECKING:
    from bot.services.thanks import Leaderboard

WIDTH = 900
FONT = Path(__file__).with_name("stipend-sans.ttf")
FONT_NAME = "Stipend Sans"
LONGEST_ALT = 1000

_LONGEST_LABEL = 220  # pixels
_MARGIN = 28
_BAR = 36
_FONT_SIZE = 16
_TITLES_HEIGHT = 62
_CHARACTER = 10  # pixels of a digit in this size, with a little air
_STYLE = """
.chart{font-family:"Stipend Sans",sans-serif;background:#ffffff}
.background{fill:#ffffff}
text{font-size:16px;fill:#1d2321}
.title{font-size:22px;text-anchor:start}
.subtitle{font-size:16px;fill:#5a6561;text-anchor:start}
.axis.y text{text-anchor:end}
.axis .line{stroke:#c9cfcc;fill:none}
.axis .guide.line{stroke:none}
.bar rect{fill:#2b7a69}
.value{text-anchor:start}
.no_data{fill:#5a6561;text-anchor:middle}
"""
# What the font holds; anything else in a label is drawn as an empty square.
_NOT_IN_FONT = re.compile(
    "[^\\x00-\\u024f\\u02b0-\\u0328\\u0370-\\u0513\\u1e00-\\u1eff\\u2000-\\u206f\\u20a0-\\u20bf"
    "\\u2190-\\u2193\\u25a1\ufffd]"
)
_LABEL = re.compile(r"(<text[^>]*>)([^<]+)")
_SQUARE = "\N{WHITE SQUARE}"


class Bars(Struct, frozen=True):
    """The bars of a chart, the longest first; `rest` counts the lines that are not among them.

    `values` are in the smallest unit, or voters; `formatted` is how each is written.
    """

    title: str
    subtitle: str
    labels: tuple[str, ...]
    values: tuple[int, ...]
    formatted: tuple[str, ...]
    rest: int


def bars(statement: Statement, shown: Mapping[int, Shown], *, most: int = 15) -> Bars:
    """Return the bars of the `most` largest lines of a statement, in the accounting currency."""
    policy, facts = statement.policy, statement.facts
    lines = sorted(statement.lines, key=lambda line: (-line.amount, line.user_id))
    drawn, rest = lines[:most], max(len(lines) - most, 0)
    total = text.money(statement.total, decimals=policy.decimals, currency=policy.currency)
    total += _of_tips(statement.tips_given, policy.decimals)
    among = f": the largest {len(drawn)} of {len(lines)}" if rest else ""
    return Bars(
        title=f"Stipend {facts.label}, version {facts.version}",
        subtitle=f"{total} to {text.plural(len(lines), 'helper')}{among}",
        labels=tuple(_label(shown[line.user_id].name, line.user_id) for line in drawn),
        values=tuple(line.amount for line in drawn),
        formatted=tuple(
            text.money(line.amount, decimals=policy.decimals)
            + _of_tips(0 if line.waived else line.tips_amount, policy.decimals)
            for line in drawn
        ),
        rest=rest,
    )


def thanks(board: Leaderboard, *, most: int = 15) -> Bars:
    """Return the bars of the `most` helpers with most voters, in the order of the leaderboard."""
    ranks = [(rank, rank.voters) for rank in board.ranks if rank.voters]
    drawn, rest = ranks[:most], max(len(ranks) - most, 0)
    total = sum(voters for _, voters in ranks)
    among = f": the first {len(drawn)} of {len(ranks)}" if rest else ""
    return Bars(
        title=f"Thanks {board.label}",
        subtitle=f"{text.plural(total, 'vote')} for {text.plural(len(ranks), 'helper')}{among}",
        labels=tuple(_label(rank.name, rank.user_id) for rank, _ in drawn),
        values=tuple(voters for _, voters in drawn),
        formatted=tuple(text.number(voters) for _, voters in drawn),
        rest=rest,
    )


def alt_text(bars: Bars) -> str:
    """Return the chart in words, at most 1000 characters: the total, then the largest lines."""
    said = f"Bar chart. {bars.title}: {bars.subtitle}."
    listed = [
        f"{text.isolated(label)} {amount}"
        for label, amount in zip(bars.labels, bars.formatted, strict=True)
    ]
    for count in range(len(listed), 0, -1):
        left = len(listed) - count + bars.rest
        more = f" and {left} more" if left else ""
        full = f"{said} {', '.join(listed[:count])}{more}."
        if len(full) <= LONGEST_ALT:
            return full
    return said


def svg(bars: Bars, *, titled: bool = True) -> bytes:
    """Draw the bars; without titles where the page around says the same."""
    import pygal  # noqa: PLC0415 - heavy, and most commands need no chart
    from pygal.style import Style  # noqa: PLC0415

    height = 2 * _MARGIN + _BAR * max(len(bars.values), 1) + (_TITLES_HEIGHT if titled else 0)
    chart = pygal.HorizontalBar(
        style=Style(
            font_family=FONT_NAME,
            label_font_size=_FONT_SIZE,
            value_font_size=_FONT_SIZE,
            title_font_size=_FONT_SIZE,
            no_data_font_size=_FONT_SIZE,
        ),
        classes=["chart"],
        css=[],
        js=[],
        disable_xml_declaration=True,
        explicit_size=True,
        height=height,
        margin=_MARGIN,
        margin_left=_MARGIN + _overhang(bars),
        no_data_text="Nobody has a line in this round.",
        print_values=True,
        print_values_position="top",
        range=(0, _reach(bars)),
        rounded_bars=3,
        show_legend=False,
        show_x_labels=False,
        show_y_guides=False,
        spacing=12,
        title=f"{bars.title}\n{bars.subtitle}" if titled else None,
        width=WIDTH,
    )
    chart.uuid = "stipend"
    # pygal counts from below.
    chart.x_labels = bars.labels[::-1]
    pairs = zip(bars.values, bars.formatted, strict=True)
    drawn = [{"value": value, "formatter": lambda _, said=said: said} for value, said in pairs]
    chart.add("", drawn[::-1])
    chart.add_xml_filter(lambda root: _cleaned(root, bars))
    return str(chart.render(is_unicode=True)).encode()


def png(svg: bytes) -> bytes:
    """Render a drawing with the font that is shipped, so that it looks the same everywhere."""
    import resvg_py  # noqa: PLC0415 - heavy, and most commands need no chart

    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=_LABEL.sub(_drawable, svg.decode()),
            background="#ffffff",
            font_family=FONT_NAME,
            font_files=[str(FONT)],
            skip_system_fonts=True,
        )
    )


def _of_tips(tips: int, decimals: int) -> str:
    """What of an amount comes from the tip jar, empty where nothing does."""
    return f" incl. {text.money(tips, decimals=decimals)} tips" if tips else ""


def _label(name: str, user_id: int) -> str:
    """A name as far as it fits beside a bar; wide characters take more of the room."""
    line = " ".join(text.plain(name).split()) or f"user {user_id}"
    kept = line
    while _pixels(kept) > _LONGEST_LABEL:
        kept = kept[:-1].rstrip()
    return line if kept == line else kept + text.ELLIPSIS


def _pixels(label: str) -> int:
    """About how wide a label is drawn: wide letters, capitals, all others."""
    return sum(
        16
        if unicodedata.east_asian_width(character) in {"W", "F"} or character in "MWmw@%"
        else 12
        if character.isupper()
        else 9
        for character in label
    )


def _overhang(bars: Bars) -> int:
    """What the widest label needs beyond the room that pygal gives: 0.6 em a character."""
    given = max(map(len, bars.labels), default=0) * _FONT_SIZE * 6 // 10
    return max(max(map(_pixels, bars.labels), default=0) - given, 0)


def _reach(bars: Bars) -> int:
    """The value at the right edge: as far beyond the longest bar as its number needs room."""
    labels = max(map(_pixels, bars.labels), default=0)
    numbers = max(map(len, bars.formatted), default=0) * _CHARACTER
    plot = WIDTH - 2 * _MARGIN - labels
    longest = max(bars.values, default=0)
    return max(longest * plot // max(plot - numbers, plot // 4), 1)


def _cleaned(root: Any, bars: Bars) -> Any:
    """Take scripts, dates, tooltips and pygal's styles out of a drawing; ours come in."""
    for parent in list(root.iter()):
        for child in list(parent):
            kind = child.get("class", "") if isinstance(child.tag, str) else ""
            if (
                not isinstance(child.tag, str)  # a comment, with the date
                or child.tag in {"desc", "script", "style", "title"}
                or "tooltip-overlay" in kind
            ):
                parent.remove(child)
    titles = root.iterfind(".//g[@class='titles']/text")
    for title, kind, height in zip(titles, ("title", "subtitle"), (44, 70), strict=False):
        title.set("class", kind)
        title.set("x", str(_MARGIN))
        title.set("y", str(height))
    style = root.makeelement("style", {})
    style.text = _STYLE
    root.find("defs").append(style)
    root.set("role", "img")
    root.set("aria-label", alt_text(bars))
    return root


def _drawable(found: re.Match[str]) -> str:
    """A text with what the font holds: signs such as emoji go, letters become squares."""
    kept = "".join(
        character
        if not _NOT_IN_FONT.match(character)
        else _SQUARE * unicodedata.category(character).startswith(("L", "N"))
        for character in found[2]
    )
    return found[1] + (kept.strip() or _SQUARE)
