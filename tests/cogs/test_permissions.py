"""Every command as every kind of person: carried out, or refused with the reason."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cogs.town import Answer, Town

MEMBER, HELPER, MODERATOR, COMMITTEE, APPROVER, ADMIN = (
    "member", "helper", "moderator", "committee", "approver", "admin",
)  # fmt: skip

# Command, options, who may; `@name` is a person of the town. In this order nothing that is
# carried out takes away what a later command needs.
COMMANDS: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("help", {}, MEMBER),
    ("about", {}, MEMBER),
    ("round status", {}, MEMBER),
    ("helper list", {}, MEMBER),
    ("payout show", {}, MEMBER),
    ("payout mine", {}, MEMBER),
    ("hours list", {}, MEMBER),
    ("tipjar show", {}, MEMBER),
    ("hours log", {"duration": "1m", "note": "x"}, HELPER),
    ("hours start", {}, HELPER),
    ("hours stop", {}, HELPER),
    ("hours done", {}, HELPER),
    ("hours edit", {"entry": "1", "note": "y"}, MEMBER),
    ("hours withdraw", {"entry": "99"}, MEMBER),
    ("hours log", {"duration": "1m", "note": "x", "helper": "@bob"}, COMMITTEE),
    ("hours list", {"helper": "@bob"}, COMMITTEE),
    ("helper pay", {"wanted": True}, HELPER),
    ("helper leave", {}, HELPER),
    ("helper add", {"user": "@bob"}, MODERATOR),
    ("helper remove", {"user": "@bob", "reason": "x"}, MODERATOR),
    ("round open", {}, COMMITTEE),
    ("round close", {"reason": "x"}, COMMITTEE),
    ("round reopen", {"reason": "x"}, COMMITTEE),
    ("round void", {"reason": "x"}, COMMITTEE),
    ("tipjar record", {"amount": "5"}, COMMITTEE),
    ("tipjar match", {"kind": "percent", "value": "50"}, COMMITTEE),
    ("tipjar correct", {"tip": "99", "reason": "x"}, COMMITTEE),
    ("payout preview", {}, COMMITTEE),
    ("payout publish", {}, COMMITTEE),
    ("payout approve", {}, APPROVER),
    ("payout adjust", {"helper": "@bob", "reason": "x", "minutes": 1}, COMMITTEE),
    ("payout price", {"price": "1", "source": "x"}, COMMITTEE),
    ("payout export", {"format": "csv"}, COMMITTEE),
    ("payout paid", {"reference": "0x1"}, COMMITTEE),
    ("payout correct", {"reference": "0x1", "reason": "x"}, COMMITTEE),
    ("settings show", {}, ADMIN),
    ("settings set", {"name": "cap", "value": "5"}, ADMIN),
    ("setup", {}, ADMIN),
)

REFUSALS = {
    HELPER: (
        "Hours are logged by helpers. `/helper join`",
        "Pay is for helpers. `/helper join`",
        "You are not on the roster. `/helper join`",
        "Your clock is not running.",
    ),
    MODERATOR: ("This is for moderators: members with <@&",),
    COMMITTEE: ("This is for the committee: members with <@&",),
    APPROVER: (
        "This is for the committee: members with <@&",
        "You have a line in 2026-Q1, so one approval must come from",
    ),
    ADMIN: ("This needs the permission Manage Server. An admin of the server can do it.",),
}
ALL_REFUSALS = tuple(sentence for sentences in REFUSALS.values() for sentence in sentences)

PEOPLE = {
    "stranger": {MEMBER},
    "helper": {MEMBER, HELPER},
    "moderator": {MEMBER, MODERATOR},
    "committee": {MEMBER, COMMITTEE, APPROVER},
    "committee with a line": {MEMBER, HELPER, COMMITTEE},
    "admin": {MEMBER, MODERATOR, ADMIN},
}


async def a_town_with_a_draft(town: Town) -> dict[str, Any]:
    """A draft with lines of Alice, Bob and Dave; Dave is of the committee too."""
    await town.open()
    await town.add(town.dave)
    await town.until(2026, 1, 20)
    for who in (town.alice, town.bob, town.dave):
        await town.log_hours(who, "10h")
    await town.until(2026, 3, 31, 20)
    await town.env.advance_time(86_400)
    await town.show_commands_to_everybody("setup", "settings")
    return {
        "stranger": town.stranger,
        "helper": town.alice,
        "moderator": town.mod,
        "committee": town.carol,
        "committee with a line": town.dave,
        "admin": town.admin,
    }


async def press(town: Town, who: Any, command: str, options: dict[str, Any]) -> Answer:
    given = {
        name: getattr(town, value[1:]) if isinstance(value, str) and value[0] == "@" else value
        for name, value in options.items()
    }
    return await town.press(who, town.support, command, **given)


@pytest.mark.parametrize("kind", list(PEOPLE))
async def test_each_person_may_what_the_rules_say(town: Town, kind: str) -> None:
    who = (await a_town_with_a_draft(town))[kind]
    for command, options, needed in COMMANDS:
        answer = await press(town, who, command, options)
        if needed in PEOPLE[kind]:
            assert not answer.startswith(ALL_REFUSALS), f"{command}: {answer}"
        else:
            assert answer.startswith(REFUSALS[needed]), f"{command}: {answer}"


async def test_roles_of_one_server_mean_nothing_in_another(town: Town) -> None:
    """The same people without any role there, in a server that is not set up."""
    await a_town_with_a_draft(town)
    other = town.env.create_guild("Elsewhere")
    channel = other.create_text_channel("support")
    for who in (town.alice, town.mod, town.carol, town.dave, town.admin):
        there = other.add_member(who.user)
        other.set_command_permissions(town.command_id("setup"), {there: True})
        for command, given, needed in COMMANDS:
            options = {
                name: there if value in {"@alice", "@bob"} else value
                for name, value in given.items()
            }
            if needed == ADMIN and command != "setup":
                continue
            answer = await town.press(there, channel, command, **options)
            if needed == MODERATOR:
                assert answer == "This is for moderators: an admin can do it.", command
            elif needed in (COMMITTEE, APPROVER) and "helper" not in options:
                assert answer.startswith("No committee role is set yet."), f"{command}: {answer}"
            elif needed == ADMIN:
                assert answer.startswith(REFUSALS[ADMIN]), command
    assert town.sql("SELECT count(*) FROM entries WHERE guild_id = ?", other.id) == [(0,)]
    assert town.sql("SELECT count(*) FROM helpers WHERE guild_id = ?", other.id) == [(0,)]


async def test_what_was_refused_changed_nothing(town: Town) -> None:
    people = await a_town_with_a_draft(town)

    def stored() -> list[list[Any]]:
        tables = ("rounds", "entries", "helpers", "adjustments", "approvals", "payments", "acts")
        return [town.sql(f"SELECT * FROM {table}") for table in tables]

    before = stored()
    for command, options, needed in COMMANDS:
        if needed != MEMBER:
            await press(town, people["stranger"], command, options)
    assert stored() == before
