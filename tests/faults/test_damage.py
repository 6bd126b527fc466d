"""Overwritten pages of the database: no response is a 500, `check` reports them, and the service does not start."""

import sqlite3
from contextlib import closing

import pytest

from movierating import create_app
from movierating.config import SettingError

pytestmark = pytest.mark.sqlite

PAGE = 4096


@pytest.fixture
def stopped(instance, populate):
    """An instance whose database is one file, without a log beside it, and its movies' ids."""
    ids = populate(instance, "ada", count=400)
    with closing(sqlite3.connect(instance / "movierating.sqlite3")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return instance, ids


def list_pages(file, table):
    """Return the numbers, from 0, of the pages of a table or index except its root."""
    with closing(sqlite3.connect(file)) as connection:
        root = "SELECT rootpage FROM sqlite_schema WHERE name = ?"
        (first,) = connection.execute(root, [table]).fetchone()
    whole = file.read_bytes()
    start = (first - 1) * PAGE
    # https://www.sqlite.org/fileformat2.html#b_tree_pages: an inner page's cells begin with the page below.
    count = int.from_bytes(whole[start + 3 : start + 5], "big")
    cells = [int.from_bytes(whole[at : at + 2], "big") for at in range(start + 12, start + 12 + 2 * count, 2)]
    return [int.from_bytes(whole[start + cell : start + cell + 4], "big") - 1 for cell in cells]


def overwrite(file, pages):
    """Overwrite pages; return their earlier content by number."""
    before = {}
    with file.open("r+b") as opened:
        for page in pages:
            opened.seek(page * PAGE)
            before[page] = opened.read(PAGE)
            opened.seek(page * PAGE)
            opened.write(b"\xa5" * PAGE)
    return before


def restore_pages(file, before):
    with file.open("r+b") as opened:
        for page, content in before.items():
            opened.seek(page * PAGE)
            opened.write(content)


def test_damaged_pages_return_503_until_they_are_restored(stopped, serve, client_of, unsound):
    folder, ids = stopped
    file = folder / "movierating.sqlite3"
    service = serve(folder)
    ada = client_of(service, "ada")
    before = overwrite(file, list_pages(file, "movie"))
    seen = {movie_id: ada.send("GET", f"/v1/movies/{movie_id}") for movie_id in ids}
    assert {response.status for response in seen.values()} == {200, 503}
    damaged_id = next(movie_id for movie_id, response in seen.items() if response.status == 503)
    for _ in range(3):
        response = ada.rate(damaged_id, 7)
        assert response.status == 503
        assert response.body["detail"] == "The database does not respond; try again shortly."
        assert ada.send("GET", "/v1/users/me").status == 200
        assert ada.send("GET", "/healthz").status == 200
    restore_pages(file, before)
    assert ada.rate(damaged_id, 7).status == 201
    assert {ada.send("GET", f"/v1/movies/{movie_id}").status for movie_id in ids} == {200}
    assert service.stop() == 0
    assert unsound(folder) == []


def truncate(file):
    file.write_bytes(file.read_bytes()[: 10 * PAGE])


def write_text(file):
    file.write_bytes(b"This is not a database. " * 400)


def movies(file):
    overwrite(file, list_pages(file, "movie"))


def overwrite_schema(file):
    overwrite(file, [0])


@pytest.mark.parametrize("damage", [truncate, write_text, movies, overwrite_schema])
def test_damage_is_reported_by_check_and_stops_the_start(stopped, environ, unsound, damage):
    folder, _ = stopped
    file = folder / "movierating.sqlite3"
    damage(file)
    lines = unsound(folder)
    assert lines
    assert all(line.startswith("database: ") and "\n" not in line for line in lines)
    with pytest.raises(SettingError) as raised:
        create_app(environ(folder))
    assert raised.value.message.startswith(f"MOVIERATING_DATABASE_URL: {file} is damaged (")
    assert raised.value.message.endswith("); restore a backup with `movierating restore FILE`")
    assert "\n" not in raised.value.message


def test_commands_report_damage_without_a_traceback(stopped, run):
    folder, _ = stopped
    movies(folder / "movierating.sqlite3")
    checked = run("check")
    assert (checked.returncode, checked.stderr) == (1, "")
    assert all(line.startswith("database: ") for line in checked.stdout.splitlines())
    done = run("serve")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith("Error: MOVIERATING_DATABASE_URL: ")
