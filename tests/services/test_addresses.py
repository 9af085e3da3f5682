"""Payout addresses: set by their owner, frozen for a line at its close, never shown to others."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

from bot.domain.errors import Repeated
from bot.domain.states import Line
from bot.services import addresses, history, lines, payments, roster, settings
from storage import people as stored_people
from tests.services.world import (
    ADA,
    BEN,
    CLOSE,
    COMPUTE,
    CYD,
    DAY,
    HOUR,
    KIM,
    LEE,
    MOE,
    ROOT,
    SAM,
    START,
    TOM,
    Who,
    World,
)

FIRST = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
SECOND = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"
THIRD = "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb"
GENERIC = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
POLKADOT = "15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5"
SECOND_EARLIER = CLOSE - timedelta(seconds=1)
SECOND_LATER = CLOSE + timedelta(seconds=1)


async def set_at(
    world: World, address: str, at: datetime | None = None, who: Who = ADA
) -> addresses.Changed:
    return await world.act(addresses.set_own, world.by(who, at=at), address=address)


async def paid_to(world: World, who: Who = ADA) -> str | None:
    """Return the address that a payment file of the first round has now."""
    round_ = await world.round("2026-Q1")
    found = await world.see(addresses.usable, round_, [who.user_id], now=world.now)
    return found.get(who.user_id)


async def publish(world: World) -> None:
    """Let Ada and Ben have a line of the first round, published."""
    await world.to(COMPUTE)
    await world.published()


async def log(world: World) -> None:
    await world.log(ADA, "10h")
    await world.log(BEN, "4h")


# ---------------------------------------------------------------- setting


async def test_an_address_is_kept_with_its_checksum_and_shown_to_its_owner(season: World) -> None:
    change = await set_at(season, FIRST.lower())
    assert (change.address, change.is_new, change.typed) == (FIRST, True, "")
    own = await season.see(addresses.own, by=season.by(ADA))
    assert own.addresses == (("evm", FIRST, START),)
    assert own.usages == (addresses.Usage("2026-Q1", None, None, FIRST),)
    nobody = await season.see(addresses.own, by=season.by(BEN))
    assert (nobody.addresses, nobody.network) == ((), "Ethereum and its like")
    assert nobody.usages == (addresses.Usage("2026-Q1", None, None),)


async def test_a_change_is_told_in_the_thread_and_the_record_without_the_address(
    season: World,
) -> None:
    await set_at(season, FIRST)
    row = (await season.record())[-1]
    assert (row.action, row.subject, row.actor) == ("address.set", "user:11", "11")
    assert set(row.data) == {"address_digest"}
    await season.do(addresses.clear_own, ADA)
    assert (await season.actions())[-1] == "address.cleared"
    posts = await season.posts("address")
    assert [json.loads(post.facts) for post in posts] == [
        {"user": 11, "what": "set"},
        {"user": 11, "what": "cleared"},
    ]
    assert {post.round_id for post in posts} == {(await season.round("2026-Q1")).id}
    rows = [row.as_json() for row in await season.record()]
    assert FIRST[2:].lower() not in json.dumps(rows).lower()


async def test_the_same_key_again_changes_nothing(season: World) -> None:
    await set_at(season, FIRST)
    before = await season.actions()
    assert not (await set_at(season, FIRST.lower())).is_new
    assert await season.actions() == before
    assert len(await season.posts("address")) == 1


async def test_the_same_press_twice_sets_once(season: World) -> None:
    by = season.by(ADA)
    await season.act(addresses.set_own, by, address=FIRST)
    with pytest.raises(Repeated):
        await season.act(addresses.set_own, by, address=FIRST)


async def test_who_is_no_helper_sets_none_and_who_was_one_or_has_a_line_does(
    season: World,
) -> None:
    assert "Payout addresses are for helpers" in await season.refused(
        addresses.set_own, SAM, address=FIRST
    )
    await season.do(roster.join, SAM)
    await set_at(season, FIRST, who=SAM)
    await season.do(roster.leave, ADA)
    await set_at(season, SECOND)


async def test_who_has_a_line_without_being_on_the_roster_sets_one(waiting: World) -> None:
    await waiting.published()
    async with waiting.db.write() as session:
        helper = await stored_people.helper(session, waiting.guild_id, ADA.user_id)
        await session.delete(helper)
    assert (await set_at(waiting, FIRST)).is_new


async def test_what_nobody_can_be_paid_to_is_refused(season: World) -> None:
    for address, why in (
        ("ada.eth", "point to another address"),
        ("0x" + "0" * 40, "Nobody has the key"),
        ("0x12", "40 hexadecimal digits"),
        (GENERIC, "payments here are made on Ethereum"),
    ):
        assert why in await season.refused(addresses.set_own, ADA, address=address)


async def test_the_token_and_the_safe_are_nobodys_own_address(town: World) -> None:
    await town.do(
        settings.change, ROOT, values={"token_address": SECOND.lower(), "safe_address": THIRD}
    )
    assert "the address of the token itself" in await town.refused(
        addresses.set_own, ADA, address=SECOND
    )
    assert "the address of the Safe that pays itself" in await town.refused(
        addresses.set_own, ADA, address=THIRD.lower()
    )


async def test_an_address_of_the_settings_with_a_wrong_checksum_is_refused(town: World) -> None:
    assert "checksum" in await town.refused(
        settings.change, ROOT, values={"token_address": SECOND.replace("B", "b", 1)}
    )
    (change,) = await town.do(settings.change, ROOT, values={"token_address": SECOND.lower()})
    assert change.value == SECOND
    (change,) = await town.do(settings.change, ROOT, values={"token_address": "-"})
    assert change.value == ""


async def test_without_a_round_nothing_is_posted(town: World) -> None:
    assert (await set_at(town, FIRST)).usages == ()
    assert await town.posts("address") == []


async def test_another_server_has_addresses_of_its_own(season: World) -> None:
    await set_at(season, FIRST)
    other = season.elsewhere()
    await other.opened()
    assert (await other.see(addresses.own, by=other.by(ADA))).addresses == ()
    assert "no address here" in await other.refused(addresses.clear_own, ADA)


# ---------------------------------------------------------------- SS58


async def test_one_key_has_the_spelling_of_the_network_that_pays(server: World) -> None:
    await server.opened(network="polkadot")
    change = await set_at(server, GENERIC)
    assert (change.address, change.typed, change.network) == (POLKADOT, GENERIC, "Polkadot")
    assert not (await set_at(server, POLKADOT)).is_new
    assert await paid_to(server) == POLKADOT


async def test_a_round_is_paid_on_the_network_with_which_it_opened(season: World) -> None:
    await set_at(season, FIRST)
    await season.do(settings.change, ROOT, values={"network": "polkadot"})
    await season.log(ADA, "1h")
    season.now += HOUR
    await set_at(season, GENERIC)
    await set_at(season, SECOND)  # the open round is still paid on EVM
    assert await paid_to(season) == SECOND
    own = await season.see(addresses.own, by=season.by(ADA))
    assert [address for _, address, _ in own.addresses] == [SECOND, POLKADOT]
    await season.to(CLOSE)
    assert [usage.address for usage in await usages(season)] == [POLKADOT, SECOND]
    season.now = SECOND_LATER
    await season.do(addresses.clear_own, ADA)
    assert [usage.address for usage in await usages(season)] == ["", SECOND]


async def usages(world: World, who: Who = ADA) -> tuple[addresses.Usage, ...]:
    return (await world.see(addresses.own, by=world.by(who))).usages


# ---------------------------------------------------------------- frozen at the close


@pytest.mark.parametrize(
    ("at", "expected"), ((SECOND_EARLIER, SECOND), (CLOSE, SECOND), (SECOND_LATER, FIRST))
)
async def test_an_address_changed_one_second_around_the_close(
    season: World, at: datetime, expected: str
) -> None:
    await log(season)
    await set_at(season, FIRST)
    await season.to(SECOND_LATER)
    # The press is judged by its own time, whenever it is processed.
    await set_at(season, SECOND, at)
    await publish(season)
    assert await paid_to(season) == expected
    assert (await usages(season))[-1].address == expected


async def test_an_address_cleared_after_the_close_still_serves_its_round(season: World) -> None:
    await log(season)
    await set_at(season, FIRST)
    await season.to(SECOND_LATER)
    await season.do(addresses.clear_own, ADA)
    await publish(season)
    assert await paid_to(season) == FIRST
    latest, first = await usages(season)
    assert (latest.label, latest.address) == ("2026-Q2", "")
    assert (first.label, first.address, first.line) == ("2026-Q1", FIRST, Line.DUE)


async def test_a_line_without_address_takes_the_first_one_a_day_after_it_was_set(
    season: World,
) -> None:
    await log(season)
    await publish(season)
    round_ = await season.round("2026-Q1")
    both = [ADA.user_id, BEN.user_id]
    assert await season.see(addresses.missing, round_, both) == frozenset(both)
    await set_at(season, FIRST)
    assert await season.see(addresses.missing, round_, both) == frozenset({BEN.user_id})
    (_, waits) = await usages(season)
    assert (waits.address, waits.waits_until) == (FIRST, COMPUTE + DAY)
    season.now = COMPUTE + HOUR
    await set_at(season, SECOND)
    season.now = COMPUTE + DAY - timedelta(seconds=1)
    assert await paid_to(season) is None
    season.now = COMPUTE + DAY
    assert await paid_to(season) == FIRST
    assert [usage.address for usage in await usages(season)] == [SECOND, FIRST]


async def test_rounds_that_are_paid_or_without_ones_line_are_not_listed(season: World) -> None:
    await log(season)
    await set_at(season, FIRST)
    await publish(season)
    assert [usage.label for usage in await usages(season, CYD)] == ["2026-Q2"]
    await season.do(payments.record, KIM, reference="0x1", user_id=ADA.user_id)
    assert [usage.label for usage in await usages(season)] == ["2026-Q2"]


async def test_in_review_a_round_says_what_it_froze(season: World) -> None:
    await set_at(season, FIRST)
    await season.to(SECOND_LATER)
    await set_at(season, SECOND)
    assert [(usage.label, usage.address, usage.closed_at) for usage in await usages(season)] == [
        ("2026-Q2", SECOND, None),
        ("2026-Q1", FIRST, CLOSE),
    ]


async def test_the_export_of_the_committee_has_the_addresses_and_the_public_files_none(
    season: World,
) -> None:
    await log(season)
    await set_at(season, FIRST)
    await publish(season)
    document = await season.document("2026-Q1")
    assert {line["address"] for line in document["lines"]} == {""}
    assert FIRST not in json.dumps(document)
    async with season.db.read() as session:
        round_ = await season.round("2026-Q1")
        statement = await lines.published(session, round_)
        found = await addresses.of_statement(session, statement, now=season.now)
    assert found == {ADA.user_id: FIRST}


async def test_ones_own_line_says_that_an_address_is_missing(season: World) -> None:
    await log(season)
    await set_at(season, FIRST)
    await publish(season)
    for who, needs in ((ADA, False), (BEN, True), (CYD, False)):
        mine = await season.see(payments.mine, by=season.by(who), label=None)
        assert mine.needs_address is needs


async def test_an_opening_is_all_that_the_record_keeps_of_an_address(season: World) -> None:
    await set_at(season, FIRST)
    assert await season.see(history.faults, season.guild_id) == []


async def test_a_moderator_or_committee_member_sets_only_their_own(season: World) -> None:
    for who in (KIM, LEE, MOE, TOM):
        assert "Payout addresses are for helpers" in await season.refused(
            addresses.set_own, who, address=FIRST
        )
