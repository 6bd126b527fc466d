"""Format the rows of a CSV file, and join what is written into blocks."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

_BLOCK_BYTES = 1 << 16


def format_csv_lines(rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """Yield each row as a line of CSV in UTF-8, ending in CRLF (RFC 4180)."""
    writer = csv.writer(_Echo())
    for row in rows:
        yield writer.writerow(row).encode()


def join_into_blocks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the same bytes in blocks of some 64 KB."""
    block = bytearray()
    for piece in pieces:
        block += piece
        if len(block) >= _BLOCK_BYTES:
            yield bytes(block)
            block.clear()
    if block:
        yield bytes(block)


class _Echo:
    """A file for `csv.writer` whose `write` returns the text, so that `writerow` returns the line."""

    def write(self, text: str) -> str:
        return text
