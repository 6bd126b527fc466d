"""The least-recently-used cache."""

from movierating.predictions.bounded_cache import BoundedCache


def test_the_entry_that_was_unused_for_longest_is_dropped():
    cache, computed = BoundedCache(2), []

    def get(key):
        return cache.get(key, lambda: computed.append(key) or key.upper())

    assert [get(key) for key in "abacab"] == list("ABACAB")
    assert computed == ["a", "b", "c", "b"]
