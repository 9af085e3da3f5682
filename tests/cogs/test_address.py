"""/address and payment files: as their owner and the committee see them, and nobody else."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from tests.cogs.town import Answer, Town

ALICES = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
BOBS = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"
OTHER = "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb"
SAFE_HEADER = "token_type,token_address,receiver,amount,id"


async def press(town: Town, who: Any, command: str, **options: Any) -> Answer:
    return await town.press(who, town.support, command, **options)


async def set_address(town: Town, who: Any, address: str) -> Answer:
    return await press(town, who, "address set", address=address)


async def export(town: Town, file_format: str, who: Any = None) -> Answer:
    return await town.press(who or town.carol, town.committee, "payout export", format=file_format)


async def content(answer: Answer) -> dict[str, bytes]:
    return {name: await file.read() for name, file in answer.files.items()}


async def published(town: Town) -> None:
    """Let Alice have 200.00 with an address and Bob 100.00 without one, published."""
    await town.open()
    await set_address(town, town.alice, ALICES.lower())
    await town.draft()
    await town.publish()


def said_anywhere(town: Town) -> str:
    """Return everything that the bot posted in the channels and threads."""
    places = (town.support, town.committee, *town.support.threads)
    return "\n".join(words for place in places for words in town.said(place))


# ---------------------------------------------------------------- one's own address


async def test_an_address_is_shown_in_full_to_its_owner_and_to_nobody_else(town: Town) -> None:
    await town.open()
    answer = await set_address(town, town.alice, ALICES.lower())
    assert f"**Your payout address is** `{ALICES}`" in answer
    assert f"2026-Q1 is open: the address that stands when it closes counts, now `{ALICES}`" in (
        answer
    )
    shown = await press(town, town.alice, "address show")
    assert f"**Your payout address**: `{ALICES}`, set <t:" in shown
    others = await press(town, town.bob, "address show")
    assert "You have no payout address." in others
    assert "2026-Q1 is open: the address that stands when it closes counts, now none." in others
    (told,) = [words for words in town.said(town.thread("2026-Q1")) if "payout address" in words]
    assert told.startswith(f"{town.alice.mention} set a new payout address.")
    assert ALICES.lower() not in said_anywhere(town).lower()


async def test_the_same_address_again_changes_nothing(town: Town) -> None:
    await town.open()
    await set_address(town, town.alice, ALICES)
    answer = await set_address(town, town.alice, ALICES.upper().replace("0X", "0x"))
    assert answer == f"This is your address already: `{ALICES}`. Nothing was changed."


async def test_an_address_is_replaced_and_taken_away(town: Town) -> None:
    await town.open()
    await set_address(town, town.alice, ALICES)
    assert OTHER in await set_address(town, town.alice, OTHER)
    answer = await press(town, town.alice, "address clear")
    assert "**You have no payout address any more.**" in answer
    assert "took their payout address away" in town.said(town.thread("2026-Q1"))[-1]
    assert "no address here" in await press(town, town.alice, "address clear")


async def test_what_is_no_address_is_refused_with_the_reason(town: Town) -> None:
    await town.open()
    for address, why in (
        ("alice.eth", "A name is not accepted"),
        ("0x" + "0" * 40, "Nobody has the key"),
        (ALICES.swapcase().replace("0X", "0x"), "checksum of this address is wrong"),
        ("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY", "SS58"),
        ("hello", "`0x` and 40 hexadecimal digits"),
    ):
        assert why in await set_address(town, town.alice, address)
    assert "for helpers" in await set_address(town, town.stranger, ALICES)


async def test_a_key_in_another_spelling_is_shown_as_the_network_spells_it(town: Town) -> None:
    await town.open(network="kusama")
    generic = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
    answer = await set_address(town, town.alice, generic)
    assert "`HNZata7iMYWmk5RvZRTiAsSDhV8366zq2YGb3tLH5Upf74F`" in answer
    assert f"the same key as `{generic}`, as Kusama spells it" in answer


async def test_after_the_close_the_answer_says_from_when_an_address_counts(town: Town) -> None:
    await published(town)
    answer = await set_address(town, town.bob, BOBS)
    assert f"2026-Q1: `{BOBS}`, the first one set after its close; it can be paid to from <t:" in (
        answer
    )
    changed = await set_address(town, town.alice, OTHER)
    assert f"2026-Q1: `{ALICES}`; a later change does not reach it." in changed
    assert f"2026-Q2 is open: the address that stands when it closes counts, now `{OTHER}`" in (
        changed
    )


async def test_who_is_due_and_has_no_address_is_told_so(town: Town) -> None:
    await published(town)
    assert "You have no payout address" in await press(town, town.bob, "payout mine")
    assert "You have no payout address" not in await press(town, town.alice, "payout mine")
    shown = await press(town, town.bob, "address show")
    assert "2026-Q1: no address stood when it closed." in shown


# ---------------------------------------------------------------- payment files


async def test_a_batch_goes_from_the_file_to_the_recorded_payment(town: Town) -> None:
    await published(town)
    answer = await export(town, "safe-csv")
    assert "**Batch 1 of 2026-Q1**, opened now: **1 payment, 200.00 USD**, as safe-csv." in answer
    assert "Paid in **the native coin** on chain 1." in answer
    assert f"- No address yet, stays due: {town.bob.mention}" in answer
    assert "`/payout paid batch:1`" in answer
    files = await content(answer)
    assert list(files) == ["stipend-2026-Q1-batch-1-safe.csv"]
    assert files["stipend-2026-Q1-batch-1-safe.csv"].decode() == (
        f"{SAFE_HEADER}\nnative,,{ALICES},200.00,\n"
    )
    assert "was handed over for payment" in town.said(town.committee)[-1]

    again = await export(town, "Safe-JSON", town.dave)
    assert f"the one that {town.carol.mention} opened <t:" in again
    (bundle,) = (await content(again)).values()
    assert json.loads(bundle)["meta"]["name"] == "Stipend 2026-Q1 batch 1"

    for command, options in (
        ("payout paid", {"reference": "0xabc"}),
        ("payout cancel", {"reason": "x"}),
    ):
        offered = await town.offered(town.carol, town.committee, command, "batch", **options)
        assert offered == {"1": "1 (2026-Q1)"}
        assert not await town.offered(town.alice, town.committee, command, "batch", **options)
    refused = await town.press(
        town.carol, town.committee, "payout paid", reference="0xabc", helper=town.alice
    )
    assert "is in batch 1 of 2026-Q1, which is open" in refused
    paid = await town.press(town.carol, town.committee, "payout paid", reference="0xabc", batch="1")
    assert f"Recorded as paid in 2026-Q1: {town.alice.mention}, **200.00 USD**" in paid
    assert paid.endswith("Batch 1 is paid.")
    assert any(words.endswith("is paid.") for words in town.said(town.committee))
    assert ALICES.lower() not in said_anywhere(town).lower()


async def test_a_batch_that_is_given_up_is_said_to_the_committee(town: Town) -> None:
    await published(town)
    await export(town, "disperse")
    answer = await town.press(
        town.dave, town.committee, "payout cancel", batch="1", reason="wrong wallet"
    )
    assert "Batch 1 of 2026-Q1 is cancelled: 1 payment, 200.00 USD." in answer
    assert "**do not sign it any more.**" in said_anywhere(town)
    assert "**Batch 2 of 2026-Q1**, opened now" in await export(town, "disperse")


async def test_the_table_of_the_committee_has_addresses_and_the_public_one_none(
    town: Town,
) -> None:
    await published(town)
    answer = await export(town, "csv")
    assert "keep it in the committee" in answer
    assert f"No address yet, stays due: {town.bob.mention}." in answer
    (data,) = (await content(answer)).values()
    rows = list(csv.DictReader(io.StringIO(data.decode())))
    assert {row["user_id"]: row["address"] for row in rows} == {
        str(town.alice.id): ALICES,
        str(town.bob.id): "",
    }
    shown = await press(town, town.stranger, "payout show")
    for file in (await content(shown)).values():
        assert ALICES.lower() not in file.decode(errors="ignore").lower()
    for kind in ("json", "markdown"):
        (data,) = (await content(await export(town, kind))).values()
        assert ALICES.lower() not in data.decode().lower()


async def test_a_file_of_another_network_is_refused_with_what_fits(town: Town) -> None:
    await published(town)
    assert "What fits: `safe-csv`, `safe-json`, `disperse`, `csv`" in await export(town, "mimir")
    assert "for the committee" in await export(town, "safe-csv", town.alice)


async def test_a_round_with_an_open_batch_is_not_voided(town: Town) -> None:
    await published(town)
    await export(town, "safe-csv")
    answer = await town.press(town.carol, town.committee, "round void", reason="x", round="2026-Q1")
    assert "`/payout cancel batch:1` gives the batch up" in answer


async def test_a_batch_that_pays_what_is_disputed_is_not_to_be_signed(town: Town) -> None:
    await published(town)
    await town.until(2026, 4, 2)
    await export(town, "safe-csv")
    await press(town, town.bob, "dispute open", reason="too much", helper=town.alice)
    asked = town.said(town.committee)[-1]
    assert "**Batch 1 pays this and was handed over: do not sign it**" in asked
    held = await press(town, town.carol, "payout paid", reference="0x1", batch="1")
    assert "What is not recorded is held. First `/dispute resolve`" in held
    held = await press(town, town.carol, "payout paid", reference="0x1", helper=town.alice)
    assert "is held in 2026-Q1, so nothing is recorded. First `/dispute resolve`" in held
    decision = {"dispute": "1", "outcome": "modify", "amount": "150", "reason": "x"}
    await press(town, town.carol, "dispute resolve", **decision)
    await press(town, town.dave, "payout approve")
    answer = await press(town, town.carol, "payout publish")
    assert "**Batch 1 is cancelled**, because a line in it changed" in answer


async def test_who_is_no_helper_needs_no_address(town: Town) -> None:
    await town.open()
    answer = await press(town, town.stranger, "address show")
    assert answer == (
        "You have no payout address and need none: they are for helpers. "
        "`/helper join` says how to become one."
    )
