"""Which movies the rows of a person's file mean, and which are added."""

import pytest
from sqlalchemy import func, select

from movierating.database import read
from movierating.movies import service as movies
from movierating.movies.models import Movie
from movierating.ratings.models import Rating

_rating = Rating.__table__.c


def rated(user_id):
    """Movie ids, half points and times of somebody's ratings."""
    own = select(_rating.movie_id, _rating.value, _rating.rated_at).where(_rating.user_id == user_id)
    return {row[0]: (row[1], row[2]) for row in read().execute(own)}


@pytest.mark.parametrize(
    "row",
    [
        "tt0113277,,,,,8.5,",
        "tt0113277,7,Another,,1920,8.5,",
        ",949,,,,8.5,",
        ",,HEAT,,1995,8.5,",
        ",,élan,,1995,8.5,",
        ",,Chaleur,Heat,1995,8.5,",
        ",,Heat,,1996,8.5,",
        ",,Heat,,1994,8.5,",
    ],
)
def test_a_row_is_matched_by_its_ids_then_by_title_and_year(bring, counts, heat, user_id, exact, row):
    assert counts(bring(user_id, row)) == [1, 0, 0, 0, 0, 0]
    assert rated(user_id)[heat][0] == 17
    assert exact()


@pytest.mark.parametrize(
    "row",
    [
        "tt0000001,949,Heat,,1995,8.5,",
        "tt0000001,,Heat,,1995,8.5,",
        ",1,Heat,,1995,8.5,",
        ",,Heat,,1997,8.5,",
        ",,Heat,,,8.5,",
        ",,Heat 2,,1995,8.5,",
    ],
)
def test_a_row_with_another_id_title_or_year_is_unmatched(bring, counts, heat, user_id, row):
    report = bring(user_id, row)
    assert counts(report) == [0, 0, 0, 0, 1, 0]
    assert report["unmatched"][0]["reason"] == "there is no such movie"
    assert rated(user_id) == {}


@pytest.mark.parametrize("create_missing", [False, True])
def test_between_two_movies_nobody_guesses(bring, counts, add_movie, user_id, create_missing):
    emmas = [add_movie(title="Emma", year=1996, imdb_id=f"tt000000{number}") for number in (1, 2)]
    report = bring(user_id, ",,Emma,,1996,8,", create_missing=create_missing)
    [row] = report["unmatched"]
    assert row.pop("reason") == "more than one movie has this title and year"
    assert row == {"line": 2, "title": "Emma", "year": 1996, "candidates": emmas}
    assert counts(bring(user_id, "tt0000002,,Emma,,1996,8,")) == [1, 0, 0, 0, 0, 0]


IMDB = "Const,Your Rating,Date Rated,Title,URL,Title Type,Year"


@pytest.mark.parametrize("create_missing", [False, True])
def test_what_is_no_movie_is_matched_by_its_id_alone_and_else_skipped(
    bring, counts, heat, user_id, create_missing
):
    rows = [
        "tt0113277,8,2024-01-15,Heat,,TV Special,1995",
        "tt0113277,7,2024-01-14,Heat,,TV Series,1995",
        "tt7000001,9,2024-01-15,Heat,,TV Series,1995",
        "tt7000002,9,2024-01-15,The Wire,,TV Series,2002",
    ]
    report = bring(user_id, *rows, header=IMDB, create_missing=create_missing)
    assert counts(report) == [1, 0, 0, 3, 0, 0]
    assert rated(user_id)[heat][0] == 16
    assert read().scalar(select(func.count()).select_from(Movie)) == 1


def test_a_missing_movie_is_added_once_with_its_ids(bring, counts, user_id, exact):
    rows = [
        "tt0054407,29259,Le Trou,The Hole,1960,9,2024-01-15T10:30:00Z",
        ",,the hole,,1960,8,2023-01-15T10:30:00Z",
        "tt0054407,,,,,7,2022-01-15T10:30:00Z",
    ]
    report = bring(user_id, *rows, create_missing=True)
    assert counts(report) == [1, 0, 0, 2, 0, 0]
    [movie_id] = rated(user_id)
    facts = movies.facts(movies.by_id(movie_id))
    assert {name: facts[name] for name in ("title", "original_title", "year", "imdb_id", "tmdb_id")} == {
        "title": "Le Trou",
        "original_title": "The Hole",
        "year": 1960,
        "imdb_id": "tt0054407",
        "tmdb_id": 29259,
    }
    assert movies.by_id(movie_id).rating_count == 1
    assert exact()
    assert counts(bring(user_id, *rows, create_missing=True)) == [0, 0, 1, 2, 0, 0]


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
def test_a_movie_that_could_not_be_posted_is_not_added(bring, counts, user_id, everything, row, reason):
    before = everything()
    report = bring(user_id, row, create_missing=True)
    assert sum(counts(report)) == 1
    [left] = report["unmatched"] + report["errors"]
    assert reason in left["reason"]
    assert everything() == before


def test_a_movie_that_exists_is_never_changed(bring, counts, add_movie, user_id, everything):
    add_movie(title="Heat", year=1995)
    before = everything()["movie"]
    row = "tt0113277,949,HEAT,Élan,1996,8,"
    assert counts(bring(user_id, row, create_missing=True)) == [1, 0, 0, 0, 0, 0]
    facts = slice(1, 9)
    assert [row[facts] for row in everything()["movie"]] == [row[facts] for row in before]
    assert movies.by_id(1).edit == 1
