"""Imports of data sets: accounts, movies, ratings and reports, in any order and repeatedly."""

import pytest
from sqlalchemy import inspect, select

from movierating.auth.models import User
from movierating.movies import service as movies
from movierating.ratings import recount
from movierating.storage.database import read
from ratings.data_sets import LINKS, MOVIES, list_ratings, list_rows, load

SECOND = 1_000_000


def test_ratings_belong_to_accounts_without_a_password(app, write_set, problem):
    report = load(write_set([(7, 1, 4.5, 1000), (7, 2, 0.5, 2000)]))
    assert list_ratings() == {("ml-7", "Heat"): (9, 1000), ("ml-7", "Le Trou"): (1, 2000)}
    assert (report.users_added, report.movies_added, report.added, report.rejected) == (1, 2, 2, 0)
    account = read().execute(select(User.__table__)).one()
    assert (account.display_name, account.email, account.password_hash) == ("MovieLens user 7", None, None)
    response = app.test_client().post(
        "/v1/auth/login", json={"login": "ml-7", "password": "correct horse battery"}
    )
    problem(response, 401)


def test_existing_movies_are_matched_and_missing_ones_added_with_their_facts(app, add_movie, write_set):
    heat = add_movie(title="Heat", year=1995, genres=["Drama"])
    report = load(write_set([(1, 1, 3, 0)]))
    assert (report.movies_present, report.movies_added) == (1, 1)
    matched = movies.get_movie_by_imdb_id("tt0113277")
    assert (matched.id, matched.tmdb_id, matched.genres) == (heat, 949, '["Drama"]')
    added = movies.get_movie_by_imdb_id("tt0054407")
    assert (added.title, added.original_title, added.year, added.genres) == (
        "Le Trou", "The Hole", 1960, '["Film Noir"]',
    )  # fmt: skip


@pytest.mark.parametrize(
    ("ratings", "expected"),
    [
        ([(3, 100), (4, 200)], (8, 200)),
        ([(4, 200), (3, 100)], (8, 200)),
        ([(3, 100), (4, 100), (2, 100)], (8, 100)),
        ([(5, 100), (1, 101)], (2, 101)),
    ],
)
@pytest.mark.parametrize("runs", ["one", "several"])
def test_newest_rating_is_stored_and_of_equally_old_ones_the_highest(app, write_set, ratings, expected, runs):
    rows = [(1, 1, stars, when) for stars, when in ratings]
    for part in [rows] if runs == "one" else [[row] for row in rows]:
        load(write_set(part))
    assert list_ratings() == {("ml-1", "Heat"): expected}
    assert recount.find_mismatches(read()) == []


def test_two_rows_of_one_movie_are_one_movie_for_its_raters(app, write_set):
    folder = write_set([(1, 1, 3, 5), (1, 9, 4, 6), (2, 9, 2, 6)], [*MOVIES, (9, "Heat (1995)", "Drama")])
    report = load(folder)
    assert list_ratings() == {("ml-1", "Heat"): (8, 6), ("ml-2", "Heat"): (4, 6)}
    assert (report.added, report.changed, report.unchanged) == (2, 0, 1)


def test_changed_rating_has_its_created_at_unchanged(app, write_set):
    load(write_set([(1, 1, 3, 5)]))
    first = list_rows()["rating"][0]
    report = load(write_set([(1, 1, 4, 6)]))
    assert (report.added, report.changed) == (0, 1)
    user_id, movie_id, value, rated_at, created_at, updated_at = list_rows()["rating"][0]
    assert (user_id, movie_id, value, rated_at, created_at) == (*first[:2], 16, 6 * SECOND, first[4])
    assert updated_at > first[5]


def test_a_second_run_changes_nothing(app, write_set):
    shared = [*((number, "Emma (1996)", "Drama") for number in (3, 4, 5)), (6, "No year", "")]
    ratings = [(user, movie, 3, 7) for user in (1, 2) for movie in (1, 2, 3, 4, 5, 6)]
    folder = write_set(ratings, [*MOVIES, *shared], [*LINKS, (4, "1", "7"), (5, "2", "7")])
    first = load(folder)
    before = list_rows()
    second = load(folder)
    assert list_rows() == before
    assert (second.movies_added, second.users_added, second.added, second.changed) == (0, 0, 0, 0)
    assert second.unchanged == first.added
    assert (second.unmatched, second.reasons) == (first.unmatched, first.reasons)


def test_invalid_rows_are_reported_with_their_line_and_the_others_imported(app, add_movie, write_set):
    for number in (1, 2):
        add_movie(title="Emma", year=1996, imdb_id=f"tt000000{number}")
    bad_movies = [
        (3, "Emma (1996)", "Drama"),
        (4, "unknown", ""),
        (1, "Again (1999)", ""),
        ("x", "Y (1999)", ""),
    ]
    folder = write_set(
        [(1, 1, 3, 0), (1, 2, 7, 0), (1, 3, 3, 0), (1, 4, 3, 0), (1, 99, 3, 0)], [*MOVIES, *bad_movies]
    )
    report = load(folder)
    places = [reason.split(": ")[0] for reason in report.reasons]
    assert places == [*(f"movies.csv:{line}" for line in (4, 5, 6, 7)), "ratings.csv:3"]
    assert (report.added, report.unmatched, report.rejected) == (1, 3, 5)
    assert list_ratings() == {("ml-1", "Heat"): (6, 0)}


def test_reasons_are_limited_to_50(app, write_set):
    report = load(write_set([(1, 1, 9, 0)] * 200))
    assert (report.rejected, len(report.reasons)) == (200, 50)


def test_ml_100k_is_loaded_without_its_unknown_movie(app, tmp_path):
    flags = "|".join("0" * 18)
    item = f"1|Heat (1995)|01-Jan-1995||http://x|0|{flags}\n267|unknown||||1|{flags}\n"
    (tmp_path / "u.item").write_text(item, encoding="latin-1")
    (tmp_path / "u.data").write_text("1\t1\t5\t881250949\n1\t267\t3\t881250949\n")
    report = load(tmp_path)
    assert report.reasons == ["u.item:2: nothing is known of the movie"]
    assert (report.added, report.unmatched) == (1, 1)
    assert list_ratings() == {("ml-1", "Heat"): (10, 881250949)}


def test_first_load_restores_the_indexes(app, write_set):
    before = inspect(read()).get_indexes("rating")
    assert len(before) == 3
    assert load(write_set([(1, 1, 3, 0), (2, 1, 4, 0), (1, 1, 5, 7)])).added == 2
    assert inspect(read()).get_indexes("rating") == before
    assert list_ratings() == {("ml-1", "Heat"): (10, 7), ("ml-2", "Heat"): (8, 0)}
