"""Words about batches and addresses, at their longest and at their rarest."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec.structs import replace

from bot.domain import policy
from bot.domain.addresses import NETWORKS
from bot.domain.payfiles import File
from bot.domain.statement import Sum
from bot.domain.states import Line
from bot.services.addresses import Changed, Own, Usage
from bot.services.batches import Handed, LeftOut, Shown
from bot.services.payments import Recorded
from bot.ui import addresses, payfiles

NOW = datetime(2026, 4, 2, tzinfo=UTC)
TOKEN = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"
MONEY = Sum(70_00, "USD", 2)


def handed(**changes: object) -> Handed:
    basic = Handed(
        label="2026-Q1",
        version=1,
        number=3,
        is_new=True,
        opened_by=21,
        opened_at=NOW,
        file_format="safe-json",
        files=(File("a.json", b"{}", 2, "70.00"),),
        total=MONEY,
        network=NETWORKS["evm"],
        policy=policy.read({"token_address": TOKEN, "token_decimals": "6", "chain_id": "100"}),
        left=LeftOut(),
        due_at=NOW,
    )
    return replace(basic, **changes)


def test_what_is_paid_in_is_said_before_anybody_signs() -> None:
    assert f"Paid in token `{TOKEN}` (6 decimals) on chain 100." in payfiles.handed(handed())
    mimir = handed(file_format="mimir", network=NETWORKS["phala"])
    assert "Paid in asset `native` on Phala." in payfiles.handed(mimir)
    assert "Left out" not in payfiles.handed(handed())


def test_several_files_have_rows_and_total_each_and_it_all_fits() -> None:
    many = tuple(range(10**17, 10**17 + 900))
    parts = tuple(
        File(f"stipend-2026-Q1-batch-3-{at}-of-10-safe.json", b"", 499, "123456.00")
        for at in range(1, 11)
    )
    left = LeftOut(many, tuple((user, NOW) for user in many), many, many, many, many)
    text = payfiles.handed(handed(files=parts, left=left, is_new=False))
    assert "- `stipend-2026-Q1-batch-3-10-of-10-safe.json`: 499 rows, 123456.00 USD" in text
    assert "**4,990 payments, 70.00 USD**" in text
    # What matters stands before the lists, which are cut at 2,000 characters.
    assert text.index("`/payout cancel batch:3`") < 1900
    names = [file.filename for file in payfiles.files(handed(files=parts))]
    assert names == [part.name for part in parts]


def test_every_reason_for_being_left_out_is_named() -> None:
    left = LeftOut((1,), ((2, NOW),), (3,), (4,), (5,), (6,))
    assert payfiles.left_out(left) == [
        "**Left out**",
        "- No address yet, stays due: <@1>",
        "- Held: <@3>",
        "- Being corrected: <@4>",
        "- Due since the batch was opened, for the next one: <@5>",
        "- Nothing in the steps that are paid: <@6>",
        "- Address set after the close, waits for 24 hours: <@2>, the first until "
        f"<t:{int(NOW.timestamp())}:f>",
    ]


def test_what_a_batch_leaves_open_is_named_when_it_is_recorded() -> None:
    paid = Recorded("2026-Q1", "0x1", (11,), MONEY, still_due=1)
    assert "atch" not in payfiles.recorded(paid)
    held = replace(paid, batch=3, left_in_batch=((12, Line.HELD), (13, Line.NONE)))
    assert "Batch 3 stays open for 2 lines: <@12> (held), <@13> (none)." in payfiles.recorded(held)
    assert payfiles.recorded(replace(paid, batch=3, is_batch_closed=True)).endswith(
        "Batch 3 is paid."
    )


def test_the_post_about_a_batch_says_how_it_stands() -> None:
    shown = Shown("2026-Q1", 3, "open", 21, (11, 12), MONEY)
    assert "(2 payments, 70.00 USD, opened by <@21>)" in payfiles.batch(shown)
    assert payfiles.batch(replace(shown, state="paid")).endswith("is paid.")
    assert "do not sign" in payfiles.batch(replace(shown, state="cancelled"))


def test_many_rounds_are_cut_and_held_lines_are_marked() -> None:
    usages = tuple(Usage(f"20{year}-Q1", NOW, Line.HELD, "0xab") for year in range(10, 25))
    text = addresses.own(Own((), "Kusama", usages))
    assert "payments here are made on Kusama" in text
    assert "- 2010-Q1, held: `0xab`" in text
    assert text.endswith("- and 7 earlier ones")
    assert len(addresses.changed(Changed("0xab", "", is_new=True, typed="", usages=usages))) < 2000
