"""Movies that imports add get the ids of later rows.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column that is true for a movie that an import added from now on."""
    op.add_column("movie", sa.Column("learns_ids", sa.Boolean(), server_default="0", nullable=False))


def downgrade() -> None:
    """Remove it."""
    op.drop_column("movie", "learns_ids")
