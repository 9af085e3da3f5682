"""The demo without a browser: a whole quarter is played, checked against the file and printed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bot import verify
from bot.demo import season
from bot.demo.figures import CURRENCY, FILE, Row, compare, mistakes, money
from bot.demo.world import World, open_world
from bot.domain.duration import format_minutes

OK, BUG = 0, 70
FOLDER = Path("stipend-demo")
WIDTH = 78
INDENT = 4


async def play(folder: Path | None) -> int:
    """Play the quarter and what follows, write the files and print the statement.

    Returns 70 where an amount differs from the file or the bundle does not verify.
    """
    print(
        "A quarter, played with the real bot on a simulated Discord. The hours are\n"
        "published figures of a real community, years of them played as one quarter;\n"
        "`object Object` is a name as it stands in them.\n"
    )
    async with open_world() as world:
        files = await _play(world)
    written = _write(files, folder or FOLDER)
    rows = compare(files["csv"][1].decode())
    print("\n".join(_table(rows)))
    wrong = mistakes(rows)
    print("\n".join(wrong) or f"Every bounty equals the last column of {FILE.name} to the cent.")
    print(
        "\nThe statement, and a file that pays it from a Safe (a coin of a test network, to\n"
        "addresses that are published examples), were written to:"
    )
    print("\n".join(f"  {path}" for path in written.values()))
    print("\nThe bundle, checked offline as anybody can with `python -m bot verify FILE`:")
    is_sound = verify.run(written["json"]) == verify.OK
    return OK if is_sound and not wrong else BUG


async def _play(world: World) -> dict[str, tuple[str, bytes]]:
    """Play season, payment and a dispute; return the files, name and content by kind."""
    await season.found(world)
    _tell(world, "Ada has set the server up, six helpers joined, Noor opened 2026-Q1.")
    await season.play_quarter(world, season.WHOLE_QUARTER)
    _tell(world, "The helpers have logged their hours, and people clicked their emoji.")
    await season.talk_and_thank(world)
    _tell(world, "Others used /thanks, a message's menu or an emoji; the tip jar has a match.")
    _tell(world, "Under a card of Patches, poupas pressed `Too high` and Lena `Fair`.")
    await season.wait_for_the_draft(world)
    _tell(
        world, "The round closed on 30 March 00:00, its thanks are counted; now the draft is made."
    )
    for words in season.dropped(world):
        _say(world, words)
    warnings = await season.approve_and_publish(world)
    _tell(world, f"The preview names {len(warnings)} things to look at, among them:")
    for warning in warnings:
        if any(words in warning for words in season.WARNED_OF):
            print(f"{'':>{INDENT}}- {warning}")
    _tell(world, "Noor approved exactly this draft, Jonas published it.")
    files = await _files(world)
    await _pay(world, files)
    await _dispute(world)
    return files


async def _pay(world: World, files: dict[str, tuple[str, bytes]]) -> None:
    answer, name, content = await season.hand_over(world)
    files["safe"] = name, content
    _say(world, answer)
    _say(world, await season.pay(world))
    left_out = await season.pay_whoever_was_left_out(world)
    _tell(world, f"{season.WITHOUT_ADDRESS} set an address, which serves 24 hours later.")
    _say(world, left_out)


async def _dispute(world: World) -> None:
    decided = await season.dispute(world)
    _tell(world, f"{season.DISPUTED_BY} disputed a line that is paid, and Noor decided.")
    _say(world, decided.partition(" The decision is posted")[0])
    row = await season.look_ahead(world)
    _say(world, f"{season.NEXT_ROUND} so far: {row}")


async def _files(world: World) -> dict[str, tuple[str, bytes]]:
    """Return the statement's files as the bot has posted them."""
    posted = world.statements()[0].files
    return {
        kind: (posted[kind].filename, await posted[kind].read()) for kind in ("html", "csv", "json")
    }


def _write(files: Mapping[str, tuple[str, bytes]], folder: Path) -> dict[str, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    written = {kind: folder / name for kind, (name, _) in files.items()}
    for kind, path in written.items():
        path.write_bytes(files[kind][1])
    return written


def _table(rows: Sequence[Row]) -> Iterator[str]:
    line = "{:<14}{:>14}{:>11}{:>13}{:>7}{:>8}{:>11}".format
    yield ""
    yield line("Helper", "Hours logged", "Bounty", "In the file", "Votes", "Tips", f"{CURRENCY}")
    yield "-" * WIDTH
    for row in rows:
        expected = "-" if row.expected is None else money(row.expected)
        yield line(
            row.name,
            format_minutes(row.minutes),
            money(row.bounty),
            expected,
            row.voters,
            money(row.tips),
            money(row.amount),
        )
    yield "-" * WIDTH
    yield line(
        "",
        format_minutes(sum(row.minutes for row in rows)),
        money(sum(row.bounty for row in rows)),
        money(sum(row.expected or 0 for row in rows)),
        sum(row.voters for row in rows),
        money(sum(row.tips for row in rows)),
        money(sum(row.amount for row in rows)),
    )
    yield ""


def _tell(world: World, words: str) -> None:
    print(f"{world.now.day:>2} {world.now:%B %Y}: {words}")


def _say(world: World, answer: str) -> None:
    """Print the first line of what the bot said as a terminal shows it."""
    names = {str(who.actor.id): who.name for who in world.people.values()}
    named = re.sub(r"<@([0-9]+)>", lambda match: names.get(match[1], match[1]), answer)
    _tell(world, re.sub(r"[*\\]", "", named.splitlines()[0]))
