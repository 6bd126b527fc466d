"""Detection of a removed or replaced database file; a log is never applied to another file."""

import fcntl
import os
import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import insert, select

from movierating import clock
from movierating.errors import Unavailable
from movierating.movies.models import DataMigration
from movierating.movies.seed import WELL_KNOWN_MIGRATION, get_catalogue_migration
from movierating.storage import database
from movierating.storage.database import db, read, write
from movierating.storage.sqlite.database_file import DatabaseFile

pytestmark = pytest.mark.sqlite

# The data migrations of an instance of the fixtures.
SEEDED = {WELL_KNOWN_MIGRATION, get_catalogue_migration()}


@pytest.fixture
def file(app, tmp_path):
    """The database file of an application that has read and written."""
    add_row("first")
    list_rows()
    return tmp_path / "instance" / "movierating.sqlite3"


def add_row(name):
    write(
        lambda connection: connection.execute(
            insert(DataMigration).values(name=name, applied_at=clock.now())
        ),
        (),
    )


def list_rows():
    return sorted(read().scalars(select(DataMigration.name)))


def replace(file):
    """Replace the file by another one with the same rows."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("VACUUM INTO ?", [str(file.with_name("other"))])
    file.with_name("other").replace(file)


def test_removed_file_is_still_read_and_not_written(file):
    file.unlink()
    assert list_rows() == sorted(["first", *SEEDED])
    with pytest.raises(Unavailable):
        add_row("lost")
    assert not file.exists()
    database.close()
    with pytest.raises(Unavailable):
        add_row("lost")
    assert not file.exists()


def test_transaction_fails_if_the_file_is_moved_during_it(file):
    def job(connection):
        connection.execute(insert(DataMigration).values(name="lost", applied_at=0))
        file.rename(file.with_name("aside"))

    with pytest.raises(Unavailable):
        write(job)
    file.with_name("aside").rename(file)
    assert list_rows() == sorted(["first", *SEEDED])


def test_replaced_file_is_written_and_read_at_once(file, monkeypatch):
    replace(file)
    add_row("second")
    assert list_rows() == sorted(["first", "second", *SEEDED])
    replace(file)
    with db.engine.connect() as pooled:
        assert len(pooled.scalars(select(DataMigration.name)).all()) == 2 + len(SEEDED)
    assert list_rows() == sorted(["first", "second", *SEEDED])


def test_only_the_log_of_the_replaced_file_is_set_aside(tmp_path):
    path, log = tmp_path / "data", tmp_path / "data-wal"
    file = DatabaseFile(path)
    path.write_text("one")
    log.write_text("log of one")
    file.prepare_opening({})
    file.remember_log()
    (tmp_path / "two").write_text("two")
    (tmp_path / "two").replace(path)
    file.prepare_opening({})
    assert not log.exists()
    assert (tmp_path / "data-wal.replaced").read_text() == "log of one"
    log.write_text("log of two")
    file.remember_log()
    # The file and its log are replaced together, as by a copy of the folder.
    for name, target in (("three", path), ("log of three", log)):
        (tmp_path / name).write_text(name)
        (tmp_path / name).replace(target)
    file.prepare_opening({})
    assert log.read_text() == "log of three"


def test_path_with_special_characters_is_opened(tmp_path):
    path = tmp_path / "a?b#c%41 é"
    path.touch()
    with closing(sqlite3.connect(DatabaseFile(path).get_uri(), uri=True)) as connection:
        connection.execute("CREATE TABLE here (x)")
    assert path.stat().st_size > 0


def test_wait_for_the_lock_of_the_folder_ends(file):
    descriptor = os.open(file.parent, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        # The open file continues to be read.
        replace(file)
        assert "first" in list_rows()
        with pytest.raises(TimeoutError, match="is locked by another process"):
            DatabaseFile(file).prepare_opening({})
    finally:
        os.close(descriptor)
    assert "first" in list_rows()
