"""Payment files: their exact bytes, their limits, and what is refused."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.domain.addresses import NETWORKS
from bot.domain.errors import Refusal
from bot.domain.payfiles import (
    FORMATS,
    File,
    Order,
    Payment,
    checksum,
    files,
    require_format,
    units,
)
from bot.services.checksums import keccak

TOKEN = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"
SAFE = "0x10A19e7eE7d7F8a52822f6817de8ea18204F2e4f"
ADA, BEN = (
    "0x811912c19eEF91b9Dc3cA52fc426590cFB84FC86",
    "0x52908400098527886E0F7030069857D2E4169EE7",
)
DOT = "15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5"

ORDER = Order(
    label="2026-Q1",
    number=3,
    created_at=1703107040104,
    network=NETWORKS["evm"],
    chain_id=1,
    token_address=TOKEN,
    token_decimals=6,
    safe_address=SAFE,
    asset_id="native",
    payments=(Payment(11, 50_00, 2, ADA), Payment(12, 1_234_05, 2, BEN)),
)


def made(order: Order, file_format: str) -> tuple[File, ...]:
    return files(order, file_format, keccak=keccak)


def text(order: Order, file_format: str) -> str:
    (file,) = made(order, file_format)
    return file.content.decode()


def of_lines(count: int, **changes: Any) -> Order:
    payments = tuple(Payment(user, 1_00 + user, 2, ADA) for user in range(1, count + 1))
    return replace(ORDER, payments=payments, **changes)


# ---------------------------------------------------------------- the checksum of a Safe batch


def test_the_published_example_has_its_published_checksum() -> None:
    inputs = [
        {"internalType": kind, "name": name, "type": kind}
        for name, kind in (("to", "address"), ("value", "uint256"))
    ]
    batch = {
        "version": "1.0",
        "chainId": "1",
        "createdAt": 1703107040104,
        "meta": {
            "name": "Transactions Batch",
            "description": "",
            "txBuilderVersion": "1.16.3",
            "createdFromSafeAddress": SAFE,
            "createdFromOwnerAddress": "",
            "checksum": "0xnotcounted",
        },
        "transactions": [
            {
                "to": TOKEN,
                "value": "0",
                "data": None,
                "contractMethod": {"inputs": inputs, "name": "transfer", "payable": False},
                "contractInputsValues": {"to": ADA, "value": "29000000000"},
            }
        ],
    }
    expected = "0x1f440bb1b31ed23dce797e5957ac2a5749add1074f8540f0ff0a158e4b248003"
    assert checksum(batch, keccak=keccak) == expected
    batch["transactions"][0]["contractInputsValues"]["value"] = "29000000001"  # type: ignore[index]
    assert checksum(batch, keccak=keccak) != expected


def test_our_own_file_is_that_example_but_for_its_name() -> None:
    order = replace(ORDER, payments=(Payment(11, 29_000_00, 2, ADA),))
    batch = json.loads(text(order, "safe-json"))
    assert batch["meta"]["name"] == "Stipend 2026-Q1 batch 3"
    assert batch["meta"]["checksum"] == (
        "0x1f440bb1b31ed23dce797e5957ac2a5749add1074f8540f0ff0a158e4b248003"
    )


@given(st.integers(1, 2**63 - 1), st.integers(0, 8), st.text(max_size=20))
def test_the_checksum_in_a_file_is_that_of_what_is_in_it(
    amount: int, decimals: int, label: str
) -> None:
    order = replace(ORDER, label=label, payments=(Payment(11, amount, decimals, ADA),))
    order = replace(order, token_decimals=18)
    batch = json.loads(text(order, "safe-json"))
    assert batch["meta"]["checksum"] == checksum(batch, keccak=keccak)
    value = batch["transactions"][0]["contractInputsValues"]["value"]
    assert int(value) == amount * 10 ** (18 - decimals)


# ---------------------------------------------------------------- each format


def test_a_safe_csv_has_five_columns_and_no_other() -> None:
    assert text(ORDER, "safe-csv") == (
        "token_type,token_address,receiver,amount,id\n"
        f"erc20,{TOKEN},{ADA},50.00,\n"
        f"erc20,{TOKEN},{BEN},1234.05,\n"
    )


def test_without_a_token_the_native_coin_is_paid() -> None:
    order = replace(ORDER, token_address="", token_decimals=18)
    assert text(order, "safe-csv").splitlines()[1] == f"native,,{ADA},50.00,"
    (first, _) = json.loads(text(order, "safe-json"))["transactions"]
    assert first == {
        "to": ADA,
        "value": "50000000000000000000",
        "data": None,
        "contractMethod": None,
        "contractInputsValues": None,
    }


def test_disperse_takes_an_address_and_a_plain_decimal_a_line() -> None:
    assert text(ORDER, "disperse") == f"{ADA},50.00\n{BEN},1234.05\n"


def test_mimir_takes_the_asset_between_them() -> None:
    payments = (Payment(11, 50_00, 2, DOT),)
    order = replace(ORDER, network=NETWORKS["polkadot"], asset_id="1984", payments=payments)
    assert text(order, "mimir") == f"{DOT},1984,50.00\n"


@pytest.mark.parametrize("file_format", FORMATS)
def test_the_same_order_gives_the_same_bytes_with_rows_and_total(file_format: str) -> None:
    (file,) = made(ORDER, file_format)
    assert made(ORDER, file_format) == (file,)
    assert (file.rows, file.total) == (2, "1284.05")
    assert file.name.startswith(f"stipend-2026-Q1-batch-3-{file_format.split('-', maxsplit=1)[0]}.")


# ---------------------------------------------------------------- limits


@pytest.mark.parametrize("file_format", ("safe-csv", "safe-json"))
def test_1200_payments_to_a_safe_are_three_files(file_format: str) -> None:
    order = of_lines(1200)
    parts = made(order, file_format)
    assert [file.rows for file in parts] == [499, 499, 202]
    assert len({file.name for file in parts}) == 3
    total = sum(int(file.total.replace(".", "")) for file in parts)
    assert total == sum(payment.amount for payment in order.payments)
    if file_format == "safe-json":
        names = [json.loads(file.content)["meta"]["name"] for file in parts]
        assert names[2] == "Stipend 2026-Q1 batch 3, part 3 of 3"
    else:
        assert [file.content.count(b"\n") for file in parts] == [500, 500, 203]


def test_499_payments_are_one_file_and_500_are_two() -> None:
    assert len(made(of_lines(499), "safe-csv")) == 1
    assert len(made(of_lines(500), "safe-csv")) == 2


def test_1200_payments_by_disperse_are_one_file() -> None:
    assert text(of_lines(1200), "disperse").count("\n") == 1200


def test_more_files_than_a_message_holds_are_refused() -> None:
    assert len(made(of_lines(4990), "safe-csv")) == 10
    with pytest.raises(Refusal, match=r"4991 payments.*`disperse` has them all"):
        made(of_lines(4991), "safe-csv")


def test_no_amount_has_more_decimals_than_the_token() -> None:
    coarse = replace(ORDER, token_decimals=1)
    assert text(replace(coarse, payments=(Payment(11, 50_10, 2, ADA),)), "safe-csv").endswith(
        f"{ADA},50.1,\n"
    )
    for file_format in FORMATS:
        with pytest.raises(Refusal, match=r"1234\.05 to <@12> has more decimals than the token"):
            made(coarse, file_format)
    assert text(replace(ORDER, token_decimals=0, payments=(Payment(11, 5_00, 2, ADA),)),
        "disperse") == f"{ADA},5\n"  # fmt: skip


@given(st.integers(0, 2**63 - 1), st.integers(0, 8), st.integers(0, 36))
def test_units_are_exact_or_refused(amount: int, decimals: int, token_decimals: int) -> None:
    payment = Payment(11, amount, decimals, ADA)
    exact = amount * 10**token_decimals
    if exact % 10**decimals:
        with pytest.raises(Refusal, match="more decimals"):
            units(payment, token_decimals)
    else:
        assert units(payment, token_decimals) == exact // 10**decimals


# ---------------------------------------------------------------- networks


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_a_format_of_another_network_is_refused_with_those_that_fit(network: Any) -> None:
    fitting = {"safe-csv", "safe-json", "disperse"} if network.name == "evm" else {"mimir"}
    for file_format in FORMATS:
        if file_format in fitting:
            require_format(file_format, network, label="2026-Q1")
            continue
        with pytest.raises(Refusal, match="What fits") as refusal:
            require_format(file_format, network, label="2026-Q1")
        assert all(f"`{name}`" in str(refusal.value) for name in fitting)


def test_keccak_is_not_the_sha3_of_the_standard() -> None:
    assert keccak(b"") != hashlib.sha3_256(b"").digest()
