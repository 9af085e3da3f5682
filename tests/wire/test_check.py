"""`python -m bot check` against a Discord that has, or lacks, what the settings need."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.domain.canonical import canonical
from bot.services import history
from storage.tables import PolicyVersion
from tests.databases import database_of, guards_off, on_a_file, sql
from tests.services.world import utc
from tests.wire.fake_discord import COMMITTEE, COMMITTEE_ROLE, SERVER, SUPPORT, FakeDiscord
from tests.wire.faults import rate_limited
from tests.wire.program import Program

NOW = utc("2026-01-05")
SETTINGS = {
    "support_channel": str(SUPPORT),
    "committee_channel": str(COMMITTEE),
    "committee_role": str(COMMITTEE_ROLE),
    "cap": "1000.00",
    "hourly_rate": "5.00",
}


async def set_up(program: Program, **settings: str) -> None:
    database = database_of(program.folder)
    await database.open(now=NOW)
    async with database.write() as session:
        document = canonical({**SETTINGS, **settings}).decode()
        session.add(
            PolicyVersion(
                guild_id=SERVER, version=1, name="cap", document=document, actor_id=1, at=NOW
            )
        )
        await history.append(
            session, guild_id=SERVER, at=NOW, action="settings.changed", subject="setting:cap"
        )
    await database.close()


async def test_a_sound_installation_is_told_line_by_line(tmp_path: Path) -> None:
    async with FakeDiscord() as fake:
        program = Program(fake, tmp_path)
        await set_up(program)
        code, text = await program.run("check")
        assert code == 0, text
        assert f"ok     server {SERVER}: record of 1 rows, head" in text
        assert "ok     database readable" in text
        assert "ok     token of stipend" in text
        assert "ok     server Server: every permission is there" in text
        assert "all is well" in text.splitlines()
        assert fake.sockets == 0  # it never connects to the gateway


@on_a_file
async def test_before_the_first_start_there_is_nothing_to_find_fault_with(tmp_path: Path) -> None:
    async with FakeDiscord() as fake:
        program = Program(fake, tmp_path)
        code, text = await program.run("check")
        assert code == 0, text
        assert "not there yet, the first start makes it" in text
        assert "note   server Server: not set up yet, use /setup there" in text
        assert not program.database.exists()


async def test_missing_permissions_and_deleted_channels_are_named(tmp_path: Path) -> None:
    async with FakeDiscord(permissions="1024") as fake:
        program = Program(fake, tmp_path)
        await set_up(program, log_channel="999999999999999999", moderator_role="888888888888888888")
        code, text = await program.run("check")
        assert code == 78
        assert f"support_channel: missing in <#{SUPPORT}>: Send Messages, " in text
        assert f"committee_channel: missing in <#{COMMITTEE}>: Send Messages, " in text
        assert "log_channel: the channel is not there any more" in text
        assert "moderator_role: the role is not there any more" in text
        assert "4 fault(s)" in text


async def test_a_limit_that_lasts_for_hours_is_told_and_not_waited_for(tmp_path: Path) -> None:
    async with FakeDiscord() as fake:
        program = Program(fake, tmp_path, is_traced=False)
        await set_up(program)
        fake.fail(rate_limited("global", 7200), method="GET", part="/guilds")
        code, text = await program.run("check")
        assert code == 78
        assert "FAULT  Discord: Too many requests. Retry in 7200.00 seconds." in text


async def test_missing_settings_are_notes_for_the_admins_of_the_server(tmp_path: Path) -> None:
    async with FakeDiscord() as fake:
        program = Program(fake, tmp_path)
        await set_up(program, cap="")
        code, text = await program.run("check")
        assert code == 0, text
        assert f"note   server {SERVER}: `cap` is not set" in text


@pytest.mark.parametrize(
    ("changes", "found"),
    (
        ((), "the record: the trigger record_"),
        (
            ("UPDATE record SET action = 'settings.lost'",),
            "record row 1: its content does not give its hash",
        ),
    ),
    ids=("a guard is gone", "a row is another"),
)
async def test_a_record_that_was_tampered_with_is_found(
    tmp_path: Path, changes: tuple[str, ...], found: str
) -> None:
    async with FakeDiscord() as fake:
        program = Program(fake, tmp_path)
        await set_up(program)
        for statement in (*guards_off(database_of(tmp_path)), *changes):
            sql(program.url, statement)
        code, text = await program.run("check")
        assert code == 78
        assert found in text


@on_a_file
async def test_a_damaged_file_and_a_wrong_token_are_both_told(tmp_path: Path) -> None:
    async with FakeDiscord(refuse_token=True) as fake:
        program = Program(fake, tmp_path)
        program.database.write_bytes(b"this is no database" * 1000)
        code, text = await program.run("check")
        assert code == 78
        assert "file is not a database" in text
        assert "FAULT  Discord: Improper token" in text
        assert "Traceback" not in text
