"""Explain why a file is in no known format, or is another file of a known service."""

from collections.abc import Set

from movierating.ratings.formats import letterboxd
from movierating.ratings.formats.csv_reader import CsvFile, list_names
from movierating.ratings.formats.json_reader import JsonFile
from movierating.ratings.formats.rows import RejectedFile, UnknownColumns
from movierating.ratings.formats.xml_reader import XmlFile

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
    ({"movietitle", "imdb"}, "Filmtipset", "Score"),
)


def make_rejection(file: CsvFile | JsonFile | XmlFile, accepted_formats: str) -> RejectedFile:
    """Return the error to raise for a file that no format matches; `accepted_formats` is a sentence."""
    if isinstance(file, XmlFile):
        return RejectedFile(
            f"The file is a web page, or XML without ratings in a known format. {accepted_formats}"
        )
    if isinstance(file, JsonFile):
        keys = next((list(item) for item in file.sample if isinstance(item, dict) and item), ["none"])
        return RejectedFile(
            "The file is JSON without ratings in a known format. Each rating needs the keys `value`, and `imdb_id`, "
            f"`tmdb_id` or `title`; the first has {list_names(keys)}. {accepted_formats}"
        )
    if reason := _explain_missing_ratings(set(file.columns)):
        return RejectedFile(reason)
    if len(file.header) < 2:
        return RejectedFile(
            f"The file is not a table of ratings: its first line has only one column ({list_names(file.header)}). "
            f"{accepted_formats}"
        )
    return UnknownColumns(
        f"The columns of the file are unknown ({list_names(file.header)}). Name them with `column`, such as "
        f"column=title=Film, or take another format. {accepted_formats}",
        file.header,
    )


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
        if other_columns <= columns:
            return f"The file is {service}'s, but has no column “{column}”."
    return None
