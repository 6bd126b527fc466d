"""Read what a model is trained on, in short transactions: ratings and movies change meanwhile, and need not agree."""

import functools
from array import array
from collections.abc import Iterator
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, select, tuple_

from movierating.movies.models import Movie
from movierating.predictions.features import MovieFeatures
from movierating.predictions.training.data import TrainingData
from movierating.ratings.models import Rating
from movierating.storage.statements import CompiledStatement

# A read of so many ratings takes some 20 ms.
RATINGS_PER_READ = 20_000
MOVIES_PER_READ = 5_000

_rating, _movie = Rating.__table__.c, Movie.__table__.c
_KEY = (_rating.user_id, _rating.movie_id)
_RATINGS = CompiledStatement(
    select(*_KEY, _rating.value)
    .where(
        tuple_(*_KEY) > tuple_(bindparam("user", type_=_KEY[0].type), bindparam("movie", type_=_KEY[1].type))
    )
    .order_by(*_KEY)
    .limit(RATINGS_PER_READ)
)
_MOVIES = CompiledStatement(
    select(_movie.id, _movie.genres, _movie.year, _movie.language, _movie.directors)
    .where(_movie.id > bindparam("movie"), _movie.rating_count > 0)
    .order_by(_movie.id)
    .limit(MOVIES_PER_READ)
)


def read_training_data(connection: Connection) -> TrainingData:
    """Return all ratings, and the facts of the movies that have some."""
    users, movies, values = array("q"), array("q"), array("B")
    for rows in _read_ratings(connection):
        for column, rest in zip((users, movies, values), zip(*rows, strict=True), strict=True):
            column.extend(rest)
    return TrainingData.from_ratings(users, movies, values, dict(_read_movies(connection)))


def _read_ratings(connection: Connection) -> Iterator[list[Any]]:
    user_id = movie_id = 0
    while rows := _RATINGS.tuples(connection, user=user_id, movie=movie_id):
        yield rows
        user_id, movie_id, _ = rows[-1]


def _read_movies(connection: Connection) -> Iterator[tuple[int, MovieFeatures]]:
    # Movies share their lists: each with its own would take half of the memory more.
    load_list = functools.lru_cache(None)(orjson.loads)
    movie_id = 0
    while rows := _MOVIES.tuples(connection, movie=movie_id):
        for movie_id, genres, year, language, directors in rows:
            yield movie_id, MovieFeatures(load_list(genres), year, language, load_list(directors))
