"""Movies have a prominence, which breaks ties in charts, and alternative titles.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SORTS = {"ix_movie_score": "score", "ix_movie_count": "rating_count"}
_FILTERED_BY = ("year", "language", "genres")


def upgrade() -> None:
    """Add the column and the table, and sort charts by the column after the ratings."""
    op.add_column("movie", sa.Column("prominence", sa.Integer(), server_default="0", nullable=False))
    for name, column in _SORTS.items():
        op.drop_index(name, "movie")
        op.create_index(name, "movie", [column, "prominence", "id", *_FILTERED_BY])
    op.create_table(
        "movie_title",
        sa.Column("id", _ID, nullable=False),
        sa.Column("movie_id", _ID, nullable=False),
        sa.Column("title", sa.String(length=500), nullable=False),
        sa.Column(
            "match_key",
            sa.String(1000).with_variant(sa.Text(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.CheckConstraint("source IN ('catalogue', 'admin', 'import')", name=op.f("ck_movie_title_source")),
        sa.ForeignKeyConstraint(
            ["movie_id"], ["movie.id"], name="fk_movie_title_movie_id_movie", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_movie_title"),
        sa.UniqueConstraint("movie_id", "match_key", name="uq_movie_title_movie_id_match_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_movie_title_match_key_movie_id", "movie_title", ["match_key", "movie_id"])


def downgrade() -> None:
    """Remove the table and the column."""
    op.drop_table("movie_title")
    for name, column in _SORTS.items():
        op.drop_index(name, "movie")
        op.create_index(name, "movie", [column, "id", *_FILTERED_BY])
    op.drop_column("movie", "prominence")
