"""Movies that a user has not seen are remembered, so that they are not suggested again.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "skipped_movie",
        sa.Column("user_id", _ID, nullable=False),
        sa.Column("movie_id", _ID, nullable=False),
        sa.Column("skipped_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name="fk_skipped_movie_user_id_user", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["movie_id"], ["movie.id"], name="fk_skipped_movie_movie_id_movie", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "movie_id", name="pk_skipped_movie"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_skipped_movie_movie_id", "skipped_movie", ["movie_id"])


def downgrade() -> None:
    """Remove the table."""
    op.drop_table("skipped_movie")
