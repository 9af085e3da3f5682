"""The board says how to thank, and fits on the screen with whatever names."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.domain import policy
from bot.services.boards import Listed, Shown
from bot.ui import boards, notices
from tests.ui import samples

UNTIL = datetime(2026, 3, 30, tzinfo=UTC)
ID = 2**63 - 1
ADDRESS = "0x" + "aB" * 20
ROWS = (Listed(11, "🦊", "Ada"), Listed(12, "<:party:123456789012345678>", ""))


def shown(
    rows: tuple[Listed, ...] = ROWS,
    *,
    is_first: bool = True,
    is_open: bool = True,
    is_void: bool = False,
    others: bool = False,
    **settings: str,
) -> Shown:
    return Shown(
        board_id=1,
        label="2026-Q1",
        policy=policy.read(samples.document(**settings)),
        until=UNTIL,
        is_open=is_open,
        is_void=is_void,
        is_first=is_first,
        is_pinned=False,
        others=others,
        rows=rows,
    )


def text(board: Shown) -> str:
    embed = boards.board(board)
    return f"{embed.title}\n{embed.description}"


def test_the_first_message_explains_everything() -> None:
    told = text(shown(tip_address=ADDRESS, thanks_emoji="🙏", voter_member_days="3"))
    for sentence in (
        "Who helped you? 2026-Q1",
        "**Click the emoji of the person who helped you.**",
        "as many people as you like, until <t:1774828800:f>",
        "10 % of the money or time that you saved",
        f"`{ADDRESS}`",
        "Everybody can thank everybody but themselves. It counts if your account is older than "
        "7 days and you have been in this server for 3 days.",
        "`/thanks`",
        "Apps, **Thank the author**, or react to it with 🙏.",
        "`/helper join`",
        "\n\n🦊 Ada\n<:party:123456789012345678> <@12>",
    ):
        assert sentence in told


def test_what_is_not_set_is_not_spoken_of() -> None:
    told = text(shown(voter_account_days="0"))
    assert "tip" not in told
    assert "react to it" not in told
    assert "It counts if" not in told


def test_one_day_is_one_day() -> None:
    assert "older than 1 day." in text(shown(voter_account_days="1"))


def test_further_messages_are_lists() -> None:
    assert text(shown(is_first=False)) == (
        "More helpers of 2026-Q1\n🦊 Ada\n<:party:123456789012345678> <@12>"
    )


@pytest.mark.parametrize(
    ("is_first", "others", "sentence"),
    (
        (True, False, "Nobody is on the board yet. `/helper join`"),
        (True, True, "The helpers are listed in the message below."),
        (False, True, "Nobody is listed here at the moment."),
    ),
)
def test_an_empty_message_says_why(*, is_first: bool, others: bool, sentence: str) -> None:
    assert sentence in text(shown((), is_first=is_first, others=others))


def test_a_closed_board_asks_for_nothing() -> None:
    told = text(shown(is_open=False))
    assert "This board closed <t:1774828800:f>; what was thanked until then counts." in told
    assert "Click" not in told
    assert "🦊 Ada" in told


@pytest.mark.parametrize(
    "name", (*samples.HOSTILE_NAMES, "*" * 40, "<@&1>" * 9, "`" * 40, "|" * 40)
)
def test_twenty_hostile_names_fit_and_cannot_act(name: str) -> None:
    custom = f"<a:{'w' * 32}:{ID}>"
    board = shown(
        tuple(Listed(ID - number, custom, name) for number in range(20)),
        tip_address="1" * 50,
        thanks_emoji=custom,
        voter_account_days="3650",
        voter_member_days="3650",
    )
    embed = boards.board(board)
    assert embed.description is not None
    assert len(embed.description) <= 4096
    assert len(embed) <= 6000
    lines = embed.description.splitlines()[-20:]
    assert all(line.startswith(f"{custom} ") for line in lines)
    rest = "".join(line.removeprefix(custom) for line in lines)
    assert "@everyone" not in rest
    assert "<@&" not in rest.replace("\\<", "")


def test_the_announcement_points_to_the_board() -> None:
    embed = notices.announcement(
        label="2026-Q1",
        policy=shown().policy,
        work_since=UNTIL,
        close_at=UNTIL,
        late=False,
    )
    assert embed.description is not None
    assert "on the board in the thread below" in embed.description


def test_the_board_of_a_void_round_says_that_its_thanks_do_not_count() -> None:
    words = text(shown(is_open=False, is_void=True))
    assert "2026-Q1 is void: thanks for it do not count." in words
    assert "Click" not in words
