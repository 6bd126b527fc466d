"""Movies kept as JSON: fetched once a version, shown as they are now, and no more than so many."""

import orjson
import pytest

from movierating import database
from movierating.database import read
from movierating.movies import encoded
from movierating.movies.encoded import Encoder


@pytest.fixture
def stock():
    """Movies that are there: the version and the title of each, by id."""
    return {1: (1, "Emma"), 2: (1, "Heat"), 3: (5, "Ran")}


@pytest.fixture
def fetched():
    """The ids that were fetched, a list a time."""
    return []


@pytest.fixture
def encoder(app, stock, fetched):
    def fetch(_connection, movie_ids):
        fetched.append(list(movie_ids))
        return [(each, *stock[each]) for each in movie_ids if each in stock]

    return Encoder(fetch)


def titles(encoder, *movies):
    found = encoder.encoded(read(), movies)
    return {movie_id: orjson.loads(orjson.dumps(fragment)) for movie_id, fragment in found.items()}


def test_a_version_is_fetched_once(encoder, fetched):
    assert titles(encoder, (1, 1), (3, 5)) == {1: "Emma", 3: "Ran"}
    assert titles(encoder, (3, 5), (2, 1), (1, 1)) == {3: "Ran", 2: "Heat", 1: "Emma"}
    assert fetched == [[1, 3], [2]]


def test_another_version_is_fetched_and_shown_as_it_is_by_then(encoder, stock, fetched):
    titles(encoder, (1, 1))
    stock[1] = (3, "Emma.")
    assert titles(encoder, (1, 2)) == {1: "Emma."}
    assert titles(encoder, (1, 3)) == {1: "Emma."}
    assert fetched == [[1], [1]]


def test_one_that_is_gone_is_not_shown(encoder, stock):
    del stock[2]
    assert titles(encoder, (1, 1), (2, 1)) == {1: "Emma"}


def test_what_is_kept_is_bounded(encoder, fetched, monkeypatch):
    monkeypatch.setattr(encoded, "MOST_KEPT", 1)
    for movie in ((1, 1), (2, 1), (3, 5)):
        titles(encoder, movie)
    assert titles(encoder, (3, 5)) == {3: "Ran"}
    assert fetched == [[1], [2], [3]]
    assert titles(encoder, (1, 1)) == {1: "Emma"}
    assert fetched == [[1], [2], [3], [1]]


def test_each_database_has_its_own(encoder, make_app, stock):
    titles(encoder, (1, 1))
    with make_app().app_context():
        stock[1] = (1, "Another")
        assert titles(encoder, (1, 1)) == {1: "Another"}
        database.close()
