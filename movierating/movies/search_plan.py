"""Choose how to read a page of a search.

A page is read in one of two ways: walk the index of the sort order and test each movie, or look up the movies that pass
a selective filter, test them for the other filters and sort them. The first is fast if many movies pass, the
second if few do. To choose, count how many movies pass each filter, up to a limit.
"""

import functools
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Engine, bindparam, func, select

from movierating.movies.filters import build_filter
from movierating.movies.models import Movie
from movierating.storage.database import read
from movierating.storage.statements import CompiledStatement

MAX_SORTED = 10_000
_COUNT_LIFETIME_SECONDS = 10

# Microseconds a movie, measured with 90,000 movies: look up and sort; test in a walk; test in a walk by index, which
# contains year, language and genres; list as a full-text match; list by the index of titles; read the text for a word.
_SORT_COST, _TEST_COST, _TEST_IN_INDEX_COST = 1.5, 0.8, 0.15
_LIST_COSTS, _READ_COST = {"words": 0.1, "title start": 0.4}, 2.0
# Filters by a column that begins an index with the columns of _FILTERS_IN_INDEX.
_BY_COLUMN = frozenset({"year", "years", "count", "title", "whole title", "title start"})
# Filters whose matches are all listed before a walk, and the same filters that read a text of each movie instead.
_BY_READING = {"words": "common word", "title start": "common title start"}
_FILTERS_IN_INDEX = frozenset({"genre", "excluded genre", "year", "years", "language", *_BY_READING})
# Filters that most movies pass, which therefore are not counted.
_COMMON_FILTERS = frozenset({"excluded genre", "unrated"})

# Filters by the first column of a sort: a walk starts with the first movie that passes and ends with the last.
_WALKED_FILTERS = {
    "year_rank": frozenset({"year", "years"}),
    "rating_count": frozenset({"count"}),
    "score": frozenset({"score"}),
}
# Most movies of a genre, a language or a country may be of a few decades: a walk by year then tests several times as
# many movies.
_FILTERS_OF_AN_AGE, _AGE_FACTOR = frozenset({"genre", "language", "country"}), 3

# The movies that a user rated may be far behind in an order, such as that of the years.
_RATED_FACTOR = 10

_movie = Movie.__table__.c


class Plan(NamedTuple):
    """A way to read a page, with its time in microseconds.

    `sorted_filter` is the position of the filter whose movies are sorted (None: walk).
    """

    cost: float
    kinds: tuple[str, ...]
    sorted_filter: int | None


class _FilterEstimate(NamedTuple):
    """How many movies pass a filter of a kind, as a number and as a share of all movies."""

    kind: str
    matches: float
    share: float


def choose_plan(kinds: tuple[str, ...], values: Mapping[str, Any], column: str, limit: int) -> Plan:
    """Return the plan that is estimated to take the least time for a page in an order that starts with `column`."""
    bucket = int(time.monotonic() // _COUNT_LIFETIME_SECONDS)
    count = functools.partial(_count_cached, read().engine, bucket)
    movies = count()
    counts = [
        movies if kind in _COMMON_FILTERS else count(kind, position, tuple(values.items()))
        for position, kind in enumerate(kinds)
    ]
    # If a filter has more matches than are counted: the geometric mean of the lowest and the highest possible number.
    matches = [each if each <= MAX_SORTED else math.sqrt(each * movies) for each in counts]
    filters = [
        _FilterEstimate(kind, number, max(1, number) / movies)
        for kind, number in zip(kinds, matches, strict=True)
    ]
    plans = [
        _plan_sort(filters, values, position)
        for position, each in enumerate(filters)
        if each.matches <= MAX_SORTED
    ]
    return min([*plans, _plan_walk(filters, values, column, limit)], key=lambda plan: plan.cost)


def _plan_walk(
    filters: Sequence[_FilterEstimate], values: Mapping[str, Any], column: str, limit: int
) -> Plan:
    tests = [each for each in filters if each.kind not in _WALKED_FILTERS.get(column, ())]
    # How many movies a walk tests until it has the page and one more, if the filters are independent.
    tested = (limit + 1) / math.prod(min(1, each.share) for each in tests)
    if column == "year_rank" and any(each.kind in _FILTERS_OF_AN_AGE for each in tests):
        tested *= _AGE_FACTOR
    if any(each.kind == "rated" for each in filters):
        tested *= _RATED_FACTOR
    in_index = all(each.kind in _FILTERS_IN_INDEX for each in filters)
    kinds, list_cost = _choose_lists(filters, values, tested)
    return Plan(tested * (_TEST_IN_INDEX_COST if in_index else _TEST_COST) + list_cost, kinds, None)


def _plan_sort(filters: Sequence[_FilterEstimate], values: Mapping[str, Any], position: int) -> Plan:
    first = filters[position]
    others = [each for each in filters if each is not first]
    cost = first.matches * _SORT_COST
    if first.kind in _BY_COLUMN:
        # The index contains the columns of other filters, so that only the movies that pass them are looked up.
        cost *= math.prod(min(1, each.share) for each in others if each.kind in _FILTERS_IN_INDEX)
        cost += first.matches * _TEST_IN_INDEX_COST
    kinds, list_cost = _choose_lists(filters, values, first.matches, position)
    return Plan(cost + list_cost, kinds, position)


def _choose_lists(
    filters: Sequence[_FilterEstimate],
    values: Mapping[str, Any],
    tested: float,
    sorted_filter: int | None = None,
) -> tuple[tuple[str, ...], float]:
    """Return the kinds of filters for a number of tested movies, and the time for their lists or for reading.

    A filter that lists all matches may be replaced by one that reads the text of each movie.
    """
    kinds = [each.kind for each in filters]
    cost = 0.0
    for position, (kind, matches, _) in enumerate(filters):
        if kind in _BY_READING and position != sorted_filter:
            list_cost, read_cost = matches * _LIST_COSTS[kind], tested * _READ_COST
            if read_cost < list_cost and (kind != "words" or _is_one_word(values)):
                kinds[position] = _BY_READING[kind]
            cost += min(list_cost, read_cost)
    return tuple(kinds), cost


def _is_one_word(values: Mapping[str, Any]) -> bool:
    """Return True if a match is a text with one word. The tokenizer may not know a letter that Python knows."""
    return values["word_start"].isascii() and " " not in values["words"]


@functools.lru_cache(1_000)
def _count_cached(_engine: Engine, _bucket: int, *arguments: Any) -> int:
    """Return `_count` as it was at some time in the bucket, which is good enough to choose the faster way."""
    return _count(*arguments)


def _count(kind: str = "", position: int = 0, values: tuple[tuple[str, Any], ...] = ()) -> int:
    """Return how many movies pass a filter, at most MAX_SORTED + 1; without one, the highest id."""
    row = _get_count_statement(kind, position).tuples(read(), max_rows=MAX_SORTED + 1, **dict(values))[0]
    return int(row[0])


@functools.lru_cache(512)
def _get_count_statement(kind: str, position: int) -> CompiledStatement:
    if not kind:
        return CompiledStatement(select(func.coalesce(func.max(_movie.id), 1)))
    ids = build_filter(kind, position, None).ids.limit(bindparam("max_rows")).subquery()
    return CompiledStatement(select(func.count()).select_from(ids))
