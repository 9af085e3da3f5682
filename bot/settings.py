"""How the program is configured: the environment, read strictly and only where asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Self

PREFIX = "STIPEND_"
NOT_SETTINGS = {"STIPEND_NO_BROWSER"}  # the demo reads it
UNPREFIXED = {"DISCORD_TOKEN": "discord_token", "DATABASE_URL": "database_url"}
TEXT, JSON = LOG_FORMATS = ("text", "json")
HIGHEST_PORT = 65_535


class ConfigurationError(Exception):
    """A setting of the program is wrong; the text is one line for the operator."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What an operator sets. Settings of a server are made in Discord, with `/setup`.

    Secrets are no part of its `repr`, so that no traceback shows them.
    """

    discord_token: str = field(default="", repr=False)
    database_url: str = field(default="sqlite+aiosqlite:///stipend.db", repr=False)
    log_level: str = "INFO"
    log_format: str = TEXT
    health_port: int = 0
    """Of the page for monitoring, on loopback; 0 for none."""
    backup_folder: str = ""
    """Where a verified copy is put every day; empty for none."""
    backup_keep: int = 14
    shard_count: int = 0
    """Over all processes; 0 for one connection, which is enough for up to 2,500 servers."""
    shard_ids: str = ""
    """Those of this process, such as `0,1`; empty for all."""
    tick_seconds: int = 15
    post_interval_ms: int = 1000
    source_url: str = ""

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Read `STIPEND_DISCORD_TOKEN` and so on; an unknown `STIPEND_` name is an error.

        `DISCORD_TOKEN` and `DATABASE_URL` are accepted too, where many hosts put them.
        """
        known = {field.name: field for field in fields(cls)}
        values: dict[str, str | int] = {}
        for variable, name in UNPREFIXED.items():
            if environ.get(variable, "").strip():
                values[name] = environ[variable].strip()
        for variable, text in environ.items():
            if not variable.startswith(PREFIX) or not text.strip():
                continue
            name = variable.removeprefix(PREFIX).lower()
            if variable in NOT_SETTINGS:
                continue
            if name not in known:
                listed = ", ".join(f"{PREFIX}{field.upper()}" for field in known)
                raise ConfigurationError(f"{variable} is not a setting; known are {listed}")
            values[name] = _value(
                variable, text.strip(), is_number=isinstance(known[name].default, int)
            )
        made = cls(**values)  # type: ignore[arg-type]
        _require_sense(made)
        return made

    @property
    def shards(self) -> tuple[int, ...]:
        """The shards of this process, rising; empty for all."""
        return tuple(
            sorted({int(number) for number in self.shard_ids.split(",") if number.strip()})
        )


def _require_sense(settings: Settings) -> None:
    """Refuse values that are well-formed, but cannot be meant."""
    if settings.log_format not in LOG_FORMATS:
        raise ConfigurationError(
            f"STIPEND_LOG_FORMAT is {TEXT} or {JSON}, not {settings.log_format!r}"
        )
    if settings.health_port > HIGHEST_PORT:
        raise ConfigurationError(f"STIPEND_HEALTH_PORT is at most {HIGHEST_PORT}")
    if settings.backup_keep < 1:
        raise ConfigurationError("STIPEND_BACKUP_KEEP is at least 1")
    if not settings.shard_ids:
        return
    numbers = [number.strip() for number in settings.shard_ids.split(",")]
    if not all(number.isascii() and number.isdigit() for number in numbers):
        raise ConfigurationError("STIPEND_SHARD_IDS needs numbers such as 0,1")
    if settings.shards[-1] >= settings.shard_count:
        raise ConfigurationError(
            "STIPEND_SHARD_IDS needs STIPEND_SHARD_COUNT, the same in every process and higher "
            "than each of them"
        )


def _value(variable: str, text: str, *, is_number: bool) -> str | int:
    if not is_number:
        return text
    if not text.isascii() or not text.isdigit() or len(text) > len("1000000"):
        raise ConfigurationError(f"{variable} needs a whole number, not {text!r}")
    return int(text)
