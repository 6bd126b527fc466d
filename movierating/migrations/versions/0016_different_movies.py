"""Pairs of movies that look alike and are different ones are remembered.

Revision ID: 0016
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "different_movies",
        sa.Column("movie_id", _ID, nullable=False),
        sa.Column("other_id", _ID, nullable=False),
        sa.CheckConstraint("movie_id < other_id", name="order"),
        sa.ForeignKeyConstraint(
            ["movie_id"], ["movie.id"], name="fk_different_movies_movie_id_movie", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["other_id"], ["movie.id"], name="fk_different_movies_other_id_movie", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("movie_id", "other_id", name="pk_different_movies"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_different_movies_other_id", "different_movies", ["other_id"])


def downgrade() -> None:
    """Remove it."""
    op.drop_table("different_movies")
