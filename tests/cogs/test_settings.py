"""/settings, with everything it offers while one types and everything it refuses."""

from __future__ import annotations

import pytest
import simcord

from bot.domain.policy import SETTINGS
from tests.cogs.town import Answer, Town


async def set_(town: Town, name: str, value: str) -> Answer:
    return await town.press(town.admin, town.support, "settings set", name=name, value=value)


async def test_every_setting_is_shown_with_its_meaning_and_origin(town: Town) -> None:
    await town.configure(max_share="25 %", timezone="Asia/Tokyo")
    seen = answer = await town.press(town.admin, town.support, "settings show")
    while "Next" in answer.buttons:
        answer = await town.click(town.admin, answer, "Next")
        seen = Answer(seen + answer)
    for name, spec in SETTINGS.items():
        assert name in seen
        assert spec.meaning in seen
    assert f"**25** · version 8, {town.admin.mention}" in seen
    assert "**14** · default" in seen
    assert "page 4 of 4" in seen
    assert "page 3 of 4" in await town.click(town.admin, answer, "Back")


async def test_setting_says_what_was_before_and_how_to_correct_it(town: Town) -> None:
    assert await set_(town, "cap", "18,000") == (
        "`cap` is now **18,000.00** (before: not set; version 1).\n"
        "`/settings set` corrects it; `-` clears it."
    )
    assert "(before: 18,000.00; version 2)" in await set_(town, "cap", "9000")
    assert "`cap` is now **not set** (before: 9,000.00" in await set_(town, "cap", "-")


async def test_a_change_during_a_round_says_that_the_round_keeps_its_own(town: Town) -> None:
    await town.open()
    answer = await set_(town, "hourly_rate", "7.50")
    assert "2026-Q1 keeps" in answer
    assert "next round" in answer
    assert "would give **5.00 USD**" in await town.log_hours(town.alice, "1h")


async def test_a_setting_that_needs_another_one_says_so_at_once(town: Town) -> None:
    problem = "- `split_by` is mixed, so `thanks_share` needs a percentage above 0."
    answer = await set_(town, "split_by", "mixed")
    assert f"until this is set, no round can open:**\n{problem}\n" in answer
    await set_(town, "split_by", "-")
    await town.open()
    answer = await set_(town, "split_by", "mixed")
    assert "the rounds after 2026-Q1 open with the settings of 2026-Q1:**" in answer
    assert problem in answer
    assert "keeps its rules" not in answer
    answer = await set_(town, "thanks_share", "25")
    assert "incomplete" not in answer
    assert "2026-Q1 keeps its rules" in answer


async def test_cap_and_rate_cannot_be_cleared_while_a_round_is_open(town: Town) -> None:
    await town.open()
    for name in ("cap", "hourly_rate"):
        answer = await set_(town, name, "-")
        assert f"`{name}` cannot be cleared while 2026-Q1 is open" in answer
        assert "Set another value" in answer


REFUSED = (
    ("capp", "1", "Did you mean `cap`"),
    ("qqqqqq", "1", "`/settings show` lists them all"),
    ("timezone", "Berlin", "Europe/Berlin"),
    ("cap", "1e999", "`1,000.50"),
    ("cap", "nan", "`1,000.50"),
    ("cap", "1000 EUR", "without a currency"),
    ("cap", "9" * 60, "too large"),
    ("cap", "9" * 300, "`cap` accepts an amount such as 18,000.00. The value given is too long."),
    ("hourly_rate", "0", "above zero, such as 30.00"),
    ("max_share", "0", "above 0 and up to 100"),
    ("max_share", "101%", "`20 %`"),
    ("close_day", "32", "a whole number from 1 to 31"),
    ("close_day", "٣", "a whole number from 1 to 31"),
    ("quarter_starts", "Ju", "a month by its name"),
    ("split_by", "luck", "hours, thanks, mixed"),
    ("admission", "none", "open, vouched, moderated"),
    ("public_counts", "perhaps", "yes or no"),
    ("thanks_emoji", "thanks", "one emoji"),
    ("currency", "US Dollar", "such as USD or RPL"),
    ("tip_address", "0x12", "40 hexadecimal digits"),
    ("asset_id", "a b", "letters and digits"),
    ("support_channel", "#support", "a channel, as a mention or an id"),
    ("support_channel", "123456789012345678", "a text channel of this server, such as #support"),
    ("committee_role", "@Committee", "a role, as a mention or an id"),
    ("committee_role", "123456789012345678", "a role of this server, such as @Committee"),
)


async def test_a_refusal_shows_what_is_accepted(town: Town) -> None:
    for name, value, accepted in REFUSED:
        answer = await set_(town, name, value)
        assert accepted in answer, (name, value, answer)
    assert town.sql("SELECT count(*) FROM policy_versions") == [(0,)]


async def test_everybody_is_no_committee(town: Town) -> None:
    answer = await set_(town, "committee_role", f"<@&{town.guild.id}>")
    assert "a role of this server, such as @Committee" in answer


async def test_a_voice_channel_is_refused(town: Town) -> None:
    voice = town.guild.create_voice_channel("talk")
    assert "a text channel of this server" in await set_(town, "log_channel", voice.mention)


async def test_a_channel_is_cleared_with_a_minus(town: Town) -> None:
    await town.configure(log_channel=town.committee.mention)
    assert "is now **not set**" in await set_(town, "log_channel", "-")


async def test_the_names_are_offered_with_their_meaning(town: Town) -> None:
    every = await town.offered(town.admin, town.support, "settings set", "name")
    assert len(every) == 25
    found = await town.offered(town.admin, town.support, "settings set", "name", "zone")
    assert list(found) == ["timezone"]
    assert "the zone of all dates" in found["timezone"]
    by_meaning = await town.offered(town.admin, town.support, "settings set", "name", "publishes")
    assert list(by_meaning) == ["committee_role"]


OFFERED: tuple[tuple[str, str, list[str]], ...] = (
    ("split_by", "", ["hours", "thanks", "mixed"]),
    ("quarter_starts", "ju", ["June", "July"]),
    ("public_counts", "", ["yes", "no"]),
    ("timezone", "kolk", ["Asia/Kolkata"]),
    ("timezone", "new york", ["America/New_York"]),
    ("cap", "1", []),
    ("nonsense", "", []),
)


async def test_the_values_of_a_setting_are_offered(town: Town) -> None:
    for name, typed, offered in OFFERED:
        found = await town.offered(
            town.admin, town.support, "settings set", "value", typed, name=name
        )
        assert list(found) == offered, (name, typed)


async def test_common_zones_come_first(town: Town) -> None:
    found = await town.offered(
        town.admin, town.support, "settings set", "value", "", name="timezone"
    )
    assert list(found)[:2] == ["UTC", "Europe/Berlin"]


async def test_channels_and_roles_are_offered_by_name_and_taken_by_id(town: Town) -> None:
    channels = await town.offered(
        town.admin, town.support, "settings set", "value", "comm", name="committee_channel"
    )
    assert channels == {str(town.committee.id): "#committee"}
    roles = await town.offered(
        town.admin, town.support, "settings set", "value", "mode", name="moderator_role"
    )
    assert roles == {str(town.moderators.id): "@Moderators"}
    every = await town.offered(
        town.admin, town.support, "settings set", "value", "", name="moderator_role"
    )
    assert "@@everyone" not in every.values()
    answer = await set_(town, "committee_channel", next(iter(channels)))
    assert town.committee.mention in answer


async def test_settings_are_for_admins(town: Town) -> None:
    with pytest.raises(simcord.SetupError, match="not visible"):
        await town.carol.slash(town.support, "settings show")
    await town.show_commands_to(town.carol, "settings")
    answer = await town.press(town.carol, town.support, "settings show")
    assert "Manage Server" in answer
    answer = await town.press(town.carol, town.support, "settings set", name="cap", value="1")
    assert "Manage Server" in answer
    assert "not set" in await set_(town, "cap", "5")  # nothing was stored before


async def test_what_a_channel_refused_is_posted_when_a_setting_points_elsewhere(town: Town) -> None:
    await town.configure()
    await town.forbid(town.support, send_messages=True)
    await town.press(town.carol, town.committee, "round open")
    assert town.said(town.support) == []
    other = town.guild.create_text_channel("help-here")
    await set_(town, "support_channel", other.mention)
    assert "Support 2026-Q1" in town.said(other)[0]
