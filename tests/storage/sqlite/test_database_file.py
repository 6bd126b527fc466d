"""The file behind the connections: what is open is told from what lies there, and no log is played into another."""

import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import insert, select

from movierating import clock
from movierating.errors import Unavailable
from movierating.movies.models import DataMigration
from movierating.storage import database
from movierating.storage.database import db, read, write
from movierating.storage.sqlite.database_file import DatabaseFile

pytestmark = pytest.mark.sqlite


@pytest.fixture
def file(app, tmp_path):
    """The database of an application that has read and written."""
    reach("first")
    reached()
    return tmp_path / "instance" / "movierating.sqlite3"


def reach(name):
    write(
        lambda connection: connection.execute(
            insert(DataMigration).values(name=name, reached_at=clock.now())
        ),
        (),
    )


def reached():
    return sorted(read().scalars(select(DataMigration.name)))


def replace(file):
    """Another file of the same rows."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("VACUUM INTO ?", [str(file.with_name("other"))])
    file.with_name("other").replace(file)


def test_what_is_open_is_read_when_it_is_gone_and_not_written(file):
    file.unlink()
    assert reached() == ["first", "seeded"]
    with pytest.raises(Unavailable):
        reach("lost")
    assert not file.exists()
    database.close()
    with pytest.raises(Unavailable):
        reach("lost")
    assert not file.exists()


def test_a_file_that_goes_while_a_transaction_is_under_way_takes_it_along(file):
    def job(connection):
        connection.execute(insert(DataMigration).values(name="lost", reached_at=0))
        file.rename(file.with_name("aside"))

    with pytest.raises(Unavailable):
        write(job)
    file.with_name("aside").rename(file)
    assert reached() == ["first", "seeded"]


def test_replaced_file_is_written_and_read_at_once(file, monkeypatch):
    replace(file)
    reach("second")
    assert reached() == ["first", "second", "seeded"]
    replace(file)
    with db.engine.connect() as pooled:
        assert len(pooled.scalars(select(DataMigration.name)).all()) == 3
    assert reached() == ["first", "second", "seeded"]


def test_a_log_is_set_aside_with_the_file_it_belongs_to_and_no_other(tmp_path):
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
    # Both are put there together, as from a copy of the folder.
    for name, target in (("three", path), ("log of three", log)):
        (tmp_path / name).write_text(name)
        (tmp_path / name).replace(target)
    file.prepare_opening({})
    assert log.read_text() == "log of three"


def test_a_file_is_opened_by_its_name_whatever_it_is(tmp_path):
    path = tmp_path / "a?b#c%41 é"
    path.touch()
    with closing(sqlite3.connect(DatabaseFile(path).get_uri(), uri=True)) as connection:
        connection.execute("CREATE TABLE here (x)")
    assert path.stat().st_size > 0
