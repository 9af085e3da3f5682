"""How the program is configured: the environment, read strictly and only where asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

PREFIX = "STIPEND_"
NOT_SETTINGS = {"STIPEND_NO_BROWSER"}  # the demo reads it
UNPREFIXED = {"DISCORD_TOKEN": "discord_token", "DATABASE_URL": "database_url"}


class ConfigurationError(Exception):
    """A setting of the program is wrong; the text is one line for the operator."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What an operator sets. Settings of a server are made in Discord, with `/setup`."""

    discord_token: str = ""
    database_url: str = "sqlite+aiosqlite:///stipend.db"
    log_level: str = "INFO"
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
        return cls(**values)  # type: ignore[arg-type]


def _value(variable: str, text: str, *, is_number: bool) -> str | int:
    if not is_number:
        return text
    if not text.isascii() or not text.isdigit() or len(text) > len("1000000"):
        raise ConfigurationError(f"{variable} needs a whole number, not {text!r}")
    return int(text)
