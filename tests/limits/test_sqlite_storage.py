import gc
import sqlite3
import subprocess
import sys
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask
from flask_limiter import Limiter
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter

from limits import RateLimitItemPerMinute
from movierating.limits import sqlite_storage
from movierating.limits.sqlite_storage import SCHEME, SQLiteStorage

pytestmark = pytest.mark.any_database

NOON = 1_700_000_000.0


class Clock:
    """The time of all storages, in seconds."""

    now = NOON


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "limits.sqlite3"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    fake = Clock()
    monkeypatch.setattr(sqlite_storage.time, "time", lambda: fake.now)
    return fake


@pytest.fixture
def storage(path: Path, clock: Clock) -> SQLiteStorage:
    return SQLiteStorage(path=path)


def count_rows(path: Path) -> int:
    connection = sqlite3.connect(path)
    try:
        return int(connection.execute("SELECT count(*) FROM counters").fetchone()[0])
    finally:
        connection.close()


def test_library_creates_the_storage_by_its_scheme(path: Path) -> None:
    storage = storage_from_string(f"{SCHEME}://", path=path)
    assert isinstance(storage, SQLiteStorage)
    storage.incr("login/1", 60)
    assert path.is_file()


def test_hits_are_counted_by_key(storage: SQLiteStorage) -> None:
    assert [storage.incr("login/1", 60), storage.incr("login/1", 60, amount=3)] == [1, 4]
    assert (storage.get("login/1"), storage.get("login/2")) == (4, 0)


@pytest.mark.parametrize("key", ["", "\ud800", "é\0ü", "x" * 1_000_000], ids=lambda key: ascii(key[:3]))
def test_any_text_is_a_key(storage: SQLiteStorage, key: str) -> None:
    storage.incr(key, 60)
    assert storage.get(key) == 1


def test_keys_in_the_file_are_digests(storage: SQLiteStorage, path: Path) -> None:
    storage.incr("login/ada@example.org", 60)
    contents = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"counters" in contents
    assert b"ada@" not in contents


def test_window_ends_its_duration_after_its_first_hit(storage: SQLiteStorage, clock: Clock) -> None:
    storage.incr("login/1", 60)
    clock.now += 59
    assert storage.incr("login/1", 60) == 2
    assert storage.get_expiry("login/1") == NOON + 60
    clock.now += 1
    assert (storage.get("login/1"), storage.get_expiry("login/1")) == (0, clock.now)
    assert storage.incr("login/1", 60) == 1
    assert storage.get_expiry("login/1") == NOON + 120


def test_limit_rejects_until_its_window_ends(storage: SQLiteStorage, clock: Clock) -> None:
    limiter, five = FixedWindowRateLimiter(storage), RateLimitItemPerMinute(5)
    assert [limiter.hit(five, "1.2.3.4") for _ in range(7)] == [True] * 5 + [False] * 2
    assert limiter.get_window_stats(five, "1.2.3.4") == (NOON + 60, 0)
    clock.now += 60
    assert limiter.hit(five, "1.2.3.4")


def test_window_of_a_clock_that_was_ahead_is_ignored(storage: SQLiteStorage, clock: Clock) -> None:
    clock.now = NOON + 365 * 86_400
    assert storage.incr("login/1", 60, amount=5) == 5
    clock.now = NOON
    assert (storage.get("login/1"), storage.get_expiry("login/1")) == (0, NOON)
    assert storage.incr("login/1", 60) == 1
    assert storage.get_expiry("login/1") == NOON + 60


def test_window_of_a_clock_that_was_seconds_ahead_starts_again(storage: SQLiteStorage, clock: Clock) -> None:
    clock.now = NOON + 30
    storage.incr("login/1", 60, amount=5)
    clock.now = NOON
    assert storage.incr("login/1", 60) == 1


def test_hit_that_waited_while_a_later_one_began_the_window_is_counted(path: Path, clock: Clock) -> None:
    storage = SQLiteStorage(path=path)
    assert storage.incr("login/1", 60) == 1
    clock.now = NOON - sqlite_storage.BUSY_TIMEOUT_SECONDS
    assert storage.incr("login/1", 60) == 2
    clock.now = NOON
    assert storage.incr("login/1", 60) == 3


def test_windows_of_a_clock_that_was_ahead_are_purged(
    storage: SQLiteStorage, clock: Clock, path: Path
) -> None:
    clock.now = NOON + 365 * 86_400
    storage.incr("login/1", 60)
    clock.now = NOON
    storage.incr("login/2", 60)
    assert count_rows(path) == 1


def test_windows_can_be_deleted(storage: SQLiteStorage) -> None:
    for key in "abc":
        storage.incr(key, 60)
    storage.clear("a")
    assert (storage.get("a"), storage.get("b")) == (0, 1)
    assert storage.reset() == 2
    assert storage.get("b") == 0


def test_windows_that_ended_are_purged(storage: SQLiteStorage, clock: Clock, path: Path) -> None:
    for number in range(10):
        storage.incr(f"login/{number}", 60)
    assert count_rows(path) == 10
    clock.now += sqlite_storage.PURGE_INTERVAL_SECONDS
    storage.incr("login/new", 60)
    assert count_rows(path) == 1


def test_counts_survive_a_restart(path: Path) -> None:
    SQLiteStorage(path=path).incr("login/1", 3_600)
    assert SQLiteStorage(path=path).incr("login/1", 3_600) == 2


def test_no_hit_of_many_processes_is_lost(path: Path) -> None:
    program = """
import pathlib, sys
from movierating.limits import sqlite_storage
from movierating.limits.sqlite_storage import SQLiteStorage
sqlite_storage.BUSY_TIMEOUT_SECONDS = 60  # SQLite lets writers wait in no order
storage = SQLiteStorage(path=pathlib.Path(sys.argv[1]))
print(*(storage.incr("login/1", 3_600) for _ in range(200)))
"""
    command = [sys.executable, "-W", "error", "-c", program, path]
    workers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    outputs = [worker.communicate()[0] for worker in workers]
    assert sorted(int(hits) for output in outputs for hits in output.split()) == list(range(1, 601))


def test_no_hit_of_many_threads_is_lost(storage: SQLiteStorage) -> None:
    with ThreadPoolExecutor(8) as threads:
        hits = list(threads.map(lambda _: storage.incr("login/1", 60), range(400)))
    assert sorted(hits) == list(range(1, 401))


def test_file_is_closed_with_its_storage(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        SQLiteStorage(path=path).incr("login/1", 60)
        gc.collect()
    # SQLite removes its log when the last connection closes.
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def replace_with_garbage(path: Path) -> None:
    path.write_bytes(b"no database at all, but long enough to be read as one" * 100)


def replace_with_a_folder(path: Path) -> None:
    path.mkdir()


@pytest.fixture(params=[replace_with_garbage, replace_with_a_folder])
def unusable(request: pytest.FixtureRequest, path: Path) -> Path:
    request.param(path)
    return path


def test_unusable_file_raises_storage_error(unusable: Path) -> None:
    storage = SQLiteStorage(path=unusable)
    assert not storage.check()
    with pytest.raises(storage.base_exceptions):
        storage.incr("login/1", 60)


def test_repaired_file_is_used_again(storage: SQLiteStorage, path: Path) -> None:
    replace_with_garbage(path)
    assert not storage.check()
    path.unlink()
    assert storage.check()
    assert storage.incr("login/1", 60) == 1


@pytest.fixture
def locked(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(sqlite_storage, "BUSY_TIMEOUT_SECONDS", 0.01)
    other = sqlite3.connect(path)
    other.execute("BEGIN EXCLUSIVE")
    yield path
    other.close()


def test_locked_file_raises_storage_error(locked: Path) -> None:
    storage = SQLiteStorage(path=locked)
    assert not storage.check()
    with pytest.raises(sqlite3.OperationalError):
        storage.incr("login/1", 60)


def test_the_service_limits_in_memory_while_the_file_is_unusable(unusable: Path) -> None:
    app = Flask(__name__)
    app.config.update(
        RATELIMIT_STORAGE_URI=f"{SCHEME}://",
        RATELIMIT_STORAGE_OPTIONS={"path": unusable},
        RATELIMIT_IN_MEMORY_FALLBACK_ENABLED=True,
    )
    limiter = Limiter(lambda: "ada", app=app)
    app.add_url_rule("/", "index", limiter.limit("2/minute")(lambda: "fine"))
    client = app.test_client()
    assert [client.get("/").status_code for _ in range(3)] == [200, 200, 429]
