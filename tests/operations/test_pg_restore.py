"""Restore a backup of PostgreSQL."""

import os
import stat

import pytest
from flask_migrate import upgrade as upgrade_to

import postgres
from movierating import create_app
from movierating.operations import checks, pg_backup
from movierating.operations.backup_files import BackupError
from movierating.ratings import merging
from movierating.storage import database
from service_process import find_free_port

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("pg_programs")]


def titles(client):
    return [movie["title"] for movie in client.get("/v1/movies?sort=title").json["items"]]


def test_restore_replaces_the_database_by_the_backup(
    run_command, client, member, add_movie, database_url, tmp_path
):
    first, twin = add_movie(title="First"), add_movie(imdb_id="tt9999999")
    member.put(f"/v1/movies/{first}/rating", json={"value": 8})
    merging.merge_movies(twin, first)
    file = tmp_path / "films.dump"
    assert run_command("backup", file) == (0, f"backup written to {file}")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    add_movie(title="Second")
    member.delete(f"/v1/movies/{first}/rating")
    database.close()
    assert run_command("restore", file) == (0, f"restored {file} to {database_url}")
    assert titles(client) == ["First"]
    assert client.get(f"/v1/movies/{first}").json["ratings"]["count"] == 1
    assert client.get(f"/v1/movies/{twin}").headers["Location"] == f"/v1/movies/{first}"
    assert client.get("/v1/movies/by-imdb/tt9999999").json["id"] == first
    assert run_command("check") == (0, "No problems found.")


def test_restore_fails_while_a_service_runs(run_command, instance, serve, tmp_path):
    service = serve(instance)
    file = tmp_path / "films.dump"
    assert run_command("backup", file)[0] == 0
    error = (1, "Error: the database is in use; stop `serve` and other commands first")
    assert run_command("restore", file) == error
    assert service.stop() == 0


def test_older_backup_is_migrated(run_command, instance, environ, database_url, tmp_path, outside):
    older = create_app(environ(tmp_path / "older"), prepared=False)
    with older.app_context():
        upgrade_to(revision="0001")
        pg_backup.create_dump(tmp_path / "films.dump")
        database.close()
    file = tmp_path / "films.dump"
    message = f"{file} was at migration 0001 and is now at the newest\nrestored {file} to {database_url}"
    assert run_command("restore", file) == (0, message)
    assert run_command("check") == (0, "No problems found.")


def test_older_backup_that_can_not_be_migrated_changes_nothing(
    app, client, add_movie, environ, tmp_path, monkeypatch
):
    older = create_app(environ(tmp_path / "older"), prepared=False)
    with older.app_context():
        upgrade_to(revision="0001")
        pg_backup.create_dump(tmp_path / "films.dump")
        database.close()
    add_movie(title="Emma")

    def fail(*_):
        raise RuntimeError("the disk is gone")

    monkeypatch.setattr("movierating.operations.schema_revisions.upgrade_schema", fail)
    with pytest.raises(BackupError, match=r"films\.dump can't be migrated \(the disk is gone\)"):
        pg_backup.restore_dump(tmp_path / "films.dump")
    assert titles(client) == ["Emma"]
    assert checks.run_checks(repair=False) == ([], [])


def test_newer_backup_is_rejected(run_command, instance, outside, tmp_path):
    with outside(instance) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    assert run_command("backup", tmp_path / "films.dump")[0] == 0
    message = f"Error: {tmp_path}/films.dump is newer than this version of movierating"
    assert run_command("restore", tmp_path / "films.dump") == (1, message)


def test_truncated_backup_changes_nothing(run_command, client, add_movie, tmp_path):
    file = tmp_path / "films.dump"
    for number in range(300):
        add_movie(title=f"Movie {number} {os.urandom(200).hex()}")
    assert run_command("backup", file)[0] == 0
    # The list of its contents is at its beginning.
    os.truncate(file, file.stat().st_size // 2)
    before = titles(client)
    database.close()
    code, text = run_command("restore", file)
    assert (code, text.startswith("Error: pg_restore failed: "), text.count("\n")) == (1, True, 0), text
    assert titles(client) == before


def test_backup_and_restore_find_the_primary_among_several_hosts(
    run_command, instance, client, add_movie, tmp_path
):
    add_movie(title="First")
    name, port = postgres.database_of(instance).rpartition("/")[2], postgres.server().port
    hosts = f"host=127.0.0.1:{find_free_port()}&host=127.0.0.1:{port}"
    address = f"postgresql+psycopg://movierating@/{name}?{hosts}&target_session_attrs=read-write"
    file = tmp_path / "films.dump"
    assert run_command("backup", file, DATABASE_URL=address) == (0, f"backup written to {file}")
    database.close()
    shown = address.replace(f"?{hosts}", f"?{hosts.replace(':', '%3A')}")
    assert run_command("restore", file, DATABASE_URL=address) == (0, f"restored {file} to {shown}")
    assert titles(client) == ["First"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PGDMP and nothing", "pg_restore failed: "),
        (
            b"SQLite format 3\0",
            "is not a PostgreSQL backup; restore an SQLite backup into an SQLite instance, and",
        ),
        (b"", "is not a PostgreSQL backup"),
        (None, "No such file or directory: "),
    ],
)
def test_restore_rejects_other_files_and_changes_nothing(
    run_command, client, add_movie, tmp_path, content, message
):
    add_movie(title="First")
    file = tmp_path / "films.dump"
    if content is not None:
        file.write_bytes(content)
    database.close()
    code, text = run_command("restore", file)
    assert (code, message in text, text.count("\n")) == (1, True, 0), text
    assert titles(client) == ["First"]


def test_sqlite_instance_rejects_a_dump(run_command, instance, tmp_path):
    assert run_command("backup", tmp_path / "films.dump")[0] == 0
    code, text = run_command(
        "restore", tmp_path / "films.dump", DATABASE_URL=f"sqlite:///{tmp_path}/films.sqlite3"
    )
    assert (
        code,
        "is not an SQLite database; a PostgreSQL backup needs MOVIERATING_DATABASE_URL to be set" in text,
    ) == (
        1,
        True,
    )
