"""What our writers commit is told from what other programs do, in every process of an instance."""

import threading
import urllib.request

import pytest
from sqlalchemy import text

from movierating import foreign_commits
from movierating.storage import database
from movierating.storage.cache_versions import MOVIE
from movierating.storage.database import db, write

pytestmark = pytest.mark.sqlite

CHANGE = text("UPDATE milestone SET reached_at = reached_at + 1")


@pytest.fixture
def unaccounted(app):
    """How many commits moved no version."""
    write(lambda connection: connection.execute(CHANGE))
    return lambda: database._door(db.engine).writer.turns.unaccounted(db.engine)


def test_what_we_write_is_accounted_for(unaccounted):
    before = unaccounted()
    for _ in range(3):
        write(lambda connection: connection.execute(CHANGE), [])
    write(lambda connection: connection.execute(text("SELECT 1")), [])
    with pytest.raises(ZeroDivisionError):
        write(lambda connection: (connection.execute(CHANGE), 1 / 0), [])
    assert unaccounted() == before


def test_changes_of_the_schema_are_accounted_for(unaccounted):
    before = unaccounted()
    write(lambda connection: connection.execute(text("CREATE TABLE more (id INTEGER)")), [])
    assert unaccounted() == before


def test_while_one_of_us_writes_it_is_known_what_others_wrote_before(unaccounted):
    before = unaccounted()
    assert write(lambda _: unaccounted()) == before


@pytest.mark.parametrize(
    "own", [CHANGE, text("UPDATE milestone SET reached_at = reached_at")], ids=["a change", "no change"]
)
def test_what_another_program_commits_right_behind_us_is_not_taken_for_ours(
    unaccounted, outside, tmp_path, monkeypatch, own
):
    opening, none = unaccounted()
    end = foreign_commits.Account.end

    def end_behind_another(account):
        with outside(tmp_path / "instance") as connection:
            connection.execute(CHANGE)
        # Nobody can tell whose commit it was that came last.
        assert unaccounted() is None
        end(account)

    monkeypatch.setattr(foreign_commits.Account, "end", end_behind_another)
    write(lambda connection: connection.execute(own), [])
    assert unaccounted() > (opening, none)


def test_what_another_program_writes_is_not_until_one_of_us_writes(unaccounted, outside, tmp_path):
    opening, none = unaccounted()
    movie = database.version(db.engine, (MOVIE, 1))
    for _ in range(2):
        with outside(tmp_path / "instance") as connection:
            connection.execute(CHANGE)
    assert unaccounted() == (opening, none + 2)
    write(lambda connection: connection.execute(CHANGE), [])
    assert unaccounted() == (opening, none)
    assert database.version(db.engine, (MOVIE, 1)) != movie


def test_what_our_other_processes_write_is_accounted_for(app, serve, member, add_movie, tmp_path):
    movie = add_movie()
    turns = database._door(db.engine).writer.turns
    service = serve(tmp_path / "instance")
    # Its start may have left something.
    member.put(f"/v1/movies/{movie}/rating", json={"value": 7})
    before = turns.unaccounted(db.engine)
    for value in (b"5", b"6"):
        rate = urllib.request.Request(
            f"{service.url}/v1/movies/{movie}/rating",
            b'{"value": %s}' % value,
            {**member.headers, "Content-Type": "application/json"},
            method="PUT",
        )
        with urllib.request.urlopen(rate, timeout=10):
            pass
    assert turns.unaccounted(db.engine) == before


def test_the_index_of_the_log_stays_open_while_a_thread_reads(app, unaccounted):
    unaccounted()
    turns, reads, ended = database._door(db.engine).writer.turns, threading.Event(), threading.Event()

    def read():
        with app.app_context():
            database.read()
            reads.set()
            ended.wait(10)

    thread = threading.Thread(target=read)
    thread.start()
    reads.wait(10)
    for _ in range(2):
        database.close()
    assert turns._index is not None
    ended.set()
    thread.join()


def test_the_index_of_the_log_is_closed_where_no_other_thread_ever_read(app, unaccounted):
    unaccounted()
    database.close()
    assert database._door(db.engine).writer.turns._indexes == []


def test_a_database_behind_a_link_is_watched_as_well(unaccounted, tmp_path):
    file = tmp_path / "instance" / "movierating.sqlite3"
    database.close()
    file.rename(tmp_path / "elsewhere.sqlite3")
    file.symlink_to(tmp_path / "elsewhere.sqlite3")
    database.read()
    write(lambda connection: connection.execute(CHANGE))
    assert unaccounted()[1] == 0
