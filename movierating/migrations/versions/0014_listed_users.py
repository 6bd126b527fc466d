"""Users can opt out of lists of people with the same taste.

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("user", sa.Column("listed", sa.Boolean(), server_default="1", nullable=False))


def downgrade() -> None:
    """Remove it."""
    op.drop_column("user", "listed")
