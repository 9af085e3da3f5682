"""Addresses as their networks spell them: EIP-55 and SS58, verified by their own checksums.

The libraries for that take long to load, so they are loaded when the first address is read.
"""

from __future__ import annotations

import hashlib
import re

from msgspec import Struct

from bot.domain.addresses import EVM, NETWORKS, SS58, Network
from bot.domain.errors import Refusal

EVM_FORM = re.compile(r"0[xX][0-9a-fA-F]{40}")
PRIVATE_KEY_FORM = re.compile(r"(0[xX])?[0-9a-fA-F]{64}")
BASE58_FORM = re.compile(r"[1-9A-HJ-NP-Za-km-z]{35,60}")
NAME_FORM = re.compile(r"(?i)[^\s.]+(\.[^\s.]+)*\.[a-z]{2,}")
GENERIC_PREFIX = 42
KEY_BYTES, CHECKSUM_BYTES = 32, 2
ONE_BYTE_PREFIXES, TWO_BYTE_PREFIXES = 64, 128
LOWEST_KEYED = 0x10000
"""Below this are zero, the precompiled contracts and 0x…dEaD: nobody has a key to them."""
BURNED = frozenset(
    {
        "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee",  # stands for the native coin
        "dead000000000000000000000000000000000000",
        "dead000000000000000042069420694206942069",
        "deaddeaddeaddeaddeaddeaddeaddeaddeaddead",
        "00000000000000000000000000000000deadbeef",
        "00000000000000000000000000000000fee1dead",
    }
)


class Read(Struct, frozen=True):
    """An address that was verified, in its network's own spelling."""

    kind: str
    address: str
    public_key: str


def read(text: str, network: Network) -> Read:
    """Read an address of a network as somebody typed it.

    Of EVM: `0x` and 40 hexadecimal digits, in one case or with a right EIP-55 checksum. Of the
    others: SS58 with a right checksum, of this network or generic (42). Refused are names, and
    addresses that nobody has the key of.
    """
    word = text.strip()
    if PRIVATE_KEY_FORM.fullmatch(word):
        raise Refusal(
            "That has the length of a private key or a transaction hash, not of an address. A "
            "private key must never be given to anybody: if it is one, move its funds now."
        )
    if word.lower().endswith(".eth") or NAME_FORM.fullmatch(word):
        raise Refusal(
            "A name is not accepted: whoever holds it can let it point to another address "
            "tomorrow. Open it in your wallet and give the address behind it."
        )
    return _read_evm(word, network) if network.kind == EVM else _read_ss58(word, network)


def spell(public_key: str, network: Network) -> str:
    """Return the address of a key as a network spells it."""
    if network.kind == EVM:
        return checksummed(public_key)
    assert network.prefix is not None
    return ss58(bytes.fromhex(public_key), network.prefix)


def checksummed(digits: str) -> str:
    """Return 40 hexadecimal digits, with or without 0x, in the spelling of EIP-55."""
    from eth_utils.address import to_checksum_address

    bare = digits[-40:].lower()
    return str(to_checksum_address(f"0x{bare}"))


def keccak(data: bytes) -> bytes:
    """Return the keccak-256 of some bytes."""
    from eth_utils.crypto import keccak as keccak_256

    return bytes(keccak_256(data))


def ss58(key: bytes, prefix: int) -> str:
    """Return a public key as SS58 spells it under a prefix."""
    import base58

    if prefix < ONE_BYTE_PREFIXES:
        start = bytes([prefix])
    else:
        start = bytes(
            [((prefix & 0xFC) >> 2) | ONE_BYTE_PREFIXES, (prefix >> 8) | ((prefix & 0x03) << 6)]
        )
    return base58.b58encode(start + key + _ss58_checksum(start + key)).decode()


def unspell(address: str) -> tuple[int, bytes] | None:
    """Return prefix and public key of an SS58 address, None where it is none or mistyped."""
    import base58

    if not BASE58_FORM.fullmatch(address):
        return None
    raw = base58.b58decode(address)
    if raw[0] >= TWO_BYTE_PREFIXES:
        return None
    length = 1 if raw[0] < ONE_BYTE_PREFIXES else 2
    content, checksum = raw[:-CHECKSUM_BYTES], raw[-CHECKSUM_BYTES:]
    if len(content) != length + KEY_BYTES or _ss58_checksum(content) != checksum:
        return None
    prefix = raw[0]
    if length > 1:
        prefix = ((raw[0] & 0x3F) << 2) | (raw[1] >> 6) | ((raw[1] & 0x3F) << 8)
    return prefix, content[length:]


def require_evm(word: str) -> str:
    """Return an EVM address with its checksum; mixed case has to have it already."""
    if not EVM_FORM.fullmatch(word):
        raise Refusal("An address is `0x` and 40 hexadecimal digits.")
    digits = word[2:]
    spelled = checksummed(digits)
    if digits not in (digits.lower(), digits.upper(), spelled[2:]):
        raise Refusal(
            "The checksum of this address is wrong, so a character of it is: copy it again from "
            "your wallet. All lower case is accepted too."
        )
    return spelled


def _read_evm(word: str, network: Network) -> Read:
    if not EVM_FORM.fullmatch(word):
        if unspell(word) is not None:
            raise Refusal(
                f"This is an SS58 address; payments here are made on {_on(network)}: give an "
                "address with `0x` and 40 hexadecimal digits."
            )
        prefixed = " without the chain's name before it" if ":" in word else ""
        raise Refusal(
            f"Payments here are made on {_on(network)}{prefixed}: `0x` and 40 hexadecimal digits."
        )
    spelled = require_evm(word)
    digits = spelled[2:].lower()
    if int(digits, 16) < LOWEST_KEYED or digits in BURNED or len(set(digits)) == 1:
        raise Refusal(
            "Nobody has the key to this address: what is sent there is lost. Give one of your own."
        )
    return Read(EVM, spelled, digits)


def _read_ss58(word: str, network: Network) -> Read:
    if EVM_FORM.fullmatch(word):
        raise Refusal(
            f"This is an EVM address; payments here are made on {_on(network)}: give the one that "
            f"your wallet shows for {network.title}."
        )
    found = unspell(word)
    if found is None:
        raise Refusal(
            f"This is no address of {network.title}: SS58 with its checksum is accepted, as your "
            "wallet shows it. Copy it again: a character is wrong or missing."
        )
    prefix, key = found
    if len(set(key)) == 1:
        raise Refusal(
            "Nobody has the key to this address: what is sent there is lost. Give one of your own."
        )
    assert network.prefix is not None
    spelled = ss58(key, network.prefix)
    if prefix not in (network.prefix, GENERIC_PREFIX):
        whose = next(
            (f"of {other.title}" for other in NETWORKS.values() if other.prefix == prefix),
            "of another network",
        )
        raise Refusal(
            f"This address is {whose} (prefix {prefix}); payments here are made on {_on(network)}. "
            f"The same key would be `{spelled}` there: give that if your wallet holds it there too."
        )
    return Read(SS58, spelled, key.hex())


def _on(network: Network) -> str:
    prefix = "" if network.prefix is None else f" (SS58, prefix {network.prefix})"
    return f"{network.title}{prefix}"


def _ss58_checksum(content: bytes) -> bytes:
    return hashlib.blake2b(b"SS58PRE" + content).digest()[:CHECKSUM_BYTES]


def verified(name: str, address: str) -> str:
    """Return an address of the settings with its checksum; the token and the Safe are of EVM."""
    try:
        if name == "tip_address" and unspell(address) is not None:
            return address
        return _read_evm(address, NETWORKS["evm"]).address
    except Refusal as refusal:
        native = " For the native coin, clear it with `-`." if name == "token_address" else ""
        raise Refusal(f"`{name}` is not changed. {refusal}{native}") from refusal
