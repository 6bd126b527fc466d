"""Choose how to read a page of a search.

A page is read in one of two ways: walk the index of the sort order and test each movie, or look up the movies that pass
a selective filter, test them for the other filters and sort them. The first is fast if many movies pass, the
second if few do. To choose, count how many movies pass each filter, up to a limit.
"""

import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Engine, bindparam, func, select

from movierating import clock
from movierating.movies.filters import build_filter
from movierating.movies.models import Movie
from movierating.storage.database import read
from movierating.storage.statements import CompiledStatement

MAX_SORTED = 10_000
_COUNT_LIFETIME_SECONDS = 10

# Microseconds a movie, measured with 90,000 movies: look up and sort; test in a walk; test in a walk by index, which
# contains year, language and genres; list as a full-text match; list by the index of titles; scan the text for a word.
_SORT_COST, _TEST_COST, _TEST_IN_INDEX_COST = 1.5, 0.8, 0.15
_LIST_COSTS, _SCAN_COST = {"words": 0.1, "title start": 0.4}, 2.0
# Filters by a column that begins an index with the columns of _FILTERS_IN_INDEX.
_BY_COLUMN = frozenset({"year", "years", "count", "title", "whole title", "title start"})
# Filters whose matches are all listed first, each with the kind that scans a text of each tested movie instead.
_TEXT_SCANS = {"words": "common word", "title start": "common title start"}
_FILTERS_IN_INDEX = frozenset({"genre", "excluded genre", "year", "years", "language", *_TEXT_SCANS})
# Filters that most movies pass, which therefore are not counted.
_COMMON_FILTERS = frozenset({"excluded genre", "unrated"})

# Filters by the first column of a sort: a walk starts with the first movie that passes and ends with the last.
_WALKED_FILTERS = {
    "year_rank": frozenset({"year", "years"}),
    "rating_count": frozenset({"count"}),
    "score": frozenset({"score"}),
}
# Most movies of a genre, a language or a country may be from a few decades, so that a walk by year tests several times
# as many movies.
_FILTERS_BY_ERA, _ERA_FACTOR = frozenset({"genre", "language", "country"}), 3

# The movies that a user rated may come late in an order, such as by year.
_RATED_FACTOR = 10

_movie = Movie.__table__.c


class Plan(NamedTuple):
    """A way to read a page: `cost` is its estimated time in microseconds, `kinds` are the kinds of the filters.

    `sorted_filter` is the position of the filter whose matches are looked up and sorted; None for a walk.
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
    period = clock.get_period(_COUNT_LIFETIME_SECONDS)
    count = functools.partial(_count_cached, read().engine, period)
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
    if column == "year_rank" and any(each.kind in _FILTERS_BY_ERA for each in tests):
        tested *= _ERA_FACTOR
    if any(each.kind == "rated" for each in filters):
        tested *= _RATED_FACTOR
    in_index = all(each.kind in _FILTERS_IN_INDEX for each in filters)
    kinds, list_cost = _choose_text_filters(filters, values, tested)
    return Plan(tested * (_TEST_IN_INDEX_COST if in_index else _TEST_COST) + list_cost, kinds, None)


def _plan_sort(filters: Sequence[_FilterEstimate], values: Mapping[str, Any], position: int) -> Plan:
    first = filters[position]
    others = [each for each in filters if each is not first]
    cost = first.matches * _SORT_COST
    if first.kind in _BY_COLUMN:
        # The index contains the columns of other filters, so that only the movies that pass them are looked up.
        cost *= math.prod(min(1, each.share) for each in others if each.kind in _FILTERS_IN_INDEX)
        cost += first.matches * _TEST_IN_INDEX_COST
    kinds, list_cost = _choose_text_filters(filters, values, first.matches, position)
    return Plan(cost + list_cost, kinds, position)


def _choose_text_filters(
    filters: Sequence[_FilterEstimate],
    values: Mapping[str, Any],
    tested: float,
    sorted_filter: int | None = None,
) -> tuple[tuple[str, ...], float]:
    """Return the kinds of the filters, and the time to list the matches of text filters or to scan texts instead.

    A filter that lists all matches is replaced by the one that scans the text of each of the `tested` movies if that
    takes less time.
    """
    kinds = [each.kind for each in filters]
    cost = 0.0
    for position, (kind, matches, _) in enumerate(filters):
        if kind in _TEXT_SCANS and position != sorted_filter:
            list_cost, scan_cost = matches * _LIST_COSTS[kind], tested * _SCAN_COST
            is_scanned = scan_cost < list_cost and (kind != "words" or _is_one_word(values))
            if is_scanned:
                kinds[position] = _TEXT_SCANS[kind]
            cost += scan_cost if is_scanned else list_cost
    return tuple(kinds), cost


def _is_one_word(values: Mapping[str, Any]) -> bool:
    """Return True if the search is for one word in ASCII: SQLite may split other letters differently than Python."""
    return values["word_start"].isascii() and " " not in values["words"]


@functools.lru_cache(1_000)
def _count_cached(_engine: Engine, _period: int, *arguments: Any) -> int:
    """Return `_count` from some time in the period, which is accurate enough to choose a plan."""
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
