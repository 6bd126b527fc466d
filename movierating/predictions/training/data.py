"""The ratings and movies that a model is trained on, as arrays of 5 bytes a rating."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from movierating.predictions.features import MovieFeatures

# Ratings whose ids are looked up at once, so that the lookup needs little memory.
RATINGS_PER_LOOKUP = 1_000_000

Floats = npt.NDArray[np.floating[Any]]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class GroupedRatings:
    """Ratings grouped by one side, the users or the movies: those of k are `starts[k]` to `starts[k + 1]`.

    `starts` (int64) has one element more than the side, `others` (int32) has the index on the other side for each
    rating, and `half_points` (uint8) its value from 1 to 20. Each user and each movie has at least one rating.
    """

    starts: Integers
    others: npt.NDArray[np.int32]
    half_points: npt.NDArray[np.uint8]

    @property
    def counts(self) -> Integers:
        """Return the number of ratings of each."""
        return np.diff(self.starts)

    def select(self, groups: slice) -> "GroupedRatings":
        """Return the ratings of consecutive groups, without a copy."""
        start, end = self.starts[groups.start], self.starts[groups.stop]
        starts = self.starts[groups.start : groups.stop + 1] - start
        return GroupedRatings(starts, self.others[start:end], self.half_points[start:end])

    def get_points(self, ratings: slice) -> npt.NDArray[np.float32]:
        """Return the values of ratings in points."""
        return self.half_points[ratings] * np.float32(0.5)


@dataclass(frozen=True)
class TrainingData:
    """The data that a model is trained on. `user_ids` and `movie_ids` are sorted; `features` belongs to `movie_ids`."""

    user_ids: Integers
    movie_ids: Integers
    by_user: GroupedRatings
    features: list[MovieFeatures]

    @classmethod
    def from_ratings(
        cls, user_ids: Any, movie_ids: Any, half_points: Any, features: Mapping[int, MovieFeatures]
    ) -> "TrainingData":
        """Return the data of ratings, given as three arrays or buffers of one length.

        `user_ids` and `movie_ids` are integers of 64 bits, `half_points` is from 1 to 20. Ratings that are sorted by
        user, as they are in the database, need no copy. A movie that is not in `features` is one of unknown facts.
        """
        users, movies = np.asarray(user_ids, np.int64), np.asarray(movie_ids, np.int64)
        values = np.asarray(half_points, np.uint8)
        if (users[1:] < users[:-1]).any():
            order = np.argsort(users, kind="stable")
            users, movies, values = users[order], movies[order], values[order]
        is_first = np.ones(len(users), bool)
        is_first[1:] = users[1:] != users[:-1]
        starts = np.append(np.flatnonzero(is_first), len(users))
        distinct = _list_distinct(movies)
        grouped = GroupedRatings(starts, _find_indices(distinct, movies), values)
        unknown = MovieFeatures()
        facts = [features.get(movie, unknown) for movie in distinct.tolist()]
        return cls(users[starts[:-1]], distinct, grouped, facts)

    def group_by_movie(self) -> GroupedRatings:
        """Return the same ratings, grouped by movie."""
        movies = self.by_user.others
        users = np.repeat(np.arange(len(self.user_ids), dtype=np.int32), self.by_user.counts)
        order = np.argsort(movies, kind="stable")
        starts = np.append(0, np.cumsum(np.bincount(movies, minlength=len(self.movie_ids))))
        return GroupedRatings(starts, users[order], self.by_user.half_points[order])


def _list_distinct(ids: Integers) -> Integers:
    """Return the distinct ids, sorted, without sorting all of them at once."""
    distinct = np.empty(0, np.int64)
    for start in range(0, len(ids), RATINGS_PER_LOOKUP):
        distinct = np.union1d(distinct, ids[start : start + RATINGS_PER_LOOKUP])
    return distinct


def _find_indices(distinct: Integers, ids: Integers) -> npt.NDArray[np.int32]:
    """Return the position of each id among the distinct ones."""
    indices = np.empty(len(ids), np.int32)
    for start in range(0, len(ids), RATINGS_PER_LOOKUP):
        piece = slice(start, start + RATINGS_PER_LOOKUP)
        indices[piece] = np.searchsorted(distinct, ids[piece])
    return indices
