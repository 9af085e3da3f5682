"""Thanks: the board, votes, proposals and the tip jar."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "boards",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("round_id", KEY, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("capacity", sa.BigInteger(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=True),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("posted_at", sa.BigInteger(), nullable=True),
        sa.Column("pinned", sa.Boolean(), nullable=False),
        sa.Column("lost_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["round_id"], ["rounds.id"], name=op.f("fk_boards_round_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_boards")),
    )
    op.create_index("ix_boards_round", "boards", ["round_id"], unique=False)
    op.create_index(
        "uq_boards_message",
        "boards",
        ["message_id"],
        unique=True,
        sqlite_where=sa.text("message_id IS NOT NULL"),
        postgresql_where=sa.text("message_id IS NOT NULL"),
    )
    op.create_table(
        "inbox",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("events", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox")),
    )
    op.create_table(
        "matches",
        sa.Column("round_id", KEY, autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("limit_amount", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["round_id"], ["rounds.id"], name=op.f("fk_matches_round_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("round_id", name=op.f("pk_matches")),
    )
    op.create_table(
        "proposals",
        sa.Column("round_id", KEY, autoincrement=False, nullable=False),
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("proposer_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("accepted", sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(
            ["round_id"], ["rounds.id"], name=op.f("fk_proposals_round_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("round_id", "user_id", name=op.f("pk_proposals")),
    )
    op.create_table(
        "tallies",
        sa.Column("round_id", KEY, autoincrement=False, nullable=False),
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("voters", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["round_id"], ["rounds.id"], name=op.f("fk_tallies_round_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("round_id", "user_id", name=op.f("pk_tallies")),
    )
    op.create_table(
        "thanked_messages",
        sa.Column("round_id", KEY, autoincrement=False, nullable=False),
        sa.Column("message_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("author_id", sa.BigInteger(), nullable=False),
        sa.Column("checked_at", sa.BigInteger(), nullable=True),
        sa.Column("lost_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["round_id"],
            ["rounds.id"],
            name=op.f("fk_thanked_messages_round_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("round_id", "message_id", name=op.f("pk_thanked_messages")),
    )
    op.create_table(
        "thanks",
        sa.Column("round_id", KEY, autoincrement=False, nullable=False),
        sa.Column("helper_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("voter_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("source", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("origin_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("burst", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("after", sa.BigInteger(), nullable=True),
        sa.Column("doubt", sa.String(), nullable=False),
        sa.Column("taken_back_at", sa.BigInteger(), nullable=True),
        sa.Column("kept_at", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("private", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["round_id"], ["rounds.id"], name=op.f("fk_thanks_round_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint(
            "round_id",
            "helper_id",
            "voter_id",
            "source",
            "origin_id",
            "burst",
            name=op.f("pk_thanks"),
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tips",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("round_id", KEY, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("from_round_id", KEY, nullable=True),
        sa.Column("taken_back_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["from_round_id"],
            ["rounds.id"],
            name=op.f("fk_tips_from_round_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["round_id"], ["rounds.id"], name=op.f("fk_tips_round_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tips")),
        sa.UniqueConstraint("guild_id", "number", name=op.f("uq_tips_guild_id_number")),
    )
    op.create_index(op.f("ix_tips_round_id"), "tips", ["round_id"], unique=False)
    op.create_index(
        "uq_tips_from_round",
        "tips",
        ["from_round_id"],
        unique=True,
        sqlite_where=sa.text("from_round_id IS NOT NULL AND taken_back_at IS NULL"),
        postgresql_where=sa.text("from_round_id IS NOT NULL AND taken_back_at IS NULL"),
    )
    op.create_index(
        "uq_tips_reference",
        "tips",
        ["guild_id", "reference"],
        unique=True,
        sqlite_where=sa.text("reference <> '' AND taken_back_at IS NULL"),
        postgresql_where=sa.text("reference <> '' AND taken_back_at IS NULL"),
    )
    op.create_table(
        "places",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("round_id", KEY, nullable=False),
        sa.Column("board_id", KEY, nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("emoji", sa.String(), nullable=False),
        sa.Column("emoji_key", sa.String(), nullable=False),
        sa.Column("from_start", sa.Boolean(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("removed_at", sa.BigInteger(), nullable=True),
        sa.Column("seeded_at", sa.BigInteger(), nullable=True),
        sa.Column("checked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["board_id"], ["boards.id"], name=op.f("fk_places_board_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["round_id"], ["rounds.id"], name=op.f("fk_places_round_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_places")),
    )
    op.create_index("ix_places_round", "places", ["round_id", "user_id"], unique=False)
    op.create_index("uq_places_emoji", "places", ["board_id", "emoji_key"], unique=True)
    op.add_column("helpers", sa.Column("emoji", sa.String(), server_default="", nullable=False))
    op.add_column("helpers", sa.Column("emoji_key", sa.String(), nullable=True))
    op.add_column("helpers", sa.Column("dropped_by", sa.BigInteger(), nullable=True))
    op.create_index(
        "uq_helpers_emoji",
        "helpers",
        ["guild_id", "emoji_key"],
        unique=True,
        sqlite_where=sa.text("emoji_key IS NOT NULL"),
        postgresql_where=sa.text("emoji_key IS NOT NULL"),
    )
    op.add_column("rounds", sa.Column("counted_at", sa.BigInteger(), nullable=True))
    op.add_column(
        "rounds", sa.Column("reminders", sa.BigInteger(), server_default="0", nullable=False)
    )


def downgrade() -> None:
    raise NotImplementedError("restore the backup that was made before the migration")
