"""SQLite's own count of commits, whoever made them."""

import sqlite3
import sys
from contextlib import closing

import pytest

from movierating.wal_index import WalIndex

pytestmark = pytest.mark.sqlite


@pytest.fixture
def connect(tmp_path):
    """Open the same database once more."""
    opened = []

    def connect():
        opened.append(sqlite3.connect(tmp_path / "data.sqlite3", isolation_level=None))
        opened[-1].execute("PRAGMA journal_mode = WAL")
        return opened[-1]

    connect().execute("CREATE TABLE number (value INTEGER)")
    yield connect
    for connection in opened:
        connection.close()


@pytest.fixture
def index(connect, tmp_path):
    """The count of its commits."""
    return WalIndex(tmp_path / "data.sqlite3")


WRITE = "INSERT INTO number VALUES (1)"


def test_each_commit_counts_whichever_connection_makes_it(connect, index):
    before = index.commits()
    connect().execute(WRITE)
    connect().execute(WRITE)
    connect().executescript(f"BEGIN; {WRITE}; {WRITE}; COMMIT")
    assert index.commits() == before + 3


@pytest.mark.parametrize(
    "script",
    ["SELECT * FROM number", "BEGIN IMMEDIATE; COMMIT", f"BEGIN; {WRITE}; ROLLBACK", "PRAGMA wal_checkpoint"],
)
def test_what_commits_nothing_does_not_count(connect, index, script):
    before = index.commits()
    connect().executescript(script)
    assert index.commits() == before


def test_what_a_savepoint_undid_counts_as_it_is_committed(connect, index):
    before, connection = index.commits(), connect()
    connection.executescript(f"BEGIN; SAVEPOINT job; {WRITE}; ROLLBACK TO job; RELEASE job; COMMIT")
    assert (index.commits(), connection.total_changes) == (before + 1, 1)


@pytest.mark.parametrize(
    "content",
    [b"", bytes(95), bytes(48) + bytes(47) + b"\1"],
    ids=["empty", "short", "being written"],
)
def test_what_does_not_hold_still_is_no_count(tmp_path, content):
    WalIndex.file_of(tmp_path / "data.sqlite3").write_bytes(content)
    with closing(WalIndex(tmp_path / "data.sqlite3")) as index, pytest.raises(OSError):  # noqa: PT011
        index.commits()


def test_of_a_database_that_nobody_has_open_there_is_none(tmp_path):
    with pytest.raises(FileNotFoundError):
        WalIndex(tmp_path / "data.sqlite3")


def test_a_count_that_starts_over_is_told_from_the_one_before(tmp_path):
    file, seen = tmp_path / "data.sqlite3", []
    WalIndex.file_of(file).touch()
    with closing(WalIndex(file)) as index:
        for commits in (5, 6, 2, 6):
            header = bytes(8) + commits.to_bytes(4, sys.byteorder) + bytes(36)
            WalIndex.file_of(file).write_bytes(header * 2)
            seen.append((index.commits(), index.opening))
    assert [commits for commits, _ in seen] == [5, 6, 2, 6]
    assert seen[0][1] == seen[1][1] != seen[2][1] == seen[3][1]
