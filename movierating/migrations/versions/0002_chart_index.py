"""Charts under a filter walk the index of the whole chart; facets no longer hold a copy of the score.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Give the chart's index what charts are filtered by, and take the score out of the facets."""
    op.drop_index("ix_movie_score", "movie")
    op.create_index("ix_movie_score", "movie", ["score", "id", "year", "language", "genres"])
    op.drop_index("ix_movie_facet_score", "movie_facet")
    op.drop_column("movie_facet", "score")
    op.create_index("ix_movie_facet_facet", "movie_facet", ["facet", "movie_id"])


def downgrade() -> None:
    """Put the copies of the score back."""
    op.drop_index("ix_movie_facet_facet", "movie_facet")
    op.add_column("movie_facet", sa.Column("score", sa.Double(), server_default="0", nullable=False))
    op.execute(
        "UPDATE movie_facet SET score = (SELECT score FROM movie WHERE movie.id = movie_facet.movie_id)"
    )
    op.create_index("ix_movie_facet_score", "movie_facet", ["facet", "score", "movie_id"])
    op.drop_index("ix_movie_score", "movie")
    op.create_index("ix_movie_score", "movie", ["score", "id"])
