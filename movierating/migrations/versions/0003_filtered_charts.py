"""Charts by mean, by number of ratings and by year are filtered in their indexes too, as that by score is.

Revision ID: 0003
Revises: 0002
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_SORTS = {"ix_movie_mean": "mean_rank", "ix_movie_count": "rating_count", "ix_movie_year": "year_rank"}


def upgrade() -> None:
    """Give these indexes what charts are filtered by."""
    for name, column in _SORTS.items():
        op.drop_index(name, "movie")
        op.create_index(name, "movie", [column, "id", "year", "language", "genres"])


def downgrade() -> None:
    """Take it out of them."""
    for name, column in _SORTS.items():
        op.drop_index(name, "movie")
        op.create_index(name, "movie", [column, "id"])
