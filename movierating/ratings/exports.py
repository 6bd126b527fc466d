"""A person's ratings on their way out, streamed: the same ratings give the same bytes on any account and instance."""

from collections.abc import Iterable, Iterator
from typing import Any

import orjson
from sqlalchemy import func, select

from movierating.movies.models import Movie
from movierating.ratings.formats.rows import ExportRow
from movierating.ratings.formats.writers import ExportFile, write_export
from movierating.ratings.models import Rating
from movierating.storage.database import stream
from movierating.storage.dialect import by_bytes

_rating, _movie = Rating.__table__.c, Movie.__table__.c

# Nothing that is the row's alone on this instance, such as its id, may decide the order.
_ORDER = (
    _rating.rated_at,
    by_bytes(func.coalesce(_movie.imdb_id, "")),
    func.coalesce(_movie.tmdb_id, 0),
    by_bytes(_movie.title),
    _movie.year_rank,
)
_COLUMNS = (
    _movie.imdb_id,
    _movie.tmdb_id,
    _movie.title,
    _movie.original_title,
    _movie.year,
    _movie.directors,
    _rating.value,
    _rating.rated_at,
)


def export_ratings(user_id: int, format_name: str) -> ExportFile:
    """A user's ratings, oldest first, in one of the formats `csv`, `json`, `letterboxd` and `imdb`."""
    statement = select(*_COLUMNS).join(Movie, _movie.id == _rating.movie_id).where(_rating.user_id == user_id)
    return write_export(format_name, _export_rows(stream(statement.order_by(*_ORDER))))


def _export_rows(rows: Iterable[Any]) -> Iterator[ExportRow]:
    for imdb_id, tmdb_id, title, original_title, year, directors, value, rated_at in rows:
        yield ExportRow(
            imdb_id, tmdb_id, title, original_title, year, orjson.loads(directors), value, rated_at
        )
