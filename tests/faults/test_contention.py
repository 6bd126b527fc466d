"""Many clients that rate few movies, with an upload and backups at the same time: nothing is lost.

On a busy machine a write may get 503, as documented; the client tries again.
"""

import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from sqlalchemy import func, select

from movierating.ratings.models import Rating

pytestmark = pytest.mark.sqlite

CLIENTS = 64
ACCOUNTS = 8
RATINGS = 20
MOVIES = 20_000


@pytest.fixture
def library(instance, populate, add_films):
    """Return account names, ids of the movies that all rate, and a file that rates all MOVIES movies."""
    names = [f"person{number}" for number in range(ACCOUNTS)]
    ids = populate(instance, *names, "importer", count=20)
    add_films(instance, MOVIES - len(ids))
    rows = [f"tt{9_000_000 + number},,,{1 + number % 10}\n" for number in range(MOVIES - len(ids))]
    rows += [f",Movie {number},2000,{1 + number % 10}\n" for number in range(len(ids))]
    return names, ids, ("imdb_id,title,year,value\n" + "".join(rows)).encode()


@pytest.fixture
def threads():
    """`threads(function, *arguments)` calls a function in another thread and returns its future."""
    with ThreadPoolExecutor(CLIENTS + 1) as pool:
        yield pool.submit


def back_up_repeatedly(folder, target, until):
    """Make online backups one after the other until the event is set."""
    while not until.is_set():
        back_up(folder, target)


def back_up(folder, target):
    file = folder / "movierating.sqlite3"
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy, pages=200, sleep=0.01)
        assert copy.execute("PRAGMA quick_check").fetchone() == ("ok",)


def rate_again(client, movie_id, value):
    """Rate a movie, again while the response is 503, for a minute at most; return the last status."""
    deadline = time.monotonic() + 60
    while (status := client.rate(movie_id, value).status) == 503 and time.monotonic() < deadline:
        time.sleep(0.2)
    return status


def test_concurrent_writers_upload_and_backups_all_succeed(
    library, instance, serve, client_of, threads, outside, unsound, tmp_path
):
    names, ids, file = library
    service = serve(instance, workers=2)
    headers = [client_of(service, name).headers for name in names]
    importer = client_of(service, "importer")
    start, done = threading.Barrier(CLIENTS + 1), threading.Event()

    def work(number):
        """Rate the movies in turn, each client from another start; return the statuses."""
        client = client_of(service, **headers[number % ACCOUNTS])
        start.wait()
        return [
            rate_again(client, ids[(number + turn) % len(ids)], 1 + turn % 19 / 2) for turn in range(RATINGS)
        ]

    copying = threads(back_up_repeatedly, instance, tmp_path / "copy", done)
    working = [threads(work, number) for number in range(CLIENTS)]
    start.wait()
    report = importer.upload(file)
    statuses = [status for each in working for status in each.result()]
    done.set()
    copying.result()
    assert (report.status, report.body["created"], report.body["unmatched"]) == (200, MOVIES, [])
    assert len(statuses) == CLIENTS * RATINGS
    # Each account rates each movie for the first time once.
    assert (statuses.count(201), set(statuses)) == (ACCOUNTS * len(ids), {200, 201})
    assert unsound(instance) == []
    with outside(instance) as connection:
        count = connection.scalar(select(func.count()).select_from(Rating))
    assert count == MOVIES + ACCOUNTS * len(ids)
    assert service.stop() == 0
