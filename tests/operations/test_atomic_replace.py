"""One database in the place of another: nothing of the old one is applied to the new one, nothing of it is lost."""

import os
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
    """A database with one row; where there is a `log`, the row is only in that."""
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


def seen(folder):
    """The names of all files that a person sees."""
    return sorted(file.name for file in folder.iterdir() if not file.name.startswith("."))


@pytest.fixture
def database(tmp_path):
    """Where a database belongs, with one staged to come there."""
    file = tmp_path / "data.db"
    make(atomic_replace.get_staging_path(file), "new", "DELETE")
    return file


@pytest.mark.parametrize("log", [True, False])
def test_the_old_one_is_kept_with_what_was_in_its_log(database, log):
    make(database, "old", log=log)
    kept = atomic_replace.replace_database(database)
    assert seen(database.parent) == sorted([kept.name, "data.db"])
    assert kept.name.startswith("data.before-restore-")
    assert (names_in(database), names_in(kept)) == ([("new",)], [("old",)])


def test_files_that_are_kept_already_stay(database):
    make(database, "first")
    kept = [atomic_replace.replace_database(database)]
    for _ in range(2):
        make(atomic_replace.get_staging_path(database), "newer", "DELETE")
        kept.append(atomic_replace.replace_database(database))
    assert [names_in(file) for file in kept] == [[("first",)], [("new",)], [("newer",)]]
    assert len(set(kept)) == 3


def test_the_log_of_a_database_that_is_gone_is_not_applied(database):
    make(database, "old", log=True)
    database.unlink()
    assert atomic_replace.replace_database(database) is None
    assert names_in(database) == [("new",)]
    assert any(name.endswith("-wal") for name in seen(database.parent))


def test_one_that_is_damaged_is_kept_as_it_is(database):
    database.write_bytes(b"no database" * 100)
    kept = atomic_replace.replace_database(database)
    assert names_in(database) == [("new",)]
    assert kept.read_bytes() == b"no database" * 100


def test_one_that_another_program_has_open_stays(database):
    make(database, "old")
    with closing(sqlite3.connect(database)) as other:
        other.execute("BEGIN")
        other.execute("SELECT * FROM t").fetchone()
        with pytest.raises(BackupError, match=r"can't be replaced \(database is locked\)"):
            atomic_replace.replace_database(database)
    atomic_replace.clean_up(database)
    assert names_in(database) == [("old",)]
    assert seen(database.parent) == ["data.db"]


def test_where_a_file_has_one_name_the_old_one_is_copied(database, monkeypatch):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr("os.link", refuse)
    make(database, "old", log=True)
    kept = atomic_replace.replace_database(database)
    assert (names_in(database), names_in(kept)) == ([("new",)], [("old",)])


def test_a_link_goes_on_pointing_to_the_database(database, tmp_path):
    link = tmp_path / "folder" / "link.db"
    link.parent.mkdir()
    link.symlink_to(database)
    make(database, "old")
    kept = atomic_replace.replace_database(link)
    assert link.is_symlink()
    assert (names_in(link), names_in(kept)) == ([("new",)], [("old",)])


def test_answers_from_the_old_one_are_good_no_more(database):
    make(database, "old")
    versions = CacheVersions(CacheVersions.get_file(database))
    before = versions.get(("movie", 1)), versions.get(None)
    atomic_replace.replace_database(database)
    after = versions.get(("movie", 1)), versions.get(None)
    assert None not in after
    assert after[0] != before[0]
    assert after[1] != before[1]


def test_what_a_kill_left_before_the_exchange_is_cleared_away(database):
    make(database, "old")
    old = database.with_name(".data.db.old")
    os.link(database, old)
    old.with_name(".data.db.old-wal").write_bytes(b"")
    atomic_replace.clean_up(database)
    assert names_in(database) == [("old",)]
    assert [
        file.name for file in database.parent.iterdir() if ".old" in file.name or ".new" in file.name
    ] == []


def test_what_a_kill_left_after_the_exchange_is_kept(database):
    make(database, "new")
    make(database.with_name(".data.db.old"), "old", "DELETE")
    atomic_replace.clean_up(database)
    (kept,) = [name for name in seen(database.parent) if name != "data.db"]
    assert names_in(database.with_name(kept)) == [("old",)]
