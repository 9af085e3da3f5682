"""The public interface: names, options and types of every command, and what options offer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cogs.town import Town

pytestmark = pytest.mark.untraced

# `?` may be left out, `*` offers its values. `user` and `helper` are people, `minutes` is an
# integer, `wanted` a boolean; everything else is text.
COMMANDS = """
about
address clear
address set         address
address show
audit log           subject?*
audit verify
audit voters        helper round?*
cease propose       user reason
cease vote          proposal* vote*
dispute list
dispute open        reason helper? round?*
dispute resolve     dispute* outcome* reason amount?
dispute withdraw    dispute*
help
helper add          user emoji?
helper join         emoji?
helper leave
helper list
helper pay          wanted
helper reinstate    user reason
helper remove       user reason
helper suspend      user reason
helper vouch        user
hours done
hours edit          entry* duration? note? category?*
hours list          round?* helper?
hours log           duration note category?* date? evidence? helper?
hours start         note?
hours stop          note?
hours withdraw      entry*
leaderboard         round?*
mydata delete
mydata export
payout adjust       helper reason minutes? amount? round?*
payout approve
payout cancel       batch* reason
payout correct      reference* reason
payout export       format* round?*
payout mine         round?*
payout paid         reference helper? batch?* round?*
payout preview      round?*
payout price        price source
payout publish
payout show         round?*
round close         reason
round open
round reopen        reason
round status        round?*
round void          reason round?*
settings set        name* value*
settings show
setup
thanks              helper note? private?*
tipjar correct      tip* reason
tipjar match        kind* value limit?
tipjar record       amount reference?
tipjar show
"""

SUBCOMMAND, SUBCOMMAND_GROUP, STRING, INTEGER, BOOLEAN, USER = 1, 2, 3, 4, 5, 6
TYPES = {"user": USER, "helper": USER, "minutes": INTEGER, "wanted": BOOLEAN}
MANAGE_SERVER = "32"
IN_SERVERS = [0]

# What can be known beforehand is printed exactly so.
FIXED = {
    "cease vote vote": ["yes", "no"],
    "dispute resolve outcome": ["stands", "modify", "void"],
    "thanks private": ["yes", "no"],
    "tipjar match kind": ["percent", "lump"],
}
CATEGORIES = [
    "support channel", "forum", "social media", "direct messages", "documentation", "other",
]  # fmt: skip
FORMATS = ["csv", "json", "markdown", "safe-csv", "safe-json", "disperse", "mimir"]

# What each option offers to whom in the town below, and what is offered by settings.
OFFERED: dict[str, tuple[str, set[str]]] = {
    "audit voters round": ("carol", {"2026-Q1", "2026-Q2"}),
    "cease vote proposal": ("carol", {"1"}),
    "dispute open round": ("alice", {"2026-Q1"}),
    "dispute resolve dispute": ("carol", {"1"}),
    "dispute withdraw dispute": ("carol", {"1"}),
    "hours edit category": ("alice", set(CATEGORIES)),
    "hours edit entry": ("alice", {"3"}),
    "hours list round": ("alice", {"2026-Q1", "2026-Q2"}),
    "hours log category": ("alice", set(CATEGORIES)),
    "hours withdraw entry": ("alice", {"3"}),
    "leaderboard round": ("alice", {"2026-Q1", "2026-Q2"}),
    "payout adjust round": ("carol", {"2026-Q1", "2026-Q2"}),
    "payout cancel batch": ("carol", {"1"}),
    "payout correct reference": ("carol", {"0xpaid"}),
    "payout export format": ("carol", set(FORMATS)),
    "payout export round": ("carol", {"2026-Q1"}),
    "payout mine round": ("alice", {"2026-Q1"}),
    "payout paid batch": ("carol", {"1"}),
    "payout paid round": ("carol", {"2026-Q1"}),
    "payout preview round": ("carol", {"2026-Q1", "2026-Q2"}),
    "payout show round": ("alice", {"2026-Q1"}),
    "round status round": ("alice", {"2026-Q1", "2026-Q2"}),
    "round void round": ("carol", {"2026-Q1", "2026-Q2"}),
    "tipjar correct tip": ("carol", {"1"}),
}
OFFERED_APART = {"audit log subject", "settings set name", "settings set value"}


def registered(town: Town) -> list[dict[str, Any]]:
    return [command.to_dict(town.bot.tree) for command in town.bot.tree.get_commands()]


def leaves(part: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every command that can be pressed, with its whole name."""
    name = f"{path} {part['name']}".strip()
    below = [
        option
        for option in part.get("options", [])
        if option["type"] in {SUBCOMMAND, SUBCOMMAND_GROUP}
    ]
    if not below:
        yield name, part
    for child in below:
        yield from leaves(child, name)


def commands(town: Town) -> dict[str, list[dict[str, Any]]]:
    """The options of every slash command by its whole name."""
    slash = [command for command in registered(town) if command["type"] == 1]
    return {name: leaf.get("options", []) for command in slash for name, leaf in leaves(command)}


def line(name: str, options: list[dict[str, Any]]) -> str:
    words = [
        option["name"]
        + ("" if option["required"] else "?")
        + ("*" if option.get("autocomplete") or option.get("choices") else "")
        for option in options
    ]
    return " ".join([name, *words])


async def test_every_command_has_exactly_the_options_of_the_table(town: Town) -> None:
    expected = [" ".join(row.split()) for row in COMMANDS.strip().splitlines()]
    assert sorted(line(name, options) for name, options in commands(town).items()) == expected


async def test_options_are_text_but_for_people_minutes_and_a_wish(town: Town) -> None:
    for name, options in commands(town).items():
        for option in options:
            assert option["type"] == TYPES.get(option["name"], STRING), f"{name} {option['name']}"
            bounds = {"min_value", "max_value", "min_length", "max_length"} & set(option)
            assert not bounds, f"{name} {option['name']}: Discord's own refusal gives no reason"


async def test_all_commands_are_of_servers_and_only_two_are_hidden(town: Town) -> None:
    rules = {
        command["name"]: (command["contexts"], command["default_member_permissions"])
        for command in registered(town)
    }
    for name, (contexts, permissions) in rules.items():
        assert contexts == IN_SERVERS, name
        hidden = name in {"setup", "settings"}
        assert str(permissions or "") == (MANAGE_SERVER if hidden else ""), name
    assert {name for name in rules if " " in name} == {"Thank the author"}


async def test_everything_says_what_it_is(town: Town) -> None:
    for name, options in commands(town).items():
        for option in options:
            said = option["description"]
            assert len(said) > 1, f"{name} {option['name']} says nothing"
            assert said != "…", f"{name} {option['name']} says nothing"


async def test_choices_are_the_printed_words(town: Town) -> None:
    found = {
        f"{name} {option['name']}": [choice["value"] for choice in option["choices"]]
        for name, options in commands(town).items()
        for option in options
        if option.get("choices")
    }
    assert found == FIXED
    for options in commands(town).values():
        for option in options:
            for choice in option.get("choices", []):
                assert choice["name"] == choice["value"]


async def offered(town: Town, who: Any, place: str, **filled: Any) -> dict[str, str]:
    """What an option offers: labels by value."""
    command, _, option = place.rpartition(" ")
    return await town.offered(who, town.support, command, option, "", **filled)


async def test_what_options_offer_is_what_they_accept(town: Town) -> None:
    """A round with an entry of each number, a dispute, a batch, a tip and a proposal."""
    await town.configure(committee_seats="3")
    await town.press(town.carol, town.support, "round open")
    await town.add(town.alice, town.bob)
    await town.until(2026, 1, 20)
    await town.press(
        town.alice, town.support, "address set",
        address="0x52908400098527886e0f7030069857d2e4169ee7",
    )  # fmt: skip
    for who in (town.alice, town.bob):
        await town.log_hours(who, "10h")
    await town.until(2026, 3, 31, 20)
    await town.publish()
    for command, options in (
        ("payout export", {"format": "safe-csv"}),
        ("payout paid", {"reference": "0xpaid", "helper": town.bob}),
        ("dispute open", {"reason": "too much", "helper": town.bob}),
        ("tipjar record", {"amount": "5"}),
        ("cease propose", {"user": town.bob, "reason": "asks for it"}),
    ):
        await town.press(town.carol, town.support, command, **options)
    await town.log_hours(town.alice, "1h")

    for place, (who, values) in OFFERED.items():
        rows = await offered(town, getattr(town, who), place)
        assert set(rows) == values, place
        for value, label in rows.items():
            assert value in label, f"{place} offers {value} as {label}"
    await town.show_commands_to(town.admin, "settings")
    rows = await offered(town, town.admin, "settings set name")
    assert rows["call_day"].startswith("call_day · ")
    rows = await offered(town, town.admin, "settings set value", name="period")
    assert rows == {"quarter": "quarter", "month": "month"}
    rows = await town.offered(town.carol, town.support, "audit log", "subject", "published")
    assert rows == {"payout.published": "payout.published"}
    rows = await town.offered(town.carol, town.support, "audit log", "subject", "alice")
    assert rows == {str(town.alice.id): f"alice ({town.alice.id})"}


async def test_every_option_that_offers_values_is_tried_here(town: Town) -> None:
    offering = {
        f"{name} {option['name']}"
        for name, options in commands(town).items()
        for option in options
        if option.get("autocomplete")
    }
    assert offering == OFFERED.keys() | OFFERED_APART
