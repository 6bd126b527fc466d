"""Writes of other programs and a replaced file are shown within the promised time, with another ETag."""

import gzip
import shutil
import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import text

from movierating.http import compression
from movierating.storage import database

RENAME = ["UPDATE movie SET title = 'New'", "UPDATE \"user\" SET display_name = 'New'"]

PATHS = [
    "/v1/movies",
    "/v1/movies/{movie}",
    "/v1/users/{user}/ratings",
    "/v1/users/{user}",
    "/v1/movies/{movie}/ratings",
]


@pytest.fixture
def clock(monkeypatch):
    """The time by which cached responses expire: `clock[0]`, in seconds."""
    now = [0.0]
    monkeypatch.setattr(database, "monotonic", lambda: now[0])
    return now


@pytest.fixture(params=PATHS)
def path(request, member, add_movie):
    """A path that shows a movie's title or a display name."""
    movie = add_movie(title="Old")
    member.put(f"/v1/movies/{movie}/rating", json={"value": 7})
    return request.param.format(movie=movie, user=member.id)


@pytest.fixture(params=["identity", "gzip"])
def coding(request, monkeypatch):
    """An `Accept-Encoding` header."""
    monkeypatch.setattr(compression, "MAX_UNCOMPRESSED_BYTES", 1)
    return {"Accept-Encoding": request.param}


def assert_shows_change(client, path, before, coding):
    response = client.get(path, headers={"If-None-Match": before.headers["ETag"], **coding})
    assert response.status_code == 200
    is_compressed = "Content-Encoding" in response.headers
    assert is_compressed == (coding["Accept-Encoding"] == "gzip")
    assert b"New" in (gzip.decompress(response.data) if is_compressed else response.data)
    assert response.headers["ETag"] != before.headers["ETag"]


def test_foreign_write_is_shown_within_a_minute(client, clock, path, coding, outside, tmp_path):
    before = client.get(path, headers=coding)
    with outside(tmp_path / "instance") as connection:
        for statement in RENAME:
            connection.execute(text(statement))
    clock[0] += database.MAX_STALE_SECONDS
    assert_shows_change(client, path, before, coding)


def replace_file(folder, statements):
    """Put a changed copy of the database in its place."""
    file, other = folder / "movierating.sqlite3", folder / "other"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("VACUUM INTO ?", [str(other)])
    with closing(sqlite3.connect(other)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    shutil.move(other, file)


@pytest.mark.sqlite
@pytest.mark.usefixtures("clock")
def test_replaced_file_is_shown_by_the_next_request(client, path, coding, tmp_path):
    before = client.get(path, headers=coding)
    replace_file(tmp_path / "instance", RENAME)
    assert_shows_change(client, path, before, coding)


def test_session_deleted_by_another_program_ends_within_a_minute(member, clock, outside, tmp_path):
    assert member.get("/v1/users/me").status_code == 200
    with outside(tmp_path / "instance") as connection:
        connection.execute(text("DELETE FROM session"))
    clock[0] += database.MAX_STALE_SECONDS
    assert member.get("/v1/users/me").status_code == 401


@pytest.mark.sqlite
@pytest.mark.usefixtures("clock")
def test_session_missing_from_replaced_file_ends_at_once(member, tmp_path):
    assert member.get("/v1/users/me").status_code == 200
    replace_file(tmp_path / "instance", ["DELETE FROM session"])
    assert member.get("/v1/users/me").status_code == 401
