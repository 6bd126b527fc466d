"""Movies kept as JSON: fetched once a version, shown as they are now, and no more than so many."""

import orjson
import pytest

from movierating import revalidation
from movierating.movies import kept
from movierating.movies.encoded import Encoder
from movierating.storage import database
from movierating.storage.database import read

# A row of the whole movie: id, version, title.
COLUMNS = 3


@pytest.fixture
def stock():
    """The rows of movies that are there, by id."""
    return {1: (1, 1, "Emma"), 2: (2, 1, "Heat"), 3: (3, 5, "Ran")}


@pytest.fixture
def fetched():
    """The ids that were fetched, a list a time."""
    return []


@pytest.fixture
def encoder(app, stock, fetched):
    def fetch(_connection, movie_ids):
        fetched.append(list(movie_ids))
        return [stock[each] for each in movie_ids if each in stock]

    return Encoder(lambda row: row[2], COLUMNS, fetch, version=slice(1, 2))


def titles(encoder, *rows, is_first=True):
    return orjson.loads(
        orjson.dumps(encoder.encoded(read(), rows, is_first), option=orjson.OPT_NON_STR_KEYS),
    )


def test_a_version_is_fetched_once(encoder, fetched):
    assert titles(encoder, (1, 1), (3, 5)) == {"1": "Emma", "3": "Ran"}
    assert titles(encoder, (3, 5), (2, 1), (1, 1)) == {"3": "Ran", "2": "Heat", "1": "Emma"}
    assert fetched == [[1, 3], [2]]


def test_another_version_is_fetched_and_shown_as_it_is_by_then(encoder, stock, fetched):
    titles(encoder, (1, 1))
    stock[1] = (1, 3, "Emma.")
    assert titles(encoder, (1, 2)) == {"1": "Emma."}
    assert titles(encoder, (1, 3)) == {"1": "Emma."}
    assert fetched == [[1], [1]]


def test_one_that_is_gone_is_not_shown(encoder, stock):
    del stock[2]
    assert titles(encoder, (1, 1), (2, 1)) == {"1": "Emma"}


def test_a_whole_row_is_shown_and_kept_without_a_look_at_the_database(encoder, fetched):
    assert titles(encoder, (1, 2, "Emma?"), (3, 6, "Ran?")) == {"1": "Emma?", "3": "Ran?"}
    assert titles(encoder, (1, 2), (3, 6, "Run!")) == {"1": "Emma?", "3": "Ran?"}
    assert titles(encoder, (3, 7, "Run!")) == {"3": "Run!"}
    assert fetched == []


@pytest.fixture
def little(monkeypatch):
    """Room for two titles."""
    monkeypatch.setattr(kept, "_ENTRY_BYTES", 0)
    monkeypatch.setattr(kept, "MOST_BYTES", 2 * len('"Emma"'))


def test_of_what_is_fetched_the_oldest_goes(little, encoder, fetched):
    for movie in ((1, 1), (2, 1), (3, 5)):
        titles(encoder, movie)
    assert titles(encoder, (2, 1), (3, 5)) == {"2": "Heat", "3": "Ran"}
    assert fetched == [[1], [2], [3]]
    assert titles(encoder, (1, 1)) == {"1": "Emma"}
    assert fetched == [[1], [2], [3], [1]]


def test_for_whole_rows_nothing_goes_once_there_is_no_room(little, encoder, fetched):
    for movie in ((1, 1), (2, 1), (3, 5)):
        titles(encoder, movie)
    assert titles(encoder, (1, 1, "Emma")) == {"1": "Emma"}
    titles(encoder, (2, 1), (3, 5))
    assert fetched == [[1], [2], [3]]
    titles(encoder, (1, 1))
    assert fetched == [[1], [2], [3], [1]]


@pytest.mark.parametrize("is_first", [True, False])
def test_whole_rows_are_wanted_while_most_movies_of_such_pages_are_not_kept(encoder, is_first):
    assert not encoder.wants_whole_rows(read(), is_first)
    for version in range(10):
        titles(encoder, (1, version, "Emma"), is_first=is_first)
    assert encoder.wants_whole_rows(read(), is_first)
    with revalidation.recording():
        assert not encoder.wants_whole_rows(read(), is_first)
    assert not encoder.wants_whole_rows(read(), not is_first)
    for _ in range(30):
        titles(encoder, (1, 9), is_first=is_first)
    assert not encoder.wants_whole_rows(read(), is_first)


def test_each_database_has_its_own(encoder, make_app, stock):
    titles(encoder, (1, 1))
    with make_app().app_context():
        stock[1] = (1, 1, "Another")
        assert titles(encoder, (1, 1)) == {"1": "Another"}
        database.close()
