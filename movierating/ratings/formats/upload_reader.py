"""Detect the format of an uploaded file from its content, and read its rows."""

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import BinaryIO, NamedTuple

from movierating.ratings.formats import (
    imdb,
    letterboxd,
    movary,
    movielens_export,
    own_csv,
    own_json,
    tmdb,
    trakt,
)
from movierating.ratings.formats.csv_reader import CsvFile, UploadedFile
from movierating.ratings.formats.json_reader import JsonFile
from movierating.ratings.formats.rows import Row, UnknownFormat
from movierating.ratings.formats.zip_reader import Archive

# Nobody has seen half of them, and while they are written others wait.
MAX_ROWS = 100_000


class _SheetFormat(NamedTuple):
    sniff: Callable[[Sequence[str]], bool]
    parse: Callable[[Iterable[CsvFile]], Iterator[Row]]


class _DocumentFormat(NamedTuple):
    sniff: Callable[[JsonFile], bool]
    parse: Callable[[Iterable[JsonFile]], Iterator[Row]]


_SHEETS = {
    "letterboxd": _SheetFormat(letterboxd.sniff, letterboxd.parse),
    "imdb": _SheetFormat(imdb.sniff, imdb.parse),
    "trakt": _SheetFormat(trakt.sniff, trakt.parse),
    "tmdb": _SheetFormat(tmdb.sniff, tmdb.parse),
    "movary": _SheetFormat(movary.sniff, movary.parse),
    "movielens": _SheetFormat(movielens_export.sniff, movielens_export.parse),
    "csv": _SheetFormat(own_csv.sniff, own_csv.parse),
}
_DOCUMENTS = {
    "trakt": _DocumentFormat(trakt.sniff_document, trakt.parse_documents),
    "json": _DocumentFormat(own_json.sniff, own_json.parse),
}
FORMATS = (*_SHEETS, "json")

_TAKEN = (
    "Taken are the exports of Letterboxd (ZIP, ratings.csv, diary.csv, reviews.csv), IMDb (CSV), Trakt (ZIP, JSON, "
    "CSV), TMDB, Movary and MovieLens (CSV), and movierating's own CSV and JSON."
)
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
# What people pick by mistake, by how it begins.
_OTHER_FILES = {
    b"\xff\xfe": "text in UTF-16, which has to be saved as “CSV UTF-8”",
    b"\xfe\xff": "text in UTF-16, which has to be saved as “CSV UTF-8”",
    b"\x1f\x8b": "packed with gzip, and has to be unpacked first",
    b"%PDF": "a PDF document",
    b"<": "a web page or XML",
}


@dataclass(frozen=True)
class Upload:
    """A recognized file; `rows` can be iterated once, and raises UnknownFormat if the file is damaged."""

    format: str
    rows: Iterator[Row]


class _Found(NamedTuple):
    format: str
    content: CsvFile | JsonFile


def open_upload(data: bytes | BinaryIO, wanted: str | None = None) -> Upload:
    """Recognise a file, given as its bytes or open (then it must stay so, and can be sought in, while rows are read).

    Raises UnknownFormat with what was found instead, also where it is another format than `wanted`.
    """
    stream = io.BytesIO(data) if isinstance(data, bytes) else data
    source = UploadedFile("", lambda: io.BufferedReader(_Borrowed(stream)))
    stream.seek(0)
    found = _in_archive(Archive(stream)) if stream.read(4) in _ZIP else [_recognised(source)]
    name = found[0].format
    if wanted not in (None, name):
        raise UnknownFormat(f"The file is of the format {name}, not {wanted}.")
    return Upload(name, _limited(_rows(found)))


def _rows(found: Sequence[_Found]) -> Iterator[Row]:
    name = found[0].format
    sheets = [content for _, content in found if isinstance(content, CsvFile)]
    documents = [content for _, content in found if isinstance(content, JsonFile)]
    return chain(
        _SHEETS[name].parse(sheets) if sheets else (), _DOCUMENTS[name].parse(documents) if documents else ()
    )


def _limited(rows: Iterator[Row]) -> Iterator[Row]:
    yield from islice(rows, MAX_ROWS)
    if next(rows, None) is not None:
        raise UnknownFormat(f"The file has more than {MAX_ROWS:,} rows.")


def _in_archive(archive: Archive) -> list[_Found]:
    found = []
    for source in archive.sources:
        try:
            found.append(_recognised(source))
        except UnknownFormat as error:
            # There is much besides the ratings in such a ZIP; but of them nothing must get lost unnoticed.
            if _names_ratings(source) and not _is_empty_list(source):
                raise UnknownFormat(f"{source.name}: {error}") from error
    formats = sorted({name for name, _ in found})
    if not found:
        raise UnknownFormat(f"There are no ratings in the ZIP file ({_listed(archive.names)}). {_TAKEN}")
    if len(formats) > 1:
        raise UnknownFormat(f"The ZIP file has ratings of several formats in it: {', '.join(formats)}.")
    archive.refuse_bombs(content.source for _, content in found)
    return found


def _names_ratings(source: UploadedFile) -> bool:
    return source.name.lower().startswith("ratings")


def _is_empty_list(source: UploadedFile) -> bool:
    with source.open() as file:
        return b"".join(file.read(100).removeprefix(b"\xef\xbb\xbf").split()) == b"[]"


def _recognised(source: UploadedFile) -> _Found:
    with source.open() as file:
        head = file.read(1 << 12)
    for start, description in _OTHER_FILES.items():
        if head.startswith(start):
            raise UnknownFormat(f"The file is {description}. {_TAKEN}")
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith((b"[", b"{")):
        return _recognised_document(JsonFile(source))
    return _recognised_sheet(CsvFile(source))


def _recognised_document(document: JsonFile) -> _Found:
    for name, document_format in _DOCUMENTS.items():
        if document_format.sniff(document):
            return _Found(name, document)
    raise UnknownFormat(f"The file is JSON, but without ratings of a known form. {_TAKEN}")


def _recognised_sheet(sheet: CsvFile) -> _Found:
    for name, sheet_format in _SHEETS.items():
        if sheet_format.sniff(sheet.columns):
            return _Found(name, sheet)
    columns = set(sheet.columns)
    if {"name", "letterboxd uri"} <= columns or any(name.startswith("letterboxd list") for name in columns):
        raise UnknownFormat("The file is Letterboxd's, but holds no ratings; those are in ratings.csv.")
    if "const" in columns:
        raise UnknownFormat("The file is IMDb's, but has no column “Your Rating”.")
    if {"userid", "movieid"} <= columns:
        raise UnknownFormat("The file is from a MovieLens data set, which holds many people's ratings.")
    raise UnknownFormat(f"The columns of the file are not known ({_listed(sheet.columns)}). {_TAKEN}")


def _listed(names: Sequence[str]) -> str:
    first = [name[:40] if name.isprintable() else "?" for name in names[:8]]
    return ", ".join([*first, "…"] if len(names) > len(first) else first) or "it is empty"


class _Borrowed(io.RawIOBase):
    """Reads a stream from its start, and leaves it open."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        stream.seek(0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
