"""Backups of an instance that is written to, and restores that either complete or change nothing."""

import shutil
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from flask_migrate import upgrade as upgrade_to

from movierating import create_app
from movierating.movies import service as movies
from movierating.operations import backups, checks, startup
from movierating.ratings import merging, service
from movierating.storage import database

pytestmark = pytest.mark.sqlite

OLDER = "0001"
TWIN = "tt9999999"

# Restores into each folder, in a child of this process each; the n-th child is killed at its n-th change to a file.
KILLED = """
import os, signal, sys
from movierating import create_app
from movierating.cli.main import main
from movierating.operations import backups
import movierating.app, prometheus_client

file, *folders = sys.argv[1:]
CHANGES = {"os.rename", "os.link", "sqlite3.connect", "mmap.__new__", "os.truncate"}

def is_change(event, arguments):
    if event == "open":
        return bool(arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
    return event in CHANGES or event == "os.remove" and os.path.exists(arguments[0])

def restore(folder, left):
    def watch(event, arguments):
        nonlocal left
        if is_change(event, arguments):
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(watch)
    os.environ["MOVIERATING_INSTANCE_PATH"] = folder
    main(["restore", file])

for number, folder in enumerate(folders, 1):
    child = os.fork()
    if not child:
        restore(folder, number)
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
    if not status:
        break
"""


def dump(file):
    """Every row of a database, and its tables."""
    with closing(sqlite3.connect(file)) as connection:
        return list(connection.iterdump())


@pytest.fixture
def started(environ):
    """`started(folder)` starts an application, asserts that it has no problems, and returns every row."""

    def start(folder):
        app = create_app(environ(folder))
        with app.app_context():
            assert checks.run_checks(repair=False) == ([], [])
            database.close()
        return dump(folder / "movierating.sqlite3")

    return start


@pytest.fixture
def older(tmp_path, environ):
    """A backup at the first revision, with data in it."""
    folder = tmp_path / "older"
    app = create_app(environ(folder), prepared=False)
    with app.app_context():
        upgrade_to(revision=OLDER)
        database.close()
    with closing(sqlite3.connect(folder / "movierating.sqlite3")) as connection, connection:
        connection.execute("INSERT INTO milestone VALUES ('seeded', 0), ('older', 0)")
    backups.create_backup(folder / "movierating.sqlite3", tmp_path / "older.sqlite3")
    return tmp_path / "older.sqlite3"


def test_backup_during_writes_is_consistent(app, sign_up, add_movie, tmp_path, started):
    people, movies = [sign_up().id for _ in range(4)], [add_movie() for _ in range(5)]
    done, written = threading.Event(), dict.fromkeys(people, 0)

    def rate(user_id):
        with app.app_context():
            while not done.is_set():
                written[user_id] = number = written[user_id] + 1
                service.rate_movie(user_id, movies[number % 5], 1 + number % 20, None)

    made = []
    with ThreadPoolExecutor(4) as threads:
        writers = [threads.submit(rate, user_id) for user_id in people]
        try:
            while (len(made) < 4 or min(written.values()) < 30) and not any(each.done() for each in writers):
                made.append(tmp_path / f"backup-{len(made)}")
                backups.create_backup(database.get_sqlite_file(), made[-1])
        finally:
            done.set()
        assert [writer.result() for writer in writers] == [None] * 4
    dumps = []
    for backup in (made[0], made[-1]):
        folder = backup.with_name(f"instance-of-{backup.name}")
        folder.mkdir()
        shutil.copy(backup, folder / "movierating.sqlite3")
        dumps.append(started(folder))
    assert dumps[0] != dumps[1]


def test_restored_database_equals_the_backup(app, member, add_movie, tmp_path, make_app, environ):
    movie_id, twin_id, gone_id = add_movie(title="Émile"), add_movie(imdb_id=TWIN), add_movie()
    service.rate_movie(member.id, movie_id, 17, None)
    merging.merge_movies(twin_id, movie_id)
    service.delete_movie(gone_id, None, with_ratings=False)
    backups.create_backup(database.get_sqlite_file(), tmp_path / "backup")
    rows = dump(database.get_sqlite_file())
    empty = create_app(environ(tmp_path / "empty"), prepared=False)
    with empty.app_context():
        restored = backups.restore_backup(tmp_path / "backup")
        assert restored == (None, None, [])
        assert dump(database.get_sqlite_file()) == rows == dump(tmp_path / "backup")
        assert movies.get_movie_by_imdb_id(TWIN).id == movies.find_survivor(twin_id) == movie_id
        assert startup.get_unready_reason() is None
        database.close()


def test_older_backup_is_migrated(older, instance, environ, started):
    app = create_app(environ(instance), prepared=False)
    with app.app_context():
        restored = backups.restore_backup(older)
    assert restored.upgraded_from == OLDER
    assert restored.old_database.is_file()
    assert any("'older'" in row for row in started(instance))
    assert [file.name for file in instance.glob("*upgrade*")] == []


def test_restore_killed_at_any_change_is_complete_or_changes_nothing(
    instance, older, environ, started, tmp_path
):
    file = instance / "movierating.sqlite3"
    # As a killed service leaves it: the last commits are only in the log.
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        with connection:
            connection.execute("INSERT INTO data_migration VALUES ('logged', 1)")
        folders = [shutil.copytree(instance, tmp_path / "killed" / f"{number}") for number in range(80)]
    before = started(shutil.copytree(folders[-1], tmp_path / "before"))
    command = [sys.executable, "-c", KILLED, older, *folders]
    done = subprocess.run(command, env=environ(instance), capture_output=True, text=True, timeout=300)
    codes = [int(line) for line in done.stdout.splitlines() if line.lstrip("-").isdigit()]
    assert (set(codes[:-1]), codes[-1]) == ({-9}, 0), done.stderr
    assert len(codes) > 10
    results = []
    for folder in folders[: len(codes)]:
        results.append(started(folder))
        assert [each for each in folder.iterdir() if each.name.endswith((".new", ".old", "-draft"))] == []
    after = results[-1]
    assert after != before
    # A later kill never undoes the restore.
    assert results == [before] * results.count(before) + [after] * results.count(after)
