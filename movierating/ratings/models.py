"""The table of ratings."""

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
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
