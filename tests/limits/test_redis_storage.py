"""Rate limits in Redis, and what holds them while it is gone."""

import time

import pytest
from limits.strategies import FixedWindowRateLimiter

from limits import RateLimitItemPerMinute
from movierating.limits.redis_client import RedisClient
from movierating.limits.redis_storage import RedisLimitStorage

FIVE = RateLimitItemPerMinute(5)


@pytest.fixture
def server(redis):
    redis.send("FLUSHALL")
    server = RedisClient(redis.url)
    yield server
    server.close()


@pytest.fixture
def instance_of(server, tmp_path):
    """`instance_of("a")` is the storage of an instance of that name."""
    return lambda name: RedisLimitStorage(path=tmp_path / name, redis=server)


def passes(storage, times, key="somebody"):
    """How many of so many hits are within the limit."""
    return sum(FixedWindowRateLimiter(storage).hit(FIVE, key) for _ in range(times))


def test_instances_share_a_limit(instance_of):
    assert [passes(instance_of(name), 4) for name in "ab"] == [4, 1]


def test_window_stats_have_remaining_hits_and_end(instance_of):
    storage = instance_of("a")
    passes(storage, 2)
    ends_at, left = FixedWindowRateLimiter(storage).get_window_stats(FIVE, "somebody")
    assert left == 3
    assert time.time() < ends_at <= time.time() + 61


def test_each_instance_counts_for_itself_while_redis_is_gone(instance_of, redis, tmp_path):
    with redis.gone():
        assert [passes(instance_of(name), 7) for name in "aab"] == [5, 0, 5]
        assert instance_of("a").check()
    assert (tmp_path / "a").is_file()


def test_windows_can_be_forgotten_in_either_place(instance_of, redis):
    storage = instance_of("a")

    def forgotten():
        counts = [storage.incr(key, 60) for key in "abb"]
        storage.clear("a")
        return (*counts, storage.get("a"), storage.get("b"), storage.reset(), storage.get("b"))

    assert forgotten() == (1, 1, 2, 0, 2, 1, 0)
    with redis.gone():
        assert forgotten() == (1, 1, 2, 0, 2, 1, 0)


def test_keys_in_redis_are_digests(instance_of, redis):
    passes(instance_of("a"), 1, "somebody@example.org")
    keys = redis.send("KEYS", "*")
    assert b"movierating:limit:" in keys
    assert b"somebody" not in keys
