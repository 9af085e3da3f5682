"""What the program says of itself: readable lines or JSON, and no secret in either.

The token, tokens of interactions (each is good for fifteen minutes) and the password of the
database are taken out of the finished line, so that it does not matter how they got there: in a
message, in its arguments, or in the text of an exception. So is what people wrote, where an error
of the database repeats it.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final
from urllib.parse import unquote

import orjson

from bot.settings import JSON, Settings

log = logging.getLogger(__name__)

PROGRAM: Final = "stipend"
"""In whose name the last line is told."""
HIDDEN: Final = "[hidden]"
TEXT_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"
SURE: Final = 8
"""From so many characters on a secret is hidden within words too; a short one may be a word."""

QUIET: Final = {
    # Below these levels they write down what people write, which no log may hold.
    "aiosqlite": logging.INFO,
    "discord.client": logging.INFO,
    "discord.gateway": logging.INFO,
    "discord.http": logging.INFO,
    "discord.webhook": logging.INFO,
    "sqlalchemy": logging.WARNING,
    # And these say the same every few seconds.
    "alembic": logging.WARNING,
    "apscheduler": logging.WARNING,
}

_INCIDENT = re.compile(r"\bincident ([0-9a-f]{8})\b")
_DSN = re.compile(r"://[^:/@\s]*:([^@]*)@")

# Each keeps its first group and hides the rest.
_SHAPES: Final = (
    re.compile(r"(\b(?:webhooks|interactions)/\d+/)[^/\s?#'\"\\),>]+"),
    re.compile(r"(\btoken\\*['\"]\s*:\s*\\*['\"])[^'\"\\]+"),
    re.compile(r"(://[^:/@\s'\"]*:)(?!PASSWORD@)[^@\s/]+(?=@)"),
    re.compile(r"([?&]\w*password=)[^&\s'\"]+"),
    re.compile(r"((?<![\w-]))[\w-]{23,30}\.[\w-]{6,7}\.[\w-]{27,}"),
    # What people wrote, in an error of the database: its parameters, or the row that was refused.
    re.compile(r"(\[parameters: )[^\n]+"),
    re.compile(r"(\bDETAIL: +)[^\n]+"),
)


class Redaction:
    """Hides secrets in a text: those that are known, and whatever is shaped like one."""

    def __init__(self, secrets: Iterable[str]) -> None:
        # The longest first: one may be a part of another.
        patterns = [_known(secret) for secret in sorted(set(secrets), key=len, reverse=True)]
        self._known = re.compile("|".join(filter(None, patterns))) if any(patterns) else None

    def __call__(self, text: str) -> str:
        """Return a text without secrets."""
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        for shape in _SHAPES:
            text = shape.sub(rf"\g<1>{HIDDEN}", text)
        return text


def redaction(settings: Settings) -> Redaction:
    """Return what hides the secrets of a configuration."""
    found = _DSN.search(settings.database_url)
    password = found[1] if found else ""
    return Redaction((settings.discord_token, password, unquote(password)))


def _known(secret: str) -> str:
    """Return what finds a secret however it is written: in addresses, in JSON, in a `repr`."""
    loose = "".join(map(_loose, secret))
    return loose if len(secret) >= SURE else loose and rf"(?<!\w){loose}(?!\w)"


def _loose(letter: str) -> str:
    """Return what finds one letter, with any number of escapes before it."""
    if letter.isascii() and letter.isalnum():
        return letter
    if letter == "\\":
        return r"(?:\\+|%5[Cc])"
    encoded = "".join(f"%{byte:02x}" for byte in letter.encode(errors="replace"))
    ways = [rf"\\*{re.escape(letter)}", f"(?i:{encoded})"]
    if letter == " ":
        ways.append(r"\+")
    if not letter.isascii():
        ways.append(rf"\\+(?i:x{ord(letter):02x}|u{ord(letter):04x})")
    return f"(?:{'|'.join(ways)})"


class Readable(logging.Formatter):
    """A line for people, and the traceback below it."""

    def __init__(self, redact: Redaction) -> None:
        super().__init__(TEXT_FORMAT)
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as text."""
        if record.name == PROGRAM:
            return self._redact(f"{PROGRAM}: {record.getMessage()}")
        return self._redact(super().format(record))


class Structured(logging.Formatter):
    """One JSON object a line: time, level, logger, message; exception and incident if any."""

    def __init__(self, redact: Redaction) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as a line of JSON."""
        message = self._redact(record.getMessage())
        at = datetime.fromtimestamp(record.created, UTC)
        line = {
            "time": at.isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": message,
        }
        exception = self._exception(record)
        if exception:
            line["exception"] = self._redact(exception)
        incident = _INCIDENT.search(message)
        if incident:
            line["incident"] = incident[1]
        # Half a character, as a hostile name may hold, is no text for JSON.
        whole = {key: text.encode(errors="replace").decode() for key, text in line.items()}
        return orjson.dumps(whole).decode()

    def _exception(self, record: logging.LogRecord) -> str:
        parts = [record.exc_text or ""]
        if record.exc_info and not record.exc_text:
            parts = [self.formatException(record.exc_info)]
        if record.stack_info:
            parts.append(self.formatStack(record.stack_info))
        return "\n".join(filter(None, parts))


class Output(logging.StreamHandler[Any]):
    """Writes to standard error; what cannot be written is not shown raw instead."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - its name in logging
        """Say that a line is missing, without its arguments."""
        kind = getattr(sys.exc_info()[0], "__name__", "?")
        words = "a line could not be written: %s"
        safe = logging.LogRecord(record.name, logging.ERROR, "", 0, words, (kind,), None)
        try:
            self.stream.write(self.format(safe) + self.terminator)
        except (OSError, ValueError):
            return  # nobody listens any more


def tell(text: str) -> None:
    """Say in one line why the program ends: to people as it is, to a collector as an object."""
    outputs = (each for each in logging.getLogger().handlers if isinstance(each, Output))
    output = next(outputs, None)
    shape = output.formatter if output and output.formatter else Readable(Redaction(()))
    record = logging.LogRecord(PROGRAM, logging.CRITICAL, "", 0, "%s", (text,), None)
    sys.stderr.write(f"{shape.format(record)}\n")


def configure(settings: Settings) -> Redaction:
    """Let everything that is logged go to standard error; return what hides the secrets in it.

    Raises `ValueError` for a level that is none.
    """
    redact = redaction(settings)
    handler = Output()
    is_json = settings.log_format == JSON
    handler.setFormatter(Structured(redact) if is_json else Readable(redact))
    root = logging.getLogger()
    root.setLevel(settings.log_level.upper())
    root.handlers[:] = [*(each for each in root.handlers if not isinstance(each, Output)), handler]
    for name, level in QUIET.items():
        logging.getLogger(name).setLevel(max(level, root.level))
    return redact


def catch_everything() -> None:
    """Let warnings and errors that nothing else catches be logged: Python prints them raw."""
    logging.captureWarnings(capture=True)
    sys.excepthook = _uncaught
    threading.excepthook = sys.unraisablehook = _unraised


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    log.critical("the program has a bug", exc_info=(kind, error, trace))


def _unraised(args: threading.ExceptHookArgs | sys.UnraisableHookArgs) -> None:
    if args.exc_value is not None:
        _uncaught(args.exc_type, args.exc_value, args.exc_traceback)
