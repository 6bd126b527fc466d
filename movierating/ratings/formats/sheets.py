"""Uploaded CSV files: columns by name, rows that may span lines, and whatever can be wrong with either.

Differently from `tables`, which is for data sets of millions of rows on the server's own disk, a cell may hold line
breaks, the separator may be a spreadsheet's semicolon or tab, and a line may end in LF, CRLF or CR.
"""

import codecs
import csv
import io
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from operator import itemgetter
from typing import Any, BinaryIO, NamedTuple

from movierating.ratings.formats.rows import BadRow, Row, UnknownFormat

# Longer than any row about a film can be, a review apart; it is the limit of the csv module for a cell as well.
LONGEST_LINE = 1 << 17
MOST_LINES = 2_000_000
_MOST_REREAD = 64 * LONGEST_LINE
_MOST_BLANK_LINES = 100
_SEPARATORS = (",", ";", "\t")


class Source(NamedTuple):
    """A file that can be read from its start any number of times; `name` is its own inside a ZIP, or empty."""

    name: str
    open: Callable[[], BinaryIO]


class Sheet:
    """A CSV file: its `columns`, trimmed and in small letters, and its rows."""

    def __init__(self, source: Source) -> None:
        """Raises UnknownFormat when the file doesn't begin with a line of text."""
        self.source = source
        with source.open() as file:
            self._first_line, header = _header(file.read(LONGEST_LINE))
        self._separator = max(_SEPARATORS, key=header.count)
        try:
            cells = next(csv.reader([header], delimiter=self._separator, strict=True))
        except csv.Error as error:
            raise UnknownFormat("The first line of the file has a quotation mark out of place.") from error
        self.columns = [cell.strip().lower() for cell in cells]

    def rows(self, names: Sequence[str], make: Callable[[int, Sequence[str]], Row]) -> Iterator[Row]:
        """`make(line, cells)` of each row, the cells being those of these columns, empty where there is no such column.

        A row that can't be read, or of which `make` raises ValueError, becomes a BadRow.
        """
        # The last cell is the one that _records adds.
        places = (self.columns.index(name) if name in self.columns else -1 for name in names)
        chosen = itemgetter(*places)
        for line, cells in self._records():
            try:
                if isinstance(cells, Exception):
                    raise cells
                made = make(line, chosen(cells))
            except ValueError as error:
                made = BadRow(self.source.name, line, str(error))
            yield made

    def _records(self) -> Iterator[tuple[int, list[str] | ValueError]]:
        width = len(self.columns)
        with self.source.open() as file:
            lines = _Lines(file, self._first_line)
            reader = csv.reader(lines, delimiter=self._separator, strict=True)
            while True:
                first = lines.begin_record()
                try:
                    cells = next(reader)
                except StopIteration:
                    return
                except (csv.Error, _UnreadableLine) as error:
                    yield first, lines.go_back(error)
                    continue
                if len(cells) == width and any(cells):
                    cells.append("")
                    yield first, cells
                elif any(cell.strip() for cell in cells):
                    yield (
                        first,
                        ValueError(f"the row has {len(cells)} columns where the first line has {width}"),
                    )


class _UnreadableLine(ValueError):
    pass


class _Lines:
    """The lines after the header. A row that fails gives back all its lines but the first.

    A quotation mark that is never closed so costs one row and not all that follow it.
    """

    def __init__(self, file: BinaryIO, header: int) -> None:
        self._file = _lines(file)
        for _ in range(header):
            self._file.readline()
        self._number = header
        self._record: list[str] = []
        self._again: deque[str] = deque()
        self._left_to_reread = _MOST_REREAD

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else _read_line(self._file)
        if not line:
            raise StopIteration
        self._number += 1
        if self._number > MOST_LINES:
            raise UnknownFormat(f"The file has more than {MOST_LINES:,} lines.")
        self._record.append(line)
        if len(line) > LONGEST_LINE:
            raise _UnreadableLine(f"the line is longer than {LONGEST_LINE} characters")
        if "\0" in line:
            raise _UnreadableLine("the line has a NUL character")
        if not line.isascii() and _is_broken(line):
            raise _UnreadableLine("the line is not UTF-8")
        return line

    def begin_record(self) -> int:
        """The number of the record's first line."""
        self._record.clear()
        return self._number + 1

    def go_back(self, error: Exception) -> ValueError:
        """Prepare to go on behind the record's first line; returns why the record couldn't be read."""
        rest = self._record[1:]
        self._left_to_reread -= sum(map(len, rest))
        if self._left_to_reread > 0:
            self._again.extendleft(reversed(rest))
            self._number -= len(rest)
            rest = []
        reason = (
            str(error) if isinstance(error, _UnreadableLine) else "the row has a quotation mark out of place"
        )
        return ValueError(f"{reason}; {len(rest)} lines after it could not be read" if rest else reason)


def _lines(file: BinaryIO) -> io.TextIOWrapper:
    return io.TextIOWrapper(file, "utf-8-sig", "surrogateescape", newline="")


def _read_line(file: io.TextIOWrapper) -> str:
    line = file.readline(LONGEST_LINE + 1)
    if len(line) > LONGEST_LINE:
        rest = line
        while rest and not rest.endswith(("\n", "\r")):
            rest = file.readline(LONGEST_LINE)
    return line


def _is_broken(line: str) -> bool:
    try:
        line.encode()
    except UnicodeEncodeError:
        return True
    return False


def _header(head: bytes) -> tuple[int, str]:
    """The first line that isn't blank, and its number."""
    if not head.removeprefix(codecs.BOM_UTF8).strip():
        raise UnknownFormat("The file is empty.")
    for number, line in enumerate(islice(_lines(io.BytesIO(head)), _MOST_BLANK_LINES), 1):
        if "\0" in line or _is_broken(line) or len(line) >= LONGEST_LINE:
            break
        if line.strip():
            return number, line.strip("\r\n")
    raise UnknownFormat("The file does not begin with a line of text.")


def csv_lines(rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """Each row as a line of CSV in UTF-8, ending in CRLF (RFC 4180)."""
    writer = csv.writer(_Echo())
    for row in rows:
        yield writer.writerow(row).encode()


def in_blocks(pieces: Iterable[bytes], size: int = 1 << 16) -> Iterator[bytes]:
    """The same bytes in fewer pieces, each but the last at least this long."""
    block = bytearray()
    for piece in pieces:
        block += piece
        if len(block) >= size:
            yield bytes(block)
            block.clear()
    if block:
        yield bytes(block)


class _Echo:
    def write(self, text: str) -> str:
        return text
