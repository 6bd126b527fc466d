"""The outcome of each row in the report of an import."""

import io
import zipfile

import pytest

from movierating.ratings.imports import import_file

RATINGS = "Date,Name,Year,Letterboxd URI,Rating\n"
DIARY = "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date\n"


@pytest.fixture
def import_zip(user_id):
    """`import_zip({"ratings.csv": text}, dry_run=True)` is the report on a ZIP file."""

    def import_files(files, **options):
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w") as archive:
            for name, text in files.items():
                archive.writestr(name, text)
        return import_file(user_id, target, **options)

    return import_files


def test_skipped_rows_are_counted_by_reason(import_rows, heat, user_id):
    header = "Const,Your Rating,Date Rated,Title,Title Type,Year"
    rows = [
        "tt0113277,8,2024-01-15,Heat,Movie,1995",
        "tt0113277,7,2023-01-15,Heat,Movie,1995",
        "tt7000001,9,2024-01-15,House,TV Series,2004",
        ",9,2024-01-15,House,TV Series,2004",
        "tt7000002,,,Ran,Movie,1985",
    ]
    report = import_rows(user_id, *rows, header=header)
    assert report["skipped"] == {"older": 1, "not_a_movie": 2, "no_rating": 1}


@pytest.mark.parametrize("dry_run", [True, False])
def test_details_list_every_row_as_it_was_read(import_rows, heat, user_id, dry_run):
    rows = [
        "tt0113277,,Heat,,1995,8.5,2024-01-15",
        "tt0113277,,Heat,,1995,2,2023-01-15",
        ",,Emma,,1996,7,",
        ",,Ran,,1985,,",
        ",,Ran,,1985,11,",
    ]
    report = import_rows(user_id, *rows, dry_run=dry_run, details=True)
    shown = [
        (row["line"], row["title"], row["value"], row["outcome"], row["movie_id"])
        for row in report["details"]
    ]
    assert shown == [
        (2, "Heat", 8.5, "created", heat),
        (3, "Heat", 2, "older", heat),
        (4, "Emma", 7, "unmatched", None),
        (5, "Ran", None, "no_rating", None),
        (6, None, None, "unreadable", None),
    ]
    assert report["details"][0]["rated_at"] == "2024-01-15T00:00:00Z"
    assert report["details"][2]["reason"] == "there is no such movie"
    assert "'11'" in report["details"][4]["reason"]


def test_details_say_that_a_series_is_not_a_movie(import_rows, heat, user_id):
    rows = ["tt7000001,9,House,TV Series,2004", ",9,House,TV Series,2004"]
    header = "Const,Your Rating,Title,Title Type,Year"
    report = import_rows(user_id, *rows, header=header, details=True)
    reasons = [(row["outcome"], row["reason"]) for row in report["details"]]
    assert reasons == [("not_a_movie", "it is not a movie (TV Series)")] * 2


def test_details_say_that_another_rating_stays(import_rows, heat, user_id):
    import_rows(user_id, "tt0113277,,Heat,,1995,8,2024-01-15")
    [row] = import_rows(user_id, "tt0113277,,Heat,,1995,7,", details=True)["details"]
    assert (row["outcome"], row["reason"]) == ("older", "another rating of the movie stays")


def test_details_name_an_added_movie_only_once_it_exists(import_rows, user_id, rated):
    row = ",,Emma,,1996,7,"
    [dry] = import_rows(user_id, row, create_missing=True, dry_run=True, details=True)["details"]
    [wet] = import_rows(user_id, row, create_missing=True, details=True)["details"]
    assert dry == {**wet, "movie_id": None}
    assert list(rated(user_id)) == [wet["movie_id"]]


def test_an_added_movie_is_noted(import_rows, user_id):
    [note] = import_rows(user_id, ",,Emma,,1996,7,", create_missing=True)["notes"]
    assert note == {"file": None, "line": 2, "reason": "the movie was not in the catalogue and is added"}


def test_a_film_in_several_files_of_a_zip_is_reported_once(import_zip):
    entry = "2020-01-01,Nowhere,1950,https://boxd.it/1,4"
    files = {
        "ratings.csv": f"{RATINGS}{entry}\n",
        "diary.csv": f"{DIARY}2021{entry[4:]},,,2021-01-01\n",
        "reviews.csv": f"{DIARY}2022{entry[4:]},,,2022-01-01\n",
    }
    [row] = import_zip(files).unmatched
    assert (row["file"], row["line"], row["title"]) == ("ratings.csv", 2, "Nowhere")


def test_errors_name_the_file_in_a_zip(import_zip):
    [error] = import_zip({"ratings.csv": f"{RATINGS}2020-01-01,Emma,1996,u,7\n"}).errors
    assert (error["file"], error["line"]) == ("ratings.csv", 2)


def test_two_letterboxd_films_of_one_title_and_year_are_not_one(import_zip, rated, user_id):
    rows = "2020-10-04,Glass,1922,https://boxd.it/a,3\n2020-10-04,Glass,1922,https://boxd.it/b,3.5\n"
    report = import_zip({"ratings.csv": RATINGS + rows}, create_missing=True)
    assert report.created == 1
    assert [row["line"] for row in report.unmatched] == [3]
    assert [value for value, _ in rated(user_id).values()] == [12]


def test_read_counts_the_valid_rows(import_rows, heat, user_id):
    report = import_rows(user_id, "tt0113277,,,,,8,", ",,Emma,,1996,7,", ",,Ran,,1985,,", ",,Ran,,1985,11,")
    assert (report["read"], len(report["errors"])) == (3, 1)


def test_details_are_listed_as_csv_on_request(import_rows, heat, user_id):
    rows = ["tt0113277,,Heat,,1995,8.5,2024-01-15", ",,'=1;-2,,1996,7,", ",,Ran,,1985,11,"]
    report = import_rows(user_id, *rows, details="csv")
    assert report["details"] is None
    listed = report["details_csv"].split("\r\n")
    assert listed == [
        "file,line,title,year,value,rated_at,outcome,movie_id,reason",
        f",2,Heat,1995,8.5,2024-01-15T00:00:00Z,created,{heat},",
        ",3,'=1;'-2,1996,7,,unmatched,,there is no such movie",
        ",4,,,,,unreadable,,the rating '11' is not a number from 0.5 to 10 by halves",
        "",
    ]


def test_details_give_notes_as_reasons(import_rows, heat, user_id):
    rows = ["tt0113277,,Heat,,1995,8,2024-99-99", ",,Emma,,1996,7,yesterday", ",,Ran,,1985,7,"]
    report = import_rows(user_id, *rows, create_missing=True, details=True)
    reasons = [row["reason"] for row in report["details"]]
    assert [reason.split("; ")[-1] for reason in reasons] == [
        "the rating is imported without it",
        *["the movie was not in the catalogue and is added"] * 2,
    ]


def test_csv_of_details_names_the_files_of_a_zip(import_zip):
    report = import_zip({"ratings.csv": f"{RATINGS}2020-01-01,Emma,1996,u,4\n"}, details="csv")
    assert "\r\nratings.csv,2,Emma,1996,8,2020-01-01T00:00:00Z,unmatched,," in report.details_csv
