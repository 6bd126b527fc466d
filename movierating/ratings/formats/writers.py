"""Somebody's ratings as a file to take away, in any of the formats that are written."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from movierating.ratings.formats import imdb, letterboxd, own_csv, own_json
from movierating.ratings.formats.rows import ExportRow

CSV, JSON, ZIP = "text/csv; charset=utf-8", "application/json", "application/zip"
FORMATS = ("csv", "json", "letterboxd", "imdb")


class ExportFile(NamedTuple):
    """A file's media type, the ending of its name, and its bytes, which are made while they are sent."""

    media_type: str
    ending: str
    blocks: Iterator[bytes]


def write_export(name: str, rows: Iterable[ExportRow]) -> ExportFile:
    """The rows as a file of one of FORMATS, in the order in which they come (see `own_csv` for the one to keep)."""
    if name == "json":
        return ExportFile(JSON, "json", own_json.write(rows))
    if name == "letterboxd":
        is_zip, blocks = letterboxd.write(rows)
        return ExportFile(ZIP, "zip", blocks) if is_zip else ExportFile(CSV, "csv", blocks)
    return ExportFile(CSV, "csv", (own_csv if name == "csv" else imdb).write(rows))
