"""Recommend movies that a user has not rated."""

import hashlib
from array import array
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, String, bindparam, select

from movierating import clock
from movierating.movies.filter_parsers import parse_filters
from movierating.movies.filters import build_filters
from movierating.movies.models import Movie
from movierating.movies.movie_json import FACT_COLUMNS, serialize_facts
from movierating.predictions.bounded_cache import BoundedCache
from movierating.predictions.model_file import ModelFile
from movierating.predictions.prediction import make_interval, predict
from movierating.predictions.ranking import rank_movies
from movierating.predictions.tastes import NoPrediction, UserTaste, find_taste, read_ratings
from movierating.ratings.models import Rating
from movierating.storage.database import batched, read
from movierating.storage.dialect import encode_values, in_many
from movierating.storage.pagination import RankedPages
from movierating.storage.statements import CompiledStatement

# Those with the most ratings, and of these the most prominent, that pass the filters.
MAX_CANDIDATES = 10_000
_CANDIDATES_LIFETIME_SECONDS = 60

# A list of candidates takes up to 40 KB, and one that is ranked 16 KB.
_CANDIDATES, _RANKED = BoundedCache(4), BoundedCache(16)

_movie, _rating = Movie.__table__.c, Rating.__table__.c
_RATED = CompiledStatement(
    select(_rating.movie_id).where(_rating.user_id == bindparam("user")).order_by(_rating.movie_id)
)


def list_recommendations(
    user_id: int, filters: Mapping[str, Any], cursor: str | None, limit: int
) -> tuple[list[dict[str, Any]], str | None, NoPrediction | None]:
    """Return a page of recommended movies, best first, the next cursor, and why there are none.

    `filters` may contain `genre` (a list: all must hold), `year_from`, `year_to` and `language`. Raise InvalidRequest
    for a cursor of other filters.
    """
    connection = read()
    pages = RankedPages("recommendations", connection, dict(filters))
    user = find_taste(connection, read_ratings(connection, user_id))
    if isinstance(user, NoPrediction):
        pages.find_start(cursor, [])
        return [], None, user
    kinds, values = parse_filters({**filters, "min_count": 1})
    values["trained_at"] = user.model.trained_at
    # All rated movies; `user.rows` has only the newest.
    rated = [movie_id for (movie_id,) in _RATED.tuples(connection, user=user_id)]
    ranked = _rank(connection, user, rated, kinds, values)
    start = pages.find_start(cursor, ranked)
    read_page = partial(_read_facts, connection, kinds, values)
    movies, last = _list_existing(ranked[start:], limit, read_page)
    is_last = start + last >= len(ranked)
    next_cursor = None if is_last else pages.encode(start + last - 1, ranked[start + last - 1])
    return [_describe(user, movie) for movie in movies], next_cursor, None


def _list_existing(
    movie_ids: Sequence[int], limit: int, read_facts: Callable[[list[int]], dict[int, dict[str, Any]]]
) -> tuple[list[dict[str, Any]], int]:
    """Return the facts of the first `limit` movies that `read_facts` returns, and how many of the ids those took."""
    movies: list[dict[str, Any]] = []
    taken = 0
    for batch in batched(movie_ids, limit):
        facts = read_facts(batch)
        for movie_id in batch:
            taken += 1
            if movie_id in facts:
                movies.append(facts[movie_id])
            if len(movies) == limit:
                return movies, taken
    return movies, taken


def _read_facts(
    connection: Connection, kinds: tuple[str, ...], values: Mapping[str, Any], movie_ids: list[int]
) -> dict[int, dict[str, Any]]:
    """Return the facts of those of these movies that pass the filters now: the candidates may be a minute old."""
    rows = _get_facts_statement(kinds).tuples(connection, **values, movies=encode_values(sorted(movie_ids)))
    return {row[0]: serialize_facts(row) for row in rows}


def _describe(user: UserTaste, movie: dict[str, Any]) -> dict[str, Any]:
    row = user.model.find_row(movie["id"])
    assert row is not None
    prediction = predict(user.model, user.taste, user.model.get_moments(row))
    return {"movie": movie, "prediction": make_interval(prediction)._asdict()}


def _rank(
    connection: Connection,
    user: UserTaste,
    rated: Sequence[int],
    kinds: tuple[str, ...],
    values: Mapping[str, Any],
) -> Sequence[int]:
    """Return the ids of recommended movies, best first, without `rated`, the ids of those that the user has rated."""
    period = clock.get_period(_CANDIDATES_LIFETIME_SECONDS)
    key = (user.model.version, kinds, tuple(values.items()), period)

    def rank_candidates() -> Sequence[int]:
        """Rank the candidates without the movies that the user has rated."""
        read_rows = partial(_read_candidates, connection, user.model, kinds, values)
        ids, excluded = user.model.movie_ids, set(rated)
        candidates = [row for row in _CANDIDATES.get(key, read_rows) if ids[row] not in excluded]
        return array("q", [ids[row] for row in rank_movies(user.model, user.taste, user.rows, candidates)])

    rated_digest = hashlib.blake2b(array("q", rated)).digest()
    return _RANKED.get((user.key, rated_digest, key), rank_candidates)


def _read_candidates(
    connection: Connection, model: ModelFile, kinds: tuple[str, ...], values: Mapping[str, Any]
) -> Sequence[int]:
    """Return the rows of the model of movies that pass the filters."""
    movies = _get_candidates_statement(kinds).tuples(connection, **values)
    rows = (model.find_row(movie_id) for (movie_id,) in movies)
    return array("i", [row for row in rows if row is not None])


@lru_cache(64)
def _get_candidates_statement(kinds: tuple[str, ...]) -> CompiledStatement:
    order = (_movie.rating_count, _movie.prominence, _movie.id)
    movies = select(_movie.id).where(*_make_conditions(kinds)).order_by(*(column.desc() for column in order))
    return CompiledStatement(movies.limit(MAX_CANDIDATES))


@lru_cache(64)
def _get_facts_statement(kinds: tuple[str, ...]) -> CompiledStatement:
    is_chosen = in_many(_movie.id, bindparam("movies", type_=String))
    return CompiledStatement(select(*FACT_COLUMNS).where(is_chosen, *_make_conditions(kinds)))


def _make_conditions(kinds: tuple[str, ...]) -> list[ColumnElement[bool]]:
    # After a restore, a movie may have the id that another one had when the model was trained.
    is_of_model = _movie.created_at <= bindparam("trained_at")
    return [is_of_model, *(each.condition for each in build_filters(kinds, _movie.rating_count))]
