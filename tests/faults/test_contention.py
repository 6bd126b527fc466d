"""Many who write to few movies, an upload and a backup beside them: nobody is turned away, and nothing is lost."""

import sqlite3
import threading
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
def crowded(instance, populate, add_films):
    """An instance with accounts and MOVIES movies: the names, the ids of the hot movies, and a file that rates all."""
    names = [f"person{number}" for number in range(ACCOUNTS)]
    hot = populate(instance, *names, "importer", count=20)
    add_films(instance, MOVIES - len(hot))
    rows = [f"tt{9_000_000 + number},,,{1 + number % 10}\n" for number in range(MOVIES - len(hot))]
    rows += [f",Movie {number},2000,{1 + number % 10}\n" for number in range(len(hot))]
    return names, hot, ("imdb_id,title,year,value\n" + "".join(rows)).encode()


@pytest.fixture
def threads():
    """`threads(function, *arguments)` runs it in a thread of its own; `result()` of what it returns is the outcome."""
    with ThreadPoolExecutor(CLIENTS + 1) as pool:
        yield pool.submit


def copy_again_and_again(folder, target, until):
    """Online backups, one after the other, each of a sound database."""
    while not until.is_set():
        back_up(folder, target)


def back_up(folder, target):
    file = folder / "movierating.sqlite3"
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy, pages=200, sleep=0.01)
        assert copy.execute("PRAGMA quick_check").fetchone() == ("ok",)


def test_many_writers_an_upload_and_a_backup_get_along(
    crowded, instance, serve, client_of, threads, outside, unsound, tmp_path
):
    names, hot, file = crowded
    service = serve(instance, workers=2)
    signed_in = [client_of(service, name).headers for name in names]
    importer = client_of(service, "importer")
    start, done = threading.Barrier(CLIENTS + 1), threading.Event()

    def work(number):
        """Rates the hot movies, one after the other and each from another start; the statuses of the answers."""
        client = client_of(service, **signed_in[number % ACCOUNTS])
        start.wait()
        return [
            client.rate(hot[(number + turn) % len(hot)], 1 + turn % 19 / 2).status for turn in range(RATINGS)
        ]

    copying = threads(copy_again_and_again, instance, tmp_path / "copy", done)
    working = [threads(work, number) for number in range(CLIENTS)]
    start.wait()
    report = importer.upload(file)
    statuses = [status for each in working for status in each.result()]
    done.set()
    copying.result()
    assert (report.status, report.body["created"], report.body["unmatched"]) == (200, MOVIES, [])
    assert len(statuses) == CLIENTS * RATINGS
    # Each account rates each movie for the first time once.
    assert (statuses.count(201), set(statuses)) == (ACCOUNTS * len(hot), {200, 201})
    assert unsound(instance) == []
    with outside(instance) as connection:
        count = connection.scalar(select(func.count()).select_from(Rating))
    assert count == MOVIES + ACCOUNTS * len(hot)
    assert service.stop() == 0
