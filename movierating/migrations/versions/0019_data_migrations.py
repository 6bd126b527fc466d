"""The table of data migrations has the name of what it holds.

Revision ID: 0019
Revises: 0018
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Rename `milestone` to `data_migration` and its `reached_at` to `applied_at`."""
    _rename("milestone", "reached_at", "data_migration", "applied_at")


def downgrade() -> None:
    """Rename them back."""
    _rename("data_migration", "applied_at", "milestone", "reached_at")


def _rename(old_table: str, old_column: str, table: str, column: str) -> None:
    # A new table, because SQLite can't rename the primary key's constraint. It has few rows.
    op.create_table(
        table,
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column(column, sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=f"pk_{table}"),
    )
    op.execute(f"INSERT INTO {table} (name, {column}) SELECT name, {old_column} FROM {old_table}")  # noqa: S608
    op.drop_table(old_table)
