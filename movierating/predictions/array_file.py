"""Files of named arrays: written whole or not at all, checked when opened, and shared by all processes that map them.

The format: a line that names it, a line of JSON (the header), the CRC-32 of that line as 8 hexadecimal digits and a
newline; then the arrays, each at a multiple of 64 bytes from the start of the file. The header's `arrays` gives type,
shape, position and CRC-32 of each. Numbers are in the byte order of the machine, which the header names: each machine
makes the file itself.
"""

import json
import mmap
import os
import sys
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

MAGIC = b"movierating arrays 1\n"
ALIGNMENT_BYTES = 64
# A header with a thousand genres has 20 KB.
MAX_HEADER_BYTES = 1_000_000
# The decimal digits of a position in a file.
MAX_DIGITS = 15
ITEM_BYTES = {"f": 4, "d": 8, "i": 4, "q": 8, "B": 1}


class ArrayFileError(Exception):
    """A file is absent, damaged, or of another format; the message is one line that says so."""


@contextmanager
def reporting_contents(path: Path) -> Iterator[None]:
    """Raise ArrayFileError instead of the errors that unexpected contents of a file cause in the block."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise ArrayFileError(f"{path} has unexpected contents ({type(error).__name__}: {error})") from error


class ArrayFile:
    """A mapped file of arrays. `header` is its JSON; an open file stays readable after it was replaced."""

    def __init__(self, path: Path) -> None:
        try:
            with path.open("rb") as file:
                self.header = _read_header(file.read(len(MAGIC) + MAX_HEADER_BYTES), path)
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise ArrayFileError(f"{path} can't be read ({error})") from error
        self._bytes = memoryview(self._map)
        # Type code, start and end of each array.
        self._locations: dict[str, tuple[str, int, int]] = {}
        with reporting_contents(path):
            self._check_arrays(path)

    def _check_arrays(self, path: Path) -> None:
        for name, (code, shape, start, checksum) in self.header["arrays"].items():
            end = start + ITEM_BYTES[code] * prod(shape)
            if end > len(self._bytes):
                raise ArrayFileError(f"{path} is truncated: {name} ends at {end} of {len(self._bytes)} bytes")
            if zlib.crc32(self._bytes[start:end]) != checksum:
                raise ArrayFileError(f"{path} is damaged: the checksum of {name} is wrong")
            self._locations[name] = (code, start, end)
        self.release_pages()

    def release_pages(self) -> None:
        """Let the system count the pages that were read no longer as memory of this process, until the next read."""
        if hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)

    def get_array(self, name: str) -> "memoryview[Any]":
        """Return an array as one flat memoryview, row after row. It needs no memory of this process."""
        code, start, end = self._locations[name]
        return self._bytes[start:end].cast(code)  # type: ignore[call-overload, no-any-return]

    def check_array(self, name: str, code: str, *shape: int) -> None:
        """Raise an error that `reporting_contents` reports if an array is absent or has another type or shape."""
        expected = [code, [*shape]]
        if self.header["arrays"][name][:2] != expected or len(self.get_array(name)) != prod(shape):
            raise ValueError(f"{name} is {self.header['arrays'][name][:2]} instead of {expected}")


def _read_header(start: bytes, path: Path) -> dict[str, Any]:
    """Return the header from the first bytes of a file. Raise ArrayFileError."""
    if not start.startswith(MAGIC):
        raise ArrayFileError(f"{path} is of another format or version")
    lines = start[len(MAGIC) :].split(b"\n", 2)
    if len(lines) < 3 or lines[1] != _checksum(lines[0]):
        raise ArrayFileError(f"{path} is damaged: the checksum of its header is wrong")
    with reporting_contents(path):
        header: dict[str, Any] = json.loads(lines[0])
        if header["byte_order"] != sys.byteorder:
            raise ArrayFileError(f"{path} is of a machine with another byte order")
    return header


def _checksum(text: bytes) -> bytes:
    return b"%08x" % zlib.crc32(text)


def write_arrays(path: Path, header: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
    """Write `header` (JSON) and `arrays` (contiguous buffers such as numpy's) to `path`.

    A reader sees the old file or the complete new one, after a crash too. Raise OSError, for example if the disk is
    full; then the old file remains.
    """
    draft = path.with_name(f".{path.name}.draft")
    try:
        with draft.open("wb") as file:
            _write(file, header, {name: memoryview(array) for name, array in arrays.items()})
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _write(file: BinaryIO, header: Mapping[str, Any], arrays: Mapping[str, memoryview]) -> None:
    contents = {name: array.cast("B") if array.nbytes else memoryview(b"") for name, array in arrays.items()}
    # Type code, shape, position and checksum of each array.
    entries: dict[str, list[Any]] = {
        name: [_get_code(array), list(array.shape or ()), 0, zlib.crc32(contents[name])]
        for name, array in arrays.items()
    }
    # The positions depend on the length of the header, which depends on the digits of the positions: so leave room.
    position = _align(len(_encode_header(header, entries)) + MAX_DIGITS * len(entries))
    for name, content in contents.items():
        entries[name][2] = position
        position += _align(len(content))
    text = _encode_header(header, entries)
    file.write(text)
    for name, content in contents.items():
        file.seek(entries[name][2])
        file.write(content)
    file.truncate(position)


def _encode_header(header: Mapping[str, Any], entries: Mapping[str, Any]) -> bytes:
    text = json.dumps({**header, "byte_order": sys.byteorder, "arrays": entries}).encode()
    return MAGIC + text + b"\n" + _checksum(text) + b"\n"


def _get_code(array: memoryview) -> str:
    # numpy calls a 64-bit integer "l" where C's long has 64 bits.
    code = {"l": "q"}.get(array.format, array.format)
    if array.itemsize != ITEM_BYTES.get(code):
        raise ValueError(f"arrays of type {array.format!r} are not supported")
    return code


def _align(size: int) -> int:
    return -(-size // ALIGNMENT_BYTES) * ALIGNMENT_BYTES


def _sync_folder(folder: Path) -> None:
    """Make the new name durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
