"""Pages of the database overwritten: nothing is answered with a 500, `check` names it, and no start goes over it."""

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


def pages_of(file, table):
    """The pages of a table or index, but for its root, from 0."""
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
    """Returns what was there."""
    before = {}
    with file.open("r+b") as opened:
        for page in pages:
            opened.seek(page * PAGE)
            before[page] = opened.read(PAGE)
            opened.seek(page * PAGE)
            opened.write(b"\xa5" * PAGE)
    return before


def put_back(file, before):
    with file.open("r+b") as opened:
        for page, content in before.items():
            opened.seek(page * PAGE)
            opened.write(content)


def test_a_page_that_is_overwritten_and_put_back(stopped, serve, client_of, unsound):
    folder, ids = stopped
    file = folder / "movierating.sqlite3"
    service = serve(folder)
    ada = client_of(service, "ada")
    before = overwrite(file, pages_of(file, "movie"))
    seen = {movie_id: ada.send("GET", f"/v1/movies/{movie_id}") for movie_id in ids}
    assert {answer.status for answer in seen.values()} == {200, 503}
    refused = next(movie_id for movie_id, answer in seen.items() if answer.status == 503)
    for _ in range(3):
        answer = ada.rate(refused, 7)
        assert answer.status == 503
        assert answer.body["detail"] == "The database does not answer; try again shortly."
        assert ada.send("GET", "/v1/users/me").status == 200
        assert ada.send("GET", "/healthz").status == 200
    put_back(file, before)
    assert ada.rate(refused, 7).status == 201
    assert {ada.send("GET", f"/v1/movies/{movie_id}").status for movie_id in ids} == {200}
    assert service.stop() == 0
    assert unsound(folder) == []


def torn(file):
    file.write_bytes(file.read_bytes()[: 10 * PAGE])


def junk(file):
    file.write_bytes(b"This is not a database. " * 400)


def movies(file):
    overwrite(file, pages_of(file, "movie"))


def schema(file):
    overwrite(file, [0])


@pytest.mark.parametrize("harm", [torn, junk, movies, schema])
def test_damage_is_named_by_check_and_refused_by_a_start(stopped, environ, unsound, harm):
    folder, _ = stopped
    file = folder / "movierating.sqlite3"
    harm(file)
    lines = unsound(folder)
    assert lines
    assert all(line.startswith("database: ") and "\n" not in line for line in lines)
    with pytest.raises(SettingError) as refused:
        create_app(environ(folder))
    assert refused.value.message.startswith(f"MOVIERATING_DATABASE_URL: {file} is damaged (")
    assert refused.value.message.endswith("); `movierating restore FILE` puts a backup in its place")
    assert "\n" not in refused.value.message


def test_damage_is_no_traceback_on_the_command_line(stopped, run):
    folder, _ = stopped
    movies(folder / "movierating.sqlite3")
    checked = run("check")
    assert (checked.returncode, checked.stderr) == (1, "")
    assert all(line.startswith("database: ") for line in checked.stdout.splitlines())
    done = run("serve")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith("Error: MOVIERATING_DATABASE_URL: ")
