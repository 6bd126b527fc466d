"""Uploads wait in the database until their users import them.

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "stored_file",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("user_id", _ID, nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("part_count", sa.Integer(), nullable=False),
        sa.Column("stored_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind IN ('upload', 'report')", name=op.f("ck_stored_file_kind")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name="fk_stored_file_user_id_user", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_stored_file"),
        sa.UniqueConstraint("user_id", "kind", name="uq_stored_file_user_id_kind"),
    )
    op.create_index("ix_stored_file_stored_at", "stored_file", ["stored_at"])
    op.create_table(
        "stored_file_part",
        sa.Column("file_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["file_id"],
            ["stored_file.id"],
            name="fk_stored_file_part_file_id_stored_file",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("file_id", "number", name="pk_stored_file_part"),
    )


def downgrade() -> None:
    """Remove them."""
    op.drop_table("stored_file_part")
    op.drop_table("stored_file")
