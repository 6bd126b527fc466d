"""Search movies: filters, full text, sort orders.

A page is read in one of two ways: walk the index of the sort order and test each movie, or look up the movies that pass
the most selective filter, test them for the other filters and sort them. The first is fast if many movies pass, the
second if few do. To choose, count how many movies pass each filter, up to a limit.
"""

import functools
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
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
_COUNT_LIFETIME_SECONDS = 10

# Microseconds a movie, measured with 90,000 movies: look up and sort; test in a walk; test in a walk of a chart, whose
# index contains year, language and genres; list as a full-text match; read the text to look for a word.
_SORT_COST, _TEST_COST, _TEST_IN_INDEX_COST, _LIST_COST, _READ_COST = 1.5, 0.8, 0.09, 0.1, 2.0
_FILTERS_IN_INDEX = frozenset({"genre", "year", "language"})
_CHARTS = frozenset({"-score", "-mean", "-count", "year", "-year"})

_movie = Movie.__table__.c

_WALKS = {
    name: Sort(f"movies {name} by {' '.join(map(str, columns))}", columns, name.startswith("-"))
    for name, columns in {
        # A chart without ratings starts with the movies that are widely known.
        "-score": (_movie.score, _movie.prominence, _movie.id),
        "-mean": (_movie.mean_rank, _movie.id),
        "-count": (_movie.rating_count, _movie.prominence, _movie.id),
        "title": (_movie.title_key, _movie.id),
        "year": (_movie.year_rank, _movie.id),
        "-year": (_movie.year_rank, _movie.id),
        "-created_at": (_movie.created_at, _movie.id),
    }.items()
}
# If too many movies pass to be sorted. It and the full order reject each other's cursors.
_WALKS["relevance"] = replace(_WALKS["-count"], name="movies relevance of many")
SORTS = tuple(_WALKS)

_text = bindparam("text", type_=String)
_starts_with_text = func.substr(_movie.title_key, 1, func.length(_text)) == _text
_RELEVANCE = Sort(
    "movies relevance by prominence",
    (
        case((_movie.title_key == _text, 2), (_starts_with_text, 1), else_=0),
        _movie.rating_count,
        _movie.prominence,
        _movie.id,
    ),
    descending=True,
)


def search_movies(
    filters: Mapping[str, Any], sort: str, cursor: str | None, limit: int
) -> tuple[list[Any], str | None]:
    """Return one page of the movies that pass all `filters`, as rows that start with COLUMNS, and the next cursor.

    `filters` may hold `q` (each word is one of the title, the original title or a director; the last may be
    unfinished; text without a word is a whole title), `genre` (a list, all must hold), `year`, `year_from`,
    `year_to`, `language`, `director` (a full name, folded for comparison) and `min_count`. `sort` is one of
    SORTS; `relevance` needs `q` and puts exact titles first, then titles that start with it, each by count;
    if more than MAX_SORTED pass it is by count alone. Raise InvalidRequest for a cursor of another sort, and for
    `relevance` without `q`.
    """
    if sort == "relevance" and "q" not in filters:
        raise invalid_field("query", "sort", "Sort by relevance needs q.")
    kinds, values = parse_filters(filters)
    kinds, sorted_filter = _plan(kinds, values, sort, limit) if kinds else (kinds, None)
    return _get_paginator(kinds, sort, sorted_filter).page(cursor, limit, **values)


# Statements are compiled once for each combination of filters; few of the many combinations are used.
@functools.lru_cache(512)
def _get_paginator(kinds: tuple[str, ...], sort: str, sorted_filter: int | None) -> KeysetPaginator:
    """Return the pages that sort the movies that pass the filter at the position `sorted_filter` (None: that walk)."""
    order = _WALKS[sort]
    if sorted_filter is None:
        conditions = [each.condition for each in build_filters(kinds, order.columns[0])]
        return KeysetPaginator(select(*COLUMNS).where(*conditions), order, ends_in_rowid=True)
    filters = build_filters(kinds, None)
    first = filters.pop(sorted_filter)
    movies = select(_movie.id).where(_movie.id.in_(first.ids), *(other.condition for other in filters))
    order = replace(order, columns=tuple(map(without_index, order.columns)))
    # Most of the sorted movies are not on the page.
    return KeysetPaginator(movies, _RELEVANCE if sort == "relevance" else order, details=COLUMNS)


def _plan(
    kinds: tuple[str, ...], values: Mapping[str, Any], sort: str, limit: int
) -> tuple[tuple[str, ...], int | None]:
    """Return the kinds of filters to use, and the position of the one whose movies are sorted (None: walk).

    A walk may replace "words", which lists all matches, by "common word", which reads the text of each movie.
    """
    if sort == "relevance":
        # Its order depends on the number of movies, so the number must be exact.
        *counts, movies = _count(kinds, values)
    else:
        bucket = int(time.monotonic() // _COUNT_LIFETIME_SECONDS)
        *counts, movies = _count_cached(read().engine, bucket, kinds, tuple(values.items()))
    fewest: int = min(counts)
    # How many movies a walk tests until it has the page and one more, if the filters are independent.
    tested = (limit + 1) / math.prod(min(1, max(1, count) / movies) for count in counts)
    in_index = sort in _CHARTS and _FILTERS_IN_INDEX.issuperset(kinds)
    walk_cost = tested * (_TEST_IN_INDEX_COST if in_index else _TEST_COST)
    if fewest <= MAX_SORTED and (sort == "relevance" or fewest * _SORT_COST <= walk_cost):
        return kinds, counts.index(fewest)
    # The tokenizer may not know a letter that Python knows.
    is_one_word = "words" in kinds and values["word_start"].isascii() and " " not in values["words"]
    if is_one_word and tested * _READ_COST < counts[kinds.index("words")] * _LIST_COST:
        kinds = tuple("common word" if kind == "words" else kind for kind in kinds)
    return kinds, None


@functools.lru_cache(1_000)
def _count_cached(
    _engine: Engine, _bucket: int, kinds: tuple[str, ...], values: tuple[tuple[str, Any], ...]
) -> Sequence[int]:
    """Return `_count` as it was at some time in the bucket, which is good enough to choose the faster way."""
    return _count(kinds, dict(values))


def _count(kinds: tuple[str, ...], values: Mapping[str, Any]) -> Sequence[int]:
    """Return how many movies pass each filter, at most MAX_SORTED + 1, and the highest id as the number of movies."""
    row: Sequence[int] = _get_count_statement(kinds).tuples(read(), most=MAX_SORTED + 1, **values)[0]
    return row


@functools.lru_cache(512)
def _get_count_statement(kinds: tuple[str, ...]) -> CompiledStatement:
    limited = [each.ids.limit(bindparam("most")).subquery() for each in build_filters(kinds, None)]
    counts = [select(func.count()).select_from(ids).scalar_subquery() for ids in limited]
    newest = select(func.coalesce(func.max(_movie.id), 1)).scalar_subquery()
    labelled = [count.label(f"count{position}") for position, count in enumerate(counts)]
    return CompiledStatement(select(*labelled, newest.label("movies")))
