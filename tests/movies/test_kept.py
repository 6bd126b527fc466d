"""Encoded movies in pieces of memory: found by version, the oldest gone when there is no room, whole for any thread."""

import random
import threading

import pytest

from movierating.movies import kept
from movierating.movies.kept import Kept


@pytest.fixture
def little(monkeypatch):
    """Three chunks of ten bytes."""
    monkeypatch.setattr(kept, "CHUNK_BYTES", 10)
    monkeypatch.setattr(kept, "MOST_CHUNKS", 3)
    return Kept()


def get(store, movie_id, version):
    return store.found([(movie_id, version)], slice(1, 2), bytes).get(movie_id)


def put(store, movie_id, version, encoded):
    store.put(movie_id, (version,), encoded)


def ids(store):
    return [movie_id for movie_id in range(100) if get(store, movie_id, 1)]


def test_one_is_found_at_its_version_alone():
    store = Kept()
    put(store, 1, (1, 7), b"one")
    put(store, 2, (1, 7), b"two")
    assert (get(store, 1, (1, 7)), get(store, 2, (1, 7))) == (b"one", b"two")
    assert get(store, 1, (1, 8)) is get(store, 3, (1, 7)) is None
    put(store, 1, (1, 8), b"new")
    assert (get(store, 1, (1, 7)), get(store, 1, (1, 8))) == (None, b"new")


def test_the_oldest_go_a_chunk_at_a_time(little):
    for movie_id in range(1, 7):
        put(little, movie_id, 1, b"12345")
    assert (ids(little), little.is_full) == ([1, 2, 3, 4, 5, 6], False)
    put(little, 7, 1, b"12345")
    assert (ids(little), little.is_full) == ([3, 4, 5, 6, 7], True)


def test_one_that_was_put_again_stays_when_its_old_chunk_goes(little):
    for movie_id in (1, 2, 1, 3, 4, 5):
        put(little, movie_id, 1, b"12345")
    put(little, 6, 1, b"1234567890")
    assert ids(little) == [1, 3, 4, 5, 6]


def test_one_that_is_larger_than_a_chunk_is_not_kept(little):
    put(little, 1, 1, b"1234567890")
    put(little, 2, 1, b"12345678901")
    assert ids(little) == [1]


def test_threads_never_find_another_movies_bytes(monkeypatch):
    monkeypatch.setattr(kept, "CHUNK_BYTES", 1_000)
    monkeypatch.setattr(kept, "MOST_CHUNKS", 3)
    store, wrong = Kept(), []

    def use():
        for _ in range(20_000):
            movie_id = random.randrange(60)
            found = get(store, movie_id, 1)
            if found is None:
                put(store, movie_id, 1, b"%03d" % movie_id * 20)
            elif found != b"%03d" % movie_id * 20:
                wrong.append((movie_id, found))

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
