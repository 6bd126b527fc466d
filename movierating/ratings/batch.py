"""A list of ratings set or taken back in one call, each naming its movie by one of three ids."""

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
        found, not_found = _found(ratings)
        given = [(movie_id, one["value"], one.get("rated_at")) for movie_id, one in found]
        outcomes = write(
            partial(set_ratings, user_id=user_id, ratings=given, on_conflict="replace"),
            list_affected(user_id, _ids(found)),
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
    found, not_found = _found(ratings)
    movie_ids = _ids(found)
    gone = write(
        partial(delete_ratings, user_id=user_id, movie_ids=movie_ids), list_affected(user_id, movie_ids)
    )
    not_found += [_name(one) for movie_id, one in found if movie_id not in gone]
    return {"deleted": len(gone), "not_found": not_found}


def _ids(found: list[tuple[int, Mapping[str, Any]]]) -> set[int]:
    return {movie_id for movie_id, _ in found}


def _name(one: Mapping[str, Any]) -> dict[str, Any]:
    return {name: one[name] for name in MOVIE_KEYS if name in one}


def _found(
    ratings: Iterable[Mapping[str, Any]],
) -> tuple[list[tuple[int, Mapping[str, Any]]], list[dict[str, Any]]]:
    """The ratings whose movies exist, each behind its movie's id; and the names of the others."""
    ratings = list(ratings)
    ids: dict[tuple[str, Any], int] = {}
    for name, column in _COLUMNS.items():
        wanted = {one[name] for one in ratings if name in one}
        if wanted:
            rows = read().execute(select(column, _movie.id).where(column.in_(wanted)))
            ids.update(((name, value), movie_id) for value, movie_id in rows)
    found, not_found = [], []
    for one in ratings:
        movie_id = ids.get(next(iter(_name(one).items())))
        if movie_id is None:
            not_found.append(_name(one))
        else:
            found.append((movie_id, one))
    return found, not_found
