"""The page in a real browser: narrow and wide, light and dark, on the screen and on paper."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.ui.page import page
from tests.ui import samples

BROWSER = next(
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
PAGES = {
    "real": samples.real,
    "everything": samples.everything,
    "crowd": samples.crowd,
    "vast": samples.vast,
}

pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium on this machine")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=BROWSER, args=list(ARGUMENTS))
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    paths = {name: folder / f"{name}.html" for name in PAGES}
    for name, made in PAGES.items():
        paths[name].write_text(page(made()), encoding="utf-8")
    return paths


@pytest.mark.parametrize("scheme", ("light", "dark"))
@pytest.mark.parametrize("width", (360, 768, 1280))
@pytest.mark.parametrize("name", list(PAGES))
def test_the_page_fits_the_screen_and_loads_nothing_else(
    browser: Any, files: dict[str, Path], name: str, width: int, scheme: str
) -> None:
    tab = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    requests: list[str] = []
    complaints: list[str] = []
    tab.on("request", lambda request: requests.append(request.url))
    tab.on("console", lambda message: complaints.append(message.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.goto(files[name].as_uri())

    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    shown = tab.inner_text("body")
    ground = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    letters = tab.evaluate("getComputedStyle(document.body).color")
    bars = tab.locator(".bar-line").first.bounding_box()
    tab.close()

    assert complaints == []
    assert [url for url in requests if not url.startswith("data:")] == [files[name].as_uri()]
    for line in PAGES[name]().statement.lines:
        decimals = 0 if name == "vast" else 2
        whole, cents = divmod(line.amount, 10**decimals)
        assert (f"{whole:,}.{cents:02}" if decimals else f"{whole:,}") in shown
    is_dark = scheme == "dark"
    assert (brightness(ground) < brightness(letters)) is is_dark
    assert bars["width"] >= 40


def test_the_stylesheet_passes_its_own_security_policy(
    browser: Any, files: dict[str, Path]
) -> None:
    tab = browser.new_page(viewport={"width": 1280, "height": 800})
    tab.goto(files["real"].as_uri())
    assert tab.evaluate("getComputedStyle(document.querySelector('main')).maxWidth") != "none"
    tab.close()


@pytest.mark.parametrize("name", list(PAGES))
def test_the_page_prints_on_a4(browser: Any, files: dict[str, Path], name: str) -> None:
    tab = browser.new_page()
    tab.goto(files[name].as_uri())
    paper = tab.pdf(prefer_css_page_size=True)
    tab.set_viewport_size({"width": 688, "height": 970})  # A4 without its margins
    tab.emulate_media(media="print", color_scheme="dark")
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert brightness(tab.evaluate("getComputedStyle(document.body).backgroundColor")) > 700
    assert tab.locator("thead").is_visible()
    tab.close()
    assert paper.startswith(b"%PDF-")
    box = re.search(rb"/MediaBox \[0 0 ([0-9.]+) ([0-9.]+)\]", paper)
    assert box is not None
    assert [round(float(length)) for length in box.groups()] == [595, 842]


def brightness(color: str) -> int:
    return sum(int(part) for part in re.findall(r"\d+", color)[:3])
