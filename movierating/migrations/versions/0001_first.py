"""Accounts, movies, ratings.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _key(length: int) -> sa.String:
    """Folded text, compared byte by byte on any database."""
    return sa.String(length).with_variant(sa.Text(collation="C"), "postgresql")


# The text is folded before it comes here, so the tokenizer need not; prefixes make words findable while typed.
_SEARCH = """
CREATE VIRTUAL TABLE movie_search USING fts5(
    title, original_title, directors, prefix='1 2 3', tokenize="unicode61 remove_diacritics 0"
)
"""
_SEARCH_OF_POSTGRESQL = """
CREATE TABLE movie_search (
    rowid bigint NOT NULL CONSTRAINT pk_movie_search PRIMARY KEY,
    title text NOT NULL,
    original_title text NOT NULL,
    directors text NOT NULL,
    words tsvector NOT NULL GENERATED ALWAYS AS (
        array_to_tsvector(array_remove(
            string_to_array(title || ' ' || original_title || ' ' || directors, ' '), ''
        ))
    ) STORED
)
"""

# The same doubles on either: PostgreSQL would take numbers written with a point for decimal ones. It can't put an
# index on a generated column that it doesn't store.
_SCORE = {
    "sqlite": "(325.0 + rating_sum) / (2.0 * (25 + rating_count))",
    "postgresql": "(325 + rating_sum)::float8 / (2 * (25 + rating_count))::float8",
}
_MEAN_RANK = {
    "sqlite": "CASE WHEN rating_count = 0 THEN 0.0 ELSE rating_sum / (2.0 * rating_count) END",
    "postgresql": "CASE WHEN rating_count = 0 THEN 0 ELSE rating_sum::float8 / (2 * rating_count)::float8 END",
}


def _histogram() -> list[sa.Column[int]]:
    return [
        sa.Column(f"h{step:02}", sa.Integer(), server_default="0", nullable=False) for step in range(1, 21)
    ]


def upgrade() -> None:
    """Make every table."""
    database = op.get_bind().dialect.name
    stored = database == "postgresql"
    op.create_table(
        "milestone",
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("reached_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_milestone"),
    )
    op.create_table(
        "movie",
        sa.Column("id", _ID, nullable=False),
        sa.Column("title", sa.String(length=500), nullable=False),
        sa.Column("title_key", _key(1000), nullable=False),
        sa.Column("original_title", sa.String(length=500), nullable=True),
        sa.Column("original_title_key", _key(1000), nullable=True),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("runtime_minutes", sa.Integer(), nullable=True),
        sa.Column("genres", sa.String(), server_default="[]", nullable=False),
        sa.Column("directors", sa.String(), server_default="[]", nullable=False),
        sa.Column("language", sa.String(length=2), nullable=True),
        sa.Column("country", sa.String(length=2), nullable=True),
        sa.Column("imdb_id", sa.String(length=12), nullable=True),
        sa.Column("tmdb_id", sa.BigInteger(), nullable=True),
        sa.Column("wikidata_id", sa.String(length=20), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("edit", sa.Integer(), server_default="1", nullable=False),
        sa.Column("ratings_version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("rating_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("rating_sum", sa.Integer(), server_default="0", nullable=False),
        *_histogram(),
        sa.Column(
            "year_rank", sa.Integer(), sa.Computed("coalesce(year, 0)", persisted=stored), nullable=False
        ),
        sa.Column(
            "score",
            sa.Double(),
            sa.Computed(_SCORE[database], persisted=stored),
            nullable=False,
        ),
        sa.Column(
            "mean_rank",
            sa.Double(),
            sa.Computed(_MEAN_RANK[database], persisted=stored),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name="pk_movie"),
        sa.UniqueConstraint("imdb_id", name="uq_movie_imdb_id"),
        sa.UniqueConstraint("tmdb_id", name="uq_movie_tmdb_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_movie_count", "movie", ["rating_count", "id"])
    op.create_index("ix_movie_created", "movie", ["created_at", "id"])
    op.create_index("ix_movie_mean", "movie", ["mean_rank", "id"])
    op.create_index(
        "ix_movie_original_title",
        "movie",
        ["original_title_key"],
        sqlite_where=sa.text("original_title_key IS NOT NULL"),
        postgresql_where=sa.text("original_title_key IS NOT NULL"),
    )
    op.create_index("ix_movie_score", "movie", ["score", "id"])
    op.create_index("ix_movie_title", "movie", ["title_key", "id"])
    op.create_index("ix_movie_year", "movie", ["year_rank", "id"])
    op.create_index(
        "uq_movie_title_year",
        "movie",
        ["title_key", "year_rank"],
        unique=True,
        sqlite_where=sa.text("imdb_id IS NULL"),
        postgresql_where=sa.text("imdb_id IS NULL"),
    )

    op.create_table(
        "user",
        sa.Column("id", _ID, nullable=False),
        sa.Column("username", sa.String(length=40), nullable=False),
        sa.Column("username_key", _key(40), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("email_key", _key(254), nullable=True),
        sa.Column("display_name", sa.String(length=100), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=True),
        sa.Column("role", sa.String(length=10), server_default="member", nullable=False),
        sa.Column("active", sa.Boolean(), server_default="1", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("rating_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("rating_sum", sa.Integer(), server_default="0", nullable=False),
        *_histogram(),
        sa.CheckConstraint("role IN ('member', 'admin')", name="ck_user_role"),
        sa.PrimaryKeyConstraint("id", name="pk_user"),
        # PostgreSQL reports the first violated one, SQLite the last, in the order of their creation.
        *(
            sa.UniqueConstraint(column, name=f"uq_user_{column}")
            for column in sorted(["email_key", "username_key"], reverse=stored)
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "movie_facet",
        sa.Column("movie_id", _ID, nullable=False),
        sa.Column("facet", _key(300), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["movie_id"], ["movie.id"], name="fk_movie_facet_movie_id_movie", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("movie_id", "facet", name="pk_movie_facet"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_movie_facet_score", "movie_facet", ["facet", "score", "movie_id"])

    op.create_table(
        "personal_token",
        sa.Column("id", _ID, nullable=False),
        sa.Column("user_id", _ID, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("scope", sa.String(length=10), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("scope IN ('read', 'write')", name="ck_personal_token_scope"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name="fk_personal_token_user_id_user", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_personal_token"),
        sa.UniqueConstraint("token_hash", name="uq_personal_token_token_hash"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_personal_token_user_id", "personal_token", ["user_id"])

    op.create_table(
        "rating",
        sa.Column("user_id", _ID, nullable=False),
        sa.Column("movie_id", _ID, nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.Column("rated_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("value BETWEEN 1 AND 20", name="ck_rating_value"),
        sa.ForeignKeyConstraint(["movie_id"], ["movie.id"], name="fk_rating_movie_id_movie"),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_rating_user_id_user"),
        sa.PrimaryKeyConstraint("user_id", "movie_id", name="pk_rating"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_rating_movie", "rating", ["movie_id", "rated_at", "user_id"])
    op.create_index("ix_rating_user_time", "rating", ["user_id", "rated_at", "movie_id"])
    op.create_index("ix_rating_user_value", "rating", ["user_id", "value", "movie_id"])

    op.create_table(
        "session",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("user_id", _ID, nullable=False),
        sa.Column("generation", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("rotated_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_session_user_id_user", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_session"),
    )
    op.create_index("ix_session_expires_at", "session", ["expires_at"])
    op.create_index("ix_session_user_id", "session", ["user_id"])
    if stored:
        op.execute(_SEARCH_OF_POSTGRESQL)
        op.execute("CREATE INDEX ix_movie_search_words ON movie_search USING gin (words)")
    else:
        op.execute(_SEARCH)


def downgrade() -> None:
    """Remove every table."""
    op.execute("DROP TABLE movie_search")
    for table in ("session", "personal_token", "rating", "movie_facet", "user", "movie", "milestone"):
        op.drop_table(table)
