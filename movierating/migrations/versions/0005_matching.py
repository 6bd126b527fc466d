"""Movies of one title and year may be told apart by their TMDB ids.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_INDEX = "uq_movie_title_year"


def _replace_index(where: str) -> None:
    op.drop_index(_INDEX, "movie")
    condition = sa.text(where)
    op.create_index(
        _INDEX,
        "movie",
        ["title_key", "year_rank"],
        unique=True,
        sqlite_where=condition,
        postgresql_where=condition,
    )


def upgrade() -> None:
    """Let the index contain only movies without ids."""
    _replace_index("imdb_id IS NULL AND tmdb_id IS NULL")


def downgrade() -> None:
    """Let it contain all movies without an IMDb id; fails if two of those have one title and year."""
    _replace_index("imdb_id IS NULL")
