"""Any CSV over HTTP: named columns, the scale, and the preview of the first rows."""

import io
import zipfile

import pytest
from werkzeug.datastructures import FileStorage

IMPORT = "/v1/users/me/ratings/import"
PREVIEW = f"{IMPORT}/preview"
FILE = "Film,Year,My stars,Seen\nHeat,1995,4,26/1/2023\nRan,1985,3.5,5/3/2023\nEmma,1996,,\n"
COLUMNS = ["Film", "Year", "My stars", "Seen"]
QUERY = "?column=title=Film&column=rating=My%20stars&column=rated_at=Seen&scale=5"
NO_IDS = {"original_title": None, "imdb_id": None, "tmdb_id": None}


@pytest.fixture
def preview(member):
    """`preview(data, query)` is the response to a file as the body."""
    return lambda data, query="": member.post(PREVIEW + query, data=data, content_type="text/csv")


def test_any_csv_is_imported_with_named_columns(heat, member, upload):
    report = upload(member, FILE, QUERY).json
    assert (report["format"], report["created"], report["skipped"]["no_rating"]) == ("csv", 1, 1)
    rating = member.get(f"/v1/movies/{heat}/rating").json
    assert (rating["value"], rating["rated_at"]) == (8, "2023-01-26T00:00:00Z")


def test_columns_may_be_fields_of_the_form(heat, member, upload):
    report = upload(member, FILE, column=["title=Film", "rating=My stars"], scale="5").json
    assert report["created"] == 1
    form = {"column": ["title=Film", "rating=My stars"], "on_conflict": "replace"}
    assert upload(member, FILE, "?scale=10&column=title=x", **form).json["updated"] == 1
    assert member.get(f"/v1/movies/{heat}/rating").json["value"] == 4


@pytest.mark.parametrize("path", [IMPORT, PREVIEW])
@pytest.mark.parametrize(
    ("query", "field", "message"),
    [
        ("?column=Film", "column", "'Film' is not FIELD=COLUMN, such as title=Film."),
        (
            "?column=name=Film",
            "column",
            "'name' is not one of title, original_title, year, rating, rated_at,",
        ),
        ("?column=title=Film&column=title=Year", "column", "There are two columns for title."),
        (
            "?column=title=Movie&column=rating=My stars",
            "column",
            "no column “Movie”. Its columns: Film, Year,",
        ),
        (
            "?column=title=Film",
            "column",
            "Name the column of ratings: rating=COLUMN. Its columns: Film, Year,",
        ),
        (f"{QUERY}&format=imdb", "file", "The file is of the format csv, not imdb."),
        ("?column=title=Film&scale=7", "scale", "Must be one of: 4, 5, 10, 20, 100."),
        ("?column=title=Film&scale=0", "scale", "Must be one of: 4, 5, 10, 20, 100."),
        ("?column=title=Film&scale=five", "scale", 'Must be a whole number, not "five".'),
        ("?column=title=Film&scale=5&scale=10", "scale", "Must be given once."),
        ("?column=", "column", "'' is not FIELD=COLUMN"),
    ],
)
def test_invalid_columns_are_rejected_with_what_to_do(member, problem, path, query, field, message):
    response = member.post(path + query, data=FILE, content_type="text/csv")
    [error] = problem(response, 422, field)["errors"]
    assert message in error["message"]


@pytest.mark.parametrize("path", [IMPORT, PREVIEW])
def test_all_invalid_columns_are_reported_at_once(member, problem, path):
    response = member.post(f"{path}?column=Film&column=name=Film", data=FILE, content_type="text/csv")
    assert [
        error["message"].split(" is not ")[0] for error in problem(response, 422, "column")["errors"]
    ] == [
        "'Film'",
        "'name'",
    ]


def test_an_unknown_csv_is_rejected_with_its_columns_and_how_to_name_them(member, upload, problem):
    [error] = problem(upload(member, FILE), 422, "file")["errors"]
    assert "(Film, Year, My stars, Seen)" in error["message"]
    assert "`column`, such as title=Film" in error["message"]


def test_a_preview_lists_the_first_rows_as_they_would_be_read(heat, preview, everything):
    before = everything()
    response = preview(FILE + "Ran,1985,9,\n" * 10, QUERY)
    assert response.status_code == 200
    assert (response.json["format"], response.json["columns"]) == ("csv", COLUMNS)
    place = {"file": None, **NO_IDS}
    assert response.json["rows"][:3] == [
        {"line": 2, "title": "Heat", "year": 1995, "value": 8, "rated_at": "2023-01-26T00:00:00Z", **place}
        | {"reason": None},
        {"line": 3, "title": "Ran", "year": 1985, "value": 7, "rated_at": "2023-03-05T00:00:00Z", **place}
        | {"reason": "dates are read day first: 5/3/2023 is 2023-03-05"},
        {"line": 4, "title": "Emma", "year": 1996, "value": None, "rated_at": None, **place, "reason": None},
    ]
    assert len(response.json["rows"]) == 5
    assert response.json["rows"][4]["reason"] == "the rating '9' is not a number up to 5"
    after = everything()
    assert {name: after[name] for name in ("movie", "rating")} == {
        name: before[name] for name in ("movie", "rating")
    }


def test_a_preview_says_that_a_series_is_not_a_movie(preview):
    rows = "tt7000001,9,House,TV Series\n,9,House,TV Series\ntt0113277,8,Heat,Movie\n"
    reasons = [row["reason"] for row in preview(f"Const,Your Rating,Title,Title Type\n{rows}").json["rows"]]
    assert reasons == [
        "it is not a movie (TV Series), unless one has its IMDb id",
        "it is not a movie (TV Series)",
        None,
    ]


def test_a_preview_of_unknown_columns_lists_them_and_the_first_cells(preview):
    body = preview(FILE).json
    assert body.pop("message").startswith("The columns of the file are unknown (Film, Year, My stars, Seen).")
    cells = [["Heat", "1995", "4", "26/1/2023"], ["Ran", "1985", "3.5", "5/3/2023"], ["Emma", "1996", "", ""]]
    assert body == {"format": None, "columns": COLUMNS, "rows": [], "cells": cells}


def test_cells_of_a_preview_are_of_five_readable_rows_and_bounded(preview):
    file = "Film,Mark\nHeat\n" + "x" * 200 + ",1,2\n" + '"a"b,1\n' * 3 + "Ran,3\n" * 10
    cells = preview(file).json["cells"]
    assert cells == [["Heat", ""], ["x" * 100, "1"], *[["Ran", "3"]] * 3]


def test_a_preview_of_ratings_above_ten_says_that_the_scale_must_be_named(preview):
    body = preview("Title,Rating,WatchedDate\nHeat,80,\n").json
    assert (body["format"], body["columns"]) == (None, ["Title", "Rating", "WatchedDate"])
    assert body["message"].startswith("Some ratings are above 10. Name the columns with `column`,")


def test_a_preview_reads_known_formats_and_forms(preview, member):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("ratings.csv", "Date,Name,Year,Letterboxd URI,Rating\n2024-01-15,Heat,1995,u,4\n")
    data = target.getvalue()
    form = {"file": FileStorage(io.BytesIO(data), "x.zip")}
    for response in (preview(data), member.post(PREVIEW, data=form)):
        assert response.json["format"] == "letterboxd"
        assert response.json["columns"] == ["Date", "Name", "Year", "Letterboxd URI", "Rating"]
        assert [(row["file"], row["title"], row["value"]) for row in response.json["rows"]] == [
            ("ratings.csv", "Heat", 8)
        ]
    assert preview('{"ratings": [{"title": "Heat", "value": 8}]}').json["columns"] == []


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"PK\x03\x04" + b"\0" * 100, b"%PDF", "Const,Title\n", bytes(range(256)) * 100),
        "Film,Mark\n\u0418\u0440\u043e\u043d\u0438\u044f,8\n".encode("cp1251"),
    ],
)
def test_a_preview_of_another_file_is_rejected(preview, problem, data):
    problem(preview(data), 422, "file")


def test_a_preview_lists_at_most_100_columns(preview):
    response = preview(b"a,b" + b",x" * 900 + b"\n")
    assert response.status_code == 200
    assert len(response.json["columns"]) == 100


def test_a_preview_needs_a_token_and_its_own_options(client, member, problem):
    problem(client.post(PREVIEW, data=FILE, content_type="text/csv"), 401)
    problem(member.post(f"{PREVIEW}?dry_run=true", data=FILE, content_type="text/csv"), 422, "dry_run")
