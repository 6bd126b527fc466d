"""The alternative titles of movies."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Connection, insert, select

from movierating.movies import search_index
from movierating.movies.models import MAX_ALTERNATIVE_TITLES, Movie, MovieTitle
from movierating.movies.titles import match_key
from movierating.storage.dialect import in_many, json_list

ADMIN, CATALOGUE, IMPORT = "admin", "catalogue", "import"
MAX_SHOWN_TITLES = 50

_movie, _title = Movie.__table__.c, MovieTitle.__table__.c

# The oldest titles come first.
_shown = (
    select(_title.title)
    .where(_title.movie_id == _movie.id, search_index.IS_SEARCHED)
    .order_by(_title.id)
    .limit(MAX_SHOWN_TITLES)
    .correlate(Movie)
    .subquery()
)
# Column: the alternative titles of a movie that are shown, as the text of a JSON array.
SHOWN_TITLES = select(json_list(_shown.c.title)).scalar_subquery().label("alternative_titles")


def add_titles(connection: Connection, titles: Mapping[int, Sequence[str]], source: str) -> set[int]:
    """Add alternative titles, by the movie's id, and return the ids of the movies that got some.

    They are indexed for search, unless `source` is IMPORT: those titles are used for matching alone. A title is left
    out if the movie has one with the same match key or MAX_ALTERNATIVE_TITLES titles, or does not exist.
    """
    ids = sorted(movie_id for movie_id, names in titles.items() if names)
    stored = _read_match_keys(connection, ids)
    movies = select(_movie.id, _movie.title, _movie.original_title).where(in_many(_movie.id, ids))
    rows: list[dict[str, Any]] = []
    for movie_id, title, original_title in connection.execute(movies):
        known = {"", match_key(title), match_key(original_title or ""), *stored[movie_id]}
        new = _select_new_titles(titles[movie_id], known)
        room = MAX_ALTERNATIVE_TITLES - len(stored[movie_id])
        rows += [
            {"movie_id": movie_id, "title": name, "match_key": key, "source": source}
            for key, name in islice(new.items(), room)
        ]
    changed = {int(row["movie_id"]) for row in rows}
    if rows:
        connection.execute(insert(MovieTitle), rows)
        if source != IMPORT:
            search_index.update_text(connection, sorted(changed))
    return changed


def _read_match_keys(connection: Connection, movie_ids: Sequence[int]) -> defaultdict[int, set[str]]:
    """Return the match keys of the stored alternative titles, by the movie's id."""
    keys: defaultdict[int, set[str]] = defaultdict(set)
    statement = select(_title.movie_id, _title.match_key).where(in_many(_title.movie_id, movie_ids))
    for movie_id, key in connection.execute(statement):
        keys[movie_id].add(key)
    return keys


def _select_new_titles(names: Sequence[str], known_keys: set[str]) -> dict[str, str]:
    """Return the titles with other match keys than the known ones, by the key; of several with one key, the first."""
    new: dict[str, str] = {}
    for name in names:
        if (key := match_key(name)) not in known_keys:
            new.setdefault(key, name)
    return new
