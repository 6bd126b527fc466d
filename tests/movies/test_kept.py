"""Encoded movies: found by version, the oldest gone when there is no room, whole for any thread."""

import random
import threading

import orjson
import pytest

from movierating.movies import kept
from movierating.movies.kept import Kept


@pytest.fixture
def little(monkeypatch):
    """Room for three movies of ten bytes."""
    monkeypatch.setattr(kept, "_ENTRY_BYTES", 0)
    monkeypatch.setattr(kept, "MOST_BYTES", 30)
    return Kept()


def get(store, movie_id, version):
    found = store.found([(movie_id, version)], slice(1, 2)).get(movie_id)
    return None if found is None else orjson.dumps(found)


def put(store, movie_id, version, encoded):
    assert orjson.dumps(store.put(movie_id, (version,), encoded)) == encoded


def ids(store):
    return [movie_id for movie_id in range(100) if get(store, movie_id, 1)]


TEN = b'"12345678"'


def test_one_is_found_at_its_version_alone():
    store = Kept()
    put(store, 1, (1, 7), b'"one"')
    put(store, 2, (1, 7), b'"two"')
    assert (get(store, 1, (1, 7)), get(store, 2, (1, 7))) == (b'"one"', b'"two"')
    assert get(store, 1, (1, 8)) is get(store, 3, (1, 7)) is None
    put(store, 1, (1, 8), b'"new"')
    assert (get(store, 1, (1, 7)), get(store, 1, (1, 8))) == (None, b'"new"')


def test_the_oldest_go_first(little):
    for movie_id in (1, 2, 3):
        put(little, movie_id, 1, TEN)
    assert (ids(little), little.is_full) == ([1, 2, 3], False)
    put(little, 4, 1, TEN)
    assert (ids(little), little.is_full) == ([2, 3, 4], True)


def test_one_that_was_put_again_is_young_again_and_takes_its_room_once(little):
    for movie_id in (1, 2, 1, 1, 3):
        put(little, movie_id, 1, TEN)
    assert (ids(little), little.is_full) == ([1, 2, 3], False)
    put(little, 4, 1, TEN)
    assert ids(little) == [1, 3, 4]


def test_one_that_is_larger_than_all_room_is_not_kept(little):
    put(little, 1, 1, TEN)
    put(little, 2, 1, b'"%s"' % (b"x" * 29))
    assert ids(little) == []
    put(little, 3, 1, TEN)
    assert ids(little) == [3]


def test_threads_never_find_another_movies_bytes(monkeypatch):
    monkeypatch.setattr(kept, "MOST_BYTES", 10_000)
    store, wrong = Kept(), []

    def use():
        for _ in range(20_000):
            movie_id = random.randrange(60)
            found, own = get(store, movie_id, 1), b'"%03d"' % movie_id
            if found is None:
                put(store, movie_id, 1, own)
            elif found != own:
                wrong.append((movie_id, found))

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert store.is_full
