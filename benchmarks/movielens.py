"""Reads a data set of MovieLens, with what the bundled catalogue knows of its movies, and splits its ratings."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from movierating.predictions.features import MovieFeatures
from movierating.predictions.training.data import TrainingData

CATALOGUE = Path(__file__).parents[1] / "seed_data" / "movies.csv"
FOLDS = 5
# ml-100k marks videos with "(V)".
_TITLE = re.compile(r"(?P<title>.*?)(?: \(.*\))? \((?P<year>\d{4})\)(?: \(V\))?\s*")
_ARTICLE = re.compile(r"(?P<rest>.*), (?P<article>The|A|An|Les|La|Le)")
# The columns of u.item from the sixth, in its order.
_ML_100K_GENRES = (
    *(
        "unknown",
        "Action",
        "Adventure",
        "Animation",
        "Children's",
        "Comedy",
        "Crime",
        "Documentary",
        "Drama",
        "Fantasy",
    ),
    *("Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western"),
)

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


class _Movie(NamedTuple):
    """A movie of a data set; `title` ends with the year."""

    id: int
    title: str
    genres: Sequence[str]
    imdb_id: str | None = None


def read_data_set(folder: Path) -> DataSet:
    """Read the ratings and movies of a folder in the layout of ml-100k, of ml-1m, or of later data sets (CSV)."""
    if (folder / "u.data").exists():
        columns, movies = np.loadtxt(folder / "u.data"), _read_ml_100k_movies(folder)
    elif (folder / "ratings.dat").exists():
        rows = (",".join(row) for row in _split_lines(folder / "ratings.dat", "::"))
        columns, movies = np.loadtxt(rows, delimiter=","), _read_ml_1m_movies(folder)
    else:
        columns = np.loadtxt(folder / "ratings.csv", delimiter=",", skiprows=1)
        movies = _read_csv_movies(folder)
    user_ids, movie_ids, times = (columns[:, index].astype(np.int64) for index in (0, 1, 3))
    return DataSet(user_ids, movie_ids, columns[:, 2] * 2, times, _make_features(movies))


def _read_ml_100k_movies(folder: Path) -> Iterator[_Movie]:
    for movie_id, title, _, _, _, *flags in _split_lines(folder / "u.item", "|"):
        genres = [genre for genre, flag in zip(_ML_100K_GENRES, flags, strict=True) if flag == "1"]
        yield _Movie(int(movie_id), title, genres)


def _read_ml_1m_movies(folder: Path) -> Iterator[_Movie]:
    for movie_id, title, genres in _split_lines(folder / "movies.dat", "::"):
        yield _Movie(int(movie_id), title, genres.split("|"))


def _split_lines(file: Path, separator: str) -> Iterator[list[str]]:
    with file.open(encoding="latin-1") as lines:
        for line in lines:
            yield line.rstrip("\n").split(separator)


def _read_csv_movies(folder: Path) -> Iterator[_Movie]:
    links = {row["movieId"]: f"tt{row['imdbId']:0>7}" for row in _read_rows(folder / "links.csv")}
    for row in _read_rows(folder / "movies.csv"):
        movie_id = row["movieId"]
        yield _Movie(int(movie_id), row["title"], row["genres"].split("|"), links[movie_id])


def _make_features(movies: Iterable[_Movie]) -> dict[int, MovieFeatures]:
    """Return the movies' facts: genres and years are MovieLens', languages and directors the catalogue's."""
    by_imdb_id: dict[str | None, dict[str, str]] = {}
    by_title: dict[tuple[str, str], dict[str, str]] = {}
    for row in _read_rows(CATALOGUE):
        by_imdb_id[row["imdb_id"]] = by_title[row["title"].lower(), row["year"]] = row
    features = {}
    for movie in movies:
        match = _TITLE.fullmatch(movie.title)
        title, year = (match["title"], match["year"]) if match else (movie.title, "")
        title = _ARTICLE.sub(r"\g<article> \g<rest>", title).lower()
        known = by_imdb_id.get(movie.imdb_id) or by_title.get((title, year), {})
        features[movie.id] = MovieFeatures(
            genres=tuple(movie.genres),
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
