"""Whether an answer would be the same again: what it has read is read once more.

An answer to anybody depends on its address and on what its statements gave. Where they give the same again it would
come out the same, byte for byte, and to run them takes a fraction of what it takes to make it.
"""

import marshal
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import xxhash
from sqlalchemy import Connection, Engine, event

# What a note takes besides its parameters.
_NOTE_BYTES = 400


class Statement(Protocol):
    """What can be run again."""

    def fetch(self, connection: Connection, parameters: Any) -> list[Any]:
        """Every row that it gives for these parameters."""


class Reads:
    """The statements that were run for an answer, each with what is needed to know its rows again.

    They are not kept for it: of one that nobody else keeps any more, among the many there can be, nothing is known.
    """

    def __init__(self) -> None:
        self._read: list[tuple[weakref.ref[Statement], Any, bytes]] = []
        self._are_all = True
        self.bytes = 0

    def note(self, statement: Statement, parameters: Any, rows: list[Any]) -> None:
        """Remember that it gave these rows."""
        try:
            digest = _digest(rows)
            self.bytes += _NOTE_BYTES + len(marshal.dumps(parameters, 2))
        except ValueError:
            self._are_all = False
        else:
            self._read.append((weakref.ref(statement), parameters, digest))

    def note_another(self) -> None:
        """Remember that something was read that can't be read again."""
        self._are_all = False

    def give_the_same(self, connection: Connection) -> bool:
        """Whether they do by now. Raises what they raise."""
        if not self._are_all or not self._read:
            return False
        for reference, parameters, digest in self._read:
            statement = reference()
            if statement is None or _digest(statement.fetch(connection, parameters)) != digest:
                return False
        return True


def _digest(rows: list[Any]) -> bytes:
    """Raises ValueError for values that aren't plain."""
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
