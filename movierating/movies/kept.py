"""Encoded movies, kept by id and version in a few large pieces of memory, of which the oldest goes when all are full.

Thousands of small pieces that stay, among larger ones that come and go with each answer, would hold on to many times
their own memory: what is freed between two of them is seldom of use.
"""

import threading
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")

CHUNK_BYTES = 1 << 18
# 10,000 movies and more, of some 600 bytes each.
MOST_CHUNKS = 28


class _Chunk:
    """Memory that is written once, from its beginning on, and whose movies they are."""

    def __init__(self) -> None:
        self.memory = bytearray(CHUNK_BYTES)
        self.view = memoryview(self.memory)
        self.used = 0
        self.movie_ids: list[int] = []


class _Place(NamedTuple):
    version: Hashable
    chunk: _Chunk
    start: int
    end: int


class Kept:
    """What is kept in one way of one database's movies; any thread may ask and put."""

    def __init__(self) -> None:
        self._places: dict[int, _Place] = {}
        self._chunks = deque([_Chunk()])
        self._putting = threading.Lock()
        self.is_full = False

    def found(self, rows: Sequence[Sequence[Any]], version: slice, of: Callable[[bytes], T]) -> dict[int, T]:
        """What `of` makes of what was put for movies, by id.

        `rows` begin with an id, and their part `version` is what the movie must be at.
        """
        places, found = self._places, {}
        for row in rows:
            place = places.get(row[0])
            if place is not None and place[0] == row[version]:
                _, chunk, start, end = place
                found[row[0]] = of(chunk.view[start:end].tobytes())
        return found

    def put(self, movie_id: int, version: Hashable, encoded: bytes) -> None:
        """Keep it in place of another version, if it isn't of a monstrous size."""
        size = len(encoded)
        if size > CHUNK_BYTES:
            return
        with self._putting:
            chunk = self._chunks[-1] if self._chunks[-1].used + size <= CHUNK_BYTES else self._next()
            start, end = chunk.used, chunk.used + size
            chunk.memory[start:end] = encoded
            chunk.used = end
            chunk.movie_ids.append(movie_id)
            self._places[movie_id] = _Place(version, chunk, start, end)

    def _next(self) -> _Chunk:
        if len(self._chunks) >= MOST_CHUNKS:
            self.is_full = True
            self._drop(self._chunks.popleft())
        self._chunks.append(_Chunk())
        return self._chunks[-1]

    def _drop(self, chunk: _Chunk) -> None:
        for movie_id in chunk.movie_ids:
            place = self._places.get(movie_id)
            if place is not None and place.chunk is chunk:
                del self._places[movie_id]
