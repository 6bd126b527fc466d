"""Lines of an uploaded text file: many at once where all is well, one by one where it isn't."""

import io
from collections import deque
from collections.abc import Sequence
from typing import BinaryIO

from movierating.ratings.formats.rows import UnknownFormat

# Longer than any row about a film can be, a review apart; it is the limit of the csv module for a cell as well.
MAX_LINE_LENGTH = 1 << 17
MAX_LINES = 2_000_000
_MAX_REREAD = 64 * MAX_LINE_LENGTH
# Characters that are looked at together; a row in them that needs care costs the time of the others.
_TAKEN = 1 << 14


class UnreadableLine(ValueError):
    """A line that can't be part of a row; the message says why."""


class Lines:
    """The lines after the header. A row that fails returns all its lines but the first to be read again.

    A quotation mark that is never closed so costs one row and not all that follow it.
    """

    def __init__(self, file: BinaryIO, header: int) -> None:
        """Begin behind so many lines; `number` is that of the last line that was read."""
        self._file = decoded(file)
        for _ in range(header):
            self._file.readline()
        self.number = header
        self._record: list[str] = []
        self._again: deque[str] = deque()
        self._left_to_reread = _MAX_REREAD

    def take(self) -> list[str]:
        """Some lines, whole but for what is too long of one; none at the end of the file."""
        some = self._file.read(_TAKEN)
        if some:
            some += _read_line(self._file)
        # Not `splitlines`, to which more characters end a line than to CSV.
        lines = io.StringIO(some, newline="").readlines()
        self._count(len(lines))
        return lines

    def give_back(self, lines: Sequence[str]) -> None:
        """Let lines that were taken be read one by one."""
        self._again.extend(lines)
        self.number -= len(lines)

    def has_given_back(self) -> bool:
        """Return whether lines that were given back are left."""
        return bool(self._again)

    def _count(self, lines: int) -> None:
        self.number += lines
        if self.number > MAX_LINES:
            raise UnknownFormat(f"The file has more than {MAX_LINES:,} lines.")

    def __iter__(self) -> "Lines":
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else _read_line(self._file)
        if not line:
            raise StopIteration
        self._count(1)
        self._record.append(line)
        if len(line) > MAX_LINE_LENGTH:
            raise UnreadableLine(f"the line is longer than {MAX_LINE_LENGTH} characters")
        if "\0" in line:
            raise UnreadableLine("the line has a NUL character")
        if not line.isascii() and is_broken(line):
            raise UnreadableLine("the line is not UTF-8")
        return line

    def begin_record(self) -> int:
        """Start a record; return the number of its first line."""
        self._record.clear()
        return self.number + 1

    def go_back(self, error: Exception) -> str:
        """Prepare to go on behind the record's first line; returns why the record couldn't be read."""
        rest = self._record[1:]
        self._left_to_reread -= sum(map(len, rest))
        if self._left_to_reread > 0:
            self._again.extendleft(reversed(rest))
            self.number -= len(rest)
            rest = []
        reason = (
            str(error) if isinstance(error, UnreadableLine) else "the row has a quotation mark out of place"
        )
        return f"{reason}; {len(rest)} lines after it could not be read" if rest else reason


def decoded(file: BinaryIO) -> io.TextIOWrapper:
    """Open a file as text with its line ends unchanged; bytes that are not UTF-8 become lone surrogates."""
    return io.TextIOWrapper(file, "utf-8-sig", "surrogateescape", newline="")


def _read_line(file: io.TextIOWrapper) -> str:
    line = file.readline(MAX_LINE_LENGTH + 1)
    if len(line) > MAX_LINE_LENGTH:
        rest = line
        while rest and not rest.endswith(("\n", "\r")):
            rest = file.readline(MAX_LINE_LENGTH)
    return line


def is_broken(line: str) -> bool:
    """Return whether the line has bytes that are not UTF-8."""
    try:
        line.encode()
    except UnicodeEncodeError:
        return True
    return False
