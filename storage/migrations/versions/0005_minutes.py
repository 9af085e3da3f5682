"""Minutes by round and helper in one index: nobody reads the entries of a round to add them up."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_entries_round_user", table_name="entries")
    op.create_index(
        "ix_entries_minutes",
        "entries",
        ["round_id", "user_id", "withdrawn_at", "minutes"],
        unique=False,
    )


def downgrade() -> None:
    raise NotImplementedError("restore the backup that was made before the migration")
