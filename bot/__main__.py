"""The program: `python -m bot` and its subcommands."""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bot import __version__, logs
from bot.settings import JSON, ConfigurationError, Settings

if TYPE_CHECKING:
    from discord.ext import commands

OK, BUG, TEMPORARY, CONFIGURATION = 0, 70, 75, 78
CONFIG_FILE = "config.env"

log = logging.getLogger("bot")

UNCONFIGURED = """\
Stipend needs the token of a Discord bot, and none is configured.

  See it without one:   python -m bot demo        (or: make run)
  Run it for real:      copy config.example.env to config.env, set STIPEND_DISCORD_TOKEN,
                        then: python -m bot
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand and return its exit code.

    0 stopped, 70 bug, 75 temporary, 78 configuration: a service must not be started again.
    """
    options = _parser().parse_args(arguments)
    try:
        settings = Settings.from_env(_environment())
        logs.configure(settings)
        return _run(options, settings)
    except (ConfigurationError, ValueError) as error:
        logs.tell(str(error))
        return CONFIGURATION
    except KeyboardInterrupt:
        return OK
    except Exception:
        log.exception("the program has a bug")
        return BUG


def _run(options: argparse.Namespace, settings: Settings) -> int:
    # Each subcommand loads what it needs: `verify` starts without discord.py.
    match options.command:
        case "verify":
            from bot import verify

            return verify.run(Path(options.file))
        case "invite":
            from bot import invite

            return invite.run(settings)
        case "backup":
            from bot import copies

            return copies.backup(settings, Path(options.file))
        case "restore":
            from bot import copies

            return copies.restore(settings, Path(options.file))
        case "check":
            from bot import check

            return asyncio.run(check.run(settings))
        case "health":
            from bot import health

            return health.ask(settings)
        case "demo":
            from bot.demo import run as demo

            return demo.run(headless=options.headless, folder=options.out, port=options.port)
        case _:
            if not settings.discord_token:
                return _unconfigured(settings)
            logs.catch_everything()
            _load()
            return asyncio.run(_run_bot(settings))


def _load() -> None:
    """Load the bot without searching for garbage meanwhile: none of it is."""
    gc.disable()
    try:
        importlib.import_module("bot.supervisor")
    finally:
        gc.freeze()
        gc.enable()


def _unconfigured(settings: Settings) -> int:
    if settings.log_format == JSON:
        logs.tell("no token is configured: set STIPEND_DISCORD_TOKEN")
    else:
        print(UNCONFIGURED, file=sys.stderr, end="")
    return CONFIGURATION


async def _run_bot(settings: Settings) -> int:
    """Run the bot, and beside it the page for monitoring where a port is set."""
    from bot import supervisor

    if not settings.health_port:
        return await supervisor.run(settings, give_up=supervisor.give_up_later)
    from bot.client import create_bot
    from bot.monitoring import Page

    page = Page()

    def build(settings: Settings) -> commands.Bot:
        bot = create_bot(settings)
        page.show(bot)
        return bot

    try:
        await page.open(settings.health_port)
    except OSError as error:
        logs.tell(
            f"no page for monitoring on port {settings.health_port} ({error.strerror}): "
            "the program is running already, or STIPEND_HEALTH_PORT needs another number"
        )
        return TEMPORARY
    try:
        return await supervisor.run(settings, build=build, give_up=supervisor.give_up_later)
    finally:
        await page.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bot", description="Stipend")
    parser.add_argument("--version", action="version", version=f"stipend {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    commands.add_parser("run", help="run the bot (the default)")
    demo = commands.add_parser("demo", help="run it on a simulated Discord, in the browser")
    demo.add_argument("--headless", action="store_true", help="play the quarter without a browser")
    demo.add_argument("--out", type=Path, default=None, help="where --headless writes its files")
    demo.add_argument("--port", type=int, default=0, help="port of the page on loopback")
    commands.add_parser("check", help="check configuration, database and permissions")
    commands.add_parser("health", help="ask the running bot whether it is ready")
    for name, words in (
        ("backup", "write a verified copy of the database"),
        ("restore", "put a copy in the place of the database"),
        ("verify", "check a published bundle (JSON) offline"),
    ):
        commands.add_parser(name, help=words).add_argument("file", metavar="FILE")
    commands.add_parser("invite", help="print the link that invites the bot")
    return parser


def _environment() -> dict[str, str]:
    """Return the environment over what the configuration file says."""
    from dotenv import dotenv_values

    from_file = {key: value or "" for key, value in dotenv_values(CONFIG_FILE).items()}
    return {**from_file, **os.environ}


if __name__ == "__main__":
    sys.exit(main())
