"""Claims of interactions in one tree instead of two: none of the others grows as fast.

SQLite knows a row by its own INTEGER; a key of any other type is an index beside the table.
"""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        return
    op.execute(
        "CREATE TABLE claims_by_number (interaction_id INTEGER NOT NULL, at BIGINT NOT NULL, "
        "CONSTRAINT pk_claims PRIMARY KEY (interaction_id))"
    )
    op.execute("INSERT INTO claims_by_number SELECT interaction_id, at FROM claims")
    op.drop_table("claims")
    op.rename_table("claims_by_number", "claims")


def downgrade() -> None:
    raise NotImplementedError("restore the backup that was made before the migration")
