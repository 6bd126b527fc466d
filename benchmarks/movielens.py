"""Reads a folder of MovieLens, with what the bundled catalogue knows of its movies, and splits its ratings."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from movierating.predictions.features import MovieFeatures
from movierating.predictions.training.data import TrainingData

CATALOGUE = Path(__file__).parents[1] / "seed_data" / "movies.csv"
FOLDS = 5
_TITLE = re.compile(r"(?P<title>.*?)(?: \(.*\))? \((?P<year>\d{4})\)\s*")
_ARTICLE = re.compile(r"(?P<rest>.*), (?P<article>The|A|An|Les|La|Le)")

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class DataSet:
    """Ratings as arrays of one length (points from 1 to 10, times in seconds), and the movies' facts by id."""

    users: Array
    movies: Array
    points: Array
    times: Array
    features: dict[int, MovieFeatures]

    def make_training_data(self, chosen: Array) -> TrainingData:
        """Return the ratings at these positions as training data."""
        values = np.round(self.points[chosen] * 2).astype(np.uint8)
        return TrainingData.from_ratings(self.users[chosen], self.movies[chosen], values, self.features)

    def group_by_user(self, chosen: Array) -> Iterator[tuple[int, Array]]:
        """Yield each user and the positions, among the given ones, of their ratings."""
        ordered = chosen[np.argsort(self.users[chosen], kind="stable")]
        users, starts = np.unique(self.users[ordered], return_index=True)
        yield from zip(users.tolist(), np.split(ordered, starts[1:]), strict=True)


def read_data_set(folder: Path) -> DataSet:
    """Read ratings.csv, movies.csv and links.csv of a folder."""
    columns = np.loadtxt(folder / "ratings.csv", delimiter=",", skiprows=1)
    users, movies, times = (columns[:, index].astype(np.int64) for index in (0, 1, 3))
    return DataSet(users, movies, columns[:, 2] * 2, times, _read_features(folder))


def _read_features(folder: Path) -> dict[int, MovieFeatures]:
    """Return the movies' facts: genres and years are MovieLens', languages and directors the catalogue's."""
    by_imdb_id, by_title = {}, {}
    for row in _read_rows(CATALOGUE):
        by_imdb_id[row["imdb_id"]] = by_title[row["title"].lower(), row["year"]] = row
    links = {row["movieId"]: f"tt{row['imdbId']:0>7}" for row in _read_rows(folder / "links.csv")}
    features = {}
    for row in _read_rows(folder / "movies.csv"):
        match = _TITLE.fullmatch(row["title"])
        title, year = (match["title"], match["year"]) if match else (row["title"], "")
        title = _ARTICLE.sub(r"\g<article> \g<rest>", title).lower()
        known = by_imdb_id.get(links[row["movieId"]]) or by_title.get((title, year), {})
        features[int(row["movieId"])] = MovieFeatures(
            genres=tuple(row["genres"].split("|")),
            year=int(year) if year else None,
            language=known.get("language") or None,
            directors=tuple(filter(None, known.get("directors", "").split("|"))),
        )
    return features


def _read_rows(file: Path) -> Iterator[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


def split_in_folds(count: int) -> Iterator[tuple[Array, Array]]:
    """Yield positions of training and test in FOLDS folds: those of Surprise's KFold(5, random_state=0)."""
    order = np.random.RandomState(0).permutation(count)
    for test in np.array_split(order, FOLDS):
        yield np.setdiff1d(order, test), test


def split_by_time(data: DataSet, share: float = 0.2) -> tuple[Array, Array]:
    """Return positions of training and test: of each user the latest `share` of the ratings, and at least one."""
    tests = []
    for _, ratings in data.group_by_user(np.arange(len(data.users))):
        ordered = ratings[np.argsort(data.times[ratings], kind="stable")]
        tests.append(ordered[len(ordered) - max(1, round(share * len(ordered))) :])
    test = np.sort(np.concatenate(tests))
    return np.setdiff1d(np.arange(len(data.users)), test), test


def split_off_latest(data: DataSet) -> tuple[Array, Array]:
    """Return positions of training and test: of each user the latest rating."""
    return split_by_time(data, share=0)
