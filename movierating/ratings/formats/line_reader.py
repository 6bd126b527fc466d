"""Read the lines of an uploaded text file: many at once, or one by one if some are irregular."""

import io
from collections import deque
from collections.abc import Sequence
from typing import BinaryIO

from movierating.ratings.formats.rows import RejectedFile
from movierating.ratings.formats.text_encoding import TextEncoding, open_text

# Longer than any row about a film can be, a review apart; it is the limit of the csv module for a cell as well.
MAX_LINE_LENGTH = 1 << 17
MAX_LINES = 2_000_000
_MAX_REREAD = 64 * MAX_LINE_LENGTH
# Characters that are parsed together; one irregular row in them slows down the others.
_BLOCK_LENGTH = 1 << 14


class UnreadableLine(ValueError):
    """A line that can't be part of a row; the message says why."""


class Lines:
    """The lines after the header. After an invalid row, all its lines but the first are read again.

    So a quotation mark that is never closed makes one row invalid, and not all rows after it.
    """

    def __init__(self, file: BinaryIO, encoding: TextEncoding, header: int) -> None:
        """Skip the first `header` lines; `number` is that of the last line that was read."""
        self._file = open_text(file, encoding)
        for _ in range(header):
            self._file.readline()
        self.number = header
        self._record: list[str] = []
        self._unread: deque[str] = deque()
        self._left_to_reread = _MAX_REREAD

    def read_lines(self) -> list[str]:
        """Return some whole lines, with a line over the limit cut; none at the end of the file."""
        text = self._file.read(_BLOCK_LENGTH)
        if text:
            text += _read_line(self._file)
        # Not `splitlines`, to which more characters end a line than to CSV.
        lines = io.StringIO(text, newline="").readlines()
        self._count(len(lines))
        return lines

    def unread(self, lines: Sequence[str]) -> None:
        """Return lines, to be read one by one."""
        self._unread.extend(lines)
        self.number -= len(lines)

    def has_unread(self) -> bool:
        """Return True if lines passed to `unread` or `go_back` are left."""
        return bool(self._unread)

    def _count(self, lines: int) -> None:
        self.number += lines
        if self.number > MAX_LINES:
            raise RejectedFile(f"The file has more than {MAX_LINES:,} lines.")

    def __iter__(self) -> "Lines":
        return self

    def __next__(self) -> str:
        line = self._unread.popleft() if self._unread else _read_line(self._file)
        if not line:
            raise StopIteration
        self._count(1)
        self._record.append(line)
        if len(line) > MAX_LINE_LENGTH:
            raise UnreadableLine(f"the line is longer than {MAX_LINE_LENGTH} characters")
        if "\0" in line:
            raise UnreadableLine("the line has a NUL character")
        if not line.isascii() and has_invalid_bytes(line):
            raise UnreadableLine("the line has bytes that are not text in the file's encoding")
        return line

    def begin_record(self) -> int:
        """Start a record; return the number of its first line."""
        self._record.clear()
        return self.number + 1

    def go_back(self, error: Exception) -> str:
        """Continue after the first line of an invalid record; return why it is invalid."""
        rest = self._record[1:]
        self._left_to_reread -= sum(map(len, rest))
        if self._left_to_reread > 0:
            self._unread.extendleft(reversed(rest))
            self.number -= len(rest)
            rest = []
        reason = (
            str(error) if isinstance(error, UnreadableLine) else "the row has a quotation mark out of place"
        )
        return f"{reason}; lines after it that could not be read: {len(rest):,}" if rest else reason


def _read_line(file: io.TextIOWrapper) -> str:
    line = file.readline(MAX_LINE_LENGTH + 1)
    if len(line) > MAX_LINE_LENGTH:
        rest = line
        while rest and not rest.endswith(("\n", "\r")):
            rest = file.readline(MAX_LINE_LENGTH)
    return line


def has_invalid_bytes(line: str) -> bool:
    """Return True if the line has bytes that are invalid in its encoding."""
    try:
        line.encode()
    except UnicodeEncodeError:
        return True
    return False
