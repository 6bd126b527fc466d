"""Measures the processor time of the web pages on 92,000 movies, in process: part of `make bench`."""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click
from flask import Flask
from flask.testing import FlaskClient

import movierating
from instances import fetch_rows, load_instance
from movierating.users import statistics as profiles
from service import PASSWORD, make_environment, make_table, publish

SIZE = "catalogue"
WARM_UP_REQUESTS = 5
# A person with about 2,000 ratings.
_PERSON = "SELECT username, rating_count FROM user ORDER BY abs(rating_count - 2000) LIMIT 1"
_MOVIE = "SELECT id FROM movie ORDER BY rating_count DESC LIMIT 1"


def open_browser(app: Flask, username: str | None = None) -> FlaskClient:
    """Return a client; with a username it has signed up and is logged in."""
    client = app.test_client()
    client.environ_base["HTTP_SEC_FETCH_SITE"] = "same-origin"
    if username is not None:
        form = {"username": username, "email": f"{username}@example.org", "password": PASSWORD}
        if client.post("/sign-up", data=form).status_code != 303:
            raise SystemExit("signing up failed")
    return client


def rate_first_page(client: FlaskClient, instance: Path) -> None:
    """Rate the ten movies that the chart shows first, so that the page shows own ratings too."""
    for movie in fetch_rows(instance, "SELECT id FROM movie ORDER BY score DESC, prominence DESC LIMIT 10"):
        client.post(f"/movies/{movie}/rating", data={"value": "8"})


def measure(client: FlaskClient, path: str, number: int, prepare: Callable[[], None] | None = None) -> float:
    """Return the median of the processor time of a page, in milliseconds; `prepare` runs before each request."""
    times = []
    for _ in range(WARM_UP_REQUESTS + number):
        if prepare is not None:
            prepare()
        started = time.process_time()
        response = client.get(path)
        times.append(time.process_time() - started)
        if response.status_code != 200:
            raise SystemExit(f"{path} returned {response.status_code}")
    return 1000 * statistics.median(times[WARM_UP_REQUESTS:])


def measure_pages(app: Flask, instance: Path, number: int) -> Iterator[tuple[str, ...]]:
    """Yield a line of the table for each page: its name, milliseconds, and the most that it may take."""
    member, visitor = open_browser(app, "reader"), open_browser(app)
    rate_first_page(member, instance)
    (username, count), (movie,) = fetch_rows(instance, _PERSON)[0], fetch_rows(instance, _MOVIE)
    person, forget = f"/people/{username}", profiles._load_statistics.cache_clear
    first_view = f"a profile with {count:,} ratings, changed since the last view"
    pages = {
        "25 movies, logged in": (member, "/movies", 8, None),
        "25 movies by year, logged in": (member, "/movies?sort=-year", 8, None),
        "25 movies, visitor, read again": (visitor, "/movies", 1, None),
        "a movie, logged in": (member, f"/movies/{movie}", 2, None),
        "a movie, visitor, read again": (visitor, f"/movies/{movie}", 1, None),
        first_view: (member, person, 15, forget),
        "the same, not changed": (member, person, 8, None),
        "the same, visitor, read again": (visitor, person, 1, None),
        "50 ratings of a person, logged in": (member, f"{person}/ratings", 8, None),
        "a movie to rate": (member, "/rate", 8, None),
    }
    for name, (client, path, limit, prepare) in pages.items():
        yield name, f"{measure(client, path, number, prepare):.2f} ms", f"{limit} ms"


@click.command()
@click.option("--requests", default=200, show_default=True, help="Requests for each page.")
@click.option("--keep", type=click.Path(path_type=Path), help="Keep the generated instance in this folder.")
def main(requests: int, keep: Path | None) -> None:
    """Measure, print the table, and write it beside this file."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        instance = load_instance(SIZE, folder, keep or folder)
        app = movierating.create_app({**make_environment(instance), "MOVIERATING_LOG_LEVEL": "error"})
        lines = list(measure_pages(app, instance, requests))
    publish(make_table(("page", "processor time, median", "at most"), lines), __file__)


if __name__ == "__main__":
    main()
