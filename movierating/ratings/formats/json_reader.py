"""Uploaded JSON files: a list of items, or an object with lists of items under known names, read item by item.

Read as a whole, a list of empty lists would take twenty times its size in memory.
"""

import codecs
import json
import re
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from itertools import islice
from typing import Any, BinaryIO

from movierating.ratings.formats.rows import BadRow, Row, UnknownFormat
from movierating.ratings.formats.source_file import SourceFile
from movierating.ratings.formats.text_encoding import UTF8, detect_utf16

# In characters. A movie takes one or two thousand, a series with a thousand episodes a hundred times as many.
MAX_ITEM_LENGTH = 1 << 18
# Names of the lists of ratings in an object: our own and others', and Simkl's by kind.
_LISTS = ("ratings", "movies", "shows", "anime")
_MAX_ITEM_DEPTH = 16
_BLOCK_BYTES = 1 << 17
_MAX_KEYS = 20
_SAMPLE = 5

_SPACE = re.compile(r"[ \t\r\n]*")
_COMMA = re.compile(r"[ \t\r\n]*,[ \t\r\n]*")
# Not strict: a control character in a title is the fault of a row, not of the file.
_scan: Callable[[str, int], tuple[object, int]] = json.JSONDecoder(strict=False).scan_once  # type: ignore[attr-defined]


class JsonFile:
    """A JSON file: its first items (`sample`), and `facts`, an object's other members (None for a bare list).

    The items of several lists are numbered in one sequence.

    All facts are known once the items have been read to their end.
    """

    def __init__(self, source: SourceFile) -> None:
        """Read the sample. Raise UnknownFormat if there is no list, or its first item is malformed."""
        self.source = source
        self.facts: dict[str, Any] | None = None
        self.sample: list[object] = []
        try:
            with closing(self._items()) as items:
                self.sample.extend(islice(items, _SAMPLE))
        except UnknownFormat:
            # If the JSON is malformed after the first item, `rows` raises the error when it gets there.
            if not self.sample:
                raise

    def rows(self, parse: Callable[[str, int, Any], Row]) -> Iterator[Row]:
        """Yield `parse(file name, index, item)` of each item, or a BadRow if it raises ValueError.

        Raise UnknownFormat if the JSON is malformed.
        """
        for index, item in enumerate(self._items()):
            try:
                row = parse(self.source.name, index, item)
            except ValueError as error:
                row = BadRow(self.source.name, index, str(error))
            yield row

    def _items(self) -> Generator[object, None, None]:
        with self.source.open() as file:
            text = _Text(file)
            if text.take("["):
                yield from text.read_rest_of_list()
            else:
                text.expect("{")
                self.facts = {}
                yield from self._items_of_object(text)
            if text.peek():
                raise text.malformed()

    def _items_of_object(self, text: "_Text") -> Iterator[object]:
        has_list = False
        for _ in range(_MAX_KEYS):
            key = text.read_value()
            text.expect(":")
            if key in _LISTS and text.take("["):
                has_list = True
                yield from text.read_rest_of_list()
            elif isinstance(key, str) and self.facts is not None:
                self.facts[key] = text.read_value()
            if not text.take(","):
                break
        text.expect("}")
        if not has_list:
            names = ", ".join(f"“{name}”" for name in _LISTS)
            raise UnknownFormat(f"The JSON is an object without a list named {names}.")


def _is_deeper(value: object, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(each, levels - 1) for each in inner)


class _Text:
    """A window onto the text of a file, wide enough for the longest item."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._text = ""
        self._at = 0
        self._ended = False
        head = file.read(4)
        encoding = detect_utf16(head) or UTF8
        self._decode = codecs.getincrementaldecoder(encoding.name)(encoding.errors).decode
        self._head = head
        self._done = 0

    def _fill(self) -> None:
        while len(self._text) - self._at < MAX_ITEM_LENGTH and not self._ended:
            block = self._head + self._file.read(_BLOCK_BYTES)
            self._head = b""
            self._ended = not block
            self._text = self._text[self._at :] + self._decode(block, self._ended)
            self._at = 0

    def peek(self) -> str:
        """Return the next character that is no space, or "" at the end. Raise UnknownFormat after too much space."""
        self._fill()
        space = _SPACE.match(self._text, self._at)
        self._at = space.end() if space else self._at
        if self._at == len(self._text) and not self._ended:
            raise self.malformed()
        return self._text[self._at : self._at + 1]

    def take(self, mark: str) -> bool:
        """Skip this mark if it comes next; return True if it did."""
        if self.peek() != mark:
            return False
        self._at += 1
        return True

    def expect(self, mark: str) -> None:
        """Skip this mark. Raise UnknownFormat if something else comes next."""
        if not self.take(mark):
            raise self.malformed()

    def read_value(self) -> object:
        """Return the next value. Raise UnknownFormat if there is none, or if it is too long."""
        if len(self._text) - self._at < MAX_ITEM_LENGTH or self._text[self._at].isspace():
            self.peek()
            self._fill()
        try:
            value, self._at = _scan(self._text, self._at)
        except (ValueError, StopIteration, RecursionError) as error:
            raise self.malformed() from error
        # How deep the parser itself can go differs between versions of Python.
        if _is_deeper(value, _MAX_ITEM_DEPTH):
            raise self.malformed()
        return value

    def read_rest_of_list(self) -> Iterator[object]:
        """Yield the values of a list whose opening bracket was skipped."""
        if self.take("]"):
            return
        while True:
            yield self.read_value()
            self._done += 1
            comma = _COMMA.match(self._text, self._at)
            if comma:
                self._at = comma.end()
            elif not self.take(","):
                break
        self.expect("]")

    def malformed(self) -> UnknownFormat:
        """Return the error to raise at this place."""
        place = f"after item {self._done - 1}" if self._done else "at its beginning"
        return UnknownFormat(f"The JSON is malformed, breaks off, or is nested too deeply {place}.")
