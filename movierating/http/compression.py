"""Compression of bodies with gzip, for clients whose `Accept-Encoding` allows it."""

import functools
import zlib
from collections.abc import Iterable, Iterator

from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header

# Smaller bodies fit in one packet anyway.
MAX_UNCOMPRESSED_BYTES = 1024

# Clients choose the header, so the time to parse it and the memory to cache it need a limit.
_MAX_HEADER_LENGTH = 256
# Higher levels take twice the time for some percent. It is worth it for files, which are compressed once.
_LEVEL, _FILE_LEVEL = 4, 9
# zlib's number for the gzip format with the largest window.
_GZIP_FORMAT = 31


def accepts_gzip(accept_encoding: str | None) -> bool:
    """Return True if a client that sent this header takes gzip, and does not prefer `identity`."""
    if accept_encoding is None or len(accept_encoding) > _MAX_HEADER_LENGTH:
        return False
    return _prefers_gzip(accept_encoding)


@functools.lru_cache(maxsize=100)
def _prefers_gzip(accept_encoding: str) -> bool:
    codings = {name.lower(): quality for name, quality in parse_accept_header(accept_encoding, Accept)}
    gzip: float = codings.get("gzip", codings.get("*", 0))
    return 0 < gzip >= codings.get("identity", 0)


def compress(body: bytes) -> bytes:
    """Return the body in the gzip format. Equal bodies give equal bytes."""
    return zlib.compress(body, _LEVEL, _GZIP_FORMAT)


@functools.lru_cache(maxsize=8)
def compress_file(content: bytes) -> bytes:
    """Return the content of a file of the package in the gzip format."""
    return zlib.compress(content, _FILE_LEVEL, _GZIP_FORMAT)


def compress_blocks(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the blocks of a body in the gzip format."""
    compressor = zlib.compressobj(_LEVEL, wbits=_GZIP_FORMAT)
    for block in blocks:
        if compressed := compressor.compress(block):
            yield compressed
    yield compressor.flush()
