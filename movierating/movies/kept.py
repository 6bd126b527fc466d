"""Encoded movies, kept by id and version, of which the oldest go when they are too many."""

import threading
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import Any

import orjson

# 10,000 movies and more, of some 600 bytes each.
MOST_BYTES = 10 << 20

# What one takes besides its JSON: its version, and its place in the dict.
_ENTRY_BYTES = 350


class Kept:
    """What is kept in one way of one database's movies; any thread may ask and put."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, tuple[Hashable, orjson.Fragment, int]] = OrderedDict()
        self._bytes = 0
        self._putting = threading.Lock()
        self.is_full = False

    def found(self, rows: Sequence[Sequence[Any]], version: slice) -> dict[int, Any]:
        """What was put for movies, by id; `rows` begin with an id, and their part `version` is what it must be at."""
        get, found = self._kept.get, {}
        for row in rows:
            kept = get(row[0])
            if kept is not None and kept[0] == row[version]:
                found[row[0]] = kept[1]
        return found

    def put(self, movie_id: int, version: Hashable, encoded: bytes) -> orjson.Fragment:
        """Keep it in place of another version; it comes back as what will be found."""
        # A copy takes no more than its size; what orjson gives takes up to twenty times as much.
        fragment, size = orjson.Fragment(bytes(memoryview(encoded))), len(encoded) + _ENTRY_BYTES
        with self._putting:
            _, _, replaced = self._kept.pop(movie_id, (None, None, 0))
            self._kept[movie_id] = version, fragment, size
            self._bytes += size - replaced
            while self._bytes > MOST_BYTES:
                _, (_, _, dropped) = self._kept.popitem(last=False)
                self._bytes -= dropped
                self.is_full = True
        return fragment
