"""Uploaded JSON files: a list of items, or an object with lists of items under known names, read item by item.

Read as a whole, a list of empty lists would take twenty times its size in memory.
"""

import codecs
import json
import re
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from itertools import chain, islice
from typing import Any, BinaryIO

from movierating.ratings.formats.rows import RejectedFile, Row, parse_items
from movierating.ratings.formats.source_file import SourceFile
from movierating.ratings.formats.text_encoding import UTF8, detect_utf16

# In characters. A movie takes one or two thousand, a series with two thousand episodes some hundred times as many.
MAX_ITEM_LENGTH = 1 << 19
# Names of the lists of ratings in an object: our own and others', Simkl's by kind, and Ryot's. Other lists are skipped.
_LISTS = ("ratings", "movies", "shows", "anime", "metadata", "media")
_MAX_ITEM_DEPTH = 16
_BLOCK_BYTES = 1 << 17
_MAX_KEYS = 20
_SAMPLE = 5

_CONTAINERS = (dict, list)
_SPACE = re.compile(r"[ \t\r\n]*")
_COMMA = re.compile(r"[ \t\r\n]*,[ \t\r\n]*")
# Not strict: a control character in a title is the fault of a row, not of the file.
_scan: Callable[[str, int], tuple[object, int]] = json.JSONDecoder(strict=False).scan_once  # type: ignore[attr-defined]


class JsonFile:
    """A JSON file: its first items (`sample`), and `facts`, an object's members except lists (None for a bare list).

    The items of several lists are numbered in one sequence. All facts are known after the last item.
    """

    def __init__(self, source: SourceFile) -> None:
        """Read the sample. Raise RejectedFile if there is no list, or its first item is malformed."""
        self.source = source
        self.facts: dict[str, Any] | None = None
        self.sample: list[object] = []
        try:
            with closing(self.read_items()) as items:
                self.sample.extend(islice(items, _SAMPLE))
        except RejectedFile:
            # If the JSON is malformed after the first item, `read_rows` raises the error when it gets there.
            if not self.sample:
                raise

    def read_rows(self, parse: Callable[[str, int, Any], Row]) -> Iterator[Row]:
        """Return the rows of the items, as `parse_items` does. Raise RejectedFile if the JSON is malformed."""
        return parse_items(self.source.name, self.read_items(), parse)

    def read_items(self) -> Generator[object, None, None]:
        """Yield the items. Raise RejectedFile if the JSON is malformed."""
        with self.source.open() as file:
            text = _Text(file)
            if text.take("["):
                yield from text.read_rest_of_list()
            else:
                text.expect("{")
                self.facts = {}
                yield from self._read_items_of_object(text)
            if text.peek():
                raise text.make_error()

    def _read_items_of_object(self, text: "_Text") -> Iterator[object]:
        has_list = False
        for _ in range(_MAX_KEYS):
            key = text.read_value()
            text.expect(":")
            if text.take("["):
                is_known = key in _LISTS
                has_list = has_list or is_known
                yield from (item for item in text.read_rest_of_list() if is_known)
            elif isinstance(key, str) and self.facts is not None:
                self.facts[key] = text.read_value()
            if not text.take(","):
                break
        text.expect("}")
        if not has_list:
            names = ", ".join(f"“{name}”" for name in _LISTS)
            raise RejectedFile(f"The JSON is an object without a list named {names}.")


def find_object(item: object, names: Iterable[str]) -> str | None:
    """Return the first of these names under which an item has an object; None if there is none."""
    if not isinstance(item, dict):
        return None
    return next((name for name in names if isinstance(item.get(name), dict)), None)


def get_object(item: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the object that an item has under a name; an empty one if there is none."""
    value = item.get(name)
    return value if isinstance(value, dict) else {}


def _is_deeper(value: object, levels: int) -> bool:
    """Return True if lists and objects are nested in more levels than these."""
    nested = [value] if isinstance(value, _CONTAINERS) else []
    for _ in range(levels):
        inner = chain.from_iterable(each.values() if isinstance(each, dict) else each for each in nested)
        nested = [each for each in inner if isinstance(each, _CONTAINERS)]
    return bool(nested)


class _Text:
    """A window onto the text of a file, wide enough for the longest item."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._text = ""
        self._position = 0
        self._ended = False
        head = file.read(4)
        encoding = detect_utf16(head) or UTF8
        self._decode = codecs.getincrementaldecoder(encoding.name)(encoding.errors).decode
        self._head = head
        self._item_count = 0

    def _fill(self) -> None:
        while len(self._text) - self._position < MAX_ITEM_LENGTH and not self._ended:
            block = self._head + self._file.read(_BLOCK_BYTES)
            self._head = b""
            self._ended = not block
            self._text = self._text[self._position :] + self._decode(block, self._ended)
            self._position = 0

    def peek(self) -> str:
        """Skip spaces, and return the next character, or "" at the end. Raise RejectedFile after too many spaces."""
        self._fill()
        space = _SPACE.match(self._text, self._position)
        self._position = space.end() if space else self._position
        if self._position == len(self._text) and not self._ended:
            raise self.make_error()
        return self._text[self._position : self._position + 1]

    def take(self, mark: str) -> bool:
        """Skip this mark if it comes next; return True if it did."""
        if self.peek() != mark:
            return False
        self._position += 1
        return True

    def expect(self, mark: str) -> None:
        """Skip this mark. Raise RejectedFile if something else comes next."""
        if not self.take(mark):
            raise self.make_error()

    def read_value(self) -> object:
        """Return the next value. Raise RejectedFile if there is none, or if it is too long."""
        if len(self._text) - self._position < MAX_ITEM_LENGTH or self._text[self._position].isspace():
            self.peek()
            self._fill()
        try:
            value, self._position = _scan(self._text, self._position)
        except (ValueError, StopIteration, RecursionError) as error:
            raise self.make_error() from error
        # How deep the parser itself can go differs between versions of Python.
        if _is_deeper(value, _MAX_ITEM_DEPTH):
            raise self.make_error()
        return value

    def read_rest_of_list(self) -> Iterator[object]:
        """Yield the values of a list whose opening bracket was skipped."""
        if self.take("]"):
            return
        while True:
            yield self.read_value()
            self._item_count += 1
            comma = _COMMA.match(self._text, self._position)
            if comma:
                self._position = comma.end()
            elif not self.take(","):
                break
        self.expect("]")

    def make_error(self) -> RejectedFile:
        """Return the error for malformed JSON at the present position."""
        place = f"after item {self._item_count - 1}" if self._item_count else "at its beginning"
        return RejectedFile(f"The JSON is malformed, breaks off, or is nested too deeply {place}.")
