"""Measures predictions as users meet them: `python benchmarks/predictions_end_to_end.py FOLDER_OF_MOVIELENS`.

The users of a MovieLens data set sign up and rate over HTTP, the model is trained, and each hidden rating is predicted
over HTTP. The results stand beside those of `predictions.py`, which calls the code of the model, for the same split.
"""

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np

from instances import fetch_rows
from movielens import Array, DataSet, read_data_set, split_in_folds
from movierating import clock
from movierating.ratings.batch_schemas import MAX_RATINGS_PER_REQUEST
from predictions import measure_accuracy
from service import Service, make_table, publish, run_command, run_service

_MOVIES = "SELECT imdb_id, id FROM movie WHERE imdb_id IS NOT NULL"


def create_instance(folder: Path, instance: Path) -> None:
    """Create an instance with the bundled movies and those of a MovieLens data set, without ratings."""
    movies = instance.parent / "movies"
    movies.mkdir()
    for name in ("movies.csv", "links.csv"):
        shutil.copy(folder / name, movies)
    with (folder / "ratings.csv").open(encoding="ascii") as ratings:
        (movies / "ratings.csv").write_text(ratings.readline(), encoding="ascii")
    run_command(instance, "seed")
    run_command(instance, "import", "movielens", str(movies))


def find_movies(folder: Path, instance: Path) -> dict[int, int]:
    """Return the id in the instance of each movie of the data set, by MovieLens' id."""
    ids = dict(fetch_rows(instance, _MOVIES))
    links = np.loadtxt(folder / "links.csv", delimiter=",", skiprows=1, usecols=(0, 1), dtype=np.int64)
    return {movie: ids[f"tt{imdb_id:07}"] for movie, imdb_id in links.tolist()}


def rate(service: Service, data: DataSet, rated: Array, movies: dict[int, int], token: str) -> None:
    """Rate the movies of the ratings at these positions as the user with this token."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    ratings = [
        {
            "movie_id": movies[movie],
            "value": value,
            "rated_at": clock.format_rfc3339(seconds * clock.SECOND),
        }
        for movie, value, seconds in zip(
            *(column[rated].tolist() for column in (data.movies, data.points, data.times)), strict=True
        )
    ]
    for start in range(0, len(ratings), MAX_RATINGS_PER_REQUEST):
        body = json.dumps({"ratings": ratings[start : start + MAX_RATINGS_PER_REQUEST]}).encode()
        report = service.post("/users/me/ratings", body, **headers)
        if report["not_found"]:
            raise SystemExit(f"these movies were not found: {report['not_found']}")


def predict(service: Service, movie: int, token: str) -> tuple[float, float, float]:
    """Return the predicted rating of a movie and its interval, in points."""
    response = service.send("GET", f"/v1/movies/{movie}/prediction", Authorization=f"Bearer {token}")
    body = json.loads(response.body)
    if response.status != 200 or "reason" in body:
        raise SystemExit(f"the prediction of movie {movie} returned {response.status}: {body}")
    return body["value"], body["low"], body["high"]


def measure(
    instance: Path, data: DataSet, movies: dict[int, int], train_on: Array, test: Array
) -> tuple[float, float]:
    """Return the RMSE in stars and the share inside the interval, of predictions by an instance without ratings."""
    tokens = {}
    with run_service(instance) as service:
        for user, rated in data.group_by_user(train_on):
            _, tokens[user] = service.sign_up(f"user{user}")
            rate(service, data, rated, movies, tokens[user])
    if fetch_rows(instance, "SELECT count(*) FROM rating") != [len(train_on)]:
        raise SystemExit("the service has another number of ratings than the data set")
    run_command(instance, "predictions", "train")
    with run_service(instance, predictions="on") as service:
        errors, covered = zip(*_compare(service, data, test, movies, tokens), strict=True)
    return float(np.sqrt(np.mean(np.square(errors)))) / 2, float(np.mean(covered))


def _compare(
    service: Service, data: DataSet, test: Array, movies: dict[int, int], tokens: dict[int, str]
) -> Iterator[tuple[float, bool]]:
    """Yield the error of each prediction, in points, and whether the rating is inside the interval."""
    for user, tested in data.group_by_user(test):
        for movie, value in zip(data.movies[tested].tolist(), data.points[tested].tolist(), strict=True):
            predicted, low, high = predict(service, movies[movie], tokens[user])
            # MovieLens has no rating below one point.
            yield max(predicted, 1) - value, low <= value <= high


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(folder: Path) -> None:
    """Measure with a data set in the layout of ml-latest-small, print the table, and write it beside this file."""
    data = read_data_set(folder)
    train_on, test = next(split_in_folds(len(data.users)))
    with tempfile.TemporaryDirectory() as temporary:
        instance = Path(temporary) / "instance"
        create_instance(folder, instance)
        rmse, coverage = measure(instance, data, find_movies(folder, instance), train_on, test)
    offline = measure_accuracy(data, train_on, test)
    lines = [
        ("over HTTP", f"{rmse:.3f}", f"{coverage:.1%}"),
        ("offline", f"{offline.rmse:.3f}", f"{offline.coverage:.1%}"),
    ]
    size = f"{len(np.unique(data.users)):,} users, {len(train_on):,} ratings, {len(test):,} predictions"
    table = make_table(("predictions", "RMSE in stars", "inside the 80 % interval"), lines)
    publish(f"{folder.name}, the first of 5 folds: {size}.\n\n{table}", __file__)


if __name__ == "__main__":
    main()
