"""Movies as JSON, kept by their versions: most lists show movies that another list or reader has just been shown.

What is kept of a movie is good for as long as its version is the same, in whatever list and whoever asks, because to
show one depends on nothing else. A list so reads no more of a movie than its id and version. Where movies are too many
to be kept, and most of what lists show is not, they had better read whole movies at once; that is told of first pages,
which show the same few movies again and again, and of those behind them by itself.
"""

from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import orjson
from sqlalchemy import Connection, Engine

from movierating import revalidation
from movierating.movies.kept import Kept

# Of the movies that lists showed lately, the share that was not kept from which on reading them whole costs less.
_MANY = 0.25
_LATELY = 16

Fragment = orjson.Fragment


class _Known:
    """What is kept of one database's movies, and the share of those asked for that was `missed` lately.

    That is by whether it was for a first page.
    """

    def __init__(self) -> None:
        self.kept = Kept()
        self.missed = {True: 0.0, False: 0.0}

    def note(self, is_first: bool, missing: int, asked: int) -> None:
        self.missed[is_first] += (missing / asked - self.missed[is_first]) / _LATELY


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
        self._of_databases: WeakKeyDictionary[Engine, _Known] = WeakKeyDictionary()

    def wants_whole_rows(self, connection: Connection, is_first: bool) -> bool:
        """Whether a list's first page, or another one, had better read all columns of its movies: many are not kept.

        Not where the list is asked for again and again, and is known again by what it has read: versions will do.
        """
        return self._known(connection).missed[is_first] > _MANY and revalidation.current() is None

    def encoded(
        self, connection: Connection, rows: Sequence[Sequence[Any]], is_first: bool
    ) -> dict[int, Any]:
        """Movies as `orjson.dumps` takes them, by id, from rows that are whole or hold no more than their versions.

        The rows are those of a list's first page or of another one. A movie that changed since it was read is shown as
        it is now, one that is gone is not.
        """
        known = self._known(connection)
        found = known.kept.found(rows, self._version)
        missing = [row for row in rows if row[0] not in found] if len(found) < len(rows) else []
        if rows:
            known.note(is_first, len(missing), len(rows))
        if missing:
            found |= self._encode(connection, known.kept, missing)
        return found

    def _encode(self, connection: Connection, kept: Kept, rows: Sequence[Sequence[Any]]) -> dict[int, Any]:
        if len(rows[0]) < self._columns:
            rows = self._fetch(connection, [row[0] for row in rows])
        elif kept.is_full:
            # These may be any of the many; what is asked for again and again is not dropped for them.
            return {row[0]: self._show(row) for row in rows}
        return {row[0]: kept.put(row[0], row[self._version], orjson.dumps(self._show(row))) for row in rows}

    def _known(self, connection: Connection) -> _Known:
        known = self._of_databases.get(connection.engine)
        return known or self._of_databases.setdefault(connection.engine, _Known())
