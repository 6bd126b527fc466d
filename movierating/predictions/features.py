"""A movie's facts as numbers, by which the model expects something of a movie before it has ratings."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import log1p
from typing import Any


@dataclass(frozen=True, slots=True)
class MovieFeatures:
    """The facts of a movie that the model uses; `rating_count` is the number of its ratings."""

    genres: Sequence[str] = ()
    year: int | None = None
    language: str | None = None
    directors: Sequence[str] = ()
    rating_count: int = 0


@dataclass(frozen=True)
class FeatureEncoding:
    """How facts become numbers. It is a part of the model: coefficients belong to one encoding.

    `genres` are those that have a number of their own, `median_year` stands for an unknown year, and `mean_log_count`
    is the mean of log(1 + number of ratings) over the movies with ratings. `years` and `log_counts` are the ranges that
    training has seen: other years and numbers of ratings count as their ends, for the trends do not continue beyond.
    """

    genres: tuple[str, ...]
    median_year: float
    years: tuple[float, float]
    mean_log_count: float
    log_counts: tuple[float, float]

    @property
    def size(self) -> int:
        """Return the length of an encoded movie."""
        return len(self.genres) + 7

    def encode(self, features: MovieFeatures) -> list[float]:
        """Return a movie's numbers x: 1, its genres, its age in three forms, its language, and its popularity in two.

        Age is in units of 20 years from 1990; the third form lets the trend differ before 1990. Popularity is relative
        to `mean_log_count`.
        """
        genres = [float(genre in features.genres) for genre in self.genres]
        year = self.median_year if features.year is None else features.year
        age = (_clamp(year, self.years) - 1990) / 20
        is_foreign = float(features.language not in (None, "en"))
        popularity = _clamp(log1p(features.rating_count), self.log_counts) - self.mean_log_count
        return [1.0, *genres, age, age * age, max(0.0, -age), is_foreign, popularity, popularity**2]

    def to_header(self) -> dict[str, Any]:
        """Return the encoding as JSON."""
        return asdict(self)

    @classmethod
    def from_header(cls, header: Mapping[str, Any]) -> "FeatureEncoding":
        """Return the encoding that `to_header` described."""
        tuples = {name: tuple(header[name]) for name in ("genres", "years", "log_counts")}
        return cls(**{**header, **tuples})


def _clamp(value: float, ends: tuple[float, float]) -> float:
    return min(max(value, ends[0]), ends[1])
