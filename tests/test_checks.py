"""`movierating check`: damage done by hand is found, and what can be recomputed is mended."""

import pytest
from sqlalchemy import text

from movierating import checks, database
from movierating.database import read, write


@pytest.fixture
def rated(member, add_movie):
    """A movie that a member rated 8: its id."""
    movie_id = add_movie()
    assert member.put(f"/v1/movies/{movie_id}/rating", json={"value": 8}).status_code == 201
    return movie_id


def harm(statement, **values):
    write(lambda connection: connection.execute(text(statement), values))


def test_a_sound_database_has_no_findings(rated):
    assert checks.run(repair=False) == ([], [])
    assert checks.run(repair=True) == ([], [])


@pytest.mark.parametrize(
    ("statement", "names"),
    [
        ("UPDATE movie SET rating_sum = rating_sum + 1", ["movie 1"]),
        ("UPDATE movie SET rating_count = 0", ["movie 1"]),
        ("UPDATE movie SET h16 = 0, h15 = 1", ["movie 1"]),
        ('UPDATE "user" SET rating_count = 2', ["user 1"]),
        ("DELETE FROM rating", ["movie 1", "user 1"]),
        ("UPDATE rating SET value = 1", ["movie 1", "user 1"]),
    ],
)
def test_aggregates_that_are_wrong_are_found_and_mended(rated, client, statement, names):
    harm(statement)
    wrong, _ = checks.run(repair=False)
    assert wrong == [f"aggregates: {name} does not equal its ratings" for name in names]
    left, mended = checks.run(repair=True)
    assert left == []
    assert mended == [f"{line}, repaired" for line in wrong]
    assert checks.run(repair=False) == ([], [])
    shown = client.get(f"/v1/movies/{rated}").json["ratings"]
    values = read().execute(text("SELECT value FROM rating")).scalars().all()
    assert (shown["count"], sum(shown["histogram"])) == (len(values), len(values))
    assert shown["mean"] == (values[0] / 2 if values else None)


def test_a_repair_moves_the_movies_tag(rated, client):
    tag = client.get(f"/v1/movies/{rated}").headers["ETag"]
    harm("UPDATE movie SET rating_sum = 40")
    checks.run(repair=True)
    assert client.get(f"/v1/movies/{rated}", headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize("repair", [False, True])
def test_a_rating_of_nothing_is_found_and_not_hidden_by_a_repair(rated, repair):
    connection = read()
    connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
    connection.exec_driver_sql("INSERT INTO rating VALUES (1, 999, 5, 0, 0, 0)")
    wrong, _ = checks.run(repair)
    assert "database: a row of rating has no movie" in wrong


def test_a_database_that_is_behind_is_found(rated):
    harm("UPDATE alembic_version SET version_num = '0000'")
    (line,), repaired = checks.run(repair=True)
    assert line.startswith("migrations: the database is at 0000, this version needs ")
    assert repaired == []


def test_a_torn_file_is_found(app, tmp_path):
    database.close()
    file = tmp_path / "instance" / "movierating.sqlite3"
    whole = file.read_bytes()
    file.write_bytes(whole[:8192] + b"\xff" * (len(whole) - 8192))
    wrong, _ = checks.run(repair=False)
    assert wrong
    assert all(line.startswith("database: ") for line in wrong)
