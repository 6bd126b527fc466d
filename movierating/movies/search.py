"""Finding movies: filters, full text, sorts. A page walks an index, or sorts a bounded number of movies.

- Without a filter it walks the index of its sort.
- Where many pass the filters, it walks that index too and tests each movie, for the page fills soon.
- Where few pass, the movies that pass the most selective filter are gathered, tested for the others and sorted.

Which of the two, is told by counting how many pass each filter, up to a bound.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Row, Select, case, exists, func, literal_column, select

from movierating.database import read
from movierating.movies import index
from movierating.movies.models import Movie, MovieFacet
from movierating.movies.service import COLUMNS
from movierating.movies.titles import fold, words
from movierating.pagination import Sort, page

MOST_SORTED = 10_000

# What passes one filter need not be counted further: were it all gathered, a walk would cost no more.
_FEW = 1_000

# Microseconds a movie, measured with 90,000 of them. A walk of the chart's index finds year, language and genres in it.
_GATHERED, _WALKED, _WALKED_IN_INDEX = 1.5, 0.8, 0.12

_movie, _facet = Movie.__table__.c, MovieFacet.__table__.c
_WALKS = {
    name: Sort(f"movies {name}", (column, _movie.id), name.startswith("-"))
    for name, column in {
        "-score": _movie.score,
        "-mean": _movie.mean_rank,
        "-count": _movie.rating_count,
        "title": _movie.title_key,
        "year": _movie.year_rank,
        "-year": _movie.year_rank,
        "-created_at": _movie.created_at,
    }.items()
}
# Relevance where more movies pass than are sorted. It and the full order refuse each other's cursors.
_POPULAR = Sort("movies relevance of many", _WALKS["-count"].columns, descending=True)
SORTS = (*_WALKS, "relevance")


@dataclass(frozen=True, slots=True)
class _Filter:
    """A filter in two forms: `hits` selects the ids of the movies that pass, `test` asks a row of movie.

    `test` offers the planner no index but the one that is walked; `in_chart` if the chart's index answers it.
    """

    hits: Select[Any]
    test: ColumnElement[bool]
    in_chart: bool = False


def search(
    filters: Mapping[str, Any], sort: str, cursor: str | None, limit: int
) -> tuple[list[Row[Any]], str | None]:
    """One page of the movies that pass all `filters`: rows that start with service.COLUMNS; the next cursor.

    `filters` may hold `q` (each word is one of the title, the original title or a director; the last may be
    unfinished; text without a word is a whole title), `genre` (a list, all must hold), `year`, `year_from`,
    `year_to`, `language`, `director` (a full name, folded for comparison) and `min_count`. `sort` is one of
    SORTS; `relevance` needs `q` and puts exact titles first, then titles that start with it, each by count;
    where more than MOST_SORTED pass it is by count alone. Raises Invalid for a cursor of another sort.
    """
    order = _WALKS.get(sort, _POPULAR)
    asked = _asked(filters, order.columns[0])
    if not asked:
        return page(select(*COLUMNS), order, cursor, limit)
    narrowest = _worth_gathering(asked, sort, limit)
    if narrowest is None:
        return page(select(*COLUMNS).where(*(one.test for one in asked)), order, cursor, limit)
    others = [one.test for one in asked if one is not narrowest]
    gathered = select(*COLUMNS).where(_movie.id.in_(narrowest.hits), *others)
    order = _by_relevance(filters["q"]) if sort == "relevance" else _without_index(order)
    return page(gathered, order, cursor, limit)


def _asked(filters: Mapping[str, Any], walked: Any) -> list[_Filter]:
    """The filters that are set, for a walk of the index of the column `walked`."""
    asked = [_of_facet(facet) for facet in _facets(filters)]
    if "q" in filters:
        asked.append(_of_text(filters["q"], walked))
    if "year_from" in filters or "year_to" in filters:
        # An unknown year ranks as 0.
        first, last = max(1, filters.get("year_from", 1)), filters.get("year_to", 9999)
        asked.append(_of_column(_movie.year_rank, walked, lambda year: year.between(first, last)))
    if least := filters.get("min_count"):
        asked.append(_of_column(_movie.rating_count, walked, lambda count: count >= least))
    return asked


def _facets(filters: Mapping[str, Any]) -> list[str]:
    wanted = {"year": filters.get("year"), "language": filters.get("language")}
    wanted["genres"] = orjson.dumps(filters.get("genre", []))
    wanted["directors"] = orjson.dumps([filters["director"]] if "director" in filters else [])
    return index.facets(wanted)


def _of_facet(facet: str) -> _Filter:
    hits = select(_facet.movie_id).where(_facet.facet == facet)
    kind, _, value = facet.partition(":")
    if kind == "genre":
        # A JSON list of names without quotes in them.
        return _Filter(hits, _movie.genres.contains(f'"{value}"', autoescape=True), in_chart=True)
    if kind in ("year", "language"):
        return _Filter(hits, _movie[kind] == (int(value) if kind == "year" else value), in_chart=True)
    test = exists().where(_facet.movie_id == _unindexed(_movie.id), _facet.facet == facet)
    return _Filter(hits, test.correlate(Movie.__table__))


def _of_text(text: str, walked: Any) -> _Filter:
    found = words(text)
    if not found:
        return _of_column(_movie.title_key, walked, lambda title: title == fold(text))
    hits = _having(found)
    # The hits are listed once for all movies: asking the full-text index about each costs 50 µs and more.
    return _Filter(hits, _unindexed(_movie.id).in_(hits))


def _having(wanted: list[str]) -> Select[Any]:
    """The ids of the movies whose indexed text has each of these folded words; the last may be unfinished."""
    query = " ".join(f'"{word}"' for word in wanted) + "*"
    return select(index.SEARCH.c.rowid).where(literal_column(index.SEARCH.name).match(query))


def _of_column(column: Any, walked: Any, passes: Callable[[Any], ColumnElement[bool]]) -> _Filter:
    test = passes(column if column is walked else _unindexed(column))
    return _Filter(select(_movie.id).where(passes(column)).correlate(None), test)


def _unindexed(column: Any) -> ColumnElement[Any]:
    """The column's value as an expression that no index serves, on any database."""
    return func.coalesce(column, column)


def _without_index(order: Sort) -> Sort:
    return Sort(order.name, tuple(_unindexed(column) for column in order.columns), order.descending)


def _by_relevance(q: str) -> Sort:
    text = fold(q)
    starts = func.substr(_movie.title_key, 1, len(text)) == text
    rank = case((_movie.title_key == text, 2), (starts, 1), else_=0)
    return Sort("movies relevance", (rank, _movie.rating_count, _movie.id), descending=True)


def _worth_gathering(asked: list[_Filter], sort: str, limit: int) -> _Filter | None:
    """The filter whose movies are gathered and sorted; None where a walk that tests each movie costs less."""
    most = MOST_SORTED if len(asked) > 1 or sort == "relevance" else min(_FEW, MOST_SORTED)
    hits, movies = _counted(asked, most)
    fewest = min(hits)
    if fewest > most:
        return None
    narrowest = asked[hits.index(fewest)]
    if sort == "relevance" or fewest == 0:
        return narrowest
    # How many are tested until the page and the movie behind it are found, were the filters independent.
    tested = (limit + 1) / math.prod(min(1, count / movies) for count in hits)
    in_index = sort == "-score" and all(one.in_chart for one in asked)
    walk = tested * (_WALKED_IN_INDEX if in_index else _WALKED)
    return None if walk < fewest * _GATHERED else narrowest


def _counted(asked: list[_Filter], most: int) -> tuple[list[int], int]:
    """How many movies pass each filter, counted up to `most` + 1, and how many there are at most."""
    some = [one.hits.limit(most + 1).subquery() for one in asked]
    counts = [select(func.count()).select_from(ids).scalar_subquery() for ids in some]
    newest = select(func.coalesce(func.max(_movie.id), 1)).scalar_subquery()
    *hits, movies = read().execute(select(*counts, newest)).one()
    return hits, movies
