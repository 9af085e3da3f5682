"""Payment files from one list: for a Safe, for Disperse and for Mimir.

The same order gives the same bytes. Amounts are plain decimals without grouping, but for
`safe-json`, which counts the token's smallest units.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from bot.domain.addresses import EVM, Network
from bot.domain.errors import Refusal
from bot.domain.money import format_amount

SAFE_CSV, SAFE_JSON, DISPERSE, MIMIR = "safe-csv", "safe-json", "disperse", "mimir"
EVM_FORMATS = (SAFE_CSV, SAFE_JSON, DISPERSE)
FORMATS = (*EVM_FORMATS, MIMIR)
STATEMENT_FORMATS = ("csv", "json", "markdown")
MOST_ROWS = 499
"""Of one file for a Safe."""
MOST_FILES = 10
"""Of one message on Discord."""
SAFE_CSV_HEADER = "token_type,token_address,receiver,amount,id"
TX_BUILDER_VERSION = "1.16.3"

Hash = Callable[[bytes], bytes]


class Payment(Struct, frozen=True):
    """One payment: `amount` counts units of 10**-`decimals` of what is paid."""

    user_id: int
    amount: int
    decimals: int
    address: str


class Order(Struct, frozen=True):
    """A batch as its files are made from it; `created_at` is its own time in milliseconds."""

    label: str
    number: int
    created_at: int
    network: Network
    chain_id: int
    token_address: str
    token_decimals: int
    safe_address: str
    asset_id: str
    payments: tuple[Payment, ...]

    @property
    def title(self) -> str:
        """What a wallet calls it."""
        return f"Stipend {self.label} batch {self.number}"


class File(Struct, frozen=True):
    """One file with what to compare with the wallet: how many rows, and their sum."""

    name: str
    content: bytes
    rows: int
    total: str


def require_format(file_format: str, network: Network, *, label: str) -> None:
    """Refuse a payment file that the network of a round does not know."""
    fitting = EVM_FORMATS if network.kind == EVM else (MIMIR,)
    if file_format not in fitting:
        accepted = ", ".join(f"`{name}`" for name in (*fitting, *STATEMENT_FORMATS))
        raise Refusal(
            f"`{file_format}` is not for {network.title}, on which {label} is paid (`network` as "
            f"it was when the round opened). What fits: {accepted}."
        )


def files(order: Order, file_format: str, *, keccak: Hash) -> tuple[File, ...]:
    """Return the files of a payment order, split where the target takes only so many rows."""
    render, ending, is_split = _RENDERERS[file_format]
    for payment in order.payments:
        units(payment, order.token_decimals)
    size = MOST_ROWS if is_split else max(len(order.payments), 1)
    parts = [order.payments[at : at + size] for at in range(0, len(order.payments), size)]
    if len(parts) > MOST_FILES:
        raise Refusal(
            f"These are {len(order.payments)} payments, and one message holds {MOST_FILES} files "
            f"of {MOST_ROWS}. `{DISPERSE}` has them all in one file."
        )
    made = []
    for at, part in enumerate(parts, start=1):
        place = f"-{at}-of-{len(parts)}" if len(parts) > 1 else ""
        title = order.title + (f", part {at} of {len(parts)}" if len(parts) > 1 else "")
        made.append(
            File(
                name=f"stipend-{order.label}-batch-{order.number}{place}-{ending}",
                content=render(order, part, title, keccak).encode(),
                rows=len(part),
                total=total(part),
            )
        )
    return tuple(made)


def total(payments: Sequence[Payment]) -> str:
    """Return the sum of some payments, which are all of the same currency."""
    decimals = payments[0].decimals
    return format_amount(sum(payment.amount for payment in payments), decimals=decimals)


def units(payment: Payment, token_decimals: int) -> int:
    """Return a payment in the token's smallest units; refused where that would not be exact."""
    more: int = 10 ** max(token_decimals - payment.decimals, 0)
    fewer: int = 10 ** max(payment.decimals - token_decimals, 0)
    whole, rest = divmod(payment.amount * more, fewer)
    if rest:
        amount = format_amount(payment.amount, decimals=payment.decimals)
        raise Refusal(
            f"The payment of {amount} to <@{payment.user_id}> has more decimals than the token "
            f"({token_decimals}: `token_decimals` as it was when the round opened), so no file is "
            "made. Pay it by hand from `csv`, or correct the line with `/payout adjust`."
        )
    return whole


def checksum(batch: dict[str, Any], *, keccak: Hash) -> str:
    """Return the checksum of a batch of the Safe Transaction Builder 1.0.

    It is the keccak-256 of the batch without `meta.checksum`, with `meta.name` null, in the
    builder's own spelling.
    """
    meta = {name: value for name, value in batch["meta"].items() if name != "checksum"}
    spelled = _spelled({**batch, "meta": {**meta, "name": None}})
    return f"0x{keccak(spelled.encode()).hex()}"


def _spelled(value: Any) -> str:
    if isinstance(value, list):
        return f"[{','.join(map(_spelled, value))}]"
    if isinstance(value, dict):
        names = sorted(value)
        return f"{{{_json(names)}{''.join(f'{_spelled(value[name])},' for name in names)}}}"
    return _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _decimal(payment: Payment, token_decimals: int) -> str:
    """Return an amount in whole tokens, without decimals that the token does not have."""
    places = min(payment.decimals, token_decimals)
    return format_amount(
        units(payment, token_decimals) // 10 ** (token_decimals - places), decimals=places
    )


def _safe_csv(order: Order, payments: Sequence[Payment], _title: str, _keccak: Hash) -> str:
    token = f"erc20,{order.token_address}" if order.token_address else "native,"
    rows = [
        f"{token},{payment.address},{_decimal(payment, order.token_decimals)},"
        for payment in payments
    ]
    return "".join(f"{row}\n" for row in (SAFE_CSV_HEADER, *rows))


def _safe_json(order: Order, payments: Sequence[Payment], title: str, keccak: Hash) -> str:
    meta = {
        "name": title,
        "description": "",
        "txBuilderVersion": TX_BUILDER_VERSION,
        "createdFromSafeAddress": order.safe_address,
        "createdFromOwnerAddress": "",
    }
    batch: dict[str, Any] = {
        "version": "1.0",
        "chainId": str(order.chain_id),
        "createdAt": order.created_at,
        "meta": meta,
        "transactions": [_transaction(order, payment) for payment in payments],
    }
    batch["meta"] = {**meta, "checksum": checksum(batch, keccak=keccak)}
    return f"{json.dumps(batch, ensure_ascii=False, indent=2)}\n"


def _transaction(order: Order, payment: Payment) -> dict[str, Any]:
    amount = str(units(payment, order.token_decimals))
    if not order.token_address:
        return {
            "to": payment.address,
            "value": amount,
            "data": None,
            "contractMethod": None,
            "contractInputsValues": None,
        }
    inputs = [
        {"name": name, "type": kind, "internalType": kind}
        for name, kind in (("to", "address"), ("value", "uint256"))
    ]
    return {
        "to": order.token_address,
        "value": "0",
        "data": None,
        "contractMethod": {"inputs": inputs, "name": "transfer", "payable": False},
        "contractInputsValues": {"to": payment.address, "value": amount},
    }


def _disperse(order: Order, payments: Sequence[Payment], _title: str, _keccak: Hash) -> str:
    return "".join(
        f"{payment.address},{_decimal(payment, order.token_decimals)}\n" for payment in payments
    )


def _mimir(order: Order, payments: Sequence[Payment], _title: str, _keccak: Hash) -> str:
    return "".join(
        f"{payment.address},{order.asset_id},{_decimal(payment, order.token_decimals)}\n"
        for payment in payments
    )


_RENDERERS: dict[str, tuple[Callable[[Order, Sequence[Payment], str, Hash], str], str, bool]] = {
    SAFE_CSV: (_safe_csv, "safe.csv", True),
    SAFE_JSON: (_safe_json, "safe.json", True),
    DISPERSE: (_disperse, "disperse.csv", False),
    MIMIR: (_mimir, "mimir.csv", False),
}
