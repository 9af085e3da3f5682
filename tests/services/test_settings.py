"""Settings: who may change them, versions, and what the open round keeps."""

from __future__ import annotations

import pytest

from bot.domain.errors import Refusal, Repeated
from bot.services import outbox, rounds, settings
from storage import policy as stored
from storage.tables import Post
from tests.services.world import (
    ADA,
    CLOSE,
    DAY,
    KIM,
    LEE,
    ROOT,
    SAM,
    START,
    World,
)


async def test_before_the_first_change_everything_is_at_its_default(server: World) -> None:
    now = await server.see(settings.current, server.guild_id)
    assert (now.version, dict(now.document)) == (0, {})
    assert now.policy.approvals == 1
    rows = await server.see(settings.overview, server.guild_id)
    assert {(row.version, row.actor_id, row.at) for row in rows} == {(None, None, None)}
    assert {row.name: row.value for row in rows}["call_day"] == "15"


async def test_a_change_is_answered_with_before_and_after(server: World) -> None:
    (change,) = await server.do(settings.change, ROOT, values={" Call_Day ": " 10 "})
    assert change == settings.Changed("call_day", "10", "15", version=1, open_label=None)
    assert (await server.see(settings.current, server.guild_id)).policy.timetable.call_day == 10


async def test_the_overview_names_the_last_change_of_each_setting(server: World) -> None:
    await server.do(settings.change, ROOT, values={"call_day": "10", "approvals": "2"})
    server.now = START + DAY
    await server.do(settings.change, ROOT, values={"call_day": "12"})
    rows = {row.name: row for row in await server.see(settings.overview, server.guild_id)}
    assert (rows["call_day"].value, rows["call_day"].version) == ("12", 3)
    assert (rows["call_day"].actor_id, rows["call_day"].at) == (ROOT.user_id, START + DAY)
    assert (rows["approvals"].version, rows["approvals"].at) == (2, START)
    assert rows["compute_hour"].version is None
    assert rows["cap"].meaning
    assert rows["cap"].accepts


async def test_a_cleared_setting_is_at_its_default_again_and_has_no_origin(server: World) -> None:
    await server.do(settings.change, ROOT, values={"call_day": "10"})
    (change,) = await server.do(settings.change, ROOT, values={"call_day": "-"})
    assert (change.before, change.value) == ("10", "15")
    rows = {row.name: row for row in await server.see(settings.overview, server.guild_id)}
    assert (rows["call_day"].value, rows["call_day"].actor_id) == ("15", None)


@pytest.mark.parametrize("who", (ADA, KIM, SAM))
async def test_only_an_admin_changes_settings(server: World, who: object) -> None:
    assert "Manage Server" in await server.refused(settings.change, who, values={"cap": "1"})  # type: ignore[arg-type]


async def test_several_settings_are_changed_together_or_not_at_all(server: World) -> None:
    values = {"call_day": "10", "compute_hour": "25"}
    assert "`compute_hour` accepts" in await server.refused(settings.change, ROOT, values=values)
    assert (await server.see(settings.current, server.guild_id)).version == 0


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    (
        ("cpa", "1", "Did you mean `cap`"),
        ("cap", "1e999", "`cap` accepts"),
        ("cap", "NaN", "`cap` accepts"),
        ("cap", "-5", "`cap` accepts"),
        ("cap", "1" * 30, "too large"),
        ("cap", "9" * 300, "too long"),
        ("hourly_rate", "0", "above zero"),
        ("timezone", "Mars", "a time zone"),
        ("quarter_starts", "Smarch", "a month"),
        ("support_channel", "general", "a channel"),
    ),
)
async def test_a_value_that_is_not_accepted_is_refused_with_the_accepted_form(
    server: World, name: str, value: str, sentence: str
) -> None:
    assert sentence in await server.refused(settings.change, ROOT, values={name: value})


async def test_the_open_round_keeps_the_version_with_which_it_opened(season: World) -> None:
    (change,) = await season.do(settings.change, ROOT, values={"cap": "2000.00"})
    assert change.open_label == "2026-Q1"
    pinned = await season.see(settings.pinned, await season.round("2026-Q1"))
    assert pinned.policy.cap == 1000_00
    await season.to(CLOSE)
    pinned = await season.see(settings.pinned, await season.round("2026-Q2"))
    assert pinned.policy.cap == 2000_00


@pytest.mark.parametrize("name", ("cap", "hourly_rate"))
async def test_cap_and_rate_can_be_cleared_except_while_a_round_is_open(
    town: World, name: str
) -> None:
    await town.do(settings.change, ROOT, values={name: "-"})
    await town.do(settings.change, ROOT, values={name: "10.00"})
    await town.do(rounds.open_by_hand, KIM)
    sentence = await town.refused(settings.change, ROOT, values={name: "-"})
    assert "cannot be cleared while 2026-Q1 is open" in sentence
    await town.do(settings.change, ROOT, values={"support_channel": "-"})


async def test_every_change_enters_the_record_with_its_version_and_value(server: World) -> None:
    address = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
    await server.do(
        settings.change, ROOT, values={"tip_address": address.lower(), "approvals": "2"}
    )
    first, second = await server.record()
    assert (first.action, first.subject) == ("settings.changed", "setting:tip_address")
    assert first.data == {"version": 1, "value": address}
    assert second.data == {"version": 2, "value": "2"}


async def test_a_change_of_settings_tries_again_what_a_channel_refused(season: World) -> None:
    (post,) = await season.posts("announcement")
    async with season.db.write() as session:
        await outbox.failed(session, post, problem="no permission", state=outbox.PARKED)
    assert await season.see(outbox.problems, season.guild_id) == ("no permission",)
    await season.do(settings.change, ROOT, values={"call_day": "10"})
    assert await season.see(outbox.problems, season.guild_id) == ()
    async with season.db.read() as session:
        again = await session.get(Post, post.id)
        assert again is not None
        assert again.state == outbox.PENDING


async def test_the_same_interaction_changes_settings_once(server: World) -> None:
    by = server.by(ROOT)
    await server.act(settings.change, by, values={"call_day": "10"})
    with pytest.raises(Repeated):
        await server.act(settings.change, by, values={"call_day": "11"})
    assert (await server.see(settings.current, server.guild_id)).version == 1


async def test_servers_have_settings_of_their_own(town: World) -> None:
    other = town.elsewhere()
    await other.do(settings.change, ROOT, values={"cap": "5.00"})
    assert (await town.see(settings.current, town.guild_id)).policy.cap == 1000_00
    assert (await other.see(settings.current, other.guild_id)).version == 1
    assert len(await town.see(stored.servers)) == 2


async def test_the_committee_is_known_by_its_role(town: World) -> None:
    await town.see(settings.require_committee, town.by(LEE))
    with pytest.raises(Refusal, match="for the committee"):
        await town.see(settings.require_committee, town.by(ROOT))
    await town.do(settings.change, ROOT, values={"committee_role": "-"})
    with pytest.raises(Refusal, match="No committee role is set"):
        await town.see(settings.require_committee, town.by(LEE))


async def test_what_does_not_fit_together_is_told_at_once(server: World) -> None:
    (change,) = await server.do(settings.change, ROOT, values={"split_by": "mixed"})
    assert change.problems == (
        "`split_by` is mixed, so `thanks_share` needs a percentage above 0.",
    )
    (change,) = await server.do(settings.change, ROOT, values={"thanks_share": "25"})
    assert change.problems == (), "what is missing before the first round is for /setup to say"
    changes = await server.do(settings.change, ROOT, values={"call_day": "20", "close_day": "19"})
    assert [len(each.problems) for each in changes] == [1, 1]


async def test_once_there_was_a_round_everything_that_keeps_the_next_from_opening_is_told(
    season: World,
) -> None:
    (change,) = await season.do(settings.change, ROOT, values={"committee_role": "-"})
    assert [problem.split("`")[1] for problem in change.problems] == ["committee_role"]
