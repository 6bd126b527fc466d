"""The tables of movies: their facts, titles, ids, facets and merges, and the data migrations that were applied."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    Double,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from movierating.rating_stats import MEAN_SQL, SCORE_SQL, RatingStatsMixin
from movierating.storage.database import Base
from movierating.storage.dialect import Id, folded_text

YEAR_UNKNOWN_LAST = "coalesce(year, 0)"
MAX_ALTERNATIVE_TITLES = 100
MAX_RUNTIME_MINUTES = 5000
_WITHOUT_IDS = "imdb_id IS NULL AND tmdb_id IS NULL"
_FILTERED_BY = ("year", "language", "genres")


def _partial_index(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    return Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where))


class Movie(RatingStatsMixin, Base):
    """A movie. `genres` and `directors` are JSON lists; the `_key` columns are the folded titles.

    `edit` counts the changes of its facts and `ratings_version` those of its ratings; both only ever grow. The year
    is null only for a movie from an imported data set without it. `prominence` tells how widely known a movie of the
    bundled catalogue is, from 0 to 100. `learns_ids` is true for a movie that an import added, until an admin changes
    its ids: rows of imports give it the ids that it lacks. `takes_titles` is true until an admin removes an alternative
    title: the catalogue adds those that the movie lacks. An index of a sort has `id` to decide ties, and also contains
    the columns of filters, so that a walk reads only the movies on the page.
    """

    __tablename__ = "movie"
    __table_args__ = (
        Index("ix_movie_score", "score", "prominence", "id", *_FILTERED_BY),
        Index("ix_movie_mean", "mean_rank", "id", *_FILTERED_BY),
        Index("ix_movie_count", "rating_count", "prominence", "id", *_FILTERED_BY),
        Index("ix_movie_year", "year_rank", "id", *_FILTERED_BY),
        Index("ix_movie_title", "title_key", "id", *_FILTERED_BY),
        Index("ix_movie_created", "created_at", "id", *_FILTERED_BY),
        Index("ix_movie_country", "country", "id"),
        Index("ix_movie_runtime", "runtime_minutes", "id"),
        # Rows of imported files name a movie by either title.
        _partial_index(
            "ix_movie_original_title", "original_title_key", where="original_title_key IS NOT NULL"
        ),
        # Two movies without ids never share title and year; the service and imports decide the other cases.
        _partial_index("uq_movie_title_year", "title_key", "year_rank", where=_WITHOUT_IDS, unique=True),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    title: Mapped[str] = mapped_column(String(500))
    title_key: Mapped[str] = mapped_column(folded_text(1000))
    original_title: Mapped[str | None] = mapped_column(String(500))
    original_title_key: Mapped[str | None] = mapped_column(folded_text(1000))
    year: Mapped[int | None]
    runtime_minutes: Mapped[int | None]
    genres: Mapped[str] = mapped_column(String, server_default="[]")
    directors: Mapped[str] = mapped_column(String, server_default="[]")
    language: Mapped[str | None] = mapped_column(String(2))
    country: Mapped[str | None] = mapped_column(String(2))
    imdb_id: Mapped[str | None] = mapped_column(String(12), unique=True)
    tmdb_id: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    wikidata_id: Mapped[str | None] = mapped_column(String(20))
    prominence: Mapped[int] = mapped_column(server_default="0")
    learns_ids: Mapped[bool] = mapped_column(server_default="0")
    takes_titles: Mapped[bool] = mapped_column(server_default="1")
    created_at: Mapped[int] = mapped_column(BigInteger)
    updated_at: Mapped[int] = mapped_column(BigInteger)
    edit: Mapped[int] = mapped_column(server_default="1")
    ratings_version: Mapped[int] = mapped_column(server_default="0")
    year_rank: Mapped[int] = mapped_column(Computed(YEAR_UNKNOWN_LAST, persisted=False), sort_order=200)
    score: Mapped[float] = mapped_column(Double, Computed(SCORE_SQL, persisted=False), sort_order=200)
    mean_rank: Mapped[float] = mapped_column(Double, Computed(MEAN_SQL, persisted=False), sort_order=200)


class MovieTitle(Base):
    """A title of a movie besides its title and original title; a movie has at most MAX_ALTERNATIVE_TITLES.

    `match_key` is `titles.match_key(title)`.
    """

    __tablename__ = "movie_title"
    __table_args__ = (
        UniqueConstraint("movie_id", "match_key"),
        Index("ix_movie_title_match_key_movie_id", "match_key", "movie_id"),
        CheckConstraint("source IN ('catalogue', 'admin', 'import')", name="source"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    movie_id: Mapped[int] = mapped_column(ForeignKey("movie.id", ondelete="CASCADE"))
    title: Mapped[str] = mapped_column(String(500))
    match_key: Mapped[str] = mapped_column(folded_text(1000))
    source: Mapped[str] = mapped_column(String(10))


class TitleProposal(Base):
    """A title, by its match key, under which a user's file names a movie that has no such title.

    It becomes an alternative title when a second account imports it or an admin accepts it. `title` is null for those
    that were stored before migration 0017.
    """

    __tablename__ = "title_proposal"
    __table_args__ = (Index("ix_title_proposal_user_id", "user_id"), {"sqlite_with_rowid": False})

    movie_id: Mapped[int] = mapped_column(ForeignKey("movie.id", ondelete="CASCADE"), primary_key=True)
    match_key: Mapped[str] = mapped_column(folded_text(1000), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    title: Mapped[str | None] = mapped_column(String(500))


class DifferentMovies(Base):
    """Two movies that look alike and are different ones, as an admin says; `movie_id` is the smaller id."""

    __tablename__ = "different_movies"
    __table_args__ = (
        Index("ix_different_movies_other_id", "other_id"),
        CheckConstraint("movie_id < other_id", name="order"),
        {"sqlite_with_rowid": False},
    )

    movie_id: Mapped[int] = mapped_column(ForeignKey("movie.id", ondelete="CASCADE"), primary_key=True)
    other_id: Mapped[int] = mapped_column(ForeignKey("movie.id", ondelete="CASCADE"), primary_key=True)


class MergedMovie(Base):
    """A movie that was merged into another one, by its former id; one that exists is still being merged."""

    __tablename__ = "merged_movie"
    __table_args__ = (Index("ix_merged_movie_into_id", "into_id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    into_id: Mapped[int] = mapped_column(ForeignKey("movie.id", ondelete="CASCADE"))


class MovieExternalId(Base):
    """An id of a merged or deleted movie, or a former title. `movie_id` is the movie that stayed, null if deleted.

    The value of the kind `title` is the year and the folded title or a match key, with a `+` if it counts for rows
    without ids alone. That of an alternative title starts with `~`, or with `~~` if it came from members' files.
    """

    __tablename__ = "movie_external_id"
    __table_args__ = (
        Index("ix_movie_external_id_movie_id", "movie_id"),
        CheckConstraint("kind IN ('imdb', 'tmdb', 'wikidata', 'title')", name="kind"),
        {"sqlite_with_rowid": False},
    )

    kind: Mapped[str] = mapped_column(String(10), primary_key=True)
    value: Mapped[str] = mapped_column(folded_text(1010), primary_key=True)
    movie_id: Mapped[int | None] = mapped_column(ForeignKey("movie.id", ondelete="SET NULL"))


class MovieFacet(Base):
    """A value by which a movie is looked up, such as `genre:Drama`."""

    __tablename__ = "movie_facet"
    __table_args__ = (
        Index("ix_movie_facet_facet", "facet", "movie_id"),
        {"sqlite_with_rowid": False},
    )

    movie_id: Mapped[int] = mapped_column(ForeignKey("movie.id", ondelete="CASCADE"), primary_key=True)
    facet: Mapped[str] = mapped_column(folded_text(300), primary_key=True)


class DataMigration(Base):
    """A change that was applied once to a database's data, such as loading the bundled movies.

    A load of the catalogue also stores its progress here, and `key_fingerprint` its fingerprint.
    """

    __tablename__ = "data_migration"

    name: Mapped[str] = mapped_column(String(50), primary_key=True)
    applied_at: Mapped[int] = mapped_column(BigInteger)
