"""Set or delete many ratings in one request, each naming its movie by one of three ids."""

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import select

from movierating.monitoring import counters
from movierating.movies import retired_movies
from movierating.movies.models import Movie
from movierating.movies.movie_ids import find_current_ids
from movierating.ratings.bulk import delete_ratings, retry_if_catalogue_changes, set_ratings
from movierating.storage.cache_versions import MOVIE, USER, Subject
from movierating.storage.database import read, write

_movie = Movie.__table__.c
_COLUMNS = {"movie_id": _movie.id, "imdb_id": _movie.imdb_id, "tmdb_id": _movie.tmdb_id}
_KINDS = {"imdb_id": retired_movies.IMDB, "tmdb_id": retired_movies.TMDB}
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
        """Set the ratings, and return the report. Raise CatalogueChanged."""
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

    def attempt() -> dict[str, Any]:
        """Delete the ratings, and return the report. Raise CatalogueChanged."""
        matched, not_found = _match_movies(ratings)
        movie_ids = {movie_id for movie_id, _ in matched}
        merging = retired_movies.find_merging(read(), movie_ids)
        job = partial(delete_ratings, user_id=user_id, movie_ids=movie_ids, merging=merging)
        deleted_ids = write(job, _list_subjects(user_id, {*movie_ids, *merging}))
        not_found += [_select_key(rating) for movie_id, rating in matched if movie_id not in deleted_ids]
        return {"deleted": len(deleted_ids), "not_found": not_found}

    return retry_if_catalogue_changes(attempt)


def _list_subjects(user_id: int, movie_ids: Collection[int]) -> list[Subject]:
    """Return the cache subjects that a change of these ratings invalidates."""
    return [(USER, user_id), *((MOVIE, movie_id) for movie_id in movie_ids)]


def _select_key(item: Item) -> dict[str, Any]:
    return {name: item[name] for name in MOVIE_KEYS if name in item}


def _find_ids(items: Sequence[Item]) -> dict[tuple[str, Any], int]:
    """Return the ids of the items' movies, by the name and the value of a key. A `movie_id` is not looked up."""
    ids: dict[tuple[str, Any], int] = {}
    for name, column in _COLUMNS.items():
        values = {item[name] for item in items if name in item}
        if name == "movie_id":
            ids.update(((name, value), value) for value in values)
        elif values:
            # Read in this order, a movie that is merged meanwhile is found twice rather than not at all.
            rows = read().execute(select(column, _movie.id).where(column.in_(values))).all()
            merged = retired_movies.find_by_external_id(read(), _KINDS[name], values)
            ids.update(((name, value), movie_id) for value, movie_id in (*merged.items(), *rows))
    return ids


def _match_movies(items: Sequence[Item]) -> tuple[list[tuple[int, Item]], list[dict[str, Any]]]:
    """Return the items whose movies exist, each with its movie's id, and the keys of the others.

    The keys of a merged movie are those of the one that stayed.
    """
    ids = _find_ids(items)
    current_ids = find_current_ids(read(), set(ids.values()))
    matched, not_found = [], []
    for item in items:
        key = _select_key(item)
        [(name, value)] = key.items()
        movie_id = current_ids.get(ids.get((name, value), 0))
        if movie_id is None:
            not_found.append(key)
        else:
            matched.append((movie_id, item))
    return matched, not_found
