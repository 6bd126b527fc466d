"""Delimited text files of any length, read a block of whole lines at a time in the memory of one block."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeVar

from movierating.ratings.formats.rows import RejectedRow

BLOCK_BYTES = 1 << 18
# No row of a data set is as long; longer lines are cut.
MAX_LINE_BYTES = 1 << 16
_BOM = b"\xef\xbb\xbf"

T = TypeVar("T")


class Block(NamedTuple):
    """Whole lines, each ending in `\\n`; `end` is how many bytes of the file have been read with them."""

    first_line: int
    text: bytes
    end: int


@dataclass(frozen=True)
class Table:
    """A file of rows: its delimiter, the indexes of the columns to read, and how many columns a row has."""

    path: Path
    delimiter: str
    column_indexes: tuple[int, ...] = ()
    column_count: int = 0
    has_header: bool = False

    @classmethod
    def with_header(cls, path: Path, names: tuple[str, ...]) -> "Table":
        """Open a CSV file in UTF-8 whose header has these columns, in any order and among others.

        Raise ValueError with the reason if it is something else, OSError if it can't be read.
        """
        header = cls(path, ",").read_first_row()
        missing = [name for name in names if name not in header]
        if missing:
            raise ValueError(f"{path.name} has no column {', '.join(missing)} in its first line")
        return cls(path, ",", tuple(header.index(name) for name in names), len(header), has_header=True)

    @classmethod
    def without_header(cls, path: Path, delimiter: str, column_count: int) -> "Table":
        """Open a file whose rows have this many columns, the first a number, all to be read.

        Raise as `with_header` does.
        """
        first = cls(path, delimiter).read_first_row()
        if len(first) != column_count or not (first[0].isascii() and first[0].isdigit()):
            raise ValueError(
                f"{path.name} doesn't begin with an id and {column_count} columns separated by {delimiter!r}"
            )
        return cls(path, delimiter, tuple(range(column_count)), column_count)

    def read_first_row(self) -> list[str]:
        """Return all cells of the first line. Raise ValueError if it can't be one of a text file."""
        with self.path.open("rb") as file:
            _skip_bom(file)
            line = file.readline(MAX_LINE_BYTES + 1)
        try:
            return self._split(line.rstrip(b"\r\n"))
        except ValueError as error:
            raise ValueError(f"{self.path.name}: the first line {error}") from error

    def read_blocks(self) -> Iterator[Block]:
        """Yield the file after its header. A line longer than MAX_LINE_BYTES is cut, but is still longer than that."""
        with self.path.open("rb") as file:
            _skip_bom(file)
            if self.has_header:
                file.readline()
            line = 1 + self.has_header
            while text := _read_whole_lines(file):
                yield Block(line, text, file.tell())
                line += text.count(b"\n")

    def split_plain_columns(self, block: Block) -> list[list[str]] | None:
        """Return the columns of a block whose rows are digits, dots and delimiters only; None for any other block.

        A dozen calls do for the block what `parse_block` does with several for each row, some ten times slower.
        """
        if block.text.translate(None, b"0123456789.\n" + self.delimiter.encode()):
            return None
        # The line breaks become cells, so that a short row beside a long one can't pass for two good ones.
        cells = block.text.decode("ascii").replace("\n", f"{self.delimiter}\n{self.delimiter}")
        row = cells.split(self.delimiter)
        step = self.column_count + 1
        if row[self.column_count :: step] != ["\n"] * block.text.count(b"\n"):
            return None
        return [row[index:-1:step] for index in self.column_indexes]

    def read_rows(self, parse: Callable[[int, list[str]], T]) -> Iterator[T | RejectedRow]:
        """Yield `parse(line, cells)` of each row of the file, or a RejectedRow if the row is invalid."""
        for block in self.read_blocks():
            yield from self.parse_block(block, parse)

    def parse_block(self, block: Block, parse: Callable[[int, list[str]], T]) -> Iterator[T | RejectedRow]:
        """Yield `parse(line, cells)` of each row of a block, or a RejectedRow if that or the row raises ValueError."""
        for number, line in enumerate(block.text.split(b"\n"), block.first_line):
            if not line.strip():
                continue
            try:
                row: T | RejectedRow = parse(number, self._select_cells(line))
            except ValueError as error:
                row = RejectedRow(self.path.name, number, str(error))
            yield row

    def _select_cells(self, line: bytes) -> list[str]:
        cells = self._split(line)
        if len(cells) != self.column_count:
            raise ValueError(f"has {len(cells)} instead of {self.column_count} columns")
        return [cells[index] for index in self.column_indexes]

    def _split(self, line: bytes) -> list[str]:
        if len(line) > MAX_LINE_BYTES:
            raise ValueError(f"is longer than {MAX_LINE_BYTES} bytes")
        if b"\0" in line:
            raise ValueError("has a NUL byte")
        text = self._decode(line)
        if self.delimiter != "," or '"' not in text:
            return text.split(self.delimiter)
        try:
            return next(csv.reader([text], strict=True), [])
        except csv.Error as error:
            raise ValueError("has a quotation mark out of place") from error

    def _decode(self, line: bytes) -> str:
        try:
            return line.decode()
        except UnicodeDecodeError as error:
            if self.delimiter == ",":
                raise ValueError("is not UTF-8") from error
            # Data sets without a header are Latin-1, except ml-10m.
            return line.decode("latin-1")


def _skip_bom(file: BinaryIO) -> None:
    if file.read(len(_BOM)) != _BOM:
        file.seek(0)


def _read_whole_lines(file: BinaryIO) -> bytes:
    text = file.read(BLOCK_BYTES)
    if text and not text.endswith(b"\n"):
        text += file.readline(MAX_LINE_BYTES + 1)
        if not text.endswith(b"\n"):
            _skip_line(file)
            text += b"\n"
    return text.replace(b"\r\n", b"\n")


def _skip_line(file: BinaryIO) -> None:
    while (rest := file.readline(BLOCK_BYTES)) and not rest.endswith(b"\n"):
        pass
