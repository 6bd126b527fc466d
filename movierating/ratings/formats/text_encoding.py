"""Detect the encoding of an uploaded text file: UTF-8, UTF-16 or Windows-1252."""

import codecs
import io
import re
from typing import BinaryIO, NamedTuple

from movierating.ratings.formats.rows import RejectedFile

_BLOCK_BYTES = 1 << 17
_INVALID = re.compile("[\udc80-\udcff]")
# Four letters beyond ASCII in a row are rare in the languages of Windows-1252, and frequent in other scripts.
_OTHER_SCRIPT = re.compile("[\udc80-\udcff]{4,}")
_VALID = re.compile("[^\x00-\x7f\udc80-\udcff]")


class TextEncoding(NamedTuple):
    """A codec of Python and its error handler."""

    name: str
    errors: str


# Invalid bytes become lone surrogates.
UTF8 = TextEncoding("utf-8-sig", "surrogateescape")
WINDOWS_1252 = TextEncoding("cp1252", "surrogateescape")
# In UTF-16 a lone surrogate can be valid.
UTF16 = TextEncoding("utf-16", "replace")
UTF16_LE = TextEncoding("utf-16-le", "replace")
# Each byte is a letter.
LATIN_1 = TextEncoding("latin-1", "strict")


def detect_encoding(file: BinaryIO) -> TextEncoding:
    """Read a file to its end and return its encoding, in the memory of one block.

    A UTF-8 file with a few invalid bytes is still UTF-8: it has more letters beyond ASCII than invalid bytes. Raise
    RejectedFile if the bytes are letters of another script, which would become unreadable titles.
    """
    decoder = codecs.getincrementaldecoder(UTF8.name)(UTF8.errors)
    valid = invalid = other_script = 0
    is_first = True
    while block := file.read(_BLOCK_BYTES):
        if is_first and (utf16 := detect_utf16(block)):
            return utf16
        is_first = False
        text = decoder.decode(block)
        if not text.isascii():
            valid += len(_VALID.findall(text))
            invalid += len(_INVALID.findall(text))
            other_script += sum(map(len, _OTHER_SCRIPT.findall(text)))
    if not invalid or invalid < valid:
        return UTF8
    if other_script > invalid / 2:
        raise RejectedFile("The text is neither UTF-8 nor Windows-1252: save the file as CSV in UTF-8.")
    return WINDOWS_1252


def detect_utf16(head: bytes) -> TextEncoding | None:
    """Return the encoding of a file with this head, of 4 bytes or more, if it is UTF-16; otherwise None.

    Without a byte order mark, it is little-endian and begins with two characters of ASCII.
    """
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return UTF16
    return UTF16_LE if head[1:4:2] == b"\0\0" and b"\0" not in head[:3:2] else None


def decode_head(head: bytes) -> str:
    """Return the text of the first bytes of a file, which may end within a letter."""
    if utf16 := detect_utf16(head):
        return head.decode(utf16.name, utf16.errors)
    try:
        return codecs.getincrementaldecoder("utf-8-sig")().decode(head)
    except UnicodeDecodeError:
        return head.decode(WINDOWS_1252.name, WINDOWS_1252.errors)


def open_text(file: BinaryIO, encoding: TextEncoding) -> io.TextIOWrapper:
    """Open a file as text with its line ends unchanged."""
    return io.TextIOWrapper(file, encoding.name, encoding.errors, newline="")
