"""Rating statistics: the aggregate columns of movies and users, and the values calculated from them.

Values are counted in half points: 1 is a rating of 0.5, 20 is a rating of 10. `score` is the Bayesian weighted mean of
IMDb's charts, (weight * prior mean + sum) / (weight + count), so it depends on one movie's ratings alone.
Source: https://help.imdb.com/article/imdb/track-movies-tv/ratings-faq/G67Y87TFYYP6TWAV (weighted average).
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, Integer
from sqlalchemy.orm import mapped_column

PRIOR_WEIGHT = 25
PRIOR_MEAN = 6.5
MAX_HALF_POINTS = 20

# In half points, like `rating_sum`. A change of either prior needs a migration of the generated columns.
PRIOR_SUM = int(PRIOR_WEIGHT * PRIOR_MEAN * 2)

HISTOGRAM_COLUMNS = tuple(f"h{step:02}" for step in range(1, MAX_HALF_POINTS + 1))
AGGREGATE_COLUMNS = ("rating_count", "rating_sum", *HISTOGRAM_COLUMNS)

SCORE_SQL = f"({PRIOR_SUM}.0 + rating_sum) / (2.0 * ({PRIOR_WEIGHT} + rating_count))"
MEAN_SQL = "CASE WHEN rating_count = 0 THEN 0.0 ELSE rating_sum / (2.0 * rating_count) END"


class RatingStatsMixin:
    """Mixin: `rating_count`, `rating_sum` (half points), and `h01` to `h20`, the number of ratings of each value."""


for _name in AGGREGATE_COLUMNS:
    setattr(
        RatingStatsMixin, _name, mapped_column(Integer, nullable=False, server_default="0", sort_order=100)
    )


def get_aggregate_columns(table: Any) -> list[Column[Any]]:
    """Return the aggregate columns of a table, in the order of AGGREGATE_COLUMNS."""
    return [table.c[name] for name in AGGREGATE_COLUMNS]


def calculate_score(count: int, total: int) -> float:
    """Return the weighted mean, 0.5 to 10: the same double as the generated column `score`."""
    return (PRIOR_SUM + total) / (2 * (PRIOR_WEIGHT + count))


def calculate_mean(count: int, total: int) -> float | None:
    """Return the mean with 2 decimals, rounded half up from integers, or None without ratings."""
    return None if count == 0 else ((100 * total + count) // (2 * count)) / 100


def calculate_mean_rank(count: int, total: int) -> float:
    """Return the mean, 0 without ratings: the same double as the generated column `mean_rank`."""
    return total / (2 * count) if count else 0.0


def format_stats(values: Sequence[int]) -> dict[str, Any]:
    """Return the `count`, `mean` and `histogram` of a profile from the values of AGGREGATE_COLUMNS."""
    count, total, *histogram = values
    return {"count": count, "mean": calculate_mean(count, total), "histogram": histogram}


def format_stats_with_score(values: Sequence[int]) -> dict[str, Any]:
    """Return the `count`, `mean`, `score` and `histogram` of a movie from the values of AGGREGATE_COLUMNS."""
    stats = format_stats(values)
    stats["score"] = calculate_score(values[0], values[1])
    return stats
