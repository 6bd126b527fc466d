"""Copies of a database: complete, private, in one file, and verified."""

import shutil
import sqlite3
import stat
from contextlib import closing

import pytest

from movierating.movies.seed import WELL_KNOWN_MIGRATION, get_catalogue_migration
from movierating.operations import sqlite_backup
from movierating.operations.backup_files import BackupError

pytestmark = pytest.mark.sqlite

# The data migrations of an instance of the fixtures.
SEEDED = {WELL_KNOWN_MIGRATION, get_catalogue_migration()}


@pytest.fixture
def used(instance):
    """The database of an instance, in use, with a commit that is only in the log."""
    file = instance / "movierating.sqlite3"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        with connection:
            connection.execute("INSERT INTO data_migration VALUES ('logged', 1)")
        assert file.with_name(f"{file.name}-wal").stat().st_size
        yield file


def read_data_migrations(file):
    with closing(sqlite3.connect(file)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM data_migration")}


def names(folder):
    return sorted(file.name for file in folder.iterdir())


def damage(file):
    """Overwrite a page in the middle."""
    content = bytearray(file.read_bytes())
    middle = len(content) // 8192 * 4096
    content[middle : middle + 4096] = b"\xff" * 4096
    file.write_bytes(content)


def test_copy_of_a_database_in_use_is_one_complete_private_file(used, tmp_path):
    folder = tmp_path / "backups"
    folder.mkdir()
    assert sqlite_backup.copy_database(used, folder / "copy") == []
    assert names(folder) == ["copy"]
    assert read_data_migrations(folder / "copy") == {*SEEDED, "logged"}
    assert stat.S_IMODE((folder / "copy").stat().st_mode) == 0o600
    assert sqlite_backup.is_backup(folder / "copy")
    assert not sqlite_backup.is_backup(used)


def test_failed_copy_leaves_the_older_one(instance, tmp_path):
    folder = tmp_path / "backups"
    folder.mkdir()
    file = instance / "movierating.sqlite3"
    sqlite_backup.copy_database(file, folder / "copy")
    before = (folder / "copy").read_bytes()
    damage(file)
    with pytest.raises(BackupError, match=r"movierating\.sqlite3 is damaged \(.+\)") as error:
        sqlite_backup.copy_database(file, folder / "copy")
    assert "\n" not in error.value.message
    assert names(folder) == ["copy"]
    assert (folder / "copy").read_bytes() == before


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM movie_search_config",
        "INSERT INTO movie_search_content(id, c0) VALUES (9, 'zorro')",
        "DROP TABLE movie_search_content",
    ],
)
def test_a_damaged_search_index_does_not_stop_a_backup(instance, tmp_path, statement):
    file = instance / "movierating.sqlite3"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(statement)
    assert sqlite_backup.copy_database(file, tmp_path / "copy") == []
    damage(file)
    with pytest.raises(BackupError, match="is damaged"):
        sqlite_backup.copy_database(file, tmp_path / "copy")


def test_files_of_a_killed_copy_are_replaced(used, tmp_path):
    for suffix in ("", "-journal", "-wal"):
        (tmp_path / f".copy.part{suffix}").write_bytes(b"half" * 1000)
    sqlite_backup.copy_database(used, tmp_path / "copy")
    assert [name for name in names(tmp_path) if "copy" in name] == ["copy"]


def test_orphans_are_reported_and_copied(instance, tmp_path):
    file = instance / "movierating.sqlite3"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("INSERT INTO rating VALUES (1, 999, 5, 0, 0, 0), (1, 998, 5, 0, 0, 0)")
    assert sqlite_backup.copy_database(file, tmp_path / "copy") == [
        "a row of rating has no movie",
        "a row of rating has no user",
    ]
    assert sqlite_backup.is_backup(tmp_path / "copy")


def test_log_beside_a_file_is_copied(used, tmp_path):
    for suffix in ("", "-wal"):
        shutil.copy(used.with_name(used.name + suffix), tmp_path / f"taken{suffix}")
    sqlite_backup.copy_database(tmp_path / "taken", tmp_path / "copy")
    assert "logged" in read_data_migrations(tmp_path / "copy")


def test_database_in_a_read_only_folder_is_copied(instance, tmp_path, monkeypatch):
    file = tmp_path / "read-only" / "file"
    file.parent.mkdir()
    shutil.copy(instance / "movierating.sqlite3", file)
    monkeypatch.setattr("os.access", lambda *_: False)
    sqlite_backup.copy_database(file, tmp_path / "copy")
    assert names(file.parent) == ["file"]
    assert read_data_migrations(tmp_path / "copy") == SEEDED


def test_backup_fails_if_a_database_on_a_read_only_disk_comes_into_use(instance, tmp_path, monkeypatch):
    file, write_copy = instance / "movierating.sqlite3", sqlite_backup.write_copy
    monkeypatch.setattr("movierating.storage.storage_errors.is_read_only", lambda _: True)
    sqlite_backup.copy_database(file, tmp_path / "copy")

    def write_copy_and_start_service(*arguments):
        write_copy(*arguments)
        file.with_name(f"{file.name}-wal").touch()

    monkeypatch.setattr(sqlite_backup, "write_copy", write_copy_and_start_service)
    with pytest.raises(BackupError, match="has come into use; try again"):
        sqlite_backup.copy_database(file, tmp_path / "other")
    assert names(tmp_path) == ["copy", "instance"]
