"""Retired movies were merged, deleted or renamed: a row of a file finds the one that stayed, or adds none."""

import itertools
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, update

from movierating import clock
from movierating.movies import alternative_titles, search_index, title_proposals
from movierating.movies.alternative_titles import IMPORT
from movierating.movies.former_titles import (
    ALTERNATIVE,
    IMPORTED,
    TITLE,
    ExternalId,
    list_own_titles,
    list_title_ids,
)
from movierating.movies.merged_movies import record_merge
from movierating.movies.models import Movie, MovieExternalId, MovieTitle
from movierating.movies.names import list_titles
from movierating.movies.titles import fold, match_key
from movierating.storage.dialect import encode_values, in_many, upsert
from movierating.storage.statements import CompiledStatement

IMDB, TMDB, WIKIDATA = "imdb", "tmdb", "wikidata"
# The columns of the ids by which files name movies, in the order in which they decide; and of all ids.
FILE_IDS = {IMDB: "imdb_id", TMDB: "tmdb_id"}
_ID_COLUMNS = {**FILE_IDS, WIKIDATA: "wikidata_id"}
_FILLED_COLUMNS = (
    *("original_title", "runtime_minutes", "genres", "directors", "language", "country"),
    *_ID_COLUMNS.values(),
)

_movie, _title = Movie.__table__.c, MovieTitle.__table__.c
_external = MovieExternalId.__table__.c

_BY_EXTERNAL_ID = CompiledStatement(
    select(_external.value, _external.movie_id).where(
        _external.kind == bindparam("kind"),
        _external.movie_id.is_not(None),
        in_many(_external.value, bindparam("ids")),
    )
)


def find_by_external_id(
    connection: Connection, kind: str, values: Collection[str] | Collection[int]
) -> dict[Any, int]:
    """Return the ids of the movies that took over external ids of merged movies, by the external id."""
    rows = _BY_EXTERNAL_ID.tuples(connection, kind=kind, ids=encode_values(sorted(map(str, values))))
    to_id = int if kind == TMDB else str
    return {to_id(value): movie_id for value, movie_id in rows}


def find_deleted_ids(connection: Connection, ids: Collection[str]) -> set[str]:
    """Return the IMDb and TMDB ids, as text, of deleted movies among these."""
    statement = select(_external.value).where(_external.kind.in_((IMDB, TMDB)), _external.movie_id.is_(None))
    return {*connection.scalars(statement.where(in_many(_external.value, sorted(ids))))}


def _list_ids(facts: Mapping[str, Any]) -> list[ExternalId]:
    return [(kind, str(facts[name])) for kind, name in _ID_COLUMNS.items() if facts.get(name) is not None]


def _list_keys(facts: Mapping[str, Any], marks: Sequence[str]) -> list[ExternalId]:
    """Return the keys by which a row finds a retired movie, the most certain first.

    With `marks`, the last ones are those of alternative titles.
    """
    ids = _list_ids(facts)
    titles = {name: facts[name] for name in ("title", "original_title") if facts.get(name)}
    # Rows to be inserted have the folded titles.
    folded = [facts.get(f"{name}_key") or fold(title) for name, title in titles.items()]
    match_keys = list(map(match_key, titles.values()))
    names = [("", [*folded, *match_keys]), *((mark, match_keys) for mark in marks)]
    return ids + [
        key
        for mark, keys in names
        for has_ids in ([False] if ids else [False, True])
        for key in list_title_ids(facts, keys, has_ids=has_ids, mark=mark)
    ]


class RetiredMovies:
    """The merged, renamed and deleted movies among some rows of a catalogue or of a member's file."""

    def __init__(
        self, connection: Connection, rows: Sequence[Mapping[str, Any]], *, with_import_titles: bool = False
    ) -> None:
        """Load the movies; `with_import_titles` is as in MovieMatcher."""
        self._marks = [ALTERNATIVE, IMPORTED] if with_import_titles else [ALTERNATIVE]
        statement = select(
            _external.kind, _external.value, _external.movie_id, _movie.imdb_id, _movie.tmdb_id
        ).outerjoin(Movie, _movie.id == _external.movie_id)
        entries = connection.execute(statement.limit(len(rows) + 1)).all()
        # Most instances have few retired movies. To read them all takes less time than to make the keys of the rows.
        if len(entries) > len(rows):
            values = {value for facts in rows for _, value in _list_keys(facts, self._marks)}
            entries = connection.execute(
                statement.where(
                    _external.kind.in_([*_ID_COLUMNS, TITLE]), in_many(_external.value, sorted(values))
                )
            ).all()
        self._entries: dict[ExternalId, Any] = {(entry.kind, entry.value): entry for entry in entries}

    def __contains__(self, facts: Mapping[str, Any]) -> bool:
        """Return True if a movie with one of the ids, or with the title and year, was merged, renamed or deleted.

        A row with ids may be of another movie of the same title: it matches the title only of a merged or deleted movie
        without ids. Alternative titles do not count.
        """
        return bool(self._list_entries(facts))

    def find_survivor(self, facts: Mapping[str, Any]) -> int | None:
        """Return the id of the movie that stayed in the merge, or whose title or year was changed.

        Alternative titles count, after all other keys. Return None if the movie was deleted or is not retired.
        """
        movie_ids = (entry.movie_id for entry in self._list_entries(facts, self._marks))
        return next((movie_id for movie_id in movie_ids if movie_id is not None), None)

    def _list_entries(self, facts: Mapping[str, Any], marks: Sequence[str] = ()) -> list[Any]:
        # Most batches have none, and then need no keys.
        entries = (self._entries.get(key) for key in _list_keys(facts, marks)) if self._entries else ()
        return [entry for entry in entries if entry is not None and not _has_other_ids(entry, facts)]


def _has_other_ids(entry: Any, facts: Mapping[str, Any]) -> bool:
    """Return True if the movie that stayed has another id of a kind that decides before that of the entry."""
    deciding = itertools.takewhile(lambda kind: kind != entry.kind, FILE_IDS)
    pairs = [(getattr(entry, FILE_IDS[kind]), facts.get(FILE_IDS[kind])) for kind in deciding]
    return any(None not in (own, other) and own != other for own, other in pairs)


def record_retired_movie(connection: Connection, movie: Mapping[str, Any], into_id: int | None) -> None:
    """Record the ids and the title of a movie that is merged into the movie `into_id`, or deleted (None).

    For a merged movie, which must still exist, the match keys of all its titles are recorded as well.
    """
    ids = _list_ids(movie)
    has_ids = bool(ids)
    if into_id is None:
        titles = list_title_ids(movie, [fold(movie["title"])], has_ids=has_ids)
    else:
        titles = list_own_titles(movie, has_ids) + _read_alternatives(connection, movie, has_ids)
    _record(connection, ids + titles, into_id)


def record_former_titles(connection: Connection, former: Mapping[str, Any], movie: Mapping[str, Any]) -> None:
    """Record the titles and the year that a movie had before an edit, by which rows of files without ids find it.

    A row with ids may be of the movie from which the edit tells this one apart.
    """
    before, after = (list_own_titles(each, has_ids=True) for each in (former, movie))
    if former["year"] != movie["year"]:
        before += _read_alternatives(connection, former, has_ids=True)
    _record(connection, [key for key in before if key not in after], former["id"])


def _read_alternatives(connection: Connection, movie: Mapping[str, Any], has_ids: bool) -> list[ExternalId]:
    """Return the keys of a movie's alternative titles, each with the year."""
    statement = select(_title.source, _title.match_key).where(_title.movie_id == movie["id"])
    keys = defaultdict[str, list[str]](list)
    for source, key in connection.execute(statement):
        keys[IMPORTED if source == IMPORT else ALTERNATIVE].append(key)
    return [key for mark in keys for key in list_title_ids(movie, keys[mark], has_ids=has_ids, mark=mark)]


def _record(connection: Connection, keys: Sequence[ExternalId], movie_id: int | None) -> None:
    if not keys:
        return
    rows = [{"kind": kind, "value": value, "movie_id": movie_id} for kind, value in keys]
    statement = upsert(connection.dialect, MovieExternalId.__table__).values(rows)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["kind", "value"], set_={"movie_id": statement.excluded.movie_id}
        )
    )


def absorb_movie(connection: Connection, movie: Mapping[str, Any], into_id: int) -> None:
    """Delete a movie without ratings; another one takes its facts, ids and titles, also those of earlier merges.

    It takes only facts that it lacks.
    """
    movie_id = movie["id"]
    takes_titles = connection.scalar(select(_movie.takes_titles).where(_movie.id == movie_id))
    titles = defaultdict[str, list[str]](list)
    stored = select(_title.source, _title.title).where(_title.movie_id == movie_id).order_by(_title.id)
    for source, title in connection.execute(stored):
        titles[source].append(title)
    record_merge(connection, movie_id, into_id)
    connection.execute(update(MovieExternalId).where(_external.movie_id == movie_id).values(movie_id=into_id))
    title_proposals.copy_proposals(connection, movie_id, into_id)
    record_retired_movie(connection, movie, into_id)
    search_index.remove_movie(connection, movie_id)
    connection.execute(delete(Movie).where(_movie.id == movie_id))
    _fill_facts(connection, {**movie, "takes_titles": takes_titles}, into_id)
    alternative_titles.add_titles(connection, {into_id: list_titles(movie)}, alternative_titles.ADMIN)
    for source, names in titles.items():
        alternative_titles.add_titles(connection, {into_id: names}, source)
    title_proposals.add_agreed_titles(connection, into_id)


def _fill_facts(connection: Connection, movie: Mapping[str, Any], into_id: int) -> None:
    """Give a movie the facts that it lacks from one that was deleted, and the larger prominence; index it again.

    If an admin removed a title of either, the catalogue adds none.
    """
    row = connection.execute(select(Movie.__table__).where(_movie.id == into_id)).one()._asdict()
    filled = {name: movie[name] for name in _FILLED_COLUMNS if row[name] in (None, "[]")}
    if original_title := filled.get("original_title"):
        filled["original_title_key"] = fold(original_title)
    row |= filled
    # Another movie may have the title and the year, and of movies without ids only one may have them.
    if row["year"] is None and (_list_ids(row) or row["title_key"] == fold(movie["title"])):
        row["year"] = filled["year"] = movie["year"]
    changes = {
        **filled,
        "prominence": max(row["prominence"], movie["prominence"]),
        "takes_titles": row["takes_titles"] and movie["takes_titles"],
        "edit": row["edit"] + 1,
        "updated_at": clock.now(),
    }
    connection.execute(update(Movie).where(_movie.id == into_id).values(changes))
    search_index.remove_movie(connection, into_id)
    search_index.add_movies(connection, [row])
