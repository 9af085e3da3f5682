"""/hours: logging, the clock, correcting, and the cards in the thread of the round."""

from __future__ import annotations

from typing import Any

import discord

from bot.services.hours import CATEGORIES
from tests.cogs.town import Answer, Town, text_of

HOSTILE = (
    "@everyone @here <@&1> <@1> ||spoiler|| **bold** `code` ~~gone~~ # big\n> quote\n- list\n"
    "[click](https://evil.example) <t:0:R> </hours log:1> <:x:123456789012345678> "
    "\N{RIGHT-TO-LEFT OVERRIDE}sdrawkcab\N{POP DIRECTIONAL FORMATTING} "
    "z" + "\N{COMBINING GRAVE ACCENT}" * 40 + " \N{ZERO WIDTH SPACE}```\nblock\n```"
)


async def log(town: Town, who: Any, duration: str, note: str = "answered", **more: Any) -> Answer:
    return await town.press(who, town.support, "hours log", duration=duration, note=note, **more)


def cards(town: Town, label: str = "2026-Q1") -> list[Any]:
    return [post.embeds[0] for post in town.posts(town.thread(label)) if post.embeds]


# ---------------------------------------------------------------- logging


async def test_logging_answers_with_total_value_and_correction(town: Town) -> None:
    await town.open()
    answer = await log(town, town.alice, "2h30m", "answered questions")
    assert answer.startswith("**#1: 2 h 30 min** logged in 2026-Q1.")
    assert "Total in 2026-Q1: 2 h 30 min, which would give **12.50 USD** now." in answer
    assert "`/hours edit` and `/hours withdraw` correct it until <t:1774828800:f>" in answer
    answer = await log(town, town.alice, "1:30")
    assert "Total in 2026-Q1: 4 h, which would give **20.00 USD** now." in answer


async def test_every_option_stands_on_the_card(town: Town) -> None:
    await town.open()
    answer = await log(
        town,
        town.alice,
        "2h",
        "a hard question",
        category="Forum",
        date="2025-12-31",
        evidence="https://example.org/t/1",
    )
    assert "logged" in answer
    (card,) = cards(town)
    assert card.title == "#1 · 2 h"
    assert card.description == "a hard question"
    fields = {field.name: field.value for field in card.fields}
    assert fields == {
        "Helper": town.alice.mention,
        "Where": "forum",
        "Day": "2025-12-31",
        "Evidence": "https://example.org/t/1",
    }
    assert card.footer.text == "2026-Q1"


REFUSED: tuple[tuple[dict[str, str], str], ...] = (
    ({"duration": "30"}, "Write `30m` for 30 min or `30h` for 30 h."),
    ({"duration": "0m"}, "`2h30m`"),
    ({"duration": "-2h"}, "`2h30m`"),
    ({"duration": "NaN"}, "`2h30m`"),
    ({"duration": "1e999"}, "`2h30m`"),
    ({"duration": "1" + "0" * 30 + "h"}, "At most 8784 hours"),
    ({"duration": "x" * 6000}, "`2h30m`"),
    ({"duration": "49h"}, "At most 48 h can be added now."),
    ({"duration": "1h", "date": "tomorrow"}, "such as `2026-01-01`, `today` or `yesterday`"),
    ({"duration": "1h", "date": "2026-01-02"}, "still to come. Accepted: a day from 2025-12-30"),
    ({"duration": "1h", "date": "2025-12-29"}, "2026-Q1 accepts work since 2025-12-30"),
    ({"duration": "1h", "date": "2026-02-30"}, "no such day in the calendar. Accepted"),
    ({"duration": "25h", "date": "2025-12-31"}, "at most 24 h"),
    ({"duration": "1h", "category": "pub"}, "`category` is one of: support channel, forum"),
    ({"duration": "1h", "evidence": "example.org"}, "starts with https://"),
    ({"duration": "1h", "evidence": "javascript:alert(1)"}, "starts with https://"),
    ({"duration": "1h", "evidence": "https://x.org/" + "a" * 600}, "up to 500 characters"),
)


async def test_a_refusal_says_what_is_accepted(town: Town) -> None:
    await town.open()
    for options, accepted in REFUSED:
        answer = await town.press(town.alice, town.support, "hours log", **{"note": "x", **options})
        assert accepted in answer, (options, answer)
    assert cards(town) == []
    listed = await town.press(town.alice, town.support, "hours list")
    assert "Nothing is logged. `/hours log` adds time." in listed


async def test_the_sum_cannot_exceed_the_time_that_has_passed(town: Town) -> None:
    await town.open()
    await log(town, town.alice, "47h")
    assert "At most 1 h can be added now." in await log(town, town.alice, "2h")
    assert "logged" in await log(town, town.bob, "48h")  # each person has their own time
    answer = await town.press(town.alice, town.support, "hours edit", entry="1", duration="48h01m")
    assert "At most 48 h can be added now." in answer
    await town.later(3600)
    assert "logged" in await log(town, town.alice, "2h")


async def test_hours_are_for_helpers(town: Town) -> None:
    await town.open()
    answer = await log(town, town.stranger, "1h")
    assert answer.startswith("Hours are logged by helpers. `/helper join`")
    await town.press(town.stranger, town.support, "helper join")
    answer = await log(town, town.stranger, "1h")
    assert "Your request to become a helper is waiting" in answer
    for command in ("hours start", "hours done"):
        assert "is waiting" in await town.press(town.stranger, town.support, command)


async def test_nothing_can_be_logged_before_a_round_is_open(town: Town) -> None:
    await town.configure(admission="open")
    await town.press(town.alice, town.support, "helper join")
    answer = await log(town, town.alice, "1h")
    assert answer == "No round is open at the moment. `/round status` shows what comes next."
    assert "No round is open" in await town.press(town.alice, town.support, "hours list")


async def test_while_a_round_is_in_review_hours_go_to_the_next(town: Town) -> None:
    await town.open()
    await town.until(2026, 3, 30, 1)
    answer = await log(town, town.alice, "1h")
    assert "logged in 2026-Q2" in answer
    assert [card.title for card in cards(town, "2026-Q2")] == ["#1 · 1 h"]


async def test_the_committee_logs_for_a_helper_and_the_card_says_so(town: Town) -> None:
    await town.open()
    answer = await log(town, town.carol, "2h", "from the old sheet", helper=town.alice)
    assert "logged for alice in 2026-Q1" in answer
    (card,) = cards(town)
    fields = {field.name: field.value for field in card.fields}
    assert fields["Helper"] == town.alice.mention
    assert fields["Logged by"] == f"{town.carol.mention} for the helper"
    listed = await town.press(town.alice, town.support, "hours list")
    assert "from the old sheet" in listed


async def test_nobody_else_logs_for_a_helper(town: Town) -> None:
    await town.open()
    answer = await log(town, town.bob, "2h", helper=town.alice)
    assert answer.startswith("This is for the committee")
    answer = await log(town, town.carol, "2h", helper=town.stranger)
    assert "is not a helper here. A moderator can add them with `/helper add`." in answer


async def test_the_committee_sees_anybodys_entries_and_others_their_own(town: Town) -> None:
    await town.open()
    await log(town, town.alice, "2h")
    listed = await town.press(town.carol, town.support, "hours list", helper=town.alice)
    assert "Hours of alice" in listed
    assert "`#1` 2 h" in listed
    answer = await town.press(town.bob, town.support, "hours list", helper=town.alice)
    assert answer.startswith("This is for the committee")
    answer = await town.press(town.alice, town.support, "hours list", round="2020-Q1")
    assert "There is no round of that name. Rounds here: 2026-Q1." in answer
    assert "`#1` 2 h" in await town.press(town.alice, town.support, "hours list", round="2026-q1 ")


async def test_many_entries_come_in_pages_newest_first(town: Town) -> None:
    await town.open()
    for number in range(17):
        await log(town, town.alice, "10m", f"question {number}")
    page = await town.press(town.alice, town.support, "hours list")
    assert "2 h 50 min" in page
    assert page.index("`#17`") < page.index("`#3`")
    assert "`#2`" not in page
    assert "`#2`" in await town.click(town.alice, page, "Next")


# ---------------------------------------------------------------- correcting


async def test_editing_changes_the_entry_and_its_card(town: Town) -> None:
    await town.open()
    await log(town, town.alice, "2h", "first")
    answer = await town.press(
        town.alice,
        town.support,
        "hours edit",
        entry=" #1 ",
        duration="3h",
        note="second",
        category="documentation",
    )
    assert answer.startswith("**#1** is now 3 h. Total in 2026-Q1: 3 h")
    (card,) = cards(town)
    assert (card.title, card.description) == ("#1 · 3 h", "second")
    assert card.footer.text == "2026-Q1 · edited"
    assert card.fields[1].value == "documentation"


async def test_an_edit_without_a_change_is_refused(town: Town) -> None:
    await town.open()
    await log(town, town.alice, "2h")
    answer = await town.press(town.alice, town.support, "hours edit", entry="1")
    assert answer == "Say what to change: `duration`, `note` or `category`."


async def test_withdrawing_strikes_the_card_and_takes_the_time_off(town: Town) -> None:
    await town.open()
    await log(town, town.alice, "2h")
    await log(town, town.alice, "1h")
    answer = await town.press(town.alice, town.support, "hours withdraw", entry="1")
    assert "**#1** is withdrawn" in answer
    assert "Total in 2026-Q1: 1 h, which would give **5.00 USD** now." in answer
    first, second = cards(town)
    assert first.title == "~~#1 · 2 h~~ withdrawn"
    assert second.title == "#2 · 1 h"
    listed = await town.press(town.alice, town.support, "hours list")
    assert "~~`#1`" in listed
    assert "**1 h** in 2026-Q1" in listed
    for command, more in (("hours withdraw", {}), ("hours edit", {"duration": "1h"})):
        again = await town.press(town.alice, town.support, command, entry="1", **more)
        assert again == "Entry #1 is withdrawn already. `/hours log` adds a new one."


async def test_only_own_entries_are_found(town: Town) -> None:
    await town.open()
    await log(town, town.alice, "2h")
    edit: dict[str, str] = {"duration": "1h"}
    for entry in ("1", "99", "x", "", "-1", "9" * 50):
        for command, more in (("hours edit", edit), ("hours withdraw", {})):
            answer = await town.press(town.bob, town.support, command, entry=entry, **more)
            assert answer == (
                "That is not the number of an entry of yours. `/hours list` shows them."
            )
    assert cards(town)[0].title == "#1 · 2 h"


async def test_after_the_close_an_entry_stays_as_it_is(town: Town) -> None:
    await town.open()
    await log(town, town.alice, "2h")
    await town.until(2026, 3, 30)
    for command, more in (("hours edit", {"duration": "1h"}), ("hours withdraw", {})):
        answer = await town.press(town.alice, town.support, command, entry="1", **more)
        assert "2026-Q1 closed <t:1774828800:f>, so entry #1 stays as it is" in answer
        assert "The committee can adjust the draft." in answer


async def test_an_entry_with_a_date_keeps_to_one_day(town: Town) -> None:
    await town.open()
    await log(town, town.alice, "2h", date="2025-12-31")
    answer = await town.press(town.alice, town.support, "hours edit", entry="1", duration="25h")
    assert "at most 24 h" in answer


async def test_done_says_what_was_noted_and_is_shown(town: Town) -> None:
    await town.open()
    await log(town, town.alice, "2h")
    for _ in range(2):
        answer = await town.press(town.alice, town.support, "hours done")
        assert answer == (
            "Noted: your hours of 2026-Q1 are complete, 1 entry with 2 h. "
            "Until the round closes you can still log and edit."
        )
    assert "Marked as complete" in await town.press(town.alice, town.support, "hours list")
    assert "1 said their hours are complete" in await town.press(
        town.stranger, town.support, "round status"
    )


# ---------------------------------------------------------------- autocomplete


async def test_categories_are_offered(town: Town) -> None:
    for command in ("hours log", "hours edit"):
        found = await town.offered(town.alice, town.support, command, "category", "")
        assert tuple(found) == CATEGORIES
    found = await town.offered(town.alice, town.support, "hours log", "category", "DOC")
    assert list(found) == ["documentation"]


async def test_own_entries_of_the_open_round_are_offered(town: Town) -> None:
    await town.open()
    assert await town.offered(town.alice, town.support, "hours edit", "entry") == {}
    await log(town, town.alice, "2h", "reset a password " + "x" * 200)
    await log(town, town.bob, "1h", "not mine")
    await log(town, town.alice, "3h", "wrote a guide")
    await log(town, town.alice, "1h", "")
    for command in ("hours edit", "hours withdraw"):
        found = await town.offered(town.alice, town.support, command, "entry")
        assert list(found) == ["4", "3", "1"]
        assert found["3"] == "#3 · 3 h · wrote a guide"
        assert all(len(label) <= 100 for label in found.values())
        found = await town.offered(town.alice, town.support, command, "entry", "guide")
        assert list(found) == ["3"]
    await town.press(town.alice, town.support, "hours withdraw", entry="3")
    assert "3" not in await town.offered(town.alice, town.support, "hours withdraw", "entry")
    await town.until(2026, 3, 30)
    assert await town.offered(town.alice, town.support, "hours edit", "entry") == {}


async def test_rounds_are_offered_for_the_list(town: Town) -> None:
    await town.open()
    await town.until(2026, 3, 30)
    found = await town.offered(town.alice, town.support, "hours list", "round")
    assert list(found) == ["2026-Q2", "2026-Q1"]


# ---------------------------------------------------------------- the clock


async def test_the_clock_logs_the_time_also_over_a_restart(town: Town) -> None:
    await town.open()
    answer = await town.press(town.alice, town.support, "hours start", note="on duty")
    assert (
        answer
        == f"Your clock runs since <t:{int(town.now.timestamp())}:t>. `/hours stop` logs the time."
    )
    await town.env.advance_time(50 * 60 + 59)
    assert "Your clock runs since" in await town.press(town.alice, town.support, "hours start")
    await town.restart()
    await town.env.advance_time(40 * 60)
    answer = await town.press(town.alice, town.support, "hours stop")
    assert answer.startswith("**#1: 1 h 30 min** logged in 2026-Q1.")
    (card,) = cards(town)
    assert card.description == "on duty"
    assert "Your clock is not running" in await town.press(town.alice, town.support, "hours stop")


async def test_the_note_at_the_stop_takes_the_place_of_that_at_the_start(town: Town) -> None:
    await town.open()
    await town.press(town.alice, town.support, "hours start", note="on duty")
    await town.env.advance_time(600)
    await town.press(town.alice, town.support, "hours stop", note="fixed the wiki")
    assert cards(town)[0].description == "fixed the wiki"


async def test_a_clock_of_seconds_logs_nothing(town: Town) -> None:
    await town.open()
    await town.press(town.alice, town.support, "hours start")
    await town.env.advance_time(30)
    answer = await town.press(town.alice, town.support, "hours stop")
    assert "less than a minute, so nothing is logged" in answer
    assert "Your clock runs since" in await town.press(town.alice, town.support, "hours start")


async def test_a_clock_that_was_left_running_is_pointed_out(town: Town) -> None:
    await town.open()
    await town.press(town.alice, town.support, "hours start")
    await town.env.advance_time(20 * 3600)
    answer = await town.press(town.alice, town.support, "hours stop")
    assert "That is a long time for a clock." in answer
    assert "edit the entry" in answer


async def test_a_clock_over_the_close_logs_what_fits_the_open_round(town: Town) -> None:
    await town.open()
    await town.until(2026, 3, 29, 23)
    await town.press(town.alice, town.support, "hours start")
    await town.until(2026, 3, 30, 2)
    answer = await town.press(town.alice, town.support, "hours stop")
    assert "**#1: 2 h** logged in 2026-Q2" in answer
    assert "The clock ran 1 h longer than the open round has room for" in answer
    assert "the committee can adjust the draft" in answer


async def test_a_clock_without_room_says_so_and_runs_on(town: Town) -> None:
    await town.open()
    await log(town, town.alice, "48h")
    await town.press(town.alice, town.support, "hours start")
    await town.env.advance_time(120)
    await log(town, town.alice, "2m")
    answer = await town.press(town.alice, town.support, "hours stop")
    assert "At most 0 min can be added now." in answer


# ---------------------------------------------------------------- cards and threads


async def test_the_thread_was_deleted_by_hand_and_the_entry_counts(town: Town) -> None:
    await town.open()
    await log(town, town.alice, "1h")
    await town.delete(town.thread("2026-Q1"))
    answer = await log(town, town.alice, "2h")
    assert "**#2: 2 h** logged" in answer
    assert [text for text in town.said(town.thread("2026-Q1")) if "#2 · 2 h" in text]
    answer = await town.press(town.alice, town.support, "hours edit", entry="1", duration="90m")
    assert "**#1** is now 1 h 30 min" in answer
    answer = await town.press(town.alice, town.support, "hours withdraw", entry="1")
    assert "**#1** is withdrawn" in answer
    assert "**2 h** in 2026-Q1" in await town.press(town.alice, town.support, "hours list")


async def test_a_thread_deleted_while_the_bot_was_away_is_noticed(town: Town) -> None:
    await town.open()
    backend = town.env.backend
    thread = town.thread("2026-Q1")
    subscribers, backend.subscribers = backend.subscribers, []  # nobody tells the bot
    backend.delete_channel(thread.id)
    backend.subscribers = subscribers
    answer = await log(town, town.alice, "2h")
    assert "**#1: 2 h** logged" in answer
    assert "The card could not be shown: The thread of the round is gone." in answer
    assert "The entry counts all the same." in answer
    assert "could not be shown" not in await log(town, town.alice, "1h")
    assert [text for text in town.said(town.thread("2026-Q1")) if "#2 · 1 h" in text]


async def test_a_thread_that_refuses_the_card_is_said_and_the_entry_counts(town: Town) -> None:
    await town.open()
    await town.forbid(town.support, send_messages_in_threads=True)
    answer = await log(town, town.alice, "2h")
    assert "**#1: 2 h** logged" in answer
    assert "The card could not be shown: Discord refuses it in" in answer
    assert "The entry counts all the same." in answer
    (told,) = [text for text in town.said(town.committee) if "refuses" in text]
    assert "`/setup`" in told
    await town.permit(town.support)
    await town.press(town.admin, town.support, "setup")
    assert [card.title for card in cards(town)] == ["#1 · 2 h"]


async def test_a_card_deleted_by_hand_comes_back_with_the_next_edit(town: Town) -> None:
    await town.open()
    await log(town, town.alice, "2h")
    thread = town.thread("2026-Q1")
    town.env.backend.delete_message(thread.id, town.posts(thread)[0].id)
    await town.press(town.alice, town.support, "hours edit", entry="1", duration="3h")
    assert [card.title for card in cards(town)] == ["#1 · 3 h"]


async def test_a_hostile_note_pings_nobody_and_breaks_no_card(town: Town) -> None:
    await town.open()
    await log(
        town, town.alice, "1h", HOSTILE, evidence="https://x.org/\N{RIGHT-TO-LEFT OVERRIDE}gpj"
    )
    (post,) = town.posts(town.thread("2026-Q1"))
    assert not post.mention_everyone
    assert post.mentions == []
    assert post.role_mentions == []
    shown = text_of(post)
    for pattern in ("@everyone", "@here", "<@&1>", "<t:0", "</hours", "<:x:"):
        assert pattern not in shown.replace("\\<", "")
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in shown
    assert "\N{ZERO WIDTH SPACE}`" not in shown
    assert "\N{COMBINING GRAVE ACCENT}" * 3 not in shown
    assert "\\*\\*bold\\*\\*" in shown
    assert "\\`\\`\\`" in shown
    listed = await town.press(town.alice, town.support, "hours list")
    assert "<t:0" not in listed.replace("\\<", "")
    assert "\n> " not in listed.split("`#1`")[1]


async def test_a_note_of_six_thousand_characters_is_kept_and_shortened(town: Town) -> None:
    await town.open()
    characters = ("x", "*", "\N{ROCKET}", "@", "<")
    for character in characters:
        assert "logged" in await log(town, town.alice, "1h", character * 6000)
    for card in cards(town):
        assert card.description is not None
        assert len(card.description) < 4096
        assert card.description.endswith("…")
    listed = await town.press(town.alice, town.support, "hours list")
    assert len(listed) < 2000
    assert town.sql("SELECT length(note) FROM entries") == [(6000,)] * len(characters)


async def test_a_hostile_name_cannot_break_an_answer(town: Town) -> None:
    await town.open()
    evil = town.guild.add_member(
        town.env.create_user("evil", global_name="**@everyone** <t:0:R>" + "\u202e" * 3)
    )
    await town.add(evil)
    answer = await log(town, town.carol, "1h", helper=evil)
    first = answer.splitlines()[0]
    assert "@everyone" not in first
    assert "\u202e" not in first
    assert "<t:0" not in first.replace("\\<", "")
    assert discord.utils.remove_markdown(first)
