"""Sorts by title and by the time of creation are filtered in their indexes, as charts are.

Revision ID: 0007
Revises: 0006
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_SORTS = {"ix_movie_title": "title_key", "ix_movie_created": "created_at"}


def upgrade() -> None:
    """Add the columns of filters to the indexes."""
    for name, column in _SORTS.items():
        op.drop_index(name, "movie")
        op.create_index(name, "movie", [column, "id", "year", "language", "genres"])


def downgrade() -> None:
    """Remove them."""
    for name, column in _SORTS.items():
        op.drop_index(name, "movie")
        op.create_index(name, "movie", [column, "id"])
