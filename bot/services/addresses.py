"""Payout addresses: set, shown to their owner only, frozen for a line when its round closes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from bot.domain.addresses import EVM, NETWORKS, SS58, Held, Network, Use, of_line, standing
from bot.domain.errors import Refusal
from bot.domain.people import Actor
from bot.domain.policy import Policy
from bot.domain.statement import Statement
from bot.domain.states import PUBLIC_ROUND_STATES, Line
from bot.domain.states import Round as State
from bot.services import checksums, history, lines, outbox, settings
from storage import addresses, payout, people, rounds
from storage.tables import Address, Round

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

UNPAID_STATES = ("open", "review", "draft", "published", "final")


class Usage(Struct, frozen=True):
    """Which address a round pays somebody to, empty where none, and from when where it waits.

    `line` is the state of their line once it is published, `closed_at` None while it is open.
    """

    label: str
    closed_at: datetime | None
    line: Line | None
    address: str = ""
    waits_until: datetime | None = None


class Own(Struct, frozen=True):
    """One's own addresses, the newest first, and what every unpaid line will use."""

    addresses: tuple[tuple[str, str, datetime], ...]
    network: str
    usages: tuple[Usage, ...]
    is_payee: bool = True


class Changed(Struct, frozen=True):
    """An address that was set or cleared; `is_new` is False where nothing had to change.

    `typed` is what was given where that was another spelling of the same key.
    """

    address: str
    network: str
    is_new: bool
    typed: str
    usages: tuple[Usage, ...]


# ---------------------------------------------------------------- by their owner


async def set_own(session: AsyncSession, *, by: Actor, address: str) -> Changed:
    """Set one's own payout address, read and verified by the network that is paid on.

    Refused for who never was a helper here, for addresses without a key, and for those of the
    token and the Safe. The same key as before changes nothing.
    """
    await history.begin(session, by)
    await _require_payee(session, by)
    policies = await _policies(session, by.guild_id)
    network = _network(address.strip(), policies)
    read = checksums.read(address, network)
    _require_own(read, policies)
    now_set = await _standing(session, by, read.kind)
    is_new = now_set is None or now_set.public_key != read.public_key
    if is_new:
        session.add(
            Address(
                guild_id=by.guild_id,
                user_id=by.user_id,
                kind=read.kind,
                address=read.address,
                public_key=read.public_key,
                set_at=by.at,
            )
        )
        await _changed(session, by, "set", read.address)
    return Changed(
        address=read.address,
        network=network.title,
        is_new=is_new,
        typed=address.strip() if address.strip().lower() != read.address.lower() else "",
        usages=await _usages(session, by),
    )


async def clear_own(session: AsyncSession, *, by: Actor) -> Changed:
    """Clear one's own addresses; lines of rounds that have closed keep the one of the close."""
    await history.begin(session, by)
    found = [await _standing(session, by, kind) for kind in (EVM, SS58)]
    held = [each for each in found if each is not None]
    if not held:
        raise Refusal(
            "You have no address here, so there is none to clear. `/address set` sets one."
        )
    await addresses.clear(session, by.guild_id, by.user_id, at=by.at)
    await _changed(session, by, "cleared", held[0].address)
    return Changed(held[0].address, "", is_new=True, typed="", usages=await _usages(session, by))


async def own(session: AsyncSession, *, by: Actor) -> Own:
    """Return one's own addresses in full, and what every unpaid line will use."""
    found = [await _standing(session, by, kind) for kind in (EVM, SS58)]
    held = sorted(filter(None, found), key=lambda each: each.set_at, reverse=True)
    policies = await _policies(session, by.guild_id)
    is_payee = await _is_payee(session, by)
    return Own(
        addresses=tuple((each.kind, each.address, each.set_at) for each in held),
        network=NETWORKS[policies[0].network].title,
        usages=await _usages(session, by) if is_payee else (),
        is_payee=is_payee,
    )


# ---------------------------------------------------------------- of a round


async def uses(session: AsyncSession, round_: Round, users: Collection[int]) -> Mapping[int, Use]:
    """Return the addresses that lines of a round are paid to; who has none is left out."""
    network = await network_of(session, round_)
    known: dict[int, list[Held]] = defaultdict(list)
    for row in await addresses.of_users(session, round_.guild_id, users):
        if row.kind == network.kind:
            known[row.user_id].append(_held(row))
    found = {user: of_line(held, round_.closed_at) for user, held in known.items()}
    return {user: use for user, use in found.items() if use is not None}


async def missing(session: AsyncSession, round_: Round, users: Collection[int]) -> frozenset[int]:
    """Return which of some people have no address that a line of a round could be paid to.

    One that has to wait for 24 hours because it was set after the close is not missing.
    """
    return frozenset(users) - frozenset(await uses(session, round_, users))


async def usable(
    session: AsyncSession, round_: Round, users: Collection[int], *, now: datetime
) -> Mapping[int, str]:
    """Return the addresses that may be paid to by now, as the network of the round spells them."""
    network = await network_of(session, round_)
    return {
        user: checksums.spell(use.held.public_key, network)
        for user, use in (await uses(session, round_, users)).items()
        if use.since <= now
    }


async def of_statement(
    session: AsyncSession, statement: Statement, *, now: datetime
) -> Mapping[int, str]:
    """Return the addresses that the lines of a published statement may be paid to by now."""
    facts = statement.facts
    round_ = await rounds.labelled(session, facts.guild_id, facts.label)
    assert round_ is not None, "what has a statement has a round"
    return await usable(session, round_, [line.user_id for line in statement.lines], now=now)


async def network_of(session: AsyncSession, round_: Round) -> Network:
    """Return the network on which a round is paid: that of its pinned policy."""
    return NETWORKS[(await settings.pinned(session, round_)).policy.network]


# ---------------------------------------------------------------- parts


async def _require_payee(session: AsyncSession, by: Actor) -> None:
    if not await _is_payee(session, by):
        raise Refusal(
            "Payout addresses are for helpers, and you have no line to be paid here. "
            "`/helper join` says how to become one."
        )


async def _is_payee(session: AsyncSession, by: Actor) -> bool:
    """Whether somebody was a helper here, or has a line."""
    was_helper = await people.helper(session, by.guild_id, by.user_id) is not None
    return was_helper or bool(await payout.lines_of(session, by.guild_id, user_id=by.user_id))


async def _policies(session: AsyncSession, guild_id: int) -> list[Policy]:
    """Return the present policy, then those of the rounds that are not paid, newest first."""
    found = [(await settings.current(session, guild_id)).policy]
    for round_ in reversed(await rounds.of_server(session, guild_id, states=UNPAID_STATES)):
        found.append((await settings.pinned(session, round_)).policy)  # noqa: PERF401 - awaits
    return found


def _network(word: str, policies: Sequence[Policy]) -> Network:
    """Return the network an address is meant for: of its form, where payments are made on one."""
    networks = [NETWORKS[policy.network] for policy in policies]
    kind = EVM if checksums.EVM_FORM.fullmatch(word) else SS58
    return next((network for network in networks if network.kind == kind), networks[0])


def _require_own(read: checksums.Read, policies: Sequence[Policy]) -> None:
    taken = {"token_address": "the token", "safe_address": "the Safe that pays"}
    for policy in policies:
        for name, what in taken.items():
            if getattr(policy, name).lower() == read.address.lower():
                raise Refusal(f"This is the address of {what} itself. Give one of your own.")


async def _standing(session: AsyncSession, by: Actor, kind: str) -> Held | None:
    rows = await addresses.of_user(session, by.guild_id, by.user_id)
    return standing([_held(row) for row in rows if row.kind == kind], None)


async def _changed(session: AsyncSession, by: Actor, what: str, address: str) -> None:
    """Let the record and the thread of the open round say that an address changed, not which."""
    await session.flush()
    await history.append(
        session,
        guild_id=by.guild_id,
        at=by.now,
        actor=by.user_id,
        action=f"address.{what}",
        subject=f"user:{by.user_id}",
        texts={"address": address},
    )
    for round_ in await rounds.of_server(session, by.guild_id, states=(State.OPEN,)):
        await outbox.say(
            session,
            guild_id=by.guild_id,
            name=f"address:{by.interaction_id}",
            kind="address",
            at=by.now,
            round_id=round_.id,
            facts={"user": by.user_id, "what": what},
        )


async def _usages(session: AsyncSession, by: Actor) -> tuple[Usage, ...]:
    """Return what rounds that are not paid use for somebody, newest first."""
    found = []
    for round_ in reversed(await rounds.of_server(session, by.guild_id, states=UNPAID_STATES)):
        line = None
        if round_.state in PUBLIC_ROUND_STATES:
            line = (await lines.states(session, round_)).get(by.user_id)
            if line not in (Line.DUE, Line.HELD):
                continue
        use = (await uses(session, round_, [by.user_id])).get(by.user_id)
        if use is None:
            found.append(Usage(round_.label, round_.closed_at, line))
            continue
        network = await network_of(session, round_)
        found.append(
            Usage(
                label=round_.label,
                closed_at=round_.closed_at,
                line=line,
                address=checksums.spell(use.held.public_key, network),
                waits_until=use.since if use.since > by.now else None,
            )
        )
    return tuple(found)


def _held(row: Address) -> Held:
    return Held(row.kind, row.address, row.public_key, row.set_at, row.cleared_at)
