"""Read uploaded CSV files: columns by name, rows that may span lines, and errors for each invalid row.

Unlike in the data sets that `table_reader` reads, a cell may hold line breaks, the separator may be a spreadsheet's
semicolon or tab, and a line may end in LF, CRLF or CR.
"""

import codecs
import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from operator import itemgetter
from typing import Any

from movierating.ratings.formats.line_reader import (
    MAX_LINE_LENGTH,
    Lines,
    UnreadableLine,
    is_not_utf8,
    open_text,
)
from movierating.ratings.formats.rows import BadRow, Row, UnknownFormat
from movierating.ratings.formats.source_file import SourceFile

_MAX_BLANK_LINES = 100
_SEPARATORS = (",", ";", "\t")


# Parses one row from the file's name, its line and its cells by field.
ParseRow = Callable[[str, int, dict[str, Any]], Row]
# Parses many rows from the file's name, the first line and a sequence of cells for each field.
ParseColumns = Callable[[str, int, Sequence[Sequence[str]]], Sequence[Row] | None]


class CsvFile:
    """A CSV file: its `columns`, trimmed and in lower case, and its rows."""

    def __init__(self, source: SourceFile) -> None:
        """Read the header. Raise UnknownFormat if the file doesn't begin with a line of text."""
        self.source = source
        with source.open() as file:
            self._first_line, header = _read_header(file.read(MAX_LINE_LENGTH))
        self._separator = max(_SEPARATORS, key=header.count)
        try:
            cells = next(csv.reader([header], delimiter=self._separator, strict=True))
        except csv.Error as error:
            raise UnknownFormat("The first line of the file has a quotation mark out of place.") from error
        self.columns = [cell.strip().lower() for cell in cells]

    def rows(
        self, columns: Mapping[str, str], parse: ParseRow, parse_columns: ParseColumns | None = None
    ) -> Iterator[Row]:
        """Yield what `parse` returns for each row. `columns` names the column of each field.

        A cell is empty if the file has no such column. A row becomes a BadRow if it can't be read or `parse` raises
        ValueError. `parse_columns` may parse many rows at once; if it returns None, `parse` is called for each.
        """
        places = [self.columns.index(name) if name in self.columns else -1 for name in columns.values()]
        select, width = itemgetter(*places), len(self.columns)
        for line, records in self._read_records():
            rows = None
            if parse_columns and set(map(len, records)) == {width}:
                cells_by_column = [*zip(*records, strict=True), ("",) * len(records)]
                rows = parse_columns(self.source.name, line, select(cells_by_column))
            if rows is not None:
                yield from rows
                continue
            for number, cells in enumerate(records, line):
                if any(map(str.strip, cells)):
                    yield self._parse_row(number, cells, columns, select, parse)

    def _parse_row(
        self,
        line: int,
        cells: list[str],
        fields: Iterable[str],
        select: Callable[[Any], Sequence[str]],
        parse: ParseRow,
    ) -> Row:
        width = len(self.columns)
        try:
            if isinstance(cells, _Unreadable):
                raise ValueError(cells[0])
            if len(cells) != width:
                raise ValueError(f"the row has {len(cells)} columns where the first line has {width}")
            return parse(self.source.name, line, dict(zip(fields, select([*cells, ""]), strict=True)))
        except ValueError as error:
            return BadRow(self.source.name, line, str(error))

    def _read_records(self) -> Iterator[tuple[int, list[list[str]]]]:
        """Yield records with the line of the first: many if each is one valid line, otherwise one."""
        with self.source.open() as file:
            lines = Lines(file, self._first_line)
            while batch := lines.read_lines():
                records = _split_lines(batch, self._separator)
                if records is not None:
                    yield lines.number - len(batch) + 1, records
                else:
                    lines.unread(batch)
                    yield from self._read_one_by_one(lines)

    def _read_one_by_one(self, lines: Lines) -> Iterator[tuple[int, list[list[str]]]]:
        reader = csv.reader(lines, delimiter=self._separator, strict=True)
        while lines.has_unread():
            first = lines.begin_record()
            try:
                yield first, [next(reader)]
            except (csv.Error, UnreadableLine) as error:
                yield first, [_Unreadable([lines.go_back(error)])]


class _Unreadable(list[str]):
    """The reason why a record is invalid, instead of its cells."""


def _split_lines(lines: Sequence[str], separator: str) -> list[list[str]] | None:
    """Return the cells of each line; None if a record takes several lines, or one can't be read."""
    text = "".join(lines)
    if "\0" in text or (not text.isascii() and is_not_utf8(text)) or max(map(len, lines)) > MAX_LINE_LENGTH:
        return None
    try:
        records = list(csv.reader(lines, delimiter=separator, strict=True))
    except csv.Error:
        return None
    return records if len(records) == len(lines) else None


def _read_header(head: bytes) -> tuple[int, str]:
    """Return the number and the text of the first line that isn't blank."""
    if not head.removeprefix(codecs.BOM_UTF8).strip():
        raise UnknownFormat("The file is empty.")
    for number, line in enumerate(islice(open_text(io.BytesIO(head)), _MAX_BLANK_LINES), 1):
        if "\0" in line or is_not_utf8(line) or len(line) >= MAX_LINE_LENGTH:
            break
        if line.strip():
            return number, line.strip("\r\n")
    raise UnknownFormat("The file does not begin with a line of text.")


def csv_lines(rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """Yield each row as a line of CSV in UTF-8, ending in CRLF (RFC 4180)."""
    writer = csv.writer(_Echo())
    for row in rows:
        yield writer.writerow(row).encode()


def in_blocks(pieces: Iterable[bytes], size: int = 1 << 16) -> Iterator[bytes]:
    """Yield the same bytes in blocks of at least `size`, except the last."""
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
