"""Search movies: filters, full text, sort orders.

A list by relevance consists of three tiers, one after another: exact titles, also behind an article; titles that start
with the text; other movies.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from movierating import rating_stats
from movierating.errors import invalid_field
from movierating.movies.filter_parsers import parse_filters
from movierating.movies.filters import build_filters, has_other_title, without_index
from movierating.movies.models import Movie
from movierating.movies.movie_json import LIST_COLUMNS
from movierating.movies.search_plan import Plan, choose_plan
from movierating.storage.listed_movies import ListedMovies
from movierating.storage.pagination import KeysetPaginator, Sort, read_page

_movie = Movie.__table__.c
_SORTS = {
    name: Sort(f"movies {name}", columns, name.startswith("-"))
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
SORTS = (*_SORTS, "relevance")
_TIERS = ("exact title", "title start", "other title")
_SORTS |= {name: replace(_SORTS["-count"], name=f"movies relevance {name}") for name in _TIERS}
# For sorts by ratings, the rank of a movie by the number of its ratings and their sum.
_RANKS: dict[str, Callable[[int, int], float]] = {
    "-score": rating_stats.calculate_score,
    "-mean": rating_stats.calculate_mean_rank,
    **dict.fromkeys(("-count", "relevance"), lambda count, _: count),
}
_FILTERS_BY_RATINGS = frozenset({"count", "score"})
_FIRST_STATS_COLUMN = [column.name for column in LIST_COLUMNS].index("rating_count")


def search_movies(
    filters: Mapping[str, Any],
    sort: str | None,
    cursor: str | None,
    limit: int,
    listed: ListedMovies | None = None,
) -> tuple[list[Any], str | None]:
    """Return one page of the movies that pass all `filters`, as rows that start with LIST_COLUMNS, and the next cursor.

    `filter_parsers` lists the filters. `sort` is one of SORTS, or None for `relevance` with `q` and `-score` without
    it. Within a tier of `relevance`, movies are sorted by number of ratings and prominence. `listed` gets a description
    of the ratings that change the page. Raise InvalidRequest for a cursor of another sort or other filters, and for
    `relevance` without `q`.
    """
    if sort == "relevance" and "q" not in filters:
        raise invalid_field("query", "sort", "Sort by relevance needs q.")
    sort = sort or ("relevance" if "q" in filters else "-score")
    kinds, values = parse_filters(filters)
    tiers = _list_tiers(kinds, values) if sort == "relevance" else {sort: kinds}
    paginators = [
        (_SORTS[name], functools.partial(_choose_paginator, tier_kinds, values, name, limit))
        for name, tier_kinds in tiers.items()
    ]
    rows, next_cursor = read_page(paginators, cursor, limit, filters=[kinds, values], **values)
    if listed is not None and _FILTERS_BY_RATINGS.isdisjoint(kinds):
        _describe(listed, sort, rows, is_first=cursor is None, is_last=next_cursor is None)
    return rows, next_cursor


def _describe(listed: ListedMovies, sort: str, rows: list[Any], *, is_first: bool, is_last: bool) -> None:
    """Describe which movies a page shows and which may move onto it; the filters do not depend on ratings."""
    ids = [row[0] for row in rows]
    if sort not in _RANKS or (is_first and is_last):
        listed.describe(ids)
    elif is_first:
        # A movie may also move down onto a later page, so any rating changes those.
        rank, ratings = _RANKS[sort], rows[-1][_FIRST_STATS_COLUMN : _FIRST_STATS_COLUMN + 2]
        listed.describe(ids, rank, rank(*ratings))


def _list_tiers(kinds: tuple[str, ...], values: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return the kinds of filters of each tier of a list by relevance."""
    if "words" not in kinds:
        return {"exact title": kinds}
    # A title that starts with the text has its words, but SQLite's tokenizer may not know a letter that Python knows.
    words = () if values["text"].isascii() else ("words",)
    exact, start = (
        tuple(each for kind in kinds for each in ((by_title, *words) if kind == "words" else (kind,)))
        for by_title in ("whole title", "title start")
    )
    return {"exact title": exact, "title start": start, "other title": kinds}


def _choose_paginator(
    kinds: tuple[str, ...], values: Mapping[str, Any], sort: str, limit: int
) -> KeysetPaginator:
    column = _SORTS[sort].columns[0].name
    plan = choose_plan(kinds, values, column, limit) if kinds else Plan(0, kinds, None)
    return _get_paginator(plan.kinds, sort, plan.sorted_filter)


# Statements are compiled once for each combination of filters; few of the many combinations are used.
@functools.lru_cache(512)
def _get_paginator(kinds: tuple[str, ...], sort: str, sorted_filter: int | None) -> KeysetPaginator:
    """Return the paginator of a plan: `kinds` and `sorted_filter` are as in Plan, `sort` is a key of _SORTS."""
    order = _SORTS[sort]
    conditions = [has_other_title()] if sort == "other title" else []
    if sorted_filter is None:
        conditions += [each.condition for each in build_filters(kinds, order.columns[0])]
        return KeysetPaginator(select(*LIST_COLUMNS).where(*conditions), order, ends_in_rowid=True)
    filters = build_filters(kinds, None)
    first = filters.pop(sorted_filter)
    conditions += [each.condition for each in filters]
    movies = select(_movie.id).where(first.lookup, *conditions)
    order = replace(order, columns=tuple(map(without_index, order.columns)))
    # Most of the sorted movies are not on the page.
    return KeysetPaginator(movies, order, details=LIST_COLUMNS)
