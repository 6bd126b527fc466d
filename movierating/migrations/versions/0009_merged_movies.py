"""Ids of merged and deleted movies are remembered.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "merged_movie",
        sa.Column("id", _ID, nullable=False, autoincrement=False),
        sa.Column("into_id", _ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["into_id"], ["movie.id"], name="fk_merged_movie_into_id_movie", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_merged_movie"),
    )
    op.create_index("ix_merged_movie_into_id", "merged_movie", ["into_id"])
    op.create_table(
        "movie_external_id",
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column(
            "value", sa.String(1010).with_variant(sa.Text(collation="C"), "postgresql"), nullable=False
        ),
        sa.Column("movie_id", _ID, nullable=True),
        sa.CheckConstraint(
            "kind IN ('imdb', 'tmdb', 'wikidata', 'title')", name=op.f("ck_movie_external_id_kind")
        ),
        sa.ForeignKeyConstraint(
            ["movie_id"], ["movie.id"], name="fk_movie_external_id_movie_id_movie", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("kind", "value", name="pk_movie_external_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_movie_external_id_movie_id", "movie_external_id", ["movie_id"])


def downgrade() -> None:
    """Remove the tables."""
    op.drop_table("movie_external_id")
    op.drop_table("merged_movie")
