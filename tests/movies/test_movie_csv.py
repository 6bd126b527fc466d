"""A CSV of movies: how its rows are read, and which rows and files are rejected."""

import pytest

from movierating.movies import movie_csv
from movierating.movies.imdb_files import InvalidFile
from movies.movie_rows import EMMA, HEADER, KELLS, as_line, count_movies, get_as_sent, list_titles, load


def test_a_row_becomes_a_movie(app, write_csv):
    report = load(write_csv({**KELLS, "original_title": " Brendan ", "language": "en", "country": "IE"}))
    assert (report.added, report.present, report.rejected) == (1, 0, 0)
    movie = get_as_sent(1)
    facts = {
        "title": "The Secret of Kells",
        "original_title": "Brendan",
        "year": 2009,
        "imdb_id": None,
        "genres": ["Animation", "Family"],
        "directors": ["Tomm Moore", "Nora Twomey"],
    }
    assert {name: movie[name] for name in facts} == facts
    assert (movie["tmdb_id"], movie["runtime_minutes"]) == (None, None)


def test_text_is_normalized_as_in_requests(app, write_csv):
    load(write_csv({"title": "  Ame\u0301lie ", "year": "2001", "directors": "Jean-Pierre Jeunet "}))
    movie = get_as_sent(1)
    assert (movie["title"], movie["directors"]) == ("Am\u00e9lie", ["Jean-Pierre Jeunet"])


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
    assert list_titles() == ["The Secret of Kells", "Clueless"]


@pytest.mark.parametrize("line", ["Emma,,1996", as_line(EMMA) + ",more", "Emma"])
def test_row_of_another_length_is_rejected(app, write_csv, line):
    report = load(write_csv(KELLS, line))
    assert report.reasons == ["movies.csv: line 3: row: must have as many fields as the first line"]
    assert list_titles() == ["The Secret of Kells"]


def test_ambiguous_row_is_rejected(app, write_csv, add_movie):
    for imdb_id in ("tt0116191", "tt0118308"):
        add_movie(title="Emma", year=1996, imdb_id=imdb_id)
    report = load(write_csv({"title": "Emma", "year": "1996"}))
    assert report.reasons == ["movies.csv:2: more than one movie has this title and year"]
    assert count_movies() == 2


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
    assert list_titles() == ["Emma", "The Secret of Kells"]


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
    assert count_movies() == 0


def test_unreadable_file_is_rejected(app, tmp_path):
    for path in (tmp_path, tmp_path / "missing.csv"):
        with pytest.raises(OSError, match=str(path)):
            load(path)
