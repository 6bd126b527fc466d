"""Statistics of a user's ratings for plots: by decade, genre and year of release, and over time.

The ratings are read once and summed in Python, which takes a third of the time of a query for each plot. The result is
cached until the user's ratings change, and for a minute at most: everyone's means change with other users' ratings.
"""

import functools
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import Engine, bindparam, func, select

from movierating import clock, rating_stats
from movierating.auth.models import User
from movierating.movies.models import Movie
from movierating.ratings.models import Rating
from movierating.storage.cache_versions import USER
from movierating.storage.database import db, get_version, read
from movierating.storage.statements import CompiledStatement

# Everyone's histogram changes little, and takes a sum over all accounts.
_HISTOGRAM_LIFETIME_SECONDS = 60
# Statistics of one user take up to 30 KB.
_MAX_CACHED_USERS = 256
_DAY = 24 * 60 * 60 * clock.SECOND
# No movie was shown before.
_FIRST_DAY = clock.from_datetime(datetime(1890, 1, 1, tzinfo=UTC)) // _DAY
# Months are shown for this many at most, then years.
_MAX_MONTHS = 36

_rating, _movie, _user = Rating.__table__.c, Movie.__table__.c, User.__table__.c
_RATED = CompiledStatement(
    select(
        _rating.value, _rating.rated_at, _movie.year, _movie.genres, _movie.rating_count, _movie.rating_sum
    )
    .join_from(Rating, Movie, _movie.id == _rating.movie_id)
    .where(_rating.user_id == bindparam("user"))
)
_SUMS = CompiledStatement(
    select(*(func.coalesce(func.sum(_user[name]), 0).label(name) for name in rating_stats.HISTOGRAM_COLUMNS))
)


@dataclass(slots=True)
class Group:
    """Ratings that have something in common: how many, and the sums of the user's and of everyone's means, in points.

    Everyone's mean of a group is the mean of its movies' means.
    """

    name: Any
    count: int = 0
    total: float = 0.0
    everyones_total: float = 0.0

    @property
    def mean(self) -> float:
        """Return the mean of the user's ratings, from 0.5 to 10."""
        return self.total / self.count

    @property
    def everyones_mean(self) -> float:
        """Return the mean of the means of these movies, from 0.5 to 10."""
        return self.everyones_total / self.count

    def add(self, other: "Group") -> None:
        """Add the ratings of another group."""
        self.count += other.count
        self.total += other.total
        self.everyones_total += other.everyones_total


@dataclass(frozen=True, slots=True)
class Statistics:
    """The groups of a user's ratings. `periods` are months (`2024-05`) or years, without a gap between them."""

    decades: list[Group]
    genres: list[Group]
    years: list[Group]
    periods: list[tuple[str, int]]

    @property
    def unit(self) -> str:
        """Return what a period is: `month` or `year`."""
        return "month" if self.periods and len(self.periods[0][0]) > 4 else "year"


def read_statistics(user_id: int) -> Statistics:
    """Return the statistics of a user's ratings; the most common genres come first. Do not modify the result.

    Ratings by other users and writes of other programs take effect within `database.MAX_STALE_SECONDS`.
    """
    # The version is read before the ratings, so they are at least as new as their version.
    version = get_version((USER, user_id))
    load = _load_statistics.__wrapped__ if version is None else _load_statistics
    return load(db.engine, user_id, version)


@functools.lru_cache(_MAX_CACHED_USERS)
def _load_statistics(_engine: Engine, user_id: int, _version: Hashable) -> Statistics:
    years: dict[int | None, Group] = {}
    # By the stored JSON list of a movie's genres, of which there are few.
    genre_lists: dict[str, Group] = {}
    days: dict[int, int] = defaultdict(int)
    for value, rated_at, year, genres, count, total in _RATED.tuples(read(), user=user_id):
        mean = total / (2 * count) if count else value / 2
        for groups, name in ((years, year), (genre_lists, genres)):
            group = groups.get(name) or groups.setdefault(name, Group(name))
            group.count += 1
            group.total += value / 2
            group.everyones_total += mean
        days[rated_at // _DAY] += 1
    known_years = [group for group in years.values() if group.name is not None]
    genres = _regroup((name, group) for group in genre_lists.values() for name in orjson.loads(group.name))
    return Statistics(
        decades=_regroup((group.name // 10 * 10, group) for group in known_years),
        genres=sorted(genres, key=lambda group: -group.count),
        years=sorted(known_years, key=lambda group: group.name),
        periods=_count_periods(days),
    )


def _regroup(named: Iterable[tuple[Any, Group]]) -> list[Group]:
    """Return the sums of the groups of each name, sorted by name."""
    sums: dict[Any, Group] = {}
    for name, group in named:
        sums.setdefault(name, Group(name)).add(group)
    return [sums[name] for name in sorted(sums)]


def _count_periods(days: Mapping[int, int]) -> list[tuple[str, int]]:
    """Return the count of each month, or of each year if there are many months, from the first to the last.

    Ratings before the first movie or after tomorrow have wrong times, and would fill the plot with empty years: they
    are left out. `days` are counts by the number of days since 1970.
    """
    months: dict[int, int] = defaultdict(int)
    tomorrow = clock.now() // _DAY + 1
    for day, count in days.items():
        if _FIRST_DAY <= day <= tomorrow:
            moment = clock.to_datetime(day * _DAY)
            months[moment.year * 12 + moment.month - 1] += count
    if not months:
        return []
    first, last = min(months), max(months)
    if last - first < _MAX_MONTHS:
        return [(f"{month // 12}-{month % 12 + 1:02}", months[month]) for month in range(first, last + 1)]
    years: dict[int, int] = defaultdict(int)
    for month, count in months.items():
        years[month // 12] += count
    return [(str(year), years[year]) for year in range(first // 12, last // 12 + 1)]


def read_everyones_histogram() -> list[int]:
    """Return the number of all ratings of each value, from 0.5 to 10. It may be a minute old."""
    return list(_read_histogram(read().engine, clock.get_period(_HISTOGRAM_LIFETIME_SECONDS)))


@functools.lru_cache(8)
def _read_histogram(_engine: Engine, _period: int) -> tuple[int, ...]:
    return tuple(int(total) for total in _SUMS.tuples(read())[0])
