"""The commands for an instance as a whole; `serve` is tested with the server."""

import json
from pathlib import Path

import flask.cli
import pytest
from click.testing import CliRunner
from sqlalchemy import text

from movierating import create_app
from movierating.cli.main import main
from movierating.movies import seed
from movierating.movies.movie_csv import COLUMNS
from movierating.storage.database import read, write


def write_csv(tmp_path, *titles):
    file = tmp_path / "movies.csv"
    lines = [",".join(COLUMNS), *(f"{title},,2001,,Drama,,,,,,,," for title in titles)]
    file.write_text("\n".join(lines) + "\n")
    return str(file)


def test_seed_adds_movies_of_a_file_once(command, tmp_path):
    file = write_csv(tmp_path, "One", "Two", "\x01")
    first, second = command("seed", "--file", file), command("seed", "--file", file)
    assert (first.exit_code, first.stdout) == (0, "2 movies added, 0 already present, 1 rejected\n")
    assert first.stderr.startswith("movies.csv: line 4: title: ")
    assert (second.exit_code, second.stdout) == (0, "0 movies added, 2 already present, 1 rejected\n")


def test_seed_adds_missing_bundled_movies(invoke, select_value, monkeypatch, tmp_path):
    file = write_csv(tmp_path, "One", "Two", "Three")
    monkeypatch.setattr(seed, "get_bundled_csv", lambda: Path(file))
    assert invoke("seed").output == "3 movies added, 0 already present, 0 rejected\n"
    assert select_value(text("SELECT count(*) FROM movie")) == 3
    assert invoke("seed").output == "0 movies added, 3 already present, 0 rejected\n"


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b"\xff\n", b""], ids=["columns", "not text", "empty"])
def test_seed_rejects_another_file(invoke, tmp_path, content, assert_error):
    (tmp_path / "x.csv").write_bytes(content)
    assert_error(invoke("seed", "--file", str(tmp_path / "x.csv")), r"x\.csv: .+")


def test_check_finds_no_problems_in_a_new_instance(command):
    done = command("check")
    assert (done.exit_code, done.output) == (0, "No problems found.\n")


def test_check_reports_and_repairs_an_aggregate(command, ada, select_value):
    write(lambda connection: connection.execute(text('UPDATE "user" SET rating_count = 3')))
    done = command("check")
    assert (done.exit_code, done.output) == (1, "aggregates: user 1 does not equal its ratings\n")
    done = command("check", "--repair")
    assert (done.exit_code, done.output) == (0, "aggregates: user 1 does not equal its ratings, repaired\n")
    assert command("check").output == "No problems found.\n"


@pytest.mark.sqlite
def test_check_fails_if_problems_remain_after_a_repair(invoke, select_value):
    connection = read()
    connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
    connection.exec_driver_sql("INSERT INTO rating VALUES (7, 9, 5, 0, 0, 0)")
    done = invoke("check", "--repair")
    assert done.exit_code == 1
    assert "database: a row of rating has no user\n" in done.output


@pytest.mark.parametrize(
    "arguments",
    [
        ("check",),
        ("openapi",),
        ("user", "list"),
        ("user", "promote", "ada"),
        ("export", "ratings", "--user", "ada"),
        ("backup", "file"),
        ("migrate-database", "postgresql+psycopg://host/films"),
        ("db", "upgrade"),
    ],
    ids=" ".join,
)
def test_command_without_instance_says_so_and_creates_nothing(tmp_path, command_in, assert_error, arguments):
    done = command_in(tmp_path / "new", *arguments)
    assert_error(done, f"There is no instance in {tmp_path / 'new'}: .+ does not exist. Create one with .+")
    assert not (tmp_path / "new").exists()


def test_flask_lists_the_commands_without_an_instance(tmp_path, environ):
    done = CliRunner(env=environ(tmp_path / "new")).invoke(flask.cli.cli, ["--app", "movierating", "--help"])
    assert "migrate-database" in done.stdout
    assert not (tmp_path / "new").exists()


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("lose", "state"), [(Path.unlink, "does not exist"), (lambda file: file.write_bytes(b""), "is empty")]
)
def test_check_reports_a_lost_database_and_how_to_restore_it(instance, environ, lose, state):
    create_app(environ(instance))
    file = instance / "movierating.sqlite3"
    lose(file)
    done = CliRunner(env=environ(instance)).invoke(main, ["check"])
    assert (done.exit_code, done.output) == (
        1,
        f"database: {file} {state}; restore a backup with `movierating restore FILE`\n",
    )


def test_check_reports_an_invalid_setting(instance, environ, assert_error):
    done = CliRunner(env=environ(instance, LOG_LEVEL="LOUD")).invoke(main, ["check"])
    assert_error(done, "MOVIERATING_LOG_LEVEL: must be one of .+, not 'LOUD'")


def test_openapi_prints_the_document(command):
    done = command("openapi")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["openapi"].startswith("3.1")
