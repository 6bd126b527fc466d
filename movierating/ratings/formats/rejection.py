"""Explain why a file is in no known format, or is another file of a known service."""

from collections.abc import Sequence, Set

from movierating.ratings.formats import letterboxd, movierating_json
from movierating.ratings.formats.csv_reader import CsvFile, list_names
from movierating.ratings.formats.json_reader import JsonFile
from movierating.ratings.formats.rows import RejectedFile, UnknownColumns
from movierating.ratings.formats.text_encoding import decode_head
from movierating.ratings.formats.xml_reader import XmlFile

# Files that people pick by mistake, by their first bytes.
_OTHER_FILES = {
    b"\x1f\x8b": "compressed with gzip, and must be decompressed first",
    b"Rar!": "a RAR archive: unpack it first",
    b"7z\xbc\xaf": "a 7-Zip archive: unpack it first",
    b"%PDF": "a PDF document",
    b"\xd0\xcf\x11\xe0": "an Excel workbook: save it as CSV",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
}
_WEB_PAGE = ("<!doctype html", "<html")
# Files that a ZIP has only if it is a spreadsheet: of Excel, of LibreOffice, and of Numbers.
_IN_SPREADSHEETS = ({"xl/workbook.xml"}, {"mimetype", "content.xml"}, {"Index/Document.iwa"})
_ARCHIVES = (".zip", ".gz", ".rar", ".7z")
# Columns of other files of a service, its name, and the column that its files of ratings have.
_WITHOUT_RATINGS = (
    ({"const"}, "IMDb", "Your Rating"),
    ({"pl_title", "movie_id"}, "Filmweb", "user_rating"),
    ({"titre", "titre_original"}, "SensCritique", "note"),
    ({"title", "fa rate"}, "FilmAffinity", "Vote"),
    ({"namerus", "nameeng"}, "Kinopoisk", "rating"),
    ({"title", "lastepwatched"}, "Simkl", "Rating"),
    ({"film name", "imdb id"}, "Criticker", "Score"),
    ({"media_id", "media_type"}, "Yamtrack", "score"),
    ({"tvdb_id", "is_watched"}, "TV Time", "rating"),
    # Its export of personal data: the ratings and the emotions are codes, in files with the same columns.
    ({"vote_key", "episode_id"}, "TV Time", "rating"),
    ({"movietitle", "imdb"}, "Filmtipset", "Score"),
)


def explain_other_file(head: bytes) -> str | None:
    """Return why a file with these first bytes is no text with ratings, and what to do; None for any other."""
    for start, description in _OTHER_FILES.items():
        if head.startswith(start):
            return f"The file is {description}."
    text = decode_head(head).lstrip().lower()
    if text.startswith(_WEB_PAGE):
        return "The file is a web page. Download the export itself instead of saving the page."
    if text.startswith("sep="):
        return "The file begins with “sep=”, which only Excel reads: remove the first line."
    return None


def is_spreadsheet(names: Sequence[str]) -> bool:
    """Return True if a ZIP file with these files in it is a spreadsheet."""
    return any(required.issubset(names) for required in _IN_SPREADSHEETS)


def make_archive_rejection(names: Sequence[str], accepted_formats: str) -> RejectedFile:
    """Return the error to raise for a ZIP file without ratings; `names` are the files in it."""
    advice = (
        "Unpack the archive in it first. " if any(name.lower().endswith(_ARCHIVES) for name in names) else ""
    )
    return RejectedFile(
        f"There are no ratings in the ZIP file ({list_names(names)}). {advice}{accepted_formats}"
    )


def make_rejection(file: CsvFile | JsonFile | XmlFile, accepted_formats: str) -> RejectedFile:
    """Return the error to raise for a file that no format matches; `accepted_formats` is a sentence."""
    if isinstance(file, XmlFile):
        return RejectedFile(
            f"The file is a web page, or XML without ratings in a known format. {accepted_formats}"
        )
    if isinstance(file, JsonFile):
        return _make_json_rejection(file, accepted_formats)
    if reason := _explain_missing_ratings(set(file.columns)):
        return RejectedFile(reason)
    if len(names := list(filter(None, file.header))) < 2:
        return RejectedFile(
            f"The file is not a table of ratings: its first line has only one column ({list_names(names)}). The first "
            "line must be the names of the columns, separated by commas, semicolons or tabs. "
            f"{accepted_formats}"
        )
    return UnknownColumns(
        f"The columns of the file are unknown ({list_names(file.header)}). Name them with `column`, such as "
        f"title=Film, or take another format. {accepted_formats}",
        file.header,
        file.read_cells,
    )


def _make_json_rejection(file: JsonFile, accepted_formats: str) -> RejectedFile:
    if not file.sample:
        return RejectedFile("The file is an empty list: it has no ratings.")
    if any(_is_of_trakt(item) for item in file.sample):
        return RejectedFile("The file is Trakt's, but has no ratings; those are in ratings-movies.json.")
    if file.facts is None and any(map(movierating_json.is_rating, file.sample)):
        return RejectedFile('The JSON is a bare list. Put it into an object: {"ratings": […]}.')
    keys = next((list(item) for item in file.sample if isinstance(item, dict) and item), ["none"])
    return RejectedFile(
        "The file is JSON without ratings in a known format. Each rating needs the keys `value`, and `imdb_id`, "
        f"`tmdb_id` or `title`; the first has {list_names(keys)}. {accepted_formats}"
    )


def _is_of_trakt(item: object) -> bool:
    """Return True if a JSON item without a rating names a movie, show or episode as Trakt does."""
    if isinstance(item, dict) and "rating" in item:
        return False
    works = item.values() if isinstance(item, dict) else ()
    ids = (work.get("ids") for work in works if isinstance(work, dict))
    return any(isinstance(each, dict) and "trakt" in each for each in ids)


def _explain_missing_ratings(columns: Set[str]) -> str | None:
    """Return why a known file has no ratings to import; None for an unknown one."""
    if {"name", "letterboxd uri"} <= columns or any(name.startswith("letterboxd list") for name in columns):
        return "The file is Letterboxd's, but has no ratings; those are in ratings.csv."
    if letterboxd.has_only_import_columns(columns):
        return (
            "The file is for Letterboxd's importer, but needs a column “Rating” or “Rating10”, and one of “Title”, "
            "“Name”, “imdbID” and “tmdbID”."
        )
    if {"userid", "movieid"} <= columns:
        return "The file is from a MovieLens data set, which holds many people's ratings."
    for other_columns, service, column in _WITHOUT_RATINGS:
        if other_columns <= columns and column.lower() not in columns:
            return f"The file is {service}'s, but has no column “{column}”."
    return None
