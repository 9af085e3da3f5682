"""/setup, as an admin goes through it."""

from __future__ import annotations

import pytest
import simcord

from tests.cogs.town import Answer, Town

PICKED = "setup:support_channel"


async def start(town: Town) -> Answer:
    return await town.press(town.admin, town.support, "setup")


async def fill_in(town: Town, shown: Answer, **values: str) -> Answer:
    """Open the form about money and submit it."""
    with town.env.time_context():
        form = await town.admin.click(shown.message, label="Currency, cap and rate")
        assert form.modal is not None
        typed = {"currency": "USD", "cap": "18,000", "hourly_rate": "30.00 USD", **values}
        ids = [row["components"][0]["custom_id"] for row in form.modal["components"]]
        result = await town.admin.submit_modal(form, dict(zip(ids, typed.values(), strict=True)))
    return town.read(result)


async def test_an_admin_is_led_from_nothing_to_the_first_round(town: Town) -> None:
    shown = await start(town)
    assert "step 1 of 2" in shown
    assert "1 of 8 set" in shown  # the zone has a default
    assert "Still needed" in shown

    await town.choose(town.admin, shown, PICKED, town.support)
    await town.choose(town.admin, shown, "setup:committee_channel", town.committee)
    await town.choose(town.admin, shown, "setup:moderator_role", town.moderators)
    answer = await town.choose(town.admin, shown, "setup:committee_role", town.members_of_committee)
    assert f"**support_channel**: {town.support.mention}" in answer
    assert f"**committee_role**: {town.members_of_committee.mention}" in answer
    assert "Still needed: `cap`, `hourly_rate`." in answer

    answer = await town.click(town.admin, shown, "Next: time zone and money")
    assert "step 2 of 2" in answer
    answer = await town.choose(town.admin, shown, "setup:timezone", "Europe/Berlin")
    assert "**timezone**: Europe/Berlin" in answer
    answer = await fill_in(town, shown)
    assert "**cap**: 18,000.00" in answer
    assert "**hourly_rate**: 30.00" in answer
    assert "Everything needed is set" in answer
    assert "`/round open`" in answer
    assert "To fix" not in answer

    assert "2026-Q1 is open" in await town.press(town.carol, town.support, "round open")


async def test_setup_can_be_left_and_resumed_also_after_a_restart(town: Town) -> None:
    first = await start(town)
    await town.choose(town.admin, first, PICKED, town.support)
    await town.later(days=3)

    resumed = await start(town)
    assert f"**support_channel**: {town.support.mention}" in resumed
    assert "2 of 8 set" in resumed

    await town.restart()
    answer = await town.choose(town.admin, resumed, "setup:committee_channel", town.committee)
    assert "3 of 8 set" in answer
    answer = await town.click(town.admin, resumed, "Next: time zone and money")
    await town.restart()
    answer = await fill_in(town, answer)
    assert "6 of 8 set" in answer


async def test_back_leads_to_the_first_step(town: Town) -> None:
    shown = await start(town)
    await town.click(town.admin, shown, "Next: time zone and money")
    assert "step 1 of 2" in await town.click(town.admin, shown, "Back: channels and roles")


async def test_a_zone_that_is_not_among_the_common_ones_stays_chosen(town: Town) -> None:
    await town.configure(timezone="america/argentina/ushuaia")
    shown = await start(town)
    answer = await town.click(town.admin, shown, "Next: time zone and money")
    menu = next(
        part
        for row in answer.message.components
        for part in row["components"]
        if part.get("custom_id") == "setup:timezone"
    )
    chosen = [option["value"] for option in menu["options"] if option.get("default")]
    assert chosen == ["America/Argentina/Ushuaia"]
    assert len(menu["options"]) <= 25


async def test_the_form_shows_what_is_set_and_refuses_as_a_whole(town: Town) -> None:
    await town.configure()
    shown = await start(town)
    await town.click(town.admin, shown, "Next: time zone and money")
    with town.env.time_context():
        form = await town.admin.click(shown.message, label="Currency, cap and rate")
    fields = [row["components"][0] for row in form.modal["components"]]
    assert [field["value"] for field in fields] == ["USD", "1000.00", "5.00"]

    answer = await fill_in(town, shown, currency="EUR", cap="2000", hourly_rate="0")
    assert "`hourly_rate` accepts an hourly rate above zero, such as 30.00." in answer
    assert "**currency**: USD" in await start(town)  # nothing of the form was kept


async def test_a_form_that_was_open_while_the_round_closed_counts_for_the_next(
    town: Town,
) -> None:
    await town.open()
    shown = await start(town)
    await town.click(town.admin, shown, "Next: time zone and money")
    with town.env.time_context():
        form = await town.admin.click(shown.message, label="Currency, cap and rate")
        ids = [row["components"][0]["custom_id"] for row in form.modal["components"]]
    await town.env.advance_time(60)
    question = await town.press(town.carol, town.committee, "round close", reason="early")
    await town.click(town.carol, question)
    with town.env.time_context():
        values = dict(zip(ids, ("EUR", "9", "3"), strict=True))
        answer = town.read(await town.admin.submit_modal(form, values))
    assert "**cap**: 9.00" in answer
    status = await town.press(town.stranger, town.support, "round status", round="2026-Q2")
    assert "of 1,000.00 USD" in status  # it opened before the form was sent


REFUSED: tuple[tuple[dict[str, str], str], ...] = (
    ({"cap": "1e999"}, "1,000.50"),
    ({"cap": "NaN"}, "1,000.50"),
    ({"cap": "-5"}, "1,000.50"),
    ({"cap": "9" * 40}, "too large"),
    ({"currency": "$"}, "such as USD"),
    ({"hourly_rate": "5 EUR"}, "The currency here is USD"),
)


async def test_a_refusal_in_the_form_says_what_is_accepted(town: Town) -> None:
    shown = await start(town)
    await town.click(town.admin, shown, "Next: time zone and money")
    for typed, accepted in REFUSED:
        answer = await fill_in(town, shown, **typed)
        assert accepted in answer, (typed, answer)


async def test_missing_permissions_are_named_for_each_channel(town: Town) -> None:
    await town.configure()
    await town.forbid(town.support, manage_threads=True, pin_messages=True)
    await town.forbid(town.committee, attach_files=True)
    answer = await start(town)
    assert f"missing in {town.support.mention}: Manage Threads, Pin Messages" in answer
    assert f"missing in {town.committee.mention}: Attach Files" in answer
    await town.permit(town.support)
    await town.permit(town.committee)
    assert "missing in" not in await start(town)


async def test_what_the_board_needs_is_named_too(town: Town) -> None:
    await town.configure()
    await town.forbid(town.support, add_reactions=True, read_message_history=True)
    answer = await start(town)
    assert f"missing in {town.support.mention}: Read Message History, Add Reactions" in answer


async def test_a_channel_or_role_that_was_deleted_is_named(town: Town) -> None:
    log = town.guild.create_text_channel("log")
    await town.configure(log_channel=log.mention, helper_role=town.helpers.mention)
    await town.delete(log)
    town.env.backend.delete_role(town.guild.id, town.members_of_committee.id)
    await town.env.settle()
    answer = await start(town)
    assert "`log_channel`: the channel is not there any more; choose another" in answer
    assert "`committee_role`: the role is not there any more; choose another" in answer
    assert "`helper_role`" not in answer


async def test_a_helper_role_that_the_bot_cannot_give_is_named(town: Town) -> None:
    high = town.guild.create_role("High", position=90)
    await town.configure(helper_role=high.mention)
    assert "`helper_role`: the bot's own role must stand above it" in await start(town)
    me = town.guild.me
    assert me is not None
    rights = me.top_role.permissions
    rights.manage_roles = False
    town.env.backend.edit_role(town.guild.id, me.top_role.id, {"permissions": rights.value})
    await town.env.settle()
    assert "missing in the server: Manage Roles" in await start(town)


async def test_who_may_not_manage_the_server_does_not_see_setup(town: Town) -> None:
    with pytest.raises(simcord.SetupError, match="not visible"):
        await town.carol.slash(town.support, "setup")


async def test_who_is_shown_setup_by_an_override_is_still_refused(town: Town) -> None:
    await town.show_commands_to(town.carol, "setup")
    answer = await town.press(town.carol, town.support, "setup")
    assert answer == "This needs the permission Manage Server. An admin of the server can do it."


async def test_an_admin_who_lost_the_permission_changes_nothing(town: Town) -> None:
    shown = await start(town)
    await town.take_role(town.admin, town.guild.roles["Admins"])
    assert "Manage Server" in await town.choose(town.admin, shown, PICKED, town.support)
    assert "Manage Server" in await town.click(town.admin, shown, "Next: time zone and money")
    await town.give_role(town.admin, town.guild.roles["Admins"])
    assert "1 of 8 set" in await start(town)


async def test_setup_tells_what_waits_for_a_channel(town: Town) -> None:
    """Opening /setup tries again what a channel refused, once the permission is back."""
    await town.configure()
    await town.forbid(town.support, send_messages=True)
    assert "Not everything could be posted" in await town.press(
        town.carol, town.committee, "round open"
    )
    await town.permit(town.support)
    await start(town)
    assert "Support 2026-Q1" in "\n".join(town.said(town.support))
