"""`python -m bot demo`: with a browser, or with `--headless` without one."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import logging
import signal
import sys
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

from bot.demo.browser import serve
from bot.demo.headless import play

OK, CONFIGURATION = 0, 78
SIMULATION = ("simcord",)
PREVIEW = (*SIMULATION, "av", "linkify_it", "markdown_it", "PIL", "regex")
MISSING = """\
stipend: the demo needs packages that are not installed: {names}
  Install them with: pip install "stipend[demo]"   (or start the demo with: make run)
"""


def run(*, headless: bool, folder: Path | None, port: int) -> int:
    """Run the demo; returns 0 when it ended, 70 for wrong figures, 78 where it cannot run."""
    missing = [name for name in (SIMULATION if headless else PREVIEW) if not _is_installed(name)]
    if missing:
        print(MISSING.format(names=", ".join(missing)), file=sys.stderr, end="")
        return CONFIGURATION
    with _quiet():
        return asyncio.run(_until_stopped(_demo(is_headless=headless, folder=folder, port=port)))


def _demo(*, is_headless: bool, folder: Path | None, port: int) -> Coroutine[Any, Any, int]:
    return play(folder) if is_headless else serve(port)


def _is_installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what an operator would read out of the terminal, unless DEBUG is asked for."""
    before = logging.root.manager.disable
    if not logging.root.isEnabledFor(logging.DEBUG):
        logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


async def _until_stopped(work: Coroutine[Any, Any, int]) -> int:
    """Do the work until it is done or the program is asked to stop; both clean up behind them."""
    task = asyncio.ensure_future(work)

    def stop() -> None:
        # Asked twice, the clean-up still runs to its end.
        if not task.cancelling():
            task.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Windows has no signal handlers on a loop, threads have none at all.
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, stop)
    try:
        return await task
    except asyncio.CancelledError:
        print("\nStopped. Nothing is left behind.")
        return OK
