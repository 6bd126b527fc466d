"""Rate limits in Redis, and in the instance folder during an outage."""

import time

import pytest
from limits.strategies import FixedWindowRateLimiter

from limits import RateLimitItemPerMinute
from movierating.limits.redis_client import RedisClient
from movierating.limits.redis_storage import RedisLimitStorage

pytestmark = pytest.mark.any_database

FIVE = RateLimitItemPerMinute(5)


@pytest.fixture
def client(redis):
    redis.send("FLUSHALL")
    client = RedisClient(redis.url)
    yield client
    client.close()


@pytest.fixture
def create_storage(client, tmp_path):
    """`create_storage("a")` returns the storage of the instance `a`."""
    return lambda name: RedisLimitStorage(path=tmp_path / name, redis=client)


def count_accepted(storage, times, key="ada"):
    """Return how many of so many hits are within the limit."""
    return sum(FixedWindowRateLimiter(storage).hit(FIVE, key) for _ in range(times))


def test_instances_share_a_limit(create_storage):
    assert [count_accepted(create_storage(name), 4) for name in "ab"] == [4, 1]


def test_window_stats_have_remaining_hits_and_end(create_storage):
    storage = create_storage("a")
    count_accepted(storage, 2)
    ends_at, remaining = FixedWindowRateLimiter(storage).get_window_stats(FIVE, "ada")
    assert remaining == 3
    assert time.time() < ends_at <= time.time() + 61


def test_each_instance_counts_for_itself_while_redis_is_gone(create_storage, redis, tmp_path):
    with redis.gone():
        assert [count_accepted(create_storage(name), 7) for name in "aab"] == [5, 0, 5]
        assert create_storage("a").check()
    assert (tmp_path / "a").is_file()


def test_windows_can_be_deleted_in_redis_and_in_the_file(create_storage, redis):
    storage = create_storage("a")

    def count_and_delete():
        counts = [storage.incr(key, 60) for key in "abb"]
        storage.clear("a")
        return (*counts, storage.get("a"), storage.get("b"), storage.reset(), storage.get("b"))

    assert count_and_delete() == (1, 1, 2, 0, 2, 1, 0)
    with redis.gone():
        assert count_and_delete() == (1, 1, 2, 0, 2, 1, 0)


def test_keys_in_redis_are_digests(create_storage, redis):
    count_accepted(create_storage("a"), 1, "ada@example.org")
    keys = redis.send("KEYS", "*")
    assert b"movierating:limit:" in keys
    assert b"ada@" not in keys
