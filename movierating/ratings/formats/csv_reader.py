"""Read uploaded CSV files: columns by name, rows that may span lines, and errors for each invalid row.

Unlike in the data sets that `table_reader` reads, a cell may hold line breaks, the separator may be a spreadsheet's
semicolon or tab, and a line may end in LF, CRLF or CR.
"""

import csv
import io
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain, islice
from operator import itemgetter
from typing import Any

from movierating.ratings.formats.date_order import DateFields
from movierating.ratings.formats.line_reader import MAX_LINE_LENGTH, Lines, UnreadableLine, has_invalid_bytes
from movierating.ratings.formats.rows import RatedRow, RejectedFile, RejectedRow, Row
from movierating.ratings.formats.source_file import SourceFile
from movierating.ratings.formats.text_encoding import (
    LATIN_1,
    TextEncoding,
    decode_head,
    detect_encoding,
    detect_utf16,
)

_MAX_BLANK_LINES = 100
# Each row is filled up to as many cells.
MAX_COLUMNS = 1_000
_MAX_LISTED_NAMES = 20
_SEPARATORS = (",", ";", "\t")


# Parses one row from the file's name, its line and its cells by field.
ParseRow = Callable[[str, int, dict[str, Any]], Row]
# Parses many rows from the file's name, the first line and a sequence of cells for each field.
ParseColumns = Callable[[str, int, Sequence[Sequence[str]]], Sequence[Row] | None]


class CsvFile:
    """A CSV file: its `header`, trimmed, its `columns`, which are the same in lower case, and its rows."""

    def __init__(self, source: SourceFile) -> None:
        """Read the header. Raise RejectedFile if the file doesn't begin with a line of at most MAX_COLUMNS cells."""
        self.source = source
        with source.open() as file:
            self._first_line, header = _read_header(file.read(MAX_LINE_LENGTH))
        separator = max(_SEPARATORS, key=header.count)
        # Criticker writes a blank behind each comma, also before quotation marks.
        has_blanks = header.count(separator) == header.count(separator + " ") > 0
        self._dialect: dict[str, Any] = {
            "delimiter": separator,
            "strict": True,
            "skipinitialspace": has_blanks,
        }
        try:
            cells = next(csv.reader([header], **self._dialect))
        except csv.Error as error:
            raise RejectedFile("The first line of the file has a quotation mark out of place.") from error
        if len(cells) > MAX_COLUMNS:
            raise RejectedFile(
                f"The first line of the file has {len(cells):,} columns, over {MAX_COLUMNS:,}."
            )
        self.header = [cell.strip() for cell in cells]
        self.columns = [name.lower() for name in self.header]

    @cached_property
    def _encoding(self) -> TextEncoding:
        with self.source.open() as file:
            return detect_encoding(file)

    def read_rows(
        self,
        columns: Mapping[str, str],
        parse: ParseRow,
        parse_columns: ParseColumns | None = None,
        *,
        dates: Collection[str] = (),
        is_month_first: bool = False,
    ) -> Iterator[Row]:
        """Yield what `parse` returns for each row. `columns` names the column of each field.

        A cell is empty if the file or the row has no such column. A row becomes a RejectedRow if it can't be read or if
        `parse` raises ValueError. `parse_columns` may parse many rows at once; if it returns None, `parse` is called
        for each. Raise RejectedFile if the file has two columns of a name.

        `dates` are the fields in which a spreadsheet may have written `3/5/2023`; `parse` gets them with the year
        first. The order of day and month is detected once for each column. If it has to be assumed, the first such row
        has a note, unless the service writes the month first (`is_month_first`).
        """
        date_fields = DateFields(
            dates, lambda name: self.read_column(columns[name]), is_month_first=is_month_first
        )
        parser = _RowParser(self, columns, parse, parse_columns, date_fields)
        for line, records in self._read_records(self._encoding):
            yield from parser.parse_records(line, records)

    def find_index(self, name: str) -> int:
        """Return the index of a column, -1 for one that the file does not have. Raise RejectedFile if it has two."""
        if (count := self.columns.count(name)) > 1:
            name_in_zip = f" “{self.source.name}”" if self.source.name else ""
            raise RejectedFile(
                f"The file{name_in_zip} has {count} columns “{name}”. Rename or delete all but one."
            )
        return self.columns.index(name) if count else -1

    def read_column(self, name: str, encoding: TextEncoding | None = None) -> Iterator[str]:
        """Yield the cells of a column, without those of rows that can't be read."""
        if name not in self.columns:
            return
        index = self.columns.index(name)
        for _, records in self._read_records(encoding or self._encoding):
            yield from (cells[index] for cells in records if len(cells) > index)

    def read_cells(self, max_rows: int) -> list[list[str]]:
        """Return the cells of the first rows, as many as there are columns, without rows that can't be read."""
        width, records = len(self.header), (each for _, each in self._read_records(self._encoding))
        readable = (cells for cells in chain.from_iterable(records) if not isinstance(cells, _Unreadable))
        return [[*cells[:width], *[""] * (width - len(cells))] for cells in islice(readable, max_rows)]

    def read_numbers(self, name: str) -> Iterator[str]:
        """Return the cells of a column, in which only ASCII is right: the file is not read to detect its encoding."""
        with self.source.open() as file:
            head = file.read(4)
        return self.read_column(name, detect_utf16(head) or LATIN_1)

    def _read_records(self, encoding: TextEncoding) -> Iterator[tuple[int, list[list[str]]]]:
        """Yield records with the line of the first: many if each is one valid line, otherwise one."""
        with self.source.open() as file:
            lines = Lines(file, encoding, self._first_line)
            while batch := lines.read_lines():
                records = _split_lines(batch, self._dialect)
                if records is not None:
                    yield lines.number - len(batch) + 1, records
                else:
                    lines.unread(batch)
                    yield from self._read_one_by_one(lines)

    def _read_one_by_one(self, lines: Lines) -> Iterator[tuple[int, list[list[str]]]]:
        reader = csv.reader(lines, **self._dialect)
        while lines.has_unread():
            first = lines.begin_record()
            try:
                yield first, [next(reader)]
            except (csv.Error, UnreadableLine) as error:
                yield first, [_Unreadable(lines.go_back(error))]


class _RowParser:
    """Parses the records of a CSV file with the functions of a format."""

    def __init__(
        self,
        file: CsvFile,
        columns: Mapping[str, str],
        parse: ParseRow,
        parse_columns: ParseColumns | None,
        date_fields: DateFields,
    ) -> None:
        """`columns` names the column of each field. Raise RejectedFile if the file has two of a name."""
        self._file_name, self._width, self._fields = file.source.name, len(file.columns), list(columns)
        # It takes the last cell for a column that the file does not have; an empty one is added there.
        self._select: Callable[[Any], Sequence[Any]] = itemgetter(*map(file.find_index, columns.values()))
        self._parse, self._parse_columns, self._date_fields = parse, parse_columns, date_fields

    def parse_records(self, line: int, records: Sequence[list[str]]) -> Iterator[Row]:
        """Yield the rows of records, of which the first is at `line`; nothing for a blank one."""
        rows = self._parse_together(line, records)
        if rows is not None:
            yield from rows
            return
        for number, cells in enumerate(records, line):
            if any(map(str.strip, cells)) or isinstance(cells, _Unreadable):
                yield self._parse_row(number, cells)

    def _parse_together(self, line: int, records: Sequence[list[str]]) -> Sequence[Row] | None:
        """Return the rows of the records, parsed column by column; None if each must be parsed by itself."""
        if self._parse_columns is None or set(map(len, records)) != {self._width}:
            return None
        columns = [*zip(*records, strict=True), ("",) * len(records)]
        return self._parse_columns(self._file_name, line, self._select(columns))

    def _parse_row(self, line: int, cells: list[str]) -> Row:
        try:
            fields = dict(zip(self._fields, self._select([*self._fit_width(cells), ""]), strict=True))
            note = self._date_fields.normalize(fields)
            row = self._parse(self._file_name, line, fields)
        except ValueError as error:
            return RejectedRow(self._file_name, line, str(error))
        return row.prepend_note(note) if note and isinstance(row, RatedRow) else row

    def _fit_width(self, cells: list[str]) -> list[str]:
        """Return as many cells as there are columns. Raise ValueError if the row has more that are not empty."""
        if isinstance(cells, _Unreadable):
            raise ValueError(cells.reason)
        if len(cells) == self._width:
            return cells
        if any(map(str.strip, cells[self._width :])):
            raise ValueError(f"the row has {len(cells)} columns where the first line has {self._width}")
        return [*cells[: self._width], *[""] * (self._width - len(cells))]


class _Unreadable(list[str]):
    """A record that can't be read: it has no cells, but a reason for the user."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


def _split_lines(lines: Sequence[str], dialect: Mapping[str, Any]) -> list[list[str]] | None:
    """Return the cells of each line; None if a record takes several lines, or one can't be read."""
    text = "".join(lines)
    if (
        "\0" in text
        or (not text.isascii() and has_invalid_bytes(text))
        or max(map(len, lines)) > MAX_LINE_LENGTH
    ):
        return None
    try:
        records = list(csv.reader(lines, **dialect))
    except csv.Error:
        return None
    return records if len(records) == len(lines) else None


def _read_header(head: bytes) -> tuple[int, str]:
    """Return the number and the text of the first line that isn't blank."""
    # Programs that put a byte order mark before one that is there leave a second.
    text = decode_head(head).lstrip("\ufeff")
    if not text.strip():
        raise RejectedFile("The file is empty.")
    lines = io.StringIO(text, newline="")
    for number, line in enumerate(islice(lines, _MAX_BLANK_LINES), 1):
        if "\0" in line or has_invalid_bytes(line):
            break
        if len(line) >= MAX_LINE_LENGTH:
            raise RejectedFile(f"The first line has {MAX_LINE_LENGTH:,} characters or more.")
        if line.strip():
            return number, line.strip("\r\n")
    raise RejectedFile(
        "The file does not begin with a line of text. If it is a table, save it as CSV in UTF-8."
    )


def list_names(names: Sequence[str]) -> str:
    """Return the first names for an error message, shortened."""
    first = [name[:40] if name.isprintable() else "?" for name in names[:_MAX_LISTED_NAMES]]
    return ", ".join([*first, "…"] if len(names) > len(first) else first) or "it is empty"
