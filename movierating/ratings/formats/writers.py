"""Exports in each of the formats that can be written."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from movierating.ratings.formats import imdb, letterboxd, movierating_csv, movierating_json, simkl, trakt
from movierating.ratings.formats.rows import ExportRow

CSV, JSON, ZIP = "text/csv; charset=utf-8", "application/json", "application/zip"
FORMATS = ("csv", "json", "letterboxd", "imdb", "trakt", "simkl")
_WRITERS = {
    "csv": movierating_csv.write,
    "json": movierating_json.write,
    "imdb": imdb.write,
    "trakt": trakt.write,
    "simkl": simkl.write,
}


class ExportFile(NamedTuple):
    """A file's media type, the extension of its name, and its bytes, generated while they are sent."""

    media_type: str
    extension: str
    blocks: Iterator[bytes]


def write_export(name: str, rows: Iterable[ExportRow]) -> ExportFile:
    """Return the rows as a file of one of FORMATS, in the given order; `movierating_csv` documents the required one."""
    if name == "letterboxd":
        is_zip, blocks = letterboxd.write(rows)
        return ExportFile(ZIP, "zip", blocks) if is_zip else ExportFile(CSV, "csv", blocks)
    blocks = _WRITERS[name](rows)
    return ExportFile(JSON, "json", blocks) if name in ("json", "trakt") else ExportFile(CSV, "csv", blocks)
