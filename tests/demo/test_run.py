"""Starting and ending the demo: what is missing, what is taken, and where a browser is opened."""

from __future__ import annotations

import importlib.util
import logging
import socket
import sys
import threading
import webbrowser
from typing import Any

import pytest

from bot.demo import browser, run


@pytest.mark.parametrize(
    ("headless", "missing"), ((True, "simcord"), (False, "simcord"), (False, "markdown_it"))
)
def test_without_the_extra_it_says_how_to_install_it(
    headless: bool,
    missing: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = importlib.util.find_spec

    def find(name: str, *rest: Any) -> Any:
        return None if name == missing else found(name, *rest)

    monkeypatch.setattr(importlib.util, "find_spec", find)
    assert run.run(headless=headless, folder=None, port=0) == 78
    said = capsys.readouterr()
    assert said.out == ""
    assert missing in said.err
    assert 'pip install "stipend[demo]"' in said.err
    assert "make run" in said.err


def test_a_taken_port_is_said_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run.run(headless=False, folder=None, port=port) == 78
    (line,) = capsys.readouterr().err.splitlines()
    assert f"port {port} cannot be used" in line


def test_the_log_is_as_before_when_the_demo_has_ended() -> None:
    with run._quiet():
        assert not logging.getLogger("bot").isEnabledFor(logging.WARNING)
        assert logging.getLogger("bot").isEnabledFor(logging.ERROR)
    assert logging.root.manager.disable == logging.NOTSET


def test_at_debug_the_log_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    before = logging.root.level
    logging.root.setLevel(logging.DEBUG)
    try:
        with run._quiet():
            assert logging.getLogger("bot").isEnabledFor(logging.DEBUG)
    finally:
        logging.root.setLevel(before)


@pytest.mark.parametrize(
    ("environ", "is_opened"),
    (
        ({"DISPLAY": ":0"}, True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, True),
        ({"BROWSER": "firefox"}, True),
        ({}, False),
        ({"DISPLAY": ":0", "CI": "true"}, False),
        ({"DISPLAY": ":0", "STIPEND_NO_BROWSER": "1"}, False),
    ),
)
def test_a_browser_is_opened_where_somebody_may_see_it(
    environ: dict[str, str], is_opened: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def fail(url: str) -> bool:
        opened.append(url)
        raise OSError("no browser after all")

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(webbrowser, "open", fail)
    browser.open_browser("http://127.0.0.1:1/", environ)
    for thread in threading.enumerate():
        if thread.daemon and thread is not threading.current_thread():
            thread.join(timeout=5)
    assert opened == (["http://127.0.0.1:1/"] if is_opened else [])
