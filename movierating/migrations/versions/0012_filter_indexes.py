"""Movies are filtered by country and runtime with indexes.

Revision ID: 0012
Revises: 0011
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the indexes."""
    op.create_index("ix_movie_country", "movie", ["country", "id"])
    op.create_index("ix_movie_runtime", "movie", ["runtime_minutes", "id"])


def downgrade() -> None:
    """Remove them."""
    op.drop_index("ix_movie_runtime", "movie")
    op.drop_index("ix_movie_country", "movie")
