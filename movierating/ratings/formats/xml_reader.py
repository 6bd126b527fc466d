"""Uploaded XML files: a root element with items, whose child elements hold text. They are read item by item.

Document types and entities are rejected, so no entity can grow. Elements may be neither deep nor of many names, because
the parser keeps each name; a tag, comment or instruction must be short, because the parser keeps its text.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import Any
from xml.sax import SAXException
from xml.sax.handler import ContentHandler

from defusedxml.sax import make_parser

from movierating.ratings.formats.rows import RejectedFile, Row, parse_items
from movierating.ratings.formats.source_file import SourceFile

# In bytes, for what the parser returns at once.
MAX_MARKUP_LENGTH = 1 << 18
_BLOCK_BYTES = 1 << 16
_HEAD_BYTES = 1 << 12
_MAX_DEPTH = 16
_MAX_NAMES = 200
# 40 for each row that an import may have. In a ZIP, a small file can have many more.
_MAX_EVENTS = 4_000_000
_MAX_TEXT_LENGTH = 2_000
_ROOT, _ITEM, _CELL = 1, 2, 3
_MALFORMED = "The XML is malformed, breaks off, or is nested too deeply"
_REJECTED = "The file is a web page, or XML with a document type, entities or an unknown encoding."

# The text of each child element of an item, by its name in lower case.
Item = dict[str, str]


class XmlFile:
    """An XML file: the name of its `root` element, in lower case, and its items."""

    def __init__(self, source: SourceFile) -> None:
        """Read the name of the root. Raise RejectedFile if there is none."""
        self.source = source
        with closing(self._read_blocks(_HEAD_BYTES)) as handlers:
            self.root = next((handler.root for handler in handlers if handler.root), "")

    def read_rows(self, parse: Callable[[str, int, Item], Row]) -> Iterator[Row]:
        """Return the rows of the items, as `parse_items` does. Raise RejectedFile if the XML is malformed."""
        return parse_items(self.source.name, self.read_items(), parse)

    def read_items(self) -> Iterator[Item]:
        """Yield the items. Raise RejectedFile if the XML is malformed."""
        for handler in self._read_blocks():
            yield from handler.items
            handler.items.clear()

    def _read_blocks(self, size: int = _BLOCK_BYTES) -> Generator["_Handler", None, None]:
        """Yield the same handler after each block, with the items that end in the block."""
        parser, handler = make_parser(), _Handler()
        parser.forbid_dtd = True
        parser.setContentHandler(handler)
        bytes_without_events = 0
        with self.source.open() as file:
            while block := file.read(size):
                events = handler.events
                _parse(parser, handler, block)
                bytes_without_events = 0 if handler.events > events else bytes_without_events + len(block)
                if bytes_without_events >= MAX_MARKUP_LENGTH:
                    raise handler.make_error()
                if handler.events > _MAX_EVENTS:
                    raise RejectedFile(f"The XML has more than {_MAX_EVENTS:,} elements and texts.")
                yield handler
        _parse(parser, handler, None)
        yield handler


def _parse(parser: Any, handler: "_Handler", block: bytes | None) -> None:
    """Parse the next block, or the end of the file. Raise RejectedFile if that fails."""
    try:
        if block is None:
            parser.close()
        else:
            parser.feed(block)
    except SAXException as error:
        raise handler.make_error() from error
    # Errors of defusedxml, and of Python's decoders for other encodings.
    except (ValueError, LookupError) as error:
        raise RejectedFile(_REJECTED) from error


class _Handler(ContentHandler):
    """The items of the current block, and how many elements and pieces of text there have been in all."""

    def __init__(self) -> None:
        super().__init__()
        self.root = ""
        self.items: list[Item] = []
        self.events = 0
        self._depth = 0
        self._names: set[str] = set()
        self._item: Item = {}
        self._text = ""
        self._item_count = 0

    def startElement(self, name: str, attrs: Any) -> None:
        """Begin the root, an item or a cell. Raise RejectedFile if there are too many levels or names."""
        self._depth += 1
        self.events += 1
        self._names.add(name)
        self._names.update(attrs.keys())
        if self._depth > _MAX_DEPTH or len(self._names) > _MAX_NAMES:
            raise self.make_error()
        if self._depth == _ROOT:
            self.root = name.lower()
        elif self._depth == _ITEM:
            self._item = {}
        elif self._depth == _CELL:
            self._text = ""

    def characters(self, content: str) -> None:
        """Add text to the cell; what is longer than any title or date is left out."""
        self.events += 1
        if self._depth == _CELL and len(self._text) < _MAX_TEXT_LENGTH:
            self._text += content[:_MAX_TEXT_LENGTH]

    def endElement(self, name: str) -> None:
        """End a cell or an item."""
        if self._depth == _CELL:
            self._item[name.lower()] = self._text
        elif self._depth == _ITEM:
            self.items.append(self._item)
            self._item_count += 1
        self._depth -= 1

    def make_error(self) -> RejectedFile:
        """Return the error for malformed XML at the present position."""
        place = f"after item {self._item_count - 1}" if self._item_count else "at its beginning"
        return RejectedFile(f"{_MALFORMED} {place}.")
