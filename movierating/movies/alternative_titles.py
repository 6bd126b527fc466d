"""The alternative titles of movies."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from movierating.errors import invalid_field
from movierating.movies import search_index
from movierating.movies.former_titles import forget_alternatives
from movierating.movies.models import MAX_ALTERNATIVE_TITLES, Movie, MovieTitle
from movierating.movies.names import list_match_keys
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


def replace_titles(connection: Connection, movie: Mapping[str, Any], titles: Sequence[str] | None) -> bool:
    """Replace the alternative titles of a movie that are shown; return True if that changes them (None: never).

    Titles that are not shown stay while there is room, first those of members' files. If one is removed, files find
    the movie by it in no year any more, unless it is the title of a merged movie, and the catalogue adds no titles to
    the movie. The caller indexes the movie again. Raise InvalidRequest unless the titles differ from each other, and
    new ones from the movie's own, in their match keys.
    """
    if titles is None:
        return False
    statement = select(_title.title, _title.match_key, _title.source).where(_title.movie_id == movie["id"])
    stored = connection.execute(statement.order_by(_title.id)).all()
    shown = [row for row in stored if row.source != IMPORT][:MAX_SHOWN_TITLES]
    if [row.title for row in shown] == titles:
        return False
    former = {row.match_key: row for row in shown}
    new = _index_titles(titles, {"", *list_match_keys(movie)} - former.keys())
    others = [row for row in stored if row.match_key not in former.keys() | new.keys()]
    rows = [
        {"title": title, "match_key": key, "source": former[key].source if key in former else ADMIN}
        for key, title in new.items()
    ]
    rows += [row._asdict() for row in sorted(others, key=lambda row: row.source != IMPORT)]
    _replace_rows(connection, movie["id"], rows)
    if removed := former.keys() - new.keys():
        forget_alternatives(connection, movie["id"], removed)
        connection.execute(update(Movie).where(_movie.id == movie["id"]).values(takes_titles=False))
    return True


def _replace_rows(connection: Connection, movie_id: int, rows: Sequence[Mapping[str, Any]]) -> None:
    """Replace all alternative titles of a movie by the first of these rows, as many as there is room for."""
    connection.execute(delete(MovieTitle).where(_title.movie_id == movie_id))
    if rows:
        kept = [{**row, "movie_id": movie_id} for row in rows[:MAX_ALTERNATIVE_TITLES]]
        connection.execute(insert(MovieTitle), kept)


def _index_titles(titles: Sequence[str], taken_keys: set[str]) -> dict[str, str]:
    """Return the titles by their match keys. Raise InvalidRequest if one is taken, or two titles have one."""
    titles_by_key: dict[str, str] = {}
    for number, title in enumerate(titles):
        key = match_key(title)
        if key in taken_keys or key in titles_by_key:
            message = f"“{title}” must differ from the movie's other titles in a letter or digit."
            raise invalid_field("json", f"alternative_titles.{number}", message)
        titles_by_key[key] = title
    return titles_by_key
