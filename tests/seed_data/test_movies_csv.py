"""Guards on the bundled movies: what a mistaken edit of the CSV, or of the script that makes it, would break."""

import csv
import io
import re
import unicodedata
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from movierating.movies import movie_csv
from movierating.movies.genres import GENRES
from movierating.movies.iso_codes import COUNTRIES, LANGUAGES
from movierating.movies.titles import fold

FOLDER = Path(__file__).parents[2] / "seed_data"
TEXT = (FOLDER / "movies.csv").read_bytes().decode("utf-8")
COLUMNS = [
    *("title", "original_title", "year", "runtime_minutes", "genres", "directors"),
    *("country", "language", "imdb_id", "tmdb_id", "wikidata_id", "alternative_titles", "prominence"),
]
MOVIES = list(csv.DictReader(io.StringIO(TEXT, newline="")))
# Films that do last longer than ten hours.
LONG = {"tt0246135", "tt0451002", "tt1356735", "tt9047474"}


def entries(movie, column):
    """The entries of a list; none of an empty one."""
    return movie[column].split("|") if movie[column] else []


def wrong(column, pattern):
    """The rows whose value in the column isn't all of the pattern."""
    matches = re.compile(pattern, re.ASCII).fullmatch
    return [movie for movie in MOVIES if not matches(movie[column])]


def table(name):
    """The rows of a table beside the movies."""
    with (FOLDER / "corrections" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


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
        ("country", r"(|[A-Z]{2})"),
        ("language", r"(|[a-z]{2})"),
        ("imdb_id", r"tt\d{7,10}"),
        ("tmdb_id", r"(|[1-9]\d{0,8})"),
        ("wikidata_id", r"(|Q[1-9]\d{0,9})"),
        ("prominence", r"\d|[1-9]\d|100"),
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


def test_no_movie_is_there_twice():
    movies = Counter(
        (fold(movie["title"]), movie["year"], fold(director))
        for movie in MOVIES
        for director in entries(movie, "directors")
    )
    assert [movie for movie, count in movies.items() if count > 1] == []


def test_the_original_title_is_another_title():
    assert [m for m in MOVIES if fold(m["original_title"]) == fold(m["title"])] == []


def test_alternative_titles_are_other_titles():
    for movie in MOVIES:
        names = [fold(name) for name in entries(movie, "alternative_titles")]
        assert {fold(movie["title"]), fold(movie["original_title"])}.isdisjoint(names), movie


@pytest.mark.parametrize(
    ("title", "year", "imdb_id"),
    [
        ("101 Dalmatians", 1961, "tt0055254"),
        ("Green Street Hooligans", 2005, "tt0385002"),
        ("Where Is the Friend's House?", 1987, "tt0093342"),
    ],
)
def test_well_known_movies_have_the_titles_and_years_of_other_services(title, year, imdb_id):
    of_year = [movie for movie in MOVIES if movie["year"] == str(year)]
    named = [m for m in of_year if title in (m["title"], *entries(m, "alternative_titles"))]
    assert [movie["imdb_id"] for movie in named] == [imdb_id]


@pytest.mark.parametrize(
    ("imdb_id", "title"),
    [
        ("tt0228786", "Crimson Rivers 2: Angels of the Apocalypse"),
        ("tt0300195", "Curious.George"),
        ("tt1510984", "Ice Age: Continental Drift"),
    ],
)
def test_title_of_another_movie_is_no_alternative(imdb_id, title):
    [movie] = [movie for movie in MOVIES if movie["imdb_id"] == imdb_id]
    assert title not in entries(movie, "alternative_titles")


def test_titles_have_plain_marks_and_no_notes():
    note = re.compile(r"[`\u00b4\u2018\u2019]|\((WT|film|TV pilot|\d{4} film)\)")
    assert [m for m in MOVIES if note.search("|".join((m["title"], m["original_title"])))] == []
    assert [m for m in MOVIES if note.search(m["alternative_titles"])] == []


@pytest.mark.parametrize("column", ["title", "original_title", "alternative_titles"])
def test_titles_end_without_a_separator_and_close_their_brackets_and_quotes(column):
    pairs = ("()", "[]", "«»", "„“")
    for movie in MOVIES:
        for title in entries(movie, column):
            assert not title.endswith((",", ";", ":")), movie
            assert all(title.count(left) == title.count(right) for left, right in pairs), movie
            assert "\u201d" not in title or "\u201c" in title, movie


def test_years_and_runtimes_are_plausible():
    assert [m for m in MOVIES if not 1870 <= int(m["year"]) <= 2035] == []
    short = [m for m in MOVIES if "Short" in entries(m, "genres")]
    feature = [m for m in MOVIES if "Short" not in entries(m, "genres") and m["runtime_minutes"]]
    assert [m for m in short if int(m["runtime_minutes"] or 1) > 45] == []
    odd = {m["imdb_id"] for m in feature if not 45 <= int(m["runtime_minutes"]) <= 600}
    assert odd == LONG


def test_countries_and_languages_are_known():
    assert {movie["country"] for movie in MOVIES} <= {"", *COUNTRIES}
    assert {movie["language"] for movie in MOVIES} <= {"", *LANGUAGES}


def test_rows_pass_the_validation_of_other_files():
    """A sample: the service does not validate the bundled file. The other tests check every row."""
    for movie in MOVIES[::20]:
        row = movie_csv.parse_row(1, movie)
        assert row == movie_csv.parse_row(1, movie, validated=True)


def test_genres_are_known():
    assert {genre for movie in MOVIES for genre in entries(movie, "genres")} <= set(GENRES)


@pytest.mark.parametrize("column", ["genres", "directors", "alternative_titles"])
def test_lists_have_entries_and_none_twice(column):
    for movie in MOVIES:
        folded = [fold(entry) for entry in entries(movie, column)]
        assert all(folded), movie
        assert len(set(folded)) == len(folded), movie


def test_genres_are_in_order():
    assert [m for m in MOVIES if m["genres"] != "|".join(sorted(m["genres"].split("|")))] == []


def test_directors_are_names_of_persons():
    group = re.compile(r"[\d;/&()*]|[Bb]rothers|[Ss]isters| and ")
    assert [m for m in MOVIES if group.search(m["directors"]) and m["directors"] != "50 Cent"] == []


def test_a_director_has_one_name():
    spellings = defaultdict(set)
    for movie in MOVIES:
        for name in entries(movie, "directors"):
            spellings[fold(name)].add(name)
    assert [names for names in spellings.values() if len(names) > 1] == []


def test_no_movie_is_of_a_country_that_no_longer_existed():
    last = {"CS": 1992, "SU": 1992, "YU": 2003}
    assert [m for m in MOVIES if int(m["year"]) > last.get(m["country"], 2035)] == []


@pytest.mark.parametrize("column", COLUMNS)
def test_text_is_composed_and_without_stray_characters(column):
    for movie in MOVIES:
        value = movie[column]
        assert all(entry == " ".join(entry.split()) for entry in value.split("|")), movie
        if value.isascii():
            assert value.isprintable(), movie
            continue
        assert value == unicodedata.normalize("NFC", value), movie
        # Control, private and unassigned characters, and the mark of a failed decoding.
        assert not any(unicodedata.category(c) in ("Cc", "Co", "Cn") or c == "\ufffd" for c in value), movie


def test_no_text_was_decoded_twice():
    mojibake = re.compile("[ÃÂ][\u0080-\u00bf]|â[\u0080-\u009f\u20ac\u2122]")
    assert mojibake.findall(TEXT) == []


def test_rows_are_sorted_by_year_then_title():
    keys = [(int(movie["year"]), movie["title"], movie["imdb_id"]) for movie in MOVIES]
    assert keys == sorted(keys)


def test_removed_rows_stay_out():
    removed = {row["imdb_id"] for row in table("removed.csv")}
    assert [m for m in MOVIES if m["imdb_id"] in removed] == []
    known = {movie["imdb_id"] for movie in MOVIES}
    assert {row["same_as"] for row in table("removed.csv") if row["same_as"]} <= known


def test_no_bundled_movie_is_a_series():
    episode = re.compile(r"(?i)\bs\d+ ?e\d|: season \d|\bpilot\)|\b\d\d? \w+ 20\d\d\)$")
    assert [m for m in MOVIES if episode.search(m["title"])] == []


def test_the_best_known_come_first():
    ranked = sorted(MOVIES, key=lambda movie: (-int(movie["prominence"]), movie["title"]))
    classics = {row["imdb_id"] for row in table("classics.csv")}
    assert {movie["imdb_id"] for movie in ranked[: len(classics)]} == classics
    first_edition = {row["imdb_id"] for row in table("first_edition.csv")}
    assert {movie["imdb_id"] for movie in ranked[: len(first_edition)]} == first_edition


def test_readme_has_the_current_counts():
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert f"{len(MOVIES):,} movies from {MOVIES[0]['year']} to {MOVIES[-1]['year']}" in readme
    for column in COLUMNS:
        empty = sum(not movie[column] for movie in MOVIES)
        row = re.search(rf"^\| `{column}` \|.*\| ([\w,]+) \|$", readme, re.MULTILINE)
        assert row, column
        assert row[1] == (f"{empty:,}" if empty else "never"), column
