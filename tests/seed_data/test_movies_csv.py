"""Guards on the bundled movies: what a mistaken edit of the CSV would break."""

import csv
import io
import re
import unicodedata
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from movierating.movies.genres import GENRES
from movierating.movies.titles import fold

FOLDER = Path(__file__).parents[2] / "seed_data"
TEXT = (FOLDER / "movies.csv").read_bytes().decode("utf-8")
COLUMNS = [
    *("title", "original_title", "year", "runtime_minutes", "genres", "directors"),
    *("country", "language", "imdb_id", "tmdb_id", "wikidata_id"),
]
MOVIES = list(csv.DictReader(io.StringIO(TEXT, newline="")))


def wrong(column, pattern):
    """The rows whose value in the column isn't all of the pattern."""
    return [movie for movie in MOVIES if not re.fullmatch(pattern, movie[column], re.ASCII)]


def test_the_file_is_plain_utf_8_with_the_known_columns():
    assert TEXT.startswith(",".join(COLUMNS) + "\n")
    assert "\r" not in TEXT
    assert TEXT.endswith("\n")
    assert all(set(movie) == set(COLUMNS) and None not in movie.values() for movie in MOVIES)


@pytest.mark.parametrize(
    ("column", "pattern"),
    [
        ("title", r".{1,500}"),
        ("original_title", r".{0,500}"),
        ("year", r"\d{4}"),
        ("runtime_minutes", r"(|[1-9]\d{0,3})"),
        ("country", r"[A-Z]{2}"),
        ("language", r"(|[a-z]{2})"),
        ("imdb_id", r"(|tt\d{7,10})"),
        ("tmdb_id", r"(|[1-9]\d{0,8})"),
        ("wikidata_id", r"(|Q[1-9]\d{0,9})"),
    ],
)
def test_every_value_is_well_formed(column, pattern):
    assert wrong(column, pattern) == []


@pytest.mark.parametrize("column", ["imdb_id", "tmdb_id", "wikidata_id"])
def test_no_two_movies_share_an_id(column):
    ids = Counter(movie[column] for movie in MOVIES if movie[column])
    assert [value for value, count in ids.items() if count > 1] == []


def test_movies_with_the_same_title_and_year_have_imdb_ids():
    namesakes = defaultdict(list)
    for movie in MOVIES:
        namesakes[fold(movie["title"]), movie["year"]].append(movie["imdb_id"])
    assert {key: ids for key, ids in namesakes.items() if len(ids) > 1 and not all(ids)} == {}


def test_the_original_title_is_another_title():
    assert [m for m in MOVIES if fold(m["original_title"]) == fold(m["title"])] == []


def test_years_and_runtimes_are_plausible():
    assert [m for m in MOVIES if not 1870 <= int(m["year"]) <= 2035] == []
    short = [m for m in MOVIES if "Short" in m["genres"].split("|")]
    feature = [m for m in MOVIES if m not in short and m["runtime_minutes"]]
    assert [m for m in short if int(m["runtime_minutes"] or 1) > 45] == []
    assert [m for m in feature if not 45 <= int(m["runtime_minutes"]) <= 600] == []


def test_genres_are_known():
    assert {genre for movie in MOVIES for genre in movie["genres"].split("|")} <= set(GENRES)


@pytest.mark.parametrize("column", ["genres", "directors"])
def test_lists_have_entries_and_none_twice(column):
    for movie in MOVIES:
        entries = [fold(entry) for entry in movie[column].split("|")]
        assert all(entries), movie
        assert len(set(entries)) == len(entries), movie


def test_genres_are_in_order():
    assert [m for m in MOVIES if m["genres"] != "|".join(sorted(m["genres"].split("|")))] == []


def test_directors_are_names():
    assert [m for m in MOVIES if re.search(r"[\d;/&()]", m["directors"])] == []


@pytest.mark.parametrize("column", COLUMNS)
def test_text_is_composed_and_without_stray_characters(column):
    for movie in MOVIES:
        value = movie[column]
        assert value == unicodedata.normalize("NFC", value), movie
        assert all(entry == " ".join(entry.split()) for entry in value.split("|")), movie
        # Control, private and unassigned characters, and the mark of a failed decoding.
        assert not any(unicodedata.category(c) in ("Cc", "Co", "Cn") or c == "\ufffd" for c in value), movie


def test_no_text_was_decoded_twice():
    mojibake = re.compile("[ÃÂ][\u0080-\u00bf]|â[\u0080-\u009f\u20ac\u2122]")
    assert mojibake.findall(TEXT) == []


def test_rows_are_sorted_by_year_then_title():
    keys = [(int(movie["year"]), movie["title"], movie["imdb_id"]) for movie in MOVIES]
    assert keys == sorted(keys)


def test_the_readme_counts_what_is_there():
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert f"{len(MOVIES):,} movies from {MOVIES[0]['year']} to {MOVIES[-1]['year']}" in readme
    for column in COLUMNS:
        empty = sum(not movie[column] for movie in MOVIES)
        row = re.search(rf"^\| `{column}` \|.*\| ([\w,]+) \|$", readme, re.MULTILINE)
        assert row, column
        assert row[1] == (f"{empty:,}" if empty else "never"), column
