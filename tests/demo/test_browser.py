"""`python -m bot demo`: the page around the preview, over HTTP and in a real browser."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.children import environment

ROOT = Path(__file__).parents[2]
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
PATIENCE = 15_000
OURS = {"X-Stipend-Demo": "1", "Content-Type": "application/json"}

in_a_browser = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")


@dataclass
class Demo:
    """A running demo; `temporary` is where its files must not stay."""

    process: subprocess.Popen[str]
    port: int
    temporary: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def ask(
        self,
        path: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        method: str | None = None,
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(
            method or ("GET" if body is None else "POST"),
            path,
            body=None if body is None else json.dumps(body),
            headers=headers if headers is not None else (OURS if body is not None else {}),
        )
        answer = connection.getresponse()
        found = answer.status, dict(answer.getheaders()), answer.read()
        connection.close()
        return found

    def state(self) -> dict[str, Any]:
        status, _, content = self.ask("/demo/state")
        assert status == 200
        return dict(json.loads(content))

    def order(self, path: str, **body: Any) -> dict[str, Any]:
        status, _, content = self.ask(path, body)
        assert status == 200, content
        return dict(json.loads(content))

    def channel(self, name: str) -> str:
        return next(str(c["id"]) for c in self.state()["channels"] if c["name"] == name)

    def stop(self) -> tuple[int, str]:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        said, _ = self.process.communicate(timeout=30)
        return self.process.returncode, said


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    with started(tmp_path) as running:
        yield running


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with started(tmp_path_factory.mktemp("demo")) as running:
        yield running


@pytest.fixture
def still(running: Demo) -> Demo:
    """The demo that is shared by tests in which no time passes."""
    running.order("/demo/show", channel=running.channel("Support 2026-Q1"), person="Patches")
    assert running.state()["now"] == "Mon 9 March 2026, 10:00 UTC"
    return running


@contextmanager
def started(tmp_path: Path) -> Iterator[Demo]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", "demo", "--port", "0"],
        cwd=tmp_path,
        env=environment(
            PYTHONPATH=str(ROOT),
            PYTHONUNBUFFERED="1",
            STIPEND_NO_BROWSER="1",
            TMPDIR=str(tmp_path),
        ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said = ""
    try:
        while not (found := re.search(r"Open http://127\.0\.0\.1:([0-9]+)/", said)):
            line = process.stdout.readline()
            assert line, said
            said += line
        running = Demo(process, int(found[1]), tmp_path)
        yield running
        running.stop()
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def test_it_ends_on_sigterm_and_leaves_nothing_behind(demo: Demo) -> None:
    code, said = demo.stop()
    assert code == 0
    assert said.splitlines()[-1] == "Stopped. Nothing is left behind."
    assert list(demo.temporary.iterdir()) == []
    with socket.socket() as attempt:
        assert attempt.connect_ex(("127.0.0.1", demo.port)) != 0


def test_it_ends_on_ctrl_c_while_the_season_is_played(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", "demo"],
        cwd=tmp_path,
        env=environment(PYTHONPATH=str(ROOT), TMPDIR=str(tmp_path)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    assert "season is being played" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_only_this_machines_own_page_gives_orders(still: Demo) -> None:
    assert still.ask("/", headers={"Host": "evil.example"})[0] == 403
    assert still.ask("/demo/state", headers={"Host": f"evil.example:{still.port}"})[0] == 403
    assert still.ask("/demo/move", {"to": "day"}, headers={})[0] == 403
    assert still.ask("/demo/show", {"channel": "1", "person": "Patches"})[0] == 400
    nowhere = {"channel": still.channel("support"), "person": "Lena", "look": "elsewhere"}
    assert still.ask("/demo/show", nowhere)[0] == 400
    assert still.ask("/demo/menu", {"person": "Sam"}, headers={})[0] == 403
    assert still.ask("/demo/menu", {"person": "Nobody"})[0] == 400
    assert still.ask("/demo/files/passwd")[0] == 404
    assert still.state()["now"] == "Mon 9 March 2026, 10:00 UTC"


def test_the_preview_may_be_framed_by_our_page_alone(still: Demo) -> None:
    status, headers, content = still.ask("/preview")
    assert status == 200
    assert b"preview-shell" in content
    assert "frame-ancestors 'self'" in headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in headers
    # Without its key, and with the origin of another site, the preview stays shut.
    assert still.ask("/api/pages", {}, headers={"Content-Type": "application/json"})[0] == 401
    assert still.ask("/api/state", headers={"Origin": "http://evil.example"})[0] == 401


def test_who_cannot_see_a_channel_is_not_offered_there(still: Demo) -> None:
    facts = still.state()
    assert {person["name"] for person in facts["people"]} >= {"Patches", "Lena", "Ada"}
    assert facts["person"] == "Patches"

    facts = still.order("/demo/show", channel=still.channel("committee"), person="Patches")
    assert {person["kind"] for person in facts["people"]} == {"admin", "moderator", "committee"}
    assert facts["person"] == "Noor"

    facts = still.order("/demo/show", channel=still.channel("support"), person="Lena")
    assert facts["person"] == "Lena"


def test_time_moves_by_events_and_by_days(demo: Demo) -> None:
    assert demo.state()["next"] == {"what": "call for claims", "when": "15 March 2026"}
    facts = demo.order("/demo/move", to="day")
    assert facts["now"] == "Tue 10 March 2026, 10:00 UTC"
    assert facts["news"] == []
    assert [step["state"] for step in facts["steps"]] == [*["done"] * 4, "now", *["later"] * 4]

    facts = demo.order("/demo/move", to="event")
    assert facts["news"][0]["text"] == "The bot called for the last hours of 2026-Q1."
    assert facts["next"] == {"what": "2026-Q1 closes", "when": "30 March 2026"}
    facts = demo.order("/demo/move", to="event")
    assert "Support 2026-Q2" in {channel["name"] for channel in facts["channels"]}
    assert "counted its thanks" in facts["news"][0]["text"]
    assert facts["next"] == {"what": "draft of 2026-Q1", "when": "31 March 2026, 20:00"}
    facts = demo.order("/demo/move", to="event")
    assert [step["state"] for step in facts["steps"]][5] == "now"
    facts = demo.order("/demo/move", to="event")
    assert (
        facts["news"][0]["text"]
        == "The bot reminded the committee that the draft of 2026-Q1 waits."
    )


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield launched
        launched.close()


@dataclass
class Visitor:
    """Somebody at the page; what the browser complained about is kept."""

    tab: Any
    complaints: list[str]

    @property
    def discord(self) -> Any:
        return self.tab.frame_locator("#discord")

    def press(self, name: str) -> None:
        self.settled()
        self.tab.get_by_role("button", name=name).first.click()

    def open(self, step: str) -> None:
        """Open a suggestion that is not the present one."""
        self.settled()
        self.tab.get_by_role("button", name=step).click()

    def send(self) -> None:
        """Send the command that the page has filled in."""
        self.discord.locator("#send-message:focus").wait_for(timeout=PATIENCE)
        self.tab.keyboard.press("Enter")

    def click_emoji(self, emoji: str, then: str) -> None:
        """Click a reaction and wait for its number; who clicks again takes it away."""
        self.settled()
        chip = self.discord.locator(".reaction-chip").filter(has_text=emoji)
        chip.click()
        self.discord.locator(".reaction-chip").filter(has_text=f"{emoji}{then}").wait_for(
            timeout=PATIENCE
        )

    def become(self, name: str) -> None:
        self.settled()
        self.tab.select_option("#person", name)
        self.settled()

    def settled(self) -> None:
        """Wait until nothing is under way and the channel has been drawn."""
        deadline = time.monotonic() + PATIENCE / 1000
        while not self.tab.evaluate("!busy && !!frame.contentWindow.simcordPreview?.ready"):
            assert time.monotonic() < deadline
            self.tab.wait_for_timeout(50)

    def sees(self, words: str, *, in_discord: bool = True) -> None:
        place = self.discord if in_discord else self.tab
        place.get_by_text(words).last.wait_for(timeout=PATIENCE)


@contextmanager
def visiting(chromium: Any, demo: Demo, *, width: int = 1280) -> Iterator[Visitor]:
    """Open the page; whatever the browser complains about fails the test."""
    tab = chromium.new_page(viewport={"width": width, "height": 800})
    visitor = Visitor(tab, [])
    tab.on("console", lambda message: visitor.complaints.append(message.text))
    tab.on("pageerror", lambda error: visitor.complaints.append(str(error)))
    tab.goto(demo.url)
    visitor.sees("Missed attestations")
    yield visitor
    tab.close()
    assert visitor.complaints == []


@in_a_browser
def test_following_the_suggestions_leads_to_the_real_figures(chromium: Any, demo: Demo) -> None:
    with visiting(chromium, demo) as visitor:
        visitor.open("Be a helper")
        visitor.press("/hours list")
        visitor.sees("Hours of Patches")
        for _ in range(3):
            visitor.press("Next event")
        visitor.press("See it")
        visitor.sees("The draft of 2026-Q1 is ready.")
        visitor.sees("@Patches")
        visitor.press("/payout approve")
        visitor.sees("Any change to the draft voids this approval")
        visitor.press("/payout publish")
        visitor.sees("version 1 is published")
        visitor.sees(
            "Every bounty equals the exact split of the published hours, to the cent.",
            in_discord=False,
        )

        for kind, words in (("html", "7,089.71"), ("csv", "7089.71"), ("json", '"7089.71"')):
            status, headers, content = demo.ask(f"/demo/files/stipend-2026-Q1-v1.{kind}")
            assert status == 200
            assert words in content.decode()
            assert "script-src" not in headers["Content-Security-Policy"]

        visitor.press("Next event")
        visitor.sees("Payment of 2026-Q1 is due")
        visitor.press("/payout export")
        visitor.send()
        visitor.sees("stipend-2026-Q1-batch-1-safe.json")
        visitor.press("/payout paid")
        visitor.send()
        visitor.sees("Batch 1 is paid.")

        visitor.press("/dispute open")
        visitor.send()
        visitor.sees("This line is paid, so nothing is held.")
        visitor.press("/dispute resolve")
        visitor.discord.locator("[data-option=amount] input").press("Enter")
        visitor.sees("1,851.06 USD → 1,801.06 USD")
        visitor.sees("That was a whole quarter.", in_discord=False)
        visitor.open("Dispute it")
        visitor.press("/payout preview")
        visitor.send()
        visitor.sees("(-50.00 carried over, -50.00 carried on)")


@in_a_browser
def test_a_visitor_thanks_in_four_ways_takes_it_back_and_sees_the_board_turn(
    chromium: Any, demo: Demo
) -> None:
    with visiting(chromium, demo) as visitor:
        visitor.press("Go to the board")
        visitor.sees("Who helped you? 2026-Q1")
        visitor.click_emoji("\N{LEMON}", "7")
        visitor.press("Go to their message")
        visitor.click_emoji("\N{PERSON WITH FOLDED HANDS}", "2")
        visitor.press("Thank the author")
        visitor.sees("You have thanked them before in this round")
        visitor.press("/thanks")
        visitor.send()
        visitor.sees("/thanks: one vote.", in_discord=False)
        visitor.press("/audit voters")
        visitor.send()
        visitor.sees("7 voters")

        visitor.press("#support")
        visitor.become("Sam")
        visitor.discord.get_by_role("button", name="Take it back").last.click()
        visitor.sees("Taken back")
        visitor.click_emoji("\N{PERSON WITH FOLDED HANDS}", "1")
        visitor.press("Go to the board")
        visitor.click_emoji("\N{LEMON}", "6")
        visitor.press("Go to a card")
        visitor.sees("1 fair, 1 too high (from a claimant)")
        card = visitor.discord.locator("[data-message-id]").filter(has_text="#25 ·")
        card.get_by_role("button", name="Too high").click()
        visitor.sees("Noted: #25 of")
        visitor.sees("1 fair, 2 too high (1 from a claimant)")
        visitor.sees("Patches has logged hours all quarter.", in_discord=False)
        visitor.press("/mydata export")
        visitor.sees("Everything that is stored about you in this server")
        visitor.open("Take it back")
        visitor.sees("Sam does not thank yorickdowne at present: no vote.", in_discord=False)

        visitor.press("Next event")
        visitor.press("Next event")
        visitor.press("See it")
        visitor.sees("fewer than 5 people thanked them in 2026-Q1: @0xFornax (3).")
        visitor.sees("Who helped you? 2026-Q2")
        assert visitor.discord.locator(".reaction-chip").count() == 5
        visitor.press("/helper join")
        visitor.sees("You are a helper.")
        visitor.discord.locator(".reaction-chip").nth(5).wait_for(timeout=PATIENCE)
        visitor.press("/leaderboard")
        visitor.send()
        visitor.sees("37 votes")


@in_a_browser
def test_more_hours_are_filled_in_and_sent_by_the_visitor(chromium: Any, still: Demo) -> None:
    with visiting(chromium, still) as visitor:
        visitor.open("Be a helper")
        visitor.press("/hours log")
        field = visitor.discord.locator("input[data-option=note]")
        field.wait_for(timeout=PATIENCE)
        assert field.input_value() == "Helped with a stuck validator"
        assert visitor.discord.get_by_text("2 h 30 min").count() == 0
        field.press("Enter")
        visitor.sees("2 h 30 min logged in 2026-Q1")
        visitor.sees("#31 · 2 h 30 min")


@in_a_browser
def test_channel_and_person_are_changed_on_the_page(chromium: Any, still: Demo) -> None:
    with visiting(chromium, still) as visitor:
        visitor.press("#committee")
        visitor.sees("2026-Q1 is open.")  # Noor's own, from the day on which she opened it
        assert still.state()["person"] == "Noor"
        visitor.become("Ada")
        visitor.sees("hourly_rate")
        visitor.press("#support")
        visitor.sees("Synced. Thank you, Patches!")
        visitor.become("Lena")
        visitor.discord.locator("#channel-composer-input").fill("Hello from Lena")
        visitor.discord.locator("#channel-composer-input").press("Enter")
        visitor.sees("Hello from Lena")


@in_a_browser
@pytest.mark.parametrize("width", (360, 1280))
def test_the_page_fits_the_screen(chromium: Any, still: Demo, width: int) -> None:
    with visiting(chromium, still, width=width) as visitor:
        visitor.open("Be a helper")
        visitor.press("/hours list")
        visitor.sees("Hours of Patches")
        assert visitor.tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
        inside = "document.getElementById('discord').contentDocument.documentElement"
        assert visitor.tab.evaluate(f"{inside}.scrollWidth <= {inside}.clientWidth")
        assert not visitor.discord.locator("#toolbar").is_visible()
