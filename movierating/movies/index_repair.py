"""Check and repair what is derived from movies' facts and titles: folded titles, match keys, facets, full-text index.

Movies are read in batches, one statement each, so concurrent writes cause no false mismatches.
"""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, Select, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from movierating.monitoring.logs import logger
from movierating.movies import search_index, text_index
from movierating.movies.models import Movie, MovieFacet, MovieTitle
from movierating.movies.titles import fold, match_key
from movierating.storage import dialect
from movierating.storage.database import batched, read, write

_BATCH = 1_000

_movie, _facet, _title = Movie.__table__.c, MovieFacet.__table__.c, MovieTitle.__table__.c
_search = search_index.MOVIE_SEARCH.c

Columns = Mapping[str, Any]
# The id of a movie, and the reason.
Mismatch = tuple[int, str]
_ORPHAN, _UNREADABLE = "does not exist", "has facts that can't be read"


@dataclass(frozen=True, slots=True)
class DerivedData:
    """A kind of data that is derived from the facts of movies, to search by them.

    `rows` selects movies with their stored data. From such a row, `derive` returns the data that should be stored
    (raising TypeError or ValueError if the facts are invalid), and `get_stored` the data that is stored. `orphans`
    selects the ids of data without a movie. `repair` takes such ids, and the rows of movies with wrong data.
    """

    name: str
    rows: Select[Any]
    derive: Callable[[Columns], Any]
    get_stored: Callable[[Columns], Any]
    repair: Callable[[Connection, list[int], list[Columns]], None]
    orphans: Select[Any] | None = None


def find_mismatches(connection: Connection, kind: DerivedData) -> Iterator[Mismatch]:
    """Yield each movie whose derived data differs from its facts."""
    last = 0
    while rows := _fetch_rows(connection, kind.rows.where(_movie.id > last).limit(_BATCH)):
        for row in rows:
            if reason := _find_reason(kind, row):
                yield row["id"], reason
        last = rows[-1]["id"]
    if kind.orphans is not None:
        for movie_id in connection.scalars(kind.orphans).all():
            yield movie_id, _ORPHAN


def repair_mismatches(kind: DerivedData) -> Iterator[Mismatch]:
    """Repair what `find_mismatches` finds, one transaction a batch, and yield each movie that was repaired."""
    for mismatches in batched(find_mismatches(read(), kind), _BATCH):
        yield from write(functools.partial(_repair_batch, kind, mismatches))


def _repair_batch(kind: DerivedData, mismatches: list[Mismatch], connection: Connection) -> list[Mismatch]:
    """Repair mismatches and return those that were repaired: a movie may have been changed or deleted since."""
    orphans = [movie_id for movie_id, reason in mismatches if reason == _ORPHAN]
    before = _find_repairable(connection, kind, [movie_id for movie_id, _ in mismatches])
    kind.repair(connection, orphans, list(before.values()))
    repaired = {*orphans, *before} - _find_repairable(connection, kind, list(before)).keys()
    return [mismatch for mismatch in mismatches if mismatch[0] in repaired]


def _find_repairable(connection: Connection, kind: DerivedData, ids: list[int]) -> dict[int, Columns]:
    """Return the rows of the movies with wrong data and valid facts, by id."""
    rows = _fetch_rows(connection, kind.rows.where(dialect.in_many(_movie.id, ids)))
    return {row["id"]: row for row in rows if _find_reason(kind, row) not in (None, _UNREADABLE)}


def _fetch_rows(connection: Connection, statement: Select[Any]) -> Sequence[Columns]:
    return [row._asdict() for row in connection.execute(statement.order_by(_movie.id))]


def _find_reason(kind: DerivedData, row: Columns) -> str | None:
    try:
        derived, stored = kind.derive(row), kind.get_stored(row)
    except (TypeError, ValueError):
        return _UNREADABLE
    return None if derived == stored else "differs from its facts" if stored else "is missing"


def _make_title_keys(row: Columns) -> Any:
    return {
        "title_key": fold(row["title"]),
        "original_title_key": fold(row["original_title"]) if row["original_title"] else None,
    }


def _repair_titles(connection: Connection, _orphans: list[int], rows: list[Columns]) -> None:
    # If another movie has taken the title since, both stay as they are.
    statement = update(Movie).where(_movie.id == bindparam("key"))
    for row in rows:
        with suppress(IntegrityError), dialect.savepoint(connection):
            connection.execute(statement, {"key": row["id"], **_make_title_keys(row)})


TITLES = DerivedData(
    "folded titles",
    select(_movie.id, _movie.title, _movie.original_title, _movie.title_key, _movie.original_title_key),
    _make_title_keys,
    lambda row: {name: row[name] for name in ("title_key", "original_title_key")},
    _repair_titles,
)


def _list_of_movie(column: Any, *conditions: Any) -> Any:
    """Return the selection of the values of a column in the rows of a movie, as the text of a JSON array."""
    of_movie = column.table.c.movie_id == _movie.id
    return select(dialect.json_list(column)).where(of_movie, *conditions).correlate(Movie).scalar_subquery()


def _repair_match_keys(connection: Connection, _orphans: list[int], rows: list[Columns]) -> None:
    # Written again, because two titles may exchange their keys; of two titles with one key the first stays.
    of_movies = dialect.in_many(_title.movie_id, [row["id"] for row in rows])
    stored = connection.execute(select(MovieTitle.__table__).where(of_movies).order_by(_title.id)).mappings()
    titles: dict[tuple[int, str], Columns] = {}
    for row in stored:
        key = match_key(row["title"])
        titles.setdefault((row["movie_id"], key), {**row, "match_key": key})
    if titles:
        connection.execute(delete(MovieTitle).where(of_movies))
        connection.execute(insert(MovieTitle), list(titles.values()))


MATCH_KEYS = DerivedData(
    "match keys of alternative titles",
    select(
        _movie.id,
        _list_of_movie(_title.title).label("titles"),
        _list_of_movie(_title.match_key).label("match_keys"),
    ).where(_movie.id.in_(select(_title.movie_id))),
    lambda row: sorted(map(match_key, orjson.loads(row["titles"]))),
    lambda row: sorted(orjson.loads(row["match_keys"])),
    _repair_match_keys,
)


def _repair_facets(connection: Connection, orphans: list[int], rows: list[Columns]) -> None:
    search_index.remove_facets(connection, [*orphans, *(row["id"] for row in rows)])
    search_index.add_facets(connection, rows)


FACETS = DerivedData(
    "facets",
    select(
        *(_movie.id, _movie.genres, _movie.directors, _movie.year, _movie.language),
        *(_movie.title, _movie.original_title),
        _list_of_movie(_facet.facet).label("facets"),
    ),
    lambda row: set(search_index.list_facets(row)),
    lambda row: set(orjson.loads(row["facets"])),
    _repair_facets,
    select(_facet.movie_id).where(~select(_movie.id).where(_movie.id == _facet.movie_id).exists()).distinct(),
)


def _repair_text(connection: Connection, orphans: list[int], rows: list[Columns]) -> None:
    search_index.remove_text(connection, [*orphans, *(row["id"] for row in rows)])
    search_index.add_text(connection, rows)


TEXT = DerivedData(
    "search index",
    select(
        *(_movie.id, *(_movie[name] for name in search_index.INDEXED_FACTS)),
        _list_of_movie(_title.title, search_index.IS_SEARCHED).label("alternative_titles"),
        *(_search[name].label(f"stored_{name}") for name in search_index.TEXT_COLUMNS),
    ).outerjoin_from(Movie, search_index.MOVIE_SEARCH, _search.rowid == _movie.id),
    lambda row: search_index.make_index_text(row, orjson.loads(row["alternative_titles"])),
    lambda row: {
        name: row[f"stored_{name}"] for name in search_index.TEXT_COLUMNS if row[f"stored_{name}"] is not None
    },
    _repair_text,
    select(_search.rowid).where(~select(_movie.id).where(_movie.id == _search.rowid).exists()),
)


# The data that is checked and repaired before the full-text index, which may itself be damaged.
BEFORE_TEXT = (TITLES, MATCH_KEYS, FACETS)

# Increase it whenever the same facts are folded or indexed differently than before.
INDEX_VERSION = 6


def reindex() -> None:
    """Repair all derived data once after INDEX_VERSION has changed, or if the full-text index can't be opened."""
    if dialect.get_index_version(read()) == INDEX_VERSION and text_index.can_be_opened():
        return
    if error := text_index.repair():
        logger.warning(
            "the search index was rebuilt", extra={"fields": {"reason": str(error.__cause__ or error)}}
        )
    for kind in (*BEFORE_TEXT, TEXT):
        list(repair_mismatches(kind))
    write(lambda connection: dialect.set_index_version(connection, INDEX_VERSION), ())
