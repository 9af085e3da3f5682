"""Which words go where: turns a stored post into a message, from the facts as they are now."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeAlias

import discord
from msgspec import Struct, field

from bot.jobs import marks
from bot.services import (
    audit,
    batches,
    boards,
    cease,
    disputes,
    hours,
    lines,
    outbox,
    proposals,
    reminders,
    settings,
    settlement,
    suspensions,
    thanks,
)
from bot.ui import addresses as address_ui
from bot.ui import audit as audit_ui
from bot.ui import boards as board_ui
from bot.ui import cards, notices, statements
from bot.ui import cease as cease_ui
from bot.ui import disputes as dispute_ui
from bot.ui import payfiles as payfile_ui
from bot.ui import proposals as proposal_ui
from bot.ui import thanks as thanks_ui
from bot.ui.text import guard, guarded
from storage import payout, rounds
from storage.apart import drawn
from storage.tables import Post, Round

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


class Place(Enum):
    """Where a message goes."""

    ANNOUNCEMENT = "announcement"
    SUPPORT = "support"
    THREAD = "thread"
    COMMITTEE = "committee"
    LOG = "log"


class Message(Struct):
    """A message ready to be sent; `draw` makes its files, away from the event loop.

    One with `since` is posted only where somebody spoke in its channel after that message; one
    that `replaces` another (channel and message) follows it. `parent_id` is the channel of a
    thread; where that is gone, what `can_wait` is said in the next one. `number` is that of the
    post, whose mark the message carries.
    """

    place: Place
    content: str = ""
    embed: discord.Embed | None = None
    view: discord.ui.View | None = None
    draw_files: Callable[[], list[discord.File]] | None = None
    mentions: discord.AllowedMentions = field(default_factory=discord.AllowedMentions.none)
    channel_id: int | None = None
    missing: str = ""
    unsent_state: str = outbox.PARKED
    thread_name: str = ""
    announcement_id: int | None = None
    thread_id: int | None = None
    since: int | None = None
    replaces: tuple[int, int] | None = None
    parent_id: int | None = None
    board_id: int | None = None
    is_pinned: bool = False
    can_wait: bool = False
    number: int = 0
    files: list[discord.File] = field(default_factory=list)

    async def draw(self) -> None:
        """Make the files."""
        if self.draw_files is not None:
            self.files = await drawn(self.draw_files)

    def send(self) -> dict[str, Any]:
        """Return the arguments for a new message."""
        arguments = self.edit()
        arguments["files"] = arguments.pop("attachments")
        return {key: value for key, value in arguments.items() if value not in (None, [])}

    def edit(self) -> dict[str, Any]:
        """Return the arguments for bringing a message up to date."""
        embed = guard(self.embed) if self.embed is not None else None
        return {
            "content": marks.marked(guarded(self.content), embed, self.number) or None,
            "embed": embed,
            "view": self.view,
            "allowed_mentions": self.mentions,
            "attachments": self.files,
        }


Words: TypeAlias = (
    "Callable[[AsyncSession, Post, Round | None, Mapping[str, Any]], Awaitable[Message | None]]"
)


async def word(session: AsyncSession, post: Post) -> Message | None:
    """Return the message of a post, None where there is nothing to say any more."""
    round_ = await rounds.get(session, post.round_id) if post.round_id is not None else None
    message = await KINDS[post.kind](session, post, round_, json.loads(post.facts))
    if message is None:
        return None
    message.number = post.id
    policy = (await settings.current(session, post.guild_id)).policy
    match message.place:
        case Place.COMMITTEE:
            message.channel_id = policy.committee_channel
            message.missing = "No committee channel is set."
        case Place.LOG:
            message.channel_id = policy.log_channel
            message.missing, message.unsent_state = "No log channel is set.", outbox.SKIPPED
        case Place.SUPPORT:
            message.channel_id = policy.support_channel
            message.missing = "No support channel is set."
        case Place.ANNOUNCEMENT:
            assert round_ is not None
            is_posted = round_.announcement_id is not None
            message.channel_id = round_.channel_id if is_posted else policy.support_channel
            message.missing = "No support channel is set."
            message.announcement_id, message.thread_id = round_.announcement_id, round_.thread_id
        case Place.THREAD:
            assert round_ is not None
            _to_thread(message, round_)
    return message


def _to_thread(message: Message, round_: Round) -> None:
    message.parent_id, message.can_wait = round_.channel_id, round_.state == "open"
    if round_.thread_lost:
        message.missing, message.unsent_state = "The thread of the round is gone.", outbox.SKIPPED
    else:
        message.channel_id = round_.thread_id
        message.missing = "The round has no thread yet."


async def _announcement(
    session: AsyncSession, _post: Post, round_: Round | None, facts: Mapping[str, Any]
) -> Message:
    assert round_ is not None
    policy = (await settings.pinned(session, round_)).policy
    embed = notices.announcement(
        label=round_.label,
        policy=policy,
        work_since=round_.work_since,
        close_at=round_.close_at,
        late=facts["late"],
    )
    replaces = facts.get("replaces")
    return Message(
        Place.ANNOUNCEMENT,
        embed=embed,
        thread_name=f"Support {round_.label}",
        replaces=(replaces[0], replaces[1]) if replaces else None,
    )


async def _board(
    session: AsyncSession, _post: Post, _round: Round | None, facts: Mapping[str, Any]
) -> Message | None:
    shown = await boards.shown(session, facts["board"])
    if shown is None:
        return None
    return Message(
        Place.THREAD,
        embed=board_ui.board(shown),
        board_id=shown.board_id,
        is_pinned=shown.is_pinned,
        unsent_state=outbox.PENDING,
    )


async def _call(
    session: AsyncSession, _post: Post, round_: Round | None, facts: Mapping[str, Any]
) -> Message:
    assert round_ is not None
    policy = (await settings.current(session, round_.guild_id)).policy
    closed_at = round_.closed_at if round_.state != "open" else None
    text = notices.call(
        label=round_.label, close_at=round_.close_at, closed_at=closed_at, late=facts["late"]
    )
    return _mentioning(Place.THREAD, text, policy.helper_role if policy.notify_helpers else None)


async def _closed(
    session: AsyncSession, _post: Post, round_: Round | None, facts: Mapping[str, Any]
) -> Message:
    assert round_ is not None
    found = await rounds.of_server(session, round_.guild_id)
    following = next((later for later in found if later.number > round_.number), None)
    return Message(
        Place.THREAD,
        content=notices.closed(
            label=round_.label,
            compute_at=round_.compute_at,
            next_thread_id=following.thread_id if following else None,
            late=facts["late"],
            reason=facts["reason"],
        ),
        view=thanks_ui.who_thanked_button(round_.id),
    )


async def _reopened(
    _session: AsyncSession, _post: Post, round_: Round | None, _facts: Mapping[str, Any]
) -> Message:
    assert round_ is not None
    return Message(Place.THREAD, notices.reopened(label=round_.label, close_at=round_.close_at))


async def _voided(
    _session: AsyncSession, _post: Post, round_: Round | None, facts: Mapping[str, Any]
) -> Message:
    assert round_ is not None
    return Message(Place.THREAD, notices.voided(label=round_.label, reason=facts["reason"]))


async def _draft(
    session: AsyncSession, post: Post, round_: Round | None, facts: Mapping[str, Any]
) -> Message | None:
    assert round_ is not None
    if round_.state != "draft":
        ended = Message(
            Place.COMMITTEE, notices.draft_ended(label=round_.label, state=round_.state)
        )
        return ended if post.message_id is not None else None
    preview = await settlement.preview_of(session, round_)
    return Message(
        Place.COMMITTEE,
        content=notices.draft(label=round_.label, late=facts["late"]),
        embed=statements.preview(preview)[0],
        draw_files=lambda: [statements.chart(preview.statement, preview.shown)],
    )


async def _note(
    session: AsyncSession, _post: Post, round_: Round | None, _facts: Mapping[str, Any]
) -> Message | None:
    assert round_ is not None
    if round_.draft_version is not None:
        return Message(Place.COMMITTEE, notices.draft_waits(label=round_.label))
    due = sum(state == "due" for state in (await lines.states(session, round_)).values())
    return (
        Message(Place.COMMITTEE, notices.payment_waits(label=round_.label, due=due))
        if due
        else None
    )


async def _pay(
    session: AsyncSession, _post: Post, round_: Round | None, _facts: Mapping[str, Any]
) -> Message | None:
    assert round_ is not None
    published = await settlement.published_of(session, round_)
    return Message(Place.COMMITTEE, notices.payment_due(published))


async def _pay_notice(
    session: AsyncSession, _post: Post, round_: Round | None, _facts: Mapping[str, Any]
) -> Message | None:
    assert round_ is not None
    policy = (await settings.current(session, round_.guild_id)).policy
    text = notices.payment_notice(label=round_.label)
    return _mentioning(Place.THREAD, text, policy.helper_role if policy.notify_helpers else None)


async def _paid(
    session: AsyncSession, _post: Post, round_: Round | None, facts: Mapping[str, Any]
) -> Message:
    assert round_ is not None
    published = await settlement.published_of(session, round_)
    return Message(Place.THREAD, notices.paid(published, facts["users"], facts["reference"]))


async def _card(
    session: AsyncSession, post: Post, _round: Round | None, facts: Mapping[str, Any]
) -> Message | None:
    card = await hours.card(session, post.guild_id, number=facts["entry"])
    if card is None:
        return None
    return Message(Place.THREAD, embed=cards.card(card), view=cards.opinion_buttons(card))


async def _adjusted(
    session: AsyncSession, _post: Post, round_: Round | None, facts: Mapping[str, Any]
) -> Message:
    assert round_ is not None
    policy = (await settings.pinned(session, round_)).policy
    return Message(Place.COMMITTEE, notices.adjusted(round_.label, policy, facts))


async def _published(
    session: AsyncSession, post: Post, round_: Round | None, facts: Mapping[str, Any]
) -> Message | None:
    assert round_ is not None
    if round_.published_version != facts["version"]:
        if post.message_id is None:
            return None
        # Only where a name in it was erased: the versions that followed have it no more.
        place = Place.THREAD if post.kind == "published-thread" else Place.SUPPORT
        text = notices.replaced(
            label=round_.label, version=facts["version"], newest=round_.published_version
        )
        return Message(place, text)
    published = await settlement.published_of(session, round_)
    is_thread = post.kind == "published-thread"
    return Message(
        Place.THREAD if is_thread else Place.SUPPORT,
        embed=statements.published(published)[0],
        draw_files=lambda: statements.files(published),
    )


async def _take_back(
    session: AsyncSession, post: Post, round_: Round | None, facts: Mapping[str, Any]
) -> Message:
    assert round_ is not None
    proposal = await payout.take_back(session, post.guild_id, facts["number"])
    confirmed_by = proposal.confirmed_by if proposal else None
    return Message(
        Place.COMMITTEE,
        notices.take_back(round_.label, facts, confirmed_by=confirmed_by),
        view=None if confirmed_by else notices.take_back_buttons(facts["number"]),
    )


async def _taken_back(
    _session: AsyncSession, _post: Post, round_: Round | None, facts: Mapping[str, Any]
) -> Message:
    assert round_ is not None
    return Message(Place.THREAD, notices.taken_back(round_.label, facts))


async def _settings(
    _session: AsyncSession, _post: Post, round_: Round | None, facts: Mapping[str, Any]
) -> Message:
    assert round_ is not None
    return Message(Place.COMMITTEE, notices.settings_incomplete(round_.label, facts["problems"]))


async def _reminder(
    session: AsyncSession, _post: Post, round_: Round | None, facts: Mapping[str, Any]
) -> Message | None:
    assert round_ is not None
    if not await reminders.is_needed(session, round_, slot=facts["slot"]):
        return None
    assert round_.thread_id is not None
    return Message(
        Place.SUPPORT,
        notices.reminder(thread_id=round_.thread_id, close_at=round_.close_at),
        since=await reminders.last_said(session, round_),
        unsent_state=outbox.SKIPPED,
    )


async def _proposal(
    session: AsyncSession, post: Post, round_: Round | None, facts: Mapping[str, Any]
) -> Message | None:
    assert round_ is not None
    proposed = await proposals.proposed(session, round_, user_id=facts["user"])
    if not proposed.is_open and post.message_id is None:
        return None
    return Message(
        Place.THREAD,
        proposal_ui.proposal(proposed),
        view=proposal_ui.buttons(proposed) if proposed.is_open else None,
        unsent_state=outbox.SKIPPED,
    )


async def _thanks(
    session: AsyncSession, post: Post, round_: Round | None, facts: Mapping[str, Any]
) -> Message | None:
    assert round_ is not None
    note = await thanks.note(
        session,
        round_.id,
        helper_id=facts["helper"],
        voter_id=facts["voter"],
        origin_id=facts["origin"],
    )
    text = thanks_ui.note(note)
    if text is None and post.message_id is None:
        return None
    return Message(Place.THREAD, text or thanks_ui.note_gone(note))


async def _notice(
    _session: AsyncSession, _post: Post, _round: Round | None, facts: Mapping[str, Any]
) -> Message:
    return Message(Place.COMMITTEE, facts["text"])


async def _dropped(
    _session: AsyncSession, _post: Post, round_: Round | None, facts: Mapping[str, Any]
) -> Message:
    assert round_ is not None
    voters = {int(user): count for user, count in facts["voters"].items()}
    mentions = discord.AllowedMentions(
        everyone=False,
        users=[discord.Object(user) for user in voters],
        roles=False,
        replied_user=False,
    )
    text = notices.dropped(label=facts["label"], min_votes=facts["min_votes"], voters=voters)
    return Message(Place.THREAD, text, mentions=mentions)


async def _count_waits(
    _session: AsyncSession, _post: Post, round_: Round | None, facts: Mapping[str, Any]
) -> Message | None:
    assert round_ is not None
    if round_.counted_at is not None:
        return None
    return Message(Place.COMMITTEE, notices.count_waits(label=round_.label, why=facts["why"]))


async def _cease(
    session: AsyncSession, post: Post, _round: Round | None, facts: Mapping[str, Any]
) -> Message:
    poll = await cease.poll(session, post.guild_id, number=facts["number"])
    is_open = poll.state == "open"
    view = cease_ui.buttons(poll) if is_open else None
    return Message(Place.COMMITTEE, cease_ui.poll(poll), view=view)


async def _suspension(
    session: AsyncSession, post: Post, _round: Round | None, facts: Mapping[str, Any]
) -> Message:
    stop = await suspensions.announced(session, facts["suspension"])
    text = cease_ui.announcement(stop, facts["what"], late=facts["late"])
    if post.kind == "suspension-thread":
        return Message(Place.THREAD, text)
    # Told once: it is about them, and they may dispute it.
    concerned = discord.AllowedMentions(
        everyone=False, users=[discord.Object(stop.user_id)], roles=False, replied_user=False
    )
    return Message(Place.SUPPORT, text, mentions=concerned)


async def _address(
    _session: AsyncSession, _post: Post, _round: Round | None, facts: Mapping[str, Any]
) -> Message:
    return Message(Place.THREAD, address_ui.notice(facts["user"], facts["what"]))


async def _batch(
    session: AsyncSession, post: Post, _round: Round | None, facts: Mapping[str, Any]
) -> Message:
    batch = await batches.shown(session, post.guild_id, facts["number"])
    return Message(Place.COMMITTEE, payfile_ui.batch(batch))


async def _mirror(
    session: AsyncSession, post: Post, _round: Round | None, facts: Mapping[str, Any]
) -> Message:
    rows = await audit.mirrored(session, post.guild_id, first=facts["first"], last=facts["last"])
    return Message(Place.LOG, embed=audit_ui.mirrored(rows))


async def _dispute(
    session: AsyncSession, post: Post, round_: Round | None, facts: Mapping[str, Any]
) -> Message:
    told = await disputes.told(session, post.guild_id, number=facts["number"])
    if post.kind == "dispute-committee":
        return Message(Place.COMMITTEE, dispute_ui.committee_post(told))
    is_decision = post.kind == "dispute-decided"
    text = dispute_ui.decided_post(told, facts) if is_decision else dispute_ui.public_post(told)
    has_thread = round_ is not None and not round_.thread_lost
    return Message(Place.THREAD if has_thread else Place.SUPPORT, text)


def _mentioning(place: Place, text: str, role_id: int | None) -> Message:
    if role_id is None:
        return Message(place, text)
    mentions = discord.AllowedMentions(
        everyone=False, users=False, roles=[discord.Object(role_id)], replied_user=False
    )
    return Message(place, f"<@&{role_id}> {text}", mentions=mentions)


KINDS: Mapping[str, Words] = {
    "announcement": _announcement,
    "board": _board,
    "call": _call,
    "closed": _closed,
    "reopened": _reopened,
    "voided": _voided,
    "draft": _draft,
    "note": _note,
    "pay": _pay,
    "pay-notice": _pay_notice,
    "paid": _paid,
    "card": _card,
    "adjusted": _adjusted,
    "published-thread": _published,
    "published-channel": _published,
    "take-back": _take_back,
    "taken-back": _taken_back,
    "settings": _settings,
    "reminder": _reminder,
    "proposal": _proposal,
    "thanks": _thanks,
    "dropped": _dropped,
    "count-waits": _count_waits,
    "notice": _notice,
    "mirror": _mirror,
    "address": _address,
    "batch": _batch,
    "cease": _cease,
    "suspension-channel": _suspension,
    "suspension-thread": _suspension,
    "dispute-committee": _dispute,
    "dispute-public": _dispute,
    "dispute-decided": _dispute,
}

LARGE = frozenset({
    "draft", "note", "pay", "paid", "published-thread", "published-channel", "dispute-committee",
    "dispute-public", "dispute-decided",
})  # fmt: skip
"""What is worded from all lines of a statement: away from the event loop, so without a view."""
