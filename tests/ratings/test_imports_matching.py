"""Which movies the rows of a person's file mean, and which are added."""

import pytest
from sqlalchemy import func, select

from movierating.movies import matching, movie_json
from movierating.movies import service as movies
from movierating.movies.models import Movie
from movierating.ratings import row_matching
from movierating.storage.database import read


@pytest.mark.parametrize(
    "row",
    [
        "tt0113277,,,,,8.5,",
        "tt0113277,7,Another,,1920,8.5,",
        ",949,,,,8.5,",
        ",,HEAT,,1995,8.5,",
        ",,élan,,1995,8.5,",
        ",,Chaleur,Heat,1995,8.5,",
        ",,Heat!,,1995,8.5,",
    ],
)
def test_a_row_is_matched_by_its_ids_then_by_title_and_year(
    rated, import_rows, counts, heat, user_id, exact, row
):
    assert counts(import_rows(user_id, row)) == [1, 0, 0, 0, 0, 0]
    assert rated(user_id)[heat][0] == 17
    assert exact()


@pytest.mark.parametrize(
    "row",
    [
        "tt0000001,949,Heat,,1995,8.5,",
        "tt0000001,,Heat,,1995,8.5,",
        ",,Heat,,1997,8.5,",
        ",,Heat 2,,1995,8.5,",
    ],
)
def test_a_row_with_another_id_title_or_year_is_unmatched(rated, import_rows, counts, heat, user_id, row):
    report = import_rows(user_id, row)
    assert counts(report) == [0, 0, 0, 0, 1, 0]
    assert report["unmatched"][0]["reason"] == "there is no such movie"
    assert rated(user_id) == {}


@pytest.mark.parametrize(
    ("row", "names"),
    [(",,New,,,8.5,", ["year"]), ("tt0000001,,,,1995,8.5,", ["title"]), (",1,,,,8.5,", ["title", "year"])],
)
def test_no_movie_is_added_for_a_row_without_a_title_or_year(import_rows, user_id, row, names):
    [row] = import_rows(user_id, row, create_missing="always")["unmatched"]
    assert row["reason"] == f"there is no such movie, and none can be added without {' and '.join(names)}"


def test_a_row_of_the_same_title_with_another_tmdb_id_is_another_movie(
    rated, import_rows, counts, heat, user_id, exact
):
    [row] = import_rows(user_id, ",1,Heat,,1995,8.5,")["unmatched"]
    assert (row["reason"], row["candidates"]) == ("there is no such movie", [])
    assert counts(import_rows(user_id, ",1,Heat,,1995,8.5,", create_missing=True)) == [1, 0, 0, 0, 0, 0]
    assert heat not in rated(user_id)
    assert exact()


@pytest.mark.parametrize("row", [",,Heat,,1996,8.5,", ",,Heat: The Film,,1995,8.5,"])
@pytest.mark.parametrize("create_missing", [False, True])
def test_a_row_like_a_movie_is_unmatched_and_adds_none(
    import_rows, heat, user_id, everything, create_missing, row
):
    before = everything()
    [unmatched] = import_rows(user_id, row, create_missing=create_missing)["unmatched"]
    assert unmatched["reason"] == "there is no such movie, but there are similar ones"
    assert unmatched["candidates"] == [heat]
    assert everything() == before


@pytest.mark.parametrize("create_missing", [False, True])
def test_title_without_year_or_id_is_unmatched_with_the_movies_of_the_title(
    import_rows, counts, heat, user_id, create_missing
):
    rows = [",,Heat,,,8.5,", ",,Emma,,,8.5,"]
    first, second = import_rows(user_id, *rows, create_missing=create_missing)["unmatched"]
    reason = "a title without a year or an id does not identify a movie"
    assert (first["reason"], first["candidates"]) == (reason, [heat])
    assert second["candidates"] == []
    assert create_missing or second["reason"] == reason
    assert counts(import_rows(user_id, rows[0], choices={"2": heat})) == [1, 0, 0, 0, 0, 0]


def test_two_movies_a_year_apart_are_added_as_two(import_rows, counts, user_id):
    rows = [",,Remake,,2011,10,", ",,Remake,,2012,4,"]
    assert counts(import_rows(user_id, *rows, create_missing=True)) == [2, 0, 0, 0, 0, 0]
    assert counts(import_rows(user_id, *rows, create_missing=True)) == [0, 0, 2, 0, 0, 0]


@pytest.mark.parametrize("ids", [("tt1000001,", "tt1000002,"), (",1", ",2")])
def test_rows_with_different_ids_do_not_mean_the_same_movie(import_rows, counts, add_movie, user_id, ids):
    bare = add_movie(title="Near", year=2001)
    report = import_rows(user_id, *(f"{each},Near,,2001,8," for each in ids))
    assert counts(report) == [1, 0, 0, 0, 1, 0]
    assert report["unmatched"][0]["reason"] == "there is no such movie"
    assert report["unmatched"][0]["candidates"] == []
    assert movies.get_movie(bare).imdb_id is None, "only a movie that an import added learns ids"


def test_titles_of_marks_alone_are_added_once(import_rows, counts, user_id, exact):
    rows = [",,\u0301,,2000,8,", ",,\u0302,,2000,7,"]
    dry = import_rows(user_id, *rows, create_missing=True, dry_run=True)
    assert counts(dry) == counts(import_rows(user_id, *rows, create_missing=True)) == [1, 0, 0, 1, 0, 0]
    assert exact()


def test_file_adds_at_most_max_movies_added(import_rows, counts, user_id, monkeypatch):
    monkeypatch.setattr(row_matching, "MAX_MOVIES_ADDED", 2)
    rows = [f",,Film {number},,2000,8," for number in range(3)]
    report = import_rows(user_id, *rows, create_missing=True)
    assert counts(report) == [2, 0, 0, 0, 1, 0]
    assert report["unmatched"][0]["reason"] == "a file adds 2 movies at most; import it again for the others"
    assert counts(import_rows(user_id, *rows, create_missing=True)) == [1, 0, 2, 0, 0, 0]


@pytest.mark.parametrize("create_missing", [False, True])
def test_row_that_matches_two_movies_is_unmatched(import_rows, counts, add_movie, user_id, create_missing):
    emmas = [add_movie(title="Emma", year=1996, imdb_id=f"tt000000{number}") for number in (1, 2)]
    report = import_rows(user_id, ",,Emma,,1996,8,", create_missing=create_missing)
    [row] = report["unmatched"]
    assert row.pop("reason") == "more than one movie has this title and year"
    assert row == {"file": None, "line": 2, "title": "Emma", "year": 1996, "candidates": emmas}
    assert counts(import_rows(user_id, "tt0000002,,Emma,,1996,8,")) == [1, 0, 0, 0, 0, 0]


IMDB = "Const,Your Rating,Date Rated,Title,URL,Title Type,Year"


@pytest.mark.parametrize("create_missing", [False, True])
def test_row_of_another_kind_is_matched_by_its_id_alone_or_skipped(
    rated, import_rows, counts, heat, user_id, create_missing
):
    rows = [
        "tt0113277,8,2024-01-15,Heat,,TV Special,1995",
        "tt0113277,7,2024-01-14,Heat,,TV Series,1995",
        "tt7000001,9,2024-01-15,Heat,,TV Series,1995",
        "tt7000002,9,2024-01-15,The Wire,,TV Series,2002",
    ]
    report = import_rows(user_id, *rows, header=IMDB, create_missing=create_missing)
    assert counts(report) == [1, 0, 0, 3, 0, 0]
    assert rated(user_id)[heat][0] == 16
    assert read().scalar(select(func.count()).select_from(Movie)) == 1


def test_a_missing_movie_is_added_once_with_its_ids(rated, import_rows, counts, user_id, exact):
    rows = [
        "tt0054407,29259,Le Trou,The Hole,1960,9,2024-01-15T10:30:00Z",
        ",,the hole,,1960,8,2023-01-15T10:30:00Z",
        "tt0054407,,,,,7,2022-01-15T10:30:00Z",
    ]
    report = import_rows(user_id, *rows, create_missing=True)
    assert counts(report) == [1, 0, 0, 2, 0, 0]
    [movie_id] = rated(user_id)
    facts = movie_json.serialize_facts(movies.get_movie(movie_id))
    assert {name: facts[name] for name in ("title", "original_title", "year", "imdb_id", "tmdb_id")} == {
        "title": "Le Trou",
        "original_title": "The Hole",
        "year": 1960,
        "imdb_id": "tt0054407",
        "tmdb_id": 29259,
    }
    assert movies.get_movie(movie_id).rating_count == 1
    assert exact()
    assert counts(import_rows(user_id, *rows, create_missing=True)) == [0, 0, 1, 2, 0, 0]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",,Heat,,,8,", "year"),
        ("tt0113277,,,,1995,8,", "title"),
        (",949,,,,8,", "title"),
        (",,Heat,,2099,8,", "year"),
        (",,He\u2028at,,1995,8,", "title"),
    ],
)
def test_import_adds_no_movie_that_the_api_would_reject(
    import_rows, counts, user_id, everything, row, reason
):
    before = everything()
    report = import_rows(user_id, row, create_missing=True)
    assert sum(counts(report)) == 1
    [left] = report["unmatched"] + report["errors"]
    assert reason in left["reason"]
    assert everything() == before


def test_a_movie_that_exists_is_never_changed(import_rows, counts, add_movie, user_id, everything):
    add_movie(title="Heat", year=1995)
    before = everything()["movie"]
    row = "tt0113277,949,HEAT,Élan,1995,8,"
    assert counts(import_rows(user_id, row, create_missing=True)) == [1, 0, 0, 0, 0, 0]
    facts = slice(1, 9)
    assert [row[facts] for row in everything()["movie"]] == [row[facts] for row in before]
    assert movies.get_movie(1).edit == 1


def test_a_movie_that_is_created_during_the_match_gets_its_own_rating(
    import_rows, counts, add_movie, user_id, rated, monkeypatch
):
    created = []

    def create_then_get_last_id(connection, table):
        last_id = get_last_id(connection, table)
        if not created:
            created.append(None)
            created[0] = add_movie(title="Heat", year=1995)
        return last_id

    get_last_id = matching.get_last_id
    monkeypatch.setattr(matching, "get_last_id", create_then_get_last_id)
    report = import_rows(user_id, ",,Heat,,1995,9,", ",,Emma,,1996,2,", create_missing=True)
    assert counts(report) == [2, 0, 0, 0, 0, 0]
    assert rated(user_id)[created[0]][0] == 18
