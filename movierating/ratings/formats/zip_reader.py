"""Uploaded ZIP archives: the files in them that may hold ratings, within limits. Nothing is written to disk."""

import io
import re
import zipfile
import zlib
from collections.abc import Iterable
from functools import partial
from typing import BinaryIO

from movierating.ratings.formats.csv_reader import UploadedFile
from movierating.ratings.formats.rows import UnknownFormat

MAX_FILES = 1_000
MAX_UNPACKED_BYTES = 64_000_000
# Deflate reaches 1,000 to 1; ratings come to some 5 to 1.
MAX_COMPRESSION_RATIO = 200
_SMALL = 1_000_000
_TOO_LARGE = f"unpacks to more than {MAX_UNPACKED_BYTES // 1_000_000} MB."

_FILE_SIGNATURE = b"PK\x01\x02"
_BLOCK_BYTES = 1 << 20
# Letterboxd's folders of deleted entries, of films that no longer exist and of files without ratings; macOS's own.
_PASSED_OVER = {"deleted", "orphaned", "likes", "lists", "__macosx"}
_DAMAGE = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
    OverflowError,
    LookupError,
)
# zipfile unpacks these from a stream in little memory; others can ask for gigabytes, and no service uses them.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1


class Archive:
    """A ZIP file: `sources` are the CSV and JSON files in it, in any folder; none is read yet."""

    def __init__(self, stream: BinaryIO) -> None:
        """Raises UnknownFormat for an archive that is damaged or has too many files."""
        _refuse_many_files(stream)
        try:
            self._zip = zipfile.ZipFile(stream)
        except _DAMAGE as error:
            raise UnknownFormat("The ZIP file is damaged.") from error
        self.names = [info.filename for info in self._zip.infolist() if not info.is_dir()]
        self._entries = [info for info in self._zip.infolist() if _may_hold_ratings(info)]
        self.sources = [
            UploadedFile(re.split(r"[/\\]", info.filename)[-1], partial(self._open, info))
            for info in self._entries
        ]

    def _open(self, info: zipfile.ZipInfo) -> BinaryIO:
        return io.BufferedReader(_Unpacked(self._zip, info))

    def refuse_bombs(self, sources: Iterable[UploadedFile]) -> None:
        """Raises UnknownFormat when these of its sources unpack to more than ratings can come to.

        What a file says of its size can be relied on: no more than that is unpacked.
        """
        chosen = list(sources)
        entries = [
            entry for source, entry in zip(self.sources, self._entries, strict=True) if source in chosen
        ]
        if sum(entry.file_size for entry in entries) > MAX_UNPACKED_BYTES:
            raise UnknownFormat(f"The ZIP file {_TOO_LARGE}")
        for entry in entries:
            if entry.file_size > max(_SMALL, MAX_COMPRESSION_RATIO * entry.compress_size):
                raise UnknownFormat(
                    f"{entry.filename!r} unpacks to more than {MAX_COMPRESSION_RATIO} times its size."
                )


class _Unpacked(io.RawIOBase):
    """A file of an archive; errors are raised as UnknownFormat."""

    def __init__(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
        self._name = info.filename
        if info.flag_bits & _ENCRYPTED:
            raise UnknownFormat(f"{self._name!r} in the ZIP file is locked with a password.")
        if info.file_size > MAX_UNPACKED_BYTES:
            raise UnknownFormat(f"{self._name!r} {_TOO_LARGE}")
        if info.compress_type not in _METHODS:
            raise UnknownFormat(f"{self._name!r} in the ZIP file is packed in a way that can't be read here.")
        try:
            self._file = archive.open(info)
        except _DAMAGE as error:
            raise self._damaged() from error

    def _damaged(self) -> UnknownFormat:
        return UnknownFormat(f"{self._name!r} in the ZIP file is damaged.")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            data = self._file.read(len(buffer))
        except _DAMAGE as error:
            raise self._damaged() from error
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed and hasattr(self, "_file"):
            self._file.close()
        super().close()


def _refuse_many_files(stream: BinaryIO) -> None:
    # Before zipfile makes an object for each; and counted, because what the archive says of itself may be a lie.
    count, rest = 0, b""
    stream.seek(0)
    while block := stream.read(_BLOCK_BYTES):
        count += (rest + block).count(_FILE_SIGNATURE)
        rest = block[1 - len(_FILE_SIGNATURE) :]
        if count > MAX_FILES:
            raise UnknownFormat(f"The ZIP file has more than {MAX_FILES:,} files in it.")


def _may_hold_ratings(info: zipfile.ZipInfo) -> bool:
    *folders, name = re.split(r"[/\\]", info.filename.lower())
    return name.endswith((".csv", ".json")) and not name.startswith(".") and _PASSED_OVER.isdisjoint(folders)
