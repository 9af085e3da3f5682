"""Which address a line is paid to: the one of its round's close, which nothing later replaces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from msgspec import Struct

EVM, SS58 = "evm", "ss58"
WAIT = timedelta(hours=24)
"""How long an address waits that is set for a line which had none."""


class Network(Struct, frozen=True):
    """A network that payments are made on; `prefix` is that of its SS58 addresses."""

    name: str
    title: str
    kind: str
    prefix: int | None = None


NETWORKS: Mapping[str, Network] = {
    network.name: network
    for network in (
        Network("evm", "Ethereum and its like", EVM),
        Network("polkadot", "Polkadot", SS58, 0),
        Network("kusama", "Kusama", SS58, 2),
        Network("phala", "Phala", SS58, 30),
        Network("substrate", "Substrate", SS58, 42),
    )
}


class Held(Struct, frozen=True):
    """An address that somebody set: what it is, since when, and when they cleared it."""

    kind: str
    address: str
    public_key: str
    set_at: datetime
    cleared_at: datetime | None = None


class Use(Struct, frozen=True):
    """The address of a line, and the instant from which it may be used."""

    held: Held
    since: datetime


def standing(history: Iterable[Held], at: datetime | None) -> Held | None:
    """Return the newest address that was set by an instant and not cleared by then (None: now)."""
    found = [
        held
        for held in sorted(history, key=_set_at)
        if (at is None or held.set_at <= at)
        and (held.cleared_at is None or (at is not None and held.cleared_at > at))
    ]
    return found[-1] if found else None


def of_line(history: Iterable[Held], closed_at: datetime | None) -> Use | None:
    """Return the address that a line of a round is paid to, None where there is none.

    It is the one that stood at the close of the round. Where none stood, it is the first one set
    later that was not cleared, 24 hours after it was set. `closed_at` is None while the round is
    open: then it is the one that stands.
    """
    known = list(history)
    frozen = standing(known, closed_at)
    if frozen is not None:
        return Use(frozen, frozen.set_at)
    later = sorted((held for held in known if held.cleared_at is None), key=_set_at)
    return Use(later[0], later[0].set_at + WAIT) if later else None


def _set_at(held: Held) -> datetime:
    return held.set_at
