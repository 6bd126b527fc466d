"""Files to read, on their own or inside a ZIP."""

import io
from collections.abc import Callable
from typing import BinaryIO, NamedTuple


class SourceFile(NamedTuple):
    """A file that can be opened any number of times; `name` is its name inside a ZIP, or empty."""

    name: str
    open: Callable[[], BinaryIO]


class RawReader(io.RawIOBase):
    """A raw stream of what `read(size)` returns; closing it closes nothing else."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read into the buffer; return the number of bytes."""
        data = self._read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
