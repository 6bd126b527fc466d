"""What a user rated: the profile's list of movies."""

import functools
from collections.abc import Mapping
from typing import Any

from sqlalchemy import String, bindparam, select

from movierating.auth.models import User
from movierating.movies.models import Movie, holds
from movierating.movies.service import FACT_COLUMNS, FACTS, VERSION_COLUMNS
from movierating.ratings.models import Rating
from movierating.ratings.service import shown_values
from movierating.storage.database import read
from movierating.storage.pagination import Pages, Sort
from movierating.storage.statements import planned_anew
from movierating.users.service import require_active

_rating, _movie, _user = Rating.__table__.c, Movie.__table__.c, User.__table__.c

_BY_TIME, _BY_VALUE = (_rating.rated_at, _rating.movie_id), (_rating.value, _rating.movie_id)
_SORTS = {
    "-rated_at": (_BY_TIME, True),
    "rated_at": (_BY_TIME, False),
    "-value": (_BY_VALUE, True),
    "value": (_BY_VALUE, False),
    # Both of the movie, so that the index of titles can find a page's place.
    "title": ((_movie.title_key, _movie.id), False),
}
SORTS = tuple(_SORTS)
_IS_ACTIVE = select(_user.id).where(_user.id == bindparam("user"), _user.active).exists()
_OWN = (_rating.value, _rating.rated_at, _rating.created_at, _rating.updated_at)


def rated_by(
    user_id: int, filters: Mapping[str, Any], sort: str, cursor: str | None, limit: int
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of a user's ratings with their movies, and the next cursor.

    `filters` may hold `min_value` and `max_value` (half points) and `genre`. Raises NotFound.
    """
    is_first = cursor is None
    pages = _pages(sort, frozenset(filters), FACTS.wants_whole_rows(read(), is_first))
    rows, next_cursor = pages.page(cursor, limit, **{**filters, "user": user_id})
    if not rows:
        require_active(user_id)
    movies = FACTS.encoded(read(), rows, is_first)
    items = []
    for movie_id, *_, value, rated_at, created_at, updated_at, _, _ in rows:
        if movie_id in movies:
            item = shown_values(value, rated_at, created_at, updated_at)
            item["movie"] = movies[movie_id]
            items.append(item)
    return items, next_cursor


_FILTERS = {
    "min_value": _rating.value >= bindparam("min_value"),
    "max_value": _rating.value <= bindparam("max_value"),
    # No name of a genre has a quote in it.
    "genre": holds(_movie.genres, '"' + bindparam("genre", type_=String) + '"'),
}


@functools.cache
def _pages(sort: str, filters: frozenset[str], whole: bool) -> Pages:
    """The pages whose rows hold a movie's facts, if they are `whole`, or no more of it than its version."""
    columns, descending = _SORTS[sort]
    ratings = (
        select(*(FACT_COLUMNS if whole else VERSION_COLUMNS), *_OWN)
        .select_from(Rating)
        .join(Movie, _movie.id == _rating.movie_id)
        .where(
            _rating.user_id == bindparam("user"), _IS_ACTIVE, *(_FILTERS[name] for name in sorted(filters))
        )
    )
    if sort == "title":
        # No index has a person's titles in order: few ratings are sorted, of many the index of all titles is walked.
        ratings = planned_anew(ratings)
    return Pages(ratings, Sort(f"history:{sort}", columns, descending))
