"""Answers to thanks, who thanked whom, and the leaderboard: words, pictures, and what fits."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta

import discord
import pytest
from msgspec.structs import replace

from bot.domain.states import Round
from bot.domain.thanks import Doubt, Source, Standing
from bot.services.thanks import (
    LONGEST_NOTE,
    Fate,
    Given,
    Leaderboard,
    Note,
    Rank,
    TakenBack,
    Voter,
    Voters,
    Way,
)
from bot.ui import chart, notices, thanks
from tests.ui import samples
from tests.ui.test_limits import ID, NOW, WORST, require_fit

CLOSE = datetime(2026, 3, 30, tzinfo=UTC)
GIVEN = Given(
    helper_id=11, round_id=1, label="2026-Q1", closes_at=CLOSE, is_open=True, is_new=True,
    is_first=True, counts=True, doubt=Doubt.NONE, counts_from=NOW,
)  # fmt: skip
WAY = Way(Source.COMMAND, False, NOW, None, Doubt.NONE, "", False, None)


def leaderboard(count: int = 45, **changes: object) -> Leaderboard:
    """A closed round of helpers with hostile names, three of each number of voters."""
    names = samples.HOSTILE_NAMES
    ranks = tuple(
        Rank(ID - place, names[place % len(names)], (count - place) // 3, 60 * place)
        for place in range(count)
    )
    board = Leaderboard(1, "2026-Q1", CLOSE, Round.PUBLISHED, True, True, ranks)
    return replace(board, **changes)


def everybody(count: int = 45, note: str = "", name: str | None = None) -> Voters:
    """Voters with hostile names, who thanked in every way there is."""
    names = samples.HOSTILE_NAMES
    ways = tuple(
        Way(source, burst, NOW, NOW - timedelta(days=2), doubt, note, True, NOW)
        for source, burst, doubt in (
            (Source.BOARD, True, Doubt.LATE),
            (Source.COMMAND, False, Doubt.ACCOUNT),
            (Source.MENU, False, Doubt.MEMBER),
            (Source.EMOJI, False, Doubt.NONE),
        )
    )
    voters = tuple(
        Voter(ID - place, names[place % len(names)] if name is None else name, ways, True)
        for place in range(count)
    )
    return Voters("2026-Q1", ID, voters, is_open=False)


def words(pages: list[discord.Embed]) -> str:
    return "\n".join(page.description or "" for page in pages)


# ---------------------------------------------------------------- answers


@pytest.mark.parametrize(
    ("changes", "sentences"),
    (
        ({}, ("**Noted: you thank <@11>** in 2026-Q1.", "The button takes it back until <t:")),
        ({"is_first": False}, ("You have thanked them before in this round", "you count once")),
        ({"is_new": False}, ("for this message already: that stands in 2026-Q1, once.",)),
        (
            {"counts": False, "doubt": Doubt.ACCOUNT},
            ("kept and shown, but not counted, as your account is too young.", "from <t:"),
        ),
        ({"counts": False, "doubt": Doubt.MEMBER}, ("you are too new in this server",)),
        ({"counts": False, "doubt": Doubt.LATE}, ("as it came after the close",)),
        ({"note": Fate.POSTED}, ("Your note is posted in the thread.",)),
        ({"note": Fate.PRIVATE}, ("Your note is for <@11> and the committee alone.",)),
        ({"note": Fate.KEPT}, ("has no thread at the moment: <@11> sees your note when",)),
        ({"is_open": False}, ("2026-Q1 has closed meanwhile; your thanks came in time.",)),
    ),
)
def test_an_answer_says_what_happened_what_it_means_and_what_can_be_done(
    changes: dict[str, object], sentences: tuple[str, ...]
) -> None:
    answer = thanks.given(replace(GIVEN, **changes))
    assert all(sentence in answer for sentence in sentences), answer
    assert len(answer) < 600
    if not changes:
        assert "count once" not in answer
        assert "not counted" not in answer


async def test_the_button_is_there_as_long_as_it_does_something() -> None:
    view = thanks.take_back_button(GIVEN)
    assert view is not None
    (button,) = view.children
    assert button.custom_id == "unthank:1:11"  # type: ignore[attr-defined]
    assert thanks.take_back_button(replace(GIVEN, is_open=False)) is None
    longest = thanks.take_back_button(replace(GIVEN, round_id=10**18 - 1, helper_id=ID))
    assert longest is not None
    assert len(longest.children[0].custom_id) <= 100  # type: ignore[attr-defined]


def test_taking_back_says_what_is_left() -> None:
    done = thanks.taken_back(TakenBack(11, "2026-Q1", 1, ()))
    assert done == (
        "**Taken back**: your thanks for <@11> in 2026-Q1. `/thanks` thanks them again."
    )
    link = f"https://discord.com/channels/{ID}/{ID}/"
    left = thanks.taken_back(TakenBack(11, "2026-Q1", 1, (Standing(Source.BOARD, f"{link}1"),)))
    assert left.endswith(
        f" Your reaction [on the board]({link}1) still stands and counts; remove it there to take "
        "it back."
    )
    links = tuple(Standing(Source.EMOJI, f"{link}{ID - place}") for place in range(50))
    left = thanks.taken_back(TakenBack(11, "2026-Q1", 3, (Standing(Source.BOARD, link), *links)))
    assert "everything you gave <@11> in 2026-Q1. 51 reactions of yours still stand" in left
    assert f"[on the board]({link}), [on a message]({link}{ID})" in left
    assert left.endswith(" and 46 more.")
    assert len(left) < 2000


@pytest.mark.parametrize("worst", (*WORST, "*\n", "@here\n", "<@1>", "# a\n"))
def test_the_longest_note_fits_into_a_post(worst: str) -> None:
    text = thanks.note(Note(ID, ID - 1, (worst * LONGEST_NOTE)[:LONGEST_NOTE], is_standing=True))
    assert text is not None
    assert len(text) <= 2000


def test_a_note_cannot_act() -> None:
    text = thanks.note(
        Note(
            11, 51, "@everyone **big** <@1> [x](https://evil.example) \u202egnol", is_standing=True
        )
    )
    assert text is not None
    body = text.removeprefix("<@51> thanks <@11>:\n>>> ")
    assert body != text
    assert "@everyone" not in body
    assert "**big**" not in body
    assert "<@1>" not in body.replace("\\<", "")
    assert "\u202e" not in body


def test_a_note_that_is_gone_leaves_no_name() -> None:
    taken = Note(11, 51, "kind", is_standing=False)
    assert thanks.note(taken) is None
    assert thanks.note_gone(taken) == "*A thanks was taken back.*"
    erased = Note(11, 51, "", is_standing=True)
    assert thanks.note(erased) is None
    assert thanks.note_gone(erased) == "<@51> thanks <@11>."


# ---------------------------------------------------------------- who thanked


def test_the_committee_reads_how_when_and_what_counts() -> None:
    sam = Voter(51, "Sam", (replace(WAY, note="kind", is_private=True),), is_mutual=True)
    young = Voter(52, "", (replace(WAY, doubt=Doubt.ACCOUNT),), is_mutual=False)
    found = replace(
        WAY,
        source=Source.BOARD,
        is_burst=True,
        after=NOW - timedelta(hours=1),
        kept_at=NOW + timedelta(hours=1),
    )
    tom = Voter(53, "Tom", (found,), is_mutual=False)
    (page,) = thanks.voters(Voters("2026-Q1", 11, (sam, young, tom), is_open=True))
    at, hour = int(NOW.timestamp()), 3600
    assert page.title == "Voters in 2026-Q1"
    assert (page.description or "").splitlines() == [
        "<@11>: **2 voters** so far; 1 more does not count. 1 of them was thanked back.",
        "No messages of this round are kept, so whether they met is not known.",
        "",
        "<@51> (Sam) · counts · was thanked back",
        f"- `/thanks`, <t:{at}:f> · private note",
        "> kind",
        "<@52> · **does not count**",
        f"- `/thanks`, <t:{at}:f> · not counted: account too young",
        "<@53> (Tom) · counts",
        f"- reaction on the board (super), between <t:{at - hour}:f> and <t:{at}:f> · taken away "
        f"<t:{at + hour}:f>, after the close",
    ]


@pytest.mark.parametrize(
    ("met", "since", "line"),
    (
        ((True, False), None, "No exchange seen with 1 of them: no reply, and no message within "
         "30 minutes in the same channel."),
        ((True, True), None, "No exchange seen with 0 of them: no reply, and no message within "
         "30 minutes in the same channel."),
        ((False, None), NOW, f"No exchange seen with 1 of them since <t:{int(NOW.timestamp())}:f>; "
         "older messages are not kept: no reply, and no message within 30 minutes in the same "
         "channel."),
    ),
)  # fmt: skip
def test_the_committee_reads_with_whom_no_exchange_was_seen(
    met: tuple[bool | None, ...], since: datetime | None, line: str
) -> None:
    people = tuple(
        Voter(number, "", (WAY,), is_mutual=False, met=is_met)
        for number, is_met in enumerate(met, 51)
    )
    found = Voters("2026-Q1", 11, people, is_open=False, is_observed=True, since=since)
    rows = (thanks.voters(found)[0].description or "").splitlines()
    assert rows[1] == line
    words = {True: " · wrote near each other", False: " · **no exchange seen**", None: ""}
    assert [row for row in rows if row.startswith("<@5")] == [
        f"<@{number}> · counts{words[is_met]}" for number, is_met in enumerate(met, 51)
    ]


def test_nobody_is_said_to_be_nobody() -> None:
    (page,) = thanks.voters(Voters("2026-Q1", 11, (), is_open=True))
    assert page.description == "Nobody thanked <@11> in 2026-Q1 so far."
    (page,) = thanks.mine(Voters("2026-Q1", 11, (), is_open=False))
    assert "Nobody thanked you" in (page.description or "")


def test_who_is_not_counted_is_told_apart() -> None:
    sam, late = mine_of((True, True)), mine_of((True, False, False))
    assert sam == "**2 people** thanked you."
    assert late == "**1 person** thanked you; 2 more are not counted."
    assert mine_of((False,)) == "1 person thanked you and is not counted."
    assert mine_of((False, False)) == "2 people thanked you and are not counted."


def mine_of(counts: tuple[bool, ...]) -> str:
    """The first line about voters that count, or do not."""
    ways = {
        count: (Way(Source.COMMAND, False, NOW, None, doubt, "", False, None),)
        for count, doubt in ((True, Doubt.NONE), (False, Doubt.ACCOUNT))
    }
    voters = tuple(
        Voter(51 + i, "", ways[count], is_mutual=False) for i, count in enumerate(counts)
    )
    (page,) = thanks.mine(Voters("2026-Q1", 11, voters, is_open=False))
    return (page.description or "").splitlines()[0]


@pytest.mark.parametrize(("min_votes", "few"), ((5, "fewer than 5 people"), (1, "nobody")))
def test_who_left_the_board_is_told_why_and_how_to_come_back(min_votes: int, few: str) -> None:
    said = notices.dropped(label="2026-Q1", min_votes=min_votes, voters={11: 0})
    assert said.startswith(
        f"Not on this board, because {few} thanked them in 2026-Q1: <@11> (0). "
        "Who joined during the round stays.\n"
    )
    assert "Your hours count and are paid as before" in said
    assert "`/helper join` puts you there at once." in said


def test_helpers_read_who_thanked_them_and_the_notes() -> None:
    sam = Voter(51, "Sam", (replace(WAY, note="so\nkind"), WAY), is_mutual=True)
    late = Voter(52, "Tom", (replace(WAY, doubt=Doubt.LATE, kept_at=NOW),) * 2, is_mutual=False)
    (page,) = thanks.mine(Voters("2026-Q1", 11, (sam, late), is_open=False))
    assert (page.description or "").splitlines() == [
        "**1 person** thanked you; 1 more is not counted.",
        "",
        "<@51> (Sam)",
        "> so kind",
        "<@52> (Tom) · not counted: after the close",
    ]


@pytest.mark.parametrize("worst", WORST)
def test_forty_five_hostile_voters_with_the_longest_notes_fit(worst: str) -> None:
    note = (worst * LONGEST_NOTE)[:LONGEST_NOTE]
    hostile = everybody(note=note, name=(worst * 80)[:80])
    require_fit(*thanks.voters(hostile))
    require_fit(*thanks.mine(hostile))
    pages = thanks.voters(hostile)
    assert sum(words(pages).count(f"<@{voter.user_id}>") for voter in hostile.voters[1:]) == 44


def test_names_of_voters_cannot_act() -> None:
    for pages in (thanks.voters(everybody()), thanks.mine(everybody())):
        text = words(pages)
        assert "@everyone" not in text
        assert "[link](https" not in text
        assert "**bold**" not in text
        assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in text


# ---------------------------------------------------------------- leaderboard


def test_forty_five_hostile_helpers_fit_and_are_all_there() -> None:
    board = leaderboard()
    pages = thanks.leaderboard(board)
    require_fit(*pages)
    assert len(pages) == 3
    assert all(words(pages).count(f"<@{rank.user_id}>") == 1 for rank in board.ranks)
    require_fit(*thanks.leaderboard(leaderboard(is_shown=False)))


def test_equals_share_a_place_and_the_table_says_how_they_stand() -> None:
    text = words(thanks.leaderboard(leaderboard(7)))
    lines = text.splitlines()
    assert lines[0].startswith("**7 votes**. Closed <t:")
    assert lines[1] == "Equal numbers stand in the order of names."
    places = [line.split("`")[1] for line in lines[3:]]
    assert places == ["1", "1", "3", "3", "3", "6", "6"]
    assert lines[3].endswith("· **2 votes** · 0 min")
    assert lines[5].endswith("· **1 vote** · 2 h")


async def test_who_thanked_me_stands_under_the_table_where_it_may_be_seen() -> None:
    for count, buttons in ((3, 1), (45, 3)):
        view = thanks.leaderboard_answer(leaderboard(count))["view"]
        assert [item.custom_id for item in view.children][-1] == "who_thanked:1"
        assert len(view.children) == buttons
    assert "view" not in thanks.leaderboard_answer(leaderboard(3, is_shown=False))


def test_hidden_counts_are_not_there() -> None:
    board = leaderboard(3)
    ranks = tuple(replace(rank, voters=None, minutes=None) for rank in board.ranks)
    hidden = replace(board, is_shown=False, state=Round.OPEN, ranks=ranks)
    text = words(thanks.leaderboard(hidden))
    assert "shown when the round has closed: <t:1774828800:f>" in text
    assert "voter" not in text
    assert not thanks.has_chart(hidden)
    assert thanks.has_chart(board)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    (
        ({"state": Round.OPEN}, "The round is open until <t:1774828800:f>"),
        ({"state": Round.VOID}, "The round is void."),
        ({"state": Round.REVIEW, "is_counted": False}, "the reactions are still being compared"),
        ({"state": Round.REVIEW}, "Closed <t:1774828800:f>."),
        ({"ranks": ()}, "No helper is in this round. `/helper join`"),
    ),
)
def test_the_leaderboard_says_how_the_round_stands(
    changes: dict[str, object], sentence: str
) -> None:
    assert sentence in words(thanks.leaderboard(leaderboard(3, **changes)))


def test_the_picture_says_what_the_table_says() -> None:
    board = leaderboard()
    bars = chart.thanks(board)
    assert bars.title == "Thanks 2026-Q1"
    assert bars.subtitle == "330 votes for 43 helpers: the first 15 of 43"
    assert bars.values == tuple(rank.voters for rank in board.ranks[:15])
    assert bars.formatted == tuple(str(rank.voters) for rank in board.ranks[:15])
    assert bars.rest == 28
    file = thanks.leaderboard_chart(board)
    assert file.filename == "thanks-2026-Q1.png"
    assert file.description is not None
    assert file.description.startswith("Bar chart. Thanks 2026-Q1: 330 votes for 43 helpers")
    assert len(file.description) <= 1024
    picture = file.fp.read()
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">I", picture[16:20]) == (900,)
    assert len(picture) < 300_000


def test_who_has_no_thanks_has_no_bar() -> None:
    board = leaderboard(4)
    assert [rank.voters for rank in board.ranks] == [1, 1, 0, 0]
    bars = chart.thanks(board)
    assert bars.subtitle == "2 votes for 2 helpers"
    assert (bars.values, bars.rest) == ((1, 1), 0)


def test_equal_leaderboards_give_equal_pictures() -> None:
    first, second = (thanks.leaderboard_chart(leaderboard(5)).fp.read() for _ in range(2))
    assert first == second
