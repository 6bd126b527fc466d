"""Numbers that may be some seconds old: found once in a while, anew where that is wanted, and not without bound."""

import itertools

import pytest

from movierating.movies import lately
from movierating.movies.lately import Lately
from movierating.storage.database import db


@pytest.fixture
def found(app):
    """`found(key)` is how many were found before, as of lately."""
    numbers, known = itertools.count(), Lately()
    return lambda key, anew=False, engine=None: known.found(
        engine or db.engine, key, lambda: next(numbers), anew=anew
    )


def test_each_is_found_once_in_a_while(found, monkeypatch):
    assert [found("a"), found("b"), found("a"), found("a", anew=True), found("a")] == [0, 1, 0, 2, 2]
    later = lately.time.monotonic() + lately.SECONDS + 1
    monkeypatch.setattr(lately.time, "monotonic", lambda: later)
    assert [found("b"), found("b")] == [3, 3]


def test_they_are_bounded(found, monkeypatch):
    monkeypatch.setattr(lately, "MOST", 2)
    assert [found(key) for key in "abcb"] == [0, 1, 2, 3]
    assert [found(key) for key in "cb"] == [2, 3]


def test_each_database_has_its_own(found, make_app):
    found("a")
    with make_app().app_context():
        assert found("a") == 1
