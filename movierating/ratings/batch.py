"""Set or delete many ratings in one request, each naming its movie by one of three ids."""

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import select

from movierating.monitoring import counters
from movierating.movies import retired_movies
from movierating.movies.models import Movie
from movierating.ratings.bulk import delete_ratings, retry_if_catalogue_changes, set_ratings
from movierating.storage.cache_versions import MOVIE, USER, Subject
from movierating.storage.database import read, write

_movie = Movie.__table__.c
_COLUMNS = {"movie_id": _movie.id, "imdb_id": _movie.imdb_id, "tmdb_id": _movie.tmdb_id}
# Each rating has exactly one of these.
MOVIE_KEYS = tuple(_COLUMNS)

# A rating, or a movie to delete one of, as the request has it.
Item = Mapping[str, Any]


def rate_batch(user_id: int, ratings: Sequence[Item]) -> dict[str, Any]:
    """Set ratings: each has one of MOVIE_KEYS, `value` in half points and perhaps `rated_at` in microseconds.

    Return how many were `created`, `updated`, `unchanged`, and the keys that are `not_found`. If a movie comes more
    than once, the last of its ratings is stored.
    """

    def attempt() -> dict[str, Any]:
        matched, not_found = _match_movies(ratings)
        new_ratings = [(movie_id, rating["value"], rating.get("rated_at")) for movie_id, rating in matched]
        plan = write(
            partial(set_ratings, user_id=user_id, ratings=new_ratings, on_conflict="replace"),
            _list_subjects(user_id, {movie_id for movie_id, _ in matched}),
        )
        counts = {name: plan.outcomes.count(name) for name in ("created", "updated", "unchanged")}
        return {**counts, "not_found": not_found}

    report = retry_if_catalogue_changes(attempt)
    counters.increment(counters.RATINGS_WRITTEN, "list", amount=len(ratings) - len(report["not_found"]))
    return report


def delete_batch(user_id: int, ratings: Sequence[Item]) -> dict[str, Any]:
    """Delete ratings, each with one of MOVIE_KEYS; return how many were `deleted`, and the keys `not_found`.

    A movie that the user did not rate is not found either.
    """
    matched, not_found = _match_movies(ratings)
    movie_ids = {movie_id for movie_id, _ in matched}
    deleted_ids = write(
        partial(delete_ratings, user_id=user_id, movie_ids=movie_ids), _list_subjects(user_id, movie_ids)
    )
    not_found += [_select_key(rating) for movie_id, rating in matched if movie_id not in deleted_ids]
    return {"deleted": len(deleted_ids), "not_found": not_found}


def _list_subjects(user_id: int, movie_ids: Collection[int]) -> list[Subject]:
    """Return the cache subjects that a change of these ratings invalidates."""
    return [(USER, user_id), *((MOVIE, movie_id) for movie_id in movie_ids)]


def _select_key(item: Item) -> dict[str, Any]:
    return {name: item[name] for name in MOVIE_KEYS if name in item}


def _find_merged(name: str, keys: Collection[Any]) -> dict[Any, int]:
    """Return the ids of the movies that movies with these keys were merged into."""
    if not keys:
        return {}
    if name == "movie_id":
        return retired_movies.find_merged(read(), keys)
    kind = retired_movies.IMDB if name == "imdb_id" else retired_movies.TMDB
    return retired_movies.find_by_external_id(read(), kind, keys)


def _match_movies(items: Sequence[Item]) -> tuple[list[tuple[int, Item]], list[dict[str, Any]]]:
    """Return the items whose movies exist, each with its movie's id, and the keys of the others."""
    ids: dict[tuple[str, Any], int] = {}
    for name, column in _COLUMNS.items():
        keys = {item[name] for item in items if name in item}
        if keys:
            rows = read().execute(select(column, _movie.id).where(column.in_(keys)))
            ids.update(((name, key), movie_id) for key, movie_id in rows)
            missing = {key for key in keys if (name, key) not in ids}
            ids.update(((name, key), movie_id) for key, movie_id in _find_merged(name, missing).items())
    matched, not_found = [], []
    for item in items:
        key = _select_key(item)
        movie_id = ids.get(next(iter(key.items())))
        if movie_id is None:
            not_found.append(key)
        else:
            matched.append((movie_id, item))
    return matched, not_found
