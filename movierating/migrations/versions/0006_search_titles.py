"""Full-text search finds alternative titles.

Revision ID: 0006
Revises: 0005
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_COLUMNS = ("title", "original_title", "directors")
_NEW_COLUMN = "alternative_titles"


def upgrade() -> None:
    """Add a column for the words of alternative titles; the next start fills it, as INDEX_VERSION is new."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"ALTER TABLE movie_search ADD COLUMN {_NEW_COLUMN} text NOT NULL DEFAULT ''")
        op.execute(f"ALTER TABLE movie_search ALTER COLUMN {_NEW_COLUMN} DROP DEFAULT")
        _generate_words(*_COLUMNS, _NEW_COLUMN)
    else:
        _rebuild(*_COLUMNS, _NEW_COLUMN)


def downgrade() -> None:
    """Remove the column."""
    if op.get_bind().dialect.name == "postgresql":
        _generate_words(*_COLUMNS)
        op.execute(f"ALTER TABLE movie_search DROP COLUMN {_NEW_COLUMN}")
    else:
        _rebuild(*_COLUMNS)


def _generate_words(*columns: str) -> None:
    """Replace PostgreSQL's column of all words; its index is dropped with it."""
    op.execute("ALTER TABLE movie_search DROP COLUMN words")
    text = " || ' ' || ".join(columns)
    op.execute(
        "ALTER TABLE movie_search ADD COLUMN words tsvector NOT NULL GENERATED ALWAYS AS"
        f" (array_to_tsvector(array_remove(string_to_array({text}, ' '), ''))) STORED"
    )
    op.execute("CREATE INDEX ix_movie_search_words ON movie_search USING gin (words)")


def _rebuild(*columns: str) -> None:
    """Replace SQLite's table, which has no ALTER TABLE ADD COLUMN."""
    names, stored = ", ".join(columns), ", ".join(name if name in _COLUMNS else "''" for name in columns)
    op.execute(
        f"CREATE VIRTUAL TABLE movie_search_new USING fts5({names},"
        " prefix='1 2 3', tokenize=\"unicode61 remove_diacritics 0\")"
    )
    op.execute(
        f"INSERT INTO movie_search_new (rowid, {names}) SELECT rowid, {stored} FROM movie_search"  # noqa: S608
    )
    op.execute("DROP TABLE movie_search")
    op.execute("ALTER TABLE movie_search_new RENAME TO movie_search")
