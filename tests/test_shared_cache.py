"""Encoded answers in Redis: found again, and done without while it is gone."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from movierating.limits.redis_client import RedisServer
from movierating.monitoring import counters
from movierating.shared_cache import PATIENCE_SECONDS, SharedCache

KEY, ANSWER = b"/v1/movies?limit=1\0 7", b'{"items":[]}'


@pytest.fixture
def server(redis, tmp_path):
    redis.send("FLUSHALL")
    counters.keep_in(tmp_path / "metrics.sqlite3")
    server = RedisServer(redis.url)
    yield server
    server.close()


@pytest.fixture
def cache(server):
    return SharedCache(server)


def lookups():
    """How many hits, misses and errors were counted."""
    return tuple(counters.totals().get((counters.SHARED_CACHE, way), 0) for way in ("hit", "miss", "error"))


def place_in(redis):
    """The one key of the cache that Redis holds."""
    (place,) = [
        word for word in redis.send("KEYS", "movierating:cache:*").decode().split() if ":cache:" in word
    ]
    return place


def test_what_was_put_is_found_by_every_instance(cache, redis, server):
    cache.put(KEY, ANSWER, 60)
    other = RedisServer(redis.url)
    assert SharedCache(other).get(KEY) == ANSWER
    other.close()
    assert (cache.get(b"/v1/movies?limit=2"), lookups()) == (None, (1, 1, 0))


@pytest.mark.parametrize("content", [b"", bytes(range(256)), b"x" * 1_000_000], ids=["none", "any", "much"])
def test_any_bytes_stand_for_any_bytes(cache, content):
    cache.put(content, content, 60)
    assert cache.get(content) == content


def test_it_is_kept_no_longer_than_was_said(cache, redis):
    cache.put(KEY, ANSWER, 60)
    place = place_in(redis)
    assert "movies?limit" not in place
    assert 0 < int(redis.send("TTL", place)[1:]) <= 60


@pytest.mark.parametrize("trouble", ["gone", "stuck"])
def test_without_redis_it_is_empty_and_then_used_again(cache, server, redis, eventually, trouble):
    cache.put(KEY, ANSWER, 60)
    with getattr(redis, trouble)(), ThreadPoolExecutor(8) as threads:
        assert set(threads.map(cache.get, [KEY] * 20)) == {None}
        cache.put(KEY, b"another", 60)
        assert not server.answers()
    assert lookups() == (0, 0, 20)
    eventually(server.answers)
    assert cache.get(KEY) == (ANSWER if trouble == "stuck" else None)
    cache.put(KEY, b"another", 60)
    assert cache.get(KEY) == b"another"


def test_what_somebody_else_put_there_is_no_answer(cache, redis):
    cache.put(KEY, ANSWER, 60)
    place = place_in(redis)
    redis.send("DEL", place)
    redis.send("LPUSH", place, "x")
    assert cache.get(KEY) is None


def test_nobody_waits_long_for_it(cache, server):
    patience = server.pool(PATIENCE_SECONDS).connection_kwargs
    assert {patience["socket_timeout"], patience["socket_connect_timeout"]} == {PATIENCE_SECONDS} == {0.05}
