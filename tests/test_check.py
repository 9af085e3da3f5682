"""What `python -m bot check` finds in data that was changed behind the program's back."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from bot import check
from bot.settings import Settings
from tests.paid import play
from tests.services.world import ADA, BEN, GUILD

SERVER = f"server {GUILD}: "
ADA_PAID, BEN_PAID = f"payment 1 to {ADA.user_id} in 2026-Q1: ", "payment 2 to "


@pytest.fixture(scope="module")
def season(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return play(tmp_path_factory.mktemp("season") / "stipend.db")


@pytest.fixture
def file(season: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(season, tmp_path))


def fingerprint(file: Path) -> tuple[str, list[str]]:
    """What changes as soon as anything is written to the file, or beside it."""
    return sha256(file.read_bytes()).hexdigest(), [path.name for path in file.parent.iterdir()]


async def checked(file: Path, *scripts: str) -> tuple[int, list[str]]:
    """Change a file with SQL, without any of its guards, and return what the check says."""
    with closing(sqlite3.connect(file)) as connection:
        for script in scripts:
            connection.executescript(script)
    said: list[str] = []
    code = await check.run(Settings(database_url=f"sqlite+aiosqlite:///{file}"), say=said.append)
    return code, said


async def test_a_season_is_sound_and_looking_changes_not_a_byte(file: Path) -> None:
    before = fingerprint(file)
    code, said = await checked(file)
    assert code == 0, said
    assert "all is well" in said
    assert f"ok     {SERVER}statements recomputed: 1, payments: 2" in said
    assert fingerprint(file) == before


NO_GUARDS = "DROP TRIGGER record_no_update; DROP TRIGGER record_no_delete;"
RAISED = "UPDATE lines SET amount = amount + 100 WHERE user_id = 11"

TAMPERED = (
    ("DROP TRIGGER record_no_delete", "the record: the trigger record_no_delete is missing"),
    (
        f"{NO_GUARDS} UPDATE record SET subject = 'entry:9' WHERE number = 9",
        f"{SERVER}record row 9: its content does not give its hash",
    ),
    (
        f"{NO_GUARDS} DELETE FROM record WHERE number = 1",
        f"{SERVER}record row 2: it is the first, and rows before it are gone",
    ),
    (
        f"{NO_GUARDS} UPDATE record SET data = '{{' WHERE number = 9",
        f"{SERVER}the record cannot be checked: JSONDecodeError: ",
    ),
    ("UPDATE statements SET record_head = 'x'", "a statement was published with another hash"),
    ("UPDATE openings SET text = 'nothing'", "the stored note does not give its digest"),
    (
        "UPDATE statements SET total = total + 1",
        f"{SERVER}2026-Q1, version 1: its lines add up to 7000, and its total is 7001",
    ),
    (RAISED, f"{SERVER}2026-Q1, version 1: its lines add up to 7100, and its total is 7000"),
    (RAISED, f"{SERVER}2026-Q1, version 1: its lines are not those of its document"),
    (
        """UPDATE statements SET document = replace(document, '"minutes":600', '"minutes":601')""",
        f"{SERVER}2026-Q1, version 1: its document does not follow from its inputs",
    ),
    (
        "UPDATE statements SET sha256 = 'x'",
        f"{SERVER}2026-Q1, version 1: its hash is not that of its content",
    ),
    (
        "UPDATE statements SET document = '{}'",
        f"{SERVER}2026-Q1, version 1: its document cannot be read (KeyError)",
    ),
    (
        "UPDATE statements SET document = '{}'",
        f"{SERVER}the bundle of 2026-Q1: it cannot be made (KeyError)",
    ),
    ("DELETE FROM payments WHERE user_id = 11", f"{SERVER}the bundle of 2026-Q1: "),
    (
        "UPDATE payments SET amount = amount + 1 WHERE user_id = 11",
        f"{SERVER}{ADA_PAID}5001 were paid, and 5000 were due",
    ),
    (
        "UPDATE payments SET pay_amount = 3 WHERE user_id = 11",
        f"{SERVER}{ADA_PAID}3 were paid in its currency, and None were due",
    ),
    (
        "UPDATE lines SET waived = 1 WHERE user_id = 11",
        f"{SERVER}{ADA_PAID}it was paid although it is waived",
    ),
    (
        "UPDATE payments SET version = 9 WHERE user_id = 11",
        f"{SERVER}{ADA_PAID}version 9 has no such line",
    ),
    (
        "UPDATE payments SET version = 9 WHERE user_id = 11",
        f"{SERVER}1 rows of payments have no row of statements",
    ),
    ("UPDATE payments SET user_id = 77 WHERE user_id = 11", "version 1 has no such line"),
    (
        "DROP INDEX uq_payments_line; UPDATE payments SET user_id = 11, reference = id",
        f"{SERVER}{BEN_PAID}{ADA.user_id} in 2026-Q1: this line is paid twice",
    ),
    (
        "DROP INDEX uq_rounds_open; UPDATE rounds SET state = 'open'",
        f"{SERVER}2 rounds are open at once: 2026-Q1, 2026-Q2",
    ),
    (
        "DELETE FROM rounds WHERE label = '2026-Q2'",
        "1 rows of entries refer to a row of rounds that is not there",
    ),
    (
        f"DELETE FROM helpers WHERE user_id = {BEN.user_id}",
        f"{SERVER}2 rows of entries have no row of helpers",
    ),
    ("DELETE FROM helpers", f"{SERVER}1 rows of tallies have no row of helpers"),
    ("DELETE FROM people", f"{SERVER}3 rows of helpers have no row of people"),
    ("UPDATE posts SET round_id = 99 WHERE id = 1", "1 rows of posts have no row of rounds"),
    (
        "UPDATE entries SET guild_id = 5 WHERE number = 1",
        "server 5: 1 rows of entries have no row of rounds of this server",
    ),
)


@pytest.mark.parametrize(("script", "fault"), TAMPERED, ids=[script for script, _ in TAMPERED])
async def test_what_was_changed_is_found_and_told(file: Path, script: str, fault: str) -> None:
    code, said = await checked(file, script)
    assert code == 78
    assert any(line.startswith("FAULT  ") and fault in line for line in said), "\n".join(said)
    assert "all is well" not in said


async def test_a_missing_policy_stops_no_other_check(file: Path) -> None:
    code, said = await checked(
        file,
        "DELETE FROM policy_versions; DROP INDEX uq_rounds_open; UPDATE rounds SET state='open'",
    )
    assert code == 78
    assert any("rows of rounds have no row of policy_versions" in line for line in said)
    assert any("rounds are open at once" in line for line in said)


async def test_a_file_of_another_version_is_not_judged_by_the_rules_of_this_one(
    file: Path,
) -> None:
    older = "UPDATE alembic_version SET version_num = '0001'; DROP TABLE batches"
    code, said = await checked(file, older)
    assert code == 0, said
    assert any("database at migration 0001: the next start brings it to" in line for line in said)
    code, said = await checked(file, "UPDATE alembic_version SET version_num = '9999'")
    assert code == 78
    assert any("was written by a newer version (migration 9999)" in line for line in said)


async def test_an_empty_file_and_one_with_a_table_gone_are_told_in_a_line(
    file: Path, tmp_path: Path
) -> None:
    empty = tmp_path / "empty.db"
    empty.touch()
    code, said = await checked(empty)
    assert code == 0
    assert "note   database empty: the first start makes its tables" in said
    code, said = await checked(file, "PRAGMA foreign_keys = OFF; DROP TABLE payments")
    assert code == 78
    assert any(line.startswith("FAULT  the database: ") for line in said), said
    assert all(chr(10) not in line for line in said)
