"""Reconciling through the real client over real HTTP, with a clock that is set by hand."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import discord
import pytest
from sqlalchemy import text

from bot.domain.thanks import DISCORD_EPOCH
from bot.jobs.reactions import Reactions
from bot.jobs.reconcile import MOST_PAGES_OF_HISTORY, PAGE, Reconciler
from bot.services import counting, rounds, votes
from storage import rounds as stored_rounds
from storage import thanks
from storage.tables import Board, Place, Round
from tests.services.world import (
    ADA,
    BEN,
    CLOSE,
    DAY,
    HOUR,
    MINUTE,
    SAM,
    START,
    SUPPORT,
    Who,
    World,
    database,
)
from tests.wire.fake_discord import BOT, FakeDiscord, Refused

CHANNEL = 500_000_000_000_000_001
FOX, OWL = "🦊", "<:owl:600000000000000001>"
SECOND = MINUTE / 60


def snowflake(instant: datetime, number: int = 0) -> int:
    return (((instant - DISCORD_EPOCH) // (MINUTE / 60_000)) << 22) + number


BOARD, OTHER = snowflake(START, 1), snowflake(START, 2)
MESSAGE = snowflake(START + HOUR, 3)


@dataclass
class Scene:
    """A server with an open round, its Discord, and the job that compares the two."""

    world: World
    fake: FakeDiscord
    client: discord.Client
    reactions: Reactions
    job: Reconciler
    places: dict[tuple[int, str], int] = field(default_factory=dict)

    async def board(
        self, *helpers: tuple[Who, str], message: int = BOARD, channel: int = CHANNEL
    ) -> None:
        """Post a board that carries the emoji of helpers, as the bot puts them there."""
        round_ = (await self.world.see(stored_rounds.of_server, self.world.guild_id))[-1]
        self.fake.write(channel, message, author=BOT)
        self.fake.messages[channel][message]["pinned"] = True
        async with self.world.db.write() as session:
            board = Board(
                guild_id=self.world.guild_id,
                round_id=round_.id,
                position=1,
                capacity=20,
                channel_id=channel,
                message_id=message,
                posted_at=self.world.now,
                pinned=True,
            )
            session.add(board)
            await session.flush()
            for helper, emoji in helpers:
                place = Place(
                    guild_id=self.world.guild_id,
                    round_id=round_.id,
                    board_id=board.id,
                    user_id=helper.user_id,
                    emoji=emoji,
                    emoji_key=emoji.split(":")[-1].strip(">"),
                    from_start=True,
                    added_at=self.world.now,
                    seeded_at=self.world.now,
                )
                session.add(place)
                self.show(message, emoji, BOT)

    def show(self, message: int, emoji: str, *users: int, burst: int = 0) -> None:
        """Let users react where nobody hears of it."""
        route = emoji.strip("<>").removeprefix("a:").removeprefix(":")
        kinds = self.fake.reactors.setdefault((message, route), {0: set(), 1: set()})
        kinds[burst].update(users)

    def hide(self, message: int, emoji: str, *users: int) -> None:
        """Let users take their reactions away where nobody hears of it."""
        self.fake.reactors[message, emoji][0].difference_update(users)

    def hear(self, user: int, *, added: bool) -> None:
        """Let the bot hear of a reaction to the board."""
        data: Any = {
            "user_id": f"{user}",
            "channel_id": f"{CHANNEL}",
            "message_id": f"{BOARD}",
            "guild_id": f"{self.world.guild_id}",
            "emoji": discord.PartialEmoji.from_str(FOX).to_dict(),
            "burst": False,
            "type": 0,
        }
        (self.reactions.put_added if added else self.reactions.put_removed)(data)

    async def voters(self, helper: Who = ADA, label: str = "2026-Q1") -> int:
        """Count a helper's voters."""
        found = await self.world.see(votes.voters, await self.world.round(label))
        return found.get(helper.user_id, 0)

    async def later(self, how_long: Any = HOUR) -> None:
        """Let time pass, then do what is due."""
        self.world.now += how_long
        await self.job.reconcile_due()

    async def close(self) -> Round:
        """Move to the close of the round."""
        self.world.now = CLOSE
        async with self.world.db.write() as session:
            await rounds.advance(session, self.world.guild_id, now=CLOSE, stop_at_close=True)
        return await self.world.round("2026-Q1")

    async def notices(self) -> list[str]:
        """Return what the committee is told."""
        return [post.facts for post in await self.world.posts("notice")]

    def asked(self) -> list[str]:
        """Return what was asked of Discord since the last time."""
        paths = [path for _, path, _ in self.fake.journal]
        self.fake.journal.clear()
        return paths

    def asked_for_users(self) -> int:
        """Return how many pages of users were asked for since the last time."""
        return sum("/reactions/" in path for path in self.asked())

    @contextmanager
    def refusing(self, part: str, status: int, code: int, words: str = "No") -> Iterator[None]:
        """Let Discord answer requests of some kind with an error."""

        def refuse(_method: str, path: str) -> None:
            if part in path:
                raise Refused(status, code, words)

        self.fake.before_accepting = refuse
        yield
        self.fake.before_accepting = None


@asynccontextmanager
async def _scene(
    folder: Path, monkeypatch: pytest.MonkeyPatch, **settings: str
) -> AsyncIterator[Scene]:
    world = World(database(folder / "stipend.db"))
    await world.db.open(now=START)
    await world.opened(**settings)
    async with FakeDiscord() as fake, discord.Client(intents=discord.Intents.none()) as client:
        monkeypatch.setattr(discord.http.Route, "BASE", f"http://127.0.0.1:{fake.port}/api/v10")
        await client.login("MTExMTExMTExMTExMTExMTEx.x.y")

        async def say_nothing(_guild_id: int) -> None:
            """Boards are none of the concerns here."""

        reactions = Reactions(
            client, world.db, clock=lambda: world.now, deliver=say_nothing, seed=say_nothing
        )
        job = Reconciler(client, world.db, reactions, clock=lambda: world.now)
        fake.journal.clear()
        yield Scene(world, fake, client, reactions, job)
        await reactions.close()
    assert await world.faults() == []
    await world.db.close()


@pytest.fixture
async def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    """Return a server with an open round and nothing on its board yet."""
    async with _scene(tmp_path, monkeypatch) as made:
        yield made


@pytest.fixture
async def thankful(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    """Return the same where 🙏 on a message in the support channel thanks its author."""
    async with _scene(tmp_path, monkeypatch, thanks_emoji="🙏") as made:
        yield made


# ---------------------------------------------------------------- pages


@pytest.mark.parametrize("repeats", (False, True), ids=("as documented", "repeats a user"))
@pytest.mark.parametrize("count", (None, 1, 0, 10_000), ids=lambda count: f"count {count}")
async def test_everybody_is_found_whatever_the_count_says(
    scene: Scene, count: int | None, repeats: bool
) -> None:
    await scene.board((ADA, FOX))
    scene.fake.count_shown, scene.fake.repeats_boundary = count, repeats
    scene.show(BOARD, FOX, *range(5001, 5351))
    scene.show(BOARD, FOX, *range(5301, 5451), burst=1)
    scene.show(BOARD, FOX, ADA.user_id)
    await scene.later()
    assert await scene.voters() == 450
    found = await scene.world.see(
        thanks.of_helper, (await scene.world.round("2026-Q1")).id, ADA.user_id
    )
    assert len(found) == 350 + 150
    scene.hide(BOARD, FOX, *range(5001, 5101))
    await scene.later()
    assert await scene.voters() == 350


async def test_exactly_full_pages_end_with_an_empty_one(scene: Scene) -> None:
    await scene.board((ADA, FOX))
    scene.show(BOARD, FOX, *range(5001, 5001 + 2 * PAGE - 1))  # and the bot itself
    await scene.later()
    assert await scene.voters() == 199
    assert scene.asked_for_users() == 3 + 1


async def test_custom_emoji_are_asked_for_by_name_and_id(scene: Scene) -> None:
    await scene.board((ADA, OWL), (BEN, "<a:cat:600000000000000002>"))
    scene.show(BOARD, OWL, 5001)
    scene.show(BOARD, "cat:600000000000000002", 5002, 5003)
    await scene.later()
    assert (await scene.voters(ADA), await scene.voters(BEN)) == (1, 2)


# ---------------------------------------------------------------- when


async def test_it_looks_hourly_and_after_each_connect_and_not_in_between(scene: Scene) -> None:
    await scene.board((ADA, FOX), (BEN, OWL))
    await scene.later(59 * MINUTE)
    assert scene.asked() == []
    await scene.later(MINUTE)
    assert scene.asked_for_users() == 2 * 3
    await scene.later(MINUTE)
    assert scene.asked() == []
    scene.show(BOARD, FOX, 5001)
    scene.world.now += MINUTE
    scene.job.mark_ready()
    await scene.job.reconcile_due()
    assert await scene.voters() == 1
    scene.asked()
    await scene.job.reconcile_due()
    assert scene.asked() == []


async def test_a_live_event_during_the_look_is_the_last_word(scene: Scene) -> None:
    await scene.board((ADA, FOX))
    scene.show(BOARD, FOX, 5001, 5002)
    await scene.later()
    scene.hide(BOARD, FOX, 5002)

    def gone_since(_method: str, path: str) -> None:
        # The first page shows 5001, who takes it back before the last one is read.
        if "/reactions/" in path and scene.fake._query.get("type") == "1":
            scene.hide(BOARD, FOX, 5001)
            scene.hear(5001, added=False)

    scene.fake.before_accepting = gone_since
    await scene.later()
    await scene.reactions.close()
    assert await scene.voters() == 0


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_is_told_late_and_whenever_it_is_looked_nothing_drifts(
    scene: Scene, seed: int
) -> None:
    source, untold = random.Random(seed), list[tuple[int, bool]]()
    await scene.board((ADA, FOX))

    def go_on(_method: str = "", _path: str = "") -> None:
        """Let some people change their minds, and some of it be told, in its order."""
        there = scene.fake.reactors[BOARD, FOX][0]
        for user in source.sample(range(5001, 5021), source.randrange(6)):
            untold.append((user, user not in there))
            there.symmetric_difference_update({user})
        for _ in range(source.randint(0, len(untold))):
            user, added = untold.pop(0)
            scene.hear(user, added=added)

    scene.fake.before_accepting = go_on
    for _ in range(8):
        go_on()
        await scene.later()
    for user, added in untold:
        scene.hear(user, added=added)
    await scene.reactions.close()
    assert await scene.voters() == len(scene.fake.reactors[BOARD, FOX][0] - {BOT})


async def test_two_passes_at_once_look_once(scene: Scene) -> None:
    await scene.board((ADA, FOX))
    scene.show(BOARD, FOX, 5001)
    scene.world.now += HOUR
    await asyncio.gather(scene.job.reconcile_due(), scene.job.reconcile_due())
    assert scene.asked_for_users() == 3
    assert await scene.voters() == 1


# ---------------------------------------------------------------- the close


async def test_close_while_a_reconciliation_runs(scene: Scene) -> None:
    await scene.board((ADA, FOX), (BEN, OWL))
    scene.show(BOARD, FOX, 5001)
    scene.show(BOARD, OWL, 5002)
    closing: list[asyncio.Task[Any]] = []

    def close_now(_method: str, path: str) -> None:
        if "/reactions/" in path and not closing:
            scene.show(BOARD, FOX, 5003)
            closing.append(asyncio.create_task(scene.close()))

    scene.world.now = CLOSE - MINUTE
    scene.fake.before_accepting = close_now
    await scene.job.reconcile_due()
    round_ = await closing[0]
    # The look that was under way says nothing; the one after it began in time to be the last.
    assert (await scene.voters(ADA), await scene.voters(BEN)) == (0, 1)
    scene.world.now += MINUTE
    assert await scene.job.closing(scene.world.guild_id)
    assert (await scene.voters(ADA), await scene.voters(BEN)) == (2, 1)
    scene.asked()
    assert await scene.job.closing(scene.world.guild_id)
    assert scene.asked() == []
    async with scene.world.db.write() as session:
        stored = await stored_rounds.get(session, round_.id)
        assert stored is not None
        await counting.count(session, stored, now=scene.world.now)
    scene.show(BOARD, FOX, 5004)
    await scene.later(DAY)
    assert await scene.voters(ADA) == 2


async def test_an_unreachable_discord_at_the_close_is_waited_for(scene: Scene) -> None:
    await scene.board((ADA, FOX))
    scene.show(BOARD, FOX, 5001)
    await scene.close()
    guild_id = scene.world.guild_id
    with scene.refusing("/channels/", 503, 0):
        assert not await scene.job.closing(guild_id)
    assert scene.job.obstacle(guild_id) == "Discord answers 503"
    scene.world.now += 59 * SECOND
    assert not await scene.job.closing(guild_id)
    assert scene.asked() == []
    scene.world.now += SECOND
    assert await scene.job.closing(guild_id)
    assert scene.job.obstacle(guild_id) == ""
    assert await scene.voters() == 1


async def test_a_connection_that_breaks_leaves_what_was_done(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scene.board((ADA, FOX), (BEN, OWL))
    scene.show(BOARD, FOX, 5001)
    scene.show(BOARD, OWL, 5002)

    def break_later(_method: str, path: str) -> None:
        if "owl" in path:
            monkeypatch.setattr(discord.http.Route, "BASE", "http://127.0.0.1:1/api/v10")

    scene.fake.after_accepting = break_later
    await scene.later()
    assert (await scene.voters(ADA), await scene.voters(BEN)) == (1, 0)
    assert scene.job.obstacle(scene.world.guild_id) == "Discord cannot be reached"
    monkeypatch.setattr(discord.http.Route, "BASE", f"http://127.0.0.1:{scene.fake.port}/api/v10")
    scene.fake.after_accepting = None
    scene.asked()
    await scene.later(4 * MINUTE)
    assert scene.asked() == []
    await scene.later(MINUTE)
    assert (await scene.voters(ADA), await scene.voters(BEN)) == (1, 1)
    assert scene.asked_for_users() == 3  # the other is not due yet


# ---------------------------------------------------------------- refusals


async def test_without_permission_the_committee_is_told_once_a_day_and_the_count_waits(
    scene: Scene,
) -> None:
    await scene.board((ADA, FOX), (BEN, OWL))
    scene.show(BOARD, FOX, 5001)
    guild_id = scene.world.guild_id
    tried: list[str] = []

    def refuse(_method: str, path: str) -> None:
        tried.append(path)
        raise Refused(403, 50_001, "Missing Access")

    scene.fake.before_accepting = refuse
    await scene.later()
    await scene.later(30 * MINUTE)
    assert len(tried) == 1  # many refusals in a short time ban the address
    await scene.later(30 * MINUTE)
    assert len(tried) == 2
    (told,) = await scene.notices()
    assert "Missing Access" in told
    assert "Give the bot View Channel and Read Message History there" in told

    await scene.close()
    assert not await scene.job.closing(guild_id)
    assert len(await scene.notices()) == 2
    assert f"Discord refuses in <#{CHANNEL}>: Missing Access" in scene.job.obstacle(guild_id)
    scene.world.now += 30 * SECOND
    assert not await scene.job.closing(guild_id)
    assert len(tried) == 3
    scene.fake.before_accepting = None
    scene.world.now += 30 * SECOND
    assert await scene.job.closing(guild_id)
    assert await scene.voters() == 1


async def test_one_channel_that_refuses_does_not_keep_the_others_from_being_looked_at(
    scene: Scene,
) -> None:
    await scene.board((ADA, FOX))
    await scene.board((BEN, OWL), message=OTHER, channel=CHANNEL + 1)
    scene.show(OTHER, OWL, 5002)
    with scene.refusing(f"/channels/{CHANNEL}/", 403, 50_013):
        await scene.later()
    assert await scene.voters(BEN) == 1


async def test_after_a_new_connect_a_refusing_channel_is_tried_at_once(scene: Scene) -> None:
    await scene.board((ADA, FOX))
    scene.show(BOARD, FOX, 5001)
    with scene.refusing("/channels/", 403, 50_013):
        await scene.later()
    scene.world.now += SECOND
    scene.job.mark_ready()
    await scene.job.reconcile_due()
    assert await scene.voters() == 1


async def test_a_deleted_board_keeps_its_thanks_and_is_never_looked_at_again(
    scene: Scene,
) -> None:
    await scene.board((ADA, FOX))
    await scene.board((BEN, OWL), message=OTHER)
    scene.show(BOARD, FOX, 5001)
    scene.show(OTHER, OWL, 5002)
    await scene.later()
    del scene.fake.messages[CHANNEL][BOARD]
    await scene.later()
    assert (await scene.voters(ADA), await scene.voters(BEN)) == (1, 1)
    scene.asked()
    await scene.later()
    assert not any(str(BOARD) in path for path in scene.asked())
    await scene.close()
    assert await scene.job.closing(scene.world.guild_id)
    assert await scene.voters() == 1


async def test_a_board_deleted_between_two_of_its_emoji_is_noticed_as_well(scene: Scene) -> None:
    await scene.board((ADA, FOX), (BEN, OWL))
    scene.show(BOARD, FOX, 5001)
    await scene.later()

    def delete(_method: str, path: str) -> None:
        if "/reactions/" in path:
            scene.fake.messages[CHANNEL].pop(BOARD, None)

    scene.fake.before_accepting = delete
    await scene.later()
    assert await scene.voters() == 1
    scene.asked()
    await scene.later()
    assert scene.asked() == []


async def test_a_deleted_thread_takes_no_thanks_with_it(scene: Scene) -> None:
    await scene.board((ADA, FOX))
    scene.show(BOARD, FOX, 5001)
    await scene.later()
    with scene.refusing("/channels/", 404, 10_003, "Unknown Channel"):
        await scene.later()
    assert await scene.voters() == 1
    assert await scene.notices() == []


async def test_a_custom_emoji_that_was_deleted_keeps_what_is_stored(scene: Scene) -> None:
    await scene.board((ADA, OWL), (BEN, FOX))
    scene.show(BOARD, OWL, 5001)
    await scene.later()
    scene.show(BOARD, FOX, 5002)
    with scene.refusing("owl", 400, 10_014, "Unknown Emoji"):
        await scene.later()
        assert (await scene.voters(ADA), await scene.voters(BEN)) == (1, 1)
        await scene.close()
        assert await scene.job.closing(scene.world.guild_id)
    assert await scene.voters() == 1


async def test_a_fault_of_the_database_is_logged_and_the_look_repeated(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    await scene.board((ADA, FOX))
    scene.show(BOARD, FOX, 5001)
    async with scene.world.db.write() as session:
        await session.execute(
            text("CREATE TRIGGER full BEFORE INSERT ON thanks BEGIN SELECT RAISE(FAIL, 'x'); END")
        )
    with caplog.at_level(logging.ERROR):
        await scene.later()
    assert "reconciling server" in caplog.text
    assert "something went wrong (incident" in scene.job.obstacle(scene.world.guild_id)
    async with scene.world.db.write() as session:
        await session.execute(text("DROP TRIGGER full"))
    await scene.later(5 * MINUTE)
    assert await scene.voters() == 1


async def test_a_server_whose_discord_fails_does_not_stop_the_others(scene: Scene) -> None:
    await scene.board((ADA, FOX))
    elsewhere = scene.world.elsewhere()
    await elsewhere.opened()
    there = Scene(elsewhere, scene.fake, scene.client, scene.reactions, scene.job)
    await there.board((BEN, OWL), message=OTHER, channel=CHANNEL + 1)
    there.show(OTHER, OWL, 5002)
    with scene.refusing(f"/channels/{CHANNEL}/", 503, 0):
        await scene.later()
    assert await there.voters(BEN) == 1
    assert scene.job.obstacle(scene.world.guild_id)
    assert not scene.job.obstacle(elsewhere.guild_id)


# ---------------------------------------------------------------- the thanks emoji


async def messages(scene: Scene) -> set[int]:
    """Return which messages are known as thanked."""
    round_ = await scene.world.round("2026-Q1")
    async with scene.world.db.read() as session:
        found = await session.execute(
            text("SELECT message_id FROM thanked_messages WHERE round_id = :round"),
            {"round": round_.id},
        )
        return {row[0] for row in found}


async def test_messages_that_nobody_told_of_are_found_in_the_channel_and_its_threads(
    thankful: Scene,
) -> None:
    support, thread = int(SUPPORT), 700_000_000_000_000_001
    thankful.fake.threads = {thread: support, thread + 1: support, thread + 2: CHANNEL}
    written = {
        MESSAGE: (support, ADA.user_id),
        MESSAGE + 1: (thread, BEN.user_id),
        MESSAGE + 2: (support, SAM.user_id),  # no helper
        MESSAGE + 3: (support, BOT),
        MESSAGE + 4: (thread + 2, ADA.user_id),  # another channel's thread
        snowflake(START - MINUTE): (support, ADA.user_id),  # before the round
    }
    for number, (channel, author) in written.items():
        thankful.fake.write(channel, number, author=author)
        thankful.show(number, "🙏", 5001, 5002)
    thankful.fake.write(support, MESSAGE + 5, author=ADA.user_id)
    thankful.show(MESSAGE + 5, FOX, 5003)
    thankful.fake.count_shown = 0
    await thankful.later(2 * HOUR)
    assert await messages(thankful) == {MESSAGE, MESSAGE + 1}
    assert (await thankful.voters(ADA), await thankful.voters(BEN)) == (2, 2)

    thankful.hide(MESSAGE, "🙏", 5001)
    thankful.asked()
    await thankful.later()
    assert await thankful.voters(ADA) == 1
    # The hourly search ends where the one before began.
    assert [path for path in thankful.asked() if path.endswith("/messages")] == [
        f"/channels/{channel}/messages" for channel in (support, thread, thread + 1)
    ]
    del thankful.fake.messages[support][MESSAGE]
    await thankful.later()
    assert (await thankful.voters(ADA), await thankful.voters(BEN)) == (1, 2)


async def test_a_search_goes_back_to_the_opening_but_not_further_than_a_thousand_messages(
    thankful: Scene,
) -> None:
    support = int(SUPPORT)
    numbers = [snowflake(START + HOUR) + number for number in range(1, 1101)]
    for number in numbers:
        thankful.fake.write(support, number, author=SAM.user_id)
    near, far = numbers[-1000], numbers[-1001]
    for number in (near, far):
        thankful.fake.messages[support][number]["author"]["id"] = str(ADA.user_id)
        thankful.show(number, "🙏", 5001)
    await thankful.later(2 * HOUR)
    pages = [path for path in thankful.asked() if path.endswith("/messages")]
    assert len(pages) == MOST_PAGES_OF_HISTORY
    assert await messages(thankful) == {near}


async def test_the_closing_search_leaves_out_what_was_written_after_the_close(
    thankful: Scene,
) -> None:
    support = int(SUPPORT)
    before, after = snowflake(CLOSE - MINUTE), snowflake(CLOSE + MINUTE)
    for number in (before, after):
        thankful.fake.write(support, number, author=ADA.user_id)
        thankful.show(number, "🙏", 5001)
    await thankful.close()
    thankful.world.now += 2 * MINUTE
    assert await thankful.job.closing(thankful.world.guild_id)
    assert await messages(thankful) == {before}
    thankful.job.mark_ready()
    await thankful.later(MINUTE)
    assert await thankful.voters(label="2026-Q2") == 1


async def test_a_support_channel_that_is_gone_keeps_no_count_waiting(thankful: Scene) -> None:
    await thankful.close()
    with thankful.refusing("/messages", 404, 10_003, "Unknown Channel"):
        assert await thankful.job.closing(thankful.world.guild_id)
    assert await thankful.notices() == []


async def test_a_support_channel_that_may_not_be_read_does(thankful: Scene) -> None:
    await thankful.close()
    with thankful.refusing("/messages", 403, 50_013, "Missing Permissions"):
        assert not await thankful.job.closing(thankful.world.guild_id)
    (told,) = await thankful.notices()
    assert f"<#{SUPPORT}>" in told
    thankful.world.now += MINUTE
    assert await thankful.job.closing(thankful.world.guild_id)


async def test_a_history_that_repeats_itself_comes_to_an_end(thankful: Scene) -> None:
    support = int(SUPPORT)
    for number in range(PAGE):
        thankful.fake.write(support, MESSAGE + number, author=SAM.user_id)

    def forget_the_cursor(_method: str, _path: str) -> None:
        thankful.fake._query.pop("before", None)

    thankful.fake.before_accepting = forget_the_cursor
    await thankful.later(2 * HOUR)
    assert len([path for path in thankful.asked() if path.endswith("/messages")]) == 2
