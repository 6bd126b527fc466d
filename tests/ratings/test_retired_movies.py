"""Merged and deleted movies do not come back: not by a seed, not by an import of movies or of ratings."""

import csv
import io

import pytest
from sqlalchemy import select

from movierating.movies import catalogue_import, import_batch, movie_csv, seed
from movierating.movies import service as movies
from movierating.movies.models import Movie
from movierating.ratings import datasets, imports, merging, service
from movierating.ratings.formats import movielens
from movierating.ratings.imports import import_file
from movierating.storage.database import read, write

IDS = {"imdb_id": "tt0116191", "tmdb_id": 3573}
OTHER_IDS = {"imdb_id": "tt0118308", "tmdb_id": 9}
DELETED = "an administrator merged, renamed or deleted this movie"


def list_titles():
    return list(read().scalars(select(Movie.title).order_by(Movie.id)))


def delete_movie(movie_id):
    service.delete_movie(movie_id, None, with_ratings=False)


@pytest.fixture
def seed_rows(tmp_path, monkeypatch):
    """`seed_rows({"title": "Emma", "year": 1996})` seeds other bundled movies, and returns the number of added ones."""

    def load(*rows):
        path = write_movies(tmp_path / "movies.csv", rows)
        monkeypatch.setattr(seed, "get_bundled_csv", lambda: path)
        return seed.seed_bundled().added

    return load


@pytest.fixture
def import_catalogue(tmp_path):
    """`import_catalogue({"title": "Emma", "year": 1996})` imports movies, and returns the number of added ones."""

    def load(*rows):
        files = catalogue_import.open_files([write_movies(tmp_path / "movies.csv", rows)])
        return catalogue_import.import_catalogue(files).added

    return load


def write_movies(path, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, movie_csv.COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return path


def make_file(unmatched=0, **facts):
    """Return a file with a row of these facts, and rows of unknown movies."""
    text = io.StringIO()
    writer = csv.DictWriter(text, ["title", "year", "imdb_id", "tmdb_id", "value"])
    writer.writeheader()
    writer.writerow({"value": 8, **facts})
    writer.writerows({"value": 8, "title": f"Unknown {number}"} for number in range(unmatched))
    return io.BytesIO(text.getvalue().encode())


@pytest.mark.parametrize(
    ("ids", "facts"),
    [(IDS, IDS), (IDS, {"imdb_id": "tt0116191"}), (IDS, {"tmdb_id": 3573}), (IDS, {}), ({}, IDS), ({}, {})],
    ids=str,
)
@pytest.mark.parametrize("load", ["seed_rows", "import_catalogue"])
def test_deleted_movie_is_not_added_with_or_without_ids(app, request, add_movie, load, ids, facts):
    delete_movie(add_movie(title="Emma", year=1996, **ids))
    assert request.getfixturevalue(load)({"title": "Emma", "year": 1996, **facts}) == 0
    assert list_titles() == []


@pytest.mark.parametrize(
    ("ids", "facts"),
    [(IDS, {"year": 1996, **OTHER_IDS}), (IDS, {"year": 2020}), ({}, {"year": 2020})],
    ids=str,
)
@pytest.mark.parametrize("load", ["seed_rows", "import_catalogue"])
def test_movie_of_the_same_title_with_other_ids_or_another_year_is_added(
    app, request, add_movie, load, ids, facts
):
    delete_movie(add_movie(title="Emma", year=1996, **ids))
    assert request.getfixturevalue(load)({"title": "Emma", **facts}) == 1


@pytest.mark.parametrize(
    ("merged", "facts", "added"),
    [
        (IDS, IDS, 0),
        (IDS, {}, 0),
        ({}, {}, 0),
        ({}, {"imdb_id": "tt0000001"}, 1),
        (IDS, {"imdb_id": "tt0000001"}, 1),
    ],
    ids=str,
)
@pytest.mark.parametrize("load", ["seed_rows", "import_catalogue"])
def test_merged_movie_is_not_added_and_others_are(app, request, add_movie, load, merged, facts, added):
    survivor_id = add_movie(title="Jane Austen's Emma", year=2000, **OTHER_IDS)
    merging.merge_movies(add_movie(title="Emma", year=1996, **merged), survivor_id)
    assert request.getfixturevalue(load)({"title": "Emma", "year": 1996, **facts}) == added


@pytest.mark.parametrize("facts", [IDS, {"tmdb_id": 3573}, {}], ids=str)
@pytest.mark.parametrize(
    "options", [{"create_missing": True}, {"create_missing": "always"}, {"choices": {"2": "new"}}]
)
def test_import_does_not_add_a_deleted_movie(app, user_id, add_movie, facts, options):
    delete_movie(add_movie(title="Emma", year=1996, **IDS))
    report = import_file(user_id, make_file(title="Emma", year=1996, **facts), **options)
    assert [row["reason"] for row in report.unmatched] == [DELETED]
    assert list_titles() == []


@pytest.mark.parametrize("load", ["seed_rows", "import_catalogue"])
def test_deleted_movie_is_not_added_under_another_title_with_its_title_as_original_one(
    app, request, add_movie, load
):
    delete_movie(add_movie(title="Emma!", year=1996, **IDS))
    row = {"title": "Heart", "original_title": "Emma!", "year": 1996}
    assert request.getfixturevalue(load)(row) == 0
    assert request.getfixturevalue(load)({**row, **OTHER_IDS}) == 1


def test_import_adds_another_movie_of_the_same_title_and_year(app, user_id, add_movie):
    delete_movie(add_movie(title="Emma", year=1996, **IDS))
    report = import_file(user_id, make_file(title="Emma", year=1996, **OTHER_IDS), create_missing=True)
    assert report.created == 1


# Retired movies are looked up one by one for a file with fewer rows than there are of them, else all are read.
@pytest.mark.parametrize("unmatched", [0, 100])
@pytest.mark.parametrize("create_missing", [False, True])
def test_import_finds_a_merged_movie_by_its_title_and_year(
    app, user_id, add_movie, create_missing, unmatched
):
    survivor_id = add_movie(title="Jane Austen's Emma", year=2000, **OTHER_IDS)
    merging.merge_movies(add_movie(title="Emma", year=1990, **IDS), survivor_id)
    file = make_file(unmatched, title="Emma", year=1990)
    report = import_file(user_id, file, create_missing=create_missing)
    assert (report.created, len(report.unmatched)) == (1, unmatched)
    assert service.get_rating(user_id, survivor_id)["value"] == 8


def test_deleted_movie_can_be_created_and_is_found_then(app, user_id, add_movie, seed_rows):
    delete_movie(add_movie(title="Emma", year=1996, **IDS))
    movie_id = movies.create_movie({"title": "Emma", "year": 1996, **IDS}).id
    assert import_file(user_id, make_file(title="Emma", year=1996), create_missing=True).created == 1
    assert service.get_rating(user_id, movie_id)["value"] == 8
    assert seed_rows({"title": "Emma", "year": 1996, **IDS}) == 0


@pytest.fixture
def delete_before_write(monkeypatch, add_movie):
    """`delete_before_write(module)` adds and deletes a movie before the first write of the module."""

    def prepare(module):
        def delete_and_write(*arguments, **options):
            monkeypatch.setattr(module, "write", write)
            delete_movie(add_movie(title="Emma", year=1996, **IDS))
            return write(*arguments, **options)

        monkeypatch.setattr(module, "write", delete_and_write)

    return prepare


def test_seed_does_not_add_a_movie_that_is_deleted_before_it_writes(app, seed_rows, delete_before_write):
    delete_before_write(import_batch)
    assert seed_rows({"title": "Emma", "year": 1996, **IDS}) == 0
    assert list_titles() == []


def test_import_does_not_add_a_movie_that_is_deleted_before_it_writes(app, user_id, delete_before_write):
    delete_before_write(imports)
    report = import_file(user_id, make_file(title="Emma", year=1996, **IDS), create_missing=True)
    assert [row["reason"] for row in report.unmatched] == [DELETED]
    assert list_titles() == []


@pytest.mark.parametrize("is_merged", [True, False], ids=["merged", "deleted"])
def test_data_set_does_not_add_a_merged_or_deleted_movie(app, tmp_path, add_movie, is_merged):
    movie_id = add_movie(title="Emma", year=1996, **IDS)
    survivor_id = add_movie(title="Jane Austen's Emma", year=2000, **OTHER_IDS)
    if is_merged:
        merging.merge_movies(movie_id, survivor_id)
    else:
        delete_movie(movie_id)
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "movies.csv").write_text("movieId,title,genres\n1,Emma (1996),Drama\n", encoding="utf-8")
    (folder / "links.csv").write_text("movieId,imdbId,tmdbId\n1,0116191,3573\n", encoding="utf-8")
    (folder / "ratings.csv").write_text("userId,movieId,rating,timestamp\n1,1,4,9\n", encoding="utf-8")
    report = datasets.import_movielens(movielens.open_folder(folder), lambda _: None)
    assert (report.added, report.unmatched) == ((1, 0) if is_merged else (0, 1))
    assert list_titles() == ["Jane Austen's Emma"]
    assert len(report.reasons) == (0 if is_merged else 1)


@pytest.mark.parametrize("is_one_file", [True, False])
def test_movie_does_not_learn_the_id_of_a_deleted_one(user_id, add_movie, import_rows, is_one_file):
    delete_movie(add_movie(title="Emma", year=1996, **IDS))
    rows = [",,Jane,,2000,8,", "tt0116191,,Jane,,2000,7,", "tt0000009,,Jane,,2000,6,"]
    for part in [rows] if is_one_file else [[row] for row in rows]:
        import_rows(user_id, *part, create_missing=True)
    imdb_ids = list(read().scalars(select(Movie.imdb_id).where(Movie.title == "Jane").order_by(Movie.id)))
    assert imdb_ids == ([None, "tt0000009"] if is_one_file else ["tt0000009"])
