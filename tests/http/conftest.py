"""Fixtures for rate limits."""

import pytest


@pytest.fixture
def use_redis(request):
    """`use_redis("Redis")` returns the settings that store limits in an empty Redis; otherwise there are none."""

    def make_settings(storage):
        if storage != "Redis":
            return {}
        redis = request.getfixturevalue("redis")
        redis.send("FLUSHALL")
        return {"REDIS_URL": redis.url}

    return make_settings
