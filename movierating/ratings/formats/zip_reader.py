"""Uploaded ZIP archives: the files in them that may hold ratings, within limits. Nothing is written to disk."""

import io
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import BinaryIO

from movierating.ratings.formats.rows import RejectedFile
from movierating.ratings.formats.source_file import RawReader, SourceFile

MAX_FILES = 1_000
# Each row of a report has the name of its file.
MAX_NAME_LENGTH = 255
MAX_UNPACKED_BYTES = 64_000_000
# Deflate reaches 1,000 to 1; ratings come to some 5 to 1.
MAX_COMPRESSION_RATIO = 200
_SMALL = 1_000_000
# To detect formats may take as many times the size of the archive, within two limits. 12 MB of JSON take a second.
_DETECTION_RATIO = 12
_MIN_DETECTION_BYTES, _MAX_DETECTION_BYTES = 8_000_000, MAX_UNPACKED_BYTES
_TOO_LARGE = f"unpacks to more than {MAX_UNPACKED_BYTES // 1_000_000} MB."

_FILE_SIGNATURE = b"PK\x01\x02"
_BLOCK_BYTES = 1 << 20
# Letterboxd's folders of deleted entries, of films that no longer exist and of files without ratings.
_SKIPPED_FOLDERS = {"deleted", "orphaned", "likes", "lists"}
_MACOS_FOLDER = "__macosx"
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
# zipfile unpacks these in little memory; others can ask for gigabytes, and no service uses them.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1


class ArchiveTooLarge(RejectedFile):
    """To detect the formats of all files in a ZIP file would take too long."""


class Archive:
    """A ZIP file, and the CSV, JSON and XML files in it, in any folder, as sources; none is read yet.

    A source has the base name of its file, or if several files have that name, the path in the ZIP.
    """

    def __init__(self, stream: BinaryIO) -> None:
        """Read the list of files. Raise RejectedFile if the archive is damaged, has too many or a name is too long."""
        _check_file_count(stream)
        try:
            self._zip = zipfile.ZipFile(stream)
        except _DAMAGE as error:
            raise RejectedFile("The ZIP file is damaged.") from error
        files = [info for info in self._zip.infolist() if not info.is_dir()]
        self.names = [info.filename for info in files]
        entries = [info for info in files if _may_hold_ratings(info)]
        counts = Counter(get_base_name(info.filename) for info in entries)
        self._entries = {}
        for info in entries:
            name = get_base_name(info.filename)
            # Reports and choices name rows by their file.
            source_name = info.filename if counts[name] > 1 else name
            if len(source_name) > MAX_NAME_LENGTH:
                raise RejectedFile(
                    f"A file in the ZIP file has a name of more than {MAX_NAME_LENGTH} characters."
                )
            self._entries[SourceFile(source_name, partial(self._open_entry, info))] = info
        self._bytes_read = 0
        size = stream.seek(0, io.SEEK_END)
        self._max_detection_bytes = min(
            _MAX_DETECTION_BYTES, max(_MIN_DETECTION_BYTES, _DETECTION_RATIO * size)
        )

    def iterate_sources(self) -> Iterator[SourceFile]:
        """Yield the sources, to detect their formats, first those that are named like files of ratings.

        Raise ArchiveTooLarge once too much of them was read.
        """
        for source in sorted(self._entries, key=lambda source: not is_named_ratings(source.name)):
            yield source
            if self._bytes_read > self._max_detection_bytes:
                raise ArchiveTooLarge(
                    "The ZIP file has too many large files in it. Take the one with the ratings alone."
                )

    def get_position(self, source: SourceFile) -> int:
        """Return the position of a source among those of the archive."""
        return list(self._entries).index(source)

    def list_unread_files(self, sources: Iterable[SourceFile]) -> list[str]:
        """Return the paths of the files that are not among these sources, without macOS's own."""
        read = {self._entries[source].filename for source in sources}
        return [name for name in self.names if name not in read and not _is_hidden(name)]

    def check_sizes(self, sources: Iterable[SourceFile]) -> None:
        """Raise RejectedFile if these sources together unpack to too much.

        The sizes that the archive states are safe to use, because zipfile unpacks no more than them.
        """
        if sum(self._entries[source].file_size for source in sources) > MAX_UNPACKED_BYTES:
            raise RejectedFile(f"The ZIP file {_TOO_LARGE}")

    def _open_entry(self, info: zipfile.ZipInfo) -> BinaryIO:
        """Open a file of the archive; its errors are raised as RejectedFile."""
        _check_entry(info)

        def read(size: int) -> bytes:
            with _rejecting_damage(info):
                data = file.read(size)
            self._bytes_read += len(data)
            return data

        with _rejecting_damage(info):
            file = self._zip.open(info)
        return io.BufferedReader(RawReader(read))


def _check_entry(info: zipfile.ZipInfo) -> None:
    """Raise RejectedFile if a file of an archive cannot be read, or unpacks to more than a file of ratings does."""
    if info.flag_bits & _ENCRYPTED:
        raise RejectedFile(f"{info.filename!r} in the ZIP file is encrypted.")
    if info.file_size > MAX_UNPACKED_BYTES:
        raise RejectedFile(f"{info.filename!r} {_TOO_LARGE}")
    if info.file_size > max(_SMALL, MAX_COMPRESSION_RATIO * info.compress_size):
        raise RejectedFile(f"{info.filename!r} unpacks to more than {MAX_COMPRESSION_RATIO} times its size.")
    if info.compress_type not in _METHODS:
        raise RejectedFile(f"{info.filename!r} in the ZIP file has an unsupported compression method.")


@contextmanager
def _rejecting_damage(info: zipfile.ZipInfo) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        raise RejectedFile(f"{info.filename!r} in the ZIP file is damaged.") from error


def _check_file_count(stream: BinaryIO) -> None:
    # Runs before zipfile creates an object for each file. It counts, because the count in the archive may be false.
    count, rest = 0, b""
    stream.seek(0)
    while block := stream.read(_BLOCK_BYTES):
        count += (rest + block).count(_FILE_SIGNATURE)
        rest = block[1 - len(_FILE_SIGNATURE) :]
        if count > MAX_FILES:
            raise RejectedFile(f"The ZIP file has more than {MAX_FILES:,} files in it.")


def _may_hold_ratings(info: zipfile.ZipInfo) -> bool:
    *folders, name = _split_path(info.filename.lower())
    return (
        name.endswith((".csv", ".json", ".xml"))
        and not _is_hidden(info.filename)
        and _SKIPPED_FOLDERS.isdisjoint(folders)
    )


def _is_hidden(path: str) -> bool:
    *folders, name = _split_path(path.lower())
    return name.startswith(".") or _MACOS_FOLDER in folders


def is_named_ratings(path: str) -> bool:
    """Return True if a file is named like one with ratings: `ratings.csv`, or Trakt's `ratings-movies.json`."""
    return get_base_name(path).lower().startswith("ratings")


def get_base_name(path: str) -> str:
    """Return the name of a file in an archive, without its folders."""
    return _split_path(path)[-1]


def _split_path(path: str) -> list[str]:
    return re.split(r"[/\\]", path)
