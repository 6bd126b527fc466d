"""Movies as templates show them, with the viewer's own ratings."""

from collections.abc import Sequence
from typing import Any

import orjson

from movierating import clock
from movierating.errors import NotFound
from movierating.movies import movie_json
from movierating.movies import service as movies
from movierating.movies.own_ratings import list_own_ratings
from movierating.pages import notices
from movierating.pages.blueprint import Viewer
from movierating.pages.notices import Notice


def make_movie(row: Sequence[Any]) -> dict[str, Any]:
    """Return a movie as the API shows it; `row` starts with the columns of a movie in a list."""
    movie: dict[str, Any] = to_plain(movie_json.serialize_movie(row))
    return movie


def make_details(row: Sequence[Any]) -> dict[str, Any]:
    """Return a single movie as the API shows it; `row` has the columns of its details."""
    movie: dict[str, Any] = to_plain(movie_json.serialize_details(row))
    return movie


def find_movie(movie_id: int | None) -> dict[str, Any] | None:
    """Return the movie with an id as the API shows it, or None."""
    try:
        return make_details(movies.get_movie(movie_id)) if movie_id and 0 < movie_id < 2**63 else None
    except NotFound:
        return None


def to_plain(value: Any) -> Any:
    """Return what a client of the API would read: lists that are stored as JSON become lists."""
    return orjson.loads(orjson.dumps(value))


def list_own_values(viewer: Viewer | None, movie_ids: Sequence[int]) -> dict[int, int]:
    """Return the viewer's ratings of these movies, in half points by movie id; none without a viewer."""
    if viewer is None or not movie_ids:
        return {}
    return {movie_id: value for movie_id, (value, _) in list_own_ratings(viewer.id, movie_ids).items()}


def get_own_value(viewer: Viewer | None, movie_id: int) -> int | None:
    """Return the viewer's rating of a movie in half points, or None."""
    return list_own_values(viewer, [movie_id]).get(movie_id)


def get_own_rating(viewer: Viewer, movie_id: int) -> tuple[int, int]:
    """Return the viewer's rating of a movie, in half points, and its time in microseconds; zeros without one."""
    return list_own_ratings(viewer.id, [movie_id]).get(movie_id, (0, 0))


def find_rating_notice(viewer: Viewer | None) -> dict[str, Any] | None:
    """Return what the viewer has just rated: the movie, its rating now, and the one before; or None."""
    notice = notices.find_notice("rated")
    if viewer is None or notice is None:
        return None
    return describe_notice(viewer, notice)


def find_merge_notice() -> dict[str, Any] | None:
    """Return the movie that stayed in a merge that the viewer has just made, or None."""
    notice = notices.find_notice("merged")
    return find_movie(notice.movie_id) if notice is not None else None


def describe_notice(viewer: Viewer, notice: Notice) -> dict[str, Any] | None:
    """Return a notice about a rating as templates show it, with what undoes it; None if there is no such movie."""
    movie = find_movie(notice.movie_id)
    if movie is None:
        return None
    # A time that an import took from a clock ahead of this one can't be set yet.
    has_time = notice.former_value and notice.former_time <= clock.now()
    return {
        "movie": movie,
        "value": get_own_value(viewer, notice.movie_id),
        "before": notice.former_value or None,
        "before_time": clock.format_rfc3339(notice.former_time) if has_time else None,
    }
