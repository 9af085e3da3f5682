from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.domain.bundle import Shown, bundle, facts_of, faults
from bot.domain.canonical import canonical, sha256, spell
from bot.domain.money import format_amount
from bot.domain.record import GENESIS, Row, next_row
from bot.domain.statement import (
    CSV_FIELDS,
    Accepted,
    Adjustment,
    Facts,
    Statement,
    as_json,
    compute,
)
from bot.domain.states import Line as LineState

LABEL = "2026-Q1"
COMMITTEE, CHAIR = 901, 902
ADA, BEN, CAT, DAN = 1111, 2222, 3333, 4444
POLICY = {
    "currency": "USD",
    "cap": "1000.00",
    "hourly_rate": "5.00",
    "pay_currency": "RPL",
    "split_by": "mixed",
    "thanks_share": "20",
    "approvals": "2",
}
START = datetime(2026, 1, 1, tzinfo=UTC)
Path = tuple[str | int, ...]


def facts(**more: Any) -> Facts:
    given = {
        "guild_id": 77,
        "label": LABEL,
        "version": 1,
        "policy": POLICY,
        "entries": (Accepted(1, ADA, 7800), Accepted(3, BEN, 2850), Accepted(4, DAN, 2025)),
        "adjustments": (Adjustment(1, BEN, 0, -5_00), Adjustment(2, CAT, 60, 0)),
        "voters": {ADA: 3, BEN: 1},
        "declined": frozenset({DAN}),
        "carries": {BEN: -30_00},
        "tips": 10_00,
        "price": "18.27",
        **more,
    }
    return Facts(**given)


def amount_of(statement: Statement, user: int) -> str:
    line = statement.line_of(user)
    return format_amount(line.amount if line else 0, decimals=statement.policy.decimals)


def acts(statement: Statement, *, extra: tuple[dict[str, Any], ...] = ()) -> list[dict[str, Any]]:
    """The record as the program writes it, from the opening of the round to its payments."""
    here: dict[str, Any] = {"round": LABEL}
    next_round: dict[str, Any] = {"round": "2026-Q2"}
    timed: dict[str, Any] = {"due": spell(START), "late": False, **here}
    entry: dict[str, Any] = {
        "category": "forum",
        "date": "",
        "logged_at": spell(START),
        "note_digest": "ab",
        **here,
    }
    hashed: dict[str, Any] = {
        "version": statement.facts.version,
        "statement_sha256": statement.sha256,
        **here,
    }

    def act(action: str, subject: str, actor: int | None = None, /, **data: Any) -> dict[str, Any]:
        return {"action": action, "subject": subject, "actor": actor, "data": data}

    def log(action: str, number: int, user: int, minutes: int, **more: Any) -> dict[str, Any]:
        data = {"user_id": str(user), "minutes": minutes, **entry, **more}
        return act(action, f"entry:{number}", user, **data)

    def tip(verb: str, number: int, amount: str, **more: Any) -> dict[str, Any]:
        return act(f"tipjar.{verb}", f"tip:{number}", COMMITTEE, amount=amount, **{**here, **more})

    def match(kind: str, value: str, limit: str) -> dict[str, Any]:
        spelled = {"kind": kind, "value": value, "limit": limit}
        return act("tipjar.matched", f"round:{LABEL}", COMMITTEE, **spelled, **here)

    def carry(verb: str, number: int, amount: str, to: str, **more: str) -> dict[str, Any]:
        told = {"round": to, "user_id": str(BEN), "amount": amount, **more}
        return act(f"carry.{verb}", f"carry:{number}", **told)

    carried = [
        carry("moved", 1, "-20.00", LABEL, was=""),
        carry("added", 2, "-10.00", LABEL, **{"from": "2025-Q4"}),
        carry("added", 3, "-5.00", LABEL, **{"from": "2025-Q4"}),
        carry("moved", 3, "-5.00", "2026-Q2", was=LABEL),
        carry("added", 4, "-7.00", LABEL, **{"from": "2025-Q4"}),
        carry("added", 5, "7.00", LABEL, **{"from": "2025-Q4"}),
        carry("added", 6, "1.00", "2026-Q2", **{"from": LABEL}),
    ]

    def paid(user: int, reference: str, action: str = "payment.recorded") -> Any:
        amount = amount_of(statement, user)
        told = {"version": 1, "user_id": str(user), "amount": amount, "reference": reference}
        return act(action, f"user:{user}", CHAIR, **told, **here)

    return [
        act("round.opened", f"round:{LABEL}", COMMITTEE, policy_version=3, policy=POLICY, **timed),
        act("helper.joined", f"user:{ADA}", ADA, state="active"),
        *(carried if statement.facts.carries else ()),
        log("entry.logged", 1, ADA, 7000),
        log("entry.logged", 2, BEN, 99),
        log("entry.edited", 1, ADA, 7800, minutes_before=7000),
        {**log("entry.logged", 3, BEN, 2850), "actor": COMMITTEE, "acting_for": BEN},
        act("entry.withdrawn", "entry:2", BEN, user_id=str(BEN), minutes=99, **here),
        log("entry.logged", 4, DAN, 2025),
        tip("recorded", 1, "3.00", day="2026-01-20", reference_digest="ef"),
        tip("recorded", 2, "99.00", day="2026-01-20"),
        tip("carried", 3, "5.00", **{"from": "2025-Q4"}),
        match("lump", "100.00", ""),
        tip("corrected", 2, "99.00", reason_digest="01"),
        tip("carried", 4, "1.00", **{"from": "2025-Q3"}),
        match("percent", "50", "2.00"),
        tip("uncarried", 4, "1.00", **{"from": "2025-Q3"}),
        act("hours.done", f"user:{ADA}", ADA, **here),
        act("round.called", f"round:{LABEL}", act="call", **timed),
        act("helper.pay", f"user:{DAN}", DAN, wanted=False, rounds=[]),
        act("round.closed", f"round:{LABEL}", closed_at=spell(START), declined=[str(DAN)], **timed),
        act("round.opened", "round:2026-Q2", policy=POLICY, late=False, **next_round),
        act(
            "round.counted",
            f"round:{LABEL}",
            voters={str(user): n for user, n in (statement.facts.voters or {}).items()},
            late=False,
            **here,
        ),
        log("entry.logged", 5, ADA, 60, **next_round),
        tip("recorded", 5, "7.00", **next_round),
        act("round.drafted", f"round:{LABEL}", act="compute", **timed),
        *(
            act(
                "payout.adjusted",
                f"adjustment:{number}",
                COMMITTEE,
                version=1,
                user_id=str(user),
                minutes=minutes,
                amount=amount,
                reason_digest="cd",
                **here,
            )
            for number, user, minutes, amount in ((1, BEN, 0, "-5.00"), (2, CAT, 60, "0.00"))
        ),
        act("payout.priced", f"round:{LABEL}", COMMITTEE, price="18.3", pay_currency="RPL", **here),
        act("payout.approved", f"round:{LABEL}", CHAIR, **{**hashed, "statement_sha256": "0" * 64}),
        act(
            "payout.priced", f"round:{LABEL}", COMMITTEE, price="18.27", pay_currency="RPL", **here
        ),
        act("rule.blocked", f"round:{LABEL}", COMMITTEE, rule="own line"),
        act("payout.approved", f"round:{LABEL}", COMMITTEE, **hashed, **{"as": "committee"}),
        act("payout.approved", f"round:{LABEL}", CHAIR, **hashed, **{"as": "committee"}),
        act("payout.published", f"round:{LABEL}", CHAIR, total="1.00", **hashed),
        act("round.payment_due", f"round:{LABEL}", act="pay", **timed),
        paid(ADA, "0xaa"),
        act("payment.correction_proposed", "take_back:1", CHAIR, reference="0xaa", **here),
        paid(ADA, "0xaa", "payment.taken_back"),
        *extra,
        act("helper.pay", f"user:{BEN}", BEN, wanted=False, rounds=[LABEL]),
        paid(ADA, "0xbb"),
    ]


def chain(told: list[dict[str, Any]]) -> tuple[list[Row], str]:
    """The rows of a record that began before the round, and the hash before the first of them."""
    first = next_row(None, at=START, actor=1, action="settings.changed", subject="cap", data={})
    rows, last = [], (first.number, first.hash)
    for place, act in enumerate(told, 1):
        row = next_row(last, at=START + timedelta(hours=place), **act)
        rows.append(row)
        last = (row.number, row.hash)
    return rows, first.hash


STATUS = {ADA: LineState.PAID, BEN: LineState.WAIVED, CAT: LineState.DUE, DAN: LineState.WAIVED}


def bundled(
    statement: Statement, told: list[dict[str, Any]], **status: LineState
) -> dict[str, Any]:
    rows, before = chain(told)
    states = {**STATUS, **{int(user.removeprefix("u")): state for user, state in status.items()}}
    shown = {
        line.user_id: Shown(f"name of {line.user_id}", states[line.user_id])
        for line in statement.lines
    }
    document = bundle(statement, shown=shown, rows=rows, before=before)
    # As a file: what is read back has no tuples and no enumerations.
    read: dict[str, Any] = json.loads(json.dumps(document))
    return read


STATEMENT = compute(facts())
SOUND = bundled(STATEMENT, acts(STATEMENT))
TEXT = json.dumps(SOUND)


def sealed(document: dict[str, Any], *, recomputed: bool = True) -> dict[str, Any]:
    """The document as a careful forger leaves it: with both of its hashes made anew."""
    forged = {**document}
    with suppress(Exception):  # what cannot be computed or hashed stays as it was
        if recomputed:
            forged["statement_sha256"] = compute(facts_of(forged)).sha256
        del forged["sha256"]
        forged["sha256"] = sha256(forged)
    return {"sha256": "", **forged}


def test_a_sound_bundle_has_no_faults() -> None:
    assert faults(SOUND) == []
    assert sealed(SOUND) == SOUND


def test_a_payment_of_another_amount_than_the_line_is_found() -> None:
    told = acts(STATEMENT)
    for act in told:
        if act["action"] == "payment.recorded":
            act["data"] = {**act["data"], "amount": "999999.00"}
    found = faults(bundled(STATEMENT, told))
    assert any("payment of line" in fault and "999999.00" in fault for fault in found)


def test_approvals_only_by_people_with_a_line_are_found() -> None:
    told = [
        {**act, "actor": ADA if act["actor"] == CHAIR else CAT}
        if act["action"] == "payout.approved"
        else act
        for act in acts(STATEMENT)
    ]
    assert "approvals: none of them is by somebody without a line" in faults(
        bundled(STATEMENT, told)
    )


def test_more_than_the_cap_is_found() -> None:
    above = compute(replace(facts(), adjustments=(Adjustment(1, CAT, 0, 10**9),)))
    found = faults(bundled(above, acts(above)))
    assert "lines: hours, thanks and adjustments are above the cap" in found


def test_neither_spacing_nor_the_order_of_keys_matters() -> None:
    def backwards(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: backwards(value[key]) for key in reversed(value)}
        return [backwards(item) for item in value] if isinstance(value, list) else value

    assert faults(json.loads(json.dumps(backwards(SOUND), indent=7))) == []
    assert canonical(backwards(SOUND)) == canonical(SOUND)


def test_a_bundle_has_the_fields_of_the_file_and_its_inputs_give_the_statement_again() -> None:
    assert list(SOUND["lines"][0]) == list(CSV_FIELDS)
    assert {line["address"] for line in SOUND["lines"]} == {""}
    assert compute(facts_of(SOUND)).sha256 == STATEMENT.sha256 == SOUND["statement_sha256"]
    assert [line["status"] for line in SOUND["lines"]] == ["paid", "waived", "due", "waived"]


def test_the_smallest_bundle_is_sound() -> None:
    empty = compute(Facts(77, LABEL, 1, {}, price=""))
    told = [
        {"action": action, "subject": "round", "actor": actor, "data": {"round": LABEL, **data}}
        for action, actor, data in (
            ("round.opened", None, {"policy": {}}),
            ("round.closed", None, {"declined": []}),
            ("payout.approved", CHAIR, {"statement_sha256": empty.sha256}),
            ("payout.published", CHAIR, {"version": 1, "statement_sha256": empty.sha256}),
        )
    ]  # fmt: skip
    assert faults(bundled(empty, told)) == []


# ---------------------------------------------------------------- every single change


def scalars(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from scalars(item, (*path, key))
    else:
        yield path, value


def containers(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict | list):
        yield path, value
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from containers(item, (*path, key))


def at(document: Any, path: Path) -> Any:
    for key in path:
        document = document[key]
    return document


def changed(path: Path, value: Any) -> dict[str, Any]:
    """The sound bundle, changed in one place."""
    forged: dict[str, Any] = json.loads(TEXT)
    at(forged, path[:-1])[path[-1]] = value
    return forged


def resealed(path: Path, value: Any) -> dict[str, Any]:
    """The bundle with one change and new hashes, unless it is a hash that was changed."""
    forged = changed(path, value)
    if path in {("sha256",), ("statement_sha256",)}:
        return forged
    return sealed(forged, recomputed=path[0] != "record")


def other_values(value: Any) -> list[Any]:
    """The same kind of value: another digit or letter, more, less."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, value - 1, value + 10, -value - 1]
    texts = [f"{value}1", value[1:], value.swapcase(), f"{value} "]
    for place in {0, len(value) - 1} if value else ():
        if value[place].isdigit():
            flipped = str((int(value[place]) + 1) % 10)
            texts.insert(0, value[:place] + flipped + value[place + 1 :])
    return [text for text in texts if text != value]


def other_kinds(value: Any) -> list[Any]:
    """The same figure as another kind of value, and nothing at all."""
    kinds: list[Any] = [[value], {}]
    if isinstance(value, str):
        return [None, 1, *kinds]
    if isinstance(value, bool):
        return [int(value), str(value), *kinds]
    return [str(value), bool(value) if value in {0, 1} else None, *kinds]


def only_shown(path: Path) -> bool:
    """What stands beside a line: the hash of the whole bundle is all that guards it."""
    return path[0] == "lines" and path[-1] in {"name", "address"}


def word_for(path: Path) -> str:
    """What a fault has to name so that a person finds the place."""
    part, *inner = path
    match part:
        case "policy":
            return f"policy {inner[0]}:"
        case "lines":
            line = SOUND["lines"][inner[0]]
            return (
                "lines: " if inner[1] == "user_id" else f"line {line['user_id']}: {inner[1]} says"
            )
        case "inputs":
            return word_for_input(*inner)
        case "record":
            row = SOUND["record"]["rows"][inner[1] if len(inner) > 1 else 0]
            return "record row " if inner[-1] == "number" else f"record row {row['number']}: "
    return {"round": "published: ", "version": "published: ", "guild_id": ""}.get(
        str(part), f"{part}: "
    )


def word_for_input(name: str | int, *inner: str | int) -> str:
    singular = {"entries": "entry", "adjustments": "adjustment"}.get(str(name))
    if singular is not None:
        number = SOUND["inputs"][name][inner[0]]["number"]
        return f"{singular} " if inner[1] == "number" else f"{singular} {number}: "
    if name == "carries":
        return "carry of "
    # What is named otherwise changes lines, and the statement that was published.
    return f"{name}: " if name in {"declined", "price", "tips"} else ""


SEAL = "sha256: it is not the hash of this bundle"
# The rows are many, and their chain treats every field alike.
MANY = {part: 1 if part == "record" else 9 for part in SOUND}
SCALARS = list(scalars(SOUND))


def test_the_bundle_holds_every_kind_of_value() -> None:
    found = {path[0] for path, _ in SCALARS}
    assert found == set(SOUND)
    assert all(SOUND["inputs"][name] for name in SOUND["inputs"])
    assert len(SCALARS) > 400


@pytest.mark.parametrize("part", list(SOUND))
def test_another_value_anywhere_is_found_and_named_also_with_new_hashes(part: str) -> None:
    missed = []
    for path, value in SCALARS:
        if path[0] != part:
            continue
        others = other_values(value)[: MANY[part]]
        if part not in {"stipend", "record"} and SEAL not in faults(changed(path, others[0])):
            missed.append((path, others[0], "as it is"))
        if not only_shown(path):
            missed += [
                (path, other, "with new hashes")
                for other in others
                if not any(word_for(path) in fault for fault in faults(resealed(path, other)))
            ]
    assert missed == []


@pytest.mark.untraced
@pytest.mark.parametrize("part", list(SOUND))
def test_another_kind_of_value_anywhere_is_found_also_with_new_hashes(part: str) -> None:
    missed = [
        (path, other)
        for path, value in SCALARS
        if path[0] == part
        for other in other_kinds(value)[: MANY[part]]
        if not faults(changed(path, other) if only_shown(path) else resealed(path, other))
    ]
    assert missed == []


def test_an_item_taken_out_anywhere_is_found_also_with_new_hashes() -> None:
    for path, container in containers(SOUND):
        for key in container if isinstance(container, dict) else range(len(container)):
            forged = json.loads(TEXT)
            del at(forged, path)[key]
            is_hash = (*path, key) in {("sha256",), ("statement_sha256",)}
            assert faults(forged if is_hash else sealed(forged)), (*path, key)


@pytest.mark.untraced
@pytest.mark.parametrize("added", ("1", 1, None, [], {}))
def test_an_item_put_in_anywhere_is_found_also_with_new_hashes(added: object) -> None:
    for path, container in containers(SOUND):
        forged = json.loads(TEXT)
        if isinstance(container, dict):
            at(forged, path)["5555"] = added
        else:
            at(forged, path).append(added)
        assert faults(sealed(forged)), path


@pytest.mark.untraced
def test_an_item_doubled_or_moved_is_found_also_with_new_hashes() -> None:
    for path, container in containers(SOUND):
        if isinstance(container, list):
            for place, item in enumerate(container):
                doubled = json.loads(TEXT)
                at(doubled, path).insert(place, item)
                assert faults(sealed(doubled)), (*path, place)
            turned = json.loads(TEXT)
            at(turned, path).reverse()
            assert len(container) < 2 or faults(sealed(turned)), path


@pytest.mark.untraced
@given(st.data())
def test_no_digit_of_the_file_can_be_flipped_unseen(data: st.DataObject) -> None:
    text = json.dumps(SOUND)
    places = [place for place, letter in enumerate(text) if letter.isdigit()]
    place = data.draw(st.sampled_from(places))
    digit = data.draw(st.sampled_from("0123456789").filter(lambda digit: digit != text[place]))
    try:
        forged = json.loads(text[:place] + digit + text[place + 1 :])
    except ValueError:
        return
    assert faults(forged)


def test_a_name_or_address_is_guarded_by_the_hash_of_the_bundle_alone() -> None:
    forged = changed(("lines", 0, "name"), "Mallory")
    assert faults(forged) == ["sha256: it is not the hash of this bundle"]
    assert faults(sealed(forged)) == []


# ---------------------------------------------------------------- what a fault says


@pytest.mark.parametrize(
    ("path", "value", "told"),
    (
        (("total",), "1000.01", "total: the bundle says '1000.01', recomputed "),
        (("lines", 0, "amount"), "1.00", f"line {ADA}: amount says '1.00', recomputed "),
        (("lines", 2, "status"), "paid", f"line {CAT}: status says 'paid', the record 'due'"),
        (("policy", "cap"), "1100.00",
         "policy cap: the bundle says '1100.00', the record '1000.00'"),
        (("inputs", "entries", 1, "minutes"), 2851,
         f"entry 3: the bundle says ('{BEN}', 2851), the record ('{BEN}', 2850)"),
        (("inputs", "price"), "18.28", "price: the bundle says '18.28', the record '18.27'"),
        (("record", "rows", 4, "data", "minutes"), 7801,
         "record row 6: its content does not give its hash"),
        (("inputs", "tips"), "10.01", "tips: the bundle says '10.01', the record '10.00'"),
        (("inputs", "declined"), [], "declined: the bundle says [], the record ['4444']"),
    ),
)  # fmt: skip
def test_a_fault_says_what_is_there_and_what_should_be(path: Path, value: Any, told: str) -> None:
    assert any(fault.startswith(told) for fault in faults(sealed(changed(path, value))))


@pytest.mark.parametrize(
    "document", (None, [], "text", 1, {}, {"stipend": 2}, {"stipend": "1"}, {"stipend": True})
)
def test_what_is_no_bundle_of_this_format_is_told_as_one_fault(document: object) -> None:
    (fault,) = faults(document)
    assert fault.startswith(("this is not a bundle", "stipend: this program reads format 1"))


def test_a_field_that_the_format_does_not_have_is_named() -> None:
    assert "unknown fields: note" in faults(sealed(json.loads(TEXT) | {"note": "paid"}))


def test_a_bundle_without_anything_in_it_is_told_as_odd() -> None:
    assert all("KeyError" in fault for fault in faults({"stipend": 1}))
    assert faults({"stipend": 1})


def test_what_is_broken_in_one_place_hides_nothing_in_another() -> None:
    forged = changed(("policy", "decimals"), "9")
    forged["record"]["rows"][3]["actor"] = "7"
    found = faults(forged)
    assert "policy decimals: the bundle says '9', the record None" in found
    assert "record row 5: its content does not give its hash" in found


def test_a_bundle_nested_beyond_measure_is_a_fault() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert any("RecursionError" in fault for fault in faults({**SOUND, "total": deep}))


# ---------------------------------------------------------------- disputes and suspensions


def published_row(statement: Statement, **more: Any) -> dict[str, Any]:
    hashed = {"version": statement.facts.version, "statement_sha256": statement.sha256}
    return {"action": "payout.published", "subject": "round", "actor": CHAIR,
            "data": {"round": LABEL, **hashed, **more}}  # fmt: skip


def told_of(action: str, subject: str, /, **data: Any) -> dict[str, Any]:
    return {"action": action, "subject": subject, "actor": CHAIR, "data": data}


def disputed(action: str, number: int, user: int | str = "", **more: Any) -> dict[str, Any]:
    told = {"round": LABEL, "user_id": str(user), **more}
    return told_of(f"dispute.{action}", f"dispute:{number}", **told)


def suspended(action: str, user: int, *rounds: str) -> dict[str, Any]:
    about = {"user_id": str(user), "rounds": list(rounds or (LABEL,))}
    return told_of(f"suspension.{action}", f"user:{user}", **about)


def resolved(number: int, user: int | str, outcome: str, amount: str = "") -> dict[str, Any]:
    return disputed("resolved", number, user, outcome=outcome, amount=amount)


@pytest.mark.parametrize(
    ("extra", "status"),
    (
        ((disputed("opened", 1, CAT, version=1),), LineState.HELD),
        ((disputed("opened", 1, version=1),), LineState.HELD),
        ((disputed("late", 1, CAT, version=1),), LineState.DUE),
        ((disputed("opened", 1, CAT, version=1), disputed("withdrawn", 1, CAT)), LineState.DUE),
        ((disputed("opened", 1, CAT, version=1), resolved(1, CAT, "stands")), LineState.DUE),
        ((disputed("opened", 1, version=1), resolved(1, "", "stands")), LineState.DUE),
        ((disputed("opened", 1, CAT, version=1), disputed("opened", 2, version=1),
          resolved(1, CAT, "stands")), LineState.HELD),
        ((disputed("opened", 1, ADA, version=1),), LineState.DUE),
        ((suspended("began", CAT),), LineState.HELD),
        ((suspended("began", CAT, "2025-Q4"),), LineState.DUE),
        ((suspended("began", ADA),), LineState.DUE),
        ((suspended("began", CAT), suspended("final", CAT)), LineState.WAIVED),
        ((suspended("began", CAT), suspended("lifted", CAT)), LineState.DUE),
        ((suspended("began", CAT), suspended("final", CAT), suspended("lifted", CAT)),
         LineState.DUE),
        ((suspended("began", CAT),
          told_of("dispute.opened", "dispute:1", suspension=str(CAT), rounds=[LABEL]),
          told_of("dispute.resolved", "dispute:1", suspension=str(CAT), rounds=[LABEL],
                  outcome="void", user_id=str(CAT))), LineState.HELD),
    ),
)  # fmt: skip
def test_what_was_disputed_or_suspended_since_decides_the_status(
    extra: tuple[dict[str, Any], ...], status: LineState
) -> None:
    told = acts(STATEMENT, extra=extra)
    assert faults(bundled(STATEMENT, told, u3333=status)) == []
    other = LineState.DUE if status is not LineState.DUE else LineState.HELD
    assert faults(bundled(STATEMENT, told, u3333=other)) != []


@pytest.mark.parametrize(
    ("more", "status"),
    (
        ({"held": [str(CAT)]}, LineState.HELD),
        ({"ceased": [str(CAT)]}, LineState.WAIVED),
        ({"waived": [str(CAT)]}, LineState.WAIVED),
    ),
)
def test_who_was_suspended_before_the_publication_stands_in_it(
    more: dict[str, Any], status: LineState
) -> None:
    told = acts(STATEMENT)
    for act in told:
        if act["action"] == "payout.published":
            act["data"].update(more)
    assert faults(bundled(STATEMENT, told, u3333=status)) == []
    assert faults(bundled(STATEMENT, [*told, suspended("lifted", CAT)], u3333=status)) == [
        fault
        for fault in (f"line {CAT}: status says {str(status)!r}, the record 'due'",)
        if "waived" not in more
    ]


def second_version(
    extra: tuple[dict[str, Any], ...], **more: Any
) -> tuple[Statement, list[dict[str, Any]]]:
    second = compute(replace(STATEMENT.facts, version=2, **more))
    hashed = {"version": 2, "statement_sha256": second.sha256, "round": LABEL}
    approvals = [
        {"action": "payout.approved", "subject": "round", "actor": actor, "data": hashed}
        for actor in (CHAIR, COMMITTEE)
    ]
    return second, acts(STATEMENT, extra=(*extra, *approvals, published_row(second)))


def test_a_line_that_a_dispute_voided_is_waived_by_the_next_version() -> None:
    extra = (disputed("opened", 1, CAT, version=1), resolved(1, CAT, "void"))
    second, told = second_version(extra, voided=frozenset({CAT}))
    assert second.facts.voided == {CAT}
    sound = bundled(second, told, u3333=LineState.WAIVED)
    assert sound["inputs"]["voided"] == [str(CAT)]
    assert faults(sound) == []
    kept, told = second_version(extra)
    assert "voided: the bundle says [], the record ['3333']" in faults(bundled(kept, told))


def test_the_newest_decision_about_a_line_stands_and_of_a_paid_one_none() -> None:
    decisions = (("void", ""), ("modify", "1.00"), ("stands", ""))
    extra = tuple(resolved(1, CAT, outcome, amount) for outcome, amount in decisions)
    second, told = second_version(extra)
    assert faults(bundled(second, told)) == []
    amount = amount_of(STATEMENT, ADA)
    paid = told_of("payment.recorded", f"user:{ADA}", round=LABEL, user_id=str(ADA), amount=amount)
    back = told_of("payment.taken_back", f"user:{ADA}", round=LABEL, user_id=str(ADA))
    second, told = second_version((paid, resolved(1, ADA, "void"), back))
    assert faults(bundled(second, told)) == []


def test_carries_that_are_not_those_of_the_record_are_found() -> None:
    other = compute(replace(STATEMENT.facts, carries={BEN: -29_00, CAT: 1_00}))
    found = faults(bundled(other, acts(other)))
    assert "carry of 2222: the bundle says '-29.00', the record '-30.00'" in found
    assert "carry of 3333: the bundle says '1.00', the record None" in found


CROWD = range(1001, 1051)
CROWD_FACTS = Facts(
    77, LABEL, 1, {**POLICY, "pay_currency": "", "approvals": "1"},
    entries=tuple(Accepted(number, user, 60 * (user - 1000))
                  for number, user in enumerate(CROWD, 1)),
    adjustments=(Adjustment(1, 1003, 0, -1_00),),
    voters={1001: 2, 1050: 3}, declined=frozenset({1004}), voided=frozenset({1005}),
    carries={1006: -5_00, 1007: 2_00},
)  # fmt: skip


def crowd() -> dict[str, Any]:
    """A bundle of fifty lines of every state, whose line of 1005 was voided by a dispute."""
    statement = compute(CROWD_FACTS)
    here = {"round": LABEL}
    amount = amount_of(statement, 1010)
    told = [
        told_of("round.opened", "round", policy=dict(CROWD_FACTS.policy), **here),
        told_of("carry.added", "carry:1", user_id="1006", amount="-5.00", **here),
        told_of("carry.moved", "carry:2", user_id="1007", amount="2.00", was="", **here),
        *(
            told_of("entry.logged", f"entry:{entry.number}", user_id=str(entry.user_id),
                    minutes=entry.minutes, **here)
            for entry in CROWD_FACTS.entries
        ),
        told_of("round.closed", "round", declined=["1004"], **here),
        told_of("round.counted", "round", voters={"1001": 2, "1050": 3}, **here),
        disputed("opened", 1, 1005, version=1),
        resolved(1, 1005, "void"),
        told_of("payout.adjusted", "adjustment:1", user_id="1003", minutes=0, amount="-1.00",
                **here),
        told_of("payout.approved", "round", statement_sha256=statement.sha256, **here),
        published_row(statement, held=["1011"], ceased=["1012"], waived=["1013"]),
        told_of("payment.recorded", "user:1010", user_id="1010", amount=amount, **here),
        disputed("opened", 2, 1014, version=1),
        suspended("began", 1015),
    ]  # fmt: skip
    states = {
        **dict.fromkeys((1004, 1005, 1012, 1013), LineState.WAIVED),
        **dict.fromkeys((1011, 1014, 1015), LineState.HELD),
        1010: LineState.PAID,
    }
    rows, before = chain(told)
    shown = {
        line.user_id: Shown("", states.get(line.user_id, LineState.DUE if line.amount else
                                           LineState.NONE))
        for line in statement.lines
    }  # fmt: skip
    read: dict[str, Any] = json.loads(
        json.dumps(bundle(statement, shown=shown, rows=rows, before=before))
    )
    return read


CROWDED = crowd()
CROWDED_TEXT = json.dumps(CROWDED)
CROWDED_SCALARS = list(scalars(CROWDED))


def test_a_bundle_of_fifty_lines_of_every_state_is_sound() -> None:
    assert faults(CROWDED) == []
    assert len(CROWDED["lines"]) == 50
    assert {line["status"] for line in CROWDED["lines"]} == {*map(str, LineState)}


@pytest.mark.untraced
@hypothesis_settings(deadline=None)  # a bundle of fifty lines takes its time on a busy machine
@given(st.data())
def test_no_single_field_of_fifty_lines_can_be_changed_unseen_also_with_new_hashes(
    data: st.DataObject,
) -> None:
    path, value = data.draw(st.sampled_from(CROWDED_SCALARS))
    other = data.draw(st.sampled_from(other_values(value) or ["1"]))
    forged = json.loads(CROWDED_TEXT)
    at(forged, path[:-1])[path[-1]] = other
    assert faults(forged)
    if not only_shown(path) and path not in {("sha256",), ("statement_sha256",)}:
        assert faults(sealed(forged, recomputed=path[0] != "record"))


# ---------------------------------------------------------------- replaying the record


def test_a_statement_that_was_never_published_or_approved_by_too_few_is_found() -> None:
    told = acts(STATEMENT)
    unpublished = [act for act in told if act["action"] != "payout.published"]
    assert faults(bundled(STATEMENT, unpublished)) == [
        "published: the record does not say that this statement was published"
    ]
    once = [act for act in told if act["actor"] != CHAIR or act["action"] != "payout.approved"]
    assert faults(bundled(STATEMENT, once)) == [
        "approvals: the record does not hold enough of them for this statement"
    ]


def test_two_approvals_of_one_person_are_one() -> None:
    told = acts(STATEMENT)
    for act in told:
        if act["action"] == "payout.approved":
            act["actor"] = CHAIR
    (fault,) = faults(bundled(STATEMENT, told))
    assert fault.startswith("approvals: ")


def test_what_happens_after_publication_changes_statuses_and_no_inputs() -> None:
    here = {"round": LABEL}
    later: tuple[dict[str, Any], ...] = (
        {"action": "payout.adjusted", "subject": "adjustment:9", "actor": CHAIR,
         "data": {"version": 2, "user_id": str(ADA), "minutes": 1, "amount": "0.00", **here}},
        {"action": "payout.priced", "subject": f"round:{LABEL}", "actor": CHAIR,
         "data": {"price": "20", **here}},
        {"action": "helper.pay", "subject": f"user:{CAT}", "actor": CAT,
         "data": {"wanted": False, "rounds": ["2025-Q4", LABEL]}},
        {"action": "helper.pay", "subject": f"user:{CAT}", "actor": CAT,
         "data": {"wanted": True, "rounds": [LABEL]}},
    )  # fmt: skip
    told = acts(STATEMENT, extra=later)
    assert faults(bundled(STATEMENT, told)) == []
    assert faults(bundled(STATEMENT, told[:-3])) != []


def test_who_declined_between_close_and_publication_is_waived_by_what_was_published() -> None:
    told = acts(STATEMENT)
    for act in told:
        if act["action"] == "payout.published":
            act["data"]["waived"] = [str(CAT), str(DAN)]
    assert faults(bundled(STATEMENT, told, u3333=LineState.WAIVED)) == []
    assert faults(bundled(STATEMENT, told)) == [
        f"line {CAT}: status says 'due', the record 'waived'"
    ]


@pytest.mark.parametrize(
    ("waived", "status"), ((True, LineState.WAIVED), (False, LineState.DUE), (None, LineState.DUE))
)
def test_a_payment_that_is_taken_back_is_due_again_or_waived(
    waived: bool | None, status: LineState
) -> None:
    amount = amount_of(STATEMENT, CAT)
    data = {"user_id": str(CAT), "round": LABEL, "reference": "0xcc", "amount": amount}
    extra: tuple[dict[str, Any], ...] = tuple(
        {"action": action, "subject": f"user:{CAT}", "actor": CHAIR, "data": more}
        for action, more in (
            ("payment.recorded", data),
            ("payment.taken_back", data if waived is None else {**data, "waived": waived}),
        )
    )
    told = acts(STATEMENT, extra=extra)
    assert faults(bundled(STATEMENT, told, u3333=status)) == []
    assert faults(bundled(STATEMENT, told, u3333=LineState.PAID)) != []


def test_a_second_version_takes_over_what_the_first_began() -> None:
    correction = Adjustment(9, CAT, 0, -1)
    second = compute(
        replace(STATEMENT.facts, version=2, adjustments=(*STATEMENT.facts.adjustments, correction))
    )
    here = {"round": LABEL}
    hashed = {"version": 2, "statement_sha256": second.sha256, **here}
    extra: tuple[dict[str, Any], ...] = (
        {"action": "payout.adjusted", "subject": "adjustment:9", "actor": COMMITTEE,
         "data": {"version": 2, "user_id": str(CAT), "minutes": 0, "amount": "-0.01", **here}},
        {"action": "payout.approved", "subject": "round", "actor": CHAIR, "data": hashed},
        {"action": "payout.approved", "subject": "round", "actor": COMMITTEE, "data": hashed},
        {"action": "payout.published", "subject": "round", "actor": CHAIR, "data": hashed},
    )  # fmt: skip
    told = acts(STATEMENT, extra=extra)
    assert faults(bundled(second, told)) == []
    # The first version stays what it was.
    assert faults(bundled(STATEMENT, told)) == []


def test_a_line_of_nothing_is_none_and_payments_are_those_of_the_record() -> None:
    given_away = facts(entries=(Accepted(1, ADA, 7800), Accepted(3, BEN, 0)), adjustments=(),
                       carries={}, voters={}, tips=0, declined=frozenset(), price="")  # fmt: skip
    statement = compute(given_away)
    hashed = {"version": 1, "statement_sha256": statement.sha256}
    told = [
        {"action": action, "subject": subject, "actor": actor, "data": {"round": LABEL, **data}}
        for action, subject, actor, data in (
            ("round.opened", "round", None, {"policy": POLICY}),
            ("entry.logged", "entry:1", ADA, {"user_id": str(ADA), "minutes": 7800}),
            ("entry.logged", "entry:3", BEN, {"user_id": str(BEN), "minutes": 0}),
            ("round.closed", "round", None, {"declined": []}),
            ("payout.approved", "round", CHAIR, hashed),
            ("payout.approved", "round", COMMITTEE, hashed),
            ("payout.published", "round", CHAIR, hashed),
        )
    ]  # fmt: skip
    sound = bundled(statement, told, u1111=LineState.DUE, u2222=LineState.NONE)
    assert faults(sound) == []
    assert faults(bundled(statement, told, u1111=LineState.PAID, u2222=LineState.DUE)) == [
        f"line {ADA}: status says 'paid', the record 'due'",
        f"line {BEN}: status says 'due', the record 'none'",
    ]


def test_a_record_from_its_very_beginning_follows_nothing() -> None:
    row = next_row(None, at=START, actor=None, action="a", subject="s", data={})
    document = bundle(STATEMENT, shown={user: Shown("", state) for user, state in STATUS.items()},
                      rows=[row], before=GENESIS)  # fmt: skip
    assert document["record"] == {"before": GENESIS, "rows": [row.as_json()]}
    assert as_json(STATEMENT).items() <= {**document, "lines": as_json(STATEMENT)["lines"]}.items()
