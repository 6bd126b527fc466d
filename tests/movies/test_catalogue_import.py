"""Importing IMDb's data sets and CSV files of movies: what is added and completed."""

from functools import partial

import pytest
from sqlalchemy import func, select, update

from movierating.movies import catalogue_import, index_repair, movie_csv, service
from movierating.movies.matching import MovieMatcher
from movierating.movies.models import Movie, MovieTitle
from movierating.ratings import merging
from movierating.ratings import service as ratings
from movierating.storage.database import read, write
from movies.catalogue_files import (
    AKAS,
    AMELIE,
    BASICS,
    DUEL,
    GODFATHER,
    RATINGS,
    list_movies,
    list_titles,
    make_csv_row,
)


@pytest.mark.parametrize("suffix", ["tsv", "tsv.gz"])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)])
def test_imdb_files_add_movies_with_their_alternative_titles(write_file, run_import, suffix, order):
    files = [
        write_file(f"title.{name}.{suffix}", lines)
        for name, lines in (("basics", BASICS), ("ratings", RATINGS), ("akas", AKAS))
    ]
    counts, reasons = run_import(*(files[place] for place in order))
    assert (counts, reasons) == ((3, 0, 0, 1, 4, 0), [])
    assert list_movies() == [GODFATHER, AMELIE, DUEL]
    assert list_titles("tt0068646") == ['Der Pate "1"']
    assert [list(index_repair.find_mismatches(read(), part)) for part in index_repair.BEFORE_TEXT] == [[]] * 3
    assert list(index_repair.find_mismatches(read(), index_repair.TEXT)) == []


def test_repeated_import_changes_nothing(write_file, run_import):
    files = [write_file("basics", BASICS), write_file("akas", AKAS)]
    run_import(*files)
    before = read().execute(select(Movie.__table__)).all()
    assert run_import(*files) == ((0, 3, 0, 0, 4, 0), [])
    assert read().execute(select(Movie.__table__)).all() == before
    assert read().scalar(select(func.count()).select_from(MovieTitle)) == 1


def test_existing_movies_get_ids_and_titles_and_keep_their_facts(add_movie, write_file, run_import):
    godfather = add_movie(title="Godfather", year=1972, genres=["Crime"], wikidata_id="Q47703")
    amelie = add_movie(title="Amélie", year=1999, imdb_id="tt0211915", runtime_minutes=100)
    counts, _ = run_import(write_file("basics", BASICS), write_file("akas", AKAS))
    assert counts == (1, 2, 1, 2, 4, 0)
    row = service.get_movie(godfather)
    assert (row.title, row.year, row.genres, row.imdb_id, row.runtime_minutes, row.wikidata_id) == (
        "Godfather", 1972, '["Crime"]', "tt0068646", None, "Q47703",
    )  # fmt: skip
    assert row.edit > 1
    row = service.get_movie(amelie)
    assert (row.title, row.original_title, row.year, row.runtime_minutes) == ("Amélie", None, 1999, 100)
    assert list_titles("tt0211915") == list(AMELIE[:2])


def test_movies_with_few_votes_are_completed_by_their_id_and_not_added(add_movie, write_file, run_import):
    duel, amelie = (
        add_movie(title="Duel", year=1971),
        add_movie(title="Amelie", year=2001, imdb_id="tt0211915"),
    )
    files = write_file("basics", BASICS), write_file("ratings", RATINGS)
    counts, _ = run_import(*files, min_votes=1_000_000)
    assert counts == (1, 1, 0, 1, 5, 0)
    assert service.get_movie(duel).imdb_id is None
    assert list_titles("tt0211915") == list(AMELIE[:2])
    assert [row[5] for row in list_movies()] == [None, "tt0211915", "tt0068646"]
    assert amelie


def test_csv_adds_and_completes_movies(add_movie, write_file, run_import):
    heat = add_movie(title="Heat", year=1995, genres=["Crime"])
    rows = [
        make_csv_row(
            title="Heat", year="1995", tmdb_id="949", wikidata_id="Q42198", alternative_titles="Fuego|Heat"
        ),
        make_csv_row(title="Ran", year="1985", genres="Drama|War", alternative_titles="乱", prominence="40"),
        make_csv_row(title="Bad", year="x"),
    ]
    counts, reasons = run_import(write_file("movies.csv", [",".join(movie_csv.COLUMNS), *rows]))
    assert counts == (1, 1, 1, 2, 0, 1)
    assert reasons == ['movies.csv: line 4: year: Must be a whole number, not "x".']
    row = service.get_movie(heat)
    assert (row.tmdb_id, row.wikidata_id, row.genres) == (949, "Q42198", '["Crime"]')
    statement = select(Movie.title, Movie.prominence, MovieTitle.title).join(MovieTitle).order_by(Movie.id)
    added = read().execute(statement).all()
    assert [tuple(row) for row in added] == [("Heat", 0, "Fuego"), ("Ran", 40, "乱")]
    repeated = run_import(write_file("movies.csv", [",".join(movie_csv.COLUMNS), *rows[:2]]))
    assert repeated[0] == (0, 2, 0, 0, 0, 0)


def test_movie_that_gets_only_a_wikidata_id_is_counted_once_as_completed(add_movie, write_file, run_import):
    add_movie(title="Heat", year=1995)
    add_movie(title="Ran", year=1985, wikidata_id="Q1")
    heat = make_csv_row(title="Heat", year="1995", wikidata_id="Q42198", prominence="60")
    ran = make_csv_row(title="Ran", year="1985", wikidata_id="Q200299", prominence="40")
    for completed in (1, 0):
        counts, _ = run_import(write_file("movies.csv", [",".join(movie_csv.COLUMNS), heat, heat, ran]))
        assert counts == (0, 3, completed, 0, 0, 0)


def test_movies_of_one_title_and_year_without_ids_are_reported(add_movie, write_file, run_import):
    for title in ("Godfather", "Godfather!"):
        add_movie(title=title, year=1972)
    counts, reasons = run_import(write_file("basics", BASICS[:2]))
    assert counts == (0, 0, 0, 0, 0, 1)
    assert reasons == ["basics:2: more than one movie has this title and year"]


def test_a_movie_gets_at_most_100_alternative_titles_however_many_batches(
    write_file, run_import, monkeypatch
):
    monkeypatch.setattr(catalogue_import, "_MAX_TITLES", 7)
    akas = [f"tt0068646\t{n}\tName {n}\tDE\t\\N\t\\N\t\\N\t0" for n in range(150)]
    run_import(write_file("basics", BASICS), write_file("akas", [AKAS[0], *akas]))
    assert list_titles("tt0068646") == [f"Name {n}" for n in range(100)]


def test_titles_with_control_characters_or_too_long_are_left_out(write_file, run_import):
    akas = [
        partial("tt0068646\t1\t{}\tDE\t\\N\t\\N\t\\N\t0".format)(title)
        for title in ("\x01", "x" * 501, "Pate")
    ]
    run_import(write_file("basics", BASICS), write_file("akas", [AKAS[0], *akas]))
    assert list_titles("tt0068646") == ["Pate"]


def test_titles_are_stored_as_a_request_would_set_them(write_file, run_import):
    akas = "tt0068646\t1\t Le Parrain\u00a0: Pe\u0301re \tFR\t\\N\t\\N\t\\N\t0"
    run_import(write_file("basics", BASICS), write_file("akas", [AKAS[0], akas]))
    assert list_titles("tt0068646") == ["Le Parrain\u00a0: P\u00e9re"]


def test_movie_that_is_added_after_the_match_is_completed_instead(
    write_file, run_import, add_movie, monkeypatch
):
    stage, others = MovieMatcher.stage, [{"title": "Godfather", "year": 1972}, {"imdb_id": "tt0067023"}]

    def add_another_first(matcher):
        while others:
            add_movie(**others.pop())
        return stage(matcher)

    monkeypatch.setattr(MovieMatcher, "stage", add_another_first)
    counts, _ = run_import(write_file("basics", BASICS))
    assert counts == (1, 2, 1, 1, 4, 0)
    assert service.get_movie_by_imdb_id("tt0068646").title == "Godfather"


def test_wikidata_id_finds_a_movie_whose_titles_and_other_ids_differ(write_file, run_import, add_movie):
    movie_id = add_movie(title="Hitze", year=1996, wikidata_id="Q42198")
    row = make_csv_row(title="Heat", year="1995", wikidata_id="Q42198", prominence="60")
    counts, _ = run_import(write_file("movies.csv", [",".join(movie_csv.COLUMNS), row]))
    assert counts == (0, 1, 0, 1, 0, 0)
    assert (service.get_movie(movie_id).title, service.get_movie(movie_id).prominence) == ("Hitze", 60)


@pytest.mark.parametrize("is_merged", [True, False], ids=["merged", "deleted"])
def test_merged_and_deleted_movies_are_not_added_again(write_file, run_import, add_movie, is_merged):
    basics = write_file("basics", BASICS)
    run_import(basics)
    survivor_id = add_movie(title="Il padrino", year=1972)
    movie_id = service.get_movie_by_imdb_id("tt0068646").id
    if is_merged:
        merging.merge_movies(movie_id, survivor_id)
    else:
        ratings.delete_movie(movie_id, None, with_ratings=False)
    (added, present, *_, skipped, _), _ = run_import(basics)
    assert (added, present, skipped) == ((0, 3, 4) if is_merged else (0, 2, 5))


def test_csv_without_the_new_columns_is_read(write_file, run_import):
    names = [name for name in movie_csv.COLUMNS if name not in ("alternative_titles", "prominence")]
    path = write_file("old.csv", [",".join(names), "Emma,,1996" + "," * (len(names) - 3)])
    assert run_import(path)[0][:2] == (1, 0)
    write(lambda connection: connection.execute(update(Movie).values(prominence=7)))
    assert run_import(path)[0][:2] == (0, 1)
    assert read().scalar(select(Movie.prominence)) == 7


def test_invalid_row_does_not_stop_a_batch(write_file, run_import, monkeypatch):
    monkeypatch.setattr(catalogue_import, "BATCH_ROWS", 2)
    facts = [("One", "1990"), ("Two", "x"), ("", "1990"), ("Four", "1990")]
    rows = [make_csv_row(title=title, year=year) for title, year in facts]
    counts, reasons = run_import(write_file("some.csv", [",".join(movie_csv.COLUMNS), *rows]))
    assert (counts[0], counts[5]) == (2, 2)
    assert [reason[:17] for reason in reasons] == ["some.csv: line 3:", "some.csv: line 4:"]
