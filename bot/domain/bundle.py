"""The bundle: a published statement with its part of the record, and how to check it.

`faults` needs nothing but the bundle: it recomputes every amount from the inputs and the pinned
policy, replays the record rows against the inputs, and compares each status with the payment rows.
It compares content, never spacing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from bot.domain.canonical import sha256
from bot.domain.errors import Refusal
from bot.domain.money import format_amount, parse_amount
from bot.domain.policy import read
from bot.domain.record import Row, chain_faults, read_row
from bot.domain.statement import (
    CSV_FIELDS,
    FORMAT,
    UNHASHED_FIELDS,
    Accepted,
    Adjustment,
    Facts,
    Statement,
    as_json,
    compute,
    line_json,
)
from bot.domain.states import Line as LineState
from bot.domain.states import state_of
from bot.domain.tipjar import jar, read_match

_FIELDS = frozenset({
    "stipend", "guild_id", "round", "version", "currency", "decimals", "policy", "total", "lines",
    "inputs", "statement_sha256", "record", "sha256",
})  # fmt: skip


class Shown(Struct, frozen=True):
    """What stands beside a computed line: it changes without changing the statement.

    `reason` says why a line is held or waived; it is shown and in no file.
    """

    name: str
    status: LineState
    address: str = ""
    reason: str = ""


def full_lines(statement: Statement, shown: Mapping[int, Shown]) -> list[dict[str, Any]]:
    """Return the lines with all fields of the CSV, in its order."""
    lines = []
    for line in statement.lines:
        beside = shown[line.user_id]
        fields = {
            **line_json(statement, line),
            "name": beside.name,
            "address": beside.address,
            "status": str(beside.status),
        }
        lines.append({name: fields[name] for name in CSV_FIELDS})
    return lines


def bundle(
    statement: Statement, *, shown: Mapping[int, Shown], rows: Sequence[Row], before: str
) -> dict[str, Any]:
    """Return the bundle of a statement; `rows` follow the record hash `before`."""
    document = {
        **as_json(statement),
        "lines": full_lines(statement, shown),
        "statement_sha256": statement.sha256,
        "record": {"before": before, "rows": [row.as_json() for row in rows]},
    }
    return {**document, "sha256": sha256(document)}


def facts_of(document: Mapping[str, Any]) -> Facts:
    """Read the inputs of a bundle back.

    An odd shape is a `ValueError`, `KeyError` or `TypeError`.
    """
    policy = document["policy"]
    decimals = read(policy).decimals
    inputs = document["inputs"]

    def money(text: str) -> int:
        return parse_amount(text, decimals=decimals, signed=True)

    return Facts(
        guild_id=int(document["guild_id"]),
        label=document["round"],
        version=document["version"],
        policy=policy,
        entries=tuple(
            Accepted(entry["number"], int(entry["user_id"]), entry["minutes"])
            for entry in inputs["entries"]
        ),
        adjustments=tuple(
            Adjustment(a["number"], int(a["user_id"]), a["minutes"], money(a["amount"]))
            for a in inputs["adjustments"]
        ),
        voters={int(user): count for user, count in inputs["voters"].items()},
        declined=frozenset(int(user) for user in inputs["declined"]),
        voided=frozenset(int(user) for user in inputs.get("voided", ())),
        carries={int(user): money(amount) for user, amount in inputs["carries"].items()},
        tips=money(inputs["tips"]),
        price=inputs["price"],
    )


def faults(document: object) -> list[str]:
    """Return everything that is wrong with a bundle, a sentence each; an empty list is sound."""
    if not isinstance(document, dict):
        return ["this is not a bundle: a JSON object is expected"]
    if not _is(document.get("stipend"), FORMAT):
        says = document.get("stipend")
        return [f"stipend: this program reads format {FORMAT}, the bundle says {says!r}"]
    found: list[str] = []
    # One after the other: what is broken in one place hides nothing found in another.
    for check in (_seal_faults, _chain_faults, _input_faults, _computed_faults):
        try:
            for fault in check(document):
                found.append(fault)  # noqa: PERF402 - what came before an error is kept
        except _ODD_SHAPES as error:
            found.append(f"the bundle does not have the expected shape: {_told(error)}")
    return list(dict.fromkeys(found))


_ODD_SHAPES = (AttributeError, LookupError, TypeError, ValueError, RecursionError, Refusal)


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _seal_faults(document: dict[str, Any]) -> Iterator[str]:
    """What can be said of the bundle as a document, whatever its figures are."""
    content = {key: value for key, value in document.items() if key != "sha256"}
    if sha256(content) != document["sha256"]:
        yield "sha256: it is not the hash of this bundle"
    unknown = set(document) - _FIELDS
    if unknown:
        yield f"unknown fields: {', '.join(sorted(unknown))}"
    if set(document["record"]) != {"before", "rows"}:
        yield "record: its fields are not before, rows"


def _rows(document: dict[str, Any]) -> list[Row]:
    return [read_row(row) for row in document["record"]["rows"]]


def _chain_faults(document: dict[str, Any]) -> Iterator[str]:
    yield from chain_faults(_rows(document), document["record"]["before"])


def _computed_faults(document: dict[str, Any]) -> Iterator[str]:
    """Compare what the bundle says with what follows from its inputs, and with the record."""
    statement = compute(facts_of(document))
    expected = as_json(statement)
    for key, value in expected.items():
        if key != "lines" and not _is(document[key], value):
            yield f"{key}: the bundle says {document[key]!r}, recomputed {value!r}"
    if document["statement_sha256"] != statement.sha256:
        yield "statement_sha256: it is not the hash of the recomputed statement"
    yield from _line_faults(document["lines"], expected["lines"])
    seen = _replay(_rows(document), document["round"], document["version"])
    if seen.published != statement.sha256:
        yield "published: the record does not say that this statement was published"
    approvers = seen.approvals.get(statement.sha256, set())
    if len(approvers) < statement.policy.approvals:
        yield "approvals: the record does not hold enough of them for this statement"
    if approvers and approvers <= {line["user_id"] for line in expected["lines"]}:
        yield "approvals: none of them is by somebody without a line"
    if statement.shared > (statement.policy.cap or 0):
        yield "lines: hours, thanks and adjustments are above the cap"
    yield from _differences(
        "payment of line",
        {
            line["user_id"]: line["amount"]
            for line in expected["lines"]
            if line["user_id"] in seen.paid
        },
        seen.paid,
    )
    for line in document["lines"]:
        status = str(_status(statement, line["user_id"], seen))
        if line["status"] != status:
            yield f"line {line['user_id']}: status says {line['status']!r}, the record {status!r}"


def _is(given: object, value: object) -> bool:
    """Whether two values are the same in JSON, where 1 and true are not."""
    return type(given) is type(value) and given == value


def _line_faults(given: list[dict[str, Any]], expected: list[dict[str, Any]]) -> Iterator[str]:
    by_user = {line["user_id"]: line for line in given}
    if [line["user_id"] for line in given] != [line["user_id"] for line in expected]:
        yield "lines: not one line for each helper of the inputs, in their order"
    for line in expected:
        shown = by_user.get(line["user_id"])
        if shown is None:
            continue
        if set(shown) != set(CSV_FIELDS):
            yield f"line {line['user_id']}: its fields are not {', '.join(CSV_FIELDS)}"
            continue
        for name in CSV_FIELDS:
            if name not in UNHASHED_FIELDS and not _is(shown[name], line[name]):
                yield (
                    f"line {line['user_id']}: {name} says {shown[name]!r}, "
                    f"recomputed {line[name]!r}"
                )


class _Replay(Struct):
    """What the record rows of a round add up to."""

    policy: Mapping[str, Any] = field(default_factory=dict)
    entries: dict[int, tuple[str, int]] = field(default_factory=dict)
    adjustments: dict[int, tuple[str, int, str]] = field(default_factory=dict)
    declined: list[str] | None = None
    voters: Mapping[str, Any] = field(default_factory=dict)
    price: str = ""
    tips: dict[int, str] = field(default_factory=dict)
    match: Mapping[str, str] | None = None
    approvals: dict[str, set[str]] = field(default_factory=dict)
    published: str = ""
    paid: dict[str, str] = field(default_factory=dict)
    waived: frozenset[str] = frozenset()
    held: frozenset[str] = frozenset()
    ceased: frozenset[str] = frozenset()
    disputes: dict[int, str] = field(default_factory=dict)
    voided: set[str] = field(default_factory=set)
    carries: dict[int, tuple[str, str]] = field(default_factory=dict)


def _replay(rows: Sequence[Row], label: str, version: int) -> _Replay:
    """Add the rows up to the publication of this version, payments to the end."""
    seen = _Replay()
    for row in rows:
        data = row.data
        if label not in {data.get("round"), data.get("was"), *data.get("rounds", ())}:
            continue
        if not seen.published:
            _replay_input(seen, row)
            _replay_tips(seen, row)
            _replay_carries(seen, row, label)
        if row.action == "payout.published" and data["version"] == version:
            seen.published = data["statement_sha256"]
            seen.waived = frozenset(data.get("waived", ()))
            seen.held = frozenset(data.get("held", ()))
            seen.ceased = frozenset(data.get("ceased", ()))
        _replay_dispute(seen, row)
        _replay_suspension(seen, row)
        _replay_status(seen, row)
    return seen


def _replay_input(seen: _Replay, row: Row) -> None:
    data = row.data
    match row.action:
        case "round.opened":
            seen.policy = data["policy"]
        case "round.closed":
            seen.declined = data["declined"]
        case "round.counted":
            seen.voters = data["voters"]
        case "entry.logged" | "entry.edited":
            seen.entries[_number(row)] = (data["user_id"], data["minutes"])
        case "entry.withdrawn":
            seen.entries.pop(_number(row), None)
        case "payout.adjusted":
            change = (data["user_id"], data["minutes"], data["amount"])
            seen.adjustments[_number(row)] = change
        case "payout.priced":
            seen.price = data["price"]
        case "payout.approved":
            seen.approvals.setdefault(data["statement_sha256"], set()).add(row.actor)


def _replay_tips(seen: _Replay, row: Row) -> None:
    match row.action:
        case "tipjar.recorded" | "tipjar.carried":
            seen.tips[_number(row)] = row.data["amount"]
        case "tipjar.corrected" | "tipjar.uncarried":
            del seen.tips[_number(row)]
        case "tipjar.matched":
            seen.match = row.data


def _replay_carries(seen: _Replay, row: Row, label: str) -> None:
    """A carry counts in the round that it is in: it may wait for one, and move on."""
    if row.action in {"carry.added", "carry.moved"}:
        seen.carries.pop(_number(row), None)
        if row.data["round"] == label:
            seen.carries[_number(row)] = (row.data["user_id"], row.data["amount"])


def _replay_dispute(seen: _Replay, row: Row) -> None:
    """An open dispute holds its line, or all of them; one about a suspension holds nothing."""
    data = row.data
    if "suspension" in data:
        return
    match row.action:
        case "dispute.opened":
            seen.disputes[_number(row)] = data["user_id"]
        case "dispute.withdrawn":
            seen.disputes.pop(_number(row), None)
        case "dispute.resolved":
            seen.disputes.pop(_number(row), None)
            if not seen.published and data["user_id"] not in seen.paid:
                _replay_outcome(seen.voided, data)


def _replay_outcome(voided: set[str], data: Mapping[str, Any]) -> None:
    """What the newest decision says of an unpaid line stands; of a paid one it is a carry."""
    if data["outcome"] == "void":
        voided.add(data["user_id"])
    elif data["outcome"] == "modify":
        voided.discard(data["user_id"])


def _replay_suspension(seen: _Replay, row: Row) -> None:
    if row.action in {"suspension.began", "suspension.final", "suspension.lifted"}:
        user = frozenset({row.data["user_id"]})
        seen.held, seen.ceased = seen.held - user, seen.ceased - user
        if row.action == "suspension.began":
            seen.held |= user
        elif row.action == "suspension.final":
            seen.ceased |= user


def _replay_status(seen: _Replay, row: Row) -> None:
    match row.action:
        case "payment.recorded":
            seen.paid[row.data["user_id"]] = row.data["amount"]
        case "payment.taken_back":
            user = row.data["user_id"]
            seen.paid.pop(user, None)
            seen.waived = seen.waived | {user} if row.data.get("waived") else seen.waived - {user}
        case "helper.pay":
            user = row.subject.split(":")[1]
            seen.waived = seen.waived - {user} if row.data["wanted"] else seen.waived | {user}


def _number(row: Row) -> int:
    """The number that a row is about: `entry:12` is 12."""
    return int(row.subject.split(":")[1])


def _input_faults(document: dict[str, Any]) -> Iterator[str]:
    """Compare the inputs with what the record rows of the round add up to."""
    inputs = document["inputs"]
    seen = _replay(_rows(document), document["round"], document["version"])
    yield from _differences("policy", document["policy"], seen.policy)
    yield from _differences(
        "entry",
        {e["number"]: (e["user_id"], e["minutes"]) for e in inputs["entries"]},
        seen.entries,
    )
    yield from _differences(
        "adjustment",
        {a["number"]: (a["user_id"], a["minutes"], a["amount"]) for a in inputs["adjustments"]},
        seen.adjustments,
    )
    yield from _differences("voters of", inputs["voters"], seen.voters)
    if inputs["declined"] != seen.declined:
        yield f"declined: the bundle says {inputs['declined']!r}, the record {seen.declined!r}"
    if inputs["price"] != seen.price:
        yield f"price: the bundle says {inputs['price']!r}, the record {seen.price!r}"
    voided = sorted(seen.voided, key=int)
    if inputs.get("voided", []) != voided:
        yield f"voided: the bundle says {inputs.get('voided', [])!r}, the record {voided!r}"
    decimals = read(document["policy"]).decimals
    yield from _differences("carry of", inputs["carries"], _carries(seen, decimals=decimals))
    tips = _tips(seen, decimals=decimals)
    if inputs["tips"] != tips:
        yield f"tips: the bundle says {inputs['tips']!r}, the record {tips!r}"


def _tips(seen: _Replay, *, decimals: int) -> str:
    """The tip jar that follows from the record: its tips, and the match of the funder."""
    tips = sum(parse_amount(amount, decimals=decimals) for amount in seen.tips.values())
    match = read_match(seen.match, decimals=decimals) if seen.match else None
    return format_amount(jar(tips, match).total, decimals=decimals)


def _carries(seen: _Replay, *, decimals: int) -> dict[str, str]:
    """What the record carries into the round, by helper; what comes to nothing is left out."""
    sums: dict[str, int] = {}
    for user, amount in seen.carries.values():
        sums[user] = sums.get(user, 0) + parse_amount(amount, decimals=decimals, signed=True)
    return {user: format_amount(sum_, decimals=decimals) for user, sum_ in sums.items() if sum_}


def _differences(
    what: str, given: Mapping[Any, object], recorded: Mapping[Any, object]
) -> Iterator[str]:
    for name in sorted({*given, *recorded}, key=str):
        if given.get(name) != recorded.get(name):
            yield (
                f"{what} {name}: the bundle says {given.get(name)!r}, "
                f"the record {recorded.get(name)!r}"
            )


def _status(statement: Statement, user_id: str, seen: _Replay) -> LineState:
    line = statement.line_of(int(user_id))
    return state_of(
        is_paid=user_id in seen.paid,
        is_waived=line is not None and line.waived,
        is_given_up=user_id in seen.waived | seen.ceased,
        is_held=user_id in seen.held or bool({user_id, ""} & {*seen.disputes.values()}),
        amount=line.amount if line is not None else 0,
    )
