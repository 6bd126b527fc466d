"""Whether an answer would be the same again: what it has read is read once more.

An answer to anybody depends on its address and on what its statements gave. Where they give the same again it would
come out the same, byte for byte, and to run them takes a fraction of what it takes to make it.
"""

import marshal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import xxhash
from sqlalchemy import Connection, Engine, event

Rows = list[Any]
Fetch = Callable[[Connection], Rows]


class Reads:
    """The statements that were run for an answer, each with what is needed to know its rows again."""

    def __init__(self) -> None:
        self._read: list[tuple[Fetch, bytes]] = []
        self._are_all = True

    def note(self, fetch: Fetch, rows: Rows) -> None:
        """Remember that `fetch` gave these rows."""
        self._read.append((fetch, _digest(rows)))

    def note_another(self) -> None:
        """Remember that something was read that can't be read again."""
        self._are_all = False

    def give_the_same(self, connection: Connection) -> bool:
        """Whether they do by now. Raises what they raise."""
        return self._are_all and all(_digest(fetch(connection)) == digest for fetch, digest in self._read)


def _digest(rows: Rows) -> bytes:
    # From its third format on, marshal's bytes depend on more than the values.
    return xxhash.xxh3_128_digest(marshal.dumps(rows, 2))


class _Now(threading.local):
    reads: Reads | None = None


_now = _Now()


@contextmanager
def recording() -> Iterator[Reads]:
    """What the calling thread reads until the end of the block."""
    reads = _now.reads = Reads()
    try:
        yield reads
    finally:
        _now.reads = None


def current() -> Reads | None:
    """Where the calling thread is to note what it reads."""
    return _now.reads


def configure(engine: Engine) -> None:
    """Let those who record know of the statements that go through SQLAlchemy, of which nothing is noted."""

    @event.listens_for(engine, "before_cursor_execute")
    def note_another(*_: object) -> None:
        if _now.reads is not None:
            _now.reads.note_another()
