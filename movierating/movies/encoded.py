"""Movies as JSON, kept by their versions: most lists show movies that another list or reader has just been shown.

What is kept of a movie is good for as long as its version is the same, in whatever list and whoever asks, because to
show one depends on nothing else. A list so reads no more of a movie than its id and version. Where movies are too many
to be kept, and most of what lists show is not, they had better read whole movies at once.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import orjson
from sqlalchemy import Connection, Engine

# Of some 800 bytes each.
MOST_KEPT = 10_000

# Of the movies that lists showed lately, the share that was not kept from which on reading them whole costs less.
_MANY = 0.25
_LATELY = 16

Fragment = orjson.Fragment


class _Kept:
    """Of each movie that is kept, by its id: its version, and its JSON; and the share that was `missed` lately."""

    def __init__(self) -> None:
        self.movies: dict[int, tuple[Hashable, Fragment]] = {}
        self.missed = 0.0

    def note(self, missing: int, asked: int) -> None:
        self.missed += (missing / asked - self.missed) / _LATELY


class Encoder:
    """One way to show movies, from rows that start with an id and versions.

    `show(row)` makes of a row of so many `columns` what `orjson.dumps` takes; `fetch(connection, ids)` gives such rows
    of those that are there; `version` is the part of a row that moves with what is shown.
    """

    def __init__(
        self,
        show: Callable[[Sequence[Any]], Any],
        columns: int,
        fetch: Callable[[Connection, Sequence[int]], Sequence[Sequence[Any]]],
        version: slice,
    ) -> None:
        self._show, self._columns, self._fetch, self._version = show, columns, fetch, version
        self._of_databases: WeakKeyDictionary[Engine, _Kept] = WeakKeyDictionary()

    def wants_whole_rows(self, connection: Connection) -> bool:
        """Whether a list had better read all columns of its movies, for most are not kept."""
        return self._kept(connection).missed > _MANY

    def encoded(self, connection: Connection, rows: Sequence[Sequence[Any]]) -> dict[int, Any]:
        """Movies as `orjson.dumps` takes them, by id, from rows that are whole or hold no more than their versions.

        One that changed since it was read is shown as it is now, one that is gone is not.
        """
        kept = self._kept(connection)
        found: dict[int, Any] = {}
        missing = []
        for row in rows:
            one = kept.movies.get(row[0])
            if one is not None and one[0] == row[self._version]:
                found[row[0]] = one[1]
            else:
                missing.append(row)
        if rows:
            kept.note(len(missing), len(rows))
        if missing:
            found |= self._encode(connection, kept, missing)
        return found

    def _encode(self, connection: Connection, kept: _Kept, rows: Sequence[Sequence[Any]]) -> dict[int, Any]:
        is_full = len(kept.movies) > MOST_KEPT
        if len(rows[0]) >= self._columns:
            # These may be any of the many; what is asked for again and again is not dropped for them.
            if is_full:
                return {row[0]: self._show(row) for row in rows}
        else:
            rows = self._fetch(connection, [row[0] for row in rows])
            if is_full:
                kept.movies.clear()
        found = {row[0]: Fragment(orjson.dumps(self._show(row))) for row in rows}
        kept.movies |= {row[0]: (row[self._version], found[row[0]]) for row in rows}
        return found

    def _kept(self, connection: Connection) -> _Kept:
        kept = self._of_databases.get(connection.engine)
        return kept or self._of_databases.setdefault(connection.engine, _Kept())
