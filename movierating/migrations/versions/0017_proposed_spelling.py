"""Titles of members' files are stored as they are spelled, beside their match keys.

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, which is null for titles that are stored already."""
    op.add_column("title_proposal", sa.Column("title", sa.String(500)))


def downgrade() -> None:
    """Remove the column."""
    op.drop_column("title_proposal", "title")
