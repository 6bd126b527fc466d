"""The catalogue adds no titles to a movie of which an admin removed one.

Revision ID: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column that is true until an admin removes an alternative title of the movie."""
    op.add_column("movie", sa.Column("takes_titles", sa.Boolean(), server_default="1", nullable=False))


def downgrade() -> None:
    """Remove it."""
    op.drop_column("movie", "takes_titles")
