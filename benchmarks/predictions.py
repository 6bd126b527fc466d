"""Measures the accuracy and the cost of predicted ratings: `python benchmarks/predictions.py FOLDER_OF_MOVIELENS`."""

import tempfile
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np

from movielens import Array, DataSet, read_data_set, split_by_time, split_in_folds, split_off_latest
from movierating.predictions.fold_in import Taste, solve_taste
from movierating.predictions.model_file import FACTORS, ModelFile, open_model, write_model
from movierating.predictions.nearest_people import PeopleFile, compute_vector, find_nearest, write_people
from movierating.predictions.prediction import (
    Prediction,
    compute_prior_moments,
    compute_shares,
    make_interval,
    predict,
)
from movierating.predictions.ranking import rank_movies
from movierating.predictions.training.fitting import train
from service import make_table, publish
from shrunk_means import ShrunkMeans

# Ratings of a new user that are folded in, and those before which nothing is tested.
NEW_USER_RATINGS = (0, 1, 3, 5, 10, 20)
RECOMMENDED = 10
# Of each time the least of so many runs.
RUNS = 20
# Users among whom the nearest are searched.
PEOPLE = 200_000


class Score(NamedTuple):
    """The errors of predictions, in stars; `coverage` is the share inside the interval."""

    rmse: float
    mae: float
    coverage: float
    means_rmse: float
    means_mae: float


class Run:
    """A model trained on some ratings of a data set."""

    def __init__(self, data: DataSet, train_on: Array) -> None:
        self.data, self.train_on = data, train_on
        trained = train(data.make_training_data(train_on))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model"
            header = {"version": "1", "database": "", "trained_at": 0, "training_seconds": 0.0}
            cold = {"cold_trained_at": 0, "cold_rating_count": 0}
            write_model(path, {**trained.header, **header, **cold}, trained.arrays)
            self.model: ModelFile = open_model(path)
        self.means = ShrunkMeans(data, train_on)
        self.rated = dict(data.group_by_user(train_on))

    def solve_taste(self, rated: Array) -> Taste:
        """Return the taste from the ratings at these positions."""
        return solve_taste(self.model, *self.get_rows(rated))

    def get_rows(self, rated: Array) -> tuple[list[int], list[float]]:
        """Return rows of the model and points of the ratings whose movies have a row."""
        rows = [self.model.find_row(movie) for movie in self.data.movies[rated].tolist()]
        points = self.data.points[rated].tolist()
        known = [(row, value) for row, value in zip(rows, points, strict=True) if row is not None]
        return [row for row, _ in known], [value for _, value in known]

    def predict(self, taste: Taste, movie: int) -> Prediction:
        """Return the prediction for a movie, with or without ratings."""
        row = self.model.find_row(movie)
        features = self.data.features[movie]
        moments = compute_prior_moments(self.model, features) if row is None else self.model.get_moments(row)
        return predict(self.model, taste, moments)

    def score(self, people: Iterable[tuple[Array, Array]]) -> Score:
        """Return how well ratings are predicted; each person is positions of known and of test ratings."""
        errors, covered, means_errors = [], [], []
        for rated, tested in people:
            taste, points = self.solve_taste(rated), self.data.points[tested]
            movies = self.data.movies[tested]
            means_errors.append(self.means.predict(self.data, rated, movies) - points)
            predictions = [self.predict(taste, movie) for movie in movies.tolist()]
            for prediction, value in zip(predictions, points.tolist(), strict=True):
                interval = make_interval(prediction)
                errors.append(min(max(prediction.value, 1), 10) - value)
                covered.append(interval.low <= value <= interval.high)
        stars, means = np.array(errors) / 2, np.concatenate(means_errors) / 2
        return Score(_rms(stars), abs(stars).mean(), np.mean(covered), _rms(means), abs(means).mean())


def _rms(values: Array) -> float:
    return float(np.sqrt(np.mean(values**2)))


def measure_accuracy(data: DataSet, train_on: Array, test: Array) -> Score:
    """Return the score of a model of all users, who have ratings on both sides of the split."""
    run = Run(data, train_on)
    no_ratings = np.empty(0, np.int64)
    return run.score((run.rated.get(user, no_ratings), tested) for user, tested in data.group_by_user(test))


def measure_new_users(data: DataSet) -> dict[int, Score]:
    """Return scores of users whom the training has not seen, by the number of their ratings that are folded in.

    Users are in five folds. The same ratings are tested throughout: all but the first 20 of each user, in random order.
    """
    random = np.random.default_rng(0)
    users = random.permutation(np.unique(data.users))
    scores: dict[int, list[Score]] = {count: [] for count in NEW_USER_RATINGS}
    weights = []
    for fold in np.array_split(users, 5):
        is_new = np.isin(data.users, fold)
        run = Run(data, np.flatnonzero(~is_new))
        people = [random.permutation(ratings) for _, ratings in data.group_by_user(np.flatnonzero(is_new))]
        people = [ratings for ratings in people if len(ratings) > max(NEW_USER_RATINGS)]
        weights.append(sum(len(ratings) - max(NEW_USER_RATINGS) for ratings in people))
        for count, results in scores.items():
            results.append(
                run.score((ratings[:count], ratings[max(NEW_USER_RATINGS) :]) for ratings in people)
            )
    return {count: _average(results, weights) for count, results in scores.items()}


def _average(scores: list[Score], weights: list[int]) -> Score:
    """Return the mean of scores; RMSE is averaged as the squares are."""
    squares = np.average(np.array(scores) ** 2, 0, weights) ** 0.5
    means = np.average(np.array(scores), 0, weights)
    return Score(squares[0], means[1], means[2], squares[3], means[4])


def measure_recall(data: DataSet) -> tuple[float, float, float]:
    """Return the share of users whose latest movie is among the ten recommended, and among the ten most rated.

    The third number is the mean prediction of the ten recommended, in stars.
    """
    train_on, test = split_off_latest(data)
    run = Run(data, train_on)
    by_count = sorted(range(len(run.model.movie_ids)), key=run.model.movie_counts.__getitem__, reverse=True)
    hits, popular, predicted = [], [], []
    for user, (latest,) in data.group_by_user(test):
        rows = run.get_rows(run.rated.get(user, np.empty(0, np.int64)))
        taste, rated = solve_taste(run.model, *rows), set(rows[0])
        candidates = [row for row in by_count if row not in rated][:10_000]
        row = run.model.find_row(data.movies[latest])
        best = rank_movies(run.model, taste, rows[0], candidates)[:RECOMMENDED]
        hits.append(row in best)
        popular.append(row in candidates[:RECOMMENDED])
        predicted += [predict(run.model, taste, run.model.get_moments(row)).value / 2 for row in best]
    return float(np.mean(hits)), float(np.mean(popular)), float(np.mean(predicted))


def measure_least(job: Callable[[], object]) -> float:
    """Return the least CPU time of RUNS runs of a job, in milliseconds."""
    times = []
    for _ in range(RUNS):
        start = time.process_time()
        job()
        times.append(time.process_time() - start)
    return min(times) * 1000


def measure_costs(data: DataSet) -> dict[str, float]:
    """Return CPU milliseconds of each use of a model."""
    run = Run(data, np.arange(len(data.users)))
    model, costs = run.model, {}
    longest = max(run.rated.values(), key=len)
    for count in (10, 166, 498, len(longest)):
        rows, points = run.get_rows(longest[:count])
        costs[f"taste from {count:,} ratings"] = measure_least(partial(solve_taste, model, rows, points))
    rows, points = run.get_rows(longest[:166])
    taste = solve_taste(model, rows, points)
    movies = list(range(len(model.movie_ids)))
    costs["prediction with interval"] = measure_least(
        lambda: make_interval(predict(model, taste, model.get_moments(5)))
    )
    costs["prediction of a movie without ratings"] = measure_least(
        lambda: predict(model, taste, compute_prior_moments(model, data.features[data.movies[0]]))
    )
    costs["shares of 166 ratings"] = measure_least(
        lambda: compute_shares(model, taste, rows, points, model.get_moments(5))
    )
    costs[f"ranking of {len(movies):,} movies"] = measure_least(
        lambda: rank_movies(model, taste, rows, movies)
    )
    people = {
        "user_ids": np.arange(PEOPLE),
        "vectors": np.random.default_rng(0).standard_normal((PEOPLE, FACTORS)).astype(np.float32),
    }
    with tempfile.TemporaryDirectory() as folder:
        write_people(Path(folder) / "people", "1", people)
        file = PeopleFile(Path(folder) / "people")
        vector = compute_vector(model, taste)
        costs["vector of a taste"] = measure_least(lambda: compute_vector(model, taste))
        costs[f"nearest of {PEOPLE:,} users"] = measure_least(lambda: find_nearest(file, vector, 100))
    return costs


def make_accuracy_table(data: DataSet) -> str:
    """Return the table of accuracy."""
    folds = [measure_accuracy(data, *split) for split in split_in_folds(len(data.users))]
    rows = {
        "5 folds": _average(folds, [1] * len(folds)),
        "latest 20 % of each user": measure_accuracy(data, *split_by_time(data)),
        **{f"new user, {count} ratings": score for count, score in measure_new_users(data).items()},
    }
    lines = [
        (
            name,
            *(f"{value:.3f}" for value in (score.rmse, score.mae, score.means_rmse, score.means_mae)),
            f"{score.coverage:.1%}",
        )
        for name, score in rows.items()
    ]
    columns = ("errors in stars", "RMSE", "MAE", "RMSE of means", "MAE of means", "inside the 80 % interval")
    return make_table(columns, lines)


def make_recall_table(data: DataSet) -> str:
    """Return the table of recommendations."""
    recall, popularity, predicted = measure_recall(data)
    lines = [
        ("ranking", f"{recall:.3f}", f"{predicted:.2f}"),
        ("popularity", f"{popularity:.3f}", ""),
    ]
    return make_table(("ten recommended movies", "recall@10", "mean prediction in stars"), lines)


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(folder: Path) -> None:
    """Measure with the MovieLens data set in FOLDER, print the tables, and write them beside this file."""
    data = read_data_set(folder)
    costs = [(name, f"{cost:.2f}") for name, cost in measure_costs(data).items()]
    tables = [
        f"{folder.name}: {len(data.users):,} ratings.",
        make_accuracy_table(data),
        make_recall_table(data),
        make_table(("cost of a use", "CPU ms"), costs),
    ]
    publish("\n\n".join(tables), __file__)


if __name__ == "__main__":
    main()
