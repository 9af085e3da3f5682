"""Presses of a changed client: buttons, menus and forms of any id get a short answer, no more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import simcord
from simcord.backend import serializers
from simcord.interactions import base_payload

from bot.ui.presses import GONE
from tests.cogs.test_permissions import (
    Elsewhere,
    Scene,
    press_button,
    scene_of,
    with_buttons,
)
from tests.cogs.town import Answer, Town, text_of

pytestmark = pytest.mark.untraced

BUTTON, MENU, COMPONENT, FORM = 2, 3, 3, 5
SHORT = 300

# Digits that are none of 0-9, numbers that no column holds, other cases, and more than there is.
NO_IDS = (
    "confirm:١", "confirm:１", "confirm:1\n", "confirm:٢٣", "opinion:६:low",
    "opinion:6:LOW", "opinion:6:low:fair", "OPINION:6:low", "take_back:9223372036854775808",
    "take_back:+1", "unthank:2:٣", "unthank:9223372036854775808:1", "cease:9999999999:yes",
    "cease:２:yes", "who_thanked:1;DROP TABLE record", "who_thanked:1' OR 1=1 --",
    "proposal:２:1:yes", "setup:money:form", "pager:first", "\u202econfirm:1", "\x00",
)  # fmt: skip

# Ids of what there is, pressed by somebody who may not, or when it is over.
NOT_FOR_THEM = (
    ("carol", "confirm:1", "Only the person who was asked can press this."),
    ("sam", "cease:2:yes", "This is for the committee"),
    ("sam", "take_back:1", "This is for the committee"),
    ("fay", "take_back:1", "You proposed this, so another"),
    ("alice", "proposal:2:{new}:yes", "Only <@{new}> can answer this."),
    ("alice", "opinion:6:high", "Entry #6 is your own"),
    ("sam", "setup:money", "This needs the permission Manage Server."),
    ("mia", "unthank:1:{alice}", "2026-Q1 closed <t:"),
    ("bob", "opinion:1:low", "2026-Q1 is published, so opinions"),
    ("bob", "opinion:0000000000001:low", GONE),
    ("sam", "who_thanked:1", "Who thanked you in 2026-Q1\nYou are not"),
)


async def submit(
    scene: Scene, who: Any, channel: Any, custom_id: str, typed: Mapping[str, str] | None = None
) -> Answer:
    """Send a form of any id, with what was typed into its fields."""
    fields = [
        {"type": 1, "components": [{"type": 4, "custom_id": field, "value": value}]}
        for field, value in (typed or {"cap": "1"}).items()
    ]
    return await _send(scene, who, channel, FORM, {"custom_id": custom_id, "components": fields})


async def choose(scene: Scene, who: Any, custom_id: str, component: int) -> Answer:
    """Press a component of any id and type, on a message of the bot that has none."""
    data = {"custom_id": custom_id, "component_type": component, "values": ["1"]}
    return await _send(scene, who, scene.town.support, COMPONENT, data)


async def _send(scene: Scene, who: Any, channel: Any, kind: int, data: dict[str, Any]) -> Answer:
    town, backend = scene.town, scene.town.env.backend
    record, payload = base_payload(
        backend,
        type=kind,
        channel_id=channel.id,
        guild_id=backend.get_channel(channel.id).guild_id,
        user_id=who.id,
        data=data,
    )
    stored = backend.create_message(channel.id, town.me, "A message.")
    payload["message"] = dict(serializers.message_payload(backend, stored))
    record.source_message_id = stored.id
    with town.env.time_context():
        backend.emit("INTERACTION_CREATE", payload)
        await town.env.settle()
    result: Any = simcord.InteractionResult(town.env, record)
    if result.response is not None and result.response.id == stored.id:
        return Answer(text_of(result.response))  # the message was changed in its place
    return town.read(result)


async def open_form(scene: Scene, who: str) -> tuple[str, dict[str, str]]:
    """Open the form of /setup, and return its id and what is to be typed into its fields."""
    person = scene.people[who]
    shown = await scene.press(who, "setup", {})
    second = await scene.town.click(person, shown, "Next: time zone and money")
    with scene.town.env.time_context():
        form = await person.click(second.message, label="Currency, cap and rate")
    fields = [row["components"][0]["custom_id"] for row in form.modal["components"]]
    return form.modal["custom_id"], dict(zip(fields, ("EUR", "7", "3"), strict=True))


async def test_what_nothing_stands_behind_is_answered_and_changes_nothing(town: Town) -> None:
    async with scene_of(town, "published") as scene:
        await with_buttons(scene)
        for number, custom_id in enumerate(NO_IDS):
            who = scene.people[("sam", "carol", "ada")[number % 3]]
            answer = await press_button(scene, who, town.support, custom_id)
            assert answer == GONE, repr(custom_id)
            answer = await submit(scene, who, town.support, custom_id)
            assert answer == GONE, repr(custom_id)
            assert scene.changed() == set(), repr(custom_id)
        # The ids are right; but nothing of the kind is there, or it is not on the message.
        for custom_id in ("confirm:1", "cease:2:yes", "opinion:6:low", "setup:money"):
            assert await choose(scene, scene.people["carol"], custom_id, MENU) == GONE
            assert scene.changed() == set(), custom_id
        assert await choose(scene, scene.people["alice"], "confirm:1", BUTTON) == GONE
        assert scene.changed() == set()
        # The id is of somebody else, or of what is over.
        for name, custom_id, told in NOT_FOR_THEM:
            refused = await press_button(scene, scene.people[name], town.support, custom_id)
            about = f"{custom_id} by {name}: {refused}"
            assert (refused or "").startswith(scene.words(told)), about
            assert len(refused or "") < SHORT, about
            # A rule of two people is put on record when it refuses somebody.
            assert scene.changed() <= {"record", "claims"}, about
            scene.put_back()


async def test_a_form_is_for_whoever_may_and_for_the_server_it_is_sent_in(town: Town) -> None:
    async with scene_of(town, "start") as scene:
        there = await Elsewhere.of(scene)
        ada = scene.people["ada"]
        (first, typed), (second, others) = [await open_form(scene, "ada") for _ in range(2)]
        assert first != second  # two admins may fill it in at the same time
        scene.keep()
        answer = await submit(scene, ada, town.support, first, {"nothing": "of the form"})
        assert answer.startswith("`currency` accepts"), answer
        assert scene.changed() == set()
        visiting = [(scene.people[who], town.support) for who in ("sam", "carol", "mo")]
        for who, channel in [*visiting, (there.visitor, there.channel)]:
            answer = await submit(scene, who, channel, first, typed)
            assert answer.startswith("This needs the permission Manage Server."), answer
            assert scene.changed() == set(), who.name
        in_town = scene.stored(town.guild.id)
        assert "currency**: EUR" in await submit(scene, there.boss, there.channel, first, typed)
        assert scene.stored(town.guild.id) == in_town
        # It has been sent, so that nothing stands behind its id any more; the other one is there.
        assert await submit(scene, ada, town.support, first, typed) == GONE
        assert scene.stored(town.guild.id) == in_town
        assert "currency**: EUR" in await submit(scene, ada, town.support, second, others)
        assert scene.stored(town.guild.id) != in_town
