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


async def play(folder: Path | None) -> int:
    """Play the quarter, write the statement's files and print it.

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
    print("\nThe statement was written to:")
    print("\n".join(f"  {path}" for path in written.values()))
    print("\nThe bundle, checked offline as anybody can with `python -m bot verify FILE`:")
    is_sound = verify.run(written["json"]) == verify.OK
    return OK if is_sound and not wrong else BUG


async def _play(world: World) -> dict[str, tuple[str, bytes]]:
    """Play season and payment; return the statement's files, name and content by kind."""
    names = {str(who.actor.id): who.name for who in world.people.values()}
    await season.found(world)
    _tell(world, "Ada has set the server up, six helpers joined, Noor opened 2026-Q1.")
    await season.play_quarter(world, season.WHOLE_QUARTER)
    _tell(world, "The helpers have logged their hours, and people clicked their emoji.")
    await season.talk_and_thank(world)
    _tell(world, "Others used /thanks, a message's menu or an emoji; the tip jar has a match.")
    await season.wait_for_the_draft(world)
    _tell(
        world, "The round closed on 30 March 00:00, its thanks are counted; now the draft is made."
    )
    for words in season.dropped(world):
        _tell(world, _plain(words, names))
    await season.approve_and_publish(world)
    _tell(world, "Noor approved exactly this draft, Jonas published it.")
    files = await _files(world)
    paid = await season.pay(world)
    _tell(world, _plain(paid, names))
    return files


async def _files(world: World) -> dict[str, tuple[str, bytes]]:
    """Return the page as the bot has posted it, and the others as the committee exports them."""
    posted = world.statements()[0].files
    files = {"html": (posted["html"].filename, await posted["html"].read())}
    for kind in ("csv", "json"):
        files[kind] = (posted[kind].filename, await season.export(world, kind))
    return files


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


def _plain(answer: str, names: Mapping[str, str]) -> str:
    """Return the first sentence of an answer as a terminal shows it."""
    named = re.sub(r"<@([0-9]+)>", lambda match: names.get(match[1], match[1]), answer)
    return named.splitlines()[0].replace("*", "")
