"""Titles under which members' files name movies become alternative titles when a second account brings them.

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_FOLDED_TEXT = sa.String(1000).with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "title_proposal",
        sa.Column("movie_id", _ID, nullable=False),
        sa.Column("match_key", _FOLDED_TEXT, nullable=False),
        sa.Column("user_id", _ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["movie_id"], ["movie.id"], name="fk_title_proposal_movie_id_movie", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name="fk_title_proposal_user_id_user", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("movie_id", "match_key", "user_id", name="pk_title_proposal"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_title_proposal_user_id", "title_proposal", ["user_id"])


def downgrade() -> None:
    """Remove it."""
    op.drop_table("title_proposal")
