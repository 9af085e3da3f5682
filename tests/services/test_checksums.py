"""Addresses as their networks spell them, with published examples."""

from __future__ import annotations

import base58
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.addresses import NETWORKS
from bot.domain.errors import Refusal
from bot.services.checksums import (
    checksummed,
    read,
    require_evm,
    spell,
    ss58,
    unspell,
    verified,
)

EVM, POLKADOT = NETWORKS["evm"], NETWORKS["polkadot"]
# From EIP-55.
CHECKSUMMED = (
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
    "0xde709f2102306220921060314715629080e2fb77",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
)
KEY = bytes.fromhex("d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d")
# The same well-known key as Substrate, Polkadot and Kusama spell it.
SPELLED = {
    "substrate": "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
    "polkadot": "15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5",
    "kusama": "HNZata7iMYWmk5RvZRTiAsSDhV8366zq2YGb3tLH5Upf74F",
}
GENERIC = SPELLED["substrate"]


def refusal(text: str, network: str = "evm") -> str:
    with pytest.raises(Refusal) as refused:
        read(text, NETWORKS[network])
    return str(refused.value)


# ---------------------------------------------------------------- EVM


@pytest.mark.parametrize("address", CHECKSUMMED)
def test_one_case_and_the_right_checksum_are_accepted_and_shown_with_it(address: str) -> None:
    digits = address[2:]
    for text in (address, f"0x{digits.lower()}", f"0x{digits.upper()}", f"  0X{digits.lower()}\n"):
        assert read(text, EVM).address == address
    assert checksummed(digits) == address


@pytest.mark.parametrize("address", CHECKSUMMED[3:])
def test_a_wrong_checksum_is_refused(address: str) -> None:
    wrong = next(at for at in range(2, 42) if address[at].isalpha())
    text = address[:wrong] + address[wrong].swapcase() + address[wrong + 1 :]
    assert "checksum of this address is wrong" in refusal(text)


@pytest.mark.parametrize(
    "digits",
    (
        "0" * 40,
        f"{1:040x}",
        f"{9:040x}",
        f"{0xDEAD:040x}",
        "dead000000000000000042069420694206942069",
        "f" * 40,
        "1" * 40,
        "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee",
    ),
)
def test_an_address_that_nobody_has_the_key_of_is_refused(digits: str) -> None:
    assert "Nobody has the key" in refusal(f"0x{digits}")


@pytest.mark.parametrize(
    "name", ("vitalik.eth", "Pay.Vitalik.ETH", "ada.dot", "ада.eth", "x.base.org")
)
def test_a_name_is_refused_with_the_reason(name: str) -> None:
    for network in ("evm", "polkadot"):
        assert "can let it point to another address tomorrow" in refusal(name, network)


@pytest.mark.parametrize("text", ("0x" + "ab" * 32, "ab" * 32))
def test_what_may_be_a_private_key_is_refused_with_a_warning_and_not_repeated(text: str) -> None:
    for network in ("evm", "kusama"):
        words = refusal(text, network)
        assert "private key must never be given to anybody" in words
        assert text not in words


@pytest.mark.parametrize(
    "text", ("", "0x", "0x" + "a" * 39, "0x" + "a" * 41, "a" * 40, "0x" + "g" * 40, "0x" + "١" * 40)
)
def test_what_is_no_evm_address_is_refused_with_the_accepted_form(text: str) -> None:
    assert "`0x` and 40 hexadecimal digits" in refusal(text)


def test_an_evm_address_of_another_length_is_refused() -> None:
    with pytest.raises(Refusal, match="40 hexadecimal digits"):
        require_evm(CHECKSUMMED[0][:-1])


def test_the_name_of_a_chain_before_an_address_is_refused() -> None:
    assert "without the chain's name" in refusal(f"eth:{CHECKSUMMED[3]}")


# ---------------------------------------------------------------- SS58


@pytest.mark.parametrize("name", SPELLED)
def test_one_key_is_spelled_as_its_network_spells_it(name: str) -> None:
    network = NETWORKS[name]
    for text in (SPELLED[name], GENERIC):
        found = read(text, network)
        assert (found.kind, found.address, found.public_key) == ("ss58", SPELLED[name], KEY.hex())
    assert spell(KEY.hex(), network) == SPELLED[name]
    assert spell(CHECKSUMMED[3][2:].lower(), EVM) == CHECKSUMMED[3]


@given(st.binary(min_size=32, max_size=32), st.sampled_from((0, 2, 30, 42, 63, 64, 255, 16383)))
def test_every_prefix_is_read_back(key: bytes, prefix: int) -> None:
    assert unspell(ss58(key, prefix)) == (prefix, key)


@given(st.binary(min_size=32, max_size=32), st.sampled_from((0, 2, 30, 42)), st.data())
def test_one_wrong_character_is_found(key: bytes, prefix: int, data: st.DataObject) -> None:
    right = ss58(key, prefix)
    at = data.draw(st.integers(0, len(right) - 1))
    letters = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    other = data.draw(st.sampled_from([letter for letter in letters if letter != right[at]]))
    found = unspell(right[:at] + other + right[at + 1 :])
    # Two bytes of checksum let one in 65,536 through; with the same key and prefix, never.
    assert found is None or found != (prefix, key)


@pytest.mark.parametrize("prefix", (2, 30, 64, 255))
def test_another_network_is_refused_with_this_ones_spelling(prefix: int) -> None:
    words = refusal(ss58(KEY, prefix), "polkadot")
    whose = {2: "Kusama", 30: "Phala"}.get(prefix, "another network")
    assert f"of {whose} (prefix {prefix})" in words
    assert SPELLED["polkadot"] in words


def test_zero_keys_are_refused() -> None:
    assert "Nobody has the key" in refusal(ss58(bytes(32), 0), "polkadot")


@pytest.mark.parametrize(
    "text",
    (
        "",
        GENERIC[:-1],
        GENERIC[:-1] + "Z",
        "1" * 48,
        "z" * 48,
        ss58(KEY[:31], 42),
        ss58(KEY + b"x", 42),
        base58.b58encode(bytes([200]) + KEY + b"xx").decode(),
        "0" * 48,
    ),
)
def test_what_is_no_ss58_address_is_refused(text: str) -> None:
    assert "a character is wrong or missing" in refusal(text, "polkadot")


def test_an_address_of_the_other_kind_is_refused_with_the_network() -> None:
    assert "EVM address; payments here are made on Polkadot" in refusal(CHECKSUMMED[0], "polkadot")
    assert "SS58 address; payments here are made on Ethereum" in refusal(GENERIC)


# ---------------------------------------------------------------- settings


def test_an_address_in_the_settings_is_verified_too() -> None:
    lower = CHECKSUMMED[3].lower()
    for name in ("tip_address", "token_address", "safe_address"):
        assert verified(name, lower) == CHECKSUMMED[3]
        with pytest.raises(Refusal, match=f"`{name}` is not changed.*checksum"):
            verified(name, CHECKSUMMED[3].replace("F", "f", 1))
    assert verified("tip_address", GENERIC) == GENERIC
    with pytest.raises(Refusal, match="SS58"):
        verified("safe_address", GENERIC)
    with pytest.raises(Refusal, match="For the native coin, clear it with `-`"):
        verified("token_address", f"0x{0:040x}")
