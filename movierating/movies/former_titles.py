"""Former titles: how `movie_external_id` stores the titles of merged, changed and deleted movies."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, delete, select

from movierating.movies.models import MovieExternalId
from movierating.movies.names import list_match_keys
from movierating.movies.titles import fold
from movierating.storage.dialect import in_many

TITLE = "title"
# How the keys of alternative titles start. Only rows of members' files find a movie by an imported title.
ALTERNATIVE, IMPORTED = "~", "~~"

_external = MovieExternalId.__table__.c

# A kind and a value of `movie_external_id`.
ExternalId = tuple[str, str]


def list_title_ids(
    facts: Mapping[str, Any], keys: Iterable[str], *, has_ids: bool, mark: str = ""
) -> list[ExternalId]:
    """Return the keys of folded titles and match keys, each with the year."""
    # The title of a movie with ids says nothing about other movies with ids.
    prefix = f"{mark}{'+' if has_ids else ''}{facts.get('year') or ''}:"
    return [(TITLE, prefix + key) for key in dict.fromkeys(keys)]


def list_own_titles(movie: Mapping[str, Any], has_ids: bool) -> list[ExternalId]:
    """Return the keys of a movie's title and original title, each with the year."""
    return list_title_ids(movie, [fold(movie["title"]), *list_match_keys(movie)], has_ids=has_ids)


def forget_alternatives(connection: Connection, movie_id: int, match_keys: Collection[str]) -> None:
    """Delete what leads to a movie by alternative titles with these match keys, in whatever year."""
    if not match_keys:
        return
    is_alternative = (_external.kind == TITLE) & _external.value.startswith(ALTERNATIVE)
    values = connection.scalars(
        select(_external.value).where(_external.movie_id == movie_id, is_alternative)
    ).all()
    removed = [value for value in values if value.partition(":")[2] in match_keys]
    connection.execute(
        delete(MovieExternalId).where(_external.kind == TITLE, in_many(_external.value, removed))
    )
