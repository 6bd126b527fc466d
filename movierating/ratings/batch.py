"""Set or delete many ratings in one request, each naming its movie by one of three ids."""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any

from movierating.monitoring import counters
from movierating.movies.merged_movies import find_merging
from movierating.movies.movie_ids import find_current_ids, find_ids_by_imdb_id, find_ids_by_tmdb_id
from movierating.ratings.bulk import delete_ratings, retry_if_catalogue_changes, set_ratings
from movierating.storage.cache_versions import MOVIE, USER, Change
from movierating.storage.database import read, write

_FINDERS: dict[str, Callable[..., dict[Any, int]]] = {
    "imdb_id": find_ids_by_imdb_id,
    "tmdb_id": find_ids_by_tmdb_id,
}
# Each rating has exactly one of these.
MOVIE_ID_FIELDS = ("movie_id", *_FINDERS)

# A rating, or a movie to delete one of, as the request has it.
Item = Mapping[str, Any]


def rate_batch(user_id: int, ratings: Sequence[Item]) -> dict[str, Any]:
    """Set ratings: each has one of MOVIE_ID_FIELDS, `value` in half points and perhaps `rated_at` in microseconds.

    Return how many were `created`, `updated`, `unchanged`, and the keys that are `not_found`. If a movie comes more
    than once, the last of its ratings is stored.
    """

    def attempt() -> dict[str, Any]:
        """Set the ratings, and return the report. Raise CatalogueChanged."""
        matched, not_found = _match_movies(ratings)
        new_ratings = [(movie_id, rating["value"], rating.get("rated_at")) for movie_id, rating in matched]
        plan = write(
            partial(set_ratings, user_id=user_id, ratings=new_ratings, on_conflict="replace"),
            _list_changes(user_id, {movie_id for movie_id, _ in matched}),
        )
        counts = {name: plan.outcomes.count(name) for name in ("created", "updated", "unchanged")}
        return {**counts, "not_found": not_found}

    report = retry_if_catalogue_changes(attempt)
    counters.increment(counters.RATINGS_WRITTEN, "list", amount=len(ratings) - len(report["not_found"]))
    return report


def delete_batch(user_id: int, ratings: Sequence[Item]) -> dict[str, Any]:
    """Delete ratings, each with one of MOVIE_ID_FIELDS; return how many were `deleted`, and the keys `not_found`.

    A movie that the user did not rate is not found either.
    """

    def attempt() -> dict[str, Any]:
        """Delete the ratings, and return the report. Raise CatalogueChanged."""
        matched, not_found = _match_movies(ratings)
        movie_ids = {movie_id for movie_id, _ in matched}
        merging = find_merging(read(), movie_ids)
        job = partial(delete_ratings, user_id=user_id, movie_ids=movie_ids, merging=merging)
        deleted_ids = write(job, _list_changes(user_id, {*movie_ids, *merging}))
        not_found += [_select_key(rating) for movie_id, rating in matched if movie_id not in deleted_ids]
        return {"deleted": len(deleted_ids), "not_found": not_found}

    return retry_if_catalogue_changes(attempt)


def _list_changes(user_id: int, movie_ids: Collection[int]) -> list[Change]:
    """Return what a change of these ratings changes in responses."""
    return [(USER, user_id), *((MOVIE, movie_id) for movie_id in movie_ids)]


def _select_key(item: Item) -> dict[str, Any]:
    return {name: item[name] for name in MOVIE_ID_FIELDS if name in item}


def _match_movies(items: Sequence[Item]) -> tuple[list[tuple[int, Item]], list[dict[str, Any]]]:
    """Return the items whose movies exist, each with its movie's id, and the keys of the others.

    The keys of a merged movie are those of the one that stayed.
    """
    ids = {
        name: find(read(), {item[name] for item in items if name in item}) for name, find in _FINDERS.items()
    }
    keys = [_select_key(item) for item in items]
    movie_ids = [
        ids[name].get(value, 0) if name in ids else value for key in keys for name, value in key.items()
    ]
    current_ids = find_current_ids(read(), {*movie_ids})
    matched, not_found = [], []
    for item, key, movie_id in zip(items, keys, movie_ids, strict=True):
        if movie_id in current_ids:
            matched.append((current_ids[movie_id], item))
        else:
            not_found.append(key)
    return matched, not_found
