"""The tables of ratings, of movies that users skipped, and of files that wait to be imported."""

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from movierating.storage.database import Base


class Rating(Base):
    """A user's rating of a movie: `value` in half points, 1 to 20. One for each user and movie.

    The indexes serve a movie's ratings and a user's, newest first, and a user's by value.
    """

    __tablename__ = "rating"
    __table_args__ = (
        CheckConstraint("value BETWEEN 1 AND 20", name="value"),
        Index("ix_rating_movie", "movie_id", "rated_at", "user_id"),
        Index("ix_rating_user_time", "user_id", "rated_at", "movie_id"),
        Index("ix_rating_user_value", "user_id", "value", "movie_id"),
        {"sqlite_with_rowid": False},
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), primary_key=True)
    movie_id: Mapped[int] = mapped_column(ForeignKey("movie.id"), primary_key=True)
    value: Mapped[int]
    rated_at: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[int] = mapped_column(BigInteger)
    updated_at: Mapped[int] = mapped_column(BigInteger)


class SkippedMovie(Base):
    """A movie that a user has not seen, so that it is not suggested to rate again."""

    __tablename__ = "skipped_movie"
    __table_args__ = (Index("ix_skipped_movie_movie_id", "movie_id"), {"sqlite_with_rowid": False})

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    movie_id: Mapped[int] = mapped_column(ForeignKey("movie.id", ondelete="CASCADE"), primary_key=True)
    skipped_at: Mapped[int] = mapped_column(BigInteger)


class StoredFile(Base):
    """A user's upload that waits to be imported, or the report of the last import. One of each for each user.

    Its content, compressed with gzip, is in `part_count` rows of StoredFilePart.
    """

    __tablename__ = "stored_file"
    __table_args__ = (
        CheckConstraint("kind IN ('upload', 'report')", name="kind"),
        UniqueConstraint("user_id", "kind"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(100))
    part_count: Mapped[int]
    stored_at: Mapped[int] = mapped_column(BigInteger, index=True)


class StoredFilePart(Base):
    """A part of the content of a StoredFile, by its number from 0."""

    __tablename__ = "stored_file_part"

    file_id: Mapped[str] = mapped_column(ForeignKey("stored_file.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)


# Backups and migrations to another database leave them out: their rows are of use for an hour only.
TRANSIENT_TABLES = (StoredFilePart.__tablename__, StoredFile.__tablename__)
