"""The replacement of a database: nothing of the old one is lost or applied to the new one."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from movierating.operations import atomic_replace
from movierating.operations.backup_files import BackupError
from movierating.storage.cache_versions import CacheVersions

pytestmark = pytest.mark.sqlite


def make(file, name, mode="WAL", log=False):
    """Create a database with one row, which is only in its log if `log` is true."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
        connection.execute("CREATE TABLE t (name)")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with connection:
            connection.execute("INSERT INTO t VALUES (?)", (name,))
        if log:
            for suffix in ("", "-wal"):
                shutil.copy(f"{file}{suffix}", f"{file}.taken{suffix}")
    if log:
        for suffix in ("", "-wal"):
            Path(f"{file}.taken{suffix}").replace(f"{file}{suffix}")


def names_in(file):
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute("SELECT name FROM t").fetchall()


def list_visible(folder):
    """Return the names of all files that are not hidden."""
    return sorted(file.name for file in folder.iterdir() if not file.name.startswith("."))


@pytest.fixture
def database(tmp_path):
    """The path of a database, with a replacement at its staging path."""
    file = tmp_path / "data.db"
    make(atomic_replace.get_staging_path(file), "new", "DELETE")
    return file


@pytest.mark.parametrize("log", [True, False])
def test_old_database_is_kept_with_its_log(database, log):
    make(database, "old", log=log)
    old = atomic_replace.replace_database(database)
    assert list_visible(database.parent) == sorted([old.name, "data.db"])
    assert old.name.startswith("data.before-restore-")
    assert (names_in(database), names_in(old)) == ([("new",)], [("old",)])


def test_earlier_old_databases_are_kept(database):
    make(database, "first")
    old = [atomic_replace.replace_database(database)]
    for _ in range(2):
        make(atomic_replace.get_staging_path(database), "newer", "DELETE")
        old.append(atomic_replace.replace_database(database))
    assert [names_in(file) for file in old] == [[("first",)], [("new",)], [("newer",)]]
    assert len(set(old)) == 3


def test_log_of_a_missing_database_is_not_applied(database):
    make(database, "old", log=True)
    database.unlink()
    assert atomic_replace.replace_database(database) is None
    assert names_in(database) == [("new",)]
    assert any(name.endswith("-wal") for name in list_visible(database.parent))


def test_damaged_database_is_kept_unchanged(database):
    database.write_bytes(b"no database" * 100)
    old = atomic_replace.replace_database(database)
    assert names_in(database) == [("new",)]
    assert old.read_bytes() == b"no database" * 100


def test_database_in_use_is_not_replaced(database):
    make(database, "old")
    with closing(sqlite3.connect(database)) as other:
        other.execute("BEGIN")
        other.execute("SELECT * FROM t").fetchone()
        with pytest.raises(BackupError, match=r"can't be replaced \(database is locked\)"):
            atomic_replace.replace_database(database)
    atomic_replace.clean_up(database)
    assert names_in(database) == [("old",)]
    assert list_visible(database.parent) == ["data.db"]


def test_old_database_is_copied_without_hard_links(database, monkeypatch):
    def fail(*_):
        raise PermissionError

    monkeypatch.setattr("os.link", fail)
    make(database, "old", log=True)
    old = atomic_replace.replace_database(database)
    assert (names_in(database), names_in(old)) == ([("new",)], [("old",)])


@pytest.mark.parametrize("has_hard_links", [True, False])
def test_replacement_that_was_killed_leaves_the_old_database_alone(database, monkeypatch, has_hard_links):
    def fail(*_):
        raise PermissionError

    def kill(file, target, replace_file=atomic_replace.replace_file):
        if target == database:
            raise KeyboardInterrupt
        replace_file(file, target)

    if not has_hard_links:
        monkeypatch.setattr("os.link", fail)
    monkeypatch.setattr(atomic_replace, "replace_file", kill)
    make(database, "old", log=True)
    for file in database.parent.glob("*.taken*"):
        file.unlink()
    with pytest.raises(KeyboardInterrupt):
        atomic_replace.replace_database(database)
    atomic_replace.clean_up(database)
    assert list_visible(database.parent) == ["data.db"]
    assert names_in(database) == [("old",)]


def test_symbolic_link_to_the_database_is_kept(database, tmp_path):
    link = tmp_path / "folder" / "link.db"
    link.parent.mkdir()
    link.symlink_to(database)
    make(database, "old")
    old = atomic_replace.replace_database(link)
    assert link.is_symlink()
    assert (names_in(link), names_in(old)) == ([("new",)], [("old",)])


def test_replacement_changes_all_cache_versions(database):
    make(database, "old")
    versions = CacheVersions(CacheVersions.get_file(database))
    before = versions.get(("movie", 1)), versions.get(None)
    atomic_replace.replace_database(database)
    after = versions.get(("movie", 1)), versions.get(None)
    assert not {*before, None} & {*after}
