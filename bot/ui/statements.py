"""Drafts and published statements as Discord shows them: embeds, chart and files."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING

import discord

from bot.domain.bundle import Shown, full_lines
from bot.domain.statement import Line as StatementLine
from bot.domain.statement import Statement
from bot.domain.states import Line, Round
from bot.ui import cease
from bot.ui import chart as drawing
from bot.ui import files as tables
from bot.ui.explain import counted_late, line_arithmetic, tip_jar
from bot.ui.page import page
from bot.ui.text import bullets, deadline, duration, money, people, plural, quoted, total, when

if TYPE_CHECKING:
    from bot.services.payments import Mine, OpenAmount, Recorded, TakenBack
    from bot.services.settlement import Adjusted, Approved, Preview, Priced, Published

COLOUR = discord.Colour.from_str("#2f6f6b")
DRAFT_COLOUR = discord.Colour.from_str("#b7791f")
ROWS = 20
CHANGING = "being corrected: the next version says what is paid"
PAGE = 12
LISTED = 6
"""What a field of an embed has room for."""
MARKS = {
    Line.DUE: "due",
    Line.HELD: "held",
    Line.PAID: "paid",
    Line.WAIVED: "waived",
    Line.NONE: "none",
}


def preview(draft: Preview) -> list[discord.Embed]:
    """Return a draft for the committee: totals, warnings, approvals, and the table in pages."""
    statement = draft.statement
    policy = statement.policy
    is_open = draft.state in (Round.OPEN, Round.REVIEW)
    lines = [_totals(statement), *_worth(statement), *tip_jar(statement, draft.jar)]
    lines += counted_late(draft.counted_late_at)
    if policy.pay_currency and not statement.facts.price:
        lines.append(f"Paid in {policy.pay_currency}: `/payout price` is still needed.")
    elif draft.price_source:
        lines.append(
            f"Price: 1 {policy.pay_currency} = {statement.facts.price} {policy.currency}, "
            f"source {quoted(draft.price_source, longest=200)}."
        )
    label = statement.facts.label
    title = f"Draft {label}, version {statement.facts.version}"
    if is_open:
        title = f"{label} as it would be now"
    first, *others = _pages(
        statement,
        draft.shown,
        title=title,
        colour=DRAFT_COLOUR,
        rest="`/payout preview` turns the pages",
    )
    first.description = "\n".join((*lines, first.description or ""))
    embed = first
    if draft.warnings:
        sentences = [quoted(warning, longest=150) for warning in draft.warnings]
        embed.add_field(name="To look at", value=bullets(sentences), inline=False)
        others += _more(sentences, title="To look at")
    if draft.adjustments:
        texts = [
            f"{change.number}: <@{change.user_id}> {_change(change, statement)}: "
            f"{quoted(change.reason, longest=120)}"
            for change in reversed(draft.adjustments)
        ]
        embed.add_field(name="Adjustments", value=bullets(texts), inline=False)
        others += _more(texts, title="Adjustments, newest first")
    if is_open:
        embed.add_field(
            name="Draft", value=f"It will be made {deadline(draft.compute_at)}.", inline=False
        )
    else:
        by = f": {people(draft.approved_by)}" if draft.approved_by else ""
        count = f"{len(draft.approved_by)} of {draft.approvals_needed}{by}"
        embed.add_field(name="Approvals of exactly this draft", value=count, inline=False)
    embed.set_footer(text=f"Hash {statement.sha256[:16]}…")
    return [embed, *others]


def published(statement_of: Published) -> list[discord.Embed]:
    """Return a published statement, its table in pages; the first stands for itself."""
    statement = statement_of.statement
    policy = statement.policy
    title = f"Statement {statement.facts.label}, version {statement.facts.version}"
    embed, *others = _pages(
        statement, statement_of.shown, title=title, colour=COLOUR, rest="all are in the files"
    )
    tips = [
        *tip_jar(statement, statement_of.jar),
        *counted_late(statement_of.counted_late_at),
    ]
    summary = (_totals(statement), *_worth(statement), *tips, embed.description or "")
    embed.description = "\n".join(summary)
    if statement.facts.price:
        embed.add_field(
            name="Paid in",
            value=f"{policy.pay_currency} at {statement.facts.price} {policy.currency} "
            f"({quoted(statement_of.price_source, longest=200)})",
            inline=False,
        )
    admin = ", one of them an admin without a line" if statement_of.admin_approval else ""
    embed.add_field(name="Approved by", value=f"{people(statement_of.approved_by)}{admin}")
    due = f"due from {when(statement_of.pay_due_at, 'D')}"
    embed.add_field(name="Payment", value=due if _is_open(statement_of) else "nothing waits")
    embed.add_field(
        name="Something wrong?",
        value=f"`/dispute open` until {deadline(statement_of.dispute_until)}. "
        f"Only what is disputed waits.{_only_changed(statement)}",
        inline=False,
    )
    embed.add_field(
        name="Check it yourself",
        value=f"Statement `{statement.sha256}`\nRecord {statement_of.record_number} "
        f"`{statement_of.record_head}`\n`python -m bot verify` with the JSON file recomputes "
        "every amount. `/payout mine` explains one's own.",
        inline=False,
    )
    return [embed, *others]


def chart(statement: Statement, shown: Mapping[int, Shown]) -> discord.File:
    """Return the chart as a picture with its text alternative; draw it away from the loop."""
    bars = drawing.bars(statement, shown)
    return discord.File(
        io.BytesIO(drawing.png(drawing.svg(bars))),
        filename=f"{tables.names(statement.facts.label, statement.facts.version)}.png",
        description=drawing.alt_text(bars),
    )


def files(statement_of: Published) -> list[discord.File]:
    """Return everything that is published with a statement: chart, page, CSV, bundle."""
    statement = statement_of.statement
    stem = tables.names(statement.facts.label, statement.facts.version)
    lines = full_lines(statement, statement_of.shown)
    return [
        chart(statement, statement_of.shown),
        _file(f"{stem}.html", page(statement_of).encode()),
        _file(f"{stem}.csv", tables.statement_csv(lines)),
        _file(f"{stem}.json", tables.statement_json(statement_of.document)),
    ]


def export(statement_of: Published, file_format: str) -> discord.File:
    """Return a published statement in one format."""
    stem = tables.names(statement_of.statement.facts.label, statement_of.statement.facts.version)
    match file_format:
        case "csv":
            lines = full_lines(statement_of.statement, statement_of.shown)
            return _file(f"{stem}.csv", tables.statement_csv(lines))
        case "json":
            return _file(f"{stem}.json", tables.statement_json(statement_of.document))
        case _:
            return _file(f"{stem}.md", tables.statement_markdown(statement_of))


def exported(statement_of: Published, file_format: str) -> str:
    """Return the words beside an exported file: row count and total, to compare."""
    statement = statement_of.statement
    return (
        f"{statement.facts.label}, version {statement.facts.version}, as {file_format}: "
        f"**{plural(len(statement.lines), 'line')}, {_total(statement)}**."
    )


def mine(own: Mine) -> str:
    """Return one's own line in words, one line of arithmetic for each part that is not zero."""
    statement = own.statement
    label = statement.facts.label
    if own.line is None or own.state is None:
        lines = [
            f"You have no line in {label}. `/hours log` is for the round that is open."
            if own.is_helper
            else f"You are not a helper, so you have no line in {label}. `/helper join` says how "
            "to become one."
        ]
    else:
        amount = money(
            own.line.amount,
            decimals=statement.policy.decimals,
            currency=statement.policy.currency,
        )
        lines = [f"**{label}: {amount}** ({_state_words(own)}){_apart(statement, own.line)}"]
        arithmetic = line_arithmetic(statement, own.line, own.jar)
        lines += [f"- {sentence}" for sentence in arithmetic]
        lines += [
            f"- Adjustment {change.number}: {quoted(change.reason, longest=200)}"
            for change in own.changes
        ]
        if own.carried:
            policy = statement.policy
            carried = money(
                own.carried, decimals=policy.decimals, currency=policy.currency, signed=True
            )
            lines.append(f"- Decided after the payment: {carried}, carried to the next round.")
        if not own.line.tips_amount:  # else the arithmetic has said it
            lines += [f"- {sentence}" for sentence in tip_jar(statement, own.jar)]
    if own.stop is not None:
        lines.append(f"\n{cease.own(own.stop)}")
    if own.needs_address:
        lines.append("\nYou have no payout address: `/address set` says where you are paid.")
    if own.open_amounts:
        lines.append("\n**Still open**")
        lines += [
            f"- {one.label}: {total(one.amount)} ({_open_words(one)})" for one in own.open_amounts
        ]
    lines.append(
        "\n`/payout show` has everybody's. Something wrong? `/dispute open` tells the committee."
    )
    return "\n".join(lines)


def adjusted(change: Adjusted) -> str:
    """Return the answer to an adjustment."""
    old, new = (
        money(amount, decimals=change.decimals, currency=change.currency)
        for amount in change.amount
    )
    total = money(change.total[1], decimals=change.decimals, currency=change.currency)
    again = " Approvals given before do not count any more." if change.voided_approvals else ""
    hours = (
        f", {duration(change.minutes[0])} → {duration(change.minutes[1])}"
        if change.minutes[0] != change.minutes[1]
        else ""
    )
    return (
        f"Adjustment {change.number} in {change.label}: <@{change.user_id}> "
        f"**{old} → {new}**{hours}. Total now {total}.{again}\n"
        "The original stays on record; another adjustment takes it back. "
        "Next: somebody else approves with `/payout approve`."
    )


def priced(draft: Priced) -> str:
    """Return the answer to a conversion price."""
    policy = draft.policy
    pays = money(draft.pay_total, decimals=policy.pay_step[1], currency=policy.pay_currency)
    total = money(draft.total, decimals=policy.decimals, currency=policy.currency)
    return (
        f"{draft.label}: 1 {policy.pay_currency} = {draft.price} {policy.currency}, so {total} "
        f"become **{pays}**. Approvals given before do not count any more; "
        "`/payout price` again corrects it, somebody else approves."
    )


def approved(approval: Approved) -> str:
    """Return the answer to an approval: the exact draft, and what comes next."""
    total = money(approval.total, decimals=approval.decimals, currency=approval.currency)
    left = approval.needed - approval.count
    next_step = (
        f"{plural(left, 'more approval')} needed from others."
        if left > 0
        else "`/payout publish` publishes it."
    )
    role = " as an admin without a line" if approval.as_admin else ""
    return (
        f"Approved{role}: **{approval.label}, version {approval.version}, {total}**\n"
        f"Hash `{approval.sha256}`\n{next_step} Any change to the draft voids this approval."
    )


def publication(statement_of: Published) -> str:
    """Return the answer to publishing."""
    statement = statement_of.statement
    paying = "Nothing waits to be paid."
    if _is_open(statement_of):
        paying = (
            f"Payment is due from {when(statement_of.pay_due_at, 'D')}: `/payout export`, then "
            "`/payout paid`."
        )
    batch = ""
    if statement_of.cancelled_batch is not None:
        batch = (
            f"\n**Batch {statement_of.cancelled_batch} is cancelled**, because a line in it "
            "changed: make sure that nobody signs it any more."
        )
    return (
        f"**{statement.facts.label}, version {statement.facts.version} is published**: "
        f"{plural(len(statement.lines), 'line')}, {_total(statement)}.\n"
        f"{paying} Disputes count until {when(statement_of.dispute_until, 'f')}."
        f"{_only_changed(statement)}{batch}"
    )


def _is_open(statement_of: Published) -> bool:
    """Whether something of a statement is still to be paid, now or once it is decided."""
    return any(one.status in (Line.DUE, Line.HELD) for one in statement_of.shown.values())


def _only_changed(statement: Statement) -> str:
    if statement.facts.version == 1:
        return ""
    return " That time is for the lines this version changed; others keep theirs."


def recorded(payment: Recorded) -> str:
    """Return the answer to recording payments."""
    left = (
        f"{plural(payment.still_due, 'line')} of {payment.label} still due."
        if payment.still_due
        else f"Nothing of {payment.label} is due any more."
    )
    out = (
        f"\nLeft out, because a correction is under way: {people(payment.left_out)}."
        if payment.left_out
        else ""
    )
    return (
        f"Recorded as paid in {payment.label}: {people(payment.user_ids)}, "
        f"**{total(payment.total)}**, reference "
        f"{quoted(payment.reference)}.\n{left}{out} `/payout correct` takes a mistake back."
    )


def taken_back(change: TakenBack) -> str:
    """Return the answer to a proposal, or to its confirmation."""
    amounts = total(change.total)
    if change.confirmed:
        return (
            f"Taken back: {people(change.user_ids)} in {change.label}, {amounts}. "
            "The lines are open again; `/payout paid` records the right payment."
        )
    return (
        f"Proposed to take back {people(change.user_ids)} in {change.label}, {amounts}, reference "
        f"{quoted(change.reference)}. Another committee member confirms it in the committee "
        "channel; until then it stays recorded."
    )


def _state_words(own: Mine) -> str:
    assert own.state is not None
    if own.reference:
        return f"paid, reference {quoted(own.reference)}"
    if own.state is Line.WAIVED and own.stop is not None and own.stop.is_final:
        return "payments ceased"
    return {
        Line.DUE: CHANGING if own.is_changing else "due",
        Line.HELD: f"held: {own.reason}",
        Line.WAIVED: f"not paid: {own.reason}",
        Line.NONE: "nothing to pay",
    }.get(own.state, str(own.state))


def _open_words(one: OpenAmount) -> str:
    return "being corrected" if one.is_changing and one.state is Line.DUE else str(one.state)


def _total(statement: Statement) -> str:
    return total(statement.sum_of(statement.lines))


def _totals(statement: Statement) -> str:
    policy = statement.policy
    assert policy.cap is not None
    cap = money(policy.cap, decimals=policy.decimals, currency=policy.currency)
    left = money(statement.room, decimals=policy.decimals, currency=policy.currency)
    stays = f"; {left} of the cap stay with the funder" if statement.room else ""
    carried = statement.total - statement.shared - statement.tips_given
    if not statement.tips_given and not carried:
        return f"**{_total(statement)}** of a cap of {cap}{stays.replace(' of the cap', '')}."
    bounty, tips, earlier = (
        money(amount, decimals=policy.decimals, currency=policy.currency, signed=is_signed)
        for amount, is_signed in (
            (statement.shared, False),
            (statement.tips_given, False),
            (carried, True),
        )
    )
    jar = f", tip jar {tips}" if statement.tips_given else ""
    over = f", carried over {earlier}" if carried else ""
    return f"**{_total(statement)}**: bounty {bounty} of a cap of {cap}{jar}{over}{stays}."


def _apart(statement: Statement, line: StatementLine) -> str:
    """Bounty and tip jar of a line apart, where it has both."""
    if not line.tips_amount or line.waived:
        return ""
    decimals = statement.policy.decimals
    bounty = money(line.hours_amount + line.thanks_amount + line.adjustment, decimals=decimals)
    return f": bounty {bounty}, tip jar {money(line.tips_amount, decimals=decimals)}"


def _worth(statement: Statement) -> list[str]:
    policy = statement.policy
    if statement.hour_value is None:
        return []
    minutes = statement.shared_minutes
    if policy.split_by == "thanks":
        return [f"{duration(minutes)}; hours pay nothing in this round."]
    worth = money(statement.hour_value, decimals=policy.decimals, currency=policy.currency)
    rate = money(policy.hourly_rate or 0, decimals=policy.decimals, currency=policy.currency)
    return [f"{duration(minutes)}; an hour gives {worth} on average ({rate} before the cap)."]


def _pages(
    statement: Statement,
    shown: Mapping[int, Shown],
    *,
    title: str,
    colour: discord.Colour,
    rest: str,
) -> list[discord.Embed]:
    """Return the table of lines, largest first, an embed for every `ROWS` of them."""
    if not statement.lines:
        return [discord.Embed(title=title, description="Nobody has a line.", colour=colour)]
    decimals = statement.policy.decimals
    order = sorted(statement.lines, key=lambda line: (-line.amount, line.user_id))
    rows = [
        (
            f"<@{line.user_id}> **{money(line.amount, decimals=decimals)}**"
            f"{_tips(line, decimals)}{_carried(line, decimals)} · {duration(line.minutes)}"
            f"{_voters(line)} · {_mark(shown[line.user_id])}"
        )
        for line in order
    ]
    pages = [rows[start : start + ROWS] for start in range(0, len(rows), ROWS)]
    if len(pages) > 1:
        pages[0].append(f"and {plural(len(rows) - ROWS, 'more line')}: {rest}")
    return [
        discord.Embed(title=title, description="\n".join(page), colour=colour) for page in pages
    ]


def _voters(line: StatementLine) -> str:
    return f" · {plural(line.voters, 'vote')}" if line.voters else ""


def _mark(beside: Shown) -> str:
    """The state of a line, with why it is held or waived."""
    reason = f": {beside.reason}" if beside.reason else ""
    return f"{MARKS[beside.status]}{reason}"


def _carried(line: StatementLine, decimals: int) -> str:
    """What a line carries over from earlier rounds, and on to later ones."""
    over, left = (
        money(amount, decimals=decimals, signed=True) for amount in (line.carry, line.carry_left)
    )
    parts = [f"{over} carried over"] if line.carry else []
    parts += [f"{left} carried on"] if line.carry_left else []
    return f" ({', '.join(parts)})" if parts else ""


def _tips(line: StatementLine, decimals: int) -> str:
    if not line.tips_amount or line.waived:
        return ""
    return f" incl. {money(line.tips_amount, decimals=decimals)} tips"


def _more(sentences: list[str], *, title: str) -> list[discord.Embed]:
    """Return all of a list in pages of their own, where a field has not room for it."""
    if len(sentences) <= LISTED:
        return []
    return [
        discord.Embed(
            title=title,
            description="\n".join(f"- {sentence}" for sentence in sentences[at : at + PAGE]),
            colour=DRAFT_COLOUR,
        )
        for at in range(0, len(sentences), PAGE)
    ]


def _change(change: object, statement: Statement) -> str:
    minutes, amount = getattr(change, "minutes", 0), getattr(change, "amount", 0)
    parts = [f"{'+' if minutes > 0 else ''}{duration(minutes)}"] if minutes else []
    if amount:
        parts.append(money(amount, decimals=statement.policy.decimals, signed=True))
    return ", ".join(parts)


def _file(filename: str, content: bytes) -> discord.File:
    return discord.File(io.BytesIO(content), filename=filename)
