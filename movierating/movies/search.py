"""Finding movies: filters, full text, sorts. A page walks an index, or sorts a bounded number of movies.

- Without a filter it walks the index of its sort.
- Where many pass the filters, it walks that index too and tests each movie, for the page fills soon.
- Where few pass, the movies that pass the most selective filter are gathered, tested for the others and sorted.

Which of the two, is told by counting how many pass each filter, up to a bound.
"""

import functools
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Engine, String, bindparam, case, func, select

from movierating.errors import invalid_field
from movierating.movies.filters import build_filters, parse_filters, without_index
from movierating.movies.models import Movie
from movierating.movies.service import COLUMNS
from movierating.storage.database import read
from movierating.storage.pagination import KeysetPaginator, Sort
from movierating.storage.statements import CompiledStatement

MAX_SORTED = 10_000

# What passes one filter need not be counted further: were it all gathered, a walk would cost no more.
_FEW = 1_000

_COUNT_LIFETIME_SECONDS = 10

# Microseconds a movie, measured with 90,000 of them. A walk of a chart's index finds year, language and genres in it.
_GATHERED, _WALKED, _WALKED_IN_INDEX = 1.5, 0.8, 0.09
# As well: to list one that has a word, and to read the text of one that is tested for it.
_LISTED, _READ = 0.1, 2.0
_IN_CHART = frozenset({"genre", "year", "language"})
_CHARTS = frozenset({"-score", "-mean", "-count", "year", "-year"})

_movie = Movie.__table__.c
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


def search_movies(
    filters: Mapping[str, Any], sort: str, cursor: str | None, limit: int
) -> tuple[list[Any], str | None]:
    """One page of the movies that pass all `filters`: rows that start with `service.COLUMNS`; the next cursor.

    `filters` may hold `q` (each word is one of the title, the original title or a director; the last may be
    unfinished; text without a word is a whole title), `genre` (a list, all must hold), `year`, `year_from`,
    `year_to`, `language`, `director` (a full name, folded for comparison) and `min_count`. `sort` is one of
    SORTS; `relevance` needs `q` and puts exact titles first, then titles that start with it, each by count;
    where more than MAX_SORTED pass it is by count alone. Raises InvalidRequest for a cursor of another sort, and for
    `relevance` without words to be relevant to.
    """
    if sort == "relevance" and "q" not in filters:
        raise invalid_field("query", "sort", "Goes with q.")
    kinds, values = parse_filters(filters) if filters else ((), {})
    kinds, gathered = _planned(kinds, values, sort, limit) if kinds else (kinds, None)
    return _pages(kinds, sort, gathered).page(cursor, limit, **values)


# Statements are compiled once for each combination of filters; people ask for few of the many.
@functools.lru_cache(512)
def _pages(kinds: tuple[str, ...], sort: str, gathered: int | None) -> KeysetPaginator:
    """The pages where the movies that pass the filter at the place `gathered` are sorted; None: of a walk."""
    order = _order(sort)
    if gathered is None:
        tests = [one.test for one in build_filters(kinds, order.columns[0])]
        return KeysetPaginator(select(*COLUMNS).where(*tests), order, ends_in_rowid=True)
    filters = build_filters(kinds, None)
    others = [one.test for place, one in enumerate(filters) if place != gathered]
    movies = select(_movie.id).where(_movie.id.in_(filters[gathered].hits), *others)
    sorted_by = _BY_RELEVANCE if sort == "relevance" else _sort_without_index(order)
    # Most of those that are gathered are not on the page.
    return KeysetPaginator(movies, sorted_by, details=COLUMNS)


def _order(sort: str) -> Sort:
    return _WALKS.get(sort, _POPULAR)


def _sort_without_index(order: Sort) -> Sort:
    return Sort(order.name, tuple(without_index(column) for column in order.columns), order.descending)


def _relevance() -> Sort:
    text = bindparam("text", type_=String)
    starts = func.substr(_movie.title_key, 1, func.length(text)) == text
    rank = case((_movie.title_key == text, 2), (starts, 1), else_=0)
    return Sort("movies relevance", (rank, _movie.rating_count, _movie.id), descending=True)


_BY_RELEVANCE = _relevance()


def _planned(
    kinds: tuple[str, ...], values: Mapping[str, Any], sort: str, limit: int
) -> tuple[tuple[str, ...], int | None]:
    """The kinds of filters to page by, and the place of the one whose movies are gathered and sorted.

    It is None where a walk that tests each movie costs less. A walk for a "common word" reads the text of what it
    tests, where "words" would list all that have it.
    """
    most = MAX_SORTED if len(kinds) > 1 or sort == "relevance" else min(_FEW, MAX_SORTED)
    counted = MAX_SORTED if "words" in kinds else most
    if sort == "relevance":
        # Its order depends on how many pass, so it needs the exact count.
        *hits, movies = _count(kinds, counted + 1, values)
    else:
        bucket = int(time.monotonic() // _COUNT_LIFETIME_SECONDS)
        *hits, movies = _count_recently(read().engine, bucket, kinds, counted + 1, tuple(values.items()))
    fewest: int = min(hits)
    # Of a walk until the page and the movie behind it are found, were the filters independent.
    tested = (limit + 1) / math.prod(min(1, max(1, count) / movies) for count in hits)
    walk = math.inf if sort == "relevance" or not fewest else tested * _cost(kinds, sort)
    if fewest <= most and fewest * _GATHERED <= walk:
        return kinds, int(hits.index(fewest))
    # The tokenizer may not know a letter that Python does.
    is_one = "words" in kinds and values["begins"].isascii() and " " not in values["words"]
    if is_one and tested * _READ < hits[kinds.index("words")] * _LISTED:
        kinds = tuple("common word" if kind == "words" else kind for kind in kinds)
    return kinds, None


def _cost(kinds: tuple[str, ...], sort: str) -> float:
    """Microseconds that a walk takes for each movie that it tests."""
    return _WALKED_IN_INDEX if sort in _CHARTS and _IN_CHART.issuperset(kinds) else _WALKED


@functools.lru_cache(1_000)
def _count_recently(
    _engine: Engine, _bucket: int, kinds: tuple[str, ...], most: int, values: tuple[tuple[str, Any], ...]
) -> Sequence[int]:
    """As `_count`, once in each time bucket: enough to choose how a page is found, which changes nothing on it."""
    return _count(kinds, most, dict(values))


def _count(kinds: tuple[str, ...], most: int, values: Mapping[str, Any]) -> Sequence[int]:
    row: Sequence[int] = _counts(kinds).tuples(read(), most=most, **values)[0]
    return row


@functools.lru_cache(512)
def _counts(kinds: tuple[str, ...]) -> CompiledStatement:
    """How many movies pass each filter, counted up to `most`, and how many there are at most."""
    some = [
        one.hits.limit(bindparam("most")).subquery()
        for one in build_filters(kinds, _order("-score").columns[0])
    ]
    counts = [select(func.count()).select_from(ids).scalar_subquery() for ids in some]
    newest = select(func.coalesce(func.max(_movie.id), 1)).scalar_subquery()
    labelled = [count.label(f"hits{place}") for place, count in enumerate(counts)]
    return CompiledStatement(select(*labelled, newest.label("movies")))
