"""Movies as JSON, kept by their versions: most lists show movies that another list or reader has just been shown.

What is kept of a movie is good for as long as its version is the same, in whatever list and whoever asks, because to
show one depends on nothing else. A list so reads no more of a movie than its id and version.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import orjson
from sqlalchemy import Connection, Engine

# Of some 600 bytes each, and several times that where many come and go.
MOST_KEPT = 2_000

Fragment = orjson.Fragment
# Of each movie that is kept, by its id: its version, and its JSON.
_Kept = dict[int, tuple[Hashable, Fragment]]


class Encoder:
    """One way to show movies; `fetch(connection, ids)` gives (id, version, what to show) of those that are there."""

    def __init__(
        self, fetch: Callable[[Connection, Sequence[int]], Iterable[tuple[int, Hashable, Any]]]
    ) -> None:
        self._fetch = fetch
        self._of_databases: WeakKeyDictionary[Engine, _Kept] = WeakKeyDictionary()

    def encoded(self, connection: Connection, movies: Sequence[tuple[int, Hashable]]) -> dict[int, Fragment]:
        """The JSON of movies given by id and version; one that changed since is shown as it is now, one gone is not."""
        kept = self._of_databases.setdefault(connection.engine, {})
        found: dict[int, Fragment] = {}
        missing = []
        for movie_id, version in movies:
            one = kept.get(movie_id)
            if one is not None and one[0] == version:
                found[movie_id] = one[1]
            else:
                missing.append(movie_id)
        if missing:
            found |= self._encode(connection, kept, missing)
        return found

    def _encode(self, connection: Connection, kept: _Kept, movie_ids: Sequence[int]) -> dict[int, Fragment]:
        if len(kept) > MOST_KEPT:
            kept.clear()
        found = {}
        for movie_id, version, shown in self._fetch(connection, movie_ids):
            found[movie_id] = fragment = Fragment(orjson.dumps(shown))
            kept[movie_id] = (version, fragment)
        return found
