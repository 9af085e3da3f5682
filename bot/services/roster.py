"""The roster: how people become helpers, vouch for others, decline pay, and leave."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from bot.domain import emoji as emojis
from bot.domain import people as rights
from bot.domain.errors import Refusal
from bot.domain.people import Actor, Person
from bot.domain.policy import Policy
from bot.domain.states import Helper, Line
from bot.services import boards, history, lines, settings, suspensions, votes
from bot.services import rounds as round_service
from bot.services.suspensions import Stop
from storage import hours, payout, people, rounds
from storage.express import Through
from storage.tables import Helper as Row
from storage.tables import Round, Vouch

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

VOUCHES_A_ROUND = 3


class Standing(Struct, frozen=True):
    """Where somebody stands after a change; `role_id` is to be given or taken where set.

    `emoji` is what the board shows for them, `kept_emoji` the earlier one that a board which is
    posted already keeps until the round ends.
    """

    user_id: int
    state: Helper
    admission: str
    role_id: int | None = None
    is_new: bool = True
    can_vouch: bool = False
    vouches_left: int = 0
    emoji: str = ""
    kept_emoji: str = ""


class Wish(Struct, frozen=True):
    """Whether somebody wants pay, and what that means for what is under way."""

    wanted: bool
    open_label: str | None
    closed_labels: tuple[str, ...]


class Listed(Struct, frozen=True):
    """One row of the roster as everybody may see it."""

    user_id: int
    state: Helper
    since: datetime
    declines_pay: bool
    emoji: str = ""
    stop: Stop | None = None
    """What stops their payments, where they are held or ceased."""


async def join(session: AsyncSession, *, by: Actor, emoji: str | None = None) -> Standing:
    """Ask to be a helper: listed at once, or a candidate until vouched for or added.

    `emoji` is the one to stand for them on the board; a helper changes theirs with it.
    """
    await history.begin(session, by)
    policy = (await settings.current(session, by.guild_id)).policy
    row = await people.helper(session, by.guild_id, by.user_id)
    wish = emojis.parse(emoji) if emoji is not None else ""
    if row is not None and row.state == Helper.ACTIVE:
        if not wish:
            raise Refusal("You are a helper already. `/hours log` logs your time.")
        await _change_emoji(session, row, wish, by=by)
        return await _with_emoji(session, row, _standing(policy, by.user_id, Helper.ACTIVE))
    if row is not None and row.state == Helper.REMOVED:
        raise Refusal(
            "A moderator removed you from the roster, so a moderator has to add you again."
        )
    returns = row is not None and row.state in _KNOWN_STATES
    vouched = policy.admission == "vouched" and await _is_vouched(session, by)
    admitted = policy.admission == "open" or returns or vouched
    state = Helper.ACTIVE if admitted else Helper.CANDIDATE
    is_new = row is None or row.state != state
    if is_new:
        row = await _set(
            session, by=by, user_id=by.user_id, state=state, action="helper.joined", emoji=wish
        )
    assert row is not None
    if not is_new:
        await _wish_for(session, row, wish)
    entitled = await _entitled(session, by.guild_id)
    standing = _standing(policy, by.user_id, state, is_new=is_new, can_vouch=bool(entitled))
    return await _with_emoji(session, row, standing)


async def leave(session: AsyncSession, *, by: Actor) -> Standing:
    """Leave the roster; what was logged is paid all the same."""
    await history.begin(session, by)
    return await depart(session, by=by)


async def depart(session: AsyncSession, *, by: Actor) -> Standing:
    """Take somebody who is on the roster off it, by their own act."""
    policy = (await settings.current(session, by.guild_id)).policy
    was = await may_leave(session, by=by)
    await _set(session, by=by, user_id=by.user_id, state=Helper.LEFT, action="helper.left")
    if was is Helper.CANDIDATE:
        await _forget(session, by.guild_id, by.user_id)
    return _standing(policy, by.user_id, Helper.LEFT)


async def may_leave(session: AsyncSession, *, by: Actor) -> Helper:
    """Return where somebody stands, refuse whoever is not on the roster."""
    row = await people.helper(session, by.guild_id, by.user_id)
    if row is None or row.state in _GONE_STATES:
        raise Refusal("You are not on the roster. `/helper join` puts you there.")
    return Helper(row.state)


async def vouch(session: AsyncSession, *, by: Actor, person: Person) -> Standing:
    """Give one's word for somebody: a candidate is admitted, others once they ask to join.

    Entitled are helpers paid in an earlier round; before any payout every active helper.
    """
    await history.begin(session, by)
    policy = (await settings.current(session, by.guild_id)).policy
    _require_person(person)
    if policy.admission != "vouched":
        how = (
            "`/helper join` is enough" if policy.admission == "open" else "a moderator adds helpers"
        )
        raise Refusal(f"Vouching is not needed here: {how}.")
    if person.user_id == by.user_id:
        raise Refusal("Somebody else has to vouch for you. Active helpers are in `/helper list`.")
    entitled = await _entitled(session, by.guild_id)
    if by.user_id not in entitled:
        who = (
            "helpers who were paid before"
            if await _anyone_paid(session, by.guild_id)
            else "active helpers"
        )
        raise Refusal(f"Only {who} can vouch. A moderator can add people with `/helper add`.")
    row = await people.helper(session, by.guild_id, person.user_id)
    if row is not None and row.state == Helper.ACTIVE:
        raise Refusal(f"<@{person.user_id}> is a helper already.")
    if row is not None and row.state == Helper.REMOVED:
        raise Refusal(f"<@{person.user_id}> was removed, so a moderator has to add them again.")
    round_id = await _open_round(session, by.guild_id)
    given = await people.vouches_by(session, by.guild_id, voucher_id=by.user_id, round_id=round_id)
    if given >= VOUCHES_A_ROUND:
        raise Refusal(
            f"You have vouched {VOUCHES_A_ROUND} times in this round, the most there is. "
            "Somebody else can vouch, or a moderator uses `/helper add`."
        )
    if by.user_id in await people.vouches_for(session, by.guild_id, user_id=person.user_id):
        raise Refusal(
            f"You have vouched for <@{person.user_id}>; they only have to `/helper join`."
        )
    session.add(
        Vouch(
            guild_id=by.guild_id,
            round_id=round_id,
            voucher_id=by.user_id,
            user_id=person.user_id,
            at=by.now,
        )
    )
    await people.seen(
        Through(session), guild_id=by.guild_id, user_id=person.user_id, name=person.name
    )
    await history.append(
        session,
        guild_id=by.guild_id,
        at=by.now,
        actor=by.user_id,
        action="helper.vouched",
        subject=f"user:{person.user_id}",
    )
    left = VOUCHES_A_ROUND - given - 1
    if row is None or row.state != Helper.CANDIDATE:
        return _standing(policy, person.user_id, Helper.CANDIDATE, is_new=False, left=left)
    row = await _set(
        session, by=by, user_id=person.user_id, state=Helper.ACTIVE, action="helper.admitted"
    )
    standing = _standing(policy, person.user_id, Helper.ACTIVE, left=left)
    return await _with_emoji(session, row, standing)


async def add(
    session: AsyncSession, *, by: Actor, person: Person, emoji: str | None = None
) -> Standing:
    """Put somebody on the roster, whatever the admission; moderators only."""
    await history.begin(session, by)
    policy = (await settings.current(session, by.guild_id)).policy
    rights.require_moderator(policy, by)
    _require_person(person)
    row = await people.helper(session, by.guild_id, person.user_id)
    if row is not None and row.state == Helper.ACTIVE:
        raise Refusal(f"<@{person.user_id}> is a helper already.")
    await people.seen(
        Through(session), guild_id=by.guild_id, user_id=person.user_id, name=person.name
    )
    row = await _set(
        session,
        by=by,
        user_id=person.user_id,
        state=Helper.ACTIVE,
        action="helper.added",
        emoji=emojis.parse(emoji) if emoji is not None else "",
    )
    return await _with_emoji(session, row, _standing(policy, person.user_id, Helper.ACTIVE))


async def may_remove(session: AsyncSession, *, by: Actor, user_id: int) -> None:
    """Refuse whoever may not remove this person, or where there is nobody to remove."""
    rights.require_moderator((await settings.current(session, by.guild_id)).policy, by)
    row = await people.helper(session, by.guild_id, user_id)
    if row is None or row.state == Helper.REMOVED:
        raise Refusal(f"<@{user_id}> is not on the roster. `/helper list` shows who is.")


async def remove(session: AsyncSession, *, by: Actor, user_id: int, reason: str) -> Standing:
    """Take somebody off the roster; what was logged is paid all the same."""
    await history.begin(session, by)
    await may_remove(session, by=by, user_id=user_id)
    policy = (await settings.current(session, by.guild_id)).policy
    await _set(
        session,
        by=by,
        user_id=user_id,
        state=Helper.REMOVED,
        action="helper.removed",
        texts={"reason": reason},
    )
    return _standing(policy, user_id, Helper.REMOVED)


async def pay(session: AsyncSession, *, by: Actor, wanted: bool) -> Wish:
    """Decline or accept pay. What was declined before a close is shared among the others while
    the cap binds; what is declined later stays with the funder.
    """
    await history.begin(session, by)
    row = await people.helper(session, by.guild_id, by.user_id)
    if row is None or row.state == Helper.CANDIDATE:
        raise Refusal("Pay is for helpers. `/helper join` says how to become one.")
    row.wants_pay = wanted
    concerned = await _undecided_rounds(session, by)
    record_row = await history.append(
        session,
        guild_id=by.guild_id,
        at=by.now,
        actor=by.user_id,
        action="helper.pay",
        subject=f"user:{by.user_id}",
        data={"wanted": wanted, "rounds": [round_.label for round_ in concerned]},
    )
    for round_ in concerned:
        history.touch(round_, record_row)
        if wanted:
            await round_service.unsettle(session, round_)
    open_rounds = await rounds.of_server(session, by.guild_id, states=("open",))
    return Wish(
        wanted=wanted,
        open_label=open_rounds[0].label if open_rounds else None,
        closed_labels=tuple(round_.label for round_ in concerned),
    )


async def listing(session: AsyncSession, guild_id: int) -> list[Listed]:
    """Return everybody on the roster, active helpers first."""
    order = list(Helper)
    stops = await suspensions.stops(session, guild_id)
    rows = [
        Listed(
            row.user_id,
            Helper(row.state),
            row.since,
            not row.wants_pay,
            row.emoji if row.emoji_key else "",
            stops.get(row.user_id),
        )
        for row in await people.roster(session, guild_id)
        if row.state not in _GONE_STATES
    ]
    return sorted(rows, key=lambda row: (row.state != Helper.ACTIVE, order.index(row.state)))


_GONE_STATES = frozenset({Helper.LEFT, Helper.REMOVED})
_KNOWN_STATES = frozenset({Helper.LEFT, Helper.DROPPED})


async def _set(
    session: AsyncSession,
    *,
    by: Actor,
    user_id: int,
    state: Helper,
    action: str,
    emoji: str = "",
    texts: dict[str, str] | None = None,
) -> Row:
    row = await people.helper(session, by.guild_id, user_id)
    if row is None:
        row = Row(guild_id=by.guild_id, user_id=user_id, state=state, wants_pay=True, since=by.now)
        session.add(row)
    else:
        row.state, row.since = state, by.now
    if state is Helper.ACTIVE:
        await boards.hold(session, row, wish=emoji)
    else:
        row.emoji_key = None
        await _wish_for(session, row, emoji)
    running = await hours.clock(session, by.guild_id, user_id)
    if running is not None and state in _GONE_STATES:
        await session.delete(running)
    await history.append(
        session,
        guild_id=by.guild_id,
        at=by.now,
        actor=by.user_id,
        action=action,
        subject=f"user:{user_id}",
        data={"state": str(state), **({"emoji": row.emoji_key} if row.emoji_key else {})},
        texts=texts,
    )
    await boards.refresh_open(session, by.guild_id, at=by.now)
    return row


async def _wish_for(session: AsyncSession, row: Row, emoji: str) -> None:
    """Keep the emoji that somebody wants once they are a helper; nobody holds it before."""
    if emoji:
        await boards.require_free(session, row, emoji)
        row.emoji = emoji


async def _change_emoji(session: AsyncSession, row: Row, emoji: str, *, by: Actor) -> None:
    if emojis.key(emoji) == row.emoji_key:
        raise Refusal(f"{emoji} is your emoji already.")
    await boards.hold(session, row, wish=emoji)
    await history.append(
        session,
        guild_id=by.guild_id,
        at=by.now,
        actor=by.user_id,
        action="helper.emoji",
        subject=f"user:{row.user_id}",
        data={"emoji": row.emoji_key},
    )
    await boards.refresh_open(session, by.guild_id, at=by.now)


async def _with_emoji(session: AsyncSession, row: Row, standing: Standing) -> Standing:
    """Add the emoji to an answer, and the one that stays on the present board where it differs."""
    on_board = await boards.emoji_shown(session, row.guild_id, row.user_id)
    kept = on_board if on_board and emojis.key(on_board) != row.emoji_key else ""
    return replace(standing, emoji=row.emoji or "", kept_emoji=kept)


async def _forget(session: AsyncSession, guild_id: int, user_id: int) -> None:
    """Drop a row of somebody who never was admitted, so that coming back starts anew."""
    await session.delete(await people.helper(session, guild_id, user_id))


def _standing(
    policy: Policy,
    user_id: int,
    state: Helper,
    *,
    is_new: bool = True,
    can_vouch: bool = False,
    left: int = 0,
) -> Standing:
    return Standing(user_id, state, policy.admission, policy.helper_role, is_new, can_vouch, left)


def _require_person(person: Person) -> None:
    if person.is_bot:
        raise Refusal("Bots cannot be helpers. Choose a person.")
    if not person.is_member:
        raise Refusal("That person is not in this server. Choose a member.")


async def _anyone_paid(session: AsyncSession, guild_id: int) -> bool:
    return bool(await people.paid_helpers(session, guild_id))


async def _entitled(session: AsyncSession, guild_id: int) -> frozenset[int]:
    """Return who may vouch at present."""
    active = {
        row.user_id for row in await people.roster(session, guild_id) if row.state == Helper.ACTIVE
    }
    paid = await people.paid_helpers(session, guild_id)
    return frozenset(active & paid if paid else active)


async def _is_vouched(session: AsyncSession, by: Actor) -> bool:
    return bool(await people.vouches_for(session, by.guild_id, user_id=by.user_id))


async def _open_round(session: AsyncSession, guild_id: int) -> int | None:
    found = await rounds.of_server(session, guild_id, states=("open",))
    return found[0].id if found else None


async def _undecided_rounds(session: AsyncSession, by: Actor) -> Sequence[Round]:
    """Return the closed rounds in which somebody's amount is due or waived as they wish now.

    What was declined before the close is decided: the others have it.
    """
    found = []
    for round_ in await payout.lines_of(session, by.guild_id, user_id=by.user_id):
        line = (await lines.published(session, round_)).line_of(by.user_id)
        state = (await lines.states(session, round_))[by.user_id]
        if state not in (Line.PAID, Line.NONE) and line is not None and not line.waived:
            found.append(round_)
    for round_ in await rounds.of_server(session, by.guild_id, states=("review", "draft")):
        declined = await rounds.declined(session, round_.id)
        concerned = {
            *await hours.minutes_by_user(Through(session), round_.id),
            *await votes.voters(session, round_),
        }
        if by.user_id in concerned - declined:
            found.append(round_)
    return found
