"""Ratings set or deleted in one request, each naming its movie by one of three ids."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import select

from movierating.monitoring import counters
from movierating.movies.models import Movie
from movierating.ratings.bulk import delete_ratings, retry_if_catalogue_changes, set_ratings
from movierating.ratings.service import list_affected
from movierating.storage.database import read, write

_movie = Movie.__table__.c

# By which a rating may name its movie; each exactly one of them.
MOVIE_KEYS = ("movie_id", "imdb_id", "tmdb_id")
_COLUMNS = {"movie_id": _movie.id, "imdb_id": _movie.imdb_id, "tmdb_id": _movie.tmdb_id}


def rate_batch(user_id: int, ratings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Set ratings: each holds one of MOVIE_KEYS, `value` in half points and perhaps `rated_at` in microseconds.

    Returns how many were `created`, `updated`, `unchanged`, and the names that are `not_found`. A movie may come more
    than once; the last of its ratings stays.
    """

    def attempt() -> dict[str, Any]:
        matched, not_found = _match_movies(ratings)
        new_ratings = [(movie_id, rating["value"], rating.get("rated_at")) for movie_id, rating in matched]
        outcomes = write(
            partial(set_ratings, user_id=user_id, ratings=new_ratings, on_conflict="replace"),
            list_affected(user_id, _list_movie_ids(matched)),
        )
        counts = {name: outcomes.count(name) for name in ("created", "updated", "unchanged")}
        return {**counts, "not_found": not_found}

    report = retry_if_catalogue_changes(attempt)
    counters.increment(counters.RATINGS_WRITTEN, "list", amount=len(ratings) - len(report["not_found"]))
    return report


def delete_batch(user_id: int, ratings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Remove ratings, each holding one of MOVIE_KEYS; returns how many were `deleted`, and the names `not_found`.

    A movie that the user did not rate is not found either.
    """
    matched, not_found = _match_movies(ratings)
    movie_ids = _list_movie_ids(matched)
    deleted_ids = write(
        partial(delete_ratings, user_id=user_id, movie_ids=movie_ids), list_affected(user_id, movie_ids)
    )
    not_found += [_select_key(rating) for movie_id, rating in matched if movie_id not in deleted_ids]
    return {"deleted": len(deleted_ids), "not_found": not_found}


def _list_movie_ids(matched: list[tuple[int, Mapping[str, Any]]]) -> set[int]:
    return {movie_id for movie_id, _ in matched}


def _select_key(rating: Mapping[str, Any]) -> dict[str, Any]:
    return {name: rating[name] for name in MOVIE_KEYS if name in rating}


def _match_movies(
    ratings: Iterable[Mapping[str, Any]],
) -> tuple[list[tuple[int, Mapping[str, Any]]], list[dict[str, Any]]]:
    """Return the ratings whose movies exist, each with its movie's id, and the ids that match no movie."""
    ratings = list(ratings)
    ids: dict[tuple[str, Any], int] = {}
    for name, column in _COLUMNS.items():
        wanted = {rating[name] for rating in ratings if name in rating}
        if wanted:
            rows = read().execute(select(column, _movie.id).where(column.in_(wanted)))
            ids.update(((name, value), movie_id) for value, movie_id in rows)
    matched, not_found = [], []
    for rating in ratings:
        movie_id = ids.get(next(iter(_select_key(rating).items())))
        if movie_id is None:
            not_found.append(_select_key(rating))
        else:
            matched.append((movie_id, rating))
    return matched, not_found
