"""What was read is known again by its rows, to the type, and only where all of it can be read again."""

import gc
import threading
from decimal import Decimal

import pytest
from sqlalchemy import bindparam, insert, select, text

from movierating import revalidation
from movierating.movies.models import Milestone
from movierating.storage.database import read, write
from movierating.storage.statements import Prepared

_milestone = Milestone.__table__.c
BY_NAME = Prepared(select(_milestone.reached_at).where(_milestone.name == bindparam("name")))


class Giving:
    """A statement that gives these rows, whatever the parameters."""

    def __init__(self, *rows):
        self.rows = list(rows)

    def fetch(self, _connection, _parameters):
        return self.rows


@pytest.fixture
def statement():
    """One whose rows are to be changed."""
    return Giving((1, "Emma", None))


@pytest.fixture
def reads(statement):
    """That it was run."""
    found = revalidation.Reads()
    found.note(statement, [], statement.rows)
    return found


def test_the_same_rows_are_the_same(app, reads):
    assert reads.give_the_same(read())


@pytest.mark.parametrize(
    "now",
    [
        [],
        [(1, "Emma", None), (1, "Emma", None)],
        [(1, "Emma")],
        [(1.0, "Emma", None)],
        [(True, "Emma", None)],
        [("1", "Emma", None)],
        [(1, "Emma", 0)],
        [(1, "Emma", "")],
        [(1, "emma", None)],
    ],
)
def test_other_rows_are_others(app, reads, statement, now):
    statement.rows = now
    assert not reads.give_the_same(read())


def test_rows_are_told_apart_though_python_hashes_them_alike(app):
    reads, statement = revalidation.Reads(), Giving((-1,))
    reads.note(statement, [], [(-2,)])
    assert not reads.give_the_same(read())


def test_of_a_statement_that_is_gone_nothing_is_known(app, reads):
    reads.note(Giving((1,)), [], [(1,)])
    gc.collect()
    assert not reads.give_the_same(read())


def test_of_nothing_nothing_is_known(app):
    assert not revalidation.Reads().give_the_same(read())


def test_what_is_no_plain_value_is_not_known_again(app, reads):
    price = Giving((Decimal(1),))
    reads.note(price, [], price.rows)
    assert not reads.give_the_same(read())


def test_long_parameters_take_room(app, statement, reads):
    before = reads.bytes
    reads.note(statement, ["x" * 10_000], statement.rows)
    assert reads.bytes > before + 10_000


@pytest.fixture
def add(app):
    """Put a milestone there."""
    return lambda name: write(
        lambda connection: connection.execute(insert(Milestone).values(name=name, reached_at=7))
    )


def test_a_prepared_statement_is_noted_with_its_values(add):
    with revalidation.recording() as reads:
        BY_NAME.first(read(), name="first")
    BY_NAME.first(read(), name="second")
    add("second")
    assert reads.give_the_same(read())
    add("first")
    assert not reads.give_the_same(read())


def test_what_went_another_way_is_not_taken_for_the_same(app):
    with revalidation.recording() as reads:
        BY_NAME.first(read(), name="first")
        read().execute(text("SELECT 1"))
    assert not reads.give_the_same(read())


def test_each_thread_notes_its_own(app):
    with revalidation.recording():
        seen = []
        thread = threading.Thread(target=lambda: seen.append(revalidation.current()))
        thread.start()
        thread.join()
        assert seen == [None]
    assert revalidation.current() is None
