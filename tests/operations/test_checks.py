"""`movierating check`: it finds damage, and repairs what can be derived again."""

import pytest
from sqlalchemy import text

from movierating.errors import Unavailable
from movierating.operations import checks
from movierating.storage import database
from movierating.storage.database import read
from operations.damage import change, change_without_foreign_keys


@pytest.fixture
def rated(member, add_movie):
    """A movie that a member rated 8: its id."""
    movie_id = add_movie()
    assert member.put(f"/v1/movies/{movie_id}/rating", json={"value": 8}).status_code == 201
    return movie_id


def test_intact_database_has_no_problems(rated):
    assert checks.run_checks(repair=False) == ([], [])
    assert checks.run_checks(repair=True) == ([], [])


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
def test_wrong_aggregates_are_found_and_repaired(rated, client, statement, names):
    change(statement)
    problems, _ = checks.run_checks(repair=False)
    assert problems == [f"aggregates: {name} does not equal its ratings" for name in names]
    left, repaired = checks.run_checks(repair=True)
    assert left == []
    assert repaired == [f"{line}, repaired" for line in problems]
    assert checks.run_checks(repair=False) == ([], [])
    shown = client.get(f"/v1/movies/{rated}").json["ratings"]
    values = read().execute(text("SELECT value FROM rating")).scalars().all()
    assert (shown["count"], sum(shown["histogram"])) == (len(values), len(values))
    assert shown["mean"] == (values[0] / 2 if values else None)


def test_repair_changes_the_etag_of_a_movie(rated, client):
    change("UPDATE movie SET rating_sum = 40")
    tag = client.get(f"/v1/movies/{rated}").headers["ETag"]
    checks.run_checks(repair=True)
    assert client.get(f"/v1/movies/{rated}", headers={"If-None-Match": tag}).status_code == 200


def test_each_kind_has_a_bounded_number_of_lines(add_movie):
    for _ in range(checks.MAX_LINES_PER_KIND + 5):
        add_movie()
    change("DELETE FROM movie_facet")
    problems, _ = checks.run_checks(repair=False)
    assert (len(problems), problems[0], problems[-1]) == (
        21,
        "facets: movie 1 is missing",
        "facets: and 5 more",
    )
    assert checks.run_checks(repair=True) == ([], [f"{line}, repaired" for line in problems])


@pytest.mark.sqlite
@pytest.mark.parametrize("repair", [False, True])
def test_rating_of_a_missing_movie_is_reported_also_after_a_repair(rated, repair):
    change_without_foreign_keys("INSERT INTO rating VALUES (1, 999, 5, 0, 0, 0)")
    problems, _ = checks.run_checks(repair)
    assert "database: a row of rating has no movie" in problems


@pytest.mark.parametrize(
    ("revision", "advice"),
    [("0001", "a start migrates it"), ("9999", "install the version that migrated it")],
)
def test_missing_migration_is_reported(rated, revision, advice):
    change(f"UPDATE alembic_version SET version_num = '{revision}'")
    (line,), repaired = checks.run_checks(repair=True)
    assert line.startswith(f"migrations: the database is at {revision}, this version needs ")
    assert line.endswith(f"; {advice}")
    assert repaired == []


@pytest.mark.postgresql
def test_sequence_behind_its_last_id_is_repaired(add_movie):
    add_movie(), add_movie()
    change("SELECT setval('movie_id_seq', 1)")
    line = "sequences: the sequence of movie is behind its last id 2"
    assert checks.run_checks(repair=False) == ([line], [])
    assert checks.run_checks(repair=True) == ([], [f"{line}, repaired"])
    assert add_movie() == 3


@pytest.mark.sqlite
def test_damaged_file_is_reported(app, tmp_path):
    database.close()
    file = tmp_path / "instance" / "movierating.sqlite3"
    whole = file.read_bytes()
    file.write_bytes(whole[:8192] + b"\xff" * (len(whole) - 8192))
    problems, _ = checks.run_checks(repair=False)
    assert problems
    assert all(line.startswith("database: ") for line in problems)


@pytest.mark.sqlite
def test_contents_of_a_damaged_file_are_not_repaired(rated, tmp_path):
    change("UPDATE movie SET rating_sum = 40")
    database.close()
    with (tmp_path / "instance" / "movierating.sqlite3").open("r+b") as file:
        file.seek(36)  # how many pages are free
        file.write(bytes([0, 0, 0, 7]))
    problems, repaired = checks.run_checks(repair=True)
    assert ("freelist" in problems[0].lower(), repaired) == (True, [])
    assert read().exec_driver_sql("SELECT rating_sum FROM movie").scalar_one() == 40


@pytest.mark.parametrize("repair", [False, True])
def test_locked_database_is_not_reported_as_damaged(app, add_movie, monkeypatch, repair):
    add_movie()

    def busy(*_):
        raise Unavailable("busy") from OSError("database is locked")

    monkeypatch.setattr(checks.text_index, "verify", busy)
    problems, repaired = checks.run_checks(repair=repair)
    assert "search index: can't be checked (database is locked)" in problems
    assert not any("inconsistent" in line for line in [*problems, *repaired])
