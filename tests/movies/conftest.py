"""A helper of the tests of searches."""

from collections.abc import Callable
from typing import Any

import pytest

from movierating.movies import search


@pytest.fixture(scope="session", name="list_ids")
def _list_ids() -> Callable[..., list[int]]:
    """`list_ids(filters, sort, limit)` returns the ids on all pages of a search."""
    return list_ids


def list_ids(filters: dict[str, Any], sort: str = "-score", limit: int = 100) -> list[int]:
    """Return the ids on all pages; each but the last is full."""
    ids: list[int] = []
    rows, cursor = search.search_movies(filters, sort, None, limit)
    while cursor:
        assert len(rows) == limit
        ids += [row[0] for row in rows]
        rows, cursor = search.search_movies(filters, sort, cursor, limit)
    return ids + [row[0] for row in rows]
