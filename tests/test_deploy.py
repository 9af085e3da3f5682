"""What an operator installs with: image, compose file, service, and what it consists of."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from configparser import ConfigParser
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import pytest

from bot.settings import Settings
from storage.database import Database

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = (ROOT / "compose.yaml").read_text(encoding="utf-8")
INSTALL = (DEPLOY / "install.sh").read_text(encoding="utf-8")
CLEAN_ROOT = (DEPLOY / "clean-root.sh").read_text(encoding="utf-8")
UNIT = DEPLOY / "stipend.service"
VERIFY_SECONDS = 60


def said(instruction: str) -> list[str]:
    """What the Dockerfile says after an instruction, continued lines joined."""
    joined = DOCKERFILE.replace("\\\n", " ")
    return re.findall(rf"^{instruction} +(.*)$", joined, flags=re.MULTILINE)


def environment() -> dict[str, str]:
    return dict(line.split("=", 1) for line in said("ENV"))


# ---------------------------------------------------------------- the image


def test_the_base_of_the_image_is_pinned_and_the_clean_root_is_of_the_same_release() -> None:
    (base,) = said("FROM")
    assert re.fullmatch(r"debian:12\.[0-9]+-slim", base)
    assert "\nsuite=bookworm\n" in CLEAN_ROOT


def test_image_and_clean_root_consist_of_the_same_steps() -> None:
    (run,) = said("RUN")
    assert run.endswith(' sh /source/deploy/install.sh --image "$REQUIREMENTS"')
    assert said("COPY") == said("ADD") == []
    assert 'sh /source/deploy/install.sh --image "$requirements"' in CLEAN_ROOT
    for instruction in ("USER", "WORKDIR", "ENV"):
        assert f"setting {instruction}" in CLEAN_ROOT


def test_the_image_runs_as_nobody_special_and_tells_of_its_health() -> None:
    assert said("USER") == ["stipend"]
    assert "--uid 10001" in INSTALL
    assert said("WORKDIR") == said("VOLUME") == ["/data"]
    (health,) = said("HEALTHCHECK")
    assert health.endswith('CMD ["python", "-m", "bot", "health"]')
    assert said("CMD") == ['["python", "-m", "bot"]']


def test_the_image_keeps_its_data_and_copies_in_the_volume() -> None:
    settings = Settings.from_env(environment())
    assert settings.database_url == "sqlite+aiosqlite:////data/stipend.db"
    assert settings.backup_folder == "/data/backups"
    assert settings.health_port > 0
    assert not settings.discord_token


def test_only_locked_packages_are_installed_and_none_of_tests_or_the_demo() -> None:
    pip = next(line for line in INSTALL.replace("\\\n", " ").splitlines() if "pip install" in line)
    assert "--require-hashes" in pip
    assert "--only-binary :all:" in pip
    assert "requirements/$requirements.txt" in pip
    for name in ("run", "postgres"):
        text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
        assert not re.search(r"^(simcord|pytest|mypy|ruff|playwright)", text, flags=re.MULTILINE)


def test_the_builder_is_sent_every_package_of_the_program_and_nothing_secret() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = {name.split(".")[0] for name in project["tool"]["setuptools"]["packages"]}
    assert packages <= {rule[1:] for rule in rules if rule.startswith("!")}
    assert all(f'"$source/{package}"' in INSTALL for package in packages)
    assert {"**/*.env", "**/*.db"} <= set(rules)


@pytest.mark.parametrize("script", sorted(DEPLOY.glob("*.sh")), ids=lambda path: path.name)
def test_scripts_can_be_read_by_their_shell(script: Path) -> None:
    shell = script.read_text(encoding="utf-8").splitlines()[0].removeprefix("#!/bin/")
    done = subprocess.run([shell, "-n", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert script.stat().st_mode & 0o111


# ---------------------------------------------------------------- compose


def service(name: str) -> str:
    """The part of the compose file about one service."""
    match = re.search(rf"^  {name}:.*\n((?:    .*\n|\n|  +#.*\n)+)", COMPOSE, flags=re.MULTILINE)
    assert match is not None, name
    return match[1]


def test_the_container_may_write_nowhere_but_in_its_volume() -> None:
    bot = service("bot")
    assert "read_only: true" in bot
    assert re.search(r"tmpfs:\n +- /tmp", bot)
    assert re.search(r"cap_drop:\n +- ALL", bot)
    assert re.search(r"security_opt:\n +- no-new-privileges:true", bot)
    assert re.search(r"volumes:\n +- data:/data", bot)
    assert "ports:" not in COMPOSE


def test_a_wrong_configuration_does_not_start_it_for_ever() -> None:
    assert re.search(r"restart: on-failure:[0-9]+\n", service("bot"))
    assert "stop_grace_period: 15s" in service("bot")


def test_postgresql_and_the_second_process_come_only_where_they_are_asked_for() -> None:
    database = service("database")
    assert re.search(r"image: postgres:[0-9]+\.[0-9]+\n", database)
    assert re.search(r"profiles:\n +- postgres\n", database)
    assert "pg_isready" in database
    assert "database:/var/lib/postgresql/data" in database
    assert re.search(r"profiles:\n +- shards\n", service("bot-2"))
    assert "profiles:" not in service("bot")
    assert "condition: service_healthy" in service("bot")


def test_every_setting_of_the_compose_file_is_one_and_can_be_made_in_the_example() -> None:
    example = (DEPLOY / "postgres.env").read_text(encoding="utf-8")
    asked = set(re.findall(r"\$\{(\w+):", COMPOSE))
    assert asked <= set(re.findall(r"^#?(\w+)=", example, flags=re.MULTILINE))
    default = r"^      (STIPEND_\w+): \$\{\w+:-(.*)\}$"
    given = dict(re.findall(default, service("bot"), flags=re.MULTILINE))
    # Without any of them, it is one process with SQLite, as the image is by itself.
    settings = Settings.from_env(given)
    assert settings.database_url == environment()["STIPEND_DATABASE_URL"]
    assert (settings.shard_count, settings.shard_ids) == (0, "")


# ---------------------------------------------------------------- the service


@pytest.fixture
def unit() -> dict[str, str]:
    parser = ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(UNIT.read_text(encoding="utf-8"))
    return {name: value for section in parser.values() for name, value in section.items()}


def test_the_service_is_started_again_slowly_but_not_with_a_wrong_configuration(
    unit: dict[str, str],
) -> None:
    assert unit["Restart"] == "on-failure"
    assert int(unit["RestartSec"]) >= 30  # 1000 connections a day, and the token is reset
    assert unit["StartLimitIntervalSec"] == "0"
    assert unit["RestartPreventExitStatus"] == "78"
    assert unit["TimeoutStopSec"] == "15"


def test_the_service_keeps_its_data_where_it_may_write(unit: dict[str, str]) -> None:
    lines = UNIT.read_text(encoding="utf-8").splitlines()
    pairs = [
        line.removeprefix("Environment=").split("=", 1) for line in lines if "=STIPEND" in line
    ]
    settings = Settings.from_env(dict(pairs))
    folder = unit["WorkingDirectory"]
    assert folder == f"/var/lib/{unit['StateDirectory']}"
    assert settings.database_url == f"sqlite+aiosqlite:///{folder}/stipend.db"
    assert settings.backup_folder == f"{folder}/backups"
    assert unit["ExecStart"] == "/opt/stipend/venv/bin/python -m bot"
    assert "home=/opt/stipend\n" in INSTALL


def test_the_operators_command_has_the_settings_of_the_service(unit: dict[str, str]) -> None:
    command = (DEPLOY / "stipend.sh").read_text(encoding="utf-8")
    url = next(each for each in UNIT.read_text().splitlines() if "STIPEND_DATABASE_URL" in each)
    assert f"--setenv={url.removeprefix('Environment=')} " in command
    assert f"--property=EnvironmentFile={unit['EnvironmentFile']} " in command
    assert f"--working-directory={unit['WorkingDirectory']} " in command
    assert f"--uid={unit['User']} --gid={unit['Group']} " in command
    for name in ("StateDirectory", "StateDirectoryMode", "UMask"):
        assert f"--property={name}={unit[name]} " in command
    assert f'{unit["ExecStart"]} "$@"\n' in command


def test_every_address_in_the_example_is_one() -> None:
    example = (ROOT / "config.example.env").read_text(encoding="utf-8")
    beside, anywhere, file = re.findall(r"^#STIPEND_DATABASE_URL=(.+)$", example, re.MULTILINE)
    assert Database(beside).url.query == {"host": "/run/postgresql"}
    assert Database(anywhere).url.password == "PASSWORD"
    assert file == Settings().database_url


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is missing")
def test_systemd_finds_nothing_wrong_with_the_service(tmp_path: Path) -> None:
    """But for the path of the program, which is not installed here."""
    copy = tmp_path / UNIT.name
    text = UNIT.read_text(encoding="utf-8")
    copy.write_text(text.replace("/opt/stipend/venv/bin/python", sys.executable), encoding="utf-8")
    for command in (
        ("verify", "--man=no"),
        ("security", "--offline=true", "--no-pager", "--threshold=20"),  # exposure 2.0 of 10
    ):
        done = subprocess.run(
            ["systemd-analyze", *command, str(copy)],
            capture_output=True,
            text=True,
            check=False,
            timeout=VERIFY_SECONDS,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert command[0] != "verify" or done.stdout + done.stderr == ""


# ---------------------------------------------------------------- what it is made of

LISTED = dict(
    re.findall(
        r"^\| ([a-z][a-z0-9-]+) \| ([^|]+) \|",
        (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8"),
        flags=re.MULTILINE,
    )
)
for heading in ("package", "what"):
    LISTED.pop(heading)
FREE = ("MIT", "BSD", "Apache", "PSF", "Python Software Foundation", "Public Domain")
WEAK_COPYLEFT = re.compile(r"\bMPL\b|Mozilla|\bLGPL|Lesser General Public")
STRONG_COPYLEFT = re.compile(r"\bA?GPL|(?<!Lesser )General Public|Affero|SSPL|Proprietary")


def locked(name: str) -> dict[str, str]:
    """The packages of a lock file with their markers."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9-]+)==[^ ;]+ ?(.*?) ?\\$", text, flags=re.MULTILINE))


def installed(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def licence_of(package: Distribution) -> str:
    """Everything a package says of its licence, or else how its licence begins."""
    about = package.metadata
    words = [about[key] for key in ("License-Expression", "License") if key in about]
    words += [each for each in about.get_all("Classifier") or () if each.startswith("License")]
    if any(words):
        return " ".join(words)
    files = [each for each in package.files or () if each.name.upper().startswith("LICENSE")]
    text = " ".join(each.read_text() for each in files)
    return "MIT" if "Permission is hereby granted, free of charge" in text else text


def test_the_list_of_dependencies_is_complete_and_has_nothing_else() -> None:
    assert LISTED.keys() == locked("run").keys() | locked("postgres").keys()


def test_every_direct_dependency_is_told_to_be_chosen() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["postgres"]]
    names = {re.split(r"[^A-Za-z0-9._-]", each)[0].lower().replace(".", "-") for each in wanted}
    chosen = list(LISTED)[: list(LISTED).index("aiohappyeyeballs")]
    assert sorted(chosen) == sorted(names)


@pytest.mark.parametrize("name", sorted(LISTED))
def test_licences_are_free_and_as_they_are_listed(name: str) -> None:
    package = installed(name)
    if package is None:
        assert locked("postgres")[name] or name == "asyncpg", "it is for other Pythons only"
        return
    licence = licence_of(package)
    assert STRONG_COPYLEFT.search(licence) is None, licence
    is_weak = WEAK_COPYLEFT.search(licence) is not None
    assert is_weak is (name in {"orjson", "pygal"})
    assert is_weak or any(word in licence for word in FREE), licence
    known = {
        "PSF-2.0": ("PSF", "Python Software"),
        "MPL-2.0": ("MPL",),
        "LGPL-3.0-or-later": ("LGPL",),
    }
    for word in re.split(r", | or ", LISTED[name]):
        said_so = known.get(word.strip(), (word.strip().split("-")[0],))
        assert any(each.lower() in licence.lower() for each in said_so), f"{word}: {licence}"


def test_every_test_that_the_security_page_names_is_there() -> None:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    present = {path.stem for path in (ROOT / "tests").rglob("test_*.py")}
    named = set(re.findall(r"`(test_\w+)`", text))
    assert len(named) > 10
    assert named <= present
    linked = re.findall(r"\]\((?!http)([^)]+)\)", text) + re.findall(r"`(deploy/[\w.-]+)`", text)
    assert all((ROOT / path).exists() for path in linked)
