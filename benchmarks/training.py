"""Measures the training of predictions on generated ratings: `python benchmarks/training.py`."""

import json
import resource
import subprocess
import sys
import time

import click
import numpy as np

from movierating.predictions.features import MovieFeatures
from movierating.predictions.training.data import TrainingData
from movierating.predictions.training.fitting import train
from service import make_table, publish

RATINGS = (100_000, 1_000_000, 10_000_000)
RATINGS_PER_USER = 50
MAX_MOVIES = 87_000
FACTORS = 8
# Iterations whose cost is measured. A cold training has 30 and a warm one 2.
ITERATIONS = 2
GENRES = ("Action", "Comedy", "Documentary", "Drama", "Horror", "Romance", "Thriller", "Western")


def generate(count: int) -> TrainingData:
    """Return about `count` ratings: a few movies have most of them, and tastes have FACTORS dimensions."""
    random = np.random.default_rng(0)
    users, movies = count // RATINGS_PER_USER, min(MAX_MOVIES, count // 10)
    popularity = np.cumsum((np.arange(movies) + 100.0) ** -1.2)
    factors = random.standard_normal((movies, FACTORS)) * 0.5
    biases = random.standard_normal(movies)
    weights = 1 / (np.arange(users) + 30)
    amounts = random.permutation(20 + (weights / weights.sum() * (count - 20 * users)).astype(int))
    rated, values = [], []
    for amount in amounts.tolist():
        # Movies that are drawn twice count once.
        drawn = np.unique(np.searchsorted(popularity, random.random(int(amount * 1.15)) * popularity[-1]))
        taste = random.standard_normal(FACTORS)
        points = 7 + random.standard_normal() + biases[drawn] + factors[drawn] @ taste
        points += random.normal(0, 1.5, len(drawn))
        rated.append(drawn.astype(np.int32))
        values.append(np.clip(np.round(points * 2), 1, 20).astype(np.uint8))
    user_ids = np.repeat(np.arange(users), [len(each) for each in rated])
    features = {
        movie: MovieFeatures(
            (GENRES[movie % 8], GENRES[movie % 7]), 1920 + movie % 100, "en", (f"Director {movie // 4}",)
        )
        for movie in range(movies)
    }
    return TrainingData.from_ratings(user_ids, np.concatenate(rated), np.concatenate(values), features)


def measure(count: int) -> dict[str, float]:
    """Return what training on generated ratings takes in this process."""
    data = generate(count)
    several = _measure_seconds(data, 1 + ITERATIONS)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    one = _measure_seconds(data, 1)
    return {
        "ratings": len(data.by_user.others),
        "users": len(data.user_ids),
        "movies": len(data.movie_ids),
        "iteration": (several - one) / ITERATIONS,
        "rest": one - (several - one) / ITERATIONS,
        "memory": memory,
    }


def _measure_seconds(data: TrainingData, iterations: int) -> float:
    """Return the CPU seconds of a training."""
    start = time.process_time()
    train(data, iterations=iterations)
    return time.process_time() - start


@click.command()
@click.option("--ratings", type=int, multiple=True, default=RATINGS, help="Sizes to measure.")
@click.option("--in-process", is_flag=True, help="Measure the first size in this process and print JSON.")
def main(ratings: tuple[int, ...], in_process: bool) -> None:
    """Measure each size in a process of its own, print the table, and write it beside this file."""
    if in_process:
        click.echo(json.dumps(measure(ratings[0])))
        return
    lines = []
    for count in ratings:
        command = [sys.executable, __file__, "--in-process", "--ratings", str(count)]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        result = json.loads(output)
        lines.append(
            (
                *(f"{result[name]:,.0f}" for name in ("ratings", "users", "movies")),
                *(f"{result[name]:,.2f} s" for name in ("iteration", "rest")),
                f"{result['memory']:,.0f} MB",
            )
        )
    columns = ("ratings", "users", "movies", "CPU of an iteration", "of the rest", "peak memory")
    publish(make_table(columns, lines), __file__)


if __name__ == "__main__":
    main()
