"""Detect the format of an uploaded file from its content, and read its rows."""

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from typing import Any, BinaryIO, NamedTuple, TypeGuard

from movierating.ratings.formats import (
    criticker,
    custom_csv,
    filmaffinity,
    filmtipset,
    filmweb,
    flixster,
    imdb,
    kinopoisk,
    kinorium,
    letterboxd,
    movary,
    movielens_export,
    movierating_csv,
    movierating_json,
    ryot,
    senscritique,
    simkl,
    tmdb,
    trakt,
    tvtime,
    yamtrack,
)
from movierating.ratings.formats.csv_reader import CsvFile
from movierating.ratings.formats.custom_csv import ColumnMapping
from movierating.ratings.formats.json_reader import JsonFile
from movierating.ratings.formats.rejection import (
    explain_other_file,
    is_spreadsheet,
    make_archive_rejection,
    make_rejection,
)
from movierating.ratings.formats.rows import InvalidColumn, RejectedFile, Row
from movierating.ratings.formats.source_file import RawReader, SourceFile
from movierating.ratings.formats.text_encoding import decode_head
from movierating.ratings.formats.xml_reader import XmlFile
from movierating.ratings.formats.zip_reader import Archive, ArchiveTooLarge, is_named_ratings

# Few people have seen half as many movies, and other writers wait while they are written.
MAX_ROWS = 100_000

UploadedFile = CsvFile | JsonFile | XmlFile


class Format(NamedTuple):
    """A format to import: `matches` tests an UploadedFile, `read` yields the rows of all such files."""

    name: str
    matches: Callable[[Any], bool]
    read: Callable[[Iterable[Any]], Iterator[Row]]


# The first format that matches is taken.
_CSV_FORMATS = (
    # Before Letterboxd, whose importer has columns of the same names.
    Format("simkl", simkl.matches_csv, simkl.read),
    Format("letterboxd", letterboxd.matches, letterboxd.read),
    Format("imdb", imdb.matches, imdb.read),
    Format("trakt", trakt.matches_csv, trakt.read),
    Format("tmdb", tmdb.matches, tmdb.read),
    Format("movary", movary.matches, movary.read),
    Format("movielens", movielens_export.matches, movielens_export.read),
    Format("filmweb", filmweb.matches, filmweb.read),
    Format("senscritique", senscritique.matches, senscritique.read),
    Format("filmaffinity", filmaffinity.matches, filmaffinity.read),
    Format("kinopoisk", kinopoisk.matches, kinopoisk.read),
    Format("kinorium", kinorium.matches, kinorium.read),
    Format("criticker", criticker.matches_csv, criticker.read),
    Format("yamtrack", yamtrack.matches, yamtrack.read),
    Format("tvtime", tvtime.matches, tvtime.read),
    Format("filmtipset", filmtipset.matches, filmtipset.read),
    Format("csv", movierating_csv.matches, movierating_csv.read),
)
_JSON_FORMATS = (
    Format("trakt", trakt.matches_json, trakt.read),
    Format("simkl", simkl.matches_json, simkl.read),
    Format("flixster", flixster.matches, flixster.read),
    Format("ryot", ryot.matches, ryot.read),
    Format("json", movierating_json.matches, movierating_json.read),
)
_XML_FORMATS = (Format("criticker", criticker.matches_xml, criticker.read),)
_FORMATS_BY_TYPE = {CsvFile: _CSV_FORMATS, JsonFile: _JSON_FORMATS, XmlFile: _XML_FORMATS}
FORMATS = tuple(dict.fromkeys(each.name for each in chain(*_FORMATS_BY_TYPE.values())))

_ACCEPTED = f"Accepted formats: {', '.join(FORMATS)}."
_BUFFER_BYTES = 1 << 16
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")


@dataclass(frozen=True)
class Upload:
    """A recognized file; `rows` can be iterated once, and raises RejectedFile if the file is damaged.

    `columns` are the names in the header of a CSV, of the first one in a ZIP. `unread_files` are the paths of files in
    a ZIP that are ignored.
    """

    format: str
    rows: Iterator[Row]
    columns: Sequence[str] = ()
    unread_files: Sequence[str] = ()


class _Detected(NamedTuple):
    format: Format
    file: UploadedFile


def open_upload(
    stream: BinaryIO, expected_format: str | None = None, mapping: ColumnMapping | None = None
) -> Upload:
    """Detect the format of an open file, which must be seekable, and stay open while rows are read.

    With a `mapping`, the file must be a CSV with its columns, or a ZIP with such files. Raise RejectedFile if the
    format is unknown or not the expected one.
    """
    stream.seek(0)
    archive = Archive(stream) if stream.read(4) in _ZIP else None
    source = SourceFile("", partial(_open_stream, stream))
    if mapping is not None:
        detected = _select_mapped(archive.iterate_sources() if archive else [source], mapping)
    else:
        detected = _detect_in_archive(archive) if archive else [_detect_format(source)]
    format_, file = detected[0]
    if expected_format not in (None, format_.name):
        raise RejectedFile(f"The file is of the format {format_.name}, not {expected_format}.")
    unread_files: Sequence[str] = ()
    if archive:
        sources = [each.file.source for each in detected]
        archive.check_sizes(sources)
        unread_files = archive.list_unread_files(sources)
    columns = file.header if isinstance(file, CsvFile) else ()
    return Upload(format_.name, _limit_rows(_read_rows(detected)), columns, unread_files)


def _select_mapped(sources: Iterable[SourceFile], mapping: ColumnMapping) -> list[_Detected]:
    """Return the CSV files that have the columns of a mapping. Raise RejectedFile if there are none."""
    format_ = Format("csv", _is_csv, partial(custom_csv.read, mapping=mapping))
    detected, errors = [], []
    for source in sources:
        try:
            file = _open_text(source)
            if _is_csv(file):
                custom_csv.check_columns(file, mapping)
                detected.append(_Detected(format_, file))
        except RejectedFile as error:
            errors.append(error)
    if not detected:
        raise (
            errors[0] if errors else InvalidColumn("Columns can be named for CSV only, not for JSON or XML.")
        )
    return detected


def _is_csv(file: UploadedFile) -> TypeGuard[CsvFile]:
    return isinstance(file, CsvFile)


def _open_stream(stream: BinaryIO) -> BinaryIO:
    """Return a reader from the start of a stream, with a position of its own, that leaves the stream open."""
    position = 0

    def read(size: int) -> bytes:
        nonlocal position
        stream.seek(position)
        data = stream.read(size)
        position += len(data)
        return data

    return io.BufferedReader(RawReader(read), _BUFFER_BYTES)


def _read_rows(detected: Sequence[_Detected]) -> Iterator[Row]:
    formats = dict.fromkeys(each.format for each in detected)
    return chain.from_iterable(
        format_.read([each.file for each in detected if each.format is format_]) for format_ in formats
    )


def _limit_rows(rows: Iterator[Row]) -> Iterator[Row]:
    yield from islice(rows, MAX_ROWS)
    if next(rows, None) is not None:
        raise RejectedFile(f"The file has more than {MAX_ROWS:,} rows.")


def _detect_in_archive(archive: Archive) -> list[_Detected]:
    if is_spreadsheet(archive.names):
        raise RejectedFile(f"The file is a spreadsheet: save it as CSV. {_ACCEPTED}")
    detected: list[_Detected] = []
    try:
        for source in archive.iterate_sources():
            detected += _detect_if_ratings(source)
    except ArchiveTooLarge:
        # The report lists the others as ignored.
        if not detected:
            raise
    detected.sort(key=lambda each: archive.get_position(each.file.source))
    names = sorted({each.format.name for each in detected})
    if not detected:
        raise make_archive_rejection(archive.names, _ACCEPTED)
    if len(names) > 1:
        raise RejectedFile(f"The ZIP file has ratings of several formats in it: {', '.join(names)}.")
    return detected


def _detect_if_ratings(source: SourceFile) -> list[_Detected]:
    """Return the file with its format, or nothing for one of the many other files that an export has."""
    try:
        return [_detect_format(source)]
    except RejectedFile as error:
        # No file of ratings may be ignored silently.
        if is_named_ratings(source.name) and not _is_empty_list(source):
            raise RejectedFile(f"{source.name}: {error}") from error
        return []


def _is_empty_list(source: SourceFile) -> bool:
    with source.open() as file:
        return b"".join(file.read(100).removeprefix(b"\xef\xbb\xbf").split()) == b"[]"


def _open_text(source: SourceFile) -> UploadedFile:
    with source.open() as stream:
        head = stream.read(1 << 12)
    if reason := explain_other_file(head):
        raise RejectedFile(f"{reason} {_ACCEPTED}")
    first_character = decode_head(head).lstrip()[:1]
    if first_character == "<":
        return XmlFile(source)
    return JsonFile(source) if first_character in ("[", "{") else CsvFile(source)


def _detect_format(source: SourceFile) -> _Detected:
    file = _open_text(source)
    for format_ in _FORMATS_BY_TYPE[type(file)]:
        if format_.matches(file):
            return _Detected(format_, file)
    raise make_rejection(file, _ACCEPTED)
