"""Words and files around payments: exported batches, and what was recorded of them."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING

import discord
from msgspec.structs import replace

from bot.domain.addresses import EVM
from bot.domain.bundle import full_lines
from bot.domain.payfiles import SAFE_JSON
from bot.domain.states import Line
from bot.ui import files as tables
from bot.ui import statements
from bot.ui.text import people, plural, total, when

if TYPE_CHECKING:
    from bot.services.batches import Handed, LeftOut, Shown
    from bot.services.payments import Recorded
    from bot.services.settlement import Published

STATES = {Line.HELD: "held", Line.DUE: "being corrected", Line.WAIVED: "waived"}


def files(handed: Handed) -> list[discord.File]:
    """Return the files of a batch."""
    return [discord.File(io.BytesIO(file.content), filename=file.name) for file in handed.files]


def handed(batch: Handed) -> str:
    """Return the words beside the files: what to compare with the wallet, and what comes next."""
    rows = sum(file.rows for file in batch.files)
    whose = (
        "opened now"
        if batch.is_new
        else f"the one that <@{batch.opened_by}> opened {when(batch.opened_at)}, the same payments"
    )
    currency = f" {batch.total.currency}".rstrip()
    lines = [
        f"**Batch {batch.number} of {batch.label}**, {whose}: "
        f"**{plural(rows, 'payment')}, {total(batch.total)}**, as {batch.file_format}.",
        f"Paid in {_paid_in(batch)}.",
    ]
    if len(batch.files) > 1:
        lines += [
            f"- `{file.name}`: {plural(file.rows, 'row')}, {file.total}{currency}"
            for file in batch.files
        ]
    lines += [
        "Compare rows and total with the wallet before you sign.",
        f"Payment is due from {when(batch.due_at, 'D')}. Paid: `/payout paid "
        f"batch:{batch.number}` with its reference. Not to be paid: `/payout cancel "
        f"batch:{batch.number}`. Until then no other batch is made for {batch.label}; any format "
        "gives this one again.",
        *left_out(batch.left),
    ]
    return "\n".join(lines)


def left_out(left: LeftOut) -> list[str]:
    """Return who is not in the files, by the reason."""
    rows = [
        ("No address yet, stays due", left.no_address),
        ("Held", left.held),
        ("Being corrected", left.changing),
        ("Due since the batch was opened, for the next one", left.later),
        ("Nothing in the steps that are paid", left.too_small),
    ]
    lines = [f"- {words}: {people(users)}" for words, users in rows if users]
    if left.address_waits:
        users = [user for user, _ in left.address_waits]
        first = min(instant for _, instant in left.address_waits)
        lines.append(
            f"- Address set after the close, waits for 24 hours: {people(users)}, the first until "
            f"{when(first)}"
        )
    return ["**Left out**", *lines] if lines else []


def committee_csv(found: Published, addresses: Mapping[int, str]) -> discord.File:
    """Return a published statement as CSV with addresses, for the committee alone."""
    statement = found.statement
    shown = {
        user: replace(beside, address=addresses.get(user, ""))
        for user, beside in found.shown.items()
    }
    stem = tables.names(statement.facts.label, statement.facts.version)
    mark = "-with-addresses" if addresses else ""
    content = tables.statement_csv(full_lines(statement, shown))
    return discord.File(io.BytesIO(content), filename=f"{stem}{mark}.csv")


def exported_csv(found: Published, addresses: Mapping[int, str]) -> str:
    """Return the words beside that CSV: who is due and has no address."""
    without = [
        user
        for user, beside in found.shown.items()
        if beside.status is Line.DUE and user not in addresses
    ]
    lines = [statements.exported(found, "csv")]
    if addresses:
        lines.append("It has the payout addresses: keep it in the committee.")
    if without:
        lines.append(f"No address yet, stays due: {people(without)}.")
    return "\n".join(lines)


def recorded(payment: Recorded) -> str:
    """Return the answer to recording payments, with what became of the batch."""
    text = statements.recorded(payment)
    if payment.batch is None:
        return text
    if payment.is_batch_closed:
        return f"{text}\nBatch {payment.batch} is paid."
    listed = ", ".join(
        f"<@{user}> ({STATES.get(state, str(state))})" for user, state in payment.left_in_batch[:10]
    )
    return (
        f"{text}\nBatch {payment.batch} stays open for {plural(len(payment.left_in_batch), 'line')}"
        f": {listed}. `/payout cancel batch:{payment.batch}` gives what is left up."
    )


def cancelled(batch: Shown) -> str:
    """Return the answer to giving a batch up."""
    return (
        f"Batch {batch.number} of {batch.label} is cancelled: {plural(len(batch.users), 'payment')}"
        f", {total(batch.total)}. Make sure that nobody signs it any more. `/payout export` opens "
        "another with what is due."
    )


def batch(shown: Shown) -> str:
    """Return the committee's post about a batch, as it stands."""
    what = f"{plural(len(shown.users), 'payment')}, {total(shown.total)}"
    opened = f"**Batch {shown.number} of {shown.label}** ({what}, opened by <@{shown.opened_by}>)"
    if shown.state == "open":
        return (
            f"{opened} was handed over for payment. `/payout export` gives the same batch again; "
            f"`/payout paid batch:{shown.number}` records it, `/payout cancel "
            f"batch:{shown.number}` gives it up."
        )
    if shown.state == "paid":
        return f"{opened} is paid."
    return f"{opened} is cancelled: **do not sign it any more.**"


def _paid_in(batch: Handed) -> str:
    policy = batch.policy
    if batch.network.kind != EVM:
        return f"asset `{policy.asset_id}` on {batch.network.title}"
    token = f"token `{policy.token_address}`" if policy.token_address else "**the native coin**"
    units = f" ({policy.token_decimals} decimals)" if batch.file_format == SAFE_JSON else ""
    return f"{token}{units} on chain {policy.chain_id}"
