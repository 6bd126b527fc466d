"""Movies from a CSV and the bundled ones are loaded once; a later load never overwrites edits."""

import csv
import io

import orjson
import pytest
from sqlalchemy import delete, func, select

from movierating.movies import catalogue_import, movie_csv, seed, service
from movierating.movies.imdb_files import InvalidFile
from movierating.movies.models import DataMigration, Movie
from movierating.ratings import merging
from movierating.ratings import service as ratings
from movierating.storage.database import read, write

HEADER = ",".join(movie_csv.COLUMNS)
EMMA = {"title": "Emma", "year": "1996", "imdb_id": "tt0116191", "tmdb_id": "3573", "wikidata_id": "Q1"}
KELLS = {
    "title": "The Secret of Kells",
    "year": "2009",
    "genres": "Animation|Family",
    "directors": "Tomm Moore|Nora Twomey",
}


@pytest.fixture
def write_csv(tmp_path):
    """`write_csv(row, ...)` is the path of a CSV of these rows: dicts of some columns, or raw lines."""

    def make(*rows, header=HEADER, encoding="utf-8"):
        path = tmp_path / "movies.csv"
        lines = [row if isinstance(row, str) else as_line(row) for row in rows]
        path.write_text("\n".join([header, *lines, ""]), encoding=encoding, newline="")
        return path

    return make


def as_line(row):
    text = io.StringIO()
    csv.writer(text).writerow([row.get(name, "") for name in movie_csv.COLUMNS])
    return text.getvalue().removesuffix("\r\n")


def load(path):
    """Import a CSV file, and return the report."""
    return catalogue_import.import_catalogue(catalogue_import.open_files([path]))


def titles():
    return read().scalars(select(Movie.title).order_by(Movie.id)).all()


def movie_count():
    return read().scalar(select(func.count()).select_from(Movie))


def forget_seeding():
    write(lambda connection: connection.execute(delete(DataMigration)))


@pytest.fixture
def small(monkeypatch, write_csv):
    """Two movies instead of the bundled ones."""
    path = write_csv({**EMMA, "prominence": "50"}, {**KELLS, "prominence": "40"})
    monkeypatch.setattr(seed, "get_bundled_csv", lambda: path)
    forget_seeding()
    return path


def as_sent(movie_id):
    return orjson.loads(orjson.dumps(service.serialize_movie(service.get_movie(movie_id))))


def test_a_row_becomes_a_movie(app, write_csv):
    report = load(write_csv({**KELLS, "original_title": " Brendan ", "language": "en", "country": "IE"}))
    assert (report.added, report.present, report.rejected) == (1, 0, 0)
    movie, lists = as_sent(1), {"genres": ["Animation", "Family"], "directors": ["Tomm Moore", "Nora Twomey"]}
    facts = {
        "title": "The Secret of Kells",
        "original_title": "Brendan",
        "year": 2009,
        "imdb_id": None,
        **lists,
    }
    assert {name: movie[name] for name in facts} == facts
    assert (movie["tmdb_id"], movie["runtime_minutes"]) == (None, None)


def test_text_is_normalized_as_in_requests(app, write_csv):
    load(write_csv({"title": "  Ame\u0301lie ", "year": "2001", "directors": "Jean-Pierre Jeunet "}))
    movie = as_sent(1)
    assert (movie["title"], movie["directors"]) == ("Am\u00e9lie", ["Jean-Pierre Jeunet"])


def test_seeding_again_adds_missing_movies(app, write_csv):
    assert load(write_csv(EMMA)).added == 1
    report = load(write_csv(EMMA, KELLS))
    assert (report.added, report.present) == (1, 1)
    report = load(write_csv(EMMA, KELLS, KELLS))
    assert (report.added, report.present) == (0, 3)
    assert titles() == ["Emma", "The Secret of Kells"]


@pytest.mark.parametrize(
    "edit",
    [
        {"title": "Jane Austen's Emma"},
        {"title": "Emma!", "year": 1997},
        {"imdb_id": None},
        {"imdb_id": "tt0118308"},
        {"imdb_id": None, "tmdb_id": None},
        {"imdb_id": None, "tmdb_id": None, "title": "Jane Austen's Emma"},
        {"wikidata_id": None},
        {"genres": ["Drama"], "directors": ["Douglas McGrath"]},
    ],
    ids=str,
)
def test_edited_movie_is_not_changed(app, small, edit):
    seed.seed_new_database()
    edited = service.update_movie(1, None, edit)
    assert seed.seed_bundled().present == 2
    assert service.get_movie(1) == edited
    assert movie_count() == 2


def test_the_first_start_seeds_and_later_ones_do_not(app, small):
    seed.seed_new_database()
    assert titles() == ["Emma", "The Secret of Kells"]
    ratings.delete_movie(1, None, with_ratings=False)
    seed.seed_new_database()
    assert titles() == ["The Secret of Kells"]


def test_deleted_movie_is_not_added_by_an_explicit_seed(app, small):
    seed.seed_new_database()
    ratings.delete_movie(1, None, with_ratings=False)
    assert load(small).added == 0
    assert titles() == ["The Secret of Kells"]


@pytest.mark.parametrize(
    "ids", [{}, {"imdb_id": "", "tmdb_id": "", "wikidata_id": ""}], ids=["ids", "no ids"]
)
def test_merged_movie_is_not_added_by_a_seed(app, write_csv, add_movie, ids):
    path = write_csv({**EMMA, **ids})
    load(path)
    survivor_id = add_movie(title="Jane Austen's Emma", year=1997)
    merging.merge_movies(1, survivor_id)
    report = load(path)
    assert (report.added, report.present) == (0, 1)
    assert titles() == ["Jane Austen's Emma"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"title": ""}, "title"),
        ({"title": "a\tb"}, "title"),
        ({"title": "two\nlines"}, "title"),
        ({"year": ""}, "year"),
        ({"year": "1996.0"}, "year"),
        ({"year": "١٩٩٦"}, "year"),
        ({"year": "1" * 30}, "year"),
        ({"year": "1850"}, "year"),
        ({"runtime_minutes": "0"}, "runtime_minutes"),
        ({"genres": "Drama|Nonsense"}, "genres: 1: Must be one of"),
        ({"genres": "Drama|"}, "genres"),
        ({"directors": "A||B"}, "directors"),
        ({"directors": "A|A"}, "directors"),
        ({"country": "UK"}, "country"),
        ({"language": "eng"}, "language"),
        ({"imdb_id": "116191"}, "imdb_id"),
        ({"tmdb_id": "-1"}, "tmdb_id"),
        ({"wikidata_id": "1"}, "wikidata_id"),
        ({"alternative_titles": "A||B"}, "alternative_titles"),
        ({"alternative_titles": "|".join(map(str, range(101)))}, "alternative_titles"),
        ({"prominence": "-1"}, "prominence"),
        ({"prominence": "101"}, "prominence"),
    ],
    ids=str,
)
def test_invalid_row_is_reported_with_its_line_and_the_others_are_added(app, write_csv, row, reason):
    report = load(write_csv(KELLS, {**EMMA, **row}, {"title": "Clueless", "year": "1995"}))
    [line_error] = report.reasons
    line = 4 if "\n" in row.get("title", "") else 3
    assert line_error.startswith(f"movies.csv: line {line}: ")
    assert reason in line_error
    assert "\n" not in line_error
    assert titles() == ["The Secret of Kells", "Clueless"]


@pytest.mark.parametrize("line", ["Emma,,1996", as_line(EMMA) + ",more", "Emma"])
def test_row_of_another_length_is_rejected(app, write_csv, line):
    report = load(write_csv(KELLS, line))
    assert report.reasons == ["movies.csv: line 3: row: must have as many fields as the first line"]
    assert titles() == ["The Secret of Kells"]


def test_ambiguous_row_is_rejected(app, write_csv, add_movie):
    for imdb_id in ("tt0116191", "tt0118308"):
        add_movie(title="Emma", year=1996, imdb_id=imdb_id)
    report = load(write_csv({"title": "Emma", "year": "1996"}))
    assert report.reasons == ["movies.csv:2: more than one movie has this title and year"]
    assert movie_count() == 2


@pytest.mark.parametrize("shape", ["bom", "crlf", "blank lines", "other order", "quoted"])
def test_csv_is_read_as_spreadsheets_write_it(app, tmp_path, write_csv, shape):
    path = write_csv(EMMA, KELLS)
    text = path.read_text()
    if shape == "other order":
        names = sorted(movie_csv.COLUMNS)
        text = (
            ",".join(names)
            + "\n"
            + "\n".join(",".join(row.get(name, "") for name in names) for row in (EMMA, KELLS))
        )
    quoted = "\n".join(",".join(f'"{cell}"' for cell in line.split(",")) for line in text.splitlines())
    text = {"bom": "\ufeff" + text, "crlf": text.replace("\n", "\r\n"), "quoted": quoted,
            "blank lines": text.replace("\n", "\n\n"), "other order": text}[shape]  # fmt: skip
    path.write_text(text, encoding="utf-8", newline="")
    assert load(path).rejected == 0
    assert titles() == ["Emma", "The Secret of Kells"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n",
        b"{}",
        b"\x89PNG\r\n\x1a\n\0\0",
        b"title,year\nEmma,1996\n",
        (HEADER + ",more\n").encode(),
        HEADER.replace("tmdb_id", "title").encode(),
        HEADER.replace(",", ";").encode(),
        (HEADER + ",title\n").encode(),
        (HEADER + "\n" + as_line(KELLS) + "\n").encode("utf-16"),
        (HEADER + "\n" + as_line(KELLS) + "\n" + "Am\u00e9lie,,2001,,,,,,,,,,\n").encode("latin-1"),
        (HEADER + "\n" + as_line(KELLS) + '\n"Emma,,1996').encode(),
        (HEADER + "\n" + as_line(KELLS) + '\n"Emma"x,,1996,,,,,,,,,,\n').encode(),
        (HEADER + "\n" + as_line(KELLS) + "\n" + "x" * 200_000).encode(),
    ],
    ids=lambda content: f"{len(content)}:{content[-12:]!r}",
)
def test_invalid_csv_is_rejected_before_anything_is_written(app, tmp_path, content):
    path = tmp_path / "movies.csv"
    path.write_bytes(content)
    with pytest.raises(InvalidFile) as error_info:
        load(path)
    assert str(error_info.value).startswith("movies.csv: ")
    assert "\n" not in str(error_info.value)
    assert movie_count() == 0


def test_unreadable_file_is_rejected(app, tmp_path):
    for path in (tmp_path, tmp_path / "missing.csv"):
        with pytest.raises(OSError, match=str(path)):
            load(path)
