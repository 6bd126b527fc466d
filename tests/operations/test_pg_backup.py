"""Backups of PostgreSQL."""

import io
import threading

import pytest

from movierating import create_app
from movierating.operations import pg_backup
from movierating.ratings import service as ratings
from movierating.ratings import stored_files
from movierating.storage import database

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("pg_programs")]


def test_backup_has_no_stored_file(run_command, member, tmp_path):
    stored_files.store_file(member.id, "upload", "ratings.csv", io.BytesIO(b"title"))
    assert run_command("backup", tmp_path / "films.dump")[0] == 0
    assert stored_files.find_file(member.id, "upload")
    database.close()
    assert run_command("restore", tmp_path / "films.dump")[0] == 0
    assert stored_files.find_file(member.id, "upload") is None
    assert run_command("check") == (0, "No problems found.")


def test_backup_during_writes_is_consistent(app, run_command, member, add_movie, tmp_path):
    ids, ended = [add_movie() for _ in range(5)], threading.Event()

    def write():
        with app.app_context():
            while not ended.is_set():
                for movie_id in ids:
                    ratings.rate_movie(member.id, movie_id, 7, None)
                    ratings.delete_rating(member.id, movie_id)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert run_command("backup", tmp_path / "films.dump")[0] == 0
    finally:
        ended.set()
        writer.join()
    database.close()
    assert run_command("restore", tmp_path / "films.dump")[0] == 0
    assert run_command("check") == (0, "No problems found.")


def test_backup_of_an_empty_database_is_rejected(run_command, environ, tmp_path):
    assert run_command("backup", tmp_path / "films.dump", SECRET_KEY="k" * 32) == (
        1,
        "Error: the database is empty; `movierating serve` creates its tables",
    )
    assert not (tmp_path / "films.dump").exists()


def test_arguments_of_programs_contain_no_password(environ, tmp_path):
    address = "postgresql://ada:secret@films.example:5/films?sslmode=require&password=secret"
    with create_app(environ(tmp_path / "other", DATABASE_URL=address), prepared=False).app_context():
        assert (
            pg_backup._get_address_option()
            == "--dbname=host=films.example dbname=films user=ada port=5 sslmode=require"
        )


def test_backup_replaces_only_an_older_backup(run_command, instance, tmp_path):
    letter = tmp_path / "letter.txt"
    letter.write_text("dear ada")
    assert run_command("backup", letter) == (
        1,
        f"Error: {letter} exists and is not a backup; choose another name",
    )
    assert letter.read_text() == "dear ada"
    assert (
        run_command("backup", tmp_path / "films.dump")[0]
        == run_command("backup", tmp_path / "films.dump")[0]
        == 0
    )


def test_missing_programs_are_reported_in_one_line(run_command, instance, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    expected = "Error: pg_dump is not installed; it is one of PostgreSQL's client programs"
    assert run_command("backup", tmp_path / "films.dump") == (1, expected)
    assert not (tmp_path / "films.dump").exists()


def test_service_makes_backups(instance, serve, tmp_path, eventually):
    folder = tmp_path / "backups"
    options = ("--backup-dir", str(folder), "--backup-every", "1s", "--backup-keep", "2")
    service = serve(instance, options=options)
    eventually(lambda: len(list(folder.glob("movierating-*Z.dump"))) == 2)
    assert service.stop() == 0
