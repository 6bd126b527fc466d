"""Imports while the first start is still adding the bundled movies."""

import csv

import pytest
from sqlalchemy import delete, func, select

from movierating.movies import movie_csv, seed
from movierating.movies.models import DataMigration, Movie
from movierating.ratings.row_matching import LOADING
from movierating.storage.database import read, write

ROWS = ("tt0113277,,,,,8.5,", ",,Emma,,1996,7,", ",,Ronin,,1998,6,")
BUNDLED = {
    "title": "Le Fabuleux Destin",
    "year": "2001",
    "imdb_id": "tt0211915",
    "directors": "Jean-Pierre Jeunet",
    "alternative_titles": "Die fabelhafte Welt",
}


def count_movies():
    return read().scalar(select(func.count()).select_from(Movie))


@pytest.mark.parametrize("dry_run", [True, False])
def test_report_says_whether_the_catalogue_was_loading(import_rows, heat, user_id, finish_loading, dry_run):
    assert import_rows(user_id, *ROWS, dry_run=dry_run)["catalogue"] == "loading"
    finish_loading()
    assert import_rows(user_id, *ROWS, dry_run=dry_run)["catalogue"] is None


@pytest.mark.parametrize("create_missing", [True, "always"])
def test_no_movie_is_added_while_the_catalogue_is_loading(
    import_rows, counts, heat, user_id, finish_loading, create_missing
):
    report = import_rows(user_id, *ROWS, create_missing=create_missing)
    assert counts(report) == [1, 0, 0, 0, 2, 0]
    assert [row["reason"] for row in report["unmatched"]] == [LOADING] * 2
    assert count_movies() == 1
    finish_loading()
    assert counts(import_rows(user_id, *ROWS, create_missing=create_missing)) == [2, 0, 1, 0, 0, 0]
    assert count_movies() == 3


def test_a_choice_adds_no_movie_while_the_catalogue_is_loading(import_rows, counts, user_id, finish_loading):
    report = import_rows(user_id, ROWS[1], choices={"2": "new"})
    assert [row["reason"] for row in report["unmatched"]] == [LOADING]
    finish_loading()
    assert counts(import_rows(user_id, ROWS[1], choices={"2": "new"})) == [1, 0, 0, 0, 0, 0]


def test_a_row_has_candidates_also_while_the_catalogue_is_loading(import_rows, heat, user_id, finish_loading):
    [row] = import_rows(user_id, ",,Heat,,1996,7,", create_missing="always")["unmatched"]
    assert (row["reason"], row["candidates"]) == (LOADING, [heat])


def test_rows_without_a_movie_have_the_usual_reason_if_none_is_to_be_added(
    import_rows, user_id, finish_loading
):
    report = import_rows(user_id, ROWS[1])
    assert [row["reason"] for row in report["unmatched"]] == ["there is no such movie"]


# The load would not find a movie with the first title, and would not add the facts to a movie with the id.
@pytest.mark.parametrize("row", [",,Die fabelhafte Welt,,2001,9,", "tt0211915,,Amélie,,2001,9,"])
def test_an_import_during_the_load_leads_to_one_movie_with_all_facts(
    import_rows, counts, user_id, finish_loading, tmp_path, monkeypatch, row
):
    path = tmp_path / "movies.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, movie_csv.COLUMNS, restval="")
        writer.writeheader()
        writer.writerow(BUNDLED)
    monkeypatch.setattr(seed, "get_bundled_csv", lambda: path)
    assert counts(import_rows(user_id, row, create_missing=True)) == [0, 0, 0, 0, 1, 0]
    seed.load_catalogue()
    assert counts(import_rows(user_id, row, create_missing=True)) == [1, 0, 0, 0, 0, 0]
    movies = read().execute(select(Movie.title, Movie.directors, Movie.rating_count)).all()
    assert movies == [("Le Fabuleux Destin", '["Jean-Pierre Jeunet"]', 1)]


def test_imports_add_movies_if_nothing_loads_the_catalogue(import_rows, counts, user_id):
    # So it is behind a WSGI server other than `movierating serve`.
    write(lambda connection: connection.execute(delete(DataMigration)))
    report = import_rows(user_id, *ROWS[1:], create_missing=True)
    assert (counts(report), report["catalogue"]) == ([2, 0, 0, 0, 0, 0], None)


def test_imports_add_movies_after_an_upgrade_brought_new_bundled_movies(import_rows, counts, user_id):
    def replace_checksum(connection):
        connection.execute(delete(DataMigration).where(DataMigration.name == seed.get_catalogue_migration()))
        connection.execute(DataMigration.__table__.insert(), {"name": "catalogue 0123abcd", "applied_at": 0})

    write(replace_checksum)
    assert not seed.is_catalogue_loaded()
    report = import_rows(user_id, *ROWS[1:], create_missing=True)
    assert (counts(report), report["catalogue"]) == ([2, 0, 0, 0, 0, 0], None)
