"""Compare the tastes of two users, and find the users whose taste is nearest."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, String, bindparam, func, select

from movierating.auth.models import User
from movierating.errors import NotFound, invalid_field
from movierating.movies.service import find_movies
from movierating.predictions.bounded_cache import BoundedCache
from movierating.predictions.linear_algebra import dot
from movierating.predictions.model_store import find_people
from movierating.predictions.nearest_people import (
    MIN_RATINGS_FOR_MATCH,
    PeopleFile,
    compute_vector,
    find_nearest,
)
from movierating.predictions.tastes import NO_MODEL, NoPrediction, UserTaste, find_taste, read_ratings
from movierating.ratings.models import Rating
from movierating.storage.database import read
from movierating.storage.dialect import encode_values, in_many
from movierating.storage.pagination import RankedPages
from movierating.storage.statements import CompiledStatement, with_custom_plan

# How many movies on which both agree, and how many on which they differ, a comparison names.
MAX_NAMED_MOVIES = 5
# Two ratings of a movie agree up to the first difference, and differ from the second one on, in points.
MAX_AGREEING_DIFFERENCE, MIN_DIFFERENCE = 1.0, 2.0
# How many nearest users are searched for. Of these, deactivated users and those who opted out are left out.
MAX_NEAREST = 200

_NEAREST = BoundedCache(32)

_user = User.__table__.c
_SUMMARY = (_user.id, _user.username, _user.display_name)
_IS_LISTED = _user.active & _user.listed
_LISTED_USER = CompiledStatement(select(_user.id).where(_user.id == bindparam("user"), _IS_LISTED))
_mine, _theirs = Rating.__table__.alias().c, Rating.__table__.alias().c
_COMMON = CompiledStatement(
    select(_mine.movie_id, _mine.value, _theirs.value).where(
        _mine.user_id == bindparam("user"),
        _theirs.user_id == bindparam("other"),
        _mine.movie_id == _theirs.movie_id,
    )
)
_COMMON_COUNTS = CompiledStatement(
    with_custom_plan(
        select(_theirs.user_id, func.count())
        .where(
            _mine.user_id == bindparam("user"),
            in_many(_theirs.user_id, bindparam("others", type_=String)),
            _mine.movie_id == _theirs.movie_id,
        )
        .group_by(_theirs.user_id)
    )
)
_LISTED_USERS = CompiledStatement(
    select(*_SUMMARY).where(
        in_many(_user.id, bindparam("users", type_=String)),
        _IS_LISTED,
        _user.rating_count >= MIN_RATINGS_FOR_MATCH,
        # After a restore, a user may have the id that another one had when the model was trained.
        _user.created_at <= bindparam("trained_at"),
    )
)


def match_tastes(user_id: int, other_id: int) -> dict[str, Any]:
    """Return how alike two users' tastes are, from -1 to 1, and movies on which they agree or differ.

    Raise NotFound if the other user does not exist, is deactivated, or has opted out, and InvalidRequest if both are
    the same user.
    """
    if user_id == other_id:
        raise invalid_field("path", "user_id", "Your taste can't be compared with itself.")
    connection = read()
    if _LISTED_USER.first(connection, user=other_id) is None:
        raise NotFound("There is no such user to compare with.")
    user, other = (find_taste(connection, read_ratings(connection, each)) for each in (user_id, other_id))
    common = [
        (movie_id, mine / 2, theirs / 2)
        for movie_id, mine, theirs in _COMMON.tuples(connection, user=user_id, other=other_id)
    ]
    result = {"match": None, "common": len(common), **_compare_ratings(common)}
    if isinstance(user, NoPrediction):
        return {**result, **user.to_json()}
    if isinstance(other, NoPrediction):
        # `needed` is the number of ratings that the caller can add.
        return {**result, "reason": other.reason}
    # The model may be replaced between the two.
    if user.model is not other.model:
        return {**result, "reason": NO_MODEL}
    vectors = [compute_vector(taste.model, taste.taste) for taste in (user, other)]
    return {**result, "match": round(dot(*vectors), 2)}


def _compare_ratings(common: Sequence[tuple[int, float, float]]) -> dict[str, Any]:
    """Return movies that both rated alike, the highest first, and differently, the largest difference first.

    `common` has the id and both ratings, in points, of each movie that both rated.
    """
    agree = sorted(
        (-mine - theirs, movie_id, mine, theirs)
        for movie_id, mine, theirs in common
        if abs(mine - theirs) <= MAX_AGREEING_DIFFERENCE
    )
    differ = sorted(
        (-abs(mine - theirs), movie_id, mine, theirs)
        for movie_id, mine, theirs in common
        if abs(mine - theirs) >= MIN_DIFFERENCE
    )
    named = {"agree": agree[:MAX_NAMED_MOVIES], "differ": differ[:MAX_NAMED_MOVIES]}
    facts = find_movies([movie_id for movies in named.values() for _, movie_id, *_ in movies])
    return {
        name: [
            {"movie": facts[movie_id], "mine": mine, "theirs": theirs}
            for _, movie_id, mine, theirs in movies
            if movie_id in facts
        ]
        for name, movies in named.items()
    }


def list_taste_matches(
    user_id: int, cursor: str | None, limit: int
) -> tuple[list[dict[str, Any]], str | None, NoPrediction | None]:
    """Return a page of the users with the nearest taste, the next cursor, and why there are none.

    Raise InvalidRequest for a bad cursor.
    """
    connection = read()
    pages = RankedPages("taste matches", connection, user_id)
    user = find_taste(connection, read_ratings(connection, user_id))
    people = None if isinstance(user, NoPrediction) else find_people(user.model)
    if isinstance(user, NoPrediction) or people is None:
        pages.find_start(cursor, [])
        return [], None, user if isinstance(user, NoPrediction) else NoPrediction(NO_MODEL)
    matches = _NEAREST.get(user.key, lambda: _find_nearest(user, people))
    listed = _find_listed_users(connection, user, matches)
    ids = [other_id for other_id in matches if other_id in listed and other_id != user_id]
    start = pages.find_start(cursor, ids)
    page = ids[start : start + limit]
    next_cursor = pages.encode(start + limit - 1, page[-1]) if start + limit < len(ids) else None
    counts = dict(_COMMON_COUNTS.tuples(connection, user=user_id, others=encode_values(page)))
    items = [
        {"user": listed[each], "match": round(matches[each], 2), "common": counts.get(each, 0)}
        for each in page
    ]
    return items, next_cursor, None


def _find_listed_users(
    connection: Connection, user: UserTaste, matches: Mapping[int, float]
) -> dict[int, dict[str, Any]]:
    """Return those of the matched users who may be named, as the API shows them, by id."""
    rows = _LISTED_USERS.tuples(
        connection, users=encode_values(sorted(matches)), trained_at=user.model.trained_at
    )
    return {row[0]: dict(zip(("id", "username", "display_name"), row, strict=True)) for row in rows}


def _find_nearest(user: UserTaste, people: PeopleFile) -> dict[int, float]:
    """Return the matches of the nearest users by id, best first, if they are above 0."""
    nearest = find_nearest(people, compute_vector(user.model, user.taste), MAX_NEAREST)
    return {other_id: match for match, other_id in nearest if match > 0}
