"""The first start: folder, key, database and movies; and settings and keys that prevent a start."""

import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select

from movierating import create_app
from movierating.config import SettingError
from movierating.movies.models import Movie, MovieFacet
from movierating.movies.movie_csv import WELL_KNOWN_PROMINENCE, get_bundled_csv, read_rows
from movierating.operations import startup
from movierating.storage import database

FLASK = ("flask", "--app", "movierating")


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def start(environ):
    """Create an application, and close its database."""
    with create_app(environ).app_context():
        database.close()


@pytest.fixture(scope="module")
def first_starts(tmp_path_factory, environ):
    """The instance folder of two concurrent first starts."""
    folder = tmp_path_factory.mktemp("first") / "instance"
    command = [
        sys.executable,
        "-c",
        "import movierating; print(movierating.create_app().config['SECRET_KEY'])",
    ]
    both = [
        subprocess.Popen(
            command, env=environ(folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    keys, errors = zip(*(process.communicate(timeout=180) for process in both), strict=True)
    assert errors == ("", "")
    assert keys[0].strip() == keys[1].strip() == (folder / "secret_key").read_text()
    return folder


@pytest.fixture(scope="session")
def count(outside):
    """`count(folder)` returns the number of movies of an instance."""

    def movies(folder):
        with outside(folder) as connection:
            return connection.scalar(select(func.count()).select_from(Movie))

    return movies


def test_two_concurrent_first_starts_load_the_well_known_movies_once(first_starts, count):
    rows = read_rows(get_bundled_csv())
    expected = [row for _, row in rows if int(row["prominence"]) >= WELL_KNOWN_PROMINENCE]
    assert count(first_starts) == len(expected) > 5000


def test_first_start_creates_files_for_the_owner_only(first_starts):
    assert mode(first_starts) == 0o700
    assert mode(first_starts / "secret_key") == 0o600
    assert {mode(file) for file in first_starts.glob("movierating*")} <= {0o600}
    assert [
        file.name for file in first_starts.iterdir() if "draft" in file.name or "writable" in file.name
    ] == []


def test_later_start_does_not_restore_deleted_movies(first_starts, copied, outside, tmp_path, environ, count):
    folder = copied(first_starts, tmp_path / "instance")
    with outside(folder) as connection:
        connection.execute(delete(MovieFacet))
        connection.execute(delete(Movie))
    start(environ(folder))
    assert count(folder) == 0


@pytest.mark.sqlite
def test_instance_folder_can_have_any_name(tmp_path, environ, empty_instance):
    folder = shutil.copytree(empty_instance, tmp_path / "a?b %41 #é")
    start(environ(folder))
    assert (folder / "movierating.sqlite3").stat().st_size == (
        empty_instance / "movierating.sqlite3"
    ).stat().st_size


@pytest.mark.sqlite
def test_relative_database_is_in_the_instance_folder(tmp_path, environ, instance):
    (instance / "movierating.sqlite3").rename(instance / "other.db")
    start(environ(instance, DATABASE_URL="sqlite:///other.db"))
    assert not (instance / "movierating.sqlite3").exists()


@pytest.mark.parametrize("program", [("movierating", "serve"), ("movierating", "check"), (*FLASK, "run")])
def test_invalid_setting_stops_the_start_with_one_line(run, program):
    done = run(program=program, SINGUP="closed")
    assert done.returncode != 0
    assert (done.stdout, done.stderr) == (
        "",
        "Error: MOVIERATING_SINGUP: there is no such setting; did you mean MOVIERATING_SIGNUP?\n",
    )


@pytest.mark.parametrize("below", ["", "/instance"])
def test_instance_folder_that_can_not_be_created_is_rejected(tmp_path, environ, below):
    (tmp_path / "file").touch()
    with pytest.raises(SettingError, match=r"INSTANCE_PATH: .* is not a writable folder"):
        create_app(environ(Path(f"{tmp_path / 'file'}{below}")))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda file: file.write_text("short"), "fewer than 32 bytes; .* remove it"),
        (lambda file: file.write_bytes(b"\xff" * 40), "is not text; .* remove it"),
        (lambda file: file.mkdir(), "can't be read or created .Is a directory.$"),
    ],
    ids=["short", "not text", "folder"],
)
def test_invalid_key_file_is_rejected(tmp_path, make, reason):
    make(tmp_path / "secret_key")
    with pytest.raises(SettingError, match=f"SECRET_KEY: .*{reason}"):
        startup.load_secret_key(tmp_path)


def test_new_key_is_on_the_disk_before_it_is_used(tmp_path, monkeypatch):
    synchronized = []

    def record(descriptor):
        synchronized.append(
            (Path(f"/proc/self/fd/{descriptor}").resolve(), (tmp_path / "secret_key").exists())
        )

    monkeypatch.setattr("os.fsync", record)
    startup.load_secret_key(tmp_path)
    assert synchronized == [(tmp_path / ".secret_key-draft", False), (tmp_path, True)]


def test_start_that_waits_too_long_for_another_ends_with_one_line(tmp_path, environ, instance, monkeypatch):
    monkeypatch.setattr(startup, "START_TIMEOUT_SECONDS", 0.1)
    message = "^Another process has been preparing the database for too long; try again when it has ended.$"
    with startup.FileLock(instance / ".startup.lock"):
        with pytest.raises(SettingError, match=message):
            create_app(environ(instance))
        (instance / "secret_key").unlink(missing_ok=True)
        with pytest.raises(SettingError, match=message):
            startup.load_secret_key(instance)


def test_key_does_not_include_a_line_end(tmp_path):
    (tmp_path / "secret_key").write_text("k" * 40 + "\n")
    assert startup.load_secret_key(tmp_path) == "k" * 40


@pytest.mark.parametrize("url", ["redis://127.0.0.1:port", "redis://127.0.0.1:6379?no_option=1"])
def test_invalid_redis_url_is_rejected(instance, environ, url):
    with pytest.raises(SettingError, match="REDIS_URL: is not a URL"):
        create_app(environ(instance, REDIS_URL=url), prepared=False)


def test_redis_needs_its_extra(instance, environ, monkeypatch):
    monkeypatch.delitem(sys.modules, "movierating.limits.redis_client", raising=False)
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(SettingError, match=r"REDIS_URL: .*extra movierating\[redis\]"):
        create_app(environ(instance, REDIS_URL="redis://127.0.0.1"), prepared=False)


@pytest.mark.sqlite
def test_only_the_owner_can_read_a_database_in_an_open_folder(tmp_path, environ):
    folder = tmp_path / "instance"
    folder.mkdir(mode=0o755)
    app = create_app(environ(folder, DATABASE_URL=f"sqlite:///{folder / 'data'}"))
    with app.app_context():
        assert {mode(file) for file in folder.glob("data*")} == {0o600}
        database.close()
