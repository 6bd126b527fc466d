"""Uploads and reports that are stored in the database for an hour, so that any host can continue with them."""

import gzip
import math
import secrets
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import IO, Any, BinaryIO, Literal, NamedTuple, cast

from sqlalchemy import Connection, delete, insert, or_, select
from sqlalchemy.exc import IntegrityError

from movierating import clock
from movierating.errors import Conflict, NotFound
from movierating.ratings.models import StoredFile, StoredFilePart
from movierating.storage import storage_errors
from movierating.storage.database import read, write

LIFETIME_SECONDS = 3600
PART_BYTES = 256 * 1024
MAX_NAME_LENGTH = 100
# Larger files are compressed and read on disk.
_MAX_MEMORY_BYTES = 1 << 20
# A higher level takes much longer and saves little.
_COMPRESSION_LEVEL = 4

Kind = Literal["upload", "report"]
_file, _part = StoredFile.__table__.c, StoredFilePart.__table__.c


class FileEntry(NamedTuple):
    """A stored file without its content."""

    id: str
    name: str
    part_count: int


def store_file(
    user_id: int,
    kind: Kind,
    name: str,
    content: IO[bytes],
    file_id: str | None = None,
    *,
    instead_of: FileEntry | None = None,
) -> FileEntry:
    """Store a file, instead of the user's older one of this kind, and delete those that have expired.

    Without an id it gets a random one. Each part is a short write of its own, so that other writers get their turn.
    The first of them also deletes the file `instead_of`. Raise NotFound if that is not stored any more, Conflict if the
    user stores another file at the same time, and InsufficientStorage or Unavailable.
    """
    try:
        with tempfile.SpooledTemporaryFile(_MAX_MEMORY_BYTES) as compressed:
            _compress(content, compressed)
            part_count = math.ceil(compressed.tell() / PART_BYTES)
            entry = FileEntry(file_id or secrets.token_hex(16), name[:MAX_NAME_LENGTH], part_count)
            compressed.seek(0)
            _write_file(user_id, kind, entry, compressed, instead_of)
    except OSError as error:
        raise storage_errors.from_os_error(error) from error
    except IntegrityError as error:
        raise Conflict("You have uploaded another file at the same time.") from error
    return entry


def _compress(content: IO[bytes], target: IO[bytes]) -> None:
    with gzip.GzipFile(fileobj=target, mode="wb", compresslevel=_COMPRESSION_LEVEL, mtime=0) as zipped:
        shutil.copyfileobj(content, zipped)


def _write_file(
    user_id: int, kind: Kind, entry: FileEntry, compressed: IO[bytes], instead_of: FileEntry | None
) -> None:
    row = {**entry._asdict(), "user_id": user_id, "kind": kind, "stored_at": clock.now()}
    is_older = (_file.user_id == user_id) & (_file.kind == kind)
    first_part = {"file_id": entry.id, "number": 0, "content": compressed.read(PART_BYTES)}

    def replace(connection: Connection) -> None:
        if instead_of is not None:
            _delete_file(connection, instead_of)
        connection.execute(delete(StoredFile).where(or_(is_older, _file.stored_at <= _get_oldest_time())))
        connection.execute(insert(StoredFile).values(row))
        _insert_part(first_part, connection)

    write(replace, ())
    for number in range(1, entry.part_count):
        part = {"file_id": entry.id, "number": number, "content": compressed.read(PART_BYTES)}
        # If another upload of the user has replaced the file, its part violates a foreign key.
        write(partial(_insert_part, part), ())


def _delete_file(connection: Connection, entry: FileEntry) -> None:
    if not connection.execute(delete(StoredFile).where(_file.id == entry.id)).rowcount:
        raise NotFound("This file is not stored any more.")


def _insert_part(part: dict[str, Any], connection: Connection) -> None:
    connection.execute(insert(StoredFilePart).values(part))


def find_file(user_id: int, kind: Kind, file_id: str | None = None) -> FileEntry | None:
    """Return the user's stored file of a kind; None if there is none, or if `file_id` is given and is not its id."""
    statement = select(_file.id, _file.name, _file.part_count).where(
        _file.user_id == user_id, _file.kind == kind, _file.stored_at > _get_oldest_time()
    )
    row = read().execute(statement).first()
    return FileEntry(*row) if row and file_id in (None, row.id) else None


@contextmanager
def open_file(entry: FileEntry) -> Iterator[BinaryIO]:
    """Open the content of a stored file as a seekable file. Raise NotFound if it was replaced or is incomplete."""
    with tempfile.SpooledTemporaryFile(_MAX_MEMORY_BYTES) as content:
        decompressor = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        try:
            for number in range(entry.part_count):
                content.write(decompressor.decompress(_read_part(entry.id, number)))
        except OSError as error:
            raise storage_errors.from_os_error(error) from error
        content.seek(0)
        yield cast(BinaryIO, content)


def _read_part(file_id: str, number: int) -> bytes:
    statement = select(_part.content).where(_part.file_id == file_id, _part.number == number)
    part: bytes | None = read().scalar(statement)
    if part is None:
        raise NotFound("This file is not stored any more.")
    return part


def purge_expired() -> None:
    """Delete the files of all users that have expired."""
    has_expired = _file.stored_at <= _get_oldest_time()
    if read().scalar(select(_file.id).where(has_expired).limit(1)) is not None:
        write(lambda connection: connection.execute(delete(StoredFile).where(has_expired)), ())


def _get_oldest_time() -> int:
    return clock.now() - LIFETIME_SECONDS * clock.SECOND
